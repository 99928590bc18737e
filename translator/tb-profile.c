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
    uint32_t all = 0;
    for (unsigned i = 0; i < tb->icount; i++) {
        const struct insn_map *m = &tb->map[i];
        uint32_t words = usual_words(tb->host + m->host, i + 1u < tb->icount ? tb->host + m[1].host : end,
                                     env->tbs->code_first);
        all += words;
        if (!m->interp)
            profile_template(env, m->form, times, words);
    }
    struct profile_block b = {.phys_pc = tb->phys_pc, .eip = tb->eip, .flags = tb->flags, .times = times,
                              .insns = tb->icount, .host_words = all};
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
}

static void clear(CPUX86State *env)
{
    memset(env->tbs->profile_counts, 0, env->tbs->ntbs * sizeof *env->tbs->profile_counts);
}

void tb_profile_init(struct tb_context *ctx)
{
    static const struct profile_source source = {tb_profile_gather, clear};
    /* Away from the code: a write to a page of code that has run is slow. */
    ctx->profile_counts = mmap(NULL, ctx->max_tbs * sizeof *ctx->profile_counts, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ctx->profile_counts == MAP_FAILED)
        user_error("out of memory");
    ctx->env->profile_counts = (uintptr_t)ctx->profile_counts;
    profile_set_source(ctx->env, &source);
}

void tb_profile_free(struct tb_context *ctx)
{
    if (ctx->profile_counts)
        munmap(ctx->profile_counts, ctx->max_tbs * sizeof *ctx->profile_counts);
    ctx->profile_counts = NULL;
}
