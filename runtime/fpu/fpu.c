/* The x87 instructions: dispatch, pending exceptions, and what only moves the stack. */
#include "fpu-int.h"

#include "exception.h"
#include "flags.h"
#include "machine.h"

void fpu_update_es(CPUX86State *env)
{
    bool was = env->fpus & FPUS_ES;
    env->fpus &= (uint16_t)~(FPUS_ES | FPUS_B);
    if (env->fpus & ~env->fpuc & FPUS_EXC)
        env->fpus |= FPUS_ES | FPUS_B;
    else if (was && env->machine)
        machine_set_ferr(env->machine, 0);
    fpu_update_word(env);
}

bool fpu_stack_underflow(CPUX86State *env)
{
    env->fpus &= (uint16_t)~FPUS_C1;
    env->fpus |= FPUS_IE | FPUS_SF;
    fpu_update_es(env);
    return env->fpuc & FPUS_IE;
}

bool fpu_stack_overflow(CPUX86State *env)
{
    env->fpus |= FPUS_IE | FPUS_SF | FPUS_C1;
    fpu_update_es(env);
    return env->fpuc & FPUS_IE;
}

void fpu_pending_exception(CPUX86State *env)
{
    if (env->cr[0] & CR0_NE)
        raise_exception(env, EXCP_MF, 0);
    /* MS-DOS compatibility: the PC turns FERR# into IRQ 13, and the CPU waits for it unless IGNNE#
     * lets it go on.  A CPU that can't take the interrupt would stand still for ever; it goes on. */
    if (!env->machine || machine_ignne(env->machine))
        return;
    machine_set_ferr(env->machine, 1);
    if (machine_intr(env->machine) && (env->eflags & IF_MASK) && !(env->hflags & HF_INHIBIT))
        cpu_loop_exit(env);
}

static void op_CMOV(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    unsigned i = insn->op[1].reg;
    (void)offset;
    if (fpu_empty(env, 0) || fpu_empty(env, i)) {
        if (fpu_stack_underflow(env))
            fpu_put(env, 0, fx_default_nan());
        return;
    }
    uint32_t flags = cc_compute_all(env->cc_op, env->cc_dst, env->cc_src, env->cc_src2, env->cc_res);
    if (cc_condition(flags, insn->cond))
        *fpu_st(env, 0) = *fpu_st(env, i);
}

static void op_XCH(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    unsigned i = insn->op[0].reg;
    (void)offset;
    if (fpu_empty(env, 0) || fpu_empty(env, i)) {
        if (!fpu_stack_underflow(env))
            return;
        if (fpu_empty(env, 0))
            fpu_put(env, 0, fx_default_nan());
        if (fpu_empty(env, i))
            fpu_put(env, i, fx_default_nan());
    } else {
        env->fpus &= (uint16_t)~FPUS_C1;
    }
    struct floatx80 t = *fpu_st(env, 0);
    *fpu_st(env, 0) = *fpu_st(env, i);
    *fpu_st(env, i) = t;
}

/* FCHS and FABS change any register bits, NaN or not. */
static void op_sign(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    (void)offset;
    if (fpu_empty(env, 0)) {
        if (fpu_stack_underflow(env))
            fpu_put(env, 0, fx_default_nan());
        return;
    }
    env->fpus &= (uint16_t)~FPUS_C1;
    if (insn->mnem == MN_FCHS)
        fpu_st(env, 0)->se ^= 0x8000;
    else
        fpu_st(env, 0)->se &= 0x7fff;
}

/* FINCSTP, FDECSTP */
static void op_rotate(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    (void)offset;
    fpu_set_top(env, fpu_top(env) + (insn->mnem == MN_FINCSTP ? 1 : 7));
    env->fpus &= (uint16_t)~FPUS_C1;
}

/* FFREE, FFREEP */
static void op_FREE(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    (void)offset;
    env->fpus &= (uint16_t)~FPUS_C1;
    fpu_empty_phys(env, fpu_top(env) + insn->op[0].reg);
    if (insn->mnem == MN_FFREEP)
        fpu_pop(env);
}

/* FNOP, FWAIT, and what is no operation since the 80287: FNENI, FNDISI, FNSETPM */
static void op_NOP(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    (void)env;
    (void)insn;
    (void)offset;
}

enum kind {
    COMPUTES, /* waits, and sets the instruction and data pointers (SDM 1, 8.1.8) */
    WAITS,    /* control instruction, but looks for a pending exception */
    NO_WAIT
};

typedef void fpu_fn(CPUX86State *env, const struct insn *insn, uint32_t offset);

static const struct {
    fpu_fn *fn;
    enum kind kind;
} table[MN_COUNT] = {
#define ARITH_ROWS(NAME) \
    [MN_F##NAME] = { fpu_##NAME, COMPUTES }, [MN_FI##NAME] = { fpu_I##NAME, COMPUTES }, \
    [MN_F##NAME##P] = { fpu_##NAME##P, COMPUTES }
    ARITH_ROWS(ADD), ARITH_ROWS(MUL), ARITH_ROWS(SUB), ARITH_ROWS(SUBR), ARITH_ROWS(DIV), ARITH_ROWS(DIVR),
    [MN_FLD] = { fpu_fld, COMPUTES },
    [MN_FST] = { fpu_fst, COMPUTES },
    [MN_FSTP] = { fpu_fst, COMPUTES },
    [MN_FILD] = { fpu_fild, COMPUTES },
    [MN_FIST] = { fpu_fist, COMPUTES },
    [MN_FISTP] = { fpu_fist, COMPUTES },
    [MN_FISTTP] = { fpu_fist, COMPUTES },
    [MN_FBLD] = { fpu_fbld, COMPUTES },
    [MN_FBSTP] = { fpu_fbstp, COMPUTES },
    [MN_FXCH] = { op_XCH, COMPUTES },
    [MN_FCOM] = { fpu_COM, COMPUTES },
    [MN_FCOMP] = { fpu_COMP, COMPUTES },
    [MN_FCOMPP] = { fpu_COMPP, COMPUTES },
    [MN_FUCOM] = { fpu_UCOM, COMPUTES },
    [MN_FUCOMP] = { fpu_UCOMP, COMPUTES },
    [MN_FUCOMPP] = { fpu_UCOMPP, COMPUTES },
    [MN_FICOM] = { fpu_ICOM, COMPUTES },
    [MN_FICOMP] = { fpu_ICOM, COMPUTES },
    [MN_FCOMI] = { fpu_COMI, COMPUTES },
    [MN_FCOMIP] = { fpu_COMI, COMPUTES },
    [MN_FUCOMI] = { fpu_COMI, COMPUTES },
    [MN_FUCOMIP] = { fpu_COMI, COMPUTES },
    [MN_FTST] = { fpu_TST, COMPUTES },
    [MN_FXAM] = { fpu_fxam, COMPUTES },
    [MN_FCMOVCC] = { op_CMOV, COMPUTES },
    [MN_FCHS] = { op_sign, COMPUTES },
    [MN_FABS] = { op_sign, COMPUTES },
    [MN_FLD1] = { fpu_constant, COMPUTES },
    [MN_FLDL2T] = { fpu_constant, COMPUTES },
    [MN_FLDL2E] = { fpu_constant, COMPUTES },
    [MN_FLDPI] = { fpu_constant, COMPUTES },
    [MN_FLDLG2] = { fpu_constant, COMPUTES },
    [MN_FLDLN2] = { fpu_constant, COMPUTES },
    [MN_FLDZ] = { fpu_constant, COMPUTES },
    [MN_F2XM1] = { fpu_unary, COMPUTES },
    [MN_FSQRT] = { fpu_unary, COMPUTES },
    [MN_FRNDINT] = { fpu_unary, COMPUTES },
    [MN_FSIN] = { fpu_unary, COMPUTES },
    [MN_FCOS] = { fpu_unary, COMPUTES },
    [MN_FXTRACT] = { fpu_split, COMPUTES },
    [MN_FPTAN] = { fpu_split, COMPUTES },
    [MN_FSINCOS] = { fpu_split, COMPUTES },
    [MN_FYL2X] = { fpu_two_pop, COMPUTES },
    [MN_FYL2XP1] = { fpu_two_pop, COMPUTES },
    [MN_FPATAN] = { fpu_two_pop, COMPUTES },
    [MN_FPREM] = { fpu_fprem, COMPUTES },
    [MN_FPREM1] = { fpu_fprem, COMPUTES },
    [MN_FSCALE] = { fpu_fscale, COMPUTES },
    [MN_FDECSTP] = { op_rotate, COMPUTES },
    [MN_FINCSTP] = { op_rotate, COMPUTES },
    [MN_FFREE] = { op_FREE, COMPUTES },
    [MN_FFREEP] = { op_FREE, COMPUTES },
    [MN_FNOP] = { op_NOP, COMPUTES },
    [MN_FWAIT] = { op_NOP, WAITS },
    [MN_FLDCW] = { fpu_fldcw, WAITS },
    [MN_FLDENV] = { fpu_fldenv, WAITS },
    [MN_FRSTOR] = { fpu_frstor, WAITS },
    [MN_FNINIT] = { fpu_fninit, NO_WAIT },
    [MN_FNCLEX] = { fpu_fnclex, NO_WAIT },
    [MN_FNSTSW] = { fpu_fnstsw, NO_WAIT },
    [MN_FNSTCW] = { fpu_fnstcw, NO_WAIT },
    [MN_FNSTENV] = { fpu_fnstenv, NO_WAIT },
    [MN_FNSAVE] = { fpu_fnsave, NO_WAIT },
    [MN_FXSAVE] = { fpu_fxsave, NO_WAIT },
    [MN_FXRSTOR] = { fpu_fxrstor, NO_WAIT },
    [MN_FNENI] = { op_NOP, NO_WAIT },
    [MN_FNDISI] = { op_NOP, NO_WAIT },
    [MN_FNSETPM] = { op_NOP, NO_WAIT }
};

void fpu_insn(CPUX86State *env, const struct insn *insn)
{
    fpu_fn *fn = table[insn->mnem].fn;
    enum kind kind = table[insn->mnem].kind;
    bool memory = insn->op[0].kind == OPK_MEM;
    uint32_t offset = memory ? fpu_offset(env, insn) : 0;
    if (!fn)
        raise_exception(env, EXCP_UD, 0);
    if (kind != NO_WAIT && (env->fpus & FPUS_ES))
        fpu_pending_exception(env);
    fn(env, insn, offset);
    if (kind == COMPUTES) {
        /* Only now: a fault in memory leaves everything as it was. */
        env->fpip = env->eip;
        env->fpcs = (uint16_t)env->segs[R_CS].selector;
        /* The opcode is kept only where it is of use, as from the Pentium 4 on (SDM 1, 8.1.9.1). */
        if (env->fpus & FPUS_ES)
            env->fpop = (uint16_t)((insn->opcode[0] & 7) << 8 | insn->opcode[1]);
        if (memory) {
            env->fpdp = offset;
            env->fpds = (uint16_t)env->segs[insn->seg].selector;
        }
    }
    env->eip += insn->len;
}
