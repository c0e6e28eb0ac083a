"""Selects the units that a program needs, and describes how each is made.

A plan is portable: two checkouts of the same sources give equal plans. Data that only the run of a build script
provides is added when the unit is built (`rules.actions`).
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
from ostoo_build.planning.graph_node import Edge, Node
from ostoo_build.planning.planned_unit import CompileUnit, Extern, RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.planning.unit_graph import BY_PATH
from ostoo_build.rust import flag_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.plan_context import PlanContext
    from ostoo_build.planning.unit_graph import Unit, UnitGraph


SCRATCH = "CARGO_TARGET_TMPDIR"
"""Cargo's variable for a folder to which executables of `tests/` may write."""

WHOLE = "plan"
"""What is planned of a program if it is none of `layout.PARTS`."""

ProgramId = tuple[str, str]
"""A program's name, and the target for which it is built."""


class Program(Struct, frozen=True):
    """The plan of one program: its units, dependencies first and the program's own last.

    `kind` and `target_name` are those of cargo's target: a `bin` or `example`, or for a test executable also a `lib` or
    `test`.
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
    def tested(self) -> str:
        """The name of the program whose test executable this is; empty if it is none."""
        return layout.tested(self.name.rpartition("/")[0])

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
    nodes = _Walk(graph, context).nodes()
    planner = _Planner(context)
    root = nodes[-1].unit
    return Program(
        name=layout.example(root.target_name) if root.kind == "example" else root.target_name,
        target=context.target,
        kind=root.kind,
        target_name=root.target_name,
        profile=root.profile.name,
        uses_std=any(node.unit.is_std and node.unit.target_name == "std" for node in nodes),
        behind_sysroot=context.behind_sysroot,
        strip=root.profile.strip,
        units=(*map(planner.shared, nodes[:-1]), planner.planned(nodes[-1])),
    )


class _Walk:
    """Walks one unit graph, dependencies first, and leaves out what the program does not need."""

    def __init__(self, graph: UnitGraph, context: PlanContext) -> None:
        self._units = graph.units
        self._context = context
        self._nodes: dict[int, Node] = {}

    def nodes(self) -> list[Node]:
        """Return the nodes of the last unit, of all that it needs, and before them of checks that nothing needs."""
        for index, unit in enumerate(self._units):
            if unit.is_documented or (unit.is_checked and unit.platform is None):
                self._visit(index)
        self._visit(len(self._units) - 1)
        return [*self._nodes.values()]

    def _visit(self, index: int) -> Node:
        if index not in self._nodes:
            node = self._node(self._units[index])
            self._nodes[index] = node
        return self._nodes[index]

    def _node(self, unit: Unit) -> Node:
        manifest = self._context.manifest(unit)
        package = self._context.portable(manifest.folder)
        needed = tuple(self._needed(unit, manifest))
        # cargo sets a variable for compilations, but not for runs
        is_primary = unit.pkg_id == self._units[-1].pkg_id and not unit.is_run
        parts = {
            "package": [manifest.name, manifest.version, package],
            "target": [unit.kind, unit.target_name, unit.crate_types],
            "features": unit.features,
            "profile": repr(unit.profile),
            "platform": self._context.target if unit.platform else "host",
            "mode": unit.mode,
            "flags": self._context.rustflags_of(unit),
            "primary": is_primary,
            "dependencies": [(edge.node.id, edge.name, edge.noprelude) for edge in needed],
        }
        return Node(
            # file contents are in the action's key
            id=f"{unit.crate_name}-{digest.of_json(parts)[:16]}",
            unit=unit,
            manifest=manifest,
            package=package,
            needed=needed,
            linked=() if unit.is_run else script_order.linked(needed),
            is_primary=is_primary,
        )

    def _needed(self, unit: Unit, manifest: Manifest) -> Iterator[Edge]:
        """Yield what a unit is compiled with. Programs that a test starts are not among it."""
        for dependency in unit.dependencies:
            other = self._units[dependency.index]
            of_std = other.is_std and not unit.is_std
            name = dependency.extern_crate_name
            if UnitKind.of(other) is not UnitKind.PROGRAM and (not of_std or self._sees(unit, manifest, name)):
                yield Edge(self._visit(dependency.index), name, dependency.public, dependency.noprelude)

    def _sees(self, unit: Unit, manifest: Manifest, crate: str) -> bool:
        view = self._context.view(unit)
        if crate == "test" and rustc_flags.has_libtest(unit, manifest):
            return "test_runner" not in view.marks
        return view.shows(crate)


class _Planner(Struct, frozen=True):
    """Describes how the unit of a node is made."""

    context: PlanContext

    def shared(self, node: Node) -> planned_unit.Unit:
        """Return the planned unit; programs that need the same unit share one object."""
        return self.context.snapshot.get(("unit", node.id), partial(self.planned, node))

    def planned(self, node: Node) -> planned_unit.Unit:
        unit, manifest = node.unit, node.manifest
        platform = self.context.target if unit.platform else layout.HOST
        folder = layout.unit(platform, unit.profile.name, node.id)
        common: dict[str, Any] = {
            "id": node.id,
            "label": f"{manifest.name} v{manifest.version}",
            "package": node.package,
            "folder": folder,
            "directory": self._directory(node),
            "is_std": unit.is_std,
            "target": self.context.target if unit.platform else "",
            "environment": tuple(self._environment(node, folder)),
            "runs": tuple(each.id for each in _runs(node)),
            "read_runs": tuple(each.id for each in read_runs.of(node)),
            "extra_inputs": (*manifest.extra_inputs, *self._outside(node)),
        }
        if unit.is_run:
            scripts = (edge.node.id for edge in node.needed if edge.node.kind is UnitKind.BUILD_SCRIPT)
            return RunBuildScript(**common, targets=manifest.targets, script=next(scripts, ""), links=manifest.links)
        return CompileUnit(
            **common,
            kind=node.kind,
            is_incremental=unit.profile.incremental and not unit.is_documented,
            arguments=tuple(self._arguments(node, folder)),
            externs=tuple(_externs(node)),
            libraries=tuple(_libraries(node)),
            run=next((each.id for each in node.own_runs), None),
            takes_libraries=unit.is_of_library or not manifest.has_library,
            outputs=rustc_flags.outputs(unit, node.id),
        )

    def _directory(self, node: Node) -> str:
        """Return rustc's working directory: the workspace for members, else the package (cargo's `path_args`)."""
        unit, paths = node.unit, self.context.paths
        if unit.is_std and not unit.is_run:
            return "."
        workspace = Path(paths.root, paths.expand(self.context.workspace))
        is_member = unit.pkg_id.startswith(BY_PATH) and unit.src_path.is_relative_to(workspace)
        return self.context.workspace if is_member and not unit.is_run else node.package

    def _outside(self, node: Node) -> tuple[str, ...]:
        """Return a pattern for the crate's modules if the manifest names a root file outside the package's folder."""
        source, package = self.context.portable(node.unit.src_path), node.package
        if package == "." or f"{source}/".startswith(f"{package}/"):
            return ()
        return (os.path.relpath(Path(source).with_name("*.rs"), package),)

    def _arguments(self, node: Node, folder: str) -> Iterator[str]:
        unit, rustflags = node.unit, self.context.flags_of(node.unit)
        paths = rustc_flags.UnitPaths(self.context.portable(unit.src_path), folder, self._directory(node))
        flag_rules.check(unit.profile.rustflags, f"{self.context.workspace}/Cargo.toml: rustflags of a profile")
        yield from rustc_flags.compile_flags(unit, node.manifest, node.id, paths)
        yield from rustflags
        yield from rustc_flags.proof_of((*unit.profile.rustflags, *rustflags))

    def _environment(self, node: Node, folder: str) -> Iterator[tuple[str, str]]:
        unit, manifest = node.unit, node.manifest
        yield from self.context.env_of(unit)
        yield from rustc_flags.package_environment(unit, manifest, node.package)
        if node.is_primary:
            yield "CARGO_PRIMARY_PACKAGE", "1"
        if unit.is_run:
            yield from script_environment.of_run(unit, manifest, self.context.scripts, folder)
        if unit.is_test and unit.kind == "test":
            yield from self._test_environment(node)

    def _test_environment(self, node: Node) -> Iterator[tuple[str, str]]:
        """Yield variables with the paths of the package's programs and of a writable folder, for tests in `tests/`.

        They are in cargo's reference, "Environment variables Cargo sets for crates".
        """
        yield SCRATCH, absolute(layout.SCRATCH)
        for name in (name for kind, name in node.manifest.targets if kind == "bin"):
            made = layout.program(self.context.target, node.unit.profile.name, name)
            yield f"CARGO_BIN_EXE_{name}", absolute(made)


def _externs(node: Node) -> Iterator[Extern]:
    hides = node.manifest.hides_dependencies and node.unit.is_of_library
    for edge in node.needed:
        if edge.node.kind.is_library or edge.node.kind is UnitKind.PROC_MACRO:
            yield Extern(edge.node.id, edge.name, edge.noprelude, hides and not edge.public)


def _libraries(node: Node) -> dict[str, None]:
    """Return the ids of all libraries that rustc may load. A proc macro already contains its own dependencies."""
    found: dict[str, None] = {}

    def add(at: Node) -> None:
        for each in (edge.node for edge in at.needed if edge.node.id not in found):
            if each.kind.is_library:
                add(each)
            if each.kind.is_library or each.kind is UnitKind.PROC_MACRO:
                found[each.id] = None

    add(node)
    return found


def _runs(node: Node) -> Iterator[Node]:
    """Yield the runs whose instructions or variables a unit gets. Runs of std's scripts count for std only."""
    if not node.unit.is_run:
        yield from node.linked
        return
    yield from (each for each in node.own_runs if node.unit.is_std or not each.unit.is_std)
