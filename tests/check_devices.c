/* The PC's devices, through their ports, against their data sheets.  Time is the test's. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake-host.h"
#include "machine.h"
#include "softmmu.h"

#define SECOND 1000000000ll

static struct machine *m;
static struct phys_mem *mem;
static struct chardev com1, debugcon;
static int resets, power_offs, power_status, intr_level, intr_rises;
static bool a20;

static void on_intr(void *opaque, int level)
{
    (void)opaque;
    if (level && !intr_level)
        intr_rises++;
    intr_level = level;
}

static void on_a20(void *opaque, bool on)
{
    (void)opaque;
    a20 = on;
}

static void on_reset(void *opaque)
{
    (void)opaque;
    resets++;
}

static void on_power_off(void *opaque, int status)
{
    (void)opaque;
    power_offs++;
    power_status = status;
}

static void make(bool no_reboot, uint64_t ram)
{
    struct machine_config config = {
        .ram_size = ram, .serial = { &com1 }, .serial_present = { false, true }, .debugcon = &debugcon,
        .debug_exit_iobase = 0xf4, .debug_exit_iosize = 4, .no_reboot = no_reboot
    };
    struct machine_hooks hooks = {
        .set_intr = on_intr, .set_a20 = on_a20, .reset = on_reset, .power_off = on_power_off
    };
    mem = phys_mem_new();
    m = machine_new(mem, &config, &hooks);
    ck_assert_ptr_nonnull(m);
}

static void setup(void)
{
    fake_host_reset();
    memset(&com1, 0, sizeof(com1));
    memset(&debugcon, 0, sizeof(debugcon));
    resets = power_offs = intr_level = intr_rises = 0;
    a20 = true;
    make(false, 64 << 20);
}

static void teardown(void)
{
    machine_free(m);
    phys_mem_free(mem);
}

static void out(uint16_t port, uint32_t v)
{
    ioport_write(m, port, v, 1);
}

static uint32_t in(uint16_t port)
{
    return ioport_read(m, port, 1);
}

/* ---- ports ---- */

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

/* ---- 8259 ---- */

#define ELCR_ALL_LEVEL 0xf8

static void pic_init(uint32_t icw4)
{
    out(0x20, 0x11);
    out(0x21, 0x20);
    out(0x21, 0x04);
    out(0x21, icw4);
    out(0xa0, 0x11);
    out(0xa1, 0x28);
    out(0xa1, 0x02);
    out(0xa1, icw4);
    out(0x21, 0);
    out(0xa1, 0);
}

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
    teardown();
    static struct chardev com3;
    fake_host_reset();
    struct machine_config config = {
        .ram_size = 2 << 20, .serial = { &com1, NULL, &com3 }, .debug_exit_iobase = -1
    };
    struct machine_hooks hooks = { .set_intr = on_intr };
    mem = phys_mem_new();
    m = machine_new(mem, &config, &hooks);
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

/* ---- 8254 ---- */

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

/* ---- RTC ---- */

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
    teardown();
    fake_host_reset();
    fake_rtc_seconds = seconds;
    make(false, 64 << 20);
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
    teardown();
    make(false, 5ull << 30);
    ck_assert_uint_eq(cmos(0x17) | cmos(0x18) << 8, 65535);
    ck_assert_uint_eq(cmos(0x34) | cmos(0x35) << 8, (0xe0000000 - 0x1000000) >> 16);
    ck_assert_uint_eq(cmos(0x5b) | cmos(0x5c) << 8 | cmos(0x5d) << 16, 0x60000000 >> 16);
    hwaddr base, size;
    uint8_t *host;
    ck_assert(phys_mem_ram_region(mem, 2, &base, &size, &host));
    ck_assert(base == 1ull << 32 && size == 0x60000000);
}
END_TEST

/* ---- 16550A ---- */

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

/* ---- keyboard controller, port 92 ---- */

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
    teardown();
    make(true, 2 << 20);
    out(0x64, 0xfe);
    ck_assert(resets == 3 && power_offs == 1 && power_status == 0);
}
END_TEST

/* ---- the rest ---- */

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

static uint32_t mem32(hwaddr at)
{
    uint32_t v;
    phys_mem_read(mem, at, &v, 4);
    return v;
}

static unsigned checksum(hwaddr at, unsigned len)
{
    uint8_t sum = 0, c;
    for (unsigned i = 0; i < len; i++) {
        phys_mem_read(mem, at + i, &c, 1);
        sum = (uint8_t)(sum + c);
    }
    return sum;
}

START_TEST(acpi_tables)
{
    hwaddr rsdp = 0xe0000;
    char sig[9] = "";
    for (; rsdp < 0x100000; rsdp += 16) {
        phys_mem_read(mem, rsdp, sig, 8);
        if (!strcmp(sig, "RSD PTR "))
            break;
    }
    ck_assert_uint_lt(rsdp, 0x100000);
    ck_assert_uint_eq(checksum(rsdp, 20), 0);
    uint32_t rsdt = mem32(rsdp + 16);
    ck_assert_uint_eq(mem32(rsdt), 0x54445352);
    ck_assert_uint_eq(checksum(rsdt, mem32(rsdt + 4)), 0);
    uint32_t fadt = mem32(rsdt + 36);
    ck_assert_uint_eq(mem32(fadt), 0x50434146);
    ck_assert_uint_eq(mem32(fadt + 4), 116);
    ck_assert_uint_eq(checksum(fadt, 116), 0);
    uint32_t dsdt = mem32(fadt + 40), facs = mem32(fadt + 36);
    ck_assert_uint_eq(mem32(dsdt), 0x54445344);
    ck_assert_uint_eq(checksum(dsdt, mem32(dsdt + 4)), 0);
    ck_assert(mem32(facs) == 0x53434146 && facs % 64 == 0);
    /* Power off by what the tables say. */
    uint16_t pm1_cnt = (uint16_t)mem32(fadt + 64);
    uint8_t s5[14];
    phys_mem_read(mem, dsdt + 36, s5, sizeof(s5));
    ck_assert_mem_eq(s5, "\x08_S5_\x12\x08\x04\x0a", 9);
    ck_assert_uint_eq(ioport_read(m, pm1_cnt, 2), 1); /* SCI_EN */
    ioport_write(m, pm1_cnt, (uint32_t)s5[9] << 10, 2);
    ck_assert_int_eq(power_offs, 0);
    ioport_write(m, pm1_cnt, 0x2000 | (uint32_t)(s5[9] ^ 7) << 10, 2);
    ck_assert_int_eq(power_offs, 0);
    ioport_write(m, pm1_cnt, 0x2000 | (uint32_t)s5[9] << 10, 2);
    ck_assert(power_offs == 1 && power_status == 0);
}
END_TEST

START_TEST(acpi_timer)
{
    fake_advance_to(SECOND);
    ck_assert_uint_eq(ioport_read(m, 0x608, 4), 3579545);
    fake_advance_to(10 * SECOND);
    ck_assert_uint_eq(ioport_read(m, 0x608, 4), 35795450 & 0xffffff);
    ck_assert_uint_eq(ioport_read(m, 0x600, 2) & 1, 1);
    ioport_write(m, 0x600, 1, 2);
    ck_assert_uint_eq(ioport_read(m, 0x600, 2) & 1, 0);
    pic_init(1);
    out(0x4d1, 0x02);
    out(0x21, 0xfb);
    out(0xa1, 0xfd);
    ioport_write(m, 0x602, 0x21, 2);
    ck_assert_uint_eq(ioport_read(m, 0x602, 2), 0x21);
    ck_assert(!machine_intr(m));
    fake_advance(3 * SECOND);
    ck_assert_int_eq(machine_pic_ack(m), 0x29);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    ck_assert(machine_intr(m)); /* level */
    out(0x600, 1); /* a byte */
    ck_assert(!machine_intr(m));
    fake_advance(3 * SECOND);
    ck_assert(machine_intr(m));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        unknown_ports, pic_basics, pic_cascade, pic_spurious, pic_auto_eoi_rotate, pic_special_mask,
        pic_poll, pic_level, pic_init_resets, irq_sharing, pit_mode0, pit_mode1, pit_mode2, pit_mode3,
        pit_mode4_5, pit_bcd, pit_access, pit_irq0, port61, rtc_time, rtc_uip, rtc_interrupts,
        cmos_memory, uart_identify, uart_transmit, uart_receive, uart_flow, uart_loopback, uart_priority,
        uart_without_host, kbc_controller, kbc_keyboard, a20_gates, reset_lines, debug_ports, ferr,
        acpi_tables, acpi_timer
    };
    Suite *s = suite_create("devices");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
