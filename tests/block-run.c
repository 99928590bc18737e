/* Runs a sequence on the interpreter and on templates, and compares.
 *
 * Each sequence runs from several starts, more than once (so that links and the jump cache are used), with
 * blocks of several sizes, with and without -icount. */
#include "config.h"
#include "block-run.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_TEMPLATES
#include "optimise-env.h"
#include "tb.h"

enum { MAX_INSNS = 400, MACHINES = BR_SMALL + 2 };

static const unsigned sizes[] = {1, 2, 4, TB_MAX_INSNS};
static struct bm *machine[MACHINES];
struct bm *br_reference;
uint64_t br_executed, br_runs, br_exceptions;

void br_new(void)
{
    optimise_from_env();
    br_reference = bm_new(0, true);
    for (unsigned i = 0; i < MACHINES; i++)
        machine[i] = bm_new(sizes[i / 2], i & 1);
}

void br_free(void)
{
    for (unsigned i = 0; i < MACHINES; i++)
        bm_free(machine[i]);
    bm_free(br_reference);
}

uint64_t br_seed(uint64_t seed, uint64_t number)
{
    return seed * 0x100000001b3ull ^ number * 0x9e3779b97f4a7c15ull;
}

/* The first of n machines that differs from the reference in any run of the sequence, or NULL.
 * fresh: without blocks from before. */
static struct bm *differs(struct bg_seq *q, struct bm **m, unsigned n, bool fresh, FILE *out)
{
    struct bm_result want, got;
    for (unsigned i = 0; fresh && i < n; i++)
        tb_flush(m[i]->env);
    for (unsigned k = 0; k < BG_STARTS; k++) {
        bm_image(br_reference->image, &q->start[k], q->at, q->code, q->len);
        int32_t max = bm_run_reference(br_reference, &q->start[k], MAX_INSNS, &want, NULL);
        if (max <= 0)
            continue;
        br_executed += (uint64_t)want.rec[want.n - 1].count;
        br_exceptions += want.n - 1;
        for (unsigned i = 0; i < n; i++) {
            if (!m[i]->icount && !want.terminal)
                continue;
            memcpy(m[i]->image, br_reference->image, sizeof m[i]->image);
            for (unsigned times = 0; times < (k == 0 ? 3 : 2); times++) {
                bm_set(m[i], &q->start[k]);
                bm_run(m[i], max, &got);
                br_runs++;
                if (!bm_differs(br_reference, &want, m[i], &got, NULL))
                    continue;
                if (out) {
                    fprintf(out, "start %u, run %u, tb_max %u, icount %d:\n", k, times, m[i]->tb_max,
                            m[i]->icount);
                    bm_differs(br_reference, &want, m[i], &got, out);
                    bm_run_reference(br_reference, &q->start[k], max, &want, out);
                }
                return m[i];
            }
        }
    }
    return NULL;
}

/* The shortest sequence that still differs, and how.  `first`: what differed at first. */
static void report(struct bg_seq *q, struct bm *m, const char *title, const char *first)
{
    fprintf(stderr, "%s:\n", title);
    if (!differs(q, &m, 1, true, NULL)) {
        fprintf(stderr, "(only with the blocks from before)\n");
        bg_print(q, stderr);
        fputs(first, stderr);
        return;
    }
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = q->n; i-- > 0;) {
            if (q->item[i].dead)
                continue;
            q->item[i].dead = true;
            bg_layout(q);
            if (differs(q, &m, 1, true, NULL))
                again = true;
            else
                q->item[i].dead = false;
        }
        bg_layout(q);
    }
    bg_print(q, stderr);
    differs(q, &m, 1, true, stderr);
}

bool br_check(struct bg_seq *q, unsigned small, const char *title)
{
    /* Whole blocks always, and one of the smaller sizes. */
    struct bm *use[] = {machine[BR_SMALL], machine[BR_SMALL + 1], machine[small]};
    char *text;
    size_t size;
    FILE *out = title ? open_memstream(&text, &size) : NULL;
    struct bm *m = differs(q, use, 3, false, out);
    if (out) {
        fclose(out);
        if (m)
            report(q, m, title, text);
        free(text);
    }
    return !m;
}
#endif
