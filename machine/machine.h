/* The PC: what devices use to be reached, and what the rest of the program asks of it.
 * Devices never see a vCPU: they raise lines. */
#ifndef STITCH86_MACHINE_H
#define STITCH86_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct phys_mem;
struct chardev;
struct machine;

/* ---- port I/O (ioport.c) ---- */
struct ioport_ops {
    /* size 1, 2 or 4; a device that leaves a size out gets it split into bytes. */
    uint32_t (*read)(void *opaque, uint16_t port, unsigned size);
    void (*write)(void *opaque, uint16_t port, uint32_t value, unsigned size);
    unsigned sizes; /* mask of sizes it takes: 1|2|4; 0 means 1 */
};
void ioport_register(struct machine *m, uint16_t port, unsigned count, const struct ioport_ops *ops, void *opaque,
                     const char *name);
/* Unknown ports read all ones, and are logged once each (-d unimp). */
uint32_t ioport_read(struct machine *m, uint16_t port, unsigned size);
void ioport_write(struct machine *m, uint16_t port, uint32_t value, unsigned size);

/* ---- interrupt lines ---- */
typedef void irq_handler(void *opaque, int line, int level);
struct irq_line {
    irq_handler *handler;
    void *opaque;
    int line;
};
static inline void irq_set(struct irq_line *l, int level)
{
    if (l->handler)
        l->handler(l->opaque, l->line, level);
}

/* ---- the machine ---- */
struct machine_hooks { /* how the machine reaches the CPU, given by runtime */
    void (*set_intr)(void *opaque, int level); /* INTR pin of the master 8259 */
    void (*nmi)(void *opaque);
    void (*set_a20)(void *opaque, bool on);
    void (*reset)(void *opaque);               /* keyboard controller, port 92, triple fault */
    void (*power_off)(void *opaque, int exit_status); /* ends the run */
    bool (*ferr)(void *opaque);
    void *opaque;
};

struct machine_config {
    uint64_t ram_size;
    struct chardev *serial[4]; /* NULL: the port exists only if serial_present */
    bool serial_present[4];
    struct chardev *debugcon;  /* port 0xe9, or NULL */
    int debug_exit_iobase;     /* -1: none */
    int debug_exit_iosize;
    bool no_reboot;            /* a reset ends the run with status 0 */
    int profile_port;          /* 0: none.  Guest writes to it go to profile_mark: 1 starts, 0 stops */
    void (*profile_mark)(void *opaque, bool start);
    void *profile_opaque;
    const char *rtc_base;      /* NULL: now */
};

struct machine *machine_new(struct phys_mem *mem, const struct machine_config *config, const struct machine_hooks *hooks);
void machine_free(struct machine *m);
void machine_reset(struct machine *m);
/* INTA cycle: the vector the 8259 pair gives (spurious 7/15 included). */
int machine_pic_ack(struct machine *m);
/* FERR#: x87 error pending line (IRQ 13), level. */
void machine_set_ferr(struct machine *m, int level);
/* Is there an interrupt line pending (what INTR shows)? */
bool machine_intr(struct machine *m);
/* IGNNE#: x87 errors are not to stop the CPU (after a write to port f0, until FERR# falls). */
bool machine_ignne(const struct machine *m);
/* What a reset pulse does: hooks.reset, or with no_reboot hooks.power_off with status 0. */
void machine_request_reset(struct machine *m);

/* ---- character devices (chardev.c): serial ports, debug console ---- */
typedef void chardev_receive(void *opaque, const uint8_t *buf, unsigned len);
typedef unsigned chardev_can_receive(void *opaque); /* bytes the front end takes now */
/* spec as -serial takes it: stdio, mon:stdio, null, file:PATH, none is NULL.  On error: NULL and
 * *error, a malloc'd message. */
struct chardev *chardev_new(const char *spec, char **error);
void chardev_set_frontend(struct chardev *c, chardev_can_receive *can, chardev_receive *receive, void *opaque);
/* All bytes are taken (a full pipe blocks). */
void chardev_write(struct chardev *c, const uint8_t *buf, unsigned len);
/* vCPU thread, from the timer/I-O event: hand buffered input to the front end. */
void chardev_poll_all(void);
void chardev_free(struct chardev *c);

/* ---- boot (boot-linux.c, boot-multiboot.c) ---- */
struct boot_config {
    const char *kernel, *initrd, *append; /* paths, command line; initrd may list Multiboot modules "f1 args,f2" */
    uint64_t ram_size;
};
/* What the CPU must look like when it starts (filled by the loaders, applied by runtime). */
struct boot_state {
    uint32_t eip, esp, eax, ebx, esi;
    uint32_t gdt_base; /* a flat GDT was put there */
    uint16_t gdt_limit, cs, ds;
};
/* Loads kernel (bzImage by the boot protocol, or Multiboot 1: detected) and tables into guest
 * memory.  false: *error is one malloc'd line. */
bool boot_load(struct machine *m, struct phys_mem *mem, const struct boot_config *config, struct boot_state *out, char **error);

#endif
