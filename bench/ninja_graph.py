"""Writes a finished build's graph for ninja: the same commands on the same files.

Ninja compares times instead of contents, and has no plan, cache or check: it is the lower limit for a graph.
"""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import engines
import logged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logged import Logged

_HEAD = "rule run\n  command = $line\n  description = $out\n\n"

_REQUIREMENTS = Path(__file__).with_name("ninja-requirements.txt")

_CONSUMED = ".rcgu.o"
"""What a link takes away when it is done."""


def program() -> Path:
    """Return ninja, which is installed for the benchmarks alone."""
    return engines.provide(_REQUIREMENTS) / "bin" / "ninja"


def copy(built: Path, root: Path) -> None:
    """Copy the checkout of a finished build, without what its server has open."""
    shutil.copytree(built, root, symlinks=True, ignore=shutil.ignore_patterns("servers"))


def write(root: Path) -> None:
    """Write `build.ninja` to the checkout of a finished build. Outputs of build scripts are sources there."""
    (root / "build.ninja").write_text(
        _HEAD + "".join(_edge(root, each) for each in logged.read(root)), encoding="utf-8"
    )


def _edge(root: Path, command: Logged) -> str:
    inputs = [path for path in command.inputs if not path.startswith(("@", "/")) and not path.endswith(_CONSUMED)]
    environment = [f"{name}={value}" for name, value in command.environment]
    words = ["env", f"--chdir={command.directory}", *environment, *command.argv]
    line = shlex.join(words).replace("$", "$$").replace("\n", " ")
    return f"build {' '.join(_outputs(root, command))}: run {' '.join(inputs)}\n  line = {line}\n\n"


def _outputs(root: Path, command: Logged) -> Iterator[str]:
    if command.mnemonic == "Link":
        yield command.outputs[0]
        return
    record = json.loads((root / command.results / "action.json").read_bytes())
    yield from (f"{command.results}/{name}" for name in record["outputs"] if not name.endswith(_CONSUMED))
