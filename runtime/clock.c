#include "clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SEC 1000000000LL

static CPUX86State *clock_env;
static int icount_shift = -1;
static int64_t host_start;   /* host clock at power-on */
static int64_t icount_bias;  /* ns that passed while the CPU was halted */
static int32_t icount_budget; /* what env->icount_left was set to */
static struct vtimer *timers; /* armed ones, by deadline */
static int64_t rtc_base_seconds;

/* What wakes the vCPU thread when a timer is due: a timerfd that the I/O thread watches. */
static int kick_fd = -1;
static int64_t kick_deadline = -1; /* what it is set to */
static bool look_at_timers;        /* with kick_fd: something has changed since the last look */

static pthread_mutex_t wait_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wait_cond;
static pthread_once_t wait_once = PTHREAD_ONCE_INIT;
static bool wait_kicked;

static void wait_init(void)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&wait_cond, &attr);
    pthread_condattr_destroy(&attr);
}

static int64_t host_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

uint64_t clock_icount(const CPUX86State *env)
{
    return env->icount + (uint64_t)(int64_t)(icount_budget - env->icount_left);
}

int64_t clock_now(void)
{
    if (icount_shift >= 0)
        return (int64_t)(clock_icount(clock_env) << icount_shift) + icount_bias;
    if (!host_start)
        host_start = host_now();
    return host_now() - host_start;
}

void clock_set_rtc_base(int64_t seconds)
{
    rtc_base_seconds = seconds - clock_now() / NS_PER_SEC;
}

int64_t clock_rtc_seconds(void)
{
    return rtc_base_seconds + clock_now() / NS_PER_SEC;
}

void clock_init(CPUX86State *env, int shift)
{
    pthread_once(&wait_once, wait_init);
    clock_env = env;
    icount_shift = shift;
    icount_bias = 0;
    icount_budget = 0;
    env->icount = 0;
    env->icount_left = 0;
    env->icount_enabled = shift >= 0;
    host_start = host_now();
    timers = NULL;
    kick_deadline = -1;
    rtc_base_seconds = (int64_t)time(NULL);
}

int clock_kick_fd(void)
{
    if (kick_fd < 0)
        kick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return kick_fd;
}

void timer_init(struct vtimer *t, timer_cb *cb, void *opaque)
{
    *t = (struct vtimer){ .deadline = -1, .cb = cb, .opaque = opaque };
}

void timer_del(struct vtimer *t)
{
    if (t->deadline < 0)
        return;
    for (struct vtimer **p = &timers; *p; p = &(*p)->next) {
        if (*p == t) {
            *p = t->next;
            break;
        }
    }
    t->deadline = -1;
    t->next = NULL;
}

void timer_mod(struct vtimer *t, int64_t deadline_ns)
{
    timer_del(t);
    t->deadline = deadline_ns < 0 ? 0 : deadline_ns;
    struct vtimer **p = &timers;
    /* Equal deadlines run in the order in which they were armed. */
    while (*p && (*p)->deadline <= t->deadline)
        p = &(*p)->next;
    t->next = *p;
    *p = t;
    look_at_timers = true;
    /* The running slice may go past the new deadline: the main loop has to plan anew. */
    if (timers == t && clock_env)
        atomic_store_explicit(&clock_env->exit_request, -1, memory_order_relaxed);
}

int64_t clock_next_deadline(void)
{
    return timers ? timers->deadline : -1;
}

void clock_run_timers(void)
{
    /* Reading the host's clock after each port access would cost more than the access. */
    if (icount_shift < 0 && kick_fd >= 0 && !look_at_timers)
        return;
    look_at_timers = false;
    if (timers) {
        /* The time is read once: a timer that re-arms itself at once cannot hold the CPU here. */
        int64_t now = clock_now();
        while (timers && timers->deadline <= now) {
            struct vtimer *t = timers;
            timers = t->next;
            t->deadline = -1;
            t->next = NULL;
            t->cb(t->opaque);
        }
    }
    if (icount_shift >= 0 || kick_fd < 0 || !timers)
        return;
    /* A kick that comes too early is harmless, so a deadline that moved away is left. */
    if (kick_deadline < 0 || timers->deadline < kick_deadline) {
        int64_t at = timers->deadline + host_start;
        struct itimerspec its = { .it_value = { .tv_sec = at / NS_PER_SEC, .tv_nsec = at % NS_PER_SEC } };
        kick_deadline = timers->deadline;
        timerfd_settime(kick_fd, TFD_TIMER_ABSTIME, &its, NULL);
    }
}

void clock_kick_fired(void)
{
    kick_deadline = -1;
    look_at_timers = true;
}

void clock_icount_refill(CPUX86State *env, uint32_t limit)
{
    env->icount = clock_icount(env);
    int64_t n = limit > INT32_MAX ? INT32_MAX : limit;
    if (timers) {
        int64_t ns = timers->deadline - ((int64_t)(env->icount << icount_shift) + icount_bias);
        int64_t until = ns <= 0 ? 0 : (ns + ((int64_t)1 << icount_shift) - 1) >> icount_shift;
        if (until < n)
            n = until;
    }
    env->icount_left = icount_budget = (int32_t)n;
}

void clock_kick(void)
{
    pthread_once(&wait_once, wait_init);
    pthread_mutex_lock(&wait_lock);
    wait_kicked = true;
    pthread_cond_signal(&wait_cond);
    pthread_mutex_unlock(&wait_lock);
}

void clock_wait(CPUX86State *env)
{
    (void)env;
    if (icount_shift >= 0 && timers) {
        int64_t skip = timers->deadline - clock_now();
        if (skip > 0)
            icount_bias += skip;
        return;
    }
    pthread_mutex_lock(&wait_lock);
    while (!wait_kicked) {
        if (!timers) {
            pthread_cond_wait(&wait_cond, &wait_lock);
            continue;
        }
        int64_t at = timers->deadline + host_start;
        struct timespec ts = { .tv_sec = at / NS_PER_SEC, .tv_nsec = at % NS_PER_SEC };
        if (pthread_cond_timedwait(&wait_cond, &wait_lock, &ts) == ETIMEDOUT)
            break;
    }
    wait_kicked = false;
    pthread_mutex_unlock(&wait_lock);
    look_at_timers = true;
}
