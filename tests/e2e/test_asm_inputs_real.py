"""What assembly takes in is an input, though rustc says nothing of it and the program assembles what a library says."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trees import Tree

pytestmark = pytest.mark.compiler

MAIN = """\
//! Prints what assembly took in.
#![no_std]
#![no_main]
use ostoo_rt::println;
core::arch::global_asm!(".section .rodata.own,\\"a\\"", ".globl own", "own:", {own}, ".byte 0", ".text");
#[allow(missing_docs)]
extern "C" {{ static own: u8; }}
fn text(start: *const u8) -> &'static str {{
    unsafe {{ core::ffi::CStr::from_ptr(start.cast()) }}.to_str().unwrap()
}}
#[no_mangle]
fn main() -> i32 {{
    println!("{{}} {{}}", text(&raw const own), text(&raw const carrier::data));
    0
}}
"""

LIBRARY = """\
//! Carries data.
#![no_std]
core::arch::global_asm!(include_str!("data.s"));
extern "C" {
    /// The data.
    pub static data: u8;
}
"""


def carrier(tree: Tree, own: str) -> None:
    """A program with data in its own assembly, and a library with data in a file that its assembly includes."""
    subprocess.run(["./ostoo", "new", "greet"], cwd=tree.root, check=True, capture_output=True)
    tree.write("user-rs/greet/src/main.rs", MAIN.format(own=own))
    manifest = tree.root / "user-rs/greet/Cargo.toml"
    dependency = '[dependencies]\ncarrier = { path = "../carrier" }'
    manifest.write_text(manifest.read_text().replace("[dependencies]", dependency))
    tree.replace("user-rs/Cargo.toml", '    "rt",\n', '    "rt",\n    "carrier",\n')
    tree.write("user-rs/carrier/Cargo.toml", '[package]\nname = "carrier"\nversion = "0.1.0"\nedition = "2021"\n')
    tree.write("user-rs/carrier/src/lib.rs", LIBRARY)
    lines = ('.section .rodata.data,"a"', ".globl data", 'data: .include "carrier/src/inner.s"', ".byte 0", ".text")
    tree.write("user-rs/carrier/src/data.s", "\n".join(lines) + "\n")
    tree.write("user-rs/carrier/src/inner.s", '.incbin "carrier/data.bin" // not data.txt\n')
    tree.write("user-rs/carrier/data.bin", "library")
    tree.write("user-rs/greet/own.bin", "program")
    tree.write("greet/own.bin", "where the build runs")


def said(tree: Tree) -> str:
    return tree.run("greet")[1].strip()


def test_an_edit_of_what_assembly_takes_in_is_in_the_next_program(tree: Tree) -> None:
    carrier(tree, r'".incbin \"greet/own.bin\""')
    tree.build("greet")
    assert said(tree) == "program library", "relative names are those of cargo's folder"
    tree.write("user-rs/greet/own.bin", "edited")
    tree.build("greet")
    assert said(tree) == "edited library"
    tree.write("user-rs/carrier/data.bin", "changed")
    tree.build("greet")
    assert said(tree) == "edited changed", "the library is the same, byte for byte"
    tree.build("-c", "greet")
    tree.write("user-rs/carrier/data.bin", "library")
    tree.build("greet")
    assert said(tree) == "edited library"
    tree.write("user-rs/carrier/src/inner.s", '.ascii "no file"\n')
    tree.build("greet")
    assert said(tree) == "edited no file"


def test_what_assembly_takes_in_from_elsewhere_has_to_be_declared(tree: Tree) -> None:
    carrier(tree, r'concat!(".incbin \"", env!("CARGO_MANIFEST_DIR"), "/../shared/own.bin\"")')
    tree.write("user-rs/shared/own.bin", "shared")
    result = tree.scons("greet")
    assert result.code == 2
    assert "the crate reads user-rs/shared/own.bin, which is not among its declared inputs" in result.stderr
    manifest = (tree.root / "user-rs/greet/Cargo.toml").read_text()
    tree.write("user-rs/greet/Cargo.toml", f'{manifest}[package.metadata.ostoo]\ninputs = ["../shared/own.bin"]\n')
    tree.build("greet")
    assert said(tree) == "shared library"
    tree.write("user-rs/shared/own.bin", "and edited")
    tree.build("greet")
    assert said(tree) == "and edited library"


def test_a_name_that_only_a_macro_knows_is_refused_with_its_line(tree: Tree) -> None:
    carrier(tree, r'concat!(".incbin \"", stringify!(greet/own.bin), "\"")')
    result = tree.scons("greet")
    assert result.code == 2
    assert "assembly takes in a file whose name is made by a macro" in result.stderr
    assert "user-rs/greet/src/main.rs:5" in result.stderr
    assert not tree.program("greet").exists()
