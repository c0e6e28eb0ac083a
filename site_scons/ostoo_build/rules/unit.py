"""Builds one planned unit: compiles a crate, or runs a build script."""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions import outcome
from ostoo_build.actions import record as records
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.execution.job import Job
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules import asked_variables, hidden_asm, link_inputs, seen_files, unit_inputs
from ostoo_build.rules import judge as judges
from ostoo_build.rules.actions import AskedFor
from ostoo_build.rust import build_script

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from ostoo_build.actions.outcome import Finished, Outcome
    from ostoo_build.actions.record import Record
    from ostoo_build.execution.background import Task
    from ostoo_build.invocation.invocation import Inputs
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.planned_unit import CompileUnit, PlannedUnit, Unit

    Judge = Callable[[Finished], Outcome]


class _Known(Struct, frozen=True):
    """What of a unit's inputs is known before it is made, and the variables of the user's that its script asks for."""

    inputs: unit_inputs.KnownInputs
    variables: Mapping[str, str]


class _Sources(Struct, frozen=True):
    """A unit's inputs besides other units: `own` files of its package, and those from an earlier run.

    `variables` are those of the user's environment that a build script asked for, with their values.
    """

    declared: Inputs
    own: Inputs
    reads: tuple[str, ...]
    reported: Inputs
    variables: Mapping[str, str]

    @property
    def inputs(self) -> Inputs:
        return (*self.declared, *self.reported)

    @property
    def reported_names(self) -> tuple[str, ...]:
        return tuple(entry.path for entry in self.reported)


def job(
    planner: Planner, services: Services, unit: Unit, snapshot: Snapshot, ready: Callable[[], None] | None = None
) -> Job:
    """Describe how a unit is made from the files in a snapshot.

    `ready` is called when a library's metadata is complete.
    """
    asked = unit_inputs.known_variables(services, planner.paths, unit) if isinstance(unit, RunBuildScript) else ()
    return _asking(planner, services, unit, snapshot, asked, ready=ready or _no_one_hears)


def _asking(
    planner: Planner,
    services: Services,
    unit: Unit,
    snapshot: Snapshot,
    asked: Collection[str],
    *,
    ready: Callable[[], None],
) -> Job:
    """Return the job for the case that a build script asks for these variables."""
    found = unit_inputs.known(planner, services, unit, snapshot)
    reads = unit_inputs.known_reads(services, planner.paths, unit)
    users = unit_inputs.given(unit, asked) if isinstance(unit, RunBuildScript) else {}
    return _reading(planner, services, unit, _Known(found, users), reads, ready=ready)


def _no_one_hears() -> None:
    pass


def _reading(
    planner: Planner,
    services: Services,
    unit: Unit,
    known: _Known,
    reads: tuple[str, ...],
    *,
    ready: Callable[[], None],
) -> Job:
    """Return the job for the case that the last run reported these reads."""
    found = known.inputs
    more = unit_inputs.reported(planner.paths, reads, Snapshot())
    reported = tuple(entry for entry in more if entry not in found.declared)
    sources = _Sources(found.declared, found.own, reads, reported, known.variables)
    reading = partial(_reading, planner, services, unit, known, ready=ready)
    if isinstance(unit, RunBuildScript):
        return _run_job(planner, services, unit, sources, reading)
    return _compile_job(planner, services, unit, sources, reading, ready=ready)


def _run_job(
    planner: Planner,
    services: Services,
    unit: RunBuildScript,
    sources: _Sources,
    reading: Callable[[tuple[str, ...]], Job],
) -> Job:
    asked = AskedFor(unit_inputs.asked_for(planner.paths, unit, sources.reads), sources.variables)
    made = made_by_others(planner, services, unit)
    action = rule_actions.run_action(services.invocation, unit, sources.inputs, made, asked)
    start = partial(services.runner.run_build_script, action, unit)
    judge: Judge = partial(judges.run, action, unit, sources.reported_names)
    return Job(
        action=action,
        folder=planner.root / unit.folder,
        results=unit.folder,
        verb="Running",
        subject=_of_script(planner, unit),
        run=partial(_script_run, planner, services, unit, _watched(planner, sources, start, judge)),
        judge=None if any(map(_is_elsewhere, sources.reads)) else judge,
        reads=sources.reads,
        reading=reading,
        seeing=partial(rule_actions.seeing, action, sources.own),
        tree=outcome.OUT,
    )


def _is_elsewhere(path: str) -> bool:
    """Whether only this machine has a path that a script reads."""
    return path.startswith("/")


def _compile_job(
    planner: Planner,
    services: Services,
    unit: CompileUnit,
    sources: _Sources,
    reading: Callable[[tuple[str, ...]], Job],
    *,
    ready: Callable[[], None],
) -> Job:
    paths, folder = planner.paths, planner.root / unit.folder
    made = made_by_others(planner, services, unit)
    action = rule_actions.compile_action(services.invocation, unit, sources.inputs, made)

    def on_metadata() -> None:
        services.engine.announce(action, folder, unit.outputs[0])
        services.timeline.metadata()
        ready()

    compiled = judges.Compiled(
        action=action,
        unit=unit,
        reported=sources.reported_names,
        here=paths,
        hides=partial(hidden_asm.may_be, planner, services, unit),
        check=partial(link_inputs.check_bundled, paths, unit, action),
        unseen=link_inputs.check_libraries(paths, unit, action),
    )
    judge: Judge = partial(judges.compilation, compiled)
    start = partial(hidden_asm.compiled, planner, services, action, unit, on_metadata)
    is_script = unit.kind is UnitKind.BUILD_SCRIPT
    if unit.kind is UnitKind.PROGRAM:
        start = partial(_while_checks_load, start)
    return Job(
        action=action,
        folder=folder,
        results=unit.folder,
        verb="Compiling",
        subject=_of_script(planner, unit) if is_script else planner.targets.named(unit.label, unit.target),
        run=_watched(planner, sources, start, judge) if is_script else partial(judged, start, judge),
        shared=not unit.is_incremental,
        judge=judge,
        reads=sources.reads,
        reading=reading,
        seeing=partial(rule_actions.seeing, action, sources.own),
        promised=(f"{unit.id}.rlink",) if unit.kind is UnitKind.PROGRAM else (),
        vouched=".rs",
    )


def _of_script(planner: Planner, unit: PlannedUnit) -> str:
    return planner.targets.named(f"{unit.label} (build script)", unit.target)


def _watched(planner: Planner, sources: _Sources, start: Callable[[], Finished], judge: Judge) -> Callable[[], Outcome]:
    """Record which editable files of its package a build script opens."""
    if not sources.own:
        return partial(judged, start, judge)
    return partial(seen_files.judged, sources.own, planner.paths, start, judge)


def _script_run(planner: Planner, services: Services, unit: RunBuildScript, run: Callable[[], Outcome]) -> Outcome:
    made = run()
    return seen_files.with_named(made, unit, services.invocation.said(unit, made.stdout), planner.paths)


def judged(start: Callable[[], Finished], judge: Judge) -> Outcome:
    """Run a process here and verify its result."""
    return judge(start())


def _while_checks_load(start: Callable[[], Finished]) -> Finished:
    """Import the modules of the loader check while rustc runs, so that their import costs no time."""
    threading.Thread(target=_load_checks).start()
    return start()


def _load_checks() -> None:
    with contextlib.suppress(Exception):  # their user reports why they can't be loaded
        import capstone  # type: ignore[import-untyped]  # noqa: F401, PLC0415 - most starts have nothing to check

        from ostoo_build.loader import check  # noqa: F401, PLC0415 - likewise


def run_script(planner: Planner, services: Services, unit: RunBuildScript) -> Record:
    """Run a build script, and again while it asks for variables of the user's environment that it has not been given.

    Raises `OstooError` if a result, from wherever, has instructions that cargo rejects.
    """
    former = records.load(planner.root / unit.folder)
    asked = {*unit_inputs.known_variables(services, planner.paths, unit)}
    made = None
    while made is None:
        described = _asking(planner, services, unit, Snapshot(), asked, ready=_no_one_hears)
        made, more = _performed(services, unit, described)
        if more:
            asked |= more
            made = None
    if former is None or former.key != made.key:
        _tell_of_variables(services, unit_inputs.given(unit, asked))
    package = build_script.Package(unit.targets, dict(unit.environment).get("CARGO_PKG_RUST_VERSION", ""))
    build_script.check(services.invocation.said(unit, made.stdout), package, f"{unit.package}/build.rs")
    return made


def _performed(services: Services, unit: RunBuildScript, described: Job) -> tuple[Record | None, set[str]]:
    """Obtain the result of a run, and the variables that are set and that it asks for without having been given them.

    There is no result if the script failed for want of such a variable.
    """
    given = dict(described.action.environment)
    try:
        made = services.engine.perform(described)
    except judges.ScriptFailedError as error:
        more = asked_variables.that_are_set(asked_variables.of_script(error.said, given))
        if not more:
            raise
        return None, more
    said = services.invocation.said(unit, made.stdout)
    return made, asked_variables.that_are_set(asked_variables.of_script(said, given))


def _tell_of_variables(services: Services, given: Iterable[str]) -> None:
    for name in given:
        services.console.warn_once(
            f"a build script asks for {name}, which is set here: what is made with it is shared only with builds"
            " in which it has the same value"
        )


def compilation(planner: Planner, services: Services, unit: CompileUnit) -> Task:
    """Start a unit's compilation in the background, once."""

    def work(ready: Callable[[], None]) -> Record:
        return services.engine.perform(job(planner, services, unit, Snapshot(), ready))

    return services.background.start(unit.id, work)


def made_by_others(planner: Planner, services: Services, unit: Unit) -> dict[str, Record]:
    """Return the records of a unit's prerequisites by unit id."""
    prerequisites = [planner.units[id_] for id_ in unit.prerequisites]
    return {other.id: services.engine.result(planner.root / other.folder) for other in prerequisites}
