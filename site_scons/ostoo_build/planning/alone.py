"""Computes the features that a program asks for by itself, where cargo planned it together with others.

The result has only what the manifests surely ask for. What cargo enables for the program alone is at least that, and at
most what it enables for all programs together. So if the result has all features in the graph of all together, this is
also the graph of the program alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.planning import features
from ostoo_build.planning.declared import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ostoo_build.planning.declared import Dependency
    from ostoo_build.planning.features import Enabled, Selection
    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.unit_graph import Unit, UnitGraph

Resolved = tuple[str, bool]
"""A package's id, and whether it is for the host: cargo enables features of each separately."""


class Alone(Struct, frozen=True):
    """The features that a program asks for in each package, and whether the graph has no others."""

    features: dict[Resolved, frozenset[str]]
    is_proved: bool

    def agrees(self, other: Alone) -> bool:
        """Whether two programs ask for the same features of each package that both need."""
        common = self.features.keys() & other.features.keys()
        return all(self.features[key] == other.features[key] for key in common)


def joined(parts: Iterable[Alone]) -> Alone:
    """Return what several graphs of one question ask for; none of them proves more than itself."""
    found: dict[Resolved, frozenset[str]] = {}
    for each in parts:
        found |= {key: names | found.get(key, frozenset()) for key, names in each.features.items()}
    return Alone(found, is_proved=False)


def of(graph: UnitGraph, selection: Selection, manifest: Callable[[Unit], Manifest]) -> Alone:
    """Return what the last unit of a graph asks for with a selection of features."""
    return _Walk(graph, manifest).perform(selection)


class _Walk:
    """Visits each unit again when more is asked of its package, until nothing is."""

    def __init__(self, graph: UnitGraph, manifest: Callable[[Unit], Manifest]) -> None:
        self._units = graph.units
        self._manifest = manifest
        self._asked: dict[Resolved, set[str]] = {}
        self._members: dict[Resolved, set[int]] = {}
        self._waiting: set[tuple[Resolved, int]] = set()

    def perform(self, selection: Selection) -> Alone:
        last = len(self._units) - 1
        self._ask((self._units[last].pkg_id, self._units[last].platform is None), last, selection.all_names)
        while self._waiting:
            self._visit(*self._waiting.pop())
        found = {key: self._enabled(key).names for key in self._members}
        seen = {index for indices in self._members.values() for index in indices}
        is_proved = all(unit.is_std or index in seen for index, unit in enumerate(self._units)) and all(
            found[key] == {*self._units[index].features} for key, indices in self._members.items() for index in indices
        )
        return Alone(found, is_proved)

    def _visit(self, key: Resolved, index: int) -> None:
        unit, enabled = self._units[index], self._enabled(key)
        for dependency in unit.dependencies:
            other = self._units[dependency.index]
            if other.pkg_id == unit.pkg_id:
                self._ask(key, dependency.index, ())
            elif not other.is_std and not unit.is_run:  # a run has the scripts of packages that its crates have
                asked = self._asked_of(other, unit, enabled)
                if asked is not None:
                    self._ask((other.pkg_id, other.platform is None), dependency.index, asked)

    def _ask(self, key: Resolved, index: int, names: Collection[str]) -> None:
        """Ask for features of a package that has this unit."""
        members, asked = self._members.setdefault(key, set()), self._asked.setdefault(key, set())
        if not asked.issuperset(names):
            asked.update(names)
            members.add(index)
            self._waiting.update((key, each) for each in members)
        elif index not in members:
            members.add(index)
            self._waiting.add((key, index))

    def _enabled(self, key: Resolved) -> Enabled:
        declared = self._manifest(self._units[min(self._members[key])]).declared
        return features.enable(declared.features, self._asked[key], declared.required)

    def _asked_of(self, other: Unit, unit: Unit, enabled: Enabled) -> frozenset[str] | None:
        """Return the features that a unit surely asks for in another package; None if it may not need that at all.

        If the manifest has the package several times, perhaps for other targets, only what all of them ask for counts.
        """
        found = [*self._declared(other, unit)]
        if not found or any(each.is_optional and each.name not in enabled.crates for each in found):
            return None
        handed = [{feature for crate, feature in enabled.handed if crate == each.name} for each in found]
        asked = (frozenset((*each.features, *more)) for each, more in zip(found, handed, strict=True))
        return frozenset.intersection(*asked)

    def _declared(self, other: Unit, unit: Unit) -> Iterator[Dependency]:
        name, kinds = self._manifest(other).name, _kinds(unit)
        for each in self._manifest(unit).declared.dependencies:
            if each.package == name and each.kind in kinds:
                yield each


def _kinds(unit: Unit) -> tuple[Kind, ...]:
    """Return the kinds of dependencies that a unit has."""
    if unit.kind == "custom-build":
        return (Kind.BUILD,)
    return (Kind.NORMAL, Kind.DEV) if unit.is_test or unit.kind == "example" else (Kind.NORMAL,)
