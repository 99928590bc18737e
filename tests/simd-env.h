/* For the tests of MMX and SSE: a vCPU with everything on (system-env.h), of a model that tests
 * may change. */
#ifndef STITCH86_TESTS_SIMD_ENV_H
#define STITCH86_TESTS_SIMD_ENV_H

#include "cpuid.h"
#include "fpu-word.h"
#include "interp-env.h"
#include "simd.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE 0x30000u /* a page of data; the next one is not there once paging_hole() was called */

extern struct cpu_model model;

/* EBX points to PAGE, EDI into it; registers are filled. */
void simd_setup(void);
void paging_hole(void);
/* Make an unmasked x87 exception pending, and take it back. */
void pend_x87(void);
void unpend_x87(void);
/* EM, TS and MP of CR0. */
void set_cr0(uint32_t bits);
/* Run one instruction at CODE, which has to raise `vector` with error code 0 and change nothing, or, with
 * vector -1, to work. */
void expect(const char *name, const uint8_t code[8], int vector, const char *why);
#define EXPECT(s, vector, why) expect((s).name, (s).code, vector, why)

#endif
