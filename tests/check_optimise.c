/* Each optimisation's switch does something: what the translator makes of one guest program, and how it gets from
 * block to block, differs from what it does with all of them on; and what the program computes does not.
 *
 * A few switches change nothing that can be seen from here but time; they are named below. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optimise.h"
#include "suite.h"

#ifdef HAVE_TEMPLATES
#include "exception.h"
#include "exec.h"
#include "flags.h"
#include "softmmu.h"
#include "tb-context.h"
#include "vec-machine.h"

enum { DIRECTORY = 0x90000, MAIN = 0x10000, FAR = 0x11000, STACK_END = 0x48000, NUMBER = 0x30010 };
enum { PG_P = 1, PG_W = 2, PG_A = 0x20, PG_D = 0x40, PG_LARGE = 0x80, PG_G = 0x100 };

/* Seen in time alone, or (user-window) by processes that have run for a while: check_window. */
static const enum optimisation unseen[] = {
    OPTIMISE_USER_WINDOW, OPTIMISE_FAST_TRANSCEND, OPTIMISE_SAME_SEGMENT, OPTIMISE_QUICK_EVENTS,
    OPTIMISE_INTERP_CACHE,
};

static const uint8_t main_code[] = {
    0xdb, 0xe3,                      /*      fninit */
    0xb9, 40, 0, 0, 0,               /*      mov ecx, 40 */
    0x51,                            /* top: push ecx */
    0xe8, 0xf3, 0x0f, 0, 0,          /*      call FAR */
    0x0f, 0xa2,                      /*      cpuid */
    0x31, 0xc9,                      /*      xor ecx, ecx */
    0x0f, 0x20, 0xd8,                /*      mov eax, cr3 */
    0x0f, 0x22, 0xd8,                /*      mov cr3, eax */
    0x9c, 0x9d,                      /*      pushf; popf */
    0x8c, 0xd8,                      /*      mov eax, ds */
    0x8e, 0xc0,                      /*      mov es, eax */
    0xbe, 0, 0, 3, 0,                /*      mov esi, 0x30000 */
    0xbf, 0, 0x10, 3, 0,             /*      mov edi, 0x31000 */
    0xa5,                            /*      movsd */
    0x89, 0x3d, 0, 0x12, 1, 0,       /*      mov [FAR + 0x200], edi: beside code */
    0x39, 0xf3,                      /*      cmp ebx, esi */
    0x72, 3,                         /*      jb 1f */
    0x83, 0xc3, 3,                   /*      add ebx, 3 */
    0xeb, 1, 0xcc,                   /* 1:   jmp 2f; int3 */
    0x01, 0xd3,                      /* 2:   add ebx, edx */
    0xba, 5, 0, 0, 0,                /*      mov edx, 5 */
    0x29, 0xf3,                      /*      sub ebx, esi */
    0x4a,                            /* 3:   dec edx */
    0x75, 0xfd,                      /*      jnz 3b */
    0xd9, 0xe8, 0xdd, 0xd8,          /*      fld1; fstp st(0) */
    0xf2, 0x0f, 0x10, 5, 0x10, 0, 3, 0,    /* movsd xmm0, [NUMBER] */
    0xf2, 0x0f, 0x58, 0xc0,                /* addsd xmm0, xmm0 */
    0xf2, 0x0f, 0x59, 0xc0,                /* mulsd xmm0, xmm0 */
    0xf3, 0x0f, 0x58, 0xca,                /* addss xmm1, xmm2 */
    0xf3, 0x0f, 0x58, 0xca,                /* addss xmm1, xmm2 */
    0xf2, 0x0f, 0x11, 5, 0x10, 0x10, 3, 0, /* movsd [0x31010], xmm0 */
    0x59,                            /*      pop ecx */
    0x49, 0x75, 0x9b,                /*      dec ecx; jnz top */
    0xcc,                            /*      int3 */
};
static const uint8_t far_code[] = {0x43, 0xc3}; /* inc ebx; ret */

/* What there is to be seen of a run. */
struct seen {
    uint64_t frame, words, interpreted, translated, lookups, links, crossing, unguarded, filled;
    uint64_t bitmap, unwinder;
};

struct result {
    uint32_t regs[8], eflags;
    union xmm_reg xmm[2];
};

static struct segment flat(bool code)
{
    return (struct segment){
        .selector = code ? 8 : 0x18, .limit = UINT32_MAX,
        .flags = DESC_P_MASK | DESC_S_MASK | DESC_A_MASK | DESC_R_MASK | DESC_G_MASK | DESC_B_MASK | 0xf0000
            | (code ? DESC_CS_MASK : 0)};
}

static void to_test(CPUX86State *env)
{
    env->unwind_sp = 0;
    siglongjmp(*env->jmp_env, 1);
}

/* Memory is mapped global, by one large page. */
static void put_guest(CPUX86State *env)
{
    static const double number = 1.5;
    uint32_t entry = PG_P | PG_W | PG_A | PG_D | PG_LARGE | PG_G;
    vec_machine_code(env, MAIN, main_code, sizeof main_code);
    vec_machine_code(env, FAR, far_code, sizeof far_code);
    vec_machine_code(env, DIRECTORY, &entry, sizeof entry);
    vec_machine_code(env, NUMBER, &number, sizeof number);
    for (int s = 0; s < SEG_COUNT; s++)
        env->segs[s] = flat(s == R_CS);
    env->cr[0] = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_MP | CR0_WP;
    env->cr[3] = DIRECTORY;
    env->cr[4] = CR4_PSE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    env->eflags = 2;
    env->regs[R_ESP] = STACK_END;
    env->eip = MAIN;
    cpu_update_hflags(env);
    tlb_flush(env);
}

static struct seen look(const struct tb_context *ctx, void (*unwinder)(CPUX86State *))
{
    const struct page_desc *pages = ctx->l1_map[0];
    struct seen s = {
        .frame = (uint64_t)(ctx->code_first - ctx->code), .translated = ctx->stats.translated,
        .lookups = ctx->stats.lookups, .links = ctx->stats.links, .unwinder = (uintptr_t)unwinder,
        .bitmap = pages && pages[FAR >> TARGET_PAGE_BITS].bitmap};
    for (uint32_t i = 0; i < ctx->ntbs; i++) {
        const TranslationBlock *tb = &ctx->tbs[i];
        s.words += tb->host_words;
        for (unsigned k = 0; k < tb->icount; k++)
            s.interpreted += tb->map[k].interp;
        for (unsigned n = 0; n < tb->nexits; n++) {
            s.crossing += tb->exit[n].cross != TB_CROSS_NONE;
            s.unguarded += tb->exit[n].cross == TB_CROSS_GLOBAL;
            s.filled += tb->exit[n].filled;
        }
    }
    return s;
}

static struct result run(uint64_t set, struct seen *seen)
{
    optimise_set = set;
    CPUX86State *env = vec_machine_new(0);
    tb_context_new(env, TB_MAX_INSNS);
    void (*const unwinder)(CPUX86State *) = exception_unwind;
    exception_unwind = to_test;
    tb_use_windows(env);
    accel_run = tb_run;
    put_guest(env);
    ck_assert(vec_machine_run(env, 100000));
    ck_assert_int_eq(env->exception_index, EXCP_BP);
    ck_assert_uint_eq(env->regs[R_ECX], 0);
    struct result r = {.eflags = cpu_eflags(env)};
    memcpy(r.regs, env->regs, sizeof r.regs);
    memcpy(r.xmm, env->xmm, sizeof r.xmm);
    *seen = look(env->tbs, unwinder);
    vec_machine_free(env);
    return r;
}

static bool is_unseen(unsigned o)
{
    for (unsigned i = 0; i < sizeof unseen / sizeof *unseen; i++)
        if (unseen[i] == o)
            return true;
    return false;
}

/* The first run is not like others: the process remembers which instructions a window does not suit. */
START_TEST(each_switch)
{
    struct seen with, without, again;
    run(OPTIMISE_ALL, &with);
    struct result a = run(OPTIMISE_ALL & ~((uint64_t)1 << _i), &without), b = run(OPTIMISE_ALL, &with);
    run(OPTIMISE_ALL, &again);
    ck_assert_mem_eq(&with, &again, sizeof with);
    ck_assert_mem_eq(&a, &b, sizeof a);
    bool same = memcmp(&with, &without, sizeof with) == 0;
    ck_assert_msg(same == is_unseen((unsigned)_i), "optimisation %d: %s", _i,
                  same ? "the switch does nothing" : "the switch is seen after all");
}
END_TEST

START_TEST(none)
{
    struct seen with, without;
    struct result a = run(0, &without), b = run(OPTIMISE_ALL, &with);
    ck_assert_mem_eq(&a, &b, sizeof a);
}
END_TEST
#endif

/* Names are what -O takes: each switches its own bit. */
START_TEST(names)
{
    static const char *const name[] = {
#define OPTIMISATION(id, name, help) name,
#include "optimise.def"
#undef OPTIMISATION
    };
    for (unsigned i = 0; i < OPTIMISE_COUNT; i++) {
        char list[64];
        uint64_t set = OPTIMISE_ALL;
        snprintf(list, sizeof list, "no-%s", name[i]);
        ck_assert_ptr_null(optimise_parse(list, &set));
        ck_assert_uint_eq(~set, (uint64_t)1 << i);
        snprintf(list, sizeof list, "none,%s", name[i]);
        ck_assert_ptr_null(optimise_parse(list, &set));
        ck_assert_uint_eq(set, (uint64_t)1 << i);
        snprintf(list, sizeof list, "%sx", name[i]);
        char *unknown = optimise_parse(list, &set);
        ck_assert_str_eq(unknown, list);
        free(unknown);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("optimise");
    TCase *t = tcase_create("all");
    tcase_add_test(t, names);
#ifdef HAVE_TEMPLATES
    tcase_add_loop_test(t, each_switch, 0, OPTIMISE_COUNT);
    tcase_add_test(t, none);
#endif
    suite_add_tcase(s, t);
    return suite_run(s);
}
