/* Sweeps: one instruction over lists of operand values, each with each (README in this folder).
 * The operands follow from the lists here, so that files hold only results.  For the
 * recorder and for the test that replays them; changing a list means recording again. */
#ifndef STITCH86_VECTOR_SWEEP_H
#define STITCH86_VECTOR_SWEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "world.h"

enum { SWEEP_ADDR = 0x4800, SWEEP_MAX = 24 * 24 };

/* Where an operand is: x: XMM register, m: MMX, r: general register, t: ST(n), M: memory at
 * SWEEP_ADDR, f: EFLAGS (a result only), -: none. */
struct sweep_place {
    char kind;
    uint8_t n;
};

struct sweep {
    char type_a, type_b; /* lists: s d t: 32, 64, 80-bit values; i w q: integers; capitals: the long lists */
    char shape;          /* 2: each a with each b; h: as 2, a and b side by side in both; 1: each b */
    uint8_t lanes;
    struct sweep_place a, b, res;
    uint8_t res_bytes;
    int8_t pops;         /* x87: how far the stack moves; -1: a push */
    uint8_t len, bytes[15];
    uint16_t mode;       /* MXCSR; with x87 operands the control word */
};

/* For pairs: zeros, denormals and the numbers around them, 1 and its neighbours, what is half a unit
 * in the last place of 1, the greatest, infinities, NaNs. */
static const uint32_t sweep_f32[24] = {
    0x00000000, 0x80000000, 0x00000001, 0x807fffff, 0x00800000, 0x80800001, 0x00ffffff, 0x3f800000,
    0xbfc00000, 0x3f800001, 0x3f7fffff, 0x33800000, 0x33800001, 0xb3000000, 0x3f000000, 0x7f7fffff,
    0xff7fffff, 0x7e800000, 0x7f800000, 0xff800000, 0x7fc12345, 0xffc00000, 0x7f800001, 0xffa54321
};
static const uint64_t sweep_f64[24] = {
    0x0000000000000000, 0x8000000000000000, 0x0000000000000001, 0x800fffffffffffff,
    0x0010000000000000, 0x8010000000000001, 0x001fffffffffffff, 0x3ff0000000000000,
    0xbff8000000000000, 0x3ff0000000000001, 0x3fefffffffffffff, 0x3ca0000000000000,
    0x3ca0000000000001, 0xbc90000000000000, 0x3fe0000000000000, 0x7fefffffffffffff,
    0xffefffffffffffff, 0x7fd0000000000000, 0x7ff0000000000000, 0xfff0000000000000,
    0x7ff8123456789abc, 0xfff8000000000000, 0x7ff0000000000001, 0xfff4567890abcdef
};
struct sweep_f80 {
    uint64_t mant;
    uint16_t se;
};
static const struct sweep_f80 sweep_f80[24] = {
    {0, 0}, {0, 0x8000}, {1, 0}, {0x7fffffffffffffff, 0x8000}, {0x8000000000000001, 0},
    {0x8000000000000000, 1}, {0xffffffffffffffff, 0x8001}, {0x8000000000000000, 0x3fff},
    {0xc000000000000000, 0xbfff}, {0x8000000000000001, 0x3fff}, {0xffffffffffffffff, 0x3ffe},
    {0x8000000000000000, 0x3fbf}, {0x8000000000000001, 0x3fbf}, {0x8000000000000400, 0x3fff},
    {0xffffff7fffffffff, 0x407e}, {0xfffffffffffffbff, 0xc3fe}, {0xffffffffffffffff, 0x7ffe},
    {0xffffffffffffffff, 0xfffe}, {0x8000000000000000, 0x7fff}, {0x8000000000000000, 0xffff},
    {0xc123456789abcdef, 0x7fff}, {0xc000000000000000, 0xffff}, {0x8000000000000001, 0x7fff},
    {0xb456789abcdef012, 0xffff}
};
static const uint32_t sweep_int[8] = {
    0, 1, 0xffffffff, 0x7fffffff, 0x80000000, 0x7fff, 0xffff8000, 0x02000001
};

/* For one operand: numbers where conversions, roots and roundings to integers change. */
static const uint32_t sweep_long_f32[48] = {
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff, 0x00800000, 0x80800001,
    0x3f800000, 0xbf800000, 0x3f000000, 0xbf000000, 0x3effffff, 0xbf000001, 0x3fc00000, 0xbfc00000,
    0x40200000, 0xc0200000, 0x3f7fffff, 0xbf7fffff, 0x40800000, 0x41100000, 0x42c80000, 0xc2f6e979,
    0x46fffe00, 0xc7000000, 0x47000000, 0xc7000080, 0x4b000001, 0xcafffffd, 0x4b7fffff, 0xcb800001,
    0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001, 0x4f800000, 0x5f000000, 0xdf000000, 0x7e7fffff,
    0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc12345, 0xffc00000, 0x7f800001, 0xffa54321
};
static const uint64_t sweep_long_f64[48] = {
    0x0000000000000000, 0x8000000000000000, 0x0000000000000001, 0x800fffffffffffff,
    0x0010000000000000, 0x8010000000000001, 0x3ff0000000000000, 0xbff0000000000000,
    0x3fe0000000000000, 0xbfe0000000000000, 0x3fdfffffffffffff, 0xbfe0000000000001,
    0x3ff8000000000000, 0xc004000000000000, 0x4010000000000000, 0x4059000000000000,
    0x3fefffffffffffff, 0x3ff0000010000000, 0x3ff0000030000000, 0xbff0000010000001,
    0x40dfffffffffffff, 0xc0e0001000000000, 0x40dfffc000000000, 0x40dfffe000000000,
    0x41dfffffffc00000, 0x41dfffffffe00000, 0x41dfffffffdfffff, 0x41e0000000000000,
    0xc1e0000000000000, 0xc1e0000000100000, 0xc1e00000001fffff, 0xc1e0000000200000,
    0x43dfffffffffffff, 0x43e0000000000000, 0xc3e0000000000000, 0xc3e0000000000001,
    0x380fffffffffffff, 0x3810000000000000, 0x380ffffff0000000, 0xb6a0000000000000,
    0x47efffffe0000000, 0x47efffffefffffff, 0xc7effffff0000000, 0x7fefffffffffffff,
    0x7ff0000000000000, 0xfff0000000000000, 0x7ff8123456789abc, 0xfff4567890abcdef
};
static const struct sweep_f80 sweep_long_f80[60] = {
    {0, 0}, {0, 0x8000}, {1, 0}, {0x7fffffffffffffff, 0x8000}, {0x8000000000000001, 0},
    {0x8000000000000000, 1}, {0xffffffffffffffff, 0x8001}, {0x8000000000000000, 0x3fff},
    {0x8000000000000000, 0xbfff},
    {0x8000000000000000, 0x3ffe}, {0x8000000000000001, 0xbffe}, {0xffffffffffffffff, 0x3ffd},
    {0xc000000000000000, 0x3fff}, {0xa000000000000000, 0xc000}, {0x9000000000000000, 0x4002},
    {0xc800000000000000, 0x4005}, {0xfffffffffffffffe, 0x3ffe}, {0x8000000000000400, 0x3fff},
    {0x8000000000000c00, 0xbfff}, {0x8000000000000401, 0x3fff}, {0x8000008000000000, 0x3fff},
    {0x8000018000000000, 0xbfff}, {0x8000007fffffffff, 0x3fff}, {0xffff000000000000, 0x400d},
    {0xfffe000000000000, 0x400d}, {0x8000000000000000, 0xc00e}, {0x8000800000000000, 0xc00e},
    {0x8000ffffffffffff, 0xc00e}, {0xfffffffe00000000, 0x401d}, {0xffffffff00000000, 0x401d},
    {0x8000000000000000, 0x401e}, {0x8000000000000000, 0xc01e}, {0x8000000080000000, 0xc01e},
    {0x8000000100000000, 0xc01e}, {0xfffffffffffffffe, 0x403d}, {0xffffffffffffffff, 0x403d},
    {0x8000000000000000, 0x403e}, {0x8000000000000000, 0xc03e}, {0x8000000000000001, 0xc03e},
    {0xde0b6b3a763fffff, 0x403a}, {0xde0b6b3a763ffff0, 0x403a}, {0xde0b6b3a76400000, 0xc03a},
    {0x8000000000000000, 0x3f81}, {0xffffff7fffffffff, 0x3f80}, {0xffffff8000000000, 0x3f80},
    {0x8000000000000000, 0xbf69}, {0x8000000000000000, 0x3c01}, {0xfffffffffffffbff, 0x3c00},
    {0xfffffffffffffc00, 0x3c00}, {0x8000000000000001, 0xbbcc}, {0xffffff7fffffffff, 0x407e},
    {0xffffff8000000000, 0xc07e}, {0xfffffffffffffbff, 0x43fe}, {0xfffffffffffffc00, 0xc3fe},
    {0xffffffffffffffff, 0x7ffe}, {0x8000000000000000, 0xffff}, {0x8000000000000000, 0x7fff},
    {0xc123456789abcdef, 0x7fff}, {0xc000000000000000, 0xffff}, {0xb456789abcdef012, 0xffff}
};
static const uint32_t sweep_long_int[24] = {
    0, 1, 0xffffffff, 2, 0x7fffffff, 0x80000000, 0x80000001, 0x7fff, 0x8000, 0xffff8000, 0xffff7fff, 0xffff,
    0x00ffffff, 0x01000001, 0x01000003, 0xfeffffff, 0xfefffffd, 0x7fffff80, 0x7fffffbf, 0x7fffffc0,
    0x02000002, 0x02000006, 0x55555555, 0xaaaaaaaa
};
static const uint64_t sweep_long_int64[20] = {
    0, 1, 0xffffffffffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0x0020000000000001,
    0x0020000000000003, 0xffdfffffffffffff, 0x7ffffffffffffc00, 0x7ffffffffffffbff, 0x00000000ffffffff,
    0xffffffff80000000, 0x0000000100000000, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0x7fffff8000000000,
    0x7fffff4000000000, 0x0123456789abcdef, 0xfedcba9876543210
};

/* x87 sweeps begin with TOP = 5 and ST(0)..ST(3) full. */
enum { SWEEP_SW = 5 << 11, SWEEP_TW = 0xabfe };

/* Physical registers that are empty after `pops` pops (negative: pushes). */
static inline unsigned sweep_empty(int pops)
{
    unsigned empty = 0;
    for (int i = 4 - pops; i < 8; i++)
        empty |= 1u << ((5 + pops + i) & 7);
    return empty;
}

#define SWEEP_N(list) (sizeof (list) / sizeof *(list))

/* Value number n of a list, into out; *count: how many it has.  Returns bytes of a value. */
static inline unsigned sweep_value(char type, unsigned n, uint8_t *out, unsigned *count)
{
    const struct sweep_f80 *t;
    switch (type) {
    case 's':
        *count = SWEEP_N(sweep_f32);
        memcpy(out, &sweep_f32[n], 4);
        return 4;
    case 'd':
        *count = SWEEP_N(sweep_f64);
        memcpy(out, &sweep_f64[n], 8);
        return 8;
    case 'i':
    case 'w':
        *count = SWEEP_N(sweep_int);
        memcpy(out, &sweep_int[n], 4);
        return type == 'i' ? 4 : 2;
    case 'S':
        *count = SWEEP_N(sweep_long_f32);
        memcpy(out, &sweep_long_f32[n], 4);
        return 4;
    case 'D':
        *count = SWEEP_N(sweep_long_f64);
        memcpy(out, &sweep_long_f64[n], 8);
        return 8;
    case 'I':
    case 'W':
        *count = SWEEP_N(sweep_long_int);
        memcpy(out, &sweep_long_int[n], 4);
        return type == 'I' ? 4 : 2;
    case 'Q':
        *count = SWEEP_N(sweep_long_int64);
        memcpy(out, &sweep_long_int64[n], 8);
        return 8;
    default:
        *count = type == 't' ? SWEEP_N(sweep_f80) : SWEEP_N(sweep_long_f80);
        t = type == 't' ? &sweep_f80[n] : &sweep_long_f80[n];
        memcpy(out, &t->mant, 8);
        memcpy(out + 8, &t->se, 2);
        return 10;
    }
}

static inline unsigned sweep_list_length(char type)
{
    uint8_t value[16];
    unsigned count;
    sweep_value(type, 0, value, &count);
    return count;
}

/* How many cases the sweep has. */
static inline unsigned sweep_count(const struct sweep *s)
{
    unsigned b = sweep_list_length(s->type_b);
    return (s->shape == '1' ? b : b * sweep_list_length(s->type_a)) / s->lanes;
}

/* Operand a or b (second) of case n, at most 16 bytes.  Returns its length; 0: not given by lists. */
static inline unsigned sweep_operand(const struct sweep *s, unsigned n, bool second, uint8_t *out)
{
    unsigned len = 0, unused, nb = sweep_list_length(s->type_b);
    if (s->shape == '1' && !second)
        return 0;
    for (unsigned lane = 0; lane < s->lanes; lane++) {
        uint8_t value[16];
        unsigned k = n * s->lanes + lane, size;
        bool from_b = second;
        if (s->shape == 'h') {
            unsigned element = (second ? s->lanes : 0u) + lane;
            k = n * s->lanes + element / 2;
            from_b = element & 1;
        }
        if (s->shape == '1')
            size = sweep_value(s->type_b, k, value, &unused);
        else
            size = from_b ? sweep_value(s->type_b, k % nb, value, &unused)
                          : sweep_value(s->type_a, k / nb, value, &unused);
        memcpy(out + len, value, size);
        len += size;
    }
    return len;
}

#endif
