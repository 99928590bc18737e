#include "config.h"
#include "vec-run.h"

#include <stdio.h>
#include <string.h>

#include "vec-compare.h"

static uint8_t world[WORLD_DATA_END - WORLD_DATA];

void vec_runner_start(struct vec_runner *r, unsigned tb_max)
{
    memset(r, 0, sizeof *r);
    r->env = vec_machine_new(tb_max);
    for (unsigned i = 0; i < sizeof world; i++)
        world[i] = world_byte(WORLD_DATA + i);
}

static void compare_memory(struct vec_runner *r, const struct vec_case *c)
{
    static uint8_t want[sizeof world];
    const uint8_t *got = vec_machine_ram(r->env) + WORLD_DATA;
    if (!c->n_in && !c->n_out && memcmp(got, world, sizeof world) == 0) {
        r->clean = true;
        return;
    }
    r->clean = false;
    memcpy(want, world, sizeof want);
    for (unsigned i = 0; i < c->n_in; i++)
        memcpy(want + c->mem_in[i].addr - WORLD_DATA, c->mem_in[i].bytes, c->mem_in[i].len);
    for (unsigned i = 0; i < c->n_out; i++)
        memcpy(want + c->mem_out[i].addr - WORLD_DATA, c->mem_out[i].bytes, c->mem_out[i].len);
    if (c->any_len)
        memcpy(want + c->any_addr - WORLD_DATA, got + c->any_addr - WORLD_DATA, c->any_len);
    for (unsigned i = 0; i < sizeof want; i++)
        if (got[i] != want[i]) {
            char what[32];
            snprintf(what, sizeof what, "byte at %x", WORLD_DATA + i);
            vec_failed(c, what, got[i], want[i]);
            break;
        }
}

void vec_run_alone(struct vec_runner *r, const struct vec_case *c)
{
    uint8_t code[sizeof r->code], *ram = vec_machine_ram(r->env);
    memset(code, 0xcc, sizeof code);
    memcpy(code, c->bytes, c->len);
    if (memcmp(code, r->code, sizeof code) != 0) {
        vec_machine_code(r->env, WORLD_START, code, sizeof code);
        memcpy(r->code, code, sizeof code);
    }
    if (!r->clean)
        memcpy(ram + WORLD_DATA, world, sizeof world);
    for (unsigned i = 0; i < c->n_in; i++)
        memcpy(ram + c->mem_in[i].addr, c->mem_in[i].bytes, c->mem_in[i].len);
    vec_machine_set(r->env, &c->in, WORLD_START);
    if (!vec_machine_run(r->env, 200)) {
        vec_failed(c, "hang at EIP", r->env->eip, c->eip);
        r->clean = false;
        return;
    }
    vec_compare(c, r->env);
    compare_memory(r, c);
}

void vec_runner_end(struct vec_runner *r)
{
    vec_machine_free(r->env);
}

unsigned vec_run_sweep(struct vec_runner *r, const struct vec_sweep *s)
{
    struct vec_case c;
    struct vec_bytes mem[2];
    for (unsigned i = 0; i < s->count; i++) {
        vec_sweep_case(s, i, &c, mem);
        vec_run_alone(r, &c);
    }
    return s->count;
}

void vec_chains_flush(struct vec_chains *ch)
{
    if (ch->n && ch->failures < vec_max_reported && !vec_chain_run(ch->env, ch->list, ch->n, ch->round++))
        ch->failures++;
    ch->n = 0;
}

void vec_chains_add(struct vec_chains *ch, const struct vec_case *c)
{
    if (!vec_chain_takes(c))
        return;
    ch->list[ch->n++] = c;
    if (ch->n == VEC_CHAIN_MAX)
        vec_chains_flush(ch);
}

void vec_chains_add_swept(struct vec_chains *ch, const struct vec_sweep *s, unsigned n)
{
    vec_sweep_case(s, n, &ch->room[ch->n], ch->mem[ch->n]);
    vec_chains_add(ch, &ch->room[ch->n]);
}
