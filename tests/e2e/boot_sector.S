# A kernel of two sectors that talks as ostoo does: a prompt on the screen where a path is typed, the exit line on COM1.
# The first letter of the program's name says what happens. The first time, what is typed for `lost` is not heard.

.code16
.globl _start
_start:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7c00, %sp
    mov $0x0201, %ax            # the BIOS loads the second sector behind the first
    mov $second, %bx
    mov $0x0002, %cx
    xor %dh, %dh
    int $0x13
prompt:
    mov asks, %si
    call screen
    mov $line, %di
key:
    xor %ah, %ah
    int $0x16
    cmp $'\r', %al
    je entered
    stosb
    call put
    jmp key
entered:
    movb $0, (%di)
    mov $newline, %si
    call screen
    mov $line, %bp              # the path that was typed
    cmpw $user_prompt, asks
    je path
    mov $refused, %si
    cmpl $0x63657865, line      # the kernel's own prompt wants `exec PATH`
    jne complain
    mov $line + 5, %bp
path:
    mov 6(%bp), %al
    cmp $'d', %al
    je deadlock
    cmp $'p', %al
    je panic
    cmp $'e', %al
    je exception
    cmp $'r', %al
    je restart
    cmp $'f', %al
    je fault
    cmp $'l', %al
    je lost
    cmp $'k', %al
    jne noted
    movw $kernel_prompt, asks   # from now on the kernel itself asks
noted:
    cmp $'u', %al
    jne run
    mov $unhandled, %si
    call serial
run:
    mov $hello, %si
    call screen
    mov %bp, %si
    call screen
    mov $newline, %si
    call screen
    mov $ended, %si
    cmpb $'s', 6(%bp)
    jne tell
    mov $failed, %si
tell:
    call serial
    jmp prompt
lost:
    decb losses
    js run
    jmp prompt
fault:
    mov $faulted, %si
    jmp tell
complain:
    call screen
    jmp prompt
deadlock:
    mov $deadlocked, %si
    call serial
    jmp halt
exception:
    mov $excepted, %si
    call serial
    jmp halt
panic:
    mov $panicked, %si
    call screen
halt:
    hlt
    jmp halt
restart:
    mov $0xfe, %al
    out %al, $0x64
    jmp halt

screen:
    lodsb
    test %al, %al
    jz 1f
    call put
    jmp screen
1:  ret
put:
    mov $0x0e, %ah
    xor %bx, %bx
    int $0x10
    ret
serial:
    lodsb
    test %al, %al
    jz 1f
    mov $0x3f8, %dx
    out %al, %dx
    jmp serial
1:  ret

.org 510
.word 0xaa55
second:
asks: .word user_prompt
losses: .byte 1
user_prompt: .asciz "ostoo:/> "
kernel_prompt: .asciz "kernel:/# "
newline: .asciz "\r\n"
refused: .asciz "unknown command\r\n"
hello: .asciz "hello from "
ended: .asciz "INFO - [kernel] pid 3 exited with code 0\n"
failed: .asciz "INFO - [kernel] pid 4 exited with code 7\n"
faulted: .asciz "EXCEPTION: PAGE FAULT in ring 3 at 0x8, pid 5 is gone\n"
excepted: .asciz "EXCEPTION: DOUBLE FAULT\n"
deadlocked: .asciz "DEADLOCK DETECTED: SpinMutex\n"
panicked: .asciz "panicked at src/main.rs:7:1"
unhandled: .asciz "WARN - unhandled syscall nr=102 a1=0x0\n"
.org 1024
line:
