/* From guest instructions to one TranslationBlock: choose and stitch templates; gen-stub.c puts behind it what is
 * rarely run. */
#include "gen.h"
#include "gen-fpu.h"

#include <string.h>

#include "cpuid.h"
#include "log.h"
#include "optimise.h"
#include "perfmap.h"
#include "tmpl-gen.h"

/* Room that the largest block needs at the end of the code region, in words. */
#define BLOCK_ROOM 65536u

/* Instructions that are more than one template between their operands. */
static gen_fn *const by_mnem[MN_COUNT] = {
    [MN_MOV] = gen_mov, [MN_MOVZX] = gen_movx, [MN_MOVSX] = gen_movx, [MN_LEA] = gen_lea, [MN_XCHG] = gen_xchg,
    [MN_SETCC] = gen_setcc, [MN_CMOVCC] = gen_cmovcc, [MN_CLD] = gen_cld_std, [MN_STD] = gen_cld_std,
    [MN_NOP] = gen_nop, [MN_PAUSE] = gen_nop, [MN_PUSH] = gen_push, [MN_POP] = gen_pop, [MN_LEAVE] = gen_leave,
    [MN_JMP] = gen_jmp, [MN_JCC] = gen_jcc, [MN_CALL] = gen_call, [MN_RET] = gen_ret,
    [MN_LOOP] = gen_loop, [MN_LOOPE] = gen_loop, [MN_LOOPNE] = gen_loop, [MN_JCXZ] = gen_loop,
    [MN_CLI] = gen_cli_sti, [MN_STI] = gen_cli_sti, [MN_PUSHF] = gen_pushf, [MN_POPF] = gen_popf,
    [MN_CMPXCHG] = gen_cmpxchg, [MN_CMPXCHG8B] = gen_cmpxchg8b,
    [MN_XADD] = gen_xadd, [MN_LFENCE] = gen_nop, [MN_SFENCE] = gen_nop, [MN_MFENCE] = gen_nop,
    [MN_PREFETCHNTA] = gen_nop, [MN_PREFETCHT0] = gen_nop, [MN_PREFETCHT1] = gen_nop, [MN_PREFETCHT2] = gen_nop,
    [MN_MOVNTI] = gen_mov,
    [MN_FISTTP] = gen_fpu, [MN_FLDCW] = gen_fldcw, [MN_EMMS] = gen_emms,
    [MN_MOVS] = gen_string, [MN_STOS] = gen_string, [MN_LODS] = gen_string,
    [MN_SCAS] = gen_string, [MN_CMPS] = gen_string,
    [MN_SYSENTER] = gen_sysenter, [MN_SYSEXIT] = gen_sysexit, [MN_VERW] = gen_verw, [MN_RDTSC] = gen_rdtsc,
};

static bool gen_insn(struct gen *g, const struct insn *in)
{
    const struct isa_info *info = &isa_info[in->form];
    if (info->feature != ISA_F_BASE && !cpu_has(g->env, (enum isa_feature)info->feature))
        return false;
    if ((info->flags & (ISA_CPL0 | ISA_PROTECTED)) && in->mnem != MN_SYSEXIT && in->mnem != MN_VERW)
        return false;
    if ((g->env->cr[0] & CR0_AM) && (g->env->eflags & AC_MASK) && cpu_cpl(g->env) == 3)
        return false;
    if (by_mnem[in->mnem])
        return by_mnem[in->mnem](g, in);
    if (info->flags & (ISA_END_BLOCK | ISA_END_EXIT))
        return false;
    switch (info->feature) {
    case ISA_F_FPU: case ISA_F_FCMOV:
        return gen_fpu(g, in);
    case ISA_F_MMX: case ISA_F_SSE: case ISA_F_SSE2: case ISA_F_SSE3:
        return optimise_on(OPTIMISE_SIMD) && (gen_scalar(g, in) || gen_simd(g, in));
    default:
        return gen_from_table(g, in);
    }
}

/* ---- a block ---- */

static void log_block(const struct gen *g)
{
    char text[80];
    log_printf("IN: eip %08x phys %09llx flags %08x\n", g->eip, (unsigned long long)g->phys_pc, g->flags);
    for (unsigned i = 0; i < g->n; i++)
        log_printf("  %08x  %s\n", g->eips[i], insn_format(&g->insns[i], g->eips[i], text, sizeof text));
}

static void log_host(const TranslationBlock *tb)
{
    log_printf("OUT: %u words\n", tb->host_words);
    for (uint32_t i = 0; i < tb->host_words; i++)
        log_printf("  %p  %08x\n", (const void *)(tb->host + i), tb->host[i]);
}

static bool finish(struct gen *g)
{
    TranslationBlock *tb = g->tb;
    tb->host_words = (uint32_t)(g->p - tb->host);
    tb->nexits = (uint8_t)g->nexits;
    tb->exit = tb_arena_alloc(g->ctx, g->nexits * sizeof *tb->exit);
    if (!tb->exit)
        return false;
    memcpy(tb->exit, g->exits, g->nexits * sizeof *tb->exit);
    tb->map = tb_arena_alloc(g->ctx, g->n * sizeof *tb->map);
    tb->fstates = tb_arena_alloc(g->ctx, g->nfstates * sizeof *tb->fstates);
    tb->stubs = tb_arena_alloc(g->ctx, g->nsmap * sizeof *tb->stubs);
    if (!tb->map || !tb->fstates || !tb->stubs)
        return false;
    memcpy(tb->map, g->map, g->n * sizeof *tb->map);
    if (g->nfpu) {
        tb->fpustates = tb_arena_alloc(g->ctx, g->nfpu * sizeof *tb->fpustates);
        if (!tb->fpustates)
            return false;
        memcpy(tb->fpustates, g->fpustates, g->nfpu * sizeof *tb->fpustates);
    }
    if (g->nxmm > 1) {
        tb->xmmstates = tb_arena_alloc(g->ctx, g->nxmm * sizeof *tb->xmmstates);
        if (!tb->xmmstates)
            return false;
        memcpy(tb->xmmstates, g->xmmstates, g->nxmm * sizeof *tb->xmmstates);
    }
    memcpy(tb->fstates, g->fstates, g->nfstates * sizeof *tb->fstates);
    memcpy(tb->stubs, g->smap, g->nsmap * sizeof *tb->stubs);
    tb->nstubs = g->nsmap;
    return true;
}

/* Does the code of the instruction, a block's last one, have the block's exits in it? */
static bool leaves_itself(const struct gen *g, const struct insn *in)
{
    return (isa_info[in->form].flags & (ISA_END_BLOCK | ISA_END_EXIT)) || gen_changes_df(g, in);
}

static void gen_body(struct gen *g)
{
    for (g->cur = 0; g->cur < g->n && !g->ended; g->cur++) {
        const struct insn *in = &g->insns[g->cur];
        struct insn_map *map = &g->map[g->cur];
        gen_trace(g, GEN_TRACE_INSN, g->cur);
        if (g->loop && g->cur == g->loop)
            gen_note_head(g);
        if (!gen_xmm_empty(g) || isa_info[in->form].feature != ISA_F_BASE)
            gen_xmm_before(g, in);
        gen_xmm_note(g);
        gen_note_state(g);
        gen_fpu_note(g);
        if (g->cur == g->n - 1 && !g->loop && leaves_itself(g, in))
            gen_fpu_sync(g);
        map->guest = (int16_t)(g->eips[g->cur] - g->eip);
        map->host = (uint32_t)(g->p - g->tb->host);
        map->form = in->form;
        unsigned stubs = g->nstubs;
        map->interp = !gen_insn(g, in);
        if (map->interp)
            gen_interp(g);
        for (; stubs < g->nstubs; stubs++)
            if (g->stubs[stubs].kind == STUB_INTERP) {
                g->stubs[stubs].resume = g->p;
                g->stubs[stubs].xmm_after = g->xmm.at;
            }
        gen_fpu_after(g);
        if (!optimise_on(OPTIMISE_FLAG_TRACKING) && !g->ended)
            gen_canon(g);
    }
    if (!g->ended) {
        g->cur = g->n - 1;
        gen_fpu_sync(g);
        gen_trace(g, GEN_TRACE_EXIT, 0);
        gen_exit(g, 0, g->eips[g->n]);
    }
}

static bool room(const struct tb_context *ctx)
{
    return ctx->code_ptr + BLOCK_ROOM < ctx->code_limit && ctx->ntbs < ctx->max_tbs
        && ctx->npool + 2 * TB_MAX_INSNS < ctx->max_pool && ctx->nsides + TB_MAX_INSNS < ctx->max_sides
        && ctx->arena_size - ctx->arena_used > sizeof(struct gen);
}

TranslationBlock *tb_gen_code(struct tb_context *ctx, uint32_t eip, uint32_t cs_base, uint32_t flags, hwaddr phys_pc)
{
    static struct gen state; /* one vCPU translates at a time */
    struct gen *g = &state;
    if (!room(ctx))
        tb_flush_all(ctx);
    g->ctx = ctx;
    g->env = ctx->env;
    g->flags = flags;
    g->eip = eip;
    g->cs_base = cs_base;
    g->phys_pc = phys_pc;
    g->nstubs = g->nsmap = g->nfstates = 0;
    g->fs_noted = false;
    g->nexits = TB_EXIT_SIDE;
    memset(g->exits, 0, TB_EXIT_SIDE * sizeof g->exits[0]);
    memset(g->xmm_known, 0, sizeof g->xmm_known);
    gen_xmm_begin(g);
    g->ended = false;
    if (!gen_fetch_block(g))
        return NULL;
    gen_liveness(g);

    TranslationBlock *tb = tb_alloc(ctx);
    g->tb = tb;
    tb->eip = eip;
    tb->cs_base = cs_base;
    tb->flags = flags;
    tb->phys_pc = phys_pc;
    tb->phys_page2 = g->phys_page2;
    tb->nranges = (uint8_t)g->nranges;
    memcpy(tb->range, g->range, g->nranges * sizeof tb->range[0]);
    tb->page2_end = (uint16_t)g->page2_end;
    tb->icount = (uint16_t)g->n;
    tb->loop = (uint8_t)g->loop;
    tb->host = g->p = ctx->code_ptr;
    gen_flags_dynamic(g);
    tb->fptw = gen_fpu_word(g);
    gen_fpu_begin(g);
    g->cur = 0;
    if (g->env->icount_enabled) {
        uint32_t *start = g->p;
        g->p = emit_icount_check(g->p, -(int)g->n, NULL);
        gen_stub(g, STUB_ICOUNT, start + SITE_icount_check_out)->eip = eip;
    }
    if (ctx->profile_counts)
        g->p = emit_count_block(g->p, (int)(ctx->ntbs * 8 + 0x8000) >> 16, (int16_t)(ctx->ntbs * 8));
    if (ctx->count_insns)
        g->p = emit_count_insns(g->p, (int)g->n);
    gen_body(g);
    gen_stubs(g);
    if (!finish(g))
        user_error("out of memory for translation blocks");
    ctx->code_ptr = g->p;
    __builtin___clear_cache((char *)tb->host, (char *)g->p);
    tb_insert(ctx, tb);
    if (log_enabled(LOG_IN_ASM))
        log_block(g);
    if (log_enabled(LOG_OUT_ASM))
        log_host(tb);
    if (perfmap_on())
        perfmap_add(tb->host, tb->host_words * sizeof *tb->host, "guest_%08x_cpl%u", tb->cs_base + tb->eip,
                    tb->flags & HF_CPL_MASK);
    return tb;
}

/* ---- the frame ---- */

static const uint32_t *thunk_full(struct tb_context *ctx, unsigned helper)
{
    const uint32_t *at = ctx->code_ptr;
    ctx->code_ptr = emit_thunk_call(ctx->code_ptr, (int)(offsetof(CPUX86State, tb_helpers) + 8 * helper));
    return at;
}

void gen_frame(struct tb_context *ctx)
{
    uint32_t *p = ctx->code_ptr;
    ctx->enter = (uint64_t (*)(CPUX86State *, const uint32_t *))(uintptr_t)p;
    p = emit_prologue(p, HOST_SMALLEST);
    const uint32_t *epilogue = p;
    p = emit_epilogue(p, HOST_SMALLEST);
    ctx->exit_link = p;
    p = emit_next_link(p);
    const uint32_t *next = p;
    p = emit_save_eip(p);
    p = emit_save_guest(p);
    p = emit_go_on(p, (int)(offsetof(CPUX86State, tb_helpers) + 8 * TBH_NEXT));
    ctx->thunk_interp = p;
    p = emit_interp_back(p);
    const uint32_t *interp = p;
    p = emit_save_guest(p);
    p = emit_go_on(p, (int)(offsetof(CPUX86State, tb_helpers) + 8 * TBH_INTERP));
    ctx->thunk_end = p;
    p = emit_interp_end(p, interp);
    ctx->unwound = p;
    p = emit_unwound(p, HOST_SMALLEST);
    p = emit_go_on(p, (int)(offsetof(CPUX86State, tb_helpers) + 8 * TBH_UNWOUND));
    ctx->exit_lookup = p;
    p = emit_next_lookup(p, next);
    ctx->exit_eip = p;
    p = emit_leave_code(p, TB_LEAVE_EIP, epilogue);
    ctx->exit_leave = p;
    p = emit_leave_code(p, TB_LEAVE_LOOKUP, epilogue);
    ctx->exit_end = p;
    p = emit_leave_code(p, TB_LEAVE_END, epilogue);
    p = gen_mode_frame(ctx, p);
    ctx->exit_jmp_cache = p;
    if (optimise_on(OPTIMISE_JUMP_CACHE)) {
        p = emit_jmp_cache(p, HREG_t9, ctx->exit_lookup);
        p = emit_nop(p);
    } else
        ctx->exit_jmp_cache = ctx->exit_lookup;
    ctx->thunk_flags = p;
    p = emit_thunk_flags(p, (int)(offsetof(CPUX86State, tb_helpers) + 8 * TBH_FLAGS));
    if (optimise_on(OPTIMISE_QUICK_FLAGS)) {
        const uint32_t *full = ctx->thunk_flags;
        ctx->thunk_flags = p;
        p = emit_quick_flags(p, full);
    }
    ctx->thunk_window = p;
    p = emit_thunk_window(p, (int)(offsetof(CPUX86State, tb_helpers) + 8 * TBH_WINDOW));
    ctx->code_ptr = p;
    gen_x87_routines(ctx);
    gen_string_frame(ctx);
    const uint32_t *ld[3], *st[3];
    for (unsigned i = 0; i < 3; i++) {
        ld[i] = thunk_full(ctx, TBH_LD + i);
        ctx->thunk_ldrw[i] = thunk_full(ctx, TBH_LDRW + i);
        st[i] = thunk_full(ctx, TBH_ST + i);
    }
    ctx->thunk_tsc = thunk_full(ctx, TBH_TSC);
    p = ctx->code_ptr;
    if (optimise_on(OPTIMISE_MISALIGNED)) {
        const uint32_t *quick = p;
        p = emit_quick_ld_u16(p, ld[1]);
        ld[1] = quick;
        quick = p;
        p = emit_quick_ld_32(p, ld[2]);
        ld[2] = quick;
        quick = p;
        p = emit_quick_st_16(p, st[1]);
        st[1] = quick;
        quick = p;
        p = emit_quick_st_32(p, st[2]);
        st[2] = quick;
    }
    memcpy(ctx->thunk_ld, ld, sizeof ld);
    memcpy(ctx->thunk_st, st, sizeof st);
    ctx->code_ptr = ctx->code_first = p;
    if (perfmap_on())
        perfmap_add(ctx->code, (size_t)((char *)p - (char *)ctx->code), "stitch86_frame");
    __builtin___clear_cache((char *)ctx->code, (char *)p);
}
