/* Memory and text.  Nothing is freed: the programs that use this end soon. */
#include "tmplc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void *xalloc(size_t n)
{
    void *p = calloc(1, n);
    if (!p) {
        fputs("tmplc: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

char *xstrndup(const char *s, size_t n)
{
    char *p = xalloc(n + 1);
    memcpy(p, s, n);
    return p;
}

char *xprintf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = xalloc((size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}
