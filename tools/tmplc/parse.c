/* Files of stanzas: headers, options, and lines that wait to be assembled. */
#include "parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

char *includes = "";

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
    return w == 8 ? 1 : w == 16 ? 2 : w == 32 ? 4 : w == 64 ? 8 : w == 128 ? 16 : 0;
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
                error("widths are 8, 16, 32, 64 and 128, not `%s'", start);
                cur = "";
                break;
            }
            s->widths |= width_bit(n);
        }
    } else if (accept("host")) {
        static const char *const hosts[] = { "mmi", "msa", "ps" };
        const char *name = word();
        for (int i = 0; i < 3; i++)
            if (!strcmp(hosts[i], name))
                s->host = hosts[i];
        if (!s->host)
            error("unknown host feature `%s'", name);
    } else if (accept("fp")) {
        if (!number(&n) || (n != 32 && n != 64))
            error("expected fp 32 or fp 64%s", "");
        s->fp = (int)n;
        while (!end()) {
            if (accept("denormal"))
                s->check_denormal = true;
            else if (accept("nan"))
                s->check_nan = true;
            else if (accept("result"))
                s->check_result = true;
            else
                break;
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
            error("env, mem and sp can always be read; `sets' allows writing them%s", "");
    } else if (accept("sets")) {
        s->sets |= register_list(NULL);
        if (s->sets & ~(1u << 30 | 1u << 28 | 1u << 29 | 1u << 31))
            error("`sets' is for env, mem, sp and ra%s", "");
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
        return 31;
    while (!accept("]")) {
        if (!number(&n) || !width_bit(n)) {
            error("expected [WIDTH...] at `%s'", cur);
            return 31;
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

/* A template with several names is as many templates. */
static void add_names(struct stanza *s)
{
    while (s && s->more && !error_count) {
        struct stanza *copy = xalloc(sizeof(*copy));
        size_t n = strcspn(s->more, ",");
        *copy = *s;
        snprintf(copy->name, sizeof(copy->name), "%.*s", (int)n, s->more);
        copy->more = s->more[n] ? s->more + n + 1 : NULL;
        s->next = copy;
        s->more = NULL;
        s = copy;
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
            add_names(s);
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
    add_names(s);
    fclose(f);
}
