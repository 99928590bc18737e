/* The fixed world of recorded cases (README in this folder), for the recorder and for the
 * test that replays them. */
#ifndef STITCH86_VECTOR_WORLD_H
#define STITCH86_VECTOR_WORLD_H

#include <stdint.h>

enum {
    WORLD_DATA = 0x4000, WORLD_DATA_END = 0x6000, /* scratch memory, filled by world_byte() */
    WORLD_CODE = 0x8000, WORLD_CODE_END = 0xa000, /* filled with CC */
    WORLD_START = 0x9000                          /* where the instruction stands */
};

/* Selectors. */
enum {
    WORLD_CS32 = 0x23, WORLD_DS = 0x2b, /* GDT: flat, DPL 3 */
    WORLD_CS16 = 0x0f,                  /* LDT: code, base 0, limit FFFF, D=0, readable */
    WORLD_SS16 = 0x17,                  /* LDT: data, base 0, limit FFFF, B=0 */
    WORLD_NP = 0x1f,                    /* LDT: data, not present */
    WORLD_RO = 0x27,                    /* LDT: data, read-only, base 0, limit FFFFF pages */
    WORLD_XO = 0x2f,                    /* LDT: code, execute-only, base 0, limit FFFFF pages, D=1 */
    WORLD_FS = 0x37,                    /* LDT: data, base 4000, limit 17FF, B=1 */
    WORLD_GS = 0x3f,                    /* LDT: data, expand-down, base 0, limit 4FFF, B=1 */
    WORLD_LDT_ENTRIES = 8
};

/* Initial contents of scratch memory. */
static inline uint8_t world_byte(uint32_t addr)
{
    uint32_t x = addr * 2654435761u;
    return (uint8_t)(x >> 24 ^ x >> 13);
}

/* Registers where a case does not name them. */
static inline uint32_t world_reg(unsigned reg)
{
    return 0x11223344u * (reg + 1) ^ 0x80000001u << reg;
}

static inline uint8_t world_xmm(unsigned reg, unsigned byte)
{
    return world_byte(0x10000 + 16 * reg + byte);
}

/* x87 register (physical) reg: an exponent of FFFF and this significand; as an MMX register leaves it. */
static inline uint8_t world_mmx(unsigned reg, unsigned byte)
{
    return world_byte(0x11000 + 8 * reg + byte);
}

/* Control words of a case that does not name them; TW: all valid, as FSAVE stores that of such registers. */
enum { WORLD_MXCSR = 0x1f80, WORLD_CW = 0x37f, WORLD_SW = 0, WORLD_TW = 0xaaaa };

#endif
