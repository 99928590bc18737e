/* Small ports of the system board: the POST (delay) port and DMA page registers, port 92, and the
 * coprocessor error latch. */
#include "pc.h"

/* 80-8f: plain latches.  80 is the diagnostics port, which kernels write to pass time. */
static uint32_t page_read(void *opaque, uint16_t port, unsigned size)
{
    struct machine *m = opaque;
    (void)size;
    return m->dma_page[port & 15];
}

static void page_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct machine *m = opaque;
    (void)size;
    m->dma_page[port & 15] = (uint8_t)value;
}

/* Port 92, System Control Port A: bit 1 is the A20 gate, a rising bit 0 resets the CPU. */
static uint32_t port92_read(void *opaque, uint16_t port, unsigned size)
{
    struct machine *m = opaque;
    (void)port;
    (void)size;
    return (m->port92 & ~2u) | (m->a20 ? 2 : 0);
}

static void port92_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct machine *m = opaque;
    (void)port;
    (void)size;
    bool reset = (value & 1) && !(m->port92 & 1);
    m->port92 = (uint8_t)value;
    pc_set_a20(m, value & 2);
    if (reset)
        machine_request_reset(m);
}

/* f0: clears IRQ 13, and asserts IGNNE# until the x87 takes FERR# back; f1 resets a
 * coprocessor that has long been inside the CPU. */
static uint32_t ferr_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque;
    (void)port;
    (void)size;
    return 0xff;
}

static void ferr_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct machine *m = opaque;
    (void)port;
    (void)value;
    (void)size;
    irq_set(&m->ferr_irq, 0);
    if (m->ferr)
        m->ignne = true;
}

static const struct ioport_ops page_ops = { page_read, page_write, 1 };
static const struct ioport_ops port92_ops = { port92_read, port92_write, 1 };
static const struct ioport_ops ferr_ops = { ferr_read, ferr_write, 1 };

void system_ports_reset(struct machine *m)
{
    m->port92 = 0;
    m->ferr = m->ignne = false;
    irq_set(&m->ferr_irq, 0);
    for (unsigned i = 0; i < sizeof(m->dma_page); i++)
        m->dma_page[i] = 0;
}

void system_ports_init(struct machine *m)
{
    ioport_register(m, 0x80, 16, &page_ops, m, "dma-page");
    ioport_register(m, 0x92, 1, &port92_ops, m, "port92");
    ioport_register(m, 0xf0, 2, &ferr_ops, m, "ferr");
}

void machine_set_ferr(struct machine *m, int level)
{
    bool was = m->ferr;
    m->ferr = level;
    if (!level)
        m->ignne = false;
    if (!level || !was)
        irq_set(&m->ferr_irq, level);
}

bool machine_ignne(const struct machine *m)
{
    return m->ignne;
}
