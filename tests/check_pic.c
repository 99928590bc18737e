/* The 8259 interrupt controllers against their data sheet (Intel 231468). */
#include "device-env.h"

#define ELCR_ALL_LEVEL 0xf8

/* Lines that a test can hold: serial 1 is IRQ 4, serial 2 IRQ 3, FERR IRQ 13, RTC 8. */
static void irq4(int level)
{
    out(0x3f9, level ? 2 : 0); /* THRE with an empty transmitter */
}

static void irq3(int level)
{
    out(0x2f9, level ? 2 : 0);
}

static void irq13(int level)
{
    machine_set_ferr(m, level);
}

START_TEST(pic_basics)
{
    pic_init(1);
    out(0x21, 0xfe & 0xff);
    ck_assert_uint_eq(in(0x21), 0xfe);
    out(0x21, 0x01); /* no timer */
    ck_assert(!machine_intr(m));
    irq4(1);
    ck_assert(machine_intr(m) && intr_level);
    out(0x20, 0x0a);
    ck_assert_uint_eq(in(0x20) & 0x10, 0x10);
    ck_assert_int_eq(machine_pic_ack(m), 0x24);
    ck_assert(!machine_intr(m));
    ck_assert_uint_eq(in(0x20) & 0x10, 0);
    out(0x20, 0x0b);
    ck_assert_uint_eq(in(0x20), 0x10);
    irq3(1); /* more urgent: nests */
    ck_assert(machine_intr(m));
    ck_assert_int_eq(machine_pic_ack(m), 0x23);
    ck_assert_uint_eq(in(0x20), 0x18);
    out(0x20, 0x20); /* non-specific EOI: the most urgent */
    ck_assert_uint_eq(in(0x20), 0x10);
    irq3(0);
    irq3(1);
    ck_assert_int_eq(machine_pic_ack(m), 0x23);
    irq4(0);
    irq4(1);
    out(0x20, 0x64); /* specific EOI of 4 while 3 is in service */
    ck_assert_uint_eq(in(0x20), 0x08);
    ck_assert(!machine_intr(m)); /* 4 waits for 3 */
    out(0x20, 0x63);
    ck_assert_int_eq(machine_pic_ack(m), 0x24);
    out(0x21, 0x11); /* masked */
    out(0x20, 0x20);
    irq4(0);
    irq4(1);
    ck_assert(!machine_intr(m));
    out(0x21, 0x01);
    ck_assert(machine_intr(m));
}
END_TEST

START_TEST(pic_cascade)
{
    pic_init(1);
    out(0x21, 0x01);
    irq13(1);
    ck_assert(machine_intr(m));
    ck_assert_int_eq(machine_pic_ack(m), 0x2d);
    out(0x20, 0x0b);
    out(0xa0, 0x0b);
    ck_assert_uint_eq(in(0x20), 0x04);
    ck_assert_uint_eq(in(0xa0), 0x20);
    irq13(0);
    irq13(1);
    ck_assert(!machine_intr(m));
    out(0xa0, 0x20);
    ck_assert(!machine_intr(m)); /* the master still has 2 in service */
    out(0x20, 0x20);
    ck_assert_int_eq(machine_pic_ack(m), 0x2d);
    irq4(1);
    ck_assert(!machine_intr(m)); /* 4 is less urgent than the slave's */
    out(0xa0, 0x20);
    out(0x20, 0x20);
    ck_assert_int_eq(machine_pic_ack(m), 0x24);
}
END_TEST

START_TEST(pic_spurious)
{
    pic_init(1);
    out(0x21, 0x01);
    irq4(1);
    irq4(0); /* withdrawn before INTA */
    ck_assert(!machine_intr(m));
    ck_assert_int_eq(machine_pic_ack(m), 0x27);
    out(0x20, 0x0b);
    ck_assert_uint_eq(in(0x20), 0); /* no in-service bit */
}
END_TEST

START_TEST(pic_auto_eoi_rotate)
{
    pic_init(3);
    out(0x21, 0x01);
    irq4(1);
    ck_assert_int_eq(machine_pic_ack(m), 0x24);
    out(0x20, 0x0b);
    ck_assert_uint_eq(in(0x20), 0);
    irq4(0);
    out(0x20, 0x80); /* rotate in automatic EOI */
    irq3(1);
    irq4(1);
    ck_assert_int_eq(machine_pic_ack(m), 0x23);
    irq3(0);
    irq3(1); /* 3 is the lowest now */
    ck_assert_int_eq(machine_pic_ack(m), 0x24);
    ck_assert_int_eq(machine_pic_ack(m), 0x23);
    pic_init(1);
    out(0x21, 0x01);
    out(0x20, 0xc3); /* set priority: 3 lowest, 4 highest */
    irq3(0);
    irq4(0);
    irq3(1);
    irq4(1);
    ck_assert_int_eq(machine_pic_ack(m), 0x24);
    out(0x20, 0xa0); /* rotate on non-specific EOI: 4 is the lowest */
    irq4(0);
    irq4(1);
    ck_assert_int_eq(machine_pic_ack(m), 0x23);
    ck_assert(!machine_intr(m));
}
END_TEST

START_TEST(pic_special_mask)
{
    pic_init(1);
    out(0x21, 0x01);
    irq3(1);
    ck_assert_int_eq(machine_pic_ack(m), 0x23);
    irq4(1);
    ck_assert(!machine_intr(m));
    out(0x21, 0x09); /* mask 3, then special mask mode: 3's service inhibits nobody */
    out(0x20, 0x68);
    ck_assert(machine_intr(m));
    ck_assert_int_eq(machine_pic_ack(m), 0x24);
    out(0x20, 0x20); /* does not see 3, which is masked */
    out(0x20, 0x0b);
    ck_assert_uint_eq(in(0x20), 0x08);
    out(0x20, 0x48); /* back */
    out(0x20, 0x20);
    ck_assert_uint_eq(in(0x20), 0x00);
}
END_TEST

START_TEST(pic_poll)
{
    pic_init(1);
    out(0x21, 0x01);
    out(0x20, 0x0c);
    ck_assert_uint_eq(in(0x20), 0);
    irq4(1);
    out(0x20, 0x0c);
    ck_assert_uint_eq(in(0x20), 0x84);
    out(0x20, 0x0b);
    ck_assert_uint_eq(in(0x20), 0x10);
    ck_assert(!machine_intr(m));
}
END_TEST

START_TEST(pic_level)
{
    out(0x4d0, 0xff);
    ck_assert_uint_eq(in(0x4d0), ELCR_ALL_LEVEL); /* 0-2 can't be */
    out(0x4d1, 0xff);
    ck_assert_uint_eq(in(0x4d1), 0xde);
    pic_init(1);
    out(0x21, 0x01);
    irq4(1);
    ck_assert_int_eq(machine_pic_ack(m), 0x24);
    out(0x20, 0x20);
    ck_assert(machine_intr(m)); /* still high: again */
    irq4(0);
    ck_assert(!machine_intr(m));
}
END_TEST

START_TEST(pic_init_resets)
{
    pic_init(1);
    out(0x21, 0x01);
    irq4(1);
    machine_pic_ack(m);
    irq3(1);
    out(0x20, 0x11);
    ck_assert(!machine_intr(m));
    out(0x21, 0x40);
    out(0x21, 0x04);
    out(0x21, 0x01);
    out(0x20, 0x0b);
    ck_assert_uint_eq(in(0x20), 0);
    out(0x20, 0x0a);
    ck_assert_uint_eq(in(0x20) & 0x18, 0); /* edges before are forgotten */
    ck_assert_uint_eq(in(0x21), 0);
    irq4(0);
    irq4(1);
    ck_assert_int_eq(machine_pic_ack(m), 0x44);
}
END_TEST

/* Two devices on one line: it falls when both let go. */
START_TEST(irq_sharing)
{
    dev_teardown();
    static struct chardev com3;
    fake_host_reset();
    struct machine_config config = {
        .ram_size = 2 << 20, .serial = { &com1, NULL, &com3 }, .debug_exit_iobase = -1
    };
    dev_machine(&config);
    pic_init(1);
    out(0x21, 0x01);
    out(0x4d0, 0x10);
    out(0x3f9, 2);
    out(0x3e9, 2);
    ck_assert(machine_intr(m));
    out(0x3f9, 0);
    ck_assert(machine_intr(m));
    out(0x3e9, 0);
    ck_assert(!machine_intr(m));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pic_basics, pic_cascade, pic_spurious, pic_auto_eoi_rotate, pic_special_mask, pic_poll,
        pic_level, pic_init_resets, irq_sharing
    };
    return dev_run("pic", tests, sizeof(tests) / sizeof(tests[0]));
}
