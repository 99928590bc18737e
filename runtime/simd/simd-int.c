/* Integer arithmetic, comparisons, logicals and shifts on MMX and XMM registers.
 *
 * What works within 64 bits is written once, as a function of two quadwords; an XMM operation
 * applies it to both halves. */
#include "simd.h"

/* One lane of a result from the lanes p and q, which are widened to int64_t. */
#define PER_LANE(NAME, TYPE, EXPR) \
    ALWAYS_INLINE uint64_t NAME(uint64_t x, uint64_t y) \
    { \
        union { \
            uint64_t q; \
            TYPE v[8 / sizeof(TYPE)]; \
        } a = { x }, b = { y }, r; \
        for (unsigned i = 0; i < 8 / sizeof(TYPE); i++) { \
            int64_t p = a.v[i], q = b.v[i]; \
            r.v[i] = (TYPE)(EXPR); \
        } \
        return r.q; \
    }

ALWAYS_INLINE int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

PER_LANE(paddb, uint8_t, p + q)
PER_LANE(paddw, uint16_t, p + q)
PER_LANE(paddd, uint32_t, p + q)
PER_LANE(psubb, uint8_t, p - q)
PER_LANE(psubw, uint16_t, p - q)
PER_LANE(psubd, uint32_t, p - q)
PER_LANE(paddsb, int8_t, clamp(p + q, -128, 127))
PER_LANE(paddsw, int16_t, clamp(p + q, -32768, 32767))
PER_LANE(paddusb, uint8_t, clamp(p + q, 0, 255))
PER_LANE(paddusw, uint16_t, clamp(p + q, 0, 65535))
PER_LANE(psubsb, int8_t, clamp(p - q, -128, 127))
PER_LANE(psubsw, int16_t, clamp(p - q, -32768, 32767))
PER_LANE(psubusb, uint8_t, clamp(p - q, 0, 255))
PER_LANE(psubusw, uint16_t, clamp(p - q, 0, 65535))
PER_LANE(pmullw, uint16_t, p * q)
PER_LANE(pmulhw, int16_t, p * q >> 16)
PER_LANE(pmulhuw, uint16_t, p * q >> 16)
PER_LANE(pavgb, uint8_t, (p + q + 1) >> 1)
PER_LANE(pavgw, uint16_t, (p + q + 1) >> 1)
PER_LANE(pminub, uint8_t, p < q ? p : q)
PER_LANE(pmaxub, uint8_t, p > q ? p : q)
PER_LANE(pminsw, int16_t, p < q ? p : q)
PER_LANE(pmaxsw, int16_t, p > q ? p : q)
PER_LANE(pcmpeqb, uint8_t, -(p == q))
PER_LANE(pcmpeqw, uint16_t, -(p == q))
PER_LANE(pcmpeqd, uint32_t, -(p == q))
PER_LANE(pcmpgtb, int8_t, -(p > q))
PER_LANE(pcmpgtw, int16_t, -(p > q))
PER_LANE(pcmpgtd, int32_t, -(p > q))

ALWAYS_INLINE uint64_t paddq(uint64_t x, uint64_t y)
{
    return x + y;
}

ALWAYS_INLINE uint64_t psubq(uint64_t x, uint64_t y)
{
    return x - y;
}

ALWAYS_INLINE uint64_t pand(uint64_t x, uint64_t y)
{
    return x & y;
}

ALWAYS_INLINE uint64_t pandn(uint64_t x, uint64_t y)
{
    return ~x & y;
}

ALWAYS_INLINE uint64_t por(uint64_t x, uint64_t y)
{
    return x | y;
}

ALWAYS_INLINE uint64_t pxor(uint64_t x, uint64_t y)
{
    return x ^ y;
}

ALWAYS_INLINE uint64_t pmuludq(uint64_t x, uint64_t y)
{
    return (uint64_t)(uint32_t)x * (uint32_t)y;
}

/* Sums of two products; only 4 * 8000h * 8000h does not fit, and wraps to 80000000h. */
ALWAYS_INLINE uint64_t pmaddwd(uint64_t x, uint64_t y)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < 64; i += 32) {
        int64_t low = (int64_t)(int16_t)(x >> i) * (int16_t)(y >> i);
        int64_t high = (int64_t)(int16_t)(x >> (i + 16)) * (int16_t)(y >> (i + 16));
        r |= (uint64_t)(uint32_t)(low + high) << i;
    }
    return r;
}

ALWAYS_INLINE uint64_t psadbw(uint64_t x, uint64_t y)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 64; i += 8) {
        int d = (int)(uint8_t)(x >> i) - (int)(uint8_t)(y >> i);
        sum += (uint64_t)(d < 0 ? -d : d);
    }
    return sum;
}

/* ---- shifts: counts over the width give 0, or all signs ---- */

#define SHIFT_LEFT(NAME, TYPE) \
    ALWAYS_INLINE uint64_t NAME(uint64_t x, uint64_t n) \
    { \
        union { \
            uint64_t q; \
            TYPE v[8 / sizeof(TYPE)]; \
        } a = { x }; \
        if (n >= 8 * sizeof(TYPE)) \
            return 0; \
        for (unsigned i = 0; i < 8 / sizeof(TYPE); i++) \
            a.v[i] = (TYPE)(a.v[i] << n); \
        return a.q; \
    }
#define SHIFT_RIGHT(NAME, TYPE) \
    ALWAYS_INLINE uint64_t NAME(uint64_t x, uint64_t n) \
    { \
        union { \
            uint64_t q; \
            TYPE v[8 / sizeof(TYPE)]; \
        } a = { x }; \
        if (n >= 8 * sizeof(TYPE)) { \
            if ((TYPE)-1 > 0) \
                return 0; \
            n = 8 * sizeof(TYPE) - 1; \
        } \
        for (unsigned i = 0; i < 8 / sizeof(TYPE); i++) \
            a.v[i] = (TYPE)(a.v[i] >> n); \
        return a.q; \
    }
SHIFT_LEFT(psllw, uint16_t)
SHIFT_LEFT(pslld, uint32_t)
SHIFT_LEFT(psllq, uint64_t)
SHIFT_RIGHT(psrlw, uint16_t)
SHIFT_RIGHT(psrld, uint32_t)
SHIFT_RIGHT(psrlq, uint64_t)
SHIFT_RIGHT(psraw, int16_t)
SHIFT_RIGHT(psrad, int32_t)

/* ---- operations ---- */

typedef uint64_t quad_fn(uint64_t x, uint64_t y);

ALWAYS_INLINE void mmx_op(CPUX86State *env, const struct insn *insn, quad_fn *f)
{
    unsigned d = insn->op[0].reg;
    mmx_check(env);
    uint64_t s = simd_src64(env, insn, 1);
    mmx_enter(env);
    mmx_set(env, d, f(mmx_get(env, d), s));
    next_insn(env, insn);
}

ALWAYS_INLINE void xmm_op(CPUX86State *env, const struct insn *insn, quad_fn *f)
{
    sse_check(env);
    union xmm_reg s = xmm_src(env, insn, 1), *d = xmm_dst(env, insn);
    d->q[0] = f(d->q[0], s.q[0]);
    d->q[1] = f(d->q[1], s.q[1]);
    next_insn(env, insn);
}

ALWAYS_INLINE void mmx_shift(CPUX86State *env, const struct insn *insn, quad_fn *f)
{
    unsigned d = insn->op[0].reg;
    mmx_check(env);
    uint64_t n = insn->op[1].kind == OPK_IMM ? insn->imm & 0xff : simd_src64(env, insn, 1);
    mmx_enter(env);
    mmx_set(env, d, f(mmx_get(env, d), n));
    next_insn(env, insn);
}

/* The count is the low quadword of 16 bytes. */
ALWAYS_INLINE void xmm_shift(CPUX86State *env, const struct insn *insn, quad_fn *f)
{
    sse_check(env);
    uint64_t n = insn->op[1].kind == OPK_IMM ? insn->imm & 0xff : xmm_src(env, insn, 1).q[0];
    union xmm_reg *d = xmm_dst(env, insn);
    d->q[0] = f(d->q[0], n);
    d->q[1] = f(d->q[1], n);
    next_insn(env, insn);
}

#define OP(KIND, WAY, NAME) \
    static void KIND##_##NAME(CPUX86State *env, const struct insn *insn) \
    { \
        KIND##_##WAY(env, insn, NAME); \
    }
#define BOTH(NAME) OP(mmx, op, NAME) OP(xmm, op, NAME)
#define SHIFT(NAME) OP(mmx, shift, NAME) OP(xmm, shift, NAME)

BOTH(paddb) BOTH(paddw) BOTH(paddd) BOTH(paddq) BOTH(psubb) BOTH(psubw) BOTH(psubd) BOTH(psubq)
BOTH(paddsb) BOTH(paddsw) BOTH(paddusb) BOTH(paddusw) BOTH(psubsb) BOTH(psubsw) BOTH(psubusb) BOTH(psubusw)
BOTH(pmullw) BOTH(pmulhw) BOTH(pmulhuw) BOTH(pmuludq) BOTH(pmaddwd) BOTH(psadbw) BOTH(pavgb) BOTH(pavgw)
BOTH(pminub) BOTH(pmaxub) BOTH(pminsw) BOTH(pmaxsw)
BOTH(pcmpeqb) BOTH(pcmpeqw) BOTH(pcmpeqd) BOTH(pcmpgtb) BOTH(pcmpgtw) BOTH(pcmpgtd)
BOTH(pand) BOTH(pandn) BOTH(por) BOTH(pxor)
SHIFT(psllw) SHIFT(pslld) SHIFT(psllq) SHIFT(psrlw) SHIFT(psrld) SHIFT(psrlq) SHIFT(psraw) SHIFT(psrad)

/* PSLLDQ, PSRLDQ: by bytes. */
static void xmm_pslldq(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    unsigned n = insn->imm & 0xff;
    union xmm_reg *d = xmm_dst(env, insn), r = { { 0, 0 } };
    for (unsigned i = n; i < 16; i++)
        r.b[i] = d->b[i - n];
    *d = r;
    next_insn(env, insn);
}

static void xmm_psrldq(CPUX86State *env, const struct insn *insn)
{
    sse_check(env);
    unsigned n = insn->imm & 0xff;
    union xmm_reg *d = xmm_dst(env, insn), r = { { 0, 0 } };
    for (unsigned i = n; i < 16; i++)
        r.b[i - n] = d->b[i];
    *d = r;
    next_insn(env, insn);
}

op_fn interp_select_simd_int(const struct insn *insn)
{
#define PAIR(MN, NAME) [MN_##MN] = { mmx_##NAME, xmm_##NAME }
#define XMM(MN, NAME) [MN_##MN] = { NULL, xmm_##NAME }
    static const struct {
        op_fn mmx, xmm;
    } ops[MN_COUNT] = {
        PAIR(PADDB, paddb), PAIR(PADDW, paddw), PAIR(PADDD, paddd), PAIR(PADDQ, paddq),
        PAIR(PSUBB, psubb), PAIR(PSUBW, psubw), PAIR(PSUBD, psubd), PAIR(PSUBQ, psubq),
        PAIR(PADDSB, paddsb), PAIR(PADDSW, paddsw), PAIR(PADDUSB, paddusb), PAIR(PADDUSW, paddusw),
        PAIR(PSUBSB, psubsb), PAIR(PSUBSW, psubsw), PAIR(PSUBUSB, psubusb), PAIR(PSUBUSW, psubusw),
        PAIR(PMULLW, pmullw), PAIR(PMULHW, pmulhw), PAIR(PMULHUW, pmulhuw), PAIR(PMULUDQ, pmuludq),
        PAIR(PMADDWD, pmaddwd), PAIR(PSADBW, psadbw), PAIR(PAVGB, pavgb), PAIR(PAVGW, pavgw),
        PAIR(PMINUB, pminub), PAIR(PMAXUB, pmaxub), PAIR(PMINSW, pminsw), PAIR(PMAXSW, pmaxsw),
        PAIR(PCMPEQB, pcmpeqb), PAIR(PCMPEQW, pcmpeqw), PAIR(PCMPEQD, pcmpeqd),
        PAIR(PCMPGTB, pcmpgtb), PAIR(PCMPGTW, pcmpgtw), PAIR(PCMPGTD, pcmpgtd),
        PAIR(PAND, pand), PAIR(PANDN, pandn), PAIR(POR, por), PAIR(PXOR, pxor),
        PAIR(PSLLW, psllw), PAIR(PSLLD, pslld), PAIR(PSLLQ, psllq), PAIR(PSRLW, psrlw), PAIR(PSRLD, psrld),
        PAIR(PSRLQ, psrlq), PAIR(PSRAW, psraw), PAIR(PSRAD, psrad),
        XMM(PSLLDQ, pslldq), XMM(PSRLDQ, psrldq),
        XMM(ANDPS, pand), XMM(ANDPD, pand), XMM(ANDNPS, pandn), XMM(ANDNPD, pandn),
        XMM(ORPS, por), XMM(ORPD, por), XMM(XORPS, pxor), XMM(XORPD, pxor)
    };
    return insn->op[0].kind == OPK_MMX ? ops[insn->mnem].mmx : ops[insn->mnem].xmm;
}
