/* What main() of every test program comes to. */
#ifndef STITCH86_TESTS_SUITE_H
#define STITCH86_TESTS_SUITE_H

#include <check.h>

/* Run the suite and free it, print Check's summary; returns main()'s result. */
int suite_run(Suite *s);
/* The same in one process, for tests that look at what others did. */
int suite_run_nofork(Suite *s);
/* A suite of one test case: each test between setup and teardown, which may be NULL. */
int suite_run_tests(const char *name, const TTest *const *tests, unsigned count, SFun setup, SFun teardown);

#endif
