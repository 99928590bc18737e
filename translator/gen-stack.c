/* PUSH, POP, LEAVE, PUSHA, POPA on a flat 32-bit stack.  ESP changes after the access, so that a fault
 * finds it unchanged. */
#include "gen.h"

#include "tmpl-gen.h"

bool gen_stack_ok(const struct gen *g)
{
    return (g->flags & HF_SS32) && (g->flags & HF_SEG_FLAT(R_SS)) == HF_SEG_FLAT(R_SS);
}

bool gen_push(struct gen *g, const struct insn *in)
{
    const struct operand *s = &in->op[0];
    if (!gen_stack_ok(g) || in->opsize != 4)
        return false;
    switch (s->kind) {
    case OPK_REG:
        gen_push_value(g, greg(s->reg));
        return true;
    case OPK_IMM:
        if (in->imm == 0)
            gen_push_value(g, HREG_zero);
        else {
            gen_li(g, HREG_T1, (int32_t)in->imm);
            gen_push_value(g, HREG_T1);
        }
        return true;
    case OPK_MEM:
        if (!gen_mem_ok(g, in))
            return false;
        gen_guest_write(g, R_ESP);
        gen_load(g, HREG_T1, gen_ea(g, in), 4, true);
        gen_push_value(g, HREG_T1);
        return true;
    case OPK_SREG:
        /* Processors differ in how much they write; here, as in the interpreter, it is a dword. */
        gen_selector(g, HREG_T1, s->reg);
        gen_push_value(g, HREG_T1);
        return true;
    default:
        return false;
    }
}

bool gen_pop(struct gen *g, const struct insn *in)
{
    const struct operand *d = &in->op[0];
    if (d->kind == OPK_SREG)
        return gen_load_sreg(g, in);
    if (!gen_stack_ok(g) || in->opsize != 4)
        return false;
    if (d->kind == OPK_REG) {
        gen_guest_write(g, d->reg);
        gen_guest_write(g, R_ESP);
        if (d->reg == R_ESP) {
            gen_load(g, HREG_esp, gen_at(HREG_esp), 4, true);
            return true;
        }
        gen_load(g, greg(d->reg), gen_at(HREG_esp), 4, true);
        g->p = emit_addiu(g->p, HREG_esp, HREG_esp, 4);
        return true;
    }
    if (d->kind == OPK_MEM && gen_mem_ok(g, in) && in->base != R_ESP) {
        gen_guest_write(g, R_ESP);
        gen_load(g, HREG_T1, gen_at(HREG_esp), 4, true);
        gen_store(g, HREG_T1, gen_ea(g, in), 4);
        g->p = emit_addiu(g->p, HREG_esp, HREG_esp, 4);
        return true;
    }
    return false;
}

bool gen_leave(struct gen *g, const struct insn *in)
{
    if (!gen_stack_ok(g) || in->opsize != 4)
        return false;
    gen_guest_write(g, R_ESP);
    gen_guest_write(g, R_EBP);
    gen_move(g, HREG_addr, HREG_ebp);
    gen_load(g, HREG_ebp, gen_at(HREG_addr), 4, true);
    g->p = emit_addiu(g->p, HREG_esp, HREG_addr, 4);
    return true;
}
