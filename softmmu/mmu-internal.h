/* What the files of softmmu/ share: physical regions, the state of RAM pages, the TLB's
 * book-keeping. */
#ifndef STITCH86_MMU_INTERNAL_H
#define STITCH86_MMU_INTERNAL_H

#include <string.h>

#include "softmmu.h"

#define CODE_LISTENERS_MAX 4
#define MMU_WATCHES 4
#define VPN_COUNT (1u << 20)
#define SLOW_ENTRIES 256u
#define FETCH_ENTRIES 1024u

/* Which virtual pages have a TLB write entry for a RAM page; lets a page become a
 * code page without a search through the TLB. */
enum { WRITERS_NONE, WRITERS_ONE, WRITERS_MANY };

struct ram_page {
    uint32_t writer_vpn; /* WRITERS_ONE: the page that has it, in any mode */
    uint8_t writers;
    uint8_t code;        /* a bit for each listener; not 0: no write entry may exist */
};

enum region_kind { REGION_RAM, REGION_ROM, REGION_MMIO };

struct phys_region {
    hwaddr base, size;
    enum region_kind kind;
    uint8_t *host;
    struct ram_page *pages; /* RAM and ROM */
    hwaddr file_offset;     /* RAM: where it begins in phys_mem.ram_fd */
    const struct mmio_ops *ops;
    void *opaque;
    const char *name;
    struct phys_region *next;
};

/* A stretch of the address space as it is seen, overlaps resolved. */
struct phys_range {
    hwaddr base, last;
    struct phys_region *region;
};

struct phys_mem {
    struct phys_region *regions;
    struct phys_region **regions_tail;
    struct phys_range *ranges; /* sorted */
    unsigned range_count, range_hit;
    struct {
        code_write_fn *fn;
        void *opaque;
    } listeners[CODE_LISTENERS_MAX];
    unsigned listener_count;
    hwaddr unassigned_logged[32];
    unsigned unassigned_count;
    int ram_fd; /* the file that all RAM lies in, 0 or less: none */
    hwaddr ram_file_size;
};

/* The range holding paddr, NULL where nothing is. */
const struct phys_range *phys_find(struct phys_mem *m, hwaddr paddr);
/* Tell the listeners of a page with code; `page` is its state. */
void phys_code_written(struct phys_mem *m, const struct ram_page *page, hwaddr paddr, uint32_t len,
                       uintptr_t ra);

/* One translated page, as the slow path wants it.  Kept in a small cache, so that pages
 * that must stay off the fast path are not walked for each access. */
struct mmu_page {
    uint32_t vpn;
    bool write_ok;         /* writable in this mode, and the dirty bit is set */
    bool global;
    uint64_t generation;   /* valid while equal to softmmu.generation[global] */
    hwaddr paddr;          /* of the page's first byte, A20 applied */
    uint8_t *host;         /* RAM or ROM covering the whole page, else NULL */
    struct ram_page *ram;  /* RAM only */
};

struct fetch_entry {
    uint32_t vpn;
    bool global;
    uint64_t generation;
    hwaddr paddr;
    const uint8_t *host;
};

/* Pages that may have TLB entries, so that a flush costs what was filled. */
struct tlb_log {
    uint32_t *vpn;
    uint32_t count;
    uint64_t *listed; /* bitmap: already in vpn[] */
};

struct softmmu {
    uint8_t *table[NB_MMU_MODES];
    struct tlb_log log[NB_MMU_MODES][2]; /* [1]: global pages */
    uint64_t generation[2];              /* [1]: for global pages; bumped by flushes */
    struct mmu_page slow[NB_MMU_MODES][SLOW_ENTRIES];
    struct fetch_entry fetch[2][FETCH_ENTRIES]; /* [1]: CPL 3 */
    uint8_t large[VPN_COUNT >> 9];       /* for each 2 MiB: filled from a page of 1 or 2 times 2 MiB */
    struct {
        uint32_t linear, len;
        int type; /* -1: none */
    } watch[MMU_WATCHES];
    bool any_watch;
    struct windows *windows; /* NULL: none */
    tlb_flush_fn *flush_fn;
    void *flush_opaque;
    struct softmmu_stats stats;
};

/* Something that was walked is a large page, and INVLPG anywhere in it is to drop it.  A flush of all forgets that:
 * who keeps what has been walked tells again. */
static inline void mmu_note_large(struct softmmu *s, uint32_t vaddr, uint32_t page_size)
{
    if (page_size > TARGET_PAGE_SIZE)
        s->large[vaddr >> 21] = page_size > 2u << 20 ? 2 : 1;
}

static inline struct tlb_entry *tlb_slot(const struct softmmu *s, int mmu_idx, uint32_t vaddr)
{
    uint64_t offset = (uint64_t)(vaddr >> TARGET_PAGE_BITS) << TLB_PAGE_SHIFT;
    return (struct tlb_entry *)(void *)(s->table[mmu_idx] + offset);
}

static inline int64_t tlb_addend(const uint8_t *host_page, uint32_t vaddr)
{
    return (int64_t)(uintptr_t)host_page - (int64_t)(int32_t)(vaddr & TARGET_PAGE_MASK);
}

/* ---- page-walk.c ---- */
struct walk_result {
    hwaddr paddr;       /* of the byte, A20 applied */
    uint32_t page_size;
    bool global;
    bool writable;      /* by the mode that asked */
    bool dirty;         /* the dirty bit is set now (or there is no paging) */
    bool accessed;      /* the accessed bits are */
};

#define WALK_OK (-1)
/* Walk for an access in an mmu mode: WALK_OK, or the error code of the page fault.
 * `commit`: set accessed and dirty bits. */
int page_walk(CPUX86State *env, uint32_t vaddr, enum mmu_access access, int mmu_idx, bool commit,
              struct walk_result *out);
_Noreturn void page_fault(CPUX86State *env, uint32_t vaddr, int error, uintptr_t ra);

/* ---- tlb.c ---- */
/* Translate for a data access (raising #PF), and fill the fast table if the page may be there. */
const struct mmu_page *mmu_lookup(CPUX86State *env, uint32_t vaddr, enum mmu_access access, int mmu_idx,
                                  uintptr_t ra);
/* Does a watch point of a kind that `store` or a load can hit lie on the page? */
bool mmu_page_watched(const struct softmmu *s, uint32_t vaddr, bool store);

#endif
