/* What the devices stand on, under a test's control: a clock that moves when told to, character
 * devices in memory, no log. */
#ifndef STITCH86_TESTS_FAKE_HOST_H
#define STITCH86_TESTS_FAKE_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct chardev {
    uint8_t sent[4096];
    unsigned sent_count;
    uint8_t input[4096];
    unsigned input_head, input_count;
};

extern int64_t fake_rtc_seconds; /* time of day at virtual time 0 */
extern unsigned fake_timer_runs;

/* Forget timers and front ends, time is 0. */
void fake_host_reset(void);
/* Let time pass, running each timer at its deadline. */
void fake_advance(int64_t ns);
void fake_advance_to(int64_t ns);
/* Bytes arrive from outside. */
void fake_input(struct chardev *c, const void *buf, unsigned len);

#endif
