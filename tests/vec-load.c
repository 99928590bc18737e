/* Reads the recorded cases in tests/vectors; the README there describes the format. */
#include "vec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *cur_file;
static unsigned cur_line;

static _Noreturn void bad(const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", cur_file, cur_line, what);
    exit(1);
}

static void *grow(void *p, size_t size)
{
    p = realloc(p, size);
    if (!p)
        bad("out of memory");
    return p;
}

static uint32_t hex(const char **s)
{
    char *end;
    uint32_t v = (uint32_t)strtoul(*s, &end, 16);
    if (end == *s)
        bad("hexadecimal number expected");
    *s = end;
    return v;
}

static unsigned hex_bytes(const char *s, uint8_t *out, unsigned max)
{
    unsigned n = 0, byte;
    while (*s) {
        if (n == max || sscanf(s, "%2x", &byte) != 1)
            bad("bytes expected");
        out[n++] = (uint8_t)byte;
        s += 2;
    }
    return n;
}

static int name_index(const char *name, size_t len, const char *const *list, int n)
{
    for (int i = 0; i < n; i++)
        if (strlen(list[i]) == len && strncmp(list[i], name, len) == 0)
            return i;
    return -1;
}

static void reversed(const uint8_t *from, uint8_t *to, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        to[i] = from[n - 1 - i];
}

static void fpu_word(struct vec_state *s, const char *key, const char *value)
{
    if (key[0] == 'w') {
        s->fpu.cw = (uint16_t)hex(&value);
        s->fpu.sw = (uint16_t)(value++, hex(&value));
        s->fpu.tw = (uint16_t)(value++, hex(&value));
    } else {
        uint8_t bytes[10], *reg = s->fpu.reg[key[1] - '0'];
        unsigned n = hex_bytes(value, bytes, 10);
        if (n != 8 && n != 10)
            bad("64- or 80-bit value expected");
        reg[8] = reg[9] = 0xff;
        reversed(bytes, reg, n);
    }
}

static bool numbered(const char *key, char letter)
{
    return key[0] == letter && key[1] >= '0' && key[1] <= '7' && !key[2];
}

static void defaults(struct vec_state *s)
{
    static const uint16_t segs[SEG_COUNT] = {WORLD_DS, WORLD_CS32, WORLD_DS, WORLD_DS, WORLD_FS, WORLD_GS};
    memcpy(s->segs, segs, sizeof segs);
    s->mxcsr = WORLD_MXCSR;
    s->fpu.cw = WORLD_CW;
    s->fpu.sw = WORLD_SW;
    s->fpu.tw = WORLD_TW;
    for (unsigned i = 0; i < 8; i++) {
        s->regs[i] = world_reg(i);
        for (unsigned j = 0; j < 16; j++)
            ((uint8_t *)&s->xmm[i])[j] = world_xmm(i, j);
        for (unsigned j = 0; j < 10; j++)
            s->fpu.reg[i][j] = j < 8 ? world_mmx(i, j) : 0xff;
    }
}

/* KEY=VALUE, before or after the '>'. */
static void word(struct vec_case *c, bool after, char *text)
{
    static const char *const regs[8] = {"a", "c", "d", "b", "sp", "bp", "si", "di"};
    static const char *const segs[6] = {"es", "cs", "ss", "ds", "fs", "gs"};
    struct vec_state *s = after ? &c->out : &c->in;
    char *eq = strchr(text, '=');
    const char *value = eq + 1;
    int i;
    if (!eq)
        bad("KEY=VALUE expected");
    size_t len = (size_t)(eq - text);
    *eq = 0;
    if ((i = name_index(text, len, segs, 6)) >= 0) {
        s->segs[i] = (uint16_t)hex(&value);
    } else if ((i = name_index(text, len, regs, 8)) >= 0) {
        s->regs[i] = hex(&value);
    } else if (after && !strcmp(text, "x")) {
        c->vector = atoi(value);
        value = strchr(value, ',');
        if (!value)
            bad("error code expected");
        value++;
        c->error_code = hex(&value);
        c->eip = WORLD_START;
    } else if (after && !strcmp(text, "ip")) {
        c->eip = hex(&value);
    } else if (after && !strcmp(text, "u")) {
        c->undefined = hex(&value);
    } else if (after && !strcmp(text, "f")) {
        s->eflags = hex(&value);
    } else if (after && !strcmp(text, "o")) {
        c->any_addr = (uint16_t)hex(&value);
        c->any_len = (uint16_t)(value++, hex(&value));
    } else if (after && !strcmp(text, "n")) {
        c->any_regs = (uint8_t)hex(&value);
    } else if (!strcmp(text, "w") || numbered(text, 'm')) {
        fpu_word(s, text, value);
    } else if (!strcmp(text, "mx")) {
        s->mxcsr = hex(&value);
    } else if (numbered(text, 'x')) {
        uint8_t bytes[16];
        if (hex_bytes(value, bytes, 16) != 16)
            bad("128-bit value expected");
        reversed(bytes, (uint8_t *)&s->xmm[text[1] - '0'], 16);
    } else {
        struct vec_bytes **list = after ? &c->mem_out : &c->mem_in;
        unsigned *n = after ? &c->n_out : &c->n_in;
        const char *addr = text;
        *list = grow(*list, (*n + 1) * sizeof **list);
        struct vec_bytes *b = &(*list)[(*n)++];
        b->addr = (uint16_t)hex(&addr);
        if (*addr)
            bad("unknown key");
        b->len = (uint8_t)hex_bytes(value, b->bytes, sizeof b->bytes);
        if (b->addr < WORLD_DATA || b->addr + b->len > WORLD_DATA_END)
            bad("memory outside the scratch area");
    }
}

static void parse(struct vec_case *c, char *line)
{
    char *save, *text = strtok_r(line, " \n", &save);
    bool after = false;
    c->len = (uint8_t)hex_bytes(text, c->bytes, sizeof c->bytes);
    c->vector = -1;
    c->eip = WORLD_START + c->len;
    defaults(&c->in);
    const char *p = strtok_r(NULL, " \n", &save);
    if (!p)
        bad("EFLAGS expected");
    c->in.eflags = hex(&p);
    p = strtok_r(NULL, " \n", &save);
    for (int i = 0; i < 8 && !(p && *p == '-'); i++) {
        if (!p || !*p)
            bad("eight registers expected");
        c->in.regs[i] = hex(&p);
        p += *p == ',';
    }
    while ((text = strtok_r(NULL, " \n", &save)) != NULL) {
        if (!strcmp(text, ">")) {
            after = true;
            c->out = c->in;
        } else {
            word(c, after, text);
        }
    }
    if (!after)
        bad("'>' expected");
}

/* "x3": a place of a sweep. */
static struct sweep_place parse_place(const char *text)
{
    if (!text[0] || text[1] < '0' || text[1] > '7')
        bad("place expected");
    return (struct sweep_place){text[0], (uint8_t)(text[1] - '0')};
}

static const char *next(char **save)
{
    const char *text = strtok_r(NULL, " \n", save);
    if (!text)
        bad("more words expected");
    return text;
}

static void parse_outcome(const struct vec_sweep *s, char *text, struct vec_outcome *o)
{
    char *dot = strchr(text, '.');
    const char *flags = dot ? dot + 1 : NULL, *vector = text + 1;
    uint8_t bytes[16];
    if (!dot)
        bad("RESULT.FLAGS expected");
    *dot = 0;
    memset(o, 0, sizeof *o);
    o->flags = (uint16_t)hex(&flags);
    o->vector = -1;
    if (text[0] == '!')
        o->vector = (int16_t)hex(&vector);
    else if (hex_bytes(text, bytes, 16) != s->s.res_bytes)
        bad("a result of another length expected");
    else
        reversed(bytes, o->value, s->s.res_bytes);
}

/* first: the sweeps of this file begin there. */
static void parse_sweep(struct vec_sweep *all, size_t first, size_t index, char *line)
{
    struct vec_sweep *s = &all[index];
    char *save, *text;
    const char *p;
    const struct vec_outcome *base = NULL;
    struct vec_outcome *o;
    strtok_r(line, " \n", &save);
    p = next(&save);
    s->s.type_a = p[0];
    s->s.type_b = p[1];
    s->s.shape = p[2];
    s->s.lanes = (uint8_t)(p[3] - '0');
    s->s.a = parse_place(next(&save));
    s->s.b = parse_place(next(&save));
    p = next(&save);
    s->s.res = parse_place(p);
    s->s.res_bytes = (uint8_t)atoi(p + 3);
    s->s.pops = (int8_t)atoi(next(&save));
    s->s.len = (uint8_t)hex_bytes(next(&save), s->s.bytes, sizeof s->s.bytes);
    p = next(&save);
    s->s.mode = (uint16_t)hex(&p);
    s->x87 = s->s.a.kind == 't' || s->s.b.kind == 't' || s->s.res.kind == 't';
    s->count = sweep_count(&s->s);
    if (s->count > SWEEP_MAX || strcmp(next(&save), ">") != 0)
        bad("'>' expected");
    text = strtok_r(NULL, " \n", &save);
    if (text && text[0] == '@') {
        p = text + 1;
        size_t k = first + hex(&p);
        if (k >= index || all[k].count != s->count)
            bad("no such sweep");
        base = all[k].outcomes;
        text = strtok_r(NULL, " \n", &save);
    }
    if (base && !text) {
        s->outcomes = base;
        return;
    }
    s->outcomes = o = grow(NULL, s->count * sizeof *o);
    for (unsigned i = 0; i < s->count; text = strtok_r(NULL, " \n", &save)) {
        if (!text)
            bad("too few results");
        if (text[0] != '=') {
            parse_outcome(s, text, &o[i++]);
            continue;
        }
        p = text + 1;
        unsigned same = hex(&p);
        if (!base || same > s->count - i)
            bad("nothing to repeat");
        memcpy(&o[i], &base[i], same * sizeof *o);
        i += same;
    }
    if (text)
        bad("too many results");
}

static void *place_of(struct vec_state *s, struct sweep_place p)
{
    switch (p.kind) {
    case 'x': return &s->xmm[p.n];
    case 'm': return s->fpu.reg[p.n];
    case 'r': return &s->regs[p.n];
    case 't': return s->fpu.reg[((s->fpu.sw >> 11) + p.n) & 7];
    case 'f': return &s->eflags;
    default: return NULL;
    }
}

void vec_sweep_case(const struct vec_sweep *s, unsigned n, struct vec_case *c, struct vec_bytes mem[2])
{
    static struct vec_case blank;
    const struct vec_outcome *o = &s->outcomes[n];
    if (!blank.len) {
        defaults(&blank.in);
        blank.in.eflags = 0x202;
        blank.len = 1;
    }
    *c = blank;
    c->file = s->file;
    c->form = s->form;
    c->line = s->line;
    c->simd = !s->x87;
    c->mem_in = &mem[0];
    c->mem_out = &mem[1];
    memcpy(c->bytes, s->s.bytes, s->s.len);
    c->len = s->s.len;
    if (s->x87) {
        c->in.fpu.cw = s->s.mode;
        c->in.fpu.sw = SWEEP_SW;
        c->in.fpu.tw = SWEEP_TW;
    } else {
        c->in.mxcsr = s->s.mode;
    }
    for (int second = 0; second < 2; second++) {
        struct sweep_place p = second ? s->s.b : s->s.a;
        uint8_t value[16];
        unsigned len = sweep_operand(&s->s, n, second, value);
        if (len && p.kind == 'M') {
            mem[0].addr = SWEEP_ADDR;
            mem[0].len = (uint8_t)len;
            memcpy(mem[0].bytes, value, len);
            c->n_in = 1;
        } else if (len) {
            memcpy(place_of(&c->in, p), value, len);
        }
    }
    c->out = c->in;
    c->vector = o->vector;
    c->eip = WORLD_START + (c->vector < 0 ? c->len : 0);
    if (s->x87) {
        unsigned empty = sweep_empty(s->s.pops);
        c->out.fpu.sw = o->flags;
        c->out.fpu.tw = 0;
        for (unsigned i = 0; i < 8; i++)
            if (empty >> i & 1)
                c->out.fpu.tw |= (uint16_t)(3u << 2 * i);
    } else {
        c->out.mxcsr |= o->flags;
    }
    if (c->vector >= 0)
        return;
    if (s->s.res.kind == 'M') {
        mem[1].addr = SWEEP_ADDR;
        mem[1].len = s->s.res_bytes;
        memcpy(mem[1].bytes, o->value, s->s.res_bytes);
        c->n_out = 1;
    } else if (s->s.res.kind != '-') {
        memcpy(place_of(&c->out, s->s.res), o->value, s->s.res_bytes);
    }
}

static bool word_in(const char *list, const char *word, size_t n)
{
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, " ,");
        if (len == n && strncasecmp(p, word, n) == 0)
            return true;
        p += len;
        p += strspn(p, " ,");
    }
    return false;
}

bool vec_word_in(const char *list, const char *word)
{
    return word_in(list, word, strlen(word));
}

/* Is the form's mnemonic one of `only`? */
static bool chosen(const char *form, const char *only)
{
    return word_in(only, form, strcspn(form, "_"));
}

static void *room_for(void *list, size_t n, size_t size)
{
    return n & (n - 1) ? list : grow(list, (n ? 2 * n : 1) * size);
}

void vec_load(const char *dir, const char *const *names, const char *only, struct vec_set *set)
{
    static char line[65536];
    memset(set, 0, sizeof *set);
    for (; *names; names++) {
        char *path = grow(NULL, strlen(dir) + strlen(*names) + 8), *form = NULL;
        size_t first_sweep = set->n_sweeps;
        bool wanted = !only;
        sprintf(path, "%s/%s.vec", dir, *names);
        FILE *f = fopen(path, "r");
        cur_file = path; /* kept: cases point to it */
        cur_line = 0;
        if (!f)
            bad(strerror(errno));
        while (fgets(line, sizeof line, f)) {
            cur_line++;
            if (line[0] == '@') {
                line[strcspn(line, "\n")] = 0;
                form = strdup(line + 1);
                wanted = !only || chosen(form, only);
            } else if (line[0] == '*') {
                /* Later ones may refer to it. */
                set->sweeps = room_for(set->sweeps, set->n_sweeps, sizeof *set->sweeps);
                struct vec_sweep *s = &set->sweeps[set->n_sweeps];
                memset(s, 0, sizeof *s);
                s->file = path;
                s->line = cur_line;
                s->form = wanted ? form : NULL;
                parse_sweep(set->sweeps, first_sweep, set->n_sweeps++, line);
            } else if (line[0] != '#' && wanted) {
                set->cases = room_for(set->cases, set->n_cases, sizeof *set->cases);
                struct vec_case *c = &set->cases[set->n_cases++];
                memset(c, 0, sizeof *c);
                c->file = path;
                c->line = cur_line;
                c->form = form;
                c->simd = strstr(path, "/mmx.") || strstr(path, "/sse");
                parse(c, line);
            }
        }
        fclose(f);
    }
    /* Drop the sweeps that were only referred to. */
    size_t n = 0;
    for (size_t i = 0; i < set->n_sweeps; i++)
        if (set->sweeps[i].form)
            set->sweeps[n++] = set->sweeps[i];
    set->n_sweeps = n;
}
