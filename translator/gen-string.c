/* MOVS, STOS, LODS, SCAS and CMPS; with REP the former two and REPNE SCASB, by routines of the frame
 * (templates/string.tmpl) as far as an instruction stays within a page.  What does not goes on in C. */
#include "gen.h"

#include "optimise.h"
#include "tmpl-gen.h"

/* Code of the routine, and where it begins. */
static const uint32_t *routine(struct tb_context *ctx, uint32_t *end)
{
    const uint32_t *start = ctx->code_ptr;
    ctx->code_ptr = end;
    return start;
}

void gen_string_frame(struct tb_context *ctx)
{
    ctx->rep_movs[0] = routine(ctx, emit_rep_movs_8(ctx->code_ptr));
    ctx->rep_movs[1] = routine(ctx, emit_rep_movs_16(ctx->code_ptr));
    ctx->rep_movs[2] = routine(ctx, emit_rep_movs_32(ctx->code_ptr));
    ctx->rep_stos[0] = routine(ctx, emit_rep_stos_8(ctx->code_ptr));
    ctx->rep_stos[1] = routine(ctx, emit_rep_stos_16(ctx->code_ptr));
    ctx->rep_stos[2] = routine(ctx, emit_rep_stos_32(ctx->code_ptr));
    ctx->repne_scas8 = routine(ctx, emit_repne_scas8(ctx->code_ptr));
}

static void rep_call(struct gen *g, const uint32_t *target)
{
    uint32_t *start = g->p;
    g->p = emit_rep_call(g->p, target, NULL);
    gen_stub(g, STUB_INTERP, start + SITE_rep_call_slow);
}

/* Operands are known to lie in flat segments. */
static bool rep_string(struct gen *g, const struct insn *in)
{
    if (g->flags & TB_FLAG_DF)
        return false;
    gen_guest_write(g, R_ECX);
    gen_guest_write(g, R_EDI);
    if (in->mnem == MN_SCAS) {
        /* Where the count is 0 the flags stay, so what they are is known at run time only. */
        gen_canon(g);
        gen_note_state(g);
        rep_call(g, g->ctx->repne_scas8);
        g->p = emit_repne_scas8_record(g->p, CC_OP(CC_CMP, 0));
        gen_flags_dynamic(g);
        return true;
    }
    if (in->mnem == MN_MOVS)
        gen_guest_write(g, R_ESI);
    gen_note_state(g);
    rep_call(g, (in->mnem == MN_MOVS ? g->ctx->rep_movs : g->ctx->rep_stos)[gen_width(in->opsize)]);
    return true;
}

/* SCAS and CMPS: the record of the comparison; `step` for the index registers. */
static void compare(struct gen *g, const struct insn *in, int step)
{
    unsigned size = in->opsize;
    int first = HREG_T1;
    if (in->mnem == MN_CMPS)
        gen_load(g, HREG_T1, gen_at(HREG_esi), size, true);
    else
        first = gen_reg_value(g, R_EAX, size, HREG_T1);
    gen_load(g, HREG_T2, gen_at(HREG_edi), size, true);
    if (in->mnem == MN_CMPS)
        g->p = emit_addiu(g->p, HREG_esi, HREG_esi, step);
    g->p = emit_addiu(g->p, HREG_edi, HREG_edi, step);
    if (gen_needed_after(g)) {
        gen_move(g, HREG_cc_dst, first);
        gen_move(g, HREG_cc_src, HREG_T2);
        gen_record(g, CC_CMP, gen_width(size), loc_canon(), loc_canon(), loc_canon());
    }
}

static bool rep_ok(const struct insn *in)
{
    switch (in->mnem) {
    case MN_MOVS: case MN_STOS: return true;
    case MN_SCAS: return (in->prefixes & INSN_REPNE) && in->opsize == 1;
    default: return false;
    }
}

bool gen_string(struct gen *g, const struct insn *in)
{
    bool rep = in->prefixes & (INSN_REP | INSN_REPNE);
    if (!optimise_on(OPTIMISE_STRING) || in->addrsize != 4 || (rep && !rep_ok(in)))
        return false;
    bool reads = in->mnem == MN_MOVS || in->mnem == MN_LODS || in->mnem == MN_CMPS;
    bool writes = in->mnem != MN_LODS;
    unsigned size = in->opsize;
    if ((reads && !gen_seg_ok(g, in->seg))
        || (writes && (g->flags & HF_SEG_FLAT(R_ES)) != HF_SEG_FLAT(R_ES)))
        return false;
    if (reads && !(g->flags & HF_SEG_BASE0(in->seg)))
        return false;
    if (rep)
        return rep_string(g, in);
    int step = (g->flags & TB_FLAG_DF) ? -(int)size : (int)size;
    if (reads)
        gen_guest_write(g, R_ESI);
    gen_guest_write(g, writes ? R_EDI : R_EAX);
    if (in->mnem == MN_SCAS || in->mnem == MN_CMPS) {
        compare(g, in, step);
        return true;
    }
    if (in->mnem == MN_LODS) {
        gen_load(g, size == 4 ? HREG_eax : HREG_T1, gen_at(HREG_esi), size, true);
        if (size != 4)
            gen_reg_insert(g, R_EAX, size, HREG_T1);
    } else if (in->mnem == MN_STOS)
        gen_store(g, HREG_eax, gen_at(HREG_edi), size);
    else {
        gen_load(g, HREG_T1, gen_at(HREG_esi), size, true);
        gen_store(g, HREG_T1, gen_at(HREG_edi), size);
    }
    if (reads)
        g->p = emit_addiu(g->p, HREG_esi, HREG_esi, step);
    if (writes)
        g->p = emit_addiu(g->p, HREG_edi, HREG_edi, step);
    return true;
}
