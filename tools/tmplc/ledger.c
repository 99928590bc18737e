/* The cost of each stanza: its host instructions in each variant, parameters by name.  tests/ledger/ keeps
 * what this prints. */
#include "tmplc.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "disasm.h"

static const char *param_text(const struct stanza *s, int p, bool half)
{
    const struct param *q = &s->param[p];
    return xprintf("$%s%s", q->name, q->cls != CL_PAIR ? "" : half ? ".hi" : ".lo");
}

/* A C constant as the author wrote it: ENV(member), C(constant). */
static const char *constant_text(const char *c)
{
    static const char env[] = "((int64_t)offsetof(CPUX86State, ", other[] = "((int64_t)(";
    size_t n = strlen(c);
    if (!strncmp(c, env, sizeof(env) - 1))
        return xprintf("ENV(%.*s)", (int)(n - sizeof(env) - 1), c + sizeof(env) - 1);
    if (!strncmp(c, other, sizeof(other) - 1))
        return xprintf("C(%.*s)", (int)(n - sizeof(other) - 1), c + sizeof(other) - 1);
    return xprintf("C(%s)", c);
}

/* The expression plus `bias', as source. */
static const char *expr_text(const struct stanza *s, const struct expr *e, int64_t bias)
{
    static const char *const parts[] = { "", "%hi", "%hiu", "%lo", "%lou" };
    int64_t cst = e->cst + bias;
    const char *t = NULL;

    if (e->param >= 0 && e->coef) {
        const char *p = param_text(s, e->param, false);
        if (e->bits)
            p = xprintf("bits(%s)", p);
        else if (e->n)
            p = xprintf("field(%s, %d, %d)", p, e->pos, e->n);
        t = e->coef == 1 ? p : e->coef == -1 ? xprintf("-%s", p) : xprintf("%d*%s", e->coef, p);
        if (e->coef < 0 && cst) { /* 32-$i */
            t = xprintf("%lld%s", (long long)cst, t);
            cst = 0;
        }
    }
    if (e->c)
        t = t ? xprintf("%s+%s", t, constant_text(e->c)) : constant_text(e->c);
    if (cst || !t)
        t = t ? xprintf("%s%+lld", t, (long long)cst) : xprintf("%lld", (long long)cst);
    return e->part == PART_ALL ? t : xprintf("%s(%s)", parts[e->part], t);
}

struct place {
    const struct variant *v;
    const struct word *w;
};

/* Size of an ins from the fields of position and last bit. */
static const char *ins_size(const struct stanza *s, const struct word *w, const struct field *msb,
                            int64_t upper)
{
    const struct field *pos = NULL;
    struct expr size = { .param = -1 };

    for (int i = 0; i < w->nf; i++)
        if (w->f[i].kind == F_IMM && w->f[i].shift == 6)
            pos = &w->f[i];
    if (msb) {
        size = msb->e;
        size.cst += upper;
    } else {
        size.cst = (w->base >> 11 & 31) + upper;
    }
    if (!pos) {
        size.cst -= w->base >> 6 & 31;
    } else if (!msb) {
        size.cst -= pos->e.cst;
        size.param = pos->e.param;
        size.coef = -pos->e.coef;
        size.bits = pos->e.bits;
    } else { /* both vary with the same parameter */
        size.cst -= pos->e.cst;
        size.param = -1;
    }
    return expr_text(s, &size, 1);
}

static const char *field_text(void *opaque, const struct opcode *op, char letter, int shift)
{
    const struct place *at = opaque;
    const struct stanza *s = at->v->s;
    const struct field *f = NULL;
    char last = *op->name == 'd' ? op->name[strlen(op->name) - 1] : 0;
    bool upper = last == 'u', middle = last == 'm';

    for (int i = 0; i < at->w->nf; i++)
        if ((at->w->f[i].kind == F_REG || at->w->f[i].kind == F_IMM) && at->w->f[i].shift == shift)
            f = &at->w->f[i];
    if (letter == 'y') {
        for (int i = 0; i < at->w->nf; i++)
            if (at->w->f[i].kind == F_IMM)
                return ins_size(s, at->w, f, upper || middle ? 32 : 0);
        return NULL;
    }
    if (!f)
        return NULL;
    if (f->kind == F_REG)
        return param_text(s, f->param, f->half);
    if (letter == 'z')
        return expr_text(s, &f->e, middle ? 33 : 1);
    return expr_text(s, &f->e, (letter == 'p' || letter == 'q') && upper ? 32 : 0);
}

static const char *target_text(void *opaque, uint32_t word, bool jump)
{
    const struct place *at = opaque;
    (void)word;
    (void)jump;
    if (at->w->label_param >= 0)
        return param_text(at->v->s, at->w->label_param, false);
    for (int k = 0; k < at->v->nlabels; k++)
        if (at->v->labels[k].word == at->w->local_target)
            return xprintf("%d%c", at->v->labels[k].number,
                           at->w->local_target > at->w - at->v->w ? 'f' : 'b');
    return NULL;
}

static const char *value_text(const struct variant *v, const struct value *x)
{
    return x->kind == V_PARAM ? param_text(v->s, x->index, false) : x->kind == V_HOST
        ? xprintf("$%s", register_name(x->index)) : xprintf("%lld", (long long)x->cst);
}

static void put_record(FILE *f, const struct variant *v)
{
    static const char *const types[] = { "", "none", "", "mod ", "flags=", "dynamic", "dynamic nomod" };
    const struct record *r = &v->record;
    const struct {
        const char *name;
        const struct value *value;
    } members[] = { { "dst", &r->dst }, { "src", &r->src }, { "src2", &r->src2 }, { "res", &r->res } };

    if (r->type == REC_ABSENT || r->type == REC_NONE || v->needs == NEEDS_NONE)
        return;
    fprintf(f, "    record %s", types[r->type]);
    if (r->type == REC_FLAGS) {
        fprintf(f, "%s\n", value_text(v, &r->src));
        return;
    }
    if (r->type == REC_KIND || r->type == REC_MOD) {
        fputs(r->kind, f);
        for (int i = 0; i < 4; i++)
            if (members[i].value->kind != V_NONE)
                fprintf(f, " %s=%s", members[i].name, value_text(v, members[i].value));
    }
    fputc('\n', f);
}

static void put_labels(FILE *f, const struct variant *v, int word)
{
    for (int k = 0; k < v->nlabels; k++)
        if (v->labels[k].word == word)
            fprintf(f, "%d:\n", v->labels[k].number);
}

static void put_variant(FILE *f, const struct variant *v)
{
    static const char *const needs[] = { "", ", needs none", ", needs flags" };
    struct place at = { .v = v };
    struct disasm d = { .opaque = &at, .field = field_text, .target = target_text };
    int mask = v->s->kind == ST_SNIPPET ? v->width / 8 : v->widths;
    char buf[160];

    fputs("  ", f);
    for (int w = 1; w <= 16; w *= 2)
        if (mask & w)
            fprintf(f, "%d%s", w * 8, mask >= w * 2 ? " " : "");
    fprintf(f, "%s%s%d\n", mask ? "" : "all", v->needs ? xprintf("%s: ", needs[v->needs]) : ": ", v->nw);
    for (int i = 0; i < v->nw; i++) {
        at.w = &v->w[i];
        d.op = at.w->op;
        put_labels(f, v, i);
        fprintf(f, "    %s\n", disasm(at.w->base, &d, buf, sizeof(buf)));
    }
    put_labels(f, v, v->nw);
    put_record(f, v);
}

static const char *stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    return xstrndup(name, dot ? (size_t)(dot - name) : strlen(name));
}

static void put_title(FILE *f, const struct stanza *s)
{
    static const char *const kinds[] = { "snippet", "template", "value", "branch" };
    fprintf(f, "\n%s %s", kinds[s->kind], s->title);
    if (s->host)
        fprintf(f, ", host %s", s->host);
    if (s->has_none != s->has_flags)
        fputs(s->has_none ? ", needs none" : ", needs flags", f);
    fputc('\n', f);
}

/* DIR/NAME.txt for each NAME.tmpl; false when one cannot be written. */
bool write_ledger(const char *dir, struct variant **all, int n)
{
    const char *file = NULL;
    FILE *f = NULL;
    bool good = mkdir(dir, 0777) == 0 || errno == EEXIST;

    for (int i = 0; i < n && good; i++) {
        const struct stanza *s = all[i]->s;
        if (!file || strcmp(file, s->file)) {
            file = s->file;
            good = !f || fclose(f) == 0;
            f = fopen(xprintf("%s/%s.txt", dir, stem(file)), "w");
            if (!f)
                return false;
            fprintf(f, "# Host instructions of each stanza in templates/%s.tmpl.  "
                    "Made by `tools/tmpl ledger --accept'.\n", stem(file));
        }
        if (i == 0 || all[i - 1]->s != s)
            put_title(f, s);
        put_variant(f, all[i]);
    }
    return good && (!f || fclose(f) == 0);
}
