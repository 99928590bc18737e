/* The tables of templates and conditions. */
#include "emit.h"

#include <ctype.h>
#include <string.h>

static void put_emitter(const struct variant *v)
{
    put("\nstatic uint32_t *%s(uint32_t *p, const struct tmpl_args *a)\n{\n    (void)a;\n", emitter_name(v));
    put_checks(v, STYLE_ARGS);
    for (int i = 0; i < v->nw; i++)
        put_word(v, i, STYLE_ARGS);
    if (v->nw)
        own_line();
    put_trace(v);
    put("    return p + %d;\n}\n", v->nw);
}

static void put_param(int index, const struct param *q)
{
    static const char *const kinds[] = {
        [PT_REG] = "TP_REG", [PT_IMM] = "TP_IMM", [PT_MASK] = "TP_MASK", [PT_NMASK] = "TP_NMASK",
        [PT_CL] = "TP_CL", [PT_SAME] = "TP_SAME", [PT_CARRY] = "TP_CARRY", [PT_FLAGS] = "TP_FLAGS",
    };
    static const char *const classes[] = {
        [CL_GPR] = "TC_GPR", [CL_F32] = "TC_F32", [CL_F64] = "TC_F64", [CL_HALF] = "TC_HALF", [CL_WORD] = "TC_WORD",
        [CL_PAIR] = "TC_PAIR", [CL_MSA] = "TC_MSA", [CL_MEM] = "TC_MEM",
    };
    put(" [%d] = { %s, %d, %s, %lld, %lld },", index, kinds[q->type], q->mode & 3, classes[q->cls],
        (long long)q->lo, (long long)q->hi);
}

static void put_params(const struct stanza *s)
{
    put(" .param = {");
    for (int p = 0; p < s->nparams; p++)
        if (s->param[p].type != PT_LABEL)
            put_param(p, &s->param[p]);
    if (!s->nparams)
        put(" [0] = { 0, 0, 0, 0, 0 }");
    put(" },");
}

static void put_value(const char *name, const struct value *v)
{
    static const char *const kinds[] = { "TV_NONE", "TV_PARAM", "TV_HOST", "TV_CONST" };
    if (v->kind != V_NONE)
        put(" .%s = { %s, %d, %lld },", name, kinds[v->kind], v->index, (long long)v->cst);
}

/* May the first word stand in the delay slot of a branch to the slow way? */
static bool fits_slot(const struct variant *v)
{
    return v->nw && !v->w[0].label_here && !(v->w[0].op->flags & (OP_BRANCH | OP_MEM))
        && !(v->w[0].writes & ~0xe2u);
}

/* What the translator stitches around SIMD stanzas. */
static void put_simd(const struct variant *v)
{
    const struct stanza *s = v->s;

    if (s->host) {
        put("\n      .host = TMPL_HOST_");
        for (const char *c = s->host; *c; c++)
            put("%c", toupper((unsigned char)*c));
        put(",");
    }
    if (s->fp)
        put("\n      .fp = %d, .checks = %d,", s->fp / 8,
            (s->check_denormal ? 1 : 0) | (s->check_nan ? 2 : 0) | (s->check_result ? 4 : 0));
    if (s->lanes)
        put(" .lanes = true,");
    if (fits_slot(v))
        put(" .fits_slot = true,");
}

static void put_row(const struct variant *v)
{
    static const char *const needs[] = { "TMPL_ANY", "TMPL_NONE", "TMPL_FLAGS" };
    const struct stanza *s = v->s;
    char upper[64];
    int ops = 0, params = 0, carry = -1, flags = -1;

    for (size_t i = 0; i <= strlen(s->name); i++)
        upper[i] = (char)toupper((unsigned char)s->name[i]);
    for (int p = 0; p < s->nparams; p++) {
        if (s->param[p].type == PT_CARRY)
            carry = p;
        else if (s->param[p].type == PT_FLAGS)
            flags = p;
        else if (s->param[p].type != PT_LABEL)
            ops++;
        params += s->param[p].type != PT_LABEL;
    }
    put("    { .mnem = MN_%s, .nops = %d, .nparams = %d, .widths = %d, .needs = %s, .flags = %s,\n", upper,
        ops, params, v->widths, needs[v->needs], s->distinct ? "TMPL_DISTINCT" : "0");
    put("      .words = %d, .nsites = %d, .label_site = { %d, %d, %d, %d }, .carry = %d, .eflags = %d, "
        ".written = 0x%x,\n", v->nw, v->nsites, v->label_sites[0], v->label_sites[1], v->label_sites[2],
        v->label_sites[3], carry, flags, v->written);
    put("      .clobbers = 0x%08x, .reads = 0x%08x,", v->clobbers, v->reads);
    put_params(s);
    put_simd(v);
    const struct record *r = &v->record;
    if (v->needs != NEEDS_NONE && r->type != REC_ABSENT) {
        static const char *const types[] = { "", "TR_NONE", "TR_RECORD", "TR_MOD", "TR_FLAGS", "TR_DYNAMIC",
                                             "TR_DYNAMIC_NOMOD" };
        put("\n      .record = { .type = %s,", types[r->type]);
        if (r->type == REC_KIND)
            put(" .kind = CC_%s,", r->kind);
        if (r->type == REC_MOD)
            put(" .kind = CCM_%s,", r->kind);
        put_value("dst", &r->dst);
        put_value("src", &r->src);
        put_value("src2", &r->src2);
        put_value("res", &r->res);
        put(" },");
    }
    put("\n      .emit = %s, .name = \"%s\", .file = \"%s\", .line = %d },\n", emitter_name(v), s->title,
        s->file, s->line);
}

static bool is_mod(const char *kind)
{
    static const char *const mods[] = { "INC", "DEC", "ROL", "ROR", "CF" };
    for (int i = 0; i < 5; i++)
        if (!strcmp(mods[i], kind))
            return true;
    return false;
}

static void put_cond_params(const struct stanza *s)
{
    put(" .param = {");
    for (int p = 0; p < s->nparams; p++)
        if (s->param[p].type != PT_LABEL)
            put_param(member_index(&s->param[p]), &s->param[p]);
    put(" },");
}

static const char *record_c(const char *kind)
{
    return xprintf("%s%s", is_mod(kind) ? "TMPL_COND_MOD | CCM_" : "CC_", kind);
}

static void put_cond_row(const struct variant *v, const char *kind, int cond)
{
    const struct stanza *s = v->s;
    int uses = 0;

    for (int p = 0; p < s->nparams; p++)
        if (s->param[p].type != PT_LABEL && member_index(&s->param[p]) > 0)
            uses |= 1 << member_index(&s->param[p]);
    put("    { .type = %s, .record = %s, .cond = %d, .widths = %d, .words = %d, .uses = 0x%x,\n",
        s->kind == ST_VALUE ? "TC_VALUE" : "TC_BRANCH", record_c(kind), cond, v->widths, v->nw, uses);
    put("      .clobbers = 0x%08x,", v->clobbers);
    put_cond_params(s);
    put("\n      .emit = %s, .name = \"%s\", .file = \"%s\", .line = %d },\n", emitter_name(v), s->title,
        s->file, s->line);
}

static bool has_record(const struct stanza *s, const char *kind)
{
    for (int i = 0; i < s->nrecords; i++)
        if (!strcmp(s->records[i], kind))
            return true;
    return false;
}

/* All rows, those of one question together and in the order of the source, and where they are. */
static void put_cond_tables(struct variant **all, int n)
{
    static const char *const kinds[] = {
        "EFLAGS", "ADD", "ADC", "SUB", "SBB", "CMP", "LOGIC", "SHL", "SHR", "MUL", "INC", "DEC", "ROL", "ROR",
        "CF",
    };
    char *index = "";
    int row = 0;

    put("\nconst struct tmpl_cond tmpl_cond_table[] = {\n");
    for (int type = ST_VALUE; type <= ST_BRANCH; type++)
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
            for (int c = 0; c < 16; c++) {
                int first = row;
                for (int i = 0; i < n; i++) {
                    const struct stanza *s = all[i]->s;
                    if ((int)s->kind != type || !(s->conds & 1 << c) || !has_record(s, kinds[k]))
                        continue;
                    put_cond_row(all[i], kinds[k], c);
                    row++;
                }
                if (row != first)
                    index = xprintf("%s    [%s][%s][%d] = { %d, %d },\n", index,
                                    type == ST_VALUE ? "TC_VALUE" : "TC_BRANCH", record_c(kinds[k]), c, first,
                                    row - first);
            }
    put("%s};\n", row ? "" : "    { .type = 0xff }\n");
    put("const unsigned tmpl_cond_table_size = %d;\n", row);
    put("const struct tmpl_range tmpl_cond_index[2][TMPL_COND_RECORDS][16] = {\n%s};\n",
        *index ? index : "    [0][0][0] = { 0, 0 },\n");
}

/* Rows of one mnemonic stand together, in their order in the source. */
static void put_template_tables(struct variant **all, int n)
{
    char *index = "";
    int row = 0;

    put("\nconst struct tmpl tmpl_table[] = {\n");
    for (int i = 0; i < n; i++) {
        if (all[i]->s->kind != ST_TEMPLATE)
            continue;
        const char *name = all[i]->s->name;
        bool first = true;
        for (int j = 0; j < i; j++)
            first &= all[j]->s->kind != ST_TEMPLATE || strcmp(all[j]->s->name, name);
        if (!first)
            continue;
        int start = row;
        for (int j = i; j < n; j++)
            if (all[j]->s->kind == ST_TEMPLATE && !strcmp(all[j]->s->name, name)) {
                put_row(all[j]);
                row++;
            }
        char upper[64];
        for (size_t c = 0; c <= strlen(name); c++)
            upper[c] = (char)toupper((unsigned char)name[c]);
        index = xprintf("%s    [MN_%s] = { %d, %d },\n", index, upper, start, row - start);
    }
    put("%s};\n", row ? "" : "    { .mnem = 0xffff }\n");
    put("const unsigned tmpl_table_size = %d;\n", row);
    put("const struct tmpl_range tmpl_index[] = {\n%s};\n", *index ? index : "    [0] = { 0, 0 },\n");
    put("const unsigned tmpl_index_size = sizeof(tmpl_index) / sizeof(tmpl_index[0]);\n");
}

void write_table(FILE *f, const char *name, const char *header, struct variant **all, int n)
{
    begin(f, name);
    put("#include \"%s\"\n#include \"isa-gen.h\"\n", header);
    for (int i = 0; i < n; i++)
        if (all[i]->s->kind != ST_SNIPPET)
            put_emitter(all[i]);
    put_template_tables(all, n);
    put_cond_tables(all, n);
}
