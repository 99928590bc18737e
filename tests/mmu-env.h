/* A soft MMU with RAM, ROM and a device, and page tables to be poked, for its tests: accesses
 * either work or fault, and say how. */
#ifndef STITCH86_TESTS_MMU_ENV_H
#define STITCH86_TESTS_MMU_ENV_H

#include <check.h>
#include <setjmp.h>

#include "exception.h"
#include "segment.h"
#include "softmmu.h"

#define RAM_SIZE 0x800000u
#define DIR 0x10000u /* page directory, or PAE's first one */
#define TAB 0x20000u /* page tables, one for each of the first directory entries */
enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
#define NX (1ull << 63)
enum { USER = MMU_USER_IDX, SMAP = MMU_KSMAP_IDX, KERN = MMU_KNOSMAP_IDX };

extern CPUX86State env;
extern uint8_t *ram, *rom;
/* The device's last access: offset, value, size. */
extern uint32_t mmio_last[3];
extern int mmio_reads, mmio_writes;
extern const struct mmio_ops mmio_ops;

/* The last exception. */
extern jmp_buf fault_jmp;
extern int fault_vector;
extern uint32_t fault_code;
extern uintptr_t fault_ra;

/* The last access that was checked against the watch points. */
struct bp_check {
    uint32_t linear;
    unsigned len;
    int type, calls;
};
extern struct bp_check bp;

void put32(uint32_t at, uint32_t v);
uint32_t get32(uint32_t at);
void put64(uint32_t at, uint64_t v);
uint64_t get64(uint32_t at);

/* 32-bit paging: the first 16 MiB have page tables, all entries are 0. */
void paging_32(uint32_t cr0, uint32_t cr4);
uint32_t pte_at(uint32_t vaddr);
void map32(uint32_t vaddr, uint32_t entry);
/* PAE: the first 2 MiB have a page table. */
void paging_pae(uint64_t efer);
void map_pae(uint32_t vaddr, uint64_t entry);

/* Runs the statement; the error code of the page fault, or -1. */
#define ATTEMPT(stmt) (fault_vector = -1, setjmp(fault_jmp) ? (int)fault_code : ((void)(stmt), -1))

#define FAULTS(stmt, code, where) \
    do { \
        env.cr[2] = 0xdeadbeef; \
        int got = ATTEMPT(stmt); \
        ck_assert_int_eq(got, code); \
        ck_assert_int_eq(fault_vector, EXCP_PF); \
        ck_assert_uint_eq(env.cr[2], where); \
        ck_assert_uint_eq(fault_ra, 77); \
    } while (0)
#define WORKS(stmt) ck_assert_int_eq(ATTEMPT(stmt), -1)

struct tlb_entry *entry(int mmu_idx, uint32_t vaddr);
/* One access; the error code of its page fault, or -1. */
int load(uint32_t vaddr, int mmu_idx);
int store(uint32_t vaddr, int mmu_idx);
int fetch(uint32_t vaddr, int cpl);

/* Run the tests, each on a soft MMU of its own; returns main()'s result. */
int mmu_run(const char *name, const TTest *const *tests, unsigned count);

#endif
