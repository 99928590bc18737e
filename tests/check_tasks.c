/* The hardware task switch (SDM 3, 7.3). */
#include "system-env.h"

enum { NEW_ESP = 0xd000, NEW_EIP = 0x7654 };

static void tss32_fill(uint32_t tss, uint32_t eflags)
{
    wr32(tss + 0x1c, 0);
    wr32(tss + 0x20, NEW_EIP);
    wr32(tss + 0x24, eflags);
    for (uint32_t i = 0; i < 8; i++)
        wr32(tss + 0x28 + 4 * i, i == R_ESP ? NEW_ESP : 0x11110000 + i);
    static const uint32_t segs[] = { DATA0, CODE0, DATA0, DATA3, 0, DATA3 };
    for (uint32_t i = 0; i < 6; i++)
        wr32(tss + 0x48 + 4 * i, segs[i]);
    wr32(tss + 0x60, LDTS);
    wr32(tss + 0x64, 0);
}

static void tss16_fill(uint32_t tss)
{
    wr16(tss + 0x0e, NEW_EIP);
    wr16(tss + 0x10, 2 | CC_C);
    for (uint32_t i = 0; i < 8; i++)
        wr16(tss + 0x12 + 2 * i, i == R_ESP ? NEW_ESP : 0x2220 + i);
    static const uint32_t segs[] = { DATA0, CODE0, DATA0, DATA3 };
    for (uint32_t i = 0; i < 4; i++)
        wr16(tss + 0x22 + 2 * i, segs[i]);
    wr16(tss + 0x2a, 0);
}

static uint32_t tss_type(uint32_t selector)
{
    return ram[GDT + selector + 5] & 15;
}

START_TEST(jmp_tss)
{
    tss32_fill(TSS_B, 2 | CC_Z | IF_MASK);
    env->ldt.flags = 0;
    env->regs[R_EBX] = 0x12345678;
    env->eflags |= AC_MASK;
    env->dr[7] = 0x400 | 0x355;
    cpu_set_arith(env, CC_S);
    WORKS(do_far_jmp(env, TSSB, 0xdead, 0x8007, 4));
    CHECK_CSIP(CODE0, NEW_EIP);
    CHECK_SSSP(DATA0, NEW_ESP);
    ck_assert_uint_eq(cpu_eflags(env), 2 | CC_Z | IF_MASK);
    ck_assert_uint_eq(env->regs[R_EDI], 0x11110007);
    ck_assert_uint_eq(env->segs[R_DS].selector, DATA3);
    ck_assert_uint_eq(env->segs[R_FS].selector, 0);
    ck_assert_uint_eq(env->segs[R_GS].flags & DESC_P_MASK, DESC_P_MASK);
    ck_assert_uint_eq(env->ldt.base, LDT);
    ck_assert_uint_eq(env->tr.selector, TSSB);
    ck_assert_uint_eq(env->tr.flags >> 8 & 15, 11);
    ck_assert(env->cr[0] & CR0_TS);
    ck_assert(env->hflags & HF_TS);
    ck_assert_uint_eq(env->dr[7], 0x400 | 0x200); /* L0-L3 and LE went, GE stayed */
    ck_assert_uint_eq(tss_type(TSSA), 9);
    ck_assert_uint_eq(tss_type(TSSB), 11);
    ck_assert_uint_eq(rd32(TSS_A + 0x20), 0x8007);
    ck_assert_uint_eq(rd32(TSS_A + 0x24), 2 | CC_S | AC_MASK);
    ck_assert_uint_eq(rd32(TSS_A + 0x28 + 4 * R_EBX), 0x12345678);
    ck_assert_uint_eq(rd32(TSS_A + 0x38), STACK0);
    ck_assert_uint_eq(rd16(TSS_A + 0x4c), CODE0);
    ck_assert_uint_eq(rd16(TSS_A + 0), 0);
}
END_TEST

START_TEST(call_and_iret)
{
    tss32_fill(TSS_B, 2);
    env->eflags |= IF_MASK;
    WORKS(do_far_call(env, TGATE, 0, 0x8007, 4));
    CHECK_CSIP(CODE0, NEW_EIP);
    ck_assert_uint_eq(cpu_eflags(env), 2 | NT_MASK);
    ck_assert_uint_eq(rd16(TSS_B), TSSA);
    ck_assert_uint_eq(tss_type(TSSA), 11);
    ck_assert_uint_eq(tss_type(TSSB), 11);
    WORKS(do_iret(env, 4, 0x7655));
    CHECK_CSIP(CODE0, 0x8007);
    CHECK_SSSP(DATA0, STACK0);
    ck_assert_uint_eq(cpu_eflags(env), 2 | IF_MASK);
    ck_assert_uint_eq(tss_type(TSSA), 11);
    ck_assert_uint_eq(tss_type(TSSB), 9);
    ck_assert_uint_eq(rd32(TSS_B + 0x20), 0x7655);
    ck_assert_uint_eq(rd32(TSS_B + 0x24), 2); /* NT is cleared in the saved image */
    ck_assert_uint_eq(env->tr.selector, TSSA);
}
END_TEST

START_TEST(iret_faults)
{
    env->eflags |= NT_MASK;
    wr16(TSS_A, TSSB); /* not busy */
    FAULTS(EXCP_TS, TSSB, do_iret(env, 4, 0));
    wr16(TSS_A, 0x0c);
    FAULTS(EXCP_TS, 0x0c, do_iret(env, 4, 0));
    wr16(TSS_A, 0xc0);
    FAULTS(EXCP_TS, 0xc0, do_iret(env, 4, 0));
    wr16(TSS_A, DATA0);
    FAULTS(EXCP_TS, DATA0, do_iret(env, 4, 0));
    wr16(TSS_A, TSSB);
    ram[GDT + TSSB + 5] = 11;
    FAULTS(EXCP_NP, TSSB, do_iret(env, 4, 0));
}
END_TEST

START_TEST(transfer_faults)
{
    FAULTS(EXCP_GP, TSSA, do_far_jmp(env, TSSA, 0, 0, 4)); /* busy */
    ram[GDT + TSSB + 5] = 9;
    FAULTS(EXCP_NP, TSSB, do_far_jmp(env, TSSB, 0, 0, 4));
    FAULTS(EXCP_NP, TSSB, do_far_call(env, TGATE, 0, 0, 4));
    FAULTS(EXCP_GP, TSSB, do_far_jmp(env, TSSB | 1, 0, 0, 4)); /* DPL < RPL */
    desc_set(GDT, TSSB, TSS_B, 0x66, ACC_P | 9, false);
    FAULTS(EXCP_TS, TSSB, do_far_jmp(env, TSSB, 0, 0, 4));
    ram[GDT + TGATE + 5] = ACC_DPL3 | 5;
    FAULTS(EXCP_NP, TGATE, do_far_call(env, TGATE, 0, 0, 4));
    gate_set(GDT + TGATE, DATA0, 0, ACC_P | 5, 0);
    FAULTS(EXCP_GP, DATA0, do_far_call(env, TGATE, 0, 0, 4));
    gate_set(GDT + TGATE, 0x0c, 0, ACC_P | 5, 0);
    FAULTS(EXCP_GP, 0x0c, do_far_call(env, TGATE, 0, 0, 4));
    sys_protected(3);
    FAULTS(EXCP_GP, TGATE, do_far_call(env, TGATE, 0, 0, 4));
    FAULTS(EXCP_GP, TSSB, do_far_call(env, TSSB, 0, 0, 4));
    idt_gate(0x20, 0x0c, 0, 0x85);
    FAULTS(EXCP_GP, 0x0d, do_interrupt(env, 0x20, false, 0, 0, true));
    idt_gate(0x20, TSSA, 0, 0x85);
    FAULTS(EXCP_GP, TSSA | 1, do_interrupt(env, 0x20, false, 0, 0, true));
}
END_TEST

START_TEST(gate_with_error_code)
{
    tss32_fill(TSS_B, 2);
    idt_gate(EXCP_GP, TSSB, 0, 0x85);
    sys_protected(3);
    WORKS(do_interrupt(env, EXCP_GP, false, 0xabcd, 0x8000, false));
    CHECK_CSIP(CODE0, NEW_EIP);
    CHECK_SSSP(DATA0, NEW_ESP - 4);
    ck_assert_uint_eq(rd32(NEW_ESP - 4), 0xabcd);
    ck_assert_uint_eq(rd32(TSS_A + 0x24), 2 | RF_MASK);
    ck_assert_uint_eq(rd16(TSS_A + 0x4c), CODE3);
    ck_assert_int_eq(cpu_cpl(env), 0);
    env->regs[R_ESP] += 4;
    WORKS(do_iret(env, 4, 0));
    CHECK_CSIP(CODE3, 0x8000);
    ck_assert_int_eq(cpu_cpl(env), 3);
}
END_TEST

START_TEST(tss16)
{
    tss16_fill(TSS_C16);
    env->regs[R_EDX] = 0xabcd1234;
    WORKS(do_far_call(env, TSSC, 0, 0x8007, 4));
    CHECK_CSIP(CODE0, NEW_EIP);
    CHECK_SSSP(DATA0, NEW_ESP);
    ck_assert_uint_eq(cpu_eflags(env), 2 | CC_C | NT_MASK);
    ck_assert_uint_eq(env->regs[R_ECX] & 0xffff, 0x2221);
    ck_assert_uint_eq(env->segs[R_FS].flags | env->segs[R_GS].flags | env->ldt.flags, 0);
    ck_assert_uint_eq(tss_type(TSSC), 3);
    ck_assert_uint_eq(rd16(TSS_C16), TSSA);
    WORKS(do_iret(env, 4, 0x1234));
    CHECK_CSIP(CODE0, 0x8007);
    ck_assert_uint_eq(env->regs[R_EDX], 0xabcd1234);
    ck_assert_uint_eq(rd16(TSS_C16 + 0x0e), 0x1234);
    ck_assert_uint_eq(rd16(TSS_C16 + 0x10), 2 | CC_C);
    ck_assert_uint_eq(rd16(TSS_C16 + 0x2a), 0); /* static */
}
END_TEST

/* Errors found in the new task: the switch has happened. */
START_TEST(new_task_faults)
{
    static const struct {
        uint32_t offset, selector;
        int vector;
        uint32_t code;
    } cases[] = {
        { 0x60, 0x0c, EXCP_TS, 0x0c }, { 0x60, DATA0, EXCP_TS, DATA0 }, { 0x60, 0xc0, EXCP_TS, 0xc0 },
        { 0x4c, 0, EXCP_TS, 0 }, { 0x4c, DATA0, EXCP_TS, DATA0 }, { 0x4c, CODE0 | 3, EXCP_TS, CODE0 },
        { 0x4c, NPCODE, EXCP_NP, NPCODE }, { 0x4c, 0xc8, EXCP_TS, 0xc8 },
        { 0x50, 0, EXCP_TS, 0 }, { 0x50, CODE0, EXCP_TS, CODE0 }, { 0x50, DATA3, EXCP_TS, DATA3 & ~3 },
        { 0x50, NPSTACK, EXCP_SS, NPSTACK },
        { 0x48, TSSA, EXCP_TS, TSSA }, { 0x54, XONLY3, EXCP_TS, XONLY3 & ~3 }, { 0x58, NPDATA, EXCP_NP,
                                                                                 NPDATA },
        { 0x5c, 0x104, EXCP_TS, 0x104 }, { 0x5c, DATA0 | 3, EXCP_TS, DATA0 }
    };
    for (volatile unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sys_protected(0);
        ram[GDT + TSSB + 5] = ACC_P | 9;
        tss32_fill(TSS_B, 2);
        wr16(TSS_B + cases[i].offset, cases[i].selector);
        TRY(do_far_jmp(env, TSSB, 0, 0x8007, 4));
        ck_assert_int_eq(env->exception_index, cases[i].vector);
        ck_assert_uint_eq(env->error_code, cases[i].code);
        ck_assert_uint_eq(env->eip, NEW_EIP);
        ck_assert_uint_eq(env->exception_next_eip, NEW_EIP);
        ck_assert_uint_eq(env->tr.selector, TSSB);
        ck_assert_uint_eq(env->regs[R_ESP], NEW_ESP);
        ck_assert_uint_eq(tss_type(TSSA), 9);
        ck_assert_uint_eq(tss_type(TSSB), 11);
    }
    sys_protected(0); /* EIP beyond the limit of the new CS */
    ram[GDT + TSSB + 5] = ACC_P | 9;
    tss32_fill(TSS_B, 2);
    wr16(TSS_B + 0x4c, SMALLCODE);
    TRY(do_far_jmp(env, TSSB, 0, 0x8007, 4));
    ck_assert_int_eq(env->exception_index, EXCP_GP);
    ck_assert_uint_eq(env->error_code, 0);
    sys_protected(0); /* through a gate: EXT */
    ram[GDT + TSSB + 5] = ACC_P | 9;
    tss32_fill(TSS_B, 2);
    wr16(TSS_B + 0x48, NPDATA);
    idt_gate(0x20, TSSB, 0, 0x85);
    TRY(do_interrupt(env, 0x20, false, 0, 0x8000, true));
    ck_assert_int_eq(env->exception_index, EXCP_NP);
    ck_assert_uint_eq(env->error_code, NPDATA | 1);
}
END_TEST

START_TEST(vm86_task)
{
    tss32_fill(TSS_B, 2 | VM_MASK | IOPL_MASK);
    for (uint32_t i = 0; i < 6; i++)
        wr32(TSS_B + 0x48 + 4 * i, 0x1000 + i);
    WORKS(do_far_call(env, TSSB, 0, 0x8007, 4));
    ck_assert(env->hflags & HF_VM);
    ck_assert_int_eq(cpu_cpl(env), 3);
    CHECK_CSIP(0x1001, NEW_EIP);
    ck_assert_uint_eq(env->segs[R_GS].base, 0x10050);
    tss32_fill(TSS_A, 2);
    ram[GDT + TSSA + 5] = ACC_P | 9;
    idt_gate(0x20, TSSA, 0, 0xe5);
    WORKS(do_interrupt(env, 0x20, false, 0, NEW_EIP, true)); /* out of it by a task gate */
    CHECK_CSIP(CODE0, NEW_EIP);
    ck_assert(!(env->hflags & HF_VM));
    ck_assert_uint_eq(rd32(TSS_B + 0x24), 2 | VM_MASK | IOPL_MASK | NT_MASK);
    ck_assert_uint_eq(rd16(TSS_B + 0x5c), 0x1005);
}
END_TEST

START_TEST(trap_bit)
{
    tss32_fill(TSS_B, 2);
    wr16(TSS_B + 0x64, 1);
    TRY(do_far_jmp(env, TSSB, 0, 0x8007, 4));
    ck_assert_int_eq(env->exception_index, EXCP_DB);
    ck_assert_uint_eq(env->eip, NEW_EIP);
    deliver_exception(env);
    ck_assert(env->dr[6] & 0x8000);
    ck_assert_uint_eq(rd32(NEW_ESP - 12), NEW_EIP);
}
END_TEST

START_TEST(cr3_switch)
{
    for (uint32_t dir = 0x100000; dir <= 0x102000; dir += 0x2000) {
        wr32(dir, (dir + 0x1000) | 7);
        for (uint32_t i = 0; i < 512; i++)
            wr32(dir + 0x1000 + 4 * i, i << 12 | 7);
    }
    wr32(0x103000 + 4 * 0x40, 0x50000 | 7); /* 0x40000 is another page there */
    wr32(0x40000, 1);
    wr32(0x50000, 2);
    env->cr[3] = 0x100000;
    cpu_write_cr(env, 0, env->cr[0] | CR0_PG);
    ck_assert_uint_eq(mmu_ldl(env, 0x40000, mmu_kernel_idx(), 0), 1);
    tss32_fill(TSS_B, 2);
    wr32(TSS_B + 0x1c, 0x102000);
    WORKS(do_far_jmp(env, TSSB, 0, 0x8007, 4));
    ck_assert_uint_eq(env->cr[3], 0x102000);
    ck_assert_uint_eq(mmu_ldl(env, 0x40000, mmu_kernel_idx(), 0), 2);
    ck_assert_uint_eq(rd32(TSS_A + 0x1c), 0); /* CR3 is not saved */

    sys_protected(0); /* a TSS page that is not there: nothing happens but #PF */
    env->cr[0] |= CR0_PG;
    cpu_update_hflags(env);
    ram[GDT + TSSB + 5] = ACC_P | 9;
    wr32(0x103000 + 4 * 5, 0);
    tlb_flush(env);
    FAULTS(EXCP_PF, 0, do_far_jmp(env, TSSB, 0, 0x8007, 4));
    ck_assert_uint_eq(tss_type(TSSA), 11);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        jmp_tss, call_and_iret, iret_faults, transfer_faults, gate_with_error_code, tss16,
        new_task_faults, vm86_task, trap_bit, cr3_switch
    };
    return sys_run("tasks", tests, sizeof tests / sizeof tests[0]);
}
