from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.console import Console
from ostoo_build.cli.run import Runner

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (["x86_64-ostoo-user"], "x86_64-ostoo-user"),
        (["x86_64-ostoo-user", "aarch64-ostoo-user"], "x86_64-ostoo-user"),
        pytest.param(["x86_64-ostoo-kernel"], "x86_64-ostoo-kernel", id="a kernel, which has a target of its own"),
        pytest.param([], "x86_64-ostoo-user", id="none"),
    ],
)
def test_reports_are_found_by_target_and_profile(tmp_path: Path, made: list[str], found: str) -> None:
    for target in made:
        (tmp_path / "build/reports" / target / "size/example").mkdir(parents=True)
        (tmp_path / "build/reports" / target / "dev/other").mkdir(parents=True)
    runner = Runner(tmp_path, ["profile=size"], os.environ, Console(colour=False, quiet=True))
    assert runner.reports("example") == tmp_path / "build/reports" / found / "size/example"
