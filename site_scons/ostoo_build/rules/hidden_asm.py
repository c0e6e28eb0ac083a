"""Expands a crate's macros where they may create assembly that is not visible in the source text."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.base import digest, own_source, source_files
from ostoo_build.base.paths import is_local
from ostoo_build.planning import planned_unit
from ostoo_build.planning.rustc_flags import DEP_INFO, UnitKind
from ostoo_build.rules import unit_inputs
from ostoo_build.rust import asm_macros, dep_info

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Finished
    from ostoo_build.base.paths import PathMap
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.planned_unit import CompileUnit

_SOURCE = ".rs"
DECIDED_BY = (
    *("actions/learned.py", "actions/record.py", "base", "planning", "rust"),
    *("rules/asked_variables.py", "rules/hidden_asm.py", "rules/unit_inputs.py"),
)
"""The packages that decide whether macros may create assembly."""

_NO_LIBRARY = frozenset({"tests", "benches", "examples"})


def compiled(
    planner: Planner, services: Services, action: Action, unit: CompileUnit, on_metadata: Callable[[], None]
) -> Finished:
    """Run rustc on a unit, and a second time to expand its macros if its inputs can't be determined otherwise."""
    done = services.runner.compile(action, unit, on_metadata)
    if done.returncode or not may_be(planner, services, unit, done):
        return done
    return replace(done, expanded=services.runner.expand(action, unit))


def may_be(planner: Planner, services: Services, unit: CompileUnit, done: Finished) -> bool:
    """Whether a compiled crate's macros may create assembly."""
    if unit.is_std or not unit.kind.has_code_of_target:
        return False
    if look_ahead(planner, services, unit):
        return True
    read = dep_info.parse(done.read(DEP_INFO).decode("utf-8")).files
    directory = Path(planner.paths.root, planner.paths.expand(unit.directory))
    return any(asm_macros.may_hide(data) for data in _contents(directory / name for name in read))


def look_ahead(planner: Planner, services: Services, unit: CompileUnit) -> bool:
    """Whether a library hands on macros that may create assembly, which is known before the crate is compiled."""
    return any(_hands_on(planner, services, other) for other in _seen(planner, unit))


def _seen(planner: Planner, unit: CompileUnit) -> Iterator[CompileUnit]:
    """Yield the libraries whose macros a crate may use."""
    libraries = (planned_unit.compiled(planner.units[id_]) for id_ in unit.libraries)
    return (library for library in libraries if not library.is_std)


def _hands_on(planner: Planner, services: Services, library: CompileUnit) -> bool:
    """Cached for downloaded crates across builds."""
    snapshot, paths = services.snapshot, planner.paths
    find = partial(snapshot.get, ("macros of", library.id), partial(_find_macros, planner, library))
    packages = sorted({part.package for part in _parts(planner, library)})
    if any(map(is_local, packages)):
        return find()
    contents = [unit_inputs.fetched(paths, services.trees, package, snapshot).sha256 for package in packages]
    rules = own_source.digest_of(*DECIDED_BY)
    return services.answers.get(digest.of_json([library.kind.value, library.package, rules, *contents]), find)


def _parts(planner: Planner, library: CompileUnit) -> Iterator[CompileUnit]:
    """Yield the libraries whose source text a library's macros may use."""
    yield library
    if library.kind is UnitKind.PROC_MACRO:
        yield from _seen(planner, library)


def _find_macros(planner: Planner, library: CompileUnit) -> bool:
    tells = asm_macros.mentions_asm if library.kind is UnitKind.PROC_MACRO else asm_macros.exports_asm
    return any(tells(data) for part in _parts(planner, library) for data in _sources(planner.paths, part))


def _sources(paths: PathMap, unit: CompileUnit) -> Iterator[bytes]:
    folder = unit_inputs.package_of(paths, unit.package)
    files = source_files.package_files(folder)
    return _contents(path for path in files if path.relative_to(folder).parts[0] not in _NO_LIBRARY)


def _contents(paths: Iterator[Path]) -> Iterator[bytes]:
    for path in paths:
        if path.suffix == _SOURCE and path.is_file():
            yield path.read_bytes()
