/* Entry of the bare-metal guest: multiboot header, stack, segments, interrupts. C functions take arguments in registers. */
        .set FLAGS, 0
        .section .multiboot, "a"
        .align 4
        .long 0x1badb002, FLAGS, -(0x1badb002 + FLAGS)

        .text
        .globl start
start:  mov $stack_top, %esp
        lgdt gdt_pointer
        ljmp $8, $1f
1:      mov $16, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %ss
        /* SSE: CR4.OSFXSR, CR0.MP without EM */
        mov %cr0, %eax
        and $~4, %eax
        or $2, %eax
        mov %eax, %cr0
        mov %cr4, %eax
        or $0x200, %eax
        mov %eax, %cr4
        mov %ebx, %eax
        call prepare
        call main
2:      cli
        hlt
        jmp 2b

        /* Interrupt vectors 0x20 to 0xff: each pushes its number - 0x80, a byte. */
        .globl stubs
        .align 8
stubs:
        .set vector, 0x20
        .rept 0xe0
        .align 8
        pushl $vector - 0x80
        jmp enter
        .set vector, vector + 1
        .endr
enter:  pusha
        cld
        mov 32(%esp), %eax
        add $0x80, %eax
        call interrupt
        popa
        add $4, %esp
        iret

        .align 8
gdt:    .quad 0
        .quad 0x00cf9a000000ffff
        .quad 0x00cf92000000ffff
gdt_pointer:
        .word . - gdt - 1
        .long gdt

        .bss
        .align 16
        .skip 16384
stack_top:

        /* Of what this was built. */
        .section .stamp, "a"
        .asciz STAMP

        .section .note.GNU-stack, "", @progbits
