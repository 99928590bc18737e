/* x87 instructions, with the state that gen-fpu.c keeps. */
#include "gen-fpu.h"

#include <string.h>

#include "fpu-int.h"
#include "tmpl-gen.h"

/* ---- parts of instructions ---- */

struct op {
    struct gen *g;
    const struct insn *in;
    struct gen_stub *slow; /* the whole instruction through the interpreter */
    int offset;            /* register with the memory operand's offset, -1: none */
};

static void to_slow(struct op *o, uint32_t *site)
{
    gen_stub_site(o->slow, site);
}

/* Host address of the memory operand. */
static int memory(struct op *o, unsigned size, bool write)
{
    uint32_t *site;
    int h = gen_host_addr_offset(o->g, o->in, size, write, &o->offset, &site);
    if (site)
        to_slow(o, site);
    return h;
}

static void failed(struct op *o)
{
    struct gen *g = o->g;
    uint32_t *start = g->p;
    g->p = emit_x87_failed(g->p, NULL);
    to_slow(o, start + SITE_x87_failed_slow);
}

/* $X1 = the register's address in the vCPU state; $v0 says whether the routine has done it. */
static void call(struct op *o, int place, const uint32_t *routine)
{
    o->g->p = emit_x87_call(o->g->p, place, routine);
    failed(o);
}

/* The instruction is done: pointers, C1, TOP and tags. */
static bool done(struct op *o, bool c1_clear)
{
    struct gen *g = o->g;
    if (o->offset >= 0) {
        g->p = emit_x87_put_dp(g->p, o->offset);
        g->fpu.ds = o->in->seg;
    }
    g->fpu.ip = (int16_t)(g->eips[g->cur] - g->eip);
    g->fpu.c1_clear = c1_clear;
    fpu_set_word(g, gen_fpu_word_after(g->fpu.word, o->in));
    return true;
}

/* A real operand of 4 or 8 bytes to significand T3 and exponent T1. */
static void load_real(struct op *o, unsigned size)
{
    struct gen *g = o->g;
    int h = memory(o, size, false);
    uint32_t *start;
    struct gen_stub *s;
    if (size == 4) {
        start = g->p = emit_x87_ld_32(g->p, HREG_T4, h);
        g->p = emit_x87_f32(g->p, HREG_T3, HREG_T1, HREG_T4, NULL);
        s = gen_stub(g, STUB_X87_ZERO, start + SITE_x87_f32_special);
        s->op = g->ctx->x87.zero_f32;
    } else {
        start = g->p = emit_ld_64(g->p, HREG_T4, h);
        g->p = emit_x87_f64(g->p, HREG_T3, HREG_T1, HREG_T4, NULL);
        s = gen_stub(g, STUB_X87_ZERO, start + SITE_x87_f64_special);
        s->op = g->ctx->x87.zero_f64;
    }
    o->slow->used = true;
    s->slow = o->slow;
    s->resume = g->p;
}

static void load_int(struct op *o, unsigned size)
{
    struct gen *g = o->g;
    int h = memory(o, size, false);
    g->p = size == 2 ? emit_x87_ld_16(g->p, HREG_T4, h) : size == 4 ? emit_x87_ld_32(g->p, HREG_T4, h)
        : emit_ld_64(g->p, HREG_T4, h);
    g->p = emit_x87_int(g->p, HREG_T3, HREG_T1, HREG_T4);
}

/* The second operand of arithmetic and comparison. */
static void load_operand(struct op *o, const struct operand *s, bool integer)
{
    if (s->kind == OPK_ST)
        o->g->p = emit_x87_ld(o->g->p, HREG_T3, HREG_T1, fpu_slot_of(o->g, s->reg));
    else if (integer)
        load_int(o, s->size);
    else
        load_real(o, s->size);
}

/* ---- instructions ---- */

static bool load(struct op *o)
{
    struct gen *g = o->g;
    const struct operand *s = &o->in->op[0];
    if (!fpu_may_push(g))
        return false;
    int d = fpu_slot_of(g, 7);
    if (s->kind == OPK_ST) {
        if (!fpu_holds(g, s->reg))
            return false;
        g->p = emit_x87_copy(g->p, d, fpu_slot_of(g, s->reg));
        return done(o, true);
    }
    if (s->size == 10) {
        int h = memory(o, 10, false);
        g->p = emit_x87_mem_ld(g->p, HREG_T3, HREG_T1, h);
    } else if (o->in->mnem == MN_FILD)
        load_int(o, s->size);
    else
        load_real(o, s->size);
    g->p = emit_x87_st(g->p, HREG_T3, HREG_T1, d);
    return done(o, true);
}

static bool store(struct op *o)
{
    struct gen *g = o->g;
    const struct operand *d = &o->in->op[0];
    if (!fpu_holds(g, 0))
        return false;
    if (d->kind == OPK_ST) {
        if (d->reg)
            g->p = emit_x87_copy(g->p, fpu_slot_of(g, d->reg), fpu_slot_of(g, 0));
        return done(o, true);
    }
    if (d->size == 10) {
        int h = memory(o, 10, true);
        g->p = emit_x87_ld(g->p, HREG_T3, HREG_T1, fpu_slot_of(g, 0));
        g->p = emit_x87_mem_st(g->p, HREG_T3, HREG_T1, h);
        return done(o, true);
    }
    if (!fpu_rounds_to_nearest(g))
        return false;
    call(o, fpu_slot_of(g, 0), d->size == 4 ? g->ctx->x87.to_f32 : g->ctx->x87.to_f64);
    int h = memory(o, d->size, true);
    g->p = d->size == 4 ? emit_x87_st_32(g->p, HREG_T1, h) : emit_st_64(g->p, HREG_T1, h);
    g->p = emit_x87_flags(g->p, HREG_T4);
    return done(o, false);
}

static bool store_int(struct op *o)
{
    struct gen *g = o->g;
    unsigned size = o->in->op[0].size;
    bool truncate = o->in->mnem == MN_FISTTP || fpu_class_of(g) == FPTW_CLASS_TRUNCATE;
    if (!fpu_holds(g, 0) || fpu_class_of(g) == FPTW_CLASS_OTHER)
        return false;
    call(o, fpu_slot_of(g, 0), g->ctx->x87.to_int[truncate]);
    if (size != 8) {
        uint32_t *start = g->p;
        g->p = size == 4 ? emit_x87_fits32(g->p, HREG_T1, NULL) : emit_x87_fits16(g->p, HREG_T1, NULL);
        to_slow(o, start + (size == 4 ? SITE_x87_fits32_slow : SITE_x87_fits16_slow));
    }
    int h = memory(o, size, true);
    g->p = size == 2 ? emit_x87_st_16(g->p, HREG_T1, h) : size == 4 ? emit_x87_st_32(g->p, HREG_T1, h)
        : emit_st_64(g->p, HREG_T1, h);
    g->p = emit_x87_flags(g->p, HREG_T4);
    return done(o, false);
}

static bool arith(struct op *o, enum x87_arith what, bool integer)
{
    struct gen *g = o->g;
    const struct insn *in = o->in;
    bool memory = in->op[0].kind == OPK_MEM;
    unsigned d = memory ? 0 : in->op[0].reg;
    const struct operand *s = &in->op[memory ? 0 : 1];
    if (!fpu_rounds_to_nearest(g) || !fpu_holds(g, d) || (!memory && !fpu_holds(g, s->reg)))
        return false;
    load_operand(o, s, integer);
    call(o, fpu_slot_of(g, d), g->ctx->x87.arith[fpu_class_of(g) == FPTW_CLASS_DOUBLE][what]);
    return done(o, false);
}

/* FCOM, FUCOM, FICOM, FTST; the routine sends NaNs to the interpreter, so the families are one. */
static bool compare(struct op *o)
{
    struct gen *g = o->g;
    const struct insn *in = o->in;
    static const struct operand st1 = {.kind = OPK_ST, .reg = 1};
    const struct operand *s = in->op[0].kind == OPK_NONE || in->nops == 0 ? &st1 : &in->op[0];
    if (!fpu_holds(g, 0))
        return false;
    if (in->mnem == MN_FTST) {
        gen_move(g, HREG_T3, HREG_zero);
        gen_move(g, HREG_T1, HREG_zero);
    } else {
        if (s->kind == OPK_ST && !fpu_holds(g, s->reg))
            return false;
        load_operand(o, s, in->mnem == MN_FICOM || in->mnem == MN_FICOMP);
    }
    call(o, fpu_slot_of(g, 0), g->ctx->x87.compare);
    g->p = emit_x87_condition(g->p, HREG_T1);
    return done(o, false);
}

static bool compare_eflags(struct op *o)
{
    struct gen *g = o->g;
    if (!fpu_holds(g, 0) || !fpu_holds(g, o->in->op[1].reg))
        return false;
    load_operand(o, &o->in->op[1], false);
    call(o, fpu_slot_of(g, 0), g->ctx->x87.compare);
    if (gen_needed_after(g)) {
        gen_move(g, HREG_cc_src, HREG_T1);
        gen_record(g, CC_EFLAGS, 2, loc_canon(), loc_canon(), loc_canon());
    }
    return done(o, true);
}

static bool conditional_move(struct op *o)
{
    struct gen *g = o->g;
    unsigned i = o->in->op[1].reg;
    bool c1_clear = g->fpu.c1_clear;
    if (!fpu_holds(g, 0) || !fpu_holds(g, i))
        return false;
    gen_cond_value(g, o->in->cond, HREG_T3);
    g->p = emit_x87_cmov(g->p, fpu_slot_of(g, 0), fpu_slot_of(g, i), HREG_T3);
    return done(o, c1_clear);
}

static bool exchange(struct op *o)
{
    struct gen *g = o->g;
    unsigned i = o->in->op[0].reg;
    if (!fpu_holds(g, 0) || !fpu_holds(g, i))
        return false;
    if (i)
        g->p = emit_x87_swap(g->p, fpu_slot_of(g, 0), fpu_slot_of(g, i));
    return done(o, true);
}

static bool constant(struct op *o)
{
    struct gen *g = o->g;
    int d = fpu_slot_of(g, 7);
    if (!fpu_may_push(g))
        return false;
    if (o->in->mnem == MN_FLDZ)
        g->p = emit_x87_zero(g->p, d);
    else if (o->in->mnem == MN_FLD1)
        g->p = emit_x87_one(g->p, d);
    else {
        if (!fpu_rounds_to_nearest(g))
            return false;
        struct floatx80 v = fpu_constant_value(o->in->mnem, FPRC_NEAREST);
        g->p = emit_li32(g->p, HREG_T0, (int32_t)(v.mant >> 32));
        g->p = emit_li32(g->p, HREG_T1, (int32_t)v.mant);
        g->p = emit_x87_const(g->p, HREG_T0, HREG_T1, v.se, d);
    }
    return done(o, true);
}

static bool sign(struct op *o)
{
    struct gen *g = o->g;
    if (!fpu_holds(g, 0))
        return false;
    g->p = o->in->mnem == MN_FABS ? emit_x87_abs(g->p, fpu_slot_of(g, 0)) : emit_x87_chs(g->p, fpu_slot_of(g, 0));
    return done(o, true);
}

static bool round_to_int(struct op *o)
{
    struct gen *g = o->g;
    if (!fpu_holds(g, 0) || fpu_class_of(g) == FPTW_CLASS_OTHER)
        return false;
    call(o, fpu_slot_of(g, 0), g->ctx->x87.rint[fpu_class_of(g) == FPTW_CLASS_TRUNCATE]);
    return done(o, false);
}

static bool square_root(struct op *o)
{
    struct gen *g = o->g;
    if (!fpu_holds(g, 0) || !fpu_rounds_to_nearest(g))
        return false;
    call(o, fpu_slot_of(g, 0), g->ctx->x87.sqrt[fpu_class_of(g) == FPTW_CLASS_DOUBLE]);
    return done(o, false);
}

static bool examine(struct op *o)
{
    struct gen *g = o->g;
    if (!fpu_holds(g, 0))
        return false;
    call(o, fpu_slot_of(g, 0), g->ctx->x87.examine);
    return done(o, false);
}

/* ---- control ---- */

bool gen_fldcw(struct gen *g, const struct insn *in)
{
    if (g->tb->fptw == TB_ANY_FPTW || (g->fpu.word & FPTW_ES) || !gen_mem_ok(g, in))
        return false;
    gen_load(g, HREG_T1, gen_ea(g, in), 2, false);
    uint32_t *start = g->p;
    g->p = emit_x87_set_control(g->p, HREG_T1, NULL);
    gen_stub(g, STUB_INTERP_EXIT, start + SITE_x87_set_control_slow);
    gen_fpu_sync_status(g);
    g->p = emit_x87_set_class(g->p, HREG_T1, (int)(g->fpu.word & ~(uint32_t)FPTW_CLASS));
    g->fpu_dirty = false;
    gen_exit(g, 0, g->eips[g->cur + 1]);
    return true;
}

static bool store_control(struct gen *g, const struct insn *in)
{
    if (!gen_mem_ok(g, in))
        return false;
    g->p = emit_x87_control(g->p, HREG_T1);
    gen_store(g, HREG_T1, gen_ea(g, in), 2);
    return true;
}

static bool store_status(struct gen *g, const struct insn *in)
{
    bool memory = in->op[0].kind == OPK_MEM;
    if (memory && !gen_mem_ok(g, in))
        return false;
    if (!memory)
        gen_guest_write(g, R_EAX);
    if (g->tb->fptw == TB_ANY_FPTW)
        g->p = emit_x87_status_any(g->p, HREG_T1);
    else if (g->fpu.c1_clear)
        g->p = emit_x87_status_c1(g->p, HREG_T1, (int)(fpw_top(g->fpu.word) << 11));
    else
        g->p = emit_x87_status(g->p, HREG_T1, (int)(fpw_top(g->fpu.word) << 11));
    if (memory)
        gen_store(g, HREG_T1, gen_ea(g, in), 2);
    else
        gen_reg_insert(g, R_EAX, 2, HREG_T1);
    return true;
}

static bool wait(struct gen *g)
{
    if (g->tb->fptw != TB_ANY_FPTW)
        return !(g->fpu.word & FPTW_ES);
    uint32_t *start = g->p;
    g->p = emit_x87_wait(g->p, NULL);
    gen_stub(g, STUB_INTERP, start + SITE_x87_wait_slow);
    return true;
}

#define ARITH_CASES(NAME) \
    case MN_F##NAME: case MN_F##NAME##P: \
        return arith(&o, X87_##NAME, false); \
    case MN_FI##NAME: \
        return arith(&o, X87_##NAME, true);

/* Instructions that compute, and so wait for what is pending. */
static bool compute(struct gen *g, const struct insn *in)
{
    if (g->tb->fptw == TB_ANY_FPTW || (g->fpu.word & FPTW_ES))
        return false;
    if (in->op[0].kind == OPK_MEM && !gen_mem_ok(g, in))
        return false;
    struct op o = {.g = g, .in = in, .slow = gen_stub(g, STUB_INTERP, NULL), .offset = -1};
    switch (in->mnem) {
    ARITH_CASES(ADD)
    ARITH_CASES(SUB)
    ARITH_CASES(SUBR)
    ARITH_CASES(MUL)
    ARITH_CASES(DIV)
    ARITH_CASES(DIVR)
    case MN_FLD: case MN_FILD:
        return load(&o);
    case MN_FST: case MN_FSTP:
        return store(&o);
    case MN_FIST: case MN_FISTP: case MN_FISTTP:
        return store_int(&o);
    case MN_FCOM: case MN_FCOMP: case MN_FCOMPP: case MN_FUCOM: case MN_FUCOMP: case MN_FUCOMPP: case MN_FICOM:
    case MN_FICOMP: case MN_FTST:
        return compare(&o);
    case MN_FCOMI: case MN_FCOMIP: case MN_FUCOMI: case MN_FUCOMIP:
        return compare_eflags(&o);
    case MN_FCMOVCC:
        return conditional_move(&o);
    case MN_FXCH:
        return exchange(&o);
    case MN_FLD1: case MN_FLDL2T: case MN_FLDL2E: case MN_FLDPI: case MN_FLDLG2: case MN_FLDLN2: case MN_FLDZ:
        return constant(&o);
    case MN_FCHS: case MN_FABS:
        return sign(&o);
    case MN_FRNDINT:
        return round_to_int(&o);
    case MN_FSQRT:
        return square_root(&o);
    case MN_FXAM:
        return examine(&o);
    case MN_FNOP:
        return done(&o, g->fpu.c1_clear);
    case MN_FFREE: case MN_FFREEP: case MN_FINCSTP: case MN_FDECSTP:
        return done(&o, true);
    default:
        return false;
    }
}

bool gen_fpu(struct gen *g, const struct insn *in)
{
    if (g->flags & (HF_EM | HF_TS))
        return false;
    switch (in->mnem) {
    case MN_FNSTCW:
        return store_control(g, in);
    case MN_FNSTSW:
        return store_status(g, in);
    case MN_FWAIT:
        return wait(g);
    case MN_FNENI: case MN_FNDISI: case MN_FNSETPM:
        return true;
    default:
        return compute(g, in);
    }
}

/* ---- routines in the frame region ---- */

static uint32_t *rounding(uint32_t *p, unsigned pc53, const uint32_t *fail)
{
    return pc53 ? emit_x87_round53(p, fail) : emit_x87_round64(p, fail);
}

void gen_x87_routines(struct tb_context *ctx)
{
    uint32_t *p = ctx->code_ptr;
    const uint32_t *fail = p;
    struct x87_routines *r = &ctx->x87;
    p = emit_x87_fail(p);
    for (unsigned pc53 = 0; pc53 < 2; pc53++) {
        r->arith[pc53][X87_SUB] = p;
        p = emit_x87_head_sub(p);
        r->arith[pc53][X87_ADD] = p;
        p = emit_x87_head(p);
        p = emit_x87_add(p, fail);
        p = rounding(p, pc53, fail);
        r->arith[pc53][X87_SUBR] = p;
        p = emit_x87_head_subr(p);
        p = emit_x87_add(p, fail);
        p = rounding(p, pc53, fail);
        r->arith[pc53][X87_MUL] = p;
        p = emit_x87_head(p);
        p = emit_x87_mul(p, fail);
        p = rounding(p, pc53, fail);
        r->arith[pc53][X87_DIV] = p;
        p = emit_x87_head(p);
        p = emit_x87_div(p, fail);
        p = rounding(p, pc53, fail);
        r->arith[pc53][X87_DIVR] = p;
        p = emit_x87_head_divr(p);
        p = emit_x87_div(p, fail);
        p = rounding(p, pc53, fail);
        r->sqrt[pc53] = p;
        p = emit_x87_sqrt(p, fail);
        p = rounding(p, pc53, fail);
    }
    r->examine = p;
    p = emit_x87_examine(p, fail);
    r->compare = p;
    p = emit_x87_head(p);
    p = emit_x87_compare(p, fail);
    r->to_f32 = p;
    p = emit_x87_to_f32(p, fail);
    r->to_f64 = p;
    p = emit_x87_to_f64(p, fail);
    for (unsigned truncate = 0; truncate < 2; truncate++) {
        r->to_int[truncate] = p;
        p = truncate ? emit_x87_round_zero(p, fail) : emit_x87_round_nearest(p, fail);
        p = emit_x87_round_int(p, fail);
        r->rint[truncate] = p;
        p = truncate ? emit_x87_round_zero(p, fail) : emit_x87_round_nearest(p, fail);
        p = emit_x87_round_store(p);
    }
    r->zero_f32 = p;
    p = emit_x87_zero_f32(p);
    r->zero_f64 = p;
    p = emit_x87_zero_f64(p);
    ctx->code_ptr = p;
}
