/* What the parts of the recorder share: a case as it is made (gen.c), run (run.c) and written
 * (main.c).  The world that a case runs in is described in tests/vectors/README. */
#ifndef STITCH86_RECORD_H
#define STITCH86_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "world.h"

struct poke {
    uint16_t addr;
    uint8_t len;
    uint8_t bytes[16];
};

/* x87 as FSAVE sees it; st[] is ST(0).. in stack order. */
struct fpu_state {
    uint16_t cw, sw, tw;
    uint8_t st[8][10];
};

struct state {
    uint32_t regs[8]; /* EAX ECX EDX EBX ESP EBP ESI EDI */
    uint32_t eflags, eip;
    uint16_t segs[6]; /* ES CS SS DS FS GS */
    struct fpu_state fpu;
};

struct diff {
    uint16_t addr;
    uint8_t len;
};

struct testcase {
    uint8_t bytes[16];
    unsigned len;
    bool op16; /* effective operand size */
    bool fpu;  /* x87 state belongs to it */
    struct state in, out;
    unsigned n_pokes;
    struct poke pokes[4];
    /* Result. */
    int vector; /* -1: no exception */
    uint32_t error_code;
    unsigned n_diffs;
    struct diff diffs[16];
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

/* run.c */
void run_init(void);
void save_result(struct testcase *c); /* main.c: called while memory still shows the result */
void run_cases(struct testcase *cases, unsigned n);

#endif
