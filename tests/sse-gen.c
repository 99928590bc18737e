/* Forms and operands for the test of SSE arithmetic. */
#include "sse-case.h"

#define ALL4(NAME, op, n) \
    { NAME "PS", 0, op, AT_XMM, AT_XMM, LANES_F32, 4, n, -1 }, \
    { NAME "SS", 0xf3, op, AT_XMM, AT_XMM, LANES_F32, 1, n, -1 }, \
    { NAME "PD", 0x66, op, AT_XMM, AT_XMM, LANES_F64, 2, n, -1 }, \
    { NAME "SD", 0xf2, op, AT_XMM, AT_XMM, LANES_F64, 1, n, -1 }
#define CMP4(imm) \
    { "CMPPS " #imm, 0, 0xc2, AT_XMM, AT_XMM, LANES_F32, 4, 2, imm }, \
    { "CMPSS " #imm, 0xf3, 0xc2, AT_XMM, AT_XMM, LANES_F32, 1, 2, imm }, \
    { "CMPPD " #imm, 0x66, 0xc2, AT_XMM, AT_XMM, LANES_F64, 2, 2, imm }, \
    { "CMPSD " #imm, 0xf2, 0xc2, AT_XMM, AT_XMM, LANES_F64, 1, 2, imm }

const struct sse_form sse_forms[] = {
    ALL4("ADD", 0x58, 2), ALL4("SUB", 0x5c, 2), ALL4("MUL", 0x59, 2), ALL4("DIV", 0x5e, 2),
    ALL4("MIN", 0x5d, 2), ALL4("MAX", 0x5f, 2), ALL4("SQRT", 0x51, 1),
    CMP4(0), CMP4(1), CMP4(2), CMP4(3), CMP4(4), CMP4(5), CMP4(6), CMP4(7), CMP4(0x5d),
    { "UCOMISS", 0, 0x2e, AT_XMM, AT_XMM, LANES_F32, 1, 2, -1 },
    { "UCOMISD", 0x66, 0x2e, AT_XMM, AT_XMM, LANES_F64, 1, 2, -1 },
    { "COMISS", 0, 0x2f, AT_XMM, AT_XMM, LANES_F32, 1, 2, -1 },
    { "COMISD", 0x66, 0x2f, AT_XMM, AT_XMM, LANES_F64, 1, 2, -1 },
    { "HADDPS", 0xf2, 0x7c, AT_XMM, AT_XMM, LANES_F32, 4, 2, -1 },
    { "HADDPD", 0x66, 0x7c, AT_XMM, AT_XMM, LANES_F64, 2, 2, -1 },
    { "HSUBPS", 0xf2, 0x7d, AT_XMM, AT_XMM, LANES_F32, 4, 2, -1 },
    { "HSUBPD", 0x66, 0x7d, AT_XMM, AT_XMM, LANES_F64, 2, 2, -1 },
    { "ADDSUBPS", 0xf2, 0xd0, AT_XMM, AT_XMM, LANES_F32, 4, 2, -1 },
    { "ADDSUBPD", 0x66, 0xd0, AT_XMM, AT_XMM, LANES_F64, 2, 2, -1 },
    { "CVTSI2SS", 0xf3, 0x2a, AT_XMM, AT_GPR, LANES_I32, 1, 1, -1 },
    { "CVTSI2SD", 0xf2, 0x2a, AT_XMM, AT_GPR, LANES_I32, 1, 1, -1 },
    { "CVTPI2PS", 0, 0x2a, AT_XMM, AT_MMX, LANES_I32, 2, 1, -1 },
    { "CVTPI2PD", 0x66, 0x2a, AT_XMM, AT_MMX, LANES_I32, 2, 1, -1 },
    { "CVTDQ2PS", 0, 0x5b, AT_XMM, AT_XMM, LANES_I32, 4, 1, -1 },
    { "CVTDQ2PD", 0xf3, 0xe6, AT_XMM, AT_XMM, LANES_I32, 2, 1, -1 },
    { "CVTTPS2PI", 0, 0x2c, AT_MMX, AT_XMM, LANES_F32, 2, 1, -1 },
    { "CVTTPD2PI", 0x66, 0x2c, AT_MMX, AT_XMM, LANES_F64, 2, 1, -1 },
    { "CVTTSS2SI", 0xf3, 0x2c, AT_GPR, AT_XMM, LANES_F32, 1, 1, -1 },
    { "CVTTSD2SI", 0xf2, 0x2c, AT_GPR, AT_XMM, LANES_F64, 1, 1, -1 },
    { "CVTPS2PI", 0, 0x2d, AT_MMX, AT_XMM, LANES_F32, 2, 1, -1 },
    { "CVTPD2PI", 0x66, 0x2d, AT_MMX, AT_XMM, LANES_F64, 2, 1, -1 },
    { "CVTSS2SI", 0xf3, 0x2d, AT_GPR, AT_XMM, LANES_F32, 1, 1, -1 },
    { "CVTSD2SI", 0xf2, 0x2d, AT_GPR, AT_XMM, LANES_F64, 1, 1, -1 },
    { "CVTPS2DQ", 0x66, 0x5b, AT_XMM, AT_XMM, LANES_F32, 4, 1, -1 },
    { "CVTTPS2DQ", 0xf3, 0x5b, AT_XMM, AT_XMM, LANES_F32, 4, 1, -1 },
    { "CVTPD2DQ", 0xf2, 0xe6, AT_XMM, AT_XMM, LANES_F64, 2, 1, -1 },
    { "CVTTPD2DQ", 0x66, 0xe6, AT_XMM, AT_XMM, LANES_F64, 2, 1, -1 },
    { "CVTPS2PD", 0, 0x5a, AT_XMM, AT_XMM, LANES_F32, 2, 1, -1 },
    { "CVTPD2PS", 0x66, 0x5a, AT_XMM, AT_XMM, LANES_F64, 2, 1, -1 },
    { "CVTSS2SD", 0xf3, 0x5a, AT_XMM, AT_XMM, LANES_F32, 1, 1, -1 },
    { "CVTSD2SS", 0xf2, 0x5a, AT_XMM, AT_XMM, LANES_F64, 1, 1, -1 },
};
const unsigned sse_form_count = sizeof sse_forms / sizeof *sse_forms;

unsigned sse_encode(const struct sse_form *f, bool memory, uint8_t *bytes)
{
    unsigned n = 0;
    if (f->prefix)
        bytes[n++] = f->prefix;
    bytes[n++] = 0x0f;
    bytes[n++] = f->opcode;
    bytes[n++] = memory ? 0x07 : 0xc1;
    if (f->imm >= 0)
        bytes[n++] = (uint8_t)f->imm;
    return n;
}

/* ---- values ---- */

#define BOTH32(v) (v), (v) | 0x80000000u
#define BOTH64(v) (v), (v) | (uint64_t)1 << 63

const uint32_t sse_special32[] = {
    BOTH32(0),
    BOTH32(0x00000001u), BOTH32(0x00000002u), BOTH32(0x00000003u), BOTH32(0x00400000u), BOTH32(0x007fffffu),
    BOTH32(0x00800000u), BOTH32(0x00800001u), BOTH32(0x00ffffffu), BOTH32(0x01000000u),
    BOTH32(0x1fffffffu), BOTH32(0x20000000u), /* their squares are about the smallest normal number */
    BOTH32(0x33800000u), BOTH32(0x33800001u), BOTH32(0x34000000u), /* half a unit of 1.0, and one */
    BOTH32(0x3effffffu), BOTH32(0x3f000000u), BOTH32(0x3f000001u), BOTH32(0x3f7fffffu),
    BOTH32(0x3f800000u), BOTH32(0x3f800001u), BOTH32(0x3fc00000u), BOTH32(0x40000000u),
    BOTH32(0x40200000u), BOTH32(0x40400000u), BOTH32(0x3eaaaaabu),
    BOTH32(0x4b000000u), BOTH32(0x4b7fffffu), BOTH32(0x4effffffu), BOTH32(0x4f000000u), BOTH32(0x4f000001u),
    BOTH32(0x5f7fffffu), BOTH32(0x5f800000u), /* their squares are about the largest */
    BOTH32(0x7effffffu), BOTH32(0x7f000000u), BOTH32(0x7f7fffffu), BOTH32(0x7f800000u),
    BOTH32(0x7fc00000u), BOTH32(0x7fc12345u), BOTH32(0x7f800001u), BOTH32(0x7fa6789au),
};
const unsigned sse_special32_count = sizeof sse_special32 / sizeof *sse_special32;

const uint64_t sse_special64[] = {
    BOTH64(0),
    BOTH64(0x0000000000000001u), BOTH64(0x0000000000000003u), BOTH64(0x0008000000000000u),
    BOTH64(0x000fffffffffffffu), BOTH64(0x0010000000000000u), BOTH64(0x0010000000000001u),
    BOTH64(0x001fffffffffffffu), BOTH64(0x1fffffffffffffffu), BOTH64(0x2000000000000000u),
    /* in single precision: half the smallest denormal, that, and about the smallest normal number */
    BOTH64(0x3690000000000000u), BOTH64(0x3690000000000001u), BOTH64(0x36a0000000000000u),
    BOTH64(0x380fffffe0000000u), BOTH64(0x380ffffff0000000u), BOTH64(0x380ffffff8000000u),
    BOTH64(0x3810000000000000u),
    BOTH64(0x3ca0000000000000u), BOTH64(0x3ca0000000000001u), BOTH64(0x3cb0000000000000u),
    BOTH64(0x3fdfffffffffffffu), BOTH64(0x3fe0000000000000u), BOTH64(0x3fefffffffffffffu),
    BOTH64(0x3ff0000000000000u), BOTH64(0x3ff0000000000001u), BOTH64(0x3ff0000010000000u),
    BOTH64(0x3ff8000000000000u), BOTH64(0x4000000000000000u), BOTH64(0x4004000000000000u),
    BOTH64(0x4008000000000000u), BOTH64(0x3fd5555555555555u),
    /* about 2^31 */
    BOTH64(0x41dfffffffc00000u), BOTH64(0x41dfffffffdfffffu), BOTH64(0x41dfffffffe00000u),
    BOTH64(0x41e0000000000000u), BOTH64(0x41e00000000fffffu), BOTH64(0x41e0000000100000u),
    BOTH64(0x41e0000000200000u), BOTH64(0x4340000000000001u),
    /* about the largest of single precision */
    BOTH64(0x47efffffe0000000u), BOTH64(0x47efffffefffffffu), BOTH64(0x47effffff0000000u),
    BOTH64(0x5fefffffffffffffu), BOTH64(0x5ff0000000000000u),
    BOTH64(0x7fe0000000000000u), BOTH64(0x7fefffffffffffffu), BOTH64(0x7ff0000000000000u),
    BOTH64(0x7ff8000000000000u), BOTH64(0x7ff8123456789abcu), BOTH64(0x7ff0000000000001u),
    BOTH64(0x7ff4badbadbadbadu),
};
const unsigned sse_special64_count = sizeof sse_special64 / sizeof *sse_special64;

static const uint32_t special_ints[] = {
    0, 1, 2, 3, 0xffffffffu, 0x7fffffffu, 0x80000000u, 0x80000001u, 0x00ffffffu, 0x01000000u, 0x01000001u,
    0x01000002u, 0x01000003u, 0x7fffff80u, 0x7fffffbfu, 0x7fffffc0u, 0x7fffffc1u, 0xfeffffffu, 0xfefffffdu,
    0x80000040u, 0x80000041u, 0x55555555u, 0xaaaaaaaau
};
#define INT_COUNT (sizeof special_ints / sizeof *special_ints)

unsigned sse_special_count(enum sse_lanes lanes)
{
    return lanes == LANES_F32 ? sse_special32_count : lanes == LANES_F64 ? sse_special64_count : INT_COUNT;
}

void sse_special(enum sse_lanes lanes, unsigned i, union xmm_reg *v)
{
    for (unsigned k = 0; k < 4; k++) {
        if (lanes == LANES_F64)
            v->q[k & 1] = sse_special64[i];
        else
            v->l[k] = lanes == LANES_F32 ? sse_special32[i] : special_ints[i];
    }
}

/* ---- random ---- */

static uint64_t random_state;

void sse_seed(uint64_t seed)
{
    random_state = seed;
}

/* splitmix64: S. Vigna's generator, public domain. */
uint64_t sse_random(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* A significand with few bits, all ones, or any. */
static uint64_t random_frac(unsigned frac)
{
    uint64_t r = sse_random(), m = r & (((uint64_t)1 << frac) - 1);
    switch (sse_random() & 7) {
    case 0: return 0;
    case 1: return m & -m;
    case 2: return ~(m & -m) & (((uint64_t)1 << frac) - 1);
    case 3: return m >> (r >> 58) % frac << (r >> 58) % frac;
    case 4: return m & 7;
    default: return m;
    }
}

static uint64_t make(unsigned frac, unsigned bits, int exp)
{
    int max = (1 << (bits - 1 - frac)) - 1;
    exp = exp < 0 ? 0 : exp > max ? max : exp;
    return (sse_random() & 1) << (bits - 1) | (uint64_t)exp << frac | random_frac(frac);
}

static void random_lane(unsigned frac, unsigned bits, uint64_t *a, uint64_t *b)
{
    int max = (1 << (bits - 1 - frac)) - 1, bias = max / 2;
    int near = (int)(sse_random() % 7) - 3;
    int ea = (int)(sse_random() % (unsigned)(max + 1)), eb;
    switch (sse_random() & 7) {
    case 0: /* anything */
        eb = (int)(sse_random() % (unsigned)(max + 1));
        break;
    case 1: /* a sum with cancellation or a tie */
        eb = ea + near;
        break;
    case 2:
        eb = ea + (sse_random() & 1 ? (int)frac : -(int)frac) + near;
        break;
    case 3: /* a product near the smallest normal number */
        eb = bias - ea + near;
        break;
    case 4: /* and near the largest; quotients */
        eb = max + bias - ea + near;
        break;
    case 5:
        eb = ea - bias + near;
        break;
    case 6: /* about one, integers */
        ea = bias + (int)(sse_random() % 36) - 2;
        eb = bias + near;
        break;
    default: /* about the smallest of single precision */
        ea = near < 0 ? near + 4 : bias - 127 + near;
        eb = sse_random() & 1 ? (int)(sse_random() & 1) : ea + near;
        break;
    }
    *a = make(frac, bits, ea);
    *b = make(frac, bits, eb);
    if (!(sse_random() & 15)) {
        uint64_t t = *a;
        *a = *b;
        *b = t;
    }
}

void sse_random_pair(enum sse_lanes lanes, union xmm_reg *a, union xmm_reg *b)
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t x, y;
        switch (lanes) {
        case LANES_F32:
            random_lane(23, 32, &x, &y);
            a->l[i] = (uint32_t)x;
            b->l[i] = (uint32_t)y;
            break;
        case LANES_F64:
            random_lane(52, 64, &x, &y);
            a->q[i & 1] = x;
            b->q[i & 1] = y;
            break;
        default:
            a->l[i] = (uint32_t)sse_random();
            x = sse_random();
            b->l[i] = (uint32_t)((int64_t)x >> (32 + (x & 31)));
        }
    }
}
