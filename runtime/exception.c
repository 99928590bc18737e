/* Raising exceptions, and what happens when delivering one raises another
 * (SDM 3, 6.15, interrupt 8). */
#include "exception.h"

#include "log.h"
#include "protect.h"

void (*exception_restore_state)(CPUX86State *env, uintptr_t ra);

void (*exception_unwind)(CPUX86State *env);

_Noreturn void cpu_loop_exit(CPUX86State *env)
{
    if (env->unwind_sp)
        exception_unwind(env);
    siglongjmp(*env->jmp_env, 1);
}

_Noreturn void raise_exception_err(CPUX86State *env, int vector, uint32_t error_code, uintptr_t ra)
{
    if (ra && exception_restore_state)
        exception_restore_state(env, ra);
    env->exception_index = vector;
    env->error_code = error_code;
    env->exception_is_int = false;
    env->exception_next_eip = env->eip;
    cpu_loop_exit(env);
}

_Noreturn void raise_exception(CPUX86State *env, int vector, uintptr_t ra)
{
    raise_exception_err(env, vector, 0, ra);
}

_Noreturn void raise_interrupt(CPUX86State *env, int vector, uint32_t next_eip)
{
    env->exception_index = vector;
    env->error_code = 0;
    env->exception_is_int = true;
    env->exception_next_eip = next_eip;
    cpu_loop_exit(env);
}

_Noreturn void raise_debug(CPUX86State *env, uint32_t dr6_bits, uintptr_t ra)
{
    env->db_status |= dr6_bits;
    raise_exception_err(env, EXCP_DB, 0, ra);
}

static bool is_contributory(int vector)
{
    return vector == EXCP_DE || (vector >= EXCP_TS && vector <= EXCP_GP);
}

int exception_combine(CPUX86State *env, int vector)
{
    int old = env->old_exception;
    bool serious = is_contributory(vector) || vector == EXCP_PF;
    if (old == EXCP_DF && serious)
        return -1;
    if ((is_contributory(old) && is_contributory(vector)) || (old == EXCP_PF && serious))
        return EXCP_DF;
    return vector;
}

static void deliver_one(CPUX86State *env)
{
    int vector = env->exception_index;
    bool is_int = env->exception_is_int;
    uint32_t error_code = env->error_code, next_eip = env->exception_next_eip;

    if (!is_int) {
        vector = exception_combine(env, vector);
        if (vector < 0) {
            if (log_enabled(LOG_INT | LOG_GUEST_ERROR))
                log_printf("int triple fault, EIP %04x:%08x\n", env->segs[R_CS].selector, env->eip);
            env->shutdown = true;
            cpu_interrupt(env, CPU_INTERRUPT_RESET);
            return;
        }
        if (vector == EXCP_DF)
            error_code = 0;
    }
    env->exception_index = -1;
    /* A software interrupt is benign whatever its vector. */
    env->old_exception = is_int ? EXCP_BP : vector;
    do_interrupt(env, vector, is_int, error_code, next_eip, false);
}

void deliver_exception(CPUX86State *env)
{
    sigjmp_buf here, *outer = env->jmp_env;
    uint64_t unwind_sp = env->unwind_sp;
    env->jmp_env = &here;
    env->unwind_sp = 0;
    env->old_exception = -1;
    /* A second exception unwinds to here, and is delivered in the first one's place. */
    (void)sigsetjmp(here, 0);
    deliver_one(env);
    env->jmp_env = outer;
    env->unwind_sp = unwind_sp;
    env->old_exception = -1;
    env->exception_index = -1;
}
