/* Square root of 80-bit values. */
#include "softfp-round.h"

/* floor(sqrt(i * 256)) for i = 64..255 */
static const uint8_t root8[192] = {
    128, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142,
    143, 144, 144, 145, 146, 147, 148, 149, 150, 150, 151, 152, 153, 154, 155, 155,
    156, 157, 158, 159, 160, 160, 161, 162, 163, 163, 164, 165, 166, 167, 167, 168,
    169, 170, 170, 171, 172, 173, 173, 174, 175, 176, 176, 177, 178, 178, 179, 180,
    181, 181, 182, 183, 183, 184, 185, 185, 186, 187, 187, 188, 189, 189, 190, 191,
    192, 192, 193, 193, 194, 195, 195, 196, 197, 197, 198, 199, 199, 200, 201, 201,
    202, 203, 203, 204, 204, 205, 206, 206, 207, 208, 208, 209, 209, 210, 211, 211,
    212, 212, 213, 214, 214, 215, 215, 216, 217, 217, 218, 218, 219, 219, 220, 221,
    221, 222, 222, 223, 224, 224, 225, 225, 226, 226, 227, 227, 228, 229, 229, 230,
    230, 231, 231, 232, 232, 233, 234, 234, 235, 235, 236, 236, 237, 237, 238, 238,
    239, 240, 240, 241, 241, 242, 242, 243, 243, 244, 244, 245, 245, 246, 246, 247,
    247, 248, 248, 249, 249, 250, 250, 251, 251, 252, 252, 253, 253, 254, 254, 255,
};

/* Root of n (2^62 <= n) and its remainder.  Each step doubles the number of root bits by one
 * division (P. Zimmermann, "Karatsuba Square Root", 1999). */
static uint64_t isqrt64(uint64_t n, uint64_t *rem)
{
    uint64_t s = root8[(n >> 56) - 64], r = (n >> 48) - s * s;
    if (r > 2 * s) {
        r -= 2 * s + 1;
        s++;
    }
    for (int half = 8; half <= 16; half *= 2) {
        uint64_t part = half == 8 ? n >> 32 & 0xffff : n & 0xffffffff;
        uint64_t mask = ((uint64_t)1 << half) - 1, a1 = part >> half, a0 = part & mask;
        uint64_t t = r << half | a1, q = t / (2 * s), u = t % (2 * s);
        s = (s << half) + q;
        int64_t left = (int64_t)(u << half | a0) - (int64_t)(q * q);
        if (left < 0) {
            left += (int64_t)(2 * s - 1);
            s--;
        }
        r = (uint64_t)left;
    }
    *rem = r;
    return s;
}

uint64_t fx_isqrt128(uint64_t nh, uint64_t nl, bool *exact, bool *above_half)
{
    uint64_t r, s = isqrt64(nh, &r), a1 = nl >> 32, a0 = (uint32_t)nl;
    /* r is up to 2s: halve numerator and divisor, so that 64 bits hold them. */
    uint64_t t = r << 31 | a1 >> 1, q = t / s, u = (t % s) << 1 | (a1 & 1);
    s = (s << 32) + q;
    __int128 left = (__int128)(((fx_u128)u << 32 | a0)) - (__int128)((fx_u128)q * q);
    if (left < 0) {
        left += (__int128)(2 * (fx_u128)(s ? s : (fx_u128)1 << 64) - 1);
        s--;
    }
    *exact = left == 0;
    *above_half = left > (__int128)s;
    return s;
}

struct floatx80 fx_sqrt(struct floatx80 a, struct fp_ctx *s)
{
    int32_t e = fx_exp(a);
    uint64_t m = a.mant;
    if (!fx_likely(fx_is_normal(a) && !fx_sign(a))) {
        struct floatx80 r;
        if (fx_propagate1(a, &r, s))
            return r;
        enum fx_class c = fx_classify(a);
        if (c == FX_ZERO)
            return a;
        if (fx_sign(a))
            return fx_invalid(s);
        if (c == FX_INF)
            return a;
        s->flags |= FPUS_DE;
        fx_normalise(a, &e, &m);
    }
    e -= FX_BIAS;
    bool exact, above, odd = e & 1;
    uint64_t root = odd ? fx_isqrt128(m, 0, &exact, &above) : fx_isqrt128(m >> 1, m << 63, &exact, &above);
    /* The root of a 128-bit integer is never half way between two integers. */
    uint64_t lo = exact ? 0 : above ? FX_INT_BIT | 1 : 1;
    return fx_round_fast(0, (e - odd) / 2 + FX_BIAS, root, lo, s);
}
