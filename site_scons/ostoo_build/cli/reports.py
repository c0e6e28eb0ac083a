"""`./ostoo stack` and `./ostoo size`: builds a program and shows the report. Does not know how a report is made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.rules.reports import PAGE, PREVIOUS, REPORT, Kind
from ostoo_build.size import report as size_report
from ostoo_build.stack import report as stack_report

if TYPE_CHECKING:
    from ostoo_build.cli.run import Runner
    from ostoo_build.size.report import SizeReport


def stack(runner: Runner, program: str) -> int:
    """Show how much stack a program needs; 1 where what is known of that is more than the loader gives, else 0."""
    runner.build([Kind.STACK.word, program])
    report = stack_report.read(runner.reports(program) / Kind.STACK.value / REPORT)
    sys.stdout.write(stack_report.table(report))
    return 0 if report.fits else 1


def size(runner: Runner, program: str, *, whole: bool) -> None:
    """Show where a program's bytes are, and where the page with the map lies."""
    report = _made(runner, program)
    sys.stdout.write(size_report.table(report, whole=whole))
    page = runner.reports(program) / Kind.SIZE.value / PAGE
    runner.report.status("Treemap", f"in {page.relative_to(runner.root)}")


def compare(runner: Runner, program: str, other: str, *, whole: bool) -> None:
    """Show what changed since the former report, or since what the file `other` tells. Raises `OstooError` without."""
    after = _made(runner, program)
    former = runner.reports(program) / f"{Kind.SIZE.value}.{PREVIOUS}"
    if not other and not former.is_file():
        raise OstooError(
            f"there is no former report on {program}",
            where=str(former),
            remedy="each report on another build keeps the one before; or name a file to compare with",
        )
    before = size_report.of_file(Path(other)) if other else size_report.read(former)
    sys.stdout.write(size_report.comparison(before, after, whole=whole))


def _made(runner: Runner, program: str) -> SizeReport:
    runner.build([Kind.SIZE.word, program])
    return size_report.read(runner.reports(program) / Kind.SIZE.value / REPORT)
