/* The x87: every computing instruction against a real one, or on other hosts against what one gave
 * (tests/vectors/fpu.vec); transcendental functions against MPFR; state images, faults,
 * pending exceptions.
 *
 *   check_fpu                  run the tests
 *   check_fpu --record FILE    write the recorded cases (x86-64 only) */
#include <check.h>
#include <math.h>
#include <mpfr.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exception.h"
#include "fpu-case.h"
#include "fpu-vec.h"
#include "softfp.h"

#define RANDOM_PER_FORM 3000
#define RECORD_PER_FORM 22

/* ---- comparison ---- */

/* Two units in the last place apart at most: processors err by up to about 1.1 units, and directed
 * rounding by 1.  What ours may err is for test_transcendental. */
static bool near_enough(struct floatx80 a, struct floatx80 b)
{
    if ((a.se ^ b.se) & 0x8000)
        return a.mant == 0 && b.mant == 0;
    __int128 x = ((__int128)(a.se & 0x7fff) << 63) + (int64_t)(a.mant & ~FX_INT_BIT);
    __int128 y = ((__int128)(b.se & 0x7fff) << 63) + (int64_t)(b.mant & ~FX_INT_BIT);
    return x - y <= 2 && y - x <= 2;
}

static bool is_fcomi(const struct fpu_case *c)
{
    return (c->op == 0xdb || c->op == 0xdf) && c->modrm >= 0xe8 && c->modrm < 0xf8;
}

/* Outside the operand range of the manual: any result will do. */
static bool undefined_by_manual(const struct fpu_case *c)
{
    struct floatx80 x = c->in.st[0];
    int e = x.se & 0x7fff;
    if (c->op != 0xd9 || e == 0x7fff)
        return false;
    if (c->modrm == 0xf0) /* F2XM1: -1..1 */
        return e > 0x3fff || (e == 0x3fff && x.mant != FX_INT_BIT);
    if (c->modrm == 0xf9) /* FYL2XP1: sqrt(1/2) - 1 .. sqrt(2) - 1 */
        return e > 0x3ffd || (e == 0x3ffd && x.mant > 0x95f619980c4336f7u);
    return false;
}

/* What the interpreter gave agrees with the processor, but for this:
 *   transcendental results may differ in the last place, and C1 (rounded up) with them;
 *   FCOMI and the like: the manual clears C1 (AMD leaves it) and keeps EFLAGS after an
 *   unmasked invalid operation (AMD sets them). */
static bool agrees(const struct fpu_case *c, const struct fpu_state *real, const struct fpu_state *ours)
{
    unsigned sw = real->sw ^ ours->sw;
    bool loose = fpu_is_transcendental(c), flags = real->eflags == ours->eflags;
    if (undefined_by_manual(c))
        return true;
    if (loose || is_fcomi(c))
        sw &= ~(unsigned)FPUS_C1;
    if (is_fcomi(c) && (real->sw & ~c->in.cw & FPUS_IE))
        flags = true;
    if (real->cw != ours->cw || sw || real->empty != ours->empty || !flags
        || memcmp(real->mem, ours->mem, FPU_MEM) != 0)
        return false;
    for (int i = 0; i < 8; i++) {
        bool same = real->st[i].mant == ours->st[i].mant && real->st[i].se == ours->st[i].se;
        if (!same && !(loose && near_enough(real->st[i], ours->st[i])))
            return false;
    }
    return true;
}

static void print_state(const char *what, const struct fpu_state *s)
{
    fprintf(stderr, "  %-5s cw %04x sw %04x empty %02x eflags %03x mem ", what, s->cw, s->sw, s->empty,
            s->eflags);
    for (int i = 9; i >= 0; i--)
        fprintf(stderr, "%02x", s->mem[i]);
    for (int i = 0; i < 8; i++)
        fprintf(stderr, "%s%04x:%016llx", i % 4 ? " " : "\n        ", s->st[i].se,
                (unsigned long long)s->st[i].mant);
    fputc('\n', stderr);
}

static unsigned long cases, failures;

static void compare_case(const struct fpu_case *c, const struct fpu_state *real)
{
    struct fpu_state ours;
    fpu_run_ours(c, &ours);
    cases++;
    if (agrees(c, real, &ours))
        return;
    if (failures++ < 10) {
        char text[80];
        fprintf(stderr, "%02x %02x  %s\n", c->op, c->modrm, fpu_text(c, text, sizeof text));
        print_state("in", &c->in);
        print_state("real", real);
        print_state("ours", &ours);
    }
}

static void compare_native(const struct fpu_case *c)
{
    struct fpu_state real;
    fpu_run_native(c, &real);
    compare_case(c, &real);
}

START_TEST(test_random)
{
    struct fpu_case c;
    if (!fpu_native())
        return;
    fpu_seed(1);
    cases = failures = 0;
    for (unsigned form = 0; form < fpu_form_count(); form++) {
        for (int i = 0; i < RANDOM_PER_FORM; i++) {
            fpu_random_case(&c, form);
            compare_native(&c);
        }
    }
    printf("random: %lu cases of %u forms, %lu differ\n", cases, fpu_form_count(), failures);
    ck_assert_uint_eq(failures, 0);
}
END_TEST

/* All pairs of special values, for one register form of each operation, in every mode of
 * rounding and precision. */
START_TEST(test_pairs)
{
    struct fpu_case c;
    if (!fpu_native())
        return;
    cases = failures = 0;
    for (unsigned form = 0; form < fpu_form_count(); form++) {
        if (!fpu_form_register(form))
            continue;
        fpu_pair_case(&c, form, fpu_specials[0], fpu_specials[0], 0x37f);
        bool wanted = c.op == 0xd9 ? c.modrm >= 0xe0
            : (c.op == 0xd8 || c.op == 0xde || c.op == 0xdd || c.op == 0xdb) && (c.modrm & 7) == 1;
        if (!wanted)
            continue;
        for (unsigned a = 0; a < fpu_special_count; a++) {
            for (unsigned b = 0; b < fpu_special_count; b++) {
                for (unsigned mode = 0; mode < 16; mode++) {
                    if ((mode & 3) == 1)
                        continue; /* PC 1 is reserved */
                    fpu_pair_case(&c, form, fpu_specials[a], fpu_specials[b], (uint16_t)(0x7f | mode << 8));
                    compare_native(&c);
                }
            }
        }
    }
    printf("special pairs: %lu cases, %lu differ\n", cases, failures);
    ck_assert_uint_eq(failures, 0);
}
END_TEST

static FILE *open_vectors(void)
{
    const char *srcdir = getenv("srcdir");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/vectors/fpu.vec", srcdir ? srcdir : ".");
    return fpu_vec_open(path);
}

START_TEST(test_vectors)
{
    struct fpu_case c;
    struct fpu_state real;
    FILE *f = open_vectors();
    ck_assert_msg(f != NULL, "tests/vectors/fpu.vec is missing or no such file");
    cases = failures = 0;
    while (fpu_vec_read(f, &c, &real))
        compare_case(&c, &real);
    fclose(f);
    printf("recorded: %lu cases, %lu differ\n", cases, failures);
    ck_assert_uint_gt(cases, 5000);
    ck_assert_uint_eq(failures, 0);
}
END_TEST

static int record(const char *path)
{
    struct fpu_case c;
    struct fpu_state out;
    if (!fpu_native()) {
        fputs("check_fpu: recording needs an x86-64 machine\n", stderr);
        return 1;
    }
    FILE *f = fpu_vec_create(path);
    if (!f) {
        perror(path);
        return 1;
    }
    fpu_seed(86);
    for (unsigned form = 0; form < fpu_form_count(); form++) {
        for (int i = 0; i < RECORD_PER_FORM; i++) {
            fpu_random_case(&c, form);
            fpu_vec_simplify(&c);
            fpu_run_native(&c, &out);
            fpu_vec_write(f, &c, &out);
        }
    }
    if (fclose(f) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

/* ---- transcendental functions against MPFR ---- */

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

/* ---- state, faults, pending exceptions ---- */

#define STEP(env, ...) \
    fpu_step((env), (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static uint16_t word_at(unsigned a)
{
    uint16_t w;
    memcpy(&w, fpu_memory() + a, 2);
    return w;
}

static uint32_t dword_at(unsigned a)
{
    uint32_t w;
    memcpy(&w, fpu_memory() + a, 4);
    return w;
}

static CPUX86State *filled_env(void)
{
    CPUX86State *env = fpu_env();
    env->segs[R_CS].selector = 0x1230;
    env->segs[R_DS].selector = 0x4560;
    env->eip = 0x89abcde0;
    env->regs[R_EDI] = 0x100;
    fpu_seed(9);
    for (int i = 0; i < 8; i++)
        env->fpregs[i] = fpu_random_value();
    env->fpstt = 5;
    memset(env->fpempty, 0, 8);
    env->fpempty[2] = env->fpempty[3] = 1;
    return env;
}

START_TEST(test_pointers)
{
    CPUX86State *env = filled_env();
    memset(fpu_memory() + 0x100, 0, 16);
    ck_assert_int_eq(STEP(env, 0xd8, 0x07), -1); /* fadd dword [edi] */
    ck_assert_uint_eq(env->eip, 0x89abcde2);
    ck_assert_uint_eq(env->fpip, 0x89abcde0);
    ck_assert_uint_eq(env->fpcs, 0x1230);
    ck_assert_uint_eq(env->fpdp, 0x100);
    ck_assert_uint_eq(env->fpds, 0x4560);
    ck_assert_uint_eq(env->fpop, 0x007);
    ck_assert_int_eq(STEP(env, 0xde, 0xc1), -1); /* faddp: no data pointer */
    ck_assert_uint_eq(env->fpip, 0x89abcde2);
    ck_assert_uint_eq(env->fpdp, 0x100);
    ck_assert_uint_eq(env->fpop, 0x6c1);
    ck_assert_int_eq(STEP(env, 0xd9, 0x3f), -1); /* fnstcw: control */
    ck_assert_int_eq(STEP(env, 0xdf, 0xe0), -1); /* fnstsw ax */
    ck_assert_uint_eq(env->fpip, 0x89abcde2);
}
END_TEST

START_TEST(test_env_formats)
{
    CPUX86State *env = filled_env();
    uint8_t *m = fpu_memory() + 0x100;
    env->fpcs = 0x1230;
    env->fpds = 0x4560;
    env->fpip = 0x89abcdef;
    env->fpdp = 0x13579bdf;
    env->fpop = 0x6c1;
    env->fpus = 0x4105;
    ck_assert_int_eq(STEP(env, 0xd9, 0x37), -1); /* fnstenv, 32-bit protected */
    ck_assert_uint_eq(dword_at(0x100), 0xffff037f);
    ck_assert_uint_eq(dword_at(0x104), 0xffff6905);
    ck_assert_uint_eq(dword_at(0x108) >> 16, 0xffff);
    ck_assert_uint_eq(word_at(0x108) >> 4 & 15, 15);
    ck_assert_uint_eq(dword_at(0x10c), 0x89abcdef);
    ck_assert_uint_eq(dword_at(0x110), 0x06c11230);
    ck_assert_uint_eq(dword_at(0x114), 0x13579bdf);
    ck_assert_uint_eq(dword_at(0x118), 0xffff4560);
    ck_assert_int_eq(STEP(env, 0x66, 0xd9, 0x37), -1); /* 16-bit protected */
    ck_assert_uint_eq(word_at(0x106), 0xcdef);
    ck_assert_uint_eq(word_at(0x108), 0x1230);
    ck_assert_uint_eq(word_at(0x10a), 0x9bdf);
    ck_assert_uint_eq(word_at(0x10c), 0x4560);

    env->hflags &= ~(uint32_t)HF_PE;
    env->fpip = 0x00cdef;
    env->fpdp = 0x009bdf; /* linear: 1f0ef, 4df..: selector * 16 + offset */
    m[14] = 0x77;
    ck_assert_int_eq(STEP(env, 0x66, 0xd9, 0x37), -1); /* 16-bit real */
    ck_assert_uint_eq(word_at(0x106), (0x12300 + 0xcdef) & 0xffff);
    ck_assert_uint_eq(word_at(0x108), ((0x12300 + 0xcdef) >> 16) << 12 | 0x6c1);
    ck_assert_uint_eq(word_at(0x10a), (0x45600 + 0x9bdf) & 0xffff);
    ck_assert_uint_eq(word_at(0x10c), ((0x45600 + 0x9bdf) >> 16) << 12);
    ck_assert_uint_eq(m[14], 0x77);
    ck_assert_int_eq(STEP(env, 0xd9, 0x37), -1); /* 32-bit real */
    ck_assert_uint_eq(dword_at(0x10c), 0xffff0000 | ((0x12300 + 0xcdef) & 0xffff));
    ck_assert_uint_eq(dword_at(0x110), ((0x12300 + 0xcdef) >> 16) << 12 | 0x6c1);
    ck_assert_int_eq(STEP(env, 0xd9, 0x27), -1); /* fldenv */
    ck_assert_uint_eq(env->fpip, 0x12300 + 0xcdef);
    ck_assert_uint_eq(env->fpdp, 0x45600 + 0x9bdf);
    ck_assert_uint_eq(env->fpop, 0x6c1);
    ck_assert_uint_eq(env->fpus, 0x4105);
}
END_TEST

START_TEST(test_save_restore)
{
    static const uint8_t forms[2][3] = { { 0x90, 0xdd, 0x37 }, { 0x66, 0xdd, 0x37 } };
    for (int k = 0; k < 2; k++) {
        CPUX86State *env = filled_env(), before;
        unsigned size = k ? 94 : 108;
        memset(fpu_memory(), 0xa5, 512 + 128);
        memcpy(&before, env, sizeof before);
        ck_assert_int_eq(fpu_step(env, forms[k] + !k, k ? 3 : 2), -1); /* fnsave */
        ck_assert_uint_eq(env->fpuc, 0x37f);
        ck_assert_uint_eq(env->fpus, 0);
        ck_assert_uint_eq(env->fpstt, 0);
        for (int i = 0; i < 8; i++)
            ck_assert_uint_eq(env->fpempty[i], 1);
        ck_assert_uint_eq(fpu_memory()[0x100 + size], 0xa5);
        ck_assert_uint_eq(fpu_memory()[0x0ff], 0xa5);
        uint8_t restore[3];
        memcpy(restore, forms[k], 3);
        restore[2] = 0x27;
        memset(env->fpregs, 0, sizeof env->fpregs);
        ck_assert_int_eq(fpu_step(env, restore + !k, k ? 3 : 2), -1); /* frstor */
        ck_assert_uint_eq(env->fpstt, before.fpstt);
        ck_assert_int_eq(memcmp(env->fpempty, before.fpempty, 8), 0);
        for (int i = 0; i < 8; i++) {
            ck_assert_uint_eq(env->fpregs[i].mant, before.fpregs[i].mant);
            ck_assert_uint_eq(env->fpregs[i].se, before.fpregs[i].se);
        }
    }
}
END_TEST

#ifdef __x86_64__
/* The tag word that FNSAVE derives from the registers, against the machine's. */
START_TEST(test_tags)
{
    fpu_seed(11);
    for (int n = 0; n < 20000; n++) {
        CPUX86State *env = filled_env();
        uint8_t image[108];
        for (int i = 0; i < 8; i++) {
            unsigned special = (unsigned)(n + i * 7) % fpu_special_count;
            env->fpregs[i] = n % 2 ? fpu_specials[special] : fpu_random_value();
            env->fpempty[i] = fpu_random() % 4 == 0;
        }
        env->fpstt = (unsigned)n & 7;
        ck_assert_int_eq(STEP(env, 0xdd, 0x37), -1);
        memcpy(image, fpu_memory() + 0x100, sizeof image);
        uint16_t ours = word_at(0x108), real;
        /* The registers' contents decide the tags, whatever FRSTOR is given but empty. */
        for (int i = 0; i < 8; i++)
            if ((ours >> 2 * i & 3) != 3)
                image[8 + i / 4] &= (uint8_t)~(3 << i % 4 * 2);
        __asm__ volatile("frstor %0\n\tfnsave %0" : "+m"(image));
        memcpy(&real, image + 8, 2);
        ck_assert_uint_eq(ours, real);
    }
}
END_TEST
#endif

START_TEST(test_fxsave)
{
    CPUX86State *env = filled_env(), before;
    env->mxcsr = 0x1f80;
    for (int i = 0; i < 8; i++)
        env->xmm[i].q[0] = env->xmm[i].q[1] = fpu_random();
    memset(fpu_memory(), 0xa5, 1024);
    memcpy(&before, env, sizeof before);
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x07), -1);
    ck_assert_uint_eq(word_at(0x100), 0x37f);
    ck_assert_uint_eq(word_at(0x102), 5 << 11);
    ck_assert_uint_eq(fpu_memory()[0x104], 0xf3);
    ck_assert_uint_eq(dword_at(0x118), 0x1f80);
    ck_assert_uint_eq(dword_at(0x11c), 0xffff);
    ck_assert_int_eq(memcmp(fpu_memory() + 0x120, &before.fpregs[5], 10), 0);
    ck_assert_int_eq(memcmp(fpu_memory() + 0x1a0, before.xmm, 128), 0);
    ck_assert_int_eq(STEP(env, 0xdb, 0xe3), -1); /* fninit */
    memset(env->xmm, 0, sizeof env->xmm);
    memset(env->fpregs, 0, sizeof env->fpregs);
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x0f), -1);
    ck_assert_int_eq(memcmp(env->xmm, before.xmm, 128), 0);
    ck_assert_uint_eq(env->fpstt, 5);
    ck_assert_int_eq(memcmp(env->fpempty, before.fpempty, 8), 0);
    for (int i = 0; i < 8; i++)
        ck_assert_uint_eq(env->fpregs[i].mant, before.fpregs[i].mant);

    fpu_memory()[0x11a] = 1; /* a reserved bit of MXCSR */
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x0f), EXCP_GP);
    env->cr[4] = 0;
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x0f), -1);
    env->regs[R_EDI] += 8;
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x07), EXCP_GP);
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x0f), EXCP_GP);
}
END_TEST

/* A fault in memory changes nothing at all. */
START_TEST(test_faults)
{
    static const uint8_t ops[][2] = {
        { 0xd9, 0x07 }, { 0xd9, 0x17 }, { 0xd9, 0x1f }, { 0xdd, 0x07 }, { 0xdd, 0x1f }, { 0xdb, 0x2f },
        { 0xdb, 0x3f }, { 0xdf, 0x27 }, { 0xdf, 0x37 }, { 0xdf, 0x3f }, { 0xdb, 0x1f }, { 0xdf, 0x1f },
        { 0xd8, 0x07 }, { 0xdc, 0x37 }, { 0xda, 0x1f }, { 0xde, 0x17 }, { 0xd9, 0x27 }, { 0xd9, 0x37 },
        { 0xd9, 0x2f }, { 0xd9, 0x3f }, { 0xdd, 0x27 }, { 0xdd, 0x37 }, { 0xdd, 0x3f }
    };
    for (unsigned k = 0; k < sizeof ops / sizeof ops[0]; k++) {
        for (int empty = 0; empty < 2; empty++) {
            CPUX86State *env = filled_env(), before;
            if (empty)
                memset(env->fpempty, 1, 8);
            env->fpregs[5] = (struct floatx80){ 0xaaaaaaaaaaaaaaab, 0x3fff };
            fpu_fault_from = 0x101;
            memcpy(&before, env, sizeof before);
            ck_assert_int_eq(fpu_step(env, ops[k], 2), EXCP_PF);
            ck_assert_int_eq(memcmp(env, &before, sizeof before), 0);
        }
    }
}
END_TEST

START_TEST(test_pending)
{
    CPUX86State *env = filled_env();
    env->machine = (struct machine *)env; /* the test's own pins don't look */
    env->fpregs[5] = fx_zero(0);
    env->fpregs[6] = fx_zero(0);
    memcpy(fpu_memory() + 0x100, "\x7e\x03", 2);
    ck_assert_int_eq(STEP(env, 0xd9, 0x2f), -1); /* fldcw: invalid unmasked */
    ck_assert_int_eq(STEP(env, 0xd8, 0xf1), -1); /* fdiv: 0/0 */
    ck_assert_uint_eq(env->fpus & 0x80ff, FPUS_B | FPUS_ES | FPUS_IE);
    ck_assert_uint_eq(env->fpregs[5].mant, 0);
    ck_assert_int_eq(STEP(env, 0xd8, 0xc1), EXCP_MF);
    ck_assert_int_eq(STEP(env, 0x9b), EXCP_MF);
    ck_assert_int_eq(STEP(env, 0xd9, 0x2f), EXCP_MF);
    ck_assert_int_eq(STEP(env, 0xd9, 0xd0), EXCP_MF); /* fnop waits */
    ck_assert_int_eq(STEP(env, 0xdf, 0xe0), -1);
    ck_assert_uint_eq(env->regs[R_EAX], 0x8000 | 5 << 11 | 0x81);
    /* Without CR0.NE: FERR#, and the interrupt comes before the instruction. */
    env->cr[0] &= ~CR0_NE;
    fpu_ferr = 0;
    ck_assert_int_eq(STEP(env, 0xd9, 0xd0), -1);
    ck_assert_int_eq(fpu_ferr, 1);
    env->eflags |= IF_MASK;
    ck_assert_int_eq(STEP(env, 0xd9, 0xd0), 255);
    ck_assert_int_eq(STEP(env, 0xdb, 0xe2), -1); /* fnclex */
    ck_assert_int_eq(fpu_ferr, 0);
    ck_assert_uint_eq(env->fpus & 0x80ff, 0);
    ck_assert_int_eq(STEP(env, 0xd9, 0xd0), -1);
    /* A masked exception becomes pending when FLDCW unmasks it. */
    env->cr[0] |= CR0_NE;
    env->fpuc = 0x37f;
    ck_assert_int_eq(STEP(env, 0xd8, 0xf1), -1);
    ck_assert_uint_eq(env->fpus & 0x80ff, FPUS_IE);
    ck_assert_int_eq(STEP(env, 0xd9, 0x2f), -1);
    ck_assert_uint_eq(env->fpus & 0x80ff, FPUS_B | FPUS_ES | FPUS_IE);
    ck_assert_int_eq(STEP(env, 0x9b), EXCP_MF);
    ck_assert_int_eq(STEP(env, 0xd9, 0x37), -1); /* fnstenv masks all */
    ck_assert_uint_eq(word_at(0x104), 0x8000 | 5 << 11 | 0x81);
    ck_assert_int_eq(STEP(env, 0x9b), -1);
    ck_assert_int_eq(STEP(env, 0xd9, 0x27), -1); /* fldenv brings it back */
    ck_assert_int_eq(STEP(env, 0x9b), EXCP_MF);
    ck_assert_int_eq(STEP(env, 0xdb, 0xe3), -1); /* fninit */
    ck_assert_int_eq(STEP(env, 0x9b), -1);
}
END_TEST

START_TEST(test_control_word)
{
    static const struct { uint16_t in, out; } words[] = {
        { 0, 0x0040 }, { 0xffff, 0x1f7f }, { 0x037f, 0x037f }, { 0x127f, 0x127f }, { 0xe080, 0x0040 }
    };
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        CPUX86State *env = filled_env();
        memcpy(fpu_memory() + 0x100, &words[i].in, 2);
        ck_assert_int_eq(STEP(env, 0xd9, 0x2f), -1);
        ck_assert_int_eq(STEP(env, 0xd9, 0x3f), -1);
        ck_assert_uint_eq(word_at(0x100), words[i].out);
    }
}
END_TEST

/* Not a test of anything but the figure. */
START_TEST(test_speed)
{
    static const struct {
        const char *name;
        struct floatx80 (*f)(struct floatx80, struct floatx80, struct fp_ctx *);
    } ops[] = { { "add", fx_add }, { "sub", fx_sub }, { "mul", fx_mul }, { "div", fx_div } };
    struct floatx80 v[64];
    fpu_seed(3);
    for (int i = 0; i < 64; i++)
        v[i] = (struct floatx80){ fpu_random() | FX_INT_BIT, (uint16_t)(0x3fff - 4 + i % 9) };
    const int n = 100000;
    for (unsigned k = 0; k < 4; k++) {
        struct fp_ctx s = { 0x37f, 0 };
        struct timespec t0, t1;
        uint64_t sum = 0;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
        for (int i = 0; i < n; i++)
            sum += ops[k].f(v[i & 63], v[(i * 7 + 1) & 63], &s).mant;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
        double ns = ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) / n;
        printf("%s %.1f ns%s", ops[k].name, ns, k == 3 ? "\n" : ", ");
        ck_assert(sum != 0);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fpu");
    TCase *tc = tcase_create("compare");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_random);
    tcase_add_test(tc, test_pairs);
    tcase_add_test(tc, test_vectors);
    tcase_add_test(tc, test_transcendental);
    tcase_add_test(tc, test_speed);
    suite_add_tcase(s, tc);
    tc = tcase_create("state");
    tcase_add_test(tc, test_pointers);
    tcase_add_test(tc, test_env_formats);
    tcase_add_test(tc, test_save_restore);
#ifdef __x86_64__
    tcase_add_test(tc, test_tags);
#endif
    tcase_add_test(tc, test_fxsave);
    tcase_add_test(tc, test_faults);
    tcase_add_test(tc, test_pending);
    tcase_add_test(tc, test_control_word);
    suite_add_tcase(s, tc);
    return s;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "--record") == 0)
        return record(argv[2]);
    SRunner *r = srunner_create(suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
