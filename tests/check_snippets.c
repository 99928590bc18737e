/* Snippets of the frame, of exits, memory accesses, operands and flag bits, each alone in the MIPS simulator
 * against what it is for: registers and memory that it has no business with keep their contents. */
#include "snippet-world.h"

#include <stddef.h>

#include "suite.h"
#include "tb-context.h"
#include "tmpl-gen.h"

enum { TIMES = 20 };
#define CONDITION_CODES 0xfe800000u

/* ---- the frame ---- */

static void state_from_registers(CPUX86State *env, const struct mips_sim *s)
{
    for (int i = 0; i < 8; i++)
        env->regs[i] = (uint32_t)s->r[HREG_GUEST(i)];
    env->cc_op = (uint32_t)s->r[HREG_cc_op];
    env->cc_dst = (uint32_t)s->r[HREG_cc_dst];
    env->cc_src = (uint32_t)s->r[HREG_cc_src];
    env->cc_src2 = (uint32_t)s->r[HREG_cc_src2];
    env->cc_res = (uint32_t)s->r[HREG_cc_res];
    env->icount_left = (int32_t)s->r[HREG_icount];
}

static void record_from_state(struct mips_sim *s, const CPUX86State *env)
{
    s->r[HREG_cc_op] = sx(env->cc_op);
    s->r[HREG_cc_dst] = sx(env->cc_dst);
    s->r[HREG_cc_src] = sx(env->cc_src);
    s->r[HREG_cc_src2] = sx(env->cc_src2);
    s->r[HREG_cc_res] = sx(env->cc_res);
    s->r[HREG_icount] = sx((uint32_t)env->icount_left);
}

static void guest_from_state(struct mips_sim *s, const CPUX86State *env)
{
    for (int i = 0; i < 8; i++)
        s->r[HREG_GUEST(i)] = sx(env->regs[i]);
}

static void change_record(void)
{
    now.env.cc_op = (uint32_t)random_word();
    now.env.cc_dst = (uint32_t)random_word();
    now.env.cc_src = (uint32_t)random_word();
    now.env.cc_src2 = (uint32_t)random_word();
    now.env.cc_res = (uint32_t)random_word();
    now.env.icount_left = (int32_t)random_word();
}

/* enter() keeps what a C function has to keep, and the stack above. */
START_TEST(enter)
{
    for (int t = 0; t < TIMES; t++) {
        snippet_start();
        for (int i = 1; i < 32; i++)
            now.s.r[i] = snippet_random();
        now.s.fcsr |= 0x02800000;
        R(a0) = ENV_AT;
        R(sp) = STACK_AT + STACK - 8;
        now.env.mem_base = TABLE_AT;
        memcpy(&want, &now, sizeof want);
        struct mips_sim caller = now.s;
        RUN(emit_prologue(words, 31));
        jumped_to("prologue", caller.r[HREG_a1]);
        W(sp) -= 176;
        want.env.unwind_sp = W(sp);
        W(env) = ENV_AT;
        W(mem) = TABLE_AT;
        W(t9) = caller.r[HREG_a1];
        guest_from_state(&want.s, &want.env);
        record_from_state(&want.s, &want.env);
        want.s.f[31] = UINT64_C(0x0080000000800000);
        want.s.fcsr &= ~CONDITION_CODES;
        memcpy(want.stack, now.stack, STACK - 8); /* the frame's contents are its own matter */
        same("prologue", 1u << HREG_at);

        /* A block, which knows nothing of the caller. */
        clobber_caller_saved();
        now.s.f[31] = snippet_random();
        for (int i = 0; i < 32; i++)
            if ((HREGS_GUEST | HREGS_CC | 1u << HREG_icount) >> i & 1)
                now.s.r[i] = random_word();
        R(mem) = snippet_random();
        R(t9) = random_word();
        memcpy(now.stack + (R(sp) - STACK_AT), want.env.regs, 32);
        memcpy(&want, &now, sizeof want);
        RUN(emit_epilogue(words, 31));
        jumped_to("epilogue", caller.r[HREG_ra]);
        want.env.eip = (uint32_t)want.s.r[HREG_t9];
        state_from_registers(&want.env, &want.s);
        for (int i = 16; i < 24; i++)
            want.s.r[i] = caller.r[i];
        W(mem) = caller.r[HREG_mem];
        W(env) = caller.r[HREG_env];
        W(ra) = caller.r[HREG_ra];
        W(sp) = caller.r[HREG_sp];
        want.s.f[31] = caller.f[31];
        same("epilogue", 0);
    }
}
END_TEST

enum { TEMPORARIES = 72 }; /* the frame's link and operand temporaries end there */

START_TEST(thunk_call)
{
    for (int t = 0; t < TIMES; t++) {
        int fn = (int)offsetof(CPUX86State, tb_helpers) + 8 * (t % 32);
        snippet_start();
        RUN(emit_thunk_call(words, fn));
        jumped_to("thunk_call", now.env.tb_helpers[t % 32]);
        struct mips_sim block = want.s;
        state_from_registers(&want.env, &want.s);
        W(a3) = W(ra);
        W(a0) = ENV_AT;
        W(ra) = MIPS_SIM_LINK;
        memcpy(want.stack + SP, now.stack + SP, TEMPORARIES);
        same("thunk_call", 1u << HREG_t9 | 1u << HREG_at);

        clobber_caller_saved();
        change_record();
        memcpy(&want, &now, sizeof want);
        uint64_t result = R(v0);
        resume();
        jumped_to("thunk_call's end", block.r[HREG_ra]);
        want.s.r[HREG_v1] = block.r[HREG_v1];
        for (int i = HREG_a4; i <= HREG_a6; i++)
            want.s.r[i] = block.r[i];
        W(a0) = block.r[HREG_a0];
        W(ra) = block.r[HREG_ra];
        W(v0) = result;
        record_from_state(&want.s, &want.env);
        same("thunk_call's end", HREGS_SCRATCH | 1u << HREG_t9);
    }
}
END_TEST

/* What leaves a block through C and goes on where C says: the parts one by one. */
START_TEST(through_c)
{
    for (int t = 0; t < TIMES; t++) {
        int fn = (int)offsetof(CPUX86State, tb_helpers) + 8 * (t % 32);
        snippet_start();
        RUN(emit_save_eip(words));
        ck_assert_ptr_null(now.s.error);
        want.env.eip = (uint32_t)W(t9);
        same("save_eip", 0);

        snippet_start();
        RUN(emit_save_guest(words));
        ck_assert_ptr_null(now.s.error);
        state_from_registers(&want.env, &want.s);
        same("save_guest", 0);

        snippet_start();
        RUN(emit_go_on(words, fn));
        jumped_to("go_on", now.env.tb_helpers[t % 32]);
        W(a0) = ENV_AT;
        W(ra) = MIPS_SIM_LINK;
        same("go_on", 1u << HREG_t9);

        clobber_caller_saved();
        change_record();
        for (int i = 0; i < 8; i++)
            now.env.regs[i] = (uint32_t)random_word();
        now.env.eip = (uint32_t)random_word();
        now.env.mem_base = random_word();
        memcpy(&want, &now, sizeof want);
        uint64_t next = R(v0);
        resume();
        jumped_to("go_on's end", next);
        W(t9) = sx(want.env.eip);
        W(mem) = want.env.mem_base;
        record_from_state(&want.s, &want.env);
        guest_from_state(&want.s, &want.env);
        want.s.fcsr &= ~CONDITION_CODES;
        same("go_on's end", 0);
    }

    snippet_start();
    RUN(emit_interp_back(words));
    ck_assert_ptr_null(now.s.error);
    W(X2) = W(ra);
    same("interp_back", 0);

    snippet_start();
    RUN(emit_interp_end(words, OUT));
    jumped_to("interp_end", jump_target(OUT));
    W(X2) = 0;
    same("interp_end", 0);

    snippet_start();
    RUN(emit_end_interp(words, 0x1234, 0xfedc, OUT));
    jumped_to("end_interp", jump_target(OUT));
    W(X1) = 0x1234fedc;
    same("end_interp", 0);

    snippet_start();
    RUN(emit_unwound(words, 31));
    ck_assert_ptr_null(now.s.error);
    want.s.f[31] = UINT64_C(0x0080000000800000);
    same("unwound", 1u << HREG_at);

    snippet_start();
    RUN(emit_next_link(words));
    ck_assert_ptr_null(now.s.error);
    W(X1) = W(ra);
    same("next_link", 0);

    snippet_start();
    RUN(emit_next_lookup(words, OUT));
    jumped_to("next_lookup", jump_target(OUT));
    W(X1) = 0;
    same("next_lookup", 0);
}
END_TEST

START_TEST(thunk_flags)
{
    for (int t = 0; t < TIMES; t++) {
        int fn = (int)offsetof(CPUX86State, tb_helpers) + 8 * (t % 32);
        snippet_start();
        RUN(emit_thunk_flags(words, fn));
        jumped_to("thunk_flags", now.env.tb_helpers[t % 32]);
        struct mips_sim block = want.s;
        CPUX86State *e = &want.env;
        uint32_t regs[8];
        memcpy(regs, e->regs, sizeof regs);
        state_from_registers(e, &want.s);
        memcpy(e->regs, regs, sizeof regs);
        W(a0) = W(cc_op);
        W(a1) = W(cc_dst);
        W(a2) = W(cc_src);
        W(a3) = W(cc_src2);
        W(a4) = W(cc_res);
        W(ra) = MIPS_SIM_LINK;
        memcpy(want.stack + SP, now.stack + SP, TEMPORARIES);
        same("thunk_flags", 1u << HREG_t9 | 1u << HREG_at);

        clobber_caller_saved();
        memcpy(&want, &now, sizeof want);
        resume();
        jumped_to("thunk_flags' end", block.r[HREG_ra]);
        want.s.r[HREG_v1] = block.r[HREG_v1];
        for (int i = HREG_a4; i <= HREG_a6; i++)
            want.s.r[i] = block.r[i];
        W(a0) = block.r[HREG_a0];
        W(ra) = block.r[HREG_ra];
        record_from_state(&want.s, &want.env);
        same("thunk_flags' end", HREGS_SCRATCH | 1u << HREG_t9);
    }
}
END_TEST

/* Operands as a record has them: sign-extended from the operand's width. */
static uint32_t extended(uint32_t v, unsigned width)
{
    return width == 0 ? (uint32_t)(int8_t)v : width == 1 ? (uint32_t)(int16_t)v : v;
}

START_TEST(quick_flags)
{
    static const uint32_t special[] = { 0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff };
    enum { SPECIAL = sizeof special / sizeof *special };
    for (int t = 0; t < 200 * TIMES; t++) {
        unsigned kind = (unsigned)t % CC_KINDS, width = (unsigned)(t / CC_KINDS) % 3, mod = t % 7 == 0 ? CCM_DEC : 0;
        snippet_start();
        uint32_t dst = (uint32_t)R(cc_dst), src = (uint32_t)R(cc_src);
        if (t % 2) {
            dst = special[t / 2 % SPECIAL];
            src = special[t / (2 * SPECIAL) % SPECIAL];
        }
        dst = extended(dst, width);
        src = kind == CC_EFLAGS ? src & CC_ARITH : extended(src, width);
        R(cc_op) = CC_OP(kind, width) | (mod ? CC_MOD(mod, width) : 0);
        R(cc_dst) = sx(dst);
        R(cc_src) = sx(src);
        memcpy(&want, &now, sizeof want);
        RUN(emit_quick_flags(words, OUT));
        bool quick = !mod && (kind == CC_CMP || kind == CC_SUB || kind == CC_LOGIC || kind == CC_EFLAGS);
        uint32_t but = HREGS_SCRATCH | 1u << HREG_t9 | 1u << HREG_v0;
        if (!quick) {
            went_out("quick_flags");
            same("quick_flags", but);
            continue;
        }
        jumped_to("quick_flags", want.s.r[HREG_ra]);
        ck_assert_uint_eq((uint32_t)R(v0), cc_compute_all(CC_OP(kind, width), dst, src, 0, 0));
        same("quick_flags", but | 1u << HREG_cc_src);
    }
}
END_TEST

/* ---- guest memory: snippet-memory.c ---- */

START_TEST(quick_accesses)
{
    check_quick_accesses();
}
END_TEST

START_TEST(inline_accesses)
{
    check_inline_accesses();
}
END_TEST

START_TEST(known_accesses)
{
    check_known_accesses();
}
END_TEST

START_TEST(slow_paths)
{
    check_slow_paths();
}
END_TEST

START_TEST(strings)
{
    check_strings();
}
END_TEST

/* ---- exits ---- */

START_TEST(icount)
{
    static const int32_t left[] = { 0, 1, 6, 7, 8, 100, -1, -0x7fffff00, 0x7fffffff };
    for (unsigned i = 0; i < sizeof left / sizeof *left; i++) {
        snippet_start();
        R(icount) = sx((uint32_t)left[i]);
        memcpy(&want, &now, sizeof want);
        RUN(emit_icount_check(words, -7, OUT));
        W(icount) = sx((uint32_t)left[i] - 7);
        if (left[i] < 7)
            went_out("icount_check");
        else
            fell_through("icount_check");
        same("icount_check", 0);

        snippet_start();
        RUN(emit_exit_icount(words, 19, 0x8765, 0xcba9, OUT));
        jumped_to("exit_icount", jump_target(OUT));
        W(icount) = sx((uint32_t)W(icount) + 19);
        W(t9) = sx(0x8765cba9);
        same("exit_icount", 0);
    }
}
END_TEST

START_TEST(exits)
{
    static const int32_t requests[] = { 0, 1, -1, -0x7fffffff - 1, 0x7fffffff };
    snippet_start();
    RUN(emit_exit_stub(words, 0x8765, 0xcba9, OUT));
    jumped_to("exit_stub", jump_target(OUT));
    W(t9) = sx(0x8765cba9);
    W(ra) = MIPS_SIM_LINK;
    same("exit_stub", 0);

    snippet_start();
    RUN(emit_exit_at(words, 0x1765, 0xcba9, OUT));
    jumped_to("exit_at", jump_target(OUT));
    W(t9) = 0x1765cba9;
    same("exit_at", 0);

    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
        snippet_start();
        now.env.exit_request = requests[i];
        memcpy(&want, &now, sizeof want);
        RUN(emit_poll(words, OUT));
        ck_assert_ptr_null(now.s.error);
        ck_assert_int_eq(now.s.taken, requests[i] < 0);
        same("poll", 1u << HREG_at);
    }

    for (unsigned closed = 0; closed < 2; closed++) {
        unsigned k = (unsigned)random_word() % PAGE_GUARDS;
        snippet_start();
        now.env.page_guard[k] = !closed;
        memcpy(&want, &now, sizeof want);
        RUN(emit_page_guard(words, (int)offsetof(CPUX86State, page_guard) + (int)k, OUT));
        ck_assert_ptr_null(now.s.error);
        ck_assert_int_eq(now.s.taken, closed);
        same("page_guard", 1u << HREG_at);
    }

    snippet_start();
    RUN(emit_jump(words, OUT));
    jumped_to("jump", jump_target(OUT));
    same("jump", 0);

    snippet_start();
    RUN(emit_leave_code(words, -3, OUT));
    jumped_to("leave_code", jump_target(OUT));
    W(v0) = (uint64_t)-3;
    same("leave_code", 0);

    snippet_start();
    RUN(emit_call_thunk(words, OUT));
    jumped_to("call_thunk", jump_target(OUT));
    W(ra) = MIPS_SIM_LINK;
    same("call_thunk", 0);

    snippet_start();
    RUN(emit_call_interp(words, 0x9abc, 0xdef1, OUT));
    jumped_to("call_interp", jump_target(OUT));
    W(X1) = sx(0x9abcdef1);
    W(ra) = MIPS_SIM_LINK;
    same("call_interp", 0);
}
END_TEST

START_TEST(jmp_cache)
{
    for (int t = 0; t < TIMES; t++)
        for (int miss = 0; miss < 3; miss++) {
            struct jc_entry entry = { .host = (const uint32_t *)(uintptr_t)0x4455667788 };
            snippet_start();
            R(t9) = random_word();
            entry.eip = (int32_t)((uint32_t)R(t9) ^ (miss == 1 ? 1u << JC_BITS : miss ? 1u << 31 : 0));
            now.env.jmp_cache = (void *)(uintptr_t)TABLE_AT;
            now.s.mem[2].base = TABLE_AT + (R(t9) & ((1u << JC_BITS) - 1)) * sizeof entry;
            now.s.mem[2].size = sizeof entry;
            memcpy(now.table, &entry, sizeof entry);
            memcpy(&want, &now, sizeof want);
            RUN(emit_nop(emit_jmp_cache(words, HREG_t9, OUT)));
            if (miss)
                went_out("jmp_cache");
            else
                jumped_to("jmp_cache", 0x4455667788);
            same("jmp_cache", HREGS_SCRATCH);
        }
}
END_TEST

START_TEST(counters)
{
    for (int t = 0; t < TIMES; t++) {
        int n = t ? (int)(snippet_random() % 65536) - 32768 : 1;
        snippet_start();
        RUN(emit_count_insns(words, n));
        fell_through("count_insns");
        want.env.insns_template += (uint64_t)(int64_t)n;
        same("count_insns", HREGS_SCRATCH);

        uint32_t hi = t & 7 ? (uint32_t)(snippet_random() % 0x8000) : 0;
        int lo = (int)(snippet_random() % 4096) * 16 - 32768;
        snippet_start();
        now.env.profile_counts = TABLE_AT;
        now.s.mem[2].base = TABLE_AT + sx(hi << 16) + (uint64_t)(int64_t)lo;
        now.s.mem[2].size = 8;
        now.table[0] = t & 1 ? -1 : (int64_t)snippet_random();
        memcpy(&want, &now, sizeof want);
        RUN(emit_count_block(words, (int)hi, lo));
        fell_through("count_block");
        want.table[0]++;
        same("count_block", HREGS_SCRATCH);
    }
}
END_TEST

/* ---- operands ---- */

#define SIMPLE(name, call, result) do { \
        snippet_start(); \
        R(T1) = random_word(); \
        R(T2) = t % 3 ? random_word() : 0; \
        memcpy(&want, &now, sizeof want); \
        uint64_t d = W(edx), s = W(T1), c = W(T2); \
        (void)d; \
        (void)s; \
        (void)c; \
        RUN(call); \
        fell_through(name); \
        W(edx) = (result); \
        same(name, 1u << HREG_at); \
    } while (0)
#define D HREG_edx
#define S HREG_T1
#define C HREG_T2

START_TEST(operands)
{
    for (int t = 0; t < TIMES; t++) {
        int k = (int)(snippet_random() % 65536), sk = k - 32768, n = k & 31;
        int32_t wide = (int32_t)random_word();
        SIMPLE("addiu", emit_addiu(words, D, S, sk), sx((uint32_t)s + (uint32_t)sk));
        SIMPLE("addu", emit_addu(words, D, S, C), sx((uint32_t)s + (uint32_t)c));
        SIMPLE("sll", emit_sll(words, D, S, n), sx((uint32_t)s << n));
        SIMPLE("reg_s16", emit_reg_s16(words, D, S), (uint64_t)(int64_t)(int16_t)s);
        SIMPLE("reg_s8", emit_reg_s8(words, D, S), (uint64_t)(int64_t)(int8_t)s);
        SIMPLE("reg_s8h", emit_reg_s8h(words, D, S), (uint64_t)(int64_t)(int8_t)(s >> 8));
        SIMPLE("reg_u16", emit_reg_u16(words, D, S), (uint16_t)s);
        SIMPLE("reg_u8", emit_reg_u8(words, D, S), (uint8_t)s);
        SIMPLE("reg_u8h", emit_reg_u8h(words, D, S), (uint8_t)(s >> 8));
        SIMPLE("reg_ins16", emit_reg_ins16(words, D, S), (d & ~UINT64_C(0xffff)) | (uint16_t)s);
        SIMPLE("reg_ins8", emit_reg_ins8(words, D, S), (d & ~UINT64_C(0xff)) | (uint8_t)s);
        SIMPLE("reg_ins8h", emit_reg_ins8h(words, D, S), (d & ~UINT64_C(0xff00)) | (uint64_t)(uint8_t)s << 8);
        SIMPLE("movz", emit_movz(words, D, S, C), c ? d : s);
        SIMPLE("movn", emit_movn(words, D, S, C), c ? s : d);
        SIMPLE("env_lw", emit_env_lw(words, D, (int)offsetof(CPUX86State, regs[0]) + 4 * (t & 7)),
               sx(want.env.regs[t & 7]));
        SIMPLE("nop", emit_nop(words), d);
        SIMPLE("move", emit_move(words, D, S), s);
        SIMPLE("li16", emit_li16(words, D, sk), (uint64_t)(int64_t)sk);
        SIMPLE("lui", emit_lui(words, D, k), sx((uint32_t)k << 16));
        SIMPLE("li32", emit_li32(words, D, wide), sx((uint32_t)wide));

        snippet_start();
        R(T2) = t % 3 ? snippet_random() : 0;
        memcpy(&want, &now, sizeof want);
        bool zero = W(T2) == 0;
        RUN(t & 1 ? emit_beqz(words, HREG_T2, OUT) : emit_bnez(words, HREG_T2, OUT));
        ck_assert_ptr_null(now.s.error);
        ck_assert_int_eq(now.s.taken, (t & 1) == zero);
        same("beqz, bnez", 0);

        snippet_start();
        bool covered = !(W(cc_op) & (1u << n % 16));
        RUN(emit_cc_uncovered(words, 1 << n % 16, OUT));
        if (covered)
            fell_through("cc_uncovered");
        else
            went_out("cc_uncovered");
        same("cc_uncovered", 1u << HREG_at);

        snippet_start();
        RUN(emit_cc_set_mod(words, k & 0xff00));
        fell_through("cc_set_mod");
        W(cc_op) = (W(cc_op) & 0xff) | (uint64_t)(k & 0xff00);
        same("cc_set_mod", 0);
    }
}
END_TEST

/* ---- flag bits, CMPXCHG ---- */

START_TEST(flag_bits)
{
    for (int t = 0; t < TIMES; t++) {
        static const struct {
            const char *name;
            uint32_t set, reset;
        } bits[] = { { "cli", 0, 1u << 9 }, { "cld", 0, 1u << 10 }, { "std", 1u << 10, 0 },
                     { "sti", 1u << 9, 0 } };
        for (int i = 0; i < 4; i++) {
            bool pending = i == 3 && t % 2;
            snippet_start();
            now.env.interrupt_request = pending ? 1u << t : 0;
            memcpy(&want, &now, sizeof want);
            RUN(i == 0 ? emit_cli(words) : i == 1 ? emit_cld(words) : i == 2 ? emit_std(words)
                : emit_sti(words, OUT));
            if (pending) {
                went_out("sti");
            } else {
                fell_through(bits[i].name);
                want.env.eflags = (want.env.eflags | bits[i].set) & ~bits[i].reset;
            }
            same(bits[i].name, 1u << HREG_at);
        }
        snippet_start();
        now.env.eflags &= ~CC_ARITH;
        R(v0) = snippet_random() & CC_ARITH;
        memcpy(&want, &now, sizeof want);
        RUN(emit_pushf_value(words, HREG_T3));
        fell_through("pushf_value");
        W(T3) = sx((want.env.eflags | (uint32_t)W(v0)) & ~0x30000u);
        same("pushf_value", 1u << HREG_at);
    }
}
END_TEST

START_TEST(cmpxchg)
{
    for (int t = 0; t < TIMES; t++) {
        /* The accumulator may be what receives the value, or the source the old one's register. */
        static const int regs[][4] = { { HREG_T1, HREG_T2, HREG_eax, HREG_edx },
                                       { HREG_T2, HREG_T2, HREG_eax, HREG_edx },
                                       { HREG_T1, HREG_T2, HREG_eax, HREG_eax } };
        const int *r = regs[t % 3];
        bool equal = t / 3 % 2;
        snippet_start();
        for (int i = 1; i < 4; i++)
            now.s.r[r[i]] = random_word();
        if (equal)
            now.s.r[r[2]] = now.s.r[r[1]];
        memcpy(&want, &now, sizeof want);
        RUN(emit_cmpxchg_select(words, r[0], r[1], r[2], r[3]));
        fell_through("cmpxchg_select");
        want.s.r[r[0]] = want.s.r[equal ? r[3] : r[1]];
        same("cmpxchg_select", HREGS_SCRATCH);

        for (int half = 0; half < 4; half++) {
            uint64_t old, put;
            uint32_t at = 8 * (uint32_t)(t * 4 + half);
            snippet_start();
            R(T1) = PAGE_AT + at;
            R(cc_src) &= CC_ARITH;
            old = page_load(at, 8, false);
            /* Equal in none, one or both halves. */
            if (half & 1)
                R(eax) = sx((uint32_t)old);
            if (half & 2)
                R(edx) = sx((uint32_t)(old >> 32));
            memcpy(&want, &now, sizeof want);
            RUN(emit_cmpxchg8b(words, HREG_T1));
            fell_through("cmpxchg8b");
            put = half == 3 ? W(ecx) << 32 | (uint32_t)W(ebx) : old;
            memcpy(want.page + at, &put, 8);
            W(cc_src) = half == 3 ? W(cc_src) | CC_Z : W(cc_src) & ~(uint64_t)CC_Z;
            W(eax) = sx((uint32_t)old);
            W(edx) = sx((uint32_t)(old >> 32));
            same("cmpxchg8b", HREGS_SCRATCH);
        }
    }
}
END_TEST

/* Also what tools/mutate.d/host-snippets.c runs. */
static const TTest *const *const snippet_tests[] = {
    &enter, &thunk_call, &through_c, &thunk_flags, &quick_flags, &quick_accesses, &inline_accesses, &known_accesses,
    &slow_paths, &strings, &icount, &exits, &jmp_cache, &counters, &operands, &flag_bits, &cmpxchg,
};
enum { SNIPPET_TESTS = sizeof snippet_tests / sizeof *snippet_tests };

int main(void)
{
    const TTest *tests[SNIPPET_TESTS];
    for (unsigned i = 0; i < SNIPPET_TESTS; i++)
        tests[i] = *snippet_tests[i];
    return suite_run_tests("snippets", tests, SNIPPET_TESTS, NULL, NULL);
}
