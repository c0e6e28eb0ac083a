"""Libraries over proc macros, proc macros over libraries, and crates that host and target share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import crates
import pytest

if TYPE_CHECKING:
    from trees import Tree

pytestmark = pytest.mark.compiler

MACRO = "[lib]\nproc-macro = true\n"


@pytest.fixture
def chain(tree: Tree) -> Tree:
    """A program and its build script over two libraries over a proc macro over a library over a proc macro."""
    crates.add(tree, "both", "", lib="#![no_std]\npub const N: u32 = 40;\n")
    crates.add(tree, "inner", MACRO, lib=crates.proc_macro("two", '"2u32".parse().unwrap()'))
    between = 'pub use inner::two;\npub fn text() -> String { (two!() + both::N).to_string() + "u32" }\n'
    crates.add(tree, "between", f"[dependencies]\n{crates.paths('inner', 'both')}", lib=between)
    outer = crates.proc_macro("word", "let _ = between::two!(); between::text().parse().unwrap()")
    crates.add(tree, "outer", f"{MACRO}[dependencies]\n{crates.paths('between')}", lib=outer)
    lower = "#![no_std]\npub use both::N;\npub use outer::word;\n"
    crates.add(tree, "lower", f"[dependencies]\n{crates.paths('outer', 'both')}", lib=lower)
    crates.add(tree, "upper", f"[dependencies]\n{crates.paths('lower')}", lib="#![no_std]\npub use lower::*;\n")
    build = 'fn main() { println!("cargo::rustc-env=WORD={}", upper::word!() + upper::N); }\n'
    asks = f"[dependencies]\n{crates.RUNTIME}\n{crates.paths('upper')}[build-dependencies]\n{crates.paths('upper')}"
    main = crates.main('println!("{} {} {}", env!("WORD"), upper::word!(), upper::N);')
    crates.add(tree, "chain", asks, main=main, build=build)
    return tree


def test_a_macro_reaches_a_program_through_libraries_and_a_changed_one_changes_it(chain: Tree) -> None:
    chain.build("chain")
    assert chain.run("chain") == (0, "82 42 40\n", "")
    chain.replace("user-rs/inner/src/lib.rs", "2u32", "3u32")
    chain.build("chain")
    assert chain.run("chain") == (0, "83 43 40\n", "")


def test_libraries_that_are_other_things_besides_are_linked_as_libraries(tree: Tree) -> None:
    both = "#![no_std]\npub fn n() -> u32 { 7 }\n"
    crates.add(tree, "low", '[lib]\ncrate-type = ["rlib"]', lib=both)
    types = '[lib]\ncrate-type = ["staticlib", "lib", "cdylib"]\n'
    crates.add(tree, "both", f"{types}[dependencies]\n{crates.paths('low')}", lib=both.replace("7", "low::n()"))
    types = '[lib]\ncrate-type = ["lib", "cdylib"]\n[dependencies]\n'
    crates.add(tree, "of-host", f"{types}{crates.paths('both')}", lib="pub use both::n;")
    asks = f"[dependencies]\n{crates.RUNTIME}\n{crates.paths('both')}[build-dependencies]\n{crates.paths('of-host')}"
    build = 'fn main() { println!("cargo::rustc-env=N={}", of_host::n()); }'
    crates.add(tree, "types", asks, build=build, main=crates.main('println!("{}{}", env!("N"), both::n());'))
    tree.build("types")
    assert tree.run("types") == (0, "77\n", "")


def test_a_program_whose_source_lies_in_another_folder_is_its_packages(tree: Tree) -> None:
    main = crates.main('println!("{} {}", env!("CARGO_PKG_NAME"), beside::N);', uses="mod beside;")
    tree.write("user-rs/shared/main.rs", main)
    tree.write("user-rs/shared/beside.rs", "pub const N: u32 = 1;\n")
    target = '[[bin]]\nname = "far"\npath = "../shared/main.rs"\n'
    crates.add(tree, "far", f"{target}[dependencies]\n{crates.RUNTIME}")
    tree.write("user-rs/far/SConscript", 'Import("env")\nenv.RustProgram("far")\n')
    tree.build("far")
    assert tree.run("far") == (0, "far 1\n", "")
    tree.replace("user-rs/shared/beside.rs", "1", "2")
    tree.build("far")
    assert tree.run("far") == (0, "far 2\n", "")
