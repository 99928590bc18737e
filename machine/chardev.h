/* Character devices as the I/O thread sees them (what devices use is in machine.h). */
#ifndef STITCH86_CHARDEV_H
#define STITCH86_CHARDEV_H

#include <stdbool.h>
#include <stdint.h>

struct chardev;

/* The one that is connected to standard input and output, or NULL. */
struct chardev *chardev_stdio(void);
/* Bytes that chardev_input() takes now. */
unsigned chardev_input_room(struct chardev *c);
/* I/O thread: queue input for the front end; what there is no room for is dropped.  The vCPU
 * thread then has to call chardev_poll_all(). */
void chardev_input(struct chardev *c, const uint8_t *buf, unsigned len);
/* Called in the vCPU thread when a queue that was full has room again. */
void chardev_set_drained(void (*fn)(void *opaque), void *opaque);

#endif
