/* Which address spaces have a window, and which window is the current one. */
#include "window-internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "host.h"
#include "mmu-internal.h"

enum { HEAT_WANTED = 3, LOADS_PER_TICK = 24 };

struct space *space_current(struct windows *w)
{
    return cpu_cpl(w->env) == 3 ? w->current : &w->kernel;
}

void window_update(struct windows *w)
{
    if (!w)
        return;
    CPUX86State *env = w->env;
    /* With the A20 gate shut memory is not where large pages, and linear addresses without paging, say. */
    bool closed = env->mmu->any_watch || env->a20_mask != UINT32_MAX;
    bool paged = env->cr[0] & CR0_PG;
    bool kernel = w->want_kernel && !closed && (!paged || (env->cr[4] & CR4_PGE))
        && !(env->cr[4] & CR4_SMAP);
    bool user = paged && !closed && w->current;
    uint64_t now[2] = { kernel ? (uintptr_t)w->kernel.center : 0, user ? (uintptr_t)w->current->center : 0 };
    if (now[0] == env->window[0] && now[1] == env->window[1])
        return;
    env->window[0] = now[0];
    env->window[1] = now[1];
    window_choose(env);
}

void space_select(struct windows *w)
{
    uint32_t cr3 = w->env->cr[3];
    if (w->current && w->current->cr3 == cr3)
        return;
    w->current = NULL;
    for (unsigned i = 0; i < SPACES; i++)
        if (w->user[i].reserved && w->user[i].cr3 == cr3)
            w->current = &w->user[i];
    if (!w->current)
        return;
    struct space *s = w->current;
    s->used = ++w->clock;
    if (++s->loads > LOADS_PER_TICK) {
        /* It is loaded more often than it computes: walking its pages each time costs more than it gives. */
        struct heat *h = &w->heat[cr3 / TARGET_PAGE_SIZE % 64];
        if (h->cr3 == cr3) {
            h->ticks = 0;
            h->wanted = h->wanted < 256 ? (uint16_t)(h->wanted * 4) : h->wanted;
        }
        space_drop(w, s);
        s->cr3 = 1; /* no CR3 */
        w->current = NULL;
    }
}

static struct space *new_space(struct windows *w, uint32_t cr3)
{
    struct space *s = &w->user[0];
    for (unsigned i = 0; i < SPACES; i++) {
        if (!w->user[i].reserved) {
            s = &w->user[i];
            break;
        }
        if (w->user[i].used < s->used)
            s = &w->user[i];
    }
    if (!s->reserved && !space_reserve(w, s))
        return NULL;
    space_drop(w, s);
    s->cr3 = cr3;
    s->used = ++w->clock;
    s->loads = 0;
    return s;
}

void window_tick(CPUX86State *env)
{
    struct windows *w = env->mmu->windows;
    if (!w || !w->want_user || cpu_cpl(env) != 3 || !(env->cr[0] & CR0_PG) || (env->hflags & HF_VM))
        return;
    if (w->current) {
        w->current->loads = 0;
        return;
    }
    uint32_t cr3 = env->cr[3];
    struct heat *h = &w->heat[cr3 / TARGET_PAGE_SIZE % 64];
    if (h->cr3 != cr3)
        *h = (struct heat){ cr3, 0, HEAT_WANTED };
    if (++h->ticks < h->wanted)
        return;
    h->ticks = 0;
    w->current = new_space(w, cr3);
    window_update(w);
}

bool window_init(CPUX86State *env, bool kernel, bool user)
{
    struct windows *w = calloc(1, sizeof *w);
    if (!w)
        return false;
    w->env = env;
    w->host_page = host_pretends("16k") ? 16384 : (size_t)sysconf(_SC_PAGESIZE);
    w->ram_pages = env->mem->ram_file_size >> TARGET_PAGE_BITS;
    w->want_kernel = kernel && space_reserve(w, &w->kernel);
    /* Pages of processes are scattered: a host with larger pages could map next to none. */
    w->want_user = user && w->host_page == TARGET_PAGE_SIZE;
    if (!w->ram_pages || (!w->want_kernel && !w->want_user)) {
        free(w);
        return false;
    }
    env->mmu->windows = w;
    window_update(w);
    return true;
}

void window_free(CPUX86State *env)
{
    struct windows *w = env->mmu->windows;
    if (!w)
        return;
    space_release(w, &w->kernel);
    for (unsigned i = 0; i < SPACES; i++)
        space_release(w, &w->user[i]);
    env->mmu->windows = NULL;
    env->window[0] = env->window[1] = 0;
    free(w);
}

const struct window_stats *window_get_stats(const CPUX86State *env)
{
    static const struct window_stats none;
    return env->mmu->windows ? &env->mmu->windows->stats : &none;
}
