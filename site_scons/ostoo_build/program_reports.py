"""Has the reports on a built program's size and stack made, and keeps the former one. Does not know what is in them."""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from ostoo_build import nodes, own_code, source_tree, steps
from ostoo_build.execution.action import Action
from ostoo_build.execution.engine import Job
from ostoo_build.execution.finishing import Outcome
from ostoo_build.execution.record import NAME
from ostoo_build.nodes import Node
from ostoo_build.steps import Places

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build import digest
    from ostoo_build.plan import Program
    from ostoo_build.session import Session

FOLDER = "build/reports"
REPORT = "report.json"
PAGE = "treemap.html"
PREVIOUS = "previous.json"
"""Lies beside the report's folder: it is no output of a build."""


class Kind(Enum):
    """What a report is about; the value names its folder."""

    SIZE = "size"
    STACK = "stack"

    @property
    def word(self) -> str:
        """The target of the command line that asks for it."""
        return f"{self.value}-report"


_MODULES = {
    Kind.SIZE: ("size_report.py", "size_parts.py", "treemap.html", "program_reports.py"),
    Kind.STACK: (
        *(
            "stack_report.py",
            "stack_bound.py",
            "stack_effects.py",
            "stack_state.py",
            "call_graph.py",
            "address_taken.py",
        ),
        *("instruction_flow.py", "disassembly.py", "loader_contract.py", "schema_file.py", "program_reports.py"),
    ),
}
_FILES = {Kind.SIZE: (REPORT, PAGE), Kind.STACK: (REPORT,)}
_SHARED = ("elf.py", "symbol_table.py", "demangle.py", "demangle_v0.py", "sizes.py")


def modules_digest(kind: Kind) -> digest.Hash:
    """Digest of what makes a report: it is made again when that changes."""
    return own_code.digest_of_files((*_MODULES[kind], *_SHARED))


def folder(name: str, target: str, profile: str) -> str:
    """Where the reports on a program lie, relative to the root."""
    return f"{FOLDER}/{target}/{profile}/{name}"


def place(program: Program, kind: Kind) -> str:
    """The folder of one report."""
    return f"{folder(program.name, program.target, program.profile)}/{kind.value}"


def node(session: Session, program: Program, kind: Kind) -> Node:
    """What makes a report on a program, after the program was published."""
    description = f"report the {kind.value} of {program.name}"
    name = f"{place(program, kind)}/{NAME}"
    write = partial(_write, session, program, kind)
    is_done = partial(nodes.is_done, session, partial(_job, session, program, kind))
    return Node(name, Places.of(program).published, description, write, is_done)


def _write(session: Session, program: Program, kind: Kind) -> None:
    """Have a report made. Where it is another one than before, that one is kept too."""
    there = session.root / place(program, kind)
    former = _contents(there / REPORT)
    session.engine.perform(_job(session, program, kind))
    if former is not None and former != _contents(there / REPORT):
        source_tree.write_output(there.with_name(f"{kind.value}.{PREVIOUS}"), former)


def _job(session: Session, program: Program, kind: Kind) -> Job:
    """Describe a report on the program that was published."""
    name = place(program, kind)
    there = session.root / name
    shipped, unstripped = (session.root / path for path in Places.of(program).published)
    contract = steps.contract_files(session, program.target) if kind is Kind.STACK else []

    def run() -> Outcome:
        if kind is Kind.SIZE:
            from ostoo_build import size_report  # noqa: PLC0415 - 40 ms that each start would wait for

            size = size_report.analyse(shipped, unstripped, program.name)
            source_tree.write_output(there / REPORT, size.to_json().encode())
            source_tree.write_output(there / PAGE, size.to_page().encode())
            return Outcome(_FILES[kind])
        from ostoo_build import loader_contract, stack_report  # noqa: PLC0415 - likewise

        given = loader_contract.load(contract[0]).stack if contract else None
        stack = stack_report.analyse(unstripped, program.name, given)
        source_tree.write_output(there / REPORT, stack.to_json().encode())
        return Outcome(_FILES[kind])

    inputs = tuple(session.paths.input(path) for path in (shipped, unstripped, *contract))
    action = Action(
        f"{kind.value.capitalize()}Report",
        (program.name,),
        (),
        inputs,
        tuple(f"{name}/{file}" for file in _FILES[kind]),
        version=modules_digest(kind),
    )
    subject = f"the {kind.value} of {session.named(program.name, program.target)}"
    return Job(action, there, name, "Reporting", subject, run, needed=True)


def _contents(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
