/* Words that can be saved or are spelt in a roundabout way. */
#include "lint.h"

#include <stdlib.h>
#include <string.h>

/* ---- spelling: pseudo instructions are the plain way to say it ---- */

struct split {
    char name[16];
    char op[4][48];
    int n;
};

static void split_line(const char *text, struct split *s)
{
    memset(s, 0, sizeof(*s));
    size_t n = strcspn(text, " ");
    snprintf(s->name, sizeof(s->name), "%.*s", (int)n, text);
    text += n;
    while (s->n < 4) {
        text += strspn(text, " ");
        if (!*text)
            return;
        n = strcspn(text, ",");
        snprintf(s->op[s->n++], sizeof(s->op[0]), "%.*s", (int)n, text);
        text += n + (text[n] == ',');
    }
}

static bool zero(const char *operand)
{
    return !strcmp(operand, "$zero");
}

static void spelling(const struct stanza *st, const struct line *l)
{
    struct split s;
    split_line(l->text, &s);
    const char *better = NULL;
    bool three = s.n == 3;

    if (three && zero(s.op[2])
        && (!strcmp(s.name, "or") || !strcmp(s.name, "addu") || !strcmp(s.name, "daddu")))
        better = xprintf("move %s, %s", s.op[0], s.op[1]);
    else if (three && zero(s.op[1])
             && (!strcmp(s.name, "addiu") || !strcmp(s.name, "daddiu")
                 || (!strcmp(s.name, "ori") && s.op[2][0] != '$')))
        better = xprintf("li %s, %s", s.op[0], s.op[2]);
    else if (three && !strcmp(s.name, "nor") && zero(s.op[1]) && zero(s.op[2]))
        better = xprintf("li %s, -1", s.op[0]);
    else if (three && !strcmp(s.name, "nor") && zero(s.op[2]))
        better = xprintf("not %s, %s", s.op[0], s.op[1]);
    else if (three && !strcmp(s.name, "subu") && zero(s.op[1]))
        better = xprintf("negu %s, %s", s.op[0], s.op[2]);
    else if (three && !strcmp(s.name, "beq") && zero(s.op[0]) && zero(s.op[1]))
        better = xprintf("b %s", s.op[2]);
    else if (three && (!strcmp(s.name, "beq") || !strcmp(s.name, "bne")) && zero(s.op[1]) && !zero(s.op[0]))
        better = xprintf("%sz %s, %s", s.name, s.op[0], s.op[2]);
    else if (s.n == 4 && !strcmp(s.name, "dext") && !strcmp(s.op[2], "0") && !strcmp(s.op[3], "32"))
        better = xprintf("zx64 %s, %s", s.op[0], s.op[1]);
    else if (!strcmp(s.name, "sll") && three && !strcmp(s.op[0], "$zero"))
        better = "nop";
    if (better)
        lint(st->file, l->number, "write `%s'", better);
}

/* ---- words ---- */

static bool has_field(const struct word *w, int shift)
{
    for (int i = 0; i < w->nf; i++)
        if (w->f[i].shift == shift && (w->f[i].kind == F_REG || w->f[i].kind == F_IMM))
            return true;
    return false;
}

/* The register at that place: parameters count from 64. */
static int reg_at(const struct word *w, int shift)
{
    for (int i = 0; i < w->nf; i++)
        if (w->f[i].shift == shift && w->f[i].kind == F_REG)
            return 64 + 2 * w->f[i].param + w->f[i].half;
    return (int)(w->base >> shift & 31);
}

static bool is(const struct word *w, const char *name)
{
    return !strcmp(w->op->name, name);
}

static bool idle(const struct word *w)
{
    if (is(w, "or"))
        return reg_at(w, 11) == reg_at(w, 21) && reg_at(w, 16) == 0;
    if (is(w, "daddiu"))
        return reg_at(w, 16) == reg_at(w, 21) && !has_field(w, 0) && (w->base & 0xffff) == 0;
    if (is(w, "srl") || is(w, "sra") || is(w, "dsll") || is(w, "dsrl") || is(w, "dsra"))
        return reg_at(w, 11) == reg_at(w, 16) && !has_field(w, 6) && (w->base >> 6 & 31) == 0;
    return false;
}

/* Two words that one does: the second takes the first's result and replaces it. */
static const char *one_for_two(const struct word *a, const struct word *b)
{
    if (is(a, "sll") && (is(b, "srl") || is(b, "sra")) && !has_field(a, 6) && !has_field(b, 6)
        && reg_at(a, 11) == reg_at(b, 16) && reg_at(b, 11) == reg_at(a, 11)) {
        unsigned left = a->base >> 6 & 31, right = b->base >> 6 & 31;
        if (is(b, "sra") && left == right && (left == 16 || left == 24))
            return left == 16 ? "seh" : "seb";
        if (is(b, "srl") && right >= left && right > 0)
            return "ext";
    }
    if (is(a, "srl") && is(b, "andi") && !has_field(a, 6) && !has_field(b, 0)
        && reg_at(a, 11) == reg_at(b, 21) && reg_at(b, 16) == reg_at(a, 11)) {
        uint32_t mask = b->base & 0xffff;
        if (mask && !(mask & (mask + 1)))
            return "ext";
    }
    if (is(a, "addiu") && is(b, "addiu") && !has_field(a, 0) && !has_field(b, 0)
        && reg_at(a, 16) == reg_at(b, 21) && reg_at(b, 16) == reg_at(a, 16) && reg_at(a, 21) != 0)
        return "addiu";
    return NULL;
}

/* Does a word from `from' on read the register before it is written?  Branches: any later word counts. */
static bool read_later(const struct variant *v, int from, int reg)
{
    bool branches = false;
    for (int i = 0; i < v->nw; i++)
        branches |= (v->w[i].op->flags & OP_BRANCH) != 0;
    for (int i = branches ? 0 : from; i < v->nw; i++) {
        if (v->w[i].reads >> reg & 1)
            return true;
        if (!branches && (v->w[i].writes >> reg & 1))
            return false;
    }
    const struct value *values[] = { &v->record.dst, &v->record.src, &v->record.src2, &v->record.res };
    for (int k = 0; k < 4; k++)
        if (values[k]->kind == V_HOST && values[k]->index == reg)
            return true;
    return false;
}

static void words(const struct variant *v)
{
    const struct stanza *s = v->s;
    const uint32_t scratch = 1u << find_register("at") | 1u << find_register("X1") | 1u << find_register("X2")
        | 1u << find_register("X3") | s->temps;

    for (int i = 0; i < v->nw; i++) {
        const struct word *w = &v->w[i];
        if (idle(w))
            lint(s->file, w->line, "`%s' does nothing here", w->op->name);
        bool apart = i + 1 == v->nw || v->w[i + 1].label_here || (i && (v->w[i - 1].op->flags & OP_BRANCH));
        const char *one = apart ? NULL : one_for_two(w, &v->w[i + 1]);
        if (one)
            lint(s->file, v->w[i + 1].line, "one `%s' does both", one);
        /* What a snippet leaves in scratch may be the translator's to use. */
        uint32_t alone = w->writes & scratch;
        if (s->kind == ST_SNIPPET || !alone || (w->writes & ~scratch) || w->pwrites
            || (w->op->flags & (OP_STORE | OP_BRANCH)))
            continue;
        for (int r = 0; r < 32; r++)
            if ((alone >> r & 1) && !read_later(v, i + 1, r))
                lint(s->file, w->line, "$%s is written, but never read", register_name(r));
    }
}

/* ---- all of them ---- */

static bool same_params(const struct stanza *a, const struct stanza *b)
{
    if (a->nparams != b->nparams)
        return false;
    for (int i = 0; i < a->nparams; i++)
        if (a->param[i].type != b->param[i].type || a->param[i].lo != b->param[i].lo
            || a->param[i].hi != b->param[i].hi)
            return false;
    return true;
}

static void same_words(struct variant **all, int i)
{
    const struct variant *v = all[i];

    for (int k = 0; v->s->kind == ST_SNIPPET && v->nw && k < i; k++) {
        const struct stanza *o = all[k]->s;
        if (o->kind == ST_SNIPPET && o != v->s && same_params(o, v->s) && variants_equal(all[k], v))
            lint(v->s->file, v->s->line, "the same words as `%s' at %s:%d", o->name, o->file, o->line);
    }
}

void lint_words(struct variant **all, int n)
{
    for (struct stanza *s = stanzas; s; s = s->next)
        for (int i = 0; i < s->nlines; i++)
            spelling(s, &s->lines[i]);
    for (int i = 0; i < n; i++) {
        words(all[i]);
        same_words(all, i);
    }
}
