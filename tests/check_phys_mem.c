/* Physical memory and the accesses to it without paging: RAM, ROM, devices, what overlaps, A20. */
#include "mmu-env.h"

START_TEST(phys_regions)
{
    uint8_t buf[8];
    phys_mem_write(env.mem, 0xffe, "abcdef", 6);
    ck_assert_mem_eq(ram + 0xffe, "abcdef", 6);
    phys_mem_read(env.mem, RAM_SIZE - 2, buf, 4); /* two bytes of RAM, two of nothing */
    ck_assert_uint_eq(buf[2] << 8 | buf[3], 0xffff);
    rom[0] = 0x90;
    phys_mem_write(env.mem, 0xfff00000, "x", 1);
    phys_mem_read(env.mem, 0xfff00000, buf, 1);
    ck_assert_uint_eq(buf[0], 0x90);
    phys_mem_read(env.mem, 0xfe000001, buf, 7); /* as 1, 2, 4 */
    ck_assert_int_eq(mmio_reads, 3);
    ck_assert_mem_eq(buf, "\xc3\xb2\xa1\xd4\xc3\xb2\xa1", 7);
    phys_mem_write(env.mem, 0xfe000004, "\1\2\3\4", 4);
    ck_assert_uint_eq(mmio_last[1], 0x04030201);
    ck_assert_ptr_null(phys_mem_ptr(env.mem, 0xfe000000, 1));
    ck_assert_ptr_null(phys_mem_ptr(env.mem, RAM_SIZE - 4, 5));
    ck_assert_ptr_eq(phys_mem_ptr(env.mem, RAM_SIZE - 4, 4), ram + RAM_SIZE - 4);
    ck_assert_ptr_null(phys_mem_ptr(env.mem, RAM_SIZE, 1));
}
END_TEST

START_TEST(phys_overlap)
{
    uint8_t c;
    ram[0x5000] = 1;
    ram[0x5fff] = 2;
    ram[0x6010] = 3;
    uint8_t *over = phys_mem_add_rom(env.mem, 0x5000, 0x1000, "over");
    phys_mem_add_mmio(env.mem, 0x6000, 0x10, &mmio_ops, NULL, "small");
    over[0] = 9;
    phys_mem_read(env.mem, 0x5000, &c, 1);
    ck_assert_uint_eq(c, 9);
    phys_mem_read(env.mem, 0x4fff, &c, 1);
    ck_assert_uint_eq(c, 0);
    phys_mem_read(env.mem, 0x6000, &c, 1);
    ck_assert_uint_eq(c, 0xd4);
    phys_mem_read(env.mem, 0x6010, &c, 1);
    ck_assert_uint_eq(c, 3);
    /* A page that is partly a device stays off the fast path, and works. */
    ck_assert_uint_eq(mmu_ldub(&env, 0x6010, KERN, 0), 3);
    ck_assert_uint_eq(mmu_ldub(&env, 0x6001, KERN, 0), 0xc3);
    ck_assert_int_eq(entry(KERN, 0x6000)->read, 0);
    mmu_stb(&env, 0x6011, 7, KERN, 0);
    ck_assert_uint_eq(ram[0x6011], 7);
    hwaddr base, size;
    uint8_t *host;
    ck_assert(phys_mem_ram_region(env.mem, 0, &base, &size, &host));
    ck_assert(base == 0 && size == RAM_SIZE && host == ram);
    ck_assert(!phys_mem_ram_region(env.mem, 1, &base, &size, &host));
}
END_TEST

/* ---- no paging ---- */

START_TEST(unpaged)
{
    mmu_stl(&env, 0x1000, 0x12345678, KERN, 0);
    ck_assert_uint_eq(get32(0x1000), 0x12345678);
    struct tlb_entry *e = entry(KERN, 0x1000);
    ck_assert(e->read > 0 && e->read == e->write);
    ck_assert_ptr_eq((void *)(uintptr_t)(0x1000 + e->read), ram + 0x1000);
    for (int k = 1; k < 4; k++) /* slots of misaligned addresses are never filled */
        ck_assert(e[k].read == 0 && e[k].write == 0);
    ck_assert_uint_eq(mmu_ldub(&env, 0x1003, KERN, 0), 0x12);
    ck_assert_uint_eq(mmu_lduw(&env, 0x1001, KERN, 0), 0x3456);
    mmu_stq(&env, 0x1ffd, 0x1122334455667788, KERN, 0);
    ck_assert_uint_eq(mmu_ldq(&env, 0x1ffd, KERN, 0), 0x1122334455667788);
    ck_assert_mem_eq(ram + 0x1ffd, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
    ck_assert_uint_eq(mmu_ldl(&env, 0x70000000, KERN, 0), 0xffffffff); /* nothing there */
    mmu_stl(&env, 0x70000000, 1, KERN, 0);
    /* High addresses: the entry is for the sign-extended address. */
    rom[0x10] = 0x77;
    ck_assert_uint_eq(mmu_ldub(&env, 0xfff00010, KERN, 0), 0x77);
    e = entry(KERN, 0xfff00000);
    ck_assert(e->read > 0 && e->write == 0);
    ck_assert_ptr_eq((void *)(uintptr_t)((int64_t)(int32_t)0xfff00010 + e->read), rom + 0x10);
    mmu_stb(&env, 0xfff00010, 0, KERN, 0);
    ck_assert_uint_eq(rom[0x10], 0x77);
}
END_TEST

START_TEST(mmio_access)
{
    ck_assert_uint_eq(mmu_ldl(&env, 0xfe000000, KERN, 0), 0xa1b2c3d4);
    ck_assert_int_eq(mmio_reads, 1);
    mmu_stw(&env, 0xfe000006, 0xbeef, KERN, 0);
    ck_assert(mmio_last[0] == 6 && mmio_last[1] == 0xbeef && mmio_last[2] == 2);
    ck_assert_int_eq(entry(KERN, 0xfe000000)->read, 0);
    uint32_t len = 100;
    ck_assert_ptr_null(mmu_host_ptr(&env, 0xfe000000, &len, MMU_DATA_LOAD, KERN, 0));
}
END_TEST

START_TEST(wraps_at_4g)
{
    ram[0] = 0x11;
    rom[0xffff] = 0x22;
    uint8_t *top = phys_mem_add_rom(env.mem, 0xfffff000, 0x1000, "top");
    top[0xfff] = 0x33;
    ck_assert_uint_eq(mmu_lduw(&env, 0xffffffff, KERN, 0), 0x1133);
}
END_TEST

START_TEST(a20)
{
    ram[0x100000] = 1;
    ram[0] = 2;
    ck_assert_uint_eq(mmu_ldub(&env, 0x100000, KERN, 0), 1);
    env.a20_mask = ~(1u << 20);
    tlb_flush(&env);
    ck_assert_uint_eq(mmu_ldub(&env, 0x100000, KERN, 0), 2);
    const uint8_t *host;
    bool global;
    ck_assert(mmu_fetch_page(&env, 0x300005, &host, &global) == 0x200005 && host == ram + 0x200005);
    /* The gate is on physical addresses, page tables too. */
    paging_32(0, 0);
    env.cr[3] = DIR | 0x100000;
    map32(0x3000, 0x101000 | P);
    ram[0x1000] = 5;
    ck_assert_uint_eq(mmu_ldub(&env, 0x3000, KERN, 0), 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        phys_regions, phys_overlap, unpaged, mmio_access, wraps_at_4g, a20
    };
    return mmu_run("physical memory", tests, sizeof(tests) / sizeof(tests[0]));
}
