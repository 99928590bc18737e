/* The program as its user meets it, on a pseudo-terminal: the console in raw mode, the ways to
 * leave, the terminal as it was afterwards; and the one line for each mistake on the command line. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#include "suite.h"

/* A Multiboot image that prints B, then echoes the serial port.  Some letters are commands:
 * q: status 7 through isa-debug-exit at 0xf4; h: halt for ever; s: spin; r: reset by the keyboard
 * controller; t: triple fault; d: also to port 0xe9. */
static const unsigned char guest[] = {
    0x02, 0xb0, 0xad, 0x1b, 0x00, 0x00, 0x01, 0x00, 0xfe, 0x4f, 0x51, 0xe4, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
    0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x20, 0x00, 0x10, 0x00,
    0x66, 0xba, 0xf8, 0x03,       /*       mov $0x3f8,%dx */
    0xb0, 0x42,                   /*       mov $'B',%al */
    0xee,                         /*       out %al,%dx */
    0x66, 0xba, 0xfd, 0x03,       /* wait: mov $0x3fd,%dx */
    0xec,                         /*       in %dx,%al */
    0xa8, 0x01,                   /*       test $1,%al */
    0x74, 0xf7,                   /*       jz wait */
    0x66, 0xba, 0xf8, 0x03, 0xec, /*       mov $0x3f8,%dx; in %dx,%al */
    0x3c, 0x71, 0x74, 0x17,       /*       cmp $'q',%al; je quit */
    0x3c, 0x68, 0x74, 0x17,       /*       cmp $'h',%al; je halt */
    0x3c, 0x73, 0x74, 0x17,       /*       cmp $'s',%al; je spin */
    0x3c, 0x72, 0x74, 0x15,       /*       cmp $'r',%al; je reset */
    0x3c, 0x74, 0x74, 0x17,       /*       cmp $'t',%al; je triple */
    0x3c, 0x64, 0x74, 0x1c,       /*       cmp $'d',%al; je debug */
    0xee, 0xeb, 0xd7,             /*       out %al,%dx; jmp wait */
    0xb0, 0x03, 0xe6, 0xf4,       /* quit: mov $3,%al; out %al,$0xf4 */
    0xfa, 0xf4, 0xeb, 0xfc,       /* halt: cli; hlt; jmp halt */
    0xeb, 0xfe,                   /* spin: jmp spin */
    0xb0, 0xfe, 0xe6, 0x64,       /* reset: mov $0xfe,%al; out %al,$0x64 */
    0xeb, 0xf4,                   /*       jmp halt */
    0x6a, 0x00, 0x6a, 0x00,       /* triple: push $0; push $0 */
    0x0f, 0x01, 0x1c, 0x24, 0xcc, /*       lidt (%esp); int3 */
    0xe6, 0xe9, 0xee, 0xeb, 0xb9, /* debug: out %al,$0xe9; out %al,%dx; jmp wait */
};

static char dir[] = "/tmp/check_console.XXXXXX";
static char kernel[64], output[65536];
static int master = -1;
static pid_t child;
static struct termios before;

/* AddressSanitizer has a handler of its own for SIGSEGV, the last of them. */
#ifdef __SANITIZE_ADDRESS__
#define SIGNALS 5
#else
#define SIGNALS 6
#endif
#define SECONDS 60 /* under an emulator on a busy machine */

static char **make_argv(char *const *args)
{
    static char *argv[64], runner[1024];
    int n = 0;
    const char *run = getenv("HOST_RUN");
    snprintf(runner, sizeof(runner), "%s", run ? run : "");
    for (char *save = NULL, *w = strtok_r(runner, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    argv[n++] = (char *)"./stitch86";
    while (*args)
        argv[n++] = *args++;
    argv[n] = NULL;
    return argv;
}

/* Start it on a new terminal. */
static void start(char *const *args)
{
    char **argv = make_argv(args);
    int slave;
    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
    tcgetattr(slave, &before);
    output[0] = '\0';
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(master);
        login_tty(slave);
        execvp(argv[0], argv);
        _exit(127);
    }
    /* The slave stays open here: its settings are looked at after the child has gone. */
    fcntl(slave, F_SETFD, FD_CLOEXEC);
    ck_assert(slave >= 0);
}

#define START(...) start((char *[]){ (char *)"-kernel", kernel, __VA_ARGS__ __VA_OPT__(,) NULL })

/* Read until `text` has appeared in the output. */
static void expect(const char *text)
{
    size_t n = strlen(output);
    time_t end = time(NULL) + SECONDS;
    while (!strstr(output, text)) {
        struct pollfd p = { .fd = master, .events = POLLIN };
        ck_assert_msg(time(NULL) < end, "\"%s\" did not appear in \"%s\"", text, output);
        if (poll(&p, 1, 1000) <= 0)
            continue;
        ssize_t got = read(master, output + n, sizeof(output) - 1 - n);
        ck_assert_msg(got > 0, "it ended after \"%s\" without \"%s\"", output, text);
        for (ssize_t i = 0; i < got; i++) {
            /* Control characters become visible. */
            if (output[n + (size_t)i] > 0 && output[n + (size_t)i] < 27 && !strchr("\r\n", output[n + (size_t)i]))
                output[n + (size_t)i] = '^';
        }
        n += (size_t)got;
        output[n] = '\0';
    }
    output[0] = '\0';
}

static void type(const char *text, size_t len)
{
    ck_assert_int_eq(write(master, text, len), (ssize_t)len);
}
#define TYPE(text) type(text, sizeof(text) - 1)

static int wait_end(void)
{
    int status = 0;
    time_t end = time(NULL) + SECONDS;
    for (;;) {
        /* What is not read would hold it up. */
        struct pollfd p = { .fd = master, .events = POLLIN };
        char drop[256];
        if (poll(&p, 1, 20) > 0 && read(master, drop, sizeof(drop)) < 0 && errno != EIO)
            break;
        if (waitpid(child, &status, WNOHANG) == child)
            break;
        if (time(NULL) >= end) {
            kill(child, SIGKILL);
            ck_abort_msg("it did not end");
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect_restored(void)
{
    struct termios after;
    ck_assert_int_eq(tcgetattr(master, &after), 0);
    ck_assert_uint_eq(after.c_lflag, before.c_lflag);
    ck_assert_uint_eq(after.c_iflag, before.c_iflag);
    ck_assert_uint_eq(after.c_oflag, before.c_oflag);
    ck_assert_uint_eq(after.c_cflag, before.c_cflag);
}

START_TEST(echoes_and_leaves)
{
    struct termios raw;
    START();
    expect("B");
    tcgetattr(master, &raw);
    ck_assert(!(raw.c_lflag & (ICANON | ECHO | ISIG)));
    TYPE("abc");
    expect("abc");
    TYPE("\x03\x1a");    /* Ctrl-C and Ctrl-Z are the guest's */
    expect("^^");
    TYPE("\x01\x01");
    expect("^");
    TYPE("\x01h");
    expect("Ctrl-A X");
    TYPE("z");
    expect("z");
    TYPE("\x01x");
    ck_assert_int_eq(wait_end(), 0);
    expect_restored();
}
END_TEST

START_TEST(leaves_a_dead_guest)
{
    START();
    expect("B");
    TYPE("s");
    usleep(200000);
    TYPE("\x01X");
    ck_assert_int_eq(wait_end(), 0);
    expect_restored();
    START();
    expect("B");
    TYPE("h");
    usleep(200000);
    TYPE("\x01X");
    ck_assert_int_eq(wait_end(), 0);
    expect_restored();
}
END_TEST

START_TEST(takes_much_input)
{
    char text[3001], *p = text;
    START();
    expect("B");
    for (int i = 0; i < 3000; i++)
        *p++ = (char)('A' + i % 26);
    *p = '\0';
    type(text, 3000);
    expect(text);
    TYPE("\x01x");
    ck_assert_int_eq(wait_end(), 0);
}
END_TEST

START_TEST(debug_exit)
{
    char path[80], spec[96];
    snprintf(path, sizeof(path), "%s/debugcon", dir);
    snprintf(spec, sizeof(spec), "file:%s", path);
    START((char *)"-debugcon", spec, (char *)"-device", (char *)"isa-debug-exit,iobase=0xf4,iosize=4");
    expect("B");
    TYPE("dd");
    expect("dd");
    /* Each byte is in the file at once. */
    FILE *f = fopen(path, "r");
    ck_assert(f != NULL);
    ck_assert_int_eq(fgetc(f), 'd');
    ck_assert_int_eq(fgetc(f), 'd');
    fclose(f);
    TYPE("q");
    ck_assert_int_eq(wait_end(), 7);
    expect_restored();
}
END_TEST

START_TEST(resets)
{
    START();
    expect("B");
    TYPE("r");
    expect("B"); /* booted again */
    TYPE("t");
    expect("B");
    TYPE("\x01x");
    ck_assert_int_eq(wait_end(), 0);
    START((char *)"-no-reboot");
    expect("B");
    TYPE("r");
    ck_assert_int_eq(wait_end(), 0);
    START((char *)"-no-reboot");
    expect("B");
    TYPE("t");
    ck_assert_int_eq(wait_end(), 0);
    expect_restored();
}
END_TEST

START_TEST(signals)
{
    static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV };
    START();
    expect("B");
    TYPE("s");
    kill(child, sigs[_i]);
    ck_assert_int_eq(wait_end(), 128 + sigs[_i]);
    expect_restored();
}
END_TEST

START_TEST(stops_and_continues)
{
    struct termios now;
    START();
    expect("B");
    kill(child, SIGTSTP);
    /* The session's only process group is orphaned, where SIGTSTP does not stop; stop it for real. */
    kill(child, SIGSTOP);
    int status;
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    kill(child, SIGCONT);
    for (int i = 0; i < 10 * SECONDS; i++) {
        tcgetattr(master, &now);
        if (!(now.c_lflag & ICANON))
            break;
        usleep(100000);
    }
    ck_assert(!(now.c_lflag & ICANON));
    TYPE("k");
    expect("k");
    TYPE("\x01x");
    ck_assert_int_eq(wait_end(), 0);
    expect_restored();
}
END_TEST

/* ---- without a terminal ---- */

/* Run it with standard input from a file; returns the status, output in `output`. */
static int run_plain(const char *input, char *const *args)
{
    char in[80], out[80];
    snprintf(in, sizeof(in), "%s/in", dir);
    snprintf(out, sizeof(out), "%s/out", dir);
    FILE *f = fopen(in, "w");
    fputs(input, f);
    fclose(f);
    char **argv = make_argv(args);
    child = fork();
    if (child == 0) {
        int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(open(in, O_RDONLY), 0);
        dup2(fd, 1);
        dup2(fd, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    int status;
    waitpid(child, &status, 0);
    f = fopen(out, "r");
    size_t n = fread(output, 1, sizeof(output) - 1, f);
    fclose(f);
    output[n] = '\0';
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define PLAIN(input, ...) run_plain(input, (char *[]){ __VA_ARGS__, NULL })

START_TEST(input_from_a_file)
{
    int status = PLAIN("once \x01x lion q", (char *)"-kernel", kernel, (char *)"-device",
                       (char *)"isa-debug-exit,iobase=0xf4,iosize=4");
    /* Ctrl-A is a byte like any other there. */
    ck_assert_msg(strcmp(output, "Bonce \x01x lion ") == 0, "%s", output);
    ck_assert_int_eq(status, 7);
}
END_TEST

START_TEST(mistakes)
{
    static const struct {
        const char *args[6];
        const char *says;
    } cases[] = {
        { { "-kernel", "/nonexistent" }, "kernel /nonexistent: No such file" },
        { { "-kernel", "/dev/null" }, "empty" },
        { { "-bogus" }, "unknown option" },
        { { "-kernel", kernel, "-m", "1X" }, "-m 1X" },
        { { "-kernel", kernel, "-cpu", "z80" }, "-cpu z80: unknown CPU model" },
        { { "-kernel", kernel, "-cpu", "qemu32,+foo" }, "-cpu foo: unknown CPU feature" },
        { { "-kernel", kernel, "-initrd", "/nonexistent" }, "No such file" },
        { { "-kernel", kernel, "-serial", "pipe" }, "unknown character device" },
        { { "-kernel", kernel, "-serial", "file:/nonexistent/x" }, "/nonexistent/x: No such file" },
        { { "-kernel", kernel, "-D", "/nonexistent/x" }, "/nonexistent/x: No such file" },
        { { "-kernel", kernel, "-m", "1" }, "1" },
        { { NULL }, "nothing to boot" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = run_plain("", (char *const *)cases[i].args);
        ck_assert_msg(status == 1, "case %zu: status %d, %s", i, status, output);
        ck_assert_msg(strncmp(output, "stitch86: ", 10) == 0, "case %zu: %s", i, output);
        ck_assert_msg(strstr(output, cases[i].says) != NULL, "case %zu: %s", i, output);
        ck_assert_msg(strchr(output, '\n') == output + strlen(output) - 1, "case %zu: %s", i, output);
    }
}
END_TEST

START_TEST(information)
{
    ck_assert_int_eq(PLAIN("", (char *)"--version"), 0);
    ck_assert(strncmp(output, "stitch86 ", 9) == 0);
    ck_assert_int_eq(PLAIN("", (char *)"--help"), 0);
    ck_assert(strstr(output, "-kernel FILE") != NULL);
    ck_assert_int_eq(PLAIN("", (char *)"-cpu", (char *)"help"), 0);
    ck_assert(strstr(output, "pentium2") != NULL && strstr(output, " sse2 ") != NULL);
    ck_assert_int_eq(PLAIN("", (char *)"-d", (char *)"help"), 0);
    ck_assert(strstr(output, "guest_errors") != NULL);
}
END_TEST

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(kernel, sizeof(kernel), "%s/guest", dir);
    FILE *f = fopen(kernel, "wb");
    fwrite(guest, 1, sizeof(guest), f);
    fclose(f);
    Suite *s = suite_create("console");
    TCase *t = tcase_create("console");
    suite_add_tcase(s, t);
    tcase_set_timeout(t, 4 * SECONDS);
    tcase_add_test(t, echoes_and_leaves);
    tcase_add_test(t, leaves_a_dead_guest);
    tcase_add_test(t, takes_much_input);
    tcase_add_test(t, debug_exit);
    tcase_add_test(t, resets);
    tcase_add_loop_test(t, signals, 0, SIGNALS);
    tcase_add_test(t, stops_and_continues);
    tcase_add_test(t, input_from_a_file);
    tcase_add_test(t, mistakes);
    tcase_add_test(t, information);
    int failed = suite_run(s);
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) != 0 || failed;
}
