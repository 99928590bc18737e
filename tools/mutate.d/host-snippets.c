/* check_snippets' tests: each takes a few milliseconds. */
#define main check_snippets_main
#include "check_snippets.c"
#undef main
#include "host-native.h"

void snippets_run(void)
{
    for (unsigned i = 0; i < SNIPPET_TESTS; i++)
        (*snippet_tests[i])->fn(0);
}
