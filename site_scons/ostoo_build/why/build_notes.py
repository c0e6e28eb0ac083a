"""Keeps what the last builds decided, in one bounded file. Written at the end of a build, when nobody waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from ostoo_build.base import decoders, layout, state_file
from ostoo_build.execution.decided import Decided, Kind
from ostoo_build.rules import target_spec
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.execution.timeline import Step, Timeline
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program
    from ostoo_build.rules.progress import Progress

MOST_BUILDS = 16
"""How many builds are kept."""

MOST_DECISIONS = 4096
"""How many decisions are kept of all of them, and of one."""

PROGRAM = "RustProgram"
"""The mnemonic of a whole program."""


class BuildNote(Struct, frozen=True):
    """What one build decided.

    `began` is in nanoseconds since the epoch, `words` are those of its command line. `decided` has no action whose
    outputs were up to date; programs are among it. `current` are the published paths of programs that were up to date.
    `parts` are the folders of the decided actions that a program consists of, by its published path. `seconds` is how
    long each action ran, by its folder. If the build `is_stopped`, by a signal, what failed was not finished.
    """

    began: int
    words: tuple[str, ...]
    decided: tuple[Decided, ...]
    current: tuple[str, ...]
    parts: dict[str, tuple[str, ...]]
    seconds: dict[str, float] = field(default_factory=dict)
    is_stopped: bool = False

    def of(self, folder: str) -> Decided | None:
        """Return what was decided of the action or program with these results."""
        return next((each for each in self.decided if each.folder == folder), None)


class _Notes(Struct, frozen=True):
    builds: tuple[BuildNote, ...]


def of(planner: Planner, services: Services, progress: Progress, began: int, words: tuple[str, ...]) -> BuildNote:
    """Return the note of a build that began at a time, with these words."""
    made, timeline = services.engine.decisions.made, services.timeline
    decided, parts = dict(made), dict[str, tuple[str, ...]]()
    current = [planner.paths.portable(next(iter(files))) for files in progress.current.values()]
    for id_, pending in progress.pending.items():
        published = Places.of(pending.program).published[0]
        parts[published] = tuple(folder for folder in _folders(planner, pending.program) if folder in made)
        known = decided.get(published, Decided(pending.program.name, PROGRAM, published, Kind.PARTS))
        decided[published] = replace(known, is_failed=id_ not in progress.published)
        if not decided[published].is_failed and not parts[published]:
            del decided[published]  # a prepared build found all parts up to date
    return BuildNote(
        began=began,
        words=words,
        decided=tuple(decided.values())[-MOST_DECISIONS:],
        current=tuple(path for path in current if path not in decided),
        parts={path: found for path, found in parts.items() if found},
        seconds={step.folder: round(step.end - started, 3) for step, started in _ran(timeline)},
    )


def _ran(timeline: Timeline) -> Iterator[tuple[Step, float]]:
    """Yield the steps that ran to their end, here or elsewhere, with the time at which each began to work."""
    for step in timeline.steps:
        if step.way in ("local", "remote"):
            yield step, step.begin if step.started is None else step.started


def _folders(planner: Planner, program: Program) -> Iterator[str]:
    """Yield the folders of all actions that a program may consist of, in build order."""
    yield target_spec.folder(program.target)
    yield from (unit.folder for unit in program.units)
    yield from (planner.paths.sysroot(program.target), layout.library(program.target))
    places = Places.of(program)
    yield from (places.linked, places.stripped, places.check)


def read(root: Path) -> tuple[BuildNote, ...]:
    """Return the notes of the last builds, the latest first; none if the file is missing or damaged."""
    path = root / layout.DECISIONS
    content = state_file.recall_sealed(path)
    if content is None:
        return ()
    try:
        found: _Notes = decoders.decode(content, _Notes)
    except (ValueError, RecursionError):
        state_file.found_damaged(path)
        return ()
    return found.builds


def seconds(builds: tuple[BuildNote, ...]) -> dict[str, float]:
    """Return how long each action ran at last, by its folder."""
    return {folder: took for build in reversed(builds) for folder, took in build.seconds.items()}


def _failed(builds: tuple[BuildNote, ...], published: str) -> bool:
    """Whether the last known build of a program failed."""
    for build in builds:
        found = build.of(published)
        if published in build.current or found is not None:
            return found is not None and found.is_failed
    return False


def add(root: Path, note: BuildNote) -> None:
    """Add the note of a build, and forget the oldest. Raises `OSError`.

    One that decided nothing is left out, unless a program is up to date again after a failure: its sources are back.
    """
    former = read(root)
    if not note.decided and not any(_failed(former, path) for path in note.current):
        return
    kept: list[BuildNote] = []
    left = MOST_DECISIONS
    for each in (note, *former):
        left -= len(each.decided)
        if len(kept) == MOST_BUILDS or (kept and left < 0):
            break
        kept.append(each)
    content = msgspec.json.encode(_Notes(tuple(kept)))
    state_file.write(root / layout.DECISIONS, state_file.sealed(content))
