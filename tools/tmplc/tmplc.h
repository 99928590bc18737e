/* The template compiler: stanzas of MIPS assembly with named operands (templates/ *.tmpl)
 * to C functions that store their words.  docs/templates.md is the author's guide.
 *
 * parse.c reads files into stanzas; asm*.c turn the lines of one variant (width, needs)
 * into words with fields; check.c refuses what would go wrong at run time; emit.c
 * and selftest.c write C. */
#ifndef TMPLC_H
#define TMPLC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MAX_PARAMS 6
#define MAX_WORDS 120
#define MAX_NAME 32

/* ---- errors ---- */
extern int error_count;
void error_at(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void *xalloc(size_t n);
char *xstrndup(const char *s, size_t n);
char *xprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- MIPS instructions (opcodes.c) ---- */
enum {
    OP_BRANCH = 1,   /* transfers control, has a delay slot */
    OP_LIKELY = 2,   /* slot annulled when not taken */
    OP_LOAD = 4,
    OP_STORE = 8,
    OP_LINK = 16,    /* writes $ra */
    OP_REFUSED = 32, /* traps on overflow */
    OP_INDEXED = 64, /* gsl*x, gss*x */
    OP_ALWAYS = 128, /* unconditional: what follows its slot is reached by label only */
    OP_MEM = OP_LOAD | OP_STORE
};
/* fmt, one letter for each operand as written in assembly:
 *  d rd written   D rd written under a condition (read too)
 *  s rs read      t rt read   T rt written   U rt read and written
 *  f F g          FP fd, fs, ft (f written);  E fd read and written;  G ft written;
 *  H P            fs written; read and written
 *  C condition code written   c read: both may be left out, meaning $fcc0   N read, has to be there
 *  R FP control register
 *  i signed 16    u unsigned 16   a shift amount 0-31
 *  p z            position, size of ext;  q y of ins
 *  O off16(base) X off8(base,index)   Q off(base), a multiple of 16 (gslq)
 *  1 2 4 8 off(base) of MSA loads and stores, multiples of that
 *  n r V I        in bits 0-4: GPR written, read, FPR written, read (gslq)
 *  w W K          MSA wd written, read and written, read;  v ws, k wt read
 *  j wd[n] read and written   l ws[n]   L ws[0]   S ws[rt] read
 *  o m            GPR in wd's place, written; in ws's place, read
 *  x A            MSA control register in ws's place, in wd's
 *  B bit number in an element   5 6 h 9 immediates: u5, s5, u8, s10
 *  e rd written, and copied into rt (clz)   Z $zero, written out (div)
 *  b branch target   J jump target */
struct opcode {
    const char *name;
    uint32_t word;
    const char *fmt;
    unsigned flags;
};
const struct opcode *find_opcode(const char *name);
const struct opcode *opcode_at(size_t i); /* all of them; NULL: no more */
const struct opcode *find_mmi_opcode(const char *name);
/* The i-th of all, NULL behind the last. */
const struct opcode *opcode_at(size_t i);

/* ---- registers (regs.c) ---- */
int find_register(const char *name);        /* -1: none; 26, 27 for k0, k1 */
const char *register_name(int number);

/* ---- stanzas (parse.c) ---- */
enum param_type {
    PT_REG,   /* `reg`: a snippet's register, used in any way; or r, w, rw with a mode */
    PT_FREG,
    PT_IMM,
    PT_IMM32,
    PT_MASK, PT_NMASK,
    PT_CL, PT_SAME, PT_CARRY, PT_FLAGS,
    PT_LABEL
};
enum { MODE_R = 1, MODE_W = 2, MODE_ANY = 4 };
/* What a register parameter of a template is: `d:rw.f64'. */
enum param_class {
    CL_GPR,  /* a general register with a canonical value */
    CL_F32,  /* an FP register with one element */
    CL_F64,
    CL_HALF, /* .h: 64 bits in an FP register: the stanza runs once for MMX, for each half of an XMM operand */
    CL_WORD, /* .g: the same in a general register */
    CL_PAIR, /* .x: an XMM operand in two FP registers, $d.lo and $d.hi */
    CL_MSA,  /* .v: an XMM operand in an MSA register */
    CL_MEM   /* .m: the operand where it is: base register of loads and stores, offsets count from its first byte */
};
struct param {
    char name[MAX_NAME];
    enum param_type type;
    int mode;
    enum param_class cls;
    int64_t lo, hi;
    int unit;  /* offset of a load or store that counts elements: a multiple of it; 0: any */
    bool nonzero; /* must not be register 0 */
    bool used; /* by some variant */
};

enum { NEEDS_COMMON, NEEDS_NONE, NEEDS_FLAGS };
struct line {
    int number;
    int widths; /* mask: 1, 2, 4, 8, 16 */
    int needs;
    char *text;
};

enum stanza_kind { ST_SNIPPET, ST_TEMPLATE, ST_VALUE, ST_BRANCH };
struct stanza {
    enum stanza_kind kind;
    const char *file;
    int line;
    char name[64];
    char *title; /* "add d:rw, s:r" */
    const char *more; /* further names of a template: "b,c" of `template a,b,c ...' */
    struct param param[MAX_PARAMS];
    int nparams;
    int widths; /* mask */
    bool open, distinct;
    bool frame; /* prologue, epilogue, thunks: any register, host memory in delay slots */
    bool has_none, has_flags; /* variants */
    uint32_t temps, uses, sets; /* register masks */
    uint32_t ftemps;
    uint32_t touched; /* over all variants: for unused declarations */
    char reads; /* 0, 'C' or 'A': `reads flags` */
    const char *host; /* `host NAME': what the host has to have, as TMPL_HOST_NAME; NULL: nothing */
    int fp;           /* `fp BITS': SSE floating point on elements of 32 or 64 bits */
    bool check_denormal, check_nan, check_result;
    bool lanes;       /* f32, f64: once for each element of the XMM operand */
    /* ST_VALUE, ST_BRANCH */
    char records[16][8];
    int nrecords;
    int conds; /* mask */
    struct line *lines;
    int nlines;
    struct stanza *next;
};
extern struct stanza *stanzas;
extern char *includes;
void parse_file(const char *name);
int find_param(const struct stanza *s, const char *name, size_t len);

/* ---- words ---- */
struct expr {
    int64_t cst;
    int coef;    /* of the parameter */
    int param;   /* -1: none */
    bool bits;   /* bits($param) instead of its value */
    int pos, n;  /* field($param, pos, n): these bits of it; n 0: all of it */
    enum { PART_ALL, PART_HI, PART_HIU, PART_LO, PART_LOU } part;
    char *c;     /* a C constant expression to be added */
};
enum field_kind { F_REG, F_IMM, F_LABEL, F_JUMP, F_LOCAL };
struct field {
    enum field_kind kind;
    int param; /* F_REG, F_LABEL, F_JUMP */
    bool half; /* F_REG: $param.hi */
    struct expr e;
    int shift, bits;
    int off;   /* F_IMM: parameter + 1 of class CL_MEM whose offset is added; 0: none */
    int scale; /* F_IMM: the field holds the value divided by that */
    int64_t lo, hi; /* what fits */
    int local; /* F_LOCAL: label number, negative: backwards */
};
struct word {
    const struct opcode *op;
    int line;
    uint32_t base;
    struct field f[5];
    int nf;
    uint32_t reads, writes;   /* fixed registers */
    uint32_t freads, fwrites; /* fixed FP registers */
    unsigned ccreads, ccwrites; /* $fcc0-$fcc7 */
    unsigned preads, pwrites; /* parameters */
    int index_param; /* of OP_INDEXED: for the run-time check, -1: fixed */
    char *asm_fmt;  /* printf format, */
    char *asm_args; /* and its arguments in C, parameters as v[n] */
    int label_param; /* branch to it, -1 */
    int local_target; /* word index, -1 */
    bool label_here; /* a local label stands before it */
};
enum { REC_ABSENT, REC_NONE, REC_KIND, REC_MOD, REC_FLAGS, REC_DYNAMIC, REC_NOMOD };
struct value {
    enum { V_NONE, V_PARAM, V_HOST, V_CONST } kind;
    int index;
    int64_t cst;
};
struct record {
    int type;
    int line;
    char kind[12];
    struct value dst, src, src2, res;
};
struct static_assert_text {
    char *text;
    int line;
    struct static_assert_text *next;
};
struct local_label {
    int number, word, line;
    bool used;
};
struct variant {
    struct stanza *s;
    int width; /* 8, 16, 32; 0 for a snippet without widths */
    int widths; /* mask of widths with this same code */
    int needs;
    struct word w[MAX_WORDS];
    int nw;
    struct local_label labels[32];
    int nlabels;
    bool label_at_end;
    struct record record;
    uint32_t clobbers, reads;
    unsigned written;
    int label_sites[16]; /* words that branch to label parameters */
    int nsites;
    struct variant *next; /* of the same stanza */
};
/* Assemble the lines of one variant; NULL after errors. */
struct variant *assemble(struct stanza *s, int width, int needs);
bool variants_equal(const struct variant *a, const struct variant *b);
extern struct static_assert_text *static_asserts;

void check_variant(struct variant *v);
void check_stanza(struct stanza *s, struct variant *list);

/* ---- facts of the ISA table (isa.c) ---- */
struct isa_facts {
    unsigned read, written, undefined; /* flag_letters() masks, over all rows of the mnemonic */
    unsigned counts;                   /* mask of operand counts */
};
void isa_load(const char *file);
bool isa_loaded(void);
const struct isa_facts *isa_find(const char *mnem); /* any case; NULL: no such mnemonic */
unsigned flag_letters(const char *letters);

/* ---- output ---- */
/* How a parameter is spelt in C: by name (snippets), a->v[n] (rows of the tables). */
enum style { STYLE_NAMES, STYLE_ARGS };
void write_header(FILE *f, const char *name, struct variant **all, int n);
void write_table(FILE *f, const char *name, const char *header, struct variant **all, int n);
void write_selftest(FILE *f, const char *table, struct variant **all, int n);
bool write_ledger(const char *dir, struct variant **all, int n);
char *emitter_name(const struct variant *v);
/* 0-3 for parameters named d, dst (or res), src, src2 of conditions; -1: none of them. */
int member_index(const struct param *p);

#endif
