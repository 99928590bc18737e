/* Intel-syntax text of a decoded instruction, for logs. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cpu.h"
#include "insn.h"

static const char *const reg8[] = { "al", "cl", "dl", "bl", "ah", "ch", "dh", "bh" };
static const char *const reg16[] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di" };
static const char *const reg32[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };
static const char *const sreg[] = { "es", "cs", "ss", "ds", "fs", "gs" };
static const char *const cond_suffix[] = { "o", "no", "b", "nb", "z", "nz", "be", "nbe",
                                           "s", "ns", "p", "np", "l", "nl", "le", "nle" };
static const char *const fcmov_suffix[16] = { [2] = "b", [3] = "nb", [4] = "e", [5] = "ne",
                                              [6] = "be", [7] = "nbe", [10] = "u", [11] = "nu" };

struct text {
    char *buf;
    size_t size, len;
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    if (t->len >= t->size)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
    va_end(ap);
    if (n > 0)
        t->len += (size_t)n;
}

static const char *reg_name(unsigned reg, unsigned size)
{
    return size == 1 ? reg8[reg & 7] : size == 2 ? reg16[reg & 7] : reg32[reg & 7];
}

/* A mnemonic that stands for several of Intel's, by size or condition. */
static void put_mnemonic(struct text *t, const struct insn *insn)
{
    const char *name = isa_mnem_name[insn->mnem];
    char width = insn->opsize == 1 ? 'b' : insn->opsize == 2 ? 'w' : 'd';
    if (insn->prefixes & INSN_LOCK)
        put(t, "lock ");
    if ((isa_info[insn->form].flags & ISA_STRING) && (insn->prefixes & (INSN_REP | INSN_REPNE)))
        put(t, insn->prefixes & INSN_REPNE ? "repne " : "rep ");
    switch (insn->mnem) {
    case MN_JCC:
    case MN_SETCC:
    case MN_CMOVCC:
        put(t, "%.*s%s", (int)strlen(name) - 2, name, cond_suffix[insn->cond & 15]);
        break;
    case MN_FCMOVCC:
        put(t, "fcmov%s", fcmov_suffix[insn->cond]);
        break;
    case MN_CBW:
        put(t, insn->opsize == 2 ? "cbw" : "cwde");
        break;
    case MN_CWD:
        put(t, insn->opsize == 2 ? "cwd" : "cdq");
        break;
    case MN_JCXZ:
        put(t, insn->addrsize == 2 ? "jcxz" : "jecxz");
        break;
    case MN_PUSHA:
    case MN_POPA:
    case MN_PUSHF:
    case MN_POPF:
    case MN_IRET:
        put(t, "%s%s", name, insn->opsize == 2 ? "" : "d");
        break;
    case MN_CALLF:
    case MN_JMPF:
        put(t, "%.*s far", (int)strlen(name) - 1, name);
        break;
    default:
        put(t, "%s", name);
        if (isa_info[insn->form].flags & ISA_STRING)
            put(t, "%c", width);
        break;
    }
}

static void put_memory(struct text *t, const struct insn *insn, unsigned size)
{
    const char *sep = "";
    switch (size) {
    case 1: put(t, "byte "); break;
    case 2: put(t, "word "); break;
    case 4: put(t, "dword "); break;
    case 6: put(t, "fword "); break;
    case 8: put(t, "qword "); break;
    case 10: put(t, "tbyte "); break;
    case 16: put(t, "xmmword "); break;
    }
    if (insn->prefixes & INSN_SEGOVR)
        put(t, "%s:", sreg[insn->seg]);
    put(t, "[");
    if (insn->base != INSN_NOREG) {
        put(t, "%s", reg_name(insn->base, insn->addrsize));
        sep = "+";
    }
    if (insn->index != INSN_NOREG) {
        put(t, "%s%s", sep, reg_name(insn->index, insn->addrsize));
        if (insn->scale)
            put(t, "*%d", 1 << insn->scale);
        sep = "+";
    }
    if (!*sep)
        put(t, "0x%x", insn->addrsize == 2 ? (uint32_t)insn->disp & 0xffff : (uint32_t)insn->disp);
    else if (insn->disp < 0)
        put(t, "-0x%x", 0u - (uint32_t)insn->disp);
    else if (insn->disp)
        put(t, "+0x%x", (uint32_t)insn->disp);
    put(t, "]");
}

static uint32_t truncate_to(uint32_t v, unsigned size)
{
    return size == 1 ? v & 0xff : size == 2 ? v & 0xffff : v;
}

static void put_operand(struct text *t, const struct insn *insn, const struct operand *op, uint32_t eip)
{
    switch (op->kind) {
    case OPK_REG:
        put(t, "%s", reg_name(op->reg, op->size));
        break;
    case OPK_MEM:
        put_memory(t, insn, op->size);
        break;
    case OPK_IMM:
        put(t, "0x%x", truncate_to(insn->imm, op->size));
        break;
    case OPK_IMM2:
        put(t, "0x%x", insn->imm2);
        break;
    case OPK_REL:
        put(t, "0x%x", truncate_to(eip + insn->len + insn->imm, insn->opsize));
        break;
    case OPK_FAR:
        put(t, "0x%x:0x%x", insn->imm2, insn->imm);
        break;
    case OPK_SREG:
        put(t, "%s", sreg[op->reg]);
        break;
    case OPK_CR:
        put(t, "cr%d", op->reg);
        break;
    case OPK_DR:
        put(t, "dr%d", op->reg);
        break;
    case OPK_ST:
        put(t, "st%d", op->reg);
        break;
    case OPK_MMX:
        put(t, "mm%d", op->reg);
        break;
    case OPK_XMM:
        put(t, "xmm%d", op->reg);
        break;
    }
}

char *insn_format(const struct insn *insn, uint32_t eip, char *buf, size_t size)
{
    struct text t = { buf, size, 0 };
    if (size)
        buf[0] = 0;
    if (insn->form == FORM_INVALID || insn->form >= FORM_COUNT) {
        put(&t, "(bad)");
        return buf;
    }
    put_mnemonic(&t, insn);
    for (unsigned i = 0; i < insn->nops; i++) {
        put(&t, i ? ", " : " ");
        put_operand(&t, insn, &insn->op[i], eip);
    }
    /* String instructions and XLAT have no operand that would show an override. */
    if ((insn->prefixes & INSN_SEGOVR) && insn->nops == 0)
        put(&t, " %s:", sreg[insn->seg]);
    return buf;
}
