/* Which operation executes an MMX or SSE instruction; its checks off the fast path; MXCSR, EMMS, fences. */
#include "simd.h"

#include "fpu-int.h"

void sse_fault(CPUX86State *env)
{
    bool undefined = (env->hflags & HF_EM) || !(env->hflags & HF_OSFXSR);
    raise_exception(env, undefined ? EXCP_UD : EXCP_NM, 0);
}

void mmx_fault(CPUX86State *env)
{
    if (env->hflags & HF_EM)
        raise_exception(env, EXCP_UD, 0);
    if (env->hflags & HF_TS)
        raise_exception(env, EXCP_NM, 0);
    fpu_pending_exception(env);
}

void simd_misaligned(CPUX86State *env)
{
    raise_exception_err(env, EXCP_GP, 0, 0);
}

uint32_t simd_addr_unaligned_slow(CPUX86State *env, const struct insn *insn, bool write)
{
    uint32_t lin = seg_linear(env, insn->seg, insn_ea(env, insn), 16, write);
    if (cpu_aligns(env) && (lin & 15)) {
        mmu_probe(env, lin, 16, write ? MMU_DATA_STORE : MMU_DATA_LOAD, cpu_mmu_index(env), 0);
        raise_exception_err(env, EXCP_AC, 0, 0);
    }
    return lin;
}

/* ---- MXCSR ---- */

static void op_ldmxcsr(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    uint32_t v = ld_lin(env, 2, simd_addr(env, insn, 4, false));
    if (v & ~sse_mxcsr_mask(env))
        raise_exception_err(env, EXCP_GP, 0, 0);
    sse_set_mxcsr(env, v);
    next_insn(env, insn);
}

static void op_stmxcsr(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    sse_collect_flags(env);
    st_lin(env, 2, simd_addr(env, insn, 4, true), env->mxcsr);
    next_insn(env, insn);
}

/* ---- EMMS, fences, CLFLUSH ---- */

static void op_emms(CPUX86State *env, const struct insn *insn)
{
    mmx_check(env);
    fpu_set_top(env, 0);
    fpu_set_valid_mask(env, 0);
    next_insn(env, insn);
}

/* One CPU that accesses memory in program order has nothing to wait for. */
static void op_fence(CPUX86State *env, const struct insn *insn)
{
    next_insn(env, insn);
}

/* There is no cache; but the address is checked as a load of one byte would (SDM 2). */
static void op_clflush(CPUX86State *env, const struct insn *insn)
{
    uint32_t lin = simd_addr(env, insn, 1, false);
    mmu_probe(env, lin, 1, MMU_DATA_LOAD, cpu_mmu_index(env), 0);
    next_insn(env, insn);
}

static op_fn select_state(const struct insn *insn)
{
    switch (insn->mnem) {
    case MN_EMMS: return op_emms;
    case MN_LDMXCSR: return op_ldmxcsr;
    case MN_STMXCSR: return op_stmxcsr;
    case MN_LFENCE:
    case MN_MFENCE:
    case MN_SFENCE: return op_fence;
    case MN_CLFLUSH: return op_clflush;
    default: return NULL;
    }
}

op_fn interp_select_simd(const struct insn *insn)
{
    static op_fn (*const select[])(const struct insn *) = {
        interp_select_simd_int, interp_select_simd_shuffle, interp_select_simd_move, interp_select_sse_float,
        select_state
    };
    for (unsigned i = 0; i < sizeof select / sizeof select[0]; i++) {
        op_fn fn = select[i](insn);
        if (fn)
            return fn;
    }
    return NULL;
}
