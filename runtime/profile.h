/* -profile FILE: how often each ISA row was executed, by what, and at what cost in host instructions. */
#ifndef STITCH86_PROFILE_H
#define STITCH86_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "insn.h"

/* A translation block that was executed. */
struct profile_block {
    uint64_t phys_pc;
    uint32_t eip, flags; /* flags: tb_flags() */
    uint64_t times;
    uint32_t insns, host_words; /* guest instructions; host words of the way that is taken as a rule */
};

/* Open FILE and start counting; user_error() where it cannot be written.  To be called before the accelerator
 * is chosen. */
void profile_open(CPUX86State *env, const char *file);
static inline bool profile_on(const CPUX86State *env)
{
    return env->profile != NULL;
}

/* Guest port PROFILE_PORT exists with -profile: a write of 1 forgets what was counted so far, a write of 0
 * ends what counts and writes it, so that parts of a run are measured: the first goes to FILE, the second to
 * FILE.2, and so on. */
#define PROFILE_PORT 0xea
void profile_mark(void *opaque, bool start);

/* Write what was counted since the last start mark, unless a stop mark has ended that. */
void profile_close(CPUX86State *env);

/* ---- what the accelerators report ---- */

/* The interpreter executed one instruction of that form; `slow`: in a block, in place of the template whose
 * execution the block has counted. */
void profile_interp(CPUX86State *env, unsigned form, bool slow);
/* Its plain loop counts here, by form. */
uint64_t *profile_interp_counts(CPUX86State *env);
/* An instruction in a block was executed `times` times with a template, `words` host words each. */
void profile_template(CPUX86State *env, unsigned form, uint64_t times, uint32_t words);
void profile_add_block(CPUX86State *env, const struct profile_block *b);
/* Something that costs host instructions outside of templates happened so often; `name` lives on. */
void profile_add_event(CPUX86State *env, const char *name, uint64_t times);

/* The template accelerator's own counters: given over, or forgotten.  Events are asked for
 * once, at the end of a part. */
struct profile_source {
    void (*gather)(CPUX86State *env);
    void (*clear)(CPUX86State *env);
    void (*events)(CPUX86State *env);
};
void profile_set_source(CPUX86State *env, const struct profile_source *source);

#endif
