/* What a template says about flags. */
#include "asm.h"

#include <string.h>

static bool parse_value(struct value *out)
{
    struct reg r;
    struct expr e;

    skip();
    if (*cur == '$') {
        size_t n = name_length(cur + 1);
        int p = find_param(st, cur + 1, n);
        if (p >= 0 && st->param[p].type >= PT_IMM && st->param[p].type <= PT_NMASK) {
            cur += 1 + n;
            st->param[p].used = true;
            *out = (struct value){ V_PARAM, p, 0 };
            return true;
        }
        if (!parse_reg(&r) || r.fp)
            return false;
        if (r.param >= 0)
            *out = (struct value){ V_PARAM, r.param, 0 };
        else if (r.number == 0)
            *out = (struct value){ V_CONST, 0, 0 };
        else
            *out = (struct value){ V_HOST, r.number, 0 };
        return true;
    }
    if (!parse_expr(&e) || !is_constant(&e))
        return false;
    *out = (struct value){ V_CONST, 0, e.cst };
    return true;
}

static void record_members(void)
{
    static const char *const names[] = { "dst", "src", "src2", "res" };
    struct value *members[] = { &v->record.dst, &v->record.src, &v->record.src2, &v->record.res };

    for (;;) {
        skip();
        if (!*cur)
            return;
        size_t n = name_length(cur);
        int i = 0;
        while (i < 4 && (strlen(names[i]) != n || strncmp(names[i], cur, n)))
            i++;
        if (i == 4 || cur[n] != '=') {
            asm_error("expected dst=, src=, src2= or res= at `%s'", cur);
            return;
        }
        cur += n + 1;
        if (members[i]->kind != V_NONE) {
            asm_error("%s= is there twice", names[i]);
            return;
        }
        if (!parse_value(members[i])) {
            asm_error("bad value of %s= at `%s'", names[i], cur);
            return;
        }
    }
}

/* Which members a record of this kind has (runtime/flags.h): 1 dst, 2 src, 4 src2, 8 res. */
static int kind_members(const char *kind, int type)
{
    static const struct {
        const char *name;
        int members;
    } kinds[] = {
        { "ADD", 3 }, { "ADC", 7 }, { "SUB", 3 }, { "SBB", 7 }, { "CMP", 3 }, { "LOGIC", 1 },
        { "SHL", 3 }, { "SHR", 3 }, { "MUL", 3 },
    }, mods[] = {
        { "INC", 8 }, { "DEC", 8 }, { "ROL", 8 }, { "ROR", 8 }, { "CF", 8 },
    };
    if (type == REC_MOD) {
        for (size_t i = 0; i < sizeof(mods) / sizeof(mods[0]); i++)
            if (!strcmp(mods[i].name, kind))
                return mods[i].members;
        return -1;
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!strcmp(kinds[i].name, kind))
            return kinds[i].members;
    return -1;
}

void parse_record(void)
{
    struct record *r = &v->record;

    if (st->kind != ST_TEMPLATE) {
        asm_error("only templates have a record");
        return;
    }
    if (r->type != REC_ABSENT) {
        asm_error("a second record");
        return;
    }
    r->line = ln->number;
    if (accept("none")) {
        r->type = REC_NONE;
    } else if (accept("dynamic")) {
        r->type = accept("nomod") ? REC_NOMOD : REC_DYNAMIC;
    } else if (accept("flags")) {
        r->type = REC_FLAGS;
        if (!accept("=") || !parse_value(&r->src) || r->src.kind == V_CONST)
            asm_error("expected record flags=$register");
    } else {
        r->type = accept("mod") ? REC_MOD : REC_KIND;
        skip();
        size_t n = name_length(cur);
        snprintf(r->kind, sizeof(r->kind), "%.*s", (int)n, cur);
        cur += n;
        int members = kind_members(r->kind, r->type);
        if (members < 0) {
            asm_error("unknown record kind `%s'", r->kind);
            return;
        }
        record_members();
        int given = (r->dst.kind ? 1 : 0) | (r->src.kind ? 2 : 0) | (r->src2.kind ? 4 : 0)
            | (r->res.kind ? 8 : 0);
        if (!bad && given != members)
            asm_error("record %s wants%s%s%s%s", r->kind, members & 1 ? " dst" : "",
                      members & 2 ? " src" : "", members & 4 ? " src2" : "", members & 8 ? " res" : "");
    }
    skip();
    if (*cur)
        asm_error("cannot understand `%s'", cur);
}
