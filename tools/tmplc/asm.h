/* What the files of the assembler share: the line that is being assembled, and how its pieces are
 * read. */
#ifndef TMPLC_ASM_H
#define TMPLC_ASM_H

#include "scan.h"
#include "tmplc.h"

/* The variant, its stanza, the line (the place in it: scan.h), and the word in the making. */
extern struct variant *v;
extern struct stanza *st;
extern const struct line *ln;
extern struct word *w;
extern bool bad; /* this line had an error already: others would follow from it */

/* ---- asm-expr.c ---- */
void asm_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Sum of constants, $param, W, ENV(member), C(constant), bits($param); false if there is none. */
bool parse_expr(struct expr *e);
/* Does the expression fit lo..hi, whatever its parameter is? */
void check_range(const struct expr *e, int64_t lo, int64_t hi, const char *what);
/* Is it a multiple of `unit'? */
void check_multiple(const struct expr *e, int unit);
bool is_constant(const struct expr *e);
/* Its value as C, parameters spelt v[n]. */
char *expr_value(const struct expr *e);

/* ---- asm-operand.c ---- */
struct reg {
    int number; /* fixed, or -1 */
    int param;
    bool fp;
    bool half; /* $param.hi */
    bool msa;  /* $w0-$w31 */
};
bool parse_reg(struct reg *r);
void text(const char *fmt, const char *arg);
bool need_reg(struct reg *r, bool fp);
bool need_expr(struct expr *e);
void put_reg(const struct reg *r, int shift, bool reads, bool writes);
/* bias is taken off in the word, not in the text. */
void put_imm(const struct expr *e, int shift, int bits, int64_t bias);
/* One operand of the present word, by its letter in the opcode table. */
void operand(char letter);

/* ---- asm-operand-fp.c ---- */
bool cc_ahead(void);
bool fp_ahead(void);
void fp_operand(char letter);

/* ---- asm-insn.c ---- */
void instruction(const struct opcode *op);
bool pseudo(const char *name);

/* ---- asm-record.c ---- */
void parse_record(void);

#endif
