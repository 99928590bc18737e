#include "guest.h"

u32 gdt[GDT_ENTRIES][2] __attribute__((aligned(8))), idt[256][2] __attribute__((aligned(8)));
struct tss tss __attribute__((aligned(128)));
struct frame trap;
u32 trap_cr2, trap_vector;
hook_fn *hooks[256];
u32 page_dir[1024] __attribute__((aligned(4096))), page_tables[2][1024] __attribute__((aligned(4096)));
u8 pages[4][4096] __attribute__((aligned(4096)));
static u32 failed;

extern u8 stubs[], stack_top[];
extern u32 catch_esp;

void *memset(void *p, int c, unsigned long n)
{
    u8 *q = p;
    while (n--)
        *q++ = (u8)c;
    return p;
}

void *memcpy(void *to, const void *from, unsigned long n)
{
    u8 *t = to;
    const u8 *f = from;
    while (n--)
        *t++ = *f++;
    return to;
}

void print(const char *s)
{
    while (*s)
        outb(0xe9, (u8)*s++);
}

void print_hex(u32 v)
{
    int shift = 28;
    while (shift && !(v >> shift))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        outb(0xe9, (u8)"0123456789abcdef"[v >> shift & 15]);
}

void check(const char *name, u32 got, u32 want)
{
    if (got == want) {
        print("ok ");
        print(name);
    } else {
        failed = 1;
        print("not ok ");
        print(name);
        print(": got ");
        print_hex(got);
        print(" want ");
        print_hex(want);
    }
    print("\n");
}

void quit(void)
{
    outb(0xf4, (u8)failed);
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* From entry.S: true to return to the frame, false to end try(). */
bool lib_trap(struct frame *f);
bool lib_trap(struct frame *f)
{
    u32 cr2 = read_cr2();
    if (hooks[f->vec & 255] && hooks[f->vec & 255](f))
        return 1;
    trap = *f;
    trap_cr2 = cr2;
    trap_vector = f->vec;
    if (catch_esp)
        return 0;
    failed = 1;
    print("not ok unexpected exception ");
    print_hex(f->vec);
    print(" error ");
    print_hex(f->err);
    print(" at ");
    print_hex(f->cs);
    print(":");
    print_hex(f->eip);
    print(" cr2 ");
    print_hex(cr2);
    print("\n");
    quit();
}

u32 outcome(int vector)
{
    bool has = vector == DF || (vector >= TS && vector <= PF) || vector == AC;
    return (u32)(u8)vector | (has ? trap.err << 16 : 0);
}

void set_desc(u32 selector, u32 base, u32 limit, u32 access, u32 flags)
{
    u32 *d = gdt[selector >> 3];
    d[0] = (limit & 0xffff) | base << 16;
    d[1] = (base >> 16 & 0xff) | access << 8 | (limit & 0xf0000) | flags << 20 | (base & 0xff000000);
}

void set_call_gate(u32 selector, u32 target, u32 offset, u32 access, u32 params)
{
    u32 *d = gdt[selector >> 3];
    d[0] = (offset & 0xffff) | target << 16;
    d[1] = (offset & 0xffff0000) | access << 8 | params;
}

void set_gate(u32 vector, u32 selector, u32 offset, u32 access)
{
    idt[vector][0] = (offset & 0xffff) | selector << 16;
    idt[vector][1] = (offset & 0xffff0000) | access << 8;
}

void load_gdt(void)
{
    struct {
        u16 limit;
        u32 base;
    } __attribute__((packed)) r = {sizeof gdt - 1, (u32)gdt};
    __asm__ volatile("lgdt %0\n\t"
                     "ljmp $0x08, $1f\n"
                     "1:\tmov %1, %%ds\n\tmov %1, %%es\n\tmov %1, %%ss\n\tmov %1, %%fs\n\tmov %1, %%gs"
                     : : "m"(r), "r"(G_KDATA) : "memory");
}

void lib_init(void);
void lib_init(void)
{
    struct {
        u16 limit;
        u32 base;
    } __attribute__((packed)) r = {sizeof idt - 1, (u32)idt};
    set_desc(G_KCODE, 0, 0xfffff, A_CODE, F_BIG | F_PAGES);
    set_desc(G_KDATA, 0, 0xfffff, A_DATA, F_BIG | F_PAGES);
    set_desc(G_UCODE, 0, 0xfffff, A_CODE | A_DPL3, F_BIG | F_PAGES);
    set_desc(G_UDATA, 0, 0xfffff, A_DATA | A_DPL3, F_BIG | F_PAGES);
    set_desc(G_TSS, (u32)&tss, sizeof tss - 1, A_TSS32, 0);
    set_desc(G_CODE16, 0, 0xffff, A_CODE, 0);
    set_desc(G_DATA16, 0, 0xffff, A_DATA, 0);
    tss.ss0 = G_KDATA;
    /* A ring 3 exception gets a stack of its own below the boot stack's used part. */
    tss.esp0 = (u32)stack_top - 4096;
    tss.iomap = sizeof tss; /* beyond the limit: no ports */
    load_gdt();
    for (u32 v = 0; v < 256; v++)
        set_gate(v, G_KCODE, (u32)stubs + 16 * v, A_INT32);
    idt[SYSCALL][1] |= A_DPL3 << 8;
    __asm__ volatile("lidt %0; ltr %w1; lldt %w2" : : "m"(r), "r"(G_TSS), "r"(0) : "memory");
}

void paging_on(void)
{
    for (u32 i = 0; i < 2048; i++)
        page_tables[i >> 10][i & 1023] = i << 12 | P_P | P_RW | P_US;
    page_dir[0] = (u32)page_tables[0] | P_P | P_RW | P_US;
    page_dir[1] = (u32)page_tables[1] | P_P | P_RW | P_US;
    write_cr3((u32)page_dir);
    write_cr0(read_cr0() | 0x80000000);
    __asm__ volatile("jmp 1f\n1:" : : : "memory");
}

void paging_off(void)
{
    write_cr0(read_cr0() & 0x7fffffff);
    write_cr3(0);
}

u32 *pte(const volatile void *addr)
{
    return &page_tables[(u32)addr >> 22][(u32)addr >> 12 & 1023];
}

void pic_init(void)
{
    static const u8 icw[2][4] = {{0x11, 0x20, 4, 1}, {0x11, 0x28, 2, 1}};
    for (int i = 0; i < 2; i++) {
        u16 port = i ? 0xa0 : 0x20;
        outb(port, icw[i][0]);
        for (int j = 1; j < 4; j++)
            outb(port + 1, icw[i][j]);
        outb(port + 1, 0xff);
    }
}

void pic_unmask(u32 irq)
{
    if (irq >= 8) {
        outb(0xa1, inb(0xa1) & (u8)~(1u << (irq - 8)));
        irq = 2;
    }
    outb(0x21, inb(0x21) & (u8)~(1u << irq));
}

void pic_eoi(u32 irq)
{
    if (irq >= 8)
        outb(0xa0, 0x20);
    outb(0x20, 0x20);
}

void pit_rate(u32 divisor)
{
    outb(0x43, 0x34);
    outb(0x40, divisor & 0xff);
    outb(0x40, divisor >> 8);
}

u32 call_code(const void *p)
{
    u32 r;
    __asm__ volatile("call *%1" : "=a"(r) : "r"(p) : "ecx", "edx", "esi", "edi", "memory", "cc");
    return r;
}

void put_mov(u8 *p, u32 value)
{
    p[0] = 0xb8;
    memcpy(p + 1, &value, 4);
    p[5] = 0xc3;
}
