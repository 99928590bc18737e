/* STITCH86_OPTIMISE: what -O takes, so that any test can be run without an optimisation. */
#ifndef STITCH86_TESTS_OPTIMISE_ENV_H
#define STITCH86_TESTS_OPTIMISE_ENV_H

#include <stdio.h>
#include <stdlib.h>

#include "optimise.h"

static inline void optimise_from_env(void)
{
    const char *list = getenv("STITCH86_OPTIMISE");
    char *unknown = list ? optimise_parse(list, &optimise_set) : NULL;
    if (unknown) {
        fprintf(stderr, "STITCH86_OPTIMISE: unknown optimisation %s\n", unknown);
        exit(2);
    }
}

#endif
