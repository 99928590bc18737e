/* Host faults of translated code in a direct window (softmmu/window.h).
 *
 * The handler maps the page, and the host instruction happens again; or it makes the block go to a thunk, which
 * brings the vCPU to the guest instruction that faulted.  That one then goes through the interpreter, which
 * raises what there is to raise.  An instruction that cannot use the window several times, since it is after MMIO,
 * memory of processes, or pages with code, gets the TLB's form when its block is translated again. */
#include "tb-context.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "exception.h"
#include "interp.h"
#include "log.h"
#include "optimise.h"
#include "regmap.h"
#include "terminal.h"
#include "window.h"

static struct tb_context *faulting; /* the context whose code runs: one at a time */
static struct sigaction previous;
static uint64_t fault_fpr[32]; /* FP registers where the fault was */

/* Does the word store?  Those that translated code uses on guest memory. */
static bool is_store(uint32_t word)
{
    unsigned op = word >> 26;
    if (op == 0x1e) /* MSA: ST.df */
        return (word >> 2 & 15) == 9;
    return (op >= 0x28 && op <= 0x2e) || (op >= 0x38 && op != 0x3b);
}

/* A load that the next word stores back, as a read-modify-write and a probe do: for the guest it is a store, which
 * must not set the accessed bit of a page that it may not write. */
static bool is_probe(const uint32_t *pc)
{
    unsigned op = pc[0] >> 26;
    return op >= 0x20 && op <= 0x25 && is_store(pc[1]) && !((pc[0] ^ pc[1]) & 0x03ffffff);
}

/* Of an operand on two pages the first one faults first: before the second one's accessed and dirty bits are set.
 * Read-modify-writes have their base in T4, and access all of the operand at once; a probe of an operand's last byte
 * has the operand's address for a base. */
static bool first_page_faults(CPUX86State *env, const ucontext_t *uc, uint32_t word, uintptr_t at)
{
    unsigned base = word >> 21 & 31;
    uintptr_t start = uc->uc_mcontext.gregs[base] + (base == HREG_T4 ? (uintptr_t)(int16_t)word : 0);
    return (start ^ at) / TARGET_PAGE_SIZE && window_store_faults(env, start);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    struct tb_context *ctx = faulting;
    uint64_t pc = uc->uc_mcontext.pc;
    if (ctx && ctx->running && pc >= (uintptr_t)ctx->code && pc < (uintptr_t)ctx->code_ptr) {
        const uint32_t *at = (const uint32_t *)(uintptr_t)pc;
        uintptr_t host = (uintptr_t)info->si_addr;
        bool probe = is_probe(at);
        switch ((probe || is_probe(at - 1)) && first_page_faults(ctx->env, uc, *at, host) ? WINDOW_GUEST
                : window_fault(ctx->env, host, probe || is_store(*at))) {
        case WINDOW_MAPPED:
            return;
        case WINDOW_GUEST:
        case WINDOW_NEVER:
            memcpy(fault_fpr, &uc->uc_mcontext.fpregs, sizeof fault_fpr);
            uc->uc_mcontext.gregs[HREG_X1] = pc;
            uc->uc_mcontext.pc = (uintptr_t)ctx->thunk_window;
            return;
        case WINDOW_OTHER:
            break;
        }
    }
    /* A fault of ours: as if there were no handler, but for what terminal_raw() would have put here. */
    terminal_restore();
    sigaction(sig, &previous, NULL);
    if (info->si_code <= 0)
        raise(sig); /* sent by a process: it would not come again by itself */
}

static void restore_xmm(CPUX86State *env, const TranslationBlock *tb, uint32_t index)
{
    if (!tb->xmmstates)
        return;
    const struct xmm_state *x = &tb->xmmstates[tb->map[index].xmm];
    for (unsigned r = 0; r < 8; r++)
        if (x->dirty >> r & 1)
            env->xmm[r].q[0] = fault_fpr[x->reg[r]];
}

/* From the thunk: guest registers are in env.  The instruction at host address pc is done here, and the block left. */
int64_t helper_window(CPUX86State *env, uint64_t pc, uint64_t v, uintptr_t ra)
{
    struct tb_context *ctx = env->tbs;
    TranslationBlock *tb = tb_from_host(ctx, (const uint32_t *)(uintptr_t)pc);
    (void)v;
    (void)ra;
    if (!tb)
        abort();
    uint32_t index = tb_insn_at(tb, (const uint32_t *)(uintptr_t)pc);
    tb_restore_insn(env, tb, index);
    restore_xmm(env, tb, index);
    hwaddr phys = (tb->phys_pc & ~(hwaddr)(TARGET_PAGE_SIZE - 1)) | ((env->eip + tb->cs_base) & (TARGET_PAGE_SIZE - 1));
    ctx->running = NULL;
    /* A guest fault does not return, and is not counted: pages of processes come by faults. */
    interp_run(env, 1);
    if (window_refused(phys))
        tb_invalidate_phys_range(env, phys, phys + 1, 0);
    cpu_loop_exit(env);
}

void tb_use_windows(CPUX86State *env)
{
    if (!window_init(env, optimise_on(OPTIMISE_KERNEL_WINDOW), optimise_on(OPTIMISE_USER_WINDOW)))
        return;
    static bool installed;
    faulting = env->tbs;
    if (installed)
        return;
    installed = true;
    struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_NODEFER };
    sa.sa_sigaction = on_fault;
    sigaction(SIGSEGV, &sa, &previous);
}

void window_faults_of(struct tb_context *ctx)
{
    faulting = ctx;
}

void window_faults_end(struct tb_context *ctx)
{
    if (faulting == ctx)
        faulting = NULL;
}
