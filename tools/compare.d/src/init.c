/* The first process of the comparison's guest: runs the workloads of /list, or those that the kernel's
 * command line names (workloads=NAME,NAME), each twice, and powers off.
 *
 * The second run is measured: what counts host instructions is told of its start and end, and gets its
 * output, through QEMU's debug console, a port that takes bytes at once, without a driver or an interrupt;
 * stitch86's -profile through the port after it. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEBUG_PORT 0xe9
#define PROFILE_PORT 0xea

#define SCRATCH "/tmp/work"
#define OUTPUT "/tmp/out"

/* Longer output than this is told by its size and CRC. */
#define MAX_TEXT 1000

static void tell(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (const char *p = text; *p; p++)
        outb((unsigned char)*p, DEBUG_PORT);
}

static void finish(void)
{
    tell("@@end\n");
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}

static void need(int ok, const char *what)
{
    if (!ok) {
        tell("@@failed %s: %s\n", what, strerror(errno));
        perror(what);
        finish();
    }
}

/* NAME is of the measured run, else null.  Returns the status as a shell has it. */
static int run(const char *command, const char *name)
{
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        int in = open("/dev/null", O_RDONLY), out = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
            _exit(126);
        close(in);
        close(out);
        setsid();
        personality(ADDR_NO_RANDOMIZE);
        if (name) {
            tell("@@start %s\n", name);
            outb(1, PROFILE_PORT);
        }
        execl("/bin/dash", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status;
    need(waitpid(child, &status, 0) == child, "waitpid");
    if (name)
        outb(0, PROFILE_PORT);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void fresh_scratch(void)
{
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        execl("/bin/busybox", "rm", "-rf", SCRATCH, (char *)NULL);
        _exit(127);
    }
    need(waitpid(child, NULL, 0) == child, "rm");
    need(mkdir(SCRATCH, 0700) == 0 && chdir(SCRATCH) == 0, SCRATCH);
}

static uint32_t crc32(const unsigned char *p, size_t size)
{
    uint32_t crc = ~0u;
    while (size--) {
        crc ^= *p++;
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void tell_output(const char *name)
{
    struct stat st;
    int fd = open(OUTPUT, O_RDONLY);
    need(fd >= 0 && fstat(fd, &st) == 0, OUTPUT);
    size_t size = (size_t)st.st_size, got = 0;
    char *text = malloc(size + 1);
    need(text != NULL, "malloc");
    for (ssize_t n; got < size && (n = read(fd, text + got, size - got)) > 0;)
        got += (size_t)n;
    close(fd);
    if (got > MAX_TEXT) {
        tell("@@out %s %zu bytes, crc32 %08x\n", name, got, (unsigned)crc32((unsigned char *)text, got));
    } else {
        text[got] = 0;
        char *save = NULL;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
            tell("@@out %s %s\n", name, line);
    }
    free(text);
}

static void workload(const char *name, const char *command)
{
    for (int marked = 0; marked <= 1; marked++) {
        fresh_scratch();
        sync();
        int status = run(command, marked ? name : NULL);
        if (marked) {
            tell("@@stop %s %d\n", name, status);
            tell_output(name);
        }
    }
    need(chdir("/") == 0, "/");
}

static char *trim(char *s)
{
    s += strspn(s, " ");
    for (size_t n = strlen(s); n > 0 && strchr(" \n", s[n - 1]); n--)
        s[n - 1] = 0;
    return s;
}

/* NAME among NAMES, which commas separate. */
static int among(const char *name, const char *names)
{
    size_t n = strlen(name);
    for (const char *p = names; (p = strstr(p, name)) != NULL; p += n)
        if ((p == names || p[-1] == ',') && (p[n] == ',' || p[n] == 0))
            return 1;
    return 0;
}

int main(void)
{
    static char line[4096];
    need(ioperm(DEBUG_PORT, 2, 1) == 0, "ioperm");
    tell("@@ready\n");
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    need(mount("tmpfs", "/tmp", "tmpfs", 0, NULL) == 0, "/tmp");
    setenv("PATH", "/workloads:/usr/bin:/bin", 1);
    setenv("HOME", "/", 1);
    setenv("LC_ALL", "C", 1);
    setenv("WORK", SCRATCH, 1);
    setenv("DATA", "/data", 1);
    /* Hashes that are the same in each run. */
    setenv("PYTHONHASHSEED", "0", 1);
    setenv("PERL_HASH_SEED", "0", 1);
    const char *names = getenv("workloads");
    FILE *list = fopen("/list", "r");
    need(list != NULL, "/list");
    while (fgets(line, sizeof line, list)) {
        char *field[4], *p = line;
        int n = 0;
        if (*trim(line) == '#' || !*trim(line))
            continue;
        while (n < 3 && (field[n] = strsep(&p, "|")) && p)
            n++;
        need(n == 3, line);
        field[3] = p;
        if (!names || among(trim(field[0]), names))
            workload(trim(field[0]), trim(field[3]));
    }
    finish();
}
