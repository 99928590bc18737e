/* MMX and SSE: alignment, page faults, segment limits, masked stores. */
#include "simd-env.h"
#include "suite.h"

struct operand_form {
    const char *name;
    uint8_t code[8];
    unsigned size;
};

static const struct operand_form aligned[] = {
    {"movaps load", {0x0f, 0x28, 0x03}, 16},
    {"movaps store", {0x0f, 0x29, 0x03}, 16},
    {"movapd load", {0x66, 0x0f, 0x28, 0x03}, 16},
    {"movdqa load", {0x66, 0x0f, 0x6f, 0x03}, 16},
    {"movdqa store", {0x66, 0x0f, 0x7f, 0x03}, 16},
    {"movntps", {0x0f, 0x2b, 0x03}, 16},
    {"movntdq", {0x66, 0x0f, 0xe7, 0x03}, 16},
    {"addps", {0x0f, 0x58, 0x03}, 16},
    {"andpd", {0x66, 0x0f, 0x54, 0x03}, 16},
    {"cmpps", {0x0f, 0xc2, 0x03, 1}, 16},
    {"shufps", {0x0f, 0xc6, 0x03, 1}, 16},
    {"unpcklps", {0x0f, 0x14, 0x03}, 16},
    {"sqrtpd", {0x66, 0x0f, 0x51, 0x03}, 16},
    {"cvtdq2ps", {0x0f, 0x5b, 0x03}, 16},
    {"cvtpd2ps", {0x66, 0x0f, 0x5a, 0x03}, 16},
    {"cvtpd2pi", {0x66, 0x0f, 0x2d, 0x03}, 16},
    {"paddb", {0x66, 0x0f, 0xfc, 0x03}, 16},
    {"psllw by memory", {0x66, 0x0f, 0xf1, 0x03}, 16},
    {"pshufd", {0x66, 0x0f, 0x70, 0x03, 1}, 16},
    {"punpcklbw", {0x66, 0x0f, 0x60, 0x03}, 16},
    {"haddpd", {0x66, 0x0f, 0x7c, 0x03}, 16},
    {"movsldup", {0xf3, 0x0f, 0x12, 0x03}, 16},
};

/* 16 bytes anywhere, and operands of 8, 4 and 2 bytes. */
static const struct operand_form unaligned[] = {
    {"movups load", {0x0f, 0x10, 0x03}, 16},
    {"movups store", {0x0f, 0x11, 0x03}, 16},
    {"movupd load", {0x66, 0x0f, 0x10, 0x03}, 16},
    {"movdqu load", {0xf3, 0x0f, 0x6f, 0x03}, 16},
    {"movdqu store", {0xf3, 0x0f, 0x7f, 0x03}, 16},
    {"lddqu", {0xf2, 0x0f, 0xf0, 0x03}, 16},
    {"movsd load", {0xf2, 0x0f, 0x10, 0x03}, 8},
    {"movsd store", {0xf2, 0x0f, 0x11, 0x03}, 8},
    {"movss store", {0xf3, 0x0f, 0x11, 0x03}, 4},
    {"movlps load", {0x0f, 0x12, 0x03}, 8},
    {"movhpd store", {0x66, 0x0f, 0x17, 0x03}, 8},
    {"movddup", {0xf2, 0x0f, 0x12, 0x03}, 8},
    {"movq xmm load", {0xf3, 0x0f, 0x7e, 0x03}, 8},
    {"movd xmm load", {0x66, 0x0f, 0x6e, 0x03}, 4},
    {"addsd", {0xf2, 0x0f, 0x58, 0x03}, 8},
    {"ucomiss", {0x0f, 0x2e, 0x03}, 4},
    {"cvtps2pd", {0x0f, 0x5a, 0x03}, 8},
    {"cvtdq2pd", {0xf3, 0x0f, 0xe6, 0x03}, 8},
    {"cvtpi2ps", {0x0f, 0x2a, 0x03}, 8},
    {"cvtsi2sd", {0xf2, 0x0f, 0x2a, 0x03}, 4},
    {"pinsrw xmm", {0x66, 0x0f, 0xc4, 0x03, 1}, 2},
    {"paddb mm", {0x0f, 0xfc, 0x03}, 8},
    {"punpcklbw mm", {0x0f, 0x60, 0x03}, 4},
    {"punpckhbw mm", {0x0f, 0x68, 0x03}, 8},
    {"movq mm store", {0x0f, 0x7f, 0x03}, 8},
    {"movntq", {0x0f, 0xe7, 0x03}, 8},
    {"movnti", {0x0f, 0xc3, 0x03}, 4},
    {"stmxcsr", {0x0f, 0xae, 0x1b}, 4},
};

START_TEST(misaligned)
{
    for (unsigned i = 0; i < ARRAY_SIZE(aligned); i++) {
        R(EBX) = PAGE;
        EXPECT(aligned[i], -1, "aligned");
        for (uint32_t off = 1; off < 16; off++) {
            R(EBX) = PAGE + off;
            EXPECT(aligned[i], EXCP_GP, "misaligned");
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(unaligned); i++)
        for (uint32_t off = 0; off < 16; off++) {
            R(EBX) = PAGE + off;
            EXPECT(unaligned[i], -1, "may be misaligned");
        }
    /* The linear address counts, and #GP comes in the stack segment too, and before #PF. */
    PROGRAM(0x36, 0x0f, 0x28, 0x03); /* movaps xmm0,ss:[ebx] */
    R(EBX) = PAGE + 8;
    env->eip = CODE;
    INSN_FAULTS(EXCP_GP, 0);
    env->segs[R_SS].base = 8;
    cpu_update_hflags(env);
    RUNS(1);
    env->segs[R_SS].base = 0;
    cpu_update_hflags(env);
    paging_hole();
    PROGRAM(0x0f, 0x28, 0x03);
    env->eip = CODE;
    R(EBX) = PAGE + 0x1008;
    INSN_FAULTS(EXCP_GP, 0);
    R(EBX) = PAGE + 0x1010;
    INSN_FAULTS(EXCP_PF, 0);
    ck_assert_uint_eq(env->cr[2], PAGE + 0x1010);
}
END_TEST

START_TEST(alignment_check)
{
    sys_protected(3);
    cpu_write_cr(env, 0, env->cr[0] | CR0_AM | CR0_NE);
    env->eflags |= AC_MASK;
    cpu_update_hflags(env);
    for (unsigned i = 0; i < ARRAY_SIZE(unaligned); i++) {
        uint32_t size = unaligned[i].size;
        for (uint32_t off = 0; off < 32; off++) {
            R(EBX) = PAGE + off;
            EXPECT(unaligned[i], off & (size - 1) ? EXCP_AC : -1, "AC");
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(aligned); i++)
        for (uint32_t off = 0; off < 32; off++) {
            R(EBX) = PAGE + off;
            EXPECT(aligned[i], off & 15 ? EXCP_GP : -1, "AC with an operand that has to be aligned");
        }
    static const struct operand_form fxsave = {"fxsave", {0x0f, 0xae, 0x03}, 512};
    for (uint32_t off = 0; off < 32; off++) {
        R(EBX) = PAGE + off;
        EXPECT(fxsave, off & 3 ? EXCP_AC : off & 15 ? EXCP_GP : -1, "AC and FXSAVE");
    }
}
END_TEST

/* ---- page and segment faults ---- */

START_TEST(page_faults)
{
    paging_hole();
    for (unsigned i = 0; i < ARRAY_SIZE(unaligned); i++) {
        uint32_t size = unaligned[i].size;
        for (uint32_t inside = 0; inside < size; inside++) {
            R(EBX) = PAGE + 0x1000 - inside;
            for (uint32_t b = 1; b <= 16; b++)
                ram[PAGE + 0x1000 - b] = (uint8_t)(0x50 + b);
            put(CODE, unaligned[i].code, sizeof unaligned[i].code);
            env->eip = CODE;
            sys_snapshot();
            ck_assert_msg(run(1) == EXCP_PF, "%s, %u bytes inside", unaligned[i].name, inside);
            sys_check_unchanged(__FILE__, __LINE__);
            ck_assert_uint_eq(env->cr[2], PAGE + 0x1000);
            for (uint32_t b = 1; b <= 16; b++)
                ck_assert_msg(ram[PAGE + 0x1000 - b] == 0x50 + b, "%s wrote", unaligned[i].name);
        }
        map(PAGE + 0x1000, 7);
        R(EBX) = PAGE + 0x1000 - size / 2;
        EXPECT(unaligned[i], -1, "both pages there");
        map(PAGE + 0x1000, 6);
    }
}
END_TEST

START_TEST(segment_limit)
{
    env->segs[R_DS].limit = PAGE + 0x1f;
    cpu_update_hflags(env);
    for (unsigned i = 0; i < ARRAY_SIZE(unaligned); i++) {
        uint32_t size = unaligned[i].size;
        R(EBX) = PAGE + 0x20 - size;
        EXPECT(unaligned[i], -1, "ends at the limit");
        R(EBX)++;
        EXPECT(unaligned[i], EXCP_GP, "ends beyond the limit");
    }
    R(EBX) = PAGE + 0x10;
    EXPECT(aligned[0], -1, "ends at the limit");
    R(EBX) = PAGE + 0x20;
    EXPECT(aligned[0], EXCP_GP, "beyond the limit");
    env->segs[R_SS].limit = PAGE + 0x1f;
    cpu_update_hflags(env);
    PROGRAM(0x36, 0x0f, 0x10, 0x03); /* movups xmm0,ss:[ebx] */
    R(EBX) = PAGE + 0x11;
    env->eip = CODE;
    INSN_FAULTS(EXCP_SS, 0);
    PROGRAM(0x2e, 0x0f, 0x11, 0x03); /* movups cs:[ebx],xmm0: code cannot be written */
    R(EBX) = PAGE;
    env->eip = CODE;
    INSN_FAULTS(EXCP_GP, 0);
}
END_TEST

START_TEST(masked_stores)
{
    static const uint64_t mask[2] = {0x8000000000ff7f80u, 0x0080000000000000u};
    for (int wide = 0; wide < 2; wide++) {
        for (unsigned i = 0; i < 32; i++)
            ram[PAGE + i] = 0xee;
        env->xmm[1].q[0] = env->fpregs[1].mant = mask[0];
        env->xmm[1].q[1] = mask[1];
        env->fpregs[0].mant = env->xmm[0].q[0];
        if (wide)
            PROGRAM(0x66, 0x0f, 0xf7, 0xc1);
        else
            PROGRAM(0x0f, 0xf7, 0xc1);
        R(EDI) = PAGE + 3;
        env->eip = CODE;
        RUNS(1);
        for (unsigned i = 0; i < 32; i++) {
            unsigned n = i - 3;
            bool stored = n < (wide ? 16u : 8u) && (mask[n >> 3] >> (8 * (n & 7) + 7) & 1);
            ck_assert_uint_eq(ram[PAGE + i], stored ? env->xmm[0].b[n] : 0xee);
        }
    }
    /* All of the operand has to be there, whatever the mask. */
    paging_hole();
    R(EDI) = PAGE + 0x1000 - 15;
    env->xmm[1] = (union xmm_reg) { { 0, 0 } };
    env->eip = CODE;
    INSN_FAULTS(EXCP_PF, PF_W);
    map(PAGE, 5);
    R(EDI) = PAGE;
    INSN_FAULTS(EXCP_PF, PF_W | PF_P);
    map(PAGE, 7);
    /* Segment override and 16-bit address. */
    env->xmm[1].b[0] = 0x80;
    env->segs[R_ES].base = PAGE - 0x10;
    cpu_update_hflags(env);
    PROGRAM(0x26, 0x67, 0x66, 0x0f, 0xf7, 0xc1);
    R(EDI) = 0x12340050;
    env->eip = CODE;
    RUNS(1);
    ck_assert_uint_eq(ram[PAGE + 0x40], env->xmm[0].b[0]);
}
END_TEST

START_TEST(clflush_and_movnti)
{
    paging_hole();
    R(EBX) = PAGE + 0x1000;
    PROGRAM(0x0f, 0xae, 0x3b); /* clflush: as a load of one byte */
    INSN_FAULTS(EXCP_PF, 0);
    R(EBX) = PAGE + 0xfff;
    RUNS(1);
    PROGRAM(0x0f, 0xc3, 0x03); /* movnti */
    env->eip = CODE;
    INSN_FAULTS(EXCP_PF, PF_W);
    R(EBX) = PAGE + 1;
    R(EAX) = 0xdeadbeef;
    RUNS(1);
    ck_assert_uint_eq(rd32(PAGE + 1), 0xdeadbeef);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        misaligned, alignment_check, page_faults, segment_limit, masked_stores, clflush_and_movnti
    };
    return suite_run_tests("simd-faults", tests, ARRAY_SIZE(tests), simd_setup, sys_teardown);
}
