"""Checks a linked program against the loader contract, and names the functions that violate it."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from ostoo_build.actions import record as records
from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.base import digest, home, own_source, source_files
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.execution.job import Job
from ostoo_build.planning.planned_unit import CompileUnit
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules import unit_inputs
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.actions.record import Output, Record
    from ostoo_build.base.paths import PathMap
    from ostoo_build.binary.functions import Symbols
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.loader.check import CheckReport
    from ostoo_build.loader.code_facts import CodeFacts
    from ostoo_build.planning.plan import Program

DECIDED_BY = ("base", "binary", "loader")
"""The packages that decide a check: after an edit programs are checked again, but not compiled."""


def job(planner: Planner, services: Services, program: Program, size_budget: int | None, snapshot: Snapshot) -> Job:
    """Describe the check of a linked program against the loader contract."""
    places = Places.of(program)
    folder = planner.root / places.check

    def run() -> Outcome:
        report = _verify(planner, services, program, size_budget)
        source_files.write_output(folder / "report.json", report.to_json().encode())
        return Outcome(("report.json",))

    made = rule_actions.output_inputs(places.stripped, services.engine.result(planner.root / places.stripped))
    contract = planner.targets.files.contract(program.target)
    inputs = (*made, *unit_inputs.of_files(planner.paths, [contract], snapshot))
    arguments = (program.name, str(program.uses_std), str(size_budget), *sorted(_packages(program)))
    outputs = (f"{places.check}/report.json",)
    action = Action("ElfCheck", arguments, (), inputs, outputs, version=own_source.digest_of(*DECIDED_BY))
    subject = planner.targets.named(program.name, program.target)
    return Job(action, folder, places.check, "Checking", subject, run)


def perform(planner: Planner, services: Services, program: Program, size_budget: int | None) -> Record:
    """Check a linked program. Raises `OstooError` if it violates the contract."""
    try:
        return services.engine.perform(job(planner, services, program, size_budget, Snapshot()))
    finally:
        services.ahead.forget(Places.of(program).check)


def begin(planner: Planner, services: Services, program: Program) -> None:
    """Begin with what takes longest of the check of a program that was just linked, while its link is verified."""
    places, name = Places.of(program), program.unit.id
    former = records.load(planner.root / places.stripped) if records.load(planner.root / places.check) else None
    checked = former.outputs.get(name) if former else None
    linked, contract = planner.root / places.linked / name, planner.targets.files.contract(program.target)
    services.ahead.begin(places.check, partial(_look_ahead, linked, contract, checked))


def _look_ahead(linked: Path, contract_file: Path, checked: Output | None) -> CodeFacts | None:
    """Return facts about the code of a linked program, None if the shipped one will be that which was checked."""
    from ostoo_build.binary import strip  # noqa: PLC0415 - most starts have nothing to check
    from ostoo_build.loader import check, contract  # noqa: PLC0415 - likewise

    data = linked.read_bytes()
    if checked is not None and digest.of_bytes(strip.stripped(data)) == checked.sha256:
        return None
    return check.look_ahead(data, contract.load(contract_file))


def _verify(planner: Planner, services: Services, program: Program, size_budget: int | None) -> CheckReport:
    from ostoo_build.loader import check, contract  # noqa: PLC0415 - likewise
    from ostoo_build.loader.code_facts import CodeFacts  # noqa: PLC0415 - likewise
    from ostoo_build.loader.rule import ProgramFacts  # noqa: PLC0415 - likewise

    places, name = Places.of(program), program.unit.id
    private = _private_folders(planner.paths)
    facts = ProgramFacts(program.name, program.uses_std, size_budget, _packages(program), private)
    found = contract.load(planner.targets.files.contract(program.target))
    names = partial(_function_names, planner.root / places.linked / name)
    ahead = services.ahead.take(places.check)
    known = ahead if isinstance(ahead, CodeFacts) else None
    return check.verify(planner.root / places.stripped / name, found, facts, names, known)


def _function_names(linked: Path) -> Symbols:
    """Return the names for a refusal's message. They decide nothing, so the file is no input of the check."""
    from ostoo_build.binary import functions  # noqa: PLC0415 - a good program does not need it

    return functions.load(linked)


def _packages(program: Program) -> frozenset[str]:
    """Return the names of the packages that are linked into a program."""
    kinds = (UnitKind.PROGRAM, UnitKind.LIBRARY)
    crates = (unit for unit in program.units if isinstance(unit, CompileUnit) and unit.kind in kinds)
    return frozenset(unit.label.partition(" ")[0] for unit in crates)


def _private_folders(paths: PathMap) -> tuple[str, ...]:
    """Return the folders of this machine that no program may name. They are in no key: a passing program has none."""
    places = [paths.root, *(paths.expand(f"@{{{name}}}") for name in ("cargo-home", "toolchain", "rust-src"))]
    return tuple(place for place in (*places, str(home.folder(os.environ))) if place != "/")
