/* Real-address mode: switching there and back, 16-bit code, interrupts by the IVT, limits,
 * stack wrap, unreal segments, 20-bit wrap by the A20 gate. */
#include "guest.h"

extern u8 r_code[], r_end[], r_results[], r_enter[];
extern u32 r_sp;
/* The 16-bit part runs at 1000:0000.  It keeps its results at 1000:r_results. */
__asm__(".code16\n"
        ".set RBASE, r_code\n"
        "r_code:\n"
        /* Entered from 16-bit protected mode with CS16 of base 10000h.  The other segments must have real
         * mode's limits and rights before PE is cleared (SDM 3, 9.9.2). */
        "r_enter: mov $0x38, %ax\n mov %ax, %ds\n mov %ax, %es\n mov %ax, %fs\n mov %ax, %gs\n mov %ax, %ss\n"
        " mov %cr0, %eax\n and $0xfe, %al\n mov %eax, %cr0\n"
        " ljmp $0x1000, $(r_real - RBASE)\n"
        "r_real: mov %cs, %ax\n mov %ax, %ds\n mov %ax, %es\n mov $0x2000, %ax\n mov %ax, %ss\n mov $0x8000, %sp\n"
        " xor %ax, %ax\n mov %ax, %fs\n mov %ax, %gs\n"
        " lidtl %cs:(r_ivt - RBASE)\n"
        /* 0: CS and mode. */
        " mov %cs, %ax\n mov %ax, (r_results - RBASE)\n smsw %ax\n and $1, %ax\n mov %ax, (r_results - RBASE + 2)\n"
        /* 4: segment arithmetic. */
        " mov $0x3000, %ax\n mov %ax, %es\n movb $0x5a, %es:0x10\n mov $0x3001, %ax\n mov %ax, %es\n"
        " mov %es:0, %al\n mov $0, %ah\n mov %ax, (r_results - RBASE + 4)\n"
        /* 6: software interrupt: SP in it, FLAGS pushed, IF inside. */
        " mov $0x202, %ax\n push %ax\n popf\n int $0x60\n pushf\n pop %ax\n and $0x200, %ax\n"
        " mov %ax, (r_results - RBASE + 12)\n cli\n"
        /* 14: divide error: CS:IP pushed is the instruction's own. */
        " xor %cx, %cx\n r_div: div %cx\n"
        /* 18: word at FFFF: #GP (13), no error code; SP as before. */
        " mov %sp, %bp\n r_gp: mov %ds:0xffff, %ax\n mov %sp, %ax\n sub %bp, %ax\n mov %ax, (r_results - RBASE + 22)\n"
        /* 24: push at SP = 0: wraps to FFFE. */
        " mov %sp, %bp\n xor %sp, %sp\n push $0x77\n mov %sp, %ax\n mov %bp, %sp\n mov %ax, (r_results - RBASE + 24)\n"
        /* 26: 32-bit address beyond the limit: #GP. */
        " mov $0x10000, %esi\n r_gp2: .byte 0x67, 0x8a, 0x06\n" /* mov (%esi), %al */
        /* 28: bound, #BR (5). */
        " movw $5, (r_results - RBASE + 60)\n movw $6, (r_results - RBASE + 62)\n mov $7, %ax\n"
        " r_br: bound %ax, (r_results - RBASE + 60)\n"
        /* 30: #UD (6). */
        " r_ud: ud2\n"
        /* 32: LDT instructions are undefined. */
        " r_ud2: sldt %ax\n"
        /* 34: 66-prefixed operations work on 32 bits. */
        " mov $0x12345678, %eax\n shr $16, %eax\n mov %ax, (r_results - RBASE + 34)\n"
        /* 36: near jump wraps? CALL pushes 16 bits. */
        " mov %sp, %bp\n call 1f\n1: sub %sp, %bp\n add $2, %sp\n mov %bp, (r_results - RBASE + 36)\n"
        /* 38: IVT vector beyond the IDT's limit: #GP (13). */
        " lidtl %cs:(r_ivt_short - RBASE)\n r_gp3: int $0x61\n lidtl %cs:(r_ivt - RBASE)\n"
        /* 40: LES, and ES:DI strings with wrap of DI. */
        " mov $0x3000, %ax\n mov %ax, %es\n mov $0xfffe, %di\n mov $4, %cx\n mov $0x41, %al\n cld\n rep stosb\n"
        " mov %di, (r_results - RBASE + 40)\n mov %es:1, %al\n mov %ax, (r_results - RBASE + 42)\n"
        /* 44: 1 MiB and A20: FFFF:0010 is 100000h, or 0 with A20 masked. */
        " mov $0xffff, %ax\n mov %ax, %es\n xor %ax, %ax\n mov %ax, %fs\n"
        " mov %fs:0x500, %bx\n movw $0x1111, %fs:0x500\n mov %es:0x510, %dx\n movw $0x2222, %es:0x510\n"
        " mov %fs:0x500, %ax\n mov %ax, (r_results - RBASE + 44)\n"
        " in $0x92, %al\n and $0xfd, %al\n out %al, $0x92\n"
        " movw $0x3333, %es:0x510\n mov %fs:0x500, %ax\n mov %ax, (r_results - RBASE + 46)\n"
        " in $0x92, %al\n or $2, %al\n out %al, $0x92\n"
        " mov %es:0x510, %ax\n mov %ax, (r_results - RBASE + 48)\n mov %dx, %es:0x510\n mov %bx, %fs:0x500\n"
        /* 50: unreal: a 4 GiB limit stays in the cache after the switch. */
        " lgdtl %cs:(r_gdt - RBASE)\n mov %cr0, %eax\n or $1, %al\n mov %eax, %cr0\n mov $0x10, %ax\n mov %ax, %gs\n"
        " mov %cr0, %eax\n and $0xfe, %al\n mov %eax, %cr0\n xor %ax, %ax\n mov %ax, %gs\n"
        " mov $0x10020, %esi\n movl $0xcafe1234, %gs:(%esi)\n mov $0x1002, %ax\n mov %ax, %es\n"
        " mov %es:0, %ax\n mov %ax, (r_results - RBASE + 50)\n"
        /* Back. */
        " lidtl %cs:(r_idt - RBASE)\n mov %cr0, %eax\n or $1, %al\n mov %eax, %cr0\n ljmpl $0x08, $r_back\n"

        /* Handlers: they note the vector and step over the instruction. */
        "r_int60: mov %sp, %bp\n mov %bp, (r_results - RBASE + 6)\n mov 4(%bp), %ax\n mov %ax, (r_results - RBASE + 8)\n"
        " pushf\n pop %ax\n and $0x200, %ax\n mov %ax, (r_results - RBASE + 10)\n iret\n"
        "r_int0: push %bp\n mov %sp, %bp\n mov 2(%bp), %ax\n sub $(r_div - RBASE), %ax\n mov %ax, (r_results - RBASE + 14)\n"
        " movw $0xd0, (r_results - RBASE + 16)\n addw $2, 2(%bp)\n pop %bp\n iret\n"
        "r_int13: push %bp\n mov %sp, %bp\n push %ax\n mov 2(%bp), %ax\n"
        " cmp $(r_gp - RBASE), %ax\n jne 1f\n movw $13, (r_results - RBASE + 18)\n addw $3, 2(%bp)\n jmp 9f\n"
        "1: cmp $(r_gp2 - RBASE), %ax\n jne 2f\n movw $13, (r_results - RBASE + 26)\n addw $3, 2(%bp)\n jmp 9f\n"
        "2: cmp $(r_gp3 - RBASE), %ax\n jne 3f\n movw $13, (r_results - RBASE + 38)\n addw $2, 2(%bp)\n jmp 9f\n"
        "3: movw $0xbad, (r_results - RBASE + 18)\n"
        "9: pop %ax\n pop %bp\n iret\n"
        "r_int5: push %bp\n mov %sp, %bp\n push %ax\n mov 2(%bp), %ax\n sub $(r_br - RBASE), %ax\n add $5, %ax\n"
        " mov %ax, (r_results - RBASE + 28)\n addw $4, 2(%bp)\n pop %ax\n pop %bp\n iret\n"
        "r_int6: push %bp\n mov %sp, %bp\n cmpw $(r_ud - RBASE), 2(%bp)\n jne 1f\n movw $6, (r_results - RBASE + 30)\n"
        " addw $2, 2(%bp)\n pop %bp\n iret\n"
        "1: movw $6, (r_results - RBASE + 32)\n addw $3, 2(%bp)\n pop %bp\n iret\n"
        ".align 8\n"
        "r_ivt: .word 0x3ff\n .long 0\n r_ivt_short: .word 0x183\n .long 0\n"
        ".globl r_idt, r_gdt\n r_idt: .word 0\n .long 0\n r_gdt: .word 0\n .long 0\n"
        "r_results: .skip 64\n"
        "r_end:\n.code32\n"
        /* From 32-bit code: stack and registers saved, into the 16-bit segment of base 10000h. */
        ".globl go_real\ngo_real: pusha\n pushf\n mov %esp, r_sp\n ljmp $0x40, $(r_enter - r_code)\n"
        "r_back: mov $0x10, %eax\n mov %eax, %ds\n mov %eax, %es\n mov %eax, %ss\n mov %eax, %fs\n mov %eax, %gs\n"
        " mov r_sp, %esp\n popf\n popa\n ret\n"
        ".bss\n r_sp: .skip 4\n .text\n");
extern u8 r_int60[], r_int0[], r_int13[], r_int5[], r_int6[], r_idt[], r_gdt[];
void go_real(void);

#define REAL(label) (*(volatile u16 *)(0x10000 + ((label) - r_code)))
static u16 result(u32 offset) { return *(volatile u16 *)(0x10000 + (u32)(r_results - r_code) + offset); }

static void vector(u32 v, u8 *label)
{
    volatile u16 *ivt = (volatile u16 *)(v * 4);
    __asm__ volatile("" : "+r"(ivt));
    ivt[0] = (u16)(label - r_code);
    ivt[1] = 0x1000;
}

void test(void)
{
    struct { u16 limit; u32 base; } __attribute__((packed)) r;
    /* The switch back uses the tables that are loaded now. */
    __asm__ volatile("sidt %0" : "=m"(r));
    memcpy(r_idt, &r, 6);
    __asm__ volatile("sgdt %0" : "=m"(r));
    memcpy(r_gdt, &r, 6);
    memcpy((void *)0x10000, r_code, (u32)(r_end - r_code));
    vector(0x60, r_int60);
    vector(0, r_int0);
    vector(13, r_int13);
    vector(5, r_int5);
    vector(6, r_int6);
    set_desc(G_FREE, 0x10000, 0xffff, A_CODE, 0);
    outb(0x92, inb(0x92) | 2);
    go_real();
    check("CS", result(0), 0x1000);
    check("PE", result(2), 0);
    check("segment arithmetic", result(4), 0x5a);
    check("INT: six bytes pushed", result(6), 0x8000 - 6);
    check("INT: FLAGS pushed", result(8), 0x202);
    check("INT: IF in the handler", result(10), 0);
    check("IRET: IF", result(12), 0x200);
    check("#DE: IP of the instruction", result(14), 0);
    check("#DE: came", result(16), 0xd0);
    check("word at FFFF: #GP", result(18), 13);
    check("word at FFFF: SP after", result(22), 0);
    check("PUSH at SP 0", result(24), 0xfffe);
    check("32-bit address: #GP", result(26), 13);
    check("BOUND: #BR", result(28), 5);
    check("UD2: #UD", result(30), 6);
    check("SLDT: #UD", result(32), 6);
    check("32-bit operations", result(34), 0x1234);
    check("CALL pushes a word", result(36), 2);
    check("vector beyond the IDT", result(38), 13);
    check("REP STOSB wraps DI", result(40), 2);
    check("REP STOSB over the wrap", result(42) & 0xff, 0x41);
    check("A20 open: two places", result(44), 0x1111);
    check("A20 closed: one place", result(46), 0x3333);
    check("A20 open again", result(48), 0x2222);
    check("unreal GS", result(50), 0x1234);
    check("back in protected mode", read_cr0() & 1, 1);
}
