/* A slower clock for the program: under an emulator, with a counter and perhaps on a busy machine, it gets
 * through far fewer instructions in a second than on a real one, so that timer interrupts of an emulated guest
 * would weigh far more.
 *
 * What clock_gettime(CLOCK_MONOTONIC) has stored is replaced when the call returns; ppoll's timeout, which the
 * program computes by that clock, becomes that much longer before the call. */
#include "hostcount.h"

/* n64 system calls of MIPS Linux. */
enum { NR_PPOLL = 5261, NR_CLOCK_GETTIME = 5222 };
enum { MONOTONIC = 1, MAX_VCPUS = 256 };
#define NS 1000000000ull

struct program_time {
    int64_t seconds, ns;
};

unsigned clock_divisor = 1;
static bool slow;
static uint64_t since; /* when it began, ns; 0: at the next look at the clock */
static struct program_time *wanted[MAX_VCPUS];

void slow_clocks(void)
{
    slow = clock_divisor > 1;
}

static struct program_time *time_at(uint64_t address)
{
    return (struct program_time *)(uintptr_t)address; /* the guest base is 0 */
}

static uint64_t get(const struct program_time *t)
{
    return (uint64_t)t->seconds * NS + (uint64_t)t->ns;
}

static void set(struct program_time *t, uint64_t ns)
{
    t->seconds = (int64_t)(ns / NS);
    t->ns = (int64_t)(ns % NS);
}

void slow_before(unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3)
{
    if (!slow || vcpu >= MAX_VCPUS)
        return;
    wanted[vcpu] = number == NR_CLOCK_GETTIME && a1 == MONOTONIC ? time_at(a2) : NULL;
    if (number == NR_PPOLL && a3 && time_at(a3)->seconds < 1000000)
        set(time_at(a3), get(time_at(a3)) * clock_divisor);
}

void slow_after(plugin_id id, unsigned vcpu, int64_t number, int64_t result)
{
    (void)id;
    if (!slow || vcpu >= MAX_VCPUS || number != NR_CLOCK_GETTIME || result != 0 || !wanted[vcpu])
        return;
    uint64_t now = get(wanted[vcpu]);
    if (!since)
        since = now;
    if (now > since)
        set(wanted[vcpu], since + (now - since) / clock_divisor);
    wanted[vcpu] = NULL;
}
