/* What the boot loaders share: files, the flat GDT. */
#ifndef STITCH86_BOOT_INTERNAL_H
#define STITCH86_BOOT_INTERNAL_H

#include "error-text.h"
#include "machine.h"
#include "softmmu.h"

struct boot_file {
    const char *path;
    uint8_t *data;
    uint64_t size;
};

/* Conventional memory that the loaders use for tables: below the EBDA, above what real-mode code
 * and most kernels use. */
#define BOOT_TABLES 0x90000u
#define BOOT_GDT 0x91000u
#define BOOT_CMDLINE 0x92000u
#define BOOT_TABLES_END 0x9fc00u /* the EBDA begins here */
#define BOOT_CS 0x10 /* selectors of that GDT, as the Linux boot protocol wants them */
#define BOOT_DS 0x18

bool boot_read_file(const char *path, const char *what, struct boot_file *out, char **error);
void boot_free_file(struct boot_file *f);
/* RAM is there from 1 MiB up to here (what kernels call the top of low memory). */
hwaddr boot_ram_top(struct phys_mem *mem);
/* Copy into RAM; false if [addr, addr+len) is not all RAM. */
bool boot_write(struct phys_mem *mem, hwaddr addr, const void *data, hwaddr len);
bool boot_clear(struct phys_mem *mem, hwaddr addr, hwaddr len);
/* Flat code and data segments at BOOT_CS and BOOT_DS; fills the fields of `out`. */
bool boot_write_gdt(struct phys_mem *mem, struct boot_state *out);
/* What firmware leaves in the BIOS data area: memory size and EBDA segment. */
void boot_write_bda(struct phys_mem *mem);

struct e820_entry {
    uint64_t base, size;
    uint32_t type; /* 1 RAM, 2 reserved */
} __attribute__((packed));
#define E820_MAX 16
unsigned boot_e820(struct phys_mem *mem, struct e820_entry *table);

bool boot_linux_probe(const struct boot_file *kernel);
bool boot_linux(struct phys_mem *mem, const struct boot_config *config, const struct boot_file *kernel,
                struct boot_state *out, char **error);
bool boot_multiboot_probe(const struct boot_file *kernel);
bool boot_multiboot(struct phys_mem *mem, const struct boot_config *config, const struct boot_file *kernel,
                    struct boot_state *out, char **error);
/* Is an initial RAM disk whole?  cpio archives and gzip, xz, zstd and LZ4 streams, also one
 * after the other, are followed to their end; other formats pass.  NULL, or what is wrong. */
const char *boot_check_initrd(const uint8_t *data, uint64_t size);

#endif
