#include "snippet-world.h"

#include <stdlib.h>

struct snippet_world now, want;
uint32_t words[512];
int n_words;

uint64_t snippet_random(void)
{
    static uint64_t x = 0x9e3779b97f4a7c15u;
    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

uint64_t sx(uint32_t v)
{
    return (uint64_t)(int64_t)(int32_t)v;
}

uint64_t random_word(void)
{
    return sx((uint32_t)(snippet_random() >> 16));
}

static void fill(void *p, size_t n)
{
    uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        b[i] = (uint8_t)(snippet_random() >> 24);
}

void snippet_start(void)
{
    /* All but the guards of pages, which are many. */
    fill(&now.env, offsetof(CPUX86State, page_guard));
    memset(now.env.page_guard, 0, sizeof now.env - offsetof(CPUX86State, page_guard));
    fill(now.stack, sizeof now.stack);
    fill(now.page, sizeof now.page);
    memset(now.table, 0, sizeof now.table);
    memset(&now.s, 0, sizeof now.s);
    for (int i = 1; i < 32; i++) {
        bool word = (HREGS_GUEST | HREGS_CC | 1u << HREG_icount) >> i & 1;
        now.s.r[i] = word ? random_word() : snippet_random();
    }
    for (int i = 0; i < 32; i++)
        now.s.f[i] = snippet_random();
    now.s.fcsr = 0x7c;
    R(env) = ENV_AT;
    R(sp) = STACK_AT + SP;
    R(mem) = now.env.tlb_base = TABLE_AT;
    now.s.mem[0].base = ENV_AT;
    now.s.mem[0].size = sizeof now.env;
    now.s.mem[0].bytes = (uint8_t *)&now.env;
    now.s.mem[1].base = STACK_AT;
    now.s.mem[1].size = STACK;
    now.s.mem[1].bytes = now.stack;
    now.s.mem[2].base = TABLE_AT;
    now.s.mem[2].size = sizeof now.table;
    now.s.mem[2].bytes = (uint8_t *)now.table;
    now.s.mem[3].base = PAGE_AT;
    now.s.mem[3].size = PAGE;
    now.s.mem[3].bytes = now.page;
    memcpy(&want, &now, sizeof want);
}

void clobber_caller_saved(void)
{
    const uint32_t kept = HREGS_GUEST | 1u << HREG_mem | 1u << HREG_sp | 1u << HREG_env | 1u << HREG_zero;
    for (int i = 0; i < 32; i++)
        if (!(kept >> i & 1))
            now.s.r[i] = snippet_random();
    /* n64: f24-f31 are kept. */
    for (int i = 0; i < 24; i++)
        now.s.f[i] = snippet_random();
    now.s.fcsr |= 0x0a800000;
}

void same(const char *name, uint32_t but)
{
    for (int i = 0; i < 32; i++)
        if (now.s.r[i] != want.s.r[i] && !(but >> i & 1))
            ck_abort_msg("%s: $%d is %llx, not %llx", name, i, (unsigned long long)now.s.r[i],
                         (unsigned long long)want.s.r[i]);
    if (now.s.fcsr != want.s.fcsr)
        ck_abort_msg("%s: FCSR is %x, not %x", name, now.s.fcsr, want.s.fcsr);
    if (memcmp(now.s.f, want.s.f, sizeof now.s.f) != 0)
        ck_abort_msg("%s: floating-point registers", name);
    for (size_t i = 0; i < sizeof now.env; i++)
        if (((uint8_t *)&now.env)[i] != ((uint8_t *)&want.env)[i])
            ck_abort_msg("%s: vCPU state at %zu", name, i);
    if (memcmp(now.stack, want.stack, STACK) != 0 || memcmp(now.page, want.page, sizeof now.page) != 0
        || memcmp(now.table, want.table, sizeof now.table) != 0)
        ck_abort_msg("%s: memory", name);
}

static void ended(const char *name)
{
    if (now.s.error)
        ck_abort_msg("%s: %s", name, now.s.error);
}

void fell_through(const char *name)
{
    ended(name);
    if (now.s.jumped || now.s.taken || now.s.end != n_words)
        ck_abort_msg("%s: went elsewhere", name);
}

void went_out(const char *name)
{
    ended(name);
    if (now.s.jumped || now.s.end != OUT - words)
        ck_abort_msg("%s: did not go to its label", name);
}

void jumped_to(const char *name, uint64_t address)
{
    ended(name);
    if (!now.s.jumped || now.s.target != address)
        ck_abort_msg("%s: jumped to %llx, not %llx", name, (unsigned long long)now.s.target,
                     (unsigned long long)address);
}

void resume(void)
{
    int from = now.s.end;
    mips_sim_run(&now.s, words + from, n_words - from, -1);
    if (now.s.end >= 0)
        now.s.end += from;
}
