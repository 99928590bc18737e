/* A hash of the guest's state in the log at every N executed instructions: two runs, or the
 * two accelerators, can be compared without a trace. */
#ifndef STITCH86_STATE_HASH_H
#define STITCH86_STATE_HASH_H

#include "cpu.h"

/* interval 0: none. */
void state_hash_init(uint64_t interval);
/* The most instructions that a slice may have, at most `limit`, so that it ends at the next hash. */
uint32_t state_hash_limit(const CPUX86State *env, uint32_t limit);
/* Print the hash if one is due now. */
void state_hash_check(CPUX86State *env);

#endif
