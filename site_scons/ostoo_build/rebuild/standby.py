"""Lets a build that has read all its inputs wait for a command, and checks then whether what it read is still valid.

The server prepares one after each build, so that the next command starts with its work. It depends on
`dependencies.Dependencies`; the keys of plans and units are computed again after the wait. Only contents of sources may
change meanwhile; after any other change a new process must read everything.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import read_set, source_files, stamps
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import is_local
from ostoo_build.execution import background
from ostoo_build.rebuild import dependencies, watched
from ostoo_build.rebuild.rehearsal import Rehearsal
from ostoo_build.rules import unit_inputs
from ostoo_build.server.handover import STALE
from ostoo_build.start.null_build import StampSet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from ostoo_build.invocation.checkout import Checkout
    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import ProgramId
    from ostoo_build.rebuild.dependencies import Dependencies
    from ostoo_build.rules.progress import PendingProgram
    from ostoo_build.rules.whole_program import CurrentProgram
    from ostoo_build.server.handover import Handover

_ADVISORS = frozenset({"Cargo.toml", "Cargo.lock", "SConscript"})
"""Package files that decide more than what is compiled."""


class Undecided(Struct, frozen=True):
    """A program that needs no work if nothing changes; `makers` are the programs that it reads."""

    pending: PendingProgram
    found: CurrentProgram
    makers: Collection[ProgramId]


def touched(undecided: Mapping[ProgramId, Undecided], root: Path, edited: Collection[str]) -> set[ProgramId]:
    """Return the programs that may be others since these portable paths changed, or since those did that they read."""
    direct = {id_ for id_, each in undecided.items() if each.found.is_touched(root, edited)}
    return {id_ for id_, each in undecided.items() if id_ in direct or direct.intersection(each.makers)}


class PreparedBuild(Struct, frozen=True):
    """A build that has read all its inputs and not run. `started` is when it began to read, in ns since the epoch."""

    started: int
    checkout: Checkout
    options: Options
    planner: Planner
    services: Services
    undecided: Collection[Undecided]


class Standby:
    """A process forked by the server."""

    def __init__(self, handover: Handover) -> None:
        self.handover = handover
        self._toolchain: _ToolchainCheck | None = None

    @property
    def waits(self) -> bool:
        """Whether everything is read before a command comes."""
        return self.handover.waits

    def reached(self, build: PreparedBuild) -> Collection[str]:
        """Report that everything is read.

        A waiting process returns when there is work that it may do, and exits otherwise. Returns the portable paths of
        all files that may be others than those that were read, and of folders in which some may have appeared or gone.
        """
        try:
            self.handover.tell_read()
            edited = self._wait(build) if self.waits else ()
        except (OSError, OstooError):  # the other process is gone, or an input
            edited = None
        if edited is None:
            os._exit(STALE)
        return edited

    def holds(self) -> bool:
        """Whether the toolchain is unchanged since it was read, if that was before the command."""
        return self._toolchain is None or self._toolchain.passes()

    def _wait(self, build: PreparedBuild) -> Collection[str] | None:
        planner = build.planner
        if not dependencies.is_known(planner, build.options):
            return None
        editable = {*_editable(build), *_published(build)}
        known, planned = dependencies.of(planner), _planned(planner)
        here = _stamps(build, known)
        toolchain = StampSet.of((*known.toolchain, *known.crates), ())
        touched = map(planner.paths.input_path, _touched_folders(here, build.started))
        doubtful = {*touched, *_gone(build)}
        if doubtful and not planner.programs.plans_hold():
            return None  # what has appeared while everything was read, such as a build script, belongs to a plan
        build.checkout.unlock()
        if self.handover.is_watched:
            watched.note(planner, build.services, watched.outputs(build.options))
        rehearsal = Rehearsal(planner, build.services)
        programs = (*(each.pending.program for each in build.undecided), *planner.programs.parts)
        rehearsal.perform(programs, self.handover.is_asked)
        if not self.handover.wait():
            return None
        edited = _changes(here, build.started)
        if build.checkout.lock() or edited - editable or not all(map(os.path.isfile, edited)):
            return None
        if edited & planned and not planner.programs.plans_hold():
            return None
        build.services.timeline.stream.restart()
        self._toolchain = _ToolchainCheck(toolchain, build.started, build.services.timeline.is_at_work)
        doubtful.update(map(planner.paths.input_path, edited))
        rehearsal.keep(doubtful)
        return doubtful


class _ToolchainCheck:
    """Looks whether a toolchain changed, as it has thousands of files, while a process is at work."""

    def __init__(self, before: StampSet, started: int, is_at_work: threading.Event) -> None:
        self._before, self._started, self._is_at_work = before, started, is_at_work
        self._is_wanted = threading.Event()
        self._passes = False
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def passes(self) -> bool:
        """Wait for the result. If no process was started, the check begins now."""
        self._is_wanted.set()
        self._is_at_work.set()
        self._thread.join()
        return self._passes

    def _look(self) -> None:
        self._is_at_work.wait()
        self._is_wanted.wait(background.STARTING)
        with contextlib.suppress(OSError):  # a tree is gone
            self._passes = not _changes(self._before, self._started)


def _stamps(build: PreparedBuild, known: Dependencies) -> StampSet:
    """Return the stamps of everything that decides a build, but of the toolchain and of downloaded crates.

    A folder in the checkout counts by the names in it: editors replace files, which changes its own stamp.
    """
    walked = StampSet.of((*known.checkout, *known.code), ())
    places = {*known.places, *_published(build)}
    folders = {name for entries in walked.entries for name, stamp in entries.items() if not stamp}
    observed = dependencies.observed(build.planner, build.services, walked.walked())
    places.update(name for name in observed.places if name not in folders)
    return StampSet(walked.trees, StampSet.of((), places).places, walked.entries)


def _planned(planner: Planner) -> set[str]:
    """Return the files whose contents decided the plans."""
    return {str(path) for each in planner.programs.workspaces for path in read_set.read(each.snapshot)}


def _changes(before: StampSet, started: int) -> set[str]:
    """Return paths that changed, or changed so late that a build that started then may have read the former state."""
    touched = {name for name, stamp in before.all().items() if stamp and stamps.may_be_of(stamp, started)}
    return touched | before.changes(StampSet.of(before.trees, before.places))


def _touched_folders(here: StampSet, started: int) -> Iterator[str]:
    """Yield folders in which files may have appeared or gone since a build started, before their stamps were taken."""
    folders = (name for entries in here.entries for name, stamp in entries.items() if not stamp)
    for folder in (*(top for top, _ in here.trees), *folders):
        if stamps.may_be_of(stamps.of(folder), started):
            yield folder


def _gone(build: PreparedBuild) -> Iterator[str]:
    """Yield sources that are missing, by portable paths."""
    paths = build.planner.paths
    for name in {name for each in build.undecided for name in each.found.sources}:
        if not os.path.lexists(build.planner.root / paths.expand(name)):
            yield name


def _published(build: PreparedBuild) -> Iterator[str]:
    """Yield the files of the programs that need no work."""
    for each in build.undecided:
        yield from map(str, each.found.files)


def _editable(build: PreparedBuild) -> Iterator[str]:
    """Yield files whose contents are read when the build runs, not before."""
    planner = build.planner
    for unit in planner.units.values():
        if is_local(unit.package):
            folder = planner.root / planner.paths.expand(unit.package)
            reads = unit_inputs.known(build.services, planner.paths, unit).reads
            told = (planner.root / planner.paths.expand(name) for name in reads)
            files = (*source_files.package_files(folder), *unit_inputs.declared_files(planner.paths, unit), *told)
            yield from (str(path) for path in files if path.name not in _ADVISORS)
