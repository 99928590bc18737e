/* The packed x87 stack state, env->fptw: what a block with x87 or MMX code is specialised on, so that templates
 * need no tag checks.  Other files read and change it through these functions alone. */
#ifndef STITCH86_FPU_WORD_H
#define STITCH86_FPU_WORD_H

#include "cpu.h"

enum {
    FPTW_VALID = 0x00ff,   /* bit r: physical register r is not empty */
    FPTW_TOP_SHIFT = 8,
    FPTW_TOP = 0x0700,
    FPTW_ES = 0x0800,      /* an unmasked exception is pending (FPUS_ES) */
    FPTW_CLASS_SHIFT = 12, /* what the control word says, FPTW_CLASS_* */
    FPTW_CLASS = 0x3000
};
/* All exceptions masked and: rounding to nearest with precision control extended or double; rounding towards
 * zero.  FPTW_CLASS_OTHER is any other word. */
enum { FPTW_CLASS_OTHER, FPTW_CLASS_EXTENDED, FPTW_CLASS_DOUBLE, FPTW_CLASS_TRUNCATE };

static inline unsigned fpu_control_class(uint16_t fpuc)
{
    if ((fpuc & 0x3f) != 0x3f)
        return FPTW_CLASS_OTHER;
    switch (fpuc >> 8 & 15) {
    case 3:
        return FPTW_CLASS_EXTENDED;
    case 2:
        return FPTW_CLASS_DOUBLE;
    case 12: case 13: case 14: case 15:
        return FPTW_CLASS_TRUNCATE;
    default:
        return FPTW_CLASS_OTHER;
    }
}

static inline unsigned fpu_top(const CPUX86State *env)
{
    return (env->fptw & FPTW_TOP) >> FPTW_TOP_SHIFT;
}

static inline void fpu_set_top(CPUX86State *env, unsigned top)
{
    env->fptw = (env->fptw & ~(uint32_t)FPTW_TOP) | (top & 7) << FPTW_TOP_SHIFT;
}

/* Bit r: physical register r is not empty. */
static inline unsigned fpu_valid_mask(const CPUX86State *env)
{
    return env->fptw & FPTW_VALID;
}

static inline void fpu_set_valid_mask(CPUX86State *env, unsigned mask)
{
    env->fptw = (env->fptw & ~(uint32_t)FPTW_VALID) | (mask & FPTW_VALID);
}

/* MMX instructions but EMMS: TOP is 0 and no register is empty (SDM 1, 9.6.2). */
static inline void fpu_mmx_word(CPUX86State *env)
{
    env->fptw = (env->fptw & ~(uint32_t)FPTW_TOP) | FPTW_VALID;
}

/* ES and the control word's class, after fpus or fpuc has changed. */
static inline void fpu_update_word(CPUX86State *env)
{
    env->fptw = (env->fptw & (FPTW_VALID | FPTW_TOP)) | (env->fpus & 0x80 ? FPTW_ES : 0)
        | fpu_control_class(env->fpuc) << FPTW_CLASS_SHIFT;
}

#endif
