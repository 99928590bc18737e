/* C functions that translated code calls, through the thunks of templates/frame.tmpl.
 * Guest registers are in the vCPU state by then; `ra` is where the call returns to. */
#include "tb-context.h"

#include "exception.h"
#include "flags.h"
#include "interp.h"
#include "optimise.h"
#include "profile.h"

static int64_t helper_ldub(CPUX86State *env, uint64_t vaddr, uint64_t v, uintptr_t ra)
{
    (void)v;
    return (int32_t)mmu_ldub(env, (uint32_t)vaddr, cpu_mmu_index(env), ra);
}

static int64_t helper_lduw(CPUX86State *env, uint64_t vaddr, uint64_t v, uintptr_t ra)
{
    (void)v;
    return (int32_t)mmu_lduw(env, (uint32_t)vaddr, cpu_mmu_index(env), ra);
}

static int64_t helper_ldl(CPUX86State *env, uint64_t vaddr, uint64_t v, uintptr_t ra)
{
    (void)v;
    return (int32_t)mmu_ldl(env, (uint32_t)vaddr, cpu_mmu_index(env), ra);
}

/* The load of a read-modify-write faults as the write would. */
static int64_t helper_ldub_rw(CPUX86State *env, uint64_t vaddr, uint64_t v, uintptr_t ra)
{
    (void)v;
    mmu_probe(env, (uint32_t)vaddr, 1, MMU_DATA_STORE, cpu_mmu_index(env), ra);
    return (int32_t)mmu_ldub(env, (uint32_t)vaddr, cpu_mmu_index(env), ra);
}

static int64_t helper_lduw_rw(CPUX86State *env, uint64_t vaddr, uint64_t v, uintptr_t ra)
{
    (void)v;
    mmu_probe(env, (uint32_t)vaddr, 2, MMU_DATA_STORE, cpu_mmu_index(env), ra);
    return (int32_t)mmu_lduw(env, (uint32_t)vaddr, cpu_mmu_index(env), ra);
}

static int64_t helper_ldl_rw(CPUX86State *env, uint64_t vaddr, uint64_t v, uintptr_t ra)
{
    (void)v;
    mmu_probe(env, (uint32_t)vaddr, 4, MMU_DATA_STORE, cpu_mmu_index(env), ra);
    return (int32_t)mmu_ldl(env, (uint32_t)vaddr, cpu_mmu_index(env), ra);
}

static int64_t helper_stb(CPUX86State *env, uint64_t vaddr, uint64_t v, uintptr_t ra)
{
    mmu_stb(env, (uint32_t)vaddr, (uint8_t)v, cpu_mmu_index(env), ra);
    return 0;
}

static int64_t helper_stw(CPUX86State *env, uint64_t vaddr, uint64_t v, uintptr_t ra)
{
    mmu_stw(env, (uint32_t)vaddr, (uint16_t)v, cpu_mmu_index(env), ra);
    return 0;
}

static int64_t helper_stl(CPUX86State *env, uint64_t vaddr, uint64_t v, uintptr_t ra)
{
    mmu_stl(env, (uint32_t)vaddr, (uint32_t)v, cpu_mmu_index(env), ra);
    return 0;
}

/* One instruction through the interpreter; returns where to go on: `back` in the block, if the block may go on after
 * what the instruction has done (NULL: it ends here).  -icount: the block took all its instructions off at its
 * entry; while this one runs, the count is that of the instructions before it. */
static const uint32_t *helper_interp(CPUX86State *env, uint64_t index, const uint32_t *back)
{
    struct tb_context *ctx = env->tbs;
    const struct tb_interp_insn *ti = &ctx->pool[index];
    TranslationBlock *tb = ti->tb;
    uint32_t next = ti->eip + ti->insn.len;
    int32_t rest = tb->icount - (int32_t)ti->index;
    ctx->running = tb;
    env->eip = ti->eip;
    if (env->icount_enabled)
        env->icount_left += rest;
    env->hflags &= ~(uint32_t)HF_INHIBIT;
    tb_restore_fpu(env, tb, ti->index);
    ti->handler(env, &ti->insn);
    env->insns_interp++;
    ctx->interp_forms[ti->insn.form]++;
    if (profile_on(env))
        profile_interp(env, ti->insn.form, !tb->map[ti->index].interp);
    if (env->icount_enabled)
        env->icount_left--;
    if (isa_info[ti->insn.form].flags & (ISA_END_BLOCK | ISA_END_EXIT)) {
        /* Interrupts may be taken now that were not before, or there are some. */
        if ((isa_info[ti->insn.form].flags & ISA_END_EXIT)
            && atomic_load_explicit(&env->interrupt_request, memory_order_relaxed))
            return ctx->exit_end;
        if (!back || atomic_load_explicit(&env->exit_request, memory_order_relaxed) < 0)
            return tb_next(ctx, 0);
    }
    if (!back || env->eip != next || tb->invalid || ctx->running != tb || tb_flags(env) != tb->flags || env->halted
        || (tb->fptw != TB_ANY_FPTW && env->fptw != tb->map[ti->index].fptw_after)
        || (env->hflags & HF_INHIBIT) || env->db_status || env->segs[R_CS].base != tb->cs_base)
        return tb_next(ctx, 0);
    if (env->icount_enabled)
        env->icount_left -= rest - 1;
    return back;
}

/* RDTSC.  -icount: the time is that before the instruction; `rest` of the block's are to come. */
static int64_t helper_tsc(CPUX86State *env, uint64_t unused, uint64_t rest, uintptr_t ra)
{
    (void)unused;
    (void)ra;
    int32_t left = env->icount_left;
    if (env->icount_enabled)
        env->icount_left += (int32_t)rest;
    int64_t tsc = (int64_t)cpu_read_tsc(env);
    env->icount_left = left;
    return tsc;
}

static const uint32_t *helper_next(CPUX86State *env, uint64_t link_ra)
{
    struct tb_context *ctx = env->tbs;
    ctx->stats.jc_misses += link_ra == 0;
    ctx->stats.left_link += link_ra != 0;
    return tb_next(ctx, link_ra);
}

/* C called from translated code has unwound: a guest exception, or the block must not go on. */
static const uint32_t *helper_unwound(CPUX86State *env)
{
    struct tb_context *ctx = env->tbs;
    if (env->exception_index >= 0)
        deliver_exception(env);
    if (atomic_load_explicit(&env->interrupt_request, memory_order_relaxed))
        return ctx->exit_end;
    return tb_next(ctx, 0);
}

/* -O no-go-on: the same, and what they have found is looked up again by tb_run(). */
static const uint32_t *helper_interp_leave(CPUX86State *env, uint64_t index, const uint32_t *back)
{
    const struct tb_context *ctx = env->tbs;
    const uint32_t *to = helper_interp(env, index, back);
    return to == back || to == ctx->exit_end ? to : ctx->exit_leave;
}

static const uint32_t *helper_next_leave(CPUX86State *env, uint64_t link_ra)
{
    helper_next(env, link_ra);
    return env->tbs->exit_leave;
}

void tb_helpers_init(CPUX86State *env)
{
    const bool go_on = optimise_on(OPTIMISE_GO_ON);
    static int64_t (*const mem[9])(CPUX86State *, uint64_t, uint64_t, uintptr_t) = {
        helper_ldub, helper_lduw, helper_ldl, helper_ldub_rw, helper_lduw_rw, helper_ldl_rw,
        helper_stb, helper_stw, helper_stl};
    env->tb_helpers[TBH_FLAGS] = (uintptr_t)cc_compute_all;
    env->tb_helpers[TBH_INTERP] = (uintptr_t)(go_on ? helper_interp : helper_interp_leave);
    env->tb_helpers[TBH_UNWOUND] = (uintptr_t)helper_unwound;
    env->tb_helpers[TBH_NEXT] = (uintptr_t)(go_on ? helper_next : helper_next_leave);
    env->tb_helpers[TBH_WINDOW] = (uintptr_t)helper_window;
    env->tb_helpers[TBH_TSC] = (uintptr_t)helper_tsc;
    for (unsigned i = 0; i < 9; i++)
        env->tb_helpers[TBH_LD + i] = (uintptr_t)mem[i];
}
