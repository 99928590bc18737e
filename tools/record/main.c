/* record: runs cases for each form of the ISA table on this machine's CPU, and writes what it did.
 *
 *   isagen isa.tab --forms > forms.tsv
 *   record forms.tsv OUTPUT-DIRECTORY
 *
 * tests/vectors/README describes the files. */
#include <stdlib.h>
#include <string.h>

#include "record.h"

enum { MAX_CASES = 256, LEAST = 20, FILES = 7 };

static struct testcase cases[MAX_CASES];
static const struct form *cur_form;
static FILE *out;
static unsigned written, written_all;

static const struct state default_state = {
    .segs = {WORLD_DS, WORLD_CS32, WORLD_DS, WORLD_DS, WORLD_FS, WORLD_GS}
};

static void put_segs(const struct state *s, const struct state *ref)
{
    static const char names[] = "ecsdfg";
    for (int i = 0; i < 6; i++)
        if (s->segs[i] != ref->segs[i])
            fprintf(out, " %cs=%x", names[i], s->segs[i]);
}

static const char *const reg_names[8] = {"a", "c", "d", "b", "sp", "bp", "si", "di"};

static void put_bytes(unsigned addr, const uint8_t *bytes, unsigned len)
{
    fprintf(out, " %x=", addr);
    while (len--)
        fprintf(out, "%02x", *bytes++);
}

static void put_fpu(const struct fpu_state *s, const struct fpu_state *ref)
{
    if (s->cw != ref->cw || s->sw != ref->sw || s->tw != ref->tw)
        fprintf(out, " w=%x,%x,%x", s->cw, s->sw, s->tw);
    for (int i = 0; i < 8; i++)
        if (memcmp(s->reg[i], ref->reg[i], 10) != 0) {
            fprintf(out, " m%d=", i);
            for (int j = s->reg[i][8] == 0xff && s->reg[i][9] == 0xff ? 7 : 9; j >= 0; j--)
                fprintf(out, "%02x", s->reg[i][j]);
        }
}

static void put_xmm(const struct state *s, const struct state *ref)
{
    if (s->mxcsr != ref->mxcsr)
        fprintf(out, " mx=%x", s->mxcsr);
    for (int i = 0; i < 8; i++)
        if (memcmp(s->xmm[i], ref->xmm[i], 16) != 0) {
            fprintf(out, " x%d=", i);
            for (int j = 15; j >= 0; j--)
                fprintf(out, "%02x", s->xmm[i][j]);
        }
}

void default_fpu(struct fpu_state *s)
{
    *s = (struct fpu_state){.cw = WORLD_CW, .sw = WORLD_SW, .tw = WORLD_TW};
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned j = 0; j < 8; j++)
            s->reg[i][j] = world_mmx(i, j);
        s->reg[i][8] = s->reg[i][9] = 0xff;
    }
}

void default_simd(struct state *s)
{
    s->mxcsr = WORLD_MXCSR;
    for (unsigned i = 0; i < 8; i++)
        for (unsigned j = 0; j < 16; j++)
            s->xmm[i][j] = world_xmm(i, j);
}

static void put_regs(const struct testcase *c)
{
    if (!c->simd) {
        for (int i = 0; i < 8; i++)
            fprintf(out, "%c%x", i ? ',' : ' ', c->in.regs[i]);
        return;
    }
    fputs(" -", out);
    for (unsigned i = 0; i < 8; i++)
        if (c->in.regs[i] != world_reg(i))
            fprintf(out, " %s=%x", reg_names[i], c->in.regs[i]);
}

void save_result(struct testcase *c)
{
    struct state defaults;
    unsigned undefined = gen_undefined(cur_form, c);
    for (unsigned i = 0; i < c->len; i++)
        fprintf(out, "%02x", c->bytes[i]);
    fprintf(out, " %x", c->in.eflags);
    put_regs(c);
    put_segs(&c->in, &default_state);
    default_fpu(&defaults.fpu);
    default_simd(&defaults);
    if (c->fpu)
        put_fpu(&c->in.fpu, &defaults.fpu);
    put_xmm(&c->in, &defaults);
    for (unsigned i = 0; i < c->n_pokes; i++)
        put_bytes(c->pokes[i].addr, c->pokes[i].bytes, c->pokes[i].len);
    fputs(" >", out);
    if (c->vector >= 0)
        fprintf(out, " x=%d,%x", c->vector, c->error_code);
    if (c->vector >= 0 ? c->out.eip != WORLD_START : c->out.eip != WORLD_START + c->len)
        fprintf(out, " ip=%x", c->out.eip);
    if (undefined)
        fprintf(out, " u=%x", undefined);
    if (c->out.eflags != c->in.eflags)
        fprintf(out, " f=%x", c->out.eflags);
    for (int i = 0; i < 8; i++)
        if (c->out.regs[i] != c->in.regs[i] && (c->vector >= 0 || !(c->any_regs >> i & 1)))
            fprintf(out, " %s=%x", reg_names[i], c->out.regs[i]);
    put_segs(&c->out, &c->in);
    if (c->fpu)
        put_fpu(&c->out.fpu, &c->in.fpu);
    put_xmm(&c->out, &c->in);
    for (unsigned i = 0; i < c->n_diffs; i++)
        put_bytes(c->diffs[i].addr, (const uint8_t *)(uintptr_t)c->diffs[i].addr, c->diffs[i].len);
    if (c->any.len)
        fprintf(out, " o=%x,%x", c->any.addr, c->any.len);
    if (c->any_regs && c->vector < 0)
        fprintf(out, " n=%x", c->any_regs);
    fputc('\n', out);
    written++;
}

static bool parse_form(char *line, struct form *f)
{
    char *field[19];
    unsigned n = 0;
    for (char *p = line; n < 19 && p;) {
        field[n++] = p;
        if ((p = strchr(p, '\t')) != NULL)
            *p++ = 0;
    }
    if (n != 19 || *line == '#')
        return false;
    field[18][strcspn(field[18], "\n")] = 0;
    memset(f, 0, sizeof *f);
    snprintf(f->name, sizeof f->name, "%s", field[0]);
    snprintf(f->mnem, sizeof f->mnem, "%s", field[1]);
    f->map = strcmp(field[2], "0F") == 0;
    snprintf(f->prefix, sizeof f->prefix, "%s", field[3]);
    f->opcode = (unsigned)strtoul(field[4], NULL, 16);
    f->span = (unsigned)atoi(field[5]);
    f->modrm = atoi(field[6]) != 0;
    f->reg = atoi(field[7]);
    f->mod = field[8][0];
    f->rm = atoi(field[9]);
    if (strcmp(field[10], "-") != 0)
        for (char *op = strtok(field[10], ","); op && f->n_ops < 4; op = strtok(NULL, ","))
            snprintf(f->ops[f->n_ops++], sizeof f->ops[0], "%s", op);
    f->opsize = atoi(field[11]);
    f->cond = atoi(field[12]);
    f->undefined = (unsigned)strtoul(field[15], NULL, 16);
    snprintf(f->feature, sizeof f->feature, "%s", field[17]);
    snprintf(f->attrs, sizeof f->attrs, "%s", field[18]);
    return true;
}

static FILE *open_output(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.vec", dir, name);
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    return f;
}

int main(int argc, char **argv)
{
    static char line[1024];
    unsigned n_forms = 0, swept = 0;
    bool few = false;
    FILE *forms, *files[FILES];
    if (argc != 3 || !(forms = fopen(argv[1], "r"))) {
        fprintf(stderr, "usage: record forms.tsv OUTPUT-DIRECTORY\n");
        return 1;
    }
    files[0] = open_output(argv[2], "onebyte-low");
    files[1] = open_output(argv[2], "onebyte-high");
    files[2] = open_output(argv[2], "twobyte");
    files[3] = open_output(argv[2], "x87");
    files[4] = open_output(argv[2], "mmx");
    files[5] = open_output(argv[2], "sse");
    files[6] = open_output(argv[2], "sse-float");
    run_init();
    while (fgets(line, sizeof line, forms)) {
        struct form f;
        if (!parse_form(line, &f) || !gen_wants(&f))
            continue;
        cur_form = &f;
        bool x87 = !strcmp(f.feature, "fpu") || !strcmp(f.feature, "fcmov") || !strcmp(f.mnem, "FISTTP");
        if (!simd_form(&f))
            out = files[x87 ? 3 : f.map ? 2 : f.opcode >= 0x80];
        else
            out = files[simd_float(&f) ? 6 : simd_mmx(&f) ? 4 : 5];
        fprintf(out, "@%s\n", f.name);
        written = 0;
        run_cases(cases, gen_form(&f, cases, MAX_CASES), save_result);
        swept += sweep_form(&f, out);
        written_all += written;
        n_forms++;
        if (written < LEAST) {
            fprintf(stderr, "record: %s: only %u cases\n", f.name, written);
            few = true;
        }
    }
    for (int i = 0; i < FILES; i++)
        if (fclose(files[i]) != 0) {
            perror("record");
            return 1;
        }
    printf("%u cases of %u forms, and %u in sweeps\n", written_all, n_forms, swept);
    return few;
}
