/* BT BTS BTR BTC, BSF BSR, BSWAP, SETcc, CMPXCHG, CMPXCHG8B, XADD, XCHG. */
#include "interp-core.h"

enum bit_op { B_TEST, B_SET, B_RESET, B_COMPLEMENT };

ALWAYS_INLINE void bit(CPUX86State *env, const struct insn *insn, enum bit_op op)
{
    unsigned w = width_of(insn->op[0].size), bits = 8u << w, n;
    bool reg_offset = insn->op[1].kind == OPK_REG;
    uint32_t offset = reg_offset ? get_reg(env, w, insn->op[1].reg) : insn->imm, v, r, addr;
    struct rmw m = {NULL, 0};

    n = offset & (bits - 1);
    if (insn->op[0].kind == OPK_REG) {
        v = get_reg(env, w, insn->op[0].reg);
    } else {
        addr = insn_ea(env, insn);
        if (reg_offset) {
            /* The register's offset reaches beyond the operand, in both directions. */
            addr += (uint32_t)((int32_t)sext(w, offset) >> (w == 1 ? 4 : 5)) << w;
            if (insn->addrsize == 2)
                addr &= 0xffff;
        }
        addr = seg_addr(env, insn->seg, addr, 1u << w, op != B_TEST);
        v = op == B_TEST ? ld_lin(env, w, addr) : rmw_load_lin(env, w, addr, &m);
    }
    r = op == B_SET ? v | 1u << n : op == B_RESET ? v & ~(1u << n) : v ^ 1u << n;
    if (op != B_TEST) {
        if (insn->op[0].kind == OPK_REG)
            set_reg(env, w, insn->op[0].reg, r);
        else
            rmw_store(env, w, &m, r);
    }
    cpu_modify_flags(env, CCM_CF, 2, v >> n & 1);
    next_insn(env, insn);
}

static void op_bt(CPUX86State *env, const struct insn *insn)
{
    bit(env, insn, B_TEST);
}

static void op_bts(CPUX86State *env, const struct insn *insn)
{
    bit(env, insn, B_SET);
}

static void op_btr(CPUX86State *env, const struct insn *insn)
{
    bit(env, insn, B_RESET);
}

static void op_btc(CPUX86State *env, const struct insn *insn)
{
    bit(env, insn, B_COMPLEMENT);
}

/* A zero source leaves the destination alone, as all CPUs do though the manual says undefined. */
static void op_bsf(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->op[0].size);
    uint32_t v = ld_op(env, w, insn, 1);

    if (v)
        set_reg(env, w, insn->op[0].reg, (uint32_t)__builtin_ctz(v));
    set_logic(env, w, v);
    next_insn(env, insn);
}

static void op_bsr(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->op[0].size);
    uint32_t v = ld_op(env, w, insn, 1);

    if (v)
        set_reg(env, w, insn->op[0].reg, 31u - (uint32_t)__builtin_clz(v));
    set_logic(env, w, v);
    next_insn(env, insn);
}

/* With a 16-bit operand the result is undefined; real CPUs give 0. */
static void op_bswap(CPUX86State *env, const struct insn *insn)
{
    unsigned r = insn->op[0].reg;

    if (insn->opsize == 2)
        set_reg(env, 1, r, 0);
    else
        env->regs[r] = __builtin_bswap32(env->regs[r]);
    next_insn(env, insn);
}

static void op_setcc(CPUX86State *env, const struct insn *insn)
{
    st_op(env, 0, insn, 0, test_cond(env, insn->cond));
    next_insn(env, insn);
}

ALWAYS_INLINE uint32_t load_dest(CPUX86State *env, const struct insn *insn, unsigned w, struct rmw *m)
{
    return insn->op[0].kind == OPK_MEM ? rmw_load(env, w, insn, m) : get_reg(env, w, insn->op[0].reg);
}

ALWAYS_INLINE void store_dest(CPUX86State *env, const struct insn *insn, unsigned w, struct rmw *m,
                              uint32_t v)
{
    if (insn->op[0].kind == OPK_MEM)
        rmw_store(env, w, m, v);
    else
        set_reg(env, w, insn->op[0].reg, v);
}

static void op_cmpxchg(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->op[0].size);
    struct rmw m = {NULL, 0};
    uint32_t dest = load_dest(env, insn, w, &m), acc = get_reg(env, w, R_EAX);

    if (acc == dest) {
        store_dest(env, insn, w, &m, get_reg(env, w, insn->op[1].reg));
    } else {
        /* The bus sees a write cycle either way. */
        store_dest(env, insn, w, &m, dest);
        set_reg(env, w, R_EAX, dest);
    }
    set_cc(env, CC_CMP, w, sext(w, acc), sext(w, dest));
    next_insn(env, insn);
}

static void op_cmpxchg8b(CPUX86State *env, const struct insn *insn)
{
    uint32_t lin = seg_addr(env, insn->seg, insn_ea(env, insn), 8, true), flags;
    uint64_t dest, acc = (uint64_t)env->regs[R_EDX] << 32 | env->regs[R_EAX];
    bool equal;

    mmu_probe(env, lin, 8, MMU_DATA_STORE, cpu_mmu_index(env), 0);
    dest = mmu_ldq(env, lin, cpu_mmu_index(env), 0);
    equal = dest == acc;
    mmu_stq(env, lin, equal ? (uint64_t)env->regs[R_ECX] << 32 | env->regs[R_EBX] : dest,
            cpu_mmu_index(env), 0);
    if (!equal) {
        env->regs[R_EAX] = (uint32_t)dest;
        env->regs[R_EDX] = (uint32_t)(dest >> 32);
    }
    flags = get_arith(env) & ~(uint32_t)CC_Z;
    cpu_set_arith(env, flags | (equal ? CC_Z : 0));
    next_insn(env, insn);
}

static void op_xadd(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->op[0].size);
    struct rmw m = {NULL, 0};
    uint32_t dest = load_dest(env, insn, w, &m), src = get_reg(env, w, insn->op[1].reg), sum = dest + src;

    if (insn->op[0].kind == OPK_MEM) {
        rmw_store(env, w, &m, sum);
        set_reg(env, w, insn->op[1].reg, dest);
    } else { /* with one register twice the sum is what stays */
        set_reg(env, w, insn->op[1].reg, dest);
        set_reg(env, w, insn->op[0].reg, sum);
    }
    set_cc(env, CC_ADD, w, sext(w, sum), sext(w, src));
    next_insn(env, insn);
}

static void op_xchg(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->op[0].size), other = 1;
    struct rmw m = {NULL, 0};
    uint32_t a, b;

    if (insn->op[0].kind == OPK_REG && insn->op[1].kind == OPK_REG) {
        a = get_reg(env, w, insn->op[0].reg);
        b = get_reg(env, w, insn->op[1].reg);
        set_reg(env, w, insn->op[0].reg, b);
        set_reg(env, w, insn->op[1].reg, a);
    } else {
        if (insn->op[1].kind == OPK_MEM)
            other = 0;
        a = rmw_load(env, w, insn, &m);
        b = get_reg(env, w, insn->op[other].reg);
        rmw_store(env, w, &m, b);
        set_reg(env, w, insn->op[other].reg, a);
    }
    next_insn(env, insn);
}

op_fn interp_select_bits(const struct insn *insn)
{
    switch (insn->mnem) {
    case MN_BT: return op_bt;
    case MN_BTS: return op_bts;
    case MN_BTR: return op_btr;
    case MN_BTC: return op_btc;
    case MN_BSF: return op_bsf;
    case MN_BSR: return op_bsr;
    case MN_BSWAP: return op_bswap;
    case MN_SETCC: return op_setcc;
    case MN_CMPXCHG: return op_cmpxchg;
    case MN_CMPXCHG8B: return op_cmpxchg8b;
    case MN_XADD: return op_xadd;
    case MN_XCHG: return op_xchg;
    default: return NULL;
    }
}
