/* What the templates of SSE arithmetic build on: with NaNs, denormal operands and invalid operations
 * left out, the host's FPU gives the same results as the interpreter, and its sticky flags are
 * MXCSR's.  For mips64 hosts. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mxcsr.h"
#include "simd.h"
#include "sse-case.h"
#include "sse-fp.h"
#include "suite.h"

#define HOST_OP(name, type, insn) \
    static type name(type a, type b) \
    { \
        type r; \
        (void)b; \
        __asm__ volatile(insn : "=f"(r) : "f"(a), "f"(b)); \
        return r; \
    }
HOST_OP(host_add_s, float, "add.s %0, %1, %2")
HOST_OP(host_sub_s, float, "sub.s %0, %1, %2")
HOST_OP(host_mul_s, float, "mul.s %0, %1, %2")
HOST_OP(host_div_s, float, "div.s %0, %1, %2")
HOST_OP(host_sqrt_s, float, "sqrt.s %0, %1")
HOST_OP(host_add_d, double, "add.d %0, %1, %2")
HOST_OP(host_sub_d, double, "sub.d %0, %1, %2")
HOST_OP(host_mul_d, double, "mul.d %0, %1, %2")
HOST_OP(host_div_d, double, "div.d %0, %1, %2")
HOST_OP(host_sqrt_d, double, "sqrt.d %0, %1")

/* Conversions take and give bit patterns. */
#define HOST_CVT(name, from_type, from_bits, to_type, to_bits, insn) \
    static to_bits name(from_bits a) \
    { \
        from_type x; \
        to_type y; \
        to_bits r; \
        memcpy(&x, &a, sizeof x); \
        __asm__ volatile(insn : "=f"(y) : "f"(x)); \
        memcpy(&r, &y, sizeof r); \
        return r; \
    }
HOST_CVT(host_cvt_s_d, double, uint64_t, float, uint32_t, "cvt.s.d %0, %1")
HOST_CVT(host_cvt_d_s, float, uint32_t, double, uint64_t, "cvt.d.s %0, %1")
HOST_CVT(host_cvt_s_w, float, uint32_t, float, uint32_t, "cvt.s.w %0, %1")
HOST_CVT(host_cvt_d_w, float, uint32_t, double, uint64_t, "cvt.d.w %0, %1")
HOST_CVT(host_cvt_w_s, float, uint32_t, float, uint32_t, "cvt.w.s %0, %1")
HOST_CVT(host_cvt_w_d, double, uint64_t, float, uint32_t, "cvt.w.d %0, %1")
HOST_CVT(host_trunc_w_s, float, uint32_t, float, uint32_t, "trunc.w.s %0, %1")
HOST_CVT(host_trunc_w_d, double, uint64_t, float, uint32_t, "trunc.w.d %0, %1")

static uint32_t sqrt_of_single(uint32_t a, uint32_t b, struct sse_fp *s)
{
    (void)b;
    return f32_sqrt(a, s);
}

static uint64_t sqrt_of_double(uint64_t a, uint64_t b, struct sse_fp *s)
{
    (void)b;
    return f64_sqrt(a, s);
}

static const struct {
    const char *name;
    float (*host)(float a, float b);
    uint32_t (*ours)(uint32_t a, uint32_t b, struct sse_fp *s);
} host_single[] = {
    { "add.s", host_add_s, f32_add }, { "sub.s", host_sub_s, f32_sub }, { "mul.s", host_mul_s, f32_mul },
    { "div.s", host_div_s, f32_div }, { "sqrt.s", host_sqrt_s, sqrt_of_single }
};
static const struct {
    const char *name;
    double (*host)(double a, double b);
    uint64_t (*ours)(uint64_t a, uint64_t b, struct sse_fp *s);
} host_double[] = {
    { "add.d", host_add_d, f64_add }, { "sub.d", host_sub_d, f64_sub }, { "mul.d", host_mul_d, f64_mul },
    { "div.d", host_div_d, f64_div }, { "sqrt.d", host_sqrt_d, sqrt_of_double }
};

static uint32_t mxcsr_of_fcsr(void)
{
    CPUX86State *env = calloc(1, sizeof *env);
    env->tbs = (struct tb_context *)env; /* not NULL: there are templates */
    sse_collect_flags(env);
    ck_assert_uint_eq(host_fcsr() & FCSR_FLAGS, 0);
    uint32_t flags = env->mxcsr;
    free(env);
    return flags;
}

/* As the templates do: NaNs, denormal operands and invalid operations are not the host's business. */
static void host_case(const char *name, uint64_t a, uint64_t b, uint64_t host, uint64_t ours, uint32_t flags)
{
    uint32_t got = mxcsr_of_fcsr();
    if (flags & (MXCSR_IE | MXCSR_DE))
        return;
    ck_assert_msg(host == ours && got == flags,
                  "%s %016" PRIx64 " %016" PRIx64 ": host %016" PRIx64 " flags %02x, ours %016" PRIx64
                  " flags %02x", name, a, b, host, got, ours, flags);
}

#define CHECK_CVT(host, a, ours_call) \
    do { \
        struct sse_fp s = { MXCSR_INIT, 0 }; \
        uint64_t ours = ours_call; \
        sse_host_init(); \
        host_case(#host, a, 0, host(a), ours, s.flags); \
    } while (0)

static void host_pair32(uint32_t a, uint32_t b)
{
    float x, y, z;
    memcpy(&x, &a, 4);
    memcpy(&y, &b, 4);
    if ((a & 0x7fffffffu) > 0x7f800000u || (b & 0x7fffffffu) > 0x7f800000u)
        return;
    for (unsigned i = 0; i < sizeof host_single / sizeof *host_single; i++) {
        struct sse_fp s = { MXCSR_INIT, 0 };
        uint32_t ours = host_single[i].ours(a, b, &s), host;
        sse_host_init();
        z = host_single[i].host(x, y);
        memcpy(&host, &z, 4);
        host_case(host_single[i].name, a, b, host, ours, s.flags);
    }
    CHECK_CVT(host_cvt_d_s, a, f64_from_f32(a, &s));
    CHECK_CVT(host_cvt_w_s, a, i32_from_f32(a, false, &s));
    CHECK_CVT(host_trunc_w_s, a, i32_from_f32(a, true, &s));
    CHECK_CVT(host_cvt_s_w, a, f32_from_i32((int32_t)a, &s));
    CHECK_CVT(host_cvt_d_w, a, f64_from_i32((int32_t)a));
}

static void host_pair64(uint64_t a, uint64_t b)
{
    double x, y, z;
    memcpy(&x, &a, 8);
    memcpy(&y, &b, 8);
    if ((a & INT64_MAX) > 0x7ff0000000000000u || (b & INT64_MAX) > 0x7ff0000000000000u)
        return;
    for (unsigned i = 0; i < sizeof host_double / sizeof *host_double; i++) {
        struct sse_fp s = { MXCSR_INIT, 0 };
        uint64_t ours = host_double[i].ours(a, b, &s), host;
        sse_host_init();
        z = host_double[i].host(x, y);
        memcpy(&host, &z, 8);
        host_case(host_double[i].name, a, b, host, ours, s.flags);
    }
    CHECK_CVT(host_cvt_s_d, a, f32_from_f64(a, &s));
    CHECK_CVT(host_cvt_w_d, a, i32_from_f64(a, false, &s));
    CHECK_CVT(host_trunc_w_d, a, i32_from_f64(a, true, &s));
}

START_TEST(test_host_fpu)
{
    for (unsigned i = 0; i < sse_special32_count; i++)
        for (unsigned j = 0; j < sse_special32_count; j++)
            host_pair32(sse_special32[i], sse_special32[j]);
    for (unsigned i = 0; i < sse_special64_count; i++)
        for (unsigned j = 0; j < sse_special64_count; j++)
            host_pair64(sse_special64[i], sse_special64[j]);
    sse_seed(5);
    for (unsigned n = 0; n < 40000; n++) {
        union xmm_reg a, b;
        sse_random_pair(LANES_F32, &a, &b);
        host_pair32(a.l[0], b.l[0]);
        sse_random_pair(LANES_F64, &a, &b);
        host_pair64(a.q[0], b.q[0]);
    }
}
END_TEST

START_TEST(test_guard)
{
    sse_host_init();
    host_add_d(1.0, 1e-30);
    uint32_t before = host_fcsr();
    ck_assert_uint_eq(before & FCSR_FLAGS, FCSR_FLAG_I);
    host_set_fcsr(before & ~FCSR_FLAGS);
    before = host_fcsr();
    {
        HOST_FCSR_GUARD;
        host_div_d(1.0, 3.0);
        ck_assert_uint_ne(host_fcsr(), before);
    }
    ck_assert_uint_eq(host_fcsr(), before);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("host_fpu");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_host_fpu);
    tcase_add_test(tc, test_guard);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
