"""Builder `ProgramReports`: what a program's bytes and stack are for; only made where the command line says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build import program_reports, steps
from ostoo_build.program_reports import Kind
from ostoo_build.steps import Places
from site_tools.keyed_action import KeyedAction, file_node, recorded_step

if TYPE_CHECKING:
    from ostoo_build.plan import Program
    from ostoo_build.requested import Requested
    from ostoo_build.session import Session


def declare(env: Any, requested: Requested) -> None:
    """Declare the reports that are asked for, on each program for each target that it is asked for."""
    session: Session = env["OSTOO"]
    for kind in Kind:
        if kind.word in requested.words:
            asked = sorted(session.programs.asked(requested.programs))
            env.Alias(kind.word, [_report(env, session.plan(name, target), kind) for name, target in asked])


def _report(env: Any, program: Program, kind: Kind) -> Any:
    session: Session = env["OSTOO"]
    contract = steps.contract_files(session, program.target) if kind is Kind.STACK else []
    description = f"report the {kind.value} of {program.name}"
    action = KeyedAction(
        program_reports.modules_digest(kind), description, lambda: program_reports.write(session, program, kind)
    )
    sources = [file_node(env, path) for path in (*Places.of(program).published, *map(session.paths.portable, contract))]
    return recorded_step(env, program_reports.place(program, kind), sources, action)


def generate(env: Any) -> None:
    env.AddMethod(declare, "ProgramReports")


def exists(_env: Any) -> bool:
    return True
