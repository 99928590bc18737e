/* Mappings that change under code that has run: INVLPG in either half of a 4 MiB page, instructions
 * on two pages whose second one changes, the running code's own page replaced, global pages, other
 * address spaces.
 *
 * Page tables are changed by plain stores; what INVLPG or a CR3 load drops must be gone for data, for code
 * that has been translated, and for jumps that have been linked, from the next instruction on: both
 * serialize (SDM 3, 8.3 and 4.10.4.1). */
#include "guest.h"

static void map(u8 *linear, const u8 *physical, u32 bits)
{
    *pte(linear) = (u32)physical | bits;
}

static u32 load(const u8 *p)
{
    return *(const volatile u32 *)(p + 1);
}

/* 4 MiB at this address show the second or the first 4 MiB of memory. */
static u8 *const big = (u8 *)0x400000;
static void show(u32 frame, u8 *flush)
{
    page_dir[1] = frame | P_P | P_RW | P_PS;
    invlpg(flush);
}

static void large(void)
{
    u32 table = page_dir[1];
    u8 *low = big + 0x7500, *high = big + 0x307500; /* both are free memory in either frame */
    put_mov(low, 0x1111);
    put_mov(high, 0x2222);
    put_mov(low - 0x400000, 0x3333);
    /* 0x307500 is above 1 MiB, and above the kernel's image. */
    put_mov(high - 0x400000, 0x4444);
    write_cr4(read_cr4() | 0x10);
    page_dir[1] = 0x400000 | P_P | P_RW | P_PS;
    write_cr3(read_cr3());
    check("4 MiB page: lower half, data", load(low), 0x1111);
    check("4 MiB page: lower half, code", call_code(low), 0x1111);
    show(0, high);
    check("INVLPG in its upper half, data", load(low), 0x3333);
    check("INVLPG in its upper half, code", call_code(low), 0x3333);
    show(0x400000, low);
    check("4 MiB page: upper half, data", load(high), 0x2222);
    check("4 MiB page: upper half, code", call_code(high), 0x2222);
    show(0, low);
    check("INVLPG in its lower half, data", load(high), 0x4444);
    check("INVLPG in its lower half, code", call_code(high), 0x4444);
    show(0x400000, big + 0x3fffff);
    check("INVLPG of its last byte", call_code(low) << 16 | call_code(high), 0x11112222);
    show(0, big);
    check("INVLPG of its first byte", call_code(low) << 16 | call_code(high), 0x33334444);
    page_dir[1] = table;
    write_cr3(read_cr3());
    check("4 KiB pages again", call_code(low) << 16 | call_code(high), 0x11112222);
}

/* An instruction whose first two bytes are the last of a page. */
static u8 *cross;
static void run_cross(void) { __asm__ volatile("call *%0" : : "r"(cross) : "eax", "memory"); }
static void set(u8 *page, const u8 *frame, u32 bits)
{
    map(page, frame, bits);
    invlpg(page);
}

static void crossing(void)
{
    enum { ALL = P_P | P_RW | P_US };
    u8 *second = pages[2];
    cross = second - 2;
    put_mov(cross, 0x12345678);
    check("user code on two pages", (u32)try_user(run_cross), SYSCALL);
    check("again", (u32)try_user(run_cross), SYSCALL);
    set(second, second, P_P | P_RW);
    check("second page supervisor", outcome(try_user(run_cross)), PF | 5 << 16);
    check(" its CR2", trap_cr2, (u32)second);
    check(" its EIP", trap.eip, (u32)cross);
    check(" for ring 0 it runs", call_code(cross), 0x12345678);
    check(" and still not for ring 3", outcome(try_user(run_cross)), PF | 5 << 16);
    set(second, second, ALL);
    check("second page user again", (u32)try_user(run_cross), SYSCALL);
    set(second, second, P_RW | P_US);
    check("second page not present, ring 3", outcome(try_user(run_cross)), PF | 4 << 16);
    check("second page not present, ring 0", outcome(try(run_cross)), PF);
    check(" its CR2", trap_cr2, (u32)second);
    check(" its EIP", trap.eip, (u32)cross);
    set(second, second, ALL);
    check("second page present again", (u32)try_user(run_cross), SYSCALL);
    set(pages[1], pages[1], P_P | P_RW);
    check("first page supervisor", outcome(try_user(run_cross)), PF | 5 << 16);
    check(" its CR2", trap_cr2, (u32)cross);
    set(pages[1], pages[1], ALL);
    memcpy(pages[3], second, 16);
    pages[3][0] = 0x99;
    set(second, pages[3], ALL);
    check("another second page", call_code(cross), 0x12349978);
    pages[3][0] = 0x98;
    check("changed by its other address", call_code(cross), 0x12349878);
    set(second, second, ALL);
    check("the former second page", call_code(cross), 0x12345678);
    map(second, pages[3], ALL);
    write_cr3(read_cr3());
    check("another by a CR3 load", call_code(cross), 0x12349878);
    set(second, second, ALL);
}

/* Code that drops its own page's mapping: pages[0] and pages[1] hold the same up to the value that
 * they return, and take turns at this address. */
static u8 *const here = (u8 *)0x600000;
static void turns(const char *const names[3], const u8 *code, u32 len)
{
    for (u32 i = 0; i < 2; i++) {
        memcpy(pages[i], code, len);
        put_mov(pages[i] + len, i ? 0xbbbb : 0xaaaa);
    }
    set(here, pages[0], P_P | P_RW);
    check(names[0], call_code(here) << 16 | call_code(here), 0xaaaaaaaa);
    map(here, pages[1], P_P | P_RW);
    check(names[1], call_code(here), 0xbbbb);
    map(here, pages[0], P_P | P_RW);
    check(names[2], call_code(here), 0xaaaa);
}

static void running(void)
{
    /* invlpg [0x600000]; jmp to the next */
    static const u8 invlpg_jmp[] = {0x0f, 0x01, 0x3d, 0, 0, 0x60, 0, 0xeb, 0};
    /* mov eax, cr3; mov cr3, eax; jmp to the next */
    static const u8 cr3_jmp[] = {0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, 0xeb, 0};
    static const char *const cr3_names[] = {"MOV CR3, JMP", " the page is replaced", " and back"};
    static const char *const cr3_next[] = {"MOV CR3", " the page is replaced: next instruction", " and back"};
    static const char *const invlpg_names[] = {"INVLPG, JMP", " the page is replaced", " and back"};
    static const char *const invlpg_next[] = {
        "INVLPG", " the page is replaced: next instruction", " and back"
    };
    turns(invlpg_names, invlpg_jmp, sizeof invlpg_jmp);
    turns(invlpg_next, invlpg_jmp, sizeof invlpg_jmp - 2);
    turns(cr3_names, cr3_jmp, sizeof cr3_jmp);
    turns(cr3_next, cr3_jmp, sizeof cr3_jmp - 2);
    /* The same with a global page: that a CR3 load leaves it is not promised, but asked for (README). */
    write_cr4(read_cr4() | 0x80);
    set(here, pages[0], P_P | P_RW | P_G);
    check("global page", call_code(here), 0xaaaa);
    map(here, pages[1], P_P | P_RW | P_G);
    check("global page: not replaced by MOV CR3", call_code(here) << 16 | call_code(here), 0xaaaaaaaa);
    invlpg(here);
    check("global page: but by INVLPG", call_code(here), 0xbbbb);
    map(here, pages[0], P_P | P_RW);
    write_cr4(read_cr4() & ~0x80u);
    check("global page: and by clearing PGE", call_code(here), 0xaaaa);
}

static void linked(void)
{
    u8 *from = here, *to = here + 0x1000;
    u32 bad = 0;
    /* here jumps to a page whose frame changes each time */
    u32 distance = 0x1000 - 5;
    pages[0][0] = 0xe9;
    memcpy(pages[0] + 1, &distance, 4);
    put_mov(pages[1], 1);
    put_mov(pages[2], 2);
    set(from, pages[0], P_P | P_RW);
    for (u32 i = 0; i < 100; i++) {
        set(to, pages[1 + (i & 1)], P_P | P_RW);
        bad += call_code(from) != 1 + (i & 1);
        bad += call_code(from) != 1 + (i & 1);
    }
    check("a jump to a page that INVLPG replaces", bad, 0);
    for (u32 i = 0; i < 100; i++) {
        map(to, pages[1 + (i & 1)], P_P | P_RW);
        write_cr3(read_cr3());
        bad += call_code(from) != 1 + (i & 1);
    }
    check("a jump to a page that a CR3 load replaces", bad, 0);
    set(to, pages[1], 0);
    check("a jump to a page that is gone", outcome(try((void (*)(void))(u32)from)), PF);
    check(" its EIP", trap.eip, (u32)to);
    set(to, pages[1], P_P | P_RW);
    check("and there again", call_code(from), 1);
}

static u32 other_dir[1024] __attribute__((aligned(4096))), other_table[1024] __attribute__((aligned(4096)));
static void spaces(void)
{
    u32 bad = 0;
    memcpy(other_dir, page_dir, sizeof other_dir);
    memcpy(other_table, page_tables[1], sizeof other_table);
    other_dir[1] = (u32)other_table | P_P | P_RW | P_US;
    put_mov(pages[1], 1);
    put_mov(pages[2], 2);
    map(here, pages[1], P_P | P_RW);
    other_table[(u32)here >> 12 & 1023] = (u32)pages[2] | P_P | P_RW;
    for (u32 i = 0; i < 100; i++) {
        write_cr3((u32)(i & 1 ? other_dir : page_dir));
        bad += call_code(here) != 1 + (i & 1);
    }
    check("two address spaces", bad, 0);
    write_cr3((u32)page_dir);
}

void test(void)
{
    paging_on();
    large();
    crossing();
    running();
    linked();
    spaces();
}
