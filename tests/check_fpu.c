/* The computing instructions of the x87 against a real one, or on other hosts against what one gave
 * (tests/vectors/fpu.vec).
 *
 *   check_fpu                  run the tests
 *   check_fpu --record FILE    write the recorded cases (x86-64 only) */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exception.h"
#include "fpu-case.h"
#include "fpu-vec.h"
#include "softfp.h"
#include "suite.h"

#define RANDOM_PER_FORM 3000
#define RECORD_PER_FORM 22

/* ---- comparison ---- */

/* Two units in the last place apart at most: processors err by up to about 1.1 units, and directed
 * rounding by 1.  What ours may err is for check_fpu_transcend. */
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

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 3 && strcmp(argv[1], "--record") == 0)
        return record(argv[2]);
    Suite *s = suite_create("fpu");
    TCase *tc = tcase_create("compare");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_random);
    tcase_add_test(tc, test_pairs);
    tcase_add_test(tc, test_vectors);
    tcase_add_test(tc, test_speed);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
