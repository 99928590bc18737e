/* Reads the recorded cases in tests/vectors; the README there describes the format. */
#include "vec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *cur_file;
static unsigned cur_line;

static _Noreturn void bad(const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", cur_file, cur_line, what);
    exit(1);
}

static void *grow(void *p, size_t size)
{
    p = realloc(p, size);
    if (!p)
        bad("out of memory");
    return p;
}

static uint32_t hex(const char **s)
{
    char *end;
    uint32_t v = (uint32_t)strtoul(*s, &end, 16);
    if (end == *s)
        bad("hexadecimal number expected");
    *s = end;
    return v;
}

static unsigned hex_bytes(const char *s, uint8_t *out, unsigned max)
{
    unsigned n = 0, byte;
    while (*s) {
        if (n == max || sscanf(s, "%2x", &byte) != 1)
            bad("bytes expected");
        out[n++] = (uint8_t)byte;
        s += 2;
    }
    return n;
}

static int name_index(const char *name, size_t len, const char *const *list, int n)
{
    for (int i = 0; i < n; i++)
        if (strlen(list[i]) == len && strncmp(list[i], name, len) == 0)
            return i;
    return -1;
}

static void fpu_word(struct vec_state *s, const char *key, const char *value)
{
    if (key[0] == 'w') {
        s->fpu.cw = (uint16_t)hex(&value);
        s->fpu.sw = (uint16_t)(value++, hex(&value));
        s->fpu.tw = (uint16_t)(value++, hex(&value));
    } else {
        uint8_t bytes[10];
        if (hex_bytes(value, bytes, 10) != 10)
            bad("80-bit value expected");
        for (int i = 0; i < 10; i++)
            s->fpu.st[key[1] - '0'][i] = bytes[9 - i];
    }
}

/* KEY=VALUE, before or after the '>'. */
static void word(struct vec_case *c, bool after, char *text)
{
    static const char *const regs[8] = {"a", "c", "d", "b", "sp", "bp", "si", "di"};
    static const char *const segs[6] = {"es", "cs", "ss", "ds", "fs", "gs"};
    struct vec_state *s = after ? &c->out : &c->in;
    char *eq = strchr(text, '=');
    const char *value = eq + 1;
    int i;
    if (!eq)
        bad("KEY=VALUE expected");
    size_t len = (size_t)(eq - text);
    *eq = 0;
    if ((i = name_index(text, len, segs, 6)) >= 0) {
        s->segs[i] = (uint16_t)hex(&value);
    } else if (after && (i = name_index(text, len, regs, 8)) >= 0) {
        s->regs[i] = hex(&value);
    } else if (after && !strcmp(text, "x")) {
        c->vector = atoi(value);
        value = strchr(value, ',');
        if (!value)
            bad("error code expected");
        value++;
        c->error_code = hex(&value);
        c->eip = WORLD_START;
    } else if (after && !strcmp(text, "ip")) {
        c->eip = hex(&value);
    } else if (after && !strcmp(text, "u")) {
        c->undefined = hex(&value);
    } else if (after && !strcmp(text, "f")) {
        s->eflags = hex(&value);
    } else if (!strcmp(text, "w") || (len == 2 && text[0] == 't' && text[1] >= '0' && text[1] <= '7')) {
        c->fpu = true;
        fpu_word(s, text, value);
    } else {
        struct vec_bytes **list = after ? &c->mem_out : &c->mem_in;
        unsigned *n = after ? &c->n_out : &c->n_in;
        const char *addr = text;
        *list = grow(*list, (*n + 1) * sizeof **list);
        struct vec_bytes *b = &(*list)[(*n)++];
        b->addr = (uint16_t)hex(&addr);
        if (*addr)
            bad("unknown key");
        b->len = (uint8_t)hex_bytes(value, b->bytes, sizeof b->bytes);
        if (b->addr < WORLD_DATA || b->addr + b->len > WORLD_DATA_END)
            bad("memory outside the scratch area");
    }
}

static void parse(struct vec_case *c, char *line)
{
    static const uint16_t segs[SEG_COUNT] = {WORLD_DS, WORLD_CS32, WORLD_DS, WORLD_DS, WORLD_FS, WORLD_GS};
    char *save, *text = strtok_r(line, " \n", &save);
    bool after = false;
    c->len = (uint8_t)hex_bytes(text, c->bytes, sizeof c->bytes);
    c->vector = -1;
    c->eip = WORLD_START + c->len;
    memcpy(c->in.segs, segs, sizeof segs);
    const char *p = strtok_r(NULL, " \n", &save);
    if (!p)
        bad("EFLAGS expected");
    c->in.eflags = hex(&p);
    p = strtok_r(NULL, " \n", &save);
    for (int i = 0; i < 8; i++) {
        if (!p || !*p)
            bad("eight registers expected");
        c->in.regs[i] = hex(&p);
        p += *p == ',';
    }
    while ((text = strtok_r(NULL, " \n", &save)) != NULL) {
        if (!strcmp(text, ">")) {
            after = true;
            c->out = c->in;
        } else {
            word(c, after, text);
        }
    }
    if (!after)
        bad("'>' expected");
}

struct vec_case *vec_load(const char *dir, const char *const *names, size_t *n)
{
    static char line[8192];
    struct vec_case *cases = NULL;
    size_t room = 0;
    *n = 0;
    for (; *names; names++) {
        char *path = grow(NULL, strlen(dir) + strlen(*names) + 8), *form = NULL;
        sprintf(path, "%s/%s.vec", dir, *names);
        FILE *f = fopen(path, "r");
        cur_file = path; /* kept: cases point to it */
        cur_line = 0;
        if (!f)
            bad(strerror(errno));
        while (fgets(line, sizeof line, f)) {
            cur_line++;
            if (line[0] == '@') {
                line[strcspn(line, "\n")] = 0;
                form = strdup(line + 1);
                continue;
            }
            if (line[0] == '#')
                continue;
            if (*n == room) {
                room = room ? 2 * room : 1024;
                cases = grow(cases, room * sizeof *cases);
            }
            struct vec_case *c = &cases[(*n)++];
            memset(c, 0, sizeof *c);
            c->file = path;
            c->line = cur_line;
            c->form = form;
            parse(c, line);
        }
        fclose(f);
    }
    return cases;
}
