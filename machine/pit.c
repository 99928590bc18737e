/* 8254 programmable interval timer (Intel data sheet 231244) and port 61.
 *
 * Nothing counts while nobody looks: a counter is the tick at which its counting element was
 * loaded and the number it was loaded with; count and OUT are functions of the time.  One
 * tick is one period of the 1.193182 MHz CLK. */
#include <stdlib.h>

#include "clock.h"
#include "pc.h"

#define PIT_HZ 1193182ll
#define NS_PER_S 1000000000ll
#define REFRESH_TICKS 18

enum { RW_LATCH, RW_LSB, RW_MSB, RW_WORD };

struct counter {
    uint8_t control;     /* RW, mode and BCD bits as written */
    uint8_t mode;        /* 0-5 */
    bool bcd;
    uint8_t rw;
    bool gate;
    bool write_msb_next, read_msb_next;
    uint8_t write_lsb;

    uint32_t cr;         /* count register, 1-65536 */
    bool cr_valid;       /* a count was written since the control word */
    bool loaded;         /* the counting element was loaded since the control word */
    uint32_t n;          /* what it was loaded with */
    int64_t start;       /* tick at which it held n */
    bool running;
    int64_t held;        /* ticks counted since start, while not running */
    uint16_t stale;      /* count and OUT until the next CLK loads the counting element */
    bool stale_out;
    bool reload_pending; /* modes 2 and 3: cr goes in at tick reload_at */
    int64_t reload_at, reload_start;

    bool status_latched;
    uint8_t status;
    uint8_t latched;     /* bytes of the latched count still to be read: bit 0 LSB, bit 1 MSB */
    uint16_t latch;
};

struct pit {
    struct machine *machine;
    struct counter counter[3];
    struct irq_line irq;
    struct vtimer timer;
    uint8_t port61;
};

static int64_t tick_of(int64_t ns)
{
    return ns / NS_PER_S * PIT_HZ + ns % NS_PER_S * PIT_HZ / NS_PER_S;
}

/* The first nanosecond of a tick. */
static int64_t ns_of(int64_t tick)
{
    return tick / PIT_HZ * NS_PER_S + (tick % PIT_HZ * NS_PER_S + PIT_HZ - 1) / PIT_HZ;
}

static int64_t now_tick(void)
{
    return tick_of(clock_now());
}

/* ---- the state at a tick ---- */

static int64_t elapsed(const struct counter *c, int64_t now)
{
    return c->running ? now - c->start : c->held;
}

/* Bring a pending count in, whose time has come. */
static void settle(struct counter *c, int64_t now)
{
    if (c->reload_pending && c->running && now >= c->reload_at) {
        c->n = c->cr;
        c->start = c->reload_start;
        c->reload_pending = false;
    }
}

static int64_t high_half(uint32_t n)
{
    return ((int64_t)n + 1) / 2;
}

/* Contents of the counting element, binary. */
static uint32_t count_at(const struct counter *c, int64_t now)
{
    int64_t e = elapsed(c, now), n = c->n;
    if (!c->loaded || e < 0)
        return c->stale;
    if (c->mode == 2)
        return (uint32_t)(n - e % n);
    if (c->mode == 3) {
        int64_t k = e % n, high = high_half(c->n);
        if (k >= high)
            k -= high;
        return (uint32_t)((n & ~1ll) - 2 * k);
    }
    int64_t modulus = c->bcd ? 10000 : 65536;
    int64_t v = (n - e) % modulus;
    return (uint32_t)(v < 0 ? v + modulus : v);
}

static bool out_at(const struct counter *c, int64_t now)
{
    int64_t e = elapsed(c, now), n = c->n;
    if (!c->loaded || e < 0)
        return c->stale_out;
    switch (c->mode) {
    case 0:
        return e >= n && !c->write_msb_next;
    case 1:
        return e >= n;
    case 2:
        return !c->gate || e % n != n - 1;
    case 3:
        return !c->gate || e % n < high_half(c->n);
    default:
        return e != n;
    }
}

static bool null_count(const struct counter *c, int64_t now)
{
    if (!c->cr_valid || !c->loaded || c->reload_pending)
        return true;
    return c->running && now < c->start;
}

static uint16_t shown(const struct counter *c, uint32_t v)
{
    if (!c->bcd)
        return (uint16_t)v;
    return (uint16_t)(v / 1000 % 10 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10);
}

/* ---- IRQ 0 ---- */

/* Tick of the next rising edge of OUT after `now`, or -1. */
static int64_t next_rise(const struct counter *c, int64_t now)
{
    if (!c->loaded || !c->running)
        return -1;
    int64_t e = now - c->start, n = c->n, rise;
    switch (c->mode) {
    case 0:
        rise = c->write_msb_next ? -1 : c->start + n;
        break;
    case 1:
        rise = c->start + n;
        break;
    case 2: case 3:
        rise = c->start + (e < 0 ? n : (e / n + 1) * n);
        /* With a count waiting, look again when it goes in. */
        if (c->reload_pending && c->reload_at < rise && c->reload_at > now)
            return c->reload_at;
        break;
    default:
        rise = c->start + n + 1;
        break;
    }
    return rise > now ? rise : -1;
}

static void arm(struct pit *p, int64_t now)
{
    struct counter *c = &p->counter[0];
    int64_t rise = next_rise(c, now);
    if (rise < 0)
        timer_del(&p->timer);
    else
        timer_mod(&p->timer, ns_of(rise));
}

/* The line follows OUT, except that the low parts of modes 2 to 5 are taken as lasting no time, just before
 * the rising edge that the 8259 looks for. */
static void update_irq(struct pit *p, int64_t now)
{
    struct counter *c = &p->counter[0];
    irq_set(&p->irq, c->mode == 0 || c->mode == 1 ? out_at(c, now) : 1);
    arm(p, now);
}

static void pit_timer(void *opaque)
{
    struct pit *p = opaque;
    struct counter *c = &p->counter[0];
    int64_t now = now_tick();
    bool switching = c->reload_pending;
    settle(c, now);
    switching = switching && !c->reload_pending && c->mode == 3 && !out_at(c, now);
    if (!switching) {
        irq_set(&p->irq, 0);
        irq_set(&p->irq, 1);
    }
    arm(p, now);
}

/* ---- programming ---- */

/* The next CLK loads the count. */
static void load(struct counter *c, int64_t now)
{
    c->stale = (uint16_t)count_at(c, now);
    c->stale_out = c->mode == 2 || c->mode == 3 || (c->mode != 0 && out_at(c, now));
    c->n = c->cr;
    c->start = now + 1;
    c->loaded = true;
    c->reload_pending = false;
    c->held = 0;
}

static void write_control(struct counter *c, uint8_t v, int64_t now)
{
    settle(c, now);
    c->stale = (uint16_t)count_at(c, now);
    c->control = v & 0x3f;
    c->rw = v >> 4 & 3;
    c->mode = v >> 1 & 7;
    if (c->mode > 5)
        c->mode -= 4; /* modes 2 and 3 have a don't-care bit */
    c->bcd = v & 1;
    c->stale_out = c->mode != 0;
    c->cr_valid = c->loaded = c->running = c->reload_pending = false;
    c->held = 0;
    c->write_msb_next = c->read_msb_next = false;
    c->latched = 0;
    c->status_latched = false;
}

/* A whole count was written. */
static void count_written(struct counter *c, uint16_t v, int64_t now)
{
    uint32_t n = v;
    if (c->bcd) {
        n = (uint32_t)(v >> 12) * 1000 + (v >> 8 & 15u) * 100 + (v >> 4 & 15u) * 10 + (v & 15u);
        /* Digits above 9 are not defined; keep the count in the counter's range. */
        n = n % 10000 ? n % 10000 : 10000;
    } else if (!n) {
        n = 65536;
    }
    settle(c, now);
    c->cr = n;
    c->cr_valid = true;
    switch (c->mode) {
    case 0: case 4:
        load(c, now);
        c->running = c->gate;
        break;
    case 1: case 5:
        break; /* waits for the trigger */
    default:
        if (!c->loaded || !c->running) {
            load(c, now);
            c->running = c->gate;
            break;
        }
        /* The period (mode 3: the half) that runs now ends as it began. */
        int64_t e = now + 1 - c->start, old = c->n, cycle = e < 0 ? 0 : e / old * old, high = high_half(c->n);
        c->reload_pending = true;
        if (c->mode == 3 && e - cycle <= high) {
            c->reload_at = c->start + cycle + high;
            c->reload_start = c->reload_at - high_half(n);
        } else {
            c->reload_at = c->reload_start = c->start + cycle + old;
        }
        break;
    }
}

static void write_count(struct counter *c, uint8_t v, int64_t now)
{
    switch (c->rw) {
    case RW_LSB:
        count_written(c, v, now);
        break;
    case RW_MSB:
        count_written(c, (uint16_t)(v << 8), now);
        break;
    case RW_WORD:
        if (!c->write_msb_next) {
            c->write_lsb = v;
            c->write_msb_next = true;
            if (c->mode == 0 && c->running) { /* the first byte stops it */
                c->held = elapsed(c, now);
                c->running = false;
            }
        } else {
            c->write_msb_next = false;
            count_written(c, (uint16_t)(v << 8 | c->write_lsb), now);
        }
        break;
    default: /* no control word yet */
        break;
    }
}

/* A count on its way in is loaded even while the gate is low. */
static void stop_counting(struct counter *c, int64_t now)
{
    int64_t e = elapsed(c, now);
    c->held = e < 0 ? 0 : e;
    c->running = false;
}

static void set_gate(struct counter *c, bool gate, int64_t now)
{
    if (c->gate == gate)
        return;
    settle(c, now);
    c->gate = gate;
    switch (c->mode) {
    case 1: case 5:
        if (gate && c->cr_valid) {
            load(c, now);
            c->running = true;
        }
        break;
    case 2: case 3:
        if (!gate) {
            stop_counting(c, now);
        } else if (c->cr_valid) {
            load(c, now);
            c->running = true;
        }
        break;
    default:
        if (!gate) {
            stop_counting(c, now);
        } else if (c->loaded && !c->write_msb_next) {
            c->start = now - c->held;
            c->running = true;
        }
        break;
    }
}

static void latch_count(struct counter *c, int64_t now)
{
    if (c->latched)
        return;
    settle(c, now);
    c->latch = shown(c, count_at(c, now));
    c->latched = c->rw == RW_LSB ? 1 : c->rw == RW_MSB ? 2 : 3;
}

static void latch_status(struct counter *c, int64_t now)
{
    if (c->status_latched)
        return;
    settle(c, now);
    c->status = (uint8_t)((out_at(c, now) ? 0x80 : 0) | (null_count(c, now) ? 0x40 : 0) | c->control);
    c->status_latched = true;
}

static void pit_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct pit *p = opaque;
    uint8_t v = (uint8_t)value;
    unsigned select = port & 3;
    int64_t now = now_tick();
    (void)size;
    if (select < 3) {
        write_count(&p->counter[select], v, now);
    } else if (v >> 6 == 3) { /* read-back */
        for (unsigned i = 0; i < 3; i++) {
            if (!(v & 2u << i))
                continue;
            if (!(v & 0x20))
                latch_count(&p->counter[i], now);
            if (!(v & 0x10))
                latch_status(&p->counter[i], now);
        }
        return;
    } else if ((v & 0x30) == 0) {
        latch_count(&p->counter[v >> 6], now);
        return;
    } else {
        select = v >> 6;
        write_control(&p->counter[select], v, now);
    }
    if (select == 0)
        update_irq(p, now);
}

static uint32_t pit_read(void *opaque, uint16_t port, unsigned size)
{
    struct pit *p = opaque;
    unsigned select = port & 3;
    (void)size;
    if (select == 3)
        return 0xff; /* the control word can't be read */
    struct counter *c = &p->counter[select];
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    uint16_t v = c->latch;
    bool msb;
    if (c->latched) {
        msb = !(c->latched & 1);
        c->latched &= msb ? (uint8_t)~2 : (uint8_t)~1;
    } else {
        int64_t now = now_tick();
        settle(c, now);
        v = shown(c, count_at(c, now));
        msb = c->rw == RW_MSB || (c->rw == RW_WORD && c->read_msb_next);
        if (c->rw == RW_WORD)
            c->read_msb_next = !c->read_msb_next;
    }
    return msb ? v >> 8 : v & 0xff;
}

/* Port 61, System Control Port B: bit 0 gate of counter 2, bit 1 speaker, bits 2-3 NMI masks;
 * bit 4 toggles with each DRAM refresh, bit 5 is counter 2's OUT. */
static void port61_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct pit *p = opaque;
    (void)port;
    (void)size;
    p->port61 = value & 0x0f;
    set_gate(&p->counter[2], value & 1, now_tick());
}

static uint32_t port61_read(void *opaque, uint16_t port, unsigned size)
{
    struct pit *p = opaque;
    int64_t now = now_tick();
    (void)port;
    (void)size;
    settle(&p->counter[2], now);
    return p->port61 | (now / REFRESH_TICKS & 1 ? 0x10u : 0) | (out_at(&p->counter[2], now) ? 0x20u : 0);
}

static const struct ioport_ops pit_ops = { pit_read, pit_write, 1 };
static const struct ioport_ops port61_ops = { port61_read, port61_write, 1 };

/* As a PC's firmware leaves it: counter 0 at 18.2 Hz, counter 1 refreshing DRAM. */
void pit_reset(struct pit *p)
{
    static const struct {
        uint8_t control;
        uint16_t count;
    } initial[3] = { { 0x36, 0 }, { 0x74, REFRESH_TICKS }, { 0xb6, 0 } };
    int64_t now = now_tick();
    p->port61 = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct counter *c = &p->counter[i];
        *c = (struct counter){ .gate = i != 2 };
        write_control(c, initial[i].control, now);
        write_count(c, (uint8_t)initial[i].count, now);
        write_count(c, (uint8_t)(initial[i].count >> 8), now);
    }
    update_irq(p, now);
}

struct pit *pit_new(struct machine *m, struct irq_line irq0)
{
    struct pit *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->machine = m;
    p->irq = irq0;
    timer_init(&p->timer, pit_timer, p);
    ioport_register(m, 0x40, 4, &pit_ops, p, "pit");
    ioport_register(m, 0x61, 1, &port61_ops, p, "port61");
    return p;
}

void pit_free(struct pit *p)
{
    if (p)
        timer_del(&p->timer);
    free(p);
}
