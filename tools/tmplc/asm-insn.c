/* One instruction, and the pseudo instructions that stand for one. */
#include "asm.h"

#include <string.h>

static struct word *new_word(const struct opcode *op)
{
    if (v->nw == MAX_WORDS) {
        asm_error("stanza has over %d words", MAX_WORDS);
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

void instruction(const struct opcode *op)
{
    bool first = true;

    /* `and', dsll, ... are two instructions: on general and on FP registers. */
    const struct opcode *mmi = find_mmi_opcode(op->name);
    if (mmi && fp_ahead())
        op = mmi;
    if (op->flags & OP_REFUSED) {
        asm_error("`%s' traps on overflow: use the unsigned form", op->name);
        return;
    }
    if (!new_word(op))
        return;
    for (const char *f = op->fmt; *f && !bad; f++) {
        if (*f == 'z' || *f == 'y')
            continue;
        if ((*f == 'C' || *f == 'c') && !cc_ahead()) { /* $fcc0 */
            operand(*f);
            continue;
        }
        if (!first) {
            if (!accept(",")) {
                asm_error("%s: too few operands", op->name);
                return;
            }
            text(", ", NULL);
        }
        first = false;
        skip();
        if (!*cur)
            asm_error("%s: too few operands", op->name);
        operand(*f);
    }
    skip();
    if (*cur)
        asm_error("%s: too many operands: `%s'", op->name, cur);
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
bool pseudo(const char *name)
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
        asm_error("%s: a register is expected at `%s'", name, cur);
        return true;
    }
    dn = (size_t)(cur - ds);
    if (!strcmp(name, "li")) {
        if (!accept(",")) {
            asm_error("li: too few operands");
            return true;
        }
        const char *rest = cur;
        struct expr e;
        if (!parse_expr(&e)) {
            asm_error("li: a constant is expected at `%s'", rest);
            return true;
        }
        bool is_unsigned = e.cst > 32767;
        skip();
        if (*cur)
            asm_error("li: too many operands: `%s'", cur);
        if (!bad)
            simple(xprintf("%s %.*s, $zero, %s", is_unsigned ? "ori" : "addiu", (int)dn, ds, rest));
        return true;
    }
    bool two = accept(",");
    ss = ds;
    sn = dn;
    if (two) {
        skip();
        ss = cur;
        if (!parse_reg(&s)) {
            asm_error("%s: a register is expected at `%s'", name, cur);
            return true;
        }
        sn = (size_t)(cur - ss);
    } else if (!strcmp(name, "move") || !strcmp(name, "not") || !strcmp(name, "negu")) {
        asm_error("%s: too few operands", name);
        return true;
    }
    skip();
    if (*cur) {
        asm_error("%s: too many operands: `%s'", name, cur);
        return true;
    }
    const char *one = NULL;
    bool width_needed = !strcmp(name, "sx") || !strcmp(name, "zx");
    if (width_needed && !v->width)
        asm_error("%s in a stanza without widths", name);
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
