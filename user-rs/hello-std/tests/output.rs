//! What the program says, seen from outside.

#![feature(restricted_std)]

extern crate ostoo_rt;

use std::process::Command;

#[test]
fn it_greets_and_ends_well() {
    let done = Command::new(env!("CARGO_BIN_EXE_hello-std")).output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(said, "Hello from Rust std on ostoo!\nHashMap works: {\"key\": 42}\n");
    assert!(done.status.success());
}
