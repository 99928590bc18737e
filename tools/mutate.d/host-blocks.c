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

enum mutant_group mnem_group(unsigned mnem)
{
    for (unsigned f = 1; f < FORM_COUNT; f++)
        if (isa_info[f].mnem == mnem)
            switch (mnem == MN_FISTTP ? ISA_F_FPU : isa_info[f].feature) {
            case ISA_F_FPU:
                return GROUP_X87;
            case ISA_F_MMX: case ISA_F_SSE: case ISA_F_SSE2: case ISA_F_SSE3: case ISA_F_FXSR:
                return GROUP_SIMD;
            default:
                return GROUP_INTEGER;
            }
    return GROUP_INTEGER;
}

bool random_run(unsigned mnem, unsigned cases)
{
    static uint16_t mnems[1000];
    uint64_t done;
    unsigned n = 1;
    mnems[0] = (uint16_t)mnem;
    tr_new();
    if (!mnem) {
        unsigned all = tr_mnems(mnems, sizeof mnems / sizeof *mnems);
        n = 0;
        for (unsigned i = 0; i < all; i++)
            if (mnem_group(mnems[i]) == mutated_group)
                mnems[n++] = mnems[i];
    }
    bool same = tr_run(mnems, n, 1, cases, true, &done);
    tr_free();
    return same;
}
