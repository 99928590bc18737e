/* One of the 8254's counters as a function of time (Intel data sheet 231244).  Times are
 * ticks: periods of CLK. */
#ifndef STITCH86_MACHINE_PIT_COUNTER_H
#define STITCH86_MACHINE_PIT_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

struct pit_counter {
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

/* Bring in a pending count whose time has come. */
void counter_settle(struct pit_counter *c, int64_t now);
bool counter_out(const struct pit_counter *c, int64_t now);
/* Tick of the next rising edge of OUT after `now`, or -1. */
int64_t counter_next_rise(const struct pit_counter *c, int64_t now);

/* What a write to the counter's port, its control words and its GATE do. */
void counter_write_control(struct pit_counter *c, uint8_t v, int64_t now);
void counter_write(struct pit_counter *c, uint8_t v, int64_t now);
void counter_set_gate(struct pit_counter *c, bool gate, int64_t now);
void counter_latch_count(struct pit_counter *c, int64_t now);
void counter_latch_status(struct pit_counter *c, int64_t now);
/* The byte that a read of the counter's port gives. */
uint8_t counter_read(struct pit_counter *c, int64_t now);

#endif
