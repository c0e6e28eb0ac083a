"""Verifies the result of a process, wherever it ran: exit code, messages, files read, files written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions import compiler_output
from ostoo_build.actions.learned import Learned
from ostoo_build.actions.outcome import OUT, Outcome, UnansweredError
from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import refuse_odd
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.paths import is_local
from ostoo_build.binary import entry
from ostoo_build.planning.rustc_flags import DEP_INFO, UnitKind
from ostoo_build.rules import asked_variables, asm_proof, link_proof, proof
from ostoo_build.rust import build_script, dep_info, module_files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Finished
    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import CompileUnit, PlannedUnit, RunBuildScript
    from ostoo_build.rust.dep_info import DepInfo


_NO_ENTRY = lazy_pattern(r"cannot find entry symbol (\S+?);")
"""LLD's message."""


ReportedInputs = tuple[str, ...]
"""Portable paths of undeclared inputs that an earlier run of the action reported."""


_MACRO = (".so", ".dylib", ".dll")


class Compiled(Struct, frozen=True):
    """A compiled unit, the paths of this machine, and the inputs that became known in an earlier run.

    `given` are the variables of the user's environment among the action's. `hides` says whether macros may create
    assembly, `check` raises `OstooError` for an undeclared library. `unseen` are inputs that dep-info does not list.
    `own` are the editable files of its package if dep-info and `unseen` list all that are read of them, else None.
    """

    action: Action
    unit: CompileUnit
    reported: ReportedInputs
    given: Collection[str]
    here: PathMap
    hides: Callable[[Finished], bool]
    check: Callable[[Finished], None]
    unseen: frozenset[str]
    own: frozenset[str] | None


def compilation(compiled: Compiled, done: Finished) -> Outcome:
    """Verify what rustc read, and return its outputs.

    Raises `ToolFailed` (`UnansweredError` if it asked for variables), and `OstooError` for an undeclared input.
    """
    action, unit, reported = compiled.action, compiled.unit, compiled.reported
    asked = asked_of(action, compiled.given, done)
    stderr = _said(unit.label, done, asked)
    read = dep_info.parse(done.read(DEP_INFO).decode("utf-8"))
    _check_environment(read, action, unit, done.paths, asked)
    reads = reported if done.is_hermetic else proof.prove(read, action, reported, done.paths, unit.package)
    if not done.is_hermetic:
        compiled.check(done)
    outputs = _outputs(unit, done.files)
    sees_no_others = done.is_hermetic or done.is_shut_in
    hides = done.expanded is None and compiled.hides(done)
    scene = asm_proof.AsmContext(action, unit, done.paths, compiled.here, sees_no_others, done.expanded, hides)
    assembled = asm_proof.prove(read, scene)
    unproved = compiled.unseen.union(entry.path for entry in asm_proof.taken(assembled))
    holds_root = _holds_root(action, read, done)
    learned = Learned(reads, asked, _seen(compiled.own, read, action, unproved, done.paths))
    stdout = compiler_output.joined(assembled, _diagnostics(done))
    return Outcome(outputs, stderr, stdout, holds_root, learned, unproved=unproved)


def _outputs(unit: CompileUnit, files: tuple[str, ...]) -> tuple[str, ...]:
    if unit.kind is UnitKind.DOC:
        return tuple(sorted(name for name in files if name != DEP_INFO and not name.endswith("/.lock")))
    return tuple(_program_files(files, unit.id)) if unit.kind is UnitKind.PROGRAM else unit.outputs


def _seen(
    own: frozenset[str] | None, read: DepInfo, action: Action, unproved: frozenset[str], paths: PathMap
) -> tuple[str, ...] | None:
    """Return which files of its package rustc read, and where else it looked for them; None if it may be any."""
    if not own or own <= unproved:
        return None
    directory = Path(paths.root, paths.expand(action.directory))
    files = own.intersection((*(paths.input_path(directory / name) for name in read.files), *unproved))
    return tuple(sorted({*files, *filter(None, map(module_files.other_place, files))}))


def asked_of(action: Action, given: Collection[str], done: Finished) -> tuple[str, ...]:
    """Return the undeclared variables that a crate asks for; rustc lists them even if it fails."""
    if DEP_INFO not in done.files:
        return ()
    read = dep_info.parse(done.read(DEP_INFO).decode("utf-8"))
    return asked_variables.of_crate(read, _declared(action, given))


def _declared(action: Action, given: Collection[str]) -> set[str]:
    return {name for name, _ in action.environment if name not in given}


def run(
    action: Action, unit: RunBuildScript, reported: ReportedInputs, given: Collection[str], done: Finished
) -> Outcome:
    """Parse a build script's instructions. Raises `UnansweredError`, and `OstooError` for an undeclared input.

    `given` are the variables of the user's environment among the action's.
    """
    instructions = build_script.parse(done.stdout, f"{unit.package}/build.rs")
    asked = asked_variables.of_script(instructions, _declared(action, given))
    if done.returncode or instructions.errors:
        said = (*instructions.errors, done.stderr)
        what, messages = f"the build script of {unit.label} failed", tuple(text for text in said if text)
        raise UnansweredError(what, messages, asked)
    declared = {entry.path for entry in action.inputs if entry.path not in reported}
    led = (name for name in done.led if not _lies_among(declared, done.paths.input_path(name)))
    reads = tuple(dict.fromkeys(_more_reads(declared, (*instructions.changed_files, *led), unit, done.paths)))
    warnings = "".join(f"warning: {unit.label}: {text}\n" for text in instructions.warnings)
    outputs = tuple(name for name in done.files if name.startswith(f"{OUT}/"))
    refuse_odd(Path(done.paths.root, unit.folder), (*outputs, *done.folders))
    stdout = done.paths.portable_text(done.stdout)
    # its instructions are made portable, its files stay unchanged
    holds_root = any(_tells_root(text, done.paths) for text in (stdout.encode(), *map(done.read, outputs)))
    return Outcome(outputs, warnings, stdout, holds_root, Learned(reads, asked), done.folders)


def link(action: Action, program: Program, done: Finished) -> Outcome:
    """Verify what the linker read. Raises `ToolFailed` if it made no program.

    Raises `OstooError` for an undeclared input, and for a program without an entry point.
    """
    said, unit = _said(program.name, done, ()), program.unit
    if not done.is_hermetic:
        name = link_proof.dependency_file(unit.folder, unit.id)
        text = done.read(name.removeprefix(f"{unit.folder}/")).decode("utf-8", "surrogateescape")
        link_proof.prove(text, action, unit.folder, done.paths, f"{unit.package}/Cargo.toml")
    if entry.is_missing(done.read(unit.id)):
        symbol = next(iter(_NO_ENTRY.findall(said)), "_start")
        raise OstooError(
            f"the program {program.name} has no entry point: no object defines the symbol {symbol}",
            where=f"{unit.package}/Cargo.toml",
            remedy=f"depend on a crate that defines it, as ostoo-rt does, and name that crate in the program\n"
            f"(`./ostoo new` writes both), or define {symbol} in the program{_of_libc(program, symbol)}",
        )
    return Outcome((unit.id,), said)


def _of_libc(program: Program, symbol: str) -> str:
    """Suggest libc's start files, for programs whose `main` std calls."""
    if not (program.uses_std and symbol == "_start"):
        return ""
    return f',\nor let libc start it: write crt = "musl" in the table [targets.{program.target}] of ostoo.toml'


def _said(subject: str, done: Finished, asked: tuple[str, ...]) -> str:
    stderr = "".join(_rendered(done.stderr))
    if done.returncode:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        failed = UnansweredError(f"could not compile {subject} ({how})", (stderr,), asked)
        failed.diagnostics = _diagnostics(done)
        raise failed
    return stderr


def _diagnostics(done: Finished) -> str:
    """Return rustc's diagnostics in its own form, for programs that read them."""
    lines = (line for line in done.stderr.splitlines(keepends=True) if line.startswith('{"$message_type":"diagnostic"'))
    return done.paths.portable_text("".join(lines))


def _check_environment(
    read: DepInfo, action: Action, unit: PlannedUnit, paths: PathMap, asked: tuple[str, ...]
) -> None:
    """Raise `UnansweredError` for a variable of which the crate has another value than the action's key."""
    declared = dict(action.environment)
    for name, value in read.variables.items():
        if value != (paths.expand(declared[name]) if name in declared else None):
            raise UnansweredError(
                f"the crate reads the environment variable {name}, which the build sets for rustc itself",
                (),
                asked,
                where=f"{unit.package}/Cargo.toml",
                remedy=f"set {name} under [env] in .cargo/config.toml of the workspace, with `force = true`",
            )


def _holds_root(action: Action, read: DepInfo, done: Finished) -> bool:
    """Whether the outputs may contain this checkout's path.

    Either `env!` gave it to the crate, as dep-info tells; or a macro read it, which no output tells; or rustc wrote it
    for the linker.
    """
    portable = dict(action.environment)
    if any("@{" in portable.get(name, "").replace("@{at}", "") for name in read.variables):
        return True
    may_tell = has_macros(action)
    suspects = [name for name in done.files if name.endswith(".rlink") or (may_tell and name != DEP_INFO)]
    return any(_tells_root(done.read(name), done.paths) for name in suspects)


def has_macros(action: Action) -> bool:
    """Whether a compilation may load macros, which can read anything."""
    return any(is_local(entry.path) and entry.path.endswith(_MACRO) for entry in action.inputs)


def _tells_root(content: bytes, paths: PathMap) -> bool:
    return any(mark.encode() in content for mark in paths.marks)


def _lies_among(declared: set[str], path: str) -> bool:
    """Whether a path is an output of another step, all of which are inputs."""
    return layout.is_in_build(path) and any(f"{name}/".startswith(f"{path}/") for name in declared)


def _more_reads(declared: set[str], names: Iterable[str], unit: PlannedUnit, paths: PathMap) -> Iterator[str]:
    """Yield the undeclared paths that a build script names. Raises `OstooError` for outputs of other steps."""
    package = Path(paths.root, paths.expand(unit.package))
    # std's source is part of the toolchain, whose digest is in every key
    known = (f"{unit.folder}/", "@{rust-src}/", *([] if is_local(unit.package) else [f"{unit.package}/"]))
    for name in names:
        path = paths.input_path(package / name)
        if f"{path}/".startswith(known):
            continue
        if layout.is_in_build(f"{path}/"):
            raise OstooError(
                f"the build script reads {path}, which builds write",
                where=f"{unit.package}/build.rs",
                remedy="name a file that no build writes",
            )
        place = Path(paths.root, paths.expand(path))
        # undeclared entries may appear in a folder later: a hidden file, an empty folder
        if place.is_dir() or not place.is_file() or paths.input_path(place) not in declared:
            yield path


def _program_files(files: tuple[str, ...], unit_id: str) -> Iterator[str]:
    """Yield the objects of a program that is not linked yet, and its `.rlink` file."""
    for name in sorted(files):
        if name == f"{unit_id}.rlink" or ("/" not in name and name.endswith(".o")):
            yield name


def _rendered(stderr: str) -> Iterator[str]:
    """Yield diagnostics as rustc renders them, and any other output, such as a crash, unchanged."""
    for line in stderr.splitlines(keepends=True):
        try:
            diagnostic = json.loads(line)
        except ValueError:
            yield line
            continue
        if isinstance(diagnostic, dict) and diagnostic.get("rendered"):
            yield diagnostic["rendered"]
