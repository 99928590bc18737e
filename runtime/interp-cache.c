/* The cache of decoded instructions, and the interpreter's loop.
 *
 * A page of guest code (physical page and default operand size) has a table from byte offset to a decoded
 * instruction.  The softmmu tells of writes to such pages.  An instruction that crosses into the
 * next page or lies at the limit of CS is never cached: its bytes may change, or stop being
 * reachable, without this page being written.
 *
 * A decoded instruction may be in execution when a store of its own invalidates it: entries are
 * unlinked then, not reused before the whole cache is flushed, which happens only between
 * instructions. */
#include <stdlib.h>
#include <sys/mman.h>

#include "interp-core.h"
#include "optimise.h"
#include "profile.h"

enum {
    PAGES_MAX = 2048,
    ENTRIES_MAX = 1 << 20,
    HASH_SIZE = 4096,
    WRITES_MAX = 32 /* to a page that isn't executed meanwhile: it is no code page any more */
};

enum { ENTRY_BRANCH = 1, ENTRY_EXIT = 2 };

struct entry {
    op_fn fn;
    uint32_t flags;
    struct insn insn;
} __attribute__((aligned(64)));

struct page {
    uint64_t key;
    struct page *next; /* in its hash chain, or in the list of free ones */
    bool used;         /* in a hash chain */
    uint32_t writes;   /* since it was last entered */
    uint32_t index[TARGET_PAGE_SIZE]; /* into the entries; 0: not decoded */
};

struct interp_cache {
    CPUX86State *env;
    bool attached;
    unsigned listener;
    struct page *current; /* what interp_run() is in */
    struct page *hash[HASH_SIZE];
    struct page *pages, *free_pages;
    uint32_t npages;
    struct entry *entries;
    uint32_t nentries;
    struct entry scratch; /* for what is not cached */
};

static uint64_t page_key(uint64_t paddr, uint32_t hflags)
{
    return (paddr & ~(uint64_t)(TARGET_PAGE_SIZE - 1)) | (hflags & HF_CS32 ? 1 : 0);
}

static struct page **hash_slot(struct interp_cache *c, uint64_t key)
{
    return &c->hash[(key >> TARGET_PAGE_BITS ^ (key & 1) << 11) & (HASH_SIZE - 1)];
}

static void *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

struct interp_cache *interp_cache_new(void)
{
    struct interp_cache *c = aligned_alloc(64, (sizeof *c + 63) / 64 * 64);

    if (!c)
        abort();
    memset(c, 0, sizeof *c);
    c->pages = reserve(PAGES_MAX * sizeof(struct page));
    c->entries = reserve(ENTRIES_MAX * sizeof(struct entry));
    c->nentries = 1;
    return c;
}

void interp_cache_free(struct interp_cache *c)
{
    if (!c)
        return;
    munmap(c->pages, PAGES_MAX * sizeof(struct page));
    munmap(c->entries, ENTRIES_MAX * sizeof(struct entry));
    free(c);
}

static void code_written(void *opaque, hwaddr paddr, uint32_t len, uintptr_t retaddr)
{
    (void)retaddr;
    interp_cache_invalidate(opaque, paddr, len);
}

void interp_attach(CPUX86State *env)
{
    struct interp_cache *c = env->icache;

    if (!c)
        c = env->icache = interp_cache_new();
    if (c->attached)
        return;
    c->env = env;
    c->listener = phys_mem_add_code_listener(env->mem, code_written, c);
    c->attached = true;
}

static struct page *find_page(struct interp_cache *c, uint64_t key)
{
    struct page *p = *hash_slot(c, key);

    while (p && p->key != key)
        p = p->next;
    return p;
}

static void drop_page(struct interp_cache *c, struct page *p)
{
    struct page **link = hash_slot(c, p->key);

    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    p->used = false;
    memset(p->index, 0, sizeof p->index);
    p->next = c->free_pages;
    c->free_pages = p;
}

void interp_cache_flush(struct interp_cache *c)
{
    for (uint32_t i = 0; i < c->npages; i++) {
        struct page *p = &c->pages[i];
        if (p->used) {
            drop_page(c, p);
            softmmu_clear_code(c->env, p->key & ~(uint64_t)1, c->listener);
        }
    }
    c->current = NULL;
}

/* Make room: between instructions only, since entries are used again. */
static void recycle(struct interp_cache *c)
{
    interp_cache_flush(c);
    c->nentries = 1;
}

static struct page *new_page(struct interp_cache *c, uint64_t key)
{
    struct page *p = c->free_pages, **slot = hash_slot(c, key);

    if (!p && c->npages == PAGES_MAX) {
        recycle(c);
        p = c->free_pages;
    }
    if (p)
        c->free_pages = p->next;
    else
        p = &c->pages[c->npages++];
    p->key = key;
    p->writes = 0;
    p->used = true;
    p->next = *slot;
    *slot = p;
    softmmu_set_code(c->env, key & ~(uint64_t)1, c->listener);
    return p;
}

/* Forget the instructions that have a byte in [offset, offset+len). */
static void drop_range(struct interp_cache *c, struct page *p, uint32_t offset, uint32_t len)
{
    uint32_t i = offset > 14 ? offset - 14 : 0;

    for (; i < offset + len; i++) {
        uint32_t n = p->index[i];
        if (n && i + c->entries[n].insn.len > offset)
            p->index[i] = 0;
    }
}

void interp_cache_invalidate(struct interp_cache *c, uint64_t paddr, uint32_t len)
{
    while (len) {
        uint32_t offset = paddr & (TARGET_PAGE_SIZE - 1), n = TARGET_PAGE_SIZE - offset;
        bool unused = true;

        if (n > len)
            n = len;
        for (unsigned bits = 0; bits < 2; bits++) {
            struct page *p = find_page(c, (paddr - offset) | bits);
            if (!p)
                continue;
            if (p != c->current && ++p->writes > WRITES_MAX) {
                drop_page(c, p);
            } else {
                drop_range(c, p, offset, n);
                unused = false;
            }
        }
        if (unused && c->attached)
            softmmu_clear_code(c->env, paddr - offset, c->listener);
        paddr += n;
        len -= n;
    }
}

/* ---- execution ---- */

/* Where exit_request is looked at: wherever a loop can be, a REP included. */
static uint32_t entry_flags(const struct insn *insn)
{
    uint32_t f = isa_info[insn->form].flags;
    bool rep = (f & (ISA_STRING | ISA_REPCC)) && (insn->prefixes & (INSN_REP | INSN_REPNE));

    return (f & ISA_END_EXIT ? ENTRY_EXIT : 0) | ((f & ISA_END_BLOCK) || rep ? ENTRY_BRANCH : 0);
}

static const struct entry *fetch_uncached(CPUX86State *env)
{
    struct entry *e = &env->icache->scratch;
    uint64_t paddr, paddr2;

    fetch_insn(env, env->eip, &e->insn, &paddr, &paddr2);
    e->fn = interp_select(env, &e->insn);
    e->flags = entry_flags(&e->insn) | ENTRY_BRANCH;
    return e;
}

/* Decode what stands at `offset` of page p, whose bytes are at `host`. */
static const struct entry *decode_entry(CPUX86State *env, struct page *p, const uint8_t *host,
                                        uint32_t offset)
{
    struct interp_cache *c = env->icache;
    uint32_t room = TARGET_PAGE_SIZE - offset;
    struct entry *e = &c->entries[c->nentries];

    if (decode_insn(host + offset, room < 15 ? room : 15, env->hflags & HF_CS32 ? DECODE_32 : DECODE_16,
                    &e->insn)
        != DECODE_OK)
        return fetch_uncached(env); /* the second page, #UD, #GP */
    e->fn = interp_select(env, &e->insn);
    e->flags = entry_flags(&e->insn);
    if (e->insn.len == room)
        e->flags |= ENTRY_BRANCH; /* straight-line code may go on for 4 GiB */
    p->index[offset] = c->nentries++;
    return e;
}

/* Where the loop is. */
struct position {
    uint32_t lin;        /* linear address of the page, or 1: none */
    struct page *page;   /* NULL: code is not in RAM or ROM */
    const uint8_t *host; /* of the page */
};

static void enter_page(CPUX86State *env, struct position *at, uint32_t lin)
{
    struct interp_cache *c = env->icache;
    const uint8_t *host;
    bool global;
    uint64_t paddr = mmu_fetch_page(env, lin, &host, &global), key = page_key(paddr, env->hflags);

    at->lin = lin & TARGET_PAGE_MASK;
    at->page = NULL;
    c->current = NULL;
    if (host) {
        at->host = host - (lin & ~TARGET_PAGE_MASK);
        at->page = find_page(c, key);
        if (!at->page)
            at->page = new_page(c, key);
        at->page->writes = 0;
        c->current = at->page;
    }
}

static const struct entry *lookup(CPUX86State *env, struct position *at, uint32_t lin)
{
    struct interp_cache *c = env->icache;

    if (lin - at->lin >= TARGET_PAGE_SIZE)
        enter_page(env, at, lin);
    if (unlikely(!at->page))
        return fetch_uncached(env);
    uint32_t n = at->page->index[lin - at->lin];
    if (likely(n != 0))
        return &c->entries[n];
    if (unlikely(c->nentries == ENTRIES_MAX)) {
        recycle(c);
        enter_page(env, at, lin);
    }
    return decode_entry(env, at->page, at->host, lin - at->lin);
}

static void account(CPUX86State *env)
{
    env->insns_interp++;
    if (env->icount_enabled)
        env->icount_left--;
}

static bool loads_ss(const struct insn *insn)
{
    return (insn->mnem == MN_MOV || insn->mnem == MN_POP) && insn->op[0].kind == OPK_SREG
        && insn->op[0].reg == R_SS;
}

#define DR6_BS 0x4000u

/* One instruction with everything around it that debugging needs (SDM 3, 17.3).  After a load of SS not only
 * interrupts but debug traps and breakpoints wait for the next instruction's end. */
static void run_one(CPUX86State *env)
{
    bool shadow = env->hflags & HF_INHIBIT, tf = env->hflags & HF_TF, rf = env->eflags & RF_MASK;
    uint32_t lin = env->segs[R_CS].base + env->eip;
    const struct entry *e;

    if ((env->hflags & HF_BP) && !shadow) {
        uint32_t hit = cpu_check_insn_bp(env, lin);
        env->db_status = 0; /* what an instruction touched before it faulted doesn't count */
        if (hit)
            raise_debug(env, hit, 0);
    }
    e = fetch_uncached(env);
    env->hflags &= ~(uint32_t)HF_INHIBIT;
    e->fn(env, &e->insn);
    account(env);
    if (profile_on(env))
        profile_interp(env, e->insn.form, false);
    if (rf && e->insn.mnem != MN_IRET)
        env->eflags &= ~(uint32_t)RF_MASK;
    if ((tf || env->db_status) && !loads_ss(&e->insn)) {
        env->halted = false;
        raise_debug(env, tf ? DR6_BS : 0, 0);
    }
}

/* `counts`: by form, or NULL. */
static inline __attribute__((always_inline)) void run(CPUX86State *env, uint32_t max, uint64_t *counts)
{
    struct position at = {1, NULL, NULL};
    uint32_t cs_base, limit, safe;
    int32_t icounts = env->icount_enabled ? 1 : 0;

    cs_base = env->segs[R_CS].base;
    limit = env->segs[R_CS].limit;
    /* Up to here the limit needs no look. */
    safe = limit > 15 && optimise_on(OPTIMISE_INTERP_CACHE) ? limit - 15 : 0;
    do {
        uint32_t eip = env->eip;
        const struct entry *e = likely(eip < safe) ? lookup(env, &at, cs_base + eip) : fetch_uncached(env);

        e->fn(env, &e->insn);
        env->insns_interp++;
        env->icount_left -= icounts;
        if (counts)
            counts[e->insn.form]++;
        if (e->flags) {
            if (e->flags & ENTRY_EXIT) {
                if (unlikely(env->db_status))
                    raise_debug(env, 0, 0);
                break;
            }
            if (atomic_load_explicit(&env->exit_request, memory_order_relaxed) < 0)
                break;
        }
    } while (--max);
}

void interp_run(CPUX86State *env, uint32_t max)
{
    if (unlikely(!env->icache || !env->icache->attached))
        interp_attach(env);
    if (max == 0)
        return;
    if (interp_slow_mode(env))
        run_one(env);
    else if (unlikely(profile_on(env)))
        run(env, max, profile_interp_counts(env));
    else
        run(env, max, NULL);
}
