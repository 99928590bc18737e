/* A simulator of the integer instructions that templates use, so that their words can be tested on
 * any machine.  Encodings are checked against GNU as elsewhere. */
#ifndef STITCH86_TESTS_MIPS_SIM_H
#define STITCH86_TESTS_MIPS_SIM_H

#include <stdbool.h>
#include <stdint.h>

struct mips_sim {
    uint64_t r[32];
    uint64_t hi, lo;
    bool taken;        /* an open branch at the end, or one to the outside, was taken */
    const char *error; /* an instruction that it does not know, ... */
};

/* Run n words from the first until they end, or leave by word `site` (-1: none; its offset field
 * is 0).  The last word may be a branch: its delay slot is not looked at then. */
void mips_sim_run(struct mips_sim *s, const uint32_t *words, int n, int site);

#endif
