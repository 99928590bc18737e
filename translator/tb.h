/* TranslationBlocks: their cache, links, the pages they come from, and how they are run. */
#ifndef STITCH86_TB_H
#define STITCH86_TB_H

#include "cpu.h"
#include "insn.h"
#include "interp.h"
#include "softmmu.h"

#define TB_MAX_INSNS 64
#define TB_NO_PAGE ((hwaddr)-1)

/* Where a value of the lazy flags record is while a block runs. */
enum flag_where {
    FW_CANON, /* in its own host register (regmap.h: cc_dst, ...) */
    FW_GREG,  /* still in a guest register's host register: `reg` */
    FW_CONST  /* known: `value` */
};

struct flag_loc {
    uint8_t where;
    uint8_t reg;
    int32_t value;
};

/* What a block knows about the flags record at an instruction. */
struct flag_state {
    bool dynamic;  /* base (and modifier, unless has_mod) are what $cc_op says */
    bool has_mod;  /* a modifier put on since: mod_op, res */
    uint16_t op;   /* CC_OP of the base when not dynamic */
    uint16_t mod_op; /* CC_MOD */
    struct flag_loc dst, src, src2, res;
};

/* What a block that is specialised on env->fptw knows about the x87 at an instruction, and has not told the vCPU
 * state yet. */
struct x87_state {
    uint16_t word;  /* env->fptw */
    int16_t ip;     /* byte offset of the instruction that FIP and FCS are of, or FPU_IP_NONE: they are right */
    uint8_t ds;     /* segment whose selector FDS is, or FPU_DS_NONE */
    bool c1_clear;  /* C1 is 0 */
};
#define FPU_IP_NONE INT16_MIN
#define FPU_DS_NONE 0xff
#define TB_ANY_FPTW 0xffffffffu

/* Low halves of XMM registers that are in FP registers (translator/gen-scalar.c). */
struct xmm_state {
    uint8_t reg[8]; /* the FP register, or 0 */
    uint8_t dirty;  /* mask: the vCPU state does not have the value */
};

/* For each guest instruction: where it begins. */
struct insn_map {
    int16_t guest;  /* byte offset from the block's eip, on the same page */
    uint16_t flags; /* index into the block's flag states */
    uint16_t fpu;   /* index into its x87 states, */
    uint16_t fptw_after; /* and env->fptw after the instruction, where it is specialised */
    uint32_t host;  /* word offset of its code */
    uint16_t form;
    bool interp;    /* always through the interpreter */
    uint8_t xmm;    /* index into its XMM states */
};
/* Out-of-line calls: host word offset of the return address, and the instruction. */
struct stub_map {
    uint32_t host;
    uint32_t insn;
};

struct TranslationBlock;

struct tb_exit {
    uint32_t eip;             /* guest target */
    uint32_t *jump;           /* the `j` word to patch; NULL: the block has no such exit */
    uint32_t *stub;           /* where an unlinked exit goes */
    struct TranslationBlock *dest;
    struct TranslationBlock *next; /* next exit that is linked to dest, and which of its exits */
    uint8_t next_n;
    uint16_t insn;            /* the instruction that it is of */
    uint8_t cross;            /* how it goes to another page, */
    uint16_t page;            /* and to which one: an index into link_pages */
    bool filled;              /* the delay slot has the first word of dest */
    uint32_t taken;           /* -profile: its counter, for TB_EXIT_SIDE and up */
};
enum { TB_CROSS_NONE, TB_CROSS_GUARDED, TB_CROSS_GLOBAL };
/* Two of the last instruction, that to another variant of the block (its fptw differs), and those of
 * conditional jumps that the block goes on behind. */
enum { TB_EXIT_GUARD = 2, TB_EXIT_SIDE, TB_MAX_EXITS = TB_EXIT_SIDE + TB_MAX_INSNS };

/* Guest bytes of a block: offsets from the start of their page. */
struct tb_range {
    uint16_t start, end;
};
#define TB_MAX_RANGES 8

typedef struct TranslationBlock {
    uint32_t eip, cs_base, flags; /* flags: tb_flags() */
    uint32_t fptw;                /* env->fptw that it is for, or TB_ANY_FPTW */
    uint16_t icount;              /* guest instructions */
    uint8_t nranges, nexits;
    uint8_t loop;                 /* first instruction of the round that a loop repeats within the block, or 0 */
    bool invalid;
    uint16_t page2_end;           /* bytes that lie on the second page */
    struct tb_range range[TB_MAX_RANGES]; /* those on the first; direct jumps may lie between them */
    hwaddr phys_pc;
    hwaddr phys_page2; /* second page of a block whose only instruction crosses, or TB_NO_PAGE */
    const uint32_t *host;
    uint32_t host_words;
    struct TranslationBlock *hash_next;
    struct TranslationBlock *page_next[2];
    struct TranslationBlock *incoming; /* exits linked to this block */
    uint8_t incoming_n;
    struct tb_exit *exit;         /* nexits entries */
    uint32_t rounds;              /* -profile: the counter of the loop's rounds, or 0 */
    struct insn_map *map;         /* icount entries */
    struct flag_state *fstates;
    struct x87_state *fpustates;
    struct xmm_state *xmmstates; /* NULL: nothing ever is in FP registers */
    struct stub_map *stubs;
    uint32_t nstubs;
} TranslationBlock;

/* An instruction that runs through the interpreter from within a block. */
struct tb_interp_insn {
    struct insn insn;
    uint32_t eip;
    uint32_t index; /* in its block */
    TranslationBlock *tb;
    interp_fn handler;
};

/* Counters that -d stats prints. */
struct tb_stats {
    uint64_t translated, insns_translated, flushes, invalidated, links, lookups, jc_misses;
    uint64_t left_link, left_poll, left_end; /* ways back to C besides jc_misses: unlinked exit, exit_request, mode */
};

struct tb_context;

struct tb_context *tb_context_new(CPUX86State *env, unsigned max_insns); /* sets env->tbs; exits with a
                                                    user error where the host lacks what templates need */
/* Use only the first `mib` MiB of the code region (1-96). */
void tb_set_code_size(CPUX86State *env, unsigned mib);
void tb_context_free(CPUX86State *env);
/* Direct windows from now on (softmmu/window.h): all RAM is there. */
void tb_use_windows(CPUX86State *env);
/* The template accelerator: run until env->exit_request or an interrupt has to be looked at. */
void tb_run(CPUX86State *env);

/* Bring env->eip, flags and icount to the instruction whose code called C with host return
 * address `ra`; guest registers are in env already.  ra 0: nothing to do. */
void tb_restore_state(CPUX86State *env, uintptr_t ra);
/* The x87's part of it: instruction `index` of a block is about to run. */
void tb_restore_fpu(CPUX86State *env, const TranslationBlock *tb, uint32_t index);
/* Drop every block (buffer full, -tb-max change, snapshot). */
void tb_flush(CPUX86State *env);
/* Drop blocks that have a byte in [start, end) of guest physical memory. */
void tb_invalidate_phys_range(CPUX86State *env, hwaddr start, hwaddr end, uintptr_t retaddr);
const struct tb_stats *tb_get_stats(const CPUX86State *env);
/* The ISA rows that ran most often through the interpreter from within blocks, most first. */
struct tb_interp_count {
    const char *form;
    uint64_t times;
};
unsigned tb_get_interp_counts(const CPUX86State *env, struct tb_interp_count *out, unsigned max);

/* hflags and DF: the mode part of a block's key. */
static inline uint32_t tb_flags(const CPUX86State *env)
{
    return (env->hflags & ~(uint32_t)HF_INHIBIT) | ((env->eflags & DF_MASK) ? 1u << 30 : 0);
}
#define TB_FLAG_DF (1u << 30)

#endif
