/* The world in which random blocks run: paged memory with every kind of page, segments of every kind, and
 * a record of each run that can be compared. */
#ifndef STITCH86_TEST_BLOCK_MACHINE_H
#define STITCH86_TEST_BLOCK_MACHINE_H

#include <stdio.h>

#include "cpu.h"
#include "insn.h"

/* Linear addresses. */
enum {
    BM_LOW = 0, /* one page, neighbour of the last one */
    BM_CODE = 0x10000, BM_CODE_END = 0x13000,
    BM_ALIAS = 0x18000, /* the same pages as BM_CODE again */
    BM_DATA = 0x20000, BM_DATA_END = 0x2a000, /* ten pages, see block-world.c */
    BM_RO = BM_DATA + 0x3000, BM_HOLE = BM_DATA + 0x4000, BM_SUPER = BM_DATA + 0x6000,
        BM_MMIO = BM_DATA + 0x7000,
    BM_TABLE = BM_DATA + 0x9000, /* addresses within the sequence, for indirect jumps */
    BM_STACK = 0x30000, BM_STACK_END = 0x32000,
    BM_PHYS_RAM = 0x18000
};

enum { BM_MAX_EXCEPTIONS = 8, BM_LABELS = 64 };

/* x87, MMX and SSE registers.  fpregs and valid are by physical register. */
struct bm_simd {
    struct floatx80 fpregs[8];
    uint8_t valid, top;
    uint16_t fpuc, fpus;
    union xmm_reg xmm[8];
    uint32_t mxcsr;
};

/* What a run starts from. */
struct bm_start {
    uint32_t regs[8], eflags, eip;
    uint16_t segs[SEG_COUNT];
    bool wp, am;
    bool ts, em, no_osfxsr; /* CR0.TS, CR0.EM, CR4.OSFXSR clear */
    struct bm_simd simd;
    bool clean;    /* accessed and dirty bits 0, TLBs flushed */
    uint32_t labels[BM_LABELS]; /* eips that fill BM_TABLE and the stack */
};

struct bm_record {
    int vector;
    uint32_t error_code, cr2, next_eip, eip, eflags;
    uint32_t regs[8];
    int32_t count; /* instructions executed before */
};

struct bm_result {
    struct bm_record rec[BM_MAX_EXCEPTIONS + 1]; /* the last one, of vector -1, is the final state */
    unsigned n;
    bool terminal; /* it ended by an exception, not by the number of instructions */
    bool hung;     /* the watch dog ended it */
    uint32_t mmio_hash, mmio_reads;
};

struct bm {
    CPUX86State *env;
    uint8_t *ram;
    unsigned tb_max;
    bool icount;
    uint32_t mmio_hash, mmio_reads;
    _Alignas(16) uint8_t image[BM_PHYS_RAM]; /* memory at the start of a run */
};

/* tb_max 0: the interpreter. */
struct bm *bm_new(unsigned tb_max, bool icount);
void bm_free(struct bm *m);
/* Build the image of memory for a run: code at linear address `at`. */
void bm_image(uint8_t *image, const struct bm_start *s, uint32_t at, const uint8_t *code, uint32_t len);
/* Bring memory and CPU to the start.  Only bytes that differ are written, so blocks stay valid. */
void bm_set(struct bm *m, const struct bm_start *s);
/* Write guest memory by linear address as a debugger does (blocks notice). */
void bm_poke(struct bm *m, uint32_t lin, const void *bytes, uint32_t len);
/* Run up to max instructions (without -icount: to the end, however long). */
void bm_run(struct bm *m, int32_t max, struct bm_result *r);
/* The reference: the interpreter, one instruction after the other; ends before an instruction that the
 * comparison cannot take (ports, time, control registers).  Returns the number to give to bm_run(). */
int32_t bm_run_reference(struct bm *m, const struct bm_start *s, int32_t max, struct bm_result *r,
                         FILE *trace);
/* One instruction for the generator; false: it faulted, and was passed over. */
bool bm_step(struct bm *m);
/* Decode at CS:eip without side effects. */
bool bm_peek(struct bm *m, uint32_t eip, struct insn *in);
/* Print what differs, or return whether anything does (out NULL). */
bool bm_differs(const struct bm *a, const struct bm_result *ra, const struct bm *b,
                const struct bm_result *rb, FILE *out);
uint32_t bm_seg_base(uint16_t selector);

#endif
