/* MXCSR: exceptions of SSE instructions, and the flags that the host's FPU keeps for the guest. */
#include "mxcsr.h"

#include "simd.h"

#define PRE_COMPUTATION (MXCSR_IE | MXCSR_DE | MXCSR_ZE)

void sse_raise(CPUX86State *env, uint32_t flags)
{
    uint32_t unmasked = flags & ~(env->mxcsr >> MXCSR_MASK_SHIFT) & MXCSR_FLAGS;
    /* Exceptions that are found before the operation stop it in all elements (SDM 1, 11.5.3). */
    if (unmasked & PRE_COMPUTATION)
        flags &= PRE_COMPUTATION;
    env->mxcsr |= flags;
    if (unmasked)
        raise_exception(env, env->cr[4] & CR4_OSXMMEXCPT ? EXCP_XM : EXCP_UD, 0);
}

uint32_t sse_mxcsr_mask(const CPUX86State *env)
{
    if (!cpu_has_cpuid_bit(env, CPUID_SSE))
        return 0;
    return cpu_has_cpuid_bit(env, CPUID_SSE2) ? 0xffff : 0xffff & ~MXCSR_DAZ;
}

void sse_set_mxcsr(CPUX86State *env, uint32_t v)
{
    sse_collect_flags(env);
    env->mxcsr = v;
    env->hflags = (env->hflags & ~(uint32_t)HF_MXCSR_STD) | sse_mxcsr_hflag(v);
}

#ifdef __mips64
#include <sys/auxv.h>

/* MSA has its own control register, whose instructions mean something else where there is no MSA. */
static bool host_has_msa;

static uint32_t host_msacsr(void)
{
    register uint32_t v __asm__("$2");
    __asm__ volatile(".set push\n.set fp=64\n.set msa\ncfcmsa %0, $1\n.set pop" : "=r"(v));
    return v;
}

static void host_set_msacsr(uint32_t v)
{
    __asm__ volatile(".set push\n.set fp=64\n.set msa\nctcmsa $1, %0\n.set pop" : : "r"(v));
}

void sse_host_init(void)
{
    host_set_fcsr(host_fcsr() & FCSR_2008);
    host_has_msa = getauxval(AT_HWCAP) & HWCAP_MSA;
    if (host_has_msa)
        host_set_msacsr(0);
}

void sse_collect_flags(CPUX86State *env)
{
    uint32_t fcsr = host_fcsr(), msacsr = host_has_msa ? host_msacsr() : 0, flags = 0;
    if (!((fcsr | msacsr) & FCSR_FLAGS))
        return;
    host_set_fcsr(fcsr & ~(FCSR_FLAGS | FCSR_CAUSE));
    if (host_has_msa)
        host_set_msacsr(msacsr & ~(FCSR_FLAGS | FCSR_CAUSE));
    fcsr |= msacsr; /* the flags have the same places */
    /* Interpreted code alone leaves nothing there that is the guest's.  V never is: what could be
     * invalid goes to the interpreter. */
    if (!env->tbs)
        return;
    flags |= fcsr & FCSR_FLAG_I ? MXCSR_PE : 0;
    flags |= fcsr & FCSR_FLAG_U ? MXCSR_UE : 0;
    flags |= fcsr & FCSR_FLAG_O ? MXCSR_OE : 0;
    flags |= fcsr & FCSR_FLAG_Z ? MXCSR_ZE : 0;
    env->mxcsr |= flags;
}
#else
void sse_host_init(void)
{
}

void sse_collect_flags(CPUX86State *env)
{
    (void)env;
}
#endif
