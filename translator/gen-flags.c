/* Where the lazy flags record is while a block is stitched.
 *
 * A record's members need no store as long as the values are still in guest registers or
 * are constants: struct flag_state remembers where they are, block by block and
 * instruction by instruction, and tb_restore_state() reads it back at a fault.
 * Only when a guest register that carries a member is overwritten, and at the block's exits,
 * members move to their canonical registers. */
#include "gen.h"

#include <string.h>

#include "tmpl-gen.h"

struct flag_loc loc_of(int host_reg)
{
    if (host_reg >= HREG_eax && host_reg <= HREG_edi)
        return (struct flag_loc){.where = FW_GREG, .reg = (uint8_t)(host_reg - HREG_eax)};
    if (host_reg == HREG_zero)
        return loc_const(0);
    return loc_canon();
}

struct flag_loc loc_const(int32_t value)
{
    return (struct flag_loc){.where = FW_CONST, .value = value};
}

static bool same_loc(struct flag_loc a, struct flag_loc b)
{
    return a.where == b.where && (a.where != FW_GREG || a.reg == b.reg) && (a.where != FW_CONST || a.value == b.value);
}

bool gen_same_flags(const struct flag_state *a, const struct flag_state *b)
{
    return a->dynamic == b->dynamic && a->has_mod == b->has_mod && (a->dynamic || a->op == b->op)
        && (!a->has_mod || (a->mod_op == b->mod_op && same_loc(a->res, b->res)))
        && (a->dynamic || (same_loc(a->dst, b->dst) && same_loc(a->src, b->src) && same_loc(a->src2, b->src2)));
}

void gen_add_state(struct gen *g)
{
    unsigned k = g->nfstates;
    if (k == 0 || !gen_same_flags(&g->fstates[k - 1], &g->fs)) {
        assert(k < sizeof g->fstates / sizeof g->fstates[0]);
        g->fstates[g->nfstates++] = g->fs;
    }
    g->fs_noted = true;
}

static void save_member(struct gen *g, struct flag_loc *l, unsigned r, int canon)
{
    if (l->where != FW_GREG || l->reg != r)
        return;
    gen_move(g, canon, greg(r));
    *l = loc_canon();
    g->fs_noted = false;
}

void gen_guest_write(struct gen *g, unsigned r)
{
    if (gen_keep_mask(g) == 0)
        return;
    if (!g->fs.dynamic) {
        save_member(g, &g->fs.dst, r, HREG_cc_dst);
        save_member(g, &g->fs.src, r, HREG_cc_src);
        save_member(g, &g->fs.src2, r, HREG_cc_src2);
    }
    if (g->fs.has_mod)
        save_member(g, &g->fs.res, r, HREG_cc_res);
    gen_note_state(g);
}

void gen_record(struct gen *g, unsigned kind, unsigned width, struct flag_loc dst, struct flag_loc src,
                struct flag_loc src2)
{
    g->fs = (struct flag_state){.op = (uint16_t)CC_OP(kind, width), .dst = dst, .src = src, .src2 = src2};
    g->fs_noted = false;
}

void gen_flags_dynamic(struct gen *g)
{
    if (g->fs.dynamic && !g->fs.has_mod)
        return;
    memset(&g->fs, 0, sizeof g->fs);
    g->fs.dynamic = true;
    g->fs_noted = false;
}

static uint32_t uncovered_by(unsigned mod)
{
    return mod <= CCM_DEC ? CCM_UNCOVERED_BY_INC : mod == CCM_CF ? CCM_UNCOVERED_BY_CF : CCM_UNCOVERED_BY_ROT;
}

/* Make the old record one that the modifier may be put on (flags.h: cpu_modify_flags). */
void gen_prepare_modifier(struct gen *g, unsigned mod)
{
    uint32_t mask = uncovered_by(mod);
    if (g->fs.has_mod) {
        if (g->fs.mod_op & mask)
            gen_eflags(g);
        return;
    }
    if (g->fs.dynamic) {
        /* Whatever $cc_op says: seldom something that has to be materialised. */
        g->p = emit_cc_uncovered(g->p, (int)mask, NULL);
        uint32_t *site = g->p - (WORDS_cc_uncovered - SITE_cc_uncovered_slow);
        struct gen_stub *s = gen_stub(g, STUB_MATERIALISE, site);
        s->resume = g->p;
    }
}

void gen_modifier(struct gen *g, unsigned mod, unsigned width, struct flag_loc res)
{
    g->fs.has_mod = true;
    g->fs.mod_op = (uint16_t)CC_MOD(mod, width);
    g->fs.res = res;
    g->fs_noted = false;
}

/* ---- to the canonical registers ---- */

static unsigned move_words(const struct flag_loc *l, int canon, uint32_t *out)
{
    uint32_t *p = out;
    if (l->where == FW_GREG)
        p = emit_move(p, canon, greg(l->reg));
    else if (l->where == FW_CONST) {
        if (l->value >= -32768 && l->value < 32768)
            p = emit_li16(p, canon, l->value);
        else if ((l->value & 0xffff) == 0)
            p = emit_lui(p, canon, (uint32_t)l->value >> 16);
        else
            p = emit_li32(p, canon, l->value);
    }
    return (unsigned)(p - out);
}

unsigned gen_canon_words(const struct flag_state *fs, uint32_t out[12])
{
    uint32_t *p = out;
    if (!fs->dynamic) {
        p = emit_li16(p, HREG_cc_op, (int)(fs->op | (fs->has_mod ? fs->mod_op : 0)));
        p += move_words(&fs->dst, HREG_cc_dst, p);
        p += move_words(&fs->src, HREG_cc_src, p);
        p += move_words(&fs->src2, HREG_cc_src2, p);
    } else if (fs->has_mod)
        p = emit_cc_set_mod(p, (int)fs->mod_op);
    if (fs->has_mod)
        p += move_words(&fs->res, HREG_cc_res, p);
    return (unsigned)(p - out);
}

void gen_canon(struct gen *g)
{
    g->p += gen_canon_words(&g->fs, g->p);
    gen_flags_dynamic(g);
}

void gen_eflags(struct gen *g)
{
    if (!g->fs.dynamic && !g->fs.has_mod && g->fs.op == CC_OP(CC_EFLAGS, 2) && g->fs.src.where == FW_CANON) {
        gen_move(g, HREG_v0, HREG_cc_src);
        return;
    }
    gen_canon(g);
    gen_xmm_drop(g);
    g->p = emit_call_thunk(g->p, g->ctx->thunk_flags);
    gen_move(g, HREG_cc_src, HREG_v0);
    gen_record(g, CC_EFLAGS, 2, loc_canon(), loc_canon(), loc_canon());
}
