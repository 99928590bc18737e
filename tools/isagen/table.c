#include "isagen.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct form forms[MAX_FORMS];
unsigned n_forms = 1;
char *mnems[MAX_MNEMS];
unsigned n_mnems = 1;

static const char *tab_name;
static unsigned line_no;

_Noreturn void die(const char *fmt, ...)
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
        const struct opspec *spec = opspec_find(op);
        if (!spec)
            die("no such operand: %s", op);
        if (f->nops == MAX_OPS)
            die("too many operands");
        f->op[f->nops++] = spec;
        f->modrm |= spec->modrm;
        if (spec->how == HOW_M && f->mod == 0)
            f->mod = 'm'; /* a register there is #UD */
        if ((spec->how == HOW_N || spec->how == HOW_U) && f->mod == 0)
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
    for (f.feature = 0; f.feature < n_features && strcmp(feature_name[f.feature], field[3]) != 0; f.feature++)
        ;
    if (f.feature == n_features)
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
    const char *feature = feature_name[f.feature];
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

void read_table(const char *name)
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
