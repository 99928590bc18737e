/* A chain is one piece of 32-bit code.  For each case it has: stores that poke the case's memory,
 * instructions that produce the case's flags and registers, the recorded instruction, a look at the flags (or
 * not: then they are dead), stores of the registers, copies of the memory that
 * changed, and stores that put the memory back.
 *
 * Flags before the case come from ADD, SAHF and CLD or STD rather than POPF, since that ends a block. */
#include "vec-chain.h"

#include <stdio.h>
#include <string.h>

#include "flags.h"
#include "vec-compare.h"

enum {
    SLOT = 0x400, SLOT_FLAGS = 32, SLOT_COND = 36, SLOT_MEM = 64, SLOT_XMM = SLOT - 192, SLOT_MMX = SLOT - 64,
    /* For each case its XMM and MMX registers before it. */
    INPUTS = 0x70000, INPUT = 192, INPUT_MMX = 128
};
enum { LOOK_PUSHF, LOOK_NONE, LOOK_SETCC, LOOK_JCC, LOOKS };

struct code {
    uint8_t bytes[0x8000];
    unsigned len;
};

static void op(struct code *c, const char *bytes, unsigned n)
{
    memcpy(c->bytes + c->len, bytes, n);
    c->len += n;
}

static void imm(struct code *c, uint32_t v, unsigned n)
{
    memcpy(c->bytes + c->len, &v, n);
    c->len += n;
}

#define OP(c, s) op(c, s, sizeof s - 1)

static void store_bytes(struct code *c, uint32_t addr, const uint8_t *bytes, unsigned len)
{
    while (len) {
        unsigned n = len >= 4 ? 4 : 1;
        if (n == 4)
            OP(c, "\xc7\x05"); /* mov dword [addr], imm32 */
        else
            OP(c, "\xc6\x05");
        imm(c, addr, 4);
        op(c, (const char *)bytes, n);
        addr += n;
        bytes += n;
        len -= n;
    }
}

static void store_pattern(struct code *c, uint32_t addr, unsigned len)
{
    uint8_t bytes[255];
    for (unsigned i = 0; i < len; i++)
        bytes[i] = world_byte(addr + i);
    store_bytes(c, addr, bytes, len);
}

/* MMX registers as MMX leaves them, before and after; nothing unusual in MXCSR. */
static bool simd_takes(const struct vec_case *c)
{
    const struct vec_fpu *in = &c->in.fpu, *out = &c->out.fpu;
    if (!c->simd)
        return true;
    for (unsigned i = 0; i < 8; i++)
        if (in->reg[i][8] != 0xff || in->reg[i][9] != 0xff || out->reg[i][8] != 0xff || out->reg[i][9] != 0xff
            || (in->tw >> 2 * i & 3) == 3 || (out->tw >> 2 * i & 3) == 3)
            return false;
    return in->cw == WORLD_CW && out->cw == WORLD_CW && in->sw == WORLD_SW && out->sw == WORLD_SW
        && (c->in.mxcsr & ~0x3fu) == WORLD_MXCSR && (c->out.mxcsr & ~0x3fu) == WORLD_MXCSR
        && !strstr(c->form, "MXCSR") && strncmp(c->form, "FX", 2);
}

static bool x87_case(const struct vec_case *c)
{
    return c->form[0] == 'F' && !c->simd;
}

bool vec_chain_takes(const struct vec_case *c)
{
    static const uint16_t segs[SEG_COUNT] = {WORLD_DS, WORLD_CS32, WORLD_DS, WORLD_DS, WORLD_FS, WORLD_GS};
    unsigned bytes = 0;
    for (unsigned i = 0; i < c->n_out; i++)
        bytes += (c->mem_out[i].len + 3u) & ~3u;
    const uint32_t other_flags = ~(uint32_t)(CC_ARITH | DF_MASK | 0x202);
    return c->vector < 0 && c->eip == (uint32_t)WORLD_START + c->len
        && memcmp(c->in.segs, segs, sizeof segs) == 0 && memcmp(c->out.segs, segs, sizeof segs) == 0
        && !(c->in.eflags & other_flags) && !(c->out.eflags & other_flags) && !x87_case(c)
        && bytes <= SLOT_XMM - SLOT_MEM && simd_takes(c)
        && strncmp(c->form, "CALL", 4) && strncmp(c->form, "RET", 3) && strncmp(c->form, "J", 1)
        && strncmp(c->form, "IRET", 4) && strncmp(c->form, "LOOP", 4);
}

/* Bits of EFLAGS that a condition reads. */
static uint32_t cond_reads(unsigned cond)
{
    static const uint32_t reads[8] = {CC_O, CC_C, CC_Z, CC_C | CC_Z, CC_S, CC_P, CC_S | CC_O,
                                      CC_S | CC_O | CC_Z};
    return reads[cond >> 1 & 7];
}

static bool cond_true(uint32_t f, unsigned cond)
{
    bool s = f & CC_S, o = f & CC_O, z = f & CC_Z, v = false;
    switch (cond >> 1) {
    case 0: v = o; break;
    case 1: v = f & CC_C; break;
    case 2: v = z; break;
    case 3: v = z || (f & CC_C); break;
    case 4: v = s; break;
    case 5: v = f & CC_P; break;
    case 6: v = s != o; break;
    case 7: v = z || s != o; break;
    }
    return v != (cond & 1);
}

struct plan {
    unsigned look, cond;
};

static struct plan plan_of(const struct vec_case *c, unsigned variant)
{
    uint32_t hash = (c->line * 2654435761u >> 8) + variant * 7;
    struct plan p = {hash % LOOKS, hash / LOOKS % 16};
    if (p.look >= LOOK_SETCC && (cond_reads(p.cond) & c->undefined))
        p.look = LOOK_PUSHF;
    return p;
}

/* Does the case read or write the register, or is its encoding among those that might? */
static bool uses_xmm(const struct vec_case *c, unsigned r)
{
    const uint8_t *opcode = memchr(c->bytes, 0x0f, c->len);
    uint8_t modrm = opcode && opcode + 2 < c->bytes + c->len ? opcode[2] : 0;
    bool named = (modrm & 7u) == r || (modrm >> 3 & 7u) == r;
    return c->simd && (named || memcmp(&c->in.xmm[r], &c->out.xmm[r], 16) != 0);
}

static bool uses_mmx(const struct vec_case *c)
{
    return c->simd && (memcmp(c->in.fpu.reg, c->out.fpu.reg, sizeof c->in.fpu.reg) || strstr(c->form, "_PQ")
                       || strstr(c->form, "_QQ") || strstr(c->form, "_NQ") || strstr(c->form, "_QD"));
}

/* movups xmmR, [addr] and movq mmR, [addr], or the other way. */
static void emit_vectors(struct code *code, const struct vec_case *c, uint32_t xmm, uint32_t mmx, bool store)
{
    for (unsigned r = 0; r < 8; r++) {
        if (uses_xmm(c, r)) {
            op(code, store ? "\x0f\x11" : "\x0f\x10", 2);
            imm(code, 5 | r << 3, 1);
            imm(code, xmm + 16 * r, 4);
        }
        if (uses_xmm(c, r) && uses_mmx(c)) {
            op(code, store ? "\x0f\x7f" : "\x0f\x6f", 2);
            imm(code, 5 | r << 3, 1);
            imm(code, mmx + 8 * r, 4);
        }
    }
}

static void emit_case(struct code *code, const struct vec_case *c, uint32_t slot, uint32_t input,
                      struct plan p, unsigned nops)
{
    uint32_t f = c->in.eflags;
    for (unsigned i = 0; i < c->n_in; i++)
        store_bytes(code, c->mem_in[i].addr, c->mem_in[i].bytes, c->mem_in[i].len);
    while (nops--)
        OP(code, "\x90");
    emit_vectors(code, c, input, input + INPUT_MMX, false);
    op(code, (f & CC_O) ? "\xb0\x40" : "\xb0\x01", 2); /* mov al, 40h or 1 */
    OP(code, "\x00\xc0");                               /* add al, al: OF */
    OP(code, "\xb4");                                   /* mov ah, flags */
    imm(code, (f & 0xd5) | 2, 1);
    OP(code, "\x9e");                                   /* sahf */
    op(code, (f & DF_MASK) ? "\xfd" : "\xfc", 1);
    for (unsigned r = 0; r < 8; r++) {
        imm(code, 0xb8 + r, 1);
        imm(code, c->in.regs[r], 4);
    }
    op(code, (const char *)c->bytes, c->len);
    if (p.look == LOOK_SETCC) {
        OP(code, "\x0f");
        imm(code, 0x90 + p.cond, 1);
        OP(code, "\x05");
        imm(code, slot + SLOT_COND, 4);
    } else if (p.look == LOOK_JCC) {
        imm(code, 0x70 + (p.cond ^ 1), 1); /* over the store when the condition is false */
        OP(code, "\x07\xc6\x05");
        imm(code, slot + SLOT_COND, 4);
        OP(code, "\x01");
    }
    for (unsigned r = 0; r < 8; r++) {
        OP(code, "\x89");
        imm(code, 5 | r << 3, 1);
        imm(code, slot + 4 * r, 4);
    }
    if (p.look == LOOK_PUSHF) {
        OP(code, "\xbc"); /* mov esp, VEC_STACK */
        imm(code, VEC_STACK, 4);
        OP(code, "\x9c\x8f\x05"); /* pushf; pop [slot] */
        imm(code, slot + SLOT_FLAGS, 4);
    } else {
        OP(code, "\x85\xc0"); /* test eax, eax: the flags are dead */
    }
    emit_vectors(code, c, slot + SLOT_XMM, slot + SLOT_MMX, true);
    uint32_t to = slot + SLOT_MEM;
    for (unsigned i = 0; i < c->n_out; i++)
        for (unsigned j = 0; j < c->mem_out[i].len; j += 4, to += 4) {
            OP(code, "\xa1"); /* mov eax, [..]; mov [slot], eax */
            imm(code, c->mem_out[i].addr + j, 4);
            OP(code, "\xa3");
            imm(code, to, 4);
        }
    for (unsigned i = 0; i < c->n_in; i++)
        store_pattern(code, c->mem_in[i].addr, c->mem_in[i].len);
    for (unsigned i = 0; i < c->n_out; i++)
        store_pattern(code, c->mem_out[i].addr, c->mem_out[i].len);
}

static bool check_case(const struct vec_case *c, const uint8_t *slot, struct plan p)
{
    static const char *const looks[] = {"pushf", "flags dead", "setcc", "jcc"};
    const uint32_t care = (CC_ARITH | DF_MASK) & ~c->undefined;
    uint32_t regs[8], flags;
    bool ok = true;
    memcpy(regs, slot, 32);
    memcpy(&flags, slot + SLOT_FLAGS, 4);
    for (int r = 0; r < 8; r++)
        if (regs[r] != c->out.regs[r] && !(c->any_regs >> r & 1)) {
            fprintf(stderr, "%s:%u: %s in a chain (%s): register %d is %x, not %x\n", c->file, c->line,
                    c->form, looks[p.look], r, regs[r], c->out.regs[r]);
            ok = false;
        }
    if (p.look == LOOK_PUSHF && ((flags ^ c->out.eflags) & care)) {
        fprintf(stderr, "%s:%u: %s in a chain: flags are %x, not %x (%x undefined)\n", c->file, c->line,
                c->form, flags, c->out.eflags, c->undefined);
        ok = false;
    }
    if (p.look >= LOOK_SETCC && (slot[SLOT_COND] == 1) != cond_true(c->out.eflags, p.cond)) {
        fprintf(stderr, "%s:%u: %s in a chain (%s): condition %u is wrong after it\n", c->file, c->line,
                c->form, looks[p.look], p.cond);
        ok = false;
    }
    for (unsigned r = 0; r < 8; r++) {
        union xmm_reg xmm;
        memcpy(&xmm, slot + SLOT_XMM + 16 * r, 16);
        if (uses_xmm(c, r) && !vec_xmm_equal(c, r, &xmm)) {
            fprintf(stderr, "%s:%u: %s in a chain (%s): XMM%u is %llx%016llx, not %llx%016llx\n", c->file,
                    c->line, c->form, looks[p.look], r, (unsigned long long)xmm.q[1],
                    (unsigned long long)xmm.q[0],
                    (unsigned long long)c->out.xmm[r].q[1], (unsigned long long)c->out.xmm[r].q[0]);
            ok = false;
        }
        if (uses_mmx(c) && uses_xmm(c, r) && memcmp(slot + SLOT_MMX + 8 * r, c->out.fpu.reg[r], 8) != 0) {
            fprintf(stderr, "%s:%u: %s in a chain (%s): MM%u is wrong\n", c->file, c->line, c->form,
                    looks[p.look], r);
            ok = false;
        }
    }
    unsigned at = SLOT_MEM;
    for (unsigned i = 0; i < c->n_out; i++) {
        if (memcmp(slot + at, c->mem_out[i].bytes, c->mem_out[i].len) != 0) {
            fprintf(stderr, "%s:%u: %s in a chain (%s): memory at %x is wrong\n", c->file, c->line, c->form,
                    looks[p.look], c->mem_out[i].addr);
            ok = false;
        }
        at += (c->mem_out[i].len + 3u) & ~3u;
    }
    return ok;
}

bool vec_chain_run(CPUX86State *env, const struct vec_case *const *cases, unsigned n, unsigned variant)
{
    static struct code code;
    uint8_t *ram = vec_machine_ram(env);
    bool ok = true;
    code.len = 0;
    for (unsigned a = WORLD_DATA; a < WORLD_DATA_END; a++)
        ram[a] = world_byte(a);
    memset(ram + VEC_CHAIN_RESULTS, 0, n * SLOT);
    for (unsigned i = 0; i < n; i++)
        emit_case(&code, cases[i], VEC_CHAIN_RESULTS + i * SLOT, INPUTS + i * INPUT,
                  plan_of(cases[i], variant), (variant + i) % 5);
    for (unsigned i = 0; i < n; i++)
        for (unsigned r = 0; r < 8; r++) {
            memcpy(ram + INPUTS + i * INPUT + 16 * r, &cases[i]->in.xmm[r], 16);
            memcpy(ram + INPUTS + i * INPUT + INPUT_MMX + 8 * r, cases[i]->in.fpu.reg[r], 8);
        }
    OP(&code, "\xcc");
    vec_machine_code(env, VEC_CHAIN_CODE, code.bytes, code.len);
    struct vec_state start = cases[0]->in;
    uint32_t least = WORLD_MXCSR, most = WORLD_MXCSR;
    start.mxcsr = WORLD_MXCSR;
    for (unsigned i = 0; i < n; i++) {
        least |= cases[i]->out.mxcsr & ~cases[i]->in.mxcsr;
        most |= cases[i]->out.mxcsr;
    }
    vec_machine_set(env, &start, VEC_CHAIN_CODE);
    if (!vec_machine_run(env, 100000) || env->exception_index != EXCP_BP) {
        fprintf(stderr, "%s:%u: chain of %u cases from here: ends with exception %d at %x\n", cases[0]->file,
                cases[0]->line, n, env->exception_index, env->eip);
        return false;
    }
    if ((env->mxcsr & least) != least || (env->mxcsr | most) != most) {
        fprintf(stderr, "%s:%u: chain of %u cases from here: MXCSR is %x, not %x to %x\n", cases[0]->file,
                cases[0]->line, n, env->mxcsr, least, most);
        ok = false;
    }
    for (unsigned i = 0; i < n; i++)
        ok &= check_case(cases[i], ram + VEC_CHAIN_RESULTS + i * SLOT, plan_of(cases[i], variant));
    for (unsigned a = WORLD_DATA; a < WORLD_DATA_END && ok; a++)
        if (ram[a] != world_byte(a)) {
            fprintf(stderr, "%s:%u: chain of %u cases from here: memory at %x changed\n", cases[0]->file,
                    cases[0]->line, n, a);
            ok = false;
        }
    return ok;
}
