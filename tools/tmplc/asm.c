/* Lines of one variant to words with fields. */
#include "asm.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* `N:' at the start of a line, any number of times. */
static void parse_labels(void)
{
    for (;;) {
        skip();
        char *stop;
        if (!isdigit((unsigned char)*cur))
            return;
        long n = strtol(cur, &stop, 10);
        if (*stop != ':') {
            asm_error("cannot understand `%s'", cur);
            return;
        }
        if (n < 1 || n > 999 || v->nlabels == 32) {
            asm_error("local labels are numbers from 1 to 999");
            return;
        }
        v->labels[v->nlabels++] = (struct local_label){ (int)n, v->nw, ln->number, false };
        cur = stop + 1;
    }
}

/* %hi means what goes with the %lo or %lou of the same parameter. */
static void pair_hi_lo(void)
{
    int lo[MAX_PARAMS] = { 0 };

    for (int i = 0; i < v->nw; i++)
        for (int j = 0; j < v->w[i].nf; j++) {
            const struct field *f = &v->w[i].f[j];
            if (f->kind == F_IMM && (f->e.part == PART_LO || f->e.part == PART_LOU))
                lo[f->e.param] |= f->e.part == PART_LO ? 1 : 2;
        }
    for (int i = 0; i < v->nw; i++)
        for (int j = 0; j < v->w[i].nf; j++) {
            struct field *f = &v->w[i].f[j];
            if (f->kind != F_IMM || (f->e.part != PART_HI && f->e.part != PART_HIU))
                continue;
            const char *name = st->param[f->e.param].name;
            if (lo[f->e.param] == 3)
                error_at(st->file, v->w[i].line, "both %%lo and %%lou of `%s'", name);
            else if (lo[f->e.param] == 0 && f->e.part == PART_HI)
                error_at(st->file, v->w[i].line, "%%hi($%s) without %%lo or %%lou: write %%hiu", name);
            else if (lo[f->e.param] == 1 && f->e.part == PART_HIU)
                error_at(st->file, v->w[i].line, "%%hiu($%s) with %%lo: write %%hi", name);
            else if (lo[f->e.param] == 2 && f->e.part == PART_HI) {
                f->e.part = PART_HIU;
                w = &v->w[i];
                w->asm_args = xprintf(", %s", "");
                /* operands of lui: register, then this */
                bool fixed_reg = true;
                for (int k = 0; k < w->nf; k++)
                    fixed_reg &= w->f[k].kind != F_REG;
                struct expr e = f->e;
                char *value = xprintf("(long long)(%s)", expr_value(&e));
                if (fixed_reg) {
                    w->asm_args = xprintf(", %s", value);
                } else {
                    for (int k = 0; k < w->nf; k++)
                        if (w->f[k].kind == F_REG)
                            w->asm_args = xprintf(", (int)v[%d], %s", w->f[k].param, value);
                }
            }
        }
}

static void resolve_labels(void)
{
    for (int i = 0; i < v->nw; i++)
        for (int j = 0; j < v->w[i].nf; j++) {
            struct field *f = &v->w[i].f[j];
            if (f->kind != F_LOCAL)
                continue;
            int n = f->local < 0 ? -f->local : f->local, best = -1;
            for (int k = 0; k < v->nlabels; k++) {
                if (v->labels[k].number != n)
                    continue;
                bool before = v->labels[k].word <= i;
                if (f->local < 0 && before)
                    best = k; /* the last one before */
                if (f->local > 0 && !before && best < 0)
                    best = k;
            }
            if (best < 0) {
                error_at(st->file, v->w[i].line, "no local label %d%s", n, f->local < 0 ? "b" : "f");
                continue;
            }
            v->labels[best].used = true;
            v->w[i].local_target = v->labels[best].word;
            v->w[i].base |= (uint32_t)(v->labels[best].word - (i + 1)) & 0xffff;
            w = &v->w[i];
            memmove(f, f + 1, (size_t)(v->w[i].nf - j - 1) * sizeof(*f));
            v->w[i].nf--;
            j--;
        }
    for (int k = 0; k < v->nlabels; k++) {
        if (!v->labels[k].used)
            error_at(st->file, v->labels[k].line, "local label %d is not used", v->labels[k].number);
        if (v->labels[k].word < v->nw)
            v->w[v->labels[k].word].label_here = true;
        else
            v->label_at_end = true;
    }
}

struct variant *assemble(struct stanza *s, int width, int needs)
{
    int errors = error_count;

    v = xalloc(sizeof(*v));
    st = s;
    v->s = s;
    v->width = width;
    v->widths = width / 8; /* 8, 16, 32, 64, 128 bits */
    v->needs = needs;
    for (int i = 0; i < s->nlines; i++) {
        ln = &s->lines[i];
        if (width && !(ln->widths & v->widths))
            continue;
        if (ln->needs != NEEDS_COMMON && ln->needs != needs)
            continue;
        cur = ln->text;
        bad = false;
        if (!width && ln->widths != 31)
            asm_error("a line for some widths in a stanza without widths");
        parse_labels();
        skip();
        if (!*cur || bad)
            continue;
        if (accept("record")) {
            parse_record();
            continue;
        }
        char name[32];
        size_t n = 0;
        while (cur[n] && cur[n] != ' ' && cur[n] != '\t' && n < sizeof(name) - 1) {
            name[n] = cur[n];
            n++;
        }
        name[n] = 0;
        cur += n;
        const struct opcode *op = find_opcode(name);
        if (op)
            instruction(op);
        else if (!pseudo(name))
            asm_error("unknown mnemonic `%s'", name);
    }
    if (error_count != errors)
        return NULL;
    pair_hi_lo();
    resolve_labels();
    return error_count == errors ? v : NULL;
}

static bool expr_equal(const struct expr *a, const struct expr *b)
{
    return a->cst == b->cst && a->coef == b->coef && a->param == b->param && a->bits == b->bits
        && a->part == b->part && a->pos == b->pos && a->n == b->n && (a->c == b->c || (a->c && b->c && !strcmp(a->c, b->c)));
}

/* The same words, records apart from their width, and fields. */
bool variants_equal(const struct variant *a, const struct variant *b)
{
    if (a->nw != b->nw || a->needs != b->needs)
        return false;
    for (int i = 0; i < a->nw; i++) {
        const struct word *x = &a->w[i], *y = &b->w[i];
        if (x->base != y->base || x->nf != y->nf)
            return false;
        for (int j = 0; j < x->nf; j++) {
            const struct field *f = &x->f[j], *g = &y->f[j];
            if (f->kind != g->kind || f->param != g->param || f->shift != g->shift || f->off != g->off
                || f->scale != g->scale || f->bits != g->bits
                || (f->kind == F_IMM && !expr_equal(&f->e, &g->e)))
                return false;
        }
    }
    const struct record *r = &a->record, *q = &b->record;
    return r->type == q->type && !strcmp(r->kind, q->kind) && !memcmp(&r->dst, &q->dst, sizeof(r->dst))
        && !memcmp(&r->src, &q->src, sizeof(r->src)) && !memcmp(&r->src2, &q->src2, sizeof(r->src2))
        && !memcmp(&r->res, &q->res, sizeof(r->res));
}
