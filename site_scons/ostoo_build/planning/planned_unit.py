"""Defines the two types of planned units: `CompileUnit` and `RunBuildScript`.

Each has a tag: by it a plan's file tells which of the two it holds.
"""

from __future__ import annotations

from msgspec import Struct

from ostoo_build.actions import record as records
from ostoo_build.planning.rustc_flags import Kind
from ostoo_build.rust.package_targets import Target  # noqa: TC001 - msgspec reads the types of fields


class Extern(Struct, frozen=True):
    """A library that a unit names: by unit id, under the name its source uses.

    `is_private` tells rustc that its items are no part of the unit's own interface.
    """

    unit: str
    name: str
    noprelude: bool
    is_private: bool

    @property
    def options(self) -> tuple[str, ...]:
        """What rustc is told of it."""
        return (*(("priv",) if self.is_private else ()), *(("noprelude", "nounused") if self.noprelude else ()))


class PlannedUnit(Struct, frozen=True, kw_only=True):
    """What is compiled and what is run have in common: all texts are portable.

    `package` is the folder whose files are its inputs, `folder` where its outputs go, `directory` where it runs,
    `target` the name of its target spec, or empty for the host. `runs` are the runs whose `DEP_…` variables (for a run)
    or search paths it sees, in cargo's order, `read_runs` those whose files it may read.
    """

    id: str
    label: str
    package: str
    folder: str
    directory: str
    is_std: bool
    target: str
    environment: tuple[tuple[str, str], ...]
    runs: tuple[str, ...]
    read_runs: tuple[str, ...]
    extra_inputs: tuple[str, ...]

    @property
    def record(self) -> str:
        """The file that says what the unit's outputs are; it is written last."""
        return f"{self.folder}/{records.NAME}"

    def read_of(self, other: PlannedUnit) -> str:
        """The part of another unit that this one reads."""
        return other.record


class CompileUnit(PlannedUnit, frozen=True, kw_only=True, tag="compile"):
    """How one crate is compiled: `arguments` without rustc's own path and without dependencies.

    `externs` are direct dependencies, `libraries` the ids of all libraries it may come to read, `run` its own build
    script's run. `takes_libraries`: those that its build script names are for it. `is_incremental`: rustc goes on from
    what it kept of the last time.
    """

    kind: Kind
    is_incremental: bool
    arguments: tuple[str, ...]
    externs: tuple[Extern, ...]
    libraries: tuple[str, ...]
    run: str | None
    takes_libraries: bool
    outputs: tuple[str, ...]

    @property
    def metadata(self) -> str:
        """What names a library's metadata, which is there while the code is still being generated."""
        return f"{self.folder}/metadata"

    def read_of(self, other: PlannedUnit) -> str:
        """Of a library its metadata where that is enough."""
        return other.metadata if isinstance(other, CompileUnit) and self.needs_metadata_only(other) else other.record

    def needs_metadata_only(self, library: CompileUnit) -> bool:
        """A library reads no code of another, whatever is linked does."""
        return self.kind is Kind.LIBRARY and library.kind is Kind.LIBRARY

    @property
    def prerequisites(self) -> tuple[str, ...]:
        """Ids of all units whose records this unit's action reads."""
        own = (self.run,) if self.run else ()
        return tuple(dict.fromkeys((*self.libraries, *own, *self.runs, *self.read_runs)))


class RunBuildScript(PlannedUnit, frozen=True, kw_only=True, tag="run"):
    """How a build script is run: `script` is the unit that compiles it, empty where the configuration says its words.

    `targets` are those of its package: what a script says is for them. `links` is the native library that it is about.
    """

    targets: tuple[Target, ...]
    script: str
    links: str

    @property
    def prerequisites(self) -> tuple[str, ...]:
        """Ids of all units whose records this unit's action reads."""
        own = (self.script,) if self.script else ()
        return tuple(dict.fromkeys((*own, *self.runs, *self.read_runs)))


Unit = CompileUnit | RunBuildScript


def compiled(unit: Unit) -> CompileUnit:
    """A unit that can't be but a crate. Raises `TypeError` for a plan that says otherwise."""
    if not isinstance(unit, CompileUnit):
        raise TypeError(f"{unit.id} is run, not compiled")
    return unit


def run(unit: Unit) -> RunBuildScript:
    """A unit that can't be but a run. Raises `TypeError` for a plan that says otherwise."""
    if not isinstance(unit, RunBuildScript):
        raise TypeError(f"{unit.id} is compiled, not run")
    return unit
