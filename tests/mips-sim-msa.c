/* MSA on integers: immediates, single elements, memory, branches. */
#include "mips-sim-msa.h"

static uint64_t select_bits(uint64_t mask, uint64_t one, uint64_t zero)
{
    return (one & mask) | (zero & ~mask);
}

/* Bit by bit: b is a register or a repeated byte. */
static bool logic(struct mips_sim *s, uint32_t w, unsigned op, struct vec b)
{
    struct vec a = get(s, w >> 11), d = get(s, w >> 6);

    for (int i = 0; i < 2; i++) {
        uint64_t x = a.half[i], y = b.half[i], *z = &d.half[i];
        switch (op) {
        case 0: *z = x & y; break;
        case 1: *z = x | y; break;
        case 2: *z = ~(x | y); break;
        case 3: *z = x ^ y; break;
        case 4: *z = select_bits(y, x, *z); break;
        case 5: *z = select_bits(~y, x, *z); break;
        case 6: *z = select_bits(*z, y, x); break;
        default: return false;
        }
    }
    set(s, w >> 6, d);
    return true;
}

/* A byte as immediate: minor 0 to 2. */
static bool byte_immediate(struct mips_sim *s, uint32_t w)
{
    unsigned minor = w & 63, op = w >> 24 & 3, k = w >> 16 & 255;
    uint64_t all = k * UINT64_C(0x0101010101010101);

    if (minor == 0)
        return logic(s, w, op, (struct vec){ { all, all } });
    if (minor == 1)
        return op < 3 && logic(s, w, 4 + op, (struct vec){ { all, all } });
    struct vec a = get(s, w >> 11), r = a;
    if (op > 2)
        return false;
    for (int i = 0; i < 16 >> op; i++)
        put(&r, (int)op, i, element(a, (int)op, (i & ~3) + (int)(k >> (2 * (i & 3)) & 3)));
    set(s, w >> 6, r);
    return true;
}

/* Small immediates: addvi, ceqi, ldi, ...; minor 6 and 7. */
static bool small_immediate(struct mips_sim *s, uint32_t w)
{
    unsigned minor = w & 63, op = w >> 23 & 7;
    int df = w >> 21 & 3;
    struct vec a = get(s, w >> 11), r = a;

    for (int i = 0; i < 16 >> df; i++) {
        struct operands o = fetch(a, a, a, df, i);
        wide v = 0;
        o.b = sign_extend(w >> 16, 5);
        o.ub = w >> 16 & 31;
        if (minor == 6) {
            if (op < 2)
                o.b = o.ub;
            if (op > 5)
                return false;
            v = add_op(op, &o);
        } else if (op == 6) {
            v = sign_extend(w >> 11, 10);
        } else if (!compare_op(op, &o, &v)) {
            return false;
        }
        put(&r, df, i, (uint64_t)v);
    }
    set(s, w >> 6, r);
    return true;
}

/* A bit number as immediate; its element width stands in the upper bits. */
static bool bit_immediate(struct mips_sim *s, uint32_t w)
{
    unsigned op = w >> 23 & 7, field = w >> 16 & 127;
    int df = !(field & 0x40) ? 3 : !(field & 0x20) ? 2 : !(field & 0x10) ? 1 : 0;
    unsigned n = field & ((8u << df) - 1);
    struct vec a = get(s, w >> 11), d = get(s, w >> 6), r = d;

    if ((df == 0 && (field & 8)) || ((w & 63) == 0x0a && op > 3))
        return false;
    for (int i = 0; i < 16 >> df; i++) {
        struct operands o = fetch(a, a, d, df, i);
        wide v;
        if ((w & 63) == 9)
            v = shift_op(op, &o, n);
        else
            v = op == 0 ? saturate_s(o.a, (int)n + 1) : op == 1 ? saturate_u(o.ua, (int)n + 1)
                : rounded_shift(op == 2 ? o.a : o.ua, n);
        put(&r, df, i, (uint64_t)v);
    }
    set(s, w >> 6, r);
    return true;
}

/* One element, general and control registers. */
static bool elements(struct mips_sim *s, uint32_t w)
{
    unsigned op = w >> 22 & 15, field = w >> 16 & 63;
    int df = field < 0x20 ? 0 : field < 0x30 ? 1 : field < 0x38 ? 2 : field < 0x3c ? 3 : 4;
    int n = (int)(field & (15u >> df));
    struct vec a = get(s, w >> 11), d = get(s, w >> 6);
    uint64_t *gpr = &s->r[w >> 6 & 31];

    if (field == 0x3e) {
        if (op == 2)
            set(s, w >> 6, a);
        else if (op == 1 && (w >> 11 & 31) == 1)
            *gpr = s->msacsr;
        else if (op == 0 && (w >> 6 & 31) == 1)
            s->msacsr = (uint32_t)s->r[w >> 11 & 31];
        else
            return false;
        return true;
    }
    if (df == 4)
        return false;
    switch (op) {
    case 0: d = slide(a, d, df, (unsigned)n); break;
    case 1:
        for (int i = 0; i < 16 >> df; i++)
            put(&d, df, i, element(a, df, n));
        break;
    case 2: *gpr = (uint64_t)signed_element(a, df, n); return true;
    case 3: *gpr = element(a, df, n); return df < 3;
    case 4: put(&d, df, n, s->r[w >> 11 & 31]); break;
    case 5: put(&d, df, n, element(a, df, 0)); break;
    default: return false;
    }
    set(s, w >> 6, d);
    return true;
}

/* fill, and counts of bits. */
static bool two(struct mips_sim *s, uint32_t w)
{
    unsigned op = w >> 18 & 7;
    int df = w >> 16 & 3, bits = 8 << df;
    struct vec a = get(s, w >> 11), r = a;

    if (op > 3)
        return false;
    for (int i = 0; i < 16 >> df; i++) {
        uint64_t v = element(a, df, i), seek = (uint64_t)(op == 2 ? ~signed_element(a, df, i) : (int64_t)v);
        int k = 0;
        if (op == 0) {
            v = s->r[w >> 11 & 31];
        } else if (op == 1) {
            v = (uint64_t)__builtin_popcountll(v);
        } else {
            while (k < bits && !(seek >> (bits - 1 - k) & 1))
                k++;
            v = (uint64_t)k;
        }
        put(&r, df, i, v);
    }
    set(s, w >> 6, r);
    return true;
}

static void load_store(struct mips_sim *s, uint32_t w)
{
    int df = w & 3;
    uint64_t a = s->r[w >> 11 & 31] + (uint64_t)(sign_extend(w >> 16, 10) * (1 << df));
    uint8_t *p = sim_memory(s, a, 16);
    struct vec v = get(s, w >> 6);

    if (!p)
        return;
    for (int i = 0; i < 16; i++)
        if (w & 4)
            p[i] = (uint8_t)element(v, 0, i);
        else
            put(&v, 0, i, p[i]);
    if (!(w & 4))
        set(s, w >> 6, v);
}

void sim_msa(struct mips_sim *s, uint32_t w)
{
    unsigned minor = w & 63;
    bool known = false;

    if (minor >= 0x20 && minor < 0x28) {
        load_store(s, w);
        return;
    }
    if (minor <= 2)
        known = byte_immediate(s, w);
    else if (minor == 6 || minor == 7)
        known = small_immediate(s, w);
    else if (minor == 9 || minor == 0x0a)
        known = bit_immediate(s, w);
    else if (minor >= 0x0d && minor <= 0x15)
        known = sim_msa_3r(s, w);
    else if (minor == 0x19)
        known = elements(s, w);
    else if (minor == 0x1e && (w >> 21 & 31) < 7)
        known = logic(s, w, w >> 21 & 31, get(s, w >> 16));
    else if (minor == 0x1e && (w >> 21 & 31) == 0x18)
        known = two(s, w);
    else
        known = sim_msa_fp(s, w);
    if (!known)
        s->error = "unknown MSA instruction";
}

/* bz.V and bnz.V look at all bits; the others at each element: bnz is taken when none is zero, bz when
 * one is. */
bool sim_msa_branch(const struct mips_sim *s, uint32_t w)
{
    struct vec v = get(s, w >> 16);
    unsigned sub = w >> 21 & 31;
    int df = sub & 3;
    bool zero = false;

    if (sub < 0x18)
        return ((v.half[0] | v.half[1]) == 0) == (sub == 0x0b);
    for (int i = 0; i < 16 >> df; i++)
        zero |= element(v, df, i) == 0;
    return zero == (sub < 0x1c);
}
