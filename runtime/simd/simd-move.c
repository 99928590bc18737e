/* MMX and XMM moves: registers, memory, general registers, and stores under a mask. */
#include "simd.h"

/* ---- 16 bytes ---- */

/* To a register. */
static void load_aligned(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg s = xmm_src(env, insn, 1);
    *xmm_dst(env, insn) = s;
    next_insn(env, insn);
}

static void load_unaligned(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg s = ld128_lin(env, simd_addr_unaligned(env, insn, false));
    *xmm_dst(env, insn) = s;
    next_insn(env, insn);
}

/* From a register. */
static void store_aligned(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    st128_lin(env, simd_addr_aligned(env, insn, true), &env->xmm[insn->op[1].reg]);
    next_insn(env, insn);
}

static void store_unaligned(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    st128_lin(env, simd_addr_unaligned(env, insn, true), &env->xmm[insn->op[1].reg]);
    next_insn(env, insn);
}

static op_fn select_aligned(const struct insn *insn)
{
    return insn->op[0].kind == OPK_MEM ? store_aligned : load_aligned;
}

static op_fn select_unaligned(const struct insn *insn)
{
    if (insn->op[0].kind == OPK_MEM)
        return store_unaligned;
    return insn->op[1].kind == OPK_MEM ? load_unaligned : load_aligned;
}

/* ---- scalars: a load clears the rest of the register, a move between registers keeps it ---- */

static void movss_load(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint32_t v = simd_src32(env, insn, 1);
    *xmm_dst(env, insn) = (union xmm_reg) { { v, 0 } };
    next_insn(env, insn);
}

static void movss_reg(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    xmm_dst(env, insn)->l[0] = env->xmm[insn->op[1].reg].l[0];
    next_insn(env, insn);
}

static void movss_store(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    st_lin(env, 2, simd_addr(env, insn, 4, true), env->xmm[insn->op[1].reg].l[0]);
    next_insn(env, insn);
}

/* MOVSD, and MOVQ, which clears the rest from a register too. */
static void load_low_clear(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint64_t v = simd_src64(env, insn, 1);
    *xmm_dst(env, insn) = (union xmm_reg) { { v, 0 } };
    next_insn(env, insn);
}

/* MOVSD between registers, MOVLPS and MOVLPD from memory. */
static void load_low(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint64_t v = simd_src64(env, insn, 1);
    xmm_dst(env, insn)->q[0] = v;
    next_insn(env, insn);
}

static void store_low(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    st64_lin(env, simd_addr(env, insn, 8, true), env->xmm[insn->op[1].reg].q[0]);
    next_insn(env, insn);
}

/* MOVHPS and MOVHPD from memory, MOVLHPS. */
static void load_high(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint64_t v = simd_src64(env, insn, 1);
    xmm_dst(env, insn)->q[1] = v;
    next_insn(env, insn);
}

static void store_high(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    st64_lin(env, simd_addr(env, insn, 8, true), env->xmm[insn->op[1].reg].q[1]);
    next_insn(env, insn);
}

static void movhlps(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    xmm_dst(env, insn)->q[0] = env->xmm[insn->op[1].reg].q[1];
    next_insn(env, insn);
}

static op_fn select_movss(const struct insn *insn)
{
    if (insn->op[0].kind == OPK_MEM)
        return movss_store;
    return insn->op[1].kind == OPK_MEM ? movss_load : movss_reg;
}

static op_fn select_movsd(const struct insn *insn)
{
    if (insn->op[0].kind == OPK_MEM)
        return store_low;
    return insn->op[1].kind == OPK_MEM ? load_low_clear : load_low;
}

static op_fn select_movlp(const struct insn *insn)
{
    return insn->op[0].kind == OPK_MEM ? store_low : load_low;
}

static op_fn select_movhp(const struct insn *insn)
{
    return insn->op[0].kind == OPK_MEM ? store_high : load_high;
}

/* ---- MOVD, MOVQ ---- */

static void mmx_movd_load(CPUX86State *env, const struct insn *insn)
{
    mmx_check(env);
    uint32_t v = simd_src32(env, insn, 1);
    mmx_enter(env);
    mmx_set(env, insn->op[0].reg, v);
    next_insn(env, insn);
}

static void mmx_movd_store(CPUX86State *env, const struct insn *insn)
{
    mmx_check(env);
    st_op(env, 2, insn, 0, (uint32_t)mmx_get(env, insn->op[1].reg));
    mmx_enter(env);
    next_insn(env, insn);
}

static void xmm_movd_store(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    st_op(env, 2, insn, 0, env->xmm[insn->op[1].reg].l[0]);
    next_insn(env, insn);
}

static op_fn select_movd(const struct insn *insn)
{
    if (insn->op[0].kind == OPK_MMX)
        return mmx_movd_load;
    if (insn->op[0].kind == OPK_XMM)
        return movss_load; /* the rest is cleared from a general register too */
    return insn->op[1].kind == OPK_MMX ? mmx_movd_store : xmm_movd_store;
}

static void mmx_movq_load(CPUX86State *env, const struct insn *insn)
{
    mmx_check(env);
    uint64_t v = simd_src64(env, insn, 1);
    mmx_enter(env);
    mmx_set(env, insn->op[0].reg, v);
    next_insn(env, insn);
}

/* MOVQ and MOVNTQ to memory. */
static void mmx_movq_store(CPUX86State *env, const struct insn *insn)
{
    mmx_check(env);
    st64_lin(env, simd_addr(env, insn, 8, true), mmx_get(env, insn->op[1].reg));
    mmx_enter(env);
    next_insn(env, insn);
}

static op_fn select_movq(const struct insn *insn)
{
    if (insn->op[0].kind == OPK_MMX)
        return mmx_movq_load; /* 0F 7F between registers has its operands the same way round */
    if (insn->op[0].kind == OPK_XMM)
        return load_low_clear;
    return insn->op[1].kind == OPK_MMX ? mmx_movq_store : store_low;
}

/* MOVQ2DQ and MOVDQ2Q make both kinds of checks (SDM 2). */
static void movq2dq(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    mmx_check(env);
    mmx_enter(env);
    *xmm_dst(env, insn) = (union xmm_reg) { { mmx_get(env, insn->op[1].reg), 0 } };
    next_insn(env, insn);
}

static void movdq2q(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    mmx_check(env);
    mmx_enter(env);
    mmx_set(env, insn->op[0].reg, env->xmm[insn->op[1].reg].q[0]);
    next_insn(env, insn);
}

/* A general register to memory: no SSE state, no SSE checks. */
static void movnti(CPUX86State *env, const struct insn *insn)
{
    st_lin(env, 2, simd_addr(env, insn, 4, true), env->regs[insn->op[1].reg]);
    next_insn(env, insn);
}

/* ---- MASKMOVQ, MASKMOVDQU: bytes whose mask byte is negative, at DS:[(E)DI] ---- */

/* The whole operand has to be accessible, whatever the mask, an empty one too: the SDM leaves it
 * open, and CPUs do it so. */
static void store_masked(CPUX86State *env, const struct insn *insn, const uint8_t *bytes, const uint8_t *mask,
                         unsigned size)
{
    uint32_t offset = env->regs[R_EDI];
    if (insn->addrsize == 2)
        offset &= 0xffff;
    uint32_t lin = seg_addr(env, insn->seg, offset, size, true);
    mmu_probe(env, lin, size, MMU_DATA_STORE, cpu_mmu_index(env), 0);
    for (unsigned i = 0; i < size; i++)
        if (mask[i] & 0x80)
            st_lin(env, 0, lin + i, bytes[i]);
}

static void maskmovq(CPUX86State *env, const struct insn *insn)
{
    union xmm_reg v, m;
    mmx_check(env);
    v.q[0] = mmx_get(env, insn->op[0].reg);
    m.q[0] = mmx_get(env, insn->op[1].reg);
    store_masked(env, insn, v.b, m.b, 8);
    mmx_enter(env);
    next_insn(env, insn);
}

static void maskmovdqu(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    store_masked(env, insn, env->xmm[insn->op[0].reg].b, env->xmm[insn->op[1].reg].b, 16);
    next_insn(env, insn);
}

op_fn interp_select_simd_move(const struct insn *insn)
{
    switch (insn->mnem) {
    case MN_MOVAPS:
    case MN_MOVAPD:
    case MN_MOVDQA:
    case MN_MOVNTPS:
    case MN_MOVNTPD:
    case MN_MOVNTDQ: return select_aligned(insn);
    case MN_MOVUPS:
    case MN_MOVUPD:
    case MN_MOVDQU:
    case MN_LDDQU: return select_unaligned(insn);
    case MN_MOVSS: return select_movss(insn);
    case MN_MOVSD: return select_movsd(insn);
    case MN_MOVLPS:
    case MN_MOVLPD: return select_movlp(insn);
    case MN_MOVHPS:
    case MN_MOVHPD: return select_movhp(insn);
    case MN_MOVHLPS: return movhlps;
    case MN_MOVLHPS: return load_high;
    case MN_MOVD: return select_movd(insn);
    case MN_MOVQ: return select_movq(insn);
    case MN_MOVNTQ: return mmx_movq_store;
    case MN_MOVQ2DQ: return movq2dq;
    case MN_MOVDQ2Q: return movdq2q;
    case MN_MOVNTI: return movnti;
    case MN_MASKMOVQ: return maskmovq;
    case MN_MASKMOVDQU: return maskmovdqu;
    default: return NULL;
    }
}
