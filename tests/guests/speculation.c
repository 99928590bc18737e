/* What a CPU says that does not speculate: the MSRs that come with it.
 * options: -cpu qemu32,+spec-ctrl,+arch-capabilities */
#include "guest.h"

static u32 msr, low, high;
static void read(void) { rdmsr(msr); }
static void write(void) { wrmsr(msr, low, high); }

static void check_write(const char *name, u32 number, u32 value_low, u32 value_high, int want)
{
    msr = number;
    low = value_low;
    high = value_high;
    check(name, (u8)try(write), (u32)(u8)want);
}

static void check_no_read(const char *name, u32 number)
{
    msr = number;
    check(name, (u8)try(read), GP);
}

void test(void)
{
    u32 a = 7, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    check("CPUID 7 EDX", d, 1u << 26 | 1u << 29);
    check("CPUID 7 EBX", b, 0);
    /* RDCL_NO, IBRS_ALL; not RSBA; MDS_NO, TAA_NO, BHI_NO. */
    check("ARCH_CAPABILITIES", rdmsr(0x10a) & (7 | 1 << 5 | 1 << 8 | 1 << 20), 3 | 1 << 5 | 1 << 8 | 1 << 20);
    check_write("ARCH_CAPABILITIES is read-only", 0x10a, 0, 0, GP);
    check("SPEC_CTRL after reset", rdmsr(0x48), 0);
    check_write("SPEC_CTRL.IBRS", 0x48, 1, 0, NONE);
    check("SPEC_CTRL.IBRS stays", rdmsr(0x48), 1);
    check_write("SPEC_CTRL reserved", 0x48, 1u << 11, 0, GP);
    check_write("SPEC_CTRL reserved, high half", 0x48, 0, 1, GP);
    check("SPEC_CTRL is as it was", rdmsr(0x48), 1);
    check_write("PRED_CMD.IBPB", 0x49, 1, 0, NONE);
    check_write("PRED_CMD reserved", 0x49, 2, 0, GP);
    check_no_read("PRED_CMD is write-only", 0x49);
}
