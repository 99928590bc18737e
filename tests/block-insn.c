/* Instructions are drawn from all rows of the ISA table that can be compared; each is executed once while
 * the sequence is made, so that displacements can be chosen for the values that registers will have then. */
#include "config.h"
#include "block-build.h"

#include <string.h>

struct encoding {
    uint8_t prefix, two_byte, opcode, reg;
    uint8_t mem_size; /* bytes */
    bool modrm, mem, direct; /* forms of ModRM that exist */
};

enum { ENCODINGS_MAX = 64 };
static struct {
    struct encoding e[ENCODINGS_MAX];
    unsigned n, weight;
} forms[FORM_COUNT];
/* Instructions are drawn in two steps: which of these, then a form by its weight. */
enum { BASE, VECTOR, X87, CLASSES };
static unsigned total_weight[CLASSES];
static unsigned vector_percent, x87_percent;

static uint64_t rng;

void bb_seed(uint64_t seed)
{
    rng = seed;
}

uint64_t bg_random(void)
{
    uint64_t z = rng += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

unsigned bb_below(unsigned n)
{
    return (unsigned)(bg_random() >> 33) % n;
}

bool bb_percent(unsigned n)
{
    return bb_below(100) < n;
}

static unsigned class_of(unsigned form)
{
    switch (isa_info[form].feature) {
    case ISA_F_MMX: case ISA_F_SSE: case ISA_F_SSE2: case ISA_F_FXSR:
        return VECTOR;
    case ISA_F_SSE3:
        return isa_info[form].mnem == MN_FISTTP ? X87 : VECTOR;
    case ISA_F_FPU: case ISA_F_FCMOV:
        return X87;
    default:
        return BASE;
    }
}

static unsigned weight_of(const struct insn *in)
{
    switch (isa_info[in->form].feature) {
    case ISA_F_BASE: case ISA_F_I486: case ISA_F_P6: case ISA_F_CX8: case ISA_F_CMOV:
        break;
    case ISA_F_MMX: case ISA_F_SSE: case ISA_F_SSE2: case ISA_F_SSE3:
        return in->mnem == MN_EMMS || in->mnem == MN_LDMXCSR ? 6 : 2;
    case ISA_F_FPU: case ISA_F_FCMOV:
        switch (in->mnem) {
        case MN_FLD: case MN_FILD: case MN_FSTP: case MN_FST: case MN_FISTP: case MN_FADD: case MN_FADDP:
        case MN_FMUL: case MN_FMULP: case MN_FXCH:
            return 16;
        case MN_FSIN: case MN_FCOS: case MN_FSINCOS: case MN_FPTAN: case MN_FPATAN: case MN_F2XM1:
        case MN_FYL2X: case MN_FYL2XP1: case MN_FNSAVE: case MN_FRSTOR: case MN_FLDENV: case MN_FNINIT:
            return 1; /* slow, or the end of what the stack held */
        default:
            return 4;
        }
    case ISA_F_FXSR:
        return 3;
    default:
        return 0;
    }
    switch (in->mnem) {
    case MN_IN: case MN_OUT: case MN_INS: case MN_OUTS: case MN_HLT: case MN_LGDT: case MN_LIDT: case MN_LLDT:
    case MN_LTR: case MN_LMSW: case MN_JCC: case MN_JMP: case MN_CALL: case MN_LOOP: case MN_LOOPE:
    case MN_LOOPNE: case MN_JCXZ: case MN_CALLF: case MN_JMPF: case MN_RETF: case MN_IRET: case MN_INT3:
    case MN_INT1:
    case MN_RET:
        return 0;
    case MN_INT: case MN_INTO: case MN_UD2: case MN_UD1: case MN_UD0: case MN_INVD: case MN_WBINVD:
    case MN_LDS:
    case MN_LES: case MN_LSS: case MN_LFS: case MN_LGS: case MN_CLTS: case MN_ARPL:
        return 1;
    case MN_MOV:
        if (in->op[0].kind == OPK_CR || in->op[0].kind == OPK_DR || in->op[1].kind == OPK_DR)
            return 0;
        if (in->op[0].kind == OPK_SREG || in->op[1].kind == OPK_CR)
            return 2;
        return 24;
    case MN_POP:
        return in->op[0].kind == OPK_SREG ? 1 : 20;
    case MN_SETCC: case MN_CMOVCC:
        return 4;
    case MN_NOP:
        return 1;
    case MN_MOVS: case MN_STOS: case MN_LODS: case MN_SCAS: case MN_CMPS:
        return 16;
    case MN_MUL: case MN_IMUL: case MN_DIV: case MN_IDIV: case MN_XADD: case MN_CMPXCHG: case MN_XCHG:
    case MN_PUSH:
    case MN_PUSHF: case MN_MOVZX: case MN_MOVSX: case MN_LEA: case MN_CLC: case MN_STC: case MN_CMC:
    case MN_STD:
    case MN_CLD: case MN_INC: case MN_DEC:
        return 18;
    default:
        return 9;
    }
}

static void add_encoding(unsigned form, struct encoding e)
{
    for (unsigned i = 0; i < forms[form].n; i++) {
        struct encoding *o = &forms[form].e[i];
        if (o->prefix == e.prefix && o->two_byte == e.two_byte && o->opcode == e.opcode && o->reg == e.reg) {
            o->mem |= e.mem;
            o->direct |= e.direct;
            o->mem_size |= e.mem_size;
            return;
        }
    }
    if (forms[form].n < ENCODINGS_MAX)
        forms[form].e[forms[form].n++] = e;
}

static void try_encoding(unsigned prefix, unsigned two, unsigned op, unsigned reg, bool direct)
{
    uint8_t b[16] = {0};
    unsigned k = 0;
    struct insn in, other;
    if (prefix)
        b[k++] = (uint8_t)prefix;
    if (two)
        b[k++] = 0x0f;
    b[k++] = (uint8_t)op;
    b[k] = (uint8_t)(reg << 3 | (direct ? 0xc1 : 0x01));
    if (decode_insn(b, sizeof b, DECODE_32, &in) != DECODE_OK)
        return;
    b[k] = (uint8_t)(reg << 3 | (direct ? 0x01 : 0x05));
    bool modrm = decode_insn(b, sizeof b, DECODE_32, &other) != DECODE_OK || other.form != in.form
        || (direct ? memcmp(&in.op, &other.op, sizeof in.op) : in.len + 4 == other.len);
    if (!direct && !modrm && reg)
        return;
    /* Prefixes that choose the form are of it; others come by chance. */
    if (prefix && decode_insn(b + 1, sizeof b - 1, DECODE_32, &other) == DECODE_OK && other.form == in.form)
        return;
    uint8_t size = 0;
    for (unsigned i = 0; i < in.nops; i++)
        if (in.op[i].kind == OPK_MEM)
            size = in.op[i].size;
    forms[in.form].weight = weight_of(&in);
    struct encoding e = {(uint8_t)prefix, (uint8_t)two, (uint8_t)op, (uint8_t)reg, size, modrm, !direct, direct};
    add_encoding(in.form, e);
}

void bg_init(void)
{
    for (unsigned two = 0; two < 2; two++)
        for (unsigned op = 0; op < 256; op++) {
            if (!two && (op == 0x0f || op == 0x66 || op == 0x67 || op == 0xf0 || op == 0xf2 || op == 0xf3
                         || (op & 0xe7) == 0x26 || op == 0x64 || op == 0x65))
                continue;
            for (unsigned reg = 0; reg < 8; reg++)
                for (unsigned p = 0; p < (two ? 4 : 1); p++) {
                    static const uint8_t prefixes[4] = {0, 0x66, 0xf3, 0xf2};
                    try_encoding(prefixes[p], two, op, reg, false);
                    try_encoding(prefixes[p], two, op, reg, true);
                }
        }
    memset(total_weight, 0, sizeof total_weight);
    for (unsigned f = 0; f < FORM_COUNT; f++)
        if (forms[f].n)
            total_weight[class_of(f)] += forms[f].weight;
}

/* ---- values ---- */

uint32_t bb_edge_value(void)
{
    static const uint32_t v[] = {0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000,
                                 0x7fffffff, 0x80000000,
                                 0xffffffff, 0xfffffffe, 0xffff8000, 0xffffff80, 31, 32, 33, 0x55555555};
    return v[bb_below(sizeof v / sizeof *v)];
}

/* A linear address that is worth an access. */
uint32_t bb_data_target(void)
{
    unsigned k = bb_below(100);
    if (k < 40)
        return BM_DATA + bb_below(0x3000);
    if (k < 52)
        return BM_STACK + bb_below(0x2000);
    if (k < 62) /* at a border of two pages */
        return BM_DATA + 0x1000 * bb_below(11) - bb_below(8);
    if (k < 66)
        return BM_DATA + 0x8000 + bb_below(0x1000);
    if (k < 70)
        return BM_MMIO + bb_below(0x1000);
    if (k < 74)
        return BM_RO + bb_below(0x1000);
    if (k < 76)
        return BM_SUPER + bb_below(0x1000);
    if (k < 78)
        return BM_HOLE + bb_below(0x1000);
    if (k < 80)
        return bb_below(8) - 4;
    if (k < 84)
        return BM_TABLE + bb_below(0x1000);
    if (k < 86)
        return BM_STACK_END - bb_below(6);
    return BM_DATA + (bb_below(0x1000) & ~3u);
}

uint32_t bb_start_value(void)
{
    switch (bb_below(4)) {
    case 0: return (uint32_t)bg_random();
    case 1: return bb_edge_value();
    default: return bb_data_target();
    }
}

/* ---- building ---- */

struct bg_seq *bb_seq;
struct bm *bb_walker;
uint32_t bb_here;

struct bg_item *bb_new_item(void)
{
    if (bb_seq->n == BG_ITEMS)
        return NULL;
    struct bg_item *it = &bb_seq->item[bb_seq->n];
    memset(it, 0, sizeof *it);
    return it;
}

void bb_put(struct bg_item *it, unsigned byte)
{
    it->bytes[it->len++] = (uint8_t)byte;
}

void bb_put_value(struct bg_item *it, uint32_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++, v >>= 8)
        bb_put(it, v);
}

void bb_want_op32(struct bg_item *it)
{
    if (bb_seq->code16)
        bb_put(it, 0x66);
}

void bb_want_addr32(struct bg_item *it)
{
    if (bb_seq->code16)
        bb_put(it, 0x67);
}

/* The item is complete.  execute: let the bb_walker do it; false when it faulted. */
bool bb_commit(struct bg_item *it, bool execute)
{
    bool ok = true;
    bm_poke(bb_walker, bb_here, it->bytes, it->len);
    bb_walker->env->eip = bb_here - bb_seq->cs_base;
    if (execute)
        ok = bm_step(bb_walker);
    bb_seq->n++;
    bb_here += it->len;
    return ok;
}

void bb_uncommit(void)
{
    bb_here -= bb_seq->item[--bb_seq->n].len;
}

unsigned bb_any_label(void)
{
    unsigned k = bb_below(10);
    if (k < 5)
        return bb_seq->n + 1 + bb_below(6);
    if (k < 8)
        return bb_seq->n + bb_below(20);
    return bb_below(bb_seq->n + 1);
}

void bb_mov_imm(unsigned r, uint32_t v)
{
    struct bg_item *it = bb_new_item();
    if (!it)
        return;
    bb_want_op32(it);
    bb_put(it, 0xb8 + r);
    bb_put_value(it, v, 4);
    bb_commit(it, true);
}

void bb_mov_label(unsigned r, unsigned label, bool linear)
{
    struct bg_item *it = bb_new_item();
    if (!it)
        return;
    bb_want_op32(it);
    bb_put(it, 0xb8 + r);
    it->patch = BG_ABS32;
    it->at = it->len;
    it->label = (uint8_t)label;
    it->linear = linear;
    bb_put_value(it, bb_here, 4);
    bb_commit(it, true);
}

void bb_simple(unsigned n, const uint8_t *bytes, bool execute)
{
    struct bg_item *it = bb_new_item();
    if (!it)
        return;
    for (unsigned i = 0; i < n; i++)
        bb_put(it, bytes[i]);
    bb_commit(it, execute);
}

uint32_t bb_seg_base_now(unsigned seg)
{
    return bb_walker->env->segs[seg].base;
}

static uint32_t guess_label(unsigned label)
{
    return label < bb_seq->n ? bb_seq->address[label] : bb_here + 3 * (label - bb_seq->n);
}

/* ModRM, SIB and displacement of a memory operand in 32-bit addressing that leads to `target`; label >= 0:
 * to that
 * item plus target. */
void bb_memory_operand(struct bg_item *it, unsigned reg, unsigned seg, uint32_t target, int label)
{
    const uint32_t *regs = bb_walker->env->regs;
    uint32_t disp = target - bb_seg_base_now(seg);
    unsigned shape = bb_below(8);
    uint32_t addend = target;
    if (label >= 0)
        disp = guess_label((unsigned)label) + target - bb_seg_base_now(seg);
    addend -= bb_seg_base_now(seg);
    if (shape < 2) {
        bb_put(it, reg << 3 | 5);
    } else if (shape < 5) {
        unsigned base = bb_below(8);
        disp -= regs[base];
        addend -= regs[base];
        bb_put(it, 0x80 | reg << 3 | base);
        if (base == 4)
            bb_put(it, 0x24 | bb_below(4) << 6);
    } else {
        unsigned base = bb_below(8), index = bb_below(8), scale = bb_below(4);
        bb_put(it, 0x84 | reg << 3);
        bb_put(it, scale << 6 | index << 3 | base);
        disp -= regs[base];
        addend -= regs[base];
        if (index != 4) {
            disp -= regs[index] << scale;
            addend -= regs[index] << scale;
        }
    }
    if (label >= 0) {
        it->patch = BG_ABS32;
        it->linear = true;
        it->at = it->len;
        it->label = (uint8_t)label;
        it->addend = addend;
    }
    bb_put_value(it, disp, 4);
}

/* By a register that points somewhere already. */
static bool pointer_operand(struct bg_item *it, unsigned reg, unsigned seg)
{
    for (unsigned tries = 0; tries < 6; tries++) {
        unsigned base = bb_below(8), mod = bb_below(2);
        uint32_t lin = bb_walker->env->regs[base] + bb_seg_base_now(seg);
        if (lin < BM_DATA || lin >= BM_STACK_END)
            continue;
        if (mod == 0 && base == 5)
            mod = 1;
        bb_put(it, mod << 6 | reg << 3 | base);
        if (base == 4)
            bb_put(it, 0x24);
        if (mod)
            bb_put(it, bb_below(256));
        return true;
    }
    return false;
}

static void random_operand(struct bg_item *it, unsigned reg)
{
    bb_put(it, bb_below(3) << 6 | reg << 3 | bb_below(8));
    for (unsigned i = 0; i < 5; i++)
        bb_put(it, bb_percent(50) ? bb_below(256) : 0);
}

static void immediate_tail(struct bg_item *it)
{
    if (bb_percent(50))
        bb_put_value(it, bb_edge_value(), 4);
    else
        bb_put_value(it, bb_percent(30) ? bb_below(40) : (uint32_t)bg_random(), 4);
    bb_put_value(it, bb_below(2), 3);
}

int bb_label_target(void)
{
    return (int)(bb_percent(60) ? bb_seq->n + bb_below(6) : bb_below(bb_seq->n + 1));
}

/* Aligned more often than not, since many SSE instructions fault otherwise. */
static uint32_t aligned_target(unsigned size)
{
    uint32_t to = bb_data_target();
    if (size == 16 && bb_percent(85))
        return to & ~15u;
    return size == 8 && bb_percent(60) ? to & ~7u : to;
}

/* One instruction of the row, with random operands. */
static void one_of_form(unsigned form, const struct encoding *e)
{
    static const uint8_t overrides[6] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    const struct isa_info *info = &isa_info[form];
    struct bg_item *it = bb_new_item();
    int seg = -1;
    if (!it)
        return;
    bool mem = e->modrm && e->mem && (!e->direct || bb_percent(50));
    bool moffs = !e->two_byte && (e->opcode & 0xfc) == 0xa0;
    bool addr32 = true;
    if (mem || moffs || (info->flags & ISA_STRING) || e->opcode == 0xd7) {
        addr32 = !bb_percent(3);
        if (addr32 == bb_seq->code16)
            bb_put(it, 0x67);
        if (bb_percent(10)) {
            seg = (int)bb_below(6);
            bb_put(it, overrides[seg]);
        }
    }
    if (class_of(form) == BASE && bb_percent(bb_seq->code16 ? 60 : 15))
        bb_put(it, 0x66);
    if (e->prefix)
        bb_put(it, e->prefix);
    if (info->flags & ISA_STRING) {
        if (bb_percent(40))
            bb_put(it, bb_percent(70) ? 0xf3 : 0xf2);
    } else if (mem && (info->flags & ISA_LOCKABLE) ? bb_percent(8) : bb_below(400) == 0)
        bb_put(it, 0xf0);
    if (e->two_byte)
        bb_put(it, 0x0f);
    bb_put(it, e->opcode);
    if (moffs) {
        bb_put_value(it, bb_data_target() - bb_seg_base_now(seg >= 0 ? (unsigned)seg : R_DS), 4);
    } else if (e->modrm && !mem) {
        bb_put(it, 0xc0 | e->reg << 3 | bb_below(8));
    } else if (mem) {
        unsigned s = seg >= 0 ? (unsigned)seg : R_DS, k = bb_below(100);
        if (!addr32 || k < 6)
            random_operand(it, e->reg);
        else if (k < 35 && pointer_operand(it, e->reg, s))
            ;
        else if (k < 40)
            bb_memory_operand(it, e->reg, s, bb_below(6), bb_label_target());
        else if (k < 44)
            bb_memory_operand(it, e->reg, s, 8 + bb_below(40), (int)bb_seq->n + 20);
        else
            bb_memory_operand(it, e->reg, s, aligned_target(e->mem_size), -1);
    }
    immediate_tail(it);
    struct insn in;
    if (decode_insn(it->bytes, it->len, bb_seq->code16 ? DECODE_16 : DECODE_32, &in) == DECODE_OK)
        it->len = in.len;
    else if (bb_percent(98))
        return; /* seldom #UD */
    else
        it->len = 4;
    if (it->patch && it->at + 4 > it->len)
        it->patch = BG_NONE;
    if (it->patch && it->label > BG_ITEMS)
        it->label = BG_ITEMS;
    if (!bb_commit(it, true) && bb_percent(85))
        bb_uncommit();
}

static void one_of(unsigned f)
{
    const struct encoding *e = &forms[f].e[bb_below(forms[f].n)];
    if ((isa_info[f].flags & ISA_STRING) && bb_percent(70)) {
        if (bb_percent(60))
            bb_mov_imm(R_ESI, bb_data_target() - bb_seg_base_now(R_DS));
        if (bb_percent(60))
            bb_mov_imm(R_EDI, bb_data_target() - bb_seg_base_now(R_ES));
        bb_mov_imm(R_ECX, bb_percent(90) ? bb_below(20) : bb_below(6000));
    }
    if ((isa_info[f].mnem == MN_DIV || isa_info[f].mnem == MN_IDIV) && bb_percent(60))
        bb_mov_imm(R_EDX, bb_percent(50) ? 0 : bb_below(3) - 1);
    if ((isa_info[f].mnem == MN_MASKMOVQ || isa_info[f].mnem == MN_MASKMOVDQU) && bb_percent(80))
        bb_mov_imm(R_EDI, bb_data_target() - bb_seg_base_now(R_DS));
    if (isa_info[f].mnem == MN_BOUND && bb_percent(70))
        return;
    one_of_form(f, e);
}

void bb_mix(unsigned vector, unsigned x87)
{
    vector_percent = vector;
    x87_percent = x87;
}

void bb_generic(void)
{
    unsigned k = bb_below(100), f = 0;
    unsigned class = k < vector_percent ? VECTOR : k < vector_percent + x87_percent ? X87 : BASE;
    unsigned w = bb_below(total_weight[class]);
    for (;; f++) {
        unsigned x = forms[f].n && class_of(f) == class ? forms[f].weight : 0;
        if (w < x)
            break;
        w -= x;
    }
    one_of(f);
}

unsigned bb_forms_of(const uint16_t *mnems, unsigned n, uint16_t *out, unsigned max)
{
    unsigned k = 0;
    for (unsigned f = 0; f < FORM_COUNT; f++)
        for (unsigned i = 0; i < n; i++)
            if (forms[f].n && isa_info[f].mnem == mnems[i] && (forms[f].weight || class_of(f) != BASE)
                && k < max)
                out[k++] = (uint16_t)f;
    return k;
}

void bb_of_form(unsigned form)
{
    one_of(form);
}

void bb_by_mnem(unsigned mnem)
{
    for (unsigned tries = 0; tries < 400; tries++) {
        unsigned f = bb_below(FORM_COUNT);
        if (forms[f].n && isa_info[f].mnem == mnem && forms[f].weight) {
            one_of_form(f, &forms[f].e[bb_below(forms[f].n)]);
            return;
        }
    }
}

void bb_flag_consumer(void)
{
    static const uint16_t m[] = {MN_SETCC, MN_CMOVCC, MN_ADC, MN_SBB, MN_RCL, MN_RCR, MN_PUSHF, MN_LAHF,
                                 MN_SALC, MN_CMC, MN_DAA,
                                 MN_AAA, MN_INC, MN_DEC, MN_ROL, MN_ROR, MN_SHL, MN_SHR, MN_SAR, MN_BT,
                                     MN_STC, MN_SAHF};
    bb_by_mnem(m[bb_below(sizeof m / sizeof *m)]);
}

