/* One byte string through decode_insn() and through Zydis. */
#ifndef STITCH86_TESTS_ZYDIS_COMPARE_H
#define STITCH86_TESTS_ZYDIS_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "insn.h"

#define BUFFER 24

struct sample {
    uint8_t bytes[BUFFER];
    unsigned avail;
    int mode;
    unsigned opcode_at; /* index of the first byte that is no prefix */
    int map, opcode, prefix, modrm;
};

extern unsigned long n_compared, n_valid;
/* Differences without a justification; each kind is printed once. */
extern unsigned n_failures;
extern bool form_seen[FORM_COUNT];

/* zydis-compare.c */
void compare_init(void);
/* The caller gives bytes, avail and mode. */
void compare(struct sample *s);

/* zydis-differences.c: what may differ, and why. */
enum topic { T_STATUS, T_LENGTH, T_MNEMONIC, T_OPERANDS, T_MEMORY, T_IMMEDIATE, T_FLAGS, T_PRIVILEGE };
void differs(const struct sample *s, enum topic topic, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Print the reasons that explain nothing any more: they have to go. */
void unused_reasons(void);

#endif
