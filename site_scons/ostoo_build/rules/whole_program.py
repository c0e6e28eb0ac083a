"""A whole program as one action, from sources to ELF, which is looked up before any of its units.

Its key depends only on what exists before the build, while a unit's key depends on results of other units. So a cached
program needs neither its units nor their keys.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.actions import action_log
from ostoo_build.actions import record as records
from ostoo_build.actions.action import Action
from ostoo_build.actions.record import Record
from ostoo_build.base import digest, layout, own_source, state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.base.source_files import write_output
from ostoo_build.cache.action_cache import OutputLocation
from ostoo_build.execution.decision import Reason
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import (
    asked_variables,
    link_inputs,
    loader_check,
    musl_sysroot,
    program_link,
    target_spec,
    unit_inputs,
)
from ostoo_build.rules import unit as unit_rule
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.actions.record import Output
    from ostoo_build.base.console import Console
    from ostoo_build.base.input import Input
    from ostoo_build.execution.job import Job
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program, ProgramId
    from ostoo_build.planning.planned_unit import Unit
    from ostoo_build.rules.progress import PendingProgram, Progress

DECIDED_BY = (
    *(
        "actions",
        "base",
        "binary",
        "cache",
        "execution",
        "invocation",
        "loader",
        "planning",
        "reapi",
        "remote",
        "rules",
        "rust",
    ),
    *("sysroot", "target", "toolchain"),
)
"""The packages that decide a program."""


class WholeProgram(Struct, frozen=True):
    """Everything that a program depends on.

    `plan` is the digest of its plan, `size_budget` is in bytes. `sources` are digests of packages and their declared
    inputs by portable path, `target` are the target's files. `tool`, `toolchain` and `sysroot` are digests of this
    build's own code, the toolchain and the C library; `host` identifies the machine that runs build scripts. Each is
    empty if unused. `outputs` are portable paths.
    """

    name: str
    plan: digest.Hash
    size_budget: int | None
    sources: tuple[tuple[str, digest.Hash], ...]
    target: tuple[Input, ...]
    tool: digest.Hash
    toolchain: digest.Hash
    sysroot: digest.Hash
    begins_in_libc: bool
    host: str
    outputs: tuple[str, ...]

    @property
    def action(self) -> Action:
        """Return the action that is looked up in the action cache."""
        return Action(
            mnemonic="RustProgram",
            arguments=(self.name, self.plan, str(self.size_budget)),
            environment=(),
            inputs=self.target,
            outputs=self.outputs,
            version=digest.of_json([self.tool, self.toolchain, self.sysroot, self.begins_in_libc, self.host]),
            salt=self.sources,
        )


class PublishedProgram(Struct, frozen=True):
    """The published program of the action with this fingerprint.

    The record has the key: computing it would take longer than all other work of a start with nothing to do.
    """

    fingerprint: digest.Hash
    record: Record


def whole(
    planner: Planner, services: Services, program: Program, size_budget: int | None, snapshot: Snapshot
) -> WholeProgram:
    """Collect everything that the program depends on. Raises `OSError` for a source that can't be read."""
    on_host = any(_runs_here(unit) for unit in program.units)
    targets = planner.targets
    return WholeProgram(
        name=program.name,
        plan=digest.of_bytes(msgspec.json.encode(program)),
        size_budget=size_budget,
        sources=tuple(sorted(_sources(planner, services, program, snapshot))),
        target=snapshot.get(("target", program.target), partial(_target, planner, program.target)),
        tool=own_source.digest_of(*DECIDED_BY),
        toolchain=planner.tools.sha256,
        sysroot=musl_sysroot.key(targets, services.sysroots, program.target) if program.uses_std else "",
        begins_in_libc=program.uses_std and program.target in services.invocation.with_start_files,
        host=services.invocation.host if on_host else "",
        outputs=Places.of(program).published,
    )


def action(
    planner: Planner, services: Services, program: Program, size_budget: int | None, snapshot: Snapshot
) -> Action:
    """Create the action that stands for the whole program. Raises `OSError` for a source that can't be read."""
    return whole(planner, services, program, size_budget, snapshot).action


def is_current(planner: Planner, services: Services, program: Program, wanted: Action) -> dict[Path, Output] | None:
    """Return the published files if they are the result of `wanted`, else None."""
    noted = _noted(note(planner.root, program))
    if noted is None or noted.fingerprint != wanted.fingerprint:
        return None
    known = noted.record
    if not _are_there(_place(planner.root, program).folder, known):
        return None
    if known.bound_to not in ("", services.engine.cache.root) or not _is_for_this_user(known):
        return None
    return _files(planner.root, program, known)


def restored(planner: Planner, services: Services, program: Program, wanted: Action) -> dict[Path, Output] | None:
    """Restore the result of `wanted` from the action cache and return the files; None if the cache lacks it."""
    found = _kept(planner.root, services, program, wanted)
    files = _files(planner.root, program, found) if found else {}
    is_had = found is not None and not services.engine.cache.fetch(files.items())
    decided = "taken from the cache" if is_had else f"built from its parts: {Reason.UNCACHED.value}"
    action_log.begin(services.engine.log, wanted, wanted.outputs[0])
    action_log.write(services.engine.log, wanted, wanted.outputs[0], decided)
    if found is None or not is_had:
        return None
    services.console.status("Restored", f"{program.name} from the action cache")
    services.console.messages(found.stderr)
    _write_down(planner.root, program, PublishedProgram(wanted.fingerprint, found))
    return files


def tell(planner: Planner, services: Services, program: Program) -> None:
    """Show again what the compilers said about a program that is published."""
    noted = _noted(note(planner.root, program))
    if noted is not None:
        services.console.messages(noted.record.stderr)


def is_kept(planner: Planner, services: Services, program: Program, wanted: Action) -> bool:
    """Whether `restored` would succeed."""
    found = _kept(planner.root, services, program, wanted)
    return found is not None and services.engine.cache.has(_files(planner.root, program, found).items())


def _kept(root: Path, services: Services, program: Program, wanted: Action) -> Record | None:
    found = None if program.is_incremental else services.engine.cache.lookup(wanted, _place(root, program))
    return found if found and _is_for_this_user(found) else None


def _files(root: Path, program: Program, record: Record) -> dict[Path, Output]:
    folder = _place(root, program).folder
    return {folder / name: output for name, output in record.outputs.items()}


def renew(planner: Planner, services: Services, progress: Progress) -> None:
    """Read the sources of the programs to be built once more."""
    snapshot = Snapshot()
    for asked, known in progress.pending.items():
        anew = action(planner, services, known.program, known.size_budget, snapshot)
        progress.pending[asked] = replace(known, action=anew)


def remember(planner: Planner, services: Services, progress: Progress, program: Program) -> None:
    """Record that the published program is the result of the current sources, if it is.

    A source may have changed and changed back during the build, so the key of each part is computed once more.
    """
    snapshot = Snapshot()
    known = progress.pending[program.id]
    if not _is_made_of_these(planner, services, known, snapshot):
        return
    wanted = action(planner, services, program, known.size_budget, snapshot)
    place = _place(planner.root, program)
    units = [services.engine.result(planner.root / unit.folder) for unit in program.units]
    made = Record(
        key=wanted.key,
        outputs={name: records.observe(place.folder / name) for name in _names(program)},
        stdout=asked_variables.to_text(_variables_asked_for(planner, services, program)),
        stderr="".join(unit.stderr for unit in units),
        bound_to=next((unit.bound_to for unit in units if unit.bound_to), ""),
    )
    _write_down(planner.root, program, PublishedProgram(wanted.fingerprint, made))
    progress.current[program.id] = _files(planner.root, program, made)
    if not program.is_incremental:
        services.engine.cache.store(wanted, made, place)


def _is_made_of_these(planner: Planner, services: Services, pending: PendingProgram, snapshot: Snapshot) -> bool:
    """Whether each part's record has the key that the current sources give, and the program is their result."""
    program, engine = pending.program, services.engine
    spec = planner.paths.input(planner.targets.spec_file(program.target))
    if services.invocation.targets[program.target] != spec:
        return False
    for job in _jobs(planner, services, pending, snapshot):
        settled = engine.settled[job.folder]
        # equal actions have equal keys, and that of the settled one is known
        if job.action != settled.job.action or records.load(job.folder) != settled.record or not settled.is_kept:
            return False
    places, name = Places.of(program), program.unit.id
    pairs = zip((places.stripped, places.linked), places.published, strict=True)
    return all(
        engine.result(planner.root / folder).outputs[name] == records.observe(planner.root / published)
        for folder, published in pairs
    )


def _jobs(planner: Planner, services: Services, pending: PendingProgram, snapshot: Snapshot) -> Iterator[Job]:
    """Yield the jobs that make a program from the files in a snapshot; their inputs must exist."""
    program = pending.program
    for unit in program.units:
        yield unit_rule.job(planner, services, unit, snapshot)
    yield program_link.job(planner, services, program, snapshot)
    yield program_link.stripped_job(planner, services, program)
    if pending.is_checked and target_spec.contract_file(planner.targets, program.target):
        yield loader_check.job(planner, services, program, pending.size_budget)


def _variables_asked_for(planner: Planner, services: Services, program: Program) -> Iterator[str]:
    """Yield the variables that its units asked for and were not given, as they are unset."""
    for unit in program.units:
        job, made = services.engine.settled[planner.root / unit.folder]
        given = dict(job.action.environment)
        yield from (name for name in made.asked if name not in given)


def _target(planner: Planner, target: str) -> tuple[Input, ...]:
    return tuple(planner.paths.input(path) for path in target_spec.all_files(planner.targets, target))


def _sources(
    planner: Planner, services: Services, program: Program, snapshot: Snapshot
) -> Iterator[tuple[str, digest.Hash]]:
    """Yield digests of packages and their declared inputs by portable path; packages may be nested.

    Units of one package may read different files of it.
    """
    paths = planner.paths
    found: dict[str, set[digest.Hash]] = {}
    for entry in link_inputs.planned(paths, planner.targets, program.unit, snapshot):
        found.setdefault(entry.path, set()).add(entry.sha256)
    for unit in program.units:
        entries = unit_inputs.of(planner, services, unit, snapshot)
        inside = tuple(entry for entry in entries if f"{entry.path}/".startswith(f"{unit.package}/"))
        found.setdefault(unit.package, set()).add(snapshot.get(("package", inside), partial(digest.of_json, inside)))
        asked_for = unit_inputs.asked_for(paths, unit, unit_inputs.known_reads(services, paths, unit))
        found[unit.package].update([asked_for] if asked_for else [])
        users = unit_inputs.given(unit, unit_inputs.known_variables(services, paths, unit))
        found[unit.package].update([digest.of_json(users)] if users else [])
        for entry in entries:
            if entry not in inside:
                found.setdefault(entry.path, set()).add(entry.sha256)
        for path, asked in unit_inputs.makers(planner, unit).items():
            other = action(planner, services, planner.plan(*asked), None, snapshot)
            found.setdefault(paths.input_path(path), set()).add(other.fingerprint)
    for name, digests in found.items():
        yield name, next(iter(digests)) if len(digests) == 1 else digest.of_json(sorted(digests))


def take_away_lost(planner: Planner, console: Console) -> None:
    """Remove published programs that are in no workspace any more, unless they were modified."""
    notes = planner.root / layout.PROGRAMS
    for path in sorted(notes.rglob("*.json")):
        *places, name = path.relative_to(notes).with_suffix("").parts
        parts = (*places, name)[2:]  # behind target and profile
        program = layout.tested(parts[0]) or "/".join(parts) if parts else ""
        if program not in planner.programs.binaries:
            known = _noted(path)
            folder = planner.root.joinpath(layout.BUILD, *places)
            for name, output in known.record.outputs.items() if known else ():
                if records.is_good(folder / name, output):
                    console.status("Removing", f"{name}: the program is in no workspace any more")
                    state_file.remove(folder / name)
            state_file.remove(path)


def makers(planner: Planner, program: Program, above: tuple[ProgramId, ...] = ()) -> dict[ProgramId, None]:
    """Return the programs that a program reads, directly or indirectly, in build order.

    Raises `OstooError` if a program would have to be built before itself.
    """
    within = (*above, program.id)
    found: dict[ProgramId, None] = {}
    for unit in program.units:
        for asked in unit_inputs.makers(planner, unit).values():
            if asked in within:
                circle = " -> ".join(name for name, _ in (*within, asked))
                raise OstooError(f"programs depend on each other: {circle}", where=f"{unit.package}/Cargo.toml")
            found |= {**makers(planner, planner.plan(*asked), within), asked: None}
    return found


def _runs_here(unit: Unit) -> bool:
    """Whether a unit's result depends on this host; std's own build scripts give the same on each."""
    is_run = isinstance(unit, RunBuildScript) or unit.kind in (UnitKind.BUILD_SCRIPT, UnitKind.PROC_MACRO)
    return is_run and not unit.is_std


def _is_for_this_user(known: Record) -> bool:
    """Whether its units would see the same variables."""
    try:
        return asked_variables.are_unset(asked_variables.from_text(known.stdout))
    except ValueError:
        return False


def _are_there(folder: Path, known: Record) -> bool:
    """Compare the published files with the record by content, as programs share their folder."""
    try:
        return all(records.holds(folder / name, output) for name, output in known.outputs.items())
    except OSError:
        return False


def _names(program: Program) -> list[str]:
    return [path.rpartition("/")[2] for path in Places.of(program).published]


def _place(root: Path, program: Program) -> OutputLocation:
    folder = Places.of(program).published[0].rpartition("/")[0]
    return OutputLocation(folder, root / folder)


def _write_down(root: Path, program: Program, noted: PublishedProgram) -> None:
    content = noted.fingerprint.encode() + b"\n" + noted.record.to_bytes()
    write_output(note(root, program), state_file.sealed(content))


def _noted(path: Path) -> PublishedProgram | None:
    """Read a note; return None if it is missing or damaged."""
    content = state_file.recall_sealed(path)
    if content is None:
        return None
    fingerprint, _, record = content.partition(b"\n")
    try:
        return PublishedProgram(fingerprint.decode(), Record.from_bytes(record))
    except (ValueError, RecursionError):
        state_file.found_damaged(path)
        return None


def note(root: Path, program: Program) -> Path:
    """Return the file with the note about the published program."""
    return root / layout.note(program.target, program.profile, program.name)
