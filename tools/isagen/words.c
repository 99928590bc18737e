#include "isagen.h"

#include <string.h>

const char *const pfx_name[] = { "NP", "66", "F3", "F2", "" };

#define AS_NAME(n) #n,
const char *const how_name[HOW_COUNT] = { HOWS(AS_NAME) };
const char *const size_name[SZ_COUNT] = { SIZES(AS_NAME) };

static const struct opspec opspecs[] = {
    { "Eb", HOW_E, SZ_B, 0, true },    { "Ew", HOW_E, SZ_W, 0, true },
    { "Ed", HOW_E, SZ_D, 0, true },    { "Ev", HOW_E, SZ_V, 0, true },
    { "Evw", HOW_E, SZ_VW, 0, true },  { "Edw", HOW_E, SZ_DW, 0, true },
    { "Gb", HOW_G, SZ_B, 0, true },    { "Gw", HOW_G, SZ_W, 0, true },
    { "Gd", HOW_G, SZ_D, 0, true },    { "Gv", HOW_G, SZ_V, 0, true },
    { "M", HOW_M, SZ_0, 0, true },     { "Mb", HOW_M, SZ_B, 0, true },
    { "Mw", HOW_M, SZ_W, 0, true },    { "Md", HOW_M, SZ_D, 0, true },
    { "Mq", HOW_M, SZ_Q, 0, true },    { "Mt", HOW_M, SZ_T, 0, true },
    { "Mdq", HOW_M, SZ_DQ, 0, true },  { "Ms", HOW_M, SZ_S, 0, true },
    { "Mp", HOW_M, SZ_P, 0, true },    { "Ma", HOW_M, SZ_A, 0, true },
    { "Rd", HOW_R, SZ_D, 0, true },    { "Ib", HOW_I, SZ_B, 0, false },
    { "Iw", HOW_I, SZ_W, 0, false },   { "Iz", HOW_I, SZ_V, 0, false },
    { "Ibs", HOW_IS, SZ_V, 0, false }, { "I2b", HOW_I2, SZ_B, 0, false },
    { "1", HOW_ONE, SZ_B, 0, false },  { "Jb", HOW_J, SZ_B, 0, false },
    { "Jz", HOW_J, SZ_V, 0, false },   { "Ap", HOW_A, SZ_P, 0, false },
    { "Ob", HOW_O, SZ_B, 0, false },   { "Ov", HOW_O, SZ_V, 0, false },
    { "ES", HOW_SREG, SZ_W, 0, false }, { "CS", HOW_SREG, SZ_W, 1, false },
    { "SS", HOW_SREG, SZ_W, 2, false }, { "DS", HOW_SREG, SZ_W, 3, false },
    { "FS", HOW_SREG, SZ_W, 4, false }, { "GS", HOW_SREG, SZ_W, 5, false },
    { "Cd", HOW_CREG, SZ_D, 0, true }, { "Dd", HOW_DREG, SZ_D, 0, true },
    { "Zb", HOW_OPREG, SZ_B, 0, false }, { "Zv", HOW_OPREG, SZ_V, 0, false },
    { "AL", HOW_FIXREG, SZ_B, 0, false }, { "CL", HOW_FIXREG, SZ_B, 1, false },
    { "AX", HOW_FIXREG, SZ_W, 0, false }, { "DX", HOW_FIXREG, SZ_W, 2, false },
    { "eAX", HOW_FIXREG, SZ_V, 0, false },
    { "ST0", HOW_ST, SZ_T, 0, false }, { "STi", HOW_STI, SZ_T, 0, true },
    { "Pq", HOW_P, SZ_Q, 0, true },    { "Qq", HOW_Q, SZ_Q, 0, true },
    { "Qd", HOW_Q, SZ_D, 0, true },    { "Nq", HOW_N, SZ_Q, 0, true },
    { "Vx", HOW_V, SZ_DQ, 0, true },   { "Wx", HOW_W, SZ_DQ, 0, true },
    { "Wq", HOW_W, SZ_Q, 0, true },    { "Wd", HOW_W, SZ_D, 0, true },
    { "Ux", HOW_U, SZ_DQ, 0, true },
};

const struct opspec *opspec_find(const char *name)
{
    for (unsigned i = 0; i < sizeof(opspecs) / sizeof(opspecs[0]); i++)
        if (strcmp(opspecs[i].name, name) == 0)
            return &opspecs[i];
    return NULL;
}

/* CPUID bits are named as /proc/cpuinfo does; p6, i486 and pmc stand for a family. */
const char *const feature_name[] = {
    "base", "i486", "p6", "cpuid", "fpu", "tsc", "msr", "cx8", "sep", "cmov", "fcmov", "pmc", "smm",
    "mmx", "fxsr", "sse", "sse2", "clfsh", "sse3", "monitor",
};
const unsigned n_features = sizeof(feature_name) / sizeof(feature_name[0]);

const struct attr attrs[] = {
    { "cpl0", "CPL0", "#GP(0) unless CPL is 0 (in virtual-8086 mode always)" },
    { "iopl", "IOPL", "looks at IOPL in every mode (IN and OUT: then the I/O bitmap)" },
    { "vmiopl", "VM_IOPL", "looks at IOPL in virtual-8086 mode" },
    { "pm", "PROTECTED", "#UD in real and virtual-8086 mode" },
    { "lock", "LOCKABLE", "LOCK is allowed with a memory destination" },
    { "end", "END_BLOCK", "no instruction of the same block may follow" },
    { "exit", "END_EXIT", "and the main loop must look at interrupts and modes after it" },
    { "fault", "MAYFAULT", "may raise an exception or access memory even without a memory operand" },
    { "noacc", "NOACCESS", "its memory operand is not accessed" },
    { "str", "STRING", "string instruction: REP is meaningful" },
    { "repcc", "REPCC", "string instruction that REPE and REPNE tell apart" },
    { "cond", "FLAGS_COND", "the flags written may also stay as they were" },
    { "branch", "BRANCH", "near transfer of control" },
    { "alias", "ALIAS", "undocumented encoding of another row's instruction" },
};
const unsigned n_attrs = sizeof(attrs) / sizeof(attrs[0]);

unsigned attr_bit(const char *word)
{
    for (unsigned i = 0; i < n_attrs; i++)
        if (strcmp(attrs[i].word, word) == 0)
            return 1u << i;
    return 0;
}
