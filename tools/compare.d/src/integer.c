/* Integer workloads that live in registers and the first-level cache: calls, branches, arithmetic. */
#include "workload.h"

static __attribute__((noinline, noclone)) uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void run_fib(unsigned n)
{
    result("fib", fib(n));
}

/* Calls through a table whose order changes: as methods of objects of several classes. */
struct shape {
    uint32_t (*area)(const struct shape *);
    uint32_t a, b;
};

static uint32_t area_square(const struct shape *s)
{
    return s->a * s->a;
}

static uint32_t area_rectangle(const struct shape *s)
{
    return s->a * s->b;
}

static uint32_t area_triangle(const struct shape *s)
{
    return s->a * s->b / 2;
}

static uint32_t area_ring(const struct shape *s)
{
    return 3 * (s->a * s->a - s->b * s->b);
}

static void run_icall(unsigned rounds)
{
    static uint32_t (*const kinds[])(const struct shape *) = {
        area_square, area_rectangle, area_triangle, area_ring,
    };
    static struct shape shapes[256];
    uint64_t seed = 1;
    for (unsigned i = 0; i < 256; i++) {
        shapes[i].area = kinds[next_random(&seed) % 4];
        shapes[i].a = next_random(&seed) % 1000;
        shapes[i].b = next_random(&seed) % 1000;
    }
    uint32_t sum = 0;
    for (unsigned r = 0; r < rounds; r++)
        for (unsigned i = 0; i < 256; i++)
            sum = mix(sum, shapes[i].area(&shapes[i]));
    result("icall", sum);
}

/* A byte-code interpreter: one indirect jump for each operation. */
enum { OP_PUSH, OP_ADD, OP_SUB, OP_MUL, OP_DUP, OP_SWAP, OP_STORE, OP_LOAD, OP_DEC, OP_JNZ, OP_XOR, OP_HALT };

static void run_switch(unsigned rounds)
{
    static const uint8_t code[] = {
        OP_PUSH, 200, OP_STORE, 0, OP_PUSH, 1, OP_STORE, 1, /* loop at 8: */
        OP_LOAD, 1, OP_DUP, OP_MUL, OP_LOAD, 2, OP_ADD, OP_LOAD, 0, OP_XOR,
        OP_PUSH, 3, OP_SWAP, OP_SUB, OP_STORE, 1,
        OP_LOAD, 0, OP_DEC, OP_DUP, OP_STORE, 0, OP_JNZ, 8, OP_HALT,
    };
    uint32_t sum = 0;
    for (unsigned r = 0; r < rounds; r++) {
        uint32_t stack[16], var[4] = {0, 0, r, 0}, *sp = stack, t;
        const uint8_t *pc = code;
        for (int going = 1; going;)
            switch (*pc++) {
            case OP_PUSH: *sp++ = *pc++; break;
            case OP_ADD: sp--; sp[-1] += *sp; break;
            case OP_SUB: sp--; sp[-1] -= *sp; break;
            case OP_MUL: sp--; sp[-1] *= *sp; break;
            case OP_XOR: sp--; sp[-1] ^= *sp; break;
            case OP_DUP: *sp = sp[-1]; sp++; break;
            case OP_SWAP: t = sp[-1]; sp[-1] = sp[-2]; sp[-2] = t; break;
            case OP_STORE: var[*pc++] = *--sp; break;
            case OP_LOAD: *sp++ = var[*pc++]; break;
            case OP_DEC: sp[-1]--; break;
            case OP_JNZ: pc = *--sp ? code + *pc : pc + 1; break;
            case OP_HALT: going = 0; break;
            }
        sum = mix(sum, var[1]);
    }
    result("switch", sum);
}

static void run_int64(unsigned rounds)
{
    uint64_t a = 0x123456789abcdef1u, b = 3, c = 0;
    int64_t d = -5;
    for (unsigned i = 1; i <= rounds; i++) {
        a = a * 0x5851f42d4c957f2du + i;
        b ^= a << (i & 63) | a >> (-i & 63);
        c += a > b ? a - b : b - a;
        d = (d ^ (int64_t)c) >> 1;
        if (i % 16 == 0) {
            c += a / (b >> 40 | 1);
            d -= (int64_t)(c % 1000003);
        }
    }
    result("int64", (uint32_t)(a ^ b ^ c ^ (uint64_t)d) ^ (uint32_t)((a ^ b ^ c ^ (uint64_t)d) >> 32));
}

static unsigned queens_at(unsigned all, unsigned columns, unsigned left, unsigned right)
{
    if (columns == all)
        return 1;
    unsigned found = 0;
    for (unsigned open = all & ~(columns | left | right); open; open &= open - 1) {
        unsigned bit = open & -open;
        found += queens_at(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return found;
}

static void run_queens(unsigned n)
{
    result("queens", queens_at((1u << n) - 1, 0, 0, 0));
}

static void run_crc32(unsigned rounds)
{
    static uint32_t table[256];
    static uint8_t data[16384];
    uint64_t seed = 2;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
        table[i] = c;
    }
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)next_random(&seed);
    uint32_t crc = ~0u;
    for (unsigned r = 0; r < rounds; r++)
        for (unsigned i = 0; i < sizeof data; i++)
            crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
    result("crc32", ~crc);
}

static void run_sieve(unsigned rounds)
{
    enum { LIMIT = 100000 };
    static uint8_t composite[LIMIT];
    uint32_t count = 0;
    for (unsigned r = 0; r < rounds; r++) {
        memset(composite, 0, sizeof composite);
        count = 0;
        for (unsigned i = 2; i < LIMIT; i++) {
            if (composite[i])
                continue;
            count++;
            for (unsigned j = i * 2; j < LIMIT; j += i)
                composite[j] = 1;
        }
    }
    result("sieve", count);
}

/* RC4: byte loads and stores that depend on each other. */
static void run_rc4(unsigned rounds)
{
    static uint8_t s[256], data[4096];
    uint8_t j = 0, t, x = 0;
    for (unsigned i = 0; i < 256; i++)
        s[i] = (uint8_t)i;
    for (unsigned i = 0; i < 256; i++) {
        j = (uint8_t)(j + s[i] + "comparison"[i % 10]);
        t = s[i], s[i] = s[j], s[j] = t;
    }
    j = 0;
    for (unsigned r = 0; r < rounds; r++)
        for (unsigned i = 0; i < sizeof data; i++) {
            x++;
            j = (uint8_t)(j + s[x]);
            t = s[x], s[x] = s[j], s[j] = t;
            data[i] ^= s[(uint8_t)(s[x] + s[j])];
        }
    uint32_t sum = 0;
    for (unsigned i = 0; i < sizeof data; i++)
        sum = mix(sum, data[i]);
    result("rc4", sum);
}

int main(int argc, char **argv)
{
    static const struct workload list[] = {
        {"fib", run_fib}, {"icall", run_icall}, {"switch", run_switch}, {"int64", run_int64},
        {"queens", run_queens}, {"crc32", run_crc32}, {"sieve", run_sieve}, {"rc4", run_rc4}, {0},
    };
    return workload_main(argc, argv, list);
}
