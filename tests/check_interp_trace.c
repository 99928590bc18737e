/* The cache of decoded instructions under code that changes, and the traps around instructions. */
#include "interp-env.h"
#include "system-env.h"

START_TEST(self_modifying)
{
    /* mov byte [next+1], 42; next: mov al, 1; hlt */
    PROGRAM(0xc6, 0x05, (CODE + 8) & 0xff, CODE >> 8, 0, 0, 42, 0xb0, 1, 0xf4);
    RUNS(3);
    ck_assert_uint_eq(R(EAX) & 0xff, 42);
    /* Again, now that everything is decoded: 43 */
    env->halted = false;
    env->eip = CODE;
    ram[CODE + 6] = 43;
    interp_cache_flush(env->icache);
    RUNS(3);
    ck_assert_uint_eq(R(EAX) & 0xff, 43);
    /* Through phys_mem_write(), as a device would. */
    env->halted = false;
    env->eip = CODE + 7;
    phys_mem_write(env->mem, CODE + 8, &(uint8_t){44}, 1);
    RUNS(2);
    ck_assert_uint_eq(R(EAX) & 0xff, 44);
}
END_TEST

START_TEST(modified_often)
{
    /* mov ecx,200; 1: mov [imm], cl; mov al, imm; cmp al,cl; jne fail; loop 1b; hlt; fail: ud2 */
    PROGRAM(0xb9, 200, 0, 0, 0, 0x88, 0x0d, (CODE + 12) & 0xff, CODE >> 8, 0, 0, 0xb0, 0, 0x38, 0xc8, 0x75,
            3, 0xe2, 0xf2,
            0xf4, 0x0f, 0x0b);
    RUNS(100000);
    ck_assert(env->halted);
    ck_assert_uint_eq(R(ECX), 0);
    /* The code that is changed is on another page: the cache gives that page up, and takes it again. */
    for (int round = 0; round < 3; round++) {
        CODE_AT(0x9800, 0xb0, 0, 0xc3); /* mov al,imm; ret */
        CODE_AT(CODE, 0xb9, 200, 0, 0, 0, 0x88, 0x0d, 1, 0x98, 0, 0, 0xe8, 0xf0, 0x17, 0, 0, 0x38, 0xc8,
                0x75, 3,
                0xe2, 0xef, 0xf4, 0x0f, 0x0b);
        env->halted = false;
        env->eip = CODE;
        R(ESP) = STACK0;
        RUNS(100000);
        ck_assert(env->halted);
    }
}
END_TEST

START_TEST(page_crossing_fetch)
{
    paging();
    CODE_AT(CODE + 0xffe, 0xb8, 1, 2, 3, 4, 0xf4); /* mov eax,imm32 over the page's end */
    env->eip = CODE + 0xffe;
    map(CODE + 0x1000, 6);
    INSN_FAULTS(EXCP_PF, 0);
    ck_assert_uint_eq(env->cr[2], CODE + 0x1000);
    map(CODE + 0x1000, 7);
    RUNS(1);
    ck_assert_uint_eq(R(EAX), 0x04030201);
    ram[CODE + 0x1001] = 0x55;
    env->eip = CODE + 0xffe;
    RUNS(1);
    ck_assert_uint_eq(R(EAX), 0x04550201);
    /* An instruction that ends right at the page's end needs no second page. */
    map(CODE + 0x1000, 6);
    CODE_AT(CODE + 0xfff, 0x40);
    env->eip = CODE + 0xfff;
    RUNS(1);
    ck_assert_int_eq(run(1), EXCP_PF);
}
END_TEST

START_TEST(remapped_page)
{
    /* The same linear address, other physical pages: the cache goes by physical address. */
    paging();
    CODE_AT(0x30000, 0xb0, 1, 0xf4);
    CODE_AT(0x31000, 0xb0, 2, 0xf4);
    for (uint32_t i = 0; i < 6; i++) {
        wr32(PTAB + 4 * 0x32, (i & 1 ? 0x31000u : 0x30000u) | 7);
        tlb_flush(env);
        env->eip = 0x32000;
        env->halted = false;
        RUNS(2);
        ck_assert_uint_eq(R(EAX) & 0xff, 1 + (i & 1));
    }
}
END_TEST

START_TEST(single_step)
{
    PROGRAM(0x40, 0x40, 0xf3, 0xa4, 0x9d); /* inc eax; inc eax; rep movsb; popf */
    env->eflags |= TF_MASK;
    cpu_update_hflags(env);
    ck_assert_int_eq(run(10), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 1);
    ck_assert_uint_eq(env->db_status, 0x4000);
    env->db_status = 0;
    ck_assert_int_eq(run(10), EXCP_DB);
    R(ECX) = 2; /* a trap after each element */
    R(ESI) = DATA;
    R(EDI) = DATA + 100;
    ck_assert_int_eq(run(10), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 2);
    ck_assert_uint_eq(R(ECX), 1);
    ck_assert_int_eq(run(10), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 4);
    R(ESP) = 0x30000;
    wr32(0x30000, 2);
    ck_assert_int_eq(run(10), EXCP_DB); /* the POPF that clears TF is still trapped */
    ck_assert_uint_eq(env->eip, CODE + 5);
}
END_TEST

START_TEST(shadow)
{
    PROGRAM(0xfb, 0x90, 0xfb, 0x90, 0x8e, 0xd0, 0x40); /* sti; nop; sti; nop; mov ss,eax; inc eax */
    R(EAX) = DATA0;
    interp_run(env, 10);
    ck_assert(env->hflags & HF_INHIBIT);
    ck_assert_uint_eq(env->eip, CODE + 1);
    interp_run(env, 10);
    ck_assert(!(env->hflags & HF_INHIBIT));
    ck_assert_uint_eq(env->eip, CODE + 2);
    interp_run(env, 10);
    ck_assert(!(env->hflags & HF_INHIBIT)); /* IF was set already */
    interp_run(env, 1);
    interp_run(env, 10);
    ck_assert(env->hflags & HF_INHIBIT);
    /* With TF, no trap between MOV SS and the next instruction. */
    env->eip = CODE + 4;
    env->eflags |= TF_MASK;
    env->hflags &= ~(uint32_t)HF_INHIBIT;
    cpu_update_hflags(env);
    RUNS(1);
    ck_assert_uint_eq(env->eip, CODE + 6);
    ck_assert_int_eq(run(1), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 7);
}
END_TEST

START_TEST(breakpoints)
{
    PROGRAM(0x40, 0x40, 0xa3, 0, 0, 2, 0, 0x40); /* inc; inc; mov [20000],eax; inc */
    cpu_write_dr(env, 0, CODE + 1);
    cpu_write_dr(env, 1, DATA);
    cpu_write_dr(env, 7, 1 | 4 | 1u << 20 | 3u << 22); /* 0: execution; 1: writes, 4 bytes */
    ck_assert_int_eq(run(10), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 1); /* a fault */
    ck_assert_uint_eq(R(EAX), 1);
    ck_assert_uint_eq(env->db_status, 1);
    env->db_status = 0;
    env->eflags |= RF_MASK;
    ck_assert_int_eq(run(10), EXCP_DB);
    ck_assert_uint_eq(env->eip, CODE + 7); /* a trap */
    ck_assert_uint_eq(env->db_status, 2);
    ck_assert(!(env->eflags & RF_MASK));
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        self_modifying, modified_often, page_crossing_fetch, remapped_page,
        single_step, shadow, breakpoints
    };
    return sys_run("interp-trace", tests, sizeof tests / sizeof tests[0]);
}
