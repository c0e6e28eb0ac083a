"""`./ostoo doc`: the pages that cargo doc makes of the same crates, joined for each program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import crates
import pytest
from test_clippy_real import WORKSPACE
from trees import PROJECT

from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler

PART = """\
//! A library, see [`deep::Inner`] and [`Vec`].
/// Inner things.
pub mod deep {
    /// Holds [`String`].
    pub struct Inner { hidden: u8 }
    #[cfg(feature = "more")]
    pub fn more() {}
    #[doc(hidden)] pub fn of_nobody() -> Inner { Inner { hidden: 1 } }
}
pub trait Shown {}
impl Shown for deep::Inner {}
"""
WORDS = """\
use proc_macro::TokenStream;
/// Three.
#[proc_macro]
pub fn three(_: TokenStream) -> TokenStream { "3_u16".parse().unwrap() }
"""
SHOWS = """\
//! A program of [`part::deep::Inner`].
/// See [`std::collections::HashMap`].
struct Own;
impl part::Shown for Own {}
mod below { pub fn of(_: part::deep::Inner) {} }
#[cfg(told)]
fn main() { let _ = (words::three!(), Own); let _ = below::of; }
"""
SCRIPT = 'fn main() { println!("cargo::rustc-check-cfg=cfg(told)\\ncargo::rustc-cfg=told"); }\n'


def make(tree: Tree) -> None:
    crates.add(tree, "part", "[features]\nmore = []\n", lib=PART)
    crates.add(tree, "words", "[lib]\nproc-macro = true\n", lib=WORDS)
    dependencies = 'part = { path = "../part", features = ["more"] }\nwords = { path = "../words" }\n'
    crates.add(tree, "shows", f"[dependencies]\n{dependencies}", main=SHOWS, build=SCRIPT)


def doc(tree: Tree, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", "doc", *words, "shows", f"cache={tree.cache}"]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons"), **variables}
    return subprocess.run(command, cwd=tree.root, env=environment, capture_output=True, text=True, check=False)


def pages(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}


def test_pages_are_those_of_cargo_doc_and_links_lead_somewhere(tree: Tree, tmp_path: Path) -> None:
    make(tree)
    done = doc(tree)
    assert done.returncode == 0, done.stderr
    made = tree.root / "build/x86_64-ostoo-user/doc/shows"
    assert done.stdout == f"{made}/shows/index.html\n"
    copy = tmp_path / "by-cargo"
    for name in ("shows", "part", "words"):
        shutil.copytree(tree.root / "user-rs" / name, copy / name)
    (copy / "Cargo.toml").write_text(WORKSPACE, encoding="utf-8")
    found = toolchain.find(PROJECT, {}, os.environ)
    environment = {
        **os.environ,
        **dict(found.env),
        "RUSTC": str(found.rustc),
        "RUSTDOC": str(found.rustc.with_name("rustdoc")),
    }
    command = [str(found.cargo), "doc", "--release", "-p", "shows"]
    subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
    theirs = pages(copy / "target/doc") - {"help.html", "settings.html"}
    assert pages(made) - {"help.html", "settings.html"} == theirs
    assert {"shows/struct.Own.html", "part/deep/fn.more.html", "words/macro.three.html"} <= theirs
    below = (made / "shows/below/fn.of.html").read_text(encoding="utf-8")
    assert 'href="../../part/deep/struct.Inner.html"' in below
    own = (made / "shows/struct.Own.html").read_text(encoding="utf-8")
    assert "https://doc.rust-lang.org/" in own
    assert "/std/collections/hash/map/struct.HashMap.html" in own
    shown = [path for path in (made / "trait.impl/part").rglob("*.js") if "Own" in path.read_text(encoding="utf-8")]
    assert shown, "what implements a trait is listed with the trait"
    texts = (path.read_bytes() for path in made.rglob("*") if path.suffix in (".html", ".js"))
    assert not any(os.fsencode(tree.root) in text for text in texts)


def test_pages_are_made_again_for_what_changed_only(tree: Tree, tmp_path: Path) -> None:
    make(tree)
    assert doc(tree).returncode == 0
    assert "Documenting" not in doc(tree).stderr
    tree.replace("user-rs/shows/src/main.rs", "struct Own", "struct Owned;\nstruct Own")
    again = doc(tree).stderr
    assert "Documenting shows" in again
    assert "Documenting part" not in again
    made = tree.root / "build/x86_64-ostoo-user/doc/shows"
    assert (made / "shows/struct.Owned.html").is_file()
    assert doc(tree, "--no-deps").returncode == 0
    assert (made / "shows").is_dir()
    assert not (made / "part").exists()
    tree.replace("user-rs/part/src/lib.rs", "[`Vec`]", "[`Vec`] [`nothing`]")
    refused = doc(tree, RUSTDOCFLAGS="-D rustdoc::broken-intra-doc-links")
    assert refused.returncode == 2
    assert "unresolved link to `nothing`" in refused.stderr
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n', encoding="utf-8")
    browser.chmod(0o755)
    opened = doc(tree, "--open", BROWSER=str(browser))
    assert opened.returncode == 0, opened.stderr
    assert "unresolved link to `nothing`" in opened.stderr
    assert (tmp_path / "opened").read_text(encoding="utf-8") == f"{made}/shows/index.html\n"
