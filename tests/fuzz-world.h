/* The guest that tests/fuzz_interp.c lets random code loose in: small memory with descriptor tables,
 * tasks and page tables of both kinds that make sense, so that random bytes reach deep. */
#ifndef STITCH86_TESTS_FUZZ_WORLD_H
#define STITCH86_TESTS_FUZZ_WORLD_H

#include "cpu.h"

/* Physical memory: RAM, MMIO at a0000, ROM at f0000, RAM again at 1 MiB, where A20 matters. */
#define WORLD_RAM 0x40000u
#define WORLD_HMA 0x10000u
enum {
    W_IVT = 0, W_GDT = 0x1000, W_IDT = 0x2000, W_LDT = 0x3000, W_TSS_A = 0x4000, W_TSS_B = 0x5000,
    W_TSS_C16 = 0x6000, W_HANDLERS = 0x7000, W_CODE = 0x8000, W_CODE_END = 0xa000, W_STACK = 0xa000,
    W_PD = 0x20000, W_PT = 0x21000, W_PT_ODD = 0x22000, W_PDPT = 0x23000, W_PAE_PD = 0x24000,
    W_PAE_PD_SELF = 0x25000, W_PAE_PT = 0x26000, W_PAE_PT_ODD = 0x27000
};
/* Linear memory with paging: the first megabyte as it is, a large page at 4 MiB, pages with all
 * kinds of rights at 8 MiB, the tables themselves at the top. */
#define W_LIN_LARGE 0x400000u
#define W_LIN_ODD 0x800000u
#define W_LIN_TABLES 0xfffff000u

enum world_mode { WORLD_REAL, WORLD_PROT32, WORLD_PROT16, WORLD_VM86 };
enum world_paging { WORLD_NO_PAGING, WORLD_4K, WORLD_4M, WORLD_PAE };

extern CPUX86State *env;
extern uint8_t *world_ram, *world_hma;

/* Once. */
void world_init(void);
/* Memory and vCPU as they are at the start of each run. */
void world_reset(const struct cpu_model *model);
/* Segments, tables and stack of the mode; paging tables are chosen, not yet on. */
void world_enter(enum world_mode mode, int cpl, enum world_paging paging);
/* A model with every feature that the interpreter has code for. */
const struct cpu_model *world_full_model(void);

#endif
