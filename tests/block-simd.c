/* Random contents of x87, MMX and SSE registers: what has special rules, small integers, halfway cases,
 * noise. */
#include "config.h"
#include "block-build.h"

#include <string.h>

static uint64_t random_double(void)
{
    static const uint64_t special[] = {
        0, 1, 0x000fffffffffffff, 0x0010000000000000, 0x3ff0000000000000, 0x3fe0000000000000,
        0x4000000000000000,
        0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001, 0x7ffc0123456789ab,
        0x41dfffffffc00000, 0x41e0000000000000, 0x41dfffffffe00000, 0x43e0000000000000, 0x3ff8000000000000,
        0x4004000000000000, 0x3cb0000000000000, 0x36a0000000000000, 0x47efffffe0000000, 0x47effffff0000000,
        0x380fffffe0000000, 0x3fefffffffffffff,
    };
    uint64_t sign = (uint64_t)bb_below(2) << 63;
    switch (bb_below(5)) {
    case 0:
        return bg_random();
    case 1: case 2:
        return special[bb_below(sizeof special / sizeof *special)] | sign;
    case 3: /* near 1, few bits */
        return (0x3fe0000000000000 + ((uint64_t)bb_below(64) << 50)) | sign;
    default: /* exponents in the middle */
        return (bg_random() & 0x000fffffffffffff) | (0x3e0ull + bb_below(64)) << 52 | sign;
    }
}

static uint32_t random_single(void)
{
    static const uint32_t special[] = {
        0, 1, 0x007fffff, 0x00800000, 0x3f800000, 0x3f000000, 0x40000000, 0x7f7fffff, 0x7f800000, 0x7fc00000,
        0x7f800001, 0x7fc12345, 0x4effffff, 0x4f000000, 0x3fc00000, 0x40200000, 0x34000000, 0x3f7fffff,
        0x5f000000,
    };
    uint32_t sign = bb_below(2) << 31;
    switch (bb_below(5)) {
    case 0:
        return (uint32_t)bg_random();
    case 1: case 2:
        return special[bb_below(sizeof special / sizeof *special)] | sign;
    case 3:
        return (0x3f000000 + (bb_below(64) << 21)) | sign;
    default:
        return ((uint32_t)bg_random() & 0x7fffff) | (0x70 + bb_below(32)) << 23 | sign;
    }
}

/* Lanes at the borders of signed and unsigned ranges. */
static uint64_t random_lanes(void)
{
    static const uint8_t edge[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x81, 0x40};
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v = v << 8 | (bb_percent(70) ? edge[bb_below(sizeof edge)] : bb_below(256));
    return v;
}

static uint64_t random_q(unsigned what)
{
    switch (what) {
    case 0: return random_double();
    case 1: return random_single() | (uint64_t)random_single() << 32;
    case 2: return random_lanes();
    case 3: return bb_below(80); /* counts of shifts */
    default: return bg_random();
    }
}

static struct floatx80 random_x80(void)
{
    static const struct floatx80 special[] = {
        {0, 0}, {1, 0}, {0x7fffffffffffffff, 0}, {0x8000000000000000, 0}, {0x8000000000000000, 1},
        {0x8000000000000000, 0x3fff}, {0xc000000000000000, 0x3fff}, {0xffffffffffffffff, 0x3ffe},
        {0xffffffffffffffff, 0x7ffe}, {0x8000000000000000, 0x7fff}, {0xc000000000000000, 0x7fff},
        {0x8000000000000001, 0x7fff}, {0, 0x7fff}, {0x4000000000000000, 0x3fff}, {0x8000000000000000, 0x401e},
        {0xffffffff00000000, 0x401d}, {0x8000000000000000, 0x403e}, {0xfffffffffffffc00, 0x43fe},
        {0xfffffffffffffbff, 0x3fff}, {0x8000000000000400, 0x3fff}, {0x8000000000000c00, 0x3fff},
        {0x8000000000000000, 0x3c00}, {0x8000000000000000, 0x407e}, {0, 0x7ffe}, {0, 0x0001},
    };
    uint16_t sign = (uint16_t)(bb_below(2) << 15);
    struct floatx80 v;
    switch (bb_below(6)) {
    case 0:
        v = special[bb_below(sizeof special / sizeof *special)];
        break;
    case 1: /* anything */
        v = (struct floatx80){bg_random(), (uint16_t)(bg_random() & 0x7fff)};
        break;
    case 2: /* an integer */
        v.mant = bg_random() >> bb_below(64);
        v.se = 0x403e;
        if (!v.mant)
            v.se = 0;
        while (v.mant && !(v.mant >> 63)) {
            v.mant <<= 1;
            v.se--;
        }
        break;
    case 3: /* what a double can hold */
        v = (struct floatx80){(bg_random() & ~0x7ffull) | 1ull << 63, (uint16_t)(0x3ff0 + bb_below(32))};
        break;
    default:
        v = (struct floatx80){bg_random() | 1ull << 63, (uint16_t)(0x3ff0 + bb_below(32))};
    }
    v.se |= sign;
    return v;
}

void bg_make_simd(struct bm_simd *s)
{
    memset(s, 0, sizeof *s);
    bool mmx = bb_percent(35);
    for (unsigned i = 0; i < 8; i++) {
        s->fpregs[i] = random_x80();
        if (mmx)
            s->fpregs[i] = (struct floatx80){random_q(2 + bb_below(3)), 0xffff};
        unsigned what = bb_below(5);
        s->xmm[i].q[0] = random_q(what);
        s->xmm[i].q[1] = random_q(what);
    }
    s->valid = mmx || bb_percent(40) ? 0xff
        : bb_percent(60) ? (uint8_t)(0xff00u >> bb_below(9)) : (uint8_t)bg_random();
    s->top = mmx ? 0 : (uint8_t)bb_below(8);
    s->fpuc = bb_percent(70) ? 0x37f : bb_percent(50) ? 0x27f : (uint16_t)((bg_random() & 0xf3f) | 0x40);
    s->fpus = bb_percent(70) ? 0 : (uint16_t)(bg_random() & 0x477f);
    if (s->fpus & 0x3f & ~s->fpuc)
        s->fpus |= 0x8080; /* ES and B */
    if (bb_percent(95))
        s->fpus &= (uint16_t)(~0x80bf | (s->fpuc & 0x3f));
    s->mxcsr = bb_percent(80) ? 0x1f80 | (bb_percent(50) ? bb_below(64) : 0)
        : bb_percent(70) ? 0x1f80 | bb_below(4) << 13 | (bb_percent(30) ? 0x8040u : 0)
        : (uint32_t)bg_random() & 0xffff;
}
