/* Single and double precision in integers, as SSE computes it (SDM 1, 4.8, 4.9, 11.5): exact
 * results and flags under every MXCSR.  Values are their bit patterns.
 *
 * A function gives the result that is stored if nothing unmasked happens, and adds what did happen
 * to s->flags; sse_raise() decides. */
#ifndef STITCH86_SSE_FP_H
#define STITCH86_SSE_FP_H

#include <stdbool.h>
#include <stdint.h>

struct sse_fp {
    uint32_t mxcsr; /* RC, DAZ, FTZ, masks */
    uint32_t flags; /* MXCSR_IE..MXCSR_PE, of all elements so far */
};

enum sse_relation { SSE_LESS, SSE_EQUAL, SSE_GREATER, SSE_UNORDERED };

#define F32_ONE 0x3f800000u
#define F32_DEFAULT_NAN 0xffc00000u
#define SSE_INT_INDEFINITE 0x80000000u

/* ---- arithmetic (sse-fp-arith.c) ---- */
uint32_t f32_add(uint32_t a, uint32_t b, struct sse_fp *s);
uint32_t f32_sub(uint32_t a, uint32_t b, struct sse_fp *s);
uint32_t f32_mul(uint32_t a, uint32_t b, struct sse_fp *s);
uint32_t f32_div(uint32_t a, uint32_t b, struct sse_fp *s);
uint32_t f32_sqrt(uint32_t a, struct sse_fp *s);
uint64_t f64_add(uint64_t a, uint64_t b, struct sse_fp *s);
uint64_t f64_sub(uint64_t a, uint64_t b, struct sse_fp *s);
uint64_t f64_mul(uint64_t a, uint64_t b, struct sse_fp *s);
uint64_t f64_div(uint64_t a, uint64_t b, struct sse_fp *s);
uint64_t f64_sqrt(uint64_t a, struct sse_fp *s);

/* The approximations of RCPPS and RSQRTPS: rounded to nearest whatever MXCSR says, so better than
 * the 1.5 * 2^-12 that the SDM promises; denormals count as zero, and no flags. */
uint32_t f32_rcp(uint32_t a);
uint32_t f32_rsqrt(uint32_t a);

/* ---- comparison (sse-fp-compare.c) ---- */
/* quiet: a QNaN is no invalid operation. */
enum sse_relation f32_compare(uint32_t a, uint32_t b, bool quiet, struct sse_fp *s);
enum sse_relation f64_compare(uint64_t a, uint64_t b, bool quiet, struct sse_fp *s);
/* MINPS and the like: the second operand where either is a NaN or both are zero. */
uint32_t f32_min(uint32_t a, uint32_t b, struct sse_fp *s);
uint32_t f32_max(uint32_t a, uint32_t b, struct sse_fp *s);
uint64_t f64_min(uint64_t a, uint64_t b, struct sse_fp *s);
uint64_t f64_max(uint64_t a, uint64_t b, struct sse_fp *s);

/* ---- conversion (sse-fp-convert.c) ---- */
uint64_t f64_from_f32(uint32_t a, struct sse_fp *s);
uint32_t f32_from_f64(uint64_t a, struct sse_fp *s);
uint32_t f32_from_i32(int32_t v, struct sse_fp *s);
uint64_t f64_from_i32(int32_t v);
/* truncate: towards zero instead of RC. */
uint32_t i32_from_f32(uint32_t a, bool truncate, struct sse_fp *s);
uint32_t i32_from_f64(uint64_t a, bool truncate, struct sse_fp *s);

#endif
