//! What is particular to AArch64: the entry point and the SVC instruction (Linux' syscall(2), "Architecture calling
//! conventions").

use core::arch::{asm, global_asm};

// The kernel leaves argc on the stack and argv above it. The stack is aligned for the call, whatever the loader did.
global_asm!(
    ".globl _start",
    ".type _start, @function",
    "_start:",
    "ldr x0, [sp]",
    "add x1, sp, #8",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x9, sp",
    "and sp, x9, #-16",
    "bl {start}",
    "udf #0",
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
            // SAFETY: the caller vouches for the call; the kernel keeps all registers but the result's.
            unsafe {
                asm!(
                    "svc #0",
                    in("x8") number,
                    $(in($register) $argument,)*
                    lateout("x0") result,
                    options(nostack),
                );
            }
            result
        }
    };
}

define_syscall!(syscall0, "no",);
define_syscall!(syscall1, "one", a => "x0");
define_syscall!(syscall2, "two", a => "x0", b => "x1");
define_syscall!(syscall3, "three", a => "x0", b => "x1", c => "x2");
define_syscall!(syscall4, "four", a => "x0", b => "x1", c => "x2", d => "x3");

/// Opens a file by its path, a C string's address: of this table only `openat` does, here from the current folder.
///
/// # Safety
///
/// As for any call: `path` must be sound.
pub unsafe fn open(path: usize, flags: usize, mode: usize) -> isize {
    const OPENAT: usize = 56;
    const AT_FDCWD: usize = -100_isize as usize;
    // SAFETY: the caller vouches for the path.
    unsafe { syscall4(OPENAT, AT_FDCWD, path, flags, mode) }
}

/// Numbers of the system calls that are wrapped (Linux' table for processors that came late, `asm-generic/unistd.h`).
pub mod number {
    pub const GETCWD: usize = 17;
    pub const CHDIR: usize = 49;
    pub const CLOSE: usize = 57;
    pub const GETDENTS64: usize = 61;
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const EXIT: usize = 93;
    pub const BRK: usize = 214;
    pub const WAIT4: usize = 260;
}
