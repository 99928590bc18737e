#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "error-text.h"
#include "log.h"
#include "optimise.h"

/* The memory map has RAM below the 3.5 GiB mark only. */
#define RAM_MAX ((uint64_t)3584 << 20)
#define RAM_MIN ((uint64_t)1 << 20)

static char *option_error; /* set by the handlers through fail() */

#define fail(...) error_set(&option_error, __VA_ARGS__)

bool parse_number(const char *s, uint64_t max, uint64_t *out)
{
    char *end;
    if (*s < '0' || *s > '9')
        return false; /* strtoull takes signs and blanks */
    errno = 0;
    unsigned long long v = strtoull(s, &end, 0);
    if (errno || *end || v > max)
        return false;
    *out = v;
    return true;
}

bool parse_size(const char *s, uint64_t unit, uint64_t *out)
{
    char *end;
    if (*s < '0' || *s > '9')
        return false;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 0);
    if (errno)
        return false;
    switch (*end) {
    case '\0':
        break;
    case 'b': case 'B':
        unit = 1, end++;
        break;
    case 'k': case 'K':
        unit = 1 << 10, end++;
        break;
    case 'm': case 'M':
        unit = 1 << 20, end++;
        break;
    case 'g': case 'G':
        unit = 1 << 30, end++;
        break;
    }
    if (*end || v > UINT64_MAX / unit)
        return false;
    *out = v * unit;
    return true;
}

/* If s is "key=value", return the value. */
static const char *keyed(const char *s, const char *key)
{
    size_t n = strlen(key);
    return strncmp(s, key, n) == 0 && s[n] == '=' ? s + n + 1 : NULL;
}

static bool opt_memory(struct options *o, const char *arg)
{
    const char *v = keyed(arg, "size");
    if (!parse_size(v ? v : arg, 1 << 20, &o->ram_size))
        return fail("-m %s: not a size", arg);
    if (o->ram_size < RAM_MIN || o->ram_size > RAM_MAX)
        return fail("-m %s: guest memory is 1M to %lluM", arg, (unsigned long long)(RAM_MAX >> 20));
    o->ram_size &= ~(uint64_t)4095;
    return true;
}

static bool opt_cpu(struct options *o, const char *arg)
{
    if (strcmp(arg, "help") == 0 || strcmp(arg, "?") == 0)
        o->action = ACTION_CPU_HELP;
    o->cpu = arg;
    return true;
}

static bool opt_accel(struct options *o, const char *arg)
{
    if (strcmp(arg, "interp") == 0) {
        o->accel = ACCEL_INTERP;
        return true;
    }
    if (strncmp(arg, "template", 8) == 0 && (arg[8] == 0 || arg[8] == ',')) {
#ifdef HAVE_TEMPLATES
        o->accel = ACCEL_TEMPLATE;
        if (arg[8] == 0)
            return true;
        uint64_t n;
        const char *v = keyed(arg + 9, "tb-size");
        if (!v || !parse_number(v, 10, &n) || n < 1 || n > TB_SIZE_MAX_MIB)
            return fail("-accel %s: tb-size is 1 to %u MiB", arg, TB_SIZE_MAX_MIB);
        o->tb_size = (unsigned)n;
        return true;
#else
        return fail("-accel template: templates run on mips64el hosts only");
#endif
    }
    return fail("-accel %s: it is template or interp", arg);
}

static bool opt_icount(struct options *o, const char *arg)
{
    uint64_t n;
    const char *v = keyed(arg, "shift");
    char *copy = strdup(v ? v : arg);
    char *comma = strchr(copy, ',');
    /* Time always skips while halted, which QEMU calls sleep=off. */
    bool ok = !comma || strcmp(comma, ",sleep=off") == 0;
    if (comma)
        *comma = '\0';
    ok = ok && parse_number(copy, 10, &n);
    free(copy);
    if (!ok)
        return fail("-icount %s: it is shift=N, N from 0 to 10", arg);
    o->icount_shift = (int)n;
    return true;
}

static bool opt_rtc(struct options *o, const char *arg)
{
    const char *v = keyed(arg, "base");
    if (!v)
        return fail("-rtc %s: it is base=utc, base=localtime or base=YYYY-MM-DD[THH:MM:SS]", arg);
    o->rtc_given = true;
    if (strcmp(v, "utc") == 0) {
        o->rtc_base = RTC_BASE_NOW;
        return true;
    }
    if (strcmp(v, "localtime") == 0) {
        time_t now = time(NULL);
        struct tm tm;
        localtime_r(&now, &tm);
        o->rtc_base = (int64_t)timegm(&tm);
        return true;
    }
    struct tm tm = { 0 };
    const char *end = strptime(v, "%Y-%m-%d", &tm);
    if (end && *end == 'T')
        end = strptime(end + 1, "%H:%M:%S", &tm);
    if (!end || *end || tm.tm_year < 70 || tm.tm_year > 8000)
        return fail("-rtc base=%s: not a date", v);
    o->rtc_base = (int64_t)timegm(&tm);
    return true;
}

static bool opt_no_reboot(struct options *o, const char *arg)
{
    (void)arg;
    o->no_reboot = true;
    return true;
}

static bool opt_name(struct options *o, const char *arg)
{
    o->name = arg;
    return true;
}

static bool opt_kernel(struct options *o, const char *arg)
{
    o->kernel = arg;
    return true;
}

static bool opt_initrd(struct options *o, const char *arg)
{
    o->initrd = arg;
    return true;
}

static bool opt_append(struct options *o, const char *arg)
{
    o->append = arg;
    return true;
}

static bool opt_nographic(struct options *o, const char *arg)
{
    (void)o, (void)arg;
    return true;
}

static bool opt_display(struct options *o, const char *arg)
{
    (void)o;
    return strcmp(arg, "none") == 0 || fail("-display %s: there is no display; use none", arg);
}

static bool opt_none(struct options *o, const char *arg)
{
    (void)o;
    return strcmp(arg, "none") == 0 || fail("%s: only none is supported here", arg);
}

static bool opt_serial(struct options *o, const char *arg)
{
    if (o->nserial == MAX_SERIAL)
        return fail("-serial %s: a PC has four serial ports", arg);
    o->serial[o->nserial++] = arg;
    return true;
}

static bool opt_debugcon(struct options *o, const char *arg)
{
    o->debugcon = arg;
    return true;
}

static bool opt_device(struct options *o, const char *arg)
{
    char *copy = strdup(arg), *save = NULL;
    char *word = strtok_r(copy, ",", &save);
    bool ok = true;
    uint64_t iobase = 0x501, iosize = 2;
    if (!word || strcmp(word, "isa-debug-exit") != 0)
        ok = fail("-device %s: the device known is isa-debug-exit", arg);
    while (ok && (word = strtok_r(NULL, ",", &save))) {
        const char *v;
        if ((v = keyed(word, "iobase")))
            ok = parse_number(v, 0xffff, &iobase) || fail("-device %s: iobase is a port", arg);
        else if ((v = keyed(word, "iosize")))
            ok = (parse_number(v, 4, &iosize) && iosize) || fail("-device %s: iosize is 1 to 4", arg);
        else
            ok = fail("-device %s: unknown property %s", arg, word);
    }
    if (ok && iobase + iosize > 0x10000)
        ok = fail("-device %s: ports end at 0xffff", arg);
    free(copy);
    o->debug_exit_iobase = (int)iobase;
    o->debug_exit_iosize = (int)iosize;
    return ok;
}

static bool opt_log(struct options *o, const char *arg)
{
    if (strcmp(arg, "help") == 0 || strcmp(arg, "?") == 0) {
        o->action = ACTION_LOG_HELP;
        return true;
    }
    char *copy = strdup(arg), *save = NULL;
    bool ok = true;
    for (char *w = strtok_r(copy, ",", &save); w && ok; w = strtok_r(NULL, ",", &save)) {
        uint32_t item = log_item(w);
        o->log_mask |= item;
        ok = item || fail("-d %s: unknown log item %s; -d help lists them", arg, w);
    }
    free(copy);
    return ok;
}

static bool opt_optimise(struct options *o, const char *arg)
{
    if (strcmp(arg, "help") == 0 || strcmp(arg, "?") == 0) {
        o->action = ACTION_OPTIMISE_HELP;
        return true;
    }
    char *unknown = optimise_parse(arg, &o->optimise);
    if (!unknown)
        return true;
    fail("-O %s: unknown optimisation %s; -O help lists them", arg, unknown);
    free(unknown);
    return false;
}

static bool opt_log_file(struct options *o, const char *arg)
{
    o->log_file = arg;
    return true;
}

static bool opt_tb_max(struct options *o, const char *arg)
{
    uint64_t n;
    if (!parse_number(arg, 64, &n) || !n)
        return fail("-tb-max %s: it is a number from 1 to 64", arg);
    o->tb_max = (unsigned)n;
    return true;
}

static bool opt_hash(struct options *o, const char *arg)
{
    if (!parse_number(arg, INT64_MAX, &o->hash_interval) || !o->hash_interval)
        return fail("-hash-interval %s: it is a number of instructions", arg);
    return true;
}

static bool opt_profile(struct options *o, const char *arg)
{
    o->profile = arg;
    return true;
}

static bool opt_perfmap(struct options *o, const char *arg)
{
    o->perfmap = arg;
    return true;
}

static bool opt_stats(struct options *o, const char *arg)
{
    (void)arg;
    o->stats = true;
    return true;
}

static bool opt_help(struct options *o, const char *arg)
{
    (void)arg;
    o->action = ACTION_HELP;
    return true;
}

static bool opt_version(struct options *o, const char *arg)
{
    (void)arg;
    o->action = ACTION_VERSION;
    return true;
}

struct option_row {
    const char *group; /* a heading, the rest is NULL */
    const char *name, *arg;
    bool (*handler)(struct options *o, const char *arg);
    const char *help;
};

static const struct option_row rows[] = {
#define GROUP(heading) { heading, NULL, NULL, NULL, NULL },
#define OPTION(name, arg, handler, help) { NULL, name, arg, handler, help },
#include "options.def"
#undef GROUP
#undef OPTION
};
#define NROWS (sizeof(rows) / sizeof(rows[0]))

static const struct option_row *find_option(const char *name)
{
    if (strcmp(name, "h") == 0)
        name = "help";
    for (size_t i = 0; i < NROWS; i++) {
        if (rows[i].name && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

/* What only makes sense together. */
static bool check_options(const struct options *o)
{
    if (o->action != ACTION_RUN)
        return true;
    if (!o->kernel)
        return fail("nothing to boot: give a kernel with -kernel FILE (stitch86 --help tells more)");
    if (o->hash_interval && o->icount_shift < 0)
        return fail("-hash-interval counts instructions: it needs -icount");
    unsigned stdio = o->nserial == 0;
    for (unsigned i = 0; i < o->nserial; i++)
        stdio += strcmp(o->serial[i], "stdio") == 0 || strcmp(o->serial[i], "mon:stdio") == 0;
    if (o->debugcon)
        stdio += strcmp(o->debugcon, "stdio") == 0 || strcmp(o->debugcon, "mon:stdio") == 0;
    if (stdio > 1)
        return fail("stdio is used twice; give one of the serial ports or the debug console another place");
    return true;
}

bool options_parse(struct options *o, int argc, char **argv, char **error)
{
    *o = (struct options){ .ram_size = 128 << 20, .icount_shift = -1, .rtc_base = RTC_BASE_NOW,
                           .debug_exit_iobase = -1, .optimise = OPTIMISE_ALL,
#ifdef HAVE_TEMPLATES
                           .accel = ACCEL_TEMPLATE,
#endif
    };
    option_error = NULL;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const struct option_row *row = NULL;
        if (word[0] == '-' && word[1] != '\0')
            row = find_option(word + (word[1] == '-' ? 2 : 1));
        bool ok;
        if (!row)
            ok = word[0] == '-' ? fail("%s: unknown option; stitch86 --help lists them", word)
                                : fail("%s: not an option; a kernel is given with -kernel FILE", word);
        else if (row->arg && i + 1 >= argc)
            ok = fail("-%s needs an argument: %s", row->name, row->arg);
        else
            ok = row->handler(o, row->arg ? argv[++i] : NULL);
        if (!ok) {
            *error = option_error;
            return false;
        }
        if (o->action != ACTION_RUN)
            return true; /* like QEMU: help at once, whatever follows */
    }
    if (!check_options(o)) {
        *error = option_error;
        return false;
    }
    return true;
}

static void print_help_text(FILE *out, const char *help, int indent)
{
    for (const char *nl; (nl = strchr(help, '\n')); help = nl + 1)
        fprintf(out, "%.*s\n%*s", (int)(nl - help), help, indent, "");
    fprintf(out, "%s\n", help);
}

void options_help(FILE *out)
{
    fputs("Usage: stitch86 [OPTION...]\n"
          "Runs x86 guest kernels on MIPS64 Loongson hosts.  Option names and meanings are QEMU's.\n", out);
    for (size_t i = 0; i < NROWS; i++) {
        if (rows[i].group) {
            fprintf(out, "\n%s:\n", rows[i].group);
            continue;
        }
        int n = fprintf(out, "  -%s%s%s", rows[i].name, rows[i].arg ? " " : "", rows[i].arg ? rows[i].arg : "");
        fprintf(out, "%*s", n < 22 ? 22 - n : 1, "");
        print_help_text(out, rows[i].help, 22);
    }
    fputs("\nAt the terminal: Ctrl-A X leaves, Ctrl-A H helps, Ctrl-A Ctrl-A sends Ctrl-A.\n"
          "Exit status: what the guest says through isa-debug-exit, 0 after power-off,\n"
          "1 when the command line or a file is wrong, 128 + N after signal N.\n", out);
}

void options_table(FILE *out)
{
    for (size_t i = 0; i < NROWS; i++) {
        if (rows[i].group) {
            fprintf(out, "| **%s** | |\n", rows[i].group);
            continue;
        }
        fprintf(out, "| `-%s%s%s` | ", rows[i].name, rows[i].arg ? " " : "", rows[i].arg ? rows[i].arg : "");
        for (const char *p = rows[i].help; *p; p++)
            fputc(*p == '\n' ? ' ' : *p, out);
        fputs(" |\n", out);
    }
}
