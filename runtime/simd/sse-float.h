/* What the floating point instructions share: begin with MXCSR, end with its exceptions. */
#ifndef STITCH86_SSE_FLOAT_H
#define STITCH86_SSE_FLOAT_H

#include "simd.h"
#include "sse-fp.h"

ALWAYS_INLINE struct sse_fp sse_fp_begin(const CPUX86State *env)
{
    return (struct sse_fp){ env->mxcsr, 0 };
}

/* Flags and exceptions; the caller stores the result afterwards. */
ALWAYS_INLINE void sse_fp_end(CPUX86State *env, const struct sse_fp *s)
{
    if (s->flags)
        sse_raise(env, s->flags);
}

/* sse-float-convert.c; NULL for other instructions. */
op_fn interp_select_sse_convert(const struct insn *insn);

#endif
