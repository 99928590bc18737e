/* PAE: 4 KiB and 2 MiB pages, the four cached PDPTEs, reserved bits. */
#include "guest.h"

static u64 pdpt[4] __attribute__((aligned(32))), pdpt2[4] __attribute__((aligned(32)));
static u64 pd[512] __attribute__((aligned(4096))), pt[512] __attribute__((aligned(4096)));
static u64 pd2[512] __attribute__((aligned(4096)));
static volatile u32 *p;
static u32 seen, cr3_value;
static void load(void) { seen = *p; }
static void store(void) { *p = 0x12345678; }
static void jump(void) { ((void (*)(void))(u32)p)(); }
static void to_cr3(void) { write_cr3(cr3_value); }

static u64 *entry(const volatile void *a)
{
    return &pt[(u32)a >> 12 & 511];
}

void test(void)
{
    /* 0-2 MiB by 4 KiB pages, the next GiB's first 2 MiB by one large page of the same. */
    for (u32 i = 0; i < 512; i++)
        pt[i] = i << 12 | P_P | P_RW | P_US;
    pd[0] = (u32)pt | P_P | P_RW | P_US;
    pd[1] = 0x200000 | P_P | P_RW | P_US | P_PS;
    pd2[0] = P_P | P_RW | P_US | P_PS;
    pdpt[0] = (u32)pd | P_P;
    pdpt[1] = (u32)pd2 | P_P;
    write_cr4(read_cr4() | 0x20);
    write_cr3((u32)pdpt);
    write_cr0(read_cr0() | 0x80000000);
    check("PAE is on", read_cr4() & 0x20, 0x20);

    *(u32 *)pages[0] = 0x1111;
    p = (u32 *)(0x40000000 + (u32)pages[0]);
    load();
    check("2 MiB page", seen, 0x1111);
    check("2 MiB page: A", (u32)pd2[0] & (P_A | P_D), P_A);
    store();
    check("2 MiB page: D", (u32)pd2[0] & (P_A | P_D), P_A | P_D);
    check("2 MiB page: written", *(u32 *)pages[0], 0x12345678);

    p = (u32 *)pages[1];
    *entry(p) = (u32)pages[1] | P_P | P_RW | P_US;
    invlpg(p);
    load();
    check("4 KiB page: A", (u32)*entry(p) & (P_A | P_D), P_A);
    store();
    check("4 KiB page: D", (u32)*entry(p) & (P_A | P_D), P_A | P_D);
    *entry(p) = 0;
    invlpg(p);
    check("4 KiB page: not present", outcome(try(store)), PF | 2 << 16);
    check(" its CR2", trap_cr2, (u32)p);
    check("4 KiB page: user", outcome(try_user(load)), PF | 4 << 16);
    check("4 KiB page: user fetch (no NX: no I/D bit)", outcome(try_user(jump)), PF | 4 << 16);
    *entry(p) = (u32)pages[1] | P_P | P_US;
    invlpg(p);
    check("4 KiB page: user write to read-only", outcome(try_user(store)), PF | 7 << 16);
    *entry(p) = (u32)pages[1] | P_P | P_RW | P_US | 1ull << 62;
    invlpg(p);
    check("reserved bit in the table", outcome(try(load)), PF | 9 << 16);
    *entry(p) = (u32)pages[1] | P_P | P_RW | P_US | 1ull << 63;
    invlpg(p);
    /* EFER.NXE is clear (or does not exist). */
    check("bit 63 without NXE is reserved", outcome(try(load)), PF | 9 << 16);
    *entry(p) = (u32)pages[1] | P_P | P_RW | P_US;
    invlpg(p);
    check("4 KiB page again", (u32)try(load), (u32)NONE);
    pd2[0] |= 1u << 14;
    p = (u32 *)(0x40000000 + (u32)pages[0]);
    invlpg(p);
    check("reserved bit in a 2 MiB page", outcome(try(load)), PF | 9 << 16);
    pd2[0] &= ~(1u << 14);
    invlpg(p);
    load();
    check("2 MiB page again", seen, 0x12345678);

    /* PDPTEs are registers: a change in memory has no effect until CR3 is loaded. */
    pdpt[2] = (u32)pd2 | P_P;
    p = (u32 *)(0x80000000 + (u32)pages[0]);
    check("a new PDPTE before a CR3 load", outcome(try(load)), PF | 0 << 16);
    write_cr3((u32)pdpt);
    check("and after", (u32)try(load), (u32)NONE);
    pdpt[2] = 0;
    invlpg(p);
    check("a PDPTE taken away is still there", (u32)try(load), (u32)NONE);
    write_cr3((u32)pdpt);
    check("until CR3 is loaded", outcome(try(load)), PF | 0 << 16);

    memcpy(pdpt2, pdpt, sizeof pdpt);
    pdpt2[3] = (u32)pd2 | P_P | P_RW; /* reserved in PDPTEs */
    cr3_value = (u32)pdpt2;
    check("reserved bit in a PDPTE: #GP at the CR3 load", outcome(try(to_cr3)), GP);
    check(" CR3 is as it was", read_cr3(), (u32)pdpt);
    pdpt2[3] = (u32)pd2 | P_RW; /* not present: not looked at */
    check("the same in one not present", (u32)try(to_cr3), (u32)NONE);
    check(" CR3", read_cr3(), (u32)pdpt2);
    write_cr3((u32)pdpt);
    write_cr0(read_cr0() & 0x7fffffff);
    write_cr4(read_cr4() & ~0x20u);
}
