/* What goes into a block: fetch and decode until something ends it, and backward liveness of the
 * arithmetic flags. */
#include "gen-fpu.h"

#include <string.h>

#include "cpuid.h"
#include "interp.h"
#include "optimise.h"

/* May it leave the block before it is done: a fault, an access off the fast path? */
static bool insn_may_fault(const struct gen *g, const struct insn *in)
{
    const struct isa_info *info = &isa_info[in->form];
    if (info->feature != ISA_F_BASE && !cpu_has(g->env, (enum isa_feature)info->feature))
        return true;
    if (info->flags & (ISA_MAYFAULT | ISA_CPL0 | ISA_IOPL | ISA_VM_IOPL | ISA_STRING | ISA_END_EXIT))
        return true;
    for (unsigned i = 0; i < in->nops; i++)
        if (in->op[i].kind == OPK_MEM)
            return !(info->flags & ISA_NOACCESS);
    return false;
}

static bool in_block(const struct gen *g, uint32_t eip)
{
    for (unsigned i = 0; i < g->n; i++)
        if (g->eips[i] == eip)
            return true;
    return false;
}

/* A direct jump that templates do. */
static bool may_go_on(const struct gen *g, const struct insn *in)
{
    if (in->opsize != 4 || in->nops == 0 || in->op[0].kind != OPK_REL || g->phys_page2 != TB_NO_PAGE)
        return false;
    return !((g->env->cr[0] & CR0_AM) && (g->env->eflags & AC_MASK)); /* else gen_insn() may want the interpreter */
}

/* Does the block go on behind this direct jump, the last one decoded?  Then *next is where: behind a conditional jump
 * forwards, which becomes a way out, and at the target of an unconditional one. */
static bool goes_on_at(const struct gen *g, const struct insn *in, uint32_t page, uint32_t *next)
{
    if (!may_go_on(g, in))
        return false;
    uint32_t behind = g->eips[g->n - 1] + in->len, target = behind + in->imm;
    if (in->mnem == MN_JCC) {
        *next = behind;
        return optimise_on(OPTIMISE_FOLLOW_JCC) && target >= behind;
    }
    *next = target;
    return in->mnem == MN_JMP && optimise_on(OPTIMISE_FOLLOW_JMP) && (target + g->cs_base) >> TARGET_PAGE_BITS == page
        && target <= UINT32_MAX - 15 && g->nranges < TB_MAX_RANGES && !in_block(g, target);
}

/* A block that has come by a way out is not specialised on the x87 for what stands behind that. */
static bool begins_x87(const struct gen *g, const struct insn *in, bool way_out)
{
    if (!way_out || !(gen_x87_kind(in) || gen_uses_mmx(in)))
        return false;
    for (unsigned i = 0; i < g->n; i++)
        if (gen_x87_kind(&g->insns[i]) || gen_uses_mmx(&g->insns[i]))
            return false;
    return true;
}

static struct tb_range *new_range(struct gen *g, uint32_t linear)
{
    uint16_t offset = linear & (TARGET_PAGE_SIZE - 1);
    struct tb_range *r = &g->range[g->nranges++];
    *r = (struct tb_range){offset, offset};
    return r;
}

/* A jump at the block's end to its start. */
static bool is_loop(const struct gen *g)
{
    const struct insn *in = &g->insns[g->n - 1];
    return optimise_on(OPTIMISE_LOOP) && (in->mnem == MN_JCC || in->mnem == MN_JMP) && may_go_on(g, in)
        && g->eips[g->n - 1] + in->len + in->imm == g->eip;
}

/* Once as it is entered, and once more as it is when it comes from itself: there the flags record and the x87 are known,
 * and in the places that the round before has left them in. */
static void double_loop(struct gen *g)
{
    unsigned n = g->loop = g->n;
    memcpy(g->insns + n, g->insns, n * sizeof g->insns[0]);
    g->eips[2 * n] = g->eips[n];
    memcpy(g->eips + n, g->eips, n * sizeof g->eips[0]);
    g->n = 2 * n;
}

void gen_note_head(struct gen *g)
{
    g->head = (struct gen_head){.p = g->p, .fs = g->fs, .fpu = g->fpu, .fpu_dirty = g->fpu_dirty};
    memcpy(g->head.xmm_known, g->xmm_known, sizeof g->xmm_known);
    gen_xmm_head(g);
    g->head.xmm = g->xmm;
}

bool gen_is_head(const struct gen *g)
{
    const struct gen_head *h = &g->head;
    for (unsigned i = 0; i < 8; i++)
        if (h->xmm_known[i] & ~g->xmm_known[i])
            return false;
    return gen_xmm_fits(g) && gen_same_flags(&h->fs, &g->fs) && (g->tb->fptw == TB_ANY_FPTW
        || (gen_fpu_same(&h->fpu, &g->fpu) && h->fpu_dirty == g->fpu_dirty));
}

bool gen_fetch_block(struct gen *g)
{
    uint32_t eip = g->eip;
    uint32_t page = (g->eip + g->cs_base) >> TARGET_PAGE_BITS;
    unsigned max = g->ctx->max_insns;
    bool way_out = false;
    g->phys_page2 = TB_NO_PAGE;
    g->page2_end = 0;
    g->n = g->loop = 0;
    g->nranges = 0;
    hwaddr phys;
    const uint8_t *host;
    bool global;
    phys = mmu_fetch_page(g->env, g->eip + g->cs_base, &host, &global);
    if (!host || phys != g->phys_pc)
        return false;
    host -= (g->eip + g->cs_base) & (TARGET_PAGE_SIZE - 1);
    struct tb_range *range = new_range(g, g->eip + g->cs_base);
    while (g->n < max) {
        uint32_t linear = eip + g->cs_base, offset = linear & (TARGET_PAGE_SIZE - 1);
        if (linear >> TARGET_PAGE_BITS != page)
            break;
        if (eip > UINT32_MAX - 15) {
            /* The end of the code segment: #GP is the interpreter's. */
            if (g->n == 0)
                return false;
            break;
        }
        struct insn *in = &g->insns[g->n];
        unsigned avail = TARGET_PAGE_SIZE - offset;
        enum decode_status st = decode_insn(host + offset, avail > 15 ? 15 : avail,
                                            (g->flags & HF_CS32) ? DECODE_32 : DECODE_16, in);
        if (st == DECODE_MORE) {
            if (g->n > 0)
                break;
            /* The only instruction of its block: the second page is a part of the key. */
            hwaddr p1, p2;
            fetch_insn(g->env, eip, in, &p1, &p2);
            if (p2 == (hwaddr)-1 || !phys_mem_ptr(g->env->mem, p2, 1))
                return false; /* nobody tells of changes to what a device answers */
            g->phys_page2 = p2 & ~(hwaddr)(TARGET_PAGE_SIZE - 1);
            g->page2_end = in->len - avail;
            max = 1;
        } else if (st != DECODE_OK) {
            /* #UD and #GP come from the interpreter, when control gets there. */
            if (g->n == 0)
                return false;
            break;
        } else if (begins_x87(g, in, way_out))
            break;
        g->eips[g->n++] = eip;
        eip += in->len;
        range->end = (uint16_t)(offset + in->len - g->page2_end);
        if (gen_changes_df(g, in))
            break;
        if ((isa_info[in->form].flags & (ISA_END_BLOCK | ISA_END_EXIT)) && !gen_goes_on(g, in)) {
            uint32_t next;
            if (!goes_on_at(g, in, page, &next))
                break;
            if (next != eip)
                range = new_range(g, next + g->cs_base);
            way_out |= in->mnem == MN_JCC;
            eip = next;
        }
    }
    g->eips[g->n] = eip;
    if (g->n * 2 <= max && is_loop(g))
        double_loop(g);
    /* A jump to an instruction that cannot be in the block. */
    if (range->start == range->end)
        g->nranges--;
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
        if (!optimise_on(OPTIMISE_FLAG_LIVENESS) || insn_may_fault(g, in) || in->mnem == MN_JCC || in->mnem == MN_JMP)
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
