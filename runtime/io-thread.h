/* The I/O thread: input of the terminal, signals that end the run, and the kick when a timer
 * of the guest is due. */
#ifndef STITCH86_IO_THREAD_H
#define STITCH86_IO_THREAD_H

#include "cpu.h"

/* Start it.  `quit` is called in that thread, with 0 for Ctrl-A X or a signal's number, when the
 * user wants to leave.  false: no thread could be made. */
bool io_thread_start(CPUX86State *env, void (*quit)(void *opaque, int sig), void *opaque);
void io_thread_stop(void);

#endif
