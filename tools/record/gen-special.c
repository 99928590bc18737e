/* What single instructions need so that their cases are worth having: a stack pointer that
 * points to memory, branch targets, selectors, dividends that don't overflow every time. */
#include <string.h>

#include "gen.h"

static bool uses_stack(const struct form *f)
{
    return form_is(f, "PUSH POP PUSHA POPA PUSHF POPF CALL RET CALLF RETF IRET ENTER LEAVE");
}

static bool is_string(const struct form *f)
{
    return strstr(f->attrs, "str") != NULL;
}

static uint32_t selector(void)
{
    static const uint16_t list[] = {
        WORLD_DS, WORLD_DS, WORLD_DS, WORLD_DS & ~3, (WORLD_DS & ~3) | 2, 0, 1, 2, 3, WORLD_CS32, WORLD_CS16,
        WORLD_SS16, WORLD_NP, WORLD_RO, WORLD_XO, WORLD_FS, WORLD_GS, WORLD_FS & ~3, 0x18, 0x08, 0x10, 0x04,
        0x47, 0x1007, 0x83, 0xffff
    };
    return list[rnd() % (sizeof list / sizeof *list)];
}

static uint32_t code_selector(void)
{
    return chance(4) ? selector() : chance(3) ? WORLD_CS16 : WORLD_CS32;
}

/* A pointer register for address size 16 has anything in its upper half. */
static uint32_t pointer(const struct build *b, uint32_t offset)
{
    return b->p.a16 ? (offset & 0xffff) | rnd() << 16 : offset;
}

static uint32_t base_of(const struct build *b, int seg)
{
    return b->c->in.segs[seg] == WORLD_FS ? 0x4000 : 0;
}

static void string_registers(struct build *b)
{
    struct testcase *c = b->c;
    uint32_t *r = c->in.regs, source = data_address(4), dest = data_address(4);
    int seg = b->p.seg >= 0 ? b->p.seg : DS;
    bool down = c->in.eflags & 0x400;
    unsigned n = b->p.rep ? (chance(6) ? 0 : rnd() % 10) : 0;
    uint8_t bytes[16];
    if (chance(4)) /* overlapping, near */
        dest = source + rnd() % 9 - 4;
    r[ESI] = pointer(b, source - base_of(b, seg));
    r[EDI] = pointer(b, dest);
    if (b->p.rep)
        r[ECX] = pointer(b, n);
    /* Comparisons: some elements equal, then one that is not. */
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = form_is(b->f, "SCAS") ? (uint8_t)(r[EAX] >> 8 * (i % b->opsize)) : (uint8_t)edge(1);
    if (form_is(b->f, "CMPS SCAS")) {
        poke(c, down ? source - 16 + b->opsize : source, bytes, 16);
        if (chance(2))
            bytes[rnd() % 16] ^= (uint8_t)edge(1);
        if (b->p.rep == 0xf2 && chance(2))
            for (unsigned i = 0; i < sizeof bytes - b->opsize; i++)
                bytes[i] = (uint8_t)~bytes[i];
        poke(c, down ? dest - 16 + b->opsize : dest, bytes, 16);
    }
}

static uint32_t shift_count(void)
{
    static const uint8_t counts[] = {0, 1, 1, 2, 3, 4, 7, 8, 9, 10, 15, 16, 17, 18, 24, 30, 31, 32, 33, 63, 0x80, 0xff};
    return chance(3) ? rnd() & 0xff : counts[rnd() % sizeof counts];
}

void special_registers(struct build *b)
{
    const struct form *f = b->f;
    uint32_t *r = b->c->in.regs;
    if (uses_stack(f)) {
        uint32_t sp = (data_address(8) & ~3u) + (chance(4) ? rnd() & 3 : 0);
        if (sp < WORLD_DATA + 0x200)
            sp += 0x200;
        r[ESP] = b->p.ss16 ? (sp & 0xffff) | rnd() << 16 : sp;
        b->fixed |= 1u << ESP;
    }
    if (form_is(f, "ENTER LEAVE")) {
        r[EBP] = WORLD_DATA + 0x400 + (rnd() & 0xffc);
        if (b->p.ss16)
            r[EBP] |= rnd() << 16;
    }
    if (form_has_op(f, "CL")) {
        r[ECX] = (r[ECX] & ~0xffu) | shift_count();
        b->fixed |= 1u << ECX;
    }
    if (is_string(f))
        string_registers(b);
    if (form_is(f, "XLAT")) {
        int seg = b->p.seg >= 0 ? b->p.seg : DS;
        r[EBX] = pointer(b, data_address(1) - base_of(b, seg) - (r[EAX] & 0xff));
    }
    if (form_is(f, "DIV IDIV") && !chance(4)) {
        bool sign = f->mnem[0] == 'I';
        uint32_t low = edge(b->opsize);
        r[EAX] = low;
        if (b->opsize == 1)
            r[EAX] = (low & ~0xff00u) | (sign ? (uint32_t)(int8_t)low & 0xff00 : (rnd() & 3) << 8);
        else
            r[EDX] = sign ? (uint32_t)(b->opsize == 2 ? (int16_t)low : (int32_t)low) >> 16 >> (b->opsize == 2 ? 0 : 15)
                          : rnd() & 3;
        if (sign && b->opsize == 4)
            r[EDX] = low >> 31 ? ~0u : 0;
        b->fixed |= 1u << EAX | 1u << EDX;
    }
    if (form_is(f, "LOOP LOOPE LOOPNE JCXZ")) {
        static const uint32_t counts[] = {0, 1, 2, 0x10000, 0x10001, 0xffff0000, 0xffffffff, 0x12340000};
        r[ECX] = counts[rnd() % (sizeof counts / sizeof *counts)];
    }
    if (form_is(f, "CMPXCHG CMPXCHG8B"))
        b->fixed |= 1u << EAX | 1u << EDX;
}

/* Give the r/m operand (register or memory) a value. */
static void set_rm(struct build *b, uint32_t value, unsigned len)
{
    unsigned rm = b->c->bytes[b->modrm_at] & 7;
    uint32_t *r = &b->c->in.regs[rm];
    if (b->p.mem)
        poke_value(b->c, b->target, value, len);
    else if (len == 2)
        *r = (*r & 0xffff0000) | (value & 0xffff);
    else
        *r = value;
}

static uint32_t stack_linear(const struct build *b, int reg)
{
    return b->p.ss16 ? b->c->in.regs[reg] & 0xffff : b->c->in.regs[reg];
}

static void push_words(struct build *b, unsigned osz, const uint32_t *words, unsigned n)
{
    uint8_t bytes[16];
    for (unsigned i = 0; i < n; i++)
        memcpy(bytes + i * osz, &words[i], osz);
    poke(b->c, stack_linear(b, ESP), bytes, n * osz);
}

static uint32_t popped_flags(void)
{
    return rnd() & ~0x30100u; /* without TF, RF, VM */
}

static bool branch(struct build *b, unsigned osz)
{
    struct testcase *c = b->c;
    uint32_t next = WORLD_START + c->len;
    if (form_has_op(b->f, "Jb")) {
        uint32_t to = next + (uint32_t)(int8_t)c->bytes[b->imm_at];
        return to < WORLD_START || to >= next;
    }
    uint32_t to = code_target(b);
    if (b->p.cs16 && osz == 4 && chance(4))
        to |= 1u << (16 + rnd() % 16); /* over the limit */
    if (form_has_op(b->f, "Jz")) {
        uint32_t disp = to - next;
        memcpy(c->bytes + b->imm_at, &disp, osz);
    } else if (form_is(b->f, "RET")) {
        push_words(b, osz, &to, 1);
    } else {
        set_rm(b, to, osz);
    }
    return true;
}

static void far_transfer(struct build *b, unsigned osz)
{
    struct testcase *c = b->c;
    uint32_t v[3] = {code_target(b), code_selector(), popped_flags()};
    uint8_t bytes[6];
    memcpy(bytes, &v[0], osz);
    memcpy(bytes + osz, &v[1], 2);
    if (form_has_op(b->f, "Ap"))
        memcpy(c->bytes + b->imm_at, bytes, osz + 2);
    else if (form_has_op(b->f, "Mp"))
        poke(c, b->target, bytes, osz + 2);
    else
        push_words(b, osz, v, form_is(b->f, "IRET") ? 3 : 2);
}

static bool bit_offset(struct build *b)
{
    unsigned reg = b->c->bytes[b->modrm_at] >> 3 & 7;
    if (!b->p.mem || !form_has_op(b->f, "Gv"))
        return true;
    if (b->fixed >> reg & 1)
        return false;
    b->c->in.regs[reg] = rnd() % 2048 - 1024;
    if (b->opsize == 2)
        b->c->in.regs[reg] = (b->c->in.regs[reg] & 0xffff) | rnd() << 16;
    return true;
}

static void bounds(struct build *b)
{
    unsigned reg = b->c->bytes[b->modrm_at] >> 3 & 7, n = b->opsize;
    uint32_t v = b->c->in.regs[reg], low = chance(3) ? edge(n) : v - rnd() % 3, high = chance(3) ? edge(n) : v + rnd() % 3;
    uint8_t bytes[8];
    memcpy(bytes, &low, n);
    memcpy(bytes + n, &high, n);
    poke(b->c, b->target, bytes, 2 * n);
}

bool special_finish(struct build *b)
{
    const struct form *f = b->f;
    struct testcase *c = b->c;
    uint32_t *r = c->in.regs;
    unsigned osz = b->p.op16 ? 2 : 4;
    uint8_t *imm = &c->bytes[b->imm_at];
    bool sreg = form_has_op(f, "ES") || form_has_op(f, "SS") || form_has_op(f, "DS") || form_has_op(f, "FS")
        || form_has_op(f, "GS");

    if (!strcmp(f->feature, "fpu") || !strcmp(f->feature, "fcmov") || form_is(f, "FISTTP"))
        fpu_case(b);
    if (strstr(f->attrs, "branch"))
        if (form_has_op(f, "Jb") || !form_is(f, "LOOP"))
            return branch(b, osz);
    if (form_is(f, "CALLF JMPF RETF IRET"))
        far_transfer(b, osz);
    if (form_is(f, "LES LDS LSS LFS LGS")) {
        uint8_t bytes[6];
        uint32_t offset = edge(osz), sel = selector();
        memcpy(bytes, &offset, osz);
        memcpy(bytes + osz, &sel, 2);
        poke(c, b->target, bytes, osz + 2);
    }
    if ((form_is(f, "MOV") && sreg && form_has_op(f, "Ew")) || form_is(f, "LAR LSL VERR VERW"))
        set_rm(b, selector(), 2);
    if (form_is(f, "POP") && sreg) {
        uint32_t sel = selector() | rnd() << 16;
        push_words(b, osz, &sel, 1);
    }
    if (form_is(f, "POPF")) {
        uint32_t flags = popped_flags();
        push_words(b, osz, &flags, 1);
    }
    if (form_is(f, "ENTER")) {
        imm[0] &= 0x7f;
        imm[1] = 0;
        if (!chance(4))
            imm[2] &= 7;
    }
    if (form_is(f, "BSWAP") && b->p.op16)
        return false; /* undefined */
    if (form_is(f, "SHLD SHRD")) {
        if (!form_has_op(f, "CL"))
            *imm = (uint8_t)shift_count();
        if (b->opsize == 2 && ((form_has_op(f, "CL") ? r[ECX] : *imm) & 31) > 16)
            return false; /* undefined result */
    } else if (form_is(f, "ROL ROR RCL RCR SHL SHR SAR") && form_has_op(f, "Ib")) {
        *imm = (uint8_t)shift_count();
    }
    if (form_is(f, "BT BTS BTR BTC"))
        return bit_offset(b);
    if (form_is(f, "BOUND"))
        bounds(b);
    if (form_is(f, "CMPXCHG") && chance(2)) {
        unsigned rm = c->bytes[b->modrm_at] & 7;
        if (b->p.mem)
            poke_value(c, b->target, r[EAX], b->opsize);
        else if (b->opsize > 1 || rm < 4)
            r[rm] = (r[rm] & 0xff00) | (r[EAX] & 0xffff00ff);
    }
    if (form_is(f, "CMPXCHG8B") && chance(2)) {
        uint32_t v[2] = {r[EAX], r[EDX]};
        poke(c, b->target, v, 8);
    }
    if (form_is(f, "RDTSC"))
        c->any_regs = 1u << EAX | 1u << EDX;
    if (form_is(f, "CPUID"))
        c->any_regs = 1u << EAX | 1u << ECX | 1u << EDX | 1u << EBX;
    if (form_is(f, "INT"))
        *imm = chance(2) ? 3 : 4; /* the only gates that user code may use here, but for system calls */
    if (form_has_op(f, "Rd")) { /* mod does not count */
        c->bytes[b->modrm_at] = (uint8_t)((c->bytes[b->modrm_at] & 0x3f) | rnd() << 6);
        if (form_has_op(f, "Dd") && (c->bytes[b->modrm_at] >> 3 & 6) == 4)
            c->bytes[b->modrm_at] ^= 0x20; /* not DR4, DR5: those depend on CR4.DE */
        return !b->p.lock; /* AMD gives LOCK MOV CR a meaning */
    }
    return true;
}

unsigned special_undefined(const struct form *f, const struct testcase *c, unsigned undefined)
{
    bool shift = form_is(f, "SHL SHR SAR"), any = shift || form_is(f, "ROL ROR RCL RCR SHLD SHRD");
    if (c->vector >= 0 && !form_is(f, "DIV IDIV"))
        return 0; /* a fault changes nothing */
    if (!any)
        return undefined;
    unsigned count = form_has_op(f, "CL") ? c->in.regs[ECX] : form_has_op(f, "1") ? 1 : c->bytes[c->len - 1];
    unsigned bits = f->opsize == 1 ? 8 : c->op16 ? 16 : 32;
    count &= 31;
    if (count == 0)
        return 0;
    if (count == 1)
        undefined &= ~0x800u;
    if (form_is(f, "SHL SHR") && count >= bits)
        undefined |= 1;
    return undefined;
}
