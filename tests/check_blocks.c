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
#include "block-run.h"
#include "suite.h"

#ifdef HAVE_TEMPLATES
enum { DEFAULT_COUNT = 1000, MAX_REPORTED = 5 };

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *v = getenv(name);
    return v ? strtoull(v, NULL, 0) : otherwise;
}

START_TEST(random_blocks)
{
    uint64_t seed = env_number("BLOCKS_SEED", 1), count = env_number("BLOCKS_COUNT", DEFAULT_COUNT);
    uint64_t first = env_number("BLOCKS_FIRST", 0);
    static struct bg_seq q;
    unsigned bad = 0;
    bg_init();
    br_new();
    for (uint64_t i = first; i < first + count && bad < MAX_REPORTED; i++) {
        bg_make(&q, br_seed(seed, i), br_reference);
        char title[100];
        snprintf(title, sizeof title, "BLOCKS_SEED=%llu BLOCKS_FIRST=%llu BLOCKS_COUNT=1", (unsigned long long)seed,
                 (unsigned long long)i);
        bad += !br_check(&q, (unsigned)i % BR_SMALL, title);
    }
    printf("%llu sequences, %llu runs, %llu instructions and %llu exceptions in the reference\n",
           (unsigned long long)count, (unsigned long long)br_runs, (unsigned long long)br_executed,
           (unsigned long long)br_exceptions);
    br_free();
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
    return suite_run(s);
#else
    return 77; /* no templates on this host */
#endif
}
