"""Formats measurements as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from contenders import ALONE, CARGO, NINJA, OURS, TUNED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from measure import Cost

PEERS = (CARGO, TUNED, NINJA)
MIB = 1024 * 1024


@dataclass(frozen=True)
class Measure:
    """One figure of a run, and its number of decimals."""

    title: str
    of: Callable[[Cost], float]
    decimals: int = 2


WALL = Measure("Wall time, s", lambda cost: cost.wall)
USER = Measure("User time, s", lambda cost: cost.user)
MEASURES = (
    WALL,
    USER,
    Measure("User and system time, s", lambda cost: cost.user + cost.system),
    Measure("Peak memory of the largest process, MiB", lambda cost: cost.memory / MIB, decimals=0),
)


@dataclass(frozen=True)
class Conditions:
    """What the figures depend on; `load` are the load averages of a minute before the first and after the last run."""

    toolchain: str
    cpus: int
    rounds: int
    load: tuple[float, float]


@dataclass(frozen=True)
class Figures:
    """The costs of each round by case and contender, and sizes in bytes by program and contender."""

    conditions: Conditions
    costs: Mapping[str, Mapping[str, Sequence[Cost]]]
    sizes: Mapping[str, Mapping[str, int]]

    def median(self, case: str, contender: str, measure: Measure) -> float:
        """Return a median. Raises `KeyError` if it was not measured."""
        return median(map(measure.of, self.costs[case][contender]))


def conditions(met: Conditions) -> str:
    """Return a paragraph about the conditions of the measurement."""
    text = (
        f"{met.toolchain}. CPUs: {met.cpus}. Rounds: {met.rounds}.\n"
        f"Load average before: {met.load[0]:.1f}, after: {met.load[1]:.1f}."
    )
    smoke = "**A smoke run: a single round shows that the script works, not how fast anything is.**\n"
    return smoke + text if met.rounds == 1 else text


def costs(figures: Figures) -> Iterator[str]:
    """Yield a table for each measure: medians, with minimum and maximum in brackets, and ratios of the medians."""
    for measure in MEASURES:
        rows = [_row(figures, case, measure) for case in figures.costs]
        yield table((measure.title, OURS, ALONE, *PEERS, *(f"{OURS} / {peer}" for peer in PEERS)), rows)


def sizes(figures: Figures) -> str:
    """Return the table of the programs' sizes."""
    names = (OURS, CARGO, TUNED)
    rows = [(program, *(str(by[name]) for name in names)) for program, by in figures.sizes.items()]
    return table(("Size, bytes", *names), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table with aligned columns, or "" without rows."""
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, rule, *rows)
    )


def _row(figures: Figures, case: str, measure: Measure) -> tuple[str, ...]:
    values = {name: [measure.of(cost) for cost in costs] for name, costs in figures.costs[case].items()}
    if measure is not WALL:  # a server's processes are no descendants of the command
        values[OURS] = values.get(ALONE, values[OURS])
    cells = (spread(values[name], measure.decimals) if name in values else "" for name in (OURS, ALONE, *PEERS))
    return (case, *cells, *(_ratio(values[OURS], values.get(peer, ())) for peer in PEERS))


def _ratio(ours: Sequence[float], peers: Sequence[float]) -> str:
    """Return the ratio of the medians; empty if there is none, as for a time that is too short to be measured."""
    return f"{median(ours) / median(peers):.2f}" if peers and median(peers) else ""


def spread(values: Sequence[float], decimals: int) -> str:
    """Return the median, with minimum and maximum in brackets."""
    middle, least, most = (f"{value:.{decimals}f}" for value in (median(values), min(values), max(values)))
    return f"{middle} ({least}-{most})"
