/* A main() for the fuzzers without libFuzzer: runs files, or all files of folders, or without arguments
 * a fixed number of pseudo-random inputs (FUZZ_RUNS in the environment changes it), always the same. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Longest input, and how many. */
#ifndef FUZZ_MAX_LEN
#define FUZZ_MAX_LEN 512
#endif
#ifndef FUZZ_RUNS
#define FUZZ_RUNS 20000
#endif

static unsigned long inputs;
static uint64_t state = 0x9e3779b97f4a7c15;

static uint32_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

/* A copy of exact size, so that a sanitizer sees a read behind it. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    inputs++;
}

static void run_random(unsigned long count)
{
    static uint8_t buf[FUZZ_MAX_LEN];
    while (inputs < count) {
        size_t n = next_random() % (sizeof buf + 1);
        /* Half of the inputs prefer small values, which name more things. */
        uint32_t mask = next_random() & 1 ? 0xff : 0x1f;
        for (size_t i = 0; i < n; i++) {
            uint32_t r = next_random();
            buf[i] = (uint8_t)(r >> 8 & (r & 3 ? 0xff : mask));
        }
        run(buf, n);
    }
}

static int run_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        struct dirent **names;
        int n = scandir(path, &names, NULL, alphasort), bad = n < 0;
        for (int i = 0; i < n; i++) {
            char *sub;
            if (names[i]->d_name[0] != '.' && asprintf(&sub, "%s/%s", path, names[i]->d_name) >= 0) {
                bad |= run_path(sub);
                free(sub);
            }
            free(names[i]);
        }
        if (n >= 0)
            free(names);
        return bad;
    }
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0, room = 0;
    if (!f) {
        perror(path);
        return 1;
    }
    do {
        room = room * 2 + 4096;
        data = realloc(data, room);
        if (!data)
            abort();
        size += fread(data + size, 1, room - size, f);
    } while (size == room);
    fclose(f);
    run(data, size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    const char *runs = getenv("FUZZ_RUNS"), *name = strrchr(argv[0], '/');
    int bad = 0;
    for (int i = 1; i < argc; i++)
        bad |= run_path(argv[i]);
    if (argc == 1)
        run_random(runs ? strtoul(runs, NULL, 0) : FUZZ_RUNS);
    printf("%s: %lu inputs, no finding\n", name ? name + 1 : argv[0], inputs);
    return bad;
}
