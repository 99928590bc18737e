/* EFLAGS out of a lazy record: the table at the top of flags.h, written as code. */
#include "flags.h"

/* PF looks at the low byte alone: set when the number of ones is even. */
static uint32_t parity(uint32_t v)
{
    v ^= v >> 4;
    return 0x9669u >> (v & 15) & 1 ? CC_P : 0;
}

static uint32_t sign_bit(unsigned width)
{
    return 1u << ((8u << width) - 1);
}

static uint32_t width_mask(unsigned width)
{
    return sign_bit(width) * 2 - 1;
}

static uint32_t szp(uint32_t v, unsigned width)
{
    return ((v & width_mask(width)) == 0 ? CC_Z : 0) | ((v & sign_bit(width)) ? CC_S : 0) | parity(v);
}

/* a + b + carry = r */
static uint32_t add_flags(uint32_t a, uint32_t b, uint32_t r, uint32_t carry, unsigned width)
{
    uint32_t m = width_mask(width), s = sign_bit(width);
    uint32_t cf = carry ? (r & m) <= (b & m) : (r & m) < (b & m);
    return szp(r, width) | cf | ((a ^ b ^ r) & CC_A) | ((r ^ a) & (r ^ b) & s ? CC_O : 0);
}

/* a - b - borrow = r */
static uint32_t sub_flags(uint32_t a, uint32_t b, uint32_t r, uint32_t borrow, unsigned width)
{
    uint32_t m = width_mask(width), s = sign_bit(width);
    uint32_t cf = borrow ? (a & m) <= (b & m) : (a & m) < (b & m);
    return szp(r, width) | cf | ((a ^ b ^ r) & CC_A) | ((a ^ b) & (a ^ r) & s ? CC_O : 0);
}

static uint32_t base_flags(uint32_t op, uint32_t dst, uint32_t src, uint32_t src2)
{
    unsigned width = CC_OP_WIDTH(op);
    uint32_t s = sign_bit(width), cf;

    switch (CC_OP_KIND(op)) {
    case CC_ADD: return add_flags(dst - src, src, dst, 0, width);
    case CC_ADC: return add_flags(dst - src - src2, src, dst, src2, width);
    case CC_SUB: return sub_flags(dst + src, src, dst, 0, width);
    case CC_SBB: return sub_flags(dst + src + src2, src, dst, src2, width);
    case CC_CMP: return sub_flags(dst, src, dst - src, 0, width);
    case CC_LOGIC: return szp(dst, width);
    case CC_SHL:
        cf = src & s ? CC_C : 0;
        return szp(dst, width) | cf | ((src ^ dst) & s ? CC_O : 0);
    case CC_SHR: return szp(dst, width) | (src & 1) | ((src ^ dst) & s ? CC_O : 0);
    case CC_MUL: return szp(dst, width) | (src ? CC_C | CC_O : 0);
    default: return src & CC_ARITH;
    }
}

uint32_t cc_compute_all(uint32_t op, uint32_t dst, uint32_t src, uint32_t src2, uint32_t res)
{
    uint32_t base = base_flags(op, dst, src, src2);
    unsigned width = CC_OP_MOD_WIDTH(op);
    uint32_t s = sign_bit(width), m = width_mask(width), cf;

    switch (CC_OP_MOD(op)) {
    case CCM_INC:
        return (base & CC_C) | szp(res, width) | ((res & m) == s ? CC_O : 0) | ((res & 15) == 0 ? CC_A : 0);
    case CCM_DEC:
        return (base & CC_C) | szp(res, width) | ((res & m) == s - 1 ? CC_O : 0)
             | ((res & 15) == 15 ? CC_A : 0);
    case CCM_ROL:
        cf = res & 1;
        return (base & ~(uint32_t)(CC_C | CC_O)) | cf | (((res & s) != 0) != cf ? CC_O : 0);
    case CCM_ROR:
        cf = (res & s) != 0;
        return (base & ~(uint32_t)(CC_C | CC_O)) | cf | (((res & s >> 1) != 0) != cf ? CC_O : 0);
    case CCM_CF:
        return (base & ~(uint32_t)CC_C) | (res & 1);
    default:
        return base;
    }
}

uint32_t cc_compute_c(uint32_t op, uint32_t dst, uint32_t src, uint32_t src2, uint32_t res)
{
    /* Values are sign-extended, and sign extension keeps the unsigned order: the carries
     * need no masks. */
    switch (CC_OP_MOD(op)) {
    case CCM_ROL:
    case CCM_CF: return res & 1;
    case CCM_ROR: return (res & sign_bit(CC_OP_MOD_WIDTH(op))) != 0;
    default: break;
    }
    switch (CC_OP_KIND(op)) {
    case CC_ADD: return dst < src;
    case CC_ADC: return src2 ? dst <= src : dst < src;
    case CC_CMP: return dst < src;
    case CC_LOGIC: return 0;
    case CC_SHR: return src & 1;
    case CC_SHL: return (src & sign_bit(CC_OP_WIDTH(op))) != 0;
    case CC_MUL: return src != 0;
    default: return base_flags(op, dst, src, src2) & CC_C;
    }
}

bool cc_condition(uint32_t flags, unsigned cond)
{
    bool less = !(flags & CC_S) != !(flags & CC_O), r;

    switch (cond >> 1 & 7) {
    case 0: r = flags & CC_O; break;
    case 1: r = flags & CC_C; break;
    case 2: r = flags & CC_Z; break;
    case 3: r = flags & (CC_C | CC_Z); break;
    case 4: r = flags & CC_S; break;
    case 5: r = flags & CC_P; break;
    case 6: r = less; break;
    default: r = less || (flags & CC_Z); break;
    }
    return r != (cond & 1);
}
