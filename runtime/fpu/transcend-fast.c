/* F2XM1, FYL2X, FYL2XP1 and FPATAN in fixed point of 128 bits.
 *
 * Each function reduces its argument by a table to less than 2^-6, adds up a Taylor series to about
 * 88 bits, and knows a bound of its error, in units of the last of 128 bits.  A result whose bits
 * below the significand are farther than that from 0 and from a half is rounded, whatever RC, as
 * the exact one would be.  All others, about one in 2^20 where no bits cancel, are left to MPFR
 * (transcend.c), as is everything out of the ordinary: so results are bit for bit the correctly
 * rounded ones.
 *
 * "x:126" is the fixed-point number x * 2^-126.  Products keep the high half and are up to 3 units
 * too low. */
#include "transcend-fixed.h"

#define STEPS 64
#define LOG_TERMS 16
#define EXP_TERMS 10
#define ATAN_TERMS 7

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

u128 fixed_point(mpfr_ptr v, int bits)
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
    HOST_FCSR_GUARD;
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
    c.ln2 = fixed_point(v, 128);
    mpfr_ui_div(w, 1, v, MPFR_RNDN);
    c.inv_ln2 = fixed_point(w, 127);
    mpfr_const_pi(v, MPFR_RNDN);
    c.pi = fixed_point(v, 126);
    c.half_pi = c.pi >> 1;
    for (unsigned i = 0; i < STEPS; i++) {
        /* Near 1, from either side, exactly 1 or a half: there the logarithm is small and needs
         * all its bits. */
        unsigned middle = 2 * STEPS + 2 * i + 1; /* of the step, times 2 * STEPS */
        c.scale[i] = (uint16_t)((2 * 1024 * STEPS + middle / 2) / middle);
        if (i == 0 || i == STEPS - 1)
            c.scale[i] = i ? 512 : 1024;
        mpfr_set_ui_2exp(v, c.scale[i], -10, MPFR_RNDN);
        mpfr_log2(v, v, MPFR_RNDN);
        mpfr_neg(v, v, MPFR_RNDN);
        c.log_table[i] = fixed_point(v, 125);
    }
    for (unsigned i = 0; i <= 2 * STEPS; i++) {
        mpfr_set_si_2exp(v, (long)i - STEPS, -6, MPFR_RNDN);
        mpfr_exp2(v, v, MPFR_RNDN);
        c.exp_table[i] = fixed_point(v, 126);
    }
    for (unsigned i = 0; i <= STEPS; i++) {
        mpfr_set_ui_2exp(v, i, -6, MPFR_RNDN);
        mpfr_atan(v, v, MPFR_RNDN);
        c.atan_table[i] = fixed_point(v, 126);
    }
    c.ready = true;
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
    i128 d = v - i * ((i128)1 << 120);
    bool below = d < 0;
    /* e^(d ln 2) - 1 */
    u128 z = mul_high((u128)(below ? -d : d) << 2, c.ln2);
    u128 e = mul_high(z, series(c.factorial, EXP_TERMS, 5, z, below)) << 2;
    /* 2^(i/64) * (e + 1) - 1 */
    u128 power = c.exp_table[i + STEPS], t = mul_high(power, e);
    i128 result = (i128)(power - ((u128)1 << 126)) + (below ? -(i128)t : (i128)t);
    if (!result)
        return false;
    return deliver(r, result < 0, (u128)(result < 0 ? -result : result), 126, 64 + series_error(e));
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
    u128 l = mul_high(mul_high(x, series(c.recip, LOG_TERMS, 6, x, !below)), c.inv_ln2);
    i128 log = below ? -(i128)l : (i128)l;
    if (i && i != STEPS - 1)
        log += (i128)c.log_table[i];
    int fraction = 125;
    uint64_t error = 64 + series_error(l);
    if (e) {
        fraction = 111;
        error = 2 + (error >> 14);
        log = (log >> 14) + e * ((i128)1 << 111);
    }
    int sign = log < 0;
    u128 v = (u128)(sign ? -log : log);
    int shift = leading_zeros(v);
    if (!v || shift > MAX_SHIFT)
        return false;
    v <<= shift;
    error <<= shift;
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
    return wide(r, sign ^ fx_sign(y), exp, v, error);
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
    u128 t = mul_high(q, series(c.odd, ATAN_TERMS, 3, square, true));
    u128 angle = c.atan_table[i] + (below ? -t : t);
    if (steep)
        angle = fx_sign(x) ? c.half_pi + angle : c.half_pi - angle;
    else if (fx_sign(x))
        angle = c.pi - angle;
    return angle && deliver(r, fx_sign(y), angle, 126, 64 + series_error(t));
}
