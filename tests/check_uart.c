/* The 16550A serial port against its data sheet. */
#include "device-env.h"

#define U 0x3f8

START_TEST(uart_identify)
{
    /* What Linux's 8250 driver does to tell a 16550A. */
    out(U + 1, 0);
    ck_assert_uint_eq(in(U + 1) & 0x0f, 0);
    out(U + 1, 0x0f);
    ck_assert_uint_eq(in(U + 1), 0x0f);
    out(U + 1, 0xff);
    ck_assert_uint_eq(in(U + 1), 0x0f);
    out(U + 1, 0);
    out(U + 4, 0x1a); /* loop, OUT2, RTS */
    ck_assert_uint_eq(in(U + 6) & 0xf0, 0x90);
    out(U + 4, 0);
    out(U + 2, 1);
    ck_assert_uint_eq(in(U + 2) & 0xc0, 0xc0);
    out(U + 2, 0x21); /* no 64-byte FIFO */
    ck_assert_uint_eq(in(U + 2) & 0xe0, 0xc0);
    out(U + 2, 0);
    ck_assert_uint_eq(in(U + 2), 0x01);
    out(U + 3, 0x80);
    out(U, 0x0c);
    out(U + 1, 0x34);
    ck_assert_uint_eq(in(U), 0x0c);
    ck_assert_uint_eq(in(U + 1), 0x34);
    out(U + 3, 3);
    out(U + 7, 0xa5);
    ck_assert_uint_eq(in(U + 7), 0xa5);
    ck_assert_uint_eq(in(U + 5), 0x60);
    ck_assert_uint_eq(in(U + 6), 0xb2); /* DSR has changed since the loop */
    ck_assert_uint_eq(in(U + 6), 0xb0);
}
END_TEST

START_TEST(uart_transmit)
{
    out(U, 'a'); /* THRE was never enabled: no interrupt */
    out(U + 1, 2);
    ck_assert_uint_eq(in(U + 2), 0x02); /* enabling it while empty raises it */
    ck_assert_uint_eq(in(U + 2), 0x01); /* reading IIR took it back */
    out(U, 'b');
    ck_assert_uint_eq(in(U + 2), 0x02);
    out(U + 1, 0);
    ck_assert_uint_eq(in(U + 2), 0x01);
    out(U + 1, 2);
    ck_assert_uint_eq(in(U + 2), 0x02);
    ck_assert_uint_eq(com1.sent_count, 2);
    ck_assert_mem_eq(com1.sent, "ab", 2);
    pic_init(1);
    out(0x21, 0xef);
    out(U + 1, 0);
    out(U + 1, 2);
    ck_assert_int_eq(machine_pic_ack(m), 0x24);
    out(0x20, 0x20);
    ck_assert(!machine_intr(m));
    out(U, 'c'); /* a new edge */
    ck_assert(machine_intr(m));
}
END_TEST

START_TEST(uart_receive)
{
    out(U + 1, 1);
    fake_input(&com1, "xy", 2);
    ck_assert_uint_eq(in(U + 5) & 1, 1);
    ck_assert_uint_eq(in(U + 2), 0x04);
    ck_assert_uint_eq(in(U), 'x');
    ck_assert_uint_eq(in(U + 5) & 1, 0); /* without FIFO, the next comes a character later */
    ck_assert_uint_eq(in(U + 2), 0x01);
    fake_advance(80000);
    ck_assert_uint_eq(in(U + 5) & 1, 0);
    fake_advance(10000);
    ck_assert_uint_eq(in(U), 'y');
    fake_advance(SECOND);
    /* FIFO with trigger level 4: two bytes give a time-out after four characters. */
    out(U + 2, 0x47);
    fake_input(&com1, "pq", 2);
    ck_assert_uint_eq(in(U + 2), 0xc1);
    ck_assert_uint_eq(in(U + 5) & 1, 1);
    fake_advance(346000);
    ck_assert_uint_eq(in(U + 2), 0xc1);
    fake_advance(3000);
    ck_assert_uint_eq(in(U + 2), 0xcc);
    ck_assert_uint_eq(in(U), 'p');
    ck_assert_uint_eq(in(U + 2), 0xc1);
    fake_advance(350000);
    ck_assert_uint_eq(in(U + 2), 0xcc);
    ck_assert_uint_eq(in(U), 'q');
    fake_advance(SECOND);
    ck_assert_uint_eq(in(U + 2), 0xc1);
    fake_input(&com1, "1234", 4);
    ck_assert_uint_eq(in(U + 2), 0xc4); /* trigger level */
    in(U);
    ck_assert_uint_eq(in(U + 2), 0xc1);
    out(U + 2, 0x03); /* reset the receiver's FIFO */
    ck_assert_uint_eq(in(U + 5) & 1, 0);
}
END_TEST

/* Nothing is lost and order is kept, however slowly the guest reads. */
START_TEST(uart_flow)
{
    char text[1000];
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 7);
    out(U + 2, 0x01);
    fake_input(&com1, text, sizeof(text));
    for (unsigned i = 0; i < sizeof(text); i++) {
        while (!(in(U + 5) & 1))
            fake_advance(1000);
        ck_assert_uint_eq(in(U), (uint8_t)text[i]);
        ck_assert_uint_eq(in(U + 5) & 2, 0);
        if (i % 100 == 0)
            fake_advance(SECOND);
    }
    fake_advance(SECOND);
    ck_assert_uint_eq(in(U + 5) & 1, 0);
}
END_TEST

START_TEST(uart_loopback)
{
    out(U + 2, 0x01);
    out(U + 4, 0x10);
    fake_input(&com1, "z", 1); /* the line is cut off */
    ck_assert_uint_eq(in(U + 5) & 1, 0);
    for (unsigned i = 0; i < 16; i++)
        out(U, 0x40 + i);
    ck_assert_uint_eq(com1.sent_count, 0);
    ck_assert_uint_eq(in(U + 5) & 3, 1);
    out(U, 0x99); /* the seventeenth */
    ck_assert_uint_eq(in(U + 5) & 3, 3);
    ck_assert_uint_eq(in(U + 5) & 3, 1); /* OE is cleared by reading */
    for (unsigned i = 0; i < 16; i++)
        ck_assert_uint_eq(in(U), 0x40 + i);
    ck_assert_uint_eq(in(U + 5) & 1, 0);
    out(U + 3, 0x43); /* break */
    ck_assert_uint_eq(in(U + 5) & 0x91, 0x91);
    ck_assert_uint_eq(in(U), 0);
    out(U + 3, 3);
    out(U + 4, 0);
    fake_advance(1000000);
    ck_assert_uint_eq(in(U), 'z');
    /* Modem status: deltas, TERI at the falling edge of RI only. */
    in(U + 6);
    out(U + 4, 0x14);
    in(U + 6);
    out(U + 4, 0x10);
    ck_assert_uint_eq(in(U + 6), 0x04);
    out(U + 1, 8);
    out(U + 4, 0x11);
    ck_assert_uint_eq(in(U + 2), 0xc0);
    ck_assert_uint_eq(in(U + 6), 0x22);
    ck_assert_uint_eq(in(U + 2), 0xc1);
}
END_TEST

START_TEST(uart_priority)
{
    out(U + 2, 0x01);
    out(U + 4, 0x10);
    in(U + 6);
    out(U + 1, 0x0f);
    out(U + 4, 0x12);
    for (unsigned i = 0; i < 17; i++)
        out(U, i);
    ck_assert_uint_eq(in(U + 2), 0xc6);
    in(U + 5);
    ck_assert_uint_eq(in(U + 2), 0xc4);
    for (unsigned i = 0; i < 16; i++)
        in(U);
    ck_assert_uint_eq(in(U + 2), 0xc2);
    ck_assert_uint_eq(in(U + 2), 0xc0);
    in(U + 6);
    ck_assert_uint_eq(in(U + 2), 0xc1);
}
END_TEST

START_TEST(uart_without_host)
{
    out(0x2f8, 'x'); /* present, not connected */
    ck_assert_uint_eq(in(0x2fd), 0x60);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        uart_identify, uart_transmit, uart_receive, uart_flow, uart_loopback, uart_priority,
        uart_without_host
    };
    return dev_run("uart", tests, sizeof(tests) / sizeof(tests[0]));
}
