"""Links a program twice: stripped, for the loader, and with symbols."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import layout
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.execution.job import Job
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules import judge as judges
from ostoo_build.rules import link_inputs, unit
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.actions.record import Record
    from ostoo_build.base.input import Input
    from ostoo_build.execution.background import Task
    from ostoo_build.invocation.invocation import Inputs
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program

STRIP_SCRIPT = Path(__file__).with_name("strip.ld")
"""Linker script that discards what no loader needs besides symbols."""


def job(planner: Planner, services: Services, program: Program, snapshot: Snapshot) -> Job:
    """Describe the stripped link, whatever the profile says."""
    discard = planner.paths.input(STRIP_SCRIPT)
    return _job(planner, services, program, snapshot, _Placed(discard, Places.of(program).linked, program.name))


def unstripped(planner: Planner, services: Services, program: Program) -> Task:
    """Start the link with symbols in the background, once: its own node and a failed check both need it."""

    def work(_ready: Callable[[], None]) -> Record:
        return services.engine.perform(unstripped_job(planner, services, program, Snapshot()))

    return services.background.start(Places.of(program).unstripped, work)


def unstripped_job(planner: Planner, services: Services, program: Program, snapshot: Snapshot) -> Job:
    """Describe the link with symbols, and with the debug information that the profile requests."""
    placed = _Placed(None, Places.of(program).unstripped, f"{program.name}{layout.SYMBOLS}")
    return _job(planner, services, program, snapshot, placed)


class _Placed(Struct, frozen=True):
    """One of a program's two links: the discarding script, the output path, and its name."""

    discard: Input | None
    folder: str
    subject: str


def _job(planner: Planner, services: Services, program: Program, snapshot: Snapshot, placed: _Placed) -> Job:
    """Only a program that uses std takes files from the sysroot."""
    root = program.unit
    made = unit.made_by_others(planner, services, root)
    made[root.id] = services.engine.result(planner.root / root.folder)
    libraries = _libraries(planner, services, program.target) if program.uses_std else ()
    bare = rule_actions.link_action(services.invocation, program, libraries, made, placed.discard)
    action = link_inputs.complete(planner, services, program, bare, snapshot)
    folder = planner.root / placed.folder
    judge: unit.Judge = partial(judges.link, action, program)
    run = partial(unit.judged, partial(services.runner.link, action, program, folder / root.id), judge)
    named = planner.targets.named(placed.subject, program.target)
    first = () if placed.discard else (f"{Places.of(program).linked}/{root.id}",)
    return Job(action, folder, root.folder, "Linking", named, run, needed=True, judge=judge, follows=first)


def _libraries(planner: Planner, services: Services, target: str) -> Inputs:
    folder = planner.paths.sysroot(target)
    made = rule_actions.output_inputs(folder, services.engine.result(planner.root / folder))
    return tuple(entry for entry in made if entry.path.endswith((".a", ".o")))
