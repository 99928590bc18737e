/* What each host register holds while translated code runs.  The one place that says so:
 * the template compiler, the translator and debug dumps all read it.
 *
 *   $0  zero      $8  T2 a4     $16 eax     $24 icount
 *   $1  at        $9  T3 a5     $17 ecx     $25 t9
 *   $2  T0 v0     $10 T4 a6     $18 edx     $26 (k0: the kernel's)
 *   $3  T1 v1     $11 cc_res    $19 ebx     $27 (k1: the kernel's)
 *   $4  addr a0   $12 cc_op     $20 esp     $28 mem
 *   $5  X1 a1     $13 cc_dst    $21 ebp     $29 sp
 *   $6  X2 a2     $14 cc_src    $22 esi     $30 env
 *   $7  X3 a3     $15 cc_src2   $23 edi     $31 ra
 *
 * at, X1-X3  scratch inside one stanza
 * T0-T4      operand temporaries, given out by the translator
 * addr       the address of a memory access
 * eax-edi    the guest's registers, sign-extended: callee-saved in n64
 * cc_*       the flags record (runtime/flags.h) when it is in its canonical place;
 *            caller-saved: thunks around C helpers save and reload it
 * icount     instructions left, counted down (caller-saved too)
 * t9         target of an indirect jump or call; the TLB table, where mem is a window
 * env        CPUX86State: callee-saved in n64
 * mem        a direct window's host address for guest address 0 (HF_WINDOW), or the TLB table of the
 *            current mode: env->mem_base; callee-saved in n64 */
#ifndef STITCH86_REGMAP_H
#define STITCH86_REGMAP_H

/* X(number, name): the first name of a number is the one that dumps show. */
#define REGMAP(X) \
    X(0, zero) X(1, at) X(2, T0) X(3, T1) X(4, addr) X(5, X1) X(6, X2) X(7, X3) \
    X(8, T2) X(9, T3) X(10, T4) X(11, cc_res) X(12, cc_op) X(13, cc_dst) X(14, cc_src) X(15, cc_src2) \
    X(16, eax) X(17, ecx) X(18, edx) X(19, ebx) X(20, esp) X(21, ebp) X(22, esi) X(23, edi) \
    X(24, icount) X(25, t9) X(28, mem) X(29, sp) X(30, env) X(31, ra) \
    X(2, v0) X(3, v1) X(4, a0) X(5, a1) X(6, a2) X(7, a3) X(8, a4) X(9, a5) X(10, a6) \
    X(5, x1) X(6, x2) X(7, x3)

enum host_reg {
#define REGMAP_ENUM(number, name) HREG_##name = number,
    REGMAP(REGMAP_ENUM)
#undef REGMAP_ENUM
    HREG_COUNT = 32
};

/* The host register of guest register R_EAX..R_EDI. */
#define HREG_GUEST(r) (HREG_eax + (r))

/* Sets of registers, as bit masks. */
#define HREGS_GUEST 0x00ff0000u
#define HREGS_CC 0x0000f800u
#define HREGS_SCRATCH (1u << HREG_at | 1u << HREG_X1 | 1u << HREG_X2 | 1u << HREG_X3)
#define HREGS_TEMPS (1u << HREG_T0 | 1u << HREG_T1 | 1u << HREG_T2 | 1u << HREG_T3 | 1u << HREG_T4)

#endif
