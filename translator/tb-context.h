/* The translator's own state: shared by the files of translator/, and nobody else. */
#ifndef STITCH86_TB_CONTEXT_H
#define STITCH86_TB_CONTEXT_H

#include "tb.h"

#define TB_HASH_BITS 16
#define JC_BITS 17
#define JC_TABLES 8
#define PAGE_L2_BITS 10
#define PAGE_L1_SIZE (1u << 14) /* 2^24 pages: 36-bit physical addresses */

/* One entry of tb_jmp_cache.  The slot of an eip is its low JC_BITS bits; an entry that is free holds an
 * eip that belongs to another slot. */
struct jc_entry {
    int32_t eip;
    uint32_t pad;
    const uint32_t *host;
};

/* tb_jmp_cache for one mode (flags, cs_base): near jumps don't change the mode, so the
 * inline look-up compares eip alone. */
struct jc_table {
    uint32_t flags, cs_base;
    bool used;
    struct jc_entry *entry;
    uint32_t *log[2]; /* filled slots; [1]: of pages mapped global */
    uint32_t nlog[2];
    uint8_t *pages;   /* bitmap of virtual pages that have entries */
};

/* A virtual page that exits on other pages are linked to; its number is that of its guard, too. */
struct link_page {
    uint32_t vpn;
    bool user;      /* for CPL 3 */
    bool global;    /* plain jumps lead to it */
    bool in_global; /* it is in global_links */
    bool listed;    /* it is in open_guards */
    hwaddr phys;    /* what those who are linked to it assume */
};
#define LINK_HASH_BITS 16
#define LINK_HASH_SIZE (1u << LINK_HASH_BITS)

struct page_desc {
    TranslationBlock *first; /* low bit: which of the block's two pages this is */
    uint8_t *bitmap;         /* which bytes are code; built after several writes */
    uint16_t writes;
    bool marked;
};

/* What enter() returns: why translated code was left. */
enum {
    TB_LEAVE_EIP = 1, /* exit_request, or -icount's deadline */
    TB_LEAVE_LOOKUP,  /* tb_next() found nothing that can be entered */
    TB_LEAVE_END      /* after an instruction that the main loop has to follow up */
};

/* env->tb_helpers[]: LD, LDRW and ST are three each, for 1, 2 and 4 bytes. */
enum { TBH_FLAGS, TBH_INTERP, TBH_NEXT, TBH_UNWOUND, TBH_WINDOW, TBH_TSC, TBH_LD, TBH_LDRW = TBH_LD + 3, TBH_ST = TBH_LDRW + 3, TBH_COUNT = TBH_ST + 3 };

/* Routines made from templates/x87-arith.tmpl and x87-convert.tmpl. */
enum x87_arith { X87_ADD, X87_SUB, X87_SUBR, X87_MUL, X87_DIV, X87_DIVR, X87_ARITH_COUNT };
struct x87_routines {
    const uint32_t *arith[2][X87_ARITH_COUNT]; /* [1]: precision control says double */
    const uint32_t *compare, *to_f32, *to_f64, *zero_f32, *zero_f64;
    const uint32_t *sqrt[2], *examine;
    const uint32_t *to_int[2], *rint[2]; /* [1]: towards zero */
};

struct tb_context {
    CPUX86State *env;
    unsigned max_insns;
    unsigned code_listener;

    uint32_t *code, *code_limit; /* the code region; code_limit leaves room for the largest block */
    uint32_t *code_first, *code_ptr;

    TranslationBlock *tbs;
    uint32_t ntbs, max_tbs;
    TranslationBlock *hash[1 << TB_HASH_BITS];
    uint8_t *arena;
    size_t arena_used, arena_size;
    struct tb_interp_insn *pool;
    uint32_t npool, max_pool;

    struct page_desc *l1_map[PAGE_L1_SIZE];

    struct jc_table jc[JC_TABLES];
    unsigned jc_next;
    struct jc_entry *jc_empty; /* what makes running code leave at its next indirect jump */
    struct jc_table *jc_current;

    struct link_page link_pages[PAGE_GUARDS];
    uint16_t link_hash[LINK_HASH_SIZE]; /* number + 1 */
    uint16_t open_guards[PAGE_GUARDS], global_links[PAGE_GUARDS];
    uint32_t nlink_pages, nopen_guards, nglobal_links;

    TranslationBlock *running; /* being entered or executed last (-1 generation checks) */

    /* Entry points made from templates/frame.tmpl. */
    uint64_t (*enter)(CPUX86State *env, const uint32_t *host);
    const uint32_t *exit_jmp_cache; /* looks the eip in t9 up */
    const uint32_t *exit_link, *exit_lookup; /* on to another block, through tb_next() */
    const uint32_t *exit_eip, *exit_leave, *exit_end; /* out of enter() */
    const uint32_t *thunk_ld[3], *thunk_ldrw[3], *thunk_st[3], *thunk_flags, *thunk_interp, *thunk_end, *unwound,
                   *thunk_window, *thunk_tsc;
    /* Into another mode, at the eip in t9: CPL 0 and CPL 3, hflags but for HF_WINDOW in X1; as env->hflags says. */
    const uint32_t *enter_cpl0, *enter_cpl3, *exit_mode;
    const uint32_t *rep_movs[3], *rep_stos[3], *repne_scas8; /* for 1, 2 and 4 bytes */

    struct x87_routines x87;
    unsigned host_features; /* TMPL_HOST_* */
    struct tb_stats stats;
    uint64_t interp_forms[FORM_COUNT]; /* executions through helper_interp, by ISA row */
    /* -profile: executions of tbs[i], and behind max_tbs of these how often ways out in the middle were taken; else
     * NULL. */
    uint64_t *profile_counts;
    uint32_t nsides, max_sides;
    bool count_insns; /* blocks add their instructions to env->insns_template */
};

/* window-sites.c */
bool window_use_tlb(hwaddr phys); /* the instruction at that physical address is better off with the TLB */
bool window_refused(hwaddr phys); /* it could not use the window; true: from now on it is to use the TLB */

/* window-fault.c */
void window_faults_of(struct tb_context *ctx); /* its code is about to run */
void window_faults_end(struct tb_context *ctx);
int64_t helper_window(CPUX86State *env, uint64_t pc, uint64_t v, uintptr_t ra);
/* tb-exec.c: the instruction whose code the host address is in; the guest's state before it */
uint32_t tb_insn_at(const TranslationBlock *tb, const uint32_t *host);
void tb_restore_insn(CPUX86State *env, const TranslationBlock *tb, uint32_t index);

/* tb-cache.c */
TranslationBlock *tb_find(struct tb_context *ctx, uint32_t eip, uint32_t cs_base, uint32_t flags, hwaddr phys_pc);
TranslationBlock *tb_alloc(struct tb_context *ctx);
void *tb_arena_alloc(struct tb_context *ctx, size_t size); /* NULL: full, flush */
void tb_insert(struct tb_context *ctx, TranslationBlock *tb);
void tb_add_jump(TranslationBlock *from, unsigned n, TranslationBlock *to);
/* Of the blocks that differ in fptw alone: the one whose guard leads to all others. */
TranslationBlock *tb_first_variant(TranslationBlock *tb);
TranslationBlock *tb_from_host(struct tb_context *ctx, const uint32_t *host);
void tb_flush_all(struct tb_context *ctx);
void tb_code_written(void *opaque, hwaddr paddr, uint32_t len, uintptr_t retaddr);

/* Unlink exits on other pages from the blocks of a physical page that is mapped at vpn for CPL 3 or not. */
void tb_unlink_crossing(struct tb_context *ctx, hwaddr page, uint32_t vpn, bool user);

/* tb-link.c */
/* The number of the page that has the linear address, for the mode's CPL; -1: there is none left. */
int tb_link_page(struct tb_context *ctx, uint32_t linear, uint32_t flags);
/* C has found that control may go to the block now: to be called before it is entered, and before it is linked to. */
void tb_page_seen(struct tb_context *ctx, const TranslationBlock *tb);
/* Link the exit whose stub called with return address ra; global: the mapping of `to` is. */
void tb_link_exit(struct tb_context *ctx, TranslationBlock *from, uintptr_t ra, TranslationBlock *to, bool global);
void tb_links_flushed(struct tb_context *ctx, bool page, uint32_t vaddr, bool global);
void tb_links_clear(struct tb_context *ctx);

/* jmp-cache.c */
bool jc_init(struct tb_context *ctx);
void jc_free(struct tb_context *ctx);
void jc_select(struct tb_context *ctx, uint32_t flags, uint32_t cs_base);
void jc_fill(struct tb_context *ctx, const TranslationBlock *tb, bool global);
/* Make the table of the present mode the current one; false: that mode has none yet. */
bool jc_current(struct tb_context *ctx);
/* Host code of the block at eip in the current table, or NULL. */
const uint32_t *jc_get(const struct tb_context *ctx, uint32_t eip);
void jc_remove(struct tb_context *ctx, const TranslationBlock *tb);
void jc_clear(struct tb_context *ctx);
void jc_tlb_flushed(void *opaque, bool page, uint32_t vaddr, bool global);

/* tb-exec.c: where translated code goes on at env->eip without leaving enter(): a block's host code, or a way out.
 * link_ra: return address in the stub of an exit to be linked, or 0.  May raise the fetch's page fault. */
const uint32_t *tb_next(struct tb_context *ctx, uintptr_t link_ra);

/* gen.c: make the block at env->eip.  Returns NULL when the first instruction cannot be in a block at all;
 * raises the fetch's own exceptions. */
TranslationBlock *tb_gen_code(struct tb_context *ctx, uint32_t eip, uint32_t cs_base, uint32_t flags, hwaddr phys_pc);
/* Emit prologue, epilogue and thunks at the start of the code region. */
void gen_frame(struct tb_context *ctx);

/* tb-profile.c: counters for -profile; gather hands them over before the blocks go. */
void tb_profile_init(struct tb_context *ctx);
void tb_profile_gather(CPUX86State *env);
void tb_profile_free(struct tb_context *ctx);

/* tb-helpers.c: C functions that translated code calls; fills env->tb_helpers. */
void tb_helpers_init(CPUX86State *env);

#endif
