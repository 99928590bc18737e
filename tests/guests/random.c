/* Random code on memory whose pages come and go, in rings 0 and 3.  Every exception adds what it sees to a
 * digest: registers, flags, SSE and x87 state, error code, CR2, and the page table entries with their
 * accessed and dirty bits.  What is expected was found by interpretation.
 *
 * Timer interrupts leave no trace, since the compiler decides where they come.  To compare accelerators:
 * -DTICKS=1 adds what they see, and lets them change pages too; -DFROM=n -DGROUPS=n for other code.
 * options: -cpu qemu32 */
#include "guest.h"

#ifndef TICKS
#define TICKS 0
#endif
#ifndef FROM
#define FROM 0
#define GROUPS 12
#endif
enum { FRAMES = 7, SEEDS = 24 };

/* Code, another page for each round, and what it calls. */
static u8 *code, called[4096] __attribute__((aligned(4096)));
/* Its pages show pages[0] to [3], [1] again, and the two with code. */
static u8 *const area = (u8 *)0x600000;
static u8 *frames[FRAMES] = {pages[0], pages[1], pages[2], pages[3], pages[1], called};

static u8 *const callee = called + 3900; /* where nothing is stored */
static u32 seed, digest, faults, divides, user;

static u32 rnd(u32 n)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return (seed >> 8) % n;
}

static void add(u32 v)
{
    digest = (digest << 5 | digest >> 27) ^ v;
    digest *= 0x9e3779b1;
}

static void add_memory(const void *p, u32 len)
{
    const u32 *w = p;
    for (u32 i = 0; i < len / 4; i++)
        add(w[i]);
}

/* ---- code ---- */

static u8 *at;
static u32 esi_value, edi_value;

static void b(u32 v) { *at++ = (u8)v; }
static void b2(u32 v, u32 w) { b(v); b(w); }
static void d(u32 v) { b(v); b(v >> 8); b(v >> 16); b(v >> 24); }

/* An address in the area, often near a border of pages.  The last page's code is not hit. */
static u32 address(void)
{
    u32 n = rnd(FRAMES), target = (u32)area + n * 4096;
    if (rnd(3) == 0)
        return target + (n == FRAMES - 1 ? 2048 + rnd(400) * 4 : rnd(900) * 4);
    return n ? target + rnd(32) - 16 : target;
}

static void mem(u32 reg)
{
    u32 target = address();
    reg <<= 3;
    switch (rnd(5)) {
    case 0:
        b(reg | 5);
        d(target);
        break;
    case 1:
        b(0x84 | reg);
        b(0xae); /* esi + ebp * 4 */
        d(target - esi_value - 4 * rnd(8));
        break;
    case 2:
        if (target - edi_value + 128 < 256) {
            b(0x47 | reg);
            b(target - edi_value);
            break;
        }
        b(0x87 | reg);
        d(target - edi_value);
        break;
    default:
        b(0x86 | reg);
        d(target - esi_value);
    }
}

/* Either half of a register operand, or memory. */
static void rm(u32 reg, u32 registers)
{
    if (rnd(2))
        mem(reg);
    else
        b(0xc0 | reg << 3 | rnd(registers));
}

/* With ESI, EDI and ECX of its own, forwards or backwards. */
static void string(void)
{
    static const u8 ops[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};
    u32 down = rnd(4) == 0;
    b2(0x56, 0x57);
    b2(0x51, 0xbe);
    d(address());
    b(0xbf);
    d(address());
    b(0xb9);
    d(rnd(30));
    if (down)
        b(0xfd);
    if (rnd(2))
        b(0xf2 | rnd(2));
    b(ops[rnd(10)]);
    if (down)
        b(0xfc);
    b2(0x59, 0x5f);
    b(0x5e);
}

static void integer(void)
{
    u32 r = rnd(4), w = rnd(4) != 0; /* bytes: AL to BL, for a memory operand */
    switch (rnd(20)) {
    case 0: case 1:
        b(rnd(8) << 3 | 3);
        rm(r, 4);
        break;
    case 2: case 3:
        if (rnd(4) == 0)
            b(0x66);
        b(rnd(8) << 3 | w);
        rm(r, 4);
        break;
    case 4:
        b(0x83);
        rm(rnd(8), 4);
        b(rnd(256));
        break;
    case 5:
        b(0xfe | w);
        rm(rnd(2), 4);
        break;
    case 6:
        b(0xf6 | w);
        rm(2 + rnd(2), 4);
        break;
    case 7:
        b(0xd0 | w | rnd(2) << 1);
        rm(rnd(8), 4);
        break;
    case 8:
        b(0xc0 | w);
        rm(rnd(8), 4);
        b(rnd(32));
        break;
    case 9:
        b(rnd(2) ? 0x8b : 0x88 | w);
        mem(r);
        break;
    case 10:
        b2(0x0f, (rnd(2) ? 0xb6 : 0xbe) | w);
        rm(r, 4);
        break;
    case 11:
        if (rnd(2))
            b2(0x0f, (rnd(2) ? 0xb0 : 0xc0) | w); /* CMPXCHG, XADD */
        else
            b(0x86 | w);
        mem(r);
        break;
    case 12:
        r |= rnd(16) << 4;
        b2(0x0f, (rnd(2) ? 0x90 : 0x40) | r >> 4); /* SETcc, CMOVcc */
        r &= 3;
        rm(r, 4);
        break;
    case 13:
        b2(0x0f, 0xba);
        rm(4 + rnd(4), 4);
        b(rnd(32));
        break;
    case 14:
        b2(0x0f, rnd(2) ? 0xa4 : 0xac);
        rm(r, 4);
        b(rnd(32));
        break;
    case 15:
        b2(0x0f, 0xaf);
        rm(r, 4);
        break;
    case 16:
        string();
        break;
    case 17:
        b2(0x0f, 0xc7); /* CMPXCHG8B */
        mem(1);
        break;
    case 18:
        b(0xf6 | w); /* MUL to IDIV */
        rm(4 + rnd(4), 4);
        break;
    case 19:
        if (rnd(2)) {
            b(0xff); /* PUSH and POP of memory */
            mem(6);
            b(0x8f);
            mem(0);
        } else {
            b(0x68);
            d(seed);
            b(0x58 | r);
        }
        break;
    }
}

static void sse(void)
{
    static const u8 arith[] = {0x58, 0x59, 0x5c, 0x5e, 0x51, 0x58, 0x59, 0x5c};
    u32 r = rnd(8);
    switch (rnd(10)) {
    case 0: case 1: case 2:
        b(0xf2);
        b2(0x0f, arith[rnd(8)]);
        rm(r, 8);
        break;
    case 3:
        b(0xf2);
        b2(0x0f, 0x10);
        rm(r, 8);
        break;
    case 4:
        b(0xf2);
        b2(0x0f, 0x11);
        mem(r);
        break;
    case 5:
        b2(0x0f, 0x28);
        b(0xc0 | r << 3 | rnd(8));
        break;
    case 6:
        b(0xf2);
        b2(0x0f, 0x2a);
        b(0xc0 | r << 3 | rnd(4));
        break;
    case 7:
        b(0x66);
        b2(0x0f, 0x2e);
        rm(r, 8);
        break;
    case 8:
        if (rnd(2))
            b(0x66);
        b2(0x0f, 0x10 | rnd(2));
        mem(r);
        break;
    case 9:
        b(0x66);
        b2(0x0f, rnd(2) ? 0xfe : 0xef);
        b(0xc0 | r << 3 | rnd(8));
        break;
    }
}

static void x87(void)
{
    b(rnd(2) ? 0xdd : 0xd9);
    mem(0);
    if (rnd(2)) {
        b(rnd(2) ? 0xdc : 0xd8);
        mem(rnd(2) * 4);
    }
    if (rnd(3) == 0) {
        b(0xdb);
        mem(7);
    } else {
        b(rnd(2) ? 0xdd : 0xd9);
        mem(3);
    }
}

static void one(u32 kind)
{
    u32 k = rnd(10);
    if (kind == 1 && k < 6)
        sse();
    else if (kind == 2 && k < 4)
        x87();
    else
        integer();
}

/* A loop of EBP rounds, with forward jumps and calls to another page in it, behind a few instructions. */
static void make(void)
{
    u32 kind = rnd(3), n = 3 + rnd(16);
    esi_value = (u32)area + rnd(FRAMES) * 4096 + rnd(64);
    edi_value = (u32)area + rnd(FRAMES) * 4096 + rnd(64);
    at = code + 320 + rnd(64);
    u8 *entry = at;
    for (u32 i = rnd(4); i > 0; i--)
        one(kind);
    u8 *head = at;
    for (u32 i = 0; i < n; i++) {
        if (rnd(5) == 0) {
            b(0x70 | rnd(16));
            u8 *jump = at++;
            one(kind);
            *jump = (u8)(at - jump - 1);
        } else if (rnd(12) == 0) {
            b(0xe8);
            d((u32)callee - (u32)at - 4);
        } else {
            one(kind);
        }
    }
    b(0x4d); /* dec ebp */
    b2(0x0f, 0x85);
    d((u32)head - (u32)at - 4);
    b(0xc3);
    at = callee;
    b2(0x11, 0xc8); /* adc eax, ecx */
    b(0xc3);
    at = entry;
}

/* ---- events ---- */

static u8 fx[512] __attribute__((aligned(16)));

static void see(struct frame *f)
{
    add(f->vec);
    add(f->eip - (u32)code);
    add(f->eflags & 0xcd5);
    add_memory(&f->r, 12);
    add(f->r.ebx);
    add(f->r.edx);
    add(f->r.ecx);
    add(f->r.eax);
    __asm__ volatile("fxsave %0" : "=m"(fx));
    add_memory(fx, 288);
    for (u32 i = 0; i < FRAMES; i++)
        add(*pte(area + i * 4096) & 0xfff);
}

/* A page is taken away, loses a right, or its accessed and dirty bits. */
static void worsen(void)
{
    u8 *p = area + rnd(FRAMES) * 4096;
    static const u32 bits[] = {P_P, P_RW, P_RW, P_D, P_D | P_A, P_A};
    *pte(p) &= ~bits[rnd(6)];
    invlpg(p);
}

static bool on_fault(struct frame *f)
{
    u32 cr2 = read_cr2();
    if (cr2 - (u32)area >= FRAMES * 4096)
        return 0;
    faults++;
    see(f);
    add(f->err);
    add(cr2 - (u32)area);
    u32 *e = pte((u8 *)cr2);
    *e |= f->err & 1 ? P_RW : P_P;
    invlpg((u8 *)cr2);
    if (rnd(3) == 0)
        worsen();
    return 1;
}

/* The divisor is what there is no way round: the quotient is. */
static bool on_divide(struct frame *f)
{
    see(f);
    f->r.edx = 0;
    f->r.eax = 1;
    return f->eip - (u32)code < 4096 && divides++ < 8;
}

static bool on_tick(struct frame *f)
{
    if (TICKS) {
        see(f);
        if (rnd(2))
            worsen();
    }
    pic_eoi(0);
    return 1;
}

u32 in[8], out[8], flags, flags_out, entry;
void run(void);
__asm__("run: pusha\n mov in+28, %eax\n mov in+24, %ecx\n mov in+20, %edx\n mov in+16, %ebx\n"
        " mov in+8, %ebp\n mov in+4, %esi\n mov in, %edi\n pushl flags\n popf\n call *entry\n pushf\n"
        " popl flags_out\n mov %eax, out+28\n mov %ecx, out+24\n mov %edx, out+20\n mov %ebx, out+16\n"
        " mov %esi, out+4\n mov %edi, out\n"
        " popa\n ret\n");

/* Doubles of moderate size, one in 16 any bits. */
static void fill(void)
{
    for (u32 i = 0; i < 4 * 512; i++) {
        u32 *word = (u32 *)pages + 2 * i, high = rnd(1 << 24);
        if (rnd(16))
            high = (high & 0x3ffffff) + 0x3f000000 + (high << 31);
        word[0] = rnd(1 << 24) << 8;
        word[1] = high;
    }
}

static void round(u32 number)
{
    divides = 0;
    seed = 0x1234567 + number * 0x9e3779b1;
    code = (u8 *)0x200000 + number % 1000 * 4096;
    make();
    frames[FRAMES - 1] = code;
    for (u32 i = 0; i < FRAMES; i++) {
        static const u32 bits[] = {0, 0, P_P, P_P, P_P | P_RW, P_P | P_RW | P_A, P_P | P_RW | P_A | P_D};
        *pte(area + i * 4096) = (u32)frames[i] | P_US | P_G | bits[rnd(7)];
        invlpg(area + i * 4096);
    }
    for (u32 i = 0; i < 8; i++)
        in[i] = rnd(1 << 24) * 257;
    in[0] = edi_value;
    in[1] = esi_value;
    in[2] = 1 + rnd(user ? 60 : 20);
    flags = (rnd(1 << 12) & 0x8d5) | 2 | (number & 1 ? 0x200 : 0);
    entry = (u32)at;
    static u32 clean[128] __attribute__((aligned(16)));
    clean[0] = 0x37f;
    clean[6] = 0x1f80;
    for (u32 i = 40; i < 72; i++)
        clean[i] = i & 1 ? 0x3ff00000 + i : 0;
    __asm__ volatile("fxrstor %0" : : "m"(clean));
    if (user)
        __asm__ volatile("sti");
    add((u32)(user ? try_user(run) : try(run)));
    cli();
    add_memory(out, sizeof out);
    add(flags_out & 0x8d5);
    __asm__ volatile("fxsave %0" : "=m"(fx));
    add_memory(fx, 288);
    for (u32 i = 0; i < 4; i++)
        add_memory(pages[i], 64);
}

void test(void)
{
    paging_on();
    for (u32 i = 0; i < 1024; i++)
        page_tables[0][i] |= P_G;
    write_cr4(read_cr4() | 0x680); /* PGE, OSFXSR, OSXMMEXCPT */
    write_cr0((read_cr0() | 0x10022) & ~0xcu);
    write_cr3(read_cr3());
    hooks[PF] = on_fault;
    hooks[DE] = on_divide;
    hooks[0x20] = on_tick;
    pic_init();
    pit_rate(40);
    pic_unmask(0);
    for (u32 g = FROM; g < FROM + GROUPS; g++) {
        user = g & 1;
        digest = faults = 0;
        seed = g + 1;
        fill();
        for (u32 i = 0; i < SEEDS; i++)
            round(g * SEEDS + i);
        add_memory(pages, sizeof pages);
        print(user ? "ring 3: " : "ring 0: ");
        print_hex(digest);
        print(", faults ");
        print_hex(faults);
        print("\n");
    }
}
