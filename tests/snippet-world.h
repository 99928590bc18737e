/* A simulated MIPS before and after a snippet, and what the test expects of it. */
#ifndef STITCH86_TESTS_SNIPPET_WORLD_H
#define STITCH86_TESTS_SNIPPET_WORLD_H

#include <check.h>
#include <stdbool.h>
#include <string.h>

#include "cpu.h"
#include "flags.h"
#include "mips-sim.h"
#include "regmap.h"

/* Host addresses in the simulator.  The guest's page lies where its addends lead. */
#define ENV_AT UINT64_C(0x0000000120000000)
#define STACK_AT UINT64_C(0x000000ffff7e0000)
#define TABLE_AT UINT64_C(0x0000005500000000)
#define PAGE_AT UINT64_C(0x0000004400005000)

enum { STACK = 256, SP = 40, PAGE = 4096 };

/* `table' is the TLB's entries of one page, or whatever else the snippet looks up. */
struct snippet_world {
    struct mips_sim s;
    CPUX86State env;
    uint8_t stack[STACK], page[2 * PAGE]; /* the second page is there for strings */
    int64_t table[8];
};
extern struct snippet_world now, want;
extern uint32_t words[512];
extern int n_words;

/* Where labels go: nothing is there. */
#define OUT (words + 300)

#define R(name) now.s.r[HREG_##name]
#define W(name) want.s.r[HREG_##name]

uint64_t snippet_random(void);
uint64_t random_word(void); /* sign-extended from 32 bits */
uint64_t sx(uint32_t v);
/* Random contents; the guest's registers and the flags record are sign-extended. */
void snippet_start(void);
/* What C functions may change is changed. */
void clobber_caller_saved(void);
/* The state is what is wanted, but for these registers. */
void same(const char *name, uint32_t but);
/* How it has to end: behind the last word, at a label, by a jump to an address. */
void fell_through(const char *name);
void went_out(const char *name);
void jumped_to(const char *name, uint64_t address);

#define RUN(emit) do { \
        n_words = (int)((emit) - words); \
        mips_sim_run(&now.s, words, n_words, -1); \
    } while (0)
/* After a jump. */
void resume(void);
/* Of a label: j and jal know 28 bits. */
static inline uint64_t jump_target(const uint32_t *label)
{
    return (uint64_t)((uintptr_t)label & 0x0ffffffc);
}

/* ---- snippet-memory.c ---- */
uint64_t page_load(uint32_t offset, int size, bool is_signed);
void check_quick_accesses(void);
void check_inline_accesses(void);
void check_known_accesses(void);
void check_slow_paths(void);
void check_strings(void);

#endif
