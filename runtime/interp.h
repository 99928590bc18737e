/* The interpreter: executes one decoded instruction exactly (docs/design.md, 8). */
#ifndef STITCH86_INTERP_H
#define STITCH86_INTERP_H

#include "cpu.h"
#include "insn.h"

/* Execute `insn`, which stands at env->eip, to its end: registers, flags record, env->eip.
 * Guest exceptions unwind (exception.h) with env->eip still at the instruction.
 * A REP string instruction runs until a page boundary of one of its operands at the
 * most, and leaves env->eip at itself while ECX is not yet 0: one call counts as one
 * instruction, whichever accelerator made it. */
void interp_insn(CPUX86State *env, const struct insn *insn);

/* Fetch (through the code TLB and the cache of decoded instructions), and execute up to
 * `max` instructions.  Returns early when env->exit_request is negative, after an
 * instruction that changes what interrupts may happen (ISA_END_EXIT), and after a single one
 * in interp_slow_mode().  A fault unwinds.  Each completed instruction is counted in
 * env->insns_interp and, where env->icount_enabled, taken off env->icount_left before the next one
 * begins; one that unwinds (a fault, INT n) is not counted, one that is followed by a debug
 * trap is. */
void interp_run(CPUX86State *env, uint32_t max);

/* What executes one decoded instruction: as interp_insn(), except that HF_INHIBIT is the
 * caller's to clear. */
typedef void (*interp_fn)(CPUX86State *env, const struct insn *insn);
/* The operation of `insn` under env's CPU model: never NULL (#UD is an operation too).  Whoever
 * executes an instruction more than once keeps it. */
interp_fn interp_select(CPUX86State *env, const struct insn *insn);
/* The same, good only for the mode that the CPU is in: its checks are done now. */
interp_fn interp_select_mode(CPUX86State *env, const struct insn *insn);

/* Does the next instruction need more than being executed: a debug trap or breakpoint, RF or an
 * interrupt shadow to be cleared?  interp_run() looks after these, one instruction at a time. */
static inline bool interp_slow_mode(const CPUX86State *env)
{
    return (env->hflags & (HF_TF | HF_BP | HF_INHIBIT)) || (env->eflags & RF_MASK);
}

/* Make env->icache if there is none yet, and register it as a code listener of env->mem.
 * interp_run() does it when nobody has. */
void interp_attach(CPUX86State *env);

struct interp_cache *interp_cache_new(void);
void interp_cache_free(struct interp_cache *c);
/* Guest memory that may hold decoded instructions was written (softmmu's code listener). */
void interp_cache_invalidate(struct interp_cache *c, uint64_t paddr, uint32_t len);
void interp_cache_flush(struct interp_cache *c);

/* Read the bytes of the instruction at CS:eip into buf (at most 15; fewer when the rest lies
 * on a page that cannot be fetched and is not needed) and decode it.
 * Raises #PF, #GP (limit, over 15 bytes).  *paddr: physical address of the first byte;
 * *paddr2: of the second page's first byte, or -1. */
void fetch_insn(CPUX86State *env, uint32_t eip, struct insn *insn, uint64_t *paddr, uint64_t *paddr2);

/* MMU-checked accesses of the interpreter: segment checks (limit, rights: #GP or #SS),
 * alignment check, then softmmu. */
uint32_t seg_linear(CPUX86State *env, int seg, uint32_t offset, unsigned size, bool write);

/* x87 (runtime/fpu/): every instruction of the D8-DF map plus FXSAVE, FXRSTOR, FWAIT. */
void fpu_insn(CPUX86State *env, const struct insn *insn);

/* CPUID and MSRs (runtime/cpuid.c, runtime/msr.c). */
void cpu_cpuid(CPUX86State *env, uint32_t leaf, uint32_t subleaf, uint32_t out[4]); /* eax ebx ecx edx */
void do_rdmsr(CPUX86State *env);
void do_wrmsr(CPUX86State *env);
uint64_t cpu_read_tsc(CPUX86State *env);

#endif
