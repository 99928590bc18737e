/* The world of block-machine.h: pages, segments, what a run starts from. */
#include "config.h"
#include "block-machine.h"
#include "exception.h"

#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "flags.h"
#include "fpu-word.h"
#include "interp.h"
#include "mxcsr.h"
#include "simd.h"
#include "softmmu.h"
#ifdef HAVE_TEMPLATES
#include "tb.h"
#endif

/* ---- memory ---- */

enum { PG_P = 1, PG_W = 2, PG_U = 4, PG_A = 0x20, PG_D = 0x40, PG_G = 0x100 };
enum { PD = 0x1000, PT_LOW = 0x2000, PT_HIGH = 0x3000, GDT = 0x4000, TSS = 0x5000, MMIO_PHYS = 0x80000 };

static const struct {
    uint32_t lin, phys, flags;
} pages[] = {
    {BM_LOW, 0x6000, PG_W | PG_U},
    {0xfffff000, 0x7000, PG_W | PG_U},
    {BM_CODE, 0x8000, PG_W | PG_U},
    {BM_CODE + 0x1000, 0xb000, PG_W | PG_U | PG_G},
    {BM_CODE + 0x2000, 0x9000, PG_W | PG_U},
    {BM_ALIAS, 0x8000, PG_W | PG_U},
    {BM_ALIAS + 0x1000, 0xb000, PG_W | PG_U},
    {BM_ALIAS + 0x2000, 0x9000, PG_W | PG_U},
    {BM_DATA, 0xd000, PG_W | PG_U},
    {BM_DATA + 0x1000, 0xc000, PG_W | PG_U | PG_G},
    {BM_DATA + 0x2000, 0xf000, PG_W | PG_U},
    {BM_RO, 0x10000, PG_U},
    {BM_DATA + 0x5000, 0x12000, PG_W | PG_U},
    {BM_SUPER, 0x13000, PG_W},
    {BM_MMIO, MMIO_PHYS, PG_W | PG_U},
    {BM_DATA + 0x8000, 0xd000, PG_W | PG_U}, /* the first data page again */
    {BM_TABLE, 0x14000, PG_W | PG_U},
    {BM_STACK, 0x16000, PG_W | PG_U},
    {BM_STACK + 0x1000, 0x15000, PG_W | PG_U},
    {0x40000, GDT, PG_W},
    {0x41000, TSS, PG_W},
};
enum { PAGES = sizeof pages / sizeof *pages };

static uint32_t phys_of(uint32_t lin)
{
    for (unsigned i = 0; i < PAGES; i++)
        if ((lin & ~0xfffu) == pages[i].lin)
            return pages[i].phys | (lin & 0xfff);
    abort();
}

static uint32_t mmio_read(void *opaque, hwaddr offset, unsigned size)
{
    struct bm *m = opaque;
    (void)size;
    m->mmio_reads++;
    return (uint32_t)offset * 2654435761u;
}

static void mmio_write(void *opaque, hwaddr offset, uint32_t value, unsigned size)
{
    struct bm *m = opaque;
    if (size < 4)
        value &= (1u << 8 * size) - 1;
    m->mmio_hash = (m->mmio_hash ^ value) * 33 + (uint32_t)offset * 4 + size;
}

static const struct mmio_ops mmio_ops = {mmio_read, mmio_write};

/* ---- segments ---- */

#define CODE (DESC_P_MASK | DESC_S_MASK | DESC_CS_MASK | DESC_A_MASK | DESC_R_MASK)
#define DATA (DESC_P_MASK | DESC_S_MASK | DESC_A_MASK | DESC_W_MASK)
#define DPL3 (3u << DESC_DPL_SHIFT)
#define BIG (DESC_G_MASK | DESC_B_MASK)
static const struct {
    uint16_t selector;
    uint32_t base, limit, flags;
} descriptors[] = {
    {0x08, 0, 0xfffff, CODE | BIG},
    {0x10, 0, 0xfffff, DATA | BIG},
    {0x1b, 0, 0xfffff, CODE | DPL3 | BIG},
    {0x23, 0, 0xfffff, DATA | DPL3 | BIG},
    {0x2b, 0x1000, 0xfffff, DATA | DPL3 | BIG},
    {0x33, BM_DATA, 0x2fff, DATA | DPL3 | DESC_B_MASK},
    {0x3b, 0, 0x20fff, (DATA | DPL3 | DESC_E_MASK | DESC_B_MASK)},
    {0x43, 0, 0xfffff, (DATA & ~DESC_W_MASK) | DPL3 | BIG},
    {0x48, 0x8000, 0xfffff, CODE | BIG},
    {0x53, 0x8000, 0xfffff, CODE | DPL3 | BIG},
    {0x58, 0x8000, 0xfffff, CODE | DESC_G_MASK},
    {0x63, 0x8000, 0xfffff, CODE | DPL3 | DESC_G_MASK},
    {0x6b, BM_STACK - 0xe000, 0xffff, DATA | DPL3},
    {0x70, BM_STACK - 0xe000, 0xffff, DATA},
    {0x7b, BM_STACK, 0x1fff, DATA | DPL3 | DESC_B_MASK},
    {0x80, BM_STACK, 0xfffff, DATA | BIG},
    {0x8b, 0, 0x1ffff, CODE | DPL3 | DESC_B_MASK},
    {0x93, BM_STACK, 0xfffff, DATA | DPL3 | BIG},
    {0x98, BM_STACK, 0x1fff, DATA | DESC_B_MASK},
};
enum { DESCRIPTORS = sizeof descriptors / sizeof *descriptors };

static void set_segment(CPUX86State *env, int seg, uint16_t selector)
{
    if ((selector & ~3) == 0) {
        env->segs[seg] = (struct segment){.selector = selector};
        return;
    }
    for (unsigned i = 0; i < DESCRIPTORS; i++) {
        uint32_t flags = descriptors[i].flags, limit = descriptors[i].limit;
        if (descriptors[i].selector != selector)
            continue;
        env->segs[seg] = (struct segment){selector, descriptors[i].base,
                                          flags & DESC_G_MASK ? limit << 12 | 0xfff : limit,
                                          flags | (limit & 0xf0000)};
        return;
    }
    abort();
}

uint32_t bm_seg_base(uint16_t selector)
{
    for (unsigned i = 0; i < DESCRIPTORS; i++)
        if (descriptors[i].selector == selector)
            return descriptors[i].base;
    return 0;
}

/* ---- start ---- */

static void put32(uint8_t *p, uint32_t v)
{
    memcpy(__builtin_assume_aligned(p, 4), &v, 4);
}

/* What does not depend on the run: the same noise each time, since rewriting it costs more than the run. */
static void make_background(uint8_t *image)
{
    uint32_t x = 0x2545f491;
    put32(image + PD, PT_LOW | PG_P | PG_W | PG_U | PG_A);
    put32(image + PD + 4 * 0x3ff, PT_HIGH | PG_P | PG_W | PG_U | PG_A);
    for (unsigned i = 0; i < DESCRIPTORS; i++) {
        uint8_t *p = image + GDT + (descriptors[i].selector & ~7);
        uint32_t limit = descriptors[i].limit, base = descriptors[i].base;
        put32(p, (limit & 0xffff) | base << 16);
        put32(p + 4, descriptors[i].flags | (limit & 0xf0000) | (base >> 16 & 0xff) | (base & 0xff000000));
    }
    image[TSS + 0x66] = 0x68;
    for (unsigned i = 0x6000; i < BM_PHYS_RAM; i += 4) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        put32(image + i, x >> 5 & 1 ? x & 0xff : x);
    }
    for (uint32_t lin = BM_CODE; lin < BM_CODE_END; lin += 0x1000)
        memset(image + phys_of(lin), 0xcc, 0x1000);
}

void bm_image(uint8_t *image, const struct bm_start *s, uint32_t at, const uint8_t *code, uint32_t len)
{
    static _Alignas(16) uint8_t background[BM_PHYS_RAM];
    static bool made;
    if (!made)
        make_background(background);
    made = true;
    memcpy(image, background, sizeof background);
    for (unsigned i = 0; i < PAGES; i++) {
        uint32_t pte = pages[i].phys | pages[i].flags | PG_P;
        if (!s->clean)
            pte |= PG_A | PG_D;
        put32(image + (pages[i].lin >> 31 ? PT_HIGH : PT_LOW) + (pages[i].lin >> 12 & 0x3ff) * 4, pte);
    }
    uint32_t words[BM_LABELS];
    memcpy(image + phys_of(BM_TABLE), s->labels, sizeof s->labels);
    memcpy(words, s->labels, sizeof words);
    for (unsigned i = 0; i < BM_LABELS; i += 5)
        words[i] = 0x12345678u * (i + 1);
    for (uint32_t lin = BM_STACK; lin < BM_STACK_END; lin += sizeof words)
        memcpy(image + phys_of(lin), words, sizeof words);
    uint32_t phys = phys_of(at);
    for (uint32_t i = 0; i < len; i++, phys++) {
        if (((at + i) & 0xfff) == 0)
            phys = phys_of(at + i);
        image[phys] = code[i];
    }
}

static void set_simd(CPUX86State *env, const struct bm_simd *s)
{
    sse_collect_flags(env);
    for (unsigned i = 0; i < 8; i++) {
        env->fpregs[i].mant = s->fpregs[i].mant;
        env->fpregs[i].se = s->fpregs[i].se;
    }
    fpu_set_top(env, s->top);
    fpu_set_valid_mask(env, s->valid);
    env->fpuc = s->fpuc;
    env->fpus = s->fpus;
    env->fpop = env->fpcs = env->fpds = 0;
    env->fpip = env->fpdp = 0;
    fpu_update_word(env);
    memcpy(env->xmm, s->xmm, sizeof env->xmm);
    env->mxcsr = s->mxcsr;
}

static void write_changes(struct bm *m)
{
    uint32_t code = phys_of(BM_CODE), code_end = phys_of(BM_CODE + 0x1000) + 0x1000;
    for (uint32_t a = 0; a < BM_PHYS_RAM; a += 64) {
        if (!memcmp(m->ram + a, m->image + a, 64))
            continue;
        if (a < code || a >= code_end) {
            phys_mem_write(m->env->mem, a, m->image + a, 64);
            continue;
        }
        for (uint32_t i = a; i < a + 64; i++)
            if (m->ram[i] != m->image[i])
                phys_mem_write(m->env->mem, i, m->image + i, 1);
    }
}

void bm_set(struct bm *m, const struct bm_start *s)
{
    CPUX86State *env = m->env;
    bool flush = s->clean || ((env->cr[0] & CR0_WP) != 0) != s->wp;
    write_changes(m);
    m->mmio_hash = m->mmio_reads = 0;
    env->a20_mask = ~0u;
    env->cr[0] = CR0_PE | CR0_PG | CR0_ET | CR0_NE | CR0_MP | (s->wp ? CR0_WP : 0) | (s->am ? CR0_AM : 0)
        | (s->ts ? CR0_TS : 0) | (s->em ? CR0_EM : 0);
    env->cr[2] = 0;
    env->cr[3] = PD;
    env->cr[4] = CR4_PGE | CR4_OSXMMEXCPT | (s->no_osfxsr ? 0 : CR4_OSFXSR);
    memset(env->dr, 0, sizeof env->dr);
    env->dr[6] = 0xffff0ff0;
    env->dr[7] = 0x400;
    memcpy(env->regs, s->regs, sizeof env->regs);
    env->cc_dst = env->cc_src2 = env->cc_res = 0;
    env->eflags = (s->eflags & ~(uint32_t)CC_ARITH) | 2;
    cpu_set_arith(env, s->eflags);
    env->gdt_base = 0x40000;
    env->gdt_limit = 32 * 8 - 1;
    env->idt_base = env->idt_limit = 0;
    env->ldt = (struct segment){0};
    env->tr = (struct segment){0xf8, 0x41000, 0x67, DESC_P_MASK | 11u << DESC_TYPE_SHIFT};
    for (int i = 0; i < SEG_COUNT; i++)
        set_segment(env, i, s->segs[i]);
    set_simd(env, &s->simd);
    env->eip = s->eip;
    env->exception_index = env->old_exception = -1;
    env->error_code = 0;
    env->db_status = 0;
    env->halted = env->shutdown = false;
    env->hflags = (env->hflags & ~(uint32_t)(HF_INHIBIT | HF_CPL_MASK)) | (s->segs[R_CS] & 3);
    cpu_update_hflags(env);
    if (flush)
        tlb_flush(env);
}

void bm_poke(struct bm *m, uint32_t lin, const void *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        phys_mem_write(m->env->mem, phys_of(lin + i), (const uint8_t *)bytes + i, 1);
}

#ifdef HAVE_TEMPLATES
/* Exceptions are the test's: not back to translated code, which would deliver them. */
static void to_test(CPUX86State *env)
{
    env->unwind_sp = 0;
    siglongjmp(*env->jmp_env, 1);
}
#endif

struct bm *bm_new(unsigned tb_max, bool icount)
{
    struct bm *m = aligned_alloc(16, sizeof *m);
    CPUX86State *env = calloc(1, sizeof *env);
    memset(m, 0, sizeof *m);
    m->env = env;
    m->tb_max = tb_max;
    m->icount = icount;
    const struct cpu_model *max = cpu_model_find("max");
    env->model = max ? max : cpu_model_default();
    env->mem = phys_mem_new();
    env->exception_index = env->old_exception = -1;
    m->ram = phys_mem_add_ram(env->mem, 0, BM_PHYS_RAM, "ram");
    phys_mem_add_mmio(env->mem, MMIO_PHYS, 0x1000, &mmio_ops, m, "registers");
    env->icount_enabled = icount;
    softmmu_new(env);
    interp_attach(env);
#ifdef HAVE_TEMPLATES
    if (tb_max) {
        tb_context_new(env, tb_max);
        exception_unwind = to_test;
        tb_use_windows(env);
    }
#endif
    sse_host_init();
    cpu_reset(env);
    return m;
}

void bm_free(struct bm *m)
{
#ifdef HAVE_TEMPLATES
    if (m->env->tbs)
        tb_context_free(m->env);
#endif
    interp_cache_free(m->env->icache);
    softmmu_free(m->env);
    phys_mem_free(m->env->mem);
    free(m->env);
    free(m);
}
