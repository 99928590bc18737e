/* Remainder, scaling, extraction, comparison and rounding to integer on 80-bit values. */
#include "softfp.h"

/* (m << n) mod d for m < d, d with its top bit set, n up to 63; *q: the quotient. */
static uint64_t shifted_mod(uint64_t m, unsigned n, uint64_t d, uint64_t *q)
{
    *q = 0;
    if (n > 16) { /* less than the cost of the loop */
        unsigned __int128 v = (unsigned __int128)m << n;
        *q = (uint64_t)(v / d);
        return (uint64_t)v - *q * d;
    }
    while (n--) {
        bool carry = m >> 63;
        m <<= 1;
        *q <<= 1;
        if (carry || m >= d) {
            m -= d;
            *q |= 1;
        }
    }
    return m;
}

struct floatx80 fx_rem(struct floatx80 a, struct floatx80 b, bool nearest, unsigned *quotient,
                       bool *partial, struct fp_ctx *s)
{
    struct floatx80 r;
    *quotient = 0;
    *partial = false;
    if (fx_propagate2(a, b, &r, s))
        return r;
    enum fx_class ca = fx_classify(a), cb = fx_classify(b);
    if (ca == FX_INF || cb == FX_ZERO)
        return fx_invalid(s);
    if (ca == FX_DENORMAL || cb == FX_DENORMAL)
        s->flags |= FPUS_DE;
    if (ca == FX_ZERO)
        return a;
    int sign = fx_sign(a);
    int32_t ea, eb;
    uint64_t ma, mb, q = 0;
    fx_normalise(a, &ea, &ma);
    if (cb == FX_INF)
        return fx_round_pack(sign, ea, ma, 0, 64, s);
    fx_normalise(b, &eb, &mb);

    int32_t d = ea - eb;
    if (d < -1 || (d < 0 && !nearest))
        return fx_round_pack(sign, ea, ma, 0, 64, s);
    if (d < 0) {
        /* b/4 < |a| < b: the quotient is 0 or 1. */
        if (ma > mb) {
            ma = 2 * mb - ma;
            sign ^= 1;
            q = 1;
        }
        eb = ea;
    } else {
        if (d >= 64) {
            /* Reduce by 32-63 bits and leave the rest to further turns. */
            *partial = true;
            int32_t step = 32 + d % 32;
            eb += d - step;
            d = step;
        }
        uint64_t low;
        if (ma >= mb) {
            ma -= mb;
            q = 1;
        }
        ma = shifted_mod(ma, (unsigned)d, mb, &low);
        q = q << d | low;
        if (nearest && !*partial && ma) {
            uint64_t rest = mb - ma;
            if (ma > rest || (ma == rest && (q & 1))) {
                ma = rest;
                sign ^= 1;
                q++;
            }
        }
    }
    if (!*partial)
        *quotient = q & 7;
    if (!ma)
        return fx_zero(fx_sign(a));
    int n = __builtin_clzll(ma);
    return fx_round_pack(sign, eb - n, ma << n, 0, 64, s);
}

struct floatx80 fx_scale(struct floatx80 a, struct floatx80 b, struct fp_ctx *s)
{
    struct floatx80 r;
    if (fx_is_normal(a) && fx_is_normal(b) && fx_exp(b) <= FX_BIAS + 14) {
        int32_t n = fx_exp(b) < FX_BIAS ? 0 : (int32_t)(b.mant >> (63 - (fx_exp(b) - FX_BIAS)));
        int32_t e = fx_exp(a) + (fx_sign(b) ? -n : n);
        if (e > 0 && e < FX_EXP_MAX)
            return fx_pack(fx_sign(a), e, a.mant);
    }
    if (fx_propagate2(a, b, &r, s))
        return r;
    enum fx_class ca = fx_classify(a), cb = fx_classify(b);
    int sign = fx_sign(a);
    if (cb == FX_INF && (fx_sign(b) ? ca == FX_INF : ca == FX_ZERO))
        return fx_invalid(s);
    if (ca == FX_DENORMAL || cb == FX_DENORMAL)
        s->flags |= FPUS_DE;
    if (ca == FX_INF || ca == FX_ZERO)
        return a;
    if (cb == FX_INF)
        return fx_sign(b) ? fx_zero(sign) : fx_inf(sign);
    int32_t exp, n = 0;
    uint64_t mant;
    fx_normalise(a, &exp, &mant);
    int32_t eb = fx_exp(b) - FX_BIAS;
    if (cb == FX_NORMAL && eb >= 0)
        n = eb > 16 ? 0x20000 : (int32_t)(b.mant >> (63 - eb));
    return fx_round_pack(sign, exp + (fx_sign(b) ? -n : n), mant, 0, 64, s);
}

struct floatx80 fx_extract(struct floatx80 a, struct floatx80 *exponent, struct fp_ctx *s)
{
    struct floatx80 r;
    if (fx_propagate1(a, &r, s)) {
        *exponent = r;
        return r;
    }
    switch (fx_classify(a)) {
    case FX_ZERO:
        s->flags |= FPUS_ZE;
        *exponent = fx_inf(1);
        return a;
    case FX_INF:
        *exponent = fx_inf(0);
        return a;
    case FX_DENORMAL:
        s->flags |= FPUS_DE;
        break;
    default:
        break;
    }
    int32_t exp;
    uint64_t mant;
    fx_normalise(a, &exp, &mant);
    *exponent = fx_from_int(exp - FX_BIAS);
    return fx_pack(fx_sign(a), FX_BIAS, mant);
}

enum fx_relation fx_compare(struct floatx80 a, struct floatx80 b, bool quiet, struct fp_ctx *s)
{
    if (!(fx_is_normal(a) && fx_is_normal(b))) {
        enum fx_class ca = fx_classify(a), cb = fx_classify(b);
        if (ca >= FX_QNAN || cb >= FX_QNAN) {
            if (!quiet || ca > FX_QNAN || cb > FX_QNAN)
                s->flags |= FPUS_IE;
            return FX_UNORDERED;
        }
        if (ca == FX_DENORMAL || cb == FX_DENORMAL)
            s->flags |= FPUS_DE;
        if (ca == FX_ZERO && cb == FX_ZERO)
            return FX_EQUAL;
    }
    if (fx_sign(a) != fx_sign(b))
        return fx_sign(a) ? FX_LESS : FX_GREATER;
    /* A pseudo-denormal has the value of exponent 1. */
    int32_t ea = fx_exp(a), eb = fx_exp(b);
    ea += !ea;
    eb += !eb;
    bool less, equal = ea == eb && a.mant == b.mant;
    less = ea != eb ? ea < eb : a.mant < b.mant;
    /* Denormals and zero: the exponent of 1 makes the significands comparable. */
    if (equal)
        return FX_EQUAL;
    return less != fx_sign(a) ? FX_LESS : FX_GREATER;
}

struct floatx80 fx_round_int(struct floatx80 a, struct fp_ctx *s)
{
    struct floatx80 r;
    int32_t exp = fx_exp(a);
    if (!fx_is_normal(a)) {
        if (fx_propagate1(a, &r, s))
            return r;
        enum fx_class c = fx_classify(a);
        if (c != FX_DENORMAL)
            return a;
        s->flags |= FPUS_DE;
        exp = 0;
    }
    if (exp >= FX_BIAS + 63)
        return a;
    unsigned rc = fx_rc(s);
    int sign = fx_sign(a);
    if (exp < FX_BIAS) {
        /* Below 1: the fraction is half or more when the exponent is that of 0.5. */
        uint64_t rest = exp == FX_BIAS - 1 ? a.mant : 1;
        s->flags |= FPUS_PE;
        if (!fx_rounds_up(rc, sign, 0, rest))
            return fx_zero(sign);
        s->flags |= FPUS_C1;
        return fx_pack(sign, FX_BIAS, FX_INT_BIT);
    }
    int keep = exp - FX_BIAS + 1; /* 1..63 bits before the point */
    uint64_t unit = (uint64_t)1 << (64 - keep), rest = a.mant << keep, mant = a.mant & -unit;
    if (!rest)
        return a;
    s->flags |= FPUS_PE;
    if (fx_rounds_up(rc, sign, mant >> (64 - keep), rest)) {
        s->flags |= FPUS_C1;
        mant += unit;
        if (!mant) {
            mant = FX_INT_BIT;
            exp++;
        }
    }
    return fx_pack(sign, exp, mant);
}
