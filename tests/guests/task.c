/* Hardware task switches: JMP, CALL, IRET, task gates, exceptions through them, 16-bit TSSs. */
#include "guest.h"

enum { TSS2 = G_FREE, TGATE = G_FREE + 8, TSS16 = G_FREE + 16, LDT = G_FREE + 24, BAD = G_FREE + 32 };

static struct tss tss2 __attribute__((aligned(128)));
static struct {
    u16 link, sp0, ss0, sp1, ss1, sp2, ss2, ip, flags, ax, cx, dx, bx, sp, bp, si, di, es, cs, ss, ds, ldt;
} tss16 __attribute__((aligned(64)));
static u32 stack2[512], seen_flags, seen_cr0, seen_tr, seen_cr3, runs;
static u32 ldt[2][2];

static struct { u32 o; u16 s; } __attribute__((packed)) fp;
static void call_far(void) { __asm__ volatile("lcall *%0" : : "m"(fp) : "memory"); }
static void jmp_far(void) { __asm__ volatile("ljmp *%0" : : "m"(fp) : "memory"); }
static void int40(void) { __asm__ volatile("int $0x40"); }
static void iret_nt(void) { __asm__ volatile("pushf; orl $0x4000, (%%esp); popf; iret" : : : "memory", "cc"); }

static void note(void)
{
    runs++;
    seen_flags = read_eflags();
    seen_cr0 = read_cr0();
    seen_cr3 = read_cr3();
    __asm__ volatile("str %0" : "=r"(seen_tr));
}

extern u8 task_iret[], task_jmp_back[];
__asm__("task_iret: call task_note\n clts\n iret\n jmp task_iret\n"
        "task_jmp_back: call task_note\n clts\n ljmp $0x28, $0\n jmp task_jmp_back\n"
);
void task_note(void);
void task_note(void) { note(); }
u32 task_error;

static void setup(u8 *entry)
{
    memset(&tss2, 0, 104);
    tss2.eip = (u32)entry;
    tss2.cs = G_KCODE;
    tss2.ss = tss2.ds = tss2.es = tss2.fs = tss2.gs = G_KDATA;
    tss2.ss0 = G_KDATA;
    tss2.esp0 = tss2.esp = (u32)(stack2 + 500);
    tss2.eflags = 2;
    tss2.cr3 = read_cr3();
    tss2.iomap = 104;
    set_desc(TSS2, (u32)&tss2, 103, A_TSS32, 0);
    runs = 0;
}

static u32 busy(u32 s) { return gdt[s >> 3][1] >> 9 & 1; }
static void got(const char *name, int vector, u32 want) { check(name, outcome(vector), want); }
static void to(u32 s)
{
    fp.s = (u16)s;
    fp.o = 0x5555;
}

static void calls(void)
{
    setup(task_iret);
    to(TSS2);
    tss2.eax = 0x1234;
    write_eflags(2 | 0x41);
    got("CALL to a TSS and IRET", try(call_far), (u8)NONE);
    check(" ran once", runs, 1);
    check(" NT in the new task", seen_flags & 0x4000, 0x4000);
    check(" back link", tss2.link & 0xffff, G_TSS);
    check(" TR", seen_tr & 0xffff, TSS2);
    check(" CR0.TS", seen_cr0 & 8, 8);
    check(" both busy: the old one", busy(G_TSS), 1);
    check(" not busy after IRET", busy(TSS2), 0);
    __asm__ volatile("str %0" : "=r"(seen_tr));
    check(" TR after", seen_tr & 0xffff, G_TSS);
    check(" CR0.TS is set after IRET too", read_cr0() & 8, 8);
    __asm__ volatile("clts");
    check(" EIP saved in the task behind its IRET", tss2.eip > (u32)task_iret && tss2.eip < (u32)task_jmp_back, 1);
    check(" NT saved as clear", tss2.eflags & 0x4000, 0);
    check(" no NT here", read_eflags() & 0x4000, 0);
    got("again: it goes on behind the IRET", try(call_far), (u8)NONE);
    check(" ran twice", runs, 2);

    setup(task_jmp_back);
    got("JMP to a TSS and back", try(jmp_far), (u8)NONE);
    check(" ran once", runs, 1);
    check(" no NT", seen_flags & 0x4000, 0);
    check(" old one is free, new one busy, and back", busy(G_TSS) << 1 | busy(TSS2), 2);

    setup(task_iret);
    set_call_gate(TGATE, TSS2, 0, A_TASK, 0);
    to(TGATE);
    got("CALL to a task gate", try(call_far), (u8)NONE);
    check(" ran once", runs, 1);
    set_gate(0x40, TSS2, 0, A_TASK);
    setup(task_iret);
    got("INT through a task gate", try(int40), (u8)NONE);
    check(" ran once", runs, 1);
}

static u32 gp_tries;
static void gp_once(void)
{
    /* The handler's task cannot change our EIP but in our TSS. */
    __asm__ volatile("incl %0; mov %1, %%gs" : "+m"(gp_tries) : "r"(0x7770));
}
void task_skip(void);
void task_skip(void)
{
    tss.eip += 2; /* the length of MOV GS, reg */
    note();
}
extern u8 task_fault[];
__asm__("task_fault: pop task_error\n call task_skip\n clts\n iret\n jmp task_fault\n");

static void exceptions(void)
{
    setup(task_fault);
    set_gate(GP, TSS2, 0, A_TASK);
    got("#GP through a task gate", try(gp_once), (u8)NONE);
    check(" error code on the new stack", task_error, 0x7770);
    check(" ran once", runs, 1);
    extern u8 stubs[];
    set_gate(GP, G_KCODE, (u32)stubs + 16 * GP, A_INT32);
}

static void errors(void)
{
    setup(task_iret);
    to(G_TSS);
    got("CALL to the busy TSS", try(call_far), GP | G_TSS << 16);
    got("JMP to the busy TSS", try(jmp_far), GP | G_TSS << 16);
    to(TSS2);
    set_desc(TSS2, (u32)&tss2, 103, A_TSS32 & ~A_NP, 0);
    got("CALL, not present", try(call_far), NP | TSS2 << 16);
    set_desc(TSS2, (u32)&tss2, 102, A_TSS32, 0);
    got("CALL, limit too small", try(call_far), TS | TSS2 << 16);
    setup(task_iret);
    set_gate(0x40, BAD, 0, A_TASK);
    gdt[BAD >> 3][0] = gdt[BAD >> 3][1] = 0;
    got("task gate to no TSS", try(int40), GP | BAD << 16);
    tss.link = G_KDATA;
    got("IRET with NT to no TSS", try(iret_nt), TS | G_KDATA << 16);
    write_eflags(2);
    tss.link = TSS2;
    got("IRET with NT to a TSS that is not busy", try(iret_nt), TS | TSS2 << 16);
    write_eflags(2);

    /* Errors found in the new task's context: the handler runs in the new task. */
    setup(task_iret);
    set_desc(TSS2, (u32)&tss2, 103, A_TSS32 | A_DPL3, 0);
    to(TSS2 | 3);
    got("CALL to a TSS with DPL 3 from ring 3", try_user(call_far), SYSCALL);
    check(" ran once", runs, 1);
    set_desc(TSS2, (u32)&tss2, 103, A_TSS32, 0);
    got("CALL to a TSS with DPL 0 from ring 3", try_user(call_far), GP | TSS2 << 16);
    to(TSS2);
}

/* A bad segment in the new TSS faults in the new task; the switch stays done. */
static u32 new_tr;
static bool fault_in_new_task(struct frame *f)
{
    trap = *f;
    __asm__ volatile("str %0" : "=r"(new_tr));
    /* Go back to the first task as its IRET would. */
    gdt[TSS2 >> 3][1] &= ~0x200u;
    gdt[G_TSS >> 3][1] &= ~0x200u;
    __asm__ volatile("ljmp $0x28, $0");
    return 0;
}
static void jump_lost(void) { __asm__ volatile("ljmp *%0" : : "m"(fp) : "memory", "eax", "ecx", "edx", "ebx", "esi", "edi"); }
static void late(const char *name, u32 want)
{
    hooks[TS] = hooks[NP] = hooks[SS] = hooks[GP] = fault_in_new_task;
    new_tr = 0;
    trap.vec = 0;
    trap.err = 0;
    jump_lost();
    hooks[TS] = hooks[NP] = hooks[SS] = hooks[GP] = 0;
    check(name, trap.vec | trap.err << 16, want);
    check(" in the new task", new_tr & 0xffff, TSS2);
    __asm__ volatile("clts");
}

static void late_errors(void)
{
    to(TSS2);
    setup(task_jmp_back);
    tss2.ds = 0x7770;
    late("bad DS in a TSS", TS | 0x7770 << 16);
    setup(task_jmp_back);
    set_desc(BAD, 0, 0xfffff, A_DATA & ~A_NP, F_BIG | F_PAGES);
    tss2.es = BAD;
    late("ES of a TSS not present", NP | BAD << 16);
}

static void memory_switch(void)
{
    to(TSS2);
    setup(task_iret);
    set_desc(LDT, (u32)ldt, sizeof ldt - 1, A_LDT, 0);
    ldt[1][0] = gdt[G_KDATA >> 3][0];
    ldt[1][1] = gdt[G_KDATA >> 3][1];
    tss2.ldt = LDT;
    tss2.gs = 8 | 4;
    got("a TSS with an LDT", try(call_far), (u8)NONE);
    check(" ran once", runs, 1);
    paging_on();
    setup(task_iret);
    memcpy(pages[0], page_dir, 4096);
    tss2.cr3 = (u32)pages[0];
    tss.cr3 = (u32)page_dir;
    got("CR3 changes with the task", try(call_far), (u8)NONE);
    check(" CR3 in the task", seen_cr3, (u32)pages[0]);
    check(" CR3 after", read_cr3(), (u32)page_dir);
    paging_off();
}

extern u8 t16_code[], t16_end[];
extern u32 t16_runs;
__asm__(".code16\n"
        "t16_code: incw %bx\n movw %bx, %cs:(0x80)\n iretw\n jmp t16_code\n"
        "t16_end:\n .code32\n");
static u8 area16[256] __attribute__((aligned(16)));

static void sixteen(void)
{
    memcpy(area16, t16_code, (u32)(t16_end - t16_code));
    memset(&tss16, 0, sizeof tss16);
    set_desc(BAD, (u32)area16, 255, A_CODE, 0);
    set_desc(TSS16, (u32)&tss16, sizeof tss16 - 1, A_TSS16, 0);
    /* CS override writes are refused, so the task stores nothing: look at its TSS instead. */
    area16[1] = area16[2] = area16[3] = area16[4] = area16[5] = 0x90;
    tss16.cs = BAD;
    tss16.ss = tss16.ds = tss16.es = G_DATA16;
    tss16.bx = 0x41;
    tss16.flags = 2;
    tss16.sp = 0x7000;
    to(TSS16);
    got("CALL to a 16-bit TSS", try(call_far), (u8)NONE);
    check(" BX saved", tss16.bx, 0x42);
    check(" back link", tss16.link, G_TSS);
    check(" CR0.TS", read_cr0() & 8, 8);
    __asm__ volatile("clts");
    set_desc(TSS16, (u32)&tss16, sizeof tss16 - 2, A_TSS16, 0);
    got("16-bit TSS, limit too small", try(call_far), TS | TSS16 << 16);
}

/* The T bit of the new TSS: #DB before its first instruction. */
static u32 t_dr6, t_eip;
static bool debug_trap(struct frame *f)
{
    t_dr6 = read_dr6();
    t_eip = f->eip;
    write_dr6(0);
    return 1;
}
static void t_bit(void)
{
    setup(task_iret);
    to(TSS2);
    tss2.trap = 1;
    hooks[DB] = debug_trap;
    got("T bit", try(call_far), (u8)NONE);
    check(" DR6.BT", t_dr6 & 0xe00f, 0x8000);
    check(" before the first instruction", t_eip, (u32)task_iret);
}

void test(void)
{
    tss.cr3 = 0;
    calls();
    exceptions();
    errors();
    late_errors();
    memory_switch();
    sixteen();
    t_bit();
}
