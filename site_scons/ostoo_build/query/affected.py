"""Finds the programs and tests that changes of files reach. None that would be built again is missed."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.query import changes as file_changes
from ostoo_build.query import common_reads, locked, program_reads
from ostoo_build.query.reads import Reads
from ostoo_build.rules import unit_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program, ProgramId
    from ostoo_build.query.changes import Change, Changes
    from ostoo_build.query.graph import Graph
    from ostoo_build.query.locked import Lock

Causes = dict[str, tuple[str, ...]]
"""Labels of what is reached, each with the paths of changes, from the top, or with programs that are reached."""


class AffectedQuestion(Struct, frozen=True):
    """What asks for the effect of changes: on which programs, with which options."""

    planner: Planner
    services: Services
    options: Options
    graph: Graph
    changes: Changes

    def answer(self) -> Causes:
        """Return what is reached, with the reasons. Raises `OstooError` if git can't tell of a lock."""
        common = common_reads.of_all(self.planner, self.options)
        of_all = [change for change in self.changes.files if common.is_reached(change) or self._is_script(change)]
        found = {}
        for label, program in self.graph.programs.items():
            causes = tuple(dict.fromkeys((*of_all, *self._reaching(program))))
            if causes:
                found[label] = tuple(os.path.relpath(change.path, self.planner.root) for change in causes)
        ids = {program.id: label for label, program in self.graph.programs.items()}
        return _closed(found, {label: tuple(self._programs_for(label, ids)) for label in self.graph.programs})

    def _is_script(self, change: Change) -> bool:
        """Whether a SConscript changed that is not beside the manifest of a program: any other may call it."""
        folder, _, name = change.path.rpartition("/")
        own = (each.manifest.parent for each in self.planner.programs.binaries.values())
        return name == common_reads.SCRIPT and folder not in map(str, own)

    def _reaching(self, program: Program) -> Iterator[Change]:
        """Yield the changes that reach a program itself."""
        is_test = bool(program.tested)
        parts = [common_reads.of_plan(self.planner, program)]
        parts += program_reads.of(self.planner, self.services, program, is_checked=not is_test)
        if is_test:  # its tests may read any file of the package
            parts.append(Reads(folders=frozenset([program_reads.place(self.planner, program.unit.package)])))
        yield from (change for change in self.changes.files if any(part.is_reached(change) for part in parts))
        lock = common_reads.lock(self.planner, program)
        if any(change.path == str(lock) for change in self.changes.files) and not self._is_locked_alike(program, lock):
            yield next(change for change in self.changes.files if change.path == str(lock))

    def _is_locked_alike(self, program: Program, lock: Path) -> bool:
        """Whether all revisions lock the same for a program. What only names a file says nothing of its content."""
        package = self.planner.programs.binaries[program.tested or program.name].package
        now, *before = self.services.snapshot.get(("locks", lock), partial(self._locks, lock))
        return bool(before) and all(locked.is_same_for(package, each, now) for each in before)

    def _locks(self, lock: Path) -> list[Lock]:
        """Return a lock as it is now, and as it was in each revision."""
        now = lock.read_bytes() if lock.is_file() else None
        before = (file_changes.content_at(self.planner.root, each, str(lock)) for each in self.changes.revisions)
        return [locked.read(now), *map(locked.read, before)]

    def _programs_for(self, label: str, ids: Mapping[ProgramId, str]) -> Iterator[str]:
        """Yield the programs that a program reads, or that a test starts."""
        for unit in self.graph.programs[label].units:
            makers = unit_inputs.makers(self.planner, unit).values()
            yield from (ids[id_] for id_ in makers if id_ in ids)
        yield from (other for other in self.graph.needs[label] if other in self.graph.programs)


def _closed(found: Causes, programs: Mapping[str, tuple[str, ...]]) -> Causes:
    """Add what is made from what is reached, until nothing is new."""
    while True:
        new = {
            label: tuple(other for other in others if other in found)
            for label, others in programs.items()
            if label not in found and not found.keys().isdisjoint(others)
        }
        if not new:
            return found
        found = {**found, **new}
