"""`./ostoo ide` for the real rust-analyzer."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import analyzer
import lsp
import pytest
import test_kernel_real
from trees import PROJECT, copy_tree

from ostoo_build.base import layout
from ostoo_build.ide import settings
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trees import Tree

pytestmark = [pytest.mark.compiler, pytest.mark.network]

KERNEL = Path(layout.IDE, "2", layout.IDE_DOCUMENT)
"""The document of the kernel, which has another std."""

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
        name="maker",
        more='[features]\nloud = []\n[dependencies]\nostoo-rt = { workspace = true }\nwords = { path = "../words" }\n',
    ),
    "maker/SConscript": 'Import("env")\nenv.RustProgram("maker", features=["loud"])\n',
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
#[cfg(all(fast, feature = "loud"))]
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
    test_kernel_real.make(tree, test_kernel_real.KINDS["spec aborts, profiles say nothing"])
    said = tree.ostoo("ide", f"cache={tree.cache}").stderr
    assert "crates in .rust-project.json" in said
    assert f"crates in {KERNEL.parent}" in said
    return tree


def test_rust_analyzer_finds_the_mistakes_there_are_and_no_others(described: Tree) -> None:
    """Programs with and without std, a crate that they compile in two ways, macros and what a script made; a kernel."""
    assert analyzer.errors(described.root) == []
    assert analyzer.errors(described.root / KERNEL.parent) == []
    mistakes = {
        "hello-std": "fn wrong() { vec![0_u8].no_such_method(); }",
        "hello-rs": "fn wrong() { let () = 1_u8; }",
        "maker": "fn wrong() { let _: u8 = words::three!(); Made.made().no_such_method(); }",
    }
    places = {described.root / f"user-rs/{package}/src/main.rs": text for package, text in mistakes.items()}
    right = {place: place.read_text(encoding="utf-8") for place in places}
    for place, text in places.items():
        place.write_text(f"{right[place]}{text}\n", encoding="utf-8")
    found = "\n".join(analyzer.errors(described.root))
    for words in ("hello-std", "hello-rs", "no_such_method` on type `u16", "expected u8, found u16"):
        assert words in found
    assert len(found.splitlines()) == 4
    for place, text in right.items():
        place.write_text(text, encoding="utf-8")


@pytest.fixture
def client(described: Tree) -> Iterator[lsp.Client]:
    """rust-analyzer as an editor starts it that has the settings of `ostoo ide --settings`: it reads no document."""
    (described.root / layout.IDE_DOCUMENT).rename(described.root / "kept.json")
    asks = described.root / "ostoo-here"
    words = [sys.executable, "-P", "-m", "ostoo_build.cli", "-C", str(described.root)]
    cache = shlex.quote(f"cache={described.cache}")
    path = shlex.quote(str(described.root / "site_scons"))
    asks.write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {shlex.join(words)} "$@" {cache}\n', encoding="utf-8")
    asks.chmod(0o755)
    (described.root / "ostoo").unlink()
    asks.rename(described.root / "ostoo")
    found = lsp.Client(analyzer.command(), described.root, settings.options(str(described.root / "ostoo")))
    yield found
    found.close()
    (described.root / "kept.json").rename(described.root / layout.IDE_DOCUMENT)


def test_an_editor_finds_definitions_macros_and_what_a_check_says(client: lsp.Client, described: Tree) -> None:
    main = described.root / "user-rs/maker/src/main.rs"
    client.open(main)

    def defined(text: str, word: str) -> list[str]:
        place = client.at(main, text)
        place["position"]["character"] += text.index(word)
        found = client.ask_until_told("textDocument/definition", place)
        return [each["targetUri"] if "targetUri" in each else each["uri"] for each in found]

    source = toolchain.find(PROJECT, {}, os.environ).rust_src
    assert defined(".len() }", "len") == [(source / "core/src/str/mod.rs").as_uri()]
    assert [uri.rpartition("/")[2] for uri in defined("from_script(), speed", "from_script")] == ["made.rs"]
    place = client.at(main, "three!()")
    assert client.ask_until_told("rust-analyzer/expandMacro", place)["expansion"].strip() == "3_u16"
    asked = {"textDocument": {"uri": main.as_uri()}, "position": None}
    offered = client.ask_until_told("experimental/runnables", asked)
    assert [(each["args"]["program"], each["args"]["args"]) for each in offered] == [
        (str(described.root / "ostoo"), ["run", "maker"])
    ]
    kernel = described.root / "kernel/boot/src/main.rs"
    client.open(kernel)
    place = client.at(kernel, "word!()")
    assert "words: " in client.ask_until_told("rust-analyzer/expandMacro", place)["expansion"]
    text = main.read_text(encoding="utf-8")
    main.write_text(f"{text}fn wrong() -> u8 {{ missing_everywhere }}\n", encoding="utf-8")
    client.tell("textDocument/didSave", {"textDocument": {"uri": main.as_uri()}})

    def told() -> bool:
        said = client.diagnostics[main.as_uri()]
        return any(each.get("source") == "rustc" and "missing_everywhere" in each["message"] for each in said)

    client.wait(told, "diagnostic of `ostoo check`")
    main.write_text(text, encoding="utf-8")
