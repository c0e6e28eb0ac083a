//! A program with all of std.

#![feature(restricted_std)]
#![cfg_attr(not(test), no_main)]

extern crate ostoo_rt;

use std::collections::HashMap;

#[cfg_attr(not(test), no_mangle)]
fn main() -> i32 {
    println!("Hello from Rust std on ostoo!");
    let map = HashMap::from([("key", 42)]);
    println!("HashMap works: {map:?}");
    0
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::thread;

    #[test]
    fn a_map_keeps_what_it_was_given() {
        let map: HashMap<String, usize> = (0..1000).map(|number| (number.to_string(), number)).collect();
        assert_eq!(map["999"], 999);
    }

    #[test]
    fn threads_have_storage_of_their_own() {
        thread_local!(static NUMBER: std::cell::Cell<u32> = const { std::cell::Cell::new(1) });
        NUMBER.set(2);
        assert_eq!(thread::spawn(|| NUMBER.get()).join().unwrap(), 1);
        assert_eq!(NUMBER.get(), 2);
    }
}
