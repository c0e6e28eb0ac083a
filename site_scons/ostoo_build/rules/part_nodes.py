"""Yields the nodes of parts of a program: of its check or documentation, and of what editors need."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.actions import record as records
from ostoo_build.actions.outcome import ToolFailed
from ostoo_build.base import layout, state_file
from ostoo_build.base.paths import is_local
from ostoo_build.planning.planned_unit import RunBuildScript, is_checked, is_macro
from ostoo_build.rules import docs, nodes, target_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ostoo_build.actions.record import Record
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit
    from ostoo_build.rules.nodes import Node


def of_check(planner: Planner, services: Services, plans: Iterable[Program]) -> Iterator[Node]:
    """Yield the nodes of programs' checks, prerequisites first; `plans` are those of checks.

    Beside the outputs of each crate that users edit it is noted that the check came to it.
    """
    units = _units(planner, (unit.id for plan in plans for unit in aims(plan)))
    return nodes.without(_known(planner, services, units), _of_check(planner, services, units))


def _of_check(planner: Planner, services: Services, units: Iterable[Unit]) -> Iterator[Node]:
    for unit in units:
        note = partial(_noting, planner.root / unit.folder / layout.CHECKED)
        for node in _of_unit(planner, services, unit):
            yield replace(node, perform=partial(note, node)) if is_local(unit.package) else node


def _known(planner: Planner, services: Services, units: Sequence[Unit]) -> set[str]:
    """Return the folders of what is known to be up to date, and of which there is nothing to tell."""
    settled = services.engine.settled
    specs = {target_spec.folder(unit.target): None for unit in units if unit.target}
    folders = (*specs, *(unit.folder for unit in units if not is_local(unit.package)))
    found = ((folder, settled.get(planner.root / folder)) for folder in folders)
    return {folder for folder, known in found if known is not None and not known.record.stderr}


def of_docs(planner: Planner, services: Services, plans: Iterable[Program]) -> Iterator[Node]:
    """Yield the nodes of programs' documentation, prerequisites first; `plans` are those of documentation."""
    for plan in plans:
        wanted = docs.documented(plan, services)
        for unit in _units(planner, (unit.id for unit in wanted)):
            yield from _of_unit(planner, services, unit)
        name = f"{layout.docs(plan.target, plan.name)}/{records.NAME}"
        make = partial(docs.job, planner, services, plan)
        yield nodes.of_job(services.engine, name, tuple(unit.record for unit in wanted), f"document {plan.name}", make)


def aims(plan: Program) -> list[Unit]:
    """Return the units for which the part of a program is made: its own, and those that nothing needs."""
    return [unit for unit in plan.units if unit is plan.units[-1] or (is_checked(unit) and not unit.target)]


def _noting(place: Path, node: Node) -> Record | None:
    try:
        made = node.perform()
    except ToolFailed as error:
        state_file.write(place, error.diagnostics.encode())
        raise
    if node.is_file:
        state_file.write(place, b"")
    return made


def wanted_by_editor(programs: Iterable[Program]) -> dict[str, Unit]:
    """Return by id the units whose results an editor needs: runs of build scripts, and macros."""
    units = {unit.id: unit for program in programs for unit in program.units}
    return {id_: unit for id_, unit in units.items() if isinstance(unit, RunBuildScript) or is_macro(unit)}


def of_editor(planner: Planner, services: Services, programs: Iterable[Program]) -> Iterator[Node]:
    """Yield the nodes of what an editor needs, prerequisites first."""
    for unit in _units(planner, wanted_by_editor(programs)):
        yield from _of_unit(planner, services, unit)


def _units(planner: Planner, ids: Iterable[str]) -> list[Unit]:
    """Return units and all that these need, prerequisites first."""
    made: dict[str, None] = {}

    def visit(id_: str) -> None:
        for other in planner.units[id_].prerequisites if id_ not in made else ():
            visit(other)
        made[id_] = None

    for id_ in ids:
        visit(id_)
    return [planner.units[id_] for id_ in made]


def _of_unit(planner: Planner, services: Services, unit: Unit) -> Iterator[Node]:
    if unit.target:
        yield nodes.check_target(planner, services, unit.target)
    yield from nodes.of_unit(planner, services, unit)
