/* Floating point of the simulated MIPS: the host's arithmetic, and MIPS's NaNs and flags. */
#include "mips-sim-int.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

/* ---- one element ---- */

static uint64_t fraction_msb(int bits)
{
    return bits == 64 ? UINT64_C(1) << 51 : UINT64_C(1) << 22;
}

static uint64_t default_nan(const struct fp_env *e, int bits)
{
    if (e->nan2008)
        return bits == 64 ? UINT64_C(0x7ff8000000000000) : 0x7fc00000;
    return bits == 64 ? UINT64_C(0x7ff7ffffffffffff) : 0x7fbfffff;
}

bool fp_is_nan(int bits, uint64_t a)
{
    return bits == 64 ? a << 1 > UINT64_C(0xffe0000000000000) : (uint32_t)a << 1 > 0xff000000u;
}

static bool is_signalling(const struct fp_env *e, int bits, uint64_t a)
{
    return fp_is_nan(bits, a) && !(a & fraction_msb(bits)) == e->nan2008;
}

/* With the old encoding no payload survives; that of 2008 has the first operand's, signalling ones first. */
static uint64_t nan_result(struct fp_env *e, int bits, uint64_t a, uint64_t b)
{
    bool sa = is_signalling(e, bits, a), sb = is_signalling(e, bits, b);

    if (sa || sb)
        e->flags |= MIPS_FLAG_V;
    if (!e->nan2008)
        return default_nan(e, bits);
    return (sa ? a : sb ? b : fp_is_nan(bits, a) ? a : b) | fraction_msb(bits);
}

static double to_double(uint64_t v)
{
    double d;
    memcpy(&d, &v, 8);
    return d;
}

static float to_float(uint64_t v)
{
    uint32_t w = (uint32_t)v;
    float f;
    memcpy(&f, &w, 4);
    return f;
}

static uint64_t from_double(double d)
{
    uint64_t v;
    memcpy(&v, &d, 8);
    return v;
}

static uint64_t from_float(float f)
{
    uint32_t v;
    memcpy(&v, &f, 4);
    return v;
}

/* Host's rounding and flags around an operation; the operands are volatile so that it stays between. */
static void begin(unsigned rm)
{
    static const int modes[] = { FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD };
    feclearexcept(FE_ALL_EXCEPT);
    fesetround(modes[rm & 3]);
}

static void end(struct fp_env *e)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);

    e->flags |= (raised & FE_INEXACT ? MIPS_FLAG_I : 0) | (raised & FE_UNDERFLOW ? MIPS_FLAG_U : 0)
        | (raised & FE_OVERFLOW ? MIPS_FLAG_O : 0) | (raised & FE_DIVBYZERO ? MIPS_FLAG_Z : 0)
        | (raised & FE_INVALID ? MIPS_FLAG_V : 0);
    feclearexcept(FE_ALL_EXCEPT);
    fesetround(FE_TONEAREST);
}

uint64_t fp_arith(struct fp_env *e, enum fp_op op, int bits, uint64_t a, uint64_t b)
{
    if (op == FP_SQRT)
        b = 0;
    if (fp_is_nan(bits, a) || fp_is_nan(bits, b))
        return nan_result(e, bits, a, b);
    uint64_t r;
    begin(e->rm);
    if (bits == 64) {
        volatile double x = to_double(a), y = to_double(b), z;
        switch (op) {
        case FP_ADD: z = x + y; break;
        case FP_SUB: z = x - y; break;
        case FP_MUL: z = x * y; break;
        case FP_DIV: z = x / y; break;
        default: z = sqrt(x); break;
        }
        r = from_double(z);
    } else {
        volatile float x = to_float(a), y = to_float(b), z;
        switch (op) {
        case FP_ADD: z = x + y; break;
        case FP_SUB: z = x - y; break;
        case FP_MUL: z = x * y; break;
        case FP_DIV: z = x / y; break;
        default: z = sqrtf(x); break;
        }
        r = from_float(z);
    }
    end(e);
    return fp_is_nan(bits, r) ? default_nan(e, bits) : r;
}

uint64_t fp_to_int(struct fp_env *e, int bits, uint64_t a, int to, unsigned rm)
{
    double limit = to == 64 ? 0x1p63 : 0x1p31, d;
    uint64_t max = to == 64 ? INT64_MAX : INT32_MAX;

    if (fp_is_nan(bits, a)) {
        e->flags |= MIPS_FLAG_V;
        return e->nan2008 ? 0 : max;
    }
    d = bits == 64 ? to_double(a) : (double)to_float(a);
    begin(rm);
    volatile double x = d, y;
    y = nearbyint(x);
    feclearexcept(FE_ALL_EXCEPT);
    fesetround(FE_TONEAREST);
    if (y >= limit || y < -limit) {
        e->flags |= MIPS_FLAG_V;
        return e->nan2008 && y < 0 ? ~max : max;
    }
    if (y != d)
        e->flags |= MIPS_FLAG_I;
    return (uint64_t)(int64_t)y;
}

uint64_t fp_from_int(struct fp_env *e, int bits, int64_t v)
{
    volatile int64_t x = v;
    uint64_t r;

    begin(e->rm);
    if (bits == 64) {
        volatile double d = (double)x;
        r = from_double(d);
    } else {
        volatile float f = (float)x;
        r = from_float(f);
    }
    end(e);
    return r;
}

uint64_t fp_widen(struct fp_env *e, uint64_t single)
{
    if (fp_is_nan(32, single)) {
        if (is_signalling(e, 32, single))
            e->flags |= MIPS_FLAG_V;
        return !e->nan2008 ? default_nan(e, 64)
            : (single >> 31 & 1) << 63 | UINT64_C(0x7ff8000000000000) | (single & 0x3fffff) << 29;
    }
    return from_double((double)to_float(single));
}

uint64_t fp_narrow(struct fp_env *e, uint64_t dbl)
{
    if (fp_is_nan(64, dbl)) {
        if (is_signalling(e, 64, dbl))
            e->flags |= MIPS_FLAG_V;
        return !e->nan2008 ? default_nan(e, 32) : dbl >> 63 << 31 | 0x7fc00000 | (dbl >> 29 & 0x3fffff);
    }
    begin(e->rm);
    volatile double x = to_double(dbl);
    volatile float f = (float)x;
    uint64_t r = from_float(f);
    end(e);
    return r;
}

bool fp_compare(struct fp_env *e, int bits, uint64_t a, uint64_t b, unsigned cond)
{
    if (fp_is_nan(bits, a) || fp_is_nan(bits, b)) {
        if ((cond & 8) || is_signalling(e, bits, a) || is_signalling(e, bits, b))
            e->flags |= MIPS_FLAG_V;
        return cond & 1;
    }
    double x = bits == 64 ? to_double(a) : (double)to_float(a);
    double y = bits == 64 ? to_double(b) : (double)to_float(b);
    return (x == y && (cond & 2)) || (x < y && (cond & 4));
}

/* ---- the instructions ---- */

static bool condition(const struct mips_sim *s, unsigned cc)
{
    return s->fcsr >> (cc ? 24 + cc : 23) & 1;
}

static void set_condition(struct mips_sim *s, unsigned cc, bool value)
{
    uint32_t bit = 1u << (cc ? 24 + cc : 23);
    s->fcsr = value ? s->fcsr | bit : s->fcsr & ~bit;
}

/* FCCR holds the eight condition codes in its low byte. */
static uint64_t read_control(const struct mips_sim *s, unsigned number)
{
    uint64_t v = 0;
    if (number != 25)
        return (uint64_t)(int32_t)s->fcsr;
    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)condition(s, i) << i;
    return v;
}

static void moves(struct mips_sim *s, uint32_t w)
{
    unsigned fs = w >> 11 & 31;
    uint64_t *t = &s->r[w >> 16 & 31], *f = &s->f[fs];
    unsigned sub = w >> 21 & 31;

    if (sub >= 4 && sub != 6)
        s->w[fs] = SCRAMBLE;
    switch (sub) {
    case 0: *t = (uint64_t)sign_extend(*f, 32); break;
    case 1: *t = *f; break;
    case 2: case 6:
        if (fs != 25 && fs != 31)
            s->error = "only $25 and $31 are known";
        else if (sub == 2)
            *t = read_control(s, fs);
        else if (fs == 31)
            s->fcsr = (uint32_t)*t;
        else
            for (unsigned i = 0; i < 8; i++)
                set_condition(s, i, *t >> i & 1);
        break;
    case 3: *t = (uint64_t)sign_extend(*f >> 32, 32); break;
    case 4: *f = (*t & 0xffffffff) | (SCRAMBLE & ~UINT64_C(0xffffffff)); break;
    case 5: *f = *t; break;
    case 7: *f = (*f & 0xffffffff) | *t << 32; break;
    }
    if (s->fcsr & 0x1000f80)
        s->error = "FCSR with exceptions enabled or denormals flushed";
}

static uint64_t sign_op(uint64_t a, int bits, unsigned fn)
{
    uint64_t sign = UINT64_C(1) << (bits - 1);
    return fn == 5 ? a & ~sign : fn == 7 ? a ^ sign : a;
}

/* An operation on elements of one format; false: there is none. */
static bool operate(struct mips_sim *s, struct fp_env *e, uint32_t w, int bits, uint64_t a, uint64_t b,
                    uint64_t *r)
{
    unsigned fn = w & 63, cc = w >> 18 & 7;

    switch (fn) {
    case 0: case 1: case 2: case 3: case 4:
        *r = fp_arith(e, (enum fp_op)fn, bits, a, b);
        return true;
    case 5: case 6: case 7:
        *r = sign_op(a, bits, fn);
        return true;
    case 0x11:
        *r = condition(s, cc) == (w >> 16 & 1) ? a : *r;
        return true;
    case 0x12: case 0x13:
        *r = (s->r[w >> 16 & 31] == 0) == (fn == 0x12) ? a : *r;
        return true;
    }
    return false;
}

static void put_single(struct mips_sim *s, unsigned fd, uint64_t v)
{
    s->f[fd] = (v & 0xffffffff) | (SCRAMBLE & ~UINT64_C(0xffffffff));
}

static void pairs(struct mips_sim *s, struct fp_env *e, uint32_t w)
{
    uint64_t a = s->f[w >> 11 & 31], b = s->f[w >> 16 & 31], *d = &s->f[w >> 6 & 31];
    uint64_t low = *d & 0xffffffff, high = *d >> 32, al = a & 0xffffffff, bl = b & 0xffffffff;
    unsigned fn = w & 63, cc = w >> 8 & 7;

    if (fn >= 0x30) {
        set_condition(s, cc, fp_compare(e, 32, al, bl, fn & 15));
        set_condition(s, cc + 1, fp_compare(e, 32, a >> 32, b >> 32, fn & 15));
        return;
    }
    switch (fn) {
    case 0x20: put_single(s, w >> 6 & 31, a >> 32); break;
    case 0x28: put_single(s, w >> 6 & 31, a); break;
    case 0x2c: *d = al << 32 | bl; break;
    case 0x2d: *d = al << 32 | b >> 32; break;
    case 0x2e: *d = a >> 32 << 32 | bl; break;
    case 0x2f: *d = a >> 32 << 32 | b >> 32; break;
    case 0x11: /* a condition for each half */
        low = condition(s, w >> 18 & 7) == (w >> 16 & 1) ? al : low;
        high = condition(s, (w >> 18 & 7) + 1) == (w >> 16 & 1) ? a >> 32 : high;
        *d = high << 32 | low;
        break;
    default:
        if (fn == 3 || fn == 4 || !operate(s, e, w, 32, al, bl, &low)
            || !operate(s, e, w, 32, a >> 32, b >> 32, &high))
            s->error = "unknown paired-single instruction";
        else
            *d = high << 32 | (low & 0xffffffff);
    }
}

static void scalar(struct mips_sim *s, struct fp_env *e, uint32_t w)
{
    unsigned fn = w & 63, format = w >> 21 & 31, fd = w >> 6 & 31;
    int bits = format & 1 ? 64 : 32;
    bool from_int = format >= 20;
    uint64_t a = s->f[w >> 11 & 31], b = s->f[w >> 16 & 31], r = s->f[fd];
    bool wide_result = bits == 64;

    if (bits == 32) {
        a &= 0xffffffff;
        b &= 0xffffffff;
        r &= 0xffffffff;
    }
    if (!from_int && fn >= 0x30) {
        set_condition(s, w >> 8 & 7, fp_compare(e, bits, a, b, fn & 15));
        return;
    }
    if (from_int && (fn == 0x20 || fn == 0x21)) {
        wide_result = fn == 0x21;
        r = fp_from_int(e, wide_result ? 64 : 32, bits == 64 ? (int64_t)a : sign_extend(a, 32));
    } else if (!from_int && fn >= 8 && fn < 16) {
        wide_result = fn < 12;
        r = fp_to_int(e, bits, a, wide_result ? 64 : 32, fn & 3); /* as in FCSR's RM */
    } else if (!from_int && (fn == 0x24 || fn == 0x25)) {
        wide_result = fn == 0x25;
        r = fp_to_int(e, bits, a, wide_result ? 64 : 32, e->rm);
    } else if (format == 16 && fn == 0x21) {
        wide_result = true;
        r = fp_widen(e, a);
    } else if (format == 17 && fn == 0x20) {
        wide_result = false;
        r = fp_narrow(e, a);
    } else if (format == 16 && fn == 0x26) {
        wide_result = true;
        r = a << 32 | b;
    } else if (from_int || !operate(s, e, w, bits, a, b, &r)) {
        s->error = "unknown FP instruction";
        return;
    }
    if (wide_result)
        s->f[fd] = r;
    else
        put_single(s, fd, r);
}

void sim_cop1(struct mips_sim *s, uint32_t w)
{
    unsigned format = w >> 21 & 31;
    struct fp_env e = { .rm = s->fcsr & 3, .nan2008 = s->nan2008 };

    if (format < 8) {
        moves(s, w);
        return;
    }
    if (format == 22)
        pairs(s, &e, w);
    else
        scalar(s, &e, w);
    if ((w & 63) < 0x30)
        s->w[w >> 6 & 31] = SCRAMBLE;
    s->fcsr |= e.flags;
}
