/* The block builder's state while it stitches templates into one TranslationBlock. */
#ifndef STITCH86_GEN_H
#define STITCH86_GEN_H

#include <assert.h>
#include <string.h>

#include "flags.h"
#include "regmap.h"
#include "tb-context.h"
#include "tmpl.h"

#define GEN_MAX_STUBS (TB_MAX_INSNS * 8 + 16)

enum stub_kind {
    STUB_LOAD, STUB_STORE, STUB_RMW, STUB_EXIT, STUB_SIDE, STUB_POLL, STUB_MISS, STUB_PAGE, STUB_ICOUNT, STUB_MATERIALISE,
    STUB_INTERP, STUB_INTERP_EXIT, STUB_DENORMAL, STUB_CLASS, STUB_PAIR, STUB_RANGE, STUB_GUARD, STUB_X87_ZERO, STUB_MODE
};
enum stub_extend { EXT_NONE, EXT_S8, EXT_S16 };

/* Code that goes behind the block: what is rarely run. */
struct gen_stub {
    uint8_t kind;
    uint8_t size;   /* of the access */
    uint8_t extend;
    uint8_t d, a, s; /* host registers */
    uint8_t exit_n, rest; /* STUB_SIDE: instructions that were counted and are not executed */
    uint16_t insn;
    uint32_t *site;   /* branch to be pointed here */
    uint32_t *resume; /* where it goes on */
    uint32_t eip;
    struct flag_state fs;
    struct x87_state fpu; /* STUB_SIDE, STUB_POLL: as at the jump */
    bool fpu_dirty;
    struct xmm_state xmm, xmm_after; /* where it begins, and where it goes on */
    uint8_t nsites;
    bool used; /* a STUB_DENORMAL, STUB_CLASS or STUB_PAIR leads here */
    uint32_t *start;
    struct gen_stub *slow; /* STUB_DENORMAL, STUB_CLASS, STUB_PAIR: where it goes if there is one */
    const uint32_t *op; /* STUB_RMW: the operation, to be copied */
    uint32_t op_words;
    /* STUB_INTERP: more branches to be pointed here; nobody may (gen-simd.c).  The last member: gen_stub() does not
     * clear it. */
    uint32_t *sites[20];
};

/* What is known of a double: 0, or 2^lo <= |v| <= 2^hi; nothing where lo is INT16_MIN.  positive: or 0. */
struct xmm_range {
    int16_t lo, hi;
    bool positive;
};
/* gen-scalar.c: XMM registers, their low halves' bounds, and numbers that are equal for equal upper halves. */
struct gen_xmm {
    struct xmm_state at;
    struct xmm_range range[8];
    uint16_t upper[8], next_upper;
};

struct gen_rmw {
    bool window;
    int32_t disp; /* window: of T4 */
    int d, a;
    unsigned size;
    uint32_t *site;
    const uint32_t *op;
};

/* What is known where the second round of a loop begins, which goes on from its end too. */
struct gen_head {
    uint32_t *p;
    struct flag_state fs;
    struct x87_state fpu;
    bool fpu_dirty;
    uint8_t xmm_known[8];
    struct gen_xmm xmm;
};

struct gen {
    struct tb_context *ctx;
    CPUX86State *env;
    TranslationBlock *tb;
    uint32_t *p;
    uint32_t flags; /* tb_flags() */
    uint32_t eip, cs_base;
    hwaddr phys_pc, phys_page2;
    struct tb_range range[TB_MAX_RANGES];
    unsigned nranges;
    uint32_t page2_end;

    unsigned n, cur;
    unsigned loop; /* a loop of so many instructions, which stand here twice; else 0 */
    struct gen_head head;
    struct insn insns[TB_MAX_INSNS];
    uint32_t eips[TB_MAX_INSNS + 1]; /* [n]: behind the last one */
    struct tb_exit exits[TB_MAX_EXITS];
    unsigned nexits;
    uint16_t live[TB_MAX_INSNS]; /* OSZAPC that are needed after the instruction */

    struct flag_state fs; /* changed: fs_noted is false */
    bool fs_noted;        /* it is fstates[nfstates - 1] */
    struct flag_state fstates[TB_MAX_INSNS * 2 + 2];
    unsigned nfstates;
    struct insn_map map[TB_MAX_INSNS];
    struct gen_stub stubs[GEN_MAX_STUBS];
    unsigned nstubs;
    struct stub_map smap[GEN_MAX_STUBS * 2];
    unsigned nsmap;
    uint8_t xmm_known[8]; /* gen-simd.c */
    /* gen-fpu.c: the x87 stack, and whether env->fptw may be something else than fpu.word */
    struct x87_state fpu, fpustates[TB_MAX_INSNS + 1];
    unsigned nfpu;
    struct gen_xmm xmm;
    struct xmm_state xmmstates[TB_MAX_INSNS];
    unsigned nxmm;
    bool fpu_dirty;
    bool ended; /* an exit was emitted: nothing follows */
};

/* FP register with the smallest normal single twice (templates/frame.tmpl). */
enum { HOST_SMALLEST = 31 };

/* Host registers by role, short names for the generator. */
static inline int greg(unsigned r)
{
    return HREG_GUEST((int)r);
}

/* Width of flags.h (0 byte, 1 word, 2 dword) of an operand of 1, 2 or 4 bytes. */
static inline unsigned gen_width(unsigned size)
{
    return size == 4 ? 2 : size - 1;
}

/* ---- gen-block.c: fetch, decode, liveness ---- */
bool gen_fetch_block(struct gen *g);
void gen_note_head(struct gen *g);       /* the current instruction is a loop's first one, the second time */
bool gen_is_head(const struct gen *g);   /* does the head's state hold here? */
void gen_liveness(struct gen *g);
/* OSZAPC mask (CC_*) still needed after the current instruction and not wholly rewritten by it. */
uint32_t gen_keep_mask(const struct gen *g);
uint32_t gen_needed_after(const struct gen *g);

/* ---- gen-flags.c: where the flags record is ---- */
bool gen_same_flags(const struct flag_state *a, const struct flag_state *b);
void gen_add_state(struct gen *g);             /* fs becomes one of the block's states, if it has changed */
/* The state at the current instruction goes into its map entry. */
static inline void gen_note_state(struct gen *g)
{
    if (!g->fs_noted)
        gen_add_state(g);
    g->map[g->cur].flags = (uint16_t)(g->nfstates - 1);
}
void gen_guest_write(struct gen *g, unsigned r); /* guest register r is about to change */
void gen_record(struct gen *g, unsigned kind, unsigned width, struct flag_loc dst, struct flag_loc src,
                struct flag_loc src2);
void gen_prepare_modifier(struct gen *g, unsigned mod); /* before any access of the instruction */
void gen_modifier(struct gen *g, unsigned mod, unsigned width, struct flag_loc res);
/* Words that bring the record to its canonical registers, without emitting them. */
unsigned gen_canon_words(const struct flag_state *fs, uint32_t out[12]);
void gen_canon(struct gen *g);                 /* emit them; the state is dynamic from then on */
void gen_flags_dynamic(struct gen *g);
void gen_eflags(struct gen *g);                /* v0 = OSZAPC bits; the record is EFLAGS in cc_src then */
struct flag_loc loc_of(int host_reg);
struct flag_loc loc_const(int32_t value);
static inline struct flag_loc loc_canon(void)
{
    return (struct flag_loc){.where = FW_CANON};
}

/* ---- gen-cond.c ---- */
void gen_cond_value(struct gen *g, unsigned cond, int d);
/* Branch taken when cond holds; returns the branch word, whose target and delay slot are the caller's. */
uint32_t *gen_cond_branch(struct gen *g, unsigned cond);
void gen_carry(struct gen *g, int d);

/* ---- gen-mem.c ---- */
bool gen_seg_ok(const struct gen *g, unsigned seg);        /* templates may access through it */
bool gen_mem_ok(const struct gen *g, const struct insn *in); /* the insn's memory operand can be stitched */
int gen_effective(struct gen *g, const struct insn *in, bool add_segment); /* host reg with the address */
/* A linear address: host register (sign-extended) plus displacement, which is 0 but in a direct window. */
struct gen_ea {
    int reg;
    int32_t disp;
};
static inline struct gen_ea gen_at(int host_reg)
{
    return (struct gen_ea){ host_reg, 0 };
}
struct gen_ea gen_ea(struct gen *g, const struct insn *in); /* of the memory operand */
void gen_load(struct gen *g, int d, struct gen_ea ea, unsigned size, bool sign);
void gen_store(struct gen *g, int s, struct gen_ea ea, unsigned size);
bool gen_stack_ok(const struct gen *g);    /* a flat 32-bit stack */
void gen_push_value(struct gen *g, int v); /* a dword in a host register */
/* The load of a read-modify-write of the memory operand. */
void gen_rmw_begin(struct gen *g, struct gen_rmw *m, const struct insn *in, int d, unsigned size);
void gen_rmw_load(struct gen *g, struct gen_rmw *m, int d, struct gen_ea ea, unsigned size);
void gen_rmw_store(struct gen *g, struct gen_rmw *m, int v);
/* Look-up of the instruction's memory operand: returns the host register that holds its host address, good for
 * all its bytes; the operand lies in one page, or in a direct window ($at, $X3, $t9 are lost).  Whatever is not on the
 * fast path branches to *slow_site, which is NULL where nothing can. */
int gen_host_addr(struct gen *g, const struct insn *in, unsigned size, bool write, uint32_t **slow_site);
/* The memory operand, a double, to or from FP register f, not 0; the branch that leaves the fast path, or NULL. */
uint32_t *gen_load_f64(struct gen *g, int f, const struct insn *in);
uint32_t *gen_store_f64(struct gen *g, int f, const struct insn *in);
/* The same for operands that have to be aligned to their size: others go off the fast path. */
int gen_host_addr_aligned(struct gen *g, const struct insn *in, unsigned size, bool write, uint32_t **slow_site);
/* For a template that reads, changes registers and writes; off the fast path the interpreter does it all. */
int gen_host_addr_rmw(struct gen *g, const struct insn *in, unsigned size);
/* The same as gen_host_addr, and *offset: the register that has the operand's offset in its segment. */
int gen_host_addr_offset(struct gen *g, const struct insn *in, unsigned size, bool write, int *offset,
                         uint32_t **slow_site);
void gen_li(struct gen *g, int d, int32_t value);
void gen_move(struct gen *g, int d, int s);
void gen_selector(struct gen *g, int d, unsigned seg);
/* 8/16/32-bit guest register to a host register holding it sign-extended; returns which. */
int gen_reg_value(struct gen *g, unsigned reg, unsigned size, int temp);
void gen_reg_insert(struct gen *g, unsigned reg, unsigned size, int s);

/* ---- gen-insn.c, gen-move.c, gen-stack.c, gen-flow.c, gen-string.c ---- */
typedef bool gen_fn(struct gen *g, const struct insn *in); /* false: let the interpreter do it */
bool gen_from_table(struct gen *g, const struct insn *in);
gen_fn gen_mov, gen_movx, gen_lea, gen_xchg, gen_setcc, gen_cmovcc, gen_cld_std, gen_nop;
gen_fn gen_cli_sti, gen_pushf, gen_popf, gen_cmpxchg, gen_cmpxchg8b, gen_xadd;
bool gen_changes_df(const struct gen *g, const struct insn *in);
bool gen_goes_on(const struct gen *g, const struct insn *in); /* though the ISA table ends the block there */
gen_fn gen_push, gen_pop, gen_leave;
gen_fn gen_jmp, gen_jcc, gen_call, gen_ret, gen_loop;
gen_fn gen_string;
void gen_string_frame(struct tb_context *ctx); /* its routines, at ctx->code_ptr */
gen_fn gen_simd;
gen_fn gen_sysenter, gen_sysexit, gen_load_sreg, gen_verw, gen_rdtsc; /* gen-mode.c */
uint32_t *gen_mode_frame(struct tb_context *ctx, uint32_t *p); /* its part of the frame, behind exit_end and exit_lookup */
void gen_mode_exit(struct gen *g, const struct gen_stub *s);           /* STUB_MODE */
/* ---- gen-scalar.c ---- */
gen_fn gen_scalar;
bool gen_scalar_takes(const struct gen *g, const struct insn *in);
void gen_xmm_begin(struct gen *g);
static inline bool gen_xmm_empty(const struct gen *g)
{
    uint64_t regs;
    memcpy(&regs, g->xmm.at.reg, 8);
    return regs == 0;
}
void gen_xmm_before(struct gen *g, const struct insn *in); /* FP registers that the instruction does not get on with */
void gen_xmm_add(struct gen *g);
/* The state at the current instruction goes into its map entry. */
static inline void gen_xmm_note(struct gen *g)
{
    if (gen_xmm_empty(g))
        g->map[g->cur].xmm = 0;
    else
        gen_xmm_add(g);
}
void gen_xmm_flush(struct gen *g);  /* the vCPU state is right from here on */
void gen_xmm_drop(struct gen *g);   /* and nothing is in FP registers */
void gen_xmm_head(struct gen *g);   /* a loop begins here */
bool gen_xmm_fits(const struct gen *g); /* its end can go on at its head */
void gen_xmm_to_head(struct gen *g);
void gen_xmm_out(struct gen *g, const struct xmm_state *x); /* out of line: before and after a call of C */
void gen_xmm_in(struct gen *g, const struct xmm_state *x);
gen_fn gen_fpu, gen_fldcw, gen_emms;
bool gen_uses_mmx(const struct insn *in); /* has MMX operands, or is EMMS */
/* An MMX instruction but EMMS: TOP is 0 and no register empty from now on.  False: the interpreter has to do it. */
bool gen_mmx_enter(struct gen *g);
void gen_mmx_written(struct gen *g, unsigned r); /* register r got a value: sign and exponent are all ones */
void gen_interp(struct gen *g);           /* the current instruction through the interpreter */
void gen_exit(struct gen *g, unsigned n, uint32_t eip); /* flags, poll, jump; ends the block's code path */
void gen_side_exit(struct gen *g, struct gen_stub *s); /* STUB_SIDE */
void gen_exit_mode(struct gen *g, uint32_t eip); /* behind what changes the block's key */
struct gen_stub *gen_stub(struct gen *g, unsigned kind, uint32_t *site);
/* Another branch to it. */
static inline void gen_stub_site(struct gen_stub *s, uint32_t *site)
{
    assert(s->nsites < sizeof s->sites / sizeof s->sites[0]);
    s->sites[s->nsites++] = site;
}
void gen_stub_state(struct gen *g, const struct gen_stub *s); /* the generator's state is as where the stub was made */
void gen_stubs(struct gen *g);            /* emit all out-of-line code */

/* What tools/tmplshow listens to (TMPL_TRACE, tmpl.h): code of instruction n, of the exit behind the last one, or
 * of stub n begins at g->p. */
enum gen_trace { GEN_TRACE_INSN, GEN_TRACE_EXIT, GEN_TRACE_STUB };
#ifdef TMPL_TRACE
void gen_trace(const struct gen *g, enum gen_trace what, unsigned n);
#else
static inline void gen_trace(const struct gen *g, enum gen_trace what, unsigned n)
{
    (void)g;
    (void)what;
    (void)n;
}
#endif

#endif
