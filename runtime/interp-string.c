/* MOVS CMPS STOS LODS SCAS INS OUTS, with REP by chunks.
 *
 * One call does the elements up to the next page boundary of an operand (or the wrap of an index
 * register) and leaves env->eip at the instruction while some are left.  So an interrupt waits for a page
 * at most, and the number of calls, which is what -icount counts, depends on addresses alone
 * and not on whether the fast path could be taken.  On the fast path a chunk can't fault and is
 * committed at its end; off it every element is, so that a fault or trap finds ECX, ESI and EDI where
 * the manual wants them. */
#include "interp-core.h"
#include "machine.h"

enum str_op { STR_MOVS, STR_CMPS, STR_STOS, STR_LODS, STR_SCAS, STR_INS, STR_OUTS };

struct str {
    uint32_t mask;  /* of index registers and count: address size */
    uint32_t size;
    uint32_t step;  /* size or -size */
    uint32_t src, dst;
    uint32_t count; /* elements to go */
    bool rep;
};

/* How many of the `n` elements from seg:offset come before a page boundary or a wrap. */
static uint32_t chunk(CPUX86State *env, const struct str *s, int seg, uint32_t offset, uint32_t n)
{
    uint32_t in_page = (env->segs[seg].base + offset) & ~TARGET_PAGE_MASK;
    uint64_t to_page, to_wrap;

    if (s->step == s->size) {
        to_page = (TARGET_PAGE_SIZE - in_page) / s->size;
        to_wrap = ((uint64_t)s->mask - offset + 1) / s->size;
    } else {
        to_page = in_page > TARGET_PAGE_SIZE - s->size ? 1 : in_page / s->size + 1;
        to_wrap = (uint64_t)offset + s->size > (uint64_t)s->mask + 1 ? 1 : offset / s->size + 1;
    }
    if (to_wrap < to_page)
        to_page = to_wrap;
    if (to_page == 0)
        to_page = 1; /* an element across the boundary goes alone */
    return to_page < n ? (uint32_t)to_page : n;
}

/* Host address of the lowest byte of a chunk of n elements, or NULL: one by one then. */
static uint8_t *chunk_host(CPUX86State *env, const struct str *s, int seg, uint32_t offset, uint32_t n,
                           enum mmu_access access)
{
    uint32_t len = n * s->size, got = len, low = s->step == s->size ? offset : offset - (n - 1) * s->size;
    uint8_t *p;

    if (!(env->hflags & HF_SEG_FULL(seg)) && !seg_check_range(env, seg, low, len, access == MMU_DATA_STORE))
        return NULL;
    p = mmu_host_ptr(env, env->segs[seg].base + low, &got, access, cpu_mmu_index(env), 0);
    return got >= len ? p : NULL;
}

/* Registers after n more elements. */
ALWAYS_INLINE void commit(CPUX86State *env, struct str *s, enum str_op op, uint32_t n)
{
    uint32_t m = s->mask;

    if (op == STR_MOVS || op == STR_CMPS || op == STR_LODS || op == STR_OUTS) {
        s->src = (s->src + n * s->step) & m;
        env->regs[R_ESI] = (env->regs[R_ESI] & ~m) | s->src;
    }
    if (op != STR_LODS && op != STR_OUTS) {
        s->dst = (s->dst + n * s->step) & m;
        env->regs[R_EDI] = (env->regs[R_EDI] & ~m) | s->dst;
    }
    if (s->rep) {
        s->count -= n;
        env->regs[R_ECX] = (env->regs[R_ECX] & ~m) | s->count;
    }
}

/* One element, any memory.  Not committed. */
ALWAYS_INLINE void element(CPUX86State *env, const struct insn *insn, const struct str *s, enum str_op op,
                           unsigned w)
{
    uint32_t a, b, lin, port = env->regs[R_EDX] & 0xffff;

    switch (op) {
    case STR_MOVS:
        a = ld_seg(env, w, insn->seg, s->src);
        st_lin(env, w, seg_addr(env, R_ES, s->dst, s->size, true), a);
        break;
    case STR_STOS:
        st_lin(env, w, seg_addr(env, R_ES, s->dst, s->size, true), env->regs[R_EAX]);
        break;
    case STR_LODS:
        set_reg(env, w, R_EAX, ld_seg(env, w, insn->seg, s->src));
        break;
    case STR_CMPS:
        a = ld_seg(env, w, insn->seg, s->src);
        b = ld_seg(env, w, R_ES, s->dst);
        set_cc(env, CC_CMP, w, sext(w, a), sext(w, b));
        break;
    case STR_SCAS:
        b = ld_seg(env, w, R_ES, s->dst);
        set_cc(env, CC_CMP, w, sext(w, env->regs[R_EAX]), sext(w, b));
        break;
    case STR_INS:
        /* The port must not be read if the store will fault. */
        lin = seg_addr(env, R_ES, s->dst, s->size, true);
        mmu_probe(env, lin, s->size, MMU_DATA_STORE, cpu_mmu_index(env), 0);
        st_lin(env, w, lin, ioport_read(env->machine, (uint16_t)port, s->size));
        break;
    case STR_OUTS:
        a = ld_seg(env, w, insn->seg, s->src);
        ioport_write(env->machine, (uint16_t)port, a, s->size);
        break;
    }
}

ALWAYS_INLINE void copy_elements(uint8_t *dst, const uint8_t *src, uint32_t n, unsigned w, bool up)
{
    uint32_t len = n << w;

    /* An overlap that propagates what has just been stored must be done in order. */
    if (up ? dst > src && dst < src + len : src > dst && src < dst + len) {
        for (uint32_t i = 0; i < n; i++) {
            uint32_t at = (up ? i : n - 1 - i) << w;
            host_st(dst + at, w, host_ld(src + at, w));
        }
    } else {
        memmove(dst, src, len);
    }
}

/* Try n elements at once: false if memory is not of the plain kind. */
ALWAYS_INLINE bool bulk(CPUX86State *env, const struct insn *insn, const struct str *s, enum str_op op,
                        unsigned w,
                        uint32_t n)
{
    bool up = s->step == s->size;
    uint8_t *p, *q;

    if (op == STR_MOVS) {
        p = chunk_host(env, s, insn->seg, s->src, n, MMU_DATA_LOAD);
        q = chunk_host(env, s, R_ES, s->dst, n, MMU_DATA_STORE);
        if (!p || !q)
            return false;
        copy_elements(q, p, n, w, up);
        return true;
    }
    if (op == STR_STOS) {
        q = chunk_host(env, s, R_ES, s->dst, n, MMU_DATA_STORE);
        if (!q)
            return false;
        if (w == 0)
            memset(q, (uint8_t)env->regs[R_EAX], n);
        else
            for (uint32_t i = 0; i < n; i++)
                host_st(q + (i << w), w, env->regs[R_EAX]);
        return true;
    }
    return false;
}

/* REPE/REPNE CMPS and SCAS over plain memory: how many elements were looked at, 0 if memory is
 * not plain.  *stop: the last one ended the search. */
ALWAYS_INLINE uint32_t search(CPUX86State *env, const struct insn *insn, const struct str *s, enum str_op op,
                              unsigned w, uint32_t n, bool while_equal, bool *stop)
{
    const uint8_t *p = NULL, *q;
    uint32_t i, a = zext(w, env->regs[R_EAX]), b;

    if (op == STR_CMPS) {
        p = chunk_host(env, s, insn->seg, s->src, n, MMU_DATA_LOAD);
        if (!p)
            return 0;
    }
    q = chunk_host(env, s, R_ES, s->dst, n, MMU_DATA_LOAD);
    if (!q)
        return 0;
    for (i = 0;;) {
        uint32_t at = (s->step == s->size ? i : n - 1 - i) << w;
        if (op == STR_CMPS)
            a = host_ld(p + at, w);
        b = host_ld(q + at, w);
        i++;
        *stop = (a == b) != while_equal;
        if (*stop || i == n)
            break;
    }
    set_cc(env, CC_CMP, w, sext(w, a), sext(w, b));
    return i;
}

ALWAYS_INLINE void string(CPUX86State *env, const struct insn *insn, enum str_op op, unsigned w)
{
    bool searches = op == STR_CMPS || op == STR_SCAS, while_equal = insn->prefixes & INSN_REP, stop = false;
    struct str s;
    uint32_t n;

    if (op == STR_INS || op == STR_OUTS) {
        cpu_check_io(env, env->regs[R_EDX] & 0xffff, 1u << w);
        if (env->dr[7] & 0xff)
            cpu_check_data_bp(env, env->regs[R_EDX] & 0xffff, 1u << w, 2);
    }
    s.size = 1u << w;
    s.step = env->eflags & DF_MASK ? -s.size : s.size;
    s.mask = insn->addrsize == 2 ? 0xffff : 0xffffffff;
    s.src = env->regs[R_ESI] & s.mask;
    s.dst = env->regs[R_EDI] & s.mask;
    s.rep = insn->prefixes & (INSN_REP | INSN_REPNE);
    if (!s.rep) {
        element(env, insn, &s, op, w);
        commit(env, &s, op, 1);
        next_insn(env, insn);
        return;
    }
    s.count = env->regs[R_ECX] & s.mask;
    if (s.count == 0) {
        next_insn(env, insn);
        return;
    }
    n = s.count;
    if (op == STR_MOVS || op == STR_CMPS || op == STR_LODS || op == STR_OUTS)
        n = chunk(env, &s, insn->seg, s.src, n);
    if (op != STR_LODS && op != STR_OUTS)
        n = chunk(env, &s, R_ES, s.dst, n);
    if ((env->hflags & HF_TF) || (env->dr[7] & 0xff))
        n = 1; /* a trap may be due after every element */

    if (searches) {
        uint32_t done = n > 1 ? search(env, insn, &s, op, w, n, while_equal, &stop) : 0;
        commit(env, &s, op, done);
        for (; done < n && !stop; done++) {
            element(env, insn, &s, op, w);
            commit(env, &s, op, 1);
            stop = (env->cc_dst == env->cc_src) != while_equal;
        }
    } else if (n > 1 && bulk(env, insn, &s, op, w, n)) {
        commit(env, &s, op, n);
    } else {
        for (; n; n--) {
            element(env, insn, &s, op, w);
            commit(env, &s, op, 1);
        }
    }
    if (stop || s.count == 0)
        next_insn(env, insn);
}

#define STR_FN(OP, W) \
    static void op_##OP##_##W(CPUX86State *env, const struct insn *insn) \
    { \
        string(env, insn, STR_##OP, W); \
    }
#define STR_OP(OP) STR_FN(OP, 0) STR_FN(OP, 1) STR_FN(OP, 2) \
    static const op_fn OP##_ops[3] = {op_##OP##_0, op_##OP##_1, op_##OP##_2};
STR_OP(MOVS)
STR_OP(CMPS)
STR_OP(STOS)
STR_OP(LODS)
STR_OP(SCAS)
STR_OP(INS)
STR_OP(OUTS)

op_fn interp_select_string(const struct insn *insn)
{
    unsigned w = width_of(insn->opsize);

    switch (insn->mnem) {
    case MN_MOVS: return MOVS_ops[w];
    case MN_CMPS: return CMPS_ops[w];
    case MN_STOS: return STOS_ops[w];
    case MN_LODS: return LODS_ops[w];
    case MN_SCAS: return SCAS_ops[w];
    case MN_INS: return INS_ops[w];
    case MN_OUTS: return OUTS_ops[w];
    default: return NULL;
    }
}
