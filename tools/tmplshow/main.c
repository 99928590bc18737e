/* tmplshow: what `tmpl show' and `tmpl ledger' ask of the translator. */
#include "show.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "disasm.h"

int parse_hex(const char *text, uint8_t *bytes, unsigned max)
{
    unsigned n = 0;
    for (;;) {
        while (isspace((unsigned char)*text))
            text++;
        if (!*text)
            return (int)n;
        if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) || n == max)
            return -1;
        char pair[3] = {text[0], text[1], 0};
        bytes[n++] = (uint8_t)strtoul(pair, NULL, 16);
        text += 2;
    }
}

/* ---- show ---- */

/* What follows costs nothing.  It keeps what an exit does apart from the instructions that are asked about;
 * and after a comparison of a register with itself their flags are dead. */
static const uint8_t follows[2][2] = {{0x89, 0xc0}, {0x39, 0xc0}};

struct shown {
    char *text;
    bool dead;
    unsigned host;
};

/* Each listing once, with all that it is for. */
static void put_shown(const struct shown *all, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned hosts[2] = {0, 0};
        bool before = false;
        for (unsigned k = 0; k < n; k++)
            if (!strcmp(all[k].text, all[i].text)) {
                before |= k < i;
                hosts[all[k].dead] |= 1u << all[k].host;
            }
        if (before)
            continue;
        const char *sep = "----";
        for (int dead = 0; dead < 2; dead++) {
            if (!hosts[dead] || (dead && hosts[0] == hosts[1]))
                continue;
            printf("%s flags %s", sep, hosts[0] == hosts[1] ? "live or dead" : dead ? "dead" : "live");
            for (unsigned h = 0; h < show_host_count && hosts[dead] != (1u << show_host_count) - 1; h++)
                if (hosts[dead] >> h & 1)
                    printf(", host %s", show_hosts[h].name);
            sep = ";";
        }
        printf(" ----\n%s\n", all[i].text);
    }
}

int command_show(const uint8_t *bytes, unsigned n, uint32_t eip)
{
    struct shown all[2 * SHOW_MAX_HOSTS];
    unsigned count = 0, k = 0, at = 0;
    uint8_t code[SHOW_MAX_BYTES];
    struct insn in;
    memcpy(code, bytes, n);
    for (; at < n && decode_insn(bytes + at, n - at, DECODE_32, &in) == DECODE_OK; at += in.len)
        count++;
    if (at != n) {
        fprintf(stderr, "tmplshow: these bytes are no instructions\n");
        return 1;
    }
    for (int dead = 0; dead < 2; dead++)
        for (unsigned h = 0; h < show_host_count; h++) {
            struct shown *s = &all[k];
            memcpy(code + n, follows[dead], 2);
            s->text = listing_text(code, n + 2, eip, &show_hosts[h], count, true);
            if (!s->text) { /* none that can be in a block */
                fprintf(stderr, "tmplshow: these bytes are left to the interpreter's own loop\n");
                return 1;
            }
            s->dead = dead;
            s->host = h;
            k++;
        }
    put_shown(all, k);
    while (k)
        free(all[--k].text);
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t bytes[SHOW_MAX_BYTES];
    char letter = disasm_unknown_letter();
    if (letter) {
        fprintf(stderr, "tmplshow: operand letter `%c' of the opcode table is not in disasm.c\n", letter);
        return 1;
    }
    world_init();
    if (argc == 4 && !strcmp(argv[1], "show")) {
        int n = parse_hex(argv[3], bytes, sizeof bytes - 2);
        if (n > 0)
            return command_show(bytes, (unsigned)n, (uint32_t)strtoul(argv[2], NULL, 0));
    } else if (argc == 3 && !strcmp(argv[1], "block"))
        return command_block(argv[2]);
    else if (argc == 3 && !strcmp(argv[1], "limits"))
        return command_limits(argv[2]);
    else if (argc == 2 && !strcmp(argv[1], "list"))
        return command_list();
    fputs("usage: tmplshow show EIP HEX | block FILE | limits FILE | list\n", stderr);
    return 2;
}
