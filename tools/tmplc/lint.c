/* Layout of template files: docs/templates.md, "Style". */
#include "lint.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 110
#define OPERANDS_COLUMN 10

/* ---- exceptions that the author has marked ---- */

static char **lines;
static int nlines;
static const char *lines_of;

static void load(const char *file)
{
    char buf[1024];
    if (lines_of && !strcmp(lines_of, file))
        return;
    FILE *f = fopen(file, "r");
    lines_of = file;
    nlines = 0;
    if (!f)
        return;
    while (fgets(buf, sizeof(buf), f)) {
        lines = realloc(lines, (size_t)(nlines + 1) * sizeof(*lines));
        if (!lines)
            exit(1);
        lines[nlines++] = xstrndup(buf, strcspn(buf, "\n"));
    }
    fclose(f);
}

static bool excepted(int line)
{
    for (int i = line - 2; i < line; i++) {
        const char *mark = i >= 0 && i < nlines ? strstr(lines[i], "# lint: ok ") : NULL;
        if (mark && mark[11])
            return true;
    }
    return false;
}

void lint(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    load(file);
    if (excepted(line))
        return;
    va_start(ap, fmt);
    char buf[300];
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    /* A stanza for several mnemonics, or with several variants, would say it again and again. */
    static char *said;
    const char *text = xprintf("\n%s:%d: %s\n", file, line, buf);
    if (said && strstr(said, text))
        return;
    said = xprintf("%s%s", said ? said : "", text);
    error_at(file, line, "%s", buf);
}

/* ---- one line ---- */

static bool is_header(const char *s)
{
    static const char *const kinds[] = { "template ", "snippet ", "value ", "branch ", "include " };
    for (int i = 0; i < 5; i++)
        if (!strncmp(s, kinds[i], strlen(kinds[i])))
            return true;
    return false;
}

static void commas(const char *file, int number, const char *s)
{
    for (const char *c = s; (c = strchr(c, ',')) && *c; c++) {
        if (c > s && c[-1] == ' ')
            lint(file, number, "space before a comma");
        if (c[1] != ' ' || c[2] == ' ')
            lint(file, number, "one space goes behind a comma");
    }
}

/* `    addu  $d, $d, $s': mnemonic at column 4, operands at column 10 or one space behind a long mnemonic. */
static void instruction_columns(const char *file, int number, const char *s)
{
    size_t indent = strspn(s, " ");
    const char *name = s + indent;
    size_t n = strcspn(name, " "), blanks = strspn(name + n, " ");

    if (indent != 4)
        lint(file, number, "instructions and options are indented by 4");
    else if (!name[n])
        return;
    else if (name[n + blanks] == '$' && find_opcode(xstrndup(name, n))) {
        size_t column = indent + n + blanks, want = indent + n + 1;
        if (want < OPERANDS_COLUMN)
            want = OPERANDS_COLUMN;
        if (column != want)
            lint(file, number, "operands begin at column %zu, not %zu", want, column);
    }
    commas(file, number, name);
}

static void one_line(const char *file, int number, const char *s)
{
    size_t n = strlen(s);

    if (strchr(s, '\t'))
        lint(file, number, "tab");
    if (n && isspace((unsigned char)s[n - 1]))
        lint(file, number, "blanks at the end of the line");
    if (n > MAX_COLUMNS)
        lint(file, number, "over %d columns", MAX_COLUMNS);
    const char *hash = strchr(s, '#');
    if (hash && hash[1] && hash[1] != ' ' && hash[1] != '!')
        lint(file, number, "a space goes behind #");
    char *code = xstrndup(s, hash ? (size_t)(hash - s) : n);
    size_t indent = strspn(code, " ");
    const char *body = code + indent;
    if (!*body || (indent == 0 && is_header(body))) {
        /* Names in a list have no blanks between them. */
        const char *params = strchr(body + strcspn(body, " ") + (*body != 0), ' ');
        commas(file, number, params ? params : "");
        return;
    }
    if (is_header(body) && indent) {
        lint(file, number, "a stanza's header begins at column 0");
    } else if (!strncmp(body, "needs ", 6)) {
        if (indent != 2)
            lint(file, number, "`needs' is indented by 2");
    } else if (isdigit((unsigned char)*body) && strchr(body, ':')) {
        if (indent)
            lint(file, number, "a label begins at column 0");
    } else {
        instruction_columns(file, number, code);
    }
}

void lint_layout(const char *file)
{
    load(file);
    if (!nlines || lines[0][0] != '#')
        lint(file, 1, "a file begins with a comment that says what it is about");
    for (int i = 0; i < nlines; i++) {
        const char *s = lines[i];
        one_line(file, i + 1, s);
        if (i > 1 && *s && !*lines[i - 1] && !*lines[i - 2])
            lint(file, i + 1, "one empty line is enough");
        /* A stanza, with the comment over it, stands apart. */
        if (is_header(s) && strncmp(s, "include", 7) && i) {
            int k = i - 1;
            while (k >= 0 && lines[k][0] == '#')
                k--;
            if (k >= 0 && *lines[k] && strncmp(lines[k], "include", 7))
                lint(file, i + 1, "an empty line goes before a stanza");
        }
    }
    if (nlines && !*lines[nlines - 1])
        lint(file, nlines, "empty line at the end");
}
