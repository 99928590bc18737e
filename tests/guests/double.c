/* Double faults, by an interrupt gate and by a task gate; which pairs of exceptions make one. */
#include "guest.h"

enum { TSS2 = G_FREE };
static struct tss tss2 __attribute__((aligned(128)));
static u32 stack2[512];
extern u8 stubs[], df_task[];
static volatile u32 *p;
static u32 seen, sel;
static void load(void) { seen = *p; }
static void load_gs(void) { __asm__ volatile("mov %0, %%gs" : : "r"(sel)); }
static void div0(void) { __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx"); }
static void ud2(void) { __asm__ volatile("ud2"); }
static void int30(void) { __asm__ volatile("int $0x30"); }
static void got(const char *name, int vector, u32 want) { check(name, outcome(vector), want); }

/* The gates of single vectors, spoilt and mended. */
static void spoil(u32 v) { idt[v][1] &= ~(A_NP << 8); }
static void mend(u32 v) { idt[v][1] |= A_NP << 8; }

u32 df_error, df_tr;
static u32 esp0;
void df_note(void);
void df_note(void)
{
    __asm__ volatile("str %0" : "=r"(df_tr));
    /* Let the first task go on behind its faulting instruction: UD2 has two bytes. */
    tss.eip += 2;
    tss.esp0 = esp0;
}
__asm__("df_task: pop df_error\n call df_note\n clts\n iret\n jmp df_task\n");

static void pairs(void)
{
    sel = 0x7770;
    spoil(UD);
    got("#UD (benign), then #NP", try(ud2), NP | (UD * 8 + 3) << 16);
    mend(UD);
    spoil(GP);
    got("#GP, then #NP", try(load_gs), DF);
    check(" error code 0", trap.err, 0);
    mend(GP);
    spoil(DE);
    got("#DE, then #NP", try(div0), DF);
    mend(DE);
    spoil(0x30);
    spoil(NP);
    got("INT n, #NP, then #NP", try(int30), DF);
    mend(0x30);
    mend(NP);
    paging_on();
    p = (u32 *)pages[0];
    *pte(p) = 0;
    invlpg(p);
    spoil(PF);
    got("#PF, then #NP", try(load), DF);
    mend(PF);
    got("#PF alone", try(load), PF);
    /* The second exception is a page fault: the handler's descriptor lies on a missing page. */
    struct { u16 limit; u32 base; } __attribute__((packed)) r = {2047, 0}, old = {sizeof idt - 1, (u32)idt};
    /* An IDT in two pages: vectors below 14 on the page before. */
    memcpy(pages[2] - 8 * 14, idt, 2048);
    r.base = (u32)pages[2] - 8 * 14;
    __asm__ volatile("lidt %0" : : "m"(r));
    *pte(pages[1]) = 0;
    invlpg(pages[1]);
    p = (u32 *)pages[3];
    *pte(p) = 0;
    invlpg(p);
    got("#PF with half an IDT", try(load), PF);
    got("#UD, then #PF", try(ud2), PF);
    check(" CR2 is the gate", trap_cr2, r.base + 8 * UD);
    *pte(pages[1]) = (u32)pages[1] | P_P | P_RW;
    invlpg(pages[1]);
    __asm__ volatile("lidt %0" : : "m"(old));
    paging_off();
}

/* #UD whose ring 0 stack is missing: #PF on pushing, whose own push faults: #DF by a task gate. */
static void by_task(void)
{
    paging_on();
    memset(&tss2, 0, 104);
    tss2.eip = (u32)df_task;
    tss2.cs = G_KCODE;
    tss2.ss = tss2.ds = tss2.es = tss2.fs = tss2.gs = G_KDATA;
    tss2.esp = (u32)(stack2 + 500);
    tss2.eflags = 2;
    tss2.cr3 = (u32)page_dir;
    tss.cr3 = (u32)page_dir;
    tss2.iomap = 104;
    set_desc(TSS2, (u32)&tss2, 103, A_TSS32, 0);
    set_gate(DF, TSS2, 0, A_TASK);
    esp0 = tss.esp0;
    tss.esp0 = (u32)pages[3];
    *pte(pages[2]) = 0;
    invlpg(pages[2]);
    df_error = 1;
    got("no stack: #PF, #PF, #DF by a task gate", try_user(ud2), SYSCALL);
    check(" error code", df_error, 0);
    check(" TR", df_tr & 0xffff, TSS2);
    check(" CR2", read_cr2(), (u32)pages[3] - 4);
    *pte(pages[2]) = (u32)pages[2] | P_P | P_RW | P_US;
    set_gate(DF, G_KCODE, (u32)stubs + 16 * DF, A_INT32);
    paging_off();
}

void test(void)
{
    pairs();
    by_task();
}
