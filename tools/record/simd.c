/* MMX and SSE cases: registers and operands by the type of their elements, MXCSR, the x87 state
 * that MMX takes over, aligned and misaligned addresses. */
#include <string.h>

#include "gen.h"

enum element { INTEGER, SINGLE, DOUBLE };

bool simd_form(const struct form *f)
{
    static const char *const features[] = {"mmx", "fxsr", "sse", "sse2", "sse3", "clfsh"};
    for (unsigned i = 0; i < sizeof features / sizeof *features; i++)
        if (!strcmp(f->feature, features[i]))
            return strcmp(f->mnem, "FISTTP") != 0;
    return false;
}

bool simd_float(const struct form *f)
{
    static const char *const starts[] = {
        "ADDS", "ADDP", "MULS", "MULP", "SUBS", "SUBP", "DIVS", "DIVP", "MINS", "MINP", "MAXS", "MAXP", "SQRT",
        "RSQRT", "RCP", "CMP", "HADD", "HSUB", "COMIS", "UCOMIS", "CVT"
    };
    for (unsigned i = 0; i < sizeof starts / sizeof *starts; i++)
        if (!strncmp(f->mnem, starts[i], strlen(starts[i])))
            return true;
    return false;
}

bool simd_mmx(const struct form *f)
{
    return form_has_op(f, "Pq") || form_has_op(f, "Qq") || form_has_op(f, "Qd") || form_has_op(f, "Nq")
        || form_is(f, "EMMS");
}

static bool has_one_of(const struct form *f, const char *a, const char *b, const char *c, const char *d)
{
    return form_has_op(f, a) || form_has_op(f, b) || form_has_op(f, c) || form_has_op(f, d);
}

static bool packed_shift(const struct form *f)
{
    return !strncmp(f->mnem, "PSLL", 4) || !strncmp(f->mnem, "PSRL", 4) || !strncmp(f->mnem, "PSRA", 4);
}

/* The element type of what the instruction reads. */
static enum element elements(const struct form *f)
{
    const char *m = f->mnem;
    size_t n = strlen(m);
    if (!strncmp(m, "CVT", 3)) {
        m += m[3] == 'T' ? 4 : 3;
        return m[0] == 'D' || m[1] == 'I' ? INTEGER : m[1] == 'S' ? SINGLE : DOUBLE;
    }
    if (f->feature[0] == 'm' || n < 3 || (m[n - 2] != 'P' && m[n - 2] != 'S'))
        return INTEGER;
    return m[n - 1] == 'S' ? SINGLE : m[n - 1] == 'D' ? DOUBLE : INTEGER;
}

static uint32_t single(void)
{
    uint32_t v;
    switch (rnd() % 4) {
    case 0:
        memcpy(&v, &sweep_long_f32[rnd() % SWEEP_N(sweep_long_f32)], 4);
        return v;
    case 1: /* few significant bits */
        return (rnd() & 0x80780000) + 0x3c000000 + (rnd() % 16 << 23);
    case 2: /* near to one */
        return (rnd() & 0x807fffff) | (0x7f - 12 + rnd() % 24) << 23;
    default:
        return rnd();
    }
}

static uint64_t double_value(void)
{
    uint64_t v = (uint64_t)rnd() << 32 | rnd();
    switch (rnd() % 4) {
    case 0:
        return sweep_long_f64[rnd() % SWEEP_N(sweep_long_f64)];
    case 1:
        return (v & 0x800f000000000000) | (uint64_t)(0x3ff - 8 + rnd() % 16) << 52;
    case 2:
        return (v & 0x800fffffffffffff) | (uint64_t)(0x3ff - 24 + rnd() % 48) << 52;
    default:
        return v;
    }
}

static void fill(enum element type, uint8_t *out, unsigned len)
{
    unsigned size = chance(3) ? 4 : chance(2) ? 2 : 1;
    for (unsigned i = 0; i < len;) {
        uint32_t v = type == SINGLE ? single() : edge(size);
        uint64_t q = double_value();
        unsigned n = type == SINGLE ? 4 : type == DOUBLE ? 8 : size;
        if (i + n > len)
            n = len - i;
        memcpy(out + i, type == DOUBLE ? (void *)&q : (void *)&v, n);
        i += n;
    }
}

void simd_registers(struct build *b)
{
    struct state *s = &b->c->in;
    uint32_t flags = s->eflags & 0x8d5;
    for (unsigned i = 0; i < 8; i++)
        s->regs[i] = world_reg(i);
    s->eflags = 0x202 | (form_is(b->f, "COMISS COMISD UCOMISS UCOMISD") ? flags : 0);
    if (form_is(b->f, "MASKMOVQ MASKMOVDQU")) {
        int seg = b->p.seg >= 0 ? b->p.seg : DS;
        uint32_t offset = data_address(16) - (s->segs[seg] == WORLD_FS ? WORLD_DATA : 0);
        s->regs[EDI] = b->p.a16 ? (offset & 0xffff) | rnd() << 16 : offset;
    }
}

uint32_t simd_address(struct build *b)
{
    uint32_t a = data_address(16);
    if (form_is(b->f, "FXSAVE FXRSTOR")) {
        a = WORLD_DATA + 0x100 + rnd() % 0x1c00;
        return chance(6) ? a : a & ~15u;
    }
    if (chance(6))
        return a;
    return a & (chance(3) ? ~7u : ~15u);
}

static uint32_t random_mxcsr(void)
{
    uint32_t v = WORLD_MXCSR;
    if (chance(2))
        v = (v & ~0x6000u) | (rnd() & 0x6000);
    if (chance(4))
        v |= 0x8000;
    if (chance(4))
        v |= 0x0040;
    if (chance(4))
        v &= ~(rnd() & 0x1f80);
    if (chance(3))
        v |= rnd() & 0x3f;
    return v;
}

/* What MMX instructions find: mostly a state that MMX left, else any of the x87. */
static void mmx_state(struct build *b)
{
    const struct form *f = b->f;
    struct fpu_state *s = &b->c->in.fpu;
    unsigned modrm = b->modrm_at ? b->c->bytes[b->modrm_at] : 0, reg = modrm >> 3 & 7, rm = modrm & 7;
    uint16_t count = (uint16_t)(rnd() % 70);
    b->c->fpu = true;
    default_fpu(s);
    if (form_has_op(f, "Pq"))
        fill(elements(f), s->reg[reg], 8);
    if (!b->p.mem && (form_has_op(f, "Qq") || form_has_op(f, "Qd") || form_has_op(f, "Nq"))) {
        fill(elements(f), s->reg[rm], 8);
        if (packed_shift(f) && !form_has_op(f, "Ib") && !chance(4)) {
            memset(s->reg[rm], 0, 8);
            memcpy(s->reg[rm], &count, 2);
        }
    }
    /* Whether CVTPI2PS and CVTPI2PD with memory touch the x87 depends on the processor. */
    if (b->p.mem && form_is(f, "CVTPI2PS CVTPI2PD"))
        return;
    if (chance(3)) {
        unsigned top = rnd() % 8;
        s->sw = (uint16_t)(top << 11 | (rnd() & 0x4700));
        for (unsigned i = 0; i < 8; i++)
            if (chance(2))
                s->tw |= (uint16_t)(3u << 2 * i);
        for (unsigned i = 0; i < 2; i++)
            s->reg[rnd() % 8][9] = 0x3f;
    }
    if (chance(12)) { /* an x87 exception is pending */
        s->cw &= (uint16_t)~1;
        s->sw |= 0x8081;
    }
}

static void state_image(struct build *b)
{
    struct testcase *c = b->c;
    uint8_t head[32] = {0};
    uint16_t cw = (uint16_t)(0x7f | (rnd() & 0xc00) | (chance(2) ? 0x300 : 0x200));
    uint16_t sw = (uint16_t)(rnd() & 0x7f7f);
    uint32_t mxcsr = random_mxcsr();
    if (form_is(b->f, "FXSAVE")) {
        /* Some processors leave the x87 pointers out, and MXCSR_MASK is the processor's own. */
        poke(c, b->target + 6, head, 16);
        poke(c, b->target + 22, head, 2);
        if (!(b->target & 15)) {
            c->any.addr = (uint16_t)(b->target + 28);
            c->any.len = 4;
        }
        return;
    }
    if (chance(4))
        mxcsr |= chance(2) ? 0x10000u : 0x40000u << rnd() % 14;
    memcpy(head, &cw, 2);
    memcpy(head + 2, &sw, 2);
    head[4] = (uint8_t)rnd();
    memcpy(head + 24, &mxcsr, 4);
    poke(c, b->target, head, 16);
    poke(c, b->target + 16, head + 16, 16);
}

void simd_case(struct build *b)
{
    const struct form *f = b->f;
    struct testcase *c = b->c;
    enum element type = elements(f);
    unsigned modrm = b->modrm_at ? c->bytes[b->modrm_at] : 0, reg = modrm >> 3 & 7, rm = modrm & 7;
    uint8_t *imm = &c->bytes[b->imm_at], mem[16];
    uint32_t count = rnd() % 140;
    bool shift = packed_shift(f);

    if (form_is(f, "FXSAVE FXRSTOR")) {
        fpu_case(b);
        c->in.fpu.cw |= 0x3f;
        c->in.fpu.sw &= (uint16_t)~0x8080;
        c->in.mxcsr = random_mxcsr();
        state_image(b);
        return;
    }
    if (simd_mmx(f))
        mmx_state(b);
    if (simd_float(f) ? chance(2) : chance(8))
        c->in.mxcsr = random_mxcsr();
    if (b->imm_len) {
        *imm = (uint8_t)rnd();
        if (!strncmp(f->mnem, "CMP", 3))
            *imm &= 7;
        if (shift && !chance(4))
            *imm = (uint8_t)(rnd() % 66);
    }
    if (form_has_op(f, "Vx") || form_has_op(f, "Ux"))
        fill(type, c->in.xmm[form_has_op(f, "Vx") ? reg : rm], 16);
    if (!b->p.mem && has_one_of(f, "Wx", "Wq", "Wd", "Ux")) {
        fill(type, c->in.xmm[rm], 16);
        if (shift && !form_has_op(f, "Ib") && !chance(4)) {
            memset(c->in.xmm[rm], 0, 8);
            memcpy(c->in.xmm[rm], &count, 4);
        }
    }
    if (form_has_op(f, "Gd") && b->p.mem && !(b->fixed >> reg & 1))
        c->in.regs[reg] = edge(4);
    if (!b->p.mem && (form_has_op(f, "Ed") || form_has_op(f, "Edw")))
        c->in.regs[rm] = edge(4);
    if (!b->p.mem)
        return;
    fill(type, mem, 16);
    if (shift && !chance(4)) {
        memset(mem, 0, 8);
        memcpy(mem, &count, 4);
    }
    if (form_is(f, "LDMXCSR")) {
        uint32_t v = random_mxcsr();
        if (chance(4))
            v |= chance(2) ? 0x10000u : 0x40000u << rnd() % 14;
        memcpy(mem, &v, 4);
    }
    bool small = has_one_of(f, "Wd", "Md", "Ed", "Edw"), middle = has_one_of(f, "Wq", "Mq", "Qq", "Qd");
    poke(c, b->target, mem, small ? 4 : middle ? 8 : 16);
    if ((small || middle) && !form_has_op(f, "Qd") && chance(16))
        c->in.eflags |= 0x40000; /* AC; what it means for 16 bytes depends on the processor */
}
