/* What the PC's devices share.  Each device is an opaque structure made by NAME_new(),
 * which registers its ports; NAME_reset() is RESET. */
#ifndef STITCH86_PC_H
#define STITCH86_PC_H

#include "machine.h"
#include "softmmu.h"

#define ISA_IRQS 16
#define IOPORT_HANDLERS 64

struct ioport_handler {
    const struct ioport_ops *ops;
    void *opaque;
    const char *name;
};

struct machine {
    struct phys_mem *mem;
    struct machine_config config;
    struct machine_hooks hooks;

    /* ioport.c: 0 is "nobody". */
    uint8_t port_handler[0x10000];
    struct ioport_handler handlers[IOPORT_HANDLERS];
    unsigned handler_count;
    uint8_t port_logged[0x10000 / 8];

    /* Devices that share an interrupt are wired together (OR). */
    uint32_t irq_sources[ISA_IRQS];
    uint8_t irq_source_count[ISA_IRQS];

    bool a20;
    bool ferr, ignne;
    uint8_t *bios;      /* e0000-fffff */
    uint8_t *bios_high; /* the same below 4 GiB, where the reset vector is */

    struct pic *pic;
    struct pit *pit;
    struct rtc *rtc;
    struct i8042 *i8042;
    struct uart *uart[4];
    struct acpi_pm *acpi;
    struct irq_line ferr_irq;
    uint8_t port92;
    uint8_t dma_page[16];
};

/* A new input of the ISA interrupt line. */
struct irq_line pc_irq(struct machine *m, int irq);
/* The A20 gate, which the keyboard controller and port 92 both move: the last one wins. */
void pc_set_a20(struct machine *m, bool on);
void pc_power_off(struct machine *m, int exit_status);

struct pic *pic_new(struct machine *m);
void pic_free(struct pic *p);
void pic_reset(struct pic *p);
void pic_set_irq(struct pic *p, int irq, int level); /* 0-15 */
int pic_ack(struct pic *p);
bool pic_intr(const struct pic *p);

struct pit *pit_new(struct machine *m, struct irq_line irq0);
void pit_free(struct pit *p);
void pit_reset(struct pit *p);

struct rtc *rtc_new(struct machine *m, struct irq_line irq8);
void rtc_free(struct rtc *r);
void rtc_reset(struct rtc *r);
void rtc_set_cmos(struct rtc *r, unsigned index, uint8_t value);
uint8_t rtc_get_cmos(const struct rtc *r, unsigned index);

struct uart *uart_new(struct machine *m, uint16_t base, struct irq_line irq, struct chardev *chr);
void uart_free(struct uart *u);
void uart_reset(struct uart *u);

struct i8042 *i8042_new(struct machine *m, struct irq_line irq1);
void i8042_free(struct i8042 *k);
void i8042_reset(struct i8042 *k);

void debug_ports_init(struct machine *m); /* isa-debug-exit, debug console */
void system_ports_init(struct machine *m); /* 80-8f, 92, f0, f1 */
void system_ports_reset(struct machine *m);

struct acpi_pm *acpi_new(struct machine *m, struct irq_line sci);
void acpi_free(struct acpi_pm *a);
void acpi_reset(struct acpi_pm *a);
/* Put the tables into the image of e0000-fffff. */
void acpi_build_tables(uint8_t *bios);

#endif
