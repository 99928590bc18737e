/* What the files of MMX and SSE share: checks, operands, and who executes what.
 *
 * An operation makes its checks first (sse_check() or mmx_check()), then its memory access, which
 * may unwind, then mmx_enter() where MMX registers are concerned, then results, then env->eip. */
#ifndef STITCH86_SIMD_H
#define STITCH86_SIMD_H

#include "fpu-word.h"
#include "interp-core.h"

/* ---- who executes what ---- */

/* MMX, SSE, SSE2, SSE3: never NULL for rows with one of these features. */
op_fn interp_select_simd(const struct insn *insn);
/* Arithmetic, comparisons and conversions (sse-float*.c); NULL for other instructions. */
op_fn interp_select_sse_float(const struct insn *insn);
/* Integer arithmetic and logicals (simd-int.c), packs, unpacks and shuffles (simd-shuffle.c), moves
 * (simd-move.c): the same. */
op_fn interp_select_simd_int(const struct insn *insn);
op_fn interp_select_simd_shuffle(const struct insn *insn);
op_fn interp_select_simd_move(const struct insn *insn);

/* ---- MXCSR (mxcsr.c) ---- */

#define MXCSR_IE 0x0001u
#define MXCSR_DE 0x0002u
#define MXCSR_ZE 0x0004u
#define MXCSR_OE 0x0008u
#define MXCSR_UE 0x0010u
#define MXCSR_PE 0x0020u
#define MXCSR_FLAGS 0x003fu
#define MXCSR_DAZ 0x0040u
#define MXCSR_MASKS 0x1f80u /* flag << MXCSR_MASK_SHIFT masks it */
#define MXCSR_MASK_SHIFT 7
#define MXCSR_RC 0x6000u
#define MXCSR_RC_SHIFT 13 /* 0 nearest, 1 down, 2 up, 3 towards zero */
#define MXCSR_FTZ 0x8000u
#define MXCSR_INIT 0x1f80u

/* Set flags in env->mxcsr; if one of them is unmasked, raise #XM, or #UD with CR4.OSXMMEXCPT
 * clear (SDM 1, 11.5.2).  To be called before the result is stored. */
void sse_raise(CPUX86State *env, uint32_t flags);
/* Merge what translated code left in the host's FPU into env->mxcsr's flags, and clear it there.
 * Due before env->mxcsr's flags are read or replaced. */
void sse_collect_flags(CPUX86State *env);

/* Bits of MXCSR that may be set: DAZ came with SSE2; 0 without SSE. */
uint32_t sse_mxcsr_mask(const CPUX86State *env);
/* Replace MXCSR (LDMXCSR, FXRSTOR): the reserved bits have been checked.  hflags follow. */
void sse_set_mxcsr(CPUX86State *env, uint32_t v);

static inline uint32_t sse_mxcsr_hflag(uint32_t mxcsr)
{
    return (mxcsr & ~MXCSR_FLAGS) == MXCSR_INIT ? HF_MXCSR_STD : 0;
}

/* ---- checks (SDM 3, tables 13-1 and 12-1) ---- */

_Noreturn void sse_fault(CPUX86State *env);
/* Returns where a pending x87 exception is not reported as #MF (CR0.NE clear). */
void mmx_fault(CPUX86State *env);

/* #UD with CR0.EM set or CR4.OSFXSR clear, #NM with CR0.TS set. */
ALWAYS_INLINE void sse_check(CPUX86State *env)
{
    if (unlikely((env->hflags & (HF_EM | HF_TS | HF_OSFXSR)) != HF_OSFXSR))
        sse_fault(env);
}

/* #UD with CR0.EM set, #NM with CR0.TS set, #MF if an x87 exception is pending. */
ALWAYS_INLINE void mmx_check(CPUX86State *env)
{
    if (unlikely((env->hflags & (HF_EM | HF_TS)) || (env->fpus & 0x80)))
        mmx_fault(env);
}

/* What every MMX instruction but EMMS does to the x87: TOP = 0, all tags valid (SDM 1, 9.6.2). */
ALWAYS_INLINE void mmx_enter(CPUX86State *env)
{
    fpu_mmx_word(env);
}

/* ---- registers ---- */

ALWAYS_INLINE uint64_t mmx_get(const CPUX86State *env, unsigned r)
{
    return env->fpregs[r].mant;
}

/* A write sets sign and exponent to ones (SDM 1, 9.6.2). */
ALWAYS_INLINE void mmx_set(CPUX86State *env, unsigned r, uint64_t v)
{
    env->fpregs[r].mant = v;
    env->fpregs[r].se = 0xffff;
}

/* ---- memory: the instruction's one operand ---- */

_Noreturn void simd_misaligned(CPUX86State *env);

/* Linear address of a 16-byte operand that has to be aligned: #GP(0), before any #PF. */
ALWAYS_INLINE uint32_t simd_addr_aligned(CPUX86State *env, const struct insn *insn, bool write)
{
    uint32_t lin = seg_addr(env, insn->seg, insn_ea(env, insn), 16, write);
    if (unlikely(lin & 15))
        simd_misaligned(env);
    return lin;
}

uint32_t simd_addr_unaligned_slow(CPUX86State *env, const struct insn *insn, bool write);

/* MOVUPS and its like: 16 bytes anywhere, but #AC goes by 16 bytes too (as CPUs do it). */
ALWAYS_INLINE uint32_t simd_addr_unaligned(CPUX86State *env, const struct insn *insn, bool write)
{
    if (likely((env->hflags & HF_SEG_FULL(insn->seg)) && !(write && insn->seg == R_CS)))
        return env->segs[insn->seg].base + insn_ea(env, insn);
    return simd_addr_unaligned_slow(env, insn, write);
}

/* An operand of 2, 4 or 8 bytes. */
ALWAYS_INLINE uint32_t simd_addr(CPUX86State *env, const struct insn *insn, unsigned size, bool write)
{
    return seg_addr(env, insn->seg, insn_ea(env, insn), size, write);
}

ALWAYS_INLINE uint64_t ld64_lin(CPUX86State *env, uint32_t lin)
{
    const void *p = tlb_host(tlb_slot(env, lin)->read, lin, 8);
    uint64_t v;
    if (unlikely(!p))
        return mmu_ldq(env, lin, cpu_mmu_index(env), 0);
    memcpy(&v, p, 8);
    return v;
}

ALWAYS_INLINE void st64_lin(CPUX86State *env, uint32_t lin, uint64_t v)
{
    void *p = tlb_host(tlb_slot(env, lin)->write, lin, 8);
    if (likely(p != NULL))
        memcpy(p, &v, 8);
    else
        mmu_stq(env, lin, v, cpu_mmu_index(env), 0);
}

ALWAYS_INLINE union xmm_reg ld128_lin(CPUX86State *env, uint32_t lin)
{
    const void *p = tlb_host(tlb_slot(env, lin)->read, lin, 16);
    union xmm_reg v;
    if (likely(p != NULL))
        memcpy(&v, p, 16);
    else
        mmu_read(env, lin, &v, 16, cpu_mmu_index(env), 0);
    return v;
}

ALWAYS_INLINE void st128_lin(CPUX86State *env, uint32_t lin, const union xmm_reg *v)
{
    void *p = tlb_host(tlb_slot(env, lin)->write, lin, 16);
    if (likely(p != NULL))
        memcpy(p, v, 16);
    else
        mmu_write(env, lin, v, 16, cpu_mmu_index(env), 0);
}

/* ---- operands ---- */

/* 16 bytes: an XMM register, or aligned memory (Wx and all arithmetic on it). */
ALWAYS_INLINE union xmm_reg xmm_src(CPUX86State *env, const struct insn *insn, unsigned i)
{
    if (insn->op[i].kind == OPK_XMM)
        return env->xmm[insn->op[i].reg];
    return ld128_lin(env, simd_addr_aligned(env, insn, false));
}

/* 8 bytes: the low half of an XMM register, an MMX register, or memory (Wq, Qq, Mq). */
ALWAYS_INLINE uint64_t simd_src64(CPUX86State *env, const struct insn *insn, unsigned i)
{
    switch (insn->op[i].kind) {
    case OPK_XMM: return env->xmm[insn->op[i].reg].q[0];
    case OPK_MMX: return mmx_get(env, insn->op[i].reg);
    default: return ld64_lin(env, simd_addr(env, insn, 8, false));
    }
}

/* 4 bytes: the low lane of an XMM or MMX register, a general register, or memory (Wd, Qd, Ed). */
ALWAYS_INLINE uint32_t simd_src32(CPUX86State *env, const struct insn *insn, unsigned i)
{
    switch (insn->op[i].kind) {
    case OPK_XMM: return env->xmm[insn->op[i].reg].l[0];
    case OPK_MMX: return (uint32_t)mmx_get(env, insn->op[i].reg);
    case OPK_REG: return env->regs[insn->op[i].reg];
    default: return ld_lin(env, 2, simd_addr(env, insn, 4, false));
    }
}

/* The destination register of op[0]. */
ALWAYS_INLINE union xmm_reg *xmm_dst(CPUX86State *env, const struct insn *insn)
{
    return &env->xmm[insn->op[0].reg];
}

#endif
