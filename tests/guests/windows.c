/* Memory that translated code may reach without a look-up: rights and mappings that change below it.
 * options: -cpu pentium3 */
#include "guest.h"

static u8 *const page = pages[1];

static void map(u8 *linear, const u8 *physical, u32 bits)
{
    *pte(linear) = (u32)physical | bits;
    invlpg(linear);
}

/* ---- a read-modify-write that may read its operand but not write it keeps the flags ---- */

#define SETTERS(X)                                                                                  \
    X(cmp, "mov $5, %ebx\n cmp $7, %ebx") X(add, "mov $-1, %ebx\n add $1, %ebx")                    \
    X(test, "mov $-3, %ebx\n test %ebx, %ebx") X(inc, "stc\n mov $0x7fffffff, %ebx\n inc %ebx")     \
    X(dec, "stc\n mov $1, %ebx\n dec %ebx") X(neg, "mov $0x80000000, %ebx\n neg %ebx")              \
    X(rol, "xor %ebx, %ebx\n mov $0x80000001, %ebx\n rol $1, %ebx")                                 \
    X(sbb, "stc\n mov $0x80, %bl\n sbb $1, %bl") X(clc, "mov $-1, %ebx\n add $1, %ebx\n cmc")       \
    X(popf, "push $0x8d7\n popf")

#define FORMS(X)                                                                                    \
    X(add, "addl %eax, (%edi)") X(addb, "addb %al, (%edi)") X(addi, "addl $5, (%edi)")              \
    X(adc, "adcl %eax, (%edi)") X(sbb, "sbbw %ax, (%edi)") X(sub, "subl %eax, (%edi)")              \
    X(and, "andl %eax, (%edi)") X(xor, "xorl %eax, (%edi)") X(or, "orb $1, (%edi)")                 \
    X(inc, "incl (%edi)") X(incb, "incb (%edi)") X(dec, "decl (%edi)") X(decw, "decw (%edi)")       \
    X(neg, "negl (%edi)") X(not, "notl (%edi)") X(shl, "shll $1, (%edi)") X(shlc, "shll %cl, (%edi)") \
    X(shr, "shrl $1, (%edi)") X(sar, "sarl $1, (%edi)") X(rol, "roll $1, (%edi)")                   \
    X(rorc, "rorl %cl, (%edi)") X(rcl, "rcll $1, (%edi)") X(rcrc, "rcrl %cl, (%edi)")               \
    X(shld, "shldl $3, %eax, (%edi)") X(bts, "btsl %ecx, (%edi)") X(btr, "btrl $3, (%edi)")         \
    X(btc, "btcl $7, (%edi)") X(xadd, "xaddl %eax, (%edi)") X(xchg, "xchgl %eax, (%edi)")           \
    X(cmpxchg, "cmpxchgl %ecx, (%edi)") X(cmpxchg8, "cmpxchg8b (%edi)") X(sete, "sete (%edi)")      \
    X(setb, "setb (%edi)") X(pop, "push %eax\n popl (%edi)")

#define SETTER(n, code) void set_##n(void); __asm__("set_" #n ": " code "\n ret\n");
SETTERS(SETTER)
#define FORM(n, code) \
    void form_##n(void); \
    __asm__("form_" #n ": push %ebx\n push %edi\n mov address, %edi\n mov $0x12345678, %eax\n" \
            " mov $3, %ecx\n call *setter\n" code "\n pushf\n popl after\n pop %edi\n pop %ebx\n ret\n");
u32 address, setter, after;
__asm__("just_flags: push %ebx\n call *setter\n pushf\n popl after\n pop %ebx\n ret\n");
void just_flags(void);
FORMS(FORM)

static const struct { const char *name; void (*fn)(void); } setters[] = {
#define ROW(n, code) {#n, set_##n},
    SETTERS(ROW)
}, forms[] = {
#undef ROW
#define ROW(n, code) {#n, form_##n},
    FORMS(ROW)
};
enum { NSETTERS = sizeof setters / sizeof setters[0], NFORMS = sizeof forms / sizeof forms[0] };
enum { ARITH = 0x8d5 };

static void flags_at_faults(void)
{
    map(page, page, P_P | P_RW | P_G);
    memset(page, 0x5a, 64);
    print("to a page that may only be read\n");
    for (u32 k = 0; k < NFORMS; k++) {
        u32 bad = 0;
        for (u32 i = 0; i < NSETTERS; i++) {
            setter = (u32)setters[i].fn;
            just_flags();
            u32 want = after & ARITH;
            address = (u32)page + 4;
            map(page, page, P_P | P_G);
            bad |= ((volatile u8 *)page)[8] != 0x5a; /* it may be read */
            int v = try(forms[k].fn);
            bool same = 1;
            for (u32 j = 0; j < 64; j++)
                same &= page[j] == 0x5a;
            if (v != PF || (trap.eflags & ARITH) != want || !same || trap.err != 3) {
                bad |= 1u << i;
                print("  flags of ");
                print(setters[i].name);
                print(": ");
                print_hex(trap.eflags & ARITH);
                print(", not ");
                print_hex(want);
                print("\n");
            }
        }
        check(forms[k].name, bad, 0);
    }
}

/* The same to a page with code: done, at once, in another way. */
static void flags_in_code_pages(void)
{
    static u8 *const code = pages[2];
    print("to a page with code\n");
    for (u32 k = 0; k < NFORMS; k++) {
        u32 bad = 0;
        for (u32 i = 0; i < NSETTERS; i++) {
            u32 result[2][4];
            map(page, page, P_P | P_RW | P_G);
            map(code, code, P_P | P_RW | P_G);
            setter = (u32)setters[i].fn;
            for (u32 on = 0; on < 2; on++) {
                u8 *at = on ? code : page;
                memset(at, 0x5a, 64);
                put_mov(at + 1024, 77);
                if (on)
                    call_code(at + 1024);
                address = (u32)at + 4;
                (void)((volatile u8 *)at)[8];
                forms[k].fn();
                result[on][0] = after & ARITH;
                result[on][1] = *(u32 *)(at + 4);
                result[on][2] = *(u32 *)(at + 8);
            }
            for (u32 j = 0; j < 3; j++)
                bad |= (result[0][j] != result[1][j]) << i;
        }
        check(forms[k].name, bad, 0);
    }
}

/* ---- operands on two pages ---- */

static void st4(void) { __asm__ volatile("movl %%eax, (%0)" : : "r"(address) : "memory"); }
static void st2(void) { __asm__ volatile("movw %%ax, (%0)" : : "r"(address + 2) : "memory"); }
static void rmw4(void) { __asm__ volatile("addl $1, (%0)" : : "r"(address) : "memory"); }
static void st8(void) { __asm__ volatile("movlps %%xmm0, (%0)" : : "r"(address) : "memory"); }
static void st16(void) { __asm__ volatile("movups %%xmm0, (%0)" : : "r"(address) : "memory"); }
static void fst8(void) { __asm__ volatile("fldz\n fstpl (%0)" : : "r"(address) : "memory"); }
static void fst10(void) { __asm__ volatile("fldz\n fstpt (%0)" : : "r"(address) : "memory"); }
static void look(const volatile u8 *p)
{
    (void)p[9];
}

static void crossing(void)
{
    static const struct { const char *name; void (*fn)(void); } ways[] = {
        {"4 bytes", st4}, {"2 bytes", st2}, {"read-modify-write", rmw4}, {"8 bytes", st8}, {"16 bytes", st16},
        {"double", fst8}, {"80 bits", fst10}
    };
    u8 *second = page + 4096;
    for (u32 k = 0; k < sizeof ways / sizeof ways[0]; k++) {
        u32 first = 0, entry = 0, other = 0, changed = 0;
        address = (u32)second - 3;
        for (u32 way = 0; way < 6; way++) {
            /* The page that faults is missing or read only; the other one was written, read or neither. */
            u32 seen = way % 3, bits = seen == 0 ? 0 : seen == 1 ? P_A : P_A | P_D;
            u32 bad = (way < 3 ? P_RW : P_P | P_A) | P_G, fault = way < 3 ? PF | 2 << 16 : PF | 3 << 16;
            map(page, page, P_P | P_RW | P_G | P_A | P_D);
            map(second, second, P_P | P_RW | P_G | P_A | P_D);
            memset(second - 32, 0x11, 64);
            map(page, page, bad);
            if (bad & P_P)
                look(page);
            map(second, second, P_P | P_RW | P_G | bits);
            if (seen)
                look(second);
            u32 start = (u32)second - (ways[k].fn == st2 ? 1 : 3);
            bool right = outcome(try(ways[k].fn)) == fault && trap_cr2 == start;
            first |= !right << way;
            entry |= (*pte(second) & (P_A | P_D)) == bits ? 0 : 1u << way;
            map(page, page, P_P | P_RW | P_G | P_A | P_D);
            map(second, second, bad);
            if (bad & P_P)
                look(second);
            right = outcome(try(ways[k].fn)) == fault && trap_cr2 == (u32)second;
            other |= !right << way;
            map(second, second, P_P | P_RW | P_G);
            for (int i = -32; i < 32; i++)
                changed += second[i] != 0x11;
        }
        print(ways[k].name);
        print(" on two pages\n");
        check(" fault on the first", first, 0);
        check(" the second one's A and D are left alone", entry, 0);
        check(" fault on the second", other, 0);
        check(" bytes changed", changed, 0);
    }
    map(page, page, P_P | P_RW);
    map(second, second, P_P | P_RW);
}

/* ---- large pages, of which not every part can be reached directly ---- */

enum { MB = 1 << 20, LARGE = P_P | P_RW | P_PS | P_G, LARGE_AD = LARGE | P_A | P_D };

/* Each an instruction of its own: one that has met pages without a direct way keeps to the look-up. */
static inline __attribute__((always_inline)) u32 load(u32 at)
{
    return *(volatile u32 *)at;
}
static inline __attribute__((always_inline)) void store(u32 at, u32 v)
{
    *(volatile u32 *)at = v;
}

static void toggle_wp(void)
{
    u32 cr0 = read_cr0();
    write_cr0(cr0 ^ 0x10000);
    write_cr0(cr0);
}

/* Different words at the same place of each 2 MiB. */
static void marks(void)
{
    for (u32 i = 1; i < 8; i++)
        for (u32 at = 0x80000; at < 0x180000; at += 0x1000)
            store(i * 2 * MB + at, i << 24 | at);
}

static void holes(void)
{
    u32 table = page_dir[1];
    write_cr4(read_cr4() | 0x10);
    page_dir[1] = 0 | LARGE;
    write_cr3(read_cr3());
    check("4 MiB page with a hole", load(4 * MB + 0x280000), 1 << 24 | 0x80000);
    page_dir[1] = 8 * MB | LARGE;
    invlpg((void *)(4 * MB + 0xa0000)); /* video memory: no RAM */
    check("INVLPG at the hole drops all of it", load(4 * MB + 0x280000), 5 << 24 | 0x80000);
    store(4 * MB + 0x281000, 1);
    page_dir[1] = 12 * MB | LARGE;
    toggle_wp();
    page_dir[1] = 8 * MB | LARGE;
    invlpg((void *)(4 * MB));
    check("the same after a flush of all", load(4 * MB + 0x280000), 5 << 24 | 0x80000);
    /* Small pages of which one stays as it is when a large one is put over them. */
    for (u32 i = 0; i < 1024; i++)
        page_tables[1][i] = (12 * MB + (i << 12)) | P_P | P_RW | P_G;
    page_dir[1] = table | P_A;
    toggle_wp();
    check("4 KiB pages", load(4 * MB + 0x280000), 7 << 24 | 0x80000);
    page_dir[1] = 12 * MB | LARGE_AD;
    toggle_wp();
    check("a 4 MiB page over them", load(4 * MB + 0x281000), 7 << 24 | 0x81000);
    page_dir[1] = 8 * MB | LARGE_AD;
    invlpg((void *)(4 * MB + 0x3ff000));
    u32 sum = load(4 * MB + 0x280000) + load(4 * MB + 0x281000);
    check("another one, both pages", sum, (5 << 24 | 0x80000) + 1);
    store(4 * MB + 0x300000, 3);
    page_dir[1] = 8 * MB | (LARGE_AD & ~P_D);
    invlpg((void *)(4 * MB + 0x200000));
    store(4 * MB + 0x301000, 3);
    check("its dirty bit is set again", page_dir[1] & 0xfff, LARGE_AD);
    for (u32 i = 0; i < 1024; i++)
        page_tables[1][i] = (4 * MB + (i << 12)) | P_P | P_RW;
    page_dir[1] = table;
    toggle_wp();
}

/* A jump from a page of 4 KiB into one of 4 MiB, another one of which is flushed by another address. */
static void jumps(void)
{
    u32 table = page_dir[1], distance = 4 * MB + 0x5000 - ((u32)page + 5);
    page[0] = 0xe9;
    memcpy(page + 1, &distance, 4);
    map(page, page, P_P | P_RW | P_G);
    put_mov((u8 *)(8 * MB + 0x5000), 8);
    put_mov((u8 *)(12 * MB + 0x5000), 12);
    page_dir[1] = 8 * MB | LARGE;
    toggle_wp();
    check("a jump to a 4 MiB page", call_code(page) << 16 | call_code(page), 8 << 16 | 8);
    toggle_wp();
    page_dir[1] = 12 * MB | LARGE;
    invlpg((void *)(4 * MB + 0x300000));
    check("another one there", call_code(page), 12);
    page_dir[1] = 8 * MB | LARGE;
    toggle_wp();
    check("and back", call_code(page), 8);
    page_dir[1] = table;
    toggle_wp();
}

static u64 pdpt[4] __attribute__((aligned(32))), pae_dir[512] __attribute__((aligned(4096)));
static u64 pae_table[512] __attribute__((aligned(4096)));

/* PAE: halves of 4 MiB are pages of their own, or tables. */
static void halves(void)
{
    enum { A = 4 * MB, B = 6 * MB };
    for (u32 i = 0; i < 8; i++)
        pae_dir[i] = i * 2 * MB | LARGE_AD;
    for (u32 i = 0; i < 512; i++)
        pae_table[i] = (10 * MB + (i << 12)) | P_P | P_RW | P_G;
    pdpt[0] = (u32)pae_dir | P_P;
    pae_dir[B >> 21] = (u32)pae_table | P_P | P_RW;
    write_cr4(read_cr4() | 0xa0); /* paging is off */
    write_cr3((u32)pdpt);
    write_cr0(read_cr0() | 0x80000000);
    for (u32 order = 0; order < 2; order++) {
        pae_dir[A >> 21] = 12 * MB | LARGE;
        toggle_wp();
        if (order)
            check("PAE: small pages first", load(B + 0x82000), 5 << 24 | 0x82000);
        check("a page of 2 MiB", load(A + 0x82000) + load(A + 0x83000), 12 << 24 | 0x105000);
        if (!order)
            check("small pages beside it", load(B + 0x82000), 5 << 24 | 0x82000);
        pae_dir[A >> 21] = 14 * MB | LARGE;
        invlpg((void *)(A + 0x82000));
        check("another one", load(A + 0x82000) + load(A + 0x83000), 14 << 24 | 0x105000);
        store(A + 0x84000, 1);
        store(A + 0x85000, 1);
        pae_dir[A >> 21] &= ~(u64)P_D;
        invlpg((void *)A);
        store(A + 0x85000, 2);
        check("its dirty bit is set again", (u32)pae_dir[A >> 21] & 0xfff, LARGE_AD);
    }
    /* One half is where it is without paging, the other is not. */
    pae_dir[A >> 21] = A | LARGE;
    pae_dir[B >> 21] = 10 * MB | LARGE;
    toggle_wp();
    store(A + 0x90000, 1);
    store(B + 0x90000, 1);
    check("two pages of 2 MiB", load(A + 0x86000) + load(B + 0x86000), (7 << 24 | 2 * 0x86000));
    write_cr0(read_cr0() & 0x7fffffff);
    check("without paging", load(A + 0x86000) + load(B + 0x86000), (5 << 24 | 2 * 0x86000));
    write_cr4(read_cr4() & ~0xa0u);
    store(A + 0x90000, 2 << 24 | 0x90000);
    store(10 * MB + 0x90000, 5 << 24 | 0x90000);
}

/* ---- the gate of address line 20 ---- */

/* At 2 MiB, since nothing at odd MiB is there while the gate is shut: adds up what is at 3 and 7 MiB,
 * stores to the next word, and counts above 1 MiB. */
extern const u8 gate_code[], gate_end[];
__asm__("gate_code: in $0x92, %al\n and $0xfd, %al\n out %al, $0x92\n jmp 1f\n1:\n"
        " mov 0x380000, %ecx\n add 0x780000, %ecx\n movl $0x1234, 0x380004\n incl 0x180008\n"
        " or $2, %al\n out %al, $0x92\n jmp 2f\n2: mov %ecx, %eax\n ret\ngate_end:\n");

static void gate(const char *name)
{
    u8 *at = (u8 *)(2 * MB);
    memcpy(at, gate_code, (u32)(gate_end - gate_code));
    store(0x380000, 0x1000);
    store(0x280000, 0x200);
    store(0x780000, 0x30);
    store(0x680000, 4);
    store(0x280004, 0);
    store(0x380004, 0);
    store(0x80008, 0);
    check(name, call_code(at), 0x204);
    check(" a store", load(0x280004) << 16 | load(0x380004), 0x12340000);
    check(" a count", load(0x80008), 1);
    check(" open again", load(0x380000) + load(0x780000), 0x1030);
}

void test(void)
{
    marks();
    halves();
    gate("A20 gate, no paging");
    marks();
    paging_on();
    write_cr4(read_cr4() | 0x280);
    page_dir[2] = 8 * MB | LARGE;
    page_dir[3] = 12 * MB | LARGE;
    write_cr0(read_cr0() | 0x10000);
    toggle_wp();
    flags_at_faults();
    flags_in_code_pages();
    crossing();
    holes();
    marks();
    jumps();
}
