"""What a link is made from besides what was compiled: one answer for its action and for the program's. Links nothing.

What flags and the target spec name may lie anywhere in the checkout; it is known before anything is built. What only a
build script names has to lie in a package of the program, in what that script wrote, or be declared: all these are in
the program's key too.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build import link_files, rustc_options, target_words, unit_inputs
from ostoo_build.execution import link_proof, proof
from ostoo_build.execution.proof import OF_TOOLS
from ostoo_build.look import Look
from ostoo_build.paths import is_local

if TYPE_CHECKING:
    from ostoo_build.execution.action import Action
    from ostoo_build.execution.requests import Inputs
    from ostoo_build.link_files import Found
    from ostoo_build.plan import PlannedUnit, Program
    from ostoo_build.session import Session


def planned_files(session: Session, unit: PlannedUnit) -> list[Path]:
    """The files of the checkout that a program's flags and target spec name."""
    return _planned_files(session, unit, Look())


def planned(session: Session, unit: PlannedUnit, look: Look) -> Inputs:
    """Those files as inputs. Raises `OSError` for one that can't be read."""
    return unit_inputs.of_files(session, _planned_files(session, unit, look), look)


def _planned_files(session: Session, unit: PlannedUnit, look: Look) -> list[Path]:
    return [path for path in _named(session, unit, unit.arguments, look).files if _may_be_named(session, path)]


def complete(session: Session, program: Program, action: Action, look: Look) -> Action:
    """Add to a link's action the files that its arguments name.

    Raises `OstooError` for one that would be read unseen and may not be.
    """
    unit = program.units[-1]
    found = _named(session, unit, action.arguments, look)
    inputs = {entry.path: entry for entry in action.inputs}
    files = (*found.files, *unit_inputs.declared_files(session, unit))
    names = {path: session.paths.input_path(path) for path in files}
    missing = [path for path, name in names.items() if name not in inputs]
    allowed = _allowed(session, program, look) if missing else frozenset()
    packages = tuple(f"{each.package}/" for each in program.units if not is_local(each.package))
    for path in missing:
        if names[path] in allowed or names[path].startswith(packages):
            inputs[names[path]] = look.once(path, partial(session.paths.input, path))
    for path in found.unseen:
        name = session.paths.input_path(path)
        if name not in inputs and not session.paths.portable(path).startswith(OF_TOOLS):
            raise link_proof.undeclared(name, f"{unit.package}/Cargo.toml")
    return replace(action, inputs=tuple(inputs.values()))


def check_libraries(session: Session, unit: PlannedUnit, action: Action) -> None:
    """Raise `OstooError` for a static library that a compilation takes in and nobody declared: dep-info has none."""
    asked = [option.value for option in rustc_options.read(action.arguments) if option.flag == "-l"]
    names = [name for kind, _, name in (each.rpartition("=") for each in asked) if kind.startswith("static")]
    if not names or not unit.target or unit.is_std:
        return
    files = {entry.path for entry in action.inputs}
    folders = (*OF_TOOLS, *(f"{entry.path}/" for entry in action.inputs if entry.is_folder))
    searches = _searches(session, unit, action.arguments)
    for name in names:
        places = (folder / f"lib{name.partition(':')[0]}.a" for folder in searches)
        path = next((place for place in places if place.is_file()), None)
        if path is None or session.paths.is_in(path, folders):
            continue
        if session.paths.input_path(path) not in files:
            raise proof.undeclared(session.paths.input_path(path), f"{unit.package}/Cargo.toml")


def _allowed(session: Session, program: Program, look: Look) -> frozenset[str]:
    """What the program's key knows."""
    by_flags = planned(session, program.units[-1], look)
    each = (unit_inputs.declared, unit_inputs.of)  # programs that it reads are declared, and what was told is not
    of_units = (entry for unit in program.units for of in each for entry in of(session, unit, look))
    return frozenset(entry.path for entry in (*by_flags, *of_units))


def _named(session: Session, unit: PlannedUnit, arguments: tuple[str, ...], look: Look) -> Found:
    """What rustc's arguments and the spec tell the linker to read."""
    return look.once(("named", unit.id, arguments), partial(_find_named, session, unit, arguments))


def _find_named(session: Session, unit: PlannedUnit, arguments: tuple[str, ...]) -> Found:
    directory = Path(session.paths.root, session.paths.expand(unit.directory))
    words = map(session.paths.expand, rustc_options.link_arguments(arguments))
    texts = (*words, *target_words.of_linker(session.spec(unit.target).source.value))
    return link_files.named(texts, directory, _searches(session, unit, arguments))


def _searches(session: Session, unit: PlannedUnit, arguments: tuple[str, ...]) -> list[Path]:
    """The folders in which native libraries are looked for."""
    directory = Path(session.paths.root, session.paths.expand(unit.directory))
    folders = (option.folder for option in rustc_options.read(arguments) if option.flag == "-L")
    return [directory / session.paths.expand(folder) for kind, folder in folders if kind not in ("crate", "dependency")]


def _may_be_named(session: Session, path: Path) -> bool:
    name = session.paths.input_path(path)
    return is_local(name) and not name.startswith(("build/", "sysroot/"))
