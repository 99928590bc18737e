/* Instructions are drawn from all rows of the ISA table that can be compared; each is executed once while the sequence
 * is made, so that displacements can be chosen for the values that registers will have then.
 * Jumps, loops, stores into the code and their like are made of several instructions. */
#include "config.h"
#include "block-gen.h"

#include <string.h>

#include "flags.h"

struct encoding {
    uint8_t two_byte, opcode, reg;
    bool modrm, mem, direct; /* forms of ModRM that exist */
};

enum { ENCODINGS_MAX = 64 };
static struct {
    struct encoding e[ENCODINGS_MAX];
    unsigned n, weight;
} forms[FORM_COUNT];
static unsigned total_weight;

static uint64_t rng;

uint64_t bg_random(void)
{
    uint64_t z = rng += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
    return (unsigned)(bg_random() >> 33) % n;
}

static bool percent(unsigned n)
{
    return below(100) < n;
}

static unsigned weight_of(const struct insn *in)
{
    switch (isa_info[in->form].feature) {
    case ISA_F_BASE: case ISA_F_I486: case ISA_F_P6: case ISA_F_CX8: case ISA_F_CMOV:
        break;
    case ISA_F_FPU:
        return in->mnem == MN_FNOP ? 1 : 0;
    default:
        return 0;
    }
    switch (in->mnem) {
    case MN_IN: case MN_OUT: case MN_INS: case MN_OUTS: case MN_HLT: case MN_LGDT: case MN_LIDT: case MN_LLDT:
    case MN_LTR: case MN_LMSW: case MN_JCC: case MN_JMP: case MN_CALL: case MN_LOOP: case MN_LOOPE:
    case MN_LOOPNE: case MN_JCXZ: case MN_CALLF: case MN_JMPF: case MN_RETF: case MN_IRET: case MN_INT3: case MN_INT1:
    case MN_RET:
        return 0;
    case MN_INT: case MN_INTO: case MN_UD2: case MN_UD1: case MN_UD0: case MN_INVD: case MN_WBINVD: case MN_LDS:
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
    case MN_MUL: case MN_IMUL: case MN_DIV: case MN_IDIV: case MN_XADD: case MN_CMPXCHG: case MN_XCHG: case MN_PUSH:
    case MN_PUSHF: case MN_MOVZX: case MN_MOVSX: case MN_LEA: case MN_CLC: case MN_STC: case MN_CMC: case MN_STD:
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
        if (o->two_byte == e.two_byte && o->opcode == e.opcode && o->reg == e.reg) {
            o->mem |= e.mem;
            o->direct |= e.direct;
            return;
        }
    }
    if (forms[form].n < ENCODINGS_MAX)
        forms[form].e[forms[form].n++] = e;
}

static void try_encoding(unsigned two, unsigned op, unsigned reg, bool direct)
{
    uint8_t b[16] = {0};
    unsigned k = 0;
    struct insn in, other;
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
    forms[in.form].weight = weight_of(&in);
    add_encoding(in.form, (struct encoding){(uint8_t)two, (uint8_t)op, (uint8_t)reg, modrm, !direct, direct});
}

void bg_init(void)
{
    for (unsigned two = 0; two < 2; two++)
        for (unsigned op = 0; op < 256; op++) {
            if (!two && (op == 0x0f || op == 0x66 || op == 0x67 || op == 0xf0 || op == 0xf2 || op == 0xf3
                         || (op & 0xe7) == 0x26 || op == 0x64 || op == 0x65))
                continue;
            for (unsigned reg = 0; reg < 8; reg++) {
                try_encoding(two, op, reg, false);
                try_encoding(two, op, reg, true);
            }
        }
    total_weight = 0;
    for (unsigned f = 0; f < FORM_COUNT; f++)
        if (forms[f].n)
            total_weight += forms[f].weight;
}

/* ---- values ---- */

static uint32_t edge_value(void)
{
    static const uint32_t v[] = {0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
                                 0xffffffff, 0xfffffffe, 0xffff8000, 0xffffff80, 31, 32, 33, 0x55555555};
    return v[below(sizeof v / sizeof *v)];
}

/* A linear address that is worth an access. */
static uint32_t data_target(void)
{
    unsigned k = below(100);
    if (k < 40)
        return BM_DATA + below(0x3000);
    if (k < 52)
        return BM_STACK + below(0x2000);
    if (k < 62) /* at a border of two pages */
        return BM_DATA + 0x1000 * below(11) - below(8);
    if (k < 66)
        return BM_DATA + 0x8000 + below(0x1000);
    if (k < 70)
        return BM_MMIO + below(0x1000);
    if (k < 74)
        return BM_RO + below(0x1000);
    if (k < 76)
        return BM_SUPER + below(0x1000);
    if (k < 78)
        return BM_HOLE + below(0x1000);
    if (k < 80)
        return below(8) - 4;
    if (k < 84)
        return BM_TABLE + below(0x1000);
    if (k < 86)
        return BM_STACK_END - below(6);
    return BM_DATA + (below(0x1000) & ~3u);
}

static uint32_t start_value(void)
{
    switch (below(4)) {
    case 0: return (uint32_t)bg_random();
    case 1: return edge_value();
    default: return data_target();
    }
}

/* ---- building ---- */

static struct bg_seq *seq;
static struct bm *walker;
static uint32_t here; /* linear address of the next item */

static struct bg_item *new_item(void)
{
    if (seq->n == BG_ITEMS)
        return NULL;
    struct bg_item *it = &seq->item[seq->n];
    memset(it, 0, sizeof *it);
    return it;
}

static void put(struct bg_item *it, unsigned byte)
{
    it->bytes[it->len++] = (uint8_t)byte;
}

static void put_value(struct bg_item *it, uint32_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++, v >>= 8)
        put(it, v);
}

static void want_op32(struct bg_item *it)
{
    if (seq->code16)
        put(it, 0x66);
}

static void want_addr32(struct bg_item *it)
{
    if (seq->code16)
        put(it, 0x67);
}

/* The item is complete.  execute: let the walker do it; false when it faulted. */
static bool commit(struct bg_item *it, bool execute)
{
    bool ok = true;
    bm_poke(walker, here, it->bytes, it->len);
    walker->env->eip = here - seq->cs_base;
    if (execute)
        ok = bm_step(walker);
    seq->n++;
    here += it->len;
    return ok;
}

static void uncommit(void)
{
    here -= seq->item[--seq->n].len;
}

static unsigned any_label(void)
{
    unsigned k = below(10);
    if (k < 5)
        return seq->n + 1 + below(6);
    if (k < 8)
        return seq->n + below(20);
    return below(seq->n + 1);
}

static void mov_imm(unsigned r, uint32_t v)
{
    struct bg_item *it = new_item();
    if (!it)
        return;
    want_op32(it);
    put(it, 0xb8 + r);
    put_value(it, v, 4);
    commit(it, true);
}

static void mov_label(unsigned r, unsigned label, bool linear)
{
    struct bg_item *it = new_item();
    if (!it)
        return;
    want_op32(it);
    put(it, 0xb8 + r);
    it->patch = BG_ABS32;
    it->at = it->len;
    it->label = (uint8_t)label;
    it->linear = linear;
    put_value(it, here, 4);
    commit(it, true);
}

static void simple(unsigned n, const uint8_t *bytes, bool execute)
{
    struct bg_item *it = new_item();
    if (!it)
        return;
    for (unsigned i = 0; i < n; i++)
        put(it, bytes[i]);
    commit(it, execute);
}

static uint32_t seg_base_now(unsigned seg)
{
    return walker->env->segs[seg].base;
}

static uint32_t guess_label(unsigned label)
{
    return label < seq->n ? seq->address[label] : here + 3 * (label - seq->n);
}

/* ModRM, SIB and displacement of a memory operand in 32-bit addressing that leads to `target`; label >= 0: to that
 * item plus target. */
static void memory_operand(struct bg_item *it, unsigned reg, unsigned seg, uint32_t target, int label)
{
    const uint32_t *regs = walker->env->regs;
    uint32_t disp = target - seg_base_now(seg);
    unsigned shape = below(8);
    uint32_t addend = target;
    if (label >= 0)
        disp = guess_label((unsigned)label) + target - seg_base_now(seg);
    addend -= seg_base_now(seg);
    if (shape < 2) {
        put(it, reg << 3 | 5);
    } else if (shape < 5) {
        unsigned base = below(8);
        disp -= regs[base];
        addend -= regs[base];
        put(it, 0x80 | reg << 3 | base);
        if (base == 4)
            put(it, 0x24 | below(4) << 6);
    } else {
        unsigned base = below(8), index = below(8), scale = below(4);
        put(it, 0x84 | reg << 3);
        put(it, scale << 6 | index << 3 | base);
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
    put_value(it, disp, 4);
}

/* By a register that points somewhere already. */
static bool pointer_operand(struct bg_item *it, unsigned reg, unsigned seg)
{
    for (unsigned tries = 0; tries < 6; tries++) {
        unsigned base = below(8), mod = below(2);
        uint32_t lin = walker->env->regs[base] + seg_base_now(seg);
        if (lin < BM_DATA || lin >= BM_STACK_END)
            continue;
        if (mod == 0 && base == 5)
            mod = 1;
        put(it, mod << 6 | reg << 3 | base);
        if (base == 4)
            put(it, 0x24);
        if (mod)
            put(it, below(256));
        return true;
    }
    return false;
}

static void random_operand(struct bg_item *it, unsigned reg)
{
    put(it, below(3) << 6 | reg << 3 | below(8));
    for (unsigned i = 0; i < 5; i++)
        put(it, percent(50) ? below(256) : 0);
}

static void immediate_tail(struct bg_item *it)
{
    if (percent(50))
        put_value(it, edge_value(), 4);
    else
        put_value(it, percent(30) ? below(40) : (uint32_t)bg_random(), 4);
    put_value(it, below(2), 3);
}

static void smc_bytes(uint8_t b[4])
{
    static const uint8_t ops[] = {0x90, 0x40, 0x41, 0x48, 0x4b, 0xf8, 0xf9, 0xf5, 0xc3, 0x98, 0xfc, 0x05, 0x9f, 0xcc, 0x74, 0x75, 0x01};
    for (unsigned i = 0; i < 4; i++)
        b[i] = percent(70) ? ops[below(sizeof ops)] : (uint8_t)below(256);
}

static int label_target(void)
{
    return (int)(percent(60) ? seq->n + below(6) : below(seq->n + 1));
}

/* One instruction of the row, with random operands. */
static void one_of_form(unsigned form, const struct encoding *e)
{
    static const uint8_t overrides[6] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    const struct isa_info *info = &isa_info[form];
    struct bg_item *it = new_item();
    int seg = -1;
    if (!it)
        return;
    bool mem = e->modrm && e->mem && (!e->direct || percent(50));
    bool moffs = !e->two_byte && (e->opcode & 0xfc) == 0xa0;
    bool addr32 = true;
    if (mem || moffs || (info->flags & ISA_STRING) || e->opcode == 0xd7) {
        addr32 = !percent(3);
        if (addr32 == seq->code16)
            put(it, 0x67);
        if (percent(10)) {
            seg = (int)below(6);
            put(it, overrides[seg]);
        }
    }
    if (percent(seq->code16 ? 60 : 15))
        put(it, 0x66);
    if (info->flags & ISA_STRING) {
        if (percent(40))
            put(it, percent(70) ? 0xf3 : 0xf2);
    } else if (mem && (info->flags & ISA_LOCKABLE) ? percent(8) : below(400) == 0)
        put(it, 0xf0);
    if (e->two_byte)
        put(it, 0x0f);
    put(it, e->opcode);
    if (moffs) {
        put_value(it, data_target() - seg_base_now(seg >= 0 ? (unsigned)seg : R_DS), 4);
    } else if (e->modrm && !mem) {
        put(it, 0xc0 | e->reg << 3 | below(8));
    } else if (mem) {
        unsigned s = seg >= 0 ? (unsigned)seg : R_DS, k = below(100);
        uint8_t before = it->len;
        if (!addr32 || k < 6)
            random_operand(it, e->reg);
        else if (k < 35 && pointer_operand(it, e->reg, s))
            ;
        else if (k < 40)
            memory_operand(it, e->reg, s, below(6), label_target());
        else if (k < 44)
            memory_operand(it, e->reg, s, 8 + below(40), (int)seq->n + 20);
        else
            memory_operand(it, e->reg, s, data_target(), -1);
        (void)before;
    }
    immediate_tail(it);
    struct insn in;
    if (decode_insn(it->bytes, it->len, seq->code16 ? DECODE_16 : DECODE_32, &in) == DECODE_OK)
        it->len = in.len;
    else if (percent(98))
        return; /* seldom #UD */
    else
        it->len = 4;
    if (it->patch && it->at + 4 > it->len)
        it->patch = BG_NONE;
    if (it->patch && it->label > BG_ITEMS)
        it->label = BG_ITEMS;
    if (!commit(it, true) && percent(85))
        uncommit();
}

static void generic(void)
{
    unsigned w = below(total_weight), f = 0;
    for (;; f++) {
        unsigned x = forms[f].n ? forms[f].weight : 0;
        if (w < x)
            break;
        w -= x;
    }
    const struct encoding *e = &forms[f].e[below(forms[f].n)];
    if ((isa_info[f].flags & ISA_STRING) && percent(70)) {
        if (percent(60))
            mov_imm(R_ESI, data_target() - seg_base_now(R_DS));
        if (percent(60))
            mov_imm(R_EDI, data_target() - seg_base_now(R_ES));
        mov_imm(R_ECX, percent(90) ? below(20) : below(6000));
    }
    if ((isa_info[f].mnem == MN_DIV || isa_info[f].mnem == MN_IDIV) && percent(60))
        mov_imm(R_EDX, percent(50) ? 0 : below(3) - 1);
    if (isa_info[f].mnem == MN_BOUND && percent(70))
        return;
    one_of_form(f, e);
}

static void by_mnem(unsigned mnem)
{
    for (unsigned tries = 0; tries < 400; tries++) {
        unsigned f = below(FORM_COUNT);
        if (forms[f].n && isa_info[f].mnem == mnem && forms[f].weight) {
            one_of_form(f, &forms[f].e[below(forms[f].n)]);
            return;
        }
    }
}

static void flag_consumer(void)
{
    static const uint16_t m[] = {MN_SETCC, MN_CMOVCC, MN_ADC, MN_SBB, MN_RCL, MN_RCR, MN_PUSHF, MN_LAHF, MN_SALC, MN_CMC, MN_DAA,
                                 MN_AAA, MN_INC, MN_DEC, MN_ROL, MN_ROR, MN_SHL, MN_SHR, MN_SAR, MN_BT, MN_STC, MN_SAHF};
    by_mnem(m[below(sizeof m / sizeof *m)]);
}

static void jump(unsigned label, bool conditional, bool call)
{
    struct bg_item *it = new_item();
    if (!it)
        return;
    bool near8 = !call && percent(40);
    if (!near8 || percent(50))
        want_op32(it);
    bool rel16 = seq->code16 && !it->len;
    if (!seq->code16 && below(60) == 0) {
        put(it, 0x66);
        rel16 = true;
    }
    if (conditional) {
        if (near8)
            put(it, 0x70 + below(16));
        else {
            put(it, 0x0f);
            put(it, 0x80 + below(16));
        }
    } else
        put(it, call ? 0xe8 : near8 ? 0xeb : 0xe9);
    it->at = it->len;
    it->label = (uint8_t)label;
    it->patch = near8 ? BG_REL8 : rel16 ? BG_REL16 : BG_REL32;
    put_value(it, 0, near8 ? 1 : rel16 ? 2 : 4);
    commit(it, false);
}

static void loop_to(unsigned label)
{
    struct bg_item *it = new_item();
    if (!it)
        return;
    unsigned k = below(5);
    if (k < 3) {
        if (percent(5))
            put(it, 0x67);
        want_op32(it);
        put(it, 0xe0 + k);
        it->at = it->len;
        it->patch = BG_REL8;
        it->label = (uint8_t)label;
        put(it, 0);
        commit(it, false);
    } else {
        want_op32(it);
        put(it, 0x49); /* dec ecx */
        commit(it, true);
        it = new_item();
        if (!it)
            return;
        want_op32(it);
        put(it, 0x0f);
        put(it, k == 3 ? 0x85 : 0x8f); /* jnz, jg */
        it->at = it->len;
        it->patch = BG_REL32;
        it->label = (uint8_t)label;
        put_value(it, 0, 4);
        commit(it, false);
    }
}

static void jecxz(unsigned label)
{
    struct bg_item *it = new_item();
    if (!it)
        return;
    if (percent(10))
        put(it, 0x67);
    put(it, 0xe3);
    it->at = it->len;
    it->patch = BG_REL8;
    it->label = (uint8_t)label;
    put(it, 0);
    commit(it, false);
}

static void indirect(bool call)
{
    struct bg_item *it;
    unsigned k = below(3), reg = call ? 2 : 4;
    if (k == 0) {
        unsigned r = below(8);
        if (r == R_ESP)
            r = R_EAX;
        mov_label(r, any_label(), false);
        it = new_item();
        if (!it)
            return;
        want_op32(it);
        put(it, 0xff);
        put(it, 0xc0 | reg << 3 | r);
        commit(it, false);
        return;
    }
    it = new_item();
    if (!it)
        return;
    want_op32(it);
    want_addr32(it);
    put(it, 0xff);
    if (k == 1)
        memory_operand(it, reg, R_DS, BM_TABLE + 4 * below(BM_LABELS), -1);
    else {
        unsigned r = below(7);
        if (r == R_ESP)
            r = R_EDX;
        struct bg_item *a = it;
        a->len = 0;
        want_op32(a);
        put(a, 0x83);
        put(a, 0xe0 | r);
        put(a, 0x3f); /* and r, 3f */
        commit(a, true);
        it = new_item();
        if (!it)
            return;
        want_op32(it);
        want_addr32(it);
        put(it, 0xff);
        put(it, reg << 3 | 4);
        put(it, 0x85 | r << 3);
        put_value(it, BM_TABLE - seg_base_now(R_DS), 4);
    }
    commit(it, false);
}

static void ret(void)
{
    struct bg_item *it = new_item();
    if (!it)
        return;
    want_op32(it);
    if (percent(30)) {
        put(it, 0xc2);
        put_value(it, percent(80) ? below(8) * 4 : below(65536), 2);
    } else
        put(it, 0xc3);
    commit(it, false);
}

/* A store into the sequence: plain, or through the other address of its page. */
static void smc_store(void)
{
    struct bg_item *it = new_item();
    uint8_t b[4];
    unsigned k = below(4), size = k == 1 ? 4 : 1;
    uint32_t off = below(3) + (percent(25) ? BM_ALIAS - BM_CODE : 0);
    if (!it)
        return;
    smc_bytes(b);
    want_addr32(it);
    if (k == 1)
        want_op32(it);
    if (k == 2 && percent(50))
        put(it, 0xf0);
    put(it, k == 0 ? 0xc6 : k == 1 ? 0xc7 : k == 2 ? 0x80 : 0x88);
    memory_operand(it, k == 2 ? 6 : k == 3 ? below(8) : 0, R_DS, off, label_target());
    if (k != 3)
        for (unsigned i = 0; i < size; i++)
            put(it, k == 2 ? 1u << below(4) : b[i]);
    if (!commit(it, false))
        uncommit();
}

/* Push, call and string stores into the sequence. */
static void smc_stack(void)
{
    unsigned k = below(3);
    if (k == 0) {
        static const uint8_t stosb[] = {0xaa}, rep_movsb[] = {0xf3, 0xa4};
        mov_label(R_EDI, (unsigned)label_target(), true);
        mov_imm(R_ECX, below(6));
        if (percent(50))
            simple(1, stosb, false);
        else
            simple(2, rep_movsb, false);
    } else {
        mov_label(R_ESP, (unsigned)label_target(), true);
        if (k == 1)
            by_mnem(percent(50) ? MN_PUSH : MN_PUSHF);
        else
            jump(any_label(), false, true);
        mov_imm(R_ESP, BM_STACK + 0x1800 - seg_base_now(R_SS));
    }
}

static void set_flags(void)
{
    uint32_t v = (uint32_t)bg_random() & (CC_ARITH | IF_MASK | DF_MASK | ID_MASK);
    struct bg_item *it = new_item();
    if (!it)
        return;
    if (percent(6))
        v |= TF_MASK;
    if (percent(10))
        v |= AC_MASK;
    if (percent(30))
        v |= IOPL_MASK;
    if (percent(5))
        v |= NT_MASK;
    want_op32(it);
    put(it, 0x68);
    put_value(it, v, 4);
    commit(it, true);
    it = new_item();
    if (!it)
        return;
    want_op32(it);
    put(it, 0x9d);
    commit(it, true);
    walker->env->eflags &= ~(uint32_t)TF_MASK;
    cpu_update_hflags(walker->env);
}

/* RETF or IRET to a label in the same segment. */
static void far_return(void)
{
    static const uint8_t pushf[] = {0x66, 0x9c}, push_cs[] = {0x66, 0x0e};
    unsigned skip = seq->code16 ? 0 : 1;
    bool iret = percent(50);
    if (iret)
        simple(2 - skip, pushf + skip, true);
    simple(2 - skip, push_cs + skip, true);
    struct bg_item *it = new_item();
    if (!it)
        return;
    want_op32(it);
    put(it, 0x68);
    it->patch = BG_ABS32;
    it->at = it->len;
    it->label = (uint8_t)any_label();
    put_value(it, here, 4);
    commit(it, true);
    it = new_item();
    if (!it)
        return;
    want_op32(it);
    put(it, iret ? 0xcf : 0xcb);
    commit(it, false);
}

/* Flags, then another value in a register that the record may still need, then something that looks at them. */
static void flags_then_overwrite(void)
{
    static const uint8_t alu[] = {0x01, 0x09, 0x11, 0x19, 0x21, 0x29, 0x31, 0x39, 0x85, 0x03, 0x2b, 0x3b, 0x13, 0x1b};
    unsigned r = below(8), s = below(8), n = below(3);
    r = r == R_ESP ? R_EBX : r;
    struct bg_item *it = new_item();
    if (!it)
        return;
    want_op32(it);
    switch (below(8)) {
    case 0:
        put(it, 0x40 + below(16));
        break;
    case 1:
        put(it, 0xd1 + below(2) * 2);
        put(it, 0xc0 | below(8) << 3 | r);
        break;
    case 2:
        put(it, 0xf7);
        put(it, 0xc0 | (3 + below(3)) << 3 | r); /* NEG, MUL, IMUL */
        break;
    case 3:
        put(it, 0x83);
        put(it, 0xc0 | below(8) << 3 | r);
        put(it, below(256));
        break;
    default:
        put(it, alu[below(sizeof alu)]);
        put(it, 0xc0 | r << 3 | s);
        break;
    }
    commit(it, true);
    for (unsigned i = 0; i <= n; i++) {
        unsigned d = percent(50) && s != R_ESP ? s : r;
        if (percent(40)) {
            mov_imm(d, percent(50) ? data_target() : edge_value());
            continue;
        }
        it = new_item();
        if (!it)
            return;
        want_op32(it);
        if (percent(60)) {
            put(it, 0x8b); /* MOV d, any */
            put(it, 0xc0 | d << 3 | below(8));
        } else if (percent(50)) {
            put(it, 0x0f); /* MOVZX and its like */
            put(it, 0xb6 + below(2) + below(2) * 8);
            put(it, 0xc0 | d << 3 | below(8));
        } else
            put(it, 0x58 + d); /* POP */
        if (!commit(it, true))
            uncommit();
    }
    if (percent(50))
        flag_consumer();
    else
        jump(any_label(), true, false);
}

static unsigned loop_top;

static void some(void)
{
    unsigned k = below(1000);
    if (k < 520)
        generic();
    else if (k < 580)
        flags_then_overwrite();
    else if (k < 720)
        flag_consumer();
    else if (k < 800)
        jump(any_label(), true, false);
    else if (k < 820)
        jump(any_label(), false, false);
    else if (k < 835)
        jump(any_label(), false, true);
    else if (k < 850)
        ret();
    else if (k < 870)
        indirect(percent(40));
    else if (k < 905)
        smc_store();
    else if (k < 915)
        smc_stack();
    else if (k < 930)
        set_flags();
    else if (k < 935)
        far_return();
    else if (k < 942)
        jecxz(any_label());
    else if (k < 960) {
        mov_imm(R_ECX, 1 + below(5));
        loop_top = seq->n;
    } else if (k < 975) {
        if (loop_top)
            loop_to(loop_top);
    } else
        mov_imm(below(8) & ~4u, percent(60) ? data_target() : edge_value());
}

/* ---- starts ---- */

static uint16_t pick(const uint16_t *v, unsigned n)
{
    return v[below(n)];
}

static void make_start(struct bg_seq *q, struct bm_start *s)
{
    static const uint16_t special[] = {0x2b, 0x33, 0x3b, 0x43, 0x2b, 0x33, 0};
    bool user = percent(50);
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < 8; i++)
        s->regs[i] = start_value();
    s->eflags = (uint32_t)bg_random() & (CC_ARITH | ID_MASK);
    if (percent(12))
        s->eflags |= DF_MASK;
    if (percent(50))
        s->eflags |= IF_MASK;
    if (percent(30))
        s->eflags |= (uint32_t)bg_random() & IOPL_MASK;
    s->am = percent(20);
    if (percent(8))
        s->eflags |= AC_MASK;
    s->wp = percent(60);
    s->clean = percent(30);
    uint16_t flat = user ? 0x23 : 0x10;
    if (q->code16)
        s->segs[R_CS] = user ? 0x63 : 0x58;
    else if (q->cs_base)
        s->segs[R_CS] = user ? 0x53 : 0x48;
    else
        s->segs[R_CS] = user ? (percent(4) ? 0x8b : 0x1b) : 0x08;
    static const uint16_t stacks0[] = {0x70, 0x80, 0x98}, stacks3[] = {0x6b, 0x7b, 0x93};
    s->segs[R_SS] = percent(82) ? flat : user ? pick(stacks3, 3) : pick(stacks0, 3);
    s->segs[R_DS] = percent(78) ? flat : pick(special, 7);
    s->segs[R_ES] = percent(78) ? flat : pick(special, 7);
    s->segs[R_FS] = pick(special, 7);
    s->segs[R_GS] = percent(50) ? flat : 0x2b;
    uint32_t stack = BM_STACK + (percent(80) ? 0x800 + below(0x1000) : percent(50) ? below(64) : 0x1000 - 16 + below(32));
    if (percent(85))
        stack &= ~3u;
    s->regs[R_ESP] = stack - bm_seg_base(s->segs[R_SS]);
    if (percent(50))
        s->regs[R_EBP] = s->regs[R_ESP] + 4 * below(32);
}

void bg_layout(struct bg_seq *q)
{
    uint32_t a = q->at;
    for (unsigned i = 0; i < q->n; i++) {
        q->address[i] = a;
        if (!q->item[i].dead)
            a += q->item[i].len;
    }
    for (unsigned i = q->n; i <= BG_ITEMS; i++)
        q->address[i] = a;
    q->len = 0;
    for (unsigned i = 0; i < q->n; i++) {
        struct bg_item *it = &q->item[i];
        if (it->dead)
            continue;
        uint32_t to = q->address[it->label > BG_ITEMS ? BG_ITEMS : it->label], next = q->address[i] + it->len;
        int32_t rel = (int32_t)(to - next);
        switch (it->patch) {
        case BG_REL8:
            it->bytes[it->at] = (uint8_t)(rel < -128 || rel > 127 ? 0 : rel);
            break;
        case BG_REL16:
            memcpy(it->bytes + it->at, &rel, 2);
            break;
        case BG_REL32:
            memcpy(it->bytes + it->at, &rel, 4);
            break;
        case BG_ABS32:
            to += it->addend - (it->linear ? 0 : q->cs_base);
            memcpy(it->bytes + it->at, &to, 4);
            break;
        default:
            break;
        }
        memcpy(q->code + q->len, it->bytes, it->len);
        q->len += it->len;
    }
    for (unsigned k = 0; k < BG_STARTS; k++) {
        q->start[k].eip = q->at - q->cs_base;
        for (unsigned i = 0; i < BM_LABELS; i++)
            q->start[k].labels[i] = q->address[q->n ? i * 7 % q->n : 0] - q->cs_base;
    }
}

void bg_make(struct bg_seq *q, uint64_t seed, struct bm *m)
{
    memset(q, 0, sizeof *q);
    rng = seed;
    seq = q;
    walker = m;
    loop_top = 0;
    q->code16 = percent(4);
    q->cs_base = q->code16 || percent(8) ? 0x8000 : 0;
    q->at = BM_CODE + (percent(40) ? 0xf00 + below(0x100) : below(0x1e00));
    for (unsigned k = 0; k < BG_STARTS; k++)
        make_start(q, &q->start[k]);
    bg_layout(q);
    bm_image(m->image, &q->start[0], q->at, q->code, 0);
    bm_set(m, &q->start[0]);
    here = q->at;
    unsigned wanted = percent(20) ? 1 + below(4) : 1 + below(40);
    for (unsigned tries = 0; q->n < wanted && tries < 300; tries++) {
        q->address[q->n] = here;
        some();
        for (unsigned i = q->n; i <= BG_ITEMS; i++)
            q->address[i] = here;
    }
    bg_layout(q);
}

void bg_print(const struct bg_seq *q, FILE *out)
{
    char text[80];
    for (unsigned i = 0; i < q->n; i++) {
        struct insn in;
        if (q->item[i].dead)
            continue;
        uint32_t eip = q->address[i] - q->cs_base;
        fprintf(out, "%3u %08x ", i, eip);
        for (unsigned k = 0; k < q->item[i].len; k++)
            fprintf(out, " %02x", q->item[i].bytes[k]);
        if (decode_insn(q->item[i].bytes, q->item[i].len, q->code16 ? DECODE_16 : DECODE_32, &in) == DECODE_OK)
            fprintf(out, "   %s", insn_format(&in, eip, text, sizeof text));
        if (q->item[i].patch)
            fprintf(out, "   (label %u)", q->item[i].label);
        fprintf(out, "\n");
    }
}
