/* The MIPS simulator that other tests run templates in, against the MIPS that this test runs on: every
 * instruction that the template compiler knows, apart from calls and jumps, with random operands. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mips-sim-int.h"
#include "suite.h"
#include "tmplc.h"

#ifndef HWCAP_MIPS_MSA
#define HWCAP_MIPS_MSA 2
#endif
#define CASES 200
#define DIVIDED_BY_0 0x5a5a5a /* LO, as the simulator has it */

/* General registers that instructions get; $4 holds the address of the state. */
#define GPR_FIRST 8
#define GPR_COUNT 8

struct state {
    uint64_t r[GPR_COUNT], hi, lo, fcsr, msacsr;
    uint64_t v[32][2];
    uint8_t mem[128];
} __attribute__((aligned(16)));

static uint32_t *load_code, *save_code, *slot;
static bool msa;
static uint64_t seed = UINT64_C(88172645463325252);

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * UINT64_C(2685821657736338717);
}

static uint64_t fp_value(void)
{
    static const uint64_t doubles[] = {
        0, UINT64_C(1) << 63, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000, 0xfff0000000000000,
        0x7ff8000000000001, 0xfff7000000000123, 0x7ff0000000000001, 1, 0x800fffffffffffff, 0x0010000000000000,
        0x7fefffffffffffff, 0x41dfffffffc00000, 0xc1e0000000000000, 0x43e0000000000000, 0xc3e0000000000000,
        0x3fe0000000000000, 0x4004000000000000, 0x47efffffe0000000, 0x36a0000000000000, 0x41efffffffe00000,
    };
    static const uint32_t singles[] = {
        0, 1u << 31, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00001, 0xffb00123, 0x7f800001, 1,
        0x807fffff, 0x00800000, 0x7f7fffff, 0x4effffff, 0xcf000000, 0x5f000000, 0x3f000000, 0x40200000,
    };
    uint64_t k = rnd() % 8, a, b;
    switch (k) {
    case 0: return rnd();
    case 1: case 2: return doubles[rnd() % (sizeof(doubles) / sizeof(doubles[0]))];
    case 3: case 4:
        a = singles[rnd() % (sizeof(singles) / sizeof(singles[0]))];
        b = singles[rnd() % (sizeof(singles) / sizeof(singles[0]))];
        return a | b << 32;
    case 5: /* doubles of like size */
        return (rnd() & UINT64_C(0x800fffffffffffff)) | (1020 + rnd() % 8) << 52;
    case 6: /* singles of like size */
        return (rnd() & UINT64_C(0x807fffff807fffff)) | (124 + rnd() % 8) << 23 | (124 + rnd() % 8) << 55;
    default: return rnd() & rnd() & UINT64_C(0xff00ff7f80ff01ff);
    }
}

static uint64_t gpr_value(void)
{
    static const int64_t edges[] = {
        0, 1, -1, 31, 32, 63, 64, 127, 128, 255, 0x7fff, -0x8000, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN,
        0xffffffff, 0x80000000,
    };
    switch (rnd() % 4) {
    case 0: return rnd();
    case 1: return (uint64_t)edges[rnd() % (sizeof(edges) / sizeof(edges[0]))];
    case 2: return rnd() & 15;
    default: return (uint64_t)(int64_t)(int32_t)rnd();
    }
}

static void random_state(struct state *x)
{
    for (int i = 0; i < GPR_COUNT; i++)
        x->r[i] = gpr_value();
    x->hi = rnd();
    x->lo = rnd();
    x->fcsr = (rnd() & 0xfe800000) | (rnd() & 0x7c) | (rnd() & 3);
    x->msacsr = (rnd() & 0x7c) | (rnd() & 3);
    for (int i = 0; i < 32; i++)
        for (int k = 0; k < 2; k++)
            x->v[i][k] = fp_value();
    for (int i = 0; i < 128; i++)
        x->mem[i] = (uint8_t)rnd();
}

/* ---- on this machine ---- */

static uint32_t *i_type(uint32_t *p, unsigned op, unsigned base, unsigned rt, size_t offset)
{
    *p = op << 26 | base << 21 | rt << 16 | (uint32_t)offset;
    return p + 1;
}

/* load or store all of the state at $4 */
static uint32_t *move_state(uint32_t *p, bool save)
{
    if (save) {
        *p++ = 0x4443f800; /* cfc1 $3, $31 */
        p = i_type(p, 0x3f, 4, 3, offsetof(struct state, fcsr));
        *p++ = 0x00001810; /* mfhi $3 */
        p = i_type(p, 0x3f, 4, 3, offsetof(struct state, hi));
        *p++ = 0x00001812; /* mflo $3 */
        p = i_type(p, 0x3f, 4, 3, offsetof(struct state, lo));
        if (msa) {
            *p++ = 0x787e0819 | 3u << 6; /* cfcmsa $3, $1 */
            p = i_type(p, 0x3f, 4, 3, offsetof(struct state, msacsr));
        }
    } else {
        p = i_type(p, 0x37, 4, 3, offsetof(struct state, hi));
        *p++ = 0x00600011; /* mthi $3 */
        p = i_type(p, 0x37, 4, 3, offsetof(struct state, lo));
        *p++ = 0x00600013; /* mtlo $3 */
        p = i_type(p, 0x37, 4, 3, offsetof(struct state, fcsr));
        *p++ = 0x44c3f800; /* ctc1 $3, $31 */
        if (msa) {
            p = i_type(p, 0x37, 4, 3, offsetof(struct state, msacsr));
            *p++ = 0x783e0019 | 3u << 11 | 1u << 6; /* ctcmsa $1, $3 */
        }
    }
    for (unsigned i = 0; i < 32; i++) {
        size_t at = offsetof(struct state, v) + 16 * i;
        if (msa) /* ld.d, st.d */
            *p++ = (save ? 0x78000027u : 0x78000023u) | (uint32_t)(at / 8) << 16 | 4u << 11 | i << 6;
        else
            p = i_type(p, save ? 0x3d : 0x35, 4, i, at);
    }
    for (unsigned i = 0; i < GPR_COUNT; i++)
        p = i_type(p, save ? 0x3f : 0x37, 4, GPR_FIRST + i, offsetof(struct state, r) + 8 * i);
    return p;
}

/* The state is loaded and saved by code that stays; what changes lies in a page of its own, which is all that
 * an emulator has to translate again. */
static void make_code(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint32_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert(p != MAP_FAILED);
    load_code = p;
    p = move_state(p, false);
    *p++ = 0x00a00008; /* jr $5 */
    *p++ = 0;
    save_code = p;
    p = move_state(p, true);
    *p++ = 0x44c0f800; /* ctc1 $0, $31 */
    *p++ = 0x03e00008; /* jr $31 */
    *p++ = 0;
    __builtin___clear_cache((char *)load_code, (char *)p);
    slot = load_code + page / 4;
}

static void run_native(struct state *x, const uint32_t *words, int n)
{
    memcpy(slot, words, 4 * (size_t)n);
    slot[n] = 0x00c00008; /* jr $6 */
    slot[n + 1] = 0;
    __builtin___clear_cache((char *)slot, (char *)(slot + n + 2));
#ifdef __mips__
    register struct state *a0 __asm__("$4") = x;
    register uint32_t *a1 __asm__("$5") = slot;
    register uint32_t *a2 __asm__("$6") = save_code;
    register uint32_t *t9 __asm__("$25") = load_code;
    __asm__ volatile("jalr %3"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(t9)
                     :
                     : "$1", "$2", "$3", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24",
                       "$31", "hi", "lo", "memory", "$f0", "$f1", "$f2", "$f3", "$f4", "$f5", "$f6", "$f7",
                       "$f8", "$f9", "$f10", "$f11", "$f12", "$f13", "$f14", "$f15", "$f16", "$f17", "$f18",
                       "$f19", "$f20", "$f21", "$f22", "$f23", "$f24", "$f25", "$f26", "$f27", "$f28", "$f29",
                       "$f30", "$f31");
#else
    (void)x;
#endif
}

/* ---- in the simulator ---- */

static const char *run_simulated(struct state *x, uint64_t address, const uint32_t *words, int n)
{
    struct mips_sim s = { .hi = x->hi, .lo = x->lo, .fcsr = (uint32_t)x->fcsr, .msacsr = (uint32_t)x->msacsr,
                          .mem = { { address, sizeof(*x), (uint8_t *)x } } };

    for (int i = 0; i < 32; i++) {
        s.f[i] = x->v[i][0];
        s.w[i] = x->v[i][1];
    }
    for (int i = 0; i < GPR_COUNT; i++)
        s.r[GPR_FIRST + i] = x->r[i];
    mips_sim_run(&s, words, n, -1);
    x->hi = s.hi;
    x->lo = s.lo;
    x->fcsr = (uint64_t)(int32_t)s.fcsr;
    x->msacsr = s.msacsr;
    for (int i = 0; i < 32; i++) {
        x->v[i][0] = s.f[i];
        x->v[i][1] = s.w[i];
    }
    for (int i = 0; i < GPR_COUNT; i++)
        x->r[i] = s.r[GPR_FIRST + i];
    return s.error;
}

/* ---- random operands ---- */

static int element_log2(const struct opcode *op)
{
    const char *where = strchr("bhwd", op->name[strlen(op->name) - 1]);
    return where ? (int)(where - "bhwd") : 0;
}

/* Words with random fields.  Memory operands: $15 is the base, $14 the index; see set_base(). */
static uint32_t random_word(const struct opcode *op)
{
    uint32_t w = op->word, gpr = GPR_FIRST + (uint32_t)rnd() % (GPR_COUNT - 2);
    unsigned pos = (unsigned)rnd() % 32, size, df = (unsigned)element_log2(op);
    bool wide_field = op->name[0] == 'd';
    char last = op->name[strlen(op->name) - 1];

    for (const char *f = op->fmt; *f; f++) {
        uint32_t fr = (uint32_t)rnd() & 31;
        gpr = GPR_FIRST + (uint32_t)rnd() % (GPR_COUNT - 2);
        switch (*f) {
        case 'd': case 'D': w |= gpr << 11; break;
        case 'e': w |= gpr << 11 | gpr << 16; break;
        case 's': w |= gpr << 21; break;
        case 't': case 'T': case 'U': w |= gpr << 16; break;
        case 'o': case 'f': case 'E': case 'w': case 'W': case 'K': case 'j':
            w |= (*f == 'o' ? gpr : fr) << 6;
            if (*f == 'j')
                w |= ((uint32_t)rnd() & ((16u >> df) - 1)) << 16;
            break;
        case 'l': w |= ((uint32_t)rnd() & ((16u >> df) - 1)) << 16; /* fall through */
        case 'm': case 'F': case 'H': case 'P': case 'v': case 'L': w |= (*f == 'm' ? gpr : fr) << 11; break;
        case 'S': w |= fr << 11 | gpr << 16; break;
        case 'G': /* QEMU 7.2's indexed loads to $f0 do nothing; tmplc refuses them */
            w |= (fr ? fr : 1) << 16;
            break;
        case 'g': case 'k': w |= fr << 16; break;
        case 'n': case 'r': w |= gpr; break;
        case 'V': case 'I': w |= fr; break;
        case 'C': w |= (fr & (strstr(op->name, ".ps") ? 6 : 7)) << 8; break;
        case 'c': case 'N': w |= (fr & (strstr(op->name, ".ps") ? 6 : 7)) << 18; break;
        case 'R': w |= (fr & 1 ? 31u : 25u) << 11; break;
        case 'x': w |= 1u << 11; break;
        case 'A': w |= 1u << 6; break;
        case 'i': case 'u': w |= (uint32_t)rnd() & 0xffff; break;
        case 'a': w |= fr << 6; break;
        case 'p':
            size = 1 + (unsigned)rnd() % (32 - (wide_field ? 0 : pos));
            w |= pos << 6 | ((size - 1) & 31) << 11;
            if (last == 'm') /* 33 to 64 - pos bits */
                w = (w & ~(31u << 11)) | ((unsigned)rnd() % (32 - pos)) << 11;
            if (last == 'u')
                w = (w & ~(31u << 11)) | ((unsigned)rnd() % (32 - pos)) << 11;
            break;
        case 'q':
            w |= pos << 6 | (pos + (unsigned)rnd() % (32 - pos)) << 11;
            if (last == 'm')
                w = (w & ~(31u << 11)) | ((uint32_t)rnd() & 31) << 11;
            break;
        case 'O': w |= 15u << 21 | ((uint32_t)(rnd() % 33 - 16) & 0xffff); break;
        case 'X': w |= 15u << 21 | 14u << 11 | ((uint32_t)(rnd() % 33 - 16) & 0xff) << 3; break;
        case 'Q': w |= 15u << 21 | ((uint32_t)(rnd() % 2 - 1) & 0x1ff) << 6; break;
        case '1': case '2': case '4': case '8':
            w |= 15u << 11 | ((uint32_t)(rnd() % (32u >> df) - (16 >> df)) & 0x3ff) << 16;
            break;
        case 'B': w |= ((uint32_t)rnd() & ((8u << df) - 1)) << 16; break;
        case '5': case '6': w |= fr << 16; break;
        case 'h': w |= ((uint32_t)rnd() & 255) << 16; break;
        case '9': w |= ((uint32_t)rnd() & 1023) << 11; break;
        }
    }
    return w;
}

static bool unpredictable(uint64_t ours, uint64_t native)
{
    return ours == SCRAMBLE || (ours >> 32 == SCRAMBLE >> 32 && (uint32_t)ours == (uint32_t)native);
}

static bool same(const struct state *ours, const struct state *native)
{
    for (int i = 0; i < 32; i++) {
        if (ours->v[i][0] != native->v[i][0] && !unpredictable(ours->v[i][0], native->v[i][0]))
            return false;
        if (msa && ours->v[i][1] != native->v[i][1] && !unpredictable(ours->v[i][1], native->v[i][1]))
            return false;
    }
    return !memcmp(ours->r, native->r, sizeof(ours->r)) 
        && ((ours->hi == native->hi && ours->lo == native->lo) || (ours->lo == DIVIDED_BY_0))
        && !memcmp(ours->mem, native->mem, sizeof(ours->mem))
        && !((ours->fcsr ^ native->fcsr) & 0xfe80007f) && (!msa || !((ours->msacsr ^ native->msacsr) & 0x7f));
}

static void report(const struct opcode *op, uint32_t w, const struct state *in, const struct state *ours,
                   const struct state *native)
{
    printf("%s %08x: fcsr %08x -> %08x, native %08x; msacsr %x -> %x, native %x\n", op->name, w,
           (unsigned)in->fcsr, (unsigned)ours->fcsr, (unsigned)native->fcsr, (unsigned)in->msacsr,
           (unsigned)ours->msacsr, (unsigned)native->msacsr);
    for (int i = 0; i < GPR_COUNT; i++)
        if (ours->r[i] != native->r[i])
            printf("  $%d %llx -> %llx, native %llx\n", GPR_FIRST + i, (long long)in->r[i],
                   (long long)ours->r[i], (long long)native->r[i]);
    for (int i = 0; i < 32; i++) {
        bool differs = ours->v[i][0] != native->v[i][0] || ours->v[i][1] != native->v[i][1];
        unsigned fs = w >> 11 & 31, ft = w >> 16 & 31;
        if (differs || (unsigned)i == fs || (unsigned)i == ft)
            printf("  $f%d %016llx%016llx -> %016llx%016llx, native %016llx%016llx\n", i,
                   (long long)in->v[i][1], (long long)in->v[i][0], (long long)ours->v[i][1],
                   (long long)ours->v[i][0], (long long)native->v[i][1], (long long)native->v[i][0]);
    }
    if (ours->hi != native->hi || ours->lo != native->lo)
        printf("  hi %llx, native %llx; lo %llx, native %llx\n", (long long)ours->hi, (long long)native->hi,
               (long long)ours->lo, (long long)native->lo);
}

/* Not simulated, and what depends on more than the registers. */
static bool left_out(const struct opcode *op)
{
    static const char *const names[] = {
        "ll", "lld", "sc", "scd", "synci", "madd", "maddu", "msub", "msubu", "gsdiv", "gsddiv", "gsdivu",
        "gsddivu", "gsmodu", "gsdmod", "gsdmodu", "ctc1", "ctcmsa",
    };
    static const char *const stems[] = {
        "fexp2", "fmadd.", "fmsub.", "frsqrt", "frcp", "flog2", "frint", "ftrunc_u", "ftint_u", "ffint_u", "ffq",
        "ftq", "fexdo.h", "fexup", "madd_q", "fmax_a", "fmin_a",
    };
    if ((op->flags & (OP_LINK | OP_REFUSED)) || strpbrk(op->fmt, "J") || !strcmp(op->name, "jr"))
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(op->name, names[i]))
            return true;
    for (size_t i = 0; i < sizeof(stems) / sizeof(stems[0]); i++)
        if (!strncmp(op->name, stems[i], strlen(stems[i]))
            && strcmp(op->name, "fexupl.d") && strcmp(op->name, "fexupr.d"))
            return true;
    return (op->word >> 26 == 0x1e || strchr(op->fmt, 'k')) && !msa;
}

static unsigned done, instructions;

/* False: it differs, and has been reported. */
static bool compare(const struct opcode *op)
{
    static struct state in, ours, native;
    unsigned ran = 0;

    for (int k = 0; k < CASES; k++) {
        uint32_t w = random_word(op);
        /* A branch goes over the second of three additions; the first is in its slot. */
        int n = op->flags & OP_BRANCH ? 4 : 1;
        uint32_t words[4] = { n > 1 ? w | 2 : w, 0x252900aa, 0x254a00bb, 0x256b00cc };
        random_state(&in);
        /* the middle of mem, any alignment; gslq's must be aligned */
        uint64_t at = strchr(op->fmt, 'Q') ? 64 : 56 + rnd() % 16;
        native = in;
        uint64_t address = (uint64_t)(uintptr_t)native.mem + at;
        if (op->flags & OP_MEM) {
            native.r[7] = address;
            native.r[6] = rnd() % 8;
            if (strchr(op->fmt, 'X'))
                native.r[7] -= native.r[6];
        }
        ours = native;
        in = native;
        const char *error = run_simulated(&ours, (uint64_t)(uintptr_t)&native, words, n);
        if (error && strstr(error, "sign-extended"))
            continue;
        if (error && strchr(op->fmt, 'p')) /* a field that leaves the register */
            continue;
        if (error && op->word >> 26 == 0x1e && strstr(op->name, "_") && (op->word & 63) == 0x12)
            continue; /* division by zero */
        if ((!strcmp(op->name, "div") || !strcmp(op->name, "divu")) && !(uint32_t)in.r[(w >> 16 & 31) - GPR_FIRST])
            continue; /* division by zero: unpredictable */
        if (error) {
            printf("%s %08x: %s\n", op->name, w, error);
            return false;
        }
        run_native(&native, words, n);
        ran++;
        if (!same(&ours, &native)) {
            report(op, w, &in, &ours, &native);
            return false;
        }
    }
    done += ran;
    instructions++;
    if (ran < CASES / 20)
        printf("%s: only %u cases\n", op->name, ran);
    return ran >= CASES / 20;
}

START_TEST(every_instruction)
{
    unsigned failed = 0;

    msa = getauxval(AT_HWCAP) & HWCAP_MIPS_MSA;
    make_code();
    for (size_t i = 0; opcode_at(i); i++)
        if (!left_out(opcode_at(i)))
            failed += !compare(opcode_at(i));
    printf("%u cases of %u instructions, %s MSA\n", done, instructions, msa ? "with" : "without");
    ck_assert_int_eq(failed, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mips_sim");
    TCase *t = tcase_create("all");

    tcase_add_test(t, every_instruction);
    tcase_set_timeout(t, 300);
    suite_add_tcase(s, t);
    return suite_run(s);
}
