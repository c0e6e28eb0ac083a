"""Measures a check after an edit: python bench/check_bench.py [--rounds N] [--markdown].

Compares `./ostoo check` with a build server, and `cargo check`, until the warning about the edit is shown. Each has its
own checkout; they alternate. Linux only.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[1:1] = [str(ROOT / path) for path in ("site_scons", "tests/e2e", "tests/support")]

import aims  # noqa: E402 - found only by the path that is set above
import measure  # noqa: E402 - likewise
import table as markdown  # noqa: E402 - likewise
import turns  # noqa: E402 - likewise
from contenders import Ours, enter  # noqa: E402 - likewise

from ostoo_build.base.errors import OstooError  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aims import Aim
    from contenders import Contender

PROGRAMS = ("hello-rs", "hello-std")


@dataclass
class Checker:
    """One of both: what checks `program`."""

    contender: Contender
    program: str
    seconds: list[float] = field(default_factory=list)

    def check(self) -> str:
        """Check, and return what is said."""
        done = measure.run(self._command, self.contender.folder, self._environment)
        self.seconds.append(done.cost.wall)
        return done.said

    def edit(self, number: int) -> None:
        """Save a function that nobody calls, and check. Raises `OstooError` if that is not told."""
        path = self.contender.root / f"user-rs/{self.program}/src/main.rs"
        good = path.read_text(encoding="utf-8")
        path.write_text(f"{good}\nfn edit_{number:04}() {{}}\n", encoding="utf-8")
        try:
            if f"edit_{number:04}" not in self.check():
                raise OstooError("a check does not tell of the edit", where=str(path))
        finally:
            path.write_text(good, encoding="utf-8")
        self.undone()

    def undone(self) -> None:
        """Check what is there, which is not measured, and wait until the server is ready."""
        self.check()
        self.seconds.pop()
        self.contender.settle()

    @property
    def _command(self) -> list[str]:
        if isinstance(self.contender, Ours):
            return [sys.executable, "-P", "-m", "ostoo_build.cli", "check", self.program, "cache=off"]
        (command,) = self.contender.commands([self.program])
        return ["check" if word == "build" else word for word in command]

    @property
    def _environment(self) -> Mapping[str, str]:
        return {**self.contender.environment, "PYTHONPATH": str(self.contender.root / "site_scons")}


def main() -> None:
    turns.run("check_bench.py", "Measure a check after an edit.", measure_all, found, table)


def measure_all(scratch: Path, rounds: int) -> tuple[str, list[tuple[Checker, Checker]]]:
    """Let both check in turn, and return them for each program. Raises `OstooError` if a check fails."""
    toolchain, (ours, _, cargo, *_) = enter(scratch, {})
    pairs = [(Checker(ours, program), Checker(cargo, program)) for program in PROGRAMS]
    for pair in pairs:
        for each in pair:
            each.undone()
        for number in range(rounds + 1):
            for each in pair[:: 1 if number % 2 else -1]:
                each.edit(number)
                said = f"{number}/{rounds} {each.program} {each.contender.name} {each.seconds[-1]:.3f} s"
                print(said, file=sys.stderr)
        for each in pair:
            each.seconds.pop(0)  # the first edit is for what is done once
    return toolchain, pairs


def found(pairs: list[tuple[Checker, Checker]]) -> list[tuple[Aim, float]]:
    """Return the aims with their figures."""
    return [aims.of_checks(ours.program, ours.seconds, cargo.seconds) for ours, cargo in pairs]


def table(pairs: list[tuple[Checker, Checker]]) -> str:
    """Return the medians as Markdown, with minimum and maximum in brackets."""
    rows = [
        (
            ours.program,
            markdown.spread(ours.seconds, 2),
            markdown.spread(cargo.seconds, 2),
            f"{aims.of_checks(ours.program, ours.seconds, cargo.seconds)[1]:.2f}",
        )
        for ours, cargo in pairs
    ]
    return markdown.table(("Seconds", "./ostoo check", "cargo check", "ours / cargo"), rows)


if __name__ == "__main__":
    main()
