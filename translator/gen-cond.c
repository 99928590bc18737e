/* Conditions: Jcc, SETcc, CMOVcc and carries read the flags record where its kind is known, and
 * materialised flags otherwise. */
#include "gen.h"

#include "tmpl-gen.h"

static struct tmpl_operand operand_of(const struct flag_loc *l, int canon)
{
    switch (l->where) {
    case FW_CONST:
        return (struct tmpl_operand){.kind = TO_IMM, .value = l->value};
    case FW_GREG:
        return (struct tmpl_operand){.kind = TO_REG, .value = greg(l->reg)};
    default:
        return (struct tmpl_operand){.kind = TO_REG, .value = canon};
    }
}

/* Flags that a condition looks at (SDM 2, appendix B). */
static uint32_t cond_reads(unsigned cond)
{
    static const uint16_t reads[8] = {CC_O, CC_C, CC_Z, CC_C | CC_Z, CC_S, CC_P, CC_S | CC_O, CC_S | CC_O | CC_Z};
    return reads[cond >> 1];
}

static uint32_t mod_writes(unsigned mod)
{
    switch (mod) {
    case CCM_INC: case CCM_DEC:
        return CC_ARITH & ~(uint32_t)CC_C;
    case CCM_ROL: case CCM_ROR:
        return CC_C | CC_O;
    default:
        return CC_C;
    }
}

/* The stanza for a condition of the present record, with its arguments; NULL: materialise. */
static const struct tmpl_cond *find(struct gen *g, unsigned type, unsigned cond, struct tmpl_args *args)
{
    const struct flag_state *fs = &g->fs;
    struct tmpl_operand m[3] = {{0}};
    unsigned record, width;
    uint32_t reads = cond_reads(cond);
    if (fs->has_mod && (reads & mod_writes(CC_OP_MOD(fs->mod_op)))) {
        if (reads & ~mod_writes(CC_OP_MOD(fs->mod_op)))
            return NULL;
        record = TMPL_COND_MOD | CC_OP_MOD(fs->mod_op);
        width = CC_OP_MOD_WIDTH(fs->mod_op);
        m[0] = operand_of(&fs->res, HREG_cc_res);
        m[1] = m[2] = (struct tmpl_operand){.kind = TO_IMM};
    } else {
        if (fs->dynamic)
            return NULL;
        record = CC_OP_KIND(fs->op);
        width = CC_OP_WIDTH(fs->op);
        m[0] = operand_of(&fs->dst, HREG_cc_dst);
        m[1] = operand_of(&fs->src, HREG_cc_src);
        m[2] = operand_of(&fs->src2, HREG_cc_src2);
    }
    const struct tmpl_cond *c = tmpl_find_cond(type, record, cond, width, m);
    static const int load_to[3] = {HREG_T1, HREG_T2, HREG_T3};
    bool needs_reg[3] = {false, false, false};
    if (!c) {
        /* Constants may have to be in registers. */
        struct tmpl_operand r[3];
        for (unsigned i = 0; i < 3; i++) {
            r[i] = m[i];
            if (m[i].kind == TO_IMM)
                r[i] = (struct tmpl_operand){.kind = TO_REG, .value = m[i].value == 0 ? HREG_zero : load_to[i]};
        }
        c = tmpl_find_cond(type, record, cond, width, r);
        if (!c)
            return NULL;
        for (unsigned i = 0; i < 3; i++)
            if (m[i].kind == TO_IMM) {
                needs_reg[i] = m[i].value != 0;
            }
        for (unsigned i = 0; i < 3; i++) {
            if (needs_reg[i] && (c->uses >> (i + 1) & 1))
                gen_li(g, load_to[i], m[i].value);
            args->v[i + 1] = r[i].value;
        }
    } else
        for (unsigned i = 0; i < 3; i++)
            args->v[i + 1] = m[i].value;
    args->label = NULL;
    return c;
}

void gen_cond_value(struct gen *g, unsigned cond, int d)
{
    struct tmpl_args args = {0};
    const struct tmpl_cond *c = find(g, TC_VALUE, cond, &args);
    if (!c) {
        gen_eflags(g);
        c = find(g, TC_VALUE, cond, &args);
        assert(c);
    }
    args.v[0] = d;
    g->p = c->emit(g->p, &args);
}

uint32_t *gen_cond_branch(struct gen *g, unsigned cond)
{
    struct tmpl_args args = {0};
    const struct tmpl_cond *c = find(g, TC_BRANCH, cond, &args);
    if (!c) {
        gen_eflags(g);
        c = find(g, TC_BRANCH, cond, &args);
        assert(c);
    }
    g->p = c->emit(g->p, &args);
    return g->p - 1;
}

void gen_carry(struct gen *g, int d)
{
    gen_cond_value(g, 2, d); /* B: CF = 1 */
}
