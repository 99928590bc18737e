/* The x87's transcendental functions against MPFR. */
#include <check.h>
#include <math.h>
#include <mpfr.h>
#include <stdio.h>

#include "fpu-case.h"
#include "softfp.h"
#include "suite.h"

#define EXACT_PREC 700

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

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    Suite *s = suite_create("fpu: transcendental");
    TCase *tc = tcase_create("error");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_transcendental);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
