"""`./ostoo clippy`: what clippy says, beside what the real cargo clippy says of the same crates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import crates
import pytest
import test_check_real as checks
from trees import PROJECT

from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler

WORKSPACE = """\
[workspace]
resolver = "2"
members = ["shows", "part", "words"]
[profile.release]
panic = "abort"
"""
LINTS = '[lints.clippy]\nshadow_unrelated = "warn"\n'
PART = """\
//! A library.
pub fn many(a: u8, b: u8, c: u8) -> u8 { let a = a * 1; return a + b + c; }
pub fn odd() -> bool { let a = 1; let a = 2; a == 2 }
"""
OUTSIDE = "pub fn of_nobody() -> u8 { return 1; }\n"
WORDS = """\
use proc_macro::TokenStream;
#[proc_macro]
pub fn three(_: TokenStream) -> TokenStream { return "3_u16".parse().unwrap(); }
"""
SHOWS = """\
fn main() { let text = String::new(); let _ = text.len() == 0; part::many(1, 2, 3); let _: u16 = words::three!(); }
"""
SCRIPT = 'fn main() { let one = vec![1]; println!("cargo::rustc-cfg=told{}", one.len() * 1); }\n'


def by_us(tree: Tree, *lints: str) -> tuple[int, list[dict[str, Any]]]:
    asked = ["clippy", "-k", "--message-format", "json", "shows", f"cache={tree.cache}", "--", *lints]
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", *asked]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons")}
    done = subprocess.run(command, cwd=tree.root, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def by_cargo(workspace: Path, *lints: str) -> list[dict[str, Any]]:
    """For this machine, as `test_check_real` does."""
    found = toolchain.find(PROJECT, {}, os.environ)
    command = [str(found.cargo), "clippy", "--release", "-p", "shows", "--keep-going", "--message-format", "json"]
    tools = f"{found.rustc.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **dict(found.env), "PATH": tools, "CARGO": str(found.cargo)}
    done = subprocess.run(
        [*command, "--", *lints], cwd=workspace, env=environment, capture_output=True, text=True, check=False
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def lints(messages: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """All that was said, with rustc's whole text: clippy looks at crates for the host too."""
    found = (each for each in messages if each["reason"] == "compiler-message")
    said = ((each["target"], each["message"]["rendered"].replace("user-rs/", "")) for each in found)
    return sorted((target["name"], str(target["kind"]), text) for target, text in said)


def test_clippy_says_what_cargo_clippy_says(tree: Tree, tmp_path: Path) -> None:
    crates.add(tree, "part", '[dependencies]\noutside = { path = "../../outside" }\n' + LINTS, lib=PART)
    crates.add(tree, "words", "[lib]\nproc-macro = true\n", lib=WORDS)
    crates.add(tree, "shows", f"[dependencies]\n{crates.paths('part', 'words')}", main=SHOWS, build=SCRIPT)
    (tree.root / "outside/src").mkdir(parents=True)
    (tree.root / "outside/src/lib.rs").write_text(OUTSIDE, encoding="utf-8")
    (tree.root / "outside/Cargo.toml").write_text(
        '[package]\nname = "outside"\nversion = "0.1.0"\nedition = "2024"\n', encoding="utf-8"
    )
    copy = tmp_path / "top/by-cargo"
    shutil.copytree(tree.root / "outside", tmp_path / "top/outside")
    for name in ("shows", "part", "words"):
        shutil.copytree(tree.root / "user-rs" / name, copy / name)
    (copy / "Cargo.toml").write_text(WORKSPACE, encoding="utf-8")
    for words, limit, code in (((), 7, 0), (("-D", "clippy::needless_return"), 2, 2)):
        for top in (tree.root / "user-rs", copy):
            (top / "clippy.toml").write_text(f"too-many-arguments-threshold = {limit}\n", encoding="utf-8")
        theirs, (ended, ours) = by_cargo(copy, *words), by_us(tree, *words)
        assert ended == code
        assert lints(ours) == lints(theirs)
        assert [each[:-1] for each in checks.artifacts(ours)] == [each[:-1] for each in checks.artifacts(theirs)]
        assert len(lints(ours)) >= 8
