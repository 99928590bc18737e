#include "host-native.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mutant.h"

static int failure;

/* Instead of Check's own, which need its runner. */
void _ck_assert_failed(const char *file, int line, const char *expr, ...)
{
    va_list ap;
    va_start(ap, expr);
    const char *fmt = va_arg(ap, const char *);
    fprintf(stderr, "%s:%d: ", file, line);
    if (fmt)
        vfprintf(stderr, fmt, ap);
    else
        fputs(expr, stderr);
    fputc('\n', stderr);
    va_end(ap);
    _exit(failure);
}

void _mark_point(const char *file, int line)
{
    (void)file;
    (void)line;
}

void tests_prepare(void)
{
    insn_prepare();
}

int tests_run(void)
{
    failure = FAILED_INSN;
    for (unsigned i = 0; i < mutated_mnems; i++)
        insn_run(mutated_mnem[i]);
    failure = FAILED_COND;
    cond_run(mutated_cond_first, mutated_cond_count);
    failure = FAILED_SNIPPETS;
    if (!mutated_mnems && !mutated_cond_count)
        snippets_run();
    return 0;
}
