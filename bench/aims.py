"""Defines aims for the figures, and checks them. Aims are relative to cargo, plain and tuned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contenders import CARGO, OURS, TUNED
from table import USER, WALL, Figures, Measure, table

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY_CPUS = 4

_RATIOS: tuple[tuple[str, Measure, str, float, float], ...] = (
    ("cold-hello-rs", WALL, CARGO, 0.42, 0.65),
    ("cold-hello-rs", USER, CARGO, 0.75, 0.75),
    ("cold-hello-rs", WALL, TUNED, 0.8, 1.0),
    ("cold-hello-std", WALL, CARGO, 0.58, 0.9),
    ("cold-hello-std", WALL, TUNED, 1.0, 1.0),
    ("cold-both", WALL, CARGO, 0.6, 0.9),
    ("cold-both", WALL, TUNED, 1.0, 1.0),
    ("cold-six", WALL, CARGO, 0.7, 0.9),
    ("edit-main", WALL, CARGO, 1.2, 1.2),
)
"""Case, measure, peer, and the most that ours / the peer's may be with four CPUs, and with fewer."""

_NO_OP_SECONDS = 0.06


def aims(figures: Figures) -> str:
    """Return a table of the aims whose cases were measured. The run itself checks that a touch builds nothing."""
    rows = [
        (aim, f"{limit:.2f}", f"{value:.2f}", "yes" if value <= limit else f"no, {value / limit:.2f} x the aim")
        for aim, limit, value in _found(figures)
    ]
    return table(("Aim", "at most", "measured", "met"), rows)


def _found(figures: Figures) -> Iterator[tuple[str, float, float]]:
    for case, measure, peer, many, few in _RATIOS:
        if case in figures.costs:
            ratio = figures.median(case, OURS, measure) / figures.median(case, peer, measure)
            limit = many if figures.conditions.cpus >= MANY_CPUS else few
            yield f"{case}: {measure.title.partition(',')[0].lower()}, ours / {peer}", limit, ratio
    if "no-op" in figures.costs:
        yield "no-op: wall time, s", _NO_OP_SECONDS, figures.median("no-op", OURS, WALL)
    for program, by in figures.sizes.items():
        yield f"{program}: size, ours / cargo", 1, by[OURS] / by[CARGO]
