/* Runs cases on the CPU below, in this 32-bit process.
 *
 * Everything happens in one signal handler: it writes a case's registers into the signal
 * frame, and returning from it starts the instruction.  The code area is full of INT3, so wherever the
 * instruction leads to, the next signal comes right after it, and carries the result. */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include "record.h"

enum { FRAME_FP = 112 + 512 };

static struct testcase *cur, *last;
static gregset_t home; /* the context to go back to */
static bool at_home = true;
static uint8_t home_fp[FRAME_FP];
static void (*save_case)(struct testcase *);
static uint32_t home_gs;
static uint8_t data_image[WORLD_DATA_END - WORLD_DATA];

/* In the signal frame the FXSAVE image follows the FSAVE one. */
#define FRAME_FXSAVE(fp) ((uint8_t *)(fp) + 112)
#define FRAME_MXCSR 24
#define FRAME_XMM 160

#define MEM(a) ((uint8_t *)(uintptr_t)(a))

static const int greg_of[8] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI};
static const int sreg_of[6] = {REG_ES, REG_CS, REG_SS, REG_DS, REG_FS, REG_GS};

static void collect_memory(struct testcase *c)
{
    uint8_t *d = MEM(WORLD_DATA);
    unsigned size = WORLD_DATA_END - WORLD_DATA;
    for (unsigned i = 0; i < size; i++) {
        if (d[i] == data_image[i])
            continue;
        /* A run; gaps of one or two equal bytes are taken in. */
        unsigned end = i + 1;
        for (unsigned j = end; j < size && j < end + 3; j++)
            if (d[j] != data_image[j])
                end = j + 1;
        if (end - i > 255)
            end = i + 255;
        if (c->n_diffs == sizeof c->diffs / sizeof *c->diffs) {
            c->dropped = true;
            break;
        }
        c->diffs[c->n_diffs].addr = (uint16_t)(WORLD_DATA + i);
        c->diffs[c->n_diffs++].len = (uint8_t)(end - i);
        i = end - 1;
    }
    for (unsigned a = WORLD_CODE; a < WORLD_CODE_END; a++)
        if (*MEM(a) != (a - WORLD_START < c->len ? c->bytes[a - WORLD_START] : 0xcc)) {
            c->dropped = true;
            memset(MEM(WORLD_CODE), 0xcc, WORLD_CODE_END - WORLD_CODE);
            break;
        }
}

static void collect(struct testcase *c, const ucontext_t *uc)
{
    const greg_t *g = uc->uc_mcontext.gregs;
    const struct _libc_fpstate *fp = uc->uc_mcontext.fpregs;
    for (int i = 0; i < 8; i++)
        c->out.regs[i] = (uint32_t)g[greg_of[i]];
    for (int i = 0; i < 6; i++)
        c->out.segs[i] = (uint16_t)g[sreg_of[i]];
    c->out.eflags = (uint32_t)g[REG_EFL] & ~0x10100u; /* RF and TF belong to the signal */
    c->out.eip = (uint32_t)g[REG_EIP];
    c->vector = g[REG_TRAPNO];
    c->error_code = (c->vector >= 10 && c->vector <= 14) || c->vector == 17 ? (uint32_t)g[REG_ERR] : 0;
    c->dropped = c->vector == 14;
    if (c->vector == 3 && c->out.eip - 1 - WORLD_START >= c->len) {
        /* The INT3 behind the instruction. */
        c->vector = -1;
        c->out.eip--;
        if (c->out.eip < WORLD_CODE || c->out.eip >= WORLD_CODE_END)
            c->dropped = true;
    }
    if (fp) {
        c->out.fpu.cw = (uint16_t)fp->cw;
        c->out.fpu.sw = (uint16_t)fp->sw;
        c->out.fpu.tw = (uint16_t)fp->tag;
        for (unsigned i = 0; i < 8; i++)
            memcpy(c->out.fpu.reg[((fp->sw >> 11) + i) & 7], &fp->_st[i], 10);
        memcpy(&c->out.mxcsr, FRAME_FXSAVE(fp) + FRAME_MXCSR, 4);
        memcpy(c->out.xmm, FRAME_FXSAVE(fp) + FRAME_XMM, sizeof c->out.xmm);
    }
    collect_memory(c);
    if (!c->dropped)
        save_case(c);
}

static void prepare(struct testcase *c, ucontext_t *uc)
{
    greg_t *g = uc->uc_mcontext.gregs;
    struct _libc_fpstate *fp = uc->uc_mcontext.fpregs;
    for (unsigned i = 0; i < sizeof data_image; i++)
        data_image[i] = world_byte(WORLD_DATA + i);
    for (unsigned i = 0; i < c->n_pokes; i++)
        memcpy(&data_image[c->pokes[i].addr - WORLD_DATA], c->pokes[i].bytes, c->pokes[i].len);
    memcpy(MEM(WORLD_DATA), data_image, sizeof data_image);
    memcpy(MEM(WORLD_START), c->bytes, c->len);
    memset(MEM(WORLD_START + c->len), 0xcc, 16);
    c->in.eip = WORLD_START;
    for (int i = 0; i < 8; i++)
        g[greg_of[i]] = (greg_t)c->in.regs[i];
    for (int i = 0; i < 6; i++)
        g[sreg_of[i]] = c->in.segs[i];
    g[REG_EFL] = (greg_t)c->in.eflags;
    g[REG_EIP] = WORLD_START;
    if (!fp)
        return;
    memcpy(FRAME_FXSAVE(fp) + FRAME_MXCSR, &c->in.mxcsr, 4);
    memcpy(FRAME_FXSAVE(fp) + FRAME_XMM, c->in.xmm, sizeof c->in.xmm);
    if (c->fpu) {
        fp->cw = c->in.fpu.cw;
        fp->sw = c->in.fpu.sw;
        fp->tag = 0xffff0000u | c->in.fpu.tw;
        fp->ipoff = fp->cssel = fp->dataoff = fp->datasel = 0;
        for (unsigned i = 0; i < 8; i++)
            memcpy(&fp->_st[i], c->in.fpu.reg[((c->in.fpu.sw >> 11) + i) & 7], 10);
    }
}

static void start(struct testcase *c, ucontext_t *uc)
{
    memcpy(home, uc->uc_mcontext.gregs, sizeof home);
    home[REG_EIP] += 2; /* over run_cases()'s UD2 */
    memcpy(home_fp, uc->uc_mcontext.fpregs, sizeof home_fp);
    at_home = false;
    prepare(c, uc);
}

__attribute__((optimize("no-stack-protector"))) static void handler(int sig, siginfo_t *info, void *ctx)
{
    static struct testcase *at_alarm;
    ucontext_t *uc = ctx;
    (void)info;
    /* The case's GS is still loaded, and its AC set; the C library wants its own GS, and AC clear. */
    __asm__ volatile("movw %w0, %%gs\n\tpushl $0x202\n\tpopfl" : : "r"(home_gs) : "cc");
    if (!cur) { /* a mistake of ours: die of it */
        signal(sig, SIG_DFL);
        return;
    }
    if (sig == SIGALRM) {
        if (cur != at_alarm || at_home) {
            at_alarm = cur;
            return;
        }
        cur->dropped = true;
    } else if (at_home) {
        start(cur, uc);
        return;
    } else {
        collect(cur, uc);
    }
    if (++cur == last) {
        cur = NULL;
        at_home = true;
        memcpy(uc->uc_mcontext.gregs, home, sizeof home);
        memcpy(uc->uc_mcontext.fpregs, home_fp, sizeof home_fp);
        return;
    }
    prepare(cur, uc);
}

static void set_ldt(unsigned n, uint32_t base, uint32_t limit, unsigned contents, bool ro, bool big, bool pages, bool np)
{
    struct user_desc d = {.entry_number = n, .base_addr = base, .limit = limit, .contents = contents,
                          .read_exec_only = ro, .seg_32bit = big, .limit_in_pages = pages, .seg_not_present = np};
    if (syscall(SYS_modify_ldt, 0x11, &d, sizeof d) != 0) {
        perror("modify_ldt");
        exit(1);
    }
}

/* Map the world, and take the signals.  Needs the right to map low addresses (root, or
 * vm.mmap_min_addr at most 0x4000) and modify_ldt(2) with 16-bit segments. */
void run_init(void)
{
    static const int sigs[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS, SIGALRM};
    static uint8_t stack[65536];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (mmap(MEM(WORLD_DATA), WORLD_CODE_END - WORLD_DATA, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MEM(WORLD_DATA)) {
        perror("mmap of low memory");
        exit(1);
    }
    munmap(MEM(WORLD_DATA_END), WORLD_CODE - WORLD_DATA_END);
    memset(MEM(WORLD_CODE), 0xcc, WORLD_CODE_END - WORLD_CODE);
    set_ldt(7, 0, 0x4fff, 1, false, true, false, false); /* the highest first: sets the LDT's limit */
    set_ldt(1, 0, 0xffff, 2, false, false, false, false);
    set_ldt(2, 0, 0xffff, 0, false, false, false, false);
    set_ldt(3, 0, 0xffff, 0, false, true, false, true);
    set_ldt(4, 0, 0xfffff, 0, true, true, true, false);
    set_ldt(5, 0, 0xfffff, 2, true, true, true, false);
    set_ldt(6, 0x4000, 0x17ff, 0, false, true, false, false);
    __asm__ volatile("movw %%gs, %w0" : "=r"(home_gs));
    sigaltstack(&ss, NULL);
    sigfillset(&sa.sa_mask);
    for (unsigned i = 0; i < sizeof sigs / sizeof *sigs; i++)
        sigaction(sigs[i], &sa, NULL);
}

/* Run n cases and fill in their results.  One that hangs is dropped after a second or two. */
void run_cases(struct testcase *cases, unsigned n, void (*save)(struct testcase *))
{
    struct itimerval on = {{1, 0}, {1, 0}}, off = {{0, 0}, {0, 0}};
    if (!n)
        return;
    last = cases + n;
    save_case = save;
    setitimer(ITIMER_REAL, &on, NULL);
    cur = cases;
    __asm__ volatile("ud2" : : : "memory");
    setitimer(ITIMER_REAL, &off, NULL);
}
