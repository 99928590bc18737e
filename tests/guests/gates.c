/* Interrupt, trap and task gates: IF, DPL, error codes; IRET. */
#include "guest.h"

static u32 eflags_in;
static bool see(struct frame *f)
{
    (void)f;
    eflags_in = read_eflags();
    return 1;
}
static void int30(void) { __asm__ volatile("int $0x30"); }
static void int31(void) { __asm__ volatile("int $0x31"); }
static void int3(void) { __asm__ volatile("int3"); }
static void int3_long(void) { __asm__ volatile(".byte 0xcd, 3"); }
static void into(void) { __asm__ volatile("mov $0x40, %%al; add %%al, %%al; into" : : : "eax"); }
static void ud2(void) { __asm__ volatile("ud2"); }
static void sti_int30(void) { __asm__ volatile("sti; int $0x30; cli"); }
static void sti_int31(void) { __asm__ volatile("sti; int $0x31; cli"); }
static void icebp(void) { __asm__ volatile(".byte 0xf1"); }

extern u8 stubs[], stack_top[], user_stack_top[];

static void got(const char *name, int vector, u32 want) { check(name, outcome(vector), want); }

static void kinds(void)
{
    hooks[0x30] = hooks[0x31] = see;
    set_gate(0x31, G_KCODE, (u32)stubs + 16 * 0x31, A_TRAP32);
    sti_int30();
    check("interrupt gate clears IF", eflags_in & 0x200, 0);
    sti_int31();
    check("trap gate keeps IF", eflags_in & 0x200, 0x200);
    check("IRET brings IF back", read_eflags() & 0x200, 0);
    write_eflags(0x4002); /* NT */
    int30();
    check("a gate clears NT", eflags_in & 0x4000, 0);
    check("IRET brings NT back", read_eflags() & 0x4000, 0x4000);
    write_eflags(2);

    got("INT n from ring 3 through a DPL 0 gate", try_user(int30), GP | (0x30 * 8 + 2) << 16);
    check(" is a fault", *(u16 *)trap.eip, 0x30cd);
    got("INT3 from ring 3 through a DPL 0 gate", try_user(int3), GP | (3 * 8 + 2) << 16);
    got("CD 03 from ring 3", try_user(int3_long), GP | (3 * 8 + 2) << 16);
    got("INTO from ring 3", try_user(into), GP | (4 * 8 + 2) << 16);
    got("an exception does not care for DPL", try_user(ud2), UD);
    got("INT1 does not either", try_user(icebp), DB);
    idt[3][1] |= A_DPL3 << 8;
    got("INT3 through a DPL 3 gate", try_user(int3), BP);
    check(" is a trap", *(u8 *)(trap.eip - 1), 0xcc);

    idt[0x31][1] &= ~(A_NP << 8);
    got("INT n, gate not present", try(int31), NP | (0x31 * 8 + 2) << 16);
    idt[UD][1] &= ~(A_NP << 8);
    got("exception, gate not present", try(ud2), NP | (UD * 8 + 3) << 16);
    set_gate(UD, G_KCODE, (u32)stubs + 16 * UD, A_CALL32);
    got("exception, not an IDT gate", try(ud2), GP | (UD * 8 + 3) << 16);
    set_gate(UD, G_KDATA, (u32)stubs + 16 * UD, A_INT32);
    got("gate to data", try(ud2), GP | (G_KDATA | 1) << 16);
    set_gate(UD, 0, (u32)stubs + 16 * UD, A_INT32);
    got("gate to null", try(ud2), GP | 1 << 16);
    set_gate(UD, G_UCODE, (u32)stubs + 16 * UD, A_INT32);
    got("gate to an outer ring", try(ud2), GP | (G_UCODE & ~3) << 16 | 1 << 16);
    set_gate(0x31, G_KDATA, 0, A_INT32);
    got("INT n, gate to data", try(int31), GP | G_KDATA << 16);
    set_gate(UD, G_KCODE, (u32)stubs + 16 * UD, A_INT32);
    set_gate(0x31, G_KCODE, (u32)stubs + 16 * 0x31, A_INT32);

    /* A short IDT. */
    struct { u16 limit; u32 base; } __attribute__((packed)) r = {0x31 * 8 - 1, (u32)idt};
    __asm__ volatile("lidt %0" : : "m"(r));
    got("vector beyond the IDT", try(int31), GP | (0x31 * 8 + 2) << 16);
    r.limit = sizeof idt - 1;
    __asm__ volatile("lidt %0" : : "m"(r));
}

/* An inner stack that is no good: ring 1's, since #TS itself needs ring 0's. */
static void stacks(void)
{
    enum { RING1 = G_FREE, STACK1 = G_FREE + 8 };
    set_desc(RING1, 0, 0xfffff, A_CODE | 0x20, F_BIG | F_PAGES);
    set_desc(STACK1, 0, 0xfffff, (A_DATA | 0x20) & ~A_NP, F_BIG | F_PAGES);
    set_gate(UD, RING1, (u32)stubs + 16 * UD, A_INT32);
    tss.esp1 = tss.esp0;
    tss.ss1 = 0;
    got("inner SS null", try_user(ud2), TS | 1 << 16);
    tss.ss1 = G_UDATA;
    got("inner SS of ring 3", try_user(ud2), TS | (G_UDATA & ~3) << 16 | 1 << 16);
    tss.ss1 = STACK1 | 1;
    got("inner SS not present", try_user(ud2), SS | STACK1 << 16 | 1 << 16);
    set_gate(0x30, RING1, 0, A_INT32 | A_DPL3);
    got("inner SS not present, INT n", try_user(int30), SS | STACK1 << 16);
    set_gate(UD, G_KCODE, (u32)stubs + 16 * UD, A_INT32);
}

static struct frame fr;
extern u8 iret_to[];
__asm__("iret_to: int $0x80");

static void frame(u32 cs, u32 ss, u32 eflags)
{
    memset(&fr, 0, sizeof fr);
    fr.ds = fr.es = fr.fs = fr.gs = G_UDATA;
    fr.eip = (u32)iret_to;
    fr.cs = cs;
    fr.esp = (u32)user_stack_top;
    fr.ss = ss;
    fr.eflags = eflags;
}

static void iret_iopl(void) { __asm__ volatile("pushf; orl $0x3200, (%%esp); push %%cs; push $1f; iret; 1:" : : : "memory"); }
static void popf_all(void) { write_eflags(0x3202); }
extern u8 an_iret[];

static void irets(void)
{
    frame(G_UCODE, G_UDATA, 2);
    got("IRET to ring 3", try_frame(&fr), SYSCALL);
    frame(G_UCODE, G_KDATA, 2);
    got("IRET to ring 3, SS of ring 0", try_frame(&fr), GP | G_KDATA << 16);
    check(" is the IRET's fault", *(u8 *)trap.eip, 0xcf);
    frame(G_UCODE, 0, 2);
    got("IRET to ring 3, SS null", try_frame(&fr), GP);
    frame(G_UCODE & ~3, G_UDATA, 2);
    got("IRET, RPL below DPL", try_frame(&fr), GP | (G_UCODE & ~3) << 16);
    frame(0, G_UDATA, 2);
    got("IRET to null", try_frame(&fr), GP);
    frame(G_KDATA, 0, 2);
    got("IRET to data", try_frame(&fr), GP | G_KDATA << 16);
    frame(G_UCODE, G_UDATA, 0x3202);
    try_frame(&fr);
    check("IRET from ring 0 sets IOPL and IF", trap.eflags & 0x3200, 0x3200);
    try_user(popf_all);
    check("POPF in ring 3 changes neither", trap.eflags & 0x3200, 0);
    try_user(iret_iopl);
    check("IRET in ring 3 changes neither", trap.eflags & 0x3200, 0);
    got("IRET in ring 3 ends", try_user(iret_iopl), SYSCALL);
    frame(G_UCODE, G_UDATA, 0x244ed7);
    try_frame(&fr);
    check("IRET: all flags of ring 3", trap.eflags & 0x27ffff, 0x244ed7);
}

void test(void)
{
    kinds();
    stacks();
    irets();
}
