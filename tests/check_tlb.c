/* What the soft MMU remembers: flushes, global pages, pages with code, watch points, fetches. */
#include "mmu-env.h"

#include <string.h>

/* ---- flushes ---- */

static int listened, listened_global, listened_page;
static void on_flush(void *opaque, bool page, uint32_t vaddr, bool global)
{
    (void)opaque;
    (void)vaddr;
    listened++;
    listened_global += global;
    listened_page += page;
}

START_TEST(global_pages)
{
    paging_32(CR0_WP, CR4_PGE);
    softmmu_set_flush_listener(&env, on_flush, NULL);
    map32(0x5000, 0x5000 | P | W | G);
    map32(0x6000, 0x6000 | P | W);
    store(0x5000, KERN);
    store(0x6000, KERN);
    fetch(0x5000, 0);
    fetch(0x6000, 0);
    put32(pte_at(0x5000), 0);
    put32(pte_at(0x6000), 0);
    listened = listened_global = listened_page = 0;
    tlb_flush_non_global(&env);
    ck_assert(listened == 1 && listened_global == 0);
    ck_assert_int_eq(load(0x5000, KERN), -1);
    ck_assert_int_eq(load(0x6000, KERN), 0);
    ck_assert_int_eq(fetch(0x5000, 0), -1);
    ck_assert_int_eq(fetch(0x6000, 0), 0);
    tlb_flush_page(&env, 0x5000); /* INVLPG takes global pages, too */
    ck_assert(listened == 2 && listened_page == 1);
    ck_assert_int_eq(load(0x5000, KERN), 0);
    ck_assert_int_eq(fetch(0x5000, 0), 0);
    map32(0x5000, 0x5000 | P | W | G);
    store(0x5000, KERN);
    put32(pte_at(0x5000), 0);
    tlb_flush(&env);
    ck_assert_int_eq(load(0x5000, KERN), 0);
    /* Without CR4.PGE the G bit is nothing. */
    env.cr[4] = 0;
    map32(0x5000, 0x5000 | P | W | G);
    store(0x5000, KERN);
    put32(pte_at(0x5000), 0);
    tlb_flush_non_global(&env);
    ck_assert_int_eq(load(0x5000, KERN), 0);
    const uint8_t *host;
    bool global;
    map32(0x7000, 0x7000 | P | G);
    env.hflags = 0;
    mmu_fetch_page(&env, 0x7000, &host, &global);
    ck_assert(!global);
}
END_TEST

/* A page that was filled as a global one, and later as another, must not survive. */
START_TEST(global_then_not)
{
    paging_32(CR0_WP, CR4_PGE);
    map32(0x5000, 0x5000 | P | W | G);
    store(0x5000, KERN);
    map32(0x5000, 0x6000 | P | W);
    store(0x5000, KERN);
    put32(pte_at(0x5000), 0);
    tlb_flush_non_global(&env);
    ck_assert_int_eq(load(0x5000, KERN), 0);
    map32(0x5000, 0x6000 | P | W);
    store(0x5000, KERN);
    map32(0x5000, 0x5000 | P | W | G);
    store(0x5000, KERN);
    tlb_flush_non_global(&env);
    ck_assert_int_eq(load(0x5000, KERN), -1);
    put32(pte_at(0x5000), 0);
    tlb_flush(&env);
    ck_assert_int_eq(load(0x5000, KERN), 0);
}
END_TEST

START_TEST(flush_by_idx)
{
    paging_32(CR0_WP, 0);
    map32(0x5000, 0x5000 | P | W | U);
    store(0x5000, KERN);
    store(0x5000, USER);
    store(0x5000, SMAP);
    put32(pte_at(0x5000), 0);
    tlb_flush_page_by_mmuidx(&env, 0x5000, 1 << USER);
    ck_assert_int_eq(load(0x5000, USER), 4);
    ck_assert_int_eq(load(0x5000, KERN), -1);
    tlb_flush_by_mmuidx(&env, 1 << KERN);
    ck_assert_int_eq(load(0x5000, KERN), 0);
    ck_assert_int_eq(load(0x5000, SMAP), -1);
    tlb_flush_page(&env, 0x6000);
    ck_assert_int_eq(load(0x5000, SMAP), -1);
    tlb_flush(&env);
    ck_assert_int_eq(load(0x5000, SMAP), 0);
}
END_TEST

/* Many pages, with collisions in the caches beside the tables. */
START_TEST(many_pages)
{
    paging_32(CR0_WP, 0);
    for (uint32_t v = 0; v < 0x1000000; v += 0x1000)
        put32(pte_at(v), (0x100000 + (v >> 1 & 0x3ff000)) | P | W);
    for (int round = 0; round < 2; round++) {
        for (uint32_t v = 0; v < 0x1000000; v += 0x1000) {
            mmu_stl(&env, v + 8 * (v >> 12 & 1), v, KERN, 0);
            ck_assert_uint_eq(get32(0x100000 + (v >> 1 & 0x3ff000) + 8 * (v >> 12 & 1)), v);
        }
    }
    tlb_flush(&env);
    for (uint32_t v = 0; v < 0x1000000; v += 0x1000)
        ck_assert(entry(KERN, v)->read == 0 && entry(KERN, v)->write == 0);
}
END_TEST

/* ---- pages with code ---- */

static struct {
    int calls;
    hwaddr paddr;
    uint32_t len, before;
    uintptr_t ra;
    bool unmark;
} heard[2];

static void on_code_write(void *opaque, hwaddr paddr, uint32_t len, uintptr_t ra)
{
    unsigned i = (unsigned)(uintptr_t)opaque;
    heard[i].calls++;
    heard[i].paddr = paddr;
    heard[i].len = len;
    heard[i].ra = ra;
    heard[i].before = get32((uint32_t)paddr & ~3u);
    if (heard[i].unmark)
        softmmu_clear_code(&env, paddr, i);
}

START_TEST(code_pages)
{
    memset(heard, 0, sizeof(heard));
    phys_mem_add_code_listener(env.mem, on_code_write, (void *)0);
    phys_mem_add_code_listener(env.mem, on_code_write, (void *)1);
    paging_32(CR0_WP, 0);
    map32(0x5000, 0x8000 | P | W | U);
    map32(0x6000, 0x8000 | P | W | U); /* an alias */
    map32(0x7000, 0x9000 | P | W | U);
    store(0x5000, KERN);
    store(0x6000, USER);
    store(0x7000, USER);
    ck_assert(entry(KERN, 0x5000)->write > 0 && entry(USER, 0x6000)->write > 0);
    softmmu_set_code(&env, 0x8000, 0);
    ck_assert(entry(KERN, 0x5000)->write == 0 && entry(USER, 0x6000)->write == 0);
    ck_assert(entry(KERN, 0x5000)->read > 0 && entry(USER, 0x7000)->write > 0);
    put32(0x8010, 0x1234);
    mmu_stl(&env, 0x5010, 0x77, KERN, 99);
    ck_assert(heard[0].calls == 1 && heard[0].paddr == 0x8010 && heard[0].len == 4 && heard[0].ra == 99);
    ck_assert_uint_eq(heard[0].before, 0x1234); /* before the bytes change */
    ck_assert_uint_eq(get32(0x8010), 0x77);
    ck_assert_int_eq(heard[1].calls, 0);
    uint32_t len = 4;
    ck_assert_ptr_null(mmu_host_ptr(&env, 0x5000, &len, MMU_DATA_STORE, KERN, 0));
    ck_assert_ptr_nonnull(mmu_host_ptr(&env, 0x5000, &len, MMU_DATA_LOAD, KERN, 0));
    mmu_stl(&env, 0x6ffe, 0x01020304, USER, 0); /* two bytes of it: told of those two */
    ck_assert(heard[0].calls == 2 && heard[0].paddr == 0x8ffe && heard[0].len == 2);
    phys_mem_write(env.mem, 0x7ff0, "0123456789abcdef0123", 20); /* a device */
    ck_assert(heard[0].calls == 3 && heard[0].paddr == 0x8000 && heard[0].len == 4 && heard[0].ra == 0);
    /* Both listeners, one lets go: the page stays off the fast path for the other. */
    softmmu_set_code(&env, 0x8123, 1);
    heard[0].unmark = true;
    mmu_stb(&env, 0x5020, 1, KERN, 0);
    ck_assert(heard[0].calls == 4 && heard[1].calls == 1);
    mmu_stb(&env, 0x5020, 1, KERN, 0);
    ck_assert(heard[0].calls == 4 && heard[1].calls == 2);
    heard[1].unmark = true;
    mmu_stb(&env, 0x5020, 1, KERN, 0);
    mmu_stb(&env, 0x5020, 1, KERN, 0);
    ck_assert_int_eq(heard[1].calls, 3);
    ck_assert(entry(KERN, 0x5000)->write > 0);
    /* A store that faults is not told. */
    softmmu_set_code(&env, 0x8000, 0);
    map32(0x5000, 0x8000 | P | U);
    ck_assert_int_eq(store(0x5000, USER), 7);
    ck_assert_int_eq(heard[0].calls, 4);
}
END_TEST

/* One virtual page after another for the same frame: the write entry that counts is found. */
START_TEST(code_page_remapped)
{
    phys_mem_add_code_listener(env.mem, on_code_write, (void *)0);
    paging_32(CR0_WP, 0);
    for (uint32_t v = 0x100000; v < 0x110000; v += 0x1000) {
        map32(v, 0x8000 | P | W);
        ck_assert_int_eq(store(v, KERN), -1);
        if (v & 0x1000)
            map32(v, 0);
    }
    softmmu_set_code(&env, 0x8000, 0);
    for (uint32_t v = 0x100000; v < 0x110000; v += 0x1000)
        ck_assert_int_eq(entry(KERN, v)->write, 0);
}
END_TEST

/* Page tables in a page with code: accessed bits are writes. */
START_TEST(code_in_page_table)
{
    memset(heard, 0, sizeof(heard));
    phys_mem_add_code_listener(env.mem, on_code_write, (void *)0);
    paging_32(CR0_WP, 0);
    softmmu_set_code(&env, TAB, 0);
    map32(0x5000, 0x8000 | P | W);
    load(0x5000, KERN);
    ck_assert_int_eq(heard[0].calls, 1);
    ck_assert_uint_eq(heard[0].paddr, pte_at(0x5000));
}
END_TEST

/* ---- watch points ---- */

START_TEST(watch_points)
{
    mmu_stl(&env, 0x5000, 1, KERN, 0);
    softmmu_set_watch(&env, 2, 0x5008, 4, 1); /* writes */
    ck_assert(entry(KERN, 0x5000)->write == 0);
    mmu_ldl(&env, 0x5008, KERN, 0);
    ck_assert_int_eq(bp.calls, 0);
    ck_assert(entry(KERN, 0x5000)->read > 0);
    mmu_stw(&env, 0x500a, 1, KERN, 0);
    ck_assert(bp.calls == 1 && bp.linear == 0x500a && bp.len == 2 && bp.type == 1);
    mmu_stl(&env, 0x4ffe, 1, KERN, 0); /* crosses into the page */
    ck_assert(bp.calls == 2 && bp.linear == 0x4ffe && bp.len == 4);
    uint32_t len = 4;
    ck_assert_ptr_null(mmu_host_ptr(&env, 0x5000, &len, MMU_DATA_STORE, KERN, 0));
    softmmu_set_watch(&env, 2, 0x5008, 4, 3);
    ck_assert(entry(KERN, 0x5000)->read == 0);
    mmu_ldub(&env, 0x5008, KERN, 0);
    ck_assert(bp.calls == 3 && bp.type == 3);
    ck_assert(entry(KERN, 0x5000)->read == 0 && entry(KERN, 0x5000)->write == 0);
    mmu_probe(&env, 0x5008, 4, MMU_DATA_STORE, KERN, 0);
    ck_assert_int_eq(bp.calls, 3);
    softmmu_set_watch(&env, 2, 0, 0, -1);
    mmu_stl(&env, 0x5008, 1, KERN, 0);
    ck_assert_int_eq(bp.calls, 3);
    ck_assert(entry(KERN, 0x5000)->read > 0 && entry(KERN, 0x5000)->write > 0);
    paging_32(CR0_WP, 0);
    softmmu_set_watch(&env, 0, 0x6000, 1, 3);
    ck_assert_int_eq(store(0x6000, KERN), 2);
    ck_assert_int_eq(bp.calls, 3); /* a fault comes before the break point */
}
END_TEST

START_TEST(fetch_cache)
{
    const uint8_t *host;
    bool global;
    env.hflags = 0;
    ck_assert(mmu_fetch_page(&env, 0x1234, &host, &global) == 0x1234 && host == ram + 0x1234);
    ck_assert(mmu_fetch_page(&env, 0xfe000010, &host, &global) == 0xfe000010 && host == NULL);
    ck_assert(mmu_fetch_page(&env, 0xfff00010, &host, &global) == 0xfff00010 && host == rom + 0x10);
    paging_32(CR0_WP, CR4_PGE);
    map32(0x5000, 0x8000 | P | G);
    map32(0x405000, 0x9000 | P | U); /* the same place in the cache */
    ck_assert(mmu_fetch_page(&env, 0x5678, &host, &global) == 0x8678 && host == ram + 0x8678 && global);
    ck_assert(mmu_fetch_page(&env, 0x405678, &host, &global) == 0x9678 && !global);
    ck_assert(mmu_fetch_page(&env, 0x5678, &host, &global) == 0x8678 && global);
    ck_assert_int_eq(fetch(0x5678, 3), 5); /* the supervisor's entry is not the user's */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        global_pages, global_then_not, flush_by_idx, many_pages, code_pages, code_page_remapped,
        code_in_page_table, watch_points, fetch_cache
    };
    return mmu_run("tlb", tests, sizeof(tests) / sizeof(tests[0]));
}
