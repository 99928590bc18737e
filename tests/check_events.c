/* Delivery of interrupts and exceptions (SDM 3, chapter 6; 20.2, 20.3 for virtual-8086
 * mode), and what comes of exceptions during delivery. */
#include "system-env.h"

#define HANDLER_OF(v) (HANDLER + 16u * (v))
#define HW(v) do_interrupt(env, (v), false, 0, 0x8000, true)
#define INT(v) do_interrupt(env, (v), true, 0, 0x8002, false)
#define EXC(v, err) do_interrupt(env, (v), false, (err), 0x8000, false)

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

/* ---- virtual-8086 mode ---- */

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

/* ---- two exceptions ---- */

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
        same_level, error_code_and_rf, gates_16bit, inner_level, level_1_handler,
        conforming_handler, gate_faults, software_dpl, inner_stack_faults, vm86_interrupt_and_back,
        vm86_handler_must_be_level_0, vm86_int_iopl, vme_redirection, vm86_iret, real_mode,
        debug_registers_on_delivery, nmi_blocks, shadow_ends, combine, double_fault, triple_fault,
        software_interrupt_faults, page_fault_in_delivery, page_fault_in_returns
    };
    return sys_run("events: interrupts and exceptions", tests, sizeof tests / sizeof tests[0]);
}
