"""Writes measurements as Markdown. Does not measure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from measure import Cost

MIB = 1024 * 1024
PEERS = ("cargo", "tuned")

_MEASURES: tuple[tuple[str, Callable[[Cost], float]], ...] = (
    ("Wall time, s", lambda cost: cost.wall),
    ("User time, s", lambda cost: cost.user),
    ("User and system time, s", lambda cost: cost.user + cost.system),
    ("Peak memory of the largest process, MiB", lambda cost: cost.memory / MIB),
)


@dataclass(frozen=True)
class Conditions:
    """What the figures depend on; `load` are the load averages of a minute before the first run and after the last."""

    toolchain: str
    cpus: int
    rounds: int
    load: tuple[float, float]


@dataclass(frozen=True)
class Figures:
    """Costs of each round by case and contender, sizes in bytes by program and contender."""

    conditions: Conditions
    costs: Mapping[str, Mapping[str, Sequence[Cost]]]
    sizes: Mapping[str, Mapping[str, int]]


def markdown(figures: Figures) -> str:
    """Return one table per measure: medians, in brackets the least and the most, and ratios of the medians."""
    return "\n\n".join([_conditions(figures.conditions), *_tables(figures)]) + "\n"


def _conditions(met: Conditions) -> str:
    text = (
        f"{met.toolchain}. {met.cpus} CPUs, {met.rounds} rounds. "
        f"Load average before {met.load[0]:.1f}, after {met.load[1]:.1f}."
    )
    smoke = "**A smoke run: a single round shows that the script works, not how fast anything is.** "
    return smoke + text if met.rounds == 1 else text


def _tables(figures: Figures) -> Iterator[str]:
    for title, measure in _MEASURES:
        rows = []
        for case, by in figures.costs.items():
            values = {name: [measure(cost) for cost in costs] for name, costs in by.items()}
            cells = (_spread(values[name]) if name in values else "" for name in ("ours", *PEERS))
            ratios = (_ratio(values["ours"], values[peer]) if peer in values else "" for peer in PEERS)
            rows.append((case, *cells, *ratios))
        yield _table((title, "ours", *PEERS, *(f"ours / {peer}" for peer in PEERS)), rows)
    rows = [(program, *(str(by[name]) for name in ("ours", *PEERS))) for program, by in figures.sizes.items()]
    yield _table(("Size, bytes", "ours", *PEERS), rows)


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def _ratio(ours: Sequence[float], peer: Sequence[float]) -> str:
    return f"{median(ours) / median(peer):.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, rule, *rows)
    )
