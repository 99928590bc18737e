/* F2XM1, FYL2X, FYL2XP1 and FPATAN in fixed point of 128 bits.
 *
 * Each function reduces its argument by a table to less than 2^-6, adds up a Taylor series, and knows a bound of
 * its error, here in units of the last of 128 bits.  A result whose bits below the significand are farther
 * than that from 0 and from a half is rounded, whatever RC, as the exact one would be.  All others, about
 * one in 2^20 where no bits cancel, are left to MPFR (transcend.c), as is everything out of the ordinary: so results
 * are bit for bit the correctly rounded ones.
 *
 * "x:126" is the fixed-point number x * 2^-126.  Products keep the high half and are up to 3 units too low. */
#include "transcend-fast.h"

#include <mpfr.h>

typedef unsigned __int128 u128;
typedef __int128 i128;

#define STEPS 64
#define LOG_TERMS 20
#define EXP_TERMS 13
#define ATAN_TERMS 9

/* Bits that may be lost to leading zeros. */
#define MAX_SHIFT 36

static struct {
    bool ready;
    u128 recip[LOG_TERMS + 1];     /* 1/n:126 */
    u128 factorial[EXP_TERMS + 1]; /* 1/n!:126 */
    u128 odd[ATAN_TERMS + 1];      /* 1/(2n-1):126 */
    u128 log_table[STEPS];         /* -log2(scale[i]/1024):125, for significands from 1 + i/64 */
    uint16_t scale[STEPS];
    u128 exp_table[2 * STEPS + 1]; /* 2^(i/64 - 1):126 */
    u128 atan_table[STEPS + 1];    /* atan(i/64):126 */
    u128 ln2;                      /* :128 */
    u128 inv_ln2;                  /* :127 */
    u128 half_pi, pi;              /* :126 */
} c;

/* v * 2^bits, rounded down. */
static u128 fixed(mpfr_ptr v, int bits)
{
    MPFR_DECL_INIT(t, 160);
    mpfr_mul_2si(t, v, bits - 64, MPFR_RNDN);
    uint64_t hi = (uint64_t)mpfr_get_ui(t, MPFR_RNDZ);
    mpfr_sub_ui(t, t, hi, MPFR_RNDN);
    mpfr_mul_2si(t, t, 64, MPFR_RNDN);
    return (u128)hi << 64 | (uint64_t)mpfr_get_ui(t, MPFR_RNDZ);
}

static void make_tables(void)
{
    MPFR_DECL_INIT(v, 160);
    MPFR_DECL_INIT(w, 160);
    u128 one = (u128)1 << 126;
    c.factorial[0] = one;
    for (unsigned n = 1; n <= LOG_TERMS; n++)
        c.recip[n] = one / n;
    for (unsigned n = 1; n <= EXP_TERMS; n++)
        c.factorial[n] = c.factorial[n - 1] / n;
    for (unsigned n = 1; n <= ATAN_TERMS; n++)
        c.odd[n] = one / (2 * n - 1);
    mpfr_const_log2(v, MPFR_RNDN);
    c.ln2 = fixed(v, 128);
    mpfr_ui_div(w, 1, v, MPFR_RNDN);
    c.inv_ln2 = fixed(w, 127);
    mpfr_const_pi(v, MPFR_RNDN);
    c.pi = fixed(v, 126);
    c.half_pi = c.pi >> 1;
    for (unsigned i = 0; i < STEPS; i++) {
        /* Near 1, from either side, exactly 1 or a half: there the logarithm is small and needs all its bits. */
        unsigned middle = 2 * STEPS + 2 * i + 1; /* of the step, times 2 * STEPS */
        c.scale[i] = (uint16_t)(i == 0 ? 1024 : i == STEPS - 1 ? 512 : (2 * 1024 * STEPS + middle / 2) / middle);
        mpfr_set_ui_2exp(v, c.scale[i], -10, MPFR_RNDN);
        mpfr_log2(v, v, MPFR_RNDN);
        mpfr_neg(v, v, MPFR_RNDN);
        c.log_table[i] = fixed(v, 125);
    }
    for (unsigned i = 0; i <= 2 * STEPS; i++) {
        mpfr_set_si_2exp(v, (long)i - STEPS, -6, MPFR_RNDN);
        mpfr_exp2(v, v, MPFR_RNDN);
        c.exp_table[i] = fixed(v, 126);
    }
    for (unsigned i = 0; i <= STEPS; i++) {
        mpfr_set_ui_2exp(v, i, -6, MPFR_RNDN);
        mpfr_atan(v, v, MPFR_RNDN);
        c.atan_table[i] = fixed(v, 126);
    }
    c.ready = true;
}

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

/* k[1] + x*k[2] + x^2*k[3] and so on, `terms` in all; with alternating signs if `alternate`.  From term `narrow` on
 * 64 bits are enough: x^(narrow-1) is below 2^-62. */
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

/* Does v, its top bit set, round for certain, being off by up to `error` either way? */
static inline bool certain(u128 v, uint64_t error)
{
    uint64_t lo = (uint64_t)v;
    return lo + error >= 2 * error && lo - FX_INT_BIT + error >= 2 * error;
}

/* v * 2^-fraction is the result but for `error` units; v is not 0. */
static inline bool deliver(struct fx_wide *r, int sign, u128 v, int fraction, uint64_t error)
{
    int shift = leading_zeros(v);
    if (shift > MAX_SHIFT)
        return false;
    v <<= shift;
    r->sign = sign;
    r->exp = FX_BIAS + 127 - fraction - shift;
    r->hi = (uint64_t)(v >> 64);
    r->lo = (uint64_t)v | 1;
    return certain(v, error << shift);
}

/* A value below 2^(126 - fraction) in magnitude as a fixed-point number, cut off; its exponent is -64 or more. */
static inline u128 to_fixed(struct floatx80 x, int fraction)
{
    int shift = fx_exp(x) - FX_BIAS - 63 + fraction;
    return shift >= 0 ? (u128)x.mant << shift : (u128)x.mant >> -shift;
}

bool fast_2xm1(struct floatx80 x, struct fx_wide *r)
{
    if (!c.ready)
        make_tables();
    if (fx_exp(x) >= FX_BIAS || fx_exp(x) < FX_BIAS - MAX_SHIFT)
        return false;
    /* x = i/64 + d, |d| <= 2^-7 */
    i128 v = (i128)to_fixed(x, 126);
    if (fx_sign(x))
        v = -v;
    int i = (int)((v + ((i128)1 << 119)) >> 120);
    i128 d = v - ((i128)i << 120);
    bool below = d < 0;
    /* e^(d ln 2) - 1 */
    u128 z = mul_high((u128)(below ? -d : d) << 2, c.ln2);
    u128 e = mul_high(z, series(c.factorial, EXP_TERMS, 10, z, below)) << 2;
    /* 2^(i/64) * (e + 1) - 1 */
    u128 power = c.exp_table[i + STEPS], t = mul_high(power, e);
    i128 result = (i128)(power - ((u128)1 << 126)) + (below ? -(i128)t : (i128)t);
    if (!result)
        return false;
    return deliver(r, result < 0, (u128)(result < 0 ? -result : result), 126, 64);
}

/* y * log2(m:118 * 2^e), m from 1 to 2. */
static bool y_times_log2(struct floatx80 y, u128 m, int e, struct fx_wide *r)
{
    unsigned i = (unsigned)(m >> 112) & (STEPS - 1);
    /* m * scale - 1: the multiple of 2^128 drops out.  m near 2 counts as near 1. */
    i128 d;
    if (i == STEPS - 1) {
        e++;
        d = (i128)(m * 512);
    } else {
        d = (i128)(m * c.scale[i]);
    }
    bool below = d < 0;
    u128 x = (u128)(below ? -d : d);
    u128 l = mul_high(mul_high(x, series(c.recip, LOG_TERMS, 12, x, !below)), c.inv_ln2);
    i128 log = below ? -(i128)l : (i128)l;
    if (i && i != STEPS - 1)
        log += (i128)c.log_table[i];
    int fraction = 125;
    if (e) {
        fraction = 111;
        log = (log >> 14) + ((i128)e << 111);
    }
    int sign = log < 0;
    u128 v = (u128)(sign ? -log : log);
    int shift = leading_zeros(v);
    if (!v || shift > MAX_SHIFT)
        return false;
    v <<= shift;
    uint64_t error = (uint64_t)64 << shift;
    v = (u128)(uint64_t)(v >> 64) * y.mant + (uint64_t)((u128)(uint64_t)v * y.mant >> 64);
    int exp = fx_exp(y) + 128 - fraction - shift;
    if (!(v >> 127)) {
        v <<= 1;
        error <<= 1;
        exp--;
    }
    /* Where the result is tiny it is rounded at another place. */
    if (exp < 1 || exp >= FX_EXP_MAX - 1)
        return false;
    *r = (struct fx_wide){ sign ^ fx_sign(y), exp, (uint64_t)(v >> 64), (uint64_t)v | 1 };
    return certain(v, error);
}

bool fast_yl2x(struct floatx80 y, struct floatx80 x, struct fx_wide *r)
{
    if (!c.ready)
        make_tables();
    return y_times_log2(y, (u128)x.mant << 55, fx_exp(x) - FX_BIAS, r);
}

bool fast_yl2xp1(struct floatx80 y, struct floatx80 x, struct fx_wide *r)
{
    if (!c.ready)
        make_tables();
    if (fx_exp(x) < FX_BIAS - MAX_SHIFT || fx_exp(x) >= FX_BIAS)
        return false;
    /* Exact: the last bit of x is 2^-99 or more. */
    u128 m = (u128)1 << 118, v = to_fixed(x, 118);
    m = fx_sign(x) ? m - v : m + v;
    int e = 0;
    while (!(m >> 118)) {
        m <<= 1;
        e--;
    }
    return y_times_log2(y, m, e, r);
}

/* n / d:128, n < 2^120 <= d / 2^6 < 2^121: 10 units off at most. */
static u128 quotient(u128 n, u128 d)
{
    uint64_t dh = (uint64_t)(d >> 64) + 1;
    uint64_t high = (uint64_t)(n / dh);
    u128 rest = (n << 64) - high * d;
    return ((u128)high << 64) + rest / dh;
}

bool fast_atan2(struct floatx80 y, struct floatx80 x, struct fx_wide *r)
{
    if (!c.ready)
        make_tables();
    int ey = fx_exp(y), ex = fx_exp(x);
    bool steep = ey > ex || (ey == ex && y.mant > x.mant);
    uint64_t a = steep ? x.mant : y.mant, b = steep ? y.mant : x.mant;
    int k = steep ? ey - ex : ex - ey;
    if (k > MAX_SHIFT - 6)
        return false;
    /* t = a / (b * 2^k) = i/64 + ..., atan(t) = atan(i/64) + atan((t - i/64) / (1 + t * i/64)). */
    unsigned i = (unsigned)((((a >> k >> 32) << 6) + (b >> 33)) / (b >> 32));
    u128 wide_b = (u128)b << k;
    i128 n = (i128)((u128)a << 6) - (i128)(wide_b * i);
    u128 d = (wide_b << 6) + (u128)a * i;
    bool below = n < 0;
    int shift = leading_zeros(d) - 1;
    u128 q = quotient((u128)(below ? -n : n) << shift, d << shift);
    u128 square = mul_high(q, q);
    u128 t = mul_high(q, series(c.odd, ATAN_TERMS, 6, square, true));
    u128 angle = c.atan_table[i] + (below ? -t : t);
    if (steep)
        angle = fx_sign(x) ? c.half_pi + angle : c.half_pi - angle;
    else if (fx_sign(x))
        angle = c.pi - angle;
    return angle && deliver(r, fx_sign(y), angle, 126, 64);
}
