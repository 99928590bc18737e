/* Ends of blocks: jumps, calls, returns, and the exits that other blocks are linked to.
 *
 * An exit brings the flags record to its canonical registers, the last word of that in the delay
 * slot of the jump.  A jump backwards asks first whether the vCPU has to leave. */
#include "gen-fpu.h"

#include "mips-patch.h"
#include "tmpl-gen.h"

/* Canonical flags, with the words after the first `used` still to come; the jump takes the last one. */
static void canon_and_jump(struct gen *g, unsigned used, const uint32_t *target, uint32_t **jump)
{
    uint32_t w[12];
    unsigned n = gen_canon_words(&g->fs, w);
    for (unsigned i = used; i + 1 < n; i++)
        *g->p++ = w[i];
    *jump = g->p;
    g->p = emit_jump(g->p, target);
    if (n > used)
        *g->p++ = w[n - 1];
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

/* `used`: words of the canonical form that stand in a delay slot before already. */
static void exit_direct(struct gen *g, unsigned n, uint32_t eip, unsigned used)
{
    if (!same_page(g, eip)) {
        uint32_t w[12];
        unsigned k = gen_canon_words(&g->fs, w);
        for (unsigned i = used; i < k; i++)
            *g->p++ = w[i];
        gen_li(g, HREG_t9, (int32_t)eip);
        gen_exit_indirect(g);
        return;
    }
    if (polls(g, eip)) {
        poll(g, eip);
        uint32_t w[12];
        unsigned k = gen_canon_words(&g->fs, w);
        if (k > used + 1)
            *g->p++ = w[used++];
        else
            g->p = emit_nop(g->p);
    }
    struct tb_exit *e = &g->exits[n];
    canon_and_jump(g, used, NULL, &e->jump);
    e->eip = eip;
    e->insn = (uint16_t)g->cur;
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

void gen_exit_indirect(struct gen *g)
{
    uint32_t *start = g->p;
    g->p = emit_jmp_cache(g->p, NULL);
    gen_stub(g, STUB_MISS, start + SITE_jmp_cache_miss);
    g->ended = true;
}

static void exit_to_t9(struct gen *g)
{
    g->p += gen_canon_words(&g->fs, g->p);
    gen_exit_indirect(g);
}

static uint32_t rel_target(const struct gen *g, const struct insn *in)
{
    return g->eips[g->cur] + in->len + in->imm;
}

bool gen_jmp(struct gen *g, const struct insn *in)
{
    if (in->opsize != 4)
        return false;
    const struct operand *o = &in->op[0];
    if (o->kind == OPK_REL && g->cur + 1 < g->n) {
        /* The block goes on there. */
        if (polls(g, rel_target(g, in))) {
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
        gen_move(g, HREG_t9, greg(o->reg));
    else if (gen_mem_ok(g, in)) {
        gen_load(g, HREG_T1, gen_ea(g, in), 4, true);
        gen_move(g, HREG_t9, HREG_T1);
    } else
        return false;
    exit_to_t9(g);
    return true;
}

/* Two exits behind a branch word whose delay slot is still open. */
static void two_exits(struct gen *g, uint32_t *branch, uint32_t taken, uint32_t not_taken)
{
    uint32_t w[12];
    unsigned k = gen_canon_words(&g->fs, w), used = 0;
    if (k > 1 || (k == 1 && !same_page(g, taken) && !same_page(g, not_taken)))
        *g->p++ = w[used++];
    else
        g->p = emit_nop(g->p);
    struct flag_state fs = g->fs;
    exit_direct(g, 0, not_taken, used);
    mips_patch_branch(branch, g->p);
    g->fs = fs;
    exit_direct(g, 1, taken, used);
    g->ended = true;
}

bool gen_jcc(struct gen *g, const struct insn *in)
{
    if (in->opsize != 4)
        return false;
    uint32_t *branch = gen_cond_branch(g, in->cond);
    if (g->cur + 1 < g->n) {
        g->p = emit_nop(g->p);
        gen_stub(g, STUB_SIDE, branch)->eip = rel_target(g, in);
        return true;
    }
    two_exits(g, branch, rel_target(g, in), g->eips[g->cur] + in->len);
    return true;
}

/* The way out of a block that goes on behind the jump: instructions that are not executed are given back. */
void gen_side_exit(struct gen *g, struct gen_stub *s)
{
    struct tb_context *ctx = g->ctx;
    int rest = (int)(g->n - s->insn - 1u);
    unsigned n = g->nexits++;
    uint32_t eip = s->eip;
    g->exits[n] = (struct tb_exit){.insn = s->insn};
    gen_stub_state(g, s);
    if (g->env->icount_enabled)
        g->p = emit_addiu(g->p, HREG_icount, HREG_icount, rest);
    if (ctx->count_insns)
        g->p = emit_count_insns(g->p, -rest);
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
    if (o->kind == OPK_MEM)
        gen_load(g, HREG_T1, gen_ea(g, in), 4, true);
    else
        gen_move(g, HREG_T1, greg(o->reg));
    push_return(g);
    gen_move(g, HREG_t9, HREG_T1);
    exit_to_t9(g);
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
    gen_move(g, HREG_t9, HREG_T1);
    exit_to_t9(g);
    return true;
}
