/* The I/O port space. */
#include <stdlib.h>

#include "log.h"
#include "pc.h"

void ioport_register(struct machine *m, uint16_t port, unsigned count, const struct ioport_ops *ops,
                     void *opaque, const char *name)
{
    if (m->handler_count + 1 == IOPORT_HANDLERS)
        abort();
    unsigned h = ++m->handler_count;
    m->handlers[h] = (struct ioport_handler){ ops, opaque, name };
    for (unsigned i = 0; i < count && port + i < 0x10000; i++)
        m->port_handler[port + i] = (uint8_t)h;
}

static void log_unknown(struct machine *m, uint16_t port, const char *what)
{
    if (!log_enabled(LOG_UNIMP) || (m->port_logged[port >> 3] >> (port & 7) & 1))
        return;
    m->port_logged[port >> 3] |= (uint8_t)(1u << (port & 7));
    log_printf("unassigned port %s at %#x\n", what, port);
}

static unsigned accepted_sizes(const struct ioport_ops *ops)
{
    return ops->sizes ? ops->sizes : 1;
}

uint32_t ioport_read(struct machine *m, uint16_t port, unsigned size)
{
    unsigned h = m->port_handler[port];
    if (h && (accepted_sizes(m->handlers[h].ops) & size)) {
        uint32_t v = m->handlers[h].ops->read(m->handlers[h].opaque, port, size);
        return size == 4 ? v : v & ((1u << 8 * size) - 1);
    }
    if (size > 1) {
        uint32_t v = 0;
        for (unsigned i = 0; i < size; i++)
            v |= ioport_read(m, (uint16_t)(port + i), 1) << 8 * i;
        return v;
    }
    if (!h)
        log_unknown(m, port, "read");
    return 0xff;
}

void ioport_write(struct machine *m, uint16_t port, uint32_t value, unsigned size)
{
    unsigned h = m->port_handler[port];
    if (h && (accepted_sizes(m->handlers[h].ops) & size)) {
        if (size < 4)
            value &= (1u << 8 * size) - 1;
        m->handlers[h].ops->write(m->handlers[h].opaque, port, value, size);
    } else if (size > 1) {
        for (unsigned i = 0; i < size; i++)
            ioport_write(m, (uint16_t)(port + i), value >> 8 * i & 0xff, 1);
    } else if (!h) {
        log_unknown(m, port, "write");
    }
}
