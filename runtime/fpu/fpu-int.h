/* What the files of the x87 share. */
#ifndef STITCH86_FPU_INT_H
#define STITCH86_FPU_INT_H

#include "cpu.h"
#include "insn.h"
#include "interp.h"
#include "softfp.h"
#include "softmmu.h"

#define FPUC_INIT 0x037f
#define FPUC_BITS 0x1f7f /* the others read 0, but bit 6 reads 1 */
#define FPUC_ONE 0x0040

static inline struct floatx80 *fpu_st(CPUX86State *env, unsigned i)
{
    return &env->fpregs[(env->fpstt + i) & 7];
}

static inline bool fpu_empty(const CPUX86State *env, unsigned i)
{
    return env->fpempty[(env->fpstt + i) & 7];
}

static inline void fpu_put(CPUX86State *env, unsigned i, struct floatx80 v)
{
    unsigned r = (env->fpstt + i) & 7;
    env->fpregs[r] = v;
    env->fpempty[r] = 0;
}

static inline void fpu_push(CPUX86State *env, struct floatx80 v)
{
    env->fpstt = (env->fpstt - 1) & 7;
    fpu_put(env, 0, v);
}

static inline void fpu_pop(CPUX86State *env)
{
    env->fpempty[env->fpstt] = 1;
    env->fpstt = (env->fpstt + 1) & 7;
}

static inline uint16_t fpu_status(const CPUX86State *env)
{
    return (uint16_t)(env->fpus | env->fpstt << 11);
}

/* ES and B follow from flags and masks whenever one of them changes; FERR# goes with ES. */
void fpu_update_es(CPUX86State *env);
/* Flags of a finished operation; C1 is set or cleared.  False: the destination stays as it was. */
static inline bool fpu_commit(CPUX86State *env, struct fp_ctx *s)
{
    env->fpus &= (uint16_t)~FPUS_C1;
    if (!s->flags)
        return true;
    bool stored = fx_stored(s);
    env->fpus |= s->flags;
    if (s->flags & ~s->cw & FPUS_EXC)
        fpu_update_es(env);
    return stored;
}

/* Stack underflow and overflow: true if masked, then the caller gives the QNaN. */
bool fpu_stack_underflow(CPUX86State *env);
bool fpu_stack_overflow(CPUX86State *env);

/* Offset of the memory operand in its segment. */
static inline uint32_t fpu_offset(const CPUX86State *env, const struct insn *insn)
{
    uint32_t a = (uint32_t)insn->disp;
    if (insn->base != INSN_NOREG)
        a += env->regs[insn->base];
    if (insn->index != INSN_NOREG)
        a += env->regs[insn->index] << insn->scale;
    return insn->addrsize == 2 ? a & 0xffff : a;
}

/* ---- fpu-mem.c: loads, stores, operands in memory ---- */
/* Single or double by operand size; *denormal: it was one. */
struct floatx80 fpu_load_real(CPUX86State *env, const struct insn *insn, uint32_t offset, bool *denormal);
struct floatx80 fpu_load_int(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fld(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fild(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fbld(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fst(CPUX86State *env, const struct insn *insn, uint32_t offset, bool pop);
void fpu_fist(CPUX86State *env, const struct insn *insn, uint32_t offset, bool pop);
void fpu_fbstp(CPUX86State *env, const struct insn *insn, uint32_t offset);

/* ---- fpu-env.c: control and state ---- */
void fpu_init(CPUX86State *env);
void fpu_fldcw(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fnstcw(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fnstsw(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fnstenv(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fldenv(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fnsave(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_frstor(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fxsave(CPUX86State *env, const struct insn *insn, uint32_t offset);
void fpu_fxrstor(CPUX86State *env, const struct insn *insn, uint32_t offset);

/* ---- fpu-trans.c: instructions of one or two stack operands that are not hot ---- */
void fpu_unary(CPUX86State *env, const struct insn *insn);
void fpu_constant(CPUX86State *env, const struct insn *insn);
void fpu_fxam(CPUX86State *env);
void fpu_fprem(CPUX86State *env, bool nearest);
void fpu_fscale(CPUX86State *env);
/* FXTRACT, FSINCOS, FPTAN: one operand, two results. */
void fpu_split(CPUX86State *env, const struct insn *insn);
/* FYL2X, FYL2XP1, FPATAN */
void fpu_two_pop(CPUX86State *env, const struct insn *insn);

#endif
