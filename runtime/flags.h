/* Lazy EFLAGS.
 *
 * The six arithmetic flags are a record (cc_op, cc_dst, cc_src, cc_src2, cc_res) that
 * says how they came about.  Interpreter and templates write the same records, so they
 * agree on flags that the manual leaves undefined.
 *
 * cc_op is a base (kind and width), and a modifier that changes only some of the base's
 * flags: INC and DEC keep CF, rotates touch CF and OF alone, BT/STC/CLC/CMC touch CF
 * alone.  With modifiers `dec; jnz` in a loop needs no materialised carry.
 *
 * All values are kept sign-extended from their width to 32 bits.
 *
 * kind    dst            src                     src2
 * EFLAGS  -              OSZAPC bits             -
 * ADD     result         second operand          -
 * ADC     result         second operand          carry in (0/1)
 * SUB     result         second operand          -       (NEG: operand)
 * SBB     result         second operand          borrow in (0/1)
 * CMP     first operand  second operand          -       (result is not kept)
 * LOGIC   result         -                       -       (BSF/BSR: the source operand)
 * SHL     result         operand << (count-1)    -       also SHLD
 * SHR     result         operand >> (count-1)    -       also SAR (arithmetic), SHRD
 * MUL     low result     0 iff CF=OF=0           -
 *
 * modifier  cc_res           changes
 * INC DEC   result           all but CF
 * ROL ROR   result           CF, OF
 * CF        bit 0            CF
 */
#ifndef STITCH86_FLAGS_H
#define STITCH86_FLAGS_H

#include "cpu.h"

enum cc_kind {
    CC_EFLAGS, CC_ADD, CC_ADC, CC_SUB, CC_SBB, CC_CMP, CC_LOGIC, CC_SHL, CC_SHR, CC_MUL, CC_KINDS
};
/* Numbered so that one AND of cc_op tells translated code whether a new modifier covers the old one. */
enum cc_mod { CCM_NONE = 0, CCM_INC = 1, CCM_DEC = 2, CCM_ROL = 4, CCM_ROR = 12, CCM_CF = 8, CC_MODS = 16 };
#define CCM_UNCOVERED_BY_INC 0xc00u /* also DEC */
#define CCM_UNCOVERED_BY_ROT 0x300u
#define CCM_UNCOVERED_BY_CF 0x700u

/* width: 0 byte, 1 word, 2 dword. */
#define CC_OP(kind, width) ((uint32_t)(kind) | (uint32_t)(width) << 4)
#define CC_MOD(mod, width) ((uint32_t)(mod) << 8 | (uint32_t)(width) << 12)
#define CC_OP_KIND(op) ((op) & 15u)
#define CC_OP_WIDTH(op) ((op) >> 4 & 3u)
#define CC_OP_MOD(op) ((op) >> 8 & 15u)
#define CC_OP_MOD_WIDTH(op) ((op) >> 12 & 3u)
#define CC_OP_BASE_MASK 0xffu

/* OSZAPC of the record. */
uint32_t cc_compute_all(uint32_t op, uint32_t dst, uint32_t src, uint32_t src2, uint32_t res);
/* CF alone, 0 or 1. */
uint32_t cc_compute_c(uint32_t op, uint32_t dst, uint32_t src, uint32_t src2, uint32_t res);
/* Condition code 0-15 of Jcc (SDM 2, appendix B), 0 or 1. */
bool cc_condition(uint32_t flags, unsigned cond);

/* The whole EFLAGS register. */
static inline uint32_t cpu_eflags(const CPUX86State *env)
{
    return env->eflags | cc_compute_all(env->cc_op, env->cc_dst, env->cc_src, env->cc_src2, env->cc_res);
}

/* Set the arithmetic flags from bits (others in `bits` are ignored). */
static inline void cpu_set_arith(CPUX86State *env, uint32_t bits)
{
    env->cc_op = CC_OP(CC_EFLAGS, 2);
    env->cc_src = bits & CC_ARITH;
}

/* Replace the record by the EFLAGS kind with the same meaning. */
static inline void cpu_materialise_flags(CPUX86State *env)
{
    cpu_set_arith(env, cc_compute_all(env->cc_op, env->cc_dst, env->cc_src, env->cc_src2, env->cc_res));
}

/* Put a modifier on the record.  A modifier that the new one does not wholly cover is
 * materialised first: INC/DEC over INC/DEC or nothing stack, ROL/ROR and CF likewise;
 * ROL/ROR also cover CF. */
static inline void cpu_modify_flags(CPUX86State *env, unsigned mod, unsigned width, uint32_t res)
{
    uint32_t uncovered = mod <= CCM_DEC ? CCM_UNCOVERED_BY_INC
                         : mod == CCM_CF ? CCM_UNCOVERED_BY_CF : CCM_UNCOVERED_BY_ROT;
    if (env->cc_op & uncovered)
        cpu_materialise_flags(env);
    env->cc_op = (env->cc_op & CC_OP_BASE_MASK) | CC_MOD(mod, width);
    env->cc_res = res;
}

#endif
