/* Raising guest exceptions from C, and delivering them. */
#ifndef STITCH86_EXCEPTION_H
#define STITCH86_EXCEPTION_H

#include "cpu.h"

/* All of these unwind to cpu_exec() with siglongjmp.  `ra` is the host return address
 * into translated code whose guest state is restored first (translator/tb.h:
 * tb_restore_state), or 0 when the interpreter calls and env->eip is the faulting
 * instruction already.  Nothing of the instruction may have been committed. */
_Noreturn void raise_exception(CPUX86State *env, int vector, uintptr_t ra);
_Noreturn void raise_exception_err(CPUX86State *env, int vector, uint32_t error_code, uintptr_t ra);
/* INT n, INT3, INTO (software interrupts; next_eip is what gets pushed). */
_Noreturn void raise_interrupt(CPUX86State *env, int vector, uint32_t next_eip);
/* Set by the translator: back to translated code, where env->unwind_sp is not 0. */
extern void (*exception_unwind)(CPUX86State *env);
/* Leave to the main loop without an exception; guest state must be consistent. */
_Noreturn void cpu_loop_exit(CPUX86State *env);
/* #DB trap or fault: bits are merged into DR6 on delivery.  For traps the caller has
 * committed the instruction. */
_Noreturn void raise_debug(CPUX86State *env, uint32_t dr6_bits, uintptr_t ra);

/* Deliver a vector through the IVT or IDT: real mode, protected mode with interrupt, trap
 * and task gates, virtual-8086 mode (with VME redirection where CR4.VME is set).
 * May raise a further exception; the caller (cpu_exec) turns that into #DF or shutdown as
 * SDM 3, table 6-5 says.  `is_int`: software interrupt (DPL check, no EXT bit);
 * `is_hw`: external interrupt or NMI.  error_code is pushed where the vector has one. */
void do_interrupt(CPUX86State *env, int vector, bool is_int, uint32_t error_code,
                  uint32_t next_eip, bool is_hw);

/* The two-exception rule of SDM 3 table 6-5.  Called by cpu_exec for a newly raised
 * env->exception_index with env->old_exception set: returns the vector to deliver,
 * or -1 for a triple fault. */
int exception_combine(CPUX86State *env, int vector);

/* Deliver env->exception_index completely, including #DF and triple fault (which asks
 * the machine for a reset and sets env->shutdown).  Never longjmps out. */
void deliver_exception(CPUX86State *env);

/* Restores the guest state of a host return address in translated code; NULL as long as
 * there is no translator. */
extern void (*exception_restore_state)(CPUX86State *env, uintptr_t ra);

#endif
