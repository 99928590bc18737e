/* What the block builder and the templates of x87 and MMX share (gen-fpu.c). */
#ifndef STITCH86_GEN_FPU_H
#define STITCH86_GEN_FPU_H

#include "gen.h"

bool gen_x87_kind(const struct insn *in); /* an x87 instruction */
/* What the block is to be specialised on: env->fptw, or TB_ANY_FPTW. */
uint32_t gen_fpu_word(const struct gen *g);
void gen_fpu_begin(struct gen *g);  /* the guard; tb->fptw is set */
void gen_fpu_note(struct gen *g);   /* the state at the current instruction goes into its map entry */
void gen_fpu_after(struct gen *g);  /* so does what is expected after it */
void gen_fpu_interp(struct gen *g); /* the current instruction went through the interpreter, on every path */
void gen_fpu_sync(struct gen *g);   /* the vCPU state is brought up to date: before a block's exits */

void gen_x87_routines(struct tb_context *ctx);

#endif
