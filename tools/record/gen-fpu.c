/* x87 state and operands for cases: values where rounding, overflow, underflow and the encodings
 * make a difference. */
#include <string.h>

#include "gen.h"

enum { ES_B = 0x8080 };

static uint64_t rnd64(void)
{
    return (uint64_t)rnd() << 32 | rnd();
}

static void value80(uint8_t *p)
{
    static const struct {
        uint64_t mant;
        uint16_t se;
    } special[] = {
        {0, 0}, {0, 0x8000}, {0x8000000000000000, 0x3fff}, {0x8000000000000000, 0xbfff},
        {0x8000000000000000, 0x7fff}, {0x8000000000000000, 0xffff},  /* infinities */
        {0xc000000000000000, 0xffff}, {0xc000000000001234, 0x7fff},  /* quiet NaNs */
        {0x8000000000000001, 0x7fff}, {0xa000000000000000, 0xffff},  /* signalling NaNs */
        {1, 0}, {0x7fffffffffffffff, 0x8000}, {0x8000000000000000, 0}, /* denormals, pseudo-denormal */
        {0x8000000000000000, 1}, {0xffffffffffffffff, 0x7ffe},       /* least and greatest normal */
        {0x4000000000000000, 0x3fff}, {0, 0x7fff},                   /* unnormal, pseudo-infinity */
        {0x8000000000000000, 0x3ffe}, {0xc000000000000000, 0x3fff}, {0xa000000000000000, 0x4000},
        {0xffffff7fffffffff, 0x407e}, {0xfffffffffffffbff, 0x43fe},  /* about FLT_MAX and DBL_MAX */
        {0x8000000000000000, 0x401e}, {0x8000000000000000, 0xc01e}, {0xffff000000000000, 0x400d},
        {0x8000000000000000, 0x403e}, {0xc90fdaa22168c235, 0x4000}, {0x8000000000000001, 0x3fff},
        {0xde0b6b3a763fffff, 0x403a}
    };
    uint64_t mant;
    uint16_t se;
    if (chance(2)) {
        unsigned i = rnd() % (sizeof special / sizeof *special);
        mant = special[i].mant;
        se = special[i].se;
    } else {
        mant = rnd64() | 1ull << 63;
        if (chance(2))
            mant &= ~0ull << rnd() % 63;
        se = (uint16_t)(chance(4) ? rnd() : (0x3fff + rnd() % 140 - 70) | (rnd() & 0x8000));
        if (!(se & 0x7fff) || (se & 0x7fff) == 0x7fff)
            se = 0x4001;
    }
    memcpy(p, &mant, 8);
    memcpy(p + 8, &se, 2);
}

/* A number in the range that F2XM1 and FYL2XP1 are defined for. */
static void small80(uint8_t *p)
{
    uint64_t mant = rnd64() | 1ull << 63;
    uint16_t se = (uint16_t)((0x3ffc - rnd() % 40) | (rnd() & 0x8000));
    memcpy(p, &mant, 8);
    memcpy(p + 8, &se, 2);
}

static void memory_operand(struct build *b)
{
    const struct form *f = b->f;
    uint8_t bytes[16];
    bool integer = f->mnem[1] == 'I';
    uint64_t q = rnd64();
    uint32_t d = rnd();
    value80(bytes);
    if (form_has_op(f, "Mt")) {
        if (form_is(f, "FBLD"))
            for (int i = 0; i < 10; i++)
                bytes[i] = (uint8_t)(rnd() % 10 << 4 | rnd() % 10);
        poke(b->c, b->target, bytes, 10);
    } else if (form_has_op(f, "Mq")) {
        static const uint16_t exps[] = {0, 1, 0x3ff, 0x400, 0x7fe, 0x7ff};
        if (!integer && chance(2))
            q = (q & 0x800fffffffffffff) | (uint64_t)exps[rnd() % 6] << 52;
        if (!integer && chance(4))
            q &= 0xfff8000000000000;
        if (integer && chance(2))
            q = (uint64_t)(int64_t)(int32_t)edge(4);
        poke(b->c, b->target, &q, 8);
    } else if (form_has_op(f, "Md")) {
        static const uint8_t exps[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
        if (integer)
            d = edge(4);
        else if (chance(2))
            d = (d & 0x807fffff) | (uint32_t)exps[rnd() % 6] << 23;
        if (!integer && chance(4))
            d &= 0xffc00000;
        poke(b->c, b->target, &d, 4);
    } else if (form_is(f, "FLDCW")) {
        d = (rnd() & 0xf3f) | 0x40;
        if ((d & 0x300) == 0x100)
            d |= 0x300;
        poke(b->c, b->target, &d, 2);
    } else if (form_is(f, "FLDENV FRSTOR")) {
        /* Control, status, tag word; exceptions stay masked three times of four. */
        uint16_t w[3] = {(uint16_t)(0x7f | (rnd() & 0xc00) | 0x300), (uint16_t)(rnd() & 0x7f7f),
                         (uint16_t)rnd()};
        uint8_t env[12];
        if (chance(4))
            w[0] &= (uint16_t)~(rnd() & 0x3f);
        for (int i = 0; i < 3; i++) {
            if (b->p.op16) {
                memcpy(env + 2 * i, &w[i], 2);
            } else {
                memcpy(env + 4 * i, &w[i], 2);
                env[4 * i + 2] = env[4 * i + 3] = 0xff;
            }
        }
        poke(b->c, b->target, env, b->p.op16 ? 6 : 12);
    }
}

/* Which of ST(0)..ST(7) the instruction reads; the others keep the world's values. */
static unsigned used_registers(const struct build *b)
{
    if (form_is(b->f, "FNSAVE FNSTENV FXAM FINCSTP FDECSTP"))
        return 0xff;
    unsigned used = 3;
    if (form_has_op(b->f, "STi"))
        used |= 1u << (b->c->bytes[b->modrm_at] & 7);
    return used;
}

void fpu_case(struct build *b)
{
    const struct form *f = b->f;
    struct fpu_state *s = &b->c->in.fpu;
    unsigned top = rnd() % 8;
    b->c->fpu = true;
    default_fpu(s);
    s->tw = 0;
    s->cw = (uint16_t)(0x40 | (chance(4) ? rnd() & 0x3f : 0x3f) | (chance(2) ? rnd() & 0xc00 : 0)
                       | (chance(3) ? (rnd() & 1) << 9 : 0x300));
    if (strstr(f->mnem, "COMI")) /* AMD sets EFLAGS even when an unmasked exception stands */
        s->cw |= 0x3f;
    s->sw = (uint16_t)(top << 11 | (rnd() & 0x4700));
    if (chance(6))
        s->sw |= (uint16_t)(rnd() & s->cw & 0x3f);
    if (chance(12) && ~s->cw & 0x3f)
        s->sw |= (uint16_t)((~s->cw & 0x3f) | ES_B); /* an exception is pending */
    for (unsigned i = 0; i < 8; i++) {
        if (used_registers(b) >> i & 1)
            value80(s->reg[(top + i) & 7]);
        if (chance(5))
            s->tw |= (uint16_t)(3u << 2 * ((top + i) & 7));
    }
    /* Loads need room. */
    if (strncmp(f->mnem, "FLD", 3) == 0 || form_is(f, "FILD FBLD FXTRACT FPTAN FSINCOS"))
        if (!chance(5))
            s->tw |= (uint16_t)(3u << 2 * ((top + 7) & 7));
    if (form_is(f, "F2XM1 FYL2XP1"))
        small80(s->reg[top]);
    if (b->p.mem)
        memory_operand(b);
}
