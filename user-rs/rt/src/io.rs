//! Printing to the standard streams.

use core::fmt;

use crate::syscall::{self, Errno};

/// A stream by its file descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Stream(i32);

/// Where output goes.
pub const STDOUT: Stream = Stream(1);
/// Where complaints go.
pub const STDERR: Stream = Stream(2);

impl Stream {
    /// Writes all bytes, in as many calls as the kernel wants.
    pub fn write_all(self, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            match syscall::write(self.0, bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl fmt::Write for Stream {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write_all(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// What the macros call. There is nobody to tell where printing fails.
#[doc(hidden)]
pub fn print(mut stream: Stream, arguments: fmt::Arguments<'_>) {
    let _ = fmt::Write::write_fmt(&mut stream, arguments);
}

/// Prints to standard output. Programs that use std have a better one there.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => { $crate::io::print($crate::io::STDOUT, ::core::format_args!($($argument)*)) };
}

/// Prints a line to standard output. Programs that use std have a better one there.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($argument:tt)+) => { $crate::print!("{}\n", ::core::format_args!($($argument)+)) };
}

/// Prints to standard error. Programs that use std have a better one there.
#[macro_export]
macro_rules! eprint {
    ($($argument:tt)*) => { $crate::io::print($crate::io::STDERR, ::core::format_args!($($argument)*)) };
}

/// Prints a line to standard error. Programs that use std have a better one there.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::eprint!("\n") };
    ($($argument:tt)+) => { $crate::eprint!("{}\n", ::core::format_args!($($argument)+)) };
}
