"""Determines the inputs of a link besides compiled code, for the link's key and the program's key.

Files that flags and the target spec name may be anywhere in the checkout; they are known before the build. Files that
only a build script names must be in a package of the program, in the script's `OUT_DIR`, or declared: all these are in
the program's key too.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.actions import outcome
from ostoo_build.base import digest, layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import is_local
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.binary import ar
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import link_proof, unit_inputs
from ostoo_build.rust import link_files
from ostoo_build.rust import options as rustc_options
from ostoo_build.target import words as target_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Finished
    from ostoo_build.base.paths import PathMap
    from ostoo_build.invocation.invocation import Inputs
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.invocation.targets import Targets
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import CompileUnit
    from ostoo_build.rust.link_files import NamedFiles


_LINKED_HERE = (UnitKind.BUILD_SCRIPT, UnitKind.PROC_MACRO)


def planned_files(paths: PathMap, targets: Targets, unit: CompileUnit) -> list[Path]:
    """Return the checkout's files that a program's flags and target spec name."""
    return _planned_files(paths, targets, unit, Snapshot())


def planned(paths: PathMap, targets: Targets, unit: CompileUnit, snapshot: Snapshot) -> Inputs:
    """Return these files as inputs. Raises `OSError` for one that can't be read."""
    return unit_inputs.of_files(paths, _planned_files(paths, targets, unit, snapshot), snapshot)


def _planned_files(paths: PathMap, targets: Targets, unit: CompileUnit, snapshot: Snapshot) -> list[Path]:
    return [path for path in _named(paths, targets, unit, unit.arguments, snapshot).files if _may_be_named(paths, path)]


def complete(planner: Planner, services: Services, program: Program, action: Action, snapshot: Snapshot) -> Action:
    """Add the files that its arguments name to a link's action.

    Raises `OstooError` for a file that may not be read and whose reading LLD would not report.
    """
    unit, paths = program.unit, planner.paths
    found = _named(paths, planner.targets, unit, action.arguments, snapshot)
    inputs = {entry.path: entry for entry in action.inputs}
    files = (*found.files, *unit_inputs.declared_in(paths, unit, snapshot))
    names = {path: paths.input_path(path) for path in files}
    missing = [path for path, name in names.items() if name not in inputs]
    allowed = _allowed(planner, services, program, snapshot) if missing else frozenset()
    packages = tuple(f"{each.package}/" for each in program.units if not is_local(each.package))
    for path in missing:
        if names[path] in allowed or names[path].startswith(packages):
            inputs[names[path]] = snapshot.get(path, partial(paths.input, path))
    for path in found.unseen:
        name = paths.input_path(path)
        if name not in inputs and not paths.portable(path).startswith(paths.of_tools):
            raise link_proof.undeclared(name, f"{unit.package}/Cargo.toml")
    return replace(action, inputs=tuple(inputs.values()))


def check_libraries(paths: PathMap, unit: CompileUnit, action: Action) -> frozenset[str]:
    """Return the files that a compilation reads without listing them in dep-info.

    They are static libraries that arguments name, files of the checkout that the link of a macro or build script
    reads, and profiles. Raises `OstooError` for an undeclared one.
    """
    if unit.is_std:
        return frozenset()
    is_declared = _declared(paths, action)
    if unit.target:
        taken = [*_static_libraries(paths, unit, action)]
    else:
        taken = [*_of_host_link(paths, unit, action)] if unit.kind in _LINKED_HERE else []
    for file in taken:
        if not is_declared(file):
            raise outcome.undeclared(paths.input_path(file), f"{unit.package}/Cargo.toml")
    return frozenset(map(paths.input_path, (*taken, *unit_inputs.of_flags(paths, unit))))


def check_bundled(paths: PathMap, unit: CompileUnit, action: Action, done: Finished) -> None:
    """Raise `OstooError` if the compiled crate contains an undeclared static library.

    `#[link(kind = "static")]` in any source, or written by a macro, may name one; rustc copies its contents into the
    crate.
    """
    searches = _searches(paths, unit, action.arguments)
    if unit.kind is not UnitKind.LIBRARY or unit.is_std or not searches:
        return
    taken = {name for name in _members(done.read(unit.outputs[-1])) if not name.endswith(_OWN_MEMBERS)}
    is_declared = _declared(paths, action)
    found: dict[str, Path] = {}
    for folder in (folder for folder in searches if taken and folder.is_dir()):
        for path in sorted(folder.iterdir()):
            found.setdefault(path.name, path)  # rustc takes the first library of a name
    for path in (path for path in found.values() if not is_declared(path)):
        members = set(_members(_archive(path)))
        if path.name in taken or (members and members <= taken):
            raise outcome.undeclared(paths.input_path(path), f"{unit.package}/Cargo.toml")


_OWN_MEMBERS = (".rcgu.o", ".rmeta")
"""Member names of a library's own objects."""


def names_files(planner: Planner, unit: CompileUnit, action: Action, snapshot: Snapshot) -> bool:
    """Whether a link's arguments name files besides the sysroot's, or folders that users edit.

    For a name a linker may look in several folders, so a new file can take the place of one that it found.
    """
    paths = planner.paths
    found = map(paths.input_path, _named(paths, planner.targets, unit, action.arguments, snapshot).files)
    is_of_others = any(not name.startswith((f"{paths.sysroots}/", f"{layout.library(unit.target)}/")) for name in found)
    return is_of_others or searches_package(paths, unit, action)


def searches_package(paths: PathMap, unit: CompileUnit, action: Action) -> bool:
    """Whether a compilation searches folders that users edit for native libraries, which dep-info doesn't list."""
    found = map(paths.input_path, _searches(paths, unit, action.arguments))
    return any(is_local(name) and not paths.is_made(f"{name}/") for name in found)


def _members(data: bytes) -> list[str]:
    try:
        return [member.name for member in ar.read(data, "")]
    except OstooError:
        return []


def _archive(path: Path) -> bytes:
    try:
        with digest.opened(path) as stream:
            return stream.read() if stream.read(len(_ARCHIVE)) == _ARCHIVE and stream.seek(0) == 0 else b""
    except OSError:
        return b""


_ARCHIVE = b"!<arch>\n"


def _declared(paths: PathMap, action: Action) -> Callable[[Path], bool]:
    files = {entry.path for entry in action.inputs}
    folders = (*paths.of_tools, *(f"{entry.path}/" for entry in action.inputs if entry.is_folder))
    return lambda path: paths.is_in(path, folders) or paths.input_path(path) in files


def _static_libraries(paths: PathMap, unit: CompileUnit, action: Action) -> Iterator[Path]:
    """Yield the files that `-l static=NAME` names, also as `static:+verbatim=FILE` or `static=NAME:OTHER`."""
    asked = [option.value for option in rustc_options.read(action.arguments) if option.flag == "-l"]
    searches = _searches(paths, unit, action.arguments)
    for kind, _, names in (each.rpartition("=") for each in asked):
        files = [file for name in names.split(":") for file in (f"lib{name}.a", name)]
        places = (folder / file for folder in searches for file in files if kind.startswith("static"))
        yield from [place for place in places if place.is_file()][:1]


def _of_host_link(paths: PathMap, unit: CompileUnit, action: Action) -> Iterator[Path]:
    """Yield the checkout's files that a host link reads; everything else belongs to this machine."""
    words = map(paths.expand, rustc_options.link_arguments(action.arguments))
    parts = (part for word in words for part in word.split(","))  # `-Wl,` may contain several
    searches = filter(partial(_is_here, paths), _searches(paths, unit, action.arguments))
    found = link_files.named(parts, _directory(paths, unit), searches).files
    return filter(partial(_is_here, paths), found)


def _is_here(paths: PathMap, path: Path) -> bool:
    return is_local(paths.input_path(path))


def _allowed(planner: Planner, services: Services, program: Program, snapshot: Snapshot) -> frozenset[str]:
    """Return the inputs that the program's key covers."""
    by_flags = planned(planner.paths, planner.targets, program.unit, snapshot)
    found = {entry.path for entry in by_flags}
    for unit in program.units:
        reads = unit_inputs.known(services, planner.paths, unit).reads
        # programs that it reads are declared, inputs from an earlier run are not
        found.update(entry.path for entry in unit_inputs.declared(planner, services, unit, snapshot))
        found.update(entry.path for entry in unit_inputs.of(planner, services, unit, reads, snapshot))
    return frozenset(found)


def _named(
    paths: PathMap, targets: Targets, unit: CompileUnit, arguments: tuple[str, ...], snapshot: Snapshot
) -> NamedFiles:
    """Return the files that rustc's arguments and the spec tell the linker to read."""
    return snapshot.get(("named", unit.id, arguments), partial(_find_named, paths, targets, unit, arguments))


def _find_named(paths: PathMap, targets: Targets, unit: CompileUnit, arguments: tuple[str, ...]) -> NamedFiles:
    words = map(paths.expand, rustc_options.link_arguments(arguments))
    read = (word for word in words if not word.startswith(link_proof.OPTION))
    texts = (*read, *target_words.of_linker(targets.spec(unit.target).source.value))
    return link_files.named(texts, _directory(paths, unit), _searches(paths, unit, arguments))


def _searches(paths: PathMap, unit: CompileUnit, arguments: tuple[str, ...]) -> list[Path]:
    """Return the folders that are searched for native libraries."""
    directory = _directory(paths, unit)
    folders = (option.folder for option in rustc_options.read(arguments) if option.flag == "-L")
    return [directory / paths.expand(folder) for kind, folder in folders if kind not in ("crate", "dependency")]


def _directory(paths: PathMap, unit: CompileUnit) -> Path:
    """Return rustc's working directory."""
    return Path(paths.root, paths.expand(unit.directory))


def _may_be_named(paths: PathMap, path: Path) -> bool:
    name = paths.input_path(path)
    return is_local(name) and not paths.is_made(name)
