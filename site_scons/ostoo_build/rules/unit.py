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
from ostoo_build.planning.rustc_flags import DEP_INFO, UnitKind
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules import asked_variables, hidden_asm, link_inputs, seen_files, unit_inputs
from ostoo_build.rules import judge as judges
from ostoo_build.rules.actions import AskedFor
from ostoo_build.rust import build_script, dep_info

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Finished, Outcome
    from ostoo_build.actions.record import Record
    from ostoo_build.execution.background import Task
    from ostoo_build.invocation.invocation import Inputs
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.planned_unit import CompileUnit, PlannedUnit, Unit

    Judge = Callable[[Finished], Outcome]


class _Known(Struct, frozen=True):
    """What of a unit's inputs is known before it is made, and the variables of the user's that it asks for."""

    inputs: unit_inputs.KnownInputs
    variables: Mapping[str, str]


class _Sources(Struct, frozen=True):
    """A unit's inputs besides other units: `own` files of its package, and those from an earlier run.

    `variables` are those of the user's environment that it asked for, with their values.
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
    given = unit_inputs.given(unit, unit_inputs.known_variables(services, planner.paths, unit))
    return _given(planner, services, unit, snapshot, given, ready=ready or _no_one_hears)


def _given(
    planner: Planner,
    services: Services,
    unit: Unit,
    snapshot: Snapshot,
    variables: Mapping[str, str],
    *,
    ready: Callable[[], None],
) -> Job:
    """Return the job for the case that a unit is given these variables of the user's."""
    found = unit_inputs.known(planner, services, unit, snapshot)
    reads = unit_inputs.known_reads(services, planner.paths, unit)
    return _reading(planner, services, unit, _Known(found, variables), reads, ready=ready)


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
    judge: Judge = partial(judges.run, action, unit, sources.reported_names, sources.variables)
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
    action = rule_actions.compile_action(services.invocation, unit, sources.inputs, made, sources.variables)

    def on_metadata() -> None:
        if _is_final(unit, action, folder, sources.variables):
            services.engine.announce(action, folder, unit.outputs[0])
            services.timeline.metadata()
            ready()

    compiled = judges.Compiled(
        action=action,
        unit=unit,
        reported=sources.reported_names,
        given=sources.variables,
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
    """Run a build script. Raises `OstooError` if a result, from wherever, has instructions that cargo rejects."""
    made = _made(planner, services, unit, _no_one_hears)
    package = build_script.Package(unit.targets, dict(unit.environment).get("CARGO_PKG_RUST_VERSION", ""))
    build_script.check(services.invocation.said(unit, made.stdout), package, f"{unit.package}/build.rs")
    return made


def _made(planner: Planner, services: Services, unit: Unit, ready: Callable[[], None]) -> Record:
    """Make a unit, and again until it was given just those variables of the user's environment that it asks for."""
    former = records.load(planner.root / unit.folder)
    known = unit_inputs.given(unit, unit_inputs.known_variables(services, planner.paths, unit))
    learned: dict[str, str] = {}
    while True:
        described = _given(planner, services, unit, Snapshot(), known | learned, ready=ready)
        made, asked = _tried(services, unit, described, known | learned)
        needed = unit_inputs.given(unit, asked)
        if made is not None and known.keys() <= needed.keys() <= known.keys() | learned.keys():
            break
        # what only an earlier version asked for is no longer given
        known, learned = {}, learned | needed
    if former is None or former.key != made.key:
        for name in learned or known:
            services.console.warn_once(_shared_less(unit, name))
    return made


def _tried(
    services: Services, unit: Unit, described: Job, given: Mapping[str, str]
) -> tuple[Record | None, tuple[str, ...]]:
    """Return the record, or None if it failed for want of a variable, and the names of those that it asked for."""
    try:
        made = services.engine.perform(described)
    except outcome.UnansweredError as error:
        if unit_inputs.given(unit, error.asked).keys() <= given.keys():
            raise
        return None, error.asked
    return made, made.asked


def _shared_less(unit: Unit, name: str) -> str:
    asks = "a build script asks for" if isinstance(unit, RunBuildScript) else "a crate asks for"
    whose = "what is made with it is shared only with builds in which it has the same value"
    return f"{asks} {name}, which is set here: {whose}"


def _is_final(unit: CompileUnit, action: Action, folder: Path, given: Mapping[str, str]) -> bool:
    """Whether a running compilation was given just those variables that it asks for: else it will be made again."""
    read = dep_info.parse((folder / DEP_INFO).read_text(encoding="utf-8"))
    declared = [name for name, _ in action.environment if name not in given]
    return unit_inputs.given(unit, asked_variables.of_crate(read, declared)) == given


def compilation(planner: Planner, services: Services, unit: CompileUnit) -> Task:
    """Start a unit's compilation in the background, once."""

    def work(ready: Callable[[], None]) -> Record:
        return _made(planner, services, unit, ready)

    return services.background.start(unit.id, work)


def made_by_others(planner: Planner, services: Services, unit: Unit) -> dict[str, Record]:
    """Return the records of a unit's prerequisites by unit id."""
    prerequisites = [planner.units[id_] for id_ in unit.prerequisites]
    return {other.id: services.engine.result(planner.root / other.folder) for other in prerequisites}
