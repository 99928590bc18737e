/* Run one SSE instruction through its operation of the interpreter, with one page of memory. */
#include "sse-case.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "flags.h"
#include "simd.h"

#define PAGE_AT 0x10000u

static CPUX86State env;
static union xmm_reg *memory_operand;

static void make_env(void)
{
    int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    uint8_t *table = mmap(NULL, TLB_TABLE_SIZE, prot, flags, -1, 0);
    uint8_t *page = mmap(NULL, TARGET_PAGE_SIZE, prot, flags, -1, 0);
    if (table == MAP_FAILED || page == MAP_FAILED)
        abort();
    memory_operand = (union xmm_reg *)(page + 64);
    env.tlb_base = (uintptr_t)table;
    size_t at = (size_t)(PAGE_AT >> TARGET_PAGE_BITS) << TLB_PAGE_SHIFT;
    struct tlb_entry *e = (struct tlb_entry *)(table + at);
    e->read = e->write = (int64_t)(uintptr_t)page - PAGE_AT;
    env.cr[0] = CR0_PE | CR0_NE;
    env.cr[4] = CR4_OSFXSR | CR4_OSXMMEXCPT;
    env.hflags = HF_PE | HF_CS32 | HF_SS32 | HF_OSFXSR | HF_SEG_FLAT(R_DS);
    env.eflags = 2;
    env.regs[R_EDI] = PAGE_AT + 64;
}

void sse_run_ours(const struct sse_form *f, bool memory, const struct sse_state *in, struct sse_state *out)
{
    static const struct sse_form *last;
    static bool last_memory;
    static struct insn insn;
    static op_fn fn;
    if (!env.tlb_base)
        make_env();
    if (f != last || memory != last_memory) {
        uint8_t bytes[16];
        if (decode_insn(bytes, sse_encode(f, memory, bytes), DECODE_32, &insn) != DECODE_OK)
            abort();
        fn = interp_select_sse_float(&insn);
        last = f;
        last_memory = memory;
    }
    memcpy(env.xmm, in->xmm, sizeof in->xmm);
    for (unsigned i = 0; i < 2; i++) {
        env.fpregs[i].mant = in->mmx[i];
        env.fpregs[i].se = 0;
    }
    fpu_set_top(&env, 1);
    *memory_operand = in->mem;
    env.regs[R_EAX] = in->eax;
    env.regs[R_ECX] = in->ecx;
    env.mxcsr = in->mxcsr;
    cpu_set_arith(&env, in->eflags);
    env.eip = 0x1000;

    sigjmp_buf jmp;
    volatile bool faulted = false;
    env.jmp_env = &jmp;
    env.exception_index = -1;
    env.old_exception = -1;
    if (!sigsetjmp(jmp, 0))
        fn(&env, &insn);
    else
        faulted = true;
    *out = *in;
    memcpy(out->xmm, env.xmm, sizeof out->xmm);
    for (unsigned i = 0; i < 2; i++)
        out->mmx[i] = env.fpregs[i].mant;
    out->mmx_mode = fpu_top(&env) == 0;
    out->eax = env.regs[R_EAX];
    out->ecx = env.regs[R_ECX];
    out->mxcsr = env.mxcsr;
    out->eflags = cc_compute_all(env.cc_op, env.cc_dst, env.cc_src, env.cc_src2, env.cc_res);
    out->vector = faulted ? env.exception_index : -1;
    if (env.eip != (faulted ? 0x1000u : 0x1000u + insn.len))
        abort();
}
