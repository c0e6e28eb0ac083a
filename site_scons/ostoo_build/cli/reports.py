"""Implements `./ostoo stack` and `./ostoo size`: builds a program and shows the report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.rules.reports import PAGE, PREVIOUS, REPORT, ReportKind
from ostoo_build.size import report as size_report
from ostoo_build.stack import report as stack_report

if TYPE_CHECKING:
    from ostoo_build.cli.run import Runner
    from ostoo_build.size.report import SizeReport


def stack(runner: Runner, program: str) -> int:
    """Show how much stack a program needs. Return 1 if the known part exceeds the loader's stack, else 0."""
    runner.build([ReportKind.STACK.word, program])
    report = stack_report.read(runner.reports(program) / ReportKind.STACK.value / REPORT)
    sys.stdout.write(stack_report.table(report))
    return 0 if report.fits else 1


def size(runner: Runner, program: str, *, whole: bool) -> None:
    """Show a program's size report, and the path of the page with the treemap."""
    report = _made(runner, program)
    sys.stdout.write(size_report.table(report, whole=whole))
    page = runner.reports(program) / PAGE
    runner.console.status("Treemap", f"in {page.relative_to(runner.root)}")


def compare(runner: Runner, program: str, other: str, *, whole: bool) -> None:
    """Show changes since the previous report, or since the report or program `other`.

    Raises `OstooError` if there is none.
    """
    after = _made(runner, program)
    former = runner.reports(program) / f"{ReportKind.SIZE.value}.{PREVIOUS}"
    if not other and not former.is_file():
        raise OstooError(
            f"there is no earlier report on {program}",
            where=str(former),
            remedy="each report on a new build keeps the previous one; or name a file to compare with",
        )
    before = size_report.of_file(Path(other)) if other else size_report.read(former)
    sys.stdout.write(size_report.comparison(before, after, whole=whole))


def _made(runner: Runner, program: str) -> SizeReport:
    runner.build([ReportKind.SIZE.word, program])
    return size_report.read(runner.reports(program) / ReportKind.SIZE.value / REPORT)
