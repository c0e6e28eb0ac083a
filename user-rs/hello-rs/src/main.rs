//! A program without std.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::boxed::Box;
use ostoo_rt::println;

#[no_mangle]
fn main() -> i32 {
    println!("Hello from Rust on ostoo!");
    let answer = Box::new(42);
    println!("Heap works: {answer}");
    0
}
