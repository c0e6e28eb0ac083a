//! What is particular to RISC-V: the entry point and the ECALL instruction (Linux' syscall(2), "Architecture calling
//! conventions").

use core::arch::{asm, global_asm};

// The kernel leaves argc on the stack and argv above it. The stack is aligned for the call, whatever the loader did.
global_asm!(
    ".globl _start",
    ".type _start, @function",
    "_start:",
    "ld a0, 0(sp)",
    "addi a1, sp, 8",
    // static programs reach their small data through gp; the linker would make this very instruction use it
    ".option push",
    ".option norelax",
    "lla gp, __global_pointer$",
    ".option pop",
    "mv s0, zero",
    "mv ra, zero",
    "andi sp, sp, -16",
    "call {start}",
    "unimp",
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
                    "ecall",
                    in("a7") number,
                    $(in($register) $argument,)*
                    lateout("a0") result,
                    options(nostack),
                );
            }
            result
        }
    };
}

define_syscall!(syscall0, "no",);
define_syscall!(syscall1, "one", a => "a0");
define_syscall!(syscall2, "two", a => "a0", b => "a1");
define_syscall!(syscall3, "three", a => "a0", b => "a1", c => "a2");
define_syscall!(syscall4, "four", a => "a0", b => "a1", c => "a2", d => "a3");

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
