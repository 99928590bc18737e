#include "disasm.h"

#include <stdarg.h>
#include <string.h>

#include "tmplc.h"

enum kind {
    K_REG, K_FREG, K_MSA, K_CC, K_CONTROL, K_SIGNED, K_UNSIGNED, K_POS, K_EXT_SIZE, K_INS_SIZE, K_OFFSET,
    K_INDEXED, K_SCALED, K_ELEMENT, K_ELEMENT_0, K_ELEMENT_REG, K_BRANCH, K_JUMP, K_ZERO
};

#define R(shift) (0x1fu << (shift))

/* Where the operand of each letter lies (tmplc.h, asm-operand-fp.c).  bits 0: by the mnemonic's element
 * size. */
static const struct letter {
    char letter;
    enum kind kind;
    int shift, bits;
    uint32_t also; /* other bits that vary */
} letters[] = {
    { 'd', K_REG, 11, 5, 0 },        { 'D', K_REG, 11, 5, 0 },       { 'e', K_REG, 11, 5, R(16) },
    { 's', K_REG, 21, 5, 0 },        { 't', K_REG, 16, 5, 0 },       { 'T', K_REG, 16, 5, 0 },
    { 'U', K_REG, 16, 5, 0 },        { 'o', K_REG, 6, 5, 0 },        { 'm', K_REG, 11, 5, 0 },
    { 'n', K_REG, 0, 5, 0 },         { 'r', K_REG, 0, 5, 0 },        { 'f', K_FREG, 6, 5, 0 },
    { 'E', K_FREG, 6, 5, 0 },        { 'F', K_FREG, 11, 5, 0 },      { 'H', K_FREG, 11, 5, 0 },
    { 'P', K_FREG, 11, 5, 0 },       { 'g', K_FREG, 16, 5, 0 },      { 'G', K_FREG, 16, 5, 0 },
    { 'V', K_FREG, 0, 5, 0 },        { 'I', K_FREG, 0, 5, 0 },       { 'w', K_MSA, 6, 5, 0 },
    { 'W', K_MSA, 6, 5, 0 },         { 'K', K_MSA, 6, 5, 0 },        { 'v', K_MSA, 11, 5, 0 },
    { 'k', K_MSA, 16, 5, 0 },        { 'C', K_CC, 8, 3, 0 },         { 'c', K_CC, 18, 3, 0 },
    { 'N', K_CC, 18, 3, 0 },         { 'R', K_CONTROL, 11, 5, 0 },   { 'x', K_CONTROL, 11, 5, 0 },
    { 'A', K_CONTROL, 6, 5, 0 },     { 'i', K_SIGNED, 0, 16, 0 },    { 'u', K_UNSIGNED, 0, 16, 0 },
    { 'a', K_UNSIGNED, 6, 5, 0 },    { 'B', K_UNSIGNED, 16, 0, 0 },  { '5', K_UNSIGNED, 16, 5, 0 },
    { '6', K_SIGNED, 16, 5, 0 },     { 'h', K_UNSIGNED, 16, 8, 0 },  { '9', K_SIGNED, 11, 10, 0 },
    { 'p', K_POS, 6, 5, 0 },         { 'z', K_EXT_SIZE, 11, 5, 0 },  { 'q', K_POS, 6, 5, 0 },
    { 'y', K_INS_SIZE, 11, 5, 0 },   { 'O', K_OFFSET, 0, 16, R(21) }, { 'X', K_INDEXED, 3, 8, R(21) | R(11) },
    { '1', K_SCALED, 16, 10, R(11) }, { '2', K_SCALED, 16, 10, R(11) }, { '4', K_SCALED, 16, 10, R(11) },
    { '8', K_SCALED, 16, 10, R(11) }, { 'Q', K_SCALED, 6, 9, R(21) }, { 'j', K_ELEMENT, 16, 0, R(6) },
    { 'l', K_ELEMENT, 16, 0, R(11) }, { 'L', K_ELEMENT_0, 11, 5, 0 }, { 'S', K_ELEMENT_REG, 16, 5, R(11) },
    { 'b', K_BRANCH, 0, 16, 0 },     { 'J', K_JUMP, 0, 26, 0 },      { 'Z', K_ZERO, 0, 0, 0 },
};

/* log2 of an MSA element's bytes: the mnemonic's last letter. */
static int element(const struct opcode *op)
{
    const char *where = strchr("bhwd", op->name[strlen(op->name) - 1]);
    return where ? (int)(where - "bhwd") : 0;
}

static int bits_of(const struct opcode *op, const struct letter *l)
{
    if (l->bits)
        return l->bits;
    return l->kind == K_ELEMENT ? 4 - element(op) : l->kind == K_UNSIGNED ? 3 + element(op) : 0;
}

static const struct letter *find_letter(char c)
{
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (letters[i].letter == c)
            return &letters[i];
    return NULL;
}

static uint32_t fixed_bits(const struct opcode *op)
{
    uint32_t mask = ~0u;
    for (const char *f = op->fmt; *f; f++) {
        const struct letter *l = find_letter(*f);
        if (l)
            mask &= ~(l->also | ((1u << bits_of(op, l)) - 1) << l->shift);
    }
    return mask;
}

/* The most specific entry: `nop' and `b' are forms of others. */
const struct opcode *disasm_find(uint32_t word)
{
    const struct opcode *best = NULL;
    int best_bits = -1;
    for (size_t i = 0; opcode_at(i); i++) {
        const struct opcode *op = opcode_at(i);
        uint32_t mask = fixed_bits(op);
        if ((op->flags & OP_REFUSED) || ((word ^ op->word) & mask))
            continue;
        if (__builtin_popcount(mask) > best_bits) {
            best = op;
            best_bits = __builtin_popcount(mask);
        }
    }
    return best;
}

char disasm_unknown_letter(void)
{
    for (size_t i = 0; opcode_at(i); i++)
        for (const char *f = opcode_at(i)->fmt; *f; f++)
            if (!find_letter(*f))
                return *f;
    return 0;
}

/* ---- text ---- */

struct out {
    char *buf;
    size_t size, len;
    uint32_t word;
    const struct opcode *op;
    const struct disasm *d;
};

static void put(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *o, const char *fmt, ...)
{
    va_list ap;
    if (o->len >= o->size)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(o->buf + o->len, o->size - o->len, fmt, ap);
    va_end(ap);
    if (n > 0)
        o->len += (size_t)n;
}

static const char *field(const struct out *o, char letter, int shift)
{
    return o->d->field ? o->d->field(o->d->opaque, o->op, letter, shift) : NULL;
}

static unsigned bits_at(const struct out *o, int shift, int n)
{
    return o->word >> shift & ((1u << n) - 1);
}

static void put_register(struct out *o, char letter, int shift, enum kind kind)
{
    const char *t = field(o, letter, shift);
    unsigned r = bits_at(o, shift, kind == K_CC ? 3 : 5);
    if (t)
        put(o, "%s", t);
    else if (kind == K_REG && o->d->numbers)
        put(o, "$%u", r);
    else if (kind == K_REG)
        put(o, "$%s", register_name((int)r));
    else
        put(o, kind == K_MSA ? "$w%u" : kind == K_CC ? "$fcc%u" : kind == K_CONTROL ? "$%u" : "$f%u", r);
}

static void put_number(struct out *o, char letter, int shift, int64_t value)
{
    const char *t = field(o, letter, shift);
    if (t)
        put(o, "%s", t);
    else if (value > 9 && letter == 'u')
        put(o, "0x%llx", (unsigned long long)value);
    else
        put(o, "%lld", (long long)value);
}

static int signed_at(const struct out *o, int shift, int n)
{
    int v = (int)bits_at(o, shift, n);
    return v >> (n - 1) & 1 ? v - (1 << n) : v;
}

/* off(base), off(base, index); MSA's and gslq's count elements. */
static void put_offset(struct out *o, const struct letter *l)
{
    int base = l->kind == K_SCALED && l->letter != 'Q' ? 11 : 21, value = signed_at(o, l->shift, l->bits);
    if (l->kind == K_SCALED)
        value *= l->letter == 'Q' ? 16 : 1 << element(o->op);
    const char *member = NULL;
    if (l->kind != K_INDEXED && bits_at(o, base, 5) == 30 && !field(o, l->letter, base) && o->d->member
        && !field(o, l->letter, l->shift))
        member = o->d->member(o->d->opaque, value);
    if (member)
        put(o, "ENV(%s)", member);
    else
        put_number(o, l->letter, l->shift, value);
    put(o, "(");
    put_register(o, l->letter, base, K_REG);
    if (l->kind == K_INDEXED) {
        put(o, ", ");
        put_register(o, l->letter, 11, K_REG);
    }
    put(o, ")");
}

/* Bit position and size as assembly has them: by the form, dextm.. count from elsewhere. */
static bool ends_in(const char *name, char c)
{
    size_t n = strlen(name);
    return n && name[n - 1] == c && name[0] == 'd';
}

static void put_operand(struct out *o, const struct letter *l)
{
    const char *name = o->op->name;
    int upper = ends_in(name, 'u') ? 32 : 0, middle = ends_in(name, 'm') ? 32 : 0;
    int pos = (int)bits_at(o, 6, 5) + upper, msb = (int)bits_at(o, 11, 5);

    switch (l->kind) {
    case K_REG:
    case K_FREG:
    case K_MSA:
    case K_CC:
    case K_CONTROL:
        put_register(o, l->letter, l->shift, l->kind);
        break;
    case K_SIGNED:
        put_number(o, l->letter, l->shift, signed_at(o, l->shift, l->bits));
        break;
    case K_UNSIGNED:
        put_number(o, l->letter, l->shift, bits_at(o, l->shift, bits_of(o->op, l)));
        break;
    case K_POS:
        put_number(o, l->letter, l->shift, pos);
        break;
    case K_EXT_SIZE:
        put_number(o, l->letter, l->shift, msb + 1 + middle);
        break;
    case K_INS_SIZE:
        put_number(o, l->letter, l->shift, msb + (upper | middle) - pos + 1);
        break;
    case K_OFFSET:
    case K_INDEXED:
    case K_SCALED:
        put_offset(o, l);
        break;
    case K_ELEMENT:
    case K_ELEMENT_0:
    case K_ELEMENT_REG:
        put_register(o, l->letter, l->letter == 'j' ? 6 : 11, K_MSA);
        put(o, "[");
        if (l->kind == K_ELEMENT_REG)
            put_register(o, l->letter, 16, K_REG);
        else
            put_number(o, l->letter, l->kind == K_ELEMENT ? 16 : -1,
                       l->kind == K_ELEMENT ? bits_at(o, 16, bits_of(o->op, l)) : 0);
        put(o, "]");
        break;
    case K_BRANCH:
    case K_JUMP: {
        const char *t = o->d->target ? o->d->target(o->d->opaque, o->word, l->kind == K_JUMP) : NULL;
        if (t)
            put(o, "%s", t);
        else if (l->kind == K_JUMP)
            put(o, "%u", bits_at(o, 0, 26) * 4);
        else
            put(o, ".%+d", ((int16_t)bits_at(o, 0, 16) + 1) * 4);
        break;
    }
    case K_ZERO:
        put(o, o->d->numbers ? "$0" : "$zero");
        break;
    }
}

/* The register field is fixed, and zero. */
static bool zero_field(const struct out *o, char letter, int shift)
{
    return bits_at(o, shift, 5) == 0 && !field(o, letter, shift);
}

/* Pseudo instructions are shown as authors write them. */
static const char *pseudo_fmt(const struct out *o, const char **name)
{
    const char *n = o->op->name;
    if (!strcmp(n, "or") && zero_field(o, 't', 16)) {
        *name = "move";
        return "ds";
    }
    if (!strcmp(n, "nor") && zero_field(o, 't', 16)) {
        *name = "not";
        return "ds";
    }
    if (!strcmp(n, "subu") && zero_field(o, 's', 21)) {
        *name = "negu";
        return "dt";
    }
    if (!strcmp(n, "addiu") && zero_field(o, 's', 21)) {
        *name = "li";
        return "Ti";
    }
    /* A small constant's li is addiu. */
    if (!strcmp(n, "ori") && zero_field(o, 's', 21) && !field(o, 'u', 0) && bits_at(o, 15, 1)) {
        *name = "li";
        return "Tu";
    }
    return o->op->fmt;
}

char *disasm(uint32_t word, const struct disasm *d, char *buf, size_t size)
{
    struct out o = { buf, size, 0, word, d->op ? d->op : disasm_find(word), d };
    if (size)
        buf[0] = 0;
    if (!o.op) {
        put(&o, ".word 0x%08x", word);
        return buf;
    }
    const char *name = o.op->name, *fmt = pseudo_fmt(&o, &name);
    put(&o, *fmt ? "%-5s " : "%s", name);
    for (const char *f = fmt; *f; f++) {
        const struct letter *l = find_letter(*f);
        if (f != fmt)
            put(&o, ", ");
        if (l)
            put_operand(&o, l);
        else
            put(&o, "?");
    }
    return buf;
}

bool disasm_file(const char *name)
{
    static const struct disasm plain = { .numbers = true };
    FILE *f = fopen(name, "rb");
    char buf[120];
    uint32_t word;

    if (!f)
        return false;
    bool known = !disasm_unknown_letter();
    while (fread(&word, sizeof(word), 1, f) == 1) {
        known = known && disasm_find(word);
        puts(disasm(word, &plain, buf, sizeof(buf)));
    }
    fclose(f);
    return known;
}
