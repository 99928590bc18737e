/* What comes of exceptions during delivery: which two combine, double fault, shutdown (SDM 3, 6.15),
 * page faults in the middle. */
#include "event-env.h"

START_TEST(combine)
{
    static const int contributory[] = { EXCP_DE, EXCP_TS, EXCP_NP, EXCP_SS, EXCP_GP };
    static const int benign[] = { EXCP_DB, EXCP_NMI, EXCP_BP, EXCP_OF, EXCP_BR, EXCP_UD, EXCP_NM, EXCP_MF,
                                  EXCP_AC,
                                  EXCP_MC, EXCP_XM };
    for (int i = 0; i < 5; i++) {
        int c = contributory[i];
        env->old_exception = -1;
        ck_assert_int_eq(exception_combine(env, c), c);
        for (int j = 0; j < 5; j++) {
            env->old_exception = contributory[j];
            ck_assert_int_eq(exception_combine(env, c), EXCP_DF);
        }
        env->old_exception = c;
        ck_assert_int_eq(exception_combine(env, EXCP_PF), EXCP_PF);
        env->old_exception = EXCP_PF;
        ck_assert_int_eq(exception_combine(env, c), EXCP_DF);
        env->old_exception = EXCP_DF;
        ck_assert_int_eq(exception_combine(env, c), -1);
    }
    env->old_exception = EXCP_PF;
    ck_assert_int_eq(exception_combine(env, EXCP_PF), EXCP_DF);
    env->old_exception = EXCP_DF;
    ck_assert_int_eq(exception_combine(env, EXCP_PF), -1);
    for (unsigned i = 0; i < sizeof benign / sizeof benign[0]; i++) {
        env->old_exception = benign[i];
        ck_assert_int_eq(exception_combine(env, EXCP_GP), EXCP_GP);
        env->old_exception = EXCP_GP;
        ck_assert_int_eq(exception_combine(env, benign[i]), benign[i]);
        env->old_exception = EXCP_PF;
        ck_assert_int_eq(exception_combine(env, benign[i]), benign[i]);
    }
}
END_TEST

START_TEST(double_fault)
{
    idt_gate(EXCP_NP, CODE0, HANDLER, 0x0e); /* #NP in the delivery of #NP */
    TRY(raise_exception_err(env, EXCP_NP, 0x10, 0));
    deliver_exception(env);
    CHECK_CSIP(CODE0, HANDLER_OF(EXCP_DF));
    ck_assert_uint_eq(env->regs[R_ESP], STACK0 - 16);
    ck_assert_uint_eq(rd32(STACK0 - 16), 0);
    ck_assert_uint_eq(rd32(STACK0 - 12), 0x8000);
    ck_assert_int_eq(env->exception_index, -1);
    ck_assert_int_eq(env->old_exception, -1);
    ck_assert(!env->shutdown);
}
END_TEST

START_TEST(triple_fault)
{
    env->idt_limit = 0;
    TRY(raise_exception(env, EXCP_UD, 0));
    env->interrupt_request = 0;
    deliver_exception(env);
    ck_assert(env->shutdown);
    ck_assert(env->interrupt_request & CPU_INTERRUPT_RESET);
    ck_assert_int_eq(env->exception_index, -1);
    ck_assert_ptr_eq(env->jmp_env, &sys_jmp);
}
END_TEST

START_TEST(software_interrupt_faults)
{
    env->eip = 0x8000;
    idt_gate(0x21, CODE0, HANDLER, 0x0e);
    TRY(raise_interrupt(env, 0x21, 0x8002));
    deliver_exception(env);
    CHECK_CSIP(CODE0, HANDLER_OF(EXCP_NP));
    ck_assert_uint_eq(rd32(STACK0 - 16), 0x21 * 8 + 2); /* no EXT */
    ck_assert_uint_eq(rd32(STACK0 - 12), 0x8000); /* the INT itself */
    sys_protected(0);
    idt_gate(EXCP_GP, NPCODE, HANDLER, 0x8e); /* INT 13 is benign: #NP, not #DF */
    TRY(raise_interrupt(env, EXCP_GP, 0x8002));
    deliver_exception(env);
    CHECK_CSIP(CODE0, HANDLER_OF(EXCP_NP));
    ck_assert_uint_eq(rd32(STACK0 - 16), NPCODE);
}
END_TEST

/* Identity map of the RAM with 4 KiB user pages; tables at 1 MiB. */
static void paging_on(void)
{
    wr32(0x100000, 0x101000 | 7);
    for (uint32_t i = 0; i < 512; i++)
        wr32(0x101000 + 4 * i, i << 12 | 7);
    env->cr[3] = 0x100000;
    cpu_write_cr(env, 0, env->cr[0] | CR0_PG);
}

static void unmap(uint32_t address)
{
    wr32(0x101000 + (address >> 12) * 4, 0);
    tlb_flush(env);
}

START_TEST(page_fault_in_delivery)
{
    paging_on();
    sys_protected(3);
    env->cr[0] |= CR0_PG;
    cpu_update_hflags(env);
    wr32(TSS_A + 4, 0xc008); /* the frame straddles into a page that is not there */
    unmap(0xb000);
    FAULTS(EXCP_PF, 2, HW(0x20)); /* supervisor write */
    ck_assert_uint_eq(env->cr[2] & ~0xfffu, 0xb000);
    ck_assert_uint_eq(rd32(0xc000), 0); /* and nothing was pushed */

    /* #GP, then #PF: one after the other; #PF again: #DF; #PF once more: shutdown. */
    TRY(raise_exception_err(env, EXCP_GP, 0, 0));
    deliver_exception(env);
    ck_assert(env->shutdown);
    env->shutdown = false;

    /* #DF through a task gate has a stack of its own. */
    wr32(TSS_B + 0x1c, 0x100000);
    wr32(TSS_B + 0x20, 0x7777);
    wr32(TSS_B + 0x24, 2);
    wr32(TSS_B + 0x38, NEW_STACK + 0x800);
    wr32(TSS_B + 0x48, DATA0);
    wr32(TSS_B + 0x4c, CODE0);
    wr32(TSS_B + 0x50, DATA0);
    idt_gate(EXCP_DF, TSSB, 0, 0x85);
    TRY(raise_exception_err(env, EXCP_PF, 4, 0));
    deliver_exception(env);
    ck_assert(!env->shutdown);
    CHECK_CSIP(CODE0, 0x7777);
    CHECK_SSSP(DATA0, NEW_STACK + 0x7fc);
    ck_assert_uint_eq(rd32(NEW_STACK + 0x7fc), 0);
    ck_assert(env->eflags & NT_MASK);
    ck_assert_uint_eq(rd32(TSS_A + 0x20), 0x8000);
    ck_assert_uint_eq(rd32(TSS_A + 0x38), STACK3);
}
END_TEST

START_TEST(page_fault_in_returns)
{
    paging_on();
    push32(DATA3);
    push32(STACK3);
    push32(2);
    push32(CODE3);
    push32(0x8000);
    env->regs[R_ESP] = 0x8ff8; /* EIP and CS on this page, the rest on the next */
    wr32(0x8ff8, 0x8000);
    wr32(0x8ffc, CODE3);
    unmap(0x9000);
    FAULTS(EXCP_PF, 0, do_iret(env, 4, 0));
    FAULTS(EXCP_PF, 0, do_far_ret(env, 4, 0));
    env->regs[R_ESP] = 0x9000;
    env->cr[2] = 0;
    FAULTS(EXCP_PF, 0, do_iret(env, 4, 0));
    ck_assert_uint_eq(env->cr[2], 0x9000);
    unmap(0x8000);
    FAULTS(EXCP_PF, 2, do_far_call(env, CODE0, 0, 0, 4));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        combine, double_fault, triple_fault, software_interrupt_faults, page_fault_in_delivery,
        page_fault_in_returns
    };
    return sys_run("events: exceptions in delivery", tests, sizeof tests / sizeof tests[0]);
}
