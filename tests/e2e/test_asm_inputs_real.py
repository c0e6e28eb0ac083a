"""What assembly takes in is an input, though rustc says nothing of it and the program assembles what a library says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import crates
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
    tree.ostoo("new", "greet")
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


def test_a_name_that_only_the_assembler_knows_is_refused(tree: Tree) -> None:
    carrier(tree, r'".macro take name", ".incbin \"\\name\"", ".endm", "take greet/own.bin"')
    result = tree.scons("greet")
    assert result.code == 2
    assert "assembly includes a file whose name a macro creates" in result.stderr
    assert "user-rs/greet/src/main.rs:5" in result.stderr
    assert not tree.program("greet").exists()


PUT = 'global_asm!({start} concat!(".inc", "bin \\"", {given}, "\\""), {end});'
WRITES = 'format!("core::arch::global_asm!({{}} {{:?}}, {{}});", r#"{start}"#, ".incbin \\"{file}\\"", r#"{end}"#)'
WAYS = {
    "split": (PUT.replace("{given}", '"{file}"'), "", ""),
    "own macro": (
        "macro_rules! put {{ ($f:expr) => {{ " + PUT.replace("{given}", "$f") + ' }} }} put!("{file}");',
        "",
        "",
    ),
    "another name": ("use core::arch::global_asm as other; other" + PUT[10:].replace("{given}", '"{file}"'), "", ""),
    "a library's macro": (
        'helper::put!("{file}");',
        "#![no_std]\n#[macro_export]\nmacro_rules! put {{ ($f:expr) => {{ core::arch::"
        + PUT.replace("{given}", "$f")
        + " }} }}\n",
        "",
    ),
    "a procedural macro": ('writes::put!("{file}");', "", WRITES + ".parse().unwrap()"),
}
"""By how: what the crate says, a library's source, what a procedural macro gives."""

START = '".section .rodata.own,\\"a\\"", ".globl own", "own:", '
END = '".byte 0", ".text"'


@pytest.mark.parametrize("place", ["program", "library"])
@pytest.mark.parametrize("way", WAYS)
def test_what_macros_have_the_assembler_take_in_is_found(way: str, place: str, tree: Tree) -> None:
    """No source has the directive in its text."""
    file = f"{'greet' if place == 'program' else 'carrier'}/data.bin"
    written(tree, way, place, file)
    tree.write(f"user-rs/{file}", "first")
    tree.build("greet")
    assert said(tree) == "first"
    assert tree.build("greet").steps == []
    tree.write(f"user-rs/{file}", "second")
    tree.build("greet")
    assert said(tree) == "second"
    assert tree.build("greet").steps == []
    tree.build("-c", "greet")
    tree.write(f"user-rs/{file}", "first")
    tree.build("greet")
    assert said(tree) == "first"
    written(tree, way, place, "../shared/data.bin", add=False)
    tree.write("shared/data.bin", "from elsewhere")
    refused = tree.scons("greet")
    assert refused.code == 2
    assert "the crate reads shared/data.bin, which is not among its declared inputs" in refused.stderr


def written(tree: Tree, way: str, place: str, file: str, *, add: bool = True) -> None:
    """A program that prints what its own assembly, or that of a library, takes in."""
    own, helper, writes = (text.format(start=START, end=END, file=file) for text in WAYS[way])
    text = "unsafe { core::ffi::CStr::from_ptr((&raw const own).cast()) }.to_str().unwrap()"
    declares = 'extern "C" { static own: u8; }'
    uses = "#[allow(unused_imports)] use core::arch::global_asm;"
    files = {
        "carrier": f"#![no_std]\n{uses}\n{own}\n{declares}\npub fn text() -> &'static str {{ {text} }}\n",
        "greet": crates.main('println!("{}", carrier::text());'),
    }
    if place == "program":
        files["carrier"] = "#![no_std]\n"
        files["greet"] = crates.main(f'println!("{{}}", {text});', uses=f"{uses}\nuse carrier as _;\n{own}\n{declares}")
    helps = {"helper": helper or "#![no_std]\n", "writes": crates.proc_macro("put", writes or "TokenStream::new()")}
    helps["writes"] = helps["writes"].replace("(_: ", "(_given: ")
    if add:
        crates.add(tree, "helper", "", lib=helps["helper"])
        crates.add(tree, "writes", "[lib]\nproc-macro = true\n", lib=helps["writes"])
        asks = f"[dependencies]\n{crates.paths('helper', 'writes')}"
        crates.add(tree, "carrier", asks, lib=files["carrier"])
        crates.add(tree, "greet", f"{asks}{crates.paths('carrier')}{crates.RUNTIME}", main=files["greet"])
    tree.write("user-rs/helper/src/lib.rs", helps["helper"])
    tree.write("user-rs/writes/src/lib.rs", helps["writes"])
    tree.write("user-rs/carrier/src/lib.rs", files["carrier"])
    tree.write("user-rs/greet/src/main.rs", files["greet"])
