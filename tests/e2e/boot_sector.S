# A kernel of one sector that talks as ostoo does: a prompt on the screen where a path is typed, the exit line on COM1.
# The first letter of the program's name says what happens.

.code16
.globl _start
_start:
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x7c00, %sp
prompt:
    mov $prompt_text, %si
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
    mov line + 6, %al
    cmp $'d', %al
    je deadlock
    cmp $'p', %al
    je panic
    cmp $'r', %al
    je restart
    cmp $'u', %al
    jne run
    mov $unhandled, %si
    call serial
run:
    mov $hello, %si
    call screen
    mov $line, %si
    call screen
    mov $newline, %si
    call screen
    mov $ended, %si
    cmpb $'s', line + 6
    jne tell
    mov $failed, %si
tell:
    call serial
    jmp prompt
deadlock:
    mov $deadlocked, %si
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

prompt_text: .asciz "ostoo:/> "
newline: .asciz "\r\n"
hello: .asciz "hello from "
ended: .asciz "INFO - [kernel] pid 3 exited with code 0\n"
failed: .asciz "INFO - [kernel] pid 4 exited with code 7\n"
deadlocked: .asciz "DEADLOCK DETECTED: SpinMutex\n"
panicked: .asciz "panicked at src/main.rs:7:1"
unhandled: .asciz "WARN - unhandled syscall nr=102 a1=0x0\n"

.org 510
.word 0xaa55
line:
