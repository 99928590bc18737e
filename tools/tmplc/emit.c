/* Variants to C: the code that emits their words, and the header of snippets. */
#include "emit.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

static FILE *out;
static const char *out_name;
static int out_line;

void put(const char *fmt, ...)
{
    char buf[2048], *s = buf;
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof(buf)) {
        s = xalloc((size_t)n + 1);
        va_start(ap, fmt);
        vsnprintf(s, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    for (const char *c = s; *c; c++)
        out_line += *c == '\n';
    fputs(s, out);
}

/* Back to the generated file after #line of a template. */
void own_line(void)
{
    put("#line %d \"%s\"\n", out_line + 1, out_name);
}

/* Members that a condition's stanza looks at, by the names of its parameters. */
int member_index(const struct param *p)
{
    static const char *const names[] = { "d", "dst", "src", "src2" };
    for (int i = 0; i < 4; i++)
        if (!strcmp(p->name, names[i]))
            return i;
    return !strcmp(p->name, "res") ? 1 : -1;
}

static const char *param_c(const struct stanza *s, int p, enum style style)
{
    if (style == STYLE_NAMES)
        return s->param[p].name;
    if (s->param[p].type == PT_LABEL)
        return "a->label";
    if (s->kind == ST_VALUE || s->kind == ST_BRANCH)
        return xprintf("a->v[%d]", member_index(&s->param[p]));
    return xprintf("a->v[%d]", p);
}

static const char *expr_c(const struct stanza *s, const struct expr *e, enum style style)
{
    char *t = NULL;

    if (e->param >= 0) {
        const char *p = param_c(s, e->param, style);
        if (e->bits)
            p = xprintf("tmpl_bits(%s)", p);
        else if (e->n)
            p = xprintf("((uint32_t)%s >> %d & %du)", p, e->pos, (1 << e->n) - 1);
        else
            p = xprintf("(uint32_t)%s", p);
        if (e->coef != 1 && e->coef != -1)
            p = xprintf("%uu * %s", (unsigned)(e->coef < 0 ? -e->coef : e->coef), p);
        t = e->coef < 0 ? xprintf("0u - %s", p) : xprintf("%s", p);
    }
    if (e->c)
        t = t ? xprintf("%s + (uint32_t)(%s)", t, e->c) : xprintf("(uint32_t)(%s)", e->c);
    if (e->cst || !t)
        t = t ? xprintf("%s %c %uu", t, e->cst < 0 ? '-' : '+', (unsigned)(e->cst < 0 ? -e->cst : e->cst))
              : xprintf("%uu", (unsigned)e->cst);
    switch (e->part) {
    case PART_HI:
        return xprintf("((%s + 0x8000u) >> 16)", t);
    case PART_HIU:
        return xprintf("((%s) >> 16)", t);
    default:
        return xprintf("(%s)", t);
    }
}

void put_word(const struct variant *v, int i, enum style style)
{
    const struct word *w = &v->w[i];
    const struct stanza *s = v->s;

    put("#line %d \"%s\"\n", w->line, s->file);
    put("    p[%d] = 0x%08xu", i, w->base);
    for (int j = 0; j < w->nf; j++) {
        const struct field *f = &w->f[j];
        switch (f->kind) {
        case F_REG:
            put(" | (uint32_t)(%s%s) << %d", param_c(s, f->param, style), f->half ? " + 1" : "", f->shift);
            break;
        case F_IMM: {
            const char *e = expr_c(s, &f->e, style);
            if (f->off)
                e = xprintf("((uint32_t)a->off[%d] + %s)", f->off - 1, e);
            if (f->scale > 1)
                e = xprintf("(uint32_t)((int32_t)(%s) / %d)", e, f->scale);
            put(" | (%s & 0x%xu)", e, f->bits == 16 ? 0xffffu : (1u << f->bits) - 1);
            if (f->shift)
                put(" << %d", f->shift);
            break;
        }
        case F_LABEL:
            put(" | tmpl_branch(p + %d, %s)", i, param_c(s, f->param, style));
            break;
        case F_JUMP:
            put(" | tmpl_jump(p + %d, %s)", i, param_c(s, f->param, style));
            break;
        case F_LOCAL:
            break;
        }
    }
    put(";\n");
}

/* Run-time checks of what the declared types promise. */
void put_checks(const struct variant *v, enum style style)
{
    const struct stanza *s = v->s;
    unsigned index = 0;

    for (int i = 0; i < v->nw; i++)
        if ((v->w[i].op->flags & OP_INDEXED) && v->w[i].index_param >= 0)
            index |= 1u << v->w[i].index_param;
    for (int p = 0; p < s->nparams; p++) {
        const struct param *q = &s->param[p];
        const char *n = param_c(s, p, style);
        if (q->type == PT_IMM && !(q->lo == INT32_MIN && q->hi == INT32_MAX))
            put("    TMPL_CHECK(%s >= %lld && %s <= %lld);\n", n, (long long)q->lo, n, (long long)q->hi);
        if (q->type == PT_REG || q->type == PT_FREG || q->type == PT_CARRY || q->type == PT_FLAGS)
            put("    TMPL_CHECK((unsigned)%s < 32u);\n", n);
        if (q->unit)
            put("    TMPL_CHECK(%s %% %d == 0);\n", n, q->unit);
        if ((index & 1u << p) || q->nonzero)
            put("    TMPL_CHECK(%s != 0);\n", n);
    }
}

/* Each parameter once, so that variants which don't look at one compile without warnings. */
static void put_unused(const struct stanza *s)
{
    for (int p = 0; p < s->nparams; p++)
        put("    (void)%s;\n", s->param[p].name);
}

char *emitter_name(const struct variant *v)
{
    static const char *const needs[] = { "", "_none", "_flags" };
    char *name = xstrndup(v->s->name, strlen(v->s->name));

    if (v->s->kind == ST_SNIPPET)
        return v->width ? xprintf("emit_%s_%d", name, v->width) : xprintf("emit_%s", name);
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    const char *kind = v->s->kind == ST_TEMPLATE ? "t" : v->s->kind == ST_VALUE ? "v" : "b";
    return xprintf("%s_%s_%d_%d%s", kind, name, v->s->line, v->width, needs[v->needs]);
}

/* For tools that show where words come from; nothing in the program itself. */
void put_trace(const struct variant *v)
{
    static const char *const needs[] = { "", ", needs none", ", needs flags" };
    const struct stanza *s = v->s;
    const char *slash = strrchr(s->file, '/');

    put("    TMPL_TRACED(p, %d, \"%s%s%s%s\", \"%s\", %d);\n", v->nw, s->kind == ST_SNIPPET ? s->name : s->title,
        needs[v->needs], s->host ? ", host " : "", s->host ? s->host : "", slash ? slash + 1 : s->file, s->line);
}

static void put_snippet(const struct variant *v)
{
    const struct stanza *s = v->s;
    const char *name = s->name;
    int seen[MAX_PARAMS] = { 0 };

    if (v->width)
        name = xprintf("%s_%d", s->name, v->width);
    put("\n/* %s */\nenum {\n    WORDS_%s = %d,\n", s->title, name, v->nw);
    for (int i = 0; i < v->nsites; i++) {
        int p = v->w[v->label_sites[i]].label_param;
        if (seen[p]++)
            put("    SITE_%s_%s_%d = %d,\n", name, s->param[p].name, seen[p], v->label_sites[i]);
        else
            put("    SITE_%s_%s = %d,\n", name, s->param[p].name, v->label_sites[i]);
    }
    put("    CLOBBERS_%s = 0x%xu\n};\n", name, v->clobbers);
    put("static inline uint32_t *%s(uint32_t *p", emitter_name(v));
    for (int p = 0; p < s->nparams; p++) {
        const struct param *q = &s->param[p];
        put(", %s%s", q->type == PT_LABEL ? "const uint32_t *" : "int ", q->name);
    }
    put(")\n{\n");
    put_unused(s);
    put_checks(v, STYLE_NAMES);
    for (int i = 0; i < v->nw; i++)
        put_word(v, i, STYLE_NAMES);
    if (v->nw)
        own_line();
    put_trace(v);
    put("    return p + %d;\n}\n", v->nw);
}

void begin(FILE *f, const char *name)
{
    out = f;
    out_name = name;
    out_line = 1;
    put("/* Generated by tmplc. */\n");
}

static void put_static_asserts(void)
{
    for (struct static_assert_text *t = static_asserts; t; t = t->next)
        put("%s\n", t->text);
}

void write_header(FILE *f, const char *name, struct variant **all, int n)
{
    begin(f, name);
    put("#ifndef STITCH86_TEMPLATES_GEN_H\n#define STITCH86_TEMPLATES_GEN_H\n\n#include <stddef.h>\n\n");
    put("#include \"cpu.h\"\n#include \"flags.h\"\n#include \"tmpl.h\"\n%s\n", includes);
    put_static_asserts();
    for (int i = 0; i < n; i++)
        if (all[i]->s->kind == ST_SNIPPET)
            put_snippet(all[i]);
    put("\n#endif\n");
}
