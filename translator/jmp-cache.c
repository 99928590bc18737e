/* tb_jmp_cache: from a guest eip to host code, looked up inline by returns, indirect jumps
 * and jumps to another page.
 *
 * An entry is good as long as its virtual page maps to the same physical page.  So the soft
 * MMU tells of each flush, and exactly the entries that the flush concerns go: a log of
 * filled slots keeps a CR3 load cheap, a bitmap of pages an INVLPG. */
#include "tb-context.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "optimise.h"

#define JC_SLOTS (1u << JC_BITS)
#define JC_MASK (JC_SLOTS - 1)
#define JC_LOG 32768u

static void *map_zero(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* The inline look-up inserts the slot's number into the table's address. */
static struct jc_entry *map_table(void)
{
    const size_t size = JC_SLOTS * sizeof(struct jc_entry);
    uint8_t *p = map_zero(2 * size);
    if (!p)
        return NULL;
    uint8_t *start = (uint8_t *)(((uintptr_t)p + size - 1) & ~(uintptr_t)(size - 1));
    if (start > p)
        munmap(p, (size_t)(start - p));
    if (p + size > start)
        munmap(start + size, (size_t)(p + size - start));
    return (struct jc_entry *)(void *)start;
}

static inline void slot_clear(struct jc_table *t, uint32_t slot)
{
    t->entry[slot].eip = slot == 0;
}

bool jc_init(struct tb_context *ctx)
{
    ctx->jc_empty = map_table();
    if (!ctx->jc_empty)
        return false;
    ctx->jc_empty[0].eip = 1;
    ctx->env->jmp_cache_empty = ctx->jc_empty;
    for (unsigned i = 0; i < JC_TABLES; i++) {
        struct jc_table *t = &ctx->jc[i];
        t->entry = map_table();
        t->log[0] = malloc(JC_LOG * sizeof(uint32_t));
        t->log[1] = malloc(JC_LOG * sizeof(uint32_t));
        t->pages = calloc(1, (1u << 20) / 8);
        if (!t->entry || !t->log[0] || !t->log[1] || !t->pages)
            return false;
        t->entry[0].eip = 1;
    }
    return true;
}

void jc_free(struct tb_context *ctx)
{
    for (unsigned i = 0; i < JC_TABLES; i++) {
        struct jc_table *t = &ctx->jc[i];
        if (t->entry)
            munmap(t->entry, JC_SLOTS * sizeof(struct jc_entry));
        free(t->log[0]);
        free(t->log[1]);
        free(t->pages);
    }
    ctx->env->jmp_cache_empty = NULL;
    memset(ctx->env->mode_slots, 0, sizeof ctx->env->mode_slots);
    if (ctx->jc_empty)
        munmap(ctx->jc_empty, JC_SLOTS * sizeof(struct jc_entry));
}

static void table_wipe_log(struct jc_table *t, unsigned g)
{
    for (uint32_t i = 0; i < t->nlog[g]; i++)
        slot_clear(t, t->log[g][i]);
    t->nlog[g] = 0;
}

static void table_clear(struct jc_table *t)
{
    table_wipe_log(t, 0);
    table_wipe_log(t, 1);
    memset(t->pages, 0, (1u << 20) / 8);
}

void jc_clear(struct tb_context *ctx)
{
    for (unsigned i = 0; i < JC_TABLES; i++)
        if (ctx->jc[i].used)
            table_clear(&ctx->jc[i]);
}

/* A system call changes the mode several times, among few: env->mode_slots has the tables of those used last, for
 * templates too, where a segment's base is 0. */
static struct jc_table *find_table(struct tb_context *ctx, uint32_t flags, uint32_t cs_base)
{
    struct mode_slot *slot = &ctx->env->mode_slots[mode_slot_index(flags)];
    if (slot->flags == flags && slot->jmp_cache && cs_base == 0)
        return &ctx->jc[slot->table];
    for (unsigned i = 0; i < JC_TABLES; i++) {
        struct jc_table *t = &ctx->jc[i];
        if (t->used && t->flags == flags && t->cs_base == cs_base) {
            if (cs_base == 0)
                *slot = (struct mode_slot) { flags, i, t->entry };
            return t;
        }
    }
    return NULL;
}

/* The table gets another mode. */
static void forget_mode(struct tb_context *ctx, const struct jc_table *t)
{
    for (unsigned i = 0; i < MODE_SLOTS; i++)
        if (ctx->env->mode_slots[i].jmp_cache == t->entry)
            ctx->env->mode_slots[i] = (struct mode_slot) { 0 };
}

static void use_table(struct tb_context *ctx, struct jc_table *t)
{
    CPUX86State *env = ctx->env;
    ctx->jc_current = t;
    atomic_store_explicit(&env->jmp_cache, t->entry, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    /* A kick between the caller's check and the store must not be lost. */
    if (atomic_load_explicit(&env->exit_request, memory_order_relaxed) < 0)
        atomic_store_explicit(&env->jmp_cache, ctx->jc_empty, memory_order_relaxed);
}

void jc_select(struct tb_context *ctx, uint32_t flags, uint32_t cs_base)
{
    struct jc_table *t = ctx->jc_current;
    if (!t || t->flags != flags || t->cs_base != cs_base) {
        t = find_table(ctx, flags, cs_base);
        if (!t) {
            t = &ctx->jc[ctx->jc_next++ % JC_TABLES];
            if (t->used)
                table_clear(t);
            forget_mode(ctx, t);
            t->used = true;
            t->flags = flags;
            t->cs_base = cs_base;
        }
    }
    use_table(ctx, t);
}

bool jc_current(struct tb_context *ctx)
{
    CPUX86State *env = ctx->env;
    uint32_t flags = tb_flags(env), cs_base = env->segs[R_CS].base;
    struct jc_table *t = ctx->jc_current;
    if (!t || t->flags != flags || t->cs_base != cs_base)
        t = find_table(ctx, flags, cs_base);
    if (t)
        use_table(ctx, t);
    return t != NULL;
}

const uint32_t *jc_get(const struct tb_context *ctx, uint32_t eip)
{
    const struct jc_entry *e = &ctx->jc_current->entry[eip & JC_MASK];
    return e->eip == (int32_t)eip ? e->host : NULL;
}

void jc_fill(struct tb_context *ctx, const TranslationBlock *tb, bool global)
{
    if (!optimise_on(OPTIMISE_JUMP_CACHE))
        return;
    struct jc_table *t = ctx->jc_current;
    uint32_t slot = tb->eip & JC_MASK;
    if (t->nlog[global] == JC_LOG)
        table_wipe_log(t, global);
    t->log[global][t->nlog[global]++] = slot;
    uint32_t page = (tb->eip + tb->cs_base) >> TARGET_PAGE_BITS;
    t->pages[page >> 3] |= (uint8_t)(1u << (page & 7));
    /* A slot that is in the other log too is wiped by either: early, never late. */
    t->entry[slot].host = tb->host;
    t->entry[slot].eip = (int32_t)tb->eip;
}

void jc_remove(struct tb_context *ctx, const TranslationBlock *tb)
{
    uint32_t slot = tb->eip & JC_MASK;
    for (unsigned i = 0; i < JC_TABLES; i++)
        if (ctx->jc[i].used && ctx->jc[i].entry[slot].host == tb->host)
            slot_clear(&ctx->jc[i], slot);
}

static void table_flush_page(struct jc_table *t, uint32_t page)
{
    if (!(t->pages[page >> 3] & (1u << (page & 7))))
        return;
    t->pages[page >> 3] &= (uint8_t)~(1u << (page & 7));
    uint32_t eip = (page << TARGET_PAGE_BITS) - t->cs_base;
    for (uint32_t i = 0; i < TARGET_PAGE_SIZE; i++, eip++)
        if (t->entry[eip & JC_MASK].eip == (int32_t)eip)
            slot_clear(t, eip & JC_MASK);
}

void jc_tlb_flushed(void *opaque, bool page, uint32_t vaddr, bool global)
{
    struct tb_context *ctx = opaque;
    tb_links_flushed(ctx, page, vaddr, global);
    for (unsigned i = 0; i < JC_TABLES; i++) {
        struct jc_table *t = &ctx->jc[i];
        if (!t->used)
            continue;
        if (page) {
            /* A block on the page before may end on this one. */
            table_flush_page(t, vaddr >> TARGET_PAGE_BITS);
            table_flush_page(t, ((vaddr >> TARGET_PAGE_BITS) - 1) & 0xfffff);
        } else {
            table_wipe_log(t, 0);
            if (global)
                table_wipe_log(t, 1);
        }
    }
}
