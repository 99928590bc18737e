/* Running TranslationBlocks: find or make the block at eip, enter it, link the exit it left by. */
#include "tb-context.h"
#include "tmpl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "exception.h"
#include "exec.h"
#include "flags.h"
#include "host.h"
#include "interp.h"
#include "log.h"
#include "mxcsr.h"
#include "optimise.h"
#include "profile.h"
#include "softfp.h"

#define CODE_SIZE ((size_t)96 << 20)
#define CODE_REGION ((uintptr_t)1 << 28) /* reach of `j` */
#define MAX_TBS (512u << 10)
#define MAX_SIDES (4 * MAX_TBS)
#define ARENA_SIZE ((size_t)128 << 20)
#define MAX_POOL (256u << 10)
#define HWCAP_LOONGSON_MMI (1ul << 11)
#define HWCAP_LOONGSON_EXT (1ul << 12)
#define FIR_PS (1u << 18)

static void *map_reserve(size_t size, int prot)
{
    void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        user_error("cannot reserve %zu MiB for translated code", size >> 20);
    return p;
}

/* All code in one 256 MiB region, so that blocks reach each other with `j`. */
static uint8_t *map_code(void)
{
    uint8_t *p = map_reserve(CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
    if (((uintptr_t)p ^ ((uintptr_t)p + CODE_SIZE - 1)) / CODE_REGION == 0)
        return p;
    munmap(p, CODE_SIZE);
    p = map_reserve(2 * CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
    uintptr_t border = ((uintptr_t)p + CODE_REGION) & ~(CODE_REGION - 1);
    uintptr_t start = border - (uintptr_t)p >= CODE_SIZE ? (uintptr_t)p : border;
    if (start > (uintptr_t)p)
        munmap(p, start - (uintptr_t)p);
    uintptr_t end = (uintptr_t)p + 2 * CODE_SIZE;
    if (end > start + CODE_SIZE)
        munmap((void *)(start + CODE_SIZE), end - (start + CODE_SIZE));
    return (uint8_t *)start;
}

/* Probing by SIGILL does not work: MSA instructions are NOPs where there is none. */
static unsigned host_features(void)
{
    unsigned long hwcap = getauxval(AT_HWCAP);
    uint32_t fir;
    __asm__("cfc1 %0, $0" : "=r"(fir));
    return (hwcap & HWCAP_LOONGSON_MMI ? TMPL_HOST_MMI : 0) | (fir & FIR_PS ? TMPL_HOST_PS : 0)
        | ((hwcap & HWCAP_MSA) && !host_pretends("mmi") ? TMPL_HOST_MSA : 0);
}

/* From a C function that translated code called back to ctx->unwound, with the stack pointer it had. */
static void unwind(CPUX86State *env)
{
    register uint64_t sp __asm__("$2") = env->unwind_sp;
    register CPUX86State *e __asm__("$3") = env;
    register const uint32_t *to __asm__("$25") = env->tbs->unwound;
    __asm__ volatile(".set push\n.set noreorder\nmove $29, %0\njr %2\nmove $30, %1\n.set pop"
                     : : "r"(sp), "r"(e), "r"(to) : "memory");
    __builtin_unreachable();
}

/* -O no-direct-exceptions: to the main loop. */
static void unwind_to_loop(CPUX86State *env)
{
    env->unwind_sp = 0;
    env->tbs->running = NULL;
    siglongjmp(*env->jmp_env, 1);
}

struct tb_context *tb_context_new(CPUX86State *env, unsigned max_insns)
{
    if (!(getauxval(AT_HWCAP) & HWCAP_LOONGSON_EXT))
        user_error("-accel template needs a Loongson-3 host (the loongson-ext instructions); use -accel interp");
    struct tb_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx)
        user_error("out of memory");
    ctx->env = env;
    ctx->max_insns = max_insns == 0 || max_insns > TB_MAX_INSNS ? TB_MAX_INSNS : max_insns;
    ctx->code = (uint32_t *)map_code();
    ctx->code_limit = ctx->code + CODE_SIZE / sizeof *ctx->code;
    ctx->code_ptr = ctx->code;
    ctx->max_tbs = MAX_TBS;
    ctx->max_sides = MAX_SIDES;
    ctx->tbs = map_reserve(MAX_TBS * sizeof *ctx->tbs, PROT_READ | PROT_WRITE);
    ctx->arena_size = ARENA_SIZE;
    ctx->arena = map_reserve(ARENA_SIZE, PROT_READ | PROT_WRITE);
    ctx->max_pool = MAX_POOL;
    ctx->pool = map_reserve(MAX_POOL * sizeof *ctx->pool, PROT_READ | PROT_WRITE);
    ctx->host_features = host_features();
    env->tbs = ctx;
    exception_restore_state = tb_restore_state;
    exception_unwind = optimise_on(OPTIMISE_DIRECT_EXCEPTIONS) ? unwind : unwind_to_loop;
    if (profile_on(env))
        tb_profile_init(ctx);
    ctx->count_insns = log_enabled(LOG_STATS) && !env->icount_enabled;
    tb_helpers_init(env);
    if (!jc_init(ctx))
        user_error("out of memory");
    gen_frame(ctx);
    ctx->code_listener = phys_mem_add_code_listener(env->mem, tb_code_written, ctx);
    softmmu_set_flush_listener(env, jc_tlb_flushed, ctx);
    return ctx;
}

void tb_set_code_size(CPUX86State *env, unsigned mib)
{
    size_t size = (size_t)mib << 20;
    env->tbs->code_limit = env->tbs->code + (size < CODE_SIZE ? size : CODE_SIZE) / sizeof(uint32_t);
}

void tb_context_free(CPUX86State *env)
{
    struct tb_context *ctx = env->tbs;
    if (!ctx)
        return;
    tb_flush_all(ctx);
    jc_free(ctx);
    window_faults_end(ctx);
    tb_profile_free(ctx);
    munmap(ctx->code, CODE_SIZE);
    munmap(ctx->tbs, MAX_TBS * sizeof *ctx->tbs);
    munmap(ctx->arena, ARENA_SIZE);
    munmap(ctx->pool, MAX_POOL * sizeof *ctx->pool);
    env->tbs = NULL;
    free(ctx);
}

const struct tb_stats *tb_get_stats(const CPUX86State *env)
{
    return &env->tbs->stats;
}

unsigned tb_get_interp_counts(const CPUX86State *env, struct tb_interp_count *out, unsigned max)
{
    unsigned n = 0;
    for (unsigned f = 0; f < FORM_COUNT; f++) {
        uint64_t times = env->tbs->interp_forms[f];
        if (!times)
            continue;
        unsigned k = n < max ? n++ : max;
        while (k > 0 && out[k - 1].times < times) {
            if (k < max)
                out[k] = out[k - 1];
            k--;
        }
        if (k < max)
            out[k] = (struct tb_interp_count){.form = isa_form_name[f], .times = times};
    }
    return n;
}

void tb_flush(CPUX86State *env)
{
    tb_flush_all(env->tbs);
}

/* ---- guest state at a call out of a block ---- */

static uint32_t member(const CPUX86State *env, const struct flag_loc *l, uint32_t canon)
{
    switch (l->where) {
    case FW_GREG:
        return env->regs[l->reg];
    case FW_CONST:
        return (uint32_t)l->value;
    default:
        return canon;
    }
}

void tb_restore_fpu(CPUX86State *env, const TranslationBlock *tb, uint32_t index)
{
    if (tb->fptw == TB_ANY_FPTW)
        return;
    const struct x87_state *s = &tb->fpustates[tb->map[index].fpu];
    env->fptw = s->word;
    if (s->c1_clear)
        env->fpus &= (uint16_t)~FPUS_C1;
    if (s->ip != FPU_IP_NONE) {
        env->fpip = tb->eip + (uint32_t)s->ip;
        env->fpcs = (uint16_t)env->segs[R_CS].selector;
    }
    if (s->ds != FPU_DS_NONE)
        env->fpds = (uint16_t)env->segs[s->ds].selector;
}

void tb_restore_state(CPUX86State *env, uintptr_t ra)
{
    if (!ra)
        return;
    TranslationBlock *tb = tb_from_host(env->tbs, (const uint32_t *)ra - 1);
    if (!tb)
        return;
    uint32_t offset = (uint32_t)((const uint32_t *)ra - tb->host);
    unsigned k = 0;
    while (k < tb->nstubs && tb->stubs[k].host != offset)
        k++;
    if (k == tb->nstubs)
        return;
    tb_restore_insn(env, tb, tb->stubs[k].insn);
}

uint32_t tb_insn_at(const TranslationBlock *tb, const uint32_t *host)
{
    uint32_t k = tb->icount - 1u, offset = (uint32_t)(host - tb->host);
    while (k > 0 && tb->map[k].host > offset)
        k--;
    return k;
}

void tb_restore_insn(CPUX86State *env, const TranslationBlock *tb, uint32_t index)
{
    const struct flag_state *fs = &tb->fstates[tb->map[index].flags];
    env->eip = tb->eip + tb->map[index].guest;
    if (env->icount_enabled)
        env->icount_left += tb->icount - (int32_t)index;
    if (!fs->dynamic) {
        env->cc_op = fs->op;
        env->cc_dst = member(env, &fs->dst, env->cc_dst);
        env->cc_src = member(env, &fs->src, env->cc_src);
        env->cc_src2 = member(env, &fs->src2, env->cc_src2);
    }
    tb_restore_fpu(env, tb, index);
    if (fs->has_mod) {
        env->cc_op = (env->cc_op & CC_OP_BASE_MASK) | fs->mod_op;
        env->cc_res = member(env, &fs->res, env->cc_res);
    }
}

/* ---- the loop ---- */

static bool must_leave(CPUX86State *env)
{
    return atomic_load_explicit(&env->exit_request, memory_order_relaxed) < 0 || env->halted || env->shutdown
        || (env->icount_enabled && env->icount_left <= 0);
}

/* States that a block cannot run in: an interrupt shadow, single step, breakpoints, a code
 * segment with a limit. */
static bool needs_interp(const CPUX86State *env)
{
    return (env->hflags & (HF_INHIBIT | HF_TF | HF_BP)) || !(env->hflags & HF_SEG_FULL(R_CS))
        || (env->eflags & RF_MASK) || env->db_status || !(env->hflags & HF_PE);
}

static TranslationBlock *tb_lookup(struct tb_context *ctx, bool *global)
{
    CPUX86State *env = ctx->env;
    const uint8_t *host;
    uint32_t cs_base = env->segs[R_CS].base, flags = tb_flags(env);
    hwaddr phys = mmu_fetch_page(env, env->eip + cs_base, &host, global);
    if (!host)
        return NULL;
    ctx->stats.lookups++;
    TranslationBlock *tb = tb_find(ctx, env->eip, cs_base, flags, phys);
    return tb ? tb : tb_gen_code(ctx, env->eip, cs_base, flags, phys);
}

/* The block at env->eip is ready to be entered in the present mode: jump cache, link. */
static const uint32_t *enter_block(struct tb_context *ctx, TranslationBlock *tb, bool global, uintptr_t link_ra)
{
    jc_select(ctx, tb->flags, tb->cs_base);
    jc_fill(ctx, tb, global && tb->phys_page2 == TB_NO_PAGE);
    tb_page_seen(ctx, tb);
    if (link_ra) {
        TranslationBlock *from = tb_from_host(ctx, (const uint32_t *)link_ra - 1);
        if (from)
            tb_link_exit(ctx, from, link_ra, tb, global);
    }
    if (log_enabled(LOG_EXEC))
        log_printf("exec: %08x [%08x]\n", tb->eip, tb->flags);
    if (log_enabled(LOG_CPU))
        cpu_log_state(ctx->env);
    ctx->running = tb;
    return tb->host;
}

const uint32_t *tb_next(struct tb_context *ctx, uintptr_t link_ra)
{
    CPUX86State *env = ctx->env;
    if (must_leave(env) || needs_interp(env))
        return ctx->exit_leave;
    /* Whoever has translated code not `running` has blocks to be looked up anew. */
    if (!link_ra && ctx->running && jc_current(ctx)) {
        const uint32_t *host = jc_get(ctx, env->eip);
        if (host && !log_enabled(LOG_EXEC | LOG_CPU))
            return host;
    }
    uint64_t flushes = ctx->stats.flushes;
    bool global;
    TranslationBlock *tb = tb_lookup(ctx, &global);
    if (!tb || (env->icount_enabled && env->icount_left < tb->icount))
        return ctx->exit_leave;
    return enter_block(ctx, tb, global, flushes == ctx->stats.flushes ? link_ra : 0);
}

void tb_run(CPUX86State *env)
{
    struct tb_context *ctx = env->tbs;
    window_faults_of(ctx);
    for (;;) {
        if (must_leave(env))
            return;
        if (needs_interp(env)) {
            /* One instruction where interp_slow_mode() says so; else on to what ends a slice, as does all
             * that can lead to a state for blocks. */
            ctx->running = NULL;
            interp_run_accel(env);
            return;
        }
        bool global;
        TranslationBlock *tb = tb_lookup(ctx, &global);
        if (!tb) {
            ctx->running = NULL;
            interp_run(env, 1);
            return;
        }
        if (env->icount_enabled && env->icount_left < tb->icount) {
            ctx->running = NULL;
            interp_run(env, (uint32_t)env->icount_left);
            return;
        }
        uint64_t why = ctx->enter(env, enter_block(ctx, tb, global, 0));
        ctx->running = NULL;
        env->unwind_sp = 0;
        ctx->stats.left_poll += why == TB_LEAVE_EIP;
        ctx->stats.left_end += why == TB_LEAVE_END;
        if (why != TB_LEAVE_LOOKUP
            && (why != TB_LEAVE_END || atomic_load_explicit(&env->interrupt_request, memory_order_relaxed)))
            return;
    }
}
