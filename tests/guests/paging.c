/* Paging with 4 KiB and 4 MiB pages: error codes, accessed and dirty bits, WP, global pages, TLB. */
#include "guest.h"

static volatile u32 *p;
static u32 seen;
static void load(void) { seen = *p; }
static void store(void) { *p = 0x12345678; }
static void rmw(void) { __asm__ volatile("addl $0, %0" : "+m"(*p)); }
static void jump(void) { ((void (*)(void))(u32)p)(); }
static u32 cr_value;
static void to_cr0(void) { write_cr0(cr_value); }
static void to_cr4(void) { write_cr4(cr_value); }

static void set(u32 bits)
{
    *pte(p) = ((u32)p & ~0xfffu) | bits;
    invlpg(p);
}

static u32 bits(void)
{
    return *pte(p) & 0xfff;
}

static void fault(const char *name, int vector, u32 want)
{
    check(name, outcome(vector), PF | want << 16);
    check(" its CR2", trap_cr2, (u32)p);
}

static void rights(void)
{
    p = (u32 *)pages[0];
    set(0);
    fault("read, not present", try(load), 0);
    fault("write, not present", try(store), 2);
    fault("user read, not present", try_user(load), 4);
    fault("user write, not present", try_user(store), 6);
    fault("fetch, not present", try(jump), 0);
    fault("user fetch, not present", try_user(jump), 4);
    set(P_P | P_RW);
    fault("user read of a supervisor page", try_user(load), 5);
    fault("user write to a supervisor page", try_user(store), 7);
    check("supervisor write", (u32)try(store), (u32)NONE);
    set(P_P | P_US);
    check("user read of a read-only page", (u32)try_user(load), SYSCALL);
    fault("user write to a read-only page", try_user(store), 7);
    fault("user read-modify-write of a read-only page", try_user(rmw), 7);
    check("WP=0: supervisor write to a read-only page", (u32)try(store), (u32)NONE);
    write_cr0(read_cr0() | 0x10000);
    fault("WP=1: supervisor write to a read-only page", try(store), 3);
    set(P_P);
    fault("WP=1: the same, supervisor page", try(store), 3);
    check("WP=1: supervisor read", (u32)try(load), (u32)NONE);
    write_cr0(read_cr0() & ~0x10000u);
    check("WP=0 again", (u32)try(store), (u32)NONE);
    set(P_P | P_RW | P_US);
    /* Directory rights count too. */
    page_dir[0] &= ~P_US;
    write_cr3(read_cr3());
    check("user code in a supervisor directory entry", outcome(try_user(load)), PF | 5 << 16);
    page_dir[0] |= P_US;
    write_cr3(read_cr3());
    check("user again", (u32)try_user(load), SYSCALL);
    page_dir[1] &= ~P_RW;
    p = (u32 *)0x500000;
    invlpg(p);
    fault("user write through a read-only directory entry", try_user(store), 7);
    page_dir[1] = 0;
    invlpg(p);
    fault("no directory entry", try(store), 2);
    page_dir[1] = (u32)page_tables[1] | P_P | P_RW | P_US;
}

static void accessed_dirty(void)
{
    p = (u32 *)pages[1];
    set(P_P | P_RW | P_US);
    page_dir[0] &= ~(P_A | P_D);
    write_cr3(read_cr3());
    check("untouched: neither A nor D", bits(), P_P | P_RW | P_US);
    load();
    check("read: A", bits(), P_P | P_RW | P_US | P_A);
    check("directory entry: A", page_dir[0] & (P_A | P_D), P_A);
    store();
    check("write after read: D", bits(), P_P | P_RW | P_US | P_A | P_D);
    set(P_P | P_RW | P_US);
    store();
    check("write: A and D", bits(), P_P | P_RW | P_US | P_A | P_D);
    set(P_P | P_US);
    try_user(store);
    check("refused write: not D", bits() & P_D, 0);
    set(P_P | P_RW | P_US | P_A);
    rmw();
    check("read-modify-write: D", bits() & P_D, P_D);
    *(u8 *)p = 0xc3;
    set(P_P | P_RW | P_US);
    jump();
    check("fetch: A", bits(), P_P | P_RW | P_US | P_A);
}

static void crossing(void)
{
    u32 *q = (u32 *)(pages[2] - 2);
    p = (u32 *)pages[2];
    pages[1][4094] = 0x11;
    pages[1][4095] = 0x22;
    set(0);
    p = q;
    check("write across pages, second not present", outcome(try(store)), PF | 2 << 16);
    check(" its CR2 is the second page", trap_cr2, (u32)pages[2]);
    check(" first page unchanged", *(u16 *)(pages[1] + 4094), 0x2211);
    check("read across pages, second not present", outcome(try(load)), PF | 0 << 16);
    check(" its CR2 ", trap_cr2, (u32)pages[2]);
    p = (u32 *)pages[2];
    set(P_P | P_RW | P_US);
    p = (u32 *)pages[1];
    set(0);
    p = q;
    check("write across pages, first not present", outcome(try(store)), PF | 2 << 16);
    check(" its CR2 is the address", trap_cr2, (u32)q);
    p = (u32 *)pages[1];
    set(P_P | P_RW | P_US);
    p = q;
    store();
    load();
    check("write and read across pages", seen, 0x12345678);
    /* Not neighbours in physical memory. */
    p = (u32 *)pages[2];
    *pte(p) = (u32)pages[3] | P_P | P_RW | P_US;
    invlpg(p);
    p = q;
    *(u16 *)pages[3] = 0;
    store();
    check("pages swapped: upper half", *(u16 *)pages[3], 0x1234);
    load();
    check("pages swapped: read", seen, 0x12345678);
    p = (u32 *)pages[2];
    set(P_P | P_RW | P_US);
}

static void translation(void)
{
    *(u32 *)pages[0] = 1;
    *(u32 *)pages[1] = 2;
    p = (u32 *)pages[0];
    load();
    check("identity", seen, 1);
    *pte(p) = (u32)pages[1] | P_P | P_RW | P_US;
    invlpg(p);
    load();
    check("after INVLPG", seen, 2);
    set(P_P | P_RW | P_US);
    load();
    *pte(p) = (u32)pages[1] | P_P | P_RW | P_US;
    write_cr3(read_cr3());
    load();
    check("after a CR3 load", seen, 2);
    set(P_P | P_RW | P_US);
    /* Global pages. */
    write_cr4(read_cr4() | 0x80);
    set(P_P | P_RW | P_US | P_G);
    load();
    *pte(p) = (u32)pages[1] | P_P | P_RW | P_US | P_G;
    write_cr3(read_cr3());
    load();
    check("a global page survives a CR3 load", seen, 1);
    invlpg(p);
    load();
    check("but not INVLPG", seen, 2);
    *pte(p) = (u32)pages[0] | P_P | P_RW | P_US | P_G;
    write_cr4(read_cr4() & ~0x80u);
    load();
    check("nor a change of CR4.PGE", seen, 1);
    write_cr3(read_cr3());
    /* Two addresses of one page. */
    *pte((void *)0x600000) = (u32)pages[0] | P_P | P_RW | P_US;
    invlpg((void *)0x600000);
    *(volatile u32 *)0x600000 = 0x55;
    load();
    check("alias", seen, 0x55);
    set(P_P | P_RW | P_US);
}

static void large(void)
{
    write_cr4(read_cr4() | 0x10);
    page_dir[2] = P_P | P_RW | P_US | P_PS; /* 8 MiB -> 0 */
    write_cr3(read_cr3());
    *(u32 *)pages[0] = 0xabcd;
    p = (u32 *)(0x800000 + (u32)pages[0]);
    load();
    check("4 MiB page: read", seen, 0xabcd);
    check("4 MiB page: A", page_dir[2] & (P_A | P_D), P_A);
    store();
    check("4 MiB page: D", page_dir[2] & (P_A | P_D), P_A | P_D);
    check("4 MiB page: written", *(u32 *)pages[0], 0x12345678);
    page_dir[2] = P_P | P_PS | P_US;
    invlpg(p);
    check("4 MiB page: user write to read-only", outcome(try_user(store)), PF | 7 << 16);
    page_dir[2] = P_P | P_PS | P_RW;
    invlpg(p);
    check("4 MiB page: user read of supervisor", outcome(try_user(load)), PF | 5 << 16);
    page_dir[2] = P_P | P_PS | P_RW | P_US | 1u << 21;
    invlpg(p);
    check("4 MiB page: reserved bit", outcome(try(load)), PF | 9 << 16);
    check("4 MiB page: reserved bit, user write", outcome(try_user(store)), PF | 15 << 16);
    page_dir[2] = P_P | P_PS | P_RW | P_US;
    write_cr3(read_cr3());
    p = (u32 *)(0x800000 + (u32)pages[0]);
    load();
    /* INVLPG of any address in the page drops it all. */
    page_dir[2] = 0x400000 | P_P | P_PS | P_RW | P_US;
    invlpg((void *)0x800000);
    *(volatile u32 *)(0x400000 + (u32)pages[0]) = 0x77;
    load();
    check("4 MiB page: INVLPG elsewhere in it", seen, 0x77);
    page_dir[2] = 0;
    write_cr3(read_cr3());
}

static void control_registers(void)
{
    cr_value = read_cr0() & ~1u;
    check("CR0: PG without PE", outcome(try(to_cr0)), GP);
    cr_value = (read_cr0() | 0x20000000) & ~0x40000000u;
    check("CR0: NW without CD", outcome(try(to_cr0)), GP);
    cr_value = read_cr4() | 0x80000000;
    check("CR4: reserved bit", outcome(try(to_cr4)), GP);
    check("CR0 in ring 3", outcome(try_user(to_cr0)), GP);
    write_cr3((u32)page_dir | 0x18);
    check("CR3 keeps PCD and PWT", read_cr3(), (u32)page_dir | 0x18);
    write_cr3((u32)page_dir);
    write_cr2(0x87654321);
    check("CR2 can be written", read_cr2(), 0x87654321);
}

void test(void)
{
    paging_on();
    rights();
    accessed_dirty();
    crossing();
    translation();
    large();
    control_registers();
}
