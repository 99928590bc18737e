/* ACPI: the tables, and power management by what they say. */
#include "device-env.h"

#include <string.h>

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
        acpi_tables, acpi_timer
    };
    return dev_run("acpi", tests, sizeof(tests) / sizeof(tests[0]));
}
