"""Collects what a build said about each crate that users edit, and what it made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions import compiler_output
from ostoo_build.base.paths import is_local
from ostoo_build.check.results import Checked, parsed
from ostoo_build.planning.planned_unit import CompileUnit
from ostoo_build.planning.rustc_flags import UnitKind

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from ostoo_build.actions.record import Record
    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit


class Build(Struct, frozen=True):
    """A build that has ended: records of units, diagnostics of those that failed, and programs, by their folders.

    `done` are the folders of units for which something was done. All paths but those of programs are portable.
    """

    paths: PathMap
    records: Mapping[str, Record]
    failed: Mapping[str, str]
    programs: Mapping[str, str]
    done: Container[str]

    def record(self, unit: Unit) -> Record | None:
        """Return the record of a unit that the build reached; None if it did not, or failed."""
        return self.records.get(unit.folder)


def collect(plans: Iterable[Program], build: Build) -> Iterator[Checked]:
    """Yield the crates that users edit and that the build reached, each once."""
    units = {unit.id: unit for plan in plans for unit in plan.units}
    for unit in units.values():
        if not isinstance(unit, CompileUnit) or not is_local(unit.package):
            continue
        made = build.record(unit)
        if made is not None:
            said = compiler_output.diagnostics(made.stdout)
            program = build.programs.get(unit.folder, "") if unit.kind is UnitKind.PROGRAM else ""
            yield Checked(unit, parsed(said, build.paths), True, program, unit.folder not in build.done)  # noqa: FBT003 - a field
        elif unit.folder in build.failed:
            yield Checked(unit, parsed(build.failed[unit.folder], build.paths), is_made=False)
