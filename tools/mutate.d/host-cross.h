/* The tests that run guest code through templates on the mips64el host. */
#ifndef STITCH86_MUTATE_HOST_CROSS_H
#define STITCH86_MUTATE_HOST_CROSS_H

#include <stdbool.h>

void vectors_prepare(void);
/* All recorded cases of a mnemonic; with 0 a part of those of mutated_group.  false: one of them failed. */
bool vectors_run(unsigned mnem);

void blocks_prepare(void);
/* n random sequences from the first-th on, that check_blocks runs too. */
bool blocks_run(unsigned first, unsigned n);
/* What check_tmpl_random does for the mnemonic; with 0 for all of mutated_group together. */
bool random_run(unsigned mnem, unsigned cases);
/* check_fpu_templates: returns if it passes. */
void x87_run(void);

#endif
