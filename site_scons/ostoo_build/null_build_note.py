"""Notes all that a build with nothing to do depends on, for `null_build`. Does not find out whether there is work.

A note must be true of the moment at which its files were read: it is only written where nothing that it names was
touched since this process began.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ostoo_build import footing, null_build, state_file, toolchain
from ostoo_build.errors import OstooError
from ostoo_build.execution import record as records

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.execution.record import Output
    from ostoo_build.session import Session

_TICK = 50_000_000
"""Nanoseconds within which a file system may give two changes one time."""

_DRIFT = 2_000_000_000
"""Nanoseconds that the clock of another file system than the checkout's may be apart."""


def write(session: Session, targets: list[str]) -> None:
    """Write the note of this command, where all it depends on is known and holds still."""
    asked = null_build.question
    with contextlib.suppress(OSError, OstooError):  # somebody else is at work here: next time
        if asked is None or not footing.is_known(session):
            return
        _let_the_clock_tick(session)
        trees, files = footing.of(session)
        files += footing.judged_anew(session)
        names = [str(path) for path in _programs(session)]
        programs = null_build.stamps([], names)
        known = null_build.stamps(trees, files)
        if _holds_still(session, trees, files, known) and _is_as_it_was(session):
            content = marshal.dumps((asked, trees, [*names, *files], [*programs, *known], targets))
            note = null_build.note(str(session.root), asked)
            state_file.write(note, null_build.digest(content) + content)


def _let_the_clock_tick(session: Session) -> None:
    """Wait until a change of a program that was just written gives it another time."""
    written = max((path.stat().st_ctime_ns for path in _programs(session)), default=0)
    time.sleep(max(written + _TICK - time.time_ns(), 0) / 1e9)


def _programs(session: Session) -> dict[Path, Output]:
    return {path: output for files in session.current.values() for path, output in files.items()}


def _holds_still(session: Session, trees: list[footing.Tree], files: list[str], known: list[Any]) -> bool:
    """Whether nothing was touched since this process began, and the file system's clock is like ours."""
    started = null_build.STARTED
    if not started - _TICK < session.lock_owner.stat().st_ctime_ns < time.time_ns() + _TICK:
        return False
    here = session.root.stat().st_dev
    there = (path for path, stamp in zip(files, known, strict=False) if stamp is not None)
    in_trees = (entry if isinstance(entry, str) else entry[0] for entry in known[len(files) :])
    for path in (*there, *(top for top, _ in trees), *in_trees):
        status = os.stat(path)  # noqa: PTH116 - strings, thousands of them
        if status.st_ctime_ns > started - (_TICK if status.st_dev == here else _DRIFT):
            return False
    return True


def _is_as_it_was(session: Session) -> bool:
    """Whether programs are what they should be; and whether what is not there was not there when it was looked for."""
    cargos = [workspace.cargo for workspace in session.programs.workspaces]
    return (
        all(records.holds(path, output) for path, output in _programs(session).items())
        and toolchain.find(session.root, {}, os.environ) == session.toolchain
        and all(replace(cargo).configuration_digest == cargo.configuration_digest for cargo in cargos)
        and not any(str(path) in sys.path for path in footing.EXTENSIONS)
    )
