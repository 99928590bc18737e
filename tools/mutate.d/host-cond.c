/* check_tmpl_cond's tests of some rows. */
#define main check_tmpl_cond_main
#include "check_tmpl_cond.c"
#undef main
#include "host-native.h"

void cond_run(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        test_row(&tmpl_cond_table[i]);
}
