/* MMX and SSE and the system: CR0.TS, EM, CR4.OSFXSR, unmasked exceptions, alignment, page faults, the state
 * that MMX and x87 share, FXSAVE and FXRSTOR, a kernel that switches state lazily.
 * options: -cpu qemu32 */
#include "guest.h"

enum { MP = 2, EM = 4, TS_BIT = 8, NE = 0x20, OSFXSR = 0x200, OSXMMEXCPT = 0x400, XM = 19 };
enum { MXCSR_INIT = 0x1f80, ZM = 0x200, PM = 0x1000 };

struct fxsave {
    u16 fcw, fsw;
    u8 ftw, x0;
    u16 fop;
    u32 fip, fcs, fdp, fds, mxcsr, mxcsr_mask;
    u32 st[8][4], xmm[8][4], x1[56];
} __attribute__((aligned(16)));

static struct fxsave area, other;
static u32 vec[4] __attribute__((aligned(16))), out[8] __attribute__((aligned(16)));
static u32 word;
static const u32 ones[4] __attribute__((aligned(16))) = {0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000};
static const u32 with_zero[4] __attribute__((aligned(16))) = {0x3f800000, 0, 0x40000000, 0x40400000};
static u64 mm_value = 0x1122334455667788ull;

static void paddb_mm(void) { __asm__ volatile("paddb %mm1, %mm0"); }
static void movd_mm(void) { __asm__ volatile("movd %%eax, %%mm0" : : "a"(1)); }
static void movq_store(void) { __asm__ volatile("movq %%mm0, %0" : "=m"(out)); }
static void emms(void) { __asm__ volatile("emms"); }
static void pshufw(void) { __asm__ volatile("pshufw $3, %mm1, %mm0"); }
static void pmovmskb_mm(void) { __asm__ volatile("pmovmskb %%mm0, %%eax" : : : "eax"); }
static void addps(void) { __asm__ volatile("addps %xmm1, %xmm0"); }
static void movaps(void) { __asm__ volatile("movaps %0, %%xmm0" : : "m"(ones)); }
static void addsd(void) { __asm__ volatile("addsd %xmm1, %xmm0"); }
static void paddd(void) { __asm__ volatile("paddd %xmm1, %xmm0"); }
static void movdqu(void) { __asm__ volatile("movdqu %%xmm0, %0" : "=m"(out)); }
static void haddps(void) { __asm__ volatile("haddps %xmm1, %xmm0"); }
static void movq2dq(void) { __asm__ volatile("movq2dq %mm0, %xmm0"); }
static void stmxcsr(void) { __asm__ volatile("stmxcsr %0" : "=m"(word)); }
static void ldmxcsr(void) { __asm__ volatile("ldmxcsr %0" : : "m"(word)); }
static void fxsave(void) { __asm__ volatile("fxsave %0" : "=m"(area)); }
static void fxrstor(void) { __asm__ volatile("fxrstor %0" : : "m"(area)); }
static void movnti(void) { __asm__ volatile("movnti %%eax, %0" : "=m"(word)); }
static void sfence(void) { __asm__ volatile("sfence"); }
static void mfence(void) { __asm__ volatile("lfence; mfence"); }
static void prefetch(void) { __asm__ volatile("prefetcht0 %0" : : "m"(word)); }
static void fisttp(void) { __asm__ volatile("fninit; fld1; fisttpl %0" : "=m"(word)); }

static const struct {
    const char *name;
    void (*fn)(void);
    bool mmx, xmm; /* uses these registers */
    bool control;  /* MXCSR: as XMM registers do */
} insns[] = {
    {"PADDB mm", paddb_mm, 1, 0, 0}, {"MOVD mm", movd_mm, 1, 0, 0}, {"MOVQ from mm", movq_store, 1, 0, 0},
    {"EMMS", emms, 1, 0, 0}, {"PSHUFW", pshufw, 1, 0, 0}, {"PMOVMSKB mm", pmovmskb_mm, 1, 0, 0},
    {"ADDPS", addps, 0, 1, 0}, {"MOVAPS", movaps, 0, 1, 0}, {"ADDSD", addsd, 0, 1, 0},
    {"PADDD xmm", paddd, 0, 1, 0}, {"MOVDQU", movdqu, 0, 1, 0}, {"HADDPS", haddps, 0, 1, 0},
    {"MOVQ2DQ", movq2dq, 1, 1, 0}, {"STMXCSR", stmxcsr, 0, 0, 1}, {"LDMXCSR", ldmxcsr, 0, 0, 1},
    {"MOVNTI", movnti, 0, 0, 0}, {"SFENCE", sfence, 0, 0, 0}, {"LFENCE, MFENCE", mfence, 0, 0, 0},
    {"PREFETCHT0", prefetch, 0, 0, 0},
};
#define INSNS (sizeof insns / sizeof insns[0])

/* A check whose name is in two parts. */
static void check2(const char *mode, const char *name, u32 got, u32 want)
{
    static char text[80];
    char *p = text;
    while (*mode)
        *p++ = *mode++;
    while ((*p++ = *name++))
        ;
    check(text, got, want);
}

static void mode(u32 cr0, u32 cr4)
{
    write_cr0((read_cr0() & ~(u32)(MP | EM | TS_BIT)) | NE | cr0);
    write_cr4(cr4);
}

static void set_mxcsr(u32 v)
{
    word = v;
    ldmxcsr();
}

static u32 mxcsr(void)
{
    stmxcsr();
    return word;
}

static void control_bits(void)
{
    static const struct {
        const char *name;
        u32 cr0, cr4;
    } modes[] = {
        {"all on: ", MP, OSFXSR | OSXMMEXCPT}, {"no OSFXSR: ", MP, 0}, {"TS: ", TS_BIT, OSFXSR | OSXMMEXCPT},
        {"TS, no OSFXSR: ", TS_BIT | MP, 0}, {"EM: ", EM, OSFXSR | OSXMMEXCPT},
        {"EM, TS: ", EM | TS_BIT, OSFXSR}
    };
    for (u32 m = 0; m < sizeof modes / sizeof modes[0]; m++) {
        for (u32 i = 0; i < INSNS; i++) {
            bool sse = insns[i].xmm || insns[i].control;
            u32 want = (u8)NONE;
            if ((modes[m].cr0 & TS_BIT) && (sse || insns[i].mmx))
                want = NM;
            if (((modes[m].cr0 & EM) && (sse || insns[i].mmx)) || (!(modes[m].cr4 & OSFXSR) && sse))
                want = UD;
            word = MXCSR_INIT;
            mode(modes[m].cr0, modes[m].cr4);
            check2(modes[m].name, insns[i].name, outcome(try(insns[i].fn)), want);
        }
        u32 x87 = modes[m].cr0 & (EM | TS_BIT) ? NM : (u8)NONE;
        check2(modes[m].name, "FXSAVE", outcome(try(fxsave)), x87);
        check2(modes[m].name, "FXRSTOR", outcome(try(fxrstor)), x87);
        check2(modes[m].name, "FISTTP", outcome(try(fisttp)), x87);
    }
    mode(MP, OSFXSR | OSXMMEXCPT);
    emms();
}

static void pend_x87(void)
{
    static const double one = 1, zero;
    u16 cw = 0x37b; /* #Z not masked */
    __asm__ volatile("fninit; fldcw %0; fldl %1; fdivl %2" : : "m"(cw), "m"(one), "m"(zero));
}

static void pending_x87(void)
{
    for (u32 i = 0; i < INSNS; i++) {
        pend_x87();
        word = MXCSR_INIT;
        int v = try(insns[i].fn);
        __asm__ volatile("fnclex");
        check2("x87 error pending: ", insns[i].name, outcome(v), insns[i].mmx ? MF : (u8)NONE);
    }
    __asm__ volatile("fninit");
}

static void div_zero(void)
{
    __asm__ volatile("movaps %0, %%xmm2; divps %1, %%xmm2" : : "m"(ones), "m"(with_zero));
}
static void inexact(void)
{
    __asm__ volatile("movaps %0, %%xmm3; divss %1, %%xmm3" : : "m"(ones), "m"(with_zero[3]));
}
static void store2(void) { __asm__ volatile("movaps %%xmm2, %0" : "=m"(vec)); }

static void exceptions(void)
{
    set_mxcsr(MXCSR_INIT);
    check("1 / 0 masked", outcome(try(div_zero)), (u8)NONE);
    store2();
    check(" infinity", vec[1], 0x7f800000);
    check(" 1 / 3 is inexact too", mxcsr(), MXCSR_INIT | 0x24);
    set_mxcsr(MXCSR_INIT & ~(u32)ZM);
    check("1 / 0 unmasked", outcome(try(div_zero)), XM);
    store2();
    check(" nothing written", vec[3] == 0x3f800000 && vec[1] == 0x3f800000, 1);
    check(" ZE alone", mxcsr(), (MXCSR_INIT & ~(u32)ZM) | 4);
    check(" in ring 3", outcome(try_user(div_zero)), XM);
    check(" CS", trap.cs, G_UCODE);
    mode(MP, OSFXSR);
    set_mxcsr(MXCSR_INIT & ~(u32)ZM);
    check("without OSXMMEXCPT", outcome(try(div_zero)), UD);
    check(" ZE", mxcsr(), (MXCSR_INIT & ~(u32)ZM) | 4);
    mode(MP, OSFXSR | OSXMMEXCPT);
    set_mxcsr(MXCSR_INIT & ~(u32)PM);
    check("inexact unmasked", outcome(try(inexact)), XM);
    check(" PE", mxcsr(), (MXCSR_INIT & ~(u32)PM) | 0x20);
    set_mxcsr((MXCSR_INIT & ~(u32)PM) | 0x20);
    check("a flag that LDMXCSR sets", outcome(try(addps)), (u8)NONE);
    word = 0x10000 | MXCSR_INIT;
    check("LDMXCSR of a reserved bit", outcome(try(ldmxcsr)), GP);
    set_mxcsr(MXCSR_INIT);
    check("no flags", mxcsr(), MXCSR_INIT);
    /* Flags stay through many blocks, and through an exception in between. */
    for (u32 i = 0; i < 300; i++) {
        inexact();
        if (i == 150)
            (void)try_user(movaps);
    }
    check("PE stays", mxcsr(), MXCSR_INIT | 0x20);
    set_mxcsr(MXCSR_INIT);
    for (u32 i = 0; i < 300; i++)
        __asm__ volatile("mulss %xmm0, %xmm0; sqrtss %xmm0, %xmm0; cmpltss %xmm0, %xmm0");
    set_mxcsr(MXCSR_INIT);
    check("LDMXCSR clears", mxcsr(), MXCSR_INIT);
}

static u32 *at; /* where misaligned and faulting accesses go */
static void at_movaps(void) { __asm__ volatile("movaps (%0), %%xmm4" : : "r"(at)); }
static void at_movaps_store(void) { __asm__ volatile("movaps %%xmm4, (%0)" : : "r"(at) : "memory"); }
static void at_addps(void) { __asm__ volatile("addps (%0), %%xmm4" : : "r"(at)); }
static void at_pand(void) { __asm__ volatile("pand (%0), %%xmm4" : : "r"(at)); }
static void at_movntdq(void) { __asm__ volatile("movntdq %%xmm4, (%0)" : : "r"(at) : "memory"); }
static void at_movups(void) { __asm__ volatile("movups (%0), %%xmm4" : : "r"(at)); }
static void at_movups_store(void) { __asm__ volatile("movups %%xmm4, (%0)" : : "r"(at) : "memory"); }
static void at_lddqu(void) { __asm__ volatile("lddqu (%0), %%xmm4" : : "r"(at)); }
static void at_movhps(void) { __asm__ volatile("movhps (%0), %%xmm4" : : "r"(at)); }
static void at_addsd(void) { __asm__ volatile("addsd (%0), %%xmm4" : : "r"(at)); }
static void at_movq(void) { __asm__ volatile("movq %%mm0, (%0)" : : "r"(at) : "memory"); }
static void at_fxsave(void) { __asm__ volatile("fxsave (%0)" : : "r"(at) : "memory"); }
static void at_fxrstor(void) { __asm__ volatile("fxrstor (%0)" : : "r"(at)); }
static void load4(void) { __asm__ volatile("movaps %0, %%xmm4" : : "m"(ones)); }
static bool kept4(void)
{
    __asm__ volatile("movaps %%xmm4, %0" : "=m"(vec));
    return vec[0] == ones[0] && vec[1] == ones[1] && vec[2] == ones[2] && vec[3] == ones[3];
}

static const struct {
    const char *name;
    void (*fn)(void);
    u8 size, aligned, store;
} accesses[] = {
    {"MOVAPS", at_movaps, 16, 1, 0}, {"MOVAPS store", at_movaps_store, 16, 1, 1},
    {"ADDPS", at_addps, 16, 1, 0}, {"PAND", at_pand, 16, 1, 0}, {"MOVNTDQ", at_movntdq, 16, 1, 1},
    {"MOVUPS", at_movups, 16, 0, 0}, {"MOVUPS store", at_movups_store, 16, 0, 1},
    {"LDDQU", at_lddqu, 16, 0, 0}, {"MOVHPS", at_movhps, 8, 0, 0}, {"ADDSD", at_addsd, 8, 0, 0},
    {"MOVQ mm store", at_movq, 8, 0, 1},
};
#define ACCESSES (sizeof accesses / sizeof accesses[0])

static void addresses(void)
{
    memset(pages[0], 0, 4096);
    for (u32 i = 0; i < ACCESSES; i++) {
        at = (u32 *)(pages[0] + 1028);
        u32 want = accesses[i].aligned ? GP : (u8)NONE;
        check2("misaligned: ", accesses[i].name, outcome(try(accesses[i].fn)), want);
    }
    at = (u32 *)(pages[0] + 1032);
    check("misaligned: FXSAVE", outcome(try(at_fxsave)), GP);
    check("misaligned: FXRSTOR", outcome(try(at_fxrstor)), GP);
    paging_on();
    *pte(pages[1]) = 0;
    invlpg(pages[1]);
    for (u32 i = 0; i < ACCESSES; i++) {
        /* Aligned ones at the page, others with half of it before. */
        at = (u32 *)(pages[1] - (accesses[i].aligned ? 0 : accesses[i].size / 2));
        memset(pages[0] + 4080, 0xa5, 16);
        load4();
        u32 want = PF | (accesses[i].store ? 2u << 16 : 0);
        check2("missing page: ", accesses[i].name, outcome(try(accesses[i].fn)), want);
        check(" CR2", trap_cr2, (u32)pages[1]);
        check(" nothing changed", kept4() && pages[0][4095] == 0xa5 && pages[0][4088] == 0xa5, 1);
    }
    at = (u32 *)(pages[1] - 256);
    check("missing page: FXSAVE", outcome(try(at_fxsave)), PF | 2 << 16);
    check(" CR2", trap_cr2, (u32)pages[1]);
    load4();
    check("missing page: FXRSTOR", outcome(try(at_fxrstor)), PF);
    check(" nothing changed", kept4(), 1);
    *pte(pages[1]) = (u32)pages[1] | P_P | P_RW | P_US;
    invlpg(pages[1]);
    for (u32 i = 0; i < ACCESSES; i++) {
        at = (u32 *)(pages[1] - (accesses[i].aligned ? 0 : accesses[i].size / 2));
        check2("across pages: ", accesses[i].name, outcome(try(accesses[i].fn)), (u8)NONE);
    }
    paging_off();
    emms();
}

static u16 fsw(void)
{
    u16 v;
    __asm__ volatile("fnstsw %0" : "=m"(v));
    return v;
}

static void shared_state(void)
{
    static const double pi = 3.25;
    static u32 ext[3];
    __asm__ volatile("fninit; fld1; fldz"); /* TOP 6, R7 = 1, R6 = 0 */
    fxsave();
    check("two on the stack: tags", area.ftw, 0xc0);
    __asm__ volatile("movq %%mm7, %0" : "=m"(out));
    check("MM7 is R7's significand", out[1], 0x80000000);
    check(" TOP is 0 now", fsw() >> 11 & 7, 0);
    fxsave();
    check(" all tags valid", area.ftw, 0xff);
    check(" R7 as it was", area.st[7][2] & 0xffff, 0x3fff);
    __asm__ volatile("movq %0, %%mm3" : : "m"(mm_value));
    fxsave();
    check("MOVQ mm3: low", area.st[3][0], 0x55667788);
    check(" high", area.st[3][1], 0x11223344);
    check(" exponent and sign all ones", area.st[3][2] & 0xffff, 0xffff);
    check(" MM4's not", area.st[4][2] & 0xffff, 0);
    __asm__ volatile("fstpt %0" : "=m"(ext)); /* ST0 is R0: whatever it is, TOP moves */
    check("FSTP after MMX: TOP", fsw() >> 11 & 7, 1);
    __asm__ volatile("fnclex; fldl %0" : : "m"(pi)); /* into R0, which FSTP has emptied */
    check("FLD into an empty register", fsw() & 0x3a41, 0);
    __asm__ volatile("fldl %0" : : "m"(pi)); /* R7 is full */
    check("FLD onto MM7: stack overflow", fsw() & 0x3a41, 0x3a41);
    __asm__ volatile("fnclex; fninit; movq %0, %%mm2; emms" : : "m"(mm_value));
    fxsave();
    check("EMMS: all tags empty", area.ftw, 0);
    check(" MM2 is still there", area.st[2][0], 0x55667788);
    __asm__ volatile("fninit; fincstp; fincstp; fincstp; fldl %0" : : "m"(pi)); /* R2 */
    fxsave();
    check("FLD at TOP 3: R2", area.ftw, 4);
    check(" is ST0", area.st[0][1], 0xd0000000);
    __asm__ volatile("movq %%mm2, %0; emms" : "=m"(out));
    check(" and MM2", out[1], 0xd0000000);
    __asm__ volatile("fninit");
}

static void fill(u32 seed)
{
    for (u32 i = 0; i < 8; i++)
        for (u32 j = 0; j < 4; j++)
            other.xmm[i][j] = seed * 0x01010101 + (i << 4 | j);
    __asm__ volatile("movaps %0, %%xmm0" : : "m"(other.xmm[0]));
    __asm__ volatile("movaps %0, %%xmm1" : : "m"(other.xmm[1]));
    __asm__ volatile("movaps %0, %%xmm2" : : "m"(other.xmm[2]));
    __asm__ volatile("movaps %0, %%xmm3" : : "m"(other.xmm[3]));
    __asm__ volatile("movaps %0, %%xmm4" : : "m"(other.xmm[4]));
    __asm__ volatile("movaps %0, %%xmm5" : : "m"(other.xmm[5]));
    __asm__ volatile("movaps %0, %%xmm6" : : "m"(other.xmm[6]));
    __asm__ volatile("movaps %0, %%xmm7" : : "m"(other.xmm[7]));
}

static bool xmm_are(u32 seed)
{
    memset(&other, 0, sizeof other);
    __asm__ volatile("fxsave %0" : "=m"(other));
    for (u32 i = 0; i < 8; i++)
        for (u32 j = 0; j < 4; j++)
            if (other.xmm[i][j] != seed * 0x01010101 + (i << 4 | j))
                return 0;
    return 1;
}

static u32 switches;
static bool lazy(struct frame *f)
{
    (void)f;
    __asm__ volatile("clts");
    fxrstor();
    switches++;
    return 1;
}

static void save_restore(void)
{
    fill(3);
    set_mxcsr(0x1fa5);
    memset(&area, 0xee, sizeof area);
    fxsave();
    check("FXSAVE: MXCSR", area.mxcsr, 0x1fa5);
    check(" mask", area.mxcsr_mask, 0xffff);
    check(" XMM5", area.xmm[5][2], 0x03030303 + 0x52);
    check(" the rest is left alone", area.x1[0] == 0xeeeeeeee && area.x1[55] == 0xeeeeeeee, 1);
    fill(7);
    set_mxcsr(MXCSR_INIT);
    fxrstor();
    check("FXRSTOR: XMM", xmm_are(3), 1);
    check(" MXCSR", mxcsr(), 0x1fa5);
    area.mxcsr = 0x80000000;
    fill(7);
    check("FXRSTOR of a reserved bit", outcome(try(fxrstor)), GP);
    check(" nothing changed", xmm_are(7), 1);
    mode(MP, 0);
    area.mxcsr = 0x1f81;
    memset(area.xmm, 0x11, sizeof area.xmm);
    fxrstor();
    memset(&area, 0xdd, sizeof area);
    fxsave();
    check("without OSFXSR XMM is not saved", area.xmm[0][0], 0xdddddddd);
    mode(MP, OSFXSR | OSXMMEXCPT);
    check(" nor restored", xmm_are(7), 1);
    /* As kernels that switch at the first use do. */
    set_mxcsr(MXCSR_INIT);
    fill(9);
    fxsave();
    fill(5);
    hooks[NM] = lazy;
    switches = 0;
    for (u32 i = 0; i < 20; i++) {
        mode(MP | TS_BIT, OSFXSR | OSXMMEXCPT);
        paddd(); /* xmm0 += xmm1 */
        __asm__ volatile("psubd %xmm1, %xmm0");
        fxsave();
    }
    hooks[NM] = 0;
    check("lazy switches", switches, 20);
    check(" state of the other task", xmm_are(9), 1);
    set_mxcsr(MXCSR_INIT);
}

/* 64 elements summed in a loop that is translated, checked against the integer unit. */
static void work(void)
{
    static u32 a[64] __attribute__((aligned(16))), sum, got[4] __attribute__((aligned(16)));
    sum = 0;
    for (u32 i = 0; i < 64; i++) {
        a[i] = i * 0x9e3779b9u;
        sum += a[i];
    }
    u32 *p = a;
    u32 n = 16;
    __asm__ volatile("pxor %%xmm0, %%xmm0\n"
                     "1: paddd (%0), %%xmm0\n\tadd $16, %0\n\tdec %1\n\tjnz 1b\n"
                     "movaps %%xmm0, %2" : "+r"(p), "+r"(n), "=m"(got) : : "memory", "cc");
    check("PADDD loop", got[0] + got[1] + got[2] + got[3], sum);
    double x = 0;
    n = 100;
    __asm__ volatile("fninit; xorpd %%xmm0, %%xmm0\n"
                     "1: cvtsi2sd %1, %%xmm1\n\taddsd %%xmm1, %%xmm0\n\tdec %1\n\tjnz 1b\n"
                     "movsd %%xmm0, %0\n\tcvttsd2si %%xmm0, %1" : "=m"(x), "+r"(n) : : "memory", "cc");
    check("ADDSD loop", n, 5050);
    check(" exact", mxcsr(), MXCSR_INIT);
}

void test(void)
{
    mode(MP, OSFXSR | OSXMMEXCPT);
    __asm__ volatile("fninit");
    set_mxcsr(MXCSR_INIT);
    control_bits();
    pending_x87();
    exceptions();
    addresses();
    shared_state();
    save_restore();
    work();
}
