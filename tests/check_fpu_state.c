/* The x87's state: images in memory, tags, pointers, faults, pending exceptions. */
#include <check.h>
#include <string.h>

#include "exception.h"
#include "fpu-case.h"
#include "fpu-word.h"
#include "softfp.h"
#include "suite.h"

#define STEP(env, ...) \
    fpu_step((env), (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static uint16_t word_at(unsigned a)
{
    uint16_t w;
    memcpy(&w, fpu_memory() + a, 2);
    return w;
}

static uint32_t dword_at(unsigned a)
{
    uint32_t w;
    memcpy(&w, fpu_memory() + a, 4);
    return w;
}

static CPUX86State *filled_env(void)
{
    CPUX86State *env = fpu_env();
    env->segs[R_CS].selector = 0x1230;
    env->segs[R_DS].selector = 0x4560;
    env->eip = 0x89abcde0;
    env->regs[R_EDI] = 0x100;
    fpu_seed(9);
    for (int i = 0; i < 8; i++)
        env->fpregs[i] = fpu_random_value();
    fpu_set_top(env, 5);
    fpu_set_valid_mask(env, 0xf3);
    return env;
}

START_TEST(test_pointers)
{
    CPUX86State *env = filled_env();
    memset(fpu_memory() + 0x100, 0, 16);
    ck_assert_int_eq(STEP(env, 0xd8, 0x07), -1); /* fadd dword [edi] */
    ck_assert_uint_eq(env->eip, 0x89abcde2);
    ck_assert_uint_eq(env->fpip, 0x89abcde0);
    ck_assert_uint_eq(env->fpcs, 0x1230);
    ck_assert_uint_eq(env->fpdp, 0x100);
    ck_assert_uint_eq(env->fpds, 0x4560);
    ck_assert_int_eq(STEP(env, 0xde, 0xc1), -1); /* faddp: no data pointer */
    ck_assert_uint_eq(env->fpip, 0x89abcde2);
    ck_assert_uint_eq(env->fpdp, 0x100);
    ck_assert_uint_eq(env->fpop, 0); /* nothing was unmasked */
    ck_assert_int_eq(STEP(env, 0xd9, 0x3f), -1); /* fnstcw: control */
    ck_assert_int_eq(STEP(env, 0xdf, 0xe0), -1); /* fnstsw ax */
    ck_assert_uint_eq(env->fpip, 0x89abcde2);
}
END_TEST

START_TEST(test_env_formats)
{
    CPUX86State *env = filled_env();
    uint8_t *m = fpu_memory() + 0x100;
    env->fpcs = 0x1230;
    env->fpds = 0x4560;
    env->fpip = 0x89abcdef;
    env->fpdp = 0x13579bdf;
    env->fpop = 0x6c1;
    env->fpus = 0x4105;
    ck_assert_int_eq(STEP(env, 0xd9, 0x37), -1); /* fnstenv, 32-bit protected */
    ck_assert_uint_eq(dword_at(0x100), 0xffff037f);
    ck_assert_uint_eq(dword_at(0x104), 0xffff6905);
    ck_assert_uint_eq(dword_at(0x108) >> 16, 0xffff);
    ck_assert_uint_eq(word_at(0x108) >> 4 & 15, 15);
    ck_assert_uint_eq(dword_at(0x10c), 0x89abcdef);
    ck_assert_uint_eq(dword_at(0x110), 0x06c11230);
    ck_assert_uint_eq(dword_at(0x114), 0x13579bdf);
    ck_assert_uint_eq(dword_at(0x118), 0xffff4560);
    ck_assert_int_eq(STEP(env, 0x66, 0xd9, 0x37), -1); /* 16-bit protected */
    ck_assert_uint_eq(word_at(0x106), 0xcdef);
    ck_assert_uint_eq(word_at(0x108), 0x1230);
    ck_assert_uint_eq(word_at(0x10a), 0x9bdf);
    ck_assert_uint_eq(word_at(0x10c), 0x4560);

    env->hflags &= ~(uint32_t)HF_PE;
    env->fpip = 0x00cdef;
    env->fpdp = 0x009bdf; /* linear: 1f0ef, 4df..: selector * 16 + offset */
    m[14] = 0x77;
    ck_assert_int_eq(STEP(env, 0x66, 0xd9, 0x37), -1); /* 16-bit real */
    ck_assert_uint_eq(word_at(0x106), (0x12300 + 0xcdef) & 0xffff);
    ck_assert_uint_eq(word_at(0x108), ((0x12300 + 0xcdef) >> 16) << 12 | 0x6c1);
    ck_assert_uint_eq(word_at(0x10a), (0x45600 + 0x9bdf) & 0xffff);
    ck_assert_uint_eq(word_at(0x10c), ((0x45600 + 0x9bdf) >> 16) << 12);
    ck_assert_uint_eq(m[14], 0x77);
    ck_assert_int_eq(STEP(env, 0xd9, 0x37), -1); /* 32-bit real */
    ck_assert_uint_eq(dword_at(0x10c), 0xffff0000 | ((0x12300 + 0xcdef) & 0xffff));
    ck_assert_uint_eq(dword_at(0x110), ((0x12300 + 0xcdef) >> 16) << 12 | 0x6c1);
    ck_assert_int_eq(STEP(env, 0xd9, 0x27), -1); /* fldenv */
    ck_assert_uint_eq(env->fpip, 0x12300 + 0xcdef);
    ck_assert_uint_eq(env->fpdp, 0x45600 + 0x9bdf);
    ck_assert_uint_eq(env->fpop, 0x6c1);
    ck_assert_uint_eq(env->fpus, 0x4105);
}
END_TEST

START_TEST(test_save_restore)
{
    static const uint8_t forms[2][3] = { { 0x90, 0xdd, 0x37 }, { 0x66, 0xdd, 0x37 } };
    for (int k = 0; k < 2; k++) {
        CPUX86State *env = filled_env(), before;
        unsigned size = k ? 94 : 108;
        memset(fpu_memory(), 0xa5, 512 + 128);
        memcpy(&before, env, sizeof before);
        ck_assert_int_eq(fpu_step(env, forms[k] + !k, k ? 3 : 2), -1); /* fnsave */
        ck_assert_uint_eq(env->fpuc, 0x37f);
        ck_assert_uint_eq(env->fpus, 0);
        ck_assert_uint_eq(fpu_top(env), 0);
        ck_assert_uint_eq(fpu_valid_mask(env), 0);
        ck_assert_uint_eq(fpu_memory()[0x100 + size], 0xa5);
        ck_assert_uint_eq(fpu_memory()[0x0ff], 0xa5);
        uint8_t restore[3];
        memcpy(restore, forms[k], 3);
        restore[2] = 0x27;
        memset(env->fpregs, 0, sizeof env->fpregs);
        ck_assert_int_eq(fpu_step(env, restore + !k, k ? 3 : 2), -1); /* frstor */
        ck_assert_uint_eq(env->fptw, before.fptw);
        for (int i = 0; i < 8; i++) {
            ck_assert_uint_eq(env->fpregs[i].mant, before.fpregs[i].mant);
            ck_assert_uint_eq(env->fpregs[i].se, before.fpregs[i].se);
        }
    }
}
END_TEST

#ifdef __x86_64__
/* The tag word that FNSAVE derives from the registers, against the machine's. */
START_TEST(test_tags)
{
    fpu_seed(11);
    for (int n = 0; n < 20000; n++) {
        CPUX86State *env = filled_env();
        uint8_t image[108];
        for (int i = 0; i < 8; i++) {
            unsigned special = (unsigned)(n + i * 7) % fpu_special_count;
            env->fpregs[i] = n % 2 ? fpu_specials[special] : fpu_random_value();
        }
        fpu_set_valid_mask(env, (unsigned)(fpu_random() | fpu_random()));
        fpu_set_top(env, (unsigned)n);
        ck_assert_int_eq(STEP(env, 0xdd, 0x37), -1);
        memcpy(image, fpu_memory() + 0x100, sizeof image);
        uint16_t ours = word_at(0x108), real;
        /* The registers' contents decide the tags, whatever FRSTOR is given but empty. */
        for (int i = 0; i < 8; i++)
            if ((ours >> 2 * i & 3) != 3)
                image[8 + i / 4] &= (uint8_t)~(3 << i % 4 * 2);
        __asm__ volatile("frstor %0\n\tfnsave %0" : "+m"(image));
        memcpy(&real, image + 8, 2);
        ck_assert_uint_eq(ours, real);
    }
}
END_TEST
#endif

START_TEST(test_fxsave)
{
    CPUX86State *env = filled_env(), before;
    env->mxcsr = 0x1f80;
    for (int i = 0; i < 8; i++)
        env->xmm[i].q[0] = env->xmm[i].q[1] = fpu_random();
    memset(fpu_memory(), 0xa5, 1024);
    memcpy(&before, env, sizeof before);
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x07), -1);
    ck_assert_uint_eq(word_at(0x100), 0x37f);
    ck_assert_uint_eq(word_at(0x102), 5 << 11);
    ck_assert_uint_eq(fpu_memory()[0x104], 0xf3);
    ck_assert_uint_eq(dword_at(0x118), 0x1f80);
    ck_assert_uint_eq(dword_at(0x11c), 0xffff);
    ck_assert_int_eq(memcmp(fpu_memory() + 0x120, &before.fpregs[5], 10), 0);
    ck_assert_int_eq(memcmp(fpu_memory() + 0x1a0, before.xmm, 128), 0);
    ck_assert_int_eq(STEP(env, 0xdb, 0xe3), -1); /* fninit */
    memset(env->xmm, 0, sizeof env->xmm);
    memset(env->fpregs, 0, sizeof env->fpregs);
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x0f), -1);
    ck_assert_int_eq(memcmp(env->xmm, before.xmm, 128), 0);
    ck_assert_uint_eq(fpu_top(env), 5);
    ck_assert_uint_eq(fpu_valid_mask(env), 0xf3);
    for (int i = 0; i < 8; i++)
        ck_assert_uint_eq(env->fpregs[i].mant, before.fpregs[i].mant);

    fpu_memory()[0x11a] = 1; /* a reserved bit of MXCSR */
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x0f), EXCP_GP);
    env->cr[4] = 0; /* XMM stays out of it, but not MXCSR */
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x0f), EXCP_GP);
    fpu_memory()[0x11a] = 0;
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x0f), -1);
    env->regs[R_EDI] += 8;
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x07), EXCP_GP);
    ck_assert_int_eq(STEP(env, 0x0f, 0xae, 0x0f), EXCP_GP);
}
END_TEST

/* A fault in memory changes nothing at all. */
START_TEST(test_faults)
{
    static const uint8_t ops[][2] = {
        { 0xd9, 0x07 }, { 0xd9, 0x17 }, { 0xd9, 0x1f }, { 0xdd, 0x07 }, { 0xdd, 0x1f }, { 0xdb, 0x2f },
        { 0xdb, 0x3f }, { 0xdf, 0x27 }, { 0xdf, 0x37 }, { 0xdf, 0x3f }, { 0xdb, 0x1f }, { 0xdf, 0x1f },
        { 0xd8, 0x07 }, { 0xdc, 0x37 }, { 0xda, 0x1f }, { 0xde, 0x17 }, { 0xd9, 0x27 }, { 0xd9, 0x37 },
        { 0xd9, 0x2f }, { 0xd9, 0x3f }, { 0xdd, 0x27 }, { 0xdd, 0x37 }, { 0xdd, 0x3f }
    };
    for (unsigned k = 0; k < sizeof ops / sizeof ops[0]; k++) {
        for (int empty = 0; empty < 2; empty++) {
            CPUX86State *env = filled_env(), before;
            if (empty)
                fpu_set_valid_mask(env, 0);
            env->fpregs[5] = (struct floatx80){ 0xaaaaaaaaaaaaaaab, 0x3fff };
            fpu_fault_from = 0x101;
            memcpy(&before, env, sizeof before);
            ck_assert_int_eq(fpu_step(env, ops[k], 2), EXCP_PF);
            ck_assert_int_eq(memcmp(env, &before, sizeof before), 0);
        }
    }
}
END_TEST

START_TEST(test_pending)
{
    CPUX86State *env = filled_env();
    env->machine = (struct machine *)env; /* the test's own pins don't look */
    env->fpregs[5] = fx_zero(0);
    env->fpregs[6] = fx_zero(0);
    memcpy(fpu_memory() + 0x100, "\x7e\x03", 2);
    ck_assert_int_eq(STEP(env, 0xd9, 0x2f), -1); /* fldcw: invalid unmasked */
    ck_assert_int_eq(STEP(env, 0xd8, 0xf1), -1); /* fdiv: 0/0 */
    ck_assert_uint_eq(env->fpop, 0x0f1);
    ck_assert_uint_eq(env->fpus & 0x80ff, FPUS_B | FPUS_ES | FPUS_IE);
    ck_assert_uint_eq(env->fpregs[5].mant, 0);
    ck_assert_int_eq(STEP(env, 0xd8, 0xc1), EXCP_MF);
    ck_assert_int_eq(STEP(env, 0x9b), EXCP_MF);
    ck_assert_int_eq(STEP(env, 0xd9, 0x2f), EXCP_MF);
    ck_assert_int_eq(STEP(env, 0xd9, 0xd0), EXCP_MF); /* fnop waits */
    ck_assert_int_eq(STEP(env, 0xdf, 0xe0), -1);
    ck_assert_uint_eq(env->regs[R_EAX], 0x8000 | 5 << 11 | 0x81);
    /* Without CR0.NE: FERR#, and the interrupt comes before the instruction. */
    env->cr[0] &= ~CR0_NE;
    fpu_ferr = 0;
    ck_assert_int_eq(STEP(env, 0xd9, 0xd0), -1);
    ck_assert_int_eq(fpu_ferr, 1);
    env->eflags |= IF_MASK;
    ck_assert_int_eq(STEP(env, 0xd9, 0xd0), 255);
    ck_assert_int_eq(STEP(env, 0xdb, 0xe2), -1); /* fnclex */
    ck_assert_int_eq(fpu_ferr, 0);
    ck_assert_uint_eq(env->fpus & 0x80ff, 0);
    ck_assert_int_eq(STEP(env, 0xd9, 0xd0), -1);
    /* A masked exception becomes pending when FLDCW unmasks it. */
    env->cr[0] |= CR0_NE;
    env->fpuc = 0x37f;
    fpu_update_word(env);
    ck_assert_int_eq(STEP(env, 0xd8, 0xf1), -1);
    ck_assert_uint_eq(env->fpus & 0x80ff, FPUS_IE);
    ck_assert_int_eq(STEP(env, 0xd9, 0x2f), -1);
    ck_assert_uint_eq(env->fpus & 0x80ff, FPUS_B | FPUS_ES | FPUS_IE);
    ck_assert_int_eq(STEP(env, 0x9b), EXCP_MF);
    ck_assert_int_eq(STEP(env, 0xd9, 0x37), -1); /* fnstenv masks all */
    ck_assert_uint_eq(word_at(0x104), 0x8000 | 5 << 11 | 0x81);
    ck_assert_int_eq(STEP(env, 0x9b), -1);
    ck_assert_int_eq(STEP(env, 0xd9, 0x27), -1); /* fldenv brings it back */
    ck_assert_int_eq(STEP(env, 0x9b), EXCP_MF);
    ck_assert_int_eq(STEP(env, 0xdb, 0xe3), -1); /* fninit */
    ck_assert_int_eq(STEP(env, 0x9b), -1);
}
END_TEST

START_TEST(test_control_word)
{
    static const struct { uint16_t in, out; } words[] = {
        { 0, 0x0040 }, { 0xffff, 0x1f7f }, { 0x037f, 0x037f }, { 0x127f, 0x127f }, { 0xe080, 0x0040 }
    };
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        CPUX86State *env = filled_env();
        memcpy(fpu_memory() + 0x100, &words[i].in, 2);
        ck_assert_int_eq(STEP(env, 0xd9, 0x2f), -1);
        ck_assert_int_eq(STEP(env, 0xd9, 0x3f), -1);
        ck_assert_uint_eq(word_at(0x100), words[i].out);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_pointers, test_env_formats, test_save_restore,
#ifdef __x86_64__
        test_tags,
#endif
        test_fxsave, test_faults, test_pending, test_control_word
    };
    return suite_run_tests("fpu: state", tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
