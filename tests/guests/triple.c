/* A triple fault resets the machine: with -no-reboot the run ends there. */
#include "guest.h"

void test(void)
{
    struct { u16 limit; u32 base; } __attribute__((packed)) r = {0, 0};
    check("before", 1, 1);
    __asm__ volatile("lidt %0; int3" : : "m"(r));
    check("after", 1, 0);
}
