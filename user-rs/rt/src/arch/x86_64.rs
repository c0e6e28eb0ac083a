//! What is particular to x86-64: the entry point and the SYSCALL instruction (System V ABI, AMD64 supplement, A.2).

use core::arch::{asm, global_asm};

// The kernel leaves argc on the stack and argv above it. The stack is aligned for the call, whatever the loader did.
global_asm!(
    ".globl _start",
    ".type _start, @function",
    "_start:",
    "mov rdi, [rsp]",
    "lea rsi, [rsp + 8]",
    "xor ebp, ebp",
    "and rsp, -16",
    "call {start}",
    "ud2",
    ".size _start, . - _start",
    start = sym crate::start::start,
);

macro_rules! define_syscall {
    ($name:ident, $count:literal, $($argument:ident => $register:tt),*) => {
        #[doc = concat!("Makes a system call with ", $count, " arguments.")]
        ///
        /// # Safety
        ///
        /// The call must be sound for these arguments: the kernel may read and write what they point to.
        pub unsafe fn $name(number: usize, $($argument: usize),*) -> isize {
            let result;
            // SAFETY: SYSCALL overwrites rcx and r11, and the caller vouches for the rest.
            unsafe {
                asm!(
                    "syscall",
                    inlateout("rax") number as isize => result,
                    $(in($register) $argument,)*
                    lateout("rcx") _,
                    lateout("r11") _,
                    options(nostack),
                );
            }
            result
        }
    };
}

define_syscall!(syscall0, "no",);
define_syscall!(syscall1, "one", a => "rdi");
define_syscall!(syscall2, "two", a => "rdi", b => "rsi");
define_syscall!(syscall3, "three", a => "rdi", b => "rsi", c => "rdx");
define_syscall!(syscall4, "four", a => "rdi", b => "rsi", c => "rdx", d => "r10");

/// Opens a file by its path, a C string's address.
///
/// # Safety
///
/// As for any call: `path` must be sound.
pub unsafe fn open(path: usize, flags: usize, mode: usize) -> isize {
    const OPEN: usize = 2;
    // SAFETY: the caller vouches for the path.
    unsafe { syscall3(OPEN, path, flags, mode) }
}

/// Numbers of the system calls that are wrapped (Linux' table for x86-64).
pub mod number {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const BRK: usize = 12;
    pub const EXIT: usize = 60;
    pub const WAIT4: usize = 61;
    pub const GETCWD: usize = 79;
    pub const CHDIR: usize = 80;
    pub const GETDENTS64: usize = 217;
}
