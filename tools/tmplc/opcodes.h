/* Tables of instructions that come in many formats (opcodes-fp.c, opcodes-simd.c): one row stands for all
 * of them, the last letter of the mnemonic being the format. */
#ifndef TMPLC_OPCODES_H
#define TMPLC_OPCODES_H

#include "tmplc.h"

/* Where the format goes in the word.  FORM_21, FORM_16: its place among `formats', at that bit. */
enum form {
    FORM_NONE,
    FORM_FP,  /* s, d, w, l, p (written ps) in bits 21-25 */
    FORM_21,
    FORM_16,
    FORM_BIT, /* MSA: element width and bit number in bits 16-22 */
    FORM_ELM  /* MSA: element width and element number in bits 16-21 */
};
struct opcode_family {
    const char *stem, *formats;
    uint32_t word; /* of the first format; of format s, b for FORM_FP, FORM_BIT, FORM_ELM */
    const char *fmt;
    unsigned flags;
    enum form form;
};
/* Each ends in a row without a stem. */
extern const struct opcode_family fp_families[], mmi_families[], msa_families[];

#endif
