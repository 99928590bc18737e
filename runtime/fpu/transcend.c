/* The transcendental instructions, by MPFR where transcend-fast.c leaves them.
 *
 * MPFR gives 96 bits, truncated; together with "was it inexact" this is the significand and sticky
 * bit that fx_round_pack() takes, which then applies RC (results don't depend on
 * PC, SDM 1, 8.1.5.2), range, and the masks.  So a result is the correctly rounded one but where
 * an intermediate value of 128 bits is just too coarse, a chance of about 2^-60: better than the
 * 1 ulp that SDM 1, 8.3.10 promises.
 *
 * FSIN, FCOS, FSINCOS and FPTAN reduce their argument with the x87's own pi of 66 bits (SDM 1,
 * 8.3.8), as Intel and AMD do; with the true pi, sin(x) near multiples of pi would differ from
 * every real x87. */
#include "mxcsr.h"
#include "optimise.h"
#include "softfp.h"
#include "transcend-fast.h"

#include <mpfr.h>

#define RESULT_PREC 96
#define WORK_PREC 128   /* intermediate values */
#define REDUCE_PREC 192 /* n * pi/2 without rounding */

_Static_assert(sizeof(mp_limb_t) == 8, "two limbs make a result");

static void to_mpfr(mpfr_ptr r, struct floatx80 a)
{
    int32_t exp = fx_exp(a);
    mpfr_set_ui_2exp(r, a.mant, (exp ? exp : 1) - FX_BIAS - 63, MPFR_RNDN);
    if (fx_sign(a))
        mpfr_neg(r, r, MPFR_RNDN);
}

/* Round what MPFR computed with RESULT_PREC; inexact: it was truncated. */
static struct floatx80 from_mpfr(mpfr_srcptr v, bool inexact, struct fp_ctx *s)
{
    if (mpfr_zero_p(v))
        return fx_zero(0);
    const mp_limb_t *limbs = mpfr_custom_get_significand(v);
    return fx_round_pack(mpfr_signbit(v) != 0, (int32_t)mpfr_get_exp(v) - 1 + FX_BIAS, limbs[1],
                         limbs[0] | inexact, 64, s);
}

static struct floatx80 from_wide(const struct fx_wide *w, struct fp_ctx *s)
{
    if (fx_rc(s) == FPRC_NEAREST && (uint32_t)(w->exp - 1) < FX_EXP_MAX - 2) {
        /* Neither exact nor a tie. */
        unsigned up = (unsigned)(w->lo >> 63);
        uint64_t mant = w->hi + up;
        s->flags |= (uint16_t)(FPUS_PE | (up ? FPUS_C1 : 0));
        return mant ? fx_pack(w->sign, w->exp, mant) : fx_pack(w->sign, w->exp + 1, FX_INT_BIT);
    }
    return fx_round_pack(w->sign, w->exp, w->hi, w->lo, 64, s);
}

static inline bool try_fast(struct floatx80 x, struct floatx80 y)
{
    return fx_is_normal(x) && fx_is_normal(y) && optimise_on(OPTIMISE_FAST_TRANSCEND);
}

/* Processors report these functions inexact, and so tiny results underflowed, even
 * where the result happens to be exact. */
static struct floatx80 call_inexact(struct floatx80 r, struct fp_ctx *s)
{
    s->flags |= FPUS_PE;
    if (!fx_exp(r))
        s->flags |= FPUS_UE;
    return r;
}

struct floatx80 fx_f2xm1(struct floatx80 x, struct fp_ctx *s)
{
    struct fx_wide w;
    if (try_fast(x, x) && fast_2xm1(x, &w))
        return from_wide(&w, s);
    HOST_FCSR_GUARD;
    struct floatx80 r;
    if (fx_propagate1(x, &r, s))
        return r;
    enum fx_class c = fx_classify(x);
    if (c == FX_ZERO)
        return x;
    if (c == FX_DENORMAL)
        s->flags |= FPUS_DE;
    /* Beyond -1..1 the result is undefined: processors leave the operand. */
    if (c != FX_INF && (fx_exp(x) > FX_BIAS || (fx_exp(x) == FX_BIAS && x.mant != FX_INT_BIT))) {
        s->flags |= FPUS_PE;
        return x;
    }
    if (c == FX_INF)
        return fx_sign(x) ? fx_pack(1, FX_BIAS, FX_INT_BIT) : x;
    if (fx_exp(x) == FX_BIAS) {
        s->flags |= FPUS_PE; /* exact, yet processors say so */
        return fx_sign(x) ? fx_pack(1, FX_BIAS - 1, FX_INT_BIT) : x;
    }
    MPFR_DECL_INIT(t, WORK_PREC);
    MPFR_DECL_INIT(u, WORK_PREC);
    MPFR_DECL_INIT(v, RESULT_PREC);
    to_mpfr(t, x);
    mpfr_const_log2(u, MPFR_RNDN);
    mpfr_mul(t, t, u, MPFR_RNDN);
    mpfr_expm1(v, t, MPFR_RNDZ);
    return from_mpfr(v, true, s);
}

static struct floatx80 times(mpfr_srcptr logarithm, bool inexact, struct floatx80 y, struct fp_ctx *s)
{
    MPFR_DECL_INIT(u, WORK_PREC);
    MPFR_DECL_INIT(v, RESULT_PREC);
    to_mpfr(u, y);
    inexact |= mpfr_mul(v, logarithm, u, MPFR_RNDZ) != 0;
    return call_inexact(from_mpfr(v, inexact, s), s);
}

struct floatx80 fx_yl2x(struct floatx80 y, struct floatx80 x, struct fp_ctx *s)
{
    struct fx_wide w;
    if (!fx_sign(x) && try_fast(x, y) && fast_yl2x(y, x, &w))
        return call_inexact(from_wide(&w, s), s);
    HOST_FCSR_GUARD;
    struct floatx80 r;
    if (fx_propagate2(x, y, &r, s))
        return r;
    enum fx_class cx = fx_classify(x), cy = fx_classify(y);
    bool one = fx_exp(x) == FX_BIAS && x.mant == FX_INT_BIT;
    int sy = fx_sign(y);
    if (fx_sign(x) && cx != FX_ZERO)
        return fx_invalid(s);
    if ((cx == FX_ZERO && cy == FX_ZERO) || (cx == FX_INF && cy == FX_ZERO) || (one && cy == FX_INF))
        return fx_invalid(s);
    if (cx == FX_ZERO) {
        if (cy == FX_INF)
            return fx_inf(!sy);
        s->flags |= FPUS_ZE;
        return fx_inf(!sy);
    }
    if (cx == FX_DENORMAL || cy == FX_DENORMAL)
        s->flags |= FPUS_DE;
    int log_sign = fx_exp(x) < FX_BIAS;
    if (cx == FX_INF || cy == FX_INF)
        return fx_inf(sy ^ log_sign);
    if (cy == FX_ZERO || one)
        return fx_zero(sy ^ log_sign);
    MPFR_DECL_INIT(t, WORK_PREC);
    to_mpfr(t, x);
    bool inexact = mpfr_log2(t, t, MPFR_RNDN) != 0; /* exact for powers of 2 */
    return times(t, inexact, y, s);
}

struct floatx80 fx_yl2xp1(struct floatx80 y, struct floatx80 x, struct fp_ctx *s)
{
    struct fx_wide w;
    if (try_fast(x, y) && fast_yl2xp1(y, x, &w))
        return call_inexact(from_wide(&w, s), s);
    HOST_FCSR_GUARD;
    struct floatx80 r;
    if (fx_propagate2(x, y, &r, s))
        return r;
    enum fx_class cx = fx_classify(x), cy = fx_classify(y);
    int sx = fx_sign(x), sy = fx_sign(y);
    if ((cx == FX_ZERO && cy == FX_INF) || (cx == FX_INF && (sx || cy == FX_ZERO)))
        return fx_invalid(s);
    if (cx == FX_DENORMAL || cy == FX_DENORMAL)
        s->flags |= FPUS_DE;
    /* x <= -1 lies outside the instruction's range: processors give x. */
    if (cx != FX_INF && cy != FX_INF && cy != FX_ZERO && sx && fx_exp(x) >= FX_BIAS) {
        s->flags |= FPUS_PE;
        return x;
    }
    if (cx == FX_INF || cy == FX_INF)
        return fx_inf(sx ^ sy);
    if (cx == FX_ZERO || cy == FX_ZERO)
        return fx_zero(sx ^ sy);
    MPFR_DECL_INIT(t, WORK_PREC);
    to_mpfr(t, x);
    bool inexact = true;
    if (mpfr_get_exp(t) > -60) {
        /* 1 + x is exact, and so is the logarithm if that is a power of 2 */
        mpfr_add_ui(t, t, 1, MPFR_RNDN);
        inexact = mpfr_log2(t, t, MPFR_RNDN) != 0;
    } else {
        MPFR_DECL_INIT(u, WORK_PREC);
        mpfr_log1p(t, t, MPFR_RNDN);
        mpfr_const_log2(u, MPFR_RNDN);
        mpfr_div(t, t, u, MPFR_RNDN);
    }
    return times(t, inexact, y, s);
}

struct floatx80 fx_atan(struct floatx80 y, struct floatx80 x, struct fp_ctx *s)
{
    struct fx_wide w;
    if (try_fast(x, y) && fast_atan2(y, x, &w))
        return from_wide(&w, s);
    HOST_FCSR_GUARD;
    struct floatx80 r;
    if (fx_propagate2(x, y, &r, s))
        return r;
    enum fx_class cx = fx_classify(x), cy = fx_classify(y);
    int sx = fx_sign(x), sy = fx_sign(y);
    if (cx == FX_DENORMAL || cy == FX_DENORMAL)
        s->flags |= FPUS_DE;
    MPFR_DECL_INIT(v, RESULT_PREC);
    if (cy == FX_ZERO || (cx == FX_INF && cy != FX_INF)) {
        if (!sx)
            return fx_zero(sy);
        mpfr_const_pi(v, MPFR_RNDZ);
    } else if (cy == FX_INF && cx == FX_INF) {
        MPFR_DECL_INIT(t, WORK_PREC);
        mpfr_const_pi(t, MPFR_RNDN);
        mpfr_mul_ui(v, t, sx ? 3 : 1, MPFR_RNDZ);
        mpfr_div_2ui(v, v, 2, MPFR_RNDN);
    } else if (cy == FX_INF || cx == FX_ZERO) {
        mpfr_const_pi(v, MPFR_RNDZ);
        mpfr_div_2ui(v, v, 1, MPFR_RNDN);
    } else {
        MPFR_DECL_INIT(t, 64);
        MPFR_DECL_INIT(u, 64);
        to_mpfr(t, y);
        to_mpfr(u, x);
        mpfr_abs(t, t, MPFR_RNDN);
        mpfr_atan2(v, t, u, MPFR_RNDZ);
    }
    if (sy)
        mpfr_neg(v, v, MPFR_RNDN);
    return from_mpfr(v, true, s);
}

/* x = n * (pi/2) + *r with the 66-bit pi; exact.  Returns n mod 4. */
static unsigned reduce(mpfr_ptr r, struct floatx80 x)
{
    MPFR_DECL_INIT(half_pi, 66);
    MPFR_DECL_INIT(n, 64);
    to_mpfr(r, x);
    if (fx_exp(x) < FX_BIAS - 1)
        return 0; /* |x| < 1/2 < pi/4 */
    /* pi = 4 * 0.C90FDAA2 2168C234 C (hexadecimal) */
    mpfr_set_ui_2exp(half_pi, 0x3243f6a8885a308du, 4, MPFR_RNDN);
    mpfr_add_ui(half_pi, half_pi, 3, MPFR_RNDN);
    mpfr_div_2ui(half_pi, half_pi, 65, MPFR_RNDN);
    /* 64 + 66 bits fit REDUCE_PREC, and so does the difference. */
    MPFR_DECL_INIT(t, REDUCE_PREC);
    mpfr_div(t, r, half_pi, MPFR_RNDN);
    mpfr_rint(n, t, MPFR_RNDN);
    mpfr_mul(t, n, half_pi, MPFR_RNDN);
    mpfr_sub(r, r, t, MPFR_RNDN);
    mpfr_abs(t, n, MPFR_RNDN);
    unsigned long k = mpfr_get_ui(t, MPFR_RNDN);
    return (unsigned)(mpfr_signbit(n) ? -k : k) & 3;
}

/* Does the argument call for computation?  If not *r has the result or *partial is set. */
static bool trig_special(struct floatx80 x, struct floatx80 *r, bool *partial, struct fp_ctx *s)
{
    *partial = false;
    if (fx_propagate1(x, r, s))
        return true;
    switch (fx_classify(x)) {
    case FX_INF:
        *r = fx_invalid(s);
        return true;
    case FX_DENORMAL:
        s->flags |= FPUS_DE;
        return false;
    case FX_NORMAL:
        *partial = fx_exp(x) >= FX_BIAS + 63;
        return *partial;
    default:
        return false;
    }
}

static struct floatx80 quadrant(mpfr_srcptr r, unsigned n, struct fp_ctx *s)
{
    MPFR_DECL_INIT(v, RESULT_PREC);
    if (n & 1)
        mpfr_cos(v, r, MPFR_RNDZ);
    else
        mpfr_sin(v, r, MPFR_RNDZ);
    if (n & 2)
        mpfr_neg(v, v, MPFR_RNDN);
    return from_mpfr(v, true, s);
}

bool fx_sincos(struct floatx80 x, struct floatx80 *sine, struct floatx80 *cosine, struct fp_ctx *s)
{
    struct fx_wide ws, wc;
    if (try_fast(x, x) && fast_sincos(x, sine ? &ws : NULL, cosine ? &wc : NULL)) {
        if (sine)
            *sine = from_wide(&ws, s);
        if (cosine)
            *cosine = from_wide(&wc, s);
        return true;
    }
    HOST_FCSR_GUARD;
    struct floatx80 special;
    bool partial;
    if (trig_special(x, &special, &partial, s)) {
        if (partial)
            return false;
        if (sine)
            *sine = special;
        if (cosine)
            *cosine = special;
        return true;
    }
    if (!x.mant) {
        if (sine)
            *sine = x;
        if (cosine)
            *cosine = fx_pack(0, FX_BIAS, FX_INT_BIT);
        return true;
    }
    MPFR_DECL_INIT(r, REDUCE_PREC);
    unsigned n = reduce(r, x);
    if (sine)
        *sine = quadrant(r, n, s);
    if (cosine)
        *cosine = quadrant(r, n + 1, s);
    return true;
}

bool fx_tan(struct floatx80 x, struct floatx80 *r, struct fp_ctx *s)
{
    struct fx_wide w;
    if (try_fast(x, x) && fast_tan(x, &w)) {
        *r = from_wide(&w, s);
        return true;
    }
    HOST_FCSR_GUARD;
    bool partial;
    if (trig_special(x, r, &partial, s))
        return !partial;
    if (!x.mant) {
        *r = x;
        return true;
    }
    MPFR_DECL_INIT(t, REDUCE_PREC);
    MPFR_DECL_INIT(v, RESULT_PREC);
    unsigned n = reduce(t, x);
    if (n & 1) {
        mpfr_cot(v, t, MPFR_RNDZ);
        mpfr_neg(v, v, MPFR_RNDN);
    } else {
        mpfr_tan(v, t, MPFR_RNDZ);
    }
    *r = from_mpfr(v, true, s);
    return true;
}
