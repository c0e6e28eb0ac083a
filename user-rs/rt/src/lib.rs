//! The runtime of Rust programs on ostoo.
//!
//! With the feature `no_std` (the default) it is all that a `#![no_std]` program needs: `_start` calls the program's
//! `main() -> i32`, and there are a panic handler and a global allocator. Without it, for programs that use std, `_start`
//! hands over to musl, which sets the C library up before it calls `main`.

#![no_std]
#![allow(unexpected_cfgs)] // rust-analyzer sets one; rustc 1.96 obeys no module's attribute
#![cfg_attr(feature = "no_std", feature(alloc_error_handler))]

#[cfg_attr(target_arch = "x86_64", path = "arch/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "arch/aarch64.rs")]
#[cfg_attr(target_arch = "riscv64", path = "arch/riscv64.rs")]
mod arch;
mod args;
#[cfg(feature = "no_std")]
mod brk_alloc;
#[cfg(feature = "no_std")]
mod bump;
pub mod io;
#[cfg(feature = "no_std")]
mod panic;
mod start;
pub mod syscall;
#[cfg(feature = "no_std")]
mod testing;

pub use args::{args, Args};
#[cfg(feature = "no_std")]
pub use testing::{test_runner, Test, Testable};
