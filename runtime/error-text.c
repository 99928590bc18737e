#include "error-text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool error_set(char **error, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(error, fmt, ap) < 0)
        abort();
    va_end(ap);
    return false;
}
