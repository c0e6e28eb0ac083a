"""Compilers' messages and the build's own: each once, and again as long as they hold."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import pytest
from test_screens_real import in_log
from trees import copy_sources

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler

MAIN = "user-rs/hello-rs/src/main.rs"
RT = "user-rs/rt/src/lib.rs"
UNUSED = "function `{}` is never used"


def warn(tree: Tree, file: str, name: str) -> None:
    """Let a crate have a warning, and be in no cache."""
    text = (tree.root / file).read_text(encoding="utf-8")
    tree.write(file, f"{text}\nfn {name}() {{}} // {uuid.uuid4()}\n")


def counts(stderr: str, *names: str) -> list[int]:
    return [stderr.count(UNUSED.format(name)) for name in names]


def test_warnings_are_shown_as_long_as_they_hold(tree: Tree, tmp_path: Path) -> None:
    warn(tree, RT, "of_rt")
    warn(tree, MAIN, "of_hello")
    first = tree.build("hello-rs", "hello-std")
    assert counts(first.stderr, "of_rt", "of_hello") == [1, 1]
    said = [line for line in first.stderr.splitlines() if not re.match(r" {3,}[A-Z][a-z]+ ", line)]
    for _ in range(3):  # one that writes the note, and two that it answers
        again = tree.build("hello-rs", "hello-std")
        assert sorted(again.stderr.splitlines()) == sorted(said)
    assert again.stdout == "scons: `hello-rs' is up to date.\nscons: `hello-std' is up to date.\n"
    warn(tree, "user-rs/hello-std/src/main.rs", "of_std")
    edited = tree.build("hello-rs", "hello-std")
    assert counts(edited.stderr, "of_rt", "of_hello", "of_std") == [1, 1, 1]
    assert counts(tree.build("-n", "hello-rs").stderr, "of_rt") == [0]
    other = copy_sources(tree, tmp_path / "other").build("hello-rs", "hello-std")
    assert "Restored" in other.stderr
    assert counts(other.stderr, "of_rt", "of_hello", "of_std") == [1, 1, 1], "programs share a crate"
    text = (tree.root / MAIN).read_text(encoding="utf-8")
    tree.write(MAIN, text[: text.index("\nfn of_hello")])
    assert counts(tree.build("hello-rs").stderr, "of_rt", "of_hello") == [1, 0]


def broken(tree: Tree, program: str) -> None:
    file = f"user-rs/{program}/src/main.rs"
    text = (tree.root / file).read_text(encoding="utf-8")
    tree.write(file, text + f"fn broken_{program.replace('-', '_')}() -> u8 {{ missing }}\n")


def test_failed_programs_are_summed_up_and_nothing_is_said_twice(tree: Tree) -> None:
    for program in ("hello-rs", "cat-rs"):
        broken(tree, program)
    result = tree.scons("-k", "hello-rs", "cat-rs", "hello-std")
    assert result.code == 2
    assert "scons: ***" not in result.stderr + result.stdout
    assert result.stderr.count("cannot find value `missing`") == 2
    assert result.stderr.count("error: could not compile") == 2
    assert result.stderr.splitlines()[-1] == "error: 2 of 3 programs failed: cat-rs, hello-rs"
    assert tree.run("hello-std")[0] == 0
    tree.write("user-rs/hello-std/build.rs", "fn main() { std::thread::sleep(std::time::Duration::from_secs(600)) }")
    result = tree.scons("-j1", "cat-rs", "hello-std")
    assert result.stderr.splitlines()[-1] == "error: 1 of 2 programs failed: cat-rs; not finished: hello-std"
    result = tree.scons("cat-rs")
    assert result.stderr.splitlines()[-1].startswith("error: could not compile cat-rs"), "one needs no summary"


def test_github_is_told_the_changed_lines(tree: Tree) -> None:
    warn(tree, MAIN, "of_hello")
    line = (tree.root / MAIN).read_text(encoding="utf-8").splitlines().index(f"fn of_hello() {{}} // {mark(tree)}") + 1
    told = f"::warning file=checkout/{MAIN},line={line},col=4::function `of_hello` is never used"
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tree.root.parent)}
    for _ in range(3):
        assert in_log(tree, "hello-rs", **environ).splitlines().count(told) == 1
    broken(tree, "hello-rs")
    log = in_log(tree, "hello-rs", **environ).splitlines()
    (error,) = (row for row in log if row.startswith("::error file="))
    assert re.fullmatch(
        rf"::error file=checkout/{MAIN},line=\d+,col=\d+,title=E0425::cannot find value `missing`.*", error
    )
    assert sum(row.startswith("::error::could not compile hello-rs") for row in log) == 1


def mark(tree: Tree) -> str:
    return (tree.root / MAIN).read_text(encoding="utf-8").rsplit("// ", 1)[1].strip()
