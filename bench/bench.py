"""Compares this build with cargo on this machine: python bench/bench.py [--case NAME] [RUSTC=... CARGO=...].

Contenders alternate, so that other load on the machine affects all of them. docs/performance.md describes the cases.
Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[1:1] = [str(ROOT / path) for path in ("site_scons", "tests/e2e", "tests/support")]

import aims  # noqa: E402 - found only by the path that is set above
import page  # noqa: E402 - likewise
import table  # noqa: E402 - likewise
from cases import CASES, EVERYBODY, Case  # noqa: E402 - likewise
from contenders import CPUS, Contender, enter  # noqa: E402 - likewise
from table import Conditions, Figures  # noqa: E402 - likewise

from ostoo_build.base.errors import OstooError  # noqa: E402 - likewise

if TYPE_CHECKING:
    from measure import Cost

    Costs = dict[str, dict[str, list[Cost]]]
    Sizes = dict[str, dict[str, int]]


def main() -> None:
    arguments = _arguments()
    cases = [case for case in CASES if not arguments.case or case.name in arguments.case]
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        try:
            toolchain, contenders = enter(Path(scratch).resolve(), dict(arguments.variables))
            costs, sizes = measure_all(contenders, cases, arguments.rounds)
        except OstooError as error:
            sys.exit(str(error))
    conditions = Conditions(toolchain, CPUS, arguments.rounds, (load, os.getloadavg()[0]))
    figures = Figures(conditions, costs, sizes)
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(figures), indent=2) + "\n", encoding="utf-8")
    found = [*aims.of_builds(figures)]
    parts = (table.conditions(conditions), aims.report(found), *table.costs(figures), table.sizes(figures))
    text = "\n\n".join(filter(None, parts))
    print(text)
    if arguments.markdown:
        page.write("bench.py", text)
    sys.exit(aims.worse(found))


def measure_all(contenders: tuple[Contender, ...], cases: list[Case], rounds: int) -> tuple[Costs, Sizes]:
    """Run all cases, each contender in turn. Raises `OstooError` if a build fails or has the wrong result."""
    costs: Costs = {}
    sizes: Sizes = {}
    for number in range(rounds):
        for case in cases:
            for contender in _rotated(contenders, number):
                if contender.name not in case.by:
                    continue
                run = case.play(contender, number)
                costs.setdefault(case.name, {}).setdefault(contender.name, []).append(run.cost)
                print(f"{number + 1}/{rounds} {case.name} {contender.name} {run.cost.wall:.2f} s", file=sys.stderr)
                if case.cold and case.by == EVERYBODY:
                    for name in case.programs:
                        sizes.setdefault(name, {})[contender.name] = contender.program(name).stat().st_size
    return costs, sizes


def _rotated(contenders: tuple[Contender, ...], number: int) -> tuple[Contender, ...]:
    """Return the contenders in another order for each round. The first one has the machine's caches as they are."""
    first = number % len(contenders)
    return contenders[first:] + contenders[:first]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare this build with cargo.")
    parser.add_argument("--rounds", type=_positive, default=5, help="how often each case is played (default: 5)")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES], help="only this; repeatable")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single figure to FILE")
    parser.add_argument("--markdown", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument(
        "variables", nargs="*", type=_variable, metavar="VARIABLE=PATH", help="RUSTC, CARGO, LLD or RUST_SRC"
    )
    return parser.parse_args()


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one round is needed")
    return number


def _variable(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    if name not in ("RUSTC", "CARGO", "LLD", "RUST_SRC") or not value:
        raise argparse.ArgumentTypeError(f"{word} is none of RUSTC=, CARGO=, LLD=, RUST_SRC= with a path")
    return name, value


if __name__ == "__main__":
    main()
