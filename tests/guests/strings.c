/* String instructions at the edges: wrap of 16-bit registers, segment limits in the middle, overlap,
 * DF, zero counts, address-size prefix. */
#include "guest.h"

enum { S = G_FREE };
static u8 a[8192] __attribute__((aligned(4096))), b[8192] __attribute__((aligned(4096)));
static u32 in_c, in_s, in_d, in_a, out_c, out_s, out_d, out_a, out_f, seg = G_KDATA;

#define STRING(name, text)                                                                              \
    static void name(void)                                                                              \
    {                                                                                                   \
        __asm__ volatile("mov %5, %%es\n mov %4, %%eax\n" text "\n mov %%eax, %3\n pushf\n pop %%eax\n"     \
                         " mov %%eax, %6\n cld\n push %%ds\n pop %%es"                                      \
                         : "=c"(out_c), "=S"(out_s), "=D"(out_d), "=m"(out_a)                           \
                         : "m"(in_a), "r"(seg), "m"(out_f), "0"(in_c), "1"(in_s), "2"(in_d)             \
                         : "eax", "memory", "cc");                                                      \
    }
STRING(movsb, "rep movsb")
STRING(movsd, "rep movsl")
STRING(movsb_down, "std\n rep movsb")
STRING(movsd_down, "std\n rep movsl")
STRING(movsb16, "addr16 rep movsb")
STRING(stosd, "rep stosl")
STRING(stosw_down, "std\n rep stosw")
STRING(stosb16, "addr16 rep stosb")
STRING(scasb, "repne scasb")
STRING(scasd, "repe scasl")
STRING(cmpsb, "repe cmpsb")
STRING(cmpsd, "repne cmpsl")
STRING(lodsd, "rep lodsl")
STRING(one_movsd, "movsl")
STRING(one_scasw, "scasw")

static void in(u32 c, const void *s, const void *d, u32 al)
{
    in_c = c;
    in_s = (u32)s;
    in_d = (u32)d;
    in_a = al;
}
static void fill(void)
{
    for (u32 i = 0; i < sizeof a; i++) {
        a[i] = (u8)(i * 13 + (i >> 8));
        b[i] = 0;
    }
}
static u32 same(const u8 *x, const u8 *y, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (x[i] != y[i])
            return i;
    return n;
}

void test(void)
{
    fill();
    in(8000, a, b + 5, 0);
    movsb();
    check("REP MOVSB", same(a, b + 5, 8000), 8000);
    check(" ECX", out_c, 0);
    check(" ESI", out_s, (u32)a + 8000);
    check(" EDI", out_d, (u32)b + 8005);
    fill();
    in(2000, a + 1, b + 3, 0);
    movsd();
    check("REP MOVSD, misaligned", same(a + 1, b + 3, 8000), 8000);
    fill();
    in(8000, a + 7999, b + 7999 + 9, 0);
    movsb_down();
    check("REP MOVSB down", same(a, b + 9, 8000), 8000);
    check(" ESI", out_s, (u32)a - 1);
    fill();
    in(2000, a + 7996, b + 7997, 0);
    movsd_down();
    check("REP MOVSD down", same(a, b + 1, 8000), 8000);
    /* Overlap: a forward copy one byte on repeats the first byte. */
    fill();
    a[0] = 0x77;
    in(8000, a, a + 1, 0);
    movsb();
    check("overlap by one: repeats", a[8000] << 8 | a[4096], 0x7777);
    fill();
    in(1999, a, a + 4, 0);
    movsd();
    check("overlap by a dword: repeats", *(u32 *)(a + 7992), *(u32 *)a);
    fill();
    for (u32 i = 0; i < 8192; i++)
        b[i] = a[i];
    for (u32 i = 0; i < 1000; i++)
        *(volatile u32 *)(b + 4 * i + 3) = *(volatile u32 *)(b + 4 * i);
    in(1000, a, a + 3, 0);
    movsd();
    check("overlap by three bytes", same(a, b, 8192), 8192);
    fill();
    memcpy(b, a, 8192);
    in(4000, a + 100, a, 0);
    movsb();
    check("overlap downwards is a move", same(a, b + 100, 4000), 4000);
    in(0, (void *)1, (void *)2, 0);
    movsb();
    check("count 0: ESI", out_s, 1);
    check("count 0: EDI", out_d, 2);

    in(2000, 0, b, 0x12345678);
    stosd();
    check("REP STOSD", *(u32 *)(b + 7996), 0x12345678);
    in(3, 0, b + 100, 0xabcd);
    stosw_down();
    check("REP STOSW down", *(u16 *)(b + 96) << 16 | *(u16 *)(b + 100), 0xabcdabcd);
    check(" EDI", out_d, (u32)b + 94);

    fill();
    memset(b, 5, 8192);
    b[5000] = 9;
    in(8192, 0, b, 9);
    scasb();
    check("REPNE SCASB", out_d, (u32)b + 5001);
    check(" ECX", out_c, 8192 - 5001);
    check(" ZF", out_f & 0x40, 0x40);
    in(100, 0, b, 9);
    scasb();
    check("REPNE SCASB finds nothing: ECX", out_c, 0);
    check(" ZF", out_f & 0x40, 0);
    in(2048, 0, b, 0x05050505);
    scasd();
    check("REPE SCASD", out_d, (u32)b + 5004);
    memcpy(a, b, 8192);
    a[7000] = 6;
    in(8192, a, b, 0);
    cmpsb();
    check("REPE CMPSB", out_s, (u32)a + 7001);
    check(" flags of 6 - 5", out_f & 0x8d5, 0);
    for (u32 i = 0; i < 8192; i++)
        b[i] = (u8)~a[i];
    memcpy(b + 4000, a + 4000, 4);
    in(2048, a, b, 0);
    cmpsd();
    check("REPNE CMPSD", out_d, (u32)b + 4004);
    fill();
    in(2048, a, 0, 0);
    lodsd();
    check("REP LODSD", out_a, *(u32 *)(a + 8188));

    /* 16-bit addresses wrap within 64 KiB: on low memory. */
    u8 *low = (u8 *)0xff00;
    __asm__ volatile("" : "+r"(low));
    for (u32 i = 0; i < 0x100; i++)
        low[i] = (u8)i;
    in(0x5a000000 | 0x80, (void *)0x1234ff80, (void *)0x56788000, 0);
    movsb16();
    check("REP MOVSB, 16-bit addresses", *(volatile u8 *)0x807f, 0xff);
    check(" ECX", out_c, 0x5a000000);
    check(" ESI", out_s, 0x12340000);
    check(" EDI", out_d, 0x56788080);
    in(0x20, 0, (void *)0xfff0, 0x66);
    stosb16();
    check("REP STOSB, 16-bit addresses: wrap", *(volatile u8 *)0x0f + (*(volatile u8 *)0xffff << 8), 0x6666);
    check(" EDI", out_d, 0x10);

    /* A segment limit in the middle. */
    set_desc(S, (u32)b, 4999, A_DATA, F_BIG);
    seg = S;
    memset(b, 0, 8192);
    in(8000, a, 0, 0);
    check("segment limit in REP MOVSB", outcome(try(movsb)), GP);
    check(" ECX at the fault", trap.r.ecx, 3000);
    check(" EDI at the fault", trap.r.edi, 5000);
    check(" copied so far", same(a, b, 5000), 5000);
    in(2000, 0, (void *)2, 0x01010101);
    check("segment limit in REP STOSD", outcome(try(stosd)), GP);
    check(" EDI at the fault", trap.r.edi, 4998);
    check(" ECX at the fault", trap.r.ecx, 2000 - 1249);
    in(2, a + 16, (void *)4996, 0);
    check("up to the limit", outcome(try(one_movsd)), (u8)NONE);
    in(2, a + 16, (void *)4997, 0);
    check("over the limit", outcome(try(one_movsd)), GP);
    in(0, a, (void *)9999, 0);
    check("count 0 beyond the limit", outcome(try(movsb)), (u8)NONE);
    seg = G_KDATA;
    in(0, 0, b, 0x0101);
    one_scasw();
    check("SCASW", out_d, (u32)b + 2);
}
