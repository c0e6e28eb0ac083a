"""The commands of docs/own_os.md, as they are printed: what they say is what the page says."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import documented
import foreign_trees
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.long]


def followed(title: str, folder: Path, environment: dict[str, str]) -> None:
    found = [command for command in documented.commands("docs/own_os.md") if command.heading == title]
    assert len(found) > 3
    for command in found:
        words = ["sh", "-c", command.line]
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command.line}\n{done.stderr}"
        said = f"{done.stderr}\n{done.stdout}"
        missing = [line for line in command.shown if line not in [each.strip() for each in said.splitlines()]]
        assert not missing, f"{command.line}\n{said}"


def test_an_empty_folder_becomes_a_system(user_environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "os").mkdir()
    followed("From an empty folder", tmp_path / "os", user_environment)


def test_a_repository_is_adopted(user_environment: dict[str, str], tmp_path: Path) -> None:
    foreign_trees.own_system().write(tmp_path / "os")
    followed("A repository that you have", tmp_path / "os", user_environment)
