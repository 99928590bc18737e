/* Nothing counts while nobody looks: a counter is the tick at which its counting element was
 * loaded and the number it was loaded with; count and OUT are functions of the time. */
#include "pit-counter.h"

enum { RW_LATCH, RW_LSB, RW_MSB, RW_WORD };

/* ---- the state at a tick ---- */

static int64_t elapsed(const struct pit_counter *c, int64_t now)
{
    return c->running ? now - c->start : c->held;
}

void counter_settle(struct pit_counter *c, int64_t now)
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
static uint32_t count_at(const struct pit_counter *c, int64_t now)
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

bool counter_out(const struct pit_counter *c, int64_t now)
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

static bool null_count(const struct pit_counter *c, int64_t now)
{
    if (!c->cr_valid || !c->loaded || c->reload_pending)
        return true;
    return c->running && now < c->start;
}

static uint16_t shown(const struct pit_counter *c, uint32_t v)
{
    if (!c->bcd)
        return (uint16_t)v;
    return (uint16_t)(v / 1000 % 10 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10);
}

int64_t counter_next_rise(const struct pit_counter *c, int64_t now)
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

/* ---- programming ---- */

/* The next CLK loads the count. */
static void load(struct pit_counter *c, int64_t now)
{
    c->stale = (uint16_t)count_at(c, now);
    c->stale_out = c->mode == 2 || c->mode == 3 || (c->mode != 0 && counter_out(c, now));
    c->n = c->cr;
    c->start = now + 1;
    c->loaded = true;
    c->reload_pending = false;
    c->held = 0;
}

void counter_write_control(struct pit_counter *c, uint8_t v, int64_t now)
{
    counter_settle(c, now);
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
static void count_written(struct pit_counter *c, uint16_t v, int64_t now)
{
    uint32_t n = v;
    if (c->bcd) {
        n = (uint32_t)(v >> 12) * 1000 + (v >> 8 & 15u) * 100 + (v >> 4 & 15u) * 10 + (v & 15u);
        /* Digits above 9 are not defined; keep the count in the counter's range. */
        n = n % 10000 ? n % 10000 : 10000;
    } else if (!n) {
        n = 65536;
    }
    counter_settle(c, now);
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

void counter_write(struct pit_counter *c, uint8_t v, int64_t now)
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
static void stop_counting(struct pit_counter *c, int64_t now)
{
    int64_t e = elapsed(c, now);
    c->held = e < 0 ? 0 : e;
    c->running = false;
}

void counter_set_gate(struct pit_counter *c, bool gate, int64_t now)
{
    if (c->gate == gate)
        return;
    counter_settle(c, now);
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

void counter_latch_count(struct pit_counter *c, int64_t now)
{
    if (c->latched)
        return;
    counter_settle(c, now);
    c->latch = shown(c, count_at(c, now));
    c->latched = c->rw == RW_LSB ? 1 : c->rw == RW_MSB ? 2 : 3;
}

void counter_latch_status(struct pit_counter *c, int64_t now)
{
    if (c->status_latched)
        return;
    counter_settle(c, now);
    c->status = (uint8_t)((counter_out(c, now) ? 0x80 : 0) | (null_count(c, now) ? 0x40 : 0) | c->control);
    c->status_latched = true;
}

uint8_t counter_read(struct pit_counter *c, int64_t now)
{
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
        counter_settle(c, now);
        v = shown(c, count_at(c, now));
        msb = c->rw == RW_MSB || (c->rw == RW_WORD && c->read_msb_next);
        if (c->rw == RW_WORD)
            c->read_msb_next = !c->read_msb_next;
    }
    return (uint8_t)(msb ? v >> 8 : v);
}
