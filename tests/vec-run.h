/* Running recorded cases: each on its own, and several as one piece of code. */
#ifndef STITCH86_TEST_VEC_RUN_H
#define STITCH86_TEST_VEC_RUN_H

#include "vec-chain.h"
#include "vec-machine.h"

struct vec_runner {
    CPUX86State *env;
    bool clean;       /* scratch memory is as world_byte() says */
    uint8_t code[32]; /* what stands at WORLD_START */
};

/* tb_max: most instructions in a block, or 0 for the interpreter. */
void vec_runner_start(struct vec_runner *r, unsigned tb_max);
void vec_runner_end(struct vec_runner *r);
/* Run a case and compare; differences go to vec_failed(). */
void vec_run_alone(struct vec_runner *r, const struct vec_case *c);
/* A sweep, case by case.  Returns how many. */
unsigned vec_run_sweep(struct vec_runner *r, const struct vec_sweep *s);

/* Chains: cases are gathered, and run when there are enough of them. */
struct vec_chains {
    CPUX86State *env;
    const struct vec_case *list[VEC_CHAIN_MAX];
    struct vec_case room[VEC_CHAIN_MAX]; /* of sweeps */
    struct vec_bytes mem[VEC_CHAIN_MAX][2];
    unsigned n, round, failures;
};

/* Add a case if a chain can have it. */
void vec_chains_add(struct vec_chains *ch, const struct vec_case *c);
/* The same for case number n of a sweep. */
void vec_chains_add_swept(struct vec_chains *ch, const struct vec_sweep *s, unsigned n);
/* Run what has been gathered. */
void vec_chains_flush(struct vec_chains *ch);

#endif
