/* The state of one x86 virtual CPU, as the interpreter, the templates and the
 * soft MMU share it.  Terms are Intel's (SDM volume 3) and QEMU's. */
#ifndef STITCH86_CPU_H
#define STITCH86_CPU_H

#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { R_EAX, R_ECX, R_EDX, R_EBX, R_ESP, R_EBP, R_ESI, R_EDI };
enum { R_ES, R_CS, R_SS, R_DS, R_FS, R_GS, SEG_COUNT };

/* EFLAGS bits (SDM 1, 3.4.3). */
enum {
    CC_C = 0x0001, CC_P = 0x0004, CC_A = 0x0010, CC_Z = 0x0040, CC_S = 0x0080, CC_O = 0x0800,
    CC_ARITH = CC_C | CC_P | CC_A | CC_Z | CC_S | CC_O,
    TF_MASK = 0x100, IF_MASK = 0x200, DF_MASK = 0x400, IOPL_MASK = 0x3000, IOPL_SHIFT = 12,
    NT_MASK = 0x4000, RF_MASK = 0x10000, VM_MASK = 0x20000, AC_MASK = 0x40000,
    VIF_MASK = 0x80000, VIP_MASK = 0x100000, ID_MASK = 0x200000
};

/* Control register bits. */
#define CR0_PE 0x00000001u
#define CR0_MP 0x00000002u
#define CR0_EM 0x00000004u
#define CR0_TS 0x00000008u
#define CR0_ET 0x00000010u
#define CR0_NE 0x00000020u
#define CR0_WP 0x00010000u
#define CR0_AM 0x00040000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u
#define CR4_VME 0x001u
#define CR4_PVI 0x002u
#define CR4_TSD 0x004u
#define CR4_DE 0x008u
#define CR4_PSE 0x010u
#define CR4_PAE 0x020u
#define CR4_MCE 0x040u
#define CR4_PGE 0x080u
#define CR4_PCE 0x100u
#define CR4_OSFXSR 0x200u
#define CR4_OSXMMEXCPT 0x400u
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)

/* Exception vectors. */
enum {
    EXCP_DE = 0, EXCP_DB = 1, EXCP_NMI = 2, EXCP_BP = 3, EXCP_OF = 4, EXCP_BR = 5, EXCP_UD = 6,
    EXCP_NM = 7, EXCP_DF = 8, EXCP_TS = 10, EXCP_NP = 11, EXCP_SS = 12, EXCP_GP = 13, EXCP_PF = 14,
    EXCP_MF = 16, EXCP_AC = 17, EXCP_MC = 18, EXCP_XM = 19
};

/* High dword of a segment descriptor, which struct segment keeps in `flags`
 * (SDM 3, 3.4.5).  Real and virtual-8086 mode fill it with the fixed rights. */
#define DESC_TYPE_SHIFT 8
#define DESC_A_MASK (1u << 8)
#define DESC_W_MASK (1u << 9)  /* data: writable */
#define DESC_R_MASK (1u << 9)  /* code: readable */
#define DESC_E_MASK (1u << 10) /* data: expand down */
#define DESC_C_MASK (1u << 10) /* code: conforming */
#define DESC_CS_MASK (1u << 11)
#define DESC_S_MASK (1u << 12)
#define DESC_DPL_SHIFT 13
#define DESC_P_MASK (1u << 15)
#define DESC_B_MASK (1u << 22)
#define DESC_G_MASK (1u << 23)

struct segment {
    uint32_t selector;
    uint32_t base;
    uint32_t limit; /* in bytes, granularity applied: the last valid offset (expand up) */
    uint32_t flags; /* DESC_*; 0 (no P) is a null segment: any access is #GP(0)/#SS(0) */
};

/* hflags: the mode bits that decide how code is decoded and translated; they are a
 * part of a TranslationBlock's key.  cpu_update_hflags() derives them. */
enum {
    HF_CPL_MASK = 3,
    HF_PE = 1 << 2,
    HF_VM = 1 << 3,
    HF_CS32 = 1 << 4,
    HF_SS32 = 1 << 5,
    HF_TF = 1 << 6,      /* single step: one instruction a block */
    HF_INHIBIT = 1 << 7, /* interrupt shadow of STI, MOV SS, POP SS: one instruction */
    HF_EM = 1 << 8,
    HF_TS = 1 << 9,
    HF_MP = 1 << 10,
    HF_IOPL_OK = 1 << 11, /* CPL <= IOPL, or real mode; never in VM mode with IOPL < 3 */
    HF_BP = 1 << 12,      /* an instruction breakpoint is armed in DR7: one instruction a block */
    HF_PG = 1 << 13,
    HF_OSFXSR = 1 << 14,
    /* MXCSR: all exceptions masked, nearest, no DAZ, no FTZ; its flags don't matter. */
    HF_MXCSR_STD = 1 << 15,
    /* For segment s: HF_SEG_FULL(s): present, limit 4 GiB from 0, data readable and
     * writable (CS: readable); HF_SEG_BASE0(s): base is 0. */
    HF_SEG_SHIFT = 16,
    /* Behind them: guest memory is reached through a direct window (softmmu/window.h). */
    HF_WINDOW = 1 << 28,
    /* What a control transfer can change, but for the segments' own bits. */
    HF_TRANSFER = HF_CPL_MASK | HF_VM | HF_CS32 | HF_SS32 | HF_TF | HF_IOPL_OK | HF_WINDOW
};
#define HF_SEG_FULL(s) (1u << (HF_SEG_SHIFT + 2 * (s)))
#define HF_SEG_BASE0(s) (2u << (HF_SEG_SHIFT + 2 * (s)))
#define HF_SEG_FLAT(s) (HF_SEG_FULL(s) | HF_SEG_BASE0(s))

/* Soft MMU modes. */
enum { MMU_USER_IDX, MMU_KSMAP_IDX, MMU_KNOSMAP_IDX, NB_MMU_MODES };

/* Bits of env->interrupt_request; set from any thread, then cpu_kick(). */
enum {
    CPU_INTERRUPT_HARD = 1,  /* the INTR pin, level: the 8259 has one for us */
    CPU_INTERRUPT_NMI = 2,
    CPU_INTERRUPT_RESET = 4,
    CPU_INTERRUPT_EXIT = 8,  /* leave cpu_exec(): power-off, quit */
    CPU_INTERRUPT_TIMER = 16, /* a timer or an I/O event is due: the vCPU thread runs it */
    CPU_INTERRUPT_A20 = 32
};

/* An 80-bit extended value: explicit integer bit in mant, sign in bit 15 of se. */
struct floatx80 {
    uint64_t mant;
    uint16_t se;
};

union xmm_reg {
    uint64_t q[2];
    uint32_t l[4];
    uint16_t w[8];
    uint8_t b[16];
};

struct softmmu; /* softmmu/softmmu.h */
struct phys_mem;
struct tb_context; /* translator/tb.h */
struct interp_cache;
struct machine;
struct insn;
struct cpu_model;
struct profile;

/* A descriptor of the GDT that was found good for DS, ES, FS and GS, and what it makes of them.  The one in memory
 * is compared with it each time, so nothing has to be told of its end. */
struct desc_slot {
    uint32_t selector; /* with its RPL, which had been checked; 0: none */
    uint32_t hf;       /* the two bits HF_SEG_FULL and HF_SEG_BASE0, from bit 0 on */
    uint32_t raw[2];
    struct segment seg;
};
#define DESC_SLOTS 16u
static inline unsigned desc_slot_index(uint32_t selector)
{
    return selector >> 3 & (DESC_SLOTS - 1);
}

/* The jump cache of a mode with the code segment's base 0. */
struct mode_slot {
    uint32_t flags; /* tb_flags(); 0: none */
    uint32_t table; /* its number (translator/jmp-cache.c) */
    void *jmp_cache;
};
#define MODE_SLOTS 32u
/* templates/mode.tmpl says the same. */
static inline unsigned mode_slot_index(uint32_t flags)
{
    return (flags ^ flags >> 11 ^ flags >> 24) & (MODE_SLOTS - 1);
}

/* Code reaches them all by a 16-bit offset. */
#define PAGE_GUARDS 24576

typedef struct CPUX86State {
    /* Guest registers first: templates reach them with short offsets from s8. */
    uint32_t regs[8];
    uint32_t eip; /* current instruction when C code runs on behalf of the guest */

    /* The arithmetic flags, lazily: see flags.h.  All sign-extended to 32 bits. */
    uint32_t cc_op;
    uint32_t cc_dst;
    uint32_t cc_src;
    uint32_t cc_src2;
    uint32_t cc_res;

    uint32_t eflags; /* everything but CC_ARITH, whose bits are 0 here; bit 1 is set */
    uint32_t hflags;
    uint32_t mmu_idx;

    /* Polled by translated code: negative when it has to leave. (exec.c) */
    _Atomic int32_t exit_request;
    /* -icount: instructions left until the next timer deadline; counted down. */
    int32_t icount_left;
    uint32_t icount_enabled;
    uint64_t icount; /* instructions executed up to the last deadline computation */

    struct segment segs[SEG_COUNT];
    struct segment ldt, tr;
    uint32_t gdt_base, gdt_limit, idt_base, idt_limit;
    uint32_t cr[5];
    uint32_t dr[8];
    uint64_t pdptr[4]; /* PAE: loaded with CR3 (SDM 3, 4.4.1) */
    uint32_t a20_mask; /* ~0 or ~(1 << 20), on physical addresses */
    uint64_t efer;     /* only NXE is implemented */

    /* x87.  ST(i) is fpregs[(TOP + i) & 7].  MMX registers alias fpregs[i].mant. */
    _Alignas(16) struct floatx80 fpregs[8];
    uint32_t fptw;      /* tags, TOP and more (fpu-word.h) */
    uint16_t fpuc;      /* control word */
    uint16_t fpus;      /* status word without TOP */
    uint16_t fpop;      /* last opcode, 11 bits */
    uint16_t fpcs, fpds;
    uint32_t fpip, fpdp;

    _Alignas(16) union xmm_reg xmm[8]; /* templates use 16-byte accesses */
    uint32_t mxcsr;

    /* MSRs. */
    uint32_t sysenter_cs, sysenter_esp, sysenter_eip;
    int64_t tsc_offset;
    uint64_t pat;
    uint64_t mtrr_deftype, mtrr_fixed[11], mtrr_var[16];
    uint64_t mcg_status, apicbase, ucode_rev, debugctl, spec_ctrl;

    _Atomic uint32_t interrupt_request;
    bool halted;
    bool nmi_blocked;
    bool shutdown; /* triple fault: waits for the reset that the machine gives */

    /* The exception being delivered (exception.h): vector, and its cause while a
     * second one decides about #DF. */
    int exception_index;    /* -1: none */
    uint32_t error_code;
    bool exception_is_int;  /* INT n, INT3, INTO: software */
    uint32_t exception_next_eip;
    int old_exception;      /* vector in delivery when another one was raised, or -1 */
    uint32_t db_status;     /* DR6 bits to be merged when #DB is delivered */

    sigjmp_buf *jmp_env; /* where cpu_loop_exit() goes */
    uint64_t unwind_sp;  /* host stack pointer of translated code that called C; 0: cpu_loop_exit() goes to jmp_env */

    const struct cpu_model *model;
    struct softmmu *mmu;
    struct phys_mem *mem;
    struct tb_context *tbs;         /* NULL: -accel interp */
    struct interp_cache *icache;
    struct machine *machine;
    uint64_t insns_template, insns_interp; /* executed instructions, by way */
    struct profile *profile;               /* -profile, or NULL (profile.h) */
    uint64_t profile_counts;               /* address of the counters of blocks */
    uint64_t tlb_base; /* address of the current mode's TLB table */
    uint64_t tlb_tables[NB_MMU_MODES]; /* and of each mode's */
    uint64_t mem_base; /* what gp holds: a direct window's address for guest address 0, or tlb_base */
    uint64_t window[2]; /* [1]: for CPL 3; 0: there is none now (softmmu/window.h) */

    /* What translated code reaches through s8 (translator/). */
    void *_Atomic jmp_cache;  /* table for inline indirect look-ups; an empty one makes code leave */
    void *jmp_cache_empty;    /* that empty table; NULL without templates */
    uint64_t tb_helpers[32];  /* C functions that thunks call */
    struct desc_slot desc_slots[DESC_SLOTS];
    struct mode_slot mode_slots[MODE_SLOTS];
    uint8_t page_guard[PAGE_GUARDS]; /* 1: the page is mapped as links to it assume (translator/tb-link.c) */
} CPUX86State;

/* State after RESET# (SDM 3, table 9-1): CS:EIP = F000:FFF0, base FFFF0000. */
void cpu_reset(CPUX86State *env);

/* -d cpu: registers, flags, segments, control and XMM registers, to the log. */
void cpu_log_state(CPUX86State *env);

/* Recompute hflags, mmu_idx and tlb_base from CR0/CR4/EFLAGS/segments/DR7.  To be
 * called after any change of them; HF_INHIBIT is kept. */
void cpu_update_hflags(CPUX86State *env);

static inline int cpu_cpl(const CPUX86State *env)
{
    return (int)(env->hflags & HF_CPL_MASK);
}

/* QEMU's term: the TLB that a data access of the current mode uses. */
static inline int cpu_mmu_index(const CPUX86State *env)
{
    return (int)env->mmu_idx;
}

/* Make the vCPU leave translated or interpreted code soon and look at
 * interrupt_request.  Callable from any thread and from devices. */
void cpu_interrupt(CPUX86State *env, uint32_t mask);
void cpu_reset_interrupt(CPUX86State *env, uint32_t mask);

#endif
