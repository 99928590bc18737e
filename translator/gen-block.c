/* What goes into a block: fetch and decode until something ends it, and backward liveness of the
 * arithmetic flags. */
#include "gen.h"

#include <string.h>

#include "cpuid.h"
#include "interp.h"

/* May it leave the block before it is done: a fault, an access off the fast path? */
static bool insn_may_fault(const struct gen *g, const struct insn *in)
{
    const struct isa_info *info = &isa_info[in->form];
    if (!cpu_has(g->env, (enum isa_feature)info->feature))
        return true;
    if (info->flags & (ISA_MAYFAULT | ISA_CPL0 | ISA_IOPL | ISA_VM_IOPL | ISA_STRING | ISA_END_EXIT))
        return true;
    for (unsigned i = 0; i < in->nops; i++)
        if (in->op[i].kind == OPK_MEM)
            return !(info->flags & ISA_NOACCESS);
    return false;
}

bool gen_fetch_block(struct gen *g)
{
    uint32_t eip = g->eip;
    uint32_t page = (g->eip + g->cs_base) >> TARGET_PAGE_BITS;
    unsigned max = g->ctx->max_insns;
    g->phys_page2 = TB_NO_PAGE;
    g->n = 0;
    hwaddr phys;
    const uint8_t *host;
    bool global;
    phys = mmu_fetch_page(g->env, g->eip + g->cs_base, &host, &global);
    if (!host || phys != g->phys_pc)
        return false;
    while (g->n < max) {
        uint32_t linear = eip + g->cs_base;
        if (linear >> TARGET_PAGE_BITS != page)
            break;
        if (eip > UINT32_MAX - 15) {
            /* The end of the code segment: #GP is the interpreter's. */
            if (g->n == 0)
                return false;
            break;
        }
        struct insn *in = &g->insns[g->n];
        unsigned avail = TARGET_PAGE_SIZE - (linear & (TARGET_PAGE_SIZE - 1));
        const uint8_t *bytes = host + (linear - (g->eip + g->cs_base));
        enum decode_status st = decode_insn(bytes, avail > 15 ? 15 : avail, (g->flags & HF_CS32) ? DECODE_32 : DECODE_16,
                                            in);
        if (st == DECODE_MORE) {
            if (g->n > 0)
                break;
            /* The only instruction of its block: the second page is a part of the key. */
            hwaddr p1, p2;
            fetch_insn(g->env, eip, in, &p1, &p2);
            if (p2 == (hwaddr)-1 || !phys_mem_ptr(g->env->mem, p2, 1))
                return false; /* nobody tells of changes to what a device answers */
            g->phys_page2 = p2 & ~(hwaddr)(TARGET_PAGE_SIZE - 1);
            max = 1;
        } else if (st != DECODE_OK) {
            /* #UD and #GP come from the interpreter, when control gets there. */
            if (g->n == 0)
                return false;
            break;
        }
        g->eips[g->n++] = eip;
        eip += in->len;
        if (gen_changes_df(g, in))
            break;
        if ((isa_info[in->form].flags & (ISA_END_BLOCK | ISA_END_EXIT)) && !gen_goes_on(g, in))
            break;
    }
    g->eips[g->n] = eip;
    g->size = eip - g->eip;
    return g->n > 0;
}

/* Flags of which no old value survives the instruction. */
static uint32_t insn_kills(const struct insn *in)
{
    const struct isa_info *info = &isa_info[in->form];
    if (!(info->flags & ISA_FLAGS_COND))
        return info->flags_killed;
    /* A count of zero leaves the flags; a constant one that isn't zero kills them. */
    if (in->nops >= 2 && in->op[in->nops - 1].kind == OPK_IMM && (in->imm & 0x1f))
        return info->flags_written | info->flags_undefined;
    return 0;
}

void gen_liveness(struct gen *g)
{
    uint32_t live = CC_ARITH;
    for (unsigned i = g->n; i-- > 0;) {
        const struct insn *in = &g->insns[i];
        g->live[i] = (uint16_t)live;
        live = (live & ~insn_kills(in)) | isa_info[in->form].flags_read;
        if (insn_may_fault(g, in))
            live = CC_ARITH;
    }
}

uint32_t gen_needed_after(const struct gen *g)
{
    return g->live[g->cur];
}

uint32_t gen_keep_mask(const struct gen *g)
{
    return g->live[g->cur] & ~insn_kills(&g->insns[g->cur]);
}
