/* Shifts and rotates. */
#include "interp-core.h"

enum shift { S_ROL, S_ROR, S_RCL, S_RCR, S_SHL, S_SHR, S_SAR, SHIFT_OPS };

/* RCL and RCR go through the 9-, 17- or 33-bit value of carry and operand. */
ALWAYS_INLINE uint32_t rotate_carry(CPUX86State *env, bool left, unsigned w, uint32_t a, unsigned count,
                                    uint32_t *flags)
{
    unsigned bits = 8u << w, n = w == 2 ? count : count % (bits + 1);
    uint32_t old = get_arith(env), r, cf, of;
    uint64_t v = (uint64_t)(old & CC_C) << bits | a;

    if (!left && n)
        n = bits + 1 - n;
    if (n)
        v = v << n | v >> (bits + 1 - n);
    r = (uint32_t)zext(w, (uint32_t)v);
    cf = v >> bits & 1;
    of = left ? (r >> (bits - 1) ^ cf) : (r >> (bits - 1) ^ r >> (bits - 2));
    *flags = (old & ~(uint32_t)(CC_C | CC_O)) | cf | (of & 1 ? CC_O : 0);
    return r;
}

ALWAYS_INLINE void shift(CPUX86State *env, const struct insn *insn, enum shift op, unsigned w, bool mem,
                         bool by_cl)
{
    unsigned count = (by_cl ? env->regs[R_ECX] : insn->imm) & 31, bits = 8u << w, n = count & (bits - 1);
    uint32_t a, r, src = 0, flags = 0;
    struct rmw m = {NULL, 0};

    a = mem ? rmw_load(env, w, insn, &m) : get_reg(env, w, insn->op[0].reg);
    if (count == 0) {
        /* The memory operand is written all the same; nothing else happens. */
        if (mem)
            rmw_store(env, w, &m, a);
        next_insn(env, insn);
        return;
    }
    switch (op) {
    case S_ROL:
        r = n ? a << n | a >> (bits - n) : a;
        break;
    case S_ROR:
        r = n ? a >> n | a << (bits - n) : a;
        break;
    case S_RCL:
    case S_RCR:
        r = rotate_carry(env, op == S_RCL, w, a, count, &flags);
        break;
    case S_SHL:
        src = a << (count - 1);
        r = src << 1;
        break;
    case S_SHR:
        src = a >> (count - 1);
        r = src >> 1;
        break;
    default:
        src = (uint32_t)((int32_t)sext(w, a) >> (count - 1));
        r = (uint32_t)((int32_t)src >> 1);
        break;
    }
    if (mem)
        rmw_store(env, w, &m, r);
    else
        set_reg(env, w, insn->op[0].reg, r);
    switch (op) {
    case S_ROL: cpu_modify_flags(env, CCM_ROL, w, sext(w, r)); break;
    case S_ROR: cpu_modify_flags(env, CCM_ROR, w, sext(w, r)); break;
    case S_RCL:
    case S_RCR: cpu_set_arith(env, flags); break;
    case S_SHL: set_cc(env, CC_SHL, w, sext(w, r), sext(w, src)); break;
    default: set_cc(env, CC_SHR, w, sext(w, r), sext(w, src)); break;
    }
    next_insn(env, insn);
}

#define SHIFT_FN(OP, W, MEM, CL) \
    static void op_##OP##_##W##_##MEM##_##CL(CPUX86State *env, const struct insn *insn) \
    { \
        shift(env, insn, S_##OP, W, MEM, CL); \
    }
#define SHIFT_W(OP, W) SHIFT_FN(OP, W, 0, 0) SHIFT_FN(OP, W, 0, 1) SHIFT_FN(OP, W, 1, 0) SHIFT_FN(OP, W, 1, 1)
#define SHIFT_OP(OP) SHIFT_W(OP, 0) SHIFT_W(OP, 1) SHIFT_W(OP, 2)
SHIFT_OP(ROL)
SHIFT_OP(ROR)
SHIFT_OP(RCL)
SHIFT_OP(RCR)
SHIFT_OP(SHL)
SHIFT_OP(SHR)
SHIFT_OP(SAR)
#define SROW(OP, W) {{op_##OP##_##W##_0_0, op_##OP##_##W##_0_1}, {op_##OP##_##W##_1_0, op_##OP##_##W##_1_1}}
#define SROWS(OP) [S_##OP] = {SROW(OP, 0), SROW(OP, 1), SROW(OP, 2)}
static const op_fn shift_ops[SHIFT_OPS][3][2][2] = {
    SROWS(ROL), SROWS(ROR), SROWS(RCL), SROWS(RCR), SROWS(SHL), SROWS(SHR), SROWS(SAR)
};

/* SHLD, SHRD.  A 16-bit shift by more than 16 is undefined; what Intel's CPUs do is shift
 * the 48 bits of destination, source and destination again. */
static void double_shift(CPUX86State *env, const struct insn *insn, bool left)
{
    unsigned w = width_of(insn->op[0].size), bits = 8u << w;
    unsigned count = (insn->op[2].kind == OPK_REG ? env->regs[R_ECX] : insn->imm) & 31;
    bool mem = insn->op[0].kind == OPK_MEM;
    struct rmw m = {NULL, 0};
    uint32_t a = mem ? rmw_load(env, w, insn, &m) : get_reg(env, w, insn->op[0].reg);
    uint64_t b = get_reg(env, w, insn->op[1].reg), v;
    uint32_t r = a, src = 0;

    if (count) {
        if (left) {
            v = w == 2 ? (uint64_t)a << 32 | b : (uint64_t)a << 32 | b << 16 | a;
            src = (uint32_t)(v << (count - 1) >> 32);
            r = (uint32_t)(v << count >> 32);
        } else {
            v = (w == 1 ? (uint64_t)a << 32 : 0) | b << bits | a;
            src = (uint32_t)(v >> (count - 1));
            r = (uint32_t)(v >> count);
        }
    }
    if (mem)
        rmw_store(env, w, &m, r);
    else if (count)
        set_reg(env, w, insn->op[0].reg, r);
    if (count)
        set_cc(env, left ? CC_SHL : CC_SHR, w, sext(w, r), sext(w, src));
    next_insn(env, insn);
}

static void op_shld(CPUX86State *env, const struct insn *insn)
{
    double_shift(env, insn, true);
}

static void op_shrd(CPUX86State *env, const struct insn *insn)
{
    double_shift(env, insn, false);
}

op_fn interp_select_shift(const struct insn *insn)
{
    enum shift op;

    switch (insn->mnem) {
    case MN_ROL: op = S_ROL; break;
    case MN_ROR: op = S_ROR; break;
    case MN_RCL: op = S_RCL; break;
    case MN_RCR: op = S_RCR; break;
    case MN_SHL: op = S_SHL; break;
    case MN_SHR: op = S_SHR; break;
    case MN_SAR: op = S_SAR; break;
    case MN_SHLD: return op_shld;
    case MN_SHRD: return op_shrd;
    default: return NULL;
    }
    return shift_ops[op][width_of(insn->op[0].size)][insn->op[0].kind == OPK_MEM]
                    [insn->op[1].kind == OPK_REG];
}
