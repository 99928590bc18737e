/* Segment register loads and the instructions that inspect descriptors. */
#include "protect.h"

#include "optimise.h"

void seg_load_real(CPUX86State *env, int seg, uint32_t selector)
{
    segment_fill_real(env, seg, selector, env->hflags & HF_VM);
    cpu_update_hflags(env);
}

/* Is the descriptor still the one that the slot came from, and may CPL use it? */
static bool slot_is_good(CPUX86State *env, const struct desc_slot *slot, int cpl)
{
    struct descriptor d = { slot->raw[0], slot->raw[1] };
    if ((slot->selector | 7) > env->gdt_limit || !(desc_is_conforming(d) || cpl <= desc_dpl(d)))
        return false;
    return gdt_read(env, slot->selector) == ((uint64_t)d.high << 32 | d.low);
}

static void load_descriptor(CPUX86State *env, int seg, uint32_t selector, int cpl)
{
    struct descriptor d = desc_check_data(env, selector, cpl, EXCP_GP, 0);
    segment_fill(&env->segs[seg], selector, d);
    if (!(selector & 4) && optimise_on(OPTIMISE_SAME_SEGMENT))
        env->desc_slots[desc_slot_index(selector)] = (struct desc_slot) {
            selector, data_segment_hf(&env->segs[seg]), { d.low, d.high }, env->segs[seg] };
}

void seg_load(CPUX86State *env, int seg, uint32_t selector)
{
    selector &= 0xffff;
    if (!in_protected_mode(env)) {
        seg_load_real(env, seg, selector);
        return;
    }
    int cpl = cpu_cpl(env);
    if (seg == R_SS) {
        segment_fill(&env->segs[seg], selector, desc_check_stack(env, selector, cpl, EXCP_GP, 0));
        cpu_update_hflags(env);
        return;
    }
    const struct desc_slot *slot = &env->desc_slots[desc_slot_index(selector)];
    if (selector_is_null(selector))
        segment_null(&env->segs[seg], selector);
    else if (slot->selector == selector && slot_is_good(env, slot, cpl))
        env->segs[seg] = slot->seg;
    else
        load_descriptor(env, seg, selector, cpl);
    update_data_segment_hflags(env, seg);
}

void do_lldt(CPUX86State *env, uint32_t selector)
{
    selector &= 0xffff;
    if (selector_is_null(selector)) {
        segment_null(&env->ldt, selector);
        return;
    }
    if (selector & 4)
        raise_selector(env, EXCP_GP, selector, 0);
    struct descriptor d = desc_fetch(env, selector, EXCP_GP, 0);
    if (desc_is_segment(d) || desc_type(d) != SYS_LDT)
        raise_selector(env, EXCP_GP, selector, 0);
    if (!desc_present(d))
        raise_selector(env, EXCP_NP, selector, 0);
    segment_fill(&env->ldt, selector, d);
}

void do_ltr(CPUX86State *env, uint32_t selector)
{
    selector &= 0xffff;
    if (selector & 4)
        raise_selector(env, EXCP_GP, selector, 0);
    struct descriptor d = desc_fetch(env, selector, EXCP_GP, 0);
    if (desc_is_segment(d) || (desc_type(d) != SYS_TSS16 && desc_type(d) != SYS_TSS32))
        raise_selector(env, EXCP_GP, selector, 0);
    if (!desc_present(d))
        raise_selector(env, EXCP_NP, selector, 0);
    d.high |= SYS_BUSY_MASK;
    mmu_stb(env, desc_address(env, selector) + 5, d.high >> 8 & 0xff, mmu_kernel_idx(), 0);
    segment_fill(&env->tr, selector, d);
}

/* The privilege rule of LAR, LSL, VERR and VERW. */
static bool visible(const CPUX86State *env, uint32_t selector, struct descriptor d)
{
    return desc_is_conforming(d)
        || (cpu_cpl(env) <= desc_dpl(d) && (int)(selector & 3) <= desc_dpl(d));
}

/* A segment's descriptor, or one of these system types (a mask), for LAR and LSL. */
static bool read_visible(CPUX86State *env, uint32_t selector, unsigned types, struct descriptor *d)
{
    return seg_read_descriptor(env, selector, &d->low, &d->high)
        && (desc_is_segment(*d) || (types >> desc_type(*d) & 1)) && visible(env, selector, *d);
}

bool do_lar(CPUX86State *env, uint32_t selector, uint32_t *out)
{
    /* System types that LAR knows (SDM 2, LAR): TSSs, LDT, call and task gates. */
    const unsigned types = 1u << SYS_TSS16 | 1u << SYS_LDT | 1u << SYS_TSS16_BUSY | 1u << SYS_CALL16
        | 1u << SYS_TASK_GATE | 1u << SYS_TSS32 | 1u << SYS_TSS32_BUSY | 1u << SYS_CALL32;
    struct descriptor d;
    if (!read_visible(env, selector, types, &d))
        return false;
    *out = d.high & 0x00ffff00;
    return true;
}

bool do_lsl(CPUX86State *env, uint32_t selector, uint32_t *out)
{
    const unsigned types = 1u << SYS_TSS16 | 1u << SYS_LDT | 1u << SYS_TSS16_BUSY | 1u << SYS_TSS32
        | 1u << SYS_TSS32_BUSY;
    struct descriptor d;
    if (!read_visible(env, selector, types, &d))
        return false;
    *out = desc_limit(d);
    return true;
}

bool do_verr(CPUX86State *env, uint32_t selector)
{
    struct descriptor d;
    return seg_read_descriptor(env, selector, &d.low, &d.high) && desc_is_readable(d)
        && visible(env, selector, d);
}

bool do_verw(CPUX86State *env, uint32_t selector)
{
    struct descriptor d;
    return seg_read_descriptor(env, selector, &d.low, &d.high) && desc_is_writable_data(d)
        && visible(env, selector, d);
}
