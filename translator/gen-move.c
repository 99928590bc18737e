/* Data movement: MOV, MOVZX, MOVSX, LEA, XCHG, SETcc, CMOVcc, and flag bits outside the lazy record. */
#include "gen.h"

#include "tmpl-gen.h"

bool gen_nop(struct gen *g, const struct insn *in)
{
    (void)g;
    (void)in;
    return true;
}

bool gen_mov(struct gen *g, const struct insn *in)
{
    const struct operand *d = &in->op[0], *s = &in->op[1];
    unsigned size = d->size;
    if (d->kind == OPK_SREG)
        return gen_load_sreg(g, in);
    if (d->kind == OPK_REG && s->kind == OPK_REG) {
        gen_guest_write(g, size == 1 ? d->reg & 3 : d->reg);
        if (size == 4)
            gen_move(g, greg(d->reg), greg(s->reg));
        else if (size == 1 && s->reg >= 4) {
            g->p = emit_reg_u8h(g->p, HREG_T1, greg(s->reg - 4));
            gen_reg_insert(g, d->reg, size, HREG_T1);
        } else
            gen_reg_insert(g, d->reg, size, greg(s->reg));
        return true;
    }
    if (d->kind == OPK_REG && s->kind == OPK_IMM) {
        gen_guest_write(g, size == 1 ? d->reg & 3 : d->reg);
        if (size == 4)
            gen_li(g, greg(d->reg), (int32_t)in->imm);
        else {
            gen_li(g, HREG_T1, size == 1 ? (int8_t)in->imm : (int16_t)in->imm);
            gen_reg_insert(g, d->reg, size, HREG_T1);
        }
        return true;
    }
    if (d->kind == OPK_REG && s->kind == OPK_MEM) {
        if (!gen_mem_ok(g, in))
            return false;
        gen_guest_write(g, size == 1 ? d->reg & 3 : d->reg);
        struct gen_ea a = gen_ea(g, in);
        if (size == 4)
            gen_load(g, greg(d->reg), a, 4, true);
        else {
            gen_load(g, HREG_T1, a, size, true);
            gen_reg_insert(g, d->reg, size, HREG_T1);
        }
        return true;
    }
    if (d->kind == OPK_MEM && (s->kind == OPK_REG || s->kind == OPK_IMM)) {
        if (!gen_mem_ok(g, in))
            return false;
        int v;
        if (s->kind == OPK_IMM) {
            v = in->imm == 0 ? HREG_zero : HREG_T1;
            if (v != HREG_zero)
                gen_li(g, v, size == 1 ? (int8_t)in->imm : size == 2 ? (int16_t)in->imm : (int32_t)in->imm);
        } else if (size == 1 && s->reg >= 4) {
            v = HREG_T1;
            g->p = emit_reg_u8h(g->p, v, greg(s->reg - 4));
        } else
            v = greg(s->reg);
        gen_store(g, v, gen_ea(g, in), size);
        return true;
    }
    /* Selector of a segment register to a general register or memory (a word, whatever the operand size). */
    if (s->kind == OPK_SREG && d->kind == OPK_REG) {
        gen_guest_write(g, d->reg);
        if (size == 4)
            gen_selector(g, greg(d->reg), s->reg);
        else {
            gen_selector(g, HREG_T1, s->reg);
            gen_reg_insert(g, d->reg, 2, HREG_T1);
        }
        return true;
    }
    if (s->kind == OPK_SREG && d->kind == OPK_MEM && d->size == 2 && gen_mem_ok(g, in)) {
        gen_selector(g, HREG_T1, s->reg);
        gen_store(g, HREG_T1, gen_ea(g, in), 2);
        return true;
    }
    return false;
}

void gen_selector(struct gen *g, int d, unsigned seg)
{
    g->p = emit_env_lw(g->p, d, (int)(offsetof(CPUX86State, segs) + seg * sizeof(struct segment)
                                      + offsetof(struct segment, selector)));
}

/* MOVZX, MOVSX */
bool gen_movx(struct gen *g, const struct insn *in)
{
    const struct operand *d = &in->op[0], *s = &in->op[1];
    bool sign = in->mnem == MN_MOVSX;
    if (s->kind == OPK_MEM && !gen_mem_ok(g, in))
        return false;
    gen_guest_write(g, d->reg);
    int t = d->size == 4 ? greg(d->reg) : HREG_T1;
    if (s->kind == OPK_MEM)
        gen_load(g, t, gen_ea(g, in), s->size, sign);
    else if (s->size == 2)
        g->p = sign ? emit_reg_s16(g->p, t, greg(s->reg)) : emit_reg_u16(g->p, t, greg(s->reg));
    else if (s->reg < 4)
        g->p = sign ? emit_reg_s8(g->p, t, greg(s->reg)) : emit_reg_u8(g->p, t, greg(s->reg));
    else
        g->p = sign ? emit_reg_s8h(g->p, t, greg(s->reg - 4)) : emit_reg_u8h(g->p, t, greg(s->reg - 4));
    if (d->size != 4)
        gen_reg_insert(g, d->reg, d->size, t);
    return true;
}

bool gen_lea(struct gen *g, const struct insn *in)
{
    if (in->addrsize != 4 || in->op[0].size != 4)
        return false;
    unsigned d = in->op[0].reg;
    gen_guest_write(g, d);
    /* Straight into the destination where the address is one addition. */
    if (in->index == INSN_NOREG && in->base != INSN_NOREG && in->disp >= -32768 && in->disp < 32768) {
        if (in->disp == 0)
            gen_move(g, greg(d), greg(in->base));
        else
            g->p = emit_addiu(g->p, greg(d), greg(in->base), in->disp);
        return true;
    }
    if (in->index != INSN_NOREG && in->base != INSN_NOREG && in->disp == 0) {
        int x = greg(in->index);
        if (in->scale) {
            g->p = emit_sll(g->p, HREG_at, x, in->scale);
            x = HREG_at;
        }
        g->p = emit_addu(g->p, greg(d), greg(in->base), x);
        return true;
    }
    gen_move(g, greg(d), gen_effective(g, in, false));
    return true;
}

bool gen_xchg(struct gen *g, const struct insn *in)
{
    const struct operand *a = &in->op[0], *b = &in->op[1];
    unsigned size = a->size;
    if (a->kind == OPK_REG && b->kind == OPK_REG) {
        gen_guest_write(g, size == 1 ? a->reg & 3 : a->reg);
        gen_guest_write(g, size == 1 ? b->reg & 3 : b->reg);
        if (size == 4) {
            gen_move(g, HREG_at, greg(a->reg));
            gen_move(g, greg(a->reg), greg(b->reg));
            gen_move(g, greg(b->reg), HREG_at);
        } else {
            int x = gen_reg_value(g, a->reg, size, HREG_T1), y = gen_reg_value(g, b->reg, size, HREG_T2);
            gen_reg_insert(g, a->reg, size, y);
            gen_reg_insert(g, b->reg, size, x);
        }
        return true;
    }
    if (b->kind == OPK_MEM) {
        const struct operand *t = a;
        a = b;
        b = t;
    }
    if (!gen_mem_ok(g, in))
        return false;
    gen_guest_write(g, size == 1 ? b->reg & 3 : b->reg);
    struct gen_rmw m;
    gen_rmw_begin(g, &m, in, HREG_T1, size);
    int v = gen_reg_value(g, b->reg, size, HREG_T2);
    gen_rmw_store(g, &m, v);
    gen_reg_insert(g, b->reg, size, HREG_T1);
    return true;
}

bool gen_setcc(struct gen *g, const struct insn *in)
{
    const struct operand *d = &in->op[0];
    if (d->kind == OPK_MEM && !gen_mem_ok(g, in))
        return false;
    if (d->kind == OPK_REG)
        gen_guest_write(g, d->reg & 3);
    gen_cond_value(g, in->cond, HREG_T3);
    if (d->kind == OPK_REG)
        gen_reg_insert(g, d->reg, 1, HREG_T3);
    else
        gen_store(g, HREG_T3, gen_ea(g, in), 1);
    return true;
}

bool gen_cmovcc(struct gen *g, const struct insn *in)
{
    const struct operand *d = &in->op[0], *s = &in->op[1];
    if (d->size != 4 || (s->kind == OPK_MEM && !gen_mem_ok(g, in)))
        return false;
    /* Memory is read, and may fault, whatever the condition. */
    gen_guest_write(g, d->reg);
    int v = s->kind == OPK_REG ? greg(s->reg) : HREG_T2;
    if (s->kind == OPK_MEM) {
        gen_load(g, HREG_T4, gen_ea(g, in), 4, true);
        v = HREG_T4;
    }
    gen_cond_value(g, in->cond, HREG_T3);
    g->p = emit_movn(g->p, greg(d->reg), v, HREG_T3);
    return true;
}

/* DF is a part of the block's key: setting it to what it is costs nothing, and a change ends the block. */
bool gen_changes_df(const struct gen *g, const struct insn *in)
{
    bool df = g->flags & TB_FLAG_DF;
    return (in->mnem == MN_STD && !df) || (in->mnem == MN_CLD && df);
}

bool gen_cld_std(struct gen *g, const struct insn *in)
{
    if (!gen_changes_df(g, in))
        return true;
    g->p = in->mnem == MN_STD ? emit_std(g->p) : emit_cld(g->p);
    gen_exit_mode(g, g->eips[g->cur + 1]);
    return true;
}
