/* Links between blocks on different pages, and what must end them: INVLPG, loads of CR3, full flushes, accessed bits that
 * were cleared, writes to the code; and returns that do not go to where the call was.
 *
 * A loop on page MAIN jumps to page FAR and back, and calls a function there, which adds FAR's constant to EAX.
 * What FAR is mapped to decides about the sum. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "exception.h"
#include "exec.h"
#include "interp.h"
#include "segment.h"
#include "simd.h"
#include "softmmu.h"
#include "suite.h"

#ifdef HAVE_TEMPLATES
#include "tb.h"

enum { PG_P = 1, PG_W = 2, PG_U = 4, PG_A = 0x20, PG_D = 0x40, PG_G = 0x100 };
enum { DIR_A = 0x1000, DIR_B = 0x2000, TABLE_A = 0x3000, TABLE_B = 0x4000, RAM = 0x80000 };
/* Linear, and physical for what stays there. */
enum { MAIN = 0x10000, FAR = 0x11000, PTES = 0x14000, STACK = 0x40000, STACK_END = 0x48000 };
enum { ONE = 0x20000, TEN = 0x21000, OTHER_MAIN = 0x22000 }; /* physical: FAR's pages */
enum { LOOPS = 40, END_SUM = LOOPS * 2 };
enum { FN = 0x100, HOP = 0x200, INSIDE = 0x300, DEEP = 0x400, FAR_DEEP = 0x500, ODD_RET = 0x600 }; /* offsets */

static CPUX86State *env;
static uint8_t *ram;
static struct config {
    bool user, global, icount;
    unsigned tb_max;
} now;

static void put32(uint32_t phys, uint32_t v)
{
    phys_mem_write(env->mem, phys, &v, 4);
}

static uint32_t get32(uint32_t phys)
{
    uint32_t v;
    phys_mem_read(env->mem, phys, &v, 4);
    return v;
}

static void map(uint32_t table, uint32_t lin, uint32_t phys)
{
    bool code = lin == MAIN || lin == FAR;
    put32(table + (lin >> 12) * 4, phys | PG_P | PG_W | PG_U | PG_A | PG_D | (code && now.global ? PG_G : 0));
}

struct code {
    uint32_t at;
};

static void bytes(struct code *c, const char *b, unsigned n)
{
    phys_mem_write(env->mem, c->at, b, n);
    c->at += n;
}
#define BYTES(c, s) bytes(c, s, sizeof(s) - 1)

static void dword(struct code *c, uint32_t v)
{
    put32(c->at, v);
    c->at += 4;
}

/* Opcode with a displacement to linear address `to`; the code will lie at linear `lin` + its offset in the page. */
static void rel(struct code *c, const char *op, unsigned n, uint32_t lin, uint32_t to)
{
    bytes(c, op, n);
    dword(c, to - (lin + (c->at & 0xfff) + 4));
}

static void main_page(uint32_t phys)
{
    struct code c = {phys};
    BYTES(&c, "\xb9"); /* mov ecx, LOOPS */
    dword(&c, LOOPS);
    uint32_t top = MAIN + (c.at & 0xfff);
    rel(&c, "\xe8", 1, MAIN, FAR + FN);  /* call */
    rel(&c, "\xe9", 1, MAIN, FAR + HOP); /* jmp, which comes back to the next instruction */
    ck_assert_uint_eq(c.at & 0xfff, 15);
    BYTES(&c, "\x49");                         /* dec ecx */
    rel(&c, "\x0f\x85", 2, MAIN, top);         /* jnz */
    BYTES(&c, "\xcc");                         /* int3 */

    /* With privilege: call, map FAR to edx, INVLPG if ebx says so, else load CR3, call again. */
    c.at = phys + INSIDE;
    rel(&c, "\xe8", 1, MAIN, FAR + FN);
    BYTES(&c, "\x89\x15"); /* mov [FAR's entry], edx */
    dword(&c, PTES + (FAR >> 12) * 4);
    BYTES(&c, "\x85\xdb\x74\x09\x0f\x01\x3d"); /* test ebx, ebx; jz +9; invlpg [FAR] */
    dword(&c, FAR);
    BYTES(&c, "\xeb\x06\x0f\x20\xd9\x0f\x22\xd9"); /* jmp +6; mov ecx, cr3; mov cr3, ecx */
    rel(&c, "\xe8", 1, MAIN, FAR + FN);
    BYTES(&c, "\xcc");

    /* f(n), n in ecx: two pages call each other; each level counts in eax */
    c.at = phys + DEEP;
    BYTES(&c, "\x40\x49\x74\x05"); /* inc eax; dec ecx; jz +5 */
    rel(&c, "\xe8", 1, MAIN, FAR + FAR_DEEP);
    BYTES(&c, "\x83\xc0\x02\xc3"); /* add eax, 2; ret */
    c.at = phys + DEEP + 0x80;
    rel(&c, "\xe8", 1, MAIN, MAIN + DEEP);
    BYTES(&c, "\xcc");

    /* 0x10 times: call a function that returns 5 bytes further on; then one that throws its frames away */
    c.at = phys + ODD_RET;
    BYTES(&c, "\xb9\x10\x00\x00\x00"); /* mov ecx, 16 */
    top = MAIN + (c.at & 0xfff);
    BYTES(&c, "\x89\xe3"); /* mov ebx, esp */
    rel(&c, "\xe8", 1, MAIN, FAR + ODD_RET);
    BYTES(&c, "\x05");     /* add eax, 1000000: passed over */
    dword(&c, 1000000);
    rel(&c, "\xe8", 1, MAIN, FAR + ODD_RET + 0x40);
    BYTES(&c, "\x05");     /* add eax, 1000000: never returned to */
    dword(&c, 1000000);
    uint32_t back = MAIN + (c.at & 0xfff);
    BYTES(&c, "\x40\x49"); /* inc eax; dec ecx */
    rel(&c, "\x0f\x85", 2, MAIN, top);
    BYTES(&c, "\xcc");
    c.at = phys + 0xf00;
    dword(&c, back);
}

static void far_page(uint32_t phys, uint32_t k)
{
    struct code c = {phys + FN};
    BYTES(&c, "\x05"); /* add eax, k; ret */
    dword(&c, k);
    BYTES(&c, "\xc3");
    c.at = phys + HOP;
    BYTES(&c, "\x05");
    dword(&c, k);
    rel(&c, "\xe9", 1, FAR, MAIN + 15);

    c.at = phys + FAR_DEEP;
    BYTES(&c, "\x40\x49\x74\x05");
    rel(&c, "\xe8", 1, FAR, MAIN + DEEP);
    BYTES(&c, "\x83\xc0\x03\xc3"); /* add eax, 3; ret */

    c.at = phys + ODD_RET;
    BYTES(&c, "\x83\x04\x24\x05\xc3"); /* add dword [esp], 5; ret */
    c.at = phys + ODD_RET + 0x40;
    rel(&c, "\xe8", 1, FAR, FAR + ODD_RET + 0x60);
    BYTES(&c, "\xcc");
    c.at = phys + ODD_RET + 0x60;
    BYTES(&c, "\x89\xdc\xff\x25"); /* mov esp, ebx; jmp [MAIN + 0xf00] */
    dword(&c, MAIN + 0xf00);
}

static struct segment flat(bool code)
{
    uint32_t dpl = now.user ? 3 : 0;
    return (struct segment){
        .selector = (code ? 8u : 16u) | dpl, .limit = UINT32_MAX,
        .flags = DESC_P_MASK | DESC_S_MASK | DESC_A_MASK | DESC_R_MASK | DESC_G_MASK | DESC_B_MASK | 0xf0000
            | (code ? DESC_CS_MASK : 0) | dpl << DESC_DPL_SHIFT};
}

static void set_mode(bool user)
{
    now.user = user;
    for (int s = 0; s < SEG_COUNT; s++)
        env->segs[s] = flat(s == R_CS);
    env->hflags = (env->hflags & ~(uint32_t)HF_CPL_MASK) | (user ? 3 : 0);
    cpu_update_hflags(env);
}

/* Exceptions are the test's: not back to translated code, which would deliver them. */
static void to_test(CPUX86State *e)
{
    e->unwind_sp = 0;
    siglongjmp(*e->jmp_env, 1);
}

static void world_new(const struct config *c)
{
    now = *c;
    env = calloc(1, sizeof *env);
    env->model = cpu_model_find("max");
    env->mem = phys_mem_new();
    env->exception_index = env->old_exception = -1;
    ram = phys_mem_add_ram(env->mem, 0, RAM, "ram");
    env->icount_enabled = now.icount;
    softmmu_new(env);
    interp_attach(env);
    tb_context_new(env, now.tb_max);
    exception_unwind = to_test;
    cpu_reset(env);

    put32(DIR_A, TABLE_A | PG_P | PG_W | PG_U | PG_A);
    put32(DIR_B, TABLE_B | PG_P | PG_W | PG_U | PG_A);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t table = i ? TABLE_B : TABLE_A;
        map(table, MAIN, OTHER_MAIN);
        map(table, FAR, i ? TEN : ONE);
        map(table, PTES, TABLE_A);
        for (uint32_t a = STACK; a < STACK_END; a += 0x1000)
            map(table, a, a);
    }
    main_page(OTHER_MAIN);
    far_page(ONE, 1);
    far_page(TEN, 10);
    env->cr[0] = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_MP | CR0_WP;
    env->cr[3] = DIR_A;
    env->cr[4] = CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    env->eflags = 2;
    set_mode(now.user);
    tlb_flush(env);
}

static void world_free(void)
{
    tb_context_free(env);
    interp_cache_free(env->icache);
    softmmu_free(env);
    phys_mem_free(env->mem);
    free(env);
}

/* From eip to an exception: its vector.  eax starts as 0. */
static int run(uint32_t eip)
{
    sigjmp_buf jmp;
    env->regs[R_EAX] = 0;
    env->regs[R_ESP] = STACK_END;
    env->eip = eip;
    env->icount_left = now.icount ? 1000000 : 0;
    env->exception_index = -1;
    atomic_store(&env->exit_request, 0);
    env->jmp_env = &jmp;
    if (sigsetjmp(jmp, 0) == 0 || env->exception_index < 0)
        while (!now.icount || env->icount_left > 0) {
            atomic_store(&env->exit_request, 0);
            tb_run(env);
        }
    int vector = env->exception_index;
    env->exception_index = env->old_exception = -1;
    return vector;
}

static void sums(uint32_t k)
{
    /* More than once: links and guards are made on the way. */
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(run(MAIN), EXCP_BP);
        ck_assert_uint_eq(env->regs[R_EAX], END_SUM * k);
        ck_assert_uint_eq(env->regs[R_ESP], STACK_END);
    }
}

static const struct config configs[] = {
    {false, false, false, 64}, {false, true, false, 64}, {true, false, false, 64}, {true, true, false, 64},
    {false, false, true, 64}, {false, true, true, 64}, {true, false, true, 64}, {true, true, true, 64},
    {false, true, false, 1}, {true, false, true, 1},
};
#define CONFIGS (sizeof configs / sizeof configs[0])

START_TEST(invlpg)
{
    world_new(&configs[_i]);
    for (unsigned i = 0; i < 3; i++) {
        sums(1);
        map(TABLE_A, FAR, TEN);
        tlb_flush_page(env, FAR + 0x123);
        sums(10);
        map(TABLE_A, FAR, ONE);
        tlb_flush_page(env, FAR);
    }
    /* A flush of another page, or one that finds everything as it was, changes nothing. */
    sums(1);
    tlb_flush_page(env, MAIN);
    tlb_flush_page(env, FAR);
    tlb_flush_page(env, STACK);
    sums(1);
    world_free();
}
END_TEST

START_TEST(not_present)
{
    world_new(&configs[_i]);
    for (unsigned i = 0; i < 2; i++) {
        sums(1);
        uint32_t entry = get32(TABLE_A + (FAR >> 12) * 4);
        put32(TABLE_A + (FAR >> 12) * 4, 0);
        tlb_flush_page(env, FAR);
        ck_assert_int_eq(run(MAIN), EXCP_PF);
        ck_assert_uint_eq(env->eip, FAR + FN);
        ck_assert_uint_eq(env->cr[2], FAR + FN);
        ck_assert_uint_eq(env->regs[R_EAX], 0);
        ck_assert_uint_eq(env->regs[R_ECX], LOOPS);
        ck_assert_uint_eq(env->regs[R_ESP], STACK_END - 4);
        if (now.icount)
            ck_assert_int_eq(env->icount_left, 1000000 - 2);
        /* For CPL 3 a page of the supervisor's is no better. */
        put32(TABLE_A + (FAR >> 12) * 4, entry & ~(uint32_t)PG_U);
        tlb_flush_page(env, FAR);
        if (now.user)
            ck_assert_int_eq(run(MAIN), EXCP_PF);
        else
            sums(1);
        put32(TABLE_A + (FAR >> 12) * 4, entry);
        tlb_flush_page(env, FAR);
    }
    world_free();
}
END_TEST

/* What the supervisor may run is no business of CPL 3. */
START_TEST(privilege)
{
    world_new(&configs[_i]);
    set_mode(true);
    sums(1);
    put32(TABLE_A + (FAR >> 12) * 4, get32(TABLE_A + (FAR >> 12) * 4) & ~(uint32_t)PG_U);
    tlb_flush_page(env, FAR);
    set_mode(false);
    sums(1);
    set_mode(true);
    ck_assert_int_eq(run(MAIN), EXCP_PF);
    ck_assert_uint_eq(env->eip, FAR + FN);
    world_free();
}
END_TEST

/* A change of address space, and back to one where nothing has changed, or something has. */
START_TEST(cr3)
{
    world_new(&configs[_i]);
    for (unsigned i = 0; i < 3; i++) {
        env->cr[3] = DIR_A;
        tlb_flush_non_global(env);
        sums(1);
        env->cr[3] = DIR_B;
        tlb_flush_non_global(env);
        sums(now.global ? 1 : 10);
    }
    env->cr[3] = DIR_A;
    map(TABLE_A, FAR, TEN);
    tlb_flush_non_global(env);
    sums(now.global ? 1 : 10);
    world_free();
}
END_TEST

START_TEST(full_flush)
{
    world_new(&configs[_i]);
    for (unsigned i = 0; i < 3; i++) {
        sums(1);
        map(TABLE_A, FAR, TEN);
        cpu_write_cr(env, 4, env->cr[4] & ~CR4_PGE);
        sums(10);
        map(TABLE_A, FAR, ONE);
        cpu_write_cr(env, 4, env->cr[4] | CR4_PGE);
    }
    world_free();
}
END_TEST

START_TEST(accessed)
{
    world_new(&configs[_i]);
    uint32_t at = TABLE_A + (FAR >> 12) * 4;
    for (unsigned i = 0; i < 3; i++) {
        sums(1);
        put32(at, get32(at) & ~(uint32_t)PG_A);
        if (i == 1)
            tlb_flush(env);
        else
            tlb_flush_page(env, FAR);
        ck_assert_uint_eq(get32(at) & PG_A, 0);
        sums(1);
        ck_assert_uint_eq(get32(at) & PG_A, PG_A);
    }
    world_free();
}
END_TEST

START_TEST(code_written)
{
    world_new(&configs[_i]);
    for (uint32_t k = 1; k < 30; k++) {
        put32(ONE + FN + 1, k);
        put32(ONE + HOP + 1, k);
        sums(k);
    }
    /* What was an addition becomes something else: sub eax, k. */
    uint8_t sub = 0x2d;
    phys_mem_write(env->mem, ONE + HOP, &sub, 1);
    sums(0);
    world_free();
}
END_TEST

/* The mapping changes in the middle of a block's life, by the guest's own INVLPG or load of CR3. */
START_TEST(guest_flushes)
{
    world_new(&configs[_i]);
    if (!now.user) {
        for (unsigned i = 0; i < 4; i++) {
            bool invlpg = i & 1;
            map(TABLE_A, FAR, ONE);
            tlb_flush(env);
            env->regs[R_EBX] = invlpg;
            env->regs[R_EDX] = TEN | (get32(TABLE_A + (FAR >> 12) * 4) & 0xfff);
            ck_assert_int_eq(run(MAIN + INSIDE), EXCP_BP);
            ck_assert_uint_eq(env->regs[R_EAX], invlpg || !now.global ? 11 : 2);
        }
    }
    world_free();
}
END_TEST

START_TEST(deep)
{
    world_new(&configs[_i]);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t n = 4000 + i;
        env->regs[R_ECX] = n;
        ck_assert_int_eq(run(MAIN + DEEP + 0x80), EXCP_BP);
        /* One for each level, and on the way back 2 and 3 by turns; the first level is MAIN's. */
        ck_assert_uint_eq(env->regs[R_EAX], n + (n + 1) / 2 * 2 + n / 2 * 3);
    }
    world_free();
}
END_TEST

START_TEST(odd_returns)
{
    world_new(&configs[_i]);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(run(MAIN + ODD_RET), EXCP_BP);
        ck_assert_uint_eq(env->regs[R_EAX], 16);
        ck_assert_uint_eq(env->regs[R_ESP], STACK_END);
    }
    world_free();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("links");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    const TTest *const tests[] = {invlpg, not_present, privilege, cr3, full_flush, accessed, code_written, guest_flushes, deep,
                                  odd_returns};
    for (unsigned i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_loop_test(t, tests[i], 0, CONFIGS);
    suite_add_tcase(s, t);
    return suite_run(s);
}
#else
int main(void)
{
    return 77; /* no templates on this host */
}
#endif
