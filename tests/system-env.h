/* A vCPU with RAM and small descriptor tables, for the tests of the system side: each
 * test pokes tables, calls one function of segment.h or exception.h and looks at the
 * state it leaves, or at the exception and at nothing having changed. */
#ifndef STITCH86_TESTS_SYSTEM_ENV_H
#define STITCH86_TESTS_SYSTEM_ENV_H

#include <check.h>
#include <setjmp.h>

#include "cpu.h"
#include "exception.h"
#include "flags.h"
#include "segment.h"
#include "softmmu.h"

#define RAM_SIZE 0x200000u
enum {
    GDT = 0x1000, IDT = 0x2000, LDT = 0x3000, TSS_A = 0x4000, TSS_B = 0x5000, TSS_C16 = 0x6000,
    STACK0 = 0x9000, STACK3 = 0xa000, STACK1 = 0xb000, NEW_STACK = 0xc000, HANDLER = 0x12340
};
/* Selectors. */
enum {
    CODE0 = 0x08, DATA0 = 0x10, CODE3 = 0x1b, DATA3 = 0x23, TSSA = 0x28, LDTS = 0x30, TSSB = 0x38,
    TSSC = 0x40,
    CONF0 = 0x48, CODE16 = 0x50, DATA16 = 0x58, EXPDOWN = 0x60, NPDATA = 0x68, GATE = 0x70, TGATE = 0x78,
    XONLY3 = 0x83, CODE1 = 0x89, DATA1 = 0x91, NPCODE = 0x98, RODATA3 = 0xa3, SMALLCODE = 0xa8,
    NPSTACK = 0xb0,
    SPARE = 0xb8, GDT_SIZE = 0xc0
};
/* Access bytes. */
enum { ACC_P = 0x80, ACC_CODE = 0x9a, ACC_DATA = 0x92, ACC_DPL3 = 0x60, ACC_DPL1 = 0x20 };

extern CPUX86State *env;
extern uint8_t *ram;
extern sigjmp_buf sys_jmp;

void sys_setup(void);
void sys_teardown(void);
/* Flat protected mode at that CPL: CS and SS of the level, ESP = its stack, all data segments flat. */
void sys_protected(int cpl);
void sys_vm86(unsigned iopl);
void sys_real(void);

void desc_set(uint32_t table, uint32_t selector, uint32_t base, uint32_t limit, uint32_t access, bool big);
void gate_set(uint32_t address, uint32_t selector, uint32_t offset, uint32_t access, unsigned count);
void idt_gate(int vector, uint32_t selector, uint32_t offset, uint32_t access);
uint32_t rd16(uint32_t address);
uint32_t rd32(uint32_t address);
void wr16(uint32_t address, uint32_t v);
void wr32(uint32_t address, uint32_t v);
void push16(uint32_t v);
void push32(uint32_t v);

/* Run the tests, each on a vCPU of its own; returns main()'s result. */
int sys_run(const char *name, const TTest *const *tests, unsigned count);

void sys_snapshot(void);
void sys_check_unchanged(const char *file, int line);

#define TRY(stmt) \
    do { \
        sys_snapshot(); \
        env->exception_index = -1; \
        env->error_code = 0; \
        env->jmp_env = &sys_jmp; \
        if (sigsetjmp(sys_jmp, 0) == 0) { \
            stmt; \
        } \
    } while (0)

/* Raises `vec` with error code `err`, and changes nothing. */
#define FAULTS(vec, err, stmt) \
    do { \
        TRY(stmt); \
        ck_assert_int_eq(env->exception_index, (vec)); \
        ck_assert_uint_eq(env->error_code, (err)); \
        sys_check_unchanged(__FILE__, __LINE__); \
    } while (0)

#define WORKS(stmt) \
    do { \
        TRY(stmt); \
        ck_assert_int_eq(env->exception_index, -1); \
    } while (0)

#define CHECK_CSIP(cs, ip) \
    do { \
        ck_assert_uint_eq(env->segs[R_CS].selector, (cs)); \
        ck_assert_uint_eq(env->eip, (ip)); \
    } while (0)
#define CHECK_SSSP(ss, sp) \
    do { \
        ck_assert_uint_eq(env->segs[R_SS].selector, (ss)); \
        ck_assert_uint_eq(env->regs[R_ESP], (sp)); \
    } while (0)

#endif
