#include "chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error-text.h"
#include "machine.h"

/* Input goes through a ring with one writer, the I/O thread, and one reader, the vCPU thread. */
#define RING_SIZE 4096u

struct chardev {
    struct chardev *next;
    int fd; /* -1: output is dropped */
    bool is_stdio;
    chardev_can_receive *can_receive;
    chardev_receive *receive;
    void *opaque;
    _Atomic uint32_t head, tail; /* free-running: written, read */
    uint8_t ring[RING_SIZE];
};

static struct chardev *all;
static atomic_bool input_waits;
static void (*drained_fn)(void *opaque);
static void *drained_opaque;

struct chardev *chardev_new(const char *spec, char **error)
{
    bool is_stdio = strcmp(spec, "stdio") == 0 || strcmp(spec, "mon:stdio") == 0;
    int fd = -1;
    *error = NULL;
    if (strcmp(spec, "none") == 0)
        return NULL;
    if (is_stdio) {
        if (chardev_stdio()) {
            error_set(error, "%s: standard input and output are in use already", spec);
            return NULL;
        }
        fd = STDOUT_FILENO;
    } else if (strncmp(spec, "file:", 5) == 0) {
        fd = open(spec + 5, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd < 0) {
            error_set(error, "%s: %s", spec + 5, strerror(errno));
            return NULL;
        }
    } else if (strcmp(spec, "null") != 0) {
        error_set(error, "%s: unknown character device; use stdio, mon:stdio, null, file:PATH or none", spec);
        return NULL;
    }
    struct chardev *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->fd = fd;
    c->is_stdio = is_stdio;
    c->next = all;
    all = c;
    return c;
}

void chardev_free(struct chardev *c)
{
    if (!c)
        return;
    for (struct chardev **p = &all; *p; p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            break;
        }
    }
    if (c->fd >= 0 && !c->is_stdio)
        close(c->fd);
    free(c);
}

void chardev_set_frontend(struct chardev *c, chardev_can_receive *can, chardev_receive *receive, void *opaque)
{
    if (!c)
        return;
    c->can_receive = can;
    c->receive = receive;
    c->opaque = opaque;
}

void chardev_write(struct chardev *c, const uint8_t *buf, unsigned len)
{
    if (!c)
        return;
    while (len && c->fd >= 0) {
        ssize_t n = write(c->fd, buf, len);
        if (n >= 0) {
            buf += n;
            len -= (unsigned)n;
        } else if (errno == EAGAIN) {
            /* Somebody else made the descriptor non-blocking. */
            struct pollfd p = { .fd = c->fd, .events = POLLOUT };
            poll(&p, 1, 1000);
        } else if (errno != EINTR) {
            return; /* closed pipe, full disk: the guest must not notice */
        }
    }
}

struct chardev *chardev_stdio(void)
{
    struct chardev *c = all;
    while (c && !c->is_stdio)
        c = c->next;
    return c;
}

unsigned chardev_input_room(struct chardev *c)
{
    return RING_SIZE - (atomic_load(&c->head) - atomic_load(&c->tail));
}

void chardev_input(struct chardev *c, const uint8_t *buf, unsigned len)
{
    unsigned room = chardev_input_room(c);
    uint32_t head = atomic_load(&c->head);
    if (len > room)
        len = room;
    for (unsigned i = 0; i < len; i++)
        c->ring[(head + i) % RING_SIZE] = buf[i];
    atomic_store(&c->head, head + len);
    atomic_store(&input_waits, true);
}

void chardev_set_drained(void (*fn)(void *opaque), void *opaque)
{
    drained_fn = fn;
    drained_opaque = opaque;
}

/* Hand what is queued to the front end; true if something is left. */
static bool poll_one(struct chardev *c)
{
    bool was_full = chardev_input_room(c) == 0;
    bool moved = false, left = false;
    for (;;) {
        uint32_t tail = atomic_load(&c->tail);
        unsigned n = atomic_load(&c->head) - tail;
        if (!n)
            break;
        unsigned can = c->receive ? (c->can_receive ? c->can_receive(c->opaque) : n) : n;
        if (!can) {
            left = true;
            break;
        }
        if (n > can)
            n = can;
        if (n > RING_SIZE - tail % RING_SIZE)
            n = RING_SIZE - tail % RING_SIZE;
        if (c->receive)
            c->receive(c->opaque, c->ring + tail % RING_SIZE, n);
        atomic_store(&c->tail, tail + n);
        moved = true;
    }
    if (was_full && moved && drained_fn)
        drained_fn(drained_opaque);
    return left;
}

void chardev_poll_all(void)
{
    if (!atomic_load_explicit(&input_waits, memory_order_relaxed))
        return;
    atomic_store(&input_waits, false);
    bool left = false;
    for (struct chardev *c = all; c; c = c->next)
        left |= poll_one(c);
    /* The front end is full: it takes more after the guest has read, which ends a slice, and the
     * main loop comes here again. */
    if (left)
        atomic_store(&input_waits, true);
}
