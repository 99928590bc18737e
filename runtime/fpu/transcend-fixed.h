/* What the fast transcendental functions share: arithmetic of 128-bit fixed point (transcend-fast.c). */
#ifndef STITCH86_TRANSCEND_FIXED_H
#define STITCH86_TRANSCEND_FIXED_H

#include "mxcsr.h"
#include "transcend-fast.h"

#include <mpfr.h>

typedef unsigned __int128 u128;
typedef __int128 i128;

/* Bits that may be lost to leading zeros. */
#define MAX_SHIFT 36

/* v * 2^bits, rounded down; for tables. */
u128 fixed_point(mpfr_ptr v, int bits);

static inline u128 mul_high(u128 a, u128 b)
{
    uint64_t ah = (uint64_t)(a >> 64), al = (uint64_t)a, bh = (uint64_t)(b >> 64), bl = (uint64_t)b;
    return (u128)ah * bh + (uint64_t)((u128)ah * bl >> 64) + (uint64_t)((u128)al * bh >> 64);
}

static inline int leading_zeros(u128 v)
{
    uint64_t hi = (uint64_t)(v >> 64);
    return hi ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)v | 1);
}

/* k[1] + x*k[2] + x^2*k[3] and so on, `terms` in all; with alternating signs if `alternate`.  From
 * term `narrow` on 64 bits are enough: x^(narrow-1) is below 2^-28, and the sum as good as
 * series_error() says, given so many terms. */
static inline u128 series(const u128 *k, unsigned terms, unsigned narrow, u128 x, bool alternate)
{
    uint64_t xh = (uint64_t)(x >> 64), low = (uint64_t)(k[terms] >> 64);
    unsigned n = terms - 1;
    for (; n >= narrow; n--) {
        uint64_t t = (uint64_t)((u128)xh * low >> 64), kh = (uint64_t)(k[n] >> 64);
        low = alternate ? kh - t : kh + t;
    }
    u128 p = (u128)low << 64;
    for (; n >= 1; n--) {
        u128 t = mul_high(x, p);
        p = alternate ? k[n] - t : k[n] + t;
    }
    return p;
}

/* What the product of the sum and another number may be off because the sum is. */
static inline uint64_t series_error(u128 product)
{
    return (uint64_t)(product >> 87);
}

/* v, its top bit set, is the result's significand but for `error` units either way.  Does it round
 * for certain? */
static inline bool wide(struct fx_wide *r, int sign, int32_t exp, u128 v, uint64_t error)
{
    uint64_t lo = (uint64_t)v;
    *r = (struct fx_wide){ sign, exp, (uint64_t)(v >> 64), lo | 1, error };
    return lo + error >= 2 * error && lo - FX_INT_BIT + error >= 2 * error;
}

/* v * 2^-fraction is the result but for `error` units; v is not 0. */
static inline bool deliver(struct fx_wide *r, int sign, u128 v, int fraction, uint64_t error)
{
    int shift = leading_zeros(v);
    if (shift > MAX_SHIFT)
        return false;
    return wide(r, sign, FX_BIAS + 127 - fraction - shift, v << shift, error << shift);
}

/* A value below 2^(126 - fraction) in magnitude as a fixed-point number, cut off; its exponent is
 * -64 or more. */
static inline u128 to_fixed(struct floatx80 x, int fraction)
{
    int shift = fx_exp(x) - FX_BIAS - 63 + fraction;
    return shift >= 0 ? (u128)x.mant << shift : (u128)x.mant >> -shift;
}

#endif
