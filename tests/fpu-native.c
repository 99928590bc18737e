/* Run one x87 instruction on the x87 of an x86-64 machine: FRSTOR, the instruction, FNSAVE.
 * Unmasked exceptions only set ES, since FNSAVE does not wait. */
#include "fpu-case.h"

#ifdef __x86_64__
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct image {
    uint32_t cw, sw, tw, fip, fcs, fdp, fds;
    uint8_t st[80];
} __attribute__((packed));

static uint8_t *stubs;

static void make_stubs(void)
{
    stubs = mmap(NULL, 8 * 256 * 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stubs == MAP_FAILED)
        abort();
    for (unsigned op = 0; op < 8; op++) {
        for (unsigned modrm = 0; modrm < 256; modrm++) {
            uint8_t *p = stubs + (op * 256 + modrm) * 4;
            p[0] = (uint8_t)(0xd8 + op);
            p[1] = (uint8_t)modrm;
            p[2] = 0xc3;
        }
    }
    mprotect(stubs, 8 * 256 * 4, PROT_READ | PROT_EXEC);
}

bool fpu_native(void)
{
    return true;
}

void fpu_run_native(const struct fpu_case *c, struct fpu_state *out)
{
    if (!stubs)
        make_stubs();
    struct image in, res;
    memset(&in, 0, sizeof in);
    in.cw = 0xffff0000u | c->in.cw;
    in.sw = 0xffff0000u | c->in.sw;
    in.tw = 0xffff0000u;
    for (unsigned i = 0; i < 8; i++) {
        if (c->in.empty >> i & 1)
            in.tw |= 3u << 2 * i;
        memcpy(in.st + 10 * i, &c->in.st[i].mant, 8);
        memcpy(in.st + 10 * i + 8, &c->in.st[i].se, 2);
    }
    *out = c->in;
    const uint8_t *stub = stubs + ((c->op - 0xd8) * 256 + c->modrm) * 4;
    uint64_t flags = c->in.eflags | 2, flags_out;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "frstor (%[in])\n\t"
                     "push %[flags]\n\t"
                     "popfq\n\t"
                     "call *%[stub]\n\t"
                     "pushfq\n\t"
                     "pop %[fout]\n\t"
                     "fnsave (%[res])\n\t"
                     "lea 128(%%rsp), %%rsp\n\t"
                     : [fout] "=&r"(flags_out)
                     : [in] "r"(&in), [res] "r"(&res), [flags] "r"(flags), [stub] "r"(stub), "D"(out->mem)
                     : "rax", "memory", "cc");
    out->cw = (uint16_t)res.cw;
    out->sw = (uint16_t)res.sw;
    out->eflags = (uint32_t)flags_out & CC_ARITH;
    out->empty = 0;
    for (unsigned i = 0; i < 8; i++) {
        if ((res.tw >> 2 * i & 3) == 3)
            out->empty |= (uint8_t)(1u << i);
        memset(&out->st[i], 0, sizeof out->st[i]);
        memcpy(&out->st[i].mant, res.st + 10 * i, 8);
        memcpy(&out->st[i].se, res.st + 10 * i + 8, 2);
    }
}
#else
bool fpu_native(void)
{
    return false;
}

void fpu_run_native(const struct fpu_case *c, struct fpu_state *out)
{
    *out = c->in;
}
#endif
