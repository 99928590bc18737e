/* Random x87 sequences: templates against the interpreter, all of the state, in blocks of 1 and of many instructions.
 *
 * Sequences keep the stack in order most of the time, so that templates run; operands are mostly plain numbers of
 * similar size (carries, cancellation, ties), mixed with every special value.  Environment: FPU_COUNT, FPU_SEED. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"
#include "flags.h"
#include "fpu-case.h"
#include "fpu-word.h"
#include "insn.h"
#include "interp.h"
#include "softfp.h"
#include "suite.h"
#include "tb.h"
#include "vec-machine.h"

#ifdef HAVE_TEMPLATES
enum { DEFAULT_COUNT = 600, MAX_INSNS = 40, CODE = 0x40000, DATA = 0x50000, DATA_SIZE = 0x2000, RUNS = 2,
       MAX_RUN = 1000 };

static struct {
    uint8_t code[2048];
    unsigned len, depth;
    uint8_t data[DATA_SIZE];
    struct vec_state start;
} seq;

static unsigned below(unsigned n)
{
    return (unsigned)(fpu_random() % n);
}

static void put(unsigned byte)
{
    seq.code[seq.len++] = (uint8_t)byte;
}

static void put_modrm_memory(unsigned reg)
{
    uint32_t at = below(100) < 3 ? 0x1000 - below(12) : below(100) < 20 ? below(DATA_SIZE - 16) : below(200) * 8;
    put(0x83 | reg << 3); /* [ebx+disp32] */
    for (unsigned i = 0; i < 4; i++)
        put(at >> 8 * i & 0xff);
}

/* Escape byte, reg field, and what it does to the depth; memory forms. */
static const struct {
    uint8_t op, reg;
    int8_t delta;
    uint8_t weight;
} mem_forms[] = {
    {0xd9, 0, 1, 8}, {0xdd, 0, 1, 16}, {0xdb, 5, 1, 4}, {0xdf, 0, 1, 3}, {0xdb, 0, 1, 5}, {0xdf, 5, 1, 4},
    {0xd9, 2, 0, 3}, {0xd9, 3, -1, 5}, {0xdd, 2, 0, 4}, {0xdd, 3, -1, 10}, {0xdb, 7, -1, 4},
    {0xdf, 2, 0, 2}, {0xdf, 3, -1, 3}, {0xdb, 2, 0, 2}, {0xdb, 3, -1, 4}, {0xdf, 7, -1, 4},
    {0xdf, 1, -1, 2}, {0xdb, 1, -1, 2}, {0xdd, 1, -1, 2},
    {0xd8, 0, 0, 3}, {0xd8, 1, 0, 3}, {0xd8, 2, 0, 1}, {0xd8, 3, -1, 1}, {0xd8, 4, 0, 2}, {0xd8, 5, 0, 2},
    {0xd8, 6, 0, 2}, {0xd8, 7, 0, 2},
    {0xdc, 0, 0, 4}, {0xdc, 1, 0, 4}, {0xdc, 2, 0, 1}, {0xdc, 3, -1, 1}, {0xdc, 4, 0, 3}, {0xdc, 5, 0, 3},
    {0xdc, 6, 0, 3}, {0xdc, 7, 0, 3},
    {0xda, 0, 0, 1}, {0xda, 1, 0, 1}, {0xda, 2, 0, 1}, {0xda, 3, -1, 1}, {0xda, 4, 0, 1}, {0xda, 5, 0, 1},
    {0xda, 6, 0, 1}, {0xda, 7, 0, 1}, {0xde, 0, 0, 1}, {0xde, 1, 0, 1}, {0xde, 2, 0, 1}, {0xde, 3, -1, 1},
    {0xde, 4, 0, 1}, {0xde, 5, 0, 1}, {0xde, 6, 0, 1}, {0xde, 7, 0, 1},
    {0xd9, 7, 0, 2}, {0xdd, 7, 0, 2}, {0xdf, 4, 1, 1}, {0xdf, 6, -1, 1}
};
/* Register forms: ST(i) is added where `any` is set. */
static const struct {
    uint8_t op, modrm;
    int8_t delta;
    uint8_t needs; /* registers that have to be there */
    bool any;
    uint8_t weight;
} reg_forms[] = {
    {0xd8, 0xc0, 0, 1, true, 6}, {0xdc, 0xc0, 0, 1, true, 4}, {0xde, 0xc0, -1, 2, true, 6},
    {0xd8, 0xc8, 0, 1, true, 6}, {0xdc, 0xc8, 0, 1, true, 4}, {0xde, 0xc8, -1, 2, true, 6},
    {0xd8, 0xe0, 0, 1, true, 5}, {0xdc, 0xe0, 0, 1, true, 4}, {0xde, 0xe0, -1, 2, true, 4},
    {0xd8, 0xe8, 0, 1, true, 5}, {0xdc, 0xe8, 0, 1, true, 4}, {0xde, 0xe8, -1, 2, true, 4},
    {0xd8, 0xf0, 0, 1, true, 5}, {0xdc, 0xf0, 0, 1, true, 4}, {0xde, 0xf0, -1, 2, true, 4},
    {0xd8, 0xf8, 0, 1, true, 5}, {0xdc, 0xf8, 0, 1, true, 4}, {0xde, 0xf8, -1, 2, true, 4},
    {0xd8, 0xd0, 0, 1, true, 2}, {0xd8, 0xd8, -1, 1, true, 2}, {0xde, 0xd9, -2, 2, false, 2},
    {0xdd, 0xe0, 0, 1, true, 2}, {0xdd, 0xe8, -1, 1, true, 2}, {0xda, 0xe9, -2, 2, false, 2},
    {0xdb, 0xe8, 0, 1, true, 4}, {0xdb, 0xf0, 0, 1, true, 4}, {0xdf, 0xe8, -1, 1, true, 3},
    {0xdf, 0xf0, -1, 1, true, 3},
    {0xd9, 0xc0, 1, 1, true, 8}, {0xdd, 0xd0, 0, 1, true, 3}, {0xdd, 0xd8, -1, 1, true, 5},
    {0xd9, 0xc8, 0, 1, true, 8},
    {0xda, 0xc0, 0, 1, true, 1}, {0xda, 0xc8, 0, 1, true, 1}, {0xda, 0xd0, 0, 1, true, 1}, {0xda, 0xd8, 0, 1, true, 1},
    {0xdb, 0xc0, 0, 1, true, 1}, {0xdb, 0xc8, 0, 1, true, 1}, {0xdb, 0xd0, 0, 1, true, 1}, {0xdb, 0xd8, 0, 1, true, 1},
    {0xd9, 0xe0, 0, 1, false, 3}, {0xd9, 0xe1, 0, 1, false, 3}, {0xd9, 0xe4, 0, 1, false, 2},
    {0xd9, 0xe5, 0, 1, false, 1}, {0xd9, 0xfa, 0, 1, false, 2}, {0xd9, 0xfc, 0, 1, false, 4},
    {0xd9, 0xe8, 1, 0, false, 3}, {0xd9, 0xe9, 1, 0, false, 1}, {0xd9, 0xea, 1, 0, false, 1},
    {0xd9, 0xeb, 1, 0, false, 1}, {0xd9, 0xec, 1, 0, false, 1}, {0xd9, 0xed, 1, 0, false, 1},
    {0xd9, 0xee, 1, 0, false, 3}, {0xd9, 0xd0, 0, 0, false, 1}, {0xdf, 0xe0, 0, 0, false, 6},
    {0xd9, 0xfd, 0, 2, false, 1}, {0xd9, 0xf8, 0, 2, false, 1}, {0xd9, 0xf4, 1, 1, false, 1},
    {0xdb, 0xe2, 0, 0, false, 1}
};

static void memory_insn(void)
{
    unsigned k;
    do
        k = below(sizeof mem_forms / sizeof *mem_forms);
    while (below(16) >= mem_forms[k].weight || (int)seq.depth + mem_forms[k].delta < 0
           || (mem_forms[k].delta <= 0 && !seq.depth) || seq.depth + (unsigned)(mem_forms[k].delta > 0) > 8);
    put(mem_forms[k].op);
    put_modrm_memory(mem_forms[k].reg);
    seq.depth = (unsigned)((int)seq.depth + mem_forms[k].delta);
}

static void register_insn(void)
{
    unsigned k;
    do
        k = below(sizeof reg_forms / sizeof *reg_forms);
    while (below(8) >= reg_forms[k].weight || reg_forms[k].needs > seq.depth
           || seq.depth + (unsigned)(reg_forms[k].delta > 0) > 8);
    put(reg_forms[k].op);
    put(reg_forms[k].modrm + (reg_forms[k].any ? below(seq.depth) : 0));
    seq.depth = (unsigned)((int)seq.depth + reg_forms[k].delta);
}

/* Anything at all, stack faults included. */
static void wild_insn(void)
{
    static const uint8_t rare[][2] = {
        {0xd9, 0xf6}, {0xd9, 0xf7}, {0xdd, 0xc0}, {0xdf, 0xc0}, {0xd9, 0xd8}, {0xd9, 0xc8}, {0xde, 0xc1}, {0xd9, 0xee},
        {0xdd, 0xd8}, {0xd9, 0xc1}, {0xd9, 0xe8}, {0xdb, 0xe9}, {0xd9, 0xfb}, {0xd9, 0xf2}, {0xdb, 0xe3}, {0xd9, 0xf3}
    };
    unsigned k = below(sizeof rare / sizeof *rare);
    put(rare[k][0]);
    put(rare[k][1]);
    if (rare[k][1] == 0xe3)
        seq.depth = 0;
}

/* Between them: control words, flags read by a jump, integer registers. */
static void other_insn(void)
{
    static const uint16_t words[] = {0x37f, 0x27f, 0xf7f, 0xc7f, 0x37f, 0x07f, 0x77f, 0xb7f, 0x35f, 0x37b, 0x000};
    switch (below(9)) {
    case 0: { /* mov word [ebx+1f00], cw; fldcw */
        unsigned cw = words[below(sizeof words / sizeof *words)];
        const uint8_t mov[] = {0x66, 0xc7, 0x83, 0, 0x1f, 0, 0, (uint8_t)cw, (uint8_t)(cw >> 8),
                               0xd9, 0xab, 0, 0x1f, 0, 0};
        for (unsigned i = 0; i < sizeof mov; i++)
            put(mov[i]);
        break;
    }
    case 1: /* fnstsw ax; sahf */
        put(0xdf);
        put(0xe0);
        put(0x9e);
        break;
    case 2: /* jcc over an instruction without effect on the stack */
        put(0x70 + below(16));
        put(2);
        put(0xd9);
        put(0xe0 + below(2));
        break;
    case 3:
        put(0x9b);
        break;
    case 4: /* setcc cl */
        put(0x0f);
        put(0x90 + below(16));
        put(0xc1);
        break;
    case 5: /* add eax, [ebx] */
        put(0x03);
        put(0x03);
        break;
    case 6: /* jmp to the next: another block */
        put(0xeb);
        put(0);
        break;
    case 7: /* std; cld: the mode of blocks changes */
        put(0xfd);
        put(0xfc);
        break;
    default: /* push eax; pop edx */
        put(0x50);
        put(0x5a);
        break;
    }
}

static struct floatx80 value(void)
{
    unsigned kind = below(20);
    struct floatx80 v;
    if (kind == 0)
        return fpu_specials[below(fpu_special_count)];
    if (kind == 1)
        return fpu_random_value();
    if (kind == 2)
        return fx_zero((int)below(2));
    /* Few different exponents, and significands with long runs: what makes rounding hard. */
    v.mant = fpu_random() | FX_INT_BIT;
    if (kind < 8)
        v.mant &= ~(uint64_t)0 << below(64);
    else if (kind < 11)
        v.mant |= ~(uint64_t)0 >> (1 + below(63));
    v.mant |= FX_INT_BIT;
    int exp = FX_BIAS + (int)below(kind & 1 ? 140 : 6) - (kind & 1 ? 70 : 3);
    return fx_pack((int)below(2), exp, v.mant);
}

static void make_data(void)
{
    for (unsigned at = 0; at < DATA_SIZE; at += 8) {
        struct floatx80 v = value();
        bool store, denormal = false;
        struct fp_ctx s = {0x37f, 0};
        uint64_t q = fx_to_f64(v, &store, &s);
        (void)denormal;
        unsigned kind = below(8);
        if (kind == 0)
            q = (uint64_t)(int64_t)(int32_t)fpu_random();
        else if (kind == 1)
            q = fpu_random() >> below(64);
        else if (kind == 2)
            q = fx_to_f32(v, &store, &s) | (uint64_t)fx_to_f32(value(), &store, &s) << 32;
        memcpy(seq.data + at, &q, 8);
        if (kind == 3 && at + 16 <= DATA_SIZE) {
            memcpy(seq.data + at, &v.mant, 8);
            at += 8;
            memset(seq.data + at, 0, 8);
            memcpy(seq.data + at, &v.se, 2);
        }
    }
}

static void make_start(void)
{
    static const uint16_t words[] = {0x37f, 0x37f, 0x37f, 0x27f, 0x27f, 0xf7f, 0x07f, 0x35f};
    memset(&seq.start, 0, sizeof seq.start);
    for (int i = 0; i < SEG_COUNT; i++)
        seq.start.segs[i] = WORLD_DS;
    seq.start.segs[R_CS] = WORLD_CS32;
    seq.start.eflags = 2 | below(0x1000) % 0x8d6;
    seq.start.eflags &= CC_ARITH;
    seq.start.regs[R_EBX] = DATA;
    seq.start.regs[R_ESP] = VEC_STACK;
    struct vec_fpu *f = &seq.start.fpu;
    unsigned top = below(8);
    seq.depth = 1 + below(6);
    f->cw = words[below(sizeof words / sizeof *words)];
    f->sw = (uint16_t)(top << 11 | (fpu_random() & 0x4700));
    for (unsigned i = 0; i < 8; i++) {
        struct floatx80 v = value();
        unsigned r = (top + i) & 7;
        memcpy(f->reg[i], &v.mant, 8);
        memcpy(f->reg[i] + 8, &v.se, 2);
        if (i >= seq.depth)
            f->tw |= (uint16_t)(3u << 2 * r);
    }
}

static void make_sequence(void)
{
    seq.len = 0;
    make_start();
    make_data();
    unsigned n = 1 + below(MAX_INSNS - 2);
    for (unsigned i = 0; i < n; i++) {
        unsigned k = below(100);
        if (k < 40)
            memory_insn();
        else if (k < 85)
            register_insn();
        else if (k < 97)
            other_insn();
        else
            wild_insn();
    }
    put(0xcc);
}

/* One operation after the other on fresh operands, each result and status word stored: rounding in bulk. */
enum { PAIRS = 14 };

static void pair_operand(unsigned k, struct floatx80 v)
{
    memcpy(seq.data + k * 16, &v.mant, 8);
    memcpy(seq.data + k * 16 + 8, &v.se, 2);
}

static void put_address(uint32_t at)
{
    for (unsigned i = 0; i < 4; i++)
        put(at >> 8 * i & 0xff);
}

static void put_memory(unsigned op, unsigned reg, uint32_t at)
{
    put(op);
    put(0x83 | reg << 3);
    put_address(at);
}

static void make_pairs(void)
{
    static const uint8_t ops[][2] = {
        {0xd8, 0xc1}, {0xd8, 0xc9}, {0xd8, 0xe1}, {0xd8, 0xe9}, {0xd8, 0xf1}, {0xd8, 0xf9}, {0xd9, 0xfa}, {0xd9, 0xfa},
        {0xd9, 0xfc}, {0xd9, 0xe5}, {0xd8, 0xd1}, {0xdb, 0xe9}
    };
    seq.len = 0;
    make_start();
    make_data();
    seq.start.fpu.tw = 0xffff;
    static const uint16_t words[] = {0x37f, 0x27f, 0xf7f, 0x37f};
    seq.start.fpu.cw = words[below(4)];
    for (unsigned i = 0; i < PAIRS; i++) {
        struct floatx80 a = value(), b = value();
        if (below(4) == 0) { /* near each other: cancellation */
            b = a;
            b.mant ^= fpu_random() >> below(64);
            b.se ^= (uint16_t)(fpu_random() & 0x8001);
        }
        const uint8_t *op = ops[below(sizeof ops / sizeof *ops)];
        if (op[1] == 0xfa)
            a.se &= 0x7fff;
        pair_operand(2 * i, a);
        pair_operand(2 * i + 1, b);
        uint32_t out = 0x800 + i * 64;
        put_memory(0xdb, 5, (2 * i + 1) * 16);
        put_memory(0xdb, 5, 2 * i * 16);
        put(op[0]);
        put(op[1]);
        put_memory(0xdd, 7, out);
        put_memory(0xd9, 2, out + 4);
        put_memory(0xdd, 7, out + 8);
        put_memory(0xdd, 2, out + 16);
        put_memory(0xdd, 7, out + 10);
        put_memory(0xdb, 2, out + 12);
        put_memory(0xdd, 7, out + 24);
        put_memory(0xdb, 7, out + 32); /* fstp tbyte */
        put_memory(0xdf, 7, out + 48); /* fistp qword */
        put_memory(0xdd, 7, out + 26);
    }
    put(0xcc);
}

/* ---- running ---- */

static CPUX86State *reference, *machines[3];
static const unsigned tb_max[3] = {1, 4, 64};

static void run(CPUX86State *env, uint32_t at)
{
    memcpy(vec_machine_ram(env) + DATA, seq.data, DATA_SIZE);
    vec_machine_set(env, &seq.start, at);
    accel_run = env->tbs ? tb_run : interp_run_accel;
    if (!vec_machine_run(env, MAX_RUN))
        ck_abort_msg("the sequence does not end");
}

static bool differs(const CPUX86State *a, const CPUX86State *b, FILE *out)
{
    bool bad = false;
#define SAME(member, what) \
    do { \
        if (a->member != b->member) { \
            bad = true; \
            if (out) \
                fprintf(out, "  %s %llx, the interpreter's %llx\n", what, (unsigned long long)b->member, \
                        (unsigned long long)a->member); \
        } \
    } while (0)
    SAME(exception_index, "exception");
    SAME(eip, "eip");
    SAME(fptw, "stack word");
    SAME(fpuc, "control word");
    SAME(fpus, "status word");
    SAME(fpip, "FIP");
    SAME(fpcs, "FCS");
    SAME(fpdp, "FDP");
    SAME(fpds, "FDS");
    SAME(fpop, "FOP");
    for (unsigned i = 0; i < 8; i++) {
        SAME(fpregs[i].mant, "significand");
        SAME(fpregs[i].se, "exponent");
        SAME(regs[i], "general register");
    }
    if (cpu_eflags(a) != cpu_eflags(b)) {
        bad = true;
        if (out)
            fprintf(out, "  eflags %x, the interpreter's %x\n", cpu_eflags(b), cpu_eflags(a));
    }
    const uint8_t *ma = vec_machine_ram((CPUX86State *)a) + DATA, *mb = vec_machine_ram((CPUX86State *)b) + DATA;
    for (unsigned i = 0; i < DATA_SIZE; i++)
        if (ma[i] != mb[i]) {
            bad = true;
            if (out)
                fprintf(out, "  byte %x of memory is %02x, the interpreter's %02x\n", i, mb[i], ma[i]);
            break;
        }
    return bad;
}

static void print_sequence(FILE *out)
{
    char text[80];
    struct insn in;
    for (unsigned at = 0; at < seq.len; at += in.len) {
        if (decode_insn(seq.code + at, seq.len - at, DECODE_32, &in) != DECODE_OK)
            break;
        fprintf(out, "  %x  %s\n", CODE + at, insn_format(&in, CODE + at, text, sizeof text));
    }
    fprintf(out, "  cw %x sw %x tw %x\n", seq.start.fpu.cw, seq.start.fpu.sw, seq.start.fpu.tw);
}

static unsigned long long number(const char *name, unsigned long long otherwise)
{
    const char *v = getenv(name);
    return v ? strtoull(v, NULL, 0) : otherwise;
}

static void make_machines(void)
{
    reference = vec_machine_new(0);
    for (unsigned i = 0; i < 3; i++)
        machines[i] = vec_machine_new(tb_max[i]);
}

static void free_machines(void)
{
    vec_machine_free(reference);
    for (unsigned i = 0; i < 3; i++)
        vec_machine_free(machines[i]);
}

static uint64_t interpreted, all;

/* Run what seq has, on all machines; false: something differs, and was described. */
static bool check(const char *kind, unsigned long long seed, unsigned long long n)
{
    /* Sequences stand at different places of a page. */
    uint32_t at = CODE + (n % 4) * 0x500;
    vec_machine_code(reference, at, seq.code, seq.len);
    uint64_t before = reference->insns_interp;
    run(reference, at);
    all += reference->insns_interp - before;
    for (unsigned m = 0; m < 3; m++) {
        vec_machine_code(machines[m], at, seq.code, seq.len);
        before = machines[m]->insns_interp;
        for (int again = 0; again < RUNS; again++) {
            run(machines[m], at);
            if (!differs(reference, machines[m], NULL))
                continue;
            fprintf(stderr, "FPU_SEED=%llu, %s %llu, blocks of %u, run %d:\n", seed, kind, n, tb_max[m], again);
            print_sequence(stderr);
            differs(reference, machines[m], stderr);
            return false;
        }
        if (m == 2)
            interpreted += (machines[m]->insns_interp - before) / RUNS;
    }
    return true;
}

static void check_all(const char *kind, void (*make)(void), unsigned long long count, unsigned most_interpreted)
{
    unsigned long long seed = number("FPU_SEED", 1), bad = 0;
    make_machines();
    interpreted = all = 0;
    for (unsigned long long n = 0; n < count && bad < 3; n++) {
        fpu_seed(seed * 1000003 + n);
        make();
        bad += !check(kind, seed, n);
    }
    printf("%llu %ss of %.1f instructions; in blocks of 64 %.1f %% of them through the interpreter\n", count, kind,
           (double)all / (double)count, 100.0 * (double)interpreted / (double)all);
    free_machines();
    ck_assert_msg(bad == 0, "%llu %ss differ", bad, kind);
    /* Special values and stack faults are in there on purpose; templates have the rest. */
    ck_assert(interpreted * 100 < all * most_interpreted);
}

START_TEST(random_sequences)
{
    check_all("sequence", make_sequence, number("FPU_COUNT", DEFAULT_COUNT), 40);
}
END_TEST

START_TEST(pairs)
{
    check_all("chain", make_pairs, number("FPU_COUNT", DEFAULT_COUNT), 25);
}
END_TEST
#endif

int main(void)
{
#ifdef HAVE_TEMPLATES
    Suite *s = suite_create("fpu templates");
    TCase *t = tcase_create("random");
    tcase_set_timeout(t, getenv("FPU_COUNT") ? 0 : 300);
    tcase_add_test(t, random_sequences);
    tcase_add_test(t, pairs);
    suite_add_tcase(s, t);
    return suite_run(s);
#else
    return 77; /* no templates on this host */
#endif
}
