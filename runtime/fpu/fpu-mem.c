/* x87 loads and stores.  Memory is written before the stack and the status word
 * change, so that a fault leaves nothing behind. */
#include <string.h>

#include "fpu-int.h"

static inline uint32_t ld32(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    return mmu_ldl(env, fpu_linear(env, insn, offset, 4, false), cpu_mmu_index(env), 0);
}

static inline uint64_t ld64(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    return mmu_ldq(env, fpu_linear(env, insn, offset, 8, false), cpu_mmu_index(env), 0);
}

struct floatx80 fpu_load_real(CPUX86State *env, const struct insn *insn, uint32_t offset, bool *denormal)
{
    if (insn->op[0].size == 4)
        return fx_from_f32(ld32(env, insn, offset), denormal);
    return fx_from_f64(ld64(env, insn, offset), denormal);
}

struct floatx80 fpu_load_int(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    switch (insn->op[0].size) {
    case 2: {
        uint32_t linear = fpu_linear(env, insn, offset, 2, false);
        return fx_from_int((int16_t)mmu_lduw(env, linear, cpu_mmu_index(env), 0));
    }
    case 4:
        return fx_from_int((int32_t)ld32(env, insn, offset));
    default:
        return fx_from_int((int64_t)ld64(env, insn, offset));
    }
}

static void load80(CPUX86State *env, const struct insn *insn, uint32_t offset, uint8_t buf[10])
{
    uint32_t linear = fpu_linear(env, insn, offset, 10, false);
    mmu_read(env, linear, buf, 10, cpu_mmu_index(env), 0);
}

static void store80(CPUX86State *env, const struct insn *insn, uint32_t offset, const uint8_t buf[10])
{
    uint32_t linear = fpu_linear(env, insn, offset, 10, true);
    mmu_write(env, linear, buf, 10, cpu_mmu_index(env), 0);
}

/* An unmasked exception keeps the operand from being stored, but not from being addressed: segment and page
 * faults come first, as real CPUs do it (tests/vectors/x87.vec has cases). */
static void check_store(CPUX86State *env, const struct insn *insn, uint32_t offset)
{
    unsigned size = insn->op[0].size;
    uint32_t linear = fpu_linear(env, insn, offset, size, true);
    mmu_probe(env, linear, size, MMU_DATA_STORE, cpu_mmu_index(env), 0);
}

/* Push what is no exception of its own. */
static void push(CPUX86State *env, struct floatx80 v)
{
    if (!fpu_empty(env, 7)) {
        if (!fpu_stack_overflow(env))
            return;
        v = fx_default_nan();
    } else {
        env->fpus &= (uint16_t)~FPUS_C1;
    }
    fpu_push(env, v);
}

FPU_INSN(fpu_fld)
{
    struct floatx80 v;
    if (insn->op[0].kind == OPK_ST) {
        if (fpu_empty(env, insn->op[0].reg)) {
            if (fpu_stack_underflow(env))
                fpu_push(env, fx_default_nan());
            return;
        }
        push(env, *fpu_st(env, insn->op[0].reg));
        return;
    }
    if (insn->op[0].size == 10) {
        uint8_t buf[10];
        load80(env, insn, offset, buf);
        memcpy(&v.mant, buf, 8);
        memcpy(&v.se, buf + 8, 2);
        push(env, v);
        return;
    }
    bool denormal;
    v = fpu_load_real(env, insn, offset, &denormal);
    if (!fpu_empty(env, 7)) {
        if (fpu_stack_overflow(env))
            fpu_push(env, fx_default_nan());
        return;
    }
    struct fp_ctx s = { env->fpuc, 0 };
    if (denormal)
        s.flags = FPUS_DE;
    else if (fx_is_nan(v))
        fx_propagate1(v, &v, &s);
    fpu_commit(env, &s);
    /* The conversion is exact: an unmasked denormal is loaded nevertheless. */
    if (!(s.flags & ~s.cw & FPUS_IE))
        fpu_push(env, v);
}

FPU_INSN(fpu_fild)
{
    push(env, fpu_load_int(env, insn, offset));
}

FPU_INSN(fpu_fbld)
{
    uint8_t buf[10];
    load80(env, insn, offset, buf);
    push(env, fx_from_bcd(buf));
}

/* What is stored for an empty ST(0): the QNaN. */
static struct floatx80 source_of_store(CPUX86State *env, bool *underflow)
{
    *underflow = fpu_empty(env, 0);
    return *underflow ? fx_default_nan() : *fpu_st(env, 0);
}

FPU_INSN(fpu_fst)
{
    bool underflow, store = true;
    struct fp_ctx s = { env->fpuc, 0 };
    struct floatx80 v = source_of_store(env, &underflow);
    if (underflow && insn->opcode[0] == 0xd9 && insn->op[0].kind == OPK_ST) {
        /* The alias D9 /3 knows no stack underflow: it only pops. */
        env->fpus &= (uint16_t)~FPUS_C1;
        fpu_pop(env);
        return;
    }
    if (underflow && !(env->fpuc & FPUS_IE)) {
        if (insn->op[0].kind == OPK_MEM)
            check_store(env, insn, offset);
        fpu_stack_underflow(env);
        return;
    }
    if (insn->op[0].kind == OPK_ST) {
        fpu_put(env, insn->op[0].reg, v);
    } else if (insn->op[0].size == 4) {
        uint32_t w = fx_to_f32(v, &store, &s);
        if (store)
            mmu_stl(env, fpu_linear(env, insn, offset, 4, true), w, cpu_mmu_index(env), 0);
    } else if (insn->op[0].size == 8) {
        uint64_t q = fx_to_f64(v, &store, &s);
        if (store)
            mmu_stq(env, fpu_linear(env, insn, offset, 8, true), q, cpu_mmu_index(env), 0);
    } else {
        uint8_t buf[10];
        memcpy(buf, &v.mant, 8);
        memcpy(buf + 8, &v.se, 2);
        store80(env, insn, offset, buf);
    }
    if (!store)
        check_store(env, insn, offset);
    fpu_commit(env, &s);
    if (underflow)
        fpu_stack_underflow(env);
    if (store && insn->mnem == MN_FSTP)
        fpu_pop(env);
}

/* After the memory operand of FIST, FBSTP was written (or was not, being unmasked invalid). */
static void finish_store(CPUX86State *env, struct fp_ctx *s, bool underflow, bool pop)
{
    bool store = fpu_commit(env, s);
    if (underflow)
        fpu_stack_underflow(env);
    if (store && pop)
        fpu_pop(env);
}

FPU_INSN(fpu_fist)
{
    bool underflow;
    struct fp_ctx s = { env->fpuc, 0 };
    unsigned size = insn->op[0].size;
    int64_t v = fx_to_int(source_of_store(env, &underflow), 8 * size, insn->mnem == MN_FISTTP, &s);
    if (!(s.flags & ~s.cw & FPUS_IE)) {
        uint32_t linear = fpu_linear(env, insn, offset, size, true);
        if (size == 2)
            mmu_stw(env, linear, (uint32_t)v & 0xffff, cpu_mmu_index(env), 0);
        else if (size == 4)
            mmu_stl(env, linear, (uint32_t)v, cpu_mmu_index(env), 0);
        else
            mmu_stq(env, linear, (uint64_t)v, cpu_mmu_index(env), 0);
    } else {
        check_store(env, insn, offset);
    }
    finish_store(env, &s, underflow, insn->mnem != MN_FIST);
}

FPU_INSN(fpu_fbstp)
{
    bool underflow;
    uint8_t buf[10];
    struct fp_ctx s = { env->fpuc, 0 };
    fx_to_bcd(source_of_store(env, &underflow), buf, &s);
    if (!(s.flags & ~s.cw & FPUS_IE))
        store80(env, insn, offset, buf);
    else
        check_store(env, insn, offset);
    finish_store(env, &s, underflow, true);
}
