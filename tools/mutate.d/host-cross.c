#include "config.h"
#include "host-cross.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "mutant.h"

/* Instead of Check's own, which need its runner: only check_fpu_templates uses them here. */
void _ck_assert_failed(const char *file, int line, const char *expr, ...)
{
    (void)file;
    (void)line;
    (void)expr;
    _exit(FAILED_X87);
}

void _mark_point(const char *file, int line)
{
    (void)file;
    (void)line;
}

void tests_prepare(void)
{
    vectors_prepare();
    blocks_prepare();
    /* What is translated now need not be translated in each process (qemu-mips64el). */
    random_run(0, 40);
    blocks_run(0, 4);
}

/* Has the mnemonic stanzas for MMX or XMM operands, of which there are host variants? */
static bool has_variants(unsigned mnem)
{
    for (unsigned i = 0; i < tmpl_index[mnem].count; i++)
        if (tmpl_table[tmpl_index[mnem].first + i].widths & 0x18)
            return true;
    return false;
}

static int one_mnemonic(unsigned mnem)
{
    if (!random_run(mnem, 500))
        return FAILED_RANDOM;
    if (!vectors_run(mnem))
        return FAILED_VECTORS;
    return random_run(mnem, 6000) ? 0 : FAILED_RANDOM;
}

int tests_run(void)
{
    for (unsigned mmi = 0; mmi < 2 && mutated_mnems; mmi++) {
        if (mmi && !has_variants(mutated_mnem[0]))
            break;
        if (mmi)
            setenv("STITCH86_HOST", "mmi", 1);
        for (unsigned i = 0; i < mutated_mnems; i++) {
            int result = one_mnemonic(mutated_mnem[i]);
            if (result)
                return result;
        }
    }
    if (mutated_mnems)
        return 0;
    if (mutated_group == GROUP_INTEGER && !blocks_run(0, 40))
        return FAILED_BLOCKS;
    if (mutated_group == GROUP_X87)
        x87_run();
    if (!random_run(0, mutated_group == GROUP_INTEGER ? 3000 : 12000))
        return FAILED_RANDOM;
    if (mutated_group == GROUP_SIMD) {
        setenv("STITCH86_HOST", "mmi", 1);
        if (!random_run(0, 12000))
            return FAILED_RANDOM;
        unsetenv("STITCH86_HOST");
    }
    if (!mutated_cond_count && !vectors_run(0))
        return FAILED_VECTORS;
    return blocks_run(40, 160) ? 0 : FAILED_BLOCKS;
}
