//! The kernel's calls: the bare ones by number of arguments, and safe ones by name.

use core::ffi::CStr;

use crate::arch::{self, number};
pub use crate::arch::{syscall0, syscall1, syscall2, syscall3, syscall4};

/// Why the kernel refused a call: Linux' `errno` number, such as 2 for `ENOENT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// The call was interrupted before anything happened.
    pub const INTR: Errno = Errno(4);
}

/// What a call returns: the kernel's number, or its refusal.
pub type Result = core::result::Result<usize, Errno>;

fn check(returned: isize) -> Result {
    if returned < 0 {
        Err(Errno(-returned as i32))
    } else {
        Ok(returned as usize)
    }
}

/// Writes to a file descriptor and returns how many bytes were taken.
pub fn write(fd: i32, bytes: &[u8]) -> Result {
    // SAFETY: the kernel only reads the slice.
    check(unsafe { syscall3(number::WRITE, fd as usize, bytes.as_ptr() as usize, bytes.len()) })
}

/// Reads from a file descriptor and returns how many bytes came; 0 is the end.
pub fn read(fd: i32, buffer: &mut [u8]) -> Result {
    // SAFETY: the kernel writes within the slice only.
    check(unsafe { syscall3(number::READ, fd as usize, buffer.as_mut_ptr() as usize, buffer.len()) })
}

/// Opens a file with Linux' `O_…` flags and, should it be created, a mode; returns its descriptor.
pub fn open(path: &CStr, flags: i32, mode: u32) -> core::result::Result<i32, Errno> {
    // SAFETY: the kernel only reads the string.
    check(unsafe { arch::open(path.as_ptr() as usize, flags as usize, mode as usize) }).map(|fd| fd as i32)
}

/// Closes a file descriptor.
pub fn close(fd: i32) -> Result {
    // SAFETY: no memory is involved.
    check(unsafe { syscall1(number::CLOSE, fd as usize) })
}

/// Ends the program.
pub fn exit(code: i32) -> ! {
    loop {
        // SAFETY: nothing runs afterwards.
        unsafe { syscall1(number::EXIT, code as usize) };
    }
}

/// Moves the end of the heap and returns where it is now; 0 only asks.
///
/// # Safety
///
/// Nothing above the new end may be in use. musl's allocator moves the end too: a program that uses std must not.
pub unsafe fn brk(end: usize) -> usize {
    // SAFETY: the caller vouches for the memory.
    unsafe { syscall1(number::BRK, end) as usize }
}

/// Writes the current folder with its final NUL into the buffer and returns the length of both.
pub fn getcwd(buffer: &mut [u8]) -> Result {
    // SAFETY: the kernel writes within the slice only.
    check(unsafe { syscall2(number::GETCWD, buffer.as_mut_ptr() as usize, buffer.len()) })
}

/// Changes the current folder.
pub fn chdir(path: &CStr) -> Result {
    // SAFETY: the kernel only reads the string.
    check(unsafe { syscall1(number::CHDIR, path.as_ptr() as usize) })
}

/// Reads entries of an open folder as Linux' `linux_dirent64` and returns how many bytes they take; 0 is the end.
pub fn getdents64(fd: i32, buffer: &mut [u8]) -> Result {
    // SAFETY: the kernel writes within the slice only.
    check(unsafe { syscall3(number::GETDENTS64, fd as usize, buffer.as_mut_ptr() as usize, buffer.len()) })
}

/// Waits for a child, with Linux' `W…` options, and returns its process id and status.
pub fn wait4(pid: i32, options: i32) -> core::result::Result<(i32, i32), Errno> {
    let mut status = 0_i32;
    // SAFETY: the kernel writes the status only; no resource usage is asked for.
    let child = check(unsafe { syscall4(number::WAIT4, pid as usize, &raw mut status as usize, options as usize, 0) })?;
    Ok((child as i32, status))
}
