"""What a build shows if it is asked to: `-q`, `-v` and `-vv`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import digest

if TYPE_CHECKING:
    from trees import Tree

pytestmark = pytest.mark.compiler

MAIN = "user-rs/hello-rs/src/main.rs"
STATUS = re.compile(r"^ +[A-Z][a-z]+ ", re.MULTILINE)


def edit(tree: Tree, text: str = "") -> None:
    tree.write(MAIN, f"{(tree.root / MAIN).read_text()}\n{text} // {os.urandom(8).hex()}\n")


def build(tree: Tree, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", "build", *words, f"cache={tree.cache}"]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons")}
    return subprocess.run(command, cwd=tree.root, env=environment, capture_output=True, text=True, check=False)


def test_a_command_that_is_shown_makes_the_same_object_when_it_is_pasted(tree: Tree) -> None:
    edit(tree)
    shown = build(tree, "hello-rs", "-v").stderr.splitlines()
    compiles = [line for line in shown if line.startswith("(cd ") and " --crate-name hello_rs " in line]
    (line,) = (each for each in compiles if "-Zunpretty" not in each)
    (objects,) = {path.parent for path in tree.root.glob("build/*/release/units/*/hello_rs*.o")}
    before = {path.name: digest.of_file(path) for path in objects.glob("*.o")}
    assert before
    for name in before:
        (objects / name).unlink()
    subprocess.run(["sh"], input=line, cwd="/", env={}, text=True, check=True, capture_output=True)
    assert {path.name: digest.of_file(path) for path in objects.glob("*.o")} == before
    assert "CARGO_MAKEFLAGS" not in line, "the jobserver is gone when it is pasted"


def test_twice_verbose_says_why_with_the_key_of_the_record(tree: Tree) -> None:
    edit(tree)
    tree.build("hello-rs")
    edit(tree)
    shown = build(tree, "hello-rs", "-vv").stderr
    form = r"^   Explained hello-rs v0\.1\.0 is run here: .*\(another file .*main\.rs\); key (\w{12})$"
    match = re.search(form, shown, re.MULTILINE)
    assert match
    records = tree.root.glob("build/*/release/units/*/action.json")
    assert any(f'"{match[1]}' in path.read_text() for path in records)
    assert "\n(cd " in shown
    assert "Explained" not in build(tree, "hello-rs", "-vv").stderr


def test_quietly_only_warnings_and_errors_are_shown(tree: Tree) -> None:
    edit(tree)
    for _ in range(3):  # it is made, noted, and found to have nothing to do
        done = build(tree, "hello-rs", "-q")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    edit(tree, "fn unused() {}")
    for _ in range(3):
        done = build(tree, "hello-rs", "--quiet")
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith("warning: function `unused` is never used\n")
        assert not STATUS.search(done.stderr.partition("--> ")[0])
    edit(tree, "fn wrong() -> u8 { missing }")
    done = build(tree, "hello-rs", "-q")
    assert done.returncode == 2
    assert "cannot find value `missing`" in done.stderr
    assert "Compiling" not in done.stderr


def test_options_for_display_share_the_note_of_a_null_build(tree: Tree) -> None:
    for _ in range(2):
        tree.build("hello-rs")
    for words in ((), ("--verbose",), ("-s",), ("--verbose", "--verbose")):
        command = ["strace", "-f", "-qq", "-e", "trace=openat", *tree.command("hello-rs", *words)]
        done = subprocess.run(command, cwd=tree.root, capture_output=True, text=True, check=True)
        assert "/SCons/" not in done.stderr, words
        assert done.stdout == ("" if "-s" in words else "scons: `hello-rs' is up to date.\n")
