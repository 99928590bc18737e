/* Keyboard controller of a PC/AT, and the keyboard at its end.  There is no auxiliary (mouse) port.
 *
 * Commands are carried out at once, so the input buffer is never full.  Bytes from the keyboard
 * queue up behind the one-byte output buffer, which is refilled when it was read. */
#include <stdlib.h>
#include <string.h>

#include "pc.h"

#define QUEUE_SIZE 32u

enum { ST_OBF = 1, ST_SYS = 4, ST_COMMAND = 8, ST_UNLOCKED = 16, ST_AUX_OBF = 32, ST_TIMEOUT = 64 };
enum { CTR_KBD_INT = 1, CTR_SYS = 4, CTR_KBD_OFF = 16, CTR_AUX_OFF = 32, CTR_TRANSLATE = 64 };
enum { OUT_RESET = 1, OUT_A20 = 2, OUT_OBF = 16 };

struct i8042 {
    struct machine *machine;
    struct irq_line irq;
    uint8_t status, ram[32], output_port; /* ram[0] is the command byte, CTR */
    uint8_t obf;           /* output buffer */
    uint8_t command;       /* controller command that waits for its data byte, or 0 */

    uint8_t queue[QUEUE_SIZE];
    unsigned head, count;
    uint8_t kbd_command;   /* keyboard command that waits for its argument, or 0 */
    uint8_t last_sent, scancode_set;
};

/* ---- output buffer ---- */

static void update_irq(struct i8042 *k)
{
    irq_set(&k->irq, (k->status & ST_OBF) && !(k->status & ST_AUX_OBF) && (k->ram[0] & CTR_KBD_INT));
}

/* Let the keyboard's next byte through, if there is room and its clock is not held. */
static void refill(struct i8042 *k)
{
    if (!(k->status & ST_OBF) && k->count && !(k->ram[0] & CTR_KBD_OFF)) {
        k->obf = k->queue[k->head];
        k->head = (k->head + 1) % QUEUE_SIZE;
        k->count--;
        k->last_sent = k->obf;
        k->status = (uint8_t)((k->status & ~(ST_AUX_OBF | ST_TIMEOUT)) | ST_OBF);
    }
    update_irq(k);
}

/* The controller's own answers take the place of what is in the output buffer. */
static void answer(struct i8042 *k, uint8_t v, uint8_t flags)
{
    k->obf = v;
    k->status = (uint8_t)((k->status & ~(ST_AUX_OBF | ST_TIMEOUT)) | ST_OBF | flags);
    update_irq(k);
}

static void enqueue(struct i8042 *k, uint8_t v)
{
    if (k->count == QUEUE_SIZE)
        return; /* the keyboard's buffer is full: it forgets */
    k->queue[(k->head + k->count++) % QUEUE_SIZE] = v;
    refill(k);
}

/* ---- the keyboard ---- */

static void keyboard_defaults(struct i8042 *k)
{
    k->scancode_set = 2;
    k->kbd_command = 0;
}

static void keyboard_argument(struct i8042 *k, uint8_t command, uint8_t v)
{
    enqueue(k, 0xfa);
    if (command != 0xf0)
        return; /* LEDs, typematic rate: nothing to show */
    static const uint8_t translated[4] = { 0, 0x43, 0x41, 0x3f };
    if (v == 0)
        enqueue(k, k->ram[0] & CTR_TRANSLATE ? translated[k->scancode_set] : k->scancode_set);
    else if (v <= 3)
        k->scancode_set = v;
}

static void keyboard_write(struct i8042 *k, uint8_t v)
{
    if (k->kbd_command && v < 0xed) {
        uint8_t command = k->kbd_command;
        k->kbd_command = 0;
        keyboard_argument(k, command, v);
        return;
    }
    k->kbd_command = 0;
    if (v != 0xfe)
        k->count = 0; /* a command ends what the keyboard was sending */
    switch (v) {
    case 0xed: case 0xf0: case 0xf3:
        k->kbd_command = v;
        enqueue(k, 0xfa);
        break;
    case 0xee:
        enqueue(k, 0xee);
        break;
    case 0xf2: /* identify: MF-II, as translation shows it */
        enqueue(k, 0xfa);
        enqueue(k, 0xab);
        enqueue(k, k->ram[0] & CTR_TRANSLATE ? 0x41 : 0x83);
        break;
    case 0xf5: case 0xf6:
        keyboard_defaults(k);
        enqueue(k, 0xfa);
        break;
    case 0xfe:
        enqueue(k, k->last_sent);
        break;
    case 0xff:
        keyboard_defaults(k);
        enqueue(k, 0xfa);
        enqueue(k, 0xaa); /* self-test passed */
        break;
    case 0xf4: case 0xf7: case 0xf8: case 0xf9: case 0xfa:
        enqueue(k, 0xfa);
        break;
    default:
        enqueue(k, 0xfe); /* resend: not a command */
        break;
    }
}

/* ---- the controller ---- */

static void write_output_port(struct i8042 *k, uint8_t v)
{
    k->output_port = v & (uint8_t)~(OUT_A20 | OUT_OBF);
    pc_set_a20(k->machine, v & OUT_A20);
    if (!(v & OUT_RESET))
        machine_request_reset(k->machine);
}

static uint8_t read_output_port(const struct i8042 *k)
{
    return (uint8_t)(k->output_port | (k->machine->a20 ? OUT_A20 : 0) | (k->status & ST_OBF ? OUT_OBF : 0));
}

static void set_ctr(struct i8042 *k, uint8_t v)
{
    k->ram[0] = v;
    k->status = (uint8_t)((k->status & ~ST_SYS) | (v & CTR_SYS ? ST_SYS : 0));
    refill(k);
}

static void controller_command(struct i8042 *k, uint8_t v)
{
    k->command = 0;
    if (v >= 0xf0) { /* pulse output lines low for 6 us; line 0 is RESET */
        if (!(v & OUT_RESET))
            machine_request_reset(k->machine);
        return;
    }
    if (v >= 0x20 && v < 0x40) {
        answer(k, k->ram[v & 0x1f], 0);
        return;
    }
    switch (v) {
    case 0xa7:
        set_ctr(k, k->ram[0] | CTR_AUX_OFF);
        break;
    case 0xa8:
        set_ctr(k, k->ram[0] & (uint8_t)~CTR_AUX_OFF);
        break;
    case 0xa9:
        answer(k, 0x02, 0); /* auxiliary port test: its clock is stuck high */
        break;
    case 0xaa:
        set_ctr(k, k->ram[0] | CTR_SYS);
        answer(k, 0x55, 0);
        break;
    case 0xab:
        answer(k, 0x00, 0);
        break;
    case 0xad:
        set_ctr(k, k->ram[0] | CTR_KBD_OFF);
        break;
    case 0xae:
        set_ctr(k, k->ram[0] & (uint8_t)~CTR_KBD_OFF);
        break;
    case 0xc0:
        answer(k, 0xa0, 0); /* input port: not locked, colour display, 512K on board */
        break;
    case 0xd0:
        answer(k, read_output_port(k), 0);
        break;
    case 0xdd: case 0xdf:
        pc_set_a20(k->machine, v & 2);
        break;
    case 0xe0:
        answer(k, 0x00, 0); /* test inputs */
        break;
    case 0xd1: case 0xd2: case 0xd3: case 0xd4:
        k->command = v;
        break;
    default:
        if (v >= 0x60 && v < 0x80)
            k->command = v;
        break;
    }
}

static void controller_data(struct i8042 *k, uint8_t command, uint8_t v)
{
    switch (command) {
    case 0x60:
        set_ctr(k, v);
        break;
    case 0xd1:
        write_output_port(k, v);
        break;
    case 0xd2:
    case 0xd3: /* without an auxiliary port it comes as if from the keyboard */
        answer(k, v, 0);
        break;
    case 0xd4: /* nobody answers on the auxiliary port */
        answer(k, 0xfe, ST_AUX_OBF | ST_TIMEOUT);
        break;
    default:
        k->ram[command & 0x1f] = v;
        break;
    }
}

static void i8042_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct i8042 *k = opaque;
    uint8_t v = (uint8_t)value;
    (void)size;
    if (port == 0x64) {
        k->status |= ST_COMMAND;
        controller_command(k, v);
        return;
    }
    k->status &= (uint8_t)~ST_COMMAND;
    if (k->command) {
        uint8_t command = k->command;
        k->command = 0;
        controller_data(k, command, v);
    } else {
        k->ram[0] &= (uint8_t)~CTR_KBD_OFF; /* talking to the keyboard enables it */
        keyboard_write(k, v);
    }
}

static uint32_t i8042_read(void *opaque, uint16_t port, unsigned size)
{
    struct i8042 *k = opaque;
    (void)size;
    if (port == 0x64)
        return k->status;
    uint8_t v = k->obf;
    k->status &= (uint8_t)~(ST_OBF | ST_AUX_OBF | ST_TIMEOUT);
    update_irq(k);
    refill(k);
    return v;
}

static const struct ioport_ops i8042_ops = { i8042_read, i8042_write, 1 };

void i8042_reset(struct i8042 *k)
{
    memset(k->ram, 0, sizeof(k->ram));
    /* As firmware leaves it: tested, translating, keyboard enabled. */
    k->ram[0] = CTR_KBD_INT | CTR_SYS | CTR_AUX_OFF | CTR_TRANSLATE;
    k->status = ST_SYS | ST_UNLOCKED;
    k->output_port = 0xcd;
    k->obf = 0;
    k->command = 0;
    k->head = k->count = 0;
    k->last_sent = 0;
    keyboard_defaults(k);
    update_irq(k);
}

struct i8042 *i8042_new(struct machine *m, struct irq_line irq1)
{
    struct i8042 *k = calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    k->machine = m;
    k->irq = irq1;
    ioport_register(m, 0x60, 1, &i8042_ops, k, "i8042");
    ioport_register(m, 0x64, 1, &i8042_ops, k, "i8042");
    return k;
}

void i8042_free(struct i8042 *k)
{
    free(k);
}
