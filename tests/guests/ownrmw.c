/* Read-modify-writes and stores into the very code that runs them, next to the same on data.
 *
 * Each round makes a small function: known registers and flags, one instruction on a memory operand,
 * then what came of it is stored.  It runs twice, with the operand in a variable and with the
 * operand being the immediate of a MOV a few bytes further on.  Flags, registers and memory must come out
 * the same, and the MOV must load what was written: a processor may run ahead or translate ahead as it
 * likes, but not so that it shows (SDM 3, 8.1.3 and 11.6).  Writing one's own code makes a translator
 * stop in the middle of an instruction, where carry, count or old value are easily lost, or the work is
 * done twice. */
#include "guest.h"

enum kind { DEFINED, SHIFT8, SHIFT, ROTATE, BIT };
enum { CF = 1, PF_ = 4, AF = 0x10, SF = 0x80, OF_ = 0x800 };

/* Opcode and ModR/M for [disp32]; ECX holds the count, EBX is 0 to 31, EDX lies on the stack. */
static const struct form {
    const char *name;
    u8 kind, len, op[3];
} forms[] = {
    {"RCL m8, 1", DEFINED, 2, {0xd0, 0x15}},
    {"RCR m8, 1", DEFINED, 2, {0xd0, 0x1d}},
    {"RCL m8, CL", ROTATE, 2, {0xd2, 0x15}},
    {"RCR m8, CL", ROTATE, 2, {0xd2, 0x1d}},
    {"ROL m8, CL", ROTATE, 2, {0xd2, 0x05}},
    {"ROR m8, CL", ROTATE, 2, {0xd2, 0x0d}},
    {"SHL m8, CL", SHIFT8, 2, {0xd2, 0x25}},
    {"SAR m8, CL", SHIFT8, 2, {0xd2, 0x3d}},
    {"RCL m32, 1", DEFINED, 2, {0xd1, 0x15}},
    {"RCR m32, 1", DEFINED, 2, {0xd1, 0x1d}},
    {"RCL m32, CL", ROTATE, 2, {0xd3, 0x15}},
    {"RCR m32, CL", ROTATE, 2, {0xd3, 0x1d}},
    {"ROL m32, CL", ROTATE, 2, {0xd3, 0x05}},
    {"ROR m32, CL", ROTATE, 2, {0xd3, 0x0d}},
    {"SHL m32, CL", SHIFT, 2, {0xd3, 0x25}},
    {"SHR m32, CL", SHIFT, 2, {0xd3, 0x2d}},
    {"SHLD m32, EDX, CL", SHIFT, 3, {0x0f, 0xa5, 0x15}},
    {"SHRD m32, EDX, CL", SHIFT, 3, {0x0f, 0xad, 0x15}},
    {"ADD m32, EDX", DEFINED, 2, {0x01, 0x15}},
    {"ADC m8, DL", DEFINED, 2, {0x10, 0x15}},
    {"ADC m32, EDX", DEFINED, 2, {0x11, 0x15}},
    {"SBB m32, EDX", DEFINED, 2, {0x19, 0x15}},
    {"INC m8", DEFINED, 2, {0xfe, 0x05}},
    {"INC m32", DEFINED, 2, {0xff, 0x05}},
    {"DEC m32", DEFINED, 2, {0xff, 0x0d}},
    {"NEG m32", DEFINED, 2, {0xf7, 0x1d}},
    {"NOT m32", DEFINED, 2, {0xf7, 0x15}},
    {"XADD m8, DL", DEFINED, 3, {0x0f, 0xc0, 0x15}},
    {"XADD m32, EDX", DEFINED, 3, {0x0f, 0xc1, 0x15}},
    {"CMPXCHG m8, DL", DEFINED, 3, {0x0f, 0xb0, 0x15}},
    {"CMPXCHG m32, EDX", DEFINED, 3, {0x0f, 0xb1, 0x15}},
    {"XCHG m8, DL", DEFINED, 2, {0x86, 0x15}},
    {"XCHG m32, EDX", DEFINED, 2, {0x87, 0x15}},
    {"BTS m32, EBX", BIT, 3, {0x0f, 0xab, 0x1d}},
    {"BTC m32, EBX", BIT, 3, {0x0f, 0xbb, 0x1d}},
    {"SETC m8", DEFINED, 3, {0x0f, 0x92, 0x05}},
    {"SETO m8", DEFINED, 3, {0x0f, 0x90, 0x05}},
    {"POP m32", DEFINED, 2, {0x8f, 0x05}},
    {"MOV m8, AH", DEFINED, 2, {0x88, 0x25}},
    {"MOV m16, DX", DEFINED, 3, {0x66, 0x89, 0x15}},
    {"MOV m32, EDX", DEFINED, 2, {0x89, 0x15}},
};

/* What leaves the flags that the instruction meets. */
static const u8 setups[][3] = {
    {0xf9, 0x90, 0x90}, /* stc */
    {0xf8, 0x90, 0x90}, /* clc */
    {0xf5, 0x90, 0x90}, /* cmc */
    {0x01, 0xd0, 0x90}, /* add eax, edx */
    {0x39, 0xd0, 0x90}, /* cmp eax, edx */
    {0x40, 0x90, 0x90}, /* inc eax */
    {0x01, 0xd0, 0x40}, /* add eax, edx; inc eax */
    {0x39, 0xc2, 0xf5}, /* cmp edx, eax; cmc */
    {0xd1, 0xc0, 0x90}, /* rol eax, 1 */
    {0xd1, 0xd8, 0x42}, /* rcr eax, 1; inc edx */
    {0x39, 0xc2, 0x48}, /* cmp edx, eax; dec eax */
    {0x01, 0xc2, 0xf9}, /* add edx, eax; stc */
};
enum { SETUPS = sizeof setups / sizeof *setups };

enum { EFLAGS, EAX, EDX, ECX, ESP, MEMORY, FIELDS, LOADED = FIELDS };
static u32 out[FIELDS + 1];
static u32 data;

static u32 rnd(void)
{
    static u32 seed = 12345;
    seed = seed * 1103515245 + 12345;
    return seed >> 8 ^ seed << 20;
}

/* What the manual leaves undefined cannot be compared. */
static u32 undefined(u32 kind, u32 count)
{
    switch (kind) {
    case SHIFT8:
    case SHIFT:
        return (count ? AF : 0) | (count > 1 ? OF_ : 0) | (kind == SHIFT8 && count >= 8 ? CF : 0);
    case ROTATE:
        return count > 1 ? OF_ : 0;
    case BIT:
        return PF_ | AF | SF | OF_;
    default:
        return 0;
    }
}

static u8 *at;
static void byte(u8 v)
{
    *at++ = v;
}
static void dword(u32 v)
{
    memcpy(at, &v, 4);
    at += 4;
}
/* opcode and ModR/M of an instruction with [disp32] */
static void memory(u8 opcode, u8 modrm, u32 address)
{
    byte(opcode);
    byte(modrm);
    dword(address);
}

struct inputs {
    u32 operand, eax, ecx, edx, ebx;
};
enum { OPERAND_AT = 35 }; /* and the opcode's length */

static void build(u8 *p, const struct form *f, const u8 *setup, const struct inputs *in, bool own)
{
    u32 target = own ? (u32)p + OPERAND_AT + f->len : (u32)&data;
    at = p;
    byte(0x60); /* pusha */
    byte(0xb8);
    dword(in->eax);
    byte(0xb9);
    dword(in->ecx);
    byte(0xba);
    dword(in->edx);
    byte(0xbb);
    dword(in->ebx);
    byte(0x68); /* push: what POP takes */
    dword(in->edx);
    for (u32 i = 0; i < 3; i++)
        byte(setup[i]);
    for (u32 i = 0; i < f->len; i++)
        byte(f->op[i]);
    dword(target);
    byte(0x9c); /* pushf */
    byte(0xbe); /* mov esi, the operand */
    dword(in->operand);
    memory(0x8f, 0x05, (u32)&out[EFLAGS]); /* pop */
    memory(0x89, 0x35, (u32)&out[LOADED]);
    memory(0x89, 0x05, (u32)&out[EAX]);
    memory(0x89, 0x15, (u32)&out[EDX]);
    memory(0x89, 0x0d, (u32)&out[ECX]);
    memory(0x89, 0x25, (u32)&out[ESP]);
    memory(0x8b, 0x35, target); /* mov esi, [target] */
    memory(0x89, 0x35, (u32)&out[MEMORY]);
    if (f->op[0] != 0x8f) {
        byte(0x83); /* add esp, 4 */
        byte(0xc4);
        byte(4);
    }
    byte(0x61); /* popa */
    byte(0xc3); /* ret */
    data = in->operand;
}

static void call(const u8 *p)
{
    u32 esp;
    __asm__ volatile("mov %%esp, %0; call *%1" : "=&r"(esp) : "r"(p) : "memory", "cc");
    out[ESP] -= esp;
}

/* 0, or a bit for each field that came out different. */
static u32 round(const struct form *f, const u8 *setup, const struct inputs *in, u8 *where)
{
    u32 want[FIELDS], differ = 0;
    build(pages[0], f, setup, in, 0);
    call(pages[0]);
    memcpy(want, out, sizeof want);
    build(where, f, setup, in, 1);
    call(where);
    for (u32 i = 0; i < FIELDS; i++)
        if ((out[i] ^ want[i]) & (i == EFLAGS ? ~undefined(f->kind, in->ecx & 31) : ~0u))
            differ |= 1u << i;
    if (out[LOADED] != want[MEMORY])
        differ |= 1u << LOADED;
    return differ;
}

void test(void)
{
    for (u32 i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct form *f = &forms[i];
        u32 same_page = 0, two_pages = 0;
        for (u32 s = 0; s < SETUPS; s++)
            for (u32 k = 0; k < 4; k++) {
                struct inputs in = {rnd(), rnd(), rnd(), rnd(), rnd() & 31};
                if (k == 1) /* count 0: nothing changes */
                    in.ecx &= ~31u;
                if (k == 2) { /* count 1: OF is defined; CMPXCHG finds what it expects */
                    in.ecx = (in.ecx & ~31u) | 1;
                    in.eax = in.operand;
                }
                same_page |= round(f, setups[s], &in, pages[1] + 16 * k);
                /* The operand lies on two pages. */
                two_pages |= round(f, setups[s], &in, pages[2] - 1 - k % 3 - OPERAND_AT - f->len);
            }
        check(f->name, same_page, 0);
        check(" on two pages", two_pages, 0);
    }
}
