/* Many recorded cases as one program, so that blocks hold several instructions. */
#ifndef STITCH86_TEST_VEC_CHAIN_H
#define STITCH86_TEST_VEC_CHAIN_H

#include "vec-machine.h"

/* Can the case be one of a chain: no exception, no branch, nothing but flat segments? */
bool vec_chain_takes(const struct vec_case *c);
/* Run n cases one after the other as one piece of code.  `variant` picks how flags are looked at
 * afterwards.  false: a difference, described on stderr. */
enum { VEC_CHAIN_MAX = 16 };
bool vec_chain_run(CPUX86State *env, const struct vec_case *const *cases, unsigned n, unsigned variant);

#endif
