"""Determines the inputs of a unit, for its own key and for its program's key.

Each file of an editable package is an input; a downloaded package is one input as a folder.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions import record as records
from ostoo_build.actions.learned import Learned
from ostoo_build.base import digest, layout, source_files
from ostoo_build.base import input as inputs
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.base.paths import is_local
from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import asked_variables
from ostoo_build.rust import clippy
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ostoo_build.actions.record import Record
    from ostoo_build.base.paths import PathMap
    from ostoo_build.base.snapshot import Snapshot
    from ostoo_build.invocation.invocation import Inputs
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import ProgramId
    from ostoo_build.planning.planned_unit import PlannedUnit
    from ostoo_build.reapi.package_digest import TreeMemo


def of(planner: Planner, services: Services, unit: PlannedUnit, reads: tuple[str, ...], snapshot: Snapshot) -> Inputs:
    """Return all files that a unit may read besides outputs of units and programs; `reads` are those that a run told.

    Raises `OSError` for one that can't be read, `OstooError` for a declared one that other machines lack.
    """
    paths = planner.paths
    made = {paths.input_path(path) for path in makers_in(planner, unit, snapshot)}
    files = [path for path in declared_in(paths, unit, snapshot) if paths.input_path(path) not in made]
    before = (*_package(paths, services.trees, unit.package, snapshot), *of_files(paths, files, snapshot))
    return tuple(dict.fromkeys((*before, *reported(paths, reads, snapshot))))


def declared(planner: Planner, services: Services, unit: PlannedUnit, snapshot: Snapshot) -> Inputs:
    """Return the files of its package, and those that its manifest declares; declared programs must be built first."""
    others = of_files(planner.paths, declared_in(planner.paths, unit, snapshot), snapshot)
    return tuple(dict.fromkeys((*_package(planner.paths, services.trees, unit.package, snapshot), *others)))


class DeclaredInputs(Struct, frozen=True):
    """The inputs of a unit that are known before it is made, the editable ones in its package, and whence they are."""

    declared: Inputs
    own: Inputs
    snapshot: Snapshot


def of_unit(planner: Planner, services: Services, unit: PlannedUnit, snapshot: Snapshot) -> DeclaredInputs:
    """Return the inputs of a unit that are known before it is made. Raises as `of` does."""
    of_manifest, of_package = (each(planner, services, unit, snapshot) for each in (declared, own))
    return DeclaredInputs(of_manifest, of_package, snapshot)


def own(planner: Planner, services: Services, unit: PlannedUnit, snapshot: Snapshot) -> Inputs:
    """Return the files of a unit's package if users edit them."""
    return _package(planner.paths, services.trees, unit.package, snapshot) if is_local(unit.package) else ()


def makers(planner: Planner, unit: PlannedUnit) -> dict[Path, ProgramId]:
    """Return the declared inputs that are programs of this build, each with its program.

    Raises `OstooError` for any other file in `build`, as no step makes it.
    """
    return _makers(planner, unit, declared_files(planner.paths, unit))


def _makers(planner: Planner, unit: PlannedUnit, files: Iterable[Path]) -> dict[Path, ProgramId]:
    found = {}
    for path in files:
        name = planner.paths.input_path(path)
        if not layout.is_in_build(name):
            continue
        target, profile, program = [*name.split("/")[1:], "", "", ""][:3]
        asked = (program.removesuffix(layout.SYMBOLS), target)
        is_one = asked[0] in planner.programs.binaries and asked in planner.programs.ids([asked[0]])
        if name.count("/") != len(("target", "profile", "program")) or not is_one:
            raise _unmade(unit, name, "only programs can be named, as build/TARGET/PROFILE/PROGRAM")
        if profile != planner.profile:
            raise _unmade(unit, name, f"this build makes programs of the profile {planner.profile} only")
        found[path] = asked
    return found


def makers_in(planner: Planner, unit: PlannedUnit, snapshot: Snapshot) -> dict[Path, ProgramId]:
    """Return the same of a snapshot."""
    files = declared_in(planner.paths, unit, snapshot)
    return snapshot.get(("makers", unit.id), partial(_makers, planner, unit, files))


def _unmade(unit: PlannedUnit, name: str, why: str) -> OstooError:
    where = f"{unit.package}/Cargo.toml"
    return OstooError(f"no step makes the declared input {name}", where=where, remedy=why)


def of_files(paths: PathMap, files: Iterable[Path], snapshot: Snapshot) -> Inputs:
    """Convert files to inputs, reading each once. Raises `OSError` for one that can't be read."""
    return tuple(snapshot.get(file, partial(paths.input, file)) for file in files)


def reported(paths: PathMap, reads: tuple[str, ...], snapshot: Snapshot) -> Inputs:
    """Return the files that a unit's run reported.

    `reads` are portable paths of files and folders, which may be missing. An empty folder counts, as a script may name
    it. Of the whole checkout only the folders that users edit count.
    """
    return snapshot.get(("reported", reads), partial(_reported, paths, reads, snapshot))


def _reported(paths: PathMap, reads: tuple[str, ...], snapshot: Snapshot) -> Inputs:
    places = [place for read in reads for place in _told_of(paths, read)]
    files = of_files(paths, (file for place in places for file in source_files.all_files(place)), snapshot)
    empty = (paths.input_path(folder) for place in places for folder in source_files.empty_folders(place))
    return (*files, *(Input(folder, inputs.NOTHING, 0, is_folder=True) for folder in dict.fromkeys(empty)))


def _told_of(paths: PathMap, read: str) -> list[Path]:
    place = Path(paths.root, paths.expand(read))
    if place != Path(paths.root):
        return [place]
    shown = (entry for entry in sorted(place.iterdir()) if not entry.name.startswith("."))
    return [entry for entry in shown if entry.name not in paths.made]


def asked_for(paths: PathMap, unit: PlannedUnit, reads: tuple[str, ...], snapshot: Snapshot) -> digest.Hash:
    """Digest of what a build script may ask for and is no file with contents; empty where nobody edits what it names.

    It is the names of what the last run told of, for what is not there is no input and has been missed all the same,
    and where links lead: its package's, and those told of. To who reads them links are what they lead to.
    """
    if not isinstance(unit, RunBuildScript) or not (is_local(unit.package) or reads):
        return ""
    return snapshot.get(("asked for", unit.package, reads), partial(_asked_for, paths, unit.package, reads))


def _asked_for(paths: PathMap, package: str, reads: tuple[str, ...]) -> digest.Hash:
    told_of = (Path(paths.root, paths.expand(read)) for read in reads)
    of_package = source_files.package_links(Path(paths.root, package)) if is_local(package) else ()
    found = (*of_package, *(path for path in told_of if path.is_symlink()))
    texts = {paths.input_path(path): paths.portable_text(str(path.readlink())) for path in found}
    return digest.of_json({"told": sorted({*reads}), "links": texts})


def known(services: Services, paths: PathMap, unit: PlannedUnit) -> Learned:
    """Return what the unit's last run told."""
    record = last(services, paths, unit)
    return record.learned if record else Learned()


def last(services: Services, paths: PathMap, unit: PlannedUnit) -> Record | None:
    """Return the record of the unit's last run."""
    folder = Path(paths.root, unit.folder)
    settled = services.engine.settled.get(folder)
    return settled.record if settled else records.load(folder)


def given(unit: PlannedUnit, asked: Iterable[str]) -> dict[str, str]:
    """Return those of the variables that a unit asks for which are set, and which nobody declares, with their values.

    Raises `OstooError` if no key can hold one.
    """
    declared, is_run = dict(unit.environment), isinstance(unit, RunBuildScript)
    asks = "the build script asks for" if is_run else f"the crate {unit.label} asks for"
    undeclared = (name for name in asked if name not in declared)
    return asked_variables.values(undeclared, asks, f"{unit.package}/{'build.rs' if is_run else 'Cargo.toml'}")


def package_of(paths: PathMap, package: str) -> Path:
    """Return the folder of a package."""
    return Path(paths.root, paths.expand(package))


def is_of_std(package: str) -> bool:
    """Whether a package is std's, whose source the toolchain digest covers."""
    return package.startswith("@{rust-src}")


def declared_files(paths: PathMap, unit: PlannedUnit) -> list[Path]:
    """Return the files that a unit's manifest and flags name, and what its driver reads.

    Raises `OstooError` for named files outside the checkout.
    """
    found = [*of_flags(paths, unit)]
    if unit.extra_inputs and is_local(unit.package):
        found += source_files.expand_inputs(Path(paths.root, unit.package), unit.extra_inputs)
    for path in found:
        if not is_local(paths.input_path(path)):
            raise OstooError(
                "a declared input is outside of the checkout",
                where=f"{unit.package}/Cargo.toml\n{path}",
                remedy="other machines do not have it: copy it into the checkout",
            )
    return [*found, *of_clippy(paths, unit)]


def of_clippy(paths: PathMap, unit: PlannedUnit) -> Iterator[Path]:
    """Yield the files that clippy reads besides sources, if it looks at the unit."""
    if isinstance(unit, CompileUnit) and unit.kind is UnitKind.LINT:
        folder, package = (Path(paths.root, paths.expand(place)) for place in (unit.directory, unit.package))
        named = dict(unit.environment).get(clippy.CONFIGURATION)
        asked = os.environ.get(clippy.CONFIGURATION) if named is None else paths.expand(named)
        yield from clippy.read_besides(folder, package, asked)


def declared_in(paths: PathMap, unit: PlannedUnit, snapshot: Snapshot) -> list[Path]:
    """Return the same of a snapshot."""
    return snapshot.get(("declared", unit.id), partial(declared_files, paths, unit))


def of_flags(paths: PathMap, unit: PlannedUnit) -> Iterator[Path]:
    """Yield the profiles that rustc reads without listing them in dep-info."""
    arguments = unit.arguments if isinstance(unit, CompileUnit) else ()
    asked = arguments if "use=" in "\0".join(arguments) else ()  # a thousand programs ask for each of their units
    for option in rustc_options.read(asked):
        if option.name in ("profile-use", "profile-sample-use"):
            yield Path(paths.root, paths.expand(unit.directory), paths.expand(option.setting))


def listed_folders(paths: PathMap, unit: PlannedUnit) -> list[Path]:
    """Return the folders whose entries decide which files a manifest declares."""
    patterns = [Path(os.path.normpath(Path(paths.root, unit.package, pattern))) for pattern in unit.extra_inputs]
    return [pattern.parent for pattern in patterns if is_local(unit.package) and "*" in pattern.name]


def _package(paths: PathMap, trees: TreeMemo, package: str, snapshot: Snapshot) -> Inputs:
    if is_of_std(package):
        return ()
    if is_local(package):
        folder = package_of(paths, package)
        return snapshot.get(("files", package), partial(trees.files, package, folder))
    return (fetched(paths, trees, package, snapshot),)


def fetched(paths: PathMap, trees: TreeMemo, package: str, snapshot: Snapshot) -> Input:
    """Return a downloaded package as one input. Raises `OSError` for a file that can't be read."""
    folder = package_of(paths, package)
    return snapshot.get(("folder", package), partial(trees.input, package, folder))
