/* Runs sweeps (sweep.h) and writes their results.  sweep-forms.c says which ones there are. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen.h"
#include "sweep-forms.h"

struct outcome {
    uint8_t value[16];
    uint16_t flags; /* MXCSR's or the status word */
    int16_t vector; /* -1: none */
};

/* A sweep that stands in a file, for those after it to refer to. */
struct written {
    struct written *next;
    FILE *out;
    unsigned number, count, res_bytes;
    struct outcome outcomes[];
};

static struct testcase cases[SWEEP_MAX];
static const struct sweep *cur;
static struct outcome now[SWEEP_MAX];
static struct written *all;

static bool x87(const struct sweep *s)
{
    return s->a.kind == 't' || s->b.kind == 't' || s->res.kind == 't';
}

static void *place(struct state *s, struct sweep_place p)
{
    switch (p.kind) {
    case 'x': return s->xmm[p.n];
    case 'm': return s->fpu.reg[p.n];
    case 'r': return &s->regs[p.n];
    case 't': return s->fpu.reg[((s->fpu.sw >> 11) + p.n) & 7];
    case 'f': return &s->eflags;
    default: return (void *)(uintptr_t)SWEEP_ADDR;
    }
}

static void build(const struct sweep *s, unsigned n, struct testcase *c)
{
    static const uint16_t segs[6] = {WORLD_DS, WORLD_CS32, WORLD_DS, WORLD_DS, WORLD_FS, WORLD_GS};
    struct state *in = &c->in;
    memset(c, 0, sizeof *c);
    memcpy(c->bytes, s->bytes, s->len);
    c->len = s->len;
    for (unsigned i = 0; i < 8; i++)
        in->regs[i] = world_reg(i);
    in->eflags = 0x202;
    memcpy(in->segs, segs, sizeof segs);
    default_simd(in);
    default_fpu(&in->fpu);
    c->fpu = true;
    if (x87(s)) {
        in->fpu.cw = s->mode;
        in->fpu.sw = SWEEP_SW;
        in->fpu.tw = SWEEP_TW;
    } else {
        in->mxcsr = s->mode;
    }
    for (int second = 0; second < 2; second++) {
        struct sweep_place p = second ? s->b : s->a;
        uint8_t value[16];
        unsigned len = sweep_operand(s, n, second, value);
        if (len && p.kind == 'M')
            poke(c, SWEEP_ADDR, value, len);
        else if (len)
            memcpy(place(in, p), value, len);
    }
}

static _Noreturn void surprise(const struct testcase *c, const char *what)
{
    fprintf(stderr, "record: sweep of");
    for (unsigned i = 0; i < c->len; i++)
        fprintf(stderr, " %02x", c->bytes[i]);
    fprintf(stderr, ", case %u: %s\n", (unsigned)(c - cases), what);
    _exit(1);
}

/* Take the result out of the case, and check that it is all there was. */
static void save(struct testcase *c)
{
    struct outcome *o = &now[c - cases];
    struct state want = c->in;
    bool memory = cur->res.kind == 'M', none = cur->res.kind == '-';
    memset(o, 0, sizeof *o);
    o->vector = (int16_t)c->vector;
    o->flags = x87(cur) ? c->out.fpu.sw : (uint16_t)(c->out.mxcsr & 0x3f);
    if (c->vector < 0 && !none)
        memcpy(o->value, place(&c->out, cur->res), cur->res_bytes);
    want.eip = WORLD_START + (c->vector < 0 ? c->len : 0);
    want.fpu.tw = c->out.fpu.tw; /* also tells what is in the registers */
    if (x87(cur))
        want.fpu.sw = o->flags;
    else
        want.mxcsr |= o->flags;
    if (c->vector < 0 && !none && !memory)
        memcpy(place(&want, cur->res), o->value, cur->res_bytes);
    if (memcmp(&want, &c->out, sizeof want) != 0)
        surprise(c, "it changed more than its result");
    for (unsigned i = 0; i < c->n_diffs; i++)
        if (!memory || c->vector >= 0 || c->diffs[i].addr < SWEEP_ADDR
            || c->diffs[i].addr + c->diffs[i].len > SWEEP_ADDR + cur->res_bytes)
            surprise(c, "memory changed");
    for (int i = 0; i < 8 && x87(cur); i++)
        if (((c->out.fpu.tw >> 2 * i & 3) == 3) != (sweep_empty(cur->pops) >> i & 1))
            surprise(c, "tags");
    if (x87(cur) && ((o->flags >> 11) - (SWEEP_SW >> 11) - cur->pops) % 8)
        surprise(c, "TOP");
}

static unsigned equal_outcomes(const struct written *w, unsigned count)
{
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++)
        n += !memcmp(&w->outcomes[i], &now[i], sizeof now[i]);
    return n;
}

static void put_outcomes(const struct sweep *s, const struct written *base, unsigned count, FILE *out)
{
    unsigned same = 0;
    for (unsigned i = 0; i <= count; i++) {
        const struct outcome *o = &now[i];
        if (i < count && base && !memcmp(o, &base->outcomes[i], sizeof *o)) {
            same++;
            continue;
        }
        if (same)
            fprintf(out, " =%x", same);
        same = 0;
        if (i == count)
            break;
        fputc(' ', out);
        if (o->vector >= 0)
            fprintf(out, "!%x", (unsigned)o->vector);
        else
            for (unsigned j = s->res_bytes; j--;)
                fprintf(out, "%02x", o->value[j]);
        fprintf(out, ".%x", o->flags);
    }
}

static void write_sweep(const struct sweep *s, unsigned count, FILE *out)
{
    struct written *best = NULL;
    unsigned best_equal = count / 4, number = 0;
    for (struct written *w = all; w; w = w->next) {
        number += w->out == out;
        if (w->out == out && w->count == count && w->res_bytes == s->res_bytes) {
            unsigned n = equal_outcomes(w, count);
            if (n > best_equal) {
                best = w;
                best_equal = n;
            }
        }
    }
    fprintf(out, "* %c%c%c%u %c%u %c%u %c%u:%u %d ", s->type_a, s->type_b, s->shape, s->lanes, s->a.kind,
            s->a.n, s->b.kind, s->b.n, s->res.kind, s->res.n, s->res_bytes, s->pops);
    for (unsigned i = 0; i < s->len; i++)
        fprintf(out, "%02x", s->bytes[i]);
    fprintf(out, " %x >", s->mode);
    if (best)
        fprintf(out, " @%x", best->number);
    if (best_equal < count)
        put_outcomes(s, best, count, out);
    fputc('\n', out);

    struct written *w = malloc(sizeof *w + count * sizeof *now);
    if (!w)
        abort();
    w->out = out;
    w->number = number;
    w->count = count;
    w->res_bytes = s->res_bytes;
    w->next = all;
    memcpy(w->outcomes, now, count * sizeof *now);
    all = w;
}

static FILE *sweep_out;
static unsigned swept;

static void run_sweep(const struct sweep *s)
{
    unsigned count = sweep_count(s);
    cur = s;
    for (unsigned i = 0; i < count; i++)
        build(s, i, &cases[i]);
    run_cases(cases, count, save);
    for (unsigned i = 0; i < count; i++)
        if (cases[i].dropped)
            surprise(&cases[i], "it did not end");
    write_sweep(s, count, sweep_out);
    swept += count;
}

unsigned sweep_form(const struct form *f, FILE *out)
{
    sweep_out = out;
    swept = 0;
    sweeps_of_form(f, run_sweep);
    return swept;
}
