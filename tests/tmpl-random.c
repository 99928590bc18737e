#include "config.h"
#include "tmpl-random.h"

#include "block-build.h"
#include "block-run.h"

#ifdef HAVE_TEMPLATES

void tr_new(void)
{
    bg_init();
    br_new();
}

void tr_free(void)
{
    br_free();
}

unsigned tr_mnems(uint16_t *out, unsigned max)
{
    unsigned n = 0;
    for (unsigned m = 0; m < MN_COUNT && n < max; m++) {
        uint16_t mnem = (uint16_t)m, form;
        if (bb_forms_of(&mnem, 1, &form, 1))
            out[n++] = mnem;
    }
    return n;
}

bool tr_run(const uint16_t *mnems, unsigned n, uint64_t seed, uint64_t cases, bool quiet, uint64_t *done)
{
    static uint16_t forms[FORM_COUNT];
    static struct bg_seq q;
    unsigned k = bb_forms_of(mnems, n, forms, FORM_COUNT);
    *done = 0;
    for (uint64_t i = 0; *done < cases && i < cases; i++) {
        char title[120];
        uint64_t s = br_seed(seed, i);
        /* Many of one instruction: nothing hides what it did. */
        unsigned wanted = i % 4 == 0 ? 1 : i % 4 == 1 ? 4 : 24;
        if (k)
            *done += BG_STARTS * bg_make_of(&q, s, br_reference, forms, k, wanted);
        else { /* jumps and their like, among others */
            bg_make(&q, s, br_reference);
            *done += BG_STARTS * q.n;
        }
        snprintf(title, sizeof title, "sequence %llu of seed %llu", (unsigned long long)i,
                 (unsigned long long)seed);
        if (!br_check(&q, (unsigned)(i / 4) % BR_SMALL, quiet ? NULL : title))
            return false;
    }
    return true;
}
#endif
