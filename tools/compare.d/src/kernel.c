/* Workloads that are the guest kernel's: system calls, processes, memory, signals, files. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

static void check(int wrong, const char *what)
{
    if (wrong) {
        perror(what);
        exit(1);
    }
}

static pid_t start_process(void)
{
    fflush(stdout);
    pid_t pid = fork();
    check(pid < 0, "fork");
    return pid;
}

static int end_of(pid_t pid)
{
    int status;
    check(waitpid(pid, &status, 0) != pid, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void run_getppid(unsigned n)
{
    long parent = getppid(), same = 0;
    for (unsigned i = 0; i < n; i++)
        same += syscall(SYS_getppid) == parent;
    printf("getppid %ld\n", same);
}

/* One byte to and fro between two processes. */
static void run_pipe(unsigned n)
{
    int to[2], fro[2];
    unsigned char c = 0;
    check(pipe(to) != 0 || pipe(fro) != 0, "pipe");
    pid_t pid = start_process();
    if (pid == 0) {
        close(to[1]);
        while (read(to[0], &c, 1) == 1) {
            c++;
            check(write(fro[1], &c, 1) != 1, "write");
        }
        _exit(0);
    }
    for (unsigned i = 0; i < n; i++) {
        check(write(to[1], &c, 1) != 1, "write");
        check(read(fro[0], &c, 1) != 1, "read");
    }
    close(to[1]);
    printf("pipe %u %d\n", c, end_of(pid));
}

static void run_yield(unsigned n)
{
    pid_t pid = start_process();
    for (unsigned i = 0; i < n; i++)
        sched_yield();
    if (pid == 0)
        _exit(7);
    printf("yield %d\n", end_of(pid));
}

static void run_fork(unsigned n)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++) {
        pid_t pid = start_process();
        if (pid == 0)
            _exit((int)(i & 63));
        sum += (unsigned)end_of(pid);
    }
    printf("fork %u\n", sum);
}

static void run_exec(unsigned n)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++) {
        pid_t pid = start_process();
        if (pid == 0) {
            execl("/proc/self/exe", "kernel", "exit", "3", (char *)NULL);
            _exit(127);
        }
        sum += (unsigned)end_of(pid);
    }
    printf("exec %u\n", sum);
}

static void run_exit(unsigned status)
{
    _exit((int)status);
}

static void run_mmap(unsigned n)
{
    enum { SIZE = 16 * 4096 };
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++) {
        char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(p == MAP_FAILED, "mmap");
        for (unsigned k = 0; k < SIZE; k += 4096) {
            p[k] = (char)(i + k / 4096);
            sum += (unsigned char)p[k];
        }
        check(munmap(p, SIZE) != 0, "munmap");
    }
    printf("mmap %u\n", sum);
}

/* Pages of a file, in the page cache, that are mapped when they are touched: read, then copied on writing. */
static void run_pagefault(unsigned n)
{
    enum { SIZE = 64 * 4096 };
    char name[] = "pagefault-XXXXXX";
    int fd = mkstemp(name);
    check(fd < 0 || unlink(name) != 0 || ftruncate(fd, SIZE) != 0, name);
    for (unsigned k = 0; k < SIZE; k += 4096) {
        unsigned char value = (unsigned char)(k / 4096);
        check(pwrite(fd, &value, 1, (off_t)k) != 1, "pwrite");
    }
    volatile unsigned char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    check(p == MAP_FAILED, "mmap");
    check(madvise((void *)p, SIZE, MADV_RANDOM) != 0, "madvise");
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < SIZE; k += 4096)
            sum += p[k];
        for (unsigned k = 0; k < SIZE; k += 4 * 4096)
            p[k]++;
        check(madvise((void *)p, SIZE, MADV_DONTNEED) != 0, "madvise");
    }
    printf("pagefault %u\n", sum);
}

static void run_files(unsigned n)
{
    char name[32], text[64] = "some text for a small file";
    unsigned sum = 0;
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof name, "file-%u", i % 50);
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        check(fd < 0 || write(fd, text, sizeof text) != sizeof text, name);
        check(lseek(fd, 0, SEEK_SET) != 0, "lseek");
        sum += (unsigned)read(fd, text, sizeof text);
        check(close(fd) != 0 || unlink(name) != 0, name);
    }
    printf("files %u\n", sum);
}

static volatile sig_atomic_t caught;

static void catch_signal(int number)
{
    caught += number == SIGUSR1;
}

static void run_signal(unsigned n)
{
    struct sigaction action = {.sa_handler = catch_signal};
    check(sigaction(SIGUSR1, &action, NULL) != 0, "sigaction");
    pid_t self = getpid();
    for (unsigned i = 0; i < n; i++)
        check(kill(self, SIGUSR1) != 0, "kill");
    printf("signal %d\n", (int)caught);
}

static void run_stat(unsigned n)
{
    struct stat st;
    unsigned sum = 0;
    check(mkdir("stat.d", 0700) != 0, "stat.d");
    check(mkdir("stat.d/inner", 0700) != 0, "inner");
    for (unsigned i = 0; i < n; i++) {
        sum += stat("stat.d/inner", &st) == 0 && S_ISDIR(st.st_mode);
        sum += stat("stat.d/../stat.d/none", &st) != 0;
    }
    check(rmdir("stat.d/inner") != 0 || rmdir("stat.d") != 0, "rmdir");
    printf("stat %u\n", sum);
}

int main(int argc, char **argv)
{
    static const struct workload list[] = {
        {"getppid", run_getppid}, {"pipe", run_pipe}, {"yield", run_yield}, {"fork", run_fork},
        {"exec", run_exec}, {"exit", run_exit}, {"mmap", run_mmap}, {"pagefault", run_pagefault},
        {"files", run_files}, {"signal", run_signal}, {"stat", run_stat}, {0},
    };
    return workload_main(argc, argv, list);
}
