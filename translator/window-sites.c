/* Instructions that have turned out not to suit a direct window: what they access is seldom there. */
#include "tb-context.h"

#include "optimise.h"

#define TIMES_MAX 3
#define SITES_BITS 20 /* some 40,000 sites in a boot where the host has pages of 16 KiB */

/* How often an instruction had to be helped.  A table of hints: two that share a slot forget each other. */
static struct site {
    uint32_t phys, times;
} sites[1u << SITES_BITS];

static struct site *site_of(hwaddr phys)
{
    return &sites[(uint32_t)phys * 0x9e3779b1u >> (32 - SITES_BITS)];
}

bool window_use_tlb(hwaddr phys)
{
    const struct site *s = site_of(phys);
    return optimise_on(OPTIMISE_WINDOW_SITES) && s->phys == (uint32_t)phys && s->times >= TIMES_MAX;
}

bool window_refused(hwaddr phys)
{
    if (!optimise_on(OPTIMISE_WINDOW_SITES))
        return false;
    struct site *s = site_of(phys);
    if (s->phys != (uint32_t)phys)
        *s = (struct site){ (uint32_t)phys, 0 };
    return ++s->times == TIMES_MAX;
}
