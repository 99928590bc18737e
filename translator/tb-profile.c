/* -profile, the template accelerator's part: a counter for each block, incremented at its entry and
 * multiplied out over its instructions when the blocks are flushed or the profile is written.
 *
 * A block that is left in its middle (a fault, an access to a page that holds its code) counts all
 * its instructions.  Host instructions are those of the way taken as a rule: what stands out of line is not
 * counted, nor is what a look-up's successful branch jumps over. */
#include "tb-context.h"

#include <string.h>
#include <sys/mman.h>

#include "log.h"
#include "profile.h"
#include "window.h"

/* Words executed from `p` on, up to `end` or through the jump that leaves the block or routine: no branch is
 * taken but branch-likely ones, with which successful look-ups skip their way out, and unconditional ones.
 * `frame_end`: end of the routines that begin at the code region's start; NULL: in one of them. */
static uint32_t usual_words(const uint32_t *p, const uint32_t *end, const uint32_t *frame_end)
{
    uint32_t n = 0;
    while (p < end) {
        uint32_t w = *p, op = w >> 26;
        int16_t offset = (int16_t)w;
        n++;
        if (op == 2 || (op == 0 && (w & 0x1fffff) == 0x000008)) /* j, jr */
            return n + 1;
        if (op == 3 && frame_end) { /* jal */
            const uint32_t *to = (const uint32_t *)((uintptr_t)p & ~(uintptr_t)0x0fffffff)
                + (w & 0x03ffffff);
            if (to < frame_end)
                n += usual_words(to, frame_end, NULL);
        }
        bool likely_branch = op >= 0x14 && op <= 0x17; /* beql bnel blezl bgtzl */
        bool always = (w & 0xffff0000) == 0x10000000;
        if ((likely_branch || always) && offset >= 0) {
            n++; /* the delay slot */
            p += 1 + offset;
        } else {
            p++;
        }
    }
    return n;
}

static void count_block(CPUX86State *env, const TranslationBlock *tb, uint64_t times)
{
    const uint32_t *end = tb->host + tb->host_words;
    const uint64_t *counts = env->tbs->profile_counts;
    uint64_t rounds = tb->rounds ? counts[tb->rounds] : 0, entered = times + rounds;
    uint32_t all = 0;
    unsigned side = TB_EXIT_SIDE;
    for (unsigned i = 0; i < tb->icount; i++) {
        const struct insn_map *m = &tb->map[i];
        if (i == tb->loop && i > 0) {
            times += rounds;
            all = 0;
        }
        uint32_t words = usual_words(tb->host + m->host, i + 1u < tb->icount ? tb->host + m[1].host : end,
                                     env->tbs->code_first);
        all += words;
        if (!m->interp)
            profile_template(env, m->form, times, words);
        if (side < tb->nexits && tb->exit[side].insn == i)
            times -= counts[tb->exit[side++].taken];
    }
    struct profile_block b = {.phys_pc = tb->phys_pc, .eip = tb->eip, .flags = tb->flags, .times = entered,
                              .insns = tb->loop ? tb->loop : tb->icount, .host_words = all};
    profile_add_block(env, &b);
}

void tb_profile_gather(CPUX86State *env)
{
    struct tb_context *ctx = env->tbs;
    for (uint32_t i = 0; i < ctx->ntbs; i++) {
        uint64_t times = ctx->profile_counts[i];
        ctx->profile_counts[i] = 0;
        if (times)
            count_block(env, &ctx->tbs[i], times);
    }
    memset(ctx->profile_counts + ctx->max_tbs, 0, ctx->nsides * sizeof *ctx->profile_counts);
}

/* ---- events: what the counters that are kept anyway have gone up by since the start mark ---- */

/* EVENT(name in the file, where it is counted) */
#define EVENTS \
    EVENT("exit_link", tb->left_link) EVENT("exit_poll", tb->left_poll) EVENT("exit_end", tb->left_end) \
    EVENT("jump_cache_miss", tb->jc_misses) EVENT("block_lookup", tb->lookups) EVENT("link", tb->links) \
    EVENT("block_translated", tb->translated) EVENT("instruction_translated", tb->insns_translated) \
    EVENT("block_invalidated", tb->invalidated) EVENT("code_flush", tb->flushes) \
    EVENT("tlb_miss_data", mmu->fills) EVENT("tlb_miss_code", mmu->fetch_fills) \
    EVENT("slow_load", mmu->slow_loads) EVENT("slow_store", mmu->slow_stores) \
    EVENT("code_page_write", mmu->code_writes) EVENT("tlb_flush", mmu->flushes) \
    EVENT("tlb_flush_non_global", mmu->flushes_non_global) EVENT("tlb_flush_page", mmu->flushes_page) \
    EVENT("page_fault", mmu->page_faults) EVENT("window_fault", window->faults) \
    EVENT("window_map", window->maps) EVENT("window_unmap", window->unmaps)

#define EVENT(name, where) +1
enum { EVENT_COUNT = 0 EVENTS };
#undef EVENT
static uint64_t at_start[EVENT_COUNT];

static void read_events(CPUX86State *env, uint64_t now[EVENT_COUNT])
{
    const struct tb_stats *tb = &env->tbs->stats;
    const struct softmmu_stats *mmu = softmmu_get_stats(env);
    const struct window_stats *window = window_get_stats(env);
    unsigned n = 0;
#define EVENT(name, where) now[n++] = where;
    EVENTS
#undef EVENT
}

static void events(CPUX86State *env)
{
    static const char *const names[] = {
#define EVENT(name, where) name,
        EVENTS
#undef EVENT
    };
    uint64_t now[EVENT_COUNT];
    read_events(env, now);
    for (unsigned i = 0; i < EVENT_COUNT; i++)
        profile_add_event(env, names[i], now[i] - at_start[i]);
}

static void clear(CPUX86State *env)
{
    struct tb_context *ctx = env->tbs;
    read_events(env, at_start);
    memset(ctx->profile_counts, 0, ctx->ntbs * sizeof *ctx->profile_counts);
    memset(ctx->profile_counts + ctx->max_tbs, 0, ctx->nsides * sizeof *ctx->profile_counts);
}

void tb_profile_init(struct tb_context *ctx)
{
    static const struct profile_source source = {tb_profile_gather, clear, events};
    /* Away from the code: a write to a page of code that has run is slow. */
    ctx->profile_counts = mmap(NULL, (ctx->max_tbs + ctx->max_sides) * sizeof *ctx->profile_counts, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ctx->profile_counts == MAP_FAILED)
        user_error("out of memory");
    ctx->env->profile_counts = (uintptr_t)ctx->profile_counts;
    profile_set_source(ctx->env, &source);
}

void tb_profile_free(struct tb_context *ctx)
{
    if (ctx->profile_counts)
        munmap(ctx->profile_counts, (ctx->max_tbs + ctx->max_sides) * sizeof *ctx->profile_counts);
    ctx->profile_counts = NULL;
}
