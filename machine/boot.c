#include "boot-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files beyond this cannot fit into the guest's memory. */
#define FILE_MAX ((uint64_t)4 << 30)

bool boot_read_file(const char *path, const char *what, struct boot_file *out, char **error)
{
    struct stat st;
    *out = (struct boot_file){ .path = path };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, "%s %s: %s", what, path, strerror(errno));
    if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode) || (uint64_t)st.st_size >= FILE_MAX) {
        bool dir = S_ISDIR(st.st_mode);
        close(fd);
        return error_set(error, "%s %s: %s", what, path, dir ? "is a directory" : "too big");
    }
    /* Pipes and devices have no size to trust: the buffer grows as they are read. */
    uint64_t room = (uint64_t)st.st_size + 1;
    uint8_t *data = malloc(room);
    uint64_t n = 0;
    for (;;) {
        if (n == room && room < FILE_MAX) {
            uint8_t *more = realloc(data, room *= 2);
            if (!more)
                break;
            data = more;
        }
        ssize_t got = data && n < room ? read(fd, data + n, room - n) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got < 0)
                n = UINT64_MAX;
            break;
        }
        n += (uint64_t)got;
    }
    int saved = errno;
    close(fd);
    if (n == UINT64_MAX || !data) {
        free(data);
        return error_set(error, "%s %s: %s", what, path, strerror(saved ? saved : EFBIG));
    }
    out->data = data;
    out->size = n;
    return true;
}

void boot_free_file(struct boot_file *f)
{
    free(f->data);
    f->data = NULL;
}

hwaddr boot_ram_top(struct phys_mem *mem)
{
    hwaddr base, size;
    uint8_t *host;
    for (unsigned i = 0; phys_mem_ram_region(mem, i, &base, &size, &host); i++) {
        if (base <= 0x100000 && base + size > 0x100000)
            return base + size;
    }
    return 0x100000;
}

/* Loaders write to RAM only: a ROM would swallow it, and MMIO do something else. */
static bool is_ram(struct phys_mem *mem, hwaddr addr, hwaddr len)
{
    hwaddr base, size;
    uint8_t *host;
    while (len) {
        bool found = false;
        for (unsigned i = 0; !found && phys_mem_ram_region(mem, i, &base, &size, &host); i++) {
            if (addr >= base && addr - base < size) {
                hwaddr n = size - (addr - base);
                if (n > len)
                    n = len;
                if (!phys_mem_ptr(mem, addr, n))
                    return false; /* something else lies on top of it */
                addr += n;
                len -= n;
                found = true;
            }
        }
        if (!found)
            return false;
    }
    return true;
}

bool boot_write(struct phys_mem *mem, hwaddr addr, const void *data, hwaddr len)
{
    if (!is_ram(mem, addr, len))
        return false;
    phys_mem_write(mem, addr, data, len);
    return true;
}

bool boot_clear(struct phys_mem *mem, hwaddr addr, hwaddr len)
{
    static const uint8_t zeros[4096];
    if (!is_ram(mem, addr, len))
        return false;
    while (len) {
        hwaddr n = len < sizeof(zeros) ? len : sizeof(zeros);
        phys_mem_write(mem, addr, zeros, n);
        addr += n;
        len -= n;
    }
    return true;
}

bool boot_write_gdt(struct phys_mem *mem, struct boot_state *out)
{
    static const uint64_t gdt[4] = {
        [BOOT_CS / 8] = 0x00cf9b000000ffff,
        [BOOT_DS / 8] = 0x00cf93000000ffff,
    };
    out->gdt_base = BOOT_GDT;
    out->gdt_limit = sizeof(gdt) - 1;
    out->cs = BOOT_CS;
    out->ds = BOOT_DS;
    return boot_write(mem, BOOT_GDT, gdt, sizeof(gdt));
}

void boot_write_bda(struct phys_mem *mem)
{
    const uint16_t ebda_segment = BOOT_TABLES_END >> 4, low_kib = BOOT_TABLES_END >> 10;
    const uint8_t ebda_kib = (0xa0000 - BOOT_TABLES_END) >> 10;
    boot_write(mem, 0x40e, &ebda_segment, 2);
    boot_write(mem, 0x413, &low_kib, 2);
    boot_write(mem, BOOT_TABLES_END, &ebda_kib, 1);
}

unsigned boot_e820(struct phys_mem *mem, struct e820_entry *table)
{
    unsigned n = 0;
    hwaddr base, size;
    uint8_t *host;
    table[n++] = (struct e820_entry){ 0, BOOT_TABLES_END, 1 };
    table[n++] = (struct e820_entry){ BOOT_TABLES_END, 0xa0000 - BOOT_TABLES_END, 2 };
    /* The system ROM's place, with the ACPI tables in it. */
    table[n++] = (struct e820_entry){ 0xe0000, 0x20000, 2 };
    for (unsigned i = 0; n < E820_MAX && phys_mem_ram_region(mem, i, &base, &size, &host); i++) {
        hwaddr from = base < 0x100000 ? 0x100000 : base;
        if (from < base + size)
            table[n++] = (struct e820_entry){ from, base + size - from, 1 };
    }
    return n;
}

bool boot_load(struct machine *m, struct phys_mem *mem, const struct boot_config *config, struct boot_state *out,
               char **error)
{
    struct boot_file kernel;
    bool ok;
    (void)m;
    *error = NULL;
    *out = (struct boot_state){ 0 };
    if (!boot_read_file(config->kernel, "kernel", &kernel, error))
        return false;
    boot_write_bda(mem);
    /* A Linux setup header is at a fixed place; Multiboot's may be anywhere, even in a bzImage. */
    if (boot_linux_probe(&kernel))
        ok = boot_linux(mem, config, &kernel, out, error);
    else if (boot_multiboot_probe(&kernel))
        ok = boot_multiboot(mem, config, &kernel, out, error);
    else if (kernel.size == 0)
        ok = error_set(error, "kernel %s: the file is empty", kernel.path);
    else
        ok = error_set(error, "kernel %s: neither a Linux bzImage nor a Multiboot 1 image", kernel.path);
    boot_free_file(&kernel);
    return ok;
}
