"""Facts about the nodes of generated graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.query.evaluation import TurnedOn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class ModelFacts:
    """Each node reads a file of its own and one of all, and makes one; `p` has a feature that `a` turned on."""

    def inputs(self, label: str) -> tuple[str, ...]:
        return f"{label}.rs", "Cargo.toml"

    def outputs(self, label: str) -> tuple[str, ...]:
        return (f"{label}.o",)

    def features(self, labels: Iterable[str], package: str) -> TurnedOn:
        by = {f"{package}/x": (f"line of {label}",) for label in labels if label == "a"}
        return TurnedOn(tuple(by), {**by, **{each: () for found in by.values() for each in found}})

    def affected(self, changed: Sequence[str]) -> Sequence[str]:
        return [label for label in ("a", "b") if f"{label}.rs" in changed]
