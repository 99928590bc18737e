/* IOPL and the I/O permission bitmap in protected mode, CLI and STI, PVI, #AC. */
#include "guest.h"

static u32 port_number, low, value;
static void in8(void) { __asm__ volatile("in %%dx, %%al" : "=a"(value) : "d"(port_number)); }
static void in16(void) { __asm__ volatile("in %%dx, %%ax" : "=a"(value) : "d"(port_number)); }
static void in32(void) { __asm__ volatile("in %%dx, %%eax" : "=a"(value) : "d"(port_number)); }
static void out_imm(void) { __asm__ volatile("out %%al, $0x80" : : "a"(0)); }
static void outs(void) { __asm__ volatile("outsb" : : "d"(0x80), "S"(&low)); }
static void ins(void) { __asm__ volatile("insb" : : "d"(0x61), "D"(&low) : "memory"); }
static void do_cli(void) { __asm__ volatile("cli"); }
static void do_sti(void) { __asm__ volatile("sti; cli"); }

static struct frame fr;
extern u8 c_cli[], c_sti[], user_stack_top[], c_in[], c_popf[], c_word[], c_dword[], c_qword[], c_byte[], c_movs[];
__asm__("c_cli: cli\n int $0x80\n"
        "c_sti: sti\n int $0x80\n"
        "c_in: in $0x61, %al\n int $0x80\n"
        "c_popf: push $0x200\n popf\n int $0x80\n"
        "c_byte: mov (%esi), %al\n int $0x80\n"
        "c_word: mov (%esi), %ax\n int $0x80\n"
        "c_dword: mov (%esi), %eax\n int $0x80\n"
        "c_qword: cmpxchg8b (%esi)\n int $0x80\n"
        "c_movs: movsl\n int $0x80\n");

static int at(u8 *code, u32 eflags, u32 esi)
{
    memset(&fr, 0, sizeof fr);
    fr.ds = fr.es = fr.fs = fr.gs = G_UDATA;
    fr.eip = (u32)code;
    fr.cs = G_UCODE;
    fr.eflags = eflags | 2;
    fr.esp = (u32)user_stack_top - 64;
    fr.ss = G_UDATA;
    fr.r.esi = esi;
    fr.r.edi = esi;
    return try_frame(&fr);
}

static void got(const char *name, int vector, u32 want) { check(name, outcome(vector), want); }

static void allow(u32 p) { tss.bitmap[32 + p / 8] &= (u8)~(1 << (p & 7)); }

static void bitmap(void)
{
    port_number = 0x61;
    got("IOPL 0, no bitmap: IN", try_user(in8), GP);
    got("IOPL 0, no bitmap: OUT", try_user(out_imm), GP);
    got("IOPL 0, no bitmap: INSB", try_user(ins), GP);
    got("IOPL 0, no bitmap: OUTSB", try_user(outs), GP);
    got("ring 0", try(in8), (u8)NONE);
    got("IOPL 3: IN", at(c_in, 0x3000, 0), SYSCALL);
    got("IOPL 2: IN", at(c_in, 0x2000, 0), GP);
    tss.iomap = 104 + 32;
    memset(tss.bitmap + 32, 0xff, 8193);
    got("bit set", try_user(in8), GP);
    allow(0x61);
    got("bit clear", try_user(in8), SYSCALL);
    got("word: second bit set", try_user(in16), GP);
    allow(0x62);
    got("word: both clear", try_user(in16), SYSCALL);
    got("dword: two of four set", try_user(in32), GP);
    allow(0x60);
    allow(0x64);
    allow(0x63);
    got("dword: all clear", try_user(in32), SYSCALL);
    /* Bits across a byte of the bitmap. */
    port_number = 0x67;
    allow(0x67);
    got("word across bytes: second set", try_user(in16), GP);
    allow(0x68);
    got("word across bytes", try_user(in16), SYSCALL);
    port_number = 0xffff;
    allow(0xffff);
    got("last port", try_user(in8), SYSCALL);
    /* The bitmap must lie within the TSS's limit, one byte after it as well. */
    set_desc(G_TSS, (u32)&tss, 104 + 32 + 0x61 / 8 + 1, A_TSS32, 0);
    __asm__ volatile("ltr %w0" : : "r"(G_TSS));
    port_number = 0x61;
    got("at the limit", try_user(in8), SYSCALL);
    set_desc(G_TSS, (u32)&tss, 104 + 32 + 0x61 / 8, A_TSS32, 0);
    __asm__ volatile("ltr %w0" : : "r"(G_TSS));
    got("second byte beyond the limit", try_user(in8), GP);
    set_desc(G_TSS, (u32)&tss, sizeof tss - 1, A_TSS32, 0);
    __asm__ volatile("ltr %w0" : : "r"(G_TSS));
    tss.iomap = sizeof tss;
}

static void interrupts(void)
{
    got("CLI, IOPL 0", try_user(do_cli), GP);
    got("STI, IOPL 0", try_user(do_sti), GP);
    got("CLI, IOPL 3", at(c_cli, 0x3200, 0), SYSCALL);
    check(" IF", trap.eflags & 0x200, 0);
    got("STI, IOPL 3", at(c_sti, 0x3000, 0), SYSCALL);
    check(" IF ", trap.eflags & 0x200, 0x200);
    got("POPF, IOPL 3", at(c_popf, 0x3000, 0), SYSCALL);
    check(" IF, and IOPL as before", trap.eflags & 0x3200, 0x3200);
    got("POPF, IOPL 0", at(c_popf, 0, 0), SYSCALL);
    check(" IF as before", trap.eflags & 0x3200, 0);
    if (!(cpuid_edx(1) & 2)) {
        print("no PVI\n");
        return;
    }
    write_cr4(read_cr4() | 2);
    got("PVI: CLI", at(c_cli, 0x80200, 0), SYSCALL);
    check(" VIF is clear, IF is not", trap.eflags & 0x80200, 0x200);
    got("PVI: STI", at(c_sti, 0x200, 0), SYSCALL);
    check(" VIF is set", trap.eflags & 0x80200, 0x80200);
    got("PVI: STI with VIP", at(c_sti, 0x100200, 0), GP);
    got("PVI: POPF", at(c_popf, 0, 0), SYSCALL);
    check(" neither", trap.eflags & 0x80200, 0);
    write_cr4(read_cr4() & ~2u);
}

static u64 words[4];
static void alignment(void)
{
    u32 a = (u32)words, ac = 0x40000;
    got("CR0.AM clear", at(c_dword, ac, a + 1), SYSCALL);
    write_cr0(read_cr0() | 0x40000);
    got("AC clear", at(c_dword, 0, a + 1), SYSCALL);
    got("dword at 1", at(c_dword, ac, a + 1), AC);
    check(" a fault", trap.eip, (u32)c_dword);
    got("dword at 2", at(c_dword, ac, a + 2), AC);
    got("dword at 4", at(c_dword, ac, a + 4), SYSCALL);
    got("word at 1", at(c_word, ac, a + 1), AC);
    got("word at 2", at(c_word, ac, a + 2), SYSCALL);
    got("byte at 1", at(c_byte, ac, a + 1), SYSCALL);
    got("CMPXCHG8B at 4", at(c_qword, ac, a + 4), AC);
    got("CMPXCHG8B at 8", at(c_qword, ac, a + 8), SYSCALL);
    got("MOVSD at 1", at(c_movs, ac, a + 1), AC);
    /* A page fault is of no less rank, but here both pages are there; ring 0 has no checks. */
    write_eflags(ac | 2);
    __asm__ volatile("mov 1(%0), %%eax" : : "r"(a) : "eax");
    check("ring 0", read_eflags() & ac, ac);
    write_eflags(2);
    write_cr0(read_cr0() & ~0x40000u);
}

void test(void)
{
    bitmap();
    interrupts();
    alignment();
}
