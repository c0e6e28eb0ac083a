"""What `./ostoo affected` names, beside what real builds make again."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from ostoo_build.why import build_notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trees import Tree

pytestmark = pytest.mark.compiler

ALL = {"hello-rs", "hello-std", "cat-rs"}
NO_STD = {"hello-rs", "cat-rs"}


@dataclass(frozen=True)
class Edit:
    """An edit of a file: text that is put at its end, None to remove it. `named` are the programs that it reaches."""

    name: str
    text: str | None
    named: frozenset[str]


def edit(name: str, text: str | None, *named: str) -> Edit:
    return Edit(name, text, frozenset(named))


EDITS = (
    edit("user-rs/rt/src/bump.rs", "// edited\n", *NO_STD),
    edit("user-rs/hello-rs/README.md", "new\n", "hello-rs"),  # cargo names a readme in CARGO_PKG_README
    edit("user-rs/hello-rs/src/deep/unread.rs", "new\n"),
    edit("user-rs/rt/src/args.rs", None, *ALL),
    edit("docs/manual.md", "edited\n"),
    edit("user-rs/hello-std/SConscript", "# edited\n", "hello-std"),
    edit("user-rs/hello-std/Cargo.toml", "# edited\n", "hello-std"),
    edit("user-rs/Cargo.toml", "# edited\n", *ALL),
    edit("user-rs/.cargo/config.toml", "# edited\n", *ALL),
    edit("user-rs/Cargo.lock", '[[package]]\nname = "zz"\nversion = "1.0.0"\n'),
    edit("targets/x86_64-ostoo-user.json", "\n", *ALL),
    edit("ostoo.toml", "# edited\n", *ALL),
    edit("rust-toolchain.toml", "# edited\n", *ALL),
    edit("site_scons/ostoo_build/cli/new.py", "# edited\n"),
    edit("site_scons/ostoo_build/rules/unit.py", "# edited\n", *ALL),
    edit("requirements.txt", "# edited\n", *ALL),
)
BUILT = (
    "user-rs/rt/src/bump.rs",
    "user-rs/hello-rs/README.md",
    "user-rs/hello-rs/src/deep/unread.rs",
    "user-rs/Cargo.lock",
)
"""Files after whose edit everything is built."""


def git(tree: Tree, *words: str) -> str:
    named = ("-c", "user.name=a", "-c", "user.email=a@b")
    return subprocess.run(["git", *named, *words], cwd=tree.root, check=True, capture_output=True, text=True).stdout


def named(tree: Tree, *words: str) -> set[str]:
    document = json.loads(tree.ostoo("affected", *words, "--output", "json").stdout)
    return {each["label"] for each in document["affected"] if each["kind"] == "program"}


def perform(tree: Tree, each: Edit) -> None:
    path = tree.root / each.name
    if each.text is None:
        path.unlink()
    else:
        tree.write(each.name, (path.read_text(encoding="utf-8") if path.exists() else "") + each.text)


def made_again(tree: Tree, words: Sequence[str]) -> set[str]:
    """Build, and return the programs that were not up to date."""
    before = build_notes.read(tree.root)[:1]
    tree.scons(*words)
    notes = build_notes.read(tree.root)[:1]
    if notes == before:
        return set()
    return {each.folder.rpartition("/")[2] for each in notes[0].decided} & ALL


def test_each_edit_reaches_what_it_may_change_and_a_build_makes_no_more(tree: Tree) -> None:
    words = sorted(ALL)
    tree.build(*words)
    git(tree, "init", "--quiet")
    git(tree, "add", "--all", "--force", *sorted({each.name for each in EDITS if (tree.root / each.name).exists()}))
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "first")
    for each in EDITS:
        perform(tree, each)
        assert named(tree, "HEAD") == set(each.named), each.name
        if each.name in BUILT:
            assert made_again(tree, words) <= each.named, each.name
            assert named(tree, "HEAD") == set(each.named), f"{each.name}, after the build"
        git(tree, "reset", "--quiet", "--hard")
        git(tree, "clean", "--quiet", "--force", "-d")
        if each.name in BUILT:
            tree.build(*words)


def test_tests_a_range_and_files_by_name(tree: Tree) -> None:
    tree.build("hello-rs", "hello-std")
    git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "first")
    perform(tree, edit("user-rs/hello-rs/src/main.rs", "// edited\n"))
    git(tree, "commit", "--quiet", "--all", "--message", "second")
    said = tree.ostoo("affected", "HEAD~1...HEAD").stdout.splitlines()
    assert said[0] == "program hello-rs: user-rs/hello-rs/src/main.rs"
    assert [line.split(":")[0] for line in said] == ["program hello-rs", "test hello-rs.tests/bin-hello-rs"]
    tests = tree.ostoo("affected", "user-rs/hello-std/tests/output.rs", "--output", "label").stdout.split()
    assert tests == ["hello-std.tests/bin-hello-std", "hello-std.tests/test-output"]
    query = "kind(test, affected(user-rs/hello-rs/src/main.rs)) + kind(program, affected(user-rs/rt/src/bump.rs))"
    found = tree.ostoo("query", query, "--output", "label").stdout.split()
    assert found == ["hello-rs.tests/bin-hello-rs", "cat-rs", "hello-rs"]
    with pytest.raises(subprocess.CalledProcessError) as refused:
        tree.ostoo("affected", "HAED")
    assert "HAED is no file and no revision of git's" in refused.value.stderr
