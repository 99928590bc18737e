/* Virtual-8086 mode: addressing, IOPL, I/O bitmap, interrupts out of it and back, VME. */
#include "guest.h"

enum { VM = 0x20000, VIF = 0x80000, VIP = 0x100000, IF = 0x200, SEG = 0x1000, DSEG = 0x1100, SSEG = 0x1200 };

static struct frame fr;
extern u8 vm_code[], vm_end[];
#define CODE(name, text) "v_" #name ": " text "\n ud2\n"
#define LABEL(name) extern u8 v_##name[];
__asm__(".code16\nvm_code:\n"
        CODE(segs, "mov %cs, %ax; mov %ds, %bx; mov %es, %cx; mov %ss, %dx; mov (%si), %di")
        CODE(word_end, "mov 0xffff, %ax")
        CODE(byte_end, "mov 0xffff, %al")
        CODE(push_end, "push %ax")
        CODE(addr32, "mov (%esi), %al")
        CODE(cli, "cli")
        CODE(sti, "sti; nop; nop")
        CODE(pushf, "pushf; pop %ax")
        CODE(pushfl, "pushfl; popl %eax")
        CODE(popf, "push $0x7202; popf; pushf; pop %ax")
        CODE(popf0, "push $2; popf; pushf; pop %ax")
        CODE(int80, "int $0x80; inc %bx")
        CODE(int42, "int $0x42; inc %bx")
        CODE(int3, "int3; inc %bx")
        CODE(iret, "iret")
        CODE(hlt, "hlt")
        CODE(in, "in $0x61, %al")
        CODE(out, "mov $0x3ff, %dx; out %ax, %dx")
        CODE(cr0, "mov %cr0, %eax")
        CODE(smsw, "smsw %ax")
        CODE(lgdt, "lgdt (%si)")
        CODE(sldt, "sldt %ax")
        CODE(lar, "lar %ax, %ax")
        CODE(arpl, ".byte 0x63, 0xc0")
        CODE(ds, "mov $0x1234, %ax; mov %ax, %ds; mov %ds, %bx")
        CODE(far, "lcall $0x1000, $(v_far_to - vm_code)")
        "v_far_to: mov %sp, %bx; lret\n"
        CODE(loop, "1: dec %cx; jnz 1b")
        /* An interrupt handler by the IVT. */
        "v_handler: mov %sp, %bp; mov 4(%bp), %dx; pushf; pop %cx; mov $0x7777, %ax; iret\n"
        "vm_end:\n.code32\n");
LABEL(segs) LABEL(word_end) LABEL(byte_end) LABEL(push_end) LABEL(addr32) LABEL(cli) LABEL(sti) LABEL(pushf)
LABEL(pushfl) LABEL(popf) LABEL(popf0) LABEL(int80) LABEL(int42) LABEL(int3) LABEL(iret) LABEL(hlt) LABEL(in)
LABEL(out) LABEL(cr0) LABEL(smsw) LABEL(lgdt) LABEL(sldt) LABEL(lar) LABEL(arpl) LABEL(ds) LABEL(far) LABEL(loop)
LABEL(handler)

static int vm(u8 *code, u32 eflags)
{
    fr.eip = (u32)(code - vm_code);
    fr.cs = SEG;
    fr.eflags = VM | 2 | eflags;
    if (!fr.esp)
        fr.esp = 0x100;
    fr.ss = SSEG;
    fr.vm_ds = DSEG;
    fr.vm_es = 0xabcd;
    fr.vm_fs = 1;
    fr.vm_gs = 2;
    fr.ds = fr.es = fr.fs = fr.gs = G_KDATA;
    int v = try_frame(&fr);
    fr.esp = 0;
    return v;
}

static void got(const char *name, int vector, u32 want) { check(name, outcome(vector), want); }

static u32 iopl = 0x3000;

static void basics(void)
{
    fr.r.esi = 0x20;
    *(u16 *)(DSEG * 16 + 0x20) = 0x4321;
    got("ends with #UD", vm(v_segs, 0), UD);
    check("VM is set in the pushed EFLAGS", trap.eflags & VM, VM);
    check("CS pushed", trap.cs, SEG);
    check("EIP pushed", trap.eip, (u32)(v_word_end - vm_code) - 2);
    check("SS pushed", trap.ss, SSEG);
    check("ESP pushed", trap.esp, 0x100);
    check("ES pushed", trap.vm_es, 0xabcd);
    check("DS pushed", trap.vm_ds, DSEG);
    check("FS pushed", trap.vm_fs, 1);
    check("GS pushed", trap.vm_gs, 2);
    check("DS is null in the handler", trap.ds, 0);
    check("GS is null in the handler", trap.gs, 0);
    check("CS", trap.r.eax & 0xffff, SEG);
    check("DS", trap.r.ebx & 0xffff, DSEG);
    check("ES", trap.r.ecx & 0xffff, 0xabcd);
    check("SS", trap.r.edx & 0xffff, SSEG);
    check("memory at DS * 16 + SI", trap.r.edi & 0xffff, 0x4321);
    got("last byte of the segment", vm(v_byte_end, 0), UD);
    got("word over the end", vm(v_word_end, 0), GP);
    fr.esp = 1;
    got("push over the end", vm(v_push_end, 0), SS);
    fr.r.esi = 0x10000;
    got("32-bit address over the end", vm(v_addr32, 0), GP);
    fr.r.esi = 0;
    got("loading DS", vm(v_ds, 0), UD);
    check(" reads back", trap.r.ebx & 0xffff, 0x1234);
    got("far call and return", vm(v_far, 0), UD);
    check(" SP in between", trap.r.ebx & 0xffff, 0xfc);
    fr.r.ecx = 1000;
    got("a loop", vm(v_loop, 0), UD);
    fr.r.ecx = 0;
}

static void privileged(void)
{
    got("HLT", vm(v_hlt, iopl), GP);
    got("MOV CR0", vm(v_cr0, iopl), GP);
    got("SMSW", vm(v_smsw, 0), UD);
    got("LGDT", vm(v_lgdt, iopl), GP);
    got("SLDT", vm(v_sldt, iopl), UD);
    check(" SLDT itself is undefined there", trap.eip, (u32)(v_sldt - vm_code));
    got("LAR", vm(v_lar, iopl), UD);
    check(" LAR itself", trap.eip, (u32)(v_lar - vm_code));
    got("ARPL", vm(v_arpl, iopl), UD);
    check(" ARPL itself", trap.eip, (u32)(v_arpl - vm_code));
}

static bool back(struct frame *f)
{
    f->r.ebx += 0x100;
    return 1;
}

static void levels(void)
{
    got("IOPL 0: CLI", vm(v_cli, IF), GP);
    got("IOPL 0: STI", vm(v_sti, 0), GP);
    got("IOPL 0: PUSHF", vm(v_pushf, 0), GP);
    got("IOPL 0: POPF", vm(v_popf, 0), GP);
    got("IOPL 0: INT n", vm(v_int80, 0), GP);
    got("IOPL 0: IRET", vm(v_iret, 0), GP);
    got("IOPL 0: INT3 goes by its gate", vm(v_int3, 0), GP | (3 * 8 + 2) << 16);
    got("IOPL 3: CLI", vm(v_cli, iopl | IF), UD);
    check(" IF", trap.eflags & IF, 0);
    got("IOPL 3: STI", vm(v_sti, iopl), UD);
    check(" IF ", trap.eflags & IF, IF);
    got("IOPL 3: PUSHF", vm(v_pushf, iopl | IF), UD);
    check(" flags", trap.r.eax & 0xffff, 0x3202);
    got("IOPL 3: PUSHFD", vm(v_pushfl, iopl | IF), UD);
    check(" flags without VM and RF", trap.r.eax, 0x3202);
    got("IOPL 3: POPF", vm(v_popf, iopl), UD);
    check(" NT and IF, IOPL as before", trap.r.eax & 0xffff, 0x7202);
    got("IOPL 3: POPF with IOPL 0", vm(v_popf0, iopl | IF), UD);
    check(" IOPL as before", trap.r.eax & 0xffff, 0x3002);
    got("IOPL 3: INT n", vm(v_int80, iopl), SYSCALL);
    check(" VM in its frame", trap.eflags & VM, VM);
    got("IOPL 3: INT n, gate with DPL 0", vm(v_int42, iopl), GP | (0x42 * 8 + 2) << 16);
    fr.r.ebx = 0;
    hooks[0x42] = back;
    idt[0x42][1] |= A_DPL3 << 8;
    got("IOPL 3: INT n and IRET back", vm(v_int42, iopl), UD);
    check(" went on", trap.r.ebx, 0x101);
    check(" ES as before", trap.vm_es, 0xabcd);
    /* The gate must lead to ring 0. */
    idt[0x42][0] = (idt[0x42][0] & 0xffff) | (G_UCODE & ~3) << 16;
    got("IOPL 3: gate to ring 3", vm(v_int42, iopl), GP | (G_UCODE & ~3) << 16);
    idt[0x42][0] = (idt[0x42][0] & 0xffff) | G_KCODE << 16;
}

static void ports(void)
{
    got("IN without a bitmap", vm(v_in, iopl), GP);
    tss.iomap = 104 + 32;
    memset(tss.bitmap + 32, 0xff, 8193);
    got("IN, bit set", vm(v_in, iopl), GP);
    tss.bitmap[32 + 0x61 / 8] &= (u8)~(1 << (0x61 & 7));
    got("IN, bit clear, IOPL 0", vm(v_in, 0), UD);
    tss.bitmap[32 + 0x3ff / 8] &= 0x7f;
    got("OUT of a word, second port's bit set", vm(v_out, 0), GP);
    tss.bitmap[32 + 0x400 / 8] &= 0xfe;
    got("OUT of a word, both clear", vm(v_out, 0), UD);
}

static void vme(void)
{
    u16 *ivt = (u16 *)0;
    if (!(cpuid_edx(1) & 2)) {
        print("no VME\n");
        return;
    }
    write_cr4(read_cr4() | 1);
    memset(tss.bitmap, 0xff, 32);
    got("VME: CLI", vm(v_cli, IF | VIF), UD);
    check(" VIF is clear, IF is not", trap.eflags & (IF | VIF), IF);
    got("VME: STI", vm(v_sti, IF), UD);
    check(" VIF is set", trap.eflags & (IF | VIF), IF | VIF);
    got("VME: STI with VIP", vm(v_sti, IF | VIP), GP);
    got("VME: PUSHF", vm(v_pushf, IF), UD);
    check(" VIF as IF, IOPL 3", trap.r.eax & 0xffff, 0x3002);
    got("VME: PUSHF, VIF set", vm(v_pushf, IF | VIF), UD);
    check(" VIF as IF, IOPL 3 ", trap.r.eax & 0xffff, 0x3202);
    got("VME: PUSHFD", vm(v_pushfl, IF), GP);
    got("VME: POPF", vm(v_popf, IF), UD);
    check(" VIF set, IF kept, IOPL kept", trap.eflags & (IF | VIF | 0x3000), IF | VIF);
    got("VME: POPF with VIP", vm(v_popf, IF | VIP), GP);
    got("VME: INT n, not redirected", vm(v_int42, IF), GP);
    tss.bitmap[0x42 / 8] &= (u8)~(1 << (0x42 & 7));
    ivt[0x42 * 2] = (u16)(v_handler - vm_code);
    ivt[0x42 * 2 + 1] = SEG;
    fr.r.ebx = 0;
    got("VME: INT n, redirected", vm(v_int42, IF | VIF), UD);
    check(" the handler ran", trap.r.eax & 0xffff, 0x7777);
    check(" flags pushed: VIF as IF, IOPL 3", trap.r.edx & 0xffff, 0x3202);
    check(" VIF is clear in the handler", trap.r.ecx & 0xffff, 0x3002);
    check(" IRET brings VIF back", trap.eflags & (IF | VIF), IF | VIF);
    check(" went on", trap.r.ebx, 1);
    fr.r.ebx = 0;
    got("VME, IOPL 3: INT n, redirected", vm(v_int42, iopl | IF), UD);
    check(" the handler ran ", trap.r.eax & 0xffff, 0x7777);
    check(" IF is clear in the handler", trap.r.ecx & 0xffff, 0x3002);
    check(" IF after", trap.eflags & IF, IF);
    tss.bitmap[0x42 / 8] = 0xff;
    got("VME, IOPL 3: INT n by the IDT", vm(v_int42, iopl | IF), UD);
    check(" by the hook", trap.r.ebx, 0x101);
    write_cr4(read_cr4() & ~1u);
}

void test(void)
{
    memcpy((void *)(SEG * 16), vm_code, (u32)(vm_end - vm_code));
    basics();
    privileged();
    levels();
    ports();
    vme();
}
