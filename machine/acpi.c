/* As much ACPI 1.0 as soft power-off needs: fixed hardware with the PM timer (PM1a event, control
 * and timer blocks at ports 600-60b, SCI on IRQ 9), and tables in e0000-fffff.  The machine is
 * always in ACPI mode, thus there is no SMI command port; there is no MADT, thus kernels use the
 * 8259s. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "pc.h"

#define PM_BASE 0x600
#define PM_EVT (PM_BASE + 0)
#define PM_CNT (PM_BASE + 4)
#define PM_TMR (PM_BASE + 8)
#define SCI_IRQ 9
#define SLP_TYP_S5 5

#define PM_HZ 3579545ll
#define NS_PER_S 1000000000ll
#define TMR_HALF_BITS 23 /* TMR_STS is set when bit 23 of the 24-bit timer changes */

enum { STS_TMR = 1, STS_MASK = 0x8731, EN_MASK = 0x0721 };
enum { CNT_SCI_EN = 1, CNT_MASK = 0x1c02, CNT_SLP_EN = 0x2000 };

struct acpi_pm {
    struct machine *machine;
    struct irq_line sci;
    struct vtimer timer;
    uint16_t status, enable, control;
    int64_t seen_half; /* PM timer halves already accounted in TMR_STS */
};

static int64_t pm_ticks(int64_t ns)
{
    return ns / NS_PER_S * PM_HZ + ns % NS_PER_S * PM_HZ / NS_PER_S;
}

static int64_t ns_of_ticks(int64_t t)
{
    return t / PM_HZ * NS_PER_S + (t % PM_HZ * NS_PER_S + PM_HZ - 1) / PM_HZ;
}

/* TMR_STS for what passed, then the SCI, and a timer only if the next overflow interrupts. */
static void update(struct acpi_pm *a)
{
    int64_t half = pm_ticks(clock_now()) >> TMR_HALF_BITS;
    if (half != a->seen_half) {
        a->seen_half = half;
        a->status |= STS_TMR;
    }
    bool active = a->status & a->enable & EN_MASK;
    irq_set(&a->sci, active);
    if ((a->enable & STS_TMR) && !active)
        timer_mod(&a->timer, ns_of_ticks((half + 1) << TMR_HALF_BITS));
    else
        timer_del(&a->timer);
}

static void pm_timer(void *opaque)
{
    update(opaque);
}

static uint16_t read_reg(struct acpi_pm *a, uint16_t reg)
{
    uint32_t t;
    switch (reg) {
    case PM_EVT:
        update(a);
        return a->status;
    case PM_EVT + 2:
        return a->enable;
    case PM_CNT:
        return a->control;
    case PM_TMR:
    case PM_TMR + 2:
        t = (uint32_t)pm_ticks(clock_now()) & 0xffffff;
        return (uint16_t)(reg == PM_TMR ? t : t >> 16);
    default:
        return 0;
    }
}

static void write_reg(struct acpi_pm *a, uint16_t reg, uint16_t v)
{
    switch (reg) {
    case PM_EVT:
        update(a);
        a->status &= (uint16_t)~(v & STS_MASK); /* write one to clear */
        update(a);
        break;
    case PM_EVT + 2:
        a->enable = v & EN_MASK;
        update(a);
        break;
    case PM_CNT:
        a->control = (uint16_t)((v & CNT_MASK) | CNT_SCI_EN);
        if ((v & CNT_SLP_EN) && (v >> 10 & 7) == SLP_TYP_S5)
            pc_power_off(a->machine, 0);
        break;
    default:
        break;
    }
}

static uint32_t pm_read(void *opaque, uint16_t port, unsigned size)
{
    struct acpi_pm *a = opaque;
    uint16_t reg = port & ~1u;
    if (reg == PM_TMR && size == 4) /* one look at the clock, not two */
        return (uint32_t)pm_ticks(clock_now()) & 0xffffff;
    uint32_t v = (uint32_t)read_reg(a, reg) >> 8 * (port & 1);
    for (unsigned have = 2 - (port & 1); have < size; have += 2)
        v |= (uint32_t)read_reg(a, (uint16_t)(port + have)) << 8 * have;
    return v;
}

static void pm_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct acpi_pm *a = opaque;
    if (size == 1) {
        /* The other byte keeps its value; in a status register it must not clear anything. */
        uint16_t reg = port & ~1u;
        uint16_t old = reg == PM_EVT ? 0 : read_reg(a, reg);
        uint16_t v = (uint16_t)(port & 1 ? (old & 0xff) | value << 8 : (old & 0xff00) | value);
        write_reg(a, reg, v);
        return;
    }
    if (port & 1) {
        for (unsigned i = 0; i < size; i++)
            pm_write(opaque, (uint16_t)(port + i), value >> 8 * i & 0xff, 1);
        return;
    }
    write_reg(a, port, (uint16_t)value);
    if (size == 4)
        write_reg(a, (uint16_t)(port + 2), (uint16_t)(value >> 16));
}

static const struct ioport_ops pm_ops = { pm_read, pm_write, 1 | 2 | 4 };

void acpi_reset(struct acpi_pm *a)
{
    a->status = a->enable = 0;
    a->control = CNT_SCI_EN;
    a->seen_half = pm_ticks(clock_now()) >> TMR_HALF_BITS;
    update(a);
}

struct acpi_pm *acpi_new(struct machine *m, struct irq_line sci)
{
    struct acpi_pm *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->machine = m;
    a->sci = sci;
    timer_init(&a->timer, pm_timer, a);
    ioport_register(m, PM_BASE, 12, &pm_ops, a, "acpi-pm");
    return a;
}

void acpi_free(struct acpi_pm *a)
{
    if (a)
        timer_del(&a->timer);
    free(a);
}

/* ---- tables (ACPI specification 1.0b, chapter 5) ---- */

#define BIOS_BASE 0xe0000u
#define RSDP_AT 0x10000u /* kernels look at each 16 bytes */
#define RSDT_AT 0x10040u
#define FADT_AT 0x10080u
#define DSDT_AT 0x10100u
#define FACS_AT 0x10200u /* has to be 64-byte aligned */

static void put(uint8_t *p, unsigned offset, uint32_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        p[offset + i] = (uint8_t)(v >> 8 * i);
}

static void set_checksum(uint8_t *p, unsigned at, unsigned len)
{
    uint8_t sum = 0;
    p[at] = 0;
    for (unsigned i = 0; i < len; i++)
        sum = (uint8_t)(sum + p[i]);
    p[at] = (uint8_t)-sum;
}

/* The header of a description table (5.2.3). */
static void put_header(uint8_t *p, const char *signature, uint32_t len, uint8_t revision)
{
    memcpy(p, signature, 4);
    put(p, 4, len, 4);
    p[8] = revision;
    memcpy(p + 10, "STCH86", 6);
    memcpy(p + 16, "STITCHPC", 8);
    put(p, 24, 1, 4);
    memcpy(p + 28, "ST86", 4);
    put(p, 32, 1, 4);
}

/* Name (\_S5, Package (4) { 5, 5, 0, 0 }): the sleep types of soft-off for PM1a and PM1b. */
static const uint8_t s5_aml[] = {
    0x08,                   /* NameOp */
    '_', 'S', '5', '_',
    0x12, 0x08, 0x04,       /* PackageOp, PkgLength, NumElements */
    0x0a, SLP_TYP_S5,       /* BytePrefix */
    0x0a, SLP_TYP_S5,
    0x00, 0x00              /* ZeroOp */
};

void acpi_build_tables(uint8_t *bios)
{
    memset(bios + RSDP_AT, 0, FACS_AT + 64 - RSDP_AT);

    uint8_t *facs = bios + FACS_AT; /* 5.2.6 */
    memcpy(facs, "FACS", 4);
    put(facs, 4, 64, 4);

    uint8_t *dsdt = bios + DSDT_AT;
    uint32_t dsdt_len = 36 + sizeof(s5_aml);
    put_header(dsdt, "DSDT", dsdt_len, 1);
    memcpy(dsdt + 36, s5_aml, sizeof(s5_aml));
    set_checksum(dsdt, 9, dsdt_len);

    uint8_t *fadt = bios + FADT_AT; /* 5.2.5 */
    put_header(fadt, "FACP", 116, 1);
    put(fadt, 36, BIOS_BASE + FACS_AT, 4);
    put(fadt, 40, BIOS_BASE + DSDT_AT, 4);
    put(fadt, 46, SCI_IRQ, 2);
    put(fadt, 56, PM_EVT, 4);
    put(fadt, 64, PM_CNT, 4);
    put(fadt, 76, PM_TMR, 4);
    put(fadt, 88, 4, 1);     /* PM1_EVT_LEN */
    put(fadt, 89, 2, 1);     /* PM1_CNT_LEN */
    put(fadt, 91, 4, 1);     /* PM_TM_LEN */
    put(fadt, 96, 101, 2);   /* P_LVL2_LAT: over 100, no C2 */
    put(fadt, 98, 1001, 2);  /* P_LVL3_LAT: over 1000, no C3 */
    put(fadt, 108, 0x32, 1); /* CENTURY register of the RTC */
    /* WBINVD, PROC_C1; PWR_BUTTON, SLP_BUTTON: there is no fixed button; FIX_RTC: no wake-up by RTC. */
    put(fadt, 112, 1 | 4 | 0x10 | 0x20 | 0x40, 4);
    set_checksum(fadt, 9, 116);

    uint8_t *rsdt = bios + RSDT_AT; /* 5.2.4 */
    put_header(rsdt, "RSDT", 40, 1);
    put(rsdt, 36, BIOS_BASE + FADT_AT, 4);
    set_checksum(rsdt, 9, 40);

    uint8_t *rsdp = bios + RSDP_AT; /* 5.2.2 */
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, "STCH86", 6);
    put(rsdp, 16, BIOS_BASE + RSDT_AT, 4);
    set_checksum(rsdp, 8, 20);
}
