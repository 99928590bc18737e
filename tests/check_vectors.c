/* Every recorded instruction case on the interpreter and, where they run, on templates with
 * 1, 4 and many instructions a block, for each kind of host: alone, and in chains of cases. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "insn.h"
#include "optimise.h"
#include "suite.h"
#include "vec-compare.h"
#include "vec-run.h"
#ifdef HAVE_TEMPLATES
#include "tb.h"
#endif

enum { LEAST_CASES = 20 };

static struct vec_set set;

/* The interpreter (tb_max 0), templates with blocks of that many instructions, and the templates that hosts
 * without MSA use. */
static const struct way {
    unsigned tb_max;
    const char *host; /* STITCH86_HOST */
    const char *text;
} ways[] = {
    {0, NULL, "the interpreter"},
#ifdef HAVE_TEMPLATES
    {1, NULL, "blocks of 1"}, {4, NULL, "blocks of 4"}, {TB_MAX_INSNS, NULL, "blocks of many"},
    {1, "mmi", "blocks of 1 without MSA"}, {TB_MAX_INSNS, "mmi", "blocks of many without MSA"},
#endif
};
enum { WAYS = sizeof ways / sizeof *ways };

/* For vec_machine_new(). */
static unsigned begin_way(const struct way *w)
{
    if (w->host)
        setenv("STITCH86_HOST", w->host, 1);
    vec_failures = 0;
    return w->tb_max;
}

/* Only MMX and SSE have variants for hosts. */
static bool differs(const struct way *w, bool simd)
{
    return !w->host || simd;
}

START_TEST(alone)
{
    const struct way *w = &ways[_i];
    struct vec_runner r;
    vec_runner_start(&r, begin_way(w));
    for (size_t i = 0; i < set.n_cases; i++)
        if (differs(w, set.cases[i].simd))
            vec_run_alone(&r, &set.cases[i]);
    vec_runner_end(&r);
    ck_assert_msg(vec_failures == 0, "%u differences with %s", vec_failures, w->text);
}
END_TEST

/* Templates compute only with the usual control words; with the others blocks call the interpreter, so
 * that a part of those sweeps is enough there.  A block of a sweep's case has one instruction of interest. */
static bool sweep_wanted(const struct vec_sweep *s, size_t index, const struct way *w)
{
    unsigned mode = s->s.mode;
    bool usual = s->x87 ? mode == 0x37f || mode == 0x27f || mode == 0xf7f : mode == WORLD_MXCSR;
    return w->tb_max == 0 || (differs(w, !s->x87) && ((usual && w->tb_max == 1) || index % 16 == 0));
}

START_TEST(swept)
{
    const struct way *w = &ways[_i];
    struct vec_runner r;
    size_t n = 0;
    vec_runner_start(&r, begin_way(w));
    for (size_t i = 0; i < set.n_sweeps; i++)
        if (sweep_wanted(&set.sweeps[i], i, w))
            n += vec_run_sweep(&r, &set.sweeps[i]);
    vec_runner_end(&r);
    ck_assert_msg(vec_failures == 0, "%u differences in %zu cases of sweeps with %s", vec_failures, n,
                  w->text);
}
END_TEST

/* Coprime to the number of cases or nearly so: neighbours in a chain are of different forms. */
enum { STRIDE = 7919 };

START_TEST(chained)
{
    static struct vec_chains ch;
    const struct way *w = &ways[_i];
    memset(&ch, 0, sizeof ch);
    ch.env = vec_machine_new(begin_way(w));
    for (size_t i = 0, k = 0; i < set.n_cases; i++, k = (k + STRIDE) % set.n_cases)
        /* Blocks of 1 take long to make. */
        if (differs(w, set.cases[k].simd) && (w->tb_max != 1 || i / 64 % 4 == 0))
            vec_chains_add(&ch, &set.cases[k]);
    vec_chains_flush(&ch);
    uint64_t all = ch.env->icount, interp = ch.env->insns_interp;
    vec_machine_free(ch.env);
    /* Or else it would be the interpreter that passes; without an optimisation it may have more to do. */
    bool few = interp < all / 10 || optimise_set != OPTIMISE_ALL;
    ck_assert_msg(!w->tb_max || !all || few, "%llu of %llu instructions through the interpreter",
                  (unsigned long long)interp, (unsigned long long)all);
    ck_assert_msg(ch.failures == 0, "%u chains differ with %s", ch.failures, w->text);
}
END_TEST

/* Cases of sweeps with the usual MXCSR: first those of one sweep together, then a few of each, mixed. */
START_TEST(chained_sweeps)
{
    static struct vec_chains ch;
    const struct way *w = &ways[_i];
    memset(&ch, 0, sizeof ch);
    ch.env = vec_machine_new(begin_way(w));
    for (unsigned mixed = 0; mixed < 2; mixed++)
        for (size_t i = 0, k = 0; i < set.n_sweeps; i++, k = (k + STRIDE) % set.n_sweeps) {
            const struct vec_sweep *s = &set.sweeps[k];
            for (unsigned j = 0; j < (mixed ? 3u : VEC_CHAIN_MAX) && s->s.mode == WORLD_MXCSR; j++)
                vec_chains_add_swept(&ch, s, (unsigned)((i * 29 + j * 37) % s->count));
            if (!mixed)
                vec_chains_flush(&ch);
        }
    vec_chains_flush(&ch);
    vec_machine_free(ch.env);
    ck_assert_msg(ch.failures == 0, "%u chains differ with %s", ch.failures, w->text);
}
END_TEST

/* Does the form belong to those that can be recorded?  (tools/record/gen.c: gen_wants) */
static bool recordable(unsigned form)
{
    static const enum isa_mnem not[] = {MN_SGDT, MN_SIDT, MN_SLDT, MN_STR, MN_SMSW, MN_INT1,
                                        MN_SYSENTER, MN_SYSEXIT};
    for (unsigned i = 0; i < sizeof not / sizeof *not; i++)
        if (isa_info[form].mnem == not[i])
            return false;
    return true;
}

/* Each form has its cases, and they are of that form. */
START_TEST(complete)
{
    static unsigned count[FORM_COUNT];
    unsigned missing = 0;
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < set.n_cases; i++) {
        const struct vec_case *c = &set.cases[i];
        struct insn insn;
        int mode = c->in.segs[R_CS] == WORLD_CS16 ? DECODE_16 : DECODE_32;
        enum decode_status s = decode_insn(c->bytes, c->len, mode, &insn);
        if (s == DECODE_OK) {
            ck_assert_msg(insn.len == c->len, "%s:%u: length %u", c->file, c->line, insn.len);
            ck_assert_msg(!strcmp(isa_form_name[insn.form], c->form), "%s:%u: %s decodes as %s", c->file,
                          c->line, c->form, isa_form_name[insn.form]);
            count[insn.form]++;
        } else {
            ck_assert_msg(s == DECODE_UD && c->vector == EXCP_UD, "%s:%u: does not decode (%d)", c->file,
                          c->line, (int)s);
        }
    }
    for (unsigned f = 1; f < FORM_COUNT; f++)
        if (recordable(f) && count[f] < LEAST_CASES) {
            fprintf(stderr, "%s: only %u cases\n", isa_form_name[f], count[f]);
            missing++;
        }
    ck_assert_uint_eq(missing, 0);
}
END_TEST

/* Environment: VECTOR_REPORT, how many differences are described; VECTORS_ONLY, the mnemonics to run;
 * VECTORS_FILES, the files. */
int main(void)
{
    static const char *const all_files[] = {"onebyte-low", "onebyte-high", "twobyte", "x87", "mmx", "sse",
                                            "sse-float"};
    const char *files[9] = {NULL};
    char dir[4096];
    const char *srcdir = getenv("srcdir"), *report = getenv("VECTOR_REPORT"), *only = getenv("VECTORS_ONLY");
    const char *wanted = getenv("VECTORS_FILES");
    unsigned n = 0;
    if (report)
        vec_max_reported = (unsigned)strtoul(report, NULL, 10);
    for (unsigned i = 0; i < sizeof all_files / sizeof *all_files; i++)
        if (!wanted || vec_word_in(wanted, all_files[i]))
            files[n++] = all_files[i];
    snprintf(dir, sizeof dir, "%s/tests/vectors", srcdir ? srcdir : ".");
    vec_load(dir, files, only, &set);
    size_t in_sweeps = 0;
    for (size_t i = 0; i < set.n_sweeps; i++)
        in_sweeps += set.sweeps[i].count;
    printf("%zu recorded cases, and %zu in %zu sweeps\n", set.n_cases, in_sweeps, set.n_sweeps);
    if (!set.n_cases) {
        fprintf(stderr, "no such mnemonic or file\n");
        return 1;
    }

    Suite *s = suite_create("vectors");
    TCase *t = tcase_create("vectors");
    tcase_set_timeout(t, 600);
    if (!only && !wanted)
        tcase_add_test(t, complete);
    tcase_add_loop_test(t, alone, 0, WAYS);
    tcase_add_loop_test(t, swept, 0, WAYS);
    tcase_add_loop_test(t, chained, 0, WAYS);
    tcase_add_loop_test(t, chained_sweeps, 0, WAYS);
    suite_add_tcase(s, t);
    return suite_run(s);
}
