/* What test kernels use: isa-debug-exit ends the run with a status of theirs, port e9 is a
 * console without a driver (QEMU's devices of the same names); and the port by which a guest says what
 * part of a run -profile is to count. */
#include "pc.h"

static uint32_t exit_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque;
    (void)port;
    (void)size;
    return 0;
}

static void exit_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    (void)port;
    (void)size;
    pc_power_off(opaque, (int)((value << 1 | 1) & 0xff));
}

static uint32_t debugcon_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque;
    (void)port;
    (void)size;
    return 0xe9;
}

static void debugcon_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct machine *m = opaque;
    (void)port;
    (void)size;
    uint8_t byte = (uint8_t)value;
    chardev_write(m->config.debugcon, &byte, 1);
}

static uint32_t profile_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque;
    (void)port;
    (void)size;
    return 0;
}

static void profile_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct machine *m = opaque;
    (void)port;
    (void)size;
    m->config.profile_mark(m->config.profile_opaque, (value & 1) != 0);
}

static const struct ioport_ops exit_ops = { exit_read, exit_write, 1 | 2 | 4 };
static const struct ioport_ops debugcon_ops = { debugcon_read, debugcon_write, 1 };
static const struct ioport_ops profile_ops = { profile_read, profile_write, 1 };

void debug_ports_init(struct machine *m)
{
    if (m->config.debugcon)
        ioport_register(m, 0xe9, 1, &debugcon_ops, m, "debugcon");
    if (m->config.debug_exit_iobase >= 0 && m->config.debug_exit_iosize > 0)
        ioport_register(m, (uint16_t)m->config.debug_exit_iobase, (unsigned)m->config.debug_exit_iosize,
                        &exit_ops, m, "isa-debug-exit");
    if (m->config.profile_port)
        ioport_register(m, (uint16_t)m->config.profile_port, 1, &profile_ops, m, "profile");
}
