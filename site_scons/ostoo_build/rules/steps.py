"""Carries out one node of the graph: completes its action and has the engine perform it. Does not order nodes."""

from __future__ import annotations

import contextlib
import filecmp
import os
import stat
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions import outcome
from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.base import digest, home, layout, own_source, source_files
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Look
from ostoo_build.execution.engine import Job
from ostoo_build.planning.rustc_flags import Kind
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules import asked_variables, hidden_asm, link_inputs, seen_files, unit_inputs
from ostoo_build.rules import judge as judges
from ostoo_build.rust import build_script
from ostoo_build.sysroot import install as sysroot
from ostoo_build.sysroot import providers as sysroot_providers
from ostoo_build.sysroot.contract import MACHINES
from ostoo_build.target import spec as target_spec
from ostoo_build.target.spec import CheckRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.actions.outcome import Finished
    from ostoo_build.actions.record import Record
    from ostoo_build.base.input import Input
    from ostoo_build.binary.functions import Symbols
    from ostoo_build.execution.background import Compilation
    from ostoo_build.invocation.invocation import Inputs
    from ostoo_build.invocation.session import Session, Wanted
    from ostoo_build.planning.plan import PlannedUnit, Program

    Judge = Callable[[Finished], Outcome]

_CHECKED = "checked.json"

_PROGRAM_MODE = 0o755

DECIDED_BY = ("base", "binary", "loader")
"""What decides a check: a program is checked again when it changes, though never compiled again."""

STRIP_SCRIPT = Path(__file__).with_name("strip.ld")
"""Tells the linker what no loader needs, besides symbols."""


class Places(Struct, frozen=True):
    """Where the outputs of a program lie, relative to the root.

    `published` is what people look for: the program, and the same program with its symbols.
    """

    linked: str
    unstripped: str
    check: str
    published: tuple[str, ...]

    @staticmethod
    def of(program: Program) -> Places:
        published = layout.program(program.target, program.profile, program.name)
        unit = program.units[-1]
        linked, unstripped, check = (f"{unit.folder}/{name}" for name in ("linked", "unstripped", "check"))
        return Places(linked, unstripped, check, (published, f"{published}{layout.SYMBOLS}"))


def target_job(session: Session, target: str) -> Job:
    """Describe how a target spec is validated."""
    inputs = tuple(session.paths.input(path) for path in target_files(session, target))
    folder = target_folder(target)
    request = CheckRequest(session.spec_file(target), session.toolchain.rustc, session.cargo_environment)

    def run() -> Outcome:
        target_spec.check(request)
        checked = {entry.path: entry.sha256 for entry in inputs}
        source_files.write_output(session.root / folder / _CHECKED, digest.canonical_json(checked))
        return Outcome((_CHECKED,))

    action = Action("TargetSpecCheck", (target,), (), inputs, (f"{folder}/{_CHECKED}",), version=session.tools)
    return Job(action, session.root / folder, folder, "Checking", f"target {target}", run)


def target_files(session: Session, target: str) -> list[Path]:
    """What the check of a target spec reads."""
    spec = session.spec_file(target)
    return [spec, spec.with_name(target_spec.POLICY)]


def target_folder(target: str) -> str:
    """Where the verdict on a target spec lies."""
    return layout.target_check(target)


def sysroot_job(session: Session, target: str) -> Job:
    """Describe how the sysroot's provider writes a target's."""
    machine = MACHINES[session.spec(target).arch]
    folder = session.root / sysroot_folder(target)

    def run() -> Outcome:
        sysroot.provide(session.sysroot, machine, folder)
        if sysroot.key(sysroot_providers.choose(session.variables["sysroot"], session.root), machine) != key:
            what = f"what sysroot={session.variables['sysroot']} names changed while it was used"
            raise OstooError(what, remedy="run the build again")
        return Outcome(tuple(str(path.relative_to(folder)) for path in source_files.package_files(folder)))

    name = sysroot_folder(target)
    key = sysroot_key(session, target)
    action = Action("MuslSysroot", (machine.arch,), (), (), (f"{name}/",), version=key)
    subject = f"sysroot {folder.name} from {session.variables['sysroot']}"
    return Job(action, folder, name, "Providing", subject, run, needed=True, promised=sysroot.OUTPUTS)


def sysroot_key(session: Session, target: str) -> digest.Hash:
    """Return what decides a sysroot's bytes. Raises `OstooError` for a provider or machine that there is none of."""
    arch = session.spec(target).arch
    if arch not in MACHINES:
        raise OstooError(f"there is no sysroot for {arch}", where=str(session.spec_file(target)))
    return sysroot.key(session.sysroot, MACHINES[arch])


def sysroot_folder(target: str) -> str:
    """Where a sysroot lies, as the workspace's cargo configuration names it too."""
    return layout.sysroot(target)


def jobs(session: Session, wanted: Wanted, look: Look) -> Iterator[Job]:
    """What makes a program, as one look finds the sources; what it is made from has to be there."""
    program = wanted.program
    for unit in program.units:
        yield unit_job(session, unit, look)
    yield link_job(session, program, look)
    yield unstripped_job(session, program, look)
    if wanted.is_checked and contract_files(session, program.target):
        yield check_job(session, program, wanted.size_budget)


def unit_job(session: Session, unit: PlannedUnit, look: Look, ready: Callable[[], None] = lambda: None) -> Job:
    """Describe how a unit is made of what a look finds; `ready` hears of a library's metadata."""
    found = unit_inputs.found(session, unit, look)
    return _unit_job_reading(session, unit, found, unit_inputs.known_reads(session, unit), ready)


def _unit_job_reading(
    session: Session, unit: PlannedUnit, found: unit_inputs.Found, reads: tuple[str, ...], ready: Callable[[], None]
) -> Job:
    folder = session.root / unit.folder
    more = [entry for entry in unit_inputs.told(session, reads, Look()) if entry not in found.declared]
    sources = (*found.declared, *more)
    told = tuple(entry.path for entry in more)

    def on_metadata() -> None:
        session.engine.announce(job, unit.outputs[0])
        session.timeline.metadata()
        ready()

    known = _read_by(session, unit)
    if unit.kind is Kind.RUN:
        links = unit_inputs.links(session, unit, reads)
        action = rule_actions.run_action(session.invocation, unit, sources, known, links)
        start = partial(session.runner.run_build_script, action, unit)
        judge: Judge = partial(judges.run, action, unit, told)
    else:
        action = rule_actions.compile_action(session.invocation, unit, sources, known)
        unseen = link_inputs.check_libraries(session, unit, action)
        start = partial(hidden_asm.compiled, session, action, unit, on_metadata, session.look)
        hides = partial(hidden_asm.may_be, session, unit, session.look)
        check = partial(link_inputs.check_bundled, session, unit, action)
        compiled = judges.Compiled(action, unit, told, session.paths, hides, check, unseen)
        judge = partial(judges.compilation, compiled)
    if unit.kind is Kind.PROGRAM:
        start = partial(_while_checks_load, start)
    run = partial(_judged, start, judge)
    is_of_script = unit.kind in (Kind.RUN, Kind.BUILD_SCRIPT)
    if is_of_script and found.own:
        run = partial(seen_files.judged, unit, found.own, session.paths, start, judge)
    job = Job(
        action=action,
        folder=folder,
        results=unit.folder,
        verb="Running" if unit.kind is Kind.RUN else "Compiling",
        subject=session.named(f"{unit.label} (build script)" if is_of_script else unit.label, unit.target),
        run=run,
        shared=not unit.is_incremental,
        judge=judge,
        reads=reads,
        reading=lambda others: _unit_job_reading(session, unit, found, others, ready),
        seeing=partial(rule_actions.seeing, action, found.own),
        promised=(f"{unit.id}.rlink",) if unit.kind is Kind.PROGRAM else (),
        tree=outcome.OUT if unit.kind is Kind.RUN else "",
        vouched="" if unit.kind is Kind.RUN else ".rs",
    )
    return job


def _judged(start: Callable[[], Finished], judge: Judge) -> Outcome:
    return judge(start())


def _while_checks_load(start: Callable[[], Finished]) -> Finished:
    """While rustc works, the import of what checks programs costs nobody time."""
    threading.Thread(target=_load_checks).start()
    return start()


def run_build_script(session: Session, unit: PlannedUnit) -> None:
    """Run a build script. Raises `OstooError` where its result, wherever it is from, is not what the user's gives."""
    job = unit_job(session, unit, Look())
    made = session.engine.perform(job)
    script = f"{unit.package}/build.rs"
    package = build_script.Package(unit.targets, dict(unit.environment).get("CARGO_PKG_RUST_VERSION", ""))
    build_script.check(build_script.parse(made.stdout, script), package, script)
    asked_variables.refuse(asked_variables.of_script(made.stdout, script, dict(job.action.environment)), script)


def compilation(session: Session, unit: PlannedUnit) -> Compilation:
    """Have a unit compiled in the background, once."""

    def work(ready: Callable[[], None]) -> None:
        session.engine.perform(unit_job(session, unit, Look(), ready))

    return session.compilations.start(unit.id, work)


def link(session: Session, program: Program, make: Callable[[], Job]) -> None:
    """Perform one of a program's two links, and describe it when the other one has put all objects back."""
    with session.linking(program.units[-1].id):
        session.engine.perform(make())


def link_job(session: Session, program: Program, look: Look) -> Job:
    """Describe the link of what a loader gets: without symbols, whatever the profile says."""
    discard = session.paths.input(STRIP_SCRIPT)
    return _linked(session, program, look, Placed(discard, Places.of(program).linked, program.name))


def unstripped_job(session: Session, program: Program, look: Look) -> Job:
    """Describe the link with all symbols, and the debug information that the profile asks for."""
    place = Placed(None, Places.of(program).unstripped, f"{program.name}{layout.SYMBOLS}")
    return _linked(session, program, look, place)


class Placed(Struct, frozen=True):
    """One of a program's two links: the script for what is left out, where the program lies, what it is called."""

    discard: Input | None
    folder: str
    subject: str


def _linked(session: Session, program: Program, look: Look, placed: Placed) -> Job:
    """Only a program that uses std takes anything of the sysroot."""
    unit = program.units[-1]
    known = {**_read_by(session, unit), unit.id: session.engine.result(session.root / unit.folder)}
    libraries = tuple(_sysroot_libraries(session, program.target)) if program.uses_std else ()
    bare = rule_actions.link_action(session.invocation, program, libraries, known, placed.discard)
    action = link_inputs.complete(session, program, bare, look)
    folder = session.root / placed.folder
    judge = partial(judges.link, action, program)
    run = partial(_judged, partial(session.runner.link, action, program, folder / unit.id), judge)
    named = session.named(placed.subject, program.target)
    first = () if placed.discard else (f"{Places.of(program).linked}/{unit.id}",)
    return Job(action, folder, unit.folder, "Linking", named, run, needed=True, judge=judge, follows=first)


def check_job(session: Session, program: Program, size_budget: int | None) -> Job:
    """Describe how a linked program is held against the loader's contract."""
    places = Places.of(program)
    contract, schema = contract_files(session, program.target)
    linked = f"{places.linked}/{program.units[-1].id}"
    folder = session.root / places.check

    def run() -> Outcome:
        from ostoo_build.loader import check as loader_check  # noqa: PLC0415 - most starts have nothing to check
        from ostoo_build.loader import contract as loader_contract  # noqa: PLC0415 - likewise
        from ostoo_build.loader.rule import ProgramFacts  # noqa: PLC0415 - likewise

        facts = ProgramFacts(program.name, program.uses_std, size_budget, _private_folders(session))
        report = loader_check.verify(
            session.root / linked, loader_contract.load(contract), facts, partial(_symbols, session, program)
        )
        source_files.write_output(folder / "report.json", report.to_json().encode())
        return Outcome(("report.json",))

    made = rule_actions.output_inputs(places.linked, session.engine.result(session.root / places.linked))
    inputs = (*made, *(session.paths.input(path) for path in (contract, schema)))
    arguments = (program.name, str(program.uses_std), str(size_budget))
    outputs = (f"{places.check}/report.json",)
    action = Action("ElfCheck", arguments, (), inputs, outputs, version=own_source.digest_of(*DECIDED_BY))
    subject = session.named(program.name, program.target)
    return Job(action, folder, places.check, "Checking", subject, run)


def _private_folders(session: Session) -> tuple[str, ...]:
    """Folders of this machine that no program may name. They are in no key: a program that names none is the same."""
    paths = session.paths
    places = [paths.root, *(paths.expand(f"@{{{name}}}") for name in ("cargo-home", "toolchain", "rust-src"))]
    return tuple(place for place in (*places, str(home.folder(os.environ))) if place != "/")


def _symbols(session: Session, program: Program) -> Symbols:
    """The functions of a program that is refused: only then the check waits for the link that has their names."""
    from ostoo_build.binary import functions as symbols  # noqa: PLC0415 - a good program does not need it

    link(session, program, lambda: unstripped_job(session, program, Look()))
    return symbols.load(session.root / Places.of(program).unstripped / program.units[-1].id)


def _load_checks() -> None:
    with contextlib.suppress(Exception):  # whoever needs them tells why they can't be loaded
        import capstone  # type: ignore[import-untyped]  # noqa: F401, PLC0415 - most starts have nothing to check

        from ostoo_build.loader import check as loader_check  # noqa: F401, PLC0415 - likewise


def contract_files(session: Session, target: str) -> list[Path]:
    """What a target's loader demands, and the schema of that, beside the target spec; none where nobody wrote it."""
    contract = session.root / layout.contract(target)
    return [contract, contract.with_name(layout.CONTRACT_SCHEMA)] if contract.is_file() else []


def all_target_files(session: Session, target: str) -> list[Path]:
    """What a program's target says of it: spec, contract, and their schemas."""
    return list(dict.fromkeys((*target_files(session, target), *contract_files(session, target))))


def deploy(session: Session, source: Path, destination: Path) -> None:
    """Copy a program to the folder that the target's machine sees, if it is not there."""
    if not is_published(source, destination):
        session.report.status("Deploying", str(destination))
        _put(source, destination)


def publish(source: Path, destination: Path) -> None:
    """Put a file where people look for it: whole, and only now in the place of the former one."""
    if not is_published(source, destination):
        _put(source, destination)


def _put(source: Path, destination: Path) -> None:
    try:
        source_files.copy_whole(source, destination, _PROGRAM_MODE)
    except OSError as error:
        raise OstooError(f"can't write {destination}: {error.strerror}", where=str(destination.parent)) from error


def is_published(source: Path, destination: Path) -> bool:
    """Whether a file was published already: it is the only judge, and what anybody did to the copy is undone."""
    try:
        status = destination.lstat()
        is_program = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == _PROGRAM_MODE
        return is_program and filecmp.cmp(source, destination, shallow=False)
    except OSError:
        return False


def _read_by(session: Session, unit: PlannedUnit) -> dict[str, Record]:
    """The records of what a unit is made from, by unit id."""
    prerequisites = [session.units[id_] for id_ in unit.prerequisites]
    return {other.id: session.engine.result(session.root / other.folder) for other in prerequisites}


def _sysroot_libraries(session: Session, target: str) -> Inputs:
    folder = sysroot_folder(target)
    made = rule_actions.output_inputs(folder, session.engine.result(session.root / folder))
    return tuple(entry for entry in made if entry.path.endswith((".a", ".o")))
