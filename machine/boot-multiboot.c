/* Multiboot Specification 0.6.96: header search, ELF and address-field ("a.out kludge") loading,
 * modules, memory map.  Every number in the file is the guest's, so each is checked before use. */
#include "boot-internal.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAGIC 0x1badb002u
#define LOADER_MAGIC 0x2badb002u
#define HEADER_SEARCH 8192u
#define FLAG_UNKNOWN 0x0000fff8u /* of those that must be understood */
#define FLAG_ADDRESSES 0x00010000u
#define MODULES_MAX 64

struct mb_header {
    uint32_t magic, flags, checksum;
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
};

struct mb_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
    uint32_t mmap_length, mmap_addr, drives_length, drives_addr, config_table, boot_loader_name, apm_table;
};
enum { INFO_MEMORY = 1, INFO_CMDLINE = 4, INFO_MODS = 8, INFO_MMAP = 0x40, INFO_LOADER = 0x200 };

struct mb_module {
    uint32_t start, end, string, reserved;
};

struct mb_mmap {
    uint32_t entry_size; /* of what follows */
    struct e820_entry e;
} __attribute__((packed));

struct loader {
    struct phys_mem *mem;
    const struct boot_config *config;
    const struct boot_file *file;
    uint64_t next;        /* first free byte behind what was loaded */
    bool low_tables_used; /* the image lies where the tables usually go */
    char **error;
};

/* Offset of the header, or -1. */
static int64_t find_header(const struct boot_file *f, struct mb_header *h)
{
    uint64_t end = f->size < HEADER_SEARCH ? f->size : HEADER_SEARCH;
    for (uint64_t off = 0; off + 12 <= end; off += 4) {
        uint32_t w[3];
        memcpy(w, f->data + off, sizeof(w));
        if (w[0] != HEADER_MAGIC || w[0] + w[1] + w[2] != 0)
            continue;
        memset(h, 0, sizeof(*h));
        uint64_t n = f->size - off < sizeof(*h) ? f->size - off : sizeof(*h);
        memcpy(h, f->data + off, n);
        if ((h->flags & FLAG_ADDRESSES) && n < sizeof(*h))
            continue;
        return (int64_t)off;
    }
    return -1;
}

bool boot_multiboot_probe(const struct boot_file *kernel)
{
    struct mb_header h;
    return find_header(kernel, &h) >= 0;
}

/* Load `filesz` bytes of the file and clear up to memsz. */
static bool load_range(struct loader *l, uint64_t addr, uint64_t offset, uint64_t filesz, uint64_t memsz)
{
    const char *path = l->file->path;
    if (offset > l->file->size || filesz > l->file->size - offset)
        return error_set(l->error, "kernel %s: truncated: a part of it lies beyond the file's end", path);
    if (memsz < filesz)
        return error_set(l->error, "kernel %s: malformed: a part is bigger in the file than in memory", path);
    if (addr + memsz > ((uint64_t)1 << 32)
        || !boot_write(l->mem, addr, l->file->data + offset, filesz)
        || !boot_clear(l->mem, addr + filesz, memsz - filesz))
        return error_set(l->error, "kernel %s: %llu bytes at 0x%llx are not all guest memory (-m)", path,
                          (unsigned long long)memsz, (unsigned long long)addr);
    if (addr < BOOT_TABLES_END && addr + memsz > BOOT_TABLES)
        l->low_tables_used = true;
    if (addr + memsz > l->next)
        l->next = addr + memsz;
    return true;
}

static bool load_by_addresses(struct loader *l, const struct mb_header *h, int64_t header_off, uint32_t *entry)
{
    int64_t off = header_off - ((int64_t)h->header_addr - h->load_addr);
    if (h->load_addr > h->header_addr || off < 0)
        return error_set(l->error, "kernel %s: malformed Multiboot addresses", l->file->path);
    uint64_t filesz = h->load_end_addr ? (uint64_t)h->load_end_addr - h->load_addr : l->file->size - (uint64_t)off;
    if (h->load_end_addr && h->load_end_addr < h->load_addr)
        return error_set(l->error, "kernel %s: malformed Multiboot addresses", l->file->path);
    uint64_t memsz = filesz;
    if (h->bss_end_addr > h->load_addr + filesz)
        memsz = (uint64_t)h->bss_end_addr - h->load_addr;
    *entry = h->entry_addr;
    return load_range(l, h->load_addr, (uint64_t)off, filesz, memsz);
}

static bool load_elf(struct loader *l, uint32_t *entry)
{
    const struct boot_file *f = l->file;
    Elf32_Ehdr eh;
    if (f->size < sizeof(eh))
        return error_set(l->error, "kernel %s: no ELF file, and no addresses in its Multiboot header", f->path);
    memcpy(&eh, f->data, sizeof(eh));
    if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
        return error_set(l->error, "kernel %s: no ELF file, and no addresses in its Multiboot header", f->path);
    if (eh.e_ident[EI_CLASS] != ELFCLASS32 || eh.e_ident[EI_DATA] != ELFDATA2LSB
        || eh.e_machine != EM_386)
        return error_set(l->error, "kernel %s: an ELF file, but not for i386", f->path);
    if (eh.e_phentsize < sizeof(Elf32_Phdr)
        || (uint64_t)eh.e_phoff + (uint64_t)eh.e_phnum * eh.e_phentsize > f->size)
        return error_set(l->error, "kernel %s: truncated: its program headers lie beyond the file's end", f->path);
    bool loaded = false;
    *entry = eh.e_entry;
    for (unsigned i = 0; i < eh.e_phnum; i++) {
        Elf32_Phdr ph;
        memcpy(&ph, f->data + eh.e_phoff + (uint64_t)i * eh.e_phentsize, sizeof(ph));
        if (ph.p_type != PT_LOAD || !ph.p_memsz)
            continue;
        if (!load_range(l, ph.p_paddr, ph.p_offset, ph.p_filesz, ph.p_memsz))
            return false;
        loaded = true;
        /* An entry given as a virtual address means its physical place: paging is off. */
        if (eh.e_entry >= ph.p_vaddr && eh.e_entry - ph.p_vaddr < ph.p_memsz)
            *entry = eh.e_entry - ph.p_vaddr + ph.p_paddr;
    }
    return loaded || error_set(l->error, "kernel %s: an ELF file with nothing to load", f->path);
}

/* Put bytes behind what is there; returns their address, or 0. */
static uint32_t place(struct loader *l, const void *data, uint64_t len, uint64_t align)
{
    uint64_t addr = (l->next + align - 1) & ~(align - 1);
    if (addr + len > ((uint64_t)1 << 32) || !boot_write(l->mem, addr, data, len))
        return 0;
    l->next = addr + len;
    return (uint32_t)addr;
}

static bool no_room(struct loader *l, const char *what)
{
    return error_set(l->error, "%s does not fit into guest memory (-m)", what);
}

/* One module: "PATH" or "PATH ARGUMENTS". */
static bool load_module(struct loader *l, const char *spec, struct mb_module *out)
{
    struct boot_file f;
    char *path = strdup(spec);
    path[strcspn(path, " ")] = '\0';
    bool ok = boot_read_file(path, "initrd", &f, l->error);
    if (ok) {
        out->start = place(l, f.data, f.size, 4096);
        out->end = out->start + (uint32_t)f.size;
        ok = out->start || no_room(l, path);
        boot_free_file(&f);
    }
    free(path);
    return ok;
}

static unsigned load_modules(struct loader *l, struct mb_module *mods, char **specs, bool *ok)
{
    unsigned n = 0;
    char *list = strdup(l->config->initrd), *save = NULL;
    *ok = true;
    for (char *s = strtok_r(list, ",", &save); s && *ok; s = strtok_r(NULL, ",", &save)) {
        if (n == MODULES_MAX) {
            *ok = error_set(l->error, "-initrd: more than %d modules", MODULES_MAX);
            break;
        }
        *ok = load_module(l, s, &mods[n]);
        if (*ok)
            specs[n++] = strdup(s);
    }
    free(list);
    return n;
}

/* The information structure and what it points to. */
static bool write_info(struct loader *l, struct mb_module *mods, char **specs, unsigned nmods, struct boot_state *out)
{
    struct mb_info info = { 0 };
    struct e820_entry map[E820_MAX];
    struct mb_mmap mmap[E820_MAX];
    const char *append = l->config->append ? l->config->append : "";
    char *cmdline = malloc(strlen(l->file->path) + strlen(append) + 2);
    if (!cmdline)
        abort();
    strcpy(stpcpy(stpcpy(cmdline, l->file->path), *append ? " " : ""), append);

    /* Kernels treat what lies behind them as free, so the tables go below the EBDA where the image
     * leaves that alone. */
    uint64_t behind = l->next, len = strlen(cmdline) + 1;
    for (unsigned i = 0; i < nmods; i++)
        len += strlen(specs[i]) + 4;
    bool low = !l->low_tables_used && len < BOOT_TABLES_END - BOOT_CMDLINE - 0x1000;
    if (low)
        l->next = BOOT_CMDLINE;

    uint64_t low_kib = BOOT_TABLES_END >> 10, high_kib = (boot_ram_top(l->mem) - 0x100000) >> 10;
    info.flags = INFO_MEMORY | INFO_CMDLINE | INFO_MMAP | INFO_LOADER;
    info.mem_lower = (uint32_t)low_kib;
    info.mem_upper = (uint32_t)high_kib;
    info.cmdline = place(l, cmdline, strlen(cmdline) + 1, 4);
    info.boot_loader_name = place(l, "stitch86", 9, 4);
    unsigned n = boot_e820(l->mem, map);
    for (unsigned i = 0; i < n; i++)
        mmap[i] = (struct mb_mmap){ sizeof(map[i]), map[i] };
    info.mmap_length = n * (uint32_t)sizeof(mmap[0]);
    info.mmap_addr = place(l, mmap, info.mmap_length, 4);
    bool ok = info.cmdline && info.boot_loader_name && info.mmap_addr;
    for (unsigned i = 0; i < nmods; i++) {
        mods[i].string = place(l, specs[i], strlen(specs[i]) + 1, 4);
        ok = ok && mods[i].string;
    }
    if (nmods) {
        info.flags |= INFO_MODS;
        info.mods_count = nmods;
        info.mods_addr = place(l, mods, nmods * sizeof(mods[0]), 4);
        ok = ok && info.mods_addr;
    }
    out->eax = LOADER_MAGIC;
    out->ebx = place(l, &info, sizeof(info), 4);
    if (low)
        l->next = behind;
    free(cmdline);
    return (ok && out->ebx) || no_room(l, "the Multiboot information");
}

bool boot_multiboot(struct phys_mem *mem, const struct boot_config *config, const struct boot_file *kernel,
                    struct boot_state *out, char **error)
{
    struct loader l = { .mem = mem, .config = config, .file = kernel, .error = error };
    struct mb_header h;
    static struct mb_module mods[MODULES_MAX];
    char *specs[MODULES_MAX];
    unsigned nmods = 0;
    int64_t off = find_header(kernel, &h);
    if (h.flags & FLAG_UNKNOWN)
        return error_set(error, "kernel %s: its Multiboot header asks for unknown features (flags %08x)",
                          kernel->path, h.flags);
    memset(mods, 0, sizeof(mods));
    bool ok = h.flags & FLAG_ADDRESSES ? load_by_addresses(&l, &h, off, &out->eip) : load_elf(&l, &out->eip);
    if (ok && l.next < 0x100000)
        l.next = 0x100000; /* never into the ROM area */
    if (ok && config->initrd)
        nmods = load_modules(&l, mods, specs, &ok);
    if (ok && !boot_write_gdt(mem, out))
        ok = no_room(&l, "the boot GDT");
    ok = ok && write_info(&l, mods, specs, nmods, out);
    for (unsigned i = 0; i < nmods; i++)
        free(specs[i]);
    return ok;
}
