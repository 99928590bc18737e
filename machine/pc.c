/* The machine: an ISA PC with 8259s, 8254, RTC, keyboard controller, 16550As, and as much ACPI as
 * power-off needs.  RAM is at 0-640K, from 1M to 3.5G, and from 4G. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "pc.h"

#define LOW_RAM_END 0xa0000u
#define BIOS_BASE 0xe0000u
#define BIOS_SIZE 0x20000u
#define RAM_HOLE 0xe0000000ull

static void set_isa_irq(void *opaque, int line, int level)
{
    struct machine *m = opaque;
    int irq = line & 15;
    uint32_t source = 1u << (line >> 4);
    if (level)
        m->irq_sources[irq] |= source;
    else
        m->irq_sources[irq] &= ~source;
    pic_set_irq(m->pic, irq, m->irq_sources[irq] != 0);
}

struct irq_line pc_irq(struct machine *m, int irq)
{
    return (struct irq_line){ set_isa_irq, m, irq | m->irq_source_count[irq]++ << 4 };
}

void pc_set_a20(struct machine *m, bool on)
{
    if (m->a20 == on)
        return;
    m->a20 = on;
    if (m->hooks.set_a20)
        m->hooks.set_a20(m->hooks.opaque, on);
}

void pc_power_off(struct machine *m, int exit_status)
{
    if (m->hooks.power_off)
        m->hooks.power_off(m->hooks.opaque, exit_status);
}

void machine_request_reset(struct machine *m)
{
    if (m->config.no_reboot)
        pc_power_off(m, 0);
    else if (m->hooks.reset)
        m->hooks.reset(m->hooks.opaque);
}

/* ---- memory ---- */

static bool add_memory(struct machine *m)
{
    uint64_t size = m->config.ram_size;
    uint64_t low = size < LOW_RAM_END ? size & ~0xfffull : LOW_RAM_END;
    if (low && !phys_mem_add_ram(m->mem, 0, low, "ram-low"))
        return false;
    if (size > 1u << 20) {
        uint64_t end = size < RAM_HOLE ? size & ~0xfffull : RAM_HOLE;
        if (end > 1u << 20 && !phys_mem_add_ram(m->mem, 1u << 20, end - (1u << 20), "ram"))
            return false;
    }
    if (size > RAM_HOLE && !phys_mem_add_ram(m->mem, 1ull << 32, (size - RAM_HOLE) & ~0xfffull, "ram-high"))
        return false;
    m->bios = phys_mem_add_rom(m->mem, BIOS_BASE, BIOS_SIZE, "bios");
    m->bios_high = phys_mem_add_rom(m->mem, (1ull << 32) - BIOS_SIZE, BIOS_SIZE, "bios-high");
    return m->bios && m->bios_high;
}

/* There is no firmware: the area has tables, a date where a PC has it, and a reset vector that halts. */
static void build_bios(struct machine *m)
{
    static const uint8_t reset_vector[] = { 0xfa, 0xf4, 0xeb, 0xfd }; /* cli; 1: hlt; jmp 1b */
    static const char date[] = "01/01/99";
    memset(m->bios, 0xff, BIOS_SIZE);
    acpi_build_tables(m->bios);
    memcpy(m->bios + BIOS_SIZE - 16, reset_vector, sizeof(reset_vector));
    memcpy(m->bios + BIOS_SIZE - 11, date, sizeof(date) - 1);
    m->bios[BIOS_SIZE - 2] = 0xfc; /* model byte: AT */
    memcpy(m->bios_high, m->bios, BIOS_SIZE);
}

static void put16(struct machine *m, hwaddr addr, uint16_t v)
{
    uint8_t b[2] = { (uint8_t)v, (uint8_t)(v >> 8) };
    phys_mem_write(m->mem, addr, b, 2);
}

/* The BIOS data area's facts about devices; those about memory are the boot loaders' to write. */
static void build_bda(struct machine *m)
{
    static const uint16_t ports[4] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
    unsigned count = 0;
    for (unsigned i = 0; i < 4; i++)
        put16(m, 0x400 + 2 * i, 0);
    for (unsigned i = 0; i < 4; i++) {
        if (m->uart[i])
            put16(m, 0x400 + 2 * count++, ports[i]);
    }
    put16(m, 0x410, (uint16_t)(0x0002 | count << 9)); /* x87 */
}

/* Memory sizes as firmware leaves them in CMOS (the AT's and PhoenixBIOS's registers). */
static void build_cmos(struct machine *m)
{
    uint64_t size = m->config.ram_size, high = 0;
    if (size > RAM_HOLE) {
        high = (size - RAM_HOLE) >> 16;
        size = RAM_HOLE;
    }
    uint64_t ext_kib = size > 1u << 20 ? (size >> 10) - 1024 : 0;
    if (ext_kib > 65535)
        ext_kib = 65535;
    uint64_t above_16m = size > 16u << 20 ? (size - (16u << 20)) >> 16 : 0;
    rtc_set_cmos(m->rtc, 0x15, 640 & 0xff);
    rtc_set_cmos(m->rtc, 0x16, 640 >> 8);
    rtc_set_cmos(m->rtc, 0x17, (uint8_t)ext_kib);
    rtc_set_cmos(m->rtc, 0x18, (uint8_t)(ext_kib >> 8));
    rtc_set_cmos(m->rtc, 0x30, (uint8_t)ext_kib);
    rtc_set_cmos(m->rtc, 0x31, (uint8_t)(ext_kib >> 8));
    rtc_set_cmos(m->rtc, 0x34, (uint8_t)above_16m);
    rtc_set_cmos(m->rtc, 0x35, (uint8_t)(above_16m >> 8));
    rtc_set_cmos(m->rtc, 0x5b, (uint8_t)high);
    rtc_set_cmos(m->rtc, 0x5c, (uint8_t)(high >> 8));
    rtc_set_cmos(m->rtc, 0x5d, (uint8_t)(high >> 16));
    rtc_set_cmos(m->rtc, 0x14, 0x02); /* equipment: x87 */
    unsigned sum = 0;
    for (unsigned i = 0x10; i < 0x2e; i++)
        sum += rtc_get_cmos(m->rtc, i);
    rtc_set_cmos(m->rtc, 0x2e, (uint8_t)(sum >> 8));
    rtc_set_cmos(m->rtc, 0x2f, (uint8_t)sum);
}

/* ---- the whole ---- */

struct machine *machine_new(struct phys_mem *mem, const struct machine_config *config,
                            const struct machine_hooks *hooks)
{
    static const struct {
        uint16_t base;
        int irq;
    } serial[4] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };
    struct machine *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->mem = mem;
    m->config = *config;
    m->hooks = *hooks;
    m->a20 = true;
    if (!add_memory(m)) {
        machine_free(m);
        return NULL;
    }
    m->pic = pic_new(m);
    if (!m->pic) {
        machine_free(m);
        return NULL;
    }
    m->ferr_irq = pc_irq(m, 13);
    m->pit = pit_new(m, pc_irq(m, 0));
    m->rtc = rtc_new(m, pc_irq(m, 8));
    m->i8042 = i8042_new(m, pc_irq(m, 1));
    for (unsigned i = 0; i < 4; i++) {
        if (config->serial[i] || config->serial_present[i])
            m->uart[i] = uart_new(m, serial[i].base, pc_irq(m, serial[i].irq), config->serial[i]);
    }
    system_ports_init(m);
    debug_ports_init(m);
    m->acpi = acpi_new(m, pc_irq(m, 9));
    if (!m->pit || !m->rtc || !m->i8042 || !m->acpi) {
        machine_free(m);
        return NULL;
    }
    machine_reset(m);
    return m;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    for (unsigned i = 0; i < 4; i++)
        uart_free(m->uart[i]);
    acpi_free(m->acpi);
    i8042_free(m->i8042);
    rtc_free(m->rtc);
    pit_free(m->pit);
    pic_free(m->pic);
    free(m);
}

void machine_reset(struct machine *m)
{
    pit_reset(m->pit);
    rtc_reset(m->rtc);
    i8042_reset(m->i8042);
    for (unsigned i = 0; i < 4; i++) {
        if (m->uart[i])
            uart_reset(m->uart[i]);
    }
    system_ports_reset(m);
    acpi_reset(m->acpi);
    pic_reset(m->pic);
    pc_set_a20(m, true);
    build_bios(m);
    build_bda(m);
    build_cmos(m);
}

int machine_pic_ack(struct machine *m)
{
    return pic_ack(m->pic);
}

bool machine_intr(struct machine *m)
{
    return pic_intr(m->pic);
}
