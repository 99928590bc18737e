/* Instructions that are one template between operand fetch and result: chosen from the table that the
 * template compiler made, and stitched.
 *
 * Order within an instruction, so that a fault finds nothing changed: members of the old flags record that
 * are about to be overwritten, carry in, memory load, parts of registers, the template,
 * memory store, parts of registers back, the new record. */
#include "gen.h"

#include "tmpl-gen.h"

static bool is_shift(unsigned mnem)
{
    switch (mnem) {
    case MN_SHL: case MN_SHR: case MN_SAR: case MN_ROL: case MN_ROR: case MN_RCL: case MN_RCR: case MN_SHLD: case MN_SHRD:
        return true;
    default:
        return false;
    }
}

static bool is_bit_test(unsigned mnem)
{
    return mnem == MN_BT || mnem == MN_BTS || mnem == MN_BTR || mnem == MN_BTC;
}

/* The operand's address depends on the bit number. */
static bool is_bit_string(const struct insn *in)
{
    return is_bit_test(in->mnem) && in->op[0].kind == OPK_MEM && in->op[1].kind == OPK_REG;
}

static int32_t sign_extend(uint32_t v, unsigned size)
{
    return size == 1 ? (int8_t)v : size == 2 ? (int16_t)v : (int32_t)v;
}

struct plan {
    const struct tmpl *t;
    struct tmpl_operand to[4];
    unsigned size, width;
    bool live;
    int mem; /* operand that is memory, or -1 */
    struct tmpl_args args;
    unsigned next_temp;
};

static const uint8_t temps[] = {HREG_T1, HREG_T2, HREG_T3};

static int new_temp(struct plan *pl)
{
    assert(pl->next_temp < sizeof temps);
    return temps[pl->next_temp++];
}

/* Operands as tmpl_find() wants them; false where no template can serve. */
static bool describe(const struct gen *g, const struct insn *in, struct plan *pl)
{
    pl->size = in->op[0].size;
    if (in->nops == 0)
        pl->size = in->opsize;
    if (pl->size != 1 && pl->size != 2 && pl->size != 4)
        return false;
    pl->width = gen_width(pl->size);
    pl->mem = -1;
    for (unsigned i = 0; i < in->nops; i++) {
        const struct operand *o = &in->op[i];
        bool last = i == in->nops - 1u;
        switch (o->kind) {
        case OPK_REG:
            if (last && i > 0 && is_shift(in->mnem)) {
                pl->to[i].kind = TO_CL;
                break;
            }
            if (o->size != pl->size)
                return false;
            pl->to[i] = (struct tmpl_operand){.kind = TO_REG, .value = o->reg};
            break;
        case OPK_MEM:
            if (o->size != pl->size || pl->mem >= 0 || !gen_mem_ok(g, in))
                return false;
            if (is_bit_string(in) && pl->size != 4)
                return false;
            pl->mem = (int)i;
            pl->to[i] = (struct tmpl_operand){.kind = TO_REG, .value = -1};
            break;
        case OPK_IMM:
            pl->to[i].kind = TO_IMM;
            pl->to[i].value = is_shift(in->mnem) && last ? (int32_t)(in->imm & 0x1f)
                : is_bit_test(in->mnem) && last ? (int32_t)(in->imm & (pl->size * 8 - 1)) : sign_extend(in->imm, pl->size);
            break;
        default:
            return false;
        }
    }
    return true;
}

/* Which canonical register a record member has. */
static int member_reg(const struct tmpl_record *r, unsigned param)
{
    if (r->dst.kind == TV_PARAM && r->dst.index == param)
        return HREG_cc_dst;
    if (r->src.kind == TV_PARAM && r->src.index == param)
        return HREG_cc_src;
    if (r->src2.kind == TV_PARAM && r->src2.index == param)
        return HREG_cc_src2;
    if (r->res.kind == TV_PARAM && r->res.index == param)
        return HREG_cc_res;
    return -1;
}

/* A host register for an operand that is not a whole guest register. */
static int operand_temp(struct plan *pl, unsigned i)
{
    const struct tmpl *t = pl->t;
    if (pl->live && t->carry < 0 && t->eflags < 0 && (t->record.type == TR_RECORD || t->record.type == TR_MOD)) {
        int r = member_reg(&t->record, i);
        if (r >= 0 && !(t->clobbers >> r & 1))
            return r;
    }
    return new_temp(pl);
}

static bool written_here(const struct plan *pl, int host)
{
    if (pl->t->clobbers >> host & 1)
        return true;
    for (unsigned i = 0; i < pl->t->nparams; i++)
        if ((pl->t->written >> i & 1) && pl->t->param[i].kind == TP_REG && pl->args.v[i] == host)
            return true;
    return false;
}

/* A member that the template will overwrite, though it is only read: copy it first. */
static struct flag_loc member_before(struct gen *g, struct plan *pl, const struct tmpl_value *v, int canon)
{
    const struct tmpl *t = pl->t;
    if (v->kind == TV_PARAM && t->param[v->index].kind == TP_REG && !(t->written >> v->index & 1)
        && written_here(pl, pl->args.v[v->index])) {
        gen_move(g, canon, pl->args.v[v->index]);
        return loc_canon();
    }
    return (struct flag_loc){.where = 0xff};
}

static struct flag_loc member_after(struct gen *g, struct plan *pl, const struct tmpl_value *v, int canon,
                                    struct flag_loc before)
{
    if (before.where != 0xff)
        return before;
    int host;
    switch (v->kind) {
    case TV_CONST:
        return loc_const(v->cst);
    case TV_PARAM:
        if (pl->t->param[v->index].kind != TP_REG && pl->t->param[v->index].kind != TP_CARRY
            && pl->t->param[v->index].kind != TP_FLAGS)
            return loc_const(pl->args.v[v->index]);
        host = pl->args.v[v->index];
        break;
    case TV_HOST:
        host = v->index;
        break;
    default:
        return loc_canon(); /* the kind has no such member: nothing to move */
    }
    struct flag_loc l = loc_of(host);
    if (l.where == FW_CANON && host != canon)
        gen_move(g, canon, host);
    return l;
}

static void prepare_flags(struct gen *g, struct plan *pl)
{
    const struct tmpl *t = pl->t;
    if (t->carry >= 0) {
        pl->args.v[t->carry] = new_temp(pl);
        gen_carry(g, pl->args.v[t->carry]);
    }
    if (t->eflags >= 0) {
        pl->args.v[t->eflags] = new_temp(pl);
        gen_eflags(g);
        gen_move(g, pl->args.v[t->eflags], HREG_v0);
    }
    if (!pl->live)
        return;
    if (t->record.type == TR_MOD)
        gen_prepare_modifier(g, t->record.kind);
    else if (t->record.type == TR_DYNAMIC)
        gen_canon(g);
    else if (t->record.type == TR_DYNAMIC_NOMOD) {
        gen_prepare_modifier(g, CCM_ROL);
        gen_canon(g);
    }
}

static void set_record(struct gen *g, struct plan *pl, struct flag_loc before[4])
{
    const struct tmpl_record *r = &pl->t->record;
    switch (r->type) {
    case TR_RECORD: {
        struct flag_loc dst = member_after(g, pl, &r->dst, HREG_cc_dst, before[0]);
        struct flag_loc src = member_after(g, pl, &r->src, HREG_cc_src, before[1]);
        struct flag_loc src2 = member_after(g, pl, &r->src2, HREG_cc_src2, before[2]);
        gen_record(g, r->kind, pl->width, dst, src, src2);
        break;
    }
    case TR_MOD:
        gen_modifier(g, r->kind, pl->width, member_after(g, pl, &r->res, HREG_cc_res, before[3]));
        break;
    case TR_FLAGS: {
        struct flag_loc src = member_after(g, pl, &r->src, HREG_cc_src, before[1]);
        gen_record(g, CC_EFLAGS, 2, loc_canon(), src, loc_canon());
        break;
    }
    case TR_DYNAMIC:
    case TR_DYNAMIC_NOMOD:
        gen_flags_dynamic(g);
        break;
    default:
        break;
    }
}

bool gen_from_table(struct gen *g, const struct insn *in)
{
    struct plan pl = {0};
    const struct isa_info *info = &isa_info[in->form];
    if (!describe(g, in, &pl))
        return false;
    if (is_shift(in->mnem) && pl.to[in->nops - 1].kind == TO_IMM && pl.to[in->nops - 1].value == 0)
        return pl.mem < 0; /* nothing happens; memory forms still have to fault */
    pl.live = (gen_needed_after(g) & (info->flags_written | info->flags_undefined | info->flags_killed)) != 0;
    pl.t = tmpl_find(in->mnem, pl.to, in->nops, pl.width, pl.live);
    int li_operand = -1;
    if (!pl.t) {
        for (unsigned i = 0; i < in->nops; i++)
            if (pl.to[i].kind == TO_IMM)
                li_operand = (int)i;
        if (li_operand < 0)
            return false;
        int32_t value = pl.to[li_operand].value;
        pl.to[li_operand] = (struct tmpl_operand){.kind = TO_REG, .value = -2};
        pl.t = tmpl_find(in->mnem, pl.to, in->nops, pl.width, pl.live);
        if (!pl.t)
            return false;
        pl.to[li_operand].value = value;
    }
    const struct tmpl *t = pl.t;

    for (unsigned i = 0; i < in->nops; i++)
        if (in->op[i].kind == OPK_REG && t->param[i].kind == TP_REG && (t->param[i].mode & TM_W))
            gen_guest_write(g, in->op[i].size == 1 ? in->op[i].reg & 3 : in->op[i].reg);
    for (uint32_t left = t->clobbers >> greg(0) & 0xff; left; left &= left - 1)
        gen_guest_write(g, (unsigned)__builtin_ctz(left));
    prepare_flags(g, &pl);

    struct gen_rmw rmw;
    bool is_rmw = false;
    if (pl.mem >= 0) {
        unsigned mode = t->param[pl.mem].mode;
        struct gen_ea a;
        if (is_bit_string(in)) {
            int base = gen_effective(g, in, true);
            g->p = emit_bit_string(g->p, HREG_addr, base, greg(in->op[1].reg));
            a = gen_at(HREG_addr);
        } else
            a = gen_ea(g, in);
        pl.args.v[pl.mem] = operand_temp(&pl, (unsigned)pl.mem);
        if (mode == TM_R)
            gen_load(g, pl.args.v[pl.mem], a, pl.size, true);
        else {
            /* A pure write has to fault before anything changes, too. */
            is_rmw = true;
            gen_rmw_load(g, &rmw, pl.args.v[pl.mem], a, pl.size);
        }
    }
    for (unsigned i = 0; i < in->nops; i++) {
        if (t->param[i].kind == TP_CL || t->param[i].kind == TP_SAME || (int)i == pl.mem)
            continue;
        if ((int)i == li_operand) {
            pl.args.v[i] = operand_temp(&pl, i);
            gen_li(g, pl.args.v[i], pl.to[i].value);
        } else if (in->op[i].kind == OPK_IMM)
            pl.args.v[i] = pl.to[i].value;
        else if (pl.size == 4)
            pl.args.v[i] = greg(in->op[i].reg);
        else {
            pl.args.v[i] = operand_temp(&pl, i);
            if (t->param[i].mode & TM_R)
                gen_reg_value(g, in->op[i].reg, pl.size, pl.args.v[i]);
        }
    }
    if (t->flags & TMPL_DISTINCT) {
        for (unsigned i = 0; i < in->nops; i++) {
            if (t->param[i].kind != TP_REG || (t->written >> i & 1))
                continue;
            if (written_here(&pl, pl.args.v[i])) {
                int c = new_temp(&pl);
                gen_move(g, c, pl.args.v[i]);
                pl.args.v[i] = c;
            }
        }
    }
    struct flag_loc before[4];
    for (unsigned i = 0; i < 4; i++)
        before[i] = (struct flag_loc){.where = 0xff};
    if (pl.live && t->record.type == TR_RECORD) {
        before[0] = member_before(g, &pl, &t->record.dst, HREG_cc_dst);
        before[1] = member_before(g, &pl, &t->record.src, HREG_cc_src);
        before[2] = member_before(g, &pl, &t->record.src2, HREG_cc_src2);
    }

    uint32_t *start = g->p;
    g->p = t->emit(g->p, &pl.args);
    for (unsigned i = 0; i < t->nsites; i++)
        gen_stub(g, STUB_INTERP, start + t->label_site[i])->resume = NULL; /* set by the driver: the next instruction */
    if (is_rmw)
        gen_rmw_store(g, &rmw, pl.args.v[pl.mem]);
    if (pl.live)
        set_record(g, &pl, before);
    if (pl.size != 4)
        for (unsigned i = 0; i < in->nops; i++)
            if (in->op[i].kind == OPK_REG && t->param[i].kind == TP_REG && (t->param[i].mode & TM_W))
                gen_reg_insert(g, in->op[i].reg, pl.size, pl.args.v[i]);
    return true;
}
