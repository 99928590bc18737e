/* Listings: guest instructions with the host code that stands for each. */
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include "disasm.h"
#include "log.h"

/* Words of the block that something branches to, in the order of their addresses. */
#define MAX_LABELS 2048
#define TITLE_COLUMNS 26

struct listing {
    FILE *f;
    const struct show_block *b;
    bool sources;
    const uint32_t *labels[MAX_LABELS];
    unsigned nlabels;
    const uint32_t *at; /* the word that is being printed */
};

static void find_labels(struct listing *l)
{
    const struct show_block *b = l->b;
    for (const uint32_t *p = b->code; p < b->end; p++) {
        const uint32_t *t = host_target(p);
        if (!t || t < b->code || t >= b->end)
            continue;
        unsigned k = 0;
        while (k < l->nlabels && l->labels[k] < t)
            k++;
        if (k < l->nlabels && l->labels[k] == t)
            continue;
        if (l->nlabels == MAX_LABELS)
            user_error("too many labels");
        memmove(&l->labels[k + 1], &l->labels[k], (l->nlabels - k) * sizeof l->labels[0]);
        l->labels[k] = t;
        l->nlabels++;
    }
}

static const struct show_part *part_of(const struct show_block *b, const uint32_t *p)
{
    const struct show_part *part = NULL;
    for (unsigned k = 0; k < b->nparts && b->parts[k].start <= p; k++)
        part = &b->parts[k];
    return part;
}

/* "L2.1", out of line "out2.1": the first one of instruction 2.  Such names stay what they are when another
 * instruction's code changes.  NULL: nothing branches there. */
static const char *label_of(const struct listing *l, const uint32_t *p)
{
    static char name[32];
    const struct show_part *mine = part_of(l->b, p);
    unsigned n = 0;
    for (unsigned k = 0; k < l->nlabels; k++) {
        const struct show_part *part = part_of(l->b, l->labels[k]);
        if (!part || !mine)
            continue;
        n += part->insn == mine->insn && (part->what == GEN_TRACE_STUB) == (mine->what == GEN_TRACE_STUB);
        if (l->labels[k] == p) {
            snprintf(name, sizeof name, "%s%u.%u", mine->what == GEN_TRACE_STUB ? "out" : "L",
                     mine->insn + 1, n);
            return name;
        }
    }
    return NULL;
}

static const char *target_text(void *opaque, uint32_t word, bool jump)
{
    struct listing *l = opaque;
    (void)word;
    (void)jump;
    const uint32_t *t = host_target(l->at);
    const char *label = label_of(l, t);
    return label ? label : trace_symbol(t);
}

static const char *member_text(void *opaque, int offset)
{
    (void)opaque;
    return env_member(offset);
}

static void put_words(struct listing *l, const uint32_t *p, const uint32_t *end)
{
    struct disasm d = {.opaque = l, .target = target_text, .member = member_text};
    const struct show_span *last = NULL;
    char text[120], source[80];
    for (; p < end; p++) {
        bool first;
        const struct show_span *s = trace_find(p, &first);
        const char *label = label_of(l, p);
        l->at = p;
        if (label)
            fprintf(l->f, "%s:\n", label);
        const char *title = s && (first || s != last) ? s->title : s ? "" : "?";
        disasm(*p, &d, text, sizeof text);
        if (strlen(title) > TITLE_COLUMNS) { /* a stanza for many */
            fprintf(l->f, "    %s\n", title);
            title = "";
        }
        if (l->sources && s && (first || s != last)) {
            snprintf(source, sizeof source, "%s:%d", s->file, s->line);
            fprintf(l->f, "    %-*s %-44s %s\n", TITLE_COLUMNS, title, text, source);
        } else
            fprintf(l->f, "    %-*s %s\n", TITLE_COLUMNS, title, text);
        last = s;
    }
}

char *insn_text(const struct show_block *b, unsigned i, char *buf, size_t size)
{
    return insn_format(&b->insns[i], b->eips[i], buf, size);
}

static void put_path(FILE *f, struct path w)
{
    if (w.min < 0)
        fprintf(f, "%s", w.calls_c ? "calls C" : w.loops ? "a loop" : "no way through");
    else if (w.min == w.max)
        fprintf(f, "%d", w.max);
    else
        fprintf(f, "%d-%d", w.min, w.max);
}


static void put_stubs(struct listing *l, unsigned insn)
{
    const struct show_block *b = l->b;
    for (unsigned k = 0; k < b->nparts; k++)
        if (b->parts[k].what == GEN_TRACE_STUB && b->parts[k].insn == insn) {
            fprintf(l->f, "  out of line\n");
            put_words(l, b->parts[k].start, k + 1 < b->nparts ? b->parts[k + 1].start : b->end);
        }
}

void listing_block(FILE *f, const struct show_block *b, unsigned count, bool sources)
{
    struct listing l = {.f = f, .b = b, .sources = sources};
    char text[100];
    find_labels(&l);
    unsigned common = 0;
    if (b->nparts && b->parts[0].start > b->code) {
        fprintf(f, "entry: %u\n", (unsigned)(b->parts[0].start - b->code));
        put_words(&l, b->code, b->parts[0].start);
    }
    for (unsigned k = 0; k < b->nparts; k++) {
        const struct show_part *p = &b->parts[k];
        const uint32_t *end = k + 1 < b->nparts ? b->parts[k + 1].start : b->end;
        if (p->what == GEN_TRACE_STUB || (p->what == GEN_TRACE_INSN ? p->n >= count : sources))
            break;
        if (p->what == GEN_TRACE_INSN) {
            struct path way = path_of_insn(b, p->n);
            common += way.max > 0 ? (unsigned)way.max : 0;
            fprintf(f, "%s: ", insn_text(b, p->n, text, sizeof text));
            if (insn_interpreted(b, p->n))
                fprintf(f, "interpreter");
            else
                put_path(f, way);
            fprintf(f, " (%u words, %u out of line)\n", words_of_insn(b, p->n), words_out_of_line(b, p->n));
        } else
            fprintf(f, "exit: %u words\n", (unsigned)(end - p->start));
        if (p->start == end)
            fprintf(f, "    (nothing)\n");
        put_words(&l, p->start, end);
        if (sources && p->what == GEN_TRACE_INSN)
            put_stubs(&l, p->n);
    }
    if (!sources)
        fprintf(f, "all: %u guest instructions, at most %u host instructions, %u words, %u out of line\n", b->n,
                common, (unsigned)(b->out_of_line - b->code), (unsigned)(b->end - b->out_of_line));
}

char *listing_text(const uint8_t *bytes, unsigned n, uint32_t eip, const struct show_host *host,
                   unsigned count, bool sources)
{
    static struct show_block b;
    char *text;
    size_t size;
    unsigned at = 0, done = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        user_error("out of memory");
    while (at < n && done < count) {
        if (!world_block(bytes + at, n - at, eip + at, host, &b)) {
            fclose(f);
            free(text);
            return NULL;
        }
        if (at)
            fprintf(f, "next block\n");
        listing_block(f, &b, count - done, sources);
        done += b.n;
        at = b.eips[b.n] - eip;
    }
    fclose(f);
    return text;
}
