"""Writes the graph as one page: search, what needs what, shortest paths, crates compiled twice, sizes and times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from ostoo_build.actions import record as records
from ostoo_build.base import pages
from ostoo_build.planning import planned_unit, unit_name
from ostoo_build.planning.planned_unit import CompileUnit
from ostoo_build.rules import program_parts
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ostoo_build.planning.planned_unit import Unit
    from ostoo_build.query.graph import Graph

_PAGE = Path(__file__).with_name("graph.html")


_NEEDS = "needs"
"""What separates units if nothing else does."""


class PageFacts(Protocol):
    """What the page asks for."""

    @property
    def graph(self) -> Graph:
        """The graph whose nodes are shown."""

    def inputs(self, label: str) -> Iterable[str]:
        """Return the files that a node reads."""


class Measured(Struct, frozen=True):
    """What is known of a node: its size in bytes, and how many seconds the last run of it took."""

    size: int | None
    seconds: float | None


def measure(root: Path, graph: Graph, seconds: Mapping[str, float]) -> dict[str, Measured]:
    """Return sizes and times by label; `seconds` are by the folder of an action."""
    return {label: Measured(_size(root, graph, label), seconds.get(unit.folder)) for label, unit in graph.units.items()}


def _size(root: Path, graph: Graph, label: str) -> int | None:
    if label in graph.programs:
        path = root / Places.of(graph.programs[label]).published[0]
        return path.stat().st_size if path.is_file() else None
    record = records.load(root / graph.units[label].folder)
    return sum(output.size for output in record.outputs.values()) if record else None


def page(facts: PageFacts, measured: Mapping[str, Measured], about: Mapping[str, str]) -> str:
    """Return the page for all nodes of a graph."""
    graph = facts.graph
    numbers = {label: number for number, label in enumerate(graph.nodes)}
    data = {
        "nodes": [_described(facts, label, measured[label]) for label in graph.nodes],
        "needs": [[numbers[other] for other in graph.needs[label]] for label in graph.nodes],
        "twice": [
            {"name": name, "units": [{"node": numbers[label], "by": by} for label, by in units.items()]}
            for name, units in twice(graph).items()
        ],
    }
    return pages.page(_PAGE, data, about)


def _described(facts: PageFacts, label: str, measured: Measured) -> dict[str, Any]:
    unit, node = facts.graph.units[label], facts.graph.nodes[label]
    return {
        "label": label,
        "kind": node.kind,
        "features": node.features,
        "target": unit.target,
        "profile": _profile(unit),
        "package": unit.package,
        "size": measured.size,
        "seconds": measured.seconds,
        "inputs": list(facts.inputs(label)),
    }


def _profile(unit: Unit) -> str:
    return unit.folder.split("/")[2]


def twice(graph: Graph) -> dict[str, dict[str, str]]:
    """Return the crates that several units compile, by name: for each unit what separates it from the others."""
    groups: dict[tuple[str, str], list[str]] = {}
    for label, unit in graph.units.items():
        if isinstance(unit, CompileUnit) and label not in graph.programs:
            groups.setdefault((unit.label.partition(" v")[0], unit.kind.value), []).append(label)
    found = {}
    for (name, kind), labels in groups.items():
        if len(labels) > 1:
            shown = name if kind == "library" else f"{name} ({kind})"
            found[shown] = _separated(graph, labels)
    return found


def _separated(graph: Graph, labels: Iterable[str]) -> dict[str, str]:
    """Return for each unit its values of what is not the same for all."""
    told = {label: dict(_properties(graph, label)) for label in labels}
    names = dict.fromkeys(name for values in told.values() for name in values)
    different = [name for name in names if len({values[name] for values in told.values()}) > 1]
    different = [name for name in different if name != _NEEDS] or different
    return {label: "; ".join(f"{name} {values[name]}" for name in different) for label, values in told.items()}


def _properties(graph: Graph, label: str) -> Iterator[tuple[str, str]]:
    unit = graph.units[label]
    yield "version", unit.label.partition(" v")[2]
    yield "target", unit.target or "this machine"
    yield "profile", _profile(unit)
    yield "features", ", ".join(unit_name.features(unit)) or "none"
    yield "flags", " ".join(program_parts.flags(planned_unit.compiled(unit))) or "none"
    yield _NEEDS, ", ".join(sorted(graph.needs[label])) or "nothing"
