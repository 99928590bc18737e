#include "state-hash.h"

#include <string.h>

#include "clock.h"
#include "flags.h"
#include "log.h"
#include "simd.h"
#include "softmmu.h"

/* Hashing all memory at each interval costs more than running the guest: a part of it is taken
 * each time, in rotation. */
#define RAM_PARTS 16

static uint64_t interval, next_hash;

void state_hash_init(uint64_t n)
{
    interval = n;
    next_hash = n;
}

uint32_t state_hash_limit(const CPUX86State *env, uint32_t limit)
{
    if (!interval)
        return limit;
    uint64_t left = next_hash - clock_icount(env);
    return left < limit ? (uint32_t)left : limit;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t hash_segment(uint64_t h, const struct segment *s)
{
    h = mix(h, (uint64_t)s->selector << 32 | s->flags);
    return mix(h, (uint64_t)s->base << 32 | s->limit);
}

static uint64_t hash_cpu(uint64_t h, CPUX86State *env)
{
    sse_collect_flags(env);
    for (int i = 0; i < 8; i++)
        h = mix(h, env->regs[i]);
    h = mix(h, (uint64_t)env->eip << 32 | cpu_eflags(env));
    for (int i = 0; i < SEG_COUNT; i++)
        h = hash_segment(h, &env->segs[i]);
    h = hash_segment(hash_segment(h, &env->ldt), &env->tr);
    h = mix(h, (uint64_t)env->gdt_base << 32 | env->gdt_limit);
    h = mix(h, (uint64_t)env->idt_base << 32 | env->idt_limit);
    for (int i = 0; i < 5; i++)
        h = mix(h, env->cr[i]);
    for (int i = 0; i < 8; i++)
        h = mix(h, env->dr[i]);
    for (int i = 0; i < 8; i++)
        h = mix(mix(h, env->fpregs[i].mant), env->fpregs[i].se);
    h = mix(h, (uint64_t)env->fptw << 32 | (uint32_t)env->fpuc << 16 | env->fpus);
    for (int i = 0; i < 8; i++)
        h = mix(mix(h, env->xmm[i].q[0]), env->xmm[i].q[1]);
    h = mix(h, (uint64_t)env->mxcsr << 32 | (env->hflags & HF_INHIBIT) | env->halted);
    h = mix(h, (uint64_t)env->sysenter_esp << 32 | env->sysenter_eip);
    return mix(h, (uint64_t)env->tsc_offset);
}

static uint64_t hash_ram(uint64_t h, CPUX86State *env, uint64_t part)
{
    hwaddr base, size;
    uint8_t *host;
    for (unsigned i = 0; phys_mem_ram_region(env->mem, i, &base, &size, &host); i++) {
        hwaddr from = size / RAM_PARTS * part, to = part == RAM_PARTS - 1 ? size : size / RAM_PARTS * (part + 1);
        for (hwaddr a = from & ~7ull; a + 8 <= to; a += 8) {
            uint64_t v;
            memcpy(&v, host + a, 8);
            h = mix(h, v);
        }
    }
    return h;
}

void state_hash_check(CPUX86State *env)
{
    if (!interval || clock_icount(env) < next_hash)
        return;
    uint64_t n = next_hash / interval;
    uint64_t cpu = hash_cpu(0, env);
    log_printf("hash %llu eip %08x cpu %016llx ram %016llx\n", (unsigned long long)next_hash, env->eip,
               (unsigned long long)cpu, (unsigned long long)hash_ram(0, env, n % RAM_PARTS));
    next_hash += interval;
}
