/* MMX and SSE: which control bits and features they need, and the state that they share with the x87.
 * Results are the business of the recorded vectors. */
#include "simd-env.h"
#include "suite.h"

struct sample {
    const char *name;
    uint8_t code[8];
    enum isa_feature feature;
    bool sse, mmx; /* which checks it makes */
};

static const struct sample samples[] = {
    {"addps xmm0,xmm1", {0x0f, 0x58, 0xc1}, ISA_F_SSE, true, false},
    {"movaps xmm0,[ebx]", {0x0f, 0x28, 0x03}, ISA_F_SSE, true, false},
    {"movups [ebx],xmm0", {0x0f, 0x11, 0x03}, ISA_F_SSE, true, false},
    {"movss xmm0,xmm1", {0xf3, 0x0f, 0x10, 0xc1}, ISA_F_SSE, true, false},
    {"movmskps eax,xmm1", {0x0f, 0x50, 0xc1}, ISA_F_SSE, true, false},
    {"ldmxcsr [ebx]", {0x0f, 0xae, 0x13}, ISA_F_SSE, true, false},
    {"stmxcsr [ebx]", {0x0f, 0xae, 0x1b}, ISA_F_SSE, true, false},
    {"cvtsi2ss xmm0,eax", {0xf3, 0x0f, 0x2a, 0xc0}, ISA_F_SSE, true, false},
    {"paddd xmm0,xmm1", {0x66, 0x0f, 0xfe, 0xc1}, ISA_F_SSE2, true, false},
    {"movdqu xmm0,[ebx]", {0xf3, 0x0f, 0x6f, 0x03}, ISA_F_SSE2, true, false},
    {"psllw xmm1,3", {0x66, 0x0f, 0x71, 0xf1, 3}, ISA_F_SSE2, true, false},
    {"pslldq xmm1,3", {0x66, 0x0f, 0x73, 0xf9, 3}, ISA_F_SSE2, true, false},
    {"movd xmm0,eax", {0x66, 0x0f, 0x6e, 0xc0}, ISA_F_SSE2, true, false},
    {"addsd xmm0,xmm1", {0xf2, 0x0f, 0x58, 0xc1}, ISA_F_SSE2, true, false},
    {"maskmovdqu xmm0,xmm1", {0x66, 0x0f, 0xf7, 0xc1}, ISA_F_SSE2, true, false},
    {"movddup xmm0,xmm1", {0xf2, 0x0f, 0x12, 0xc1}, ISA_F_SSE3, true, false},
    {"lddqu xmm0,[ebx]", {0xf2, 0x0f, 0xf0, 0x03}, ISA_F_SSE3, true, false},
    {"haddps xmm0,xmm1", {0xf2, 0x0f, 0x7c, 0xc1}, ISA_F_SSE3, true, false},
    {"paddb mm0,mm1", {0x0f, 0xfc, 0xc1}, ISA_F_MMX, false, true},
    {"movd mm0,eax", {0x0f, 0x6e, 0xc0}, ISA_F_MMX, false, true},
    {"movq [ebx],mm0", {0x0f, 0x7f, 0x03}, ISA_F_MMX, false, true},
    {"psrlq mm0,5", {0x0f, 0x73, 0xd0, 5}, ISA_F_MMX, false, true},
    {"emms", {0x0f, 0x77}, ISA_F_MMX, false, true},
    /* SSE and SSE2 gave MMX registers more instructions: these need no OSFXSR. */
    {"pshufw mm0,mm1,3", {0x0f, 0x70, 0xc1, 3}, ISA_F_SSE, false, true},
    {"pminub mm0,mm1", {0x0f, 0xda, 0xc1}, ISA_F_SSE, false, true},
    {"pinsrw mm0,eax,1", {0x0f, 0xc4, 0xc0, 1}, ISA_F_SSE, false, true},
    {"pextrw eax,mm1,1", {0x0f, 0xc5, 0xc1, 1}, ISA_F_SSE, false, true},
    {"pmovmskb eax,mm1", {0x0f, 0xd7, 0xc1}, ISA_F_SSE, false, true},
    {"movntq [ebx],mm0", {0x0f, 0xe7, 0x03}, ISA_F_SSE, false, true},
    {"maskmovq mm0,mm1", {0x0f, 0xf7, 0xc1}, ISA_F_SSE, false, true},
    {"paddq mm0,mm1", {0x0f, 0xd4, 0xc1}, ISA_F_SSE2, false, true},
    {"movq2dq xmm0,mm1", {0xf3, 0x0f, 0xd6, 0xc1}, ISA_F_SSE2, true, true},
    {"movdq2q mm0,xmm1", {0xf2, 0x0f, 0xd6, 0xc1}, ISA_F_SSE2, true, true},
    {"cvtps2pi mm0,xmm1", {0x0f, 0x2d, 0xc1}, ISA_F_SSE, true, true},
    {"cvtpi2ps xmm0,mm1", {0x0f, 0x2a, 0xc1}, ISA_F_SSE, true, true},
    {"movnti [ebx],eax", {0x0f, 0xc3, 0x03}, ISA_F_SSE2, false, false},
    {"sfence", {0x0f, 0xae, 0xf8}, ISA_F_SSE, false, false},
    {"lfence", {0x0f, 0xae, 0xe8}, ISA_F_SSE2, false, false},
    {"mfence", {0x0f, 0xae, 0xf0}, ISA_F_SSE2, false, false},
    {"clflush [ebx]", {0x0f, 0xae, 0x3b}, ISA_F_CLFSH, false, false},
};

START_TEST(control_bits)
{
    for (unsigned i = 0; i < ARRAY_SIZE(samples); i++) {
        const struct sample *s = &samples[i];
        bool any = s->sse || s->mmx;
        EXPECT(*s, -1, "everything on");
        set_cr0(CR0_EM);
        EXPECT(*s, any ? EXCP_UD : -1, "EM");
        set_cr0(CR0_TS);
        EXPECT(*s, any ? EXCP_NM : -1, "TS");
        set_cr0(CR0_EM | CR0_TS);
        EXPECT(*s, any ? EXCP_UD : -1, "EM and TS");
        set_cr0(CR0_MP);
        EXPECT(*s, -1, "MP");
        pend_x87();
        EXPECT(*s, s->mmx ? EXCP_MF : -1, "x87 exception pending");
        set_cr0(CR0_TS);
        EXPECT(*s, any ? EXCP_NM : -1, "x87 exception pending, TS");
        unpend_x87();
        cpu_write_cr(env, 4, 0);
        EXPECT(*s, s->sse ? EXCP_UD : s->mmx ? EXCP_NM : -1, "TS, no OSFXSR");
        set_cr0(0);
        EXPECT(*s, s->sse ? EXCP_UD : -1, "no OSFXSR");
        cpu_write_cr(env, 4, CR4_OSFXSR | CR4_OSXMMEXCPT);
    }
}
END_TEST

START_TEST(features_off)
{
    static const struct {
        enum isa_feature feature;
        uint32_t *word, bit;
    } features[] = {
        {ISA_F_MMX, &model.features, CPUID_MMX}, {ISA_F_SSE, &model.features, CPUID_SSE},
        {ISA_F_SSE2, &model.features, CPUID_SSE2}, {ISA_F_CLFSH, &model.features, CPUID_CLFSH},
        {ISA_F_SSE3, &model.features_ecx, CPUID_ECX_SSE3}
    };
    for (unsigned i = 0; i < ARRAY_SIZE(samples); i++) {
        unsigned f = 0;
        while (features[f].feature != samples[i].feature)
            f++;
        *features[f].word &= ~features[f].bit;
        EXPECT(samples[i], EXCP_UD, "feature off");
        set_cr0(CR0_TS);
        EXPECT(samples[i], EXCP_UD, "feature off and TS");
        set_cr0(0);
        *features[f].word |= features[f].bit;
        EXPECT(samples[i], -1, "feature on");
    }
}
END_TEST

START_TEST(fisttp_and_pentium3)
{
    static const struct sample fisttp = {"fisttp [ebx]", {0xdb, 0x0b}, ISA_F_SSE3, false, false};
    EXPECT(fisttp, -1, "on");
    set_cr0(CR0_EM);
    EXPECT(fisttp, EXCP_NM, "an x87 instruction");
    set_cr0(0);
    env->model = cpu_model_find("pentium3");
    for (unsigned i = 0; i < ARRAY_SIZE(samples); i++) {
        bool has = samples[i].feature == ISA_F_MMX || samples[i].feature == ISA_F_SSE;
        EXPECT(samples[i], has ? -1 : EXCP_UD, "Pentium III");
    }
    EXPECT(fisttp, EXCP_UD, "Pentium III");
    CODE_AT(CODE, 0x0f, 0x01, 0xc8); /* monitor */
    env->eip = CODE;
    INSN_FAULTS(EXCP_UD, 0);
}
END_TEST

/* ---- MMX and the x87 ---- */

static void scramble_x87(void)
{
    fpu_set_top(env, 3);
    fpu_set_valid_mask(env, 0x18);
    for (unsigned i = 0; i < 8; i++)
        env->fpregs[i] = (struct floatx80) { 0xaabbccdd00112230u + i, (uint16_t)(0x3ff0 + i) };
}

START_TEST(mmx_state)
{
    scramble_x87();
    PROGRAM(0x0f, 0x6e, 0xe8); /* movd mm5,eax */
    R(EAX) = 0x89abcdef;
    RUNS(1);
    ck_assert_uint_eq(env->fpregs[5].mant, 0x89abcdef); /* the physical register, whatever TOP was */
    ck_assert_uint_eq(env->fpregs[5].se, 0xffff);
    ck_assert_uint_eq(fpu_top(env), 0);
    ck_assert_uint_eq(fpu_valid_mask(env), 0xff);
    ck_assert_uint_eq(env->fpregs[4].se, 0x3ff4);
    scramble_x87();
    PROGRAM(0x0f, 0x7e, 0xd0); /* movd eax,mm2: reading enters MMX as well, but changes no register */
    env->eip = CODE;
    RUNS(1);
    ck_assert_uint_eq(R(EAX), 0x00112232);
    ck_assert_uint_eq(env->fpregs[2].se, 0x3ff2);
    ck_assert_uint_eq(fpu_top(env), 0);
    ck_assert_uint_eq(fpu_valid_mask(env), 0xff);
    scramble_x87();
    PROGRAM(0x0f, 0x77); /* emms */
    env->eip = CODE;
    RUNS(1);
    ck_assert_uint_eq(fpu_top(env), 0);
    ck_assert_uint_eq(fpu_valid_mask(env), 0);
    ck_assert_uint_eq(env->fpregs[2].se, 0x3ff2);
    ck_assert_uint_eq(env->fpregs[2].mant, 0xaabbccdd00112232u);
    /* What touches no MMX register leaves the x87 alone. */
    scramble_x87();
    PROGRAM(0x66, 0x0f, 0xfc, 0xc1, 0x0f, 0x2a, 0x03); /* paddb xmm0,xmm1 */
    env->eip = CODE;
    RUNS(1);
    ck_assert_uint_eq(fpu_top(env), 3);
    ck_assert_uint_eq(fpu_valid_mask(env), 0x18);
}
END_TEST

START_TEST(mmx_faults_leave_x87)
{
    static const uint8_t codes[][4] = {
        {0x0f, 0x6f, 0x03}, {0x0f, 0x7f, 0x03}, {0x0f, 0x6e, 0x03}, {0x0f, 0x7e, 0x03}, {0x0f, 0xfc, 0x03},
        {0x0f, 0xe7, 0x03}, {0x0f, 0xc4, 0x03, 0}, {0x0f, 0x2d, 0x03}
    };
    paging_hole();
    R(EBX) = PAGE + 0x1000;
    for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
        put(CODE, codes[i], 4);
        scramble_x87();
        sys_snapshot();
        ck_assert_int_eq(run(1), EXCP_PF);
        sys_check_unchanged(__FILE__, __LINE__);
        ck_assert_uint_eq(fpu_top(env), 3);
        ck_assert_uint_eq(fpu_valid_mask(env), 0x18);
        ck_assert_uint_eq(env->fpregs[0].se, 0x3ff0);
        pend_x87(); /* comes before the fault */
        INSN_FAULTS(EXCP_MF, 0);
        unpend_x87();
    }
}
END_TEST

/* ---- MXCSR, #XM ---- */

static int load_mxcsr(uint32_t v)
{
    PROGRAM(0x0f, 0xae, 0x13);
    wr32(PAGE, v);
    R(EBX) = PAGE;
    env->eip = CODE;
    return run(1);
}

START_TEST(mxcsr)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t v = MXCSR_INIT ^ 1u << bit, old = env->mxcsr;
        ck_assert_int_eq(load_mxcsr(v), bit < 16 ? -1 : EXCP_GP);
        ck_assert_uint_eq(env->mxcsr, bit < 16 ? v : old);
        bool standard = bit < 6 || bit >= 16; /* with only flags changed; after #GP as before */
        if (bit < 16)
            ck_assert_int_eq(!!(env->hflags & HF_MXCSR_STD), standard);
    }
    ck_assert_int_eq(load_mxcsr(MXCSR_INIT), -1);
    ck_assert(env->hflags & HF_MXCSR_STD);
    uint32_t hflags = env->hflags;
    cpu_update_hflags(env);
    ck_assert_uint_eq(env->hflags, hflags);
    model.features &= ~(uint32_t)CPUID_SSE2; /* denormals-are-zero came with SSE2 */
    ck_assert_int_eq(load_mxcsr(MXCSR_INIT | MXCSR_DAZ), EXCP_GP);
    ck_assert_int_eq(load_mxcsr(0xffff & ~MXCSR_DAZ), -1);
    PROGRAM(0x0f, 0xae, 0x1b); /* stmxcsr */
    env->eip = CODE;
    RUNS(1);
    ck_assert_uint_eq(rd32(PAGE), 0xffff & ~MXCSR_DAZ);
    cpu_reset(env);
    ck_assert_uint_eq(env->mxcsr, MXCSR_INIT);
    ck_assert(env->hflags & HF_MXCSR_STD);
    ck_assert(!(env->hflags & HF_OSFXSR));
}
END_TEST

START_TEST(simd_exception)
{
    ck_assert_int_eq(load_mxcsr(MXCSR_INIT & ~(MXCSR_ZE << MXCSR_MASK_SHIFT)), -1);
    env->xmm[0] = (union xmm_reg) { .l = { 0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000 } };
    env->xmm[1] = (union xmm_reg) { .l = { 0x3f800000, 0x3f800000, 0, 0x40400000 } };
    union xmm_reg before = env->xmm[0];
    PROGRAM(0x0f, 0x5e, 0xc1); /* divps */
    env->eip = CODE;
    ck_assert_int_eq(run(1), EXCP_XM);
    ck_assert_uint_eq(env->error_code, 0);
    ck_assert_uint_eq(env->eip, CODE);
    ck_assert_mem_eq(&env->xmm[0], &before, 16);
    ck_assert_uint_eq(env->mxcsr & MXCSR_FLAGS, MXCSR_ZE);
    deliver_exception(env);
    CHECK_CSIP(CODE0, HANDLER + 16 * EXCP_XM);
    sys_protected(0);
    cpu_write_cr(env, 4, CR4_OSFXSR);
    ck_assert_int_eq(load_mxcsr(MXCSR_INIT & ~(MXCSR_ZE << MXCSR_MASK_SHIFT)), -1);
    PROGRAM(0x0f, 0x5e, 0xc1);
    env->eip = CODE;
    ck_assert_int_eq(run(1), EXCP_UD);
    ck_assert_mem_eq(&env->xmm[0], &before, 16);
    ck_assert_uint_eq(env->mxcsr & MXCSR_FLAGS, MXCSR_ZE);
}
END_TEST

START_TEST(control_register)
{
    cpu_write_cr(env, 4, 0);
    ck_assert(!(env->hflags & HF_OSFXSR));
    cpu_write_cr(env, 4, CR4_OSFXSR);
    ck_assert(env->hflags & HF_OSFXSR);
    cpu_write_cr(env, 4, CR4_OSFXSR | CR4_OSXMMEXCPT);
    model.features &= ~(uint32_t)(CPUID_SSE | CPUID_SSE2);
    FAULTS(EXCP_GP, 0, cpu_write_cr(env, 4, CR4_OSFXSR | CR4_OSXMMEXCPT));
    WORKS(cpu_write_cr(env, 4, CR4_OSFXSR));
    model.features &= ~(uint32_t)CPUID_FXSR;
    FAULTS(EXCP_GP, 0, cpu_write_cr(env, 4, CR4_OSFXSR));
}
END_TEST

/* ---- FXSAVE, FXRSTOR ---- */

static void fxsave(void)
{
    PROGRAM(0x0f, 0xae, 0x03);
    memset(ram + PAGE, 0xee, 512);
    env->eip = CODE;
    RUNS(1);
}

static int fxrstor(void)
{
    PROGRAM(0x0f, 0xae, 0x0b);
    env->eip = CODE;
    return run(1);
}

static void check_bytes(unsigned from, unsigned to, uint8_t value)
{
    for (unsigned i = from; i < to; i++)
        ck_assert_msg(ram[PAGE + i] == value, "byte %u is %02x", i, ram[PAGE + i]);
}

START_TEST(fxsave_image)
{
    union xmm_reg saved[8];
    memcpy(saved, env->xmm, sizeof saved);
    sse_set_mxcsr(env, 0xffa5);
    fxsave();
    ck_assert_uint_eq(rd32(PAGE + 24), 0xffa5);
    ck_assert_uint_eq(rd32(PAGE + 28), 0xffff);
    ck_assert_mem_eq(ram + PAGE + 160, saved, sizeof saved);
    check_bytes(288, 512, 0xee);
    memset(env->xmm, 0, sizeof env->xmm);
    sse_set_mxcsr(env, MXCSR_INIT);
    ck_assert_int_eq(fxrstor(), -1);
    ck_assert_mem_eq(env->xmm, saved, sizeof saved);
    ck_assert_uint_eq(env->mxcsr, 0xffa5);
    ck_assert(!(env->hflags & HF_MXCSR_STD));
    wr32(PAGE + 24, 0x10000 | MXCSR_INIT); /* a reserved bit */
    env->eip = CODE;
    INSN_FAULTS(EXCP_GP, 0);
    ck_assert_uint_eq(env->mxcsr, 0xffa5);
    wr32(PAGE + 24, MXCSR_INIT | MXCSR_PE);
    ck_assert_int_eq(fxrstor(), -1);
    ck_assert_uint_eq(env->mxcsr, MXCSR_INIT | MXCSR_PE);
    ck_assert(env->hflags & HF_MXCSR_STD);
}
END_TEST

START_TEST(fxsave_without_osfxsr)
{
    sse_set_mxcsr(env, 0x1fa0);
    cpu_write_cr(env, 4, 0);
    fxsave();
    ck_assert_uint_eq(rd32(PAGE + 24), 0x1fa0);
    check_bytes(160, 512, 0xee);
    union xmm_reg kept = env->xmm[3];
    wr32(PAGE + 24, MXCSR_INIT);
    ck_assert_int_eq(fxrstor(), -1);
    ck_assert_uint_eq(env->mxcsr, MXCSR_INIT);
    ck_assert_mem_eq(&env->xmm[3], &kept, 16);
    env->model = cpu_model_find("pentium2"); /* no SSE, no MXCSR */
    fxsave();
    ck_assert_uint_eq(rd32(PAGE + 24), 0);
    ck_assert_uint_eq(rd32(PAGE + 28), 0);
    wr32(PAGE + 24, ~0u);
    ck_assert_int_eq(fxrstor(), -1);
    ck_assert_uint_eq(env->mxcsr, MXCSR_INIT);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        control_bits, features_off, fisttp_and_pentium3, mmx_state, mmx_faults_leave_x87, mxcsr,
        simd_exception, control_register, fxsave_image, fxsave_without_osfxsr
    };
    return suite_run_tests("simd", tests, ARRAY_SIZE(tests), simd_setup, sys_teardown);
}
