//! The program's arguments.

use core::ffi::{c_char, CStr};
use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

static COUNT: AtomicUsize = AtomicUsize::new(0);
static FIRST: AtomicPtr<*const c_char> = AtomicPtr::new(ptr::null_mut());

/// Remembers what the kernel left on the stack.
///
/// # Safety
///
/// `argv` must point to `argc` C strings that live as long as the program.
pub unsafe fn set(argc: usize, argv: *const *const c_char) {
    COUNT.store(argc, Relaxed);
    FIRST.store(argv.cast_mut(), Relaxed);
}

/// The arguments, the program's own name first.
pub fn args() -> Args {
    Args { next: 0 }
}

/// An iterator over the program's arguments.
#[derive(Clone, Debug)]
pub struct Args {
    next: usize,
}

impl Iterator for Args {
    type Item = &'static CStr;

    fn next(&mut self) -> Option<&'static CStr> {
        if self.next >= COUNT.load(Relaxed) {
            return None;
        }
        // SAFETY: `set` was told that there are so many C strings, and that they stay.
        let argument = unsafe { CStr::from_ptr(*FIRST.load(Relaxed).add(self.next)) };
        self.next += 1;
        Some(argument)
    }
}
