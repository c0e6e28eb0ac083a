"""The scripts that compare this build with others measure what they say."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from typing import TYPE_CHECKING

import aims
import logged
import ninja_graph
import pytest
from aims import Aim

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree


@pytest.mark.compiler
def test_the_commands_of_the_log_make_the_program_without_this_build(tree: Tree, tmp_path: Path) -> None:
    source = "user-rs/hello-rs/src/main.rs"
    tree.write(source, (tree.root / source).read_text(encoding="utf-8") + f"// {uuid.uuid4()}\n")  # no cache has that
    tree.build("hello-rs")
    root = tmp_path / "copy"
    shutil.copytree(tree.root, root, symlinks=True)
    commands = [each for each in logged.read(root) if "/hello_rs-" in each.results]
    assert [each.mnemonic for each in commands] == ["Rustc", "Link"]
    linked = root / commands[1].outputs[0]
    assert not linked.exists(), "a link's output is moved"
    for each in commands:
        environment = {"PATH": os.environ["PATH"], **dict(each.environment)}
        subprocess.run(each.argv, cwd=root / each.directory, env=environment, check=True, capture_output=True)
    assert linked.read_bytes() == tree.program("hello-rs").with_suffix(".debug").read_bytes()

    ninja_graph.write(root)
    edges = (root / "build.ninja").read_text(encoding="utf-8")
    assert f"build {commands[1].outputs[0]}: run " in edges
    assert f"env --chdir={commands[1].directory} " in edges


def test_a_figure_above_its_band_is_named() -> None:
    figure = Aim("edit: ours / cargo", 1.0, 1.0, 0.5)
    assert aims.worse([(figure, 1.09)]) is None
    assert aims.worse([(figure, 1.09), (figure, 1.2)]) == "worse than before: edit: ours / cargo is 1.20, at most 1.10"
    said = aims.report([(figure, 1.2), (figure, 0.4)])
    assert "| 1.10    | 1.20     | no     | 0.50; 2.40 x |" in said
    assert "| 1.10    | 0.40     | yes    | 0.50         |" in said
