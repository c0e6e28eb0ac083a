"""Judges parts of programs before a build waits, so that afterwards only those are judged that an edit may concern.

What is in a part's key besides files was read before the wait, and the build ends if that changed (`standby`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from ostoo_build.actions import record as records
from ostoo_build.actions.record import NAME
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.rules import nodes
from ostoo_build.rules import unit as unit_rule
from ostoo_build.start.null_build import StampSet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ostoo_build.base.stamps import Stamps
    from ostoo_build.execution.job import Job
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit


class _Part(NamedTuple):
    """A part of a program: its folder, that of its package or none, those of its prerequisites, and how it is made."""

    folder: str
    package: str
    needs: frozenset[str]
    make: Callable[[], Job]


class _UpToDate(Struct, frozen=True):
    """A part that was up to date: the portable paths of its inputs, and the stamps of its record and outputs."""

    part: _Part
    inputs: frozenset[str]
    stamps: Stamps

    def holds(self, edited: Collection[str]) -> bool:
        """Whether it still is, if its prerequisites are and these portable paths were edited."""
        package = f"{self.part.package or self.part.folder}/"
        if any(path in self.inputs or f"{path}/".startswith(package) for path in edited):
            return False
        return StampSet.of((), self.stamps).places == self.stamps


class Rehearsal:
    """The parts of some programs that need no work, in the engine's `settled`."""

    def __init__(self, planner: Planner, services: Services) -> None:
        self._planner = planner
        self._services = services
        self._found: dict[str, _UpToDate] = {}

    def perform(self, programs: Iterable[Program], is_over: Callable[[], bool]) -> None:
        """Judge the parts of programs, prerequisites first, until `is_over`, or a unit is not up to date."""
        try:
            for part in (part for program in programs for part in self._parts(program)):
                if is_over() or not (part.folder in self._found or self._judge(part) or not part.package):
                    return
        except (OSError, OstooError):  # an input is gone: the build that follows tells it
            return

    def keep(self, edited: Collection[str]) -> None:
        """Forget all parts that portable paths concern which were edited since."""
        kept: set[str] = set()
        for folder, each in self._found.items():
            if each.part.needs <= kept and each.holds(edited):
                kept.add(folder)
            else:
                self._services.engine.settled.pop(self._planner.root / folder, None)

    def _parts(self, program: Program) -> Iterator[_Part]:
        planner, services = self._planner, self._services
        for folder, make in nodes.foundations(planner, services, program):
            yield _Part(folder, "", frozenset(), make)
        for unit in program.units:
            needs = frozenset(planner.units[id_].folder for id_ in unit.prerequisites)
            yield _Part(unit.folder, unit.package, needs, partial(self._job, unit))

    def _job(self, unit: Unit) -> Job:
        """Return a unit's job; its snapshot is not kept during the wait."""
        return unit_rule.job(self._planner, self._services, unit, Snapshot())

    def _judge(self, part: _Part) -> bool:
        folder, engine = self._planner.root / part.folder, self._services.engine
        record = records.load(folder)
        if record is None:
            return False
        stamps = StampSet.of((), [str(folder / name) for name in (NAME, *record.outputs)]).places
        job = part.make()
        is_away = (job.needed or engine.fetch_all) and None in stamps.values()
        if is_away or engine.present(job) != record:
            engine.settled.pop(folder, None)
            return False
        self._found[part.folder] = _UpToDate(part, frozenset(entry.path for entry in job.action.inputs), stamps)
        return True
