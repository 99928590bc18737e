/* Multiboot header, entry, exception stubs, and ways in and out of other rings. */
        .set MAGIC, 0x1badb002
        .set FLAGS, 0
        .text
        .align 4
        .long MAGIC, FLAGS, -(MAGIC + FLAGS)

        .globl _start
_start: cli
        cld
        mov     $stack_top, %esp
        push    $0
        popf
        call    lib_init
        call    test
        call    quit

/* 256 stubs of 16 bytes: push an error code where the CPU gives none, and the vector. */
        .globl  stubs
        .align 16
stubs:
        .set    vector, 0
        .rept   256
        .align 16
        .if     (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17)
        .else
        push    $0
        .endif
        push    $vector
        jmp     common
        .set    vector, vector + 1
        .endr

common: pusha
        push    %ds
        push    %es
        push    %fs
        push    %gs
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        cld
        push    %esp
        call    lib_trap                /* struct frame * */
        add     $4, %esp
        test    %eax, %eax
        jz      unwind
        pop     %gs
        pop     %fs
        pop     %es
        pop     %ds
        popa
        add     $8, %esp
        .globl  an_iret
an_iret:
        iret

/* Back to where try() was called; EAX: the vector, from lib_trap's copy. */
unwind: mov     catch_esp, %esp
        movl    $0, catch_esp
        popf
        popa
        mov     trap_vector, %eax
        ret

        .globl  try, try_user, try_frame
try:    mov     4(%esp), %eax
        pusha
        pushf
        mov     %esp, catch_esp
        call    *%eax
        movl    $0, catch_esp
        popf
        popa
        mov     $-1, %eax
        ret

try_user:
        mov     4(%esp), %eax
        pusha
        pushf
        mov     %esp, catch_esp
        mov     $0x23, %ecx
        mov     %ecx, %ds
        mov     %ecx, %es
        mov     %ecx, %fs
        mov     %ecx, %gs
        movl    $user_exit, user_stack_top - 4
        push    %ecx
        push    $user_stack_top - 4
        pushf
        push    $0x1b
        push    %eax
        iret
        .globl  user_exit
user_exit:
        int     $0x80

try_frame:
        mov     4(%esp), %eax
        pusha
        pushf
        mov     %esp, catch_esp
        /* From eip to vm_gs: nine words; what of them IRET takes depends on CS and VM. */
        mov     $9, %ecx
1:      pushl   52(%eax, %ecx, 4)
        loop    1b
        push    (4 * 4 + 7 * 4)(%eax)   /* eax last */
        mov     (4 * 4 + 0)(%eax), %edi
        mov     (4 * 4 + 4)(%eax), %esi
        mov     (4 * 4 + 8)(%eax), %ebp
        mov     (4 * 4 + 16)(%eax), %ebx
        mov     (4 * 4 + 20)(%eax), %edx
        mov     (4 * 4 + 24)(%eax), %ecx
        mov     (12)(%eax), %ds
        mov     (8)(%eax), %es
        mov     (4)(%eax), %fs
        mov     (0)(%eax), %gs
        pop     %eax
        iret

        .bss
        .globl  stack_top, user_stack_top, catch_esp
        .align 4096
        .skip   8192
stack_top:
        .skip   8192
user_stack_top:
catch_esp:
        .skip   4
        .section .note.GNU-stack, "", @progbits
