/* Loads and stores at linear addresses: the TLB first, then what it cannot do: pages not there
 * yet, crossings, MMIO, ROM, pages with code, watch points. */
#include "mmu-internal.h"
#include "segment.h"

/* The host compiler has no cheaper way to be told of a misaligned word: memcpy() becomes
 * bytes on MIPS. */
struct __attribute__((packed, may_alias)) host_u16 { uint16_t v; };
struct __attribute__((packed, may_alias)) host_u32 { uint32_t v; };
struct __attribute__((packed, may_alias)) host_u64 { uint64_t v; };
struct __attribute__((packed, may_alias)) host_u8 { uint8_t v; };

static inline int64_t fast_addend(CPUX86State *env, uint32_t vaddr, int mmu_idx, bool store)
{
    const struct tlb_entry *e = tlb_slot(env->mmu, mmu_idx, vaddr);
    return store ? e->write : e->read;
}

static inline bool in_page(uint32_t vaddr, unsigned size)
{
    return size == 1 || (vaddr & (TARGET_PAGE_SIZE - 1)) <= TARGET_PAGE_SIZE - size;
}

static inline uint8_t *host_address(uint32_t vaddr, int64_t addend)
{
    return (uint8_t *)(uintptr_t)((int64_t)(int32_t)vaddr + addend);
}

/* Host address if the whole access lies in a page of the fast table, else NULL. */
static inline uint8_t *fast_ptr(CPUX86State *env, uint32_t vaddr, unsigned size, int mmu_idx,
                               bool store)
{
    int64_t addend = fast_addend(env, vaddr, mmu_idx, store);
    return addend > 0 && in_page(vaddr, size) ? host_address(vaddr, addend) : NULL;
}

static void page_read(CPUX86State *env, const struct mmu_page *p, uint32_t vaddr, void *buf,
                      uint32_t len)
{
    uint32_t offset = vaddr & (TARGET_PAGE_SIZE - 1);
    if (p->host)
        memcpy(buf, p->host + offset, len);
    else
        phys_mem_read(env->mem, p->paddr | offset, buf, len);
}

static void page_notify(CPUX86State *env, const struct mmu_page *p, uint32_t vaddr, uint32_t len,
                        uintptr_t ra)
{
    if (p->ram && p->ram->code) {
        env->mmu->stats.code_writes++;
        phys_code_written(env->mem, p->ram, p->paddr | (vaddr & (TARGET_PAGE_SIZE - 1)), len, ra);
    }
}

static void page_write(CPUX86State *env, const struct mmu_page *p, uint32_t vaddr, const void *buf,
                       uint32_t len)
{
    uint32_t offset = vaddr & (TARGET_PAGE_SIZE - 1);
    if (p->ram)
        memcpy(p->host + offset, buf, len);
    else if (!p->host) /* ROM drops it */
        phys_mem_write(env->mem, p->paddr | offset, buf, len);
}

static void check_watch(CPUX86State *env, uint32_t vaddr, uint32_t len, bool store)
{
    const struct softmmu *s = env->mmu;
    if (s->any_watch && (mmu_page_watched(s, vaddr, store) || mmu_page_watched(s, vaddr + len - 1, store)))
        cpu_check_data_bp(env, vaddr, len, store ? 1 : 3);
}

/* An access of at most a page, thus on at most two pages: both are checked before anything
 * is read or written. */
static void read_slow(CPUX86State *env, uint32_t vaddr, void *buf, uint32_t len, int mmu_idx,
                      uintptr_t ra)
{
    uint32_t room = TARGET_PAGE_SIZE - (vaddr & (TARGET_PAGE_SIZE - 1));
    env->mmu->stats.slow_loads++;
    /* A copy, since the second look-up may replace the first one's entry. */
    struct mmu_page first = *mmu_lookup(env, vaddr, MMU_DATA_LOAD, mmu_idx, ra);
    if (len <= room) {
        check_watch(env, vaddr, len, false);
        page_read(env, &first, vaddr, buf, len);
        return;
    }
    struct mmu_page second = *mmu_lookup(env, vaddr + room, MMU_DATA_LOAD, mmu_idx, ra);
    check_watch(env, vaddr, len, false);
    page_read(env, &first, vaddr, buf, room);
    page_read(env, &second, vaddr + room, (uint8_t *)buf + room, len - room);
}

static void write_slow(CPUX86State *env, uint32_t vaddr, const void *buf, uint32_t len, int mmu_idx,
                       uintptr_t ra)
{
    uint32_t room = TARGET_PAGE_SIZE - (vaddr & (TARGET_PAGE_SIZE - 1));
    env->mmu->stats.slow_stores++;
    struct mmu_page first = *mmu_lookup(env, vaddr, MMU_DATA_STORE, mmu_idx, ra);
    if (len <= room) {
        page_notify(env, &first, vaddr, len, ra);
        check_watch(env, vaddr, len, true);
        page_write(env, &first, vaddr, buf, len);
        return;
    }
    struct mmu_page second = *mmu_lookup(env, vaddr + room, MMU_DATA_STORE, mmu_idx, ra);
    page_notify(env, &first, vaddr, room, ra);
    page_notify(env, &second, vaddr + room, len - room, ra);
    check_watch(env, vaddr, len, true);
    page_write(env, &first, vaddr, buf, room);
    page_write(env, &second, vaddr + room, (const uint8_t *)buf + room, len - room);
}

static __attribute__((noinline)) uint64_t load_slow(CPUX86State *env, uint32_t vaddr, uint32_t len,
                                                    int mmu_idx, uintptr_t ra)
{
    uint64_t v = 0;
    read_slow(env, vaddr, &v, len, mmu_idx, ra);
    return v;
}

static __attribute__((noinline)) void store_slow(CPUX86State *env, uint32_t vaddr, uint64_t v,
                                                 uint32_t len, int mmu_idx, uintptr_t ra)
{
    write_slow(env, vaddr, &v, len, mmu_idx, ra);
}

#define LOAD(name, rettype, host_type) \
    rettype name(CPUX86State *env, uint32_t vaddr, int mmu_idx, uintptr_t ra) \
    { \
        int64_t addend = fast_addend(env, vaddr, mmu_idx, false); \
        if (__builtin_expect(addend > 0 && in_page(vaddr, sizeof(struct host_type)), 1)) \
            return ((const struct host_type *)host_address(vaddr, addend))->v; \
        return (rettype)load_slow(env, vaddr, sizeof(struct host_type), mmu_idx, ra); \
    }

#define STORE(name, argtype, host_type) \
    void name(CPUX86State *env, uint32_t vaddr, argtype value, int mmu_idx, uintptr_t ra) \
    { \
        int64_t addend = fast_addend(env, vaddr, mmu_idx, true); \
        if (__builtin_expect(addend > 0 && in_page(vaddr, sizeof(struct host_type)), 1)) \
            ((struct host_type *)host_address(vaddr, addend))->v = \
                (__typeof__(((struct host_type *)0)->v))value; \
        else \
            store_slow(env, vaddr, value, sizeof(struct host_type), mmu_idx, ra); \
    }

LOAD(mmu_ldub, uint32_t, host_u8)
LOAD(mmu_lduw, uint32_t, host_u16)
LOAD(mmu_ldl, uint32_t, host_u32)
LOAD(mmu_ldq, uint64_t, host_u64)
STORE(mmu_stb, uint32_t, host_u8)
STORE(mmu_stw, uint32_t, host_u16)
STORE(mmu_stl, uint32_t, host_u32)
STORE(mmu_stq, uint64_t, host_u64)

void mmu_probe(CPUX86State *env, uint32_t vaddr, uint32_t len, enum mmu_access access, int mmu_idx,
               uintptr_t ra)
{
    if (!len)
        return;
    uint64_t span = (vaddr & (TARGET_PAGE_SIZE - 1)) + (uint64_t)len;
    uint32_t pages = (uint32_t)((span + TARGET_PAGE_SIZE - 1) >> TARGET_PAGE_BITS);
    for (uint32_t i = 0; i < pages; i++) {
        uint32_t at = i ? (vaddr & TARGET_PAGE_MASK) + (i << TARGET_PAGE_BITS) : vaddr;
        if (access == MMU_INST_FETCH)
            tlb_fill(env, at, access, mmu_idx, ra);
        else if (!fast_ptr(env, at, 1, mmu_idx, access == MMU_DATA_STORE))
            mmu_lookup(env, at, access, mmu_idx, ra);
    }
}

void mmu_read(CPUX86State *env, uint32_t vaddr, void *buf, uint32_t len, int mmu_idx, uintptr_t ra)
{
    if (len > TARGET_PAGE_SIZE)
        mmu_probe(env, vaddr, len, MMU_DATA_LOAD, mmu_idx, ra);
    uint8_t *out = buf;
    while (len) {
        uint32_t n = len < TARGET_PAGE_SIZE ? len : TARGET_PAGE_SIZE;
        const uint8_t *p = fast_ptr(env, vaddr, n, mmu_idx, false);
        if (p)
            memcpy(out, p, n);
        else
            read_slow(env, vaddr, out, n, mmu_idx, ra);
        out += n;
        vaddr += n;
        len -= n;
    }
}

void mmu_write(CPUX86State *env, uint32_t vaddr, const void *buf, uint32_t len, int mmu_idx, uintptr_t ra)
{
    if (len > TARGET_PAGE_SIZE)
        mmu_probe(env, vaddr, len, MMU_DATA_STORE, mmu_idx, ra);
    const uint8_t *in = buf;
    while (len) {
        uint32_t n = len < TARGET_PAGE_SIZE ? len : TARGET_PAGE_SIZE;
        uint8_t *p = fast_ptr(env, vaddr, n, mmu_idx, true);
        if (p)
            memcpy(p, in, n);
        else
            write_slow(env, vaddr, in, n, mmu_idx, ra);
        in += n;
        vaddr += n;
        len -= n;
    }
}

uint8_t *mmu_host_ptr(CPUX86State *env, uint32_t vaddr, uint32_t *len, enum mmu_access access, int mmu_idx,
                      uintptr_t ra)
{
    uint32_t room = TARGET_PAGE_SIZE - (vaddr & (TARGET_PAGE_SIZE - 1));
    if (*len > room)
        *len = room;
    bool store = access == MMU_DATA_STORE;
    uint8_t *p = fast_ptr(env, vaddr, 1, mmu_idx, store);
    if (!p) {
        mmu_lookup(env, vaddr, access, mmu_idx, ra);
        p = fast_ptr(env, vaddr, 1, mmu_idx, store);
    }
    return p;
}
