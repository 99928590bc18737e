/* Snippets that access guest memory: the look-up in the TLB, what is aligned and what is not, the ways out;
 * and string instructions within a page. */
#include "snippet-world.h"

#include "tmpl-gen.h"

static const uint32_t pages[] = { 0x00012000, 0x7ffff000, 0x80345000, 0xfffff000, 0 };
static const uint32_t offsets[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x7f0, 0x7ff, 0x802, 0xfef, 0xff0, 0xff1,
                                    0xff8, 0xff9, 0xffc, 0xffd, 0xffe, 0xfff };
enum { ENTRY_GOOD, ENTRY_EMPTY, ENTRY_NEGATIVE, ENTRY_KINDS };

/* The entry of the page of address a; the other member of it is the opposite. */
static int64_t set_entry(uint32_t a, bool write, int kind)
{
    int64_t good = (int64_t)(PAGE_AT - sx(a & 0xfffff000));
    int64_t entry = kind == ENTRY_GOOD ? good : kind == ENTRY_EMPTY ? 0 : -good;
    now.s.mem[2].base = TABLE_AT + ((uint64_t)(a >> 12) << 6);
    now.table[write] = entry;
    now.table[!write] = kind == ENTRY_GOOD ? 0 : good;
    return entry;
}

uint64_t page_load(uint32_t offset, int size, bool is_signed)
{
    uint64_t v = 0;
    memcpy(&v, now.page + offset, (size_t)size);
    int shift = 64 - 8 * size;
    return is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v;
}

typedef uint32_t *quick_fn(uint32_t *, const uint32_t *);

static void quick(const char *name, quick_fn *emit, int size, bool write)
{
    for (unsigned p = 0; p < sizeof pages / sizeof *pages; p++)
        for (unsigned o = 0; o < sizeof offsets / sizeof *offsets; o++)
            for (int kind = 0; kind < ENTRY_KINDS; kind++) {
                uint32_t a = pages[p] + offsets[o];
                snippet_start();
                set_entry(a, write, kind);
                R(X1) = sx(a);
                memcpy(&want, &now, sizeof want);
                RUN(emit(words, OUT));
                if (kind != ENTRY_GOOD || offsets[o] + (unsigned)size > PAGE) {
                    went_out(name);
                    same(name, 1u << HREG_at | 1u << HREG_X3 | 1u << HREG_t9);
                    continue;
                }
                jumped_to(name, want.s.r[HREG_ra]);
                if (write)
                    memcpy(want.page + offsets[o], &want.s.r[HREG_X2], (size_t)size);
                else
                    W(v0) = page_load(offsets[o], size, size == 4);
                same(name, HREGS_SCRATCH | 1u << HREG_t9);
            }
}

static uint32_t *quick_ld_u16(uint32_t *p, const uint32_t *full) { return emit_quick_ld_u16(p, full); }
static uint32_t *quick_ld_32(uint32_t *p, const uint32_t *full) { return emit_quick_ld_32(p, full); }
static uint32_t *quick_st_16(uint32_t *p, const uint32_t *full) { return emit_quick_st_16(p, full); }
static uint32_t *quick_st_32(uint32_t *p, const uint32_t *full) { return emit_quick_st_32(p, full); }

void check_quick_accesses(void)
{
    quick("quick_ld_u16", quick_ld_u16, 2, false);
    quick("quick_ld_32", quick_ld_32, 4, false);
    quick("quick_st_16", quick_st_16, 2, true);
    quick("quick_st_32", quick_st_32, 4, true);
}

enum access { LOAD, STORE, HOST_ADDRESS };
enum { WRITE = 1, SIGNED = 2, KEEPS_ENTRY = 4 };

typedef uint32_t *inline_fn(uint32_t *p, int d, int a, int e, const uint32_t *slow);

/* align: what the inline access needs; flags: of those above. */
static void inline_access(const char *name, inline_fn *emit, int size, unsigned align, unsigned flags,
                          enum access what)
{
    static const int registers[][3] = { { HREG_eax, HREG_addr, HREG_X3 }, { HREG_T1, HREG_edi, HREG_T2 },
                                        { HREG_X2, HREG_T3, HREG_T4 }, { HREG_v0, HREG_X1, HREG_X3 } };
    for (unsigned p = 0; p < sizeof pages / sizeof *pages; p++)
        for (unsigned o = 0; o < sizeof offsets / sizeof *offsets; o++)
            for (int kind = 0; kind < ENTRY_KINDS; kind++) {
                const int *reg = registers[(p + o) % 4];
                uint32_t at = offsets[o], a = pages[p] + at;
                snippet_start();
                int64_t entry = set_entry(a, flags & WRITE, kind);
                now.s.r[reg[1]] = sx(a);
                memcpy(&want, &now, sizeof want);
                RUN(emit(words, reg[0], reg[1], reg[2], OUT));
                bool fast = kind == ENTRY_GOOD && at % align == 0 && at + (unsigned)size <= PAGE;
                uint32_t but = 1u << HREG_at | 1u << reg[2];
                if (!fast) {
                    went_out(name);
                    same(name, but | (what == HOST_ADDRESS ? 1u << reg[0] : 0));
                    continue;
                }
                fell_through(name);
                if (what == STORE)
                    memcpy(want.page + at, &want.s.r[reg[0]], (size_t)size);
                else if (what == HOST_ADDRESS)
                    want.s.r[reg[0]] = PAGE_AT + at;
                else
                    want.s.r[reg[0]] = page_load(at, size, flags & SIGNED);
                if (flags & KEEPS_ENTRY) {
                    want.s.r[reg[2]] = (uint64_t)entry;
                    but = 1u << HREG_at;
                }
                same(name, but);
            }
}

#define INLINE(name) \
    static uint32_t *name(uint32_t *p, int d, int a, int e, const uint32_t *slow) \
    { \
        return emit_##name(p, d, HREG_mem, a, e, slow); \
    }
INLINE(ld_s8) INLINE(ld_u8) INLINE(ld_s16) INLINE(ld_u16) INLINE(ld_32)
INLINE(st_8) INLINE(st_16) INLINE(st_32) INLINE(ldrw_8) INLINE(ldrw_16) INLINE(ldrw_32)

static int host_size;
#define HOST(name, last) \
    static uint32_t *name(uint32_t *p, int d, int a, int e, const uint32_t *slow) \
    { \
        return emit_##name(p, d, HREG_mem, e, a, last, slow); \
    }
HOST(host_rd, 4097 - host_size) HOST(host_wr, 4097 - host_size)
HOST(host_rd_aligned, host_size - 1) HOST(host_wr_aligned, host_size - 1)

void check_inline_accesses(void)
{
    inline_access("ld_s8", ld_s8, 1, 1, SIGNED, LOAD);
    inline_access("ld_u8", ld_u8, 1, 1, 0, LOAD);
    inline_access("ld_s16", ld_s16, 2, 2, SIGNED, LOAD);
    inline_access("ld_u16", ld_u16, 2, 2, 0, LOAD);
    inline_access("ld_32", ld_32, 4, 4, SIGNED, LOAD);
    inline_access("st_8", st_8, 1, 1, WRITE, STORE);
    inline_access("st_16", st_16, 2, 2, WRITE, STORE);
    inline_access("st_32", st_32, 4, 4, WRITE, STORE);
    inline_access("ldrw_8", ldrw_8, 1, 1, WRITE | SIGNED | KEEPS_ENTRY, LOAD);
    inline_access("ldrw_16", ldrw_16, 2, 2, WRITE | SIGNED | KEEPS_ENTRY, LOAD);
    inline_access("ldrw_32", ldrw_32, 4, 4, WRITE | SIGNED | KEEPS_ENTRY, LOAD);
    for (host_size = 2; host_size <= 16; host_size *= 2) {
        unsigned align = (unsigned)host_size;
        inline_access("host_rd", host_rd, host_size, 1, KEEPS_ENTRY, HOST_ADDRESS);
        inline_access("host_wr", host_wr, host_size, 1, WRITE | KEEPS_ENTRY, HOST_ADDRESS);
        inline_access("host_rd_aligned", host_rd_aligned, host_size, align, KEEPS_ENTRY, HOST_ADDRESS);
        inline_access("host_wr_aligned", host_wr_aligned, host_size, align, WRITE | KEEPS_ENTRY,
                      HOST_ADDRESS);
    }
}

/* The store of a read-modify-write, and what goes by a host address. */
void check_known_accesses(void)
{
    for (unsigned o = 0; o < 8; o++) {
        uint32_t at = offsets[o];
        for (int size = 1; size <= 4; size *= 2) {
            snippet_start();
            R(T1) = sx(0x80345000 + at);
            R(T2) = PAGE_AT - sx(0x80345000);
            memcpy(&want, &now, sizeof want);
            memcpy(want.page + at, &R(ecx), (size_t)size);
            RUN(size == 1 ? emit_strw_8(words, HREG_ecx, HREG_T1, HREG_T2)
                : size == 2 ? emit_strw_16(words, HREG_ecx, HREG_T1, HREG_T2)
                : emit_strw_32(words, HREG_ecx, HREG_T1, HREG_T2));
            fell_through("strw");
            same("strw", 0);
        }
        snippet_start();
        R(T1) = PAGE_AT + at;
        memcpy(&want, &now, sizeof want);
        RUN(emit_ld_64(words, HREG_T2, HREG_T1));
        W(T2) = page_load(at, 8, false);
        same("ld_64", 0);
        memcpy(&want, &now, sizeof want);
        RUN(emit_st_64(words, HREG_T3, HREG_T1));
        memcpy(want.page + at, &R(T3), 8);
        fell_through("st_64");
        same("st_64", 0);
    }
}

void check_slow_paths(void)
{
    snippet_start();
    RUN(emit_slow_ld(words, HREG_T2, OUT));
    jumped_to("slow_ld", jump_target(OUT));
    W(X1) = W(T2);
    W(ra) = MIPS_SIM_LINK;
    same("slow_ld", 0);
    for (int value = HREG_eax; value >= HREG_X1; value -= HREG_eax - HREG_X1) {
        snippet_start(); /* the value may be where the address goes to */
        RUN(emit_slow_st(words, HREG_T2, value, OUT));
        jumped_to("slow_st", jump_target(OUT));
        W(X2) = want.s.r[value];
        W(X1) = W(T2);
        W(ra) = MIPS_SIM_LINK;
        same("slow_st", 0);
    }
    for (int t = 0; t < 80; t++) {
        snippet_start();
        if (t % 4 == 1 || t % 4 == 2) /* operands of seb and seh */
            R(v0) = random_word();
        memcpy(&want, &now, sizeof want);
        switch (t % 4) {
        case 0: RUN(emit_slow_back(words, HREG_ebx, OUT)); W(ebx) = W(v0); break;
        case 1: RUN(emit_slow_back_s8(words, HREG_ebx, OUT)); W(ebx) = sx((uint32_t)(int8_t)W(v0)); break;
        case 2: RUN(emit_slow_back_s16(words, HREG_ebx, OUT)); W(ebx) = sx((uint32_t)(int16_t)W(v0)); break;
        default: RUN(emit_slow_back_none(words, OUT)); break;
        }
        went_out("slow_back");
        same("slow_back", 0);
    }
}

/* ---- strings ---- */

static uint32_t string_random(uint32_t n)
{
    return (uint32_t)(snippet_random() >> 20) % n;
}

/* Two pages, one behind the other in the host; the second one's entry lies where the stack is else. */
static void two_pages(uint32_t a, bool a_good, uint32_t b, bool b_good)
{
    static int64_t second[8];
    snippet_start();
    memset(second, 0, sizeof second);
    now.s.mem[3].size = 2 * PAGE;
    now.s.mem[1].base = TABLE_AT + ((uint64_t)(b >> 12) << 6);
    now.s.mem[1].size = sizeof second;
    now.s.mem[1].bytes = (uint8_t *)second;
    int64_t good = set_entry(a, false, ENTRY_GOOD);
    if (!a_good) {
        now.table[0] = 0;
        now.table[1] = good;
    }
    good = (int64_t)(PAGE_AT + PAGE - sx(b & 0xfffff000));
    second[1] = b_good ? good : 0;
    second[0] = b_good ? 0 : good;
}

/* In one page that both entries are of. */
static void one_page(uint32_t a)
{
    snippet_start();
    set_entry(a, true, ENTRY_GOOD);
    now.table[0] = now.table[1];
}

static const uint32_t counts[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 1023,
                                   1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 0x80000001, 0xffffffff };
enum { COUNTS = sizeof counts / sizeof *counts };
#define STRING_CLOBBERS (HREGS_SCRATCH | 1u << HREG_t9 | HREGS_TEMPS)

static void string_ended(const char *name, bool done)
{
    jumped_to(name, want.s.r[HREG_ra]);
    if (R(v0) != !done)
        ck_abort_msg("%s: %s", name, done ? "left to the slow path" : "not left to the slow path");
    same(name, STRING_CLOBBERS);
}

typedef uint32_t *string_fn(uint32_t *);

static void string_runs(string_fn *emit, uint32_t to, uint32_t count)
{
    R(edi) = sx(to);
    R(ecx) = sx(count);
    memcpy(&want, &now, sizeof want);
    RUN(emit(words));
}

static void movs(int size, string_fn *emit)
{
    for (int t = 0; t < 3000; t++) {
        uint32_t count = counts[string_random(COUNTS)], from = string_random(PAGE), to = string_random(PAGE);
        if (t % 2) { /* up to the page's end, or nearly so */
            uint32_t bytes = count * (uint32_t)size;
            from = (PAGE - bytes + (t & 64 ? string_random(3) - 1 : 0)) % PAGE;
            to = (PAGE - bytes + (t & 32 ? string_random(3) - 1 : 0)) % PAGE;
        }
        uint32_t a = pages[string_random(3)] + from, b = pages[3] + to;
        bool a_good = t % 13 != 0, b_good = t % 17 != 0, same_page = t % 5 == 0, swapped = t % 4 == 1;
        if (swapped) { /* the destination's end may be 2^31 */
            b = pages[string_random(3)] + to;
            a = pages[3] + from;
        }
        if (same_page) {
            if (t & 8)
                to = (from + string_random(40) - 20) % PAGE;
            b = (a & 0xfffff000) + to;
            one_page(a);
            a_good = b_good = true;
        } else {
            two_pages(a, a_good, b, b_good);
        }
        R(esi) = sx(a);
        string_runs(emit, b, count);
        uint64_t bytes = (uint64_t)count * (uint64_t)size;
        uint32_t host_to = to + (same_page ? 0 : PAGE);
        bool done = !count || (count < 0x1000 && from + bytes <= PAGE && to + bytes <= PAGE && a_good
                               && b_good && host_to - from >= 16);
        if (done) {
            for (uint32_t i = 0; i < bytes; i++)
                want.page[host_to + i] = want.page[from + i];
            W(esi) = sx(a + (uint32_t)bytes);
            W(edi) = sx(b + (uint32_t)bytes);
            W(ecx) = 0;
        }
        string_ended("rep_movs", done);
    }
}

static void stos(int size, string_fn *emit)
{
    for (int t = 0; t < 2000; t++) {
        uint32_t count = counts[string_random(COUNTS)], to = string_random(PAGE);
        if (t % 2)
            to = (PAGE - count * (uint32_t)size + (t & 64 ? string_random(3) - 1 : 0)) % PAGE;
        uint32_t a = pages[string_random(4)] + to;
        int kind = t % 7 ? ENTRY_GOOD : t % 2 ? ENTRY_EMPTY : ENTRY_NEGATIVE;
        snippet_start();
        set_entry(a, true, kind);
        string_runs(emit, a, count);
        uint64_t bytes = (uint64_t)count * (uint64_t)size;
        bool done = !count || (count < 0x1000 && to + bytes <= PAGE && kind == ENTRY_GOOD);
        if (done) {
            for (uint32_t i = 0; i < bytes; i++)
                want.page[to + i] = (uint8_t)(W(eax) >> 8 * (i % (uint32_t)size));
            W(edi) = sx(a + (uint32_t)bytes);
            W(ecx) = 0;
        }
        string_ended("rep_stos", done);
    }
}

static void scas(void)
{
    for (int t = 0; t < 2000; t++) {
        uint32_t count = counts[string_random(COUNTS)];
        uint32_t to = t % 2 ? string_random(PAGE) : PAGE - 1 - string_random(40);
        uint32_t a = pages[string_random(4)] + to, left = PAGE - to, n = count < left ? count : left, k = 0;
        int kind = t % 7 ? ENTRY_GOOD : t % 2 ? ENTRY_EMPTY : ENTRY_NEGATIVE;
        if (t % 3 == 0)
            n = count = left; /* just up to the page's end */
        snippet_start();
        set_entry(a, false, kind);
        for (uint32_t i = 0; i < PAGE; i++) /* rare enough to come late or not at all */
            if (now.page[i] == (uint8_t)R(eax) && snippet_random() % 16)
                now.page[i] ^= 1;
        string_runs(emit_repne_scas8, a, count);
        while (k < n && want.page[to + k] != (uint8_t)W(eax))
            k++;
        bool found = k < n, done = count && kind == ENTRY_GOOD && (found || count <= left);
        if (done) {
            k += found;
            W(edi) = sx(a + k);
            W(ecx) = sx(count - k);
        }
        string_ended("repne_scas8", done);
        if (!done)
            continue;
        ck_assert_int_eq(R(T3) == (uint64_t)(int64_t)(int8_t)W(eax), true);
        ck_assert_int_eq(R(T4) == (uint64_t)(int64_t)(int8_t)want.page[to + k - 1], true);
    }
}

void check_strings(void)
{
    movs(1, emit_rep_movs_8);
    movs(2, emit_rep_movs_16);
    movs(4, emit_rep_movs_32);
    stos(1, emit_rep_stos_8);
    stos(2, emit_rep_stos_16);
    stos(4, emit_rep_stos_32);
    scas();
    snippet_start();
    RUN(emit_repne_scas8_record(words, 0x105));
    fell_through("repne_scas8_record");
    W(cc_op) = 0x105;
    W(cc_dst) = W(T3);
    W(cc_src) = W(T4);
    same("repne_scas8_record", 0);
    for (int failed = 0; failed < 2; failed++) {
        snippet_start();
        RUN(emit_rep_call(words, words + 400, OUT));
        jumped_to("rep_call", jump_target(words + 400));
        W(ra) = MIPS_SIM_LINK;
        same("rep_call", 0);
        R(v0) = W(v0) = (uint64_t)failed;
        resume();
        if (failed)
            went_out("rep_call");
        else
            fell_through("rep_call");
        same("rep_call", 0);
    }
}
