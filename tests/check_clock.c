/* The virtual clock: timers in order, exact instruction counts, and the host's clock. */
#include <check.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "suite.h"

static CPUX86State env;
static int order[16], n_order;

struct probe {
    struct vtimer timer;
    int id;
    int64_t ran_at, again;
};

static void ran(void *opaque)
{
    struct probe *p = opaque;
    order[n_order++ % 16] = p->id;
    p->ran_at = clock_now();
    if (p->again)
        timer_mod(&p->timer, p->ran_at + p->again);
}

static void setup(int shift)
{
    memset(&env, 0, sizeof(env));
    n_order = 0;
    clock_init(&env, shift);
}

/* As an accelerator does: n instructions are executed. */
static void execute(int32_t n)
{
    env.icount_left -= n;
}

START_TEST(icount_is_exact)
{
    setup(3);
    struct probe p = { .id = 1 };
    timer_init(&p.timer, ran, &p);
    ck_assert_int_eq(clock_now(), 0);
    ck_assert_int_eq(clock_next_deadline(), -1);
    clock_icount_refill(&env, 1000);
    ck_assert_int_eq(env.icount_left, 1000);
    execute(10);
    ck_assert_int_eq(clock_now(), 80);
    ck_assert_uint_eq(clock_icount(&env), 10);
    /* 8 ns an instruction: due at the first instruction end that is not before 100 ns. */
    timer_mod(&p.timer, 100);
    ck_assert_int_eq(clock_next_deadline(), 100);
    ck_assert_int_lt(env.exit_request, 0);
    clock_icount_refill(&env, 1000);
    ck_assert_int_eq(env.icount_left, 3);
    execute(2);
    clock_run_timers();
    ck_assert_int_eq(n_order, 0);
    execute(1);
    clock_run_timers();
    ck_assert_int_eq(n_order, 1);
    ck_assert_int_eq(p.ran_at, 104);
    ck_assert_int_eq(clock_next_deadline(), -1);
    clock_icount_refill(&env, 50);
    ck_assert_int_eq(env.icount_left, 50);
    ck_assert_uint_eq(clock_icount(&env), 13);
}
END_TEST

START_TEST(timers_run_in_order)
{
    setup(0);
    struct probe p[4] = { { .id = 0 }, { .id = 1 }, { .id = 2 }, { .id = 3 } };
    for (int i = 0; i < 4; i++)
        timer_init(&p[i].timer, ran, &p[i]);
    timer_mod(&p[0].timer, 300);
    timer_mod(&p[1].timer, 100);
    timer_mod(&p[2].timer, 200);
    timer_mod(&p[3].timer, 200);
    timer_mod(&p[0].timer, 50);  /* moved to the front */
    timer_mod(&p[1].timer, 400); /* and to the end */
    timer_del(&p[3].timer);
    timer_del(&p[3].timer);
    timer_mod(&p[3].timer, 200); /* behind its equal, which was armed before it */
    clock_icount_refill(&env, 1000);
    ck_assert_int_eq(env.icount_left, 50);
    clock_icount_refill(&env, 20);
    ck_assert_int_eq(env.icount_left, 20);
    execute(20);
    for (int left = 0; left < 500; left += 100) {
        clock_icount_refill(&env, 100);
        execute(env.icount_left);
        clock_run_timers();
    }
    static const int want[4] = { 0, 2, 3, 1 };
    for (int i = 0; i < 200 && n_order < 4; i++) {
        clock_icount_refill(&env, 100);
        execute(env.icount_left);
        clock_run_timers();
    }
    ck_assert_int_eq(n_order, 4);
    ck_assert_mem_eq(order, want, sizeof(want));
}
END_TEST

/* A timer that re-arms itself for now must not keep the CPU from running. */
START_TEST(rearming_makes_progress)
{
    setup(0);
    struct probe p = { .id = 1, .again = 1 };
    timer_init(&p.timer, ran, &p);
    timer_mod(&p.timer, 0);
    clock_run_timers();
    ck_assert_int_eq(n_order, 1);
    clock_icount_refill(&env, 100);
    ck_assert_int_eq(env.icount_left, 1);
}
END_TEST

START_TEST(halted_icount_jumps)
{
    setup(0);
    struct probe p = { .id = 1 };
    timer_init(&p.timer, ran, &p);
    clock_icount_refill(&env, 100);
    execute(7);
    timer_mod(&p.timer, 1000000000);
    clock_wait(&env);
    clock_run_timers();
    ck_assert_int_eq(n_order, 1);
    ck_assert_int_eq(p.ran_at, 1000000000);
    /* Time passed, instructions did not. */
    ck_assert_uint_eq(clock_icount(&env), 7);
    execute(1);
    ck_assert_int_eq(clock_now(), 1000000001);
}
END_TEST

START_TEST(rtc_follows_virtual_time)
{
    setup(0);
    struct probe p = { .id = 1 };
    timer_init(&p.timer, ran, &p);
    clock_set_rtc_base(1000);
    ck_assert_int_eq(clock_rtc_seconds(), 1000);
    timer_mod(&p.timer, 5000000000);
    clock_wait(&env);
    ck_assert_int_eq(clock_rtc_seconds(), 1005);
    setup(-1);
    int64_t now = (int64_t)time(NULL), rtc = clock_rtc_seconds();
    ck_assert(rtc - now <= 1 && now - rtc <= 1);
}
END_TEST

static void *kicker(void *arg)
{
    (void)arg;
    usleep(20000);
    clock_kick();
    return NULL;
}

START_TEST(host_clock_waits)
{
    setup(-1);
    ck_assert_uint_eq(env.icount_enabled, 0);
    struct probe p = { .id = 1 };
    timer_init(&p.timer, ran, &p);
    int64_t start = clock_now(), due = start + 30000000;
    timer_mod(&p.timer, due);
    while (!n_order) {
        clock_wait(&env);
        clock_run_timers();
        ck_assert_int_lt(clock_now(), start + 20000000000);
    }
    ck_assert_int_ge(p.ran_at, due);
    /* Without a timer only a kick ends the wait. */
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, kicker, NULL), 0);
    start = clock_now();
    clock_wait(&env);
    ck_assert_int_ge(clock_now() - start, 10000000);
    pthread_join(t, NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("clock");
    TCase *t = tcase_create("clock");
    suite_add_tcase(s, t);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, icount_is_exact);
    tcase_add_test(t, timers_run_in_order);
    tcase_add_test(t, rearming_makes_progress);
    tcase_add_test(t, halted_icount_jumps);
    tcase_add_test(t, rtc_follows_virtual_time);
    tcase_add_test(t, host_clock_waits);
    return suite_run(s);
}
