"""A program as one action, from sources to ELF: looked up before any of its units is. Does not build it.

Its key is made from what is there before the build, its units' keys from what others made: so a program that somebody
built already needs neither its units nor their keys.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ostoo_build.actions import action_log
from ostoo_build.actions import record as records
from ostoo_build.actions.action import Action
from ostoo_build.actions.record import Record
from ostoo_build.base import digest, layout, own_source, state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Look
from ostoo_build.base.source_files import write_output
from ostoo_build.cache.action_cache import Place
from ostoo_build.planning.rustc_flags import Kind
from ostoo_build.rules import asked_variables, link_inputs, steps, unit_inputs
from ostoo_build.rules.steps import Places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.actions.record import Output
    from ostoo_build.base.input import Input
    from ostoo_build.invocation.session import Session, Wanted
    from ostoo_build.planning.plan import Asked, PlannedUnit, Program

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
"""What of ours decides a program."""


class Whole(Struct, frozen=True):
    """All that a program depends on.

    `plan` is the digest of its plan, `size_budget` in bytes. `sources` are digests of packages and of what they declare
    besides, by portable path; `target` is what the target's files say. `tool`, `toolchain` and `sysroot` are digests of
    this build's own code, of the toolchain and of the C library, `host` what build scripts run on: empty where nothing
    of it is used. `outputs` are portable paths.
    """

    name: str
    plan: digest.Hash
    size_budget: int | None
    sources: tuple[tuple[str, digest.Hash], ...]
    target: tuple[Input, ...]
    tool: digest.Hash
    toolchain: digest.Hash
    sysroot: digest.Hash
    host: str
    outputs: tuple[str, ...]

    @property
    def action(self) -> Action:
        """What is asked of the action cache."""
        return Action(
            mnemonic="RustProgram",
            arguments=(self.name, self.plan, str(self.size_budget)),
            environment=self.sources,
            inputs=self.target,
            outputs=self.outputs,
            version=digest.of_json([self.tool, self.toolchain, self.sysroot, self.host]),
        )


class Noted(Struct, frozen=True):
    """What the action with this fingerprint made, as it lies at the program's place.

    The key is in the record: to compute it takes longer than all else that a start with nothing to do does.
    """

    fingerprint: digest.Hash
    record: Record


def whole(session: Session, program: Program, size_budget: int | None, look: Look) -> Whole:
    """Find all that the program depends on, as one look sees it. Raises `OSError` for a source that it can't."""
    on_host = any(_runs_here(unit) for unit in program.units)
    return Whole(
        name=program.name,
        plan=digest.of_bytes(msgspec.json.encode(program)),
        size_budget=size_budget,
        sources=tuple(sorted(_sources(session, program, look))),
        target=look.once(("target", program.target), partial(_target, session, program.target)),
        tool=own_source.digest_of(*DECIDED_BY),
        toolchain=session.tools,
        sysroot=steps.sysroot_key(session, program.target) if program.uses_std else "",
        host=session.invocation.host if on_host else "",
        outputs=Places.of(program).published,
    )


def action(session: Session, program: Program, size_budget: int | None, look: Look) -> Action:
    """Describe the program as an action, as one look finds what it depends on."""
    return whole(session, program, size_budget, look).action


def is_current(session: Session, program: Program, wanted: Action) -> bool:
    """Whether the program at its place is what `wanted` makes."""
    noted = _noted(note(session, program))
    if noted is None or noted.fingerprint != wanted.fingerprint:
        return False
    known = noted.record
    if not _are_there(_place(session, program).folder, known):
        return False
    if known.bound_to not in ("", session.engine.cache.root) or not _is_for_this_user(known):
        return False
    _found(session, program, known)
    return True


def restored(session: Session, program: Program, wanted: Action) -> bool:
    """Have the action cache put at its place what `wanted` makes, if it has that."""
    action_log.write(session.engine.log, wanted, wanted.outputs[0])
    found = _kept(session, program, wanted)
    if found is None or session.engine.cache.fetch(_files(session, program, found)):
        return False
    session.report.status("Restored", f"{program.name} from the action cache")
    session.report.messages((found.stderr,))
    _write_down(session, program, Noted(wanted.fingerprint, found))
    return True


def is_kept(session: Session, program: Program, wanted: Action) -> bool:
    """Whether `restored` would put it there."""
    found = _kept(session, program, wanted)
    return found is not None and session.engine.cache.has(_files(session, program, found))


def _kept(session: Session, program: Program, wanted: Action) -> Record | None:
    found = None if program.is_incremental else session.engine.cache.lookup(wanted, _place(session, program))
    return found if found and _is_for_this_user(found) else None


def _files(session: Session, program: Program, record: Record) -> list[tuple[Path, Output]]:
    folder = _place(session, program).folder
    return [(folder / name, output) for name, output in record.outputs.items()]


def renew(session: Session) -> None:
    """Look at the sources of what is to be built once more."""
    look = Look()
    for asked, known in session.wanted.items():
        session.wanted[asked] = dataclasses.replace(
            known, action=action(session, known.program, known.size_budget, look)
        )


def remember(session: Session, program: Program) -> None:
    """Note that the program at its place is what is wanted, if it is.

    A source may have changed while it was built, and back again: so the key of each part is computed once more.
    """
    look = Look()
    known = session.wanted[program.asked]
    if not _is_made_of_these(session, known, look):
        return
    wanted = action(session, program, known.size_budget, look)
    place = _place(session, program)
    units = [session.engine.result(session.root / unit.folder) for unit in program.units]
    made = Record(
        key=wanted.key,
        outputs={name: records.observe(place.folder / name) for name in _names(program)},
        stdout=asked_variables.to_text(_variables_asked_for(session, program)),
        stderr="".join(unit.stderr for unit in units),
        bound_to=next((unit.bound_to for unit in units if unit.bound_to), ""),
    )
    _write_down(session, program, Noted(wanted.fingerprint, made))
    if not program.is_incremental:
        session.engine.cache.store(wanted, made, place)


def _is_made_of_these(session: Session, wanted: Wanted, look: Look) -> bool:
    """Whether each part's record is that of the action which the sources give now, and the program what they made."""
    program = wanted.program
    spec = session.paths.input(session.spec_file(program.target))
    if session.invocation.targets[program.target] != spec:
        return False
    for job in steps.jobs(session, wanted, look):
        settled = session.engine.settled[job.folder]
        # equal actions have equal keys, and that of the settled one is known
        if job.action != settled.job.action or records.load(job.folder) != settled.record or not settled.is_kept:
            return False
    places, name = Places.of(program), program.units[-1].id
    pairs = zip((places.linked, places.unstripped), places.published, strict=True)
    return all(
        session.engine.result(session.root / folder).outputs[name] == records.observe(session.root / published)
        for folder, published in pairs
    )


def _variables_asked_for(session: Session, program: Program) -> Iterator[str]:
    """The undeclared variables that its build scripts ask for."""
    for unit in program.units:
        if unit.kind is Kind.RUN:
            job, made = session.engine.settled[session.root / unit.folder]
            yield from asked_variables.of_script(made.stdout, unit.package, dict(job.action.environment))


def _target(session: Session, target: str) -> tuple[Input, ...]:
    return tuple(session.paths.input(path) for path in steps.all_target_files(session, target))


def _sources(session: Session, program: Program, look: Look) -> Iterator[tuple[str, digest.Hash]]:
    """Digests of packages and of what they declare besides, by portable path: packages may lie within each other.

    Units of one package may read different files of it.
    """
    found: dict[str, set[digest.Hash]] = {}
    for entry in link_inputs.planned(session, program.units[-1], look):
        found.setdefault(entry.path, set()).add(entry.sha256)
    for unit in program.units:
        entries = unit_inputs.of(session, unit, look)
        inside = tuple(entry for entry in entries if f"{entry.path}/".startswith(f"{unit.package}/"))
        found.setdefault(unit.package, set()).add(look.once(("package", inside), partial(digest.of_json, inside)))
        links = unit_inputs.links(session, unit, unit_inputs.known_reads(session, unit))
        found[unit.package].update([links] if links else [])
        for entry in entries:
            if entry not in inside:
                found.setdefault(entry.path, set()).add(entry.sha256)
        for path, asked in unit_inputs.makers(session, unit).items():
            other = action(session, session.plan(*asked), None, look)
            found.setdefault(session.paths.input_path(path), set()).add(other.fingerprint)
    for name, digests in found.items():
        yield name, next(iter(digests)) if len(digests) == 1 else digest.of_json(sorted(digests))


def take_away_lost(session: Session) -> None:
    """Take away what was published of programs that no workspace has any more, as far as it is what was published."""
    notes = session.root / layout.PROGRAMS
    for path in sorted(notes.rglob("*.json")):
        *places, name = path.relative_to(notes).with_suffix("").parts
        _target, _profile, first, *_ = (*places, name, "", "")
        program = layout.tested(first) or first
        if program not in session.programs.binaries:
            known = _noted(path)
            folder = session.root.joinpath(layout.BUILD, *places)
            for name, output in known.record.outputs.items() if known else ():
                if records.is_good(folder / name, output):
                    session.report.status("Removing", f"{name}: no workspace has this program any more")
                    state_file.remove(folder / name)
            state_file.remove(path)


def makers(session: Session, program: Program, above: tuple[Asked, ...] = ()) -> dict[Asked, None]:
    """The programs that a program reads, and those that these read, first those that have to be built first.

    Raises `OstooError` where a program would have to be built before itself.
    """
    within = (*above, program.asked)
    found: dict[Asked, None] = {}
    for unit in program.units:
        for asked in unit_inputs.makers(session, unit).values():
            if asked in within:
                circle = " -> ".join(name for name, _ in (*within, asked))
                raise OstooError(f"programs read each other: {circle}", where=f"{unit.package}/Cargo.toml")
            found |= {**makers(session, session.plan(*asked), within), asked: None}
    return found


def _runs_here(unit: PlannedUnit) -> bool:
    """What std itself runs on the host has the same outcome on each."""
    return not unit.is_std and unit.kind in (Kind.BUILD_SCRIPT, Kind.PROC_MACRO, Kind.RUN)


def _is_for_this_user(known: Record) -> bool:
    """Whether its build scripts would be told what they were told; else one of them refuses by name."""
    try:
        return asked_variables.are_unset(asked_variables.from_text(known.stdout))
    except ValueError:
        return False


def _are_there(folder: Path, known: Record) -> bool:
    """Programs share their folder, so nothing is noted in it about one of them: contents are compared."""
    try:
        return all(records.holds(folder / name, output) for name, output in known.outputs.items())
    except OSError:
        return False


def _names(program: Program) -> list[str]:
    return [path.rpartition("/")[2] for path in Places.of(program).published]


def _place(session: Session, program: Program) -> Place:
    folder = Places.of(program).published[0].rpartition("/")[0]
    return Place(folder, session.root / folder)


def _write_down(session: Session, program: Program, noted: Noted) -> None:
    content = noted.fingerprint.encode() + b"\n" + noted.record.to_bytes()
    write_output(note(session, program), state_file.sealed(content))
    _found(session, program, noted.record)


def _noted(path: Path) -> Noted | None:
    """Read a note; None where there is none, or it can't be understood."""
    content = state_file.recall_sealed(path)
    if content is None:
        return None
    fingerprint, _, record = content.partition(b"\n")
    try:
        return Noted(fingerprint.decode(), Record.from_bytes(record))
    except (ValueError, RecursionError):
        state_file.found_damaged(path)
        return None


def _found(session: Session, program: Program, record: Record) -> None:
    session.current[program.asked] = dict(_files(session, program, record))


def note(session: Session, program: Program) -> Path:
    """The file with what is noted of the program at its place."""
    return session.root / layout.note(program.target, program.profile, program.name)
