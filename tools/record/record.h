/* What the parts of the recorder share: a case as it is made (gen.c), run (run.c) and written
 * (main.c).  The world that a case runs in is described in tests/vectors/README. */
#ifndef STITCH86_RECORD_H
#define STITCH86_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sweep.h"

struct poke {
    uint16_t addr;
    uint8_t len;
    uint8_t bytes[16];
};

/* x87 as FSAVE sees it; reg[] are the physical registers, whose significands are MMX's. */
struct fpu_state {
    uint16_t cw, sw, tw;
    uint8_t reg[8][10];
};

struct state {
    uint32_t regs[8]; /* EAX ECX EDX EBX ESP EBP ESI EDI */
    uint32_t eflags, eip;
    uint16_t segs[6]; /* ES CS SS DS FS GS */
    struct fpu_state fpu;
    uint8_t xmm[8][16];
    uint32_t mxcsr;
};

struct diff {
    uint16_t addr;
    uint8_t len;
};

struct testcase {
    uint8_t bytes[16];
    unsigned len;
    bool op16; /* effective operand size */
    bool fpu;  /* x87 or MMX state belongs to it */
    bool simd; /* general registers are mostly the world's */
    struct state in, out;
    unsigned n_pokes;
    struct poke pokes[6];
    /* Result. */
    int vector; /* -1: no exception */
    uint32_t error_code;
    unsigned n_diffs;
    struct diff diffs[32];
    unsigned any_regs; /* general registers whose values do */
    struct diff any; /* memory whose contents differ from CPU to CPU */
    bool dropped; /* it left its world: not to be recorded */
};

/* A line of `isagen --forms`. */
struct form {
    char name[64], mnem[16], prefix[4], feature[12], attrs[64];
    unsigned map; /* 0: one-byte opcodes, 1: 0F */
    unsigned opcode, span;
    bool modrm;
    int reg, rm;  /* fixed ModRM fields, or -1 */
    char mod;     /* 'm', 'r' or '-' */
    char ops[4][8];
    unsigned n_ops;
    int opsize;   /* bytes, 0: by prefix */
    int cond;
    unsigned undefined;
};

/* gen.c: cases of one form.  Returns how many were put into cases[0..max). */
unsigned gen_form(const struct form *f, struct testcase *cases, unsigned max);
/* Is the form one that user code can be recorded with (for its exceptions, too)? */
bool gen_wants(const struct form *f);
unsigned gen_undefined(const struct form *f, const struct testcase *c);

/* simd.c: is it MMX, SSE, or what saves their state? */
bool simd_form(const struct form *f);
/* Is its result one of floating point arithmetic, compares, conversions?  Does it touch MMX registers? */
bool simd_float(const struct form *f);
bool simd_mmx(const struct form *f);
/* sweep.c: run and write the sweeps of a form.  Returns how many cases they have. */
unsigned sweep_form(const struct form *f, FILE *out);

/* The state of the world where a case does not say otherwise. */
void default_fpu(struct fpu_state *s);
void default_simd(struct state *s);

/* run.c */
void run_init(void);
/* main.c: called while memory still shows the result. */
void save_result(struct testcase *c);
/* save(c): called after each case, while memory still shows its result. */
void run_cases(struct testcase *cases, unsigned n, void (*save)(struct testcase *));

#endif
