/* Every template against the x86 CPU below us: registers and defined flags after one
 * instruction, for edge and random operands, with operands in the same registers, and
 * with flags live and dead.
 *
 * The template's words run in a MIPS simulator; this file plays the translator's part: parts of
 * registers, constants in registers, copies where a template says `distinct'. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flags.h"
#include "mips-sim.h"
#include "suite.h"
#include "tmpl-case.h"
#include "tmpl.h"

static const int32_t values[] = {
    0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, -1, -2, -8, 127, 128, -127, -128, -129, 255, 256, 32767, 32768,
    -32768, -32769, 65535, 65536, 0x7ffffffe, 0x7fffffff, -0x7fffffff, -0x7fffffff - 1, 0x12345678,
    -0x12345678, 0x00ff00ff, (int32_t)0xffff0000u, (int32_t)0xfffff000u, 0x1ffff, 0x55555555,
};
#define VALUES (int)(sizeof(values) / sizeof(values[0]))

static uint64_t part_of(const struct mips_sim *s, int reg, int width)
{
    uint32_t regs[8];
    for (int i = 0; i < 8; i++)
        regs[i] = (uint32_t)s->r[HREG_GUEST(i)];
    return (uint64_t)(int64_t)get_part(regs, reg, width);
}

static void put_part(struct mips_sim *s, int reg, int width, uint64_t value)
{
    uint32_t mask = width == 2 ? ~0u : width == 1 ? 0xffff : 0xff;
    int shift = width == 0 && reg >= 4 ? 8 : 0;
    uint64_t *r = &s->r[HREG_GUEST(width == 0 ? reg & 3 : reg)];
    uint32_t v = ((uint32_t)*r & ~(mask << shift)) | ((uint32_t)value & mask) << shift;
    *r = (uint64_t)(int64_t)(int32_t)v;
}

static uint64_t runs, rows_seen;
static uint8_t seen[4096];

static const char *context(const struct tmpl *t, const struct test *x, const struct x86_state *in)
{
    static char buf[300];
    snprintf(buf, sizeof(buf),
             "%s:%d: %s width %d regs %d,%d imm %x: eax %x ecx %x edx %x ebx %x esi %x flags %x",
             t->file, t->line, t->name, x->width, x->reg[0], x->reg[1], (unsigned)x->imm, in->regs[0],
             in->regs[1], in->regs[2], in->regs[3], in->regs[6], (unsigned)in->eflags);
    return buf;
}

static bool canonical(uint64_t v, int width)
{
    return v == (uint64_t)(int64_t)narrow((int32_t)v, width);
}

/* What others may use without looking: results, and members of a record in registers, are sign-extended. */
static void check_canonical(const struct tmpl *t, const struct test *x, const struct x86_state *in,
                            const struct tmpl_args *a, const struct mips_sim *s, bool live)
{
    const struct tmpl_value *m[4] = { &t->record.dst, &t->record.src, &t->record.src2, &t->record.res };

    for (int i = 0; i < t->nparams; i++)
        if (t->param[i].kind == TP_REG && (t->written >> i & 1) && !canonical(s->r[a->v[i]], x->width))
            ck_abort_msg("%s: operand %d is %llx", context(t, x, in), i, (unsigned long long)s->r[a->v[i]]);
    for (int i = 0; live && i < 4; i++) {
        bool yes_or_no = t->record.type == TR_RECORD && t->record.kind == CC_MUL && i == 1;
        if (m[i]->kind == TV_HOST && !canonical(s->r[m[i]->index], yes_or_no ? 2 : x->width))
            ck_abort_msg("%s: member %d of the record is %llx", context(t, x, in), i,
                         (unsigned long long)s->r[m[i]->index]);
    }
    if (live && t->record.type >= TR_DYNAMIC && CC_OP_KIND((uint32_t)s->r[HREG_cc_op]) != CC_EFLAGS
        && (!canonical(s->r[HREG_cc_dst], x->width) || !canonical(s->r[HREG_cc_src], x->width)))
        ck_abort_msg("%s: the record is %llx, %llx", context(t, x, in), (unsigned long long)s->r[HREG_cc_dst],
                     (unsigned long long)s->r[HREG_cc_src]);
    if (live && t->record.type >= TR_DYNAMIC && CC_OP_MOD((uint32_t)s->r[HREG_cc_op])
        && !canonical(s->r[HREG_cc_res], x->width))
        ck_abort_msg("%s: the modifier is %llx", context(t, x, in), (unsigned long long)s->r[HREG_cc_res]);
}

static uint32_t value_of(const struct mips_sim *s, const struct tmpl *t, const struct tmpl_args *a,
                         const struct tmpl_value *v, const uint32_t *saved)
{
    if (v->kind == TV_CONST)
        return (uint32_t)v->cst;
    if (v->kind == TV_HOST)
        return (uint32_t)s->r[v->index];
    if (v->kind != TV_PARAM)
        return 0;
    if (t->param[v->index].kind == TP_IMM || t->param[v->index].kind == TP_MASK
        || t->param[v->index].kind == TP_NMASK)
        return (uint32_t)a->v[v->index];
    /* The translator keeps what the stanza only reads. */
    return t->written >> v->index & 1 ? (uint32_t)s->r[a->v[v->index]] : saved[v->index];
}

/* Parameters as the translator finds or makes them; values that a stanza must find in registers of
 * their own are copied. */
static void place_params(const struct tmpl *t, const struct test *x, const struct tmpl_operand *ops,
                         uint32_t flags, struct mips_sim *s, struct tmpl_args *a)
{
    static const int temps[] = { HREG_T1, HREG_T2, HREG_T3 };
    int next = 0;

    for (int i = 0; i < t->nparams; i++) {
        int r = i < t->nops ? (int)ops[i].value : 0;
        switch (t->param[i].kind) {
        case TP_REG:
            if (ops[i].kind == TO_IMM) {
                a->v[i] = temps[next++];
                s->r[a->v[i]] = (uint64_t)(int64_t)x->imm;
            } else if (x->width == 2) {
                a->v[i] = HREG_GUEST(r);
            } else {
                a->v[i] = temps[next++];
                s->r[a->v[i]] = part_of(s, r, x->width);
            }
            break;
        case TP_IMM: case TP_MASK: case TP_NMASK:
            a->v[i] = x->imm;
            break;
        case TP_CARRY:
            a->v[i] = temps[next++];
            s->r[a->v[i]] = flags & 1;
            break;
        case TP_FLAGS:
            a->v[i] = temps[next++];
            s->r[a->v[i]] = flags;
            break;
        }
    }
    if (t->flags & TMPL_DISTINCT)
        for (int i = 0; i < t->nops; i++) {
            bool shared = t->clobbers >> a->v[i] & 1;
            if (t->param[i].kind != TP_REG || (t->written >> i & 1))
                continue;
            for (int k = 0; k < t->nops; k++)
                shared |= k != i && (t->written >> k & 1) && a->v[k] == a->v[i];
            if (shared) {
                s->r[temps[next]] = s->r[a->v[i]];
                a->v[i] = temps[next++];
            }
        }
}

static void check_clobbers(const struct tmpl *t, const struct test *x, const struct x86_state *in,
                           const struct tmpl_args *a, const struct mips_sim *before,
                           const struct mips_sim *s)
{
    for (int i = 0; i < 32; i++) {
        bool may = t->clobbers >> i & 1;
        for (int p = 0; p < t->nparams; p++)
            may |= (t->written >> p & 1) && a->v[p] == i;
        if (s->r[i] != before->r[i] && !may)
            ck_abort_msg("%s: register %s is changed", context(t, x, in), i == HREG_T1 ? "T1" : "...");
    }
}

struct flag_state {
    uint32_t op, dst, src, src2, res;
};

/* The record after the template, if flags are live; before parts are put back: they may be its members. */
static struct flag_state record_after(const struct tmpl *t, const struct test *x, const struct x86_state *in,
                                      const struct tmpl_args *a, const struct mips_sim *s, uint32_t flags,
                                      const uint32_t *saved)
{
    struct flag_state f = { .op = CC_OP(CC_EFLAGS, 2), .src = flags };
    const struct tmpl_record *r = &t->record;
    switch (r->type) {
    case TR_RECORD:
        f.op = CC_OP(r->kind, (unsigned)x->width);
        f.dst = value_of(s, t, a, &r->dst, saved);
        f.src = value_of(s, t, a, &r->src, saved);
        f.src2 = value_of(s, t, a, &r->src2, saved);
        break;
    case TR_MOD:
        ck_assert_uint_eq(s->r[HREG_cc_src], flags);
        f.op |= CC_MOD(r->kind, (unsigned)x->width);
        f.res = value_of(s, t, a, &r->res, saved);
        if (r->kind == CCM_CF && f.res > 1) /* conditions count on it */
            ck_abort_msg("%s: the CF modifier's value is %x", context(t, x, in), f.res);
        break;
    case TR_FLAGS:
        f.src = value_of(s, t, a, &r->src, saved);
        break;
    case TR_DYNAMIC:
    case TR_DYNAMIC_NOMOD:
        f.op = (uint32_t)s->r[HREG_cc_op];
        f.dst = (uint32_t)s->r[HREG_cc_dst];
        f.src = (uint32_t)s->r[HREG_cc_src];
        f.src2 = (uint32_t)s->r[HREG_cc_src2];
        f.res = (uint32_t)s->r[HREG_cc_res];
        break;
    default:
        break;
    }
    return f;
}

static void run(const struct tmpl *t, const struct test *x, const struct x86_state *in, bool live,
                const struct tmpl_operand *ops)
{
    struct mips_sim s = { .r = { 0 } };
    struct tmpl_args a = { .label = NULL };
    uint32_t words[128], saved[TMPL_MAX_PARAMS] = { 0 }, flags = (uint32_t)in->eflags & CC_ARITH;

    for (int i = 1; i < 32; i++)
        s.r[i] = (uint64_t)(int64_t)(int32_t)(0x89abcdefu * (unsigned)i);
    for (int i = 0; i < 8; i++)
        s.r[HREG_GUEST(i)] = (uint64_t)(int64_t)(int32_t)in->regs[i];
    /* The old record, in its canonical place. */
    s.r[HREG_cc_op] = CC_OP(CC_EFLAGS, 2);
    s.r[HREG_cc_src] = flags;
    /* Where the new one replaces it, it may be anywhere. */
    if (t->record.type == TR_FLAGS || t->record.type == TR_RECORD)
        s.r[HREG_cc_op] = s.r[HREG_cc_src] = 0x1234567;
    place_params(t, x, ops, flags, &s, &a);
    for (int i = 0; i < t->nparams; i++)
        if (t->param[i].kind == TP_REG || t->param[i].kind == TP_CARRY)
            saved[i] = (uint32_t)s.r[a.v[i]];
    struct mips_sim before = s;
    int n = (int)(t->emit(words, &a) - words);
    ck_assert_int_eq(n, t->words);
    mips_sim_run(&s, words, n, t->nsites ? t->label_site[0] : -1);
    runs++;
    if (s.error)
        ck_abort_msg("%s: %s", context(t, x, in), s.error);
    check_clobbers(t, x, in, &a, &before, &s);
    if (faults(x, in)) {
        if (!s.taken)
            ck_abort_msg("%s: no fault", context(t, x, in));
        for (int i = 0; i < 8; i++)
            ck_assert_uint_eq(s.r[HREG_GUEST(i)], before.r[HREG_GUEST(i)]);
        return;
    }
    if (s.taken)
        ck_abort_msg("%s: a fault that is none", context(t, x, in));

    check_canonical(t, x, in, &a, &s, live);
    struct flag_state f = { 0 };
    if (live)
        f = record_after(t, x, in, &a, &s, flags, saved);
    if (x->width != 2)
        for (int i = 0; i < t->nops; i++)
            if (t->param[i].kind == TP_REG && (t->written >> i & 1))
                put_part(&s, (int)ops[i].value, x->width, s.r[a.v[i]]);

    struct x86_state native = *in;
    uint8_t bytes[16];
    x86_native_run(&native, bytes, encode(x, bytes));
    for (int i = 0; i < 8; i++) {
        if (s.r[HREG_GUEST(i)] != (uint64_t)(int64_t)(int32_t)native.regs[i])
            ck_abort_msg("%s: register %d is %llx, the CPU's %x", context(t, x, in), i,
                         (unsigned long long)s.r[HREG_GUEST(i)], native.regs[i]);
    }
    if (!live)
        return;
    uint32_t got = cc_compute_all(f.op, f.dst, f.src, f.src2, f.res);
    uint32_t want = (uint32_t)native.eflags & CC_ARITH, look = CC_ARITH & ~undefined_flags(x, in);
    if ((got ^ want) & look)
        ck_abort_msg("%s: flags %x, the CPU's %x (looking at %x)", context(t, x, in), got, want, look);
}

static void try_both(const struct test *x, const struct x86_state *in)
{
    for (int live = 0; live < 2; live++) {
        struct tmpl_operand ops[3] = { { TO_REG, x->reg[0] }, { TO_REG, x->reg[1] }, { TO_IMM, x->imm } };
        unsigned n = (unsigned)operand_count(x->e->form);
        switch (x->e->form) {
        case M_IMM: case M_1:
            ops[1] = (struct tmpl_operand){ TO_IMM, x->imm };
            break;
        case M_CL:
            ops[1].kind = TO_CL;
            break;
        case MR_CL:
            ops[2].kind = TO_CL;
            break;
        default:
            break;
        }
        const struct tmpl *t = tmpl_find(x->e->mnem, ops, n, (unsigned)x->width, live);
        if (!t && n && ops[n - 1].kind == TO_IMM) {
            struct tmpl_operand as_reg[3] = { ops[0], ops[1], ops[2] };
            as_reg[n - 1] = (struct tmpl_operand){ TO_REG, -2 };
            t = tmpl_find(x->e->mnem, as_reg, n, (unsigned)x->width, live);
        }
        if (!t)
            continue;
        unsigned row = (unsigned)(t - tmpl_table);
        if (!seen[row]++)
            rows_seen++;
        if (seen[row] == 255)
            seen[row] = 1;
        run(t, x, in, live, ops);
    }
}

static int32_t value(int i)
{
    return i < VALUES ? values[i] : (int32_t)((uint32_t)rand() << 17 ^ (uint32_t)rand());
}

/* Pairs of operand registers: different ones, accumulators, the count, the same one. */
static const int pairs[][2] = {
    { 3, 6 }, { 0, 3 }, { 3, 0 }, { 2, 1 }, { 1, 2 }, { 3, 3 }, { 0, 0 }, { 1, 1 }, { 0, 2 }, { 2, 0 },
    { 1, 3 }, { 3, 1 },
};

static void load_registers(struct x86_state *in, const struct test *x, int32_t a, int32_t b, int i)
{
    for (int r = 0; r < 8; r++)
        in->regs[r] = (uint32_t)value(VALUES);
    if (i & 1) /* divisions that don't fault, carries out of accumulators */
        in->regs[R_EDX] = i & 2 ? 0 : (uint32_t)((int32_t)in->regs[R_EAX] >> 31);
    if (i % 3 == 0)
        in->regs[R_EAX] = (uint32_t)value(i % VALUES);
    if (x->e->form == M_CL || x->e->form == MR_CL)
        in->regs[R_ECX] = (uint32_t)b;
    int r0 = x->width == 0 ? x->reg[0] & 3 : x->reg[0], r1 = x->width == 0 ? x->reg[1] & 3 : x->reg[1];
    if (x->width == 0 && x->reg[0] >= 4)
        in->regs[r0] = (uint32_t)a << 8 | (in->regs[r0] & 0xffff00ff);
    else
        in->regs[r0] = (uint32_t)a;
    if (x->e->form == MR || x->e->form == RM || x->e->form == MR_IMM || x->e->form == MR_CL
        || x->e->form == RM_IMM)
        in->regs[r1] = x->reg[0] == x->reg[1] ? (uint32_t)a : (uint32_t)b;
    if (x->e->mnem == MN_CMPXCHG && i % 4 == 0)
        in->regs[R_EAX] = in->regs[r0];
    if (x->e->mnem == MN_DIV && i % 5 == 0 && r0 != R_EDX)
        in->regs[R_EDX] = (uint32_t)a >> 1;
    in->eflags = (uint32_t)value(VALUES) & CC_ARITH;
}

static void test_encoding(int number)
{
    const struct encoding *e = &encodings[number];
    int npairs = operand_count(e->form) ? (int)(sizeof(pairs) / sizeof(pairs[0])) : 1;
    uint64_t before = rows_seen;

    for (int width = 0; width < 3; width++) {
        if (!in_encoding(e, width))
            continue;
        for (int p = 0; p < npairs; p++)
            for (int i = 0; i < VALUES + 4; i++)
                for (int j = 0; j < VALUES + 4; j++) {
                    if (p && (i * 7 + j + p) % 4)
                        continue;
                    struct test x = { e, width, { pairs[p][0], pairs[p][1] }, 0 };
                    struct x86_state in = { .eflags = 0 };
                    int32_t a = value(i), b = value(j);
                    if (e->form == M_IMM || e->form == RM_IMM)
                        x.imm = narrow(b, width);
                    if (e->form == M_1 || e->form == MR_IMM) {
                        bool bit = e->mnem >= MN_BT && e->opcode == 0x0fba;
                        bool by_one = e->mnem == MN_RCL || e->mnem == MN_RCR;
                        x.imm = bit ? j % (8 << width) : by_one ? 1 : 1 + j % 31;
                    }
                    load_registers(&in, &x, a, b, i * 7 + j);
                    try_both(&x, &in);
                }
    }
    /* At least one stanza was found. */
    ck_assert_msg(rows_seen > before || e->form == NONE, "%d: no template", number);
}

START_TEST(instructions)
{
    test_encoding(_i);
}
END_TEST

static bool has_encoding(unsigned mnem)
{
    for (int i = 0; i < encoding_count; i++)
        if (encodings[i].mnem == mnem)
            return true;
    return false;
}

/* After the others (in one process): was each row chosen at least once?  Instructions that have no encoding here,
 * and all of MMX and SSE, are left to check_tmpl_random and check_vectors. */
START_TEST(all_rows)
{
    unsigned missed = 0;
    for (unsigned i = 0; i < tmpl_table_size; i++)
        if (!seen[i] && !(tmpl_table[i].widths & 0x18) && has_encoding(tmpl_table[i].mnem)) {
            printf("not tested: %s:%d: %s\n", tmpl_table[i].file, tmpl_table[i].line, tmpl_table[i].name);
            missed++;
        }
    printf("%llu runs, %u rows\n", (unsigned long long)runs, tmpl_table_size);
    ck_assert_uint_eq(missed, 0);
}
END_TEST

int main(void)
{
    if (!x86_native_init()) {
        printf("not an x86-64 machine: skipped\n");
        return 77;
    }
    if (tmpl_table_size > sizeof(seen)) {
        printf("seen[] is too small\n");
        return 1;
    }
    Suite *s = suite_create("tmpl_insn");
    TCase *t = tcase_create("instructions");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, instructions, 0, encoding_count);
    tcase_add_test(t, all_rows);
    suite_add_tcase(s, t);
    /* The last test looks at what the others did. */
    return suite_run_nofork(s);
}
