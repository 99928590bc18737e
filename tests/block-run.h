/* Random sequences on templates against the interpreter. */
#ifndef STITCH86_TEST_BLOCK_RUN_H
#define STITCH86_TEST_BLOCK_RUN_H

#include "block-gen.h"
#include "block-machine.h"

enum { BR_SMALL = 6 }; /* machines of less than whole blocks */

extern struct bm *br_reference;
/* Sums: instructions of the reference, runs, exceptions of the reference. */
extern uint64_t br_executed, br_runs, br_exceptions;

void br_new(void);
void br_free(void);
/* For the sequence of that number. */
uint64_t br_seed(uint64_t seed, uint64_t number);
/* Does it do the same on templates, in whole blocks and with the small-th machine?  If not, the shortest such
 * sequence goes to stderr under the title (NULL: nothing). */
bool br_check(struct bg_seq *q, unsigned small, const char *title);

#endif
