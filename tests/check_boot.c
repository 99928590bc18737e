/* The boot loaders on kernels made up here: what they put into memory, and that no file, however
 * broken, is worth more than one line on standard error. */
#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "boot-internal.h"
#include "suite.h"

static struct phys_mem *mem;
static char dir[] = "/tmp/check_boot.XXXXXX";
static struct boot_state state;
static char *error;

static void new_memory(unsigned mib)
{
    if (mem)
        phys_mem_free(mem);
    mem = phys_mem_new();
    ck_assert(phys_mem_add_ram(mem, 0, 0xa0000, "low") != NULL);
    if (mib > 1)
        ck_assert(phys_mem_add_ram(mem, 0x100000, (hwaddr)(mib - 1) << 20, "high") != NULL);
}

static const char *file(const char *name, const void *data, size_t size)
{
    static char path[2][256];
    static int turn;
    char *p = path[turn ^= 1];
    snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
    FILE *f = fopen(p, "wb");
    ck_assert(f != NULL);
    ck_assert_uint_eq(fwrite(data, 1, size, f), size);
    fclose(f);
    return p;
}

static bool load(const char *kernel, const char *initrd, const char *append)
{
    struct boot_config config = { kernel, initrd, append, 0 };
    free(error);
    error = NULL;
    return boot_load(NULL, mem, &config, &state, &error);
}

static void refused(const char *kernel, const char *initrd, const char *append, const char *part)
{
    ck_assert_msg(!load(kernel, initrd, append), "taken; it should say \"%s\"", part);
    ck_assert_msg(error && strstr(error, part) != NULL, "\"%s\" does not say \"%s\"", error, part);
    ck_assert(strchr(error, '\n') == NULL);
}

static uint32_t get(hwaddr addr, unsigned size)
{
    uint32_t v = 0;
    phys_mem_read(mem, addr, &v, size);
    return v;
}

static void put(uint8_t *p, uint32_t v, unsigned size)
{
    memcpy(p, &v, size);
}

/* ---- Linux ---- */

#define CODE_SIZE 0x4000u
#define SETUP_SIZE (3 * 512u)
static uint8_t image[SETUP_SIZE + CODE_SIZE];

static void make_linux(unsigned version)
{
    memset(image, 0, sizeof(image));
    image[0x1f1] = 2;
    put(image + 0x1f4, CODE_SIZE / 16, 4);
    put(image + 0x1fe, 0xaa55, 2);
    put(image + 0x200, 0x66eb, 2);
    memcpy(image + 0x202, "HdrS", 4);
    put(image + 0x206, version, 2);
    image[0x211] = 1;
    put(image + 0x22c, 0x7fffffff, 4);
    put(image + 0x238, 2047, 4);
    put(image + 0x258, 0x1000000, 4);
    put(image + 0x260, 0x200000, 4);
    for (unsigned i = 0; i < CODE_SIZE; i++)
        image[SETUP_SIZE + i] = (uint8_t)(i * 7);
}

static const char *linux_file(void)
{
    return file("vmlinuz", image, sizeof(image));
}

START_TEST(linux_loads)
{
    new_memory(64);
    make_linux(0x20f);
    ck_assert_msg(load(linux_file(), NULL, "console=ttyS0"), "%s", error);
    /* A file may end within its last paragraph. */
    ck_assert_msg(load(file("odd", image, sizeof(image) - 15), NULL, "console=ttyS0"), "%s", error);
    ck_assert_msg(load(linux_file(), NULL, "console=ttyS0"), "%s", error);
    ck_assert_uint_eq(state.eip, 0x100000);
    ck_assert_uint_eq(state.cs, 0x10);
    ck_assert_uint_eq(state.ds, 0x18);
    for (unsigned i = 0; i < CODE_SIZE; i++)
        ck_assert_uint_eq(get(0x100000 + i, 1), (uint8_t)(i * 7));
    uint32_t zp = state.esi;
    ck_assert_uint_eq(get(zp + 0x202, 4), 0x53726448);
    ck_assert_uint_eq(get(zp + 0x214, 4), 0x100000);
    ck_assert_uint_eq(get(zp + 0x210, 1), 0xff);
    ck_assert_uint_eq(get(zp + 0x1e0, 4), 63 << 10);
    ck_assert_uint_eq(get(zp + 0x218, 4), 0);
    char cmdline[32];
    phys_mem_read(mem, get(zp + 0x228, 4), cmdline, sizeof(cmdline));
    ck_assert_str_eq(cmdline, "console=ttyS0");
    /* Descriptors at the selectors of the boot protocol: flat code and data. */
    ck_assert_uint_eq(get(state.gdt_base + 0x10 + 4, 4), 0x00cf9b00);
    ck_assert_uint_eq(get(state.gdt_base + 0x18 + 4, 4), 0x00cf9300);
    /* The e820 map names all RAM, and the tables' place is not free. */
    unsigned n = get(zp + 0x1e8, 1);
    uint64_t ram = 0;
    bool rom_reserved = false;
    for (unsigned i = 0; i < n; i++) {
        struct e820_entry e;
        phys_mem_read(mem, zp + 0x2d0 + i * sizeof(e), &e, sizeof(e));
        if (e.type == 1)
            ram += e.size;
        rom_reserved |= e.type == 2 && e.base <= 0xe0000 && e.base + e.size >= 0x100000;
    }
    ck_assert_uint_eq(ram, (63 << 20) + 0x9fc00);
    ck_assert(rom_reserved);
}
END_TEST

START_TEST(linux_initrd_place)
{
    static const uint8_t blob[5000] = "unknown format: taken as it is";
    new_memory(64);
    make_linux(0x20f);
    const char *initrd = file("initrd", blob, sizeof(blob));
    ck_assert_msg(load(linux_file(), initrd, NULL), "%s", error);
    ck_assert_uint_eq(get(state.esi + 0x21c, 4), sizeof(blob));
    uint32_t at = get(state.esi + 0x218, 4);
    ck_assert_uint_eq(at, (64 << 20) - 8192);
    ck_assert_uint_eq(get(at, 4), 0x6e6b6e75);
    /* Below what the kernel can reach. */
    put(image + 0x22c, 0x1ffffff, 4);
    initrd = file("initrd", blob, sizeof(blob));
    ck_assert_msg(load(linux_file(), initrd, NULL), "%s", error);
    ck_assert_uint_eq(get(state.esi + 0x218, 4), 0x2000000 - 8192);
    /* No room between the kernel's own memory and the limit. */
    put(image + 0x22c, 0x1201000, 4);
    initrd = file("initrd", blob, sizeof(blob));
    refused(linux_file(), initrd, NULL, "do not fit beside");
}
END_TEST

START_TEST(linux_old_protocols)
{
    new_memory(64);
    make_linux(0x200);
    image[0x211] = 0; /* a zImage */
    ck_assert_msg(load(linux_file(), NULL, "old"), "%s", error);
    ck_assert_uint_eq(state.eip, 0x10000);
    ck_assert_uint_eq(get(0x10000 + 1, 1), 7);
    ck_assert_uint_eq(get(state.esi + 0x20, 2), 0xa33f);
    ck_assert_uint_eq(get(state.esi + get(state.esi + 0x22, 2), 4), 0x00646c6f);
    make_linux(0x202);
    ck_assert_msg(load(linux_file(), NULL, "x"), "%s", error);
    ck_assert_uint_ne(get(state.esi + 0x228, 4), 0);
    char longer[300];
    memset(longer, 'a', 299);
    longer[299] = 0;
    refused(linux_file(), NULL, longer, "the kernel takes 255");
    make_linux(0x206);
    ck_assert_msg(load(linux_file(), NULL, longer), "%s", error);
    make_linux(0x1ff);
    refused(linux_file(), NULL, NULL, "too old");
}
END_TEST

START_TEST(linux_refusals)
{
    new_memory(64);
    make_linux(0x20f);
    refused("/nonexistent/kernel", NULL, NULL, "No such file");
    refused(dir, NULL, NULL, "is a directory");
    refused(file("empty", "", 0), NULL, NULL, "empty");
    refused(file("text", "hello, world", 12), NULL, NULL, "neither");
    refused(file("short", image, 0x300), NULL, NULL, "truncated");
    refused(file("short", image, sizeof(image) - 16), NULL, NULL, "truncated");
    refused(file("short", image, SETUP_SIZE), NULL, NULL, "truncated");
    refused(linux_file(), "/nonexistent/initrd", NULL, "No such file");
    refused(linux_file(), file("initrd", "", 0), NULL, "empty");
    new_memory(8);
    refused(linux_file(), NULL, NULL, "needs 18 MiB of guest memory, there are 8");
    new_memory(1);
    refused(linux_file(), NULL, NULL, "there are 1");
}
END_TEST

/* ---- initial RAM disks ---- */

static size_t make_cpio(uint8_t *out)
{
    static const char *const names[] = { "init", "TRAILER!!!" };
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        unsigned size = i == 0 ? 1001 : 0;
        n += (size_t)sprintf((char *)out + n, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s", 1, 0100755,
                             0, 0, 1, 0, size, 0, 0, 0, 0, (unsigned)strlen(names[i]) + 1, 0, names[i]) + 1;
        n = (n + 3) & ~(size_t)3;
        memset(out + n, 'x', size);
        n = (n + size + 3) & ~(size_t)3;
    }
    return n;
}

static size_t make_gzip(uint8_t *out, const uint8_t *in, size_t len)
{
    z_stream z = { 0 };
    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (uint8_t *)in;
    z.avail_in = (unsigned)len;
    z.next_out = out;
    z.avail_out = 65536;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

START_TEST(initrd_truncation)
{
    static uint8_t cpio[8192], gz[65536], both[80000];
    size_t n = make_cpio(cpio), g = make_gzip(gz, cpio, n);
    ck_assert_ptr_null(boot_check_initrd(cpio, n));
    ck_assert_ptr_null(boot_check_initrd(gz, g));
    /* From the magic on, up to the trailer's padding. */
    for (size_t cut = 6; cut < n - 3; cut++)
        ck_assert_ptr_nonnull(boot_check_initrd(cpio, cut));
    for (size_t cut = 2; cut < g; cut++)
        ck_assert_ptr_nonnull(boot_check_initrd(gz, cut));
    /* Microcode first, padding, then the compressed part; and that one cut off. */
    memcpy(both, cpio, n);
    memset(both + n, 0, 100);
    memcpy(both + n + 100, gz, g);
    ck_assert_ptr_null(boot_check_initrd(both, n + 100 + g));
    ck_assert_ptr_nonnull(boot_check_initrd(both, n + 100 + g - 5));
    gz[g / 2] ^= 0x55;
    ck_assert_ptr_nonnull(boot_check_initrd(gz, g));
}
END_TEST

START_TEST(initrd_formats)
{
    /* zstd: one raw block of 3 bytes, the last; an RLE block before it. */
    static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x52, 0x00, 0x00, 'z', 0x19, 0x00, 0x00, 1, 2, 3 };
    ck_assert_ptr_null(boot_check_initrd(zstd, sizeof(zstd)));
    for (size_t cut = 4; cut < sizeof(zstd); cut++)
        ck_assert_ptr_nonnull(boot_check_initrd(zstd, cut));
    static const uint8_t lz4[] = { 0x02, 0x21, 0x4c, 0x18, 3, 0, 0, 0, 1, 2, 3 };
    ck_assert_ptr_null(boot_check_initrd(lz4, sizeof(lz4)));
    ck_assert_ptr_nonnull(boot_check_initrd(lz4, sizeof(lz4) - 1));
    static const uint8_t xz[32] = { 0xfd, '7', 'z', 'X', 'Z', 0, [30] = 'Y', [31] = 'Z' };
    ck_assert_ptr_null(boot_check_initrd(xz, sizeof(xz)));
    ck_assert_ptr_nonnull(boot_check_initrd(xz, sizeof(xz) - 1));
    static const uint8_t evil[] = "07070100000000000000000000000000000000000000000000000000000000ffffffff"
                                  "00000000000000000000000000000000ffffffff00000000";
    ck_assert_ptr_nonnull(boot_check_initrd(evil, sizeof(evil)));
}
END_TEST

/* ---- Multiboot ---- */

static uint8_t mb[0x3000];

static void mb_header(uint8_t *at, uint32_t flags)
{
    put(at, 0x1badb002, 4);
    put(at + 4, flags, 4);
    put(at + 8, 0u - 0x1badb002u - flags, 4);
}

static void make_elf(void)
{
    memset(mb, 0, sizeof(mb));
    Elf32_Ehdr eh = { .e_type = ET_EXEC, .e_machine = EM_386, .e_version = 1, .e_entry = 0xc0200010, .e_phoff = 52,
                      .e_phentsize = 32, .e_phnum = 2, .e_ehsize = 52 };
    memcpy(eh.e_ident, ELFMAG "\1\1\1", 7);
    Elf32_Phdr ph[2] = {
        { .p_type = PT_NOTE, .p_offset = 0xffffff00, .p_filesz = 100 },
        { .p_type = PT_LOAD, .p_offset = 0x1000, .p_vaddr = 0xc0200000, .p_paddr = 0x200000, .p_filesz = 0x1000,
          .p_memsz = 0x3000 },
    };
    memcpy(mb, &eh, sizeof(eh));
    memcpy(mb + 52, ph, sizeof(ph));
    mb_header(mb + 0x1000, 3);
    memset(mb + 0x1100, 0x5a, 0x100);
}

START_TEST(multiboot_elf)
{
    char modules[600], cmdline[64];
    new_memory(64);
    make_elf();
    phys_mem_write(mem, 0x202000, "junk", 4);
    const char *path = file("kernel.elf", mb, sizeof(mb));
    const char *m1 = file("mod", "module one", 10);
    snprintf(modules, sizeof(modules), "%s first arg,%s", m1, m1);
    ck_assert_msg(load(path, modules, "root=x"), "%s", error);
    ck_assert_uint_eq(state.eip, 0x200010); /* the physical place of the entry */
    ck_assert_uint_eq(state.eax, 0x2badb002);
    ck_assert_uint_eq(get(0x200100, 1), 0x5a);
    ck_assert_uint_eq(get(0x202000, 4), 0); /* bss */
    uint32_t i = state.ebx, flags = get(i, 4);
    ck_assert_uint_eq(flags & 0x24d, 0x24d);
    ck_assert_uint_eq(get(i + 8, 4), 63 << 10);
    phys_mem_read(mem, get(i + 16, 4), cmdline, sizeof(cmdline));
    ck_assert_msg(strstr(cmdline, "kernel.elf root=x") != NULL, "%s", cmdline);
    ck_assert_uint_eq(get(i + 20, 4), 2);
    uint32_t mods = get(i + 24, 4), start = get(mods, 4);
    ck_assert_uint_eq(start % 4096, 0);
    ck_assert_uint_ge(start, 0x203000);
    ck_assert_uint_eq(get(mods + 4, 4), start + 10);
    ck_assert_uint_eq(get(start, 4), 0x75646f6d);
    phys_mem_read(mem, get(mods + 8, 4), modules, 300);
    ck_assert_msg(strstr(modules, "mod first arg") != NULL, "%s", modules);
    /* The map's entries are chained by their sizes to the given end. */
    uint32_t at = get(i + 48, 4), end = at + get(i + 44, 4), n = 0;
    for (; at < end; at += get(at, 4) + 4)
        n++;
    ck_assert_uint_eq(at, end);
    ck_assert_uint_ge(n, 4);
    refused(path, "/nonexistent/module", NULL, "No such file");
}
END_TEST

START_TEST(multiboot_addresses)
{
    new_memory(64);
    memset(mb, 0, sizeof(mb));
    mb_header(mb + 0x100, 0x10000);
    put(mb + 0x100 + 12, 0x300100, 4); /* header */
    put(mb + 0x100 + 16, 0x300080, 4); /* load: 0x80 bytes before it */
    put(mb + 0x100 + 20, 0x301000, 4);
    put(mb + 0x100 + 24, 0x304000, 4);
    put(mb + 0x100 + 28, 0x300200, 4);
    mb[0x80] = 0x77;
    phys_mem_write(mem, 0x303ffc, "junk", 4);
    ck_assert_msg(load(file("flat", mb, sizeof(mb)), NULL, NULL), "%s", error);
    ck_assert_uint_eq(state.eip, 0x300200);
    ck_assert_uint_eq(get(0x300080, 1), 0x77);
    ck_assert_uint_eq(get(0x303ffc, 4), 0);
    put(mb + 0x100 + 16, 0x300200, 4);
    refused(file("flat", mb, sizeof(mb)), NULL, NULL, "malformed");
    put(mb + 0x100 + 16, 0x200000, 4);
    refused(file("flat", mb, sizeof(mb)), NULL, NULL, "malformed");
    put(mb + 0x100 + 16, 0x300080, 4);
    put(mb + 0x100 + 20, 0x900000, 4);
    refused(file("flat", mb, sizeof(mb)), NULL, NULL, "truncated");
    put(mb + 0x100 + 20, 0x300000, 4);
    refused(file("flat", mb, sizeof(mb)), NULL, NULL, "malformed");
    put(mb + 0x100 + 20, 0, 4);
    put(mb + 0x100 + 24, 0xf0000000, 4);
    refused(file("flat", mb, sizeof(mb)), NULL, NULL, "not all guest memory");
}
END_TEST

START_TEST(multiboot_refusals)
{
    new_memory(64);
    make_elf();
    mb_header(mb + 0x1000, 0x8);
    refused(file("k", mb, sizeof(mb)), NULL, NULL, "unknown features");
    mb_header(mb + 0x1000, 0);
    mb[0x1008] ^= 1;
    refused(file("k", mb, sizeof(mb)), NULL, NULL, "neither");
    make_elf();
    mb[4] = ELFCLASS64;
    refused(file("k", mb, sizeof(mb)), NULL, NULL, "not for i386");
    make_elf();
    refused(file("k", mb, 0x1800), NULL, NULL, "truncated");
    make_elf();
    put(mb + 28, 0xfffffff0, 4);
    refused(file("k", mb, sizeof(mb)), NULL, NULL, "truncated");
    make_elf();
    put(mb + 52 + 32 + 20, 0x10, 4);
    refused(file("k", mb, sizeof(mb)), NULL, NULL, "malformed");
    make_elf();
    put(mb + 52 + 32 + 12, 0x9f000, 4); /* into the hole below 1 MiB */
    refused(file("k", mb, sizeof(mb)), NULL, NULL, "not all guest memory");
    make_elf();
    put(mb + 52 + 32, PT_NULL, 4);
    refused(file("k", mb, sizeof(mb)), NULL, NULL, "nothing to load");
    memset(mb, 0, sizeof(mb));
    mb_header(mb, 0);
    refused(file("k", mb, sizeof(mb)), NULL, NULL, "no ELF file");
}
END_TEST

/* The image itself lies where the tables go otherwise. */
START_TEST(multiboot_low_image)
{
    new_memory(64);
    make_elf();
    put(mb + 24, 0x92010, 4);
    put(mb + 52 + 32 + 8, 0x92000, 4);
    put(mb + 52 + 32 + 12, 0x92000, 4);
    ck_assert_msg(load(file("low", mb, sizeof(mb)), NULL, "x"), "%s", error);
    ck_assert_uint_eq(state.eip, 0x92010);
    ck_assert_uint_eq(get(0x92100, 1), 0x5a);
    ck_assert_uint_ge(state.ebx, 0x100000);
}
END_TEST

/* Damaged headers: accepted or refused with a line, never more than that. */
START_TEST(damaged_files)
{
    uint32_t seed = 12345;
    static uint8_t work[sizeof(image)];
    new_memory(32);
    for (int round = 0; round < 3000; round++) {
        bool is_linux = round & 1;
        if (is_linux)
            make_linux(0x20f);
        else
            make_elf();
        size_t size = is_linux ? sizeof(image) : sizeof(mb);
        memcpy(work, is_linux ? image : mb, size);
        size_t lo = is_linux ? 0x1f1 : round & 2 ? 0x1000 : 0, span = is_linux ? 0x80 : round & 2 ? 0x20 : 0x80;
        for (int i = 0; i < 1 + round % 4; i++) {
            seed = seed * 1664525 + 1013904223;
            size_t at = lo + (seed >> 8) % span;
            seed = seed * 1664525 + 1013904223;
            work[at] = seed >> 28 < 6 ? 0xff : (uint8_t)(seed >> 16);
        }
        if (round % 5 == 0)
            size = (seed >> 4) % size;
        if (!load(file("damaged", work, size), NULL, "x"))
            ck_assert(error && !strchr(error, '\n'));
        if (round % 50 == 0)
            new_memory(32);
    }
}
END_TEST

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    Suite *s = suite_create("boot");
    TCase *t = tcase_create("boot");
    suite_add_tcase(s, t);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, linux_loads);
    tcase_add_test(t, linux_initrd_place);
    tcase_add_test(t, linux_old_protocols);
    tcase_add_test(t, linux_refusals);
    tcase_add_test(t, initrd_truncation);
    tcase_add_test(t, initrd_formats);
    tcase_add_test(t, multiboot_elf);
    tcase_add_test(t, multiboot_addresses);
    tcase_add_test(t, multiboot_refusals);
    tcase_add_test(t, multiboot_low_image);
    tcase_add_test(t, damaged_files);
    int failed = suite_run(s);
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command) != 0 || failed;
}
