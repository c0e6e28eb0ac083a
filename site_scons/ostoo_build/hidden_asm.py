"""Has a crate's macros expanded where they may put assembly together that no text shows. Does not read assembly."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build import asm_macros, dep_info, digest, own_code, source_tree, unit_inputs
from ostoo_build.paths import is_local
from ostoo_build.rustc import DEP_INFO, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.execution.action import Action
    from ostoo_build.execution.finishing import Finished
    from ostoo_build.look import Look
    from ostoo_build.plan import PlannedUnit
    from ostoo_build.session import Session

_SOURCE = ".rs"
_RULES = ("asm_files.py", "asm_macros.py", "hidden_asm.py")
_NO_LIBRARY = frozenset({"tests", "benches", "examples"})


def compiled(
    session: Session, action: Action, unit: PlannedUnit, on_metadata: Callable[[], None], look: Look
) -> Finished:
    """Run rustc on a unit, and once more for its macros alone where that is needed to know what it read."""
    done = session.runner.compile(action, unit, on_metadata)
    if done.returncode or not may_be(session, unit, look, done):
        return done
    return replace(done, expanded=session.runner.expand(action, unit))


def may_be(session: Session, unit: PlannedUnit, look: Look, done: Finished) -> bool:
    """Whether a compiled crate's assembly may be made by macros."""
    if unit.is_std or unit.kind in (Kind.BUILD_SCRIPT, Kind.PROC_MACRO):
        return False
    if any(_hands_on(session, other, look) for other in _seen(session, unit)):
        return True
    read = dep_info.parse(done.read(DEP_INFO).decode("utf-8")).files
    directory = Path(session.paths.root, session.paths.expand(unit.directory))
    return any(asm_macros.may_hide(data) for data in _contents(directory / name for name in read))


def _seen(session: Session, unit: PlannedUnit) -> Iterator[PlannedUnit]:
    """The libraries whose macros a crate may use."""
    return (other for other in map(session.units.__getitem__, unit.libraries) if not other.is_std)


def _hands_on(session: Session, library: PlannedUnit, look: Look) -> bool:
    """What was fetched is read once for all builds."""
    find = partial(look.once, ("macros of", library.id), partial(_find_macros, session, library))
    packages = sorted({part.package for part in _parts(session, library)})
    if any(map(is_local, packages)):
        return find()
    contents = [unit_inputs.fetched(session, package, look).sha256 for package in packages]
    rules = own_code.digest_of_files(_RULES)
    return session.answers.once(digest.of_json([library.kind.value, library.package, rules, *contents]), find)


def _parts(session: Session, library: PlannedUnit) -> Iterator[PlannedUnit]:
    """The libraries whose text a library's macros may be made of."""
    yield library
    if library.kind is Kind.PROC_MACRO:
        yield from _seen(session, library)


def _find_macros(session: Session, library: PlannedUnit) -> bool:
    tells = asm_macros.mentions if library.kind is Kind.PROC_MACRO else asm_macros.hands_on
    return any(tells(data) for part in _parts(session, library) for data in _sources(session, part))


def _sources(session: Session, unit: PlannedUnit) -> Iterator[bytes]:
    folder = unit_inputs.package_of(session, unit.package)
    files = source_tree.package_files(folder)
    return _contents(path for path in files if path.relative_to(folder).parts[0] not in _NO_LIBRARY)


def _contents(paths: Iterator[Path]) -> Iterator[bytes]:
    for path in paths:
        if path.suffix == _SOURCE and path.is_file():
            yield path.read_bytes()
