#include "log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

uint32_t log_mask;
FILE *log_file;

static const struct {
    const char *name;
    uint32_t item;
    const char *help;
} items[] = {
    { "in_asm", LOG_IN_ASM, "guest code of each block that is translated" },
    { "out_asm", LOG_OUT_ASM, "host code of each block" },
    { "tb", LOG_TB, "blocks as they are made, linked and invalidated" },
    { "int", LOG_INT, "interrupts and exceptions" },
    { "exec", LOG_EXEC, "each block as it is entered from the main loop" },
    { "cpu", LOG_CPU, "registers before each such block" },
    { "mmu", LOG_MMU, "page faults and TLB flushes" },
    { "unimp", LOG_UNIMP, "unknown ports and addresses, once each" },
    { "guest_errors", LOG_GUEST_ERROR, "what no working guest does: triple faults" },
    { "hash", LOG_HASH, "hashes of the guest's state (-hash-interval)" },
    { "stats", LOG_STATS, "counters when the run ends" },
};
#define NITEMS (sizeof(items) / sizeof(items[0]))

uint32_t log_item(const char *name)
{
    if (strcmp(name, "all") == 0)
        return ~0u;
    for (size_t i = 0; i < NITEMS; i++) {
        if (strcmp(items[i].name, name) == 0)
            return items[i].item;
    }
    return 0;
}

void log_help(FILE *out)
{
    fputs("Log items (separate several with commas):\n", out);
    for (size_t i = 0; i < NITEMS; i++)
        fprintf(out, "  %-14s%s\n", items[i].name, items[i].help);
    fprintf(out, "  %-14s%s\n", "all", "all of these");
}

void log_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vfprintf(log_file ? log_file : stderr, fmt, ap);
    va_end(ap);
}

void user_error(const char *fmt, ...)
{
    va_list ap;
    terminal_restore();
    fputs("stitch86: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}
