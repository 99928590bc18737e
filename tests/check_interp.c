/* The interpreter on small programs: the instruction count, privilege, and instructions that vectors
 * (check_vectors) can't have.  `check_interp --speed` prints instructions a second. */
#include <stdio.h>
#include <time.h>

#include "cpuid.h"
#include "interp-env.h"
#include "system-env.h"

START_TEST(loop_program)
{
    /* mov ecx,1000; xor eax,eax; 1: add eax,ecx; dec ecx; jnz 1b; hlt */
    PROGRAM(0xb9, 0xe8, 3, 0, 0, 0x31, 0xc0, 0x01, 0xc8, 0x49, 0x75, 0xfb, 0xf4);
    RUNS(100000);
    ck_assert(env->halted);
    ck_assert_uint_eq(R(EAX), 500500);
    ck_assert_uint_eq(env->eip, CODE + 13);
    ck_assert_uint_eq(env->insns_interp, 2 + 3000 + 1);
}
END_TEST

START_TEST(exact_count)
{
    /* jmp short self, but for 5 incs: interp_run() stops where it was told */
    PROGRAM(0x40, 0x40, 0x40, 0x40, 0x40, 0xeb, 0xf9);
    for (uint32_t n = 1; n < 20; n++) {
        env->eip = CODE;
        R(EAX) = 0;
        env->icount_enabled = 1;
        env->icount_left = 100;
        uint64_t before = env->insns_interp;
        interp_run(env, n);
        ck_assert_uint_eq(env->insns_interp - before, n);
        ck_assert_int_eq(env->icount_left, 100 - (int)n);
        ck_assert_uint_eq(R(EAX), n - n / 6);
        ck_assert_uint_eq(env->eip, CODE + n % 6);
    }
}
END_TEST

START_TEST(count_stops_at_fault)
{
    PROGRAM(0x40, 0x40, 0x0f, 0x0b); /* inc eax; inc eax; ud2 */
    env->icount_enabled = 1;
    env->icount_left = 50;
    ck_assert_int_eq(run(10), EXCP_UD);
    ck_assert_int_eq(env->icount_left, 48);
    ck_assert_uint_eq(env->eip, CODE + 2);
}
END_TEST

START_TEST(exit_request_leaves)
{
    PROGRAM(0xeb, 0xfe);
    atomic_store(&env->exit_request, -1);
    interp_run(env, 1000000);
    ck_assert_uint_eq(env->insns_interp, 1);
}
END_TEST

START_TEST(undefined_opcodes)
{
    static const uint8_t codes[][4] = {
        {0x0f, 0x0b}, {0x0f, 0xff, 0xc0}, {0x0f, 0xb9, 0xc0}, {0x0f, 0xaa}, /* UD2 UD0 UD1 RSM */
        {0xf0, 0x90}, {0xf0, 0x01, 0xc0}, /* LOCK NOP, LOCK ADD reg */
        {0x8e, 0xc8}, {0x8d, 0xc0}, {0x0f, 0x20, 0xc8} /* MOV CS, LEA reg, MOV from CR1 */
    };
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        put(CODE, codes[i], 4);
        INSN_FAULTS(EXCP_UD, 0);
    }
}
END_TEST

START_TEST(too_long)
{
    uint8_t code[16];
    memset(code, 0x66, 15);
    code[15] = 0x90;
    put(CODE, code, 16);
    INSN_FAULTS(EXCP_GP, 0);
    code[14] = 0x90; /* 15 bytes are fine */
    put(CODE, code, 16);
    RUNS(1);
    ck_assert_uint_eq(env->eip, CODE + 15);
}
END_TEST

START_TEST(privilege)
{
    static const uint8_t codes[][4] = {
        {0xf4}, {0x0f, 0x06}, {0x0f, 0x08}, {0x0f, 0x09}, {0x0f, 0x20, 0xc0}, {0x0f, 0x22, 0xc0},
        {0x0f, 0x21, 0xf8}, {0x0f, 0x23, 0xf8}, {0x0f, 0x30}, {0x0f, 0x32}, {0x0f, 0x01, 0x10},
        {0x0f, 0x01, 0x18}, {0x0f, 0x01, 0xf0}, {0x0f, 0x01, 0x38}, {0x0f, 0x00, 0xd0}, {0x0f, 0x00, 0xd8},
        {0x0f, 0x35}, {0xfa}, {0xfb}, {0x0f, 0x33}
    };
    sys_protected(3);
    env->regs[R_EAX] = DATA;
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        put(CODE, codes[i], 4);
        INSN_FAULTS(EXCP_GP, 0);
    }
    env->cr[4] |= CR4_TSD;
    PROGRAM(0x0f, 0x31);
    INSN_FAULTS(EXCP_GP, 0);
}
END_TEST

START_TEST(protected_only)
{
    static const uint8_t codes[][3] = {
        {0x63, 0xc0}, {0x0f, 0x00, 0xc0}, {0x0f, 0x00, 0xc8}, {0x0f, 0x00, 0xd0}, {0x0f, 0x00, 0xe0},
        {0x0f, 0x02, 0xc0}, {0x0f, 0x03, 0xc0}
    };
    for (int vm = 0; vm < 2; vm++)
        for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
            if (vm)
                sys_vm86(3);
            else
                sys_real();
            put(env->segs[R_CS].base + env->eip, codes[i], 3);
            INSN_FAULTS(EXCP_UD, 0);
        }
}
END_TEST

START_TEST(cmpxchg8b)
{
    PROGRAM(0x0f, 0xc7, 0x0f); /* cmpxchg8b [edi] */
    R(EDI) = DATA;
    wr32(DATA, 1);
    wr32(DATA + 4, 2);
    R(EAX) = 1;
    R(EDX) = 2;
    R(EBX) = 3;
    R(ECX) = 4;
    cpu_set_arith(env, CC_C | CC_O);
    RUNS(1);
    ck_assert_uint_eq(rd32(DATA), 3);
    ck_assert_uint_eq(rd32(DATA + 4), 4);
    ck_assert_uint_eq(cpu_eflags(env) & CC_ARITH, CC_C | CC_O | CC_Z);
    env->eip = CODE;
    RUNS(1);
    ck_assert_uint_eq(R(EAX), 3);
    ck_assert_uint_eq(R(EDX), 4);
    ck_assert_uint_eq(cpu_eflags(env) & CC_ARITH, CC_C | CC_O);
}
END_TEST

START_TEST(tables_and_words)
{
    /* sgdt [ebx]; sidt [ebx+8]; smsw eax; o16 lgdt [ebx] */
    PROGRAM(0x0f, 0x01, 0x03, 0x0f, 0x01, 0x4b, 8, 0x0f, 0x01, 0xe0, 0x66, 0x0f, 0x01, 0x13);
    R(EBX) = DATA;
    RUNS(3);
    ck_assert_uint_eq(rd16(DATA), GDT_SIZE - 1);
    ck_assert_uint_eq(rd32(DATA + 2), GDT);
    ck_assert_uint_eq(rd16(DATA + 8), 0x1ff);
    ck_assert_uint_eq(rd32(DATA + 10), IDT);
    ck_assert_uint_eq(R(EAX), env->cr[0]);
    wr32(DATA + 2, 0x12345678);
    RUNS(1);
    ck_assert_uint_eq(env->gdt_base, 0x345678);
}
END_TEST

START_TEST(msrs)
{
    PROGRAM(0x0f, 0x30, 0x0f, 0x32); /* wrmsr; rdmsr */
    static const struct { uint32_t msr; uint64_t v; } good[] = {
        {0x174, 0x10}, {0x175, 0x12345678}, {0x176, 0xc0000000}, {0x200, 0x6}, {0x201, 0xfc0000800ull},
        {0x250, 0x0606060606060606ull}, {0x26f, 0x0505050505050505ull}, {0x2ff, 0xc06}, {0x17a, 0},
        {0x277, 0x0706050401000607ull}
    };
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++) {
        env->eip = CODE;
        R(ECX) = good[i].msr;
        R(EAX) = (uint32_t)good[i].v;
        R(EDX) = (uint32_t)(good[i].v >> 32);
        RUNS(1);
        R(EAX) = R(EDX) = ~0u;
        RUNS(1);
        ck_assert_uint_eq((uint64_t)R(EDX) << 32 | R(EAX), good[i].v);
    }
    static const struct { uint32_t msr; uint64_t v; } bad[] = {
        {0x200, 0x2}, {0x250, 2}, {0x2ff, 0x100}, {0x277, 2}, {0x277, 3ull << 56}, {0x277, 0x0800},
        {0xc0000080, 0}, {0x1b, 0}, {0xfe, 0},
        {0x12345, 0}, {0x201, 0x1000000000ull}
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        env->eip = CODE;
        R(ECX) = bad[i].msr;
        R(EAX) = (uint32_t)bad[i].v;
        R(EDX) = (uint32_t)(bad[i].v >> 32);
        INSN_FAULTS(EXCP_GP, 0);
    }
    env->model = cpu_model_find("pentium"); /* none of the P6's */
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++) {
        PROGRAM(0x0f, 0x32);
        env->eip = CODE;
        R(ECX) = good[i].msr;
        INSN_FAULTS(EXCP_GP, 0);
    }
}
END_TEST

START_TEST(cpuid_leaves)
{
    PROGRAM(0x0f, 0xa2);
    R(EAX) = 0;
    RUNS(1);
    ck_assert_uint_eq(R(EAX), 2);
    ck_assert_uint_eq(R(EBX), 0x756e6547);
    ck_assert_uint_eq(R(EDX), 0x49656e69);
    ck_assert_uint_eq(R(ECX), 0x6c65746e);
    env->eip = CODE;
    R(EAX) = 1;
    RUNS(1);
    ck_assert_uint_eq(R(EAX), 0x652);
    ck_assert_uint_eq(R(EDX), 0x0183f9ff);
    /* An older model has fewer instructions. */
    env->model = cpu_model_find("486");
    PROGRAM(0x0f, 0x44, 0xc0); /* cmove eax,eax */
    env->eip = CODE;
    INSN_FAULTS(EXCP_UD, 0);
    PROGRAM(0x0f, 0xc8);
    RUNS(1);
}
END_TEST

START_TEST(vm86_flags)
{
    sys_vm86(0);
    env->cr[4] = 0;
    uint32_t at = env->segs[R_CS].base + env->eip;
    put(at, (const uint8_t[]){0x9c}, 1);
    INSN_FAULTS(EXCP_GP, 0);
    put(at, (const uint8_t[]){0xfa}, 1);
    INSN_FAULTS(EXCP_GP, 0);
    env->cr[4] = CR4_VME;
    put(at, (const uint8_t[]){0xfb, 0x9c, 0xfa, 0x9c, 0x9d}, 5); /* sti; pushf; cli; pushf; popf */
    env->eflags &= ~(uint32_t)(VIP_MASK | VIF_MASK);
    RUNS(2);
    ck_assert(env->eflags & VIF_MASK);
    ck_assert_uint_eq(rd16(env->segs[R_SS].base + R(ESP)) & (IF_MASK | IOPL_MASK), IF_MASK | IOPL_MASK);
    RUNS(2);
    ck_assert(!(env->eflags & VIF_MASK));
    ck_assert_uint_eq(rd16(env->segs[R_SS].base + R(ESP)) & (IF_MASK | IOPL_MASK), IOPL_MASK);
    wr16(env->segs[R_SS].base + R(ESP), IF_MASK | CC_C);
    env->eflags |= VIP_MASK;
    INSN_FAULTS(EXCP_GP, 0);
    env->eflags &= ~(uint32_t)VIP_MASK;
    RUNS(1);
    ck_assert(env->eflags & VIF_MASK);
    ck_assert(cpu_eflags(env) & CC_C);
}
END_TEST

START_TEST(x87_unavailable)
{
    PROGRAM(0xd9, 0xe8); /* fld1 */
    env->cr[0] |= CR0_TS;
    cpu_update_hflags(env);
    INSN_FAULTS(EXCP_NM, 0);
    PROGRAM(0x9b);
    RUNS(1);
    env->eip = CODE;
    env->cr[0] |= CR0_MP;
    cpu_update_hflags(env);
    INSN_FAULTS(EXCP_NM, 0);
    env->cr[0] = (env->cr[0] & ~(CR0_TS | CR0_MP)) | CR0_EM;
    cpu_update_hflags(env);
    RUNS(1);
    PROGRAM(0xd9, 0xe8);
    env->eip = CODE;
    INSN_FAULTS(EXCP_NM, 0);
}
END_TEST

START_TEST(speed)
{
    /* A sieve-like mix: loads, stores, ALU, calls, conditional branches over a 64 KiB table. */
    static const uint8_t code[] = {
        0xb9, 0, 0, 1, 0,                   /*     mov ecx,65536 */
        0x31, 0xdb,                         /*     xor ebx,ebx */
        0x8b, 0x83, 0, 0, 2, 0,             /* 1:  mov eax,[ebx+20000] */
        0x01, 0xd0,                         /*     add eax,edx */
        0x89, 0x83, 0, 0, 2, 0,             /*     mov [ebx+20000],eax */
        0x83, 0xc3, 4,                      /*     add ebx,4 */
        0x81, 0xe3, 0xff, 0xff, 0, 0,       /*     and ebx,ffff */
        0x0f, 0xb6, 0xf0,                   /*     movzx esi,al */
        0x3d, 0, 0, 1, 0,                   /*     cmp eax,10000 */
        0x72, 2,                            /*     jb 2f */
        0x29, 0xc0,                         /*     sub eax,eax */
        0xe8, 5, 0, 0, 0,                   /* 2:  call 3f */
        0x49,                               /*     dec ecx */
        0x75, 0xd3,                         /*     jnz 1b */
        0xeb, 0xca,                         /*     jmp start */
        0x42, 0xc1, 0xc2, 3, 0xc3           /* 3:  inc edx; rol edx,3; ret */
    };
    struct timespec a, b;
    double s;

    put(CODE, code, sizeof code);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    RUNS(100000000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    printf("%.1f million instructions a second\n", (double)env->insns_interp / s / 1e6);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *timed[] = {speed};
    if (argc > 1 && !strcmp(argv[1], "--speed"))
        return sys_run("interp", timed, 1);
    const TTest *tests[] = {
        loop_program, exact_count, count_stops_at_fault, exit_request_leaves,
        undefined_opcodes, too_long, privilege, protected_only, cmpxchg8b, tables_and_words, msrs,
        cpuid_leaves, vm86_flags, x87_unavailable
    };
    return sys_run("interp", tests, sizeof tests / sizeof tests[0]);
}
