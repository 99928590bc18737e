/* What the basic operations on 80-bit values share: the last steps of a result. */
#ifndef STITCH86_SOFTFP_ROUND_H
#define STITCH86_SOFTFP_ROUND_H

#include "softfp.h"

#define fx_likely(x) __builtin_expect(!!(x), 1)

typedef unsigned __int128 fx_u128;

/* fx_round_pack() at the precision of PC. */
struct floatx80 fx_round_pc(int sign, int32_t exp, uint64_t hi, uint64_t lo, struct fp_ctx *s);
/* To nearest, at 24 or 53 bits, far from the ends of the exponent. */
struct floatx80 fx_round_short(int sign, int32_t exp, uint64_t hi, uint64_t lo, struct fp_ctx *s);

/* floor(sqrt(nh:nl)) for nh >= 2^62; *above_half: the fraction exceeds one half (softfp-sqrt.c). */
uint64_t fx_isqrt128(uint64_t nh, uint64_t nl, bool *exact, bool *above_half);

/* hi:lo >> n, the lost bits ored into the last place. */
static inline void fx_shift_right_jam(uint64_t *hi, uint64_t *lo, uint32_t n)
{
    if (n == 0)
        return;
    if (n < 64) {
        uint64_t lost = *lo << (64 - n);
        *lo = *hi << (64 - n) | *lo >> n | (lost != 0);
        *hi >>= n;
    } else if (n == 64) {
        *lo = *hi | (*lo != 0);
        *hi = 0;
    } else {
        uint64_t lost = *lo | (n < 128 ? *hi << (128 - n) : *hi);
        *lo = (n < 128 ? *hi >> (n - 64) : 0) | (lost != 0);
        *hi = 0;
    }
}

/* The way of nearly every result: nearest, and far from the ends of the exponent. */
static inline struct floatx80 fx_round_fast(int sign, int32_t exp, uint64_t hi, uint64_t lo, struct fp_ctx *s)
{
    unsigned mode = s->cw & 0xf00;
    if (!fx_likely(mode <= 0x300 && (uint32_t)(exp - 1) < FX_EXP_MAX - 2))
        return fx_round_pc(sign, exp, hi, lo, s);
    if (mode == 0x200 || mode == 0)
        return fx_round_short(sign, exp, hi, lo, s);
    if (lo) {
        s->flags |= FPUS_PE;
        if (lo > FX_INT_BIT || (lo == FX_INT_BIT && (hi & 1))) {
            s->flags |= FPUS_C1;
            if (++hi == 0) {
                hi = FX_INT_BIT;
                exp++;
            }
        }
    }
    return fx_pack(sign, exp, hi);
}

#endif
