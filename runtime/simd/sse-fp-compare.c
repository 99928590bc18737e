/* Comparison, minimum and maximum of binary32 and binary64 values. */
#include "sse-fp-core.h"

/* Neither is a NaN; zeros of either sign are equal. */
ALWAYS_INLINE enum sse_relation order(unsigned frac, uint64_t a, uint64_t b)
{
    if (a == b || !fp_abs(frac, a | b))
        return SSE_EQUAL;
    bool sa = fp_sign(frac, a), sb = fp_sign(frac, b);
    if (sa != sb)
        return sa ? SSE_LESS : SSE_GREATER;
    return (a < b) != sa ? SSE_LESS : SSE_GREATER;
}

/* Operands as under DAZ; a NaN among them is told from what comes back. */
ALWAYS_INLINE enum sse_relation compare(unsigned frac, uint64_t *a, uint64_t *b, bool quiet, struct sse_fp *s)
{
    *a = fp_operand(frac, *a, s);
    *b = fp_operand(frac, *b, s);
    if (unlikely(fp_is_nan(frac, *a) || fp_is_nan(frac, *b))) {
        if (!quiet || fp_is_snan(frac, *a) || fp_is_snan(frac, *b))
            s->flags |= MXCSR_IE;
        return SSE_UNORDERED;
    }
    if (unlikely(fp_is_denormal(frac, *a) || fp_is_denormal(frac, *b)))
        s->flags |= MXCSR_DE;
    return order(frac, *a, *b);
}

ALWAYS_INLINE uint64_t choose(unsigned frac, uint64_t a, uint64_t b, enum sse_relation first,
                              struct sse_fp *s)
{
    return compare(frac, &a, &b, false, s) == first ? a : b;
}

enum sse_relation f32_compare(uint32_t a, uint32_t b, bool quiet, struct sse_fp *s)
{
    uint64_t x = a, y = b;
    return compare(F32, &x, &y, quiet, s);
}

enum sse_relation f64_compare(uint64_t a, uint64_t b, bool quiet, struct sse_fp *s)
{
    return compare(F64, &a, &b, quiet, s);
}

uint32_t f32_min(uint32_t a, uint32_t b, struct sse_fp *s)
{
    return (uint32_t)choose(F32, a, b, SSE_LESS, s);
}

uint32_t f32_max(uint32_t a, uint32_t b, struct sse_fp *s)
{
    return (uint32_t)choose(F32, a, b, SSE_GREATER, s);
}

uint64_t f64_min(uint64_t a, uint64_t b, struct sse_fp *s)
{
    return choose(F64, a, b, SSE_LESS, s);
}

uint64_t f64_max(uint64_t a, uint64_t b, struct sse_fp *s)
{
    return choose(F64, a, b, SSE_GREATER, s);
}
