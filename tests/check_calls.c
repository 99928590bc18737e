/* Far JMP and CALL, with gates and changes of level (SDM 3, 5.8), and in real mode. */
#include "system-env.h"

/* ---- far JMP ---- */

START_TEST(jmp_code)
{
    WORKS(do_far_jmp(env, CODE16, 0xffff1234, 0, 2));
    CHECK_CSIP(CODE16, 0x1234);
    ck_assert(!(env->hflags & HF_CS32));
    sys_protected(0);
    FAULTS(EXCP_GP, 0, do_far_jmp(env, 0, 0, 0, 4));
    FAULTS(EXCP_GP, 0xc0, do_far_jmp(env, 0xc0, 0, 0, 4));
    FAULTS(EXCP_GP, DATA0, do_far_jmp(env, DATA0, 0, 0, 4));
    FAULTS(EXCP_NP, NPCODE, do_far_jmp(env, NPCODE, 0, 0, 4));
    FAULTS(EXCP_GP, 0x18, do_far_jmp(env, CODE3, 0, 0, 4)); /* DPL != CPL */
    FAULTS(EXCP_GP, CODE0, do_far_jmp(env, CODE0 | 1, 0, 0, 4)); /* RPL > CPL */
    FAULTS(EXCP_GP, 0, do_far_jmp(env, SMALLCODE, 0x1000, 0, 4)); /* limit */
    WORKS(do_far_jmp(env, SMALLCODE, 0xfff, 0, 4));
    sys_protected(3);
    FAULTS(EXCP_GP, CODE0, do_far_jmp(env, CODE0, 0, 0, 4));
    WORKS(do_far_jmp(env, CODE3 & ~3, 0x77, 0, 4)); /* RPL <= CPL: CS gets the CPL */
    CHECK_CSIP(CODE3, 0x77);
}
END_TEST

START_TEST(jmp_conforming)
{
    sys_protected(3);
    WORKS(do_far_jmp(env, CONF0, 0x55, 0, 4));
    CHECK_CSIP(CONF0 | 3, 0x55);
    ck_assert_int_eq(cpu_cpl(env), 3);
    sys_protected(0);
    desc_set(GDT, SPARE, 0, ~0u, 0xfe, true); /* conforming, DPL 3 */
    FAULTS(EXCP_GP, SPARE, do_far_jmp(env, SPARE, 0, 0, 4));
}
END_TEST

START_TEST(jmp_gate)
{
    WORKS(do_far_jmp(env, GATE, 0xdead, 0, 4));
    CHECK_CSIP(CODE0, HANDLER);
    sys_protected(3);
    FAULTS(EXCP_GP, CODE0, do_far_jmp(env, GATE, 0, 0, 4)); /* inner level */
    gate_set(GDT + GATE, CONF0, HANDLER, ACC_P | ACC_DPL3 | 4, 0); /* 16-bit gate */
    WORKS(do_far_jmp(env, GATE, 0, 0, 4));
    CHECK_CSIP(CONF0 | 3, HANDLER & 0xffff);
    sys_protected(3);
    ram[GDT + GATE + 5] = ACC_P | 12; /* DPL 0 */
    FAULTS(EXCP_GP, GATE, do_far_jmp(env, GATE, 0, 0, 4));
    ram[GDT + GATE + 5] = ACC_DPL3 | 12;
    FAULTS(EXCP_NP, GATE, do_far_jmp(env, GATE, 0, 0, 4));
    gate_set(GDT + GATE, 0, HANDLER, ACC_P | ACC_DPL3 | 12, 0);
    FAULTS(EXCP_GP, 0, do_far_jmp(env, GATE, 0, 0, 4));
    gate_set(GDT + GATE, DATA3, HANDLER, ACC_P | ACC_DPL3 | 12, 0);
    FAULTS(EXCP_GP, 0x20, do_far_jmp(env, GATE, 0, 0, 4));
    gate_set(GDT + GATE, NPCODE, HANDLER, ACC_P | 12, 0);
    sys_protected(0);
    FAULTS(EXCP_NP, NPCODE, do_far_jmp(env, GATE, 0, 0, 4));
    FAULTS(EXCP_GP, GATE, do_far_jmp(env, GATE | 3, 0, 0, 4)); /* gate DPL < RPL */
    FAULTS(EXCP_GP, LDTS, do_far_jmp(env, LDTS, 0, 0, 4));
}
END_TEST

START_TEST(real_transfers)
{
    sys_real();
    WORKS(do_far_jmp(env, 0x1234, 0x5678, 0, 2));
    CHECK_CSIP(0x1234, 0x5678);
    ck_assert_uint_eq(env->segs[R_CS].base, 0x12340);
    FAULTS(EXCP_GP, 0, do_far_jmp(env, 0x1234, 0x10000, 0, 4));
    WORKS(do_far_call(env, 0x2000, 0x10, 0x103, 2));
    CHECK_CSIP(0x2000, 0x10);
    ck_assert_uint_eq(env->regs[R_ESP], 0x7fc);
    ck_assert_uint_eq(rd32(0x10000 + 0x7fc), 0x12340103);
    WORKS(do_far_ret(env, 2, 6));
    CHECK_CSIP(0x1234, 0x103);
    ck_assert_uint_eq(env->regs[R_ESP], 0x806);
    env->regs[R_ESP] = 0xabcd0002; /* wraps at 64 KiB; the high half stays */
    WORKS(do_far_call(env, 0x2000, 0x10, 0x99, 2));
    ck_assert_uint_eq(env->regs[R_ESP], 0xabcdfffe);
    ck_assert_uint_eq(rd16(0x10000), 0x1234);
    ck_assert_uint_eq(rd16(0x1fffe), 0x99);
    env->regs[R_ESP] = 1; /* an operand that straddles the limit */
    FAULTS(EXCP_SS, 0, do_far_call(env, 0x2000, 0x10, 0x99, 2));
}
END_TEST

/* ---- far CALL ---- */

START_TEST(call_same_level)
{
    WORKS(do_far_call(env, CODE0, 0x4444, 0x8007, 4));
    CHECK_CSIP(CODE0, 0x4444);
    CHECK_SSSP(DATA0, STACK0 - 8);
    ck_assert_uint_eq(rd32(STACK0 - 4), CODE0);
    ck_assert_uint_eq(rd32(STACK0 - 8), 0x8007);
    sys_protected(0);
    WORKS(do_far_call(env, CODE16, 0x4444, 0x8007, 2));
    ck_assert_uint_eq(env->regs[R_ESP], STACK0 - 4);
    ck_assert_uint_eq(rd32(STACK0 - 4), CODE0 << 16 | 0x8007);
    sys_protected(0);
    FAULTS(EXCP_GP, 0, do_far_call(env, SMALLCODE, 0x1000, 0x8007, 4));
    seg_load(env, R_SS, EXPDOWN);
    env->regs[R_ESP] = 0x9004; /* valid offsets begin at 0x9000 */
    FAULTS(EXCP_SS, 0, do_far_call(env, CODE0, 0, 0, 4));
    env->regs[R_ESP] = 0x9008;
    WORKS(do_far_call(env, CODE0, 0, 0, 4));
}
END_TEST

START_TEST(call_gate_same_level)
{
    WORKS(do_far_call(env, GATE, 0xdead, 0x8007, 2)); /* the gate's size counts */
    CHECK_CSIP(CODE0, HANDLER);
    ck_assert_uint_eq(env->regs[R_ESP], STACK0 - 8);
    ck_assert_uint_eq(rd32(STACK0 - 8), 0x8007);
}
END_TEST

START_TEST(call_gate_inner)
{
    sys_protected(3);
    gate_set(GDT + GATE, CODE0 | 3, HANDLER, ACC_P | ACC_DPL3 | 12, 2);
    push32(0x11111111);
    push32(0x22222222);
    WORKS(do_far_call(env, GATE | 3, 0, 0x8007, 4));
    CHECK_CSIP(CODE0, HANDLER);
    CHECK_SSSP(DATA0, NEW_STACK - 24);
    ck_assert_int_eq(cpu_cpl(env), 0);
    ck_assert_uint_eq(env->mmu_idx, MMU_KNOSMAP_IDX);
    ck_assert_uint_eq(rd32(NEW_STACK - 4), DATA3);
    ck_assert_uint_eq(rd32(NEW_STACK - 8), STACK3 - 8);
    ck_assert_uint_eq(rd32(NEW_STACK - 12), 0x11111111);
    ck_assert_uint_eq(rd32(NEW_STACK - 16), 0x22222222);
    ck_assert_uint_eq(rd32(NEW_STACK - 20), CODE3);
    ck_assert_uint_eq(rd32(NEW_STACK - 24), 0x8007);
    WORKS(do_far_ret(env, 4, 8));
    CHECK_CSIP(CODE3, 0x8007);
    CHECK_SSSP(DATA3, STACK3);
    ck_assert_int_eq(cpu_cpl(env), 3);
}
END_TEST

START_TEST(call_gate16_inner)
{
    sys_protected(3);
    gate_set(GDT + GATE, CODE1, 0x1234, ACC_P | ACC_DPL3 | 4, 1);
    push16(0x3333);
    WORKS(do_far_call(env, GATE, 0, 0x18007, 4));
    CHECK_CSIP(CODE1, 0x1234);
    CHECK_SSSP(DATA1, STACK1 - 10);
    ck_assert_uint_eq(rd16(STACK1 - 2), DATA3);
    ck_assert_uint_eq(rd16(STACK1 - 4), STACK3 - 2);
    ck_assert_uint_eq(rd16(STACK1 - 6), 0x3333);
    ck_assert_uint_eq(rd16(STACK1 - 8), CODE3);
    ck_assert_uint_eq(rd16(STACK1 - 10), 0x8007);
}
END_TEST

START_TEST(call_gate_tss16_stack)
{
    sys_protected(3);
    env->tr = (struct segment) { TSSC, TSS_C16, 0x2b, DESC_P_MASK | 3 << DESC_TYPE_SHIFT };
    wr16(TSS_C16 + 2, 0xc00);
    wr16(TSS_C16 + 4, DATA0);
    WORKS(do_far_call(env, GATE, 0, 0x8007, 4));
    CHECK_SSSP(DATA0, 0xc00 - 16);
}
END_TEST

START_TEST(call_gate_stack_faults)
{
    sys_protected(3);
    env->tr.limit = 8; /* SS0's second byte is missing */
    FAULTS(EXCP_TS, TSSA, do_far_call(env, GATE, 0, 0, 4));
    env->tr.limit = 0x87;
    wr16(TSS_A + 8, 0);
    FAULTS(EXCP_TS, 0, do_far_call(env, GATE, 0, 0, 4));
    wr16(TSS_A + 8, 0xc0);
    FAULTS(EXCP_TS, 0xc0, do_far_call(env, GATE, 0, 0, 4));
    wr16(TSS_A + 8, DATA3); /* RPL and DPL */
    FAULTS(EXCP_TS, DATA3 & ~3, do_far_call(env, GATE, 0, 0, 4));
    wr16(TSS_A + 8, CODE0);
    FAULTS(EXCP_TS, CODE0, do_far_call(env, GATE, 0, 0, 4));
    wr16(TSS_A + 8, NPSTACK);
    FAULTS(EXCP_SS, NPSTACK, do_far_call(env, GATE, 0, 0, 4));
    wr16(TSS_A + 8, EXPDOWN);
    wr32(TSS_A + 4, 0x9008); /* room for two of the four values */
    FAULTS(EXCP_SS, EXPDOWN, do_far_call(env, GATE, 0, 0, 4));
    wr32(TSS_A + 4, 0x9010);
    WORKS(do_far_call(env, GATE, 0, 0, 4));
    sys_protected(3);
    gate_set(GDT + GATE, SMALLCODE, HANDLER, ACC_P | ACC_DPL3 | 12, 0);
    FAULTS(EXCP_GP, 0, do_far_call(env, GATE, 0, 0, 4));
    env->segs[R_SS].limit = STACK3 + 3; /* parameters beyond the caller's stack */
    cpu_update_hflags(env);
    gate_set(GDT + GATE, CODE0, HANDLER, ACC_P | ACC_DPL3 | 12, 2);
    FAULTS(EXCP_SS, 0, do_far_call(env, GATE, 0, 0, 4));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        jmp_code, jmp_conforming, jmp_gate, real_transfers, call_same_level, call_gate_same_level,
        call_gate_inner, call_gate16_inner, call_gate_tss16_stack, call_gate_stack_faults
    };
    return sys_run("far jumps and calls", tests, sizeof tests / sizeof tests[0]);
}
