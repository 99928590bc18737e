/* Packs, unpacks, shuffles, and words or masks taken out of a register. */
#include "simd.h"

/* ---- packs: one quadword becomes a doubleword ---- */

static uint32_t saturate(int32_t v, int32_t low, int32_t high)
{
    return (uint32_t)(v < low ? low : v > high ? high : v);
}

static uint64_t packsswb(uint64_t x)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 4; i++)
        r |= (uint64_t)(saturate((int16_t)(x >> 16 * i), -128, 127) & 0xff) << 8 * i;
    return r;
}

static uint64_t packuswb(uint64_t x)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 4; i++)
        r |= (uint64_t)saturate((int16_t)(x >> 16 * i), 0, 255) << 8 * i;
    return r;
}

static uint64_t packssdw(uint64_t x)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 2; i++)
        r |= (uint64_t)(saturate((int32_t)(x >> 32 * i), -32768, 32767) & 0xffff) << 16 * i;
    return r;
}

#define PACK(NAME) \
    static void mmx_##NAME(CPUX86State *env, const struct insn *insn) \
    { \
        unsigned d = insn->op[0].reg; \
        mmx_check(env); \
        uint64_t s = simd_src64(env, insn, 1); \
        mmx_enter(env); \
        mmx_set(env, d, NAME(mmx_get(env, d)) | NAME(s) << 32); \
        next_insn(env, insn); \
    } \
    static void xmm_##NAME(CPUX86State *env, const struct insn *insn) \
    { \
        sse_check(env); \
        union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn); \
        d->q[0] = NAME(d->q[0]) | NAME(d->q[1]) << 32; \
        d->q[1] = NAME(s.q[0]) | NAME(s.q[1]) << 32; \
        next_insn(env, insn); \
    }
PACK(packsswb)
PACK(packuswb)
PACK(packssdw)

/* ---- unpacks: two doublewords interleaved ---- */

static uint64_t interleave_b(uint32_t a, uint32_t b)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 4; i++)
        r |= (uint64_t)((a >> 8 * i & 0xff) | (b >> 8 * i & 0xff) << 8) << 16 * i;
    return r;
}

static uint64_t interleave_w(uint32_t a, uint32_t b)
{
    return (a & 0xffff) | (b & 0xffff) << 16 | (uint64_t)(a >> 16) << 32 | (uint64_t)(b >> 16) << 48;
}

static uint64_t interleave_d(uint32_t a, uint32_t b)
{
    return a | (uint64_t)b << 32;
}

/* A low unpack to an MMX register reads only 4 bytes of memory. */
#define UNPACK(NAME, SUFFIX) \
    static void mmx_punpckl##NAME(CPUX86State *env, const struct insn *insn) \
    { \
        unsigned d = insn->op[0].reg; \
        mmx_check(env); \
        uint32_t s = simd_src32(env, insn, 1); \
        mmx_enter(env); \
        mmx_set(env, d, interleave_##SUFFIX((uint32_t)mmx_get(env, d), s)); \
        next_insn(env, insn); \
    } \
    static void mmx_punpckh##NAME(CPUX86State *env, const struct insn *insn) \
    { \
        unsigned d = insn->op[0].reg; \
        mmx_check(env); \
        uint64_t s = simd_src64(env, insn, 1); \
        mmx_enter(env); \
        mmx_set(env, d, interleave_##SUFFIX((uint32_t)(mmx_get(env, d) >> 32), (uint32_t)(s >> 32))); \
        next_insn(env, insn); \
    } \
    static void xmm_punpckl##NAME(CPUX86State *env, const struct insn *insn) \
    { \
        sse_check(env); \
        union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn); \
        d->q[1] = interleave_##SUFFIX(d->l[1], s.l[1]); \
        d->q[0] = interleave_##SUFFIX(d->l[0], s.l[0]); \
        next_insn(env, insn); \
    } \
    static void xmm_punpckh##NAME(CPUX86State *env, const struct insn *insn) \
    { \
        sse_check(env); \
        union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn); \
        d->q[0] = interleave_##SUFFIX(d->l[2], s.l[2]); \
        d->q[1] = interleave_##SUFFIX(d->l[3], s.l[3]); \
        next_insn(env, insn); \
    }
UNPACK(bw, b)
UNPACK(wd, w)
UNPACK(dq, d)

static void xmm_punpcklqdq(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint64_t low = xmm_src(env, insn, 1).q[0];
    xmm_dst(env, insn)->q[1] = low;
    next_insn(env, insn);
}

static void xmm_punpckhqdq(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn);
    d->q[0] = d->q[1];
    d->q[1] = s.q[1];
    next_insn(env, insn);
}

/* ---- shuffles: two bits of the immediate for each lane ---- */

static uint64_t shuffle_words(uint64_t x, unsigned order)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 4; i++)
        r |= (x >> 16 * (order >> 2 * i & 3) & 0xffff) << 16 * i;
    return r;
}

static void mmx_pshufw(CPUX86State *env, const struct insn *insn)
{
    mmx_check(env);
    uint64_t s = simd_src64(env, insn, 1);
    mmx_enter(env);
    mmx_set(env, insn->op[0].reg, shuffle_words(s, insn->imm));
    next_insn(env, insn);
}

static void xmm_pshufd(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn);
    for (unsigned i = 0; i < 4; i++)
        d->l[i] = s.l[insn->imm >> 2 * i & 3];
    next_insn(env, insn);
}

static void xmm_pshuflw(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn);
    d->q[0] = shuffle_words(s.q[0], insn->imm);
    d->q[1] = s.q[1];
    next_insn(env, insn);
}

static void xmm_pshufhw(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn);
    d->q[0] = s.q[0];
    d->q[1] = shuffle_words(s.q[1], insn->imm);
    next_insn(env, insn);
}

static void xmm_shufps(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn), r;
    for (unsigned i = 0; i < 4; i++)
        r.l[i] = (i < 2 ? d : &s)->l[insn->imm >> 2 * i & 3];
    *d = r;
    next_insn(env, insn);
}

static void xmm_shufpd(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn);
    d->q[0] = d->q[insn->imm & 1];
    d->q[1] = s.q[insn->imm >> 1 & 1];
    next_insn(env, insn);
}

static void xmm_movsldup(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn);
    d->l[0] = d->l[1] = s.l[0];
    d->l[2] = d->l[3] = s.l[2];
    next_insn(env, insn);
}

static void xmm_movshdup(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn);
    d->l[0] = d->l[1] = s.l[1];
    d->l[2] = d->l[3] = s.l[3];
    next_insn(env, insn);
}

static void xmm_movddup(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint64_t s = simd_src64(env, insn, 1);
    union xmm_reg *d = xmm_dst(env, insn);
    d->q[0] = d->q[1] = s;
    next_insn(env, insn);
}

/* ---- words in and out, masks of sign bits ---- */

static uint16_t word_operand(CPUX86State *env, const struct insn *insn)
{
    if (insn->op[1].kind == OPK_REG)
        return (uint16_t)env->regs[insn->op[1].reg];
    return (uint16_t)ld_lin(env, 1, simd_addr(env, insn, 2, false));
}

static void mmx_pinsrw(CPUX86State *env, const struct insn *insn)
{
    unsigned shift = 16 * (insn->imm & 3), d = insn->op[0].reg;
    mmx_check(env);
    uint64_t w = word_operand(env, insn);
    mmx_enter(env);
    mmx_set(env, d, (mmx_get(env, d) & ~(0xffffull << shift)) | w << shift);
    next_insn(env, insn);
}

static void xmm_pinsrw(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    xmm_dst(env, insn)->w[insn->imm & 7] = word_operand(env, insn);
    next_insn(env, insn);
}

static void mmx_pextrw(CPUX86State *env, const struct insn *insn)
{
    mmx_check(env);
    mmx_enter(env);
    env->regs[insn->op[0].reg] = mmx_get(env, insn->op[1].reg) >> 16 * (insn->imm & 3) & 0xffff;
    next_insn(env, insn);
}

static void xmm_pextrw(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    env->regs[insn->op[0].reg] = env->xmm[insn->op[1].reg].w[insn->imm & 7];
    next_insn(env, insn);
}

static uint32_t byte_signs(uint64_t x)
{
    uint32_t r = 0;
    for (unsigned i = 0; i < 8; i++)
        r |= (uint32_t)(x >> (8 * i + 7) & 1) << i;
    return r;
}

static void mmx_pmovmskb(CPUX86State *env, const struct insn *insn)
{
    mmx_check(env);
    mmx_enter(env);
    env->regs[insn->op[0].reg] = byte_signs(mmx_get(env, insn->op[1].reg));
    next_insn(env, insn);
}

static void xmm_pmovmskb(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    const union xmm_reg *s = &env->xmm[insn->op[1].reg];
    env->regs[insn->op[0].reg] = byte_signs(s->q[0]) | byte_signs(s->q[1]) << 8;
    next_insn(env, insn);
}

static void xmm_movmskps(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    const union xmm_reg *s = &env->xmm[insn->op[1].reg];
    uint32_t r = 0;
    for (unsigned i = 0; i < 4; i++)
        r |= s->l[i] >> 31 << i;
    env->regs[insn->op[0].reg] = r;
    next_insn(env, insn);
}

static void xmm_movmskpd(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    const union xmm_reg *s = &env->xmm[insn->op[1].reg];
    env->regs[insn->op[0].reg] = (uint32_t)(s->q[0] >> 63 | s->q[1] >> 63 << 1);
    next_insn(env, insn);
}

op_fn interp_select_simd_shuffle(const struct insn *insn)
{
#define PAIR(MN, NAME) [MN_##MN] = { mmx_##NAME, xmm_##NAME }
#define XMM(MN, NAME) [MN_##MN] = { NULL, xmm_##NAME }
    static const struct {
        op_fn mmx, xmm;
    } ops[MN_COUNT] = {
        PAIR(PACKSSWB, packsswb), PAIR(PACKUSWB, packuswb), PAIR(PACKSSDW, packssdw),
        PAIR(PUNPCKLBW, punpcklbw), PAIR(PUNPCKLWD, punpcklwd), PAIR(PUNPCKLDQ, punpckldq),
        PAIR(PUNPCKHBW, punpckhbw), PAIR(PUNPCKHWD, punpckhwd), PAIR(PUNPCKHDQ, punpckhdq),
        XMM(PUNPCKLQDQ, punpcklqdq), XMM(PUNPCKHQDQ, punpckhqdq),
        XMM(UNPCKLPS, punpckldq), XMM(UNPCKHPS, punpckhdq),
        XMM(UNPCKLPD, punpcklqdq), XMM(UNPCKHPD, punpckhqdq),
        [MN_PSHUFW] = { mmx_pshufw, NULL }, XMM(PSHUFD, pshufd), XMM(PSHUFLW, pshuflw),
        XMM(PSHUFHW, pshufhw), XMM(SHUFPS, shufps), XMM(SHUFPD, shufpd),
        XMM(MOVSLDUP, movsldup), XMM(MOVSHDUP, movshdup), XMM(MOVDDUP, movddup),
        PAIR(PINSRW, pinsrw), PAIR(PEXTRW, pextrw), PAIR(PMOVMSKB, pmovmskb),
        XMM(MOVMSKPS, movmskps), XMM(MOVMSKPD, movmskpd)
    };
    bool mmx = insn->op[0].kind == OPK_MMX || insn->op[1].kind == OPK_MMX;
    return mmx ? ops[insn->mnem].mmx : ops[insn->mnem].xmm;
}
