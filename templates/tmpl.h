/* What the template compiler generates from templates/(name).tmpl, as the translator sees it.
 *
 * Templates work on host registers that hold operands in canonical form (sign-extended from
 * the operand's width to 64 bits) and leave canonical results.  How operands get there
 * and where results go is the translator's work. */
#ifndef STITCH86_TMPL_H
#define STITCH86_TMPL_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "regmap.h"

#define TMPL_MAX_PARAMS 6

enum tmpl_param_kind {
    TP_REG,   /* operand in a register: mode says read, written or both */
    TP_IMM,   /* constant operand in [lo, hi] */
    TP_MASK,  /* constant 2^k - 1 with lo <= k <= hi */
    TP_NMASK, /* constant ~(2^k - 1) with lo <= k <= hi */
    TP_CL,    /* the operand is CL: the stanza reads $ecx itself; v[] is not used */
    TP_SAME,  /* the same register operand as the first one; v[] is not used */
    TP_CARRY, /* not an operand: CF as 0 or 1, in a register that nothing writes */
    TP_FLAGS  /* not an operand: the OSZAPC bits, in a register that nothing else writes */
};
enum { TM_R = 1, TM_W = 2 };

/* What a TP_REG is.  TC_HALF and TC_WORD: the stanza is for 64 bits, and runs twice for an XMM operand.
 * TC_MEM: v[] is a base register, off[] the operand's first byte from there; lo 1: it has to be in guest memory. */
enum tmpl_class { TC_GPR, TC_F32, TC_F64, TC_HALF, TC_WORD, TC_PAIR, TC_MSA, TC_MEM };

struct tmpl_param {
    uint8_t kind;
    uint8_t mode; /* TM_R, TM_W of TP_REG */
    uint8_t cls;  /* enum tmpl_class of TP_REG */
    int32_t lo, hi;
};

struct tmpl_args {
    int32_t v[TMPL_MAX_PARAMS]; /* per parameter: host register, or the constant */
    int32_t off[TMPL_MAX_PARAMS]; /* TC_MEM: offset from the register v[] */
    const uint32_t *label;      /* target of the label parameter; NULL leaves its offset 0 */
};

enum tmpl_needs {
    TMPL_ANY,  /* the same code whether or not its flags are live */
    TMPL_NONE, /* only where nothing that the x86 instruction writes of EFLAGS is live */
    TMPL_FLAGS
};

/* Where a member of the new flags record is after the stanza. */
enum tmpl_value_kind {
    TV_NONE,  /* the record's kind has no such member */
    TV_PARAM, /* index: parameter; a register, or the constant itself when it is TP_IMM.. */
    TV_HOST,  /* index: host register */
    TV_CONST  /* cst */
};
struct tmpl_value {
    uint8_t kind;
    uint8_t index;
    int32_t cst;
};

enum tmpl_record_type {
    TR_NONE,   /* flags are untouched */
    TR_RECORD, /* kind: enum cc_kind, with the stanza's width; dst, src, src2 */
    TR_MOD,    /* kind: enum cc_mod on top of the old record; res (CF: 0 or 1) */
    TR_FLAGS,  /* the EFLAGS kind: src holds the OSZAPC bits */
    /* Decided at run time: the stanza changes $cc_op.. itself, or leaves them.  The old record
     * must be in the canonical registers before it, and the new one is there after it. */
    TR_DYNAMIC,
    TR_DYNAMIC_NOMOD /* the same, and the old record may carry no modifier but ROL, ROR or CF */
};
struct tmpl_record {
    uint8_t type;
    uint8_t kind;
    struct tmpl_value dst, src, src2, res;
};

enum {
    /* The stanza writes a register before it has read all others: no written parameter
     * may share a register with another parameter, nor with a guest register of `reads`. */
    TMPL_DISTINCT = 1
};

/* Host features beyond MIPS64 release 2 with Loongson's EXT. */
enum { TMPL_HOST_MMI = 1, TMPL_HOST_MSA = 2, TMPL_HOST_PS = 4 };
enum {
    TMPL_CHECK_DENORMAL = 1, /* an operand that is denormal (DE) */
    TMPL_CHECK_NAN = 2,      /* an operand that is a NaN */
    TMPL_CHECK_RESULT = 4    /* a result that is a NaN */
};

struct tmpl {
    uint16_t mnem;     /* MN_* */
    uint8_t nops;      /* x86 operands; TP_CARRY and TP_FLAGS follow them in param[] */
    uint8_t nparams;
    uint8_t widths;    /* mask: 1 byte, 2 word, 4 dword, 8 MMX, 16 XMM */
    uint8_t needs;     /* enum tmpl_needs */
    uint8_t flags;     /* TMPL_* */
    uint8_t words;
    uint8_t nsites;    /* words with a branch to args.label */
    uint8_t label_site[4];
    int8_t carry;      /* parameter that is TP_CARRY, TP_FLAGS; -1: none */
    int8_t eflags;
    uint8_t written;   /* mask of parameters */
    uint32_t clobbers; /* host registers written, besides parameters */
    uint32_t reads;    /* host registers read that it did not write first, besides parameters */
    struct tmpl_param param[TMPL_MAX_PARAMS];
    struct tmpl_record record;
    uint8_t host;      /* TMPL_HOST_*: all of these are needed */
    uint8_t fp;        /* SSE floating point: bytes of an element; 0: none */
    uint8_t checks;    /* TMPL_CHECK_*: what goes the slow way, besides what the stanza sends there */
    bool lanes;        /* TC_F32, TC_F64: once for each element */
    bool fits_slot;    /* the first word may stand in a delay slot */
    uint32_t *(*emit)(uint32_t *p, const struct tmpl_args *a);
    const char *name;  /* "add d:rw, s:r" */
    const char *file;
    int line;
};

/* An operand as the translator sees it before it chooses. */
enum { TO_REG, TO_IMM, TO_CL, TO_SIMD };
struct tmpl_operand {
    uint8_t kind;
    int32_t value; /* TO_IMM, sign-extended from the width; TO_REG: equal for equal registers, -1 memory */
};

/* The first stanza for these operands, NULL if there is none.  width: 0 byte, 1 word, 2 dword.
 * flags_live: something that the instruction writes of EFLAGS is live after it. */
const struct tmpl *tmpl_find(unsigned mnem, const struct tmpl_operand *op, unsigned nops, unsigned width,
                             bool flags_live);

/* The same for operands in MMX and XMM registers; host: what there is of TMPL_HOST_*.
 * width: 3 MMX, 4 XMM.  Kinds: TO_SIMD is an MMX, XMM or memory operand of that size. */
const struct tmpl *tmpl_find_simd(unsigned mnem, const struct tmpl_operand *op, unsigned nops, unsigned width,
                                  unsigned host);

/* ---- conditions of a known flags record (templates/cond.tmpl) ---- */

enum { TC_VALUE, TC_BRANCH };
/* Values for tmpl_cond.record: enum cc_kind, or TMPL_COND_MOD | enum cc_mod. */
#define TMPL_COND_MOD 16
#define TMPL_COND_RECORDS 32

/* args.v[0]: the register that gets 0 or 1 (TC_VALUE); v[1] v[2] v[3]: dst, src, src2 of the
 * record; for a modifier v[1] is res.  TC_BRANCH ends in its branch to args.label when the
 * condition holds: the caller fills the delay slot. */
struct tmpl_cond {
    uint8_t type;      /* TC_* */
    uint8_t record;
    uint8_t cond;      /* 0-15, as in Jcc */
    uint8_t widths;    /* mask */
    uint8_t words;
    uint8_t uses;      /* mask: which of v[1] (bit 1), v[2], v[3] are looked at */
    uint32_t clobbers;
    struct tmpl_param param[4];
    uint32_t *(*emit)(uint32_t *p, const struct tmpl_args *a);
    const char *name;
    const char *file;
    int line;
};

/* member[0..2]: dst, src, src2 (or res) as TO_REG, or TO_IMM when a constant is known. */
const struct tmpl_cond *tmpl_find_cond(unsigned type, unsigned record, unsigned cond, unsigned width,
                                       const struct tmpl_operand member[3]);

struct tmpl_range {
    uint16_t first, count;
};

/* Generated. */
extern const struct tmpl tmpl_table[];
extern const unsigned tmpl_table_size;
extern const struct tmpl_range tmpl_index[]; /* rows of a mnemonic */
extern const unsigned tmpl_index_size;
extern const struct tmpl_cond tmpl_cond_table[];
extern const unsigned tmpl_cond_table_size;
extern const struct tmpl_range tmpl_cond_index[2][TMPL_COND_RECORDS][16]; /* [type][record][cond] */

/* ---- for generated code ---- */

/* Checks of our own arguments: out of range would spill into other fields. */
#define TMPL_CHECK(condition) assert(condition)

/* tools/tmplshow builds the translator with TMPL_TRACE, and so is told which stanza each word comes from. */
#ifdef TMPL_TRACE
void tmpl_trace(const uint32_t *p, unsigned words, const char *title, const char *file, int line);
#define TMPL_TRACED(p, words, title, file, line) tmpl_trace(p, words, title, file, line)
#else
#define TMPL_TRACED(p, words, title, file, line) ((void)0)
#endif

static inline uint32_t tmpl_branch(const uint32_t *branch, const uint32_t *target)
{
    if (!target)
        return 0;
    int64_t offset = target - (branch + 1);
    assert(offset >= -32768 && offset <= 32767);
    return (uint32_t)offset & 0xffff;
}

static inline uint32_t tmpl_jump(const uint32_t *jump, const uint32_t *target)
{
    if (!target)
        return 0;
    assert((((uintptr_t)target ^ (uintptr_t)(jump + 1)) >> 28) == 0);
    return (uint32_t)((uintptr_t)target >> 2) & 0x3ffffff;
}

/* Number of bits in a constant of kind TP_MASK or TP_NMASK. */
static inline uint32_t tmpl_bits(int32_t v)
{
    return 32 - (uint32_t)__builtin_clz((uint32_t)(v < 0 ? ~v : v));
}

#endif
