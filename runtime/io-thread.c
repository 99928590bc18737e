#include "io-thread.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "chardev.h"
#include "clock.h"

static struct {
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t stop, resume;
    uv_poll_t timer, input;
    uv_timer_t file_retry;
    uv_signal_t signals[4];
    CPUX86State *env;
    struct chardev *stdio;
    bool has_timer, has_input, input_is_file, input_active, escape;
    void (*quit)(void *opaque, int sig);
    void *opaque;
} io;

static void kick(void)
{
    cpu_interrupt(io.env, CPU_INTERRUPT_TIMER);
}

static void on_timer(uv_poll_t *handle, int status, int events)
{
    (void)handle, (void)events;
    uint64_t count;
    if (status == 0 && read(clock_kick_fd(), &count, sizeof(count)) == sizeof(count))
        kick();
}

static void escape_help(void)
{
    static const char text[] = "\r\nCtrl-A X  leave stitch86\r\nCtrl-A H  this help\r\n"
                               "Ctrl-A Ctrl-A  send Ctrl-A\r\n";
    if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
        return;
}

/* Take QEMU's escape sequences out of the input; returns the number of bytes left. */
static unsigned filter_escapes(const uint8_t *in, unsigned len, uint8_t *out)
{
    unsigned n = 0;
    for (unsigned i = 0; i < len; i++) {
        uint8_t c = in[i];
        if (!io.escape) {
            if (c == 1)
                io.escape = true;
            else
                out[n++] = c;
            continue;
        }
        io.escape = false;
        if (c == 'x' || c == 'X')
            io.quit(io.opaque, 0);
        else if (c == 'h' || c == 'H' || c == '?')
            escape_help();
        else if (c == 1)
            out[n++] = c;
    }
    return n;
}

static void input_pause(void)
{
    if (io.input_is_file)
        uv_timer_stop(&io.file_retry);
    else
        uv_poll_stop(&io.input);
    io.input_active = false;
}

/* Read what there is room for; the guest decides how fast its serial port is emptied. */
static void read_input(void)
{
    uint8_t raw[512], bytes[512];
    unsigned room = chardev_input_room(io.stdio);
    if (!room) {
        input_pause();
        return;
    }
    ssize_t n = read(STDIN_FILENO, raw, room < sizeof(raw) ? room : sizeof(raw));
    if (n <= 0) {
        if (n == 0)
            input_pause();
        return;
    }
    unsigned len = isatty(STDIN_FILENO) ? filter_escapes(raw, (unsigned)n, bytes) : (unsigned)n;
    chardev_input(io.stdio, len == (unsigned)n && !isatty(STDIN_FILENO) ? raw : bytes, len);
    if (len)
        kick();
}

static void on_input(uv_poll_t *handle, int status, int events)
{
    (void)handle, (void)events;
    if (status < 0)
        input_pause();
    else
        read_input();
}

static void on_file_input(uv_timer_t *handle)
{
    (void)handle;
    read_input();
}

static void input_start(void)
{
    if (!io.has_input || io.input_active)
        return;
    io.input_active = true;
    if (io.input_is_file)
        uv_timer_start(&io.file_retry, on_file_input, 0, 1);
    else
        uv_poll_start(&io.input, UV_READABLE, on_input);
}

static void on_resume(uv_async_t *handle)
{
    (void)handle;
    input_start();
}

static void drained(void *opaque)
{
    (void)opaque;
    uv_async_send(&io.resume);
}

static void on_signal(uv_signal_t *handle, int sig)
{
    (void)handle;
    io.quit(io.opaque, sig);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void on_stop(uv_async_t *handle)
{
    (void)handle;
    uv_walk(&io.loop, close_handle, NULL);
}

static void io_main(void *arg)
{
    (void)arg;
    uv_run(&io.loop, UV_RUN_DEFAULT);
}

bool io_thread_start(CPUX86State *env, void (*quit)(void *opaque, int sig), void *opaque)
{
    static const int sigs[4] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    memset(&io, 0, sizeof(io));
    io.env = env;
    io.quit = quit;
    io.opaque = opaque;
    io.stdio = chardev_stdio();
    signal(SIGPIPE, SIG_IGN);
    if (uv_loop_init(&io.loop) != 0)
        return false;
    uv_async_init(&io.loop, &io.stop, on_stop);
    uv_async_init(&io.loop, &io.resume, on_resume);
    for (int i = 0; i < 4; i++) {
        struct sigaction old;
        uv_signal_init(&io.loop, &io.signals[i]);
        /* nohup, and shells without job control, have some ignored: leave it so. */
        if (sigaction(sigs[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            uv_signal_start(&io.signals[i], on_signal, sigs[i]);
    }
    if (clock_kick_fd() >= 0 && uv_poll_init(&io.loop, &io.timer, clock_kick_fd()) == 0) {
        io.has_timer = true;
        uv_poll_start(&io.timer, UV_READABLE, on_timer);
    }
    if (io.stdio) {
        chardev_set_drained(drained, NULL);
        io.has_input = true;
        uv_timer_init(&io.loop, &io.file_retry);
        /* epoll does not take regular files: those are read from a timer. */
        io.input_is_file = uv_guess_handle(STDIN_FILENO) == UV_FILE
            || uv_poll_init(&io.loop, &io.input, STDIN_FILENO) != 0;
        input_start();
    }
    return uv_thread_create(&io.thread, io_main, NULL) == 0;
}

void io_thread_stop(void)
{
    uv_async_send(&io.stop);
    uv_thread_join(&io.thread);
    uv_loop_close(&io.loop);
}
