"""The graph of programs, tests and units, with a label for each."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.planning import unit_name
from ostoo_build.planning.planned_unit import CompileUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit
    from ostoo_build.planning.test_plan import PlannedExecutable

RUN = "build-script-run"
"""The kind of a run of a build script."""

TEST = "test"
"""The kind of a test executable."""

FILE = "file"
"""The kind of a file that is read or made."""

FEATURE = "feature"
"""The kind of a feature that a query asked for."""

TURNED_ON_BY = "turned-on-by"
"""The kind of what turned one on: a dependency line, another feature, a selection."""


class Node(Struct, frozen=True):
    """A program, test or unit, or a file or feature that a query asked for.

    `kind` is `program`, `test`, `library`, `proc-macro`, `build-script`, `build-script-run`, `file`, `feature` or
    `turned-on-by`.
    """

    label: str
    kind: str
    features: tuple[str, ...] = ()


class Graph(Struct, frozen=True):
    """Nodes by label, the labels that each needs directly, and the labels that a name stands for.

    `units` and `programs` are those behind labels; test executables are among the programs.
    """

    nodes: dict[str, Node]
    needs: dict[str, tuple[str, ...]]
    names: dict[str, tuple[str, ...]]
    units: dict[str, Unit] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)

    def add(self, kind: str, needs: Mapping[str, tuple[str, ...]]) -> None:
        """Add nodes of one kind, each with what it needs."""
        self.nodes.update({label: Node(label, kind) for label in needs})
        self.needs.update(needs)


def of(programs: Iterable[Program], tests: Iterable[PlannedExecutable]) -> Graph:
    """Return the graph of programs and test executables: a unit that several need is one node."""
    executables = {each.program.unit.id: each for each in tests}
    made = (*programs, *(each.program for each in executables.values()))
    units = {unit.id: unit for program in made for unit in program.units}
    counts = Counter(program.name for program in made)
    names = {each.unit.id: each.name if counts[each.name] == 1 else f"{each.name}@{each.target}" for each in made}
    labels = {**_labels(unit for unit in units.values() if unit.id not in names), **names}
    needs = {labels[id_]: [labels[other] for other in _direct(unit)] for id_, unit in units.items()}
    started = {each.id: names[each.unit.id] for each in made}
    for id_, executable in executables.items():
        asked = ((name, executable.program.target) for name in executable.programs)
        needs[labels[id_]] += [started[name] for name in asked if name in started]
    return Graph(
        nodes={labels[id_]: _node(labels[id_], unit, is_test=id_ in executables) for id_, unit in units.items()},
        needs={label: tuple(dict.fromkeys(others)) for label, others in needs.items()},
        names=_names(units, labels, names),
        units={labels[id_]: unit for id_, unit in units.items()},
        programs={names[program.unit.id]: program for program in made},
    )


def _names(
    units: Mapping[str, Unit], labels: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Return what each word means; `names` are the labels of programs and tests by the id of their unit."""
    known = defaultdict(list)
    for id_, unit in units.items():
        words = [labels[id_], id_]
        words += [names[id_].rpartition("/")[0]] if id_ in names else [unit.label, unit.label.partition(" v")[0]]
        for word in dict.fromkeys(filter(None, words)):
            known[word].append(labels[id_])
    return {word: tuple(found) for word, found in known.items()}


def _node(label: str, unit: Unit, *, is_test: bool) -> Node:
    kind = TEST if is_test else unit.kind.value if isinstance(unit, CompileUnit) else RUN
    return Node(label, kind, unit_name.features(unit))


def _direct(unit: Unit) -> Iterator[str]:
    """Yield the ids of the units that a unit needs itself, not through others, as in cargo's unit graph."""
    if not isinstance(unit, CompileUnit):
        yield from filter(None, (unit.script, *unit.runs))
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
