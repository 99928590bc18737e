/* Loongson's multimedia instructions: lanes of one 64-bit FP register. */
#include "mips-sim-int.h"

enum { ADD, SUB, ADDS, SUBS, ADDUS, AVG, EQ, MAX, MIN, SHL, SHR, SAR, MULL, MULH, MULHU };

/* Lane by lane, on signed or unsigned values. */
static uint64_t lanes(int op, int bits, bool is_signed, uint64_t a, uint64_t b)
{
    uint64_t mask = bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1, r = 0;
    unsigned count = (unsigned)(b & 0x7f);

    for (int i = 0; i < 64; i += bits) {
        wide x = a >> i & mask, y = b >> i & mask, z = 0;
        if (is_signed) {
            x = sign_extend(a >> i, bits);
            y = sign_extend(b >> i, bits);
        }
        switch (op) {
        case ADD: z = x + y; break;
        case SUB: z = x - y; break;
        case ADDS: z = saturate_s(x + y, bits); break;
        case SUBS: z = saturate_s(x - y, bits); break;
        case ADDUS: z = saturate_u(x + y, bits); break;
        case AVG: z = (x + y + 1) >> 1; break;
        case EQ: z = x == y ? -1 : 0; break;
        case MAX: z = x > y ? x : y; break;
        case MIN: z = x < y ? x : y; break;
        case SHL: z = count < (unsigned)bits ? x << count : 0; break;
        case SHR: z = count < (unsigned)bits ? x >> count : 0; break;
        case SAR: z = x >> (count < (unsigned)bits ? count : (unsigned)bits - 1); break;
        case MULL: z = x * y; break;
        case MULH: case MULHU: z = x * y >> 16; break;
        }
        r |= ((uint64_t)z & mask) << i;
    }
    return r;
}

static uint64_t pack(uint64_t a, uint64_t b, int bits)
{
    uint64_t r = 0, mask = (UINT64_C(1) << bits / 2) - 1;
    int n = 64 / bits;

    for (int i = 0; i < 2 * n; i++) {
        int64_t v = sign_extend((i < n ? a : b) >> (i % n * bits), bits);
        r |= ((uint64_t)saturate_s(v, bits / 2) & mask) << (i * bits / 2);
    }
    return r;
}

static uint64_t unpack(uint64_t a, uint64_t b, int bits)
{
    uint64_t r = 0, mask = (UINT64_C(1) << bits) - 1;

    for (int i = 0; i < 32 / bits; i++)
        r |= (a >> (i * bits) & mask) << (2 * i * bits) | (b >> (i * bits) & mask) << ((2 * i + 1) * bits);
    return r;
}

static uint64_t shuffle(uint64_t a, uint64_t order)
{
    uint64_t r = 0;
    for (int i = 0; i < 4; i++)
        r |= (a >> (order >> (2 * i) & 3) * 16 & 0xffff) << (16 * i);
    return r;
}

static uint64_t horizontal(int what, uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t x = a >> (8 * i) & 0xff, y = b >> (8 * i) & 0xff;
        r += what == 0 ? x : what == 1 ? (x >> 7) << i : (x > y ? x - y : y - x) << (8 * i);
    }
    return r;
}

static uint64_t multiply_add(uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    for (int i = 0; i < 64; i += 32) {
        int64_t lo = sign_extend(a >> i, 16) * sign_extend(b >> i, 16);
        int64_t hi = sign_extend(a >> (i + 16), 16) * sign_extend(b >> (i + 16), 16);
        r |= ((uint64_t)(lo + hi) & 0xffffffff) << i;
    }
    return r;
}

void sim_mmi(struct mips_sim *s, uint32_t w)
{
    uint64_t a = s->f[w >> 11 & 31], b = s->f[w >> 16 & 31], r = 0;
    unsigned shift = b & 63, rs = w >> 21 & 31, fd = w >> 6 & 31;
    unsigned place = 16 * (rs & 3);

    switch (rs << 8 | (w & 63)) {
    case 0x1800: r = lanes(ADDS, 16, true, a, b); break;
    case 0x1900: r = lanes(ADDUS, 16, false, a, b); break;
    case 0x1a00: r = lanes(ADD, 16, false, a, b); break;
    case 0x1b00: r = lanes(ADD, 32, false, a, b); break;
    case 0x1c00: r = lanes(ADDS, 8, true, a, b); break;
    case 0x1d00: r = lanes(ADDUS, 8, false, a, b); break;
    case 0x1e00: r = lanes(ADD, 8, false, a, b); break;
    case 0x1f00: r = a + b; break;
    case 0x1801: r = lanes(SUBS, 16, true, a, b); break;
    case 0x1a01: r = lanes(SUB, 16, false, a, b); break;
    case 0x1b01: r = lanes(SUB, 32, false, a, b); break;
    case 0x1c01: r = lanes(SUBS, 8, true, a, b); break;
    case 0x1e01: r = lanes(SUB, 8, false, a, b); break;
    case 0x1f01: r = a - b; break;
    case 0x1802: r = shuffle(a, b); break;
    case 0x1902: r = pack(a, b, 32); break;
    case 0x1a02: r = pack(a, b, 16); break;
    case 0x1c02: r = a ^ b; break;
    case 0x1d02: r = ~(a | b); break;
    case 0x1e02: r = a & b; break;
    case 0x1f02: r = ~a & b; break;
    case 0x1803: r = unpack(a, b, 16); break;
    case 0x1903: r = unpack(a >> 32, b >> 32, 16); break;
    case 0x1a03: r = unpack(a, b, 8); break;
    case 0x1b03: r = unpack(a >> 32, b >> 32, 8); break;
    case 0x1c03: case 0x1d03: case 0x1e03: case 0x1f03:
        r = (a & ~(UINT64_C(0xffff) << place)) | (b & 0xffff) << place;
        break;
    case 0x1808: r = lanes(AVG, 16, false, a, b); break;
    case 0x1908: r = lanes(AVG, 8, false, a, b); break;
    case 0x1a08: r = lanes(MAX, 16, true, a, b); break;
    case 0x1b08: r = lanes(MIN, 16, true, a, b); break;
    case 0x1809: r = lanes(EQ, 32, false, a, b); break;
    case 0x1a09: r = lanes(EQ, 16, false, a, b); break;
    case 0x1c09: r = lanes(EQ, 8, false, a, b); break;
    case 0x180a: r = lanes(SHL, 32, false, a, b); break;
    case 0x190a: r = lanes(SHL, 16, false, a, b); break;
    case 0x1a0a: r = lanes(MULL, 16, true, a, b); break;
    case 0x1b0a: r = lanes(MULH, 16, true, a, b); break;
    case 0x1c0a: r = (a & 0xffffffff) * (b & 0xffffffff); break;
    case 0x1d0a: r = lanes(MULHU, 16, false, a, b); break;
    case 0x180b: r = lanes(SHR, 32, false, a, b); break;
    case 0x190b: r = lanes(SHR, 16, false, a, b); break;
    case 0x1a0b: r = lanes(SAR, 32, true, a, b); break;
    case 0x1b0b: r = lanes(SAR, 16, true, a, b); break;
    case 0x1c0b: r = unpack(a, b, 32); break;
    case 0x1d0b: r = unpack(a >> 32, b >> 32, 32); break;
    case 0x190c: r = a | b; break;
    case 0x190d: r = horizontal(2, a, b); break;
    case 0x190e: r = a << shift; break;
    case 0x1a0e: r = a >> 16 * (b & 3) & 0xffff; break;
    case 0x1b0e: r = multiply_add(a, b); break;
    case 0x190f: r = a >> shift; break;
    case 0x1b0f: r = (uint64_t)((int64_t)a >> shift); break;
    case 0x1c0f: r = horizontal(0, a, 0); break;
    case 0x1d0f: r = horizontal(1, a, 0); break;
    default: s->error = "unknown MMI instruction"; return;
    }
    s->f[fd] = r;
    s->w[fd] = SCRAMBLE;
}
