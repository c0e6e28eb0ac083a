"""A whole program as one action, from sources to ELF, which is looked up before any of its units.

Its key depends only on what exists before the build, while a unit's key depends on results of other units. So a cached
program needs neither its units nor their keys.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.actions import record as records
from ostoo_build.actions.learned import Learned
from ostoo_build.actions.record import Record
from ostoo_build.base import decoders, digest, layout, state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import is_of_machine
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.base.source_files import write_output
from ostoo_build.cache.action_cache import OutputLocation
from ostoo_build.execution.decided import Decided, Kind
from ostoo_build.execution.decision import Reason
from ostoo_build.rules import (
    link_inputs,
    loader_check,
    program_key,
    program_link,
    program_parts,
    target_spec,
    unit_inputs,
)
from ostoo_build.rules import unit as unit_rule
from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.record import Output
    from ostoo_build.base.console import Console
    from ostoo_build.execution.job import Job
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program, ProgramId
    from ostoo_build.rules.progress import PendingProgram, Progress


class PublishedProgram(Struct, frozen=True):
    """The published program of the action with this fingerprint, for what runs `told`.

    The record has the key: computing it would take longer than all other work of a start with nothing to do.
    """

    fingerprint: digest.Hash
    told: program_key.Told
    record: Record


class CurrentProgram(Struct, frozen=True):
    """A published program that is what its sources give.

    `files` are its own; `sources` are portable paths of files, and of folders of packages, of which it was made. `said`
    is what the compilers said about it.
    """

    files: dict[Path, Output]
    sources: tuple[str, ...]
    said: str

    def is_touched(self, root: Path, edited: Collection[str]) -> bool:
        """Whether it may be another program since some portable paths in the checkout `root` changed."""
        folders = tuple(f"{name}/" for name in self.sources)
        files = {str(path.relative_to(root)) for path in self.files}
        return any(f"{path}/".startswith(folders) or path in files for path in edited)


def current(planner: Planner, services: Services, pending: PendingProgram) -> CurrentProgram | None:
    """Return the published program if it is what the current sources give, else None."""
    program = pending.program
    valid = _valid(planner, services, pending)
    if valid is None:
        return None
    wanted, noted = valid
    if not _are_there(_place(planner.root, program).folder, noted.record):
        return None
    if noted.record.bound_to not in ("", services.engine.cache.root):
        return None
    sources = (*(name for name, _ in wanted.salt), *(entry.path for entry in wanted.inputs))
    return CurrentProgram(_files(planner.root, program, noted.record), sources, noted.record.stderr)


def _valid(planner: Planner, services: Services, pending: PendingProgram) -> tuple[Action, PublishedProgram] | None:
    """Return the note of the published program, with the action, if that is what the current sources give."""
    noted = _noted(note(planner.root, pending.program))
    if noted is None:
        return None
    wanted = program_key.whole(planner, services, pending, noted.told, services.snapshot).action
    return (wanted, noted) if noted.fingerprint == wanted.fingerprint else None


def told_now(planner: Planner, services: Services, pending: PendingProgram) -> program_key.Told | None:
    """Return what runs told that made a program from the current sources, here or for a cache; None if none is known.

    Raises `OSError` or `OstooError` if no program can be made from them.
    """
    valid = _valid(planner, services, pending)
    if valid is not None:
        return valid[1].told
    found = _kept(planner, services, pending)
    return found.told if found else None


def restored(planner: Planner, services: Services, pending: PendingProgram) -> dict[Path, Output] | None:
    """Restore a program from the action cache and return its files; None if the cache lacks it."""
    program, engine = pending.program, services.engine
    found = _kept(planner, services, pending)
    files = _files(planner.root, program, found.record) if found else {}
    is_had = found is not None and not engine.cache.fetch(files.items())
    if found is None or not is_had:
        told = program_key.known(planner, services, program, services.snapshot)
        _decided(planner, services, pending, told, Kind.PARTS)
        return None
    is_of_team = found.record.key in engine.cache.fetched
    taken = _decided(planner, services, pending, found.told, Kind.TEAM if is_of_team else Kind.CACHED)
    engine.decisions.done(taken)
    services.console.status("Restored", f"{program.name} from the action cache")
    services.console.messages(found.record.stderr)
    _write_down(planner.root, program, PublishedProgram(found.action.fingerprint, found.told, found.record))
    return files


def _decided(
    planner: Planner, services: Services, pending: PendingProgram, told: program_key.Told, kind: Kind
) -> Decided:
    """Note and log what was decided of a program. With its parts a prepared build notes it when they are there."""
    decisions = services.engine.decisions
    entry = program_parts.entry(planner, services, pending, told, services.snapshot)
    reasons = (Reason.UNCACHED,) if kind is Kind.PARTS else ()
    taken = Decided(pending.program.name, entry.mnemonic, entry.results, kind, reasons)
    return decisions.add(taken, entry, None if entry.results in decisions.made else decisions.begin(entry))


def is_kept(planner: Planner, services: Services, pending: PendingProgram) -> bool:
    """Whether `restored` would succeed."""
    found = _kept(planner, services, pending)
    return found is not None and services.engine.cache.has(_files(planner.root, pending.program, found.record).items())


class _KeptProgram(Struct, frozen=True):
    """A program in the action cache, and what its runs told."""

    action: Action
    told: program_key.Told
    record: Record


def _kept(planner: Planner, services: Services, pending: PendingProgram) -> _KeptProgram | None:
    if pending.program.is_incremental:
        return None
    for told in _candidates(planner, services, pending):
        try:
            wanted = program_key.whole(planner, services, pending, told, services.snapshot).action
        except (OSError, OstooError, KeyError):  # what runs elsewhere told can't be here
            continue
        found = services.engine.cache.lookup(wanted, _place(planner.root, pending.program))
        if found is not None:
            return _KeptProgram(wanted, told, found)
    return None


def _candidates(planner: Planner, services: Services, pending: PendingProgram) -> Iterator[program_key.Told]:
    """Yield what the last runs here told, and what others did."""
    mine = program_key.known(planner, services, pending.program, services.snapshot)
    if mine:
        yield mine
    question = program_key.question(planner, services, pending, services.snapshot)
    for text in services.engine.cache.learned(question):
        with contextlib.suppress(ValueError):
            told: program_key.Told = decoders.decode(text.encode(), program_key.Told)
            if told != mine:
                yield told
    if not mine:
        yield mine


def _files(root: Path, program: Program, record: Record) -> dict[Path, Output]:
    folder = _place(root, program).folder
    return {folder / name: output for name, output in record.outputs.items()}


def remember(planner: Planner, services: Services, progress: Progress, program: Program) -> None:
    """Record that the published program is the result of the current sources, if it is.

    A source may have changed and changed back during the build, so the key of each part is computed once more.
    """
    snapshot = Snapshot()
    pending = progress.pending[program.id]
    if not _is_made_of_these(planner, services, pending, snapshot):
        return
    told = _told(planner, services, program, snapshot)
    wanted = program_key.whole(planner, services, pending, told, snapshot).action
    place = _place(planner.root, program)
    units = [services.engine.result(planner.root / unit.folder) for unit in program.units]
    made = Record(
        key=wanted.key,
        outputs={name: records.observe(place.folder / name) for name in _names(program)},
        stderr="".join(unit.stderr for unit in units),
        bound_to=next((unit.bound_to for unit in units if unit.bound_to), ""),
    )
    _write_down(planner.root, program, PublishedProgram(wanted.fingerprint, told, made))
    services.engine.decisions.done(_decided(planner, services, pending, told, Kind.PARTS))
    progress.current[program.id] = _files(planner.root, program, made)
    if not program.is_incremental:
        services.engine.cache.store(wanted, made, place)
        if not any(is_of_machine(path) for learned in told.values() for path in learned.reads):
            question = program_key.question(planner, services, pending, snapshot)
            services.engine.cache.learn(question, msgspec.json.encode(told).decode())


def _told(planner: Planner, services: Services, program: Program, snapshot: Snapshot) -> program_key.Told:
    """Return what runs told of all that the program was made from.

    If its link reads files of packages, each file of them counts: no list says where the linker looked for others.
    """
    told = program_key.known(planner, services, program, snapshot)
    link = services.engine.settled[planner.root / Places.of(program).linked].job.action
    if not link_inputs.names_files(planner, program.unit, link, snapshot):
        return told
    whole = {id_: replace(learned, seen=None) for id_, learned in told.items()}
    return {id_: learned for id_, learned in whole.items() if learned != Learned()}


def _is_made_of_these(planner: Planner, services: Services, pending: PendingProgram, snapshot: Snapshot) -> bool:
    """Whether each part's record has the key that the current sources give, and the program is their result."""
    program, engine = pending.program, services.engine
    (spec,) = unit_inputs.of_files(planner.paths, [planner.targets.spec_file(program.target)], snapshot)
    if services.invocation.targets[program.target] != spec:
        return False
    for job in _jobs(planner, services, pending, snapshot):
        settled = engine.settled[job.folder]
        # equal actions have equal keys, and that of the settled one is known
        if job.decisive != settled.job.decisive or records.load(job.folder) != settled.record or not settled.is_kept:
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
    yield target_spec.job(planner, program.target, snapshot)
    for unit in program.units:
        yield unit_rule.job(planner, services, unit, snapshot)
    yield program_link.job(planner, services, program, snapshot)
    yield program_link.stripped_job(planner, services, program)
    contract = planner.targets.files.contract(program.target)
    if pending.is_checked and contract in target_spec.files_in(planner.targets, program.target, snapshot):
        yield loader_check.job(planner, services, program, pending.size_budget, snapshot)


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
    content = b"\n".join((noted.fingerprint.encode(), msgspec.json.encode(noted.told), noted.record.to_bytes()))
    write_output(note(root, program), state_file.sealed(content))


def _noted(path: Path) -> PublishedProgram | None:
    """Read a note; return None if it is missing or damaged."""
    content = state_file.recall_sealed(path)
    if content is None:
        return None
    try:
        fingerprint, told, record = content.split(b"\n", 2)
        return PublishedProgram(
            fingerprint.decode(), decoders.decode(told, program_key.Told), Record.from_bytes(record)
        )
    except (ValueError, RecursionError):
        state_file.found_damaged(path)
        return None


def note(root: Path, program: Program) -> Path:
    """Return the file with the note about the published program."""
    return root / layout.note(program.target, program.profile, program.name)
