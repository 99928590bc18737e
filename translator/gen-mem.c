/* Operands: effective addresses, loads and stores with their ways off the fast path, and parts
 * of guest registers. */
#include "gen.h"

#include "tmpl-gen.h"

void gen_move(struct gen *g, int d, int s)
{
    if (d != s)
        g->p = emit_move(g->p, d, s);
}

void gen_li(struct gen *g, int d, int32_t value)
{
    if (value >= -32768 && value < 32768)
        g->p = emit_li16(g->p, d, value);
    else if ((value & 0xffff) == 0)
        g->p = emit_lui(g->p, d, (int)((uint32_t)value >> 16));
    else
        g->p = emit_li32(g->p, d, value);
}

bool gen_seg_ok(const struct gen *g, unsigned seg)
{
    return (g->flags & HF_SEG_FULL(seg)) != 0;
}

bool gen_mem_ok(const struct gen *g, const struct insn *in)
{
    /* A code segment may be readable but is never writable. */
    return in->addrsize == 4 && gen_seg_ok(g, in->seg) && in->seg != R_CS;
}

/* d = s + value */
static void add_const(struct gen *g, int d, int s, int32_t value)
{
    if (value == 0)
        gen_move(g, d, s);
    else if (value >= -32768 && value < 32768)
        g->p = emit_addiu(g->p, d, s, value);
    else {
        int32_t low = (int16_t)value;
        int32_t high = (int32_t)((uint32_t)value - (uint32_t)low);
        g->p = emit_lui(g->p, HREG_at, (int)((uint32_t)high >> 16));
        g->p = emit_addu(g->p, d, s, HREG_at);
        if (low)
            g->p = emit_addiu(g->p, d, d, low);
    }
}

int gen_effective(struct gen *g, const struct insn *in, bool add_segment)
{
    int a = HREG_addr;
    int32_t disp = in->disp;
    bool has_base = in->base != INSN_NOREG, has_index = in->index != INSN_NOREG;
    bool segment = add_segment && !(g->flags & HF_SEG_BASE0(in->seg));
    if (!has_base && !has_index)
        gen_li(g, a, disp);
    else if (!has_index) {
        if (disp == 0 && !segment)
            return greg(in->base);
        if (disp == 0)
            a = greg(in->base);
        else
            add_const(g, a, greg(in->base), disp);
    } else {
        int x = greg(in->index);
        if (in->scale) {
            g->p = emit_sll(g->p, a, x, in->scale);
            x = a;
        }
        if (has_base) {
            g->p = emit_addu(g->p, a, x, greg(in->base));
            x = a;
        }
        if (disp)
            add_const(g, a, x, disp);
        else
            a = x; /* a bare index without scale */
    }
    if (segment) {
        g->p = emit_env_lw(g->p, HREG_at, (int)(offsetof(CPUX86State, segs) + in->seg * sizeof(struct segment)
                                                     + offsetof(struct segment, base)));
        g->p = emit_addu(g->p, HREG_addr, a, HREG_at);
        a = HREG_addr;
    }
    return a;
}

void gen_load(struct gen *g, int d, int a, unsigned size, bool sign)
{
    gen_note_state(g);
    uint32_t *start = g->p;
    unsigned site;
    int e = HREG_X3;
    if (size == 4) {
        g->p = emit_ld_32(g->p, d, a, e, NULL);
        site = SITE_ld_32_slow;
    } else if (size == 2 && sign) {
        g->p = emit_ld_s16(g->p, d, a, e, NULL);
        site = SITE_ld_s16_slow;
    } else if (size == 2) {
        g->p = emit_ld_u16(g->p, d, a, e, NULL);
        site = SITE_ld_u16_slow;
    } else if (sign) {
        g->p = emit_ld_s8(g->p, d, a, e, NULL);
        site = SITE_ld_s8_slow;
    } else {
        g->p = emit_ld_u8(g->p, d, a, e, NULL);
        site = SITE_ld_u8_slow;
    }
    struct gen_stub *s = gen_stub(g, STUB_LOAD, start + site);
    s->size = (uint8_t)gen_width(size);
    s->extend = !sign || size == 4 ? EXT_NONE : size == 1 ? EXT_S8 : EXT_S16;
    s->d = (uint8_t)d;
    s->a = (uint8_t)a;
    s->resume = g->p;
}

void gen_store(struct gen *g, int v, int a, unsigned size)
{
    gen_note_state(g);
    uint32_t *start = g->p;
    unsigned site;
    if (size == 4) {
        g->p = emit_st_32(g->p, v, a, HREG_X3, NULL);
        site = SITE_st_32_slow;
    } else if (size == 2) {
        g->p = emit_st_16(g->p, v, a, HREG_X3, NULL);
        site = SITE_st_16_slow;
    } else {
        g->p = emit_st_8(g->p, v, a, HREG_X3, NULL);
        site = SITE_st_8_slow;
    }
    struct gen_stub *s = gen_stub(g, STUB_STORE, start + site);
    s->size = (uint8_t)gen_width(size);
    s->s = (uint8_t)v;
    s->a = (uint8_t)a;
    s->resume = g->p;
}

/* The load of a read-modify-write; T4 keeps the TLB entry for gen_rmw_store(). */
void gen_rmw_load(struct gen *g, struct gen_rmw *m, int d, int a, unsigned size)
{
    gen_note_state(g);
    uint32_t *start = g->p;
    m->d = d;
    m->a = a;
    m->size = size;
    if (size == 4) {
        g->p = emit_ldrw_32(g->p, d, a, HREG_T4, NULL);
        m->site = start + SITE_ldrw_32_slow;
    } else if (size == 2) {
        g->p = emit_ldrw_16(g->p, d, a, HREG_T4, NULL);
        m->site = start + SITE_ldrw_16_slow;
    } else {
        g->p = emit_ldrw_8(g->p, d, a, HREG_T4, NULL);
        m->site = start + SITE_ldrw_8_slow;
    }
    m->op = g->p;
}

void gen_rmw_begin(struct gen *g, struct gen_rmw *m, const struct insn *in, int d, unsigned size)
{
    gen_move(g, HREG_addr, gen_effective(g, in, true));
    gen_rmw_load(g, m, d, HREG_addr, size);
}

/* The store.  What was emitted since the load is copied into the stub, so it must be position
 * independent and end before the store. */
void gen_rmw_store(struct gen *g, struct gen_rmw *m, int v)
{
    struct gen_stub *s = gen_stub(g, STUB_RMW, m->site);
    s->op = m->op;
    s->op_words = (uint32_t)(g->p - m->op);
    if (m->size == 4)
        g->p = emit_strw_32(g->p, v, m->a, HREG_T4);
    else if (m->size == 2)
        g->p = emit_strw_16(g->p, v, m->a, HREG_T4);
    else
        g->p = emit_strw_8(g->p, v, m->a, HREG_T4);
    s->size = (uint8_t)gen_width(m->size);
    s->extend = m->size == 4 ? EXT_NONE : m->size == 1 ? EXT_S8 : EXT_S16;
    s->d = (uint8_t)m->d;
    s->a = (uint8_t)m->a;
    s->s = (uint8_t)v;
    s->resume = g->p;
}

/* ---- host addresses: operands of more than 4 bytes, or of any alignment ---- */

static uint32_t *host_check(struct gen *g, int h, int a, unsigned size, bool write, bool aligned)
{
    uint32_t *start = g->p;
    gen_note_state(g);
    if (aligned && write) {
        g->p = emit_host_wr_aligned(g->p, h, HREG_X3, a, (int)size - 1, NULL);
        return start + SITE_host_wr_aligned_slow;
    }
    if (aligned) {
        g->p = emit_host_rd_aligned(g->p, h, HREG_X3, a, (int)size - 1, NULL);
        return start + SITE_host_rd_aligned_slow;
    }
    if (write) {
        g->p = emit_host_wr(g->p, h, HREG_X3, a, 4097 - (int)size, NULL);
        return start + SITE_host_wr_slow;
    }
    g->p = emit_host_rd(g->p, h, HREG_X3, a, 4097 - (int)size, NULL);
    return start + SITE_host_rd_slow;
}

static void host_slow(struct gen *g, uint32_t *site, uint32_t **slow_site)
{
    if (slow_site)
        *slow_site = site;
    else
        gen_stub(g, STUB_INTERP, site);
}

int gen_host_addr(struct gen *g, const struct insn *in, unsigned size, bool write, uint32_t **slow_site)
{
    int a = gen_effective(g, in, true);
    host_slow(g, host_check(g, HREG_addr, a, size, write, false), slow_site);
    return HREG_addr;
}

int gen_host_addr_aligned(struct gen *g, const struct insn *in, unsigned size, bool write, uint32_t **slow_site)
{
    int a = gen_effective(g, in, true);
    host_slow(g, host_check(g, HREG_addr, a, size, write, true), slow_site);
    return HREG_addr;
}

int gen_host_addr_offset(struct gen *g, const struct insn *in, unsigned size, bool write, int *offset,
                         uint32_t **slow_site)
{
    int a = gen_effective(g, in, false);
    *offset = a;
    if (!(g->flags & HF_SEG_BASE0(in->seg))) {
        g->p = emit_env_lw(g->p, HREG_at, (int)(offsetof(CPUX86State, segs) + in->seg * sizeof(struct segment)
                                                     + offsetof(struct segment, base)));
        g->p = emit_addu(g->p, HREG_X2, a, HREG_at);
        a = HREG_X2;
    }
    host_slow(g, host_check(g, HREG_X3, a, size, write, false), slow_site);
    return HREG_X3;
}

int gen_reg_value(struct gen *g, unsigned reg, unsigned size, int temp)
{
    if (size == 4)
        return greg(reg);
    if (size == 2)
        g->p = emit_reg_s16(g->p, temp, greg(reg));
    else if (reg < 4)
        g->p = emit_reg_s8(g->p, temp, greg(reg));
    else
        g->p = emit_reg_s8h(g->p, temp, greg(reg - 4));
    return temp;
}

void gen_reg_insert(struct gen *g, unsigned reg, unsigned size, int s)
{
    if (size == 4) {
        gen_guest_write(g, reg);
        gen_move(g, greg(reg), s);
    } else if (size == 2) {
        gen_guest_write(g, reg);
        g->p = emit_reg_ins16(g->p, greg(reg), s);
    } else {
        gen_guest_write(g, reg & 3);
        g->p = reg < 4 ? emit_reg_ins8(g->p, greg(reg), s) : emit_reg_ins8h(g->p, greg(reg - 4), s);
    }
}
