/* CPUID's feature words, and QEMU's names for their bits. */
#ifndef STITCH86_CPU_FEATURES_H
#define STITCH86_CPU_FEATURES_H

#include <stdio.h>

#include "cpuid.h"

/* Switch features of *m by `list`: [+f][,-f][,f][,f=on|off]... as QEMU has them: f=on and f=off in order,
 * then all +f, then all -f.  What is not implemented, or lacks another feature, stays off, which warn() is
 * told in one line each.  false: *error is one malloc'd line. */
bool cpu_features_switch(struct cpu_model *m, const char *list, void (*warn)(const char *line), char **error);
/* The names of the features that can be switched, or of those that are known and cannot, in lines of at most
 * `width` columns. */
void cpu_features_list(FILE *out, bool implemented, int width);

#endif
