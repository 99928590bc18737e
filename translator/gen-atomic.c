/* CMPXCHG, CMPXCHG8B and XADD to memory: registers change after the store, which may have to restart the
 * instruction.  LOCK needs nothing more as long as one vCPU runs. */
#include "gen.h"

#include "tmpl-gen.h"

bool gen_cmpxchg(struct gen *g, const struct insn *in)
{
    const struct operand *m = &in->op[0], *s = &in->op[1];
    unsigned size = m->size;
    if (m->kind == OPK_REG)
        return gen_from_table(g, in);
    if (!gen_mem_ok(g, in))
        return false;
    gen_guest_write(g, R_EAX);
    struct gen_rmw rmw;
    gen_rmw_begin(g, &rmw, in, HREG_T1, size);
    int acc = gen_reg_value(g, R_EAX, size, HREG_T2);
    int src = gen_reg_value(g, s->reg, size, HREG_T3);
    /* The accumulator becomes the old value in either case: they are equal where it is kept. */
    g->p = emit_cmpxchg_select(g->p, HREG_T3, HREG_T1, acc, src);
    gen_rmw_store(g, &rmw, HREG_T3);
    if (gen_needed_after(g)) {
        gen_move(g, HREG_cc_dst, acc);
        gen_move(g, HREG_cc_src, HREG_T1);
        gen_record(g, CC_CMP, gen_width(size), loc_canon(), loc_canon(), loc_canon());
    }
    gen_reg_insert(g, R_EAX, size, HREG_T1);
    return true;
}

bool gen_xadd(struct gen *g, const struct insn *in)
{
    const struct operand *m = &in->op[0], *s = &in->op[1];
    unsigned size = m->size;
    if (m->kind == OPK_REG)
        return gen_from_table(g, in);
    if (!gen_mem_ok(g, in))
        return false;
    gen_guest_write(g, size == 1 ? s->reg & 3 : s->reg);
    struct gen_rmw rmw;
    gen_rmw_begin(g, &rmw, in, HREG_T1, size);
    int src = gen_reg_value(g, s->reg, size, HREG_T2);
    g->p = emit_addu(g->p, HREG_T3, HREG_T1, src);
    if (size == 1)
        g->p = emit_reg_s8(g->p, HREG_T3, HREG_T3);
    else if (size == 2)
        g->p = emit_reg_s16(g->p, HREG_T3, HREG_T3);
    gen_rmw_store(g, &rmw, HREG_T3);
    if (gen_needed_after(g)) {
        gen_move(g, HREG_cc_dst, HREG_T3);
        gen_move(g, HREG_cc_src, src);
        gen_record(g, CC_ADD, gen_width(size), loc_canon(), loc_canon(), loc_canon());
    }
    gen_reg_insert(g, s->reg, size, HREG_T1);
    return true;
}

/* Only ZF changes: the flags are brought to EFLAGS form before. */
bool gen_cmpxchg8b(struct gen *g, const struct insn *in)
{
    if (!gen_mem_ok(g, in))
        return false;
    gen_guest_write(g, R_EAX);
    gen_guest_write(g, R_EDX);
    gen_eflags(g);
    gen_canon(g);
    int h = gen_host_addr_rmw(g, in, 8);
    g->p = emit_cmpxchg8b(g->p, h);
    return true;
}
