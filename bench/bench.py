"""Compares this build with cargo on this machine: python bench/bench.py [--case NAME] [RUSTC=... CARGO=...].

Contenders run in turn, so that what else the machine does meets all of them. docs/performance.md says what the cases
are. Linux only.
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
sys.path[1:1] = [str(ROOT / "site_scons"), str(ROOT / "tests" / "e2e")]

from cases import CASES, Case  # noqa: E402 - found only by the path that is set above
from contenders import CPUS, Contender, enter  # noqa: E402 - likewise
from table import Conditions, Figures, markdown  # noqa: E402 - likewise

from ostoo_build.errors import OstooError  # noqa: E402 - likewise

if TYPE_CHECKING:
    from measure import Cost

PAGE = ROOT / "docs" / "performance.md"
BEGIN = "<!-- figures: written by bench/bench.py --markdown -->\n"
END = "<!-- end of figures -->\n"


def main() -> None:
    arguments = _arguments()
    variables = dict(word.split("=", 1) for word in arguments.variables)
    cases = [case for case in CASES if not arguments.case or case.name in arguments.case]
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        try:
            toolchain, contenders = enter(Path(scratch).resolve(), variables)
            figures = measure_all(toolchain, contenders, cases, arguments.rounds)
        except OstooError as error:
            sys.exit(str(error))
    text = markdown(figures)
    print(text, end="")
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(figures), indent=2) + "\n", encoding="utf-8")
    if arguments.markdown:
        _write_page(text)


def measure_all(toolchain: str, contenders: tuple[Contender, ...], cases: list[Case], rounds: int) -> Figures:
    """Play all cases, each contender in turn. Raises `OstooError` for a build that fails or does not do its work."""
    before = os.getloadavg()[0]
    costs: dict[str, dict[str, list[Cost]]] = {}
    sizes: dict[str, dict[str, int]] = {}
    for number in range(rounds):
        for case in cases:
            for contender in contenders[number % 3 :] + contenders[: number % 3]:
                if contender.name not in case.by:
                    continue
                run = case.play(contender, number)
                costs.setdefault(case.name, {}).setdefault(contender.name, []).append(run.cost)
                print(f"{number + 1}/{rounds} {case.name} {contender.name} {run.cost.wall:.2f} s", file=sys.stderr)
                if case.cold:
                    for name in case.programs:
                        sizes.setdefault(name, {})[contender.name] = contender.program(name).stat().st_size
    conditions = Conditions(toolchain, CPUS, rounds, (before, os.getloadavg()[0]))
    return Figures(conditions, costs, sizes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare this build with cargo.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each case is played (default: 5)")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES], help="only this; repeatable")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single figure to FILE")
    parser.add_argument("--markdown", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("variables", nargs="*", metavar="VARIABLE=PATH", help="RUSTC, CARGO, LLD or RUST_SRC")
    return parser.parse_args()


def _write_page(tables: str) -> None:
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n{tables}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
