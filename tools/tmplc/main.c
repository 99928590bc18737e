/* tmplc: command line, errors, and which variants each stanza has. */
#include "disasm.h"
#include "lint.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int error_count;

void error_at(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "%s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    error_count++;
}

static struct variant **all;
static int count;

static void add(struct variant *v)
{
    all = realloc(all, (size_t)(count + 1) * sizeof(*all));
    if (!all)
        exit(1);
    all[count++] = v;
}

/* Assemble and check the variants of one stanza; equal ones of several widths become one. */
static void build(struct stanza *s)
{
    static const int widths[] = { 8, 16, 32, 64, 128 };
    struct variant *list = NULL, **tail = &list;
    int needs_first = s->has_none ? NEEDS_NONE : s->has_flags ? NEEDS_FLAGS : NEEDS_COMMON;
    int needs_last = s->has_flags ? NEEDS_FLAGS : needs_first;

    for (int w = 0; w < 5; w++) {
        if (s->widths && !(s->widths & 1 << w))
            continue;
        if (!s->widths && w)
            break;
        for (int needs = needs_first; needs <= needs_last; needs++) {
            int before = error_count;
            struct variant *v = assemble(s, s->widths ? widths[w] : 0, needs);
            if (!v)
                return;
            check_variant(v);
            if (error_count != before)
                return;
            struct variant *same = NULL;
            for (struct variant *o = list; o && s->kind != ST_SNIPPET; o = o->next)
                if (variants_equal(o, v))
                    same = o;
            if (same) {
                same->widths |= v->widths;
                continue;
            }
            *tail = v;
            tail = &v->next;
        }
    }
    check_stanza(s, list);
    for (; list; list = list->next)
        add(list);
}

/* Does every operand that fits q fit p, too? */
static bool covers(const struct param *p, const struct param *q)
{
    switch (p->type) {
    case PT_REG:
        return ((q->type == PT_REG && (p->cls == CL_GPR) == (q->cls == CL_GPR) && p->lo <= q->lo) || q->type == PT_SAME || q->type == PT_CL);
    case PT_IMM:
    case PT_MASK:
    case PT_NMASK:
        return q->type == p->type && p->lo <= q->lo && p->hi >= q->hi;
    default:
        return q->type == p->type;
    }
}

static int operands(const struct stanza *s)
{
    int n = 0;
    for (int i = 0; i < s->nparams; i++)
        n += s->param[i].type != PT_CARRY && s->param[i].type != PT_FLAGS && s->param[i].type != PT_LABEL;
    return n;
}

static bool records_overlap(const struct stanza *a, const struct stanza *b)
{
    if (!(a->conds & b->conds))
        return false;
    for (int i = 0; i < a->nrecords; i++)
        for (int j = 0; j < b->nrecords; j++)
            if (!strcmp(a->records[i], b->records[j]))
                return true;
    return false;
}

/* A stanza that is never chosen, since an earlier one takes all its operands. */
static void check_duplicates(void)
{
    for (struct stanza *b = stanzas; b; b = b->next)
        for (struct stanza *a = stanzas; a != b; a = a->next) {
            if (a->kind != b->kind)
                continue;
            bool dup;
            if (a->kind == ST_SNIPPET) {
                dup = !strcmp(a->name, b->name);
            } else {
                dup = a->kind == ST_TEMPLATE ? !strcmp(a->name, b->name) : records_overlap(a, b);
                dup = dup && (a->widths & b->widths) && operands(a) == operands(b) && (!a->host || a->host == b->host)
                    && !(a->has_none != a->has_flags && a->has_none == b->has_flags
                         && a->has_flags == b->has_none);
                for (int i = 0; dup && i < operands(a); i++)
                    dup = covers(&a->param[i], &b->param[i]);
            }
            if (dup) {
                error_at(b->file, b->line, "stanza `%s' duplicates the one at %s:%d", b->name, a->file,
                         a->line);
                break;
            }
        }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static FILE *create(const char *name)
{
    FILE *f = fopen(name, "w");
    if (!f) {
        fprintf(stderr, "tmplc: cannot write %s\n", name);
        exit(1);
    }
    return f;
}

int main(int argc, char **argv)
{
    const char *header = NULL, *table = NULL, *selftest = NULL, *list = NULL, *ledger = NULL;
    bool lint_too = false;
    int files = 0;

    for (int i = 1; i < argc; i++) {
        const char **option = !strcmp(argv[i], "--header") ? &header : !strcmp(argv[i], "--table") ? &table
            : !strcmp(argv[i], "--selftest") ? &selftest : !strcmp(argv[i], "--list") ? &list
            : !strcmp(argv[i], "--ledger") ? &ledger : NULL;
        if (!strcmp(argv[i], "--lint")) {
            lint_too = true;
        } else if (option && i + 1 < argc) {
            *option = argv[++i];
        } else if (!strcmp(argv[i], "--isa") && i + 1 < argc) {
            isa_load(argv[++i]);
        } else if (!strcmp(argv[i], "--disasm") && i + 1 < argc) {
            return disasm_file(argv[i + 1]) ? 0 : 1;
        } else if (!strcmp(argv[i], "--opcodes")) {
            const struct opcode *op;
            for (size_t k = 0; (op = opcode_at(k)); k++)
                printf("%s%s\n", op->name, op->flags & OP_REFUSED ? " refused" : "");
            return 0;
        } else if (argv[i][0] == '-') {
            fprintf(stderr, "usage: tmplc [--isa ISA.TAB] [--header OUT.h] [--table OUT.c] "
                    "[--selftest OUT.c] [--list OUT] [--ledger DIR] [--lint] FILE.tmpl...\n"
                    "       tmplc --opcodes | --disasm WORDS\n");
            return strcmp(argv[i], "--help") ? 2 : 0;
        } else {
            parse_file(argv[i]);
            files++;
        }
    }
    if (!files) {
        fputs("tmplc: no files\n", stderr);
        return 2;
    }
    if (!error_count) {
        check_duplicates();
        for (struct stanza *s = stanzas; s; s = s->next)
            build(s);
    }
    if (lint_too && !error_count) {
        const char *last = "";
        for (struct stanza *s = stanzas; s; s = s->next) {
            if (strcmp(s->file, last))
                lint_layout(s->file);
            last = s->file;
        }
        lint_words(all, count);
        lint_choices(all, count);
    }
    if (error_count) {
        fprintf(stderr, "tmplc: %d error%s\n", error_count, error_count == 1 ? "" : "s");
        return 1;
    }
    int failed = 0;
    FILE *f;
    if (header) {
        f = create(header);
        write_header(f, header, all, count);
        failed |= fclose(f);
    }
    if (table) {
        f = create(table);
        write_table(f, table, header ? base_name(header) : "templates-gen.h", all, count);
        failed |= fclose(f);
    }
    if (selftest) {
        f = create(selftest);
        write_selftest(f, table ? base_name(table) : "templates-gen.c", all, count);
        failed |= fclose(f);
    }
    if (list) {
        static const char *const needs[] = { "any", "none", "flags" };
        f = create(list);
        for (int i = 0; i < count; i++)
            fprintf(f, "%s\t%d\t%s\t%d\t%s:%d\n", all[i]->s->title, all[i]->widths, needs[all[i]->needs],
                    all[i]->nw, base_name(all[i]->s->file), all[i]->s->line);
        failed |= fclose(f);
    }
    if (ledger)
        failed |= !write_ledger(ledger, all, count);
    if (failed) {
        fputs("tmplc: write error\n", stderr);
        return 1;
    }
    return 0;
}
