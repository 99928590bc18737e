/* Optimisations with a switch (-O), so that a fault or a figure can be laid to one of them. */
#ifndef STITCH86_OPTIMISE_H
#define STITCH86_OPTIMISE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum optimisation {
#define OPTIMISATION(id, name, help) OPTIMISE_##id,
#include "optimise.def"
#undef OPTIMISATION
    OPTIMISE_COUNT
};
#define OPTIMISE_ALL ((uint64_t)-1)

/* The process's set, bits by enum optimisation; the command line (or a test) sets it before anything is translated. */
extern uint64_t optimise_set;
static inline bool optimise_on(enum optimisation o)
{
    return optimise_set >> o & 1;
}

/* Apply a list like "no-a,b", "none" or "none,a" to *set, bits by enum optimisation.  NULL, or the word in it that
 * is unknown (malloc'd). */
char *optimise_parse(const char *list, uint64_t *set);
void optimise_help(FILE *out);

#endif
