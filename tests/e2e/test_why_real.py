"""`./ostoo why` after real builds."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from trees import Tree

pytestmark = pytest.mark.compiler

ALL = ("hello-rs", "cat-rs", "hello-std")
FILE = "user-rs/rt/src/bump.rs"
"""A module that the runtime has for programs without std only."""


def why(tree: Tree, *words: str) -> list[str]:
    return tree.ostoo("why", *words).stdout.splitlines()


def as_json(tree: Tree, asked: str) -> dict[str, Any]:
    document = json.loads("\n".join(why(tree, asked, "--json")))
    assert document["format"] == 1
    (answer,) = document["answers"]
    found: dict[str, Any] = answer
    return found


def edit(tree: Tree, name: str, text: str) -> None:
    path = tree.root / name
    path.write_text(path.read_text() + text)


def test_an_edit_of_the_runtime_is_told_with_whom_it_reached_and_why_not_the_others(tree: Tree) -> None:
    assert tree.scons(*ALL, "--all-outputs").code == 0  # else only whole programs are there
    edit(tree, FILE, f"// {tree.root}\n")
    assert tree.scons(*ALL).code == 0
    said = why(tree, "hello-rs")
    assert re.fullmatch(rf"  {re.escape(FILE)} changed: \w{{12}} -> \w{{12}}", said[1])
    assert said[2] == "  -> ostoo-rt v0.1.0 (no_std): run here"
    assert said[3] == "  -> hello-rs v0.1.0, because of ostoo-rt v0.1.0 (no_std): run here"
    assert "  the same cause reached cat-rs" in said
    assert "  hello-std not: it uses ostoo-rt without no_std" in said
    assert why(tree, "hello-std")[1] == f"  {FILE} changed, but it uses ostoo-rt without no_std"
    assert as_json(tree, FILE)["verdict"] == "changed"
    units = why(tree, "ostoo-rt")
    assert units[0].startswith("ostoo-rt v0.1.0 (no_std) was built in the last build")
    assert any(line.startswith("ostoo-rt v0.1.0 (no features) was ") for line in units)


def test_a_program_of_the_cache_an_error_and_a_file_that_nobody_reads(tree: Tree) -> None:
    assert tree.scons("hello-rs").code == 0
    edit(tree, FILE, "fn\n")
    assert tree.scons("hello-rs").code == 2
    failed = as_json(tree, "hello-rs")
    assert (failed["verdict"], [each["name"] for each in failed["causes"]]) == ("failed", [FILE])
    assert [step["name"] for step in failed["steps"] if step["is_failed"]] == ["ostoo-rt v0.1.0"]
    path = tree.root / FILE
    path.write_text(path.read_text().removesuffix("fn\n"))
    assert tree.scons("hello-rs").code == 0
    again = as_json(tree, "hello-rs")
    assert (again["verdict"], again["before"]["verdict"]) == ("up to date", "failed")
    assert why(tree, "README.md") == ["no program reads README.md: an edit of it builds nothing"]
    assert why(tree, "cat-rs") == ["cat-rs was never built here"]


def test_a_build_with_nothing_to_do_is_the_last_one(tree: Tree) -> None:
    for _ in range(2):  # the first one finds it out, the second one proves it by stamps
        assert tree.scons("hello-rs").code == 0
    edit(tree, "user-rs/hello-rs/src/main.rs", f"// {tree.root}\n")
    assert tree.scons("hello-rs").code == 0
    assert why(tree, "hello-rs")[0].startswith("hello-rs was built in the last build, of hello-rs")
    for _ in range(2):
        assert tree.scons("hello-rs").code == 0
        assert why(tree, "hello-rs")[0].startswith("hello-rs was up to date in the last build, of hello-rs")
        assert why(tree, "hello-rs")[1].startswith("hello-rs was built in an earlier build, of hello-rs")
    before = as_json(tree, "hello-rs")["began"]
    assert tree.scons("hello-rs").code == 0
    assert as_json(tree, "hello-rs")["began"] > before


def test_flags_are_told_with_both_values_and_a_misspelt_name_with_the_right_one(tree: Tree) -> None:
    assert tree.scons("hello-rs").code == 0
    edit(tree, "user-rs/Cargo.toml", "[profile.release.package.hello-rs]\noverflow-checks = true\n")
    assert tree.scons("hello-rs").code == 0
    assert why(tree, "hello-rs")[1].endswith("changed: (nothing) -> -C overflow-checks=on")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        tree.ostoo("why", "helo-rs")
    assert (refused.value.returncode, "did you mean hello-rs?" in refused.value.stderr) == (2, True)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        tree.ostoo("why", "zzz")
    assert "help: programs: cat-rs, hello-rs, hello-std" in refused.value.stderr
