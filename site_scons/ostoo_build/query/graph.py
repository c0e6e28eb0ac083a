"""The graph of programs and units, with a label for each."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.planning import unit_name
from ostoo_build.planning.planned_unit import CompileUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit

RUN = "build-script-run"
"""The kind of a run of a build script."""


class Node(Struct, frozen=True):
    """A program or unit. `kind` is `program`, `library`, `proc-macro`, `build-script` or `build-script-run`."""

    label: str
    kind: str
    features: tuple[str, ...] = ()


class Graph(Struct, frozen=True):
    """Nodes by label, the labels that each needs directly, and the labels that a name stands for."""

    nodes: dict[str, Node]
    needs: dict[str, tuple[str, ...]]
    names: dict[str, tuple[str, ...]]


def of(programs: Iterable[Program]) -> Graph:
    """Return the graph of programs: a unit that several need is one node."""
    made = tuple(programs)
    units = {unit.id: unit for program in made for unit in program.units}
    names = {program.unit.id: _program(program, made) for program in made}
    labels = {**_labels(unit for unit in units.values() if unit.id not in names), **names}
    nodes = {labels[id_]: _node(labels[id_], unit) for id_, unit in units.items()}
    needs = {labels[id_]: tuple(dict.fromkeys(labels[other] for other in _direct(unit))) for id_, unit in units.items()}
    known = defaultdict(list)
    for id_, unit in units.items():
        words = (labels[id_], id_) if id_ in names else (labels[id_], id_, unit.label, unit.label.partition(" v")[0])
        for word in dict.fromkeys(words):
            known[word].append(labels[id_])
    return Graph(nodes, needs, {word: tuple(found) for word, found in known.items()})


def _program(program: Program, programs: Iterable[Program]) -> str:
    """Return a program's label, with its target if it is built for several."""
    is_one = [each.name for each in programs].count(program.name) == 1
    return program.name if is_one else f"{program.name}@{program.target}"


def _node(label: str, unit: Unit) -> Node:
    kind = unit.kind.value if isinstance(unit, CompileUnit) else RUN
    return Node(label, kind, unit_name.features(unit))


def _direct(unit: Unit) -> Iterator[str]:
    """Yield the ids of the units that a unit needs itself, not through others."""
    if not isinstance(unit, CompileUnit):
        yield from unit.prerequisites
        return
    yield from (extern.unit for extern in unit.externs)
    yield from (unit.run,) if unit.run else ()


def _labels(units: Iterable[Unit]) -> dict[str, str]:
    """Name each unit: by package and kind, with features where these separate two, with its id where nothing does."""
    found = {unit.id: unit for unit in units}
    named = _told_apart({id_: unit_name.of(unit) for id_, unit in found.items()}, found, _features)
    return _told_apart(named, found, _id)


def _told_apart(labels: dict[str, str], units: dict[str, Unit], more: Callable[[Unit], str]) -> dict[str, str]:
    counts = Counter(labels.values())
    return {id_: f"{text} {more(units[id_])}" if counts[text] > 1 else text for id_, text in labels.items()}


def _features(unit: Unit) -> str:
    return f"[{', '.join(unit_name.features(unit)) or 'no features'}]"


def _id(unit: Unit) -> str:
    return f"#{unit.id}"
