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

/* Through the direct window?  Not where the instruction has turned out not to suit it. */
static bool windowed(const struct gen *g)
{
    if (!(g->flags & HF_WINDOW))
        return false;
    uint32_t linear = g->eips[g->cur] + g->cs_base;
    return !window_use_tlb((g->phys_pc & ~(hwaddr)(TARGET_PAGE_SIZE - 1)) | (linear & (TARGET_PAGE_SIZE - 1)));
}

/* Host register with the TLB table. */
static int table(struct gen *g)
{
    if (!(g->flags & HF_WINDOW))
        return HREG_mem;
    g->p = emit_tlb_table(g->p, HREG_t9);
    return HREG_t9;
}

struct gen_ea gen_ea(struct gen *g, const struct insn *in)
{
    int32_t disp = in->disp, low = (int16_t)disp;
    if (!windowed(g) || !(g->flags & HF_SEG_BASE0(in->seg)))
        return (struct gen_ea){ gen_effective(g, in, true), 0 };
    bool has_base = in->base != INSN_NOREG, has_index = in->index != INSN_NOREG;
    int32_t high = (int32_t)((uint32_t)disp - (uint32_t)low);
    if (!has_base && !has_index) {
        if (high)
            g->p = emit_lui(g->p, HREG_addr, (int)((uint32_t)high >> 16));
        else
            gen_move(g, HREG_addr, HREG_zero);
        return (struct gen_ea){ HREG_addr, low };
    }
    int a = has_base ? greg(in->base) : greg(in->index);
    if (has_index) {
        int x = greg(in->index);
        if (in->scale) {
            g->p = emit_sll(g->p, HREG_addr, x, in->scale);
            x = HREG_addr;
        }
        if (has_base)
            g->p = emit_addu(g->p, HREG_addr, x, greg(in->base));
        a = has_base ? HREG_addr : x;
    }
    if (high) {
        g->p = emit_lui(g->p, HREG_at, (int)((uint32_t)high >> 16));
        g->p = emit_addu(g->p, HREG_addr, a, HREG_at);
        a = HREG_addr;
    }
    return (struct gen_ea){ a, low };
}

static bool is_short(int32_t disp)
{
    return disp >= -128 && disp < 128;
}

/* Host address of ea but for its displacement. */
static int window_addr(struct gen *g, int h, struct gen_ea ea)
{
    g->p = emit_window_addr(g->p, h, ea.reg);
    return h;
}

static void host_load(struct gen *g, int d, int h, int32_t disp, unsigned size, bool sign)
{
    if (size == 4)
        g->p = emit_host_ld_32(g->p, d, h, disp);
    else if (size == 2)
        g->p = sign ? emit_host_ld_s16(g->p, d, h, disp) : emit_host_ld_u16(g->p, d, h, disp);
    else
        g->p = sign ? emit_host_ld_s8(g->p, d, h, disp) : emit_host_ld_u8(g->p, d, h, disp);
}

static void host_store(struct gen *g, int v, int h, int32_t disp, unsigned size)
{
    if (size == 4)
        g->p = emit_host_st_32(g->p, v, h, disp);
    else if (size == 2)
        g->p = emit_host_st_16(g->p, v, h, disp);
    else
        g->p = emit_host_st_8(g->p, v, h, disp);
}

static void window_load(struct gen *g, int d, struct gen_ea ea, unsigned size, bool sign)
{
    if (!is_short(ea.disp) || (!sign && size != 4)) {
        host_load(g, d, window_addr(g, HREG_addr, ea), ea.disp, size, sign);
        return;
    }
    if (size == 4)
        g->p = emit_wld_32(g->p, d, ea.reg, ea.disp);
    else if (size == 2)
        g->p = emit_wld_s16(g->p, d, ea.reg, ea.disp);
    else
        g->p = emit_wld_s8(g->p, d, ea.reg, ea.disp);
}

static void window_store(struct gen *g, int v, struct gen_ea ea, unsigned size)
{
    if (!is_short(ea.disp)) {
        host_store(g, v, window_addr(g, HREG_addr, ea), ea.disp, size);
        return;
    }
    if (size == 4)
        g->p = emit_wst_32(g->p, v, ea.reg, ea.disp);
    else if (size == 2)
        g->p = emit_wst_16(g->p, v, ea.reg, ea.disp);
    else
        g->p = emit_wst_8(g->p, v, ea.reg, ea.disp);
}

void gen_load(struct gen *g, int d, struct gen_ea ea, unsigned size, bool sign)
{
    gen_note_state(g);
    if (windowed(g)) {
        window_load(g, d, ea, size, sign);
        return;
    }
    int t = table(g), a = ea.reg, e = HREG_X3;
    uint32_t *start = g->p;
    unsigned site;
    if (size == 4) {
        g->p = emit_ld_32(g->p, d, t, a, e, NULL);
        site = SITE_ld_32_slow;
    } else if (size == 2 && sign) {
        g->p = emit_ld_s16(g->p, d, t, a, e, NULL);
        site = SITE_ld_s16_slow;
    } else if (size == 2) {
        g->p = emit_ld_u16(g->p, d, t, a, e, NULL);
        site = SITE_ld_u16_slow;
    } else if (sign) {
        g->p = emit_ld_s8(g->p, d, t, a, e, NULL);
        site = SITE_ld_s8_slow;
    } else {
        g->p = emit_ld_u8(g->p, d, t, a, e, NULL);
        site = SITE_ld_u8_slow;
    }
    struct gen_stub *s = gen_stub(g, STUB_LOAD, start + site);
    s->size = (uint8_t)gen_width(size);
    s->extend = !sign || size == 4 ? EXT_NONE : size == 1 ? EXT_S8 : EXT_S16;
    s->d = (uint8_t)d;
    s->a = (uint8_t)a;
    s->resume = g->p;
}

void gen_store(struct gen *g, int v, struct gen_ea ea, unsigned size)
{
    gen_note_state(g);
    if (windowed(g)) {
        window_store(g, v, ea, size);
        return;
    }
    int t = table(g), a = ea.reg;
    uint32_t *start = g->p;
    unsigned site;
    if (size == 4) {
        g->p = emit_st_32(g->p, v, t, a, HREG_X3, NULL);
        site = SITE_st_32_slow;
    } else if (size == 2) {
        g->p = emit_st_16(g->p, v, t, a, HREG_X3, NULL);
        site = SITE_st_16_slow;
    } else {
        g->p = emit_st_8(g->p, v, t, a, HREG_X3, NULL);
        site = SITE_st_8_slow;
    }
    struct gen_stub *s = gen_stub(g, STUB_STORE, start + site);
    s->size = (uint8_t)gen_width(size);
    s->s = (uint8_t)v;
    s->a = (uint8_t)a;
    s->resume = g->p;
}

void gen_push_value(struct gen *g, int v)
{
    gen_guest_write(g, R_ESP);
    if (windowed(g)) {
        gen_store(g, v, (struct gen_ea){ HREG_esp, -4 }, 4);
        g->p = emit_addiu(g->p, HREG_esp, HREG_esp, -4);
        return;
    }
    g->p = emit_addiu(g->p, HREG_addr, HREG_esp, -4);
    gen_store(g, v, gen_at(HREG_addr), 4);
    gen_move(g, HREG_esp, HREG_addr);
}

/* Is a member of the flags record, as it is before the instruction, in that host register? */
static bool has_old_flags(const struct gen *g, int host)
{
    const struct flag_state *fs = &g->fs;
    switch (host) {
    case HREG_cc_dst:
        return fs->dynamic || fs->dst.where == FW_CANON;
    case HREG_cc_src:
        return fs->dynamic || fs->src.where == FW_CANON;
    case HREG_cc_src2:
        return fs->dynamic || fs->src2.where == FW_CANON;
    case HREG_cc_res:
        return fs->has_mod ? fs->res.where == FW_CANON : fs->dynamic;
    default:
        return false;
    }
}

/* The load of a read-modify-write.  T4 keeps the TLB entry for gen_rmw_store(), or the host address: then the
 * value is stored back at once, so that a store that is not allowed faults before anything has changed. */
void gen_rmw_load(struct gen *g, struct gen_rmw *m, int d, struct gen_ea ea, unsigned size)
{
    gen_note_state(g);
    m->d = d;
    m->size = size;
    m->window = windowed(g);
    if (m->window) {
        m->disp = ea.disp;
        /* That store is where a page faults that may be read only: the guest's flags are still the old ones. */
        int first = has_old_flags(g, d) ? HREG_at : d;
        window_addr(g, HREG_T4, ea);
        host_load(g, first, HREG_T4, ea.disp, size, true);
        host_store(g, first, HREG_T4, ea.disp, size);
        gen_move(g, d, first);
        return;
    }
    /* The operation may change the register that the address is in. */
    gen_move(g, HREG_addr, ea.reg);
    int a = HREG_addr, t = table(g);
    uint32_t *start = g->p;
    m->a = a;
    if (size == 4) {
        g->p = emit_ldrw_32(g->p, d, t, a, HREG_T4, NULL);
        m->site = start + SITE_ldrw_32_slow;
    } else if (size == 2) {
        g->p = emit_ldrw_16(g->p, d, t, a, HREG_T4, NULL);
        m->site = start + SITE_ldrw_16_slow;
    } else {
        g->p = emit_ldrw_8(g->p, d, t, a, HREG_T4, NULL);
        m->site = start + SITE_ldrw_8_slow;
    }
    m->op = g->p;
}

void gen_rmw_begin(struct gen *g, struct gen_rmw *m, const struct insn *in, int d, unsigned size)
{
    gen_rmw_load(g, m, d, gen_ea(g, in), size);
}

/* The store.  What was emitted since the load is copied into the stub, so it must be position
 * independent and end before the store. */
void gen_rmw_store(struct gen *g, struct gen_rmw *m, int v)
{
    if (m->window) {
        host_store(g, v, HREG_T4, m->disp, m->size);
        return;
    }
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

enum host_kind {
    HOST_READ,
    HOST_WRITE,         /* the store is all that the instruction does */
    HOST_WRITE_CHANGES, /* state changes before the store, which must not fault then */
};

static uint32_t *host_window(struct gen *g, int h, struct gen_ea ea, unsigned size, enum host_kind kind, bool aligned)
{
    window_addr(g, h, ea);
    if (ea.disp)
        g->p = emit_host_add(g->p, h, ea.disp);
    uint32_t *start = g->p;
    if (aligned) {
        g->p = emit_host_aligned(g->p, h, (int)size - 1, NULL);
        start += SITE_host_aligned_slow;
    }
    if (kind == HOST_WRITE_CHANGES)
        g->p = emit_host_probe(g->p, h, 0);
    /* Two stores, the second of which may be to another page. */
    if (kind == HOST_WRITE_CHANGES || (kind == HOST_WRITE && size > 8 && !aligned))
        g->p = emit_host_probe(g->p, h, (int)size - 1);
    return aligned ? start : NULL;
}

/* The branch that leaves the fast path, or NULL. */
static uint32_t *host_check(struct gen *g, int h, struct gen_ea ea, unsigned size, enum host_kind kind, bool aligned)
{
    gen_note_state(g);
    if (windowed(g))
        return host_window(g, h, ea, size, kind, aligned);
    bool write = kind != HOST_READ;
    int t = table(g), a = ea.reg;
    uint32_t *start = g->p;
    if (aligned && write) {
        g->p = emit_host_wr_aligned(g->p, h, t, HREG_X3, a, (int)size - 1, NULL);
        return start + SITE_host_wr_aligned_slow;
    }
    if (aligned) {
        g->p = emit_host_rd_aligned(g->p, h, t, HREG_X3, a, (int)size - 1, NULL);
        return start + SITE_host_rd_aligned_slow;
    }
    if (write) {
        g->p = emit_host_wr(g->p, h, t, HREG_X3, a, 4097 - (int)size, NULL);
        return start + SITE_host_wr_slow;
    }
    g->p = emit_host_rd(g->p, h, t, HREG_X3, a, 4097 - (int)size, NULL);
    return start + SITE_host_rd_slow;
}

int gen_host_addr(struct gen *g, const struct insn *in, unsigned size, bool write, uint32_t **slow_site)
{
    *slow_site = host_check(g, HREG_addr, gen_ea(g, in), size, write ? HOST_WRITE : HOST_READ, false);
    return HREG_addr;
}

uint32_t *gen_load_f64(struct gen *g, int f, const struct insn *in)
{
    struct gen_ea ea = gen_ea(g, in);
    if (windowed(g)) {
        gen_note_state(g);
        if (is_short(ea.disp)) {
            g->p = emit_wld_f64(g->p, f, ea.reg, ea.disp);
        } else {
            window_addr(g, HREG_addr, ea);
            g->p = emit_fp_ld64(g->p, f, HREG_addr, ea.disp);
        }
        return NULL;
    }
    uint32_t *site = host_check(g, HREG_addr, ea, 8, HOST_READ, false);
    g->p = emit_fp_ld64(g->p, f, HREG_addr, 0);
    return site;
}

uint32_t *gen_store_f64(struct gen *g, int f, const struct insn *in)
{
    struct gen_ea ea = gen_ea(g, in);
    if (windowed(g)) {
        gen_note_state(g);
        if (is_short(ea.disp)) {
            g->p = emit_wst_f64(g->p, f, ea.reg, ea.disp);
        } else {
            window_addr(g, HREG_addr, ea);
            g->p = emit_fp_st64(g->p, f, HREG_addr, ea.disp);
        }
        return NULL;
    }
    uint32_t *site = host_check(g, HREG_addr, ea, 8, HOST_WRITE, false);
    g->p = emit_fp_st64(g->p, f, HREG_addr, 0);
    return site;
}

int gen_host_addr_aligned(struct gen *g, const struct insn *in, unsigned size, bool write, uint32_t **slow_site)
{
    *slow_site = host_check(g, HREG_addr, gen_ea(g, in), size, write ? HOST_WRITE : HOST_READ, true);
    return HREG_addr;
}

int gen_host_addr_rmw(struct gen *g, const struct insn *in, unsigned size)
{
    uint32_t *site = host_check(g, HREG_addr, gen_ea(g, in), size, HOST_WRITE_CHANGES, false);
    gen_stub(g, STUB_INTERP, site);
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
    *slow_site = host_check(g, HREG_X3, gen_at(a), size, write ? HOST_WRITE_CHANGES : HOST_READ, false);
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
