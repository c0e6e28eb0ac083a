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

from ostoo_build.base import source_files, stamps
from ostoo_build.base.paths import is_local
from ostoo_build.rebuild import dependencies, watched
from ostoo_build.rules import unit_inputs
from ostoo_build.server.handover import STALE
from ostoo_build.start.null_build import StampSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.invocation.checkout import Checkout
    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.rules.progress import Progress
    from ostoo_build.server.handover import Handover

_ADVISORS = frozenset({"Cargo.toml", "Cargo.lock", "SConscript"})
"""Package files that decide more than what is compiled."""


class PreparedBuild(Struct, frozen=True):
    """A build that has read all its inputs and not run. `started` is when it began to read, in ns since the epoch."""

    started: int
    checkout: Checkout
    options: Options
    planner: Planner
    services: Services
    progress: Progress


class Standby:
    """A process forked by the server."""

    def __init__(self, handover: Handover) -> None:
        self.handover = handover
        self._toolchain: _ToolchainCheck | None = None

    @property
    def waits(self) -> bool:
        """Whether everything is read before a command comes."""
        return self.handover.waits

    def reached(self, build: PreparedBuild) -> None:
        """Report that everything is read.

        A waiting process returns when there is work that it may do, and exits otherwise.
        """
        try:
            self.handover.tell_read()
            goes = not self.waits or self._wait(build)
        except OSError:  # the other process is gone
            goes = False
        if not goes:
            os._exit(STALE)

    def holds(self) -> bool:
        """Whether the toolchain is unchanged since it was read, if that was before the command."""
        return self._toolchain is None or self._toolchain.passes()

    def _wait(self, build: PreparedBuild) -> bool:
        planner = build.planner
        if not dependencies.is_known(planner, build.options):
            return False
        editable = set(_editable(planner))
        known = dependencies.of(planner)
        here = StampSet.of((*known.checkout, *known.code), known.places)
        toolchain = StampSet.of((*known.toolchain, *known.crates), ())
        build.checkout.unlock()
        watched.note(planner, build.services, watched.outputs(build.options))
        if not self.handover.wait():
            return False
        edited = _changes(here, build.started)
        if build.checkout.lock() or edited - editable or not all(map(os.path.isfile, edited)):
            return False
        if not planner.programs.plans_hold():
            return False
        build.services.timeline.restart()
        self._toolchain = _ToolchainCheck(toolchain, build.started, build.services.timeline.is_at_work)
        return True


class _ToolchainCheck:
    """Looks whether a toolchain changed, as it has thousands of files, while a process is at work."""

    def __init__(self, before: StampSet, started: int, is_at_work: threading.Event) -> None:
        self._before, self._started, self._is_at_work = before, started, is_at_work
        self._passes = False
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def passes(self) -> bool:
        """Wait for the result. If no process was started, the check begins now."""
        self._is_at_work.set()
        self._thread.join()
        return self._passes

    def _look(self) -> None:
        self._is_at_work.wait()
        with contextlib.suppress(OSError):  # a tree is gone
            self._passes = not _changes(self._before, self._started)


def _changes(before: StampSet, started: int) -> set[str]:
    """Return paths that changed, or changed so late that a build that started then may have read the former state."""
    late = started - stamps.TICK
    touched = {name for name, stamp in before.all().items() if stamp and stamps.touched_at(stamp) >= late}
    return touched | before.changes(StampSet.of(before.trees, before.places))


def _editable(planner: Planner) -> Iterator[str]:
    """Yield files whose contents are read when the build runs, not before."""
    for unit in planner.units.values():
        if is_local(unit.package):
            folder = planner.root / planner.paths.expand(unit.package)
            files = (*source_files.package_files(folder), *unit_inputs.declared_files(planner.paths, unit))
            yield from (str(path) for path in files if path.name not in _ADVISORS)
