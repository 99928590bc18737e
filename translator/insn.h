/* A decoded x86 instruction: what the decoder makes, the interpreter executes and the
 * block builder translates. */
#ifndef STITCH86_INSN_H
#define STITCH86_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isa-gen.h" /* generated from isa.tab: enum isa_mnem (MN_*), enum isa_form, struct tables */

enum operand_kind {
    OPK_NONE,
    OPK_REG,  /* general register; reg 0-7; with size 1, reg 4-7 are AH CH DH BH */
    OPK_MEM,  /* the insn's memory operand */
    OPK_IMM,  /* insn.imm, sign- or zero-extended to 32 bits as the instruction defines */
    OPK_REL,  /* branch displacement in insn.imm, relative to the next instruction */
    OPK_SREG, /* reg: R_ES.. */
    OPK_CR, OPK_DR,
    OPK_ST,   /* reg: i of ST(i) */
    OPK_MMX, OPK_XMM,
    OPK_FAR,  /* ptr16:16/32: insn.imm offset, insn.imm2 selector */
    OPK_IMM2  /* second immediate (ENTER's level, in insn.imm2) */
};

struct operand {
    uint8_t kind;
    uint8_t size; /* bytes: 1 2 4 6 8 10 16, or 0 for areas (FXSAVE ...) and none */
    uint8_t reg;
    uint8_t pad;
};

enum {
    INSN_LOCK = 1 << 0,
    INSN_REP = 1 << 1,      /* F3 as a repeat prefix of a string instruction (or an idle prefix) */
    INSN_REPNE = 1 << 2,    /* F2, the same */
    INSN_OPSIZE = 1 << 3,   /* 66 was there (and is not a mandatory prefix) */
    INSN_ADDRSIZE = 1 << 4, /* 67 */
    INSN_SEGOVR = 1 << 5
};

#define INSN_NOREG 0xff

struct insn {
    uint16_t form;     /* row of isa.tab: enum isa_form */
    uint16_t mnem;     /* enum isa_mnem */
    uint8_t len;       /* 1-15 */
    uint8_t prefixes;  /* INSN_* */
    uint8_t opsize;    /* effective operand size: 1, 2 or 4 (8, 16 for MMX, SSE) */
    uint8_t addrsize;  /* effective address size: 2 or 4 */
    uint8_t cond;      /* condition code of Jcc, SETcc, CMOVcc, FCMOVcc */
    uint8_t nops;
    /* The memory operand, or for string instructions the source's segment. */
    uint8_t seg;       /* effective segment register */
    uint8_t base, index; /* 0-7 or INSN_NOREG */
    uint8_t scale;     /* shift: 0-3 */
    uint8_t opcode[2]; /* last opcode byte and ModRM (x87: what FOP needs) */
    int32_t disp;      /* sign-extended; moffs too */
    uint32_t imm;
    uint32_t imm2;
    struct operand op[4]; /* explicit operands in Intel's order; implicit ones are implied */
};

/* Decode modes. */
enum { DECODE_16 = 0, DECODE_32 = 1 };

enum decode_status {
    DECODE_OK,
    DECODE_MORE,    /* the bytes given end inside the instruction */
    DECODE_UD,      /* #UD; insn->len is what was looked at */
    DECODE_TOOLONG  /* over 15 bytes: #GP(0) */
};

/* Decode the instruction in bytes[0..avail).  mode: DECODE_16 or DECODE_32 (the default
 * operand and address size).  Feature checks are not made here: the row's feature bit says
 * what CPUID must offer.  SDM 2, chapter 2 and appendix A. */
enum decode_status decode_insn(const uint8_t *bytes, size_t avail, int mode, struct insn *insn);

/* "add eax, [ebx+4]": Intel syntax, for logs.  Returns buf. */
char *insn_format(const struct insn *insn, uint32_t eip, char *buf, size_t size);

#endif
