/* What the host addresses of a window hold: mappings of the RAM file, and an entry for each page. */
#include "window-internal.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "mmu-internal.h"

/* Nothing is here, and an access faults. */
enum { EMPTY = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE };

bool space_reserve(struct windows *w, struct space *s)
{
    uint8_t *p = mmap(NULL, RESERVED, PROT_NONE, EMPTY, -1, 0);
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

void space_release(struct windows *w, struct space *s)
{
    if (!s->reserved)
        return;
    munmap(s->reserved, RESERVED);
    munmap(s->reverse, w->ram_pages * sizeof *s->reverse);
    for (uint32_t c = 0; c < CHUNKS; c++)
        free(s->entry[c]);
}

/* ---- entries ---- */

bool space_chunk_ready(struct space *s, uint32_t chunk)
{
    if (!s->entry[chunk])
        s->entry[chunk] = calloc(CHUNK_PAGES, sizeof *s->entry[chunk]);
    return s->entry[chunk] != NULL;
}

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

void space_clear_entry(struct windows *w, struct space *s, uint32_t vaddr)
{
    uint32_t *e = space_entry(s, vaddr);
    reverse_drop(s, *e >> ENTRY_SHIFT, vaddr / TARGET_PAGE_SIZE);
    *e = 0;
    s->count[vaddr >> CHUNK_BITS]--;
    if (!s->large[vaddr >> CHUNK_BITS] && w->singles)
        w->singles--;
    w->stats.unmaps++;
}

static void entry_set(struct space *s, uint32_t vaddr, uint32_t value)
{
    uint32_t *e = space_entry(s, vaddr);
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
            space_clear_entry(w, s, (chunk << CHUNK_BITS) + k * TARGET_PAGE_SIZE);
    s->large[chunk] = false;
}

/* ---- host mappings ---- */

/* Empty, with as few host mappings as there can be.  Where the kernel has no mapping left to give it refuses another
 * one, even over those that are there: then the place is given up for a moment. */
void space_drop(struct windows *w, struct space *s)
{
    for (uint32_t c = 0; c < CHUNKS; c++)
        clear_chunk(w, s, c);
    void *p = mmap(s->reserved, RESERVED, PROT_NONE, EMPTY | MAP_FIXED, -1, 0);
    if (p == MAP_FAILED) {
        munmap(s->reserved, RESERVED);
        p = mmap(s->reserved, RESERVED, PROT_NONE, EMPTY | MAP_FIXED_NOREPLACE, -1, 0);
    }
    if (p != s->reserved)
        abort(); /* translated code has its address */
}

void space_unmap(struct windows *w, struct space *s, uint32_t vaddr, size_t size)
{
    void *p = mmap(space_host(s, vaddr), size, PROT_NONE, EMPTY | MAP_FIXED, -1, 0);
    if (p == MAP_FAILED)
        space_drop(w, s); /* too many mappings */
}

void space_drop_chunk(struct windows *w, struct space *s, uint32_t chunk)
{
    if (!s->count[chunk])
        return;
    clear_chunk(w, s, chunk);
    space_unmap(w, s, chunk << CHUNK_BITS, CHUNK_SIZE);
}

bool windows_full(const struct windows *w)
{
    return w->singles + w->splits >= PIECES_MAX;
}

void windows_drop(struct windows *w)
{
    if (w->kernel.reserved)
        space_drop(w, &w->kernel);
    for (unsigned i = 0; i < SPACES; i++)
        if (w->user[i].reserved)
            space_drop(w, &w->user[i]);
    w->singles = w->splits = 0;
}

static int host_prot(uint32_t rights)
{
    return PROT_READ | (rights & ENTRY_WRITE ? PROT_WRITE : 0);
}

bool space_map_run(struct windows *w, struct space *s, uint32_t vaddr, uint32_t value, uint32_t n)
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
    void *p = mmap(space_host(s, vaddr), (size_t)n * TARGET_PAGE_SIZE, host_prot(value),
                   MAP_SHARED | MAP_FIXED | MAP_NORESERVE, w->env->mem->ram_fd,
                   (off_t)(value >> ENTRY_SHIFT) * TARGET_PAGE_SIZE);
    if (p == MAP_FAILED)
        return false;
    for (uint32_t k = 0; k < n; k++)
        entry_set(s, vaddr + k * TARGET_PAGE_SIZE, value + (k << ENTRY_SHIFT));
    w->stats.maps++;
    return true;
}

bool space_set_rights(struct space *s, uint32_t vaddr, uint32_t value)
{
    uint32_t *e = space_entry(s, vaddr);
    if (*e == value || mprotect(space_host(s, vaddr), TARGET_PAGE_SIZE, host_prot(value)) < 0)
        return false;
    *e = value;
    return true;
}

static void protect_at(struct windows *w, struct space *s, uint32_t vaddr, uint32_t page)
{
    uint32_t *e = space_entry(s, vaddr);
    if (!e || *e >> ENTRY_SHIFT != page || !(*e & ENTRY_WRITE))
        return;
    *e &= ~(uint32_t)ENTRY_WRITE;
    if (s->large[vaddr >> CHUNK_BITS])
        w->splits++;
    if (mprotect(space_host(s, vaddr & ~(uint32_t)(w->host_page - 1)), w->host_page, PROT_READ) < 0)
        space_drop(w, s); /* too many mappings */
}

void space_protect(struct windows *w, struct space *s, uint32_t page)
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
