"""Finds out what queries ask about nodes: files that are read and made, features and who turned them on."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.actions.outcome import OUT
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.base.spelling import nearest
from ostoo_build.planning.planned_unit import CompileUnit
from ostoo_build.query import changes as file_changes
from ostoo_build.query import dependency_lines, turned_on
from ostoo_build.query.affected import AffectedQuestion
from ostoo_build.query.evaluation import TurnedOn
from ostoo_build.rules import link_inputs, program_key, target_spec, unit_inputs
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program
    from ostoo_build.query.affected import Causes
    from ostoo_build.query.dependency_lines import DeclaredFeatures
    from ostoo_build.query.graph import Graph


class BuildFacts(Struct, frozen=True, dict=True):
    """The facts of a checkout; `start` creates the services, which few questions need.

    `places` are the folders from which files are named.
    """

    planner: Planner
    graph: Graph
    options: Options
    places: Sequence[Path]
    start: Callable[[], Services]
    manifests: Snapshot = field(default_factory=Snapshot)

    @cached_property
    def services(self) -> Services:
        return self.start()

    def inputs(self, label: str) -> Iterator[str]:
        """Return what the last run of a unit read, all of its package if none is known, and what flags name."""
        unit, snapshot = self.graph.units[label], self.services.snapshot
        told = unit_inputs.known(self.services, self.planner.paths, unit)
        read = program_key.read_by(self.planner, self.services, unit, told, snapshot).read
        yield from (entry.path for entry in read)
        yield from map(self.planner.paths.input_path, unit_inputs.makers(self.planner, unit))
        program = self.graph.programs.get(label)
        if program is not None:
            named = link_inputs.planned(self.planner.paths, self.planner.targets, program.unit, snapshot)
            yield from (entry.path for entry in named)
            of_target = target_spec.all_files(self.planner.targets, program.target)
            yield from map(self.planner.paths.input_path, of_target)

    def outputs(self, label: str) -> Iterator[str]:
        """Return the published files of a program, those of a compilation, or the folder of a run's files."""
        unit = self.graph.units[label]
        if label in self.graph.programs:
            yield from Places.of(self.graph.programs[label]).published
        elif isinstance(unit, CompileUnit):
            yield from (f"{unit.folder}/{name}" for name in unit.outputs)
        else:
            yield f"{unit.folder}/{OUT}"

    def features(self, labels: Iterable[str], package: str) -> TurnedOn:
        """Return the features of a package, by name or with its version. Raises `OstooError` if nothing needs it."""
        chosen = [label for label in labels if label in self.graph.units]
        known = turned_on.packages((self.graph.units[label] for label in chosen), self._declared)
        asked = [each for each in known if package in (each.name, each.label, each.units[0].label)]
        if not asked:
            names = {each.name for each in known}
            raise OstooError(f"there is no package {package} below it", remedy=nearest(package, names))
        ids = {unit.id for each in asked for unit in each.units}
        named = [self.graph.programs[label] for label in chosen if label in self.graph.programs]
        turners: turned_on.Turners = {}
        for program in named or self.graph.programs.values():
            if not ids.isdisjoint(unit.id for unit in program.units):
                for label, found in self._turners(program).items():
                    turners.setdefault(label, {}).update(found)
        features = tuple(each.of(name) for each in asked for name in sorted(each.features))
        return TurnedOn(features, turned_on.chains(turners, features))

    def affected(self, changed: Sequence[str]) -> Causes:
        """Return what changes reach, with the reasons. Raises `OstooError` for a word that names no change."""
        changes = file_changes.of(self.planner.root, self.places, changed)
        return AffectedQuestion(self.planner, self.services, self.options, self.graph, changes).answer()

    def _turners(self, program: Program) -> turned_on.Turners:
        selection = self.planner.programs.binaries[program.tested or program.name].selected
        return turned_on.of_program(program, selection, turned_on.packages(program.units, self._declared))

    def _declared(self, folder: str) -> DeclaredFeatures:
        manifest = Path(self.planner.root, self.planner.paths.expand(folder), "Cargo.toml")
        return self.manifests.get(manifest, partial(dependency_lines.read, manifest))
