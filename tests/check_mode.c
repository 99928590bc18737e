/* Changes of mode, the short ways against the long ones: random kernels that load segment registers from a
 * changing GDT, ask VERW, go to CPL 3 and back by SYSEXIT, SYSENTER, INT and IRET.  The interpreter without
 * any optimisation says what is right; the interpreter with all of them, and blocks of all sizes, must agree
 * about registers, segments, mode bits, memory and the fault that ends the run. */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "exception.h"
#include "flags.h"
#include "optimise.h"
#include "softmmu.h"
#include "suite.h"
#include "vec-machine.h"

enum {
    CODE = 0x10000, USER = 0x18000, KERNEL = 0x18100, HANDLER = 0x18200, GDT = 0x30000, IDT = 0x31000,
    TASK = 0x32000, PSEUDO = 0x33000, DATA = 0x34000, COUNT = 0x34100, STACK = 0x48000, USER_STACK = 0x4c000,
    ENTRIES = 16, OPS = 24, SEEDS = 120, GATE = 0x40, SHORT_TABLE = PSEUDO + 8
};

static const uint64_t table[ENTRIES] = {
    0,
    0x00cf9b000000ffff, /* 08 flat code */
    0x00cf93000000ffff, /* 10 flat data */
    0x00cf92000000ffff, /* 18 the same, not accessed yet */
    0x0040f30010000fff, /* 20 data, DPL 3, 1000 to 1fff */
    0x00cff1000000ffff, /* 28 read only, DPL 3 */
    0x00cffb000000ffff, /* 30 code, readable, DPL 3 */
    0x00cf73000000ffff, /* 38 not present */
    0x00008b0320000067, /* 40 TSS, busy, at TASK >> 4: never loaded as such */
    0x00cf9f000000ffff, /* 48 code, conforming */
    0x00cff9000000ffff, /* 50 code, not readable, DPL 3 */
    0x00dff3000000ffff, /* 58 flat data, DPL 3, AVL */
    0x00cf9b000000ffff, /* 60-78 what SYSENTER and SYSEXIT take to be there */
    0x00cf93000000ffff,
    0x00cffb000000ffff,
    0x00cff3000000ffff
};

static uint32_t rng;

static uint32_t pick(uint32_t n)
{
    rng = rng * 1664525 + 1013904223;
    return (rng >> 8) % n;
}

static uint8_t code[4096];
static uint32_t length;

static void put(unsigned n, const void *bytes)
{
    memcpy(code + length, bytes, n);
    length += n;
}

#define BYTES(...) put(sizeof (uint8_t[]){ __VA_ARGS__ }, (uint8_t[]){ __VA_ARGS__ })

static void put32(uint32_t v)
{
    put(4, &v);
}

static uint32_t any_selector(void)
{
    static const uint16_t good[] = { 0x10, 0x18, 0x20, 0x23, 0x2b, 0x33, 0x48, 0x58, 0x5b, 0x7b, 0x68, 0, 3 };
    return pick(16) ? good[pick(sizeof good / sizeof *good)] : pick(ENTRIES + 2) * 8 + pick(8);
}

static void put_load(void)
{
    static const uint8_t regs[] = { R_ES, R_DS, R_FS, R_GS };
    static const uint8_t pops[4][2] = { { 0x07 }, { 0x1f }, { 0x0f, 0xa1 }, { 0x0f, 0xa9 } };
    unsigned k = pick(4);
    if (pick(2)) {
        BYTES(0xb8); /* mov eax, imm; mov sreg, ax */
        put32(any_selector() | pick(2) << 16);
        BYTES(0x8e, (uint8_t)(0xc0 | regs[k] << 3));
    } else {
        BYTES(0x68); /* push imm; pop sreg */
        put32(any_selector());
        put(k < 2 ? 1 : 2, pops[k]);
    }
}

/* A descriptor changes under those who have loaded it. */
static void put_rewrite(void)
{
    static const uint8_t entries[] = { 2, 3, 4, 5, 11 };
    static const uint32_t high[] = { 0x00cff300, 0x00cf9200, 0x00cff100, 0x00cf9300, 0x0040f301, 0x00cf7300 };
    BYTES(0x36, 0xc7, 0x05); /* mov ss:[GDT + ...], imm */
    put32(GDT + entries[pick(sizeof entries)] * 8u + 4);
    put32(high[pick(pick(4) ? 5 : 6)]);
}

static void put_op(void)
{
    static const uint32_t eflags[] = { 2, 2, 0x402, 0x40002, 0x3002, 0x8d7, 0x200002 };
    switch (pick(10)) {
    case 0: case 1: case 2: case 3:
        put_load();
        break;
    case 4:
        put_rewrite();
        break;
    case 5: /* verw ax; setz bl; rol ebx, 1 */
        BYTES(0xb8);
        put32(any_selector());
        BYTES(0x0f, 0x00, 0xe8, 0x0f, 0x94, 0xc3, 0xd1, 0xc3);
        break;
    case 6: /* mov edx, es:/fs:/gs:[DATA] */
        BYTES((uint8_t[]){ 0x26, 0x64, 0x65 }[pick(3)], 0x8b, 0x15);
        put32(pick(3) ? DATA : 0x10);
        break;
    case 7: /* out and back: mov ecx, USER_STACK; mov edx, USER + ...; mov edi, behind; sysexit */
        BYTES(0xb9);
        put32(USER_STACK);
        BYTES(0xba);
        put32(USER + 16 * pick(2));
        BYTES(0xbf);
        put32(CODE + length + 6);
        BYTES(0x0f, 0x35);
        break;
    case 8: /* push imm; popf */
        BYTES(0x68);
        put32(eflags[pick(7)]);
        BYTES(0x9d);
        break;
    default:
        if (pick(4)) {
            BYTES(0xcd, GATE);
        } else { /* lgdt ss:[...] */
            BYTES(0x36, 0x0f, 0x01, 0x15);
            put32(pick(3) ? PSEUDO : SHORT_TABLE);
        }
    }
}

static void make_program(uint32_t seed)
{
    rng = seed * 7919 + 1;
    length = 0;
    for (int i = 0; i < OPS; i++)
        put_op();
    BYTES(0x36, 0xff, 0x0d); /* dec ss:[COUNT]; jnz CODE; int3 */
    put32(COUNT);
    BYTES(0x0f, 0x85);
    put32(0u - (length + 4));
    BYTES(0xcc);
}

static void set_machine(CPUX86State *env)
{
    static const uint8_t user[] = { 0x0f, 0x34 }, user_int[] = { 0xcd, GATE, 0x0f, 0x34 },
                         kernel[] = { 0xff, 0xe7 }, /* jmp edi */
                         handler[] = { 0x45, 0xcf }; /* inc ebp; iret */
    uint8_t *ram = vec_machine_ram(env);
    const uint64_t gate = 0xef0000080000ull | (HANDLER & 0xffff) | (uint64_t)(HANDLER >> 16) << 48;
    const uint32_t esp0 = STACK - 64, count = 3, base = GDT;
    const uint16_t ss0 = 0x10, full = ENTRIES * 8 - 1, part = 12 * 8 - 1;
    memcpy(ram + GDT, table, sizeof table);
    for (unsigned v = 0; v <= GATE; v++) {
        uint64_t g = v % 2 ? gate : gate & ~(UINT64_C(1) << 40); /* trap gate, interrupt gate */
        memcpy(ram + IDT + 8 * v, &g, 8);
    }
    memcpy(ram + TASK + 4, &esp0, 4);
    memcpy(ram + TASK + 8, &ss0, 2);
    memcpy(ram + PSEUDO, &full, 2);
    memcpy(ram + PSEUDO + 2, &base, 4);
    memcpy(ram + SHORT_TABLE, &part, 2);
    memcpy(ram + SHORT_TABLE + 2, &base, 4);
    memcpy(ram + COUNT, &count, 4);
    vec_machine_code(env, CODE, code, length);
    vec_machine_code(env, USER, user, sizeof user);
    vec_machine_code(env, USER + 16, user_int, sizeof user_int);
    vec_machine_code(env, KERNEL, kernel, sizeof kernel);
    vec_machine_code(env, HANDLER, handler, sizeof handler);
    env->gdt_base = GDT;
    env->gdt_limit = full;
    env->idt_base = IDT;
    env->idt_limit = (GATE + 1) * 8 - 1;
    env->tr = (struct segment){ 0x40, TASK, 0x67, 0x8b00 };
    env->sysenter_cs = 0x60;
    env->sysenter_esp = STACK;
    env->sysenter_eip = KERNEL;
    for (int s = 0; s < SEG_COUNT; s++)
        env->segs[s] = (struct segment){ s == R_CS ? 8 : 0x10, 0, ~0u, s == R_CS ? 0x00cf9b00 : 0x00cf9300 };
    env->eflags = 2;
    env->regs[R_ESP] = STACK;
    env->eip = CODE;
    cpu_update_hflags(env);
}

struct result {
    uint32_t regs[8], eip, eflags, hflags, mmu_idx, gdt_limit;
    struct segment segs[SEG_COUNT];
    int vector;
    uint64_t icount;
    uint32_t error_code, events;
    uint8_t gdt[sizeof table], stack[256];
};

static void run(uint64_t set, unsigned tb_max, struct result *r)
{
    uint64_t all = optimise_set;
    optimise_set = set;
    CPUX86State *env = vec_machine_new(tb_max);
    set_machine(env);
    memset(r, 0, sizeof *r);
    for (;;) {
        ck_assert(vec_machine_run(env, 100000));
        r->vector = env->exception_index;
        r->error_code = env->error_code;
        bool more = env->exception_is_int && r->vector == GATE;
        deliver_exception(env);
        if (!more || env->shutdown)
            break;
        r->events++;
    }
    memcpy(r->regs, env->regs, sizeof r->regs);
    memcpy(r->segs, env->segs, sizeof r->segs);
    r->eip = env->eip;
    r->eflags = cpu_eflags(env);
    r->hflags = env->hflags & ~(uint32_t)HF_WINDOW;
    r->mmu_idx = env->mmu_idx;
    r->icount = env->icount;
    r->gdt_limit = env->gdt_limit;
    memcpy(r->gdt, vec_machine_ram(env) + GDT, sizeof r->gdt);
    memcpy(r->stack, vec_machine_ram(env) + STACK - sizeof r->stack, sizeof r->stack);
    vec_machine_free(env);
    optimise_set = all;
}

static void agree(const struct result *want, uint64_t set, unsigned tb_max)
{
    struct result r;
    run(set, tb_max, &r);
    ck_assert_int_eq(r.vector, want->vector);
    ck_assert_uint_eq(r.error_code, want->error_code);
    ck_assert_uint_eq(r.events, want->events);
    ck_assert_uint_eq(r.icount, want->icount);
    ck_assert_uint_eq(r.eip, want->eip);
    ck_assert_uint_eq(r.eflags, want->eflags);
    ck_assert_uint_eq(r.hflags, want->hflags);
    for (int i = 0; i < SEG_COUNT; i++) {
        ck_assert_uint_eq(r.segs[i].selector, want->segs[i].selector);
        ck_assert_uint_eq(r.segs[i].flags, want->segs[i].flags);
    }
    ck_assert_mem_eq(&r, want, sizeof r);
}

static unsigned ended_well, events;

START_TEST(random_kernels)
{
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        struct result want;
        make_program(seed);
        run(0, 0, &want);
        ended_well += want.vector == EXCP_BP;
        events += want.events;
        agree(&want, OPTIMISE_ALL, 0);
#ifdef HAVE_TEMPLATES
        agree(&want, OPTIMISE_ALL, 64);
        agree(&want, OPTIMISE_ALL, 1);
        agree(&want, OPTIMISE_ALL & ~((uint64_t)1 << OPTIMISE_SAME_SEGMENT), 64);
        agree(&want, OPTIMISE_ALL & ~((uint64_t)1 << OPTIMISE_JUMP_CACHE), 64);
#endif
    }
    /* The programs do what they are for. */
    ck_assert_uint_gt(ended_well, SEEDS / 10);
    ck_assert_uint_gt(events, SEEDS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mode");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, random_kernels);
    suite_add_tcase(s, t);
    return suite_run(s);
}
