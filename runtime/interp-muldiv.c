/* MUL IMUL DIV IDIV.  Division leaves the flags alone: the manual says undefined. */
#include "interp-core.h"

/* EDX:EAX, DX:AX or AX (w = 0). */
static uint64_t get_wide(CPUX86State *env, unsigned w)
{
    if (w == 0)
        return (uint16_t)env->regs[R_EAX];
    if (w == 1)
        return (uint32_t)(uint16_t)env->regs[R_EDX] << 16 | (uint16_t)env->regs[R_EAX];
    return (uint64_t)env->regs[R_EDX] << 32 | env->regs[R_EAX];
}

static void set_wide(CPUX86State *env, unsigned w, uint32_t high, uint32_t low)
{
    if (w == 0) {
        set_reg(env, 1, R_EAX, (high & 0xff) << 8 | (low & 0xff));
    } else {
        set_reg(env, w, R_EAX, low);
        set_reg(env, w, R_EDX, high);
    }
}

ALWAYS_INLINE void mul(CPUX86State *env, const struct insn *insn, unsigned w, bool is_signed)
{
    unsigned bits = 8u << w;
    uint32_t b = ld_op(env, w, insn, 0), a = get_reg(env, w, R_EAX), low, high;

    if (is_signed) {
        int64_t p = (int64_t)(int32_t)sext(w, a) * (int32_t)sext(w, b);
        low = (uint32_t)p;
        high = (uint32_t)(p >> bits);
        set_cc(env, CC_MUL, w, sext(w, low), p != (int32_t)sext(w, low));
    } else {
        uint64_t p = (uint64_t)a * b;
        low = (uint32_t)p;
        high = (uint32_t)(p >> bits);
        set_cc(env, CC_MUL, w, sext(w, low), high != 0);
    }
    set_wide(env, w, high, low);
    next_insn(env, insn);
}

/* Two and three operands. */
ALWAYS_INLINE void imul_to_reg(CPUX86State *env, const struct insn *insn, unsigned w)
{
    bool three = insn->nops == 3;
    uint32_t b = ld_op(env, w, insn, 1), a = three ? insn->imm : get_reg(env, w, insn->op[0].reg);
    int64_t p = (int64_t)(int32_t)sext(w, a) * (int32_t)sext(w, b);

    set_reg(env, w, insn->op[0].reg, (uint32_t)p);
    set_cc(env, CC_MUL, w, sext(w, (uint32_t)p), p != (int32_t)sext(w, (uint32_t)p));
    next_insn(env, insn);
}

static _Noreturn void divide_error(CPUX86State *env)
{
    raise_exception(env, EXCP_DE, 0);
}

ALWAYS_INLINE void divide(CPUX86State *env, const struct insn *insn, unsigned w)
{
    unsigned bits = 8u << w;
    uint32_t d = ld_op(env, w, insn, 0);
    uint64_t n = get_wide(env, w), q;

    if (d == 0)
        divide_error(env);
    q = n / d;
    if (q >> bits)
        divide_error(env);
    set_wide(env, w, (uint32_t)(n % d), (uint32_t)q);
    next_insn(env, insn);
}

ALWAYS_INLINE void idivide(CPUX86State *env, const struct insn *insn, unsigned w)
{
    unsigned bits = 8u << w;
    int64_t d = (int32_t)sext(w, ld_op(env, w, insn, 0)), q;
    uint64_t wide = get_wide(env, w);
    int64_t n = w == 0 ? (int16_t)wide : w == 1 ? (int32_t)wide : (int64_t)wide;

    /* INT64_MIN / -1 would trap on the host too. */
    if (d == 0 || (d == -1 && n == INT64_MIN))
        divide_error(env);
    q = n / d;
    if (q != (int32_t)sext(w, (uint32_t)q) || q < -((int64_t)1 << (bits - 1)))
        divide_error(env);
    set_wide(env, w, (uint32_t)(n % d), (uint32_t)q);
    next_insn(env, insn);
}

#define WIDTH_FN(NAME, W, CALL) \
    static void op_##NAME##_##W(CPUX86State *env, const struct insn *insn) \
    { \
        CALL; \
    }
#define WIDTHS(NAME, ...) \
    WIDTH_FN(NAME, 0, WITH(0, __VA_ARGS__)) WIDTH_FN(NAME, 1, WITH(1, __VA_ARGS__)) \
    WIDTH_FN(NAME, 2, WITH(2, __VA_ARGS__)) \
    static const op_fn NAME##_ops[3] = {op_##NAME##_0, op_##NAME##_1, op_##NAME##_2};
#define WITH(W, FN, ...) FN(env, insn, W __VA_OPT__(, ) __VA_ARGS__)
WIDTHS(mul, mul, false)
WIDTHS(imul, mul, true)
WIDTHS(imul_reg, imul_to_reg)
WIDTHS(div, divide)
WIDTHS(idiv, idivide)

op_fn interp_select_muldiv(const struct insn *insn)
{
    unsigned w = width_of(insn->op[0].size);

    switch (insn->mnem) {
    case MN_MUL: return mul_ops[w];
    case MN_IMUL: return insn->nops == 1 ? imul_ops[w] : imul_reg_ops[w];
    case MN_DIV: return div_ops[w];
    case MN_IDIV: return idiv_ops[w];
    default: return NULL;
    }
}
