/* hostcount: a plugin for QEMU 7.2's user-mode emulators that counts executed
 * instructions of the emulated (for stitch86: mips64el) program, in all and between marks.
 *
 *   qemu-mips64el -plugin ./libhostcount.so,ARG,... -d plugin PROGRAM ...
 *
 * Arguments:
 *   range=NAME:START-END  count [START, END) (hexadecimal) under NAME; may be repeated
 *   map=FILE              more ranges, one "START END NAME" a line; +START +END are counted from the program's
 *                         first page with code
 *   marks                 a section for each pair of marks (marks.c)
 *   slow=N                from the mark @@ready on the program's clock runs N times slower (clocks.c)
 *   hot=N                 list the N blocks that executed the most instructions, in each section and in all
 *   out=FILE              report there instead of on the log of `-d plugin`; %p stands for the process
 *
 * What is in no named range goes to "program" when it lies in the main executable's code, to "libraries"
 * when it lies in another mapped file, else to "made at run time".  Where the emulator has moved the
 * program's addresses, files can't be told: all but the program is "made at run time" then.  Earlier ranges
 * win.
 *
 * Counters are bumped inline and without locks: with several threads a few increments can get lost.  A block
 * counts as a whole when it is entered.  A forked child counts from 0. */
#include "hostcount.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

EXPORT int qemu_plugin_version = 1;

/* A translated block; blocks of the same address and length share one. */
struct block {
    uint64_t executed, before; /* in instructions; at the section's start */
    uint64_t vaddr;
    uint32_t n_insns, kind;
    struct block *next;
};

struct range {
    uint64_t start, end;
    unsigned kind;
};

struct kind {
    uint64_t executed, before;
    char name[40];
};

enum { HASH_BITS = 16, MAX_RANGES = 4096, MAX_KINDS = 64, MAX_FILES = 1024 };
enum { PROGRAM, LIBRARIES, RUN_TIME, OWN_KINDS };
static struct kind kinds[MAX_KINDS] = {
    {.name = "program"}, {.name = "libraries"}, {.name = "made at run time"}
};
static unsigned n_kinds = OWN_KINDS, n_ranges, n_files, n_absent, hot;
static struct range ranges[MAX_RANGES];
static struct {
    uint64_t start, end;
} files[MAX_FILES], absent[MAX_FILES]; /* absent: memory without a file */
static struct block *hash[1 << HASH_BITS];
static size_t n_blocks;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *map_file, *out_name;
static FILE *out;
static bool ready, files_known;
static double wall_before, cpu_before;

static unsigned find_kind(const char *name)
{
    for (unsigned i = 0; i < n_kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return i;
    if (n_kinds == MAX_KINDS)
        return PROGRAM;
    snprintf(kinds[n_kinds].name, sizeof kinds[n_kinds].name, "%s", name);
    return n_kinds++;
}

static bool add_range(const char *name, uint64_t start, uint64_t end)
{
    if (n_ranges >= MAX_RANGES || start >= end)
        return false;
    ranges[n_ranges++] = (struct range){start, end, find_kind(name)};
    return true;
}

static uint64_t address(const char *text)
{
    return *text == '+' ? qemu_plugin_start_code() + strtoull(text + 1, NULL, 16) : strtoull(text, NULL, 16);
}

static void read_map(void)
{
    FILE *f = fopen(map_file, "r");
    char line[256], name[64], start[32], end[32];
    if (!f) {
        fprintf(stderr, "hostcount: %s: cannot be read\n", map_file);
        return;
    }
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "%31s %31s %39[^\n]", start, end, name) == 3)
            add_range(name, address(start), address(end));
    fclose(f);
}

/* The emulator maps the program's files like any other of its own; with a guest base of 0, the usual one, the
 * addresses are the program's too. */
static void read_files(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    char line[1024], file[512];
    uint64_t start, end, program = qemu_plugin_start_code();
    n_files = n_absent = 0;
    while (f && fgets(line, sizeof line, f)) {
        int n = sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %511s", &start, &end, file);
        if (n == 3 && file[0] == '/') {
            files_known |= program >= start && program < end;
            if (n_files < MAX_FILES) {
                files[n_files].start = start;
                files[n_files++].end = end;
            }
        } else if (n >= 2 && n_absent < MAX_FILES) {
            absent[n_absent].start = start;
            absent[n_absent++].end = end;
        }
    }
    if (f)
        fclose(f);
}

static unsigned mapped_kind(uint64_t vaddr)
{
    for (unsigned i = 0; i < n_files; i++)
        if (vaddr >= files[i].start && vaddr < files[i].end)
            return files_known ? LIBRARIES : RUN_TIME;
    for (unsigned i = 0; i < n_absent; i++)
        if (vaddr >= absent[i].start && vaddr < absent[i].end)
            return RUN_TIME;
    return MAX_KINDS;
}

static unsigned kind_of(uint64_t vaddr)
{
    for (unsigned i = 0; i < n_ranges; i++)
        if (vaddr >= ranges[i].start && vaddr < ranges[i].end)
            return ranges[i].kind;
    unsigned kind = mapped_kind(vaddr);
    if (kind == MAX_KINDS) {
        read_files(); /* something was mapped since */
        kind = mapped_kind(vaddr);
    }
    return kind == MAX_KINDS ? RUN_TIME : kind;
}

static struct block *find_block(uint64_t vaddr, uint32_t n)
{
    struct block **slot = &hash[(vaddr >> 2 ^ vaddr >> 18) & ((1 << HASH_BITS) - 1)];
    struct block *b;
    for (b = *slot; b && (b->vaddr != vaddr || b->n_insns != n); b = b->next)
        continue;
    if (!b && (b = calloc(1, sizeof *b)) != NULL) {
        b->vaddr = vaddr;
        b->n_insns = n;
        b->kind = kind_of(vaddr);
        b->next = *slot;
        *slot = b;
        n_blocks++;
    }
    return b;
}

/* When the first block is made the program has been loaded. */
static void get_ready(void)
{
    ready = true;
    if (map_file)
        read_map();
    add_range("program", qemu_plugin_start_code(), qemu_plugin_end_code());
}

static void on_translate(plugin_id id, struct qemu_plugin_tb *tb)
{
    uint32_t n = (uint32_t)qemu_plugin_tb_n_insns(tb);
    (void)id;
    pthread_mutex_lock(&lock);
    if (!ready)
        get_ready();
    struct block *b = find_block(qemu_plugin_tb_vaddr(tb), n);
    pthread_mutex_unlock(&lock);
    if (!b)
        return;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &kinds[b->kind].executed, n);
    if (hot)
        qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &b->executed, n);
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
    const struct block *p = *(struct block *const *)a, *q = *(struct block *const *)b;
    uint64_t x = p->executed - p->before, y = q->executed - q->before;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void report_hot(uint64_t total)
{
    struct block **all = malloc((n_blocks + 1) * sizeof *all);
    size_t n = 0;
    char line[160];
    if (!all)
        return;
    for (size_t i = 0; i < (size_t)1 << HASH_BITS; i++)
        for (struct block *b = hash[i]; b; b = b->next)
            all[n++] = b;
    qsort(all, n, sizeof *all, by_executed);
    put("hot blocks: address, instructions in it, times, share, range\n");
    for (size_t i = 0; i < n && i < hot; i++) {
        uint64_t executed = all[i]->executed - all[i]->before;
        if (!executed)
            break;
        snprintf(line, sizeof line, "  %012" PRIx64 " %4u %14" PRIu64 " %6.2f%% %s\n", all[i]->vaddr,
                 all[i]->n_insns, executed / all[i]->n_insns, 100.0 * (double)executed / (double)total,
                 kinds[all[i]->kind].name);
        put(line);
    }
    free(all);
}

/* What was counted since the `before`s, under a heading that ends with the sum. */
static void report(const char *heading)
{
    uint64_t total = 0;
    char line[256];
    for (unsigned i = 0; i < n_kinds; i++)
        total += kinds[i].executed - kinds[i].before;
    snprintf(line, sizeof line, "%s: %" PRIu64 "\n", heading, total);
    put(line);
    for (unsigned i = 0; i < n_kinds; i++) {
        snprintf(line, sizeof line, "  %-16s %" PRIu64 "\n", kinds[i].name,
                 kinds[i].executed - kinds[i].before);
        put(line);
    }
    if (hot)
        report_hot(total);
    if (out)
        fflush(out);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void section_start(void)
{
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < n_kinds; i++)
        kinds[i].before = kinds[i].executed;
    for (size_t i = 0; hot && i < (size_t)1 << HASH_BITS; i++)
        for (struct block *b = hash[i]; b; b = b->next)
            b->before = b->executed;
    wall_before = seconds(CLOCK_MONOTONIC);
    cpu_before = seconds(CLOCK_PROCESS_CPUTIME_ID);
    pthread_mutex_unlock(&lock);
}

void section_stop(const char *name, const char *status)
{
    char heading[160];
    snprintf(heading, sizeof heading, "section %s status %s wall %.3f cpu %.3f", name, status,
             seconds(CLOCK_MONOTONIC) - wall_before, seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_before);
    pthread_mutex_lock(&lock);
    report(heading);
    pthread_mutex_unlock(&lock);
}

static void open_out(void)
{
    const char *p = strstr(out_name, "%p");
    char name[1024];
    if (p)
        snprintf(name, sizeof name, "%.*s%ld%s", (int)(p - out_name), out_name, (long)getpid(), p + 2);
    else
        snprintf(name, sizeof name, "%s", out_name);
    out = fopen(name, "we");
    if (!out)
        fprintf(stderr, "hostcount: %s: cannot be written\n", name);
}

static void before_fork(void)
{
    if (out)
        fflush(out);
}

/* What was counted is the parent's. */
static void in_child(void)
{
    for (unsigned i = 0; i < n_kinds; i++)
        kinds[i].executed = 0;
    for (size_t i = 0; i < (size_t)1 << HASH_BITS; i++)
        for (struct block *b = hash[i]; b; b = b->next)
            b->executed = 0;
    if (out) {
        fclose(out);
        open_out();
    }
}

static void on_exit_report(plugin_id id, void *userdata)
{
    (void)id;
    (void)userdata;
    for (unsigned i = 0; i < n_kinds; i++)
        kinds[i].before = 0;
    for (size_t i = 0; i < (size_t)1 << HASH_BITS; i++)
        for (struct block *b = hash[i]; b; b = b->next)
            b->before = 0;
    report("host instructions");
    if (out)
        fclose(out);
    out = NULL;
}

static bool marks;

static void on_syscall(plugin_id id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                       uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (marks)
        look_for_marks(number, a1, a2, a3);
    if (clock_divisor > 1)
        slow_before(vcpu, number, a1, a2, a3);
}

EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv)
{
    char name[64];
    uint64_t start, end;
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (sscanf(argv[i], "range=%39[^:]:%" SCNx64 "-%" SCNx64, name, &start, &end) == 3
            && add_range(name, start, end))
            continue;
        if (strncmp(argv[i], "map=", 4) == 0) {
            map_file = strdup(argv[i] + 4);
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out_name = strdup(argv[i] + 4);
        } else if (strncmp(argv[i], "hot=", 4) == 0) {
            hot = (unsigned)strtoul(argv[i] + 4, NULL, 0);
        } else if (strcmp(argv[i], "marks") == 0 || strcmp(argv[i], "marks=on") == 0) {
            marks = true;
        } else if (strncmp(argv[i], "slow=", 5) == 0 && atoi(argv[i] + 5) > 0) {
            clock_divisor = (unsigned)atoi(argv[i] + 5);
        } else {
            fprintf(stderr, "hostcount: unknown or wrong argument: %s\n", argv[i]);
            return -1;
        }
    }
    if (out_name)
        open_out();
    wall_before = seconds(CLOCK_MONOTONIC);
    pthread_atfork(before_fork, NULL, in_child);
    if (marks)
        qemu_plugin_register_vcpu_syscall_cb(id, on_syscall);
    if (clock_divisor > 1)
        qemu_plugin_register_vcpu_syscall_ret_cb(id, slow_after);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    qemu_plugin_register_atexit_cb(id, on_exit_report, NULL);
    return 0;
}
