/* Ports: those nobody has, the debugging ones, the coprocessor's. */
#include "device-env.h"

#include <string.h>

START_TEST(unknown_ports)
{
    ck_assert_uint_eq(in(0x279), 0xff);
    ck_assert_uint_eq(ioport_read(m, 0xcfc, 4), 0xffffffff);
    ck_assert_uint_eq(ioport_read(m, 0xcf8, 2), 0xffff);
    ck_assert_uint_eq(in(0x3e8 + 5), 0xff); /* absent serial port */
    ioport_write(m, 0xcf8, 0x80000000, 4);
    ck_assert_uint_eq(ioport_read(m, 0xcf8, 4), 0xffffffff);
    ck_assert_uint_eq(ioport_read(m, 0xffff, 4) & 0xff, 0xff);
    out(0x80, 0x42);
    ck_assert_uint_eq(in(0x80), 0x42);
    ioport_write(m, 0x81, 0x1234, 2); /* split into bytes */
    ck_assert_uint_eq(ioport_read(m, 0x81, 2), 0x1234);
}
END_TEST

START_TEST(debug_ports)
{
    ck_assert_uint_eq(in(0xe9), 0xe9);
    out(0xe9, 'h');
    ioport_write(m, 0xe9, 'i', 1);
    ck_assert(debugcon.sent_count == 2 && !memcmp(debugcon.sent, "hi", 2));
    ioport_write(m, 0xf4, 0x10, 4);
    ck_assert(power_offs == 1 && power_status == 0x21);
    out(0xf4, 0);
    ck_assert(power_offs == 2 && power_status == 1);
}
END_TEST

START_TEST(ferr)
{
    pic_init(1);
    out(0x21, 0xfb);
    out(0xa1, 0xdf);
    machine_set_ferr(m, 1);
    ck_assert_int_eq(machine_pic_ack(m), 0x2d);
    ck_assert(!machine_ignne(m));
    out(0xf0, 0);
    ck_assert(machine_ignne(m));
    machine_set_ferr(m, 0);
    ck_assert(!machine_ignne(m));
    out(0xf0, 0);
    ck_assert(!machine_ignne(m));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        unknown_ports, debug_ports, ferr
    };
    return dev_run("ports", tests, sizeof(tests) / sizeof(tests[0]));
}
