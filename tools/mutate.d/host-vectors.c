/* Recorded cases of one mnemonic, on templates. */
#include "config.h"
#include "host-cross.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "insn.h"
#include "mutant.h"
#include "tb.h"
#include "vec-compare.h"
#include "vec-run.h"

enum { STEP = 5 /* of all cases, one in so many */ };

static struct vec_set set;
static uint16_t *mnem_of, *mnem_of_sweep;

static unsigned mnem_of_form(const char *form)
{
    static unsigned last;
    if (strcmp(isa_form_name[last], form) != 0)
        for (last = 1; last < FORM_COUNT && strcmp(isa_form_name[last], form) != 0;)
            last++;
    if (last == FORM_COUNT)
        last = 0;
    return isa_info[last].mnem;
}

void vectors_prepare(void)
{
    static const char *const files[] = {"onebyte-low", "onebyte-high", "twobyte", "x87", "mmx", "sse",
                                        "sse-float", NULL};
    char dir[4096];
    const char *srcdir = getenv("srcdir");
    snprintf(dir, sizeof dir, "%s/tests/vectors", srcdir ? srcdir : ".");
    vec_load(dir, files, NULL, &set);
    mnem_of = calloc(set.n_cases, sizeof *mnem_of);
    mnem_of_sweep = calloc(set.n_sweeps, sizeof *mnem_of_sweep);
    for (size_t i = 0; i < set.n_cases; i++)
        mnem_of[i] = (uint16_t)mnem_of_form(set.cases[i].form);
    for (size_t i = 0; i < set.n_sweeps; i++)
        mnem_of_sweep[i] = (uint16_t)mnem_of_form(set.sweeps[i].form);
    vec_max_reported = 1;
}

static bool alone(unsigned mnem, unsigned tb_max)
{
    struct vec_runner r;
    vec_runner_start(&r, tb_max);
    for (size_t i = 0; i < set.n_cases && !vec_failures; i++)
        if (mnem ? mnem_of[i] == mnem : i % STEP == tb_max % STEP && mnem_group(mnem_of[i]) == mutated_group)
            vec_run_alone(&r, &set.cases[i]);
    for (size_t i = 0; i < set.n_sweeps && !vec_failures; i++)
        if (mnem ? mnem_of_sweep[i] == mnem : i % 61 == 0 && mnem_group(mnem_of_sweep[i]) == mutated_group)
            vec_run_sweep(&r, &set.sweeps[i]);
    vec_runner_end(&r);
    return !vec_failures;
}

static bool chained(unsigned mnem, unsigned tb_max)
{
    static struct vec_chains ch;
    memset(&ch, 0, sizeof ch);
    ch.env = vec_machine_new(tb_max);
    for (size_t i = 0; i < set.n_cases && !ch.failures; i++)
        if (mnem ? mnem_of[i] == mnem : i % STEP == tb_max % STEP && mnem_group(mnem_of[i]) == mutated_group)
            vec_chains_add(&ch, &set.cases[i]);
    vec_chains_flush(&ch);
    vec_machine_free(ch.env);
    return !ch.failures;
}

bool vectors_run(unsigned mnem)
{
    vec_failures = 0;
    return alone(mnem, TB_MAX_INSNS) && chained(mnem, TB_MAX_INSNS) && chained(mnem, 1);
}
