/* A PC with its devices and no CPU, for the tests of the devices: ports are read and written,
 * lines and hooks are looked at, time is the test's (fake-host.h). */
#ifndef STITCH86_TESTS_DEVICE_ENV_H
#define STITCH86_TESTS_DEVICE_ENV_H

#include <check.h>

#include "fake-host.h"
#include "machine.h"
#include "softmmu.h"

#define SECOND 1000000000ll

extern struct machine *m;
extern struct phys_mem *mem;
extern struct chardev com1, debugcon;
/* What the machine's hooks were told. */
extern int resets, power_offs, power_status, intr_level, intr_rises;
extern bool a20;

void dev_setup(void);
void dev_teardown(void);
/* In place of the machine that dev_setup() made, after dev_teardown(). */
void dev_machine(const struct machine_config *config);
void dev_standard_machine(bool no_reboot, uint64_t ram);

void out(uint16_t port, uint32_t v);
uint32_t in(uint16_t port);
/* Both controllers as a PC's BIOS leaves them, at vectors 20h and 28h, nothing masked. */
void pic_init(uint32_t icw4);

/* Run the tests, each on a machine of its own; returns main()'s result. */
int dev_run(const char *name, const TTest *const *tests, unsigned count);

#endif
