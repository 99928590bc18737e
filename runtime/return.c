/* Far RET and IRET in every mode (SDM 2, RET and IRET; SDM 3, 5.8.6). */
#include "protect.h"

#include "optimise.h"

static void check_eip(CPUX86State *env, uint32_t eip, uint32_t limit)
{
    if (eip > limit)
        raise_exception_err(env, EXCP_GP, 0, 0);
}

/* The code segment that RET or IRET goes back to. */
static struct descriptor return_cs(CPUX86State *env, uint32_t selector)
{
    struct descriptor d = desc_fetch(env, selector, EXCP_GP, 0);
    int rpl = (int)(selector & 3);
    if (!desc_is_code(d) || rpl < cpu_cpl(env))
        raise_selector(env, EXCP_GP, selector, 0);
    if (desc_is_conforming(d) ? desc_dpl(d) > rpl : desc_dpl(d) != rpl)
        raise_selector(env, EXCP_GP, selector, 0);
    if (!desc_present(d))
        raise_selector(env, EXCP_NP, selector, 0);
    return d;
}

/* Protected-mode return to the same or an outer level.  `st` stands behind what was popped
 * already; imm: bytes that RET drops, from both stacks.  With eflags_mask EFLAGS are
 * loaded too. */
static void protected_return(CPUX86State *env, struct stack *st, uint32_t selector, uint32_t eip,
                             unsigned size, uint32_t imm, uint32_t eflags, uint32_t eflags_mask)
{
    struct descriptor d = return_cs(env, selector);
    int rpl = (int)(selector & 3);
    stack_adjust(st, imm);

    if (rpl == cpu_cpl(env)) {
        check_eip(env, eip, desc_limit(d));
        desc_mark_accessed(env, selector, &d);
        env->regs[R_ESP] = st->esp;
        commit_cs(env, selector, d, rpl, eip);
    } else {
        struct segment ss;
        struct stack outer;
        uint32_t esp = stack_pop(st, size);
        uint32_t ss_selector = stack_pop(st, size) & 0xffff;
        segment_fill(&ss, ss_selector, desc_check_stack(env, ss_selector, rpl, EXCP_GP, 0));
        check_eip(env, eip, desc_limit(d));
        desc_mark_accessed(env, selector, &d);
        stack_init(&outer, env, &ss, esp, rpl);
        if (!(ss.flags & DESC_B_MASK)) /* SP alone is loaded */
            outer.esp = (env->regs[R_ESP] & ~0xffffu) | (esp & 0xffff);
        stack_adjust(&outer, imm);
        env->segs[R_SS] = ss;
        env->regs[R_ESP] = outer.esp;
        commit_cs(env, selector, d, rpl, eip);
        segment_null_inaccessible(env, rpl);
    }
    if (eflags_mask)
        load_eflags_with_rf(env, eflags, eflags_mask);
    else
        update_transfer_hflags(env);
}

void do_far_ret(CPUX86State *env, unsigned opsize, uint32_t imm)
{
    struct stack st;
    stack_current(&st, env);
    uint32_t eip = stack_pop(&st, opsize);
    uint32_t selector = stack_pop(&st, opsize) & 0xffff;
    if (in_protected_mode(env)) {
        protected_return(env, &st, selector, eip, opsize, imm, 0, 0);
        return;
    }
    check_eip(env, eip, env->segs[R_CS].limit);
    stack_adjust(&st, imm);
    env->regs[R_ESP] = st.esp;
    segment_fill_real(env, R_CS, selector, env->hflags & HF_VM);
    env->eip = eip;
    cpu_update_hflags(env);
}

/* IRET in real mode, and in virtual-8086 mode with IOPL 3. */
static void iret_real(CPUX86State *env, unsigned opsize)
{
    struct stack st;
    stack_current(&st, env);
    uint32_t eip = stack_pop(&st, opsize);
    uint32_t selector = stack_pop(&st, opsize);
    uint32_t eflags = stack_pop(&st, opsize);
    check_eip(env, eip, env->segs[R_CS].limit);
    uint32_t mask = cpu_popf_mask(env, opsize) | (opsize == 4 ? RF_MASK : 0);
    env->regs[R_ESP] = st.esp;
    segment_fill_real(env, R_CS, selector, env->hflags & HF_VM);
    env->eip = eip;
    load_eflags_with_rf(env, eflags, mask);
}

/* IRET with the virtual-8086 mode extensions and IOPL below 3: VIF stands for IF
 * (SDM 3, 20.3). */
static void iret_vme(CPUX86State *env)
{
    struct stack st;
    stack_current(&st, env);
    uint32_t eip = stack_pop(&st, 2);
    uint32_t selector = stack_pop(&st, 2);
    uint32_t eflags = stack_pop(&st, 2);
    if ((eflags & TF_MASK) || ((eflags & IF_MASK) && (env->eflags & VIP_MASK)))
        raise_exception_err(env, EXCP_GP, 0, 0);
    check_eip(env, eip, env->segs[R_CS].limit);
    uint32_t mask = (cpu_popf_mask(env, 2) & ~(uint32_t)(IF_MASK | IOPL_MASK)) | VIF_MASK;
    env->regs[R_ESP] = st.esp;
    segment_fill_real(env, R_CS, selector, true);
    env->eip = eip;
    load_eflags_with_rf(env, eflags & IF_MASK ? eflags | VIF_MASK : eflags & ~(uint32_t)VIF_MASK, mask);
}

static void iret_to_vm86(CPUX86State *env, struct stack *st, uint32_t selector, uint32_t eip, uint32_t eflags)
{
    static const uint8_t order[] = { R_ES, R_DS, R_FS, R_GS };
    uint32_t sel[4];
    uint32_t esp = stack_pop(st, 4), ss = stack_pop(st, 4);
    for (int i = 0; i < 4; i++)
        sel[i] = stack_pop(st, 4);

    segment_fill_real(env, R_CS, selector, true);
    segment_fill_real(env, R_SS, ss, true);
    for (int i = 0; i < 4; i++)
        segment_fill_real(env, order[i], sel[i], true);
    env->regs[R_ESP] = esp;
    env->eip = eip & 0xffff;
    load_eflags_with_rf(env, eflags, ~0u);
}

/* IRET with NT set: back to the task that called this one. */
static void iret_task(CPUX86State *env, uint32_t next_eip)
{
    uint32_t link = mmu_lduw(env, env->tr.base, mmu_kernel_idx(), 0);
    task_switch(env, link, TASK_IRET, next_eip, cpu_eflags(env) & ~(uint32_t)NT_MASK, -1, 0);
}

/* IRET as kernels use it all the time: from a flat stack, all of it in one page, to flat segments of CPL 3 or
 * to where it came from, and nothing in EFLAGS that asks for more.  False: nothing was done.  What it looks
 * at, it looks at in the order of the long way, so page faults are the same. */
static bool iret_quick(CPUX86State *env)
{
    const uint32_t flat = HF_PE | HF_SS32 | HF_SEG_FLAT(R_SS);
    const uint32_t rare = VM_MASK | NT_MASK | TF_MASK | AC_MASK | VIF_MASK | VIP_MASK;
    /* RF, which handlers of faults return with, is of no consequence without breakpoints. */
    if ((env->hflags & (flat | HF_VM | HF_BP | HF_CPL_MASK)) != flat || (env->eflags & (rare | RF_MASK)))
        return false;
    uint32_t esp = env->regs[R_ESP], len = 20;
    if ((esp & ~TARGET_PAGE_MASK) > TARGET_PAGE_SIZE - len)
        return false;
    const struct stack_dword *frame =
        (const void *)mmu_host_ptr(env, esp, &len, MMU_DATA_LOAD, cpu_mmu_index(env), 0);
    if (!frame)
        return false;
    uint32_t eip = frame[0].v, selector = frame[1].v & 0xffff, eflags = frame[2].v;
    int rpl = (int)(selector & 3);
    if ((eflags & rare) || (rpl != 0 && rpl != 3) || !selector_in_gdt(env, selector))
        return false;
    uint64_t code = gdt_read(env, selector);
    if (!desc_is_flat_code(code, rpl))
        return false;
    if (rpl == 0) {
        env->regs[R_ESP] = esp + 12;
    } else {
        uint32_t ss = frame[4].v & 0xffff;
        if ((ss & 3) != 3 || !selector_in_gdt(env, ss))
            return false;
        uint64_t stack = gdt_read(env, ss);
        if (!desc_is_flat_data(stack, 3))
            return false;
        segment_fill_flat(&env->segs[R_SS], ss, stack);
        env->regs[R_ESP] = frame[3].v;
    }
    segment_fill_flat(&env->segs[R_CS], selector, code);
    env->eip = eip;
    cpu_set_arith(env, eflags);
    const uint32_t mask = IF_MASK | DF_MASK | IOPL_MASK | ID_MASK;
    env->eflags = (env->eflags & ~mask) | (eflags & mask);
    if (rpl == 3)
        segment_null_inaccessible(env, 3);
    update_flat_transfer_hflags(env, rpl);
    return true;
}

void do_iret(CPUX86State *env, unsigned opsize, uint32_t next_eip)
{
    struct stack st;
    env->nmi_blocked = false; /* even if the IRET faults (SDM 3, 6.7.1) */
    if (opsize == 4 && optimise_on(OPTIMISE_QUICK_EVENTS) && iret_quick(env))
        return;
    if (env->hflags & HF_VM) {
        if ((env->eflags & IOPL_MASK) == IOPL_MASK)
            iret_real(env, opsize);
        else if ((env->cr[4] & CR4_VME) && opsize == 2)
            iret_vme(env);
        else
            raise_exception_err(env, EXCP_GP, 0, 0);
        return;
    }
    if (!(env->hflags & HF_PE)) {
        iret_real(env, opsize);
        return;
    }
    if (env->eflags & NT_MASK) {
        iret_task(env, next_eip);
        return;
    }
    stack_current(&st, env);
    uint32_t eip = stack_pop(&st, opsize);
    uint32_t selector = stack_pop(&st, opsize) & 0xffff;
    uint32_t eflags = stack_pop(&st, opsize);
    if (opsize == 4 && (eflags & VM_MASK) && cpu_cpl(env) == 0) {
        iret_to_vm86(env, &st, selector, eip, eflags);
        return;
    }
    uint32_t mask = cpu_popf_mask(env, opsize);
    if (opsize == 4) {
        mask |= RF_MASK;
        if (cpu_cpl(env) == 0)
            mask |= VIF_MASK | VIP_MASK;
    }
    protected_return(env, &st, selector, eip, opsize, 0, eflags, mask);
}
