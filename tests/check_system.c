/* Segment loads, far transfers and returns: SDM 2's pseudo code of MOV, JMP, CALL, RET, IRET,
 * LAR..., and the error codes of SDM 3, chapter 6. */
#include "system-env.h"

/* ---- segment loads ---- */

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
        load_data_segments, load_sets_accessed_once, load_data_faults, load_from_ldt, load_stack,
        real_mode_loads, lldt_ltr, lar_lsl_verr_verw, jmp_code, jmp_conforming, jmp_gate,
        real_transfers, call_same_level, call_gate_same_level, call_gate_inner, call_gate16_inner,
        call_gate_tss16_stack, call_gate_stack_faults, ret_faults, ret_outer_faults, ret_outer,
        ret_outer_to_16bit_stack, iret_flags, iret_keeps_rf_for_breakpoints, iret_unblocks_nmi,
        iret_real, sysenter_sysexit
    };
    return sys_run("system: segments and transfers", tests, sizeof tests / sizeof tests[0]);
}
