/* The tests that run words in the MIPS simulator on an x86 machine. */
#ifndef STITCH86_MUTATE_HOST_NATIVE_H
#define STITCH86_MUTATE_HOST_NATIVE_H

void insn_prepare(void);
void insn_run(unsigned mnem);
void cond_run(unsigned first, unsigned count);
void snippets_run(void);

#endif
