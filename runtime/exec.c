/* The vCPU's main loop.
 *
 * Guest code runs in slices.  Between two slices the CPU is between two instructions, and
 * everything that can happen there happens here: exceptions that unwound out of a slice, resets,
 * timers, input, NMI and INTR.  A slice ends when env->exit_request is negative; that is set by
 * cpu_interrupt() from any thread, and by whatever changes the next deadline.
 *
 * With -icount a slice has exactly as many instructions as there are until the next deadline, and
 * interrupt lines change only at deadlines and at port accesses, after which a slice ends.  So an
 * interrupt is taken at the same instruction in each run and with each accelerator. */
#include "exec.h"

#include "clock.h"
#include "exception.h"
#include "interp.h"
#include "log.h"
#include "machine.h"
#include "mxcsr.h"
#include "state-hash.h"
#include "window.h"

void (*accel_run)(CPUX86State *env) = interp_run_accel;
struct exec_hooks exec_hooks;

/* Only another thread has to wake this one up. */
static _Thread_local bool in_vcpu_thread;

#define SLICE_MAX 0x40000000u

void cpu_interrupt(CPUX86State *env, uint32_t mask)
{
    atomic_fetch_or(&env->interrupt_request, mask);
    atomic_store(&env->exit_request, -1);
    /* Translated code polls exit_request at backward jumps only; its indirect ones miss from now on. */
    if (env->jmp_cache_empty)
        atomic_store(&env->jmp_cache, env->jmp_cache_empty);
    if (!in_vcpu_thread)
        clock_kick();
}

void cpu_reset_interrupt(CPUX86State *env, uint32_t mask)
{
    atomic_fetch_and(&env->interrupt_request, ~mask);
}

void interp_run_accel(CPUX86State *env)
{
    interp_run(env, env->icount_enabled ? (uint32_t)env->icount_left : SLICE_MAX);
}

static bool intr_enabled(const CPUX86State *env)
{
    return (env->eflags & IF_MASK) != 0;
}

/* NMI and INTR, in this order (SDM 3, 6.9).  One at most is delivered; do_interrupt() may unwind. */
static void take_interrupts(CPUX86State *env, uint32_t request)
{
    if (env->hflags & HF_INHIBIT)
        return;
    if ((request & CPU_INTERRUPT_NMI) && !env->nmi_blocked) {
        cpu_reset_interrupt(env, CPU_INTERRUPT_NMI);
        env->halted = false;
        env->nmi_blocked = true;
        do_interrupt(env, EXCP_NMI, false, 0, env->eip, true);
    } else if ((request & CPU_INTERRUPT_HARD) && intr_enabled(env)) {
        int vector = machine_pic_ack(env->machine);
        window_tick(env);
        env->halted = false;
        if (vector >= 0)
            do_interrupt(env, vector, false, 0, env->eip, true);
    }
}

/* Everything between two slices.  false: the run ends. */
static bool between_slices(CPUX86State *env)
{
    if (env->exception_index >= 0)
        deliver_exception(env);

    /* Before interrupt_request is read: a bit set later asks for an exit again. */
    atomic_store(&env->exit_request, 0);
    uint32_t request = atomic_load(&env->interrupt_request);
    if (request & CPU_INTERRUPT_EXIT)
        return false;
    if (request & CPU_INTERRUPT_RESET) {
        cpu_reset_interrupt(env, CPU_INTERRUPT_RESET);
        if (exec_hooks.reset)
            exec_hooks.reset(exec_hooks.opaque);
        return true;
    }
    if (request & CPU_INTERRUPT_A20) {
        cpu_reset_interrupt(env, CPU_INTERRUPT_A20);
        if (exec_hooks.a20)
            exec_hooks.a20(exec_hooks.opaque);
    }
    if (request & CPU_INTERRUPT_TIMER) {
        cpu_reset_interrupt(env, CPU_INTERRUPT_TIMER);
        clock_kick_fired();
    }
    chardev_poll_all();
    clock_run_timers();
    take_interrupts(env, atomic_load(&env->interrupt_request));
    return true;
}

static void wait_halted(CPUX86State *env)
{
    uint32_t request = atomic_load(&env->interrupt_request);
    bool wake = (request & ~(uint32_t)(CPU_INTERRUPT_HARD | CPU_INTERRUPT_NMI)) != 0
        || ((request & CPU_INTERRUPT_NMI) && !env->nmi_blocked)
        || ((request & CPU_INTERRUPT_HARD) && intr_enabled(env));
    if (!wake)
        clock_wait(env);
}

static void run_slice(CPUX86State *env)
{
    if (env->icount_enabled) {
        clock_icount_refill(env, state_hash_limit(env, SLICE_MAX));
        if (env->icount_left <= 0)
            return; /* a deadline is now, or a hash is due */
    }
    accel_run(env);
}

int cpu_exec(CPUX86State *env)
{
    sigjmp_buf jmp;
    in_vcpu_thread = true;
    sse_host_init();
    env->jmp_env = &jmp;
    /* Guest exceptions and cpu_loop_exit() come back here. */
    sigsetjmp(jmp, 0);
    for (;;) {
        if (env->icount_enabled)
            state_hash_check(env);
        if (!between_slices(env))
            break;
        if (env->halted || env->shutdown)
            wait_halted(env);
        else
            run_slice(env);
    }
    env->jmp_env = NULL;
    in_vcpu_thread = false;
    return 0;
}
