"""`./ostoo ide` for the real rust-analyzer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import analyzer
import pytest
from trees import copy_tree

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

pytestmark = [pytest.mark.compiler, pytest.mark.network]

_MANIFEST = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\n{more}'
_FILES = {
    "words/Cargo.toml": _MANIFEST.format(name="words", more="[lib]\nproc-macro = true\n"),
    "words/src/lib.rs": """\
use proc_macro::TokenStream;
#[proc_macro]
pub fn three(_: TokenStream) -> TokenStream { "3_u16".parse().unwrap() }
#[proc_macro_derive(Named)]
pub fn named(_: TokenStream) -> TokenStream {
    "impl Made { fn made(&self) -> u16 { 4 } }".parse().unwrap()
}
""",
    "maker/Cargo.toml": _MANIFEST.format(
        name="maker", more='[dependencies]\nostoo-rt = { workspace = true }\nwords = { path = "../words" }\n'
    ),
    "maker/build.rs": """\
fn main() {
    let out = std::path::PathBuf::from(std::env::var_os("OUT_DIR").unwrap());
    std::fs::write(out.join("made.rs"), "pub fn from_script() -> u32 { 5 }").unwrap();
    println!("cargo::rustc-check-cfg=cfg(fast)\\ncargo::rustc-cfg=fast\\ncargo::rustc-env=MADE_BY=maker");
}
""",
    "maker/src/main.rs": """\
#![no_main]
use ostoo_rt as _;
include!(concat!(env!("OUT_DIR"), "/made.rs"));
#[derive(words::Named)]
struct Made;
#[cfg(fast)]
fn speed() -> usize { env!("MADE_BY").len() }
#[unsafe(no_mangle)]
fn main() {
    let three: u16 = words::three!();
    println!("{} {} {} {}", three, Made.made(), from_script(), speed());
}
""",
}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Tree:
    """A checkout with one more program, which has a build script and takes macros from a package beside it."""
    tree = copy_tree(tmp_path_factory.mktemp("ide") / "checkout", str(shared_cache))
    for name, text in _FILES.items():
        tree.write(f"user-rs/{name}", text)
    tree.replace("user-rs/Cargo.toml", '    "rt",\n', '    "rt",\n    "maker",\n    "words",\n')
    said = tree.ostoo("ide", f"cache={tree.cache}").stderr
    assert "crates in .rust-project.json" in said
    return tree


def test_rust_analyzer_finds_the_mistakes_there_are_and_no_others(described: Tree) -> None:
    """Programs with and without std, a crate that they compile in two ways, macros and what a script made."""
    assert analyzer.errors(described.root) == []
    mistakes = {
        "hello-std": "fn wrong() { vec![0_u8].no_such_method(); }",
        "hello-rs": "fn wrong() { let () = 1_u8; }",
        "maker": "fn wrong() { let _: u8 = words::three!(); Made.made().no_such_method(); }",
    }
    for package, text in mistakes.items():
        place = described.root / f"user-rs/{package}/src/main.rs"
        place.write_text(f"{place.read_text()}{text}\n")
    found = "\n".join(analyzer.errors(described.root))
    for words in ("hello-std", "hello-rs", "no_such_method` on type `u16", "expected u8, found u16"):
        assert words in found
    assert len(found.splitlines()) == 4
