/* The file of recorded x87 cases. */
#ifndef STITCH86_TESTS_FPU_VEC_H
#define STITCH86_TESTS_FPU_VEC_H

#include <stdio.h>

#include "fpu-case.h"

/* Reduce a case to what a record can hold. */
void fpu_vec_simplify(struct fpu_case *c);
FILE *fpu_vec_create(const char *path);
void fpu_vec_write(FILE *f, const struct fpu_case *c, const struct fpu_state *out);
FILE *fpu_vec_open(const char *path);
/* False at the end or for a cut record (then feof() is not all that was read). */
bool fpu_vec_read(FILE *f, struct fpu_case *c, struct fpu_state *out);

#endif
