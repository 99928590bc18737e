#include "config.h"
#include "vec-machine.h"
#include "exception.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "exec.h"
#include "flags.h"
#include "fpu-word.h"
#include "interp.h"
#include "mxcsr.h"
#include "simd.h"
#include "softmmu.h"
#ifdef HAVE_TEMPLATES
#include "tb.h"
#endif

enum { GDT = 0x20000, LDT = 0x21000, TSS = 0x22000 };

struct descriptor {
    uint16_t selector;
    uint32_t base, limit; /* limit as in the descriptor */
    uint32_t flags;       /* DESC_* with type, DPL, P, G, B */
};

#define CODE (DESC_P_MASK | DESC_S_MASK | DESC_CS_MASK | DESC_A_MASK)
#define DATA (DESC_P_MASK | DESC_S_MASK | DESC_A_MASK)
#define DPL3 (3u << DESC_DPL_SHIFT)
#define BIG (DESC_G_MASK | DESC_B_MASK)
static const struct descriptor descriptors[] = {
    {0x08, 0, 0xfffff, CODE | DESC_R_MASK | BIG},
    {0x10, 0, 0xfffff, CODE | DESC_R_MASK | DESC_G_MASK},
    {0x18, 0, 0xfffff, DATA | DESC_W_MASK | BIG},
    {WORLD_CS32, 0, 0xfffff, CODE | DESC_R_MASK | DPL3 | BIG},
    {WORLD_DS, 0, 0xfffff, DATA | DESC_W_MASK | DPL3 | BIG},
    {WORLD_CS16, 0, 0xffff, CODE | DESC_R_MASK | DPL3},
    {WORLD_SS16, 0, 0xffff, DATA | DESC_W_MASK | DPL3},
    {WORLD_NP, 0, 0xffff, (DATA | DESC_W_MASK | DPL3 | DESC_B_MASK) & ~DESC_P_MASK},
    {WORLD_RO, 0, 0xfffff, DATA | DPL3 | BIG},
    {WORLD_XO, 0, 0xfffff, CODE | DPL3 | BIG},
    {WORLD_FS, 0x4000, 0x17ff, DATA | DESC_W_MASK | DPL3 | DESC_B_MASK},
    {WORLD_GS, 0, 0x4fff, DATA | DESC_W_MASK | DESC_E_MASK | DPL3 | DESC_B_MASK},
};
enum { DESCRIPTORS = sizeof descriptors / sizeof *descriptors };

static void write_descriptor(uint8_t *ram, const struct descriptor *d)
{
    uint8_t *p = ram + ((d->selector & 4) ? LDT : GDT) + (d->selector & ~7u);
    uint32_t low = (d->limit & 0xffff) | d->base << 16;
    uint32_t high = d->flags | (d->limit & 0xf0000) | (d->base >> 16 & 0xff) | (d->base & 0xff000000);
    memcpy(p, &low, 4);
    memcpy(p + 4, &high, 4);
}

static void set_segment(CPUX86State *env, int seg, uint16_t selector)
{
    for (unsigned i = 0; i < DESCRIPTORS; i++) {
        const struct descriptor *d = &descriptors[i];
        if (d->selector != selector)
            continue;
        uint32_t limit = (d->flags & DESC_G_MASK) ? d->limit << 12 | 0xfff : d->limit;
        env->segs[seg] = (struct segment){selector, d->base, limit, d->flags | (d->limit & 0xf0000)};
        return;
    }
    abort();
}

uint8_t *vec_machine_ram(CPUX86State *env)
{
    return phys_mem_ptr(env->mem, 0, VEC_RAM);
}

#ifdef HAVE_TEMPLATES
/* Exceptions are the test's: not back to translated code, which would deliver them. */
static void to_test(CPUX86State *env)
{
    env->unwind_sp = 0;
    siglongjmp(*env->jmp_env, 1);
}
#endif

CPUX86State *vec_machine_new(unsigned tb_max)
{
    CPUX86State *env = calloc(1, sizeof *env);
    env->model = cpu_model_find("max");
    env->mem = phys_mem_new();
    env->exception_index = env->old_exception = -1;
    uint8_t *ram = phys_mem_add_ram(env->mem, 0, VEC_RAM, "ram");
    softmmu_new(env);
    interp_attach(env);
    accel_run = interp_run_accel;
#ifdef HAVE_TEMPLATES
    if (tb_max) {
        tb_context_new(env, tb_max);
        exception_unwind = to_test;
        tb_use_windows(env);
        accel_run = tb_run;
    }
#else
    (void)tb_max;
#endif
    sse_host_init();
    cpu_reset(env);
    for (unsigned i = 0; i < DESCRIPTORS; i++)
        write_descriptor(ram, &descriptors[i]);
    ram[TSS + 0x66] = 0x68; /* no I/O bitmap */
    env->cr[4] = CR4_OSFXSR | CR4_OSXMMEXCPT;
    env->cr[0] = CR0_PE | CR0_ET | CR0_NE | CR0_AM | CR0_MP;
    env->gdt_base = GDT;
    env->gdt_limit = 16 * 8 - 1;
    env->ldt = (struct segment){0x50, LDT, WORLD_LDT_ENTRIES * 8 - 1, DESC_P_MASK | 2u << DESC_TYPE_SHIFT};
    env->tr = (struct segment){0x40, TSS, 0x67, DESC_P_MASK | 11u << DESC_TYPE_SHIFT};
    memset(ram + WORLD_CODE, 0xcc, WORLD_CODE_END - WORLD_CODE);
    return env;
}

void vec_machine_free(CPUX86State *env)
{
#ifdef HAVE_TEMPLATES
    if (env->tbs)
        tb_context_free(env);
#endif
    interp_cache_free(env->icache);
    softmmu_free(env);
    phys_mem_free(env->mem);
    free(env);
}

static void set_fpu(CPUX86State *env, const struct vec_fpu *f)
{
    env->fpuc = f->cw;
    env->fpus = f->sw & ~0x3800u;
    fpu_set_top(env, f->sw >> 11);
    fpu_update_word(env);
    env->fpip = env->fpdp = 0;
    env->fpop = env->fpcs = env->fpds = 0;
    unsigned valid = 0;
    for (unsigned i = 0; i < 8; i++) {
        memcpy(&env->fpregs[i].mant, f->reg[i], 8);
        memcpy(&env->fpregs[i].se, f->reg[i] + 8, 2);
        valid |= (unsigned)((f->tw >> 2 * i & 3) != 3) << i;
    }
    fpu_set_valid_mask(env, valid);
}

void vec_machine_set(CPUX86State *env, const struct vec_state *s, uint32_t eip)
{
    memcpy(env->regs, s->regs, sizeof env->regs);
    env->eflags = (s->eflags & ~(uint32_t)CC_ARITH) | 2;
    cpu_set_arith(env, s->eflags);
    for (int i = 0; i < SEG_COUNT; i++)
        set_segment(env, i, s->segs[i]);
    set_fpu(env, &s->fpu);
    sse_collect_flags(env); /* what is left of the case before is not this one's */
    memcpy(env->xmm, s->xmm, sizeof env->xmm);
    env->mxcsr = s->mxcsr;
    env->eip = eip;
    env->exception_index = env->old_exception = -1;
    env->error_code = 0;
    env->db_status = 0;
    env->halted = false;
    env->hflags &= ~(uint32_t)HF_INHIBIT;
    cpu_update_hflags(env);
}

void vec_machine_code(CPUX86State *env, uint32_t addr, const void *bytes, uint32_t len)
{
    phys_mem_write(env->mem, addr, bytes, len);
}

bool vec_machine_run(CPUX86State *env, int32_t max_insns)
{
    sigjmp_buf jmp;
    volatile int slices = 0;
    env->jmp_env = &jmp;
    env->icount_enabled = 1;
    env->icount_left = max_insns;
    sigsetjmp(jmp, 0);
    while (env->exception_index < 0 && env->icount_left > 0 && !env->halted && slices++ < 100000) {
        atomic_store(&env->exit_request, 0);
        accel_run(env);
    }
    env->jmp_env = NULL;
    sse_collect_flags(env);
    env->icount += (uint32_t)(max_insns - env->icount_left);
    return env->exception_index >= 0;
}
