"""A published program with `fn main()` and no runtime crate, as it is: it starts in the C library."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import ordinary
import pytest
from trees import TARGET, take_sysroot

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

pytestmark = [pytest.mark.compiler, pytest.mark.network, pytest.mark.long, pytest.mark.timeout(1800)]

NAME = "hexyl"


def test_a_published_program_does_and_weighs_what_it_does_and_weighs_with_cargo(
    tree: Tree, first: Tree, tmp_path: Path
) -> None:
    """bench/published.py does so with others, which are larger, and measures the time of both."""
    ordinary.write_project(tree.root, ordinary.fetch(tmp_path / "asks", [NAME]))
    take_sysroot(tree, first).build(NAME)
    command, environment = ordinary.cargo_command(NAME), ordinary.cargo_environment(tree.root)
    subprocess.run(command, cwd=tree.root / "user-rs", env=environment, capture_output=True, check=True)
    ours, theirs = tree.program(NAME), tree.root / f"user-rs/target/{TARGET}/release/{NAME}"
    did = ordinary.behaviour(NAME, ours, tmp_path)
    assert did == ordinary.behaviour(NAME, theirs, tmp_path)
    assert [code for code, _, _ in did] == [0, 0, 1]
    assert did[0][1].count(b"\n") == 18
    assert 0.9 < ours.stat().st_size / theirs.stat().st_size <= 1
