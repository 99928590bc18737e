/* check_tmpl_insn's tests of one mnemonic.  What fails there ends the process. */
#define main check_tmpl_insn_main
#include "check_tmpl_insn.c"
#undef main
#include "host-native.h"

void insn_prepare(void)
{
    if (!x86_native_init())
        exit(77);
}

void insn_run(unsigned mnem)
{
    for (int i = 0; i < encoding_count; i++)
        if (encodings[i].mnem == mnem)
            test_encoding(i);
}
