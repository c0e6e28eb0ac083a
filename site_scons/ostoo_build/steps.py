"""Carries out one node of the graph: completes its action and has the engine perform it. Does not order nodes."""

from __future__ import annotations

import filecmp
import os
import shutil
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build import digest, source_tree, sysroot, target_spec
from ostoo_build.errors import OstooError
from ostoo_build.execution import record as records
from ostoo_build.execution import requests
from ostoo_build.execution.action import Action
from ostoo_build.execution.engine import Job, Outcome
from ostoo_build.execution.record import Record
from ostoo_build.rustc import Kind
from ostoo_build.sysroot_contract import MACHINES
from ostoo_build.target_spec import CheckRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.execution.compilation import Compilation
    from ostoo_build.execution.requests import Inputs
    from ostoo_build.plan import PlannedUnit, Program
    from ostoo_build.session import Session

_CHECKED = "checked.json"


@dataclass(frozen=True)
class Places:
    """Where the outputs of a program lie, relative to the root."""

    linked: str
    check: str
    program: str

    @staticmethod
    def of(program: Program, target: str) -> Places:
        folder = f"build/{target}/{program.profile}"
        unit = program.units[-1]
        return Places(f"{unit.folder}/linked", f"{unit.folder}/check", f"{folder}/{program.name}")


def check_target(session: Session) -> None:
    """Validate the target spec."""
    inputs = tuple((session.paths.portable(path), digest.of_file(path)) for path in target_files(session))
    folder = session.root / target_folder(session)
    request = CheckRequest(session.target, session.toolchain.rustc, session.workspace.rustc.environment)

    def run() -> Outcome:
        target_spec.check(request)
        source_tree.write_atomically(folder / _CHECKED, digest.canonical_json(dict(inputs)))
        return Outcome((_CHECKED,))

    action = Action("TargetSpecCheck", (session.target.stem,), (), inputs, session.tools)
    session.engine.perform(Job(action, folder, "Checking", f"target {session.target.stem}", run))


def target_files(session: Session) -> list[Path]:
    """What the check of the target spec reads."""
    return [session.target, *sorted(session.target.parent.glob("*.schema.json"))]


def target_folder(session: Session) -> str:
    """Where the verdict on the target spec lies."""
    return f"build/{session.target.stem}/target-spec"


def make_sysroot(session: Session) -> None:
    """Have the sysroot's provider write it."""
    machine = MACHINES[session.spec.arch]
    folder = session.root / sysroot_folder(session)

    def run() -> Outcome:
        sysroot.provide(session.sysroot, machine, folder)
        return Outcome(tuple(str(path.relative_to(folder)) for path in source_tree.package_files(folder)))

    action = Action("MuslSysroot", (machine.arch,), (), (), sysroot_key(session))
    subject = f"sysroot {folder.name} from {session.options.sysroot}"
    session.engine.perform(Job(action, folder, "Providing", subject, run))


def sysroot_key(session: Session) -> digest.Hash:
    """Return what decides the sysroot's bytes. Raises `OstooError` for a provider or machine that there is none of."""
    if session.spec.arch not in MACHINES:
        raise OstooError(f"there is no sysroot for {session.spec.arch}", where=str(session.target))
    return sysroot.key(session.sysroot, MACHINES[session.spec.arch])


def sysroot_folder(session: Session) -> str:
    """Where the sysroot lies, as the workspace's cargo configuration names it too."""
    return f"sysroot/{session.target.stem}"


def run_build_script(session: Session, unit: PlannedUnit, sources: Inputs) -> None:
    """Run a build script; `sources` are the files of its package."""
    action = requests.run_action(session.invocation, unit, sources, _read_by(session, unit))
    work = partial(session.runner.run_build_script, action, unit)
    session.engine.perform(Job(action, session.root / unit.folder, "Running", f"{unit.label} (build script)", work))


def compilation(session: Session, unit: PlannedUnit, sources: Inputs) -> Compilation:
    """Have a unit compiled in the background, once; `sources` are the files of its package."""
    folder = session.root / unit.folder
    action = requests.compile_action(session.invocation, unit, sources, _read_by(session, unit))
    subject = f"{unit.label} (build script)" if unit.kind is Kind.BUILD_SCRIPT else unit.label

    if unit.kind is Kind.PROGRAM:
        threading.Thread(target=_load_checks).start()

    def work(ready: Callable[[], None]) -> None:
        def on_metadata() -> None:
            name = unit.outputs[0]
            records.save_metadata(folder, Record(action.key, {name: records.observe(folder / name)}))
            ready()

        run = partial(session.runner.compile, action, unit, on_metadata)
        made = session.engine.perform(Job(action, folder, "Compiling", subject, run))
        if unit.kind is Kind.LIBRARY:
            name = unit.outputs[0]
            records.save_metadata(folder, Record(action.key, {name: made.outputs[name]}))

    return session.compilations.start(unit.id, work)


def link(session: Session, program: Program) -> None:
    """Link a program; only one that uses std takes anything of the sysroot."""
    unit = program.units[-1]
    known = {**_read_by(session, unit), unit.id: _record(session, unit.record)}
    libraries = tuple(_sysroot_libraries(session)) if program.uses_std else ()
    action = requests.link_action(session.invocation, program, libraries, known)
    folder = session.root / Places.of(program, session.target.stem).linked
    session.engine.perform(Job(action, folder, "Linking", program.name, lambda: session.runner.link(action, program)))


def check_program(session: Session, program: Program, size_budget: int | None) -> None:
    """Hold a linked program against the loader's contract."""
    from ostoo_build import elf_check, elf_rules, loader_contract  # noqa: PLC0415 - most starts have nothing to check

    places = Places.of(program, session.target.stem)
    contract, schema = contract_files(session)
    linked = f"{places.linked}/{program.name}"
    facts = elf_rules.ProgramFacts(program.name, uses_std=program.uses_std, size_budget=size_budget)
    folder = session.root / places.check

    def run() -> Outcome:
        report = elf_check.verify(session.root / linked, loader_contract.load(contract), facts)
        source_tree.write_atomically(folder / "report.json", report.to_json().encode())
        return Outcome(("report.json",))

    made = _record(session, f"{places.linked}/{records.NAME}").outputs[program.name]
    read = tuple((session.paths.portable(path), digest.of_file(path)) for path in (contract, schema))
    inputs = ((linked, made.sha256), *read)
    arguments = (program.name, str(program.uses_std), str(size_budget))
    action = Action("ElfCheck", arguments, (), inputs, rules_digest())
    session.engine.perform(Job(action, folder, "Checking", program.name, run))


def _load_checks() -> None:
    """Import what checks programs: while rustc works, that costs nobody time."""
    import capstone  # type: ignore[import-untyped]  # noqa: F401, PLC0415 - most starts have nothing to check
    import jsonschema  # noqa: F401, PLC0415 - likewise

    from ostoo_build import elf_check, loader_contract  # noqa: F401, PLC0415 - likewise


def contract_files(session: Session) -> list[Path]:
    """What the target's loader demands, and the schema of that, beside the target spec; none where nobody wrote it."""
    contract = session.target.with_suffix(".loader.json")
    return [contract, contract.with_name("loader.schema.json")] if contract.is_file() else []


def rules_digest() -> digest.Hash:
    """Digest of the checks themselves: a program is checked again when they change, though never compiled again."""
    modules = ("elf", "elf_check", "elf_rules", "disassembly", "loader_contract", "sizes")
    return digest.of_json([digest.of_file(Path(__file__).with_name(f"{module}.py")) for module in modules])


def deploy(session: Session, source: Path, destination: Path) -> None:
    """Copy a program to the folder that the target's machine sees."""
    session.report.status("Deploying", str(destination))
    publish(source, destination)


def publish(source: Path, destination: Path) -> None:
    """Put a file where people look for it: whole, and only now in the place of the former one."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    temporary = destination.with_name(f".{destination.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, temporary)
        temporary.chmod(0o755)
        temporary.replace(destination)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OstooError(f"can't write {destination}: {error.strerror}", where=str(destination.parent)) from error


def drop_if_altered(session: Session, folder: str) -> None:
    """Take away a record whose outputs somebody changed since: they are made again."""
    path = session.root / folder
    known = records.load(path)
    if known is None or not records.is_intact(path, known):
        records.discard(path)


def drop_if_differs(source: Path, destination: Path) -> None:
    """Take a published file away that is not what was linked: it is put there again."""
    if destination.exists() and not (source.exists() and filecmp.cmp(source, destination, shallow=False)):
        destination.unlink()


def _read_by(session: Session, unit: PlannedUnit) -> dict[str, Record]:
    """The records of what a unit is made from, by unit id."""
    prerequisites = [session.units[id_] for id_ in unit.prerequisites]
    return {other.id: _record(session, unit.read_of(other)) for other in prerequisites}


def _record(session: Session, path: str) -> Record:
    known = records.read(session.root / path)
    if known is None:
        raise OstooError("outputs of an earlier step are gone", where=path, remedy="run the build again")
    return known


def _sysroot_libraries(session: Session) -> Inputs:
    folder = sysroot_folder(session)
    outputs = _record(session, f"{folder}/{records.NAME}").outputs
    return tuple((f"{folder}/{name}", output.sha256) for name, output in outputs.items() if name.endswith(".a"))
