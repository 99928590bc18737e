/* -d ITEMS -D FILE, and the one-line user error. */
#ifndef STITCH86_LOG_H
#define STITCH86_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    LOG_IN_ASM = 1 << 0,  /* guest code of each block translated */
    LOG_OUT_ASM = 1 << 1, /* host code */
    LOG_TB = 1 << 2,      /* blocks as they are made, linked, invalidated */
    LOG_INT = 1 << 3,     /* interrupts and exceptions */
    LOG_EXEC = 1 << 4,    /* each block as it is entered (unlinked) */
    LOG_CPU = 1 << 5,     /* registers before each block */
    LOG_MMU = 1 << 6,
    LOG_UNIMP = 1 << 7,   /* unknown ports and addresses, once each */
    LOG_GUEST_ERROR = 1 << 8,
    LOG_HASH = 1 << 9,    /* state hash at intervals */
    LOG_STATS = 1 << 10   /* counters at exit */
};

extern uint32_t log_mask;
extern FILE *log_file;

static inline bool log_enabled(uint32_t item)
{
    return (log_mask & item) != 0;
}

void log_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The item called `name` in -d, 0: there is none. */
uint32_t log_item(const char *name);
/* What -d help prints. */
void log_help(FILE *out);
/* "stitch86: message" on stderr, terminal restored, exit status 1. */
_Noreturn void user_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
