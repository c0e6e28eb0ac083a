"""Chooses what a program takes from the C library: the sysroot's, or the part of it that std may need, made sooner.

The linker takes the same members from the part as from the whole, or finds a symbol that no member of the part defines;
then the whole is made, and linked with. That is so if nothing but undefined symbols decides what is taken. An argument
for the linker can make an undefined symbol no error, and a build script may read the sysroot's headers: programs with
either are linked with the whole.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.actions import record as records
from ostoo_build.base import layout
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.rules import musl_sysroot
from ostoo_build.rust import options as rustc_options
from ostoo_build.sysroot import contract
from ostoo_build.target import words as target_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.actions.record import Record
    from ostoo_build.execution.job import Job
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program


_UNDEFINED = lazy_pattern(r"undefined (?:\w+ )?symbol: ([^\s@]+)")
"""What LLD says of it, with its visibility, and before a version."""

_AND_MORE = "too many errors emitted"
"""What LLD says where it does not name all symbols."""


class Library(NamedTuple):
    """A C library: the portable path of its folder, and how it is made."""

    folder: str
    make: Callable[[], Job]


def of(planner: Planner, services: Services, program: Program) -> Library:
    """Return what a program with std is linked with: the same in an invocation, until its link lacks a symbol."""
    sysroots, target = services.sysroots, program.target
    provider, processors = sysroots.for_std(target), services.runner.jobserver

    def is_there() -> bool:
        job = of_target(planner, services, target).make()
        found = records.load(job.folder)
        return found is not None and job.is_answered_by(found)

    is_wanting = program.id in sysroots.wanting
    if provider is None or is_wanting or _is_special(planner, program) or sysroots.choice(target, is_there):
        return of_target(planner, services, target)
    make = partial(musl_sysroot.job_for_std, planner.targets, sysroots, provider, target, processors)
    return Library(layout.library(target), make)


def of_target(planner: Planner, services: Services, target: str) -> Library:
    """Return the whole C library of a target, with its headers."""
    asked = (planner.paths, planner.targets, services.sysroots, target, services.runner.jobserver)
    return Library(planner.paths.sysroot(target), partial(musl_sysroot.job, *asked))


def provide(services: Services, library: Library) -> Record:
    """Make a library, once in an invocation."""
    engine, folder = services.engine, Path(services.engine.paths.root, library.folder)
    with services.sysroots.lock:
        return engine.result(folder) if folder in engine.settled else engine.perform(library.make())


def make_up(planner: Planner, services: Services, program: Program, said: str) -> bool:
    """Make the whole if a link with the part failed for want of a symbol that the whole has.

    Returns whether that is so.
    """
    if not program.uses_std or of(planner, services, program).folder != layout.library(program.target):
        return False
    if not _is_in_the_whole(said):
        return False
    provide(services, of_target(planner, services, program.target))
    services.sysroots.wanting.add(program.id)
    return True


def _is_in_the_whole(said: str) -> bool:
    """Whether a symbol that a linker lacked may be in the other sources of the library."""
    lacking = set(_UNDEFINED.findall(said))
    others = contract.OTHER_SYMBOLS.read_text(encoding="ascii").split()
    return not lacking.isdisjoint(others) or bool(lacking and _AND_MORE in said)


def _is_special(planner: Planner, program: Program) -> bool:
    """Whether a program has arguments for the linker, or build scripts besides std's."""
    words = target_words.of_linker(planner.targets.spec(program.target).source.value)
    arguments = rustc_options.link_arguments(program.unit.arguments)
    scripts = (unit for unit in program.units if isinstance(unit, RunBuildScript) and not unit.is_std)
    return next(chain(words, arguments, scripts), None) is not None
