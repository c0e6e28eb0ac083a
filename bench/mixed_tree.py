"""Adds other kinds of programs to a checkout: collections without std, strings and sorting with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NO_STD = {
    "tree-rs": """#![no_std]
#![no_main]

extern crate alloc;

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use ostoo_rt::println;

#[no_mangle]
fn main() -> i32 {
    let words: Vec<String> = "some words and some more words".split(' ').map(String::from).collect();
    let mut counted = BTreeMap::new();
    for word in words {
        *counted.entry(word).or_insert(0) += 1;
    }
    println!("{counted:?}");
    0
}
"""
}
STD = {
    "sort-std": """#![feature(restricted_std)]
#![no_main]

extern crate ostoo_rt;

use std::io::Write;

#[no_mangle]
fn main() -> i32 {
    let mut numbers: Vec<u64> = (0..1000_u64).map(|n| n.wrapping_mul(6364136223846793005) >> 40).collect();
    numbers.sort_unstable_by_key(|n| std::cmp::Reverse(*n));
    let shown: Vec<String> = numbers.iter().take(10).map(u64::to_string).collect();
    writeln!(std::io::stdout(), "{}", shown.join(" ")).map_or(1, |()| 0)
}
""",
    "float-std": """#![feature(restricted_std)]
#![no_main]

extern crate ostoo_rt;

#[no_mangle]
fn main() -> i32 {
    let mean = ["1.5", "2.25", "x"].iter().filter_map(|text| text.parse::<f64>().ok()).sum::<f64>() / 2.0;
    let text = format!("{mean:>10.3e}");
    println!("{text} {:?}", std::path::Path::new("/a/b.c").extension());
    0
}
""",
}
_ASKS = {True: "{ workspace = true }", False: '{ workspace = true, features = ["no_std"] }'}


def add(root: Path) -> None:
    """Add the programs to the workspace."""
    for name, source in {**NO_STD, **STD}.items():
        folder = root / "user-rs" / name
        (folder / "src").mkdir(parents=True)
        (folder / "src/main.rs").write_text(source, encoding="utf-8")
        head = f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition.workspace = true\n\n[dependencies]\n'
        (folder / "Cargo.toml").write_text(f"{head}ostoo-rt = {_ASKS[name in STD]}\n", encoding="utf-8")
    manifest = root / "user-rs/Cargo.toml"
    text = manifest.read_text(encoding="utf-8")
    members = "".join(f'    "{name}",\n' for name in (*NO_STD, *STD))
    manifest.write_text(text.replace("members = [\n", f"members = [\n{members}", 1), encoding="utf-8")
