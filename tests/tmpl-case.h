/* The instructions that the test of the templates tries, and what is known of them: how they are encoded,
 * which flags the manual leaves undefined, when a division faults. */
#ifndef STITCH86_TESTS_TMPL_CASE_H
#define STITCH86_TESTS_TMPL_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "isa-gen.h"
#include "x86-native.h"

/* How the instruction is encoded: one byte or two, /digit; form of operands. */
enum form { MR, RM, M, M_IMM, MR_IMM, RM_IMM, M_CL, MR_CL, M_1, PLUS_R, NONE };
struct encoding {
    unsigned mnem;
    enum form form;
    uint16_t opcode; /* of the byte form; the others are one above, unless wide_only */
    uint8_t digit;
    bool wide_only;
    uint32_t undefined;
};

extern const struct encoding encodings[];
extern const int encoding_count;

/* One instruction as the translator would see it. */
struct test {
    const struct encoding *e;
    int width;
    int reg[2];  /* x86 register numbers of the operands */
    int32_t imm; /* sign-extended from the width, or a count */
};

int operand_count(enum form f);
bool in_encoding(const struct encoding *e, int width);
/* At most 16 bytes; returns how many. */
unsigned encode(const struct test *t, uint8_t *out);

/* Parts of registers, sign-extended; widths are 0-2. */
int32_t narrow(int32_t v, int width);
int32_t get_part(const uint32_t *regs, int reg, int width);

/* Would the division fault? */
bool faults(const struct test *x, const struct x86_state *in);
uint32_t undefined_flags(const struct test *x, const struct x86_state *in);

#endif
