/* Patching of host code that may already have run: links between blocks. */
#ifndef STITCH86_MIPS_PATCH_H
#define STITCH86_MIPS_PATCH_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

/* The word of `j target`; both lie in one 256 MiB region, as all of the code region does. */
static inline uint32_t mips_j_word(const uint32_t *site, const uint32_t *target)
{
    assert((((uintptr_t)(site + 1) ^ (uintptr_t)target) >> 28) == 0);
    (void)site;
    return 0x08000000u | ((uint32_t)((uintptr_t)target >> 2) & 0x03ffffffu);
}

/* The delay slot may have been changed before, too. */
static inline void mips_patch_jump(uint32_t *site, const uint32_t *target)
{
    uint32_t word = mips_j_word(site, target);
    if (*site != word) {
        __atomic_store_n(site, word, __ATOMIC_RELEASE);
        __builtin___clear_cache((char *)site, (char *)(site + 2));
    }
}

/* May a block's first word stand in the delay slot of the jump to it, which then goes to the second one?  Computations
 * that cannot trap. */
static inline bool mips_fits_slot(uint32_t word)
{
    uint32_t op = word >> 26, funct = word & 0x3f;
    if (op == 0) /* sll srl sra, sllv srlv srav, addu subu and or xor nor, slt sltu daddu dsubu */
        return word != 0 && (funct <= 7 ? funct != 1 && funct != 5 : funct >= 0x21 && funct <= 0x2f && funct != 0x22
                             && funct != 0x28 && funct != 0x29 && funct != 0x2c && funct != 0x2e);
    return (op >= 9 && op <= 15) || op == 25; /* addiu slti sltiu andi ori xori lui, daddiu */
}

/* Point the 16-bit branch at `site` to target (in words from its delay slot). */
static inline void mips_patch_branch(uint32_t *site, const uint32_t *target)
{
    intptr_t d = target - (site + 1);
    assert(d >= -32768 && d < 32768);
    *site = (*site & 0xffff0000u) | ((uint32_t)d & 0xffffu);
}

#endif
