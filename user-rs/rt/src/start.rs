//! From the entry point to the program's `main`.

use core::ffi::c_char;

/// Where `_start` goes once it has found argc and argv.
///
/// # Safety
///
/// `argv` must point to `argc` C strings that live as long as the program.
pub unsafe extern "C" fn start(argc: usize, argv: *const *const c_char) -> ! {
    // SAFETY: nothing else runs yet, and the caller vouches for argv.
    unsafe { crate::args::set(argc, argv) };
    run(argc, argv)
}

#[cfg(feature = "no_std")]
fn run(_argc: usize, _argv: *const *const c_char) -> ! {
    extern "Rust" {
        fn main() -> i32;
    }

    // SAFETY: the program defines `fn main() -> i32`, or it does not link.
    crate::syscall::exit(unsafe { main() })
}

/// Without this detour musl's functions fault: it sets up thread-local storage, stdio and the auxiliary vector.
///
/// musl hands argc and argv on: rustc's own `main`, that of tests, has a use for them. A program's takes none.
#[cfg(not(feature = "no_std"))]
fn run(argc: usize, argv: *const *const c_char) -> ! {
    use core::ffi::c_int;

    type Main = unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char) -> c_int;

    extern "C" {
        fn main(argc: c_int, argv: *const *const c_char, envp: *const *const c_char) -> c_int;
        fn __libc_start_main(
            main: Main,
            argc: c_int,
            argv: *const *const c_char,
            init: Option<extern "C" fn()>,
            fini: Option<extern "C" fn()>,
            loader_fini: Option<extern "C" fn()>,
        ) -> c_int;
    }

    // SAFETY: argc and argv are the kernel's; musl 1.2 takes no notice of the last three.
    crate::syscall::exit(unsafe { __libc_start_main(main, argc as c_int, argv, None, None, None) })
}
