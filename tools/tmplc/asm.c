/* Lines of one variant to words with fields. */
#include "tmplc.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct static_assert_text *static_asserts;

static struct variant *v;
static struct stanza *st;
static const struct line *ln;
static const char *cur;
static bool bad; /* this line had an error already */

static void error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void error(const char *fmt, ...)
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

static void skip(void)
{
    while (*cur == ' ' || *cur == '\t')
        cur++;
}

static bool accept(char c)
{
    skip();
    if (*cur != c)
        return false;
    cur++;
    return true;
}

static bool accept_word(const char *w)
{
    size_t n = strlen(w);
    skip();
    if (strncmp(cur, w, n) || isalnum((unsigned char)cur[n]) || cur[n] == '_')
        return false;
    cur += n;
    return true;
}

static size_t name_length(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_')
        n++;
    return n;
}

/* ---- expressions ---- */

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
        error("missing `)'");
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

/* $param in an expression. */
static void term_param(struct expr *e, int sign, bool bits)
{
    size_t n = name_length(cur);
    int p = find_param(st, cur, n);

    if (p < 0) {
        error("`$%.*s' is not a parameter", (int)n, cur);
        return;
    }
    cur += n;
    if (e->param >= 0) {
        error("only one parameter in an expression");
        return;
    }
    enum param_type t = st->param[p].type;
    if (bits ? t != PT_MASK && t != PT_NMASK : t != PT_IMM && t != PT_IMM32) {
        error("parameter `%s' cannot stand here: %s", st->param[p].name,
              t == PT_MASK || t == PT_NMASK ? "write bits($x)" : "an immediate is expected");
        return;
    }
    st->param[p].used = true;
    e->param = p;
    e->coef = sign;
    e->bits = bits;
}

/* Sum of constants, $param, W, ENV(member), C(constant), bits($param). */
static bool parse_expr(struct expr *e)
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
        if (!accept('(') || !accept('$')) {
            error("expected %s($param)", parts[i]);
            return false;
        }
        term_param(e, 1, false);
        if (!accept(')'))
            error("expected `)'");
        return !bad;
    }
    int sign = 1;
    bool any = false;
    for (;;) {
        skip();
        if (accept('-')) {
            sign = -sign;
            continue;
        }
        if (accept('$')) {
            term_param(e, sign, false);
        } else if (accept_word("W")) {
            if (!v->width)
                error("W in a stanza without widths");
            e->cst += sign * v->width;
        } else if (accept_word("bits")) {
            if (!accept('(') || !accept('$')) {
                error("expected bits($param)");
                return false;
            }
            term_param(e, sign, true);
            if (!accept(')'))
                error("expected `)'");
        } else if (accept_word("ENV")) {
            if (!accept('(')) {
                error("expected ENV(member)");
                return false;
            }
            add_c(e, xprintf("(int64_t)offsetof(CPUX86State, %s)", c_text()), sign);
        } else if (accept_word("C")) {
            if (!accept('(')) {
                error("expected C(constant)");
                return false;
            }
            add_c(e, xprintf("(int64_t)(%s)", c_text()), sign);
        } else if (isdigit((unsigned char)*cur)) {
            char *stop;
            e->cst += sign * strtoll(cur, &stop, 0);
            cur = stop;
        } else if (!any) {
            return false;
        } else {
            error("bad expression at `%s'", cur);
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

static void param_range(const struct expr *e, int64_t *lo, int64_t *hi)
{
    const struct param *p = &st->param[e->param];
    int64_t a = e->coef * p->lo, b = e->coef * p->hi;
    *lo = (a < b ? a : b) + e->cst;
    *hi = (a < b ? b : a) + e->cst;
}

/* Does the expression fit lo..hi, whatever its parameter is? */
static void check_range(const struct expr *e, int64_t lo, int64_t hi, const char *what)
{
    int64_t a = e->cst, b = e->cst;

    if (bad || e->part != PART_ALL)
        return;
    if (e->param >= 0) {
        if (st->param[e->param].type == PT_IMM32) {
            error("imm32 parameter `%s' only goes through %%hi, %%lo, %%hiu, %%lou", st->param[e->param].name);
            return;
        }
        param_range(e, &a, &b);
        if (e->c) {
            error("a parameter and a C constant in one expression");
            return;
        }
    }
    if (e->c) {
        struct static_assert_text *t = xalloc(sizeof(*t));
        t->text = xprintf("_Static_assert(%s + %lld >= %lld && %s + %lld <= %lld, \"%s:%d: out of range\");",
                          e->c, (long long)e->cst, (long long)lo, e->c, (long long)e->cst, (long long)hi,
                          st->file, ln->number);
        t->line = ln->number;
        for (struct static_assert_text *o = static_asserts; o; o = o->next)
            if (!strcmp(o->text, t->text))
                return;
        t->next = static_asserts;
        static_asserts = t;
        return;
    }
    if (a < lo || b > hi)
        error("%s can be %lld..%lld, which overflows its field (%lld..%lld)", what, (long long)a, (long long)b,
              (long long)lo, (long long)hi);
}

static bool is_constant(const struct expr *e)
{
    return e->param < 0 && !e->c;
}

/* ---- operands ---- */

struct reg {
    int number; /* fixed, or -1 */
    int param;
    bool fp;
};

/* `$name' or `name' as a record writes it. */
static bool parse_reg(struct reg *r)
{
    *r = (struct reg){ -1, -1, false };
    skip();
    if (*cur != '$')
        return false;
    const char *start = cur + 1;
    size_t n = name_length(start);
    char name[MAX_NAME + 1];
    if (n == 0 || n > MAX_NAME)
        return false;
    memcpy(name, start, n);
    name[n] = 0;
    int p = find_param(st, name, n);
    if (p >= 0) {
        enum param_type t = st->param[p].type;
        if (t == PT_CL) {
            r->number = find_register("ecx");
        } else if (t == PT_REG || t == PT_CARRY || t == PT_FLAGS || t == PT_FREG) {
            r->param = p;
            r->fp = t == PT_FREG;
        } else {
            return false; /* an immediate: not a register */
        }
        st->param[p].used = true;
        cur = start + n;
        return true;
    }
    if (name[0] == 'f' && isdigit((unsigned char)name[1])) {
        r->number = atoi(name + 1);
        r->fp = true;
        if (r->number > 31) {
            error("no such register $%s", name);
            return false;
        }
        cur = start + n;
        return true;
    }
    r->number = find_register(name);
    if (r->number < 0) {
        error("`$%s' is neither a parameter nor a register", name);
        return false;
    }
    cur = start + n;
    return true;
}

static struct word *w;

static void text(const char *fmt, const char *arg)
{
    w->asm_fmt = xprintf("%s%s", w->asm_fmt, fmt);
    if (arg)
        w->asm_args = xprintf("%s, %s", w->asm_args, arg);
}

static void put_reg(const struct reg *r, int shift, bool reads, bool writes)
{
    if (r->param >= 0) {
        w->f[w->nf++] = (struct field){ .kind = F_REG, .param = r->param, .shift = shift };
        if (reads)
            w->preads |= 1u << r->param;
        if (writes)
            w->pwrites |= 1u << r->param;
        text(r->fp ? "$f%d" : "$%d", xprintf("(int)v[%d]", r->param));
    } else {
        w->base |= (uint32_t)r->number << shift;
        uint32_t bit = 1u << r->number;
        if (r->fp) {
            if (reads)
                w->freads |= bit;
            if (writes)
                w->fwrites |= bit;
        } else {
            if (reads)
                w->reads |= bit;
            if (writes)
                w->writes |= bit;
        }
        text(xprintf(r->fp ? "$f%d" : "$%d", r->number), NULL);
    }
}

static char *expr_value(const struct expr *e)
{
    char *s = xprintf("%lld", (long long)e->cst);
    if (e->c)
        s = xprintf("%s + %s", s, e->c);
    if (e->param >= 0 && e->bits)
        s = xprintf("%s %s (int64_t)tmpl_bits(v[%d])", s, e->coef < 0 ? "-" : "+", e->param);
    else if (e->param >= 0)
        s = xprintf("%s %s (int64_t)v[%d]", s, e->coef < 0 ? "-" : "+", e->param);
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

/* bias is taken off in the word, not in the text. */
static void put_imm(const struct expr *e, int shift, int bits, int64_t bias)
{
    struct expr f = *e;

    text("%lld", xprintf("(long long)(%s)", expr_value(e)));
    f.cst -= bias;
    if (is_constant(&f))
        w->base |= ((uint32_t)f.cst & ((1u << bits) - 1)) << shift;
    else
        w->f[w->nf++] = (struct field){ .kind = F_IMM, .e = f, .shift = shift, .bits = bits };
}

static bool need_reg(struct reg *r, bool fp)
{
    if (!parse_reg(r)) {
        error("%s: a register is expected at `%s'", w->op->name, cur);
        return false;
    }
    if (r->fp != fp) {
        error("%s: a%s register is expected", w->op->name, fp ? " floating-point" : "n integer");
        return false;
    }
    return true;
}

static bool need_expr(struct expr *e)
{
    if (!parse_expr(e)) {
        error("%s: an immediate is expected at `%s'", w->op->name, cur);
        return false;
    }
    return !bad;
}

static void offset_operand(char letter)
{
    struct expr e;
    struct reg base, index;

    skip();
    if (*cur == '(') {
        memset(&e, 0, sizeof(e));
        e.param = -1;
    } else if (!need_expr(&e)) {
        return;
    }
    if (letter == 'O') {
        if (e.part == PART_HI || e.part == PART_HIU || e.part == PART_LOU)
            error("only %%lo fits a memory offset");
        check_range(&e, -32768, 32767, "offset");
        put_imm(&e, 0, 16, 0);
    } else {
        check_range(&e, -128, 127, "offset");
        put_imm(&e, 3, 8, 0);
    }
    if (!accept('(')) {
        error("%s: `(' is expected at `%s'", w->op->name, cur);
        return;
    }
    text("(", NULL);
    if (!need_reg(&base, false))
        return;
    put_reg(&base, 21, true, false);
    if (letter == 'X') {
        if (!accept(',')) {
            error("%s: base and index are expected", w->op->name);
            return;
        }
        text(", ", NULL);
        if (!need_reg(&index, false))
            return;
        if (index.number == 0)
            error("$zero as index of %s", w->op->name);
        w->index_param = index.param;
        put_reg(&index, 11, true, false);
    }
    if (!accept(')'))
        error("%s: `)' is expected at `%s'", w->op->name, cur);
    text(")", NULL);
}

static void branch_operand(char letter)
{
    skip();
    if (accept('$')) {
        size_t n = name_length(cur);
        int p = find_param(st, cur, n);
        if (p < 0 || st->param[p].type != PT_LABEL) {
            error("`$%.*s' is not a label parameter", (int)n, cur);
            return;
        }
        cur += n;
        st->param[p].used = true;
        w->label_param = p;
        w->f[w->nf++] = (struct field){ .kind = letter == 'J' ? F_JUMP : F_LABEL, .param = p };
        v->label_sites[v->nsites++] = v->nw;
        text(letter == 'J' ? "0" : ".+4", NULL);
        return;
    }
    if (letter == 'b' && isdigit((unsigned char)*cur)) {
        char *stop;
        long n = strtol(cur, &stop, 10);
        if ((*stop == 'f' || *stop == 'b') && n > 0 && n < 1000) {
            w->f[w->nf++] = (struct field){ .kind = F_LOCAL, .local = *stop == 'b' ? (int)-n : (int)n };
            text(xprintf("%ld%c", n, *stop), NULL);
            cur = stop + 1;
            return;
        }
    }
    error("%s: a label is expected at `%s'", w->op->name, cur);
}

/* Position and size of ext and ins families: which form takes them. */
static const struct opcode *bitfield_form(const struct opcode *op, const struct expr *pos, const struct expr *size)
{
    bool ins = strchr(op->fmt, 'q');
    if ((strcmp(op->name, "dext") && strcmp(op->name, "dins")) || !is_constant(pos) || !is_constant(size))
        return op;
    if (pos->cst >= 32)
        return find_opcode(ins ? "dinsu" : "dextu");
    if (ins ? pos->cst + size->cst > 32 : size->cst > 32)
        return find_opcode(ins ? "dinsm" : "dextm");
    return op;
}

static void bitfield_operands(void)
{
    struct expr pos, size;
    bool ins = strchr(w->op->fmt, 'q');

    if (!need_expr(&pos))
        return;
    if (!accept(',')) {
        error("%s: too few operands", w->op->name);
        return;
    }
    if (!need_expr(&size))
        return;
    const struct opcode *op = bitfield_form(w->op, &pos, &size);
    w->base = (w->base & ~0x3fu) | (op->word & 0x3f);
    w->op = op;
    bool upper = op->name[strlen(op->name) - 1] == 'u', middle = op->name[strlen(op->name) - 1] == 'm';
    bool wide = op->name[0] == 'd';
    int64_t pos_lo = upper ? 32 : 0, size_lo = middle && !ins ? 33 : 1;
    check_range(&pos, pos_lo, pos_lo + 31, "position");
    check_range(&size, size_lo, middle ? 64 : 32, "size");
    if (bad)
        return;
    /* msb: of ext the size - 1, of ins the last bit's position. */
    struct expr msb = size;
    if (ins) {
        if (pos.param >= 0 && size.param >= 0) {
            if (pos.param != size.param || pos.bits != size.bits || pos.coef + size.coef != 0) {
                error("%s: position and size must not both vary", op->name);
                return;
            }
            msb.param = -1;
            msb.coef = 0;
        } else if (pos.param >= 0) {
            msb = pos;
            msb.cst = 0;
        }
        msb.cst = pos.cst + size.cst - 1;
        if (pos.c && size.c)
            msb.c = xprintf("%s + %s", pos.c, size.c);
        else if (pos.c)
            msb.c = pos.c;
        check_range(&msb, upper || middle ? 32 : 0, upper || middle ? 63 : 31, "position + size - 1");
        if (upper || middle)
            msb.cst -= 32;
    } else {
        struct expr sum = size;
        if (pos.param >= 0 && size.param < 0) {
            sum = pos;
            sum.c = NULL;
        } else if (pos.param >= 0 && pos.coef + size.coef == 0) {
            sum.param = -1;
        }
        if (!pos.c && !size.c) {
            sum.cst = pos.cst + size.cst;
            check_range(&sum, 1, wide ? 64 : 32, "position + size");
        }
        msb.cst -= middle ? 33 : 1;
    }
    struct expr lsb = pos;
    lsb.cst -= upper ? 32 : 0;
    put_imm(&pos, 6, 5, upper ? 32 : 0);
    text(", ", NULL);
    /* The text shows the size, the word holds the msb. */
    text("%lld", xprintf("(long long)(%s)", expr_value(&size)));
    if (is_constant(&msb))
        w->base |= ((uint32_t)msb.cst & 31) << 11;
    else
        w->f[w->nf++] = (struct field){ .kind = F_IMM, .e = msb, .shift = 11, .bits = 5 };
}

static void operand(char letter)
{
    struct reg r;
    struct expr e;

    switch (letter) {
    case 'd': case 'D': case 'e':
        if (!need_reg(&r, false))
            return;
        if (r.number == 0 && letter == 'd' && (w->op->flags & OP_LOAD))
            error("load to $zero");
        put_reg(&r, 11, letter == 'D', true);
        if (letter == 'e') { /* clz: the destination stands in rt too */
            if (r.param >= 0)
                w->f[w->nf++] = (struct field){ .kind = F_REG, .param = r.param, .shift = 16 };
            else
                w->base |= (uint32_t)r.number << 16;
        }
        break;
    case 's':
        if (need_reg(&r, false))
            put_reg(&r, 21, true, false);
        break;
    case 'Z':
        if (need_reg(&r, false) && r.number != 0)
            error("%s: $zero is expected first", w->op->name);
        text("$0", NULL);
        break;
    case 't': case 'T': case 'U':
        if (!need_reg(&r, false))
            return;
        if (r.number == 0 && letter != 't' && (w->op->flags & OP_LOAD))
            error("load to $zero");
        put_reg(&r, 16, letter != 'T', letter != 't');
        break;
    case 'f':
        if (need_reg(&r, true))
            put_reg(&r, 6, false, true);
        break;
    case 'F': case 'H':
        if (need_reg(&r, true))
            put_reg(&r, 11, letter == 'F', letter == 'H');
        break;
    case 'g': case 'G':
        if (need_reg(&r, true))
            put_reg(&r, 16, letter == 'g', letter == 'G');
        break;
    case 'i': case 'u':
        if (!need_expr(&e))
            return;
        if ((letter == 'i' && e.part != PART_ALL && e.part != PART_LO)
            || (letter == 'u' && e.part == PART_LO))
            error("%s: %%lo goes with addiu and loads, %%lou with ori", w->op->name);
        if (letter == 'u' && !strcmp(w->op->name, "lui") && e.part == PART_LOU)
            error("%%lou in lui");
        check_range(&e, letter == 'i' ? -32768 : 0, letter == 'i' ? 32767 : 65535, "immediate");
        put_imm(&e, 0, 16, 0);
        break;
    case 'a':
        if (!need_expr(&e))
            return;
        check_range(&e, 0, 31, "shift amount");
        put_imm(&e, 6, 5, 0);
        break;
    case 'p': case 'q':
        bitfield_operands();
        break;
    case 'z': case 'y': /* done with p, q */
        break;
    case 'O': case 'X':
        offset_operand(letter);
        break;
    case 'b': case 'J':
        branch_operand(letter);
        break;
    }
}

static struct word *new_word(const struct opcode *op)
{
    if (v->nw == MAX_WORDS) {
        error("stanza has over %d words", MAX_WORDS);
        return NULL;
    }
    w = &v->w[v->nw];
    memset(w, 0, sizeof(*w));
    w->op = op;
    w->base = op->word;
    w->line = ln->number;
    w->asm_fmt = xprintf("%s ", op->name);
    w->asm_args = "";
    w->label_param = -1;
    w->local_target = -1;
    w->index_param = -1;
    if (op->flags & OP_LINK)
        w->writes |= 1u << 31;
    return w;
}

static void instruction(const struct opcode *op)
{
    if (op->flags & OP_REFUSED) {
        error("`%s' traps on overflow: use the unsigned form", op->name);
        return;
    }
    if (!new_word(op))
        return;
    for (const char *f = op->fmt; *f && !bad; f++) {
        if (*f == 'z' || *f == 'y')
            continue;
        if (f != op->fmt) {
            if (!accept(',')) {
                error("%s: too few operands", op->name);
                return;
            }
            text(", ", NULL);
        }
        skip();
        if (!*cur)
            error("%s: too few operands", op->name);
        operand(*f);
    }
    skip();
    if (*cur)
        error("%s: too many operands: `%s'", op->name, cur);
    if (strncmp(w->asm_fmt, w->op->name, strlen(w->op->name)) || w->asm_fmt[strlen(w->op->name)] != ' ')
        w->asm_fmt = xprintf("%s%s", w->op->name, strchr(w->asm_fmt, ' '));
    if (!bad)
        v->nw++;
}

static void simple(const char *line)
{
    const char *save = cur;
    size_t n = 0;
    char name[16];

    cur = line;
    skip();
    while (cur[n] && cur[n] != ' ' && n < sizeof(name) - 1)
        n++;
    memcpy(name, cur, n);
    name[n] = 0;
    cur += n;
    instruction(find_opcode(name));
    cur = save;
}

/* sx, zx, zx64, move, li: what depends on the width or is written often.  True if it was one. */
static bool pseudo(const char *name)
{
    struct reg d, s;
    const char *ds, *ss;
    size_t dn, sn;

    if (strcmp(name, "sx") && strcmp(name, "zx") && strcmp(name, "zx64") && strcmp(name, "move")
        && strcmp(name, "li") && strcmp(name, "not") && strcmp(name, "negu"))
        return false;
    /* parse_reg() only finds where the operands end: instruction() parses them again. */
    static struct word scratch;
    w = &scratch;
    w->op = find_opcode("or");
    skip();
    ds = cur;
    if (!parse_reg(&d)) {
        error("%s: a register is expected at `%s'", name, cur);
        return true;
    }
    dn = (size_t)(cur - ds);
    if (!strcmp(name, "li")) {
        if (!accept(',')) {
            error("li: too few operands");
            return true;
        }
        const char *rest = cur;
        struct expr e;
        if (!parse_expr(&e)) {
            error("li: a constant is expected at `%s'", rest);
            return true;
        }
        bool is_unsigned = e.cst > 32767;
        skip();
        if (*cur)
            error("li: too many operands: `%s'", cur);
        if (!bad)
            simple(xprintf("%s %.*s, $zero, %s", is_unsigned ? "ori" : "addiu", (int)dn, ds, rest));
        return true;
    }
    bool two = accept(',');
    ss = ds;
    sn = dn;
    if (two) {
        skip();
        ss = cur;
        if (!parse_reg(&s)) {
            error("%s: a register is expected at `%s'", name, cur);
            return true;
        }
        sn = (size_t)(cur - ss);
    } else if (!strcmp(name, "move") || !strcmp(name, "not") || !strcmp(name, "negu")) {
        error("%s: too few operands", name);
        return true;
    }
    skip();
    if (*cur) {
        error("%s: too many operands: `%s'", name, cur);
        return true;
    }
    const char *one = NULL;
    bool width_needed = !strcmp(name, "sx") || !strcmp(name, "zx");
    if (width_needed && !v->width)
        error("%s in a stanza without widths", name);
    if (!strcmp(name, "sx") && v->width < 32)
        one = v->width == 8 ? "seb %.*s, %.*s" : "seh %.*s, %.*s";
    else if (!strcmp(name, "zx") && v->width < 32)
        one = v->width == 8 ? "andi %.*s, %.*s, 0xff" : "andi %.*s, %.*s, 0xffff";
    else if (!strcmp(name, "zx64"))
        one = "dext %.*s, %.*s, 0, 32";
    else if (!strcmp(name, "not"))
        one = "nor %.*s, %.*s, $zero";
    else if (!strcmp(name, "negu"))
        one = "subu %.*s, $zero, %.*s";
    else if (two)
        one = "or %.*s, %.*s, $zero";
    if (one && !bad) {
        char buf[128];
        snprintf(buf, sizeof(buf), one, (int)dn, ds, (int)sn, ss);
        simple(xstrndup(buf, strlen(buf)));
    }
    return true;
}

/* ---- record ---- */

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
            error("expected dst=, src=, src2= or res= at `%s'", cur);
            return;
        }
        cur += n + 1;
        if (members[i]->kind != V_NONE) {
            error("%s= is there twice", names[i]);
            return;
        }
        if (!parse_value(members[i])) {
            error("bad value of %s= at `%s'", names[i], cur);
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

static void parse_record(void)
{
    struct record *r = &v->record;

    if (st->kind != ST_TEMPLATE) {
        error("only templates have a record");
        return;
    }
    if (r->type != REC_ABSENT) {
        error("a second record");
        return;
    }
    r->line = ln->number;
    if (accept_word("none")) {
        r->type = REC_NONE;
    } else if (accept_word("dynamic")) {
        r->type = accept_word("nomod") ? REC_NOMOD : REC_DYNAMIC;
    } else if (accept_word("flags")) {
        r->type = REC_FLAGS;
        if (!accept('=') || !parse_value(&r->src) || r->src.kind == V_CONST)
            error("expected record flags=$register");
    } else {
        r->type = accept_word("mod") ? REC_MOD : REC_KIND;
        skip();
        size_t n = name_length(cur);
        snprintf(r->kind, sizeof(r->kind), "%.*s", (int)n, cur);
        cur += n;
        int members = kind_members(r->kind, r->type);
        if (members < 0) {
            error("unknown record kind `%s'", r->kind);
            return;
        }
        record_members();
        int given = (r->dst.kind ? 1 : 0) | (r->src.kind ? 2 : 0) | (r->src2.kind ? 4 : 0)
            | (r->res.kind ? 8 : 0);
        if (!bad && given != members)
            error("record %s wants%s%s%s%s", r->kind, members & 1 ? " dst" : "", members & 2 ? " src" : "",
                  members & 4 ? " src2" : "", members & 8 ? " res" : "");
    }
    skip();
    if (*cur)
        error("cannot understand `%s'", cur);
}

/* ---- lines ---- */

/* `N:' at the start of a line, any number of times. */
static void parse_labels(void)
{
    for (;;) {
        skip();
        char *stop;
        if (!isdigit((unsigned char)*cur))
            return;
        long n = strtol(cur, &stop, 10);
        if (*stop != ':') {
            error("cannot understand `%s'", cur);
            return;
        }
        if (n < 1 || n > 999 || v->nlabels == 32) {
            error("local labels are numbers from 1 to 999");
            return;
        }
        v->labels[v->nlabels++] = (struct local_label){ (int)n, v->nw, ln->number, false };
        cur = stop + 1;
    }
}

/* %hi means what goes with the %lo or %lou of the same parameter. */
static void pair_hi_lo(void)
{
    int lo[MAX_PARAMS] = { 0 };

    for (int i = 0; i < v->nw; i++)
        for (int j = 0; j < v->w[i].nf; j++) {
            const struct field *f = &v->w[i].f[j];
            if (f->kind == F_IMM && (f->e.part == PART_LO || f->e.part == PART_LOU))
                lo[f->e.param] |= f->e.part == PART_LO ? 1 : 2;
        }
    for (int i = 0; i < v->nw; i++)
        for (int j = 0; j < v->w[i].nf; j++) {
            struct field *f = &v->w[i].f[j];
            if (f->kind != F_IMM || (f->e.part != PART_HI && f->e.part != PART_HIU))
                continue;
            const char *name = st->param[f->e.param].name;
            if (lo[f->e.param] == 3)
                error_at(st->file, v->w[i].line, "both %%lo and %%lou of `%s'", name);
            else if (lo[f->e.param] == 0 && f->e.part == PART_HI)
                error_at(st->file, v->w[i].line, "%%hi($%s) without %%lo or %%lou: write %%hiu", name);
            else if (lo[f->e.param] == 1 && f->e.part == PART_HIU)
                error_at(st->file, v->w[i].line, "%%hiu($%s) with %%lo: write %%hi", name);
            else if (lo[f->e.param] == 2 && f->e.part == PART_HI) {
                f->e.part = PART_HIU;
                w = &v->w[i];
                w->asm_args = xprintf(", %s", "");
                /* operands of lui: register, then this */
                bool fixed_reg = true;
                for (int k = 0; k < w->nf; k++)
                    fixed_reg &= w->f[k].kind != F_REG;
                struct expr e = f->e;
                char *value = xprintf("(long long)(%s)", expr_value(&e));
                if (fixed_reg) {
                    w->asm_args = xprintf(", %s", value);
                } else {
                    for (int k = 0; k < w->nf; k++)
                        if (w->f[k].kind == F_REG)
                            w->asm_args = xprintf(", (int)v[%d], %s", w->f[k].param, value);
                }
            }
        }
}

static void resolve_labels(void)
{
    for (int i = 0; i < v->nw; i++)
        for (int j = 0; j < v->w[i].nf; j++) {
            struct field *f = &v->w[i].f[j];
            if (f->kind != F_LOCAL)
                continue;
            int n = f->local < 0 ? -f->local : f->local, best = -1;
            for (int k = 0; k < v->nlabels; k++) {
                if (v->labels[k].number != n)
                    continue;
                bool before = v->labels[k].word <= i;
                if (f->local < 0 && before)
                    best = k; /* the last one before */
                if (f->local > 0 && !before && best < 0)
                    best = k;
            }
            if (best < 0) {
                error_at(st->file, v->w[i].line, "no local label %d%s", n, f->local < 0 ? "b" : "f");
                continue;
            }
            v->labels[best].used = true;
            v->w[i].local_target = v->labels[best].word;
            v->w[i].base |= (uint32_t)(v->labels[best].word - (i + 1)) & 0xffff;
            w = &v->w[i];
            memmove(f, f + 1, (size_t)(v->w[i].nf - j - 1) * sizeof(*f));
            v->w[i].nf--;
            j--;
        }
    for (int k = 0; k < v->nlabels; k++) {
        if (!v->labels[k].used)
            error_at(st->file, v->labels[k].line, "local label %d is not used", v->labels[k].number);
        if (v->labels[k].word < v->nw)
            v->w[v->labels[k].word].label_here = true;
        else
            v->label_at_end = true;
    }
}

struct variant *assemble(struct stanza *s, int width, int needs)
{
    int errors = error_count;

    v = xalloc(sizeof(*v));
    st = s;
    v->s = s;
    v->width = width;
    v->widths = width == 8 ? 1 : width == 16 ? 2 : width == 32 ? 4 : 0;
    v->needs = needs;
    for (int i = 0; i < s->nlines; i++) {
        ln = &s->lines[i];
        if (width && !(ln->widths & v->widths))
            continue;
        if (ln->needs != NEEDS_COMMON && ln->needs != needs)
            continue;
        cur = ln->text;
        bad = false;
        if (!width && ln->widths != 7)
            error("a line for some widths in a stanza without widths");
        parse_labels();
        skip();
        if (!*cur || bad)
            continue;
        if (accept_word("record")) {
            parse_record();
            continue;
        }
        char name[32];
        size_t n = 0;
        while (cur[n] && cur[n] != ' ' && cur[n] != '\t' && n < sizeof(name) - 1) {
            name[n] = cur[n];
            n++;
        }
        name[n] = 0;
        cur += n;
        const struct opcode *op = find_opcode(name);
        if (op)
            instruction(op);
        else if (!pseudo(name))
            error("unknown mnemonic `%s'", name);
    }
    if (error_count != errors)
        return NULL;
    pair_hi_lo();
    resolve_labels();
    return error_count == errors ? v : NULL;
}

static bool expr_equal(const struct expr *a, const struct expr *b)
{
    return a->cst == b->cst && a->coef == b->coef && a->param == b->param && a->bits == b->bits
        && a->part == b->part && (a->c == b->c || (a->c && b->c && !strcmp(a->c, b->c)));
}

/* The same words, records apart from their width, and fields. */
bool variants_equal(const struct variant *a, const struct variant *b)
{
    if (a->nw != b->nw || a->needs != b->needs)
        return false;
    for (int i = 0; i < a->nw; i++) {
        const struct word *x = &a->w[i], *y = &b->w[i];
        if (x->base != y->base || x->nf != y->nf)
            return false;
        for (int j = 0; j < x->nf; j++) {
            const struct field *f = &x->f[j], *g = &y->f[j];
            if (f->kind != g->kind || f->param != g->param || f->shift != g->shift
                || (f->kind == F_IMM && !expr_equal(&f->e, &g->e)))
                return false;
        }
    }
    const struct record *r = &a->record, *q = &b->record;
    return r->type == q->type && !strcmp(r->kind, q->kind) && !memcmp(&r->dst, &q->dst, sizeof(r->dst))
        && !memcmp(&r->src, &q->src, sizeof(r->src)) && !memcmp(&r->src2, &q->src2, sizeof(r->src2))
        && !memcmp(&r->res, &q->res, sizeof(r->res));
}
