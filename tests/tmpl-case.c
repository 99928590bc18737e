#include "tmpl-case.h"

#include <string.h>

#include "flags.h"

enum { F_C = CC_C, F_P = CC_P, F_A = CC_A, F_Z = CC_Z, F_S = CC_S, F_O = CC_O };

const struct encoding encodings[] = {
    { MN_ADD, MR, 0x00, 0, 0, 0 }, { MN_OR, MR, 0x08, 0, 0, F_A }, { MN_ADC, MR, 0x10, 0, 0, 0 },
    { MN_SBB, MR, 0x18, 0, 0, 0 }, { MN_AND, MR, 0x20, 0, 0, F_A }, { MN_SUB, MR, 0x28, 0, 0, 0 },
    { MN_XOR, MR, 0x30, 0, 0, F_A }, { MN_CMP, MR, 0x38, 0, 0, 0 }, { MN_TEST, MR, 0x84, 0, 0, F_A },
    { MN_ADD, M_IMM, 0x80, 0, 0, 0 }, { MN_OR, M_IMM, 0x80, 1, 0, F_A }, { MN_ADC, M_IMM, 0x80, 2, 0, 0 },
    { MN_SBB, M_IMM, 0x80, 3, 0, 0 }, { MN_AND, M_IMM, 0x80, 4, 0, F_A }, { MN_SUB, M_IMM, 0x80, 5, 0, 0 },
    { MN_XOR, M_IMM, 0x80, 6, 0, F_A }, { MN_CMP, M_IMM, 0x80, 7, 0, 0 }, { MN_TEST, M_IMM, 0xf6, 0, 0, F_A },
    { MN_INC, M, 0xfe, 0, 0, 0 }, { MN_DEC, M, 0xfe, 1, 0, 0 }, { MN_NOT, M, 0xf6, 2, 0, 0 },
    { MN_NEG, M, 0xf6, 3, 0, 0 }, { MN_MUL, M, 0xf6, 4, 0, F_S | F_Z | F_A | F_P },
    { MN_IMUL, M, 0xf6, 5, 0, F_S | F_Z | F_A | F_P }, { MN_DIV, M, 0xf6, 6, 0, CC_ARITH },
    { MN_IDIV, M, 0xf6, 7, 0, CC_ARITH }, { MN_IMUL, RM, 0x0faf, 0, 1, F_S | F_Z | F_A | F_P },
    { MN_IMUL, RM_IMM, 0x69, 0, 1, F_S | F_Z | F_A | F_P }, { MN_XADD, MR, 0x0fc0, 0, 0, 0 },
    { MN_CMPXCHG, MR, 0x0fb0, 0, 0, 0 },
    { MN_ROL, M_1, 0xc0, 0, 0, 0 }, { MN_ROR, M_1, 0xc0, 1, 0, 0 }, { MN_RCL, M_1, 0xc0, 2, 0, 0 },
    { MN_RCR, M_1, 0xc0, 3, 0, 0 }, { MN_SHL, M_1, 0xc0, 4, 0, F_A }, { MN_SHR, M_1, 0xc0, 5, 0, F_A },
    { MN_SAR, M_1, 0xc0, 7, 0, F_A }, { MN_ROL, M_CL, 0xd2, 0, 0, 0 }, { MN_ROR, M_CL, 0xd2, 1, 0, 0 },
    { MN_SHL, M_CL, 0xd2, 4, 0, F_A }, { MN_SHR, M_CL, 0xd2, 5, 0, F_A }, { MN_SAR, M_CL, 0xd2, 7, 0, F_A },
    { MN_SHLD, MR_IMM, 0x0fa4, 0, 1, F_A }, { MN_SHRD, MR_IMM, 0x0fac, 0, 1, F_A },
    { MN_SHLD, MR_CL, 0x0fa5, 0, 1, F_A }, { MN_SHRD, MR_CL, 0x0fad, 0, 1, F_A },
    { MN_BT, MR, 0x0fa3, 0, 1, F_O | F_S | F_A | F_P }, { MN_BTS, MR, 0x0fab, 0, 1, F_O | F_S | F_A | F_P },
    { MN_BTR, MR, 0x0fb3, 0, 1, F_O | F_S | F_A | F_P }, { MN_BTC, MR, 0x0fbb, 0, 1, F_O | F_S | F_A | F_P },
    { MN_BT, M_1, 0x0fba, 4, 1, F_O | F_S | F_A | F_P }, { MN_BTS, M_1, 0x0fba, 5, 1, F_O | F_S | F_A | F_P },
    { MN_BTR, M_1, 0x0fba, 6, 1, F_O | F_S | F_A | F_P },
    { MN_BTC, M_1, 0x0fba, 7, 1, F_O | F_S | F_A | F_P },
    { MN_BSF, RM, 0x0fbc, 0, 1, CC_ARITH & ~F_Z }, { MN_BSR, RM, 0x0fbd, 0, 1, CC_ARITH & ~F_Z },
    { MN_BSWAP, PLUS_R, 0x0fc8, 0, 1, 0 },
    { MN_CLC, NONE, 0xf8, 0, 1, 0 }, { MN_STC, NONE, 0xf9, 0, 1, 0 }, { MN_CMC, NONE, 0xf5, 0, 1, 0 },
    { MN_LAHF, NONE, 0x9f, 0, 1, 0 }, { MN_SAHF, NONE, 0x9e, 0, 1, 0 },
    { MN_CBW, NONE, 0x98, 0, 1, 0 }, { MN_CWD, NONE, 0x99, 0, 1, 0 },
};
const int encoding_count = (int)(sizeof(encodings) / sizeof(encodings[0]));

int operand_count(enum form f)
{
    switch (f) {
    case NONE: return 0;
    case M: case PLUS_R: return 1;
    case MR_IMM: case RM_IMM: case MR_CL: return 3;
    default: return 2;
    }
}

unsigned encode(const struct test *t, uint8_t *out)
{
    const struct encoding *e = t->e;
    uint8_t *p = out;
    unsigned op = e->opcode + (!e->wide_only && t->width != 0);
    bool swapped = e->form == RM || e->form == RM_IMM;

    if (t->width == 1)
        *p++ = 0x66;
    if (op >> 8)
        *p++ = (uint8_t)(op >> 8);
    *p++ = (uint8_t)(op + (e->form == PLUS_R ? (unsigned)t->reg[0] : 0));
    if (e->form == NONE || e->form == PLUS_R)
        return (unsigned)(p - out);
    int rm = swapped ? t->reg[1] : t->reg[0], reg = swapped ? t->reg[0] : t->reg[1];
    if (e->form == M || e->form == M_IMM || e->form == M_1 || e->form == M_CL)
        reg = e->digit;
    *p++ = (uint8_t)(0xc0 | reg << 3 | rm);
    if (e->form == M_1 || e->form == MR_IMM) {
        *p++ = (uint8_t)t->imm;
    } else if (e->form == M_IMM || e->form == RM_IMM) {
        int n = t->width == 0 ? 1 : t->width == 1 ? 2 : 4;
        memcpy(p, &t->imm, (size_t)n);
        p += n;
    }
    return (unsigned)(p - out);
}

int32_t narrow(int32_t v, int width)
{
    return width == 0 ? (int8_t)v : width == 1 ? (int16_t)v : v;
}

int32_t get_part(const uint32_t *regs, int reg, int width)
{
    if (width == 0 && reg >= 4)
        return (int8_t)(regs[reg - 4] >> 8);
    return narrow((int32_t)regs[reg], width);
}

bool in_encoding(const struct encoding *e, int width)
{
    if (e->mnem == MN_BSWAP)
        return width == 2;
    if (e->form == NONE)
        return e->mnem == MN_CBW || e->mnem == MN_CWD ? width > 0 : width == 2;
    return !(e->wide_only && width == 0);
}

bool faults(const struct test *x, const struct x86_state *in)
{
    bool is_signed = x->e->mnem == MN_IDIV;
    if (x->e->mnem != MN_DIV && !is_signed)
        return false;
    int bits = 8 << x->width;
    int64_t d = get_part(in->regs, x->reg[0], x->width);
    uint64_t n = x->width == 0 ? (uint16_t)in->regs[0]
        : x->width == 1 ? (uint64_t)(uint16_t)in->regs[2] << 16 | (uint16_t)in->regs[0]
        : (uint64_t)in->regs[2] << 32 | in->regs[0];
    if (d == 0)
        return true;
    if (is_signed) {
        int64_t sn = x->width == 0 ? (int16_t)n : x->width == 1 ? (int32_t)n : (int64_t)n;
        if (sn == INT64_MIN && d == -1)
            return true;
        int64_t q = sn / d;
        return q < -((int64_t)1 << (bits - 1)) || q >= (int64_t)1 << (bits - 1);
    }
    uint64_t ud = (uint64_t)d & (bits == 32 ? 0xffffffffu : (1u << bits) - 1);
    return (n / ud) >> bits != 0;
}

uint32_t undefined_flags(const struct test *x, const struct x86_state *in)
{
    uint32_t u = x->e->undefined;
    unsigned count, bits = 8u << x->width;
    switch (x->e->mnem) {
    case MN_ROL: case MN_ROR: case MN_SHL: case MN_SHR: case MN_SAR: case MN_SHLD: case MN_SHRD:
        count = (x->e->form == M_CL || x->e->form == MR_CL ? in->regs[1] : (uint32_t)x->imm) & 31;
        if (count == 0)
            return 0;
        if (count > 1)
            u |= F_O;
        if (count > bits || (count == bits && x->e->mnem != MN_ROL && x->e->mnem != MN_ROR))
            u |= x->e->mnem == MN_ROL || x->e->mnem == MN_ROR || x->e->mnem == MN_SAR ? 0 : F_C;
        return u;
    default:
        return u;
    }
}
