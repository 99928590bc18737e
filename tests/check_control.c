/* Control and debug registers, EFLAGS, I/O rights, the state after reset. */
#include "system-env.h"

/* ---- control registers ---- */

START_TEST(cr0)
{
    FAULTS(EXCP_GP, 0, cpu_write_cr(env, 0, CR0_PG));
    FAULTS(EXCP_GP, 0, cpu_write_cr(env, 0, CR0_PE | CR0_NW));
    WORKS(cpu_write_cr(env, 0, CR0_PE | CR0_EM | CR0_TS | CR0_MP | 0x0ff8ff00u));
    ck_assert_uint_eq(env->cr[0], CR0_PE | CR0_EM | CR0_TS | CR0_MP | CR0_ET);
    ck_assert_uint_eq(env->hflags & (HF_EM | HF_TS | HF_MP), HF_EM | HF_TS | HF_MP);
    WORKS(cpu_write_cr(env, 0, 0));
    ck_assert(!(env->hflags & HF_PE));
}
END_TEST

START_TEST(cpl_after_setting_pe)
{
    sys_real();
    seg_load_real(env, R_CS, 0x1003);
    seg_load_real(env, R_SS, 0x1003);
    WORKS(cpu_write_cr(env, 0, CR0_PE));
    ck_assert_int_eq(cpu_cpl(env), 0); /* whatever the real-mode selectors say */
}
END_TEST

START_TEST(cr4)
{
    uint32_t mask = cpu_cr4_mask(env);
    ck_assert(mask & CR4_PAE);
    ck_assert(mask & CR4_TSD);
    WORKS(cpu_write_cr(env, 4, mask));
    ck_assert_uint_eq(env->cr[4], mask);
    for (volatile unsigned bit = 0; bit < 32; bit++)
        if (!(mask >> bit & 1))
            FAULTS(EXCP_GP, 0, cpu_write_cr(env, 4, 1u << bit));
    ck_assert(!(mask & 0x80000000u));
}
END_TEST

START_TEST(pdptes)
{
    for (uint32_t a = 0x110000; a < 0x110020; a += 4)
        wr32(a, 0);
    wr32(0x110000, 0x111000 | 1);
    wr32(0x111000, 0 | 0x83); /* a 2 MiB page */
    env->cr[3] = 0x110000;
    WORKS(cpu_write_cr(env, 4, CR4_PAE));
    wr32(0x110008, 0x111000 | 3); /* a reserved bit */
    FAULTS(EXCP_GP, 0, cpu_write_cr(env, 0, env->cr[0] | CR0_PG));
    wr32(0x110008, 0xffffff00 & ~1u); /* not present: anything goes */
    WORKS(cpu_write_cr(env, 0, env->cr[0] | CR0_PG));
    ck_assert_uint_eq(env->pdptr[0], 0x111001);
    wr32(0x110018, 1);
    wr32(0x11001c, 0x10); /* beyond 36 bits */
    FAULTS(EXCP_GP, 0, cpu_write_cr(env, 3, 0x110000));
    wr32(0x11001c, 0x0f);
    WORKS(cpu_write_cr(env, 3, 0x110000));
    ck_assert_uint_eq(env->pdptr[3], 0xf00000001ull);
}
END_TEST

/* ---- debug registers ---- */

START_TEST(debug_registers)
{
    WORKS(cpu_write_dr(env, 6, ~0u));
    ck_assert_uint_eq(cpu_read_dr(env, 6), 0xffffefff);
    WORKS(cpu_write_dr(env, 4, 0));
    ck_assert_uint_eq(cpu_read_dr(env, 6), 0xffff0ff0);
    WORKS(cpu_write_dr(env, 5, 0xffffdc00));
    ck_assert_uint_eq(cpu_read_dr(env, 7), 0xffff0400);
    env->cr[4] |= CR4_DE;
    FAULTS(EXCP_UD, 0, cpu_read_dr(env, 4));
    FAULTS(EXCP_UD, 0, cpu_write_dr(env, 5, 0));
    WORKS(cpu_write_dr(env, 7, 0x2000));
    TRY(cpu_write_dr(env, 0, 1));
    ck_assert_int_eq(env->exception_index, EXCP_DB);
    ck_assert_uint_eq(env->db_status, 0x2000);
    ck_assert_uint_eq(env->dr[0], 0);
}
END_TEST

START_TEST(breakpoints)
{
    cpu_write_dr(env, 0, 0x1000);
    cpu_write_dr(env, 1, 0x2003); /* 4 bytes: the low bits do not count */
    cpu_write_dr(env, 2, 0x3000);
    cpu_write_dr(env, 3, 0x60);
    ck_assert(!(env->hflags & HF_BP));
    /* 0: execute; 1: write, 4 bytes; 2: read/write, 2 bytes; 3: I/O, 1 byte */
    cpu_write_dr(env, 7, 0x55 | 0xdu << 20 | 0x7u << 24 | 0x2u << 28);
    ck_assert(env->hflags & HF_BP);
    ck_assert_uint_eq(cpu_check_insn_bp(env, 0x1000), 1);
    ck_assert_uint_eq(cpu_check_insn_bp(env, 0x2000), 0);
    static const struct {
        uint32_t linear;
        unsigned len;
        int type;
        uint32_t hits;
    } cases[] = {
        { 0x2000, 1, 1, 2 }, { 0x2003, 1, 1, 2 }, { 0x2004, 4, 1, 0 }, { 0x1ffd, 4, 1, 2 }, { 0x1ffc, 4, 1,
                                                                                              0 },
        { 0x2000, 4, 3, 0 }, { 0x3001, 1, 3, 4 }, { 0x3001, 1, 1, 4 }, { 0x3002, 1, 1, 0 }, { 0x2ffe, 4, 3,
                                                                                              4 },
        { 0x1000, 4, 3, 0 }, { 0x60, 1, 2, 0 }, { 0x60, 4, 1, 0 }
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        env->db_status = 0;
        cpu_check_data_bp(env, cases[i].linear, cases[i].len, cases[i].type);
        ck_assert_uint_eq(env->db_status, cases[i].hits);
    }
    env->cr[4] |= CR4_DE; /* I/O breakpoints need it */
    env->db_status = 0;
    cpu_check_data_bp(env, 0x5f, 2, 2);
    ck_assert_uint_eq(env->db_status, 8);
    /* The soft MMU sends the watched pages to us. */
    env->db_status = 0;
    mmu_stl(env, 0x2000, 1, mmu_kernel_idx(), 0);
    ck_assert_uint_eq(env->db_status, 2);
    mmu_ldl(env, 0x3000, mmu_kernel_idx(), 0);
    ck_assert_uint_eq(env->db_status, 6);
    cpu_write_dr(env, 7, 0);
    env->db_status = 0;
    mmu_stl(env, 0x2000, 1, mmu_kernel_idx(), 0);
    ck_assert_uint_eq(env->db_status, 0);
}
END_TEST

/* ---- EFLAGS and I/O ---- */

START_TEST(popf_masks)
{
    const uint32_t base = CC_ARITH | TF_MASK | DF_MASK | NT_MASK, wide = AC_MASK | ID_MASK;
    ck_assert_uint_eq(cpu_popf_mask(env, 2), base | IF_MASK | IOPL_MASK);
    ck_assert_uint_eq(cpu_popf_mask(env, 4), base | wide | IF_MASK | IOPL_MASK);
    sys_protected(3);
    ck_assert_uint_eq(cpu_popf_mask(env, 4), base | wide);
    env->eflags |= IOPL_MASK;
    cpu_update_hflags(env);
    ck_assert_uint_eq(cpu_popf_mask(env, 4), base | wide | IF_MASK);
    sys_protected(1);
    env->eflags |= 1 << IOPL_SHIFT;
    cpu_update_hflags(env);
    ck_assert_uint_eq(cpu_popf_mask(env, 2), base | IF_MASK);
    sys_real();
    ck_assert_uint_eq(cpu_popf_mask(env, 2), base | IF_MASK | IOPL_MASK);
    sys_vm86(3);
    ck_assert_uint_eq(cpu_popf_mask(env, 2), base | IF_MASK);
}
END_TEST

START_TEST(load_eflags)
{
    cpu_set_arith(env, CC_C | CC_O);
    cpu_load_eflags(env, CC_Z, CC_Z | CC_C);
    ck_assert_uint_eq(cpu_eflags(env), 2 | CC_Z | CC_O);
    cpu_load_eflags(env, ~0u, TF_MASK | DF_MASK);
    ck_assert_uint_eq(cpu_eflags(env), 2 | CC_Z | CC_O | TF_MASK | DF_MASK);
    ck_assert(env->hflags & HF_TF);
    cpu_load_eflags(env, 0, ~0u);
    ck_assert_uint_eq(cpu_eflags(env), 2);
    cpu_load_eflags(env, ~0u, ~0u & ~(uint32_t)VM_MASK);
    ck_assert_uint_eq(cpu_eflags(env), 0x3d7fd7);
}
END_TEST

START_TEST(alignment_checking_hflags)
{
    sys_protected(3);
    ck_assert((env->hflags & HF_SEG_FLAT(R_DS)) == HF_SEG_FLAT(R_DS));
    env->cr[0] |= CR0_AM;
    cpu_load_eflags(env, AC_MASK, AC_MASK);
    ck_assert(!(env->hflags & HF_SEG_FULL(R_DS)) && !(env->hflags & HF_SEG_FULL(R_SS)));
    sys_protected(0);
    env->cr[0] |= CR0_AM;
    cpu_load_eflags(env, AC_MASK, AC_MASK);
    ck_assert(env->hflags & HF_SEG_FULL(R_DS));
}
END_TEST

START_TEST(io_bitmap)
{
    WORKS(cpu_check_io(env, 0x3f8, 1));
    sys_protected(3);
    wr16(TSS_A + 0x66, 0x70); /* the limit is 0x87: ports 0-0xbf, the last byte read beyond them */
    for (uint32_t a = 0x70; a < 0x88; a++)
        ram[TSS_A + a] = 0;
    ram[TSS_A + 0x70 + 2] = 0x80; /* port 0x17 */
    WORKS(cpu_check_io(env, 0x16, 1));
    FAULTS(EXCP_GP, 0, cpu_check_io(env, 0x16, 2));
    FAULTS(EXCP_GP, 0, cpu_check_io(env, 0x14, 4));
    WORKS(cpu_check_io(env, 0x18, 4));
    ram[TSS_A + 0x70 + 2] = 0;
    ram[TSS_A + 0x70 + 3] = 1; /* port 0x18 */
    FAULTS(EXCP_GP, 0, cpu_check_io(env, 0x17, 2));
    WORKS(cpu_check_io(env, 0x17, 1));
    WORKS(cpu_check_io(env, 0xb7, 1));
    FAULTS(EXCP_GP, 0, cpu_check_io(env, 0xb8, 1)); /* the second byte is beyond the limit */
    FAULTS(EXCP_GP, 0, cpu_check_io(env, 0xffff, 1));
    env->eflags |= IOPL_MASK;
    cpu_update_hflags(env);
    WORKS(cpu_check_io(env, 0xffff, 1));
    sys_vm86(3); /* the bitmap counts whatever IOPL is */
    FAULTS(EXCP_GP, 0, cpu_check_io(env, 0x18, 1));
    WORKS(cpu_check_io(env, 0x17, 1));
    env->tr.flags = DESC_P_MASK | 3 << DESC_TYPE_SHIFT; /* a 16-bit TSS has none */
    FAULTS(EXCP_GP, 0, cpu_check_io(env, 0x17, 1));
}
END_TEST

START_TEST(reset_state)
{
    env->regs[R_EBP] = 5;
    cpu_reset(env);
    CHECK_CSIP(0xf000, 0xfff0);
    ck_assert_uint_eq(env->segs[R_CS].base, 0xffff0000);
    ck_assert_uint_eq(env->cr[0], 0x60000010);
    ck_assert_uint_eq(cpu_eflags(env), 2);
    ck_assert_uint_eq(env->dr[6], 0xffff0ff0);
    ck_assert_uint_eq(env->dr[7], 0x400);
    ck_assert_uint_eq(env->regs[R_EBP], 0);
    ck_assert_uint_eq(env->regs[R_EDX] >> 8 & 15, 6);
    ck_assert_uint_eq(env->mmu_idx, MMU_KNOSMAP_IDX);
    ck_assert_uint_eq(env->tlb_base, (uint64_t)(uintptr_t)softmmu_table(env, MMU_KNOSMAP_IDX));
    ck_assert(env->hflags & HF_IOPL_OK);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        cr0, cpl_after_setting_pe, cr4, pdptes, debug_registers, breakpoints, popf_masks,
        load_eflags, alignment_checking_hflags, io_bitmap, reset_state
    };
    return sys_run("control registers", tests, sizeof tests / sizeof tests[0]);
}
