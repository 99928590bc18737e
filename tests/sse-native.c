/* Run one SSE instruction on the processor of an x86-64 machine.  An unmasked exception comes as
 * SIGFPE: its handler notes MXCSR and goes on behind the instruction with everything masked. */
#include "sse-case.h"

#ifdef __x86_64__
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define STUB_SIZE 16
#define MASKED 0x1f80u

static uint8_t *stubs; /* for each form: register operands, memory operand */
static unsigned insn_len;
static volatile int raised;
static volatile uint32_t raised_mxcsr;

static void on_fpe(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig;
    (void)info;
    raised = EXCP_XM;
    raised_mxcsr = uc->uc_mcontext.fpregs->mxcsr;
    uc->uc_mcontext.fpregs->mxcsr = raised_mxcsr | MASKED;
    uc->uc_mcontext.gregs[REG_RIP] += insn_len;
}

static void make_stubs(void)
{
    size_t size = sse_form_count * 2 * STUB_SIZE;
    stubs = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stubs == MAP_FAILED)
        abort();
    for (unsigned i = 0; i < 2 * sse_form_count; i++) {
        uint8_t *p = stubs + i * STUB_SIZE;
        p[sse_encode(&sse_forms[i / 2], i & 1, p)] = 0xc3;
    }
    mprotect(stubs, size, PROT_READ | PROT_EXEC);
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_sigaction = on_fpe;
    sa.sa_flags = SA_SIGINFO;
    sigaction(SIGFPE, &sa, NULL);
}

bool sse_native(void)
{
    return true;
}

void sse_run_native(const struct sse_form *f, bool memory, const struct sse_state *in, struct sse_state *out)
{
    if (!stubs)
        make_stubs();
    const uint8_t *stub = stubs + (2 * (unsigned)(f - sse_forms) + memory) * STUB_SIZE;
    uint8_t bytes[STUB_SIZE];
    struct { uint32_t cw, sw, tw, rest[4]; } fenv;
    bool mmx = f->dst_place == AT_MMX || f->src_place == AT_MMX;
    uint32_t mxcsr_host, mxcsr = in->mxcsr;
    uint64_t flags = in->eflags | 2;
    insn_len = sse_encode(f, memory, bytes);
    raised = -1;
    *out = *in;
    if (mmx) {
        /* TOP is not 0 and all is empty until the instruction says MMX. */
        __asm__ volatile("movq %0, %%mm0\n\tmovq %1, %%mm1\n\temms\n\tfincstp"
                         : : "m"(in->mmx[0]), "m"(in->mmx[1]));
    }
    /* By pointers: operands of the compiler's choice may be relative to the stack pointer. */
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "stmxcsr (%[host])\n\t"
                     "movaps (%[x]), %%xmm0\n\t"
                     "movaps 16(%[x]), %%xmm1\n\t"
                     "push %[flags]\n\t"
                     "popfq\n\t"
                     "ldmxcsr (%[mxcsr])\n\t"
                     "call *%[stub]\n\t"
                     "stmxcsr (%[mxcsr])\n\t"
                     "ldmxcsr (%[host])\n\t"
                     "pushfq\n\t"
                     "pop %[flags]\n\t"
                     "movaps %%xmm0, (%[x])\n\t"
                     "movaps %%xmm1, 16(%[x])\n\t"
                     "lea 128(%%rsp), %%rsp\n\t"
                     : [flags] "+r"(flags), "+a"(out->eax), "+c"(out->ecx)
                     : [stub] "r"(stub), "D"(&out->mem), [x] "r"(out->xmm), [mxcsr] "r"(&mxcsr),
                       [host] "r"(&mxcsr_host)
                     : "memory", "cc", "xmm0", "xmm1");
    if (mmx) {
        __asm__ volatile("fnstenv %0" : "=m"(fenv));
        out->mmx_mode = (fenv.sw & 0x3800) == 0;
        __asm__ volatile("movq %%mm0, %0\n\tmovq %%mm1, %1\n\temms" : "=m"(out->mmx[0]), "=m"(out->mmx[1]));
    }
    out->vector = raised;
    out->mxcsr = raised < 0 ? mxcsr : raised_mxcsr;
    out->eflags = (uint32_t)flags & CC_ARITH;
}
#else
bool sse_native(void)
{
    return false;
}

void sse_run_native(const struct sse_form *f, bool memory, const struct sse_state *in, struct sse_state *out)
{
    (void)f;
    (void)memory;
    *out = *in;
}
#endif
