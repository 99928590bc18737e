#include "fake-host.h"

#include <string.h>

#include "clock.h"
#include "log.h"
#include "machine.h"

/* ---- clock ---- */

int64_t fake_rtc_seconds;
unsigned fake_timer_runs;
static int64_t now;
static struct vtimer *timers;

int64_t clock_now(void)
{
    return now;
}

int64_t clock_rtc_seconds(void)
{
    return fake_rtc_seconds + now / 1000000000;
}

void timer_init(struct vtimer *t, timer_cb *cb, void *opaque)
{
    *t = (struct vtimer){ -1, cb, opaque, NULL };
}

void timer_del(struct vtimer *t)
{
    for (struct vtimer **p = &timers; *p; p = &(*p)->next) {
        if (*p == t) {
            *p = t->next;
            break;
        }
    }
    t->deadline = -1;
}

void timer_mod(struct vtimer *t, int64_t deadline_ns)
{
    timer_del(t);
    t->deadline = deadline_ns;
    t->next = timers;
    timers = t;
}

static struct vtimer *first_due(int64_t limit)
{
    struct vtimer *best = NULL;
    for (struct vtimer *t = timers; t; t = t->next) {
        if (t->deadline <= limit && (!best || t->deadline < best->deadline))
            best = t;
    }
    return best;
}

void fake_advance_to(int64_t ns)
{
    struct vtimer *t;
    while ((t = first_due(ns))) {
        if (t->deadline > now)
            now = t->deadline;
        timer_del(t);
        fake_timer_runs++;
        t->cb(t->opaque);
    }
    now = ns;
}

void fake_advance(int64_t ns)
{
    fake_advance_to(now + ns);
}

/* ---- character devices ---- */

#define FRONTENDS 4

static struct {
    struct chardev *c;
    chardev_can_receive *can;
    chardev_receive *receive;
    void *opaque;
} frontends[FRONTENDS];

void chardev_set_frontend(struct chardev *c, chardev_can_receive *can, chardev_receive *receive, void *opaque)
{
    for (unsigned i = 0; i < FRONTENDS; i++) {
        if (!frontends[i].c || frontends[i].c == c) {
            frontends[i].c = c;
            frontends[i].can = can;
            frontends[i].receive = receive;
            frontends[i].opaque = opaque;
            return;
        }
    }
}

void chardev_write(struct chardev *c, const uint8_t *buf, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        c->sent[c->sent_count++ % sizeof(c->sent)] = buf[i];
}

void chardev_poll_all(void)
{
    for (unsigned i = 0; i < FRONTENDS; i++) {
        struct chardev *c = frontends[i].c;
        while (c && frontends[i].receive && c->input_count) {
            unsigned n = frontends[i].can(frontends[i].opaque);
            if (!n)
                break;
            if (n > c->input_count)
                n = c->input_count;
            if (n > sizeof(c->input) - c->input_head)
                n = (unsigned)sizeof(c->input) - c->input_head;
            frontends[i].receive(frontends[i].opaque, c->input + c->input_head, n);
            c->input_head = (c->input_head + n) % sizeof(c->input);
            c->input_count -= n;
        }
    }
}

void fake_input(struct chardev *c, const void *buf, unsigned len)
{
    const uint8_t *in = buf;
    for (unsigned i = 0; i < len && c->input_count < sizeof(c->input); i++)
        c->input[(c->input_head + c->input_count++) % sizeof(c->input)] = in[i];
    chardev_poll_all();
}

void fake_host_reset(void)
{
    now = 0;
    timers = NULL;
    fake_rtc_seconds = 0;
    fake_timer_runs = 0;
    memset(frontends, 0, sizeof(frontends));
}

/* ---- log ---- */

uint32_t log_mask;
FILE *log_file;

void log_printf(const char *fmt, ...)
{
    (void)fmt;
}
