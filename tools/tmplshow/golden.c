/* Files of tests/ledger/: hot blocks, and the limits of single instructions. */
#include "show.h"

#include <stdlib.h>
#include <string.h>

/* A golden block: lines `# ...' (what it is, and where from), `eip HEX', `gs HEX' (the base of GS; else 0),
 * `x87 N' (values on the stack; else 4), `bytes HEX...' (may repeat), an empty line, and the listing.  This
 * prints the file as it has to be. */
int command_block(const char *file)
{
    uint8_t bytes[SHOW_MAX_BYTES];
    unsigned n = 0;
    uint32_t eip = 0;
    char line[1024];
    FILE *f = fopen(file, "r");
    if (!f) {
        fprintf(stderr, "tmplshow: cannot read %s\n", file);
        return 1;
    }
    while (fgets(line, sizeof line, f) && line[0] != '\n') {
        int k = 0;
        if (!strncmp(line, "eip ", 4))
            eip = (uint32_t)strtoul(line + 4, NULL, 16);
        else if (!strncmp(line, "gs ", 3))
            world_set_gs((uint32_t)strtoul(line + 3, NULL, 16));
        else if (!strncmp(line, "x87 ", 4))
            world_set_x87((unsigned)strtoul(line + 4, NULL, 10));
        else if (!strncmp(line, "bytes ", 6))
            k = parse_hex(line + 6, bytes + n, sizeof bytes - n);
        else if (line[0] != '#')
            k = -1;
        if (k < 0) {
            fprintf(stderr, "%s: cannot understand: %s", file, line);
            return 1;
        }
        n += (unsigned)k;
        fputs(line, stdout);
    }
    fclose(f);
    char *shown[SHOW_MAX_HOSTS] = {NULL};
    for (unsigned h = 0; h < show_host_count; h++) {
        shown[h] = listing_text(bytes, n, eip, &show_hosts[h], ~0u, false);
        if (!shown[h]) {
            fprintf(stderr, "%s: the bytes are no instructions\n", file);
            return 1;
        }
        unsigned same = 0;
        while (same < h && strcmp(shown[same], shown[h]))
            same++;
        if (same == h)
            printf("\n---- host %s ----\n%s", show_hosts[h].name, shown[h]);
    }
    for (unsigned h = 0; h < show_host_count; h++)
        free(shown[h]);
    return 0;
}

/* ---- limits ---- */

/* The text that the limits file has for bytes: as insn_format() prints them, `;' between instructions. */
static void text_of(const struct show_block *b, char *buf, size_t size)
{
    char one[100];
    size_t n = 0;
    buf[0] = 0;
    for (unsigned i = 0; i < b->n && n < size; i++)
        n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? "; " : "", insn_text(b, i, one, sizeof one));
}

static char *trim(char *s)
{
    s += strspn(s, " \t");
    size_t n = strlen(s);
    while (n && strchr(" \t\n", s[n - 1]))
        s[--n] = 0;
    return s;
}

/* One line; the number of errors. */
static int check_limit(const char *file, int number, const char *text, const char *hex, int limit)
{
    static struct show_block b;
    uint8_t bytes[64];
    char real[256];
    int errors = 0, n = parse_hex(hex, bytes, sizeof bytes);
    printf("%-44s %5d ", text, limit);
    for (unsigned h = 0; h < show_host_count; h++) {
        if (n <= 0 || (unsigned)n + 1 > sizeof bytes) {
            fprintf(stderr, "%s:%d: bad bytes\n", file, number);
            return 1;
        }
        bytes[n] = 0x90; /* a NOP: the exit's work is not the instruction's */
        if (!world_block(bytes, (unsigned)n + 1, 0x1000, &show_hosts[h], &b)) {
            printf("\n");
            fprintf(stderr, "%s:%d: bad bytes\n", file, number);
            return 1;
        }
        b.n--;
        text_of(&b, real, sizeof real);
        if (strcmp(real, text)) {
            printf("\n");
            fprintf(stderr, "%s:%d: the bytes are `%s'\n", file, number, real);
            return 1;
        }
        int cost = 0;
        for (unsigned i = 0; i < b.n && cost >= 0; i++) {
            struct path way = path_of_insn(&b, i);
            cost = way.max < 0 ? -1 : cost + way.max;
        }
        if (cost < 0)
            printf(" %s: interpreter", show_hosts[h].name);
        else
            printf(" %s: %d%s", show_hosts[h].name, cost, cost > limit ? " OVER" : "");
        errors += cost < 0 || cost > limit;
    }
    printf("\n");
    return errors;
}

/* Lines `INSTRUCTIONS | BYTES | LIMIT': host instructions that run, on each host, against the limit. */
int command_limits(const char *file)
{
    char line[512];
    int number = 0, errors = 0;
    FILE *f = fopen(file, "r");
    if (!f) {
        fprintf(stderr, "tmplshow: cannot read %s\n", file);
        return 1;
    }
    while (fgets(line, sizeof line, f)) {
        number++;
        char *hex = strchr(line, '|'), *limit = hex ? strchr(hex + 1, '|') : NULL;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (!limit) {
            fprintf(stderr, "%s:%d: expected INSTRUCTIONS | BYTES | LIMIT\n", file, number);
            errors++;
            continue;
        }
        *hex++ = 0;
        *limit++ = 0;
        errors += check_limit(file, number, trim(line), trim(hex), atoi(limit));
    }
    fclose(f);
    return errors != 0;
}
