/* Blocks with x87, MMX and SSE code as wholes: their variants, and the state that faults and exits leave.
 *
 * Variants of a block differ in the x87 state that they are for (translator/gen-fpu.c).  Entered again
 * and again with changing states, through a direct and an indirect jump, a loop goes on as in the interpreter, and once
 * all variants are there it is not left to look for them. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#ifdef HAVE_TEMPLATES
#include "exec.h"
#include "flags.h"
#include "interp.h"
#include "optimise.h"
#include "tb.h"
#include "vec-machine.h"

enum { CODE = 0x40000, BLOCK = CODE + 0x40, DATA = 0x50000, ENV_SIZE = 28, STATES = 12, ROUNDS = 300 };

static unsigned long long seed;

static unsigned below(unsigned n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % n;
}

/* What FLDENV takes: TOP and tags differ. */
static void put_state(uint8_t *at, unsigned k)
{
    uint32_t image[7] = {0x37f, (k % 8) << 11, k < 8 ? 0xffff : 0xffffu & ~(0xfu << 2 * (k - 8)), 0, 0, 0, 0};
    memcpy(at, image, ENV_SIZE);
}

/* FLDENV; a jump to the block; there FINCSTP, and back. */
static void put_code(CPUX86State *env, bool indirect)
{
    static const uint8_t start[] = {0xd9, 0x26, 0x83, 0xc6, ENV_SIZE}, jmp_ebx[] = {0xff, 0xe3},
                         block[] = {0xd9, 0xf7, 0x49, 0x0f, 0x85};
    uint8_t jmp[5] = {0xe9}, back[4];
    int32_t rel = BLOCK - (CODE + (int)sizeof start + 5);
    memcpy(jmp + 1, &rel, 4);
    vec_machine_code(env, CODE, start, sizeof start);
    if (indirect)
        vec_machine_code(env, CODE + sizeof start, jmp_ebx, sizeof jmp_ebx);
    else
        vec_machine_code(env, CODE + sizeof start, jmp, sizeof jmp);
    rel = CODE - (BLOCK + (int)sizeof block + 4);
    memcpy(back, &rel, 4);
    vec_machine_code(env, BLOCK, block, sizeof block);
    vec_machine_code(env, BLOCK + sizeof block, back, 4);
    vec_machine_code(env, BLOCK + sizeof block + 4, "\xcc", 1);
}

static void run(CPUX86State *env, const uint8_t *states, unsigned n)
{
    static struct vec_state s;
    memset(&s, 0, sizeof s);
    for (int i = 0; i < SEG_COUNT; i++)
        s.segs[i] = WORLD_DS;
    s.segs[R_CS] = WORLD_CS32;
    s.eflags = 2;
    s.mxcsr = 0x1f80;
    s.fpu.cw = 0x37f;
    s.fpu.tw = 0xffff;
    s.regs[R_ESP] = VEC_STACK;
    s.regs[R_ESI] = DATA;
    s.regs[R_EBX] = BLOCK;
    s.regs[R_ECX] = n;
    for (unsigned i = 0; i < n; i++)
        put_state(vec_machine_ram(env) + DATA + i * ENV_SIZE, states[i]);
    vec_machine_set(env, &s, CODE);
    accel_run = env->tbs ? tb_run : interp_run_accel;
    ck_assert_msg(vec_machine_run(env, 100000), "the loop does not end");
}

static void compare(CPUX86State *env, CPUX86State *reference, const uint8_t *states, unsigned n)
{
    run(env, states, n);
    run(reference, states, n);
    ck_assert_int_eq(env->exception_index, EXCP_BP);
    ck_assert_int_eq(reference->exception_index, EXCP_BP);
    ck_assert_uint_eq(env->eip, reference->eip);
    ck_assert_uint_eq(env->fptw, reference->fptw);
    ck_assert_uint_eq(env->fpip, reference->fpip);
    ck_assert_mem_eq(env->regs, reference->regs, sizeof env->regs);
    ck_assert_uint_eq(cpu_eflags(env), cpu_eflags(reference));
    ck_assert_uint_eq(env->icount, reference->icount);
}

START_TEST(changing_states)
{
    bool indirect = _i & 1, anew = _i & 2;
    CPUX86State *env = vec_machine_new(_i & 4 ? 1 : 64), *reference = vec_machine_new(0);
    put_code(env, indirect);
    put_code(reference, indirect);
    /* With three states, the order in which links of guards would close a ring. */
    static const uint8_t ring[] = {0, 1, 0, 2, 1, 0, 2};
    compare(env, reference, ring, sizeof ring);
    uint8_t states[ROUNDS];
    seed = (unsigned)_i;
    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < ROUNDS; i++)
            states[i] = (uint8_t)below(round < 2 ? 4 : STATES);
        uint64_t before = tb_get_stats(env)->lookups;
        compare(env, reference, states, ROUNDS);
        /* FLDENV leaves to the main loop by itself. */
        if (round == 5 && !anew && optimise_set == OPTIMISE_ALL)
            ck_assert_uint_lt(tb_get_stats(env)->lookups - before, ROUNDS + 10);
        if (anew) /* all variants go, those that lead to them stay */
            put_code(env, indirect);
    }
    vec_machine_free(env);
    vec_machine_free(reference);
}
END_TEST

/* ---- faults and exits ---- */

/* Flags that are dead but for a fault; blocks that end by another DF. */
static const struct {
    const char *what;
    uint32_t cr0, cr4_off, mxcsr;
    uint16_t sw, cw;
    int vector;
    uint8_t code[16];
} cases[] = {
    {"fincstp, TS", CR0_TS, 0, 0x1f80, 0, 0x37f, EXCP_NM,
     {0x01, 0xd8, 0xd9, 0xf7, 0x01, 0xd8, 0xcc}},
    {"fincstp, EM", CR0_EM, 0, 0x1f80, 0, 0x37f, EXCP_NM,
     {0x01, 0xd8, 0xd9, 0xf7, 0x01, 0xd8, 0xcc}},
    {"fincstp, #MF", 0, 0, 0x1f80, 0x81, 0x37e, EXCP_MF,
     {0x01, 0xd8, 0xd9, 0xf7, 0x01, 0xd8, 0xcc}},
    {"fwait, #MF", 0, 0, 0x1f80, 0x81, 0x37e, EXCP_MF,
     {0x01, 0xd8, 0x9b, 0x01, 0xd8, 0xcc}},
    {"fnop behind fld1, #MF", 0, 0, 0x1f80, 0, 0x37e, EXCP_MF,
     {0xd9, 0xe8, 0x01, 0xd8, 0xd9, 0xd0, 0x01, 0xd8, 0xcc}},
    {"paddd, #MF", 0, 0, 0x1f80, 0x81, 0x37e, EXCP_MF,
     {0x01, 0xd8, 0x0f, 0xfe, 0xc1, 0x01, 0xd8, 0xcc}},
    {"paddd, EM", CR0_EM, 0, 0x1f80, 0, 0x37f, EXCP_UD,
     {0x01, 0xd8, 0x0f, 0xfe, 0xc1, 0x01, 0xd8, 0xcc}},
    {"addps, no OSFXSR", 0, CR4_OSFXSR, 0x1f80, 0, 0x37f, EXCP_UD,
     {0x01, 0xd8, 0x0f, 0x58, 0xc1, 0x01, 0xd8, 0xcc}},
    {"divps, #XM", 0, 0, 0x1d80, 0, 0x37f, EXCP_XM,
     {0x01, 0xd8, 0x0f, 0x5e, 0xc1, 0x01, 0xd8, 0xcc}},
    {"divps, #XM without OSXMMEXCPT", 0, CR4_OSXMMEXCPT, 0x1d80, 0, 0x37f, EXCP_UD,
     {0x01, 0xd8, 0x0f, 0x5e, 0xc1, 0x01, 0xd8, 0xcc}},
    {"fld1, std", 0, 0, 0x1f80, 0, 0x37f, EXCP_BP,
     {0x01, 0xd8, 0xd9, 0xf7, 0xd9, 0xe8, 0xfd, 0xd9, 0xe8, 0xcc}},
    {"paddd, std", 0, 0, 0x1f80, 0x1800, 0x37f, EXCP_BP,
     {0x01, 0xd8, 0x0f, 0xfe, 0xc1, 0xfd, 0x90, 0xcc}},
    {"fchs, std", 0, 0, 0x1f80, 0x0200, 0x37f, EXCP_BP,
     {0xd9, 0xe8, 0xd9, 0xe0, 0xfd, 0xcc}},
};

static void run_case(CPUX86State *env, unsigned i)
{
    static struct vec_state s;
    memset(&s, 0, sizeof s);
    for (int seg = 0; seg < SEG_COUNT; seg++)
        s.segs[seg] = WORLD_DS;
    s.segs[R_CS] = WORLD_CS32;
    s.eflags = 2 | CC_Z;
    s.mxcsr = cases[i].mxcsr;
    memset(&s.xmm[0], 0x3f, sizeof s.xmm[0]); /* by the zeros of XMM1 */
    s.fpu.cw = cases[i].cw;
    s.fpu.sw = cases[i].sw;
    s.fpu.tw = cases[i].vector == EXCP_MF && !cases[i].sw ? 0 : 0xffff; /* FLD1: a stack overflow */
    s.regs[R_EAX] = 0x80000000;
    s.regs[R_EBX] = 0x80000001;
    s.regs[R_ESP] = VEC_STACK;
    vec_machine_code(env, CODE, cases[i].code, sizeof cases[i].code);
    env->cr[0] = (env->cr[0] & ~(CR0_TS | CR0_EM)) | cases[i].cr0;
    env->cr[4] = (env->cr[4] | CR4_OSFXSR | CR4_OSXMMEXCPT) & ~cases[i].cr4_off;
    vec_machine_set(env, &s, CODE);
    accel_run = env->tbs ? tb_run : interp_run_accel;
    ck_assert(vec_machine_run(env, 1000));
    ck_assert_msg(env->exception_index == cases[i].vector, "%s: exception %d", cases[i].what,
                  env->exception_index);
}

START_TEST(state)
{
    CPUX86State *env = vec_machine_new(64), *reference = vec_machine_new(0);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_case(env, i);
        run_case(reference, i);
#define SAME(x) ck_assert_msg(env->x == reference->x, "%s: " #x " %llx, the interpreter's %llx", \
                              cases[i].what, (unsigned long long)env->x, \
                              (unsigned long long)reference->x)
        SAME(eip);
        SAME(regs[R_EAX]);
        SAME(fptw);
        SAME(fpus);
        SAME(fpip);
        SAME(fpcs);
        SAME(mxcsr);
        SAME(eflags);
        ck_assert_msg(cpu_eflags(env) == cpu_eflags(reference), "%s: eflags %x, the interpreter's %x",
                      cases[i].what, cpu_eflags(env), cpu_eflags(reference));
    }
    vec_machine_free(env);
    vec_machine_free(reference);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *s = suite_create("fpu blocks");
    TCase *t = tcase_create("blocks");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, changing_states, 0, 8);
    tcase_add_test(t, state);
    suite_add_tcase(s, t);
    return s;
}
#endif

int main(void)
{
#ifdef HAVE_TEMPLATES
    return suite_run(make_suite());
#else
    return 77; /* no templates on this host */
#endif
}
