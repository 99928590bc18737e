/* What kernels do at each entry and exit, without the interpreter: SYSENTER, SYSEXIT, loads of segment
 * registers, VERW, RDTSC.
 *
 * Most of them change hflags, and so which blocks fit.  The new mode's jump cache is found through
 * env->mode_slots (templates/mode.tmpl), without C.  A load of a segment register goes on in the block if the
 * segment is as flat as it was.  Descriptors are read from the guest's table each time, and are good if they
 * equal the one that C has checked at a load of the same selector (env->desc_slots).  Everything else, faults
 * first, is the interpreter's. */
#include "gen-fpu.h"

#include <stddef.h>

#include "mips-patch.h"
#include "optimise.h"
#include "protect.h"
#include "tmpl-gen.h"

#define MODE_FLAT (HF_CS32 | HF_SS32 | HF_SEG_FLAT(R_CS) | HF_SEG_FLAT(R_SS))

static bool takes(const struct gen *g)
{
    return optimise_on(OPTIMISE_MODE_TEMPLATES) && (g->flags & (HF_PE | HF_VM)) == HF_PE;
}

static unsigned cpl(const struct gen *g)
{
    return g->flags & HF_CPL_MASK;
}

static void go_mode(struct gen *g, uint32_t more, const uint32_t *enter)
{
    uint32_t f = (g->flags & ~(uint32_t)(HF_TRANSFER | TB_FLAG_DF)) | MODE_FLAT | more;
    g->p = emit_end_interp(g->p, (int)(f >> 16), (int)(f & 0xffff), enter); /* with f in X1 */
    g->ended = true;
}

bool gen_sysenter(struct gen *g, const struct insn *in)
{
    (void)in;
    if (!takes(g))
        return false;
    gen_xmm_drop(g);
    gen_canon(g);
    uint32_t *start = g->p;
    g->p = emit_sysenter(g->p, NULL);
    struct gen_stub *slow = gen_stub(g, STUB_INTERP_EXIT, start + SITE_sysenter_slow);
    gen_stub_site(slow, start + SITE_sysenter_slow_2);
    gen_stub_site(slow, start + SITE_sysenter_slow_3);
    go_mode(g, HF_IOPL_OK, g->ctx->enter_cpl0);
    return true;
}

bool gen_sysexit(struct gen *g, const struct insn *in)
{
    (void)in;
    if (!takes(g) || cpl(g) != 0)
        return false;
    gen_xmm_drop(g);
    gen_canon(g);
    uint32_t *start = g->p;
    g->p = emit_sysexit(g->p, NULL);
    struct gen_stub *slow = gen_stub(g, STUB_INTERP_EXIT, start + SITE_sysexit_slow);
    gen_stub_site(slow, start + SITE_sysexit_slow_2);
    gen_stub_site(slow, start + SITE_sysexit_slow_3);
    go_mode(g, 3, g->ctx->enter_cpl3);
    return true;
}

/* The selector is in T1, zero-extended; other temporaries are lost. */
static void load_selector(struct gen *g, unsigned seg, unsigned pop)
{
    int off = (int)(offsetof(CPUX86State, segs) + seg * sizeof(struct segment));
    uint32_t *start = g->p;
    g->p = emit_seg_slot(g->p, HREG_T1, HREG_T2, HREG_T3, NULL, NULL);
    struct gen_stub *slow = gen_stub(g, STUB_INTERP, start + SITE_seg_slot_slow);
    gen_stub_site(slow, start + SITE_seg_slot_slow_2);
    uint32_t *null = start + SITE_seg_slot_null;
    gen_load(g, HREG_T4, gen_at(HREG_T3), 4, true);
    g->p = emit_addiu(g->p, HREG_T3, HREG_T3, 4);
    gen_load(g, HREG_T3, gen_at(HREG_T3), 4, true);
    start = g->p;
    g->p = emit_seg_equal(g->p, HREG_T2, HREG_T4, HREG_T3, NULL);
    gen_stub_site(slow, start + SITE_seg_equal_slow);
    gen_stub_site(slow, start + SITE_seg_equal_slow_2);
    start = g->p;
    g->p = emit_seg_take(g->p, HREG_T2, off, off + 8, NULL);
    mips_patch_branch(null, g->p);
    g->p = emit_seg_null(g->p, HREG_T1, off, off + 8);
    mips_patch_branch(start + SITE_seg_take_done, g->p);
    if (pop)
        g->p = emit_addiu(g->p, HREG_esp, HREG_esp, (int)pop);
    start = g->p;
    g->p = emit_seg_mode(g->p, (int)(g->flags >> (HF_SEG_SHIFT + 2 * seg) & 3), NULL);
    struct gen_stub *other = gen_stub(g, STUB_MODE, start + SITE_seg_mode_other);
    other->eip = g->eips[g->cur] + g->insns[g->cur].len;
    other->d = (uint8_t)(HF_SEG_SHIFT + 2 * seg);
    other->rest = (uint8_t)(g->n - g->cur - 1);
}

bool gen_load_sreg(struct gen *g, const struct insn *in)
{
    unsigned seg = in->op[0].reg;
    if (!takes(g) || cpl(g) != 0 || seg == R_CS || seg == R_SS)
        return false;
    if (in->mnem == MN_POP) {
        if (!gen_stack_ok(g) || in->opsize != 4)
            return false;
        gen_xmm_drop(g);
        gen_guest_write(g, R_ESP);
        gen_load(g, HREG_T1, gen_at(HREG_esp), 2, false);
        load_selector(g, seg, 4);
        return true;
    }
    const struct operand *s = &in->op[1];
    if (s->kind == OPK_MEM && !gen_mem_ok(g, in))
        return false;
    gen_xmm_drop(g);
    if (s->kind == OPK_MEM)
        gen_load(g, HREG_T1, gen_ea(g, in), 2, false);
    else
        g->p = emit_reg_u16(g->p, HREG_T1, greg(s->reg));
    load_selector(g, seg, 0);
    return true;
}

/* The block's other instructions are not executed. */
void gen_mode_exit(struct gen *g, const struct gen_stub *s)
{
    struct tb_context *ctx = g->ctx;
    g->p = emit_seg_hflags(g->p, s->d);
    gen_stub_state(g, s);
    if (g->env->icount_enabled && s->rest)
        g->p = emit_addiu(g->p, HREG_icount, HREG_icount, s->rest);
    if (ctx->count_insns)
        g->p = emit_count_insns(g->p, -(int)s->rest);
    if (ctx->profile_counts) {
        unsigned n = g->nexits++;
        g->exits[n] = (struct tb_exit){.insn = s->insn, .taken = ctx->max_tbs + ctx->nsides++};
        uint32_t offset = g->exits[n].taken * 8;
        g->p = emit_count_block(g->p, (int)((offset + 0x8000) >> 16), (int16_t)offset);
    }
    gen_fpu_sync(g);
    g->p += gen_canon_words(&g->fs, g->p);
    g->p = emit_exit_at(g->p, (int)(s->eip >> 16), (int)(s->eip & 0xffff), ctx->exit_mode);
}

bool gen_verw(struct gen *g, const struct insn *in)
{
    const struct operand *s = &in->op[0];
    /* Kernels read the selector through CS, which gen_mem_ok() is not for. */
    if (!takes(g) || cpl(g) != 0 || (s->kind == OPK_MEM && !(in->addrsize == 4 && gen_seg_ok(g, in->seg))))
        return false;
    gen_xmm_drop(g);
    gen_eflags(g);
    if (s->kind == OPK_MEM)
        gen_load(g, HREG_T1, gen_ea(g, in), 2, false);
    else
        g->p = emit_reg_u16(g->p, HREG_T1, greg(s->reg));
    uint32_t *start = g->p;
    g->p = emit_verw_select(g->p, HREG_T1, HREG_T3, NULL);
    struct gen_stub *slow = gen_stub(g, STUB_INTERP, start + SITE_verw_select_slow);
    gen_stub_site(slow, start + SITE_verw_select_slow_2);
    gen_stub_site(slow, start + SITE_verw_select_slow_3);
    gen_load(g, HREG_T3, gen_at(HREG_T3), 4, true);
    start = g->p;
    g->p = emit_verw_check(g->p, HREG_T3, NULL);
    gen_stub_site(slow, start + SITE_verw_check_slow);
    return true;
}

bool gen_rdtsc(struct gen *g, const struct insn *in)
{
    (void)in;
    if (!optimise_on(OPTIMISE_MODE_TEMPLATES))
        return false;
    gen_xmm_drop(g);
    gen_guest_write(g, R_EAX);
    gen_guest_write(g, R_EDX);
    if (cpl(g) != 0) {
        uint32_t *start = g->p;
        g->p = emit_rdtsc_allowed(g->p, NULL);
        gen_stub(g, STUB_INTERP, start + SITE_rdtsc_allowed_slow);
    }
    g->p = emit_rdtsc(g->p, (int)(g->n - g->cur), g->ctx->thunk_tsc);
    return true;
}

/* Where hflags are in X1. */
static uint32_t *find(struct tb_context *ctx, uint32_t *p)
{
    if (optimise_on(OPTIMISE_JUMP_CACHE))
        return emit_mode_find(p, ctx->exit_lookup);
    p = emit_jump(p, ctx->exit_lookup);
    return emit_nop(p);
}

static uint32_t *enter_level(struct tb_context *ctx, uint32_t *p, unsigned window, unsigned idx)
{
    p = emit_mode_cpl(p, (int)(offsetof(CPUX86State, window) + 8u * window),
                      (int)(offsetof(CPUX86State, tlb_tables) + 8u * idx), (int)idx);
    p = emit_mode_pending(p, ctx->exit_end);
    return find(ctx, p);
}

uint32_t *gen_mode_frame(struct tb_context *ctx, uint32_t *p)
{
    ctx->enter_cpl0 = p;
    p = enter_level(ctx, p, 0, MMU_KNOSMAP_IDX);
    ctx->enter_cpl3 = p;
    p = enter_level(ctx, p, 1, MMU_USER_IDX);
    ctx->exit_mode = p;
    p = emit_mode_hflags(p);
    return find(ctx, p);
}
