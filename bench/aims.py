"""The band of each figure, and what is wanted at last. Figures are relative to a peer, unless their name says seconds.

A figure above its band has become worse, and the script that measured it ends with exit code 1. A band is the figure
that was measured last, with room for the noise of a quiet machine; with each improvement it becomes narrower.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from contenders import CARGO, CPUS, OURS, TUNED
from table import USER, WALL, Figures, Measure, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_MANY_CPUS = 4

_ROOM = 1.1
"""By how much medians of a quiet machine differ from run to run."""


@dataclass(frozen=True)
class Aim:
    """The figure that was measured last with four CPUs or more, and with fewer, and the one that is wanted."""

    name: str
    many: float
    few: float
    moonshot: float

    @property
    def band(self) -> float:
        """Return the maximum on this machine."""
        return _ROOM * (self.many if CPUS >= _MANY_CPUS else self.few)


_BESIDE: dict[tuple[str, Measure, str], Aim] = {
    ("cold-hello-rs", WALL, CARGO): Aim("cold-hello-rs: wall time, ours / cargo", 0.54, 0.63, 0.42),
    ("cold-hello-rs", USER, CARGO): Aim("cold-hello-rs: user time, ours / cargo", 0.79, 0.72, 0.7),
    ("cold-hello-rs", WALL, TUNED): Aim("cold-hello-rs: wall time, ours / tuned", 1.1, 1.06, 1.0),
    ("cold-hello-std", WALL, CARGO): Aim("cold-hello-std: wall time, ours / cargo", 0.74, 0.9, 0.58),
    ("cold-hello-std", WALL, TUNED): Aim("cold-hello-std: wall time, ours / tuned", 1.09, 0.98, 1.0),
    ("cold-both", WALL, TUNED): Aim("cold-both: wall time, ours / tuned", 0.97, 1.0, 0.9),
    ("cold-six", WALL, TUNED): Aim("cold-six: wall time, ours / tuned", 0.98, 0.99, 0.9),
    ("edit-main", WALL, CARGO): Aim("edit-main: wall time, ours / cargo", 1.59, 1.0, 0.9),
    ("edit-rt", WALL, CARGO): Aim("edit-rt: wall time, ours / cargo", 2.45, 1.05, 0.9),
    ("no-op", WALL, CARGO): Aim("no-op: wall time, ours / cargo", 0.45, 0.21, 0.15),
}
"""By case, measure and peer."""

_SYSROOT = Aim("cold-both: without / with a sysroot", 1.5, 1.18, 1.0)
_NO_OP = Aim("no-op: seconds", 0.05, 0.05, 0.02)


def of_builds(figures: Figures) -> Iterator[tuple[Aim, float]]:
    """Yield the aims whose cases were measured, with their figures."""
    for (case, measure, peer), aim in _BESIDE.items():
        if case in figures.costs:
            yield aim, figures.median(case, OURS, measure) / figures.median(case, peer, measure)
    if "no-op" in figures.costs:
        yield _NO_OP, figures.median("no-op", OURS, WALL)
    if {"cold-both", "cold-both-and-sysroot"} <= figures.costs.keys():
        yield _SYSROOT, figures.median("cold-both-and-sysroot", OURS, WALL) / figures.median("cold-both", OURS, WALL)
    for program, by in figures.sizes.items():
        yield Aim(f"{program}: size, ours / cargo", 1 / _ROOM, 1 / _ROOM, 0.9), by[OURS] / by[CARGO]


_EDITS = {
    ("watch", "release"): Aim("watch, release: ours / cargo", 1.04, 1.03, 0.9),
    ("watch", "dev"): Aim("watch, dev: ours / cargo", 1.16, 1.21, 0.8),
    ("served", "release"): Aim("command, release: ours / cargo", 1.59, 1.02, 0.9),
    ("served", "dev"): Aim("command, dev: ours / cargo", 1.55, 1.23, 0.9),
}


def of_edits(way: str, profile: str, ours: Sequence[float], cargo: Sequence[float]) -> tuple[Aim, float]:
    """Return the aim of an editor loop, with its figure."""
    return _EDITS[way, profile], median(ours) / median(cargo)


_CHECKS = {
    "hello-rs": Aim("check, hello-rs: ours / cargo", 1.0, 0.98, 0.9),
    "hello-std": Aim("check, hello-std: ours / cargo", 1.0, 0.9, 0.9),
}


def of_checks(program: str, ours: Sequence[float], cargo: Sequence[float]) -> tuple[Aim, float]:
    """Return the aim of a check after an edit, with its figure."""
    return _CHECKS[program], median(ours) / median(cargo)


_SCALE = {
    "ours: one edited, all asked for": Aim("one of 1,000 programs edited, all asked for: seconds", 0.3, 0.3, 0.17),
    "ours: plan all, for the first time": Aim("1,000 programs planned for the first time: seconds", 11, 11, 5),
    "ours: nothing to do, all asked for": Aim("1,000 programs, nothing to do: seconds", 0.2, 0.2, 0.05),
}
"""By measurement of 1,000 programs."""


def of_scale(seconds: Mapping[str, float]) -> Iterator[tuple[Aim, float]]:
    """Yield the aims for 1,000 programs, with their figures."""
    yield from ((aim, seconds[name]) for name, aim in _SCALE.items())


def report(found: Sequence[tuple[Aim, float]]) -> str:
    """Return the figures as a table."""
    rows = [
        (aim.name, f"{aim.band:.2f}", f"{value:.2f}", "yes" if value <= aim.band else "no", _missing(aim, value))
        for aim, value in found
    ]
    return table(("Figure", "at most", "measured", "within", "moonshot"), rows)


def worse(found: Sequence[tuple[Aim, float]]) -> str | None:
    """Return a message that names the figures above their bands, or None."""
    names = [f"{aim.name} is {value:.2f}, at most {aim.band:.2f}" for aim, value in found if value > aim.band]
    return f"worse than before: {'; '.join(names)}" if names else None


def _missing(aim: Aim, value: float) -> str:
    return f"{aim.moonshot:.2f}" if value <= aim.moonshot else f"{aim.moonshot:.2f}; {value / aim.moonshot:.2f} x"
