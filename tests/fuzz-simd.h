/* MMX and SSE for tests/fuzz_interp.c: contents of registers, and code that is nothing else. */
#ifndef STITCH86_TESTS_FUZZ_SIMD_H
#define STITCH86_TESTS_FUZZ_SIMD_H

#include <stddef.h>
#include <stdint.h>

/* A quadword that means something: as two singles, a double or small integers. */
uint64_t fuzz_simd_value(unsigned pick);
/* Three bytes stand for an MMX, SSE or x87 instruction, or for FXSAVE and what else opcode AE has.  Returns
 * how many bytes were made, at most room. */
size_t fuzz_simd_code(uint8_t *out, size_t room, const uint8_t *in, size_t n);

#endif
