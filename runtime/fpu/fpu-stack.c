/* x87 instructions with stack operands only, apart from basic arithmetic: constants,
 * square root, remainder, scaling, the transcendental ones. */
#include "fpu-int.h"

/* Constants truncated to 64 bits; next: does rounding to nearest take the value above? */
static const struct {
    uint64_t mant;
    int16_t exp;
    bool inexact, next;
} constants[] = {
    { 0x8000000000000000u, 0, false, false }, /* 1 */
    { 0xd49a784bcd1b8afeu, 1, true, false },  /* log2 10 */
    { 0xb8aa3b295c17f0bbu, 0, true, true },   /* log2 e */
    { 0xc90fdaa22168c234u, 1, true, true },   /* pi */
    { 0x9a209a84fbcff798u, -2, true, true },  /* log10 2 */
    { 0xb17217f7d1cf79abu, -1, true, true }   /* ln 2 */
};

struct floatx80 fpu_constant_value(unsigned mnem, unsigned rc)
{
    unsigned k;
    switch (mnem) {
    case MN_FLDL2T:
        k = 1;
        break;
    case MN_FLDL2E:
        k = 2;
        break;
    case MN_FLDPI:
        k = 3;
        break;
    case MN_FLDLG2:
        k = 4;
        break;
    case MN_FLDLN2:
        k = 5;
        break;
    case MN_FLDZ:
        return fx_zero(0);
    default:
        k = 0;
    }
    bool up = rc == FPRC_NEAREST ? constants[k].next : rc == FPRC_UP && constants[k].inexact;
    return fx_pack(0, constants[k].exp + FX_BIAS, constants[k].mant + up);
}

FPU_INSN(fpu_constant)
{
    (void)offset;
    struct fp_ctx s = { env->fpuc, 0 };
    if (!fpu_empty(env, 7)) {
        if (fpu_stack_overflow(env))
            fpu_push(env, fx_default_nan());
        return;
    }
    env->fpus &= (uint16_t)~FPUS_C1;
    fpu_push(env, fpu_constant_value(insn->mnem, fx_rc(&s)));
}

FPU_INSN(fpu_fxam)
{
    (void)insn;
    (void)offset;
    static const uint16_t cc[] = {
        [FX_ZERO] = FPUS_C3, [FX_NORMAL] = FPUS_C2, [FX_DENORMAL] = FPUS_C3 | FPUS_C2,
        [FX_INF] = FPUS_C2 | FPUS_C0, [FX_QNAN] = FPUS_C0, [FX_SNAN] = FPUS_C0, [FX_UNSUPPORTED] = 0
    };
    struct floatx80 v = *fpu_st(env, 0);
    uint16_t c = fpu_empty(env, 0) ? FPUS_C3 | FPUS_C0 : cc[fx_classify(v)];
    if (fx_sign(v))
        c |= FPUS_C1;
    env->fpus = (uint16_t)((env->fpus & ~FPUS_CC) | c);
}

FPU_INSN(fpu_unary)
{
    (void)offset;
    struct fp_ctx s = { env->fpuc, 0 };
    bool trig = insn->mnem == MN_FSIN || insn->mnem == MN_FCOS, done = true;
    if (fpu_empty(env, 0)) {
        if (trig)
            env->fpus &= (uint16_t)~FPUS_C2;
        if (fpu_stack_underflow(env))
            fpu_put(env, 0, fx_default_nan());
        return;
    }
    struct floatx80 v = *fpu_st(env, 0);
    switch (insn->mnem) {
    case MN_FSQRT:
        v = fx_sqrt(v, &s);
        break;
    case MN_FRNDINT:
        v = fx_round_int(v, &s);
        break;
    case MN_F2XM1:
        v = fx_f2xm1(v, &s);
        break;
    case MN_FSIN:
        done = fx_sincos(v, &v, NULL, &s);
        break;
    default:
        done = fx_sincos(v, NULL, &v, &s);
        break;
    }
    if (trig)
        env->fpus = (uint16_t)((env->fpus & ~FPUS_C2) | (done ? 0 : FPUS_C2));
    if (fpu_commit(env, &s))
        *fpu_st(env, 0) = v;
}

FPU_INSN(fpu_split)
{
    (void)offset;
    struct fp_ctx s = { env->fpuc, 0 };
    bool trig = insn->mnem != MN_FXTRACT, done = true, full = !fpu_empty(env, 7);
    if (trig)
        env->fpus &= (uint16_t)~FPUS_C2;
    if (fpu_empty(env, 0) || full) {
        if (fpu_empty(env, 0) ? fpu_stack_underflow(env) : fpu_stack_overflow(env)) {
            fpu_put(env, 0, fx_default_nan());
            fpu_push(env, fx_default_nan());
        }
        return;
    }
    struct floatx80 v = *fpu_st(env, 0), lower = v, top = v;
    if (insn->mnem == MN_FXTRACT) {
        top = fx_extract(v, &lower, &s);
    } else if (insn->mnem == MN_FSINCOS) {
        done = fx_sincos(v, &lower, &top, &s);
    } else {
        done = fx_tan(v, &lower, &s);
        top = fx_is_nan(lower) ? lower : fx_pack(0, FX_BIAS, FX_INT_BIT);
    }
    if (!done)
        env->fpus |= FPUS_C2;
    if (!fpu_commit(env, &s) || !done)
        return;
    fpu_put(env, 0, lower);
    fpu_push(env, top);
}

/* Instructions on ST(0) and ST(1) with one of them empty. */
static bool two_underflow(CPUX86State *env, bool *done)
{
    *done = false;
    if (!fpu_empty(env, 0) && !fpu_empty(env, 1))
        return false;
    *done = fpu_stack_underflow(env);
    return true;
}

FPU_INSN(fpu_two_pop)
{
    (void)offset;
    struct fp_ctx s = { env->fpuc, 0 };
    struct floatx80 v = fx_default_nan();
    bool done;
    if (!two_underflow(env, &done)) {
        struct floatx80 x = *fpu_st(env, 0), y = *fpu_st(env, 1);
        v = insn->mnem == MN_FYL2X ? fx_yl2x(y, x, &s)
            : insn->mnem == MN_FPATAN ? fx_atan(y, x, &s) : fx_yl2xp1(y, x, &s);
        done = fpu_commit(env, &s);
    }
    if (!done)
        return;
    fpu_put(env, 1, v);
    fpu_pop(env);
}

FPU_INSN(fpu_fprem)
{
    (void)offset;
    struct fp_ctx s = { env->fpuc, 0 };
    bool done, partial = false;
    unsigned q;
    if (two_underflow(env, &done)) {
        if (done)
            fpu_put(env, 0, fx_default_nan());
        env->fpus &= (uint16_t)~FPUS_C2;
        return;
    }
    struct floatx80 r = fx_rem(*fpu_st(env, 0), *fpu_st(env, 1), insn->mnem == MN_FPREM1, &q, &partial, &s);
    done = fpu_commit(env, &s);
    env->fpus &= (uint16_t)~(FPUS_C1 | FPUS_C2);
    if (done)
        *fpu_st(env, 0) = r;
    if (!done || fx_is_nan(r))
        return; /* no quotient: C0 and C3 stay */
    env->fpus &= (uint16_t)~FPUS_CC;
    env->fpus |= (uint16_t)((q & 4 ? FPUS_C0 : 0) | (q & 2 ? FPUS_C3 : 0) | (q & 1 ? FPUS_C1 : 0)
                            | (partial ? FPUS_C2 : 0));
}

FPU_INSN(fpu_fscale)
{
    (void)insn;
    (void)offset;
    struct fp_ctx s = { env->fpuc, 0 };
    bool done;
    if (two_underflow(env, &done)) {
        if (done)
            fpu_put(env, 0, fx_default_nan());
        return;
    }
    struct floatx80 r = fx_scale(*fpu_st(env, 0), *fpu_st(env, 1), &s);
    if (fpu_commit(env, &s))
        *fpu_st(env, 0) = r;
}
