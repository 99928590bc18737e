/* 16550A UART (National Semiconductor PC16550D data sheet).
 *
 * A byte to be sent goes out at once: the transmitter is always empty.  Bytes are received no
 * faster than the line speed that is set, which is what keeps a guest's buffers from
 * overflowing when a whole file is pasted.  OUT2 does not gate the interrupt, since
 * small kernels that grew up on emulators never set it. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "pc.h"

#define FIFO_SIZE 16u
#define UART_CLOCK 1843200ll
#define NS_PER_S 1000000000ll

enum { IER_RDA = 1, IER_THRE = 2, IER_RLS = 4, IER_MSI = 8 };
enum {
    IIR_NONE = 1, IIR_MSI = 0, IIR_THRE = 2, IIR_RDA = 4, IIR_RLS = 6, IIR_TIMEOUT = 12, IIR_FIFOS = 0xc0
};
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2 };
enum { LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 16 };
enum {
    LSR_DR = 1, LSR_OE = 2, LSR_PE = 4, LSR_FE = 8, LSR_BI = 16, LSR_THRE = 32, LSR_TEMT = 64,
    LSR_FIFO_ERROR = 128
};
enum { MSR_DELTAS = 15, MSR_TERI = 4, MSR_CTS = 16, MSR_DSR = 32, MSR_RI = 64, MSR_DCD = 128 };

struct uart {
    struct irq_line irq;
    struct chardev *chr;
    struct vtimer timer; /* the receiver's: next character, or character time-out */
    uint8_t ier, fcr, lcr, mcr, lsr, msr, scr;
    uint16_t divisor;
    uint8_t rx[FIFO_SIZE], rx_break[FIFO_SIZE];
    unsigned rx_head, rx_count;
    bool thre_pending, timeout_pending;
    bool starved;        /* the host has more, there was no room */
    int64_t line_free;   /* when the line has brought what was received */
    int64_t timeout_at;  /* -1: no character time-out is running */
};

static bool fifos_on(const struct uart *u)
{
    return u->fcr & FCR_ENABLE;
}

static unsigned rx_capacity(const struct uart *u)
{
    return fifos_on(u) ? FIFO_SIZE : 1;
}

static unsigned rx_trigger(const struct uart *u)
{
    static const uint8_t levels[4] = { 1, 4, 8, 14 };
    return fifos_on(u) ? levels[u->fcr >> 6] : 1;
}

/* Time of a character on the line, ns: start, data, parity and stop bits at 16 clocks each. */
static int64_t char_time(const struct uart *u)
{
    int64_t bits = 1 + 5 + (u->lcr & 3) + (u->lcr >> 3 & 1) + 1 + (u->lcr >> 2 & 1);
    return bits * 16 * (u->divisor ? u->divisor : 65536) * NS_PER_S / UART_CLOCK;
}

/* ---- the interrupt ---- */

static uint8_t interrupt_id(const struct uart *u)
{
    if ((u->ier & IER_RLS) && (u->lsr & (LSR_OE | LSR_PE | LSR_FE | LSR_BI)))
        return IIR_RLS;
    if ((u->ier & IER_RDA) && u->rx_count >= rx_trigger(u))
        return IIR_RDA;
    if ((u->ier & IER_RDA) && u->timeout_pending)
        return IIR_TIMEOUT;
    if ((u->ier & IER_THRE) && u->thre_pending)
        return IIR_THRE;
    if ((u->ier & IER_MSI) && (u->msr & MSR_DELTAS))
        return IIR_MSI;
    return IIR_NONE;
}

static void update_irq(struct uart *u)
{
    irq_set(&u->irq, interrupt_id(u) != IIR_NONE);
}

static void arm(struct uart *u)
{
    int64_t at = u->timeout_at;
    if (u->starved && u->rx_count < rx_capacity(u) && (at < 0 || u->line_free < at))
        at = u->line_free;
    if (at < 0)
        timer_del(&u->timer);
    else
        timer_mod(&u->timer, at);
}

/* Data sits in the FIFO below the trigger level: four characters' time without traffic
 * make a time-out interrupt. */
static void restart_timeout(struct uart *u)
{
    u->timeout_pending = false;
    u->timeout_at = fifos_on(u) && u->rx_count ? clock_now() + 4 * char_time(u) : -1;
    arm(u);
}

/* ---- receiver ---- */

static void flag_head(struct uart *u)
{
    u->lsr &= (uint8_t)~(LSR_DR | LSR_FIFO_ERROR);
    if (!u->rx_count)
        return;
    u->lsr |= LSR_DR;
    for (unsigned i = 0; fifos_on(u) && i < u->rx_count; i++) {
        if (u->rx_break[(u->rx_head + i) % FIFO_SIZE])
            u->lsr |= LSR_FIFO_ERROR;
    }
    if (u->rx_break[u->rx_head]) {
        u->lsr |= LSR_BI;
        u->rx_break[u->rx_head] = 0; /* reported once, when it comes to the top */
    }
}

static void receive_char(struct uart *u, uint8_t c, bool brk)
{
    if (u->rx_count == rx_capacity(u)) {
        u->lsr |= LSR_OE;
        if (!fifos_on(u))
            u->rx[u->rx_head] = c; /* an overrun overwrites the one character there is */
    } else {
        unsigned tail = (u->rx_head + u->rx_count++) % FIFO_SIZE;
        u->rx[tail] = c;
        u->rx_break[tail] = brk;
    }
    flag_head(u);
    restart_timeout(u);
    update_irq(u);
}

static unsigned can_receive(void *opaque)
{
    struct uart *u = opaque;
    unsigned room = rx_capacity(u) - u->rx_count;
    if (u->mcr & MCR_LOOP)
        room = 0;
    if (clock_now() < u->line_free)
        room = 0;
    if (!room) {
        u->starved = true;
        arm(u);
    }
    return room;
}

static void receive(void *opaque, const uint8_t *buf, unsigned len)
{
    struct uart *u = opaque;
    int64_t now = clock_now();
    if (u->line_free < now)
        u->line_free = now;
    u->line_free += len * char_time(u);
    for (unsigned i = 0; i < len; i++)
        receive_char(u, buf[i], false);
    u->starved = true; /* there may be more: look when the line is free */
    arm(u);
}

static void uart_timer(void *opaque)
{
    struct uart *u = opaque;
    int64_t now = clock_now();
    if (u->timeout_at >= 0 && now >= u->timeout_at) {
        u->timeout_at = -1;
        u->timeout_pending = u->rx_count != 0;
        update_irq(u);
    }
    if (u->starved && now >= u->line_free && u->rx_count < rx_capacity(u)) {
        u->starved = false;
        if (!(u->mcr & MCR_LOOP))
            chardev_poll_all();
    }
    arm(u);
}

static uint8_t read_rbr(struct uart *u)
{
    uint8_t c = u->rx[u->rx_head];
    if (u->rx_count) {
        u->rx_head = (u->rx_head + 1) % FIFO_SIZE;
        u->rx_count--;
    }
    flag_head(u);
    restart_timeout(u);
    update_irq(u);
    return c;
}

static void clear_rx(struct uart *u)
{
    u->rx_head = u->rx_count = 0;
    memset(u->rx_break, 0, sizeof(u->rx_break));
    u->timeout_pending = false;
    u->timeout_at = -1;
    flag_head(u);
    arm(u);
}

/* ---- modem lines ---- */

/* What the inputs show: looped back, or a terminal that is always ready. */
static void update_modem(struct uart *u)
{
    uint8_t in = MSR_CTS | MSR_DSR | MSR_DCD;
    if (u->mcr & MCR_LOOP) {
        in = (uint8_t)((u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0)
                       | (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0));
    }
    uint8_t changed = (uint8_t)((u->msr ^ in) & 0xf0), deltas = changed >> 4;
    if (!(changed & MSR_RI) || (in & MSR_RI))
        deltas &= (uint8_t)~MSR_TERI; /* only the trailing edge of RI counts */
    u->msr = (uint8_t)(in | (u->msr & MSR_DELTAS) | deltas);
}

/* ---- registers ---- */

static void transmit(struct uart *u, uint8_t c)
{
    /* THRE falls and rises again: the interrupt is taken back and raised anew. */
    u->thre_pending = false;
    update_irq(u);
    if (u->mcr & MCR_LOOP)
        receive_char(u, c, false);
    else if (u->chr)
        chardev_write(u->chr, &c, 1);
    u->thre_pending = true;
    update_irq(u);
}

static void write_fcr(struct uart *u, uint8_t v)
{
    bool change = (v ^ u->fcr) & FCR_ENABLE;
    if (change || ((v & FCR_ENABLE) && (v & FCR_CLEAR_RX)))
        clear_rx(u);
    u->fcr = v & FCR_ENABLE ? v & 0xc9 : 0;
    arm(u);
    update_irq(u);
}

static void uart_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct uart *u = opaque;
    uint8_t v = (uint8_t)value;
    (void)size;
    switch (port & 7) {
    case 0:
        if (u->lcr & LCR_DLAB)
            u->divisor = (uint16_t)((u->divisor & 0xff00) | v);
        else
            transmit(u, v);
        break;
    case 1:
        if (u->lcr & LCR_DLAB) {
            u->divisor = (uint16_t)((u->divisor & 0xff) | v << 8);
            break;
        }
        /* Enabling it while the transmitter is empty raises the interrupt. */
        if ((v & IER_THRE) && !(u->ier & IER_THRE))
            u->thre_pending = true;
        u->ier = v & 0x0f;
        update_irq(u);
        break;
    case 2:
        write_fcr(u, v);
        break;
    case 3:
        if ((v & LCR_BREAK) && !(u->lcr & LCR_BREAK) && (u->mcr & MCR_LOOP))
            receive_char(u, 0, true);
        u->lcr = v;
        break;
    case 4:
        u->mcr = v & 0x1f;
        update_modem(u);
        arm(u);
        update_irq(u);
        break;
    case 7:
        u->scr = v;
        break;
    default: /* LSR and MSR are read-only */
        break;
    }
}

static uint32_t uart_read(void *opaque, uint16_t port, unsigned size)
{
    struct uart *u = opaque;
    uint8_t v;
    (void)size;
    switch (port & 7) {
    case 0:
        return u->lcr & LCR_DLAB ? u->divisor & 0xffu : read_rbr(u);
    case 1:
        return u->lcr & LCR_DLAB ? u->divisor >> 8 : u->ier;
    case 2:
        v = interrupt_id(u);
        if (v == IIR_THRE) {
            u->thre_pending = false;
            update_irq(u);
        }
        return (uint32_t)(v | (fifos_on(u) ? IIR_FIFOS : 0));
    case 3:
        return u->lcr;
    case 4:
        return u->mcr;
    case 5:
        v = u->lsr;
        u->lsr &= (uint8_t)~(LSR_OE | LSR_PE | LSR_FE | LSR_BI);
        update_irq(u);
        return v;
    case 6:
        v = u->msr;
        u->msr &= (uint8_t)~MSR_DELTAS;
        update_irq(u);
        return v;
    default:
        return u->scr;
    }
}

static const struct ioport_ops uart_ops = { uart_read, uart_write, 1 };

void uart_reset(struct uart *u)
{
    u->ier = u->fcr = u->mcr = u->scr = 0;
    u->lcr = 3;     /* data sheet: 0; 8N1 at 115200 baud is what firmware leaves, */
    u->divisor = 1; /* and early consoles count on it */
    u->lsr = LSR_THRE | LSR_TEMT;
    u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
    u->thre_pending = false;
    u->line_free = 0;
    clear_rx(u);
    u->starved = u->chr != NULL;
    arm(u);
    update_irq(u);
}

struct uart *uart_new(struct machine *m, uint16_t base, struct irq_line irq, struct chardev *chr)
{
    struct uart *u = calloc(1, sizeof(*u));
    if (!u)
        return NULL;
    u->irq = irq;
    u->chr = chr;
    timer_init(&u->timer, uart_timer, u);
    if (chr)
        chardev_set_frontend(chr, can_receive, receive, u);
    ioport_register(m, base, 8, &uart_ops, u, "uart");
    return u;
}

void uart_free(struct uart *u)
{
    if (!u)
        return;
    timer_del(&u->timer); /* the character device is its owner's to free */
    free(u);
}
