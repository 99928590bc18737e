/* Host words as text, in the spelling of templates/: for listings of stanzas (tmplc --ledger) and of
 * translated blocks (tools/tmplshow). */
#ifndef STITCH86_TMPLC_DISASM_H
#define STITCH86_TMPLC_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct opcode;

struct disasm {
    void *opaque;
    const struct opcode *op; /* the word's entry in the opcode table where it is known, or NULL */
    bool numbers; /* $4 instead of $addr: for GNU as */
    /* What stands in the field at that bit of the word instead of a number (a parameter, say), or NULL.
     * `letter': the operand's in the opcode table. */
    const char *(*field)(void *opaque, const struct opcode *op, char letter, int shift);
    /* Where the branch or jump goes. */
    const char *(*target)(void *opaque, uint32_t word, bool jump);
    /* Member of the vCPU state at that offset, or NULL: the number is shown. */
    const char *(*member)(void *opaque, int offset);
};

/* The entry of the opcode table that the word is, or NULL. */
const struct opcode *disasm_find(uint32_t word);
/* "addu  $T0, $eax, $T1".  Any hook may be NULL.  Returns buf. */
char *disasm(uint32_t word, const struct disasm *d, char *buf, size_t size);
/* Standard output: a file of words as text for GNU as.  False if it cannot be read, or holds a word that the
 * opcode table does not have. */
bool disasm_file(const char *name);
/* An operand letter of the opcode table that this file does not know, or 0. */
char disasm_unknown_letter(void);

#endif
