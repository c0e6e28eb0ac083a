"""Selects the units that a program needs, and describes how each is made.

A plan is portable: two checkouts of the same sources give equal plans. What only a build script's run can tell is
added when the unit is built (`rules.actions`).
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import digest, layout
from ostoo_build.base.paths import absolute
from ostoo_build.planning import planned_unit, read_runs, rustc_flags, script_environment, script_order
from ostoo_build.planning.planned_unit import CompileUnit, Extern, RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.planning.unit_graph import BY_PATH
from ostoo_build.rust import flag_rules
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.plan_context import PlanContext
    from ostoo_build.planning.unit_graph import Dependency, Unit, UnitGraph


SCRATCH = "CARGO_TARGET_TMPDIR"
"""Cargo's variable for a folder to which executables of `tests/` may write."""

ProgramId = tuple[str, str]
"""A program's name, and the target for which it is built."""


class Program(Struct, frozen=True):
    """The plan of one program: its units, dependencies first and the program's own last.

    `kind` and `target_name` are those of cargo's target: a `bin`, or for a test executable also a `lib` or `test`.
    `behind_sysroot` counts the folders in its flags that the linker searches after the sysroot's.
    """

    name: str
    target: str
    kind: str
    target_name: str
    profile: str
    uses_std: bool
    behind_sysroot: int
    strip: str
    units: tuple[CompileUnit | RunBuildScript, ...]

    @property
    def unit(self) -> CompileUnit:
        """The unit that compiles the program's own crate."""
        return planned_unit.compiled(self.units[-1])

    @property
    def id(self) -> ProgramId:
        """Identifies the program within an invocation."""
        return self.name, self.target

    @property
    def keeps_symbols(self) -> bool:
        """Whether the profile keeps what no loader uses: symbols or debug information."""
        return self.strip != "symbols"

    @property
    def is_incremental(self) -> bool:
        """Whether two builds of equal sources can differ in bytes."""
        return any(isinstance(unit, CompileUnit) and unit.is_incremental for unit in self.units)


def plan_program(graph: UnitGraph, context: PlanContext) -> Program:
    """Plan the program of a unit graph."""
    return _Planner(graph, context).program()


class _Planner:
    """Walks one unit graph. Its mappings have a unit's index in the graph as their key."""

    def __init__(self, graph: UnitGraph, context: PlanContext) -> None:
        self.units = graph.units
        self.root = len(graph.units) - 1
        self.context = context
        self.needed: dict[int, tuple[Dependency, ...]] = {}
        self.order: list[int] = []
        self.ids: dict[int, str] = {}
        self.manifests: dict[int, Manifest] = {}
        self.linked: dict[int, tuple[int, ...]] = {}
        self._visit(self.root)

    def program(self) -> Program:
        root = self.units[self.root]
        return Program(
            name=root.target_name,
            target=self.context.target,
            kind=root.kind,
            target_name=root.target_name,
            profile=root.profile.name,
            uses_std=any(unit.is_std and unit.target_name == "std" for unit in (self.units[i] for i in self.order)),
            behind_sysroot=self.context.behind_sysroot,
            strip=root.profile.strip,
            units=(*map(self._shared, self.order[:-1]), self._planned(self.root)),
        )

    def _visit(self, index: int) -> None:
        """Compute the ids of the unit at `index` and of everything below it, dependencies first."""
        if index in self.ids:
            return
        unit = self.units[index]
        self.manifests[index] = self.context.manifest(unit)
        self.needed[index] = tuple(self._needed(index))
        for dependency in self.needed[index]:
            self._visit(dependency.index)
        self.linked[index] = script_order.linked(index, self.units, self.needed[index], self.linked, self._rank)
        self.ids[index] = self._identify(index)
        self.order.append(index)

    def _needed(self, index: int) -> Iterator[Dependency]:
        """Return the dependencies that a unit is compiled with. Programs that a test starts are not among them."""
        unit = self.units[index]
        for dependency in unit.dependencies:
            other = self.units[dependency.index]
            of_std = other.is_std and not unit.is_std
            if UnitKind.of(other) is not UnitKind.PROGRAM and (
                not of_std or self._sees(index, dependency.extern_crate_name)
            ):
                yield dependency

    def _sees(self, index: int, crate: str) -> bool:
        unit, view = self.units[index], self.context.view(self.units[index])
        if crate == "test" and rustc_flags.has_libtest(unit, self.manifests[index]):
            return "test_runner" not in view.marks
        return view.shows(crate)

    def _identify(self, index: int) -> str:
        """Return an id that distinguishes the unit from all others.

        It ignores file contents: these are in the action's key.
        """
        unit = self.units[index]
        manifest_ = self.manifests[index]
        parts = {
            "package": [manifest_.name, manifest_.version, self._package(index)],
            "target": [unit.kind, unit.target_name, unit.crate_types],
            "features": unit.features,
            "profile": repr(unit.profile),
            "platform": self.context.target if unit.platform else "host",
            "mode": unit.mode,
            "flags": self._rustflags(unit),
            "primary": self._is_primary(index),
            "dependencies": [(self.ids[d.index], d.extern_crate_name, d.noprelude) for d in self.needed[index]],
        }
        return f"{unit.crate_name}-{digest.of_json(parts)[:16]}"

    def _rank(self, index: int) -> tuple[Any, ...]:
        return script_order.rank(self.manifests[index], self.units[index].pkg_id)

    def _package(self, index: int) -> str:
        return self.context.portable(self.manifests[index].folder)

    def _directory(self, index: int) -> str:
        """Return rustc's working directory: the workspace for members, else the package (cargo's `path_args`)."""
        unit, paths = self.units[index], self.context.paths
        if unit.is_std and not unit.is_run:
            return "."
        workspace = Path(paths.root, paths.expand(self.context.workspace))
        is_member = unit.pkg_id.startswith(BY_PATH) and unit.src_path.is_relative_to(workspace)
        return self.context.workspace if is_member and not unit.is_run else self._package(index)

    def _outside(self, index: int) -> tuple[str, ...]:
        """Return a pattern for the crate's modules if the manifest names a root file outside the package's folder."""
        source, package = self.context.portable(self.units[index].src_path), self._package(index)
        if package == "." or f"{source}/".startswith(f"{package}/"):
            return ()
        return (os.path.relpath(Path(source).with_name("*.rs"), package),)

    def _is_primary(self, index: int) -> bool:
        """Whether cargo would call the unit's package primary.

        It sets a variable for compilations, but not for runs.
        """
        return self.units[index].pkg_id == self.units[self.root].pkg_id and not self.units[index].is_run

    def _rustflags(self, unit: Unit) -> tuple[str, ...]:
        return self.context.rustflags if unit.platform else ()

    def _shared(self, index: int) -> planned_unit.Unit:
        """Return the planned unit; programs that need the same unit share one object."""
        return self.context.snapshot.get(("unit", self.ids[index]), partial(self._planned, index))

    def _planned(self, index: int) -> planned_unit.Unit:
        unit, id_ = self.units[index], self.ids[index]
        manifest_ = self.manifests[index]
        platform = self.context.target if unit.platform else layout.HOST
        folder = layout.unit(platform, unit.profile.name, id_)
        common: dict[str, Any] = {
            "id": id_,
            "label": f"{manifest_.name} v{manifest_.version}",
            "package": self._package(index),
            "folder": folder,
            "directory": self._directory(index),
            "is_std": unit.is_std,
            "target": self.context.target if unit.platform else "",
            "environment": tuple(self._environment(index, folder)),
            "runs": tuple(self._runs(index)),
            "read_runs": tuple(self.ids[i] for i in read_runs.of(index, self.units, self.needed)),
            "extra_inputs": (*manifest_.extra_inputs, *self._outside(index)),
        }
        if unit.is_run:
            scripts = (self.ids[d.index] for d in self.needed[index] if self._is_script(d))
            return RunBuildScript(**common, targets=manifest_.targets, script=next(scripts, ""), links=manifest_.links)
        return CompileUnit(
            **common,
            kind=UnitKind.of(unit),
            is_incremental=unit.profile.incremental,
            arguments=tuple(self._arguments(index, folder)),
            externs=tuple(self._externs(index)),
            libraries=tuple(self._libraries(index)),
            run=self._own_run(index),
            takes_libraries=unit.is_of_library or not manifest_.has_library,
            outputs=rustc_flags.outputs(unit, id_),
        )

    def _arguments(self, index: int, folder: str) -> Iterator[str]:
        unit = self.units[index]
        paths = rustc_flags.UnitPaths(self.context.portable(unit.src_path), folder, self._directory(index))
        flag_rules.check(unit.profile.rustflags, f"{self.context.workspace}/Cargo.toml: rustflags of a profile")
        yield from rustc_flags.compile_flags(unit, self.manifests[index], self.ids[index], paths)
        # std's packages have no folder that a relative path could mean
        own = (option for option in rustc_options.read(self._rustflags(unit)) if option.flag != "-L" or not unit.is_std)
        yield from (word for option in own for word in option.words)
        yield from rustc_flags.proof_of((*unit.profile.rustflags, *self._rustflags(unit)))

    def _environment(self, index: int, folder: str) -> Iterator[tuple[str, str]]:
        unit, manifest_ = self.units[index], self.manifests[index]
        yield from self.context.env_of(unit)
        yield from rustc_flags.package_environment(unit, manifest_, self._package(index))
        if self._is_primary(index):
            yield "CARGO_PRIMARY_PACKAGE", "1"
        if unit.is_run:
            yield from script_environment.of_run(unit, manifest_, self.context.scripts, folder)
        if unit.is_test and unit.kind == "test":
            yield from self._test_environment(unit)

    def _test_environment(self, unit: Unit) -> Iterator[tuple[str, str]]:
        """Return variables with the paths of the package's programs and of a writable folder, for tests in `tests/`.

        They are in cargo's reference, "Environment variables Cargo sets for crates".
        """
        yield SCRATCH, absolute(layout.SCRATCH)
        for name in (name for kind, name in self.context.manifest(unit).targets if kind == "bin"):
            yield f"CARGO_BIN_EXE_{name}", absolute(layout.program(self.context.target, unit.profile.name, name))

    def _externs(self, index: int) -> Iterator[Extern]:
        hides = self.manifests[index].hides_dependencies and self.units[index].is_of_library
        for each in self.needed[index]:
            if UnitKind.of(self.units[each.index]) in (UnitKind.LIBRARY, UnitKind.PROC_MACRO):
                is_private = hides and not each.public
                yield Extern(self.ids[each.index], each.extern_crate_name, each.noprelude, is_private)

    def _libraries(self, index: int) -> list[str]:
        """Return the ids of all libraries that rustc may load. A proc macro already contains its own dependencies."""
        found: dict[str, None] = {}

        def add(at: int) -> None:
            for dependency in self.needed[at]:
                kind = UnitKind.of(self.units[dependency.index])
                if kind is UnitKind.LIBRARY:
                    add(dependency.index)
                if kind in (UnitKind.LIBRARY, UnitKind.PROC_MACRO):
                    found[self.ids[dependency.index]] = None

        add(index)
        return list(found)

    def _runs(self, index: int) -> Iterator[str]:
        unit = self.units[index]
        below = (d.index for d in self.needed[index] if self.units[d.index].is_run)
        # of std's runs cargo tells where it builds std only
        runs = (i for i in below if unit.is_std or not self.units[i].is_std) if unit.is_run else self.linked[index]
        yield from (self.ids[i] for i in runs)

    def _own_run(self, index: int) -> str | None:
        """Return the id of the run of the package's build script, if it has one."""
        return next((self.ids[d.index] for d in self.needed[index] if self.units[d.index].is_run), None)

    def _is_script(self, dependency: Dependency) -> bool:
        return UnitKind.of(self.units[dependency.index]) is UnitKind.BUILD_SCRIPT
