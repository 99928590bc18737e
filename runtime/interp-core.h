/* What the interpreter's files share: operands, memory, stack, flags records.
 *
 * An operation (op_fn) executes one instruction to its end: memory accesses, which may
 * unwind, come first; then registers, flags, and env->eip last. */
#ifndef STITCH86_INTERP_CORE_H
#define STITCH86_INTERP_CORE_H

#include <string.h>

#include "cpu.h"
#include "cpuid.h"
#include "exception.h"
#include "flags.h"
#include "interp.h"
#include "segment.h"
#include "softmmu.h"

typedef interp_fn op_fn;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Widths are what flags.h calls them: 0 byte, 1 word, 2 dword. */
ALWAYS_INLINE uint32_t sext(unsigned width, uint32_t v)
{
    return width == 0 ? (uint32_t)(int8_t)v : width == 1 ? (uint32_t)(int16_t)v : v;
}

ALWAYS_INLINE uint32_t zext(unsigned width, uint32_t v)
{
    return width == 0 ? (uint8_t)v : width == 1 ? (uint16_t)v : v;
}

static inline unsigned width_of(unsigned size)
{
    return size >> 1;
}

ALWAYS_INLINE void next_insn(CPUX86State *env, const struct insn *insn)
{
    env->eip += insn->len;
}

/* ---- registers ---- */

static inline uint8_t *byte_reg(CPUX86State *env, unsigned r)
{
    return (uint8_t *)&env->regs[r & 3] + (r >> 2);
}

/* Zero-extended. */
ALWAYS_INLINE uint32_t get_reg(CPUX86State *env, unsigned width, unsigned r)
{
    return width == 0 ? *byte_reg(env, r) : width == 1 ? (uint16_t)env->regs[r] : env->regs[r];
}

ALWAYS_INLINE void set_reg(CPUX86State *env, unsigned width, unsigned r, uint32_t v)
{
    if (width == 0)
        *byte_reg(env, r) = (uint8_t)v;
    else if (width == 1)
        env->regs[r] = (env->regs[r] & 0xffff0000u) | (v & 0xffff);
    else
        env->regs[r] = v;
}

/* ---- memory ---- */

ALWAYS_INLINE uint32_t insn_ea(CPUX86State *env, const struct insn *insn)
{
    uint32_t a = (uint32_t)insn->disp;
    if (insn->base != INSN_NOREG)
        a += env->regs[insn->base];
    if (insn->index != INSN_NOREG)
        a += env->regs[insn->index] << insn->scale;
    if (unlikely(insn->addrsize == 2))
        a &= 0xffff;
    return a;
}

/* HF_SEG_FULL is clear wherever a check is due, alignment checks included; but for CS it says
 * nothing about writes. */
ALWAYS_INLINE uint32_t seg_addr(CPUX86State *env, int seg, uint32_t offset, unsigned size, bool write)
{
    if (likely((env->hflags & HF_SEG_FULL(seg)) && !(write && seg == R_CS)))
        return env->segs[seg].base + offset;
    return seg_linear(env, seg, offset, size, write);
}

ALWAYS_INLINE const struct tlb_entry *tlb_slot(CPUX86State *env, uint32_t lin)
{
    uint64_t offset = (uint64_t)(lin >> TARGET_PAGE_BITS) << TLB_PAGE_SHIFT;
    return (const struct tlb_entry *)(uintptr_t)(env->tlb_base + offset);
}

/* Host address behind a TLB entry, or NULL if the access has to go off the fast path. */
ALWAYS_INLINE void *tlb_host(int64_t addend, uint32_t lin, unsigned size)
{
    if (unlikely(addend <= 0 || (lin & ~TARGET_PAGE_MASK) > TARGET_PAGE_SIZE - size))
        return NULL;
    return (void *)(uintptr_t)((int64_t)(int32_t)lin + addend);
}

ALWAYS_INLINE uint32_t host_ld(const void *p, unsigned width)
{
    uint16_t w;
    uint32_t d;
    switch (width) {
    case 0: return *(const uint8_t *)p;
    case 1: memcpy(&w, p, 2); return w;
    default: memcpy(&d, p, 4); return d;
    }
}

ALWAYS_INLINE void host_st(void *p, unsigned width, uint32_t v)
{
    uint16_t w = (uint16_t)v;
    switch (width) {
    case 0: *(uint8_t *)p = (uint8_t)v; break;
    case 1: memcpy(p, &w, 2); break;
    default: memcpy(p, &v, 4); break;
    }
}

/* Load and store at a linear address; loads are zero-extended. */
ALWAYS_INLINE uint32_t ld_lin(CPUX86State *env, unsigned width, uint32_t lin)
{
    const void *p = tlb_host(tlb_slot(env, lin)->read, lin, 1u << width);
    if (likely(p != NULL))
        return host_ld(p, width);
    return width == 0 ? mmu_ldub(env, lin, cpu_mmu_index(env), 0)
         : width == 1 ? mmu_lduw(env, lin, cpu_mmu_index(env), 0)
                      : mmu_ldl(env, lin, cpu_mmu_index(env), 0);
}

ALWAYS_INLINE void st_lin(CPUX86State *env, unsigned width, uint32_t lin, uint32_t v)
{
    void *p = tlb_host(tlb_slot(env, lin)->write, lin, 1u << width);
    if (likely(p != NULL))
        host_st(p, width, v);
    else if (width == 0)
        mmu_stb(env, lin, v, cpu_mmu_index(env), 0);
    else if (width == 1)
        mmu_stw(env, lin, v, cpu_mmu_index(env), 0);
    else
        mmu_stl(env, lin, v, cpu_mmu_index(env), 0);
}

ALWAYS_INLINE uint32_t ld_seg(CPUX86State *env, unsigned width, int seg, uint32_t offset)
{
    return ld_lin(env, width, seg_addr(env, seg, offset, 1u << width, false));
}

/* A second part of the memory operand, `above` bytes over its address: far pointers, BOUND. */
ALWAYS_INLINE uint32_t ld_ea_above(CPUX86State *env, unsigned width, const struct insn *insn, uint32_t above)
{
    uint32_t a = insn_ea(env, insn) + above;
    return ld_seg(env, width, insn->seg, insn->addrsize == 2 ? a & 0xffff : a);
}

ALWAYS_INLINE uint32_t ld_ea(CPUX86State *env, unsigned width, const struct insn *insn)
{
    return ld_seg(env, width, insn->seg, insn_ea(env, insn));
}

ALWAYS_INLINE void st_ea(CPUX86State *env, unsigned width, const struct insn *insn, uint32_t v)
{
    st_lin(env, width, seg_addr(env, insn->seg, insn_ea(env, insn), 1u << width, true), v);
}

/* A read-modify-write operand: the read faults as a write would (SDM 3, 4.7: W/R). */
struct rmw {
    void *host;
    uint32_t lin;
};

ALWAYS_INLINE uint32_t rmw_load_lin(CPUX86State *env, unsigned width, uint32_t lin, struct rmw *m)
{
    m->lin = lin;
    m->host = tlb_host(tlb_slot(env, lin)->write, lin, 1u << width);
    if (likely(m->host != NULL))
        return host_ld(m->host, width);
    mmu_probe(env, lin, 1u << width, MMU_DATA_STORE, cpu_mmu_index(env), 0);
    return ld_lin(env, width, lin);
}

ALWAYS_INLINE uint32_t rmw_load(CPUX86State *env, unsigned width, const struct insn *insn, struct rmw *m)
{
    return rmw_load_lin(env, width, seg_addr(env, insn->seg, insn_ea(env, insn), 1u << width, true), m);
}

ALWAYS_INLINE void rmw_store(CPUX86State *env, unsigned width, const struct rmw *m, uint32_t v)
{
    if (likely(m->host != NULL))
        host_st(m->host, width, v);
    else
        st_lin(env, width, m->lin, v);
}

/* An operand that is a register, memory or an immediate; zero-extended. */
ALWAYS_INLINE uint32_t ld_op(CPUX86State *env, unsigned width, const struct insn *insn, unsigned i)
{
    switch (insn->op[i].kind) {
    case OPK_REG: return get_reg(env, width, insn->op[i].reg);
    case OPK_MEM: return ld_ea(env, width, insn);
    default: return zext(width, insn->imm);
    }
}

ALWAYS_INLINE void st_op(CPUX86State *env, unsigned width, const struct insn *insn, unsigned i, uint32_t v)
{
    if (insn->op[i].kind == OPK_REG)
        set_reg(env, width, insn->op[i].reg, v);
    else
        st_ea(env, width, insn, v);
}

/* ---- stack: SS:ESP or SS:SP ---- */

ALWAYS_INLINE uint32_t stack_mask(CPUX86State *env)
{
    return likely(env->hflags & HF_SS32) ? 0xffffffffu : 0xffffu;
}

ALWAYS_INLINE void set_sp(CPUX86State *env, uint32_t v)
{
    uint32_t m = stack_mask(env);
    env->regs[R_ESP] = (env->regs[R_ESP] & ~m) | (v & m);
}

ALWAYS_INLINE void push(CPUX86State *env, unsigned width, uint32_t v)
{
    uint32_t sp = (env->regs[R_ESP] - (1u << width)) & stack_mask(env);
    st_lin(env, width, seg_addr(env, R_SS, sp, 1u << width, true), v);
    set_sp(env, sp);
}

/* The value at `above` bytes over the stack pointer; ESP stays. */
ALWAYS_INLINE uint32_t peek(CPUX86State *env, unsigned width, uint32_t above)
{
    return ld_seg(env, width, R_SS, (env->regs[R_ESP] + above) & stack_mask(env));
}

/* ---- flags records: values sign-extended from their width ---- */

ALWAYS_INLINE void set_cc(CPUX86State *env, unsigned kind, unsigned width, uint32_t dst, uint32_t src)
{
    env->cc_op = CC_OP(kind, width);
    env->cc_dst = dst;
    env->cc_src = src;
}

ALWAYS_INLINE void set_logic(CPUX86State *env, unsigned width, uint32_t result)
{
    env->cc_op = CC_OP(CC_LOGIC, width);
    env->cc_dst = sext(width, result);
}

static inline uint32_t get_arith(CPUX86State *env)
{
    return cc_compute_all(env->cc_op, env->cc_dst, env->cc_src, env->cc_src2, env->cc_res);
}

ALWAYS_INLINE uint32_t get_carry(CPUX86State *env)
{
    return cc_compute_c(env->cc_op, env->cc_dst, env->cc_src, env->cc_src2, env->cc_res);
}

/* Condition code 0-15.  Compares and tests are answered from the record. */
ALWAYS_INLINE bool test_cond(CPUX86State *env, unsigned cond)
{
    uint32_t op = env->cc_op, a = env->cc_dst, b = env->cc_src, z;
    bool r;

    if (op < CC_MOD(1, 0)) { /* no modifier */
        switch (CC_OP_KIND(op)) {
        case CC_SUB:
            a = sext(CC_OP_WIDTH(op), a + b);
            /* fall through */
        case CC_CMP:
            switch (cond >> 1) {
            case 1: r = a < b; break;
            case 2: r = a == b; break;
            case 3: r = a <= b; break;
            case 6: r = (int32_t)a < (int32_t)b; break;
            case 7: r = (int32_t)a <= (int32_t)b; break;
            default: goto slow;
            }
            return r != (cond & 1);
        case CC_LOGIC:
            switch (cond >> 1) {
            case 0: case 1: r = false; break;
            case 2: r = a == 0; break;
            case 3: r = a == 0; break;
            case 4: case 6: r = (int32_t)a < 0; break;
            case 7: r = (int32_t)a <= 0; break;
            default: goto slow;
            }
            return r != (cond & 1);
        default:
            break;
        }
    }
    if ((cond >> 1) == 2 || (cond >> 1) == 4) {
        unsigned mod = CC_OP_MOD(op), kind = CC_OP_KIND(op);
        if (mod == CCM_INC || mod == CCM_DEC)
            z = env->cc_res;
        else if (mod == CCM_NONE && kind != CC_EFLAGS && kind != CC_CMP)
            z = env->cc_dst;
        else
            goto slow;
        return ((cond >> 1) == 2 ? z == 0 : (int32_t)z < 0) != (cond & 1);
    }
slow:
    return cc_condition(get_arith(env), cond);
}

/* ---- operations, by file ---- */

op_fn interp_select_alu(const struct insn *insn);
op_fn interp_select_move(const struct insn *insn);
op_fn interp_select_shift(const struct insn *insn);
op_fn interp_select_muldiv(const struct insn *insn);
op_fn interp_select_bits(const struct insn *insn);
op_fn interp_select_bcd(const struct insn *insn);
op_fn interp_select_stack(const struct insn *insn);
op_fn interp_select_flow(const struct insn *insn);
op_fn interp_select_string(const struct insn *insn);
op_fn interp_select_flags(const struct insn *insn);
op_fn interp_select_system(const struct insn *insn);
op_fn interp_select_fpu(const struct insn *insn);

/* seg_linear()'s checks for a range, without raising anything. */
bool seg_check_range(CPUX86State *env, int seg, uint32_t offset, uint32_t size, bool write);

/* Are misaligned accesses #AC?  cpu_update_hflags() gives no HF_SEG_FULL then. */
static inline bool cpu_aligns(const CPUX86State *env)
{
    return (env->cr[0] & CR0_AM) && (env->eflags & AC_MASK) && cpu_cpl(env) == 3;
}

void op_undefined(CPUX86State *env, const struct insn *insn);

#endif
