/* The decoder: walks the tables that isagen made from isa.tab.
 *
 * What the tables cannot say is here: prefixes, addressing forms, immediates, the length limit
 * and LOCK.  A ModRM pattern that no row claims (a register where memory is
 * wanted, CR1, MOV to CS, ...) is #UD by absence. */
#include <string.h>

#include "cpu.h"
#include "insn.h"

#define MAX_INSN_LEN 15

enum {
    P_NONE, P_OPSIZE, P_ADDRSIZE, P_LOCK, P_REPNE, P_REP,
    P_SEG /* + R_ES .. R_GS */
};

static const uint8_t prefix_kind[256] = {
    [0x66] = P_OPSIZE, [0x67] = P_ADDRSIZE, [0xf0] = P_LOCK, [0xf2] = P_REPNE, [0xf3] = P_REP,
    [0x26] = P_SEG + R_ES, [0x2e] = P_SEG + R_CS, [0x36] = P_SEG + R_SS, [0x3e] = P_SEG + R_DS,
    [0x64] = P_SEG + R_FS, [0x65] = P_SEG + R_GS
};

struct cursor {
    const uint8_t *p, *end;
    bool overrun; /* something was read beyond end */
};

static inline uint32_t next8(struct cursor *c)
{
    if (__builtin_expect(c->p >= c->end, 0)) {
        c->overrun = true;
        return 0;
    }
    return *c->p++;
}

static inline uint32_t next16(struct cursor *c)
{
    uint16_t v;
    if (__builtin_expect(c->end - c->p < 2, 0)) {
        c->overrun = true;
        return 0;
    }
    memcpy(&v, c->p, 2);
    c->p += 2;
    return v;
}

static inline uint32_t next32(struct cursor *c)
{
    uint32_t v;
    if (__builtin_expect(c->end - c->p < 4, 0)) {
        c->overrun = true;
        return 0;
    }
    memcpy(&v, c->p, 4);
    c->p += 4;
    return v;
}

/* SDM 2, table 2-1. */
static void address16(struct cursor *c, unsigned modrm, struct insn *insn, int *def_seg)
{
    static const uint8_t base[8] = { R_EBX, R_EBX, R_EBP, R_EBP, R_ESI, R_EDI, R_EBP, R_EBX };
    static const uint8_t index[8] = { R_ESI, R_EDI, R_ESI, R_EDI,
                                      INSN_NOREG, INSN_NOREG, INSN_NOREG, INSN_NOREG };
    unsigned mod = modrm >> 6, rm = modrm & 7;
    if (mod == 0 && rm == 6) {
        insn->disp = (int16_t)next16(c);
        return;
    }
    insn->base = base[rm];
    insn->index = index[rm];
    if (insn->base == R_EBP)
        *def_seg = R_SS;
    if (mod == 1)
        insn->disp = (int8_t)next8(c);
    else if (mod == 2)
        insn->disp = (int16_t)next16(c);
}

/* SDM 2, tables 2-2 and 2-3. */
static void address32(struct cursor *c, unsigned modrm, struct insn *insn, int *def_seg)
{
    unsigned mod = modrm >> 6, base = modrm & 7;
    if (base == R_ESP) {
        unsigned sib = next8(c);
        base = sib & 7;
        if ((sib >> 3 & 7) != R_ESP) {
            insn->index = sib >> 3 & 7;
            insn->scale = (uint8_t)(sib >> 6);
        }
    }
    if (mod == 0 && base == R_EBP) {
        insn->disp = (int32_t)next32(c);
        return;
    }
    insn->base = (uint8_t)base;
    if (base == R_ESP || base == R_EBP)
        *def_seg = R_SS;
    if (mod == 1)
        insn->disp = (int8_t)next8(c);
    else if (mod == 2)
        insn->disp = (int32_t)next32(c);
}

/* Bytes of a size class for a register (or immediate), and in memory; by operand size 2 and 4. */
static const struct class_size {
    uint8_t reg[2], mem[2];
} class_size[] = {
    [ISA_SZ_0] = {{0, 0}, {0, 0}},     [ISA_SZ_B] = {{1, 1}, {1, 1}},   [ISA_SZ_W] = {{2, 2}, {2, 2}},
    [ISA_SZ_D] = {{4, 4}, {4, 4}},     [ISA_SZ_Q] = {{8, 8}, {8, 8}},   [ISA_SZ_T] = {{10, 10}, {10, 10}},
    [ISA_SZ_DQ] = {{16, 16}, {16, 16}}, [ISA_SZ_S] = {{6, 6}, {6, 6}},  [ISA_SZ_V] = {{2, 4}, {2, 4}},
    [ISA_SZ_P] = {{4, 6}, {4, 6}},     [ISA_SZ_A] = {{4, 8}, {4, 8}},   [ISA_SZ_VW] = {{2, 4}, {2, 2}},
    [ISA_SZ_DW] = {{4, 4}, {2, 2}},
};

static inline void set_operand(struct operand *op, unsigned kind, unsigned size, unsigned reg)
{
    op->kind = (uint8_t)kind;
    op->size = (uint8_t)size;
    op->reg = (uint8_t)reg;
}

static inline void rm_operand(struct operand *op, unsigned reg_kind, unsigned reg_size, unsigned mem_size,
                              unsigned modrm)
{
    if (modrm >= 0xc0)
        set_operand(op, reg_kind, reg_size, modrm & 7);
    else
        set_operand(op, OPK_MEM, mem_size, 0);
}

static inline uint32_t immediate(struct cursor *c, unsigned size)
{
    return size == 1 ? next8(c) : size == 2 ? next16(c) : next32(c);
}

static inline uint32_t sign_extend(uint32_t v, unsigned size)
{
    return size == 1 ? (uint32_t)(int8_t)v : size == 2 ? (uint32_t)(int16_t)v : v;
}

/* opsize: the effective operand size, 2 or 4. */
static void decode_operands(struct cursor *c, const struct isa_layout *lay, unsigned opsize,
                            struct insn *insn)
{
    unsigned modrm = insn->opcode[1], reg = modrm >> 3 & 7;
    for (unsigned i = 0; i < lay->nops; i++) {
        struct operand *op = &insn->op[i];
        const struct class_size *sizes = &class_size[lay->op[i].size];
        unsigned size = sizes->reg[opsize >> 2];
        switch (lay->op[i].how) {
        case ISA_HOW_E:
            rm_operand(op, OPK_REG, size, sizes->mem[opsize >> 2], modrm);
            break;
        case ISA_HOW_G:
            set_operand(op, OPK_REG, size, reg);
            break;
        case ISA_HOW_M:
            set_operand(op, OPK_MEM, size, 0);
            break;
        case ISA_HOW_R:
            set_operand(op, OPK_REG, size, modrm & 7);
            break;
        case ISA_HOW_I:
            insn->imm = immediate(c, size);
            set_operand(op, OPK_IMM, size, 0);
            break;
        case ISA_HOW_IS:
            insn->imm = sign_extend(next8(c), 1);
            set_operand(op, OPK_IMM, size, 0);
            break;
        case ISA_HOW_I2:
            insn->imm2 = next8(c);
            set_operand(op, OPK_IMM2, 1, 0);
            break;
        case ISA_HOW_ONE:
            insn->imm = 1;
            set_operand(op, OPK_IMM, 1, 0);
            break;
        case ISA_HOW_J:
            insn->imm = sign_extend(immediate(c, size), size);
            set_operand(op, OPK_REL, size, 0);
            break;
        case ISA_HOW_A:
            insn->imm = immediate(c, opsize);
            insn->imm2 = next16(c);
            set_operand(op, OPK_FAR, size, 0);
            break;
        case ISA_HOW_O:
            insn->disp = insn->addrsize == 2 ? (int16_t)next16(c) : (int32_t)next32(c);
            set_operand(op, OPK_MEM, size, 0);
            break;
        case ISA_HOW_SREG:
            set_operand(op, OPK_SREG, 2, lay->op[i].arg);
            break;
        case ISA_HOW_CREG:
            set_operand(op, OPK_CR, 4, reg);
            break;
        case ISA_HOW_DREG:
            set_operand(op, OPK_DR, 4, reg);
            break;
        case ISA_HOW_OPREG:
            set_operand(op, OPK_REG, size, insn->opcode[0] & 7);
            break;
        case ISA_HOW_FIXREG:
            set_operand(op, OPK_REG, size, lay->op[i].arg);
            break;
        case ISA_HOW_ST:
            set_operand(op, OPK_ST, 10, 0);
            break;
        case ISA_HOW_STI:
            set_operand(op, OPK_ST, 10, modrm & 7);
            break;
        case ISA_HOW_P:
            set_operand(op, OPK_MMX, 8, reg);
            break;
        case ISA_HOW_Q:
            rm_operand(op, OPK_MMX, 8, size, modrm);
            break;
        case ISA_HOW_N:
            set_operand(op, OPK_MMX, 8, modrm & 7);
            break;
        case ISA_HOW_V:
            set_operand(op, OPK_XMM, 16, reg);
            break;
        case ISA_HOW_W:
            rm_operand(op, OPK_XMM, 16, size, modrm);
            break;
        case ISA_HOW_U:
            set_operand(op, OPK_XMM, 16, modrm & 7);
            break;
        }
    }
}

/* MOV CRn and DRn take ModRM.mod as 3 whatever it is (SDM 2, "MOV - Move to/from Control
 * Registers"), so no address bytes follow. */
static inline bool ignores_mod(const struct isa_layout *lay)
{
    return lay->op[0].how == ISA_HOW_CREG || lay->op[0].how == ISA_HOW_DREG || lay->op[0].how == ISA_HOW_R;
}

enum decode_status decode_insn(const uint8_t *bytes, size_t avail, int mode, struct insn *insn)
{
    struct cursor c = { bytes, bytes + (avail < MAX_INSN_LEN ? avail : MAX_INSN_LEN), false };
    enum decode_status at_end = avail < MAX_INSN_LEN ? DECODE_MORE : DECODE_TOOLONG;
    enum decode_status status = DECODE_UD;
    unsigned prefixes = 0, pfx = 0, opsize, kind, opcode, entry;
    int seg = -1, def_seg = R_DS;

    memset(insn, 0, sizeof(*insn));
    insn->base = insn->index = INSN_NOREG;

    opcode = next8(&c);
    while (__builtin_expect((kind = prefix_kind[opcode]) != P_NONE, 0)) {
        switch (kind) {
        case P_OPSIZE:
            prefixes |= INSN_OPSIZE;
            break;
        case P_ADDRSIZE:
            prefixes |= INSN_ADDRSIZE;
            break;
        case P_LOCK:
            prefixes |= INSN_LOCK;
            break;
        case P_REPNE:
            prefixes = (prefixes & ~(unsigned)INSN_REP) | INSN_REPNE;
            break;
        case P_REP:
            prefixes = (prefixes & ~(unsigned)INSN_REPNE) | INSN_REP;
            break;
        default:
            prefixes |= INSN_SEGOVR;
            seg = (int)kind - P_SEG;
            break;
        }
        opcode = next8(&c);
    }
    insn->addrsize = (mode == DECODE_32) != !!(prefixes & INSN_ADDRSIZE) ? 4 : 2;
    opsize = (mode == DECODE_32) != !!(prefixes & INSN_OPSIZE) ? 4 : 2;
    /* Which column of the map: F2 and F3 go before 66 (SDM 2, 2.1.2). */
    if (prefixes & (INSN_REP | INSN_REPNE))
        pfx = prefixes & INSN_REP ? 2 : 3;
    else if (prefixes & INSN_OPSIZE)
        pfx = 1;

    unsigned map = 0;
    if (opcode == 0x0f) {
        map = 1;
        opcode = next8(&c);
    }
    if (c.overrun) {
        status = at_end;
        goto out;
    }
    insn->opcode[0] = (uint8_t)opcode;
    entry = isa_map[map][pfx][opcode];
    if (entry == FORM_INVALID)
        goto out;
    if (entry & (ISA_ENTRY_GROUP | ISA_ENTRY_RM)) {
        unsigned modrm = next8(&c);
        if (c.overrun) {
            status = at_end;
            goto out;
        }
        insn->opcode[1] = (uint8_t)modrm;
        entry = isa_group[entry & ISA_ENTRY_INDEX][(modrm >= 0xc0 ? 8 : 0) | (modrm >> 3 & 7)];
        if (entry & ISA_ENTRY_RM)
            entry = isa_rm[entry & ISA_ENTRY_INDEX][modrm & 7];
        if (entry == FORM_INVALID)
            goto out;
    } else if (isa_layout[entry].modrm) {
        insn->opcode[1] = (uint8_t)next8(&c);
    }

    const struct isa_layout *lay = &isa_layout[entry];
    if (lay->modrm && insn->opcode[1] < 0xc0 && !c.overrun && !ignores_mod(lay)) {
        if (insn->addrsize == 4)
            address32(&c, insn->opcode[1], insn, &def_seg);
        else
            address16(&c, insn->opcode[1], insn, &def_seg);
    }
    decode_operands(&c, lay, opsize, insn);
    insn->nops = lay->nops;
    insn->opsize = lay->opsize ? lay->opsize : (uint8_t)opsize;
    insn->cond = lay->cond;
    insn->seg = (uint8_t)(seg >= 0 ? seg : def_seg);
    if (c.overrun) {
        status = at_end;
        goto out;
    }
    if ((prefixes & INSN_LOCK) && !(lay->lockable && insn->op[0].kind == OPK_MEM))
        goto out;
    if (lay->prefix == 0x66)
        prefixes &= ~(unsigned)INSN_OPSIZE;
    else if (lay->prefix)
        prefixes &= ~(unsigned)(INSN_REP | INSN_REPNE);
    insn->form = (uint16_t)entry;
    insn->mnem = isa_info[entry].mnem;
    status = DECODE_OK;
out:
    insn->prefixes = (uint8_t)prefixes;
    insn->len = (uint8_t)(c.p - bytes);
    return status;
}
