/* Differential test: decode_insn() against Zydis.
 *
 * Every opcode of both maps with every ModRM byte, a set of SIB bytes and prefixes in 16- and
 * 32-bit code, and random byte strings.  Compared: status, length, mnemonic, operands, memory operand,
 * immediates, and once for each form the flags and the privilege that isa.tab states. */
#include <stdio.h>
#include <stdlib.h>

#ifndef HAVE_ZYDIS

int main(void)
{
    puts("skipped: Zydis was not found when this was configured");
    return 77;
}

#else

#include <check.h>
#include <string.h>

#include "suite.h"
#include "zydis-compare.h"

static uint32_t rng_state;

static uint32_t rng(void)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 17;
    rng_state ^= rng_state << 5;
    return rng_state;
}

static void finish(const char *what)
{
    printf("%s: %lu strings, %lu of them valid, %u differences\n", what, n_compared, n_valid, n_failures);
    ck_assert_uint_eq(n_failures, 0);
}

START_TEST(test_enumerated)
{
    static const struct { uint8_t n, b[3]; } prefixes[] = {
        { 0, { 0 } }, { 1, { 0x66 } }, { 1, { 0x67 } }, { 1, { 0xf2 } }, { 1, { 0xf3 } }, { 1, { 0xf0 } },
        { 2, { 0x66, 0xf2 } }, { 2, { 0xf3, 0x66 } }, { 2, { 0xf2, 0xf3 } }, { 2, { 0x66, 0x67 } },
        { 1, { 0x65 } }
    };
    static const uint8_t tail[] = { 0x80, 0x91, 0xa2, 0xf3, 0xc4, 0x95, 0xe6, 0x87 };
    n_compared = n_valid = 0;
    for (int mode = DECODE_16; mode <= DECODE_32; mode++)
        for (unsigned p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++)
            for (unsigned map = 0; map < 2; map++)
                for (unsigned opcode = 0; opcode < 256; opcode++)
                    for (unsigned modrm = 0; modrm < 256; modrm++) {
                        struct sample s = { .avail = 16, .mode = mode };
                        unsigned n = prefixes[p].n;
                        memcpy(s.bytes, prefixes[p].b, n);
                        if (map)
                            s.bytes[n++] = 0x0f;
                        s.bytes[n++] = (uint8_t)opcode;
                        s.bytes[n++] = (uint8_t)modrm;
                        memcpy(s.bytes + n, tail, sizeof(tail));
                        if ((modrm & 7) != 4 || modrm >= 0xc0) {
                            compare(&s);
                            continue;
                        }
                        /* SIB: every base, index and scale, though not all of their product. */
                        for (unsigned i = 0; i < 8; i++) {
                            unsigned index = (i + opcode) & 7, base = (i + modrm / 8) & 7;
                            s.bytes[n] = (uint8_t)((i & 3) << 6 | index << 3 | base);
                            compare(&s);
                        }
                    }
    finish("enumerated");
    for (unsigned f = 1; f < FORM_COUNT; f++)
        if (!form_seen[f]) {
            printf("never decoded: %s\n", isa_form_name[f]);
            n_failures++;
        }
    ck_assert_uint_eq(n_failures, 0);
}
END_TEST

/* Every SIB byte with every mod. */
START_TEST(test_sib)
{
    n_compared = n_valid = 0;
    for (unsigned override = 0; override < 2; override++)
        for (unsigned mod = 0; mod < 3; mod++)
            for (unsigned sib = 0; sib < 256; sib++)
                for (unsigned fill = 0; fill < 2; fill++) {
                    struct sample s = { .avail = 16, .mode = DECODE_32 };
                    unsigned n = 0;
                    if (override)
                        s.bytes[n++] = 0x2e;
                    s.bytes[n++] = 0x8b;
                    s.bytes[n++] = (uint8_t)(mod << 6 | 4);
                    s.bytes[n++] = (uint8_t)sib;
                    memset(s.bytes + n, fill ? 0x81 : 0x7e, 8);
                    compare(&s);
                }
    finish("SIB");
}
END_TEST

static void random_sample(struct sample *s)
{
    static const uint8_t prefix_bytes[] = {
        0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67
    };
    unsigned n = 0, want = 0;
    uint32_t r = rng();
    if ((r & 3) == 0)
        want = 1 + (r >> 2) % 4;
    else if ((r & 0xff) == 1)
        want = (r >> 8) % 16; /* near the limit of 15 bytes */
    for (unsigned i = 0; i < BUFFER; i++)
        s->bytes[i] = (uint8_t)(rng() >> 11);
    while (n < want)
        s->bytes[n++] = prefix_bytes[(rng() >> 9) % sizeof(prefix_bytes)];
    if ((r >> 16 & 3) == 0)
        s->bytes[n++] = 0x0f;
    s->mode = (int)(r >> 20 & 1);
    s->avail = (r >> 24 & 15) == 0 ? 1 + (r >> 28) : 16;
}

START_TEST(test_random)
{
    n_compared = n_valid = 0;
    rng_state = 0x5715c486;
    for (unsigned i = 0; i < 3000000; i++) {
        struct sample s = { 0 };
        random_sample(&s);
        compare(&s);
    }
    ck_assert_uint_ge(n_compared, 1000000);
    finish("random");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode_zydis");
    TCase *tc = tcase_create("differential");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, test_enumerated);
    tcase_add_test(tc, test_sib);
    tcase_add_test(tc, test_random);
    suite_add_tcase(suite, tc);
    compare_init();
    int result = suite_run_nofork(suite);
    unused_reasons();
    return result;
}

#endif
