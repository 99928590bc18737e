/* Delivery of interrupts and exceptions in protected and real mode (SDM 3, chapter 6 and 20.1). */
#include "event-env.h"

START_TEST(same_level)
{
    env->eflags |= IF_MASK | TF_MASK | NT_MASK | AC_MASK;
    cpu_set_arith(env, CC_C | CC_Z);
    cpu_update_hflags(env);
    uint32_t flags = cpu_eflags(env);
    WORKS(HW(0x20));
    CHECK_CSIP(CODE0, HANDLER_OF(0x20));
    CHECK_SSSP(DATA0, STACK0 - 12);
    ck_assert_uint_eq(rd32(STACK0 - 4), flags);
    ck_assert_uint_eq(rd32(STACK0 - 8), CODE0);
    ck_assert_uint_eq(rd32(STACK0 - 12), 0x8000);
    ck_assert_uint_eq(cpu_eflags(env), 2 | CC_C | CC_Z | AC_MASK);
    ck_assert(!(env->hflags & HF_TF));

    sys_protected(0);
    env->eflags |= IF_MASK;
    idt_gate(0x20, CODE0, HANDLER, 0x8f); /* trap gate */
    WORKS(HW(0x20));
    ck_assert(env->eflags & IF_MASK);
}
END_TEST

START_TEST(error_code_and_rf)
{
    WORKS(EXC(EXCP_GP, 0x1234));
    ck_assert_uint_eq(env->regs[R_ESP], STACK0 - 16);
    ck_assert_uint_eq(rd32(STACK0 - 16), 0x1234);
    ck_assert_uint_eq(rd32(STACK0 - 4), 2 | RF_MASK);
    sys_protected(0);
    WORKS(EXC(EXCP_DE, 0));
    ck_assert_uint_eq(env->regs[R_ESP], STACK0 - 12);
    ck_assert_uint_eq(rd32(STACK0 - 4), 2 | RF_MASK);
    sys_protected(0);
    WORKS(EXC(EXCP_DB, 0)); /* a trap */
    ck_assert_uint_eq(rd32(STACK0 - 4), 2);
    sys_protected(0);
    WORKS(EXC(EXCP_DF, 0));
    ck_assert_uint_eq(env->regs[R_ESP], STACK0 - 16);
    sys_protected(0);
    WORKS(INT(EXCP_GP)); /* INT 13 has neither */
    ck_assert_uint_eq(env->regs[R_ESP], STACK0 - 12);
    ck_assert_uint_eq(rd32(STACK0 - 4), 2);
    ck_assert_uint_eq(rd32(STACK0 - 12), 0x8002);
    sys_protected(0);
    WORKS(HW(EXCP_PF)); /* nor has a device's vector 14 */
    ck_assert_uint_eq(env->regs[R_ESP], STACK0 - 12);
}
END_TEST

START_TEST(gates_16bit)
{
    idt_gate(0x21, CODE0, 0xffff1234, 0x86);
    WORKS(HW(0x21));
    CHECK_CSIP(CODE0, 0x1234);
    ck_assert_uint_eq(env->regs[R_ESP], STACK0 - 6);
    ck_assert_uint_eq(rd16(STACK0 - 6), 0x8000);
    ck_assert_uint_eq(rd16(STACK0 - 4), CODE0);
    sys_protected(3);
    idt_gate(13, CODE0, 0x1234, 0x87);
    WORKS(EXC(13, 0x50));
    ck_assert_uint_eq(env->regs[R_ESP], NEW_STACK - 12);
    ck_assert_uint_eq(rd16(NEW_STACK - 12), 0x50);
    ck_assert_uint_eq(rd16(NEW_STACK - 4), STACK3);
    ck_assert_uint_eq(rd16(NEW_STACK - 2), DATA3);
    env->regs[R_ESP] += 2;
    WORKS(do_iret(env, 2, 0));
    CHECK_CSIP(CODE3, 0x8000);
    CHECK_SSSP(DATA3, STACK3);
}
END_TEST

START_TEST(inner_level)
{
    sys_protected(3);
    env->eflags |= IF_MASK;
    WORKS(EXC(EXCP_NP, 0x77));
    CHECK_CSIP(CODE0, HANDLER_OF(EXCP_NP));
    CHECK_SSSP(DATA0, NEW_STACK - 24);
    ck_assert_int_eq(cpu_cpl(env), 0);
    ck_assert_uint_eq(rd32(NEW_STACK - 4), DATA3);
    ck_assert_uint_eq(rd32(NEW_STACK - 8), STACK3);
    ck_assert_uint_eq(rd32(NEW_STACK - 12), 2 | IF_MASK | RF_MASK);
    ck_assert_uint_eq(rd32(NEW_STACK - 16), CODE3);
    ck_assert_uint_eq(rd32(NEW_STACK - 20), 0x8000);
    ck_assert_uint_eq(rd32(NEW_STACK - 24), 0x77);
    env->regs[R_ESP] += 4;
    seg_load(env, R_FS, DATA3); /* the others keep level-3 selectors: not nulled */
    WORKS(do_iret(env, 4, 0));
    CHECK_CSIP(CODE3, 0x8000);
    CHECK_SSSP(DATA3, STACK3);
    ck_assert_uint_eq(env->segs[R_FS].selector, DATA3);
    ck_assert_uint_eq(cpu_eflags(env), 2 | IF_MASK);
}
END_TEST

START_TEST(level_1_handler)
{
    sys_protected(3);
    idt_gate(0x30, CODE1, HANDLER, 0xee);
    WORKS(INT(0x30));
    CHECK_CSIP(CODE1, HANDLER);
    CHECK_SSSP(DATA1, STACK1 - 20);
    ck_assert_int_eq(cpu_cpl(env), 1);
    ck_assert_uint_eq(env->mmu_idx, MMU_KNOSMAP_IDX);
}
END_TEST

START_TEST(conforming_handler)
{
    sys_protected(3);
    idt_gate(0x20, CONF0, HANDLER, 0x8e);
    WORKS(HW(0x20));
    CHECK_CSIP(CONF0 | 3, HANDLER);
    CHECK_SSSP(DATA3, STACK3 - 12);
}
END_TEST

START_TEST(gate_faults)
{
    env->idt_limit = 0x20 * 8 + 6;
    FAULTS(EXCP_GP, 0x20 * 8 + 3, HW(0x20));
    FAULTS(EXCP_GP, 0x20 * 8 + 2, INT(0x20));
    env->idt_limit++;
    WORKS(INT(0x20));
    sys_protected(0);
    idt_gate(0x20, CODE0, HANDLER, 0x8c); /* a call gate */
    FAULTS(EXCP_GP, 0x20 * 8 + 2, INT(0x20));
    idt_gate(0x20, CODE0, HANDLER, 0x9e); /* a code segment */
    FAULTS(EXCP_GP, 0x20 * 8 + 3, EXC(0x20, 0));
    idt_gate(0x20, CODE0, HANDLER, 0x0e);
    FAULTS(EXCP_NP, 0x20 * 8 + 3, HW(0x20));
    idt_gate(0x20, 0, HANDLER, 0x8e);
    FAULTS(EXCP_GP, 1, HW(0x20));
    FAULTS(EXCP_GP, 0, INT(0x20));
    idt_gate(0x20, 0xc0, HANDLER, 0x8e);
    FAULTS(EXCP_GP, 0xc1, HW(0x20));
    idt_gate(0x20, DATA0, HANDLER, 0x8e);
    FAULTS(EXCP_GP, DATA0 | 1, HW(0x20));
    idt_gate(0x20, CODE3, HANDLER, 0x8e); /* DPL > CPL */
    FAULTS(EXCP_GP, 0x19, HW(0x20));
    idt_gate(0x20, NPCODE, HANDLER, 0x8e);
    FAULTS(EXCP_NP, NPCODE | 1, HW(0x20));
    idt_gate(0x20, SMALLCODE, HANDLER, 0x8e);
    FAULTS(EXCP_GP, 1, HW(0x20));
    FAULTS(EXCP_GP, 0, INT(0x20));
    seg_load(env, R_SS, EXPDOWN);
    env->regs[R_ESP] = 0x9008;
    FAULTS(EXCP_SS, 1, HW(0x21));
    FAULTS(EXCP_SS, 0, INT(0x21));
}
END_TEST

START_TEST(software_dpl)
{
    sys_protected(3);
    FAULTS(EXCP_GP, 0x30 * 8 + 2, INT(0x30)); /* DPL 0 */
    FAULTS(EXCP_GP, EXCP_BP * 8 + 2, INT(EXCP_BP));
    idt_gate(EXCP_BP, CODE0, HANDLER, 0xee);
    WORKS(INT(EXCP_BP));
    sys_protected(3);
    ram[IDT + EXCP_OF * 8 + 5] = 0x6e; /* DPL comes before P */
    FAULTS(EXCP_NP, EXCP_OF * 8 + 2, INT(EXCP_OF));
    ram[IDT + EXCP_OF * 8 + 5] = 0x0e;
    FAULTS(EXCP_GP, EXCP_OF * 8 + 2, INT(EXCP_OF));
}
END_TEST

START_TEST(inner_stack_faults)
{
    sys_protected(3);
    wr16(TSS_A + 8, 0);
    FAULTS(EXCP_TS, 1, HW(0x20));
    wr16(TSS_A + 8, DATA3);
    FAULTS(EXCP_TS, 0x21, HW(0x20));
    wr16(TSS_A + 8, NPSTACK);
    FAULTS(EXCP_SS, NPSTACK | 1, HW(0x20));
    wr16(TSS_A + 8, EXPDOWN);
    wr32(TSS_A + 4, 0x9010);
    FAULTS(EXCP_SS, EXPDOWN | 1, HW(0x20));
    env->tr.limit = 5;
    FAULTS(EXCP_TS, TSSA | 1, HW(0x20));
}
END_TEST

/* ---- real mode ---- */

START_TEST(real_mode)
{
    sys_real();
    wr32(0x21 * 4, 0x2000abcd);
    env->eflags |= IF_MASK | TF_MASK | AC_MASK;
    cpu_update_hflags(env);
    WORKS(INT(0x21));
    CHECK_CSIP(0x2000, 0xabcd);
    ck_assert_uint_eq(env->regs[R_ESP], 0x7fa);
    ck_assert_uint_eq(rd16(0x10000 + 0x7fe), 2 | IF_MASK | TF_MASK);
    ck_assert_uint_eq(rd16(0x10000 + 0x7fc), 0x1000);
    ck_assert_uint_eq(rd16(0x10000 + 0x7fa), 0x8002);
    ck_assert_uint_eq(cpu_eflags(env), 2);
    WORKS(EXC(EXCP_GP, 0)); /* no error code */
    ck_assert_uint_eq(env->regs[R_ESP], 0x7f4);
    env->idt_limit = 0x21 * 4 + 2;
    FAULTS(EXCP_GP, 0x21 * 8 + 2, INT(0x21));
    env->idt_limit++;
    env->regs[R_ESP] = 3;
    FAULTS(EXCP_SS, 0, INT(0x21));
    env->regs[R_ESP] = 0; /* wraps */
    WORKS(INT(0x21));
    ck_assert_uint_eq(env->regs[R_ESP], 0xfffa);
    env->idt_base = 0x50000;
    wr32(0x50000 + 0x21 * 4, 0x30001111);
    WORKS(HW(0x21));
    CHECK_CSIP(0x3000, 0x1111);
}
END_TEST

/* ---- debug exceptions, NMI ---- */

START_TEST(debug_registers_on_delivery)
{
    env->dr[6] = 0xffff0ff0 | 3;
    env->dr[7] = 0x400 | 0x2000;
    env->db_status = 0x4004;
    WORKS(EXC(EXCP_DB, 0));
    ck_assert_uint_eq(env->dr[6], 0xffff0ff0 | 0x4004);
    ck_assert_uint_eq(env->dr[7], 0x400);
    ck_assert_uint_eq(env->db_status, 0);
    sys_protected(0);
    WORKS(INT(EXCP_DB)); /* INT 1 does not touch them */
    ck_assert_uint_eq(env->dr[6], 0xffff0ff0 | 0x4004);
    sys_protected(0);
    env->dr[7] |= 0x2000;
    TRY(cpu_read_dr(env, 0)); /* general detect is a fault: RF */
    ck_assert_int_eq(env->exception_index, EXCP_DB);
    deliver_exception(env);
    ck_assert(env->dr[6] & 0x2000);
    ck_assert_uint_eq(rd32(STACK0 - 4), 2 | RF_MASK);
}
END_TEST

START_TEST(nmi_blocks)
{
    WORKS(HW(EXCP_NMI));
    ck_assert(env->nmi_blocked);
    WORKS(do_iret(env, 4, 0));
    ck_assert(!env->nmi_blocked);
    WORKS(INT(EXCP_NMI));
    ck_assert(!env->nmi_blocked);
}
END_TEST

START_TEST(shadow_ends)
{
    env->hflags |= HF_INHIBIT;
    cpu_update_hflags(env);
    ck_assert(env->hflags & HF_INHIBIT);
    WORKS(EXC(EXCP_UD, 0));
    ck_assert(!(env->hflags & HF_INHIBIT));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        same_level, error_code_and_rf, gates_16bit, inner_level, level_1_handler,
        conforming_handler, gate_faults, software_dpl, inner_stack_faults, real_mode,
        debug_registers_on_delivery, nmi_blocks, shadow_ends
    };
    return sys_run("events: delivery", tests, sizeof tests / sizeof tests[0]);
}
