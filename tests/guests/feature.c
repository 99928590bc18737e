/* What -cpu switches off is undefined, and what needs it is off with it.
 * options: -cpu qemu32,-sse,-cmov,-cx8,-sep,-tsc,-pat,-pge,-de */
#include "guest.h"

static u32 word, area[128] __attribute__((aligned(16)));

static void movaps(void) { __asm__ volatile("movaps %xmm1, %xmm0"); }
static void pshufw(void) { __asm__ volatile("pshufw $3, %mm1, %mm0"); }
static void stmxcsr(void) { __asm__ volatile("stmxcsr %0" : "=m"(word)); }
static void sfence(void) { __asm__ volatile("sfence"); }
static void paddd(void) { __asm__ volatile("paddd %xmm1, %xmm0"); }
static void paddq(void) { __asm__ volatile("paddq %mm1, %mm0"); }
static void movnti(void) { __asm__ volatile("movnti %%eax, %0" : "=m"(word)); }
static void mfence(void) { __asm__ volatile("mfence"); }
static void haddps(void) { __asm__ volatile("haddps %xmm1, %xmm0"); }
static void fisttp(void) { __asm__ volatile("fninit; fld1; fisttpl %0" : "=m"(word)); }
static void clflush(void) { __asm__ volatile("clflush %0" : : "m"(word)); }
static void monitor(void) { __asm__ volatile("monitor" : : "a"(&word), "c"(0), "d"(0)); }
static void cmov(void) { __asm__ volatile(".byte 0x0f, 0x44, 0xc0"); }
static void fcmov(void) { __asm__ volatile("fninit; fldz; fldz; fcmovb %st(1), %st"); }
static void cx8(void) { __asm__ volatile("cmpxchg8b (%%esi)" : : "S"(pages) : "eax", "edx", "memory"); }
static void sysenter(void) { __asm__ volatile("sysenter"); }
static void rdtsc(void) { __asm__ volatile("rdtsc" : : : "eax", "edx"); }
static void rd_sysenter(void) { rdmsr(0x174); }
static void rd_pat(void) { rdmsr(0x277); }
static void rd_tsc(void) { rdmsr(0x10); }
static void rd_mtrr(void) { rdmsr(0xfe); }
static void rd_mcg(void) { rdmsr(0x179); }
static void rd_efer(void) { rdmsr(0xc0000080); }
static void rd_spec_ctrl(void) { rdmsr(0x48); }
static void wr_pred_cmd(void) { wrmsr(0x49, 1, 0); }
static void rd_arch_capabilities(void) { rdmsr(0x10a); }
static void paddb(void) { __asm__ volatile("paddb %mm1, %mm0; emms"); }
static void fxsave(void) { __asm__ volatile("fxsave %0" : "=m"(area)); }
static void prefetch(void) { __asm__ volatile("prefetcht0 %0" : : "m"(word)); }

static u32 cr4_bit;
static void set_cr4(void) { write_cr4(cr4_bit); }

void test(void)
{
    static const struct {
        const char *name;
        void (*fn)(void);
        int want;
    } cases[] = {
        {"MOVAPS", movaps, UD}, {"PSHUFW", pshufw, UD}, {"STMXCSR", stmxcsr, UD}, {"SFENCE", sfence, UD},
        {"PADDD xmm", paddd, UD}, {"PADDQ mm", paddq, UD}, {"MOVNTI", movnti, UD}, {"MFENCE", mfence, UD},
        {"HADDPS", haddps, UD}, {"FISTTP", fisttp, UD}, {"CLFLUSH", clflush, UD}, {"MONITOR", monitor, UD},
        {"CMOVE", cmov, UD}, {"FCMOVB", fcmov, UD}, {"CMPXCHG8B", cx8, UD}, {"SYSENTER", sysenter, UD},
        {"RDTSC", rdtsc, UD}, {"MSR 174", rd_sysenter, GP}, {"MSR 277", rd_pat, GP}, {"MSR 10", rd_tsc, GP},
        {"MSR FE", rd_mtrr, GP}, {"MSR 179", rd_mcg, GP}, {"MSR C0000080", rd_efer, GP},
        {"MSR 48", rd_spec_ctrl, GP}, {"MSR 49", wr_pred_cmd, GP}, {"MSR 10A", rd_arch_capabilities, GP},
        {"PADDB mm", paddb, (u8)NONE}, {"FXSAVE", fxsave, (u8)NONE}, {"PREFETCHT0", prefetch, (u8)NONE},
    };
    static const struct {
        const char *name;
        u32 bit;
        bool has;
    } bits[] = {
        {"CR4.VME", 1 << 0, 0}, {"CR4.PVI", 1 << 1, 0}, {"CR4.TSD", 1 << 2, 0}, {"CR4.DE", 1 << 3, 0},
        {"CR4.PSE", 1 << 4, 1}, {"CR4.PAE", 1 << 5, 1}, {"CR4.MCE", 1 << 6, 1}, {"CR4.PGE", 1 << 7, 0},
        {"CR4.OSFXSR", 1 << 9, 1}, {"CR4.OSXMMEXCPT", 1 << 10, 0}, {"CR4.SMEP", 1 << 20, 0}
    };
    check("CPUID 1 EDX without APIC", cpuid_edx(1) & ~0x200u, 0x018000e9);
    write_cr4(0x200); /* OSFXSR */
    __asm__ volatile("fninit");
    for (u32 i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check(cases[i].name, (u8)try(cases[i].fn), (u32)cases[i].want);
    __asm__ volatile("emms");
    memset(area, 0x77, sizeof area);
    fxsave();
    check("FXSAVE without XMM", area[40], 0x77777777);
    for (u32 i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        cr4_bit = bits[i].bit;
        check(bits[i].name, (u8)try(set_cr4), bits[i].has ? (u8)NONE : GP);
    }
}
