/* The soft MMU on page tables built in guest RAM: every kind of page and fault, flushes, code pages,
 * watch points. */
#include <check.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "exception.h"
#include "log.h"
#include "segment.h"
#include "softmmu.h"

/* ---- what the soft MMU calls, noted down ---- */

uint32_t log_mask;
FILE *log_file;
void log_printf(const char *fmt, ...)
{
    (void)fmt;
}

static jmp_buf fault_jmp;
static int fault_vector;
static uint32_t fault_code;
static uintptr_t fault_ra;

void raise_exception_err(CPUX86State *e, int vector, uint32_t error_code, uintptr_t ra)
{
    (void)e;
    fault_vector = vector;
    fault_code = error_code;
    fault_ra = ra;
    longjmp(fault_jmp, 1);
}

static struct {
    uint32_t linear;
    unsigned len;
    int type, calls;
} bp;

void cpu_check_data_bp(CPUX86State *e, uint32_t linear, unsigned len, int type)
{
    (void)e;
    bp.linear = linear;
    bp.len = len;
    bp.type = type;
    bp.calls++;
}

/* ---- fixture ---- */

#define RAM_SIZE 0x800000u
#define DIR 0x10000u /* page directory, or PAE's first one */
#define TAB 0x20000u /* page tables, one for each of the first directory entries */
enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
#define NX (1ull << 63)
enum { USER = MMU_USER_IDX, SMAP = MMU_KSMAP_IDX, KERN = MMU_KNOSMAP_IDX };

static CPUX86State env;
static uint8_t *ram, *rom;
static uint32_t mmio_last[3]; /* offset, value, size */
static int mmio_reads, mmio_writes;

static uint32_t mmio_read(void *opaque, hwaddr offset, unsigned size)
{
    (void)opaque;
    mmio_reads++;
    mmio_last[0] = (uint32_t)offset;
    mmio_last[2] = size;
    return 0xa1b2c3d4u >> 8 * (offset & 3);
}

static void mmio_write(void *opaque, hwaddr offset, uint32_t value, unsigned size)
{
    (void)opaque;
    mmio_writes++;
    mmio_last[0] = (uint32_t)offset;
    mmio_last[1] = value;
    mmio_last[2] = size;
}

static const struct mmio_ops mmio_ops = { mmio_read, mmio_write };

static void setup(void)
{
    memset(&env, 0, sizeof(env));
    memset(&bp, 0, sizeof(bp));
    mmio_reads = mmio_writes = 0;
    env.a20_mask = ~0u;
    env.mem = phys_mem_new();
    ram = phys_mem_add_ram(env.mem, 0, RAM_SIZE, "ram");
    rom = phys_mem_add_rom(env.mem, 0xfff00000, 0x10000, "rom");
    phys_mem_add_mmio(env.mem, 0xfe000000, 0x1800, &mmio_ops, NULL, "dev");
    ck_assert_ptr_nonnull(ram);
    ck_assert_ptr_nonnull(rom);
    ck_assert_ptr_nonnull(softmmu_new(&env));
}

static void teardown(void)
{
    softmmu_free(&env);
    phys_mem_free(env.mem);
}

static void put32(uint32_t at, uint32_t v)
{
    memcpy(ram + at, &v, 4);
}

static uint32_t get32(uint32_t at)
{
    uint32_t v;
    memcpy(&v, ram + at, 4);
    return v;
}

static void put64(uint32_t at, uint64_t v)
{
    memcpy(ram + at, &v, 8);
}

static uint64_t get64(uint32_t at)
{
    uint64_t v;
    memcpy(&v, ram + at, 8);
    return v;
}

/* 32-bit paging: the first 16 MiB have page tables, all entries are 0. */
static void paging_32(uint32_t cr0, uint32_t cr4)
{
    env.cr[0] = CR0_PE | CR0_PG | cr0;
    env.cr[4] = cr4;
    env.cr[3] = DIR;
    for (unsigned i = 0; i < 4; i++)
        put32(DIR + 4 * i, (TAB + i * 0x1000) | P | W | U);
    tlb_flush(&env);
}

static uint32_t pte_at(uint32_t vaddr)
{
    return TAB + (vaddr >> 12) * 4;
}

static void map32(uint32_t vaddr, uint32_t entry)
{
    put32(pte_at(vaddr), entry);
    tlb_flush_page(&env, vaddr);
}

static void paging_pae(uint64_t efer)
{
    env.cr[0] = CR0_PE | CR0_PG | CR0_WP;
    env.cr[4] = CR4_PAE | CR4_PGE;
    env.efer = efer;
    env.pdptr[0] = DIR | P;
    put64(DIR, TAB | P | W | U);
    tlb_flush(&env);
}

static void map_pae(uint32_t vaddr, uint64_t entry)
{
    put64(TAB + (vaddr >> 12) * 8, entry);
    tlb_flush_page(&env, vaddr);
}

/* Runs the statement; the error code of the page fault, or -1. */
#define ATTEMPT(stmt) (fault_vector = -1, setjmp(fault_jmp) ? (int)fault_code : ((void)(stmt), -1))

#define FAULTS(stmt, code, where) \
    do { \
        env.cr[2] = 0xdeadbeef; \
        int got = ATTEMPT(stmt); \
        ck_assert_int_eq(got, code); \
        ck_assert_int_eq(fault_vector, EXCP_PF); \
        ck_assert_uint_eq(env.cr[2], where); \
        ck_assert_uint_eq(fault_ra, 77); \
    } while (0)
#define WORKS(stmt) ck_assert_int_eq(ATTEMPT(stmt), -1)

static struct tlb_entry *entry(int mmu_idx, uint32_t vaddr)
{
    char *table = (char *)softmmu_table(&env, mmu_idx);
    return (struct tlb_entry *)(table + ((uint64_t)(vaddr >> 12) << TLB_PAGE_SHIFT));
}

static int load(uint32_t vaddr, int mmu_idx)
{
    return ATTEMPT(mmu_ldl(&env, vaddr, mmu_idx, 77));
}

static int store(uint32_t vaddr, int mmu_idx)
{
    return ATTEMPT(mmu_stl(&env, vaddr, 0x55, mmu_idx, 77));
}

static int fetch(uint32_t vaddr, int cpl)
{
    const uint8_t *host;
    bool global;
    env.hflags = (uint32_t)cpl;
    return ATTEMPT(mmu_fetch_page(&env, vaddr, &host, &global));
}

/* ---- physical memory ---- */

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
    uint8_t *high = phys_mem_add_ram(env.mem, 0x5ull << 32, 0x400000, "high");
    high[0x3ffff0] = 0x66;
    put32(DIR + 8, 5u << 13 | P | PS);
    ck_assert_uint_eq(mmu_ldub(&env, 0xbffff0, KERN, 0), 0x66);
    /* Bits 17-21 are reserved. */
    for (unsigned bit = 17; bit <= 21; bit++) {
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
        phys_regions, phys_overlap, unpaged, mmio_access, wraps_at_4g, a20, fault_codes_32,
        write_protect, accessed_dirty, pse, invlpg_large, smep_smap, pae_pages, pae_reserved, no_execute,
        crossing, global_pages, global_then_not, flush_by_idx, many_pages, code_pages,
        code_page_remapped, code_in_page_table, watch_points, fetch_cache
    };
    Suite *s = suite_create("softmmu");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
