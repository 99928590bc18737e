/* Marks: lines that the program (an emulator whose guest writes them to its debug console) writes to any
 * file:
 *
 *   @@start NAME
 *   @@stop NAME STATUS
 *
 *   @@ready       the run up to here is a section, too: "ready"
 *
 * They may come byte by byte.  A section lasts from the end of the one line to the end of the other. */
#include "hostcount.h"

#include <stdio.h>
#include <string.h>

/* n64 system calls of MIPS Linux. */
enum { NR_WRITE = 5001, NR_WRITEV = 5019 };
enum { MAX_FD = 256, MAX_LINE = 120 };
static struct line {
    unsigned char length;
    char text[MAX_LINE + 1];
} lines[MAX_FD];

static void end_line(struct line *l)
{
    char name[64], status[32];
    l->text[l->length] = '\0';
    if (sscanf(l->text, "@@stop %63s %31s", name, status) == 2) {
        section_stop(name, status);
    } else if (strncmp(l->text, "@@start ", 8) == 0) {
        section_start();
    } else if (strcmp(l->text, "@@ready") == 0) {
        section_stop("ready", "0");
        slow_clocks();
    }
}

static void add_byte(struct line *l, char c)
{
    if (c == '\n') {
        if (l->length && l->text[0] == '@')
            end_line(l);
        l->length = 0;
    } else if (l->length < MAX_LINE) {
        l->text[l->length++] = c;
    }
}

static void add_bytes(uint64_t fd, uint64_t buffer, uint64_t n)
{
    const char *p = (const char *)(uintptr_t)buffer; /* the guest base is 0 */
    for (uint64_t i = 0; i < n && fd < MAX_FD; i++)
        add_byte(&lines[fd], p[i]);
}

void look_for_marks(int64_t number, uint64_t fd, uint64_t buffer, uint64_t n)
{
    if (number == NR_WRITE) {
        add_bytes(fd, buffer, n);
    } else if (number == NR_WRITEV) {
        const uint64_t *vector = (const uint64_t *)(uintptr_t)buffer;
        for (uint64_t i = 0; i < n; i++)
            add_bytes(fd, vector[2 * i], vector[2 * i + 1]);
    }
}
