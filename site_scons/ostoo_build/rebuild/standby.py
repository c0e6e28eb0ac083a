"""Lets a build that has read all it is made of wait for an edit, and tells whether what it read still holds then.

Does not build. What it stands on is a `dependencies.Footing`; plans and units it judges anew. `./ostoo watch` keeps one
build waiting, so that the next one begins with its work. What may change meanwhile are the contents of sources;
anything else, and the build has to be read anew.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import source_files, stamps
from ostoo_build.base.paths import is_local
from ostoo_build.rebuild import dependencies, watched
from ostoo_build.rules import unit_inputs, whole_program
from ostoo_build.start.null_build import Sight

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from ostoo_build.invocation.checkout import Checkout
    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.rules.progress import Progress

STALE = 75
"""Exit code of a build that has to be read anew (`EX_TEMPFAIL` in sysexits.h)."""

_ADVISORS = frozenset({"Cargo.toml", "Cargo.lock", "SConscript"})
"""Files of packages that say more than what is compiled."""


class Read(Struct, frozen=True):
    """A build that has read all that it is made of, and has yet to begin."""

    checkout: Checkout
    options: Options
    planner: Planner
    services: Services
    progress: Progress


class Standby:
    """The part of a process in `./ostoo watch`: `line` leads to the process that forked it, at the moment `started`."""

    def __init__(self, line: socket.socket, started: int, *, waits: bool) -> None:
        self.started = started
        self.waits = waits
        self._line = line
        self._toolchain = Sight((), {}, [])

    def reached(self, build: Read) -> None:
        """Say that all is read. Where this process waits, return when there is work that it may do; else end it."""
        try:
            self._line.send(b"r")
            goes = not self.waits or self._wait(build)
        except OSError:  # nobody is there any more
            goes = False
        if not goes:
            os._exit(STALE)

    def holds(self) -> bool:
        """Whether the toolchain is what it was when the build was read: thousands of files, and nobody waits."""
        return not self._changes(self._toolchain)

    def _wait(self, build: Read) -> bool:
        planner = build.planner
        if not dependencies.is_known(planner, build.options):
            return False
        editable = set(_editable(planner))
        known = dependencies.of(planner)
        here = Sight.of(known.checkout, known.places)
        self._toolchain = Sight.of((*known.toolchain, *known.crates), ())
        build.checkout.unlock()
        watched.note(planner, build.services)
        if not self._line.recv(1):
            return False
        edited = self._changes(here)
        if build.checkout.lock() or edited - editable or not all(map(os.path.isfile, edited)):
            return False
        if not planner.programs.plans_hold():
            return False
        build.services.timeline.restart()
        whole_program.renew(planner, build.services, build.progress)
        return True

    def _changes(self, before: Sight) -> set[str]:
        """What is not what it was, or was touched so late that the build may have read what it was before."""
        late = self.started - stamps.TICK
        touched = {name for name, stamp in before.all().items() if stamp and stamps.touched_at(stamp) >= late}
        return touched | before.changes(Sight.of(before.trees, before.places))


def _editable(planner: Planner) -> Iterator[str]:
    """Files whose contents are looked at when the build runs, not when it is read."""
    for unit in planner.units.values():
        if is_local(unit.package):
            folder = planner.root / planner.paths.expand(unit.package)
            files = (*source_files.package_files(folder), *unit_inputs.declared_files(planner.paths, unit))
            yield from (str(path) for path in files if path.name not in _ADVISORS)
