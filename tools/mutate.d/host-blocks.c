/* Random sequences, of all instructions and of one mnemonic. */
#include "config.h"
#include "host-cross.h"

#include "block-run.h"
#include "mutant.h"
#include "tmpl-random.h"

void blocks_prepare(void)
{
    bg_init();
}

bool blocks_run(unsigned first, unsigned n)
{
    static struct bg_seq q;
    bool same = true;
    br_new();
    for (unsigned i = first; i < first + n && same; i++) {
        bg_make(&q, br_seed(1, i), br_reference);
        same = br_check(&q, i % BR_SMALL, NULL);
    }
    br_free();
    return same;
}

/* Nothing else has to do with conditions. */
static unsigned integer_only(uint16_t *mnems, unsigned n)
{
    unsigned k = 0;
    for (unsigned i = 0; i < n; i++)
        for (unsigned f = 1; f < FORM_COUNT; f++)
            if (isa_info[f].mnem == mnems[i]) {
                if (isa_info[f].feature == ISA_F_BASE || isa_info[f].feature == ISA_F_I486
                    || isa_info[f].feature == ISA_F_CMOV)
                    mnems[k++] = mnems[i];
                break;
            }
    return k;
}

bool random_run(unsigned mnem, unsigned cases)
{
    static uint16_t mnems[1000];
    uint64_t done;
    unsigned n = 1;
    mnems[0] = (uint16_t)mnem;
    tr_new();
    if (!mnem) {
        n = tr_mnems(mnems, sizeof mnems / sizeof *mnems);
        if (mutated_cond_count)
            n = integer_only(mnems, n);
    }
    bool same = tr_run(mnems, n, 1, cases, true, &done);
    tr_free();
    return same;
}
