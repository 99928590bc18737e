/* MIPS64 release 2 and Loongson extension instructions: name, fixed bits, operands.  Floating point is in
 * opcodes-fp.c, SIMD in opcodes-simd.c: rows that are expanded here. */
#include "opcodes.h"

#include <stdlib.h>
#include <string.h>

#define SPECIAL(fn) (uint32_t)(fn)
#define OPC(op) ((uint32_t)(op) << 26)
#define REGIMM(rt) (OPC(1) | (uint32_t)(rt) << 16)
#define SPECIAL2(fn) (OPC(0x1c) | (uint32_t)(fn))
#define SPECIAL3(fn) (OPC(0x1f) | (uint32_t)(fn))
#define BSHFL(fn, sa) (SPECIAL3(fn) | (uint32_t)(sa) << 6)
#define LDC2X(fn) (OPC(0x36) | (uint32_t)(fn))
#define SDC2X(fn) (OPC(0x3e) | (uint32_t)(fn))

static const struct opcode opcodes[] = {
    /* arithmetic and logic, three registers */
    { "addu", SPECIAL(0x21), "dst", 0 },
    { "subu", SPECIAL(0x23), "dst", 0 },
    { "daddu", SPECIAL(0x2d), "dst", 0 },
    { "dsubu", SPECIAL(0x2f), "dst", 0 },
    { "and", SPECIAL(0x24), "dst", 0 },
    { "or", SPECIAL(0x25), "dst", 0 },
    { "xor", SPECIAL(0x26), "dst", 0 },
    { "nor", SPECIAL(0x27), "dst", 0 },
    { "slt", SPECIAL(0x2a), "dst", 0 },
    { "sltu", SPECIAL(0x2b), "dst", 0 },
    { "movz", SPECIAL(0x0a), "Dst", 0 },
    { "movn", SPECIAL(0x0b), "Dst", 0 },
    { "mul", SPECIAL2(2), "dst", 0 },
    { "add", SPECIAL(0x20), "dst", OP_REFUSED },
    { "sub", SPECIAL(0x22), "dst", OP_REFUSED },
    { "dadd", SPECIAL(0x2c), "dst", OP_REFUSED },
    { "dsub", SPECIAL(0x2e), "dst", OP_REFUSED },
    { "addi", OPC(0x08), "Tsi", OP_REFUSED },
    { "daddi", OPC(0x18), "Tsi", OP_REFUSED },
    /* with an immediate */
    { "addiu", OPC(0x09), "Tsi", 0 },
    { "daddiu", OPC(0x19), "Tsi", 0 },
    { "slti", OPC(0x0a), "Tsi", 0 },
    { "sltiu", OPC(0x0b), "Tsi", 0 },
    { "andi", OPC(0x0c), "Tsu", 0 },
    { "ori", OPC(0x0d), "Tsu", 0 },
    { "xori", OPC(0x0e), "Tsu", 0 },
    { "lui", OPC(0x0f), "Tu", 0 },
    /* shifts */
    { "sll", SPECIAL(0x00), "dta", 0 },
    { "srl", SPECIAL(0x02), "dta", 0 },
    { "sra", SPECIAL(0x03), "dta", 0 },
    { "rotr", SPECIAL(0x02) | 1u << 21, "dta", 0 },
    { "sllv", SPECIAL(0x04), "dts", 0 },
    { "srlv", SPECIAL(0x06), "dts", 0 },
    { "srav", SPECIAL(0x07), "dts", 0 },
    { "rotrv", SPECIAL(0x06) | 1u << 6, "dts", 0 },
    { "dsll", SPECIAL(0x38), "dta", 0 },
    { "dsrl", SPECIAL(0x3a), "dta", 0 },
    { "dsra", SPECIAL(0x3b), "dta", 0 },
    { "drotr", SPECIAL(0x3a) | 1u << 21, "dta", 0 },
    { "dsll32", SPECIAL(0x3c), "dta", 0 },
    { "dsrl32", SPECIAL(0x3e), "dta", 0 },
    { "dsra32", SPECIAL(0x3f), "dta", 0 },
    { "drotr32", SPECIAL(0x3e) | 1u << 21, "dta", 0 },
    { "dsllv", SPECIAL(0x14), "dts", 0 },
    { "dsrlv", SPECIAL(0x16), "dts", 0 },
    { "dsrav", SPECIAL(0x17), "dts", 0 },
    { "drotrv", SPECIAL(0x16) | 1u << 6, "dts", 0 },
    /* bit fields */
    { "ext", SPECIAL3(0x00), "Tspz", 0 },
    { "dextm", SPECIAL3(0x01), "Tspz", 0 },
    { "dextu", SPECIAL3(0x02), "Tspz", 0 },
    { "dext", SPECIAL3(0x03), "Tspz", 0 },
    { "ins", SPECIAL3(0x04), "Usqy", 0 },
    { "dinsm", SPECIAL3(0x05), "Usqy", 0 },
    { "dinsu", SPECIAL3(0x06), "Usqy", 0 },
    { "dins", SPECIAL3(0x07), "Usqy", 0 },
    { "seb", BSHFL(0x20, 16), "dt", 0 },
    { "seh", BSHFL(0x20, 24), "dt", 0 },
    { "wsbh", BSHFL(0x20, 2), "dt", 0 },
    { "dsbh", BSHFL(0x24, 2), "dt", 0 },
    { "dshd", BSHFL(0x24, 5), "dt", 0 },
    { "clz", SPECIAL2(0x20), "es", 0 },
    { "clo", SPECIAL2(0x21), "es", 0 },
    { "dclz", SPECIAL2(0x24), "es", 0 },
    { "dclo", SPECIAL2(0x25), "es", 0 },
    /* HI and LO */
    { "mult", SPECIAL(0x18), "st", 0 },
    { "multu", SPECIAL(0x19), "st", 0 },
    { "div", SPECIAL(0x1a), "Zst", 0 },
    { "divu", SPECIAL(0x1b), "Zst", 0 },
    { "dmult", SPECIAL(0x1c), "st", 0 },
    { "dmultu", SPECIAL(0x1d), "st", 0 },
    { "ddiv", SPECIAL(0x1e), "Zst", 0 },
    { "ddivu", SPECIAL(0x1f), "Zst", 0 },
    { "mfhi", SPECIAL(0x10), "d", 0 },
    { "mflo", SPECIAL(0x12), "d", 0 },
    { "mthi", SPECIAL(0x11), "s", 0 },
    { "mtlo", SPECIAL(0x13), "s", 0 },
    { "madd", SPECIAL2(0x00), "st", 0 },
    { "maddu", SPECIAL2(0x01), "st", 0 },
    { "msub", SPECIAL2(0x04), "st", 0 },
    { "msubu", SPECIAL2(0x05), "st", 0 },
    /* Loongson: products and quotients without HI and LO.  gsmod is left out: some emulators
     * get negative operands wrong. */
    { "gsmult", SPECIAL2(0x10), "dst", 0 },
    { "gsdmult", SPECIAL2(0x11), "dst", 0 },
    { "gsmultu", SPECIAL2(0x12), "dst", 0 },
    { "gsdmultu", SPECIAL2(0x13), "dst", 0 },
    { "gsdiv", SPECIAL2(0x14), "dst", 0 },
    { "gsddiv", SPECIAL2(0x15), "dst", 0 },
    { "gsdivu", SPECIAL2(0x16), "dst", 0 },
    { "gsddivu", SPECIAL2(0x17), "dst", 0 },
    { "gsmodu", SPECIAL2(0x1e), "dst", 0 },
    { "gsdmod", SPECIAL2(0x1d), "dst", 0 },
    { "gsdmodu", SPECIAL2(0x1f), "dst", 0 },
    /* memory */
    { "lb", OPC(0x20), "TO", OP_LOAD },
    { "lh", OPC(0x21), "TO", OP_LOAD },
    { "lwl", OPC(0x22), "UO", OP_LOAD },
    { "lw", OPC(0x23), "TO", OP_LOAD },
    { "lbu", OPC(0x24), "TO", OP_LOAD },
    { "lhu", OPC(0x25), "TO", OP_LOAD },
    { "lwr", OPC(0x26), "UO", OP_LOAD },
    { "lwu", OPC(0x27), "TO", OP_LOAD },
    { "ld", OPC(0x37), "TO", OP_LOAD },
    { "ldl", OPC(0x1a), "UO", OP_LOAD },
    { "ldr", OPC(0x1b), "UO", OP_LOAD },
    { "ll", OPC(0x30), "TO", OP_LOAD },
    { "lld", OPC(0x34), "TO", OP_LOAD },
    { "sb", OPC(0x28), "tO", OP_STORE },
    { "sh", OPC(0x29), "tO", OP_STORE },
    { "swl", OPC(0x2a), "tO", OP_STORE },
    { "sw", OPC(0x2b), "tO", OP_STORE },
    { "swr", OPC(0x2e), "tO", OP_STORE },
    { "sd", OPC(0x3f), "tO", OP_STORE },
    { "sdl", OPC(0x2c), "tO", OP_STORE },
    { "sdr", OPC(0x2d), "tO", OP_STORE },
    { "sc", OPC(0x38), "UO", OP_STORE },
    { "scd", OPC(0x3c), "UO", OP_STORE },
    { "gslbx", LDC2X(0), "TX", OP_LOAD | OP_INDEXED },
    { "gslhx", LDC2X(1), "TX", OP_LOAD | OP_INDEXED },
    { "gslwx", LDC2X(2), "TX", OP_LOAD | OP_INDEXED },
    { "gsldx", LDC2X(3), "TX", OP_LOAD | OP_INDEXED },
    { "gssbx", SDC2X(0), "tX", OP_STORE | OP_INDEXED },
    { "gsshx", SDC2X(1), "tX", OP_STORE | OP_INDEXED },
    { "gsswx", SDC2X(2), "tX", OP_STORE | OP_INDEXED },
    { "gssdx", SDC2X(3), "tX", OP_STORE | OP_INDEXED },
    { "gslwxc1", LDC2X(6), "GX", OP_LOAD | OP_INDEXED },
    { "gsldxc1", LDC2X(7), "GX", OP_LOAD | OP_INDEXED },
    { "gsswxc1", SDC2X(6), "gX", OP_STORE | OP_INDEXED },
    { "gssdxc1", SDC2X(7), "gX", OP_STORE | OP_INDEXED },
    { "lwc1", OPC(0x31), "GO", OP_LOAD },
    { "ldc1", OPC(0x35), "GO", OP_LOAD },
    { "swc1", OPC(0x39), "gO", OP_STORE },
    { "sdc1", OPC(0x3d), "gO", OP_STORE },
    { "sync", SPECIAL(0x0f), "", 0 },
    { "synci", REGIMM(0x1f), "O", 0 },
    /* control */
    { "beq", OPC(0x04), "stb", OP_BRANCH },
    { "bne", OPC(0x05), "stb", OP_BRANCH },
    { "blez", OPC(0x06), "sb", OP_BRANCH },
    { "bgtz", OPC(0x07), "sb", OP_BRANCH },
    { "bltz", REGIMM(0), "sb", OP_BRANCH },
    { "bgez", REGIMM(1), "sb", OP_BRANCH },
    { "beql", OPC(0x14), "stb", OP_BRANCH | OP_LIKELY },
    { "bnel", OPC(0x15), "stb", OP_BRANCH | OP_LIKELY },
    { "blezl", OPC(0x16), "sb", OP_BRANCH | OP_LIKELY },
    { "bgtzl", OPC(0x17), "sb", OP_BRANCH | OP_LIKELY },
    { "bltzl", REGIMM(2), "sb", OP_BRANCH | OP_LIKELY },
    { "bgezl", REGIMM(3), "sb", OP_BRANCH | OP_LIKELY },
    { "bltzal", REGIMM(0x10), "sb", OP_BRANCH | OP_LINK },
    { "bgezal", REGIMM(0x11), "sb", OP_BRANCH | OP_LINK },
    { "beqz", OPC(0x04), "sb", OP_BRANCH },
    { "bnez", OPC(0x05), "sb", OP_BRANCH },
    { "beqzl", OPC(0x14), "sb", OP_BRANCH | OP_LIKELY },
    { "bnezl", OPC(0x15), "sb", OP_BRANCH | OP_LIKELY },
    { "b", OPC(0x04), "b", OP_BRANCH | OP_ALWAYS },
    { "bal", REGIMM(0x11), "b", OP_BRANCH | OP_LINK },
    { "j", OPC(0x02), "J", OP_BRANCH | OP_ALWAYS },
    { "jal", OPC(0x03), "J", OP_BRANCH | OP_LINK },
    { "jr", SPECIAL(0x08), "s", OP_BRANCH | OP_ALWAYS },
    { "jalr", SPECIAL(0x09) | 31u << 11, "s", OP_BRANCH | OP_LINK },
    { "nop", 0, "", 0 },
};


static struct opcode *expanded; /* all of the families' instructions, MMI's first */
static size_t n_expanded, n_mmi;

static uint32_t format_bits(const struct opcode_family *f, int index)
{
    char letter = f->formats[index];

    switch (f->form) {
    case FORM_FP:
        return (letter == 's' ? 0u : letter == 'd' ? 1u : letter == 'w' ? 4u : letter == 'l' ? 5u : 6u) << 21;
    case FORM_21:
        return (uint32_t)index << 21;
    case FORM_16:
        return (uint32_t)index << 16;
    case FORM_BIT: /* what is added to 0x70 of bytes */
        return letter == 'b' ? 0 : (letter == 'h' ? -0x10u : letter == 'w' ? -0x30u : -0x70u) << 16;
    case FORM_ELM:
        return (letter == 'b' ? 0u : letter == 'h' ? 0x20u : letter == 'w' ? 0x30u : 0x38u) << 16;
    default:
        return 0;
    }
}

static void expand(const struct opcode_family *f)
{
    for (; f->stem; f++)
        for (int i = 0; i == 0 || f->formats[i]; i++) {
            char format = f->formats[i];
            expanded = realloc(expanded, (n_expanded + 1) * sizeof(*expanded));
            if (!expanded)
                abort();
            expanded[n_expanded++] = (struct opcode){
                .name = !format ? f->stem : format == 'p' ? xprintf("%sps", f->stem)
                    : xprintf("%s%c", f->stem, format),
                .word = f->word + format_bits(f, i),
                .fmt = f->fmt,
                .flags = f->flags,
            };
            if (!format)
                break;
        }
}

/* The pointers stay good: everything is expanded at once. */
static void expand_all(void)
{
    if (expanded)
        return;
    expand(mmi_families);
    n_mmi = n_expanded;
    expand(fp_families);
    expand(msa_families);
}

const struct opcode *find_mmi_opcode(const char *name)
{
    expand_all();
    for (size_t i = 0; i < n_mmi; i++)
        if (!strcmp(expanded[i].name, name))
            return &expanded[i];
    return NULL;
}

const struct opcode *opcode_at(size_t i)
{
    size_t n = sizeof(opcodes) / sizeof(opcodes[0]);

    expand_all();
    return i < n ? &opcodes[i] : i - n < n_expanded ? &expanded[i - n] : NULL;
}

const struct opcode *find_opcode(const char *name)
{
    const struct opcode *op;

    for (size_t i = 0; (op = opcode_at(i)); i++)
        if (!strcmp(op->name, name))
            return op;
    return NULL;
}
