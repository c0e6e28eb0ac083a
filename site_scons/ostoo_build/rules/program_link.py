"""Links a program, and removes from it what no loader needs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome, ToolFailed
from ostoo_build.base import own_source, source_files
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.execution.job import Job
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules import c_library, link_inputs, unit
from ostoo_build.rules import judge as judges
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.actions.outcome import Finished
    from ostoo_build.actions.record import Record
    from ostoo_build.invocation.invocation import Inputs
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program

_EXECUTABLE = 0o755

DECIDED_BY = ("base", "binary")
"""The packages that decide what is removed from a program."""


def _nothing() -> None:
    pass


def perform(planner: Planner, services: Services, program: Program, then: Callable[[], object]) -> Record:
    """Link a program, first with only what std may need of the C library; calls `then` when it is linked here.

    Raises `OstooError` if it can't be linked.
    """
    try:
        return services.engine.perform(job(planner, services, program, Snapshot(), then))
    except ToolFailed as error:
        if not c_library.make_up(planner, services, program, "".join(error.messages)):
            raise
    return services.engine.perform(job(planner, services, program, Snapshot(), then))


def job(
    planner: Planner, services: Services, program: Program, snapshot: Snapshot, then: Callable[[], object] = _nothing
) -> Job:
    """Describe the link, with symbols and with the debug information that the profile requests.

    Only a program that uses std takes files from the sysroot.
    """
    root = program.unit
    made = unit.made_by_others(planner, services, root)
    made[root.id] = services.engine.result(planner.root / root.folder)
    libraries = _libraries(planner, services, program) if program.uses_std else ()
    bare = rule_actions.link_action(services.invocation, program, libraries, made)
    action = link_inputs.complete(planner, services, program, bare, snapshot)
    folder = planner.root / Places.of(program).linked
    judge: unit.Judge = partial(judges.link, action, program)
    start = partial(_linked, partial(services.runner.link, action, program, folder / root.id), then)
    run = partial(unit.judged, start, judge)
    named = planner.targets.named(program.name, program.target)
    return Job(action, folder, root.folder, "Linking", named, run, needed=True, judge=judge)


def _linked(start: Callable[[], Finished], then: Callable[[], object]) -> Finished:
    done = start()
    if done.returncode == 0:
        then()
    return done


def stripped_job(planner: Planner, services: Services, program: Program) -> Job:
    """Describe how the shipped program is made of the linked one, whatever the profile says."""
    places, name = Places.of(program), program.unit.id
    folder = planner.root / places.stripped

    def run() -> Outcome:
        from ostoo_build.binary import strip  # noqa: PLC0415 - most starts have nothing to strip

        content = (planner.root / places.linked / name).read_bytes()
        source_files.write_output(folder / name, strip.stripped(content))
        (folder / name).chmod(_EXECUTABLE)
        return Outcome((name,))

    inputs = rule_actions.output_inputs(places.linked, services.engine.result(planner.root / places.linked))
    outputs = (f"{places.stripped}/{name}",)
    action = Action("Strip", (), (), inputs, outputs, version=own_source.digest_of(*DECIDED_BY))
    named = planner.targets.named(program.name, program.target)
    return Job(action, folder, places.stripped, "Stripping", named, run, needed=True)


def _libraries(planner: Planner, services: Services, program: Program) -> Inputs:
    folder = c_library.of(planner, services, program).folder
    made = rule_actions.output_inputs(folder, services.engine.result(planner.root / folder))
    return tuple(entry for entry in made if entry.path.endswith((".a", ".o")))
