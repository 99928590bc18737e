/* Segments: limits, rights, loading, far transfers, call gates. */
#include "guest.h"

enum { S = G_FREE, T = G_FREE + 8, GATE = G_FREE + 16, STACK = G_FREE + 24, LDT = G_FREE + 32, RING1 = G_FREE + 40 };

static u32 sel, off, seen, lar_value, lar_zf;
static u8 memory[8192] __attribute__((aligned(4096)));

static void load_ds(void)
{
    __asm__ volatile("mov %%ds, %%ecx; mov %0, %%ds; mov %%ecx, %%ds" : : "r"(sel) : "ecx");
}
static void load_ss(void)
{
    __asm__ volatile("mov %%ss, %%ecx; mov %0, %%ss; mov %%ecx, %%ss" : : "r"(sel) : "ecx");
}
static void load_gs(void) { __asm__ volatile("mov %0, %%gs" : : "r"(sel)); }
static void les(void)
{
    struct { u32 o; u16 s; } __attribute__((packed)) p = {0x1234, (u16)sel};
    __asm__ volatile("mov $5, %%eax; les %1, %%eax; mov %%eax, %0" : "=m"(seen) : "m"(p) : "eax");
}
static void pop_fs(void) { __asm__ volatile("push %0; pop %%fs; mov %%fs, %0" : "+r"(sel)); }
static void read1(void) { __asm__ volatile("mov %1, %%gs; movzbl %%gs:(%2), %0" : "=r"(seen) : "r"(sel), "r"(off)); }
static void read4(void) { __asm__ volatile("mov %1, %%gs; mov %%gs:(%2), %0" : "=r"(seen) : "r"(sel), "r"(off)); }
static void write4(void) { __asm__ volatile("mov %0, %%gs; movl $7, %%gs:(%1)" : : "r"(sel), "r"(off) : "memory"); }
static void write_cs(void) { __asm__ volatile("movl $7, %%cs:(%0)" : : "r"(memory) : "memory"); }
static void read_stack(void)
{
    __asm__ volatile("mov %%ss, %%ecx; mov %1, %%ss; mov (%2), %0; mov %%ecx, %%ss"
                     : "=r"(seen) : "r"(sel), "r"(off) : "ecx");
}
/* Through EBP: a limit of SS is #SS. */
static void read_ebp(void)
{
    __asm__ volatile("push %%ebp; mov %%ss, %%edx; mov %0, %%ecx; mov %1, %%ebp; mov %%ecx, %%ss\n"
                     "movl (%%ebp), %%eax; mov %%edx, %%ss; pop %%ebp" : : "m"(sel), "m"(off) : "eax", "ecx", "edx");
}
static void lar(void)
{
    u8 z;
    __asm__ volatile("lar %2, %0; setz %1" : "=r"(lar_value), "=q"(z) : "r"(sel), "0"(0x5a5a5a5a));
    lar_zf = z;
}
static void lsl(void)
{
    u8 z;
    __asm__ volatile("lsl %2, %0; setz %1" : "=r"(lar_value), "=q"(z) : "r"(sel), "0"(0x5a5a5a5a));
    lar_zf = z;
}
static u32 verr(u32 s)
{
    u8 z;
    __asm__ volatile("verr %w1; setz %0" : "=q"(z) : "r"(s));
    return z;
}
static u32 verw(u32 s)
{
    u8 z;
    __asm__ volatile("verw %w1; setz %0" : "=q"(z) : "r"(s));
    return z;
}

static void got(const char *name, int vector, u32 want) { check(name, outcome(vector), want); }

static void limits(void)
{
    sel = S;
    set_desc(S, (u32)memory, 99, A_DATA, F_BIG);
    memory[99] = 0x44;
    off = 99;
    got("last byte", try(read1), (u8)NONE);
    check(" is it", seen, 0x44);
    off = 100;
    got("one beyond", try(read1), GP);
    off = 96;
    got("dword at the end", try(read4), (u8)NONE);
    off = 97;
    got("dword over the end", try(read4), GP);
    got("write over the end", try(write4), GP);
    off = 0xffffffff;
    got("dword that wraps", try(read4), GP);
    set_desc(S, (u32)memory, 0, A_DATA, F_BIG | F_PAGES);
    off = 4092;
    got("page granular: last dword", try(read4), (u8)NONE);
    off = 4093;
    got("page granular: over the end", try(read4), GP);
    set_desc(S, (u32)memory, 99, A_DATA_DOWN, F_BIG);
    off = 100;
    got("expand down: first byte", try(read1), (u8)NONE);
    off = 99;
    got("expand down: below", try(read1), GP);
    off = 98;
    got("expand down: dword from below", try(read4), GP);
    off = 0xfffffffc;
    got("expand down: last dword", try(read4), (u8)NONE);
    off = 0xfffffffd;
    got("expand down: over 4 GiB", try(read4), GP);
    set_desc(S, (u32)memory, 99, A_DATA_DOWN, 0);
    off = 0xffff;
    got("expand down, 16 bits: last byte", try(read1), (u8)NONE);
    off = 0x10000;
    got("expand down, 16 bits: beyond", try(read1), GP);
    set_desc(S, (u32)memory, 0xfffff, A_DATA_RO, F_BIG | F_PAGES);
    off = 0;
    got("read-only: read", try(read4), (u8)NONE);
    got("read-only: write", try(write4), GP);
    set_desc(S, (u32)memory, 0xfffff, A_CODE, F_BIG | F_PAGES);
    got("readable code: read", try(read4), (u8)NONE);
    got("readable code: write", try(write4), GP);
    got("write through CS", try(write_cs), GP);
    /* In ring 3, since the exception needs a stack. */
    set_desc(S, 0, 99, A_DATA | A_DPL3, F_BIG);
    sel = S | 3;
    off = (u32)&seen;
    got("SS limit through EBP", try_user(read_ebp), SS);
    sel = S;
    set_desc(S, 0, 0xfffff, A_DATA, F_BIG | F_PAGES);
    off = (u32)memory;
    got("SS reloaded", try(read_stack), (u8)NONE);
}

static void loading(void)
{
    sel = 0;
    got("DS = 0", try(load_ds), (u8)NONE);
    sel = 3;
    got("GS = 3", try(load_gs), (u8)NONE);
    sel = 0;
    off = 0;
    got("read through null", try(read1), GP);
    sel = 0;
    got("SS = 0", try(load_ss), GP);
    sel = GDT_ENTRIES * 8;
    got("beyond the GDT", try(load_ds), GP | (GDT_ENTRIES * 8) << 16);
    sel = 4;
    got("LDT selector without LDT", try(load_ds), GP | 4 << 16);
    set_desc(S, 0, 0xfffff, A_DATA & ~A_NP, F_BIG | F_PAGES);
    sel = S;
    got("DS not present", try(load_ds), NP | S << 16);
    got("SS not present", try(load_ss), SS | S << 16);
    got("LES not present", try(les), NP | S << 16);
    set_desc(S, 0, 0xfffff, A_CODE_XO, F_BIG | F_PAGES);
    sel = S;
    got("DS = execute-only code", try(load_ds), GP | S << 16);
    set_desc(S, 0, 0xfffff, A_CODE, F_BIG | F_PAGES);
    got("DS = readable code", try(load_ds), (u8)NONE);
    got("SS = code", try(load_ss), GP | S << 16);
    set_desc(S, 0, 0xfffff, A_DATA_RO, F_BIG | F_PAGES);
    got("SS = read-only", try(load_ss), GP | S << 16);
    sel = G_UDATA;
    got("SS with RPL 3", try(load_ss), GP | (G_UDATA & ~3) << 16);
    set_desc(S, 0, 0xfffff, A_DATA | A_DPL3, F_BIG | F_PAGES);
    sel = S;
    got("SS with DPL 3", try(load_ss), GP | S << 16);
    sel = G_KDATA | 3;
    got("DS with RPL over DPL", try(load_ds), GP | G_KDATA << 16);
    sel = G_TSS;
    got("DS = TSS", try(load_ds), GP | G_TSS << 16);
    sel = G_KDATA;
    got("ring 3: DS with DPL 0", try_user(load_ds), GP | G_KDATA << 16);
    sel = G_UDATA & ~3;
    got("ring 3: DS with DPL 3, RPL 0", try_user(load_gs), SYSCALL);
    set_desc(S, 0, 0xfffff, A_CODE_CONF, F_BIG | F_PAGES);
    sel = S;
    got("ring 3: DS = conforming code, DPL 0", try_user(load_gs), SYSCALL);
    sel = S | 1;
    got("POP FS", try(pop_fs), (u8)NONE);
    check(" reads back", sel, S | 1);
    /* The accessed bit. */
    set_desc(S, 0, 0xfffff, A_DATA & ~1u, F_BIG | F_PAGES);
    sel = S;
    load_gs();
    check("accessed bit", gdt[S >> 3][1] >> 8 & 0xff, A_DATA);
    sel = 0;
    load_gs();
}

static void queries(void)
{
    sel = G_KCODE;
    lar();
    check("LAR of code", lar_value & 0xf0ff00, 0xc09b00); /* bits 16-19 are undefined */
    check("LAR of code: ZF", lar_zf, 1);
    lsl();
    check("LSL of code", lar_value, 0xffffffff);
    sel = G_CODE16;
    lsl();
    check("LSL, byte granular", lar_value, 0xffff);
    sel = 0;
    lar();
    check("LAR of null", lar_zf << 31 | lar_value, 0x5a5a5a5a);
    sel = GDT_ENTRIES * 8;
    lsl();
    check("LSL beyond the GDT", lar_zf << 31 | lar_value, 0x5a5a5a5a);
    sel = G_TSS;
    lar();
    check("LAR of a busy TSS", lar_value, 0x00008b00);
    lsl();
    check("LSL of a TSS", lar_value, sizeof tss - 1);
    set_call_gate(GATE, G_KCODE, 0x12345678, A_CALL32, 0);
    sel = GATE;
    lar();
    check("LAR of a call gate: ZF", lar_zf, 1);
    check("LAR of a call gate", lar_value & 0xff00, A_CALL32 << 8);
    lsl();
    check("LSL of a call gate: ZF", lar_zf, 0);
    set_call_gate(GATE, G_KCODE, 0, A_INT32, 0);
    lar();
    check("LAR of an interrupt gate: ZF", lar_zf, 0);
    set_desc(S, 0, 0xfffff, A_DATA & ~A_NP, F_BIG | F_PAGES);
    sel = S;
    lar();
    check("LAR of a segment not present", lar_zf, 1);
    check("VERR of data", verr(G_KDATA), 1);
    check("VERW of data", verw(G_KDATA), 1);
    check("VERW of code", verw(G_KCODE), 0);
    check("VERR of code", verr(G_KCODE), 1);
    check("VERR of a TSS", verr(G_TSS), 0);
    check("VERR of null", verr(0), 0);
    check("VERR of data with RPL over DPL", verr(G_KDATA | 3), 0);
    set_desc(S, 0, 0xfffff, A_CODE_XO, F_BIG | F_PAGES);
    check("VERR of execute-only code", verr(S), 0);
    set_desc(S, 0, 0xfffff, A_DATA_RO, F_BIG | F_PAGES);
    check("VERW of read-only data", verw(S), 0);
}

static void ldt(void)
{
    static u32 table[4][2];
    set_desc(LDT, (u32)table, sizeof table - 1, A_LDT, 0);
    table[1][0] = gdt[G_UDATA >> 3][0];
    table[1][1] = gdt[G_UDATA >> 3][1];
    __asm__ volatile("lldt %w0" : : "r"(LDT));
    sel = 8 | 4 | 3;
    off = (u32)memory;
    got("through the LDT", try(read4), (u8)NONE);
    sel = 32 | 4;
    got("beyond the LDT", try(load_gs), GP | (32 | 4) << 16);
    sel = 16 | 4;
    got("null descriptor in the LDT", try(load_gs), GP | (16 | 4) << 16);
    __asm__ volatile("sldt %0" : "=r"(seen));
    check("SLDT", seen & 0xffff, LDT);
    __asm__ volatile("mov %0, %%gs; lldt %w1" : : "r"(0), "r"(0));
    sel = 8 | 4 | 3;
    got("LDT gone", try(load_gs), GP | (8 | 4) << 16);
}

static struct { u32 o; u16 s; } __attribute__((packed)) fp;
static void call_far(void) { __asm__ volatile("lcall *%0" : : "m"(fp) : "memory", "eax", "ecx", "edx"); }
static void jmp_far(void) { __asm__ volatile("ljmp *%0" : : "m"(fp) : "memory"); }
static void far(u32 s, u32 o)
{
    fp.s = (u16)s;
    fp.o = o;
}

extern u8 far_ret[], far_ret16[], gate_entry[], low_call[];
extern u32 gate_cs, gate_ss, gate_args[2], gate_ret_cs, gate_esp;
__asm__("far_ret: lret\n"
        "far_ret16: .byte 0x66\n lret\n"
        /* Entered through the gate with two parameters. */
        "gate_entry: mov %cs, gate_cs\n mov %ss, gate_ss\n mov %esp, gate_esp\n"
        " mov 4(%esp), %eax\n mov %eax, gate_ret_cs\n"
        " mov 8(%esp), %eax\n mov %eax, gate_args\n mov 12(%esp), %eax\n mov %eax, gate_args + 4\n"
        " lret $8\n"
        /* Runs at offset 100h of a segment, so that a 16-bit return address suffices. */
        "low_call: lcall $0x50, $0\n lret\n"
        ".bss\n gate_cs: .skip 4\n gate_ss: .skip 4\n gate_args: .skip 8\n gate_ret_cs: .skip 4\n gate_esp: .skip 4\n"
        ".text");
static void to_low(void)
{
    fp.s = S;
    fp.o = 0x100;
    call_far();
}
static u32 user_before, user_after;
static void user_gate(void)
{
    __asm__ volatile("mov %%esp, %0\n\tpush $22\n\tpush $11\n\tlcall *%2\n\tmov %%esp, %1"
                     : "=m"(user_before), "=m"(user_after) : "m"(fp) : "eax", "memory");
}

static void transfers(void)
{
    far(G_KCODE, (u32)far_ret);
    got("far call and return", try(call_far), (u8)NONE);
    far(0, 0);
    got("far call to null", try(call_far), GP);
    got("far jump to null", try(jmp_far), GP);
    far(G_KDATA, 0);
    got("far call to data", try(call_far), GP | G_KDATA << 16);
    far(G_UCODE, 0);
    got("far call to an outer ring", try(call_far), GP | (G_UCODE & ~3) << 16);
    set_desc(S, 0, 0xfffff, A_CODE & ~A_NP, F_BIG | F_PAGES);
    far(S, (u32)far_ret);
    got("far call, not present", try(call_far), NP | S << 16);
    set_desc(S, 0, 0xff, A_CODE, F_BIG);
    far(S, 0x100);
    got("far call beyond the limit", try(call_far), GP);
    set_desc(S, 0, 0xfffff, A_CODE_CONF, F_BIG | F_PAGES);
    far(S | 3, (u32)far_ret);
    got("ring 3: far call to conforming code", try_user(call_far), SYSCALL);
    far(G_KCODE, (u32)far_ret);
    got("ring 3: far call to ring 0 code", try_user(call_far), GP | G_KCODE << 16);

    /* Gates. */
    set_call_gate(GATE, G_KCODE, (u32)far_ret, A_CALL32, 0);
    far(GATE, 0xdeadbeef);
    got("call gate, same ring", try(call_far), (u8)NONE);
    set_call_gate(GATE, G_KCODE, (u32)gate_entry, A_CALL32 | A_DPL3, 2);
    far(GATE | 3, 0);
    got("call gate from ring 3", try_user(user_gate), SYSCALL);
    check(" CS", gate_cs, G_KCODE);
    check(" SS", gate_ss, G_KDATA);
    check(" ESP", gate_esp, tss.esp0 - 6 * 4);
    check(" first parameter", gate_args[0], 11);
    check(" second parameter", gate_args[1], 22);
    check(" CS to return to", gate_ret_cs, G_UCODE);
    check(" ESP after", user_after, user_before);
    set_call_gate(GATE, G_KCODE, (u32)gate_entry, A_CALL32, 2);
    got("call gate with DPL 0 from ring 3", try_user(user_gate), GP | GATE << 16);
    set_call_gate(GATE, G_KCODE, (u32)gate_entry, (A_CALL32 | A_DPL3) & ~A_NP, 2);
    got("call gate not present", try_user(user_gate), NP | GATE << 16);
    set_call_gate(GATE, G_KDATA, (u32)gate_entry, A_CALL32 | A_DPL3, 2);
    got("call gate to data", try_user(user_gate), GP | G_KDATA << 16);
    set_call_gate(GATE, 0, (u32)gate_entry, A_CALL32 | A_DPL3, 2);
    got("call gate to null", try_user(user_gate), GP);
    set_call_gate(GATE, G_KCODE, (u32)gate_entry, A_CALL32 | A_DPL3, 2);
    got("jump through the gate to an inner ring", try_user(jmp_far), GP | G_KCODE << 16);
    /* Bad stacks, for ring 1: #TS itself needs ring 0's. */
    set_desc(RING1, 0, 0xfffff, A_CODE | 0x20, F_BIG | F_PAGES);
    set_call_gate(GATE, RING1, (u32)gate_entry, A_CALL32 | A_DPL3, 2);
    tss.esp1 = tss.esp0;
    tss.ss1 = G_UDATA;
    got("call gate, inner SS of ring 3", try_user(user_gate), TS | (G_UDATA & ~3) << 16);
    tss.ss1 = 0;
    got("call gate, inner SS null", try_user(user_gate), TS);
    set_desc(STACK, 0, 0xfffff, (A_DATA | 0x20) & ~A_NP, F_BIG | F_PAGES);
    tss.ss1 = STACK | 1;
    got("call gate, inner SS not present", try_user(user_gate), SS | STACK << 16);
    set_desc(STACK, 0, 0xfffff, A_DATA_RO | 0x20, F_BIG | F_PAGES);
    got("call gate, inner SS read-only", try_user(user_gate), TS | STACK << 16);
    set_desc(STACK, 0, 23, A_DATA | 0x20, F_BIG);
    tss.esp1 = 20;
    got("call gate, inner stack too small", try_user(user_gate), SS | STACK << 16);
    /* A 16-bit gate: 16-bit offset, IP and CS of 16 bits pushed. */
    set_desc(T, (u32)far_ret16, 0xfffff, A_CODE, F_BIG | F_PAGES);
    set_call_gate(GATE, T, 0, A_CALL16, 0);
    set_desc(S, (u32)low_call - 0x100, 0xffff, A_CODE, F_BIG);
    got("16-bit call gate", try(to_low), (u8)NONE);
}

/* RETF and IRET outwards: checks, and data segments that the outer ring may not have. */
static struct { u32 eip, cs, esp, ss; } __attribute__((packed)) out;
static void retf_out(void)
{
    __asm__ volatile("push %0\n\tpush %1\n\tpush %2\n\tpush %3\n\tlret" : : "g"(out.ss), "g"(out.esp), "g"(out.cs), "g"(out.eip));
}
extern u8 show_segments[];
extern u8 user_stack_top[];
__asm__("show_segments: mov %ds, %eax\n mov %es, %ebx\n mov %fs, %ecx\n mov %gs, %edx\n int $0x80\n");
static void retf_segments(void)
{
    __asm__ volatile("mov %0, %%es\n\tmov %1, %%fs\n\tmov %2, %%gs" : : "r"(G_UDATA), "r"(S), "r"(G_KDATA));
    retf_out();
}

static void outwards(void)
{
    out.eip = (u32)show_segments;
    out.cs = G_UCODE;
    out.esp = (u32)user_stack_top;
    out.ss = G_UDATA;
    set_desc(S, 0, 0xfffff, A_CODE_CONF, F_BIG | F_PAGES);
    got("RETF to ring 3", try(retf_segments), SYSCALL);
    check(" CS", trap.cs, G_UCODE);
    check(" DS was ring 0's: null", trap.r.eax, 0);
    check(" ES was ring 3's", trap.r.ebx, G_UDATA);
    check(" FS is conforming code", trap.r.ecx, S);
    check(" GS was ring 0's: null", trap.r.edx, 0);
    out.ss = G_KDATA;
    got("RETF to ring 3, SS of ring 0", try(retf_out), GP | G_KDATA << 16);
    out.ss = 0;
    got("RETF to ring 3, SS null", try(retf_out), GP);
    out.ss = G_UDATA;
    out.cs = G_UCODE & ~3;
    got("RETF, RPL below DPL", try(retf_out), GP | (G_UCODE & ~3) << 16);
    out.cs = 0;
    got("RETF to null", try(retf_out), GP);
    out.cs = G_UDATA;
    got("RETF to data", try(retf_out), GP | (G_UDATA & ~3) << 16);
}

void test(void)
{
    limits();
    loading();
    queries();
    ldt();
    transfers();
    outwards();
}
