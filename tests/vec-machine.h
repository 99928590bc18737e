/* The machine that recorded cases are replayed on: RAM, Linux-like descriptor tables (world.h), no
 * devices. */
#ifndef STITCH86_TEST_VEC_MACHINE_H
#define STITCH86_TEST_VEC_MACHINE_H

#include "cpu.h"
#include "vec.h"

enum { VEC_RAM = 0x100000, VEC_CHAIN_CODE = 0x40000, VEC_CHAIN_RESULTS = 0x60000, VEC_STACK = 0x3f00 };

/* tb_max: most instructions in a block, or 0 for the interpreter. */
CPUX86State *vec_machine_new(unsigned tb_max);
void vec_machine_free(CPUX86State *env);
/* Load the state before a case (registers, flags, segments, x87), EIP and empty exception state. */
void vec_machine_set(CPUX86State *env, const struct vec_state *s, uint32_t eip);
/* Host memory of the guest's RAM. */
uint8_t *vec_machine_ram(CPUX86State *env);
/* Put code there (seen by translated blocks). */
void vec_machine_code(CPUX86State *env, uint32_t addr, const void *bytes, uint32_t len);
/* Run until an exception is raised (env->exception_index says which; it is not delivered), or until
 * about max_insns were executed: then false. */
bool vec_machine_run(CPUX86State *env, int32_t max_insns);

#endif
