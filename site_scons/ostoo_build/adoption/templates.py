"""The source of new programs: with this build's runtime and its tests, and without any runtime."""

from __future__ import annotations

TESTED = "fn test_runner"
"""What the source of a runtime has that runs the tests of programs without std."""

NO_STD_WITH_RUNTIME = """\
//! {name}.

#![no_std]
#![no_main]
#![cfg_attr(test, feature(custom_test_frameworks))]
#![cfg_attr(test, test_runner({runtime}::test_runner))]
#![cfg_attr(test, reexport_test_harness_main = "test_main")]

use {runtime}::println;

#[cfg_attr(not(test), no_mangle)]
fn main() -> i32 {{
    println!("Hello from {name}!");
    0
}}

#[cfg(test)]
mod tests {{
    #[export_name = "main"]
    fn run() -> i32 {{
        crate::test_main();
        0
    }}

    #[test_case]
    fn it_works() {{
        assert_eq!(2 + 2, 4);
    }}
}}
"""

STD_WITH_RUNTIME = """\
//! {name}.

#![feature(restricted_std)]
#![cfg_attr(not(test), no_main)]

extern crate {runtime};

#[cfg_attr(not(test), no_mangle)]
fn main() -> i32 {{
    println!("Hello from {name}!");
    0
}}

#[cfg(test)]
mod tests {{
    #[test]
    fn it_works() {{
        assert_eq!(2 + 2, 4);
    }}
}}
"""

STD = """\
//! {name}.

#![feature(restricted_std)]

fn main() {{
    println!("Hello from {name}!");
}}

#[cfg(test)]
mod tests {{
    #[test]
    fn it_works() {{
        assert_eq!(2 + 2, 4);
    }}
}}
"""

BARE = """\
//! {name}.

#![no_std]
#![no_main]

use core::panic::PanicInfo;

#[no_mangle]
extern "C" fn _start() -> ! {{
    loop {{}}
}}

#[panic_handler]
fn panic(_info: &PanicInfo) -> ! {{
    loop {{}}
}}
"""
