//! How a program without std ends when something has gone wrong.

use core::alloc::Layout;
use core::panic::PanicInfo;

use crate::{eprintln, syscall};

/// How a program ends that has panicked.
pub const PANICKED: i32 = 101;
const OUT_OF_MEMORY: i32 = 102;

/// What a panic ends the program with: only a test that should panic changes it.
static mut EXIT_CODE: i32 = PANICKED;

/// Lets a panic end the program with that code.
pub fn exit_with(code: i32) {
    // SAFETY: programs without std have one thread.
    unsafe { EXIT_CODE = code };
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    eprintln!("{info}");
    // SAFETY: programs without std have one thread.
    syscall::exit(unsafe { EXIT_CODE })
}

// rust-analyzer takes this attribute for a macro that it lacks
#[cfg_attr(not(rust_analyzer), alloc_error_handler)]
fn out_of_memory(layout: Layout) -> ! {
    eprintln!("out of memory: {} bytes are not to be had", layout.size());
    syscall::exit(OUT_OF_MEMORY)
}
