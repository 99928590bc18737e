/* Choice of a stanza: the first row, in the order of the source, that takes the operands. */
#include "tmpl.h"

#include <stddef.h>

/* 2^k - 1 with lo <= k <= hi. */
static bool is_mask(uint32_t v, int32_t lo, int32_t hi)
{
    if (v == 0 || (v & (v + 1)))
        return false;
    int32_t k = 32 - __builtin_clz(v);
    return k >= lo && k <= hi;
}

static inline bool takes(const struct tmpl_param *p, const struct tmpl_operand *op)
{
    switch (p->kind) {
    case TP_REG:
        return op->kind == (p->cls == TC_GPR ? TO_REG : TO_SIMD) && !(p->lo && op->value >= 0);
    case TP_IMM:
        return op->kind == TO_IMM && op->value >= p->lo && op->value <= p->hi;
    case TP_MASK:
        return op->kind == TO_IMM && is_mask((uint32_t)op->value, p->lo, p->hi);
    case TP_NMASK:
        return op->kind == TO_IMM && is_mask(~(uint32_t)op->value, p->lo, p->hi);
    case TP_CL:
        return op->kind == TO_CL;
    default:
        return false;
    }
}

static inline bool all_fit(const struct tmpl *t, const struct tmpl_operand *op, unsigned nops)
{
    for (unsigned k = 0; k < nops; k++) {
        if (t->param[k].kind == TP_SAME) {
            if (op[k].kind != op[0].kind || (op[k].kind != TO_REG && op[k].kind != TO_SIMD) || op[0].value < 0
                || op[k].value != op[0].value)
                return false;
        } else if (!takes(&t->param[k], &op[k])) {
            return false;
        }
    }
    return true;
}

const struct tmpl *tmpl_find(unsigned mnem, const struct tmpl_operand *op, unsigned nops, unsigned width,
                             bool flags_live)
{
    if (mnem >= tmpl_index_size)
        return NULL;
    const struct tmpl *t = &tmpl_table[tmpl_index[mnem].first];
    for (unsigned i = 0; i < tmpl_index[mnem].count; i++, t++) {
        if (t->nops != nops || !(t->widths & 1u << width)
            || t->needs == (flags_live ? TMPL_NONE : TMPL_FLAGS))
            continue;
        if (all_fit(t, op, nops))
            return t;
    }
    return NULL;
}

const struct tmpl *tmpl_find_simd(unsigned mnem, const struct tmpl_operand *op, unsigned nops, unsigned width,
                                  unsigned host)
{
    if (mnem >= tmpl_index_size)
        return NULL;
    const struct tmpl *t = &tmpl_table[tmpl_index[mnem].first];
    for (unsigned i = 0; i < tmpl_index[mnem].count; i++, t++)
        if (t->nops == nops && (t->widths & 1u << width) && !(t->host & ~host) && all_fit(t, op, nops))
            return t;
    return NULL;
}

const struct tmpl_cond *tmpl_find_cond(unsigned type, unsigned record, unsigned cond, unsigned width,
                                       const struct tmpl_operand member[3])
{
    const struct tmpl_range *r = &tmpl_cond_index[type][record][cond];
    const struct tmpl_cond *c = &tmpl_cond_table[r->first];

    for (unsigned i = 0; i < r->count; i++, c++) {
        bool fits = c->widths & 1u << width;
        for (unsigned k = 1; k < 4 && fits; k++)
            if (c->uses & 1u << k)
                fits = takes(&c->param[k], &member[k - 1]);
        if (fits)
            return c;
    }
    return NULL;
}
