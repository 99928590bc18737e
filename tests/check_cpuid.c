/* CPU models: what CPUID returns for each, and the switches of -cpu. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "interp.h"
#include "suite.h"

static CPUX86State env;
static struct cpu_model model;
static char warnings[4096]; /* each line ends in \n */
static unsigned warned;

static void warn(const char *line)
{
    ck_assert_msg(strchr(line, '\n') == NULL, "more than one line: %s", line);
    snprintf(warnings + strlen(warnings), sizeof warnings - strlen(warnings), "%s\n", line);
    warned++;
}

/* The vCPU is that model from now on; `count` warnings, and each has `says` in it if that is not NULL. */
static void use(const char *arg, unsigned count, const char *says)
{
    char *error = NULL;
    warnings[0] = '\0';
    warned = 0;
    bool ok = cpu_model_parse(arg, &model, warn, &error);
    ck_assert_msg(ok, "%s: %s", arg, error ? error : "?");
    ck_assert_msg(warned == count, "%s: %u warnings\n%s", arg, warned, warnings);
    ck_assert_msg(!says || strstr(warnings, says), "%s does not say \"%s\", but %s", arg, says, warnings);
    env.model = &model;
}

static void bad(const char *arg, const char *says)
{
    char *error = NULL;
    ck_assert_msg(!cpu_model_parse(arg, &model, warn, &error), "%s was taken", arg);
    ck_assert_msg(error && strstr(error, says), "%s: \"%s\" does not say \"%s\"", arg, error, says);
    ck_assert(strchr(error, '\n') == NULL);
    free(error);
}

static void leaf(uint32_t number, uint32_t sub, uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
    const uint32_t want[4] = {eax, ebx, ecx, edx};
    uint32_t got[4];
    cpu_cpuid(&env, number, sub, got);
    for (int i = 0; i < 4; i++)
        ck_assert_msg(got[i] == want[i], "%s: leaf %x.%x, e%cx: %08x, not %08x", env.model->name, number, sub,
                      "abcd"[i], got[i], want[i]);
}

/* Leaf 0 and 80000000h: how far they go, and who made it. */
static void intel(uint32_t number, uint32_t last)
{
    leaf(number, 0, last, 0x756e6547, 0x6c65746e, 0x49656e69);
}

/* Leaves that are beyond the model's last ones answer as leaf `like` does (SDM 2, CPUID). */
static void beyond(const uint32_t *numbers, unsigned n, uint32_t like)
{
    for (unsigned i = 0; i < n; i++) {
        uint32_t id[4];
        cpu_cpuid(&env, like, 0, id);
        leaf(numbers[i], 0, id[0], id[1], id[2], id[3]);
    }
}

START_TEST(old_models)
{
    static const uint32_t after_1[] = {
        2, 3, 4, 7, 0x40000000, 0x80000000, 0x80000001, 0xc0000000, 0xffffffff
    };
    use("486", 0, NULL);
    intel(0, 1);
    leaf(1, 0, 0x480, 0, 0, 0x0000000b);
    beyond(after_1, 9, 1);
    use("pentium", 0, NULL);
    intel(0, 1);
    leaf(1, 0, 0x543, 0, 0, 0x008001bf);
    beyond(after_1, 9, 1);
    use("pentium2", 0, NULL);
    intel(0, 2);
    leaf(1, 0, 0x652, 0, 0, 0x0183f9ff);
    leaf(2, 0, 0x03020101, 0, 0, 0x0c040843);
    beyond(after_1 + 1, 8, 2);
    use("pentium3", 0, NULL);
    intel(0, 2);
    leaf(1, 0, 0x686, 2, 0, 0x0383f9ff);
    leaf(2, 0, 0x03020101, 0, 0, 0x0c040882);
    beyond(after_1 + 1, 8, 2);
}
END_TEST

/* As qemu-system-i386 7.2 -cpu qemu32 answers, but for the APIC (EDX bit 9) and the hypervisor's bit and
 * leaves. */
static void qemu_caches(void)
{
    leaf(2, 0, 1, 0, 0x4d, 0x2c307d);
    leaf(3, 0, 0, 0, 0, 0);
    leaf(4, 0, 0x121, 0x01c0003f, 0x3f, 1);
    leaf(4, 1, 0x122, 0x01c0003f, 0x3f, 1);
    leaf(4, 2, 0x143, 0x03c0003f, 0xfff, 1);
    leaf(4, 3, 0x163, 0x03c0003f, 0x3fff, 6);
    leaf(4, 4, 0, 0, 0, 0);
    leaf(4, 0xffffffff, 0, 0, 0, 0);
}

START_TEST(qemu32)
{
    static const uint32_t others[] = {5, 6, 7, 0x40000000, 0x80000005, 0x80000006, 0xc0000000};
    use("qemu32", 0, NULL);
    intel(0, 4);
    leaf(1, 0, 0x663, 0x800, 0x80000001 & ~(1u << 31), 0x0781abfd & ~(1u << 9));
    qemu_caches();
    intel(0x80000000, 0x80000004);
    leaf(0x80000001, 0, 0x663, 0, 0, 0);
    leaf(0x80000002, 0, 0x554d4551, 0x72695620, 0x6c617574, 0x55504320);
    leaf(0x80000003, 0, 0x72657620, 0x6e6f6973, 0x352e3220, 0x2b);
    leaf(0x80000004, 0, 0, 0, 0, 0);
    beyond(others, 7, 4);
    ck_assert_str_eq(cpu_model_default()->name, "qemu32");
    env.model = NULL; /* the default */
    leaf(1, 0, 0x663, 0x800, 1, 0x0781a9fd);
}
END_TEST

/* Whatever any other model has. */
START_TEST(max)
{
    static const char *const names[] = {"486", "pentium", "pentium2", "pentium3", "qemu32"};
    use("max", 0, NULL);
    struct cpu_model all = model;
    intel(0, 7);
    leaf(7, 0, 0, 0, 0, CPUID_7_SPEC_CTRL | CPUID_7_ARCH_CAPABILITIES);
    leaf(7, 1, 0, 0, 0, 0);
    leaf(1, 0, 0x663, 0x800, 1, 0x078bf9ff);
    qemu_caches();
    intel(0x80000000, 0x80000004);
    leaf(0x80000001, 0, 0x663, 0, 0, CPUID_EXT_NX);
    for (unsigned i = 0; i < 5; i++) {
        use(names[i], 0, NULL);
        ck_assert_uint_eq(model.features & ~all.features, 0);
        ck_assert_uint_eq(model.features_ecx & ~all.features_ecx, 0);
        ck_assert_uint_eq(model.ext_features & ~all.ext_features, 0);
        ck_assert_uint_eq(model.features_7 & ~all.features_7, 0);
    }
}
END_TEST

START_TEST(switches)
{
    uint32_t base = cpu_model_find("qemu32")->features;
    use("qemu32,-mmx", 0, NULL);
    ck_assert_uint_eq(model.features, base & ~(uint32_t)CPUID_MMX);
    use("qemu32,+clflush,+vme,-pge", 0, NULL);
    ck_assert_uint_eq(model.features, ((base & ~(uint32_t)CPUID_PGE) | CPUID_CLFSH | CPUID_VME));
    use("qemu32,mtrr=on,pat=off,mca", 0, NULL);
    ck_assert_uint_eq(model.features, ((base & ~(uint32_t)CPUID_PAT) | CPUID_MTRR | CPUID_MCA));
    use("qemu32,sse3=off", 0, NULL);
    ck_assert_uint_eq(model.features_ecx, 0);
    use("qemu32,-pni", 0, NULL);
    ck_assert_uint_eq(model.features_ecx, 0);
    /* As in QEMU a later word wins for f=on and f=off, then come all +f, then all -f. */
    use("qemu32,mmx=off,mmx=on", 0, NULL);
    ck_assert(model.features & CPUID_MMX);
    use("qemu32,mmx=on,mmx=off", 0, NULL);
    ck_assert(!(model.features & CPUID_MMX));
    use("qemu32,+mmx,mmx=off", 0, NULL);
    ck_assert(model.features & CPUID_MMX);
    use("qemu32,-mmx,+mmx,mmx=on", 0, NULL);
    ck_assert(!(model.features & CPUID_MMX));
    /* EBX shows the line size with CLFLUSH. */
    use("pentium3,+clflush", 0, NULL);
    leaf(1, 0, 0x686, 0x802, 0, 0x038bf9ff);
    /* NX brings the leaf that it is in. */
    use("pentium2,+nx", 0, NULL);
    intel(0x80000000, 0x80000001);
    leaf(0x80000001, 0, 0x652, 0, 0, CPUID_EXT_NX);
    use("pentium2,+xd,-nx", 0, NULL);
    leaf(0x80000000, 0, 0x03020101, 0, 0, 0x0c040843);
    /* So do features of leaf 7, which needs nothing in between. */
    use("qemu32,+spec-ctrl,+arch-capabilities", 0, NULL);
    intel(0, 7);
    leaf(6, 0, 0, 0, 0, 0);
    leaf(7, 0, 0, 0, 0, CPUID_7_SPEC_CTRL | CPUID_7_ARCH_CAPABILITIES);
    /* The model itself is as it was. */
    ck_assert_uint_eq(cpu_model_find("qemu32")->features, base);
}
END_TEST

/* What needs a feature goes with it; that makes a warning where it was asked for. */
START_TEST(dependencies)
{
    const uint32_t sse_and_2 = CPUID_SSE | CPUID_SSE2;
    uint32_t base = cpu_model_find("qemu32")->features;
    use("qemu32,-sse", 0, NULL);
    ck_assert_uint_eq(model.features, base & ~sse_and_2);
    ck_assert_uint_eq(model.features_ecx, 0);
    use("qemu32,-sse2", 0, NULL);
    ck_assert_uint_eq(model.features, base & ~(uint32_t)CPUID_SSE2);
    ck_assert_uint_eq(model.features_ecx, 0);
    use("qemu32,-fxsr", 0, NULL);
    ck_assert_uint_eq(model.features, base & ~(sse_and_2 | CPUID_FXSR));
    use("qemu32,-fpu", 0, NULL);
    ck_assert_uint_eq(model.features, base & ~(sse_and_2 | CPUID_FXSR | CPUID_MMX | CPUID_FPU));
    use("max,-msr", 0, NULL);
    ck_assert_uint_eq(model.features & (CPUID_MSR | CPUID_SEP | CPUID_MTRR | CPUID_MCA | CPUID_PAT), 0);
    ck_assert_uint_eq(model.ext_features, 0);
    use("max,-pse", 0, NULL);
    ck_assert_uint_eq(model.features & (CPUID_PSE | CPUID_PSE36), 0);
    use("max,-pae", 0, NULL);
    ck_assert_uint_eq(model.ext_features, 0);
    use("pentium2,+sse2", 1, "requested feature needs sse, which is off: CPUID.01H:EDX.sse2 [bit 26]");
    ck_assert_uint_eq(model.features, cpu_model_find("pentium2")->features);
    use("pentium2,sse3=on,+sse", 1, "needs sse2, which is off: CPUID.01H:ECX.pni [bit 0]");
    ck_assert_uint_eq(model.features, cpu_model_find("pentium2")->features | CPUID_SSE);
    use("pentium2,+sse,+sse2,+sse3", 0, NULL);
    ck_assert_uint_eq(model.features, cpu_model_find("pentium2")->features | sse_and_2);
    ck_assert_uint_eq(model.features_ecx, CPUID_ECX_SSE3);
    use("max,-spec-ctrl", 0, NULL);
    ck_assert_uint_eq(model.features_7, 0);
    use("qemu32,+arch-capabilities", 1, "needs spec-ctrl, which is off: CPUID.07H:EDX.arch-capabilities [bit 29]");
    ck_assert_uint_eq(model.features_7, 0);
    use("max,-msr", 0, NULL);
    ck_assert_uint_eq(model.features_7, 0);
    use("486,+sse,+sse2", 2, "needs fxsr");
    ck_assert_uint_eq(model.features, cpu_model_find("486")->features);
}
END_TEST

START_TEST(not_implemented)
{
    use("qemu32,+avx", 1, "not implemented: CPUID.01H:ECX.avx [bit 28]");
    use("qemu32,apic=on,+sse4_1,+lm,lahf-lm,+avx2", 5, "CPUID.01H:ECX.sse4.1 [bit 19]");
    ck_assert(strstr(warnings, "CPUID.01H:EDX.apic [bit 9]") != NULL);
    ck_assert(strstr(warnings, "CPUID.80000001H:EDX.lm [bit 29]") != NULL);
    ck_assert(strstr(warnings, "CPUID.80000001H:ECX.lahf-lm [bit 0]") != NULL);
    ck_assert(strstr(warnings, "CPUID.07H:EBX.avx2 [bit 5]") != NULL);
    leaf(1, 0, 0x663, 0x800, 1, 0x0781a9fd);
    use("max,-avx,-apic,hypervisor=off", 0, NULL); /* off as they are */
    use("qemu32,+avx,-avx", 0, NULL);
}
END_TEST

START_TEST(mistakes)
{
    bad("z80", "z80: unknown CPU model");
    bad("", ": unknown CPU model");
    bad(",+sse", "unknown CPU model");
    bad("z80,+sse", "z80: unknown CPU model");
    bad("qemu", "qemu: unknown CPU model");
    bad("qemu32 ", "unknown CPU model");
    bad("qemu32,+foo", "foo: unknown CPU feature");
    bad("qemu32,foo=on", "foo: unknown CPU feature");
    bad("qemu32,+", ": unknown CPU feature");
    bad("qemu32,+sse=on", "sse=on: unknown CPU feature");
    bad("qemu32,+ss2", "unknown CPU feature");
    bad("qemu32,sse=maybe", "sse=maybe: it is on or off");
    bad("qemu32,sse=", "sse=: it is on or off");
}
END_TEST

/* The instructions go with their features. */
START_TEST(instructions)
{
    static const struct {
        const char *off;
        enum isa_feature feature;
    } cases[] = {
        {"fpu", ISA_F_FPU}, {"fpu", ISA_F_FCMOV}, {"tsc", ISA_F_TSC}, {"msr", ISA_F_MSR}, {"cx8", ISA_F_CX8},
        {"sep", ISA_F_SEP}, {"cmov", ISA_F_CMOV}, {"cmov", ISA_F_FCMOV}, {"clflush", ISA_F_CLFSH},
        {"mmx", ISA_F_MMX}, {"fxsr", ISA_F_FXSR}, {"sse", ISA_F_SSE}, {"sse", ISA_F_SSE2},
        {"sse2", ISA_F_SSE2}, {"sse2", ISA_F_SSE3}, {"sse3", ISA_F_SSE3}
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char arg[64];
        use("max", 0, NULL);
        ck_assert_msg(cpu_has(&env, cases[i].feature), "%s is off in max", cases[i].off);
        snprintf(arg, sizeof arg, "max,-%s", cases[i].off);
        use(arg, 0, NULL);
        ck_assert_msg(!cpu_has(&env, cases[i].feature), "%s switches nothing off", cases[i].off);
        ck_assert(cpu_has(&env, ISA_F_BASE) && cpu_has(&env, ISA_F_P6) && cpu_has(&env, ISA_F_CPUID));
    }
    ck_assert(!cpu_has(&env, ISA_F_MONITOR));
    use("pentium", 0, NULL);
    ck_assert(cpu_has(&env, ISA_F_I486) && cpu_has(&env, ISA_F_MMX) && !cpu_has(&env, ISA_F_P6));
}
END_TEST

/* Each feature that -cpu help lists as one that can be switched can be, alone and without a warning. */
START_TEST(help)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    cpu_model_list(f);
    fclose(f);
    static const char *const names[] = {"qemu32", "max", "pentium3", "pentium2", "pentium", "486"};
    for (unsigned i = 0; i < 6; i++) {
        char line[32];
        snprintf(line, sizeof line, "\n  %s ", names[i]);
        ck_assert_msg(strstr(text, line) != NULL, "%s is not listed", names[i]);
    }
    char *from = strstr(text, "switch:\n"), *to = strstr(text, "\n(sse3");
    ck_assert(from && to && from < to);
    char *rest = strstr(to, "not implemented");
    ck_assert(rest && strstr(rest, " apic ") && strstr(rest, " avx ") && !strstr(rest, " sse2 "));
    *to = '\0';
    unsigned features = 0, removed = 0;
    for (char *w = strtok(from + 8, " \n"); w; w = strtok(NULL, " \n")) {
        char arg[64];
        features++;
        snprintf(arg, sizeof arg, "max,+%s", w);
        use(arg, 0, NULL);
        struct cpu_model with = model;
        snprintf(arg, sizeof arg, "max,-%s", w);
        use(arg, 0, NULL);
        ck_assert_uint_eq(model.features & ~with.features, 0);
        removed += model.features != with.features || model.features_ecx != with.features_ecx
                   || model.ext_features != with.ext_features || model.features_7 != with.features_7;
        use("max,+avx", 1, NULL);
    }
    ck_assert_uint_eq(features, 25);
    ck_assert_uint_eq(removed, features);
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        old_models, qemu32, max, switches, dependencies, not_implemented, mistakes, instructions, help
    };
    return suite_run_tests("cpuid", tests, sizeof tests / sizeof tests[0], NULL, NULL);
}
