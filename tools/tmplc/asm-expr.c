/* Expressions of a line, and the place in it. */
#include "asm.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct static_assert_text *static_asserts;

struct variant *v;
struct stanza *st;
const struct line *ln;
struct word *w;
bool bad;

void asm_error(const char *fmt, ...)
{
    char buf[300];
    va_list ap;

    if (bad)
        return;
    bad = true;
    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    error_at(st->file, ln->number, "%s", buf);
}

/* The C text of a parenthesised constant: cursor behind `('. */
static char *c_text(void)
{
    const char *start = cur;
    int depth = 1;

    while (*cur && depth) {
        if (*cur == '(')
            depth++;
        if (*cur == ')')
            depth--;
        cur++;
    }
    if (depth)
        asm_error("missing `)'");
    /* W is the width there, too. */
    char *out = "";
    const char *stop = cur - (depth ? 0 : 1);
    while (start < stop) {
        size_t n = name_length(start);
        if (n == 1 && *start == 'W' && v->width)
            out = xprintf("%s%d", out, v->width);
        else
            out = xprintf("%s%.*s", out, (int)(n ? n : 1), start);
        start += n ? n : 1;
    }
    return out;
}

static void add_c(struct expr *e, char *text, int sign)
{
    e->c = xprintf("%s%s(%s)", e->c ? e->c : "", sign < 0 ? " - " : e->c ? " + " : "", text);
}

/* Behind `field(': $param, POS, N). */
static void term_param(struct expr *e, int sign, bool bits);
static void term_field(struct expr *e, int sign)
{
    int64_t pos, n;

    if (!accept("$")) {
        asm_error("expected field($param, POSITION, BITS)");
        return;
    }
    term_param(e, sign, false);
    if (bad || !accept(",") || !number(&pos) || !accept(",") || !number(&n) || !accept(")") || pos < 0 || n < 1
        || pos + n > 31) {
        asm_error("expected field($param, POSITION, BITS)");
        return;
    }
    e->pos = (int)pos;
    e->n = (int)n;
}

/* $param in an expression. */
static void term_param(struct expr *e, int sign, bool bits)
{
    size_t n = name_length(cur);
    int p = find_param(st, cur, n);

    if (p < 0) {
        asm_error("`$%.*s' is not a parameter", (int)n, cur);
        return;
    }
    cur += n;
    if (e->param >= 0) {
        asm_error("only one parameter in an expression");
        return;
    }
    enum param_type t = st->param[p].type;
    if (bits ? t != PT_MASK && t != PT_NMASK : t != PT_IMM && t != PT_IMM32) {
        asm_error("parameter `%s' cannot stand here: %s", st->param[p].name,
              t == PT_MASK || t == PT_NMASK ? "write bits($x)" : "an immediate is expected");
        return;
    }
    st->param[p].used = true;
    e->param = p;
    e->coef = sign;
    e->bits = bits;
}

/* Sum of constants, $param, W, ENV(member), C(constant), bits($param). */
bool parse_expr(struct expr *e)
{
    memset(e, 0, sizeof(*e));
    e->param = -1;
    skip();
    static const char *const parts[] = { "%hiu", "%hi", "%lou", "%lo" };
    static const int codes[] = { PART_HIU, PART_HI, PART_LOU, PART_LO };
    for (int i = 0; i < 4; i++) {
        size_t n = strlen(parts[i]);
        if (strncmp(cur, parts[i], n) || isalpha((unsigned char)cur[n]))
            continue;
        cur += n;
        e->part = codes[i];
        if (!accept("(") || !accept("$")) {
            asm_error("expected %s($param)", parts[i]);
            return false;
        }
        term_param(e, 1, false);
        if (!accept(")"))
            asm_error("expected `)'");
        return !bad;
    }
    int sign = 1;
    bool any = false;
    for (;;) {
        skip();
        if (accept("-")) {
            sign = -sign;
            continue;
        }
        if (accept("$")) {
            term_param(e, sign, false);
        } else if (accept("W")) {
            if (!v->width)
                asm_error("W in a stanza without widths");
            e->cst += sign * v->width;
        } else if (accept("bits")) {
            if (!accept("(") || !accept("$")) {
                asm_error("expected bits($param)");
                return false;
            }
            term_param(e, sign, true);
            if (!accept(")"))
                asm_error("expected `)'");
        } else if (accept("field")) {
            if (!accept("(")) {
                asm_error("expected field($param, POSITION, BITS)");
                return false;
            }
            term_field(e, sign);
        } else if (accept("ENV")) {
            if (!accept("(")) {
                asm_error("expected ENV(member)");
                return false;
            }
            add_c(e, xprintf("(int64_t)offsetof(CPUX86State, %s)", c_text()), sign);
        } else if (accept("C")) {
            if (!accept("(")) {
                asm_error("expected C(constant)");
                return false;
            }
            add_c(e, xprintf("(int64_t)(%s)", c_text()), sign);
        } else if (isdigit((unsigned char)*cur)) {
            char *stop;
            long long k = strtoll(cur, &stop, 0);
            cur = stop;
            if (!accept("*"))
                e->cst += sign * k;
            else if (accept("field") && accept("("))
                term_field(e, sign * (int)k);
            else if (accept("$"))
                term_param(e, sign * (int)k, false);
            else
                asm_error("only a parameter or field(...) can be multiplied");
        } else if (!any) {
            return false;
        } else {
            asm_error("bad expression at `%s'", cur);
            return false;
        }
        any = true;
        if (bad)
            return false;
        skip();
        if (*cur == '+')
            sign = 1;
        else if (*cur == '-')
            sign = -1;
        else
            return true;
        cur++;
    }
}

static void add_static_assert(char *text)
{
    for (struct static_assert_text *o = static_asserts; o; o = o->next)
        if (!strcmp(o->text, text))
            return;
    struct static_assert_text *t = xalloc(sizeof(*t));
    t->text = text;
    t->line = ln->number;
    t->next = static_asserts;
    static_asserts = t;
}

static void param_range(const struct expr *e, int64_t *lo, int64_t *hi)
{
    const struct param *p = &st->param[e->param];
    int64_t a = e->coef * (e->n ? 0 : p->lo), b = e->coef * (e->n ? (1 << e->n) - 1 : p->hi);
    *lo = (a < b ? a : b) + e->cst;
    *hi = (a < b ? b : a) + e->cst;
}

/* Does the expression fit lo..hi, whatever its parameter is? */
void check_range(const struct expr *e, int64_t lo, int64_t hi, const char *what)
{
    int64_t a = e->cst, b = e->cst;

    if (bad || e->part != PART_ALL)
        return;
    if (e->param >= 0) {
        if (st->param[e->param].type == PT_IMM32) {
            asm_error("imm32 parameter `%s' only goes through %%hi, %%lo, %%hiu, %%lou",
                      st->param[e->param].name);
            return;
        }
        param_range(e, &a, &b);
        if (e->c) {
            asm_error("a parameter and a C constant in one expression");
            return;
        }
    }
    if (e->c) {
        add_static_assert(xprintf("_Static_assert(%s + %lld >= %lld && %s + %lld <= %lld, "
                                  "\"%s:%d: out of range\");", e->c, (long long)e->cst, (long long)lo, e->c,
                                  (long long)e->cst, (long long)hi, st->file, ln->number));
        return;
    }
    if (a < lo || b > hi)
        asm_error("%s can be %lld..%lld, which overflows its field (%lld..%lld)", what, (long long)a,
                  (long long)b, (long long)lo, (long long)hi);
}

/* Offsets of some loads and stores count elements.  A parameter that stands for bytes is checked at run
 * time. */
void check_multiple(const struct expr *e, int unit)
{
    if (bad || unit == 1)
        return;
    if (e->c) {
        add_static_assert(xprintf("_Static_assert((%s + %lld) %% %d == 0, \"%s:%d: no multiple of %d\");",
                                  e->c, (long long)e->cst, unit, st->file, ln->number, unit));
    } else if (e->cst % unit || (e->param >= 0 && e->n && e->coef % unit)) {
        asm_error("%s: the offset is no multiple of %d", w->op->name, unit);
    } else if (e->param >= 0 && e->coef % unit && st->param[e->param].unit < unit) {
        st->param[e->param].unit = unit;
    }
}

bool is_constant(const struct expr *e)
{
    return e->param < 0 && !e->c;
}

char *expr_value(const struct expr *e)
{
    char *s = xprintf("%lld", (long long)e->cst);
    if (e->c)
        s = xprintf("%s + %s", s, e->c);
    if (e->param >= 0 && e->bits)
        s = xprintf("%s %s (int64_t)tmpl_bits(v[%d])", s, e->coef < 0 ? "-" : "+", e->param);
    else if (e->param >= 0 && e->n)
        s = xprintf("%s + %d * (int64_t)(v[%d] >> %d & %d)", s, e->coef, e->param, e->pos, (1 << e->n) - 1);
    else if (e->param >= 0)
        s = xprintf("%s + %d * (int64_t)v[%d]", s, e->coef, e->param);
    switch (e->part) {
    case PART_HI:
        return xprintf("((%s + 0x8000) >> 16 & 0xffff)", s);
    case PART_HIU:
        return xprintf("((%s) >> 16 & 0xffff)", s);
    case PART_LO:
        return xprintf("(int16_t)(%s)", s);
    case PART_LOU:
        return xprintf("((%s) & 0xffff)", s);
    default:
        return s;
    }
}
