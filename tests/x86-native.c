#include "x86-native.h"

#include <string.h>
#include <sys/mman.h>

#ifdef __x86_64__

static uint8_t *page;

bool x86_native_init(void)
{
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page != MAP_FAILED;
}

void x86_native_run(struct x86_state *s, const uint8_t *insn, unsigned len)
{
    static const uint8_t before[] = {
        0x53, 0x55, 0x41, 0x57,             /* push rbx, rbp, r15 */
        0x49, 0x89, 0xff,                   /* mov r15, rdi */
        0x41, 0xff, 0x77, 0x28,             /* push qword [r15 + 40] */
        0x41, 0x8b, 0x47, 0,                /* mov eax, [r15] */
        0x41, 0x8b, 0x4f, 4, 0x41, 0x8b, 0x57, 8, 0x41, 0x8b, 0x5f, 12, /* ecx edx ebx */
        0x41, 0x8b, 0x6f, 20, 0x41, 0x8b, 0x77, 24, 0x41, 0x8b, 0x7f, 28, /* ebp esi edi */
        0x9d,                               /* popf */
    }, after[] = {
        0x9c,                               /* pushf */
        0x41, 0x89, 0x47, 0,
        0x41, 0x89, 0x4f, 4, 0x41, 0x89, 0x57, 8, 0x41, 0x89, 0x5f, 12,
        0x41, 0x89, 0x6f, 20, 0x41, 0x89, 0x77, 24, 0x41, 0x89, 0x7f, 28,
        0x41, 0x8f, 0x47, 0x28,             /* pop qword [r15 + 40] */
        0x41, 0x5f, 0x5d, 0x5b, 0xc3,
    };
    union {
        uint8_t *bytes;
        void (*call)(struct x86_state *);
    } code = { page };

    memcpy(page, before, sizeof(before));
    memcpy(page + sizeof(before), insn, len);
    memcpy(page + sizeof(before) + len, after, sizeof(after));
    s->eflags = (s->eflags & 0x8d5) | 0x202;
    code.call(s);
}

#else

bool x86_native_init(void)
{
    return false;
}

void x86_native_run(struct x86_state *s, const uint8_t *insn, unsigned len)
{
    (void)s;
    (void)insn;
    (void)len;
}

#endif
