/* SYSENTER and SYSEXIT. */
#include "guest.h"

static u32 kstack[64];

extern u8 sys_entry[], sys_back[];
__asm__("sys_entry: mov %cs, sys_cs\n mov %ss, sys_ss\n mov %esp, sys_esp\n pushf\n pop sys_flags\n"
        " mov $sys_back, %edx\n mov $0x5550, %ecx\n"
        ".globl sys_exit_insn\nsys_exit_insn: sysexit\n"
        "sys_user: sysenter\n ud2\n"
        "sys_back: mov %cs, %eax\n mov %ss, %ebx\n mov %esp, %ecx\n int $0x80\n"
        ".bss\n sys_cs: .skip 4\n sys_ss: .skip 4\n sys_esp: .skip 4\n sys_flags: .skip 4\n .text\n");
extern u32 sys_cs, sys_ss, sys_esp, sys_flags;

static void enter(void) { __asm__ volatile("sysenter"); }
static void leave(void) { __asm__ volatile("sysexit" : : "d"(0), "c"(0)); }
static void user_code(void) { __asm__ volatile("jmp sys_user"); }

void test(void)
{
    if (!(cpuid_edx(1) & 1 << 11)) {
        print("no SEP\n");
        return;
    }
    wrmsr(0x174, 0, 0);
    check("SYSENTER with CS 0", outcome(try_user(enter)), GP);
    check("SYSEXIT with CS 0", outcome(try(leave)), GP);
    /* CS, SS, user CS, user SS are neighbours in the GDT by the manual: 08, 10, 18, 20. */
    wrmsr(0x174, G_KCODE, 0);
    wrmsr(0x175, (u32)(kstack + 60), 0);
    wrmsr(0x176, (u32)sys_entry, 0);
    check("MSR 174", rdmsr(0x174), G_KCODE);
    check("MSR 175", rdmsr(0x175), (u32)(kstack + 60));
    check("MSR 176", rdmsr(0x176), (u32)sys_entry);
    check("SYSEXIT in ring 3", outcome(try_user(leave)), GP);
    check("there and back", outcome(try_user(user_code)), SYSCALL);
    check("CS inside", sys_cs & 0xffff, G_KCODE);
    check("SS inside", sys_ss & 0xffff, G_KDATA);
    check("ESP inside", sys_esp, (u32)(kstack + 60));
    check("IF and VM inside", sys_flags & 0x20200, 0);
    check("CS after", trap.r.eax & 0xffff, G_UCODE);
    check("SS after", trap.r.ebx & 0xffff, G_UDATA);
    check("ESP after", trap.r.ecx, 0x5550);
    check("EIP after", trap.eip, (u32)sys_back + 8);
}
