/* Conditions of known flags records, as the templates compute them, against what the record's
 * EFLAGS say: every row of the table, every width, edge and random values, and with the
 * result in a register that held a member. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "flags.h"
#include "mips-sim.h"
#include "suite.h"
#include "tmpl.h"

static const int32_t values[] = {
    0, 1, 2, 3, -1, -2, -3, 126, 127, 128, -126, -127, -128, -129, 255, 256, 32766, 32767, 32768, -32766,
    -32767, -32768, -32769, 65535, 65536, 0x7ffffffe, 0x7fffffff, -0x7fffffff, -0x7fffffff - 1, 0x12345678,
    -0x12345678, 0x55, 0xaa, 0x5555, 0xaaaa, 0x40, 0x80, 0x800, 0x8d5, 0x844, 0xc1,
};
#define VALUES (int)(sizeof(values) / sizeof(values[0]))

static int32_t narrow(int32_t v, int width)
{
    return width == 0 ? (int8_t)v : width == 1 ? (int16_t)v : v;
}

static int32_t random_value(void)
{
    return (int32_t)((uint32_t)rand() << 17 ^ (uint32_t)rand());
}

static bool in_range(const struct tmpl_param *p, int32_t v)
{
    return p->kind != TP_IMM || (v >= p->lo && v <= p->hi);
}

static uint64_t runs;

/* m: dst (or res), src, src2.  alias: which member's register takes the value, 0: none.  base: the EFLAGS
 * under a modifier, of which the condition may not depend. */
static void run(const struct tmpl_cond *c, int width, const int32_t m[3], int alias, uint32_t base)
{
    static const int regs[4] = { 2, 16, 14, 9 };
    struct mips_sim s = { .r = { 0 } };
    struct tmpl_args a = { .label = NULL };
    uint32_t words[64], op, flags;
    bool mod = c->record & TMPL_COND_MOD;
    unsigned kind = c->record & 15;

    for (int i = 1; i < 32; i++)
        s.r[i] = (uint64_t)i * 0x0123456789abcdefu;
    a.v[0] = alias ? regs[alias] : regs[0];
    for (int k = 1; k < 4; k++) {
        bool imm = (c->uses >> k & 1) && c->param[k].kind == TP_IMM;
        if (imm && !in_range(&c->param[k], m[k - 1]))
            return;
        a.v[k] = imm ? m[k - 1] : regs[k];
        if ((c->uses >> k & 1) && !imm)
            s.r[regs[k]] = (uint64_t)(int64_t)m[k - 1];
    }
    uint64_t before[32];
    for (int i = 0; i < 32; i++)
        before[i] = s.r[i];
    if (mod) {
        op = CC_OP(CC_EFLAGS, 2) | CC_MOD(kind, (unsigned)width);
        flags = cc_compute_all(op, 0, base, 0, (uint32_t)m[0]);
    } else {
        op = CC_OP(kind, (unsigned)width);
        flags = cc_compute_all(op, (uint32_t)m[0], (uint32_t)m[1], (uint32_t)m[2], 0);
    }
    bool expected = cc_condition(flags, c->cond);
    int n = (int)(c->emit(words, &a) - words);
    ck_assert_int_eq(n, c->words);
    mips_sim_run(&s, words, n, -1);
    runs++;
    if (s.error)
        ck_abort_msg("%s:%d: %s", c->file, c->line, s.error);
    uint64_t got = c->type == TC_VALUE ? s.r[a.v[0]] : s.taken;
    if (got != expected)
        ck_abort_msg("%s:%d: %s cond %d width %d dst %x src %x src2 %x: got %llx, expected %d", c->file,
                     c->line, c->name, c->cond, width, (unsigned)m[0], (unsigned)m[1], (unsigned)m[2],
                     (unsigned long long)got, expected);
    for (int i = 0; i < 32; i++)
        if (s.r[i] != before[i] && !(c->clobbers >> i & 1) && !(c->type == TC_VALUE && i == a.v[0]))
            ck_abort_msg("%s:%d: register %d was changed", c->file, c->line, i);
}

static void test_row(const struct tmpl_cond *c)
{
    bool eflags = c->record == CC_EFLAGS, carry = c->uses & 8;
    int last_alias = c->type == TC_VALUE ? 3 : 0;

    for (int width = eflags ? 2 : 0; width < 3; width++) {
        if (!(c->widths >> width & 1))
            continue;
        for (int alias = 0; alias <= last_alias; alias++) {
            if (alias && (!(c->uses >> alias & 1) || c->param[alias].kind != TP_REG))
                continue;
            for (int x = 0; x < VALUES + 8; x++)
                for (int y = 0; y < VALUES + 8; y++)
                    for (int z = 0; z <= carry; z++) {
                        int32_t m[3] = { x < VALUES ? values[x] : random_value(),
                                         y < VALUES ? values[y] : random_value(), z };
                        m[0] = narrow(m[0], width);
                        if (c->record == (TMPL_COND_MOD | CCM_CF))
                            m[0] &= 1;
                        m[1] = eflags ? (int32_t)(m[1] & CC_ARITH) : narrow(m[1], width);
                        run(c, width, m, alias, (x + y) & 1 ? CC_ARITH : 0);
                    }
        }
    }
}

START_TEST(conditions)
{
    for (unsigned i = 0; i < tmpl_cond_table_size; i++)
        test_row(&tmpl_cond_table[i]);
    printf("%llu conditions of %u rows\n", (unsigned long long)runs, tmpl_cond_table_size);
}
END_TEST

/* Whatever record there is, there is a way to each condition: EFLAGS has all, and the carry of
 * every kind can be read. */
START_TEST(complete)
{
    const struct tmpl_operand regs[3] = { { TO_REG, 13 }, { TO_REG, 14 }, { TO_REG, 15 } };
    for (unsigned type = TC_VALUE; type <= TC_BRANCH; type++) {
        for (unsigned cond = 0; cond < 16; cond++)
            ck_assert_ptr_nonnull(tmpl_find_cond(type, CC_EFLAGS, cond, 2, regs));
        for (unsigned kind = 0; kind < CC_KINDS; kind++)
            for (unsigned width = kind == CC_EFLAGS ? 2 : 0; width < 3; width++)
                for (unsigned cond = 2; cond < 6; cond++)
                    ck_assert_ptr_nonnull(tmpl_find_cond(type, kind, cond, width, regs));
    }
}
END_TEST

START_TEST(choice)
{
    struct tmpl_operand m[3] = { { TO_REG, 16 }, { TO_IMM, 0 }, { TO_REG, 15 } };
    ck_assert_int_eq(tmpl_find_cond(TC_BRANCH, CC_CMP, 4, 2, m)->words, 1);
    m[1].value = 5;
    ck_assert_int_eq(tmpl_find_cond(TC_BRANCH, CC_CMP, 4, 2, m)->words, 2);
    m[1].value = 0x12345;
    ck_assert_ptr_null(tmpl_find_cond(TC_BRANCH, CC_CMP, 4, 2, m));
    m[1] = (struct tmpl_operand){ TO_REG, 17 };
    ck_assert_int_eq(tmpl_find_cond(TC_BRANCH, CC_CMP, 4, 2, m)->words, 1);
    ck_assert_int_eq(tmpl_find_cond(TC_BRANCH, CC_CMP, 2, 2, m)->words, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tmpl_cond");
    TCase *t = tcase_create("conditions");

    tcase_set_timeout(t, 120);
    tcase_add_test(t, conditions);
    tcase_add_test(t, complete);
    tcase_add_test(t, choice);
    suite_add_tcase(s, t);
    return suite_run(s);
}
