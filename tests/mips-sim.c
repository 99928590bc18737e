#include "mips-sim-int.h"

static uint64_t sx32(uint64_t v)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)v;
}

static bool is_sx32(uint64_t v)
{
    return v == sx32(v);
}

static uint32_t rotr32(uint32_t v, unsigned n)
{
    n &= 31;
    return n ? v >> n | v << (32 - n) : v;
}

static uint64_t rotr64(uint64_t v, unsigned n)
{
    n &= 63;
    return n ? v >> n | v << (64 - n) : v;
}

static uint64_t field_mask(unsigned size)
{
    return size == 64 ? ~UINT64_C(0) : (UINT64_C(1) << size) - 1;
}

/* Operands of 32-bit arithmetic have to be sign-extended: else the result is unpredictable. */
static void word_operands(struct mips_sim *s, uint64_t a, uint64_t b)
{
    if (!is_sx32(a) || !is_sx32(b))
        s->error = "operand of a 32-bit instruction is not sign-extended";
}

static void special(struct mips_sim *s, uint32_t w)
{
    unsigned rd = w >> 11 & 31, sa = w >> 6 & 31;
    uint64_t a = s->r[w >> 21 & 31], b = s->r[w >> 16 & 31], *d = &s->r[rd];

    switch (w & 63) {
    case 0x01: { /* movf, movt */
        unsigned cc = w >> 18 & 7;
        if ((s->fcsr >> (cc ? 24 + cc : 23) & 1) == (w >> 16 & 1))
            *d = a;
        break;
    }
    case 0x0f: break; /* sync */
    case 0x11: s->hi = a; break;
    case 0x13: s->lo = a; break;
    case 0x1c: {
        wide p = (wide)(int64_t)a * (int64_t)b;
        s->lo = (uint64_t)p;
        s->hi = (uint64_t)(p >> 64);
        break;
    }
    case 0x1d: {
        /* wide is signed: mend the upper half */
        wide p = (wide)(int64_t)a * (int64_t)b;
        s->lo = (uint64_t)p;
        s->hi = (uint64_t)(p >> 64) + ((int64_t)a < 0 ? b : 0) + ((int64_t)b < 0 ? a : 0);
        break;
    }
    case 0x00: *d = sx32(b << sa); break; /* sll takes any operand: it is the sign-extension idiom */
    case 0x02:
        word_operands(s, b, 0);
        *d = sx32(w >> 21 & 1 ? rotr32((uint32_t)b, sa) : (uint32_t)b >> sa);
        break;
    case 0x03: word_operands(s, b, 0); *d = sx32((uint64_t)((int32_t)b >> sa)); break;
    case 0x04: *d = sx32(b << (a & 31)); break;
    case 0x06:
        word_operands(s, b, 0);
        *d = sx32(sa & 1 ? rotr32((uint32_t)b, (unsigned)a) : (uint32_t)b >> (a & 31));
        break;
    case 0x07: word_operands(s, b, 0); *d = sx32((uint64_t)((int32_t)b >> (a & 31))); break;
    case 0x0a: if (b == 0) *d = a; break;
    case 0x0b: if (b != 0) *d = a; break;
    case 0x10: *d = s->hi; break;
    case 0x12: *d = s->lo; break;
    case 0x14: *d = b << (a & 63); break;
    case 0x16: *d = sa & 1 ? rotr64(b, (unsigned)a) : b >> (a & 63); break;
    case 0x17: *d = (uint64_t)((int64_t)b >> (a & 63)); break;
    case 0x18: {
        int64_t p = (int64_t)(int32_t)a * (int32_t)b;
        word_operands(s, a, b);
        s->lo = sx32((uint64_t)p);
        s->hi = sx32((uint64_t)(p >> 32));
        break;
    }
    case 0x19: {
        uint64_t p = (uint64_t)(uint32_t)a * (uint32_t)b;
        word_operands(s, a, b);
        s->lo = sx32(p);
        s->hi = sx32(p >> 32);
        break;
    }
    case 0x1a:
        word_operands(s, a, b);
        s->lo = (uint32_t)b == 0 ? 0 : sx32((uint64_t)((int64_t)(int32_t)a / (int32_t)b));
        s->hi = (uint32_t)b == 0 ? 0 : sx32((uint64_t)((int64_t)(int32_t)a % (int32_t)b));
        break;
    case 0x1b:
        word_operands(s, a, b);
        s->lo = (uint32_t)b == 0 ? 0 : sx32((uint32_t)a / (uint32_t)b);
        s->hi = (uint32_t)b == 0 ? 0 : sx32((uint32_t)a % (uint32_t)b);
        break;
    case 0x1e:
        if (b == 0 || (b == ~UINT64_C(0) && a == UINT64_C(1) << 63)) {
            s->lo = a;
            s->hi = 0;
        } else {
            s->lo = (uint64_t)((int64_t)a / (int64_t)b);
            s->hi = (uint64_t)((int64_t)a % (int64_t)b);
        }
        break;
    case 0x1f:
        s->lo = b == 0 ? a : a / b;
        s->hi = b == 0 ? 0 : a % b;
        break;
    case 0x21: word_operands(s, a, b); *d = sx32(a + b); break;
    case 0x23: word_operands(s, a, b); *d = sx32(a - b); break;
    case 0x24: *d = a & b; break;
    case 0x25: *d = a | b; break;
    case 0x26: *d = a ^ b; break;
    case 0x27: *d = ~(a | b); break;
    case 0x2a: *d = (int64_t)a < (int64_t)b; break;
    case 0x2b: *d = a < b; break;
    case 0x2d: *d = a + b; break;
    case 0x2f: *d = a - b; break;
    case 0x38: *d = b << sa; break;
    case 0x3a: *d = w >> 21 & 1 ? rotr64(b, sa) : b >> sa; break;
    case 0x3b: *d = (uint64_t)((int64_t)b >> sa); break;
    case 0x3c: *d = b << (sa + 32); break;
    case 0x3e: *d = w >> 21 & 1 ? rotr64(b, sa + 32) : b >> (sa + 32); break;
    case 0x3f: *d = (uint64_t)((int64_t)b >> (sa + 32)); break;
    default: s->error = "unknown SPECIAL instruction";
    }
}

static void special2(struct mips_sim *s, uint32_t w)
{
    uint64_t a = s->r[w >> 21 & 31], b = s->r[w >> 16 & 31], *d = &s->r[w >> 11 & 31];

    switch (w & 63) {
    case 0x02: word_operands(s, a, b); *d = sx32(a * b); break;
    case 0x20: word_operands(s, a, 0); *d = (uint32_t)a ? (uint64_t)__builtin_clz((uint32_t)a) : 32; break;
    case 0x21: word_operands(s, a, 0); *d = ~(uint32_t)a ? (uint64_t)__builtin_clz(~(uint32_t)a) : 32; break;
    case 0x24: *d = a ? (uint64_t)__builtin_clzll(a) : 64; break;
    case 0x25: *d = ~a ? (uint64_t)__builtin_clzll(~a) : 64; break;
    case 0x10: case 0x12: word_operands(s, a, b); *d = sx32(a * b); break;
    case 0x11: case 0x13: *d = a * b; break;
    default: s->error = "unknown SPECIAL2 instruction";
    }
}

static void special3(struct mips_sim *s, uint32_t w)
{
    unsigned msb = w >> 11 & 31, lsb = w >> 6 & 31, rt = w >> 16 & 31;
    uint64_t a = s->r[w >> 21 & 31], b = s->r[rt], m;
    uint32_t v;

    switch (w & 63) {
    case 0x00: word_operands(s, a, 0); s->r[rt] = sx32((uint32_t)a >> lsb & field_mask(msb + 1)); break;
    case 0x01: s->r[rt] = a >> lsb & field_mask(msb + 33); break;
    case 0x02: s->r[rt] = a >> (lsb + 32) & field_mask(msb + 1); break;
    case 0x03: s->r[rt] = a >> lsb & field_mask(msb + 1); break;
    case 0x04:
        word_operands(s, a, b);
        if (msb < lsb) {
            s->error = "ins with msb < lsb";
            return;
        }
        m = field_mask(msb - lsb + 1) << lsb;
        s->r[rt] = sx32((b & ~m) | (a << lsb & m));
        break;
    case 0x05: m = field_mask(msb + 33 - lsb) << lsb; s->r[rt] = (b & ~m) | (a << lsb & m); break;
    case 0x06:
        m = field_mask(msb - lsb + 1) << (lsb + 32);
        s->r[rt] = (b & ~m) | (a << (lsb + 32) & m);
        break;
    case 0x07: m = field_mask(msb - lsb + 1) << lsb; s->r[rt] = (b & ~m) | (a << lsb & m); break;
    case 0x20:
        word_operands(s, b, 0);
        v = (uint32_t)b;
        if (lsb == 16)
            s->r[msb] = (uint64_t)(int64_t)(int8_t)v;
        else if (lsb == 24)
            s->r[msb] = (uint64_t)(int64_t)(int16_t)v;
        else if (lsb == 2)
            s->r[msb] = sx32((v & 0xff00ff) << 8 | (v >> 8 & 0xff00ff));
        else
            s->error = "unknown BSHFL instruction";
        break;
    case 0x24:
        if (lsb == 2)
            s->r[msb] = (b & UINT64_C(0x00ff00ff00ff00ff)) << 8 | (b >> 8 & UINT64_C(0x00ff00ff00ff00ff));
        else if (lsb == 5)
            s->r[msb] = b << 48 | (b & 0xffff0000) << 16 | (b >> 16 & 0xffff0000) | b >> 48;
        else
            s->error = "unknown DBSHFL instruction";
        break;
    default: s->error = "unknown SPECIAL3 instruction";
    }
}

/* 1: taken, 0: not, -1: no branch. */
static int branch(const struct mips_sim *s, uint32_t w)
{
    int64_t a = (int64_t)s->r[w >> 21 & 31], b = (int64_t)s->r[w >> 16 & 31];
    unsigned sub = w >> 21 & 31, cc = w >> 18 & 7;

    switch (w >> 26) {
    case 0x01: return (w >> 16 & 0x1d) != 0 && (w >> 16 & 0x1d) != 1 ? -1 : (w >> 16 & 1) ? a >= 0 : a < 0;
    case 0x04: case 0x14: return a == b;
    case 0x05: case 0x15: return a != b;
    case 0x06: case 0x16: return a <= 0;
    case 0x07: case 0x17: return a > 0;
    case 0x11:
        if (sub == 8)
            return (s->fcsr >> (cc ? 24 + cc : 23) & 1) == (w >> 16 & 1);
        return sub == 0x0b || sub == 0x0f || sub >= 0x18 ? sim_msa_branch(s, w) : -1;
    default: return -1;
    }
}

/* j, jal, jr and jalr: true, and where to. */
static bool jump(struct mips_sim *s, uint32_t w)
{
    bool by_register = w >> 26 == 0 && (w & 0x3e) == 0x08;

    if (!by_register && w >> 26 != 0x02 && w >> 26 != 0x03)
        return false;
    s->jumped = true;
    s->target = by_register ? s->r[w >> 21 & 31] : (uint64_t)(w & 0x3ffffff) << 2;
    if (by_register && (w & 1))
        s->r[w >> 11 & 31] = MIPS_SIM_LINK;
    else if (w >> 26 == 0x03)
        s->r[31] = MIPS_SIM_LINK;
    s->r[0] = 0;
    return true;
}

/* The slot is annulled when it is not taken. */
static bool is_likely(uint32_t w)
{
    unsigned op = w >> 26;
    return (op >= 0x14 && op <= 0x17) || (op == 1 && (w >> 17 & 1))
        || (op == 0x11 && (w >> 21 & 31) == 8 && (w >> 17 & 1));
}

static void one(struct mips_sim *s, uint32_t w)
{
    uint64_t a = s->r[w >> 21 & 31], *t = &s->r[w >> 16 & 31];
    uint64_t imm = (uint64_t)(int64_t)(int16_t)w, u = w & 0xffff;

    switch (w >> 26) {
    case 0x00: special(s, w); break;
    case 0x09: word_operands(s, a, 0); *t = sx32(a + imm); break;
    case 0x0a: *t = (int64_t)a < (int64_t)imm; break;
    case 0x0b: *t = a < imm; break;
    case 0x0c: *t = a & u; break;
    case 0x0d: *t = a | u; break;
    case 0x0e: *t = a ^ u; break;
    case 0x0f: *t = sx32(u << 16); break;
    case 0x11: sim_cop1(s, w); break;
    case 0x12: sim_mmi(s, w); break;
    case 0x19: *t = a + imm; break;
    case 0x1c: special2(s, w); break;
    case 0x1e: sim_msa(s, w); break;
    case 0x1f: special3(s, w); break;
    default:
        if (w >> 26 == 0x1a || w >> 26 == 0x1b || w >> 26 >= 0x20)
            sim_load_store(s, w);
        else
            s->error = "unknown instruction";
    }
    s->r[0] = 0;
}

void mips_sim_run(struct mips_sim *s, const uint32_t *words, int n, int site)
{
    int pc = 0, steps = 0;

    s->taken = s->jumped = false;
    s->left = s->end = -1;
    s->error = NULL;
    while (pc < n && !s->error) {
        if (jump(s, words[pc])) {
            if (pc < n - 1)
                one(s, words[pc + 1]);
            s->left = pc;
            s->end = pc + 2;
            return;
        }
        int taken = branch(s, words[pc]);
        if (++steps > 50000) {
            s->error = "endless";
            return;
        }
        if (taken < 0) {
            one(s, words[pc++]);
            continue;
        }
        if (pc == n - 1) {
            s->taken = taken;
            s->left = taken ? pc : -1;
            return;
        }
        if (taken || !is_likely(words[pc]))
            one(s, words[pc + 1]);
        if (taken && (pc == site || (int16_t)words[pc] == 0)) {
            s->taken = true;
            s->left = pc;
            return;
        }
        pc = taken ? pc + 1 + (int16_t)words[pc] : pc + 2;
        if (pc < 0) {
            s->error = "branch to what is before the first word";
            return;
        }
    }
    s->end = pc;
}
