/* Descriptors, segment caches and stacks: the pieces of every protected control transfer. */
#include "protect.h"

uint32_t desc_address(const CPUX86State *env, uint32_t selector)
{
    return (selector & 4 ? env->ldt.base : env->gdt_base) + (selector & 0xfff8);
}

bool seg_read_descriptor(CPUX86State *env, uint32_t selector, uint32_t *low, uint32_t *high)
{
    if (selector_is_null(selector))
        return false;
    if (selector & 4) {
        if (!(env->ldt.flags & DESC_P_MASK) || (selector & 0xfff8) + 7 > env->ldt.limit)
            return false;
    } else if ((selector & 0xfff8) + 7 > env->gdt_limit) {
        return false;
    }
    uint64_t d = mmu_ldq(env, desc_address(env, selector), mmu_kernel_idx(), 0);
    *low = (uint32_t)d;
    *high = (uint32_t)(d >> 32);
    return true;
}

struct descriptor desc_fetch(CPUX86State *env, uint32_t selector, int vector, uint32_t ext)
{
    struct descriptor d;
    if (!seg_read_descriptor(env, selector, &d.low, &d.high))
        raise_selector(env, vector, selector, ext);
    return d;
}

void desc_mark_accessed(CPUX86State *env, uint32_t selector, struct descriptor *d)
{
    if (d->high & DESC_A_MASK)
        return;
    d->high |= DESC_A_MASK;
    mmu_stb(env, desc_address(env, selector) + 5, d->high >> 8 & 0xff, mmu_kernel_idx(), 0);
}

void segment_fill(struct segment *s, uint32_t selector, struct descriptor d)
{
    s->selector = selector & 0xffff;
    s->base = desc_base(d);
    s->limit = desc_limit(d);
    s->flags = d.high;
}

void segment_null(struct segment *s, uint32_t selector)
{
    s->selector = selector & 0xffff;
    s->base = 0;
    s->limit = 0;
    s->flags = 0;
}

struct descriptor desc_check_stack(CPUX86State *env, uint32_t selector, int cpl, int vector, uint32_t ext)
{
    struct descriptor d = desc_fetch(env, selector, vector, ext);
    if ((int)(selector & 3) != cpl || !desc_is_writable_data(d) || desc_dpl(d) != cpl)
        raise_selector(env, vector, selector, ext);
    if (!desc_present(d))
        raise_selector(env, EXCP_SS, selector, ext);
    desc_mark_accessed(env, selector, &d);
    return d;
}

struct descriptor desc_check_data(CPUX86State *env, uint32_t selector, int cpl, int vector, uint32_t ext)
{
    struct descriptor d = desc_fetch(env, selector, vector, ext);
    if (!desc_is_readable(d))
        raise_selector(env, vector, selector, ext);
    if (!desc_is_conforming(d) && ((int)(selector & 3) > desc_dpl(d) || cpl > desc_dpl(d)))
        raise_selector(env, vector, selector, ext);
    if (!desc_present(d))
        raise_selector(env, EXCP_NP, selector, ext);
    desc_mark_accessed(env, selector, &d);
    return d;
}

void segment_null_inaccessible(CPUX86State *env, int cpl)
{
    static const uint8_t data_segs[] = { R_ES, R_DS, R_FS, R_GS };
    for (unsigned i = 0; i < sizeof data_segs; i++) {
        struct segment *s = &env->segs[data_segs[i]];
        bool conforming = (s->flags & DESC_CS_MASK) && (s->flags & DESC_C_MASK);
        if ((s->flags & DESC_P_MASK) && !conforming && (int)(s->flags >> DESC_DPL_SHIFT & 3) < cpl) {
            segment_null(s, 0);
            update_data_segment_hflags(env, data_segs[i]);
        }
    }
}

void segment_fill_real(CPUX86State *env, int seg, uint32_t selector, bool vm)
{
    struct segment *s = &env->segs[seg];
    /* Real mode leaves limit and size as protected mode set them ("unreal" mode). */
    if (vm || !(s->flags & DESC_P_MASK)) {
        s->limit = 0xffff;
        s->flags = 0;
    }
    s->flags &= DESC_B_MASK | DESC_G_MASK;
    s->flags |= DESC_P_MASK | DESC_S_MASK | DESC_W_MASK | DESC_A_MASK;
    if (vm)
        s->flags |= 3u << DESC_DPL_SHIFT;
    s->selector = selector & 0xffff;
    s->base = s->selector << 4;
}

void commit_cs(CPUX86State *env, uint32_t selector, struct descriptor d, int cpl, uint32_t eip)
{
    segment_fill(&env->segs[R_CS], (selector & 0xfffc) | (uint32_t)cpl, d);
    env->eip = eip;
}

void stack_init(struct stack *st, CPUX86State *env, const struct segment *ss, uint32_t esp, int cpl)
{
    st->env = env;
    st->ss = *ss;
    st->esp = esp;
    st->mask = ss->flags & DESC_B_MASK ? ~0u : 0xffff;
    st->mmu_idx = mmu_idx_of_cpl(env, cpl);
}

void stack_current(struct stack *st, CPUX86State *env)
{
    stack_init(st, env, &env->segs[R_SS], env->regs[R_ESP], cpu_cpl(env));
}

/* Is [offset, offset + len) within the stack segment? */
static bool stack_in_limit(const struct stack *st, uint32_t offset, uint32_t len)
{
    const struct segment *ss = &st->ss;
    uint32_t last = offset + len - 1;
    if (!(ss->flags & DESC_P_MASK) || last < offset)
        return false;
    if ((ss->flags & (DESC_CS_MASK | DESC_E_MASK)) == DESC_E_MASK)
        return offset > ss->limit && last <= st->mask;
    return last <= ss->limit;
}

void stack_adjust(struct stack *st, uint32_t delta)
{
    st->esp = (st->esp & ~st->mask) | ((st->esp + delta) & st->mask);
}

void stack_reserve(struct stack *st, unsigned count, unsigned size, uint32_t error_code)
{
    CPUX86State *env = st->env;
    uint32_t bytes = count * size, low = (st->esp - bytes) & st->mask;
    if ((uint64_t)low + bytes - 1 <= st->mask) {
        if (!stack_in_limit(st, low, bytes))
            raise_exception_err(env, EXCP_SS, error_code, 0);
        /* In the order of the pushes: CR2 tells of the first that faults. */
        uint32_t top = st->ss.base + low + bytes - size;
        mmu_probe(env, top, size, MMU_DATA_STORE, st->mmu_idx, 0);
        for (uint32_t at = bytes - size; at && ((top ^ (st->ss.base + low)) & TARGET_PAGE_MASK);) {
            at -= size;
            mmu_probe(env, st->ss.base + low + at, size, MMU_DATA_STORE, st->mmu_idx, 0);
        }
        return;
    }
    for (unsigned i = 1; i <= count; i++) { /* wraps at the top of the stack */
        uint32_t offset = (st->esp - i * size) & st->mask;
        if (!stack_in_limit(st, offset, size))
            raise_exception_err(env, EXCP_SS, error_code, 0);
        mmu_probe(env, st->ss.base + offset, size, MMU_DATA_STORE, st->mmu_idx, 0);
    }
}

void stack_push(struct stack *st, uint32_t value, unsigned size)
{
    stack_adjust(st, 0u - size);
    uint32_t linear = st->ss.base + (st->esp & st->mask);
    if (size == 2)
        mmu_stw(st->env, linear, value & 0xffff, st->mmu_idx, 0);
    else
        mmu_stl(st->env, linear, value, st->mmu_idx, 0);
}

uint32_t stack_pop(struct stack *st, unsigned size)
{
    uint32_t offset = st->esp & st->mask;
    if (!stack_in_limit(st, offset, size))
        raise_exception_err(st->env, EXCP_SS, 0, 0);
    uint32_t linear = st->ss.base + offset;
    uint32_t v = size == 2 ? mmu_lduw(st->env, linear, st->mmu_idx, 0)
                           : mmu_ldl(st->env, linear, st->mmu_idx, 0);
    stack_adjust(st, size);
    return v;
}

void inner_stack(CPUX86State *env, int cpl, uint32_t ext, struct segment *ss, uint32_t *esp)
{
    uint32_t selector;
    bool tss32 = env->tr.flags & SYS_32BIT_MASK;
    uint32_t offset = tss32 ? 4 + 8 * (uint32_t)cpl : 2 + 4 * (uint32_t)cpl;
    if (!(env->tr.flags & DESC_P_MASK) || offset + (tss32 ? 5 : 3) > env->tr.limit)
        raise_selector(env, EXCP_TS, env->tr.selector, ext);
    uint32_t linear = env->tr.base + offset;
    if (tss32) {
        *esp = mmu_ldl(env, linear, mmu_kernel_idx(), 0);
        selector = mmu_lduw(env, linear + 4, mmu_kernel_idx(), 0);
    } else {
        *esp = mmu_lduw(env, linear, mmu_kernel_idx(), 0);
        selector = mmu_lduw(env, linear + 2, mmu_kernel_idx(), 0);
    }
    segment_fill(ss, selector, desc_check_stack(env, selector, cpl, EXCP_TS, ext));
}
