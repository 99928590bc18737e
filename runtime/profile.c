/* The profile's counters and its files: FILE, and where the guest has marked several parts of the run, FILE.2
 * for the second of them, FILE.3 and so on.
 *
 * A file is text, fields separated by tabs, one record a line, the first field says which; a line that
 * begins with # names the fields of the records below it.  tools/tmpl coverage reads it. */
#include "profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

struct form_count {
    uint64_t template_times, host_words;
    uint64_t slow; /* of template_times: the interpreter did it after all */
};

#define MAX_EVENTS 48

struct profile {
    const char *file;
    FILE *out;       /* of the next part; NULL: not open yet */
    char name[4096]; /* its name */
    unsigned parts;  /* that have or had a file */
    CPUX86State *env;
    const struct profile_source *source;
    bool stopped;
    uint64_t interp[FORM_COUNT];
    struct form_count forms[FORM_COUNT];
    struct profile_block *blocks;
    size_t nblocks, max_blocks;
    struct {
        const char *name;
        uint64_t times;
    } events[MAX_EVENTS];
    unsigned nevents;
};

/* Open the next part's file; false: it cannot be, errno tells why. */
static bool open_part(struct profile *p)
{
    p->parts++;
    int n = p->parts == 1 ? snprintf(p->name, sizeof p->name, "%s", p->file)
                          : snprintf(p->name, sizeof p->name, "%s.%u", p->file, p->parts);
    errno = ENAMETOOLONG;
    p->out = n < (int)sizeof p->name ? fopen(p->name, "we") : NULL;
    return p->out != NULL;
}

void profile_open(CPUX86State *env, const char *file)
{
    struct profile *p = calloc(1, sizeof *p);
    if (!p)
        user_error("out of memory");
    p->file = file;
    p->env = env;
    if (!open_part(p))
        user_error("-profile %s: %s", file, strerror(errno));
    env->profile = p;
}

void profile_set_source(CPUX86State *env, const struct profile_source *source)
{
    env->profile->source = source;
}

uint64_t *profile_interp_counts(CPUX86State *env)
{
    return env->profile->interp;
}

/* After a stop mark the accelerators go on counting, for nothing: the next start mark forgets it. */
void profile_interp(CPUX86State *env, unsigned form, bool slow)
{
    env->profile->interp[form]++;
    env->profile->forms[form].slow += slow;
}

void profile_template(CPUX86State *env, unsigned form, uint64_t times, uint32_t words)
{
    env->profile->forms[form].template_times += times;
    env->profile->forms[form].host_words += times * words;
}

void profile_add_block(CPUX86State *env, const struct profile_block *b)
{
    struct profile *p = env->profile;
    if (p->nblocks == p->max_blocks) {
        p->max_blocks = p->max_blocks ? p->max_blocks * 2 : 4096;
        p->blocks = realloc(p->blocks, p->max_blocks * sizeof *p->blocks);
        if (!p->blocks)
            user_error("out of memory");
    }
    p->blocks[p->nblocks++] = *b;
}

void profile_add_event(CPUX86State *env, const char *name, uint64_t times)
{
    struct profile *p = env->profile;
    if (p->nevents < MAX_EVENTS) {
        p->events[p->nevents].name = name;
        p->events[p->nevents++].times = times;
    }
}

static int by_place(const void *a, const void *b)
{
    const struct profile_block *x = a, *y = b;
    if (x->phys_pc != y->phys_pc)
        return x->phys_pc < y->phys_pc ? -1 : 1;
    if (x->eip != y->eip)
        return x->eip < y->eip ? -1 : 1;
    if (x->flags != y->flags)
        return x->flags < y->flags ? -1 : 1;
    if (x->insns != y->insns)
        return x->insns < y->insns ? -1 : 1;
    return x->host_words < y->host_words ? -1 : x->host_words > y->host_words;
}

static int by_cost(const void *a, const void *b)
{
    const struct profile_block *x = a, *y = b;
    uint64_t m = x->times * x->host_words, n = y->times * y->host_words;
    return m != n ? (m > n ? -1 : 1) : by_place(a, b);
}

/* The same block, made anew after a flush. */
static void merge_blocks(struct profile *p)
{
    if (!p->nblocks)
        return;
    qsort(p->blocks, p->nblocks, sizeof *p->blocks, by_place);
    size_t n = 0;
    for (size_t i = 1; i < p->nblocks; i++) {
        if (by_place(&p->blocks[n], &p->blocks[i]) == 0)
            p->blocks[n].times += p->blocks[i].times;
        else
            p->blocks[++n] = p->blocks[i];
    }
    p->nblocks = n + 1;
    qsort(p->blocks, p->nblocks, sizeof *p->blocks, by_cost);
}

static void write_file(struct profile *p)
{
    FILE *out = p->out;
    uint64_t templates = 0, interp = 0, words = 0;
    for (unsigned f = 0; f < FORM_COUNT; f++) {
        templates += p->forms[f].template_times - p->forms[f].slow;
        interp += p->interp[f];
        words += p->forms[f].host_words;
    }
    fprintf(out, "# stitch86 profile 1\n# total\tinstructions\ttemplate\tinterpreter\ttemplate_host_words\n"
                 "total\t%llu\t%llu\t%llu\t%llu\n",
            (unsigned long long)(templates + interp), (unsigned long long)templates,
            (unsigned long long)interp, (unsigned long long)words);
    fputs("# form\tname\ttemplate_times\tinterpreter_times\ttemplate_host_words\n", out);
    for (unsigned f = 0; f < FORM_COUNT; f++) {
        const struct form_count *c = &p->forms[f];
        if (c->template_times || p->interp[f])
            fprintf(out, "form\t%s\t%llu\t%llu\t%llu\n", isa_form_name[f],
                    (unsigned long long)(c->template_times - c->slow), (unsigned long long)p->interp[f],
                    (unsigned long long)c->host_words);
    }
    fputs("# event\tname\ttimes\n", out);
    for (unsigned i = 0; i < p->nevents; i++)
        fprintf(out, "event\t%s\t%llu\n", p->events[i].name, (unsigned long long)p->events[i].times);
    fputs("# block\teip\tphysical\tmode\ttimes\tinstructions\thost_words\n", out);
    for (size_t i = 0; i < p->nblocks; i++) {
        const struct profile_block *b = &p->blocks[i];
        fprintf(out, "block\t%08x\t%09llx\t%08x\t%llu\t%u\t%u\n", b->eip, (unsigned long long)b->phys_pc,
                b->flags, (unsigned long long)b->times, b->insns, b->host_words);
    }
}

static void stop(struct profile *p)
{
    if (p->stopped)
        return;
    p->stopped = true;
    if (p->source) {
        p->source->gather(p->env);
        p->source->events(p->env);
    }
    merge_blocks(p);
    bool good = p->out || open_part(p);
    if (good) {
        write_file(p);
        good = !ferror(p->out);
        good = fclose(p->out) == 0 && good;
    }
    if (!good)
        fprintf(stderr, "stitch86: -profile %s: %s\n", p->name, strerror(errno));
    p->out = NULL;
}

void profile_mark(void *opaque, bool start)
{
    CPUX86State *env = opaque;
    struct profile *p = env->profile;
    if (!start) {
        stop(p);
        return;
    }
    if (p->source)
        p->source->clear(env);
    memset(p->interp, 0, sizeof p->interp);
    memset(p->forms, 0, sizeof p->forms);
    p->nblocks = 0;
    p->nevents = 0;
    p->stopped = false;
}

void profile_close(CPUX86State *env)
{
    struct profile *p = env->profile;
    if (!p)
        return;
    stop(p);
    free(p->blocks);
    free(p);
    env->profile = NULL;
}
