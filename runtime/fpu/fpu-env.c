/* The x87's control and state in memory: environments of 14 and 28 bytes, FSAVE images of
 * 94 and 108 (SDM 1, 8.1.10), FXSAVE images of 512 (SDM 2, FXSAVE). */
#include <string.h>

#include "exception.h"
#include "cpuid.h"
#include "fpu-int.h"
#include "machine.h"
#include "simd.h"

static void init(CPUX86State *env)
{
    env->fpuc = FPUC_INIT;
    env->fpus = 0;
    env->fptw = 0;
    fpu_update_word(env);
    env->fpop = env->fpcs = env->fpds = 0;
    env->fpip = env->fpdp = 0;
    if (env->machine)
        machine_set_ferr(env->machine, 0);
}

FPU_INSN(fpu_fninit)
{
    (void)insn;
    (void)offset;
    init(env);
}

FPU_INSN(fpu_fnclex)
{
    (void)insn;
    (void)offset;
    env->fpus &= (uint16_t)~(FPUS_EXC | FPUS_SF);
    fpu_update_es(env);
}

static void set_control(CPUX86State *env, uint16_t cw)
{
    env->fpuc = (cw & FPUC_BITS) | FPUC_ONE;
}

static void set_status(CPUX86State *env, uint16_t sw)
{
    fpu_set_top(env, sw >> 11);
    bool was = env->fpus & FPUS_ES;
    env->fpus = (uint16_t)((sw & ~FPUS_TOP) | (was ? FPUS_ES : 0));
    fpu_update_es(env);
}

FPU_INSN(fpu_fldcw)
{
    uint32_t linear = fpu_linear(env, insn, offset, 2, false);
    set_control(env, (uint16_t)mmu_lduw(env, linear, cpu_mmu_index(env), 0));
    fpu_update_es(env);
}

FPU_INSN(fpu_fnstcw)
{
    uint32_t linear = fpu_linear(env, insn, offset, 2, true);
    mmu_stw(env, linear, env->fpuc, cpu_mmu_index(env), 0);
}

FPU_INSN(fpu_fnstsw)
{
    if (insn->op[0].kind == OPK_MEM) {
        uint32_t linear = fpu_linear(env, insn, offset, 2, true);
        mmu_stw(env, linear, fpu_status(env), cpu_mmu_index(env), 0);
    } else {
        env->regs[R_EAX] = (env->regs[R_EAX] & 0xffff0000u) | fpu_status(env);
    }
}

/* Tags as FSTENV shows them: valid, zero, special, empty; two bits for each physical register. */
static uint16_t full_tags(const CPUX86State *env)
{
    unsigned tags = 0;
    for (int i = 7; i >= 0; i--) {
        enum fx_class c = fx_classify(env->fpregs[i]);
        tags = tags << 2 | (fpu_phys_empty(env, (unsigned)i) ? 3 : c == FX_NORMAL ? 0 : c == FX_ZERO ? 1 : 2);
    }
    return (uint16_t)tags;
}

static bool real_format(const CPUX86State *env)
{
    return !(env->hflags & HF_PE) || (env->hflags & HF_VM);
}

static unsigned env_size(const struct insn *insn)
{
    return insn->opsize == 2 ? 14 : 28;
}

static void put16(uint8_t *p, uint32_t v)
{
    uint16_t w = (uint16_t)v;
    memcpy(p, &w, 2);
}

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static uint16_t get16(const uint8_t *p)
{
    uint16_t w;
    memcpy(&w, p, 2);
    return w;
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* The real-address formats have linear addresses instead of selector and offset. */
static void make_env(const CPUX86State *env, const struct insn *insn, uint8_t *buf)
{
    uint16_t tags = full_tags(env), sw = fpu_status(env);
    uint32_t ip = env->fpip, dp = env->fpdp;
    bool real = real_format(env);
    if (real) {
        ip += (uint32_t)env->fpcs << 4;
        dp += (uint32_t)env->fpds << 4;
    }
    if (insn->opsize == 2) {
        put16(buf, env->fpuc);
        put16(buf + 2, sw);
        put16(buf + 4, tags);
        put16(buf + 6, ip);
        put16(buf + 8, real ? (ip >> 4 & 0xf000) | env->fpop : env->fpcs);
        put16(buf + 10, dp);
        put16(buf + 12, real ? dp >> 4 & 0xf000 : env->fpds);
        return;
    }
    put32(buf, 0xffff0000u | env->fpuc);
    put32(buf + 4, 0xffff0000u | sw);
    put32(buf + 8, 0xffff0000u | tags);
    if (real) {
        put32(buf + 12, 0xffff0000u | (ip & 0xffff));
        put32(buf + 16, (ip >> 4 & 0x0ffff000) | env->fpop);
        put32(buf + 20, 0xffff0000u | (dp & 0xffff));
        put32(buf + 24, dp >> 4 & 0x0ffff000);
    } else {
        put32(buf + 12, ip);
        put32(buf + 16, (uint32_t)env->fpop << 16 | env->fpcs);
        put32(buf + 20, dp);
        put32(buf + 24, 0xffff0000u | env->fpds);
    }
}

static void take_env(CPUX86State *env, const struct insn *insn, const uint8_t *buf)
{
    bool real = real_format(env), wide = insn->opsize != 2;
    unsigned step = wide ? 4 : 2;
    set_control(env, get16(buf));
    uint16_t tags = get16(buf + 2 * step);
    unsigned valid = 0;
    for (unsigned i = 0; i < 8; i++)
        valid |= (unsigned)((tags >> 2 * i & 3) != 3) << i;
    fpu_set_valid_mask(env, valid);
    const uint8_t *p = buf + 3 * step;
    if (real) {
        uint32_t high = wide ? get32(p + 4) : get16(p + 2);
        env->fpip = get16(p) | (high << 4 & 0xffff0000u);
        env->fpop = high & 0x7ff;
        high = wide ? get32(p + 12) : get16(p + 6);
        env->fpdp = get16(p + 2 * step) | (high << 4 & 0xffff0000u);
        env->fpcs = env->fpds = 0;
    } else if (wide) {
        env->fpip = get32(p);
        env->fpcs = get16(p + 4);
        env->fpop = get16(p + 6) & 0x7ff;
        env->fpdp = get32(p + 8);
        env->fpds = get16(p + 12);
    } else {
        env->fpip = get16(p);
        env->fpcs = get16(p + 2);
        env->fpdp = get16(p + 4);
        env->fpds = get16(p + 6);
        env->fpop = 0;
    }
    set_status(env, get16(buf + step));
}

FPU_INSN(fpu_fnstenv)
{
    uint8_t buf[28];
    unsigned size = env_size(insn);
    make_env(env, insn, buf);
    uint32_t linear = fpu_linear(env, insn, offset, size, true);
    mmu_write(env, linear, buf, size, cpu_mmu_index(env), 0);
    /* All exceptions get masked, so nothing can be pending. */
    env->fpuc |= FPUS_EXC;
    fpu_update_es(env);
}

FPU_INSN(fpu_fldenv)
{
    uint8_t buf[28];
    unsigned size = env_size(insn);
    uint32_t linear = fpu_linear(env, insn, offset, size, false);
    mmu_read(env, linear, buf, size, cpu_mmu_index(env), 0);
    take_env(env, insn, buf);
}

FPU_INSN(fpu_fnsave)
{
    uint8_t buf[108];
    unsigned size = env_size(insn);
    make_env(env, insn, buf);
    for (unsigned i = 0; i < 8; i++) {
        const struct floatx80 *r = fpu_st(env, i);
        memcpy(buf + size + 10 * i, &r->mant, 8);
        memcpy(buf + size + 10 * i + 8, &r->se, 2);
    }
    uint32_t linear = fpu_linear(env, insn, offset, size + 80, true);
    mmu_write(env, linear, buf, size + 80, cpu_mmu_index(env), 0);
    init(env);
}

FPU_INSN(fpu_frstor)
{
    uint8_t buf[108];
    unsigned size = env_size(insn);
    uint32_t linear = fpu_linear(env, insn, offset, size + 80, false);
    mmu_read(env, linear, buf, size + 80, cpu_mmu_index(env), 0);
    take_env(env, insn, buf);
    for (unsigned i = 0; i < 8; i++) {
        struct floatx80 *r = fpu_st(env, i);
        memcpy(&r->mant, buf + size + 10 * i, 8);
        memcpy(&r->se, buf + size + 10 * i + 8, 2);
    }
}

/* ---- FXSAVE, FXRSTOR ---- */
#define FX_SIZE 512
#define FX_MXCSR 24
#define FX_REGS 32
#define FX_XMM 160
#define FX_RESERVED 288 /* first byte after XMM7 in 32-bit mode */

/* Without CR4.OSFXSR the registers stay out of the image, but not MXCSR: CPUs do it so. */
static bool saves_xmm(const CPUX86State *env)
{
    return (env->cr[4] & CR4_OSFXSR) && sse_mxcsr_mask(env);
}

static uint32_t fx_area(CPUX86State *env, const struct insn *insn, uint32_t offset, bool write)
{
    uint32_t linear = fpu_linear(env, insn, offset, FX_SIZE, write);
    if (linear & 15)
        raise_exception_err(env, EXCP_GP, 0, 0);
    return linear;
}

FPU_INSN(fpu_fxsave)
{
    uint8_t buf[FX_RESERVED] = { 0 };
    uint32_t linear = fx_area(env, insn, offset, true);
    put16(buf, env->fpuc);
    put16(buf + 2, fpu_status(env));
    buf[4] = (uint8_t)fpu_valid_mask(env);
    put16(buf + 6, env->fpop);
    put32(buf + 8, env->fpip);
    put16(buf + 12, env->fpcs);
    put32(buf + 16, env->fpdp);
    put16(buf + 20, env->fpds);
    for (unsigned i = 0; i < 8; i++) {
        const struct floatx80 *r = fpu_st(env, i);
        memcpy(buf + FX_REGS + 16 * i, &r->mant, 8);
        memcpy(buf + FX_REGS + 16 * i + 8, &r->se, 2);
    }
    uint32_t len = FX_XMM;
    if (sse_mxcsr_mask(env)) {
        sse_collect_flags(env);
        put32(buf + FX_MXCSR, env->mxcsr);
        put32(buf + FX_MXCSR + 4, sse_mxcsr_mask(env));
    }
    if (saves_xmm(env)) {
        memcpy(buf + FX_XMM, env->xmm, sizeof env->xmm);
        len = FX_RESERVED;
    }
    mmu_probe(env, linear, FX_SIZE, MMU_DATA_STORE, cpu_mmu_index(env), 0);
    mmu_write(env, linear, buf, len, cpu_mmu_index(env), 0);
}

FPU_INSN(fpu_fxrstor)
{
    uint8_t buf[FX_SIZE];
    uint32_t linear = fx_area(env, insn, offset, false);
    mmu_read(env, linear, buf, FX_SIZE, cpu_mmu_index(env), 0);
    uint32_t mxcsr_mask = sse_mxcsr_mask(env);
    if (mxcsr_mask && (get32(buf + FX_MXCSR) & ~mxcsr_mask))
        raise_exception_err(env, EXCP_GP, 0, 0);
    set_control(env, get16(buf));
    fpu_set_valid_mask(env, buf[4]);
    env->fpop = get16(buf + 6) & 0x7ff;
    env->fpip = get32(buf + 8);
    env->fpcs = get16(buf + 12);
    env->fpdp = get32(buf + 16);
    env->fpds = get16(buf + 20);
    set_status(env, get16(buf + 2));
    for (unsigned i = 0; i < 8; i++) {
        struct floatx80 *r = fpu_st(env, i);
        memcpy(&r->mant, buf + FX_REGS + 16 * i, 8);
        memcpy(&r->se, buf + FX_REGS + 16 * i + 8, 2);
    }
    if (mxcsr_mask)
        sse_set_mxcsr(env, get32(buf + FX_MXCSR));
    if (saves_xmm(env))
        memcpy(env->xmm, buf + FX_XMM, sizeof env->xmm);
}
