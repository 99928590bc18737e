/* Far RET, IRET, SYSENTER and SYSEXIT (SDM 3, 5.8). */
#include "system-env.h"

/* ---- far RET and IRET, protected mode ---- */

START_TEST(ret_faults)
{
    static const struct {
        uint32_t cs;
        int vector;
        uint32_t code;
    } cases[] = {
        { 0, EXCP_GP, 0 }, { 0xc0, EXCP_GP, 0xc0 }, { DATA0, EXCP_GP, DATA0 }, { NPCODE, EXCP_NP, NPCODE },
        { 0x18, EXCP_GP, 0x18 }, /* RPL 0, DPL 3 */
        { CODE0 | 3, EXCP_GP, CODE0 }, { TSSA, EXCP_GP, TSSA }
    };
    for (volatile unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sys_protected(0);
        push32(cases[i].cs);
        push32(0x4000);
        FAULTS(cases[i].vector, cases[i].code, do_far_ret(env, 4, 0));
        sys_protected(0);
        push32(2);
        push32(cases[i].cs);
        push32(0x4000);
        FAULTS(cases[i].vector, cases[i].code, do_iret(env, 4, 0));
    }
    sys_protected(3);
    push32(CODE0);
    push32(0x4000);
    FAULTS(EXCP_GP, CODE0, do_far_ret(env, 4, 0)); /* RPL < CPL */
    sys_protected(0);
    push32(SMALLCODE);
    push32(0x4000);
    FAULTS(EXCP_GP, 0, do_far_ret(env, 4, 0));
    env->segs[R_SS].limit = STACK0 - 5; /* CS is beyond it */
    cpu_update_hflags(env);
    FAULTS(EXCP_SS, 0, do_far_ret(env, 4, 0));
}
END_TEST

START_TEST(ret_outer_faults)
{
    static const struct {
        uint32_t ss;
        int vector;
        uint32_t code;
    } cases[] = {
        { 0, EXCP_GP, 0 }, { 0xc3, EXCP_GP, 0xc0 }, { DATA3 & ~3, EXCP_GP, 0x20 }, { DATA0 | 3, EXCP_GP,
                                                                                     DATA0 },
        { RODATA3, EXCP_GP, 0xa0 }, { CODE3, EXCP_GP, 0x18 }, { NPDATA | 3, EXCP_SS, NPDATA }
    };
    for (volatile unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sys_protected(0);
        push32(cases[i].ss);
        push32(STACK3);
        push32(CODE3);
        push32(0x4000);
        FAULTS(cases[i].vector, cases[i].code, do_far_ret(env, 4, 0));
        sys_protected(0);
        push32(cases[i].ss);
        push32(STACK3);
        push32(2);
        push32(CODE3);
        push32(0x4000);
        FAULTS(cases[i].vector, cases[i].code, do_iret(env, 4, 0));
    }
}
END_TEST

START_TEST(ret_outer)
{
    seg_load(env, R_DS, DATA3);
    seg_load(env, R_ES, DATA0);
    seg_load(env, R_FS, CONF0);
    seg_load(env, R_GS, CODE0);
    env->regs[R_ESP] -= 8; /* parameters */
    push32(DATA3);
    push32(STACK3);
    env->regs[R_ESP] -= 8;
    push32(CODE3);
    push32(0x4000);
    WORKS(do_far_ret(env, 4, 8));
    CHECK_CSIP(CODE3, 0x4000);
    CHECK_SSSP(DATA3, STACK3 + 8);
    ck_assert_uint_eq(env->segs[R_DS].selector, DATA3);
    ck_assert_uint_eq(env->segs[R_ES].selector, 0);
    ck_assert_uint_eq(env->segs[R_ES].flags, 0);
    ck_assert_uint_eq(env->segs[R_FS].selector, CONF0);
    ck_assert_uint_eq(env->segs[R_GS].selector, 0);
}
END_TEST

START_TEST(ret_outer_to_16bit_stack)
{
    desc_set(GDT, SPARE, 0x20000, 0xffff, ACC_DATA | ACC_DPL3, false);
    env->regs[R_ESP] = 0x19000; /* the high half of the inner ESP is left there */
    push32(SPARE | 3);
    push32(0xdead1000);
    push32(2);
    push32(CODE3);
    push32(0x4000);
    WORKS(do_iret(env, 4, 0));
    CHECK_SSSP(SPARE | 3, 0x11000);
    ck_assert(!(env->hflags & HF_SS32));
}
END_TEST

START_TEST(iret_flags)
{
    const uint32_t all = 0x3f7fd5 & ~(uint32_t)VM_MASK;
    push32(all & ~(uint32_t)NT_MASK);
    push32(CODE0);
    push32(0x4000);
    WORKS(do_iret(env, 4, 0));
    CHECK_CSIP(CODE0, 0x4000);
    CHECK_SSSP(DATA0, STACK0);
    /* RF is dropped with no breakpoint armed. */
    ck_assert_uint_eq(cpu_eflags(env), ((all & ~(uint32_t)NT_MASK) | 2) & ~(uint32_t)RF_MASK);

    sys_protected(0); /* 16 bits: the upper half stays */
    env->eflags |= AC_MASK;
    push16(CC_C | IOPL_MASK);
    push16(CODE0);
    push16(0x4000);
    WORKS(do_iret(env, 2, 0));
    ck_assert_uint_eq(cpu_eflags(env), 2 | CC_C | IOPL_MASK | AC_MASK);

    sys_protected(3); /* CPL > IOPL: IOPL, IF, VIF, VIP are not changed, nor is VM */
    env->eflags |= IF_MASK | 1 << IOPL_SHIFT;
    cpu_update_hflags(env);
    push32(IOPL_MASK | CC_Z | VM_MASK | VIF_MASK | VIP_MASK | ID_MASK | TF_MASK);
    push32(CODE3);
    push32(0x4000);
    WORKS(do_iret(env, 4, 0));
    ck_assert_uint_eq(cpu_eflags(env), 2 | IF_MASK | 1 << IOPL_SHIFT | CC_Z | ID_MASK | TF_MASK);
    ck_assert(env->hflags & HF_TF);

    sys_protected(3); /* IOPL 3: IF, but not IOPL */
    env->eflags |= IOPL_MASK | IF_MASK;
    cpu_update_hflags(env);
    push32(2);
    push32(CODE3);
    push32(0x4000);
    WORKS(do_iret(env, 4, 0));
    ck_assert_uint_eq(cpu_eflags(env), 2 | IOPL_MASK);
}
END_TEST

START_TEST(iret_keeps_rf_for_breakpoints)
{
    cpu_write_dr(env, 0, 0x4000);
    cpu_write_dr(env, 7, 1);
    push32(RF_MASK | 2);
    push32(CODE0);
    push32(0x4000);
    WORKS(do_iret(env, 4, 0));
    ck_assert(env->eflags & RF_MASK);
    ck_assert_uint_eq(cpu_check_insn_bp(env, 0x4000), 0);
    env->eflags &= ~(uint32_t)RF_MASK;
    ck_assert_uint_eq(cpu_check_insn_bp(env, 0x4000), 1);
    ck_assert_uint_eq(cpu_check_insn_bp(env, 0x4001), 0);
}
END_TEST

START_TEST(iret_unblocks_nmi)
{
    env->nmi_blocked = true;
    push32(2);
    push32(0);
    push32(0);
    FAULTS(EXCP_GP, 0, do_iret(env, 4, 0));
    ck_assert(!env->nmi_blocked);
}
END_TEST

START_TEST(iret_real)
{
    sys_real();
    env->regs[R_ESP] = 0x800;
    push16(0xffff);
    push16(0x3000);
    push16(0x200);
    WORKS(do_iret(env, 2, 0));
    CHECK_CSIP(0x3000, 0x200);
    ck_assert_uint_eq(cpu_eflags(env), 0x7fd7);
    ck_assert_uint_eq(env->regs[R_ESP], 0x800);
    push32(0x3fffff);
    push32(0x12343000);
    push32(0x300);
    WORKS(do_iret(env, 4, 0));
    CHECK_CSIP(0x3000, 0x300);
    ck_assert_uint_eq(cpu_eflags(env), 0x247fd7); /* without RF: nothing is armed; VM, VIF, VIP as before */
    push32(2);
    push32(0x3000);
    push32(0x10000);
    FAULTS(EXCP_GP, 0, do_iret(env, 4, 0));
}
END_TEST

/* ---- SYSENTER, SYSEXIT ---- */

START_TEST(sysenter_sysexit)
{
    sys_protected(3);
    FAULTS(EXCP_GP, 0, do_sysenter(env));
    env->sysenter_cs = CODE0;
    env->sysenter_esp = 0x7777;
    env->sysenter_eip = 0x6666;
    env->eflags |= IF_MASK;
    FAULTS(EXCP_GP, 0, do_sysexit(env));
    WORKS(do_sysenter(env));
    CHECK_CSIP(CODE0, 0x6666);
    CHECK_SSSP(DATA0, 0x7777);
    ck_assert_int_eq(cpu_cpl(env), 0);
    ck_assert(!(env->eflags & IF_MASK));
    env->regs[R_ECX] = STACK3;
    env->regs[R_EDX] = 0x5555;
    WORKS(do_sysexit(env));
    CHECK_CSIP(CODE3, 0x5555);
    CHECK_SSSP(DATA3, STACK3);
    ck_assert_int_eq(cpu_cpl(env), 3);
    ck_assert((env->hflags & HF_SEG_FLAT(R_CS)) == HF_SEG_FLAT(R_CS));
    sys_vm86(0);
    env->sysenter_cs = CODE0 | 3;
    WORKS(do_sysenter(env));
    ck_assert(!(env->hflags & HF_VM));
    CHECK_CSIP(CODE0, 0x6666);
    sys_real();
    FAULTS(EXCP_GP, 0, do_sysenter(env));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        ret_faults, ret_outer_faults, ret_outer, ret_outer_to_16bit_stack, iret_flags,
        iret_keeps_rf_for_breakpoints, iret_unblocks_nmi, iret_real, sysenter_sysexit
    };
    return sys_run("returns", tests, sizeof tests / sizeof tests[0]);
}
