/* Loads of segment registers, LDTR and TR, and the instructions that look at descriptors. */
#include "system-env.h"

START_TEST(load_data_segments)
{
    WORKS(seg_load(env, R_DS, DATA3));
    ck_assert_uint_eq(env->segs[R_DS].selector, DATA3);
    ck_assert_uint_eq(env->segs[R_DS].limit, ~0u);
    WORKS(seg_load(env, R_DS, DATA16));
    ck_assert_uint_eq(env->segs[R_DS].base, 0x20000);
    ck_assert_uint_eq(env->segs[R_DS].limit, 0xffff);
    ck_assert(!(env->hflags & HF_SEG_FULL(R_DS)) && !(env->hflags & HF_SEG_BASE0(R_DS)));
    WORKS(seg_load(env, R_ES, CODE0)); /* readable code */
    ck_assert(!(env->hflags & HF_SEG_FULL(R_ES)) && (env->hflags & HF_SEG_BASE0(R_ES)));
    WORKS(seg_load(env, R_FS, 3)); /* null, with any RPL */
    ck_assert_uint_eq(env->segs[R_FS].selector, 3);
    ck_assert_uint_eq(env->segs[R_FS].flags, 0);
    WORKS(seg_load(env, R_DS, EXPDOWN));
    ck_assert(!(env->hflags & HF_SEG_FULL(R_DS)));
}
END_TEST

START_TEST(load_sets_accessed_once)
{
    ram[GDT + DATA0 + 5] = ACC_DATA;
    WORKS(seg_load(env, R_DS, DATA0));
    ck_assert_uint_eq(ram[GDT + DATA0 + 5], ACC_DATA | 1);
    ck_assert(env->segs[R_DS].flags & DESC_A_MASK);
}
END_TEST

START_TEST(load_data_faults)
{
    FAULTS(EXCP_GP, 0xc0, seg_load(env, R_DS, 0xc0)); /* beyond the limit */
    FAULTS(EXCP_GP, 0x104, seg_load(env, R_DS, 0x104)); /* beyond the LDT's limit */
    FAULTS(EXCP_GP, TSSA, seg_load(env, R_DS, TSSA)); /* system descriptor */
    FAULTS(EXCP_GP, 0x80, seg_load(env, R_DS, XONLY3)); /* not readable */
    FAULTS(EXCP_NP, NPDATA, seg_load(env, R_DS, NPDATA));
    FAULTS(EXCP_GP, DATA0, seg_load(env, R_DS, DATA0 | 1)); /* RPL > DPL */
    sys_protected(3);
    FAULTS(EXCP_GP, DATA0, seg_load(env, R_GS, DATA0)); /* CPL > DPL */
    WORKS(seg_load(env, R_GS, CONF0 | 3)); /* conforming code: no check */
    env->gdt_limit = DATA3 - 3 + 6; /* the last byte is missing */
    FAULTS(EXCP_GP, 0x20, seg_load(env, R_GS, DATA3));
}
END_TEST

START_TEST(load_from_ldt)
{
    desc_set(LDT, 0x0c, 0x5000, 0x123, ACC_DATA | ACC_DPL3, false);
    WORKS(seg_load(env, R_DS, 0x0f));
    ck_assert_uint_eq(env->segs[R_DS].base, 0x5000);
    ck_assert_uint_eq(env->segs[R_DS].limit, 0x123);
    env->ldt.flags = 0; /* null LDT */
    FAULTS(EXCP_GP, 0x0c, seg_load(env, R_DS, 0x0f));
}
END_TEST

START_TEST(load_stack)
{
    WORKS(seg_load(env, R_SS, DATA16));
    ck_assert(!(env->hflags & HF_SS32));
    WORKS(seg_load(env, R_SS, EXPDOWN));
    FAULTS(EXCP_GP, 0, seg_load(env, R_SS, 0));
    FAULTS(EXCP_GP, 0xc0, seg_load(env, R_SS, 0xc0));
    FAULTS(EXCP_GP, DATA0, seg_load(env, R_SS, DATA0 | 3)); /* RPL */
    FAULTS(EXCP_GP, 0x20, seg_load(env, R_SS, 0x20)); /* DPL */
    FAULTS(EXCP_GP, CODE0, seg_load(env, R_SS, CODE0));
    FAULTS(EXCP_SS, NPSTACK, seg_load(env, R_SS, NPSTACK));
    sys_protected(3);
    FAULTS(EXCP_GP, 0xa0, seg_load(env, R_SS, RODATA3));
    FAULTS(EXCP_GP, 0, seg_load(env, R_SS, 3));
}
END_TEST

START_TEST(real_mode_loads)
{
    sys_real();
    env->segs[R_DS].limit = ~0u; /* left by protected mode */
    WORKS(seg_load(env, R_DS, 0xabcd));
    ck_assert_uint_eq(env->segs[R_DS].base, 0xabcd0);
    ck_assert_uint_eq(env->segs[R_DS].limit, ~0u);
    env->segs[R_ES].flags = 0;
    WORKS(seg_load(env, R_ES, 0x10));
    ck_assert_uint_eq(env->segs[R_ES].limit, 0xffff);
    ck_assert(env->segs[R_ES].flags & DESC_P_MASK);
    sys_vm86(0);
    ck_assert_int_eq(cpu_cpl(env), 3);
    ck_assert_uint_eq(env->mmu_idx, MMU_USER_IDX);
    WORKS(seg_load(env, R_DS, 0xffff));
    ck_assert_uint_eq(env->segs[R_DS].base, 0xffff0);
    ck_assert_uint_eq(env->segs[R_DS].limit, 0xffff);
}
END_TEST

START_TEST(lldt_ltr)
{
    WORKS(do_lldt(env, 3));
    ck_assert_uint_eq(env->ldt.flags, 0);
    WORKS(do_lldt(env, LDTS));
    ck_assert_uint_eq(env->ldt.base, LDT);
    FAULTS(EXCP_GP, 0x0c, do_lldt(env, 0x0c));
    FAULTS(EXCP_GP, 0xc0, do_lldt(env, 0xc0));
    FAULTS(EXCP_GP, DATA0, do_lldt(env, DATA0));
    ram[GDT + LDTS + 5] = 2;
    FAULTS(EXCP_NP, LDTS, do_lldt(env, LDTS));

    FAULTS(EXCP_GP, 0, do_ltr(env, 0));
    FAULTS(EXCP_GP, 0x0c, do_ltr(env, 0x0c));
    FAULTS(EXCP_GP, TSSA, do_ltr(env, TSSA)); /* busy */
    FAULTS(EXCP_GP, LDTS, do_ltr(env, LDTS));
    WORKS(do_ltr(env, TSSB));
    ck_assert_uint_eq(ram[GDT + TSSB + 5], ACC_P | 11);
    ck_assert_uint_eq(env->tr.base, TSS_B);
    ck_assert_uint_eq(env->tr.flags >> 8 & 15, 11);
    ram[GDT + TSSC + 5] = 1;
    FAULTS(EXCP_NP, TSSC, do_ltr(env, TSSC));
}
END_TEST

START_TEST(lar_lsl_verr_verw)
{
    uint32_t v;
    ck_assert(do_lar(env, CODE0, &v));
    ck_assert_uint_eq(v, 0x00cf9a00);
    ck_assert(do_lsl(env, DATA16, &v));
    ck_assert_uint_eq(v, 0xffff);
    ck_assert(do_lsl(env, DATA0, &v));
    ck_assert_uint_eq(v, ~0u);
    ck_assert(!do_lar(env, 0, &v) && !do_lar(env, 0xc0, &v) && !do_verr(env, 0));
    ck_assert(do_lar(env, GATE, &v) && !do_lsl(env, GATE, &v));
    ck_assert(do_lar(env, TGATE, &v) && !do_lsl(env, TGATE, &v));
    ck_assert(do_lar(env, TSSA, &v) && do_lsl(env, TSSA, &v));
    ck_assert_uint_eq(v, 0x87);
    ram[GDT + GATE + 5] = 0x8e; /* interrupt gate: no type for LAR */
    ck_assert(!do_lar(env, GATE, &v));
    ck_assert(do_lar(env, NPDATA, &v)); /* present or not */
    ck_assert(do_verr(env, CODE0) && !do_verw(env, CODE0) && !do_verr(env, XONLY3));
    ck_assert(do_verr(env, RODATA3) && !do_verw(env, RODATA3) && do_verw(env, DATA0));
    sys_protected(3);
    ck_assert(!do_lar(env, DATA0, &v) && !do_verr(env, DATA0) && !do_lsl(env, CODE0, &v));
    ck_assert(do_lar(env, CONF0, &v) && do_verr(env, CONF0));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        load_data_segments, load_sets_accessed_once, load_data_faults, load_from_ldt, load_stack,
        real_mode_loads, lldt_ltr, lar_lsl_verr_verw
    };
    return sys_run("segments", tests, sizeof tests / sizeof tests[0]);
}
