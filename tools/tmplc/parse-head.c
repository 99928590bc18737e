/* The first line of a stanza: kind, name, parameters, attributes. */
#include "parse.h"

#include <string.h>

struct stanza *stanzas;
const char *file;
int line_number;

void error(const char *fmt, const char *arg)
{
    static int last;

    if (last != line_number)
        error_at(file, line_number, fmt, arg);
    last = line_number;
}

int find_param(const struct stanza *s, const char *name, size_t len)
{
    for (int i = 0; i < s->nparams; i++)
        if (strlen(s->param[i].name) == len && !strncmp(s->param[i].name, name, len))
            return i;
    return -1;
}

/* What follows the dot of `d:rw.f64'. */
static bool parse_class(const struct stanza *s, struct param *p)
{
    static const char *const names[] = {
        [CL_F32] = "f32", [CL_F64] = "f64", [CL_HALF] = "h", [CL_WORD] = "g", [CL_PAIR] = "x", [CL_MSA] = "v",
        [CL_MEM] = "m",
    };
    const char *name = word();
    bool mem = !strcmp(name, "mem"); /* .m, but no register */
    if (mem)
        name = "m";
    p->lo = mem;
    if (s->kind == ST_TEMPLATE)
        for (int i = CL_F32; i <= CL_MEM; i++)
            if (!strcmp(names[i], name)) {
                p->cls = (enum param_class)i;
                return true;
            }
    error("unknown register class `%s'", name);
    return false;
}

/* TYPE of a parameter: see docs/templates.md. */
static bool parse_type(struct stanza *s, struct param *p)
{
    static const struct {
        const char *name;
        enum param_type type;
        int mode;
        int64_t lo, hi;
    } types[] = {
        { "reg", PT_REG, MODE_ANY, 0, 0 },
        { "rw", PT_REG, MODE_R | MODE_W, 0, 0 },
        { "r", PT_REG, MODE_R, 0, 0 },
        { "w", PT_REG, MODE_W, 0, 0 },
        { "freg", PT_FREG, MODE_ANY, 0, 0 },
        { "imm16s", PT_IMM, 0, -32768, 32767 },
        { "imm16u", PT_IMM, 0, 0, 65535 },
        { "imm8s", PT_IMM, 0, -128, 127 },
        { "imm5", PT_IMM, 0, 0, 31 },
        { "imm5nz", PT_IMM, 0, 1, 31 },
        { "imm6", PT_IMM, 0, 0, 63 },
        { "imm8u", PT_IMM, 0, 0, 255 },
        { "imm32", PT_IMM32, 0, INT32_MIN, INT32_MAX },
        { "mask", PT_MASK, 0, 1, 31 },
        { "nmask", PT_NMASK, 0, 1, 31 },
        { "cl", PT_CL, MODE_R, 0, 0 },
        { "same", PT_SAME, 0, 0, 0 },
        { "carry", PT_CARRY, MODE_R, 0, 1 },
        { "flags", PT_FLAGS, MODE_R | MODE_W, 0, 0 },
        { "label", PT_LABEL, 0, 0, 0 },
    };

    if (accept("imm(")) {
        p->type = PT_IMM;
        if (!number(&p->lo) || !accept("..") || !number(&p->hi) || !accept(")") || p->lo > p->hi) {
            error("expected imm(LOW..HIGH)%s", "");
            return false;
        }
        return true;
    }
    const char *name = word();
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, name))
            continue;
        p->type = types[i].type;
        p->mode = types[i].mode;
        p->lo = types[i].lo;
        p->hi = types[i].hi;
        if (p->type == PT_REG && p->mode != MODE_ANY && accept(".") && !parse_class(s, p))
            return false;
        if ((p->type == PT_CL || p->type == PT_SAME || p->type == PT_CARRY || p->type == PT_FLAGS)
            && s->kind != ST_TEMPLATE) {
            error("parameter type `%s' is for templates only", name);
            return false;
        }
        if ((p->type == PT_IMM32 || p->type == PT_FREG || p->mode == MODE_ANY) && s->kind != ST_SNIPPET) {
            error("parameter type `%s' is for snippets only", name);
            return false;
        }
        return true;
    }
    error("unknown parameter type `%s'", name);
    return false;
}

static bool parse_params(struct stanza *s)
{
    bool extra = false; /* a parameter that is no x86 operand was seen */

    while (!end() && *cur != ')') {
        if (s->nparams == MAX_PARAMS) {
            error("too many parameters%s", "");
            return false;
        }
        struct param *p = &s->param[s->nparams];
        const char *name = word();
        if (!*name || strlen(name) >= sizeof(p->name)) {
            error("expected a parameter name at `%s'", cur);
            return false;
        }
        if (find_register(name) >= 0 || !strcmp(name, "W")) {
            error("parameter `%s' has the name of a register", name);
            return false;
        }
        if (find_param(s, name, strlen(name)) >= 0) {
            error("parameter `%s' is there twice", name);
            return false;
        }
        strcpy(p->name, name);
        if (!accept(":")) {
            error("parameter `%s' has no type", p->name);
            return false;
        }
        if (!parse_type(s, p))
            return false;
        bool is_extra = p->type == PT_CARRY || p->type == PT_FLAGS || p->type == PT_LABEL;
        if (s->kind != ST_SNIPPET && extra && !is_extra) {
            error("operand `%s' stands after a carry, flags or label parameter", p->name);
            return false;
        }
        extra |= is_extra;
        s->nparams++;
        if (!accept(","))
            break;
    }
    return true;
}

/* Condition codes in Jcc's order, with their synonyms. */
static int parse_cond(const char *name)
{
    static const char *const names[] = {
        "o", "no", "b", "ae", "z", "nz", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g",
    };
    for (int i = 0; i < 16; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

/* KIND[,KIND...].COND[,COND...] */
static bool parse_condition_list(struct stanza *s)
{
    do {
        const char *name = word();
        if (!*name || strlen(name) >= sizeof(s->records[0]) || s->nrecords == 16) {
            error("bad record kind `%s'", name);
            return false;
        }
        strcpy(s->records[s->nrecords++], name);
    } while (accept(","));
    if (!accept(".")) {
        error("expected KIND.CONDITION%s", "");
        return false;
    }
    do {
        const char *name = word();
        int cond = parse_cond(name);
        if (cond < 0) {
            error("unknown condition `%s'", name);
            return false;
        }
        s->conds |= 1 << cond;
    } while (accept(","));
    return true;
}

bool parse_attribute(struct stanza *s)
{
    if (accept("open"))
        s->open = true;
    else if (accept("distinct"))
        s->distinct = true;
    else if (accept("frame"))
        s->frame = true;
    else if (accept("lanes"))
        s->lanes = true;
    else
        return false;
    return true;
}

struct stanza *new_stanza(enum stanza_kind kind)
{
    struct stanza *s = xalloc(sizeof(*s));
    struct stanza **tail = &stanzas;

    s->kind = kind;
    s->file = file;
    s->line = line_number;
    skip();
    s->title = xstrndup(cur, strlen(cur));
    while (*tail)
        tail = &(*tail)->next;
    *tail = s;
    if (kind == ST_VALUE || kind == ST_BRANCH) {
        const char *start = cur;
        if (!parse_condition_list(s))
            return s;
        size_t n = (size_t)(cur - start);
        while (n && start[n - 1] == ' ')
            n--;
        snprintf(s->name, sizeof(s->name), "%.*s", (int)n, start);
        s->open = kind == ST_BRANCH;
        s->widths = 7;
        parse_params(s);
    } else {
        const char *name = word();
        if (!*name)
            error("the stanza has no name%s", "");
        snprintf(s->name, sizeof(s->name), "%s", name);
        if (kind == ST_TEMPLATE) {
            if (accept(",")) {
                skip();
                s->more = xstrndup(cur, strcspn(cur, " \t"));
                cur += strlen(s->more);
            }
            parse_params(s);
        } else if (accept("(")) {
            if (parse_params(s) && !accept(")"))
                error("expected `)' at `%s'", cur);
        }
    }
    while (parse_attribute(s))
        ;
    if (!end())
        error("cannot understand `%s'", cur);
    return s;
}
