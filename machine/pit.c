/* 8254 programmable interval timer (Intel data sheet 231244) and port 61: the counters' clock, IRQ 0
 * and the ports.  One tick is one period of the 1.193182 MHz CLK. */
#include <stdlib.h>

#include "clock.h"
#include "pc.h"
#include "pit-counter.h"

#define PIT_HZ 1193182ll
#define NS_PER_S 1000000000ll
#define REFRESH_TICKS 18

struct pit {
    struct machine *machine;
    struct pit_counter counter[3];
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

/* ---- IRQ 0 ---- */

static void arm(struct pit *p, int64_t now)
{
    struct pit_counter *c = &p->counter[0];
    int64_t rise = counter_next_rise(c, now);
    if (rise < 0)
        timer_del(&p->timer);
    else
        timer_mod(&p->timer, ns_of(rise));
}

/* The line follows OUT, except that the low parts of modes 2 to 5 are taken as lasting no time, just before
 * the rising edge that the 8259 looks for. */
static void update_irq(struct pit *p, int64_t now)
{
    struct pit_counter *c = &p->counter[0];
    irq_set(&p->irq, c->mode == 0 || c->mode == 1 ? counter_out(c, now) : 1);
    arm(p, now);
}

static void pit_timer(void *opaque)
{
    struct pit *p = opaque;
    struct pit_counter *c = &p->counter[0];
    int64_t now = now_tick();
    bool switching = c->reload_pending;
    counter_settle(c, now);
    switching = switching && !c->reload_pending && c->mode == 3 && !counter_out(c, now);
    if (!switching) {
        irq_set(&p->irq, 0);
        irq_set(&p->irq, 1);
    }
    arm(p, now);
}

/* ---- ports ---- */

static void pit_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct pit *p = opaque;
    uint8_t v = (uint8_t)value;
    unsigned select = port & 3;
    int64_t now = now_tick();
    (void)size;
    if (select < 3) {
        counter_write(&p->counter[select], v, now);
    } else if (v >> 6 == 3) { /* read-back */
        for (unsigned i = 0; i < 3; i++) {
            if (!(v & 2u << i))
                continue;
            if (!(v & 0x20))
                counter_latch_count(&p->counter[i], now);
            if (!(v & 0x10))
                counter_latch_status(&p->counter[i], now);
        }
        return;
    } else if ((v & 0x30) == 0) {
        counter_latch_count(&p->counter[v >> 6], now);
        return;
    } else {
        select = v >> 6;
        counter_write_control(&p->counter[select], v, now);
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
    return counter_read(&p->counter[select], now_tick());
}

/* Port 61, System Control Port B: bit 0 gate of counter 2, bit 1 speaker, bits 2-3 NMI masks;
 * bit 4 toggles with each DRAM refresh, bit 5 is counter 2's OUT. */
static void port61_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct pit *p = opaque;
    (void)port;
    (void)size;
    p->port61 = value & 0x0f;
    counter_set_gate(&p->counter[2], value & 1, now_tick());
}

static uint32_t port61_read(void *opaque, uint16_t port, unsigned size)
{
    struct pit *p = opaque;
    int64_t now = now_tick();
    (void)port;
    (void)size;
    counter_settle(&p->counter[2], now);
    return p->port61 | (now / REFRESH_TICKS & 1 ? 0x10u : 0) | (counter_out(&p->counter[2], now) ? 0x20u : 0);
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
        struct pit_counter *c = &p->counter[i];
        *c = (struct pit_counter){ .gate = i != 2 };
        counter_write_control(c, initial[i].control, now);
        counter_write(c, (uint8_t)initial[i].count, now);
        counter_write(c, (uint8_t)(initial[i].count >> 8), now);
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
