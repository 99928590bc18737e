/* Random sequences of instructions of some mnemonics, templates against the interpreter. */
#ifndef STITCH86_TEST_TMPL_RANDOM_H
#define STITCH86_TEST_TMPL_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* Machines and encodings, once. */
void tr_new(void);
void tr_free(void);
/* All mnemonics that can be drawn; returns how many. */
unsigned tr_mnems(uint16_t *out, unsigned max);
/* At least `cases` instructions of these mnemonics, each with random operands and state, in blocks of one and
 * of many.  false: a difference; it is on stderr unless quiet.  *done is what was run. */
bool tr_run(const uint16_t *mnems, unsigned n, uint64_t seed, uint64_t cases, bool quiet, uint64_t *done);

#endif
