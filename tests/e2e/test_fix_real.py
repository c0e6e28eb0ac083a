"""`./ostoo fix`: writes what the compiler suggests, and keeps it only if the crates still compile."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import crates
import pytest

if TYPE_CHECKING:
    from trees import Tree

pytestmark = pytest.mark.compiler

BEFORE = """\
use std::collections::HashMap;
use std::fmt::{Display, Write};
fn shown(text: &dyn Display) -> String { let mut made = String::new(); made += &text.to_string(); made }
fn main() { let mut one = 1; println!("é {}{}", one, shown(&2)); }
"""
AFTER = """\
use std::fmt::Display;
fn shown(text: &dyn Display) -> String { let mut made = String::new(); made += &text.to_string(); made }
fn main() { let one = 1; println!("é {}{}", one, shown(&2)); }
"""
FILE = "user-rs/shows/src/main.rs"


def fix(tree: Tree, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", "fix", *words, "shows", f"cache={tree.cache}"]
    environment = {"PYTHONPATH": str(tree.root / "site_scons")}
    done = subprocess.run(
        command, cwd=tree.root, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def git(tree: Tree, *words: str) -> None:
    own = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *own, *words], cwd=tree.root, check=True, capture_output=True)


def source(tree: Tree) -> str:
    return (tree.root / FILE).read_text(encoding="utf-8")


def test_what_is_suggested_is_written_where_git_can_take_it_back(tree: Tree) -> None:
    crates.add(tree, "shows", "", main=BEFORE)
    (tree.root / FILE).chmod(0o640)
    code, said = fix(tree)
    assert (code, source(tree)) == (2, BEFORE)
    assert "--allow-no-vcs" in said
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    code, said = fix(tree)
    assert (code, source(tree), "--allow-staged" in said) == (2, BEFORE, True)
    git(tree, "commit", "--quiet", "--message", "a")
    tree.write("user-rs/shows/new.rs", "")
    code, said = fix(tree, "--allow-staged")
    assert (code, source(tree), "--allow-dirty" in said) == (2, BEFORE, True)
    (tree.root / "user-rs/shows/new.rs").unlink()
    assert fix(tree)[0] == 0
    assert source(tree) == AFTER
    assert (tree.root / FILE).stat().st_mode & 0o777 == 0o640
    code, said = fix(tree, "--allow-dirty")
    assert (code, source(tree)) == (0, AFTER), "nothing is left to fix"
    assert "Fixed" not in said


def test_files_are_given_back_if_they_do_not_compile_then(tree: Tree) -> None:
    crates.add(tree, "shows", "", main=BEFORE)
    tree.replace(FILE, "fn main", 'const _: () = assert!(include_bytes!("main.rs").len() == 999);\nfn main')
    tree.replace(FILE, "999", str((tree.root / FILE).stat().st_size))
    before = source(tree)
    code, said = fix(tree, "--allow-no-vcs")
    assert (code, source(tree)) == (2, before)
    assert "all files are as they were" in said
    tree.replace(FILE, "fn main", "fn wrong() -> u8 { 1_u16 }\nfn main")
    before = source(tree)
    code, said = fix(tree, "--allow-no-vcs")
    assert (code, source(tree)) == (2, before)
    assert "nothing is fixed, as the check fails" in said
