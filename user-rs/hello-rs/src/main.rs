//! A program without std.

#![no_std]
#![no_main]
#![cfg_attr(test, feature(custom_test_frameworks))]
#![cfg_attr(test, test_runner(ostoo_rt::test_runner))]
#![cfg_attr(test, reexport_test_harness_main = "test_main")]

extern crate alloc;

use alloc::boxed::Box;
use ostoo_rt::println;

#[cfg_attr(not(test), no_mangle)]
fn main() -> i32 {
    println!("Hello from Rust on ostoo!");
    let answer = Box::new(42);
    println!("Heap works: {answer}");
    0
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    #[export_name = "main"]
    fn run() -> i32 {
        crate::test_main();
        0
    }

    #[test_case]
    fn the_heap_grows_as_it_is_asked_to() {
        let mut numbers = Vec::new();
        numbers.extend(0..10_000_u32);
        assert_eq!(numbers.iter().sum::<u32>(), 49_995_000);
    }

    ostoo_rt::test! {
        #[should_panic]
        fn a_slice_ends_where_it_ends() {
            let numbers = Vec::from([1, 2, 3]);
            assert_eq!(numbers[core::hint::black_box(3)], 4);
        }
    }
}
