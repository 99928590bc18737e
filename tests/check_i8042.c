/* The keyboard controller, its keyboard, port 92: A20 and reset. */
#include "device-env.h"

static uint32_t kbd_reply(void)
{
    ck_assert_uint_eq(in(0x64) & 1, 1);
    return in(0x60);
}

START_TEST(kbc_controller)
{
    ck_assert_uint_eq(in(0x64) & 0x11, 0x10);
    out(0x64, 0xaa);
    ck_assert_uint_eq(in(0x64) & 0x0d, 0x0d); /* OBF, SYS, last was a command */
    ck_assert_uint_eq(kbd_reply(), 0x55);
    ck_assert_uint_eq(in(0x64) & 1, 0);
    out(0x64, 0xab);
    ck_assert_uint_eq(kbd_reply(), 0);
    out(0x64, 0x60);
    out(0x60, 0x64);
    ck_assert_uint_eq(in(0x64) & 8, 0);
    out(0x64, 0x20);
    ck_assert_uint_eq(kbd_reply(), 0x64);
    out(0x64, 0x65);
    out(0x60, 0x99);
    out(0x64, 0x25);
    ck_assert_uint_eq(kbd_reply(), 0x99);
    out(0x64, 0xd2);
    out(0x60, 0x77);
    ck_assert_uint_eq(in(0x64) & 0x21, 0x01);
    ck_assert_uint_eq(kbd_reply(), 0x77);
    /* No auxiliary port: the loop test comes back without its flag, its port's test fails. */
    out(0x64, 0xd3);
    out(0x60, 0x5a);
    ck_assert_uint_eq(in(0x64) & 0x21, 0x01);
    in(0x60);
    out(0x64, 0xa9);
    ck_assert_uint_ne(kbd_reply(), 0);
    out(0x64, 0xd4);
    out(0x60, 0xf2);
    ck_assert_uint_eq(in(0x64) & 0x61, 0x61);
    ck_assert_uint_eq(kbd_reply(), 0xfe);
}
END_TEST

START_TEST(kbc_keyboard)
{
    pic_init(1);
    out(0x21, 0xfd);
    out(0x64, 0x60);
    out(0x60, 0x05); /* interrupt on, no translation */
    out(0x60, 0xee);
    ck_assert(machine_intr(m));
    ck_assert_int_eq(machine_pic_ack(m), 0x21);
    out(0x20, 0x20);
    ck_assert_uint_eq(kbd_reply(), 0xee);
    ck_assert(!machine_intr(m));
    out(0x60, 0xf2);
    ck_assert_uint_eq(kbd_reply(), 0xfa);
    ck_assert(machine_intr(m)); /* the next byte is there: a new edge */
    ck_assert_uint_eq(kbd_reply(), 0xab);
    ck_assert_uint_eq(kbd_reply(), 0x83);
    out(0x60, 0xff);
    ck_assert_uint_eq(kbd_reply(), 0xfa);
    ck_assert_uint_eq(kbd_reply(), 0xaa);
    out(0x60, 0xed);
    ck_assert_uint_eq(kbd_reply(), 0xfa);
    out(0x60, 0x07);
    ck_assert_uint_eq(kbd_reply(), 0xfa);
    out(0x60, 0xf0);
    out(0x60, 0x00);
    ck_assert_uint_eq(kbd_reply(), 0xfa);
    ck_assert_uint_eq(kbd_reply(), 0xfa);
    ck_assert_uint_eq(kbd_reply(), 2);
    out(0x60, 0xfe);
    ck_assert_uint_eq(kbd_reply(), 2);
    out(0x60, 0x12);
    ck_assert_uint_eq(kbd_reply(), 0xfe);
    ck_assert_uint_eq(in(0x64) & 1, 0);
    out(0x64, 0xad); /* clock held: nothing comes through */
    out(0x64, 0x60);
    out(0x60, 0x15);
    out(0x60, 0xee); /* writing to it enables it */
    ck_assert_uint_eq(kbd_reply(), 0xee);
    for (unsigned i = 0; i < 300; i++) /* the queue has an end */
        out(0x60, 0xf2);
}
END_TEST

START_TEST(a20_gates)
{
    ck_assert_uint_eq(in(0x92) & 2, 2);
    out(0x92, 0);
    ck_assert(!a20);
    out(0x64, 0xd0);
    ck_assert_uint_eq(kbd_reply() & 2, 0);
    out(0x64, 0xd1);
    out(0x60, 0xdf);
    ck_assert(a20);
    ck_assert_uint_eq(in(0x92) & 2, 2);
    out(0x64, 0xdd);
    ck_assert(!a20);
    out(0x64, 0xdf);
    ck_assert(a20);
    out(0x64, 0xd1);
    out(0x60, 0xdd);
    ck_assert(!a20);
    machine_reset(m);
    ck_assert(a20);
    ck_assert_int_eq(resets, 0);
}
END_TEST

START_TEST(reset_lines)
{
    out(0x64, 0xfe);
    ck_assert_int_eq(resets, 1);
    out(0x64, 0xff); /* pulses nothing */
    ck_assert_int_eq(resets, 1);
    out(0x64, 0xd1);
    out(0x60, 0x02);
    ck_assert_int_eq(resets, 2);
    out(0x92, 3);
    ck_assert_int_eq(resets, 3);
    out(0x92, 3); /* no rising edge */
    ck_assert_int_eq(resets, 3);
    dev_teardown();
    dev_standard_machine(true, 2 << 20);
    out(0x64, 0xfe);
    ck_assert(resets == 3 && power_offs == 1 && power_status == 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        kbc_controller, kbc_keyboard, a20_gates, reset_lines
    };
    return dev_run("i8042", tests, sizeof(tests) / sizeof(tests[0]));
}
