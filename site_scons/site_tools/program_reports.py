"""Builder `ProgramReports`: what a program's bytes and stack are for; only made where the command line says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build.rules import reports as program_reports
from ostoo_build.rules.reports import Kind
from site_tools.scons_nodes import declare

if TYPE_CHECKING:
    from ostoo_build.invocation.request import Requested
    from ostoo_build.invocation.session import Session


def declare_reports(env: Any, requested: Requested) -> None:
    """Declare the reports that are asked for, on each program for each target that it is asked for."""
    session: Session = env["OSTOO"]
    for kind in Kind:
        if kind.word in requested.words:
            asked = sorted(session.programs.asked(requested.programs))
            programs = [session.plan(name, target) for name, target in asked]
            env.Alias(kind.word, [declare(env, program_reports.node(session, program, kind)) for program in programs])


def generate(env: Any) -> None:
    env.AddMethod(declare_reports, "ProgramReports")


def exists(_env: Any) -> bool:
    return True
