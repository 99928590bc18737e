/* Operands: registers, immediates, offsets, labels, bit fields. */
#include "asm.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* `$name' or `name' as a record writes it. */
bool parse_reg(struct reg *r)
{
    *r = (struct reg){ .number = -1, .param = -1 };
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
            enum param_class cls = st->param[p].cls;
            r->param = p;
            r->fp = t == PT_FREG || (cls != CL_GPR && cls != CL_WORD && cls != CL_MEM);
            if (cls == CL_PAIR) {
                bool hi = !strncmp(start + n, ".hi", 3);
                if (!hi && strncmp(start + n, ".lo", 3)) {
                    asm_error("`%s' is a pair: write $%s.lo or .hi", name, name);
                    return false;
                }
                r->half = hi;
                n += 3;
            }
        } else {
            return false; /* an immediate: not a register */
        }
        st->param[p].used = true;
        cur = start + n;
        return true;
    }
    if ((name[0] == 'f' || name[0] == 'w') && isdigit((unsigned char)name[1])) {
        r->number = atoi(name + 1);
        r->fp = true;
        r->msa = name[0] == 'w';
        if (r->number > 31) {
            asm_error("no such register $%s", name);
            return false;
        }
        cur = start + n;
        return true;
    }
    r->number = find_register(name);
    if (r->number < 0) {
        asm_error("`$%s' is neither a parameter nor a register", name);
        return false;
    }
    cur = start + n;
    return true;
}

void text(const char *fmt, const char *arg)
{
    w->asm_fmt = xprintf("%s%s", w->asm_fmt, fmt);
    if (arg)
        w->asm_args = xprintf("%s, %s", w->asm_args, arg);
}

void put_reg(const struct reg *r, int shift, bool reads, bool writes)
{
    if (r->param >= 0) {
        w->f[w->nf++] = (struct field){ .kind = F_REG, .param = r->param, .shift = shift, .half = r->half };
        if (reads)
            w->preads |= 1u << r->param;
        if (writes)
            w->pwrites |= 1u << r->param;
        text(r->msa ? "$w%d" : r->fp ? "$f%d" : "$%d",
             xprintf("(int)v[%d]%s", r->param, r->half ? " + 1" : ""));
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
        text(xprintf(r->msa ? "$w%d" : r->fp ? "$f%d" : "$%d", r->number), NULL);
    }
}

/* Offset from an operand of class CL_MEM: the translator adds where that begins.  The field holds
 * multiples of `scale'. */
static void put_offset(const struct expr *e, int shift, int bits, int scale, int base)
{
    if (base < 0 || st->param[base].cls != CL_MEM) {
        if (scale == 1) {
            put_imm(e, shift, bits, 0);
            return;
        }
        text("%lld", xprintf("(long long)(%s)", expr_value(e)));
    } else {
        text("%lld", xprintf("(long long)(16 * v[%d] + %s)", base, expr_value(e)));
    }
    w->f[w->nf++] = (struct field){ .kind = F_IMM, .e = *e, .shift = shift, .bits = bits, .scale = scale,
                                    .off = base >= 0 && st->param[base].cls == CL_MEM ? base + 1 : 0 };
}

/* The base register of a load or store; of an operand of class CL_MEM it is the operand that is read or
 * written. */
static void put_base(const struct reg *r, int shift)
{
    bool mem = r->param >= 0 && st->param[r->param].cls == CL_MEM;

    put_reg(r, shift, !mem || (w->op->flags & OP_LOAD), mem && (w->op->flags & OP_STORE));
}

/* bias is taken off in the word, not in the text. */
void put_imm(const struct expr *e, int shift, int bits, int64_t bias)
{
    struct expr f = *e;

    text("%lld", xprintf("(long long)(%s)", expr_value(e)));
    f.cst -= bias;
    if (is_constant(&f))
        w->base |= ((uint32_t)f.cst & ((1u << bits) - 1)) << shift;
    else
        w->f[w->nf++] = (struct field){ .kind = F_IMM, .e = f, .shift = shift, .bits = bits };
}

bool need_reg(struct reg *r, bool fp)
{
    if (!parse_reg(r)) {
        asm_error("%s: a register is expected at `%s'", w->op->name, cur);
        return false;
    }
    if (r->fp != fp) {
        asm_error("%s: a%s register is expected", w->op->name, fp ? " floating-point" : "n integer");
        return false;
    }
    return true;
}

bool need_expr(struct expr *e)
{
    if (!parse_expr(e)) {
        asm_error("%s: an immediate is expected at `%s'", w->op->name, cur);
        return false;
    }
    return !bad;
}

/* OFFSET(BASE) and OFFSET(BASE, INDEX).  Fields: shift and bits of the offset, what it is divided by, and
 * shift of the base register. */
static void offset_operand(char letter)
{
    static const struct {
        char letter;
        int shift, bits, scale, base;
    } places[] = {
        { 'O', 0, 16, 1, 21 }, { 'X', 3, 8, 1, 21 }, { 'Q', 6, 9, 16, 21 },
        /* MSA: elements of 1, 2, 4 and 8 bytes */
        { '1', 16, 10, 1, 11 }, { '2', 16, 10, 2, 11 }, { '4', 16, 10, 4, 11 }, { '8', 16, 10, 8, 11 },
    };
    size_t k = 0;
    while (places[k].letter != letter)
        k++;
    int bits = places[k].bits, scale = places[k].scale;
    int64_t high = ((int64_t)1 << (bits - 1)) * scale;
    struct expr e;
    struct reg base, index;

    skip();
    memset(&e, 0, sizeof(e));
    e.param = -1;
    if (*cur != '(' && !need_expr(&e))
        return;
    if (e.part != PART_ALL && (letter != 'O' || e.part != PART_LO))
        asm_error("only %%lo fits a memory offset");
    if (e.part == PART_ALL)
        check_range(&e, -high, high - scale, "offset");
    check_multiple(&e, scale);
    if (!accept("(")) {
        asm_error("%s: `(' is expected at `%s'", w->op->name, cur);
        return;
    }
    if (!need_reg(&base, false))
        return;
    put_offset(&e, places[k].shift, bits, scale, base.param);
    text("(", NULL);
    put_base(&base, places[k].base);
    if (letter == 'X') {
        if (!accept(",")) {
            asm_error("%s: base and index are expected", w->op->name);
            return;
        }
        text(", ", NULL);
        if (!need_reg(&index, false))
            return;
        if (index.number == 0)
            asm_error("$zero as index of %s", w->op->name);
        w->index_param = index.param;
        put_reg(&index, 11, true, false);
    }
    if (!accept(")"))
        asm_error("%s: `)' is expected at `%s'", w->op->name, cur);
    text(")", NULL);
}

static void branch_operand(char letter)
{
    skip();
    if (accept("$")) {
        size_t n = name_length(cur);
        int p = find_param(st, cur, n);
        if (p < 0 || st->param[p].type != PT_LABEL) {
            asm_error("`$%.*s' is not a label parameter", (int)n, cur);
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
    asm_error("%s: a label is expected at `%s'", w->op->name, cur);
}

/* Position and size of ext and ins families: which form takes them. */
static const struct opcode *bitfield_form(const struct opcode *op, const struct expr *pos,
                                          const struct expr *size)
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
    if (!accept(",")) {
        asm_error("%s: too few operands", w->op->name);
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
                asm_error("%s: position and size must not both vary", op->name);
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

void operand(char letter)
{
    struct reg r;
    struct expr e;

    switch (letter) {
    case 'd': case 'D': case 'e':
        if (!need_reg(&r, false))
            return;
        if (r.number == 0 && letter == 'd' && (w->op->flags & OP_LOAD))
            asm_error("load to $zero");
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
            asm_error("%s: $zero is expected first", w->op->name);
        text("$0", NULL);
        break;
    case 't': case 'T': case 'U':
        if (!need_reg(&r, false))
            return;
        if (r.number == 0 && letter != 't' && (w->op->flags & OP_LOAD))
            asm_error("load to $zero");
        put_reg(&r, 16, letter != 'T', letter != 't');
        break;
    case 'i': case 'u':
        if (!need_expr(&e))
            return;
        if ((letter == 'i' && e.part != PART_ALL && e.part != PART_LO)
            || (letter == 'u' && e.part == PART_LO))
            asm_error("%s: %%lo goes with addiu and loads, %%lou with ori", w->op->name);
        if (letter == 'u' && !strcmp(w->op->name, "lui") && e.part == PART_LOU)
            asm_error("%%lou in lui");
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
    case 'O': case 'X': case 'Q': case '1': case '2': case '4': case '8':
        offset_operand(letter);
        break;
    case 'b': case 'J':
        branch_operand(letter);
        break;
    default:
        fp_operand(letter);
        break;
    }
}
