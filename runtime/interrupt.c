/* Delivery of interrupts and exceptions through the IVT or the IDT (SDM 3, chapter 6, 20.2
 * and 20.3; SDM 2, INT n).
 *
 * Errors on the way have the EXT bit set in their code unless a software interrupt is being
 * delivered.  Everything is checked, and stack pages probed, before a byte is pushed. */
#include "log.h"
#include "optimise.h"
#include "protect.h"

struct event {
    int vector;
    bool is_int;
    bool has_error;
    uint32_t error_code;
    uint32_t next_eip;
    uint32_t eflags; /* the image to push */
    uint32_t ext;
};

static bool vector_has_error_code(int vector)
{
    const uint32_t mask = 1u << EXCP_DF | 1u << EXCP_TS | 1u << EXCP_NP | 1u << EXCP_SS | 1u << EXCP_GP
        | 1u << EXCP_PF | 1u << EXCP_AC;
    return vector < 32 && (mask >> vector & 1);
}

/* Fault-class exceptions push RF set, so that the handler's IRET does not meet the same
 * instruction breakpoint again (SDM 3, 17.3.1.1). */
static bool pushes_rf(const CPUX86State *env, int vector)
{
    const uint32_t faults = 1u << EXCP_DE | 1u << EXCP_BR | 1u << EXCP_UD | 1u << EXCP_NM | 1u << EXCP_TS
        | 1u << EXCP_NP | 1u << EXCP_SS | 1u << EXCP_GP | 1u << EXCP_PF | 1u << EXCP_MF | 1u << EXCP_AC
        | 1u << EXCP_XM;
    if (vector == EXCP_DB)
        return env->db_status & DR6_BD;
    return vector < 32 && (faults >> vector & 1);
}

static void check_eip(CPUX86State *env, uint32_t eip, uint32_t limit, uint32_t ext)
{
    if (eip > limit)
        raise_exception_err(env, EXCP_GP, ext, 0);
}

/* Through the vector table at `table`: real mode, and the redirected interrupts of VME. */
static void ivt_interrupt(CPUX86State *env, const struct event *e, uint32_t table, uint32_t flags_image,
                          uint32_t flags_cleared)
{
    struct stack st;
    uint32_t entry = mmu_ldl(env, table + (uint32_t)e->vector * 4, mmu_kernel_idx(), 0);
    stack_current(&st, env);
    stack_reserve(&st, 3, 2, e->ext);
    check_eip(env, entry & 0xffff, env->segs[R_CS].limit, e->ext);
    stack_push(&st, flags_image, 2);
    stack_push(&st, env->segs[R_CS].selector, 2);
    stack_push(&st, e->next_eip, 2);
    env->regs[R_ESP] = st.esp;
    segment_fill_real(env, R_CS, entry >> 16, env->hflags & HF_VM);
    env->eip = entry & 0xffff;
    env->eflags &= ~flags_cleared;
}

static void real_interrupt(CPUX86State *env, const struct event *e)
{
    if ((uint32_t)e->vector * 4 + 3 > env->idt_limit)
        raise_exception_err(env, EXCP_GP, ((uint32_t)e->vector * 8 + 2) | e->ext, 0);
    ivt_interrupt(env, e, env->idt_base, e->eflags, IF_MASK | TF_MASK | AC_MASK | RF_MASK);
}

/* Is INT n of virtual-8086 mode to be handled by the 8086 program itself?  The bitmap lies
 * below the I/O permission map. */
static bool vme_redirected(CPUX86State *env, int vector)
{
    if (!(env->tr.flags & DESC_P_MASK) || !(env->tr.flags & SYS_32BIT_MASK) || env->tr.limit < 103)
        raise_exception_err(env, EXCP_GP, 0, 0);
    uint32_t io_map = mmu_lduw(env, env->tr.base + 102, mmu_kernel_idx(), 0);
    uint32_t offset = io_map - 32 + ((uint32_t)vector >> 3);
    if (io_map < 32 || offset > env->tr.limit)
        raise_exception_err(env, EXCP_GP, 0, 0);
    return !(mmu_ldub(env, env->tr.base + offset, mmu_kernel_idx(), 0) >> (vector & 7) & 1);
}

static void vme_interrupt(CPUX86State *env, const struct event *e)
{
    if ((e->eflags & IOPL_MASK) == IOPL_MASK) {
        ivt_interrupt(env, e, 0, e->eflags, IF_MASK | TF_MASK | RF_MASK);
    } else {
        uint32_t image = (e->eflags & ~(uint32_t)IF_MASK) | IOPL_MASK | (e->eflags & VIF_MASK ? IF_MASK : 0);
        ivt_interrupt(env, e, 0, image, VIF_MASK | TF_MASK | RF_MASK);
    }
}

/* INT3 and INTO in one byte are exempt from IOPL and redirection in virtual-8086 mode; the
 * last byte of INT n is n, which tells them from CD 03 and CD 04. */
static bool is_int_n(CPUX86State *env, const struct event *e)
{
    if (e->vector != EXCP_BP && e->vector != EXCP_OF)
        return true;
    uint32_t linear = env->segs[R_CS].base + ((e->next_eip - 1) & 0xffff);
    return mmu_ldub(env, linear, cpu_mmu_index(env), 0) == (uint32_t)e->vector;
}

static void push_event(struct stack *st, const struct event *e, unsigned size)
{
    CPUX86State *env = st->env;
    stack_push(st, e->eflags, size);
    stack_push(st, env->segs[R_CS].selector, size);
    stack_push(st, e->next_eip, size);
    if (e->has_error)
        stack_push(st, e->error_code, size);
}

static void inner_interrupt(CPUX86State *env, const struct event *e, struct descriptor gate,
                            uint32_t selector, struct descriptor code)
{
    static const uint8_t vm_segs[] = { R_GS, R_FS, R_DS, R_ES };
    bool vm = env->hflags & HF_VM;
    unsigned size = gate.high & SYS_32BIT_MASK ? 4 : 2;
    int cpl = desc_dpl(code);
    struct segment ss;
    struct stack st;
    uint32_t esp;

    inner_stack(env, cpl, e->ext, &ss, &esp);
    stack_init(&st, env, &ss, esp, cpl);
    stack_reserve(&st, 5u + e->has_error + (vm ? 4 : 0), size, (ss.selector & 0xfffc) | e->ext);
    check_eip(env, gate_offset(gate), desc_limit(code), e->ext);
    desc_mark_accessed(env, selector, &code);
    for (int i = 0; vm && i < 4; i++)
        stack_push(&st, env->segs[vm_segs[i]].selector, size);
    stack_push(&st, env->segs[R_SS].selector, size);
    stack_push(&st, env->regs[R_ESP], size);
    push_event(&st, e, size);

    for (int i = 0; vm && i < 4; i++)
        segment_null(&env->segs[vm_segs[i]], 0);
    env->segs[R_SS] = ss;
    env->regs[R_ESP] = st.esp;
    commit_cs(env, selector, code, cpl, gate_offset(gate));
}

static void same_level_interrupt(CPUX86State *env, const struct event *e, struct descriptor gate,
                                 uint32_t selector, struct descriptor code)
{
    unsigned size = gate.high & SYS_32BIT_MASK ? 4 : 2;
    struct stack st;
    stack_current(&st, env);
    stack_reserve(&st, 3u + e->has_error, size, e->ext);
    check_eip(env, gate_offset(gate), desc_limit(code), e->ext);
    desc_mark_accessed(env, selector, &code);
    push_event(&st, e, size);
    env->regs[R_ESP] = st.esp;
    commit_cs(env, selector, code, cpu_cpl(env), gate_offset(gate));
}

static void idt_interrupt(CPUX86State *env, const struct event *e)
{
    uint32_t entry = (uint32_t)e->vector * 8;
    uint32_t code_gate = (entry + 2) | e->ext;
    if (entry + 7 > env->idt_limit)
        raise_exception_err(env, EXCP_GP, code_gate, 0);
    uint64_t raw = mmu_ldq(env, env->idt_base + entry, mmu_kernel_idx(), 0);
    struct descriptor gate = { (uint32_t)raw, (uint32_t)(raw >> 32) };
    const unsigned types = 1u << SYS_TASK_GATE | 1u << SYS_INT16 | 1u << SYS_TRAP16 | 1u << SYS_INT32
        | 1u << SYS_TRAP32;
    if (desc_is_segment(gate) || !(types >> desc_type(gate) & 1))
        raise_exception_err(env, EXCP_GP, code_gate, 0);
    if (e->is_int && desc_dpl(gate) < cpu_cpl(env))
        raise_exception_err(env, EXCP_GP, code_gate, 0);
    if (!desc_present(gate))
        raise_exception_err(env, EXCP_NP, code_gate, 0);
    if (desc_type(gate) == SYS_TASK_GATE) {
        task_switch(env, gate_selector(gate), TASK_GATE, e->next_eip, e->eflags,
                    e->has_error ? (int64_t)e->error_code : -1, e->ext);
        cpu_update_hflags(env);
        return;
    }

    uint32_t selector = gate_selector(gate);
    struct descriptor code = desc_fetch(env, selector, EXCP_GP, e->ext);
    int cpl = cpu_cpl(env);
    if (!desc_is_code(code) || desc_dpl(code) > cpl)
        raise_selector(env, EXCP_GP, selector, e->ext);
    if (!desc_present(code))
        raise_selector(env, EXCP_NP, selector, e->ext);
    bool inner = !desc_is_conforming(code) && desc_dpl(code) < cpl;
    if ((env->hflags & HF_VM) && (!inner || desc_dpl(code) != 0))
        raise_selector(env, EXCP_GP, selector, e->ext);
    if (inner)
        inner_interrupt(env, e, gate, selector, code);
    else
        same_level_interrupt(env, e, gate, selector, code);
    env->eflags &= ~(uint32_t)(TF_MASK | NT_MASK | VM_MASK | RF_MASK);
    if (!(gate.high & 1u << DESC_TYPE_SHIFT)) /* interrupt gate, not trap gate */
        env->eflags &= ~(uint32_t)IF_MASK;
}

/* What comes all the time: a 32-bit gate, flat kernel segments, from CPL 3 or flat CPL 0, and all of the new
 * frame in one page.  False: nothing was done.  What it looks at, it looks at in the order of idt_interrupt(),
 * and goes no further than the first thing that is special, so page faults are the same. */
static bool quick_interrupt(CPUX86State *env, const struct event *e)
{
    const uint32_t flat = HF_SS32 | HF_SEG_FLAT(R_SS);
    uint32_t entry = (uint32_t)e->vector * 8;
    int cpl = cpu_cpl(env);
    if ((env->hflags & HF_VM) || (cpl != 0 && cpl != 3) || entry + 7 > env->idt_limit)
        return false;
    uint64_t raw = mmu_ldq(env, env->idt_base + entry, mmu_kernel_idx(), 0);
    struct descriptor gate = { (uint32_t)raw, (uint32_t)(raw >> 32) };
    if ((gate.high & (DESC_P_MASK | DESC_S_MASK | 0xe00)) != (DESC_P_MASK | 0xe00)
        || (e->is_int && desc_dpl(gate) < cpl))
        return false;
    uint32_t selector = gate_selector(gate);
    if (!selector_in_gdt(env, selector))
        return false;
    uint64_t code = gdt_read(env, selector), stack = 0;
    if (!desc_is_flat_code(code, 0))
        return false;

    uint32_t esp = env->regs[R_ESP], ss = 0, count = 3u + e->has_error;
    if (cpl == 3) {
        if (!(env->tr.flags & DESC_P_MASK) || !(env->tr.flags & SYS_32BIT_MASK) || env->tr.limit < 9)
            return false;
        esp = mmu_ldl(env, env->tr.base + 4, mmu_kernel_idx(), 0);
        ss = mmu_lduw(env, env->tr.base + 8, mmu_kernel_idx(), 0);
        if ((ss & 3) || !selector_in_gdt(env, ss))
            return false;
        stack = gdt_read(env, ss);
        if (!desc_is_flat_data(stack, 0))
            return false;
        count += 2;
    } else if ((env->hflags & flat) != flat) {
        return false;
    }
    uint32_t len = 4;
    if (((esp - 4 * count) ^ (esp - 1)) & TARGET_PAGE_MASK)
        return false;
    /* The first push is what would fault. */
    uint8_t *host = mmu_host_ptr(env, esp - 4, &len, MMU_DATA_STORE, mmu_idx_of_cpl(env, 0), 0);
    if (!host)
        return false;

    struct stack_dword *top = (void *)host;
    if (cpl == 3) {
        top--[0].v = env->segs[R_SS].selector;
        top--[0].v = env->regs[R_ESP];
        segment_fill_flat(&env->segs[R_SS], ss, stack);
    }
    top--[0].v = e->eflags;
    top--[0].v = env->segs[R_CS].selector;
    top--[0].v = e->next_eip;
    if (e->has_error)
        top->v = e->error_code;
    env->regs[R_ESP] = esp - 4 * count;
    segment_fill_flat(&env->segs[R_CS], selector & 0xfffc, code);
    env->eip = gate_offset(gate);
    env->eflags &= ~(uint32_t)(TF_MASK | NT_MASK | RF_MASK | (gate.high & 1u << DESC_TYPE_SHIFT ? 0 : IF_MASK));
    update_flat_transfer_hflags(env, 0);
    return true;
}

static void log_interrupt(CPUX86State *env, const struct event *e, bool is_hw)
{
    log_printf("int v=%02x e=%04x i=%d hw=%d cpl=%d IP=%04x:%08x pc=%08x SP=%04x:%08x EAX=%08x CR2=%08x\n",
               (unsigned)e->vector, (unsigned)e->error_code, e->is_int, is_hw, cpu_cpl(env),
               (unsigned)env->segs[R_CS].selector, (unsigned)env->eip,
               (unsigned)(env->segs[R_CS].base + env->eip), (unsigned)env->segs[R_SS].selector,
               (unsigned)env->regs[R_ESP], (unsigned)env->regs[R_EAX], (unsigned)env->cr[2]);
}

void do_interrupt(CPUX86State *env, int vector, bool is_int, uint32_t error_code, uint32_t next_eip,
                  bool is_hw)
{
    struct event e = {
        .vector = vector & 0xff, .is_int = is_int, .error_code = error_code, .next_eip = next_eip,
        .eflags = cpu_eflags(env), .ext = !is_int
    };
    bool exception = !is_int && !is_hw;
    if (exception) {
        e.has_error = vector_has_error_code(vector);
        if (pushes_rf(env, vector))
            e.eflags |= RF_MASK;
        if (vector == EXCP_DB)
            debug_enter(env);
    }
    if (log_enabled(LOG_INT))
        log_interrupt(env, &e, is_hw);

    bool vm = env->hflags & HF_VM;
    env->hflags &= ~(uint32_t)HF_INHIBIT;
    if (is_hw && vector == EXCP_NMI)
        env->nmi_blocked = true;
    if (optimise_on(OPTIMISE_QUICK_EVENTS) && (env->hflags & HF_PE) && quick_interrupt(env, &e))
        return;
    if (!(env->hflags & HF_PE)) {
        real_interrupt(env, &e);
    } else if ((env->hflags & HF_VM) && is_int && is_int_n(env, &e)) {
        if ((env->cr[4] & CR4_VME) && vme_redirected(env, e.vector))
            vme_interrupt(env, &e);
        else if ((env->eflags & IOPL_MASK) != IOPL_MASK)
            raise_exception_err(env, EXCP_GP, 0, 0);
        else
            idt_interrupt(env, &e);
    } else {
        idt_interrupt(env, &e);
    }
    if (vm) /* all segments have changed */
        cpu_update_hflags(env);
    else
        update_transfer_hflags(env);
}
