#include "fuzz-simd.h"

uint64_t fuzz_simd_value(unsigned pick)
{
    static const uint32_t singles[16] = {
        0, 0x80000000, 0x3f800000, 0xbfc00000, 0x7f800000, 0xff800000, 0x7fc00001, 0xffa00000, 1, 0x80400000,
        0x7f7fffff, 0x00800000, 0x4f000000, 0x5f000000, 0x3eaaaaab, 0xcf000001
    };
    static const uint64_t doubles[16] = {
        0, 1ull << 63, 0x3ff0000000000000, 0xbff8000000000000, 0x7ff0000000000000, 0xfff0000000000000,
        0x7ff8000000000001, 0xfff4000000000000, 1, 0x8008000000000000, 0x7fefffffffffffff, 0x0010000000000000,
        0x41e0000000000000, 0xc1e0000000200000, 0x3fd5555555555555, 0x36a0000000000000
    };
    switch (pick >> 4 & 3) {
    case 0:
        return doubles[pick & 15];
    case 1:
        return singles[pick & 15] | (uint64_t)singles[(pick * 7 >> 2) & 15] << 32;
    case 2:
        return pick * 0x0101010101010101u;
    default:
        return pick * 0x9e3779b97f4a7c15u;
    }
}

size_t fuzz_simd_code(uint8_t *out, size_t room, const uint8_t *in, size_t n)
{
    static const uint8_t prefixes[4] = { 0, 0x66, 0xf2, 0xf3 }, bases[8] = { 0, 1, 2, 3, 6, 7, 0, 3 };
    static const struct { uint8_t first, count; } rows[] = {
        { 0x10, 8 }, { 0x28, 8 }, { 0x50, 16 }, { 0x60, 16 }, { 0x70, 4 }, { 0x74, 4 }, { 0x7c, 4 },
        { 0xc2, 1 }, { 0xc4, 3 }, { 0xd0, 16 }, { 0xe0, 16 }, { 0xf0, 15 }, { 0xae, 1 }
    };
    const unsigned opcodes = 112;
    size_t len = 0;
    for (; n >= 3 && room - len >= 6; in += 3, n -= 3) {
        uint8_t modrm = in[2] >= 0xc0 ? in[2] : (uint8_t)((in[2] & 0x38) | bases[in[2] & 7]);
        if ((in[0] & 0x70) == 0x70) {
            out[len++] = (uint8_t)(0xd8 | (in[1] & 7));
            out[len++] = modrm;
            continue;
        }
        unsigned k = in[1] % opcodes, row = 0;
        while (k >= rows[row].count)
            k -= rows[row++].count;
        uint8_t op = (uint8_t)(rows[row].first + k);
        if (prefixes[in[0] & 3])
            out[len++] = prefixes[in[0] & 3];
        out[len++] = 0x0f;
        out[len++] = op;
        out[len++] = modrm;
        if ((op >= 0x70 && op <= 0x73) || (op >= 0xc2 && op <= 0xc6))
            out[len++] = in[0] >> 2;
    }
    return len;
}
