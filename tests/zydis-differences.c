/* Where Zydis and the manual (or a processor) disagree, `justified' says why. */
#include "zydis-compare.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const topic_name[] = {
    "status", "length", "mnemonic", "operands", "memory", "immediate", "flags", "privilege"
};

enum { ANY = -1 };

struct difference {
    enum topic topic;
    int map, opcode, opcode_mask; /* opcode & mask; ANY */
    int reg, mod3;                /* of ModRM; ANY */
    int prefix;                   /* ANY, 0, 0x66, 0xf2, 0xf3: the one that selects */
    const char *reason;
};

static const struct difference justified[] = {
#include "zydis-differences.inc"
};
#define N_JUSTIFIED (sizeof(justified) / sizeof(justified[0]))
static unsigned long justified_used[N_JUSTIFIED];

unsigned n_failures;

void differs(const struct sample *s, enum topic topic, const char *fmt, ...)
{
    static uint64_t reported[4096];
    static unsigned n_reported;
    for (unsigned i = 0; i < N_JUSTIFIED; i++) {
        const struct difference *d = &justified[i];
        if (d->topic == topic && (d->map == ANY || d->map == s->map)
            && (d->opcode == ANY || (s->opcode & d->opcode_mask) == d->opcode)
            && (d->reg == ANY || (s->modrm >> 3 & 7) == d->reg)
            && (d->mod3 == ANY || (s->modrm >= 0xc0) == d->mod3)
            && (d->prefix == ANY || d->prefix == s->prefix)) {
            justified_used[i]++;
            return;
        }
    }
    n_failures++;
    uint64_t key = (uint64_t)topic << 40 | (uint64_t)s->map << 32 | (uint64_t)s->opcode << 24
        | (uint64_t)s->prefix << 16;
    for (unsigned i = 0; i < n_reported; i++)
        if (reported[i] == key)
            return;
    if (n_reported == 4096)
        return;
    reported[n_reported++] = key;
    va_list ap;
    va_start(ap, fmt);
    printf("%s:", topic_name[topic]);
    for (unsigned i = 0; i < 15 && i < s->avail; i++)
        printf(" %02x", s->bytes[i]);
    printf(" (%d bit): ", s->mode == DECODE_32 ? 32 : 16);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

void unused_reasons(void)
{
    for (unsigned i = 0; i < N_JUSTIFIED; i++)
        if (!justified_used[i])
            printf("unused: %s\n", justified[i].reason);
}
