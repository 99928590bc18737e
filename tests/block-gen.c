/* Jumps, loops, stores into the code and their like are made of several instructions; so is what looks at
 * flags after the registers that they came from have changed. */
#include "config.h"
#include "block-build.h"

#include <string.h>

#include "flags.h"

static void smc_bytes(uint8_t b[4])
{
    static const uint8_t ops[] = {0x90, 0x40, 0x41, 0x48, 0x4b, 0xf8, 0xf9, 0xf5, 0xc3, 0x98, 0xfc, 0x05,
                                  0x9f, 0xcc, 0x74, 0x75, 0x01};
    for (unsigned i = 0; i < 4; i++)
        b[i] = bb_percent(70) ? ops[bb_below(sizeof ops)] : (uint8_t)bb_below(256);
}

static void jump(unsigned label, bool conditional, bool call)
{
    struct bg_item *it = bb_new_item();
    if (!it)
        return;
    bool near8 = !call && bb_percent(40);
    if (!near8 || bb_percent(50))
        bb_want_op32(it);
    bool rel16 = bb_seq->code16 && !it->len;
    if (!bb_seq->code16 && bb_below(60) == 0) {
        bb_put(it, 0x66);
        rel16 = true;
    }
    if (conditional) {
        if (near8)
            bb_put(it, 0x70 + bb_below(16));
        else {
            bb_put(it, 0x0f);
            bb_put(it, 0x80 + bb_below(16));
        }
    } else
        bb_put(it, call ? 0xe8 : near8 ? 0xeb : 0xe9);
    it->at = it->len;
    it->label = (uint8_t)label;
    it->patch = near8 ? BG_REL8 : rel16 ? BG_REL16 : BG_REL32;
    bb_put_value(it, 0, near8 ? 1 : rel16 ? 2 : 4);
    bb_commit(it, false);
}

static void loop_to(unsigned label)
{
    struct bg_item *it = bb_new_item();
    if (!it)
        return;
    unsigned k = bb_below(5);
    if (k < 3) {
        if (bb_percent(5))
            bb_put(it, 0x67);
        bb_want_op32(it);
        bb_put(it, 0xe0 + k);
        it->at = it->len;
        it->patch = BG_REL8;
        it->label = (uint8_t)label;
        bb_put(it, 0);
        bb_commit(it, false);
    } else {
        bb_want_op32(it);
        bb_put(it, 0x49); /* dec ecx */
        bb_commit(it, true);
        it = bb_new_item();
        if (!it)
            return;
        bb_want_op32(it);
        bb_put(it, 0x0f);
        bb_put(it, k == 3 ? 0x85 : 0x8f); /* jnz, jg */
        it->at = it->len;
        it->patch = BG_REL32;
        it->label = (uint8_t)label;
        bb_put_value(it, 0, 4);
        bb_commit(it, false);
    }
}

static void jecxz(unsigned label)
{
    struct bg_item *it = bb_new_item();
    if (!it)
        return;
    if (bb_percent(10))
        bb_put(it, 0x67);
    bb_put(it, 0xe3);
    it->at = it->len;
    it->patch = BG_REL8;
    it->label = (uint8_t)label;
    bb_put(it, 0);
    bb_commit(it, false);
}

static void indirect(bool call)
{
    struct bg_item *it;
    unsigned k = bb_below(3), reg = call ? 2 : 4;
    if (k == 0) {
        unsigned r = bb_below(8);
        if (r == R_ESP)
            r = R_EAX;
        bb_mov_label(r, bb_any_label(), false);
        it = bb_new_item();
        if (!it)
            return;
        bb_want_op32(it);
        bb_put(it, 0xff);
        bb_put(it, 0xc0 | reg << 3 | r);
        bb_commit(it, false);
        return;
    }
    it = bb_new_item();
    if (!it)
        return;
    bb_want_op32(it);
    bb_want_addr32(it);
    bb_put(it, 0xff);
    if (k == 1)
        bb_memory_operand(it, reg, R_DS, BM_TABLE + 4 * bb_below(BM_LABELS), -1);
    else {
        unsigned r = bb_below(7);
        if (r == R_ESP)
            r = R_EDX;
        struct bg_item *a = it;
        a->len = 0;
        bb_want_op32(a);
        bb_put(a, 0x83);
        bb_put(a, 0xe0 | r);
        bb_put(a, 0x3f); /* and r, 3f */
        bb_commit(a, true);
        it = bb_new_item();
        if (!it)
            return;
        bb_want_op32(it);
        bb_want_addr32(it);
        bb_put(it, 0xff);
        bb_put(it, reg << 3 | 4);
        bb_put(it, 0x85 | r << 3);
        bb_put_value(it, BM_TABLE - bb_seg_base_now(R_DS), 4);
    }
    bb_commit(it, false);
}

static void ret(void)
{
    struct bg_item *it = bb_new_item();
    if (!it)
        return;
    bb_want_op32(it);
    if (bb_percent(30)) {
        bb_put(it, 0xc2);
        bb_put_value(it, bb_percent(80) ? bb_below(8) * 4 : bb_below(65536), 2);
    } else
        bb_put(it, 0xc3);
    bb_commit(it, false);
}

/* A store into the sequence: plain, or through the other address of its page. */
static void smc_store(void)
{
    struct bg_item *it = bb_new_item();
    uint8_t b[4];
    unsigned k = bb_below(4), size = k == 1 ? 4 : 1;
    uint32_t off = bb_below(3) + (bb_percent(25) ? BM_ALIAS - BM_CODE : 0);
    if (!it)
        return;
    smc_bytes(b);
    bb_want_addr32(it);
    if (k == 1)
        bb_want_op32(it);
    if (k == 2 && bb_percent(50))
        bb_put(it, 0xf0);
    bb_put(it, k == 0 ? 0xc6 : k == 1 ? 0xc7 : k == 2 ? 0x80 : 0x88);
    bb_memory_operand(it, k == 2 ? 6 : k == 3 ? bb_below(8) : 0, R_DS, off, bb_label_target());
    if (k != 3)
        for (unsigned i = 0; i < size; i++)
            bb_put(it, k == 2 ? 1u << bb_below(4) : b[i]);
    if (!bb_commit(it, false))
        bb_uncommit();
}

/* Push, call and string stores into the sequence. */
static void smc_stack(void)
{
    unsigned k = bb_below(3);
    if (k == 0) {
        static const uint8_t stosb[] = {0xaa}, rep_movsb[] = {0xf3, 0xa4};
        bb_mov_label(R_EDI, (unsigned)bb_label_target(), true);
        bb_mov_imm(R_ECX, bb_below(6));
        if (bb_percent(50))
            bb_simple(1, stosb, false);
        else
            bb_simple(2, rep_movsb, false);
    } else {
        bb_mov_label(R_ESP, (unsigned)bb_label_target(), true);
        if (k == 1)
            bb_by_mnem(bb_percent(50) ? MN_PUSH : MN_PUSHF);
        else
            jump(bb_any_label(), false, true);
        bb_mov_imm(R_ESP, BM_STACK + 0x1800 - bb_seg_base_now(R_SS));
    }
}

static void set_flags(void)
{
    uint32_t v = (uint32_t)bg_random() & (CC_ARITH | IF_MASK | DF_MASK | ID_MASK);
    struct bg_item *it = bb_new_item();
    if (!it)
        return;
    if (bb_percent(6))
        v |= TF_MASK;
    if (bb_percent(10))
        v |= AC_MASK;
    if (bb_percent(30))
        v |= IOPL_MASK;
    if (bb_percent(5))
        v |= NT_MASK;
    bb_want_op32(it);
    bb_put(it, 0x68);
    bb_put_value(it, v, 4);
    bb_commit(it, true);
    it = bb_new_item();
    if (!it)
        return;
    bb_want_op32(it);
    bb_put(it, 0x9d);
    bb_commit(it, true);
    bb_walker->env->eflags &= ~(uint32_t)TF_MASK;
    cpu_update_hflags(bb_walker->env);
}

/* RETF or IRET to a label in the same segment. */
static void far_return(void)
{
    static const uint8_t pushf[] = {0x66, 0x9c}, push_cs[] = {0x66, 0x0e};
    unsigned skip = bb_seq->code16 ? 0 : 1;
    bool iret = bb_percent(50);
    if (iret)
        bb_simple(2 - skip, pushf + skip, true);
    bb_simple(2 - skip, push_cs + skip, true);
    struct bg_item *it = bb_new_item();
    if (!it)
        return;
    bb_want_op32(it);
    bb_put(it, 0x68);
    it->patch = BG_ABS32;
    it->at = it->len;
    it->label = (uint8_t)bb_any_label();
    bb_put_value(it, bb_here, 4);
    bb_commit(it, true);
    it = bb_new_item();
    if (!it)
        return;
    bb_want_op32(it);
    bb_put(it, iret ? 0xcf : 0xcb);
    bb_commit(it, false);
}

/* Flags, then another value in a register that the record may still need, then something that looks at
 * them. */
static void flags_then_overwrite(void)
{
    static const uint8_t alu[] = {0x01, 0x09, 0x11, 0x19, 0x21, 0x29, 0x31, 0x39, 0x85, 0x03, 0x2b, 0x3b,
                                  0x13, 0x1b};
    unsigned r = bb_below(8), s = bb_below(8), n = bb_below(3);
    r = r == R_ESP ? R_EBX : r;
    struct bg_item *it = bb_new_item();
    if (!it)
        return;
    bb_want_op32(it);
    switch (bb_below(8)) {
    case 0:
        bb_put(it, 0x40 + bb_below(16));
        break;
    case 1:
        bb_put(it, 0xd1 + bb_below(2) * 2);
        bb_put(it, 0xc0 | bb_below(8) << 3 | r);
        break;
    case 2:
        bb_put(it, 0xf7);
        bb_put(it, 0xc0 | (3 + bb_below(3)) << 3 | r); /* NEG, MUL, IMUL */
        break;
    case 3:
        bb_put(it, 0x83);
        bb_put(it, 0xc0 | bb_below(8) << 3 | r);
        bb_put(it, bb_below(256));
        break;
    default:
        bb_put(it, alu[bb_below(sizeof alu)]);
        bb_put(it, 0xc0 | r << 3 | s);
        break;
    }
    bb_commit(it, true);
    for (unsigned i = 0; i <= n; i++) {
        unsigned d = bb_percent(50) && s != R_ESP ? s : r;
        if (bb_percent(40)) {
            bb_mov_imm(d, bb_percent(50) ? bb_data_target() : bb_edge_value());
            continue;
        }
        it = bb_new_item();
        if (!it)
            return;
        bb_want_op32(it);
        if (bb_percent(60)) {
            bb_put(it, 0x8b); /* MOV d, any */
            bb_put(it, 0xc0 | d << 3 | bb_below(8));
        } else if (bb_percent(50)) {
            bb_put(it, 0x0f); /* MOVZX and its like */
            bb_put(it, 0xb6 + bb_below(2) + bb_below(2) * 8);
            bb_put(it, 0xc0 | d << 3 | bb_below(8));
        } else
            bb_put(it, 0x58 + d); /* POP */
        if (!bb_commit(it, true))
            bb_uncommit();
    }
    if (bb_percent(50))
        bb_flag_consumer();
    else
        jump(bb_any_label(), true, false);
}

static unsigned loop_top;

static void some(void)
{
    unsigned k = bb_below(1000);
    if (k < 520)
        bb_generic();
    else if (k < 580)
        flags_then_overwrite();
    else if (k < 720)
        bb_flag_consumer();
    else if (k < 800)
        jump(bb_any_label(), true, false);
    else if (k < 820)
        jump(bb_any_label(), false, false);
    else if (k < 835)
        jump(bb_any_label(), false, true);
    else if (k < 850)
        ret();
    else if (k < 870)
        indirect(bb_percent(40));
    else if (k < 905)
        smc_store();
    else if (k < 915)
        smc_stack();
    else if (k < 930)
        set_flags();
    else if (k < 935)
        far_return();
    else if (k < 942)
        jecxz(bb_any_label());
    else if (k < 960) {
        bb_mov_imm(R_ECX, 1 + bb_below(5));
        loop_top = bb_seq->n;
    } else if (k < 975) {
        if (loop_top)
            loop_to(loop_top);
    } else
        bb_mov_imm(bb_below(8) & ~4u, bb_percent(60) ? bb_data_target() : bb_edge_value());
}

/* ---- starts ---- */

static uint16_t pick(const uint16_t *v, unsigned n)
{
    return v[bb_below(n)];
}

static void make_start(struct bg_seq *q, struct bm_start *s)
{
    static const uint16_t special[] = {0x2b, 0x33, 0x3b, 0x43, 0x2b, 0x33, 0};
    bool user = bb_percent(50);
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < 8; i++)
        s->regs[i] = bb_start_value();
    s->eflags = (uint32_t)bg_random() & (CC_ARITH | ID_MASK);
    if (bb_percent(12))
        s->eflags |= DF_MASK;
    if (bb_percent(50))
        s->eflags |= IF_MASK;
    if (bb_percent(30))
        s->eflags |= (uint32_t)bg_random() & IOPL_MASK;
    s->am = bb_percent(20);
    if (bb_percent(8))
        s->eflags |= AC_MASK;
    s->wp = bb_percent(60);
    s->clean = bb_percent(30);
    s->ts = bb_percent(2);
    s->em = bb_percent(1);
    s->no_osfxsr = bb_percent(2);
    bg_make_simd(&s->simd);
    uint16_t flat = user ? 0x23 : 0x10;
    if (q->code16)
        s->segs[R_CS] = user ? 0x63 : 0x58;
    else if (q->cs_base)
        s->segs[R_CS] = user ? 0x53 : 0x48;
    else
        s->segs[R_CS] = user ? (bb_percent(4) ? 0x8b : 0x1b) : 0x08;
    static const uint16_t stacks0[] = {0x70, 0x80, 0x98}, stacks3[] = {0x6b, 0x7b, 0x93};
    s->segs[R_SS] = bb_percent(82) ? flat : user ? pick(stacks3, 3) : pick(stacks0, 3);
    s->segs[R_DS] = bb_percent(78) ? flat : pick(special, 7);
    s->segs[R_ES] = bb_percent(78) ? flat : pick(special, 7);
    s->segs[R_FS] = pick(special, 7);
    s->segs[R_GS] = bb_percent(50) ? flat : 0x2b;
    uint32_t stack = BM_STACK + (bb_percent(80) ? 0x800 + bb_below(0x1000) : bb_percent(50) ? bb_below(64)
                                 : 0x1000 - 16 + bb_below(32));
    if (bb_percent(85))
        stack &= ~3u;
    s->regs[R_ESP] = stack - bm_seg_base(s->segs[R_SS]);
    if (bb_percent(50))
        s->regs[R_EBP] = s->regs[R_ESP] + 4 * bb_below(32);
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

static void begin(struct bg_seq *q, uint64_t seed, struct bm *m)
{
    memset(q, 0, sizeof *q);
    bb_seed(seed);
    bb_seq = q;
    bb_walker = m;
    loop_top = 0;
    q->code16 = bb_percent(4);
    q->cs_base = q->code16 || bb_percent(8) ? 0x8000 : 0;
    q->at = BM_CODE + (bb_percent(40) ? 0xf00 + bb_below(0x100) : bb_below(0x1e00));
    for (unsigned k = 0; k < BG_STARTS; k++)
        make_start(q, &q->start[k]);
    bg_layout(q);
    bm_image(m->image, &q->start[0], q->at, q->code, 0);
    bm_set(m, &q->start[0]);
    bb_here = q->at;
}

static void addresses(struct bg_seq *q)
{
    for (unsigned i = q->n; i <= BG_ITEMS; i++)
        q->address[i] = bb_here;
}

void bg_make(struct bg_seq *q, uint64_t seed, struct bm *m)
{
    begin(q, seed, m);
    static const uint8_t mixes[][2] = {{0, 0}, {2, 2}, {70, 2}, {2, 70}, {40, 30}};
    const uint8_t *mix = mixes[bb_below(sizeof mixes / sizeof *mixes)];
    unsigned wanted = bb_percent(20) ? 1 + bb_below(4) : 1 + bb_below(40);
    bb_mix(mix[0], mix[1]);
    for (unsigned tries = 0; q->n < wanted && tries < 300; tries++) {
        q->address[q->n] = bb_here;
        some();
        addresses(q);
    }
    bg_layout(q);
}

unsigned bg_make_of(struct bg_seq *q, uint64_t seed, struct bm *m, const uint16_t *forms, unsigned n,
                    unsigned wanted)
{
    unsigned count = 0;
    begin(q, seed, m);
    for (unsigned tries = 0; count < wanted && q->n + 8 < BG_ITEMS && tries < 300; tries++) {
        unsigned k = bb_below(100), before = q->n;
        q->address[q->n] = bb_here;
        if (k < 70 || !count) {
            bb_of_form(forms[bb_below(n)]);
            count += q->n > before;
        } else if (k < 85) {
            bb_flag_consumer();
        } else {
            bb_mov_imm(bb_below(8) & ~4u, bb_percent(50) ? bb_data_target() : bb_edge_value());
        }
        addresses(q);
    }
    bg_layout(q);
    return count;
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
        if (decode_insn(q->item[i].bytes, q->item[i].len, q->code16 ? DECODE_16 : DECODE_32,
            &in) == DECODE_OK)
            fprintf(out, "   %s", insn_format(&in, eip, text, sizeof text));
        if (q->item[i].patch)
            fprintf(out, "   (label %u)", q->item[i].label);
        fprintf(out, "\n");
    }
}
