/* x87 and the system: CR0.TS, EM, MP; unmasked exceptions as #MF and as IRQ 13; save areas that
 * fault. */
#include "guest.h"

enum { MP = 2, EM = 4, TS_BIT = 8, NE = 0x20 };
static double result, zero, one = 1;
static u16 sw;
static void fld1(void) { __asm__ volatile("fld1; fstp %st(0)"); }
static void fnstcw(void) { __asm__ volatile("fnstcw %0" : "=m"(sw)); }
static void fnstsw(void) { __asm__ volatile("fnstsw %%ax" : : : "eax"); }
static void fwait(void) { __asm__ volatile("fwait"); }
static void fninit(void) { __asm__ volatile("fninit"); }
extern u8 f_div[], f_next[], f_wait[];
static void div0(void)
{
    u16 cw = 0x37b; /* #Z not masked */
    __asm__ volatile("fninit; fldcw %0; fldl %1\n"
                     "f_div: fdivl %2\n nop\n"
                     "f_next: fstpl %3" : : "m"(cw), "m"(one), "m"(zero), "m"(result) : "memory");
}
static void div0_wait(void)
{
    u16 cw = 0x37b;
    __asm__ volatile("fninit; fldcw %0; fldl %1\n fdivl %2\n nop\n f_wait: fwait" : : "m"(cw), "m"(one), "m"(zero));
}
static void div0_clear(void)
{
    u16 cw = 0x37b;
    __asm__ volatile("fninit; fldcw %0; fldl %1\n fdivl %2\n fnstsw %3\n fnclex\n fwait"
                     : : "m"(cw), "m"(one), "m"(zero), "m"(sw) : "memory");
}

static void got(const char *name, int vector, u32 want) { check(name, outcome(vector), want); }
static void mode(u32 bits) { write_cr0((read_cr0() & ~(u32)(MP | EM | TS_BIT | NE)) | bits); }

static void not_available(void)
{
    mode(MP | NE);
    fninit(); /* after RESET all registers are full, and all exceptions unmasked */
    got("x87", try(fld1), (u8)NONE);
    mode(EM | NE);
    got("EM: x87", try(fld1), NM);
    got("EM: FNSTCW", try(fnstcw), NM);
    got("EM: FNSTSW AX", try(fnstsw), NM);
    got("EM: FWAIT", try(fwait), (u8)NONE);
    mode(TS_BIT | NE);
    got("TS: x87", try(fld1), NM);
    got("TS: FNINIT", try(fninit), NM);
    got("TS: FWAIT", try(fwait), (u8)NONE);
    mode(TS_BIT | MP | NE);
    got("TS and MP: FWAIT", try(fwait), NM);
    mode(EM | MP | NE);
    got("EM and MP: FWAIT", try(fwait), (u8)NONE);
    mode(MP | TS_BIT | NE);
    __asm__ volatile("clts");
    got("CLTS", try(fld1), (u8)NONE);
}

static void numeric_error(void)
{
    mode(MP | NE);
    got("NE: division by zero", try(div0), MF);
    check(" at the next waiting instruction", trap.eip, (u32)f_next);
    __asm__ volatile("fnstsw %0" : "=m"(sw));
    check(" ZE, ES and B", sw & 0x80ff, 0x8084);
    struct { u16 cw, x0, sw, x1, tw, x2; u32 ip; u16 cs, op; u32 dp; u16 ds, x3; } __attribute__((packed)) env;
    __asm__ volatile("fnstenv %0; fnclex" : "=m"(env));
    check(" instruction pointer", env.ip, (u32)f_div);
    check(" data pointer", env.dp, (u32)&zero);
    check(" FNSTENV masked everything", (__extension__({ __asm__ volatile("fnstcw %0" : "=m"(sw)); sw & 0x3f; })), 0x3f);
    got("NE: FWAIT", try(div0_wait), MF);
    check(" at the FWAIT", trap.eip, (u32)f_wait);
    __asm__ volatile("fnclex");
    got("NE: FNSTSW and FNCLEX don't wait", try(div0_clear), (u8)NONE);
    check(" what FNSTSW saw", sw & 0x80ff, 0x8084);
}

static volatile u32 irqs;
static bool irq13(struct frame *f)
{
    (void)f;
    irqs++;
    outb(0xf0, 0);
    pic_eoi(13);
    return 1;
}
static void ferr(void)
{
    pic_init();
    hooks[0x2d] = irq13;
    mode(MP);
    pic_unmask(13);
    irqs = 0;
    __asm__ volatile("sti");
    u16 cw = 0x37b;
    __asm__ volatile("fninit; fldcw %0; fldl %1\n fdivl %2\n nop\n nop\n fnstsw %3"
                     : : "m"(cw), "m"(one), "m"(zero), "m"(sw) : "memory");
    /* FERR# may come with the instruction or with the next waiting one. */
    __asm__ volatile("fwait; nop; nop; nop");
    check("NE clear: IRQ 13", irqs >= 1, 1);
    check(" the error is still in the status word", sw & 0x80, 0x80);
    cli();
    __asm__ volatile("fnclex");
    outb(0xf0, 0);
    outb(0xa1, 0xff);
    outb(0x21, 0xff);
}

static void save_far(void) { __asm__ volatile("fnsave (%0)" : : "r"(pages[1] - 50) : "memory"); }
static void load_far(void) { __asm__ volatile("frstor (%0)" : : "r"(pages[1] - 50) : "memory"); }
static void store_far(void) { __asm__ volatile("fstpt (%0)" : : "r"(pages[1] - 5) : "memory"); }
static void faults(void)
{
    mode(MP | NE);
    paging_on();
    __asm__ volatile("fninit; fld1; fldpi");
    memset(pages[0], 0x5a, 4096);
    *pte(pages[1]) = 0;
    invlpg(pages[1]);
    got("FNSAVE across a missing page", try(save_far), PF | 2 << 16);
    check(" CR2", trap_cr2, (u32)pages[1]);
    __asm__ volatile("fnstsw %0" : "=m"(sw));
    check(" TOP as before", sw >> 11 & 7, 6);
    got("FRSTOR across a missing page", try(load_far), PF);
    __asm__ volatile("fnstsw %0" : "=m"(sw));
    check(" TOP as before ", sw >> 11 & 7, 6);
    got("FSTP m80 across a missing page", try(store_far), PF | 2 << 16);
    __asm__ volatile("fnstsw %0" : "=m"(sw));
    check(" not popped", sw >> 11 & 7, 6);
    *pte(pages[1]) = (u32)pages[1] | P_P | P_RW | P_US;
    invlpg(pages[1]);
    got("FNSAVE across pages", try(save_far), (u8)NONE);
    got("FRSTOR across pages", try(load_far), (u8)NONE);
    __asm__ volatile("fstpl %0; fstpl %1" : "=m"(result), "=m"(zero));
    check(" pi", ((u32 *)&result)[1], 0x400921fb);
    check(" 1", ((u32 *)&zero)[1], 0x3ff00000);
    paging_off();
}

void test(void)
{
    not_available();
    numeric_error();
    ferr();
    faults();
}
