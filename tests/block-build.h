/* What block-gen.c makes sequences with: items of the sequence under construction. */
#ifndef STITCH86_TEST_BLOCK_BUILD_H
#define STITCH86_TEST_BLOCK_BUILD_H

#include "block-gen.h"

extern struct bg_seq *bb_seq;
extern struct bm *bb_walker; /* executes what is made */
extern uint32_t bb_here;     /* linear address of the next item */

void bb_seed(uint64_t seed);
unsigned bb_below(unsigned n);
bool bb_percent(unsigned n);
/* Values: numbers at a border, linear addresses that are worth an access, registers at the start. */
uint32_t bb_edge_value(void);
uint32_t bb_data_target(void);
uint32_t bb_start_value(void);

/* The next item, empty; NULL when the sequence is full.  It counts from bb_commit() on. */
struct bg_item *bb_new_item(void);
void bb_put(struct bg_item *it, unsigned byte);
void bb_put_value(struct bg_item *it, uint32_t v, unsigned size);
/* Prefixes that a 16-bit code segment needs for 32-bit operands and addresses. */
void bb_want_op32(struct bg_item *it);
void bb_want_addr32(struct bg_item *it);
/* The item is complete.  execute: let the walker do it; false when it faulted. */
bool bb_commit(struct bg_item *it, bool execute);
void bb_uncommit(void);

unsigned bb_any_label(void);
int bb_label_target(void);
void bb_mov_imm(unsigned r, uint32_t v);
void bb_mov_label(unsigned r, unsigned label, bool linear);
void bb_simple(unsigned n, const uint8_t *bytes, bool execute);
uint32_t bb_seg_base_now(unsigned seg);
/* ModRM, SIB and displacement of a memory operand in 32-bit addressing that leads to `target`;
 * label >= 0: to that item plus target. */
void bb_memory_operand(struct bg_item *it, unsigned reg, unsigned seg, uint32_t target, int label);

/* How many in a hundred of bb_generic() shall be MMX and SSE, and x87. */
void bb_mix(unsigned vector, unsigned x87);
/* One random instruction: any, of a mnemonic, one that looks at flags. */
void bb_generic(void);
void bb_by_mnem(unsigned mnem);
void bb_of_form(unsigned form);
/* Forms of these mnemonics that can be drawn; returns how many. */
unsigned bb_forms_of(const uint16_t *mnems, unsigned n, uint16_t *out, unsigned max);
void bb_flag_consumer(void);

#endif
