/* Patching of host code that may already have run: links between blocks. */
#ifndef STITCH86_MIPS_PATCH_H
#define STITCH86_MIPS_PATCH_H

#include <assert.h>
#include <stdint.h>

/* The word of `j target`; both lie in one 256 MiB region, as all of the code region does. */
static inline uint32_t mips_j_word(const uint32_t *site, const uint32_t *target)
{
    assert((((uintptr_t)(site + 1) ^ (uintptr_t)target) >> 28) == 0);
    (void)site;
    return 0x08000000u | ((uint32_t)((uintptr_t)target >> 2) & 0x03ffffffu);
}

static inline void mips_patch_jump(uint32_t *site, const uint32_t *target)
{
    uint32_t word = mips_j_word(site, target);
    if (*site != word) {
        __atomic_store_n(site, word, __ATOMIC_RELEASE);
        __builtin___clear_cache((char *)site, (char *)(site + 1));
    }
}

/* Point the 16-bit branch at `site` to target (in words from its delay slot). */
static inline void mips_patch_branch(uint32_t *site, const uint32_t *target)
{
    intptr_t d = target - (site + 1);
    assert(d >= -32768 && d < 32768);
    *site = (*site & 0xffff0000u) | ((uint32_t)d & 0xffffu);
}

#endif
