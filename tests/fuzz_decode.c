/* Random bytes into the decoder and the disassembler.  The decoder must look at no byte beyond those it is
 * given, say the same of an instruction whatever follows it, and fill every field with something that its
 * users can index with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "insn.h"

static void fail(const char *what, const uint8_t *bytes, size_t n)
{
    fprintf(stderr, "fuzz_decode: %s:", what);
    for (size_t i = 0; i < n && i < 16; i++)
        fprintf(stderr, " %02x", bytes[i]);
    fputc('\n', stderr);
    abort();
}

static bool operand_ok(const struct insn *insn, const struct operand *op)
{
    switch (op->kind) {
    case OPK_NONE: return false;
    case OPK_REG: return op->reg < 8 && (op->size == 1 || op->size == 2 || op->size == 4);
    case OPK_SREG: return op->reg < 6;
    case OPK_CR: case OPK_DR: case OPK_ST: case OPK_MMX: case OPK_XMM: return op->reg < 8;
    case OPK_MEM: return insn->addrsize == 2 || insn->addrsize == 4;
    default: return op->kind <= OPK_IMM2;
    }
}

static bool insn_ok(const struct insn *insn)
{
    if (insn->form == FORM_INVALID || insn->form >= FORM_COUNT || insn->mnem >= MN_COUNT || insn->nops > 4)
        return false;
    if (insn->cond > 15 || insn->seg > 5 || insn->scale > 3)
        return false;
    if ((insn->base > 7 && insn->base != INSN_NOREG) || (insn->index > 7 && insn->index != INSN_NOREG))
        return false;
    if (insn->addrsize != 2 && insn->addrsize != 4)
        return false;
    for (unsigned i = 0; i < insn->nops; i++)
        if (!operand_ok(insn, &insn->op[i]))
            return false;
    return true;
}

/* Decode in memory that ends where the bytes do. */
static enum decode_status decode_exact(const uint8_t *bytes, size_t n, int mode, struct insn *insn)
{
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, n);
    enum decode_status status = decode_insn(copy, n, mode, insn);
    free(copy);
    return status;
}

static void check_text(const struct insn *insn, const uint8_t *bytes, size_t n)
{
    char whole[128], part[128];
    memset(whole, 'x', sizeof whole);
    char *text = insn_format(insn, 0xfffffff0, whole, sizeof whole);
    if (text != whole || !memchr(whole, 0, sizeof whole) || !whole[0])
        fail("no text", bytes, n);
    size_t room = 1 + bytes[0] % 24;
    memset(part, 'x', sizeof part);
    insn_format(insn, 0xfffffff0, part, room);
    if (!memchr(part, 0, room) || part[room] != 'x' || strncmp(whole, part, strlen(part)) != 0)
        fail("text in a small buffer", bytes, n);
}

static void one(const uint8_t *bytes, size_t avail, int mode)
{
    struct insn insn, again;
    size_t n = avail < 15 ? avail : 15;
    enum decode_status status = decode_exact(bytes, n, mode, &insn);
    switch (status) {
    case DECODE_OK:
        if (insn.len == 0 || insn.len > n || !insn_ok(&insn))
            fail("an instruction with wrong fields", bytes, n);
        if (decode_exact(bytes, insn.len, mode, &again) != DECODE_OK
            || memcmp(&insn, &again, sizeof insn) != 0)
            fail("what follows changes an instruction", bytes, n);
        for (size_t k = 0; k < insn.len; k++)
            if (decode_exact(bytes, k, mode, &again) != DECODE_MORE)
                fail("a part of an instruction is one", bytes, k);
        check_text(&insn, bytes, n);
        break;
    case DECODE_MORE:
        if (n == 15)
            fail("more than 15 bytes are wanted", bytes, n);
        break;
    case DECODE_UD:
        if (insn.len > n)
            fail("the length of #UD", bytes, n);
        break;
    case DECODE_TOOLONG:
        if (n < 15)
            fail("too long, with fewer than 15 bytes", bytes, n);
        break;
    default:
        fail("no status", bytes, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && i < 32; i++) {
        one(data + i, size - i, DECODE_16);
        one(data + i, size - i, DECODE_32);
    }
    return 0;
}
