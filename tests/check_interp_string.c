/* REP string instructions: chunks, overlaps, faults in the middle, 16-bit wrap. */
#include <stdlib.h>

#include "interp-env.h"
#include "system-env.h"

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

int main(void)
{
    const TTest *tests[] = {rep_movs, rep_faults, rep_search, rep_wraps_16};
    return sys_run("interp-string", tests, sizeof tests / sizeof tests[0]);
}
