/* The MC146818 clock and what CMOS memory tells of the machine. */
#include "device-env.h"

static uint32_t cmos(unsigned reg)
{
    out(0x70, reg);
    return in(0x71);
}

static void set_cmos(unsigned reg, uint32_t v)
{
    out(0x70, reg);
    out(0x71, v);
}

/* The machine is made at this time of day. */
static void rtc_at(int64_t seconds)
{
    dev_teardown();
    fake_host_reset();
    fake_rtc_seconds = seconds;
    dev_standard_machine(false, 64 << 20);
}

START_TEST(rtc_time)
{
    rtc_at(951827696); /* 2000-02-29 12:34:56, a Tuesday */
    static const struct {
        unsigned reg, value;
    } want[] = {
        { 0, 0x56 }, { 2, 0x34 }, { 4, 0x12 }, { 6, 3 }, { 7, 0x29 }, { 8, 2 }, { 9, 0 }, { 0x32, 0x20 },
        { 0xa, 0x26 }, { 0xb, 0x02 }, { 0xd, 0x80 }
    };
    for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        ck_assert_msg(cmos(want[i].reg) == want[i].value, "register %x: %x", want[i].reg, cmos(want[i].reg));
    set_cmos(0xb, 0x06); /* binary */
    ck_assert_uint_eq(cmos(0), 56);
    ck_assert_uint_eq(cmos(7), 29);
    set_cmos(0xb, 0x00); /* BCD, 12 hours */
    ck_assert_uint_eq(cmos(4), 0x92);
    fake_advance(12 * 3600 * SECOND);
    ck_assert_uint_eq(cmos(4), 0x12);
    ck_assert_uint_eq(cmos(7), 0x01); /* 1 March */
    ck_assert_uint_eq(cmos(8), 0x03);
    /* Setting. */
    set_cmos(0xb, 0x82);
    set_cmos(9, 0x99);
    set_cmos(0x32, 0x19);
    set_cmos(8, 0x12);
    set_cmos(7, 0x31);
    set_cmos(4, 0x23);
    set_cmos(2, 0x59);
    set_cmos(0, 0x59);
    fake_advance(10 * SECOND);
    ck_assert_uint_eq(cmos(0), 0x59); /* SET stops it */
    set_cmos(0xb, 0x02);
    fake_advance(SECOND - 1);
    ck_assert_uint_eq(cmos(0), 0x59);
    fake_advance(1);
    ck_assert_uint_eq(cmos(0), 0);
    ck_assert_uint_eq(cmos(9), 0);
    ck_assert_uint_eq(cmos(0x32), 0x20);
    ck_assert_uint_eq(cmos(6), 7); /* 2000-01-01 was a Saturday */
    set_cmos(2, 0x10); /* without SET */
    ck_assert_uint_eq(cmos(2), 0x10);
    ck_assert_uint_eq(cmos(0), 0);
    /* Divider reset; the first update comes half a second after. */
    set_cmos(0xa, 0x76);
    fake_advance(5 * SECOND);
    ck_assert_uint_eq(cmos(0), 0);
    set_cmos(0xa, 0x26);
    fake_advance(SECOND / 2 - 1);
    ck_assert_uint_eq(cmos(0), 0);
    fake_advance(1);
    ck_assert_uint_eq(cmos(0), 1);
    /* Nonsense must do no harm. */
    for (unsigned reg = 0; reg < 128; reg++)
        set_cmos(reg, 0xff);
    for (unsigned reg = 0; reg < 128; reg++)
        cmos(reg);
    set_cmos(0xb, 0x00);
    fake_advance(SECOND);
}
END_TEST

START_TEST(rtc_uip)
{
    rtc_at(1000);
    set_cmos(0xb, 0x02);
    int64_t whole = SECOND; /* updates are on whole seconds of virtual time here */
    fake_advance_to(5 * whole - 300000);
    ck_assert_uint_eq(cmos(0xa) & 0x80, 0);
    fake_advance_to(5 * whole - 200000);
    ck_assert_uint_eq(cmos(0xa) & 0x80, 0x80);
    fake_advance_to(5 * whole);
    ck_assert_uint_eq(cmos(0xa) & 0x80, 0);
    set_cmos(0xb, 0x82);
    fake_advance_to(6 * whole - 200000);
    ck_assert_uint_eq(cmos(0xa) & 0x80, 0);
}
END_TEST

START_TEST(rtc_interrupts)
{
    rtc_at(1000);
    pic_init(1);
    out(0x21, 0xfb);
    out(0xa1, 0xfe);
    cmos(0xc);
    set_cmos(0xb, 0x42); /* periodic, 1024 Hz */
    intr_rises = 0;
    for (int i = 0; i < 1024; i++) {
        fake_advance(SECOND / 1024);
        if (machine_intr(m)) {
            ck_assert_int_eq(machine_pic_ack(m), 0x28);
            ck_assert_uint_eq(cmos(0xc) & 0xc0, 0xc0);
            out(0xa0, 0x20);
            out(0x20, 0x20);
        }
    }
    ck_assert_int_ge(intr_rises, 1022);
    ck_assert_int_le(intr_rises, 1024);
    /* Not read: the line stays, no further edges and no further work. */
    intr_rises = 0;
    fake_timer_runs = 0;
    fake_advance(SECOND / 4);
    ck_assert_int_eq(intr_rises, 1);
    ck_assert_uint_le(fake_timer_runs, 10); /* the PIT's */
    set_cmos(0xb, 0x12); /* update ended */
    machine_pic_ack(m);
    cmos(0xc);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    intr_rises = 0;
    fake_advance(SECOND);
    ck_assert_int_eq(intr_rises, 1);
    ck_assert_uint_eq(cmos(0xc) & 0x90, 0x90);
    machine_pic_ack(m);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    /* Alarm three seconds from now, in any minute and hour. */
    set_cmos(0xb, 0x22);
    unsigned sec = cmos(0) / 16 * 10 + cmos(0) % 16, when = (sec + 3) % 60;
    set_cmos(1, when / 10 * 16 + when % 10);
    set_cmos(3, 0xff);
    set_cmos(5, 0xc0);
    cmos(0xc);
    intr_rises = 0;
    fake_advance(2 * SECOND);
    ck_assert_int_eq(intr_rises, 0);
    fake_advance(SECOND);
    ck_assert_int_eq(intr_rises, 1);
    ck_assert_uint_eq(cmos(0xc) & 0xa0, 0xa0);
    /* Flags come without interrupts, too. */
    set_cmos(0xb, 0x02);
    cmos(0xc);
    fake_advance(61 * SECOND);
    ck_assert_uint_eq(cmos(0xc), 0x70);
    ck_assert_uint_eq(cmos(0xc), 0);
}
END_TEST

START_TEST(cmos_memory)
{
    ck_assert_uint_eq(cmos(0x15) | cmos(0x16) << 8, 640);
    ck_assert_uint_eq(cmos(0x17) | cmos(0x18) << 8, 63 * 1024);
    ck_assert_uint_eq(cmos(0x34) | cmos(0x35) << 8, 48 * 16);
    unsigned sum = 0;
    for (unsigned i = 0x10; i < 0x2e; i++)
        sum += cmos(i);
    ck_assert_uint_eq(cmos(0x2e) << 8 | cmos(0x2f), sum);
    set_cmos(0x60, 0x5a);
    ck_assert_uint_eq(cmos(0xe0), 0x5a); /* bit 7 is the NMI mask */
    dev_teardown();
    dev_standard_machine(false, 5ull << 30);
    ck_assert_uint_eq(cmos(0x17) | cmos(0x18) << 8, 65535);
    ck_assert_uint_eq(cmos(0x34) | cmos(0x35) << 8, (0xe0000000 - 0x1000000) >> 16);
    ck_assert_uint_eq(cmos(0x5b) | cmos(0x5c) << 8 | cmos(0x5d) << 16, 0x60000000 >> 16);
    hwaddr base, size;
    uint8_t *host;
    ck_assert(phys_mem_ram_region(mem, 2, &base, &size, &host));
    ck_assert(base == 1ull << 32 && size == 0x60000000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        rtc_time, rtc_uip, rtc_interrupts, cmos_memory
    };
    return dev_run("rtc", tests, sizeof(tests) / sizeof(tests[0]));
}
