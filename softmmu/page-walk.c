/* Linear to physical (SDM 3, chapter 4): no paging, 32-bit paging with 4 KiB and 4 MiB
 * pages (PSE, PSE-36), PAE paging with 4 KiB and 2 MiB pages and NX.
 *
 * Accessed and dirty bits are set only when the access is allowed, so a fault leaves the
 * tables alone.  The manual lets a processor set accessed bits earlier, it never demands it. */
#include "cpuid.h"
#include "exception.h"
#include "log.h"
#include "mmu-internal.h"

#define PG_P 0x001u
#define PG_W 0x002u
#define PG_U 0x004u
#define PG_A 0x020u
#define PG_D 0x040u
#define PG_PS 0x080u
#define PG_G 0x100u
#define PG_NX (1ull << 63)

#define PF_P 0x01
#define PF_W 0x02
#define PF_U 0x04
#define PF_RSVD 0x08
#define PF_ID 0x10

/* MAXPHYADDR is 36: what P6-class processors have. */
#define PHYS_BITS 36
#define PHYS_MASK ((1ull << PHYS_BITS) - 1)
#define PAE_ADDR_MASK (PHYS_MASK & ~0xfffull)
#define PAE_RSVD (~PHYS_MASK & ~PG_NX)
/* Bits 12-20 of a PAE PDE for a 2 MiB page but for PAT (bit 12). */
#define PAE_LARGE_RSVD 0x1fe000ull
/* PSE-36: bits 13-16 are address bits 32-35, bits 17-21 are reserved; without it all of them are. */
#define PSE36_RSVD 0x3e0000u
#define PSE_RSVD 0x3fe000u

static uint64_t pte_read(CPUX86State *env, hwaddr paddr, unsigned size)
{
    const struct phys_range *r = phys_find(env->mem, paddr);
    uint64_t v = 0;
    if (r && r->region->kind == REGION_RAM && paddr + size - 1 <= r->last) {
        uint32_t v32;
        const uint8_t *p = r->region->host + (paddr - r->region->base);
        if (size == 8) {
            memcpy(&v, __builtin_assume_aligned(p, 8), 8);
            return v;
        }
        memcpy(&v32, __builtin_assume_aligned(p, 4), 4);
        return v32;
    }
    phys_mem_read(env->mem, paddr, &v, size);
    return v;
}

/* Set accessed and dirty bits.  They lie in the low byte of an entry of either size; the
 * rest of the entry may be changed by another processor meanwhile. */
static void pte_set(CPUX86State *env, hwaddr paddr, uint32_t bits)
{
    const struct phys_range *r = phys_find(env->mem, paddr);
    if (!r || r->region->kind != REGION_RAM)
        return;
    hwaddr offset = paddr - r->region->base;
    struct ram_page *page = &r->region->pages[offset >> TARGET_PAGE_BITS];
    if (page->code)
        phys_code_written(env->mem, page, paddr, 1, 0);
    __atomic_fetch_or((uint32_t *)(void *)(r->region->host + offset), bits, __ATOMIC_SEQ_CST);
}

int page_walk(CPUX86State *env, uint32_t vaddr, enum mmu_access access, int mmu_idx, bool commit,
              struct walk_result *out)
{
    hwaddr a20 = env->a20_mask | ~(hwaddr)UINT32_MAX;
    if (!(env->cr[0] & CR0_PG)) {
        *out = (struct walk_result){ vaddr & a20, TARGET_PAGE_SIZE, true, true, true, true };
        return WALK_OK;
    }

    bool pae = env->cr[4] & CR4_PAE;
    bool nxe = pae && (env->efer & 0x800);
    bool store = access == MMU_DATA_STORE, user_mode = mmu_idx == MMU_USER_IDX;
    int error = (store ? PF_W : 0) | (user_mode ? PF_U : 0);
    if (access == MMU_INST_FETCH && (nxe || (env->cr[4] & CR4_SMEP)))
        error |= PF_ID;

    hwaddr pde_addr, leaf_addr, paddr;
    uint64_t pde, leaf, rights, nx;
    bool large;
    if (pae) {
        uint64_t pdpte = env->pdptr[vaddr >> 30];
        uint64_t rsvd = PAE_RSVD | (nxe ? 0 : PG_NX);
        if (!(pdpte & PG_P))
            return error;
        pde_addr = ((pdpte & PAE_ADDR_MASK) + (vaddr >> 21 & 0x1ff) * 8) & a20;
        pde = pte_read(env, pde_addr, 8);
        if (!(pde & PG_P))
            return error;
        large = pde & PG_PS;
        if (pde & (rsvd | (large ? PAE_LARGE_RSVD : 0)))
            return error | PF_P | PF_RSVD;
        if (large) {
            leaf_addr = pde_addr;
            leaf = pde;
            paddr = (pde & PAE_ADDR_MASK & ~0x1fffffull) | (vaddr & 0x1fffff);
        } else {
            leaf_addr = ((pde & PAE_ADDR_MASK) + (vaddr >> 12 & 0x1ff) * 8) & a20;
            leaf = pte_read(env, leaf_addr, 8);
            if (!(leaf & PG_P))
                return error;
            if (leaf & rsvd)
                return error | PF_P | PF_RSVD;
            paddr = (leaf & PAE_ADDR_MASK) | (vaddr & 0xfff);
        }
        nx = (pde | leaf) & PG_NX;
    } else {
        pde_addr = ((env->cr[3] & ~0xfffu) + (vaddr >> 22) * 4) & a20;
        pde = pte_read(env, pde_addr, 4);
        if (!(pde & PG_P))
            return error;
        large = (pde & PG_PS) && (env->cr[4] & CR4_PSE);
        if (large) {
            if (pde & (cpu_has_cpuid_bit(env, CPUID_PSE36) ? PSE36_RSVD : PSE_RSVD))
                return error | PF_P | PF_RSVD;
            leaf_addr = pde_addr;
            leaf = pde;
            paddr = (pde & 0xffc00000u) | (pde >> 13 & 0xf) << 32 | (vaddr & 0x3fffff);
        } else {
            leaf_addr = ((pde & ~0xfffull) + (vaddr >> 12 & 0x3ff) * 4) & a20;
            leaf = pte_read(env, leaf_addr, 4);
            if (!(leaf & PG_P))
                return error;
            paddr = (leaf & ~0xfffull) | (vaddr & 0xfff);
        }
        nx = 0;
    }

    /* Rights are the weakest of both levels (SDM 3, 4.6); PDPTEs have none. */
    rights = pde & leaf;
    bool user_page = rights & PG_U;
    bool writable = rights & PG_W;
    error |= PF_P;
    if (user_mode) {
        if (!user_page)
            return error;
    } else {
        if (!(env->cr[0] & CR0_WP))
            writable = true;
        if (user_page && access == MMU_INST_FETCH && (env->cr[4] & CR4_SMEP))
            return error;
        if (user_page && access != MMU_INST_FETCH && mmu_idx == MMU_KSMAP_IDX && (env->cr[4] & CR4_SMAP))
            return error;
    }
    if ((store && !writable) || (access == MMU_INST_FETCH && nx))
        return error;

    if (commit) {
        if (!large && !(pde & PG_A))
            pte_set(env, pde_addr, PG_A);
        uint32_t want = PG_A | (store ? PG_D : 0);
        if ((leaf & want) != want) {
            pte_set(env, leaf_addr, want);
            leaf |= want;
        }
    }
    out->paddr = paddr & a20;
    out->page_size = !large ? TARGET_PAGE_SIZE : pae ? 2u << 20 : 4u << 20;
    out->global = (leaf & PG_G) && (env->cr[4] & CR4_PGE);
    out->writable = writable;
    out->dirty = leaf & PG_D;
    out->accessed = commit || ((leaf & PG_A) && (large || (pde & PG_A)));
    return WALK_OK;
}

void page_fault(CPUX86State *env, uint32_t vaddr, int error, uintptr_t ra)
{
    env->mmu->stats.page_faults++;
    env->cr[2] = vaddr;
    if (log_enabled(LOG_MMU))
        log_printf("mmu: page fault at %08x, error %x\n", vaddr, (unsigned)error);
    raise_exception_err(env, EXCP_PF, (uint32_t)error, ra);
}

bool mmu_translate_debug(CPUX86State *env, uint32_t vaddr, hwaddr *paddr)
{
    struct walk_result w;
    if (page_walk(env, vaddr, MMU_DATA_LOAD, MMU_KNOSMAP_IDX, false, &w) != WALK_OK)
        return false;
    *paddr = w.paddr;
    return true;
}
