/* The cache of TranslationBlocks: hash by physical pc, links between blocks, and the pages they
 * come from (PageDesc), so that writes to code find their blocks. */
#include "tb-context.h"

#include <stdlib.h>
#include <string.h>

#include "exception.h"
#include "interp.h"
#include "log.h"
#include "mips-patch.h"
#include "optimise.h"
#include "profile.h"

/* Writes to a page with code before a bitmap of its code bytes is worth its making. */
#define PAGE_BITMAP_AFTER 10

/* ---- allocation ---- */

TranslationBlock *tb_alloc(struct tb_context *ctx)
{
    if (ctx->ntbs == ctx->max_tbs)
        return NULL;
    TranslationBlock *tb = &ctx->tbs[ctx->ntbs];
    memset(tb, 0, sizeof *tb);
    return tb;
}

void *tb_arena_alloc(struct tb_context *ctx, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if (ctx->arena_size - ctx->arena_used < size)
        return NULL;
    void *p = ctx->arena + ctx->arena_used;
    ctx->arena_used += size;
    return p;
}

/* The block that `host` lies in.  For a return address ask for the word before it: a call may be a block's last.
 * Blocks lie in the code region in the order of their making. */
TranslationBlock *tb_from_host(struct tb_context *ctx, const uint32_t *host)
{
    uint32_t lo = 0, hi = ctx->ntbs;
    while (hi - lo > 1) {
        uint32_t mid = (lo + hi) / 2;
        if (ctx->tbs[mid].host <= host)
            lo = mid;
        else
            hi = mid;
    }
    if (lo >= ctx->ntbs || host < ctx->tbs[lo].host || host >= ctx->tbs[lo].host + ctx->tbs[lo].host_words)
        return NULL;
    return &ctx->tbs[lo];
}

/* ---- hash ---- */

static uint32_t hash_of(hwaddr phys_pc, uint32_t eip, uint32_t flags)
{
    uint64_t h = (phys_pc ^ (uint64_t)flags << 17 ^ (uint64_t)eip << 29) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(h >> (64 - TB_HASH_BITS));
}

TranslationBlock *tb_find(struct tb_context *ctx, uint32_t eip, uint32_t cs_base, uint32_t flags, hwaddr phys_pc)
{
    for (TranslationBlock *tb = ctx->hash[hash_of(phys_pc, eip, flags)]; tb; tb = tb->hash_next) {
        if (tb->phys_pc != phys_pc || tb->eip != eip || tb->flags != flags || tb->cs_base != cs_base)
            continue;
        if (tb->fptw != TB_ANY_FPTW && tb->fptw != ctx->env->fptw)
            continue;
        if (tb->phys_page2 != TB_NO_PAGE) {
            /* The instruction's bytes on the first page are what they were, so it needs the second one:
             * where that one cannot be executed now, this is its page fault. */
            const uint8_t *host;
            bool global;
            uint32_t next = ((eip + cs_base) & TARGET_PAGE_MASK) + TARGET_PAGE_SIZE;
            if (mmu_fetch_page(ctx->env, next, &host, &global) != tb->phys_page2)
                continue;
        }
        return tb;
    }
    return NULL;
}

/* ---- PageDesc ---- */

static struct page_desc *page_find(struct tb_context *ctx, hwaddr paddr, bool make)
{
    uint64_t index = paddr >> TARGET_PAGE_BITS;
    uint64_t l1 = index >> PAGE_L2_BITS;
    if (l1 >= PAGE_L1_SIZE)
        return NULL;
    if (!ctx->l1_map[l1]) {
        if (!make)
            return NULL;
        ctx->l1_map[l1] = calloc(1u << PAGE_L2_BITS, sizeof(struct page_desc));
        if (!ctx->l1_map[l1])
            user_error("out of memory");
    }
    return &ctx->l1_map[l1][index & ((1u << PAGE_L2_BITS) - 1)];
}

static inline TranslationBlock *untag(TranslationBlock *tb)
{
    return (TranslationBlock *)((uintptr_t)tb & ~(uintptr_t)1);
}

static inline unsigned tag(TranslationBlock *tb)
{
    return (uintptr_t)tb & 1;
}

static void page_add(struct tb_context *ctx, TranslationBlock *tb, unsigned n, hwaddr page)
{
    struct page_desc *pd = page_find(ctx, page, true);
    if (!pd)
        return;
    tb->page_next[n] = pd->first;
    pd->first = (TranslationBlock *)((uintptr_t)tb | n);
    free(pd->bitmap);
    pd->bitmap = NULL;
    if (!pd->marked) {
        pd->marked = true;
        softmmu_set_code(ctx->env, page & ~(hwaddr)(TARGET_PAGE_SIZE - 1), ctx->code_listener);
    }
}

static void page_remove(struct tb_context *ctx, TranslationBlock *tb, unsigned n, hwaddr page)
{
    struct page_desc *pd = page_find(ctx, page, false);
    if (!pd)
        return;
    TranslationBlock **link = &pd->first;
    while (*link) {
        TranslationBlock *t = untag(*link);
        unsigned k = tag(*link);
        if (t == tb && k == n) {
            *link = t->page_next[k];
            break;
        }
        link = &t->page_next[k];
    }
    free(pd->bitmap);
    pd->bitmap = NULL;
}

/* Does tb have a byte in [start, end) of its page n? */
static bool tb_has_bytes(const TranslationBlock *tb, unsigned n, uint32_t start, uint32_t end)
{
    if (n == 1)
        return start < tb->page2_end;
    for (unsigned i = 0; i < tb->nranges; i++)
        if (tb->range[i].start < end && start < tb->range[i].end)
            return true;
    return false;
}

static void mark_bytes(uint8_t *bitmap, uint32_t start, uint32_t end)
{
    for (uint32_t a = start; a < end; a++)
        bitmap[a >> 3] |= (uint8_t)(1u << (a & 7));
}

static void page_build_bitmap(struct page_desc *pd)
{
    pd->bitmap = calloc(1, TARGET_PAGE_SIZE / 8);
    if (!pd->bitmap)
        return;
    for (TranslationBlock *l = pd->first; l; l = untag(l)->page_next[tag(l)]) {
        const TranslationBlock *tb = untag(l);
        if (tag(l))
            mark_bytes(pd->bitmap, 0, tb->page2_end);
        for (unsigned i = 0; i < tb->nranges && !tag(l); i++)
            mark_bytes(pd->bitmap, tb->range[i].start, tb->range[i].end);
    }
}

/* ---- links ---- */

void tb_add_jump(TranslationBlock *from, unsigned n, TranslationBlock *to)
{
    struct tb_exit *e = &from->exit[n];
    if (e->dest || !e->jump)
        return;
    e->dest = to;
    e->next = to->incoming;
    e->next_n = to->incoming_n;
    to->incoming = from;
    to->incoming_n = (uint8_t)n;
    e->filled = optimise_on(OPTIMISE_SLOT_FILL) && e->jump[1] == 0 && mips_fits_slot(to->host[0]);
    if (e->filled)
        e->jump[1] = to->host[0];
    mips_patch_jump(e->jump, to->host + e->filled);
    if (log_enabled(LOG_TB))
        log_printf("tb: link %08x exit %u to %08x\n", from->eip, n, to->eip);
}

static void tb_unlink_exit(TranslationBlock *tb, unsigned n)
{
    struct tb_exit *e = &tb->exit[n];
    TranslationBlock *to = e->dest;
    if (!to)
        return;
    TranslationBlock **link = &to->incoming;
    uint8_t *link_n = &to->incoming_n;
    while (*link != tb || *link_n != n) {
        struct tb_exit *x = &(*link)->exit[*link_n];
        link = &x->next;
        link_n = &x->next_n;
    }
    *link = e->next;
    *link_n = e->next_n;
    e->dest = NULL;
}

/* The exit goes to its stub again. */
static void tb_reset_exit(TranslationBlock *tb, unsigned n)
{
    struct tb_exit *e = &tb->exit[n];
    if (e->filled)
        e->jump[1] = 0;
    e->filled = false;
    mips_patch_jump(e->jump, e->stub);
    tb_unlink_exit(tb, n);
}

static void tb_invalidate(struct tb_context *ctx, TranslationBlock *tb)
{
    if (tb->invalid)
        return;
    tb->invalid = true;
    ctx->stats.invalidated++;
    TranslationBlock **link = &ctx->hash[hash_of(tb->phys_pc, tb->eip, tb->flags)];
    while (*link && *link != tb)
        link = &(*link)->hash_next;
    if (*link)
        *link = tb->hash_next;
    page_remove(ctx, tb, 0, tb->phys_pc);
    if (tb->phys_page2 != TB_NO_PAGE)
        page_remove(ctx, tb, 1, tb->phys_page2);
    jc_remove(ctx, tb);
    for (unsigned n = 0; n < tb->nexits; n++)
        tb_unlink_exit(tb, n);
    while (tb->incoming) {
        TranslationBlock *from = tb->incoming;
        unsigned n = tb->incoming_n;
        tb_reset_exit(from, n);
    }
    if (log_enabled(LOG_TB))
        log_printf("tb: invalidate %08x phys %09llx\n", tb->eip, (unsigned long long)tb->phys_pc);
}

void tb_unlink_crossing(struct tb_context *ctx, hwaddr page, uint32_t vpn, bool user)
{
    struct page_desc *pd = page_find(ctx, page, false);
    if (!pd)
        return;
    for (TranslationBlock *l = pd->first; l; l = untag(l)->page_next[tag(l)]) {
        TranslationBlock *to = untag(l), *from = to->incoming;
        if ((to->eip + to->cs_base) >> TARGET_PAGE_BITS != vpn || ((to->flags & HF_CPL_MASK) == 3) != user)
            continue;
        unsigned n = to->incoming_n;
        while (from) {
            const struct tb_exit e = from->exit[n];
            if (e.cross != TB_CROSS_NONE)
                tb_reset_exit(from, n);
            from = e.next;
            n = e.next_n;
        }
    }
}

/* The other variants of the block (they differ in fptw) are a chain, in which each one's guard leads to the
 * next; tb becomes its end.  So all variants are reached from the first.  It must never be a ring, in which
 * a word that none is for would go round for ever. */
static void chain_variant(TranslationBlock *bucket, TranslationBlock *tb)
{
    if (tb->fptw == TB_ANY_FPTW || tb->phys_page2 != TB_NO_PAGE)
        return;
    for (TranslationBlock *v = bucket; v; v = v->hash_next) {
        struct tb_exit *guard = &v->exit[TB_EXIT_GUARD];
        if (v->phys_pc == tb->phys_pc && v->eip == tb->eip && v->flags == tb->flags
            && v->cs_base == tb->cs_base && v->phys_page2 == TB_NO_PAGE && guard->jump && !guard->dest) {
            tb_add_jump(v, TB_EXIT_GUARD, tb);
            return;
        }
    }
}

TranslationBlock *tb_first_variant(TranslationBlock *tb)
{
    TranslationBlock *from = tb->incoming;
    unsigned n = tb->incoming_n;
    while (from) {
        if (n == TB_EXIT_GUARD) {
            tb = from;
            from = tb->incoming;
            n = tb->incoming_n;
            continue;
        }
        const struct tb_exit *e = &from->exit[n];
        from = e->next;
        n = e->next_n;
    }
    return tb;
}

void tb_insert(struct tb_context *ctx, TranslationBlock *tb)
{
    uint32_t h = hash_of(tb->phys_pc, tb->eip, tb->flags);
    chain_variant(ctx->hash[h], tb);
    tb->hash_next = ctx->hash[h];
    ctx->hash[h] = tb;
    page_add(ctx, tb, 0, tb->phys_pc);
    if (tb->phys_page2 != TB_NO_PAGE)
        page_add(ctx, tb, 1, tb->phys_page2);
    ctx->ntbs++;
    ctx->stats.translated++;
    ctx->stats.insns_translated += tb->icount;
    if (log_enabled(LOG_TB))
        log_printf("tb: make %08x phys %09llx flags %08x, %u instructions\n", tb->eip,
                   (unsigned long long)tb->phys_pc, tb->flags, tb->icount);
}

/* ---- invalidation ---- */

static void invalidate_on_page(struct tb_context *ctx, hwaddr start, hwaddr end, const TranslationBlock *current,
                               bool *hit_current)
{
    struct page_desc *pd = page_find(ctx, start, false);
    if (!pd)
        return;
    uint32_t first = start & (TARGET_PAGE_SIZE - 1), last = (end - 1) & (TARGET_PAGE_SIZE - 1);
    TranslationBlock *l = pd->first;
    while (l) {
        TranslationBlock *tb = untag(l);
        unsigned n = tag(l);
        l = tb->page_next[n];
        if (tb_has_bytes(tb, n, first, last + 1)) {
            if (tb == current)
                *hit_current = true;
            tb_invalidate(ctx, tb);
            /* A block may be in this list twice (both its pages the same physical one). */
            l = pd->first;
        }
    }
    if (!pd->first && pd->marked) {
        pd->marked = false;
        pd->writes = 0;
        softmmu_clear_code(ctx->env, start & ~(hwaddr)(TARGET_PAGE_SIZE - 1), ctx->code_listener);
    }
}

void tb_invalidate_phys_range(CPUX86State *env, hwaddr start, hwaddr end, uintptr_t retaddr)
{
    struct tb_context *ctx = env->tbs;
    TranslationBlock *current = retaddr ? tb_from_host(ctx, (const uint32_t *)retaddr - 1) : ctx->running;
    bool hit = false;
    for (hwaddr a = start; a < end; a = (a & ~(hwaddr)(TARGET_PAGE_SIZE - 1)) + TARGET_PAGE_SIZE) {
        hwaddr page_end = (a & ~(hwaddr)(TARGET_PAGE_SIZE - 1)) + TARGET_PAGE_SIZE;
        invalidate_on_page(ctx, a, end < page_end ? end : page_end, current, &hit);
    }
    if (hit && retaddr) {
        /* The running block overwrites itself.  Nothing of the instruction is committed yet:
         * do it as a whole in C, then go on with what stands there now. */
        tb_restore_state(env, retaddr);
        ctx->running = NULL;
        interp_run(env, 1);
        cpu_loop_exit(env);
    }
}

void tb_code_written(void *opaque, hwaddr paddr, uint32_t len, uintptr_t retaddr)
{
    struct tb_context *ctx = opaque;
    hwaddr offset = paddr & (TARGET_PAGE_SIZE - 1);
    struct page_desc *pd = page_find(ctx, paddr, false);
    if (!pd || !pd->marked)
        return;
    if (offset + len <= TARGET_PAGE_SIZE) {
        if (pd->writes < PAGE_BITMAP_AFTER)
            pd->writes++;
        if (!pd->bitmap && pd->writes == PAGE_BITMAP_AFTER && optimise_on(OPTIMISE_CODE_BITMAP))
            page_build_bitmap(pd);
        if (pd->bitmap) {
            bool any = false;
            for (hwaddr o = offset; o < offset + len && !any; o++)
                any = pd->bitmap[o >> 3] >> (o & 7) & 1;
            if (!any)
                return;
        }
    }
    tb_invalidate_phys_range(ctx->env, paddr, paddr + len, retaddr);
}

/* ---- flush ---- */

void tb_flush_all(struct tb_context *ctx)
{
    ctx->stats.flushes++;
    if (profile_on(ctx->env))
        tb_profile_gather(ctx->env);
    for (uint32_t i = 0; i < PAGE_L1_SIZE; i++) {
        if (!ctx->l1_map[i])
            continue;
        for (uint32_t k = 0; k < 1u << PAGE_L2_BITS; k++) {
            struct page_desc *pd = &ctx->l1_map[i][k];
            if (pd->marked)
                softmmu_clear_code(ctx->env, ((hwaddr)i << PAGE_L2_BITS | k) << TARGET_PAGE_BITS, ctx->code_listener);
            free(pd->bitmap);
        }
        free(ctx->l1_map[i]);
        ctx->l1_map[i] = NULL;
    }
    memset(ctx->hash, 0, sizeof ctx->hash);
    jc_clear(ctx);
    tb_links_clear(ctx);
    ctx->ntbs = ctx->nsides = 0;
    ctx->npool = 0;
    ctx->arena_used = 0;
    ctx->code_ptr = ctx->code_first;
    ctx->running = NULL;
    if (log_enabled(LOG_TB))
        log_printf("tb: flush\n");
}
