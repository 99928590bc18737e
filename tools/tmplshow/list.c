/* The cost of each row of the ISA table, for programs: a line for each row, with a register and with a
 * memory operand where it takes both. */
#include "show.h"

#include <string.h>

struct sample {
    uint8_t bytes[17];
    unsigned n;
};
static struct sample samples[FORM_COUNT][2]; /* [form][memory] */

static bool has_memory(const struct insn *in)
{
    for (unsigned i = 0; i < in->nops; i++)
        if (in->op[i].kind == OPK_MEM)
            return true;
    return false;
}

/* Does it decode to this form with these operands? The first encoding that is found stands for it. */
static void try(const uint8_t *bytes, unsigned n)
{
    struct insn in;
    if (decode_insn(bytes, n, DECODE_32, &in) != DECODE_OK || in.form >= FORM_COUNT)
        return;
    struct sample *s = &samples[in.form][has_memory(&in)];
    if (s->n)
        return;
    s->n = in.len;
    memcpy(s->bytes, bytes, in.len);
}

static bool is_prefix(unsigned op)
{
    return (op & 0xe7) == 0x26 || (op >= 0x64 && op <= 0x67) || op == 0xf0 || op == 0xf2 || op == 0xf3 || op == 0x0f;
}

/* Prefixes, both opcode maps, a ModRM with each digit as register and as [ebx+8]. */
static void find_samples(void)
{
    static const int prefixes[] = {-1, 0x66, 0xf3, 0xf2};
    for (unsigned p = 0; p < 4; p++)
        for (unsigned map = 0; map < 2; map++)
            for (unsigned op = 0; op < 256; op++)
                for (unsigned modrm = 0; modrm < 128 && (map || !is_prefix(op)); modrm++) {
                    uint8_t b[16] = {0};
                    unsigned n = 0;
                    if (prefixes[p] >= 0)
                        b[n++] = (uint8_t)prefixes[p];
                    if (map)
                        b[n++] = 0x0f;
                    b[n++] = (uint8_t)op;
                    if (modrm < 8) {
                        b[n++] = (uint8_t)(0x43 | modrm << 3);
                        b[n++] = 8;
                    } else if (modrm < 16)
                        b[n++] = (uint8_t)(0xc1 | (modrm & 7) << 3); /* rm: ECX, ST(1), XMM1 */
                    else if (modrm >= 64)
                        b[n++] = (uint8_t)(0xc0 | (modrm & 63));     /* x87 and system rows of their own */
                    else
                        continue;
                    /* Immediates that are not special: 5, 0, 0, 0. */
                    b[n] = 5;
                    try(b, sizeof b);
                }
}

static void put_row(unsigned form, bool memory, const struct show_host *host)
{
    static struct show_block b;
    struct sample *s = &samples[form][memory];
    char text[100];
    s->bytes[s->n] = 0x90; /* a NOP: the exit's work is not the instruction's */
    printf("%s\t%s\t%s\t", isa_form_name[form], memory ? "memory" : "register", host->name);
    if (!world_block(s->bytes, s->n + 1, 0x1000, host, &b)) {
        printf("interpreter\t-1\t-1\t0\t\n");
        return;
    }
    struct path way = path_of_insn(&b, 0);
    bool interp = insn_interpreted(&b, 0);
    printf("%s\t%d\t%d\t%u\t%s\n", interp ? "interpreter" : "template", interp ? -1 : way.min,
           interp ? -1 : way.max, words_out_of_line(&b, 0), insn_text(&b, 0, text, sizeof text));
}

int command_list(void)
{
    find_samples();
    printf("form\toperand\thost\tway\tmin\tmax\tout_of_line\texample\n");
    for (unsigned form = 0; form < FORM_COUNT; form++)
        for (int memory = 0; memory < 2; memory++)
            for (unsigned h = 0; samples[form][memory].n && h < show_host_count; h++)
                put_row(form, memory, &show_hosts[h]);
    return 0;
}
