/* Run x87 instructions through fpu_insn() alone: no segments, no paging, 8 KiB of memory. */
#include "fpu-case.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "exception.h"
#include "flags.h"
#include "fpu-word.h"
#include "insn.h"
#include "interp.h"
#include "machine.h"
#include "softmmu.h"

static CPUX86State the_env;
static uint8_t memory[FPU_MEMORY_SIZE];
static sigjmp_buf jmp;
static int raised;
uint32_t fpu_fault_from = FPU_MEMORY_SIZE;
int fpu_ferr;

/* ---- what fpu_insn() needs of the rest of the program ---- */

_Noreturn void raise_exception(CPUX86State *env, int vector, uintptr_t ra)
{
    raise_exception_err(env, vector, 0, ra);
}

_Noreturn void raise_exception_err(CPUX86State *env, int vector, uint32_t error_code, uintptr_t ra)
{
    (void)env;
    (void)error_code;
    (void)ra;
    raised = vector;
    siglongjmp(jmp, 1);
}

_Noreturn void cpu_loop_exit(CPUX86State *env)
{
    raise_exception(env, 255, 0);
}

uint32_t seg_linear(CPUX86State *env, int seg, uint32_t offset, unsigned size, bool write)
{
    (void)env;
    (void)seg;
    (void)size;
    (void)write;
    return offset;
}

static uint8_t *at(CPUX86State *env, uint32_t vaddr, uint32_t len)
{
    if (vaddr > fpu_fault_from || len > fpu_fault_from - vaddr)
        raise_exception(env, EXCP_PF, 0);
    return memory + vaddr;
}

void mmu_read(CPUX86State *env, uint32_t vaddr, void *buf, uint32_t len, int mmu_idx, uintptr_t ra)
{
    (void)mmu_idx;
    (void)ra;
    memcpy(buf, at(env, vaddr, len), len);
}

void mmu_write(CPUX86State *env, uint32_t vaddr, const void *buf, uint32_t len, int mmu_idx, uintptr_t ra)
{
    (void)mmu_idx;
    (void)ra;
    memcpy(at(env, vaddr, len), buf, len);
}

void mmu_probe(CPUX86State *env, uint32_t vaddr, uint32_t len, enum mmu_access access, int mmu_idx,
               uintptr_t ra)
{
    (void)access;
    (void)mmu_idx;
    (void)ra;
    at(env, vaddr, len);
}

uint32_t mmu_lduw(CPUX86State *env, uint32_t vaddr, int mmu_idx, uintptr_t ra)
{
    uint16_t v;
    mmu_read(env, vaddr, &v, sizeof v, mmu_idx, ra);
    return v;
}

uint32_t mmu_ldl(CPUX86State *env, uint32_t vaddr, int mmu_idx, uintptr_t ra)
{
    uint32_t v;
    mmu_read(env, vaddr, &v, sizeof v, mmu_idx, ra);
    return v;
}

uint64_t mmu_ldq(CPUX86State *env, uint32_t vaddr, int mmu_idx, uintptr_t ra)
{
    uint64_t v;
    mmu_read(env, vaddr, &v, sizeof v, mmu_idx, ra);
    return v;
}

void mmu_stw(CPUX86State *env, uint32_t vaddr, uint32_t v, int mmu_idx, uintptr_t ra)
{
    uint16_t w = (uint16_t)v;
    mmu_write(env, vaddr, &w, sizeof w, mmu_idx, ra);
}

void mmu_stl(CPUX86State *env, uint32_t vaddr, uint32_t v, int mmu_idx, uintptr_t ra)
{
    mmu_write(env, vaddr, &v, sizeof v, mmu_idx, ra);
}

void mmu_stq(CPUX86State *env, uint32_t vaddr, uint64_t v, int mmu_idx, uintptr_t ra)
{
    mmu_write(env, vaddr, &v, sizeof v, mmu_idx, ra);
}

void machine_set_ferr(struct machine *m, int level)
{
    (void)m;
    fpu_ferr = level;
}

bool machine_ignne(const struct machine *m)
{
    (void)m;
    return false;
}

bool machine_intr(struct machine *m)
{
    (void)m;
    return fpu_ferr;
}

bool cpu_has_cpuid_bit(const CPUX86State *env, uint32_t bit)
{
    (void)env;
    (void)bit;
    return true;
}

/* ---- runs ---- */

CPUX86State *fpu_env(void)
{
    static const CPUX86State zero;
    memcpy(&the_env, &zero, sizeof zero);
    the_env.cr[0] = CR0_PE | CR0_NE;
    the_env.cr[4] = CR4_OSFXSR;
    the_env.hflags = HF_PE | HF_CS32 | HF_SS32;
    the_env.mmu_idx = MMU_KNOSMAP_IDX;
    the_env.eflags = 2;
    the_env.fpuc = 0x37f;
    the_env.fptw = 0;
    fpu_update_word(&the_env);
    fpu_fault_from = FPU_MEMORY_SIZE;
    return &the_env;
}

uint8_t *fpu_memory(void)
{
    return memory;
}

int fpu_step(CPUX86State *env, const uint8_t *bytes, unsigned len)
{
    struct insn insn;
    if (decode_insn(bytes, len, env->hflags & HF_CS32 ? DECODE_32 : DECODE_16, &insn) != DECODE_OK)
        return EXCP_UD;
    raised = -1;
    if (!sigsetjmp(jmp, 0))
        fpu_insn(env, &insn);
    return raised;
}

void fpu_run_ours(const struct fpu_case *c, struct fpu_state *out)
{
    static struct insn cache[8][256];
    CPUX86State *env = fpu_env();
    struct insn *insn = &cache[c->op & 7][c->modrm];
    uint8_t bytes[2] = { c->op, c->modrm };
    if (!insn->len && decode_insn(bytes, 2, DECODE_32, insn) != DECODE_OK)
        abort();
    env->fpuc = c->in.cw;
    fpu_set_top(env, c->in.sw >> 11);
    fpu_set_valid_mask(env, ~(unsigned)c->in.empty);
    env->fpus = c->in.sw & ~0x3800;
    fpu_update_word(env);
    for (unsigned i = 0; i < 8; i++)
        env->fpregs[(i + fpu_top(env)) & 7] = c->in.st[i];
    cpu_set_arith(env, c->in.eflags);
    env->regs[R_EDI] = 64;
    memcpy(memory + 64, c->in.mem, FPU_MEM);
    raised = -1;
    if (!sigsetjmp(jmp, 0))
        fpu_insn(env, insn);
    if (raised >= 0)
        abort();
    memset(out, 0, sizeof *out);
    out->cw = env->fpuc;
    out->empty = (uint8_t)~fpu_valid_mask(env);
    out->sw = (uint16_t)(env->fpus | fpu_top(env) << 11);
    for (unsigned i = 0; i < 8; i++) {
        out->st[i].mant = env->fpregs[(i + fpu_top(env)) & 7].mant;
        out->st[i].se = env->fpregs[(i + fpu_top(env)) & 7].se;
    }
    out->eflags = cc_compute_all(env->cc_op, env->cc_dst, env->cc_src, env->cc_src2, env->cc_res);
    memcpy(out->mem, memory + 64, FPU_MEM);
}

bool fpu_is_transcendental(const struct fpu_case *c)
{
    if (c->op != 0xd9)
        return false;
    switch (c->modrm) {
    case 0xf0: /* F2XM1 */
    case 0xf1: /* FYL2X */
    case 0xf2: /* FPTAN */
    case 0xf3: /* FPATAN */
    case 0xf9: /* FYL2XP1 */
    case 0xfb: /* FSINCOS */
    case 0xfe: /* FSIN */
    case 0xff: /* FCOS */
        return true;
    default:
        return false;
    }
}

const char *fpu_text(const struct fpu_case *c, char *buf, unsigned size)
{
    struct insn insn;
    uint8_t bytes[2] = { c->op, c->modrm };
    if (decode_insn(bytes, 2, DECODE_32, &insn) != DECODE_OK)
        return "?";
    return insn_format(&insn, 0, buf, size);
}
