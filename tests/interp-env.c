#include "interp-env.h"

void put(uint32_t at, const void *bytes, size_t n)
{
    memcpy(ram + at, bytes, n);
    if (env->icache)
        interp_cache_flush(env->icache);
}

int run(uint32_t n)
{
    volatile uint64_t end = env->insns_interp + n;

    env->exception_index = -1;
    env->error_code = 0;
    env->jmp_env = &sys_jmp;
    if (sigsetjmp(sys_jmp, 0) == 0)
        while (env->insns_interp < end && !env->halted)
            interp_run(env, (uint32_t)(end - env->insns_interp));
    return env->exception_index;
}

void paging(void)
{
    wr32(PDIR, PTAB | 7);
    for (uint32_t i = 0; i < RAM_SIZE >> 12; i++)
        wr32(PTAB + 4 * i, i << 12 | 7);
    env->cr[3] = PDIR;
    cpu_write_cr(env, 0, env->cr[0] | CR0_PG | CR0_WP);
}

void map(uint32_t lin, uint32_t flags)
{
    wr32(PTAB + 4 * (lin >> 12), (lin & ~0xfffu) | flags);
    tlb_flush(env);
}
