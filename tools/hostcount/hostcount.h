/* What hostcount's parts share, and QEMU's plugin interface as far as it is used: Debian's QEMU package has
 * no header for plugins; these declarations follow its documentation ("QEMU TCG Plugins", version 1 of the
 * API). */
#ifndef HOSTCOUNT_H
#define HOSTCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct plugin_info {
    const char *target_name;
    struct {
        int min, cur;
    } version;
    bool system_emulation;
    struct {
        int smp_vcpus, max_vcpus;
    } system;
};
struct qemu_plugin_tb;
enum { INLINE_ADD_U64 = 0 };

typedef void tb_trans_cb(plugin_id id, struct qemu_plugin_tb *tb);
typedef void atexit_cb(plugin_id id, void *userdata);
typedef void syscall_cb(plugin_id id, unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3,
                        uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8);
typedef void syscall_ret_cb(plugin_id id, unsigned vcpu, int64_t number, int64_t result);
extern void qemu_plugin_register_vcpu_syscall_ret_cb(plugin_id id, syscall_ret_cb *cb);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, tb_trans_cb *cb);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr,
                                                     uint64_t imm);
extern void qemu_plugin_register_vcpu_syscall_cb(plugin_id id, syscall_cb *cb);
extern void qemu_plugin_register_atexit_cb(plugin_id id, atexit_cb *cb, void *userdata);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
extern uint64_t qemu_plugin_start_code(void);
extern uint64_t qemu_plugin_end_code(void);
extern void qemu_plugin_outs(const char *string);

EXPORT int qemu_plugin_install(plugin_id id, const struct plugin_info *info, int argc, char **argv);

/* Looks for marks in what a system call is to write (marks.c). */
void look_for_marks(int64_t number, uint64_t fd, uint64_t buffer, uint64_t n);
/* From the mark @@ready on the program's monotonic clock runs that many times slower (clocks.c); 1: as it is.
 * slow_before() sees the arguments of each system call, slow_after() its result. */
extern unsigned clock_divisor;
void slow_clocks(void);
void slow_before(unsigned vcpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3);
syscall_ret_cb slow_after;

/* A section begins; it ends and is reported, with a status of the guest's making. */
void section_start(void);
void section_stop(const char *name, const char *status);

#endif
