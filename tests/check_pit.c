/* The 8254 timer against its data sheet (Intel 231244), and port 61. */
#include "device-env.h"

#define PIT_HZ 1193182ll

static int64_t tick_now;

/* Go to the middle of a tick. */
static void to_tick(int64_t t)
{
    tick_now = t;
    fake_advance_to((t * SECOND + SECOND / 2) / PIT_HZ);
}

static void ticks(int64_t n)
{
    to_tick(tick_now + n);
}

static uint32_t latched(unsigned counter)
{
    out(0x43, counter << 6);
    uint32_t lsb = in((uint16_t)(0x40 + counter));
    return lsb | in((uint16_t)(0x40 + counter)) << 8;
}

static uint32_t status(unsigned counter)
{
    out(0x43, 0xe0 | 2u << counter);
    return in((uint16_t)(0x40 + counter));
}

static bool out2(void)
{
    return in(0x61) & 0x20;
}

static void program(unsigned counter, unsigned mode, bool bcd, unsigned count)
{
    out(0x43, counter << 6 | 0x30 | mode << 1 | bcd);
    out((uint16_t)(0x40 + counter), count & 0xff);
    out((uint16_t)(0x40 + counter), count >> 8);
}

/* OUT of counter 2 at each of the next ticks, as a string. */
static const char *wave(unsigned n)
{
    static char s[64];
    for (unsigned i = 0; i < n; i++) {
        s[i] = out2() ? 'H' : 'L';
        ticks(1);
    }
    s[n] = 0;
    return s;
}

/* Counts are written in tick 100; the CLK pulse that begins tick 101 loads them. */
START_TEST(pit_mode0)
{
    to_tick(100);
    out(0x61, 1);
    program(2, 0, false, 4);
    ck_assert_str_eq(wave(10), "LLLLLHHHHH"); /* N + 1 CLKs after the write */
    ck_assert_uint_eq(latched(2), 0xffff - 4); /* tick 110: it wraps and goes on */
    program(2, 0, false, 100);
    ck_assert_uint_eq(status(2) & 0xc0, 0x40); /* OUT low, null count */
    ticks(1);
    ck_assert_uint_eq(status(2), 0x30);
    ck_assert_uint_eq(latched(2), 100);
    ticks(10);
    ck_assert_uint_eq(latched(2), 90);
    out(0x61, 0); /* gate */
    ticks(50);
    ck_assert_uint_eq(latched(2), 90);
    out(0x61, 1);
    ticks(90);
    ck_assert(out2());
    /* The first byte of a new count stops it and takes OUT low. */
    out(0x42, 5);
    ck_assert(!out2());
    ticks(100);
    ck_assert(!out2());
    out(0x42, 0);
    ck_assert_str_eq(wave(8), "LLLLLLHH");
    /* A count of 0 is 65536. */
    program(2, 0, false, 0);
    ticks(65536);
    ck_assert(!out2());
    ticks(1);
    ck_assert(out2());
}
END_TEST

START_TEST(pit_mode1)
{
    to_tick(100);
    out(0x61, 0);
    program(2, 1, false, 3);
    ck_assert_str_eq(wave(4), "HHHH"); /* waits for the gate */
    ck_assert_uint_eq(status(2) & 0x40, 0x40);
    out(0x61, 1);
    ck_assert_str_eq(wave(6), "HLLLHH");
    out(0x61, 0);
    out(0x61, 1);
    ticks(2);
    out(0x61, 0);
    out(0x61, 1); /* retriggered in the middle of the pulse */
    ck_assert_str_eq(wave(6), "LLLLHH");
    out(0x42, 5); /* a new count waits for the next trigger */
    out(0x42, 0);
    ck_assert(out2());
    out(0x61, 0);
    out(0x61, 1);
    ck_assert_str_eq(wave(8), "HLLLLLHH");
}
END_TEST

START_TEST(pit_mode2)
{
    to_tick(100);
    out(0x61, 1);
    program(2, 2, false, 3);
    ck_assert_str_eq(wave(10), "HHHLHHLHHL");
    program(2, 2, false, 1000);
    ticks(1);
    ck_assert_uint_eq(latched(2), 1000);
    ticks(999);
    ck_assert_uint_eq(latched(2), 1);
    ck_assert(!out2());
    ticks(1);
    ck_assert_uint_eq(latched(2), 1000);
    ck_assert(out2());
    /* A new count comes after this period. */
    out(0x42, 10);
    out(0x42, 0);
    ck_assert_uint_eq(status(2) & 0x40, 0x40);
    ticks(998);
    ck_assert_uint_eq(latched(2), 2);
    ticks(2);
    ck_assert_uint_eq(latched(2), 10);
    ck_assert_uint_eq(status(2) & 0x40, 0);
    ticks(10);
    ck_assert_uint_eq(latched(2), 10);
    /* Gate low: OUT high, no counting; a rising edge reloads. */
    ticks(9);
    ck_assert(!out2());
    out(0x61, 0);
    ck_assert(out2());
    ticks(5);
    out(0x61, 1);
    ticks(1);
    ck_assert_uint_eq(latched(2), 10);
    program(2, 6, false, 3); /* mode 6 is 2 */
    ck_assert_str_eq(wave(10), "HHHLHHLHHL");
    ck_assert_uint_eq(status(2) & 0x3f, 0x3c); /* as it was written */
}
END_TEST

START_TEST(pit_mode3)
{
    to_tick(100);
    out(0x61, 1);
    program(2, 3, false, 4);
    ck_assert_str_eq(wave(13), "HHHLLHHLLHHLL");
    program(2, 3, false, 5);
    ck_assert_str_eq(wave(13), "HHHHLLHHHLLHH");
    program(2, 3, false, 6);
    ticks(1);
    static const unsigned even[] = { 6, 4, 2, 6, 4, 2, 6 };
    for (unsigned i = 0; i < 7; i++, ticks(1))
        ck_assert_uint_eq(latched(2), even[i]);
    program(2, 3, false, 7);
    ticks(1);
    static const unsigned odd[] = { 6, 4, 2, 0, 6, 4, 2, 6, 4, 2, 0, 6 };
    for (unsigned i = 0; i < 12; i++, ticks(1))
        ck_assert_uint_eq(latched(2), odd[i]);
    /* A new count comes at the end of the half. */
    program(2, 3, false, 8);
    ticks(2); /* high, second tick of four */
    out(0x42, 4);
    out(0x42, 0);
    ck_assert_str_eq(wave(10), "HHHLLHHLLH");
    program(2, 3, false, 8);
    ticks(6); /* low, second tick of four */
    out(0x42, 4);
    out(0x42, 0);
    ck_assert_str_eq(wave(8), "LLLHHLLH");
    out(0x61, 0);
    ck_assert(out2());
}
END_TEST

START_TEST(pit_mode4_5)
{
    to_tick(100);
    out(0x61, 1);
    program(2, 4, false, 3);
    ck_assert_str_eq(wave(8), "HHHHLHHH");
    ticks(70000);
    ck_assert(out2()); /* once */
    out(0x42, 2); /* a new count triggers again */
    out(0x42, 0);
    ck_assert_str_eq(wave(6), "HHHLHH");
    out(0x61, 0);
    program(2, 5, false, 3);
    ticks(10);
    out(0x61, 1);
    ck_assert_str_eq(wave(8), "HHHHLHHH");
    out(0x61, 0);
    out(0x61, 1);
    ticks(2);
    out(0x61, 0);
    out(0x61, 1);
    ck_assert_str_eq(wave(7), "HHHHLHH");
}
END_TEST

START_TEST(pit_bcd)
{
    to_tick(100);
    out(0x61, 1);
    program(2, 2, true, 0x1000);
    ticks(2);
    ck_assert_uint_eq(latched(2), 0x0999);
    program(2, 0, true, 0);
    ticks(2);
    ck_assert_uint_eq(latched(2), 0x9999);
    program(2, 0, true, 0x0012);
    ticks(1 + 12 + 1);
    ck_assert_uint_eq(latched(2), 0x9999);
    program(2, 2, true, 0xffff); /* not BCD: must stay in range */
    for (unsigned i = 0; i < 100; i++, ticks(997))
        latched(2);
}
END_TEST

START_TEST(pit_access)
{
    to_tick(100);
    out(0x61, 1);
    out(0x43, 0x94); /* LSB only */
    out(0x42, 200);
    ticks(1);
    ck_assert_uint_eq(in(0x42), 200);
    ticks(1);
    ck_assert_uint_eq(in(0x42), 199);
    out(0x43, 0xa4); /* MSB only */
    out(0x42, 2);
    ticks(1);
    ck_assert_uint_eq(in(0x42), 2);
    ticks(1);
    ck_assert_uint_eq(in(0x42), 1);
    /* A latch is held until it was read, and is not overwritten. */
    program(2, 2, false, 0x1234);
    ticks(1);
    out(0x43, 0x80);
    ticks(0x100);
    out(0x43, 0x80);
    ck_assert_uint_eq(in(0x42), 0x34);
    ticks(1);
    ck_assert_uint_eq(in(0x42), 0x12);
    ck_assert_uint_eq(in(0x42), 0x33); /* live again */
    ck_assert_uint_eq(in(0x42), 0x11);
    /* Read-back of status and count: status comes first. */
    out(0x43, 0xc8);
    ck_assert_uint_eq(in(0x42), 0xb4);
    ck_assert_uint_eq(in(0x42), 0x33);
    ck_assert_uint_eq(in(0x42), 0x11);
    ck_assert_uint_eq(in(0x43), 0xff);
}
END_TEST

START_TEST(pit_irq0)
{
    pic_init(1);
    to_tick(100);
    out(0x21, 0xfe);
    machine_pic_ack(m);
    out(0x20, 0x20);
    program(0, 2, false, 1193);
    intr_rises = 0;
    for (int i = 0; i < 1000; i++) {
        ticks(1193);
        if (machine_intr(m)) {
            ck_assert_int_eq(machine_pic_ack(m), 0x20);
            out(0x20, 0x20);
        }
    }
    ck_assert_int_eq(intr_rises, 999); /* the count begins a tick after the write */
    program(0, 0, false, 1000);
    intr_rises = 0;
    ticks(1000);
    ck_assert_int_eq(intr_rises, 0);
    ticks(1);
    ck_assert_int_eq(intr_rises, 1);
    out(0x43, 0x30); /* OUT falls: the request is gone */
    ck_assert(!machine_intr(m));
    program(0, 4, false, 1000);
    intr_rises = 0;
    while (machine_intr(m)) {
        machine_pic_ack(m);
        out(0x20, 0x20);
    }
    intr_rises = 0;
    ticks(1001);
    ck_assert_int_eq(intr_rises, 0);
    ticks(1);
    ck_assert_int_eq(intr_rises, 1); /* end of the strobe */
    machine_pic_ack(m);
    out(0x20, 0x20);
    ticks(100000);
    ck_assert_int_eq(intr_rises, 1);
    /* The shortest period must not flood. */
    program(0, 2, false, 1);
    fake_timer_runs = 0;
    ticks(100);
    ck_assert_uint_le(fake_timer_runs, 101);
    program(0, 3, false, 2);
    ticks(100);
    program(0, 3, false, 1);
    ticks(100);
}
END_TEST

START_TEST(port61)
{
    to_tick(1000);
    unsigned toggles = 0, last = in(0x61) & 0x10;
    for (int i = 0; i < 1800; i++) {
        ticks(1);
        if ((in(0x61) & 0x10) != last) {
            toggles++;
            last ^= 0x10;
        }
    }
    ck_assert_uint_eq(toggles, 100); /* each 18 ticks: 15 us */
    out(0x61, 0xff);
    ck_assert_uint_eq(in(0x61) & 0x0f, 0x0f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pit_mode0, pit_mode1, pit_mode2, pit_mode3, pit_mode4_5, pit_bcd, pit_access, pit_irq0,
        port61
    };
    return dev_run("pit", tests, sizeof(tests) / sizeof(tests[0]));
}
