/* What the emitters and the generator tell while a block is made. */
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

#define MAX_SPANS 65536
#define MAX_PARTS 4096

static struct show_span *spans;
static unsigned nspans, nframe;
static struct show_part parts[MAX_PARTS];
static unsigned nparts;

void trace_clear(bool all)
{
    if (!spans && !(spans = calloc(MAX_SPANS, sizeof *spans)))
        user_error("out of memory");
    if (all)
        nframe = 0;
    nspans = nframe;
    nparts = 0;
}

void trace_keep(void)
{
    nframe = nspans;
}

void tmpl_trace(const uint32_t *p, unsigned words, const char *title, const char *file, int line)
{
    if (nspans == MAX_SPANS)
        user_error("trace is full");
    struct show_span *s = &spans[nspans++];
    *s = (struct show_span){.p = p, .words = words, .title = title, .file = file, .line = line};
    memcpy(s->word, p, (words < 16 ? words : 16) * sizeof *p);
}

void gen_trace(const struct gen *g, enum gen_trace what, unsigned n)
{
    if (nparts == MAX_PARTS)
        user_error("trace is full");
    struct show_part *p = &parts[nparts++];
    *p = (struct show_part){.start = g->p, .what = what, .n = n, .insn = what == GEN_TRACE_EXIT ? g->n : n};
    if (what == GEN_TRACE_STUB) {
        p->kind = g->stubs[n].kind;
        p->insn = g->stubs[n].insn;
        /* The exit behind the last instruction counts as instruction g->n. */
        bool exits = p->kind == STUB_EXIT || p->kind == STUB_POLL || p->kind == STUB_MISS;
        for (unsigned i = 0; exits && i < nparts; i++)
            if (parts[i].what == GEN_TRACE_EXIT)
                p->insn = g->n;
    }
}

const struct show_part *trace_parts(unsigned *n)
{
    *n = nparts;
    return parts;
}

/* Words that were made elsewhere and copied (the flags record on its way to its registers, the operation of a
 * read-modify-write): the emitter that wrote the same word. */
static const struct show_span *copied_from(uint32_t word, bool *first)
{
    for (unsigned i = nspans; i-- > nframe;)
        for (unsigned k = 0; k < spans[i].words && k < 16; k++)
            if (spans[i].word[k] == word) {
                *first = k == 0;
                return &spans[i];
            }
    return NULL;
}

const struct show_span *trace_find(const uint32_t *p, bool *first)
{
    for (unsigned i = nspans; i-- > nframe;)
        if (p >= spans[i].p && p < spans[i].p + spans[i].words) {
            *first = p == spans[i].p;
            return &spans[i];
        }
    *first = false;
    return copied_from(*p, first);
}

const char *trace_symbol(const uint32_t *p)
{
    static char name[80];
    const struct tb_context *c = show_ctx;
    static const char *const sizes[3] = { "8", "16", "32" };
    const struct {
        const uint32_t *at;
        const char *name;
    } known[] = {
        { c->exit_link, "exit_link" }, { c->exit_eip, "exit_eip" }, { c->exit_lookup, "exit_lookup" },
        { c->exit_end, "exit_end" }, { c->thunk_flags, "thunk_flags" }, { c->thunk_interp, "thunk_interp" },
    };
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].at == p)
            return known[i].name;
    for (unsigned i = 0; i < 3; i++) {
        const char *what = p == c->thunk_ld[i] ? "ld" : p == c->thunk_ldrw[i] ? "ldrw"
            : p == c->thunk_st[i] ? "st" : NULL;
        if (what) {
            snprintf(name, sizeof name, "thunk_%s_%s", what, sizes[i]);
            return name;
        }
    }
    for (unsigned i = 0; i < nframe; i++)
        if (p >= spans[i].p && p < spans[i].p + spans[i].words) {
            snprintf(name, sizeof name, p == spans[i].p ? "%s" : "%s+%d", spans[i].title,
                     (int)(p - spans[i].p));
            return name;
        }
    return NULL;
}
