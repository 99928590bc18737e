#include "config.h"
#include "vec-compare.h"

#include <stdio.h>
#include <string.h>

#include "flags.h"
#include "fpu-word.h"
#include "insn.h"

unsigned vec_failures;
unsigned vec_max_reported = 40;

void vec_failed(const struct vec_case *c, const char *what, uint32_t got, uint32_t want)
{
    struct insn insn;
    char text[80] = "(undecodable)";
    if (vec_failures++ >= vec_max_reported)
        return;
    int mode = c->in.segs[R_CS] == WORLD_CS16 ? DECODE_16 : DECODE_32;
    if (decode_insn(c->bytes, c->len, mode, &insn) == DECODE_OK)
        insn_format(&insn, WORLD_START, text, sizeof text);
    fprintf(stderr, "%s:%u: %s: %s: %s is %x, not %x\n", c->file, c->line, c->form, text, what, got, want);
}

static uint16_t fpu_tags(const CPUX86State *env, uint16_t recorded)
{
    /* Only empty or not is state; what FSAVE makes of it depends on the registers. */
    uint16_t tw = 0;
    for (int i = 0; i < 8; i++) {
        unsigned tag = recorded >> 2 * i & 3;
        if (!(fpu_valid_mask(env) >> i & 1))
            tag = 3;
        else if (tag == 3)
            tag = 0;
        tw |= (uint16_t)(tag << 2 * i);
    }
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
    static const char *const transcendental[] = {"F2XM1", "FYL2X", "FYL2XP1", "FPTAN", "FPATAN", "FSIN",
                                                 "FCOS", "FSINCOS", NULL};
    const struct vec_fpu *f = &c->out.fpu;
    uint16_t sw = (uint16_t)(env->fpus | fpu_top(env) << 11), care = 0xffff;
    bool loose = is_one_of(c->form, transcendental);
    /* C1: rounded up; and FCOMI clears it, but leaves it on AMD's. */
    if (loose || (strstr(c->form, "COMI") && c->form[0] == 'F'))
        care &= (uint16_t)~0x200;
    if (env->fpuc != f->cw)
        vec_failed(c, "control word", env->fpuc, f->cw);
    if ((sw ^ f->sw) & care)
        vec_failed(c, "status word", sw, f->sw);
    if (fpu_tags(env, f->tw) != f->tw)
        vec_failed(c, "tag word", fpu_tags(env, f->tw), f->tw);
    for (unsigned i = 0; i < 8; i++) {
        char what[3][32];
        const struct floatx80 *r = &env->fpregs[i];
        uint16_t se;
        uint64_t mant;
        memcpy(&mant, f->reg[i], 8);
        memcpy(&se, f->reg[i] + 8, 2);
        if (r->mant == mant && r->se == se)
            continue;
        if (loose && near_enough(r->mant, r->se, mant, se))
            continue;
        snprintf(what[0], sizeof what[0], "exponent of R%u", i);
        snprintf(what[1], sizeof what[1], "upper half of R%u", i);
        snprintf(what[2], sizeof what[2], "lower half of R%u", i);
        if (r->se != se)
            vec_failed(c, what[0], r->se, se);
        if (r->mant >> 32 != mant >> 32)
            vec_failed(c, what[1], (uint32_t)(r->mant >> 32), (uint32_t)(mant >> 32));
        if ((uint32_t)r->mant != (uint32_t)mant)
            vec_failed(c, what[2], (uint32_t)r->mant, (uint32_t)mant);
    }
}

/* Both are within 1.5 * 2^-12 of the exact value (SDM 2, RCPPS), so in units of the last place of the
 * smaller power of two they are at most 2 * 1.5 * 2^11 apart. */
static bool approximates(uint32_t got, uint32_t want)
{
    int32_t d = (int32_t)(got - want);
    bool special = !(want << 1 >> 24) || want << 1 >> 24 == 255;
    return got == want || (!special && !((got ^ want) >> 31) && d <= 3 * 2048 && d >= -3 * 2048);
}

bool vec_xmm_equal(const struct vec_case *c, unsigned reg, const union xmm_reg *got)
{
    const union xmm_reg *want = &c->out.xmm[reg];
    if (got->q[0] == want->q[0] && got->q[1] == want->q[1])
        return true;
    if (strncmp(c->form, "RCP", 3) != 0 && strncmp(c->form, "RSQRT", 5) != 0)
        return false;
    bool ok = true;
    for (unsigned i = 0; i < 4; i++)
        ok &= got->l[i] == want->l[i]
            || (approximates(got->l[i], want->l[i]) && want->l[i] != c->in.xmm[reg].l[i]);
    return ok;
}

static void compare_simd(const struct vec_case *c, const CPUX86State *env)
{
    char what[32];
    for (unsigned i = 0; i < 8; i++) {
        if (vec_xmm_equal(c, i, &env->xmm[i]))
            continue;
        for (unsigned j = 0; j < 4; j++) {
            snprintf(what, sizeof what, "doubleword %u of XMM%u", j, i);
            if (env->xmm[i].l[j] != c->out.xmm[i].l[j])
                vec_failed(c, what, env->xmm[i].l[j], c->out.xmm[i].l[j]);
        }
    }
    if (env->mxcsr != c->out.mxcsr)
        vec_failed(c, "MXCSR", env->mxcsr, c->out.mxcsr);
}

void vec_compare(const struct vec_case *c, const CPUX86State *env)
{
    static const char *const regs[8] = {"EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"};
    static const char *const segs[SEG_COUNT] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    int vector = env->exception_index;
    bool trap = vector == EXCP_BP || vector == EXCP_OF;
    uint32_t eip = trap ? env->exception_next_eip : env->eip;
    if (vector == EXCP_BP && eip - 1 - WORLD_START >= c->len) {
        vector = -1; /* the INT3 behind it */
        eip--;
    }
    if (vector != c->vector)
        vec_failed(c, "exception", (uint32_t)vector, (uint32_t)c->vector);
    else if (((vector >= 10 && vector <= 14) || vector == 17) && env->error_code != c->error_code)
        vec_failed(c, "error code", env->error_code, c->error_code);
    if (eip != c->eip)
        vec_failed(c, "EIP", eip, c->eip);
    uint32_t flags = cpu_eflags(env), care = ~(c->undefined | TF_MASK | RF_MASK);
    if ((flags ^ c->out.eflags) & care)
        vec_failed(c, "EFLAGS", flags & care, c->out.eflags & care);
    for (int i = 0; i < 8; i++)
        if (env->regs[i] != c->out.regs[i] && !(c->any_regs >> i & 1))
            vec_failed(c, regs[i], env->regs[i], c->out.regs[i]);
    for (int i = 0; i < SEG_COUNT; i++)
        if (env->segs[i].selector != c->out.segs[i])
            vec_failed(c, segs[i], env->segs[i].selector, c->out.segs[i]);
    compare_fpu(c, env);
    compare_simd(c, env);
}
