/* Loads and stores of the simulated MIPS, which is little-endian and takes any alignment. */
#include "mips-sim-int.h"

#include <string.h>

uint8_t *sim_memory(struct mips_sim *s, uint64_t address, size_t size)
{
    for (size_t i = 0; i < sizeof(s->mem) / sizeof(s->mem[0]); i++)
        if (address >= s->mem[i].base && address - s->mem[i].base <= s->mem[i].size
            && size <= s->mem[i].size - (address - s->mem[i].base))
            return s->mem[i].bytes + (address - s->mem[i].base);
    s->error = "access to memory that is not there";
    return NULL;
}

static uint64_t load(struct mips_sim *s, uint64_t address, int size)
{
    uint64_t v = 0;
    uint8_t *p = sim_memory(s, address, (size_t)size);
    if (p)
        for (int i = 0; i < size; i++)
            v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static void store(struct mips_sim *s, uint64_t address, int size, uint64_t v)
{
    uint8_t *p = sim_memory(s, address, (size_t)size);
    if (p)
        for (int i = 0; i < size; i++)
            p[i] = (uint8_t)(v >> (8 * i));
}

/* The part of an unaligned word or doubleword that lies in the aligned one of `address'. */
static void unaligned(struct mips_sim *s, uint64_t address, int size, bool left, bool is_store, uint64_t *t)
{
    int at = (int)(address & (uint64_t)(size - 1));
    uint64_t base = address - (uint64_t)at;

    for (int i = 0; i < size; i++) {
        /* Byte i of the register: left takes the upper at + 1 bytes, right the lower size - at. */
        int place = left ? i - (size - 1 - at) : i + at;
        if (place < 0 || place >= size || (left && i < size - 1 - at))
            continue;
        if (is_store)
            store(s, base + (uint64_t)place, 1, *t >> (8 * i));
        else
            *t = (*t & ~(UINT64_C(0xff) << (8 * i))) | load(s, base + (uint64_t)place, 1) << (8 * i);
    }
    if (!is_store && size == 4)
        *t = (uint64_t)sign_extend(*t, 32);
}

static void load_fp(struct mips_sim *s, unsigned reg, uint64_t address, int size)
{
    uint64_t v = load(s, address, size);
    if (s->error)
        return;
    s->f[reg] = size == 4 ? v | (SCRAMBLE & ~UINT64_C(0xffffffff)) : v;
    s->w[reg] = SCRAMBLE;
}

/* gsl?x and gss?x, gslq and gssq. */
static void loongson(struct mips_sim *s, uint32_t w)
{
    uint64_t base = s->r[w >> 21 & 31], *t = &s->r[w >> 16 & 31], a;
    unsigned rt = w >> 16 & 31, low = w & 31;
    bool is_store = w >> 26 == 0x3a || w >> 26 == 0x3e;

    if (w >> 26 == 0x32 || w >> 26 == 0x3a) {
        a = base + (uint64_t)(sign_extend(w >> 6, 9) * 16);
        if (!(w & 0x20) || (a & 15)) {
            s->error = "unknown gslq or misaligned address";
        } else if (w & 0x8000) {
            if (is_store) {
                store(s, a, 8, s->f[rt]);
                store(s, a + 8, 8, s->f[low]);
            } else {
                load_fp(s, rt, a, 8);
                load_fp(s, low, a + 8, 8);
            }
        } else if (is_store) {
            store(s, a, 8, *t);
            store(s, a + 8, 8, s->r[low]);
        } else {
            *t = load(s, a, 8);
            s->r[low] = load(s, a + 8, 8);
        }
        return;
    }
    if (!(w >> 11 & 31)) {
        s->error = "$zero as index";
        return;
    }
    a = base + s->r[w >> 11 & 31] + (uint64_t)sign_extend(w >> 3, 8);
    if ((w & 7) >= 6) {
        int size = w & 1 ? 8 : 4;
        if (is_store)
            store(s, a, size, s->f[rt]);
        else
            load_fp(s, rt, a, size);
    } else if ((w & 7) < 4) {
        int size = 1 << (w & 7);
        if (is_store)
            store(s, a, size, *t);
        else
            *t = (uint64_t)sign_extend(load(s, a, size), size * 8);
    } else {
        s->error = "unknown indexed load or store";
    }
}

void sim_load_store(struct mips_sim *s, uint32_t w)
{
    unsigned rt = w >> 16 & 31;
    uint64_t *t = &s->r[rt], a = s->r[w >> 21 & 31] + (uint64_t)sign_extend(w, 16);

    switch (w >> 26) {
    case 0x1a: unaligned(s, a, 8, true, false, t); break;
    case 0x1b: unaligned(s, a, 8, false, false, t); break;
    case 0x22: unaligned(s, a, 4, true, false, t); break;
    case 0x26: unaligned(s, a, 4, false, false, t); break;
    case 0x2a: unaligned(s, a, 4, true, true, t); break;
    case 0x2e: unaligned(s, a, 4, false, true, t); break;
    case 0x2c: unaligned(s, a, 8, true, true, t); break;
    case 0x2d: unaligned(s, a, 8, false, true, t); break;
    case 0x20: *t = (uint64_t)sign_extend(load(s, a, 1), 8); break;
    case 0x21: *t = (uint64_t)sign_extend(load(s, a, 2), 16); break;
    case 0x23: *t = (uint64_t)sign_extend(load(s, a, 4), 32); break;
    case 0x24: *t = load(s, a, 1); break;
    case 0x25: *t = load(s, a, 2); break;
    case 0x27: *t = load(s, a, 4); break;
    case 0x37: *t = load(s, a, 8); break;
    case 0x28: store(s, a, 1, *t); break;
    case 0x29: store(s, a, 2, *t); break;
    case 0x2b: store(s, a, 4, *t); break;
    case 0x3f: store(s, a, 8, *t); break;
    case 0x31: load_fp(s, rt, a, 4); break;
    case 0x35: load_fp(s, rt, a, 8); break;
    case 0x39: store(s, a, 4, s->f[rt]); break;
    case 0x3d: store(s, a, 8, s->f[rt]); break;
    case 0x32: case 0x36: case 0x3a: case 0x3e: loongson(s, w); break;
    default: s->error = "unknown load or store";
    }
}
