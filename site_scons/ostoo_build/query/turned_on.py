"""Finds out who turned the features of packages on: dependency lines, other features, and selections.

Cargo's unit graph says which features are on. What is said here of one is that a line or a feature which is there and
on itself enables it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.planning import unit_name
from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.query.dependency_lines import DEFAULT, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ostoo_build.planning.features import Selection
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import Unit
    from ostoo_build.query.dependency_lines import DeclaredFeatures, DependencyLine

OF_STD = "build-std-features"
"""Who turns features of std on: a setting of cargo."""

Turners = dict[str, dict[str, None]]
"""Who turned on what, by label; a line that is no feature's has none."""


class Package(Struct, frozen=True):
    """A package of a program, used by its target or by the host, with the features that are on.

    Its build script, which runs on the host, has the features of who uses the package.
    """

    name: str
    label: str
    folder: str
    is_std: bool
    declared: DeclaredFeatures
    features: frozenset[str]
    units: tuple[CompileUnit, ...]

    def of(self, feature: str) -> str:
        """Return the label of one of its features."""
        return f'{self.label} feature "{feature}"'

    def of_line(self, line: DependencyLine) -> str:
        """Return the label of one of its dependency lines."""
        return f"{self.folder}/Cargo.toml: {line.place}"


def packages(units: Iterable[Unit], declared: Callable[[str], DeclaredFeatures]) -> list[Package]:
    """Return the packages of some units; `declared` reads the manifest in a folder."""
    known = {unit.id: unit for unit in units}
    compiled = [unit for unit in known.values() if isinstance(unit, CompileUnit)]
    ran = {known[unit.run].id: not unit.target for unit in compiled if unit.run}
    runs = (run for run in known.values() if isinstance(run, RunBuildScript) and run.id in ran)
    of_scripts = {run.script: ran[run.id] for run in runs}
    found: dict[tuple[str, bool], list[CompileUnit]] = {}
    for unit in compiled:
        found.setdefault((unit.label, of_scripts.get(unit.id, not unit.target)), []).append(unit)
    return [
        Package(
            name=label.rpartition(" v")[0] or label,
            label=f"{label} (for the host)" if is_host else label,
            folder=own[0].package,
            is_std=own[0].is_std,
            declared=declared(own[0].package),
            features=frozenset(name for unit in own for name in unit_name.features(unit)),
            units=tuple(own),
        )
        for (label, is_host), own in found.items()
    ]


def of_program(program: Program, selection: Selection, all_packages: Iterable[Package]) -> Turners:
    """Return who turned on each feature of a program's packages."""
    return _Explanation(tuple(all_packages), _selected(program, selection)).turners()


class _Selected(Struct, frozen=True):
    """What is selected of the package of a program, and the label of that choice."""

    unit: str
    label: str
    names: tuple[str, ...]


def _selected(program: Program, selection: Selection) -> _Selected:
    defaults = (DEFAULT,) if selection.default else ()
    return _Selected(program.unit.id, f"selected for {program.name}", (*selection.names, *defaults))


class _Explanation(Struct, frozen=True):
    packages: tuple[Package, ...]
    selected: _Selected
    found: Turners = field(default_factory=dict)

    def turners(self) -> Turners:
        for package in self.packages:
            for feature in sorted(package.features):
                self.found.setdefault(package.of(feature), {})
            self._of_features(package)
            for line in package.declared.lines:
                for other in self._meant(package, line):
                    self._line(package, line, other)
            if any(unit.id == self.selected.unit for unit in package.units):
                self._add(package, self.selected.names, self.selected.label)
        for package in self.packages:
            for feature in package.features:
                if not self.found[package.of(feature)]:
                    self._rest(package, feature)
        return self.found

    def _of_features(self, package: Package) -> None:
        """Add what the features of a package turn on that are on themselves."""
        for feature in sorted(package.features):
            for item in package.declared.features.get(feature, ()):
                name, slash, enabled = item.removeprefix("dep:").partition("/")
                lines = [line for line in package.declared.lines if line.name == name.rstrip("?")]
                if not slash and not item.startswith("dep:"):
                    self._add(package, (name,), package.of(feature))
                elif slash:
                    for other in (each for line in lines for each in self._meant(package, line)):
                        self._add(other, (enabled,), package.of(feature))
                if not name.endswith("?"):
                    self._activate(package, lines, feature, is_named=bool(slash))

    def _activate(self, package: Package, lines: Iterable[DependencyLine], feature: str, *, is_named: bool) -> None:
        """Add that a feature activates optional lines; `crate/feature` turns the feature of their name on too."""
        for line in (line for line in lines if line.is_optional):
            self.found.setdefault(package.of_line(line), {})[package.of(feature)] = None
            if is_named:
                self._add(package, (line.name,), package.of(feature))

    def _line(self, package: Package, line: DependencyLine, other: Package) -> None:
        if self._add(other, line.features, package.of_line(line)):
            self.found.setdefault(package.of_line(line), {})

    def _add(self, package: Package, names: Iterable[str], by: str) -> bool:
        """Note who turned features on, as far as they are; return whether one is."""
        labels = [package.of(name) for name in names if name in package.features and package.of(name) != by]
        for label in labels:
            self.found.setdefault(label, {})[by] = None
        return bool(labels)

    def _meant(self, package: Package, line: DependencyLine) -> Iterator[Package]:
        """Yield the packages that a line means, of those that units of its package need."""
        needed = {extern.unit for unit in package.units if _has(unit, line) for extern in unit.externs}
        for other in self.packages:
            if other.name == line.package and any(unit.id in needed for unit in other.units):
                yield other

    def _rest(self, package: Package, feature: str) -> None:
        """Explain a feature that no crate of a program turns on: cargo unifies, and std has features of its own."""
        alike = [other for other in self.packages if other.name == package.name and other is not package]
        for other in alike:
            for by in self.found.get(other.of(feature), {}):
                self._add(package, (feature,), by)
        lines = [(user, line) for user in self.packages for line in user.declared.lines if line.package == package.name]
        for user, line in lines:
            if user.is_std == package.is_std and feature in line.features and not self.found[package.of(feature)]:
                self._line(user, line, package)
        if package.is_std and not self.found[package.of(feature)]:
            self._add(package, (feature,), OF_STD)
            self.found.setdefault(OF_STD, {})


def _has(unit: CompileUnit, line: DependencyLine) -> bool:
    """Whether a line is for this kind of unit."""
    return (unit.kind is UnitKind.BUILD_SCRIPT) == (line.kind is Kind.BUILD)


def chains(turners: Mapping[str, Iterable[str]], start: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return who turned on each of some labels, then who turned these on in turn."""
    found: dict[str, tuple[str, ...]] = {}
    waiting = list(start)
    while waiting:
        found |= {label: tuple(turners.get(label, ())) for label in waiting if label not in found}
        waiting = [by for label in waiting for by in found[label] if by not in found]
    return found
