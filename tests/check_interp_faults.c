/* A faulting instruction changes nothing, and works when it is run again: pages, limits, rights, stacks. */
#include "interp-env.h"
#include "system-env.h"

START_TEST(pusha_restart)
{
    paging();
    PROGRAM(0x60);
    map(0x30000 - 0x1000, 6); /* not present */
    R(ESP) = 0x30010;
    uint32_t old = rd32(0x3000c);
    INSN_FAULTS(EXCP_PF, PF_W);
    ck_assert_uint_eq(env->cr[2], 0x2fffc); /* the first push that fails */
    ck_assert_uint_eq(rd32(0x3000c), old); /* nor was what lies on the good page written */
    map(0x2f000, 7);
    for (int i = 0; i < 8; i++)
        if (i != R_ESP)
            env->regs[i] = 0x11111111u * (uint32_t)(i + 1);
    RUNS(1);
    ck_assert_uint_eq(R(ESP), 0x30010 - 32);
    for (int i = 0; i < 8; i++)
        ck_assert_uint_eq(rd32(0x3000c - 4 * (uint32_t)i),
                          i == R_ESP ? 0x30010 : 0x11111111u * (uint32_t)(i + 1));
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
        {0x0f, 0xc7, 0x0b}, {0xd1, 0x23}, {0xd3, 0x23}, {0x0f, 0xa4, 0x03, 4}, {0x0f, 0xab, 0x03},
        {0x80, 0x03, 1}
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

int main(void)
{
    const TTest *tests[] = {
        pusha_restart, call_and_enter_restart, rmw_faults_as_write, pop_mem,
        enter_leave, stack16, limits, segment_rights, alignment_check
    };
    return sys_run("interp-faults", tests, sizeof tests / sizeof tests[0]);
}
