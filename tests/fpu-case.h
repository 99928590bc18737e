/* One x87 instruction on one state: what the test of the x87 generates, records and compares. */
#ifndef STITCH86_TESTS_FPU_CASE_H
#define STITCH86_TESTS_FPU_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"

#define FPU_MEM 16

struct fpu_state {
    uint16_t cw, sw;          /* sw with TOP */
    uint8_t empty;            /* bit i: physical register i */
    uint8_t mem[FPU_MEM];     /* the memory operand */
    uint32_t eflags;          /* arithmetic flags */
    struct floatx80 st[8];    /* ST(0)..ST(7) */
};

struct fpu_case {
    uint8_t op, modrm; /* mod = 3, or 0 with rm = 7: [EDI] */
    struct fpu_state in;
};

/* fpu-ours.c: the interpreter. */
void fpu_run_ours(const struct fpu_case *c, struct fpu_state *out);
/* The class of an instruction, for what the test compares. */
bool fpu_is_transcendental(const struct fpu_case *c);
const char *fpu_text(const struct fpu_case *c, char *buf, unsigned size);
/* An environment with flat memory, and one instruction (bytes) on it; returns the exception
 * raised or -1.  fpu_memory() is its memory: addresses below FPU_MEMORY_SIZE. */
#define FPU_MEMORY_SIZE 8192
CPUX86State *fpu_env(void);
uint8_t *fpu_memory(void);
int fpu_step(CPUX86State *env, const uint8_t *bytes, unsigned len);
/* Accesses that touch addresses from here on fault with #PF. */
extern uint32_t fpu_fault_from;
extern int fpu_ferr;

/* fpu-native.c: the x87 of the machine; false where there is none. */
bool fpu_native(void);
void fpu_run_native(const struct fpu_case *c, struct fpu_state *out);

/* fpu-gen.c */
uint64_t fpu_random(void);
void fpu_seed(uint64_t seed);
struct floatx80 fpu_random_value(void);
extern const struct floatx80 fpu_specials[];
extern const unsigned fpu_special_count;
/* A random case of the n-th instruction form; forms: fpu_form_count(). */
unsigned fpu_form_count(void);
void fpu_random_case(struct fpu_case *c, unsigned form);
/* A case of that form with two given operands. */
void fpu_pair_case(struct fpu_case *c, unsigned form, struct floatx80 a, struct floatx80 b, uint16_t cw);
bool fpu_form_register(unsigned form);

#endif
