/* The main loop of a vCPU. */
#ifndef STITCH86_EXEC_H
#define STITCH86_EXEC_H

#include "cpu.h"

/* Run guest code until env->exit_request is negative, env->icount_left is used up (where
 * env->icount_enabled), the CPU halts, or an instruction has changed what the main loop looks
 * at.  interp_run_accel(), or the template accelerator's tb_run(). */
extern void (*accel_run)(CPUX86State *env);
void interp_run_accel(CPUX86State *env);

/* Run until CPU_INTERRUPT_EXIT is asked for.  Returns 0. */
int cpu_exec(CPUX86State *env);

/* What cpu_exec() asks of the rest of the program, set before it runs; NULL: nothing to do. */
struct exec_hooks {
    /* RESET#: bring machine, CPU and boot image to their first state. */
    void (*reset)(void *opaque);
    /* CPU_INTERRUPT_A20: the gate changed. */
    void (*a20)(void *opaque);
    void *opaque;
};
extern struct exec_hooks exec_hooks;

#endif
