/* The command line: every option, QEMU's spellings, and one clear line for each mistake. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "options.h"
#include "suite.h"

static struct options o;

/* Parse the words after the program's name; NULL or the error. */
static char *parse(const char *words)
{
    static char copy[1024];
    char *argv[64] = { (char *)"stitch86" }, *save = NULL, *error = NULL;
    int argc = 1;
    strcpy(copy, words);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    return options_parse(&o, argc, argv, &error) ? NULL : error;
}

static void good(const char *words)
{
    char *error = parse(words);
    ck_assert_msg(!error, "%s: %s", words, error);
}

static void bad(const char *words, const char *part)
{
    char *error = parse(words);
    ck_assert_msg(error != NULL, "%s was taken", words);
    ck_assert_msg(strstr(error, part) != NULL, "%s: \"%s\" does not say \"%s\"", words, error, part);
    ck_assert_msg(strchr(error, '\n') == NULL, "%s: more than one line", words);
    free(error);
}

START_TEST(defaults)
{
    good("-kernel k");
    ck_assert_str_eq(o.kernel, "k");
    ck_assert_uint_eq(o.ram_size, 128 << 20);
    ck_assert_int_eq(o.icount_shift, -1);
    ck_assert_int_eq(o.debug_exit_iobase, -1);
    ck_assert_uint_eq(o.nserial, 0);
    ck_assert_int_eq(o.action, ACTION_RUN);
#ifdef HAVE_TEMPLATES
    ck_assert_int_eq(o.accel, ACCEL_TEMPLATE);
#else
    ck_assert_int_eq(o.accel, ACCEL_INTERP);
#endif
}
END_TEST

START_TEST(memory_sizes)
{
    static const struct {
        const char *arg;
        uint64_t bytes;
    } cases[] = {
        { "1", 1 << 20 }, { "256", 256 << 20 }, { "64M", 64 << 20 }, { "64m", 64 << 20 }, { "2G", 2048ull << 20 },
        { "2048k", 2 << 20 }, { "0x40", 64 << 20 }, { "size=32M", 32 << 20 }, { "2097152b", 2 << 20 },
        { "2000000B", 2000000 & ~4095 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char words[64];
        snprintf(words, sizeof(words), "-kernel k -m %s", cases[i].arg);
        good(words);
        ck_assert_uint_eq(o.ram_size, cases[i].bytes);
    }
    bad("-kernel k -m 0", "1M to");
    bad("-kernel k -m 4G", "1M to");
    bad("-kernel k -m lots", "not a size");
    bad("-kernel k -m 12X", "not a size");
    bad("-kernel k -m -5", "not a size");
    bad("-kernel k -m 99999999999999999999G", "not a size");
    bad("-kernel k -m 18446744073709551615G", "not a size");
    bad("-kernel k -m", "needs an argument: SIZE");
}
END_TEST

START_TEST(spellings)
{
    good("--kernel k --initrd i --append a --no-reboot");
    ck_assert_str_eq(o.initrd, "i");
    ck_assert_str_eq(o.append, "a");
    ck_assert(o.no_reboot);
    static const char *const help[] = { "-h", "-help", "--help", "--h" };
    for (int i = 0; i < 4; i++) {
        good(help[i]);
        ck_assert_int_eq(o.action, ACTION_HELP);
    }
    good("--version -nonsense");
    ck_assert_int_eq(o.action, ACTION_VERSION);
    good("-cpu help");
    ck_assert_int_eq(o.action, ACTION_CPU_HELP);
    good("-kernel k -cpu qemu32,+f,-g");
    ck_assert_str_eq(o.cpu, "qemu32,+f,-g");
    good("-d help");
    ck_assert_int_eq(o.action, ACTION_LOG_HELP);
    bad("-kernle k", "-kernle: unknown option");
    bad("--kernel", "needs an argument: FILE");
    bad("vmlinuz", "not an option");
    bad("", "-kernel FILE");
    bad("-", "unknown option");
    bad("-append x", "nothing to boot");
}
END_TEST

START_TEST(devices)
{
    good("-kernel k -device isa-debug-exit");
    ck_assert_int_eq(o.debug_exit_iobase, 0x501);
    ck_assert_int_eq(o.debug_exit_iosize, 2);
    good("-kernel k -device isa-debug-exit,iobase=0xf4,iosize=4");
    ck_assert_int_eq(o.debug_exit_iobase, 0xf4);
    ck_assert_int_eq(o.debug_exit_iosize, 4);
    bad("-kernel k -device e1000", "isa-debug-exit");
    bad("-kernel k -device isa-debug-exit,iobase=0x10000", "iobase");
    bad("-kernel k -device isa-debug-exit,iosize=0", "iosize");
    bad("-kernel k -device isa-debug-exit,iosize=8", "iosize");
    bad("-kernel k -device isa-debug-exit,colour=red", "unknown property");
    bad("-kernel k -device isa-debug-exit,iobase=0xffff,iosize=4", "ports end");
    bad("-kernel k -device ,", "isa-debug-exit");
    good("-kernel k -serial null -serial file:x -debugcon stdio");
    ck_assert_uint_eq(o.nserial, 2);
    ck_assert_str_eq(o.serial[1], "file:x");
    bad("-kernel k -serial null -serial null -serial null -serial null -serial null", "four");
    bad("-kernel k -serial stdio -serial mon:stdio", "twice");
    bad("-kernel k -debugcon stdio", "twice");
    good("-kernel k -nographic -display none -monitor none -nic none");
    bad("-kernel k -display gtk", "there is no display");
    bad("-kernel k -nic user", "none");
}
END_TEST

START_TEST(time_options)
{
    good("-kernel k -icount shift=3");
    ck_assert_int_eq(o.icount_shift, 3);
    good("-kernel k -icount 0,sleep=off");
    ck_assert_int_eq(o.icount_shift, 0);
    bad("-kernel k -icount shift=11", "-icount");
    bad("-kernel k -icount auto", "-icount");
    bad("-kernel k -icount shift=1,sleep=on", "-icount");
    good("-kernel k -rtc base=2001-02-03T04:05:06");
    ck_assert(o.rtc_given);
    ck_assert_int_eq(o.rtc_base, 981173106);
    good("-kernel k -rtc base=1970-01-02");
    ck_assert_int_eq(o.rtc_base, 86400);
    good("-kernel k -rtc base=utc");
    ck_assert(o.rtc_base == RTC_BASE_NOW);
    bad("-kernel k -rtc base=yesterday", "not a date");
    bad("-kernel k -rtc base=2001-02-03T", "not a date");
    bad("-kernel k -rtc base=1969-01-01", "not a date");
    bad("-kernel k -rtc 2001-01-01", "base=");
    bad("-kernel k -hash-interval 1000", "needs -icount");
    good("-kernel k -icount shift=0 -hash-interval 1000");
    ck_assert_uint_eq(o.hash_interval, 1000);
    bad("-kernel k -icount 0 -hash-interval 0", "number");
}
END_TEST

START_TEST(debugging)
{
    good("-kernel k -d int,exec -D log -tb-max 4 -stats -profile p -name me");
    ck_assert_uint_eq(o.log_mask, LOG_INT | LOG_EXEC);
    ck_assert_str_eq(o.log_file, "log");
    ck_assert_uint_eq(o.tb_max, 4);
    ck_assert(o.stats);
    ck_assert_str_eq(o.profile, "p");
    good("-kernel k -d in_asm -d tb");
    ck_assert_uint_eq(o.log_mask, LOG_IN_ASM | LOG_TB);
    bad("-kernel k -d everything", "unknown log item everything");
    bad("-kernel k -tb-max 0", "1 to 64");
    bad("-kernel k -tb-max 65", "1 to 64");
    bad("-kernel k -tb-max x", "1 to 64");
    good("-kernel k -accel interp");
    ck_assert_int_eq(o.accel, ACCEL_INTERP);
    bad("-kernel k -accel kvm", "template or interp");
#ifndef HAVE_TEMPLATES
    bad("-kernel k -accel template", "mips64el");
#endif
}
END_TEST

/* Whatever the parser takes is in the help and in README's table, and the other way round. */
START_TEST(help_is_complete)
{
    char *help = NULL, *table = NULL;
    size_t n;
    FILE *f = open_memstream(&help, &n);
    options_help(f);
    fclose(f);
    f = open_memstream(&table, &n);
    options_table(f);
    fclose(f);
    static const char *const names[] = { "-m SIZE", "-cpu MODEL[,+F][,-F]", "-accel NAME", "-icount shift=N",
        "-rtc base=TIME", "-no-reboot", "-kernel FILE", "-initrd FILE", "-append TEXT", "-nographic", "-serial DEV",
        "-debugcon DEV", "-device DEV", "-d ITEMS", "-D FILE", "-O NAME,...", "-tb-max N", "-hash-interval N", "-profile FILE", "-stats",
        "-help", "-version" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert_msg(strstr(help, names[i]) != NULL, "%s is not in --help", names[i]);
        ck_assert_msg(strstr(table, names[i]) != NULL, "%s is not in the table", names[i]);
    }
    for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n"))
        ck_assert_msg(strlen(line) <= 100, "too long for a terminal: %s", line);
    free(help);
    free(table);
}
END_TEST

/* README.md shows the table that the program prints. */
START_TEST(readme_is_current)
{
    const char *dir = getenv("srcdir");
    char path[4096], *table = NULL;
    size_t n;
    snprintf(path, sizeof(path), "%s/README.md", dir ? dir : ".");
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s cannot be read", path);
    static char readme[1 << 20];
    size_t len = fread(readme, 1, sizeof(readme) - 1, f);
    readme[len] = '\0';
    fclose(f);
    f = open_memstream(&table, &n);
    options_table(f);
    fclose(f);
    ck_assert_msg(strstr(readme, table) != NULL, "README.md's option table differs from:\n%s", table);
    free(table);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("options");
    TCase *t = tcase_create("options");
    suite_add_tcase(s, t);
    tcase_add_test(t, defaults);
    tcase_add_test(t, memory_sizes);
    tcase_add_test(t, spellings);
    tcase_add_test(t, devices);
    tcase_add_test(t, time_options);
    tcase_add_test(t, debugging);
    tcase_add_test(t, help_is_complete);
    tcase_add_test(t, readme_is_current);
    return suite_run(s);
}
