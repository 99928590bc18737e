/* One SSE floating point instruction on one state: what check_sse_float generates, runs on the
 * processor and on the interpreter, and compares. */
#ifndef STITCH86_TESTS_SSE_CASE_H
#define STITCH86_TESTS_SSE_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"

/* Lanes of a source or destination. */
enum sse_lanes { LANES_F32, LANES_F64, LANES_I32 };
enum sse_place { AT_XMM, AT_MMX, AT_GPR };

struct sse_form {
    const char *name;
    uint8_t prefix, opcode; /* prefix 0: none; [prefix] 0F opcode */
    uint8_t dst_place, src_place;
    uint8_t src_lanes;
    uint8_t lanes; /* how many of the source count */
    uint8_t operands; /* 1: the destination's old value does not matter */
    int8_t imm;    /* imm8, or -1 */
};

extern const struct sse_form sse_forms[];
extern const unsigned sse_form_count;

/* The registers of an instruction are number 0 as destination and 1 as source, EAX and ECX;
 * memory operands are at EDI. */
struct sse_state {
    union xmm_reg xmm[2] __attribute__((aligned(16)));
    union xmm_reg mem __attribute__((aligned(16)));
    uint64_t mmx[2];
    uint32_t eax, ecx;
    uint32_t mxcsr;
    uint32_t eflags;   /* arithmetic flags */
    uint32_t mmx_mode; /* 1: the x87 became an MMX unit; in: 0 */
    int32_t vector;    /* EXCP_XM, or -1; in: -1 */
};

/* Instruction bytes, the memory form if `memory`; returns how many. */
unsigned sse_encode(const struct sse_form *f, bool memory, uint8_t *bytes);

/* sse-ours.c */
void sse_run_ours(const struct sse_form *f, bool memory, const struct sse_state *in, struct sse_state *out);

/* sse-native.c; false where there is no such processor. */
bool sse_native(void);
void sse_run_native(const struct sse_form *f, bool memory, const struct sse_state *in, struct sse_state *out);

/* sse-gen.c */
uint64_t sse_random(void);
void sse_seed(uint64_t seed);
extern const uint32_t sse_special32[];
extern const uint64_t sse_special64[];
extern const unsigned sse_special32_count, sse_special64_count;
unsigned sse_special_count(enum sse_lanes lanes);
/* The i-th special value, in each lane of *v. */
void sse_special(enum sse_lanes lanes, unsigned i, union xmm_reg *v);
/* Random lanes, in *b near what makes *a interesting. */
void sse_random_pair(enum sse_lanes lanes, union xmm_reg *a, union xmm_reg *b);

#endif
