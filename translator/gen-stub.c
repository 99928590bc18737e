/* Code that stands behind a block: accesses off the fast path, ways out, and calls of the interpreter. */
#include "gen.h"
#include "gen-fpu.h"

#include <string.h>

#include "interp.h"
#include "mips-patch.h"
#include "tmpl-gen.h"

struct gen_stub *gen_stub(struct gen *g, unsigned kind, uint32_t *site)
{
    assert(g->nstubs < GEN_MAX_STUBS);
    struct gen_stub *s = &g->stubs[g->nstubs++];
    memset(s, 0, offsetof(struct gen_stub, sites));
    s->kind = (uint8_t)kind;
    s->site = site;
    s->insn = (uint16_t)g->cur;
    s->fs = g->fs;
    s->fpu = g->fpu;
    s->fpu_dirty = g->fpu_dirty;
    s->xmm = s->xmm_after = g->xmm.at;
    return s;
}

void gen_stub_state(struct gen *g, const struct gen_stub *s)
{
    g->cur = s->insn;
    g->fs = s->fs;
    g->fs_noted = false;
    g->fpu = s->fpu;
    g->fpu_dirty = s->fpu_dirty;
    g->xmm.at = s->xmm;
}

/* The call that ends at g->p returns to the present instruction's code: what a fault in it looks up. */
static void note_call(struct gen *g, unsigned insn)
{
    assert(g->nsmap < sizeof g->smap / sizeof g->smap[0]);
    g->smap[g->nsmap++] = (struct stub_map){.host = (uint32_t)(g->p - g->tb->host), .insn = insn};
}

/* ---- out of line ---- */

static void stub_load_back(struct gen *g, const struct gen_stub *s)
{
    gen_xmm_in(g, &s->xmm_after);
    if (s->extend == EXT_S8)
        g->p = emit_slow_back_s8(g->p, s->d, s->resume);
    else if (s->extend == EXT_S16)
        g->p = emit_slow_back_s16(g->p, s->d, s->resume);
    else
        g->p = emit_slow_back(g->p, s->d, s->resume);
}

static void stub_rmw(struct gen *g, const struct gen_stub *s)
{
    struct tb_context *ctx = g->ctx;
    g->p = emit_slow_ld(g->p, s->a, ctx->thunk_ldrw[s->size]);
    note_call(g, s->insn);
    if (s->extend == EXT_S8)
        g->p = emit_reg_s8(g->p, s->d, HREG_v0);
    else if (s->extend == EXT_S16)
        g->p = emit_reg_s16(g->p, s->d, HREG_v0);
    else
        g->p = emit_move(g->p, s->d, HREG_v0);
    memcpy(g->p, s->op, s->op_words * sizeof *g->p);
    g->p += s->op_words;
    g->p = emit_slow_st(g->p, s->a, s->s, ctx->thunk_st[s->size]);
    note_call(g, s->insn);
    gen_xmm_in(g, &s->xmm_after);
    g->p = emit_slow_back_none(g->p, s->resume);
}

/* An exponent is 0: a denormal goes to the interpreter, a zero back. */
static void stub_denormal(struct gen *g, const struct gen_stub *s)
{
    int pairs[4] = {s->a, s->s, s->a + 1, s->s + 1};
    unsigned n = s->size == 16 ? 4 : s->a == s->s ? 1 : 2;
    for (unsigned i = 0; i < n; i++) {
        if (s->size == 16)
            g->p = emit_ps_denormal(g->p, pairs[i], s->slow->start);
        else if (s->size == 8)
            g->p = emit_fp_denormal64(g->p, i ? HREG_X2 : HREG_X1, s->slow->start);
        else
            g->p = emit_fp_denormal32(g->p, i ? HREG_X2 : HREG_X1, s->slow->start);
    }
    g->p = emit_slow_back_none(g->p, s->resume);
}

static void put_interp(struct gen *g, unsigned index);
static void put_interp_end(struct gen *g, unsigned index);

static bool calls_c(const struct gen_stub *s)
{
    return s->kind == STUB_LOAD || s->kind == STUB_STORE || s->kind == STUB_RMW || s->kind == STUB_MATERIALISE
        || s->kind == STUB_INTERP || s->kind == STUB_INTERP_EXIT;
}

static void gen_one_stub(struct gen *g, struct gen_stub *s)
{
    struct tb_context *ctx = g->ctx;
    if ((s->kind == STUB_INTERP || s->kind == STUB_INTERP_EXIT) && !s->site && !s->nsites && !s->used)
        return;
    s->start = g->p;
    for (unsigned i = 0; i < s->nsites; i++)
        mips_patch_branch(s->sites[i], g->p);
    if (s->kind == STUB_EXIT)
        *s->site = mips_j_word(s->site, g->p);
    else if (s->site)
        mips_patch_branch(s->site, g->p);
    if (calls_c(s))
        gen_xmm_out(g, &s->xmm);
    switch (s->kind) {
    case STUB_GUARD:
        /* The `j` that gets linked; until then it goes to the next words. */
        g->exits[TB_EXIT_GUARD] = (struct tb_exit){.eip = g->eip, .jump = g->p, .stub = g->p + 2};
        g->p = emit_jump(g->p, g->p + 2);
        g->p = emit_nop(g->p);
        g->p = emit_exit_stub(g->p, (int)(g->eip >> 16), (int)(g->eip & 0xffff), ctx->exit_link);
        break;
    case STUB_X87_ZERO:
        g->p = emit_x87_call_zero(g->p, s->op, s->slow->start);
        g->p = emit_slow_back_none(g->p, s->resume);
        break;
    case STUB_LOAD:
        g->p = emit_slow_ld(g->p, s->a, ctx->thunk_ld[s->size]);
        note_call(g, s->insn);
        stub_load_back(g, s);
        break;
    case STUB_STORE:
        g->p = emit_slow_st(g->p, s->a, s->s, ctx->thunk_st[s->size]);
        note_call(g, s->insn);
        gen_xmm_in(g, &s->xmm_after);
        g->p = emit_slow_back_none(g->p, s->resume);
        break;
    case STUB_RMW:
        stub_rmw(g, s);
        break;
    case STUB_EXIT:
        g->exits[s->exit_n].stub = g->p;
        g->p = emit_exit_stub(g->p, (int)(s->eip >> 16), (int)(s->eip & 0xffff), ctx->exit_link);
        break;
    case STUB_SIDE:
        gen_side_exit(g, s);
        break;
    case STUB_POLL:
        gen_stub_state(g, s);
        gen_fpu_sync(g);
        g->p += gen_canon_words(&s->fs, g->p);
        g->p = emit_exit_at(g->p, (int)(s->eip >> 16), (int)(s->eip & 0xffff), ctx->exit_eip);
        break;
    case STUB_MISS:
        g->p += gen_canon_words(&s->fs, g->p);
        g->p = emit_jump(g->p, ctx->exit_lookup);
        g->p = s->a == HREG_t9 ? emit_nop(g->p) : emit_move(g->p, HREG_t9, s->a);
        break;
    case STUB_PAGE:
        g->p += gen_canon_words(&s->fs, g->p);
        g->p = emit_exit_at(g->p, (int)(s->eip >> 16), (int)(s->eip & 0xffff), ctx->exit_lookup);
        break;
    case STUB_ICOUNT:
        g->p = emit_exit_icount(g->p, (int)g->n, (int)(s->eip >> 16), (int)(s->eip & 0xffff), ctx->exit_eip);
        break;
    case STUB_MATERIALISE:
        g->p = emit_call_thunk(g->p, ctx->thunk_flags);
        g->p = emit_move(g->p, HREG_cc_src, HREG_v0);
        g->p = emit_li16(g->p, HREG_cc_op, CC_OP(CC_EFLAGS, 2));
        gen_xmm_in(g, &s->xmm_after);
        g->p = emit_slow_back_none(g->p, s->resume);
        break;
    case STUB_INTERP:
        /* The template found that the instruction faults, or does something rare. */
        g->p += gen_canon_words(&s->fs, g->p);
        put_interp(g, s->insn);
        gen_xmm_in(g, &s->xmm_after);
        g->p = emit_slow_back_none(g->p, s->resume);
        break;
    case STUB_DENORMAL:
        stub_denormal(g, s);
        break;
    case STUB_RANGE:
        g->p = emit_sse_not_zero(g->p, s->a, s->slow->start);
        if (s->s != s->a)
            g->p = emit_sse_not_zero(g->p, s->s, s->slow->start);
        g->p = emit_slow_back_none(g->p, s->resume);
        break;
    case STUB_CLASS:
        g->p = emit_msa_zero(g->p, 12, s->slow->start);
        g->p = emit_slow_back_none(g->p, s->resume);
        break;
    case STUB_PAIR:
        g->p = s->size == 8 ? emit_ps_again64(g->p, s->a, s->s, s->slow->start)
                            : emit_ps_again32(g->p, s->a, s->s, s->slow->start);
        stub_denormal(g, s);
        break;
    case STUB_MODE:
        gen_mode_exit(g, s);
        break;
    case STUB_INTERP_EXIT:
        g->p += gen_canon_words(&s->fs, g->p);
        put_interp_end(g, s->insn);
        break;
    }
}

void gen_stubs(struct gen *g)
{
    for (unsigned i = 0; i < g->nstubs; i++) {
        gen_trace(g, GEN_TRACE_STUB, i);
        gen_one_stub(g, &g->stubs[i]);
    }
}

/* ---- the interpreter ---- */

static uint32_t add_to_pool(struct gen *g, unsigned index)
{
    struct tb_context *ctx = g->ctx;
    uint32_t k = ctx->npool++;
    ctx->pool[k] = (struct tb_interp_insn){
        .insn = g->insns[index], .eip = g->eips[index], .index = index, .tb = g->tb,
        .handler = interp_select_mode(g->env, &g->insns[index])};
    return k;
}

/* Call it for instruction `index`; the flags record is canonical.  The block goes on behind the call unless the
 * instruction has changed what the block was made for. */
static void put_interp(struct gen *g, unsigned index)
{
    uint32_t k = add_to_pool(g, index);
    g->p = emit_call_interp(g->p, (int)(k >> 16), (int)(k & 0xffff), g->ctx->thunk_interp);
}

/* The same where the block ends with it. */
static void put_interp_end(struct gen *g, unsigned index)
{
    uint32_t k = add_to_pool(g, index);
    g->p = emit_end_interp(g->p, (int)(k >> 16), (int)(k & 0xffff), g->ctx->thunk_end);
}

void gen_interp(struct gen *g)
{
    gen_xmm_drop(g);
    gen_canon(g);
    gen_note_state(g);
    const struct insn *in = &g->insns[g->cur];
    if ((isa_info[in->form].flags & (ISA_END_BLOCK | ISA_END_EXIT)) && (g->cur + 1 == g->n || !gen_goes_on(g, in))) {
        put_interp_end(g, g->cur);
        g->ended = true;
        return;
    }
    put_interp(g, g->cur);
    gen_flags_dynamic(g);
    gen_fpu_interp(g);
}
