/* Direct windows: guest linear memory at a fixed distance in the host's address space, so that an access of
 * translated code is one host instruction and the host's own MMU does the look-up.  window.c tells how. */
#ifndef STITCH86_WINDOW_H
#define STITCH86_WINDOW_H

#include "softmmu.h"

struct windows;

/* HF_WINDOW and mem_base from env->window[]: whenever these, the CPL or tlb_base have changed. */
static inline void window_choose(CPUX86State *env)
{
    uint64_t base = env->window[(env->hflags & HF_CPL_MASK) == 3];
    env->hflags = (env->hflags & ~(uint32_t)HF_WINDOW) | (base ? HF_WINDOW : 0);
    env->mem_base = base ? base : env->tlb_base;
}

/* Reserve address space for the supervisor's window; false: there is none, all accesses go by the TLB.
 * kernel, user: which windows are wanted. */
bool window_init(CPUX86State *env, bool kernel, bool user);
void window_free(CPUX86State *env);
/* Which windows the CPU's mode may use is found out anew: env->window[]. */
void window_update(struct windows *w);
/* The page walk's answers may have changed (tlb.c calls it behind each flush). */
void window_tlb_flushed(struct windows *w, bool page, uint32_t vaddr, bool global);
/* The RAM page of physical address `page` has code from now on: stores to it must fault. */
void window_protect(struct windows *w, hwaddr page);
/* A timer or device interrupted the guest at CPL 3: an address space that this happens to often gets a window. */
void window_tick(CPUX86State *env);

/* What is to be done about a host fault at `host`. */
enum window_fault {
    WINDOW_MAPPED, /* again: the page is there now */
    WINDOW_GUEST,  /* the guest gets a page fault */
    WINDOW_NEVER,  /* not now: MMIO, code, a watch point, a page that comes and goes */
    WINDOW_OTHER   /* no address of the current window */
};
enum window_fault window_fault(CPUX86State *env, uintptr_t host, bool store);
/* Would a store at `host` be a page fault of the guest?  Without any effect. */
bool window_store_faults(CPUX86State *env, uintptr_t host);

struct window_stats {
    uint64_t faults, maps, unmaps, revalidations, spaces;
};
const struct window_stats *window_get_stats(const CPUX86State *env);

#endif
