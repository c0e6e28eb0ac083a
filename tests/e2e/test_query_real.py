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
    shown = tree.ostoo("tree", "hello-std").stdout.splitlines()
    assert shown[0] == "hello-std"
    assert "├── ostoo-rt v0.1.0" in shown
    with pytest.raises(subprocess.CalledProcessError) as refused:
        query(tree, "deps(hello-sdt)")
    assert "did you mean hello-std?" in refused.value.stderr
