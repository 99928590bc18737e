/* What the test kernels share: entry.S and lib.c.
 *
 * A kernel is a Multiboot image at 1 MiB, in flat 32-bit protected mode.  It prints "ok NAME" or
 * "not ok NAME: got X want Y" lines on port 0xe9 and leaves through isa-debug-exit at 0xf4. */
#ifndef GUEST_H
#define GUEST_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool;

/* GDT entries of lib.c; from G_FREE on they are the test's. */
enum {
    G_KCODE = 0x08, G_KDATA = 0x10, G_UCODE = 0x1b, G_UDATA = 0x23, G_TSS = 0x28, G_CODE16 = 0x30, G_DATA16 = 0x38,
    G_FREE = 0x40, GDT_ENTRIES = 32
};
/* Access bytes. */
enum {
    A_DATA = 0x93, A_DATA_RO = 0x91, A_DATA_DOWN = 0x97, A_CODE = 0x9b, A_CODE_XO = 0x99, A_CODE_CONF = 0x9f,
    A_TSS16 = 0x81, A_LDT = 0x82, A_CALL16 = 0x84, A_TASK = 0x85, A_INT16 = 0x86, A_TRAP16 = 0x87,
    A_TSS32 = 0x89, A_CALL32 = 0x8c, A_INT32 = 0x8e, A_TRAP32 = 0x8f, A_DPL3 = 0x60, A_NP = 0x80
};
/* Flags nibble. */
enum { F_BIG = 4, F_PAGES = 8 };

enum {
    DE, DB, NMI, BP, OF, BR, UD, NM, DF, CSO, TS, NP, SS, GP, PF, MF = 16, AC, NONE = -1,
    SYSCALL = 0x80 /* int 0x80: how user code ends */
};

struct regs {
    u32 edi, esi, ebp, esp_pusha, ebx, edx, ecx, eax;
};
/* An exception's or interrupt's frame.  esp and what follows only when it came from another ring;
 * the segments only from virtual-8086 mode. */
struct frame {
    u32 gs, fs, es, ds;
    struct regs r;
    u32 vec, err, eip, cs, eflags, esp, ss;
    u32 vm_es, vm_ds, vm_fs, vm_gs;
};

struct tss {
    u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
    u32 es, cs, ss, ds, fs, gs, ldt;
    u16 trap, iomap;
    u8 bitmap[32 + 8192 + 1]; /* interrupt redirection, then I/O permission */
};

extern u32 gdt[GDT_ENTRIES][2], idt[256][2];
extern struct tss tss;

/* ---- output ---- */
void print(const char *s);
void print_hex(u32 v);
/* One result line. */
void check(const char *name, u32 got, u32 want);
/* The kernel's test. */
void test(void);
void quit(void) __attribute__((noreturn));

/* ---- exceptions ---- */
/* The last frame that no hook took; cr2 beside it. */
extern struct frame trap;
extern u32 trap_cr2;
/* A hook sees each of its vectors' frames first: it may change the frame, and returns true to
 * go on there, false to let try() end. */
typedef bool hook_fn(struct frame *f);
extern hook_fn *hooks[256];
/* Call fn() in ring 0; the vector of the exception that ended it, or NONE. */
int try(void (*fn)(void));
/* Call fn() in ring 3 (its own stack); ends with SYSCALL if fn returned. */
int try_user(void (*fn)(void));
/* Go anywhere: load EIP, CS, EFLAGS, ESP, SS (and in virtual-8086 mode segments) from the
 * frame with IRET; ends as try() does. */
int try_frame(const struct frame *f);
/* Vector, with error code in bits 16-31: handy for one check(). */
u32 outcome(int vector);

void set_desc(u32 selector, u32 base, u32 limit, u32 access, u32 flags);
void set_gate(u32 vector, u32 selector, u32 offset, u32 access);
/* A gate in the GDT. */
void set_call_gate(u32 selector, u32 target, u32 offset, u32 access, u32 params);
void load_gdt(void);

/* ---- the machine ---- */
static inline void outb(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline u8 inb(u16 port)
{
    u8 v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
#define READ_REG(name)                                                       \
    static inline u32 read_##name(void)                                      \
    {                                                                        \
        u32 v;                                                               \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(v) : : "memory");      \
        return v;                                                            \
    }                                                                        \
    static inline void write_##name(u32 v)                                   \
    {                                                                        \
        __asm__ volatile("mov %0, %%" #name : : "r"(v) : "memory");          \
    }
READ_REG(cr0)
READ_REG(cr2)
READ_REG(cr3)
READ_REG(cr4)
READ_REG(dr0)
READ_REG(dr1)
READ_REG(dr2)
READ_REG(dr3)
READ_REG(dr6)
READ_REG(dr7)
static inline u32 read_eflags(void)
{
    u32 v;
    __asm__ volatile("pushfl; popl %0" : "=r"(v) : : "memory");
    return v;
}
static inline void write_eflags(u32 v)
{
    __asm__ volatile("pushl %0; popfl" : : "r"(v) : "memory", "cc");
}
static inline void cli(void)
{
    __asm__ volatile("cli" : : : "memory");
}
static inline void invlpg(const volatile void *p)
{
    __asm__ volatile("invlpg %0" : : "m"(*(const volatile char *)p) : "memory");
}
static inline u32 cpuid_edx(u32 leaf)
{
    u32 a = leaf, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return d;
}
static inline void wrmsr(u32 msr, u32 low, u32 high)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"(low), "d"(high));
}
static inline u32 rdmsr(u32 msr)
{
    u32 low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return low;
}

void *memset(void *p, int c, unsigned long n);
void *memcpy(void *to, const void *from, unsigned long n);

/* ---- paging ---- */
/* Identity map of the first 8 MiB with 4 KiB pages (P, RW, US), and CR0.PG set. */
extern u32 page_dir[1024], page_tables[2][1024];
void paging_on(void);
void paging_off(void);
/* The entry that maps an address below 8 MiB; flushes nothing. */
u32 *pte(const volatile void *addr);
/* Four page-aligned pages for tests. */
extern u8 pages[4][4096];
enum { P_P = 1, P_RW = 2, P_US = 4, P_A = 0x20, P_D = 0x40, P_PS = 0x80, P_G = 0x100 };

/* ---- interrupts ---- */
/* 8259 pair at vectors 0x20 and 0x28, all masked. */
void pic_init(void);
void pic_unmask(u32 irq);
void pic_eoi(u32 irq);
/* Channel 0 of the 8254 as a rate generator with this divisor (1193182 Hz). */
void pit_rate(u32 divisor);

/* Code that a test has made at p; returns its EAX. */
u32 call_code(const void *p);
/* Put there: mov eax, value; ret (6 bytes). */
void put_mov(u8 *p, u32 value);

#endif
