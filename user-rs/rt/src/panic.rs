//! How a program without std ends when something has gone wrong.

use core::alloc::Layout;
use core::panic::PanicInfo;

use crate::{eprintln, syscall};

const PANICKED: i32 = 101;
const OUT_OF_MEMORY: i32 = 102;

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    eprintln!("{info}");
    syscall::exit(PANICKED)
}

#[alloc_error_handler]
fn out_of_memory(layout: Layout) -> ! {
    eprintln!("out of memory: {} bytes are not to be had", layout.size());
    syscall::exit(OUT_OF_MEMORY)
}
