/* System instructions that kernels run all the time: CLI, STI, PUSHF.  Blocks are keyed by mode bits, so
 * rights are known; where they don't suffice the interpreter raises the fault. */
#include "gen.h"

#include "optimise.h"
#include "tmpl-gen.h"

bool gen_cli_sti(struct gen *g, const struct insn *in)
{
    if (!(g->flags & HF_IOPL_OK))
        return false;
    if (in->mnem == MN_CLI) {
        g->p = emit_cli(g->p);
        return true;
    }
    if (g->cur + 1 == g->n)
        return false; /* an interrupt may come at the block's end, where the shadow still counts */
    /* With nothing pending, the shadow of STI makes no difference: no interrupt can come
     * before the block asks for one again. */
    uint32_t *start = g->p;
    g->p = emit_sti(g->p, NULL);
    gen_stub(g, STUB_INTERP_EXIT, start + SITE_sti_pending);
    return true;
}

bool gen_pushf(struct gen *g, const struct insn *in)
{
    if (in->opsize != 4 || (g->flags & HF_VM) || !gen_stack_ok(g))
        return false;
    gen_guest_write(g, R_ESP);
    gen_eflags(g);
    g->p = emit_pushf_value(g->p, HREG_T1);
    gen_push_value(g, HREG_T1);
    return true;
}

bool gen_popf(struct gen *g, const struct insn *in)
{
    unsigned cpl = g->flags & HF_CPL_MASK;
    if (!optimise_on(OPTIMISE_POPF) || in->opsize != 4 || (g->flags & HF_VM) || !gen_stack_ok(g)
        || !(cpl == 0 || (cpl == 3 && !(g->flags & HF_IOPL_OK))))
        return false;
    gen_guest_write(g, R_ESP);
    gen_load(g, HREG_T1, gen_at(HREG_esp), 4, true);
    uint32_t *start = g->p;
    if (cpl == 0) {
        g->p = emit_popf_cpl0(g->p, HREG_T1, NULL);
        gen_stub(g, STUB_INTERP, start + SITE_popf_cpl0_slow);
    } else {
        g->p = emit_popf_cpl3(g->p, HREG_T1, NULL);
        gen_stub(g, STUB_INTERP, start + SITE_popf_cpl3_slow);
    }
    g->p = emit_addiu(g->p, HREG_esp, HREG_esp, 4);
    gen_record(g, CC_EFLAGS, 2, loc_canon(), loc_canon(), loc_canon());
    return true;
}

bool gen_goes_on(const struct gen *g, const struct insn *in)
{
    if (!optimise_on(OPTIMISE_MID_BLOCK))
        return false;
    switch (in->mnem) {
    case MN_STI:
        return g->flags & HF_IOPL_OK;
    case MN_OUT: /* with -profile a mark is the end of its block: what comes behind it counts as a whole */
        return !g->ctx->profile_counts;
    case MN_POPF: case MN_IN: case MN_RDTSC: case MN_RDMSR:
        return true;
    /* Most loads find the segment as flat as it was. */
    case MN_MOV: case MN_POP:
        return in->op[0].kind == OPK_SREG && in->op[0].reg != R_SS;
    default:
        return false;
    }
}
