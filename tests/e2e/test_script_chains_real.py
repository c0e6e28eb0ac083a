"""What one build script wrote is read by others, by macros and by libraries of scripts: as fresh as with cargo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import crates
import pytest
from trees import copy_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler

WRITES = """fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::copy("data.txt", format!("{out}/data")).unwrap();
    println!("cargo::rerun-if-changed=data.txt");
    println!("cargo::metadata=dir={out}");
}"""
"""Its words are the same whatever it writes."""

HANDS_ON = """fn main() {
    println!("cargo::metadata=dir={}", std::env::var("DEP_LOW_DIR").unwrap());
    println!("cargo::rerun-if-changed=build.rs");
}"""
READS = """fn main() {
    let text = std::fs::read_to_string(DIR.to_string() + "/data").unwrap();
    println!("cargo::rustc-env=WORD={text}");
    println!("cargo::rerun-if-changed=build.rs");
}"""
INCLUDES = """fn main() {
    println!("cargo::rustc-env=PLACE={}", std::env::var("DEP_LOW_DIR").unwrap());
    println!("cargo::rerun-if-changed=build.rs");
}"""
SAYS = '#![no_std]\npub const WORD: &str = env!("WORD");\n'
KNOWS = 'pub fn folder() -> &\'static str { env!("OUT_DIR") }\n'
MACRO = 'format!("{:?}", std::fs::read_to_string(concat!(env!("OUT_DIR"), "/data")).unwrap()).parse().unwrap()'


def of_script_below(tree: Tree) -> None:
    crates.add(tree, "low", 'links = "low"\n', lib="#![no_std]\n", build=WRITES)
    build = READS.replace("DIR", 'std::env::var("DEP_LOW_DIR").unwrap()')
    crates.add(tree, "says", f"[dependencies]\n{crates.paths('low')}", lib=SAYS, build=build)


def handed_on(tree: Tree) -> None:
    crates.add(tree, "low", 'links = "low"\n', lib="#![no_std]\n", build=WRITES)
    crates.add(tree, "mid", f'links = "mid"\n[dependencies]\n{crates.paths("low")}', lib="#![no_std]\n", build=HANDS_ON)
    build = READS.replace("DIR", 'std::env::var("DEP_MID_DIR").unwrap()')
    crates.add(tree, "says", f"[dependencies]\n{crates.paths('mid')}", lib=SAYS, build=build)


def included(tree: Tree) -> None:
    crates.add(tree, "low", 'links = "low"\n', lib="#![no_std]\n", build=WRITES)
    lib = '#![no_std]\npub const WORD: &str = include_str!(concat!(env!("PLACE"), "/data"));\n'
    crates.add(tree, "says", f"[dependencies]\n{crates.paths('low')}", lib=lib, build=INCLUDES)


def of_library_of_script(tree: Tree) -> None:
    crates.add(tree, "low", "", lib=KNOWS, build=WRITES)
    crates.add(tree, "over", f"[dependencies]\n{crates.paths('low')}", lib="pub use low::folder;\n")
    build = READS.replace("DIR", "over::folder()")
    crates.add(tree, "says", f"[build-dependencies]\n{crates.paths('over')}", lib=SAYS, build=build)


def of_macro(tree: Tree) -> None:
    lib = crates.proc_macro("word", MACRO)
    crates.add(tree, "low", "[lib]\nproc-macro = true\n", lib=lib, build=WRITES)
    crates.add(tree, "over", f"[dependencies]\n{crates.paths('low')}", lib="#![no_std]\npub use low::word;\n")
    lib = "#![no_std]\npub const WORD: &str = over::word!();\n"
    crates.add(tree, "says", f"[dependencies]\n{crates.paths('over')}", lib=lib)


def of_library_of_macro(tree: Tree) -> None:
    crates.add(tree, "low", "", lib=KNOWS, build=WRITES)
    body = 'format!("{:?}", std::fs::read_to_string(low::folder().to_owned() + "/data").unwrap()).parse().unwrap()'
    lib = crates.proc_macro("word", body)
    crates.add(tree, "over", f"[lib]\nproc-macro = true\n[dependencies]\n{crates.paths('low')}", lib=lib)
    lib = "#![no_std]\npub const WORD: &str = over::word!();\n"
    crates.add(tree, "says", f"[dependencies]\n{crates.paths('over')}", lib=lib)


def said(tree: Tree) -> str:
    tree.build("prog")
    code, stdout, stderr = tree.run("prog")
    assert code == 0, stderr
    return stdout.strip()


@pytest.mark.parametrize(
    "make", [of_script_below, handed_on, included, of_library_of_script, of_macro, of_library_of_macro]
)
def test_what_a_script_wrote_anew_is_read_anew(make: Callable[[Tree], None], tree: Tree, tmp_path: Path) -> None:
    make(tree)
    (tree.root / "targets/x86_64-ostoo-user.loader.json").unlink()  # some of these name this machine's folders
    tree.write("user-rs/low/data.txt", "first")
    asks = f"[dependencies]\n{crates.RUNTIME}\n{crates.paths('says')}"
    crates.add(tree, "prog", asks, main=crates.main('println!("{}", says::WORD);'))
    assert said(tree) == "first"
    for text in ("second", "first", "third"):
        tree.write("user-rs/low/data.txt", text)
        assert said(tree) == text
        assert tree.build("prog").steps == []
    # what the edited crate reads lies in the cache alone
    clone = copy_sources(tree, tmp_path / "clone")
    reads = next(name for name in ("says/build.rs", "says/src/lib.rs") if (clone.root / "user-rs" / name).exists())
    clone.write(f"user-rs/{reads}", (clone.root / "user-rs" / reads).read_text() + "\n// edited\n")
    assert said(clone) == "third"
