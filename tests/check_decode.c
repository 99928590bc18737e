/* The decoder on hand-picked byte strings, valid and not; check_decode_zydis does the masses. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "insn.h"
#include "suite.h"

struct text_case {
    int mode;
    const char *bytes; /* hexadecimal */
    const char *text;  /* of insn_format() at EIP 0x1000 */
};

static size_t parse_hex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    while (*hex) {
        if (*hex == ' ') {
            hex++;
            continue;
        }
        char two[3] = { hex[0], hex[1], 0 };
        out[n++] = (uint8_t)strtoul(two, NULL, 16);
        hex += 2;
    }
    return n;
}

static enum decode_status decode(int mode, const char *hex, struct insn *insn)
{
    uint8_t bytes[64] = { 0 };
    size_t n = parse_hex(hex, bytes);
    return decode_insn(bytes, n, mode, insn);
}

static const struct text_case texts[] = {
    /* addressing, 32 bit */
    { DECODE_32, "0304 24", "add eax, dword [esp]" },
    { DECODE_32, "8b45 f8", "mov eax, dword [ebp-0x8]" },
    { DECODE_32, "8b84b7 00010000", "mov eax, dword [edi+esi*4+0x100]" },
    { DECODE_32, "8b04 8d 78563412", "mov eax, dword [ecx*4+0x12345678]" },
    { DECODE_32, "8b0c 25 78563412", "mov ecx, dword [0x12345678]" },
    { DECODE_32, "8b15 ffffffff", "mov edx, dword [0xffffffff]" },
    { DECODE_32, "64 a1 00000000", "mov eax, dword fs:[0x0]" },
    { DECODE_32, "67 8b42 08", "mov eax, dword [bp+si+0x8]" },
    { DECODE_32, "67 a0 3412", "mov al, byte [0x1234]" },
    /* addressing, 16 bit */
    { DECODE_16, "8b07", "mov ax, word [bx]" },
    { DECODE_16, "8b1e 3412", "mov bx, word [0x1234]" },
    { DECODE_16, "8b5e 00", "mov bx, word [bp]" },
    { DECODE_16, "2e 8a9c fcff", "mov bl, byte cs:[si-0x4]" },
    { DECODE_16, "66 67 8b0418", "mov eax, dword [eax+ebx]" },
    { DECODE_16, "26 3e 8807", "mov byte ds:[bx], al" },
    /* operand sizes and extension */
    { DECODE_32, "66 05 3412", "add ax, 0x1234" },
    { DECODE_32, "83c0 ff", "add eax, 0xffffffff" },
    { DECODE_32, "66 83c0 ff", "add ax, 0xffff" },
    { DECODE_32, "6a 80", "push 0xffffff80" },
    { DECODE_32, "0fb6 c4", "movzx eax, ah" },
    { DECODE_32, "66 0fbf 03", "movsx ax, word [ebx]" },
    { DECODE_32, "8cd8", "mov eax, ds" },
    { DECODE_32, "8c18", "mov word [eax], ds" },
    { DECODE_32, "8ed0", "mov ss, ax" },
    { DECODE_32, "c1e8 05", "shr eax, 0x5" },
    { DECODE_32, "d1f0", "shl eax, 0x1" },
    { DECODE_32, "d2c8", "ror al, cl" },
    { DECODE_32, "0fa4d8 04", "shld eax, ebx, 0x4" },
    { DECODE_32, "69c8 e8030000", "imul ecx, eax, 0x3e8" },
    { DECODE_32, "c8 1000 02", "enter 0x10, 0x2" },
    { DECODE_32, "c2 0800", "ret 0x8" },
    { DECODE_32, "0fc9", "bswap ecx" },
    { DECODE_32, "0f20e0", "mov eax, cr4" },
    { DECODE_32, "0f2338", "mov dr7, eax" }, /* mod is not looked at */
    { DECODE_32, "ec", "in al, dx" },
    { DECODE_32, "e7 80", "out 0x80, eax" },
    /* transfers */
    { DECODE_32, "eb fe", "jmp 0x1000" },
    { DECODE_32, "0f84 fa0f0000", "jz 0x2000" },
    { DECODE_16, "74 f0", "jz 0xff2" },
    { DECODE_32, "66 e9 00f0", "jmp 0x4" },
    { DECODE_32, "ea 78563412 0800", "jmp far 0x8:0x12345678" },
    { DECODE_16, "ea 5be0 00f0", "jmp far 0xf000:0xe05b" },
    { DECODE_32, "ff18", "call far fword [eax]" },
    { DECODE_16, "ff2f", "jmp far dword [bx]" },
    { DECODE_32, "67 e3 02", "jcxz 0x1005" },
    { DECODE_32, "cf", "iretd" },
    /* strings */
    { DECODE_32, "f3 a5", "rep movsd" },
    { DECODE_32, "f2 66 af", "repne scasw" },
    { DECODE_32, "64 ac", "lodsb fs:" },
    /* LOCK */
    { DECODE_32, "f0 0fb10b", "lock cmpxchg dword [ebx], ecx" },
    { DECODE_32, "f0 8707", "lock xchg dword [edi], eax" },
    { DECODE_32, "f0 0fc70f", "lock cmpxchg8b qword [edi]" },
    { DECODE_32, "f0 8200 01", "lock add byte [eax], 0x1" },
    /* NOP, undocumented */
    { DECODE_32, "90", "nop" },
    { DECODE_32, "f3 90", "pause" },
    { DECODE_32, "87c0", "xchg eax, eax" },
    { DECODE_32, "0f1f4400 00", "nop dword [eax+eax]" },
    { DECODE_32, "d6", "salc" },
    { DECODE_32, "f1", "int1" },
    { DECODE_32, "f6c8 01", "test al, 0x1" },
    { DECODE_32, "0fb9c1", "ud1 eax, ecx" },
    { DECODE_32, "f3 0fbcc1", "bsf eax, ecx" }, /* TZCNT came later */
    /* x87 */
    { DECODE_32, "d8c1", "fadd st0, st1" },
    { DECODE_32, "dcc1", "fadd st1, st0" },
    { DECODE_32, "dce1", "fsubr st1, st0" },
    { DECODE_32, "dee9", "fsubp st1, st0" },
    { DECODE_32, "dd00", "fld qword [eax]" },
    { DECODE_32, "db28", "fld tbyte [eax]" },
    { DECODE_32, "dfe0", "fnstsw ax" },
    { DECODE_32, "dac9", "fcmove st0, st1" },
    { DECODE_32, "dfc3", "ffreep st3" },
    { DECODE_32, "d9f0", "f2xm1" },
    { DECODE_32, "d930", "fnstenv [eax]" },
    /* MMX, SSE */
    { DECODE_32, "0f6fc8", "movq mm1, mm0" },
    { DECODE_32, "66 0f6fc8", "movdqa xmm1, xmm0" },
    { DECODE_32, "f3 0f6f08", "movdqu xmm1, xmmword [eax]" },
    { DECODE_32, "f2 66 0f5808", "addsd xmm1, qword [eax]" }, /* F2 goes before 66 */
    { DECODE_32, "f2 f3 0f58c8", "addss xmm1, xmm0" },        /* the last of F2, F3 */
    { DECODE_32, "0fae38", "clflush byte [eax]" },
    { DECODE_32, "0faee9", "lfence" },
    { DECODE_32, "db08", "fisttp dword [eax]" },
    { DECODE_32, "dd08", "fisttp qword [eax]" },
    { DECODE_32, "df08", "fisttp word [eax]" },
    { DECODE_32, "f2 0f1208", "movddup xmm1, qword [eax]" },
    { DECODE_32, "f3 0f16c8", "movshdup xmm1, xmm0" },
    { DECODE_32, "f2 0f7cc8", "haddps xmm1, xmm0" },
    { DECODE_32, "66 0fd008", "addsubpd xmm1, xmmword [eax]" },
    { DECODE_32, "f2 0ff008", "lddqu xmm1, xmmword [eax]" },
    { DECODE_32, "0f01c8", "monitor" },
    { DECODE_32, "0f01c9", "mwait" },
};

START_TEST(test_text)
{
    const struct text_case *c = &texts[_i];
    struct insn insn;
    char buf[96];
    uint8_t bytes[64];
    ck_assert_msg(decode(c->mode, c->bytes, &insn) == DECODE_OK, "%s: not decoded", c->bytes);
    ck_assert_uint_eq(insn.len, parse_hex(c->bytes, bytes));
    ck_assert_str_eq(insn_format(&insn, 0x1000, buf, sizeof(buf)), c->text);
}
END_TEST

static const char *const invalid[] = {
    "8ec8",           /* MOV CS */
    "8ef8", "8cf0",   /* segment registers 6, 7 */
    "8dc0",           /* LEA of a register */
    "62c0", "c4c0", "c5c0", "0fb2c0", "0fb4c0", /* BOUND, LES, LDS, LSS, LFS */
    "0f20c8", "0f22e8", "0f20f0", "0f22f8",     /* CR1, CR5, CR6, CR7 */
    "0f24c0", "0f26c0",                         /* MOV TR: gone since the Pentium */
    "fed0", "fff8",                             /* FE /2, FF /7 */
    "ffd8", "ffe8",                             /* far CALL, JMP to a register */
    "8fc8", "c6c8 00", "c7c8 00000000",         /* /1 of POP, MOV */
    "0f00f0", "0f01c0", "0f01d0", "0f01f8", "0f01e8", "0fc7c8",
    "0fba00 01", "0fba18 01",                   /* group 8 /0, /3 */
    "0f04", "0f05", "0f07", "0f0a", "0f0c", "0f0e", "0f0f", "0f36", "0f37", "0f38", "0f3a", "0fa6", "0fa7",
    "0fb8", "0f78", "0f79", "0f7c",
    /* LOCK: no memory destination, or an instruction that cannot have it */
    "f0 90", "f0 01c0", "f0 8b00", "f0 0300", "f0 3900", "f0 8338 00", "f0 0fa300", "f0 0fba20 01",
    "f0 a4", "f0 f600 00", "f0 c3", "f0 87c0", "f0 d120", "f0 0fafc0", "f0 8d00", "f0 f720",
    "f0 d720" /* XLAT */,
    /* x87 */
    "d908", "d9d1", "d9e2", "d9e6", "d9ef", "dae8", "daf0", "db20", "db30", "dbe5", "dbf8", "dd28", "ddf0",
    "ded8", "dfe1", "dff8",
    /* mandatory prefixes */
    "0fd0c0", "f3 0f7cc0", "f2 0ff0c0" /* LDDQU of a register */,
    "66 0f77", "f3 0f28c0", "f2 0f6fc0", "66 0fc300", "0fd600", "0fe6c0", "66 0f12c0",
    "0f13c0", "0f2bc0", "f3 0ffcc0", "0f71 10 01", "0f71c0 01", "0f73d8 01", "66 0fae00",
};

START_TEST(test_invalid)
{
    struct insn insn;
    for (int mode = DECODE_16; mode <= DECODE_32; mode++) {
        uint8_t bytes[24] = { 0 };
        size_t n = parse_hex(invalid[_i], bytes);
        enum decode_status status = decode_insn(bytes, 15, mode, &insn);
        ck_assert_msg(status == DECODE_UD, "%s: status %d (%s)", invalid[_i], status,
                      isa_form_name[insn.form]);
        ck_assert_uint_eq(insn.form, FORM_INVALID);
        ck_assert_uint_ge(insn.len, 1);
        ck_assert_uint_ge(n, 1);
    }
}
END_TEST

START_TEST(test_length_limit)
{
    uint8_t bytes[32];
    struct insn insn;
    memset(bytes, 0x66, sizeof(bytes));
    /* 15 bytes in all are right, one more is not, whatever follows. */
    bytes[14] = 0x90;
    ck_assert_int_eq(decode_insn(bytes, 15, DECODE_32, &insn), DECODE_OK);
    ck_assert_uint_eq(insn.len, 15);
    bytes[14] = 0x66;
    bytes[15] = 0x90;
    ck_assert_int_eq(decode_insn(bytes, 32, DECODE_32, &insn), DECODE_TOOLONG);
    ck_assert_int_eq(decode_insn(bytes, 15, DECODE_32, &insn), DECODE_TOOLONG);
    ck_assert_int_eq(decode_insn(bytes, 14, DECODE_32, &insn), DECODE_MORE);
    /* The last byte of an immediate is the 16th. */
    memset(bytes, 0x2e, sizeof(bytes));
    bytes[10] = 0x05;
    ck_assert_int_eq(decode_insn(bytes, 32, DECODE_32, &insn), DECODE_OK);
    memmove(bytes + 1, bytes, 20);
    ck_assert_int_eq(decode_insn(bytes, 32, DECODE_32, &insn), DECODE_TOOLONG);
    ck_assert_int_eq(decode_insn(bytes, 0, DECODE_32, &insn), DECODE_MORE);
}
END_TEST

START_TEST(test_more)
{
    /* Each shorter piece of a long instruction asks for more. */
    uint8_t bytes[16];
    struct insn insn;
    size_t n = parse_hex("64 67 66 f0 81 84 b7 00010000 3412", bytes);
    bytes[1] = 0x3e; /* 32-bit addressing */
    for (size_t avail = 0; avail < n; avail++)
        ck_assert_int_eq(decode_insn(bytes, avail, DECODE_32, &insn), DECODE_MORE);
    ck_assert_int_eq(decode_insn(bytes, n, DECODE_32, &insn), DECODE_OK);
    ck_assert_uint_eq(insn.len, n);
    ck_assert_uint_eq(insn.imm, 0x1234);
    ck_assert_int_eq(insn.disp, 0x100);
    ck_assert_uint_eq(insn.seg, R_DS); /* the last override */
    ck_assert_uint_eq(insn.prefixes, INSN_OPSIZE | INSN_LOCK | INSN_SEGOVR);
}
END_TEST

START_TEST(test_segments)
{
    static const struct { int mode; const char *bytes; unsigned seg; } cases[] = {
        { DECODE_32, "8b00", R_DS }, { DECODE_32, "8b4500", R_SS }, { DECODE_32, "8b0424", R_SS },
        { DECODE_32, "8b0528000000", R_DS },
        { DECODE_32, "8b0468", R_DS },         /* EBP as index: DS */
        { DECODE_32, "8b442d00", R_SS },       /* EBP as base */
        { DECODE_32, "8b04 2d 00000000", R_DS }, /* EBP as index, no base */
        { DECODE_16, "8b02", R_SS }, { DECODE_16, "8b03", R_SS }, { DECODE_16, "8b4600", R_SS },
        { DECODE_16, "8b060000", R_DS }, { DECODE_16, "8b04", R_DS },
        { DECODE_32, "3e 8b4500", R_DS }, { DECODE_32, "36 65 8b00", R_GS },
        { DECODE_32, "a5", R_DS }, { DECODE_32, "2e a5", R_CS }, { DECODE_32, "26 d7", R_ES },
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct insn insn;
        ck_assert_int_eq(decode(cases[i].mode, cases[i].bytes, &insn), DECODE_OK);
        ck_assert_msg(insn.seg == cases[i].seg, "%s: %d", cases[i].bytes, insn.seg);
    }
}
END_TEST

START_TEST(test_immediates)
{
    struct insn insn;
    /* As wide as the operand: zero-extended; shorter: sign-extended to 32 bits. */
    ck_assert_int_eq(decode(DECODE_32, "b0 80", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.imm, 0x80);
    ck_assert_int_eq(decode(DECODE_16, "b8 0080", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.imm, 0x8000);
    ck_assert_int_eq(decode(DECODE_16, "83c0 80", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.imm, 0xffffff80);
    ck_assert_uint_eq(insn.op[1].size, 2);
    ck_assert_int_eq(decode(DECODE_32, "e8 fbffffff", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.op[0].kind, OPK_REL);
    ck_assert_uint_eq(insn.imm, 0xfffffffb);
    ck_assert_int_eq(decode(DECODE_32, "9a 78563412 3300", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.op[0].kind, OPK_FAR);
    ck_assert_uint_eq(insn.op[0].size, 6);
    ck_assert_uint_eq(insn.imm2, 0x33);
    ck_assert_int_eq(decode(DECODE_32, "d9e8", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.opcode[0], 0xd9);
    ck_assert_uint_eq(insn.opcode[1], 0xe8);
    ck_assert_int_eq(decode(DECODE_16, "66 ff28", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.op[0].size, 6);
}
END_TEST

START_TEST(test_prefixes)
{
    struct insn insn;
    ck_assert_int_eq(decode(DECODE_32, "f2 f3 a4", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.prefixes, INSN_REP);
    ck_assert_int_eq(decode(DECODE_32, "f3 f2 a4", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.prefixes, INSN_REPNE);
    ck_assert_int_eq(decode(DECODE_32, "f3 0f58c8", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.prefixes, 0); /* it was mandatory */
    ck_assert_int_eq(decode(DECODE_32, "66 0f58c8", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.prefixes, 0);
    ck_assert_uint_eq(insn.opsize, 16);
    ck_assert_int_eq(decode(DECODE_32, "f3 c3", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.prefixes, INSN_REP); /* idle */
    ck_assert_int_eq(decode(DECODE_32, "66 e8 0000", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.opsize, 2);
    ck_assert_int_eq(decode(DECODE_32, "f3 66 0fbc c1", &insn), DECODE_OK);
    ck_assert_uint_eq(insn.opsize, 2);
}
END_TEST

static const struct isa_info *info(const char *hex, int mode)
{
    struct insn insn;
    ck_assert_int_eq(decode(mode, hex, &insn), DECODE_OK);
    return &isa_info[insn.form];
}

START_TEST(test_properties)
{
    /* Where Zydis has no say: 1-bit shifts, block ends, what liveness may rely on. */
    const struct isa_info *i = info("d1e0", DECODE_32);
    ck_assert_uint_eq(i->flags_written, CC_ARITH & ~CC_A);
    ck_assert_uint_eq(i->flags_undefined, CC_A);
    ck_assert_uint_eq(i->flags_killed, CC_ARITH);
    i = info("d1c0", DECODE_32);
    ck_assert_uint_eq(i->flags_written, CC_O | CC_C);
    i = info("d3e0", DECODE_32);
    ck_assert_uint_eq(i->flags_killed, 0);
    ck_assert(i->flags & ISA_FLAGS_COND);
    i = info("40", DECODE_32);
    ck_assert_uint_eq(i->flags_killed, CC_ARITH & ~CC_C);
    i = info("1bc0", DECODE_32);
    ck_assert_uint_eq(i->flags_read, CC_C);
    ck_assert_uint_eq(i->flags_written, CC_ARITH);
    ck_assert_uint_eq(info("7e00", DECODE_32)->flags_read, CC_Z | CC_S | CC_O);
    ck_assert_uint_eq(info("0f42c0", DECODE_32)->flags_read, CC_C);
    ck_assert_uint_eq(info("cc", DECODE_32)->flags_read, CC_ARITH);

    ck_assert(info("c3", DECODE_32)->flags & ISA_END_BLOCK);
    ck_assert(!(info("c3", DECODE_32)->flags & ISA_END_EXIT));
    ck_assert(info("fb", DECODE_32)->flags & ISA_END_EXIT);
    ck_assert(!(info("fa", DECODE_32)->flags & ISA_END_EXIT));
    ck_assert(info("8ed0", DECODE_32)->flags & ISA_END_EXIT);
    ck_assert(info("8ed8", DECODE_32)->flags & ISA_END_BLOCK);
    ck_assert(!(info("8ed8", DECODE_32)->flags & ISA_END_EXIT));
    ck_assert(info("f4", DECODE_32)->flags & ISA_CPL0);
    ck_assert(info("8d00", DECODE_32)->flags & ISA_NOACCESS);
    ck_assert_uint_eq(info("0f44c0", DECODE_32)->feature, ISA_F_CMOV);
    ck_assert_uint_eq(info("66 0fefc0", DECODE_32)->feature, ISA_F_SSE2);
    for (unsigned f = 1; f < FORM_COUNT; f++) {
        if (isa_info[f].flags & ISA_END_EXIT)
            ck_assert(isa_info[f].flags & ISA_END_BLOCK);
        unsigned touched = isa_info[f].flags_written | isa_info[f].flags_undefined;
        ck_assert_uint_eq(isa_info[f].flags_killed & ~touched, 0);
        ck_assert_ptr_nonnull(isa_mnem_name[isa_info[f].mnem]);
    }
}
END_TEST

START_TEST(test_format_small_buffer)
{
    struct insn insn;
    char buf[8];
    ck_assert_int_eq(decode(DECODE_32, "8b84b7 00010000", &insn), DECODE_OK);
    ck_assert_str_eq(insn_format(&insn, 0, buf, sizeof(buf)), "mov eax");
    ck_assert_int_eq(decode(DECODE_32, "0f04", &insn), DECODE_UD);
    ck_assert_str_eq(insn_format(&insn, 0, buf, sizeof(buf)), "(bad)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tc = tcase_create("decode");
    tcase_add_loop_test(tc, test_text, 0, sizeof(texts) / sizeof(texts[0]));
    tcase_add_loop_test(tc, test_invalid, 0, sizeof(invalid) / sizeof(invalid[0]));
    tcase_add_test(tc, test_length_limit);
    tcase_add_test(tc, test_more);
    tcase_add_test(tc, test_segments);
    tcase_add_test(tc, test_immediates);
    tcase_add_test(tc, test_prefixes);
    tcase_add_test(tc, test_properties);
    tcase_add_test(tc, test_format_small_buffer);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
