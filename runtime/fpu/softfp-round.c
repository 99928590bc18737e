/* Rounding, NaNs and classes of 80-bit values.
 *
 * Every result is brought to the form  significand hi (64 bits, top bit set) . lo (64 bits), where
 * lo needs to be right only as far as "zero, below half, half, above half".  A right shift that
 * ors the lost bits into the last place keeps that true, so one rounding function
 * serves all precisions and denormal results too. */
#include "softfp-round.h"

enum fx_class fx_classify(struct floatx80 a)
{
    int32_t e = fx_exp(a);
    if (e == 0)
        return a.mant ? FX_DENORMAL : FX_ZERO;
    if (!(a.mant & FX_INT_BIT))
        return FX_UNSUPPORTED; /* unnormal, pseudo-infinity, pseudo-NaN */
    if (e != FX_EXP_MAX)
        return FX_NORMAL;
    if (a.mant == FX_INT_BIT)
        return FX_INF;
    return a.mant & FX_QUIET_BIT ? FX_QNAN : FX_SNAN;
}

struct floatx80 fx_invalid(struct fp_ctx *s)
{
    s->flags |= FPUS_IE;
    return fx_default_nan();
}

bool fx_propagate1(struct floatx80 a, struct floatx80 *r, struct fp_ctx *s)
{
    switch (fx_classify(a)) {
    case FX_UNSUPPORTED:
        *r = fx_invalid(s);
        return true;
    case FX_SNAN:
        s->flags |= FPUS_IE;
        /* fall through */
    case FX_QNAN:
        *r = fx_pack(fx_sign(a), FX_EXP_MAX, a.mant | FX_QUIET_BIT);
        return true;
    default:
        return false;
    }
}

bool fx_propagate2(struct floatx80 a, struct floatx80 b, struct floatx80 *r, struct fp_ctx *s)
{
    enum fx_class ca = fx_classify(a), cb = fx_classify(b);
    if (ca < FX_QNAN && cb < FX_QNAN)
        return false;
    if (ca == FX_UNSUPPORTED || cb == FX_UNSUPPORTED) {
        *r = fx_invalid(s);
        return true;
    }
    if (ca == FX_SNAN || cb == FX_SNAN)
        s->flags |= FPUS_IE;
    bool take_b;
    if (ca < FX_QNAN)
        take_b = true;
    else if (cb < FX_QNAN)
        take_b = false;
    else if (ca != cb)
        take_b = cb == FX_QNAN; /* of a signalling and a quiet NaN the quiet one */
    else if (a.mant != b.mant)
        take_b = b.mant > a.mant;
    else
        take_b = fx_sign(a) && !fx_sign(b);
    if (take_b)
        a = b;
    *r = fx_pack(fx_sign(a), FX_EXP_MAX, a.mant | FX_QUIET_BIT);
    return true;
}

/* Round hi.lo at `prec` bits of hi; returns the carry out of the top bit, with hi
 * then set to 2^63.  PE and C1 are left in *flags. */
static bool round_significand(uint64_t *hi, uint64_t lo, int prec, unsigned rc, int sign, uint16_t *flags)
{
    int drop = 64 - prec;
    uint64_t rest = lo, unit = 1;
    if (drop) {
        unit = (uint64_t)1 << drop;
        rest = *hi << (64 - drop) | (lo != 0);
        *hi &= -unit;
    }
    if (!rest)
        return false;
    *flags |= FPUS_PE;
    if (!fx_rounds_up(rc, sign, *hi >> drop, rest))
        return false;
    *flags |= FPUS_C1;
    *hi += unit;
    if (*hi)
        return false;
    *hi = FX_INT_BIT;
    return true;
}

static struct floatx80 overflow(int sign, int prec, struct fp_ctx *s)
{
    s->flags |= FPUS_OE | FPUS_PE;
    s->flags &= (uint16_t)~FPUS_C1;
    unsigned rc = fx_rc(s);
    if (rc == FPRC_NEAREST || rc == (sign ? FPRC_DOWN : FPRC_UP)) {
        s->flags |= FPUS_C1;
        return fx_inf(sign);
    }
    return fx_pack(sign, FX_EXP_MAX - 1, -((uint64_t)1 << (64 - prec)));
}

struct floatx80 fx_round_pack(int sign, int32_t exp, uint64_t hi, uint64_t lo, int prec, struct fp_ctx *s)
{
    unsigned rc = fx_rc(s);
    uint64_t m = hi;
    uint16_t flags = 0;
    bool carry = round_significand(&m, lo, prec, rc, sign, &flags);
    int32_t e = exp + carry; /* of the result with an unbounded exponent */

    if (fx_likely(e > 0 && e < FX_EXP_MAX)) {
        if (exp > 0) {
            s->flags |= flags;
            return fx_pack(sign, e, m);
        }
        /* Rounded up to the least normal number: not tiny. */
        s->flags |= flags;
        return fx_pack(sign, 1, FX_INT_BIT);
    }
    if (e >= FX_EXP_MAX) {
        if (s->cw & FPUS_OE)
            return overflow(sign, prec, s);
        s->flags |= FPUS_OE | flags;
        e -= 24576;
        if (e < FX_EXP_MAX)
            return fx_pack(sign, e, m);
        s->flags |= FPUS_PE | FPUS_C1; /* FSCALE, massive overflow */
        return fx_inf(sign);
    }
    if (!(s->cw & FPUS_UE)) {
        s->flags |= FPUS_UE | flags;
        e += 24576;
        if (e > 0)
            return fx_pack(sign, e, m);
        s->flags |= FPUS_PE;
        s->flags &= (uint16_t)~FPUS_C1;
        return fx_zero(sign);
    }
    fx_shift_right_jam(&hi, &lo, (uint32_t)(1 - exp));
    flags = 0;
    round_significand(&hi, lo, prec, rc, sign, &flags);
    if (flags & FPUS_PE)
        flags |= FPUS_UE;
    s->flags |= flags;
    return fx_pack(sign, hi >> 63 ? 1 : 0, hi);
}

static int precision(const struct fp_ctx *s)
{
    static const uint8_t bits[4] = { 24, 64, 53, 64 };
    return bits[s->cw >> 8 & 3];
}

struct floatx80 fx_round_pc(int sign, int32_t exp, uint64_t hi, uint64_t lo, struct fp_ctx *s)
{
    return fx_round_pack(sign, exp, hi, lo, precision(s), s);
}

struct floatx80 fx_round_short(int sign, int32_t exp, uint64_t hi, uint64_t lo, struct fp_ctx *s)
{
    int drop = s->cw & 0x200 ? 11 : 40;
    uint64_t unit = (uint64_t)1 << drop, half = unit >> 1, rest = hi & (unit - 1);
    hi -= rest;
    if (rest | lo) {
        s->flags |= FPUS_PE;
        if (rest > half || (rest == half && (lo || (hi & unit)))) {
            s->flags |= FPUS_C1;
            hi += unit;
            if (!hi) {
                hi = FX_INT_BIT;
                exp++;
            }
        }
    }
    return fx_pack(sign, exp, hi);
}
