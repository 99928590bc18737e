/* Code in every other page of large pages: more pieces of memory with rights of their own than the host has mappings for.
 * options: -cpu pentium2 -m 256 */
#include "guest.h"

#define START 0x400000u
#define END 0xe000000u

void test(void)
{
    u32 n = 0, wrong = 0;
    for (u32 i = 0; i < 1024; i++)
        page_dir[i] = i << 22 | P_P | P_RW | P_PS | P_G;
    write_cr4(read_cr4() | 0x90);
    write_cr3((u32)page_dir);
    write_cr0(read_cr0() | 0x80010000);
    for (u32 round = 0; round < 2; round++)
        for (u32 at = START; at < END; at += 8192) {
            put_mov((u8 *)at, at + round);
            wrong += call_code((u8 *)at) != at + round;
            *(volatile u32 *)(at + 4096) = at;
            n++;
        }
    for (u32 at = START; at < END; at += 8192) {
        wrong += *(volatile u32 *)(at + 4096) != at;
        *(volatile u32 *)(at + 4096) = at + 1;
        wrong += *(volatile u32 *)(at + 1) != at + 1; /* the code's operand */
        wrong += *(volatile u32 *)(at + 4096) != at + 1;
    }
    check("pages", n, (END - START) / 8192 * 2);
    check("code and data", wrong, 0);
}
