/* Direct windows: what is mapped, with which rights, and what flushes, code and watch points take away.  A probe reads or
 * writes at the window's host address, with a handler that counts a fault. */
#include "mmu-env.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "mmu-internal.h"
#include "window.h"

static sigjmp_buf probe_jmp;

static void on_segv(int sig)
{
    (void)sig;
    siglongjmp(probe_jmp, 1);
}

static volatile uint8_t *at(int user, uint32_t vaddr)
{
    return (volatile uint8_t *)(uintptr_t)(env.window[user] + (uint64_t)(int64_t)(int32_t)vaddr);
}

/* Does the host let the access happen? */
static bool readable(int user, uint32_t vaddr)
{
    if (sigsetjmp(probe_jmp, 1))
        return false;
    (void)*at(user, vaddr);
    return true;
}

static bool writable(int user, uint32_t vaddr)
{
    if (sigsetjmp(probe_jmp, 1))
        return false;
    *at(user, vaddr) = *at(user, vaddr);
    return true;
}

static enum window_fault fault(int user, uint32_t vaddr, bool store)
{
    return window_fault(&env, (uintptr_t)at(user, vaddr), store);
}

static void start(bool kernel, bool user)
{
    struct sigaction sa = { .sa_handler = on_segv, .sa_flags = SA_NODEFER };
    sigaction(SIGSEGV, &sa, NULL);
    ck_assert(window_init(&env, kernel, user));
}

/* Paging with CR4.PGE and CR4.PSE, CPL 0 or 3. */
static void paged(int cpl)
{
    paging_32(CR0_WP, CR4_PGE | CR4_PSE);
    env.hflags = (uint32_t)cpl;
    env.mmu_idx = cpl == 3 ? (uint32_t)USER : (uint32_t)KERN;
}

/* An address space is worth a window when timers have found it at work. */
static void warm(void)
{
    for (int i = 0; i < 100 && !env.window[1]; i++)
        window_tick(&env);
    ck_assert(env.window[1]);
}

START_TEST(without_paging_all_ram_is_there)
{
    start(true, false);
    ck_assert(env.window[0] && !env.window[1]);
    env.mmu_idx = KERN;
    ck_assert(!readable(0, 0x1234));
    ck_assert_int_eq(fault(0, 0x1234, false), WINDOW_MAPPED);
    put32(0x1234, 0x55667788);
    ck_assert_uint_eq(*at(0, 0x1234), 0x88);
    ck_assert(writable(0, 0x3ff000)); /* 4 MiB at once */
    *at(0, 0x2000) = 99;
    ck_assert_uint_eq(ram[0x2000], 99);
    ck_assert_int_eq(fault(0, RAM_SIZE, false), WINDOW_NEVER);
    ck_assert_int_eq(fault(0, 0xfe000000, false), WINDOW_NEVER);
    ck_assert_int_eq(fault(0, 0xfff00000, false), WINDOW_NEVER); /* ROM */
    ck_assert_int_eq(window_fault(&env, (uintptr_t)ram, false), WINDOW_OTHER);
    /* Over the border: what a displacement can reach. */
    ck_assert_int_eq(window_fault(&env, env.window[0] + 0x80000010ull, true), WINDOW_NEVER);
    ck_assert_int_eq(window_fault(&env, env.window[0] - 0x80000010ull, false), WINDOW_NEVER);
}
END_TEST

START_TEST(the_supervisor_has_global_pages_only)
{
    start(true, false);
    paged(0);
    map32(0x5000, 0x105000 | P | W | G);
    map32(0x6000, 0x106000 | P | W);
    ck_assert_int_eq(fault(0, 0x5010, false), WINDOW_MAPPED);
    ck_assert_int_eq(fault(0, 0x6010, false), WINDOW_NEVER);
    ck_assert_int_eq(fault(0, 0x7010, false), WINDOW_GUEST);
    /* Accessed and dirty bits are those of the access. */
    ck_assert_uint_eq(get32(pte_at(0x5000)) & (A | D), A);
    ck_assert(readable(0, 0x5010) && !writable(0, 0x5010));
    ck_assert_int_eq(fault(0, 0x5010, true), WINDOW_MAPPED);
    ck_assert_uint_eq(get32(pte_at(0x5000)) & (A | D), A | D);
    ck_assert(writable(0, 0x5010));
    ram[0x105010] = 7;
    ck_assert_uint_eq(*at(0, 0x5010), 7);
    /* A CR3 load leaves it, and a switch of CR4.PGE takes the window. */
    tlb_flush_non_global(&env);
    ck_assert(writable(0, 0x5010));
    env.cr[4] = CR4_PSE;
    tlb_flush(&env);
    ck_assert(!env.window[0]);
}
END_TEST

START_TEST(what_the_guest_changes_goes)
{
    start(true, false);
    paged(0);
    map32(0x5000, 0x105000 | P | W | G);
    map32(0x6000, 0x106000 | P | W | G);
    fault(0, 0x5000, true);
    fault(0, 0x6000, true);
    /* Not before the flush; then at once, for that page alone. */
    put32(pte_at(0x5000), 0);
    ck_assert(writable(0, 0x5000));
    tlb_flush_page(&env, 0x5000);
    ck_assert(!readable(0, 0x5000) && writable(0, 0x6000));
    /* Another page, fewer rights, a dirty bit that was cleared. */
    map32(0x6000, 0x107000 | P | W | A | D | G);
    ck_assert(!readable(0, 0x6000));
    fault(0, 0x6000, true);
    map32(0x6000, 0x107000 | P | A | D | G);
    ck_assert(!writable(0, 0x6000));
    map32(0x6000, 0x107000 | P | W | G);
    fault(0, 0x6000, true);
    put32(pte_at(0x6000), 0x107000 | P | W | A | G);
    tlb_flush(&env);
    ck_assert(!writable(0, 0x6000));
    /* What is as it was stays through a flush of all. */
    ck_assert_int_eq(fault(0, 0x6000, true), WINDOW_MAPPED);
    tlb_flush(&env);
    ck_assert(writable(0, 0x6000));
}
END_TEST

START_TEST(large_pages)
{
    start(true, false);
    paged(0);
    put32(DIR + 4 * 5, 0x400000 | P | W | PS | G); /* 20 MiB is at 4 MiB */
    tlb_flush(&env);
    ck_assert_int_eq(fault(0, 0x1400123, false), WINDOW_MAPPED);
    ck_assert(readable(0, 0x17ff000));
    ck_assert(!writable(0, 0x17ff000));
    ck_assert_int_eq(fault(0, 0x1500000, true), WINDOW_MAPPED);
    ck_assert(writable(0, 0x17ff000) && writable(0, 0x1400000));
    *at(0, 0x1400010) = 3;
    ck_assert_uint_eq(ram[0x400010], 3);
    tlb_flush(&env);
    ck_assert(writable(0, 0x17ff000));
    tlb_flush_page(&env, 0x1500000);
    ck_assert(writable(0, 0x17ff000));
    /* It becomes small pages, of which one is another. */
    put32(DIR + 4 * 5, 0x30000 | P | W);
    for (unsigned i = 0; i < 1024; i++)
        put32(0x30000 + 4 * i, (0x400000 + i * 0x1000) | P | W | A | D | G);
    put32(0x30000, 0x108000 | P | W | A | D | G);
    tlb_flush_page(&env, 0x1400000);
    ck_assert(!readable(0, 0x1400000));
    ck_assert_int_eq(fault(0, 0x1400000, true), WINDOW_MAPPED);
    ram[0x108010] = 42;
    ck_assert_uint_eq(*at(0, 0x1400010), 42);
}
END_TEST

/* A host with larger pages: those of the guest that share one come and go as one. */
START_TEST(host_pages_of_16_kib)
{
    setenv("STITCH86_HOST", "16k", 1);
    start(true, true);
    unsetenv("STITCH86_HOST");
    paged(0);
    for (unsigned i = 0; i < 8; i++)
        map32(0x8000 + i * 0x1000, (0x108000 + i * 0x1000) | P | W | A | D | G);
    ck_assert_int_eq(fault(0, 0x9010, true), WINDOW_MAPPED);
    ck_assert(writable(0, 0x8000) && writable(0, 0xbfff) && !readable(0, 0x7fff) && !readable(0, 0xc000));
    ram[0x10a010] = 9;
    ck_assert_uint_eq(*at(0, 0xa010), 9);
    /* The next one: rights are those that all have, and the first store to a page is not for it to see. */
    put32(pte_at(0xd000), 0x10d000 | P | W | A | G);
    ck_assert_int_eq(fault(0, 0xe000, false), WINDOW_MAPPED);
    ck_assert(readable(0, 0xc000) && !writable(0, 0xe000));
    ck_assert_int_eq(fault(0, 0xe000, true), WINDOW_NEVER);
    put32(pte_at(0xd000), 0x10d000 | P | W | A | D | G);
    ck_assert_int_eq(fault(0, 0xe000, true), WINDOW_MAPPED);
    ck_assert(writable(0, 0xe000) && writable(0, 0xd000));
    /* Code in one of them. */
    window_protect(env.mmu->windows, 0x10f000);
    ck_assert(readable(0, 0xc000) && !writable(0, 0xc000) && !writable(0, 0xf000));
    ck_assert_int_eq(fault(0, 0xc000, true), WINDOW_MAPPED);
    /* One changes: they go, and cannot come again. */
    put32(pte_at(0xb000), 0x107000 | P | W | A | D | G);
    tlb_flush_page(&env, 0xb000);
    ck_assert(!readable(0, 0x8000) && !readable(0, 0xb000) && readable(0, 0xc000));
    ck_assert_int_eq(fault(0, 0x8000, false), WINDOW_NEVER);
    put32(pte_at(0xb000), 0x10b000 | P | W | D | G); /* not accessed */
    tlb_flush(&env);
    ck_assert_int_eq(fault(0, 0x8000, false), WINDOW_NEVER);
    put32(pte_at(0xb000), 0x10b000 | P | W | A | D | G);
    tlb_flush(&env);
    ck_assert_int_eq(fault(0, 0x8000, false), WINDOW_MAPPED);
    put32(pte_at(0xc000), 0);
    tlb_flush(&env);
    ck_assert(readable(0, 0x8000) && !readable(0, 0xc000) && !readable(0, 0xd000));
    /* Not where they lie otherwise in RAM; not what is not there. */
    map32(0x14000, 0x109000 | P | W | A | D | G);
    ck_assert_int_eq(fault(0, 0x14000, false), WINDOW_NEVER);
    ck_assert_int_eq(fault(0, 0x18000, false), WINDOW_GUEST);
    /* A large page, with code in it. */
    put32(DIR + 4 * 5, 0x400000 | P | W | A | D | PS | G);
    tlb_flush(&env);
    ck_assert_int_eq(fault(0, 0x1400123, true), WINDOW_MAPPED);
    ck_assert(writable(0, 0x17ff000));
    tlb_flush(&env);
    ck_assert(writable(0, 0x17ff000) && writable(0, 0x8000));
    put32(DIR + 4 * 5, 0);
    tlb_flush_page(&env, 0x1500000);
    ck_assert(!readable(0, 0x1400000) && !readable(0, 0x17ff000));
}
END_TEST

START_TEST(pages_with_code_are_not_written)
{
    start(true, false);
    paged(0);
    put32(DIR + 4 * 5, 0x400000 | P | W | PS | G);
    map32(0x5000, 0x403000 | P | W | G);
    map32(0x6000, 0x403000 | P | W | G);
    tlb_flush(&env);
    unsigned listener = phys_mem_add_code_listener(env.mem, NULL, NULL);
    /* One page at three places. */
    fault(0, 0x1400000, true);
    fault(0, 0x5000, true);
    fault(0, 0x6000, true);
    ck_assert(writable(0, 0x1403000) && writable(0, 0x5000) && writable(0, 0x6000));
    softmmu_set_code(&env, 0x403000, listener);
    ck_assert(!writable(0, 0x1403000) && !writable(0, 0x5000) && !writable(0, 0x6000));
    ck_assert(readable(0, 0x1403000) && readable(0, 0x5000) && writable(0, 0x1402fff) && writable(0, 0x1404000));
    ck_assert_int_eq(fault(0, 0x5000, true), WINDOW_NEVER);
    softmmu_clear_code(&env, 0x403000, listener);
    ck_assert_int_eq(fault(0, 0x5000, true), WINDOW_MAPPED);
    ck_assert(writable(0, 0x5000));
    /* Mapped when it has code already. */
    softmmu_set_code(&env, 0x404000, listener);
    map32(0x7000, 0x404000 | P | W | A | D | G);
    ck_assert_int_eq(fault(0, 0x7000, false), WINDOW_MAPPED);
    ck_assert(!writable(0, 0x7000));
}
END_TEST

START_TEST(watch_points_close_the_window)
{
    start(true, false);
    paged(0);
    map32(0x5000, 0x105000 | P | W | G);
    softmmu_set_watch(&env, 0, 0x5004, 4, 1);
    ck_assert(!env.window[0]);
    softmmu_set_watch(&env, 0, 0, 1, -1);
    ck_assert(env.window[0]);
}
END_TEST

START_TEST(address_spaces)
{
    start(false, true);
    paged(3);
    ck_assert(!env.window[1]);
    map32(0x5000, 0x105000 | P | W | U);
    map32(0x6000, 0x106000 | P | W);
    warm();
    ck_assert_int_eq(fault(1, 0x5000, true), WINDOW_MAPPED);
    ck_assert_int_eq(fault(1, 0x6000, false), WINDOW_GUEST); /* not for CPL 3 */
    uint64_t first = env.window[1];
    /* Another one has none, and then its own. */
    memcpy(ram + 0x40000, ram + DIR, 0x1000);
    put32(0x40000, 0x41000 | P | W | U);
    put32(0x41000 + 4 * 5, 0x107000 | P | W | U);
    env.cr[3] = 0x40000;
    tlb_flush_non_global(&env);
    ck_assert(!env.window[1]);
    warm();
    ck_assert(env.window[1] != first);
    ck_assert_int_eq(fault(1, 0x5000, true), WINDOW_MAPPED);
    ram[0x107000] = 1;
    ram[0x105000] = 2;
    ck_assert_uint_eq(*at(1, 0x5000), 1);
    /* Back: what has not changed is there, what has is not. */
    map32(0x7000, 0x108000 | P | W | U);
    env.cr[3] = DIR;
    tlb_flush_non_global(&env);
    ck_assert_uint_eq(env.window[1], first);
    ck_assert(writable(1, 0x5000));
    ck_assert_uint_eq(*at(1, 0x5000), 2);
    env.cr[3] = 0x40000;
    tlb_flush_non_global(&env);
    put32(pte_at(0x5000), 0x109000 | P | W | U | A | D);
    env.cr[3] = DIR;
    tlb_flush_non_global(&env);
    ck_assert(!readable(1, 0x5000));
    /* Code in a page that another address space has mapped. */
    env.cr[3] = 0x40000;
    tlb_flush_non_global(&env);
    ck_assert(writable(1, 0x5000));
    env.cr[3] = DIR;
    tlb_flush_non_global(&env);
    softmmu_set_code(&env, 0x107000, phys_mem_add_code_listener(env.mem, NULL, NULL));
    env.cr[3] = 0x40000;
    tlb_flush_non_global(&env);
    ck_assert(!writable(1, 0x5000));
}
END_TEST

START_TEST(a_space_that_is_always_switched_loses_its_window)
{
    start(false, true);
    paged(3);
    warm();
    for (int i = 0; i < 60; i++) {
        env.cr[3] = i & 1 ? DIR : 0x40000;
        tlb_flush_non_global(&env);
    }
    env.cr[3] = DIR;
    tlb_flush_non_global(&env);
    ck_assert(!env.window[1]);
}
END_TEST

START_TEST(many_address_spaces)
{
    start(false, true);
    paged(3);
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t dir = 0x100000 + i * 0x2000;
        put32(dir, (dir + 0x1000) | P | W | U);
        put32(dir + 0x1000 + 4 * 5, (0x200000 + i * 0x1000) | P | W | U);
        env.cr[3] = dir;
        tlb_flush_non_global(&env);
        warm();
        ck_assert_int_eq(fault(1, 0x5000, true), WINDOW_MAPPED);
        ram[0x200000 + i * 0x1000] = (uint8_t)(i + 1);
        ck_assert_uint_eq(*at(1, 0x5000), i + 1);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_paging_all_ram_is_there, the_supervisor_has_global_pages_only, what_the_guest_changes_goes, large_pages,
        host_pages_of_16_kib, pages_with_code_are_not_written, watch_points_close_the_window, address_spaces,
        a_space_that_is_always_switched_loses_its_window, many_address_spaces,
    };
    return mmu_run("window", tests, sizeof(tests) / sizeof(tests[0]));
}
