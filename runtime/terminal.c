#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved, raw;
static volatile sig_atomic_t is_raw, want_raw;

void terminal_restore(void)
{
    if (is_raw) {
        is_raw = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    }
}

static void enter_raw(void)
{
    /* A background process that changes the terminal is stopped by SIGTTOU: that is right, too. */
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0)
        is_raw = 1;
}

/* Fatal signals: give the terminal back, then die of the same signal. */
static void on_fatal(int sig)
{
    terminal_restore();
    signal(sig, SIG_DFL);
    raise(sig);
}

static void on_stop(int sig)
{
    int saved_errno = errno;
    sigset_t set, old;
    terminal_restore();
    signal(sig, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, sig);
    raise(sig);
    /* It is blocked inside its own handler: let it stop us here. */
    sigprocmask(SIG_UNBLOCK, &set, &old);
    sigprocmask(SIG_SETMASK, &old, NULL);
    errno = saved_errno;
}

static void on_continue(int sig)
{
    (void)sig;
    int saved_errno = errno;
    struct sigaction sa = { .sa_handler = on_stop, .sa_flags = SA_RESTART };
    sigemptyset(&sa.sa_mask);
    sigaction(SIGTSTP, &sa, NULL);
    if (want_raw && tcgetpgrp(STDIN_FILENO) == getpgrp())
        enter_raw();
    errno = saved_errno;
}

static void set_handler(int sig, void (*fn)(int))
{
    struct sigaction old, sa = { .sa_handler = fn, .sa_flags = SA_RESTART };
    sigemptyset(&sa.sa_mask);
    /* A handler that is there already (a sanitizer's, the translator's) has its reasons. */
    if (sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        sigaction(sig, &sa, NULL);
}

void terminal_raw(void)
{
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved) < 0)
        return;
    raw = saved;
    raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_oflag |= OPOST;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
    raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    raw.c_cflag |= CS8;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    want_raw = 1;
    atexit(terminal_restore);
    static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGXCPU, SIGXFSZ };
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
        set_handler(fatal[i], on_fatal);
    set_handler(SIGTSTP, on_stop);
    set_handler(SIGCONT, on_continue);
    enter_raw();
}
