"""The nodes of a build as values: what each brings about, after which others, and how. Does not order them.

No node is up to date by itself: each is performed in every build that reaches it, and the engine judges then.
"""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions.record import NAME
from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Look
from ostoo_build.planning.rustc_flags import Kind
from ostoo_build.rules import steps, unit_inputs, whole_program
from ostoo_build.rules.steps import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ostoo_build.execution.engine import Job
    from ostoo_build.invocation.session import Session, Wanted
    from ostoo_build.planning.plan import PlannedUnit, Program


class Node(Struct, frozen=True):
    """`name` is the file that `perform` brings about, or a name for something that is no file; both are portable paths.

    `after` are the names of what has to be there first. `description` is what `scons -n` shows, unless `is_done` says
    that there is nothing to do.
    """

    name: str
    after: tuple[str, ...]
    description: str
    perform: Callable[[], None]
    is_done: Callable[[], bool]
    is_file: bool = True

    @property
    def is_ours(self) -> bool:
        """Whether it is a file in which builds remember something: whatever else lies there may go."""
        return self.is_file and (self.folder is not None or self.name.startswith(f"{layout.STATE}/"))

    @property
    def folder(self) -> str | None:
        """The folder that is this node's alone, and goes with it."""
        folder, _, name = self.name.rpartition("/")
        return folder if name == NAME else None


def check_target(session: Session, target: str) -> Node:
    """The validated target spec; nothing is compiled for a target before it passed."""
    name = f"{steps.target_folder(target)}/{NAME}"
    return _of_job(session, name, (), f"check {target}", partial(steps.target_job, session, target))


def sysroot(session: Session, target: str) -> Node:
    """The C library that std links against."""
    folder = steps.sysroot_folder(target)
    return _of_job(session, f"{folder}/{NAME}", (), f"provide {folder}", partial(steps.sysroot_job, session, target))


def of_unit(session: Session, unit: PlannedUnit) -> Iterator[Node]:
    """A unit's nodes: for a library its metadata too, which others compile against before its code is there."""
    others = (unit.read_of(session.units[id_]) for id_ in unit.prerequisites)
    checked = (check_target(session, unit.target).name,) if unit.target else ()
    after = (*others, *checked, *_made_inputs(session, unit))
    has_none: Callable[[], bool] = partial(is_done, session, lambda: steps.unit_job(session, unit, Look()))
    if unit.kind is Kind.RUN:
        yield Node(unit.record, after, f"run {unit.label}", partial(steps.run_build_script, session, unit), has_none)
        return
    description = f"rustc {' '.join(unit.arguments)}"
    if unit.kind is Kind.LIBRARY:
        start = partial(_wait_for_metadata, session, unit)
        yield Node(unit.metadata, after, description, start, has_none, is_file=False)
        after = (unit.metadata,)
        has_none = _is_nothing  # it is shown above
    yield Node(unit.record, after, description, partial(_wait, session, unit), has_none)


def of_program(session: Session, wanted: Wanted) -> Iterator[Node]:
    """All that a program is made by, what comes first in front."""
    program = wanted.program
    unit, places = program.units[-1], Places.of(program)
    yield check_target(session, program.target)
    for each in program.units:
        yield from of_unit(session, each)
    if program.uses_std:
        yield sysroot(session, program.target)
    libraries = (session.units[id_].record for id_ in unit.prerequisites)
    made_of = (unit.record, *libraries, *((sysroot(session, program.target).name,) if program.uses_std else ()))
    linked = _of_link(session, program, places.linked, made_of, steps.link_job)
    yield linked
    proofs: tuple[str, ...] = (linked.name,)
    if wanted.is_checked and steps.contract_files(session, program.target):
        check = partial(steps.check_job, session, program, wanted.size_budget)
        yield _of_job(session, f"{places.check}/{NAME}", (linked.name,), f"check {program.name}", check)
        proofs = (linked.name, f"{places.check}/{NAME}")
    first = proofs if session.options.watched else (linked.name,)  # who watches waits for the program alone
    unstripped = _of_link(session, program, places.unstripped, first, steps.unstripped_job)
    yield unstripped
    published = (f"{places.linked}/{unit.id}", f"{places.unstripped}/{unit.id}")
    for source, destination, reasons in zip(published, places.published, (proofs, (unstripped.name,)), strict=True):
        files = session.root / source, session.root / destination
        publish, is_there = partial(steps.publish, *files), partial(_is_published, session, *files)
        yield Node(destination, reasons, f"publish {destination}", publish, is_there)
    remember = partial(whole_program.remember, session, program)
    note = session.paths.portable(whole_program.note(session, program))
    yield Node(note, places.published, f"remember {program.name}", remember, _is_nothing)


def restored(program: Program) -> Iterator[Node]:
    """What `-n` shows of a program that the action cache has: it is put there as one, and none of its parts made."""
    for number, name in enumerate(names_of(program)):
        is_told: Callable[[], bool] = _is_nothing if number else _is_something
        description = f"restore {program.name} from the action cache"
        yield Node(name, (), description, _not_now, is_told)


def _not_now() -> None:
    raise AssertionError("a dry run performs nothing")


def _is_something() -> bool:
    return False


def names_of(program: Program) -> tuple[str, ...]:
    """The files that people look for."""
    return Places.of(program).published


def aims_of(session: Session, program: Program) -> tuple[str, ...]:
    """What a build is about that is about a program: its files, and that they are remembered."""
    return (*names_of(program), session.paths.portable(whole_program.note(session, program)))


def deploy(session: Session, program: Program) -> Node:
    """A copy of a program in the folder that the target's machine sees."""
    (source, _) = names_of(program)
    folder = session.root / session.variables["DEPLOY_DIR"]
    destination = folder / program.name
    if not next(place for place in (folder, *folder.parents) if os.path.lexists(place)).is_dir():
        raise OstooError(f"DEPLOY_DIR={session.variables['DEPLOY_DIR']} is no folder", where=str(folder))
    if os.path.realpath(folder).startswith(os.path.realpath(session.root / layout.BUILD) + "/"):
        what = f"DEPLOY_DIR={session.variables['DEPLOY_DIR']} lies in build, which is the build's own"
        raise OstooError(what, where=str(folder), remedy="name another folder")
    if destination.is_dir():
        raise OstooError(f"a folder lies where {program.name} is to be deployed", where=str(destination))
    files = session.root / source, destination
    is_there = partial(steps.is_published, *files)
    return Node(str(destination), (source,), f"deploy {destination}", partial(steps.deploy, session, *files), is_there)


def _of_job(session: Session, name: str, after: tuple[str, ...], description: str, make: Callable[[], Job]) -> Node:
    return Node(name, after, description, lambda: _perform(session, make), partial(is_done, session, make))


def _of_link(
    session: Session,
    program: Program,
    folder: str,
    after: tuple[str, ...],
    make: Callable[[Session, Program, Look], Job],
) -> Node:
    def job() -> Job:
        return make(session, program, Look())

    suffix = "" if folder == Places.of(program).linked else layout.SYMBOLS
    perform = partial(steps.link, session, program, job)
    return Node(f"{folder}/{NAME}", after, f"link {program.name}{suffix}", perform, partial(is_done, session, job))


def _perform(session: Session, make: Callable[[], Job]) -> None:
    session.engine.perform(make())


def is_done(session: Session, make: Callable[[], Job]) -> bool:
    """Whether a job's outputs are there, or can be had: nothing is fetched for the answer."""
    try:
        return session.engine.present(dataclasses.replace(make(), needed=False)) is not None
    except (OstooError, OSError):  # what it is made from has yet to be made
        return False


def _is_published(session: Session, source: Path, destination: Path) -> bool:
    return source.parent in session.engine.settled and steps.is_published(source, destination)


def _is_nothing() -> bool:
    return True


def _made_inputs(session: Session, unit: PlannedUnit) -> Iterator[str]:
    """Declared inputs that this build makes itself."""
    yield from map(session.paths.input_path, unit_inputs.makers(session, unit))


def _wait_for_metadata(session: Session, unit: PlannedUnit) -> None:
    steps.compilation(session, unit).wait_for_metadata()


def _wait(session: Session, unit: PlannedUnit) -> None:
    steps.compilation(session, unit).wait()
