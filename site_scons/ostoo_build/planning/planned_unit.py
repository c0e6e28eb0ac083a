"""Defines the two types of planned units: `CompileUnit` and `RunBuildScript`.

Each has a tag, which distinguishes them in the file of a plan.
"""

from __future__ import annotations

from msgspec import Struct

from ostoo_build.actions import record as records
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rust.package_targets import Target  # noqa: TC001 - msgspec reads the types of fields


class Extern(Struct, frozen=True):
    """A direct dependency: the id of its unit, and the name by which the source uses it.

    `is_private` says that its items are not part of the unit's own interface.
    """

    unit: str
    name: str
    noprelude: bool
    is_private: bool

    @property
    def options(self) -> tuple[str, ...]:
        """Return the options of rustc's `--extern`."""
        return (*(("priv",) if self.is_private else ()), *(("noprelude", "nounused") if self.noprelude else ()))


class PlannedUnit(Struct, frozen=True, kw_only=True):
    """The fields that both types have in common. All texts are portable.

    `package` is the folder whose files are inputs, `folder` contains the outputs, `directory` is the working directory.
    `target` is the name of the target spec, empty for the host. `runs` are the ids of runs of build scripts: a run sees
    their `DEP_…` variables, a compilation their search paths; they are in cargo's order. `read_runs` are those whose
    output files the unit may read.
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
        """The path of the unit's record, which lists its outputs and is written last."""
        return f"{self.folder}/{records.NAME}"

    def read_of(self, other: PlannedUnit) -> str:
        """Return the path of the part of another unit that this one reads."""
        return other.record


class CompileUnit(PlannedUnit, frozen=True, kw_only=True, tag="compile"):
    """The compilation of one crate. `arguments` omits the path of rustc, and dependencies.

    `externs` are the direct dependencies, `libraries` the ids of all libraries that rustc may load, `run` is the run of
    the package's own build script. `takes_libraries` says that native libraries which that script names are linked to
    this unit. `is_incremental` says that rustc reuses its state from the previous compilation.
    """

    kind: UnitKind
    is_incremental: bool
    arguments: tuple[str, ...]
    externs: tuple[Extern, ...]
    libraries: tuple[str, ...]
    run: str | None
    takes_libraries: bool
    outputs: tuple[str, ...]

    @property
    def metadata(self) -> str:
        """The path that stands for a library's metadata, which is complete before its code."""
        return f"{self.folder}/metadata"

    def read_of(self, other: PlannedUnit) -> str:
        """Return the path of a library's metadata if that is sufficient, else of the record."""
        is_early = isinstance(other, CompileUnit) and other.kind is UnitKind.LIBRARY and self.needs_metadata_only(other)
        return other.metadata if isinstance(other, CompileUnit) and is_early else other.record

    def needs_metadata_only(self, library: CompileUnit) -> bool:
        """Whether this unit reads a library's metadata only: a library and pages do, what is linked needs the code."""
        return (self.kind.is_library or self.kind is UnitKind.DOC) and library.kind.is_library

    @property
    def prerequisites(self) -> tuple[str, ...]:
        """Ids of all units whose records this unit's action reads."""
        own = (self.run,) if self.run else ()
        return tuple(dict.fromkeys((*self.libraries, *own, *self.runs, *self.read_runs)))


class RunBuildScript(PlannedUnit, frozen=True, kw_only=True, tag="run"):
    """One run of a build script.

    `script` is the id of the unit that compiles it; it is empty if cargo's configuration overrides the script.
    `targets` are those of its package, to which its instructions apply. `links` is the package's native library.
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
    """Narrow the type of a unit to a compilation. Raises `TypeError` if it is a run."""
    if not isinstance(unit, CompileUnit):
        raise TypeError(f"{unit.id} is run, not compiled")
    return unit


def run(unit: Unit) -> RunBuildScript:
    """Narrow the type of a unit to a run. Raises `TypeError` if it is a compilation."""
    if not isinstance(unit, RunBuildScript):
        raise TypeError(f"{unit.id} is compiled, not run")
    return unit


def is_macro(unit: Unit) -> bool:
    """Whether a unit compiles a procedural macro."""
    return isinstance(unit, CompileUnit) and unit.kind is UnitKind.PROC_MACRO


def is_checked(unit: Unit) -> bool:
    """Whether a unit is compiled to metadata only."""
    return isinstance(unit, CompileUnit) and unit.kind.is_checked


def is_documented(unit: Unit) -> bool:
    """Whether a unit is documented, not compiled."""
    return isinstance(unit, CompileUnit) and unit.kind is UnitKind.DOC
