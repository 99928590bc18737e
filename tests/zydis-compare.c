/* Zydis knows newer processors; which of its instructions a P6 with SSE3 has is told from Zydis's own
 * ISA set alone. */
#include "zydis-compare.h"

#ifdef HAVE_ZYDIS

#include <Zydis/Zydis.h>
#include <string.h>

static ZydisDecoder decoders[2];
unsigned long n_compared, n_valid;
bool form_seen[FORM_COUNT];
static bool flags_checked[FORM_COUNT];

/* ---- what the processor we model has ---- */

static bool in_p6_sse3(ZydisISASet set)
{
    switch (set) {
    case ZYDIS_ISA_SET_I86:
    case ZYDIS_ISA_SET_I186:
    case ZYDIS_ISA_SET_I286PROTECTED:
    case ZYDIS_ISA_SET_I286REAL:
    case ZYDIS_ISA_SET_I386:
    case ZYDIS_ISA_SET_I486:
    case ZYDIS_ISA_SET_I486REAL:
    case ZYDIS_ISA_SET_PENTIUMREAL:
    case ZYDIS_ISA_SET_PENTIUMMMX:
    case ZYDIS_ISA_SET_PPRO:
    case ZYDIS_ISA_SET_CMOV:
    case ZYDIS_ISA_SET_FCMOV:
    case ZYDIS_ISA_SET_X87:
    case ZYDIS_ISA_SET_FAT_NOP:
    case ZYDIS_ISA_SET_PREFETCH_NOP:
    case ZYDIS_ISA_SET_FXSAVE:
    case ZYDIS_ISA_SET_LAHF:
    case ZYDIS_ISA_SET_PAUSE:
    case ZYDIS_ISA_SET_RDPMC:
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_SSE_PREFETCH:
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX:
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSE3X87:
    case ZYDIS_ISA_SET_MONITOR:
    case ZYDIS_ISA_SET_CLFSH:
        return true;
    default:
        return false;
    }
}

static enum decode_status expected_status(ZyanStatus status, const ZydisDecodedInstruction *zi, size_t avail)
{
    if (status == ZYDIS_STATUS_NO_MORE_DATA)
        return DECODE_MORE;
    /* That there will be too many bytes is Zydis's foresight; we ask for all 15 first. */
    if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG)
        return avail < 15 ? DECODE_MORE : DECODE_TOOLONG;
    if (!ZYAN_SUCCESS(status))
        return DECODE_UD;
    return in_p6_sse3(zi->meta.isa_set) ? DECODE_OK : DECODE_UD;
}

/* ---- operands ---- */

static unsigned gpr_size(ZydisRegister reg)
{
    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8: return 1;
    case ZYDIS_REGCLASS_GPR16: return 2;
    case ZYDIS_REGCLASS_GPR32: return 4;
    default: return 0;
    }
}

/* Zydis numbers the byte registers al cl dl bl ah ch dh bh spl ...: the hardware's order. */
static unsigned reg_number(ZydisRegister reg)
{
    if (ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_GPR8)
        return (unsigned)(reg - ZYDIS_REGISTER_AL);
    return (unsigned)ZydisRegisterGetId(reg);
}

static bool same_register(const struct operand *op, ZydisRegister reg)
{
    if (reg_number(reg) != op->reg)
        return false;
    switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8:
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32: return op->kind == OPK_REG && op->size == gpr_size(reg);
    case ZYDIS_REGCLASS_X87: return op->kind == OPK_ST && op->size == 10;
    case ZYDIS_REGCLASS_MMX: return op->kind == OPK_MMX && op->size == 8;
    case ZYDIS_REGCLASS_XMM: return op->kind == OPK_XMM && op->size == 16;
    case ZYDIS_REGCLASS_SEGMENT: return op->kind == OPK_SREG && op->size == 2;
    case ZYDIS_REGCLASS_CONTROL: return op->kind == OPK_CR && op->size == 4;
    case ZYDIS_REGCLASS_DEBUG: return op->kind == OPK_DR && op->size == 4;
    default: return false;
    }
}

static bool same_address_register(unsigned ours, ZydisRegister reg)
{
    return reg == ZYDIS_REGISTER_NONE ? ours == INSN_NOREG : ours == reg_number(reg);
}

static void compare_memory(const struct sample *s, const struct insn *insn, const struct operand *op,
                           const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *zo)
{
    unsigned zscale = zo->mem.scale > 1 ? (unsigned)__builtin_ctz(zo->mem.scale) : 0;
    int64_t disp = zo->mem.disp.has_displacement ? zo->mem.disp.value : 0;
    bool same_disp = insn->addrsize == 2 ? (uint16_t)disp == (uint16_t)insn->disp
                                         : (int32_t)disp == insn->disp;
    bool address_only = zo->mem.type == ZYDIS_MEMOP_TYPE_AGEN; /* has no segment */
    if ((!address_only && insn->seg != reg_number(zo->mem.segment))
        || !same_address_register(insn->base, zo->mem.base)
        || !same_address_register(insn->index, zo->mem.index)
        || (insn->index != INSN_NOREG && insn->scale != zscale) || !same_disp
        || insn->addrsize * 8 != zi->address_width)
        differs(s, T_MEMORY, "seg %d base %d index %d scale %d disp %d", insn->seg, insn->base, insn->index,
                insn->scale, insn->disp);
    /* An area has size 0 with us, addresses alone (LEA) and NOPs have no size that means anything. */
    if (op->size != 0 && op->size * 8 != zo->size && !(isa_info[insn->form].flags & ISA_NOACCESS))
        differs(s, T_MEMORY, "%s: memory size %d, Zydis %d bits", isa_form_name[insn->form], op->size,
                zo->size);
}

/* Zydis sign-extends what has no need of it.  We leave an immediate as wide as the operand
 * zero-extended, and sign-extend shorter ones to all 32 bits. */
static bool same_immediate(uint32_t ours, uint32_t theirs, unsigned size, unsigned encoded_bits)
{
    if (encoded_bits < size * 8)
        return ours == theirs;
    uint32_t mask = size >= 4 ? UINT32_MAX : (1u << size * 8) - 1;
    return ours == (theirs & mask);
}

static void compare_operand(const struct sample *s, const struct insn *insn, const struct operand *op,
                            const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *zo)
{
    uint32_t value;
    switch (zo->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        if (!same_register(op, zo->reg.value))
            differs(s, T_OPERANDS, "%s: operand %d: kind %d reg %d size %d, Zydis %s",
                    isa_form_name[insn->form], (int)(op - insn->op), op->kind, op->reg, op->size,
                    ZydisRegisterGetString(zo->reg.value));
        break;
    case ZYDIS_OPERAND_TYPE_MEMORY:
        if (op->kind != OPK_MEM)
            differs(s, T_OPERANDS, "%s: Zydis has memory", isa_form_name[insn->form]);
        else
            compare_memory(s, insn, op, zi, zo);
        break;
    case ZYDIS_OPERAND_TYPE_POINTER:
        if (op->kind != OPK_FAR || insn->imm != zo->ptr.offset || insn->imm2 != zo->ptr.segment)
            differs(s, T_IMMEDIATE, "far %x:%x", insn->imm2, insn->imm);
        break;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        value = (uint32_t)zo->imm.value.u;
        if (zo->imm.is_relative) {
            if (op->kind != OPK_REL || insn->imm != value)
                differs(s, T_IMMEDIATE, "rel %x, Zydis %x", insn->imm, value);
        } else if (op->kind == OPK_IMM2) {
            if (insn->imm2 != value)
                differs(s, T_IMMEDIATE, "imm2 %x, Zydis %x", insn->imm2, value);
        } else if (op->kind != OPK_IMM || !same_immediate(insn->imm, value, op->size, zi->raw.imm[0].size)) {
            differs(s, T_IMMEDIATE, "%s: imm %x, Zydis %x", isa_form_name[insn->form], insn->imm, value);
        }
        break;
    default:
        differs(s, T_OPERANDS, "Zydis operand type %d", zo->type);
        break;
    }
}

static void compare_operands(const struct sample *s, const struct insn *insn,
                             const ZydisDecodedInstruction *zi, const ZydisDecodedOperand *zo)
{
    const ZydisDecodedOperand *shown[ZYDIS_MAX_OPERAND_COUNT];
    unsigned n = 0;
    for (unsigned i = 0; i < zi->operand_count; i++)
        if (zo[i].visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN)
            shown[n++] = &zo[i];
    /* Intel names neither string operands nor the implied ST(0) of most x87 instructions nor
     * XLAT's, so we have no operands there; Zydis calls them implicit. */
    while (n > insn->nops && shown[n - 1]->visibility == ZYDIS_OPERAND_VISIBILITY_IMPLICIT)
        n--;
    while (n > insn->nops && shown[0]->visibility == ZYDIS_OPERAND_VISIBILITY_IMPLICIT)
        memmove(shown, shown + 1, --n * sizeof(shown[0]));
    if (n != insn->nops) {
        differs(s, T_OPERANDS, "%s: %d operands, Zydis %u", isa_form_name[insn->form], insn->nops, n);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        compare_operand(s, insn, &insn->op[i], zi, shown[i]);
}

/* ---- mnemonic, flags, privilege ---- */

static void compare_mnemonic(const struct sample *s, const struct insn *insn,
                             const ZydisDecodedInstruction *zi)
{
    static const char *const same[][2] = {
        { "sal", "shl" }, { "fstpnce", "fstp" }, { "feni8087_nop", "fneni" }, { "fdisi8087_nop", "fndisi" },
        { "fsetpm287_nop", "fnsetpm" },
    };
    char text[128], *word;
    const char *theirs = ZydisMnemonicGetString(zi->mnemonic);
    insn_format(insn, 0, text, sizeof(text));
    word = strtok(text, " ");
    while (word && (strcmp(word, "lock") == 0 || strcmp(word, "rep") == 0 || strcmp(word, "repne") == 0))
        word = strtok(NULL, " ");
    for (unsigned i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        if (strcmp(theirs, same[i][0]) == 0)
            theirs = same[i][1];
    if (zi->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR && strcmp(theirs, "ret") == 0)
        theirs = "retf";
    if (!word || strcmp(word, theirs) != 0)
        differs(s, T_MNEMONIC, "%s, Zydis %s", word ? word : "", theirs);
}

static void compare_properties(const struct sample *s, const struct insn *insn,
                               const ZydisDecodedInstruction *zi)
{
    const struct isa_info *info = &isa_info[insn->form];
    if (flags_checked[insn->form])
        return;
    flags_checked[insn->form] = true;
    if (zi->cpu_flags) {
        const ZydisAccessedFlags *f = zi->cpu_flags;
        /* ZYDIS_CPUFLAG_* are EFLAGS bits. */
        unsigned read = f->tested & CC_ARITH, undefined = f->undefined & CC_ARITH;
        unsigned written = (f->modified | f->set_0 | f->set_1) & CC_ARITH & ~undefined;
        if (read != info->flags_read || undefined != info->flags_undefined
            || written != (info->flags_written & ~(unsigned)info->flags_undefined))
            differs(s, T_FLAGS, "%s: r %03x w %03x u %03x, Zydis r %03x w %03x u %03x",
                    isa_form_name[insn->form], info->flags_read, info->flags_written, info->flags_undefined,
                    read, written, undefined);
    } else if (info->flags_read || info->flags_written || info->flags_undefined) {
        differs(s, T_FLAGS, "%s: Zydis has none", isa_form_name[insn->form]);
    }
    if (!!(zi->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != !!(info->flags & (ISA_CPL0 | ISA_IOPL)))
        differs(s, T_PRIVILEGE, "%s: Zydis %s", isa_form_name[insn->form],
                zi->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED ? "privileged" : "not privileged");
}

/* ---- one byte string ---- */

/* Where the opcode is, for the table of differences: found without either decoder. */
static void locate(struct sample *s)
{
    unsigned i;
    s->map = 0;
    s->prefix = 0;
    for (i = 0; i < 15; i++) {
        uint8_t b = s->bytes[i];
        if (b == 0xf2 || b == 0xf3)
            s->prefix = b;
        else if (b == 0x66)
            s->prefix = s->prefix ? s->prefix : b;
        else if (b != 0x67 && b != 0xf0 && b != 0x26 && b != 0x2e && b != 0x36 && b != 0x3e && b != 0x64
                 && b != 0x65)
            break;
    }
    s->opcode_at = i;
    if (s->bytes[i] == 0x0f) {
        s->map = 1;
        i++;
    }
    s->opcode = s->bytes[i];
    s->modrm = s->bytes[i + 1];
}

/* We call #UD as soon as it is certain, Zydis reads the whole instruction first: is it #UD for
 * Zydis too, when there are bytes enough and no idle prefixes? */
static bool invalid_anyway(const struct sample *s)
{
    uint8_t bytes[BUFFER] = { 0 };
    unsigned n = 0, i;
    for (i = 0; i < 15; i++) {
        uint8_t b = s->bytes[i];
        bool segment = b == 0x26 || b == 0x2e || b == 0x36 || b == 0x3e || b == 0x64 || b == 0x65;
        if (!segment && b != 0x66 && b != 0x67 && b != 0xf0 && b != 0xf2 && b != 0xf3)
            break;
        bool repeated = memchr(s->bytes + i + 1, b, s->opcode_at - i - 1) != NULL;
        if (segment || repeated || ((b == 0xf2 || b == 0xf3) && b != s->prefix))
            continue;
        bytes[n++] = b;
    }
    memcpy(bytes + n, s->bytes + i, BUFFER - i < BUFFER - n ? BUFFER - i : BUFFER - n);
    ZydisDecodedInstruction zi;
    ZyanStatus zs = ZydisDecoderDecodeInstruction(&decoders[s->mode], NULL, bytes, 16, &zi);
    return expected_status(zs, &zi, 16) == DECODE_UD;
}

void compare(struct sample *s)
{
    ZydisDecodedInstruction zi;
    ZydisDecodedOperand zo[ZYDIS_MAX_OPERAND_COUNT];
    struct insn insn;
    locate(s);
    ZyanStatus zs = ZydisDecoderDecodeFull(&decoders[s->mode], s->bytes, s->avail, &zi, zo);
    enum decode_status want = expected_status(zs, &zi, s->avail);
    enum decode_status got = decode_insn(s->bytes, s->avail, s->mode, &insn);
    n_compared++;
    if (got == DECODE_UD && (want == DECODE_MORE || want == DECODE_TOOLONG))
        want = invalid_anyway(s) ? DECODE_UD : want;
    if (got == DECODE_OK)
        form_seen[insn.form] = true;
    if (got != want) {
        differs(s, T_STATUS, "status %d (%s), expected %d (Zydis: %s, ISA set %s)", got,
                isa_form_name[insn.form], want, ZYAN_SUCCESS(zs) ? ZydisMnemonicGetString(zi.mnemonic) : "-",
                ZYAN_SUCCESS(zs) ? ZydisISASetGetString(zi.meta.isa_set) : "-");
        return;
    }
    if (got != DECODE_OK)
        return;
    n_valid++;
    if (insn.len != zi.length) {
        differs(s, T_LENGTH, "%s: length %d, Zydis %d", isa_form_name[insn.form], insn.len, zi.length);
        return;
    }
    compare_mnemonic(s, &insn, &zi);
    compare_operands(s, &insn, &zi, zo);
    compare_properties(s, &insn, &zi);
    /* One byte less must ask for more. */
    enum decode_status cut = decode_insn(s->bytes, insn.len - 1u, s->mode, &insn);
    if (cut != DECODE_MORE)
        differs(s, T_STATUS, "one byte cut off: status %d", cut);
}

void compare_init(void)
{
    static const ZydisDecoderMode newer[] = {
        ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_LZCNT, ZYDIS_DECODER_MODE_TZCNT,
        ZYDIS_DECODER_MODE_WBNOINVD, ZYDIS_DECODER_MODE_CLDEMOTE
    };
    ZydisDecoderInit(&decoders[DECODE_16], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&decoders[DECODE_32], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    /* These reuse encodings that older processors execute as BSF, BSR, WBINVD or NOP. */
    for (unsigned m = 0; m < 2; m++)
        for (unsigned i = 0; i < sizeof(newer) / sizeof(newer[0]); i++)
            ZydisDecoderEnableMode(&decoders[m], newer[i], ZYAN_FALSE);
}

#endif
