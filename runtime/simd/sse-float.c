/* SSE arithmetic and comparisons (SDM 1, 10.4, 11.4.1; SDM 2).  Conversions: sse-float-convert.c. */
#include "sse-float.h"

typedef uint32_t f32_fn(uint32_t a, uint32_t b, struct sse_fp *s);
typedef uint64_t f64_fn(uint64_t a, uint64_t b, struct sse_fp *s);

ALWAYS_INLINE void packed_single(CPUX86State *env, const struct insn *insn, f32_fn *fn)
{
    sse_check(env);
    union xmm_reg b = xmm_src(env, insn, 1), *d = xmm_dst(env, insn), r;
    struct sse_fp s = sse_fp_begin(env);
    for (unsigned i = 0; i < 4; i++)
        r.l[i] = fn(d->l[i], b.l[i], &s);
    sse_fp_end(env, &s);
    *d = r;
    next_insn(env, insn);
}

ALWAYS_INLINE void scalar_single(CPUX86State *env, const struct insn *insn, f32_fn *fn)
{
    sse_check(env);
    uint32_t b = simd_src32(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint32_t r = fn(xmm_dst(env, insn)->l[0], b, &s);
    sse_fp_end(env, &s);
    xmm_dst(env, insn)->l[0] = r;
    next_insn(env, insn);
}

ALWAYS_INLINE void packed_double(CPUX86State *env, const struct insn *insn, f64_fn *fn)
{
    sse_check(env);
    union xmm_reg b = xmm_src(env, insn, 1), *d = xmm_dst(env, insn), r;
    struct sse_fp s = sse_fp_begin(env);
    for (unsigned i = 0; i < 2; i++)
        r.q[i] = fn(d->q[i], b.q[i], &s);
    sse_fp_end(env, &s);
    *d = r;
    next_insn(env, insn);
}

ALWAYS_INLINE void scalar_double(CPUX86State *env, const struct insn *insn, f64_fn *fn)
{
    sse_check(env);
    uint64_t b = simd_src64(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    uint64_t r = fn(xmm_dst(env, insn)->q[0], b, &s);
    sse_fp_end(env, &s);
    xmm_dst(env, insn)->q[0] = r;
    next_insn(env, insn);
}

#define SINGLE_OPS(NAME, fn) \
    static void op_##NAME##PS(CPUX86State *env, const struct insn *insn) { packed_single(env, insn, fn); } \
    static void op_##NAME##SS(CPUX86State *env, const struct insn *insn) { scalar_single(env, insn, fn); }
#define DOUBLE_OPS(NAME, fn) \
    static void op_##NAME##PD(CPUX86State *env, const struct insn *insn) { packed_double(env, insn, fn); } \
    static void op_##NAME##SD(CPUX86State *env, const struct insn *insn) { scalar_double(env, insn, fn); }
#define ARITH_OPS(NAME, name) SINGLE_OPS(NAME, f32_##name) DOUBLE_OPS(NAME, f64_##name)

/* One operand: the destination's old value does not count. */
#define UNARY(name, type, call) \
    static type name(type a, type b, struct sse_fp *s) { (void)a; (void)s; return call; }
UNARY(sqrt_single, uint32_t, f32_sqrt(b, s))
UNARY(sqrt_double, uint64_t, f64_sqrt(b, s))
UNARY(rcp_single, uint32_t, f32_rcp(b))
UNARY(rsqrt_single, uint32_t, f32_rsqrt(b))

ARITH_OPS(ADD, add)
ARITH_OPS(SUB, sub)
ARITH_OPS(MUL, mul)
ARITH_OPS(DIV, div)
ARITH_OPS(MIN, min)
ARITH_OPS(MAX, max)
SINGLE_OPS(SQRT, sqrt_single)
DOUBLE_OPS(SQRT, sqrt_double)
SINGLE_OPS(RCP, rcp_single)
SINGLE_OPS(RSQRT, rsqrt_single)

/* ---- CMPPS and the like: imm8's low three bits choose the predicate ---- */

enum { CMP_LT = 1, CMP_LE = 2 }; /* signal for a QNaN too, and so do their negations */

ALWAYS_INLINE bool predicate_quiet(uint32_t imm)
{
    return (imm & 3) != CMP_LT && (imm & 3) != CMP_LE;
}

static bool predicate(uint32_t imm, enum sse_relation rel)
{
    static const uint8_t true_for[4] = {
        1 << SSE_EQUAL, 1 << SSE_LESS, 1 << SSE_LESS | 1 << SSE_EQUAL, 1 << SSE_UNORDERED
    };
    return (true_for[imm & 3] >> rel & 1) != (imm >> 2 & 1);
}

ALWAYS_INLINE uint32_t compare_single(uint32_t imm, uint32_t a, uint32_t b, struct sse_fp *s)
{
    return predicate(imm, f32_compare(a, b, predicate_quiet(imm), s)) ? UINT32_MAX : 0;
}

ALWAYS_INLINE uint64_t compare_double(uint32_t imm, uint64_t a, uint64_t b, struct sse_fp *s)
{
    return predicate(imm, f64_compare(a, b, predicate_quiet(imm), s)) ? UINT64_MAX : 0;
}

static void op_CMPPS(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg b = xmm_src(env, insn, 1), *d = xmm_dst(env, insn), r;
    struct sse_fp s = sse_fp_begin(env);
    for (unsigned i = 0; i < 4; i++)
        r.l[i] = compare_single(insn->imm, d->l[i], b.l[i], &s);
    sse_fp_end(env, &s);
    *d = r;
    next_insn(env, insn);
}

static void op_CMPSS(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint32_t b = simd_src32(env, insn, 1), *d = &xmm_dst(env, insn)->l[0];
    struct sse_fp s = sse_fp_begin(env);
    uint32_t r = compare_single(insn->imm, *d, b, &s);
    sse_fp_end(env, &s);
    *d = r;
    next_insn(env, insn);
}

static void op_CMPPD(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg b = xmm_src(env, insn, 1), *d = xmm_dst(env, insn), r;
    struct sse_fp s = sse_fp_begin(env);
    for (unsigned i = 0; i < 2; i++)
        r.q[i] = compare_double(insn->imm, d->q[i], b.q[i], &s);
    sse_fp_end(env, &s);
    *d = r;
    next_insn(env, insn);
}

static void op_CMPSD(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint64_t b = simd_src64(env, insn, 1), *d = &xmm_dst(env, insn)->q[0];
    struct sse_fp s = sse_fp_begin(env);
    uint64_t r = compare_double(insn->imm, *d, b, &s);
    sse_fp_end(env, &s);
    *d = r;
    next_insn(env, insn);
}

/* ---- COMISS and the like: EFLAGS as FCOMI sets them ---- */

static void set_relation(CPUX86State *env, enum sse_relation rel)
{
    static const uint8_t flags[] = {
        [SSE_LESS] = CC_C, [SSE_EQUAL] = CC_Z, [SSE_GREATER] = 0, [SSE_UNORDERED] = CC_C | CC_P | CC_Z
    };
    cpu_set_arith(env, flags[rel]);
}

ALWAYS_INLINE void comi_single(CPUX86State *env, const struct insn *insn, bool quiet)
{
    sse_check(env);
    uint32_t b = simd_src32(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    enum sse_relation rel = f32_compare(xmm_dst(env, insn)->l[0], b, quiet, &s);
    sse_fp_end(env, &s);
    set_relation(env, rel);
    next_insn(env, insn);
}

ALWAYS_INLINE void comi_double(CPUX86State *env, const struct insn *insn, bool quiet)
{
    sse_check(env);
    uint64_t b = simd_src64(env, insn, 1);
    struct sse_fp s = sse_fp_begin(env);
    enum sse_relation rel = f64_compare(xmm_dst(env, insn)->q[0], b, quiet, &s);
    sse_fp_end(env, &s);
    set_relation(env, rel);
    next_insn(env, insn);
}

static void op_COMISS(CPUX86State *env, const struct insn *insn) { comi_single(env, insn, false); }
static void op_COMISD(CPUX86State *env, const struct insn *insn) { comi_double(env, insn, false); }
static void op_UCOMISS(CPUX86State *env, const struct insn *insn) { comi_single(env, insn, true); }
static void op_UCOMISD(CPUX86State *env, const struct insn *insn) { comi_double(env, insn, true); }

/* ---- SSE3 ---- */

/* Neighbours: the destination's pairs give the lower half, the source's the upper one. */
ALWAYS_INLINE void horizontal_single(CPUX86State *env, const struct insn *insn, f32_fn *fn)
{
    sse_check(env);
    union xmm_reg b = xmm_src(env, insn, 1), *d = xmm_dst(env, insn), r;
    struct sse_fp s = sse_fp_begin(env);
    for (unsigned i = 0; i < 2; i++) {
        r.l[i] = fn(d->l[2 * i], d->l[2 * i + 1], &s);
        r.l[2 + i] = fn(b.l[2 * i], b.l[2 * i + 1], &s);
    }
    sse_fp_end(env, &s);
    *d = r;
    next_insn(env, insn);
}

ALWAYS_INLINE void horizontal_double(CPUX86State *env, const struct insn *insn, f64_fn *fn)
{
    sse_check(env);
    union xmm_reg b = xmm_src(env, insn, 1), *d = xmm_dst(env, insn), r;
    struct sse_fp s = sse_fp_begin(env);
    r.q[0] = fn(d->q[0], d->q[1], &s);
    r.q[1] = fn(b.q[0], b.q[1], &s);
    sse_fp_end(env, &s);
    *d = r;
    next_insn(env, insn);
}

static void op_HADDPS(CPUX86State *env, const struct insn *insn) { horizontal_single(env, insn, f32_add); }
static void op_HSUBPS(CPUX86State *env, const struct insn *insn) { horizontal_single(env, insn, f32_sub); }
static void op_HADDPD(CPUX86State *env, const struct insn *insn) { horizontal_double(env, insn, f64_add); }
static void op_HSUBPD(CPUX86State *env, const struct insn *insn) { horizontal_double(env, insn, f64_sub); }

static void op_ADDSUBPS(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg b = xmm_src(env, insn, 1), *d = xmm_dst(env, insn), r;
    struct sse_fp s = sse_fp_begin(env);
    for (unsigned i = 0; i < 4; i++)
        r.l[i] = (i & 1 ? f32_add : f32_sub)(d->l[i], b.l[i], &s);
    sse_fp_end(env, &s);
    *d = r;
    next_insn(env, insn);
}

static void op_ADDSUBPD(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg b = xmm_src(env, insn, 1), *d = xmm_dst(env, insn), r;
    struct sse_fp s = sse_fp_begin(env);
    r.q[0] = f64_sub(d->q[0], b.q[0], &s);
    r.q[1] = f64_add(d->q[1], b.q[1], &s);
    sse_fp_end(env, &s);
    *d = r;
    next_insn(env, insn);
}

#define ROW(NAME) [MN_##NAME] = op_##NAME
#define ROWS_SINGLE(NAME) ROW(NAME##PS), ROW(NAME##SS)
#define ROWS(NAME) ROWS_SINGLE(NAME), ROW(NAME##PD), ROW(NAME##SD)
static const op_fn ops[MN_COUNT] = {
    ROWS(ADD), ROWS(SUB), ROWS(MUL), ROWS(DIV), ROWS(MIN), ROWS(MAX), ROWS(SQRT), ROWS(CMP),
    ROWS_SINGLE(RCP), ROWS_SINGLE(RSQRT),
    ROW(COMISS), ROW(COMISD), ROW(UCOMISS), ROW(UCOMISD),
    ROW(HADDPS), ROW(HADDPD), ROW(HSUBPS), ROW(HSUBPD), ROW(ADDSUBPS), ROW(ADDSUBPD)
};

op_fn interp_select_sse_float(const struct insn *insn)
{
    return ops[insn->mnem] ? ops[insn->mnem] : interp_select_sse_convert(insn);
}
