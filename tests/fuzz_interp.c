/* Random code in a random state of a small guest (fuzz-world.h): decoder, interpreter, protection, paging,
 * exceptions.  LLVMFuzzerTestOneInput is libFuzzer's entry; fuzz-main.c makes a program of its own of it.
 *
 * Beyond not crashing, three things are required of each run.  A fault leaves the vCPU as it was before
 * the instruction.  The derived mode bits are always those of the state they derive from.  And a run in
 * single steps ends exactly as one in slices with the cache of decoded instructions does, code that
 * writes itself included. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "exception.h"
#include "flags.h"
#include "fpu-word.h"
#include "fuzz-simd.h"
#include "fuzz-world.h"
#include "interp.h"
#include "log.h"
#include "protect.h"
#include "simd.h"

/* The input: this, then pokes into tables, then code. */
struct header {
    uint8_t mode;     /* 0-1 enum world_mode, 2-3 CPL, 4-5 enum world_paging, 6-7 CPU model */
    uint8_t eflags[2];
    uint8_t cr0, cr4;
    uint8_t misc;     /* enum misc */
    uint8_t regs[8];
    uint8_t start;    /* of the code: 80 = at a page's end */
    uint8_t fpu[3];   /* control word, empty tags, contents */
    uint8_t simd[4];  /* enum simd, MXCSR, contents of registers, CPUID features that are off */
    uint8_t debug[2]; /* DR7 and the place of the breakpoints */
    uint8_t event_at, event; /* an interrupt from outside after so many instructions */
    uint8_t pokes;
};
enum misc { MISC_A20_OFF = 1, MISC_LOG = 2, MISC_NXE = 4, MISC_NO_FLAT = 8, MISC_MSR = 16 };

enum simd {
    SIMD_NO_OSFXSR = 1, SIMD_OSXMMEXCPT = 2, SIMD_ALIGNED = 4, SIMD_FEATURES_OFF = 8,
    SIMD_DENSE = 16 /* the code is for fuzz_simd_code() */
};

struct poke {
    uint8_t area, slot, bytes[8];
};

#define INSNS_MAX 192u
#define UNWINDS_MAX 48u
#define SLICE 16u

static const uint8_t *code;
static size_t code_size;
static struct header h;
static struct poke pokes[7];

static void fail(const char *what)
{
    fprintf(stderr, "fuzz_interp: %s (eip %08x, exception %d)\n", what, env->eip, env->exception_index);
    abort();
}

/* ---- the start ---- */

static uint32_t value_of(uint8_t pick)
{
    static const uint32_t base[16] = {
        0, 1, ~0u, 0x7fffffff, W_CODE, 0x10000, W_CODE_END - 2, 0xfffe, W_LIN_LARGE + W_STACK,
        W_LIN_ODD + 0xffe, W_LIN_TABLES, W_GDT, W_TSS_A, 0x9fffe, 0xffffe, W_PT
    };
    return base[pick & 15] + (uint32_t)(int8_t)(pick & 0xf0) / 16 * 4;
}

static void set_fpu(void)
{
    static const struct floatx80 values[16] = {
        { 0, 0 }, { 0, 0x8000 }, { 1ull << 63, 0x3fff }, { 1ull << 63, 0x7fff }, { 1ull << 63, 0xffff },
        { 3ull << 62, 0xffff }, { 0xa000000000000000, 0x7fff }, { 1, 0 }, { 1ull << 63, 0 },
        { 1ull << 62, 0x4000 },
        { ~0ull, 0x7ffe }, { 0xc90fdaa22168c235, 0x4000 }, { 0x8000000000000001, 0x403e }, { ~0ull, 0x3ffe },
        { 0x9249249249249249, 0xc03d }, { 1ull << 63, 1 }
    };
    if (!h.fpu[0])
        return;
    env->fpuc = (uint16_t)((h.fpu[0] & 0x3f) | 0x40 | (h.fpu[0] & 0xc0) << 4 | (h.fpu[1] & 3) << 8);
    fpu_set_top(env, h.fpu[2]);
    fpu_set_valid_mask(env, ~(unsigned)h.fpu[1]);
    fpu_update_word(env);
    for (unsigned i = 0; i < 8; i++) {
        env->fpregs[i] = values[(h.fpu[2] + i * (1 + (h.fpu[1] >> 2))) & 15];
    }
}

static void set_simd(void)
{
    if (h.simd[2]) {
        for (unsigned i = 0; i < 16; i++)
            env->xmm[i / 2].q[i & 1] =
                fuzz_simd_value(h.simd[2] * (i / 2 + 1) + (i & 1 ? h.simd[2] >> 3 : 0));
    }
    /* Masks, rounding, FTZ and DAZ from the byte; none or all of the flags. */
    uint32_t v = (h.simd[1] & 0x3fu) << 7 | (h.simd[1] & 0xc0u) << 7 | (h.simd[2] & 1 ? 0x8000 : 0)
        | (h.simd[2] & 2 ? MXCSR_DAZ : 0) | (h.simd[2] & 4 ? 0x3f : 0);
    env->mxcsr = (h.simd[1] ? v : 0x1f80) & (sse_mxcsr_mask(env) ? sse_mxcsr_mask(env) : ~0u);
}

static void apply_pokes(void)
{
    static const uint32_t areas[16] = {
        W_GDT, W_GDT, W_IDT, W_LDT, W_TSS_A, W_TSS_B, W_TSS_C16, W_HANDLERS, W_PD, W_PT, W_PT_ODD, W_PDPT,
        W_PAE_PD, W_PAE_PT, W_PAE_PT_ODD, W_STACK + 0xf00
    };
    for (unsigned i = 0; i < (h.pokes & 7u); i++) {
        unsigned len = pokes[i].area & 0x10 ? 8 : 4;
        memcpy(world_ram + areas[pokes[i].area & 15] + pokes[i].slot * len, pokes[i].bytes, len);
    }
}

/* What a guest could have done by itself before. */
static void set_control(void)
{
    env->cr[0] |= (h.cr0 & 0xeu) | (h.cr0 & 1 ? CR0_WP : 0) | (h.cr0 & 0x10 ? CR0_NE : 0)
        | (h.cr0 & 0x20 ? CR0_AM : 0);
    env->cr[4] = (h.cr4 & 0xfu) | (h.cr4 & 0x10 ? CR4_PGE : 0) | (h.cr4 & 0x20 ? CR4_PCE : 0)
        | (h.cr4 & 0x80 ? CR4_MCE : 0) | (h.simd[0] & SIMD_NO_OSFXSR ? 0 : CR4_OSFXSR)
        | (h.simd[0] & SIMD_OSXMMEXCPT ? CR4_OSXMMEXCPT : 0);
    enum world_paging paging = h.mode >> 4 & 3;
    if (paging != WORLD_NO_PAGING && (env->cr[0] & CR0_PE)) {
        env->cr[4] |= paging == WORLD_4M ? CR4_PSE : paging == WORLD_PAE ? CR4_PAE : 0;
        env->cr[0] |= CR0_PG;
    }
    env->cr[4] &= cpu_cr4_mask(env);
    if ((env->cr[0] & CR0_PG) && (env->cr[4] & CR4_PAE) && !read_pdptes(env, env->cr[3], env->pdptr))
        env->cr[0] &= ~CR0_PG;
    if ((h.misc & MISC_NXE) && (env->model->ext_features & CPUID_EXT_NX))
        env->efer = 0x800;
    if (h.misc & MISC_MSR) {
        env->sysenter_cs = 8;
        env->sysenter_esp = W_STACK + 0x800;
        env->sysenter_eip = W_HANDLERS;
    }
    if (h.misc & MISC_A20_OFF)
        env->a20_mask = ~(1u << 20);
    const uint32_t settable = CC_ARITH | TF_MASK | IF_MASK | DF_MASK | IOPL_MASK | NT_MASK;
    uint32_t eflags = h.eflags[0] | (uint32_t)h.eflags[1] << 8;
    cpu_load_eflags(env, eflags | (eflags & 2 ? AC_MASK : 0), settable | AC_MASK);
}

static void set_debug(void)
{
    if (!h.debug[0])
        return;
    uint32_t at = value_of(h.debug[1]);
    for (int i = 0; i < 4; i++)
        cpu_write_dr(env, i, i & 1 ? W_CODE + (h.debug[1] & 0x3fu) : at);
    cpu_write_dr(env, 7, h.debug[0] * 0x10001u | (uint32_t)h.debug[1] << 24);
}

static void start(void)
{
    static const struct cpu_model *models[4];
    if (!models[0]) {
        models[0] = models[1] = world_full_model();
        models[2] = cpu_model_default();
        models[3] = cpu_model_find("486");
    }
    const struct cpu_model *model = models[h.mode >> 6];
    if (h.simd[0] & SIMD_FEATURES_OFF) {
        static struct cpu_model reduced;
        static const uint32_t removable[8] = {
            CPUID_MMX, CPUID_FXSR, CPUID_SSE, CPUID_SSE2, CPUID_CMOV, CPUID_CLFSH, CPUID_FPU, 0
        };
        reduced = *model;
        for (unsigned i = 0; i < 8; i++)
            if (h.simd[3] & 1u << i)
                reduced.features &= ~removable[i];
        if (h.simd[3] & 0x80)
            reduced.features_ecx &= ~(uint32_t)CPUID_ECX_SSE3;
        model = &reduced;
    }
    world_reset(model);
    world_enter(h.mode & 3, h.mode >> 2 & 3, h.mode >> 4 & 3);
    /* The code's last bytes may be on the second page. */
    uint32_t offset = h.start & 0x80 ? 0xff0 + (h.start & 15u) : h.start & 0x40 ? h.start & 0x3fu : 0;
    size_t n = code_size < W_CODE_END - W_CODE - offset ? code_size : W_CODE_END - W_CODE - offset;
    memcpy(world_ram + W_CODE + offset, code, n);
    env->eip += offset;
    uint32_t esp = env->regs[R_ESP];
    for (unsigned i = 0; i < 8; i++)
        env->regs[i] = value_of(h.regs[i]) & (h.simd[0] & SIMD_ALIGNED ? ~15u : ~0u);
    if (!(h.misc & MISC_NO_FLAT))
        env->regs[R_ESP] = esp;
    apply_pokes();
    set_fpu();
    set_simd();
    set_control();
    cpu_update_hflags(env);
    tlb_flush(env);
    set_debug();
    log_mask = h.misc & MISC_LOG ? LOG_INT | LOG_UNIMP | LOG_GUEST_ERROR : 0;
}

/* ---- what must hold ---- */

static void check_derived(void)
{
    uint32_t hflags = env->hflags, mmu_idx = env->mmu_idx;
    uint64_t tlb_base = env->tlb_base;
    cpu_update_hflags(env);
    if (hflags != env->hflags || mmu_idx != env->mmu_idx || tlb_base != env->tlb_base) {
        fprintf(stderr, "hflags %08x, from the state %08x; mmu_idx %u, %u\n", hflags, env->hflags, mmu_idx,
                env->mmu_idx);
        fail("derived mode bits are stale");
    }
    if ((env->eflags & CC_ARITH) || !(env->eflags & 2))
        fail("eflags holds arithmetic flags");
    if (cpu_eflags(env) & ~(uint32_t)(0x3f7fd7))
        fail("reserved EFLAGS bits are set");
    if ((env->cr[0] & CR0_PG) && !(env->cr[0] & CR0_PE))
        fail("paging without protection");
    if (env->fpus & 0x3800)
        fail("x87 TOP");
    uint32_t word = env->fptw;
    fpu_update_word(env);
    if (env->fptw != word)
        fail("x87 state word");
    uint32_t writable = sse_mxcsr_mask(env);
    if (writable && (env->mxcsr & ~writable))
        fail("reserved MXCSR bits are set");
    if (env->exception_index < -1 || env->exception_index > 255)
        fail("exception vector");
}

/* What a fault may not change. */
struct state {
    uint32_t regs[8], eip, eflags, cr[5], dr[8], mxcsr;
    struct segment segs[SEG_COUNT], ldt, tr;
    uint32_t gdt[2], idt[2];
    struct floatx80 fpregs[8];
    union xmm_reg xmm[8];
    uint32_t fptw, fpuc, fpus;
    uint64_t insns;
    bool halted, nmi_blocked;
};

static void take_state(struct state *s)
{
    memset(s, 0, sizeof *s);
    memcpy(s->regs, env->regs, sizeof s->regs);
    s->eip = env->eip;
    s->eflags = cpu_eflags(env);
    memcpy(s->cr, env->cr, sizeof s->cr);
    s->cr[2] = 0;
    memcpy(s->dr, env->dr, sizeof s->dr);
    s->mxcsr = env->mxcsr;
    memcpy(s->segs, env->segs, sizeof s->segs);
    s->ldt = env->ldt;
    s->tr = env->tr;
    s->gdt[0] = env->gdt_base;
    s->gdt[1] = env->gdt_limit;
    s->idt[0] = env->idt_base;
    s->idt[1] = env->idt_limit;
    for (unsigned i = 0; i < 8; i++) { /* not the padding */
        s->fpregs[i].mant = env->fpregs[i].mant;
        s->fpregs[i].se = env->fpregs[i].se;
    }
    memcpy(s->xmm, env->xmm, sizeof s->xmm);
    s->fptw = env->fptw;
    s->fpuc = env->fpuc;
    s->fpus = env->fpus;
    s->insns = env->insns_interp;
    s->halted = env->halted;
    s->nmi_blocked = env->nmi_blocked;
}

/* The instruction at CS:EIP, if it can be had without a fault. */
static bool peek_insn(struct insn *insn)
{
    uint8_t bytes[15];
    uint32_t lin = env->segs[R_CS].base + env->eip, n = 0;
    hwaddr paddr;
    while (n < sizeof bytes && mmu_translate_debug(env, lin + n, &paddr)) {
        uint32_t room = TARGET_PAGE_SIZE - ((lin + n) & ~TARGET_PAGE_MASK), len = sizeof bytes - n;
        len = len < room ? len : room;
        phys_mem_read(env->mem, paddr, bytes + n, len);
        n += len;
    }
    return decode_insn(bytes, n, env->hflags & HF_CS32 ? DECODE_32 : DECODE_16, insn) == DECODE_OK;
}

static void check_fault(const struct state *before, bool known, const struct insn *insn)
{
    struct state now;
    take_state(&now);
    uint32_t flags = known ? isa_info[insn->form].flags : 0;
    /* IRET lets NMIs in again even if it faults (SDM 3, 6.7.1). */
    if (known && insn->mnem == MN_IRET)
        now.nmi_blocked = before->nmi_blocked;
    /* An SSE exception sets its flags (SDM 1, 11.5.2); #UD stands for #XM without OSXMMEXCPT.  Processors
     * are in MMX state by then. */
    if (known && (env->exception_index == EXCP_XM || env->exception_index == EXCP_UD)
        && !(before->mxcsr & ~now.mxcsr) && !((before->mxcsr ^ now.mxcsr) & ~(uint32_t)MXCSR_FLAGS)
        && (now.mxcsr & ~(now.mxcsr >> MXCSR_MASK_SHIFT) & MXCSR_FLAGS)) {
        now.mxcsr = before->mxcsr;
        if ((insn->op[0].kind == OPK_MMX || insn->op[1].kind == OPK_MMX)
            && now.fptw == ((before->fptw & ~(uint32_t)FPTW_TOP) | FPTW_VALID))
            now.fptw = before->fptw;
    }
    if ((flags & ISA_STRING) && (insn->prefixes & (INSN_REP | INSN_REPNE))) {
        /* The elements before the one that faulted are done. */
        static const uint8_t moved[] = { R_EAX, R_ECX, R_ESI, R_EDI };
        for (unsigned i = 0; i < sizeof moved; i++)
            now.regs[moved[i]] = before->regs[moved[i]];
        now.eflags = (now.eflags & ~(uint32_t)CC_ARITH) | (before->eflags & CC_ARITH);
    }
    /* A task switch that fails late does so in the new task. */
    if (known && (insn->mnem == MN_JMPF || insn->mnem == MN_CALLF || insn->mnem == MN_IRET)
        && (now.cr[0] & CR0_TS) && now.eip != before->eip)
        return;
    if (memcmp(before, &now, sizeof now) != 0) {
        fprintf(stderr, "%s: eip %08x eflags %08x esp %08x, after it eip %08x eflags %08x esp %08x\n",
                known ? isa_mnem_name[insn->mnem] : "?", before->eip, before->eflags, before->regs[R_ESP],
                now.eip, now.eflags, now.regs[R_ESP]);
        fail("a faulting instruction changed the state");
    }
}

/* ---- the run ---- */

static struct {
    struct state before;
    struct insn insn;
    bool stepping, known;
    unsigned unwinds;
    bool event_done;
} run;

static bool deliver_event(void)
{
    if (run.event_done || !h.event || env->insns_interp < h.event_at || (env->hflags & HF_INHIBIT))
        return false;
    run.event_done = true;
    if (h.event == EXCP_NMI) {
        env->nmi_blocked = true;
    } else if (!(env->eflags & IF_MASK)) {
        return false;
    }
    env->halted = false;
    do_interrupt(env, h.event, false, 0, env->eip, true);
    return true;
}

static void one_slice(void)
{
    uint32_t left = (uint32_t)(INSNS_MAX - env->insns_interp), n = left < SLICE ? left : SLICE;
    if (!run.event_done && h.event) {
        uint64_t until = h.event_at > env->insns_interp ? h.event_at - env->insns_interp : 1;
        n = until < n ? (uint32_t)until : n;
    }
    if (run.stepping) {
        take_state(&run.before);
        run.known = peek_insn(&run.insn);
        n = 1;
    }
    interp_run(env, n);
}

static void run_guest(bool stepping)
{
    sigjmp_buf jmp;
    memset(&run, 0, sizeof run);
    run.stepping = stepping;
    bool in_insn = false;
    volatile bool *inside = &in_insn;
    env->jmp_env = &jmp;
    if (sigsetjmp(jmp, 0)) {
        run.unwinds++;
        if (run.stepping && *inside && env->exception_index >= 0 && env->exception_index != EXCP_DB
            && !env->exception_is_int)
            check_fault(&run.before, run.known, &run.insn);
    }
    *inside = false;
    while (run.unwinds < UNWINDS_MAX && env->insns_interp < INSNS_MAX) {
        check_derived();
        if (env->exception_index >= 0) {
            deliver_exception(env);
            check_derived();
        }
        if (env->shutdown)
            break;
        atomic_store(&env->exit_request, 0);
        deliver_event();
        if (env->halted) {
            if (run.event_done || !h.event)
                break;
            env->insns_interp++; /* time passes until the event */
            continue;
        }
        *inside = true;
        one_slice();
        *inside = false;
    }
    env->jmp_env = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t ram[WORLD_RAM], hma[WORLD_HMA], expanded[600];
    static struct state first, second;

    if (size <= sizeof h)
        return 0;
    if (!env) {
        world_init();
        log_file = fopen("/dev/null", "w");
    }
    memcpy(&h, data, sizeof h);
    data += sizeof h;
    size -= sizeof h;
    for (unsigned i = 0; i < (h.pokes & 7u); i++) {
        memset(&pokes[i], 0, sizeof pokes[i]);
        size_t n = size < sizeof pokes[i] ? size : sizeof pokes[i];
        memcpy(&pokes[i], data, n);
        data += n;
        size -= n;
    }
    code = data;
    code_size = size;
    if (h.simd[0] & SIMD_DENSE) {
        code_size = fuzz_simd_code(expanded, sizeof expanded, data, size);
        code = expanded;
    }

    start();
    run_guest(true);
    take_state(&first);
    memcpy(ram, world_ram, sizeof ram);
    memcpy(hma, world_hma, sizeof hma);
    start();
    run_guest(false);
    take_state(&second);
    if (memcmp(&first, &second, sizeof first) != 0) {
        fprintf(stderr, "steps: eip %08x eflags %08x insns %llu; slices: eip %08x eflags %08x insns %llu\n",
                first.eip, first.eflags, (unsigned long long)first.insns, second.eip, second.eflags,
                (unsigned long long)second.insns);
        fail("single steps and slices end in different states");
    }
    if (memcmp(ram, world_ram, sizeof ram) != 0 || memcmp(hma, world_hma, sizeof hma) != 0)
        fail("single steps and slices leave different memory");
    return 0;
}
