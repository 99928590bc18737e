/* Conversions between 80-bit values and the formats that the x87 keeps in memory. */
#include <string.h>

#include "softfp.h"

/* Single or double: `bits` of fraction, `max` the exponent of infinity. */
static struct floatx80 widen(int sign, int32_t exp, uint64_t frac, int bits, int32_t max, bool *denormal)
{
    *denormal = false;
    uint64_t mant = frac << (63 - bits);
    if (exp == max)
        return fx_pack(sign, FX_EXP_MAX, mant | FX_INT_BIT);
    int32_t rebias = FX_BIAS - (max >> 1);
    if (exp)
        return fx_pack(sign, exp + rebias, mant | FX_INT_BIT);
    if (!frac)
        return fx_zero(sign);
    *denormal = true;
    int n = __builtin_clzll(mant);
    return fx_pack(sign, 1 + rebias - n, mant << n);
}

struct floatx80 fx_from_f32(uint32_t v, bool *denormal)
{
    return widen((int)(v >> 31), v >> 23 & 0xff, v & 0x7fffff, 23, 0xff, denormal);
}

struct floatx80 fx_from_f64(uint64_t v, bool *denormal)
{
    return widen((int)(v >> 63), v >> 52 & 0x7ff, v & 0xfffffffffffffu, 52, 0x7ff, denormal);
}

struct floatx80 fx_from_int(int64_t v)
{
    if (!v)
        return fx_zero(0);
    uint64_t m = v < 0 ? -(uint64_t)v : (uint64_t)v;
    int n = __builtin_clzll(m);
    return fx_pack(v < 0, FX_BIAS + 63 - n, m << n);
}

struct floatx80 fx_from_bcd(const uint8_t bcd[10])
{
    uint64_t v = 0;
    for (int i = 8; i >= 0; i--)
        v = v * 100 + (bcd[i] >> 4) * 10u + (bcd[i] & 15u);
    struct floatx80 r = fx_from_int((int64_t)v);
    r.se |= (uint16_t)((bcd[9] & 0x80) << 8);
    return r;
}

/* To single or double precision.  An unmasked overflow or underflow stores nothing:
 * there is no biased result in memory (SDM 1, 8.5.4). */
static uint64_t narrow(struct floatx80 a, int bits, int32_t max, bool *store, struct fp_ctx *s)
{
    uint64_t sign = (uint64_t)fx_sign(a) << (bits == 52 ? 63 : 31);
    uint64_t inf = sign | (uint64_t)max << bits;
    struct floatx80 nan;
    *store = true;
    if (!fx_is_normal(a)) {
        if (fx_propagate1(a, &nan, s)) {
            *store = !(s->flags & ~s->cw & FPUS_IE);
            sign = (uint64_t)fx_sign(nan) << (bits == 52 ? 63 : 31);
            return sign | (uint64_t)max << bits | (nan.mant & ~FX_INT_BIT) >> (63 - bits);
        }
        enum fx_class c = fx_classify(a);
        if (c == FX_ZERO)
            return sign;
        if (c == FX_INF)
            return inf;
    }
    int32_t exp;
    uint64_t mant;
    fx_normalise(a, &exp, &mant);
    exp += (max >> 1) - FX_BIAS;

    int drop = 63 - bits;
    unsigned rc = fx_rc(s);
    uint64_t kept = mant >> drop, rest = mant << (64 - drop);
    bool up = fx_rounds_up(rc, fx_sign(a), kept, rest);
    int32_t e = exp + (int32_t)((kept + up) >> (bits + 1));
    if (e >= max) {
        s->flags |= FPUS_OE;
        if (!(s->cw & FPUS_OE)) {
            *store = false;
            return 0;
        }
        s->flags |= FPUS_PE;
        if (rc == FPRC_NEAREST || rc == (sign ? FPRC_DOWN : FPRC_UP)) {
            s->flags |= FPUS_C1;
            return inf;
        }
        return inf - 1;
    }
    if (exp <= 0) {
        bool tiny = e <= 0;
        if (tiny && !(s->cw & FPUS_UE)) {
            s->flags |= FPUS_UE;
            *store = false;
            return 0;
        }
        drop += 1 - exp;
        if (drop < 64) {
            kept = mant >> drop;
            rest = mant << (64 - drop);
        } else {
            kept = 0;
            rest = drop == 64 ? mant : 1;
        }
        up = fx_rounds_up(rc, fx_sign(a), kept, rest);
        if (rest && tiny)
            s->flags |= FPUS_UE;
        exp = 0; /* a carry makes it 1 by itself */
    } else {
        kept &= ~((uint64_t)1 << bits);
    }
    if (rest)
        s->flags |= FPUS_PE;
    if (up)
        s->flags |= FPUS_C1;
    return sign | (((uint64_t)exp << bits) + kept + up);
}

uint32_t fx_to_f32(struct floatx80 a, bool *store, struct fp_ctx *s)
{
    return (uint32_t)narrow(a, 23, 0xff, store, s);
}

uint64_t fx_to_f64(struct floatx80 a, bool *store, struct fp_ctx *s)
{
    return narrow(a, 52, 0x7ff, store, s);
}

/* Magnitude of a finite value rounded to an integer of at most 64 bits, false when larger.
 * PE and C1 go to *flags. */
static bool round_magnitude(struct floatx80 a, unsigned rc, uint64_t *out, uint16_t *flags)
{
    int32_t exp;
    uint64_t mant, rest;
    *out = 0;
    *flags = 0;
    if (!a.mant)
        return true;
    fx_normalise(a, &exp, &mant);
    int32_t drop = FX_BIAS + 63 - exp;
    if (drop < 0)
        return false;
    if (drop == 0) {
        *out = mant;
        return true;
    }
    if (drop < 64) {
        *out = mant >> drop;
        rest = mant << (64 - drop);
    } else {
        rest = drop == 64 ? mant : 1;
    }
    if (rest)
        *flags |= FPUS_PE;
    if (fx_rounds_up(rc, fx_sign(a), *out, rest)) {
        *flags |= FPUS_C1;
        ++*out;
    }
    return true;
}

int64_t fx_to_int(struct floatx80 a, unsigned bits, bool truncate, struct fp_ctx *s)
{
    uint64_t limit = (uint64_t)1 << (bits - 1), v;
    uint16_t flags;
    enum fx_class c = fx_classify(a);
    if (c >= FX_INF || !round_magnitude(a, truncate ? FPRC_ZERO : fx_rc(s), &v, &flags)
        || v > limit - !fx_sign(a)) {
        s->flags |= FPUS_IE;
        return -(int64_t)(limit - 1) - 1;
    }
    s->flags |= flags;
    return fx_sign(a) ? (int64_t)-v : (int64_t)v;
}

void fx_to_bcd(struct floatx80 a, uint8_t bcd[10], struct fp_ctx *s)
{
    uint64_t v;
    uint16_t flags;
    enum fx_class c = fx_classify(a);
    if (c >= FX_INF || !round_magnitude(a, fx_rc(s), &v, &flags) || v >= 1000000000000000000u) {
        static const uint8_t indefinite[10] = { [7] = 0xc0, [8] = 0xff, [9] = 0xff };
        memcpy(bcd, indefinite, 10);
        s->flags |= FPUS_IE;
        return;
    }
    s->flags |= flags;
    for (int i = 0; i < 9; i++) {
        unsigned two = (unsigned)(v % 100);
        v /= 100;
        bcd[i] = (uint8_t)(two / 10 << 4 | two % 10);
    }
    bcd[9] = (uint8_t)(fx_sign(a) << 7);
}
