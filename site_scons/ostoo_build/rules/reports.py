"""Makes size and stack reports of published programs, and keeps the previous report."""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.actions.record import NAME
from ostoo_build.base import layout, own_files, own_source, pages, source_files
from ostoo_build.execution.job import Job
from ostoo_build.rules import nodes, target_spec
from ostoo_build.rules.nodes import Node
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.actions.record import Record
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program

REPORT = "report.json"
PAGE = "treemap.html"
"""Located beside the report's folder: it says when it was made, so it is no output of an action."""

PREVIOUS = "previous.json"
"""Located beside the report's folder, as it is not an output of a build."""


class ReportKind(Enum):
    """The kind of a report; the value is its folder's name."""

    SIZE = "size"
    STACK = "stack"

    @property
    def word(self) -> str:
        """Return the command line target of this kind."""
        return f"{self.value}-report"


DECIDED_BY = {
    ReportKind.SIZE: ("base", "binary", "size", "rules/reports.py"),
    ReportKind.STACK: ("base", "binary", "loader", "stack", "rules/reports.py"),
}


def place(program: Program, kind: ReportKind) -> str:
    """Return the folder of a report."""
    return f"{layout.reports(program.target, program.profile, program.name)}/{kind.value}"


def node(planner: Planner, services: Services, program: Program, kind: ReportKind) -> Node:
    """Return the node that makes a report after its program was published."""
    description = f"report the {kind.value} of {program.name}"
    name = f"{place(program, kind)}/{NAME}"
    write = partial(_write, planner, services, program, kind)
    is_done = partial(_is_done, planner, services, program, kind)
    return Node(name, Places.of(program).published, description, write, is_done)


def _write(planner: Planner, services: Services, program: Program, kind: ReportKind) -> Record:
    """Make a report, and keep the previous one if it differs."""
    there = planner.root / place(program, kind)
    former = _contents(there / REPORT)
    made = services.engine.perform(_job(planner, program, kind))
    if former is not None and former != _contents(there / REPORT):
        source_files.write_output(there.with_name(f"{kind.value}.{PREVIOUS}"), former)
    if kind is ReportKind.SIZE:
        _write_page(planner, program, there / REPORT)
    return made


def _is_done(planner: Planner, services: Services, program: Program, kind: ReportKind) -> bool:
    page = planner.root / page_of(program)
    has_page = kind is not ReportKind.SIZE or page.is_file()
    return has_page and nodes.is_done(services.engine, partial(_job, planner, program, kind))


def page_of(program: Program) -> str:
    """Return the path of the page with the treemap of a program's size."""
    return f"{layout.reports(program.target, program.profile, program.name)}/{PAGE}"


def _write_page(planner: Planner, program: Program, report: Path) -> None:
    from ostoo_build.size import report as size_report  # noqa: PLC0415 - 40 ms that each start would wait for

    command = f"{own_files.build_words(planner.root)} {ReportKind.SIZE.word} {program.name}"
    about = pages.about(planner.root, command, f"Rust {planner.tools.toolchain.version}")
    source_files.write_output(planner.root / page_of(program), size_report.read(report).to_page(about).encode())


def _job(planner: Planner, program: Program, kind: ReportKind) -> Job:
    """Describe a report on the published program."""
    name = place(program, kind)
    there = planner.root / name
    shipped, unstripped = (planner.root / path for path in Places.of(program).published)
    contract = target_spec.contract_file(planner.targets, program.target) if kind is ReportKind.STACK else None

    def run() -> Outcome:
        if kind is ReportKind.SIZE:
            from ostoo_build.size import report as size_report  # noqa: PLC0415 - 40 ms that each start would wait for

            size = size_report.analyse(shipped, unstripped, program.name)
            source_files.write_output(there / REPORT, size.to_json().encode())
            return Outcome((REPORT,))
        from ostoo_build.loader import contract as loader_contract  # noqa: PLC0415 - likewise
        from ostoo_build.stack import report as stack_report  # noqa: PLC0415 - likewise

        given = loader_contract.load(contract).stack if contract else None
        stack = stack_report.analyse(unstripped, program.name, given)
        source_files.write_output(there / REPORT, stack.to_json().encode())
        return Outcome((REPORT,))

    inputs = tuple(planner.paths.input(path) for path in (shipped, unstripped, *([contract] if contract else ())))
    action = Action(
        f"{kind.value.capitalize()}Report",
        (program.name,),
        (),
        inputs,
        (f"{name}/{REPORT}",),
        version=own_source.digest_of(*DECIDED_BY[kind]),
    )
    subject = f"the {kind.value} of {planner.targets.named(program.name, program.target)}"
    return Job(action, there, name, "Reporting", subject, run, needed=True)


def _contents(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
