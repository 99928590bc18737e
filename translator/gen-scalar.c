/* SSE2 on single doubles: values stay in the host's FP registers for as long as a block runs.
 *
 * An XMM register's low half may be in an FP register, and the vCPU state's copy out of date (struct xmm_state).  Each
 * result gets a register that nothing is in, so the operands are there still when it turns out that the instruction
 * has to go to the interpreter, and a move between registers is no code.  Ways out of line that call C bring the
 * vCPU state up to date and load the registers again; a block's exits bring it up to date; for a fault in a
 * direct window the block's map says what is where.  Upper halves stay in the vCPU state; the generator knows which
 * of them are equal, or 0.
 *
 * What x86 and the host do differently (gen-simd.c) cannot happen to numbers of moderate size: a value is looked at
 * when it is first used, to be 0 or between 2^-255 and 2^257, and bounds of results follow from those of the
 * operands.  A result is looked at where they do not tell that it is 0 or a normal number.  What is found to be
 * outside goes to the interpreter, and the block is left, since the code behind counts on it. */
#include "gen.h"

#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "optimise.h"
#include "tmpl-gen.h"

/* FP registers that nothing else uses; C functions may. */
static const uint8_t pool[] = {8, 9, 10, 11, 14, 15, 20, 21, 22, 23};
/* A memory operand, and one step of moves in a circle. */
enum { MEM_REG = 4, SPARE_REG = 5 };
/* Bounds that the look at a value gives: 0, or 2^LO <= |v| <= 2^HI. */
enum { LO = -255, HI = 257, UNKNOWN = INT16_MIN };
enum { UPPER_ZERO = 0 };

static int low_offset(unsigned r)
{
    return (int)(offsetof(CPUX86State, xmm) + r * sizeof(union xmm_reg));
}

/* ---- the state ---- */

void gen_xmm_begin(struct gen *g)
{
    memset(&g->xmm, 0, sizeof g->xmm);
    for (unsigned r = 0; r < 8; r++) {
        g->xmm.range[r].lo = UNKNOWN;
        g->xmm.upper[r] = (uint16_t)(r + 1);
    }
    g->xmm.next_upper = 9;
    g->nxmm = 1; /* the first state: nothing is */
}

static void drop(struct gen *g, unsigned r)
{
    g->xmm.at.reg[r] = 0;
    g->xmm.range[r].lo = UNKNOWN;
}

static void flush_one(struct gen *g, unsigned r)
{
    if (g->xmm.at.dirty >> r & 1)
        g->p = emit_fp_st64(g->p, g->xmm.at.reg[r], HREG_env, low_offset(r));
    g->xmm.at.dirty &= (uint8_t)~(1u << r);
}

void gen_xmm_flush(struct gen *g)
{
    for (unsigned r = 0; r < 8 && g->xmm.at.dirty; r++)
        flush_one(g, r);
}

void gen_xmm_drop(struct gen *g)
{
    gen_xmm_flush(g);
    for (unsigned r = 0; r < 8; r++)
        drop(g, r);
}

void gen_xmm_out(struct gen *g, const struct xmm_state *x)
{
    for (unsigned r = 0; r < 8; r++)
        if (x->dirty >> r & 1)
            g->p = emit_fp_st64(g->p, x->reg[r], HREG_env, low_offset(r));
}

void gen_xmm_in(struct gen *g, const struct xmm_state *x)
{
    for (unsigned r = 0; r < 8; r++)
        if (x->reg[r])
            g->p = emit_fp_ld64(g->p, x->reg[r], HREG_env, low_offset(r));
}

/* An FP register that is free. */
static int alloc(const struct gen *g)
{
    for (unsigned i = 0; i < sizeof pool; i++)
        if (!memchr(g->xmm.at.reg, pool[i], 8))
            return pool[i];
    abort(); /* ten, of which eight may be taken */
}

/* The register with the low half of XMM register r. */
static int get(struct gen *g, unsigned r)
{
    if (!g->xmm.at.reg[r]) {
        int f = alloc(g);
        g->p = emit_fp_ld64(g->p, f, HREG_env, low_offset(r));
        g->xmm.at.reg[r] = (uint8_t)f;
        g->xmm.range[r].lo = UNKNOWN;
    }
    return g->xmm.at.reg[r];
}

static void set(struct gen *g, unsigned r, int f, struct xmm_range range)
{
    g->xmm.at.reg[r] = (uint8_t)f;
    g->xmm.at.dirty |= (uint8_t)(1u << r);
    g->xmm.range[r] = range;
}

static void zero_upper(struct gen *g, unsigned r)
{
    if (g->xmm.upper[r] == UPPER_ZERO)
        return;
    g->p = emit_gp_st64(g->p, HREG_zero, HREG_env, low_offset(r) + 8);
    g->xmm.upper[r] = UPPER_ZERO;
}

/* ---- loops ---- */

static bool is_moderate(struct xmm_range a)
{
    return a.lo != UNKNOWN && a.lo >= LO && a.hi <= HI;
}

/* What holds at a loop's head has to hold at its end too: bounds that grow do not. */
void gen_xmm_head(struct gen *g)
{
    for (unsigned r = 0; r < 8; r++)
        if (!is_moderate(g->xmm.range[r]))
            g->xmm.range[r].lo = UNKNOWN;
}

bool gen_xmm_fits(const struct gen *g)
{
    const struct gen_xmm *h = &g->head.xmm, *x = &g->xmm;
    for (unsigned i = 0; i < 8; i++) {
        struct xmm_range a = h->range[i], b = x->range[i];
        if (a.lo != UNKNOWN && (b.lo == UNKNOWN || b.lo < a.lo || b.hi > a.hi || (a.positive && !b.positive)))
            return false;
        if (h->upper[i] == UPPER_ZERO && x->upper[i] != UPPER_ZERO)
            return false;
        for (unsigned k = 0; k < i; k++) {
            if (h->upper[i] == h->upper[k] && x->upper[i] != x->upper[k])
                return false;
            if (h->at.reg[i] && h->at.reg[i] == h->at.reg[k] && (!x->at.reg[i] || x->at.reg[i] != x->at.reg[k]))
                return false;
        }
    }
    return true;
}

/* Everything to where it is at the loop's head. */
void gen_xmm_to_head(struct gen *g)
{
    const struct xmm_state *h = &g->head.xmm.at, *x = &g->xmm.at;
    for (unsigned r = 0; r < 8; r++)
        if (!(h->dirty >> r & 1))
            flush_one(g, r);
    uint8_t from[8], to[8];
    unsigned n = 0;
    for (unsigned r = 0; r < 8; r++)
        if (h->reg[r] && x->reg[r] && x->reg[r] != h->reg[r] && !memchr(to, h->reg[r], n)) {
            from[n] = x->reg[r];
            to[n++] = h->reg[r];
        }
    while (n) {
        unsigned i = 0;
        while (i < n && memchr(from, to[i], n))
            i++;
        if (i == n) {
            i = 0;
            g->p = emit_fp_mov64(g->p, SPARE_REG, to[0]);
            for (unsigned k = 0; k < n; k++)
                if (from[k] == to[0])
                    from[k] = SPARE_REG;
        }
        g->p = emit_fp_mov64(g->p, to[i], from[i]);
        n--;
        from[i] = from[n];
        to[i] = to[n];
    }
    for (unsigned r = 0; r < 8; r++)
        if (h->reg[r] && !x->reg[r])
            g->p = emit_fp_ld64(g->p, h->reg[r], HREG_env, low_offset(r));
    g->xmm = g->head.xmm;
}

/* ---- looks at values ---- */

static struct gen_stub *closer(struct gen *g, int a, int b, struct gen_stub *slow)
{
    struct gen_stub *s = gen_stub(g, STUB_RANGE, g->p - 1);
    s->a = (uint8_t)a;
    s->s = (uint8_t)b;
    s->resume = g->p; /* the delay slot can run twice */
    s->slow = slow;
    slow->used = true;
    return s;
}

static void note_moderate(struct gen *g, int f)
{
    for (unsigned r = 0; r < 8; r++)
        if (g->xmm.at.reg[r] == f)
            g->xmm.range[r] = (struct xmm_range){LO, HI, false};
}

/* Leaves the branch's delay slot open. */
static void look_at(struct gen *g, int f, struct gen_stub *slow)
{
    g->p = emit_sse_moderate(g->p, f, NULL);
    closer(g, f, f, slow);
    note_moderate(g, f);
}

static void look_at_both(struct gen *g, int a, int b, struct gen_stub *slow)
{
    if (!(g->ctx->host_features & TMPL_HOST_MSA)) {
        look_at(g, a, slow);
        look_at(g, b, slow);
        return;
    }
    g->p = emit_sse_moderate_msa(g->p, a, b, NULL);
    closer(g, a, b, slow);
    note_moderate(g, a);
    note_moderate(g, b);
}

/* ---- instructions ---- */

static bool is_arith(unsigned mnem)
{
    return mnem == MN_ADDSD || mnem == MN_SUBSD || mnem == MN_MULSD || mnem == MN_DIVSD || mnem == MN_SQRTSD;
}

static bool is_zeroing(const struct insn *in)
{
    return (in->mnem == MN_PXOR || in->mnem == MN_XORPS || in->mnem == MN_XORPD) && in->op[0].kind == OPK_XMM
        && in->op[1].kind == OPK_XMM && in->op[0].reg == in->op[1].reg;
}

static bool is_move(const struct insn *in)
{
    switch (in->mnem) {
    case MN_MOVAPS: case MN_MOVAPD: case MN_MOVDQA: case MN_MOVUPS: case MN_MOVUPD: case MN_MOVDQU:
        return in->op[0].kind == OPK_XMM && in->op[1].kind == OPK_XMM;
    default:
        return false;
    }
}

bool gen_scalar_takes(const struct gen *g, const struct insn *in)
{
    if (!optimise_on(OPTIMISE_SSE_REGISTERS) || (g->flags & (HF_EM | HF_TS)) || !(g->flags & HF_OSFXSR)
        || in->nops != 2 || !cpu_has(g->env, (enum isa_feature)isa_info[in->form].feature))
        return false;
    bool xmm = in->op[0].kind == OPK_XMM && in->op[1].kind == OPK_XMM;
    bool mem = (in->op[0].kind == OPK_MEM || in->op[1].kind == OPK_MEM) && gen_mem_ok(g, in);
    if (in->mnem == MN_MOVSD)
        return mem || (xmm && g->xmm.at.reg[in->op[1].reg]);
    if (is_move(in))
        return g->xmm.at.reg[in->op[1].reg] != 0;
    if (is_zeroing(in))
        return true;
    if (!(g->flags & HF_MXCSR_STD) || in->op[0].kind != OPK_XMM)
        return false;
    if (in->mnem == MN_CVTSI2SD)
        return in->op[1].kind == OPK_REG;
    if (in->mnem == MN_COMISD || in->mnem == MN_UCOMISD || is_arith(in->mnem))
        return xmm || mem;
    return false;
}

static struct xmm_range arith_range(unsigned mnem, struct xmm_range a, struct xmm_range b, bool same)
{
    int lo = 0, hi = 0;
    bool positive = false;
    switch (mnem) {
    case MN_MULSD:
        lo = a.lo + b.lo;
        hi = a.hi + b.hi;
        positive = same || (a.positive && b.positive);
        break;
    case MN_ADDSD:
    case MN_SUBSD: /* a sum is a multiple of the lesser last bit */
        lo = (a.lo < b.lo ? a.lo : b.lo) - 52;
        hi = (a.hi > b.hi ? a.hi : b.hi) + 1;
        if (mnem == MN_ADDSD && (same || (a.positive && b.positive)))
            lo += 52;
        positive = mnem == MN_ADDSD && a.positive && b.positive;
        break;
    case MN_SQRTSD:
        if (!b.positive)
            return (struct xmm_range){UNKNOWN, 0, false};
        lo = b.lo < 0 ? (b.lo - 1) / 2 : b.lo / 2;
        hi = b.hi < 0 ? b.hi / 2 : (b.hi + 1) / 2;
        positive = true;
        break;
    default: /* the divisor may be 0 */
        return (struct xmm_range){UNKNOWN, 0, false};
    }
    if (lo < -1022 || hi > 1023)
        return (struct xmm_range){UNKNOWN, 0, false};
    return (struct xmm_range){(int16_t)lo, (int16_t)hi, positive};
}

static void put_arith(struct gen *g, unsigned mnem, int d, int a, int b)
{
    switch (mnem) {
    case MN_ADDSD: g->p = emit_fp_add64(g->p, d, a, b); break;
    case MN_SUBSD: g->p = emit_fp_sub64(g->p, d, a, b); break;
    case MN_MULSD: g->p = emit_fp_mul64(g->p, d, a, b); break;
    case MN_DIVSD: g->p = emit_fp_div64(g->p, d, a, b); break;
    default: g->p = emit_fp_sqrt64(g->p, d, b); break;
    }
}

/* The operands in FP registers, looked at, with a delay slot that may be open. */
struct operands {
    int a, b;
    struct xmm_range ra, rb;
    struct gen_stub *slow;
};

static void operands(struct gen *g, const struct insn *in, struct operands *o)
{
    unsigned d = in->op[0].reg;
    bool mem = in->op[1].kind == OPK_MEM, two = in->mnem != MN_SQRTSD;
    o->slow = gen_stub(g, STUB_INTERP_EXIT, NULL);
    o->b = MEM_REG;
    if (mem) {
        uint32_t *site = gen_load_f64(g, MEM_REG, in);
        if (site)
            gen_stub_site(o->slow, site);
    } else {
        o->b = get(g, in->op[1].reg);
    }
    o->a = two ? get(g, d) : o->b;
    bool la = two && g->xmm.range[d].lo == UNKNOWN, lb = mem || g->xmm.range[in->op[1].reg].lo == UNKNOWN;
    if (la && lb && o->a != o->b)
        look_at_both(g, o->a, o->b, o->slow);
    else if (la)
        look_at(g, o->a, o->slow);
    else if (lb)
        look_at(g, o->b, o->slow);
    o->ra = g->xmm.range[d];
    o->rb = mem ? (struct xmm_range){LO, HI, false} : g->xmm.range[in->op[1].reg];
}

static void gen_arith(struct gen *g, const struct insn *in)
{
    struct operands o;
    operands(g, in, &o);
    int n = alloc(g);
    put_arith(g, in->mnem, n, o.a, o.b);
    struct xmm_range range = arith_range(in->mnem, o.ra, o.rb, o.a == o.b);
    if (range.lo == UNKNOWN) {
        look_at(g, n, o.slow);
        g->p = emit_nop(g->p);
        range = (struct xmm_range){LO, HI, false};
    }
    set(g, in->op[0].reg, n, range);
}

static void gen_compare(struct gen *g, const struct insn *in)
{
    struct operands o;
    operands(g, in, &o);
    struct tmpl_operand to[2] = {{.kind = TO_SIMD, .value = -1}, {.kind = TO_SIMD, .value = -1}};
    const struct tmpl *t = tmpl_find_simd(in->mnem, to, 2, 4, g->ctx->host_features);
    g->p = t->emit(g->p, &(struct tmpl_args){.v = {o.a, o.b}});
    gen_move(g, HREG_cc_src, t->record.src.index);
    gen_record(g, CC_EFLAGS, 2, loc_canon(), loc_canon(), loc_canon());
}

static void gen_scalar_move(struct gen *g, const struct insn *in)
{
    const struct operand *d = &in->op[0], *s = &in->op[1];
    if (d->kind == OPK_MEM) {
        int f = get(g, s->reg);
        uint32_t *site = gen_store_f64(g, f, in);
        if (site)
            gen_stub(g, STUB_INTERP, site);
    } else if (s->kind == OPK_MEM) {
        int f = alloc(g);
        uint32_t *site = gen_load_f64(g, f, in);
        if (site)
            gen_stub(g, STUB_INTERP, site);
        zero_upper(g, d->reg);
        set(g, d->reg, f, (struct xmm_range){UNKNOWN, 0, false});
    } else {
        unsigned upper = g->xmm.upper[s->reg];
        if (in->mnem != MN_MOVSD && upper == UPPER_ZERO) {
            zero_upper(g, d->reg);
        } else if (in->mnem != MN_MOVSD && g->xmm.upper[d->reg] != upper) {
            g->p = emit_gp_ld64(g->p, HREG_X1, HREG_env, low_offset(s->reg) + 8);
            g->p = emit_gp_st64(g->p, HREG_X1, HREG_env, low_offset(d->reg) + 8);
            g->xmm.upper[d->reg] = (uint16_t)upper;
        }
        if (d->reg != s->reg)
            set(g, d->reg, g->xmm.at.reg[s->reg], g->xmm.range[s->reg]);
    }
}

bool gen_scalar(struct gen *g, const struct insn *in)
{
    if (!gen_scalar_takes(g, in))
        return false;
    unsigned d = in->op[0].reg;
    if (is_zeroing(in)) {
        int f = alloc(g);
        g->p = emit_fp_bits64(g->p, f, HREG_zero);
        zero_upper(g, d);
        set(g, d, f, (struct xmm_range){0, 0, true});
    } else if (in->mnem == MN_CVTSI2SD) {
        int f = alloc(g);
        g->p = emit_fp_int64(g->p, f, greg(in->op[1].reg));
        set(g, d, f, (struct xmm_range){0, 31, false});
    } else if (in->mnem == MN_COMISD || in->mnem == MN_UCOMISD) {
        gen_compare(g, in);
    } else if (is_arith(in->mnem)) {
        gen_arith(g, in);
    } else {
        gen_scalar_move(g, in);
    }
    return true;
}

/* ---- other instructions ---- */

/* Those that leave FP registers alone, on all ways that do not go by gen_stub(). */
static bool is_plain(const struct insn *in)
{
    switch (in->mnem) {
    case MN_MOV: case MN_MOVZX: case MN_MOVSX: case MN_LEA: case MN_SETCC: case MN_CMOVCC: case MN_NOP: case MN_PUSH:
    case MN_POP: case MN_LEAVE: case MN_JMP: case MN_JCC: case MN_CALL: case MN_RET: case MN_ADD: case MN_SUB:
    case MN_AND: case MN_OR: case MN_XOR: case MN_CMP: case MN_TEST: case MN_INC: case MN_DEC: case MN_NEG: case MN_NOT:
    case MN_ADC: case MN_SBB: case MN_SHL: case MN_SHR: case MN_SAR: case MN_ROL: case MN_ROR: case MN_IMUL: case MN_MUL:
    case MN_CWD: case MN_SHLD: case MN_SHRD:
        return true;
    default:
        return false;
    }
}

static bool is_simd(const struct insn *in)
{
    unsigned f = isa_info[in->form].feature;
    return (f == ISA_F_SSE || f == ISA_F_SSE2 || f == ISA_F_SSE3) && !gen_uses_mmx(in) && in->mnem != MN_FISTTP;
}

void gen_xmm_before(struct gen *g, const struct insn *in)
{
    if (is_plain(in) || gen_scalar_takes(g, in))
        return;
    if (!is_simd(in)) {
        gen_xmm_drop(g);
        return;
    }
    for (unsigned i = 0; i < in->nops; i++)
        if (in->op[i].kind == OPK_XMM) {
            flush_one(g, in->op[i].reg);
            if (i == 0) {
                drop(g, in->op[0].reg);
                g->xmm.upper[in->op[0].reg] = g->xmm.next_upper++;
            }
        }
}

void gen_xmm_add(struct gen *g)
{
    if (memcmp(&g->xmmstates[g->nxmm - 1], &g->xmm.at, sizeof g->xmm.at))
        g->xmmstates[g->nxmm++] = g->xmm.at;
    g->map[g->cur].xmm = (uint8_t)(g->nxmm - 1);
}
