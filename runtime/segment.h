/* Segmentation and control transfers (SDM 3, chapters 3, 5, 6, 7; SDM 2 for each
 * instruction's own pseudo code).  These are C functions for interpreter and templates
 * alike; each raises guest exceptions with env->eip at the faulting instruction and
 * nothing committed.  next_eip: address of the following instruction (offset in CS). */
#ifndef STITCH86_SEGMENT_H
#define STITCH86_SEGMENT_H

#include "cpu.h"

/* MOV/POP/LDS.. to a segment register other than CS, in any mode, with all checks. */
void seg_load(CPUX86State *env, int seg, uint32_t selector);
/* Set real or virtual-8086 mode cache contents. */
void seg_load_real(CPUX86State *env, int seg, uint32_t selector);
/* Read the descriptor of a selector: false if beyond the table's limit or null. */
bool seg_read_descriptor(CPUX86State *env, uint32_t selector, uint32_t *low, uint32_t *high);

void do_far_jmp(CPUX86State *env, uint32_t selector, uint32_t offset, uint32_t next_eip, unsigned opsize);
void do_far_call(CPUX86State *env, uint32_t selector, uint32_t offset, uint32_t next_eip, unsigned opsize);
void do_far_ret(CPUX86State *env, unsigned opsize, uint32_t imm);
void do_iret(CPUX86State *env, unsigned opsize, uint32_t next_eip);
void do_sysenter(CPUX86State *env);
void do_sysexit(CPUX86State *env);
void do_lldt(CPUX86State *env, uint32_t selector);
void do_ltr(CPUX86State *env, uint32_t selector);
/* LAR, LSL, VERR, VERW: return ZF; *out is the result where there is one. */
bool do_lar(CPUX86State *env, uint32_t selector, uint32_t *out);
bool do_lsl(CPUX86State *env, uint32_t selector, uint32_t *out);
bool do_verr(CPUX86State *env, uint32_t selector);
bool do_verw(CPUX86State *env, uint32_t selector);

enum task_switch_source { TASK_JMP, TASK_CALL, TASK_IRET, TASK_GATE };
/* Hardware task switch to an available or busy TSS, 16 or 32 bit (SDM 3, 7.3).
 * error_code >= 0 is pushed on the new stack (task gate for an exception that has one). */
void do_task_switch(CPUX86State *env, uint32_t tss_selector, enum task_switch_source source,
                    uint32_t next_eip, int64_t error_code);

/* MOV CRn / DRn, LMSW, CLTS with all checks and side effects (TLB flush, hflags). */
void cpu_write_cr(CPUX86State *env, int n, uint32_t value);
/* The CR4 bits that the CPU model has; others are #GP(0). */
uint32_t cpu_cr4_mask(const CPUX86State *env);
uint32_t cpu_read_dr(CPUX86State *env, int n);
void cpu_write_dr(CPUX86State *env, int n, uint32_t value);
/* Write EFLAGS bits of `mask` (arithmetic ones too), then hflags. */
void cpu_load_eflags(CPUX86State *env, uint32_t value, uint32_t mask);
/* POPF's rights check: the mask of bits that POPF/IRET may change at this CPL, IOPL, mode. */
uint32_t cpu_popf_mask(CPUX86State *env, unsigned opsize);
/* IN/OUT rights with the TSS's I/O bitmap; #GP(0) where refused. */
void cpu_check_io(CPUX86State *env, uint32_t port, unsigned size);
/* Instruction breakpoints of DR7 at the linear address of the next instruction: the DR6 bits
 * that hit (0: none). RF suppresses. */
uint32_t cpu_check_insn_bp(CPUX86State *env, uint32_t linear);
/* Data and I/O breakpoints: remember a hit in env->db_status; the #DB trap comes after the
 * instruction. len in bytes; type as DR7's RW field: 1 write, 2 I/O, 3 read (matches 3 only). */
void cpu_check_data_bp(CPUX86State *env, uint32_t linear, unsigned len, int type);

#endif
