#include "simd-env.h"

struct cpu_model model;

void simd_setup(void)
{
    sys_setup();
    model = *cpu_model_find("max");
    env->model = &model;
    cpu_write_cr(env, 0, env->cr[0] | CR0_NE);
    cpu_write_cr(env, 4, CR4_OSFXSR | CR4_OSXMMEXCPT);
    env->fpuc = 0x37f;
    for (unsigned i = 0; i < 8; i++) {
        env->xmm[i] = (union xmm_reg) { { 0x0101010101010101u * (i + 1), 0x1010101010101010u * (i + 1) } };
        env->fpregs[i] = (struct floatx80) { 0x8000000000000000u + i, (uint16_t)(0x4000 + i) };
    }
    fpu_set_top(env, 5);
    fpu_set_valid_mask(env, 0xe0);
    fpu_update_word(env);
    R(EBX) = PAGE;
    R(EDI) = PAGE + 0x100;
}

void paging_hole(void)
{
    paging();
    map(PAGE + 0x1000, 6);
}

void pend_x87(void)
{
    env->fpuc &= (uint16_t)~1;
    env->fpus |= 0x8081;
    fpu_update_word(env);
}

void unpend_x87(void)
{
    env->fpuc |= 1;
    env->fpus = 0;
    fpu_update_word(env);
}

void set_cr0(uint32_t bits)
{
    cpu_write_cr(env, 0, (env->cr[0] & ~(CR0_EM | CR0_TS | CR0_MP)) | bits);
}

void expect(const char *name, const uint8_t code[8], int vector, const char *why)
{
    put(CODE, code, 8);
    wr32(PAGE, MXCSR_INIT);
    env->eip = CODE;
    sys_snapshot();
    int got = run(1);
    ck_assert_msg(got == vector, "%s: vector %d instead of %d (%s)", name, got, vector, why);
    if (vector >= 0) {
        ck_assert_uint_eq(env->error_code, 0);
        sys_check_unchanged(__FILE__, __LINE__);
    } else {
        ck_assert_uint_gt(env->eip, CODE);
    }
}
