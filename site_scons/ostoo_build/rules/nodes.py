"""Defines the nodes of a build as values: outputs, prerequisites, and the action.

No node counts as up to date in advance: each is performed in every build that reaches it, and the engine decides.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.actions.record import NAME
from ostoo_build.base import deferred, layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import (
    c_library,
    loader_check,
    musl_sysroot,
    program_link,
    publication,
    target_spec,
    unit_inputs,
    whole_program,
)
from ostoo_build.rules import unit as unit_rule
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator
    from pathlib import Path

    from ostoo_build.actions.record import Record
    from ostoo_build.base.console import Console
    from ostoo_build.execution.engine import Engine
    from ostoo_build.execution.job import Job
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import CompileUnit, PlannedUnit, Unit
    from ostoo_build.rules.c_library import Library
    from ostoo_build.rules.progress import PendingProgram, Progress


class Node(Struct, frozen=True):
    """A node.

    `name` is the file that `perform` creates, or a name for something that is not a file; both are portable.

    `after` are the names of its prerequisites, `cleaned` further folders that `scons -c` removes with it.

    `perform` returns the record if the node is an action. `scons -n` shows `description`, unless `is_done` returns
    true.
    """

    name: str
    after: tuple[str, ...]
    description: str
    perform: Callable[[], Record | None]
    is_done: Callable[[], bool]
    is_file: bool = True
    cleaned: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether it is a state file of the build, so that anything else in its place may be removed."""
        return self.is_file and (self.folder is not None or self.name.startswith(f"{layout.STATE}/"))

    @property
    def folder(self) -> str | None:
        """Return the folder that belongs to this node alone and is removed with it."""
        folder, _, name = self.name.rpartition("/")
        return folder if name == NAME else None


def check_target(planner: Planner, services: Services, target: str) -> Node:
    """Return the node that validates a target spec; nothing is compiled for the target before it."""
    name = f"{target_spec.folder(target)}/{NAME}"
    return of_job(services.engine, name, (), f"check {target}", lambda: target_spec.job(planner, target, Snapshot()))


def sysroot(planner: Planner, services: Services, target: str) -> Node:
    """Return the node of a target's sysroot. Raises `OstooError` for an unknown provider."""
    return _of_library(planner, services, target, c_library.of_target(planner, services, target))


def _of_library(planner: Planner, services: Services, target: str, library: Library) -> Node:
    musl_sysroot.key(planner.targets, services.sysroots, target)  # report it before anything is built
    is_there = partial(is_done, services.engine, library.make)
    provide = partial(c_library.provide, services, library)
    part = layout.library(target)  # it may be from a build before there was a sysroot
    cleaned = (part,) if library.folder != part else ()
    return Node(f"{library.folder}/{NAME}", (), f"provide {library.folder}", provide, is_there, cleaned=cleaned)


def foundations(planner: Planner, services: Services, program: Program) -> Iterator[tuple[str, Callable[[], Job]]]:
    """Yield what a program has besides its units before it is linked: the portable folder of each, and its job."""
    target = program.target
    yield target_spec.folder(target), lambda: target_spec.job(planner, target, Snapshot())
    if program.uses_std:
        yield c_library.of(planner, services, program)


def of_unit(planner: Planner, services: Services, unit: Unit) -> Iterator[Node]:
    """Yield a unit's nodes; a library has one for its metadata too, which dependents need before its code."""
    others = (unit.read_of(planner.units[id_]) for id_ in unit.prerequisites)
    checked = (check_target(planner, services, unit.target).name,) if unit.target else ()
    after = (*others, *checked, *_made_inputs(planner, unit))
    has_none: Callable[[], bool] = partial(
        is_done, services.engine, lambda: unit_rule.job(planner, services, unit, Snapshot())
    )
    if isinstance(unit, RunBuildScript):
        run = partial(unit_rule.run_script, planner, services, unit)
        yield Node(unit.record, after, f"run {unit.label}", run, has_none)
        return
    description = f"rustc {' '.join(unit.arguments)}"
    if unit.kind is UnitKind.LIBRARY:
        start = partial(_wait_for_metadata, planner, services, unit)
        yield Node(unit.metadata, after, description, start, has_none, is_file=False)
        after = (unit.metadata,)
        has_none = _is_nothing  # it is shown by the other node
    yield Node(unit.record, after, description, partial(_wait, planner, services, unit), has_none)


def of_program(planner: Planner, services: Services, progress: Progress, pending: PendingProgram) -> Iterator[Node]:
    """Yield the nodes of a program, prerequisites first, but those that are known to be up to date."""
    settled, program = services.engine.settled, pending.program
    below = (folder for folder, _ in foundations(planner, services, program))
    folders = (*below, *(unit.folder for unit in program.units))
    known = {folder for folder in folders if planner.root / folder in settled}
    return without(known, _of_program(planner, services, progress, pending))


def without(known: Container[str], nodes: Iterable[Node]) -> Iterator[Node]:
    """Leave out the nodes of units in some folders, also as prerequisites."""

    def is_known(name: str) -> bool:
        return name.rpartition("/")[0] in known

    for node in nodes:
        if not is_known(node.name):
            yield replace(node, after=tuple(name for name in node.after if not is_known(name)))


def _of_program(planner: Planner, services: Services, progress: Progress, pending: PendingProgram) -> Iterator[Node]:
    program = pending.program
    unit, places = program.unit, Places.of(program)
    yield check_target(planner, services, program.target)
    for each in program.units:
        yield from of_unit(planner, services, each)
    libraries = (planner.units[id_].record for id_ in unit.prerequisites)
    made_of = (unit.record, *libraries)
    if program.uses_std:
        provided = _of_library(planner, services, program.target, c_library.of(planner, services, program))
        yield provided
        made_of = (*made_of, provided.name)
    linked, stripped = f"{places.linked}/{NAME}", f"{places.stripped}/{NAME}"

    def link() -> Job:
        return program_link.job(planner, services, program, Snapshot())

    def strip() -> Job:
        return program_link.stripped_job(planner, services, program)

    is_checked = pending.is_checked and target_spec.contract_file(planner.targets, program.target)
    then = partial(loader_check.begin, planner, services, program) if is_checked else _is_nothing
    perform_link = partial(program_link.perform, planner, services, program, then)
    yield Node(linked, made_of, f"link {program.name}", perform_link, partial(is_done, services.engine, link))
    yield of_job(services.engine, stripped, (linked,), f"strip {program.name}", strip)
    proofs: tuple[str, ...] = (stripped,)
    if is_checked:
        checked = _check(planner, services, pending, stripped)
        yield checked
        proofs = (stripped, checked.name)
    made = (f"{places.stripped}/{unit.id}", f"{places.linked}/{unit.id}")
    for source, destination in zip(made, places.published, strict=True):
        files = planner.root / source, planner.root / destination
        publish, is_there = partial(publication.publish, *files), partial(_is_published, services.engine, *files)
        yield Node(destination, proofs, f"publish {destination}", publish, is_there)
    remember = partial(_remember, planner, services, progress, program)
    note = planner.paths.portable(whole_program.note(planner.root, program))
    yield Node(note, places.published, f"remember {program.name}", remember, _is_nothing)


def _remember(planner: Planner, services: Services, progress: Progress, program: Program) -> None:
    """Record a published program, the last one of an invocation when nobody waits any more."""
    progress.published.add(program.id)
    remember = partial(whole_program.remember, planner, services, progress, program)
    if progress.published >= progress.pending.keys():
        deferred.register_afterwards(remember)
    else:
        remember()


def _check(planner: Planner, services: Services, pending: PendingProgram, stripped: str) -> Node:
    program, name = pending.program, f"{Places.of(pending.program).check}/{NAME}"

    def make() -> Job:
        return loader_check.job(planner, services, program, pending.size_budget, Snapshot())

    check = partial(loader_check.perform, planner, services, program, pending.size_budget)
    return Node(name, (stripped,), f"check {program.name}", check, partial(is_done, services.engine, make))


def restored(program: Program) -> Iterator[Node]:
    """Yield the nodes that `-n` shows for a program in the action cache: it is restored whole, without its parts."""
    for number, name in enumerate(names_of(program)):
        is_told: Callable[[], bool] = _is_nothing if number else _is_something
        description = f"restore {program.name} from the action cache"
        yield Node(name, (), description, _not_now, is_told)


def _not_now() -> None:
    raise AssertionError("a dry run performs nothing")


def _is_something() -> bool:
    return False


def names_of(program: Program) -> tuple[str, ...]:
    """Return the published files of a program."""
    return Places.of(program).published


def aims_of(planner: Planner, program: Program) -> tuple[str, ...]:
    """Return the targets that stand for a program: its files, and the record of the whole program."""
    return (*names_of(program), planner.paths.portable(whole_program.note(planner.root, program)))


def deploy(planner: Planner, console: Console, program: Program, word: str) -> Node:
    """Return the node that copies a program to `DEPLOY_DIR`, which is `word`."""
    (source, _) = names_of(program)
    folder = planner.root / word
    destination = folder / program.name
    if not next(place for place in (folder, *folder.parents) if os.path.lexists(place)).is_dir():
        raise OstooError(f"DEPLOY_DIR={word} is not a folder", where=str(folder))
    if f"{os.path.realpath(folder)}/".startswith(f"{os.path.realpath(planner.root / layout.BUILD)}/"):
        what = f"DEPLOY_DIR={word} is inside build, which belongs to the build"
        raise OstooError(what, where=str(folder), remedy="name another folder")
    if destination.is_dir():
        raise OstooError(f"there is a folder at the path to which {program.name} is deployed", where=str(destination))
    files = planner.root / source, destination
    is_there = partial(publication.is_published, *files)
    copy = partial(publication.deploy, console, *files)
    return Node(str(destination), (source,), f"deploy {destination}", copy, is_there)


def of_job(engine: Engine, name: str, after: tuple[str, ...], description: str, make: Callable[[], Job]) -> Node:
    """Return the node that performs a job."""
    return Node(name, after, description, lambda: engine.perform(make()), partial(is_done, engine, make))


def is_done(engine: Engine, make: Callable[[], Job]) -> bool:
    """Whether a job's outputs are present or available; fetches nothing."""
    try:
        return engine.present(make()) is not None
    except (OstooError, OSError):  # its inputs have yet to be made
        return False


def _is_published(engine: Engine, source: Path, destination: Path) -> bool:
    return source.parent in engine.settled and publication.is_published(source, destination)


def _is_nothing() -> bool:
    return True


def _made_inputs(planner: Planner, unit: PlannedUnit) -> Iterator[str]:
    """Yield the declared inputs that this build makes itself."""
    yield from map(planner.paths.input_path, unit_inputs.makers(planner, unit))


def _wait_for_metadata(planner: Planner, services: Services, unit: CompileUnit) -> None:
    unit_rule.compilation(planner, services, unit).wait_for_metadata()


def _wait(planner: Planner, services: Services, unit: CompileUnit) -> Record:
    return unit_rule.compilation(planner, services, unit).wait()
