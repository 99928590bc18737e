/* The vCPU and the translator's context around one block of guest code. */
#include "show.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpuid.h"
#include "fpu-word.h"
#include "log.h"

#define RAM_SIZE (4u << 20)
#define CODE_SIZE ((size_t)16 << 20)
#define PAGE 0x100000u /* physical page that the code is put into */

struct tb_context *show_ctx;

const struct show_host show_hosts[] = {
    { "mmi", TMPL_HOST_PS | TMPL_HOST_MMI },
    { "msa", TMPL_HOST_PS | TMPL_HOST_MMI | TMPL_HOST_MSA },
};
const unsigned show_host_count = sizeof show_hosts / sizeof show_hosts[0];

static CPUX86State *env;
static uint8_t *ram;

/* Of tb-exec.c, which runs blocks: here nothing does. */
void tb_restore_state(CPUX86State *e, uintptr_t ra)
{
    (void)e;
    (void)ra;
}

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        user_error("out of memory");
    return p;
}

/* All of it in one region that `j' reaches. */
static uint32_t *map_code(void)
{
    uint8_t *p = map(2 * CODE_SIZE);
    if (((uintptr_t)p ^ ((uintptr_t)p + CODE_SIZE - 1)) >> 28)
        p += CODE_SIZE;
    return (uint32_t *)p;
}

static void flat(struct segment *s, uint32_t selector, uint32_t type)
{
    s->selector = selector;
    s->base = 0;
    s->limit = ~0u;
    s->flags = type << DESC_TYPE_SHIFT | DESC_S_MASK | DESC_P_MASK | DESC_B_MASK | DESC_G_MASK;
}

void world_set_gs(uint32_t base)
{
    env->segs[R_GS].base = base;
    cpu_update_hflags(env);
}

void world_set_x87(unsigned values)
{
    fpu_set_top(env, 8 - values);
    fpu_set_valid_mask(env, 0xff00u >> values);
    fpu_update_word(env);
}

void world_init(void)
{
    env = calloc(1, sizeof *env);
    struct tb_context *ctx = show_ctx = calloc(1, sizeof *ctx);
    if (!env || !ctx)
        user_error("out of memory");
    env->model = cpu_model_find("max");
    if (!env->model)
        env->model = cpu_model_default();
    env->mem = phys_mem_new();
    ram = phys_mem_add_ram(env->mem, 0, RAM_SIZE, "ram");
    if (!ram || !softmmu_new(env))
        user_error("out of memory");
    cpu_reset(env);
    env->cr[0] = CR0_PE | CR0_ET | CR0_NE | CR0_MP;
    env->cr[4] = CR4_OSFXSR | CR4_OSXMMEXCPT;
    for (int i = 0; i < SEG_COUNT; i++)
        flat(&env->segs[i], i == R_CS ? 8 : 16, i == R_CS ? 11 : 3);
    cpu_update_hflags(env);
    /* As after FNINIT and four pushes. */
    env->fpuc = 0x37f;
    world_set_x87(4);
    ctx->env = env;
    ctx->max_insns = TB_MAX_INSNS;
    ctx->code = map_code();
    ctx->code_limit = ctx->code + CODE_SIZE / sizeof *ctx->code;
    ctx->code_ptr = ctx->code;
    ctx->max_tbs = 16;
    ctx->tbs = calloc(ctx->max_tbs, sizeof *ctx->tbs);
    ctx->arena_size = (size_t)32 << 20;
    ctx->arena = map(ctx->arena_size);
    ctx->max_pool = 4096;
    ctx->pool = calloc(ctx->max_pool, sizeof *ctx->pool);
    env->tbs = ctx;
    if (!ctx->tbs || !ctx->pool || !jc_init(ctx))
        user_error("out of memory");
    trace_clear(true);
    gen_frame(ctx);
    trace_keep();
    ctx->code_listener = phys_mem_add_code_listener(env->mem, tb_code_written, ctx);
}

bool world_block(const uint8_t *bytes, unsigned n, uint32_t eip, const struct show_host *host,
                 struct show_block *b)
{
    struct tb_context *ctx = show_ctx;
    uint32_t offset = eip & ~TARGET_PAGE_MASK, at = 0;
    if (n > SHOW_MAX_BYTES || offset + n + 16 > TARGET_PAGE_SIZE)
        return false;
    memset(b, 0, sizeof *b);
    b->host = host;
    b->eip = eip;
    memcpy(b->bytes, bytes, n);
    /* All of the bytes and no more: as many instructions as they hold. */
    for (b->n = 0; at < n; b->n++) {
        if (b->n == TB_MAX_INSNS || decode_insn(bytes + at, n - at, DECODE_32, &b->insns[b->n]) != DECODE_OK)
            return false;
        b->eips[b->n] = eip + at;
        at += b->insns[b->n].len;
    }
    b->eips[b->n] = eip + at;
    tb_flush_all(ctx);
    trace_clear(false);
    memcpy(ram + PAGE + offset, bytes, n);
    ctx->host_features = host->features;
    ctx->max_insns = b->n;
    /* The code segment's base brings any eip to the one page. */
    TranslationBlock *tb = tb_gen_code(ctx, eip, PAGE + offset - eip, tb_flags(env), PAGE + offset);
    if (!tb)
        return false;
    b->n = tb->icount;
    b->code = tb->host;
    b->end = tb->host + tb->host_words;
    b->parts = trace_parts(&b->nparts);
    b->out_of_line = b->end;
    for (unsigned i = b->nparts; i-- > 0 && b->parts[i].what == GEN_TRACE_STUB;)
        b->out_of_line = b->parts[i].start;
    return true;
}
