/* Add, subtract, multiply, divide and square root on 80-bit values, and the rounding that
 * they share.
 *
 * Every result is brought to the form  significand hi (64 bits, top bit set) . lo (64 bits), where
 * lo needs to be right only as far as "zero, below half, half, above half".  A right shift that
 * ors the lost bits into the last place keeps that true, so one rounding function
 * serves all precisions and denormal results too. */
#include "softfp.h"

#define likely(x) __builtin_expect(!!(x), 1)

typedef unsigned __int128 u128;

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

/* hi:lo >> n, the lost bits ored into the last place. */
static inline void shift_right_jam(uint64_t *hi, uint64_t *lo, uint32_t n)
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

    if (likely(e > 0 && e < FX_EXP_MAX)) {
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
    shift_right_jam(&hi, &lo, (uint32_t)(1 - exp));
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

static __attribute__((noinline)) struct floatx80 round_pc(int sign, int32_t exp, uint64_t hi, uint64_t lo,
                                                          struct fp_ctx *s)
{
    return fx_round_pack(sign, exp, hi, lo, precision(s), s);
}

/* The way of nearly every result: 64 bits, nearest, and far from the ends of the exponent. */
static inline struct floatx80 round_fast(int sign, int32_t exp, uint64_t hi, uint64_t lo, struct fp_ctx *s)
{
    if (!likely((s->cw & 0xf00) == 0x300 && (uint32_t)(exp - 1) < FX_EXP_MAX - 2))
        return round_pc(sign, exp, hi, lo, s);
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

/* Sum of magnitudes with ea >= eb. */
static inline struct floatx80 add_magnitudes(int sign, int32_t ea, uint64_t ma, int32_t eb, uint64_t mb,
                                             struct fp_ctx *s)
{
    uint32_t d = (uint32_t)(ea - eb);
    uint64_t lo = 0;
    if (d) {
        if (likely(d < 64)) {
            lo = mb << (64 - d);
            mb >>= d;
        } else {
            lo = d == 64 ? mb : 1;
            mb = 0;
        }
    }
    uint64_t hi = ma + mb;
    if (hi < ma) {
        lo = hi << 63 | lo >> 1 | (lo & 1);
        hi = hi >> 1 | FX_INT_BIT;
        ea++;
    }
    return round_fast(sign, ea, hi, lo, s);
}

/* Difference of magnitudes; sign is that of (ma, ea). */
static inline struct floatx80 sub_magnitudes(int sign, int32_t ea, uint64_t ma, int32_t eb, uint64_t mb,
                                             struct fp_ctx *s)
{
    if (ea < eb || (ea == eb && ma < mb)) {
        int32_t e = ea;
        uint64_t m = ma;
        ea = eb;
        ma = mb;
        eb = e;
        mb = m;
        sign ^= 1;
    }
    uint32_t d = (uint32_t)(ea - eb);
    uint64_t lo = 0;
    if (d)
        shift_right_jam(&mb, &lo, d);
    uint64_t hi = ma - mb - (lo != 0);
    lo = -lo;
    if (!likely(hi)) {
        if (!lo)
            return fx_zero(fx_rc(s) == FPRC_DOWN);
        hi = lo;
        lo = 0;
        ea -= 64;
    }
    int n = __builtin_clzll(hi);
    if (n) {
        hi = hi << n | lo >> (64 - n);
        lo <<= n;
        ea -= n;
    }
    return round_fast(sign, ea, hi, lo, s);
}

static inline struct floatx80 add_signed(int sa, int32_t ea, uint64_t ma, int sb, int32_t eb, uint64_t mb,
                                         struct fp_ctx *s)
{
    if (sa == sb) {
        if (ea >= eb)
            return add_magnitudes(sa, ea, ma, eb, mb, s);
        return add_magnitudes(sa, eb, mb, ea, ma, s);
    }
    return sub_magnitudes(sa, ea, ma, eb, mb, s);
}

static __attribute__((noinline)) struct floatx80 add_special(struct floatx80 a, struct floatx80 b, int negate,
                                                             struct fp_ctx *s)
{
    struct floatx80 r;
    if (fx_propagate2(a, b, &r, s))
        return r;
    enum fx_class ca = fx_classify(a), cb = fx_classify(b);
    int sa = fx_sign(a), sb = fx_sign(b) ^ negate;
    if (ca == FX_INF && cb == FX_INF && sa != sb)
        return fx_invalid(s);
    if (ca == FX_DENORMAL || cb == FX_DENORMAL)
        s->flags |= FPUS_DE;
    if (ca == FX_INF)
        return fx_inf(sa);
    if (cb == FX_INF)
        return fx_inf(sb);
    if (ca == FX_ZERO && cb == FX_ZERO)
        return fx_zero(sa == sb ? sa : fx_rc(s) == FPRC_DOWN);
    int32_t ea, eb;
    uint64_t ma, mb;
    if (ca == FX_ZERO) {
        fx_normalise(b, &eb, &mb);
        return round_pc(sb, eb, mb, 0, s);
    }
    fx_normalise(a, &ea, &ma);
    if (cb == FX_ZERO)
        return round_pc(sa, ea, ma, 0, s);
    fx_normalise(b, &eb, &mb);
    return add_signed(sa, ea, ma, sb, eb, mb, s);
}

struct floatx80 fx_add(struct floatx80 a, struct floatx80 b, struct fp_ctx *s)
{
    if (likely(fx_is_normal(a) && fx_is_normal(b)))
        return add_signed(fx_sign(a), fx_exp(a), a.mant, fx_sign(b), fx_exp(b), b.mant, s);
    return add_special(a, b, 0, s);
}

struct floatx80 fx_sub(struct floatx80 a, struct floatx80 b, struct fp_ctx *s)
{
    if (likely(fx_is_normal(a) && fx_is_normal(b)))
        return add_signed(fx_sign(a), fx_exp(a), a.mant, !fx_sign(b), fx_exp(b), b.mant, s);
    return add_special(a, b, 1, s);
}

static inline struct floatx80 mul_finite(int sign, int32_t ea, uint64_t ma, int32_t eb, uint64_t mb,
                                         struct fp_ctx *s)
{
    u128 p = (u128)ma * mb;
    uint64_t hi = (uint64_t)(p >> 64), lo = (uint64_t)p;
    int32_t exp = ea + eb - FX_BIAS + 1;
    if ((int64_t)hi >= 0) {
        hi = hi << 1 | lo >> 63;
        lo <<= 1;
        exp--;
    }
    return round_fast(sign, exp, hi, lo, s);
}

static __attribute__((noinline)) struct floatx80 mul_special(struct floatx80 a, struct floatx80 b,
                                                             struct fp_ctx *s)
{
    struct floatx80 r;
    if (fx_propagate2(a, b, &r, s))
        return r;
    enum fx_class ca = fx_classify(a), cb = fx_classify(b);
    int sign = fx_sign(a) ^ fx_sign(b);
    if ((ca == FX_INF && cb == FX_ZERO) || (ca == FX_ZERO && cb == FX_INF))
        return fx_invalid(s);
    if (ca == FX_DENORMAL || cb == FX_DENORMAL)
        s->flags |= FPUS_DE;
    if (ca == FX_INF || cb == FX_INF)
        return fx_inf(sign);
    if (ca == FX_ZERO || cb == FX_ZERO)
        return fx_zero(sign);
    int32_t ea, eb;
    uint64_t ma, mb;
    fx_normalise(a, &ea, &ma);
    fx_normalise(b, &eb, &mb);
    return mul_finite(sign, ea, ma, eb, mb, s);
}

struct floatx80 fx_mul(struct floatx80 a, struct floatx80 b, struct fp_ctx *s)
{
    if (likely(fx_is_normal(a) && fx_is_normal(b)))
        return mul_finite(fx_sign(a) ^ fx_sign(b), fx_exp(a), a.mant, fx_exp(b), b.mant, s);
    return mul_special(a, b, s);
}

/* nh:nl / d for nh < d and d with its top bit set: two digits of 32 bits, each guessed
 * from the divisor's high half and corrected at most twice (Knuth 4.3.1 D).  The compiler's own
 * 128-bit division is a library loop on MIPS. */
static inline uint64_t div128(uint64_t nh, uint64_t nl, uint64_t d, uint64_t *rem)
{
    uint64_t dh = d >> 32, dl = (uint32_t)d, q[2];
    for (int i = 0; i < 2; i++) {
        uint64_t digit = nh / dh, r = nh % dh, next = nl >> 32;
        while (digit >> 32 || digit * dl > (r << 32 | next)) {
            digit--;
            r += dh;
            if (r >> 32)
                break;
        }
        nh = (nh << 32 | next) - digit * d;
        nl <<= 32;
        q[i] = digit;
    }
    *rem = nh;
    return q[0] << 32 | q[1];
}

static inline struct floatx80 div_finite(int sign, int32_t ea, uint64_t ma, int32_t eb, uint64_t mb,
                                         struct fp_ctx *s)
{
    int32_t exp = ea - eb + FX_BIAS;
    uint64_t q, rem;
    if (ma >= mb) {
        q = div128(ma >> 1, ma << 63, mb, &rem);
    } else {
        q = div128(ma, 0, mb, &rem);
        exp--;
    }
    uint64_t lo = 0;
    if (rem) {
        /* rem / mb against one half */
        uint64_t rest = mb - rem;
        lo = rem < rest ? 1 : rem == rest ? FX_INT_BIT : FX_INT_BIT | 1;
    }
    return round_fast(sign, exp, q, lo, s);
}

static __attribute__((noinline)) struct floatx80 div_special(struct floatx80 a, struct floatx80 b,
                                                             struct fp_ctx *s)
{
    struct floatx80 r;
    if (fx_propagate2(a, b, &r, s))
        return r;
    enum fx_class ca = fx_classify(a), cb = fx_classify(b);
    int sign = fx_sign(a) ^ fx_sign(b);
    if ((ca == FX_INF && cb == FX_INF) || (ca == FX_ZERO && cb == FX_ZERO))
        return fx_invalid(s);
    if (cb == FX_ZERO && ca != FX_INF) {
        s->flags |= FPUS_ZE;
        return fx_inf(sign);
    }
    if (ca == FX_DENORMAL || cb == FX_DENORMAL)
        s->flags |= FPUS_DE;
    if (ca == FX_INF)
        return fx_inf(sign);
    if (ca == FX_ZERO || cb == FX_INF)
        return fx_zero(sign);
    int32_t ea, eb;
    uint64_t ma, mb;
    fx_normalise(a, &ea, &ma);
    fx_normalise(b, &eb, &mb);
    return div_finite(sign, ea, ma, eb, mb, s);
}

struct floatx80 fx_div(struct floatx80 a, struct floatx80 b, struct fp_ctx *s)
{
    if (likely(fx_is_normal(a) && fx_is_normal(b)))
        return div_finite(fx_sign(a) ^ fx_sign(b), fx_exp(a), a.mant, fx_exp(b), b.mant, s);
    return div_special(a, b, s);
}

/* floor(sqrt(i * 256)) for i = 64..255 */
static const uint8_t root8[192] = {
    128, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142,
    143, 144, 144, 145, 146, 147, 148, 149, 150, 150, 151, 152, 153, 154, 155, 155,
    156, 157, 158, 159, 160, 160, 161, 162, 163, 163, 164, 165, 166, 167, 167, 168,
    169, 170, 170, 171, 172, 173, 173, 174, 175, 176, 176, 177, 178, 178, 179, 180,
    181, 181, 182, 183, 183, 184, 185, 185, 186, 187, 187, 188, 189, 189, 190, 191,
    192, 192, 193, 193, 194, 195, 195, 196, 197, 197, 198, 199, 199, 200, 201, 201,
    202, 203, 203, 204, 204, 205, 206, 206, 207, 208, 208, 209, 209, 210, 211, 211,
    212, 212, 213, 214, 214, 215, 215, 216, 217, 217, 218, 218, 219, 219, 220, 221,
    221, 222, 222, 223, 224, 224, 225, 225, 226, 226, 227, 227, 228, 229, 229, 230,
    230, 231, 231, 232, 232, 233, 234, 234, 235, 235, 236, 236, 237, 237, 238, 238,
    239, 240, 240, 241, 241, 242, 242, 243, 243, 244, 244, 245, 245, 246, 246, 247,
    247, 248, 248, 249, 249, 250, 250, 251, 251, 252, 252, 253, 253, 254, 254, 255,
};

/* Root of n (2^62 <= n) and its remainder.  Each step doubles the number of root bits by one
 * division (P. Zimmermann, "Karatsuba Square Root", 1999). */
static uint64_t isqrt64(uint64_t n, uint64_t *rem)
{
    uint64_t s = root8[(n >> 56) - 64], r = (n >> 48) - s * s;
    if (r > 2 * s) {
        r -= 2 * s + 1;
        s++;
    }
    for (int half = 8; half <= 16; half *= 2) {
        uint64_t part = half == 8 ? n >> 32 & 0xffff : n & 0xffffffff;
        uint64_t mask = ((uint64_t)1 << half) - 1, a1 = part >> half, a0 = part & mask;
        uint64_t t = r << half | a1, q = t / (2 * s), u = t % (2 * s);
        s = (s << half) + q;
        int64_t left = (int64_t)(u << half | a0) - (int64_t)(q * q);
        if (left < 0) {
            left += (int64_t)(2 * s - 1);
            s--;
        }
        r = (uint64_t)left;
    }
    *rem = r;
    return s;
}

/* sqrt(nh:nl), nh >= 2^62; *above_half: the fraction exceeds one half; *exact. */
static uint64_t isqrt128(uint64_t nh, uint64_t nl, bool *exact, bool *above_half)
{
    uint64_t r, s = isqrt64(nh, &r), a1 = nl >> 32, a0 = (uint32_t)nl;
    /* r is up to 2s: halve numerator and divisor, so that 64 bits hold them. */
    uint64_t t = r << 31 | a1 >> 1, q = t / s, u = (t % s) << 1 | (a1 & 1);
    s = (s << 32) + q;
    __int128 left = (__int128)(((u128)u << 32 | a0)) - (__int128)((u128)q * q);
    if (left < 0) {
        left += (__int128)(2 * (u128)(s ? s : (u128)1 << 64) - 1);
        s--;
    }
    *exact = left == 0;
    *above_half = left > (__int128)s;
    return s;
}

struct floatx80 fx_sqrt(struct floatx80 a, struct fp_ctx *s)
{
    int32_t e = fx_exp(a);
    uint64_t m = a.mant;
    if (!likely(fx_is_normal(a) && !fx_sign(a))) {
        struct floatx80 r;
        if (fx_propagate1(a, &r, s))
            return r;
        enum fx_class c = fx_classify(a);
        if (c == FX_ZERO)
            return a;
        if (fx_sign(a))
            return fx_invalid(s);
        if (c == FX_INF)
            return a;
        s->flags |= FPUS_DE;
        fx_normalise(a, &e, &m);
    }
    e -= FX_BIAS;
    bool exact, above, odd = e & 1;
    uint64_t root = odd ? isqrt128(m, 0, &exact, &above) : isqrt128(m >> 1, m << 63, &exact, &above);
    /* The root of a 128-bit integer is never half way between two integers. */
    uint64_t lo = exact ? 0 : above ? FX_INT_BIT | 1 : 1;
    return round_fast(0, (e - odd) / 2 + FX_BIAS, root, lo, s);
}
