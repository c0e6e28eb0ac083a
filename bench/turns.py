"""The program of a script whose contenders edit in turn: its command line, its scratch folder, its text and its end."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import aims
import page
from contenders import CPUS

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aims import Aim

Rows = TypeVar("Rows")


def run(
    script: str,
    what: str,
    measure: Callable[[Path, int], tuple[str, Rows]],
    figures: Callable[[Rows], Iterable[tuple[Aim, float]]],
    table: Callable[[Rows], str],
) -> NoReturn:
    """Measure in a scratch folder, a number of rounds, and tell; `what` is what the script does.

    `measure` returns the toolchain and rows, of which `figures` and the `table` are made.
    """
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--rounds", type=int, default=5, help="how often each edits (default: 5)")
    parser.add_argument("--markdown", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        try:
            toolchain, rows = measure(Path(scratch).resolve(), arguments.rounds)
        except OstooError as error:
            sys.exit(str(error))
    said = f"{toolchain}. CPUs: {CPUS}. Rounds: {arguments.rounds}. Load average before: {load:.1f}."
    found = [*figures(rows)]
    text = f"{said}\n\n{aims.report(found)}\n\n{table(rows)}"
    print(text)
    if arguments.markdown:
        page.write(script, text)
    sys.exit(aims.worse(found))
