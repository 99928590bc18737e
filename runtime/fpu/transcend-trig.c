/* FSIN, FCOS, FSINCOS and FPTAN in fixed point of 128 bits; see transcend-fast.c for what that means.
 *
 * |x| = n * pi/2 + r with the x87's pi of 66 bits (SDM 1, 8.3.8) is exact: r is a multiple of
 * 2^-65.  With r = i/64 + d the functions are put together from tables and from the series for
 * sin d and cos d.  A small r is kept with all its bits, so that the sine of it is as good in
 * proportion. */
#include "transcend-fixed.h"

#define STEPS 51 /* 64 * pi/4 = 50.3 */
#define TERMS 5

/* Where r is less than 2^TINY its sine, cosine and tangent are r or 1 but for less than 2^-66 of that. */
#define TINY (-33)

static struct {
    bool ready;
    u128 sine[STEPS], cosine[STEPS]; /* of i/64, :128; cos 0 is not there */
    u128 odd[TERMS + 1];             /* 1/(2n-1)!:126 */
    u128 even[TERMS + 1];            /* 1/(2n-2)!:126 */
} c;

struct angle {
    unsigned n;    /* quadrants */
    bool negative; /* r is */
    int exp;       /* |r| = top:127 * 2^exp, exact; the top bit is set */
    u128 top;
    u128 abs; /* |r|:128, exact unless it is tiny; what follows is left out if it is */
    unsigned i;
    bool below;  /* d < 0 */
    u128 d;      /* |d|:128 */
    u128 ratio;  /* sin d / d:126 */
    u128 cosine; /* cos d:126 */
};

static void make_tables(void)
{
    HOST_FCSR_GUARD;
    MPFR_DECL_INIT(v, 160);
    MPFR_DECL_INIT(w, 160);
    for (unsigned i = 0; i < STEPS; i++) {
        mpfr_set_ui_2exp(v, i, -6, MPFR_RNDN);
        mpfr_sin_cos(v, w, v, MPFR_RNDN);
        c.sine[i] = fixed_point(v, 128);
        c.cosine[i] = i ? fixed_point(w, 128) : 0;
    }
    u128 k = (u128)1 << 126;
    for (unsigned n = 1; n <= TERMS; n++) {
        c.even[n] = k;
        k /= 2 * n - 1;
        c.odd[n] = k;
        k /= 2 * n;
    }
    c.ready = true;
}

/* |x| from 1/2 on, below 2^63, modulo pi/2. */
static void reduce(struct angle *a, struct floatx80 x)
{
    /* pi/2:65, and 2/pi:64, which is good enough to be off by 1 quadrant at most. */
    const u128 half_pi = (u128)0x3243f6a8885a308du << 4 | 3;
    const uint64_t inv_half_pi = 0xa2f9836e4e441529u;
    int e = fx_exp(x) - FX_BIAS;
    uint64_t n = (uint64_t)(((u128)x.mant * inv_half_pi >> (126 - e)) + 1) >> 1;
    /* Modulo 2^128, but it is less than pi. */
    i128 r = (i128)(((u128)x.mant << (e + 2)) - n * half_pi);
    if (r > (i128)(half_pi >> 1)) {
        r -= (i128)half_pi;
        n++;
    } else if (r < -(i128)(half_pi >> 1)) {
        r += (i128)half_pi;
        n--;
    }
    a->n = (unsigned)n;
    a->negative = r < 0;
    /* Not 0: a multiple of pi/2 has more than 64 bits. */
    a->abs = (u128)(r < 0 ? -r : r) << 63;
    int shift = leading_zeros(a->abs);
    a->top = a->abs << shift;
    a->exp = -1 - shift;
}

static void split(struct angle *a, struct floatx80 x)
{
    if (!c.ready)
        make_tables();
    if (fx_exp(x) >= FX_BIAS - 1) {
        reduce(a, x);
    } else {
        a->n = 0;
        a->negative = false;
        a->top = (u128)x.mant << 64;
        a->exp = fx_exp(x) - FX_BIAS;
        a->abs = a->exp < TINY ? 0 : a->top >> (-1 - a->exp);
    }
    if (a->exp < TINY)
        return;
    a->i = (unsigned)((a->abs + ((u128)1 << 121)) >> 122);
    i128 d = (i128)(a->abs - ((u128)a->i << 122));
    a->below = d < 0;
    a->d = (u128)(d < 0 ? -d : d);
    u128 square = mul_high(a->d, a->d);
    a->ratio = series(c.odd, TERMS, 3, square, true);
    a->cosine = series(c.even, TERMS, 3, square, true);
}

/* A value, v * 2^-fraction, that is off by up to `error` units. */
struct part {
    u128 v;
    int fraction;
    uint64_t error;
};

/* Of |r|, which is not tiny. */
static struct part sine(const struct angle *a)
{
    if (!a->i)
        return (struct part){ mul_high(a->top, a->ratio), 125 - a->exp, 16 + series_error(a->ratio) };
    u128 v = mul_high(c.sine[a->i], a->cosine), t = mul_high(c.cosine[a->i], mul_high(a->d, a->ratio));
    return (struct part){ a->below ? v - t : v + t, 126, 32 + series_error(v) + series_error(t) };
}

static struct part cosine(const struct angle *a)
{
    if (!a->i)
        return (struct part){ a->cosine, 126, 16 + series_error(a->cosine) };
    u128 v = mul_high(c.cosine[a->i], a->cosine), t = mul_high(c.sine[a->i], mul_high(a->d, a->ratio));
    return (struct part){ a->below ? v + t : v - t, 126, 32 + series_error(v) + series_error(t) };
}

/* v is next to a number of 64 bits; the result is on the same side of it, less than a quarter of
 * the last place off. */
static bool beside(struct fx_wide *r, int sign, int32_t exp, u128 v)
{
    *r = (struct fx_wide){ sign, exp, (uint64_t)(v >> 64), (uint64_t)v | 1, (uint64_t)1 << 62 };
    return true;
}

/* The sine of r + quadrants * pi/2. */
static bool quadrant(const struct angle *a, unsigned quadrants, int sign, struct fx_wide *r)
{
    sign ^= quadrants >> 1 & 1;
    if (quadrants & 1) {
        /* A little less than 1. */
        if (a->exp < TINY)
            return beside(r, sign, FX_BIAS - 1, ~(u128)0);
        struct part p = cosine(a);
        return deliver(r, sign, p.v, p.fraction, p.error);
    }
    sign ^= a->negative;
    if (a->exp < TINY) {
        /* A little less than |r|. */
        bool power = !(a->top << 1);
        return beside(r, sign, FX_BIAS + a->exp - power, power ? ~(u128)0 : a->top - 1);
    }
    struct part p = sine(a);
    return deliver(r, sign, p.v, p.fraction, p.error);
}

bool fast_sincos(struct floatx80 x, struct fx_wide *sine, struct fx_wide *cosine)
{
    struct angle a;
    if (fx_exp(x) >= FX_BIAS + 63)
        return false;
    split(&a, x);
    return (!sine || quadrant(&a, a.n, fx_sign(x), sine)) && (!cosine || quadrant(&a, a.n + 1, 0, cosine));
}

/* a / b: the top bits of both are set. */
static u128 quotient(u128 a, u128 b)
{
    /* Shifted so that nothing overflows: to a/b:126, 64 units off at most. */
    a >>= 3;
    b >>= 1;
    uint64_t bh = (uint64_t)(b >> 64) + 1, high = (uint64_t)(a / bh);
    u128 rest = (a << 64) - high * b;
    return ((u128)high << 64) + rest / bh;
}

bool fast_tan(struct floatx80 x, struct fx_wide *r)
{
    struct angle a;
    if (fx_exp(x) >= FX_BIAS + 63)
        return false;
    split(&a, x);
    int sign = fx_sign(x) ^ a.negative ^ (int)(a.n & 1);
    if (a.exp < TINY) /* a little more than |r|, or next to a pole */
        return a.n & 1 ? false : beside(r, sign, FX_BIAS + a.exp, a.top + 1);
    struct part p = sine(&a), q = cosine(&a);
    if (a.n & 1) {
        struct part t = p;
        p = q;
        q = t;
    }
    int sp = leading_zeros(p.v), sq = leading_zeros(q.v);
    u128 v = quotient(p.v << sp, q.v << sq);
    uint64_t error = (p.error << sp) + (q.error << sq) + 64;
    return deliver(r, sign, v, 126 + p.fraction + sp - q.fraction - sq, error);
}
