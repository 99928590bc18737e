/* ADD OR ADC SBB AND SUB XOR CMP TEST, INC DEC NEG NOT: one function for each operation, width
 * and operand shape, since these are most of what a guest executes. */
#include "interp-core.h"

/* The two-operand operations: result, and the record they leave. */
enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP, ALU_TEST, ALU_OPS };
enum shape { RR, RM, MR, RI, MI, SHAPES };

ALWAYS_INLINE uint32_t alu_result(enum alu op, uint32_t a, uint32_t b, uint32_t carry)
{
    switch (op) {
    case ALU_ADD: return a + b;
    case ALU_ADC: return a + b + carry;
    case ALU_SBB: return a - b - carry;
    case ALU_SUB: case ALU_CMP: return a - b;
    case ALU_OR: return a | b;
    case ALU_XOR: return a ^ b;
    default: return a & b;
    }
}

ALWAYS_INLINE void alu_flags(CPUX86State *env, enum alu op, unsigned w, uint32_t a, uint32_t b,
                             uint32_t carry,
                             uint32_t r)
{
    switch (op) {
    case ALU_ADD: set_cc(env, CC_ADD, w, sext(w, r), sext(w, b)); break;
    case ALU_SUB: set_cc(env, CC_SUB, w, sext(w, r), sext(w, b)); break;
    case ALU_CMP: set_cc(env, CC_CMP, w, sext(w, a), sext(w, b)); break;
    case ALU_ADC:
        set_cc(env, CC_ADC, w, sext(w, r), sext(w, b));
        env->cc_src2 = carry;
        break;
    case ALU_SBB:
        set_cc(env, CC_SBB, w, sext(w, r), sext(w, b));
        env->cc_src2 = carry;
        break;
    default: set_logic(env, w, r); break;
    }
}

ALWAYS_INLINE void alu(CPUX86State *env, const struct insn *insn, enum alu op, unsigned w, enum shape shape)
{
    bool writes = op != ALU_CMP && op != ALU_TEST;
    uint32_t carry = op == ALU_ADC || op == ALU_SBB ? get_carry(env) : 0, a, b, r;
    struct rmw m = {NULL, 0};

    switch (shape) {
    case RR: case MR: b = get_reg(env, w, insn->op[1].reg); break;
    case RM: b = ld_ea(env, w, insn); break;
    default: b = insn->imm; break;
    }
    if (shape == MR || shape == MI)
        a = writes ? rmw_load(env, w, insn, &m) : ld_ea(env, w, insn);
    else
        a = get_reg(env, w, insn->op[0].reg);
    r = alu_result(op, a, b, carry);
    if (writes && (shape == MR || shape == MI))
        rmw_store(env, w, &m, r);
    else if (writes)
        set_reg(env, w, insn->op[0].reg, r);
    alu_flags(env, op, w, a, b, carry, r);
    next_insn(env, insn);
}

#define ALU_FN(OP, W, SHAPE) \
    static void op_##OP##_##W##_##SHAPE(CPUX86State *env, const struct insn *insn) \
    { \
        alu(env, insn, ALU_##OP, W, SHAPE); \
    }
#define ALU_WIDTH(OP, W) \
    ALU_FN(OP, W, RR) ALU_FN(OP, W, RM) ALU_FN(OP, W, MR) ALU_FN(OP, W, RI) ALU_FN(OP, W, MI)
#define ALU_OP(OP) ALU_WIDTH(OP, 0) ALU_WIDTH(OP, 1) ALU_WIDTH(OP, 2)
ALU_OP(ADD)
ALU_OP(OR)
ALU_OP(ADC)
ALU_OP(SBB)
ALU_OP(AND)
ALU_OP(SUB)
ALU_OP(XOR)
ALU_OP(CMP)
ALU_OP(TEST)

#define ROW(OP, W) {op_##OP##_##W##_RR, op_##OP##_##W##_RM, op_##OP##_##W##_MR, op_##OP##_##W##_RI, \
                    op_##OP##_##W##_MI}
#define ROWS(OP) [ALU_##OP] = {ROW(OP, 0), ROW(OP, 1), ROW(OP, 2)}
static const op_fn alu_ops[ALU_OPS][3][SHAPES] = {
    ROWS(ADD), ROWS(OR), ROWS(ADC), ROWS(SBB), ROWS(AND), ROWS(SUB), ROWS(XOR), ROWS(CMP), ROWS(TEST)
};

/* One-operand operations. */
enum unary { U_INC, U_DEC, U_NEG, U_NOT, UNARY_OPS };

ALWAYS_INLINE void unary(CPUX86State *env, const struct insn *insn, enum unary op, unsigned w, bool mem)
{
    struct rmw m = {NULL, 0};
    uint32_t a = mem ? rmw_load(env, w, insn, &m) : get_reg(env, w, insn->op[0].reg);
    uint32_t r = op == U_INC ? a + 1 : op == U_DEC ? a - 1 : op == U_NEG ? -a : ~a;

    if (mem)
        rmw_store(env, w, &m, r);
    else
        set_reg(env, w, insn->op[0].reg, r);
    if (op == U_INC)
        cpu_modify_flags(env, CCM_INC, w, sext(w, r));
    else if (op == U_DEC)
        cpu_modify_flags(env, CCM_DEC, w, sext(w, r));
    else if (op == U_NEG)
        set_cc(env, CC_SUB, w, sext(w, r), sext(w, a));
    next_insn(env, insn);
}

#define UNARY_FN(OP, W, MEM) \
    static void op_##OP##_##W##_##MEM(CPUX86State *env, const struct insn *insn) \
    { \
        unary(env, insn, U_##OP, W, MEM); \
    }
#define UNARY_OP(OP) UNARY_FN(OP, 0, 0) UNARY_FN(OP, 0, 1) UNARY_FN(OP, 1, 0) UNARY_FN(OP, 1, 1) \
                     UNARY_FN(OP, 2, 0) UNARY_FN(OP, 2, 1)
UNARY_OP(INC)
UNARY_OP(DEC)
UNARY_OP(NEG)
UNARY_OP(NOT)
#define UROW(OP) [U_##OP] = {{op_##OP##_0_0, op_##OP##_0_1}, {op_##OP##_1_0, op_##OP##_1_1}, \
                             {op_##OP##_2_0, op_##OP##_2_1}}
static const op_fn unary_ops[UNARY_OPS][3][2] = {UROW(INC), UROW(DEC), UROW(NEG), UROW(NOT)};

static op_fn select2(enum alu op, const struct insn *insn)
{
    unsigned w = width_of(insn->op[0].size);
    bool mem = insn->op[0].kind == OPK_MEM;

    switch (insn->op[1].kind) {
    case OPK_MEM: return alu_ops[op][w][RM];
    case OPK_REG: return alu_ops[op][w][mem ? MR : RR];
    default: return alu_ops[op][w][mem ? MI : RI];
    }
}

static op_fn select1(enum unary op, const struct insn *insn)
{
    return unary_ops[op][width_of(insn->op[0].size)][insn->op[0].kind == OPK_MEM];
}

op_fn interp_select_alu(const struct insn *insn)
{
    switch (insn->mnem) {
    case MN_ADD: return select2(ALU_ADD, insn);
    case MN_OR: return select2(ALU_OR, insn);
    case MN_ADC: return select2(ALU_ADC, insn);
    case MN_SBB: return select2(ALU_SBB, insn);
    case MN_AND: return select2(ALU_AND, insn);
    case MN_SUB: return select2(ALU_SUB, insn);
    case MN_XOR: return select2(ALU_XOR, insn);
    case MN_CMP: return select2(ALU_CMP, insn);
    case MN_TEST: return select2(ALU_TEST, insn);
    case MN_INC: return select1(U_INC, insn);
    case MN_DEC: return select1(U_DEC, insn);
    case MN_NEG: return select1(U_NEG, insn);
    case MN_NOT: return select1(U_NOT, insn);
    default: return NULL;
    }
}
