/* x87 arithmetic and comparison. */
#include "flags.h"
#include "fpu-int.h"

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
    unsigned d = fpu_top(env);
    if (fpu_phys_empty(env, d)) {
        if (fpu_stack_underflow(env))
            fpu_put(env, 0, fx_default_nan());
        return;
    }
    struct floatx80 r = arith(op, env->fpregs[d], src, &s);
    /* NaN, invalid and zero-divide come before denormal (SDM 1, 4.9.2). */
    if (denormal && !fx_is_nan(r) && !(s.flags & FPUS_ZE))
        s.flags |= FPUS_DE;
    if (fpu_commit(env, &s))
        env->fpregs[d] = r;
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
    unsigned d = (fpu_top(env) + insn->op[0].reg) & 7, i = (fpu_top(env) + insn->op[1].reg) & 7;
    if (fpu_phys_empty(env, d) || fpu_phys_empty(env, i)) {
        if (fpu_stack_underflow(env)) {
            env->fpregs[d] = fx_default_nan();
            fpu_fill(env, d);
        }
        return;
    }
    struct floatx80 r = arith(op, env->fpregs[d], env->fpregs[i], &s);
    if (fpu_commit(env, &s))
        env->fpregs[d] = r;
}

static inline void arith_pop(CPUX86State *env, const struct insn *insn, enum arith op)
{
    struct fp_ctx s = { env->fpuc, 0 };
    unsigned i = fpu_top(env), d = (i + insn->op[0].reg) & 7;
    if (fpu_phys_empty(env, d) || fpu_phys_empty(env, i)) {
        if (!fpu_stack_underflow(env))
            return;
        env->fpregs[d] = fx_default_nan();
        fpu_fill(env, d);
    } else {
        struct floatx80 r = arith(op, env->fpregs[d], env->fpregs[i], &s);
        if (!fpu_commit(env, &s))
            return;
        env->fpregs[d] = r;
    }
    fpu_pop(env);
}

static inline void arith_int(CPUX86State *env, const struct insn *insn, uint32_t offset, enum arith op)
{
    arith_mem(env, op, fpu_load_int(env, insn, offset), false);
}

/* FADD, FIADD, FADDP and so on: fpu_ADD, fpu_IADD, fpu_ADDP ... */
#define ARITH(NAME) \
    FPU_INSN(fpu_##NAME) \
    { \
        arith_real(env, insn, offset, AR_##NAME); \
    } \
    FPU_INSN(fpu_I##NAME) \
    { \
        arith_int(env, insn, offset, AR_##NAME); \
    } \
    FPU_INSN(fpu_##NAME##P) \
    { \
        (void)offset; \
        arith_pop(env, insn, AR_##NAME); \
    }
ARITH(ADD)
ARITH(MUL)
ARITH(SUB)
ARITH(SUBR)
ARITH(DIV)
ARITH(DIVR)

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

static inline void compare_insn(CPUX86State *env, const struct insn *insn, uint32_t offset, bool quiet,
                                int pops)
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

#define COMPARE(NAME, quiet, pops) \
    FPU_INSN(fpu_##NAME) \
    { \
        compare_insn(env, insn, offset, quiet, pops); \
    }
COMPARE(COM, false, 0)
COMPARE(COMP, false, 1)
COMPARE(COMPP, false, 2)
COMPARE(UCOM, true, 0)
COMPARE(UCOMP, true, 1)
COMPARE(UCOMPP, true, 2)

/* FICOM, FICOMP */
FPU_INSN(fpu_ICOM)
{
    struct floatx80 b = fpu_load_int(env, insn, offset);
    bool go = fpu_empty(env, 0) ? compare_underflow(env) : compare(env, b, false, false);
    if (go && insn->mnem == MN_FICOMP)
        fpu_pop(env);
}

FPU_INSN(fpu_TST)
{
    (void)insn;
    (void)offset;
    if (fpu_empty(env, 0))
        compare_underflow(env);
    else
        compare(env, fx_zero(0), false, false);
}

/* FCOMI and its family: the relation goes to ZF, PF, CF; OF, SF, AF are cleared.  After
 * an unmasked invalid operation EFLAGS stay (SDM 2, FCOMI; AMD's set them). */
FPU_INSN(fpu_COMI)
{
    static const uint16_t eflags[4] = {
        [FX_LESS] = CC_C, [FX_EQUAL] = CC_Z, [FX_UNORDERED] = CC_C | CC_P | CC_Z
    };
    bool quiet = insn->mnem == MN_FUCOMI || insn->mnem == MN_FUCOMIP;
    bool pop = insn->mnem == MN_FCOMIP || insn->mnem == MN_FUCOMIP;
    unsigned i = insn->op[1].reg;
    (void)offset;
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
