"""Builds one planned unit: compiles a crate, or runs a build script."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.actions import outcome
from ostoo_build.actions.learned import Learned
from ostoo_build.base.paths import is_of_machine
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.execution.background import STARTING
from ostoo_build.execution.job import Job
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.planning.rustc_flags import DEP_INFO, UnitKind
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules import asked_variables, drivers, hidden_asm, link_inputs, seen_files, unit_inputs
from ostoo_build.rules import judge as judges
from ostoo_build.rules.actions import AskedFor
from ostoo_build.rust import build_script, dep_info

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Finished, Outcome
    from ostoo_build.actions.record import Record
    from ostoo_build.base import digest
    from ostoo_build.base.paths import PathMap
    from ostoo_build.execution.background import Task
    from ostoo_build.invocation.invocation import Inputs
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.planned_unit import CompileUnit, PlannedUnit, Unit

    Judge = Callable[[Finished], Outcome]


class _Sources(Struct, frozen=True):
    """A unit's inputs besides other units: `own` files of its package, and those that a run `reported`.

    `variables` are those of the user's environment that it asked for, with their values; `named` is a digest of what it
    asked for by name.
    """

    declared: Inputs
    own: Inputs
    learned: Learned
    reported: Inputs
    variables: Mapping[str, str]
    named: digest.Hash

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
    learned = unit_inputs.known(services, planner.paths, unit)
    return _described(planner, services, unit, snapshot, learned, ready=ready or _no_one_hears)


def _described(
    planner: Planner,
    services: Services,
    unit: Unit,
    snapshot: Snapshot,
    learned: Learned,
    *,
    ready: Callable[[], None],
) -> Job:
    found = unit_inputs.of_unit(planner, services, unit, snapshot)
    return _learning(planner, services, unit, found, learned, ready=ready)


def _no_one_hears() -> None:
    pass


def _learning(
    planner: Planner,
    services: Services,
    unit: Unit,
    found: unit_inputs.DeclaredInputs,
    learned: Learned,
    *,
    ready: Callable[[], None],
) -> Job:
    """Return the job for the case that a run told this."""
    more = unit_inputs.reported(planner.paths, learned.reads, found.snapshot)
    reported = tuple(entry for entry in more if entry not in found.declared)
    given = unit_inputs.given(unit, learned.asked)
    named = unit_inputs.asked_for(planner.paths, unit, learned.reads, found.snapshot)
    sources = _Sources(found.declared, found.own, learned, reported, given, named)
    learning = partial(_learning, planner, services, unit, found, ready=ready)
    if isinstance(unit, RunBuildScript):
        return _run_job(planner, services, unit, sources, learning)
    return _compile_job(planner, services, unit, sources, learning, ready=ready)


def _run_job(
    planner: Planner,
    services: Services,
    unit: RunBuildScript,
    sources: _Sources,
    learning: Callable[[Learned], Job],
) -> Job:
    asked = AskedFor(sources.named, sources.variables)
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
        judge=None if any(map(is_of_machine, sources.learned.reads)) else judge,
        learned=sources.learned,
        learning=learning,
        seeing=partial(rule_actions.seeing, action, sources.own) if sources.own else None,
        tree=outcome.OUT,
    )


def _compile_job(
    planner: Planner,
    services: Services,
    unit: CompileUnit,
    sources: _Sources,
    learning: Callable[[Learned], Job],
    *,
    ready: Callable[[], None],
) -> Job:
    paths, folder = planner.paths, planner.root / unit.folder
    made = made_by_others(planner, services, unit)
    compiled_by_rustc = rule_actions.compile_action(services.invocation, unit, sources.inputs, made, sources.variables)
    action = drivers.driven(planner, services, unit, compiled_by_rustc)

    tells_all = _tells_what_it_reads(paths, unit, action)
    is_script = unit.kind is UnitKind.BUILD_SCRIPT
    reduced = rule_actions.seeing if is_script else rule_actions.reading

    def on_metadata() -> None:
        if _is_final(unit, action, folder, sources.variables):
            services.engine.announce(action, folder, unit.outputs[0])
            services.timeline.metadata()
            ready()

    by_clippy = map(paths.input_path, unit_inputs.of_clippy(paths, unit))
    compiled = judges.Compiled(
        action=action,
        unit=unit,
        reported=sources.reported_names,
        given=sources.variables,
        here=paths,
        hides=partial(hidden_asm.may_be, planner, services, unit),
        check=partial(link_inputs.check_bundled, paths, unit, action),
        unseen=link_inputs.check_libraries(paths, unit, action).union(by_clippy),
        own=frozenset(entry.path for entry in sources.own) if tells_all else None,
    )
    judge: Judge = partial(judges.compilation, compiled)
    start = partial(hidden_asm.compiled, planner, services, action, unit, on_metadata)
    if unit.kind is UnitKind.PROGRAM:
        start = partial(_with_what_follows_prepared, planner, services, unit, start)
    return Job(
        action=action,
        folder=folder,
        results=unit.folder,
        verb=_verb(unit.kind),
        subject=_of_script(planner, unit) if is_script else planner.targets.named(unit.label, unit.target),
        run=_watched(planner, sources, start, judge) if is_script else partial(judged, start, judge),
        shared=not unit.is_incremental,
        judge=judge if action is compiled_by_rustc else None,
        learned=sources.learned,
        learning=learning,
        seeing=partial(reduced, action, sources.own) if sources.own and (is_script or tells_all) else None,
        promised=(f"{unit.id}.rlink",) if unit.kind is UnitKind.PROGRAM else (),
        vouched=".rs",
    )


def _tells_what_it_reads(paths: PathMap, unit: CompileUnit, action: Action) -> bool:
    """Whether dep-info lists all that a compilation reads of its package.

    Macros may read anything, and a linker, or a search for native libraries, reads what dep-info doesn't list.
    """
    links = unit.kind in (UnitKind.BUILD_SCRIPT, UnitKind.PROC_MACRO)
    return not (links or judges.has_macros(action) or link_inputs.searches_package(paths, unit, action))


def _verb(kind: UnitKind) -> str:
    return "Documenting" if kind is UnitKind.DOC else "Checking" if kind.is_checked else "Compiling"


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


def _with_what_follows_prepared(
    planner: Planner, services: Services, unit: CompileUnit, start: Callable[[], Finished]
) -> Finished:
    """Do while rustc compiles a program what would take time afterwards."""
    services.ahead.begin(unit.id, partial(_prepare, planner, services, unit))
    return start()


def _prepare(planner: Planner, services: Services, unit: CompileUnit) -> None:
    time.sleep(STARTING)
    import capstone  # type: ignore[import-untyped]  # noqa: F401, PLC0415 - most starts have nothing to check

    from ostoo_build.loader import check  # noqa: F401, PLC0415 - likewise

    hidden_asm.look_ahead(planner, services, unit)


def run_script(planner: Planner, services: Services, unit: RunBuildScript) -> Record:
    """Run a build script. Raises `OstooError` if a result, from wherever, has instructions that cargo rejects."""
    made = _made(planner, services, unit, _no_one_hears)
    package = build_script.Package(unit.targets, dict(unit.environment).get("CARGO_PKG_RUST_VERSION", ""))
    build_script.check(services.invocation.said(unit, made.stdout), package, f"{unit.package}/build.rs")
    return made


def _made(planner: Planner, services: Services, unit: Unit, ready: Callable[[], None]) -> Record:
    """Make a unit, and again until it was given just those variables of the user's environment that it asks for."""
    former = unit_inputs.last(services, planner.paths, unit)
    known, told = former.learned if former else Learned(), frozenset[str]()
    while True:
        described = _described(planner, services, unit, Snapshot(), known, ready=ready)
        made, asked = _tried(services, unit, described)
        told = told.union(asked)
        known = replace(made.learned if made else known, asked=tuple(sorted(told)))
        is_given_all = known.asked == described.learned.asked
        if made is not None and (is_given_all or made.key == described.of(known).decisive.key):
            break
    if former is None or former.key != made.key:
        for name in unit_inputs.given(unit, told):
            services.console.warn_once(_shared_less(unit, name))
    return made


def _tried(services: Services, unit: Unit, described: Job) -> tuple[Record | None, tuple[str, ...]]:
    """Return the record, or None if it failed for want of a variable, and the names of those that it asked for."""
    try:
        made = services.engine.perform(described)
    except outcome.UnansweredError as error:
        if unit_inputs.given(unit, error.asked).keys() <= unit_inputs.given(unit, described.learned.asked).keys():
            raise
        return None, error.asked
    return made, made.learned.asked


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
