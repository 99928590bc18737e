/* Which operation executes an instruction; fetching; segment checks off the fast path. */
#include "interp-core.h"

#include "simd.h"

typedef op_fn select_fn(const struct insn *insn);

static select_fn *const by_mnem[MN_COUNT] = {
    [MN_ADD] = interp_select_alu, [MN_OR] = interp_select_alu, [MN_ADC] = interp_select_alu,
    [MN_SBB] = interp_select_alu, [MN_AND] = interp_select_alu, [MN_SUB] = interp_select_alu,
    [MN_XOR] = interp_select_alu, [MN_CMP] = interp_select_alu, [MN_TEST] = interp_select_alu,
    [MN_INC] = interp_select_alu, [MN_DEC] = interp_select_alu, [MN_NEG] = interp_select_alu,
    [MN_NOT] = interp_select_alu,

    [MN_ROL] = interp_select_shift, [MN_ROR] = interp_select_shift, [MN_RCL] = interp_select_shift,
    [MN_RCR] = interp_select_shift, [MN_SHL] = interp_select_shift, [MN_SHR] = interp_select_shift,
    [MN_SAR] = interp_select_shift, [MN_SHLD] = interp_select_shift, [MN_SHRD] = interp_select_shift,

    [MN_MUL] = interp_select_muldiv, [MN_IMUL] = interp_select_muldiv, [MN_DIV] = interp_select_muldiv,
    [MN_IDIV] = interp_select_muldiv,

    [MN_BT] = interp_select_bits, [MN_BTS] = interp_select_bits, [MN_BTR] = interp_select_bits,
    [MN_BTC] = interp_select_bits, [MN_BSF] = interp_select_bits, [MN_BSR] = interp_select_bits,
    [MN_BSWAP] = interp_select_bits, [MN_SETCC] = interp_select_bits, [MN_CMPXCHG] = interp_select_bits,
    [MN_CMPXCHG8B] = interp_select_bits, [MN_XADD] = interp_select_bits, [MN_XCHG] = interp_select_bits,

    [MN_AAA] = interp_select_bcd, [MN_AAS] = interp_select_bcd, [MN_AAM] = interp_select_bcd,
    [MN_AAD] = interp_select_bcd, [MN_DAA] = interp_select_bcd, [MN_DAS] = interp_select_bcd,
    [MN_SALC] = interp_select_bcd,

    [MN_MOVZX] = interp_select_move, [MN_MOVSX] = interp_select_move, [MN_CMOVCC] = interp_select_move,
    [MN_LEA] = interp_select_move, [MN_XLAT] = interp_select_move, [MN_LDS] = interp_select_move,
    [MN_LES] = interp_select_move, [MN_LFS] = interp_select_move, [MN_LGS] = interp_select_move,
    [MN_LSS] = interp_select_move, [MN_CBW] = interp_select_move, [MN_CWD] = interp_select_move,
    [MN_LAHF] = interp_select_move, [MN_SAHF] = interp_select_move, [MN_NOP] = interp_select_move,
    [MN_PAUSE] = interp_select_move,

    [MN_PUSH] = interp_select_stack, [MN_POP] = interp_select_stack, [MN_PUSHA] = interp_select_stack,
    [MN_POPA] = interp_select_stack, [MN_PUSHF] = interp_select_stack, [MN_POPF] = interp_select_stack,
    [MN_ENTER] = interp_select_stack, [MN_LEAVE] = interp_select_stack,

    [MN_JCC] = interp_select_flow, [MN_JMP] = interp_select_flow, [MN_CALL] = interp_select_flow,
    [MN_RET] = interp_select_flow, [MN_LOOP] = interp_select_flow, [MN_LOOPE] = interp_select_flow,
    [MN_LOOPNE] = interp_select_flow, [MN_JCXZ] = interp_select_flow, [MN_JMPF] = interp_select_flow,
    [MN_CALLF] = interp_select_flow, [MN_RETF] = interp_select_flow, [MN_IRET] = interp_select_flow,
    [MN_INT] = interp_select_flow, [MN_INT3] = interp_select_flow, [MN_INTO] = interp_select_flow,
    [MN_INT1] = interp_select_flow, [MN_BOUND] = interp_select_flow,

    [MN_MOVS] = interp_select_string, [MN_CMPS] = interp_select_string, [MN_STOS] = interp_select_string,
    [MN_LODS] = interp_select_string, [MN_SCAS] = interp_select_string, [MN_INS] = interp_select_string,
    [MN_OUTS] = interp_select_string
};

static bool is_control_move(const struct insn *insn)
{
    for (unsigned i = 0; i < 2; i++)
        if (insn->op[i].kind == OPK_CR || insn->op[i].kind == OPK_DR)
            return true;
    return false;
}

static op_fn select_unchecked(const struct insn *insn)
{
    op_fn fn;

    switch (isa_info[insn->form].feature) {
    case ISA_F_FPU:
    case ISA_F_FCMOV:
    case ISA_F_FXSR: return interp_select_fpu(insn);
    case ISA_F_MMX:
    case ISA_F_SSE:
    case ISA_F_SSE2:
    case ISA_F_CLFSH:
        fn = interp_select_simd(insn);
        return fn ? fn : op_undefined;
    case ISA_F_SSE3:
        fn = insn->mnem == MN_FISTTP ? interp_select_fpu(insn) : interp_select_simd(insn);
        return fn ? fn : op_undefined;
    default: break;
    }
    if (insn->mnem == MN_MOV)
        fn = is_control_move(insn) ? interp_select_system(insn) : interp_select_move(insn);
    else if (by_mnem[insn->mnem])
        fn = by_mnem[insn->mnem](insn);
    else
        fn = interp_select_system(insn);
    return fn ? fn : op_undefined;
}

/* ISA_PROTECTED and ISA_CPL0, then the operation. */
static void op_checked(CPUX86State *env, const struct insn *insn)
{
    uint32_t flags = isa_info[insn->form].flags;

    if ((flags & ISA_PROTECTED) && (env->hflags & (HF_PE | HF_VM)) != HF_PE)
        raise_exception(env, EXCP_UD, 0);
    if ((flags & ISA_CPL0) && cpu_cpl(env) != 0)
        raise_exception_err(env, EXCP_GP, 0, 0);
    select_unchecked(insn)(env, insn);
}

interp_fn interp_select(CPUX86State *env, const struct insn *insn)
{
    const struct isa_info *info = &isa_info[insn->form];

    if (!cpu_has(env, (enum isa_feature)info->feature))
        return op_undefined;
    if (info->flags & (ISA_CPL0 | ISA_PROTECTED))
        return op_checked;
    return select_unchecked(insn);
}

interp_fn interp_select_mode(CPUX86State *env, const struct insn *insn)
{
    const struct isa_info *info = &isa_info[insn->form];
    interp_fn fn = interp_select(env, insn);

    if (fn != op_checked || ((info->flags & ISA_PROTECTED) && (env->hflags & (HF_PE | HF_VM)) != HF_PE)
        || ((info->flags & ISA_CPL0) && cpu_cpl(env) != 0))
        return fn;
    return select_unchecked(insn);
}

void interp_insn(CPUX86State *env, const struct insn *insn)
{
    /* The shadow covers this instruction, which may cast one of its own. */
    env->hflags &= ~(uint32_t)HF_INHIBIT;
    interp_select(env, insn)(env, insn);
}

/* Is [offset, offset+size) inside the segment? */
static bool within_limit(const struct segment *s, uint32_t offset, uint32_t size)
{
    uint64_t last = (uint64_t)offset + size - 1;

    if ((s->flags & (DESC_CS_MASK | DESC_E_MASK)) == DESC_E_MASK) /* expand down: above the limit */
        return offset > s->limit && last <= (s->flags & DESC_B_MASK ? 0xffffffffu : 0xffffu);
    return last <= s->limit;
}

/* Present, and readable or writable as wanted (SDM 3, 5.4 and table 3-1). */
static bool has_rights(const struct segment *s, bool write)
{
    if (!(s->flags & DESC_P_MASK))
        return false;
    if (write)
        return (s->flags & (DESC_CS_MASK | DESC_W_MASK)) == DESC_W_MASK;
    return (s->flags & (DESC_CS_MASK | DESC_R_MASK)) != DESC_CS_MASK;
}

bool seg_check_range(CPUX86State *env, int seg, uint32_t offset, uint32_t size, bool write)
{
    const struct segment *s = &env->segs[seg];

    return has_rights(s, write) && within_limit(s, offset, size) && !cpu_aligns(env);
}

/* SDM 3, table 6-7: the low address bits that must be 0 in an operand of that size. */
static uint32_t alignment_mask(unsigned size)
{
    switch (size) {
    case 2: return 1;
    case 4: case 6: return 3;
    case 8: case 10: return 7;
    case 14: case 94: return 1; /* FNSTENV and FNSAVE with 16-bit operand size */
    case 28: case 108: case 512: return 3; /* with 32-bit, and FXSAVE, before its #GP */
    default: return 0; /* 16: see simd.h */
    }
}

uint32_t seg_linear(CPUX86State *env, int seg, uint32_t offset, unsigned size, bool write)
{
    const struct segment *s = &env->segs[seg];
    uint32_t lin = s->base + offset;

    if (!has_rights(s, write) || !within_limit(s, offset, size))
        raise_exception_err(env, seg == R_SS ? EXCP_SS : EXCP_GP, 0, 0);
    if (unlikely(cpu_aligns(env)) && (lin & alignment_mask(size))) {
        /* #PF comes first (SDM 3, table 6-2). */
        mmu_probe(env, lin, size, write ? MMU_DATA_STORE : MMU_DATA_LOAD, cpu_mmu_index(env), 0);
        raise_exception_err(env, EXCP_AC, 0, 0);
    }
    return lin;
}

/* Copy code bytes at linear address `lin`, which stay within its page. */
static const uint8_t *code_bytes(CPUX86State *env, uint32_t lin, uint32_t len, uint8_t *buf, uint64_t *paddr)
{
    const uint8_t *host;
    bool global;

    *paddr = mmu_fetch_page(env, lin, &host, &global);
    if (host)
        return host;
    phys_mem_read(env->mem, *paddr, buf, len);
    return buf;
}

void fetch_insn(CPUX86State *env, uint32_t eip, struct insn *insn, uint64_t *paddr, uint64_t *paddr2)
{
    const struct segment *cs = &env->segs[R_CS];
    uint32_t lin = cs->base + eip, room = TARGET_PAGE_SIZE - (lin & ~TARGET_PAGE_MASK), first, max = 15;
    uint8_t buf[15];
    const uint8_t *bytes;
    int mode = env->hflags & HF_CS32 ? DECODE_32 : DECODE_16;
    enum decode_status status;

    if (eip > cs->limit)
        raise_exception_err(env, EXCP_GP, 0, 0);
    if (cs->limit - eip < 14)
        max = cs->limit - eip + 1;
    first = room < max ? room : max;
    *paddr2 = (uint64_t)-1;
    bytes = code_bytes(env, lin, first, buf, paddr);
    status = decode_insn(bytes, first, mode, insn);
    if (status == DECODE_MORE && first < max) {
        if (bytes != buf)
            memcpy(buf, bytes, first);
        bytes = code_bytes(env, lin + first, max - first, buf + first, paddr2);
        if (bytes != buf + first)
            memcpy(buf + first, bytes, max - first);
        status = decode_insn(buf, max, mode, insn);
    }
    if (status == DECODE_UD)
        raise_exception(env, EXCP_UD, 0);
    if (status != DECODE_OK)
        raise_exception_err(env, EXCP_GP, 0, 0);
}
