/* The interpreter on small programs: what instruction vectors (check_vectors) can't show, such as
 * exact restart after faults, REP by chunks, 16-bit stacks and limits, traps, self-modifying code,
 * and the instruction count.  `check_interp --speed` prints instructions a second. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpuid.h"
#include "interp.h"
#include "machine.h"
#include "system-env.h"

#define CODE 0x8000u
#define DATA 0x20000u

static void put(uint32_t at, const void *bytes, size_t n)
{
    memcpy(ram + at, bytes, n);
    /* Straight into RAM: what a store would have told the cache. */
    if (env->icache)
        interp_cache_flush(env->icache);
}

#define CODE_AT(at, ...) put(at, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define PROGRAM(...) CODE_AT(CODE, __VA_ARGS__)

/* Run until `n` instructions are done, HLT, or an exception, which is returned (-1: none). */
static int run(uint32_t n)
{
    volatile uint64_t end = env->insns_interp + n;

    env->exception_index = -1;
    env->error_code = 0;
    env->jmp_env = &sys_jmp;
    if (sigsetjmp(sys_jmp, 0) == 0)
        while (env->insns_interp < end && !env->halted)
            interp_run(env, (uint32_t)(end - env->insns_interp));
    return env->exception_index;
}

#define RUNS(n) ck_assert_int_eq(run(n), -1)

/* The instruction at eip faults and leaves everything as it was. */
#define INSN_FAULTS(vec, err) \
    do { \
        sys_snapshot(); \
        ck_assert_int_eq(run(1), (vec)); \
        ck_assert_uint_eq(env->error_code, (err)); \
        sys_check_unchanged(__FILE__, __LINE__); \
    } while (0)

/* Identity-mapped 4 KiB pages for the first 2 MiB, tables at 1 MiB; then paging on. */
#define PDIR 0x100000u
#define PTAB 0x101000u
static void paging(void)
{
    wr32(PDIR, PTAB | 7);
    for (uint32_t i = 0; i < RAM_SIZE >> 12; i++)
        wr32(PTAB + 4 * i, i << 12 | 7);
    env->cr[3] = PDIR;
    cpu_write_cr(env, 0, env->cr[0] | CR0_PG | CR0_WP);
}

static void map(uint32_t lin, uint32_t flags)
{
    wr32(PTAB + 4 * (lin >> 12), (lin & ~0xfffu) | flags);
    tlb_flush(env);
}

#define R(x) env->regs[R_##x]
#define PF_W 2u
#define PF_P 1u
#define PF_U 4u

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
        {0x0f, 0x77}, {0x0f, 0x58, 0xc0}, {0x0f, 0x6f, 0xc0},               /* EMMS ADDPS MOVQ: not offered */
        {0xf0, 0x90}, {0xf0, 0x01, 0xc0}, {0x8e, 0xc8}, {0x8d, 0xc0}, {0x0f, 0x20, 0xc8} /* LOCK NOP, MOV CS, LEA reg, CR1 */
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
        {0x0f, 0x21, 0xf8}, {0x0f, 0x23, 0xf8}, {0x0f, 0x30}, {0x0f, 0x32}, {0x0f, 0x01, 0x10}, {0x0f, 0x01, 0x18},
        {0x0f, 0x01, 0xf0}, {0x0f, 0x01, 0x38}, {0x0f, 0x00, 0xd0}, {0x0f, 0x00, 0xd8}, {0x0f, 0x35},
        {0xfa}, {0xfb}, {0x0f, 0x33}
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
    static const uint8_t codes[][3] = {{0x63, 0xc0}, {0x0f, 0x00, 0xc0}, {0x0f, 0x00, 0xc8}, {0x0f, 0x00, 0xd0},
                                       {0x0f, 0x00, 0xe0}, {0x0f, 0x02, 0xc0}, {0x0f, 0x03, 0xc0}};
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

/* ---- faults change nothing ---- */

START_TEST(pusha_restart)
{
    paging();
    PROGRAM(0x60);
    map(0x30000 - 0x1000, 6); /* not present */
    R(ESP) = 0x30010;
    uint32_t old = rd32(0x3000c);
    INSN_FAULTS(EXCP_PF, PF_W);
    ck_assert_uint_eq(rd32(0x3000c), old); /* nor was what lies on the good page written */
    map(0x2f000, 7);
    for (int i = 0; i < 8; i++)
        if (i != R_ESP)
            env->regs[i] = 0x11111111u * (uint32_t)(i + 1);
    RUNS(1);
    ck_assert_uint_eq(R(ESP), 0x30010 - 32);
    for (int i = 0; i < 8; i++)
        ck_assert_uint_eq(rd32(0x3000c - 4 * (uint32_t)i), i == R_ESP ? 0x30010 : 0x11111111u * (uint32_t)(i + 1));
}
END_TEST

START_TEST(call_and_enter_restart)
{
    paging();
    map(0x2f000, 6);
    R(ESP) = 0x30002;
    PROGRAM(0xe8, 0, 1, 0, 0); /* call: half of the slot is missing */
    INSN_FAULTS(EXCP_PF, PF_W);
    ck_assert_uint_eq(env->cr[2], 0x2fffe);
    R(ESP) = 0x30008;
    R(EBP) = 0x30100;
    PROGRAM(0xc8, 8, 0, 2); /* enter 8,2 */
    uint32_t old = rd32(0x30004);
    INSN_FAULTS(EXCP_PF, PF_W);
    ck_assert_uint_eq(rd32(0x30004), old);
}
END_TEST

START_TEST(rmw_faults_as_write)
{
    static const uint8_t codes[][6] = {
        {0x01, 0x03}, {0xff, 0x03}, {0xf7, 0x1b}, {0x87, 0x03}, {0x0f, 0xc1, 0x03}, {0x0f, 0xb1, 0x03},
        {0x0f, 0xc7, 0x0b}, {0xd1, 0x23}, {0xd3, 0x23}, {0x0f, 0xa4, 0x03, 4}, {0x0f, 0xab, 0x03}, {0x80, 0x03, 1}
    };
    paging();
    R(EBX) = 0x30ffe;
    R(ECX) = 0x100; /* CL = 0: shifts write all the same */
    for (unsigned i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        put(CODE, codes[i], 6);
        R(EAX) = 0; /* BTS: the bit is in the operand itself */
        map(0x30000, 6);
        INSN_FAULTS(EXCP_PF, PF_W);
        map(0x30000, 5); /* read only, CR0.WP */
        INSN_FAULTS(EXCP_PF, PF_W | PF_P);
        map(0x30000, 7);
        map(0x31000, 6);
        wr32(0x30ffe, 0x12345678);
        if (i != 11) { /* the byte does not cross */
            INSN_FAULTS(EXCP_PF, PF_W);
            ck_assert_uint_eq(env->cr[2], 0x31000);
            ck_assert_uint_eq(rd32(0x30ffe), 0x12345678);
        }
        map(0x31000, 7);
        RUNS(1);
        env->eip = CODE;
    }
}
END_TEST

START_TEST(pop_mem)
{
    PROGRAM(0x8f, 0x44, 0x24, 4); /* pop dword [esp+4]: address after the increment */
    R(ESP) = 0x30000;
    wr32(0x30000, 0xcafe);
    RUNS(1);
    ck_assert_uint_eq(rd32(0x30008), 0xcafe);
    ck_assert_uint_eq(R(ESP), 0x30004);
    env->eip = CODE;
    paging();
    map(0x31000, 5);
    R(ESP) = 0x30ffc - 4;
    INSN_FAULTS(EXCP_PF, PF_W | PF_P);
    /* push esp; pop esp; push 16 bits */
    PROGRAM(0x54, 0x5c, 0x66, 0x54, 0x66, 0x5c);
    R(ESP) = 0x30010;
    RUNS(1);
    ck_assert_uint_eq(rd32(0x3000c), 0x30010);
    RUNS(1);
    ck_assert_uint_eq(R(ESP), 0x30010);
    RUNS(2);
    ck_assert_uint_eq(R(ESP), 0x30010);
}
END_TEST

START_TEST(enter_leave)
{
    R(ESP) = 0x30000;
    R(EBP) = 0x31000;
    wr32(0x31000 - 4, 0xaaaa);
    wr32(0x31000 - 8, 0xbbbb);
    PROGRAM(0xc8, 0x10, 0, 3, 0xc9); /* enter 16,3; leave */
    RUNS(1);
    ck_assert_uint_eq(R(EBP), 0x2fffc);
    ck_assert_uint_eq(R(ESP), 0x30000 - 4 - 12 - 16);
    ck_assert_uint_eq(rd32(0x2fffc), 0x31000);
    ck_assert_uint_eq(rd32(0x2fff8), 0xaaaa);
    ck_assert_uint_eq(rd32(0x2fff4), 0xbbbb);
    ck_assert_uint_eq(rd32(0x2fff0), 0x2fffc);
    RUNS(1);
    ck_assert_uint_eq(R(ESP), 0x30000);
    ck_assert_uint_eq(R(EBP), 0x31000);
}
END_TEST

START_TEST(stack16)
{
    sys_real();
    env->regs[R_ESP] = 0xabcd0002;
    put(0x10100, (const uint8_t[]){0x50, 0x50, 0x58, 0x58}, 4); /* push ax; push ax; pop ax; pop ax */
    R(EAX) = 0x1234;
    RUNS(1);
    ck_assert_uint_eq(R(ESP), 0xabcd0000);
    RUNS(1); /* SP wraps within the segment, the upper half stays */
    ck_assert_uint_eq(R(ESP), 0xabcdfffe);
    ck_assert_uint_eq(rd16(0x1fffe), 0x1234);
    RUNS(2);
    ck_assert_uint_eq(R(ESP), 0xabcd0002);
    /* A word at offset FFFF is beyond the limit: #SS, #GP */
    R(ESP) = 1;
    put(0x10100, (const uint8_t[]){0x50}, 1);
    env->eip = 0x100;
    INSN_FAULTS(EXCP_SS, 0);
    put(0x10100, (const uint8_t[]){0x89, 0x07}, 2); /* mov [bx],ax */
    R(EBX) = 0xffff;
    INSN_FAULTS(EXCP_GP, 0);
    put(0x10100, (const uint8_t[]){0x89, 0x47, 0x01}, 3); /* mov [bx+1],ax wraps to 0 */
    RUNS(1);
    ck_assert_uint_eq(rd16(0x10000), R(EAX) & 0xffff);
}
END_TEST

START_TEST(limits)
{
    /* Execution runs off the end of CS: #GP at the first byte beyond. */
    sys_real();
    env->eip = 0xfffd;
    put(0x1fffd, (const uint8_t[]){0x40, 0x40, 0x40}, 3);
    RUNS(3);
    ck_assert_uint_eq(env->eip, 0x10000);
    INSN_FAULTS(EXCP_GP, 0);
    env->eip = 0xffff;
    put(0x1ffff, (const uint8_t[]){0xb8}, 1); /* mov ax,imm16: only one byte is inside */
    INSN_FAULTS(EXCP_GP, 0);
    /* A near jump out of the limit is refused before it is made; a 16-bit one wraps. */
    sys_protected(0);
    env->segs[R_CS].limit = 0x8fff;
    cpu_update_hflags(env);
    PROGRAM(0xe9, 0, 0x10, 0, 0);
    INSN_FAULTS(EXCP_GP, 0);
    PROGRAM(0xe8, 0, 0x10, 0, 0);
    INSN_FAULTS(EXCP_GP, 0);
    PROGRAM(0xe2, 0x7f); /* loop inside */
    R(ECX) = 5;
    RUNS(1);
    ck_assert_uint_eq(R(ECX), 4);
    ck_assert_uint_eq(env->eip, CODE + 2 + 0x7f);
    env->eip = 0x8ff0;
    put(0x8ff0, (const uint8_t[]){0xe2, 0x7f}, 2);
    INSN_FAULTS(EXCP_GP, 0); /* loop outside: ECX keeps its value */
}
END_TEST

START_TEST(segment_rights)
{
    env->segs[R_DS] = (struct segment){0, 0, 0, 0}; /* null */
    cpu_update_hflags(env);
    PROGRAM(0x8a, 0x03);
    INSN_FAULTS(EXCP_GP, 0);
    seg_load(env, R_DS, RODATA3);
    PROGRAM(0x88, 0x03);
    INSN_FAULTS(EXCP_GP, 0);
    PROGRAM(0x2e, 0x88, 0x03); /* a store through CS */
    INSN_FAULTS(EXCP_GP, 0);
    seg_load(env, R_ES, EXPDOWN); /* offsets from 9000 on */
    PROGRAM(0x26, 0x8b, 0x03);
    R(EBX) = 0x8fff;
    INSN_FAULTS(EXCP_GP, 0);
    R(EBX) = 0x9000;
    RUNS(1);
}
END_TEST

START_TEST(alignment_check)
{
    sys_protected(3);
    env->cr[0] |= CR0_AM;
    env->eflags |= AC_MASK;
    cpu_update_hflags(env);
    R(EBX) = DATA + 1;
    PROGRAM(0x8b, 0x03);
    INSN_FAULTS(EXCP_AC, 0);
    PROGRAM(0x8a, 0x03);
    RUNS(1);
    env->eip = CODE;
    R(EBX) = DATA + 4;
    PROGRAM(0x8b, 0x03);
    RUNS(1);
}
END_TEST

/* ---- strings ---- */

static void fill(uint32_t at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ram[at + i] = (uint8_t)(i * 7 + 3);
}

START_TEST(rep_movs)
{
    static const uint8_t ops[3][3] = {{0xf3, 0xa4}, {0xf3, 0x66, 0xa5}, {0xf3, 0xa5}};
    uint8_t *want = malloc(RAM_SIZE);
    for (unsigned size = 0; size < 3; size++)
        for (int back = 0; back < 2; back++)
            for (int32_t delta = -9; delta < 10; delta++) {
                uint32_t n = 3000, w = 1u << size, start = DATA + 0x1001, span = n * w;
                uint32_t src = back ? start + span - w : start, dst = src + (uint32_t)delta;
                fill(DATA, 0x8000);
                memcpy(want, ram, RAM_SIZE);
                for (uint32_t i = 0, s = src, d = dst; i < n; i++) {
                    uint8_t tmp[4];
                    memcpy(tmp, want + s, w);
                    memcpy(want + d, tmp, w);
                    s += back ? -w : w;
                    d += back ? -w : w;
                }
                memset(ram + CODE, 0x90, 16);
                put(CODE, ops[size], size == 1 ? 3 : 2);
                memcpy(want + CODE, ram + CODE, 16);
                env->eip = CODE;
                R(ESI) = src;
                R(EDI) = dst;
                R(ECX) = n;
                env->eflags = (env->eflags & ~(uint32_t)DF_MASK) | (back ? DF_MASK : 0);
                while (R(ECX))
                    RUNS(1);
                ck_assert_uint_eq(env->eip, CODE + (size == 1 ? 3 : 2));
                ck_assert_uint_eq(R(ESI), back ? src - span : src + span);
                ck_assert_uint_eq(R(EDI), back ? dst - span : dst + span);
                ck_assert_msg(!memcmp(want, ram, RAM_SIZE), "width %u delta %d back %d", size, delta, back);
            }
    free(want);
}
END_TEST

START_TEST(rep_faults)
{
    paging();
    map(0x31000, 6);
    PROGRAM(0xf3, 0xa5); /* rep movsd, the destination's second page is missing */
    fill(DATA, 0x1000);
    R(ESI) = DATA;
    R(EDI) = 0x30ff6;
    R(ECX) = 10;
    ck_assert_int_eq(run(10), EXCP_PF);
    ck_assert_uint_eq(env->error_code, PF_W);
    ck_assert_uint_eq(env->cr[2], 0x31000);
    ck_assert_uint_eq(env->eip, CODE);
    ck_assert_uint_eq(R(ECX), 8); /* two were done, the third crosses */
    ck_assert_uint_eq(R(ESI), DATA + 8);
    ck_assert_uint_eq(R(EDI), 0x30ffe);
    ck_assert(!memcmp(ram + 0x30ff6, ram + DATA, 8));
    map(0x31000, 7);
    RUNS(10);
    ck_assert_uint_eq(R(ECX), 0);
    ck_assert(!memcmp(ram + 0x30ff6, ram + DATA, 40));
    /* rep stosd over a read-only page */
    map(0x31000, 5);
    env->eip = CODE;
    PROGRAM(0xf3, 0xab);
    R(EDI) = 0x30ff0;
    R(ECX) = 100;
    ck_assert_int_eq(run(10), EXCP_PF);
    ck_assert_uint_eq(R(ECX), 96);
    ck_assert_uint_eq(R(EDI), 0x31000);
}
END_TEST

START_TEST(rep_search)
{
    memset(ram + DATA, 'x', 0x3000);
    ram[DATA + 0x2345] = 'y';
    PROGRAM(0xf2, 0xae, 0x90); /* repne scasb */
    R(EDI) = DATA;
    R(ECX) = 0xffffffff;
    R(EAX) = 'y';
    while (env->eip == CODE)
        RUNS(1);
    ck_assert_uint_eq(R(EDI), DATA + 0x2346);
    ck_assert_uint_eq(R(ECX), 0xffffffffu - 0x2346);
    ck_assert(cpu_eflags(env) & CC_Z);
    /* repe cmpsb backwards; a count of 0 changes no flags */
    memcpy(ram + DATA + 0x4000, ram + DATA, 0x3000);
    ram[DATA + 0x4100] = 'a';
    PROGRAM(0xf3, 0xa6, 0x90);
    env->eip = CODE;
    env->eflags |= DF_MASK;
    R(ESI) = DATA + 0x2fff;
    R(EDI) = DATA + 0x6fff;
    R(ECX) = 0x3000;
    while (env->eip == CODE)
        RUNS(1);
    ck_assert_uint_eq(R(ESI), DATA + 0xff);
    ck_assert_uint_eq(R(EDI), DATA + 0x40ff);
    ck_assert_uint_eq(R(ECX), 0x100);
    ck_assert_uint_eq(cpu_eflags(env) & (CC_Z | CC_C), 0); /* 'x' > 'a' */
    R(ECX) = 0;
    env->eip = CODE;
    uint32_t flags = cpu_eflags(env);
    RUNS(1);
    ck_assert_uint_eq(cpu_eflags(env), flags);
    ck_assert_uint_eq(env->eip, CODE + 2);
}
END_TEST

START_TEST(rep_wraps_16)
{
    /* 16-bit addresses: DI wraps inside 64 KiB, CX alone counts. */
    PROGRAM(0x67, 0xf3, 0xaa, 0x90);
    R(EAX) = 0x5a;
    R(EDI) = 0xdead0000 | 0xfff8;
    R(ECX) = 0xbeef0010;
    env->segs[R_ES].base = DATA;
    cpu_update_hflags(env);
    memset(ram + DATA, 0, 0x11000);
    while (env->eip == CODE)
        RUNS(1);
    ck_assert_uint_eq(R(EDI), 0xdead0008);
    ck_assert_uint_eq(R(ECX), 0xbeef0000);
    for (uint32_t i = 0; i < 8; i++) {
        ck_assert_uint_eq(ram[DATA + i], 0x5a);
        ck_assert_uint_eq(ram[DATA + 0xfff8 + i], 0x5a);
    }
    ck_assert_uint_eq(ram[DATA + 0x10000], 0);
    ck_assert_uint_eq(ram[DATA + 8], 0);
}
END_TEST

/* ---- code that changes ---- */

START_TEST(self_modifying)
{
    /* mov byte [next+1], 42; next: mov al, 1; hlt */
    PROGRAM(0xc6, 0x05, (CODE + 8) & 0xff, CODE >> 8, 0, 0, 42, 0xb0, 1, 0xf4);
    RUNS(3);
    ck_assert_uint_eq(R(EAX) & 0xff, 42);
    /* Again, now that everything is decoded: 43 */
    env->halted = false;
    env->eip = CODE;
    ram[CODE + 6] = 43;
    interp_cache_flush(env->icache);
    RUNS(3);
    ck_assert_uint_eq(R(EAX) & 0xff, 43);
    /* Through phys_mem_write(), as a device would. */
    env->halted = false;
    env->eip = CODE + 7;
    phys_mem_write(env->mem, CODE + 8, &(uint8_t){44}, 1);
    RUNS(2);
    ck_assert_uint_eq(R(EAX) & 0xff, 44);
}
END_TEST

START_TEST(modified_often)
{
    /* mov ecx,200; 1: mov [imm], cl; mov al, imm; cmp al,cl; jne fail; loop 1b; hlt; fail: ud2 */
    PROGRAM(0xb9, 200, 0, 0, 0, 0x88, 0x0d, (CODE + 12) & 0xff, CODE >> 8, 0, 0, 0xb0, 0, 0x38, 0xc8, 0x75, 3, 0xe2, 0xf2,
            0xf4, 0x0f, 0x0b);
    RUNS(100000);
    ck_assert(env->halted);
    ck_assert_uint_eq(R(ECX), 0);
    /* The code that is changed is on another page: the cache gives that page up, and takes it again. */
    for (int round = 0; round < 3; round++) {
        CODE_AT(0x9800, 0xb0, 0, 0xc3); /* mov al,imm; ret */
        CODE_AT(CODE, 0xb9, 200, 0, 0, 0, 0x88, 0x0d, 1, 0x98, 0, 0, 0xe8, 0xf0, 0x17, 0, 0, 0x38, 0xc8, 0x75, 3,
                0xe2, 0xef, 0xf4, 0x0f, 0x0b);
        env->halted = false;
        env->eip = CODE;
        R(ESP) = STACK0;
        RUNS(100000);
        ck_assert(env->halted);
    }
}
END_TEST

START_TEST(page_crossing_fetch)
{
    paging();
    CODE_AT(CODE + 0xffe, 0xb8, 1, 2, 3, 4, 0xf4); /* mov eax,imm32 over the page's end */
    env->eip = CODE + 0xffe;
    map(CODE + 0x1000, 6);
    INSN_FAULTS(EXCP_PF, 0);
    ck_assert_uint_eq(env->cr[2], CODE + 0x1000);
    map(CODE + 0x1000, 7);
    RUNS(1);
    ck_assert_uint_eq(R(EAX), 0x04030201);
    ram[CODE + 0x1001] = 0x55;
    env->eip = CODE + 0xffe;
    RUNS(1);
    ck_assert_uint_eq(R(EAX), 0x04550201);
    /* An instruction that ends right at the page's end needs no second page. */
    map(CODE + 0x1000, 6);
    CODE_AT(CODE + 0xfff, 0x40);
    env->eip = CODE + 0xfff;
    RUNS(1);
    ck_assert_int_eq(run(1), EXCP_PF);
}
END_TEST

START_TEST(remapped_page)
{
    /* The same linear address, other physical pages: the cache goes by physical address. */
    paging();
    CODE_AT(0x30000, 0xb0, 1, 0xf4);
    CODE_AT(0x31000, 0xb0, 2, 0xf4);
    for (uint32_t i = 0; i < 6; i++) {
        wr32(PTAB + 4 * 0x32, (i & 1 ? 0x31000u : 0x30000u) | 7);
        tlb_flush(env);
        env->eip = 0x32000;
        env->halted = false;
        RUNS(2);
        ck_assert_uint_eq(R(EAX) & 0xff, 1 + (i & 1));
    }
}
END_TEST

/* ---- traps ---- */

START_TEST(single_step)
{
    PROGRAM(0x40, 0x40, 0xf3, 0xa4, 0x9d); /* inc eax; inc eax; rep movsb; popf */
    env->eflags |= TF_MASK;
    cpu_update_hflags(env);
    ck_assert_int_eq(run(10), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 1);
    ck_assert_uint_eq(env->db_status, 0x4000);
    env->db_status = 0;
    ck_assert_int_eq(run(10), EXCP_DB);
    R(ECX) = 2; /* a trap after each element */
    R(ESI) = DATA;
    R(EDI) = DATA + 100;
    ck_assert_int_eq(run(10), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 2);
    ck_assert_uint_eq(R(ECX), 1);
    ck_assert_int_eq(run(10), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 4);
    R(ESP) = 0x30000;
    wr32(0x30000, 2);
    ck_assert_int_eq(run(10), EXCP_DB); /* the POPF that clears TF is still trapped */
    ck_assert_uint_eq(env->eip, CODE + 5);
}
END_TEST

START_TEST(shadow)
{
    PROGRAM(0xfb, 0x90, 0xfb, 0x90, 0x8e, 0xd0, 0x40); /* sti; nop; sti; nop; mov ss,eax; inc eax */
    R(EAX) = DATA0;
    interp_run(env, 10);
    ck_assert(env->hflags & HF_INHIBIT);
    ck_assert_uint_eq(env->eip, CODE + 1);
    interp_run(env, 10);
    ck_assert(!(env->hflags & HF_INHIBIT));
    ck_assert_uint_eq(env->eip, CODE + 2);
    interp_run(env, 10);
    ck_assert(!(env->hflags & HF_INHIBIT)); /* IF was set already */
    interp_run(env, 1);
    interp_run(env, 10);
    ck_assert(env->hflags & HF_INHIBIT);
    /* With TF, no trap between MOV SS and the next instruction. */
    env->eip = CODE + 4;
    env->eflags |= TF_MASK;
    env->hflags &= ~(uint32_t)HF_INHIBIT;
    cpu_update_hflags(env);
    RUNS(1);
    ck_assert_uint_eq(env->eip, CODE + 6);
    ck_assert_int_eq(run(1), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 7);
}
END_TEST

START_TEST(breakpoints)
{
    PROGRAM(0x40, 0x40, 0xa3, 0, 0, 2, 0, 0x40); /* inc; inc; mov [20000],eax; inc */
    cpu_write_dr(env, 0, CODE + 1);
    cpu_write_dr(env, 1, DATA);
    cpu_write_dr(env, 7, 1 | 4 | 1u << 20 | 3u << 22); /* 0: execution; 1: writes, 4 bytes */
    ck_assert_int_eq(run(10), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 1); /* a fault */
    ck_assert_uint_eq(R(EAX), 1);
    ck_assert_uint_eq(env->db_status, 1);
    env->db_status = 0;
    env->eflags |= RF_MASK;
    ck_assert_int_eq(run(10), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 7); /* a trap */
    ck_assert_uint_eq(env->db_status, 2);
    ck_assert(!(env->eflags & RF_MASK));
}
END_TEST

/* ---- single instructions that vectors can't have ---- */

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
    PROGRAM(0x0f, 0x01, 0x03, 0x0f, 0x01, 0x4b, 8, 0x0f, 0x01, 0xe0, 0x66, 0x0f, 0x01, 0x13); /* sgdt [ebx]; sidt [ebx+8]; smsw eax; o16 lgdt [ebx] */
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
        {0x250, 0x0606060606060606ull}, {0x26f, 0x0505050505050505ull}, {0x2ff, 0xc06}, {0x17a, 0}
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
        {0x200, 0x2}, {0x250, 2}, {0x2ff, 0x100}, {0x277, 0}, {0xc0000080, 0}, {0x1b, 0}, {0xfe, 0}, {0x12345, 0},
        {0x201, 0x1000000000ull}
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        env->eip = CODE;
        R(ECX) = bad[i].msr;
        R(EAX) = (uint32_t)bad[i].v;
        R(EDX) = (uint32_t)(bad[i].v >> 32);
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
    ck_assert(R(EDX) & 1);
    ck_assert(!(R(EDX) & (1u << 9 | 1u << 23 | 1u << 25))); /* APIC, MMX, SSE */
    ck_assert(cpu_model_find("486") && cpu_model_find("pentium") && !cpu_model_find("z80"));
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

/* ---- speed ---- */

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
    clock_gettime(CLOCK_MONOTONIC, &a);
    RUNS(100000000);
    clock_gettime(CLOCK_MONOTONIC, &b);
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
        loop_program, exact_count, count_stops_at_fault, exit_request_leaves, undefined_opcodes, too_long, privilege,
        protected_only, pusha_restart, call_and_enter_restart, rmw_faults_as_write, pop_mem, enter_leave, stack16,
        limits, segment_rights, alignment_check, rep_movs, rep_faults, rep_search, rep_wraps_16, self_modifying,
        modified_often, page_crossing_fetch, remapped_page, single_step, shadow, breakpoints, cmpxchg8b,
        tables_and_words, msrs, cpuid_leaves, vm86_flags, x87_unavailable
    };
    return sys_run("interp", tests, sizeof tests / sizeof tests[0]);
}
