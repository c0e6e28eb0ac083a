"""Yields the nodes of what editors need of a program: its build scripts, run, and its macros."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit
    from ostoo_build.rules.nodes import Node


def wanted(programs: Iterable[Program]) -> dict[str, Unit]:
    """Return by id the units whose results an editor needs: runs of build scripts, and macros."""
    units = {unit.id: unit for program in programs for unit in program.units}
    return {id_: unit for id_, unit in units.items() if isinstance(unit, RunBuildScript) or _is_macro(unit)}


def aims(programs: Iterable[Program]) -> list[str]:
    """Return the names of their nodes."""
    return [unit.record for unit in wanted(programs).values()]


def of_programs(planner: Planner, services: Services, programs: Iterable[Program]) -> Iterator[Node]:
    """Yield their nodes, prerequisites first."""
    made: dict[str, None] = {}

    def visit(id_: str) -> None:
        for other in planner.units[id_].prerequisites if id_ not in made else ():
            visit(other)
        made[id_] = None

    for id_ in wanted(programs):
        visit(id_)
    for unit in (planner.units[id_] for id_ in made):
        if unit.target:
            yield nodes.check_target(planner, services, unit.target)
        yield from nodes.of_unit(planner, services, unit)


def _is_macro(unit: Unit) -> bool:
    return isinstance(unit, CompileUnit) and unit.kind is UnitKind.PROC_MACRO
