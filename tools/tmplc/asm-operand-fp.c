/* Operands of floating point, MMI and MSA. */
#include "asm.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Does the line go on with $fcc0-$fcc7? */
bool cc_ahead(void)
{
    skip();
    return !strncmp(cur, "$fcc", 4) && isdigit((unsigned char)cur[4]);
}

/* Does the line go on with an FP register? */
bool fp_ahead(void)
{
    const char *save = cur;
    struct reg r;
    bool fp = parse_reg(&r) && r.fp;

    cur = save;
    return fp;
}

/* A floating-point condition code: its number; negative after an error. */
static int condition_code(void)
{
    if (!cc_ahead()) {
        asm_error("%s: a condition code, $fcc0 to $fcc7, is expected at `%s'", w->op->name, cur);
        return -1;
    }
    size_t n = name_length(cur + 1);
    int cc = cur[4] - '0';
    if (n != 4 || cc > 7) {
        asm_error("no such register %.*s", (int)n + 1, cur);
        return -1;
    }
    cur += n + 1;
    text(xprintf("$fcc%d", cc), NULL);
    return cc;
}

/* $0 to $31, a control register. */
static void control_register(int shift)
{
    skip();
    char *stop;
    if (*cur != '$' || !isdigit((unsigned char)cur[1])) {
        asm_error("%s: the number of a control register is expected at `%s'", w->op->name, cur);
        return;
    }
    long n = strtol(cur + 1, &stop, 10);
    if (n > 31) {
        asm_error("no such register $%ld", n);
        return;
    }
    cur = stop;
    w->base |= (uint32_t)n << shift;
    text(xprintf("$%ld", n), NULL);
}

static bool fp_register(int shift, bool reads, bool writes)
{
    struct reg r;

    if (!need_reg(&r, true))
        return false;
    if (r.msa) {
        asm_error("%s: $f%d is expected, not $w%d", w->op->name, r.number, r.number);
        return false;
    }
    put_reg(&r, shift, reads, writes);
    return true;
}

/* QEMU 7.2 makes a nop of gslwxc1 and gsldxc1 to $f0. */
static void indexed_target(bool done)
{
    if (!done || !(w->op->flags & OP_INDEXED))
        return;
    if (w->nf && w->f[w->nf - 1].kind == F_REG)
        st->param[w->f[w->nf - 1].param].nonzero = true;
    else if (!(w->base >> 16 & 31))
        asm_error("%s: to $f0", w->op->name);
}

static bool msa_register(int shift, bool reads, bool writes)
{
    struct reg r;

    if (!need_reg(&r, true))
        return false;
    if (r.param < 0 && !r.msa) {
        asm_error("%s: $w%d is expected, not $f%d", w->op->name, r.number, r.number);
        return false;
    }
    r.msa = true;
    put_reg(&r, shift, reads, writes);
    return true;
}

static void gpr(int shift, bool reads, bool writes)
{
    struct reg r;

    if (!need_reg(&r, false))
        return;
    if (r.number == 0 && writes && (w->op->flags & OP_LOAD))
        asm_error("load to $zero");
    put_reg(&r, shift, reads, writes);
}

/* Bytes of an element, as a power of two: the mnemonic's last letter. */
static int element(void)
{
    const char *where = strchr("bhwd", w->op->name[strlen(w->op->name) - 1]);
    return where ? (int)(where - "bhwd") : 0;
}

static void immediate(int64_t lo, int64_t hi, int shift, int bits)
{
    struct expr e;

    if (!need_expr(&e))
        return;
    check_range(&e, lo, hi, "immediate");
    put_imm(&e, shift, bits, 0);
}

/* [N] behind an MSA register: element, byte, or with `gpr' a register with its number. */
static void element_number(bool only_0, bool in_gpr)
{
    if (!accept("[")) {
        asm_error("%s: `[' is expected at `%s'", w->op->name, cur);
        return;
    }
    text("[", NULL);
    if (in_gpr)
        gpr(16, true, false);
    else if (only_0) {
        if (!accept("0"))
            asm_error("%s: only element 0 can be read", w->op->name);
        text("0", NULL);
    } else {
        immediate(0, (16 >> element()) - 1, 16, 4 - element());
    }
    if (!accept("]"))
        asm_error("%s: `]' is expected at `%s'", w->op->name, cur);
    text("]", NULL);
}

/* Which codes are meant: of paired singles it is two, the first of them even. */
static unsigned cc_mask(int cc)
{
    if (cc < 0)
        return 0;
    if (!strstr(w->op->name, ".ps"))
        return 1u << cc;
    if (cc % 2)
        asm_error("%s: the number of $fcc%d has to be even", w->op->name, cc);
    return 3u << cc;
}

void fp_operand(char letter)
{
    int cc;

    switch (letter) {
    case 'f': fp_register(6, false, true); break;
    case 'E': fp_register(6, true, true); break;
    case 'F': fp_register(11, true, false); break;
    case 'H': fp_register(11, false, true); break;
    case 'P': fp_register(11, true, true); break;
    case 'g': fp_register(16, true, false); break;
    case 'G': indexed_target(fp_register(16, false, true)); break;
    case 'V': fp_register(0, false, true); break;
    case 'I': fp_register(0, true, false); break;
    case 'C':
        cc = cc_ahead() ? condition_code() : 0;
        w->base |= (uint32_t)cc << 8;
        w->ccwrites |= cc_mask(cc);
        break;
    case 'c': case 'N':
        cc = letter == 'N' || cc_ahead() ? condition_code() : 0;
        w->base |= (uint32_t)cc << 18;
        w->ccreads |= cc_mask(cc);
        break;
    case 'R':
        control_register(11);
        if (!strcmp(w->op->name, "ctc1"))
            w->ccwrites = 0xff;
        break;
    case 'x': control_register(11); break;
    case 'A': control_register(6); break;
    case 'w': msa_register(6, false, true); break;
    case 'W': msa_register(6, true, true); break;
    case 'K': msa_register(6, true, false); break;
    case 'v': msa_register(11, true, false); break;
    case 'k': msa_register(16, true, false); break;
    case 'j':
        if (msa_register(6, true, true))
            element_number(false, false);
        break;
    case 'l': case 'L': case 'S':
        if (msa_register(11, true, false))
            element_number(letter == 'L', letter == 'S');
        break;
    case 'o': gpr(6, false, true); break;
    case 'm': gpr(11, true, false); break;
    case 'n': gpr(0, false, true); break;
    case 'r': gpr(0, true, false); break;
    case 'B': immediate(0, (8 << element()) - 1, 16, 3 + element()); break;
    case '5': immediate(0, 31, 16, 5); break;
    case '6': immediate(-16, 15, 16, 5); break;
    case 'h': immediate(0, 255, 16, 8); break;
    case '9': immediate(-512, 511, 11, 10); break;
    }
}
