/* MSA on integers: instructions with three registers. */
#include "mips-sim-msa.h"

static wide magnitude(wide v)
{
    return v < 0 ? -v : v;
}

wide rounded_shift(wide v, unsigned n)
{
    return n ? (v >> n) + (v >> (n - 1) & 1) : v;
}

/* The upper or lower n bits of a into d. */
static uint64_t insert_bits(const struct operands *o, unsigned n, bool left)
{
    uint64_t all = o->bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << o->bits) - 1;
    uint64_t mask = n >= (unsigned)o->bits ? all : (UINT64_C(1) << n) - 1;

    if (left)
        mask = n >= (unsigned)o->bits ? all : all & ~((UINT64_C(1) << ((unsigned)o->bits - n)) - 1);
    return (o->ud & ~mask) | ((uint64_t)o->ua & mask);
}

/* Shifts and bit operations by n: of registers and of immediates. */
wide shift_op(unsigned op, const struct operands *o, unsigned n)
{
    switch (op) {
    case 0: return o->ua << n;
    case 1: return o->a >> n;
    case 2: return o->ua >> n;
    case 3: return o->ua & ~((wide)1 << n);
    case 4: return o->ua | (wide)1 << n;
    case 5: return o->ua ^ (wide)1 << n;
    case 6: return (wide)insert_bits(o, n + 1, true);
    default: return (wide)insert_bits(o, n + 1, false);
    }
}

wide add_op(unsigned op, const struct operands *o)
{
    switch (op) {
    case 0: return o->a + o->b;
    case 1: return o->a - o->b;
    case 2: return o->a > o->b ? o->a : o->b;
    case 3: return o->ua > o->ub ? o->ua : o->ub;
    case 4: return o->a < o->b ? o->a : o->b;
    case 5: return o->ua < o->ub ? o->ua : o->ub;
    case 6: return magnitude(o->a) > magnitude(o->b) ? o->a : o->b;
    default: return magnitude(o->a) < magnitude(o->b) ? o->a : o->b;
    }
}

bool compare_op(unsigned op, const struct operands *o, wide *r)
{
    switch (op) {
    case 0: *r = o->a == o->b; break;
    case 2: *r = o->a < o->b; break;
    case 3: *r = o->ua < o->ub; break;
    case 4: *r = o->a <= o->b; break;
    case 5: *r = o->ua <= o->ub; break;
    default: return false;
    }
    *r = -*r;
    return true;
}

static wide saturating_add(unsigned op, const struct operands *o)
{
    switch (op) {
    case 0: return magnitude(o->a) + magnitude(o->b);
    case 1: return saturate_s(magnitude(o->a) + magnitude(o->b), o->bits);
    case 2: return saturate_s(o->a + o->b, o->bits);
    case 3: return saturate_u(o->ua + o->ub, o->bits);
    case 4: return (o->a + o->b) >> 1;
    case 5: return (o->ua + o->ub) >> 1;
    case 6: return (o->a + o->b + 1) >> 1;
    default: return (o->ua + o->ub + 1) >> 1;
    }
}

static bool subtract_op(unsigned op, const struct operands *o, wide *r)
{
    switch (op) {
    case 0: *r = saturate_s(o->a - o->b, o->bits); return true;
    case 1: *r = saturate_u(o->ua - o->ub, o->bits); return true;
    case 2: *r = saturate_u(o->ua - o->b, o->bits); return true;
    case 3: *r = saturate_s(o->ua - o->ub, o->bits); return true;
    case 4: *r = magnitude(o->a - o->b); return true;
    case 5: *r = magnitude(o->ua - o->ub); return true;
    default: return false;
    }
}

static bool multiply_op(unsigned op, const struct operands *o, wide *r)
{
    wide product = (wide)((uint64_t)o->a * (uint64_t)o->b);

    if (op >= 4 && o->b == 0)
        return false; /* unpredictable */
    switch (op) {
    case 0: *r = product; return true;
    case 1: *r = (wide)(o->ud + (uint64_t)product); return true;
    case 2: *r = (wide)(o->ud - (uint64_t)product); return true;
    case 4: *r = o->a / o->b; return true;
    case 5: *r = o->ua / o->ub; return true;
    case 6: *r = o->a % o->b; return true;
    case 7: *r = o->ua % o->ub; return true;
    default: return false;
    }
}

struct operands fetch(struct vec a, struct vec b, struct vec d, int df, int i)
{
    return (struct operands){
        signed_element(a, df, i), signed_element(b, df, i), signed_element(d, df, i),
        element(a, df, i), element(b, df, i), element(d, df, i), 8 << df,
    };
}

/* Pairs of elements of half the width: dotp, dpadd, dpsub, hadd, hsub. */
static bool widening(unsigned minor, unsigned op, struct vec a, struct vec b, struct vec *d, int df)
{
    bool is_unsigned = op & 1;
    if (df == 0 || (minor == 0x13 && op > 5))
        return false;
    for (int i = 0; i < 16 >> df; i++) {
        wide ao = is_unsigned ? (wide)element(a, df - 1, 2 * i + 1) : signed_element(a, df - 1, 2 * i + 1);
        wide ae = is_unsigned ? (wide)element(a, df - 1, 2 * i) : signed_element(a, df - 1, 2 * i);
        wide bo = is_unsigned ? (wide)element(b, df - 1, 2 * i + 1) : signed_element(b, df - 1, 2 * i + 1);
        wide be = is_unsigned ? (wide)element(b, df - 1, 2 * i) : signed_element(b, df - 1, 2 * i);
        uint64_t dot = (uint64_t)(ao * bo) + (uint64_t)(ae * be), old = element(*d, df, i);
        if (minor == 0x15)
            put(d, df, i, (uint64_t)(op < 6 ? ao + be : ao - be));
        else
            put(d, df, i, op < 2 ? dot : op < 4 ? old + dot : old - dot);
    }
    return true;
}

struct vec slide(struct vec a, struct vec d, int df, unsigned n)
{
    int row = 16 >> df;
    struct vec r = d;

    for (int k = 0; k < 16; k += row)
        for (int i = 0; i < row; i++) {
            int from = i + (int)(n % (unsigned)row);
            put(&r, 0, k + i, from < row ? element(a, 0, k + from) : element(d, 0, k + from - row));
        }
    return r;
}

static struct vec permute(unsigned op, struct vec a, struct vec b, int df)
{
    int n = 16 >> df;
    struct vec r = a;

    for (int i = 0; i < n / 2; i++)
        switch (op) {
        case 2: /* pckev, pckod: b's elements below a's */
        case 3:
            put(&r, df, i, element(b, df, 2 * i + (op == 3)));
            put(&r, df, i + n / 2, element(a, df, 2 * i + (op == 3)));
            break;
        case 4: /* ilvl, ilvr: halves; ilvev, ilvod: even and odd elements */
        case 5:
            put(&r, df, 2 * i, element(b, df, i + (op == 4 ? n / 2 : 0)));
            put(&r, df, 2 * i + 1, element(a, df, i + (op == 4 ? n / 2 : 0)));
            break;
        default:
            put(&r, df, 2 * i, element(b, df, 2 * i + (op == 7)));
            put(&r, df, 2 * i + 1, element(a, df, 2 * i + (op == 7)));
            break;
        }
    return r;
}

static struct vec shuffle(struct vec order, struct vec a, struct vec b, int df)
{
    unsigned n = 16u >> df;
    struct vec r = order;

    for (unsigned i = 0; i < n; i++) {
        uint64_t c = element(order, df, (int)i);
        unsigned k = (unsigned)(c % (2 * n));
        put(&r, df, (int)i, c & 0xc0 ? 0 : k < n ? element(b, df, (int)k) : element(a, df, (int)(k - n)));
    }
    return r;
}

bool sim_msa_3r(struct mips_sim *s, uint32_t w)
{
    unsigned minor = w & 63, op = w >> 23 & 7;
    int df = w >> 21 & 3;
    struct vec a = get(s, w >> 11), b = get(s, w >> 16), d = get(s, w >> 6), r = d;
    bool known = true;

    if (minor == 0x14 && op < 2) {
        unsigned n = (unsigned)(s->r[w >> 16 & 31] % (16u >> df));
        if (op == 0)
            r = slide(a, d, df, n);
        else
            for (int i = 0; i < 16 >> df; i++)
                put(&r, df, i, element(a, df, (int)n));
    } else if (minor == 0x14) {
        r = permute(op, a, b, df);
    } else if (minor == 0x15 && op == 0) {
        r = shuffle(d, a, b, df);
    } else if (minor == 0x13 || (minor == 0x15 && op >= 4)) {
        known = widening(minor, op, a, b, &r, df);
    } else {
        for (int i = 0; i < 16 >> df && known; i++) {
            struct operands o = fetch(a, b, d, df, i);
            unsigned n = (unsigned)o.ub & (unsigned)(o.bits - 1);
            wide v = 0;
            switch (minor) {
            case 0x0d: v = shift_op(op, &o, n); break;
            case 0x0e: v = add_op(op, &o); break;
            case 0x0f: known = compare_op(op, &o, &v); break;
            case 0x10: v = saturating_add(op, &o); break;
            case 0x11: known = subtract_op(op, &o, &v); break;
            case 0x12: known = multiply_op(op, &o, &v); break;
            case 0x15:
                known = op == 1 || op == 2;
                v = rounded_shift(op == 1 ? o.a : o.ua, n);
                break;
            default: known = false;
            }
            put(&r, df, i, (uint64_t)v);
        }
    }
    if (known)
        set(s, w >> 6, r);
    return known;
}
