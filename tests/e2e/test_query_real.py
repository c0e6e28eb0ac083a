"""`./ostoo query` on the programs of this repository."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trees import Tree

pytestmark = pytest.mark.compiler


def query(tree: Tree, text: str, *words: str) -> list[str]:
    return tree.ostoo("query", text, "--output", "label", *words).stdout.splitlines()


def test_questions_about_the_programs_of_this_repository(tree: Tree) -> None:
    path = query(tree, "somepath(hello-std, libc)")
    assert path[0] == "hello-std"
    assert path[-1].startswith("libc v")
    assert query(tree, 'kind("^program$", rdeps(std))') == ["hello-std"]
    assert sorted(query(tree, 'kind("^program$", rdeps("ostoo-rt v0.1.0 [no_std]"))')) == ["cat-rs", "hello-rs"]
    assert query(tree, "deps(hello-rs) ^ std") == []
    assert query(tree, "kind(test, rdeps(ostoo-rt))") == query(tree, "tests(hello-rs + hello-std + cat-rs)")
    assert "user-rs/rt/src/bump.rs" in query(tree, "inputs(deps(hello-rs)) - inputs(hello-rs)")
    assert query(tree, "outputs(hello-rs)")[0] == "build/x86_64-ostoo-user/release/hello-rs"
    turned_on = tree.ostoo("query", "features(hello-rs, ostoo-rt)").stdout
    assert turned_on.splitlines()[1] == "└── user-rs/hello-rs/Cargo.toml: dependencies.ostoo-rt"
    shown = tree.ostoo("tree", "hello-std").stdout.splitlines()
    assert shown[0] == "hello-std"
    assert "├── ostoo-rt v0.1.0" in shown
    with pytest.raises(subprocess.CalledProcessError) as refused:
        query(tree, "deps(hello-sdt)")
    assert "did you mean hello-std?" in refused.value.stderr
