/* The frame that the other kernels stand on: exceptions are caught, ring 3 works. */
#include "guest.h"

static void nothing(void) {}
static void ud2(void) { __asm__ volatile("ud2"); }
static void int3(void) { __asm__ volatile("int3"); }
static void into(void) { __asm__ volatile("mov $0x40, %%al; add %%al, %%al; into" : : : "eax"); }
static void no_into(void) { __asm__ volatile("xor %%eax, %%eax; into" : : : "eax"); }
static void div0(void) { __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx"); }
static void div_overflow(void)
{
    __asm__ volatile("mov $2, %%edx; mov $2, %%ecx; div %%ecx" : : : "eax", "ecx", "edx");
}
static void idiv_overflow(void)
{
    __asm__ volatile("mov $0x80000000, %%eax; cltd; mov $-1, %%ecx; idiv %%ecx" : : : "eax", "ecx", "edx");
}
static void idiv_least(void)
{
    __asm__ volatile("mov $-128, %%ax; mov $1, %%cl; idiv %%cl; cmp $0x80, %%al; je 1f; ud2; 1:" : : : "eax", "ecx");
}
static void aam0(void) { __asm__ volatile("aam $0" : : : "eax"); }
static int range[2] = {5, 10};
static void bound_in(void) { __asm__ volatile("bound %0, %1" : : "r"(10), "m"(*range)); }
static void bound_low(void) { __asm__ volatile("bound %0, %1" : : "r"(4), "m"(*range)); }
static void bound_high(void) { __asm__ volatile("bound %0, %1" : : "r"(11), "m"(*range)); }
static void lock_reg(void) { __asm__ volatile(".byte 0xf0, 0x01, 0xc0"); }
static void lock_mov(void) { __asm__ volatile(".byte 0xf0, 0x89, 0x03" : : "b"(range)); }
static void lock_load(void) { __asm__ volatile(".byte 0xf0, 0x03, 0x03" : : "b"(range)); }
static void lock_cmp(void) { __asm__ volatile(".byte 0xf0, 0x39, 0x03" : : "b"(range)); }
static void lock_bt(void) { __asm__ volatile(".byte 0xf0, 0x0f, 0xa3, 0x03" : : "b"(range), "a"(0)); }
static void lock_add(void) { __asm__ volatile("lock addl $0, %0" : "+m"(*range)); }
static void lock_nop(void) { __asm__ volatile(".byte 0xf0, 0x90"); }
static void lea_reg(void) { __asm__ volatile(".byte 0x8d, 0xc0"); }
static void mov_cs(void) { __asm__ volatile(".byte 0x8e, 0xc8" : : "a"(8)); }
static void bound_reg(void) { __asm__ volatile(".byte 0x62, 0xc0"); }
static void les_reg(void) { __asm__ volatile(".byte 0xc4, 0xc0"); }
static void cr1(void) { __asm__ volatile(".byte 0x0f, 0x20, 0xc8" : : : "eax"); }
static void fifteen(void)
{
    __asm__ volatile(".byte 0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x90");
}
static void sixteen(void)
{
    __asm__ volatile(".byte 0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x3e,0x90");
}
static void hlt(void) { __asm__ volatile("hlt"); }
static u32 user_cs;
static void user_nothing(void)
{
    __asm__ volatile("mov %%cs, %0" : "=r"(user_cs));
}
static u64 value;
static u32 cx8_zf, cx8_a, cx8_d;
static void cx8(u32 a, u32 d)
{
    u8 z;
    __asm__ volatile("lock cmpxchg8b %0; setz %1" : "+m"(value), "=q"(z), "+a"(a), "+d"(d) : "b"(0x11111111), "c"(0x22222222));
    cx8_zf = z;
    cx8_a = a;
    cx8_d = d;
}
static void emms(void) { __asm__ volatile("emms"); }
static void movq(void) { __asm__ volatile(".byte 0x0f, 0x6f, 0xc0"); }
static void xorps(void) { __asm__ volatile(".byte 0x0f, 0x57, 0xc0"); }
static void paddd(void) { __asm__ volatile(".byte 0x66, 0x0f, 0xfe, 0xc0"); }
static void cmov(void) { __asm__ volatile(".byte 0x0f, 0x44, 0xc0"); }
static void rsm(void) { __asm__ volatile(".byte 0x0f, 0xaa"); }
static void sse3(void) { __asm__ volatile(".byte 0xf2, 0x0f, 0xf0, 0x06"); }
static void three_byte(void) { __asm__ volatile(".byte 0x0f, 0x38, 0x00, 0xc0"); }
static void syscall(void) { __asm__ volatile("syscall"); }
static void cx8_reg(void) { __asm__ volatile(".byte 0x0f, 0xc7, 0xc8"); }

/* What RET imm16 (or RETF) adds to ESP besides the return address: the immediate, without sign. */
static u32 ret_adds(u8 opcode, u32 imm)
{
    u32 before, after;
    u8 *p = pages[0];
    p[0] = opcode;
    p[1] = (u8)imm;
    p[2] = (u8)(imm >> 8);
    if (opcode == 0xc2)
        __asm__ volatile("mov %%esp, %0; call *%2; mov %%esp, %1; mov %0, %%esp"
                         : "=&S"(before), "=&D"(after) : "a"(p) : "memory", "cc");
    else
        __asm__ volatile("mov %%esp, %0; push %%cs; call *%2; mov %%esp, %1; mov %0, %%esp"
                         : "=&S"(before), "=&D"(after) : "a"(p) : "memory", "cc");
    return after - before;
}
static void ret_imm(const char *name, u8 opcode)
{
    u32 bad = 0;
    for (u32 imm = 0; imm < 0x10000; imm++) {
        if (((imm + 16) & 0x7fff) >= 32 && imm % 0x101) /* all near 0, 8000 and ffff, some between */
            continue;
        if (!bad && ret_adds(opcode, imm) != imm)
            bad = imm;
    }
    check(name, bad, 0);
}

void test(void)
{
    check("try without exception", (u32)try(nothing), (u32)NONE);
    check("UD2", outcome(try(ud2)), UD);
    check("UD2's EIP", *(u16 *)trap.eip, 0x0b0f);
    check("INT3", outcome(try(int3)), BP);
    check("INT3 is a trap", *(u8 *)(trap.eip - 1), 0xcc);
    check("INTO", outcome(try(into)), OF);
    check("INTO without OF", (u32)try(no_into), (u32)NONE);
    check("DIV by 0", outcome(try(div0)), DE);
    check("DIV by 0 is a fault", *(u16 *)trap.eip, 0xf1f7);
    check("DIV overflow", outcome(try(div_overflow)), DE);
    check("DIV overflow leaves EDX", trap.r.edx, 2);
    check("IDIV overflow", outcome(try(idiv_overflow)), DE);
    check("IDIV -128/1", (u32)try(idiv_least), (u32)NONE);
    check("AAM 0", outcome(try(aam0)), DE);
    check("BOUND inside", (u32)try(bound_in), (u32)NONE);
    check("BOUND below", outcome(try(bound_low)), BR);
    check("BOUND above", outcome(try(bound_high)), BR);
    check("LOCK on a register", outcome(try(lock_reg)), UD);
    check("LOCK MOV", outcome(try(lock_mov)), UD);
    check("LOCK with a memory source", outcome(try(lock_load)), UD);
    check("LOCK CMP", outcome(try(lock_cmp)), UD);
    check("LOCK BT", outcome(try(lock_bt)), UD);
    check("LOCK NOP", outcome(try(lock_nop)), UD);
    check("LOCK ADD to memory", (u32)try(lock_add), (u32)NONE);
    check("LEA of a register", outcome(try(lea_reg)), UD);
    check("MOV to CS", outcome(try(mov_cs)), UD);
    check("BOUND of a register", outcome(try(bound_reg)), UD);
    check("LES of a register", outcome(try(les_reg)), UD);
    check("CR1", outcome(try(cr1)), UD);
    check("15 bytes", (u32)try(fifteen), (u32)NONE);
    check("16 bytes", outcome(try(sixteen)), GP);
    check("ring 3", (u32)try_user(user_nothing), SYSCALL);
    check("ring 3 CS", user_cs, G_UCODE);
    ret_imm("RET imm16", 0xc2);
    ret_imm("RETF imm16", 0xca);
    check("HLT in ring 3", outcome(try_user(hlt)), GP);
    check("HLT in ring 3: CS", trap.cs, G_UCODE);
    check("HLT in ring 3: SS", trap.ss, G_UDATA);
    check("UD2 in ring 3", outcome(try_user(ud2)), UD);
    value = 0x0000000200000001ull;
    cx8(1, 2);
    check("CMPXCHG8B equal: ZF", cx8_zf, 1);
    check("CMPXCHG8B equal: low", (u32)value, 0x11111111);
    check("CMPXCHG8B equal: high", (u32)(value >> 32), 0x22222222);
    cx8(1, 2);
    check("CMPXCHG8B not equal: ZF", cx8_zf, 0);
    check("CMPXCHG8B not equal: EAX", cx8_a, 0x11111111);
    check("CMPXCHG8B not equal: EDX", cx8_d, 0x22222222);
    check("CMPXCHG8B of a register", outcome(try(cx8_reg)), UD);
    check("CMOVcc", (u32)try(cmov), (u32)NONE);
    check("RSM outside SMM", outcome(try(rsm)), UD);
    check("SSE3 on a Pentium II", outcome(try(sse3)), UD);
    check("0F 38 on a Pentium II", outcome(try(three_byte)), UD);
    check("SYSCALL on a Pentium II", outcome(try(syscall)), UD);
    /* What CPUID does not offer is undefined. */
    u32 features = cpuid_edx(1);
    check("EMMS goes by CPUID", try(emms) == NONE, features >> 23 & 1);
    check("MOVQ goes by CPUID", try(movq) == NONE, features >> 23 & 1);
    /* CR4.OSFXSR is clear: so are these, on every CPU. */
    check("XORPS without OSFXSR", outcome(try(xorps)), UD);
    check("PADDD of XMM without OSFXSR", outcome(try(paddd)), UD);
}
