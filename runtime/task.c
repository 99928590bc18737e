/* The hardware task switch (SDM 3, 7.3).
 *
 * Up to the point where the old task's state is saved every error is one of the old
 * task, with nothing changed.  From there on the switch cannot be undone: errors in the
 * new task's segments (#TS, #NP, #SS) are raised in the new task's context, at its first
 * instruction, with the segment registers not yet looked at holding their selectors but
 * being unusable. */
#include <string.h>

#include "protect.h"

/* Offsets in the two TSS formats (SDM 3, figures 7-2 and 7-10). */
enum {
    TSS32_CR3 = 0x1c, TSS32_EIP = 0x20, TSS32_EFLAGS = 0x24, TSS32_REGS = 0x28, TSS32_SEGS = 0x48,
    TSS32_LDT = 0x60, TSS32_TRAP = 0x64, TSS32_SIZE = 0x68,
    TSS16_IP = 0x0e, TSS16_FLAGS = 0x10, TSS16_REGS = 0x12, TSS16_SEGS = 0x22, TSS16_LDT = 0x2a,
    TSS16_SIZE = 0x2c
};

static uint32_t get16(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = v & 0xff;
    p[1] = v >> 8 & 0xff;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v & 0xffff);
    put16(p + 2, v >> 16);
}

struct new_task {
    bool is32;
    uint32_t cr3, eip, eflags, regs[8], ldt;
    uint32_t segs[SEG_COUNT]; /* in the order of R_ES.. as the TSS has them */
    bool trap;
};

static bool tss_is32(uint32_t flags)
{
    return flags & SYS_32BIT_MASK;
}

static uint32_t tss_size(bool is32)
{
    return is32 ? TSS32_SIZE : TSS16_SIZE;
}

static void read_tss(CPUX86State *env, uint32_t base, bool is32, struct new_task *t)
{
    uint8_t img[TSS32_SIZE];
    memset(t, 0, sizeof *t);
    t->is32 = is32;
    mmu_read(env, base, img, tss_size(is32), mmu_kernel_idx(), 0);
    if (is32) {
        t->cr3 = get32(img + TSS32_CR3);
        t->eip = get32(img + TSS32_EIP);
        t->eflags = get32(img + TSS32_EFLAGS);
        for (int i = 0; i < 8; i++)
            t->regs[i] = get32(img + TSS32_REGS + 4 * i);
        for (int i = 0; i < SEG_COUNT; i++)
            t->segs[i] = get16(img + TSS32_SEGS + 4 * i);
        t->ldt = get16(img + TSS32_LDT);
        t->trap = img[TSS32_TRAP] & 1;
    } else {
        t->eip = get16(img + TSS16_IP);
        t->eflags = get16(img + TSS16_FLAGS);
        for (int i = 0; i < 8; i++)
            t->regs[i] = get16(img + TSS16_REGS + 2 * i);
        for (int i = R_ES; i <= R_DS; i++)
            t->segs[i] = get16(img + TSS16_SEGS + 2 * i);
        t->ldt = get16(img + TSS16_LDT);
    }
}

/* The dynamic fields alone are written: EIP to the last segment register. */
static void save_tss(CPUX86State *env, uint32_t next_eip, uint32_t eflags)
{
    uint8_t img[TSS32_SIZE];
    uint32_t base = env->tr.base;
    int kernel = mmu_kernel_idx();
    if (tss_is32(env->tr.flags)) {
        put32(img + TSS32_EIP, next_eip);
        put32(img + TSS32_EFLAGS, eflags);
        for (int i = 0; i < 8; i++)
            put32(img + TSS32_REGS + 4 * i, env->regs[i]);
        mmu_write(env, base + TSS32_EIP, img + TSS32_EIP, TSS32_SEGS - TSS32_EIP, kernel, 0);
        for (int i = 0; i < SEG_COUNT; i++)
            mmu_stw(env, base + TSS32_SEGS + 4 * (uint32_t)i, env->segs[i].selector, kernel, 0);
    } else {
        put16(img + TSS16_IP, next_eip);
        put16(img + TSS16_FLAGS, eflags);
        for (int i = 0; i < 8; i++)
            put16(img + TSS16_REGS + 2 * i, env->regs[i]);
        for (int i = R_ES; i <= R_DS; i++)
            put16(img + TSS16_SEGS + 2 * i, env->segs[i].selector);
        mmu_write(env, base + TSS16_IP, img + TSS16_IP, TSS16_LDT - TSS16_IP, kernel, 0);
    }
}

static void set_busy(CPUX86State *env, uint32_t selector, bool busy)
{
    uint32_t linear = env->gdt_base + (selector & 0xfff8) + 5;
    uint32_t b = mmu_ldub(env, linear, mmu_kernel_idx(), 0);
    mmu_stb(env, linear, busy ? b | 2 : b & ~2u, mmu_kernel_idx(), 0);
}

/* Everything that may fail in the old task's context. */
static struct descriptor check_switch(CPUX86State *env, uint32_t selector, enum task_switch_source source,
                                      uint32_t ext)
{
    int vector = source == TASK_IRET ? EXCP_TS : EXCP_GP;
    if (selector & 4)
        raise_selector(env, vector, selector, ext);
    struct descriptor d = desc_fetch(env, selector, vector, ext);
    unsigned type = desc_type(d), busy = source == TASK_IRET ? 2 : 0;
    if (desc_is_segment(d) || (type & ~8u) != (SYS_TSS16 | busy))
        raise_selector(env, vector, selector, ext);
    if (!desc_present(d))
        raise_selector(env, EXCP_NP, selector, ext);
    if (desc_limit(d) < tss_size(tss_is32(d.high)) - 1)
        raise_selector(env, EXCP_TS, selector, ext);
    if (!(env->tr.flags & DESC_P_MASK) || env->tr.limit < tss_size(tss_is32(env->tr.flags)) - 1)
        raise_selector(env, EXCP_TS, env->tr.selector, ext);

    int kernel = mmu_kernel_idx();
    uint32_t old_size = tss_size(tss_is32(env->tr.flags));
    mmu_probe(env, env->tr.base, old_size, MMU_DATA_STORE, kernel, 0);
    mmu_probe(env, desc_base(d), tss_size(tss_is32(d.high)), MMU_DATA_LOAD, kernel, 0);
    if (source == TASK_CALL || source == TASK_GATE)
        mmu_probe(env, desc_base(d), 2, MMU_DATA_STORE, kernel, 0);
    mmu_probe(env, desc_address(env, selector) + 5, 1, MMU_DATA_STORE, kernel, 0);
    mmu_probe(env, env->gdt_base + (env->tr.selector & 0xfff8) + 5, 1, MMU_DATA_STORE, kernel, 0);
    return d;
}

/* CR3 of a 32-bit TSS is only used with paging on.  PDPTEs are checked before the switch. */
static bool new_cr3(CPUX86State *env, struct descriptor d, uint32_t *cr3, uint64_t pdptes[4])
{
    if (!(env->cr[0] & CR0_PG) || !tss_is32(d.high))
        return false;
    *cr3 = mmu_ldl(env, desc_base(d) + TSS32_CR3, mmu_kernel_idx(), 0);
    if ((env->cr[4] & CR4_PAE) && !read_pdptes(env, *cr3, pdptes))
        raise_exception_err(env, EXCP_GP, 0, 0);
    return true;
}

static void switch_cr3(CPUX86State *env, uint32_t cr3, const uint64_t pdptes[4])
{
    env->cr[3] = cr3;
    if (env->cr[4] & CR4_PAE)
        memcpy(env->pdptr, pdptes, sizeof env->pdptr);
    if (env->cr[4] & CR4_PGE)
        tlb_flush_non_global(env);
    else
        tlb_flush(env);
}

static void load_ldt(CPUX86State *env, uint32_t selector, uint32_t ext)
{
    if (selector_is_null(selector))
        return;
    if (selector & 4)
        raise_selector(env, EXCP_TS, selector, ext);
    struct descriptor d = desc_fetch(env, selector, EXCP_TS, ext);
    if (desc_is_segment(d) || desc_type(d) != SYS_LDT || !desc_present(d))
        raise_selector(env, EXCP_TS, selector, ext);
    segment_fill(&env->ldt, selector, d);
}

static void load_cs(CPUX86State *env, uint32_t selector, uint32_t ext)
{
    int rpl = (int)(selector & 3);
    struct descriptor d = desc_fetch(env, selector, EXCP_TS, ext);
    if (!desc_is_code(d) || (desc_is_conforming(d) ? desc_dpl(d) > rpl : desc_dpl(d) != rpl))
        raise_selector(env, EXCP_TS, selector, ext);
    if (!desc_present(d))
        raise_selector(env, EXCP_NP, selector, ext);
    desc_mark_accessed(env, selector, &d);
    segment_fill(&env->segs[R_CS], selector, d);
    cpu_update_hflags(env);
}

/* Steps after the point of no return: LDT, then the segments in the new task. */
static void load_segments(CPUX86State *env, const struct new_task *t, uint32_t ext)
{
    static const uint8_t data_segs[] = { R_ES, R_DS, R_FS, R_GS };
    load_ldt(env, t->ldt, ext);
    if (env->eflags & VM_MASK) {
        for (int i = 0; i < SEG_COUNT; i++)
            segment_fill_real(env, i, t->segs[i], true);
        cpu_update_hflags(env);
        return;
    }
    int cpl = (int)(t->segs[R_CS] & 3);
    load_cs(env, t->segs[R_CS], ext);
    segment_fill(&env->segs[R_SS], t->segs[R_SS], desc_check_stack(env, t->segs[R_SS], cpl, EXCP_TS, ext));
    cpu_update_hflags(env);
    for (int i = 0; i < 4; i++) {
        int seg = data_segs[i];
        if (selector_is_null(t->segs[seg]))
            continue;
        segment_fill(&env->segs[seg], t->segs[seg],
                     desc_check_data(env, t->segs[seg], cpl, EXCP_TS, ext));
        cpu_update_hflags(env); /* the next one may fault */
    }
}

void task_switch(CPUX86State *env, uint32_t selector, enum task_switch_source source, uint32_t next_eip,
                 uint32_t eflags, int64_t error_code, uint32_t ext)
{
    struct new_task t;
    uint32_t cr3;
    uint64_t pdptes[4] = { 0 };
    bool nested = source == TASK_CALL || source == TASK_GATE;
    selector &= 0xffff;
    struct descriptor d = check_switch(env, selector, source, ext);
    bool set_cr3 = new_cr3(env, d, &cr3, pdptes);

    if (!nested)
        set_busy(env, env->tr.selector, false);
    save_tss(env, next_eip, eflags);
    if (nested)
        mmu_stw(env, desc_base(d), env->tr.selector, mmu_kernel_idx(), 0);
    if (source != TASK_IRET)
        set_busy(env, selector, true);
    read_tss(env, desc_base(d), tss_is32(d.high), &t);

    d.high |= SYS_BUSY_MASK;
    segment_fill(&env->tr, selector, d);
    env->cr[0] |= CR0_TS;
    if (set_cr3)
        switch_cr3(env, cr3, pdptes);
    memcpy(env->regs, t.regs, sizeof env->regs);
    env->eip = t.eip;
    env->dr[7] &= ~DR7_LOCAL_MASK;
    debug_changed(env);
    for (int i = 0; i < SEG_COUNT; i++)
        segment_null(&env->segs[i], t.segs[i]);
    segment_null(&env->ldt, t.ldt);
    env->hflags &= ~(uint32_t)HF_INHIBIT;
    load_eflags_with_rf(env, t.eflags | (nested ? NT_MASK : 0), ~0u);
    load_segments(env, &t, ext);

    if (error_code >= 0) {
        struct stack st;
        unsigned size = t.is32 ? 4 : 2;
        stack_current(&st, env);
        stack_reserve(&st, 1, size, ext);
        stack_push(&st, (uint32_t)error_code, size);
        env->regs[R_ESP] = st.esp;
    }
    if (env->eip > env->segs[R_CS].limit)
        raise_exception_err(env, EXCP_GP, ext, 0);
    if (t.trap)
        raise_debug(env, DR6_BT, 0);
}

void do_task_switch(CPUX86State *env, uint32_t tss_selector, enum task_switch_source source,
                    uint32_t next_eip, int64_t error_code)
{
    task_switch(env, tss_selector, source, next_eip, cpu_eflags(env), error_code, 0);
}
