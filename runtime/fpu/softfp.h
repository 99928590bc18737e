/* 80-bit extended floating point in integers, as the x87 computes it (SDM 1, 4.8, 4.9, 8.5).
 * Values are struct floatx80 of cpu.h.  A function takes the control word in the context,
 * gives the result that the x87 stores when it stores one, and adds to ctx->flags what the
 * status word gets.  fx_stored() says whether a result is stored at all. */
#ifndef STITCH86_SOFTFP_H
#define STITCH86_SOFTFP_H

#include "cpu.h"

/* Status word bits; IE..PE have the same places in the control word, as masks. */
enum {
    FPUS_IE = 0x0001, FPUS_DE = 0x0002, FPUS_ZE = 0x0004, FPUS_OE = 0x0008, FPUS_UE = 0x0010,
    FPUS_PE = 0x0020, FPUS_SF = 0x0040, FPUS_ES = 0x0080, FPUS_C0 = 0x0100, FPUS_C1 = 0x0200,
    FPUS_C2 = 0x0400, FPUS_TOP = 0x3800, FPUS_C3 = 0x4000, FPUS_B = 0x8000,
    FPUS_EXC = 0x003f, FPUS_CC = FPUS_C0 | FPUS_C1 | FPUS_C2 | FPUS_C3
};
enum { FPRC_NEAREST, FPRC_DOWN, FPRC_UP, FPRC_ZERO };

struct fp_ctx {
    uint16_t cw;    /* control word: masks, PC, RC */
    uint16_t flags; /* FPUS_IE..FPUS_PE, and FPUS_C1 when the magnitude was rounded up */
};

enum fx_class { FX_ZERO, FX_NORMAL, FX_DENORMAL, FX_INF, FX_QNAN, FX_SNAN, FX_UNSUPPORTED };
enum fx_relation { FX_GREATER, FX_LESS, FX_EQUAL, FX_UNORDERED };

#define FX_EXP_MAX 0x7fff
#define FX_BIAS 0x3fff
#define FX_INT_BIT ((uint64_t)1 << 63)
#define FX_QUIET_BIT ((uint64_t)1 << 62)

static inline struct floatx80 fx_pack(int sign, int32_t exp, uint64_t mant)
{
    return (struct floatx80){ mant, (uint16_t)((unsigned)sign << 15 | ((unsigned)exp & FX_EXP_MAX)) };
}

static inline int fx_sign(struct floatx80 a)
{
    return a.se >> 15;
}

static inline int32_t fx_exp(struct floatx80 a)
{
    return a.se & FX_EXP_MAX;
}

static inline bool fx_is_normal(struct floatx80 a)
{
    return (int64_t)a.mant < 0 && (uint32_t)(fx_exp(a) - 1) < 0x7ffe;
}

static inline bool fx_is_nan(struct floatx80 a)
{
    return fx_exp(a) == FX_EXP_MAX && a.mant > FX_INT_BIT;
}

static inline struct floatx80 fx_default_nan(void)
{
    return fx_pack(1, FX_EXP_MAX, FX_INT_BIT | FX_QUIET_BIT);
}

static inline struct floatx80 fx_inf(int sign)
{
    return fx_pack(sign, FX_EXP_MAX, FX_INT_BIT);
}

static inline struct floatx80 fx_zero(int sign)
{
    return fx_pack(sign, 0, 0);
}

/* Pseudo-denormals are FX_DENORMAL (SDM 1, 8.2.2). */
enum fx_class fx_classify(struct floatx80 a);

/* Is the register or memory operand written?  An unmasked invalid, denormal or zero-divide exception
 * comes before the operation.  In that case flags that come of the result are taken back. */
static inline bool fx_stored(struct fp_ctx *s)
{
    unsigned early = s->flags & ~(unsigned)s->cw & (FPUS_IE | FPUS_DE | FPUS_ZE);
    if (!early)
        return true;
    s->flags &= (uint16_t)~(FPUS_OE | FPUS_UE | FPUS_PE | FPUS_C1);
    return false;
}

/* ---- arithmetic under PC and RC (softfp.c, softfp-sqrt.c) ---- */
struct floatx80 fx_add(struct floatx80 a, struct floatx80 b, struct fp_ctx *s);
struct floatx80 fx_sub(struct floatx80 a, struct floatx80 b, struct fp_ctx *s);
struct floatx80 fx_mul(struct floatx80 a, struct floatx80 b, struct fp_ctx *s);
struct floatx80 fx_div(struct floatx80 a, struct floatx80 b, struct fp_ctx *s);
struct floatx80 fx_sqrt(struct floatx80 a, struct fp_ctx *s);

/* ---- rounding, NaNs (softfp-round.c) ---- */
/* Round (-1)^sign * hi.lo * 2^(exp - FX_BIAS), hi with its top bit set, lo a further 64 bits of
 * which only "0, below half, half, above" matter below the rounding position; prec is 24, 53 or 64
 * bits.  Masked and unmasked overflow and underflow as SDM 1, 8.5.4, 8.5.5. */
struct floatx80 fx_round_pack(int sign, int32_t exp, uint64_t hi, uint64_t lo, int prec, struct fp_ctx *s);

/* The one rounding decision: add one to the magnitude?  `rest` is the discarded part as a
 * fraction of 2^64 (0 exact, sticky bits included). */
static inline bool fx_rounds_up(unsigned rc, int sign, uint64_t odd, uint64_t rest)
{
    switch (rc) {
    case FPRC_NEAREST:
        return rest > FX_INT_BIT || (rest == FX_INT_BIT && (odd & 1));
    case FPRC_DOWN:
        return sign && rest;
    case FPRC_UP:
        return !sign && rest;
    default:
        return false;
    }
}

static inline unsigned fx_rc(const struct fp_ctx *s)
{
    return s->cw >> 10 & 3;
}

/* A finite nonzero value with its significand normalised, exponent maybe below 1. */
static inline void fx_normalise(struct floatx80 a, int32_t *exp, uint64_t *mant)
{
    int32_t e = fx_exp(a);
    int n = __builtin_clzll(a.mant);
    *exp = (e ? e : 1) - n;
    *mant = a.mant << n;
}

/* NaN and unsupported operands: true if *r is the result (SDM 1, table 4-7). */
bool fx_propagate1(struct floatx80 a, struct floatx80 *r, struct fp_ctx *s);
bool fx_propagate2(struct floatx80 a, struct floatx80 b, struct floatx80 *r, struct fp_ctx *s);
/* IE and its default response. */
struct floatx80 fx_invalid(struct fp_ctx *s);

/* ---- remainder, scale, extract, compare, round to integer (softfp-misc.c) ---- */
/* FPREM, FPREM1 (nearest): *quotient gets the low three bits, *partial whether C2 is set. */
struct floatx80 fx_rem(struct floatx80 a, struct floatx80 b, bool nearest, unsigned *quotient,
                       bool *partial, struct fp_ctx *s);
struct floatx80 fx_scale(struct floatx80 a, struct floatx80 b, struct fp_ctx *s);
/* FXTRACT: returns the significand, *exponent is what replaces ST(0). */
struct floatx80 fx_extract(struct floatx80 a, struct floatx80 *exponent, struct fp_ctx *s);
/* quiet: FUCOM, QNaN operands raise nothing. */
enum fx_relation fx_compare(struct floatx80 a, struct floatx80 b, bool quiet, struct fp_ctx *s);
struct floatx80 fx_round_int(struct floatx80 a, struct fp_ctx *s);

/* ---- conversions (softfp-convert.c) ---- */
/* Exact.  A signalling NaN stays one and a denormal is not flagged: *denormal says so, since the
 * instruction decides what comes first. */
struct floatx80 fx_from_f32(uint32_t v, bool *denormal);
struct floatx80 fx_from_f64(uint64_t v, bool *denormal);
struct floatx80 fx_from_int(int64_t v);
/* FBLD.  Digits above 9 count as they are; sign is bit 79. */
struct floatx80 fx_from_bcd(const uint8_t bcd[10]);
/* *store: an unmasked exception prevents the store. */
uint32_t fx_to_f32(struct floatx80 a, bool *store, struct fp_ctx *s);
uint64_t fx_to_f64(struct floatx80 a, bool *store, struct fp_ctx *s);
/* bits 16, 32, 64; truncate: as if RC were zero (FISTTP). Out of range: IE and the integer indefinite. */
int64_t fx_to_int(struct floatx80 a, unsigned bits, bool truncate, struct fp_ctx *s);
void fx_to_bcd(struct floatx80 a, uint8_t bcd[10], struct fp_ctx *s);

/* ---- transcendental instructions (transcend.c) ---- */
struct floatx80 fx_f2xm1(struct floatx80 x, struct fp_ctx *s);
/* y * log2(x), y * log2(x + 1), atan2(y, x): y is ST(1), x ST(0). */
struct floatx80 fx_yl2x(struct floatx80 y, struct floatx80 x, struct fp_ctx *s);
struct floatx80 fx_yl2xp1(struct floatx80 y, struct floatx80 x, struct fp_ctx *s);
struct floatx80 fx_atan(struct floatx80 y, struct floatx80 x, struct fp_ctx *s);
/* false: |x| >= 2^63, C2 is to be set and nothing changes.  Results by pointer; NULL: not wanted. */
bool fx_sincos(struct floatx80 x, struct floatx80 *sine, struct floatx80 *cosine, struct fp_ctx *s);
bool fx_tan(struct floatx80 x, struct floatx80 *r, struct fp_ctx *s);

#endif
