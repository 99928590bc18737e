/* Self-modifying code: the next instruction, the same block, another block, across pages,
 * through an alias, by string instructions, and data beside code. */
#include "guest.h"

static u8 *const code = pages[0];

extern u8 m_next[], m_next_end[], m_same[], m_same_end[], m_back[], m_back_end[], m_rep[], m_rep_end[], m_loop[];
extern u8 m_loop_end[], m_self[], m_self_end[];
/* Position-independent: the address of the code is in ESI. */
__asm__( /* The immediate of the very next instruction. */
        "m_next: call 1f\n1: pop %esi\n movl $0x77, 2f-1b+1(%esi)\n2: mov $0x11, %eax\n ret\n m_next_end:\n"
        /* One further on in the same block. */
        "m_same: call 1f\n1: pop %esi\n movb $0x66, 2f-1b+1(%esi)\n nop\n inc %ecx\n dec %ecx\n2: mov $0x11, %eax\n ret\n"
        "m_same_end:\n"
        /* Behind us in a loop: the second pass sees it. */
        "m_back: call 1f\n1: pop %esi\n mov $3, %ecx\n xor %edx, %edx\n2: mov $1, %eax\n add %eax, %edx\n"
        " incl 2b-1b+1(%esi)\n loop 2b\n mov %edx, %eax\n ret\n m_back_end:\n"
        /* REP MOVSB over the code that follows it. */
        "m_rep: call 1f\n1: pop %edx\n lea 3f-1b(%edx), %esi\n lea 2f-1b(%edx), %edi\n mov $5, %ecx\n rep movsb\n"
        "2: mov $0x11, %eax\n ret\n3: mov $0x99, %eax\n m_rep_end:\n"
        /* A loop that counts by changing its own operand. */
        "m_loop: call 1f\n1: pop %esi\n mov $1000, %ecx\n2: addl $2, 3f-1b+1(%esi)\n3: mov $0, %eax\n dec %ecx\n jnz 2b\n"
        " ret\n m_loop_end:\n"
        /* The storing instruction overwrites itself. */
        "m_self: call 1f\n1: pop %esi\n mov $0x90, %al\n2: movb %al, 2b-1b(%esi)\n mov $5, %eax\n ret\n m_self_end:\n");

static u32 run(const u8 *from, const u8 *to, u8 *at)
{
    memcpy(at, from, (u32)(to - from));
    return call_code(at);
}

static void inside(void)
{
    check("the next instruction", run(m_next, m_next_end, code), 0x77);
    check("again", run(m_next, m_next_end, code), 0x77);
    check("the same block", run(m_same, m_same_end, code), 0x66);
    check("behind us in a loop", run(m_back, m_back_end, code), 6);
    check("by REP MOVSB", run(m_rep, m_rep_end, code), 0x99);
    check("a loop that counts in its own code", run(m_loop, m_loop_end, code), 2000);
    check("itself", run(m_self, m_self_end, code), 5);
    check("itself changed", code[8], 0x90);
    check("the next instruction, across a page", run(m_next, m_next_end, pages[1] - 12), 0x77);
    check("the next instruction, opcode before the boundary", run(m_next, m_next_end, pages[1] - 17), 0x77);
    check("a loop across a page", run(m_loop, m_loop_end, pages[1] - 14), 2000);
    check("by REP MOVSB across a page", run(m_rep, m_rep_end, pages[1] - 28), 0x99);
}

static void outside(void)
{
    u32 bad = 0;
    put_mov(code, 1);
    check("a function", call_code(code), 1);
    code[1] = 2;
    check("changed by a byte", call_code(code), 2);
    *(u16 *)(code + 1) = 0x1234;
    check("by a word", call_code(code), 0x1234);
    *(u32 *)(code + 1) = 0x56789abc;
    check("by a dword", call_code(code), 0x56789abc);
    put_mov(code + 16, 0x56789abc);
    call_code(code + 16);
    *(u32 *)(code + 15) = 0x9a11b800;
    check("by a dword that is not aligned", call_code(code + 16), 0x56789a11);
    /* Many times, with a caller that has been running before. */
    for (u32 i = 0; i < 2000; i++) {
        *(u32 *)(code + 1) = i;
        if (call_code(code) != i)
            bad++;
    }
    check("changed 2000 times", bad, 0);
    /* Data on the page of the code. */
    put_mov(code, 7);
    for (u32 i = 0; i < 2000; i++) {
        *(u32 *)(code + 256) = i;
        if (call_code(code) != 7 || *(u32 *)(code + 256) != i)
            bad++;
    }
    check("data beside code", bad, 0);
    /* Two functions on a page: only one changes. */
    put_mov(code + 512, 8);
    for (u32 i = 0; i < 500; i++) {
        *(u32 *)(code + 1) = i;
        if (call_code(code) != i || call_code(code + 512) != 8)
            bad++;
    }
    check("two functions on a page", bad, 0);
    /* Moved across the page boundary, byte by byte. */
    for (int i = -8; i < 4; i++) {
        put_mov(pages[1] + i, (u32)i + 100);
        if (call_code(pages[1] + i) != (u32)i + 100)
            bad++;
    }
    check("across a page", bad, 0);
    put_mov(pages[1] - 3, 0x01020304);
    check("an instruction on two pages", call_code(pages[1] - 3), 0x01020304);
    pages[1][0] = 0x55;
    check("its part on the second page changes", call_code(pages[1] - 3), 0x01550304);
    pages[0][4095] = 0x66;
    check("its part on the first page changes", call_code(pages[1] - 3), 0x01556604);
    /* String instructions of all sizes. */
    u8 fresh[6];
    put_mov(fresh, 0xabcd);
    put_mov(code, 1);
    call_code(code);
    u32 c = 6;
    const void *s = fresh;
    void *d = code;
    __asm__ volatile("rep movsb" : "+c"(c), "+S"(s), "+D"(d) : : "memory");
    check("REP MOVSB from elsewhere", call_code(code), 0xabcd);
    c = 1;
    d = code + 1;
    __asm__ volatile("rep stosl" : "+c"(c), "+D"(d) : "a"(0x31415926) : "memory");
    check("REP STOSD", call_code(code), 0x31415926);
    __asm__ volatile("lock incl %0" : "+m"(*(u32 *)(code + 1)));
    check("LOCK INC", call_code(code), 0x31415927);
    u32 x = 5;
    __asm__ volatile("xchg %0, %1" : "+r"(x), "+m"(*(u32 *)(code + 1)));
    check("XCHG", call_code(code), 5);
    __asm__ volatile("push 4(%0); pop (%0)" : : "r"(code + 1) : "memory");
    put_mov(code, 3);
    __asm__ volatile("mov %%esp, %%ecx; lea 5(%0), %%esp; push $0x61; mov %%ecx, %%esp" : : "r"(code) : "ecx", "memory");
    check("PUSH", call_code(code), 0x61);
}

static void aliases(void)
{
    u8 *alias = (u8 *)0x600000;
    paging_on();
    *pte(alias) = (u32)code | P_P | P_RW | P_US;
    invlpg(alias);
    put_mov(code, 1);
    check("before", call_code(code) << 8 | call_code(alias), 0x101);
    alias[1] = 2;
    check("changed through the alias", call_code(code) << 8 | call_code(alias), 0x202);
    code[1] = 3;
    check("changed through the page itself", call_code(code) << 8 | call_code(alias), 0x303);
    /* Other code at the same address. */
    put_mov(pages[2], 9);
    *pte(alias) = (u32)pages[2] | P_P | P_RW | P_US;
    invlpg(alias);
    check("mapped elsewhere", call_code(code) << 8 | call_code(alias), 0x309);
    *pte(alias) = (u32)code | P_P | P_RW | P_US;
    write_cr3(read_cr3());
    check("mapped back", call_code(code) << 8 | call_code(alias), 0x303);
    /* An instruction across pages whose second page is changed in the page table only. */
    u8 *edge = (u8 *)0x602000;
    *pte(edge - 1) = (u32)pages[1] | P_P | P_RW;
    *pte(edge) = (u32)pages[2] | P_P | P_RW;
    write_cr3(read_cr3());
    put_mov(edge - 3, 0x44332211);
    check("across pages", call_code(edge - 3), 0x44332211);
    memset(pages[3], 0xc3, 16);
    pages[3][0] = 0xaa;
    pages[3][1] = 0xbb;
    *pte(edge) = (u32)pages[3] | P_P | P_RW;
    invlpg(edge);
    check("across pages, second mapped elsewhere", call_code(edge - 3), 0xbbaa2211);
    /* Kernel and user see one page with different rights. */
    paging_off();
}

void test(void)
{
    inside();
    outside();
    aliases();
}
