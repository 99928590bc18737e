/* System instructions, ports, and what has to do with IF.  ISA_CPL0 and ISA_PROTECTED of isa.tab are
 * checked before these are called (interp.c). */
#include "interp-core.h"
#include "machine.h"

static void set_z(CPUX86State *env, bool z)
{
    cpu_set_arith(env, (get_arith(env) & ~(uint32_t)CC_Z) | (z ? CC_Z : 0));
}

static _Noreturn void gp0(CPUX86State *env)
{
    raise_exception_err(env, EXCP_GP, 0, 0);
}

void op_undefined(CPUX86State *env, const struct insn *insn)
{
    (void)insn;
    raise_exception(env, EXCP_UD, 0);
}

static void op_none(CPUX86State *env, const struct insn *insn)
{
    next_insn(env, insn);
}

/* ---- arithmetic flags, DF ---- */

static void op_clc(CPUX86State *env, const struct insn *insn)
{
    cpu_modify_flags(env, CCM_CF, 2, 0);
    next_insn(env, insn);
}

static void op_stc(CPUX86State *env, const struct insn *insn)
{
    cpu_modify_flags(env, CCM_CF, 2, 1);
    next_insn(env, insn);
}

static void op_cmc(CPUX86State *env, const struct insn *insn)
{
    cpu_modify_flags(env, CCM_CF, 2, get_carry(env) ^ 1);
    next_insn(env, insn);
}

static void op_cld(CPUX86State *env, const struct insn *insn)
{
    env->eflags &= ~(uint32_t)DF_MASK;
    next_insn(env, insn);
}

static void op_std(CPUX86State *env, const struct insn *insn)
{
    env->eflags |= DF_MASK;
    next_insn(env, insn);
}

/* ---- IF (SDM 2, CLI and STI, tables of decisions) ---- */

/* May CLI and STI act on the virtual flag? */
static bool virtual_if(CPUX86State *env)
{
    return env->hflags & HF_VM ? env->cr[4] & CR4_VME : cpu_cpl(env) == 3 && (env->cr[4] & CR4_PVI);
}

static void op_cli(CPUX86State *env, const struct insn *insn)
{
    if (env->hflags & HF_IOPL_OK)
        env->eflags &= ~(uint32_t)IF_MASK;
    else if (virtual_if(env))
        env->eflags &= ~(uint32_t)VIF_MASK;
    else
        gp0(env);
    next_insn(env, insn);
}

static void op_sti(CPUX86State *env, const struct insn *insn)
{
    if (env->hflags & HF_IOPL_OK) {
        /* The shadow: no interrupt before the end of the next instruction. */
        if (!(env->eflags & IF_MASK))
            env->hflags |= HF_INHIBIT;
        env->eflags |= IF_MASK;
    } else if (virtual_if(env) && !(env->eflags & VIP_MASK)) {
        env->eflags |= VIF_MASK;
    } else {
        gp0(env);
    }
    next_insn(env, insn);
}

static void op_hlt(CPUX86State *env, const struct insn *insn)
{
    next_insn(env, insn);
    env->halted = true;
}

/* ---- ports ---- */

static void check_port(CPUX86State *env, uint32_t port, unsigned size)
{
    cpu_check_io(env, port, size);
    if (env->dr[7] & 0xff)
        cpu_check_data_bp(env, port, size, 2);
}

static void op_in(CPUX86State *env, const struct insn *insn)
{
    uint32_t port = insn->op[1].kind == OPK_IMM ? insn->imm & 0xff : env->regs[R_EDX] & 0xffff;
    unsigned size = insn->op[0].size;

    check_port(env, port, size);
    set_reg(env, width_of(size), R_EAX, ioport_read(env->machine, (uint16_t)port, size));
    next_insn(env, insn);
}

static void op_out(CPUX86State *env, const struct insn *insn)
{
    uint32_t port = insn->op[0].kind == OPK_IMM ? insn->imm & 0xff : env->regs[R_EDX] & 0xffff;
    unsigned size = insn->op[1].size;

    check_port(env, port, size);
    ioport_write(env->machine, (uint16_t)port, get_reg(env, width_of(size), R_EAX), size);
    next_insn(env, insn);
}

/* ---- descriptor tables and selectors ---- */

static void load_table(CPUX86State *env, const struct insn *insn, uint32_t *base, uint32_t *limit)
{
    uint32_t lin = seg_addr(env, insn->seg, insn_ea(env, insn), 6, false);
    uint32_t l = ld_lin(env, 1, lin), b = ld_lin(env, 2, lin + 2);

    *limit = l;
    *base = insn->opsize == 2 ? b & 0xffffff : b;
    next_insn(env, insn);
}

static void op_lgdt(CPUX86State *env, const struct insn *insn)
{
    load_table(env, insn, &env->gdt_base, &env->gdt_limit);
}

static void op_lidt(CPUX86State *env, const struct insn *insn)
{
    load_table(env, insn, &env->idt_base, &env->idt_limit);
}

/* All 32 bits of the base are stored with either operand size, as CPUs since the 80386 do. */
static void store_table(CPUX86State *env, const struct insn *insn, uint32_t base, uint32_t limit)
{
    uint32_t lin = seg_addr(env, insn->seg, insn_ea(env, insn), 6, true);

    mmu_probe(env, lin, 6, MMU_DATA_STORE, cpu_mmu_index(env), 0);
    st_lin(env, 1, lin, limit);
    st_lin(env, 2, lin + 2, base);
    next_insn(env, insn);
}

static void op_sgdt(CPUX86State *env, const struct insn *insn)
{
    store_table(env, insn, env->gdt_base, env->gdt_limit);
}

static void op_sidt(CPUX86State *env, const struct insn *insn)
{
    store_table(env, insn, env->idt_base, env->idt_limit);
}

/* SLDT, STR, SMSW: 16 bits to memory, the operand size to a register. */
static void store_word(CPUX86State *env, const struct insn *insn, uint32_t v)
{
    if (insn->op[0].kind == OPK_REG)
        set_reg(env, width_of(insn->opsize), insn->op[0].reg, v);
    else
        st_ea(env, 1, insn, v);
    next_insn(env, insn);
}

static void op_sldt(CPUX86State *env, const struct insn *insn)
{
    store_word(env, insn, env->ldt.selector & 0xffff);
}

static void op_str(CPUX86State *env, const struct insn *insn)
{
    store_word(env, insn, env->tr.selector & 0xffff);
}

static void op_smsw(CPUX86State *env, const struct insn *insn)
{
    store_word(env, insn, env->cr[0]);
}

static void op_lldt(CPUX86State *env, const struct insn *insn)
{
    do_lldt(env, ld_op(env, 1, insn, 0));
    next_insn(env, insn);
}

static void op_ltr(CPUX86State *env, const struct insn *insn)
{
    do_ltr(env, ld_op(env, 1, insn, 0));
    next_insn(env, insn);
}

static void query_descriptor(CPUX86State *env, const struct insn *insn,
                             bool (*query)(CPUX86State *, uint32_t, uint32_t *))
{
    uint32_t v = 0;
    bool ok = query(env, ld_op(env, 1, insn, 1), &v);

    if (ok)
        set_reg(env, width_of(insn->opsize), insn->op[0].reg, v);
    set_z(env, ok);
    next_insn(env, insn);
}

static void op_lar(CPUX86State *env, const struct insn *insn)
{
    query_descriptor(env, insn, do_lar);
}

static void op_lsl(CPUX86State *env, const struct insn *insn)
{
    query_descriptor(env, insn, do_lsl);
}

static void op_verr(CPUX86State *env, const struct insn *insn)
{
    set_z(env, do_verr(env, ld_op(env, 1, insn, 0)));
    next_insn(env, insn);
}

static void op_verw(CPUX86State *env, const struct insn *insn)
{
    set_z(env, do_verw(env, ld_op(env, 1, insn, 0)));
    next_insn(env, insn);
}

/* Memory is written only where the RPL is adjusted. */
static void op_arpl(CPUX86State *env, const struct insn *insn)
{
    uint32_t v = ld_op(env, 1, insn, 0), rpl = env->regs[insn->op[1].reg] & 3;
    bool adjust = (v & 3) < rpl;

    if (adjust)
        st_op(env, 1, insn, 0, (v & ~3u) | rpl);
    set_z(env, adjust);
    next_insn(env, insn);
}

/* ---- control and debug registers ---- */

static void op_mov_from_cr(CPUX86State *env, const struct insn *insn)
{
    env->regs[insn->op[0].reg] = env->cr[insn->op[1].reg];
    next_insn(env, insn);
}

static void op_mov_to_cr(CPUX86State *env, const struct insn *insn)
{
    cpu_write_cr(env, insn->op[0].reg, env->regs[insn->op[1].reg]);
    next_insn(env, insn);
}

static void op_mov_from_dr(CPUX86State *env, const struct insn *insn)
{
    env->regs[insn->op[0].reg] = cpu_read_dr(env, insn->op[1].reg);
    next_insn(env, insn);
}

static void op_mov_to_dr(CPUX86State *env, const struct insn *insn)
{
    cpu_write_dr(env, insn->op[0].reg, env->regs[insn->op[1].reg]);
    next_insn(env, insn);
}

/* PE can be set, not cleared. */
static void op_lmsw(CPUX86State *env, const struct insn *insn)
{
    uint32_t v = ld_op(env, 1, insn, 0);

    cpu_write_cr(env, 0, (env->cr[0] & ~(CR0_MP | CR0_EM | CR0_TS)) | (v & 15));
    next_insn(env, insn);
}

static void op_clts(CPUX86State *env, const struct insn *insn)
{
    env->cr[0] &= ~CR0_TS;
    cpu_update_hflags(env);
    next_insn(env, insn);
}

static void op_invlpg(CPUX86State *env, const struct insn *insn)
{
    tlb_flush_page(env, env->segs[insn->seg].base + insn_ea(env, insn));
    next_insn(env, insn);
}

/* ---- CPUID, counters, MSRs, SYSENTER ---- */

static void op_cpuid(CPUX86State *env, const struct insn *insn)
{
    uint32_t out[4];

    cpu_cpuid(env, env->regs[R_EAX], env->regs[R_ECX], out);
    env->regs[R_EAX] = out[0];
    env->regs[R_EBX] = out[1];
    env->regs[R_ECX] = out[2];
    env->regs[R_EDX] = out[3];
    next_insn(env, insn);
}

static void op_rdtsc(CPUX86State *env, const struct insn *insn)
{
    uint64_t tsc;

    if ((env->cr[4] & CR4_TSD) && cpu_cpl(env) != 0)
        gp0(env);
    tsc = cpu_read_tsc(env);
    env->regs[R_EAX] = (uint32_t)tsc;
    env->regs[R_EDX] = (uint32_t)(tsc >> 32);
    next_insn(env, insn);
}

/* The P6's two performance counters never count. */
static void op_rdpmc(CPUX86State *env, const struct insn *insn)
{
    if ((!(env->cr[4] & CR4_PCE) && cpu_cpl(env) != 0) || env->regs[R_ECX] > 1)
        gp0(env);
    env->regs[R_EAX] = env->regs[R_EDX] = 0;
    next_insn(env, insn);
}

static void op_rdmsr(CPUX86State *env, const struct insn *insn)
{
    do_rdmsr(env);
    next_insn(env, insn);
}

static void op_wrmsr(CPUX86State *env, const struct insn *insn)
{
    do_wrmsr(env);
    next_insn(env, insn);
}

static void op_sysenter(CPUX86State *env, const struct insn *insn)
{
    (void)insn;
    do_sysenter(env);
}

static void op_sysexit(CPUX86State *env, const struct insn *insn)
{
    (void)insn;
    do_sysexit(env);
}

/* ---- x87 gate: CR0.EM and TS (SDM 3, 2.5) ---- */

static void op_fpu(CPUX86State *env, const struct insn *insn)
{
    if (unlikely(env->hflags & (HF_EM | HF_TS)))
        raise_exception(env, EXCP_NM, 0);
    fpu_insn(env, insn);
}

static void op_fwait(CPUX86State *env, const struct insn *insn)
{
    if ((env->hflags & (HF_MP | HF_TS)) == (HF_MP | HF_TS))
        raise_exception(env, EXCP_NM, 0);
    fpu_insn(env, insn);
}

static op_fn select_mov(const struct insn *insn)
{
    bool to = insn->op[0].kind != OPK_REG;

    if (insn->op[to ? 0 : 1].kind == OPK_CR)
        return to ? op_mov_to_cr : op_mov_from_cr;
    return to ? op_mov_to_dr : op_mov_from_dr;
}

op_fn interp_select_fpu(const struct insn *insn)
{
    return insn->mnem == MN_FWAIT ? op_fwait : op_fpu;
}

op_fn interp_select_system(const struct insn *insn)
{
    static const op_fn ops[MN_COUNT] = {
        [MN_CLC] = op_clc, [MN_STC] = op_stc, [MN_CMC] = op_cmc, [MN_CLD] = op_cld, [MN_STD] = op_std,
        [MN_CLI] = op_cli, [MN_STI] = op_sti, [MN_HLT] = op_hlt, [MN_IN] = op_in, [MN_OUT] = op_out,
        [MN_LGDT] = op_lgdt, [MN_LIDT] = op_lidt, [MN_SGDT] = op_sgdt, [MN_SIDT] = op_sidt,
        [MN_SLDT] = op_sldt, [MN_STR] = op_str, [MN_SMSW] = op_smsw, [MN_LLDT] = op_lldt, [MN_LTR] = op_ltr,
        [MN_LAR] = op_lar, [MN_LSL] = op_lsl, [MN_VERR] = op_verr, [MN_VERW] = op_verw, [MN_ARPL] = op_arpl,
        [MN_LMSW] = op_lmsw, [MN_CLTS] = op_clts, [MN_INVLPG] = op_invlpg, [MN_INVD] = op_none,
        [MN_WBINVD] = op_none, [MN_CPUID] = op_cpuid, [MN_RDTSC] = op_rdtsc, [MN_RDPMC] = op_rdpmc,
        [MN_RDMSR] = op_rdmsr, [MN_WRMSR] = op_wrmsr, [MN_SYSENTER] = op_sysenter,
        [MN_SYSEXIT] = op_sysexit, [MN_PREFETCHNTA] = op_none, [MN_PREFETCHT0] = op_none,
        [MN_PREFETCHT1] = op_none, [MN_PREFETCHT2] = op_none
    };

    return insn->mnem == MN_MOV ? select_mov(insn) : ops[insn->mnem];
}
