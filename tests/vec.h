/* Recorded instruction cases (tests/vectors): loading them, and what their runners share. */
#ifndef STITCH86_TEST_VEC_H
#define STITCH86_TEST_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "vectors/sweep.h"

struct vec_bytes {
    uint16_t addr;
    uint8_t len;
    uint8_t bytes[255];
};

struct vec_fpu {
    uint16_t cw, sw, tw;
    uint8_t reg[8][10]; /* physical registers; their significands are MMX's */
};

struct vec_state {
    uint32_t regs[8], eflags;
    uint16_t segs[SEG_COUNT];
    struct vec_fpu fpu;
    union xmm_reg xmm[8];
    uint32_t mxcsr;
};

struct vec_case {
    const char *file, *form;
    unsigned line;
    uint8_t bytes[15];
    uint8_t len;
    bool simd;          /* of the MMX and SSE files */
    struct vec_state in, out;
    unsigned n_in, n_out;
    struct vec_bytes *mem_in, *mem_out; /* memory before (over world_byte()), and what changed */
    int vector;         /* -1: no exception */
    uint32_t error_code;
    uint32_t eip;       /* where it leads; for a fault WORLD_START */
    uint32_t undefined; /* EFLAGS bits not to be compared */
    uint8_t any_regs;   /* general registers that may have any value */
    uint16_t any_addr, any_len; /* memory not to be compared */
};

/* A sweep: many cases of one instruction (vectors/sweep.h). */
struct vec_outcome {
    uint8_t value[16];
    uint16_t flags; /* MXCSR's or the status word */
    int16_t vector; /* -1: none */
};
struct vec_sweep {
    struct sweep s;
    const char *file, *form;
    unsigned line, count;
    const struct vec_outcome *outcomes;
    bool x87;
};
struct vec_set {
    struct vec_case *cases;
    size_t n_cases;
    struct vec_sweep *sweeps;
    size_t n_sweeps;
};

/* Load DIR/NAME.vec for each of names (NULL-terminated), or only the forms of the mnemonics in `only`
 * (separated by blanks; NULL: all).  Ends the program with a message on a malformed file. */
void vec_load(const char *dir, const char *const *names, const char *only, struct vec_set *set);
/* Is the word in a list separated by blanks or commas?  Either case will do. */
bool vec_word_in(const char *list, const char *word);
/* Make case number n of a sweep; mem: room for its memory, before and after. */
void vec_sweep_case(const struct vec_sweep *s, unsigned n, struct vec_case *c, struct vec_bytes mem[2]);

#endif
