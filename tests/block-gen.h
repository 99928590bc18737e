/* Random sequences of instructions. */
#ifndef STITCH86_TEST_BLOCK_GEN_H
#define STITCH86_TEST_BLOCK_GEN_H

#include "block-machine.h"

enum { BG_ITEMS = 60, BG_STARTS = 3 };

enum bg_patch { BG_NONE, BG_REL8, BG_REL16, BG_REL32, BG_ABS32 };

/* One instruction; what depends on where others stand is put in last. */
struct bg_item {
    uint8_t bytes[20];
    uint8_t len;
    uint8_t patch, at; /* kind, offset in bytes */
    uint8_t label;     /* index of the item meant; the number of items: the end */
    bool linear;       /* BG_ABS32: a linear address, not an eip */
    bool dead;         /* dropped by the shrinker */
    uint32_t addend;
};

struct bg_seq {
    struct bg_item item[BG_ITEMS];
    unsigned n;
    uint32_t at, cs_base; /* linear address of the code */
    bool code16;
    struct bm_start start[BG_STARTS];
    uint32_t address[BG_ITEMS + 1]; /* linear, by bg_layout() */
    uint8_t code[1024];
    uint32_t len;
};

void bg_init(void);
/* Make a sequence from the seed; `m` executes it meanwhile, so that addresses make sense. */
void bg_make(struct bg_seq *q, uint64_t seed, struct bm *m);
/* The same of instructions of these forms, `wanted` of them, with some between that set registers or look at
 * flags.  Returns how many of those wanted there are. */
unsigned bg_make_of(struct bg_seq *q, uint64_t seed, struct bm *m, const uint16_t *forms, unsigned n,
                    unsigned wanted);
/* Bytes, labels and entry point after items were dropped. */
void bg_layout(struct bg_seq *q);
void bg_print(const struct bg_seq *q, FILE *out);
uint64_t bg_random(void);
/* Random x87, MMX and SSE registers (block-simd.c), from the same seed. */
void bg_make_simd(struct bm_simd *s);

#endif
