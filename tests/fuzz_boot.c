/* Random files as kernel and initial RAM disk: headers, truncated and contradictory.  A loader takes or
 * refuses them; it never reads beyond a file or writes beyond guest memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot-internal.h"

/* The input: this, then the initrd's bytes, then the kernel's. */
struct header {
    uint8_t kind; /* enum kind */
    uint8_t initrd_kind;
    uint8_t initrd_len[2];
    uint8_t cut[2]; /* bytes that are missing at the kernel's end */
    uint8_t append;
    uint8_t ram;    /* guest memory in 32 KiB above 1 MiB */
};
/* What is made of the kernel; with an initrd; through boot_load(). */
enum kind {
    KIND_RAW, KIND_LINUX, KIND_MULTIBOOT, KIND_ELF, KIND_MASK = 3, KIND_INITRD = 8, KIND_FILES = 0x10
};

#define KERNEL_MAX 0x4000u

static uint8_t kernel[KERNEL_MAX];

static void put(size_t at, const void *bytes, size_t n)
{
    memcpy(kernel + at, bytes, n);
}

/* Signatures and checksums that random bytes would seldom hit; all other fields are the input's. */
static void fix_up(enum kind kind)
{
    uint32_t magic = 0x1badb002, flags, sum;
    switch (kind & KIND_MASK) {
    case KIND_LINUX:
        put(0x1fe, "\x55\xaa", 2);
        put(0x202, "HdrS", 4);
        kernel[0x207] = 2;
        kernel[0x1f1] &= 7;
        break;
    case KIND_ELF:
        memmove(kernel + 0x60, kernel + 0x10, 12); /* the input's words for the Multiboot header */
        put(0, "\177ELF\1\1\1", 7);
        put(0x12, "\3", 2);
        kernel[0x2a] = 0x20;
        put(0x60, &magic, 4);
        memset(kernel + 0x64, 0, 4);
        sum = 0u - magic;
        put(0x68, &sum, 4);
        break;
    case KIND_MULTIBOOT:
        put(0, &magic, 4);
        memcpy(&flags, kernel + 4, 4);
        flags &= kernel[5] & 1 ? ~0u : 0xffff0007;
        put(4, &flags, 4);
        sum = 0u - magic - flags;
        put(8, &sum, 4);
        break;
    default:
        break;
    }
}

static void start_initrd(uint8_t *data, size_t size, uint8_t kind)
{
    static const struct {
        const char *bytes;
        size_t len;
    } magics[8] = {
        { "", 0 }, { "070701", 6 }, { "\x1f\x8b\x08", 3 }, { "\xfd" "7zXZ", 6 }, { "\x28\xb5\x2f\xfd", 4 },
        { "\x02\x21\x4c\x18", 4 }, { "070702", 6 }, { "\0\0\0\0" "070701", 10 }
    };
    size_t n = magics[kind & 7].len;
    memcpy(data, magics[kind & 7].bytes, n < size ? n : size);
}

/* A file without a name in any folder; returns what to open. */
static int make_file(const void *data, size_t size, char path[32])
{
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static void check(bool ok, char *error, const struct boot_state *out)
{
    if (ok == (error != NULL) || (error && (!*error || strchr(error, '\n')))) {
        fprintf(stderr, "fuzz_boot: %s\n",
                ok ? "success with an error" : "failure without one line of error");
        abort();
    }
    if (ok && (!out->gdt_base || !out->cs || !out->ds)) {
        fprintf(stderr, "fuzz_boot: no GDT\n");
        abort();
    }
    free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct header h;
    if (size < sizeof h)
        return 0;
    memcpy(&h, data, sizeof h);
    data += sizeof h;
    size -= sizeof h;

    size_t initrd_size = h.initrd_len[0] | (size_t)h.initrd_len[1] << 8;
    initrd_size = initrd_size < size ? initrd_size : size;
    uint8_t *initrd = malloc(initrd_size + 1);
    if (!initrd)
        abort();
    memcpy(initrd, data, initrd_size);
    start_initrd(initrd, initrd_size, h.initrd_kind);
    uint8_t *exact = malloc(initrd_size ? initrd_size : 1);
    if (!exact)
        abort();
    memcpy(exact, initrd, initrd_size);
    boot_check_initrd(exact, initrd_size);
    free(exact);
    data += initrd_size;
    size -= initrd_size;

    memset(kernel, 0, sizeof kernel);
    put(0, data, size < sizeof kernel ? size : sizeof kernel);
    /* A Linux header lies 500 bytes in: the input need not be that long. */
    if ((h.kind & KIND_MASK) == KIND_LINUX)
        put(0x1f0, data, size < 0xa0 ? size : 0xa0);
    fix_up(h.kind);
    size_t cut = h.cut[0] | (size_t)h.cut[1] << 8;
    size_t kernel_size = cut < KERNEL_MAX ? KERNEL_MAX - cut : cut % 0x300;

    struct phys_mem *mem = phys_mem_new();
    phys_mem_add_ram(mem, 0, 0xa0000, "low");
    phys_mem_add_ram(mem, 0x100000, ((hwaddr)h.ram + 1) << 15, "high");
    phys_mem_add_rom(mem, 0xe0000, 0x20000, "bios");
    char initrd_path[32], kernel_path[32], append[256];
    memset(append, 'a', h.append);
    append[h.append] = '\0';
    struct boot_config config = { .kernel = "KERNEL", .append = h.append ? append : NULL,
                                  .ram_size = 0x100000 + (((uint64_t)h.ram + 1) << 15) };
    struct boot_state out = { 0 };
    char *error = NULL;
    int initrd_fd = -1, kernel_fd = -1;
    if (h.kind & KIND_INITRD) {
        initrd_fd = make_file(initrd, initrd_size, initrd_path);
        config.initrd = initrd_path;
    }
    if (h.kind & KIND_FILES) {
        kernel_fd = make_file(kernel, kernel_size, kernel_path);
        config.kernel = kernel_path;
        bool ok = boot_load(NULL, mem, &config, &out, &error);
        check(ok, error, &out);
    } else {
        struct boot_file f = { .path = config.kernel, .data = malloc(kernel_size ? kernel_size : 1),
                               .size = kernel_size };
        if (!f.data)
            abort();
        memcpy(f.data, kernel, kernel_size);
        bool linux_image = boot_linux_probe(&f), multiboot = boot_multiboot_probe(&f);
        if (linux_image) {
            bool ok = boot_linux(mem, &config, &f, &out, &error);
            check(ok, error, &out);
        }
        if (multiboot) {
            error = NULL;
            out = (struct boot_state){ 0 };
            bool ok = boot_multiboot(mem, &config, &f, &out, &error);
            check(ok, error, &out);
        }
        free(f.data);
    }
    if (initrd_fd >= 0)
        close(initrd_fd);
    if (kernel_fd >= 0)
        close(kernel_fd);
    phys_mem_free(mem);
    free(initrd);
    return 0;
}
