/* isagen: turns translator/isa.tab into C.  table.c reads the rows and makes forms of them,
 * map.c spreads the forms over the opcode space, print.c writes what is asked for. */
#ifndef STITCH86_ISAGEN_H
#define STITCH86_ISAGEN_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_FORMS 2000
#define MAX_MNEMS 800
#define MAX_OPS 3

enum { PFX_NONE, PFX_66, PFX_F3, PFX_F2, PFX_ANY };
enum { OPSIZE_V = 0 };

/* How an operand is found; the names become ISA_HOW_*. */
#define HOWS(X) \
    X(NONE) X(E) X(G) X(M) X(R) X(I) X(IS) X(I2) X(ONE) X(J) X(A) X(O) X(SREG) X(CREG) X(DREG) \
    X(OPREG) X(FIXREG) X(ST) X(STI) X(P) X(Q) X(N) X(V) X(W) X(U)
/* Size classes; the names become ISA_SZ_*.  P: far pointer; A: BOUND's pair; VW, DW:
 * the first letter for a register, W in memory. */
#define SIZES(X) X(0) X(B) X(W) X(D) X(Q) X(T) X(DQ) X(V) X(S) X(P) X(A) X(VW) X(DW)

#define AS_ENUM(n) HOW_##n,
enum how { HOWS(AS_ENUM) HOW_COUNT };
#undef AS_ENUM
#define AS_ENUM(n) SZ_##n,
enum size { SIZES(AS_ENUM) SZ_COUNT };
#undef AS_ENUM

/* ---- words.c: the words of the table's language ---- */

struct opspec {
    const char *name;
    uint8_t how, size, arg;
    bool modrm;
};

struct attr {
    const char *word, *name;
    const char *why;
};

extern const char *const pfx_name[];
extern const char *const how_name[HOW_COUNT], *const size_name[SZ_COUNT];
extern const char *const feature_name[];
extern const unsigned n_features;
extern const struct attr attrs[];
extern const unsigned n_attrs;

/* NULL: there is none of that name. */
const struct opspec *opspec_find(const char *name);
/* The attribute's bit in form.attrs; 0: there is none. */
unsigned attr_bit(const char *word);

/* ---- table.c: rows into forms ---- */

struct form {
    char name[64];
    char opcode_text[24], ops_text[32];
    int map, pfx, opcode, span;   /* span: how many opcodes it covers */
    int reg, mod, rm;             /* reg, rm: -1 any; mod: 'm', 'r' or 0 */
    bool modrm;
    int mnem, cond, nops, opsize;
    const struct opspec *op[MAX_OPS];
    unsigned read, written, undefined, killed, feature, attrs;
};

extern struct form forms[MAX_FORMS];
extern unsigned n_forms; /* with FORM_INVALID, 0 */
extern char *mnems[MAX_MNEMS];
extern unsigned n_mnems;

void read_table(const char *name);
/* Says where in the table, and ends the program. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- map.c: the opcode space ---- */

/* Gives form n its cells; dies if another form of its rank has one of them. */
void spread(unsigned n);
/* The entry of decode.c's map for an opcode; groups and rms grow as needed. */
uint16_t fold_opcode(unsigned map, unsigned prefix, unsigned opcode);

#define MAX_GROUPS 1024
#define MAX_RMS 256
extern uint16_t groups[MAX_GROUPS][16], rms[MAX_RMS][8];
extern unsigned n_groups, n_rms;

/* ---- print.c ---- */

void print_header(void);
void print_tables(void);
void print_forms(void);

#endif
