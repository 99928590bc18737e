/* Switching CPU features by name (-cpu MODEL,+f,-f,f=on).  Names are QEMU's, bits those of SDM 2, CPUID,
 * tables 3-19 and 3-20, and of AMD's manual for leaf 80000001h. */
#include "cpu-features.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "error-text.h"

#define IMPLEMENTED_1_EDX (CPUID_FPU | CPUID_VME | CPUID_DE | CPUID_PSE | CPUID_TSC | CPUID_MSR | CPUID_PAE \
                           | CPUID_MCE | CPUID_CX8 | CPUID_SEP | CPUID_MTRR | CPUID_PGE | CPUID_MCA \
                           | CPUID_CMOV | CPUID_PAT | CPUID_PSE36 | CPUID_CLFSH | CPUID_MMX | CPUID_FXSR \
                           | CPUID_SSE | CPUID_SSE2)

/* A word that CPUID returns.  The first four are struct cpu_model's. */
enum word { LEAF_1_EDX, LEAF_1_ECX, LEAF_EXT_EDX, LEAF_7_EDX, LEAF_EXT_ECX, LEAF_7_EBX, WORDS };

static const struct feature_word {
    const char *where;
    uint32_t implemented;
    const char *bits[32];
} words[WORDS] = {
    [LEAF_1_EDX] = {"CPUID.01H:EDX", IMPLEMENTED_1_EDX, {
        "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep", "mtrr", "pge",
        "mca", "cmov", "pat", "pse36", "pn", "clflush", NULL, "ds", "acpi", "mmx", "fxsr", "sse", "sse2",
        "ss", "ht", "tm", "ia64", "pbe"}},
    [LEAF_1_ECX] = {"CPUID.01H:ECX", CPUID_ECX_SSE3, {
        "pni", "pclmulqdq", "dtes64", "monitor", "ds-cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid", NULL,
        "fma", "cx16", "xtpr", "pdcm", NULL, "pcid", "dca", "sse4.1", "sse4.2", "x2apic", "movbe", "popcnt",
        "tsc-deadline", "aes", "xsave", NULL, "avx", "f16c", "rdrand", "hypervisor"}},
    [LEAF_EXT_EDX] = {"CPUID.80000001H:EDX", CPUID_EXT_NX, {
        [11] = "syscall", [20] = "nx", [22] = "mmxext", [25] = "fxsr-opt", "pdpe1gb", "rdtscp", [29] = "lm",
        "3dnowext", "3dnow"}},
    [LEAF_7_EDX] = {"CPUID.07H:EDX", CPUID_7_SPEC_CTRL | CPUID_7_ARCH_CAPABILITIES, {
        [2] = "avx512-4vnniw", "avx512-4fmaps", "fsrm", [8] = "avx512-vp2intersect", [10] = "md-clear",
        [14] = "serialize", [16] = "tsx-ldtrk", [19] = "arch-lbr", [22] = "amx-bf16", "avx512-fp16",
        "amx-tile", "amx-int8", "spec-ctrl", "stibp", [29] = "arch-capabilities", "core-capability", "ssbd"}},
    [LEAF_EXT_ECX] = {"CPUID.80000001H:ECX", 0, {
        "lahf-lm", "cmp-legacy", "svm", "extapic", "cr8legacy", "abm", "sse4a", "misalignsse",
        "3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt", NULL, "lwp", "fma4", "tce", [21] = "tbm",
        "topoext"}},
    [LEAF_7_EBX] = {"CPUID.07H:EBX", 0, {
        "fsgsbase", "tsc-adjust", "sgx", "bmi1", "hle", "avx2", NULL, "smep", "bmi2", "erms", "invpcid",
        "rtm", NULL, NULL, "mpx", NULL, "avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma",
        "pcommit", "clflushopt", "clwb", "intel-pt", "avx512pf", "avx512er", "avx512cd", "sha-ni",
        "avx512bw", "avx512vl"}},
};

static const struct {
    const char *alias, *name;
} aliases[] = {
    {"sse3", "pni"}, {"xd", "nx"}, {"sse4-1", "sse4.1"}, {"sse4-2", "sse4.2"}, {"pclmuldq", "pclmulqdq"}
};

struct bit_set {
    uint32_t word[WORDS];
};

/* Features that build on others; those further down may build on those above. */
static const struct {
    uint8_t word, needed_word;
    uint32_t bit, needed;
} needs[] = {
    {LEAF_1_EDX, LEAF_1_EDX, CPUID_PSE36, CPUID_PSE},   {LEAF_1_EDX, LEAF_1_EDX, CPUID_SEP, CPUID_MSR},
    {LEAF_1_EDX, LEAF_1_EDX, CPUID_MTRR, CPUID_MSR},    {LEAF_1_EDX, LEAF_1_EDX, CPUID_MCA, CPUID_MSR},
    {LEAF_1_EDX, LEAF_1_EDX, CPUID_PAT, CPUID_MSR},     {LEAF_EXT_EDX, LEAF_1_EDX, CPUID_EXT_NX, CPUID_PAE},
    {LEAF_EXT_EDX, LEAF_1_EDX, CPUID_EXT_NX, CPUID_MSR}, {LEAF_1_EDX, LEAF_1_EDX, CPUID_MMX, CPUID_FPU},
    {LEAF_1_EDX, LEAF_1_EDX, CPUID_FXSR, CPUID_FPU},    {LEAF_1_EDX, LEAF_1_EDX, CPUID_SSE, CPUID_FXSR},
    {LEAF_1_EDX, LEAF_1_EDX, CPUID_SSE2, CPUID_SSE},    {LEAF_1_ECX, LEAF_1_EDX, CPUID_ECX_SSE3, CPUID_SSE2},
    {LEAF_7_EDX, LEAF_1_EDX, CPUID_7_SPEC_CTRL, CPUID_MSR},
    {LEAF_7_EDX, LEAF_7_EDX, CPUID_7_ARCH_CAPABILITIES, CPUID_7_SPEC_CTRL},
};

static const char *name_of(unsigned word, uint32_t bit)
{
    return words[word].bits[__builtin_ctz(bit)];
}

/* QEMU takes _ for -. */
static bool same_name(const char *a, const char *b)
{
    for (; *a || *b; a++, b++)
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return false;
    return true;
}

static bool find_feature(const char *name, unsigned *word, uint32_t *bit)
{
    for (unsigned i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (same_name(name, aliases[i].alias))
            name = aliases[i].name;
    for (unsigned w = 0; w < WORDS; w++)
        for (unsigned b = 0; b < 32; b++)
            if (words[w].bits[b] && same_name(name, words[w].bits[b])) {
                *word = w;
                *bit = 1u << b;
                return true;
            }
    return false;
}

/* One word of the list into on, plus or minus. */
static bool read_switch(char *text, struct bit_set *on, struct bit_set *plus, struct bit_set *minus,
                        struct bit_set *wanted, char **error)
{
    char sign = *text == '+' || *text == '-' ? *text : 0, *value = sign ? NULL : strchr(text, '=');
    bool off = sign == '-';
    unsigned w;
    uint32_t bit;

    if (value) {
        *value++ = '\0';
        off = strcmp(value, "off") == 0;
    }
    if (!find_feature(text + !!sign, &w, &bit))
        return error_set(error, "%s: unknown CPU feature; -cpu help lists them", text + !!sign);
    if (value && !off && strcmp(value, "on") != 0)
        return error_set(error, "%s=%s: it is on or off", text, value);
    if (!off)
        wanted->word[w] |= bit;
    if (sign)
        (off ? minus : plus)->word[w] |= bit;
    else if (off)
        on->word[w] &= ~bit;
    else
        on->word[w] |= bit;
    return true;
}

static void __attribute__((format(printf, 2, 3))) tell(void (*warn)(const char *line), const char *fmt, ...)
{
    char line[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    warn(line);
}

/* Take out what is not implemented, and what lacks a feature that it needs; the latter only makes a line
 * where it was asked for. */
static void take_out(struct bit_set *on, const struct bit_set *wanted, void (*warn)(const char *line))
{
    for (unsigned w = 0; w < WORDS; w++) {
        for (uint32_t left = on->word[w] & ~words[w].implemented; left; left &= left - 1)
            tell(warn, "requested feature is not implemented: %s.%s [bit %d]", words[w].where,
                 name_of(w, left & -left), __builtin_ctz(left));
        on->word[w] &= words[w].implemented;
    }
    for (unsigned i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        uint32_t *word = &on->word[needs[i].word];
        if (!(*word & needs[i].bit) || (on->word[needs[i].needed_word] & needs[i].needed))
            continue;
        *word &= ~needs[i].bit;
        if (wanted->word[needs[i].word] & needs[i].bit)
            tell(warn, "requested feature needs %s, which is off: %s.%s [bit %d]",
                 name_of(needs[i].needed_word, needs[i].needed), words[needs[i].word].where,
                 name_of(needs[i].word, needs[i].bit), __builtin_ctz(needs[i].bit));
    }
}

bool cpu_features_switch(struct cpu_model *m, const char *list, void (*warn)(const char *line), char **error)
{
    struct bit_set on = {{m->features, m->features_ecx, m->ext_features, m->features_7}};
    struct bit_set plus = {0}, minus = {0}, wanted = {0};
    char *copy = strdup(list), *save = NULL;
    bool ok = copy != NULL || error_set(error, "out of memory");

    for (char *text = ok ? strtok_r(copy, ",", &save) : NULL; ok && text; text = strtok_r(NULL, ",", &save))
        ok = read_switch(text, &on, &plus, &minus, &wanted, error);
    free(copy);
    if (!ok)
        return false;
    for (unsigned w = 0; w < WORDS; w++)
        on.word[w] = (on.word[w] | plus.word[w]) & ~minus.word[w];
    take_out(&on, &wanted, warn);
    m->features = on.word[LEAF_1_EDX];
    m->features_ecx = on.word[LEAF_1_ECX];
    m->ext_features = on.word[LEAF_EXT_EDX];
    m->features_7 = on.word[LEAF_7_EDX];
    if (m->features_7 && m->level < 7)
        m->level = 7;
    if (m->ext_features && m->xlevel < 0x80000001u)
        m->xlevel = 0x80000001u; /* where they are shown */
    return true;
}

void cpu_features_list(FILE *out, bool implemented, int width)
{
    int column = 0;

    for (unsigned w = 0; w < WORDS; w++)
        for (unsigned b = 0; b < 32; b++) {
            const char *name = words[w].bits[b];
            if (!name || (words[w].implemented >> b & 1) != implemented)
                continue;
            int n = (int)strlen(name) + 1;
            if (column && column + n > width) {
                fputc('\n', out);
                column = 0;
            }
            column += fprintf(out, "%s%s", column ? " " : "  ", name);
        }
    fputc('\n', out);
}
