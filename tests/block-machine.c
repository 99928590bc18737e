/* Running sequences, and comparing runs. */
#include "config.h"
#include "block-machine.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "exception.h"
#include "exec.h"
#include "flags.h"
#include "interp.h"
#include "simd.h"
#include "softmmu.h"
#ifdef HAVE_TEMPLATES
#include "tb.h"
#endif

/* ---- running ---- */

static CPUX86State *volatile watched;
static volatile unsigned ticks;

/* A wrong loop in translated code without -icount ends only when it is asked to. */
static void on_tick(int sig)
{
    (void)sig;
    CPUX86State *env = watched;
    if (env && ++ticks > 8) {
        atomic_store(&env->exit_request, -1);
        if (env->jmp_cache_empty)
            atomic_store(&env->jmp_cache, env->jmp_cache_empty);
    }
}

static void watch(CPUX86State *env)
{
    static bool started;
    if (!started) {
        struct sigaction sa = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
        struct itimerval every = {{0, 500000}, {0, 500000}};
        sigaction(SIGALRM, &sa, NULL);
        setitimer(ITIMER_REAL, &every, NULL);
        started = true;
    }
    ticks = 0;
    watched = env;
}

static void note(struct bm *m, struct bm_result *r, int32_t count, int vector)
{
    CPUX86State *env = m->env;
    struct bm_record *c = &r->rec[r->n++];
    memset(c, 0, sizeof *c);
    c->vector = vector;
    c->eip = env->eip;
    c->eflags = cpu_eflags(env);
    memcpy(c->regs, env->regs, sizeof c->regs);
    c->cr2 = env->cr[2];
    c->count = count;
    if (vector >= 0) {
        c->error_code = env->error_code;
        c->next_eip = env->exception_next_eip;
    }
}

bool bm_peek(struct bm *m, uint32_t eip, struct insn *in)
{
    CPUX86State *env = m->env;
    uint8_t buf[15];
    uint32_t lin = env->segs[R_CS].base + eip;
    unsigned n = 0;
    while (n < sizeof buf) {
        hwaddr p;
        unsigned room = 0x1000 - ((lin + n) & 0xfff), want = (unsigned)sizeof buf - n;
        if (!mmu_translate_debug(env, lin + n, &p) || p >= BM_PHYS_RAM)
            break;
        if (want > room)
            want = room;
        memcpy(buf + n, m->ram + p, want);
        n += want;
    }
    return decode_insn(buf, n, env->hflags & HF_CS32 ? DECODE_32 : DECODE_16, in) == DECODE_OK;
}

/* After an exception the run goes on behind its instruction: code after a fault has its flags from before.
 * false: that was the end. */
static bool go_on(struct bm *m, const struct bm_result *r)
{
    CPUX86State *env = m->env;
    struct insn in;
    int vector = env->exception_index;
    bool is_int = env->exception_is_int;
    env->exception_index = -1;
    env->db_status = 0;
    env->hflags &= ~(uint32_t)HF_INHIBIT;
    if (vector == EXCP_BP || r->n == BM_MAX_EXCEPTIONS)
        return false;
    if (is_int) {
        env->eip = env->exception_next_eip;
        return true;
    }
    if (vector == EXCP_DB) {
        env->eflags &= ~(uint32_t)TF_MASK;
        cpu_update_hflags(env);
        return true;
    }
    if (!bm_peek(m, env->eip, &in))
        return false;
    env->eip += in.len;
    return true;
}

/* What depends on time or devices, or would change the world under the test. */
static bool denied(const struct bm *m, const struct insn *in)
{
    const CPUX86State *env = m->env;
    switch (in->mnem) {
    case MN_IN: case MN_OUT: case MN_INS: case MN_OUTS: case MN_RDTSC: case MN_RDMSR: case MN_WRMSR:
    case MN_RDPMC:
    case MN_LGDT: case MN_LIDT: case MN_LLDT: case MN_LTR: case MN_LMSW: case MN_HLT: case MN_SYSENTER:
    case MN_SYSEXIT: case MN_RSM:
        return true;
    case MN_MOV:
        if (in->op[0].kind == OPK_CR)
            return in->op[0].reg != 3 || env->regs[in->op[1].reg] != env->cr[3];
        return in->op[0].kind == OPK_DR;
    default:
        return false;
    }
}

static int32_t counted(const struct bm *m, int32_t max)
{
    return m->env->icount_enabled ? max - m->env->icount_left : 0;
}

void bm_run(struct bm *m, int32_t max, struct bm_result *r)
{
    CPUX86State *env = m->env;
    sigjmp_buf jmp;
    memset(r, 0, sizeof *r);
    env->jmp_env = &jmp;
    env->icount_left = env->icount_enabled ? max : 0;
    atomic_store(&env->exit_request, 0);
    watch(env);
    void (*accel)(CPUX86State *) = interp_run_accel;
#ifdef HAVE_TEMPLATES
    if (m->tb_max)
        accel = tb_run;
#endif
    accel_run = accel;
    /* Exceptions come back here. */
    sigsetjmp(jmp, 0);
    if (env->exception_index >= 0) {
        note(m, r, counted(m, max), env->exception_index);
        if (!go_on(m, r))
            r->terminal = true;
    }
    while (!r->terminal && !r->hung && (!env->icount_enabled || env->icount_left > 0)) {
        if (ticks > 8)
            r->hung = true;
        else {
            atomic_store(&env->exit_request, 0);
            accel_run(env);
        }
    }
    watched = NULL;
    env->jmp_env = NULL;
    sse_collect_flags(env); /* from the host's FPU, which the next machine uses, too */
    note(m, r, counted(m, max), -1);
    r->mmio_hash = m->mmio_hash;
    r->mmio_reads = m->mmio_reads;
}

/* false: the next instruction is one that cannot be compared. */
static bool reference_once(struct bm *m, int32_t max, struct bm_result *r, FILE *trace)
{
    CPUX86State *env = m->env;
    sigjmp_buf jmp;
    struct insn in;
    char text[80];
    memset(r, 0, sizeof *r);
    env->jmp_env = &jmp;
    env->icount_enabled = 1;
    env->icount_left = max;
    sigsetjmp(jmp, 0);
    if (env->exception_index >= 0) {
        if (trace)
            fprintf(trace, "  exception %d (%x) cr2 %x\n", env->exception_index, env->error_code, env->cr[2]);
        note(m, r, max - env->icount_left, env->exception_index);
        if (!go_on(m, r))
            r->terminal = true;
    }
    while (!r->terminal && env->icount_left > 0) {
        if (bm_peek(m, env->eip, &in)) {
            if (trace)
                fprintf(trace,
                        "%4d %08x  %-40s ax %08x cx %08x dx %08x "
                        "bx %08x sp %08x bp %08x si %08x di %08x fl %x\n",
                        max - env->icount_left, env->eip, insn_format(&in, env->eip, text, sizeof text),
                        env->regs[0], env->regs[1], env->regs[2], env->regs[3], env->regs[4], env->regs[5],
                        env->regs[6], env->regs[7], cpu_eflags(env));
            if (denied(m, &in))
                return false;
        }
        atomic_store(&env->exit_request, 0);
        interp_run(env, 1);
    }
    env->jmp_env = NULL;
    note(m, r, max - env->icount_left, -1);
    r->mmio_hash = m->mmio_hash;
    r->mmio_reads = m->mmio_reads;
    return true;
}

int32_t bm_run_reference(struct bm *m, const struct bm_start *s, int32_t max, struct bm_result *r,
                         FILE *trace)
{
    bm_set(m, s);
    while (!reference_once(m, max, r, trace)) {
        /* Once more, only up to there. */
        max -= m->env->icount_left;
        if (max <= 0)
            return 0;
        bm_set(m, s);
    }
    return max;
}

bool bm_step(struct bm *m)
{
    CPUX86State *env = m->env;
    sigjmp_buf jmp;
    struct bm_result r = {0};
    env->jmp_env = &jmp;
    env->icount_enabled = 0;
    if (sigsetjmp(jmp, 0)) {
        go_on(m, &r);
        env->jmp_env = NULL;
        return false;
    }
    atomic_store(&env->exit_request, 0);
    interp_run(env, 1);
    env->jmp_env = NULL;
    return true;
}

/* ---- comparing ---- */

static bool value_differs(FILE *out, const char *what, unsigned n, uint32_t a, uint32_t b)
{
    if (a == b)
        return false;
    if (out)
        fprintf(out, "  [%u] %s: %08x, reference %08x\n", n, what, b, a);
    return true;
}

static bool record_differs(FILE *out, unsigned n, const struct bm_record *a, const struct bm_record *b,
                           bool counts)
{
    static const char *const regs[8] = {"EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI"};
    bool d = value_differs(out, "vector", n, (uint32_t)a->vector, (uint32_t)b->vector);
    d |= value_differs(out, "EIP", n, a->eip, b->eip);
    d |= value_differs(out, "error code", n, a->error_code, b->error_code);
    d |= value_differs(out, "CR2", n, a->cr2, b->cr2);
    d |= value_differs(out, "next EIP", n, a->next_eip, b->next_eip);
    d |= value_differs(out, "EFLAGS", n, a->eflags, b->eflags);
    if (counts)
        d |= value_differs(out, "instructions", n, (uint32_t)a->count, (uint32_t)b->count);
    for (unsigned i = 0; i < 8; i++)
        d |= value_differs(out, regs[i], n, a->regs[i], b->regs[i]);
    return d;
}

static bool memory_differs(const struct bm *a, const struct bm *b, FILE *out)
{
    unsigned shown = 0;
    if (!memcmp(a->ram, b->ram, BM_PHYS_RAM))
        return false;
    for (uint32_t i = 0; out && i < BM_PHYS_RAM && shown < 12; i++)
        if (a->ram[i] != b->ram[i]) {
            fprintf(out, "  physical %05x: %02x, reference %02x\n", i, b->ram[i], a->ram[i]);
            shown++;
        }
    return true;
}

static bool simd_differs(const CPUX86State *x, const CPUX86State *y, FILE *out)
{
    bool d = false;
    d |= value_differs(out, "x87 stack word", 0, x->fptw, y->fptw);
    d |= value_differs(out, "x87 control word", 0, x->fpuc, y->fpuc);
    d |= value_differs(out, "x87 status word", 0, x->fpus, y->fpus);
    d |= value_differs(out, "FOP", 0, x->fpop, y->fpop);
    d |= value_differs(out, "FIP", 0, x->fpip, y->fpip);
    d |= value_differs(out, "FDP", 0, x->fpdp, y->fpdp);
    d |= value_differs(out, "FCS", 0, x->fpcs, y->fpcs);
    d |= value_differs(out, "FDS", 0, x->fpds, y->fpds);
    d |= value_differs(out, "MXCSR", 0, x->mxcsr, y->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        const struct floatx80 *p = &x->fpregs[i], *q = &y->fpregs[i];
        if (p->mant != q->mant || p->se != q->se) {
            d = true;
            if (out)
                fprintf(out, "  physical x87 register %u: %04x %016llx, reference %04x %016llx\n", i, q->se,
                        (unsigned long long)q->mant, p->se, (unsigned long long)p->mant);
        }
        if (x->xmm[i].q[0] != y->xmm[i].q[0] || x->xmm[i].q[1] != y->xmm[i].q[1]) {
            d = true;
            if (out)
                fprintf(out, "  XMM%u: %016llx %016llx, reference %016llx %016llx\n", i,
                        (unsigned long long)y->xmm[i].q[1], (unsigned long long)y->xmm[i].q[0],
                        (unsigned long long)x->xmm[i].q[1], (unsigned long long)x->xmm[i].q[0]);
        }
    }
    return d;
}

bool bm_differs(const struct bm *a, const struct bm_result *ra, const struct bm *b,
                const struct bm_result *rb, FILE *out)
{
    const CPUX86State *x = a->env, *y = b->env;
    bool d = value_differs(out, "exceptions", 0, ra->n - 1, rb->n - 1);
    d |= value_differs(out, "hang", 0, ra->hung, rb->hung);
    for (unsigned i = 0; i < ra->n && i < rb->n; i++)
        d |= record_differs(out, i, &ra->rec[i], &rb->rec[i], b->icount);
    d |= value_differs(out, "device writes", 0, ra->mmio_hash, rb->mmio_hash);
    /* What is done again by the interpreter (a division that faults, a store into its own block) reads
     * twice. */
    if (rb->mmio_reads < ra->mmio_reads || rb->mmio_reads > ra->mmio_reads + BM_MAX_EXCEPTIONS)
        d |= value_differs(out, "device reads", 0, ra->mmio_reads, rb->mmio_reads);
    d |= value_differs(out, "hflags", 0, x->hflags & ~(uint32_t)(HF_INHIBIT | HF_WINDOW),
                       y->hflags & ~(uint32_t)(HF_INHIBIT | HF_WINDOW));
    for (int i = 0; i < SEG_COUNT; i++) {
        d |= value_differs(out, "selector", (unsigned)i, x->segs[i].selector, y->segs[i].selector);
        d |= value_differs(out, "base", (unsigned)i, x->segs[i].base, y->segs[i].base);
    }
    d |= simd_differs(a->env, b->env, out);
    d |= memory_differs(a, b, out);
    return d;
}
