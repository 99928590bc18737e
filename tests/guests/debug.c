/* #DB: single step, hardware breakpoints for code, data and ports, DR7.GD, RF, INT1. */
#include "guest.h"

enum { TF = 0x100, RF = 0x10000, BS = 0x4000, BD = 0x2000 };

/* What the hook saw. */
static u32 n, eips[64], dr6s[64], flags[64], set_rf, stop_after;
static bool debug(struct frame *f)
{
    if (n < 64) {
        eips[n] = f->eip;
        dr6s[n] = read_dr6();
        flags[n] = f->eflags;
    }
    n++;
    write_dr6(0xffff0ff0);
    if (set_rf)
        f->eflags |= RF;
    if (stop_after && n >= stop_after)
        f->eflags &= ~(u32)TF;
    return 1;
}

static void start(void)
{
    n = 0;
    memset(eips, 0, sizeof eips);
    memset(dr6s, 0, sizeof dr6s);
    write_dr6(0xffff0ff0);
}

extern u8 s_begin[], s_1[], s_2[], s_3[], s_4[], s_5[], s_6[], s_rep[], s_after_rep[], s_int[], s_after_int[];
extern u8 s_ss[], s_after_ss[], s_popf[], s_end[];
static u32 word = 0, buffer[64] __attribute__((aligned(64)));
static void steps(void)
{
    __asm__ volatile("pushf; orl $0x100, (%%esp)\n"
                     "s_popf: popf\n"
                     "s_begin: nop\n"
                     "s_1: mov $1, %%eax\n"
                     "s_2: jmp s_3\n"
                     " nop\n"
                     "s_3: call s_5\n"
                     "s_4: jmp s_6\n"
                     "s_5: ret\n"
                     "s_6: mov $3, %%ecx; mov %0, %%edi\n"
                     "s_rep: rep stosl\n"
                     "s_after_rep: mov %%ss, %%ecx\n"
                     "s_ss: mov %%ecx, %%ss\n"
                     " nop\n"
                     "s_after_ss: pushf; andl $~0x100, (%%esp); popf\n"
                     "s_end: nop\n"
                     : : "i"(buffer) : "eax", "ecx", "edi", "memory");
}

static void single_step(void)
{
    start();
    hooks[DB] = debug;
    steps();
    check("POPF that sets TF: first trap after the next instruction", eips[0], (u32)s_1);
    check("DR6.BS", dr6s[0], 0xffff4ff0);
    check("TF in the pushed EFLAGS", flags[0] & TF, TF);
    check("after MOV", eips[1], (u32)s_2);
    check("after JMP", eips[2], (u32)s_3);
    check("after CALL", eips[3], (u32)s_5);
    check("after RET", eips[4], (u32)s_4);
    check("after JMP ", eips[5], (u32)s_6);
    check("REP STOSD: after the first iteration", eips[8], (u32)s_rep);
    check("REP STOSD: after the second", eips[9], (u32)s_rep);
    check("REP STOSD: after the last", eips[10], (u32)s_after_rep);
    check("after the next", eips[11], (u32)s_ss);
    /* MOV SS holds the trap back for one instruction. */
    check("MOV SS: no trap after it", eips[12], (u32)s_after_ss);
    check("the POPF that clears TF still traps", eips[n - 1], (u32)s_end);
    check("and the handler runs without TF", read_eflags() & TF, 0);
}

static bool count_int(struct frame *f)
{
    buffer[0]++;
    buffer[1] = f->eflags;
    return 1;
}
static void step_int(void)
{
    __asm__ volatile("pushf; orl $0x100, (%%esp); popf\n"
                     "s_int: int $0x30\n"
                     "s_after_int: nop; nop\n"
                     " pushf; andl $~0x100, (%%esp); popf" : : : "memory");
}
static void step_over_int(void)
{
    start();
    hooks[0x30] = count_int;
    buffer[0] = 0;
    step_int();
    check("INT n: the handler ran", buffer[0], 1);
    check("INT n: TF in its frame", buffer[1] & TF, TF);
    /* INT clears TF, so there is no trap after it, but IRET brings TF back: one after the next. */
    check("INT n: first trap", eips[0], (u32)s_after_int + 1);
}

static void arm(u32 index, u32 address, u32 rw, u32 len)
{
    u32 dr7 = read_dr7();
    switch (index) {
    case 0: write_dr0(address); break;
    case 1: write_dr1(address); break;
    case 2: write_dr2(address); break;
    default: write_dr3(address); break;
    }
    dr7 &= ~(0xfu << (16 + 4 * index));
    dr7 |= (rw | len << 2) << (16 + 4 * index) | 2u << (2 * index);
    write_dr7(dr7);
}

static void disarm(void) { write_dr7(0x400); }

static void ud2(void) { __asm__ volatile("ud2"); }
static void int31(void) { __asm__ volatile("int $0x31"); }
extern u8 b_one[], b_two[], b_three[];
static void code_bps(void)
{
    __asm__ volatile("b_one: nop\n b_two: mov $5, %%eax\n b_three: inc %%eax\n" : : : "eax");
}

static void code(void)
{
    start();
    set_rf = 1;
    arm(1, (u32)b_two, 0, 0);
    code_bps();
    check("code breakpoint: hits once", n, 1);
    check("code breakpoint: before the instruction", eips[0], (u32)b_two);
    check("code breakpoint: DR6", dr6s[0], 0xffff0ff2);
    /* The handler has to set it; any other fault's frame has it set. */
    check("code breakpoint: RF in the frame", flags[0] & RF, 0);
    try(ud2);
    check("RF in another fault's frame", trap.eflags & RF, RF);
    try(int31);
    check("RF in a trap's frame", trap.eflags & RF, 0);
    arm(2, (u32)b_three, 0, 0);
    start();
    code_bps();
    check("two code breakpoints", n, 2);
    check("two code breakpoints: second", dr6s[1], 0xffff0ff4);
    arm(3, (u32)b_three, 0, 0);
    start();
    code_bps();
    check("two at one place", dr6s[1], 0xffff0ffc);
    disarm();
    start();
    code_bps();
    check("disarmed", n, 0);
    /* Not in the middle of an instruction. */
    arm(0, (u32)b_two + 1, 0, 0);
    code_bps();
    check("inside an instruction", n, 0);
    disarm();
    set_rf = 1;
    /* In a loop: every time. */
    arm(0, (u32)b_two, 0, 0);
    start();
    for (int i = 0; i < 10; i++)
        code_bps();
    check("in a loop", n, 10);
    set_rf = 0;
    disarm();
}

extern u8 d_write[], d_after[], d_push[], d_push_after[], d_rep[], d_rep_after[], d_x[], d_x_after[];
static void data_write(void)
{
    __asm__ volatile("d_write: movl $1, %0\n d_after: nop" : "=m"(word));
}
static void data_read(void)
{
    u32 v;
    __asm__ volatile("movl %1, %0" : "=r"(v) : "m"(word));
}
static void data_rmw(void) { __asm__ volatile("d_x: addl $1, %0\n d_x_after: nop" : "+m"(word)); }
static void data_byte(void) { __asm__ volatile("movb $1, 1+%0" : "+m"(word)); }
static void data_rep(void)
{
    u32 c = 8, d = (u32)buffer;
    __asm__ volatile("d_rep: rep stosl\n d_rep_after: nop" : "+c"(c), "+D"(d) : "a"(0) : "memory");
}

static void data(void)
{
    start();
    arm(0, (u32)&word, 1, 3);
    data_write();
    check("write breakpoint: a trap", eips[0], (u32)d_after);
    check("write breakpoint: DR6", dr6s[0], 0xffff0ff1);
    check("write breakpoint: the write is done", word, 1);
    check("write breakpoint: once", n, 1);
    data_read();
    check("write breakpoint: not for reads", n, 1);
    data_rmw();
    check("write breakpoint: read-modify-write", n, 2);
    data_byte();
    check("write breakpoint: a byte within", n, 3);
    start();
    arm(0, (u32)&word, 3, 3);
    data_read();
    check("read-write breakpoint: read", n, 1);
    data_write();
    check("read-write breakpoint: write", n, 2);
    start();
    arm(0, (u32)&word + 2, 1, 1);
    data_byte();
    check("two bytes: not the byte before", n, 0);
    data_write();
    check("two bytes: a dword over them", n, 1);
    start();
    arm(0, (u32)&buffer[3], 1, 3);
    data_rep();
    check("REP STOSD: once", n, 1);
    check("REP STOSD: within", eips[0], (u32)d_rep);
    start();
    arm(0, (u32)&buffer[7], 1, 3);
    data_rep();
    check("REP STOSD: last element", eips[0], (u32)d_rep_after);
    disarm();
    /* Off the page of the data, none is hit; on it, only the address counts. */
    start();
    arm(0, (u32)&buffer[40], 1, 3);
    data_rep();
    check("neighbours on the page", n, 0);
    disarm();
}

static void port(void)
{
    start();
    write_cr4(read_cr4() | 8);
    arm(0, 0x80, 2, 0);
    outb(0x80, 1);
    check("port breakpoint: OUT", n, 1);
    inb(0x80);
    check("port breakpoint: IN", n, 2);
    outb(0x81, 1);
    check("port breakpoint: another port", n, 2);
    disarm();
    write_cr4(read_cr4() & ~8u);
}

static void read_dr(void) { read_dr0(); }
static void read_dr4(void) { __asm__ volatile(".byte 0x0f, 0x21, 0xe0" : : : "eax"); }
static void icebp(void) { __asm__ volatile(".byte 0xf1"); }

static void detect(void)
{
    hooks[DB] = 0;
    write_dr6(0xffff0ff0);
    write_dr7(0x2400);
    check("GD", outcome(try(read_dr)), DB);
    check("GD: DR6.BD", read_dr6() & 0xe00f, BD);
    check("GD: a fault", *(u8 *)trap.eip, 0x0f);
    check("GD is clear in the handler", read_dr7() & 0x2000, 0);
    write_dr7(0x400);
    check("DR in ring 3", outcome(try_user(read_dr)), GP);
    check("DR4 is DR6", (u32)try(read_dr4), (u32)NONE);
    write_cr4(read_cr4() | 8);
    check("CR4.DE: DR4 is undefined", outcome(try(read_dr4)), UD);
    write_cr4(read_cr4() & ~8u);
    write_dr6(0xffff0ff0);
    check("INT1", outcome(try(icebp)), DB);
    check("INT1: a trap", *(u8 *)(trap.eip - 1), 0xf1);
    check("INT1: DR6", read_dr6(), 0xffff0ff0);
    write_dr6(0);
    check("DR6: reserved bits", read_dr6(), 0xffff0ff0);
    write_dr7(0);
    check("DR7: bit 10", read_dr7(), 0x400);
}

void test(void)
{
    single_step();
    step_over_int();
    code();
    data();
    port();
    detect();
}
