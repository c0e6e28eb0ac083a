"""Notes all that a build with nothing to do depends on, for `null_build`. Does not find out whether there is work.

A note must be true of the moment at which its files were read: it is only written where nothing that it names was
touched since this process began.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ostoo_build.actions import record as records
from ostoo_build.base import stamps, state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.rebuild import dependencies
from ostoo_build.start import null_build
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from ostoo_build.actions.record import Output
    from ostoo_build.invocation.session import Session
    from ostoo_build.rebuild.dependencies import Footing, Observed


def write(session: Session, targets: list[str]) -> None:
    """Write the note of this command, where all it depends on is known and holds still."""
    asked = null_build.question
    with contextlib.suppress(OSError, OstooError):  # somebody else is at work here: next time
        if asked is None or not dependencies.is_known(session):
            return
        _let_the_clock_tick(session)
        known = note(dependencies.of(session), partial(dependencies.observed, session), asked, targets)
        names = [str(path) for path in _programs(session)]
        programs = null_build.stamps([], names)
        if _holds_still(session, known) and _is_as_it_was(session):
            known.places, known.stamps = [*names, *known.places], [*programs, *known.stamps]
            state_file.write(null_build.place(str(session.root), asked), known.to_bytes())


def note(
    made_of: Footing, observe: Callable[[Collection[str]], Observed], asked: null_build.Question, targets: list[str]
) -> null_build.Note:
    """Look at all that decides, by one walk; `observe` is told what that came by, and says what more there is."""
    walked: list[Any] = null_build.stamps(made_of.trees, [])
    seen = {entry if isinstance(entry, str) else entry[0] for entry in walked}
    places = [*made_of.places, *observe(seen).places]
    return null_build.Note(asked, made_of.trees, places, [*null_build.stamps([], places), *walked], targets)


def _let_the_clock_tick(session: Session) -> None:
    """Wait until a change of a program that was just written gives it another time."""
    written = max((path.stat().st_ctime_ns for path in _programs(session)), default=0)
    stamps.wait_for_tick(written)


def _programs(session: Session) -> dict[Path, Output]:
    return {path: output for files in session.current.values() for path, output in files.items()}


def _holds_still(session: Session, known: null_build.Note) -> bool:
    """Whether nothing was touched since this process began, and the file system's clock is like ours."""
    started = null_build.STARTED
    if not started - stamps.TICK < session.lock_owner.stat().st_ctime_ns < time.time_ns() + stamps.TICK:
        return False
    here = session.root.stat().st_dev
    for path in _late(known, started - stamps.DRIFT):
        status = os.stat(path)  # noqa: PTH116 - strings
        if status.st_ctime_ns > started - (stamps.TICK if status.st_dev == here else stamps.DRIFT):
            return False
    return True


def _late(known: null_build.Note, moment: int) -> Iterator[str]:
    """What was touched after a moment, and folders, of which no stamp tells that."""
    seen: list[Any] = known.stamps
    for path, stamp in zip(known.places, seen, strict=False):
        if stamp is not None and stamps.touched_at(stamp) > moment:
            yield path
    yield from (top for top, _ in known.trees)
    for entry in seen[len(known.places) :]:
        if isinstance(entry, str):
            yield entry
        elif stamps.touched_at(entry[1:]) > moment:
            yield entry[0]


def _is_as_it_was(session: Session) -> bool:
    """Whether programs are what they should be; and whether what is not there was not there when it was looked for."""
    cargos = [workspace.cargo for workspace in session.programs.workspaces]
    return (
        all(records.holds(path, output) for path, output in _programs(session).items())
        and toolchain.find(session.root, {}, os.environ) == session.toolchain
        and all(replace(cargo).configuration_digest == cargo.configuration_digest for cargo in cargos)
        and not any(str(path) in sys.path for path in dependencies.EXTENSIONS)
    )
