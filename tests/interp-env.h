/* For tests that run small programs on the interpreter: code is put into RAM and run until a number of
 * instructions, HLT or an exception.  On top of system-env.h. */
#ifndef STITCH86_TESTS_INTERP_ENV_H
#define STITCH86_TESTS_INTERP_ENV_H

#include <string.h>

#include "interp.h"
#include "system-env.h"

#define CODE 0x8000u
#define DATA 0x20000u

/* Copy bytes to RAM, and let the cache of decoded instructions know. */
void put(uint32_t at, const void *bytes, size_t n);

#define CODE_AT(at, ...) put(at, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define PROGRAM(...) CODE_AT(CODE, __VA_ARGS__)

/* Run until `n` instructions are done, HLT, or an exception, which is returned (-1: none). */
int run(uint32_t n);

#define RUNS(n) ck_assert_int_eq(run(n), -1)

/* The instruction at eip faults and leaves everything as it was. */
#define INSN_FAULTS(vec, err) \
    do { \
        sys_snapshot(); \
        ck_assert_int_eq(run(1), (vec)); \
        ck_assert_uint_eq(env->error_code, (err)); \
        sys_check_unchanged(__FILE__, __LINE__); \
    } while (0)

/* Paging on, all of RAM identity-mapped by 4 KiB pages; tables at 1 MiB. */
#define PDIR 0x100000u
#define PTAB 0x101000u
void paging(void);
/* Change the page's entry: flags P 1, R/W 2, U/S 4. */
void map(uint32_t lin, uint32_t flags);

#define R(x) env->regs[R_##x]
/* Error code of #PF. */
#define PF_P 1u
#define PF_W 2u

#endif
