/* The pair of 8259A interrupt controllers of a PC/AT (Intel data sheet 231468), with the ELCR
 * of the EISA and PIIX chips: the ELCR, not ICW1's LTIM bit, says which lines are level-triggered. */
#include <stdlib.h>

#include "pc.h"

struct pic8259 {
    uint8_t lines;    /* the IR inputs now */
    uint8_t irr, isr, imr;
    uint8_t elcr, elcr_mask;
    uint8_t base;     /* ICW2 */
    uint8_t icw3;
    uint8_t lowest;   /* the IR with the lowest priority */
    uint8_t init_step; /* 0: running, else the number of the ICW that comes next */
    bool need_icw4, single;
    bool auto_eoi, rotate_on_aeoi, special_mask, fully_nested;
    bool poll, read_isr;
    bool master;
};

struct pic {
    struct machine *machine;
    struct pic8259 chip[2]; /* master, slave */
    bool intr;
};

/* 0 (highest) to 7 for the most urgent of `bits`, 8 if there is none. */
static unsigned priority(const struct pic8259 *c, uint8_t bits)
{
    for (unsigned i = 0; i < 8; i++) {
        if (bits >> ((c->lowest + 1 + i) & 7) & 1)
            return i;
    }
    return 8;
}

/* The IR that the chip asks to be served, or -1. */
static int pending(const struct pic8259 *c)
{
    if (c->init_step)
        return -1;
    unsigned want = priority(c, c->irr & (uint8_t)~c->imr);
    uint8_t in_service = c->isr;
    if (c->special_mask)
        in_service &= (uint8_t)~c->imr;
    /* A slave in service does not keep its own more urgent requests out. */
    if (c->fully_nested && c->master)
        in_service &= (uint8_t)~c->icw3;
    if (want == 8 || want >= priority(c, in_service))
        return -1;
    return (int)((c->lowest + 1 + want) & 7);
}

static void set_line(struct pic8259 *c, int ir, bool level)
{
    uint8_t bit = (uint8_t)(1u << ir);
    if (!level) {
        /* The request has to stand until INTA (data sheet, "Edge and Level Triggered Modes"). */
        c->lines &= (uint8_t)~bit;
        c->irr &= (uint8_t)~bit;
    } else {
        if ((c->elcr & bit) || !(c->lines & bit))
            c->irr |= bit;
        c->lines |= bit;
    }
}

static void update(struct pic *p)
{
    set_line(&p->chip[0], 2, pending(&p->chip[1]) >= 0);
    bool intr = pending(&p->chip[0]) >= 0;
    if (intr != p->intr) {
        p->intr = intr;
        if (p->machine->hooks.set_intr)
            p->machine->hooks.set_intr(p->machine->hooks.opaque, intr);
    }
}

static void acknowledge(struct pic8259 *c, int ir)
{
    uint8_t bit = (uint8_t)(1u << ir);
    if (!(c->elcr & bit))
        c->irr &= (uint8_t)~bit;
    if (!c->auto_eoi)
        c->isr |= bit;
    else if (c->rotate_on_aeoi)
        c->lowest = (uint8_t)ir;
}

void pic_set_irq(struct pic *p, int irq, int level)
{
    set_line(&p->chip[irq >> 3], irq & 7, level);
    update(p);
}

int pic_ack(struct pic *p)
{
    struct pic8259 *m = &p->chip[0], *s = &p->chip[1];
    int ir = pending(m), vector;
    if (ir < 0) {
        vector = m->base + 7; /* spurious: nothing goes in service */
    } else {
        acknowledge(m, ir);
        if (ir == 2 && !m->single && (m->icw3 & 4)) {
            int ir2 = pending(s);
            if (ir2 >= 0)
                acknowledge(s, ir2);
            vector = s->base + (ir2 >= 0 ? ir2 : 7);
            /* INTA pulls the slave's INT low: a request that remains makes a new edge. */
            set_line(m, 2, false);
        } else {
            vector = m->base + ir;
        }
    }
    update(p);
    return vector;
}

bool pic_intr(const struct pic *p)
{
    return p->intr;
}

static void start_init(struct pic8259 *c, uint8_t icw1)
{
    c->irr = c->lines & c->elcr; /* edges before this are forgotten */
    c->isr = c->imr = 0;
    c->lowest = 7;
    c->special_mask = c->read_isr = c->poll = false;
    c->rotate_on_aeoi = false;
    c->need_icw4 = icw1 & 1;
    c->single = icw1 & 2;
    if (!c->need_icw4)
        c->auto_eoi = c->fully_nested = false;
    c->init_step = 2;
}

static void end_of_interrupt(struct pic8259 *c, uint8_t ocw2)
{
    int ir = ocw2 & 7;
    bool specific = ocw2 & 0x40;
    uint8_t command = ocw2 >> 5;
    switch (command) {
    case 0: /* rotate in automatic EOI mode: clear */
    case 4: /* set */
        c->rotate_on_aeoi = command == 4;
        return;
    case 6:
        c->lowest = (uint8_t)ir;
        return;
    case 1: case 5: case 3: case 7:
        break;
    default:
        return;
    }
    if (!specific) {
        unsigned p = priority(c, c->special_mask ? c->isr & (uint8_t)~c->imr : c->isr);
        if (p == 8)
            return;
        ir = (c->lowest + 1 + (int)p) & 7;
    }
    c->isr &= (uint8_t)~(1u << ir);
    if (ocw2 & 0x80)
        c->lowest = (uint8_t)ir;
}

static void write_command(struct pic8259 *c, uint8_t v)
{
    if (v & 0x10) {
        start_init(c, v);
    } else if (v & 8) {
        if (v & 0x40)
            c->special_mask = v & 0x20;
        if (v & 2)
            c->read_isr = v & 1;
        c->poll = v & 4;
    } else {
        end_of_interrupt(c, v);
    }
}

static void write_data(struct pic8259 *c, uint8_t v)
{
    switch (c->init_step) {
    case 0:
        c->imr = v;
        break;
    case 2:
        c->base = v & 0xf8;
        c->init_step = !c->single ? 3 : c->need_icw4 ? 4 : 0;
        break;
    case 3:
        c->icw3 = v;
        c->init_step = c->need_icw4 ? 4 : 0;
        break;
    default:
        c->auto_eoi = v & 2;
        c->fully_nested = v & 0x10;
        c->init_step = 0;
        break;
    }
}

static struct pic8259 *chip_at(struct pic *p, uint16_t port)
{
    return &p->chip[port >= 0xa0];
}

static void pic_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct pic *p = opaque;
    (void)size;
    if (port & 1)
        write_data(chip_at(p, port), (uint8_t)value);
    else
        write_command(chip_at(p, port), (uint8_t)value);
    update(p);
}

static uint32_t pic_read(void *opaque, uint16_t port, unsigned size)
{
    struct pic *p = opaque;
    struct pic8259 *c = chip_at(p, port);
    (void)size;
    if (c->poll) {
        int ir = pending(c);
        c->poll = false;
        if (ir < 0)
            return 0;
        acknowledge(c, ir);
        if (!c->master)
            set_line(&p->chip[0], 2, false);
        update(p);
        return 0x80u | (unsigned)ir;
    }
    if (port & 1)
        return c->imr;
    return c->read_isr ? c->isr : c->irr;
}

static void elcr_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct pic *p = opaque;
    struct pic8259 *c = &p->chip[port & 1];
    (void)size;
    uint8_t now_level = (uint8_t)value & c->elcr_mask & (uint8_t)~c->elcr;
    c->elcr = (uint8_t)value & c->elcr_mask;
    c->irr |= c->lines & now_level;
    update(p);
}

static uint32_t elcr_read(void *opaque, uint16_t port, unsigned size)
{
    struct pic *p = opaque;
    (void)size;
    return p->chip[port & 1].elcr;
}

static const struct ioport_ops pic_ops = { pic_read, pic_write, 1 };
static const struct ioport_ops elcr_ops = { elcr_read, elcr_write, 1 };

void pic_reset(struct pic *p)
{
    for (unsigned i = 0; i < 2; i++) {
        struct pic8259 *c = &p->chip[i];
        *c = (struct pic8259){ .lines = c->lines, .lowest = 7, .master = i == 0 };
        /* IRQ 0-2, 8 and 13 can't be level-triggered. */
        c->elcr_mask = i == 0 ? 0xf8 : 0xde;
        c->icw3 = i == 0 ? 4 : 2;
        /* What a PC's firmware leaves: vectors of its own, everything masked. */
        c->base = i == 0 ? 0x08 : 0x70;
        c->imr = 0xff;
    }
    update(p);
}

struct pic *pic_new(struct machine *m)
{
    struct pic *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->machine = m;
    pic_reset(p);
    ioport_register(m, 0x20, 2, &pic_ops, p, "pic");
    ioport_register(m, 0xa0, 2, &pic_ops, p, "pic");
    ioport_register(m, 0x4d0, 2, &elcr_ops, p, "elcr");
    return p;
}

void pic_free(struct pic *p)
{
    free(p);
}
