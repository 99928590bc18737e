/* Write a "newc" cpio archive: usage: mkinitramfs OUT ENTRY...
 *
 * ENTRY is dir:PATH, file:PATH:MODE:SOURCE, link:PATH:TARGET or node:PATH:c:MAJOR:MINOR.  Nodes and owners
 * need no privileges here, and the archive is the same for the same input. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *out;
static unsigned inode;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "mkinitramfs: %s: %s\n", what, why);
    exit(1);
}

static void pad(void)
{
    while (ftell(out) % 4)
        fputc(0, out);
}

static void entry(const char *path, unsigned mode, const void *data, size_t size, unsigned major, unsigned minor)
{
    fprintf(out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ++inode, mode, 0u, 0u, 1u, 0u,
            (unsigned)size, 0u, 0u, major, minor, (unsigned)strlen(path) + 1, 0u);
    fwrite(path, 1, strlen(path) + 1, out);
    pad();
    fwrite(data, 1, size, out);
    pad();
}

static void add_file(char *path, char *mode, char *source)
{
    FILE *f = fopen(source, "rb");
    if (!f)
        die(source, strerror(errno));
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *data = malloc((size_t)size + 1);
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
        die(source, "cannot be read");
    fclose(f);
    entry(path, 0100000 | (unsigned)strtoul(mode, NULL, 8), data, (size_t)size, 0, 0);
    free(data);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: mkinitramfs OUT ENTRY...\n");
        return 2;
    }
    out = fopen(argv[1], "wb");
    if (!out)
        die(argv[1], strerror(errno));
    for (int i = 2; i < argc; i++) {
        char *f[5] = { 0 }, *save = NULL;
        int n = 0;
        for (char *w = strtok_r(argv[i], ":", &save); w && n < 5; w = strtok_r(NULL, ":", &save))
            f[n++] = w;
        if (n == 2 && strcmp(f[0], "dir") == 0)
            entry(f[1], 0040755, "", 0, 0, 0);
        else if (n == 4 && strcmp(f[0], "file") == 0)
            add_file(f[1], f[2], f[3]);
        else if (n == 3 && strcmp(f[0], "link") == 0)
            entry(f[1], 0120777, f[2], strlen(f[2]), 0, 0);
        else if (n == 5 && strcmp(f[0], "node") == 0)
            entry(f[1], 0020600, "", 0, (unsigned)atoi(f[3]), (unsigned)atoi(f[4]));
        else
            die(f[0] ? f[0] : "", "malformed entry");
    }
    entry("TRAILER!!!", 0, "", 0, 0, 0);
    if (fclose(out) != 0)
        die(argv[1], strerror(errno));
    return 0;
}
