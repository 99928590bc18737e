/* Guest time: one virtual clock in nanoseconds, from the host's monotonic clock or, with
 * -icount, from executed guest instructions.  Timers run in the vCPU thread only. */
#ifndef STITCH86_CLOCK_H
#define STITCH86_CLOCK_H

#include "cpu.h"

typedef void timer_cb(void *opaque);

struct vtimer {
    int64_t deadline; /* ns of the virtual clock; -1: not armed */
    timer_cb *cb;
    void *opaque;
    struct vtimer *next;
};

void timer_init(struct vtimer *t, timer_cb *cb, void *opaque);
/* Arm (or re-arm) at an absolute virtual time. */
void timer_mod(struct vtimer *t, int64_t deadline_ns);
void timer_del(struct vtimer *t);

/* Virtual time now, ns since power-on. */
int64_t clock_now(void);
/* Time of day for the RTC, seconds since 1970 (-rtc base=...; with -icount it follows the
 * virtual clock from that base). */
int64_t clock_rtc_seconds(void);

/* -- for the main loop (runtime/exec.c, runtime/vm.c) -- */
/* The RTC shows `seconds` (since 1970) now. */
void clock_set_rtc_base(int64_t seconds);
/* A timerfd that becomes readable when a timer is due by the host's clock: the I/O thread
 * kicks the vCPU then, which calls clock_kick_fired() before it runs timers.  -1: none to be had. */
int clock_kick_fd(void);
void clock_kick_fired(void);
/* icount_shift < 0: host clock.  Otherwise an instruction takes 2^shift ns. */
void clock_init(CPUX86State *env, int icount_shift);
/* Run what is due. */
void clock_run_timers(void);
/* Next deadline in ns or -1. */
int64_t clock_next_deadline(void);
/* -icount: fold executed instructions into env->icount and set env->icount_left to those
 * until the next deadline (at most `limit`). */
void clock_icount_refill(CPUX86State *env, uint32_t limit);
/* Instructions executed so far. */
uint64_t clock_icount(const CPUX86State *env);
/* The vCPU is halted: wait for a kick or the next deadline; with -icount jump the clock. */
void clock_wait(CPUX86State *env);
void clock_kick(void); /* wake clock_wait(); any thread */

#endif
