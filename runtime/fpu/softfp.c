/* Add, subtract, multiply and divide 80-bit values: the common case first, everything special in
 * functions of its own. */
#include "softfp-round.h"

/* Sum of magnitudes with ea >= eb. */
static inline struct floatx80 add_magnitudes(int sign, int32_t ea, uint64_t ma, int32_t eb, uint64_t mb,
                                             struct fp_ctx *s)
{
    uint32_t d = (uint32_t)(ea - eb);
    uint64_t lo = 0;
    if (d) {
        if (fx_likely(d < 64)) {
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
    return fx_round_fast(sign, ea, hi, lo, s);
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
        fx_shift_right_jam(&mb, &lo, d);
    uint64_t hi = ma - mb - (lo != 0);
    lo = -lo;
    if (!fx_likely(hi)) {
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
    return fx_round_fast(sign, ea, hi, lo, s);
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
        return fx_round_pc(sb, eb, mb, 0, s);
    }
    fx_normalise(a, &ea, &ma);
    if (cb == FX_ZERO)
        return fx_round_pc(sa, ea, ma, 0, s);
    fx_normalise(b, &eb, &mb);
    return add_signed(sa, ea, ma, sb, eb, mb, s);
}

struct floatx80 fx_add(struct floatx80 a, struct floatx80 b, struct fp_ctx *s)
{
    if (fx_likely(fx_is_normal(a) && fx_is_normal(b)))
        return add_signed(fx_sign(a), fx_exp(a), a.mant, fx_sign(b), fx_exp(b), b.mant, s);
    return add_special(a, b, 0, s);
}

struct floatx80 fx_sub(struct floatx80 a, struct floatx80 b, struct fp_ctx *s)
{
    if (fx_likely(fx_is_normal(a) && fx_is_normal(b)))
        return add_signed(fx_sign(a), fx_exp(a), a.mant, !fx_sign(b), fx_exp(b), b.mant, s);
    return add_special(a, b, 1, s);
}

typedef struct floatx80 finite_op(int sign, int32_t ea, uint64_t ma, int32_t eb, uint64_t mb,
                                  struct fp_ctx *s);

/* For finite operands that are not 0. */
static inline struct floatx80 on_normalised(finite_op *op, int sign, struct floatx80 a, struct floatx80 b,
                                            struct fp_ctx *s)
{
    int32_t ea, eb;
    uint64_t ma, mb;
    fx_normalise(a, &ea, &ma);
    fx_normalise(b, &eb, &mb);
    return op(sign, ea, ma, eb, mb, s);
}

static inline struct floatx80 mul_finite(int sign, int32_t ea, uint64_t ma, int32_t eb, uint64_t mb,
                                         struct fp_ctx *s)
{
    fx_u128 p = (fx_u128)ma * mb;
    uint64_t hi = (uint64_t)(p >> 64), lo = (uint64_t)p;
    int32_t exp = ea + eb - FX_BIAS + 1;
    if ((int64_t)hi >= 0) {
        hi = hi << 1 | lo >> 63;
        lo <<= 1;
        exp--;
    }
    return fx_round_fast(sign, exp, hi, lo, s);
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
    return on_normalised(mul_finite, sign, a, b, s);
}

struct floatx80 fx_mul(struct floatx80 a, struct floatx80 b, struct fp_ctx *s)
{
    if (fx_likely(fx_is_normal(a) && fx_is_normal(b)))
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
    return fx_round_fast(sign, exp, q, lo, s);
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
    return on_normalised(div_finite, sign, a, b, s);
}

struct floatx80 fx_div(struct floatx80 a, struct floatx80 b, struct fp_ctx *s)
{
    if (fx_likely(fx_is_normal(a) && fx_is_normal(b)))
        return div_finite(fx_sign(a) ^ fx_sign(b), fx_exp(a), a.mant, fx_exp(b), b.mant, s);
    return div_special(a, b, s);
}
