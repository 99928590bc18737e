/* MMX and SSE: instructions that are one stanza on 64- or 128-bit operands.
 *
 * Guest registers stay in the vCPU state.  A stanza works on FP, MSA or general registers that the
 * translator loads and stores, or on the operands where they are (templates/tmpl.h, enum tmpl_class).  Nothing
 * is stored before all is computed and checked, so whatever is rare can go to the interpreter,
 * which does the instruction from scratch.
 *
 * SSE floating point runs on the host's FPU, under the standard MXCSR only.  The host's sticky flags gather
 * inexact, underflow, overflow and division by zero.  What the host does otherwise than x86 goes to the
 * interpreter: NaNs (its encoding of them, and the invalid flag with them) and denormal operands (it has
 * no flag for them).  A zero looks like a denormal to the inline check; code behind the block tells
 * them apart. */
#include "gen.h"

#include "optimise.h"
#include "tmpl-gen.h"

/* What else a block knows: XMM registers whose low element was found to be no denormal. */
enum { ELEM_32 = 1, ELEM_64 = 2 };

struct simd_plan {
    const struct insn *in;
    const struct tmpl *t;
    struct tmpl_operand to[4];
    unsigned width; /* 3 MMX, 4 XMM */
    int mem;        /* operand that is memory, or -1 */
    int mem_reg;    /* its host address */
    unsigned steps; /* how often the stanza runs */
    struct tmpl_args args;
};

static bool wants_aligned(const struct insn *in, unsigned i)
{
    return in->op[i].size == 16 && in->mnem != MN_MOVUPS && in->mnem != MN_MOVUPD && in->mnem != MN_MOVDQU
        && in->mnem != MN_LDDQU;
}

/* The stanza for these operands.  A dword in memory may be what stands for a general register. */
static bool choose(const struct gen *g, const struct insn *in, struct simd_plan *pl)
{
    bool any_xmm = false, any_mmx = false;
    pl->in = in;
    pl->mem = -1;
    for (unsigned i = 0; i < in->nops; i++) {
        const struct operand *o = &in->op[i];
        switch (o->kind) {
        case OPK_XMM:
            any_xmm = true;
            pl->to[i] = (struct tmpl_operand){.kind = TO_SIMD, .value = o->reg};
            break;
        case OPK_MMX:
            any_mmx = true;
            pl->to[i] = (struct tmpl_operand){.kind = TO_SIMD, .value = 8 + o->reg};
            break;
        case OPK_REG:
            pl->to[i] = (struct tmpl_operand){.kind = TO_REG, .value = o->reg};
            break;
        case OPK_MEM:
            if (!gen_mem_ok(g, in))
                return false;
            pl->mem = (int)i;
            pl->to[i] = (struct tmpl_operand){.kind = TO_SIMD, .value = -1};
            break;
        case OPK_IMM:
            pl->to[i] = (struct tmpl_operand){.kind = TO_IMM, .value = (int32_t)(in->imm & 0xff)};
            break;
        default:
            return false;
        }
    }
    pl->width = any_mmx && !any_xmm ? 3 : 4; /* CVTTSD2SI of memory: neither */
    pl->t = tmpl_find_simd(in->mnem, pl->to, in->nops, pl->width, g->ctx->host_features);
    if (!pl->t && pl->mem >= 0) {
        pl->to[pl->mem].kind = TO_REG;
        pl->t = tmpl_find_simd(in->mnem, pl->to, in->nops, pl->width, g->ctx->host_features);
    }
    if (!pl->t || (pl->t->fp && !(g->flags & HF_MXCSR_STD)))
        return false;
    pl->steps = 1;
    if (pl->t->lanes)
        pl->steps = 16u / pl->t->fp;
    for (unsigned i = 0; i < in->nops; i++)
        if (pl->width == 4 && pl->t->param[i].kind == TP_REG
            && (pl->t->param[i].cls == TC_HALF || pl->t->param[i].cls == TC_WORD))
            pl->steps = 2;
    return true;
}

/* ---- where operands are ---- */

static int operand_base(const struct simd_plan *pl, unsigned i)
{
    return (int)i == pl->mem ? pl->mem_reg : HREG_env;
}

static int operand_offset(const struct simd_plan *pl, unsigned i)
{
    const struct operand *o = &pl->in->op[i];
    if (o->kind == OPK_XMM)
        return (int)(offsetof(CPUX86State, xmm) + o->reg * sizeof(union xmm_reg));
    if (o->kind == OPK_MMX)
        return (int)(offsetof(CPUX86State, fpregs) + o->reg * sizeof(struct floatx80));
    return 0;
}

/* Does each step have a part of the operand of its own? */
static bool is_stepped(const struct tmpl *t, unsigned i)
{
    return t->param[i].cls == TC_HALF || t->param[i].cls == TC_WORD || t->lanes;
}

/* FP and MSA registers of operand i: f(4i) and up; general ones are T1 T2 (operand 0), T3 T4. */
static int step_reg(const struct simd_plan *pl, unsigned i, unsigned step)
{
    static const uint8_t words[] = {HREG_T1, HREG_T2, HREG_T3, HREG_T4};
    unsigned n = is_stepped(pl->t, i) ? step : 0;
    return pl->t->param[i].cls == TC_WORD ? words[(i & 1) * 2 + n] : (int)(4 * i + n);
}

static void load_step(struct gen *g, const struct simd_plan *pl, unsigned i, unsigned step)
{
    int base = operand_base(pl, i), off = operand_offset(pl, i), r = step_reg(pl, i, step);
    unsigned n = pl->t->lanes ? step : 0;
    switch (pl->t->param[i].cls) {
    case TC_F32:
        g->p = emit_fp_ld32(g->p, r, base, off + 4 * (int)n);
        break;
    case TC_F64:
        g->p = emit_fp_ld64(g->p, r, base, off + 8 * (int)n);
        break;
    case TC_HALF:
        if (pl->in->op[i].size == 4)
            g->p = emit_fp_ld32(g->p, r, base, off);
        else
            g->p = emit_fp_ld64(g->p, r, base, off + 8 * (int)step);
        break;
    case TC_WORD:
        g->p = emit_gp_ld64(g->p, r, base, off + 8 * (int)step);
        break;
    case TC_PAIR:
        g->p = emit_fp_ld64(g->p, r, base, off);
        g->p = emit_fp_ld64(g->p, r + 1, base, off + 8);
        break;
    case TC_MSA:
        g->p = emit_msa_ld(g->p, r, base, off);
        break;
    }
}

static void store_step(struct gen *g, const struct simd_plan *pl, unsigned i, unsigned step)
{
    int base = operand_base(pl, i), off = operand_offset(pl, i), r = step_reg(pl, i, step);
    unsigned n = pl->t->lanes ? step : 0;
    switch (pl->t->param[i].cls) {
    case TC_F32:
        g->p = emit_fp_st32(g->p, r, base, off + 4 * (int)n);
        break;
    case TC_F64:
        g->p = emit_fp_st64(g->p, r, base, off + 8 * (int)n);
        break;
    case TC_HALF:
        g->p = emit_fp_st64(g->p, r, base, off + 8 * (int)step);
        break;
    case TC_WORD:
        g->p = emit_gp_st64(g->p, r, base, off + 8 * (int)step);
        break;
    case TC_PAIR:
        g->p = emit_fp_st64(g->p, r, base, off);
        g->p = emit_fp_st64(g->p, r + 1, base, off + 8);
        break;
    case TC_MSA:
        g->p = emit_msa_st(g->p, r, base, off);
        break;
    }
}

/* ---- floating point checks ---- */

static unsigned element_bit(const struct tmpl_param *p)
{
    return p->cls == TC_F32 ? ELEM_32 : ELEM_64;
}

/* FP registers that the step reads, up to two. */
static unsigned step_sources(const struct simd_plan *pl, unsigned step, int reg[2], bool known[2], const struct gen *g)
{
    unsigned n = 0;
    for (unsigned i = 0; i < pl->t->nops && n < 2; i++) {
        const struct tmpl_param *p = &pl->t->param[i];
        if (p->kind != TP_REG || p->cls == TC_GPR || !(p->mode & TM_R))
            continue;
        const struct operand *o = &pl->in->op[i];
        known[n] = o->kind == OPK_XMM && !pl->t->lanes && (g->xmm_known[o->reg] & element_bit(p));
        reg[n++] = step_reg(pl, i, step);
    }
    return n;
}

/* A stub that looks closer at a and b, of `size` bytes: back to `resume`, or on to `slow`. */
static struct gen_stub *closer_stub(struct gen *g, unsigned kind, uint32_t *site, uint32_t *resume, unsigned size,
                                    int a, int b, struct gen_stub *slow)
{
    struct gen_stub *s = gen_stub(g, kind, site);
    s->size = (uint8_t)size;
    s->a = (uint8_t)a;
    s->s = (uint8_t)b;
    s->resume = resume;
    s->slow = slow;
    slow->used = true;
    return s;
}

/* On to the stub that tells zeros from denormals, from the branch that was emitted last. */
static void denormal_stub(struct gen *g, unsigned size, int a, int b, struct gen_stub *slow)
{
    closer_stub(g, STUB_DENORMAL, g->p - 1, g->p + 1, size, a, b, slow);
}

/* No denormal and no NaN in a and b, of `size` bytes, with MSA.  Leaves a branch open. */
static void check_classes(struct gen *g, unsigned size, int a, int b, struct gen_stub *slow)
{
    g->p = size == 8 ? emit_msa_classes_d(g->p, 12, a, b, NULL) : emit_msa_classes_s(g->p, 12, a, b, NULL);
    closer_stub(g, STUB_CLASS, g->p - 1, g->p + 1, size, a, b, slow);
}

static bool is_compare(uint32_t word)
{
    return word >> 26 == 0x11 && (word & 0x30) == 0x30;
}

/* The same with paired singles, and the stanza itself, whose first two words are comparisons: they fill the
 * slots of the two branches, and can be run again. */
static void compare_checked(struct gen *g, const struct simd_plan *pl, unsigned size, int a, int b,
                            struct gen_stub *slow)
{
    g->p = size == 8 ? emit_ps_classes64(g->p, HOST_SMALLEST, 12, a, b, NULL)
                     : emit_ps_classes32(g->p, HOST_SMALLEST, 12, a, b, NULL);
    uint32_t *second = g->p - 1, *first = second - 2, branch = *second;
    g->p = pl->t->emit(second, &pl->args);
    assert(is_compare(second[0]) && is_compare(second[1]) && !pl->t->nsites);
    first[1] = second[0];
    *second = branch;
    gen_stub_site(closer_stub(g, STUB_PAIR, first, second, size, a, b, slow), second);
}

/* No denormal in a and b, of `size` bytes.  Leaves a branch open. */
static void check_elements(struct gen *g, unsigned size, int a, int b, struct gen_stub *slow)
{
    if (size == 8)
        g->p = a != b ? emit_fp_exp64_2(g->p, a, b, NULL) : emit_fp_exp64(g->p, a, NULL);
    else
        g->p = a != b ? emit_fp_exp32_2(g->p, a, b, NULL) : emit_fp_exp32(g->p, a, NULL);
    denormal_stub(g, size, a, b, slow);
}

/* Scalars: no denormal among the operands, or the stub finds out.  Leaves a branch open. */
static bool check_scalars(struct gen *g, const struct simd_plan *pl, unsigned size, unsigned step,
                          struct gen_stub *slow)
{
    int reg[2], test[2];
    bool known[2];
    unsigned n = step_sources(pl, step, reg, known, g), k = 0;
    for (unsigned i = 0; i < n; i++)
        if (!known[i])
            test[k++] = reg[i];
    if (!k)
        return false;
    if (k == 2 && pl->to[0].value >= 0 && pl->to[0].value == pl->to[1].value)
        k = 1;
    check_elements(g, size, test[0], test[k - 1], slow);
    return true;
}

/* Two scalars of which nothing is known, and that have to be neither denormal nor NaN. */
static bool both_unknown(const struct simd_plan *pl, unsigned step, const struct gen *g)
{
    int reg[2];
    bool known[2];
    return (pl->t->checks & TMPL_CHECK_DENORMAL) && (pl->t->checks & TMPL_CHECK_NAN)
        && step_sources(pl, step, reg, known, g) == 2 && !known[0] && !known[1];
}

/* Before the stanza: true if a branch was left open, whose delay slot is the next word. */
static bool check_operands(struct gen *g, const struct simd_plan *pl, unsigned step, struct gen_stub *slow)
{
    const struct tmpl *t = pl->t;
    int reg[2];
    bool known[2];
    unsigned cls = t->param[t->nops - 1].kind == TP_REG ? t->param[t->nops - 1].cls : t->param[0].cls;
    unsigned n = step_sources(pl, step, reg, known, g);
    int a = reg[0], b = n == 2 ? reg[1] : reg[0];
    if (cls == TC_MSA) {
        if (!(t->checks & (TMPL_CHECK_DENORMAL | TMPL_CHECK_NAN)))
            return false;
        g->p = t->fp == 4 ? emit_msa_class_w(g->p, a, b, NULL) : emit_msa_class_d(g->p, a, b, NULL);
        gen_stub_site(slow, g->p - 1);
        return true;
    }
    if (cls != TC_PAIR && (g->ctx->host_features & TMPL_HOST_MSA) && both_unknown(pl, step, g)) {
        check_classes(g, cls == TC_F64 ? 8 : 4, a, b, slow);
        return true;
    }
    bool open = false;
    if (t->checks & TMPL_CHECK_DENORMAL) {
        if (cls == TC_PAIR && t->fp == 8) {
            check_elements(g, 8, a, b, slow);
            g->p = emit_nop(g->p);
            check_elements(g, 8, a + 1, b + 1, slow);
            open = true;
        } else if (cls == TC_PAIR) {
            g->p = emit_ps_exp(g->p, a, a + 1, b, b + 1, NULL);
            denormal_stub(g, 16, a, b, slow);
            open = true;
        } else {
            open = check_scalars(g, pl, cls == TC_F64 ? 8 : 4, step, slow);
        }
    }
    if (t->checks & TMPL_CHECK_NAN) {
        if (t->fp == 8)
            g->p = emit_fp_unordered64(g->p, a, b, NULL);
        else
            g->p = emit_fp_unordered32(g->p, a, b, NULL);
        gen_stub_site(slow, g->p - 1);
        open = true;
    }
    return open;
}

static void check_result(struct gen *g, const struct simd_plan *pl, unsigned step, struct gen_stub *slow)
{
    const struct tmpl *t = pl->t;
    int r = step_reg(pl, 0, step);
    if (t->param[0].cls == TC_MSA)
        g->p = t->fp == 4 ? emit_msa_result_w(g->p, r, NULL) : emit_msa_result_d(g->p, r, NULL);
    else if (t->param[0].cls == TC_PAIR && t->fp == 8)
        g->p = emit_fp_results64(g->p, r, r + 1, NULL);
    else if (t->param[0].cls == TC_PAIR)
        g->p = emit_ps_result(g->p, r, r + 1, NULL);
    else
        g->p = t->param[0].cls == TC_F64 ? emit_fp_result64(g->p, r, NULL) : emit_fp_result32(g->p, r, NULL);
    gen_stub_site(slow, g->p - 2);
}

/* ---- one instruction ---- */

/* General registers, constants, and operands that are used in place. */
static void fixed_args(struct gen *g, struct simd_plan *pl)
{
    const struct tmpl *t = pl->t;
    for (unsigned i = 0; i < t->nops; i++) {
        const struct tmpl_param *p = &t->param[i];
        if (p->kind == TP_IMM) {
            pl->args.v[i] = pl->to[i].value;
        } else if (p->kind == TP_REG && p->cls == TC_GPR) {
            if ((int)i == pl->mem) {
                pl->args.v[i] = HREG_T1;
                if (pl->in->op[i].size == 2)
                    g->p = emit_host_ld_u16(g->p, HREG_T1, pl->mem_reg, 0);
                else
                    g->p = emit_host_ld_32(g->p, HREG_T1, pl->mem_reg, 0);
            } else {
                pl->args.v[i] = greg(pl->in->op[i].reg);
            }
        } else if (p->kind == TP_REG && p->cls == TC_MEM) {
            pl->args.v[i] = operand_base(pl, i);
            pl->args.off[i] = operand_offset(pl, i);
        }
    }
}

static bool is_stepped_or_loaded(const struct tmpl_param *p)
{
    return p->kind == TP_REG && p->cls != TC_GPR && p->cls != TC_MEM;
}

static void run_step(struct gen *g, struct simd_plan *pl, unsigned step, struct gen_stub *slow)
{
    const struct tmpl *t = pl->t;
    for (unsigned i = 0; i < t->nops; i++) {
        const struct tmpl_param *p = &t->param[i];
        if (!is_stepped_or_loaded(p))
            continue;
        if ((p->mode & TM_R) && (step == 0 || is_stepped(t, i)))
            load_step(g, pl, i, step);
        pl->args.v[i] = step_reg(pl, i, step);
    }
    if (t->host == TMPL_HOST_PS && t->param[0].cls != TC_PAIR && both_unknown(pl, step, g)) {
        compare_checked(g, pl, t->fp, step_reg(pl, 0, step), step_reg(pl, 1, step), slow);
        return;
    }
    bool open = t->fp && check_operands(g, pl, step, slow);
    /* ps_denormal looks at the operands again. */
    if (open && (!t->fits_slot || t->param[0].cls == TC_PAIR))
        g->p = emit_nop(g->p);
    uint32_t *start = g->p;
    g->p = t->emit(g->p, &pl->args);
    for (unsigned i = 0; i < t->nsites; i++)
        gen_stub_site(slow, start + t->label_site[i]);
    if (t->fp && (t->checks & TMPL_CHECK_RESULT))
        check_result(g, pl, step, slow);
}

/* What the block may go on knowing about XMM registers. */
static void update_known(struct gen *g, const struct simd_plan *pl)
{
    const struct tmpl *t = pl->t;
    const struct insn *in = pl->in;
    if (t->fp && (t->checks & TMPL_CHECK_DENORMAL) && optimise_on(OPTIMISE_SSE_CHECKED))
        for (unsigned i = 0; i < in->nops; i++)
            if (in->op[i].kind == OPK_XMM && t->param[i].kind == TP_REG && (t->param[i].mode & TM_R)
                && (t->param[i].cls == TC_F64 || t->param[i].cls == TC_F32))
                g->xmm_known[in->op[i].reg] |= element_bit(&t->param[i]);
    if (in->nops && in->op[0].kind == OPK_XMM && (t->written & 1))
        g->xmm_known[in->op[0].reg] = 0;
}

bool gen_simd(struct gen *g, const struct insn *in)
{
    struct simd_plan pl = {0};
    if (g->flags & (HF_EM | HF_TS))
        return false;
    if (!choose(g, in, &pl))
        return false;
    if ((pl.width == 4 || pl.t->fp) && !(g->flags & HF_OSFXSR))
        return false;
    const struct tmpl *t = pl.t;
    if (gen_uses_mmx(in) && !gen_mmx_enter(g))
        return false;
    for (unsigned i = 0; i < in->nops; i++)
        if (in->op[i].kind == OPK_REG && t->param[i].kind == TP_REG && (t->param[i].mode & TM_W))
            gen_guest_write(g, in->op[i].reg);

    struct gen_stub *slow = gen_stub(g, STUB_INTERP, NULL);
    if (pl.mem >= 0) {
        bool write = t->param[pl.mem].mode & TM_W;
        unsigned size = in->op[pl.mem].size;
        uint32_t *site;
        pl.mem_reg = wants_aligned(in, (unsigned)pl.mem) ? gen_host_addr_aligned(g, in, size, write, &site)
                                                         : gen_host_addr(g, in, size, write, &site);
        if (site)
            gen_stub_site(slow, site);
    }
    fixed_args(g, &pl);
    for (unsigned step = 0; step < pl.steps; step++)
        run_step(g, &pl, step, slow);
    for (unsigned i = 0; i < t->nops; i++) {
        if (!is_stepped_or_loaded(&t->param[i]) || !(t->param[i].mode & TM_W))
            continue;
        for (unsigned step = 0; step < (is_stepped(t, i) ? pl.steps : 1); step++)
            store_step(g, &pl, i, step);
        if (t->lanes && t->param[i].cls == TC_F32 && pl.steps == 2) /* CVTPD2PS clears the other half */
            g->p = emit_gp_st64(g->p, HREG_zero, operand_base(&pl, i), operand_offset(&pl, i) + 8);
    }
    for (unsigned i = 0; i < in->nops; i++)
        if (in->op[i].kind == OPK_MMX && (t->param[i].mode & TM_W) && t->param[i].kind == TP_REG)
            gen_mmx_written(g, in->op[i].reg);
    if (t->record.type == TR_FLAGS) {
        gen_move(g, HREG_cc_src, t->record.src.index);
        gen_record(g, CC_EFLAGS, 2, loc_canon(), loc_canon(), loc_canon());
    }
    update_known(g, &pl);
    return true;
}
