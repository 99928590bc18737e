/* What the block builder and the templates of x87 and MMX share (gen-fpu.c). */
#ifndef STITCH86_GEN_FPU_H
#define STITCH86_GEN_FPU_H

#include "fpu-word.h"
#include "gen.h"

bool gen_x87_kind(const struct insn *in); /* an x87 instruction */
/* What the block is to be specialised on: env->fptw, or TB_ANY_FPTW. */
uint32_t gen_fpu_word(const struct gen *g);
void gen_fpu_begin(struct gen *g);  /* the guard; tb->fptw is set */
void gen_fpu_note(struct gen *g);   /* the state at the current instruction goes into its map entry */
void gen_fpu_after(struct gen *g);  /* so does what is expected after it */
bool gen_fpu_same(const struct x87_state *a, const struct x87_state *b);
void gen_fpu_interp(struct gen *g); /* the current instruction went through the interpreter, on every path */
void gen_fpu_sync_status(struct gen *g); /* pointers and C1 alone */
uint32_t gen_fpu_word_after(uint32_t word, const struct insn *in); /* when nothing unmasked happens */
void gen_fpu_sync(struct gen *g);   /* the vCPU state is brought up to date: before a block's exits */

/* ---- the state of struct gen: the word, TOP and tags ---- */

static inline unsigned fpw_top(uint32_t word)
{
    return (word & FPTW_TOP) >> FPTW_TOP_SHIFT;
}

/* Physical number of ST(i). */
static inline unsigned fpu_phys(const struct gen *g, unsigned i)
{
    return (fpw_top(g->fpu.word) + i) & 7;
}

static inline int fpu_slot(unsigned r)
{
    return (int)(offsetof(CPUX86State, fpregs) / 16 + (r & 7));
}

static inline int fpu_slot_of(const struct gen *g, unsigned i)
{
    return fpu_slot(fpu_phys(g, i));
}

static inline bool fpu_holds(const struct gen *g, unsigned i)
{
    return g->fpu.word >> fpu_phys(g, i) & 1;
}

static inline bool fpu_may_push(const struct gen *g)
{
    return !fpu_holds(g, 7);
}

static inline unsigned fpu_class_of(const struct gen *g)
{
    return (g->fpu.word & FPTW_CLASS) >> FPTW_CLASS_SHIFT;
}

static inline bool fpu_rounds_to_nearest(const struct gen *g)
{
    return fpu_class_of(g) == FPTW_CLASS_EXTENDED || fpu_class_of(g) == FPTW_CLASS_DOUBLE;
}

static inline uint32_t fpw_with_top(uint32_t word, unsigned t)
{
    return (word & ~(uint32_t)FPTW_TOP) | (t & 7) << FPTW_TOP_SHIFT;
}

static inline uint32_t fpw_pop(uint32_t word)
{
    return fpw_with_top(word & ~(1u << fpw_top(word)), fpw_top(word) + 1);
}

static inline uint32_t fpw_fill(uint32_t word, unsigned i)
{
    return word | 1u << ((fpw_top(word) + i) & 7);
}

static inline uint32_t fpw_push(uint32_t word)
{
    return fpw_fill(fpw_with_top(word, fpw_top(word) + 7), 0);
}

static inline void fpu_set_word(struct gen *g, uint32_t word)
{
    if (word != g->fpu.word)
        g->fpu_dirty = true;
    g->fpu.word = (uint16_t)word;
}

void gen_x87_routines(struct tb_context *ctx);

#endif
