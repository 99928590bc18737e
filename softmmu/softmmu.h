/* The soft MMU: per-mode TLBs, page walk, guest physical memory, loads and stores off the
 * fast path, dirty tracking of pages that hold code.
 *
 * The TLB of a mode is one flat table over the 2^20 virtual pages: no tag to
 * compare and no conflict misses.  A page has 64 bytes: slot k (16 bytes) is for addresses whose low
 * two bits are k, and only slot 0 is ever filled, so that one sign test of the entry
 * sends misaligned 32-bit accesses, misses, MMIO, pages with code and watch points off
 * the fast path.  An entry is an addend: host address = (int64_t)(int32_t)vaddr + entry;
 * a valid one is positive, 0 is invalid. */
#ifndef STITCH86_SOFTMMU_H
#define STITCH86_SOFTMMU_H

#include "cpu.h"

#define TARGET_PAGE_BITS 12
#define TARGET_PAGE_SIZE (1u << TARGET_PAGE_BITS)
#define TARGET_PAGE_MASK (~(TARGET_PAGE_SIZE - 1))

struct tlb_entry {
    int64_t read;
    int64_t write;
};
#define TLB_PAGE_SHIFT 6 /* bytes of table for one virtual page: 1 << 6 */
#define TLB_TABLE_SIZE ((uint64_t)1 << (20 + TLB_PAGE_SHIFT))

/* ---- physical memory map (phys-mem.c) ---- */
typedef uint64_t hwaddr;

struct mmio_ops {
    uint32_t (*read)(void *opaque, hwaddr offset, unsigned size);
    void (*write)(void *opaque, hwaddr offset, uint32_t value, unsigned size);
};

struct phys_mem *phys_mem_new(void);
void phys_mem_free(struct phys_mem *m);
/* RAM at [base, base+size), page aligned; returns host memory (zeroed), NULL if it cannot be had. */
uint8_t *phys_mem_add_ram(struct phys_mem *m, hwaddr base, hwaddr size, const char *name);
/* ROM: writes are dropped; the contents come through the returned pointer. */
uint8_t *phys_mem_add_rom(struct phys_mem *m, hwaddr base, hwaddr size, const char *name);
/* size need not be a page multiple; later regions win over earlier ones. */
void phys_mem_add_mmio(struct phys_mem *m, hwaddr base, hwaddr size, const struct mmio_ops *ops,
                       void *opaque, const char *name);
/* Host pointer to RAM or ROM at paddr if `len` bytes lie in one region, else NULL. */
uint8_t *phys_mem_ptr(struct phys_mem *m, hwaddr paddr, hwaddr len);
/* Accesses by physical address, for devices, loaders and page walks: RAM, ROM, MMIO,
 * unassigned (reads all ones).  Any length; writes tell the code listeners. */
void phys_mem_read(struct phys_mem *m, hwaddr paddr, void *buf, hwaddr len);
void phys_mem_write(struct phys_mem *m, hwaddr paddr, const void *buf, hwaddr len);
/* RAM size for CMOS and e820: sum of RAM, and the i-th RAM region. */
bool phys_mem_ram_region(struct phys_mem *m, unsigned i, hwaddr *base, hwaddr *size, uint8_t **host);

/* ---- pages that hold code ---- */
/* A listener hears of each write (after it was checked, before the bytes change) to a page
 * marked with phys_mem_set_code(); it may unmark the page.  retaddr: host return address
 * of the translated store, or 0. */
typedef void code_write_fn(void *opaque, hwaddr paddr, uint32_t len, uintptr_t retaddr);
/* Returns the listener's id for softmmu_set_code(). */
unsigned phys_mem_add_code_listener(struct phys_mem *m, code_write_fn *fn, void *opaque);
/* From now on writes to the page go off the fast path (all TLB write entries of it are
 * dropped), until softmmu_clear_code().  `page`: any physical address in it.  Each listener
 * marks a page at most once (id is what phys_mem_add_code_listener's order gives: 0, 1, ...). */
void softmmu_set_code(CPUX86State *env, hwaddr page, unsigned listener);
void softmmu_clear_code(CPUX86State *env, hwaddr page, unsigned listener);

/* ---- TLB (tlb.c) ---- */
struct softmmu *softmmu_new(CPUX86State *env); /* sets env->mmu */
void softmmu_free(CPUX86State *env);
struct tlb_entry *softmmu_table(CPUX86State *env, int mmu_idx); /* base of the flat table */
void tlb_flush(CPUX86State *env);            /* everything, global pages too */
void tlb_flush_non_global(CPUX86State *env); /* CR3 load with CR4.PGE */
void tlb_flush_page(CPUX86State *env, uint32_t vaddr); /* INVLPG: global too */
void tlb_flush_by_mmuidx(CPUX86State *env, uint32_t idxmap);
void tlb_flush_page_by_mmuidx(CPUX86State *env, uint32_t vaddr, uint32_t idxmap);
/* Called by every flush before it returns, so that the translator's jump cache forgets too:
 * vaddr page, or whole (page == false); global: global pages are included. */
typedef void tlb_flush_fn(void *opaque, bool page, uint32_t vaddr, bool global);
void softmmu_set_flush_listener(CPUX86State *env, tlb_flush_fn *fn, void *opaque);

enum mmu_access { MMU_DATA_LOAD, MMU_DATA_STORE, MMU_INST_FETCH };

/* Fill the TLB for an access, or raise #PF (through exception.h, with ra).  Sets accessed
 * and dirty bits.  Returns nothing: MMIO pages stay off the fast path. */
void tlb_fill(CPUX86State *env, uint32_t vaddr, enum mmu_access access, int mmu_idx, uintptr_t ra);
/* Translate without side effects on guest state: false if it would fault (debugger, logs). */
bool mmu_translate_debug(CPUX86State *env, uint32_t vaddr, hwaddr *paddr);
/* Physical address of code at linear vaddr for CPL of env; raises #PF (I/D bit set with NX).
 * *host: host pointer of that byte, NULL if not RAM or ROM; *global: whether its mapping survives a CR3 load.
 * Cached in a code TLB of its own. */
hwaddr mmu_fetch_page(CPUX86State *env, uint32_t vaddr, const uint8_t **host, bool *global);
/* What a fetch from the page at vaddr, by CPL 3 or not, would get, without any effect: false if it would fault or
 * would set an accessed bit.  *page: its physical address.  *large is to be zero at the first of several calls: a
 * large page that was found is not walked again for the next address in it. */
struct mmu_large {
    uint32_t size, vaddr;
    hwaddr paddr;
    bool user, global;
};
bool mmu_code_mapping(CPUX86State *env, uint32_t vaddr, bool user, struct mmu_large *large, hwaddr *page,
                      bool *global);

/* Loads and stores at linear addresses, any alignment, page-crossing ones checked on both pages
 * before anything is written.  These try the TLB first, so the interpreter calls them too. */
uint32_t mmu_ldub(CPUX86State *env, uint32_t vaddr, int mmu_idx, uintptr_t ra);
uint32_t mmu_lduw(CPUX86State *env, uint32_t vaddr, int mmu_idx, uintptr_t ra);
uint32_t mmu_ldl(CPUX86State *env, uint32_t vaddr, int mmu_idx, uintptr_t ra);
uint64_t mmu_ldq(CPUX86State *env, uint32_t vaddr, int mmu_idx, uintptr_t ra);
void mmu_stb(CPUX86State *env, uint32_t vaddr, uint32_t v, int mmu_idx, uintptr_t ra);
void mmu_stw(CPUX86State *env, uint32_t vaddr, uint32_t v, int mmu_idx, uintptr_t ra);
void mmu_stl(CPUX86State *env, uint32_t vaddr, uint32_t v, int mmu_idx, uintptr_t ra);
void mmu_stq(CPUX86State *env, uint32_t vaddr, uint64_t v, int mmu_idx, uintptr_t ra);
/* Areas (FSAVE, FXSAVE, TSS, descriptor reads): all of [vaddr, vaddr+len) is checked first. */
void mmu_read(CPUX86State *env, uint32_t vaddr, void *buf, uint32_t len, int mmu_idx, uintptr_t ra);
void mmu_write(CPUX86State *env, uint32_t vaddr, const void *buf, uint32_t len, int mmu_idx, uintptr_t ra);
/* Check that [vaddr, vaddr+len) may be accessed, and raise #PF otherwise: what makes an
 * instruction with several stores restartable. */
void mmu_probe(CPUX86State *env, uint32_t vaddr, uint32_t len, enum mmu_access access, int mmu_idx,
               uintptr_t ra);
/* Host pointer for up to `*len` bytes at vaddr within its page if the fast path may be used
 * (RAM; for stores: no code on the page), else NULL; raises #PF.  *len is cut to the page's end.
 * For REP strings. */
uint8_t *mmu_host_ptr(CPUX86State *env, uint32_t vaddr, uint32_t *len, enum mmu_access access, int mmu_idx,
                      uintptr_t ra);

/* Data break points (DR0-DR3): accesses to the pages of [linear, linear+len) are kept off the fast
 * path, and tell cpu_check_data_bp() (segment.h).  i: 0-3; type as DR7's RW field, 1 or 3; -1: none. */
void softmmu_set_watch(CPUX86State *env, unsigned i, uint32_t linear, unsigned len, int type);

struct softmmu_stats { /* since start */
    uint64_t fills;              /* page walks for data */
    uint64_t fetch_fills;        /* page walks for code */
    uint64_t slow_loads, slow_stores;
    uint64_t code_pages;         /* pages that became code pages */
    uint64_t code_writes;        /* stores to them */
    uint64_t flushes, flushes_non_global, flushes_page;
    uint64_t page_faults;
};
const struct softmmu_stats *softmmu_get_stats(CPUX86State *env);

/* The mmu_idx for implicit supervisor accesses (GDT, IDT, TSS; SDM 3, 4.6). */
static inline int mmu_kernel_idx(void)
{
    return MMU_KNOSMAP_IDX;
}

#endif
