/* The Linux/x86 boot protocol, 2.00 to 2.15, by the kernel's 32-bit entry point
 * (Documentation/arch/x86/boot.rst).  What the kernel's own real-mode setup code would ask the firmware
 * for goes into the zero page here: the memory map above all. */
#include "boot-internal.h"

#include <stdlib.h>
#include <string.h>

/* Offsets into the zero page, which the setup header is copied into at its own place. */
enum {
    ZP_EXT_MEM_K = 0x002,
    ZP_CMDLINE_MAGIC = 0x020, /* before 2.02 */
    ZP_CMDLINE_OFFSET = 0x022,
    ZP_ALT_MEM_K = 0x1e0,
    ZP_E820_ENTRIES = 0x1e8,
    ZP_HDR = 0x1f1,
    ZP_E820 = 0x2d0
};
enum {
    HDR_SETUP_SECTS = 0x1f1,
    HDR_SYSSIZE = 0x1f4,
    HDR_BOOT_FLAG = 0x1fe,
    HDR_JUMP = 0x200,
    HDR_MAGIC = 0x202,
    HDR_VERSION = 0x206,
    HDR_TYPE_OF_LOADER = 0x210,
    HDR_LOADFLAGS = 0x211,
    HDR_CODE32_START = 0x214,
    HDR_RAMDISK_IMAGE = 0x218,
    HDR_RAMDISK_SIZE = 0x21c,
    HDR_HEAP_END = 0x224,
    HDR_CMD_LINE = 0x228,
    HDR_INITRD_MAX = 0x22c,
    HDR_CMDLINE_SIZE = 0x238,
    HDR_PREF_ADDRESS = 0x258,
    HDR_INIT_SIZE = 0x260
};
#define ZERO_PAGE_SIZE 4096
#define LOADED_HIGH 0x01
#define CAN_USE_HEAP 0x80
#define MIB(n) ((unsigned long long)((n) + 0xfffff) >> 20)

static uint32_t get16(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v);
    put16(p + 2, v >> 16);
}

bool boot_linux_probe(const struct boot_file *k)
{
    return k->size >= HDR_VERSION + 2 && get16(k->data + HDR_BOOT_FLAG) == 0xaa55
        && memcmp(k->data + HDR_MAGIC, "HdrS", 4) == 0;
}

struct image {
    const struct boot_file *file;
    uint32_t version;
    uint64_t setup_size; /* real-mode part, with the boot sector */
    uint64_t code_size;
    uint32_t load_addr;
    uint64_t end;        /* first address that the kernel does not need to unpack and start itself */
    uint64_t initrd_max; /* last address for the initrd */
    uint32_t cmdline_max;
};

static bool read_header(const struct boot_file *f, struct image *im, char **error)
{
    const uint8_t *h = f->data;
    *im = (struct image){ .file = f, .version = get16(h + HDR_VERSION) };
    if (im->version < 0x200)
        return error_set(error, "kernel %s: boot protocol %u.%02u is too old (2.00 is needed)", f->path,
                          im->version >> 8, im->version & 0xff);
    unsigned sects = h[HDR_SETUP_SECTS] ? h[HDR_SETUP_SECTS] : 4;
    im->setup_size = (sects + 1) * 512u;
    /* The size is in paragraphs of 16 bytes, the last of which memtest86+'s file doesn't fill.  Before 2.04 only
     * its low 16 bits are there: too few for a bzImage to be checked. */
    uint64_t want = (uint64_t)(im->version >= 0x204 ? get32(h + HDR_SYSSIZE) : get16(h + HDR_SYSSIZE)) * 16;
    if (f->size < ZP_E820 || f->size <= im->setup_size
        || (im->version >= 0x204 && f->size - im->setup_size + 15 < want))
        return error_set(error, "kernel %s: truncated: %llu bytes, its header says %llu", f->path,
                          (unsigned long long)f->size, (unsigned long long)(im->setup_size + want));
    im->code_size = f->size - im->setup_size;
    im->load_addr = h[HDR_LOADFLAGS] & LOADED_HIGH ? 0x100000 : 0x10000;
    im->end = im->load_addr + im->code_size;
    if (im->version >= 0x20a) {
        uint64_t pref = get32(h + HDR_PREF_ADDRESS) | (uint64_t)get32(h + HDR_PREF_ADDRESS + 4) << 32;
        uint64_t end = (pref > im->load_addr ? pref : im->load_addr) + get32(h + HDR_INIT_SIZE);
        if (end > im->end)
            im->end = end;
    }
    im->initrd_max = im->version >= 0x203 ? get32(h + HDR_INITRD_MAX) : 0x37ffffff;
    im->cmdline_max = im->version >= 0x206 ? get32(h + HDR_CMDLINE_SIZE) : 255;
    return true;
}

static bool load_code(struct phys_mem *mem, const struct image *im, char **error)
{
    hwaddr top = boot_ram_top(mem);
    if (im->load_addr < 0x100000 && im->end > BOOT_TABLES)
        return error_set(error, "kernel %s: too big for a zImage", im->file->path);
    if (im->end > top)
        return error_set(error, "kernel %s needs %llu MiB of guest memory, there are %llu (-m)", im->file->path,
                          MIB(im->end), MIB(top));
    if (!boot_write(mem, im->load_addr, im->file->data + im->setup_size, im->code_size))
        return error_set(error, "kernel %s does not fit into guest memory (-m)", im->file->path);
    return true;
}

/* As high as the kernel allows: out of the way of its unpacking. */
static bool load_initrd(struct phys_mem *mem, const char *path, const struct image *im, uint8_t *zp, char **error)
{
    struct boot_file f;
    if (!boot_read_file(path, "initrd", &f, error))
        return false;
    const char *bad = boot_check_initrd(f.data, f.size);
    uint64_t top = boot_ram_top(mem);
    if (top > im->initrd_max + 1)
        top = im->initrd_max + 1;
    bool ok = true;
    if (bad) {
        ok = error_set(error, "initrd %s: %s", path, bad);
    } else if (f.size > top || ((top - f.size) & ~4095ull) < im->end) {
        ok = error_set(error, "initrd %s: %llu MiB do not fit beside the kernel's %llu MiB below %llu MiB (-m)", path,
                        MIB(f.size), MIB(im->end), MIB(top));
    } else {
        uint64_t addr = (top - f.size) & ~4095ull;
        put32(zp + HDR_RAMDISK_IMAGE, (uint32_t)addr);
        put32(zp + HDR_RAMDISK_SIZE, (uint32_t)f.size);
        if (!boot_write(mem, addr, f.data, f.size))
            ok = error_set(error, "initrd %s does not fit into guest memory (-m)", path);
    }
    boot_free_file(&f);
    return ok;
}

static bool set_cmdline(struct phys_mem *mem, const char *text, const struct image *im, uint8_t *zp, char **error)
{
    uint64_t len = strlen(text), room = BOOT_TABLES_END - BOOT_CMDLINE - 1;
    if (room > im->cmdline_max)
        room = im->cmdline_max;
    if (len > room)
        return error_set(error, "-append: %llu characters, the kernel takes %llu", (unsigned long long)len,
                          (unsigned long long)room);
    boot_write(mem, BOOT_CMDLINE, text, len + 1);
    if (im->version >= 0x202) {
        put32(zp + HDR_CMD_LINE, BOOT_CMDLINE);
    } else {
        put16(zp + ZP_CMDLINE_MAGIC, 0xa33f);
        put16(zp + ZP_CMDLINE_OFFSET, BOOT_CMDLINE - BOOT_TABLES);
    }
    return true;
}

static void set_memory(struct phys_mem *mem, uint8_t *zp)
{
    struct e820_entry map[E820_MAX];
    unsigned n = boot_e820(mem, map);
    uint64_t above_1m = (boot_ram_top(mem) - 0x100000) >> 10;
    put16(zp + ZP_EXT_MEM_K, above_1m > 0xffff ? 0xffff : (uint32_t)above_1m);
    put32(zp + ZP_ALT_MEM_K, (uint32_t)above_1m);
    zp[ZP_E820_ENTRIES] = (uint8_t)n;
    memcpy(zp + ZP_E820, map, n * sizeof(map[0]));
}

bool boot_linux(struct phys_mem *mem, const struct boot_config *config, const struct boot_file *kernel,
                struct boot_state *out, char **error)
{
    struct image im;
    static uint8_t zp[ZERO_PAGE_SIZE];
    if (!read_header(kernel, &im, error))
        return false;
    memset(zp, 0, sizeof(zp));
    /* The header's length is in the jump over it (boot.rst, "32-bit boot protocol"). */
    unsigned hdr_end = HDR_MAGIC + kernel->data[HDR_JUMP + 1];
    if (hdr_end > ZP_E820)
        hdr_end = ZP_E820;
    memcpy(zp + ZP_HDR, kernel->data + ZP_HDR, hdr_end - ZP_HDR);
    zp[HDR_TYPE_OF_LOADER] = 0xff;
    if (im.version >= 0x201) {
        zp[HDR_LOADFLAGS] |= CAN_USE_HEAP;
        put16(zp + HDR_HEAP_END, 0xfe00);
    }
    put32(zp + HDR_RAMDISK_IMAGE, 0);
    put32(zp + HDR_RAMDISK_SIZE, 0);
    put32(zp + HDR_CODE32_START, im.load_addr);
    if (!load_code(mem, &im, error)
        || (config->initrd && !load_initrd(mem, config->initrd, &im, zp, error))
        || !set_cmdline(mem, config->append ? config->append : "", &im, zp, error))
        return false;
    set_memory(mem, zp);
    if (!boot_write(mem, BOOT_TABLES, zp, sizeof(zp)) || !boot_write_gdt(mem, out))
        return error_set(error, "kernel %s: no memory for the boot tables (-m)", kernel->path);
    out->eip = im.load_addr;
    out->esi = BOOT_TABLES;
    return true;
}
