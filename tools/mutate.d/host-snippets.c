/* check_snippets' tests: each takes a few milliseconds. */
#define main check_snippets_main
#include "check_snippets.c"
#undef main
#include "host-native.h"

void snippets_run(void)
{
    static const TTest *const *const all[] = { &enter, &thunk_call, &thunk_interp, &thunk_flags,
                                               &quick_accesses, &inline_accesses, &known_accesses,
                                               &slow_paths, &strings, &icount, &exits, &jmp_cache,
                                               &counters, &operands, &flag_bits, &cmpxchg };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        (*all[i])->fn(0);
}
