/* MOV (general and segment registers), MOVZX MOVSX CMOVcc LEA XLAT LDS.. CBW CWD LAHF SAHF NOP. */
#include "interp-core.h"

#define WIDTH_FNS(NAME) \
    static void op_##NAME##_0(CPUX86State *env, const struct insn *insn) { NAME(env, insn, 0); } \
    static void op_##NAME##_1(CPUX86State *env, const struct insn *insn) { NAME(env, insn, 1); } \
    static void op_##NAME##_2(CPUX86State *env, const struct insn *insn) { NAME(env, insn, 2); } \
    static const op_fn NAME##_ops[3] = {op_##NAME##_0, op_##NAME##_1, op_##NAME##_2};

ALWAYS_INLINE void mov_rr(CPUX86State *env, const struct insn *insn, unsigned w)
{
    set_reg(env, w, insn->op[0].reg, get_reg(env, w, insn->op[1].reg));
    next_insn(env, insn);
}

ALWAYS_INLINE void mov_rm(CPUX86State *env, const struct insn *insn, unsigned w)
{
    set_reg(env, w, insn->op[0].reg, ld_ea(env, w, insn));
    next_insn(env, insn);
}

ALWAYS_INLINE void mov_mr(CPUX86State *env, const struct insn *insn, unsigned w)
{
    st_ea(env, w, insn, get_reg(env, w, insn->op[1].reg));
    next_insn(env, insn);
}

ALWAYS_INLINE void mov_ri(CPUX86State *env, const struct insn *insn, unsigned w)
{
    set_reg(env, w, insn->op[0].reg, insn->imm);
    next_insn(env, insn);
}

ALWAYS_INLINE void mov_mi(CPUX86State *env, const struct insn *insn, unsigned w)
{
    st_ea(env, w, insn, insn->imm);
    next_insn(env, insn);
}

WIDTH_FNS(mov_rr)
WIDTH_FNS(mov_rm)
WIDTH_FNS(mov_mr)
WIDTH_FNS(mov_ri)
WIDTH_FNS(mov_mi)

/* [base + disp] with 32-bit addresses: the commonest loads and stores. */
static void op_load32_base(CPUX86State *env, const struct insn *insn)
{
    uint32_t offset = env->regs[insn->base] + (uint32_t)insn->disp;
    env->regs[insn->op[0].reg] = ld_seg(env, 2, insn->seg, offset);
    next_insn(env, insn);
}

static void op_store32_base(CPUX86State *env, const struct insn *insn)
{
    uint32_t offset = env->regs[insn->base] + (uint32_t)insn->disp;
    st_lin(env, 2, seg_addr(env, insn->seg, offset, 4, true), env->regs[insn->op[1].reg]);
    next_insn(env, insn);
}

static bool base_disp(const struct insn *insn)
{
    return insn->addrsize == 4 && insn->base != INSN_NOREG && insn->index == INSN_NOREG;
}

/* A register takes the selector zero-extended to the operand size; memory always 16 bits. */
static void op_mov_from_sreg(CPUX86State *env, const struct insn *insn)
{
    uint32_t v = env->segs[insn->op[1].reg].selector & 0xffff;

    if (insn->op[0].kind == OPK_REG)
        set_reg(env, insn->opsize == 4 ? 2 : 1, insn->op[0].reg, v);
    else
        st_ea(env, 1, insn, v);
    next_insn(env, insn);
}

static void op_mov_to_sreg(CPUX86State *env, const struct insn *insn)
{
    int seg = insn->op[0].reg;

    seg_load(env, seg, ld_op(env, 1, insn, 1));
    if (seg == R_SS)
        env->hflags |= HF_INHIBIT;
    next_insn(env, insn);
}

ALWAYS_INLINE void extend(CPUX86State *env, const struct insn *insn, unsigned from, bool is_signed)
{
    uint32_t v = ld_op(env, from, insn, 1);

    if (is_signed)
        v = sext(from, v);
    set_reg(env, width_of(insn->op[0].size), insn->op[0].reg, v);
    next_insn(env, insn);
}

static void op_movzx8(CPUX86State *env, const struct insn *insn)
{
    extend(env, insn, 0, false);
}

static void op_movzx16(CPUX86State *env, const struct insn *insn)
{
    extend(env, insn, 1, false);
}

static void op_movsx8(CPUX86State *env, const struct insn *insn)
{
    extend(env, insn, 0, true);
}

static void op_movsx16(CPUX86State *env, const struct insn *insn)
{
    extend(env, insn, 1, true);
}

/* The source is read, and may fault, whatever the condition. */
static void op_cmovcc(CPUX86State *env, const struct insn *insn)
{
    unsigned w = width_of(insn->op[0].size);
    uint32_t v = ld_op(env, w, insn, 1);

    if (test_cond(env, insn->cond))
        set_reg(env, w, insn->op[0].reg, v);
    next_insn(env, insn);
}

static void op_lea32(CPUX86State *env, const struct insn *insn)
{
    env->regs[insn->op[0].reg] = insn_ea(env, insn);
    next_insn(env, insn);
}

static void op_lea16(CPUX86State *env, const struct insn *insn)
{
    set_reg(env, 1, insn->op[0].reg, insn_ea(env, insn));
    next_insn(env, insn);
}

static void op_xlat(CPUX86State *env, const struct insn *insn)
{
    uint32_t a = env->regs[R_EBX] + (env->regs[R_EAX] & 0xff);

    if (insn->addrsize == 2)
        a &= 0xffff;
    set_reg(env, 0, R_EAX, ld_seg(env, 0, insn->seg, a));
    next_insn(env, insn);
}

/* LDS LES LFS LGS LSS: offset first, selector behind it. */
static void load_far(CPUX86State *env, const struct insn *insn, int seg)
{
    unsigned w = insn->opsize == 4 ? 2 : 1;
    uint32_t offset = ld_ea(env, w, insn), selector = ld_ea_above(env, 1, insn, 1u << w);

    seg_load(env, seg, selector);
    set_reg(env, w, insn->op[0].reg, offset);
    next_insn(env, insn);
}

static void op_lds(CPUX86State *env, const struct insn *insn)
{
    load_far(env, insn, R_DS);
}

static void op_les(CPUX86State *env, const struct insn *insn)
{
    load_far(env, insn, R_ES);
}

static void op_lfs(CPUX86State *env, const struct insn *insn)
{
    load_far(env, insn, R_FS);
}

static void op_lgs(CPUX86State *env, const struct insn *insn)
{
    load_far(env, insn, R_GS);
}

static void op_lss(CPUX86State *env, const struct insn *insn)
{
    load_far(env, insn, R_SS);
}

static void op_cbw(CPUX86State *env, const struct insn *insn)
{
    if (insn->opsize == 4)
        env->regs[R_EAX] = sext(1, env->regs[R_EAX]);
    else
        set_reg(env, 1, R_EAX, sext(0, env->regs[R_EAX]));
    next_insn(env, insn);
}

static void op_cwd(CPUX86State *env, const struct insn *insn)
{
    if (insn->opsize == 4)
        env->regs[R_EDX] = (uint32_t)((int32_t)env->regs[R_EAX] >> 31);
    else
        set_reg(env, 1, R_EDX, env->regs[R_EAX] & 0x8000 ? 0xffff : 0);
    next_insn(env, insn);
}

static void op_lahf(CPUX86State *env, const struct insn *insn)
{
    *byte_reg(env, 4) = (uint8_t)((get_arith(env) & 0xd5) | 2);
    next_insn(env, insn);
}

static void op_sahf(CPUX86State *env, const struct insn *insn)
{
    cpu_set_arith(env, (get_arith(env) & CC_O) | (*byte_reg(env, 4) & 0xd5));
    next_insn(env, insn);
}

static void op_nop(CPUX86State *env, const struct insn *insn)
{
    next_insn(env, insn);
}

static op_fn select_mov(const struct insn *insn)
{
    unsigned w = width_of(insn->op[0].size);
    bool mem = insn->op[0].kind == OPK_MEM;

    if (insn->op[0].kind == OPK_SREG)
        return op_mov_to_sreg;
    switch (insn->op[1].kind) {
    case OPK_SREG: return op_mov_from_sreg;
    case OPK_MEM: return w == 2 && base_disp(insn) ? op_load32_base : mov_rm_ops[w];
    case OPK_REG:
        if (!mem)
            return mov_rr_ops[w];
        return w == 2 && base_disp(insn) ? op_store32_base : mov_mr_ops[w];
    default: return mem ? mov_mi_ops[w] : mov_ri_ops[w];
    }
}

op_fn interp_select_move(const struct insn *insn)
{
    switch (insn->mnem) {
    case MN_MOV: return select_mov(insn);
    case MN_MOVZX: return insn->op[1].size == 1 ? op_movzx8 : op_movzx16;
    case MN_MOVSX: return insn->op[1].size == 1 ? op_movsx8 : op_movsx16;
    case MN_CMOVCC: return op_cmovcc;
    case MN_LEA: return insn->opsize == 4 ? op_lea32 : op_lea16;
    case MN_XLAT: return op_xlat;
    case MN_LDS: return op_lds;
    case MN_LES: return op_les;
    case MN_LFS: return op_lfs;
    case MN_LGS: return op_lgs;
    case MN_LSS: return op_lss;
    case MN_CBW: return op_cbw;
    case MN_CWD: return op_cwd;
    case MN_LAHF: return op_lahf;
    case MN_SAHF: return op_sahf;
    case MN_NOP:
    case MN_PAUSE: return op_nop;
    default: return NULL;
    }
}
