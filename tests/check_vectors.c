/* Every recorded instruction case on the interpreter and, where they run, on templates with
 * 1, 4 and many instructions a block: alone, and in chains of cases. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "flags.h"
#include "insn.h"
#include "suite.h"
#include "vec-chain.h"
#include "vec-machine.h"
#ifdef HAVE_TEMPLATES
#include "tb.h"
#endif

enum { LEAST_CASES = 20 };

static struct vec_case *cases;
static size_t n_cases;
static unsigned failures;
static unsigned max_reported = 40; /* environment: VECTOR_REPORT */

/* 0: interpreter; otherwise tb_max. */
static const unsigned ways[] = {
    0,
#ifdef HAVE_TEMPLATES
    1, 4, TB_MAX_INSNS,
#endif
};
enum { WAYS = sizeof ways / sizeof *ways };

static void failed(const struct vec_case *c, const char *what, uint32_t got, uint32_t want)
{
    struct insn insn;
    char text[80] = "(undecodable)";
    if (failures++ >= max_reported)
        return;
    if (decode_insn(c->bytes, c->len, c->in.segs[R_CS] == WORLD_CS16 ? DECODE_16 : DECODE_32, &insn) == DECODE_OK)
        insn_format(&insn, WORLD_START, text, sizeof text);
    fprintf(stderr, "%s:%u: %s: %s: %s is %x, not %x\n", c->file, c->line, c->form, text, what, got, want);
}

static uint16_t fpu_tags(const CPUX86State *env, uint16_t recorded)
{
    /* Only empty or not is state; what FSAVE makes of it depends on the registers. */
    uint16_t tw = 0;
    for (int i = 0; i < 8; i++)
        tw |= (uint16_t)((env->fpempty[i] ? 3u : (recorded >> 2 * i & 3) == 3 ? 0 : recorded >> 2 * i & 3) << 2 * i);
    return tw;
}

/* Two units in the last place at most: transcendental results differ between processors. */
static bool near_enough(uint64_t mant_a, uint16_t se_a, uint64_t mant_b, uint16_t se_b)
{
    if ((se_a ^ se_b) & 0x8000)
        return !mant_a && !mant_b;
    __int128 a = ((__int128)(se_a & 0x7fff) << 63) + (int64_t)(mant_a & INT64_MAX);
    __int128 b = ((__int128)(se_b & 0x7fff) << 63) + (int64_t)(mant_b & INT64_MAX);
    return a - b <= 2 && b - a <= 2;
}

static bool is_one_of(const char *form, const char *const *list)
{
    while (*list && strcmp(form, *list) != 0)
        list++;
    return *list != NULL;
}

static void compare_fpu(const struct vec_case *c, const CPUX86State *env)
{
    static const char *const transcendental[] = {"F2XM1", "FYL2X", "FYL2XP1", "FPTAN", "FPATAN", "FSIN", "FCOS",
                                                 "FSINCOS", NULL};
    const struct vec_fpu *f = &c->out.fpu;
    uint16_t sw = (uint16_t)(env->fpus | env->fpstt << 11), care = 0xffff;
    bool loose = is_one_of(c->form, transcendental);
    /* C1: rounded up; and FCOMI clears it, but leaves it on AMD's. */
    if (loose || strstr(c->form, "COMI"))
        care &= (uint16_t)~0x200;
    if (env->fpuc != f->cw)
        failed(c, "control word", env->fpuc, f->cw);
    if ((sw ^ f->sw) & care)
        failed(c, "status word", sw, f->sw);
    if (fpu_tags(env, f->tw) != f->tw)
        failed(c, "tag word", fpu_tags(env, f->tw), f->tw);
    for (unsigned i = 0; i < 8; i++) {
        const struct floatx80 *r = &env->fpregs[(env->fpstt + i) & 7];
        uint16_t se;
        uint64_t mant;
        memcpy(&mant, f->st[i], 8);
        memcpy(&se, f->st[i] + 8, 2);
        if (loose && near_enough(r->mant, r->se, mant, se))
            continue;
        if (r->se != se)
            failed(c, "exponent of ST", r->se, se);
        if (r->mant >> 32 != mant >> 32)
            failed(c, "upper half of ST", (uint32_t)(r->mant >> 32), (uint32_t)(mant >> 32));
        if ((uint32_t)r->mant != (uint32_t)mant)
            failed(c, "lower half of ST", (uint32_t)r->mant, (uint32_t)mant);
    }
}

static void compare(const struct vec_case *c, CPUX86State *env)
{
    static const char *const regs[8] = {"EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"};
    static const char *const segs[SEG_COUNT] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    static uint8_t want[WORLD_DATA_END - WORLD_DATA];
    int vector = env->exception_index;
    bool trap = vector == EXCP_BP || vector == EXCP_OF;
    uint32_t eip = trap ? env->exception_next_eip : env->eip;
    if (vector == EXCP_BP && eip - 1 - WORLD_START >= c->len) {
        vector = -1; /* the INT3 behind it */
        eip--;
    }
    if (vector != c->vector)
        failed(c, "exception", (uint32_t)vector, (uint32_t)c->vector);
    else if (vector >= 0 && env->error_code != c->error_code && ((vector >= 10 && vector <= 14) || vector == 17))
        failed(c, "error code", env->error_code, c->error_code);
    if (eip != c->eip)
        failed(c, "EIP", eip, c->eip);
    uint32_t flags = cpu_eflags(env), care = ~(c->undefined | TF_MASK | RF_MASK);
    if ((flags ^ c->out.eflags) & care)
        failed(c, "EFLAGS", flags & care, c->out.eflags & care);
    for (int i = 0; i < 8; i++)
        if (env->regs[i] != c->out.regs[i])
            failed(c, regs[i], env->regs[i], c->out.regs[i]);
    for (int i = 0; i < SEG_COUNT; i++)
        if (env->segs[i].selector != c->out.segs[i])
            failed(c, segs[i], env->segs[i].selector, c->out.segs[i]);
    if (c->fpu)
        compare_fpu(c, env);

    for (unsigned i = 0; i < sizeof want; i++)
        want[i] = world_byte(WORLD_DATA + i);
    for (unsigned i = 0; i < c->n_in; i++)
        memcpy(want + c->mem_in[i].addr - WORLD_DATA, c->mem_in[i].bytes, c->mem_in[i].len);
    for (unsigned i = 0; i < c->n_out; i++)
        memcpy(want + c->mem_out[i].addr - WORLD_DATA, c->mem_out[i].bytes, c->mem_out[i].len);
    const uint8_t *got = vec_machine_ram(env) + WORLD_DATA;
    for (unsigned i = 0; i < sizeof want; i++)
        if (got[i] != want[i]) {
            char what[32];
            snprintf(what, sizeof what, "byte at %x", WORLD_DATA + i);
            failed(c, what, got[i], want[i]);
            break;
        }
}

static void run_alone(CPUX86State *env, const struct vec_case *c)
{
    uint8_t code[32], *ram = vec_machine_ram(env);
    memset(code, 0xcc, sizeof code);
    memcpy(code, c->bytes, c->len);
    vec_machine_code(env, WORLD_START, code, sizeof code);
    for (unsigned a = WORLD_DATA; a < WORLD_DATA_END; a++)
        ram[a] = world_byte(a);
    for (unsigned i = 0; i < c->n_in; i++)
        memcpy(ram + c->mem_in[i].addr, c->mem_in[i].bytes, c->mem_in[i].len);
    vec_machine_set(env, &c->in, WORLD_START);
    if (!vec_machine_run(env, 200)) {
        failed(c, "hang at EIP", env->eip, c->eip);
        return;
    }
    compare(c, env);
}

START_TEST(alone)
{
    CPUX86State *env = vec_machine_new(ways[_i]);
    failures = 0;
    for (size_t i = 0; i < n_cases; i++)
        run_alone(env, &cases[i]);
    vec_machine_free(env);
    ck_assert_msg(failures == 0, "%u differences with tb_max %u (0: interpreter)", failures, ways[_i]);
}
END_TEST

START_TEST(chained)
{
    /* Coprime to the number of cases or nearly so: neighbours in a chain are of different forms. */
    enum { STRIDE = 7919 };
    CPUX86State *env = vec_machine_new(ways[_i]);
    const struct vec_case *chain[VEC_CHAIN_MAX];
    unsigned n = 0, round = 0;
    failures = 0;
    for (size_t i = 0, k = 0; i < n_cases; i++, k = (k + STRIDE) % n_cases) {
        if (vec_chain_takes(&cases[k]))
            chain[n++] = &cases[k];
        if (n == VEC_CHAIN_MAX || (i + 1 == n_cases && n)) {
            if (!vec_chain_run(env, chain, n, round++) && ++failures >= max_reported)
                break;
            n = 0;
        }
    }
    uint64_t all = env->icount, interp = env->insns_interp;
    vec_machine_free(env);
    /* Or else it would be the interpreter that passes. */
    ck_assert_msg(!ways[_i] || interp < all / 10, "%llu of %llu instructions through the interpreter",
                  (unsigned long long)interp, (unsigned long long)all);
    ck_assert_msg(failures == 0, "%u chains differ with tb_max %u (0: interpreter)", failures, ways[_i]);
}
END_TEST

/* Does the form belong to those that can be recorded?  (tools/record/gen.c: gen_wants) */
static bool recordable(unsigned form)
{
    static const enum isa_feature without[] = {
        ISA_F_MMX, ISA_F_FXSR, ISA_F_SSE, ISA_F_SSE2, ISA_F_TSC, ISA_F_PMC, ISA_F_CLFSH,
        ISA_F_CPUID, ISA_F_SEP, ISA_F_SMM
    };
    static const enum isa_mnem not[] = {MN_SGDT, MN_SIDT, MN_SLDT, MN_STR, MN_SMSW, MN_INT1};
    for (unsigned i = 0; i < sizeof without / sizeof *without; i++)
        if (isa_info[form].feature == without[i])
            return false;
    for (unsigned i = 0; i < sizeof not / sizeof *not; i++)
        if (isa_info[form].mnem == not[i])
            return false;
    return true;
}

/* Each form has its cases, and they are of that form. */
START_TEST(complete)
{
    static unsigned count[FORM_COUNT];
    unsigned missing = 0;
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < n_cases; i++) {
        const struct vec_case *c = &cases[i];
        struct insn insn;
        int mode = c->in.segs[R_CS] == WORLD_CS16 ? DECODE_16 : DECODE_32;
        enum decode_status s = decode_insn(c->bytes, c->len, mode, &insn);
        if (s == DECODE_OK) {
            ck_assert_msg(insn.len == c->len, "%s:%u: length %u", c->file, c->line, insn.len);
            ck_assert_msg(!strcmp(isa_form_name[insn.form], c->form), "%s:%u: %s decodes as %s", c->file, c->line,
                          c->form, isa_form_name[insn.form]);
            count[insn.form]++;
        } else {
            ck_assert_msg(s == DECODE_UD && c->vector == EXCP_UD, "%s:%u: does not decode (%d)", c->file, c->line,
                          (int)s);
        }
    }
    for (unsigned f = 1; f < FORM_COUNT; f++)
        if (recordable(f) && count[f] < LEAST_CASES) {
            fprintf(stderr, "%s: only %u cases\n", isa_form_name[f], count[f]);
            missing++;
        }
    ck_assert_uint_eq(missing, 0);
}
END_TEST

int main(void)
{
    static const char *const names[] = {"onebyte-low", "onebyte-high", "twobyte", "x87", NULL};
    char dir[4096];
    const char *srcdir = getenv("srcdir"), *report = getenv("VECTOR_REPORT");
    if (report)
        max_reported = (unsigned)strtoul(report, NULL, 10);
    snprintf(dir, sizeof dir, "%s/tests/vectors", srcdir ? srcdir : ".");
    cases = vec_load(dir, names, &n_cases);
    printf("%zu recorded cases\n", n_cases);

    Suite *s = suite_create("vectors");
    TCase *t = tcase_create("vectors");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, complete);
    tcase_add_loop_test(t, alone, 0, WAYS);
    tcase_add_loop_test(t, chained, 0, WAYS);
    suite_add_tcase(s, t);
    return suite_run(s);
}
