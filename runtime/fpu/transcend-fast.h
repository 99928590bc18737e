/* Fast forms of the transcendental functions, for operands that are FX_NORMAL (transcend-fast.c). */
#ifndef STITCH86_TRANSCEND_FAST_H
#define STITCH86_TRANSCEND_FAST_H

#include "softfp.h"

/* What fx_round_pack() takes: the result cut off after the sticky lowest bit of lo. */
struct fx_wide {
    int sign;
    int32_t exp;
    uint64_t hi, lo;
    uint64_t error; /* bound of what hi.lo is off, in units of lo */
};

/* False: the bits are not enough to tell how it is rounded, or the operands are out of reach; the
 * results are not to be used then.  The operands are those that the instruction computes with: no
 * special case. */
bool fast_2xm1(struct floatx80 x, struct fx_wide *r);
bool fast_yl2x(struct floatx80 y, struct floatx80 x, struct fx_wide *r);
bool fast_yl2xp1(struct floatx80 y, struct floatx80 x, struct fx_wide *r);
bool fast_atan2(struct floatx80 y, struct floatx80 x, struct fx_wide *r);

/* ---- transcend-trig.c; NULL: not wanted ---- */
bool fast_sincos(struct floatx80 x, struct fx_wide *sine, struct fx_wide *cosine);
bool fast_tan(struct floatx80 x, struct fx_wide *r);

#endif
