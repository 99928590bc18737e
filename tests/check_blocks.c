/* Random sequences of instructions: templates against the interpreter.
 *
 * Each sequence runs from several starts, more than once (so that links and the jump cache are used), with
 * blocks of 1, 2, 4 and 64 instructions, with and without -icount.  Environment: BLOCKS_SEED,
 * BLOCKS_COUNT (sequences), BLOCKS_FIRST (number of the first one). */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block-gen.h"
#include "block-machine.h"
#ifdef HAVE_TEMPLATES
#include "tb.h"
#endif

#ifdef HAVE_TEMPLATES
enum { DEFAULT_COUNT = 1000, MAX_INSNS = 400, MAX_REPORTED = 5 };

static const unsigned sizes[] = {1, 2, 4, TB_MAX_INSNS};
enum { MACHINES = 8 };
static struct bm *reference, *machine[MACHINES];
static uint64_t executed, runs, exceptions;

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *v = getenv(name);
    return v ? strtoull(v, NULL, 0) : otherwise;
}

/* The first of n machines that differs from the reference in any run of the sequence, or NULL.
 * fresh: without blocks from before. */
static struct bm *differs(struct bg_seq *q, struct bm **m, unsigned n, bool fresh, FILE *out)
{
    struct bm_result want, got;
    for (unsigned i = 0; fresh && i < n; i++)
        tb_flush(m[i]->env);
    for (unsigned k = 0; k < BG_STARTS; k++) {
        bm_image(reference->image, &q->start[k], q->at, q->code, q->len);
        int32_t max = bm_run_reference(reference, &q->start[k], MAX_INSNS, &want, NULL);
        if (max <= 0)
            continue;
        executed += (uint64_t)want.rec[want.n - 1].count;
        exceptions += want.n - 1;
        for (unsigned i = 0; i < n; i++) {
            if (!m[i]->icount && !want.terminal)
                continue;
            memcpy(m[i]->image, reference->image, sizeof m[i]->image);
            for (unsigned times = 0; times < (k == 0 ? 3 : 2); times++) {
                bm_set(m[i], &q->start[k]);
                bm_run(m[i], max, &got);
                runs++;
                if (!bm_differs(reference, &want, m[i], &got, NULL))
                    continue;
                if (out) {
                    fprintf(out, "start %u, run %u, tb_max %u, icount %d:\n", k, times, m[i]->tb_max,
                            m[i]->icount);
                    bm_differs(reference, &want, m[i], &got, out);
                    bm_run_reference(reference, &q->start[k], max, &want, out);
                }
                return m[i];
            }
        }
    }
    return NULL;
}

/* `first`: what differed at first. */
static void report(struct bg_seq *q, struct bm *m, uint64_t seed, uint64_t number, const char *first)
{
    fprintf(stderr, "BLOCKS_SEED=%llu BLOCKS_FIRST=%llu BLOCKS_COUNT=1:\n", (unsigned long long)seed,
            (unsigned long long)number);
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

START_TEST(random_blocks)
{
    uint64_t seed = env_number("BLOCKS_SEED", 1), count = env_number("BLOCKS_COUNT", DEFAULT_COUNT);
    uint64_t first = env_number("BLOCKS_FIRST", 0);
    static struct bg_seq q;
    unsigned bad = 0;
    bg_init();
    reference = bm_new(0, true);
    for (unsigned i = 0; i < MACHINES; i++)
        machine[i] = bm_new(sizes[i / 2], i & 1);
    for (uint64_t i = first; i < first + count && bad < MAX_REPORTED; i++) {
        bg_make(&q, seed * 0x100000001b3ull ^ i * 0x9e3779b97f4a7c15ull, reference);
        /* Whole blocks always, and one of the smaller sizes. */
        struct bm *use[] = {machine[6], machine[7], machine[i % 6]};
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        struct bm *m = differs(&q, use, 3, false, out);
        fclose(out);
        if (m) {
            report(&q, m, seed, i, text);
            bad++;
        }
        free(text);
    }
    printf("%llu sequences, %llu runs, %llu instructions and %llu exceptions in the reference\n",
           (unsigned long long)count, (unsigned long long)runs, (unsigned long long)executed,
           (unsigned long long)exceptions);
    bm_free(reference);
    for (unsigned i = 0; i < MACHINES; i++)
        bm_free(machine[i]);
    ck_assert_msg(bad == 0, "%u sequences differ", bad);
}
END_TEST
#endif

int main(void)
{
#ifdef HAVE_TEMPLATES
    Suite *s = suite_create("blocks");
    TCase *t = tcase_create("random");
    tcase_set_timeout(t, getenv("BLOCKS_COUNT") ? 0 : 300);
    tcase_add_test(t, random_blocks);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int bad = srunner_ntests_failed(r);
    srunner_free(r);
    return bad ? 1 : 0;
#else
    return 77; /* no templates on this host */
#endif
}
