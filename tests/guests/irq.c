/* External interrupts: in loops of every kind, STI and MOV SS shadows, HLT, masks, priorities,
 * restart of REP instructions. */
#include "guest.h"

static volatile u32 ticks, eip_seen, flag;
static u32 stop_at;

extern u8 l_rep[];

/* Endless loops end when the handler has counted enough: it moves the interrupted code there. */
static u32 escape;
static bool tick(struct frame *f)
{
    ticks++;
    eip_seen = f->eip;
    if (!stop_at) /* one is enough: a slow host would see the next already */
        outb(0x21, 0xff);
    pic_eoi(0);
    if (escape && ticks >= stop_at)
        f->eip = escape;
    return 1;
}

static void start(u32 want)
{
    ticks = 0;
    stop_at = want;
    escape = 0;
    outb(0x21, 0xfe);
}

static void stop(void)
{
    cli();
    outb(0x21, 0xff);
}

static void sti_wait(void)
{
    __asm__ volatile("sti");
    while (ticks < stop_at)
        continue;
    cli();
}

/* With IF clear, wait until the timer's request stands in the 8259 (one that came before is taken out). */
static void pending(void)
{
    u32 i = 0;
    outb(0x20, 0x0a);
    while (!(inb(0x20) & 1) && i++ < 10000000)
        continue;
}

static void in_loops(void)
{
    start(3);
    __asm__ volatile("movl $1f, %0\n sti\n 0: jmp 0b\n 1: cli" : "=m"(escape));
    check("jmp to itself", ticks >= 3, 1);
    start(3);
    __asm__ volatile("movl $1f, %0\n sti\n 0: dec %%ecx\n jmp 0b\n 1: cli" : "=m"(escape) : : "ecx");
    check("dec, jmp", ticks >= 3, 1);
    start(3);
    __asm__ volatile("movl $1f, %0\n sti\n mov $2f, %%eax\n 2: jmp *%%eax\n 1: cli" : "=m"(escape) : : "eax");
    check("indirect jumps", ticks >= 3, 1);
    start(3);
    __asm__ volatile("movl $1f, %0\n sti\n mov %%esp, %%ebx\n 0: call 2f\n jmp 0b\n 2: ret\n 1: cli\n mov %%ebx, %%esp"
                     : "=m"(escape) : : "ebx", "memory");
    check("calls", ticks >= 3, 1);
    start(3);
    __asm__ volatile("movl $1f, %0\n sti\n xor %%eax, %%eax\n 0: cmp $1, %%eax\n jne 0b\n 1: cli" : "=m"(escape) : : "eax");
    check("cmp, jne", ticks >= 3, 1);
    start(3);
    __asm__ volatile("movl $1f, %0\n sti\n mov $-1, %%ecx\n 0: loop 0b\n jmp 0b\n 1: cli" : "=m"(escape) : : "ecx");
    check("LOOP", ticks >= 3, 1);
    start(3);
    sti_wait();
    check("a C loop that reads memory", ticks >= 3, 1);
    stop();
}

/* The interrupt comes after the instruction behind STI, not before. */
extern u8 st_after[];
static void shadow(void)
{
    /* Let a tick become pending with IF clear. */
    start(0);
    pending();
    __asm__ volatile("sti\n st_nop: nop\n st_after: nop\n cli" : : : "memory");
    check("STI: the interrupt comes", ticks, 1);
    check("STI: behind the next instruction", eip_seen, (u32)st_after);
    start(0);
    pending();
    __asm__ volatile("sti; cli" : : : "memory");
    check("STI; CLI: none", ticks, 0);
    __asm__ volatile("sti; sti; nop; cli" : : : "memory");
    check("STI; STI: the second has no shadow", ticks, 1);
    start(0);
    pending();
    __asm__ volatile("pushf; orl $0x200, (%%esp); popf\n nop\n cli" : : : "memory");
    check("POPF that sets IF", ticks, 1);
    start(0);
    pending();
    __asm__ volatile("mov %%ss, %%eax; pushf; orl $0x200, (%%esp)\n popf\n cli" : : : "eax", "memory");
    check("POPF, then CLI: no shadow", ticks, 1);
    start(0);
    pending();
    __asm__ volatile("mov %%ss, %%eax\n sti\n mov %%eax, %%ss\n nop\n ss_after: nop\n cli" : : : "eax", "memory");
    check("STI; MOV SS: the interrupt comes", ticks, 1);
    start(0);
    pending();
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    check("STI; HLT with a pending interrupt goes on", ticks, 1);
    start(0);
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    check("HLT waits", ticks, 1);
    stop();
}

/* The shadow of an STI that ends a page reaches into the next one, the first time and later. */
static u32 edge(const u8 *rest, u32 len)
{
    u32 seen = 0;
    u8 *p = pages[1] - 1;
    p[0] = 0xfb;
    memcpy(pages[1], rest, len);
    for (u32 i = 0; i < 8; i++) {
        start(0);
        pending();
        __asm__ volatile("call *%0" : : "r"(p) : "eax", "memory", "cc");
        seen |= (ticks ? eip_seen - (u32)pages[1] : 0xf) << 4 * i;
    }
    stop();
    return seen;
}
static void page_edge(void)
{
    static const u8 cli_ret[] = {0xfa, 0xc3}, nop_cli[] = {0x90, 0xfa, 0xc3};
    static const u8 jmp_cli[] = {0xeb, 1, 0x90, 0xfa, 0xc3};
    check("STI ends a page: CLI", edge(cli_ret, sizeof cli_ret), 0xffffffff);
    check("STI ends a page: NOP", edge(nop_cli, sizeof nop_cli), 0x11111111);
    check("STI ends a page: JMP", edge(jmp_cli, sizeof jmp_cli), 0x33333333);
}

static u8 from[65536], to[65536];
static void copy(void)
{
    u32 c = sizeof from;
    void *d = to;
    const void *s = from;
    __asm__ volatile("l_rep: rep movsb" : "+c"(c), "+S"(s), "+D"(d) : : "memory");
}
static bool in_rep(struct frame *f)
{
    ticks++;
    pic_eoi(0);
    /* Interrupted within REP MOVSB: EIP at the instruction, the rest in ECX. */
    if (f->eip == (u32)l_rep && f->r.ecx && f->r.ecx != sizeof from)
        flag |= f->r.esi - (u32)from == sizeof from - f->r.ecx ? 1 : 2;
    return 1;
}
static void rep(void)
{
    u32 bad = 0;
    for (u32 i = 0; i < sizeof from; i++)
        from[i] = (u8)(i * 7 + (i >> 8));
    hooks[0x20] = in_rep;
    start(0);
    flag = 0;
    __asm__ volatile("sti");
    for (u32 round = 0; round < 2000 && ticks < 50; round++) {
        memset(to, 0, 16);
        copy();
    }
    cli();
    for (u32 i = 0; i < sizeof from; i++)
        bad += from[i] != to[i];
    check("REP MOVSB under interrupts: contents", bad, 0);
    check("REP MOVSB under interrupts: registers", flag & 2, 0);
    stop();
    hooks[0x20] = tick;
}

static u32 order[4], norder;
static bool irq_a(struct frame *f)
{
    order[norder++ & 3] = f->vec;
    outb(0x21, 0xff);
    pic_eoi(f->vec - 0x20);
    return 1;
}

static void masks(void)
{
    start(0);
    pending();
    outb(0x21, 0xff);
    __asm__ volatile("sti; nop; nop; cli");
    check("masked: none", ticks, 0);
    outb(0x20, 0x0a);
    check("IRR shows it", inb(0x20) & 1, 1);
    outb(0x21, 0xfe);
    __asm__ volatile("sti; nop; nop; cli");
    check("unmasked: one", ticks, 1);
    stop();
    check("IMR reads back", inb(0x21), 0xff);
    outb(0xa1, 0x5a);
    check("IMR of the slave", inb(0xa1), 0x5a);
    outb(0xa1, 0xff);
    /* Specific EOI and in-service. */
    hooks[0x20] = irq_a;
    norder = 0;
    start(0);
    pending();
    __asm__ volatile("sti; nop; nop; cli");
    outb(0x20, 0x0b);
    check("ISR is empty after EOI", inb(0x20), 0);
    check("one interrupt", norder, 1);
    check("its vector", order[0], 0x20);
    stop();
    hooks[0x20] = tick;
}

void test(void)
{
    pic_init();
    hooks[0x20] = tick;
    pit_rate(1193); /* 1 kHz */
    in_loops();
    shadow();
    page_edge();
    rep();
    masks();
}
