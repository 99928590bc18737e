#include "host.h"

#include <stdlib.h>
#include <string.h>

bool host_pretends(const char *word)
{
    const char *list = getenv("STITCH86_HOST");
    size_t n = strlen(word);
    while (list && *list) {
        size_t len = strcspn(list, ",");
        if (len == n && !memcmp(list, word, n))
            return true;
        list += len + (list[len] != 0);
    }
    return false;
}
