/* Debug registers and breakpoints (SDM 3, chapter 17). */
#include "protect.h"

enum { BP_EXEC = 0, BP_WRITE = 1, BP_IO = 2, BP_RW = 3 };

static bool bp_enabled(const CPUX86State *env, unsigned i)
{
    return env->dr[7] >> (2 * i) & 3;
}

static unsigned bp_type(const CPUX86State *env, unsigned i)
{
    return env->dr[7] >> (16 + 4 * i) & 3;
}

static uint32_t bp_length(const CPUX86State *env, unsigned i)
{
    static const uint8_t length[] = { 1, 2, 8, 4 };
    return length[env->dr[7] >> (18 + 4 * i) & 3];
}

bool debug_armed(const CPUX86State *env)
{
    return env->dr[7] & 0xff;
}

/* Tell the soft MMU which pages may no longer use the fast path. */
void debug_changed(CPUX86State *env)
{
    if (!env->mmu)
        return;
    for (unsigned i = 0; i < 4; i++) {
        unsigned type = bp_type(env, i);
        uint32_t length = bp_length(env, i);
        bool data = bp_enabled(env, i) && (type == BP_WRITE || type == BP_RW);
        softmmu_set_watch(env, i, env->dr[i] & ~(length - 1), length, data ? (int)type : -1);
    }
}

/* DR4 and DR5 name DR6 and DR7 unless CR4.DE is set; GD guards them all. */
static int debug_register(CPUX86State *env, int n)
{
    if (n == 4 || n == 5) {
        if (env->cr[4] & CR4_DE)
            raise_exception(env, EXCP_UD, 0);
        n += 2;
    }
    if (env->dr[7] & DR7_GD)
        raise_debug(env, DR6_BD, 0);
    return n;
}

uint32_t cpu_read_dr(CPUX86State *env, int n)
{
    return env->dr[debug_register(env, n)];
}

void cpu_write_dr(CPUX86State *env, int n, uint32_t value)
{
    n = debug_register(env, n);
    if (n == 6)
        env->dr[6] = (value & 0xe00f) | 0xffff0ff0;
    else if (n == 7)
        env->dr[7] = (value & 0xffff23ff) | 0x400;
    else
        env->dr[n] = value;
    if (n != 6) {
        debug_changed(env);
        cpu_update_hflags(env);
    }
}

uint32_t cpu_check_insn_bp(CPUX86State *env, uint32_t linear)
{
    uint32_t hits = 0;
    if (env->eflags & RF_MASK)
        return 0;
    for (unsigned i = 0; i < 4; i++)
        if (bp_enabled(env, i) && bp_type(env, i) == BP_EXEC && env->dr[i] == linear)
            hits |= 1u << i;
    return hits;
}

void cpu_check_data_bp(CPUX86State *env, uint32_t linear, unsigned len, int type)
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned bp = bp_type(env, i);
        if (!bp_enabled(env, i) || bp == BP_EXEC)
            continue;
        /* A write meets both kinds of data breakpoint, a read only the second. */
        if (type == BP_IO ? bp != BP_IO || !(env->cr[4] & CR4_DE) : bp != BP_RW && (int)bp != type)
            continue;
        uint32_t length = bp_length(env, i), start = env->dr[i] & ~(length - 1);
        if (linear - start < length || start - linear < len)
            env->db_status |= 1u << i;
    }
}

void debug_enter(CPUX86State *env)
{
    env->dr[6] = (env->dr[6] & ~15u) | env->db_status;
    env->db_status = 0;
    env->dr[7] &= ~DR7_GD;
}
