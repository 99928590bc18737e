#include "vm.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "chardev.h"
#include "clock.h"
#include "cpuid.h"
#include "exec.h"
#include "interp.h"
#include "io-thread.h"
#include "log.h"
#include "machine.h"
#include "optimise.h"
#include "perfmap.h"
#include "profile.h"
#include "softmmu.h"
#include "state-hash.h"
#include "terminal.h"
#ifdef HAVE_TEMPLATES
#include "tb.h"
#endif

/* With -icount and no -rtc: a date that is the same in every run (2026-01-01). */
#define ICOUNT_RTC_BASE 1767225600

struct vm {
    const struct options *o;
    CPUX86State *env;
    struct machine *machine;
    struct boot_config boot;
    _Atomic int exit_status;
    atomic_bool exit_asked;
    _Atomic int quit_signal;
    bool a20;
};

static void ask_exit(struct vm *vm, int status)
{
    /* The first reason counts. */
    if (!atomic_exchange(&vm->exit_asked, true))
        atomic_store(&vm->exit_status, status);
    cpu_interrupt(vm->env, CPU_INTERRUPT_EXIT);
}

/* ---- what the machine asks of the CPU ---- */

static void hook_set_intr(void *opaque, int level)
{
    struct vm *vm = opaque;
    if (level)
        cpu_interrupt(vm->env, CPU_INTERRUPT_HARD);
    else
        cpu_reset_interrupt(vm->env, CPU_INTERRUPT_HARD);
}

static void hook_nmi(void *opaque)
{
    struct vm *vm = opaque;
    cpu_interrupt(vm->env, CPU_INTERRUPT_NMI);
}

/* The mask changes between two instructions, so that none sees it change half way. */
static void hook_set_a20(void *opaque, bool on)
{
    struct vm *vm = opaque;
    vm->a20 = on;
    cpu_interrupt(vm->env, CPU_INTERRUPT_A20);
}

static void hook_reset(void *opaque)
{
    struct vm *vm = opaque;
    cpu_interrupt(vm->env, CPU_INTERRUPT_RESET);
}

static void hook_power_off(void *opaque, int status)
{
    ask_exit(opaque, status);
}

/* The guest's mark on PROFILE_PORT: what -profile counts begins or ends; -stats says when that was. */
static void hook_mark(void *opaque, bool start)
{
    struct vm *vm = opaque;
    if (log_enabled(LOG_STATS))
        log_printf("mark %d icount %llu\n", start,
                   (unsigned long long)(vm->env->icount_enabled ? clock_icount(vm->env) : 0));
    if (vm->env->profile)
        profile_mark(vm->env, start);
}

static bool hook_ferr(void *opaque)
{
    (void)opaque;
    return false;
}

/* ---- between slices ---- */

static void apply_a20(void *opaque)
{
    struct vm *vm = opaque;
    uint32_t mask = vm->a20 ? ~0u : ~(1u << 20);
    if (vm->env->a20_mask != mask) {
        vm->env->a20_mask = mask;
        tlb_flush(vm->env);
    }
}

static void flat_segment(struct segment *s, uint32_t selector, uint32_t rights)
{
    *s = (struct segment){ .selector = selector, .base = 0, .limit = 0xffffffff, .flags = rights };
}

/* The state in which a boot loader hands over: flat 32-bit protected mode, no paging. */
static void apply_boot_state(CPUX86State *env, const struct boot_state *b)
{
    const uint32_t code = DESC_G_MASK | DESC_B_MASK | 0xf0000 | DESC_P_MASK | DESC_S_MASK | DESC_CS_MASK
        | DESC_R_MASK | DESC_A_MASK;
    const uint32_t data = DESC_G_MASK | DESC_B_MASK | 0xf0000 | DESC_P_MASK | DESC_S_MASK | DESC_W_MASK
        | DESC_A_MASK;
    env->cr[0] |= CR0_PE;
    env->gdt_base = b->gdt_base;
    env->gdt_limit = b->gdt_limit;
    flat_segment(&env->segs[R_CS], b->cs, code);
    flat_segment(&env->segs[R_DS], b->ds, data);
    env->segs[R_ES] = env->segs[R_SS] = env->segs[R_FS] = env->segs[R_GS] = env->segs[R_DS];
    memset(env->regs, 0, sizeof(env->regs));
    env->regs[R_EAX] = b->eax;
    env->regs[R_EBX] = b->ebx;
    env->regs[R_ESI] = b->esi;
    env->regs[R_ESP] = b->esp;
    env->eip = b->eip;
    cpu_update_hflags(env);
}

static void boot(struct vm *vm)
{
    struct boot_state state;
    char *error = NULL;
    if (!boot_load(vm->machine, vm->env->mem, &vm->boot, &state, &error))
        user_error("%s", error ? error : "the kernel cannot be loaded");
    apply_boot_state(vm->env, &state);
    /* Firmware has opened the gate before a boot loader runs. */
    ioport_write(vm->machine, 0x92, 2, 1);
    vm->a20 = true;
    apply_a20(vm);
}

static void reset(void *opaque)
{
    struct vm *vm = opaque;
    if (vm->o->no_reboot) {
        ask_exit(vm, 0);
        return;
    }
    machine_reset(vm->machine);
    vm->env->shutdown = false;
    vm->env->halted = false;
    cpu_reset(vm->env);
    tlb_flush(vm->env);
    boot(vm);
}

static void on_quit(void *opaque, int sig)
{
    struct vm *vm = opaque;
    atomic_store(&vm->quit_signal, sig);
    ask_exit(vm, sig ? 128 + sig : 0);
}

/* ---- building ---- */

static struct chardev *open_chardev(const char *option, const char *spec)
{
    char *error;
    struct chardev *c = chardev_new(spec, &error);
    if (!c && error)
        user_error("-%s %s", option, error);
    return c;
}

static struct machine *build_machine(struct vm *vm, struct phys_mem *mem)
{
    const struct options *o = vm->o;
    struct machine_config config = {
        .ram_size = o->ram_size, .debug_exit_iobase = o->debug_exit_iobase,
        .debug_exit_iosize = o->debug_exit_iosize, .no_reboot = o->no_reboot,
    };
    if (o->profile || o->stats) {
        config.profile_port = PROFILE_PORT;
        config.profile_mark = hook_mark;
        config.profile_opaque = vm;
    }
    struct machine_hooks hooks = { hook_set_intr, hook_nmi, hook_set_a20, hook_reset, hook_power_off, hook_ferr, vm };
    if (!o->nserial) {
        config.serial[0] = open_chardev("serial", "stdio");
        config.serial_present[0] = true;
    }
    for (unsigned i = 0; i < o->nserial; i++) {
        config.serial[i] = open_chardev("serial", o->serial[i]);
        config.serial_present[i] = strcmp(o->serial[i], "none") != 0;
    }
    if (o->debugcon)
        config.debugcon = open_chardev("debugcon", o->debugcon);
    return machine_new(mem, &config, &hooks);
}

static void warn_of_feature(const char *line)
{
    fprintf(stderr, "stitch86: warning: -cpu: %s\n", line);
}

static const struct cpu_model *find_model(const struct options *o)
{
    static struct cpu_model model;
    char *error;

    if (!o->cpu)
        return cpu_model_default();
    if (!cpu_model_parse(o->cpu, &model, warn_of_feature, &error))
        user_error("-cpu %s", error);
    return &model;
}

static void choose_accel(CPUX86State *env, const struct options *o)
{
    env->icache = interp_cache_new();
#ifdef HAVE_TEMPLATES
    if (o->accel == ACCEL_TEMPLATE) {
        tb_context_new(env, o->tb_max);
        if (o->tb_size)
            tb_set_code_size(env, o->tb_size);
        accel_run = tb_run;
        return;
    }
#else
    (void)o;
#endif
    accel_run = interp_run_accel;
}

static void print_stats(CPUX86State *env)
{
    FILE *out = log_file ? log_file : stderr;
    uint64_t i = env->insns_interp, all = env->icount_enabled ? clock_icount(env) : env->insns_template;
    if (!env->tbs)
        all = i;
    uint64_t t = all - i;
    fprintf(out, "instructions %llu: template %llu (%.2f %%), interpreter %llu\n", (unsigned long long)all,
            (unsigned long long)t, all ? 100.0 * (double)t / (double)all : 0.0, (unsigned long long)i);
    if (env->icount_enabled)
        fprintf(out, "icount %llu\n", (unsigned long long)clock_icount(env));
    fprintf(out, "guest time %.3f s\n", (double)clock_now() / 1e9);
#ifdef HAVE_TEMPLATES
    if (env->tbs) {
        const struct tb_stats *s = tb_get_stats(env);
        fprintf(out, "blocks: translated %llu (%llu instructions), linked %llu, invalidated %llu, flushes %llu, "
                "look-ups %llu, jump cache misses %llu\n", (unsigned long long)s->translated,
                (unsigned long long)s->insns_translated, (unsigned long long)s->links,
                (unsigned long long)s->invalidated, (unsigned long long)s->flushes,
                (unsigned long long)s->lookups, (unsigned long long)s->jc_misses);
        struct tb_interp_count forms[24];
        unsigned n = tb_get_interp_counts(env, forms, 24);
        for (unsigned k = 0; k < n; k++)
            fprintf(out, "interpreted %-20s %llu\n", forms[k].form, (unsigned long long)forms[k].times);
    }
#endif
}

static void open_log(const struct options *o)
{
    log_mask = o->log_mask | (o->stats ? LOG_STATS : 0);
    log_file = stderr;
    if (o->log_file) {
        log_file = fopen(o->log_file, "we");
        if (!log_file)
            user_error("-D %s: %s", o->log_file, strerror(errno));
    }
    if (o->name && log_mask)
        log_printf("guest %s\n", o->name);
}

int vm_run(const struct options *o)
{
    static struct vm vm;
    static CPUX86State cpu;
    struct phys_mem *mem = phys_mem_new();
    open_log(o);
    optimise_set = o->optimise;
    vm = (struct vm){ .o = o, .env = &cpu };
    cpu.model = find_model(o);
    cpu.mem = mem;
    cpu.exception_index = cpu.old_exception = -1;
    clock_init(&cpu, o->icount_shift);
    if (o->rtc_base != RTC_BASE_NOW)
        clock_set_rtc_base(o->rtc_base);
    else if (o->icount_shift >= 0 && !o->rtc_given)
        clock_set_rtc_base(ICOUNT_RTC_BASE);
    softmmu_new(&cpu);
    if (o->profile)
        profile_open(&cpu, o->profile);
    if (o->perfmap)
        perfmap_open(o->perfmap);
    choose_accel(&cpu, o);
    vm.machine = cpu.machine = build_machine(&vm, mem);
#ifdef HAVE_TEMPLATES
    if (cpu.tbs)
        tb_use_windows(&cpu);
#endif
    machine_reset(vm.machine);
    cpu_reset(&cpu);
    vm.boot = (struct boot_config){ o->kernel, o->initrd, o->append, o->ram_size };
    boot(&vm);
    state_hash_init(o->hash_interval);
    exec_hooks = (struct exec_hooks){ reset, apply_a20, &vm };
    if (chardev_stdio())
        terminal_raw();
    if (!io_thread_start(&cpu, on_quit, &vm))
        user_error("no thread could be started: %s", strerror(errno));

    cpu_exec(&cpu);

    io_thread_stop();
    terminal_restore();
    int sig = atomic_load(&vm.quit_signal);
    if (sig)
        fprintf(stderr, "stitch86: ended by signal %d (%s)\n", sig, strsignal(sig));
    if (log_enabled(LOG_STATS))
        print_stats(&cpu);
    profile_close(&cpu);
    perfmap_close();
    if (o->log_file)
        fclose(log_file);
    return atomic_load(&vm.exit_status);
}
