/* Operands and instructions for the x87 test: values crowd where rounding, overflow, underflow
 * and encodings make a difference. */
#include "fpu-case.h"

#include <string.h>

#define I ((uint64_t)1 << 63)
#define Q ((uint64_t)1 << 62)

const struct floatx80 fpu_specials[] = {
    { 0, 0 }, { 0, 0x8000 },
    { I, 0x3fff }, { I, 0xbfff },                          /* 1 */
    { I, 0x3ffe }, { I | 1, 0x3ffe }, { I, 0x4000 },
    { I | Q, 0x3fff }, { I | Q, 0xc000 },
    { 0xc90fdaa22168c235, 0x4000 },                        /* pi */
    { 0xc90fdaa22168c235, 0x3ffe },
    { I, 0x7fff }, { I, 0xffff },                          /* infinity */
    { I | Q, 0xffff }, { I | Q, 0x7fff },                  /* QNaN */
    { I | Q | 12345, 0x7fff }, { ~(uint64_t)0, 0xffff },
    { I | 1, 0x7fff }, { I | 1, 0xffff },                  /* SNaN */
    { (I | Q) - 1, 0x7fff },
    { 1, 0 }, { 1, 0x8000 }, { I - 1, 0 }, { Q, 0 },       /* denormal */
    { I - 1, 0x8000 },
    { I, 0 }, { I | 1, 0x8000 }, { ~(uint64_t)0, 0 },      /* pseudo-denormal */
    { 0, 1 }, { Q, 0x3fff }, { 1, 0xbfff }, { I - 1, 0x7ffe }, /* unnormal */
    { 0, 0x7fff }, { 0, 0xffff },                          /* pseudo-infinity */
    { 1, 0x7fff }, { Q, 0xffff },                          /* pseudo-NaN */
    { I, 1 }, { I, 0x8001 }, { I | 1, 1 }, { ~(uint64_t)0, 1 }, /* least normal */
    { ~(uint64_t)0, 0x7ffe }, { ~(uint64_t)0, 0xfffe }, { I, 0x7ffe },
    { ~(uint64_t)0, 0x3fff }, { ~(uint64_t)0, 0x3ffe },
    { 0xfffffffffffff800, 0x3fff }, { 0xfffffffffffffc00, 0x3fff }, { 0xffffff8000000000, 0x3fff },
    { 0xffffff0000000000, 0x407e }, { 0xffffff8000000000, 0x407e }, /* about FLT_MAX, DBL_MAX */
    { 0xfffffffffffff800, 0x43fe }, { 0xfffffffffffffc00, 0xc3fe },
    { I, 0x3f81 }, { ~(uint64_t)0, 0x3f80 }, { I, 0x3f6a }, { I, 0x3f69 }, { I | 1, 0x3f69 },
    { I, 0x3c01 }, { ~(uint64_t)0, 0x3c00 }, { I, 0x3bcd }, { I, 0x3bcc }, { I | 1, 0xbbcc },
    { I, 0x403e }, { I, 0xc03e }, { ~(uint64_t)0, 0x403d }, /* 2^63 */
    { I, 0x400e }, { I, 0xc00e }, { 0xffff000000000000, 0x400d }, { 0xffff000000000000, 0x400e },
    { I, 0x401e }, { I, 0xc01e }, { 0xfffffffe00000000, 0x401d }, { 0xffffffff00000000, 0x401d },
    { 0xde0b6b3a763fffff, 0x403a }, { 0xde0b6b3a76400000, 0x403a }, /* 10^18 */
    { 0xa000000000000000, 0x4000 }, { 0xa000000000000000, 0xc001 } /* 2.5, -5 */
};
const unsigned fpu_special_count = sizeof fpu_specials / sizeof fpu_specials[0];

static uint64_t state = 1;

void fpu_seed(uint64_t seed)
{
    state = seed;
}

/* splitmix64 */
uint64_t fpu_random(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
    return (unsigned)(fpu_random() % n);
}

static uint64_t random_mant(void)
{
    uint64_t r = fpu_random();
    switch (below(8)) {
    case 0: /* ends in zeros */
        return r << below(64);
    case 1: /* ends in ones */
        return r | (((uint64_t)1 << below(64)) - 1);
    case 2: /* few bits */
        return ((uint64_t)1 << below(64)) + ((uint64_t)1 << below(64)) - below(2);
    case 3: /* at the rounding places of single and double */
        return (r & ~(uint64_t)0xffff) + (0x400 << below(2)) + below(3) - 1;
    case 4:
        return (r & ~(((uint64_t)1 << 42) - 1)) + ((uint64_t)1 << (39 + below(2))) + below(3) - 1;
    default:
        return r;
    }
}

static int random_exp(void)
{
    static const uint16_t centres[] = { 0, 0x3fff, 0x7fff, 0x3f81, 0x407e, 0x3c01, 0x43fe, 0x3fbf, 0x403e,
                                        0x400e, 0x401e, 0x2000, 0x6000, 0x1fff, 0x5fff };
    if (below(4) == 0)
        return (int)below(0x8000);
    int e = centres[below(sizeof centres / 2)] + (int)below(below(2) ? 5 : 140) - (below(2) ? 2 : 70);
    return e < 0 ? 0 : e > 0x7fff ? 0x7fff : e;
}

struct floatx80 fpu_random_value(void)
{
    if (below(8) == 0)
        return fpu_specials[below(fpu_special_count)];
    struct floatx80 v = { random_mant(), 0 };
    int e = random_exp();
    if (e && below(64))
        v.mant |= I;
    v.se = (uint16_t)((unsigned)e | below(2) << 15);
    return v;
}

/* A value whose exponent is near to that of a. */
static struct floatx80 neighbour(struct floatx80 a)
{
    struct floatx80 v = fpu_random_value();
    int e = (a.se & 0x7fff) + (int)below(140) - 70;
    if (e < 1 || e > 0x7ffe)
        return v;
    v.se = (uint16_t)((unsigned)e | (v.se & 0x8000));
    v.mant |= I;
    if (below(4) == 0)
        v.mant = a.mant + below(5) - 2;
    return v;
}

/* What stands in memory: floats of both sizes, integers, packed decimals, 80-bit values. */
static void random_mem(uint8_t mem[FPU_MEM], unsigned op, unsigned digit)
{
    uint64_t q = fpu_random();
    struct floatx80 v = fpu_random_value();
    memset(mem, 0x5a, FPU_MEM);
    if (op == 0xdf && digit == 4) {
        for (int i = 0; i < 10; i++)
            mem[i] = (uint8_t)(below(10) << 4 | below(10));
        if (below(3) == 0)
            memset(mem + below(9), 0, 1);
        return;
    }
    if (op == 0xdb && digit == 5) {
        memcpy(mem, &v.mant, 8);
        memcpy(mem + 8, &v.se, 2);
        return;
    }
    unsigned kind = below(8);
    if (op == 0xd8 || (op == 0xd9 && digit < 4)) {
        static const uint32_t exps[] = { 0, 1, 0x7f, 0x80, 0xfe, 0xff };
        uint32_t f = (uint32_t)q;
        if (kind < 4)
            f = (f & 0x807fffffu) | exps[below(6)] << 23;
        if (kind == 1)
            f &= 0xff800000u;
        if (kind == 2)
            f &= 0xffc00001u;
        memcpy(mem, &f, 4);
    } else if (op == 0xdc || (op == 0xdd && digit < 4)) {
        static const uint64_t exps[] = { 0, 1, 0x3ff, 0x400, 0x7fe, 0x7ff };
        if (kind < 4)
            q = (q & 0x800fffffffffffffu) | exps[below(6)] << 52;
        if (kind == 1)
            q &= 0xfff0000000000000u;
        if (kind == 2)
            q &= 0xfff8000000000001u;
        memcpy(mem, &q, 8);
    } else {
        if (kind == 0)
            q = 0;
        else if (kind == 1)
            q = (uint64_t)1 << below(64);
        else if (kind == 2)
            q >>= below(64);
        memcpy(mem, &q, 8);
    }
}

/* Forms: op and modrm of all instructions that compute; control and state images are tested apart. */
static uint16_t forms[800];
static unsigned forms_n;

static void make_forms(void)
{
    for (unsigned op = 0xd8; op <= 0xdf; op++) {
        for (unsigned digit = 0; digit < 8; digit++) {
            bool none = (op == 0xd9 && digit == 1) || ((op == 0xd9 || op == 0xdd) && digit >= 4)
                || (op == 0xdb && (digit == 4 || digit == 6));
            if (!none)
                forms[forms_n++] = (uint16_t)(op << 8 | digit << 3 | 7);
        }
        for (unsigned modrm = 0xc0; modrm < 0x100; modrm++) {
            static const struct { uint8_t op, first, last; } none[] = {
                { 0xd9, 0xd1, 0xd7 }, { 0xd9, 0xe2, 0xe3 }, { 0xd9, 0xe6, 0xe7 }, { 0xd9, 0xef, 0xef },
                { 0xda, 0xe0, 0xe8 }, { 0xda, 0xea, 0xff }, { 0xdb, 0xe0, 0xe7 }, { 0xdb, 0xf8, 0xff },
                { 0xdd, 0xf0, 0xff }, { 0xde, 0xd8, 0xd8 }, { 0xde, 0xda, 0xdf }, { 0xdf, 0xe0, 0xe7 },
                { 0xdf, 0xf8, 0xff }
            };
            bool skip = false;
            for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++)
                skip |= op == none[i].op && modrm >= none[i].first && modrm <= none[i].last;
            if (!skip)
                forms[forms_n++] = (uint16_t)(op << 8 | modrm);
        }
    }
}

unsigned fpu_form_count(void)
{
    if (!forms_n)
        make_forms();
    return forms_n;
}

bool fpu_form_register(unsigned form)
{
    return fpu_form_count() > form && (forms[form] & 0xff) >= 0xc0;
}

static void base_case(struct fpu_case *c, unsigned form)
{
    fpu_form_count();
    memset(c, 0, sizeof *c);
    c->op = (uint8_t)(forms[form] >> 8);
    c->modrm = (uint8_t)forms[form];
    memset(c->in.mem, 0x5a, FPU_MEM);
}

void fpu_random_case(struct fpu_case *c, unsigned form)
{
    base_case(c, form);
    static const uint16_t pcs[] = { 0x300, 0x300, 0x200, 0x000 };
    uint16_t masks = below(3) ? 0x3f : (uint16_t)below(64);
    c->in.cw = (uint16_t)(0x40 | pcs[below(4)] | below(4) << 10 | masks);
    /* Flags that stay: only masked ones, or the instruction would not start. */
    uint16_t sticky = below(4) ? 0 : (uint16_t)(below(128) & (masks | 0x40));
    unsigned top = below(8);
    c->in.sw = (uint16_t)(top << 11 | sticky | (below(2) ? (fpu_random() & 0x4700) : 0));
    /* Mostly a stack with a few values and room to push. */
    unsigned filled = below(8) ? 2 + below(6) : below(9);
    for (unsigned i = 0; i < 8; i++)
        if (below(16) == 0 ? below(2) : i >= filled)
            c->in.empty |= (uint8_t)(1u << ((top + i) & 7));
    for (unsigned i = 0; i < 8; i++)
        c->in.st[i] = fpu_random_value();
    unsigned i = c->modrm & 7;
    if (c->modrm < 0xc0 || c->op == 0xd9)
        i = 1;
    if (below(2) && i)
        c->in.st[i] = neighbour(c->in.st[0]);
    c->in.eflags = (uint32_t)fpu_random() & CC_ARITH;
    if (c->modrm < 0xc0)
        random_mem(c->in.mem, c->op, c->modrm >> 3 & 7);
}

void fpu_pair_case(struct fpu_case *c, unsigned form, struct floatx80 a, struct floatx80 b, uint16_t cw)
{
    base_case(c, form);
    c->in.cw = cw;
    unsigned i = c->modrm & 7;
    if (c->op == 0xd9 || (c->op == 0xda && c->modrm == 0xe9))
        i = 1;
    for (unsigned k = 0; k < 8; k++)
        c->in.st[k] = (struct floatx80){ I | (uint64_t)k << 40, (uint16_t)(0x3fff + k) };
    c->in.st[i] = b;
    c->in.st[0] = a;
    c->in.empty = 0x80;
}
