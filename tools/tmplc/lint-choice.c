/* Stanzas that no operands choose, or that are not chosen though they are shorter: by trying operands at all
 * borders that stanzas of the same mnemonic have. */
#include "lint.h"

#include <string.h>

/* One operand: a register (the same as the first or not), memory, a constant, CL. */
enum { P_REG, P_SAME, P_MEM, P_CL, P_IMM };
struct point {
    int kind, cls;
    int64_t value;
};

static int operand_count(const struct stanza *s)
{
    int n = 0;
    while (n < s->nparams && s->param[n].type != PT_CARRY && s->param[n].type != PT_FLAGS
           && s->param[n].type != PT_LABEL)
        n++;
    return n;
}

static int mask_bits(int64_t v)
{
    for (int k = 1; k < 32; k++)
        if ((uint32_t)v == (uint32_t)(((int64_t)1 << k) - 1))
            return k;
    return -1;
}

static bool fits(const struct param *p, const struct point *x)
{
    int bits;
    switch (p->type) {
    case PT_REG:
        /* A class of SIMD operands can be for memory alone. */
        return x->kind != P_IMM && (p->cls == CL_GPR) == (x->cls == CL_GPR)
            && (p->cls == CL_GPR || !p->lo || x->kind == P_MEM);
    case PT_SAME:
        return x->kind == P_SAME;
    case PT_CL:
        return x->kind == P_CL;
    case PT_IMM:
        return x->kind == P_IMM && x->value >= p->lo && x->value <= p->hi;
    case PT_MASK:
    case PT_NMASK:
        bits = x->kind == P_IMM ? mask_bits(p->type == PT_MASK ? x->value : ~x->value) : -1;
        return bits >= p->lo && bits <= p->hi;
    default:
        return false;
    }
}

/* Some operands that fit the parameter: all kinds, and constants around every border in `borders'. */
static int points_of(const struct param *p, const int64_t *borders, int nborders, struct point *out, int max)
{
    int n = 0;
    if (p->type == PT_REG || p->type == PT_SAME || p->type == PT_CL) {
        for (int kind = P_REG; kind <= P_CL; kind++) {
            struct point x = { kind, p->cls, 0 };
            if (fits(p, &x))
                out[n++] = x;
        }
        return n;
    }
    for (int i = 0; i < nborders; i++)
        for (int d = -1; d <= 1; d++) {
            struct point x = { P_IMM, CL_GPR, borders[i] + d };
            if (n < max && fits(p, &x))
                out[n++] = x;
        }
    for (int k = 1; k < 32 && (p->type == PT_MASK || p->type == PT_NMASK); k++) {
        int64_t m = ((int64_t)1 << k) - 1;
        struct point x = { P_IMM, CL_GPR, p->type == PT_MASK ? m : ~m };
        if (n < max && fits(p, &x))
            out[n++] = x;
    }
    return n;
}

static bool takes(const struct stanza *s, const struct point *x, int n)
{
    if (operand_count(s) != n)
        return false;
    for (int i = 0; i < n; i++)
        if (!fits(&s->param[i], &x[i]))
            return false;
    return true;
}

/* Only then do their words tell which is better: loads and stores around them go by the classes. */
static bool same_classes(const struct stanza *a, const struct stanza *b)
{
    for (int i = 0; i < operand_count(a); i++)
        if (a->param[i].type == PT_SAME || b->param[i].type == PT_SAME ? a->param[0].cls != b->param[0].cls
            : a->param[i].cls != b->param[i].cls)
            return false;
    return true;
}

/* It is there for what it says about its operands, whatever that costs. */
static bool is_special(const struct stanza *s)
{
    for (int i = 0; i < operand_count(s); i++)
        if (s->param[i].type == PT_SAME || (s->param[i].type == PT_REG && s->param[i].lo))
            return true;
    return false;
}

struct choice {
    struct variant **all;
    int n;
    const struct variant *v; /* the one that is asked about */
    bool chosen;
    const struct variant *longer; /* is chosen instead of v, though it has more words */
};

/* Where v would be taken, o is. */
static bool comes_before(const struct variant *o, const struct variant *v)
{
    bool needs = o->needs == NEEDS_COMMON || v->needs == NEEDS_COMMON || o->needs == v->needs;
    /* The host may lack what the earlier one wants. */
    return needs && (!o->s->host || o->s->host == v->s->host);
}

static void try_point(struct choice *c, const struct point *x, int n)
{
    for (int width = 1; width <= 16; width *= 2) {
        if (!(c->v->widths & width))
            continue;
        for (int i = 0; i < c->n; i++) {
            const struct variant *o = c->all[i];
            if (o == c->v) {
                c->chosen = true;
                break;
            }
            if (o->s->kind != ST_TEMPLATE || strcmp(o->s->name, c->v->s->name) || !(o->widths & width)
                || !comes_before(o, c->v) || !takes(o->s, x, n))
                continue;
            if (o->nw > c->v->nw && o->needs == c->v->needs && o->s->host == c->v->s->host
                && same_classes(o->s, c->v->s) && !is_special(o->s))
                c->longer = o;
            break;
        }
    }
}

static void try_operands(struct choice *c, struct point *x, int i, const int64_t *borders, int nborders)
{
    const struct stanza *s = c->v->s;
    struct point some[256];
    if (i == operand_count(s)) {
        try_point(c, x, i);
        return;
    }
    int n = points_of(&s->param[i], borders, nborders, some, 256);
    for (int k = 0; k < n; k++) {
        if (i == 0 && some[k].kind == P_SAME)
            continue;
        x[i] = some[k];
        try_operands(c, x, i + 1, borders, nborders);
    }
}

static void one_choice(struct variant **all, int n, const struct variant *v)
{
    int64_t borders[256];
    int nborders = 0;
    struct point x[MAX_PARAMS];
    struct choice c = { all, n, v, false, NULL };

    for (int i = 0; i < n; i++)
        for (int p = 0; p < all[i]->s->nparams && !strcmp(all[i]->s->name, v->s->name); p++)
            if (all[i]->s->param[p].type == PT_IMM && nborders < 252) {
                borders[nborders++] = all[i]->s->param[p].lo;
                borders[nborders++] = all[i]->s->param[p].hi;
            }
    try_operands(&c, x, 0, borders, nborders);
    if (!c.chosen)
        lint(v->s->file, v->s->line, "no operands choose this stanza: earlier ones take them all");
    else if (c.longer)
        lint(v->s->file, v->s->line, "`%s' at %s:%d is longer, but chosen first", c.longer->s->title,
             c.longer->s->file, c.longer->s->line);
}

void lint_choices(struct variant **all, int n)
{
    for (int i = 0; i < n; i++)
        if (all[i]->s->kind == ST_TEMPLATE)
            one_choice(all, n, all[i]);
}
