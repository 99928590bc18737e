/* SSE, SSE2 and SSE3 floating point against the processor below, bit for bit: results, MXCSR,
 * EFLAGS, exceptions.  Where that is no x86 processor, a digest of what one gave stands in
 * (sse-digest.inc).
 *
 *   check_sse_float             run the tests
 *   check_sse_float --record    print the digests (x86-64 only) */
#include <check.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simd.h"
#include "sse-case.h"
#include "suite.h"

#define RANDOM_PER_FORM 40000
#define UNMASKED_PER_FORM 6000
#define DIGEST_RANDOM 1500
#define MODES 16

static const struct {
    const char *name;
    uint64_t digest;
} recorded[] = {
#include "sse-digest.inc"
};

/* RC, DAZ and FTZ, all masked. */
static uint32_t mode_mxcsr(unsigned mode)
{
    uint32_t rc = (mode & 3) << MXCSR_RC_SHIFT;
    return MXCSR_MASKS | rc | (mode & 4 ? MXCSR_DAZ : 0) | (mode & 8 ? MXCSR_FTZ : 0);
}

static bool is_horizontal(const struct sse_form *f)
{
    return f->name[0] == 'H';
}

static void print_state(const char *title, const struct sse_state *s)
{
    printf("  %-7s xmm0 %016" PRIx64 ":%016" PRIx64 " xmm1 %016" PRIx64 ":%016" PRIx64 " mem %016" PRIx64
           ":%016" PRIx64 "\n          mm0 %016" PRIx64 " mm1 %016" PRIx64
           " eax %08x ecx %08x mxcsr %04x eflags %03x mmx %u vector %d\n",
           title, s->xmm[0].q[1], s->xmm[0].q[0], s->xmm[1].q[1], s->xmm[1].q[0], s->mem.q[1], s->mem.q[0],
           s->mmx[0], s->mmx[1], s->eax, s->ecx, s->mxcsr, s->eflags, s->mmx_mode, s->vector);
}

static bool same(const struct sse_state *a, const struct sse_state *b)
{
    return a->vector == b->vector && !memcmp(a->xmm, b->xmm, sizeof a->xmm) && a->mxcsr == b->mxcsr
        && a->eax == b->eax && a->ecx == b->ecx && a->eflags == b->eflags && a->mmx_mode == b->mmx_mode
        && !memcmp(a->mmx, b->mmx, sizeof a->mmx) && !memcmp(&a->mem, &b->mem, sizeof a->mem);
}

static unsigned failures;
static uint64_t cases;

static void compare(const struct sse_form *f, bool memory, const struct sse_state *in)
{
    struct sse_state real, ours;
    sse_run_native(f, memory, in, &real);
    sse_run_ours(f, memory, in, &ours);
    cases++;
    if (same(&real, &ours) || ++failures > 10)
        return;
    printf("%s%s\n", f->name, memory ? " from memory" : "");
    print_state("in", in);
    print_state("real", &real);
    print_state("ours", &ours);
}

/* The source operand, wherever it is; the other places hold something else. */
static void set_source(const struct sse_form *f, bool memory, struct sse_state *in, const union xmm_reg *v)
{
    union xmm_reg other = { { 0x5555555555555555u, 0x6666666666666666u } };
    in->xmm[1] = in->mem = other;
    in->mmx[1] = other.q[0];
    in->ecx = other.l[0];
    if (memory)
        in->mem = *v;
    else if (f->src_place == AT_XMM)
        in->xmm[1] = *v;
    else if (f->src_place == AT_MMX)
        in->mmx[1] = v->q[0];
    else
        in->ecx = v->l[0];
}

static void init_state(struct sse_state *in)
{
    memset(in, 0, sizeof *in);
    in->xmm[0].q[0] = 0x0123456789abcdefu;
    in->xmm[0].q[1] = 0x3ff000003f800000u;
    in->mmx[0] = 0x8877665544332211u;
    in->eax = 0xdeadbeef;
    in->eflags = CC_O | CC_S | CC_A;
    in->vector = -1;
}

/* Special values i and j (i alone counts for one operand) and the ones after j in further lanes. */
static void special_case(const struct sse_form *f, unsigned i, unsigned j, struct sse_state *in, bool memory)
{
    unsigned n = sse_special_count(f->src_lanes);
    union xmm_reg a, b, lane;
    unsigned lanes = f->src_lanes == LANES_F64 ? 2 : 4;
    init_state(in);
    sse_special(f->src_lanes, i, &a);
    for (unsigned k = 0; k < lanes; k++) {
        sse_special(f->src_lanes, (j + k) % n, &lane);
        if (f->src_lanes == LANES_F64)
            b.q[k] = lane.q[0];
        else
            b.l[k] = lane.l[0];
    }
    if (is_horizontal(f)) {
        union xmm_reg x = a, y = b;
        if (f->src_lanes == LANES_F64) {
            a.q[1] = y.q[0];
            b.q[1] = x.q[0];
        } else {
            a.l[1] = y.l[0], a.l[3] = y.l[1];
            b.l[1] = x.l[0], b.l[3] = x.l[1];
            b.l[2] = y.l[1];
        }
    }
    if (f->operands == 2)
        in->xmm[0] = a;
    set_source(f, memory, in, &b);
}

static void random_case(const struct sse_form *f, struct sse_state *in, bool memory)
{
    union xmm_reg a, b;
    init_state(in);
    sse_random_pair(f->src_lanes, &a, &b);
    if (is_horizontal(f)) {
        /* Neighbours belong together. */
        union xmm_reg x = a, y = b;
        if (f->src_lanes == LANES_F64) {
            a.q[1] = y.q[0];
            b.q[0] = x.q[1];
        } else {
            a.l[1] = y.l[0], a.l[3] = y.l[2];
            b.l[0] = x.l[1], b.l[2] = x.l[3];
        }
    }
    if (f->operands == 2)
        in->xmm[0] = a;
    else if (sse_random() & 1)
        b = a;
    if (!(sse_random() & 15)) {
        unsigned n = sse_special_count(f->src_lanes);
        union xmm_reg v;
        sse_special(f->src_lanes, (unsigned)(sse_random() % n), &v);
        unsigned k = (unsigned)sse_random() & 1;
        b.q[k] = v.q[0];
    }
    set_source(f, memory, in, &b);
    in->eflags = (uint32_t)sse_random() & CC_ARITH;
}

static void all_specials(const struct sse_form *f)
{
    unsigned n = sse_special_count(f->src_lanes);
    for (unsigned i = 0; i < (f->operands == 2 ? n : 1); i++) {
        for (unsigned j = 0; j < n; j++) {
            for (unsigned mode = 0; mode < MODES; mode++) {
                struct sse_state in;
                bool memory = (i + j + mode) & 1;
                special_case(f, i, j, &in, memory);
                in.mxcsr = mode_mxcsr(mode);
                compare(f, memory, &in);
            }
        }
    }
}

static void report(const char *what)
{
    printf("%s: %" PRIu64 " cases\n", what, cases);
    ck_assert_msg(failures == 0, "%u cases differ from the processor", failures);
}

#define NEEDS_PROCESSOR(what) \
    do { \
        if (!sse_native()) { \
            printf("%s: skipped, no x86 processor below; its digests are compared instead\n", what); \
            return; \
        } \
    } while (0)

START_TEST(test_specials)
{
    NEEDS_PROCESSOR("special values");
    for (unsigned i = 0; i < sse_form_count; i++)
        all_specials(&sse_forms[i]);
    report("special values");
}
END_TEST

START_TEST(test_random)
{
    NEEDS_PROCESSOR("random operands");
    sse_seed(1);
    for (unsigned i = 0; i < sse_form_count; i++) {
        for (unsigned n = 0; n < RANDOM_PER_FORM; n++) {
            struct sse_state in;
            bool memory = n & 1;
            random_case(&sse_forms[i], &in, memory);
            in.mxcsr = mode_mxcsr((unsigned)sse_random() % MODES);
            if (!(n & 7))
                in.mxcsr |= (uint32_t)sse_random() & MXCSR_FLAGS;
            compare(&sse_forms[i], memory, &in);
        }
    }
    report("random operands");
}
END_TEST

START_TEST(test_unmasked)
{
    NEEDS_PROCESSOR("unmasked exceptions");
    sse_seed(2);
    for (unsigned i = 0; i < sse_form_count; i++) {
        const struct sse_form *f = &sse_forms[i];
        unsigned count = sse_special_count(f->src_lanes);
        for (unsigned n = 0; n < UNMASKED_PER_FORM; n++) {
            struct sse_state in;
            bool memory = n & 1;
            if (n & 2)
                random_case(f, &in, memory);
            else
                special_case(f, (unsigned)sse_random() % count, (unsigned)sse_random() % count, &in, memory);
            in.mxcsr = mode_mxcsr((unsigned)sse_random() % MODES);
            /* One exception unmasked, one masked, or any. */
            uint32_t one = 1u << sse_random() % 6 << MXCSR_MASK_SHIFT;
            if (n % 3 == 0)
                in.mxcsr &= ~one;
            else if (n % 3 == 1)
                in.mxcsr = (in.mxcsr & ~MXCSR_MASKS) | one;
            else
                in.mxcsr &= ~((uint32_t)sse_random() & MXCSR_MASKS);
            compare(f, memory, &in);
        }
    }
    report("unmasked exceptions");
}
END_TEST

/* ---- digests ---- */

static void digest_add(uint64_t *h, const void *data, unsigned len)
{
    const uint8_t *p = data;
    while (len--)
        *h = (*h ^ *p++) * 0x100000001b3u; /* FNV-1a */
}

typedef void run_fn(const struct sse_form *f, bool memory, const struct sse_state *in, struct sse_state *out);

static void digest_case(uint64_t *h, const struct sse_form *f, bool memory, const struct sse_state *in,
                        run_fn *run)
{
    struct sse_state out;
    run(f, memory, in, &out);
    uint32_t rest[5] = { out.eax, out.mxcsr, out.eflags, out.mmx_mode, (uint32_t)out.vector };
    digest_add(h, &out.xmm[0], 16);
    digest_add(h, out.mmx, 8);
    digest_add(h, rest, sizeof rest);
}

static uint64_t digest(const struct sse_form *f, run_fn *run)
{
    uint64_t h = 0xcbf29ce484222325u;
    unsigned n = sse_special_count(f->src_lanes), serial = 0;
    struct sse_state in;
    sse_seed(3);
    for (unsigned i = 0; i < (f->operands == 2 ? n : MODES); i++) {
        for (unsigned j = 0; j < n; j++, serial++) {
            special_case(f, i, j, &in, serial & 1);
            in.mxcsr = mode_mxcsr(f->operands == 2 ? (unsigned)sse_random() % MODES : i);
            digest_case(&h, f, serial & 1, &in, run);
        }
    }
    for (unsigned i = 0; i < DIGEST_RANDOM; i++) {
        random_case(f, &in, i & 1);
        in.mxcsr = mode_mxcsr((unsigned)sse_random() % MODES);
        if (i & 2)
            in.mxcsr &= ~((uint32_t)sse_random() & MXCSR_MASKS);
        digest_case(&h, f, i & 1, &in, run);
    }
    return h;
}

START_TEST(test_digests)
{
    unsigned count = sizeof recorded / sizeof *recorded;
    ck_assert_msg(count == sse_form_count, "%u digests of %u forms", count, sse_form_count);
    for (unsigned i = 0; i < sse_form_count; i++) {
        ck_assert_str_eq(recorded[i].name, sse_forms[i].name);
        uint64_t h = digest(&sse_forms[i], sse_run_ours);
        ck_assert_msg(h == recorded[i].digest, "%s: results are not the processor's", recorded[i].name);
    }
}
END_TEST

/* ---- approximations: any result within 1.5 * 2^-12 will do, and no flags come ---- */

static const struct sse_form approximations[] = {
    { "RCPPS", 0, 0x53, AT_XMM, AT_XMM, LANES_F32, 4, 1, -1 },
    { "RCPSS", 0xf3, 0x53, AT_XMM, AT_XMM, LANES_F32, 1, 1, -1 },
    { "RSQRTPS", 0, 0x52, AT_XMM, AT_XMM, LANES_F32, 4, 1, -1 },
    { "RSQRTSS", 0xf3, 0x52, AT_XMM, AT_XMM, LANES_F32, 1, 1, -1 },
};

static double to_double(uint32_t v)
{
    float f;
    memcpy(&f, &v, 4);
    return f;
}

static void check_approximation(bool root, uint32_t a, uint32_t r)
{
    uint32_t sign = a & 0x80000000u, mag = a & 0x7fffffffu;
    if (mag > 0x7f800000u) {
        ck_assert_uint_eq(r, a | 0x00400000u);
    } else if (mag < 0x00800000u) {
        ck_assert_uint_eq(r, sign | 0x7f800000u);
    } else if (root && sign) {
        ck_assert_uint_eq(r, 0xffc00000u);
    } else if (mag == 0x7f800000u) {
        ck_assert_uint_eq(r, sign);
    } else if (mag >= 0x7e800000u && !root && (r & 0x7fffffffu) < 0x00800000u) {
        ck_assert_uint_eq(r, sign); /* tiny ones are flushed; from 2^126 on they are tiny */
        ck_assert_uint_ge(mag, 0x7e7fd000u);
    } else {
        double x = to_double(r), error = 1.5 / 4096, low = 1 - error, high = 1 + error;
        double one = root ? x * x * to_double(a) : x * to_double(a);
        ck_assert_msg(root ? one >= low * low && one <= high * high : one >= low && one <= high,
                      "%s of %08x is %08x", root ? "rsqrt" : "rcp", a, r);
        ck_assert_uint_eq(r & 0x80000000u, sign);
    }
}

START_TEST(test_approximations)
{
    sse_seed(4);
    for (unsigned i = 0; i < sizeof approximations / sizeof *approximations; i++) {
        const struct sse_form *f = &approximations[i];
        for (unsigned n = 0; n < 20000; n++) {
            struct sse_state in, out;
            union xmm_reg b;
            bool memory = n & 1;
            init_state(&in);
            for (unsigned k = 0; k < 4; k++)
                b.l[k] = (uint32_t)sse_random();
            for (unsigned k = 0; k < 4 && n < sse_special32_count; k++)
                b.l[k] = sse_special32[(n + k) % sse_special32_count];
            set_source(f, memory, &in, &b);
            in.mxcsr = (uint32_t)sse_random() & 0xffff & ~MXCSR_FLAGS; /* makes no difference */
            sse_run_ours(f, memory, &in, &out);
            ck_assert_int_eq(out.vector, -1);
            ck_assert_uint_eq(out.mxcsr, in.mxcsr);
            for (unsigned k = 0; k < 4; k++) {
                if (k < f->lanes)
                    check_approximation(i >= 2, b.l[k], out.xmm[0].l[k]);
                else
                    ck_assert_uint_eq(out.xmm[0].l[k], in.xmm[0].l[k]);
            }
        }
    }
}
END_TEST

/* #UD stands in for #XM where the operating system did not ask for that (SDM 3, 2.5). */
START_TEST(test_osxmmexcpt)
{
    static CPUX86State env;
    for (volatile unsigned os = 0; os < 2; os++) {
        sigjmp_buf jmp;
        volatile bool came_back = false;
        env.jmp_env = &jmp;
        env.exception_index = env.old_exception = -1;
        env.cr[4] = CR4_OSFXSR | (os ? CR4_OSXMMEXCPT : 0);
        env.mxcsr = MXCSR_INIT & ~(MXCSR_ZE << MXCSR_MASK_SHIFT);
        if (!sigsetjmp(jmp, 0)) {
            sse_raise(&env, MXCSR_ZE | MXCSR_DE | MXCSR_PE);
            came_back = true;
        }
        ck_assert(!came_back);
        ck_assert_int_eq(env.exception_index, os ? EXCP_XM : EXCP_UD);
        ck_assert_uint_eq(env.mxcsr & MXCSR_FLAGS, MXCSR_ZE | MXCSR_DE);
    }
}
END_TEST

static int record(void)
{
    if (!sse_native())
        return EXIT_FAILURE;
    puts("/* Digests of check_sse_float's cases as an x86 processor gave them: check_sse_float --record. */");
    for (unsigned i = 0; i < sse_form_count; i++)
        printf("{ \"%s\", 0x%016" PRIx64 "u },\n", sse_forms[i].name, digest(&sse_forms[i], sse_run_native));
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--record"))
        return record();
    Suite *s = suite_create("sse_float");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_specials);
    tcase_add_test(tc, test_random);
    tcase_add_test(tc, test_unmasked);
    tcase_add_test(tc, test_digests);
    tcase_add_test(tc, test_approximations);
    tcase_add_test(tc, test_osxmmexcpt);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
