/* The host's FPU control and status register while guest code runs.
 *
 * Translated code computes SSE results on the host's FPU, whose sticky flags then stand for the
 * guest's until sse_collect_flags() fetches them.  So C code of the vCPU thread that computes in
 * floating point itself has to put FCSR back. */
#ifndef STITCH86_MXCSR_H
#define STITCH86_MXCSR_H

#include <stdint.h>

#ifdef __mips64
/* MIPS64 volume I, "Floating Point Control and Status Register". */
#define FCSR_FLAG_I (1u << 2)
#define FCSR_FLAG_U (1u << 3)
#define FCSR_FLAG_O (1u << 4)
#define FCSR_FLAG_Z (1u << 5)
#define FCSR_FLAG_V (1u << 6)
#define FCSR_FLAGS (0x1fu << 2)
#define FCSR_CAUSE (0x3fu << 12)
#define HWCAP_MSA (1ul << 1) /* AT_HWCAP: there is MSA, and its own control register */
#define FCSR_2008 (3u << 18) /* NAN2008, ABS2008: as the host has them */

static inline uint32_t host_fcsr(void)
{
    uint32_t v;
    __asm__ volatile(".set push\n\t.set hardfloat\n\tcfc1 %0, $31\n\t.set pop" : "=r"(v));
    return v;
}

static inline void host_set_fcsr(uint32_t v)
{
    __asm__ volatile(".set push\n\t.set hardfloat\n\tctc1 %0, $31\n\t.set pop" : : "r"(v));
}
#else
static inline uint32_t host_fcsr(void)
{
    return 0;
}

static inline void host_set_fcsr(uint32_t v)
{
    (void)v;
}
#endif

static inline void host_fcsr_restore(const uint32_t *saved)
{
    host_set_fcsr(*saved);
}

/* At the start of a function that computes in floating point: FCSR is as before when it returns. */
#define HOST_FCSR_GUARD \
    uint32_t host_fcsr_saved __attribute__((cleanup(host_fcsr_restore), unused)) = host_fcsr()

/* What translated code expects of the host's FPU: to nearest, no traps, denormals kept, no flags
 * set.  To be called in the vCPU thread. */
void sse_host_init(void);

#endif
