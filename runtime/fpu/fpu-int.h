/* What the files of the x87 share. */
#ifndef STITCH86_FPU_INT_H
#define STITCH86_FPU_INT_H

#include "cpu.h"
#include "fpu-word.h"
#include "insn.h"
#include "interp.h"
#include "softfp.h"
#include "softmmu.h"

#define FPUC_INIT 0x037f
#define FPUC_BITS 0x1f7f /* the others read 0, but bit 6 reads 1 */
#define FPUC_ONE 0x0040

/* Physical registers: is it empty; it gets a value; it becomes empty. */
static inline bool fpu_phys_empty(const CPUX86State *env, unsigned r)
{
    return !(env->fptw >> (r & 7) & 1);
}

static inline void fpu_fill(CPUX86State *env, unsigned r)
{
    env->fptw |= 1u << (r & 7);
}

static inline void fpu_empty_phys(CPUX86State *env, unsigned r)
{
    env->fptw &= ~(1u << (r & 7));
}

static inline struct floatx80 *fpu_st(CPUX86State *env, unsigned i)
{
    return &env->fpregs[(fpu_top(env) + i) & 7];
}

static inline bool fpu_empty(const CPUX86State *env, unsigned i)
{
    return fpu_phys_empty(env, fpu_top(env) + i);
}

static inline void fpu_put(CPUX86State *env, unsigned i, struct floatx80 v)
{
    unsigned r = (fpu_top(env) + i) & 7;
    env->fpregs[r] = v;
    fpu_fill(env, r);
}

static inline void fpu_push(CPUX86State *env, struct floatx80 v)
{
    fpu_set_top(env, fpu_top(env) - 1);
    fpu_put(env, 0, v);
}

static inline void fpu_pop(CPUX86State *env)
{
    fpu_empty_phys(env, fpu_top(env));
    fpu_set_top(env, fpu_top(env) + 1);
}

static inline uint16_t fpu_status(const CPUX86State *env)
{
    return (uint16_t)(env->fpus | fpu_top(env) << 11);
}

/* ES and B follow from flags and masks whenever one of them changes; FERR# goes with ES. */
void fpu_update_es(CPUX86State *env);
/* An unmasked exception is pending and a waiting instruction follows: #MF, or FERR# (SDM 1, 8.7). */
void fpu_pending_exception(CPUX86State *env);
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

/* Linear address of the memory operand's `size` bytes; raises what the segment has to say.  A segment of 4 GiB is not
 * asked, as elsewhere in the interpreter. */
static inline uint32_t fpu_linear(CPUX86State *env, const struct insn *insn, uint32_t offset, unsigned size, bool write)
{
    if ((env->hflags & HF_SEG_FULL(insn->seg)) && !(write && insn->seg == R_CS))
        return env->segs[insn->seg].base + offset;
    return seg_linear(env, insn->seg, offset, size, write);
}

/* ---- fpu-mem.c: loads, stores, operands in memory ---- */
/* Single or double by operand size; *denormal: it was one. */
struct floatx80 fpu_load_real(CPUX86State *env, const struct insn *insn, uint32_t offset, bool *denormal);
struct floatx80 fpu_load_int(CPUX86State *env, const struct insn *insn, uint32_t offset);

/* Instructions; offset: that of the memory operand if there is one. */
#define FPU_INSN(name) void name(CPUX86State *env, const struct insn *insn, uint32_t offset)
FPU_INSN(fpu_fld);
FPU_INSN(fpu_fild);
FPU_INSN(fpu_fbld);
FPU_INSN(fpu_fst);  /* FST, FSTP */
FPU_INSN(fpu_fist); /* FIST, FISTP, FISTTP */
FPU_INSN(fpu_fbstp);

/* ---- fpu-arith.c ---- */
#define FPU_ARITH(NAME) FPU_INSN(fpu_##NAME); FPU_INSN(fpu_I##NAME); FPU_INSN(fpu_##NAME##P)
FPU_ARITH(ADD);
FPU_ARITH(MUL);
FPU_ARITH(SUB);
FPU_ARITH(SUBR);
FPU_ARITH(DIV);
FPU_ARITH(DIVR);
FPU_INSN(fpu_COM);
FPU_INSN(fpu_COMP);
FPU_INSN(fpu_COMPP);
FPU_INSN(fpu_UCOM);
FPU_INSN(fpu_UCOMP);
FPU_INSN(fpu_UCOMPP);
FPU_INSN(fpu_ICOM); /* FICOM, FICOMP */
FPU_INSN(fpu_TST);
FPU_INSN(fpu_COMI); /* FCOMI, FCOMIP, FUCOMI, FUCOMIP */

/* ---- fpu-env.c: control and state ---- */
FPU_INSN(fpu_fninit);
FPU_INSN(fpu_fnclex);
FPU_INSN(fpu_fldcw);
FPU_INSN(fpu_fnstcw);
FPU_INSN(fpu_fnstsw);
FPU_INSN(fpu_fnstenv);
FPU_INSN(fpu_fldenv);
FPU_INSN(fpu_fnsave);
FPU_INSN(fpu_frstor);
FPU_INSN(fpu_fxsave);
FPU_INSN(fpu_fxrstor);

/* ---- fpu-stack.c: stack operands only, and not hot ---- */
FPU_INSN(fpu_unary);    /* FSQRT, FRNDINT, F2XM1, FSIN, FCOS */
FPU_INSN(fpu_constant); /* FLD1, FLDZ, ... */
struct floatx80 fpu_constant_value(unsigned mnem, unsigned rc);
FPU_INSN(fpu_fxam);
FPU_INSN(fpu_fprem); /* FPREM, FPREM1 */
FPU_INSN(fpu_fscale);
FPU_INSN(fpu_split);   /* FXTRACT, FSINCOS, FPTAN: one operand, two results */
FPU_INSN(fpu_two_pop); /* FYL2X, FYL2XP1, FPATAN */

#endif
