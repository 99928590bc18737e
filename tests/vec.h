/* Recorded instruction cases (tests/vectors): loading them, and what their runners share. */
#ifndef STITCH86_TEST_VEC_H
#define STITCH86_TEST_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "vectors/world.h"

struct vec_bytes {
    uint16_t addr;
    uint8_t len;
    uint8_t bytes[255];
};

struct vec_fpu {
    uint16_t cw, sw, tw;
    uint8_t st[8][10];
};

struct vec_state {
    uint32_t regs[8], eflags;
    uint16_t segs[SEG_COUNT];
    struct vec_fpu fpu;
};

struct vec_case {
    const char *file, *form;
    unsigned line;
    uint8_t bytes[15];
    uint8_t len;
    bool fpu;
    struct vec_state in, out;
    unsigned n_in, n_out;
    struct vec_bytes *mem_in, *mem_out; /* memory before (over world_byte()), and what changed */
    int vector;         /* -1: no exception */
    uint32_t error_code;
    uint32_t eip;       /* where it leads; for a fault WORLD_START */
    uint32_t undefined; /* EFLAGS bits not to be compared */
};

/* Load DIR/NAME.vec for each of names (NULL-terminated).  Ends the program with a message on
 * a malformed file.  Returns the cases, *n of them. */
struct vec_case *vec_load(const char *dir, const char *const *names, size_t *n);

#endif
