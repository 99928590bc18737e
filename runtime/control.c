/* Control registers, EFLAGS rights and the I/O permission bitmap. */
#include "protect.h"

#include "interp.h"

bool read_pdptes(CPUX86State *env, uint32_t cr3, uint64_t out[4])
{
    /* Reserved in a present entry: bits 1-2, 5-8 and those beyond 36 address bits. */
    const uint64_t reserved = 0xfffffff0000001e6ull;
    uint64_t e[4];
    phys_mem_read(env->mem, (cr3 & 0xffffffe0u) & env->a20_mask, e, sizeof e);
    for (int i = 0; i < 4; i++)
        if ((e[i] & 1) && (e[i] & reserved))
            return false;
    for (int i = 0; i < 4; i++)
        out[i] = e[i];
    return true;
}

static void load_pdptes(CPUX86State *env, uint32_t cr3)
{
    if (!read_pdptes(env, cr3, env->pdptr))
        raise_exception_err(env, EXCP_GP, 0, 0);
}

static bool uses_pae(uint32_t cr0, uint32_t cr4)
{
    return (cr0 & CR0_PG) && (cr4 & CR4_PAE);
}

static void write_cr0(CPUX86State *env, uint32_t value)
{
    const uint32_t known = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD
        | CR0_PG;
    uint32_t changed;
    if (((value & CR0_PG) && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
        raise_exception_err(env, EXCP_GP, 0, 0);
    value = (value & known) | CR0_ET;
    changed = value ^ env->cr[0];
    if (uses_pae(value, env->cr[4]) && (changed & (CR0_PG | CR0_CD | CR0_NW)))
        load_pdptes(env, env->cr[3]);
    env->cr[0] = value;
    if (changed & (CR0_PG | CR0_WP | CR0_PE))
        tlb_flush(env);
    cpu_update_hflags(env);
}

static void write_cr3(CPUX86State *env, uint32_t value)
{
    if (uses_pae(env->cr[0], env->cr[4]))
        load_pdptes(env, value);
    env->cr[3] = value;
    if (env->cr[4] & CR4_PGE)
        tlb_flush_non_global(env);
    else
        tlb_flush(env);
}

uint32_t cpu_cr4_mask(const CPUX86State *env)
{
    static const struct {
        uint8_t leaf, reg, bit;
        uint32_t cr4;
    } features[] = { /* reg: EAX EBX ECX EDX of the leaf */
        { 1, 3, 1, CR4_VME | CR4_PVI }, { 1, 3, 2, CR4_DE }, { 1, 3, 3, CR4_PSE }, { 1, 3, 4, CR4_TSD },
        { 1, 3, 6, CR4_PAE }, { 1, 3, 7, CR4_MCE }, { 1, 3, 13, CR4_PGE }, { 1, 3, 24, CR4_OSFXSR },
        { 1, 3, 25, CR4_OSXMMEXCPT }, { 7, 1, 7, CR4_SMEP }, { 7, 1, 20, CR4_SMAP }
    };
    CPUX86State *e = (CPUX86State *)env; /* CPUID reads only */
    uint32_t top[4], id[4], mask = 0;
    cpu_cpuid(e, 0, 0, top);
    for (unsigned i = 0; i < sizeof features / sizeof features[0]; i++) {
        if (features[i].leaf > top[0])
            continue;
        cpu_cpuid(e, features[i].leaf, 0, id);
        if (id[features[i].reg] >> features[i].bit & 1)
            mask |= features[i].cr4;
    }
    cpu_cpuid(e, 1, 0, id);
    if ((id[0] >> 8 & 15) >= 6) /* performance counters came with the P6 family */
        mask |= CR4_PCE;
    return mask;
}

static void write_cr4(CPUX86State *env, uint32_t value)
{
    const uint32_t paging = CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP | CR4_SMAP;
    uint32_t changed = value ^ env->cr[4];
    if (value & ~cpu_cr4_mask(env))
        raise_exception_err(env, EXCP_GP, 0, 0);
    if (uses_pae(env->cr[0], value) && (changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP)))
        load_pdptes(env, env->cr[3]);
    env->cr[4] = value;
    if (changed & paging)
        tlb_flush(env);
    cpu_update_hflags(env);
}

void cpu_write_cr(CPUX86State *env, int n, uint32_t value)
{
    switch (n) {
    case 0:
        write_cr0(env, value);
        break;
    case 2:
        env->cr[2] = value;
        break;
    case 3:
        write_cr3(env, value);
        break;
    case 4:
        write_cr4(env, value);
        break;
    default:
        raise_exception(env, EXCP_UD, 0);
    }
}

void cpu_load_eflags(CPUX86State *env, uint32_t value, uint32_t mask)
{
    if (mask & CC_ARITH) {
        uint32_t keep = CC_ARITH & ~mask;
        uint32_t kept = keep ? cpu_eflags(env) & keep : 0;
        cpu_set_arith(env, kept | (value & mask & CC_ARITH));
    }
    const uint32_t known = TF_MASK | IF_MASK | DF_MASK | IOPL_MASK | NT_MASK | RF_MASK | VM_MASK | AC_MASK
        | VIF_MASK | VIP_MASK | ID_MASK;
    const uint32_t mode = TF_MASK | IOPL_MASK | VM_MASK | AC_MASK; /* what hflags depend on */
    uint32_t old = env->eflags;
    mask &= known;
    env->eflags = (old & ~mask) | (value & mask) | 2;
    if ((env->eflags ^ old) & mode)
        cpu_update_hflags(env);
}

void load_eflags_with_rf(CPUX86State *env, uint32_t value, uint32_t mask)
{
    if (!debug_armed(env))
        value &= ~(uint32_t)RF_MASK;
    cpu_load_eflags(env, value, mask);
    update_transfer_hflags(env);
}

uint32_t cpu_popf_mask(CPUX86State *env, unsigned opsize)
{
    uint32_t mask = CC_ARITH | TF_MASK | DF_MASK | NT_MASK;
    if (env->hflags & HF_IOPL_OK)
        mask |= IF_MASK;
    if (cpu_cpl(env) == 0)
        mask |= IOPL_MASK;
    if (opsize == 4)
        mask |= AC_MASK | ID_MASK;
    return mask;
}

void cpu_check_io(CPUX86State *env, uint32_t port, unsigned size)
{
    if (!(env->hflags & HF_VM) && (env->hflags & HF_IOPL_OK))
        return;
    const struct segment *tr = &env->tr;
    if ((tr->flags & DESC_P_MASK) && (tr->flags & SYS_32BIT_MASK) && tr->limit >= 103) {
        uint32_t offset = mmu_lduw(env, tr->base + 102, mmu_kernel_idx(), 0) + ((port & 0xffff) >> 3);
        /* Two bytes are read, always: the ports may straddle. */
        if (offset + 1 <= tr->limit) {
            uint32_t bits = mmu_lduw(env, tr->base + offset, mmu_kernel_idx(), 0) >> (port & 7);
            if (!(bits & ((1u << size) - 1)))
                return;
        }
    }
    raise_exception_err(env, EXCP_GP, 0, 0);
}
