/* Interrupts and exceptions as the tests of their delivery raise them, on system-env.h's vCPU. */
#ifndef STITCH86_TESTS_EVENT_ENV_H
#define STITCH86_TESTS_EVENT_ENV_H

#include "system-env.h"

#define HANDLER_OF(v) (HANDLER + 16u * (v))
#define HW(v) do_interrupt(env, (v), false, 0, 0x8000, true)
#define INT(v) do_interrupt(env, (v), true, 0, 0x8002, false)
#define EXC(v, err) do_interrupt(env, (v), false, (err), 0x8000, false)

#endif
