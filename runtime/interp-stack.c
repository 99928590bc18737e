/* PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE.  What stores more than once probes first, so
 * that a fault leaves nothing half done. */
#include "interp-core.h"

static void op_push_reg32(CPUX86State *env, const struct insn *insn)
{
    push(env, 2, env->regs[insn->op[0].reg]);
    next_insn(env, insn);
}

static void op_push(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->opsize);
    uint32_t v = insn->op[0].kind == OPK_SREG ? env->segs[insn->op[0].reg].selector & 0xffff
                                              : ld_op(env, w, insn, 0);
    push(env, w, v);
    next_insn(env, insn);
}

/* POP ESP: the value read wins over the increment. */
static void op_pop_reg(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->opsize);
    uint32_t v = peek(env, w, 0);

    set_sp(env, env->regs[R_ESP] + insn->opsize);
    set_reg(env, w, insn->op[0].reg, v);
    next_insn(env, insn);
}

/* An address based on ESP is computed after the increment (SDM 2, POP). */
static void op_pop_mem(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->opsize);
    uint32_t v = peek(env, w, 0), old = env->regs[R_ESP], addr;

    set_sp(env, old + insn->opsize);
    addr = insn_ea(env, insn);
    env->regs[R_ESP] = old;
    st_lin(env, w, seg_addr(env, insn->seg, addr, insn->opsize, true), v);
    set_sp(env, old + insn->opsize);
    next_insn(env, insn);
}

static void op_pop_sreg(CPUX86State *env, const struct insn *insn)
{
    int seg = insn->op[0].reg;
    uint32_t m = stack_mask(env), sp = env->regs[R_ESP] + insn->opsize;

    seg_load(env, seg, peek(env, 1, 0));
    /* The increment is by the size of the stack that was popped from. */
    env->regs[R_ESP] = (env->regs[R_ESP] & ~m) | (sp & m);
    if (seg == R_SS)
        env->hflags |= HF_INHIBIT;
    next_insn(env, insn);
}

/* Is a store of `size` bytes at SS:sp possible?  Unwinds if not. */
static void probe_stack(CPUX86State *env, uint32_t sp, unsigned size, enum mmu_access access)
{
    uint32_t lin = seg_addr(env, R_SS, sp & stack_mask(env), size, access == MMU_DATA_STORE);
    if (access == MMU_DATA_STORE && tlb_host(tlb_slot(env, lin)->write, lin, size))
        return;
    mmu_probe(env, lin, size, access, cpu_mmu_index(env), 0);
}

static void op_pusha(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->opsize), size = insn->opsize, i;
    uint32_t sp = env->regs[R_ESP], m = stack_mask(env);

    /* One by one from the top: CR2 is the address of the first push that fails. */
    for (i = 1; i <= 8; i++)
        probe_stack(env, sp - i * size, size, MMU_DATA_STORE);
    for (i = 0; i < 8; i++)
        st_lin(env, w, seg_addr(env, R_SS, (sp - (i + 1) * size) & m, size, true), env->regs[i]);
    set_sp(env, sp - 8 * size);
    next_insn(env, insn);
}

static void op_popa(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->opsize), size = insn->opsize, i;
    uint32_t v[8];

    for (i = 0; i < 8; i++)
        v[i] = i == 3 ? 0 : peek(env, w, i * size);
    for (i = 0; i < 8; i++)
        if (7 - i != R_ESP)
            set_reg(env, w, 7 - i, v[i]);
    set_sp(env, env->regs[R_ESP] + 8 * size);
    next_insn(env, insn);
}

/* Virtual-8086 mode without the right to IF. */
static bool vm_restricted(CPUX86State *env)
{
    return (env->hflags & HF_VM) && !(env->hflags & HF_IOPL_OK);
}

static void op_pushf(CPUX86State *env, const struct insn *insn)
{
    uint32_t v = cpu_eflags(env) & ~(uint32_t)(VM_MASK | RF_MASK);

    if (vm_restricted(env)) {
        if (!(env->cr[4] & CR4_VME) || insn->opsize != 2)
            raise_exception_err(env, EXCP_GP, 0, 0);
        v = (v & ~(uint32_t)IF_MASK) | IOPL_MASK | (v & VIF_MASK ? IF_MASK : 0);
    }
    push(env, width_of(insn->opsize), v);
    next_insn(env, insn);
}

static void op_popf(CPUX86State *env, const struct insn *insn)
{
    uint32_t v, mask, sp = env->regs[R_ESP] + insn->opsize;

    if (vm_restricted(env)) {
        if (!(env->cr[4] & CR4_VME) || insn->opsize != 2)
            raise_exception_err(env, EXCP_GP, 0, 0);
        v = peek(env, 1, 0);
        if ((v & TF_MASK) || ((v & IF_MASK) && (env->eflags & VIP_MASK)))
            raise_exception_err(env, EXCP_GP, 0, 0);
        mask = CC_ARITH | DF_MASK | NT_MASK | TF_MASK | VIF_MASK;
        v = (v & 0xffff) | (v & IF_MASK ? VIF_MASK : 0);
    } else {
        v = peek(env, width_of(insn->opsize), 0);
        mask = cpu_popf_mask(env, insn->opsize);
    }
    set_sp(env, sp);
    cpu_load_eflags(env, v, mask);
    next_insn(env, insn);
}

/* ENTER: once to probe every access, once to do them in order, since the frame pointers it copies
 * may be some it has just pushed. */
static void op_enter(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->opsize), size = insn->opsize, level = insn->imm2 & 31, i;
    uint32_t m = stack_mask(env), old_sp = env->regs[R_ESP], old_bp = env->regs[R_EBP];
    uint32_t frame = old_sp - size, last = frame - level * size - (insn->imm & 0xffff), sp, bp;

    for (int pass = 0; pass < 2; pass++) {
        sp = frame;
        bp = old_bp;
        if (pass == 0)
            probe_stack(env, sp, size, MMU_DATA_STORE);
        else
            st_lin(env, w, seg_addr(env, R_SS, sp & m, size, true), old_bp);
        for (i = 1; i <= level; i++) {
            sp -= size;
            bp -= size;
            if (pass == 0) {
                if (i < level)
                    probe_stack(env, bp, size, MMU_DATA_LOAD);
                probe_stack(env, sp, size, MMU_DATA_STORE);
            } else {
                uint32_t v = frame;
                if (i < level)
                    v = ld_seg(env, w, R_SS, bp & m);
                st_lin(env, w, seg_addr(env, R_SS, sp & m, size, true), v);
            }
        }
        if (pass == 0)
            probe_stack(env, last, size, MMU_DATA_STORE);
    }
    set_reg(env, w, R_EBP, frame);
    set_sp(env, last);
    next_insn(env, insn);
}

static void op_leave(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->opsize);
    uint32_t m = stack_mask(env), sp = env->regs[R_EBP];
    uint32_t v = ld_seg(env, w, R_SS, sp & m);

    set_sp(env, sp + insn->opsize);
    set_reg(env, w, R_EBP, v);
    next_insn(env, insn);
}

op_fn interp_select_stack(const struct insn *insn)
{
    switch (insn->mnem) {
    case MN_PUSH: return insn->opsize == 4 && insn->op[0].kind == OPK_REG ? op_push_reg32 : op_push;
    case MN_POP:
        if (insn->op[0].kind == OPK_SREG)
            return op_pop_sreg;
        return insn->op[0].kind == OPK_MEM ? op_pop_mem : op_pop_reg;
    case MN_PUSHA: return op_pusha;
    case MN_POPA: return op_popa;
    case MN_PUSHF: return op_pushf;
    case MN_POPF: return op_popf;
    case MN_ENTER: return op_enter;
    case MN_LEAVE: return op_leave;
    default: return NULL;
    }
}
