/* -perfmap: names for translated code, for Linux's perf and whoever else reads such files. */
#ifndef STITCH86_PERFMAP_H
#define STITCH86_PERFMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

extern FILE *perfmap_file; /* NULL: off */

/* Write to that file, or where perf looks for it if it is "auto"; a file that cannot be written is a user
 * error. */
void perfmap_open(const char *file);
/* Code of `size` bytes at `start` is called that from now on. */
void perfmap_add(const void *start, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void perfmap_close(void);

static inline bool perfmap_on(void)
{
    return perfmap_file != NULL;
}

#endif
