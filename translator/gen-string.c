/* MOVS, STOS and LODS without REP.  (With REP, C does them page by page.) */
#include "gen.h"

#include "tmpl-gen.h"

bool gen_string(struct gen *g, const struct insn *in)
{
    if ((in->prefixes & (INSN_REP | INSN_REPNE)) || in->addrsize != 4)
        return false;
    bool reads = in->mnem != MN_STOS, writes = in->mnem != MN_LODS;
    unsigned size = in->opsize;
    if ((reads && !gen_seg_ok(g, in->seg))
        || (writes && (g->flags & HF_SEG_FLAT(R_ES)) != HF_SEG_FLAT(R_ES)))
        return false;
    if (reads && !(g->flags & HF_SEG_BASE0(in->seg)))
        return false;
    int step = (g->flags & TB_FLAG_DF) ? -(int)size : (int)size;
    if (reads)
        gen_guest_write(g, R_ESI);
    if (writes)
        gen_guest_write(g, R_EDI);
    else
        gen_guest_write(g, R_EAX);
    if (in->mnem == MN_LODS) {
        gen_load(g, size == 4 ? HREG_eax : HREG_T1, HREG_esi, size, true);
        if (size != 4)
            gen_reg_insert(g, R_EAX, size, HREG_T1);
    } else if (in->mnem == MN_STOS)
        gen_store(g, HREG_eax, HREG_edi, size);
    else {
        gen_load(g, HREG_T1, HREG_esi, size, true);
        gen_store(g, HREG_T1, HREG_edi, size);
    }
    if (reads)
        g->p = emit_addiu(g->p, HREG_esi, HREG_esi, step);
    if (writes)
        g->p = emit_addiu(g->p, HREG_edi, HREG_edi, step);
    return true;
}
