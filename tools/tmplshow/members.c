/* Names for offsets in the vCPU state, as templates write them: ENV(name). */
#include <stddef.h>

#include "show.h"

struct member {
    const char *name;
    size_t offset, size, count; /* count > 1: an array, name has %u */
};

#define ONE(m) { #m, offsetof(CPUX86State, m), sizeof(((CPUX86State *)0)->m), 1 }
#define MANY(text, first, stride, n) { text, offsetof(CPUX86State, first), stride, n }

static const struct member members[] = {
    MANY("regs[%u]", regs[0], 4, 8), ONE(eip), ONE(cc_op), ONE(cc_dst), ONE(cc_src), ONE(cc_src2),
    ONE(cc_res), ONE(eflags), ONE(hflags), ONE(mmu_idx), ONE(exit_request), ONE(icount_left),
    ONE(icount_enabled), ONE(icount),
    MANY("segs[%u].selector", segs[0].selector, sizeof(struct segment), SEG_COUNT),
    MANY("segs[%u].base", segs[0].base, sizeof(struct segment), SEG_COUNT),
    MANY("segs[%u].limit", segs[0].limit, sizeof(struct segment), SEG_COUNT),
    MANY("segs[%u].flags", segs[0].flags, sizeof(struct segment), SEG_COUNT),
    MANY("cr[%u]", cr[0], 4, 5), MANY("dr[%u]", dr[0], 4, 8),
    MANY("fpregs[%u].mant", fpregs[0].mant, sizeof(struct floatx80), 8),
    MANY("fpregs[%u].se", fpregs[0].se, sizeof(struct floatx80), 8),
    ONE(fptw), ONE(fpuc), ONE(fpus), ONE(fpop), ONE(fpcs), ONE(fpds), ONE(fpip), ONE(fpdp),
    MANY("xmm[%u].q[0]", xmm[0].q[0], 16, 8), MANY("xmm[%u].q[1]", xmm[0].q[1], 16, 8),
    MANY("xmm[%u].l[1]", xmm[0].l[1], 16, 8), MANY("xmm[%u].l[3]", xmm[0].l[3], 16, 8), ONE(mxcsr),
    ONE(interrupt_request), ONE(insns_template), ONE(insns_interp), ONE(profile_counts), ONE(tlb_base),
    ONE(jmp_cache),
    MANY("tb_helpers[%u]", tb_helpers[0], 8, 32),
};

const char *env_member(int offset)
{
    static char name[48];
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const struct member *m = &members[i];
        if (offset < 0 || (size_t)offset < m->offset)
            continue;
        size_t k = ((size_t)offset - m->offset) / m->size;
        if (k >= m->count || ((size_t)offset - m->offset) % m->size)
            continue;
        if (m->count == 1)
            return m->name;
        /* The text has one place for the number. */
        const char *place = m->name;
        size_t n = 0;
        while (*place != '%')
            name[n++] = *place++;
        snprintf(name + n, sizeof name - n, "%u%s", (unsigned)k, place + 2);
        return name;
    }
    return NULL;
}
