/* Interrupts and exceptions of virtual-8086 mode, and the way back (SDM 3, 20.2, 20.3). */
#include "event-env.h"

START_TEST(vm86_interrupt_and_back)
{
    sys_vm86(0);
    env->regs[R_ESP] = 0x12340800;
    WORKS(EXC(EXCP_GP, 0));
    CHECK_CSIP(CODE0, HANDLER_OF(EXCP_GP));
    CHECK_SSSP(DATA0, NEW_STACK - 40);
    static const uint32_t frame[] = { 0, 0x8000, 0x0800, 2 | IF_MASK | VM_MASK | RF_MASK, 0x12340800, 0x0900,
                                      0x1111, 0x2222, 0x3333, 0x4444 };
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(rd32(NEW_STACK - 40 + 4 * (uint32_t)i), frame[i]);
    ck_assert(!(env->hflags & HF_VM));
    ck_assert_int_eq(cpu_cpl(env), 0);
    ck_assert_uint_eq(env->segs[R_DS].flags | env->segs[R_ES].flags, 0);
    ck_assert_uint_eq(env->segs[R_FS].flags | env->segs[R_GS].flags, 0);
    ck_assert_uint_eq(env->segs[R_DS].selector | env->segs[R_GS].selector, 0);

    env->regs[R_ESP] += 4;
    wr32(env->regs[R_ESP], 0x70123); /* EIP is cut to 16 bits */
    WORKS(do_iret(env, 4, 0));
    CHECK_CSIP(0x0800, 0x0123);
    CHECK_SSSP(0x0900, 0x12340800);
    ck_assert(env->hflags & HF_VM);
    ck_assert_int_eq(cpu_cpl(env), 3);
    ck_assert_uint_eq(cpu_eflags(env), 2 | IF_MASK | VM_MASK);
    ck_assert_uint_eq(env->segs[R_DS].base, 0x22220);
    ck_assert_uint_eq(env->segs[R_GS].selector, 0x4444);
    ck_assert_uint_eq(env->segs[R_ES].limit, 0xffff);
}
END_TEST

START_TEST(vm86_handler_must_be_level_0)
{
    sys_vm86(3);
    idt_gate(0x20, CODE1, HANDLER, 0xee);
    FAULTS(EXCP_GP, (CODE1 & ~3) | 1, HW(0x20));
    idt_gate(0x20, CONF0, HANDLER, 0xee);
    FAULTS(EXCP_GP, CONF0, INT(0x20));
    idt_gate(0x20, CODE3, HANDLER, 0xee);
    FAULTS(EXCP_GP, 0x18, INT(0x20));
}
END_TEST

START_TEST(vm86_int_iopl)
{
    for (volatile int v = 0; v < 64; v++)
        idt_gate(v, CODE0, HANDLER, 0xee);
    sys_vm86(0);
    FAULTS(EXCP_GP, 0, INT(0x21));
    ram[0x8000 + 0x8001] = 3; /* CD 03 */
    FAULTS(EXCP_GP, 0, INT(EXCP_BP));
    ram[0x8000 + 0x8001] = 0xcc; /* INT3 is not sensitive to IOPL */
    WORKS(INT(EXCP_BP));
    CHECK_CSIP(CODE0, HANDLER);
    sys_vm86(3);
    WORKS(INT(0x21));
    CHECK_SSSP(DATA0, NEW_STACK - 36);
    sys_vm86(3);
    idt_gate(0x21, CODE0, HANDLER, 0x8e);
    FAULTS(EXCP_GP, 0x21 * 8 + 2, INT(0x21));
}
END_TEST

/* A TSS with redirection bitmap at 0x68 and I/O map at 0x88. */
static void vme_setup(unsigned iopl)
{
    sys_vm86(iopl);
    env->cr[4] |= CR4_VME;
    wr16(TSS_A + 0x66, 0x88);
    for (uint32_t i = 0; i < 32; i++)
        ram[TSS_A + 0x68 + i] = 0;
    wr32(0x21 * 4, 0x5000abcd);
}

START_TEST(vme_redirection)
{
    vme_setup(3);
    env->eflags |= TF_MASK;
    cpu_update_hflags(env);
    WORKS(INT(0x21));
    CHECK_CSIP(0x5000, 0xabcd);
    CHECK_SSSP(0x900, 0x7fa);
    ck_assert_uint_eq(rd16(0x9000 + 0x7fe), 2 | IF_MASK | TF_MASK | IOPL_MASK);
    ck_assert_uint_eq(rd16(0x9000 + 0x7fc), 0x800);
    ck_assert_uint_eq(rd16(0x9000 + 0x7fa), 0x8002);
    ck_assert_uint_eq(cpu_eflags(env), 2 | VM_MASK | IOPL_MASK);

    vme_setup(0); /* VIF stands for IF, and the image shows IOPL 3 */
    env->eflags |= VIF_MASK;
    env->eflags &= ~(uint32_t)IF_MASK;
    WORKS(INT(0x21));
    CHECK_CSIP(0x5000, 0xabcd);
    ck_assert_uint_eq(rd16(0x9000 + 0x7fe), 2 | IF_MASK | IOPL_MASK);
    ck_assert_uint_eq(cpu_eflags(env), 2 | VM_MASK);
    WORKS(do_iret(env, 2, 0));
    CHECK_CSIP(0x800, 0x8002);
    ck_assert_uint_eq(cpu_eflags(env), 2 | VM_MASK | VIF_MASK);

    vme_setup(0);
    ram[TSS_A + 0x68 + 4] = 2; /* vector 0x21 goes to the monitor */
    FAULTS(EXCP_GP, 0, INT(0x21));
    vme_setup(3);
    ram[TSS_A + 0x68 + 4] = 2;
    idt_gate(0x21, CODE0, HANDLER, 0xee);
    WORKS(INT(0x21));
    CHECK_CSIP(CODE0, HANDLER);
    vme_setup(0);
    WORKS(HW(0x21)); /* hardware interrupts are never redirected */
    CHECK_CSIP(CODE0, HANDLER);
    vme_setup(3);
    env->tr.limit = 0x68 + 3;
    FAULTS(EXCP_GP, 0, INT(0x21));
}
END_TEST

START_TEST(vm86_iret)
{
    sys_vm86(0);
    FAULTS(EXCP_GP, 0, do_iret(env, 2, 0));
    sys_vm86(3);
    push16(0x7fff);
    push16(0x1000);
    push16(0x20);
    WORKS(do_iret(env, 2, 0));
    CHECK_CSIP(0x1000, 0x20);
    ck_assert_uint_eq(cpu_eflags(env), 0x7fd7 | VM_MASK);
    sys_vm86(3);
    push32(CC_C); /* 32 bits: VM and IOPL stay */
    push32(0x1000);
    push32(0x20);
    WORKS(do_iret(env, 4, 0));
    ck_assert_uint_eq(cpu_eflags(env), 2 | CC_C | VM_MASK | IOPL_MASK);

    vme_setup(0);
    FAULTS(EXCP_GP, 0, do_iret(env, 4, 0)); /* VME knows the 16-bit form only */
    push16(TF_MASK);
    push16(0x1000);
    push16(0x20);
    FAULTS(EXCP_GP, 0, do_iret(env, 2, 0));
    vme_setup(0);
    env->eflags |= VIP_MASK;
    push16(IF_MASK);
    push16(0x1000);
    push16(0x20);
    FAULTS(EXCP_GP, 0, do_iret(env, 2, 0));
    wr16(0x9000 + 0x7fe, IOPL_MASK | NT_MASK | CC_S);
    WORKS(do_iret(env, 2, 0));
    ck_assert_uint_eq(cpu_eflags(env), 2 | IF_MASK | VM_MASK | VIP_MASK | NT_MASK | CC_S);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        vm86_interrupt_and_back, vm86_handler_must_be_level_0, vm86_int_iopl, vme_redirection,
        vm86_iret
    };
    return sys_run("events: virtual-8086 mode", tests, sizeof tests / sizeof tests[0]);
}
