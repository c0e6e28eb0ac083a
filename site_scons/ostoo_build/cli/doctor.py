"""Implements `ostoo doctor`: checks the set-up, and says how to mend what is broken.

Uses the standard library only, as packages may be what is broken. Checks that need packages are made by a process of
their own (`doctor.checks`), as a damaged package may end it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from ostoo_build.base import console, process, terminal
from ostoo_build.base.errors import OstooError
from ostoo_build.cli import project
from ostoo_build.start import health
from ostoo_build.start.finding import CHECKS, Finding, State, from_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_FORMAT = 1
"""The number of the form of the JSON document."""

_COLOURS = {
    State.OK: console.GREEN,
    State.WARNING: console.WARNING,
    State.ERROR: console.ERROR,
    State.NOT_RUN: console.ERROR,
}
_STATES = max(len(state.value) for state in State)
_BREAK = "\n"
_NAMES = max(map(len, CHECKS))


def perform(start: Path, words: Sequence[str], *, as_json: bool) -> int:
    """Make all checks for the project around a folder, show what they find, and return the exit code.

    It is 0 if each check could run and none found an error, else 1.
    """
    found: list[Finding] = []

    def tell(finding: Finding) -> None:
        found.append(finding)
        if not as_json:
            _show(finding)

    for finding in health.findings():
        tell(finding)
    _make_others(start, words, tell)
    if as_json:
        document = {"format": _FORMAT, "checks": [finding.document() for finding in found]}
        sys.stdout.write(f"{json.dumps(document, indent=1)}\n")
    return int(any(finding.state in (State.ERROR, State.NOT_RUN) for finding in found))


def _make_others(start: Path, words: Sequence[str], tell: Callable[[Finding], None]) -> None:
    """Make the checks that need packages."""
    try:
        root = str(project.root(start))
    except OstooError as error:
        root = ""
        tell(Finding("project", State.ERROR, "", f"{error.what}: {error.where}", error.remedy))
    left = [name for name in CHECKS if name not in ("python", "packages", "scons", *([] if root else ["project"]))]
    said: list[bytes] = []

    def take(line: bytes) -> None:
        finding = from_line(line)
        if finding is None:
            said.append(line)
        else:
            left.remove(finding.check)
            tell(finding)

    command = (sys.executable, "-P", "-m", "ostoo_build.doctor", root, *words)
    done = process.run_streaming(command, take, cwd=start, env=os.environ, pass_fds=())
    for name in left:
        tell(Finding(name, State.NOT_RUN, "", _ending(done.returncode, said)))


def _ending(code: int, said: Sequence[bytes]) -> str:
    """Return why the process that made the checks ended early."""
    last = said[-1].decode(errors="replace").strip() if said else ""
    how = f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"what makes the checks {how}{f': {last}' if last else ''}"


def _show(finding: Finding) -> None:
    is_coloured = terminal.takes_colours(sys.stdout, os.environ)
    state, remedy = finding.state.value.ljust(_STATES), "help"
    if is_coloured:
        state, remedy = console.bold(state, _COLOURS[finding.state]), console.bold(remedy, console.HELP)
    lines = [f"{state}  {finding.check.ljust(_NAMES)}  {finding.value}".rstrip()]
    lines += [f"    {line}" for line in finding.problem.splitlines()]
    if finding.remedy:
        lines.append(f"    {remedy}: {finding.remedy.replace(_BREAK, f'{_BREAK}          ')}")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
