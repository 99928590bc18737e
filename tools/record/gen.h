/* The case generator's two parts: encoding (gen.c) and what single instructions want (gen-special.c). */
#ifndef STITCH86_RECORD_GEN_H
#define STITCH86_RECORD_GEN_H

#include "record.h"

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum { ES, CS, SS, DS, FS, GS };

/* How a case is to be built. */
struct plan {
    bool cs16, ss16;  /* code segment's and stack segment's default size is 16 bits */
    bool op16, a16;   /* effective operand and address size */
    bool mem;         /* ModRM names memory */
    bool lock;
    int seg;          /* override, or -1 */
    int rep;          /* 0, F2, F3 */
};

/* A case being built. */
struct build {
    struct testcase *c;
    const struct form *f;
    struct plan p;
    unsigned opsize;    /* bytes: 1, 2, 4 */
    unsigned fixed;     /* mask of registers whose value must stay */
    uint32_t target;    /* linear address of the memory operand, if there is one */
    unsigned modrm_at;
    unsigned imm_at;    /* where the first immediate lies in bytes[] */
    unsigned imm_len;
    bool simd;
};

uint32_t rnd(void);
uint32_t edge(unsigned size);
static inline bool chance(unsigned n)
{
    return rnd() % n == 0;
}
void poke(struct testcase *c, uint32_t linear, const void *bytes, unsigned len);
void poke_value(struct testcase *c, uint32_t linear, uint32_t value, unsigned len);
/* Where a stack pointer, a string or any operand of len bytes may point to. */
uint32_t data_address(unsigned len);
/* A place in the code area that is not the instruction itself. */
uint32_t code_target(const struct build *b);
bool form_is(const struct form *f, const char *mnemonics);
bool form_has_op(const struct form *f, const char *op);

/* Before the registers' encoding: values that registers must have; sets b->fixed. */
void special_registers(struct build *b);
/* After the encoding: immediates, memory contents.  false: not a case worth having. */
bool special_finish(struct build *b);
/* simd.c: registers and memory operand's address; operands, MXCSR, x87 state. */
void simd_registers(struct build *b);
uint32_t simd_address(struct build *b);
void simd_case(struct build *b);
/* gen-fpu.c: x87 state and memory operand. */
void fpu_case(struct build *b);
/* Flags that the manual leaves undefined in this very case. */
unsigned special_undefined(const struct form *f, const struct testcase *c, unsigned undefined);

#endif
