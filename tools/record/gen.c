/* Makes cases for a form: prefixes, ModRM and SIB of every shape, edge values in registers,
 * memory and immediates, flags.  Nothing here knows what an instruction computes; the CPU
 * says that. */
#include <string.h>

#include "gen.h"

static uint64_t seed;

uint32_t rnd(void)
{
    /* splitmix64 */
    uint64_t z = (seed += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

/* A value that is likely to be on an edge for operands of `size` bytes; the upper bytes are
 * anything. */
uint32_t edge(unsigned size)
{
    static const uint32_t values[] = {
        0, 1, 0xffffffff, 0x7fffffff, 0x80000000, 0x7fff, 0x8000, 0xffff, 0x7f, 0x80, 0xff, 2, 3, 0x10,
        0xfffffffe, 0x80000001, 0x55555555, 0xaaaaaaaa, 0x0f, 9, 0x99, 0x10000, 0x100
    };
    uint32_t v = rnd();
    switch (rnd() % 8) {
    case 0: return v;
    case 1: return v & 15;
    case 2: return 1u << (v & 31);
    case 3: v = v & 31 ? (uint32_t)1 << (v & 31) : 0; return v - 1;
    default: v = values[v % (sizeof values / sizeof *values)]; break;
    }
    if (size < 4 && chance(2))
        v = (v & ((1u << 8 * size) - 1)) | rnd() << 8 * size;
    return v;
}

void poke(struct testcase *c, uint32_t linear, const void *bytes, unsigned len)
{
    if (c->n_pokes == sizeof c->pokes / sizeof *c->pokes || linear < WORLD_DATA || linear + len > WORLD_DATA_END)
        return;
    struct poke *p = &c->pokes[c->n_pokes++];
    p->addr = (uint16_t)linear;
    p->len = (uint8_t)len;
    memcpy(p->bytes, bytes, len);
}

void poke_value(struct testcase *c, uint32_t linear, uint32_t value, unsigned len)
{
    poke(c, linear, &value, len);
}

uint32_t data_address(unsigned len)
{
    uint32_t a = WORLD_DATA + 0x100 + rnd() % (WORLD_DATA_END - WORLD_DATA - 0x200);
    if (chance(12))
        a = 0x5000 - rnd() % (len ? len : 1); /* across pages */
    else if (!chance(3))
        a &= ~7u;
    return a;
}

uint32_t code_target(const struct build *b)
{
    for (;;) {
        uint32_t a = WORLD_CODE + 0x10 + rnd() % (WORLD_CODE_END - WORLD_CODE - 0x20);
        if (a + 1 < WORLD_START || a > WORLD_START + b->c->len)
            return a;
    }
}

bool form_is(const struct form *f, const char *mnemonics)
{
    size_t n = strlen(f->mnem);
    for (const char *p = mnemonics; (p = strstr(p, f->mnem)) != NULL; p += n)
        if ((p == mnemonics || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
            return true;
    return false;
}

bool form_has_op(const struct form *f, const char *op)
{
    for (unsigned i = 0; i < f->n_ops; i++)
        if (strcmp(f->ops[i], op) == 0)
            return true;
    return false;
}

static void put(struct build *b, unsigned byte)
{
    if (b->c->len < 15)
        b->c->bytes[b->c->len++] = (uint8_t)byte;
}

static void put_value(struct build *b, uint32_t v, unsigned len)
{
    while (len--) {
        put(b, v & 0xff);
        v >>= 8;
    }
}

static uint32_t seg_base(const struct testcase *c, int seg)
{
    return c->in.segs[seg] == WORLD_FS ? 0x4000 : 0;
}

/* Encode a 32-bit address that comes to b->target, by giving the base register or the
 * displacement the value that is missing. */
static void put_address32(struct build *b, unsigned reg_field)
{
    uint32_t *r = b->c->in.regs, index_value = 0, disp = rnd();
    unsigned mod = rnd() % 3, rm = rnd() % 8, base = rm, index = 4, scale = 0;
    if (rm == 4) {
        base = rnd() % 8;
        index = rnd() % 8;
        scale = rnd() % 4;
    }
    bool no_base = mod == 0 && base == 5;
    if (index != 4)
        index_value = r[index] << scale;
    if (!no_base && ((b->fixed >> base & 1) || base == index) && mod != 2)
        mod = 2;
    int seg = b->p.seg >= 0 ? b->p.seg : !no_base && (base == ESP || base == EBP) ? SS : DS;
    uint32_t offset = b->target - seg_base(b->c, seg);
    if (no_base) {
        disp = offset - index_value;
    } else if ((b->fixed >> base & 1) || base == index) {
        disp = offset - index_value - r[base];
    } else {
        disp = mod == 0 ? 0 : mod == 1 ? (uint32_t)(int8_t)disp : chance(2) ? (uint32_t)(int16_t)disp : disp;
        r[base] = offset - index_value - disp;
        b->fixed |= 1u << base;
    }
    if (index != 4)
        b->fixed |= 1u << index;
    put(b, mod << 6 | reg_field << 3 | rm);
    if (rm == 4)
        put(b, scale << 6 | index << 3 | base);
    if (mod == 1)
        put(b, disp & 0xff);
    else if (mod == 2 || no_base)
        put_value(b, disp, 4);
}

static void put_address16(struct build *b, unsigned reg_field)
{
    static const int8_t regs[8][2] = {{EBX, ESI}, {EBX, EDI}, {EBP, ESI}, {EBP, EDI}, {ESI, -1}, {EDI, -1},
                                      {EBP, -1}, {EBX, -1}};
    uint32_t *r = b->c->in.regs, disp = rnd();
    unsigned mod = rnd() % 3, rm = rnd() % 8;
    bool no_base = mod == 0 && rm == 6;
    int base = regs[rm][0], index = regs[rm][1];
    int seg = b->p.seg >= 0 ? b->p.seg : !no_base && base == EBP ? SS : DS;
    uint32_t offset = b->target - seg_base(b->c, seg);
    if (no_base) {
        disp = offset;
    } else {
        uint32_t index_value = index >= 0 ? r[index] : 0;
        if (b->fixed >> base & 1) {
            mod = 2;
            disp = offset - index_value - r[base];
        } else {
            disp = mod == 0 ? 0 : mod == 1 ? (uint32_t)(int8_t)disp : disp;
            r[base] = (r[base] & 0xffff0000) | ((offset - index_value - disp) & 0xffff);
            b->fixed |= 1u << base;
        }
        if (index >= 0)
            b->fixed |= 1u << index;
    }
    put(b, mod << 6 | reg_field << 3 | rm);
    if (mod == 1)
        put(b, disp & 0xff);
    else if (mod == 2 || no_base)
        put_value(b, disp, 2);
}

static void put_prefixes(struct build *b)
{
    static const uint8_t seg_prefix[6] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    uint8_t list[5];
    unsigned n = 0;
    if (b->p.op16 != b->p.cs16)
        list[n++] = 0x66;
    if (b->p.a16 != b->p.cs16)
        list[n++] = 0x67;
    if (b->p.seg >= 0)
        list[n++] = seg_prefix[b->p.seg];
    if (b->p.lock)
        list[n++] = 0xf0;
    if (b->p.rep)
        list[n++] = (uint8_t)b->p.rep;
    while (n) {
        unsigned i = rnd() % n;
        put(b, list[i]);
        list[i] = list[--n];
    }
}

static void put_immediates(struct build *b)
{
    b->imm_at = b->c->len;
    for (unsigned i = 0; i < b->f->n_ops; i++) {
        const char *op = b->f->ops[i];
        unsigned osz = b->p.op16 ? 2 : 4;
        if (!strcmp(op, "Ib") || !strcmp(op, "Ibs") || !strcmp(op, "I2b") || !strcmp(op, "Jb")) {
            put(b, edge(1) & 0xff);
        } else if (!strcmp(op, "Iw")) {
            put_value(b, edge(2), 2);
        } else if (!strcmp(op, "Iz") || !strcmp(op, "Jz")) {
            put_value(b, edge(osz), osz);
        } else if (!strcmp(op, "Ap")) {
            put_value(b, edge(osz), osz);
            put_value(b, 0, 2);
        } else if (!strcmp(op, "Ob") || !strcmp(op, "Ov")) {
            b->target = data_address(4);
            put_value(b, b->target - seg_base(b->c, b->p.seg >= 0 ? b->p.seg : DS), b->p.a16 ? 2 : 4);
            poke_value(b->c, b->target, edge(b->opsize), 4);
        }
    }
    b->imm_len = b->c->len - b->imm_at;
}

static void random_registers(struct build *b)
{
    struct state *s = &b->c->in;
    static const unsigned arith[6] = {0x1, 0x4, 0x10, 0x40, 0x80, 0x800};
    for (int i = 0; i < 8; i++)
        s->regs[i] = edge(b->opsize);
    s->eflags = 0x202;
    for (int i = 0; i < 6; i++)
        if (chance(2))
            s->eflags |= arith[i];
    if (chance(6))
        s->eflags |= 0x400; /* DF */
    s->segs[CS] = b->p.cs16 ? WORLD_CS16 : WORLD_CS32;
    s->segs[SS] = b->p.ss16 ? WORLD_SS16 : WORLD_DS;
    s->segs[DS] = s->segs[ES] = WORLD_DS;
    s->segs[FS] = WORLD_FS;
    s->segs[GS] = WORLD_GS;
}

static bool build_case(struct testcase *c, const struct form *f, const struct plan *p)
{
    struct build b = {.c = c, .f = f, .p = *p};
    memset(c, 0, sizeof *c);
    c->op16 = p->op16;
    b.simd = c->simd = simd_form(f);
    default_simd(&c->in);
    b.opsize = f->opsize == 1 || f->opsize == 2 ? (unsigned)f->opsize : p->op16 ? 2 : 4;
    random_registers(&b);
    if (b.simd)
        simd_registers(&b);
    else
        special_registers(&b);
    put_prefixes(&b);
    if (!strcmp(f->prefix, "F3") || !strcmp(f->prefix, "F2") || !strcmp(f->prefix, "66"))
        put(&b, (unsigned)(f->prefix[0] == '6' ? 0x66 : f->prefix[1] == '3' ? 0xf3 : 0xf2));
    if (f->map)
        put(&b, 0x0f);
    put(&b, f->opcode + rnd() % f->span);
    if (f->modrm) {
        unsigned reg = f->reg >= 0 ? (unsigned)f->reg : rnd() % 8;
        if (f->reg < 0 && form_has_op(f, "Sw"))
            reg = rnd() % 6;
        b.modrm_at = c->len;
        if (p->mem) {
            uint8_t bytes[8];
            uint32_t v = edge(b.opsize), w = edge(b.opsize);
            b.target = b.simd ? simd_address(&b) : data_address(b.opsize);
            if (p->lock) /* split locks are slow, and hosts may forbid them */
                b.target &= ~7u;
            memcpy(bytes, &v, 4);
            memcpy(bytes + 4, &w, 4);
            if (!b.simd)
                poke(c, b.target, bytes, 8);
            if (p->a16)
                put_address16(&b, reg);
            else
                put_address32(&b, reg);
        } else {
            unsigned rm = f->rm >= 0 ? (unsigned)f->rm : rnd() % 8;
            if (b.simd && f->reg < 0 && f->rm < 0 && chance(6))
                rm = reg;
            put(&b, 0xc0 | reg << 3 | rm);
        }
    }
    put_immediates(&b);
    if (c->len >= 15)
        return false;
    if (b.simd) {
        simd_case(&b);
        return true;
    }
    if (p->mem && chance(32) && !p->lock)
        c->in.eflags |= 0x40000; /* AC */
    return special_finish(&b);
}

bool gen_wants(const struct form *f)
{
    /* The kernel below emulates the first five (UMIP).  INT1's pushed EIP is not the CPU's own where a
     * hypervisor intercepts #DB.  SYSENTER and SYSEXIT are the kernel's, too. */
    return !form_is(f, "SGDT SIDT SLDT STR SMSW INT1 SYSENTER SYSEXIT");
}

unsigned gen_undefined(const struct form *f, const struct testcase *c)
{
    return special_undefined(f, c, f->undefined);
}

unsigned gen_form(const struct form *f, struct testcase *cases, unsigned max)
{
    unsigned n = 0;
    bool may_mem = f->modrm && f->mod != 'r' && !form_has_op(f, "Rd"), may_reg = !f->modrm || f->mod != 'm';
    if (f->map && f->opcode == 0x0d)
        may_reg = false; /* Intel: NOP; AMD: #UD */
    bool string = strstr(f->attrs, "str") != NULL, lockable = strstr(f->attrs, "lock") != NULL;
    bool stack = form_is(f, "PUSH POP PUSHA POPA PUSHF POPF CALL RET CALLF RETF IRET ENTER LEAVE");
    bool memory = may_mem || string || form_has_op(f, "Ob") || form_has_op(f, "Ov") 
        || form_is(f, "XLAT MASKMOVQ MASKMOVDQU");
    bool simd = simd_form(f); /* 66 has another meaning */
    /* How often each kind of variant is made. */
    struct {
        unsigned count;
        bool op16, a16, cs16, ss16, lock, mem, wanted;
    } kinds[] = {
        {may_mem ? 16 : 24, 0, 0, 0, 0, 0, 0, may_reg},
        {may_reg ? 16 : 24, 0, 0, 0, 0, 0, 1, may_mem},
        {8, 1, 0, 0, 0, 0, 0, may_reg && (f->opsize == 0 || stack) && !simd},
        {8, 1, 0, 0, 0, 0, 1, may_mem && (f->opsize == 0 || stack) && !simd},
        {6, 0, 1, 0, 0, 0, may_mem, memory},
        {3, 1, 1, 1, 0, 0, 0, may_reg},
        {3, 1, 1, 1, 0, 0, 1, may_mem},
        {2, 0, 0, 1, 0, 0, may_mem, true},
        {6, 0, 0, 0, 1, 0, may_mem, stack},
        {4, 1, 1, 1, 1, 0, may_mem, stack},
        {5, 0, 0, 0, 0, 1, 1, lockable && may_mem},
        {2, 0, 0, 0, 0, 1, 0, may_reg},
        {24, 0, 0, 0, 0, 0, 0, string},
        {8, 1, 1, 0, 0, 0, 0, string},
    };
    /* A seed of its own for each form: new rows don't change the cases of old ones. */
    seed = 86;
    for (const char *p = f->name; *p; p++)
        seed = (seed ^ (uint8_t)*p) * 0x100000001b3u;
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (!kinds[k].wanted)
            continue;
        for (unsigned i = 0, tries = 0; i < kinds[k].count && n < max && tries < 200; tries++) {
            bool cs16 = kinds[k].cs16, op16 = simd ? cs16 : kinds[k].op16;
            struct plan p = {.cs16 = cs16, .ss16 = kinds[k].ss16, .op16 = op16, .a16 = kinds[k].a16,
                             .mem = kinds[k].mem, .lock = kinds[k].lock, .seg = -1};
            if (memory && chance(5))
                p.seg = (int)(rnd() % 6);
            if (string)
                p.rep = chance(3) ? 0 : chance(2) ? 0xf3 : 0xf2;
            if (build_case(&cases[n], f, &p)) {
                n++;
                i++;
            }
        }
    }
    return n;
}
