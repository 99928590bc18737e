/* Sum, product, quotient and root of binary32 and binary64 values. */
#include "sse-fp-core.h"

#include "softfp-round.h"

/* Both operands under DAZ.  true: one is a NaN, and *r the result; else *special says that one is
 * not a normal number. */
ALWAYS_INLINE bool operands(unsigned frac, uint64_t *a, uint64_t *b, bool *special, uint64_t *r,
                            struct sse_fp *s)
{
    *special = !(fp_is_normal(frac, *a) && fp_is_normal(frac, *b));
    if (likely(!*special))
        return false;
    *a = fp_operand(frac, *a, s);
    *b = fp_operand(frac, *b, s);
    if (!fp_is_nan(frac, *a) && !fp_is_nan(frac, *b))
        return false;
    *r = fp_propagate(frac, *a, *b, s);
    return true;
}

ALWAYS_INLINE void note_denormals(unsigned frac, uint64_t a, uint64_t b, struct sse_fp *s)
{
    if (fp_is_denormal(frac, a) || fp_is_denormal(frac, b))
        s->flags |= MXCSR_DE;
}

/* negate: subtract b.  A NaN keeps its sign. */
ALWAYS_INLINE uint64_t add(unsigned frac, uint64_t a, uint64_t b, bool negate, struct sse_fp *s)
{
    uint64_t r;
    bool special;
    if (operands(frac, &a, &b, &special, &r, s))
        return r;
    bool sa = fp_sign(frac, a), sb = fp_sign(frac, b) ^ negate;
    if (unlikely(special)) {
        if (fp_is_inf(frac, a) && fp_is_inf(frac, b) && sa != sb)
            return fp_invalid(frac, s);
        note_denormals(frac, a, b, s);
        if (fp_is_inf(frac, a))
            return a;
        if (fp_is_inf(frac, b))
            return fp_inf(frac, sb);
    }
    int32_t ea, eb;
    uint64_t ma = fp_unpack(frac, a, &ea), mb = fp_unpack(frac, b, &eb);
    if (ea < eb || (ea == eb && ma < mb)) {
        uint64_t m = ma;
        int32_t e = ea;
        bool sign = sa;
        ma = mb, ea = eb, sa = sb;
        mb = m, eb = e, sb = sign;
    }
    mb = fp_shift_right_jam(mb, (uint32_t)(ea - eb));
    if (sa == sb) {
        ma += mb;
        if (ma >> 63) {
            ma = fp_shift_right_jam(ma, 1);
            ea++;
        }
    } else {
        ma -= mb;
        if (!ma)
            return fp_zero(frac, fp_rc(s) == FPRC_DOWN);
    }
    if (!ma)
        return fp_zero(frac, sa);
    ma = fp_normalise(ma, &ea);
    return fp_round_pack(frac, sa, ea, ma, s);
}

ALWAYS_INLINE uint64_t mul(unsigned frac, uint64_t a, uint64_t b, struct sse_fp *s)
{
    uint64_t r;
    bool special;
    if (operands(frac, &a, &b, &special, &r, s))
        return r;
    bool sign = fp_sign(frac, a) ^ fp_sign(frac, b);
    if (unlikely(special)) {
        bool inf = fp_is_inf(frac, a) || fp_is_inf(frac, b);
        bool zero = !fp_abs(frac, a) || !fp_abs(frac, b);
        if (inf && zero)
            return fp_invalid(frac, s);
        note_denormals(frac, a, b, s);
        if (inf || zero)
            return inf ? fp_inf(frac, sign) : fp_zero(frac, sign);
    }
    int32_t ea, eb;
    uint64_t ma = fp_unpack_normal(frac, a, &ea), mb = fp_unpack_normal(frac, b, &eb);
    int32_t e = ea + eb - fp_bias(frac);
    fp_u128 p = (fp_u128)ma * mb;
    uint64_t m = (uint64_t)(p >> FP_LEAD) | ((uint64_t)p << (64 - FP_LEAD) != 0);
    if (m >> 63) {
        m = fp_shift_right_jam(m, 1);
        e++;
    }
    return fp_round_pack(frac, sign, e, m, s);
}

ALWAYS_INLINE uint64_t divide(unsigned frac, uint64_t a, uint64_t b, struct sse_fp *s)
{
    uint64_t r;
    bool special;
    if (operands(frac, &a, &b, &special, &r, s))
        return r;
    bool sign = fp_sign(frac, a) ^ fp_sign(frac, b);
    if (unlikely(special)) {
        bool inf_a = fp_is_inf(frac, a), inf_b = fp_is_inf(frac, b);
        bool zero_a = !fp_abs(frac, a), zero_b = !fp_abs(frac, b);
        if ((inf_a && inf_b) || (zero_a && zero_b))
            return fp_invalid(frac, s);
        if (zero_b) {
            if (!inf_a)
                s->flags |= MXCSR_ZE; /* comes before DE (SDM 1, 4.9.2) */
            return fp_inf(frac, sign);
        }
        note_denormals(frac, a, b, s);
        if (inf_a)
            return fp_inf(frac, sign);
        if (inf_b || zero_a)
            return fp_zero(frac, sign);
    }
    int32_t ea, eb;
    uint64_t ma = fp_unpack_normal(frac, a, &ea), mb = fp_unpack_normal(frac, b, &eb), m, rest;
    int32_t e = ea - eb + fp_bias(frac);
    if (ma < mb) {
        ma <<= 1;
        e--;
    }
    if (frac == F32) {
        /* 64 bits hold the dividend: 37 bits of quotient do. */
        uint64_t d = mb >> (FP_LEAD - F32), n = ma >> (FP_LEAD - F32) << 37;
        m = n / d << (FP_LEAD - 37);
        rest = n % d;
    } else {
        fp_u128 n = (fp_u128)ma << FP_LEAD;
        m = (uint64_t)(n / mb);
        rest = (uint64_t)n - m * mb;
    }
    return fp_round_pack(frac, sign, e, m | (rest != 0), s);
}

ALWAYS_INLINE uint64_t root(unsigned frac, uint64_t a, struct sse_fp *s)
{
    if (unlikely(!fp_is_normal(frac, a) || fp_sign(frac, a))) {
        a = fp_operand(frac, a, s);
        if (fp_is_nan(frac, a))
            return fp_propagate(frac, a, a, s);
        if (!fp_abs(frac, a))
            return a;
        if (fp_sign(frac, a))
            return fp_invalid(frac, s);
        if (fp_is_inf(frac, a))
            return a;
        note_denormals(frac, a, a, s);
    }
    int32_t e;
    uint64_t m = fp_unpack_normal(frac, a, &e) << 1;
    e -= fp_bias(frac);
    bool exact, above_half, odd = e & 1;
    /* The leading bit of the root is bit 63. */
    uint64_t r = odd ? fx_isqrt128(m, 0, &exact, &above_half)
                     : fx_isqrt128(m >> 1, m << 63, &exact, &above_half);
    return fp_round_pack(frac, false, (e - odd) / 2 + fp_bias(frac), r >> 1 | (r & 1) | !exact, s);
}

uint32_t f32_add(uint32_t a, uint32_t b, struct sse_fp *s)
{
    return (uint32_t)add(F32, a, b, false, s);
}

uint32_t f32_sub(uint32_t a, uint32_t b, struct sse_fp *s)
{
    return (uint32_t)add(F32, a, b, true, s);
}

uint32_t f32_mul(uint32_t a, uint32_t b, struct sse_fp *s)
{
    return (uint32_t)mul(F32, a, b, s);
}

uint32_t f32_div(uint32_t a, uint32_t b, struct sse_fp *s)
{
    return (uint32_t)divide(F32, a, b, s);
}

uint32_t f32_sqrt(uint32_t a, struct sse_fp *s)
{
    return (uint32_t)root(F32, a, s);
}

uint64_t f64_add(uint64_t a, uint64_t b, struct sse_fp *s)
{
    return add(F64, a, b, false, s);
}

uint64_t f64_sub(uint64_t a, uint64_t b, struct sse_fp *s)
{
    return add(F64, a, b, true, s);
}

uint64_t f64_mul(uint64_t a, uint64_t b, struct sse_fp *s)
{
    return mul(F64, a, b, s);
}

uint64_t f64_div(uint64_t a, uint64_t b, struct sse_fp *s)
{
    return divide(F64, a, b, s);
}

uint64_t f64_sqrt(uint64_t a, struct sse_fp *s)
{
    return root(F64, a, s);
}

uint32_t f32_rcp(uint32_t a)
{
    struct sse_fp s = { MXCSR_INIT | MXCSR_DAZ | MXCSR_FTZ, 0 };
    return f32_div(F32_ONE, a, &s);
}

uint32_t f32_rsqrt(uint32_t a)
{
    struct sse_fp s = { MXCSR_INIT | MXCSR_DAZ | MXCSR_FTZ, 0 };
    if (!fp_is_normal(F32, a) || fp_sign(F32, a)) {
        /* NaN, infinity, zero, negative: the root is one of these and exact. */
        return f32_div(F32_ONE, f32_sqrt(a, &s), &s);
    }
    int32_t e;
    uint64_t m = fp_unpack(F32, a, &e) << 1;
    e -= fp_bias(F32);
    bool exact, above_half, odd = e & 1;
    uint64_t r = odd ? fx_isqrt128(m, 0, &exact, &above_half)
                     : fx_isqrt128(m >> 1, m << 63, &exact, &above_half);
    e = fp_bias(F32) - (e - odd) / 2;
    /* Above 2^62, and 2^63 for powers of four only. */
    uint64_t q = (uint64_t)(((fp_u128)1 << 126) / r);
    exact = exact && q * r == 0;
    if (q >> 63)
        q >>= 1;
    else
        e--;
    return (uint32_t)fp_round_pack(F32, false, e, q | !exact, &s);
}
