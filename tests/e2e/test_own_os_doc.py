"""The commands of docs/own_os.md, as they are printed: what they say is what the page says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import foreign_trees
import pytest
from msgspec import Struct
from trees import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.long]

PAGE = (PROJECT / "docs/own_os.md").read_text(encoding="utf-8")
CHANGES = re.compile(
    r"^ *(?:Compiling|Running|Linking|Stripping|Checking|Providing|Fetching|Using|Finished|Blocking) .*\n", re.MULTILINE
)


class Command(Struct, frozen=True):
    """A command of the page, and the lines that it shows below it."""

    line: str
    shown: str


def commands(title: str) -> Iterator[Command]:
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    block = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    ") or not line)
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        yield Command(line, shown.strip("\n"))


@pytest.fixture
def environment(shared_cache: Path, tmp_path: Path) -> dict[str, str]:
    """A user whose `ostoo` is this one, and whose cache has std."""
    scripts = tmp_path / "bin"
    scripts.mkdir()
    words = shlex.join([sys.executable, "-P", "-m", "ostoo_build.cli"])
    (scripts / "ostoo").write_text(f'#!/bin/sh\nPYTHONPATH={PROJECT}/site_scons exec {words} "$@"\n')
    (scripts / "ostoo").chmod(0o755)
    (tmp_path / "user").mkdir()
    (tmp_path / "user/ostoo-build").symlink_to(shared_cache)
    path = f"{scripts}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "XDG_CACHE_HOME": str(tmp_path / "user")}


def followed(title: str, folder: Path, environment: dict[str, str]) -> None:
    found = list(commands(title))
    assert len(found) > 3
    for command in found:
        words = ["sh", "-c", command.line]
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command.line}\n{done.stderr}"
        said = f"{done.stderr}\n{done.stdout}"
        lines = [line.strip() for line in command.shown.splitlines() if line.strip()]
        missing = [line for line in lines if line not in [each.strip() for each in said.splitlines()]]
        assert not missing, f"{command.line}\n{said}"


def test_an_empty_folder_becomes_a_system(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "os").mkdir()
    followed("From an empty folder", tmp_path / "os", environment)


def test_a_repository_is_adopted(environment: dict[str, str], tmp_path: Path) -> None:
    foreign_trees.own_system().write(tmp_path / "os")
    followed("A repository that you have", tmp_path / "os", environment)
