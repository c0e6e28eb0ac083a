"""The nodes of a build as values: what each brings about, after which others, and how. Does not order them.

No node is up to date by itself: each is performed in every build that reaches it, and the engine judges then.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ostoo_build import standby, steps, unit_inputs, whole_program
from ostoo_build.errors import OstooError
from ostoo_build.execution.record import NAME
from ostoo_build.rustc import Kind
from ostoo_build.steps import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.plan import PlannedUnit, Program
    from ostoo_build.session import Session, Wanted


@dataclass(frozen=True)
class Node:
    """`name` is the file that `perform` brings about, or a name for something that is no file; both are portable paths.

    `after` are the names of what has to be there first. `description` is what `scons -n` shows.
    """

    name: str
    after: tuple[str, ...]
    description: str
    perform: Callable[[], None]
    is_file: bool = True

    @property
    def is_ours(self) -> bool:
        """Whether it is a file in which builds remember something: whatever else lies there may go."""
        return self.is_file and (self.folder is not None or self.name.startswith("build/.ostoo/"))

    @property
    def folder(self) -> str | None:
        """The folder that is this node's alone, and goes with it."""
        folder, _, name = self.name.rpartition("/")
        return folder if name == NAME else None


def check_target(session: Session, target: str) -> Node:
    """The validated target spec; nothing is compiled for a target before it passed."""
    name = f"{steps.target_folder(target)}/{NAME}"
    return Node(name, (), f"check {target}", partial(steps.check_target, session, target))


def sysroot(session: Session, target: str) -> Node:
    """The C library that std links against."""
    folder = steps.sysroot_folder(target)
    return Node(f"{folder}/{NAME}", (), f"provide {folder}", partial(steps.make_sysroot, session, target))


def of_unit(session: Session, unit: PlannedUnit) -> Iterator[Node]:
    """A unit's nodes: for a library its metadata too, which others compile against before its code is there."""
    others = (unit.read_of(session.units[id_]) for id_ in unit.prerequisites)
    checked = (check_target(session, unit.target).name,) if unit.target else ()
    after = (*others, *checked, *_made_inputs(session, unit))
    if unit.kind is Kind.RUN:
        yield Node(unit.record, after, f"run {unit.label}", partial(steps.run_build_script, session, unit))
        return
    description = f"rustc {' '.join(unit.arguments)}"
    if unit.kind is Kind.LIBRARY:
        start = partial(_wait_for_metadata, session, unit)
        yield Node(unit.metadata, after, description, start, is_file=False)
        after = (unit.metadata,)
    yield Node(unit.record, after, description, partial(_wait, session, unit))


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
    linked = Node(f"{places.linked}/{NAME}", made_of, f"link {program.name}", partial(steps.link, session, program))
    yield linked
    proofs: tuple[str, ...] = (linked.name,)
    if wanted.is_checked and steps.contract_files(session, program.target):
        check = partial(steps.check_program, session, program, wanted.size_budget)
        yield Node(f"{places.check}/{NAME}", (linked.name,), f"check {program.name}", check)
        proofs = (linked.name, f"{places.check}/{NAME}")
    first = proofs if standby.here else (linked.name,)  # who watches waits for the program alone
    again = partial(steps.link_unstripped, session, program)
    unstripped = Node(f"{places.unstripped}/{NAME}", first, f"link {program.name}.debug", again)
    yield unstripped
    published = (f"{places.linked}/{unit.id}", f"{places.unstripped}/{unit.id}")
    for source, destination, reasons in zip(published, places.published, (proofs, (unstripped.name,)), strict=True):
        publish = partial(steps.publish, session.root / source, session.root / destination)
        yield Node(destination, reasons, f"publish {destination}", publish)
    remember = partial(whole_program.remember, session, program)
    note = session.paths.portable(whole_program.note(session, program))
    yield Node(note, places.published, f"remember {program.name}", remember)


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
    if destination.is_dir():
        raise OstooError(f"a folder lies where {program.name} is to be deployed", where=str(destination))
    copy = partial(steps.deploy, session, session.root / source, destination)
    return Node(str(destination), (source,), f"deploy {destination}", copy)


def _made_inputs(session: Session, unit: PlannedUnit) -> Iterator[str]:
    """Declared inputs that this build makes itself."""
    yield from map(session.paths.input_path, unit_inputs.makers(session, unit))


def _wait_for_metadata(session: Session, unit: PlannedUnit) -> None:
    steps.compilation(session, unit).wait_for_metadata()


def _wait(session: Session, unit: PlannedUnit) -> None:
    steps.compilation(session, unit).wait()
