"""A program that another one reads is built first, and is in that one's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trees import Tree

pytestmark = pytest.mark.compiler

INNER = """\
//! Is carried by another program.
#![no_std]
#![no_main]
use ostoo_rt::println;
#[no_mangle]
fn main() -> i32 {{
    println!("{said}");
    0
}}
"""

OUTER = """\
//! Carries a program.
#![no_std]
#![no_main]
use ostoo_rt::println;
static INNER: &[u8] = include_bytes!("../../../build/x86_64-ostoo-user/release/inner");
#[no_mangle]
fn main() -> i32 {
    let words = INNER.split(|byte| *byte == b'<').nth(1).and_then(|rest| rest.split(|byte| *byte == b'>').next());
    println!("{}", core::str::from_utf8(words.unwrap_or_default()).unwrap_or_default());
    0
}
"""


def declare(tree: Tree, program: str, inputs: str) -> None:
    manifest = (tree.root / f"user-rs/{program}/Cargo.toml").read_text()
    tree.write(f"user-rs/{program}/Cargo.toml", f'{manifest}[package.metadata.ostoo]\ninputs = ["{inputs}"]\n')


def two(tree: Tree) -> None:
    for program in ("inner", "outer"):
        tree.ostoo("new", program)
    tree.write("user-rs/inner/src/main.rs", INNER.format(said="<first>"))
    tree.write("user-rs/outer/src/main.rs", OUTER)
    declare(tree, "outer", "../../build/x86_64-ostoo-user/release/inner")


def said(tree: Tree) -> str:
    return tree.run("outer")[1].strip()


def test_a_program_is_built_before_the_one_that_reads_it(tree: Tree) -> None:
    two(tree)
    tree.build("outer")
    assert said(tree) == "first"
    tree.write("user-rs/inner/src/main.rs", INNER.format(said="<second>"))
    tree.build("outer", "inner")
    assert said(tree) == "second"
    tree.write("user-rs/inner/src/main.rs", INNER.format(said="<third>"))
    tree.build("outer")
    assert said(tree) == "third"
    assert tree.build("outer").steps == []
    tree.program("inner").write_bytes(b"<somebody's>")
    tree.write("user-rs/outer/src/main.rs", OUTER + "// an edit\n")
    tree.build("outer")
    assert said(tree) == "third", "what lies there is no input: the program is"
    tree.build("-c", "outer", "inner")
    tree.write("user-rs/inner/src/main.rs", INNER.format(said="<first>"))
    tree.write("user-rs/outer/src/main.rs", OUTER)
    tree.build("outer")
    assert said(tree) == "first"


def test_a_file_below_build_that_no_step_makes_is_refused(tree: Tree) -> None:
    two(tree)
    for inputs, why in {
        "../../build/x86_64-ostoo-user/release/other": "only programs can be named",
        "../../build/x86_64-ostoo-user/dev/inner": "programs of the profile release only",
        "../../build/file": "only programs can be named",
    }.items():
        manifest = (tree.root / "user-rs/outer/Cargo.toml").read_text().partition("[package.metadata.ostoo]")[0]
        tree.write("user-rs/outer/Cargo.toml", manifest)
        declare(tree, "outer", inputs)
        result = tree.scons("outer")
        assert result.code == 2
        assert "no step makes the declared input build/" in result.stderr
        assert why in result.stderr
        assert "Traceback" not in result.stderr


def test_programs_that_read_each_other_are_refused(tree: Tree) -> None:
    two(tree)
    declare(tree, "inner", "../../build/x86_64-ostoo-user/release/outer")
    result = tree.scons("outer")
    assert result.code == 2
    assert "programs depend on each other: inner -> outer -> inner" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_program_that_is_refused_takes_with_it_those_that_read_it(tree: Tree) -> None:
    """As in a clean checkout, where it would have to be built first."""
    two(tree)
    tree.build("outer")
    tree.write("user-rs/inner/SConscript", 'Import("env")\nenv.RustProgram("inner", size_budget="100 B")\n')
    for _ in range(2):
        refused = tree.scons("outer")
        assert refused.code == 2
        assert "size-budget" in refused.stderr
    tree.build("-c", "outer", "inner")
    assert tree.scons("outer").code == 2
    tree.replace("user-rs/inner/SConscript", "100 B", "1 MiB")
    tree.build("outer")
    assert said(tree) == "first"
