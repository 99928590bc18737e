/* What the parts of the MIPS simulator share. */
#ifndef STITCH86_TESTS_MIPS_SIM_INT_H
#define STITCH86_TESTS_MIPS_SIM_INT_H

#include "mips-sim.h"

__extension__ typedef __int128 wide;

#define SCRAMBLE UINT64_C(0x5a5a5a5aa5a5a5a5)

/* The low `bits' of v, sign-extended. */
static inline int64_t sign_extend(uint64_t v, int bits)
{
    return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

static inline wide saturate_s(wide v, int bits)
{
    wide max = ((wide)1 << (bits - 1)) - 1;
    return v > max ? max : v < -max - 1 ? -max - 1 : v;
}

static inline wide saturate_u(wide v, int bits)
{
    wide max = ((wide)1 << bits) - 1;
    return v > max ? max : v < 0 ? 0 : v;
}

/* ---- mips-sim-mem.c ---- */
uint8_t *sim_memory(struct mips_sim *s, uint64_t address, size_t size); /* NULL: not mapped */
void sim_load_store(struct mips_sim *s, uint32_t w);

/* ---- mips-sim-fp.c: one element of 32 or 64 bits ---- */
struct fp_env {
    unsigned rm;    /* 0 nearest, 1 zero, 2 up, 3 down */
    unsigned flags; /* MIPS_FLAG_ that were raised */
    bool nan2008;
};
enum fp_op { FP_ADD, FP_SUB, FP_MUL, FP_DIV, FP_SQRT };
uint64_t fp_arith(struct fp_env *e, enum fp_op op, int bits, uint64_t a, uint64_t b);
/* To an integer of `to' bits, rounded by mode rm; FCSR's invalid results. */
uint64_t fp_to_int(struct fp_env *e, int bits, uint64_t a, int to, unsigned rm);
uint64_t fp_from_int(struct fp_env *e, int bits, int64_t v);
uint64_t fp_widen(struct fp_env *e, uint64_t single);
uint64_t fp_narrow(struct fp_env *e, uint64_t dbl);
/* The four bits of c.cond and MSA's compares: unordered, equal, less, signalling. */
bool fp_compare(struct fp_env *e, int bits, uint64_t a, uint64_t b, unsigned cond);
bool fp_is_nan(int bits, uint64_t a);
void sim_cop1(struct mips_sim *s, uint32_t w);

/* ---- mips-sim-mmi.c ---- */
void sim_mmi(struct mips_sim *s, uint32_t w);

/* ---- mips-sim-msa.c, mips-sim-msa-fp.c ---- */
void sim_msa(struct mips_sim *s, uint32_t w);
/* Of 3RF and 2RF formats: false if it is not known. */
bool sim_msa_fp(struct mips_sim *s, uint32_t w);
/* Is the branch of MSA taken: bz.V, bnz.V and by element. */
bool sim_msa_branch(const struct mips_sim *s, uint32_t w);

#endif
