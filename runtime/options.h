/* What the command line asked for. */
#ifndef STITCH86_OPTIONS_H
#define STITCH86_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum accel { ACCEL_INTERP, ACCEL_TEMPLATE };
enum option_action { ACTION_RUN, ACTION_HELP, ACTION_VERSION, ACTION_CPU_HELP, ACTION_LOG_HELP, ACTION_OPTIMISE_HELP };

#define MAX_SERIAL 4
#define TB_SIZE_MAX_MIB 96u
#define RTC_BASE_NOW INT64_MIN

struct options {
    enum option_action action;
    uint64_t ram_size;
    const char *cpu;
    enum accel accel;
    unsigned tb_size; /* MiB for translated code; 0: TB_SIZE_MAX_MIB */
    int icount_shift; /* -1: host clock */
    bool rtc_given;
    int64_t rtc_base; /* seconds since 1970, or RTC_BASE_NOW */
    bool no_reboot;
    const char *name, *kernel, *initrd, *append;
    const char *serial[MAX_SERIAL];
    unsigned nserial;
    const char *debugcon;
    int debug_exit_iobase; /* -1: no such device */
    int debug_exit_iosize;
    uint32_t log_mask;
    const char *log_file;
    unsigned tb_max; /* 0: the translator's own limit */
    uint64_t optimise; /* bits by enum optimisation */
    uint64_t hash_interval;
    const char *profile; /* file, or NULL */
    const char *perfmap; /* file, "auto", or NULL */
    bool stats;
};

/* Parse the command line as QEMU does: -option or --option, the argument in the next word.
 * false: *error is one malloc'd line. */
bool options_parse(struct options *o, int argc, char **argv, char **error);
/* The option table, in groups. */
void options_help(FILE *out);
/* The same as rows of a Markdown table, for README.md. */
void options_table(FILE *out);

/* "256", "1G", "0x100k": *out in bytes, `unit` is what a bare number counts.  false: malformed or too big. */
bool parse_size(const char *s, uint64_t unit, uint64_t *out);
/* Decimal, octal or hexadecimal as C writes them, all of `s`. */
bool parse_number(const char *s, uint64_t max, uint64_t *out);

#endif
