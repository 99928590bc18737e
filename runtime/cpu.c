/* Reset state, and the mode bits derived from it. */
#include "cpu.h"

#include <string.h>

#include "flags.h"
#include "fpu-word.h"
#include "interp.h"
#include "log.h"
#include "protect.h"
#include "simd.h"
#include "window.h"

static uint32_t segment_hflags(const struct segment *s, int seg)
{
    uint32_t f = 0;
    uint32_t need = DESC_P_MASK | DESC_W_MASK, care = need | DESC_CS_MASK | DESC_E_MASK;
    if (seg == R_CS && (s->flags & DESC_CS_MASK)) {
        need = DESC_P_MASK | DESC_CS_MASK | DESC_R_MASK;
        care = need;
    }
    if ((s->flags & care) == need && s->limit == ~0u)
        f |= HF_SEG_FULL(seg);
    if (s->base == 0)
        f |= HF_SEG_BASE0(seg);
    return f;
}

uint32_t data_segment_hf(const struct segment *s)
{
    return segment_hflags(s, R_ES) >> (HF_SEG_SHIFT + 2 * R_ES);
}

static int derive_cpl(const CPUX86State *env)
{
    if (!(env->cr[0] & CR0_PE))
        return 0;
    if (env->eflags & VM_MASK)
        return 3;
    /* SS.DPL is the CPL, and not CS.RPL: after MOV CR0 sets PE, CS is a real-mode value.
     * SS is not loaded only amid a task switch. */
    const struct segment *ss = &env->segs[R_SS];
    if (ss->flags & DESC_P_MASK)
        return (int)(ss->flags >> DESC_DPL_SHIFT & 3);
    return (int)(env->segs[R_CS].selector & 3);
}

static bool checks_alignment(const CPUX86State *env, int cpl)
{
    return cpl == 3 && (env->eflags & AC_MASK) && (env->cr[0] & CR0_AM);
}

void update_data_segment_hflags(CPUX86State *env, int seg)
{
    uint32_t f = segment_hflags(&env->segs[seg], seg);
    if (checks_alignment(env, cpu_cpl(env)))
        f &= ~HF_SEG_FULL(seg);
    env->hflags = (env->hflags & ~HF_SEG_FLAT(seg)) | f;
}

/* The soft MMU's mode and windows follow the privilege level. */
static void set_mode(CPUX86State *env, uint32_t f, int cpl)
{
    env->hflags = f;
    env->mmu_idx = (uint32_t)mmu_idx_of_cpl(env, cpl);
    if (env->mmu)
        env->tlb_base = (uint64_t)(uintptr_t)softmmu_table(env, (int)env->mmu_idx);
    window_choose(env);
}

/* What a control transfer can change but for the segments' own bits. */
static uint32_t transfer_hflags(const CPUX86State *env, int cpl)
{
    uint32_t f = (uint32_t)cpl;
    if ((env->cr[0] & CR0_PE) && (env->eflags & VM_MASK))
        f |= HF_VM;
    if (env->segs[R_CS].flags & DESC_B_MASK)
        f |= HF_CS32;
    if (env->segs[R_SS].flags & DESC_B_MASK)
        f |= HF_SS32;
    if (env->eflags & TF_MASK)
        f |= HF_TF;
    if (cpl <= (int)((env->eflags & IOPL_MASK) >> IOPL_SHIFT))
        f |= HF_IOPL_OK;
    return f;
}

void update_transfer_hflags(CPUX86State *env)
{
    if ((env->eflags & AC_MASK) && (env->cr[0] & CR0_AM)) {
        cpu_update_hflags(env);
        return;
    }
    uint32_t f = env->hflags & ~(uint32_t)(HF_TRANSFER | HF_SEG_FLAT(R_CS) | HF_SEG_FLAT(R_SS));
    int cpl = derive_cpl(env);
    f |= transfer_hflags(env, cpl);
    f |= segment_hflags(&env->segs[R_CS], R_CS) | segment_hflags(&env->segs[R_SS], R_SS);
    set_mode(env, f, cpl);
}

void update_flat_transfer_hflags(CPUX86State *env, int cpl)
{
    if (env->eflags & (AC_MASK | VM_MASK)) {
        cpu_update_hflags(env);
        return;
    }
    set_mode(env, (env->hflags & ~(uint32_t)HF_TRANSFER) | HF_SEG_FLAT(R_CS) | HF_SEG_FLAT(R_SS) | transfer_hflags(env, cpl),
             cpl);
}

void cpu_update_hflags(CPUX86State *env)
{
    uint32_t f = env->hflags & HF_INHIBIT;
    int cpl = derive_cpl(env);

    f |= transfer_hflags(env, cpl);
    if (env->cr[0] & CR0_PE)
        f |= HF_PE;
    if (env->cr[0] & CR0_EM)
        f |= HF_EM;
    if (env->cr[0] & CR0_TS)
        f |= HF_TS;
    if (env->cr[0] & CR0_MP)
        f |= HF_MP;
    if (env->cr[0] & CR0_PG)
        f |= HF_PG;
    if (env->cr[4] & CR4_OSFXSR)
        f |= HF_OSFXSR;
    f |= sse_mxcsr_hflag(env->mxcsr);
    /* Data breakpoints count too: their trap comes right after the instruction. */
    if (debug_armed(env))
        f |= HF_BP;
    for (int seg = 0; seg < SEG_COUNT; seg++)
        f |= segment_hflags(&env->segs[seg], seg);
    if (checks_alignment(env, cpl)) {
        /* Alignment is checked where limits are: no access may take the short way. */
        for (int seg = 0; seg < SEG_COUNT; seg++)
            f &= ~HF_SEG_FULL(seg);
    }

    set_mode(env, f, cpl);
}

static void reset_segments(CPUX86State *env)
{
    const uint32_t data = DESC_P_MASK | DESC_S_MASK | DESC_W_MASK | DESC_A_MASK;
    for (int seg = 0; seg < SEG_COUNT; seg++)
        env->segs[seg] = (struct segment) { 0, 0, 0xffff, data };
    env->segs[R_CS] = (struct segment) { 0xf000, 0xffff0000, 0xffff, data };
    env->ldt = (struct segment) { 0, 0, 0xffff, DESC_P_MASK | SYS_LDT << DESC_TYPE_SHIFT };
    env->tr = (struct segment) { 0, 0, 0xffff, DESC_P_MASK | SYS_TSS32_BUSY << DESC_TYPE_SHIFT };
    env->gdt_base = env->idt_base = 0;
    env->gdt_limit = env->idt_limit = 0xffff;
}

static void reset_fpu(CPUX86State *env)
{
    memset(env->fpregs, 0, sizeof env->fpregs);
    env->fptw = FPTW_VALID;
    env->fpuc = 0x40;
    env->fpus = env->fpop = env->fpcs = env->fpds = 0;
    env->fpip = env->fpdp = 0;
    fpu_update_word(env);
    memset(env->xmm, 0, sizeof env->xmm);
    sse_collect_flags(env); /* drops what the host has gathered */
    env->mxcsr = MXCSR_INIT;
}

void cpu_reset(CPUX86State *env)
{
    memset(env->regs, 0, sizeof env->regs);
    if (env->model) { /* EDX tells family, model and stepping */
        uint32_t id[4];
        cpu_cpuid(env, 1, 0, id);
        env->regs[R_EDX] = id[0];
    }
    env->eip = 0xfff0;
    env->eflags = 2;
    cpu_set_arith(env, 0);
    env->cc_dst = env->cc_src2 = env->cc_res = 0;
    env->hflags = 0;
    reset_segments(env);
    memset(env->cr, 0, sizeof env->cr);
    env->cr[0] = CR0_CD | CR0_NW | CR0_ET;
    memset(env->dr, 0, sizeof env->dr);
    env->dr[6] = 0xffff0ff0;
    env->dr[7] = 0x400;
    memset(env->pdptr, 0, sizeof env->pdptr);
    env->a20_mask = ~0u;
    env->efer = 0;
    reset_fpu(env);

    env->sysenter_cs = env->sysenter_esp = env->sysenter_eip = 0;
    env->tsc_offset = 0;
    env->pat = 0x0007040600070406ull;
    env->mtrr_deftype = 0;
    memset(env->mtrr_fixed, 0, sizeof env->mtrr_fixed);
    memset(env->mtrr_var, 0, sizeof env->mtrr_var);
    env->mcg_status = env->apicbase = env->debugctl = env->spec_ctrl = 0;

    env->halted = env->nmi_blocked = env->shutdown = false;
    env->exception_index = env->old_exception = -1;
    env->error_code = env->exception_next_eip = env->db_status = 0;
    env->exception_is_int = false;
    atomic_fetch_and(&env->interrupt_request, ~(uint32_t)CPU_INTERRUPT_NMI);

    if (env->mmu) {
        for (unsigned i = 0; i < 4; i++)
            softmmu_set_watch(env, i, 0, 0, -1);
        tlb_flush(env);
    }
    cpu_update_hflags(env);
}

void cpu_log_state(CPUX86State *env)
{
    static const char seg_name[SEG_COUNT][3] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    const uint32_t *r = env->regs;
    log_printf("EAX=%08x EBX=%08x ECX=%08x EDX=%08x ESI=%08x EDI=%08x EBP=%08x ESP=%08x\n", r[R_EAX], r[R_EBX],
               r[R_ECX], r[R_EDX], r[R_ESI], r[R_EDI], r[R_EBP], r[R_ESP]);
    log_printf("EIP=%08x EFL=%08x CPL=%d CR0=%08x CR2=%08x CR3=%08x CR4=%08x\n", env->eip, cpu_eflags(env),
               cpu_cpl(env), env->cr[0], env->cr[2], env->cr[3], env->cr[4]);
    for (unsigned i = 0; i < SEG_COUNT; i++) {
        const struct segment *s = &env->segs[i];
        log_printf("%s=%04x %08x %08x %08x%s", seg_name[i], s->selector, s->base, s->limit, s->flags,
                   i + 1 == SEG_COUNT ? "\n" : "  ");
    }
    if (!sse_mxcsr_mask(env))
        return;
    sse_collect_flags(env);
    log_printf("MXCSR=%08x\n", env->mxcsr);
    for (unsigned i = 0; i < 8; i++)
        log_printf("XMM%u=%016llx%016llx%s", i, (unsigned long long)env->xmm[i].q[1],
                   (unsigned long long)env->xmm[i].q[0], i & 1 ? "\n" : "  ");
}
