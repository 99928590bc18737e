/* What the compiler refuses: see docs/templates.md for the list. */
#include "tmplc.h"

#include <string.h>

#define CC_REGS 0xf800u /* $11-$15 */
#define SCRATCH 0x00e2u /* at, X1-X3 */
#define FSCRATCH 0x00ff0000u /* f16-f23, which are w16-w23 too */
#define READABLE (1u << 30 | 1u << 28 | 1u << 29 | 1u)
#define SETTABLE (1u << 30 | 1u << 28 | 1u << 29)

static void delay_slots(const struct variant *v)
{
    const struct stanza *s = v->s;

    for (int i = 0; i < v->nw; i++) {
        const struct word *b = &v->w[i];
        if (!(b->op->flags & OP_BRANCH))
            continue;
        if (i + 1 == v->nw) {
            if (!s->open)
                error_at(s->file, b->line, "delay slot of `%s' is not filled", b->op->name);
            else if (v->label_at_end)
                error_at(s->file, b->line, "a local label after an open branch");
            continue;
        }
        const struct word *slot = &v->w[i + 1];
        if (slot->label_here)
            error_at(s->file, b->line, "delay slot of `%s' is not filled: a label follows", b->op->name);
        else if (slot->op->flags & OP_BRANCH)
            error_at(s->file, slot->line, "branch `%s' in a delay slot", slot->op->name);
        else if ((slot->op->flags & OP_MEM) && !(b->op->flags & OP_LIKELY) && !s->frame)
            error_at(s->file, slot->line, "memory access in the delay slot of `%s'", b->op->name);
        else if ((b->op->flags & OP_LIKELY) && !strcmp(slot->op->name, "nop"))
            error_at(s->file, slot->line, "nop in the delay slot of `%s': use the plain branch", b->op->name);
        if ((b->op->flags & OP_LINK) && ((slot->writes | slot->reads) & 1u << 31))
            error_at(s->file, slot->line, "$ra is %s in the delay slot of `%s'",
                     slot->writes & 1u << 31 ? "written" : "read", b->op->name);
        if (b->local_target == i + 2)
            error_at(s->file, b->line, "`%s' goes where it would go anyway", b->op->name);
        if (b->local_target == i + 1)
            error_at(s->file, b->line, "`%s' goes to its own delay slot", b->op->name);
    }
    if (s->open && (v->nw == 0 || !(v->w[v->nw - 1].op->flags & OP_BRANCH)))
        error_at(s->file, s->line, "an open stanza ends in a branch");
}

static void registers(struct variant *v)
{
    struct stanza *s = v->s;
    uint32_t allowed = SCRATCH | s->temps | s->uses;
    bool record_cc = v->needs == NEEDS_FLAGS || v->record.type == REC_DYNAMIC || v->record.type == REC_NOMOD
        || (s->kind == ST_TEMPLATE && v->record.type != REC_NONE && v->record.type != REC_ABSENT);
    uint32_t written = 0, fwritten = 0;
    unsigned ccwritten = 0;

    for (int i = 0; i < s->nparams; i++)
        if (s->param[i].type == PT_CL)
            allowed |= 1u << find_register("ecx");
    for (int i = 0; i < v->nw; i++) {
        const struct word *w = &v->w[i];
        uint32_t link = w->op->flags & OP_LINK ? 1u << 31 : 0;
        for (int r = 0; r < 32; r++) {
            uint32_t bit = 1u << r;
            bool rd = w->reads & bit, wr = (w->writes & ~link) & bit;
            if (!rd && !wr)
                continue;
            if (r == 26 || r == 27) {
                error_at(s->file, w->line, "k0 and k1 belong to the kernel");
                continue;
            }
            if (s->frame)
                continue;
            if (wr && (bit & SETTABLE) && !(s->sets & bit))
                error_at(s->file, w->line, "$%s is written", register_name(r));
            if (wr && r == 0 && strcmp(w->op->name, "nop"))
                error_at(s->file, w->line, "$zero is written");
            if (bit & READABLE)
                continue;
            if (r == 31 && ((s->sets | s->uses) & bit))
                continue;
            if ((bit & CC_REGS) && record_cc)
                continue;
            if (!(allowed & bit))
                error_at(s->file, w->line, "$%s is not declared", register_name(r));
            else if (rd && !(written & bit) && !(s->uses & bit) && (bit & (SCRATCH | s->temps)))
                error_at(s->file, w->line, "$%s is read before it is written", register_name(r));
        }
        uint32_t ftouch = (w->freads | w->fwrites) & ~(s->ftemps | FSCRATCH);
        if (ftouch)
            error_at(s->file, w->line, "$f%d is not declared", __builtin_ctz(ftouch));
        uint32_t fearly = w->freads & ~fwritten;
        if (fearly)
            error_at(s->file, w->line, "$f%d is read before it is written", __builtin_ctz(fearly));
        fwritten |= w->fwrites;
        unsigned ccearly = w->ccreads & ~ccwritten;
        if (ccearly)
            error_at(s->file, w->line, "$fcc%d is read before it is written", __builtin_ctz(ccearly));
        ccwritten |= w->ccwrites;
        v->reads |= w->reads & ~written & ~READABLE;
        written |= w->writes;
        s->touched |= w->reads | w->writes;
        v->written |= w->pwrites;
    }
    v->clobbers = written & ~1u;
}

/* Modes, and two names for one register: what is read after something else was written
 * may have been that. */
static void parameters(const struct variant *v)
{
    const struct stanza *s = v->s;
    unsigned written = 0;
    uint32_t guest = 0, guest_mask = 0x00ff0000u;

    for (int i = 0; i < v->nw; i++) {
        const struct word *w = &v->w[i];
        for (int p = 0; p < s->nparams; p++) {
            const struct param *q = &s->param[p];
            if (!((w->preads | w->pwrites) & 1u << p) || q->type == PT_FREG || (q->mode & MODE_ANY))
                continue;
            bool rd = w->preads & 1u << p, wr = w->pwrites & 1u << p;
            if (wr && !(q->mode & MODE_W))
                error_at(s->file, w->line, "parameter `%s' is written, but not declared so", q->name);
            if (rd && !(q->mode & MODE_R) && !(written & 1u << p))
                error_at(s->file, w->line, "parameter `%s' is read before it is written", q->name);
            bool alone = q->type == PT_CARRY || q->type == PT_FLAGS || (q->cls != CL_GPR && q->cls != CL_MEM);
            if (rd && !alone && !(written & 1u << p) && !s->distinct) {
                unsigned others = written & ~(1u << p);
                for (int o = 0; o < s->nparams; o++)
                    if (s->param[o].type != PT_REG || (s->param[o].mode & MODE_ANY) || s->param[o].cls != q->cls)
                        others &= ~(1u << o);
                if (others)
                    error_at(s->file, w->line, "`%s' is read after `%s', which may be the same register, "
                             "was written (or say `distinct')", q->name,
                             s->param[__builtin_ctz(others)].name);
                else if (guest && q->cls == CL_GPR)
                    error_at(s->file, w->line, "`%s' is read after $%s, which it may be, was written "
                             "(or say `distinct')", q->name, register_name(__builtin_ctz(guest)));
            }
        }
        uint32_t late = w->reads & guest_mask & ~guest;
        unsigned typed = written;
        for (int o = 0; o < s->nparams; o++)
            if (s->param[o].type != PT_REG || (s->param[o].mode & MODE_ANY) || s->param[o].cls != CL_GPR)
                typed &= ~(1u << o);
        if (late && typed && !s->distinct)
            error_at(s->file, w->line, "$%s is read after `%s', which may be the same register, was written "
                     "(or say `distinct')", register_name(__builtin_ctz(late)),
                     s->param[__builtin_ctz(typed)].name);
        written |= w->pwrites;
        guest |= w->writes & guest_mask;
    }
    for (int p = 0; p < s->nparams; p++)
        if (s->param[p].type == PT_REG && (s->param[p].mode & MODE_W) && !(written & 1u << p)
            && !((s->param[p].mode & MODE_R) && v->nw == 0))
            error_at(s->file, s->line, "parameter `%s' is never written", s->param[p].name);
}

/* Does the record change the flags that the ISA table says the instruction changes? */
static void record(const struct variant *v)
{
    const struct stanza *s = v->s;
    const struct record *r = &v->record;

    if (s->kind != ST_TEMPLATE || v->needs == NEEDS_NONE)
        return;
    if (r->type == REC_ABSENT) {
        error_at(s->file, s->line, "template `%s' has no record%s", s->name,
                 s->has_none || s->has_flags ? " in its flags variant"
                                             : " (`record none' if it changes no flags)");
        return;
    }
    const struct isa_facts *isa = isa_find(s->name);
    if (!isa)
        return;
    unsigned set;
    switch (r->type) {
    case REC_NONE:
        set = 0;
        break;
    case REC_MOD:
        set = flag_letters(!strcmp(r->kind, "CF") ? "C" : r->kind[0] == 'R' ? "OC" : "OSZAP");
        break;
    case REC_DYNAMIC:
    case REC_NOMOD: {
        bool any = false;
        for (int i = 0; i < v->nw; i++)
            any |= v->w[i].writes & 1u << find_register("cc_op");
        if (!any)
            error_at(s->file, r->line, "record dynamic, but $cc_op is not written");
        return;
    }
    case REC_FLAGS: {
        /* With the old flags at hand it can keep what it leaves alone. */
        bool old = false;
        for (int i = 0; i < s->nparams; i++)
            old |= s->param[i].type == PT_FLAGS;
        set = old ? isa->written : flag_letters("OSZAPC");
        break;
    }
    default:
        set = flag_letters("OSZAPC");
    }
    if (set & ~(isa->written | isa->undefined))
        error_at(s->file, r->line, "the record changes flags that %s leaves alone", s->name);
    if (isa->written & ~set)
        error_at(s->file, r->line, "the record lacks flags that %s changes", s->name);
}

void check_variant(struct variant *v)
{
    delay_slots(v);
    registers(v);
    parameters(v);
    record(v);
}

/* A form whose two variants want different extra parameters is written as two stanzas. */
static bool has_complement(const struct stanza *s)
{
    for (const struct stanza *o = stanzas; o; o = o->next) {
        if (o == s || o->kind != ST_TEMPLATE || strcmp(o->name, s->name) || o->widths != s->widths
            || o->has_none == s->has_none || o->has_flags == s->has_flags)
            continue;
        bool same = true;
        for (int i = 0; i < MAX_PARAMS; i++) {
            bool extra_s = i >= s->nparams || s->param[i].type >= PT_CARRY;
            bool extra_o = i >= o->nparams || o->param[i].type >= PT_CARRY;
            same = same && extra_s == extra_o
                && (extra_s || (s->param[i].type == o->param[i].type && s->param[i].lo == o->param[i].lo
                                && s->param[i].hi == o->param[i].hi));
        }
        if (same)
            return true;
    }
    return false;
}

/* What can be seen over all variants only. */
void check_stanza(struct stanza *s, struct variant *list)
{
    bool used[MAX_PARAMS] = { false };

    for (struct variant *v = list; v; v = v->next) {
        const struct value *values[] = { &v->record.dst, &v->record.src, &v->record.src2, &v->record.res };
        for (int i = 0; i < 4; i++)
            if (values[i]->kind == V_PARAM)
                used[values[i]->index] = true;
    }
    for (int i = 0; i < s->nparams; i++) {
        const struct param *p = &s->param[i];
        bool same = i == 0 && s->nparams > 1 && s->param[1].type == PT_SAME;
        /* One constant alone says all by being chosen, and so does a range of SIMD shift counts. */
        bool chosen = s->kind != ST_SNIPPET && p->type == PT_IMM && (p->lo == p->hi || (s->widths & 24));
        if (!p->used && !used[i] && !same && p->type != PT_SAME && !chosen)
            error_at(s->file, s->line, "parameter `%s' is not used", p->name);
        if (p->type == PT_SAME && (i != 1 || s->param[0].type != PT_REG))
            error_at(s->file, s->line, "`same' is for the second operand, after a register");
    }
    uint32_t idle = s->temps & ~s->touched;
    if (idle)
        error_at(s->file, s->line, "$%s is declared, but not used", register_name(__builtin_ctz(idle)));
    if (s->kind != ST_TEMPLATE)
        return;
    int labels = 0;
    for (int i = 0; i < s->nparams; i++)
        labels += s->param[i].type == PT_LABEL;
    if (labels > 1)
        error_at(s->file, s->line, "a template can have one label");
    for (struct variant *v = list; v; v = v->next)
        if (v->nsites > 4)
            error_at(s->file, s->line, "four branches at most to the label of a template");
    if (s->has_none != s->has_flags && !has_complement(s))
        error_at(s->file, s->line, "template `%s' has a variant for needs %s, but none for needs %s", s->name,
                 s->has_none ? "none" : "flags", s->has_none ? "flags" : "none");
    if (!isa_loaded())
        return;
    const struct isa_facts *isa = isa_find(s->name);
    if (!isa) {
        error_at(s->file, s->line, "no x86 mnemonic `%s' in the ISA table", s->name);
        return;
    }
    int operands = 0;
    bool reads = false;
    for (int i = 0; i < s->nparams; i++) {
        bool extra = s->param[i].type == PT_CARRY || s->param[i].type == PT_FLAGS;
        reads |= extra;
        operands += !extra && s->param[i].type != PT_LABEL;
    }
    if (!(isa->counts & 1u << operands))
        error_at(s->file, s->line, "%s has no form with %d operands", s->name, operands);
    if (isa->read && !reads)
        error_at(s->file, s->line, "%s reads flags: a carry or flags parameter is missing", s->name);
}
