/* Direct windows.
 *
 * A window is 4 GiB of host addresses around `center`: guest linear address a is at center + (int32_t)a,
 * which is what a sign-extended guest register gives without another instruction.  Nothing is mapped there
 * at first.  An access to an empty page faults, the fault handler (translator/window-fault.c) asks
 * window_fault(), which walks the guest's page tables, maps the page of guest RAM, and lets the access
 * happen again.  So a window is a TLB, and follows its rules: what was walked may be used until the guest
 * flushes it.
 *
 *  - Only RAM is mapped.  Accessed and dirty bits are set by the walk for the access; a page is mapped for
 *    writing only when its dirty bit is set, and never while it has translated code.
 *  - On a flush nothing is thrown away: each mapped page is walked again, without side effects, and stays
 *    where the answer is the same.  That is as if it had been flushed and filled again at once.
 *  - The supervisor's window holds global pages alone (or any, without paging), so a CR3 load does not
 *    concern it.  With 4 MiB pages that is nearly all memory that a kernel touches, and few walks.
 *  - CPL 3 gets windows by address space, which CR3 names, when it has been interrupted often enough to be
 *    worth it.  A CR3 load walks what the window of the new address space holds.
 *
 * Pages of the host may be larger than the guest's: then only what is contiguous that far can be mapped, which is
 * a kernel's own memory and seldom a process's.  Guest pages that share a host page are mapped and unmapped as one,
 * with the rights that all of them have.
 *
 * Here is what the guest's page walk decides: filling, and following the guest.  window-map.c makes the
 * host's mappings, window-spaces.c chooses the address spaces that have a window. */
#include "window-internal.h"

#include "mmu-internal.h"

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
        if (n) {
            space_map_run(w, s, start, value, n);
            w->splits++;
        }
        start = first + k * TARGET_PAGE_SIZE;
        value = v;
        n = v != 0;
    }
    if (n)
        space_map_run(w, s, start, value, n);
    s->large[vaddr >> CHUNK_BITS] = true;
    s->dirty[vaddr >> CHUNK_BITS] = r->writable && r->dirty;
}

/* A walk for a load without side effects: is the page, one that has been accessed, RAM that the window may have? */
static bool walk_again(const struct windows *w, const struct space *s, uint32_t vaddr, struct walk_result *r,
                       uint32_t *page, struct ram_page **state)
{
    int idx = s == &w->kernel ? (int)MMU_KNOSMAP_IDX : (int)MMU_USER_IDX;
    if (page_walk(w->env, vaddr, MMU_DATA_LOAD, idx, false, r) != WALK_OK || !r->accessed
        || (s == &w->kernel && !r->global))
        return false;
    mmu_note_large(w->env->mmu, vaddr, r->page_size);
    return ram_page_of(w, r->paddr & ~(hwaddr)(TARGET_PAGE_SIZE - 1), page, state);
}

/* Where the host's pages are larger: map the one that vaddr, a page, is in, if the guest's pages in it lie side by side
 * in RAM and have been accessed. */
static uint32_t map_shared(struct windows *w, struct space *s, uint32_t vaddr)
{
    uint32_t n = (uint32_t)(w->host_page / TARGET_PAGE_SIZE), first = 0, rights = ENTRY_READ | ENTRY_WRITE;
    vaddr &= ~(uint32_t)(w->host_page - 1);
    for (uint32_t k = 0; k < n; k++) {
        struct walk_result r;
        struct ram_page *state;
        uint32_t page, at = vaddr + k * TARGET_PAGE_SIZE;
        if (!walk_again(w, s, at, &r, &page, &state))
            return 0;
        if (!k)
            first = page;
        if (page != first + k)
            return 0;
        rights &= entry_of(page, &r, state);
    }
    return space_map_run(w, s, vaddr, first << ENTRY_SHIFT | rights, n) ? rights : 0;
}

/* The current window, if the host address is in it. */
static struct space *space_hit(struct windows *w, uintptr_t host)
{
    struct space *s = w ? space_current(w) : NULL;
    return s && s->center && host - (uintptr_t)s->reserved < RESERVED ? s : NULL;
}

enum window_fault window_fault(CPUX86State *env, uintptr_t host, bool store)
{
    struct windows *w = env->mmu->windows;
    struct space *s = space_hit(w, host);
    if (!s)
        return WINDOW_OTHER;
    w->stats.faults++;
    int64_t offset = (int64_t)host - (int64_t)(uintptr_t)s->center;
    uint32_t vaddr = (uint32_t)offset;
    if (offset != (int32_t)vaddr || env->mmu->any_watch)
        return WINDOW_NEVER;

    struct walk_result r;
    enum mmu_access access = store ? MMU_DATA_STORE : MMU_DATA_LOAD;
    if (page_walk(env, vaddr, access, cpu_mmu_index(env), true, &r) != WALK_OK)
        return WINDOW_GUEST;
    mmu_note_large(env->mmu, vaddr, r.page_size);
    uint32_t page, chunk = vaddr >> CHUNK_BITS;
    struct ram_page *state;
    r.paddr &= ~(hwaddr)(TARGET_PAGE_SIZE - 1);
    if ((s == &w->kernel && !r.global) || !ram_page_of(w, r.paddr, &page, &state)
        || (store && state->code) || !space_chunk_ready(s, chunk))
        return WINDOW_NEVER;
    if (windows_full(w))
        windows_drop(w);
    uint32_t value = entry_of(page, &r, state);
    vaddr &= TARGET_PAGE_MASK;
    uint32_t *e = space_entry(s, vaddr);
    bool same_page = *e && (*e ^ value) >> ENTRY_SHIFT == 0;
    bool whole = r.page_size >= (s == &w->kernel ? 2u << 20 : CHUNK_SIZE) || !(env->cr[0] & CR0_PG);
    bool shared = w->host_page > TARGET_PAGE_SIZE;
    bool first = !s->count[chunk] || (!shared && s->large[chunk] && !*e);
    if (whole && (first || (same_page && s->large[chunk] && !s->dirty[chunk] && r.dirty && r.writable))) {
        map_large(w, s, vaddr, &r);
        if (*e && (!store || (*e & ENTRY_WRITE)))
            return WINDOW_MAPPED;
        if (!shared)
            return WINDOW_NEVER;
    }
    if (shared) {
        uint32_t before = s->count[chunk], rights = map_shared(w, s, vaddr);
        if (!rights)
            return WINDOW_NEVER;
        s->large[chunk] &= whole;
        if (!s->large[chunk])
            w->singles += s->count[chunk] - before;
        return !store || (rights & ENTRY_WRITE) ? WINDOW_MAPPED : WINDOW_NEVER;
    }
    /* The page has become dirty, or lost its code. */
    if (same_page)
        return space_set_rights(s, vaddr, value) ? WINDOW_MAPPED : WINDOW_NEVER;
    if (!space_map_run(w, s, vaddr, value, 1))
        return WINDOW_NEVER;
    w->singles++;
    s->large[chunk] = false; /* what it had as such is walked page by page from now on */
    return WINDOW_MAPPED;
}

bool window_store_faults(CPUX86State *env, uintptr_t host)
{
    const struct space *s = space_hit(env->mmu->windows, host);
    struct walk_result r;
    if (!s)
        return false;
    uint32_t vaddr = (uint32_t)(host - (uintptr_t)s->center);
    return page_walk(env, vaddr, MMU_DATA_STORE, cpu_mmu_index(env), false, &r) != WALK_OK;
}

/* ---- following the guest ---- */

/* Would a walk for this page give the same answer now? */
static bool still_valid(const struct windows *w, const struct space *s, uint32_t vaddr, uint32_t value,
                        struct walk_result *r)
{
    uint32_t page;
    struct ram_page *state;
    return walk_again(w, s, vaddr, r, &page, &state) && page == value >> ENTRY_SHIFT
        && (!(value & ENTRY_WRITE) || (r->writable && r->dirty));
}

/* Are the guest's pages of the host page at vaddr still what they were? */
static bool shared_valid(const struct windows *w, const struct space *s, uint32_t vaddr)
{
    for (uint32_t at = 0; at < w->host_page; at += TARGET_PAGE_SIZE) {
        uint32_t value = *space_entry(s, vaddr + at);
        struct walk_result r;
        if (value && !still_valid(w, s, vaddr + at, value, &r))
            return false;
    }
    return true;
}

/* Of so many bytes in one chunk that has entries; whole pages of the host. */
static void revalidate_pages(struct windows *w, struct space *s, uint32_t vaddr, uint32_t size)
{
    uint32_t n = 0; /* bytes before `at` that go */
    for (uint32_t at = 0; at <= size; at += (uint32_t)w->host_page) {
        if (at < size && !shared_valid(w, s, vaddr + at)) {
            for (uint32_t k = 0; k < w->host_page; k += TARGET_PAGE_SIZE)
                if (*space_entry(s, vaddr + at + k))
                    space_clear_entry(w, s, vaddr + at + k);
            n += (uint32_t)w->host_page;
            continue;
        }
        if (n)
            space_unmap(w, s, vaddr + at - n, n);
        n = 0;
    }
}

static void revalidate_chunk(struct windows *w, struct space *s, uint32_t chunk)
{
    if (!s->count[chunk])
        return;
    w->stats.revalidations++;
    if (!s->large[chunk]) {
        revalidate_pages(w, s, chunk << CHUNK_BITS, CHUNK_SIZE);
        return;
    }
    /* One walk tells for each half: they may be two pages of PAE, or may have been when they were mapped. */
    const uint32_t step = 2u << 20;
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
            space_drop_chunk(w, s, chunk);
            return;
        }
    }
}

static void revalidate(struct windows *w, struct space *s)
{
    for (uint32_t c = 0; c < CHUNKS; c++)
        revalidate_chunk(w, s, c);
}

void window_tlb_flushed(struct windows *w, bool page, uint32_t vaddr, bool global)
{
    if (page) {
        struct space *spaces[2] = { &w->kernel, w->current };
        for (unsigned i = 0; i < 2; i++) {
            struct space *s = spaces[i];
            uint32_t *e = s ? space_entry(s, vaddr) : NULL;
            if (!e || !*e)
                continue;
            if (s->large[vaddr >> CHUNK_BITS])
                revalidate_chunk(w, s, vaddr >> CHUNK_BITS);
            else
                revalidate_pages(w, s, vaddr & ~(uint32_t)(w->host_page - 1), (uint32_t)w->host_page);
        }
        return;
    }
    if (global)
        revalidate(w, &w->kernel);
    space_select(w);
    if (w->current)
        revalidate(w, w->current);
    window_update(w);
}

void window_protect(struct windows *w, hwaddr paddr)
{
    uint32_t page;
    struct ram_page *state;
    if (!w || !ram_page_of(w, paddr & ~(hwaddr)(TARGET_PAGE_SIZE - 1), &page, &state))
        return;
    if (windows_full(w)) {
        windows_drop(w);
        return;
    }
    if (w->kernel.reserved)
        space_protect(w, &w->kernel, page);
    for (unsigned i = 0; i < SPACES; i++)
        if (w->user[i].reserved)
            space_protect(w, &w->user[i], page);
}
