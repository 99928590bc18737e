/* The sweeps of floating point forms: operand lists from the mnemonic, each rounding mode, DAZ
 * and FTZ, unmasked exceptions; for x87 each precision. */
#include "sweep-forms.h"

#include <string.h>

#include "gen.h"

enum { DAZ = 0x40, FTZ = 0x8000, MASKS = 0x1f80 };

static void (*run_it)(const struct sweep *);

static bool starts(const struct form *f, const char *with)
{
    return strncmp(f->mnem, with, strlen(with)) == 0;
}

static void encode(const struct form *f, struct sweep *s, unsigned reg, unsigned rm, bool mem, int imm)
{
    unsigned n = 0;
    uint32_t addr = SWEEP_ADDR;
    if (!strcmp(f->prefix, "66") || !strcmp(f->prefix, "F3") || !strcmp(f->prefix, "F2"))
        s->bytes[n++] = (uint8_t)(f->prefix[0] == '6' ? 0x66 : f->prefix[1] == '3' ? 0xf3 : 0xf2);
    if (f->map)
        s->bytes[n++] = 0x0f;
    s->bytes[n++] = (uint8_t)f->opcode;
    s->bytes[n++] = (uint8_t)(mem ? reg << 3 | 5 : 0xc0 | reg << 3 | rm);
    if (mem) {
        memcpy(s->bytes + n, &addr, 4);
        n += 4;
    }
    if (imm >= 0)
        s->bytes[n++] = (uint8_t)imm;
    s->len = (uint8_t)n;
}

static void run_modes(struct sweep *s, const uint16_t *modes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        s->mode = modes[i];
        run_it(s);
    }
}

/* Conversions: what they read (list, lanes, place) and write (place, bytes). */
static const struct conversion {
    const char *mnem;
    char type;
    uint8_t lanes;
    char from, to;
    uint8_t bytes;
    bool rounds;
} conversions[] = {
    {"CVTPI2PS", 'I', 2, 'm', 'x', 8, true}, {"CVTPI2PD", 'I', 2, 'm', 'x', 16, false},
    {"CVTSI2SS", 'I', 1, 'r', 'x', 4, true}, {"CVTSI2SD", 'I', 1, 'r', 'x', 8, false},
    {"CVTTPS2PI", 'S', 2, 'x', 'm', 8, false}, {"CVTTPD2PI", 'D', 2, 'x', 'm', 8, false},
    {"CVTPS2PI", 'S', 2, 'x', 'm', 8, true}, {"CVTPD2PI", 'D', 2, 'x', 'm', 8, true},
    {"CVTTSS2SI", 'S', 1, 'x', 'r', 4, false}, {"CVTTSD2SI", 'D', 1, 'x', 'r', 4, false},
    {"CVTSS2SI", 'S', 1, 'x', 'r', 4, true}, {"CVTSD2SI", 'D', 1, 'x', 'r', 4, true},
    {"CVTPS2PD", 'S', 2, 'x', 'x', 16, false}, {"CVTPD2PS", 'D', 2, 'x', 'x', 16, true},
    {"CVTSS2SD", 'S', 1, 'x', 'x', 8, false}, {"CVTSD2SS", 'D', 1, 'x', 'x', 4, true},
    {"CVTDQ2PS", 'I', 4, 'x', 'x', 16, true}, {"CVTPS2DQ", 'S', 4, 'x', 'x', 16, true},
    {"CVTTPS2DQ", 'S', 4, 'x', 'x', 16, false}, {"CVTTPD2DQ", 'D', 2, 'x', 'x', 16, false},
    {"CVTDQ2PD", 'I', 2, 'x', 'x', 16, false}, {"CVTPD2DQ", 'D', 2, 'x', 'x', 16, true},
};

static void sse_modes(struct sweep *s, bool rounds)
{
    uint16_t modes[40];
    unsigned n = 0;
    for (unsigned i = 0; i < (rounds ? 16 : 4); i++)
        modes[n++] = (uint16_t)(MASKS | (i & 3) << 13 | (i & 4 ? DAZ : 0) | (i & 8 ? FTZ : 0));
    if (!rounds)
        modes[n++] = MASKS | DAZ;
    modes[n++] = 0;
    for (unsigned i = 0; i < 6; i++)
        if (rounds || i < 2 || i == 5)
            modes[n++] = (uint16_t)(MASKS & ~(0x80 << i));
    if (rounds) { /* an unmasked underflow tells of results that masked ones flush */
        modes[n++] = (MASKS & ~0x0800) | FTZ;
        modes[n++] = (MASKS & ~0x0800) | 2 << 13;
        modes[n++] = DAZ;
    }
    run_modes(s, modes, n);
}

static void sse_sweeps(const struct form *f)
{
    struct sweep s = {.shape = '2', .res.kind = 'x', .a.kind = 'x', .b.kind = 'x'};
    size_t n = strlen(f->mnem);
    bool is_double = f->mnem[n - 1] == 'D', scalar = f->mnem[n - 2] == 'S', rounds = true;
    bool compare = starts(f, "CMP"), small = f->mnem[0] == 'R';
    s.type_a = s.type_b = is_double ? 'd' : 's';
    s.lanes = scalar ? 1 : is_double ? 2 : 4;
    s.res_bytes = (uint8_t)(s.lanes * (is_double ? 8 : 4));
    for (unsigned i = 0; i < sizeof conversions / sizeof *conversions; i++) {
        const struct conversion *c = &conversions[i];
        if (strcmp(f->mnem, c->mnem) != 0)
            continue;
        s.shape = '1';
        s.type_a = s.type_b = c->type;
        s.lanes = c->lanes;
        s.b.kind = c->from;
        s.res.kind = c->to;
        s.res_bytes = c->bytes;
        rounds = c->rounds;
    }
    if (starts(f, "CVT") && s.shape != '1')
        return;
    if (starts(f, "SQRT") || small) {
        s.shape = '1';
        s.type_b = is_double ? 'D' : 'S';
    } else if (starts(f, "HADD") || starts(f, "HSUB")) {
        s.shape = 'h';
    } else if (starts(f, "COMI") || starts(f, "UCOMI")) {
        s.res.kind = 'f';
        s.res_bytes = 2;
        s.res.n = 0;
    }
    if (starts(f, "MIN") || starts(f, "MAX") || compare || small || s.res.kind == 'f')
        rounds = false;
    for (int imm = compare ? 0 : -1; imm < (compare ? 8 : 0); imm++) {
        unsigned reg = rnd() % 8, rm = (reg + 1 + rnd() % 7) % 8;
        s.a.n = (uint8_t)reg;
        s.b.n = (uint8_t)rm;
        if (s.res.kind != 'f')
            s.res.n = (uint8_t)reg;
        encode(f, &s, reg, rm, false, imm);
        sse_modes(&s, rounds);
        struct sweep m = s;
        m.b = (struct sweep_place){'M', 0};
        encode(f, &m, reg, 0, true, imm);
        run_modes(&m, (const uint16_t[]){MASKS, 0}, 2);
        /* A register with itself. */
        if (s.b.kind == 'x' && s.res.kind != 'm' && s.res.kind != 'r' && s.shape != 'h') {
            s.shape = '1';
            if (s.type_b == 's' || s.type_b == 'd')
                s.type_b = (char)(s.type_b - 'a' + 'A');
            s.b.n = (uint8_t)reg;
            encode(f, &s, reg, reg, false, imm);
            run_modes(&s, (const uint16_t[]){MASKS, 0}, 2);
            s.shape = starts(f, "CVT") || starts(f, "SQRT") || small ? '1' : '2';
            s.type_b = s.type_a;
        }
    }
}

/* Rounding control for each precision; the first four alone; the first alone. */
static void x87_modes(struct sweep *s, unsigned n)
{
    static const uint16_t modes[] = {0x37f, 0x77f, 0xb7f, 0xf7f, 0x27f, 0x07f, 0x67f, 0xa7f, 0xe7f, 0x47f,
                                     0x87f, 0xc7f};
    run_modes(s, modes, n);
}

static void x87_memory(const struct form *f, struct sweep *s)
{
    static const struct {
        const char *op;
        char real, integer;
        uint8_t bytes;
    } sizes[] = {{"Mw", 0, 'w', 2}, {"Md", 's', 'i', 4}, {"Mq", 'd', 'q', 8}, {"Mt", 't', 0, 10}};
    for (unsigned i = 0; i < 4; i++)
        if (form_has_op(f, sizes[i].op)) {
            s->type_b = starts(f, "FI") ? sizes[i].integer : sizes[i].real;
            s->res_bytes = sizes[i].bytes;
        }
    s->b = (struct sweep_place){'M', 0};
}

static void x87_sweeps(const struct form *f)
{
    struct sweep s = {.type_a = 't', .type_b = 't', .shape = '2', .lanes = 1, .a = {'t', 0}, .b = {'t', 0}};
    size_t n = strlen(f->mnem);
    unsigned i = 1 + rnd() % 3, modes = 1;
    bool mem = f->mod == 'm';
    s.pops = f->mnem[n - 1] != 'P' ? 0 : f->mnem[n - 2] == 'P' ? 2 : 1;
    s.res = (struct sweep_place){'-', 0};
    if (form_has_op(f, "STi"))
        s.b.n = (uint8_t)i;
    if (mem)
        x87_memory(f, &s);
    if (form_is(f, "FADD FMUL FSUB FSUBR FDIV FDIVR FADDP FMULP FSUBP FSUBRP FDIVP FDIVRP FIADD FIMUL FISUB"
                " FISUBR FIDIV FIDIVR")) {
        s.res = (struct sweep_place){'t', 0};
        if (f->n_ops > 1 && !strcmp(f->ops[0], "STi"))
            s.res.n = (uint8_t)(i - (unsigned)s.pops);
        s.res_bytes = 10;
        modes = mem ? 6 : 12;
    } else if (starts(f, "FCOM") || starts(f, "FUCOM") || starts(f, "FICOM")) {
        s.res_bytes = 0;
        if (s.pops == 2)
            s.b.n = 1;
        if (strstr(f->mnem, "COMI")) {
            s.res = (struct sweep_place){'f', 0};
            s.res_bytes = 2;
        }
    } else if (form_is(f, "FTST FXAM FSQRT FRNDINT FABS FCHS")) {
        s.shape = '1';
        s.type_b = 'T';
        if (!form_is(f, "FTST FXAM")) {
            s.res = (struct sweep_place){'t', 0};
            s.res_bytes = 10;
        }
        modes = form_is(f, "FSQRT") ? 12 : form_is(f, "FRNDINT") ? 4 : 1;
    } else if (form_is(f, "FLD FILD")) {
        s.shape = '1';
        s.type_b = (char)(s.type_b - 'a' + 'A');
        s.res = (struct sweep_place){'t', 0};
        s.res_bytes = 10;
        s.pops = -1;
    } else if (mem && form_is(f, "FST FSTP FIST FISTP FISTTP FBSTP")) {
        s.shape = '1';
        s.type_b = 'T';
        s.b = (struct sweep_place){'t', 0};
        s.res = (struct sweep_place){'M', 0};
        modes = form_is(f, "FISTTP") ? 1 : 4;
    } else if (form_is(f, "FPREM FPREM1 FSCALE")) {
        s.b.n = 1;
        s.res = (struct sweep_place){'t', 0};
        s.res_bytes = 10;
        s.pops = 0;
        modes = form_is(f, "FSCALE") ? 4 : 1;
    } else {
        return;
    }
    if (s.shape == '1' && s.b.kind == 'M')
        s.a.kind = '-';
    encode(f, &s, (unsigned)f->reg, f->rm >= 0 ? (unsigned)f->rm : i, mem, -1);
    x87_modes(&s, modes);
}

void sweeps_of_form(const struct form *f, void (*run)(const struct sweep *))
{
    run_it = run;
    if (simd_form(f) && simd_float(f))
        sse_sweeps(f);
    else if (!strcmp(f->feature, "fpu") || !strcmp(f->feature, "fcmov") || form_is(f, "FISTTP"))
        x87_sweeps(f);
}
