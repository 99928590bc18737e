#include "fuzz-world.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cpuid.h"
#include "flags.h"
#include "interp.h"
#include "pc.h"
#include "protect.h"

enum {
    CODE0 = 0x08, DATA0 = 0x10, CODE3 = 0x1b, DATA3 = 0x23, TSSA = 0x28, LDTS = 0x30, TSSB = 0x38,
    TSSC = 0x40, CONF0 = 0x48, CODE16 = 0x50, DATA16 = 0x58, EXPDOWN = 0x60, NPDATA = 0x68,
    GATE = 0x70, TGATE = 0x78, CODE1 = 0x81, DATA1 = 0x89, CODE2 = 0x92, DATA2 = 0x9a,
    CODE16_3 = 0xa3, DATA16_3 = 0xab, SMALL = 0xb0, GATE16 = 0xb8, GATE1 = 0xc0, RODATA3 = 0xcb,
    XONLY3 = 0xd3, EXPDOWN16 = 0xd8, ROM = 0xe0, GDT_SIZE = 0x100
};
enum { PG_PWU = 7, PG_PS = 0x80, PG_G = 0x100 };

CPUX86State *env;
uint8_t *world_ram, *world_hma;
static uint8_t image[WORLD_RAM];
static struct machine *machine;

static void put16(uint32_t a, uint32_t v)
{
    image[a] = (uint8_t)v;
    image[a + 1] = (uint8_t)(v >> 8);
}

static void put32(uint32_t a, uint32_t v)
{
    put16(a, v);
    put16(a + 2, v >> 16);
}

static uint32_t get32(uint32_t a)
{
    uint32_t v;
    memcpy(&v, image + a, 4);
    return v;
}

static void descriptor(uint32_t a, uint32_t base, uint32_t limit, uint32_t access, uint32_t flags)
{
    put32(a, base << 16 | (limit & 0xffff));
    put32(a + 4, (base & 0xff000000) | flags << 20 | (limit & 0xf0000) | access << 8 | (base >> 16 & 0xff));
}

static void gate(uint32_t a, uint32_t selector, uint32_t offset, uint32_t access, uint32_t count)
{
    put32(a, selector << 16 | (offset & 0xffff));
    put32(a + 4, (offset & 0xffff0000) | access << 8 | count);
}

static void make_gdt(void)
{
    static const struct {
        uint16_t selector;
        uint8_t access, flags; /* flags: G 8, B 4 */
        uint32_t base, limit;
    } d[] = {
        { CODE0, 0x9a, 12, 0, 0xfffff }, { DATA0, 0x92, 12, 0, 0xfffff }, { CODE3, 0xfa, 12, 0, 0xfffff },
        { DATA3, 0xf2, 12, 0, 0xfffff }, { TSSA, 0x89, 0, W_TSS_A, 0xff }, { LDTS, 0x82, 0, W_LDT, 0xff },
        { TSSB, 0xe9, 0, W_TSS_B, 0x67 }, { TSSC, 0xe1, 0, W_TSS_C16, 0x2b }, { CONF0, 0x9e, 12, 0, 0xfffff },
        { CODE16, 0x9a, 0, W_CODE, 0xffff }, { DATA16, 0x92, 0, W_CODE, 0xffff }, { EXPDOWN, 0x96, 12, 0, 8 },
        { NPDATA, 0x72, 12, 0, 0xfffff }, { CODE1, 0xba, 12, 0, 0xfffff }, { DATA1, 0xb2, 12, 0, 0xfffff },
        { CODE2, 0xda, 12, 0, 0xfffff }, { DATA2, 0xd2, 12, 0, 0xfffff },
        { CODE16_3, 0xfa, 0, W_CODE, 0xffff },
        { DATA16_3, 0xf2, 0, W_CODE, 0xffff }, { SMALL, 0x9a, 4, W_CODE, 0x4f },
        { RODATA3, 0xf0, 12, 0, 0xfffff },
        { XONLY3, 0xf8, 12, 0, 0xfffff }, { EXPDOWN16, 0x96, 0, W_CODE, 0x1000 },
        { ROM, 0x92, 4, 0xf0000, 0xffff },
    };
    for (unsigned i = 0; i < sizeof d / sizeof d[0]; i++) {
        uint32_t at = d[i].selector & 0xfff8;
        descriptor(W_GDT + at, d[i].base, d[i].limit, d[i].access, d[i].flags);
        /* The same ones are in the LDT, but for what can't be there. */
        if (d[i].access & 0x10)
            descriptor(W_LDT + at, d[i].base ^ 0x1000, d[i].limit, d[i].access, d[i].flags);
    }
    gate(W_GDT + GATE, CODE0, W_HANDLERS, 0xec, 2);
    gate(W_GDT + TGATE, TSSB, 0, 0xe5, 0);
    gate(W_GDT + GATE16, CODE16, 0x100, 0xe4, 1);
    gate(W_GDT + GATE1, CODE1, W_HANDLERS + 0x20, 0xec, 3);
}

static void make_idt(void)
{
    static const uint16_t targets[] = { CODE0, CONF0, CODE1, CODE16, CODE3, SMALL, TSSB, NPDATA };
    for (uint32_t v = 0; v < 256; v++) {
        uint32_t handler = W_HANDLERS + 16 * (v & 63);
        put32(W_IVT + 4 * v, (W_HANDLERS >> 4) << 16 | 16 * (v & 63));
        if (v < 0x40)
            gate(W_IDT + 8 * v, CODE0, handler, v == 3 || v == 4 || v >= 0x30 ? 0xee : 0x8e, 0);
        else /* every type and DPL, most of them good for nothing */
            gate(W_IDT + 8 * v, targets[v >> 5 & 7], handler, 0x80 | (v & 0x6f), 0);
    }
    gate(W_IDT + 8 * EXCP_DF, TSSC, 0, 0x85, 0);
    gate(W_IDT + 8 * 0x20, TSSB, 0, 0xe5, 0);
    gate(W_IDT + 8 * 0x21, CODE16, 0x80, 0xe7, 0);
    gate(W_IDT + 8 * 0x22, CODE16, 0x90, 0x86, 0);
    for (uint32_t i = 0; i < 64; i++) {
        static const uint8_t plain[] = { 0xcf }, drop[] = { 0x83, 0xc4, 4, 0xcf };
        bool code = i == 8 || (i >= 10 && i <= 14) || i == 17;
        memcpy(image + W_HANDLERS + 16 * i, code ? drop : plain, code ? sizeof drop : sizeof plain);
    }
}

static void make_tss(void)
{
    static const uint16_t inner[] = { DATA0, DATA1, DATA2 };
    for (uint32_t i = 0; i < 3; i++) {
        put32(W_TSS_A + 4 + 8 * i, W_STACK + 0x1000 * (i + 1));
        put32(W_TSS_A + 8 + 8 * i, inner[i]);
    }
    memcpy(image + W_TSS_B, image + W_TSS_A, 0x1c);
    /* I/O bitmap behind 32 bytes of interrupt redirection: some ports are open. */
    put16(W_TSS_A + 0x66, 0x88);
    memset(image + W_TSS_A + 0x68, 0x5a, 0x20);
    memset(image + W_TSS_A + 0x90, 0xf0, 0x6f);

    put32(W_TSS_B + 0x20, W_HANDLERS + 0x10);
    put32(W_TSS_B + 0x24, 2);
    put32(W_TSS_B + 0x28 + 4 * R_ESP, W_STACK + 0x800);
    static const uint16_t segs[SEG_COUNT] = { DATA0, CODE0, DATA0, DATA3, 0, 0x14 };
    for (uint32_t i = 0; i < SEG_COUNT; i++)
        put32(W_TSS_B + 0x48 + 4 * i, segs[i]);
    put32(W_TSS_B + 0x60, LDTS);
    put16(W_TSS_B, TSSA);

    put16(W_TSS_C16 + 0x0e, 0x100);
    put16(W_TSS_C16 + 0x10, 2);
    put16(W_TSS_C16 + 0x12 + 2 * R_ESP, 0x3000);
    put16(W_TSS_C16 + 0x22, DATA16);
    put16(W_TSS_C16 + 0x24, CODE16);
    put16(W_TSS_C16 + 0x26, DATA16);
    put16(W_TSS_C16, TSSA);
}

static void make_page_tables(void)
{
    put32(W_PD, W_PT | PG_PWU);
    put32(W_PD + 4, PG_PWU | PG_PS);
    put32(W_PD + 8, W_PT_ODD | PG_PWU);
    put32(W_PD + 12, 0x400000 | PG_PWU | PG_PS);
    put32(W_PD + 4 * 0x200, W_PT | PG_PWU);
    put32(W_PD + 4 * 0x3ff, W_PD | PG_PWU);
    put32(W_PDPT, W_PAE_PD | 1);
    put32(W_PDPT + 8, W_PAE_PD | 1);
    put32(W_PDPT + 24, W_PAE_PD_SELF | 1);
    put32(W_PAE_PD, W_PAE_PT | PG_PWU);
    put32(W_PAE_PD + 16, PG_PWU | PG_PS); /* at 4 MiB */
    put32(W_PAE_PD + 32, W_PAE_PT_ODD | PG_PWU);
    put32(W_PAE_PD_SELF + 8 * 511, W_PAE_PD_SELF | PG_PWU);
    for (uint32_t i = 0; i < 512; i++) {
        uint32_t odd = (i * 7 & 63) << 12 | (i & 7) | (i & 8 ? PG_G : 0) | (i & 0x10 ? 0x60 : 0);
        put32(W_PT_ODD + 4 * i, odd);
        put32(W_PAE_PT_ODD + 8 * i, odd);
        put32(W_PAE_PT_ODD + 8 * i + 4, i & 0x20 ? 0x80000000 : i & 0x40 ? 0x10 : 0);
        if (i < 0x110) {
            put32(W_PT + 4 * i, i << 12 | PG_PWU);
            put32(W_PAE_PT + 8 * i, i << 12 | PG_PWU);
        }
    }
}

/* What FXRSTOR takes, at the start of pages: with MXCSRs that it may not refuse, and one that it has to. */
static void make_fx_areas(void)
{
    static const uint32_t mxcsr[] = { 0x1f80, 0x9fc0, 0x1000, 0x7fbf, 0x0040, 0x12345 };
    for (uint32_t i = 0; i < sizeof mxcsr / sizeof mxcsr[0]; i++) {
        uint32_t a = W_STACK + 0x1000 * i;
        put16(a, i & 1 ? 0x37f : 0x1240);
        put16(a + 2, i << 11 | (i & 2 ? 0x41 : 0));
        put16(a + 4, 0x0f << i & 0xff);
        put32(a + 24, mxcsr[i]);
    }
}

static uint32_t port_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque;
    return port * 0x01030507u >> (4 - size);
}

static void port_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    (void)opaque;
    (void)port;
    (void)value;
    (void)size;
}

static uint32_t mmio_read(void *opaque, hwaddr offset, unsigned size)
{
    return port_read(opaque, (uint16_t)offset, size);
}

static void mmio_write(void *opaque, hwaddr offset, uint32_t value, unsigned size)
{
    port_write(opaque, (uint16_t)offset, value, size);
}

void world_init(void)
{
    static const struct ioport_ops port_ops = { port_read, port_write, 1 | 2 };
    static const struct mmio_ops mmio = { mmio_read, mmio_write };

    env = calloc(1, sizeof *env);
    machine = calloc(1, sizeof *machine);
    if (!env || !machine)
        abort();
    env->mem = phys_mem_new();
    world_ram = phys_mem_add_ram(env->mem, 0, WORLD_RAM, "ram");
    world_hma = phys_mem_add_ram(env->mem, 0x100000, WORLD_HMA, "high");
    phys_mem_add_mmio(env->mem, 0xa0000, 0x10000, &mmio, NULL, "device");
    uint8_t *rom = phys_mem_add_rom(env->mem, 0xf0000, 0x10000, "rom");
    if (!world_ram || !world_hma || !rom)
        abort();
    for (unsigned i = 0; i < 0x10000; i++)
        rom[i] = (uint8_t)(i * 0x9d >> 3);
    softmmu_new(env);
    /* Of the machine only what an x87 error reaches. */
    machine->mem = env->mem;
    machine->pic = pic_new(machine);
    machine->ferr_irq = pc_irq(machine, 13);
    ioport_register(machine, 0x80, 0x20, &port_ops, NULL, "fuzz");
    env->machine = machine;
    make_gdt();
    make_idt();
    make_tss();
    make_page_tables();
    for (uint32_t a = W_STACK; a < W_PD; a++)
        image[a] = (uint8_t)(a * 0x6d >> 4);
    make_fx_areas();
}

const struct cpu_model *world_full_model(void)
{
    static struct cpu_model full;
    full = *cpu_model_find("max");
    full.name = "fuzz";
    full.level = 7;
    full.xlevel = 0x80000008;
    full.ext_features = CPUID_EXT_NX;
    full.brand = "a fuzzer's CPU";
    return &full;
}

void world_reset(const struct cpu_model *model)
{
    if (env->icache)
        interp_cache_flush(env->icache);
    memcpy(world_ram, image, WORLD_RAM);
    memcpy(world_hma, image + W_STACK, WORLD_HMA);
    env->model = model;
    cpu_reset(env);
    clock_init(env, 0);
    pic_reset(machine->pic);
    machine_set_ferr(machine, 0);
    machine->ignne = false;
    env->icount_left = INT32_MAX / 2;
    atomic_store(&env->interrupt_request, 0);
    atomic_store(&env->exit_request, 0);
    env->insns_interp = 0;
}

static void load_segment(int seg, uint32_t selector)
{
    uint32_t a = (selector & 4 ? W_LDT : W_GDT) + (selector & 0xfff8);
    segment_fill(&env->segs[seg], selector, (struct descriptor){ get32(a), get32(a + 4) | DESC_A_MASK });
}

void world_enter(enum world_mode mode, int cpl, enum world_paging paging)
{
    static const uint16_t code[] = { CODE0, CODE1, CODE2, CODE3 }, data[] = { DATA0, DATA1, DATA2, DATA3 };

    env->cr[0] = CR0_ET | (mode == WORLD_REAL ? 0 : CR0_PE);
    env->cr[3] = paging == WORLD_PAE ? W_PDPT : W_PD;
    if (mode == WORLD_REAL || mode == WORLD_VM86) {
        if (mode == WORLD_VM86)
            env->eflags |= VM_MASK;
        env->idt_limit = 0x3ff;
        cpu_update_hflags(env);
        for (int seg = 0; seg < SEG_COUNT; seg++)
            seg_load_real(env, seg, W_CODE >> 4);
        env->regs[R_ESP] = W_STACK + 0xf00 - W_CODE;
    } else {
        bool wide = mode == WORLD_PROT32;
        if (!wide)
            cpl = cpl >= 2 ? 3 : 0;
        for (int seg = 0; seg < SEG_COUNT; seg++) {
            if (wide)
                load_segment(seg, seg == R_CS ? code[cpl] : data[cpl]);
            else
                load_segment(seg, cpl ? (seg == R_CS ? CODE16_3 : DATA16_3) : seg == R_CS ? CODE16 : DATA16);
        }
        env->regs[R_ESP] = (wide ? W_STACK : W_STACK - W_CODE) + 0xf00;
    }
    env->eip = mode == WORLD_PROT32 ? W_CODE : 0;
    if (mode != WORLD_REAL) {
        env->gdt_base = W_GDT;
        env->gdt_limit = GDT_SIZE - 1;
        env->idt_base = W_IDT;
        env->idt_limit = 0x7ff;
        uint32_t tss = W_GDT + TSSA, ldt = W_GDT + LDTS;
        world_ram[tss + 5] |= 2; /* busy */
        segment_fill(&env->tr, TSSA, (struct descriptor){ get32(tss), get32(tss + 4) | SYS_BUSY_MASK });
        segment_fill(&env->ldt, LDTS, (struct descriptor){ get32(ldt), get32(ldt + 4) });
        uint32_t cr3 = env->cr[3];
        memcpy(world_ram + W_TSS_B + 0x1c, &cr3, 4);
    }
    cpu_update_hflags(env);
}
