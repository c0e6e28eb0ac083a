"""Judges units before a build waits, so that afterwards only those are judged that an edit may concern.

What is in a unit's key besides files was read before the wait, and the build ends if that changed (`standby`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions import record as records
from ostoo_build.actions.record import NAME
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.rules import unit as unit_rule
from ostoo_build.start.null_build import StampSet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from ostoo_build.base.stamps import Stamps
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit


class _UpToDate(Struct, frozen=True):
    """A unit that was up to date: the portable paths of its inputs, and the stamps of its record and outputs."""

    unit: Unit
    inputs: frozenset[str]
    stamps: Stamps

    def holds(self, edited: Collection[str]) -> bool:
        """Whether it still is, if its prerequisites are and these portable paths were edited."""
        package = f"{self.unit.package}/"
        if any(path in self.inputs or f"{path}/".startswith(package) for path in edited):
            return False
        return StampSet.of((), self.stamps).places == self.stamps


class Rehearsal:
    """The units of some programs that need no work, in the engine's `settled`."""

    def __init__(self, planner: Planner, services: Services) -> None:
        self._planner = planner
        self._services = services
        self._found: dict[str, _UpToDate] = {}

    def perform(self, programs: Iterable[Program], is_over: Callable[[], bool]) -> None:
        """Judge the units of programs, prerequisites first, until `is_over`, or one is not up to date."""
        try:
            for program in programs:
                for unit in program.units:
                    if is_over() or not (unit.id in self._found or self._judge(unit)):
                        return
        except (OSError, OstooError):  # an input is gone: the build that follows tells it
            return

    def keep(self, edited: Collection[str]) -> None:
        """Forget all units that portable paths concern which were edited since."""
        kept: set[str] = set()
        for id_, each in self._found.items():
            if kept.issuperset(each.unit.prerequisites) and each.holds(edited):
                kept.add(id_)
            else:
                self._services.engine.settled.pop(self._folder(each.unit), None)

    def _judge(self, unit: Unit) -> bool:
        folder, engine = self._folder(unit), self._services.engine
        record = records.load(folder)
        if record is None:
            return False
        stamps = StampSet.of((), [str(folder / name) for name in (NAME, *record.outputs)]).places
        job = unit_rule.job(self._planner, self._services, unit, Snapshot())
        if engine.present(job) != record:
            engine.settled.pop(folder, None)
            return False
        self._found[unit.id] = _UpToDate(unit, frozenset(entry.path for entry in job.action.inputs), stamps)
        return True

    def _folder(self, unit: Unit) -> Path:
        return self._planner.root / unit.folder
