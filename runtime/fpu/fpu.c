/* The x87 instructions: dispatch, arithmetic, comparison, stack. */
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

/* An unmasked exception is pending and a waiting instruction follows (SDM 1, 8.7). */
static void pending_exception(CPUX86State *env)
{
    if (env->cr[0] & CR0_NE)
        raise_exception(env, EXCP_MF, 0);
    /* MS-DOS compatibility: the PC turns FERR# into IRQ 13, and the CPU waits for it unless
     * IGNNE# lets it go on.  A CPU that could not take the interrupt would
     * stand still for ever; it goes on instead. */
    if (machine_ignne(env->machine))
        return;
    machine_set_ferr(env->machine, 1);
    if (machine_intr(env->machine) && (env->eflags & IF_MASK))
        cpu_loop_exit(env);
}

enum arith { AR_ADD, AR_MUL, AR_SUB, AR_SUBR, AR_DIV, AR_DIVR };

static inline struct floatx80 arith(enum arith op, struct floatx80 dst, struct floatx80 src, struct fp_ctx *s)
{
    switch (op) {
    case AR_ADD:
        return fx_add(dst, src, s);
    case AR_MUL:
        return fx_mul(dst, src, s);
    case AR_SUB:
        return fx_sub(dst, src, s);
    case AR_SUBR:
        return fx_sub(src, dst, s);
    case AR_DIV:
        return fx_div(dst, src, s);
    default:
        return fx_div(src, dst, s);
    }
}

static inline void arith_mem(CPUX86State *env, enum arith op, struct floatx80 src, bool denormal)
{
    struct fp_ctx s = { env->fpuc, 0 };
    if (fpu_empty(env, 0)) {
        if (fpu_stack_underflow(env))
            fpu_put(env, 0, fx_default_nan());
        return;
    }
    struct floatx80 r = arith(op, *fpu_st(env, 0), src, &s);
    /* NaN, invalid and zero-divide come before denormal (SDM 1, 4.9.2). */
    if (denormal && !fx_is_nan(r) && !(s.flags & FPUS_ZE))
        s.flags |= FPUS_DE;
    if (fpu_commit(env, &s))
        *fpu_st(env, 0) = r;
}

static inline void arith_real(CPUX86State *env, const struct insn *insn, uint32_t offset, enum arith op)
{
    if (insn->op[0].kind == OPK_MEM) {
        bool denormal;
        struct floatx80 src = fpu_load_real(env, insn, offset, &denormal);
        arith_mem(env, op, src, denormal);
        return;
    }
    struct fp_ctx s = { env->fpuc, 0 };
    unsigned d = insn->op[0].reg, i = insn->op[1].reg;
    if (fpu_empty(env, d) || fpu_empty(env, i)) {
        if (fpu_stack_underflow(env))
            fpu_put(env, d, fx_default_nan());
        return;
    }
    struct floatx80 r = arith(op, *fpu_st(env, d), *fpu_st(env, i), &s);
    if (fpu_commit(env, &s))
        *fpu_st(env, d) = r;
}

static inline void arith_pop(CPUX86State *env, const struct insn *insn, enum arith op)
{
    struct fp_ctx s = { env->fpuc, 0 };
    unsigned d = insn->op[0].reg;
    if (fpu_empty(env, d) || fpu_empty(env, 0)) {
        if (!fpu_stack_underflow(env))
            return;
        fpu_put(env, d, fx_default_nan());
    } else {
        struct floatx80 r = arith(op, *fpu_st(env, d), *fpu_st(env, 0), &s);
        if (!fpu_commit(env, &s))
            return;
        *fpu_st(env, d) = r;
    }
    fpu_pop(env);
}

static inline void arith_int(CPUX86State *env, const struct insn *insn, uint32_t offset, enum arith op)
{
    arith_mem(env, op, fpu_load_int(env, insn, offset), false);
}

static void set_relation(CPUX86State *env, enum fx_relation rel)
{
    static const uint16_t cc[4] = {
        [FX_LESS] = FPUS_C0, [FX_EQUAL] = FPUS_C3, [FX_UNORDERED] = FPUS_C0 | FPUS_C2 | FPUS_C3
    };
    env->fpus = (uint16_t)((env->fpus & ~(FPUS_C0 | FPUS_C2 | FPUS_C3)) | cc[rel]);
}

/* Compare ST(0) with a value; true if the instruction goes on to pop.  The condition
 * codes come out even when an unmasked exception keeps the operands on the stack. */
static bool compare(CPUX86State *env, struct floatx80 b, bool quiet, bool denormal)
{
    struct fp_ctx s = { env->fpuc, 0 };
    enum fx_relation rel = fx_compare(*fpu_st(env, 0), b, quiet, &s);
    if (denormal && rel != FX_UNORDERED)
        s.flags |= FPUS_DE;
    bool go = fpu_commit(env, &s);
    set_relation(env, rel);
    return go;
}

static bool compare_underflow(CPUX86State *env)
{
    bool go = fpu_stack_underflow(env);
    set_relation(env, FX_UNORDERED);
    return go;
}

static void fcom(CPUX86State *env, const struct insn *insn, uint32_t offset, bool quiet, int pops)
{
    bool go;
    if (insn->op[0].kind == OPK_MEM) {
        bool denormal;
        struct floatx80 b = fpu_load_real(env, insn, offset, &denormal);
        go = fpu_empty(env, 0) ? compare_underflow(env) : compare(env, b, quiet, denormal);
    } else {
        /* FCOMPP, FUCOMPP have no operand: ST(1). */
        unsigned i = insn->op[0].kind == OPK_ST ? insn->op[0].reg : 1;
        go = fpu_empty(env, 0) || fpu_empty(env, i) ? compare_underflow(env)
                                                    : compare(env, *fpu_st(env, i), quiet, false);
    }
    while (go && pops--)
        fpu_pop(env);
}

static void ficom(CPUX86State *env, const struct insn *insn, uint32_t offset, bool pop)
{
    struct floatx80 b = fpu_load_int(env, insn, offset);
    bool go = fpu_empty(env, 0) ? compare_underflow(env) : compare(env, b, false, false);
    if (go && pop)
        fpu_pop(env);
}

/* FCOMI and its family: the relation goes to ZF, PF, CF; OF, SF, AF are cleared.  After
 * an unmasked invalid operation EFLAGS stay (SDM 2, FCOMI; AMD's set them). */
static void fcomi(CPUX86State *env, const struct insn *insn, bool quiet, bool pop)
{
    static const uint16_t eflags[4] = {
        [FX_LESS] = CC_C, [FX_EQUAL] = CC_Z, [FX_UNORDERED] = CC_C | CC_P | CC_Z
    };
    unsigned i = insn->op[1].reg;
    bool go = true;
    enum fx_relation rel = FX_UNORDERED;
    struct fp_ctx s = { env->fpuc, 0 };
    if (fpu_empty(env, 0) || fpu_empty(env, i)) {
        if (!fpu_stack_underflow(env))
            return;
    } else {
        rel = fx_compare(*fpu_st(env, 0), *fpu_st(env, i), quiet, &s);
        go = fpu_commit(env, &s);
        if (s.flags & ~s.cw & FPUS_IE)
            return;
    }
    cpu_set_arith(env, eflags[rel]);
    if (go && pop)
        fpu_pop(env);
}

static void fcmov(CPUX86State *env, const struct insn *insn)
{
    unsigned i = insn->op[1].reg;
    if (fpu_empty(env, 0) || fpu_empty(env, i)) {
        if (fpu_stack_underflow(env))
            fpu_put(env, 0, fx_default_nan());
        return;
    }
    uint32_t flags = cc_compute_all(env->cc_op, env->cc_dst, env->cc_src, env->cc_src2, env->cc_res);
    if (cc_condition(flags, insn->cond))
        *fpu_st(env, 0) = *fpu_st(env, i);
}

static void fxch(CPUX86State *env, unsigned i)
{
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
static void set_sign(CPUX86State *env, uint16_t and_not, uint16_t xor)
{
    if (fpu_empty(env, 0)) {
        if (fpu_stack_underflow(env))
            fpu_put(env, 0, fx_default_nan());
        return;
    }
    env->fpus &= (uint16_t)~FPUS_C1;
    fpu_st(env, 0)->se = (uint16_t)((fpu_st(env, 0)->se & ~and_not) ^ xor);
}

/* Instructions that look at no pending exception, and those that leave the instruction
 * and data pointers alone (SDM 1, 8.1.8).  True: done. */
static bool control_insn(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    switch (insn->mnem) {
    case MN_FNINIT:
        fpu_init(env);
        return true;
    case MN_FNCLEX:
        env->fpus &= (uint16_t)~(FPUS_EXC | FPUS_SF);
        fpu_update_es(env);
        return true;
    case MN_FNSTSW:
        fpu_fnstsw(env, insn, offset);
        return true;
    case MN_FNSTCW:
        fpu_fnstcw(env, insn, offset);
        return true;
    case MN_FNSTENV:
        fpu_fnstenv(env, insn, offset);
        return true;
    case MN_FNSAVE:
        fpu_fnsave(env, insn, offset);
        return true;
    case MN_FXSAVE:
        fpu_fxsave(env, insn, offset);
        return true;
    case MN_FXRSTOR:
        fpu_fxrstor(env, insn, offset);
        return true;
    case MN_FNENI: /* 8087 and 80287 only: no operation since */
    case MN_FNDISI:
    case MN_FNSETPM:
        return true;
    default:
        break;
    }
    if (env->fpus & FPUS_ES)
        pending_exception(env);
    switch (insn->mnem) {
    case MN_FWAIT:
        return true;
    case MN_FLDCW:
        fpu_fldcw(env, insn, offset);
        return true;
    case MN_FLDENV:
        fpu_fldenv(env, insn, offset);
        return true;
    case MN_FRSTOR:
        fpu_frstor(env, insn, offset);
        return true;
    default:
        return false;
    }
}

/* The groups of which one instruction or the other is used in every loop. */
static bool hot_insn(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    switch (insn->mnem) {
    case MN_FLD:
        fpu_fld(env, insn, offset);
        return true;
    case MN_FST:
        fpu_fst(env, insn, offset, false);
        return true;
    case MN_FSTP:
        fpu_fst(env, insn, offset, true);
        return true;
    case MN_FXCH:
        fxch(env, insn->op[0].reg);
        return true;
    case MN_FADD:
        arith_real(env, insn, offset, AR_ADD);
        return true;
    case MN_FMUL:
        arith_real(env, insn, offset, AR_MUL);
        return true;
    case MN_FSUB:
        arith_real(env, insn, offset, AR_SUB);
        return true;
    case MN_FSUBR:
        arith_real(env, insn, offset, AR_SUBR);
        return true;
    case MN_FDIV:
        arith_real(env, insn, offset, AR_DIV);
        return true;
    case MN_FDIVR:
        arith_real(env, insn, offset, AR_DIVR);
        return true;
    case MN_FADDP:
        arith_pop(env, insn, AR_ADD);
        return true;
    case MN_FMULP:
        arith_pop(env, insn, AR_MUL);
        return true;
    case MN_FSUBP:
        arith_pop(env, insn, AR_SUB);
        return true;
    case MN_FSUBRP:
        arith_pop(env, insn, AR_SUBR);
        return true;
    case MN_FDIVP:
        arith_pop(env, insn, AR_DIV);
        return true;
    case MN_FDIVRP:
        arith_pop(env, insn, AR_DIVR);
        return true;
    default:
        return false;
    }
}

static void other_insn(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    switch (insn->mnem) {
    case MN_FIADD:
        arith_int(env, insn, offset, AR_ADD);
        break;
    case MN_FIMUL:
        arith_int(env, insn, offset, AR_MUL);
        break;
    case MN_FISUB:
        arith_int(env, insn, offset, AR_SUB);
        break;
    case MN_FISUBR:
        arith_int(env, insn, offset, AR_SUBR);
        break;
    case MN_FIDIV:
        arith_int(env, insn, offset, AR_DIV);
        break;
    case MN_FIDIVR:
        arith_int(env, insn, offset, AR_DIVR);
        break;
    case MN_FILD:
        fpu_fild(env, insn, offset);
        break;
    case MN_FIST:
        fpu_fist(env, insn, offset, false);
        break;
    case MN_FISTP:
        fpu_fist(env, insn, offset, true);
        break;
    case MN_FBLD:
        fpu_fbld(env, insn, offset);
        break;
    case MN_FBSTP:
        fpu_fbstp(env, insn, offset);
        break;
    case MN_FCOM:
        fcom(env, insn, offset, false, 0);
        break;
    case MN_FCOMP:
        fcom(env, insn, offset, false, 1);
        break;
    case MN_FCOMPP:
        fcom(env, insn, offset, false, 2);
        break;
    case MN_FUCOM:
        fcom(env, insn, offset, true, 0);
        break;
    case MN_FUCOMP:
        fcom(env, insn, offset, true, 1);
        break;
    case MN_FUCOMPP:
        fcom(env, insn, offset, true, 2);
        break;
    case MN_FICOM:
        ficom(env, insn, offset, false);
        break;
    case MN_FICOMP:
        ficom(env, insn, offset, true);
        break;
    case MN_FCOMI:
        fcomi(env, insn, false, false);
        break;
    case MN_FCOMIP:
        fcomi(env, insn, false, true);
        break;
    case MN_FUCOMI:
        fcomi(env, insn, true, false);
        break;
    case MN_FUCOMIP:
        fcomi(env, insn, true, true);
        break;
    case MN_FTST:
        if (fpu_empty(env, 0))
            compare_underflow(env);
        else
            compare(env, fx_zero(0), false, false);
        break;
    case MN_FXAM:
        fpu_fxam(env);
        break;
    case MN_FCMOVCC:
        fcmov(env, insn);
        break;
    case MN_FCHS:
        set_sign(env, 0, 0x8000);
        break;
    case MN_FABS:
        set_sign(env, 0x8000, 0);
        break;
    case MN_FLD1:
    case MN_FLDL2T:
    case MN_FLDL2E:
    case MN_FLDPI:
    case MN_FLDLG2:
    case MN_FLDLN2:
    case MN_FLDZ:
        fpu_constant(env, insn);
        break;
    case MN_F2XM1:
    case MN_FSQRT:
    case MN_FRNDINT:
    case MN_FSIN:
    case MN_FCOS:
        fpu_unary(env, insn);
        break;
    case MN_FXTRACT:
    case MN_FPTAN:
    case MN_FSINCOS:
        fpu_split(env, insn);
        break;
    case MN_FYL2X:
    case MN_FYL2XP1:
    case MN_FPATAN:
        fpu_two_pop(env, insn);
        break;
    case MN_FPREM:
        fpu_fprem(env, false);
        break;
    case MN_FPREM1:
        fpu_fprem(env, true);
        break;
    case MN_FSCALE:
        fpu_fscale(env);
        break;
    case MN_FDECSTP:
        env->fpstt = (env->fpstt - 1) & 7;
        env->fpus &= (uint16_t)~FPUS_C1;
        break;
    case MN_FINCSTP:
        env->fpstt = (env->fpstt + 1) & 7;
        env->fpus &= (uint16_t)~FPUS_C1;
        break;
    case MN_FFREE:
        env->fpus &= (uint16_t)~FPUS_C1;
        env->fpempty[(env->fpstt + insn->op[0].reg) & 7] = 1;
        break;
    case MN_FFREEP:
        env->fpus &= (uint16_t)~FPUS_C1;
        env->fpempty[(env->fpstt + insn->op[0].reg) & 7] = 1;
        fpu_pop(env);
        break;
    case MN_FNOP:
        break;
    default:
        raise_exception(env, EXCP_UD, 0);
    }
}

void fpu_insn(CPUX86State *env, const struct insn *insn)
{
    bool memory = insn->op[0].kind == OPK_MEM;
    uint32_t offset = memory ? fpu_offset(env, insn) : 0;
    if ((env->fpus & FPUS_ES) || !hot_insn(env, insn, offset)) {
        if (control_insn(env, insn, offset)) {
            env->eip += insn->len;
            return;
        }
        if (!hot_insn(env, insn, offset))
            other_insn(env, insn, offset);
    }
    /* Only now: a fault in memory leaves everything as it was. */
    env->fpip = env->eip;
    env->fpcs = (uint16_t)env->segs[R_CS].selector;
    env->fpop = (uint16_t)((insn->opcode[0] & 7) << 8 | insn->opcode[1]);
    if (memory) {
        env->fpdp = offset;
        env->fpds = (uint16_t)env->segs[insn->seg].selector;
    }
    env->eip += insn->len;
}
