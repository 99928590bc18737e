/* hostcount: a plugin for QEMU 7.2's user-mode emulators that counts executed
 * instructions of the emulated (for stitch86: mips64el) program.
 *
 *   qemu-mips64el -plugin ./libhostcount.so,ARG,... -d plugin PROGRAM ...
 *
 * Arguments:
 *   range=NAME:START-END  count [START, END) (hexadecimal) under NAME; may be repeated
 *   map=FILE              more ranges, one "START END NAME" a line, read when the program ends, so
 *                         that the program can have written it (its code buffer's address)
 *   hot=N                 list the N blocks that executed the most instructions
 *   out=FILE              report there instead of on the log of `-d plugin`
 *
 * What is in no named range goes to "program" when it lies in the main executable's code, to "libraries"
 * when it lies in another mapped file, else to "made at run time".  Where the emulator has moved the
 * program's addresses, files can't be told: all but the program is "other" then.  Earlier ranges win.
 *
 * QEMU's Debian package has no header for plugins; these declarations follow the interface
 * as its documentation gives it ("QEMU TCG Plugins", version 1 of the API).  Counters are
 * bumped inline and without locks: with several threads a few increments can get lost. */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct plugin_info {
    const char *target_name;
    struct {
        int min, cur;
    } version;
    bool system_emulation;
    struct {
        int smp_vcpus, max_vcpus;
    } system;
};
struct qemu_plugin_tb;
enum { INLINE_ADD_U64 = 0 };

typedef void tb_trans_cb(plugin_id id, struct qemu_plugin_tb *tb);
typedef void atexit_cb(plugin_id id, void *userdata);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, tb_trans_cb *cb);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr, uint64_t imm);
extern void qemu_plugin_register_atexit_cb(plugin_id id, atexit_cb *cb, void *userdata);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_start_code(void);
extern uint64_t qemu_plugin_end_code(void);
extern void qemu_plugin_outs(const char *string);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv);

/* A translated block; blocks of the same address and length share one. */
struct block {
    uint64_t executed; /* what the inline operation counts, in instructions */
    uint64_t vaddr;
    uint32_t n_insns;
    struct block *next;
};

struct range {
    uint64_t start, end, executed;
    char name[64];
};

struct span {
    uint64_t start, end;
};

enum { HASH_BITS = 16, MAX_RANGES = 64, MAX_FILES = 1024 };
static struct span files[MAX_FILES];
static unsigned n_files;
static struct block *hash[1 << HASH_BITS];
static size_t n_blocks;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct range ranges[MAX_RANGES];
static unsigned n_ranges, hot;
static const char *map_file, *out_file;
static FILE *out;

static struct block *find_block(uint64_t vaddr, uint32_t n)
{
    struct block **slot = &hash[(vaddr >> 2 ^ vaddr >> 18) & ((1 << HASH_BITS) - 1)];
    struct block *b;
    pthread_mutex_lock(&lock);
    for (b = *slot; b && (b->vaddr != vaddr || b->n_insns != n); b = b->next)
        continue;
    if (!b && (b = calloc(1, sizeof *b)) != NULL) {
        b->vaddr = vaddr;
        b->n_insns = n;
        b->next = *slot;
        *slot = b;
        n_blocks++;
    }
    pthread_mutex_unlock(&lock);
    return b;
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *tb)
{
    uint32_t n = (uint32_t)qemu_plugin_tb_n_insns(tb);
    struct block *b = find_block(qemu_plugin_tb_vaddr(tb), n);
    (void)id;
    if (b)
        qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &b->executed, n);
}

static bool add_range(const char *name, uint64_t start, uint64_t end)
{
    if (n_ranges >= MAX_RANGES || start >= end)
        return false;
    struct range *r = &ranges[n_ranges++];
    snprintf(r->name, sizeof r->name, "%s", name);
    r->start = start;
    r->end = end;
    return true;
}

static void read_map(void)
{
    FILE *f = fopen(map_file, "r");
    char line[256], name[64];
    uint64_t start, end;
    if (!f) {
        fprintf(stderr, "hostcount: %s: cannot be read\n", map_file);
        return;
    }
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "%" SCNx64 " %" SCNx64 " %63s", &start, &end, name) == 3)
            add_range(name, start, end);
    fclose(f);
}

/* The emulator maps the program's files like any other of its own; with a guest base of 0, the usual one, the
 * addresses are the program's too. */
static bool read_files(uint64_t program)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[1024], file[512];
    uint64_t start, end;
    bool found = false;
    if (!f)
        return false;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %511s", &start, &end, file) != 3
            || file[0] != '/')
            continue;
        found |= program >= start && program < end;
        if (n_files < MAX_FILES)
            files[n_files++] = (struct span){ start, end };
    }
    fclose(f);
    return found;
}

static bool in_file(uint64_t vaddr)
{
    for (unsigned i = 0; i < n_files; i++)
        if (vaddr >= files[i].start && vaddr < files[i].end)
            return true;
    return false;
}

static void put(const char *line)
{
    if (out)
        fputs(line, out);
    else
        qemu_plugin_outs(line);
}

static int by_executed(const void *a, const void *b)
{
    uint64_t x = (*(struct block *const *)a)->executed, y = (*(struct block *const *)b)->executed;
    return x < y ? 1 : x > y ? -1 : 0;
}

static const char *range_name(uint64_t vaddr, struct range **found)
{
    for (unsigned i = 0; i < n_ranges; i++)
        if (vaddr >= ranges[i].start && vaddr < ranges[i].end) {
            *found = &ranges[i];
            return ranges[i].name;
        }
    return "other";
}

static void on_exit_report(plugin_id id, void *userdata)
{
    struct block **all = malloc((n_blocks + 1) * sizeof *all);
    size_t n = 0;
    uint64_t total = 0, libraries = 0, other = 0;
    struct range *r;
    char line[160];
    (void)id;
    (void)userdata;

    if (!all)
        return;
    if (map_file)
        read_map();
    add_range("program", qemu_plugin_start_code(), qemu_plugin_end_code());
    bool split = read_files(qemu_plugin_start_code());
    for (size_t i = 0; i < (size_t)1 << HASH_BITS; i++)
        for (struct block *b = hash[i]; b; b = b->next) {
            all[n++] = b;
            total += b->executed;
            r = NULL;
            range_name(b->vaddr, &r);
            if (r)
                r->executed += b->executed;
            else if (split && in_file(b->vaddr))
                libraries += b->executed;
            else
                other += b->executed;
        }
    if (out_file && !(out = fopen(out_file, "w")))
        fprintf(stderr, "hostcount: %s: cannot be written\n", out_file);
    snprintf(line, sizeof line, "host instructions: %" PRIu64 "\n", total);
    put(line);
    for (unsigned i = 0; i < n_ranges; i++) {
        snprintf(line, sizeof line, "  %-16s %" PRIu64 "\n", ranges[i].name, ranges[i].executed);
        put(line);
    }
    if (split) {
        snprintf(line, sizeof line, "  %-16s %" PRIu64 "\n", "libraries", libraries);
        put(line);
    }
    snprintf(line, sizeof line, "  %-16s %" PRIu64 "\n", split ? "made at run time" : "other", other);
    put(line);
    if (hot) {
        qsort(all, n, sizeof *all, by_executed);
        put("hot blocks: address, instructions in it, times, share, range\n");
        for (size_t i = 0; i < n && i < hot && all[i]->executed; i++) {
            r = NULL;
            snprintf(line, sizeof line, "  %012" PRIx64 " %4u %14" PRIu64 " %6.2f%% %s\n", all[i]->vaddr,
                     all[i]->n_insns, all[i]->executed / all[i]->n_insns,
                     100.0 * (double)all[i]->executed / (double)total, range_name(all[i]->vaddr, &r));
            put(line);
        }
    }
    if (out)
        fclose(out);
    free(all);
}

EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv)
{
    char name[64];
    uint64_t start, end;
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (sscanf(argv[i], "range=%63[^:]:%" SCNx64 "-%" SCNx64, name, &start, &end) == 3
            && add_range(name, start, end))
            continue;
        if (strncmp(argv[i], "map=", 4) == 0) {
            map_file = strdup(argv[i] + 4);
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out_file = strdup(argv[i] + 4);
        } else if (strncmp(argv[i], "hot=", 4) == 0) {
            hot = (unsigned)strtoul(argv[i] + 4, NULL, 0);
        } else {
            fprintf(stderr, "hostcount: unknown or wrong argument: %s\n", argv[i]);
            return -1;
        }
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, on_exit_report, NULL);
    return 0;
}
