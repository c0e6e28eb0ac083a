"""Lets a build that has read all it is made of wait for an edit, and tells whether what it read still holds then.

Does not build. What it stands on is a `footing.Footing`; plans and units it judges anew. `./ostoo watch` keeps one
build waiting, so that the next one begins with its work. What may change meanwhile are the contents of sources;
anything else, and the build has to be read anew.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ostoo_build.base import source_files, stamps
from ostoo_build.base.paths import is_local
from ostoo_build.rebuild import dependencies, watched
from ostoo_build.rules import unit_inputs, whole_program
from ostoo_build.start import null_build

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from ostoo_build.invocation.session import Session

STALE = 75
"""Exit code of a build that has to be read anew (`EX_TEMPFAIL` in sysexits.h)."""

_ADVISORS = frozenset({"Cargo.toml", "Cargo.lock", "SConscript"})
"""Files of packages that say more than what is compiled."""


class Standby:
    """The part of a process in `./ostoo watch`: `line` leads to the process that forked it."""

    def __init__(self, line: socket.socket, *, waits: bool) -> None:
        self.waits = waits
        self._line = line
        self._toolchain = _Sight((), [])

    def reached(self, session: Session) -> None:
        """Say that all is read. Where this process waits, return when there is work that it may do; else end it."""
        try:
            self._line.send(b"r")
            goes = not self.waits or self._wait(session)
        except OSError:  # nobody is there any more
            goes = False
        if not goes:
            os._exit(STALE)

    def holds(self) -> bool:
        """Whether the toolchain is what it was when the build was read: thousands of files, and nobody waits."""
        return not self._toolchain.changes()

    def _wait(self, session: Session) -> bool:
        if not dependencies.is_known(session):
            return False
        editable = set(_editable(session))
        known = dependencies.of(session)
        here = _Sight(known.checkout, known.places)
        self._toolchain = _Sight((*known.toolchain, *known.crates), [])
        session.unlock()
        watched.note(session)
        if not self._line.recv(1):
            return False
        edited = here.changes()
        if session.lock() or edited - editable or not all(map(os.path.isfile, edited)):
            return False
        if not session.programs.plans_hold():
            return False
        session.timeline.restart()
        whole_program.renew(session)
        return True


here: Standby | None = None
"""None in a build that nobody watches."""


class _Sight:
    """What `stat` says of trees and files at one moment."""

    def __init__(self, trees: tuple[null_build.Tree, ...], files: list[str]) -> None:
        self._where = trees, files
        self._seen = self._look()

    def changes(self) -> set[str]:
        """What is not what it was, or was touched so late that the build may have read what it was before."""
        late = null_build.STARTED - stamps.TICK
        now = self._look()
        return {
            path
            for path in self._seen.keys() | now.keys()
            if self._seen.get(path) != now.get(path) or _ctime(self._seen.get(path)) >= late
        }

    def _look(self) -> dict[str, Any]:
        trees, files = self._where
        found = null_build.stamps(trees, files)
        entries: dict[str, Any] = dict(zip(files, found, strict=False))
        in_trees: list[Any] = found[len(files) :]
        for entry in in_trees:
            if isinstance(entry, str):
                entries.setdefault(entry, ())
            else:
                entries[entry[0]] = entry[1:]
        return entries


def _editable(session: Session) -> Iterator[str]:
    """Files whose contents are looked at when the build runs, not when it is read."""
    for unit in session.units.values():
        if is_local(unit.package):
            folder = session.root / session.paths.expand(unit.package)
            files = (*source_files.package_files(folder), *unit_inputs.declared_files(session, unit))
            yield from (str(path) for path in files if path.name not in _ADVISORS)


def _ctime(stamp: Any) -> int:
    return stamps.touched_at(stamp) if stamp else 0
