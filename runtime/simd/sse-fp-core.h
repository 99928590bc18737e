/* Taking binary32 and binary64 values apart, and rounding results: for both formats at once.
 *
 * `frac`, the number of fraction bits (23 or 52), names the format; it is a constant wherever these
 * functions are used.  Significands of operands and results have their leading bit at bit 62; what
 * is below the format's last place rounds, bit 0 standing for everything further down. */
#ifndef STITCH86_SSE_FP_CORE_H
#define STITCH86_SSE_FP_CORE_H

#include "simd.h"
#include "softfp.h"
#include "sse-fp.h"

#define F32 23
#define F64 52
#define FP_LEAD 62

typedef unsigned __int128 fp_u128;

ALWAYS_INLINE int32_t fp_exp_max(unsigned frac)
{
    return frac == F32 ? 0xff : 0x7ff;
}

ALWAYS_INLINE int32_t fp_bias(unsigned frac)
{
    return frac == F32 ? 127 : 1023;
}

ALWAYS_INLINE uint64_t fp_sign_bit(unsigned frac)
{
    return (uint64_t)1 << (frac == F32 ? 31 : 63);
}

ALWAYS_INLINE bool fp_sign(unsigned frac, uint64_t a)
{
    return (a & fp_sign_bit(frac)) != 0;
}

ALWAYS_INLINE uint64_t fp_frac(unsigned frac, uint64_t a)
{
    return a & (((uint64_t)1 << frac) - 1);
}

ALWAYS_INLINE int32_t fp_exp(unsigned frac, uint64_t a)
{
    return (int32_t)(a >> frac) & fp_exp_max(frac);
}

ALWAYS_INLINE uint64_t fp_abs(unsigned frac, uint64_t a)
{
    return a & (fp_sign_bit(frac) - 1);
}

ALWAYS_INLINE uint64_t fp_zero(unsigned frac, bool sign)
{
    return sign ? fp_sign_bit(frac) : 0;
}

ALWAYS_INLINE uint64_t fp_inf(unsigned frac, bool sign)
{
    return fp_zero(frac, sign) | (uint64_t)fp_exp_max(frac) << frac;
}

ALWAYS_INLINE uint64_t fp_quiet_bit(unsigned frac)
{
    return (uint64_t)1 << (frac - 1);
}

ALWAYS_INLINE bool fp_is_normal(unsigned frac, uint64_t a)
{
    return (uint32_t)(fp_exp(frac, a) - 1) < (uint32_t)fp_exp_max(frac) - 1;
}

ALWAYS_INLINE bool fp_is_inf(unsigned frac, uint64_t a)
{
    return fp_abs(frac, a) == fp_inf(frac, false);
}

ALWAYS_INLINE bool fp_is_nan(unsigned frac, uint64_t a)
{
    return fp_abs(frac, a) > fp_inf(frac, false);
}

ALWAYS_INLINE bool fp_is_snan(unsigned frac, uint64_t a)
{
    return fp_is_nan(frac, a) && !(a & fp_quiet_bit(frac));
}

ALWAYS_INLINE bool fp_is_denormal(unsigned frac, uint64_t a)
{
    return fp_exp(frac, a) == 0 && fp_frac(frac, a);
}

/* An operand as the instruction sees it: under DAZ denormals are zeros. */
ALWAYS_INLINE uint64_t fp_operand(unsigned frac, uint64_t a, const struct sse_fp *s)
{
    if (unlikely(s->mxcsr & MXCSR_DAZ) && fp_is_denormal(frac, a))
        return fp_zero(frac, fp_sign(frac, a));
    return a;
}

ALWAYS_INLINE uint64_t fp_invalid(unsigned frac, struct sse_fp *s)
{
    s->flags |= MXCSR_IE;
    return fp_inf(frac, true) | fp_quiet_bit(frac);
}

/* One of two operands is a NaN: the first one that is, made quiet (SDM 1, table 4-7). */
ALWAYS_INLINE uint64_t fp_propagate(unsigned frac, uint64_t a, uint64_t b, struct sse_fp *s)
{
    if (fp_is_snan(frac, a) || fp_is_snan(frac, b))
        s->flags |= MXCSR_IE;
    return (fp_is_nan(frac, a) ? a : b) | fp_quiet_bit(frac);
}

/* Significand of a finite value, not normalised if that is denormal or zero; *exp is at least 1. */
ALWAYS_INLINE uint64_t fp_unpack(unsigned frac, uint64_t a, int32_t *exp)
{
    uint64_t m = fp_frac(frac, a);
    *exp = fp_exp(frac, a);
    if (likely(*exp))
        m |= (uint64_t)1 << frac;
    else
        *exp = 1;
    return m << (FP_LEAD - frac);
}

/* Leading bit to its place; m is not 0 and has bit 63 clear. */
ALWAYS_INLINE uint64_t fp_normalise(uint64_t m, int32_t *exp)
{
    int n = __builtin_clzll(m) - 1;
    *exp -= n;
    return m << n;
}

/* The same for any finite nonzero value; exponents go below 1. */
ALWAYS_INLINE uint64_t fp_unpack_normal(unsigned frac, uint64_t a, int32_t *exp)
{
    return fp_normalise(fp_unpack(frac, a, exp), exp);
}

ALWAYS_INLINE uint64_t fp_shift_right_jam(uint64_t m, uint32_t n)
{
    if (n == 0)
        return m;
    return n < 64 ? m >> n | (m << (64 - n) != 0) : m != 0;
}

ALWAYS_INLINE unsigned fp_rc(const struct sse_fp *s)
{
    return (s->mxcsr & MXCSR_RC) >> MXCSR_RC_SHIFT;
}

/* Does rounding take m up to the next power of two? */
ALWAYS_INLINE bool fp_carries(unsigned frac, bool sign, uint64_t m, unsigned rc)
{
    uint64_t kept = m >> (FP_LEAD - frac), rest = m << (64 - (FP_LEAD - frac));
    return kept == ((uint64_t)2 << frac) - 1 && fx_rounds_up(rc, sign, kept, rest);
}

/* A result with its exponent below the format's: m becomes the denormal's significand.  Tininess is
 * found after rounding (SDM 1, 4.9.1.5).  true: zero is the result, or there is none since the
 * exception is unmasked; then rounding counts as if the exponent had no end. */
ALWAYS_INLINE bool fp_underflow(unsigned frac, bool sign, int32_t exp, uint64_t *m, struct sse_fp *s)
{
    bool tiny = exp < 0 || !fp_carries(frac, sign, *m, fp_rc(s));
    uint64_t below = ((uint64_t)1 << (FP_LEAD - frac)) - 1;
    if (tiny && !(s->mxcsr & MXCSR_UE << MXCSR_MASK_SHIFT)) {
        s->flags |= *m & below ? MXCSR_UE | MXCSR_PE : MXCSR_UE;
        return true;
    }
    if (tiny && (s->mxcsr & MXCSR_FTZ)) {
        s->flags |= MXCSR_UE | MXCSR_PE;
        return true;
    }
    *m = fp_shift_right_jam(*m, (uint32_t)(1 - exp));
    if (tiny && (*m & below))
        s->flags |= MXCSR_UE;
    return false;
}

ALWAYS_INLINE uint64_t fp_overflow(unsigned frac, bool sign, struct sse_fp *s)
{
    unsigned rc = fp_rc(s);
    s->flags |= MXCSR_OE;
    if (s->mxcsr & MXCSR_OE << MXCSR_MASK_SHIFT)
        s->flags |= MXCSR_PE; /* unmasked: as if the exponent had no end (SDM 1, 4.9.1.4) */
    bool to_inf = rc == FPRC_NEAREST || rc == (sign ? FPRC_DOWN : FPRC_UP);
    return fp_inf(frac, sign) - !to_inf;
}

/* (-1)^sign * m * 2^(exp - bias - 62), rounded and packed.  m has its leading bit in place. */
ALWAYS_INLINE uint64_t fp_round_pack(unsigned frac, bool sign, int32_t exp, uint64_t m, struct sse_fp *s)
{
    const unsigned drop = FP_LEAD - frac;
    if (unlikely(exp < 1)) {
        if (fp_underflow(frac, sign, exp, &m, s))
            return fp_zero(frac, sign);
        exp = 1;
    }
    uint64_t kept = m >> drop, rest = m << (64 - drop);
    if (rest) {
        s->flags |= MXCSR_PE;
        kept += fx_rounds_up(fp_rc(s), sign, kept, rest);
    }
    /* The leading bit adds one to the exponent, a carry out of the significand another one. */
    uint64_t r = ((uint64_t)(exp - 1) << frac) + kept;
    if (unlikely(exp >= fp_exp_max(frac) || r >= fp_inf(frac, false)))
        return fp_overflow(frac, sign, s);
    return r | fp_zero(frac, sign);
}

#endif
