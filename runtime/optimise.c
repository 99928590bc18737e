#include "optimise.h"

#include <stdlib.h>
#include <string.h>

uint64_t optimise_set = OPTIMISE_ALL;

static const struct {
    const char *name, *help;
} rows[] = {
#define OPTIMISATION(id, name, help) { name, help },
#include "optimise.def"
#undef OPTIMISATION
    { NULL, NULL }
};

static bool apply(const char *word, uint64_t *set)
{
    bool on = strncmp(word, "no-", 3) != 0;
    if (!on)
        word += 3;
    if (on && (strcmp(word, "all") == 0 || strcmp(word, "none") == 0)) {
        *set = word[0] == 'a' ? OPTIMISE_ALL : 0;
        return true;
    }
    for (unsigned i = 0; rows[i].name; i++) {
        if (strcmp(rows[i].name, word) == 0) {
            *set = on ? *set | (uint64_t)1 << i : *set & ~((uint64_t)1 << i);
            return true;
        }
    }
    return false;
}

char *optimise_parse(const char *list, uint64_t *set)
{
    char *copy = strdup(list), *save = NULL, *unknown = NULL;
    for (char *w = strtok_r(copy, ",", &save); w && !unknown; w = strtok_r(NULL, ",", &save)) {
        if (!apply(w, set))
            unknown = strdup(w);
    }
    free(copy);
    return unknown;
}

void optimise_help(FILE *out)
{
    fputs("Optimisations (-O no-NAME switches one off; none, all; separate several with commas):\n", out);
    for (unsigned i = 0; rows[i].name; i++)
        fprintf(out, "  %-18s%s\n", rows[i].name, rows[i].help);
}
