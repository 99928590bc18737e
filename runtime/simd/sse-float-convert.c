/* SSE conversions between integers, single and double precision (SDM 1, 11.4.1.6; SDM 2).
 *
 * Forms on MMX registers make the x87 an MMX unit, as every MMX instruction does; CVTPI2PS and
 * CVTPI2PD from memory have nothing to do with it. */
#include "sse-float.h"

/* ---- integers to floating point ---- */

static void op_CVTSI2SS(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    int32_t v = (int32_t)simd_src32(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint32_t r = f32_from_i32(v, &s);
    sse_fp_end(env, &s);
    xmm_dst(env, insn)->l[0] = r;
    next_insn(env, insn);
}

static void op_CVTSI2SD(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    xmm_dst(env, insn)->q[0] = f64_from_i32((int32_t)simd_src32(env, insn, 1));
    next_insn(env, insn);
}

static void op_CVTDQ2PS(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg v = xmm_src(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    for (unsigned i = 0; i < 4; i++)
        v.l[i] = f32_from_i32((int32_t)v.l[i], &s);
    sse_fp_end(env, &s);
    *xmm_dst(env, insn) = v;
    next_insn(env, insn);
}

/* Two doubles of the source's lower half. */
ALWAYS_INLINE void doubles_from_ints(CPUX86State *env, const struct insn *insn, uint64_t v)
{
    union xmm_reg *d = xmm_dst(env, insn);
    d->q[0] = f64_from_i32((int32_t)(uint32_t)v);
    d->q[1] = f64_from_i32((int32_t)(v >> 32));
}

static void op_CVTDQ2PD(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    doubles_from_ints(env, insn, simd_src64(env, insn, 1));
    next_insn(env, insn);
}

static void op_CVTPI2PD(CPUX86State *env, const struct insn *insn)
{
    bool mmx = insn->op[1].kind == OPK_MMX;
    sse_check(env);
    if (mmx)
        mmx_check(env);
    doubles_from_ints(env, insn, simd_src64(env, insn, 1));
    if (mmx)
        mmx_enter(env);
    next_insn(env, insn);
}

static void op_CVTPI2PS(CPUX86State *env, const struct insn *insn)
{
    bool mmx = insn->op[1].kind == OPK_MMX;
    sse_check(env);
    if (mmx)
        mmx_check(env);
    uint64_t v = simd_src64(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint32_t low = f32_from_i32((int32_t)(uint32_t)v, &s);
    uint32_t high = f32_from_i32((int32_t)(v >> 32), &s);
    if (mmx)
        mmx_enter(env);
    sse_fp_end(env, &s);
    xmm_dst(env, insn)->q[0] = (uint64_t)high << 32 | low;
    next_insn(env, insn);
}

/* ---- floating point to integers ---- */

ALWAYS_INLINE void int_from_single(CPUX86State *env, const struct insn *insn, bool truncate)
{
    sse_check(env);
    uint32_t v = simd_src32(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint32_t r = i32_from_f32(v, truncate, &s);
    sse_fp_end(env, &s);
    env->regs[insn->op[0].reg] = r;
    next_insn(env, insn);
}

ALWAYS_INLINE void int_from_double(CPUX86State *env, const struct insn *insn, bool truncate)
{
    sse_check(env);
    uint64_t v = simd_src64(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint32_t r = i32_from_f64(v, truncate, &s);
    sse_fp_end(env, &s);
    env->regs[insn->op[0].reg] = r;
    next_insn(env, insn);
}

ALWAYS_INLINE void ints_from_singles(CPUX86State *env, const struct insn *insn, bool truncate)
{
    sse_check(env);
    union xmm_reg v = xmm_src(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    for (unsigned i = 0; i < 4; i++)
        v.l[i] = i32_from_f32(v.l[i], truncate, &s);
    sse_fp_end(env, &s);
    *xmm_dst(env, insn) = v;
    next_insn(env, insn);
}

ALWAYS_INLINE uint64_t two_ints(const union xmm_reg *v, bool truncate, struct sse_fp *s)
{
    uint32_t low = i32_from_f64(v->q[0], truncate, s), high = i32_from_f64(v->q[1], truncate, s);
    return (uint64_t)high << 32 | low;
}

/* To the lower half of an XMM register; the upper one becomes 0. */
ALWAYS_INLINE void ints_from_doubles(CPUX86State *env, const struct insn *insn, bool truncate)
{
    sse_check(env);
    union xmm_reg v = xmm_src(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    v.q[0] = two_ints(&v, truncate, &s);
    v.q[1] = 0;
    sse_fp_end(env, &s);
    *xmm_dst(env, insn) = v;
    next_insn(env, insn);
}

ALWAYS_INLINE void mmx_from_singles(CPUX86State *env, const struct insn *insn, bool truncate)
{
    sse_check(env);
    mmx_check(env);
    uint64_t v = simd_src64(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint32_t low = i32_from_f32((uint32_t)v, truncate, &s);
    uint32_t high = i32_from_f32((uint32_t)(v >> 32), truncate, &s);
    mmx_enter(env);
    sse_fp_end(env, &s);
    mmx_set(env, insn->op[0].reg, (uint64_t)high << 32 | low);
    next_insn(env, insn);
}

ALWAYS_INLINE void mmx_from_doubles(CPUX86State *env, const struct insn *insn, bool truncate)
{
    sse_check(env);
    mmx_check(env);
    union xmm_reg v = xmm_src(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint64_t r = two_ints(&v, truncate, &s);
    mmx_enter(env);
    sse_fp_end(env, &s);
    mmx_set(env, insn->op[0].reg, r);
    next_insn(env, insn);
}

/* Rounded by MXCSR, and truncated. */
#define INT_OPS(NAME, TNAME, fn) \
    static void op_##NAME(CPUX86State *env, const struct insn *insn) { fn(env, insn, false); } \
    static void op_##TNAME(CPUX86State *env, const struct insn *insn) { fn(env, insn, true); }
INT_OPS(CVTSS2SI, CVTTSS2SI, int_from_single)
INT_OPS(CVTSD2SI, CVTTSD2SI, int_from_double)
INT_OPS(CVTPS2DQ, CVTTPS2DQ, ints_from_singles)
INT_OPS(CVTPD2DQ, CVTTPD2DQ, ints_from_doubles)
INT_OPS(CVTPS2PI, CVTTPS2PI, mmx_from_singles)
INT_OPS(CVTPD2PI, CVTTPD2PI, mmx_from_doubles)

/* ---- single and double precision ---- */

static void op_CVTSS2SD(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint32_t v = simd_src32(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint64_t r = f64_from_f32(v, &s);
    sse_fp_end(env, &s);
    xmm_dst(env, insn)->q[0] = r;
    next_insn(env, insn);
}

static void op_CVTSD2SS(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint64_t v = simd_src64(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint32_t r = f32_from_f64(v, &s);
    sse_fp_end(env, &s);
    xmm_dst(env, insn)->l[0] = r;
    next_insn(env, insn);
}

static void op_CVTPS2PD(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint64_t v = simd_src64(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    union xmm_reg r;
    r.q[0] = f64_from_f32((uint32_t)v, &s);
    r.q[1] = f64_from_f32((uint32_t)(v >> 32), &s);
    sse_fp_end(env, &s);
    *xmm_dst(env, insn) = r;
    next_insn(env, insn);
}

static void op_CVTPD2PS(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg v = xmm_src(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint32_t low = f32_from_f64(v.q[0], &s), high = f32_from_f64(v.q[1], &s);
    sse_fp_end(env, &s);
    v.q[0] = (uint64_t)high << 32 | low;
    v.q[1] = 0;
    *xmm_dst(env, insn) = v;
    next_insn(env, insn);
}

#define ROW(NAME) [MN_##NAME] = op_##NAME
static const op_fn ops[MN_COUNT] = {
    ROW(CVTSI2SS), ROW(CVTSI2SD), ROW(CVTDQ2PS), ROW(CVTDQ2PD), ROW(CVTPI2PS), ROW(CVTPI2PD),
    ROW(CVTSS2SI), ROW(CVTTSS2SI), ROW(CVTSD2SI), ROW(CVTTSD2SI), ROW(CVTPS2DQ), ROW(CVTTPS2DQ),
    ROW(CVTPD2DQ), ROW(CVTTPD2DQ), ROW(CVTPS2PI), ROW(CVTTPS2PI), ROW(CVTPD2PI), ROW(CVTTPD2PI),
    ROW(CVTSS2SD), ROW(CVTSD2SS), ROW(CVTPS2PD), ROW(CVTPD2PS)
};

op_fn interp_select_sse_convert(const struct insn *insn)
{
    return ops[insn->mnem];
}
