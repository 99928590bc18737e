/* Conversions between binary32, binary64 and 32-bit integers. */
#include "sse-fp-core.h"

/* A NaN keeps its sign and the upper bits of its payload, and becomes quiet. */
ALWAYS_INLINE uint64_t convert_nan(unsigned to, unsigned from, uint64_t a, struct sse_fp *s)
{
    uint64_t payload = fp_frac(from, a);
    if (fp_is_snan(from, a))
        s->flags |= MXCSR_IE;
    payload = to > from ? payload << (to - from) : payload >> (from - to);
    return fp_inf(to, fp_sign(from, a)) | payload | fp_quiet_bit(to);
}

ALWAYS_INLINE uint64_t convert(unsigned to, unsigned from, uint64_t a, struct sse_fp *s)
{
    bool sign = fp_sign(from, a);
    if (unlikely(!fp_is_normal(from, a))) {
        a = fp_operand(from, a, s);
        if (fp_is_nan(from, a))
            return convert_nan(to, from, a, s);
        if (fp_is_inf(from, a))
            return fp_inf(to, sign);
        if (!fp_abs(from, a))
            return fp_zero(to, sign);
        s->flags |= MXCSR_DE;
    }
    int32_t e;
    uint64_t m = fp_unpack_normal(from, a, &e);
    return fp_round_pack(to, sign, e - fp_bias(from) + fp_bias(to), m, s);
}

ALWAYS_INLINE uint64_t from_i32(unsigned to, int32_t v, struct sse_fp *s)
{
    if (!v)
        return 0;
    int32_t e = fp_bias(to) + FP_LEAD;
    uint64_t m = fp_normalise(v < 0 ? -(uint64_t)(int64_t)v : (uint64_t)v, &e);
    return fp_round_pack(to, v < 0, e, m, s);
}

/* Denormal operands raise nothing but PE here. */
ALWAYS_INLINE uint32_t to_i32(unsigned from, uint64_t a, bool truncate, struct sse_fp *s)
{
    bool sign = fp_sign(from, a);
    int32_t e;
    a = fp_operand(from, a, s);
    if (!fp_abs(from, a))
        return 0;
    uint64_t m = fp_unpack(from, a, &e), v = 0, rest = 1;
    e -= fp_bias(from);
    if (e > 31) /* infinities and NaNs too */
        goto invalid;
    uint32_t drop = (uint32_t)(FP_LEAD - e);
    if (drop < 64) {
        v = m >> drop;
        rest = m << (64 - drop);
    }
    if (rest)
        v += fx_rounds_up(truncate ? FPRC_ZERO : fp_rc(s), sign, v, rest);
    if (v > 0x7fffffffu + (uint64_t)sign)
        goto invalid;
    if (rest)
        s->flags |= MXCSR_PE;
    return sign ? -(uint32_t)v : (uint32_t)v;
invalid:
    s->flags |= MXCSR_IE;
    return SSE_INT_INDEFINITE;
}

uint64_t f64_from_f32(uint32_t a, struct sse_fp *s)
{
    return convert(F64, F32, a, s);
}

uint32_t f32_from_f64(uint64_t a, struct sse_fp *s)
{
    return (uint32_t)convert(F32, F64, a, s);
}

uint32_t f32_from_i32(int32_t v, struct sse_fp *s)
{
    return (uint32_t)from_i32(F32, v, s);
}

uint64_t f64_from_i32(int32_t v)
{
    struct sse_fp exact = { MXCSR_INIT, 0 };
    return from_i32(F64, v, &exact);
}

uint32_t i32_from_f32(uint32_t a, bool truncate, struct sse_fp *s)
{
    return to_i32(F32, a, truncate, s);
}

uint32_t i32_from_f64(uint64_t a, bool truncate, struct sse_fp *s)
{
    return to_i32(F64, a, truncate, s);
}
