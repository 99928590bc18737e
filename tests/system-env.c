#include "system-env.h"

#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "interp.h"
#include "suite.h"

CPUX86State *env;
uint8_t *ram;
sigjmp_buf sys_jmp;
static CPUX86State before;

uint32_t rd16(uint32_t a)
{
    return ram[a] | (uint32_t)ram[a + 1] << 8;
}

uint32_t rd32(uint32_t a)
{
    return rd16(a) | rd16(a + 2) << 16;
}

void wr16(uint32_t a, uint32_t v)
{
    ram[a] = (uint8_t)v;
    ram[a + 1] = (uint8_t)(v >> 8);
}

void wr32(uint32_t a, uint32_t v)
{
    wr16(a, v);
    wr16(a + 2, v >> 16);
}

void push16(uint32_t v)
{
    env->regs[R_ESP] -= 2;
    wr16(env->segs[R_SS].base + env->regs[R_ESP], v);
}

void push32(uint32_t v)
{
    env->regs[R_ESP] -= 4;
    wr32(env->segs[R_SS].base + env->regs[R_ESP], v);
}

void desc_set(uint32_t table, uint32_t selector, uint32_t base, uint32_t limit, uint32_t access, bool big)
{
    uint32_t a = table + (selector & 0xfff8), flags = big ? 0x40 : 0;
    if (limit > 0xfffff) {
        limit >>= 12;
        flags |= 0x80;
    }
    wr16(a, limit);
    wr16(a + 2, base);
    ram[a + 4] = (uint8_t)(base >> 16);
    ram[a + 5] = (uint8_t)access;
    ram[a + 6] = (uint8_t)(flags | limit >> 16);
    ram[a + 7] = (uint8_t)(base >> 24);
}

void gate_set(uint32_t a, uint32_t selector, uint32_t offset, uint32_t access, unsigned count)
{
    wr16(a, offset);
    wr16(a + 2, selector);
    ram[a + 4] = (uint8_t)count;
    ram[a + 5] = (uint8_t)access;
    wr16(a + 6, offset >> 16);
}

void idt_gate(int vector, uint32_t selector, uint32_t offset, uint32_t access)
{
    gate_set(IDT + 8 * (uint32_t)vector, selector, offset, access, 0);
}

static void fill_gdt(void)
{
    desc_set(GDT, CODE0, 0, ~0u, ACC_CODE, true);
    desc_set(GDT, DATA0, 0, ~0u, ACC_DATA, true);
    desc_set(GDT, CODE3, 0, ~0u, ACC_CODE | ACC_DPL3, true);
    desc_set(GDT, DATA3, 0, ~0u, ACC_DATA | ACC_DPL3, true);
    desc_set(GDT, TSSA, TSS_A, 0x87, ACC_P | 9, false);
    desc_set(GDT, LDTS, LDT, 0xff, ACC_P | 2, false);
    desc_set(GDT, TSSB, TSS_B, 0x67, ACC_P | 9, false);
    desc_set(GDT, TSSC, TSS_C16, 0x2b, ACC_P | 1, false);
    desc_set(GDT, CONF0, 0, ~0u, 0x9e, true);
    desc_set(GDT, CODE16, 0x10000, 0xffff, ACC_CODE, false);
    desc_set(GDT, DATA16, 0x20000, 0xffff, ACC_DATA, false);
    desc_set(GDT, EXPDOWN, 0, 0x8fff, 0x96, true);
    desc_set(GDT, NPDATA, 0, ~0u, 0x72, true);
    gate_set(GDT + GATE, CODE0, HANDLER, ACC_P | ACC_DPL3 | 12, 0);
    gate_set(GDT + TGATE, TSSB, 0, ACC_P | ACC_DPL3 | 5, 0);
    desc_set(GDT, XONLY3, 0, ~0u, 0xf8, true);
    desc_set(GDT, CODE1, 0, ~0u, ACC_CODE | ACC_DPL1, true);
    desc_set(GDT, DATA1, 0, ~0u, ACC_DATA | ACC_DPL1, true);
    desc_set(GDT, NPCODE, 0, ~0u, 0x1a, true);
    desc_set(GDT, RODATA3, 0, ~0u, 0xf0, true);
    desc_set(GDT, SMALLCODE, 0, 0xfff, ACC_CODE, true);
    desc_set(GDT, NPSTACK, 0, ~0u, 0x12, true);
}

void sys_setup(void)
{
    env = calloc(1, sizeof *env);
    env->model = cpu_model_find("pentium2");
    env->mem = phys_mem_new();
    ram = phys_mem_add_ram(env->mem, 0, RAM_SIZE, "ram");
    ck_assert_ptr_nonnull(ram);
    softmmu_new(env);
    cpu_reset(env);
    fill_gdt();
    for (int v = 0; v < 64; v++)
        idt_gate(v, CODE0, HANDLER + 16 * (uint32_t)v, 0x8e);
    sys_protected(0);
}

void sys_teardown(void)
{
    interp_cache_free(env->icache);
    softmmu_free(env);
    phys_mem_free(env->mem);
    free(env);
}

static void flat(int seg, uint32_t selector)
{
    uint32_t a = GDT + (selector & 0xfff8);
    env->segs[seg] = (struct segment) { selector, 0, ~0u, rd32(a + 4) | DESC_A_MASK };
}

void sys_protected(int cpl)
{
    static const uint32_t code[] = { CODE0, CODE1, 0, CODE3 }, data[] = { DATA0, DATA1, 0, DATA3 };
    static const uint32_t stack[] = { STACK0, STACK1, 0, STACK3 };
    env->cr[0] = CR0_PE | CR0_ET;
    env->gdt_base = GDT;
    env->gdt_limit = GDT_SIZE - 1;
    env->idt_base = IDT;
    env->idt_limit = 0x1ff;
    env->ldt = (struct segment) { LDTS, LDT, 0xff, DESC_P_MASK | 2 << DESC_TYPE_SHIFT };
    env->tr = (struct segment) { TSSA, TSS_A, 0x87, DESC_P_MASK | 11 << DESC_TYPE_SHIFT };
    ram[GDT + TSSA + 5] = ACC_P | 11;
    wr32(TSS_A + 4, NEW_STACK);
    wr16(TSS_A + 8, DATA0);
    wr32(TSS_A + 12, STACK1);
    wr16(TSS_A + 16, DATA1);
    for (int seg = 0; seg < SEG_COUNT; seg++)
        flat(seg, seg == R_CS ? code[cpl] : data[cpl]);
    env->eip = 0x8000;
    env->regs[R_ESP] = stack[cpl];
    env->eflags = 2;
    cpu_set_arith(env, 0);
    cpu_update_hflags(env);
    ck_assert_int_eq(cpu_cpl(env), cpl);
}

void sys_vm86(unsigned iopl)
{
    sys_protected(3);
    env->eflags = 2 | VM_MASK | IF_MASK | iopl << IOPL_SHIFT;
    cpu_update_hflags(env);
    static const uint16_t sel[SEG_COUNT] = { 0x1111, 0x0800, 0x0900, 0x2222, 0x3333, 0x4444 };
    for (int seg = 0; seg < SEG_COUNT; seg++)
        seg_load_real(env, seg, sel[seg]);
    env->eip = 0x100;
    env->regs[R_ESP] = 0x800;
}

void sys_real(void)
{
    cpu_reset(env);
    env->idt_limit = 0x3ff;
    for (int seg = 0; seg < SEG_COUNT; seg++)
        seg_load_real(env, seg, 0x1000);
    env->eip = 0x100;
    env->regs[R_ESP] = 0x800;
}

void sys_snapshot(void)
{
    before = *env;
}

void sys_check_unchanged(const char *file, int line)
{
    bool same = !memcmp(before.regs, env->regs, sizeof env->regs) && before.eip == env->eip
        && cpu_eflags(&before) == cpu_eflags(env) && before.hflags == env->hflags
        && !memcmp(before.segs, env->segs, sizeof env->segs) && !memcmp(&before.ldt, &env->ldt,
                                                                        sizeof env->ldt)
        && !memcmp(&before.tr, &env->tr, sizeof env->tr) && before.cr[0] == env->cr[0]
        && before.cr[3] == env->cr[3] && before.cr[4] == env->cr[4] && before.fptw == env->fptw
        && !memcmp(before.fpregs, env->fpregs, sizeof env->fpregs)
        && !memcmp(before.xmm, env->xmm, sizeof env->xmm) && before.mxcsr == env->mxcsr;
    ck_assert_msg(same, "%s:%d: a faulting instruction changed the CPU's state", file, line);
}

int sys_run(const char *name, const TTest *const *tests, unsigned count)
{
    return suite_run_tests(name, tests, count, sys_setup, sys_teardown);
}
