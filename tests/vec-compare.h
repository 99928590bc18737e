/* The state after a recorded case against what was recorded. */
#ifndef STITCH86_TEST_VEC_COMPARE_H
#define STITCH86_TEST_VEC_COMPARE_H

#include "vec.h"

extern unsigned vec_failures;
extern unsigned vec_max_reported;

/* Count a difference, and describe it on stderr if there have not been too many. */
void vec_failed(const struct vec_case *c, const char *what, uint32_t got, uint32_t want);
/* Everything but memory: registers, flags, exception, x87, MMX, SSE. */
void vec_compare(const struct vec_case *c, const CPUX86State *env);
/* XMM register reg after the case; RCP and RSQRT within the manual's tolerance. */
bool vec_xmm_equal(const struct vec_case *c, unsigned reg, const union xmm_reg *got);

#endif
