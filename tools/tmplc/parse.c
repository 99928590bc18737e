/* Files of stanzas: headers, options, and lines that wait to be assembled. */
#include "tmplc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct stanza *stanzas;
char *includes = "";

static const char *file;
static int line_number;

/* Cursor over one line. */
static const char *cur;

static void skip(void)
{
    while (*cur == ' ' || *cur == '\t')
        cur++;
}

static bool end(void)
{
    skip();
    return !*cur;
}

static bool accept(const char *token)
{
    size_t n = strlen(token);
    skip();
    if (strncmp(cur, token, n))
        return false;
    if (isalnum((unsigned char)token[n - 1]) && (isalnum((unsigned char)cur[n]) || cur[n] == '_'))
        return false;
    cur += n;
    return true;
}

/* A name; "" when there is none. */
static const char *word(void)
{
    static char buf[64];
    size_t n = 0;

    skip();
    while ((isalnum((unsigned char)*cur) || *cur == '_') && n < sizeof(buf) - 1)
        buf[n++] = *cur++;
    buf[n] = 0;
    return buf;
}

/* The first error of a line only: others tend to follow from it. */
static void error(const char *fmt, const char *arg)
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

static bool number(int64_t *n)
{
    char *stop;

    skip();
    *n = strtoll(cur, &stop, 0);
    if (stop == cur)
        return false;
    cur = stop;
    return true;
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

/* `open', `distinct', `frame': in the header or on a line of their own. */
static bool parse_attribute(struct stanza *s)
{
    if (accept("open"))
        s->open = true;
    else if (accept("distinct"))
        s->distinct = true;
    else if (accept("frame"))
        s->frame = true;
    else
        return false;
    return true;
}

static struct stanza *new_stanza(enum stanza_kind kind)
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

static uint32_t register_list(uint32_t *fregs)
{
    uint32_t mask = 0;

    while (!end()) {
        accept(",");
        const char *name = word();
        int r;
        if (fregs && name[0] == 'f' && isdigit((unsigned char)name[1])) {
            *fregs |= 1u << (atoi(name + 1) & 31);
        } else if ((r = find_register(name)) >= 0) {
            mask |= 1u << r;
        } else {
            error("unknown register `%s'", *name ? name : cur);
            break;
        }
    }
    return mask;
}

static int width_bit(int64_t w)
{
    return w == 8 ? 1 : w == 16 ? 2 : w == 32 ? 4 : 0;
}

/* True if the line was an option of the stanza. */
static bool parse_option(struct stanza *s, int *section)
{
    int64_t n;

    if (accept("widths")) {
        s->widths = 0;
        while (!end()) {
            const char *start = cur;
            if (!number(&n) || !width_bit(n)) {
                error("widths are 8, 16 and 32, not `%s'", start);
                cur = "";
                break;
            }
            s->widths |= width_bit(n);
        }
    } else if (accept("temps")) {
        s->temps |= register_list(&s->ftemps);
        const uint32_t allowed = 0x2 | 0x4 | 0x8 | 0x7e0 | 0x10 | 1u << 25;
        if (s->temps & ~allowed)
            error("only T0-T4, addr, X1-X3, at, t9 and FP registers can be temps%s", "");
    } else if (accept("uses")) {
        uint32_t list = register_list(NULL);
        s->uses |= list;
        if (list & 3u << 26)
            error("k0 and k1 belong to the kernel%s", "");
        if (list & (1u << 30 | 1u << 28 | 1u << 29))
            error("env, tlb and sp can always be read; `sets' allows writing them%s", "");
    } else if (accept("sets")) {
        s->sets |= register_list(NULL);
        if (s->sets & ~(1u << 30 | 1u << 28 | 1u << 29 | 1u << 31))
            error("`sets' is for env, tlb, sp and ra%s", "");
    } else if (accept("reads")) {
        if (!accept("flags"))
            error("expected `reads flags C' or `reads flags all'%s", "");
        s->reads = accept("C") ? 'C' : accept("all") ? 'A' : '?';
        if (s->reads == '?') {
            error("expected `reads flags C' or `reads flags all'%s", "");
            s->reads = 0;
        }
    } else if (accept("needs")) {
        if (accept("none")) {
            *section = NEEDS_NONE;
            s->has_none = true;
        } else if (accept("flags")) {
            *section = NEEDS_FLAGS;
            s->has_flags = true;
        } else {
            error("expected `needs none:' or `needs flags:'%s", "");
        }
        if (!accept(":"))
            error("expected `:' after needs%s", "");
    } else if (!parse_attribute(s)) {
        return false;
    }
    if (!end())
        error("cannot understand `%s'", cur);
    return true;
}

/* [8 16] before a line restricts it to widths. */
static int line_widths(void)
{
    int mask = 0;
    int64_t n;

    if (!accept("["))
        return 7;
    while (!accept("]")) {
        if (!number(&n) || !width_bit(n)) {
            error("expected [WIDTH...] at `%s'", cur);
            return 7;
        }
        mask |= width_bit(n);
    }
    return mask;
}

static void finish(struct stanza *s)
{
    if (!s)
        return;
    if (s->kind == ST_TEMPLATE && !s->widths)
        error_at(s->file, s->line, "template `%s' has no widths", s->name);
    for (int i = 0; i < s->nparams; i++) {
        struct param *p = &s->param[i];
        if (p->type == PT_CARRY && s->reads == 'A')
            error_at(s->file, s->line, "`reads flags all' wants a flags parameter");
        if (p->type == PT_CARRY)
            s->reads = 'C';
        if (p->type == PT_FLAGS)
            s->reads = 'A';
        static const char members[] = " d dst src src2 res ";
        bool is_d = !strcmp(p->name, "d");
        if ((s->kind == ST_VALUE || s->kind == ST_BRANCH) && p->type != PT_LABEL
            && (!strstr(members, xprintf(" %s ", p->name)) || is_d != (p->mode == MODE_W)
                || (is_d && s->kind == ST_BRANCH)))
            error_at(s->file, s->line,
                     "a condition's parameters are d:w (value only), dst, src, src2 and res");
    }
    if (s->reads) {
        bool found = false;
        for (int i = 0; i < s->nparams; i++)
            found |= s->param[i].type == (s->reads == 'C' ? PT_CARRY : PT_FLAGS);
        if (!found)
            error_at(s->file, s->line, "reads flags, but has no %s parameter",
                     s->reads == 'C' ? "carry" : "flags");
    }
}

static void strip(char *text)
{
    char *hash = strchr(text, '#');
    if (hash)
        *hash = 0;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        text[--n] = 0;
}

void parse_file(const char *name)
{
    FILE *f = fopen(name, "r");
    char buf[512];
    struct stanza *s = NULL;
    int section = NEEDS_COMMON;

    if (!f) {
        fprintf(stderr, "tmplc: cannot read %s\n", name);
        exit(1);
    }
    file = xstrndup(name, strlen(name));
    line_number = 0;
    while (fgets(buf, sizeof(buf), f)) {
        line_number++;
        strip(buf);
        cur = buf;
        if (end())
            continue;
        int kind = accept("snippet") ? ST_SNIPPET : accept("template") ? ST_TEMPLATE
            : accept("value") ? ST_VALUE : accept("branch") ? ST_BRANCH : -1;
        if (kind >= 0) {
            finish(s);
            s = new_stanza((enum stanza_kind)kind);
            section = NEEDS_COMMON;
            continue;
        }
        if (accept("include")) {
            skip();
            includes = xprintf("%s#include %s\n", includes, cur);
            continue;
        }
        if (!s) {
            error("expected a stanza, not `%s'", cur);
            continue;
        }
        if (parse_option(s, &section))
            continue;
        int widths = line_widths();
        skip();
        s->lines = realloc(s->lines, (size_t)(s->nlines + 1) * sizeof(s->lines[0]));
        if (!s->lines)
            exit(1);
        s->lines[s->nlines++] = (struct line){ line_number, widths, section, xstrndup(cur, strlen(cur)) };
    }
    finish(s);
    fclose(f);
}
