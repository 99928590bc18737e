/* AAA AAS AAM AAD DAA DAS SALC.  SDM 2 has the pseudo code; flags that it leaves undefined
 * are as the CPUs at hand were seen to set them. */
#include "interp-core.h"

/* Flags of a + b or, with sign -1, a - b. */
static uint32_t sum_flags(unsigned width, uint32_t a, uint32_t b, int sign)
{
    uint32_t r = a + (uint32_t)sign * b;

    return cc_compute_all(CC_OP(sign < 0 ? CC_SUB : CC_ADD, width), sext(width, r), sext(width, b), 0, 0);
}

/* OF SF ZF PF, undefined, are those of the 16-bit sum. */
static void ascii_adjust(CPUX86State *env, const struct insn *insn, int sign)
{
    uint32_t flags = get_arith(env), ax = env->regs[R_EAX] & 0xffff, by;
    bool adjust = (ax & 15) > 9 || (flags & CC_A);

    by = adjust ? 0x106 : 0;
    flags = sum_flags(1, ax, by, sign) & ~(uint32_t)(CC_A | CC_C);
    set_reg(env, 1, R_EAX, (ax + (uint32_t)sign * by) & 0xff0f);
    cpu_set_arith(env, flags | (adjust ? CC_A | CC_C : 0));
    next_insn(env, insn);
}

static void op_aaa(CPUX86State *env, const struct insn *insn)
{
    ascii_adjust(env, insn, 1);
}

static void op_aas(CPUX86State *env, const struct insn *insn)
{
    ascii_adjust(env, insn, -1);
}

/* OF, undefined, is that of the sum. */
static void decimal_adjust(CPUX86State *env, const struct insn *insn, int sign)
{
    uint32_t flags = get_arith(env), al = env->regs[R_EAX] & 0xff, by = 0, out = 0;

    if ((al & 15) > 9 || (flags & CC_A)) {
        by = 6;
        out |= CC_A;
        if (sign < 0 && al < 6)
            out |= CC_C; /* DAS: the borrow of this subtraction counts */
    }
    if (al > 0x99 || (flags & CC_C)) {
        by += 0x60;
        out |= CC_C;
    }
    flags = sum_flags(0, al, by, sign) & ~(uint32_t)(CC_A | CC_C);
    set_reg(env, 0, R_EAX, al + (uint32_t)sign * by);
    cpu_set_arith(env, flags | out);
    next_insn(env, insn);
}

static void op_daa(CPUX86State *env, const struct insn *insn)
{
    decimal_adjust(env, insn, 1);
}

static void op_das(CPUX86State *env, const struct insn *insn)
{
    decimal_adjust(env, insn, -1);
}

static void op_aam(CPUX86State *env, const struct insn *insn)
{
    uint32_t base = insn->imm & 0xff, al = env->regs[R_EAX] & 0xff;

    if (base == 0)
        raise_exception(env, EXCP_DE, 0);
    set_reg(env, 1, R_EAX, al / base << 8 | al % base);
    set_logic(env, 0, al % base);
    next_insn(env, insn);
}

/* OF AF CF, undefined, are those of the addition. */
static void op_aad(CPUX86State *env, const struct insn *insn)
{
    uint32_t ax = env->regs[R_EAX], high = (ax >> 8 & 0xff) * (insn->imm & 0xff), al = (ax + high) & 0xff;

    set_reg(env, 1, R_EAX, al);
    set_cc(env, CC_ADD, 0, sext(0, al), sext(0, high));
    next_insn(env, insn);
}

static void op_salc(CPUX86State *env, const struct insn *insn)
{
    set_reg(env, 0, R_EAX, get_carry(env) ? 0xff : 0);
    next_insn(env, insn);
}

op_fn interp_select_bcd(const struct insn *insn)
{
    switch (insn->mnem) {
    case MN_AAA: return op_aaa;
    case MN_AAS: return op_aas;
    case MN_AAM: return op_aam;
    case MN_AAD: return op_aad;
    case MN_DAA: return op_daa;
    case MN_DAS: return op_das;
    case MN_SALC: return op_salc;
    default: return NULL;
    }
}
