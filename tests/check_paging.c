/* The soft MMU on page tables built in guest RAM: every kind of page and fault. */
#include "cpuid.h"
#include "mmu-env.h"

#include <string.h>

/* ---- 32-bit paging ---- */

START_TEST(fault_codes_32)
{
    paging_32(CR0_WP, 0);
    FAULTS(mmu_ldl(&env, 0x5004, KERN, 77), 0, 0x5004);
    FAULTS(mmu_stl(&env, 0x5004, 1, KERN, 77), 2, 0x5004);
    FAULTS(mmu_ldl(&env, 0x5004, USER, 77), 4, 0x5004);
    FAULTS(mmu_stl(&env, 0x5004, 1, USER, 77), 6, 0x5004);
    FAULTS(mmu_ldl(&env, 0x7000000, USER, 77), 4, 0x7000000); /* no table */
    map32(0x5000, 0x5000 | P);
    FAULTS(mmu_ldl(&env, 0x5004, USER, 77), 5, 0x5004);
    FAULTS(mmu_stl(&env, 0x5004, 1, USER, 77), 7, 0x5004);
    FAULTS(mmu_stl(&env, 0x5004, 1, KERN, 77), 3, 0x5004);
    WORKS(mmu_ldl(&env, 0x5004, KERN, 77));
    FAULTS(mmu_stl(&env, 0x5004, 1, KERN, 77), 3, 0x5004); /* also after a load filled the TLB */
    ck_assert_int_eq(fetch(0x5000, 0), -1);
    ck_assert_int_eq(fetch(0x5000, 3), 5); /* without NX and SMEP a fetch has no I/D bit */
    ck_assert_int_eq(fetch(0x6000, 3), 4);
    ck_assert_int_eq(fetch(0x6000, 0), 0);
    /* Rights are the weakest of directory and table. */
    map32(0x5000, 0x5000 | P | W | U);
    ck_assert_int_eq(store(0x5000, USER), -1);
    put32(DIR, TAB | P | U);
    tlb_flush(&env);
    ck_assert_int_eq(store(0x5000, USER), 7);
    put32(DIR, TAB | P | W);
    tlb_flush(&env);
    ck_assert_int_eq(load(0x5000, USER), 5);
    ck_assert_int_eq(store(0x5000, KERN), -1);
}
END_TEST

START_TEST(write_protect)
{
    paging_32(0, 0);
    map32(0x5000, 0x5000 | P | U);
    ck_assert_int_eq(store(0x5000, KERN), -1); /* CR0.WP = 0 */
    ck_assert_int_eq(store(0x5000, USER), 7);
    env.cr[0] |= CR0_WP;
    tlb_flush(&env);
    ck_assert_int_eq(store(0x5000, KERN), 3);
}
END_TEST

START_TEST(accessed_dirty)
{
    paging_32(CR0_WP, 0);
    map32(0x5000, 0x6000 | P | W);
    ck_assert_int_eq(store(0x5000, USER), 7);
    ck_assert_uint_eq(get32(pte_at(0x5000)), 0x6000 | P | W); /* a fault sets nothing */
    ck_assert_int_eq(load(0x5000, KERN), -1);
    ck_assert_uint_eq(get32(pte_at(0x5000)), 0x6000 | P | W | A);
    ck_assert_uint_eq(get32(DIR), TAB | P | W | U | A);
    ck_assert_int_eq(entry(KERN, 0x5000)->write, 0); /* a first store has to be seen */
    ck_assert_int_eq(store(0x5000, KERN), -1);
    ck_assert_uint_eq(get32(pte_at(0x5000)), 0x6000 | P | W | A | D);
    ck_assert(entry(KERN, 0x5000)->write > 0);
    ck_assert_uint_eq(get32(0x6000), 0x55);
    map32(0x7000, 0x7000 | P | W);
    WORKS(mmu_probe(&env, 0x7ffc, 4, MMU_DATA_STORE, KERN, 77));
    ck_assert_uint_eq(get32(pte_at(0x7000)), 0x7000 | P | W | A | D);
    map32(0x8000, 0x8000 | P | W);
    ck_assert_int_eq(fetch(0x8000, 0), -1);
    ck_assert_uint_eq(get32(pte_at(0x8000)), 0x8000 | P | W | A);
    hwaddr paddr;
    map32(0x9000, 0xa000 | P | W);
    ck_assert(mmu_translate_debug(&env, 0x9123, &paddr) && paddr == 0xa123);
    ck_assert_uint_eq(get32(pte_at(0x9000)), 0xa000 | P | W);
    ck_assert(!mmu_translate_debug(&env, 0xb000, &paddr));
}
END_TEST

START_TEST(pse)
{
    paging_32(CR0_WP, CR4_PSE);
    put32(DIR + 4, 0x400000 | P | W | PS);
    put32(0x4abcd0, 0x13579bdf);
    ck_assert_uint_eq(mmu_ldl(&env, 0x4abcd0, KERN, 0), 0x13579bdf);
    ck_assert_uint_eq(get32(DIR + 4), 0x400000 | P | W | PS | A);
    ck_assert_int_eq(store(0x4abcd0, KERN), -1);
    ck_assert_uint_eq(get32(DIR + 4), 0x400000 | P | W | PS | A | D);
    ck_assert_int_eq(load(0x400000, USER), 5);
    /* PSE-36: bits 13-16 are address bits 32-35. */
    env.model = cpu_model_find("pentium2");
    uint8_t *high = phys_mem_add_ram(env.mem, 0x5ull << 32, 0x400000, "high");
    high[0x3ffff0] = 0x66;
    put32(DIR + 8, 5u << 13 | P | PS);
    ck_assert_uint_eq(mmu_ldub(&env, 0xbffff0, KERN, 0), 0x66);
    /* Bits 17-21 are reserved. */
    for (unsigned bit = 17; bit <= 21; bit++) {
        put32(DIR + 12, 1u << bit | P | W | U | PS);
        ck_assert_int_eq(store(0xc00000, USER), 0xf);
    }
    env.model = cpu_model_find("pentium"); /* has no PSE-36: bits 13-16 are reserved too */
    for (unsigned bit = 13; bit <= 21; bit++) {
        put32(DIR + 12, 1u << bit | P | W | U | PS);
        ck_assert_int_eq(store(0xc00000, USER), 0xf);
    }
    /* Without CR4.PSE bit 7 means nothing: the entry points to a table. */
    put32(DIR + 12, (TAB + 0x3000) | P | W | U | PS);
    env.cr[4] = 0;
    tlb_flush(&env);
    map32(0xc00000, 0x3000 | P | W);
    ck_assert_int_eq(store(0xc00000, KERN), -1);
    ck_assert_uint_eq(get32(0x3000), 0x55);
}
END_TEST

START_TEST(invlpg_large)
{
    paging_32(CR0_WP, CR4_PSE);
    put32(DIR + 4, 0x400000 | P | W | PS);
    ck_assert_int_eq(store(0x401000, KERN), -1);
    ck_assert_int_eq(store(0x7ff000, KERN), -1);
    ck_assert_int_eq(fetch(0x7ff000, 0), -1);
    put32(DIR + 4, 0);
    tlb_flush_page(&env, 0x500000); /* one INVLPG is enough for the whole page */
    ck_assert_int_eq(load(0x401000, KERN), 0);
    ck_assert_int_eq(load(0x7ff000, KERN), 0);
    ck_assert_int_eq(fetch(0x7ff000, 0), 0);
}
END_TEST

START_TEST(smep_smap)
{
    paging_32(CR0_WP, CR4_SMEP | CR4_SMAP);
    map32(0x5000, 0x5000 | P | W | U);
    ck_assert_int_eq(load(0x5000, SMAP), 1);
    ck_assert_int_eq(store(0x5000, SMAP), 3);
    ck_assert_int_eq(load(0x5000, KERN), -1); /* EFLAGS.AC set */
    ck_assert_int_eq(fetch(0x5000, 0), 0x11);
    ck_assert_int_eq(fetch(0x5000, 3), -1);
    ck_assert_int_eq(fetch(0x6000, 3), 0x14); /* SMEP turns the I/D bit on */
    map32(0x5000, 0x5000 | P | W);
    ck_assert_int_eq(load(0x5000, SMAP), -1);
    ck_assert_int_eq(fetch(0x5000, 0), -1);
}
END_TEST

/* ---- PAE ---- */

START_TEST(pae_pages)
{
    paging_pae(0x800);
    map_pae(0x5000, 0x6000 | P | W | U);
    put32(0x6010, 0x2468);
    ck_assert_uint_eq(mmu_ldl(&env, 0x5010, USER, 0), 0x2468);
    ck_assert_uint_eq(get64(TAB + 5 * 8), 0x6000 | P | W | U | A);
    ck_assert_int_eq(store(0x5000, USER), -1);
    ck_assert_uint_eq(get64(TAB + 5 * 8), 0x6000 | P | W | U | A | D);
    FAULTS(mmu_ldl(&env, 0x40000000, USER, 77), 4, 0x40000000); /* PDPTE not present */
    FAULTS(mmu_ldl(&env, 0x200000, KERN, 77), 0, 0x200000);
    uint8_t *high = phys_mem_add_ram(env.mem, 0xf00000000, 0x200000, "high");
    high[0x1ffffc] = 0x42;
    put64(DIR + 8, 0xf00000000 | P | W | PS);
    ck_assert_uint_eq(mmu_ldub(&env, 0x3ffffc, KERN, 0), 0x42);
    ck_assert_uint_eq(get64(DIR + 8), 0xf00000000 | P | W | PS | A);
    ck_assert_int_eq(store(0x3ff000, KERN), -1);
    ck_assert_uint_eq(get64(DIR + 8), 0xf00000000 | P | W | PS | A | D);
    put64(DIR + 8, 0);
    tlb_flush_page(&env, 0x200000);
    ck_assert_int_eq(load(0x3ff000, KERN), 0);
}
END_TEST

START_TEST(pae_reserved)
{
    paging_pae(0x800);
    for (unsigned bit = 36; bit < 63; bit++) {
        map_pae(0x5000, 0x6000 | P | W | U | 1ull << bit);
        ck_assert_int_eq(load(0x5000, USER), 0xd);
        ck_assert_int_eq(store(0x5000, KERN), 0xb);
    }
    map_pae(0x5000, 0x6000 | 1ull << 40); /* not present wins */
    ck_assert_int_eq(load(0x5000, USER), 4);
    for (unsigned bit = 13; bit <= 20; bit++) {
        put64(DIR + 8, 1ull << bit | P | W | U | PS);
        ck_assert_int_eq(load(0x200000, USER), 0xd);
    }
    put64(DIR + 8, 1ull << 12 | P | W | U | PS); /* PAT */
    ck_assert_int_eq(load(0x200000, USER), -1);
    put64(DIR, TAB | P | W | U | 1ull << 50);
    tlb_flush(&env);
    ck_assert_int_eq(fetch(0x5000, 3), 0x1d);
}
END_TEST

START_TEST(no_execute)
{
    paging_pae(0x800);
    map_pae(0x5000, 0x6000 | P | W | U | NX);
    ck_assert_int_eq(load(0x5000, USER), -1);
    ck_assert_int_eq(fetch(0x5000, 3), 0x15);
    ck_assert_int_eq(fetch(0x5000, 0), 0x11);
    ck_assert_int_eq(fetch(0x7000, 0), 0x10);
    map_pae(0x5000, 0x6000 | P | W | U);
    ck_assert_int_eq(fetch(0x5000, 3), -1);
    put64(DIR, TAB | P | W | U | NX); /* in the directory it counts for all pages */
    tlb_flush(&env);
    ck_assert_int_eq(fetch(0x5000, 3), 0x15);
    ck_assert_int_eq(load(0x5000, USER), -1);
    env.efer = 0; /* the bit is reserved without EFER.NXE */
    tlb_flush(&env);
    ck_assert_int_eq(load(0x5000, USER), 0xd);
    ck_assert_int_eq(fetch(0x5000, 3), 0xd);
}
END_TEST

/* ---- crossing pages ---- */

START_TEST(crossing)
{
    paging_32(CR0_WP, 0);
    map32(0x5000, 0x8000 | P | W | U);
    FAULTS(mmu_stl(&env, 0x5ffe, 0x11223344, USER, 77), 6, 0x6000);
    ck_assert_uint_eq(get32(0x8ffc), 0); /* nothing was written */
    FAULTS(mmu_ldl(&env, 0x5ffd, USER, 77), 4, 0x6000);
    FAULTS(mmu_ldl(&env, 0x4ffd, USER, 77), 4, 0x4ffd); /* both missing or the first: CR2 is the address */
    map32(0x6000, 0x3000 | P | U);
    FAULTS(mmu_stl(&env, 0x5ffe, 0x11223344, USER, 77), 7, 0x6000);
    FAULTS(mmu_stq(&env, 0x5ff9, 1, USER, 77), 7, 0x6000);
    map32(0x6000, 0x3000 | P | W | U);
    mmu_stl(&env, 0x5ffe, 0x11223344, USER, 0);
    ck_assert_mem_eq(ram + 0x8ffe, "\x44\x33", 2);
    ck_assert_mem_eq(ram + 0x3000, "\x22\x11", 2);
    ck_assert_uint_eq(mmu_ldl(&env, 0x5ffe, USER, 0), 0x11223344);
    /* Areas. */
    uint8_t buf[0x2000];
    memset(buf, 0xab, sizeof(buf));
    FAULTS(mmu_write(&env, 0x5800, buf, 0x1801, USER, 77), 6, 0x7000);
    ck_assert_uint_eq(ram[0x8800], 0);
    WORKS(mmu_write(&env, 0x5800, buf, 0x1800, USER, 77));
    ck_assert(ram[0x8800] == 0xab && ram[0x3fff] == 0xab);
    memset(buf, 0, sizeof(buf));
    mmu_read(&env, 0x5801, buf, 0x17ff, USER, 0);
    ck_assert(buf[0] == 0xab && buf[0x17fe] == 0xab && buf[0x17ff] == 0);
    FAULTS(mmu_probe(&env, 0x5800, 0x1801, MMU_DATA_LOAD, USER, 77), 4, 0x7000);
    WORKS(mmu_probe(&env, 0x5800, 0x1800, MMU_DATA_LOAD, USER, 77));
    WORKS(mmu_probe(&env, 0x7000, 0, MMU_DATA_LOAD, USER, 77));
    uint32_t len = 0x1000;
    ck_assert_ptr_eq(mmu_host_ptr(&env, 0x5ff0, &len, MMU_DATA_STORE, USER, 0), ram + 0x8ff0);
    ck_assert_uint_eq(len, 0x10);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        fault_codes_32, write_protect, accessed_dirty, pse, invlpg_large, smep_smap, pae_pages,
        pae_reserved, no_execute, crossing
    };
    return mmu_run("paging", tests, sizeof(tests) / sizeof(tests[0]));
}
