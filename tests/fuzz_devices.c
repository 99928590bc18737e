/* Random port accesses, input and passing time against all devices.  LLVMFuzzerTestOneInput is libFuzzer's
 * entry; fuzz-main.c makes a program of its own of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-host.h"
#include "machine.h"
#include "softmmu.h"

/* Every port with something behind it, so that few bytes of input go a long way. */
static const uint16_t ports[] = {
    0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x60, 0x64, 0x70, 0x71, 0x80,
    0x87, 0x92, 0xe9, 0xf0, 0xf1, 0xf4, 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff, 0x2f8,
    0x2f9, 0x2fa, 0x2fc, 0x600, 0x601, 0x602, 0x604, 0x605, 0x608, 0x609, 0x60a, 0xcf8
};
#define PORTS (sizeof(ports) / sizeof(ports[0]))

static int intr;

static void on_intr(void *opaque, int level)
{
    (void)opaque;
    intr = level;
}

static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "fuzz_devices: %s\n", what);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct chardev com1, debugcon;
    static struct phys_mem *mem;
    struct machine_config config = {
        .ram_size = 2 << 20, .serial = { &com1 }, .serial_present = { false, true }, .debugcon = &debugcon,
        .debug_exit_iobase = 0xf4, .debug_exit_iosize = 4
    };
    struct machine_hooks hooks = { .set_intr = on_intr };

    int long_waits = 8;
    fake_host_reset();
    memset(&com1, 0, sizeof(com1));
    intr = 0;
    mem = phys_mem_new();
    struct machine *m = machine_new(mem, &config, &hooks);
    while (size >= 3) {
        unsigned op = data[0], v = data[1] | data[2] << 8;
        uint16_t port = ports[data[1] % PORTS];
        unsigned width = 1u << (op >> 4 & 3) % 3;
        data += 3;
        size -= 3;
        switch (op & 15) {
        case 0: case 1: case 2: case 3: case 4: case 5:
            ioport_write(m, port, v >> 8, 1);
            break;
        case 6: case 7: case 8:
            ioport_read(m, port, width);
            break;
        case 9:
            ioport_write(m, port, v * 0x10001u, width);
            break;
        case 10: /* up to 65 us, or a few times up to a quarter of a second */
            fake_advance((op & 0x80) && long_waits-- > 0 ? (int64_t)v * 4096 : v);
            break;
        case 11:
            fake_input(&com1, data, size < 8 ? (unsigned)size : 8);
            break;
        case 12: {
            int vector = machine_pic_ack(m);
            require(vector >= 0 && vector < 256, "no vector");
            break;
        }
        case 13:
            machine_set_ferr(m, v & 1);
            break;
        case 14: /* the PIT must not flood, whatever it is set to */
            fake_timer_runs = 0;
            fake_advance(100000);
            require(fake_timer_runs < 400, "too many timers");
            break;
        default:
            if (v % 64 == 0)
                machine_reset(m);
            else
                ioport_read(m, (uint16_t)v, width);
            break;
        }
        require(!!intr == machine_intr(m), "INTR is not what the 8259 says");
    }
    machine_free(m);
    phys_mem_free(mem);
    return 0;
}
