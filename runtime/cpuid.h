/* CPU models: what CPUID offers, and with it which instructions are not #UD. */
#ifndef STITCH86_CPUID_H
#define STITCH86_CPUID_H

#include <stdio.h>

#include "cpu.h"
#include "insn.h"

/* CPUID leaf 1, EDX (SDM 2, CPUID, table 3-20). */
enum {
    CPUID_FPU = 1 << 0, CPUID_VME = 1 << 1, CPUID_DE = 1 << 2, CPUID_PSE = 1 << 3,
    CPUID_TSC = 1 << 4, CPUID_MSR = 1 << 5, CPUID_PAE = 1 << 6, CPUID_MCE = 1 << 7,
    CPUID_CX8 = 1 << 8, CPUID_APIC = 1 << 9, CPUID_SEP = 1 << 11, CPUID_MTRR = 1 << 12,
    CPUID_PGE = 1 << 13, CPUID_MCA = 1 << 14, CPUID_CMOV = 1 << 15, CPUID_PAT = 1 << 16,
    CPUID_PSE36 = 1 << 17, CPUID_CLFSH = 1 << 19, CPUID_MMX = 1 << 23, CPUID_FXSR = 1 << 24,
    CPUID_SSE = 1 << 25, CPUID_SSE2 = 1 << 26
};
/* Leaf 1, ECX (table 3-19). */
enum { CPUID_ECX_SSE3 = 1 << 0, CPUID_ECX_MONITOR = 1 << 3 };
/* Leaf 7, EDX (table 3-8: structured extended features). */
enum { CPUID_7_SPEC_CTRL = 1 << 26, CPUID_7_ARCH_CAPABILITIES = 1 << 29 };
/* Leaf 80000001h, EDX. */
enum { CPUID_EXT_NX = 1 << 20 };

struct cpu_model {
    const char *name;
    const char *description;
    const char *vendor; /* 12 characters */
    uint8_t family, model, stepping;
    bool has_cpuid;     /* EFLAGS.ID can be toggled and CPUID executes */
    uint32_t level, xlevel;
    uint32_t leaf1_ebx;    /* brand index, CLFLUSH line size */
    uint32_t features;     /* leaf 1 EDX */
    uint32_t features_ecx; /* leaf 1 ECX */
    uint32_t ext_features; /* leaf 80000001h EDX */
    uint32_t features_7;   /* leaf 7 EDX */
    uint32_t leaf2[4];     /* cache descriptors: eax ebx ecx edx */
    const char *brand;     /* leaves 80000002h-4h, or NULL */
};

/* The model that -cpu's argument describes, MODEL[,+f][,-f][,f=on|off]..., into *m.  Features that cannot be
 * had stay off, which warn() is told in one line each.  false: *error is one malloc'd line. */
bool cpu_model_parse(const char *arg, struct cpu_model *m, void (*warn)(const char *line), char **error);
/* The model of that name, or NULL. */
const struct cpu_model *cpu_model_find(const char *name);
const struct cpu_model *cpu_model_default(void);
/* -cpu help: models and features. */
void cpu_model_list(FILE *out);
/* Is the model's leaf 1 EDX bit (CPUID_*) set? */
bool cpu_has_cpuid_bit(const CPUX86State *env, uint32_t bit);
/* The same for leaf 7, EDX (CPUID_7_*). */
bool cpu_has_leaf7_bit(const CPUX86State *env, uint32_t bit);
/* Does the model have the instructions that isa.tab puts under this feature? */
bool cpu_has(const CPUX86State *env, enum isa_feature feature);

#endif
