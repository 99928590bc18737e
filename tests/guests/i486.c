/* What a 486 does not have is undefined on it.
 * options: -cpu 486 */
#include "guest.h"

static void cmov(void) { __asm__ volatile(".byte 0x0f, 0x44, 0xc0"); }
static void rdtsc(void) { __asm__ volatile("rdtsc" : : : "eax", "edx"); }
static void rdmsr_tsc(void) { __asm__ volatile("rdmsr" : : "c"(0x10) : "eax", "edx"); }
static void cx8(void) { __asm__ volatile(".byte 0x0f, 0xc7, 0x0e" : : "S"(pages) : "eax", "edx", "memory"); }
static void sysenter(void) { __asm__ volatile("sysenter"); }
static void fcmov(void) { __asm__ volatile("fninit; fldz; fldz; .byte 0xda, 0xc1"); }
static void fcomi(void) { __asm__ volatile("fninit; fldz; fldz; .byte 0xdb, 0xf1"); }
static void emms(void) { __asm__ volatile("emms"); }
static void nop_modrm(void) { __asm__ volatile(".byte 0x0f, 0x1f, 0xc0"); }
static void bswap(void) { __asm__ volatile("bswap %%eax" : : : "eax"); }
static void xadd(void) { __asm__ volatile("xadd %%eax, %0" : "+m"(*(u32 *)pages) : : "eax"); }
static void cmpxchg(void) { __asm__ volatile("cmpxchg %%eax, %0" : "+m"(*(u32 *)pages) : : "eax"); }
static void do_invlpg(void) { invlpg(pages); }
static void wbinvd(void) { __asm__ volatile("wbinvd"); }

void test(void)
{
    check("CMOVcc", outcome(try(cmov)), UD);
    check("RDTSC", outcome(try(rdtsc)), UD);
    check("RDMSR", outcome(try(rdmsr_tsc)), UD);
    check("CMPXCHG8B", outcome(try(cx8)), UD);
    check("SYSENTER", outcome(try(sysenter)), UD);
    check("FCMOVcc", outcome(try(fcmov)), UD);
    check("FCOMI", outcome(try(fcomi)), UD);
    check("EMMS", outcome(try(emms)), UD);
    check("NOP with ModRM", outcome(try(nop_modrm)), UD);
    check("BSWAP", (u32)try(bswap), (u32)NONE);
    check("XADD", (u32)try(xadd), (u32)NONE);
    check("CMPXCHG", (u32)try(cmpxchg), (u32)NONE);
    check("INVLPG", (u32)try(do_invlpg), (u32)NONE);
    check("WBINVD", (u32)try(wbinvd), (u32)NONE);
    write_eflags(0x40002);
    check("AC can be set", read_eflags() & 0x40000, 0x40000);
    write_eflags(2);
}
