/* Direct windows.
 *
 * A window is 4 GiB of host addresses around `center`: guest linear address a is at center + (int32_t)a, which is
 * what a sign-extended guest register gives without another instruction.  Nothing is mapped there at first.  An
 * access to an empty page faults, the fault handler (translator/window-fault.c) asks window_fault(), which
 * walks the guest's page tables, maps the page of guest RAM, and lets the access happen again.  So a window is
 * a TLB, and follows its rules: what was walked may be used until the guest flushes it.
 *
 *  - Only RAM is mapped.  Accessed and dirty bits are set by the walk for the access; a page is mapped for writing only
 *    when its dirty bit is set, and never while it has translated code.
 *  - On a flush nothing is thrown away: each mapped page is walked again, without side effects, and
 *    stays where the answer is the same.  That is as if it had been flushed and filled again at once.
 *  - The supervisor's window holds global pages alone (or any, without paging), so a CR3 load does not concern it.
 *    With 4 MiB pages that is nearly all memory that a kernel touches, and few walks.
 *  - CPL 3 gets windows by address space, which CR3 names, when it has been interrupted often enough
 *    to be worth it.  A CR3 load walks what the window of the new address space holds.
 *
 * Pages of the host may be larger than the guest's: then only what is contiguous that far can be mapped, in
 * practice the large pages. */
#include "window.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mmu-internal.h"

#define CHUNK_BITS 22
#define CHUNK_SIZE ((uint32_t)1 << CHUNK_BITS)
#define CHUNKS (1u << (32 - CHUNK_BITS))
#define CHUNK_PAGES (CHUNK_SIZE / TARGET_PAGE_SIZE)
#define GUARD ((size_t)1 << 20) /* displacements reach 32 KiB over the border */
#define SPAN ((size_t)1 << 32)
#define RESERVED (SPAN + 2 * GUARD)
#define SPACES 6u        /* windows for CPL 3 */
#define SINGLES_MAX 24000u /* single pages in all windows: each may be a mapping, of which Linux lets a process have 65530 */

/* A page's entry: number of the page in the RAM file, times 4, and rights.  0: not mapped. */
enum { ENTRY_READ = 1, ENTRY_WRITE = 2, ENTRY_SHIFT = 2 };

/* Where in the window a page of the RAM file is mapped: page + 1, for up to two; more are searched for. */
struct reverse {
    uint32_t at[2];
};
#define REVERSE_MANY UINT32_MAX

struct space {
    uint8_t *reserved, *center;
    uint32_t *entry[CHUNKS];
    uint16_t count[CHUNKS];
    bool large[CHUNKS]; /* walked as one page of 4 MiB (or two of 2, or without paging) */
    bool dirty[CHUNKS]; /* such a one, mapped for writing */
    struct reverse *reverse;
    uint32_t cr3;       /* CPL 3 */
    uint32_t used;      /* when it was last the current one */
    uint32_t loads;     /* since the last tick */
};

/* How often an address space was interrupted at CPL 3. */
struct heat {
    uint32_t cr3;
    uint16_t ticks, wanted;
};

struct windows {
    CPUX86State *env;
    struct space kernel, user[SPACES];
    struct space *current; /* of CPL 3, or NULL */
    bool want_kernel, want_user;
    uint32_t clock;
    size_t host_page;
    size_t ram_pages;
    unsigned singles; /* pages that were mapped one by one */
    struct heat heat[64];
    struct window_stats stats;
};

enum { HEAT_WANTED = 3, LOADS_PER_TICK = 24 };

/* ---- host mappings ---- */

static bool reserve(struct windows *w, struct space *s)
{
    uint8_t *p = mmap(NULL, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return false;
    s->reverse = mmap(NULL, w->ram_pages * sizeof *s->reverse, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->reverse == MAP_FAILED) {
        s->reverse = NULL;
        munmap(p, RESERVED);
        return false;
    }
    s->reserved = p;
    s->center = p + GUARD + SPAN / 2;
    w->stats.spaces++;
    return true;
}

static uint8_t *host_of(const struct space *s, uint32_t vaddr)
{
    return s->center + (int32_t)vaddr;
}

static int host_prot(uint32_t rights)
{
    return PROT_READ | (rights & ENTRY_WRITE ? PROT_WRITE : 0);
}

/* ---- entries ---- */

static void reverse_add(struct space *s, uint32_t page, uint32_t vpn)
{
    struct reverse *r = &s->reverse[page];
    if (r->at[0] == vpn + 1 || r->at[1] == vpn + 1 || r->at[1] == REVERSE_MANY)
        return;
    if (!r->at[0])
        r->at[0] = vpn + 1;
    else
        r->at[1] = r->at[1] ? REVERSE_MANY : vpn + 1;
}

static void reverse_drop(struct space *s, uint32_t page, uint32_t vpn)
{
    struct reverse *r = &s->reverse[page];
    for (unsigned i = 0; i < 2; i++)
        if (r->at[i] == vpn + 1)
            r->at[i] = 0;
}

static uint32_t *entry_at(const struct space *s, uint32_t vaddr)
{
    uint32_t *e = s->entry[vaddr >> CHUNK_BITS];
    return e ? &e[vaddr / TARGET_PAGE_SIZE % CHUNK_PAGES] : NULL;
}

static void entry_clear(struct windows *w, struct space *s, uint32_t vaddr)
{
    uint32_t *e = entry_at(s, vaddr);
    reverse_drop(s, *e >> ENTRY_SHIFT, vaddr / TARGET_PAGE_SIZE);
    *e = 0;
    s->count[vaddr >> CHUNK_BITS]--;
    if (!s->large[vaddr >> CHUNK_BITS] && w->singles)
        w->singles--;
    w->stats.unmaps++;
}

static void entry_set(struct space *s, uint32_t vaddr, uint32_t value)
{
    uint32_t *e = entry_at(s, vaddr);
    if (*e)
        reverse_drop(s, *e >> ENTRY_SHIFT, vaddr / TARGET_PAGE_SIZE);
    else
        s->count[vaddr >> CHUNK_BITS]++;
    *e = value;
    reverse_add(s, value >> ENTRY_SHIFT, vaddr / TARGET_PAGE_SIZE);
}

static void clear_chunk(struct windows *w, struct space *s, uint32_t chunk)
{
    for (uint32_t k = 0; s->count[chunk] && k < CHUNK_PAGES; k++)
        if (s->entry[chunk][k])
            entry_clear(w, s, (chunk << CHUNK_BITS) + k * TARGET_PAGE_SIZE);
    s->large[chunk] = false;
}

/* Empty, with as few host mappings as there can be.  The place is given up for a moment: where the kernel has no
 * mapping left to give, it would refuse to put another one over a part of it. */
static void drop_all(struct windows *w, struct space *s)
{
    for (uint32_t c = 0; c < CHUNKS; c++)
        clear_chunk(w, s, c);
    munmap(s->reserved, RESERVED);
    void *p = mmap(s->reserved, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (p != s->reserved)
        abort(); /* translated code has its address */
}

/* No access to these pages from now on. */
static void host_unmap(struct windows *w, struct space *s, uint32_t vaddr, size_t size)
{
    void *p = mmap(host_of(s, vaddr), size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (p == MAP_FAILED)
        drop_all(w, s); /* too many mappings */
}

static void drop_chunk(struct windows *w, struct space *s, uint32_t chunk)
{
    if (!s->count[chunk])
        return;
    clear_chunk(w, s, chunk);
    host_unmap(w, s, chunk << CHUNK_BITS, CHUNK_SIZE);
}

static void drop_windows(struct windows *w)
{
    if (w->kernel.reserved)
        drop_all(w, &w->kernel);
    for (unsigned i = 0; i < SPACES; i++)
        if (w->user[i].reserved)
            drop_all(w, &w->user[i]);
}

static void space_free(struct space *s)
{
    for (uint32_t c = 0; c < CHUNKS; c++)
        free(s->entry[c]);
}

/* ---- filling ---- */

/* Number of the page in the RAM file, and its state; false: no RAM. */
static bool ram_page_of(const struct windows *w, hwaddr paddr, uint32_t *page, struct ram_page **state)
{
    const struct phys_range *r = phys_find(w->env->mem, paddr);
    if (!r || r->region->kind != REGION_RAM || r->last - paddr < TARGET_PAGE_SIZE - 1)
        return false;
    hwaddr offset = paddr - r->region->base;
    *page = (uint32_t)((r->region->file_offset + offset) >> TARGET_PAGE_BITS);
    *state = &r->region->pages[offset >> TARGET_PAGE_BITS];
    return *page < w->ram_pages;
}

/* The entry of a page with the rights that the walk and its code leave it. */
static uint32_t entry_of(uint32_t page, const struct walk_result *r, const struct ram_page *state)
{
    return page << ENTRY_SHIFT | ENTRY_READ | (r->writable && r->dirty && !state->code ? ENTRY_WRITE : 0);
}

/* Map n pages from vaddr on, which are contiguous in the file; the first and last host pages that they fill only
 * partly are left out. */
static bool map_run(struct windows *w, struct space *s, uint32_t vaddr, uint32_t value, uint32_t n)
{
    uint32_t per_host = (uint32_t)(w->host_page / TARGET_PAGE_SIZE);
    uint32_t skip = -(vaddr / TARGET_PAGE_SIZE) % per_host;
    if (skip >= n)
        return false;
    n = (n - skip) / per_host * per_host;
    vaddr += skip * TARGET_PAGE_SIZE;
    value += skip << ENTRY_SHIFT;
    if (!n || (value >> ENTRY_SHIFT) % per_host)
        return false;
    void *p = mmap(host_of(s, vaddr), (size_t)n * TARGET_PAGE_SIZE, host_prot(value), MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
                   w->env->mem->ram_fd, (off_t)(value >> ENTRY_SHIFT) * TARGET_PAGE_SIZE);
    if (p == MAP_FAILED)
        return false;
    for (uint32_t k = 0; k < n; k++)
        entry_set(s, vaddr + k * TARGET_PAGE_SIZE, value + (k << ENTRY_SHIFT));
    w->stats.maps++;
    return true;
}

static bool chunk_ready(struct space *s, uint32_t chunk)
{
    if (!s->entry[chunk])
        s->entry[chunk] = calloc(CHUNK_PAGES, sizeof *s->entry[chunk]);
    return s->entry[chunk] != NULL;
}

/* All of the large page (or, without paging, of the 4 MiB) that vaddr is in. */
static void map_large(struct windows *w, struct space *s, uint32_t vaddr, const struct walk_result *r)
{
    uint32_t size = r->page_size == TARGET_PAGE_SIZE ? CHUNK_SIZE : r->page_size;
    uint32_t first = vaddr & ~(size - 1);
    hwaddr paddr = r->paddr - (vaddr - first);
    uint32_t start = 0, value = 0, n = 0; /* the run gathered so far */
    for (uint32_t k = 0; k < size / TARGET_PAGE_SIZE; k++) {
        uint32_t page, v = 0;
        struct ram_page *state;
        if (ram_page_of(w, paddr + k * TARGET_PAGE_SIZE, &page, &state))
            v = entry_of(page, r, state);
        if (n && v == value + (n << ENTRY_SHIFT)) {
            n++;
            continue;
        }
        if (n)
            map_run(w, s, start, value, n);
        start = first + k * TARGET_PAGE_SIZE;
        value = v;
        n = v != 0;
    }
    if (n)
        map_run(w, s, start, value, n);
    s->large[vaddr >> CHUNK_BITS] = true;
    s->dirty[vaddr >> CHUNK_BITS] = r->writable && r->dirty;
}

static struct space *current_space(struct windows *w)
{
    return cpu_cpl(w->env) == 3 ? w->current : &w->kernel;
}

enum window_fault window_fault(CPUX86State *env, uintptr_t host, bool store)
{
    struct windows *w = env->mmu->windows;
    struct space *s = w ? current_space(w) : NULL;
    if (!s || !s->center || host - (uintptr_t)s->reserved >= RESERVED)
        return WINDOW_OTHER;
    w->stats.faults++;
    int64_t offset = (int64_t)host - (int64_t)(uintptr_t)s->center;
    uint32_t vaddr = (uint32_t)offset;
    if (offset != (int32_t)vaddr || env->mmu->any_watch)
        return WINDOW_NEVER;

    struct walk_result r;
    if (page_walk(env, vaddr, store ? MMU_DATA_STORE : MMU_DATA_LOAD, cpu_mmu_index(env), true, &r) != WALK_OK)
        return WINDOW_GUEST;
    uint32_t page, chunk = vaddr >> CHUNK_BITS;
    struct ram_page *state;
    r.paddr &= ~(hwaddr)(TARGET_PAGE_SIZE - 1);
    if ((s == &w->kernel && !r.global) || !ram_page_of(w, r.paddr, &page, &state)
        || (store && state->code) || !chunk_ready(s, chunk))
        return WINDOW_NEVER;
    uint32_t value = entry_of(page, &r, state);
    vaddr &= TARGET_PAGE_MASK;
    uint32_t *e = entry_at(s, vaddr);
    bool same_page = *e && (*e ^ value) >> ENTRY_SHIFT == 0;
    bool whole = r.page_size >= (s == &w->kernel ? 2u << 20 : CHUNK_SIZE) || !(env->cr[0] & CR0_PG);
    bool first = !s->count[chunk] || (s->large[chunk] && !*e);
    if (whole && (first || (same_page && s->large[chunk] && !s->dirty[chunk] && r.dirty && r.writable))) {
        map_large(w, s, vaddr, &r);
        return *e && (!store || (*e & ENTRY_WRITE)) ? WINDOW_MAPPED : WINDOW_NEVER;
    }
    if (same_page) {
        /* The page has become dirty, or lost its code.  Or the host's pages are larger, and it cannot have its rights. */
        if (*e == value || w->host_page > TARGET_PAGE_SIZE
            || mprotect(host_of(s, vaddr), TARGET_PAGE_SIZE, host_prot(value)) < 0)
            return WINDOW_NEVER;
        *e = value;
        return WINDOW_MAPPED;
    }
    if (w->singles >= SINGLES_MAX)
        drop_windows(w);
    if (!map_run(w, s, vaddr, value, 1))
        return WINDOW_NEVER;
    w->singles++;
    s->large[chunk] = false; /* what it had as such is walked page by page from now on */
    return WINDOW_MAPPED;
}

/* ---- following the guest ---- */

/* Would a walk for this page give the same answer now? */
static bool still_valid(const struct windows *w, const struct space *s, uint32_t vaddr, uint32_t value,
                        struct walk_result *r)
{
    uint32_t page;
    struct ram_page *state;
    int idx = s == &w->kernel ? (int)MMU_KNOSMAP_IDX : (int)MMU_USER_IDX;
    if (page_walk(w->env, vaddr, MMU_DATA_LOAD, idx, false, r) != WALK_OK || !r->accessed)
        return false;
    if (s == &w->kernel && !r->global)
        return false;
    return ram_page_of(w, r->paddr & ~(hwaddr)(TARGET_PAGE_SIZE - 1), &page, &state) && page == value >> ENTRY_SHIFT
        && (!(value & ENTRY_WRITE) || (r->writable && r->dirty));
}

static void revalidate_pages(struct windows *w, struct space *s, uint32_t chunk)
{
    uint32_t base = chunk << CHUNK_BITS, from = 0, n = 0;
    for (uint32_t k = 0; k <= CHUNK_PAGES; k++) {
        struct walk_result r;
        uint32_t vaddr = base + k * TARGET_PAGE_SIZE;
        uint32_t value = k < CHUNK_PAGES ? s->entry[chunk][k] : 0;
        if (value && !still_valid(w, s, vaddr, value, &r)) {
            entry_clear(w, s, vaddr);
            if (!n++)
                from = vaddr;
            continue;
        }
        if (n)
            host_unmap(w, s, from, (size_t)n * TARGET_PAGE_SIZE);
        n = 0;
    }
}

static void revalidate_chunk(struct windows *w, struct space *s, uint32_t chunk)
{
    if (!s->count[chunk])
        return;
    w->stats.revalidations++;
    if (w->host_page > TARGET_PAGE_SIZE && !s->large[chunk]) {
        drop_chunk(w, s, chunk);
        return;
    }
    if (!s->large[chunk]) {
        revalidate_pages(w, s, chunk);
        return;
    }
    /* One walk tells for all, or for each half with PAE. */
    uint32_t step = w->env->cr[4] & CR4_PAE && w->env->cr[0] & CR0_PG ? 2u << 20 : CHUNK_SIZE;
    for (uint32_t at = 0; at < CHUNK_SIZE; at += step) {
        uint32_t any = 0, where = 0;
        for (uint32_t k = at / TARGET_PAGE_SIZE; k < (at + step) / TARGET_PAGE_SIZE; k++) {
            uint32_t v = s->entry[chunk][k];
            if (v && (!any || (v & ENTRY_WRITE))) {
                any = v;
                where = (chunk << CHUNK_BITS) + k * TARGET_PAGE_SIZE;
                if (v & ENTRY_WRITE)
                    break;
            }
        }
        struct walk_result r;
        if (any && (!still_valid(w, s, where, any, &r)
                    || (r.page_size == TARGET_PAGE_SIZE && (w->env->cr[0] & CR0_PG)))) {
            drop_chunk(w, s, chunk);
            return;
        }
    }
}

static void revalidate(struct windows *w, struct space *s)
{
    for (uint32_t c = 0; c < CHUNKS; c++)
        revalidate_chunk(w, s, c);
}

void window_update(struct windows *w)
{
    if (!w)
        return;
    CPUX86State *env = w->env;
    bool watched = env->mmu->any_watch;
    bool paged = env->cr[0] & CR0_PG;
    bool kernel = w->want_kernel && !watched && (!paged || (env->cr[4] & CR4_PGE)) && !(env->cr[4] & CR4_SMAP);
    bool user = paged && !watched && w->current;
    uint64_t now[2] = { kernel ? (uintptr_t)w->kernel.center : 0, user ? (uintptr_t)w->current->center : 0 };
    if (now[0] == env->window[0] && now[1] == env->window[1])
        return;
    env->window[0] = now[0];
    env->window[1] = now[1];
    window_choose(env);
}

/* CR3 was loaded: the window of the new address space, if it has one. */
static void select_space(struct windows *w)
{
    uint32_t cr3 = w->env->cr[3];
    if (w->current && w->current->cr3 == cr3)
        return;
    w->current = NULL;
    for (unsigned i = 0; i < SPACES; i++)
        if (w->user[i].reserved && w->user[i].cr3 == cr3)
            w->current = &w->user[i];
    if (!w->current)
        return;
    struct space *s = w->current;
    s->used = ++w->clock;
    if (++s->loads > LOADS_PER_TICK) {
        /* It is loaded more often than it computes: walking its pages each time costs more than it gives. */
        struct heat *h = &w->heat[cr3 / TARGET_PAGE_SIZE % 64];
        if (h->cr3 == cr3) {
            h->ticks = 0;
            h->wanted = h->wanted < 256 ? (uint16_t)(h->wanted * 4) : h->wanted;
        }
        drop_all(w, s);
        s->cr3 = 1; /* no CR3 */
        w->current = NULL;
    }
}

void window_tlb_flushed(struct windows *w, bool page, uint32_t vaddr, bool global)
{
    if (page) {
        struct space *spaces[2] = { &w->kernel, w->current };
        for (unsigned i = 0; i < 2; i++) {
            struct space *s = spaces[i];
            uint32_t *e = s ? entry_at(s, vaddr) : NULL;
            struct walk_result r;
            if (!e || !*e)
                continue;
            if (s->large[vaddr >> CHUNK_BITS] || w->host_page > TARGET_PAGE_SIZE)
                revalidate_chunk(w, s, vaddr >> CHUNK_BITS);
            else if (!still_valid(w, s, vaddr, *e, &r)) {
                entry_clear(w, s, vaddr);
                host_unmap(w, s, vaddr & TARGET_PAGE_MASK, TARGET_PAGE_SIZE);
            }
        }
        return;
    }
    if (global)
        revalidate(w, &w->kernel);
    select_space(w);
    if (w->current)
        revalidate(w, w->current);
    window_update(w);
}

static void protect_at(struct windows *w, struct space *s, uint32_t vaddr, uint32_t page)
{
    uint32_t *e = entry_at(s, vaddr);
    if (!e || *e >> ENTRY_SHIFT != page || !(*e & ENTRY_WRITE))
        return;
    *e &= ~(uint32_t)ENTRY_WRITE;
    uint8_t *p = host_of(s, vaddr & TARGET_PAGE_MASK);
    p -= (uintptr_t)p % w->host_page;
    if (mprotect(p, w->host_page, PROT_READ) < 0)
        drop_all(w, s); /* too many mappings */
}

static void protect_in(struct windows *w, struct space *s, uint32_t page)
{
    struct reverse r = s->reverse[page];
    if (r.at[1] != REVERSE_MANY) {
        for (unsigned i = 0; i < 2; i++)
            if (r.at[i])
                protect_at(w, s, (r.at[i] - 1) * TARGET_PAGE_SIZE, page);
        return;
    }
    for (uint32_t c = 0; c < CHUNKS; c++)
        for (uint32_t k = 0; s->count[c] && k < CHUNK_PAGES; k++)
            if (s->entry[c][k] >> ENTRY_SHIFT == page && s->entry[c][k])
                protect_at(w, s, (c << CHUNK_BITS) + k * TARGET_PAGE_SIZE, page);
}

void window_protect(struct windows *w, hwaddr paddr)
{
    uint32_t page;
    struct ram_page *state;
    if (!w || !ram_page_of(w, paddr & ~(hwaddr)(TARGET_PAGE_SIZE - 1), &page, &state))
        return;
    if (w->kernel.reserved)
        protect_in(w, &w->kernel, page);
    for (unsigned i = 0; i < SPACES; i++)
        if (w->user[i].reserved)
            protect_in(w, &w->user[i], page);
}

/* ---- which address spaces get a window ---- */

static struct space *new_space(struct windows *w, uint32_t cr3)
{
    struct space *s = &w->user[0];
    for (unsigned i = 0; i < SPACES; i++) {
        if (!w->user[i].reserved) {
            s = &w->user[i];
            break;
        }
        if (w->user[i].used < s->used)
            s = &w->user[i];
    }
    if (!s->reserved && !reserve(w, s))
        return NULL;
    drop_all(w, s);
    s->cr3 = cr3;
    s->used = ++w->clock;
    s->loads = 0;
    return s;
}

void window_tick(CPUX86State *env)
{
    struct windows *w = env->mmu->windows;
    if (!w || !w->want_user || cpu_cpl(env) != 3 || !(env->cr[0] & CR0_PG) || (env->hflags & HF_VM))
        return;
    if (w->current) {
        w->current->loads = 0;
        return;
    }
    uint32_t cr3 = env->cr[3];
    struct heat *h = &w->heat[cr3 / TARGET_PAGE_SIZE % 64];
    if (h->cr3 != cr3)
        *h = (struct heat){ cr3, 0, HEAT_WANTED };
    if (++h->ticks < h->wanted)
        return;
    h->ticks = 0;
    w->current = new_space(w, cr3);
    window_update(w);
}

/* ---- */

bool window_init(CPUX86State *env, bool kernel, bool user)
{
    struct windows *w = calloc(1, sizeof *w);
    if (!w)
        return false;
    w->env = env;
    w->host_page = (size_t)sysconf(_SC_PAGESIZE);
    w->ram_pages = env->mem->ram_file_size >> TARGET_PAGE_BITS;
    w->want_kernel = kernel && reserve(w, &w->kernel);
    /* Pages of processes are scattered: a host with larger pages could map next to none. */
    w->want_user = user && w->host_page == TARGET_PAGE_SIZE;
    if (!w->ram_pages || (!w->want_kernel && !w->want_user)) {
        free(w);
        return false;
    }
    env->mmu->windows = w;
    window_update(w);
    return true;
}

static void release(struct windows *w, struct space *s)
{
    if (!s->reserved)
        return;
    munmap(s->reserved, RESERVED);
    munmap(s->reverse, w->ram_pages * sizeof *s->reverse);
    space_free(s);
}

void window_free(CPUX86State *env)
{
    struct windows *w = env->mmu->windows;
    if (!w)
        return;
    release(w, &w->kernel);
    for (unsigned i = 0; i < SPACES; i++)
        release(w, &w->user[i]);
    env->mmu->windows = NULL;
    env->window[0] = env->window[1] = 0;
    free(w);
}

const struct window_stats *window_get_stats(const CPUX86State *env)
{
    static const struct window_stats none;
    return env->mmu->windows ? &env->mmu->windows->stats : &none;
}
