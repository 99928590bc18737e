/* isagen: turns translator/isa.tab into C.
 *
 *   isagen isa.tab --header   enums and declarations (isa-gen.h)
 *   isagen isa.tab --tables   the tables (isa-gen.c)
 *   isagen isa.tab --forms    one line for each form, tab separated, for test tools
 *
 * Every row is first spread over a flat table [map][prefix][opcode][ModRM]; a cell claimed
 * twice by rows of equal rank is refused.  A row that names a mandatory prefix outranks one
 * that names none.  The flat table is then folded into what decode.c walks: one entry for
 * each opcode, which is a form, or a group of 16 (mod == 3, reg), or further 8 by rm. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FORMS 2000
#define MAX_MNEMS 800
#define MAX_OPS 3

enum { PFX_NONE, PFX_66, PFX_F3, PFX_F2, PFX_ANY };
enum { OPSIZE_V = 0 };

static const char *const pfx_name[] = { "NP", "66", "F3", "F2", "" };

/* How an operand is found; the names become ISA_HOW_*. */
#define HOWS(X) \
    X(NONE) X(E) X(G) X(M) X(R) X(I) X(IS) X(I2) X(ONE) X(J) X(A) X(O) X(SREG) X(CREG) X(DREG) \
    X(OPREG) X(FIXREG) X(ST) X(STI) X(P) X(Q) X(N) X(V) X(W) X(U)
/* Size classes; the names become ISA_SZ_*.  P: far pointer; A: BOUND's pair; VW, DW:
 * the first letter for a register, W in memory. */
#define SIZES(X) X(0) X(B) X(W) X(D) X(Q) X(T) X(DQ) X(V) X(S) X(P) X(A) X(VW) X(DW)

#define AS_ENUM(n) HOW_##n,
enum how { HOWS(AS_ENUM) HOW_COUNT };
#undef AS_ENUM
#define AS_ENUM(n) SZ_##n,
enum size { SIZES(AS_ENUM) SZ_COUNT };
#undef AS_ENUM
#define AS_NAME(n) #n,
static const char *const how_name[] = { HOWS(AS_NAME) };
static const char *const size_name[] = { SIZES(AS_NAME) };

struct opspec {
    const char *name;
    uint8_t how, size, arg;
    bool modrm;
};

static const struct opspec opspecs[] = {
    { "Eb", HOW_E, SZ_B, 0, true },    { "Ew", HOW_E, SZ_W, 0, true },
    { "Ed", HOW_E, SZ_D, 0, true },    { "Ev", HOW_E, SZ_V, 0, true },
    { "Evw", HOW_E, SZ_VW, 0, true },  { "Edw", HOW_E, SZ_DW, 0, true },
    { "Gb", HOW_G, SZ_B, 0, true },    { "Gw", HOW_G, SZ_W, 0, true },
    { "Gd", HOW_G, SZ_D, 0, true },    { "Gv", HOW_G, SZ_V, 0, true },
    { "M", HOW_M, SZ_0, 0, true },     { "Mb", HOW_M, SZ_B, 0, true },
    { "Mw", HOW_M, SZ_W, 0, true },    { "Md", HOW_M, SZ_D, 0, true },
    { "Mq", HOW_M, SZ_Q, 0, true },    { "Mt", HOW_M, SZ_T, 0, true },
    { "Mdq", HOW_M, SZ_DQ, 0, true },  { "Ms", HOW_M, SZ_S, 0, true },
    { "Mp", HOW_M, SZ_P, 0, true },    { "Ma", HOW_M, SZ_A, 0, true },
    { "Rd", HOW_R, SZ_D, 0, true },    { "Ib", HOW_I, SZ_B, 0, false },
    { "Iw", HOW_I, SZ_W, 0, false },   { "Iz", HOW_I, SZ_V, 0, false },
    { "Ibs", HOW_IS, SZ_V, 0, false }, { "I2b", HOW_I2, SZ_B, 0, false },
    { "1", HOW_ONE, SZ_B, 0, false },  { "Jb", HOW_J, SZ_B, 0, false },
    { "Jz", HOW_J, SZ_V, 0, false },   { "Ap", HOW_A, SZ_P, 0, false },
    { "Ob", HOW_O, SZ_B, 0, false },   { "Ov", HOW_O, SZ_V, 0, false },
    { "ES", HOW_SREG, SZ_W, 0, false }, { "CS", HOW_SREG, SZ_W, 1, false },
    { "SS", HOW_SREG, SZ_W, 2, false }, { "DS", HOW_SREG, SZ_W, 3, false },
    { "FS", HOW_SREG, SZ_W, 4, false }, { "GS", HOW_SREG, SZ_W, 5, false },
    { "Cd", HOW_CREG, SZ_D, 0, true }, { "Dd", HOW_DREG, SZ_D, 0, true },
    { "Zb", HOW_OPREG, SZ_B, 0, false }, { "Zv", HOW_OPREG, SZ_V, 0, false },
    { "AL", HOW_FIXREG, SZ_B, 0, false }, { "CL", HOW_FIXREG, SZ_B, 1, false },
    { "AX", HOW_FIXREG, SZ_W, 0, false }, { "DX", HOW_FIXREG, SZ_W, 2, false },
    { "eAX", HOW_FIXREG, SZ_V, 0, false },
    { "ST0", HOW_ST, SZ_T, 0, false }, { "STi", HOW_STI, SZ_T, 0, true },
    { "Pq", HOW_P, SZ_Q, 0, true },    { "Qq", HOW_Q, SZ_Q, 0, true },
    { "Qd", HOW_Q, SZ_D, 0, true },    { "Nq", HOW_N, SZ_Q, 0, true },
    { "Vx", HOW_V, SZ_DQ, 0, true },   { "Wx", HOW_W, SZ_DQ, 0, true },
    { "Wq", HOW_W, SZ_Q, 0, true },    { "Wd", HOW_W, SZ_D, 0, true },
    { "Ux", HOW_U, SZ_DQ, 0, true },
};

/* CPUID bits are named as /proc/cpuinfo does; p6, i486 and pmc stand for a family. */
static const char *const features[] = {
    "base", "i486", "p6", "cpuid", "fpu", "tsc", "msr", "cx8", "sep", "cmov", "fcmov", "pmc", "smm",
    "mmx", "fxsr", "sse", "sse2", "clfsh",
};
#define N_FEATURES (sizeof(features) / sizeof(features[0]))

struct attr {
    const char *word, *name;
    const char *why;
};
static const struct attr attrs[] = {
    { "cpl0", "CPL0", "#GP(0) unless CPL is 0 (in virtual-8086 mode always)" },
    { "iopl", "IOPL", "looks at IOPL in every mode (IN and OUT: then the I/O bitmap)" },
    { "vmiopl", "VM_IOPL", "looks at IOPL in virtual-8086 mode" },
    { "pm", "PROTECTED", "#UD in real and virtual-8086 mode" },
    { "lock", "LOCKABLE", "LOCK is allowed with a memory destination" },
    { "end", "END_BLOCK", "no instruction of the same block may follow" },
    { "exit", "END_EXIT", "and the main loop must look at interrupts and modes after it" },
    { "fault", "MAYFAULT", "may raise an exception or access memory even without a memory operand" },
    { "noacc", "NOACCESS", "its memory operand is not accessed" },
    { "str", "STRING", "string instruction: REP is meaningful" },
    { "repcc", "REPCC", "string instruction that REPE and REPNE tell apart" },
    { "cond", "FLAGS_COND", "the flags written may also stay as they were" },
    { "branch", "BRANCH", "near transfer of control" },
    { "alias", "ALIAS", "undocumented encoding of another row's instruction" },
};
#define N_ATTRS (sizeof(attrs) / sizeof(attrs[0]))
static unsigned attr_bit(const char *word)
{
    for (unsigned i = 0; i < N_ATTRS; i++)
        if (strcmp(attrs[i].word, word) == 0)
            return 1u << i;
    return 0;
}

struct form {
    char name[64];
    char opcode_text[24], ops_text[32];
    int map, pfx, opcode, span;   /* span: how many opcodes it covers */
    int reg, mod, rm;             /* reg, rm: -1 any; mod: 'm', 'r' or 0 */
    bool modrm;
    int mnem, cond, nops, opsize;
    const struct opspec *op[MAX_OPS];
    unsigned read, written, undefined, killed, feature, attrs;
};

static struct form forms[MAX_FORMS];
static unsigned n_forms = 1; /* 0: FORM_INVALID */
static char *mnems[MAX_MNEMS];
static unsigned n_mnems = 1;

static uint16_t flat[2][4][256][256];
static bool flat_specific[2][4][256][256];

static const char *tab_name;
static unsigned line_no;

static _Noreturn void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (line_no)
        fprintf(stderr, "%s:%u: ", tab_name, line_no);
    else
        fputs("isagen: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

static unsigned parse_flags(const char *s)
{
    static const struct { char letter; unsigned bit; } bits[] = {
        { 'C', 0x001 }, { 'P', 0x004 }, { 'A', 0x010 }, { 'Z', 0x040 }, { 'S', 0x080 }, { 'O', 0x800 }
    };
    unsigned mask = 0;
    for (; *s; s++) {
        unsigned i;
        for (i = 0; i < 6 && bits[i].letter != *s; i++)
            ;
        if (i == 6)
            die("no such flag: %c", *s);
        mask |= bits[i].bit;
    }
    return mask;
}

/* Flags that condition code cc looks at (SDM 2, appendix B.1.4.7). */
static unsigned cond_flags(int cc)
{
    static const char *const used[8] = { "O", "C", "Z", "CZ", "S", "P", "SO", "SOZ" };
    return parse_flags(used[cc >> 1]);
}

static int mnem_find(const char *name)
{
    for (unsigned i = 1; i < n_mnems; i++)
        if (strcmp(mnems[i], name) == 0)
            return (int)i;
    if (n_mnems == MAX_MNEMS)
        die("too many mnemonics");
    mnems[n_mnems] = malloc(strlen(name) + 1);
    strcpy(mnems[n_mnems], name);
    return (int)n_mnems++;
}

static int hex2(const char **s)
{
    if (!isxdigit((unsigned char)(*s)[0]) || !isxdigit((unsigned char)(*s)[1]))
        die("two hexadecimal digits expected: %s", *s);
    char text[3] = { (*s)[0], (*s)[1], 0 };
    *s += 2;
    return (int)strtol(text, NULL, 16);
}

/* [NP.|66.|F3.|F2.][0F.]XX[+r|+cc][/[digit][m|r[digit]]]; returns '+' suffix: 0, 'r' or 'c'. */
static int parse_opcode(struct form *f, const char *s)
{
    int plus = 0;
    snprintf(f->opcode_text, sizeof(f->opcode_text), "%s", s);
    f->pfx = PFX_ANY;
    f->reg = f->rm = -1;
    f->span = 1;
    for (int p = PFX_NONE; p <= PFX_F2; p++)
        if (strncmp(s, pfx_name[p], 2) == 0 && s[2] == '.') {
            f->pfx = p;
            s += 3;
            break;
        }
    if (strncmp(s, "0F.", 3) == 0) {
        f->map = 1;
        s += 3;
    }
    f->opcode = hex2(&s);
    if (strncmp(s, "+cc", 3) == 0) {
        plus = 'c';
        s += 3;
    } else if (strncmp(s, "+r", 2) == 0) {
        plus = 'r';
        f->span = 8 - (f->opcode & 7);
        s += 2;
    }
    if (*s == '/') {
        s++;
        f->modrm = true;
        if (*s >= '0' && *s <= '7')
            f->reg = *s++ - '0';
        if (*s == 'm' || *s == 'r')
            f->mod = *s++;
        if (f->mod == 'r' && *s >= '0' && *s <= '7')
            f->rm = *s++ - '0';
    }
    if (*s)
        die("opcode not understood: %s", f->opcode_text);
    return plus;
}

static void parse_operands(struct form *f, char *s)
{
    snprintf(f->ops_text, sizeof(f->ops_text), "%s", s);
    if (strcmp(s, "-") == 0)
        return;
    for (char *op = strtok(s, ","); op; op = strtok(NULL, ",")) {
        unsigned i;
        for (i = 0; i < sizeof(opspecs) / sizeof(opspecs[0]) && strcmp(opspecs[i].name, op) != 0; i++)
            ;
        if (i == sizeof(opspecs) / sizeof(opspecs[0]))
            die("no such operand: %s", op);
        if (f->nops == MAX_OPS)
            die("too many operands");
        f->op[f->nops++] = &opspecs[i];
        f->modrm |= opspecs[i].modrm;
        if (f->op[f->nops - 1]->how == HOW_M && f->mod == 0)
            f->mod = 'm'; /* a register there is #UD */
        if ((opspecs[i].how == HOW_N || opspecs[i].how == HOW_U) && f->mod == 0)
            f->mod = 'r';
    }
}

/* The first operand that is no immediate decides insn.opsize. */
static int default_opsize(const struct form *f)
{
    for (int i = 0; i < f->nops; i++) {
        switch (f->op[i]->how) {
        case HOW_I: case HOW_IS: case HOW_I2: case HOW_ONE: case HOW_J: case HOW_A: case HOW_SREG:
            continue;
        case HOW_P: case HOW_N:
            return 8;
        case HOW_V: case HOW_W: case HOW_U:
            return 16;
        }
        switch (f->op[i]->size) {
        case SZ_B: return 1;
        case SZ_W: return 2;
        case SZ_D: case SZ_DW: return 4;
        case SZ_Q: return 8;
        case SZ_T: return 10;
        case SZ_DQ: return 16;
        default: return OPSIZE_V;
        }
    }
    return OPSIZE_V;
}

static void parse_attribute(struct form *f, const char *word)
{
    if (word[1] == '=' && strchr("rwuk", word[0])) {
        unsigned mask = parse_flags(word + 2);
        switch (word[0]) {
        case 'r': f->read = mask; break;
        case 'w': f->written = mask; break;
        case 'u': f->undefined = mask; break;
        case 'k': f->killed = mask; break;
        }
    } else if (strncmp(word, "os=", 3) == 0) {
        f->opsize = word[3] == 'v' ? OPSIZE_V : atoi(word + 3);
    } else if (strncmp(word, "cc=", 3) == 0) {
        f->cond = (int)strtol(word + 3, NULL, 16);
    } else {
        unsigned bit = attr_bit(word);
        if (!bit)
            die("no such attribute: %s", word);
        f->attrs |= bit;
    }
}

static void spread(unsigned n)
{
    const struct form *f = &forms[n];
    bool specific = f->pfx != PFX_ANY;
    for (int p = 0; p < 4; p++) {
        if (specific && p != f->pfx)
            continue;
        for (int o = f->opcode; o < f->opcode + f->span; o++)
            for (int m = 0; m < 256; m++) {
                uint16_t *cell = &flat[f->map][p][o][m];
                bool *rank = &flat_specific[f->map][p][o][m];
                if (f->modrm && ((f->mod == 'm' && m >= 0xc0) || (f->mod == 'r' && m < 0xc0)
                                 || (f->reg >= 0 && (m >> 3 & 7) != f->reg)
                                 || (f->rm >= 0 && (m & 7) != f->rm)))
                    continue;
                if (*cell && *rank == specific)
                    die("%s is %s already (ModRM %02X)", f->opcode_text, forms[*cell].name, (unsigned)m);
                if (*cell && *rank)
                    continue;
                *cell = (uint16_t)n;
                *rank = specific;
            }
    }
}

static void add_form(const struct form *row)
{
    static const char *const cc_name[16] = { "O", "NO", "B", "NB", "Z", "NZ", "BE", "NBE",
                                             "S", "NS", "P", "NP", "L", "NL", "LE", "NLE" };
    if (n_forms == MAX_FORMS)
        die("too many forms");
    struct form *f = &forms[n_forms];
    *f = *row;
    char base[64];
    size_t len = (size_t)snprintf(base, sizeof(base), "%s", mnems[f->mnem]);
    if (f->cond >= 0)
        len += (size_t)snprintf(base + len, sizeof(base) - len, "_%s", cc_name[f->cond]);
    for (int i = 0; i < f->nops; i++)
        len += (size_t)snprintf(base + len, sizeof(base) - len, "_%s", f->op[i]->name);
    for (char *p = base; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    snprintf(f->name, sizeof(f->name), "%s", base);
    for (unsigned i = 1; i < n_forms; i++)
        if (strcmp(forms[i].name, base) == 0) {
            /* Same operands by another encoding. */
            int n = snprintf(f->name, sizeof(f->name), "%.40s_%s%s%02X", base,
                             pfx_name[f->pfx], f->map ? "0F" : "", (unsigned)f->opcode);
            if (f->reg >= 0)
                snprintf(f->name + n, sizeof(f->name) - (size_t)n, "_%d%s", f->reg, f->mod == 'r' ? "R" : "");
            break;
        }
    n_forms++;
    spread(n_forms - 1);
}

static void parse_row(char *line)
{
    struct form f = { .cond = -1, .opsize = -1 };
    char *field[4], *save = NULL, *rest[16];
    unsigned n_rest = 0;
    for (int i = 0; i < 4; i++) {
        field[i] = strtok_r(i ? NULL : line, " \t\n", &save);
        if (!field[i])
            die("a row has at least opcode, mnemonic, operands, feature");
    }
    for (char *word; (word = strtok_r(NULL, " \t\n", &save)) != NULL;) {
        if (n_rest == 16)
            die("too many attributes");
        rest[n_rest++] = word;
    }
    int plus = parse_opcode(&f, field[0]);
    f.mnem = mnem_find(field[1]);
    parse_operands(&f, field[2]);
    for (f.feature = 0; f.feature < N_FEATURES && strcmp(features[f.feature], field[3]) != 0; f.feature++)
        ;
    if (f.feature == N_FEATURES)
        die("no such feature: %s", field[3]);
    for (unsigned i = 0; i < n_rest; i++)
        parse_attribute(&f, rest[i]);

    if (f.opsize < 0)
        f.opsize = default_opsize(&f);
    if (f.attrs & attr_bit("cond")) {
        if (f.killed)
            die("flags that may stay cannot be killed");
    } else {
        f.killed |= f.written;
    }
    if (f.killed & ~(f.written | f.undefined))
        die("killed flags that are neither written nor undefined");
    if (f.attrs & attr_bit("repcc"))
        f.attrs |= attr_bit("str");
    if (f.attrs & (attr_bit("exit") | attr_bit("branch")))
        f.attrs |= attr_bit("end");
    const char *feature = features[f.feature];
    unsigned faulting = attr_bit("cpl0") | attr_bit("iopl") | attr_bit("vmiopl") | attr_bit("pm")
        | attr_bit("branch") | attr_bit("str");
    if ((f.attrs & faulting) || strcmp(feature, "fpu") == 0 || strcmp(feature, "fcmov") == 0
        || strcmp(feature, "mmx") == 0
        || strcmp(feature, "fxsr") == 0 || strncmp(feature, "sse", 3) == 0)
        f.attrs |= attr_bit("fault");

    if (plus == 'c') {
        int base = f.opcode;
        for (int cc = 0; cc < 16; cc++) {
            f.opcode = base + cc;
            f.cond = cc;
            f.read = cond_flags(cc);
            add_form(&f);
        }
    } else {
        add_form(&f);
    }
}

static void read_table(const char *name)
{
    char line[512];
    FILE *in = fopen(name, "r");
    tab_name = name;
    if (!in)
        die("%s: %s", name, strerror(errno));
    while (fgets(line, sizeof(line), in)) {
        line_no++;
        line[strcspn(line, "#")] = 0;
        if (line[strspn(line, " \t\n")])
            parse_row(line);
    }
    fclose(in);
    line_no = 0;
}

static const char banner[] = "/* Generated by tools/isagen.c from translator/isa.tab. */\n";

static void lower(const char *s, char *out)
{
    do
        *out++ = (char)tolower((unsigned char)*s);
    while (*s++);
}

static void upper(const char *s, char *out)
{
    do
        *out++ = (char)toupper((unsigned char)*s);
    while (*s++);
}

static void print_header(void)
{
    char text[64];
    printf("%s#ifndef STITCH86_ISA_GEN_H\n#define STITCH86_ISA_GEN_H\n\n#include <stdint.h>\n\n", banner);
    printf("enum isa_mnem {\n    MN_INVALID,\n");
    for (unsigned i = 1; i < n_mnems; i++)
        printf("    MN_%s,\n", mnems[i]);
    printf("    MN_COUNT\n};\n\nenum isa_form {\n    FORM_INVALID,\n");
    for (unsigned i = 1; i < n_forms; i++)
        printf("    FORM_%s,\n", forms[i].name);
    printf("    FORM_COUNT\n};\n\n/* What CPUID (or the family) must offer. */\nenum isa_feature {\n");
    for (unsigned i = 0; i < N_FEATURES; i++) {
        upper(features[i], text);
        printf("    ISA_F_%s,\n", text);
    }
    printf("    ISA_F_COUNT\n};\n\nenum {\n");
    for (unsigned i = 0; i < N_ATTRS; i++)
        printf("    ISA_%s = 1 << %u, /* %s */\n", attrs[i].name, i, attrs[i].why);
    printf("};\n\n"
           "/* Flag masks are CC_* of cpu.h.  flags_undefined: what the manual leaves undefined.\n"
           " * flags_killed: no old value of these survives the instruction, neither by the manual nor\n"
           " * in the lazy record that flags.h gives it (what liveness may rely on). */\n"
           "struct isa_info {\n"
           "    uint16_t mnem;\n"
           "    uint16_t flags_read, flags_written, flags_undefined, flags_killed;\n"
           "    uint16_t feature;\n"
           "    uint32_t flags;\n"
           "};\n"
           "extern const struct isa_info isa_info[FORM_COUNT];\n"
           "extern const char *const isa_mnem_name[MN_COUNT];     /* lower case */\n"
           "extern const char *const isa_form_name[FORM_COUNT];   /* \"ADD_EB_GB\" */\n"
           "extern const char *const isa_feature_name[ISA_F_COUNT];\n\n");
    printf("/* For decode.c. */\nenum isa_how {\n");
    for (unsigned i = 0; i < HOW_COUNT; i++)
        printf("    ISA_HOW_%s,\n", how_name[i]);
    printf("};\nenum isa_size {\n");
    for (unsigned i = 0; i < SZ_COUNT; i++)
        printf("    ISA_SZ_%s,\n", size_name[i]);
    printf("};\n"
           "struct isa_layout {\n"
           "    uint8_t nops, modrm;\n"
           "    uint8_t opsize; /* 0: the effective operand size */\n"
           "    uint8_t cond;\n"
           "    uint8_t prefix; /* mandatory: 0, 0x66, 0xf3, 0xf2 */\n"
           "    uint8_t lockable;\n"
           "    struct { uint8_t how, size, arg; } op[%d];\n"
           "};\n"
           "extern const struct isa_layout isa_layout[FORM_COUNT];\n"
           "#define ISA_ENTRY_GROUP 0x4000 /* [mod == 3][reg] of isa_group */\n"
           "#define ISA_ENTRY_RM 0x8000    /* [rm] of isa_rm */\n"
           "#define ISA_ENTRY_INDEX 0x3fff\n"
           "extern const uint16_t isa_map[2][4][256]; /* [0F][none, 66, F3, F2][opcode] */\n"
           "extern const uint16_t isa_group[][16];\n"
           "extern const uint16_t isa_rm[][8];\n\n#endif\n", MAX_OPS);
}

static uint16_t groups[1024][16];
static uint16_t rms[256][8];
static unsigned n_groups, n_rms;

static uint16_t intern_rm(const uint16_t *row)
{
    unsigned i;
    for (i = 0; i < n_rms && memcmp(rms[i], row, sizeof(rms[i])) != 0; i++)
        ;
    if (i == n_rms)
        memcpy(rms[n_rms++], row, sizeof(rms[i]));
    return (uint16_t)(0x8000 | i);
}

static uint16_t fold_opcode(const uint16_t *cells)
{
    uint16_t group[16];
    bool all_same = true;
    for (int m = 1; m < 256; m++)
        all_same &= cells[m] == cells[0];
    if (all_same)
        return cells[0];
    for (int reg = 0; reg < 8; reg++) {
        group[reg] = cells[reg << 3];
        const uint16_t *direct = &cells[0xc0 | reg << 3];
        bool same = true;
        for (int rm = 1; rm < 8; rm++)
            same &= direct[rm] == direct[0];
        group[8 + reg] = same ? direct[0] : intern_rm(direct);
    }
    unsigned i;
    for (i = 0; i < n_groups && memcmp(groups[i], group, sizeof(group)) != 0; i++)
        ;
    if (i == n_groups) {
        if (n_groups == 1024)
            die("too many groups");
        memcpy(groups[n_groups++], group, sizeof(group));
    }
    return (uint16_t)(0x4000 | i);
}

static void print_words(const uint16_t *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        printf("%s0x%04x,%s", i % 8 ? " " : "        ", w[i], i % 8 == 7 ? "\n" : "");
}

static void print_tables(void)
{
    char text[64];
    static const unsigned prefix_byte[] = { 0, 0x66, 0xf3, 0xf2, 0 };
    printf("%s#include \"isa-gen.h\"\n\nconst struct isa_info isa_info[FORM_COUNT] = {\n", banner);
    for (unsigned i = 1; i < n_forms; i++) {
        const struct form *f = &forms[i];
        upper(features[f->feature], text);
        printf("    [FORM_%s] = { MN_%s, 0x%03x, 0x%03x, 0x%03x, 0x%03x, ISA_F_%s, 0x%04x },\n", f->name,
               mnems[f->mnem], f->read, f->written, f->undefined, f->killed, text, f->attrs);
    }
    printf("};\n\nconst struct isa_layout isa_layout[FORM_COUNT] = {\n");
    for (unsigned i = 1; i < n_forms; i++) {
        const struct form *f = &forms[i];
        printf("    [FORM_%s] = { %d, %d, %d, %d, 0x%02x, %d, { ", f->name, f->nops, f->modrm, f->opsize,
               f->cond < 0 ? 0 : f->cond, prefix_byte[f->pfx], !!(f->attrs & attr_bit("lock")));
        for (int j = 0; j < f->nops; j++)
            printf("{ ISA_HOW_%s, ISA_SZ_%s, %d }, ", how_name[f->op[j]->how], size_name[f->op[j]->size],
                   f->op[j]->arg);
        printf("%s} },\n", f->nops ? "" : "{ 0, 0, 0 } ");
    }
    printf("};\n\nconst char *const isa_mnem_name[MN_COUNT] = {\n    \"(bad)\",\n");
    for (unsigned i = 1; i < n_mnems; i++) {
        lower(mnems[i], text);
        printf("    \"%s\",\n", text);
    }
    printf("};\n\nconst char *const isa_form_name[FORM_COUNT] = {\n    \"INVALID\",\n");
    for (unsigned i = 1; i < n_forms; i++)
        printf("    \"%s\",\n", forms[i].name);
    printf("};\n\nconst char *const isa_feature_name[ISA_F_COUNT] = {\n");
    for (unsigned i = 0; i < N_FEATURES; i++)
        printf("    \"%s\",\n", features[i]);
    printf("};\n\nconst uint16_t isa_map[2][4][256] = {\n");
    for (int map = 0; map < 2; map++) {
        printf("    {\n");
        for (int p = 0; p < 4; p++) {
            uint16_t words[256];
            for (int o = 0; o < 256; o++)
                words[o] = fold_opcode(flat[map][p][o]);
            printf("    {\n");
            print_words(words, 256);
            printf("    },\n");
        }
        printf("    },\n");
    }
    printf("};\n\nconst uint16_t isa_group[][16] = {\n");
    for (unsigned i = 0; i < n_groups; i++) {
        printf("    {\n");
        print_words(groups[i], 16);
        printf("    },\n");
    }
    printf("};\n\nconst uint16_t isa_rm[][8] = {\n");
    for (unsigned i = 0; i < n_rms; i++) {
        printf("    {\n");
        print_words(rms[i], 8);
        printf("    },\n");
    }
    printf("};\n");
}

static void print_forms(void)
{
    printf("#form\tmnemonic\tmap\tprefix\topcode\tspan\tmodrm\treg\tmod\trm\toperands\topsize\tcond\t"
           "read\twritten\tundefined\tkilled\tfeature\tattributes\n");
    for (unsigned i = 1; i < n_forms; i++) {
        const struct form *f = &forms[i];
        printf("%s\t%s\t%s\t%s\t%02X\t%d\t%d\t%d\t%s\t%d\t%s\t", f->name, mnems[f->mnem], f->map ? "0F" : "-",
               f->pfx == PFX_ANY ? "-" : pfx_name[f->pfx], (unsigned)f->opcode, f->span, f->modrm, f->reg,
               f->mod == 'm' ? "m" : f->mod == 'r' ? "r" : "-", f->rm, f->ops_text);
        if (f->opsize == OPSIZE_V)
            printf("v");
        else
            printf("%d", f->opsize);
        printf("\t%d\t%03x\t%03x\t%03x\t%03x\t%s\t", f->cond, f->read, f->written, f->undefined, f->killed,
               features[f->feature]);
        const char *sep = "";
        for (unsigned a = 0; a < N_ATTRS; a++)
            if (f->attrs >> a & 1) {
                printf("%s%s", sep, attrs[a].word);
                sep = ",";
            }
        puts(*sep ? "" : "-");
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: isagen isa.tab --header|--tables|--forms\n");
        return 1;
    }
    read_table(argv[1]);
    if (strcmp(argv[2], "--header") == 0)
        print_header();
    else if (strcmp(argv[2], "--tables") == 0)
        print_tables();
    else if (strcmp(argv[2], "--forms") == 0)
        print_forms();
    else
        die("unknown option %s", argv[2]);
    if (fflush(stdout) != 0 || ferror(stdout))
        die("write error");
    return 0;
}
