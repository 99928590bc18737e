/* A simulator of the instructions that templates use, so that their words can be tested on any machine:
 * integer, floating point as a MIPS with the old NaN encoding does it (or with that of 2008), Loongson's
 * MMI, and MSA.  What the manual leaves unpredictable is scrambled.  Encodings are checked against GNU as
 * elsewhere, the simulator against a MIPS in check_mips_sim.c. */
#ifndef STITCH86_TESTS_MIPS_SIM_H
#define STITCH86_TESTS_MIPS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* FCSR: sticky flags, and the condition codes $fcc0-$fcc7. */
#define MIPS_FLAG_I 0x04u
#define MIPS_FLAG_U 0x08u
#define MIPS_FLAG_O 0x10u
#define MIPS_FLAG_Z 0x20u
#define MIPS_FLAG_V 0x40u

struct mips_sim {
    uint64_t r[32];
    uint64_t hi, lo;
    uint64_t f[32];      /* FP registers, which are the lower halves of MSA's */
    uint64_t w[32];      /* the upper halves */
    uint32_t fcsr;       /* rounding mode, sticky flags, condition codes; causes stay 0 */
    uint32_t msacsr;     /* the same for MSA's floating point */
    bool nan2008;        /* NaNs as in IEEE 754-2008; MSA always has those */
    struct {             /* what loads and stores can reach */
        uint64_t base;
        size_t size;
        uint8_t *bytes;
    } mem[4];
    bool taken;        /* an open branch at the end, or one to the outside, was taken */
    int left;          /* the word of the branch to the outside, or of the jump, that was taken; -1 */
    int end;           /* the word that comes next: n, what a branch goes to, the one after a jump */
    bool jumped;       /* by j, jal, jr or jalr, behind its delay slot; links are MIPS_SIM_LINK */
    uint64_t target;   /* then: the register's value, or the lower 28 bits of the address */
    const char *error; /* an instruction that it does not know, ... */
};

#define MIPS_SIM_LINK UINT64_C(0x0123456789abcdec)

/* Run n words from the first until they end, or leave by word `site' (-1: none) or any other branch whose
 * offset field is 0, or by a jump.  The last word may be a branch or a jump: its delay
 * slot is not looked at then. */
void mips_sim_run(struct mips_sim *s, const uint32_t *words, int n, int site);

#endif
