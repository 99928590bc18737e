/* Ends of blocks: jumps, calls, returns, and the exits that other blocks are linked to.
 *
 * An exit brings the flags record to its canonical registers, the last word of that in the delay
 * slot of the jump.  A jump backwards asks first whether the vCPU has to leave. */
#include "gen-fpu.h"

#include "mips-patch.h"
#include "optimise.h"
#include "tmpl-gen.h"

/* Canonical flags, with the words after the first *used still to come: all but the last one. */
static void canon_but_last(struct gen *g, unsigned *used)
{
    uint32_t w[12];
    unsigned n = gen_canon_words(&g->fs, w);
    while (*used + 1 < n)
        *g->p++ = w[(*used)++];
}

/* The rest of them, where there is no slot to fill. */
static void canon_rest(struct gen *g, unsigned used)
{
    canon_but_last(g, &used);
    uint32_t w[12];
    if (gen_canon_words(&g->fs, w) > used)
        *g->p++ = w[used];
}

/* The next one, for the delay slot of what was just emitted. */
static void canon_slot(struct gen *g, unsigned *used)
{
    uint32_t w[12];
    if (gen_canon_words(&g->fs, w) > *used)
        *g->p++ = w[(*used)++];
    else
        g->p = emit_nop(g->p);
}

static bool same_page(const struct gen *g, uint32_t eip)
{
    return g->phys_page2 == TB_NO_PAGE
        && (((eip + g->cs_base) ^ (g->eip + g->cs_base)) & TARGET_PAGE_MASK) == 0;
}

/* Jumps backwards ask whether the vCPU has to leave; with -icount each block does. */
static bool polls(const struct gen *g, uint32_t eip)
{
    return eip <= g->eips[g->cur] && !g->env->icount_enabled;
}

/* The caller fills the delay slot. */
static void poll(struct gen *g, uint32_t eip)
{
    uint32_t *start = g->p;
    g->p = emit_poll(g->p, NULL);
    gen_stub(g, STUB_POLL, start + SITE_poll_out)->eip = eip;
}

/* To the eip in host register t, by way of the jump cache. */
static void exit_indirect(struct gen *g, int t, unsigned used)
{
    if (!optimise_on(OPTIMISE_INLINE_CACHE) || !optimise_on(OPTIMISE_JUMP_CACHE)) {
        canon_rest(g, used);
        g->p = emit_jump(g->p, g->ctx->exit_jmp_cache);
        g->p = t == HREG_t9 ? emit_nop(g->p) : emit_move(g->p, HREG_t9, t);
        g->ended = true;
        return;
    }
    canon_but_last(g, &used);
    uint32_t *start = g->p;
    g->p = emit_jmp_cache(g->p, t, NULL);
    gen_stub(g, STUB_MISS, start + SITE_jmp_cache_miss)->a = (uint8_t)t;
    canon_slot(g, &used);
    g->ended = true;
}

static bool page_is_global(const struct gen *g)
{
    const uint8_t *host;
    bool global;
    mmu_fetch_page(g->env, g->eip + g->cs_base, &host, &global);
    return global;
}

/* `used`: words of the canonical form that stand in a delay slot before already. */
static void exit_direct(struct gen *g, unsigned n, uint32_t eip, unsigned used)
{
    struct tb_exit *e = &g->exits[n];
    if (!same_page(g, eip) || !optimise_on(OPTIMISE_LINK)) {
        bool may = optimise_on(OPTIMISE_LINK) && optimise_on(OPTIMISE_CROSS_LINKS);
        int page = may ? tb_link_page(g->ctx, eip + g->cs_base, g->flags) : -1;
        if (page < 0) {
            gen_li(g, HREG_t9, (int32_t)eip);
            exit_indirect(g, HREG_t9, used);
            return;
        }
        bool global = optimise_on(OPTIMISE_GLOBAL_LINKS) && page_is_global(g);
        e->cross = global ? TB_CROSS_GLOBAL : TB_CROSS_GUARDED;
        e->page = (uint16_t)page;
    }
    if (polls(g, eip)) {
        poll(g, eip);
        canon_slot(g, &used);
    }
    if (e->cross == TB_CROSS_GUARDED) {
        uint32_t *start = g->p;
        g->p = emit_page_guard(g->p, (int)offsetof(CPUX86State, page_guard) + e->page, NULL);
        gen_stub(g, STUB_PAGE, start + SITE_page_guard_out)->eip = eip;
        canon_slot(g, &used);
    }
    canon_but_last(g, &used);
    e->jump = g->p;
    e->eip = eip;
    e->insn = (uint16_t)g->cur;
    g->p = emit_jump(g->p, NULL);
    canon_slot(g, &used);
    struct gen_stub *s = gen_stub(g, STUB_EXIT, e->jump);
    s->exit_n = (uint8_t)n;
    s->eip = eip;
}

void gen_exit(struct gen *g, unsigned n, uint32_t eip)
{
    exit_direct(g, n, eip, 0);
    g->ended = true;
}

void gen_exit_mode(struct gen *g, uint32_t eip)
{
    g->p += gen_canon_words(&g->fs, g->p);
    g->p = emit_exit_at(g->p, (int)(eip >> 16), (int)(eip & 0xffff), g->ctx->exit_lookup);
    g->ended = true;
}

static uint32_t rel_target(const struct gen *g, const struct insn *in)
{
    return g->eips[g->cur] + in->len + in->imm;
}

static struct gen_stub *side_exit(struct gen *g, uint32_t *branch, uint32_t eip, unsigned rest)
{
    struct gen_stub *s = gen_stub(g, STUB_SIDE, branch);
    s->eip = eip;
    s->rest = (uint8_t)rest;
    return s;
}

static void count_rounds(struct gen *g)
{
    struct tb_context *ctx = g->ctx;
    if (ctx->count_insns)
        g->p = emit_count_insns(g->p, (int)g->loop);
    if (ctx->profile_counts) {
        g->tb->rounds = ctx->max_tbs + ctx->nsides++;
        uint32_t offset = g->tb->rounds * 8;
        g->p = emit_count_block(g->p, (int)((offset + 0x8000) >> 16), (int16_t)offset);
    }
}

/* A word that may stand in the delay slot of a branch-likely: no access, no branch, nothing that gets patched. */
static bool fits_slot(uint32_t w)
{
    switch (w >> 26) {
    case 0: {
        unsigned f = w & 63;
        return w != 0 && (f <= 7 || (f >= 0x20 && f <= 0x2f) || f >= 0x38) && f != 1 && f != 5;
    }
    case 9: case 10: case 11: case 12: case 13: case 14: case 15: case 25: case 31:
        return true; /* with constants; extract and insert */
    default:
        return false;
    }
}

/* The end of a loop that the block has twice, in its conditional jump (`branch`: to what is behind the loop, or NULL).
 * With -icount the round to come is paid before it begins. */
static void loop_end(struct gen *g, uint32_t *branch, uint32_t behind)
{
    bool icount = g->env->icount_enabled;
    if (!gen_is_head(g)) {
        if (branch) {
            g->p = emit_nop(g->p);
            side_exit(g, branch, behind, 0);
        }
        gen_fpu_sync(g);
        gen_exit(g, 0, g->eip);
        return;
    }
    if (icount)
        g->p = emit_addiu(g->p, HREG_icount, HREG_icount, -(int)g->loop);
    else if (branch)
        g->p = emit_nop(g->p);
    if (branch)
        side_exit(g, branch, behind, icount ? g->loop : 0);
    gen_xmm_to_head(g);
    count_rounds(g);
    if (!icount) {
        g->p = emit_loop_poll(g->p, g->head.p);
        g->p = emit_nop(g->p);
    } else if (optimise_on(OPTIMISE_SLOT_FILL) && fits_slot(*g->head.p)) {
        g->p = emit_loop_icount_likely(g->p, g->head.p + 1);
        *g->p++ = *g->head.p;
    } else {
        g->p = emit_loop_icount(g->p, g->head.p);
        g->p = emit_nop(g->p);
    }
    gen_fpu_sync(g);
    g->p += gen_canon_words(&g->fs, g->p);
    if (icount)
        g->p = emit_exit_icount(g->p, (int)g->loop, (int)(g->eip >> 16), (int)(g->eip & 0xffff), g->ctx->exit_eip);
    else
        g->p = emit_exit_at(g->p, (int)(g->eip >> 16), (int)(g->eip & 0xffff), g->ctx->exit_eip);
    g->ended = true;
}

bool gen_jmp(struct gen *g, const struct insn *in)
{
    if (in->opsize != 4)
        return false;
    const struct operand *o = &in->op[0];
    if (g->loop && g->cur + 1 == g->n) {
        loop_end(g, NULL, 0);
        return true;
    }
    if (o->kind == OPK_REL && g->cur + 1 < g->n) {
        /* The block goes on there. */
        if (g->cur + 1 != g->loop && polls(g, rel_target(g, in))) {
            poll(g, rel_target(g, in));
            g->p = emit_nop(g->p);
        }
        return true;
    }
    if (o->kind == OPK_REL) {
        gen_exit(g, 0, rel_target(g, in));
        return true;
    }
    if (o->kind == OPK_REG)
        exit_indirect(g, greg(o->reg), 0);
    else if (gen_mem_ok(g, in)) {
        gen_load(g, HREG_T1, gen_ea(g, in), 4, true);
        exit_indirect(g, HREG_T1, 0);
    } else
        return false;
    return true;
}

/* Two exits behind a branch word whose delay slot is still open. */
static void two_exits(struct gen *g, uint32_t *branch, uint32_t taken, uint32_t not_taken)
{
    uint32_t w[12];
    unsigned k = gen_canon_words(&g->fs, w), used = 0;
    if (k > 1)
        *g->p++ = w[used++];
    else
        g->p = emit_nop(g->p);
    struct flag_state fs = g->fs;
    exit_direct(g, 0, not_taken, used);
    mips_patch_branch(branch, g->p);
    g->fs = fs;
    g->fs_noted = false;
    exit_direct(g, 1, taken, used);
    g->ended = true;
}

bool gen_jcc(struct gen *g, const struct insn *in)
{
    if (in->opsize != 4)
        return false;
    uint32_t behind = g->eips[g->cur] + in->len;
    bool round = g->loop && (g->cur + 1 == g->loop || g->cur + 1 == g->n);
    uint32_t *branch = gen_cond_branch(g, in->cond ^ (round ? 1u : 0u));
    if (round && g->cur + 1 == g->n) {
        loop_end(g, branch, behind);
        return true;
    }
    if (g->cur + 1 < g->n) {
        g->p = emit_nop(g->p);
        side_exit(g, branch, round ? behind : rel_target(g, in), g->n - g->cur - 1);
        return true;
    }
    two_exits(g, branch, rel_target(g, in), behind);
    return true;
}

/* The way out of a block that goes on behind the jump: instructions that are not executed are given back. */
void gen_side_exit(struct gen *g, struct gen_stub *s)
{
    struct tb_context *ctx = g->ctx;
    unsigned n = g->nexits++;
    uint32_t eip = s->eip;
    g->exits[n] = (struct tb_exit){.insn = s->insn};
    gen_stub_state(g, s);
    if (g->env->icount_enabled && s->rest)
        g->p = emit_addiu(g->p, HREG_icount, HREG_icount, s->rest);
    if (ctx->count_insns)
        g->p = emit_count_insns(g->p, -(int)(g->n - s->insn - 1u));
    if (ctx->profile_counts) {
        g->exits[n].taken = ctx->max_tbs + ctx->nsides++;
        uint32_t offset = g->exits[n].taken * 8;
        g->p = emit_count_block(g->p, (int)((offset + 0x8000) >> 16), (int16_t)offset);
    }
    gen_fpu_sync(g);
    exit_direct(g, n, eip, 0);
}

/* LOOP, LOOPE, LOOPNE, JCXZ with a 32-bit counter. */
bool gen_loop(struct gen *g, const struct insn *in)
{
    if (in->opsize != 4 || in->addrsize != 4)
        return false;
    uint32_t *branch;
    if (in->mnem == MN_JCXZ) {
        g->p = emit_beqz(g->p, HREG_ecx, NULL);
        branch = g->p - 1;
    } else if (in->mnem == MN_LOOP) {
        gen_guest_write(g, R_ECX);
        g->p = emit_addiu(g->p, HREG_ecx, HREG_ecx, -1);
        g->p = emit_bnez(g->p, HREG_ecx, NULL);
        branch = g->p - 1;
    } else {
        gen_guest_write(g, R_ECX);
        gen_cond_value(g, in->mnem == MN_LOOPE ? 4 : 5, HREG_T3);
        g->p = emit_addiu(g->p, HREG_ecx, HREG_ecx, -1);
        /* ecx != 0 && condition */
        g->p = emit_movz(g->p, HREG_T3, HREG_zero, HREG_ecx);
        g->p = emit_bnez(g->p, HREG_T3, NULL);
        branch = g->p - 1;
    }
    two_exits(g, branch, rel_target(g, in), g->eips[g->cur + 1]);
    return true;
}

static void push_return(struct gen *g)
{
    gen_li(g, HREG_T2, (int32_t)g->eips[g->cur + 1]);
    gen_push_value(g, HREG_T2);
}

bool gen_call(struct gen *g, const struct insn *in)
{
    if (in->opsize != 4 || !gen_stack_ok(g))
        return false;
    const struct operand *o = &in->op[0];
    if (o->kind == OPK_REL) {
        push_return(g);
        gen_exit(g, 0, rel_target(g, in));
        return true;
    }
    if (o->kind == OPK_MEM && !gen_mem_ok(g, in))
        return false;
    gen_guest_write(g, R_ESP);
    int target = HREG_T1;
    if (o->kind == OPK_MEM)
        gen_load(g, HREG_T1, gen_ea(g, in), 4, true);
    else if (o->reg != R_ESP)
        target = greg(o->reg);
    else
        gen_move(g, HREG_T1, HREG_esp);
    push_return(g);
    exit_indirect(g, target, 0);
    return true;
}

bool gen_ret(struct gen *g, const struct insn *in)
{
    if (in->opsize != 4 || !gen_stack_ok(g))
        return false;
    gen_guest_write(g, R_ESP);
    gen_load(g, HREG_T1, gen_at(HREG_esp), 4, true);
    int32_t pops = 4 + (in->nops ? (int32_t)(in->imm & 0xffff) : 0);
    if (pops < 0x8000)
        g->p = emit_addiu(g->p, HREG_esp, HREG_esp, pops);
    else {
        gen_li(g, HREG_at, pops);
        g->p = emit_addu(g->p, HREG_esp, HREG_esp, HREG_at);
    }
    exit_indirect(g, HREG_T1, 0);
    return true;
}
