/* What the files of the protection machinery (segment.c, transfer.c, return.c,
 * interrupt.c, task.c, control.c) share: descriptors, error raising, stacks. */
#ifndef STITCH86_PROTECT_H
#define STITCH86_PROTECT_H

#include "cpu.h"
#include "exception.h"
#include "flags.h"
#include "segment.h"
#include "softmmu.h"

/* System descriptor and gate types (SDM 3, table 3-2). */
enum {
    SYS_TSS16 = 1, SYS_LDT = 2, SYS_TSS16_BUSY = 3, SYS_CALL16 = 4, SYS_TASK_GATE = 5, SYS_INT16 = 6,
    SYS_TRAP16 = 7, SYS_TSS32 = 9, SYS_TSS32_BUSY = 11, SYS_CALL32 = 12, SYS_INT32 = 14, SYS_TRAP32 = 15
};
#define SYS_BUSY_MASK (1u << 9) /* in the high dword */
#define SYS_32BIT_MASK (1u << 11)

#define DR6_BD 0x2000u
#define DR6_BS 0x4000u
#define DR6_BT 0x8000u
#define DR7_GD 0x2000u
#define DR7_LOCAL_MASK 0x155u /* L0-L3 and LE */

struct descriptor {
    uint32_t low, high;
};

static inline uint32_t desc_base(struct descriptor d)
{
    return d.low >> 16 | (d.high & 0xff) << 16 | (d.high & 0xff000000);
}

static inline uint32_t desc_limit(struct descriptor d)
{
    uint32_t limit = (d.low & 0xffff) | (d.high & 0xf0000);
    return d.high & DESC_G_MASK ? limit << 12 | 0xfff : limit;
}

static inline int desc_dpl(struct descriptor d)
{
    return (int)(d.high >> DESC_DPL_SHIFT & 3);
}

static inline unsigned desc_type(struct descriptor d)
{
    return d.high >> DESC_TYPE_SHIFT & 15;
}

static inline bool desc_present(struct descriptor d)
{
    return d.high & DESC_P_MASK;
}

static inline bool desc_is_segment(struct descriptor d)
{
    return d.high & DESC_S_MASK;
}

static inline bool desc_is_code(struct descriptor d)
{
    return (d.high & (DESC_S_MASK | DESC_CS_MASK)) == (DESC_S_MASK | DESC_CS_MASK);
}

static inline bool desc_is_conforming(struct descriptor d)
{
    return desc_is_code(d) && (d.high & DESC_C_MASK);
}

static inline bool desc_is_writable_data(struct descriptor d)
{
    return (d.high & (DESC_S_MASK | DESC_CS_MASK | DESC_W_MASK)) == (DESC_S_MASK | DESC_W_MASK);
}

static inline bool desc_is_readable(struct descriptor d)
{
    return desc_is_segment(d) && (!(d.high & DESC_CS_MASK) || (d.high & DESC_R_MASK));
}

/* Selector and offset of a call, interrupt or trap gate. */
static inline uint32_t gate_selector(struct descriptor d)
{
    return d.low >> 16;
}

static inline uint32_t gate_offset(struct descriptor d)
{
    return d.high & SYS_32BIT_MASK ? (d.high & 0xffff0000) | (d.low & 0xffff) : d.low & 0xffff;
}

static inline bool selector_is_null(uint32_t selector)
{
    return !(selector & 0xfffc);
}

/* Protected mode proper: neither real nor virtual-8086. */
static inline bool in_protected_mode(const CPUX86State *env)
{
    return (env->hflags & (HF_PE | HF_VM)) == HF_PE;
}

/* The TLB of data accesses made at a privilege level. */
static inline int mmu_idx_of_cpl(const CPUX86State *env, int cpl)
{
    if (cpl == 3)
        return MMU_USER_IDX;
    return (env->cr[4] & CR4_SMAP) && !(env->eflags & AC_MASK) ? MMU_KSMAP_IDX : MMU_KNOSMAP_IDX;
}

/* A fault whose error code is a selector; ext: the EXT bit, 0 or 1. */
static inline _Noreturn void raise_selector(CPUX86State *env, int vector, uint32_t selector, uint32_t ext)
{
    raise_exception_err(env, vector, (selector & 0xfffc) | ext, 0);
}

/* Is a descriptor in memory that of a flat 32-bit segment of privilege level dpl, accessed and present: a code segment
 * that does not conform, or writable data? */
static inline bool desc_is_flat_code(uint64_t raw, int dpl)
{
    const uint64_t ignored = 1ull << 52 | 1ull << 41; /* AVL, readable */
    return (raw & ~ignored) == (0x00cf99000000ffffull | (uint64_t)dpl << 45);
}

static inline bool desc_is_flat_data(uint64_t raw, int dpl)
{
    return (raw & ~(1ull << 52)) == (0x00cf93000000ffffull | (uint64_t)dpl << 45);
}

/* Of the GDT, within its limit, and not null? */
static inline bool selector_in_gdt(const CPUX86State *env, uint32_t selector)
{
    return !(selector & 4) && !selector_is_null(selector) && (selector | 7) <= env->gdt_limit;
}

static inline uint64_t gdt_read(CPUX86State *env, uint32_t selector)
{
    return mmu_ldq(env, env->gdt_base + (selector & 0xfff8), mmu_kernel_idx(), 0);
}

/* Fill a segment cache from such a descriptor. */
static inline void segment_fill_flat(struct segment *s, uint32_t selector, uint64_t raw)
{
    *s = (struct segment) { selector, 0, ~0u, (uint32_t)(raw >> 32) };
}

/* Dwords of a stack frame, in host memory. */
struct __attribute__((packed, may_alias)) stack_dword { uint32_t v; };

/* The descriptor of a selector; null is #GP(ext), beyond the table `vector`(selector). */
struct descriptor desc_fetch(CPUX86State *env, uint32_t selector, int vector, uint32_t ext);
/* Linear address of a selector's descriptor; only for one that desc_fetch took. */
uint32_t desc_address(const CPUX86State *env, uint32_t selector);
/* Set the accessed bit in descriptor and table, writing memory only where it is clear.
 * May fault: to be called before anything is committed. */
void desc_mark_accessed(CPUX86State *env, uint32_t selector, struct descriptor *d);
/* Fill a segment cache; hflags are the caller's concern. */
void segment_fill(struct segment *s, uint32_t selector, struct descriptor d);
void segment_null(struct segment *s, uint32_t selector);
/* Checks of SS (not null, RPL = DPL = cpl, writable, present) raising `vector`(selector),
 * #SS(selector) where not present; ext as above.  Marks it accessed. */
struct descriptor desc_check_stack(CPUX86State *env, uint32_t selector, int cpl, int vector, uint32_t ext);
/* Checks of a not null selector for DS, ES, FS, GS, raising `vector`(selector) or #NP. */
struct descriptor desc_check_data(CPUX86State *env, uint32_t selector, int cpl, int vector, uint32_t ext);
/* After a return to an outer level: null the data segments it may not see (SDM 3, 5.8.6), with their hflags. */
void segment_null_inaccessible(CPUX86State *env, int cpl);
/* The two bits of a data segment in hflags, from bit 0 on. */
uint32_t data_segment_hf(const struct segment *s);
/* hflags after a load of DS, ES, FS or GS, which only its own bits depend on. */
void update_data_segment_hflags(CPUX86State *env, int seg);
/* hflags after a control transfer to another privilege level or segment, which changes CS, SS and EFLAGS only. */
void update_transfer_hflags(CPUX86State *env);
/* The same where the new CS and SS are flat 32-bit segments and the mode is protected before and after. */
void update_flat_transfer_hflags(CPUX86State *env, int cpl);
/* seg_load_real() without the hflags. */
void segment_fill_real(CPUX86State *env, int seg, uint32_t selector, bool vm);

/* Commit CS:EIP, CPL in the selector's RPL; hflags are the caller's concern. */
void commit_cs(CPUX86State *env, uint32_t selector, struct descriptor d, int cpl, uint32_t eip);

/* A stack that is being looked at or written before its SS:ESP becomes the vCPU's. */
struct stack {
    CPUX86State *env;
    struct segment ss;
    uint32_t esp;
    uint32_t mask; /* 0xffff or ~0 */
    int mmu_idx;
};

void stack_current(struct stack *st, CPUX86State *env);
void stack_init(struct stack *st, CPUX86State *env, const struct segment *ss, uint32_t esp, int cpl);
/* Check that `count` pushes of `size` bytes will succeed: #SS(error_code), #PF. */
void stack_reserve(struct stack *st, unsigned count, unsigned size, uint32_t error_code);
void stack_push(struct stack *st, uint32_t value, unsigned size); /* reserved before */
uint32_t stack_pop(struct stack *st, unsigned size);              /* #SS(0), #PF */
/* Add to ESP or SP as the stack's size says. */
void stack_adjust(struct stack *st, uint32_t delta);

/* SS:ESP for privilege level `cpl` from the TSS, with all #TS and #SS checks of CALL and INT
 * (SDM 3, 5.8.5); ss is filled. */
void inner_stack(CPUX86State *env, int cpl, uint32_t ext, struct segment *ss, uint32_t *esp);

/* do_task_switch() with the EFLAGS image to save and the EXT bit. */
void task_switch(CPUX86State *env, uint32_t tss_selector, enum task_switch_source source, uint32_t next_eip,
                 uint32_t eflags, int64_t error_code, uint32_t ext);

/* Load EFLAGS for IRET and its like, and derive hflags anew.  RF is kept only while a
 * breakpoint is armed: nothing else can see it before the next instruction clears it. */
void load_eflags_with_rf(CPUX86State *env, uint32_t value, uint32_t mask);

/* PAE: read the four PDPTEs that cr3 points to; false if a present one has reserved bits
 * set (#GP).  SDM 3, 4.4.1. */
bool read_pdptes(CPUX86State *env, uint32_t cr3, uint64_t out[4]);
/* Is any breakpoint of DR7 enabled, of instructions, data or I/O? */
bool debug_armed(const CPUX86State *env);
/* DR7 was written: tell the soft MMU; hflags are the caller's concern. */
void debug_changed(CPUX86State *env);
/* #DB is about to be delivered: DR6 takes env->db_status, DR7.GD goes. */
void debug_enter(CPUX86State *env);

#endif
