/* Run one x86 instruction on the CPU below us (x86-64 hosts only). */
#ifndef STITCH86_TESTS_X86_NATIVE_H
#define STITCH86_TESTS_X86_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

struct x86_state {
    uint32_t regs[8]; /* EAX ECX EDX EBX (ESP) EBP ESI EDI; ESP is neither loaded nor stored */
    uint32_t pad[2];
    uint64_t eflags;  /* the arithmetic flags are loaded, all are stored */
};

/* False where this is no x86-64 machine. */
bool x86_native_init(void);
/* No faults: the caller knows that the instruction has none. */
void x86_native_run(struct x86_state *s, const uint8_t *insn, unsigned len);

#endif
