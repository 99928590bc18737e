/* MSA's floating point: the scalar operations on each element, with NaNs of IEEE 754-2008. */
#include "mips-sim-int.h"

static uint64_t get(const struct mips_sim *s, unsigned reg, int bits, int i)
{
    int at = i * bits;
    uint64_t half = at < 64 ? s->f[reg & 31] : s->w[reg & 31];
    return bits == 64 ? half : half >> (at & 63) & 0xffffffff;
}

static void put(struct mips_sim *s, unsigned reg, int bits, int i, uint64_t v)
{
    int at = i * bits;
    uint64_t *half = at < 64 ? &s->f[reg & 31] : &s->w[reg & 31];
    uint64_t mask = bits == 64 ? ~UINT64_C(0) : UINT64_C(0xffffffff) << (at & 63);
    *half = (*half & ~mask) | (v << (at & 63) & mask);
}

/* IEEE 754-2008's maxNum and minNum. */
static uint64_t max_min(struct fp_env *e, int bits, uint64_t a, uint64_t b, bool max)
{
    bool na = fp_is_nan(bits, a), nb = fp_is_nan(bits, b);
    uint64_t quiet = bits == 64 ? UINT64_C(1) << 51 : 1u << 22;

    if ((na && !(a & quiet)) || (nb && !(b & quiet)) || (na && nb))
        return fp_arith(e, FP_ADD, bits, a, b);
    if (na || nb)
        return na ? b : a;
    if (fp_compare(e, bits, a, b, 2)) /* zeros of either sign are equal */
        return max ? a & b : a | b;
    return fp_compare(e, bits, a, b, 4) == max ? b : a;
}

/* MSA's fourteen compares; -1: none. */
static int compare(struct fp_env *e, unsigned minor, unsigned op, int bits, uint64_t a, uint64_t b)
{
    unsigned signalling = op & 8;

    if (minor == 0x1a)
        return fp_compare(e, bits, a, b, op);
    /* fcor, fcune, fcne: the opposite of unordered, equal, unordered or equal. */
    static const int negated[] = { -1, 1, 2, 3 };
    if ((op & 7) > 3 || negated[op & 3] < 0)
        return -1;
    return !fp_compare(e, bits, a, b, (unsigned)negated[op & 3] | signalling);
}

static bool three(struct mips_sim *s, struct fp_env *e, uint32_t w)
{
    unsigned minor = w & 63, op = w >> 22 & 15;
    int bits = w >> 21 & 1 ? 64 : 32;
    uint64_t r[4];

    for (int i = 0; i < 128 / bits; i++) {
        uint64_t a = get(s, w >> 11, bits, i), b = get(s, w >> 16, bits, i);
        if (minor == 0x1b && op < 4) {
            r[i] = fp_arith(e, (enum fp_op)op, bits, a, b);
        } else if (minor == 0x1b && (op == 12 || op == 14)) {
            r[i] = max_min(e, bits, a, b, op == 14);
        } else if (minor == 0x1a || minor == 0x1c) {
            int t = compare(e, minor, op, bits, a, b);
            if (t < 0)
                return false;
            r[i] = t ? ~UINT64_C(0) : 0;
        } else {
            return false;
        }
    }
    for (int i = 0; i < 128 / bits; i++)
        put(s, w >> 6, bits, i, r[i]);
    return true;
}

/* fexdo.w: ws's doubles become the upper two singles, wt's the lower. */
static void narrow(struct mips_sim *s, struct fp_env *e, uint32_t w)
{
    uint64_t r[4];
    for (int i = 0; i < 4; i++)
        r[i] = fp_narrow(e, get(s, i < 2 ? w >> 16 : w >> 11, 64, i & 1));
    for (int i = 0; i < 4; i++)
        put(s, w >> 6, 32, i, r[i]);
}

static uint64_t classify(int bits, uint64_t v)
{
    int fraction = bits == 64 ? 52 : 23;
    uint64_t exponent = v >> fraction & ((UINT64_C(1) << (bits - 1 - fraction)) - 1);
    uint64_t f = v & ((UINT64_C(1) << fraction) - 1);
    bool full = exponent == (UINT64_C(1) << (bits - 1 - fraction)) - 1;
    unsigned sign = v >> (bits - 1) & 1;

    if (full && f)
        return f >> (fraction - 1) ? 2 : 1;
    return (sign ? 4u : 64u) << (full ? 0 : exponent ? 1 : f ? 2 : 3);
}

static bool two(struct mips_sim *s, struct fp_env *e, uint32_t w)
{
    unsigned op = w >> 17 & 15;
    int bits = w >> 16 & 1 ? 64 : 32;
    uint64_t r[4];

    for (int i = 0; i < 128 / bits; i++) {
        uint64_t a = get(s, w >> 11, bits, i);
        switch (op) {
        case 0: r[i] = classify(bits, a); break;
        case 1: r[i] = fp_to_int(e, bits, a, bits, 1); break;
        case 3: r[i] = fp_arith(e, FP_SQRT, bits, a, 0); break;
        case 12: r[i] = fp_to_int(e, bits, a, bits, e->rm); break;
        case 14: r[i] = fp_from_int(e, bits, sign_extend(a, bits)); break;
        case 8: case 9: /* fexupl, fexupr: the upper, lower two singles */
            if (bits == 32)
                return false;
            r[i] = fp_widen(e, get(s, w >> 11, 32, op == 8 ? i + 2 : i));
            break;
        default: return false;
        }
    }
    for (int i = 0; i < 128 / bits; i++)
        put(s, w >> 6, bits, i, r[i]);
    return true;
}

/* mul_q and mulr_q, which stand among the floating-point formats. */
static bool fixed_point(struct mips_sim *s, uint32_t w)
{
    unsigned op = w >> 22 & 15;
    int bits = w >> 21 & 1 ? 32 : 16;
    struct mips_sim old = *s;

    if ((op != 4 && op != 12) || (w & 63) != 0x1c)
        return false;
    for (int at = 0; at < 128; at += bits) {
        uint64_t a = at < 64 ? old.f[w >> 11 & 31] : old.w[w >> 11 & 31];
        uint64_t b = at < 64 ? old.f[w >> 16 & 31] : old.w[w >> 16 & 31];
        uint64_t *d = at < 64 ? &s->f[w >> 6 & 31] : &s->w[w >> 6 & 31];
        uint64_t mask = ((UINT64_C(1) << bits) - 1) << (at & 63);
        wide p = (wide)sign_extend(a >> (at & 63), bits) * sign_extend(b >> (at & 63), bits);
        p = saturate_s((p + (op == 12 ? (wide)1 << (bits - 2) : 0)) >> (bits - 1), bits);
        *d = (*d & ~mask) | ((uint64_t)p << (at & 63) & mask);
    }
    return true;
}

bool sim_msa_fp(struct mips_sim *s, uint32_t w)
{
    unsigned minor = w & 63;
    struct fp_env e = { .rm = s->msacsr & 3, .nan2008 = true };
    bool known;

    if (s->msacsr & 0x1000f80) {
        s->error = "MSACSR with exceptions enabled or denormals flushed";
        return true;
    }
    if (minor == 0x1c && fixed_point(s, w))
        return true;
    if (minor == 0x1b && (w >> 21 & 31) == 0x11) {
        narrow(s, &e, w);
        known = true;
    } else if (minor >= 0x1a && minor <= 0x1c) {
        known = three(s, &e, w);
    } else {
        known = minor == 0x1e && (w >> 21 & 31) == 0x19 && two(s, &e, w);
    }
    s->msacsr |= e.flags;
    return known;
}
