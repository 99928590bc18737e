/* A faulting instruction changes nothing, and does all of its work when it is restarted after
 * the page has been mapped. */
#include "guest.h"

/* The page that is missing, and what the hook saw. */
static u8 *missing;
static u32 count, err, cr2, esp_seen, ecx_seen, esi_seen, edi_seen, eip_seen;

static bool map_it(struct frame *f)
{
    count++;
    err = f->err;
    cr2 = read_cr2();
    ecx_seen = f->r.ecx;
    esi_seen = f->r.esi;
    edi_seen = f->r.edi;
    eip_seen = f->eip;
    esp_seen = f->esp;
    *pte(missing) |= P_P;
    invlpg(missing);
    return 1;
}

static void take(u8 *page)
{
    missing = page;
    count = 0;
    *pte(page) &= ~P_P;
    invlpg(page);
}

/* User code on a stack of ours: SS:ESP within the test pages, so the fault comes by ring change. */
static struct frame uframe;
static int user_at(void *code, void *stack)
{
    uframe.ds = uframe.es = uframe.fs = uframe.gs = G_UDATA;
    uframe.eip = (u32)code;
    uframe.cs = G_UCODE;
    uframe.eflags = 2;
    uframe.esp = (u32)stack;
    uframe.ss = G_UDATA;
    return try_frame(&uframe);
}

extern u8 c_pusha[], c_call[], c_pushm[], c_enter[], c_movs[], c_movsb[], c_stos[], c_lods[], c_scas[], c_cmps[];
extern u8 c_xchg[], c_cmpxchg[], c_xadd[], c_popm[], c_popa[], c_pop[], c_bts[], c_rclm[], c_down[], c_cx8[];
extern u8 c_lds[], c_leave[], c_pushf[], c_add[], c_shl0[];
__asm__("c_pusha: pusha\n int $0x80\n"
        "c_call: call 1f\n1: int $0x80\n"
        "c_pushm: pushl (%esi)\n int $0x80\n"
        "c_enter: enter $16, $3\n int $0x80\n"
        "c_movs: rep movsl\n int $0x80\n"
        "c_movsb: rep movsb\n int $0x80\n"
        "c_stos: rep stosl\n int $0x80\n"
        "c_lods: rep lodsb\n int $0x80\n"
        "c_scas: repne scasb\n int $0x80\n"
        "c_cmps: repe cmpsb\n int $0x80\n"
        "c_xchg: xchg %eax, (%edi)\n int $0x80\n"
        "c_cmpxchg: cmpxchg %ecx, (%edi)\n int $0x80\n"
        "c_xadd: xadd %eax, (%edi)\n int $0x80\n"
        "c_popm: popl (%edi)\n int $0x80\n"
        "c_popa: popa\n int $0x80\n"
        "c_pop: pop %eax\n int $0x80\n"
        "c_bts: btsl %eax, (%edi)\n int $0x80\n"
        "c_rclm: rcll $3, (%edi)\n int $0x80\n"
        "c_down: std\n rep movsl\n cld\n int $0x80\n"
        "c_cx8: cmpxchg8b (%edi)\n int $0x80\n"
        "c_lds: lds (%esi), %ebx\n int $0x80\n"
        "c_leave: leave\n int $0x80\n"
        "c_pushf: pushf\n int $0x80\n"
        "c_add: add %eax, (%edi)\n int $0x80\n"
        "c_shl0: shll $0, (%edi)\n int $0x80\n");

static void regs(u32 eax, u32 ecx, void *esi, void *edi)
{
    memset(&uframe, 0, sizeof uframe);
    uframe.r.eax = eax;
    uframe.r.ecx = ecx;
    uframe.r.esi = (u32)esi;
    uframe.r.edi = (u32)edi;
    uframe.r.ebx = 0xb0b0b0b0;
    uframe.r.edx = 0xd0d0d0d0;
    uframe.r.ebp = 0xe0e0e0e0;
}

static void stack(void)
{
    u32 *mid = (u32 *)(pages[1] + 8); /* two dwords of a push go here, the rest to pages[0] */
    regs(1, 2, (void *)3, (void *)4);
    take(pages[0]);
    check("PUSHA ends", (u32)user_at(c_pusha, mid), SYSCALL);
    check("PUSHA: one fault", count, 1);
    check("PUSHA: error code", err, 6);
    /* The first push that fails, not the lowest address (seen on a real CPU). */
    check("PUSHA: CR2", cr2, (u32)pages[1] - 4);
    check("PUSHA: ESP at the fault", esp_seen, (u32)mid);
    check("PUSHA: EIP at the fault", eip_seen, (u32)c_pusha);
    check("PUSHA: EAX pushed", mid[-1], 1);
    check("PUSHA: EDI pushed", mid[-8], 4);
    check("PUSHA: ESP pushed", mid[-5], (u32)mid);
    check("PUSHA: ESP after", trap.esp, (u32)(mid - 8));

    regs(0, 0, 0, 0);
    take(pages[1]);
    check("POPA ends", (u32)user_at(c_popa, mid - 8), SYSCALL);
    check("POPA: one fault", count, 1);
    check("POPA: error code", err, 4);
    check("POPA: ESP at the fault", esp_seen, (u32)(mid - 8));
    check("POPA: EDI was not loaded", edi_seen, 0);
    check("POPA: EAX after", trap.r.eax, 1);
    check("POPA: EDI after", trap.r.edi, 4);

    take(pages[0]);
    check("CALL ends", (u32)user_at(c_call, pages[1]), SYSCALL);
    check("CALL: one fault", count, 1);
    check("CALL: ESP at the fault", esp_seen, (u32)pages[1]);
    check("CALL: CR2", cr2, (u32)pages[1] - 4);

    regs(0, 0, pages[2], 0);
    *(u32 *)pages[2] = 0x777;
    take(pages[0]);
    check("PUSH mem ends", (u32)user_at(c_pushm, pages[1]), SYSCALL);
    check("PUSH mem: one fault", count, 1);
    check("PUSH mem: pushed", *(u32 *)(pages[1] - 4), 0x777);
    take(pages[2]);
    check("PUSH mem, source: ends", (u32)user_at(c_pushm, pages[1]), SYSCALL);
    check("PUSH mem, source: ESP at the fault", esp_seen, (u32)pages[1]);

    regs(0, 0, 0, pages[2]);
    *(u32 *)pages[1] = 0x888;
    take(pages[2]);
    check("POP mem ends", (u32)user_at(c_popm, pages[1]), SYSCALL);
    check("POP mem: one fault", count, 1);
    check("POP mem: ESP at the fault", esp_seen, (u32)pages[1]);
    check("POP mem: stored", *(u32 *)pages[2], 0x888);
    check("POP mem: ESP after", trap.esp, (u32)pages[1] + 4);

    regs(0, 0, 0, 0);
    uframe.r.ebp = (u32)pages[2] + 64;
    take(pages[0]);
    check("ENTER ends", (u32)user_at(c_enter, mid), SYSCALL);
    check("ENTER: one fault", count, 1);
    check("ENTER: ESP at the fault", esp_seen, (u32)mid);
    check("ENTER: CR2", cr2, (u32)pages[1] - 4);
    check("ENTER: EBP after", trap.r.ebp, (u32)(mid - 1));
    check("ENTER: ESP after", trap.esp, (u32)(mid - 4) - 16);
    check("ENTER: last pointer", mid[-4], (u32)(mid - 1));

    regs(0, 0, 0, 0);
    uframe.r.ebp = (u32)pages[2];
    *(u32 *)pages[2] = 0x999;
    take(pages[2]);
    check("LEAVE ends", (u32)user_at(c_leave, mid), SYSCALL);
    check("LEAVE: ESP at the fault", esp_seen, (u32)mid);
    check("LEAVE: EBP after", trap.r.ebp, 0x999);
    check("LEAVE: ESP after", trap.esp, (u32)pages[2] + 4);

    take(pages[0]);
    check("PUSHF ends", (u32)user_at(c_pushf, pages[1]), SYSCALL);
    check("PUSHF: one fault", count, 1);
}

static void strings(void)
{
    u8 *src = pages[0] + 4096 - 20, *dst = pages[2];
    for (int i = 0; i < 40; i++)
        src[i] = (u8)i;
    memset(dst, 0, 64);
    regs(0, 10, src, dst);
    take(pages[1]);
    check("REP MOVSD, source: ends", (u32)user_at(c_movs, pages[3]), SYSCALL);
    check("REP MOVSD, source: one fault", count, 1);
    check("REP MOVSD, source: ECX at the fault", ecx_seen, 5);
    check("REP MOVSD, source: ESI at the fault", esi_seen, (u32)pages[1]);
    check("REP MOVSD, source: EDI at the fault", edi_seen, (u32)dst + 20);
    check("REP MOVSD, source: last byte", dst[39], 39);
    check("REP MOVSD, source: ECX after", trap.r.ecx, 0);

    dst = pages[2] - 21; /* an element lies across the pages */
    regs(0, 10, src, dst);
    take(pages[2]);
    check("REP MOVSD, destination: ends", (u32)user_at(c_movs, pages[3]), SYSCALL);
    check("REP MOVSD, destination: ECX at the fault", ecx_seen, 5);
    check("REP MOVSD, destination: EDI at the fault", edi_seen, (u32)dst + 20);
    check("REP MOVSD, destination: error code", err, 6);
    check("REP MOVSD, destination: CR2", cr2, (u32)pages[2]);
    check("REP MOVSD, destination: last byte", dst[39], 39);

    regs(0, 10, src + 36, pages[3] + 136);
    take(pages[0]);
    check("REP MOVSD down: ends", (u32)user_at(c_down, pages[3] + 1024), SYSCALL);
    check("REP MOVSD down: ECX at the fault", ecx_seen, 5);
    check("REP MOVSD down: ESI at the fault", esi_seen, (u32)pages[1] - 4);
    check("REP MOVSD down: first byte", pages[3][100], 0);
    check("REP MOVSD down: last byte", pages[3][139], 39);

    regs(0x61616161, 2048, 0, pages[0]);
    take(pages[1]);
    check("REP STOSD ends", (u32)user_at(c_stos, pages[3]), SYSCALL);
    check("REP STOSD: ECX at the fault", ecx_seen, 1024);
    check("REP STOSD: EDI after", trap.r.edi, (u32)pages[2]);
    check("REP STOSD: last byte", pages[1][4095], 0x61);

    pages[1][99] = 0x62;
    regs(0x62, 8192, 0, pages[0]);
    take(pages[1]);
    check("REPNE SCASB ends", (u32)user_at(c_scas, pages[3]), SYSCALL);
    check("REPNE SCASB: ECX at the fault", ecx_seen, 4096);
    check("REPNE SCASB: EDI after", trap.r.edi, (u32)pages[1] + 100);
    check("REPNE SCASB: ZF", trap.eflags & 0x40, 0x40);

    memset(pages[2], 0x61, 4096);
    pages[2][200] = 0x63;
    regs(0, 8192, pages[0] + 4000, pages[2] + 4);
    take(pages[1]);
    check("REPE CMPSB ends", (u32)user_at(c_cmps, pages[3]), SYSCALL);
    check("REPE CMPSB: ECX at the fault", ecx_seen, 8192 - 96);
    check("REPE CMPSB: ESI after", trap.r.esi, (u32)pages[1] + 100);
    check("REPE CMPSB: EDI after", trap.r.edi, (u32)pages[2] + 200);

    regs(0, 4096, pages[0] + 2048, 0);
    take(pages[1]);
    check("REP LODSB ends", (u32)user_at(c_lods, pages[3]), SYSCALL);
    check("REP LODSB: ECX at the fault", ecx_seen, 2048);
    check("REP LODSB: AL", trap.r.eax & 0xff, 0x61);

    regs(0, 0, (void *)0, (void *)0);
    take(pages[1]);
    check("REP MOVSB of nothing ends", (u32)user_at(c_movsb, pages[3]), SYSCALL);
    check("REP MOVSB of nothing: no fault", count, 0);
    *pte(pages[1]) |= P_P;
}

static void memory(void)
{
    u32 *m = (u32 *)(pages[0] + 4094); /* across two pages */
    regs(0x11111111, 0, 0, m);
    __builtin_memcpy(m, "\x22\x22\x22\x22", 4);
    take(pages[1]);
    check("XCHG ends", (u32)user_at(c_xchg, pages[3]), SYSCALL);
    check("XCHG: one fault", count, 1);
    check("XCHG: CR2", cr2, (u32)pages[1]);
    check("XCHG: memory", *m, 0x11111111);
    check("XCHG: register", trap.r.eax, 0x22222222);
    /* XCHG and the other read-modify-writes fault as writes. */
    check("XCHG: error code", err, 6);
    *pte(pages[1]) &= ~P_RW;
    invlpg(pages[1]);
    regs(0x33333333, 0, 0, m);
    check("XCHG, second page read-only", outcome(user_at(c_xchg, pages[3])), SYSCALL);
    check("XCHG, second page read-only: WP=0 is for ring 0 only", err, 7);
    *pte(pages[1]) |= P_RW;
    invlpg(pages[1]);
}

static bool make_writable(struct frame *f)
{
    count++;
    err = f->err;
    cr2 = read_cr2();
    *pte(missing) |= P_RW | P_P;
    invlpg(missing);
    return 1;
}

static void read_only(u8 *page)
{
    missing = page;
    count = 0;
    *pte(page) &= ~P_RW;
    invlpg(page);
}

static void modify(void)
{
    u32 *m = (u32 *)(pages[0] + 4094);
    hooks[PF] = make_writable;
    *m = 5;
    regs(5, 9, 0, m);
    read_only(pages[1]);
    check("CMPXCHG ends", (u32)user_at(c_cmpxchg, pages[3]), SYSCALL);
    check("CMPXCHG: one fault", count, 1);
    check("CMPXCHG: error code", err, 7);
    check("CMPXCHG: memory", *m, 9);
    regs(7, 9, 0, m);
    read_only(pages[1]);
    /* The write cycle is there though the comparison fails. */
    check("CMPXCHG, not equal: ends", (u32)user_at(c_cmpxchg, pages[3]), SYSCALL);
    check("CMPXCHG, not equal: one fault", count, 1);
    check("CMPXCHG, not equal: EAX", trap.r.eax, 9);
    regs(1, 0, 0, m);
    read_only(pages[1]);
    check("XADD ends", (u32)user_at(c_xadd, pages[3]), SYSCALL);
    check("XADD: memory", *m, 10);
    check("XADD: register", trap.r.eax, 9);
    check("XADD: one fault", count, 1);
    *m = 1;
    regs(0, 0, 0, m);
    read_only(pages[1]);
    check("RCL mem ends", (u32)user_at(c_rclm, pages[3]), SYSCALL);
    check("RCL mem: memory", *m, 8);
    regs((u32)-8 * 3, 0, 0, pages[1] + 1);
    *(u32 *)(pages[1] - 3) = 0;
    read_only(pages[0]);
    check("BTS with an offset ends", (u32)user_at(c_bts, pages[3]), SYSCALL);
    check("BTS with an offset: one fault", count, 1);
    check("BTS with an offset: memory", *(u32 *)(pages[1] - 3), 1 << 8);
    __builtin_memset(pages[0] + 4092, 0, 8);
    regs(1, 0, 0, pages[0] + 4092);
    read_only(pages[1]);
    check("CMPXCHG8B ends", (u32)user_at(c_cx8, pages[3]), SYSCALL);
    check("CMPXCHG8B: one fault", count, 1);
    check("CMPXCHG8B: EAX", trap.r.eax, 0);
    check("CMPXCHG8B: EDX", trap.r.edx, 0);
    /* Real CPUs access the operand for writing even if nothing is shifted. */
    regs(1, 0, 0, m);
    read_only(pages[1]);
    check("SHL by 0 ends", (u32)user_at(c_shl0, pages[3]), SYSCALL);
    check("SHL by 0: one fault", count, 1);
    check("SHL by 0: error code", err, 7);
    *m = 1;
    take(pages[1]);
    check("ADD to memory ends", (u32)user_at(c_add, pages[3]), SYSCALL);
    check("ADD to memory: error code", err, 6);
    check("ADD to memory: sum", *m, 2);
    hooks[PF] = map_it;
}

void test(void)
{
    paging_on();
    hooks[PF] = map_it;
    stack();
    strings();
    hooks[PF] = make_writable;
    memory();
    modify();
}
