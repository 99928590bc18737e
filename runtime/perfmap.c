/* The format is perf's (tools/perf/Documentation/jit-interface.txt in Linux): "START SIZE name", numbers
 * hexadecimal.  Code that takes the place of older code, after a flush, is a later line. */
#include "perfmap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

FILE *perfmap_file;

void perfmap_open(const char *file)
{
    char name[64];
    if (strcmp(file, "auto") == 0) {
        snprintf(name, sizeof name, "/tmp/perf-%ld.map", (long)getpid());
        file = name;
    }
    perfmap_file = fopen(file, "we");
    if (!perfmap_file)
        user_error("-perfmap %s: %s", file, strerror(errno));
}

void perfmap_add(const void *start, size_t size, const char *fmt, ...)
{
    va_list ap;
    fprintf(perfmap_file, "%" PRIxPTR " %zx ", (uintptr_t)start, size);
    va_start(ap, fmt);
    vfprintf(perfmap_file, fmt, ap);
    va_end(ap);
    fputc('\n', perfmap_file);
}

void perfmap_close(void)
{
    if (perfmap_file && fclose(perfmap_file) != 0)
        fprintf(stderr, "stitch86: -perfmap: %s\n", strerror(errno));
    perfmap_file = NULL;
}
