/* MSA vectors of 16 bytes, elements of 1, 2, 4 or 8 (df 0 to 3). */
#ifndef STITCH86_TESTS_MIPS_SIM_MSA_H
#define STITCH86_TESTS_MIPS_SIM_MSA_H

#include "mips-sim-int.h"

struct vec {
    uint64_t half[2];
};

static inline struct vec get(const struct mips_sim *s, unsigned reg)
{
    return (struct vec){ { s->f[reg & 31], s->w[reg & 31] } };
}

static inline void set(struct mips_sim *s, unsigned reg, struct vec v)
{
    s->f[reg & 31] = v.half[0];
    s->w[reg & 31] = v.half[1];
}

static inline uint64_t element(struct vec v, int df, int i)
{
    int bits = 8 << df, per = 8 >> df;
    uint64_t mask = df == 3 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1;
    return v.half[i / per] >> (i % per * bits) & mask;
}

static inline int64_t signed_element(struct vec v, int df, int i)
{
    return sign_extend(element(v, df, i), 8 << df);
}

static inline void put(struct vec *v, int df, int i, uint64_t value)
{
    int bits = 8 << df, per = 8 >> df, shift = i % per * bits;
    uint64_t mask = df == 3 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1;
    v->half[i / per] = (v->half[i / per] & ~(mask << shift)) | (value & mask) << shift;
}

/* Elements whose rows are alike: signed and unsigned values at hand. */
struct operands {
    wide a, b, d;
    wide ua, ub;
    uint64_t ud;
    int bits;
};

/* ---- mips-sim-msa-3r.c ---- */
struct operands fetch(struct vec a, struct vec b, struct vec d, int df, int i);
wide shift_op(unsigned op, const struct operands *o, unsigned n); /* and bit operations, by n */
wide add_op(unsigned op, const struct operands *o);               /* add, subtract, maximum, minimum */
bool compare_op(unsigned op, const struct operands *o, wide *r);  /* false: there is none */
wide rounded_shift(wide v, unsigned n);
/* a and d side by side, in rows of 16 >> df bytes: each row moves down by n. */
struct vec slide(struct vec a, struct vec d, int df, unsigned n);
bool sim_msa_3r(struct mips_sim *s, uint32_t w); /* false: not known */

#endif
