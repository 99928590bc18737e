/* The x87's transcendental functions against MPFR. */
#include <check.h>
#include <math.h>
#include <mpfr.h>
#include <stdio.h>
#include <stdlib.h>

#include "fpu-case.h"
#include "optimise.h"
#include "softfp.h"
#include "suite.h"
#include "transcend-fast.h"

/* 150 bits cancel where F2XM1's operand is least. */
#define EXACT_PREC 400

static void set_exact(mpfr_t r, struct floatx80 a)
{
    mpfr_set_ui_2exp(r, a.mant, (a.se & 0x7fff) - 16383 - 63, MPFR_RNDN);
    if (a.se & 0x8000)
        mpfr_neg(r, r, MPFR_RNDN);
}

/* Error of a in units of its last place. */
static double ulps(struct floatx80 a, mpfr_t exact)
{
    mpfr_t t;
    mpfr_init2(t, EXACT_PREC);
    set_exact(t, a);
    mpfr_sub(t, t, exact, MPFR_RNDN);
    mpfr_mul_2si(t, t, 16383 + 63 - (a.se & 0x7fff), MPFR_RNDN);
    double e = fabs(mpfr_get_d(t, MPFR_RNDN));
    mpfr_clear(t);
    return e;
}

/* r modulo pi/2, of the x87's 66-bit pi; returns the quotient modulo 4. */
static unsigned reduce_x87(mpfr_t r)
{
    mpfr_t half_pi;
    long q;
    mpfr_init2(half_pi, 80);
    mpfr_set_str(half_pi, "0xC90FDAA22168C234C@-16", 0, MPFR_RNDN); /* 4 pi */
    mpfr_div_2ui(half_pi, half_pi, 3, MPFR_RNDN);
    mpfr_remquo(r, &q, r, half_pi, MPFR_RNDN);
    mpfr_clear(half_pi);
    return (unsigned)q & 3;
}

static void exact_sine(mpfr_t r, unsigned quadrants)
{
    quadrants += reduce_x87(r);
    if (quadrants & 1)
        mpfr_cos(r, r, MPFR_RNDN);
    else
        mpfr_sin(r, r, MPFR_RNDN);
    if (quadrants & 2)
        mpfr_neg(r, r, MPFR_RNDN);
}

static const struct {
    const char *name;
    uint8_t modrm;
    int min_exp, max_exp; /* of ST(0), about 0 for 1 */
    bool negative, two;
} functions[] = {
    { "f2xm1", 0xf0, -150, -1, true, false },  { "fyl2x", 0xf1, -16000, 16000, false, true },
    { "fptan", 0xf2, -60, 62, true, false },   { "fpatan", 0xf3, -500, 500, true, true },
    { "fyl2xp1", 0xf9, -150, -3, true, true }, { "fsin", 0xfe, -60, 62, true, false },
    { "fcos", 0xff, -60, 62, true, false }
};

static void exact_value(mpfr_t r, uint8_t modrm, struct floatx80 x, struct floatx80 y)
{
    mpfr_t t;
    mpfr_init2(t, EXACT_PREC);
    set_exact(r, x);
    set_exact(t, y);
    switch (modrm) {
    case 0xf0:
        mpfr_exp2(r, r, MPFR_RNDN);
        mpfr_sub_ui(r, r, 1, MPFR_RNDN);
        break;
    case 0xf9:
        mpfr_add_ui(r, r, 1, MPFR_RNDN);
        /* fall through */
    case 0xf1:
        mpfr_log2(r, r, MPFR_RNDN);
        mpfr_mul(r, r, t, MPFR_RNDN);
        break;
    case 0xf2:
        mpfr_set(t, r, MPFR_RNDN);
        exact_sine(r, 0);
        exact_sine(t, 1);
        mpfr_div(r, r, t, MPFR_RNDN);
        break;
    case 0xf3:
        mpfr_atan2(r, t, r, MPFR_RNDN);
        break;
    case 0xfe:
        exact_sine(r, 0);
        break;
    default:
        exact_sine(r, 1);
        break;
    }
    mpfr_clear(t);
}

START_TEST(test_transcendental)
{
    const int n = 8000;
    mpfr_t exact;
    mpfr_init2(exact, EXACT_PREC);
    fpu_seed(5);
    for (unsigned k = 0; k < sizeof functions / sizeof functions[0]; k++) {
        double worst[2] = { 0, 0 }, real_worst = 0;
        for (int i = 0; i < n; i++) {
            struct fpu_case c = { 0xd9, functions[k].modrm, { .cw = 0x37f, .empty = 0xc0 } };
            struct fpu_state out;
            struct floatx80 x = fpu_random_value(), y = fpu_random_value();
            int span = functions[k].max_exp - functions[k].min_exp + 1;
            int e = functions[k].min_exp + (int)(fpu_random() % span);
            if (i % 2 && span > 20)
                e = (int)(fpu_random() % 12) - 8;
            if (e > functions[k].max_exp)
                e = functions[k].max_exp;
            x.se = (uint16_t)((e + 16383) | (functions[k].negative ? x.se & 0x8000 : 0));
            x.mant |= FX_INT_BIT;
            y.se = (uint16_t)((16383 - 500 + fpu_random() % 1000) | (y.se & 0x8000));
            y.mant |= FX_INT_BIT;
            if (functions[k].modrm == 0xf1 && x.se == 0x3fff && x.mant == FX_INT_BIT)
                continue;
            c.in.cw |= (uint16_t)((i & 3) << 10);
            c.in.st[0] = x;
            c.in.st[1] = y;
            exact_value(exact, functions[k].modrm, x, y);
            unsigned result = functions[k].modrm == 0xf2 ? 1 : 0;
            fpu_run_ours(&c, &out);
            double err = ulps(out.st[result], exact);
            int directed = (i & 3) != 0;
            if (err > worst[directed])
                worst[directed] = err;
            if (fpu_native()) {
                fpu_run_native(&c, &out);
                err = ulps(out.st[result], exact);
                if (err > real_worst)
                    real_worst = err;
            }
        }
        printf("%-8s error in ulp: nearest %.4f, directed %.4f", functions[k].name, worst[0], worst[1]);
        if (fpu_native())
            printf("; this machine's x87 %.4f", real_worst);
        putchar('\n');
        ck_assert_msg(worst[0] <= 0.500001, "%s", functions[k].name);
        ck_assert_msg(worst[1] <= 1.000001, "%s", functions[k].name);
    }
    mpfr_clear(exact);
    mpfr_free_cache();
}
END_TEST

/* ---- the fast forms ---- */

/* Operands where bits cancel, tables change over, or results are nearly (or quite) exact. */
static struct floatx80 hard_value(uint8_t modrm)
{
    uint64_t m = fpu_random() | FX_INT_BIT, n = fpu_random();
    int e = (int)(fpu_random() % 44) - 38, sign = (int)(fpu_random() & 1);
    int near = (int)(fpu_random() % 5) - 2;
    unsigned __int128 v;
    switch (fpu_random() % 8) {
    case 0: /* few bits */
        m &= -((uint64_t)1 << (64 - 1 - n % 12));
        break;
    case 1: /* next to a power of 2 */
        m = near < 0 ? near * (int64_t)(n >> 58) : (int64_t)(FX_INT_BIT + near * (n >> 58));
        m |= FX_INT_BIT;
        break;
    case 2: /* next to 1, or to 1/2 */
        e = near < 0 ? -1 : 0;
        m = near < 0 ? ~(n >> (16 + (n & 15) * 3)) : FX_INT_BIT + (n >> (16 + (n & 15) * 3));
        m |= FX_INT_BIT;
        break;
    case 3: /* next to i/128 */
        m = (128 + (n & 127)) << 56;
        m += (uint64_t)near;
        m |= FX_INT_BIT;
        e = -(int)(n >> 8 & 7);
        break;
    case 4: /* next to a multiple of pi/2 */
    case 5:
        n >>= n & 63;
        v = (unsigned __int128)(n ? n : 1) * 0xc90fdaa22168c235u;
        e = 64;
        while (!(v >> 127)) {
            v <<= 1;
            e--;
        }
        m = ((uint64_t)(v >> 64) + (uint64_t)near) | FX_INT_BIT;
        break;
    default:
        break;
    }
    if (modrm != 0xf1 && modrm != 0xf3 && e > 62)
        e = (int)(n % 63);
    if ((modrm == 0xf0 || modrm == 0xf9) && e > -1)
        e = -1 - (int)(n % 3);
    return fx_pack(modrm == 0xf1 ? 0 : sign, e + FX_BIAS, m);
}

static bool fast(uint8_t modrm, struct floatx80 x, struct floatx80 y, struct fx_wide *w)
{
    switch (modrm) {
    case 0xf0:
        return fast_2xm1(x, w);
    case 0xf1:
        return fast_yl2x(y, x, w);
    case 0xf2:
        return fast_tan(x, w);
    case 0xf3:
        return fast_atan2(y, x, w);
    case 0xf9:
        return fast_yl2xp1(y, x, w);
    case 0xfe:
        return fast_sincos(x, w, NULL);
    default:
        return fast_sincos(x, NULL, w);
    }
}

static struct floatx80 whole(uint8_t modrm, struct floatx80 x, struct floatx80 y, struct fp_ctx *s)
{
    struct floatx80 r = x;
    switch (modrm) {
    case 0xf0:
        return fx_f2xm1(x, s);
    case 0xf1:
        return fx_yl2x(y, x, s);
    case 0xf2:
        fx_tan(x, &r, s);
        return r;
    case 0xf3:
        return fx_atan(y, x, s);
    case 0xf9:
        return fx_yl2xp1(y, x, s);
    case 0xfe:
        fx_sincos(x, &r, NULL, s);
        return r;
    default:
        fx_sincos(x, NULL, &r, s);
        return r;
    }
}

/* What the wide result is off, in units of its last place. */
static double wide_error(const struct fx_wide *w, mpfr_t exact)
{
    mpfr_t t;
    mpfr_init2(t, EXACT_PREC);
    mpfr_set_ui_2exp(t, w->hi, 64, MPFR_RNDN);
    mpfr_add_ui(t, t, w->lo, MPFR_RNDN);
    mpfr_mul_2si(t, t, w->exp - FX_BIAS - 127, MPFR_RNDN);
    if (w->sign)
        mpfr_neg(t, t, MPFR_RNDN);
    mpfr_sub(t, t, exact, MPFR_RNDN);
    mpfr_mul_2si(t, t, FX_BIAS + 127 - w->exp, MPFR_RNDN);
    double e = fabs(mpfr_get_d(t, MPFR_RNDN));
    mpfr_clear(t);
    return e;
}

static const char *text(unsigned function, int i, struct floatx80 x, struct floatx80 y)
{
    static char buf[100];
    snprintf(buf, sizeof buf, "%s of ST(0) %04x:%016llx, ST(1) %04x:%016llx, RC %d", functions[function].name,
             x.se, (unsigned long long)x.mant, y.se, (unsigned long long)y.mant, i / 2 & 3);
    return buf;
}

/* Within the error that they state, and, rounded, what MPFR alone gives: results and flags.
 * TRANSCEND_CASES in the environment: how many of each function. */
START_TEST(test_fast)
{
    const char *cases = getenv("TRANSCEND_CASES");
    const int n = cases ? atoi(cases) : 4000;
    const uint64_t all = optimise_set;
    mpfr_t exact;
    mpfr_init2(exact, EXACT_PREC);
    fpu_seed(7);
    for (unsigned k = 0; k < sizeof functions / sizeof functions[0]; k++) {
        uint8_t modrm = functions[k].modrm;
        int ordinary = 0, found = 0, hard = 0;
        double worst = 0;
        for (int i = 0; i < n; i++) {
            bool plain = i & 1;
            struct floatx80 x = hard_value(modrm), y = hard_value(modrm);
            struct fx_wide w;
            if (plain) {
                int top = modrm == 0xf0 || modrm == 0xf9 ? -1 : modrm == 0xf1 || modrm == 0xf3 ? 9 : 40;
                x = fx_pack(fx_sign(x), FX_BIAS + top - (int)(fpu_random() % 12), fpu_random() | FX_INT_BIT);
                y = fx_pack(fx_sign(y), FX_BIAS + 5 - (int)(fpu_random() % 8), fpu_random() | FX_INT_BIT);
            } else if (modrm == 0xf3 && i % 16 < 8) {
                /* the quotient next to i/64 */
                int e = fx_exp(x);
                y = fx_pack(fx_sign(y), e - (int)(fpu_random() % 7), x.mant + fpu_random() % 5 - 2);
                y.mant |= FX_INT_BIT;
            }
            if (modrm == 0xf1 && fx_exp(x) == FX_BIAS && x.mant == FX_INT_BIT)
                continue;
            ordinary += plain;
            if (fast(modrm, x, y, &w)) {
                exact_value(exact, modrm, x, y);
                double e = wide_error(&w, exact);
                ck_assert_msg(e <= (double)w.error, "%s is off by %g, not %g", text(k, i, x, y), e,
                              (double)w.error);
                if (e / (double)w.error > worst)
                    worst = e / (double)w.error;
                found += plain;
                hard += !plain;
            }
            struct fp_ctx a = { (uint16_t)(0x37f | (i / 2 & 3) << 10), 0 }, b = a;
            struct floatx80 ours = whole(modrm, x, y, &a);
            optimise_set = all & ~((uint64_t)1 << OPTIMISE_FAST_TRANSCEND);
            struct floatx80 mpfr = whole(modrm, x, y, &b);
            optimise_set = all;
            ck_assert_msg(ours.se == mpfr.se && ours.mant == mpfr.mant && a.flags == b.flags,
                          "%s: %04x:%016llx flags %x, MPFR %04x:%016llx flags %x", text(k, i, x, y), ours.se,
                          (unsigned long long)ours.mant, a.flags, mpfr.se, (unsigned long long)mpfr.mant,
                          b.flags);
        }
        printf("%-8s fast: %.2f %% of ordinary operands, %.2f %% of hard ones; ", functions[k].name,
               100.0 * found / ordinary, 100.0 * hard / (n / 2));
        printf("error at most %.2f of the bound\n", worst);
        ck_assert_msg(found >= ordinary * 0.999, "%s", functions[k].name);
    }
    mpfr_clear(exact);
    mpfr_free_cache();
}
END_TEST

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    Suite *s = suite_create("fpu: transcendental");
    TCase *tc = tcase_create("error");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_transcendental);
    tcase_add_test(tc, test_fast);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
