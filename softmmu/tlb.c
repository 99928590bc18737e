/* The flat TLB tables, their flushes, and the caches beside them: translated pages that must
 * stay off the fast path, and code pages.
 *
 * There is no victim TLB: every virtual page has an entry of its own, so nothing is ever
 * thrown out by another page.  What makes a flat table affordable is the log of
 * filled pages, one for each mode, with global pages apart: a flush walks the log, not the table.
 * The caches beside are emptied by generation numbers. */
#include <stdlib.h>
#include <sys/mman.h>

#include "log.h"
#include "mmu-internal.h"
#include "window.h"

#define ALL_MODES ((1u << NB_MMU_MODES) - 1)

static void *zero_map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

struct softmmu *softmmu_new(CPUX86State *env)
{
    struct softmmu *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    env->mmu = s;
    for (unsigned i = 0; i < NB_MMU_MODES; i++) {
        s->table[i] = zero_map(TLB_TABLE_SIZE);
        env->tlb_tables[i] = (uint64_t)(uintptr_t)s->table[i];
        bool ok = s->table[i] != NULL;
        for (unsigned g = 0; g < 2; g++) {
            s->log[i][g].vpn = zero_map(VPN_COUNT * sizeof(uint32_t));
            s->log[i][g].listed = zero_map(VPN_COUNT / 8);
            ok = ok && s->log[i][g].vpn && s->log[i][g].listed;
        }
        if (!ok) {
            softmmu_free(env);
            return NULL;
        }
    }
    s->generation[0] = s->generation[1] = 1;
    for (unsigned i = 0; i < MMU_WATCHES; i++)
        s->watch[i].type = -1;
    return s;
}

void softmmu_free(CPUX86State *env)
{
    struct softmmu *s = env->mmu;
    if (!s)
        return;
    for (unsigned i = 0; i < NB_MMU_MODES; i++) {
        if (s->table[i])
            munmap(s->table[i], TLB_TABLE_SIZE);
        for (unsigned g = 0; g < 2; g++) {
            if (s->log[i][g].vpn)
                munmap(s->log[i][g].vpn, VPN_COUNT * sizeof(uint32_t));
            if (s->log[i][g].listed)
                munmap(s->log[i][g].listed, VPN_COUNT / 8);
        }
    }
    window_free(env);
    free(s);
    env->mmu = NULL;
}

struct tlb_entry *softmmu_table(CPUX86State *env, int mmu_idx)
{
    return (struct tlb_entry *)(void *)env->mmu->table[mmu_idx];
}

const struct softmmu_stats *softmmu_get_stats(CPUX86State *env)
{
    return &env->mmu->stats;
}

/* ---- filling ---- */

static void log_fill(struct softmmu *s, int mmu_idx, uint32_t vpn, bool global)
{
    struct tlb_log *log = &s->log[mmu_idx][global];
    uint64_t bit = 1ull << (vpn & 63);
    if (log->listed[vpn >> 6] & bit)
        return;
    log->listed[vpn >> 6] |= bit;
    log->vpn[log->count++] = vpn;
}

/* Does any mode have a write entry at vpn for this host page? */
static bool is_writer(const struct softmmu *s, uint32_t vpn, const uint8_t *host)
{
    int64_t addend = tlb_addend(host, vpn << TARGET_PAGE_BITS);
    for (int i = 0; i < NB_MMU_MODES; i++) {
        if (tlb_slot(s, i, vpn << TARGET_PAGE_BITS)->write == addend)
            return true;
    }
    return false;
}

static void note_writer(const struct softmmu *s, struct ram_page *ram, const uint8_t *host, uint32_t vpn)
{
    if (ram->writers == WRITERS_NONE || (ram->writers == WRITERS_ONE && ram->writer_vpn == vpn)
        || (ram->writers == WRITERS_ONE && !is_writer(s, ram->writer_vpn, host))) {
        ram->writers = WRITERS_ONE;
        ram->writer_vpn = vpn;
    } else {
        ram->writers = WRITERS_MANY;
    }
}

static void drop_writers_at(struct softmmu *s, uint32_t vpn, const uint8_t *host)
{
    int64_t addend = tlb_addend(host, vpn << TARGET_PAGE_BITS);
    for (int i = 0; i < NB_MMU_MODES; i++) {
        struct tlb_entry *e = tlb_slot(s, i, vpn << TARGET_PAGE_BITS);
        if (e->write == addend)
            e->write = 0;
    }
}

static void drop_writers(struct softmmu *s, struct ram_page *ram, const uint8_t *host)
{
    if (ram->writers == WRITERS_ONE) {
        drop_writers_at(s, ram->writer_vpn, host);
    } else if (ram->writers == WRITERS_MANY) {
        for (int i = 0; i < NB_MMU_MODES; i++) {
            for (int g = 0; g < 2; g++) {
                for (uint32_t k = 0; k < s->log[i][g].count; k++)
                    drop_writers_at(s, s->log[i][g].vpn[k], host);
            }
        }
    }
    ram->writers = WRITERS_NONE;
}

bool mmu_page_watched(const struct softmmu *s, uint32_t vaddr, bool store)
{
    uint32_t page = vaddr & TARGET_PAGE_MASK;
    for (unsigned i = 0; i < MMU_WATCHES; i++) {
        int type = s->watch[i].type;
        if (type != 3 && !(type == 1 && store))
            continue;
        uint32_t first = s->watch[i].linear & TARGET_PAGE_MASK;
        uint32_t last = (s->watch[i].linear + s->watch[i].len - 1) & TARGET_PAGE_MASK;
        if (page == first || page == last)
            return true;
    }
    return false;
}

/* Put what the page allows into the fast table. */
static void install(struct softmmu *s, int mmu_idx, uint32_t vaddr, const struct mmu_page *p)
{
    if (!p->host)
        return;
    struct tlb_entry *e = tlb_slot(s, mmu_idx, vaddr);
    int64_t addend = tlb_addend(p->host, vaddr);
    bool read = !s->any_watch || !mmu_page_watched(s, vaddr, false);
    bool write = p->ram && p->write_ok && !p->ram->code;
    if (write && s->any_watch && mmu_page_watched(s, vaddr, true))
        write = false;
    if (!read && !write)
        return;
    log_fill(s, mmu_idx, p->vpn, p->global);
    if (write && e->write != addend)
        note_writer(s, p->ram, p->host, p->vpn);
    e->read = read ? addend : 0;
    e->write = write ? addend : 0;
}

const struct mmu_page *mmu_lookup(CPUX86State *env, uint32_t vaddr, enum mmu_access access, int mmu_idx,
                                  uintptr_t ra)
{
    struct softmmu *s = env->mmu;
    uint32_t vpn = vaddr >> TARGET_PAGE_BITS;
    struct mmu_page *p = &s->slow[mmu_idx][vpn % SLOW_ENTRIES];
    bool store = access == MMU_DATA_STORE;
    if (p->vpn == vpn && p->generation == s->generation[p->global] && (p->write_ok || !store)) {
        install(s, mmu_idx, vaddr, p);
        return p;
    }

    struct walk_result w;
    int error = page_walk(env, vaddr, access, mmu_idx, true, &w);
    if (error != WALK_OK)
        page_fault(env, vaddr, error, ra);
    s->stats.fills++;
    p->vpn = vpn;
    p->global = w.global;
    p->write_ok = w.writable && w.dirty;
    p->generation = s->generation[w.global];
    p->paddr = w.paddr & ~(hwaddr)(TARGET_PAGE_SIZE - 1);
    p->host = NULL;
    p->ram = NULL;
    const struct phys_range *r = phys_find(env->mem, p->paddr);
    if (r && r->region->kind != REGION_MMIO && r->last - p->paddr >= TARGET_PAGE_SIZE - 1) {
        hwaddr offset = p->paddr - r->region->base;
        p->host = r->region->host + offset;
        if (r->region->kind == REGION_RAM)
            p->ram = &r->region->pages[offset >> TARGET_PAGE_BITS];
    }
    mmu_note_large(s, vaddr, w.page_size);
    install(s, mmu_idx, vaddr, p);
    return p;
}

void tlb_fill(CPUX86State *env, uint32_t vaddr, enum mmu_access access, int mmu_idx, uintptr_t ra)
{
    if (access != MMU_INST_FETCH) {
        mmu_lookup(env, vaddr, access, mmu_idx, ra);
        return;
    }
    struct walk_result w;
    int error = page_walk(env, vaddr, access, mmu_idx, true, &w);
    if (error != WALK_OK)
        page_fault(env, vaddr, error, ra);
}

hwaddr mmu_fetch_page(CPUX86State *env, uint32_t vaddr, const uint8_t **host, bool *global)
{
    struct softmmu *s = env->mmu;
    uint32_t vpn = vaddr >> TARGET_PAGE_BITS;
    bool user = cpu_cpl(env) == 3;
    struct fetch_entry *f = &s->fetch[user][vpn % FETCH_ENTRIES];
    uint32_t offset = vaddr & (TARGET_PAGE_SIZE - 1);

    if (f->vpn != vpn || f->generation != s->generation[f->global]) {
        struct walk_result w;
        int error = page_walk(env, vaddr, MMU_INST_FETCH, user ? MMU_USER_IDX : MMU_KNOSMAP_IDX, true, &w);
        if (error != WALK_OK)
            page_fault(env, vaddr, error, 0);
        s->stats.fetch_fills++;
        f->vpn = vpn;
        f->global = w.global;
        f->generation = s->generation[w.global];
        f->paddr = w.paddr & ~(hwaddr)(TARGET_PAGE_SIZE - 1);
        f->host = phys_mem_ptr(env->mem, f->paddr, TARGET_PAGE_SIZE);
        mmu_note_large(s, vaddr, w.page_size);
    }
    *host = f->host ? f->host + offset : NULL;
    *global = f->global;
    return f->paddr | offset;
}

/* ---- flushing ---- */

static void flush_log(struct softmmu *s, int mmu_idx, int global)
{
    struct tlb_log *log = &s->log[mmu_idx][global];
    for (uint32_t k = 0; k < log->count; k++) {
        uint32_t vpn = log->vpn[k];
        struct tlb_entry *e = tlb_slot(s, mmu_idx, vpn << TARGET_PAGE_BITS);
        e->read = e->write = 0;
        log->listed[vpn >> 6] = 0; /* its neighbours are being flushed, too */
    }
    log->count = 0;
}

static void tell(struct softmmu *s, bool page, uint32_t vaddr, bool global)
{
    if (log_enabled(LOG_MMU)) {
        if (page)
            log_printf("mmu: flush page %08x\n", vaddr);
        else
            log_printf("mmu: flush%s\n", global ? ", global pages too" : "");
    }
    if (s->windows)
        window_tlb_flushed(s->windows, page, vaddr, global);
    if (s->flush_fn)
        s->flush_fn(s->flush_opaque, page, vaddr, global);
}

static void flush_modes(struct softmmu *s, uint32_t idxmap)
{
    for (int i = 0; i < NB_MMU_MODES; i++) {
        if (!(idxmap >> i & 1))
            continue;
        flush_log(s, i, 0);
        flush_log(s, i, 1);
    }
    /* The caches beside the tables are emptied for all modes. */
    s->generation[0]++;
    s->generation[1]++;
    if ((idxmap & ALL_MODES) == ALL_MODES)
        memset(s->large, 0, sizeof(s->large));
}

void tlb_flush(CPUX86State *env)
{
    tlb_flush_by_mmuidx(env, ALL_MODES);
}

void tlb_flush_by_mmuidx(CPUX86State *env, uint32_t idxmap)
{
    struct softmmu *s = env->mmu;
    s->stats.flushes++;
    flush_modes(s, idxmap);
    tell(s, false, 0, true);
}

void tlb_flush_non_global(CPUX86State *env)
{
    struct softmmu *s = env->mmu;
    s->stats.flushes_non_global++;
    for (int i = 0; i < NB_MMU_MODES; i++)
        flush_log(s, i, 0);
    s->generation[0]++;
    tell(s, false, 0, false);
}

static void flush_one(struct softmmu *s, int mmu_idx, uint32_t vaddr)
{
    uint32_t vpn = vaddr >> TARGET_PAGE_BITS;
    struct tlb_entry *e = tlb_slot(s, mmu_idx, vaddr);
    struct mmu_page *p = &s->slow[mmu_idx][vpn % SLOW_ENTRIES];
    /* Most pages were never filled: don't touch memory of the table for them. */
    if (e->read | e->write)
        e->read = e->write = 0;
    if (p->vpn == vpn)
        p->generation = 0;
}

void tlb_flush_page_by_mmuidx(CPUX86State *env, uint32_t vaddr, uint32_t idxmap)
{
    struct softmmu *s = env->mmu;
    uint32_t vpn = vaddr >> TARGET_PAGE_BITS;
    uint32_t large = s->large[vpn >> 9];
    if (s->large[vpn >> 9 ^ 1] == 2)
        large = 2; /* a 4 MiB page that was filled from its other half alone */
    s->stats.flushes_page++;
    if (large) {
        /* INVLPG drops a large page as a whole (SDM 3, 4.10.4.1). */
        uint32_t count = large * 512u;
        uint32_t first = vpn & ~(count - 1);
        for (int i = 0; i < NB_MMU_MODES; i++) {
            for (uint32_t k = 0; k < count && (idxmap >> i & 1); k++)
                flush_one(s, i, (first + k) << TARGET_PAGE_BITS);
        }
        s->generation[0]++;
        s->generation[1]++;
        tell(s, false, 0, true);
        return;
    }
    for (int i = 0; i < NB_MMU_MODES; i++) {
        if (idxmap >> i & 1)
            flush_one(s, i, vaddr);
    }
    for (unsigned u = 0; u < 2; u++) {
        struct fetch_entry *f = &s->fetch[u][vpn % FETCH_ENTRIES];
        if (f->vpn == vpn)
            f->generation = 0;
    }
    tell(s, true, vaddr & TARGET_PAGE_MASK, true);
}

void tlb_flush_page(CPUX86State *env, uint32_t vaddr)
{
    tlb_flush_page_by_mmuidx(env, vaddr, ALL_MODES);
}

void softmmu_set_flush_listener(CPUX86State *env, tlb_flush_fn *fn, void *opaque)
{
    env->mmu->flush_fn = fn;
    env->mmu->flush_opaque = opaque;
}

/* ---- pages with code, watch points ---- */

static struct ram_page *code_page(CPUX86State *env, hwaddr page, uint8_t **host)
{
    const struct phys_range *r = phys_find(env->mem, page);
    if (!r || r->region->kind != REGION_RAM)
        return NULL;
    hwaddr n = (page - r->region->base) >> TARGET_PAGE_BITS;
    *host = r->region->host + (n << TARGET_PAGE_BITS);
    return &r->region->pages[n];
}

void softmmu_set_code(CPUX86State *env, hwaddr page, unsigned listener)
{
    uint8_t *host;
    struct ram_page *ram = code_page(env, page, &host);
    if (!ram)
        return;
    if (!ram->code) {
        drop_writers(env->mmu, ram, host);
        window_protect(env->mmu->windows, page);
        env->mmu->stats.code_pages++;
    }
    ram->code |= (uint8_t)(1u << listener);
}

void softmmu_clear_code(CPUX86State *env, hwaddr page, unsigned listener)
{
    uint8_t *host;
    struct ram_page *ram = code_page(env, page, &host);
    if (ram)
        ram->code &= (uint8_t)~(1u << listener);
}

static void flush_watch_pages(struct softmmu *s, unsigned i)
{
    if (s->watch[i].type < 0)
        return;
    for (int m = 0; m < NB_MMU_MODES; m++) {
        flush_one(s, m, s->watch[i].linear);
        flush_one(s, m, s->watch[i].linear + s->watch[i].len - 1);
    }
}

void softmmu_set_watch(CPUX86State *env, unsigned i, uint32_t linear, unsigned len, int type)
{
    struct softmmu *s = env->mmu;
    if (i >= MMU_WATCHES)
        return;
    flush_watch_pages(s, i);
    s->watch[i].linear = linear;
    s->watch[i].len = len ? len : 1;
    s->watch[i].type = type;
    flush_watch_pages(s, i);
    s->any_watch = false;
    for (unsigned k = 0; k < MMU_WATCHES; k++)
        s->any_watch = s->any_watch || s->watch[k].type == 1 || s->watch[k].type == 3;
    window_update(s->windows);
}
