/* Recorded x87 cases: a packed file, so that hosts without an x87 replay what a real one gave.
 *
 * A record: op, modrm, cw, sw, empty, eflags; ST(0), ST(1) and ST(i) (10 bytes each, the others have
 * fixed values); memory operand (10 bytes, memory forms only); then the outcome: sw, empty,
 * eflags, mask of stack registers that changed, those registers, memory operand. */
#include "fpu-vec.h"

#include <stdlib.h>
#include <string.h>

static const char magic[8] = "FPUVEC1";

static void fixed_stack(struct fpu_state *s)
{
    for (unsigned k = 0; k < 8; k++)
        s->st[k] = (struct floatx80){ (uint64_t)1 << 63 | (uint64_t)k << 40, (uint16_t)(0x3fff + k) };
}

/* The operands that a record keeps. */
static unsigned kept(const struct fpu_case *c, unsigned reg[3])
{
    unsigned n = 2, i = c->modrm & 7;
    reg[0] = 0;
    reg[1] = 1;
    if (c->modrm >= 0xc0 && c->op != 0xd9 && i > 1)
        reg[n++] = i;
    return n;
}

void fpu_vec_simplify(struct fpu_case *c)
{
    struct fpu_state s = c->in;
    unsigned reg[3], n = kept(c, reg);
    fixed_stack(&c->in);
    for (unsigned i = 0; i < n; i++)
        c->in.st[reg[i]] = s.st[reg[i]];
    memset(c->in.mem + 10, 0x5a, FPU_MEM - 10);
    if (c->modrm >= 0xc0)
        memset(c->in.mem, 0x5a, 10);
}

static void put_st(FILE *f, struct floatx80 v)
{
    fwrite(&v.mant, 8, 1, f);
    fwrite(&v.se, 2, 1, f);
}

static bool get_st(FILE *f, struct floatx80 *v)
{
    return fread(&v->mant, 8, 1, f) == 1 && fread(&v->se, 2, 1, f) == 1;
}

static void put16(FILE *f, uint32_t v)
{
    fputc((int)(v & 0xff), f);
    fputc((int)(v >> 8 & 0xff), f);
}

static uint16_t get16(FILE *f)
{
    int lo = fgetc(f);
    return (uint16_t)(lo | fgetc(f) << 8);
}

FILE *fpu_vec_create(const char *path)
{
    FILE *f = fopen(path, "wb");
    if (f)
        fwrite(magic, sizeof magic, 1, f);
    return f;
}

void fpu_vec_write(FILE *f, const struct fpu_case *c, const struct fpu_state *out)
{
    unsigned reg[3], n = kept(c, reg), changed = 0;
    fputc(c->op, f);
    fputc(c->modrm, f);
    put16(f, c->in.cw);
    put16(f, c->in.sw);
    fputc(c->in.empty, f);
    put16(f, c->in.eflags);
    for (unsigned i = 0; i < n; i++)
        put_st(f, c->in.st[reg[i]]);
    if (c->modrm < 0xc0)
        fwrite(c->in.mem, 10, 1, f);
    put16(f, out->sw);
    fputc(out->empty, f);
    put16(f, out->eflags);
    for (unsigned i = 0; i < 8; i++)
        if (out->st[i].mant != c->in.st[i].mant || out->st[i].se != c->in.st[i].se)
            changed |= 1u << i;
    fputc((int)changed, f);
    for (unsigned i = 0; i < 8; i++)
        if (changed >> i & 1)
            put_st(f, out->st[i]);
    if (c->modrm < 0xc0)
        fwrite(out->mem, 10, 1, f);
}

FILE *fpu_vec_open(const char *path)
{
    char head[sizeof magic];
    FILE *f = fopen(path, "rb");
    if (f && (fread(head, sizeof head, 1, f) != 1 || memcmp(head, magic, sizeof magic) != 0)) {
        fclose(f);
        f = NULL;
    }
    return f;
}

bool fpu_vec_read(FILE *f, struct fpu_case *c, struct fpu_state *out)
{
    unsigned reg[3];
    int op = fgetc(f);
    if (op == EOF)
        return false;
    memset(c, 0, sizeof *c);
    c->op = (uint8_t)op;
    c->modrm = (uint8_t)fgetc(f);
    c->in.cw = get16(f);
    c->in.sw = get16(f);
    c->in.empty = (uint8_t)fgetc(f);
    c->in.eflags = get16(f);
    fixed_stack(&c->in);
    memset(c->in.mem, 0x5a, FPU_MEM);
    unsigned n = kept(c, reg);
    bool ok = true;
    for (unsigned i = 0; i < n; i++)
        ok &= get_st(f, &c->in.st[reg[i]]);
    if (c->modrm < 0xc0)
        ok &= fread(c->in.mem, 10, 1, f) == 1;
    *out = c->in;
    out->sw = get16(f);
    out->empty = (uint8_t)fgetc(f);
    out->eflags = get16(f);
    int changed = fgetc(f);
    ok &= changed != EOF;
    for (unsigned i = 0; ok && i < 8; i++)
        if (changed >> i & 1)
            ok = get_st(f, &out->st[i]);
    if (ok && c->modrm < 0xc0)
        ok = fread(out->mem, 10, 1, f) == 1;
    return ok;
}
