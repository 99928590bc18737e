/* The CPU models, CPUID, and which instructions a model has. */
#include "cpuid.h"

#include <stdlib.h>
#include <string.h>

#include "cpu-features.h"
#include "interp.h"

#define FEATURES_486 (CPUID_FPU | CPUID_VME | CPUID_PSE)
#define FEATURES_PENTIUM (FEATURES_486 | CPUID_DE | CPUID_TSC | CPUID_MSR | CPUID_MCE | CPUID_CX8 | CPUID_MMX)
/* No APIC anywhere, since the machine has none. */
#define FEATURES_P6 (FEATURES_PENTIUM | CPUID_PAE | CPUID_SEP | CPUID_MTRR | CPUID_PGE | CPUID_MCA \
                     | CPUID_CMOV | CPUID_PAT | CPUID_PSE36 | CPUID_FXSR)
#define FEATURES_QEMU32 (CPUID_FPU | CPUID_DE | CPUID_PSE | CPUID_TSC | CPUID_MSR | CPUID_MCE | CPUID_CX8 \
                         | CPUID_PGE | CPUID_CMOV | CPUID_PAT | CPUID_FXSR | CPUID_MMX | CPUID_SSE \
                         | CPUID_SSE2 | CPUID_PAE | CPUID_SEP)
#define FEATURES_MAX (FEATURES_P6 | CPUID_SSE | CPUID_SSE2 | CPUID_CLFSH)
/* Leaf 1, EBX bits 8-15: what CLFLUSH flushes, in 8 bytes; kernels align by it. */
#define CLFLUSH_64_BYTES (8u << 8)

/* Leaf 4 of QEMU's qemu32 (SDM 2, CPUID): 32 KiB level 1 for data and for code, 4 MiB level 2, 16 MiB
 * level 3. */
static const uint32_t qemu_caches[][4] = {
    {0x121, 0x01c0003f, 0x3f, 1}, {0x122, 0x01c0003f, 0x3f, 1}, {0x143, 0x03c0003f, 0xfff, 1},
    {0x163, 0x03c0003f, 0x3fff, 6}
};

/* Leaf 2 is a list of descriptors (SDM 2, CPUID, table 3-12): the TLBs 01h-04h, 16 KiB of code 08h and of
 * data 0Ch at level 1, level 2 of 512 KiB 43h or 256 KiB 82h; 2Ch, 30h, 4Dh and 7Dh are near what leaf 4
 * tells. */
static const struct cpu_model models[] = {
    {
        .name = "qemu32", .description = "QEMU's 32-bit virtual CPU: MMX, SSE, SSE2, SSE3 (default)",
        .vendor = "GenuineIntel", .family = 6, .model = 6, .stepping = 3, .has_cpuid = true, .level = 4,
        .xlevel = 0x80000004u, .leaf1_ebx = CLFLUSH_64_BYTES, .features = FEATURES_QEMU32,
        .features_ecx = CPUID_ECX_SSE3, .leaf2 = {1, 0, 0x4d, 0x2c307d},
        .brand = "QEMU Virtual CPU version 2.5+",
    }, {
        .name = "max", .description = "everything that is implemented",
        .vendor = "GenuineIntel", .family = 6, .model = 6, .stepping = 3, .has_cpuid = true, .level = 7,
        .xlevel = 0x80000004u, .leaf1_ebx = CLFLUSH_64_BYTES, .features = FEATURES_MAX,
        .features_ecx = CPUID_ECX_SSE3, .ext_features = CPUID_EXT_NX,
        .features_7 = CPUID_7_SPEC_CTRL | CPUID_7_ARCH_CAPABILITIES, .leaf2 = {1, 0, 0x4d, 0x2c307d},
        .brand = "stitch86 virtual CPU",
    }, {
        .name = "pentium3", .description = "Pentium III (Coppermine): MMX, SSE",
        .vendor = "GenuineIntel", .family = 6, .model = 8, .stepping = 6, .has_cpuid = true, .level = 2,
        .leaf1_ebx = 2 /* brand index */, .features = FEATURES_P6 | CPUID_SSE,
        .leaf2 = {0x03020101, 0, 0, 0x0c040882},
    }, {
        .name = "pentium2", .description = "Pentium II (Deschutes): MMX",
        .vendor = "GenuineIntel", .family = 6, .model = 5, .stepping = 2, .has_cpuid = true, .level = 2,
        .features = FEATURES_P6, .leaf2 = {0x03020101, 0, 0, 0x0c040843},
    }, {
        .name = "pentium", .description = "Pentium (P55C): MMX",
        .vendor = "GenuineIntel", .family = 5, .model = 4, .stepping = 3, .has_cpuid = true, .level = 1,
        .features = FEATURES_PENTIUM,
    }, {
        .name = "486", .description = "80486DX4",
        .vendor = "GenuineIntel", .family = 4, .model = 8, .stepping = 0, .has_cpuid = true, .level = 1,
        .features = FEATURES_486,
    },
};

const struct cpu_model *cpu_model_default(void)
{
    return &models[0];
}

const struct cpu_model *cpu_model_find(const char *name)
{
    for (unsigned i = 0; i < sizeof models / sizeof models[0]; i++)
        if (!strcmp(models[i].name, name))
            return &models[i];
    return NULL;
}

bool cpu_model_parse(const char *arg, struct cpu_model *m, void (*warn)(const char *line), char **error)
{
    size_t n = strcspn(arg, ",");
    char *name = strndup(arg, n);
    const struct cpu_model *base = name ? cpu_model_find(name) : NULL;

    free(name);
    if (!base) {
        if (asprintf(error, "%.*s: unknown CPU model; -cpu help lists them", (int)n, arg) < 0)
            abort();
        return false;
    }
    *m = *base;
    return cpu_features_switch(m, arg + n, warn, error);
}

void cpu_model_list(FILE *out)
{
    fputs("CPU models:\n", out);
    for (unsigned i = 0; i < sizeof models / sizeof models[0]; i++)
        fprintf(out, "  %-10s %s\n", models[i].name, models[i].description);
    fputs("\nFeatures that +FEATURE and -FEATURE, or FEATURE=on and FEATURE=off, switch:\n", out);
    cpu_features_list(out, true, 78);
    fputs("(sse3 is pni.  One that needs another is off without it: sse2 without sse.)\n"
          "\nFeatures that are not implemented and stay off, in QEMU's models too:\n", out);
    cpu_features_list(out, false, 78);
}

static const struct cpu_model *model_of(const CPUX86State *env)
{
    return env->model ? env->model : cpu_model_default();
}

bool cpu_has_cpuid_bit(const CPUX86State *env, uint32_t bit)
{
    return model_of(env)->features & bit;
}

bool cpu_has_leaf7_bit(const CPUX86State *env, uint32_t bit)
{
    return model_of(env)->features_7 & bit;
}

bool cpu_has(const CPUX86State *env, enum isa_feature feature)
{
    const struct cpu_model *m = model_of(env);

    switch (feature) {
    case ISA_F_BASE: return true;
    case ISA_F_I486: return m->family >= 4;
    case ISA_F_P6: return m->family >= 6;
    case ISA_F_CPUID: return m->has_cpuid;
    case ISA_F_FPU: return m->features & CPUID_FPU;
    case ISA_F_TSC: return m->features & CPUID_TSC;
    case ISA_F_MSR: return m->features & CPUID_MSR;
    case ISA_F_CX8: return m->features & CPUID_CX8;
    case ISA_F_SEP: return m->features & CPUID_SEP;
    case ISA_F_CMOV: return m->features & CPUID_CMOV;
    case ISA_F_FCMOV: return (m->features & CPUID_CMOV) && (m->features & CPUID_FPU);
    case ISA_F_PMC: return m->family >= 6;
    case ISA_F_MMX: return m->features & CPUID_MMX;
    case ISA_F_FXSR: return m->features & CPUID_FXSR;
    case ISA_F_SSE: return m->features & CPUID_SSE;
    case ISA_F_SSE2: return m->features & CPUID_SSE2;
    case ISA_F_CLFSH: return m->features & CPUID_CLFSH;
    case ISA_F_SSE3: return m->features_ecx & CPUID_ECX_SSE3;
    case ISA_F_MONITOR: return m->features_ecx & CPUID_ECX_MONITOR;
    default: return false; /* SMM: RSM is #UD outside of it, and it is never entered */
    }
}

static uint32_t four_chars(const char *s)
{
    uint32_t v;
    memcpy(&v, s, 4);
    return v;
}

static void vendor(const struct cpu_model *m, uint32_t out[4])
{
    out[1] = four_chars(m->vendor);
    out[3] = four_chars(m->vendor + 4);
    out[2] = four_chars(m->vendor + 8);
}

static uint32_t signature(const struct cpu_model *m)
{
    return (uint32_t)m->family << 8 | (uint32_t)m->model << 4 | m->stepping;
}

void cpu_cpuid(CPUX86State *env, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const struct cpu_model *m = model_of(env);

    memset(out, 0, 4 * sizeof out[0]);
    /* Beyond the last leaf Intel's CPUs answer with the highest basic one. */
    if (leaf > m->level && (leaf < 0x80000000u || leaf > m->xlevel))
        leaf = m->level;
    switch (leaf) {
    case 0:
        vendor(m, out);
        out[0] = m->level;
        break;
    case 1:
        out[0] = signature(m);
        out[1] = m->leaf1_ebx | (m->features & CPUID_CLFSH ? CLFLUSH_64_BYTES : 0);
        out[2] = m->features_ecx;
        out[3] = m->features;
        break;
    case 2:
        memcpy(out, m->leaf2, sizeof m->leaf2);
        break;
    case 4:
        if (subleaf < sizeof qemu_caches / sizeof qemu_caches[0])
            memcpy(out, qemu_caches[subleaf], sizeof qemu_caches[0]);
        break;
    case 7:
        if (subleaf == 0)
            out[3] = m->features_7;
        break;
    case 0x80000000u: /* QEMU shows the vendor here too, and the signature in the next */
        vendor(m, out);
        out[0] = m->xlevel;
        break;
    case 0x80000001u:
        out[0] = signature(m);
        out[3] = m->ext_features;
        break;
    case 0x80000002u:
    case 0x80000003u:
    case 0x80000004u:
        if (m->brand) {
            char text[48] = "";
            strncpy(text, m->brand, sizeof text - 1);
            memcpy(out, text + (leaf - 0x80000002u) * 16, 16);
        }
        break;
    default:
        break;
    }
}
