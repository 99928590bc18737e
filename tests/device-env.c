#include "device-env.h"

#include <string.h>

#include "suite.h"

struct machine *m;
struct phys_mem *mem;
struct chardev com1, debugcon;
int resets, power_offs, power_status, intr_level, intr_rises;
bool a20;

static void on_intr(void *opaque, int level)
{
    (void)opaque;
    if (level && !intr_level)
        intr_rises++;
    intr_level = level;
}

static void on_a20(void *opaque, bool on)
{
    (void)opaque;
    a20 = on;
}

static void on_reset(void *opaque)
{
    (void)opaque;
    resets++;
}

static void on_power_off(void *opaque, int status)
{
    (void)opaque;
    power_offs++;
    power_status = status;
}

void dev_machine(const struct machine_config *config)
{
    struct machine_hooks hooks = {
        .set_intr = on_intr, .set_a20 = on_a20, .reset = on_reset, .power_off = on_power_off
    };
    mem = phys_mem_new();
    m = machine_new(mem, config, &hooks);
    ck_assert_ptr_nonnull(m);
}

void dev_standard_machine(bool no_reboot, uint64_t ram)
{
    struct machine_config config = {
        .ram_size = ram, .serial = { &com1 }, .serial_present = { false, true }, .debugcon = &debugcon,
        .debug_exit_iobase = 0xf4, .debug_exit_iosize = 4, .no_reboot = no_reboot
    };
    dev_machine(&config);
}

void dev_setup(void)
{
    fake_host_reset();
    memset(&com1, 0, sizeof(com1));
    memset(&debugcon, 0, sizeof(debugcon));
    resets = power_offs = intr_level = intr_rises = 0;
    a20 = true;
    dev_standard_machine(false, 64 << 20);
}

void dev_teardown(void)
{
    machine_free(m);
    phys_mem_free(mem);
}

void out(uint16_t port, uint32_t v)
{
    ioport_write(m, port, v, 1);
}

uint32_t in(uint16_t port)
{
    return ioport_read(m, port, 1);
}

void pic_init(uint32_t icw4)
{
    out(0x20, 0x11);
    out(0x21, 0x20);
    out(0x21, 0x04);
    out(0x21, icw4);
    out(0xa0, 0x11);
    out(0xa1, 0x28);
    out(0xa1, 0x02);
    out(0xa1, icw4);
    out(0x21, 0);
    out(0xa1, 0);
}

int dev_run(const char *name, const TTest *const *tests, unsigned count)
{
    return suite_run_tests(name, tests, count, dev_setup, dev_teardown);
}
