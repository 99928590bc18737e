/* Branches, calls, returns, software interrupts.  Near targets are truncated to 16 bits with a 16-bit
 * operand size, and checked against the limit of CS before anything is committed. */
#include "interp-core.h"

ALWAYS_INLINE uint32_t check_target(CPUX86State *env, const struct insn *insn, uint32_t target)
{
    if (unlikely(insn->opsize == 2))
        target &= 0xffff;
    if (unlikely(!(env->hflags & HF_SEG_FULL(R_CS))) && target > env->segs[R_CS].limit)
        raise_exception_err(env, EXCP_GP, 0, 0);
    return target;
}

ALWAYS_INLINE uint32_t following(CPUX86State *env, const struct insn *insn)
{
    return env->eip + insn->len;
}

ALWAYS_INLINE uint32_t relative(CPUX86State *env, const struct insn *insn)
{
    return check_target(env, insn, following(env, insn) + insn->imm);
}

static void op_jmp_rel(CPUX86State *env, const struct insn *insn)
{
    env->eip = relative(env, insn);
}

static void op_jmp_ind(CPUX86State *env, const struct insn *insn)
{
    env->eip = check_target(env, insn, ld_op(env, width_of(insn->opsize), insn, 0));
}

static void op_call_rel(CPUX86State *env, const struct insn *insn)
{
    uint32_t target = relative(env, insn);

    push(env, width_of(insn->opsize), following(env, insn));
    env->eip = target;
}

static void op_call_ind(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->opsize);
    uint32_t target = check_target(env, insn, ld_op(env, w, insn, 0));

    push(env, w, following(env, insn));
    env->eip = target;
}

static void op_ret(CPUX86State *env, const struct insn *insn)
{
    uint32_t target = check_target(env, insn, peek(env, width_of(insn->opsize), 0));

    set_sp(env, env->regs[R_ESP] + insn->opsize + (insn->nops ? insn->imm & 0xffff : 0));
    env->eip = target;
}

#define JCC_FN(N) \
    static void op_jcc_##N(CPUX86State *env, const struct insn *insn) \
    { \
        if (test_cond(env, N)) \
            env->eip = relative(env, insn); \
        else \
            next_insn(env, insn); \
    }
JCC_FN(0) JCC_FN(1) JCC_FN(2) JCC_FN(3) JCC_FN(4) JCC_FN(5) JCC_FN(6) JCC_FN(7)
JCC_FN(8) JCC_FN(9) JCC_FN(10) JCC_FN(11) JCC_FN(12) JCC_FN(13) JCC_FN(14) JCC_FN(15)
static const op_fn jcc_ops[16] = {
    op_jcc_0, op_jcc_1, op_jcc_2, op_jcc_3, op_jcc_4, op_jcc_5, op_jcc_6, op_jcc_7,
    op_jcc_8, op_jcc_9, op_jcc_10, op_jcc_11, op_jcc_12, op_jcc_13, op_jcc_14, op_jcc_15
};

/* LOOP counts in CX or ECX, as the address size says. */
ALWAYS_INLINE void loop(CPUX86State *env, const struct insn *insn, bool check_z, bool z)
{
    unsigned w = insn->addrsize == 2 ? 1 : 2;
    uint32_t count = zext(w, get_reg(env, w, R_ECX) - 1);
    uint32_t target = following(env, insn);

    if (count && (!check_z || test_cond(env, 4) == z))
        target = relative(env, insn);
    set_reg(env, w, R_ECX, count);
    env->eip = target;
}

static void op_loop(CPUX86State *env, const struct insn *insn)
{
    loop(env, insn, false, false);
}

static void op_loope(CPUX86State *env, const struct insn *insn)
{
    loop(env, insn, true, true);
}

static void op_loopne(CPUX86State *env, const struct insn *insn)
{
    loop(env, insn, true, false);
}

static void op_jcxz(CPUX86State *env, const struct insn *insn)
{
    if (get_reg(env, insn->addrsize == 2 ? 1 : 2, R_ECX) == 0)
        env->eip = relative(env, insn);
    else
        next_insn(env, insn);
}

/* The far pointer of a memory operand or of the instruction itself. */
static void far_pointer(CPUX86State *env, const struct insn *insn, uint32_t *selector, uint32_t *offset)
{
    unsigned w = width_of(insn->opsize);

    if (insn->op[0].kind == OPK_MEM) {
        *offset = ld_ea(env, w, insn);
        *selector = ld_ea_above(env, 1, insn, insn->opsize);
    } else {
        *offset = zext(w, insn->imm);
        *selector = insn->imm2 & 0xffff;
    }
}

static void op_jmpf(CPUX86State *env, const struct insn *insn)
{
    uint32_t selector, offset;

    far_pointer(env, insn, &selector, &offset);
    do_far_jmp(env, selector, offset, following(env, insn), insn->opsize);
}

static void op_callf(CPUX86State *env, const struct insn *insn)
{
    uint32_t selector, offset;

    far_pointer(env, insn, &selector, &offset);
    do_far_call(env, selector, offset, following(env, insn), insn->opsize);
}

static void op_retf(CPUX86State *env, const struct insn *insn)
{
    do_far_ret(env, insn->opsize, insn->nops ? insn->imm & 0xffff : 0);
}

static void op_iret(CPUX86State *env, const struct insn *insn)
{
    do_iret(env, insn->opsize, following(env, insn));
}

static void op_int(CPUX86State *env, const struct insn *insn)
{
    raise_interrupt(env, (int)(insn->imm & 0xff), following(env, insn));
}

static void op_int3(CPUX86State *env, const struct insn *insn)
{
    raise_interrupt(env, EXCP_BP, following(env, insn));
}

static void op_into(CPUX86State *env, const struct insn *insn)
{
    if (get_arith(env) & CC_O)
        raise_interrupt(env, EXCP_OF, following(env, insn));
    next_insn(env, insn);
}

/* ICEBP: #DB as a trap, without a bit in DR6 and without the privilege check of INT. */
static void op_int1(CPUX86State *env, const struct insn *insn)
{
    next_insn(env, insn);
    raise_debug(env, 0, 0);
}

static void op_bound(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->opsize);
    int32_t low = (int32_t)sext(w, ld_ea(env, w, insn));
    int32_t high = (int32_t)sext(w, ld_ea_above(env, w, insn, insn->opsize));
    int32_t v = (int32_t)sext(w, env->regs[insn->op[0].reg]);

    if (v < low || v > high)
        raise_exception(env, EXCP_BR, 0);
    next_insn(env, insn);
}

op_fn interp_select_flow(const struct insn *insn)
{
    bool rel = insn->op[0].kind == OPK_REL;

    switch (insn->mnem) {
    case MN_JCC: return jcc_ops[insn->cond & 15];
    case MN_JMP: return rel ? op_jmp_rel : op_jmp_ind;
    case MN_CALL: return rel ? op_call_rel : op_call_ind;
    case MN_RET: return op_ret;
    case MN_LOOP: return op_loop;
    case MN_LOOPE: return op_loope;
    case MN_LOOPNE: return op_loopne;
    case MN_JCXZ: return op_jcxz;
    case MN_JMPF: return op_jmpf;
    case MN_CALLF: return op_callf;
    case MN_RETF: return op_retf;
    case MN_IRET: return op_iret;
    case MN_INT: return op_int;
    case MN_INT3: return op_int3;
    case MN_INTO: return op_into;
    case MN_INT1: return op_int1;
    case MN_BOUND: return op_bound;
    default: return NULL;
    }
}
