/* Far JMP and CALL: code segments, call gates, task gates, TSSs (SDM 3, 5.8 and SDM 2, JMP
 * and CALL); SYSENTER and SYSEXIT. */
#include "protect.h"

/* Where a far transfer goes, all of it checked. */
struct target {
    uint32_t selector;
    struct descriptor desc;
    uint32_t offset;
    int cpl; /* after the transfer */
};

static void check_eip(CPUX86State *env, uint32_t eip, uint32_t limit, uint32_t ext)
{
    if (eip > limit)
        raise_exception_err(env, EXCP_GP, ext, 0);
}

/* A code segment named by the instruction itself. */
static void direct_target(CPUX86State *env, uint32_t selector, struct descriptor d, uint32_t offset,
                          struct target *t)
{
    int cpl = cpu_cpl(env);
    if (!desc_is_code(d))
        raise_selector(env, EXCP_GP, selector, 0);
    if (desc_is_conforming(d)) {
        if (desc_dpl(d) > cpl)
            raise_selector(env, EXCP_GP, selector, 0);
    } else if ((int)(selector & 3) > cpl || desc_dpl(d) != cpl) {
        raise_selector(env, EXCP_GP, selector, 0);
    }
    if (!desc_present(d))
        raise_selector(env, EXCP_NP, selector, 0);
    *t = (struct target) { selector, d, offset, cpl };
}

static void check_gate_rights(CPUX86State *env, uint32_t selector, struct descriptor gate)
{
    if (desc_dpl(gate) < cpu_cpl(env) || desc_dpl(gate) < (int)(selector & 3))
        raise_selector(env, EXCP_GP, selector, 0);
}

/* The code segment behind a call gate; only CALL may go to an inner level. */
static void gate_target(CPUX86State *env, uint32_t selector, struct descriptor gate, bool call,
                        struct target *t)
{
    int cpl = cpu_cpl(env);
    check_gate_rights(env, selector, gate);
    if (!desc_present(gate))
        raise_selector(env, EXCP_NP, selector, 0);

    uint32_t code = gate_selector(gate);
    struct descriptor d = desc_fetch(env, code, EXCP_GP, 0);
    if (!desc_is_code(d) || desc_dpl(d) > cpl)
        raise_selector(env, EXCP_GP, code, 0);
    if (!call && !desc_is_conforming(d) && desc_dpl(d) != cpl)
        raise_selector(env, EXCP_GP, code, 0);
    if (!desc_present(d))
        raise_selector(env, EXCP_NP, code, 0);
    *t = (struct target) { code, d, gate_offset(gate), desc_is_conforming(d) ? cpl : desc_dpl(d) };
}

/* JMP or CALL to a TSS or task gate. */
static void transfer_to_task(CPUX86State *env, uint32_t selector, struct descriptor d, bool call,
                             uint32_t next_eip)
{
    check_gate_rights(env, selector, d);
    if (desc_type(d) == SYS_TASK_GATE) {
        if (!desc_present(d))
            raise_selector(env, EXCP_NP, selector, 0);
        selector = gate_selector(d);
    }
    task_switch(env, selector, call ? TASK_CALL : TASK_JMP, next_eip, cpu_eflags(env), -1, 0);
}

static void commit_target(CPUX86State *env, const struct target *t)
{
    commit_cs(env, t->selector, t->desc, t->cpl, t->offset);
    cpu_update_hflags(env);
}

static void real_transfer(CPUX86State *env, uint32_t selector, uint32_t offset)
{
    segment_fill_real(env, R_CS, selector, env->hflags & HF_VM);
    env->eip = offset;
    cpu_update_hflags(env);
}

void do_far_jmp(CPUX86State *env, uint32_t selector, uint32_t offset, uint32_t next_eip, unsigned opsize)
{
    struct target t;
    selector &= 0xffff;
    if (opsize == 2)
        offset &= 0xffff;
    if (!in_protected_mode(env)) {
        check_eip(env, offset, env->segs[R_CS].limit, 0);
        real_transfer(env, selector, offset);
        return;
    }
    struct descriptor d = desc_fetch(env, selector, EXCP_GP, 0);
    if (desc_is_segment(d)) {
        direct_target(env, selector, d, offset, &t);
    } else {
        switch (desc_type(d)) {
        case SYS_CALL16:
        case SYS_CALL32:
            gate_target(env, selector, d, false, &t);
            break;
        case SYS_TASK_GATE:
        case SYS_TSS16:
        case SYS_TSS32:
            transfer_to_task(env, selector, d, false, next_eip);
            return;
        default:
            raise_selector(env, EXCP_GP, selector, 0);
        }
    }
    check_eip(env, t.offset, desc_limit(t.desc), 0);
    desc_mark_accessed(env, t.selector, &t.desc);
    commit_target(env, &t);
}

/* CALL that stays at its level: CS and return address on the current stack. */
static void call_same_level(CPUX86State *env, const struct target *t, uint32_t next_eip, unsigned size)
{
    struct stack st;
    struct descriptor d = t->desc;
    stack_current(&st, env);
    stack_reserve(&st, 2, size, 0);
    check_eip(env, t->offset, desc_limit(d), 0);
    desc_mark_accessed(env, t->selector, &d);
    stack_push(&st, env->segs[R_CS].selector, size);
    stack_push(&st, next_eip, size);
    env->regs[R_ESP] = st.esp;
    commit_cs(env, t->selector, d, t->cpl, t->offset);
    cpu_update_hflags(env);
}

/* CALL through a gate to an inner level: the stack of the TSS, with the caller's parameters. */
static void call_inner_level(CPUX86State *env, struct target *t, unsigned count, uint32_t next_eip,
                             unsigned size)
{
    struct stack old, new;
    struct segment ss;
    uint32_t esp, params[31];

    inner_stack(env, t->cpl, 0, &ss, &esp);
    stack_init(&new, env, &ss, esp, t->cpl);
    stack_reserve(&new, 4 + count, size, ss.selector & 0xfffc);
    check_eip(env, t->offset, desc_limit(t->desc), 0);
    stack_current(&old, env);
    for (unsigned i = 0; i < count; i++)
        params[i] = stack_pop(&old, size);
    desc_mark_accessed(env, t->selector, &t->desc);

    stack_push(&new, env->segs[R_SS].selector, size);
    stack_push(&new, env->regs[R_ESP], size);
    for (unsigned i = count; i-- > 0;)
        stack_push(&new, params[i], size);
    stack_push(&new, env->segs[R_CS].selector, size);
    stack_push(&new, next_eip, size);
    env->segs[R_SS] = ss;
    env->regs[R_ESP] = new.esp;
    commit_target(env, t);
}

static void real_call(CPUX86State *env, uint32_t selector, uint32_t offset, uint32_t next_eip, unsigned size)
{
    struct stack st;
    stack_current(&st, env);
    stack_reserve(&st, 2, size, 0);
    check_eip(env, offset, env->segs[R_CS].limit, 0);
    stack_push(&st, env->segs[R_CS].selector, size);
    stack_push(&st, next_eip, size);
    env->regs[R_ESP] = st.esp;
    real_transfer(env, selector, offset);
}

void do_far_call(CPUX86State *env, uint32_t selector, uint32_t offset, uint32_t next_eip, unsigned opsize)
{
    struct target t;
    selector &= 0xffff;
    if (opsize == 2)
        offset &= 0xffff;
    if (!in_protected_mode(env)) {
        real_call(env, selector, offset, next_eip, opsize);
        return;
    }
    struct descriptor d = desc_fetch(env, selector, EXCP_GP, 0);
    if (desc_is_segment(d)) {
        direct_target(env, selector, d, offset, &t);
        call_same_level(env, &t, next_eip, opsize);
        return;
    }
    switch (desc_type(d)) {
    case SYS_CALL16:
    case SYS_CALL32: {
        unsigned size = desc_type(d) == SYS_CALL32 ? 4 : 2;
        gate_target(env, selector, d, true, &t);
        if (t.cpl < cpu_cpl(env))
            call_inner_level(env, &t, d.high & 31, next_eip, size);
        else
            call_same_level(env, &t, next_eip, size);
        return;
    }
    case SYS_TASK_GATE:
    case SYS_TSS16:
    case SYS_TSS32:
        transfer_to_task(env, selector, d, true, next_eip);
        return;
    default:
        raise_selector(env, EXCP_GP, selector, 0);
    }
}

/* SYSENTER and SYSEXIT load flat segments without looking at a descriptor. */
static void load_flat(CPUX86State *env, int seg, uint32_t selector, int dpl)
{
    uint32_t flags = DESC_G_MASK | DESC_B_MASK | DESC_P_MASK | DESC_S_MASK | DESC_A_MASK | DESC_W_MASK
        | (uint32_t)dpl << DESC_DPL_SHIFT;
    if (seg == R_CS)
        flags |= DESC_CS_MASK;
    env->segs[seg] = (struct segment) { (selector & 0xfffc) | (uint32_t)dpl, 0, ~0u, flags };
}

void do_sysenter(CPUX86State *env)
{
    if (!(env->cr[0] & CR0_PE) || selector_is_null(env->sysenter_cs))
        raise_exception_err(env, EXCP_GP, 0, 0);
    env->eflags &= ~(uint32_t)(VM_MASK | IF_MASK | RF_MASK);
    load_flat(env, R_CS, env->sysenter_cs, 0);
    load_flat(env, R_SS, env->sysenter_cs + 8, 0);
    env->regs[R_ESP] = env->sysenter_esp;
    env->eip = env->sysenter_eip;
    update_transfer_hflags(env);
}

void do_sysexit(CPUX86State *env)
{
    if (!(env->cr[0] & CR0_PE) || cpu_cpl(env) != 0 || selector_is_null(env->sysenter_cs))
        raise_exception_err(env, EXCP_GP, 0, 0);
    load_flat(env, R_CS, env->sysenter_cs + 16, 3);
    load_flat(env, R_SS, env->sysenter_cs + 24, 3);
    env->regs[R_ESP] = env->regs[R_ECX];
    env->eip = env->regs[R_EDX];
    update_transfer_hflags(env);
}
