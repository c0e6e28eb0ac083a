"""`./ostoo fmt`, and that what is checked in passes it and clippy."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from trees import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler

UNTIDY = "//! A kernel.\n#![no_std]\n#![no_main]\nfn   odd( ) {}\n"


def ended(tree: Tree, *words: str) -> tuple[int, str]:
    try:
        done = tree.ostoo(*words)
    except subprocess.CalledProcessError as error:
        return error.returncode, error.stdout
    return done.returncode, done.stdout


def kernel(tree: Tree) -> Path:
    """A second workspace, with another edition."""
    tree.write("kernel/Cargo.toml", '[package]\nname = "kernel"\nversion = "0.1.0"\nedition = "2024"\n[workspace]\n')
    tree.write("kernel/src/main.rs", UNTIDY + "mod part;\n")
    tree.write("kernel/src/part.rs", "pub fn part( ) {}\n")
    tree.write("kernel/alone.rs", UNTIDY)
    described = (tree.root / "ostoo.toml").read_text(encoding="utf-8")
    tree.write("ostoo.toml", f'{described}\n[[workspaces]]\nfolder = "kernel"\n[[workspaces]]\nfolder = "user-rs"\n')
    return tree.root / "kernel"


def test_what_is_checked_in_passes_fmt_and_clippy(tree: Tree) -> None:
    shutil.copy(PROJECT / "rustfmt.toml", tree.root)
    assert ended(tree, "fmt", "--check") == (0, "")
    tree.ostoo("clippy", "--all", f"cache={tree.cache}", "--", "-D", "warnings")


def test_crates_of_all_workspaces_are_formatted_and_nothing_else(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(PROJECT / "rustfmt.toml", tree.root)
    folder = kernel(tree)
    tree.replace("user-rs/hello-rs/src/main.rs", "fn main", "fn  main")
    monkeypatch.setenv("TERM", "xterm")
    code, shown = ended(tree, "fmt", "--check")
    assert code == 1
    assert "\x1b" not in shown, "rustfmt by itself colours what it writes to a pipe"
    for name in ("kernel/src/main.rs", "kernel/src/part.rs", "user-rs/hello-rs/src/main.rs"):
        assert f"{tree.root}/{name}:" in shown
    assert "fn odd() {}" in shown
    assert (folder / "src/main.rs").read_text(encoding="utf-8").startswith(UNTIDY), "a check changes nothing"
    assert ended(tree, "fmt") == (0, "")
    assert (folder / "src/part.rs").read_text(encoding="utf-8") == "pub fn part() {}\n"
    assert (folder / "alone.rs").read_text(encoding="utf-8") == UNTIDY, "no crate has it"
    assert ended(tree, "fmt", "--check") == (0, "")
