#include "suite.h"

#include <stdlib.h>

#include "optimise-env.h"

static int run(Suite *s, enum fork_status fork_status)
{
    optimise_from_env();
    SRunner *r = srunner_create(s);
    if (fork_status != CK_FORK_GETENV)
        srunner_set_fork_status(r, fork_status);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int suite_run(Suite *s)
{
    return run(s, CK_FORK_GETENV);
}

int suite_run_nofork(Suite *s)
{
    return run(s, CK_NOFORK);
}

int suite_run_tests(const char *name, const TTest *const *tests, unsigned count, SFun setup, SFun teardown)
{
    Suite *s = suite_create(name);
    TCase *tc = tcase_create("all");
    if (setup || teardown)
        tcase_add_checked_fixture(tc, setup, teardown);
    for (unsigned i = 0; i < count; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    return suite_run(s);
}
