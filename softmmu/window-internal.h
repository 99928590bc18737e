/* What the files of direct windows share: window.c (filling, and following the guest), window-map.c (host
 * mappings), window-spaces.c (which address space has a window). */
#ifndef STITCH86_WINDOW_INTERNAL_H
#define STITCH86_WINDOW_INTERNAL_H

#include <stddef.h>

#include "window.h"

#define CHUNK_BITS 22
#define CHUNK_SIZE ((uint32_t)1 << CHUNK_BITS)
#define CHUNKS (1u << (32 - CHUNK_BITS))
#define CHUNK_PAGES (CHUNK_SIZE / TARGET_PAGE_SIZE)
#define GUARD ((size_t)1 << 20) /* displacements reach 32 KiB over the border */
#define SPAN ((size_t)1 << 32)
#define RESERVED (SPAN + 2 * GUARD)
#define SPACES 6u /* windows for CPL 3 */
/* Single pages and cuts in large ones, in all windows: each may be two mappings, of which Linux lets a process have 65530. */
#define PIECES_MAX 24000u

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
    unsigned splits;  /* cuts in what was mapped as large pages, since all windows were empty */
    struct heat heat[64];
    struct window_stats stats;
};

static inline uint8_t *space_host(const struct space *s, uint32_t vaddr)
{
    return s->center + (int32_t)vaddr;
}

/* The entry of a page, NULL: nothing was ever mapped near it. */
static inline uint32_t *space_entry(const struct space *s, uint32_t vaddr)
{
    uint32_t *e = s->entry[vaddr >> CHUNK_BITS];
    return e ? &e[vaddr / TARGET_PAGE_SIZE % CHUNK_PAGES] : NULL;
}

/* ---- window-map.c: vaddr is a page's, rights are ENTRY_READ and ENTRY_WRITE ---- */
/* Host addresses for a window in which nothing is mapped; false: there are none. */
bool space_reserve(struct windows *w, struct space *s);
/* Give back what space_reserve() got, if it did. */
void space_release(struct windows *w, struct space *s);
/* Make the table of entries of a chunk; false: no memory. */
bool space_chunk_ready(struct space *s, uint32_t chunk);
/* Map n pages from vaddr on, which are contiguous in the file; the first and last host pages that they fill
 * only partly are left out.  false: nothing was mapped. */
bool space_map_run(struct windows *w, struct space *s, uint32_t vaddr, uint32_t value, uint32_t n);
/* Give a mapped page the rights of `value`, an entry of the same page; false: the host cannot. */
bool space_set_rights(struct space *s, uint32_t vaddr, uint32_t value);
/* No more stores to a page of the RAM file, wherever it is mapped. */
void space_protect(struct windows *w, struct space *s, uint32_t page);
/* Forget a page; space_unmap() takes it, and others of its like, from the host. */
void space_clear_entry(struct windows *w, struct space *s, uint32_t vaddr);
void space_unmap(struct windows *w, struct space *s, uint32_t vaddr, size_t size);
void space_drop_chunk(struct windows *w, struct space *s, uint32_t chunk);
void space_drop(struct windows *w, struct space *s);
/* Have they nearly as many mappings as the host gives?  Then windows_drop(): all are empty afterwards. */
bool windows_full(const struct windows *w);
void windows_drop(struct windows *w);

/* ---- window-spaces.c ---- */
/* The window that the CPU's privilege level takes, NULL: none. */
struct space *space_current(struct windows *w);
/* CR3 was loaded: the window of the new address space, if it has one. */
void space_select(struct windows *w);

#endif
