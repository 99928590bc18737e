/* Each mnemonic in random sequences of its own: templates against the interpreter, all of the vCPU's state
 * and memory.  usage: check_tmpl_random [--seed S] [--cases N] [MNEMONIC]...
 *
 * With names: N cases (10000) of these together.  Without: fewer of each mnemonic that there is, and then of
 * MMX and SSE as a host without MSA does them. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "insn.h"
#include "tmpl-random.h"

#ifdef HAVE_TEMPLATES
enum { CASES_NAMED = 10000, CASES_EACH = 100, MAX_BAD = 10 };

/* The number of the mnemonic in any case, or MN_COUNT. */
static unsigned mnem_of(const char *name)
{
    char lower[40];
    size_t i = 0;
    for (; name[i] && i + 1 < sizeof lower; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    lower[i] = 0;
    unsigned m = 0;
    while (m < MN_COUNT && strcmp(isa_mnem_name[m], lower))
        m++;
    return m;
}

/* MMX and SSE have variants for hosts. */
static bool has_variants(unsigned mnem)
{
    for (unsigned f = 1; f < FORM_COUNT; f++)
        if (isa_info[f].mnem == mnem)
            switch (isa_info[f].feature) {
            case ISA_F_MMX: case ISA_F_SSE: case ISA_F_SSE2: case ISA_F_SSE3:
                return true;
            default:
                break;
            }
    return false;
}

static int each(uint64_t seed, uint64_t cases)
{
    static uint16_t mnems[MN_COUNT];
    unsigned bad = 0, checks = 0;
    uint64_t total = 0, done;
    for (unsigned mmi = 0; mmi < 2 && bad < MAX_BAD; mmi++) {
        if (mmi)
            setenv("STITCH86_HOST", "mmi", 1);
        tr_new();
        unsigned n = tr_mnems(mnems, MN_COUNT);
        for (unsigned i = 0; i < n && bad < MAX_BAD; i++) {
            if (mmi && !has_variants(mnems[i]))
                continue;
            if (!tr_run(&mnems[i], 1, seed, cases, false, &done)) {
                fprintf(stderr, "%s: template and interpreter differ%s\n", isa_mnem_name[mnems[i]],
                        mmi ? " on a host without MSA" : "");
                bad++;
            }
            total += done;
            checks++;
        }
        tr_free();
    }
    printf("%llu cases\n", (unsigned long long)total);
    printf("check_tmpl_random: Checks: %u, Failures: %u\n", checks, bad);
    return bad != 0;
}

int main(int argc, char **argv)
{
    static uint16_t mnems[256];
    unsigned n = 0;
    uint64_t seed = 1, cases = 0, done;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 0);
        else if (!strcmp(argv[i], "--cases") && i + 1 < argc)
            cases = strtoull(argv[++i], NULL, 0);
        else if (mnem_of(argv[i]) < MN_COUNT && n < sizeof mnems / sizeof *mnems)
            mnems[n++] = (uint16_t)mnem_of(argv[i]);
        else {
            fprintf(stderr, "check_tmpl_random: no mnemonic %s\n", argv[i]);
            return 2;
        }
    }
    if (!n)
        return each(seed, cases ? cases : CASES_EACH);
    tr_new();
    bool same = tr_run(mnems, n, seed, cases ? cases : CASES_NAMED, false, &done);
    tr_free();
    printf("%llu random cases: %s\n", (unsigned long long)done, same ? "as the interpreter" : "DIFFERENT");
    return !same;
}
#else
int main(void)
{
    return 77; /* no templates on this host */
}
#endif
