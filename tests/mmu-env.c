#include "mmu-env.h"

#include <string.h>

#include "log.h"
#include "suite.h"

/* ---- what the soft MMU calls, noted down ---- */

uint32_t log_mask;
FILE *log_file;
void log_printf(const char *fmt, ...)
{
    (void)fmt;
}

jmp_buf fault_jmp;
int fault_vector;
uint32_t fault_code;
uintptr_t fault_ra;

void raise_exception_err(CPUX86State *e, int vector, uint32_t error_code, uintptr_t ra)
{
    (void)e;
    fault_vector = vector;
    fault_code = error_code;
    fault_ra = ra;
    longjmp(fault_jmp, 1);
}

struct bp_check bp;

void cpu_check_data_bp(CPUX86State *e, uint32_t linear, unsigned len, int type)
{
    (void)e;
    bp.linear = linear;
    bp.len = len;
    bp.type = type;
    bp.calls++;
}

/* ---- memory and page tables ---- */

CPUX86State env;
uint8_t *ram, *rom;
uint32_t mmio_last[3];
int mmio_reads, mmio_writes;

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

const struct mmio_ops mmio_ops = { mmio_read, mmio_write };

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

void put32(uint32_t at, uint32_t v)
{
    memcpy(ram + at, &v, 4);
}

uint32_t get32(uint32_t at)
{
    uint32_t v;
    memcpy(&v, ram + at, 4);
    return v;
}

void put64(uint32_t at, uint64_t v)
{
    memcpy(ram + at, &v, 8);
}

uint64_t get64(uint32_t at)
{
    uint64_t v;
    memcpy(&v, ram + at, 8);
    return v;
}

void paging_32(uint32_t cr0, uint32_t cr4)
{
    env.cr[0] = CR0_PE | CR0_PG | cr0;
    env.cr[4] = cr4;
    env.cr[3] = DIR;
    for (unsigned i = 0; i < 4; i++)
        put32(DIR + 4 * i, (TAB + i * 0x1000) | P | W | U);
    tlb_flush(&env);
}

uint32_t pte_at(uint32_t vaddr)
{
    return TAB + (vaddr >> 12) * 4;
}

void map32(uint32_t vaddr, uint32_t entry)
{
    put32(pte_at(vaddr), entry);
    tlb_flush_page(&env, vaddr);
}

void paging_pae(uint64_t efer)
{
    env.cr[0] = CR0_PE | CR0_PG | CR0_WP;
    env.cr[4] = CR4_PAE | CR4_PGE;
    env.efer = efer;
    env.pdptr[0] = DIR | P;
    put64(DIR, TAB | P | W | U);
    tlb_flush(&env);
}

void map_pae(uint32_t vaddr, uint64_t entry)
{
    put64(TAB + (vaddr >> 12) * 8, entry);
    tlb_flush_page(&env, vaddr);
}

struct tlb_entry *entry(int mmu_idx, uint32_t vaddr)
{
    char *table = (char *)softmmu_table(&env, mmu_idx);
    return (struct tlb_entry *)(table + ((uint64_t)(vaddr >> 12) << TLB_PAGE_SHIFT));
}

int load(uint32_t vaddr, int mmu_idx)
{
    return ATTEMPT(mmu_ldl(&env, vaddr, mmu_idx, 77));
}

int store(uint32_t vaddr, int mmu_idx)
{
    return ATTEMPT(mmu_stl(&env, vaddr, 0x55, mmu_idx, 77));
}

int fetch(uint32_t vaddr, int cpl)
{
    const uint8_t *host;
    bool global;
    env.hflags = (uint32_t)cpl;
    return ATTEMPT(mmu_fetch_page(&env, vaddr, &host, &global));
}

int mmu_run(const char *name, const TTest *const *tests, unsigned count)
{
    return suite_run_tests(name, tests, count, setup, teardown);
}
