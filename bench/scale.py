"""Measures how this build scales with the number of programs: python bench/scale.py [--programs N]... [--markdown].

Cargo is called for one program at a time, as only that keeps features separate; ninja has the same graph as this build.
Linux only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[1:1] = [str(ROOT / path) for path in ("site_scons", "tests/e2e", "tests/support")]

import aims  # noqa: E402 - found only by the path that is set above
import measure  # noqa: E402 - likewise
import ninja_graph  # noqa: E402 - likewise
import page  # noqa: E402 - likewise
import scale_tree  # noqa: E402 - likewise
from cases import Edit  # noqa: E402 - likewise
from contenders import CPUS, Cargo, Ours, enter  # noqa: E402 - likewise
from table import MIB, Conditions, conditions, spread, table  # noqa: E402 - likewise

from ostoo_build.base.errors import OstooError  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Callable

    from measure import Cost

    Costs = dict[str, list[Cost]]

_AIMED = 1000
SIZES = (10, 100, _AIMED)
ONE, OTHER = "p0000", "p0001"
EDIT = Edit(f"user-rs/{ONE}/src/main.rs", 'ostoo_rt::println!("%s");\n    ', "ostoo_rt::println!(")
_PAUSE = 2
"""Seconds between two edits of a user."""


@dataclass
class Scaled:
    """A workspace with a number of programs, for us and for cargo, and the cost of each measurement by round."""

    scratch: Path
    ours: Ours
    cargo: Cargo
    costs: Costs = field(default_factory=dict)
    disk: int = 0

    def first(self) -> None:
        """Build everything for the first time."""
        self._note("ours: build all, from nothing", partial(self._ours))
        self.disk = _disk(self.ours.root / "build")
        self._note("cargo: build one, from nothing", partial(self._cargo, ONE))
        self._note("cargo: build another", partial(self._cargo, OTHER))
        ninja_graph.copy(self.ours.root, self._ninja_root)
        ninja_graph.write(self._ninja_root)
        self._note("ninja: build all, from nothing", self._ninja)

    def round(self, number: int) -> None:
        """Repeat all repeatable measurements."""
        for plans in self.scratch.glob("cache/*/plans"):
            shutil.rmtree(plans)
        self._note("ours: plan all, for the first time", partial(self._ours, "-n", "-s"))
        self._note("ours: plan all, again", partial(self._ours, "-n", "-s"))
        self._note("ours: plan all, all found up to date", partial(self._ours, "-s"))
        self._ours()
        self._note("ours: nothing to do, all asked for", partial(self._ours))
        self._note("ninja: nothing to do, all asked for", self._ninja)
        self._ours(ONE)
        self._note("ours: nothing to do, one asked for", partial(self._ours, ONE))
        self._note("cargo: nothing to do, one asked for", partial(self._cargo, ONE))
        self._note_edit(number, "ours: one edited, all asked for", self.ours.root, partial(self._ours))
        self._note_edit(number, "ninja: one edited, all asked for", self._ninja_root, self._ninja)
        self._note_edit(number, "ours: one edited, it asked for", self.ours.root, partial(self._ours, ONE))
        self._note_edit(number, "cargo: one edited, it asked for", self.cargo.root, partial(self._cargo, ONE))

    def _note_edit(self, number: int, what: str, root: Path, build: Callable[[], Cost]) -> None:
        if root == self.ours.root:
            build()
            self.ours.settle()
            time.sleep(_PAUSE)
        with EDIT.applied(root, f"This is edit number {number:04}."):
            self._note(what, build)
        build()

    def _note(self, what: str, build: Callable[[], Cost]) -> None:
        cost = build()
        self.costs.setdefault(what, []).append(cost)
        print(f"{what} {cost.wall:.2f} s", file=sys.stderr)

    def _ours(self, *words: str) -> Cost:
        return self.ours.build(words).cost

    def _cargo(self, name: str) -> Cost:
        command = [*self.cargo.cargo, "build", "--release", f"--package={name}"]
        return measure.run(command, self.cargo.folder, self.cargo.environment).cost

    def _ninja(self) -> Cost:
        return measure.run([str(ninja_graph.program()), "--quiet"], self._ninja_root, os.environ).cost

    @property
    def _ninja_root(self) -> Path:
        return self.scratch / "ninja"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how this build grows with the number of programs.")
    parser.add_argument("--programs", type=int, action="append", help=f"how many; repeatable (default: {SIZES})")
    parser.add_argument("--rounds", type=int, default=5, help="how often each measure is taken (default: 5)")
    parser.add_argument("--markdown", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    found: dict[int, Scaled] = {}
    for count in arguments.programs or SIZES:
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as scratch:
            try:
                toolchain, found[count] = measure_all(Path(scratch).resolve(), count, arguments.rounds)
            except OstooError as error:
                sys.exit(str(error))
    met = conditions(Conditions(toolchain, CPUS, arguments.rounds, (load, os.getloadavg()[0])))
    figures = [*aims.of_scale(_medians(found[_AIMED]))] if _AIMED in found else []
    text = "\n\n".join(filter(None, (met, aims.report(figures), rows(found))))
    print(text)
    if arguments.markdown:
        page.write("scale.py", text)
    sys.exit(aims.worse(figures))


def measure_all(scratch: Path, count: int, rounds: int) -> tuple[str, Scaled]:
    """Measure a workspace with that many programs. Raises `OstooError` if a build fails."""
    toolchain, (ours, _, cargo, *_) = enter(scratch, {})
    for each in (ours, cargo):
        scale_tree.add(each.root, count)
    ours = replace(ours, environment={**ours.environment, "XDG_CACHE_HOME": str(scratch / "cache")})
    ours.build(["sysroot"])  # and have the toolchain hashed: that is once for a user, not for a workspace
    scaled = Scaled(scratch, ours, cargo)
    scaled.first()
    for number in range(rounds):
        scaled.round(number)
    ours.clean()  # its server would prepare builds in the folder that is about to be removed
    return toolchain, scaled


def _medians(scaled: Scaled) -> dict[str, float]:
    return {name: median(cost.wall for cost in costs) for name, costs in scaled.costs.items()}


def rows(found: dict[int, Scaled]) -> str:
    """Return a Markdown table: medians of wall time with minimum and maximum, and the memory of the largest process."""
    names = sorted(next(iter(found.values())).costs)
    cells = [(name, *(_cell(scaled.costs[name]) for scaled in found.values())) for name in names]
    disk = ("ours: build folder, MiB", *(f"{scaled.disk / MIB:.0f}" for scaled in found.values()))
    return table(("Wall time, s; memory, MiB", *(f"{count:,} programs" for count in found)), [*cells, disk])


def _cell(costs: list[Cost]) -> str:
    return f"{spread([cost.wall for cost in costs], 2)}; {median(cost.memory for cost in costs) / MIB:.0f}"


def _disk(folder: Path) -> int:
    """Return the disk usage of files in bytes; a hard link counts once."""
    found = {status.st_ino: status for path in folder.rglob("*") if (status := path.lstat())}
    return sum(status.st_blocks * 512 for status in found.values())


if __name__ == "__main__":
    main()
