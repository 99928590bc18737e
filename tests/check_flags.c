/* Lazy flags against an eager model bit by bit, and against this CPU's own EFLAGS where it is an x86. */
#include <check.h>
#include <stdlib.h>

#include "flags.h"
#include "suite.h"

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint32_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

static const uint32_t edges[] = {
    0, 1, 2, 9, 10, 15, 16, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffe,
    0xffff, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff
};
#define EDGES (sizeof edges / sizeof edges[0])

static uint32_t operand(unsigned i)
{
    return i < EDGES ? edges[i] : rnd() >> (rnd() & 31);
}

static uint32_t mask(unsigned w)
{
    return w == 2 ? 0xffffffffu : (1u << (8u << w)) - 1;
}

static uint32_t sext(unsigned w, uint32_t v)
{
    return w == 0 ? (uint32_t)(int8_t)v : w == 1 ? (uint32_t)(int16_t)v : v;
}

/* ---- the eager model: sums digit by digit in wider integers ---- */

static uint32_t szp(unsigned w, uint32_t v)
{
    uint32_t f = 0, ones = 0;
    for (unsigned i = 0; i < 8; i++)
        ones += v >> i & 1;
    if (ones % 2 == 0)
        f |= CC_P;
    if ((v & mask(w)) == 0)
        f |= CC_Z;
    if (v >> ((8u << w) - 1) & 1)
        f |= CC_S;
    return f;
}

static uint32_t eager_add(unsigned w, uint32_t a, uint32_t b, uint32_t c)
{
    uint64_t sum = (uint64_t)(a & mask(w)) + (b & mask(w)) + c;
    int64_t ssum = (int64_t)(int32_t)sext(w, a) + (int32_t)sext(w, b) + c;
    uint32_t f = szp(w, (uint32_t)sum);
    if (sum > mask(w))
        f |= CC_C;
    if (ssum != (int32_t)sext(w, (uint32_t)sum))
        f |= CC_O;
    if ((a & 15) + (b & 15) + c > 15)
        f |= CC_A;
    return f;
}

static uint32_t eager_sub(unsigned w, uint32_t a, uint32_t b, uint32_t c)
{
    int64_t diff = (int64_t)(a & mask(w)) - (b & mask(w)) - c;
    int64_t sdiff = (int64_t)(int32_t)sext(w, a) - (int32_t)sext(w, b) - c;
    uint32_t f = szp(w, (uint32_t)diff);
    if (diff < 0)
        f |= CC_C;
    if (sdiff != (int32_t)sext(w, (uint32_t)diff))
        f |= CC_O;
    if ((int)(a & 15) - (int)(b & 15) - (int)c < 0)
        f |= CC_A;
    return f;
}

static void expect(const char *what, unsigned w, uint32_t a, uint32_t b, uint32_t op, uint32_t dst,
                   uint32_t src,
                   uint32_t src2, uint32_t res, uint32_t want, uint32_t care)
{
    uint32_t got = cc_compute_all(op, dst, src, src2, res);
    if ((got ^ want) & care)
        ck_abort_msg("%s width %u of %x, %x: got %x want %x", what, w, a, b, got & care, want & care);
    if (cc_compute_c(op, dst, src, src2, res) != (got & CC_C))
        ck_abort_msg("%s width %u of %x, %x: cc_compute_c", what, w, a, b);
}

START_TEST(arithmetic)
{
    for (unsigned i = 0; i < EDGES + 200; i++)
        for (unsigned j = 0; j < EDGES + 200; j++)
            for (unsigned w = 0; w < 3; w++) {
                uint32_t a = sext(w, operand(i)), b = sext(w, operand(j));
                for (uint32_t c = 0; c < 2; c++) {
                    expect("adc", w, a, b, CC_OP(CC_ADC, w), sext(w, a + b + c), b, c, 0,
                           eager_add(w, a, b, c), CC_ARITH);
                    expect("sbb", w, a, b, CC_OP(CC_SBB, w), sext(w, a - b - c), b, c, 0,
                           eager_sub(w, a, b, c), CC_ARITH);
                }
                expect("add", w, a, b, CC_OP(CC_ADD, w), sext(w, a + b), b, rnd(), rnd(),
                       eager_add(w, a, b, 0), CC_ARITH);
                expect("sub", w, a, b, CC_OP(CC_SUB, w), sext(w, a - b), b, rnd(), rnd(),
                       eager_sub(w, a, b, 0), CC_ARITH);
                expect("cmp", w, a, b, CC_OP(CC_CMP, w), a, b, rnd(), rnd(), eager_sub(w, a, b, 0), CC_ARITH);
                expect("and", w, a, b, CC_OP(CC_LOGIC, w), a & b, rnd(), rnd(), rnd(), szp(w, a & b),
                       CC_ARITH);
            }
}
END_TEST

START_TEST(modifiers)
{
    for (unsigned i = 0; i < EDGES + 2000; i++)
        for (unsigned w = 0; w < 3; w++) {
            uint32_t a = sext(w, operand(i)), old = rnd() & CC_ARITH, base = CC_OP(CC_EFLAGS, 2), top, next;
            uint32_t inc = sext(w, a + 1), dec = sext(w, a - 1);
            expect("inc", w, a, 1, base | CC_MOD(CCM_INC, w), 0, old, 0, inc,
                   (eager_add(w, a, 1, 0) & ~(uint32_t)CC_C) | (old & CC_C), CC_ARITH);
            expect("dec", w, a, 1, base | CC_MOD(CCM_DEC, w), 0, old, 0, dec,
                   (eager_sub(w, a, 1, 0) & ~(uint32_t)CC_C) | (old & CC_C), CC_ARITH);
            top = a >> ((8u << w) - 1) & 1;
            next = a >> ((8u << w) - 2) & 1;
            old &= ~(uint32_t)(CC_C | CC_O);
            expect("rol", w, a, 1, base | CC_MOD(CCM_ROL, w), 0, old, 0, a,
                   old | (a & 1) | (top != (a & 1) ? CC_O : 0), CC_ARITH);
            expect("ror", w, a, 1, base | CC_MOD(CCM_ROR, w), 0, old, 0, a,
                   old | top | (top != next ? CC_O : 0), CC_ARITH);
            expect("bt", w, a, 1, base | CC_MOD(CCM_CF, 2), 0, old | (a & CC_O), 0, a,
                   old | (a & CC_O) | (a & 1), CC_ARITH);
        }
}
END_TEST

/* cpu_modify_flags(): stacked modifiers give what doing them one after the other gives. */
START_TEST(stacking)
{
    CPUX86State e = {0};
    for (unsigned n = 0; n < 20000; n++) {
        uint32_t a = rnd(), b = rnd(), v = rnd(), flags;
        unsigned w = rnd() % 3;
        e.cc_op = CC_OP(CC_ADD, w);
        e.cc_dst = sext(w, a + b);
        e.cc_src = sext(w, b);
        flags = eager_add(w, a, b, 0);
        for (unsigned k = 0; k < 4; k++) {
            static const uint8_t mods[] = {CCM_INC, CCM_DEC, CCM_ROL, CCM_ROR, CCM_CF};
            unsigned mod = mods[rnd() % 5];
            uint32_t op = e.cc_op, old = flags;
            flags = cc_compute_all(CC_OP(CC_EFLAGS, 2) | CC_MOD(mod, w), 0, old, 0, sext(w, v));
            cpu_modify_flags(&e, mod, w, sext(w, v));
            uint32_t got = cc_compute_all(e.cc_op, e.cc_dst, e.cc_src, e.cc_src2, e.cc_res);
            ck_assert_msg(got == flags, "modifier %u value %x over %x, then %x: got %x want %x", mod,
                          sext(w, v), op, e.cc_op, got, flags);
            v = rnd();
        }
    }
}
END_TEST

START_TEST(conditions)
{
    for (uint32_t f = 0; f < 0x1000; f++) {
        bool c = f & CC_C, z = f & CC_Z, s = f & CC_S, o = f & CC_O, p = f & CC_P;
        bool want[8] = {o, c, z, c || z, s, p, s != o, z || s != o};
        for (unsigned cond = 0; cond < 16; cond++)
            ck_assert_int_eq(cc_condition(f, cond), want[cond >> 1] != (cond & 1));
    }
}
END_TEST

/* ---- this CPU ---- */

#if defined(__x86_64__) || defined(__i386__)
#define NATIVE2(NAME, INSN, TYPE, REG) \
    static uint32_t NAME(uint32_t a, uint32_t b, uint32_t carry, uint32_t *result) \
    { \
        unsigned long f; \
        TYPE x = (TYPE)a; \
        __asm__ volatile("bt $0, %[c]\n\t" INSN " %" REG "[b], %" REG "[x]\n\tpushf\n\tpop %[f]" \
                         : [x] "+q"(x), [f] "=r"(f) : [b] "q"((TYPE)b), [c] "r"(carry) : "cc", "memory"); \
        *result = x; \
        return (uint32_t)f & CC_ARITH; \
    }
#define NATIVE2_ALL(NAME, INSN) \
    NATIVE2(NAME##_0, INSN "b", uint8_t, "") NATIVE2(NAME##_1, INSN "w", uint16_t, "") \
    NATIVE2(NAME##_2, INSN "l", uint32_t, "") \
    static uint32_t (*const NAME[3])(uint32_t, uint32_t, uint32_t, uint32_t *) = { \
        NAME##_0, NAME##_1, NAME##_2};
NATIVE2_ALL(native_add, "add")
NATIVE2_ALL(native_adc, "adc")
NATIVE2_ALL(native_sub, "sub")
NATIVE2_ALL(native_sbb, "sbb")
NATIVE2_ALL(native_cmp, "cmp")
NATIVE2_ALL(native_and, "and")

#define NATIVE_SHIFT(NAME, INSN, TYPE, REG) \
    static uint32_t NAME(uint32_t a, uint32_t count, uint32_t *result) \
    { \
        unsigned long f; \
        TYPE x = (TYPE)a; \
        __asm__ volatile(INSN " %%cl, %" REG "[x]\n\tpushf\n\tpop %[f]" \
                         : [x] "+q"(x), [f] "=r"(f) : "c"(count) : "cc", "memory"); \
        *result = x; \
        return (uint32_t)f & CC_ARITH; \
    }
#define NATIVE_SHIFT_ALL(NAME, INSN) \
    NATIVE_SHIFT(NAME##_0, INSN "b", uint8_t, "") NATIVE_SHIFT(NAME##_1, INSN "w", uint16_t, "") \
    NATIVE_SHIFT(NAME##_2, INSN "l", uint32_t, "") \
    static uint32_t (*const NAME[3])(uint32_t, uint32_t, uint32_t *) = {NAME##_0, NAME##_1, NAME##_2};
NATIVE_SHIFT_ALL(native_shl, "shl")
NATIVE_SHIFT_ALL(native_shr, "shr")
NATIVE_SHIFT_ALL(native_sar, "sar")

START_TEST(native_arithmetic)
{
    for (unsigned i = 0; i < EDGES + 150; i++)
        for (unsigned j = 0; j < EDGES + 150; j++)
            for (unsigned w = 0; w < 3; w++) {
                uint32_t a = sext(w, operand(i)), b = sext(w, operand(j)), f, r;
                for (uint32_t c = 0; c < 2; c++) {
                    f = native_adc[w](a, b, c, &r);
                    expect("adc", w, a, b, CC_OP(CC_ADC, w), sext(w, r), b, c, 0, f, CC_ARITH);
                    f = native_sbb[w](a, b, c, &r);
                    expect("sbb", w, a, b, CC_OP(CC_SBB, w), sext(w, r), b, c, 0, f, CC_ARITH);
                }
                f = native_add[w](a, b, 0, &r);
                expect("add", w, a, b, CC_OP(CC_ADD, w), sext(w, r), b, 0, 0, f, CC_ARITH);
                f = native_sub[w](a, b, 0, &r);
                expect("sub", w, a, b, CC_OP(CC_SUB, w), sext(w, r), b, 0, 0, f, CC_ARITH);
                f = native_cmp[w](a, b, 0, &r);
                expect("cmp", w, a, b, CC_OP(CC_CMP, w), a, b, 0, 0, f, CC_ARITH);
                f = native_and[w](a, b, 0, &r);
                expect("and", w, a, b, CC_OP(CC_LOGIC, w), sext(w, r), 0, 0, 0, f, CC_ARITH & ~CC_A);
            }
}
END_TEST

START_TEST(native_shifts)
{
    for (unsigned i = 0; i < EDGES + 1000; i++)
        for (unsigned w = 0; w < 3; w++)
            for (uint32_t count = 1; count < 32; count++) {
                uint32_t a = operand(i) & mask(w), f, r, src;
                /* OF is defined for a count of 1, CF for counts up to the width. */
                uint32_t care = CC_S | CC_Z | CC_P | (count == 1 ? CC_O : 0) | (count <= 8u << w ? CC_C : 0);
                f = native_shl[w](a, count, &r);
                expect("shl", w, a, count, CC_OP(CC_SHL, w), sext(w, r), sext(w, a << (count - 1)), 0, 0, f,
                       care);
                f = native_shr[w](a, count, &r);
                expect("shr", w, a, count, CC_OP(CC_SHR, w), sext(w, r), sext(w, a >> (count - 1)), 0, 0, f,
                       care);
                f = native_sar[w](a, count, &r);
                src = (uint32_t)((int32_t)sext(w, a) >> (count - 1));
                expect("sar", w, a, count, CC_OP(CC_SHR, w), sext(w, r), src, 0, 0, f, care | CC_C);
            }
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("flags");
    TCase *t = tcase_create("flags");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, arithmetic);
    tcase_add_test(t, modifiers);
    tcase_add_test(t, stacking);
    tcase_add_test(t, conditions);
#if defined(__x86_64__) || defined(__i386__)
    tcase_add_test(t, native_arithmetic);
    tcase_add_test(t, native_shifts);
#endif
    suite_add_tcase(s, t);
    return suite_run(s);
}
