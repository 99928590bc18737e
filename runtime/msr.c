/* RDMSR and WRMSR (SDM 4).  What a model does not have is #GP(0), as are reserved bits. */
#include "clock.h"
#include "cpuid.h"
#include "exception.h"
#include "interp.h"
#include "log.h"
#include "softmmu.h"

enum {
    MSR_P5_MC_ADDR = 0x0, MSR_P5_MC_TYPE = 0x1, MSR_TSC = 0x10, MSR_PLATFORM_ID = 0x17,
    MSR_APICBASE = 0x1b, MSR_EBL_CR_POWERON = 0x2a, MSR_TEST_CTL = 0x33, MSR_SPEC_CTRL = 0x48,
    MSR_PRED_CMD = 0x49, MSR_UCODE_TRIGGER = 0x79, MSR_ARCH_CAPABILITIES = 0x10a,
    MSR_UCODE_REV = 0x8b, MSR_PERFCTR0 = 0xc1, MSR_PERFCTR1 = 0xc2, MSR_MTRRCAP = 0xfe,
    MSR_SYSENTER_CS = 0x174, MSR_SYSENTER_ESP = 0x175, MSR_SYSENTER_EIP = 0x176, MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a, MSR_EVNTSEL0 = 0x186, MSR_EVNTSEL1 = 0x187, MSR_DEBUGCTL = 0x1d9,
    MSR_LAST_BRANCH_FROM = 0x1db, MSR_LAST_INT_TO = 0x1de, MSR_MTRR_PHYSBASE0 = 0x200,
    MSR_MTRR_PHYSMASK7 = 0x20f, MSR_MTRR_FIX64K = 0x250, MSR_MTRR_FIX16K_80000 = 0x258,
    MSR_MTRR_FIX16K_A0000 = 0x259, MSR_MTRR_FIX4K_C0000 = 0x268, MSR_MTRR_FIX4K_F8000 = 0x26f,
    MSR_PAT = 0x277, MSR_MTRR_DEFTYPE = 0x2ff, MSR_EFER = 0xc0000080
};

#define MTRR_VARIABLE_COUNT 8
#define MTRRCAP (MTRR_VARIABLE_COUNT | 1u << 8 | 1u << 10) /* fixed ranges, write combining */
#define PHYS_ADDR_MASK 0xfffffffffull                      /* 36 bits */
#define EFER_NXE 0x800u

/* IA32_ARCH_CAPABILITIES (SDM 4, table 2-2) of a CPU that does not speculate: RDCL_NO, IBRS_ALL,
 * SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO,
 * GDS_NO, RFDS_NO, ITS_NO. */
#define ARCH_CAPABILITIES (1ull << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 13 | 1 << 14 \
                           | 1 << 15 | 1 << 20 | 1 << 24 | 1 << 26 | 1 << 27 | 1ull << 62)

uint64_t cpu_read_tsc(CPUX86State *env)
{
    /* 1 GHz: a tick is a nanosecond of the virtual clock. */
    return (uint64_t)clock_now() + (uint64_t)env->tsc_offset;
}

/* Index into mtrr_fixed, or -1. */
static int fixed_mtrr(uint32_t msr)
{
    if (msr == MSR_MTRR_FIX64K)
        return 0;
    if (msr == MSR_MTRR_FIX16K_80000 || msr == MSR_MTRR_FIX16K_A0000)
        return 1 + (int)(msr - MSR_MTRR_FIX16K_80000);
    if (msr >= MSR_MTRR_FIX4K_C0000 && msr <= MSR_MTRR_FIX4K_F8000)
        return 3 + (int)(msr - MSR_MTRR_FIX4K_C0000);
    return -1;
}

static bool valid_memory_type(uint64_t type)
{
    return type < 8 && (0x73u >> type & 1); /* UC WC WT WP WB */
}

/* Eight types, as fixed MTRRs have them; PAT also knows UC- (7). */
static bool valid_types(uint64_t v, bool pat)
{
    for (unsigned i = 0; i < 8; i++) {
        uint64_t type = v >> 8 * i & 0xff;
        if (!valid_memory_type(type) && !(pat && type == 7))
            return false;
    }
    return true;
}

static bool has_efer(CPUX86State *env)
{
    uint32_t id[4];

    cpu_cpuid(env, 0x80000000u, 0, id);
    if (id[0] < 0x80000001u)
        return false;
    cpu_cpuid(env, 0x80000001u, 0, id);
    return id[3] & CPUID_EXT_NX;
}

static bool is_p6(CPUX86State *env)
{
    uint32_t id[4];

    cpu_cpuid(env, 1, 0, id);
    return (id[0] >> 8 & 15) >= 6;
}

static bool read_p6(CPUX86State *env, uint32_t msr, uint64_t *v)
{
    if (!is_p6(env))
        return false;
    switch (msr) {
    case MSR_UCODE_REV: *v = env->ucode_rev; return true;
    case MSR_DEBUGCTL: *v = env->debugctl; return true;
    case MSR_PLATFORM_ID: case MSR_EBL_CR_POWERON: case MSR_TEST_CTL: case MSR_PERFCTR0: case MSR_PERFCTR1:
    case MSR_EVNTSEL0: case MSR_EVNTSEL1: *v = 0; return true;
    default:
        *v = 0;
        return msr >= MSR_LAST_BRANCH_FROM && msr <= MSR_LAST_INT_TO;
    }
}

static bool write_p6(CPUX86State *env, uint32_t msr, uint64_t v)
{
    if (!is_p6(env))
        return false;
    switch (msr) {
    case MSR_UCODE_REV: /* software clears it, then CPUID loads the revision: none here */
    case MSR_UCODE_TRIGGER: case MSR_EBL_CR_POWERON: case MSR_TEST_CTL: case MSR_PERFCTR0: case MSR_PERFCTR1:
    case MSR_EVNTSEL0: case MSR_EVNTSEL1: return true;
    case MSR_DEBUGCTL: env->debugctl = v & 0x7f; return true;
    default: return false;
    }
}

static bool read_mtrr(CPUX86State *env, uint32_t msr, uint64_t *v)
{
    int i = fixed_mtrr(msr);

    if (!cpu_has_cpuid_bit(env, CPUID_MTRR))
        return false;
    if (i >= 0)
        *v = env->mtrr_fixed[i];
    else if (msr >= MSR_MTRR_PHYSBASE0 && msr <= MSR_MTRR_PHYSMASK7)
        *v = env->mtrr_var[msr - MSR_MTRR_PHYSBASE0];
    else if (msr == MSR_MTRR_DEFTYPE)
        *v = env->mtrr_deftype;
    else if (msr == MSR_MTRRCAP)
        *v = MTRRCAP;
    else
        return false;
    return true;
}

static bool write_mtrr(CPUX86State *env, uint32_t msr, uint64_t v)
{
    int i = fixed_mtrr(msr);

    if (!cpu_has_cpuid_bit(env, CPUID_MTRR))
        return false;
    if (i >= 0) {
        if (!valid_types(v, false))
            return false;
        env->mtrr_fixed[i] = v;
    } else if (msr >= MSR_MTRR_PHYSBASE0 && msr <= MSR_MTRR_PHYSMASK7) {
        bool mask = msr & 1;
        if ((v & ~PHYS_ADDR_MASK) || (mask ? v & 0x7ff : (v & 0xf00) || !valid_memory_type(v & 0xff)))
            return false;
        env->mtrr_var[msr - MSR_MTRR_PHYSBASE0] = v;
    } else if (msr == MSR_MTRR_DEFTYPE) {
        if ((v & ~0xcffull) || !valid_memory_type(v & 0xff))
            return false;
        env->mtrr_deftype = v;
    } else {
        return false;
    }
    return true;
}

static bool read_msr(CPUX86State *env, uint32_t msr, uint64_t *v)
{
    switch (msr) {
    case MSR_TSC: *v = cpu_read_tsc(env); return cpu_has_cpuid_bit(env, CPUID_TSC);
    case MSR_P5_MC_ADDR: case MSR_P5_MC_TYPE: *v = 0; return cpu_has_cpuid_bit(env, CPUID_MCE);
    case MSR_APICBASE: *v = env->apicbase; return cpu_has_cpuid_bit(env, CPUID_APIC);
    case MSR_SYSENTER_CS: *v = env->sysenter_cs; return cpu_has_cpuid_bit(env, CPUID_SEP);
    case MSR_SYSENTER_ESP: *v = env->sysenter_esp; return cpu_has_cpuid_bit(env, CPUID_SEP);
    case MSR_SYSENTER_EIP: *v = env->sysenter_eip; return cpu_has_cpuid_bit(env, CPUID_SEP);
    case MSR_MCG_CAP: *v = 0; return cpu_has_cpuid_bit(env, CPUID_MCA); /* no banks */
    case MSR_MCG_STATUS: *v = env->mcg_status; return cpu_has_cpuid_bit(env, CPUID_MCA);
    case MSR_PAT: *v = env->pat; return cpu_has_cpuid_bit(env, CPUID_PAT);
    case MSR_EFER: *v = env->efer; return has_efer(env);
    case MSR_SPEC_CTRL: *v = env->spec_ctrl; return cpu_has_leaf7_bit(env, CPUID_7_SPEC_CTRL);
    case MSR_ARCH_CAPABILITIES:
        *v = ARCH_CAPABILITIES;
        return cpu_has_leaf7_bit(env, CPUID_7_ARCH_CAPABILITIES);
    default: return read_mtrr(env, msr, v) || read_p6(env, msr, v);
    }
}

static bool write_sysenter(CPUX86State *env, uint32_t *reg, uint64_t v)
{
    if (!cpu_has_cpuid_bit(env, CPUID_SEP))
        return false;
    *reg = (uint32_t)v;
    return true;
}

static bool write_efer(CPUX86State *env, uint64_t v)
{
    if (!has_efer(env) || (v & ~(uint64_t)EFER_NXE))
        return false;
    bool changed = env->efer != v;
    env->efer = v;
    if (changed)
        tlb_flush(env);
    return true;
}

static bool write_msr(CPUX86State *env, uint32_t msr, uint64_t v)
{
    switch (msr) {
    case MSR_TSC:
        if (!cpu_has_cpuid_bit(env, CPUID_TSC))
            return false;
        env->tsc_offset += (int64_t)(v - cpu_read_tsc(env));
        return true;
    case MSR_P5_MC_ADDR:
    case MSR_P5_MC_TYPE:
        return cpu_has_cpuid_bit(env, CPUID_MCE);
    case MSR_APICBASE:
        if (!cpu_has_cpuid_bit(env, CPUID_APIC))
            return false;
        env->apicbase = v;
        return true;
    case MSR_SYSENTER_CS: return write_sysenter(env, &env->sysenter_cs, v);
    case MSR_SYSENTER_ESP: return write_sysenter(env, &env->sysenter_esp, v);
    case MSR_SYSENTER_EIP: return write_sysenter(env, &env->sysenter_eip, v);
    case MSR_MCG_STATUS:
        if (!cpu_has_cpuid_bit(env, CPUID_MCA) || (v & ~7ull))
            return false;
        env->mcg_status = v;
        return true;
    case MSR_PAT:
        if (!cpu_has_cpuid_bit(env, CPUID_PAT) || !valid_types(v, true))
            return false;
        env->pat = v;
        return true;
    case MSR_EFER: return write_efer(env, v);
    case MSR_SPEC_CTRL: /* IBRS, and STIBP without a fault (SDM 4): there is nothing to restrict */
        if (!cpu_has_leaf7_bit(env, CPUID_7_SPEC_CTRL) || (v & ~3ull))
            return false;
        env->spec_ctrl = v;
        return true;
    case MSR_PRED_CMD: /* IBPB */
        return cpu_has_leaf7_bit(env, CPUID_7_SPEC_CTRL) && !(v & ~1ull);
    default: return write_mtrr(env, msr, v) || write_p6(env, msr, v);
    }
}

void do_rdmsr(CPUX86State *env)
{
    uint64_t v = 0;
    uint32_t msr = env->regs[R_ECX];

    if (!read_msr(env, msr, &v)) {
        if (log_enabled(LOG_UNIMP))
            log_printf("rdmsr %#x\n", msr);
        raise_exception_err(env, EXCP_GP, 0, 0);
    }
    env->regs[R_EAX] = (uint32_t)v;
    env->regs[R_EDX] = (uint32_t)(v >> 32);
}

void do_wrmsr(CPUX86State *env)
{
    uint64_t v = (uint64_t)env->regs[R_EDX] << 32 | env->regs[R_EAX];
    uint32_t msr = env->regs[R_ECX];

    if (!write_msr(env, msr, v)) {
        if (log_enabled(LOG_UNIMP))
            log_printf("wrmsr %#x <- %#llx\n", msr, (unsigned long long)v);
        raise_exception_err(env, EXCP_GP, 0, 0);
    }
}
