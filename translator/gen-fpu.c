/* x87 instructions.
 *
 * A block with x87 or MMX code is specialised on env->fptw (fpu-word.h) as it is when the block is made; a guard
 * at its start leads to the block's other variants.  So the generator knows TOP and the tags at each
 * instruction: ST(i) is a fixed place in the vCPU state, and nothing is checked at run time.  What the generator
 * knows goes to the vCPU state at the block's exits only; a fault, and the interpreter, take it from the block's map
 * (x87_state in tb.h).  The same holds for the instruction pointer and for a C1 that is known to be 0.
 *
 * Templates do what needs no exception: the interpreter has stack faults, NaNs, infinities, denormals, results out
 * of range, and control words that are not of a common class. */
#include "gen-fpu.h"

#include <string.h>

#include "fpu-int.h"
#include "optimise.h"
#include "tmpl-gen.h"

_Static_assert(offsetof(CPUX86State, fpregs) % 16 == 0, "gslq needs it");

bool gen_x87_kind(const struct insn *in)
{
    unsigned feature = isa_info[in->form].feature;
    return feature == ISA_F_FPU || feature == ISA_F_FCMOV || in->mnem == MN_FISTTP;
}

bool gen_uses_mmx(const struct insn *in)
{
    if (in->mnem == MN_EMMS)
        return true;
    for (unsigned i = 0; i < in->nops; i++)
        if (in->op[i].kind == OPK_MMX)
            return true;
    return false;
}

/* Control instructions that are the same whatever the stack is. */
static bool indifferent(const struct insn *in)
{
    switch (in->mnem) {
    case MN_FNSTCW: case MN_FNSTSW: case MN_FNSTENV: case MN_FNSAVE: case MN_FLDENV: case MN_FRSTOR: case MN_FNINIT:
    case MN_FNCLEX: case MN_FWAIT: case MN_FNENI: case MN_FNDISI: case MN_FNSETPM:
        return true;
    default:
        return false;
    }
}

uint32_t gen_fpu_word(const struct gen *g)
{
    if ((g->flags & (HF_EM | HF_TS)) || !optimise_on(OPTIMISE_X87_STACK))
        return TB_ANY_FPTW;
    for (unsigned i = 0; i < g->n; i++) {
        const struct insn *in = &g->insns[i];
        if (isa_info[in->form].feature != ISA_F_BASE && (gen_uses_mmx(in) || (gen_x87_kind(in) && !indifferent(in))))
            return g->env->fptw;
    }
    return TB_ANY_FPTW;
}

/* ---- the state while a block is stitched ---- */

/* The word after the instruction when nothing unmasked happens: what the block goes on with.  helper_interp() looks
 * whether it came so. */
uint32_t gen_fpu_word_after(uint32_t w, const struct insn *in)
{
    if (in->mnem == MN_EMMS)
        return fpw_with_top(w & ~(uint32_t)FPTW_VALID, 0);
    if (gen_uses_mmx(in))
        return fpw_with_top(w, 0) | FPTW_VALID;
    switch (in->mnem) {
    case MN_FLD: case MN_FILD: case MN_FBLD: case MN_FLD1: case MN_FLDL2T: case MN_FLDL2E: case MN_FLDPI: case MN_FLDLG2:
    case MN_FLDLN2: case MN_FLDZ:
        return fpw_push(w);
    case MN_FXTRACT: case MN_FPTAN: case MN_FSINCOS:
        return fpw_push(fpw_fill(w, 0));
    case MN_FST:
        return in->op[0].kind == OPK_ST ? fpw_fill(w, in->op[0].reg) : w;
    case MN_FSTP:
        return fpw_pop(in->op[0].kind == OPK_ST ? fpw_fill(w, in->op[0].reg) : w);
    case MN_FISTP: case MN_FISTTP: case MN_FBSTP: case MN_FCOMP: case MN_FUCOMP: case MN_FICOMP: case MN_FCOMIP:
    case MN_FUCOMIP:
        return fpw_pop(w);
    case MN_FCOMPP: case MN_FUCOMPP:
        return fpw_pop(fpw_pop(w));
    case MN_FADDP: case MN_FMULP: case MN_FSUBP: case MN_FSUBRP: case MN_FDIVP: case MN_FDIVRP:
        return fpw_pop(fpw_fill(w, in->op[0].reg));
    case MN_FYL2X: case MN_FYL2XP1: case MN_FPATAN:
        return fpw_pop(fpw_fill(w, 1));
    case MN_FFREE:
        return w & ~(1u << ((fpw_top(w) + in->op[0].reg) & 7));
    case MN_FFREEP:
        return fpw_pop(w & ~(1u << ((fpw_top(w) + in->op[0].reg) & 7)));
    case MN_FINCSTP:
        return fpw_with_top(w, fpw_top(w) + 1);
    case MN_FDECSTP:
        return fpw_with_top(w, fpw_top(w) + 7);
    default:
        return w;
    }
}

void gen_fpu_begin(struct gen *g)
{
    uint32_t word = g->tb->fptw;
    g->nfpu = 0;
    g->fpu_dirty = false;
    g->fpu = (struct x87_state){.word = (uint16_t)word, .ip = FPU_IP_NONE, .ds = FPU_DS_NONE};
    if (word == TB_ANY_FPTW)
        return;
    uint32_t *start = g->p;
    g->p = emit_x87_guard(g->p, (int)word, NULL);
    g->cur = 0;
    gen_stub(g, STUB_GUARD, start + SITE_x87_guard_other);
}

bool gen_fpu_same(const struct x87_state *a, const struct x87_state *b)
{
    return a->word == b->word && a->ip == b->ip && a->ds == b->ds && a->c1_clear == b->c1_clear;
}

void gen_fpu_note(struct gen *g)
{
    if (g->tb->fptw == TB_ANY_FPTW)
        return;
    unsigned k = g->nfpu;
    if (k == 0 || !gen_fpu_same(&g->fpustates[k - 1], &g->fpu)) {
        g->fpustates[g->nfpu++] = g->fpu;
        k++;
    }
    g->map[g->cur].fpu = (uint16_t)(k - 1);
}

/* What the interpreter leaves: everything is in the vCPU state. */
void gen_fpu_interp(struct gen *g)
{
    if (g->tb->fptw == TB_ANY_FPTW)
        return;
    const struct x87_state *before = &g->fpustates[g->map[g->cur].fpu];
    g->fpu = (struct x87_state){.word = (uint16_t)gen_fpu_word_after(before->word, &g->insns[g->cur]), .ip = FPU_IP_NONE,
                                .ds = FPU_DS_NONE};
    g->fpu_dirty = false;
}

void gen_fpu_after(struct gen *g)
{
    g->map[g->cur].fptw_after = g->fpu.word;
}

/* The pointers and C1 to the vCPU state. */
void gen_fpu_sync_status(struct gen *g)
{
    if (g->fpu.c1_clear)
        g->p = emit_x87_clear_c1(g->p);
    if (g->fpu.ip != FPU_IP_NONE) {
        uint32_t eip = g->eip + (uint32_t)g->fpu.ip;
        g->p = emit_x87_put_ip(g->p, (int)(eip >> 16), (int)(eip & 0xffff));
    }
    if (g->fpu.ds != FPU_DS_NONE)
        g->p = emit_x87_put_ds(g->p, (int)(offsetof(CPUX86State, segs) + g->fpu.ds * sizeof(struct segment)
                                           + offsetof(struct segment, selector)));
    g->fpu.c1_clear = false;
    g->fpu.ip = FPU_IP_NONE;
    g->fpu.ds = FPU_DS_NONE;
}

void gen_fpu_sync(struct gen *g)
{
    gen_xmm_flush(g);
    if (g->tb->fptw == TB_ANY_FPTW)
        return;
    gen_fpu_sync_status(g);
    if (g->fpu_dirty)
        g->p = emit_x87_put_word(g->p, g->fpu.word);
    g->fpu_dirty = false;
}

bool gen_mmx_enter(struct gen *g)
{
    if (g->tb->fptw == TB_ANY_FPTW || (g->fpu.word & FPTW_ES))
        return false;
    fpu_set_word(g, fpw_with_top(g->fpu.word, 0) | FPTW_VALID);
    return true;
}

void gen_mmx_written(struct gen *g, unsigned r)
{
    g->p = emit_x87_mmx(g->p, fpu_slot(r));
}

bool gen_emms(struct gen *g, const struct insn *in)
{
    if (g->tb->fptw == TB_ANY_FPTW || (g->fpu.word & FPTW_ES))
        return false;
    fpu_set_word(g, gen_fpu_word_after(g->fpu.word, in));
    return true;
}
