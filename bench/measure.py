"""Runs a command and measures its cost, including all descendants (Linux)."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TAIL = 2_000
"""How much of a failed command's output is worth showing, in characters."""


@dataclass(frozen=True)
class Cost:
    """Seconds, and the peak resident memory of the largest single process in bytes."""

    wall: float
    user: float
    system: float
    memory: int

    def __add__(self, later: Cost) -> Cost:
        """Return the cost of both, one after the other."""
        return Cost(
            self.wall + later.wall,
            self.user + later.user,
            self.system + later.system,
            max(self.memory, later.memory),
        )


@dataclass(frozen=True)
class Run:
    """The cost and the output of a command."""

    cost: Cost
    said: str

    def __add__(self, later: Run) -> Run:
        """Return both, one after the other."""
        return Run(self.cost + later.cost, self.said + later.said)


def run(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Run:
    """Run a command. Raises `OstooError` with the end of its output if it fails."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=output, stderr=subprocess.STDOUT)
        # the only call that gives the use of this child and its descendants alone, not of all children so far
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode("utf-8", "replace")
    if process.returncode:
        raise OstooError(f"{command[0]} ended with exit code {process.returncode}:\n{said[-_TAIL:]}", where=str(cwd))
    return Run(Cost(wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * 1024), said)
